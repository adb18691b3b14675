"""Which caravan people join, and what it spares them."""

from __future__ import annotations

import numpy as np
import pytest

from sim.mechanisms.caravans import forming, safer
from sim.model.network import build
from sim.scenario.whole import Scenario
from tests.small import BB, CC, COUNTRIES, NORTH, PLACES, small


def called(*entries: str) -> Scenario:
    return small(f"interventions=[{', '.join(entries)}]")


def caravan(name: str, **changes: object) -> str:
    entry = {
        "id": name, "kind": "caravan", "at": "[AA_N]", "about": "[CC]", "start": "2020-01",
        "months": 6, "people": 1000, "hazards": 0.5, **changes,
    }  # fmt: skip
    return "{" + ", ".join(f"{key}: {value}" for key, value in entry.items()) + "}"


def left(about: int, people: int) -> np.ndarray:
    counts = np.zeros((len(PLACES), len(COUNTRIES)), np.int64)
    counts[NORTH, about] = people
    return counts


def test_only_those_who_left_for_where_it_goes_make_it_form() -> None:
    scenario = called(caravan("one"))
    assert forming(scenario, left(CC, 1000), 40)[NORTH, CC] == 0
    assert (forming(scenario, left(CC, 999), 40) == -1).all()
    assert (forming(scenario, left(BB, 9000), 40) == -1).all()
    joined = forming(scenario, left(CC, 1000), 40)
    assert (joined >= 0).sum() == 1


def test_of_two_the_one_called_later_counts() -> None:
    early, late = caravan("b"), caravan("a", start="2020-02")
    for order in ((early, late), (late, early)):
        scenario = called(*order)
        number = forming(scenario, left(CC, 2000), 60)[NORTH, CC]
        assert scenario.interventions[number].id == "a"
        number = forming(scenario, left(CC, 2000), 20)[NORTH, CC]
        assert scenario.interventions[number].id == "b"


def test_every_hazard_of_the_way_is_smaller() -> None:
    scenario = called(caravan("one"))
    legs = build(scenario).legs
    spared = safer(legs, scenario.interventions[0])
    for hazard in ("death", "violence", "extortion", "kidnapping"):
        before, after = getattr(legs, hazard), getattr(spared, hazard)
        assert before.max() > 0
        assert after == pytest.approx(0.5 * before)
    assert (spared.days == legs.days).all()
