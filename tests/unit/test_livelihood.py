"""Means: what a household could have, how threats drain it, how it recovers, who helps."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from sim.core.state import F64, I64, U32, VULNERABLE
from sim.core.terms import Status, Threat
from sim.kernels.living import update_living
from sim.kernels.means import BINS, RANKS_A_BIN, Means
from sim.mechanisms.census import STOCKS
from sim.mechanisms.exposure import exposing
from sim.mechanisms.livelihood import MEANS, build_means, earned, median_means, update_support
from sim.mechanisms.populate import gini_to_sigma
from sim.mechanisms.threats import MONTH
from sim.model.world import World
from tests.small import NORTH, PLACES, SOUTH, edited, small, tables, world

CITIZEN = int(Status.citizen)
HALF_FELT = np.full((len(PLACES), 7), 0.6)
"""Severity that leaves .5 above what is tolerable."""


def targets(means: Means, place: int, ranks: list[int], status: int = CITIZEN, mask: int = 0):
    """[rank] means a member that households of these ranks tend to, under `HALF_FELT`."""
    at = world()
    households, houses = at.households, at.deciding[: len(ranks)]
    households.rank[houses] = ranks
    households.place[houses] = place
    households.status[houses] = status
    households.mask[houses] = mask
    MEANS.put(at, means)
    recover(at, HALF_FELT, np.inf)
    return households.means[houses].astype(float) / n_members(at, houses)


def n_members(at: World, houses: U32) -> I64:
    """Members of households, counted one by one."""
    return np.bincount(at.persons.household, minlength=len(at.households.ident))[houses]


def expected(ranks: list[int], gain: float) -> np.ndarray:
    """max(0, kappa y Q(rank) gain - c0) in the north, with Q lognormal of mean 1."""
    sigma = gini_to_sigma(0.4)
    bins = [r // RANKS_A_BIN for r in ranks]
    z = np.array([NormalDist().inv_cdf((b + 0.5) / BINS) for b in bins])
    return np.maximum(0.3 * 5600 * np.exp(sigma * z - sigma**2 / 2) * gain - 90, 0)


@pytest.mark.parametrize(
    ("status", "mask", "gain"),
    [
        (CITIZEN, 0, 1.0),
        (Status.irregular, 0, 0.5),
        (CITIZEN, 1 << Threat.economic, 1 - 0.7 * 0.5),
        (CITIZEN, 1 << Threat.food, 1 - 0.7 * 0.5),
        (Status.displaced, 3, 0.7 * (1 - 0.7 * 0.5) ** 2),
        (CITIZEN, 127 - 3, 1.0),
    ],
)
def test_means_are_income_by_rank_less_what_living_costs(status, mask, gain):
    ranks = [40, 5_000, 32_767, 60_000, 65_500]
    found = targets(build_means(small()), NORTH, ranks, int(status), mask)
    np.testing.assert_allclose(found, expected(ranks, gain), rtol=0.01, atol=0.5)


def test_half_of_all_have_the_median_means():
    means = build_means(small())
    assert targets(means, NORTH, [32_767])[0] == pytest.approx(median_means(means)[NORTH], rel=1e-3)


def test_mean_income_is_the_income_of_the_place():
    rich = build_means(small())._replace(subsistence=0.0)
    mean = targets(rich, SOUTH, list(range(0, 65_536, 32))).mean()
    assert mean == pytest.approx(0.3 * 2600, rel=0.01)


def recover(at: World, severity: F64, years: float) -> None:
    """Let the means of households recover for some time."""
    fraction, means = 1 - math.exp(-years / at.scenario.living.recovery), MEANS.of(at)
    households, nowhere, how = at.households, np.zeros(len(at.country), bool), exposing(at)
    households.makeup[:] &= VULNERABLE  # none is exposed anew
    update_living(
        households, 0, len(households.ident), how, how.phase, nowhere, at.geography.decides, means,
        earned(means, severity), fraction,
    )  # fmt: skip


def test_means_approach_their_target_by_an_e_fold_a_year():
    at = world()
    households, houses = at.households, at.deciding
    severity = np.zeros((len(PLACES), 7))
    recover(at, severity, np.inf)
    target = households.means[houses].copy()
    households.means[houses] = 0
    recover(at, severity, 1.0)
    np.testing.assert_allclose(households.means[houses], target * (1 - math.exp(-1)), rtol=1e-5)
    households.means[houses] = 3 * target
    for _ in range(24):
        recover(at, severity, 1 / 24)
    np.testing.assert_allclose(households.means[houses], target * (1 + 2 * math.exp(-1)), rtol=1e-4)


def test_only_threats_that_are_felt_drain():
    at = world()
    # Nobody helps: what comes from others is not drained.
    MEANS.of(at).support[:] = 0
    households, houses = at.households, at.deciding
    severity = np.full((len(PLACES), 7), 0.6)
    households.mask[:] = 0
    recover(at, severity, np.inf)
    secure = households.means[houses].copy()
    for mask, drain in (
        (1 << Threat.personal, 1.0),
        (1 << Threat.economic, 1 - 0.7 * 0.5),
        (1 << Threat.economic | 1 << Threat.food, (1 - 0.7 * 0.5) ** 2),
    ):
        households.mask[:] = mask
        recover(at, severity, np.inf)
        well_off = secure > 1500
        living = 90 * n_members(at, houses)[well_off]
        np.testing.assert_allclose(
            households.means[houses][well_off] + living,
            (secure[well_off] + living) * drain,
            rtol=1e-5,
        )
    households.mask[:] = 1
    recover(at, np.full((len(PLACES), 7), 0.1), np.inf)
    np.testing.assert_array_equal(households.means[houses], secure)


def supported(day: float, *changes: str) -> np.ndarray:
    at = world(small("living.remittances=0", *changes))
    residents = np.full(len(PLACES), 1000)
    residents[SOUTH] = 200_000
    update_support(at.scenario, MEANS.of(at), at.country, STOCKS.of(at).diaspora, residents, day)
    return MEANS.of(at).support


def test_aid_is_shared_by_the_residents_while_it_lasts():
    assert supported(151 - MONTH).max() == 0
    first = 152.0  # 1 June 2020
    assert supported(first)[SOUTH] == pytest.approx(2e7 / 200_000)
    assert np.delete(supported(first), SOUTH).max() == 0
    assert supported(first + 9.75 * MONTH)[SOUTH] == pytest.approx(25.0)
    assert supported(first + 10 * MONTH)[SOUTH] == 0
    by_month = sum(supported(first + i * MONTH)[SOUTH] for i in range(-2, 14))
    assert by_month == pytest.approx(10 * 100)


def test_remittances_come_from_those_abroad():
    at = world(small("interventions.relief.enabled=false"))
    diaspora = np.array([[0, 60_000, 150_000], [0, 0, 40_000], [0, 0, 0]])
    residents = np.full(len(PLACES), 100_000)
    update_support(at.scenario, MEANS.of(at), at.country, diaspora, residents, 0.0)
    assert MEANS.of(at).support[NORTH] == pytest.approx(100 * 210_000 / 300_000)
    assert MEANS.of(at).support[PLACES.index("BB_C")] == pytest.approx(100 * 40_000 / 300_000)
    assert MEANS.of(at).support[PLACES.index("CC_C")] == 0
    assert targets(MEANS.of(at), NORTH, [0])[0] == pytest.approx(70.0)


def test_aid_reaches_the_books_and_the_households(tmp_path):
    """What is booked is the budget times the months, whatever the step."""
    for step in ("month", "week"):
        spent = tables(small(f"time.step={step}", "time.end=2021-06", "costs={}"))["spending"]
        assert spent["amount"].sum() == pytest.approx(2e7 * 10 / 12, rel=1e-9)

    def none(scenario):
        scenario["interventions"][0]["enabled"] = False
        del scenario["costs"]

    assert tables(edited(tmp_path, none))["spending"].empty


def test_means_of_people_who_never_decide_are_left_alone():
    at = world()
    decides = np.ones(len(at.country), bool)
    decides[at.country == at.country[NORTH]] = False
    at.geography = at.geography._replace(decides=decides)
    at.households.means[:] = -1.0
    recover(at, np.zeros((len(PLACES), 7)), np.inf)
    left = at.households.means < 0
    np.testing.assert_array_equal(left, ~decides[at.households.home])
    assert 0 < left.sum() < len(left)
