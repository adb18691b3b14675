"""Naturalisation: who has stayed long enough becomes a citizen, at the rate of the rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim.core.state import DAYS_A_YEAR, I64
from sim.core.terms import Status
from sim.mechanisms.naturalisation import (
    NATURALISED,
    STAYS,
    naturalise,
    regular_households,
    stay_began,
)
from sim.mechanisms.policy import CLASSES, admission_class
from sim.model.substep import substep_of
from sim.model.world import World
from sim.scenario.whole import Scenario
from tests.small import edited, tables, world


@pytest.fixture
def with_rule(tmp_path: Any) -> Any:
    """The small scenario with a rule of CC on naturalisation, at the end of its policies."""

    def read(rows: int = 8_000, **rule: Any) -> Scenario:
        def change(text: dict[str, Any]) -> None:
            text["population"]["agents"] = rows
            text["policies"].append({"id": "cc_citizens", "into": "CC", **rule})

        return edited(tmp_path, change)

    return read


def take(at: World, days: int) -> None:
    """Let the mechanism act alone for a sub-step of days."""
    substep = substep_of(at, at.day + days)
    naturalise(at, substep)
    at.day += days


def living_in(at: World, houses: I64, country: int) -> I64:
    """Those of the households that live in a country."""
    return houses[at.country[at.households.place[houses]] == country]


def test_those_who_have_stayed_are_naturalised_at_the_rate_of_the_rule(with_rule: Any) -> None:
    at = world(with_rule(600_000, naturalisation=0.3))
    houses = regular_households(at)
    of_cc = living_in(at, houses, 2)
    for _ in range(12):
        take(at, 30)
    share = (at.households.status[of_cc] == Status.citizen).mean()
    expected = 1 - 0.7 ** (360 / DAYS_A_YEAR)
    assert share == pytest.approx(expected, abs=4 * np.sqrt(0.21 / len(of_cc)))
    assert len(of_cc) > 2_000
    others = living_in(at, houses, 1)
    assert (at.households.status[others] == Status.regular).all()


def test_a_household_is_naturalised_whole_and_counted_by_where_it_is_from(with_rule: Any) -> None:
    at = world(with_rule(naturalisation=1.0, naturalisation_years=0))
    take(at, 3000)
    households, persons = at.households, at.persons
    mine = (at.country[households.place] == 2) & (at.country[households.home] != 2)
    assert mine.any()
    assert (households.status[mine] == Status.citizen).all()
    # By person.
    houses = persons.household[mine[persons.household]]
    assert len(houses) > mine.sum()
    counted = np.bincount(at.country[households.home[houses]], households.weight[houses], 3)
    assert NATURALISED.of(at)[2].tolist() == counted.tolist()
    assert not NATURALISED.of(at)[:2].any()


def test_only_those_of_whom_the_rule_speaks(with_rule: Any) -> None:
    at = world(with_rule(naturalisation=1.0, naturalisation_years=0, citizens_of=["BB"]))
    take(at, 3000)
    assert NATURALISED.of(at)[2, 1] > 0
    assert NATURALISED.of(at)[2, 0] == 0


def test_who_arrives_waits_for_the_years_of_the_rule(with_rule: Any) -> None:
    at = world(with_rule(naturalisation=0.999999, naturalisation_years=2))
    house = living_in(at, regular_households(at), 2)[0]
    stays = STAYS.of(at)
    assert (stays.household == house).sum() == 1
    stays.since[stays.household == house] = 0.0  # came on the first day
    take(at, 720)
    assert at.households.status[house] == Status.regular
    take(at, 3000)
    assert at.households.status[house] == Status.citizen


def test_a_move_within_the_country_does_not_begin_the_stay_anew(with_rule: Any) -> None:
    at = world(with_rule(naturalisation=1e-9))
    households, houses = at.households, regular_households(at)
    mover, other = living_in(at, houses, 2)[:2]
    leaver = living_in(at, houses, 1)[0]
    households.moved[[mover, leaver]] = 40
    households.place[mover] = 6 if households.place[mover] == 7 else 7
    households.place[leaver] = 7  # to another country
    at.day = 30
    began = dict(zip(houses.tolist(), stay_began(at, houses, 60).tolist(), strict=True))
    assert began[int(mover)] == began[int(other)] == -np.inf
    assert began[int(leaver)] == 40


def test_stays_are_kept_in_the_order_of_rows_as_look_ups_need(with_rule: Any) -> None:
    at = world(with_rule(naturalisation=0.5, naturalisation_years=0))
    for _ in range(3):
        rows = STAYS.of(at).household
        assert len(rows) > 0
        assert (np.diff(rows) > 0).all()
        take(at, 30)


def test_rules_take_the_naturalised_for_citizens_of_their_new_country(with_rule: Any) -> None:
    at = world(with_rule(naturalisation=1.0, naturalisation_years=0))
    households, houses = at.households, regular_households(at)
    before = households.citizenship[houses].copy()
    everybody = households.citizenship.copy()
    assert (before == at.country[households.home[houses]]).all()
    take(at, 3000)
    new = households.status[houses] == Status.citizen
    assert new.any()
    assert (households.citizenship[houses[new]] == 2).all()
    assert (households.citizenship[houses[~new]] == before[~new]).all()
    changed = households.citizenship != everybody
    assert np.flatnonzero(changed).tolist() == houses[new].tolist()
    own = CLASSES.of(at)[2, households.group[houses[new]]]
    assert (admission_class(at, houses[new]) == own).all()


def test_the_naturalised_are_not_back_home(with_rule: Any) -> None:
    """They live abroad as before: whoever is counted there by country of origin still is."""
    rule = {"naturalisation": 0.5, "naturalisation_years": 0.5}
    run = tables(with_rule(**rule))
    stocks, naturalised = run["stocks"], run["naturalisations"]
    assert naturalised["people"].sum() > 0
    end = stocks[stocks["date"] == stocks["date"].max()]
    there = (end["country"] == "CC") & (end["citizenship"] != "CC") & (end["status"] == "citizen")
    # Some have died, were joined by children born to them, or have moved on.
    assert 0.5 < end["people"][there].sum() / naturalised["people"].sum() < 1.5
    flows = run["flows"]
    home = flows[flows["channel"] == "home"]
    assert (home["destination_country"].astype(str) == home["citizenship"].astype(str)).all()


def test_without_a_rule_nobody_is_followed_and_the_table_is_empty(with_rule: Any) -> None:
    at = world()
    naturalise(at, substep_of(at, 3000))
    assert not len(STAYS.of(at).household)
    assert not NATURALISED.of(at).any()
    assert not len(tables()["naturalisations"])


def test_a_rule_that_is_switched_off_changes_nothing(with_rule: Any) -> None:
    off = tables(with_rule(naturalisation=0.5, enabled=False))
    for name, frame in tables().items():
        assert frame.equals(off[name]), name
