"""What protection makes of a status: income, exposure, pace of settling."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.core.terms import Status, Threat
from sim.kernels.living import N_STATUS
from sim.mechanisms.decide import current_conditions
from sim.mechanisms.exposure import vulnerability_odds
from sim.mechanisms.protection import exposed_odds, standing
from sim.mechanisms.threats import THREATS
from sim.schema import SettlingFactors, StatusFactors
from tests.small import PLACES, small, world
from tests.worlds import prepare, rates_of

FLED = (Status.refugee, Status.claimant)


def test_without_protection_those_who_fled_live_as_irregular_people_do():
    for factors in (StatusFactors(), SettlingFactors()):
        table = standing(factors, np.array([1.0, 0.25, 0.0]))
        own = np.array([getattr(factors, status.name) for status in Status])
        np.testing.assert_array_equal(table[0], own)
        for status in Status:
            if status in FLED:
                half_way = own[Status.irregular] * 0.75 + own[status] * 0.25
                assert table[1, status] == pytest.approx(half_way)
                assert table[2, status] == own[Status.irregular]
            else:
                assert (table[:, status] == own[status]).all()


def test_without_protection_those_who_fled_are_as_exposed_as_irregular_people():
    odds = vulnerability_odds(small())
    country = np.array([0, 1, 1, 2])
    here = exposed_odds(odds, np.array([1.0, 0.5, 0.0]), country)
    np.testing.assert_array_equal(here[0], odds)
    np.testing.assert_array_equal(here[1], here[2])
    by_status = odds[Threat.political, :N_STATUS]
    assert by_status[Status.irregular] > by_status[Status.refugee]
    for status in Status:
        found = here[:, Threat.political, status]
        own = by_status[status]
        if status in FLED:
            middle = math.sqrt(own * by_status[Status.irregular])
            expected = [own, middle, middle, by_status[Status.irregular]]
        else:
            expected = [own] * 4
        np.testing.assert_allclose(found, expected, rtol=1e-12, err_msg=status.name)


def livelihood_rates(years: float, status: Status, *changes: str) -> np.ndarray:
    """L of everybody from AA, were they in the city of BB for so many years in a status."""
    at = world(small("decision.pause_depth=0", *changes))
    prepare(at)
    households = at.households
    houses = at.deciding[at.country[households.home[at.deciding]] == 0]
    households.place[houses] = PLACES.index("BB_C")
    households.status[houses] = int(status)
    households.moved[houses] = -round(years * 365.25)
    want, fear, _ = THREATS.of(at).advance(0, 1)
    return rates_of(at, current_conditions(at, (want, fear)), houses)[:, 0]


def test_newcomers_move_on_and_the_settled_stay():
    """exp(-attachment (1 - exp(-t speed / settling)))."""
    strong = ("decision.place_attachment=3", "living.settling=4")
    new, later = (livelihood_rates(t, Status.regular, *strong) for t in (0, 2))
    some = new > 0
    settled = 1 - math.exp(-round(2 * 365.25) / 365.25 / 4)
    np.testing.assert_allclose(later[some] / new[some], math.exp(-3 * settled), rtol=1e-9)
    # Control: without attachment time makes no difference.
    first, second = (
        livelihood_rates(t, Status.regular, "decision.place_attachment=0") for t in (0, 2)
    )
    np.testing.assert_array_equal(first, second)


def test_who_is_not_protected_does_not_settle():
    """Refugees of two years settle as their protection lets them, and as irregular people at 0."""
    at = [
        livelihood_rates(
            2, Status.refugee, "decision.place_attachment=3", f"policies.bb_courts.protection={p}",
            "decision.home_income=0",
        )
        for p in (1, 0.5, 0)
    ]  # fmt: skip
    some = at[0] > 0
    assert (at[1][some] > at[0][some]).all()
    assert (at[2][some] > at[1][some]).all()
