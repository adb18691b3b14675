"""Exposure and makeup, kept up to date where something changes, are what a full count finds."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from sim.core.state import CHANGED, CHILDREN, DIED, OLD, U8, VULNERABLE, WOMAN, WOMEN, Households
from sim.core.terms import Activity, Status
from sim.engine.setup import build_world
from sim.engine.step import advance_to, next_change
from sim.kernels.living import update_living
from sim.mechanisms import decide
from sim.mechanisms.exposure import EXPOSURE, exposing, update_households
from sim.mechanisms.livelihood import MEANS, earned
from sim.mechanisms.threats import THREATS
from sim.model.world import World
from tests import small
from tests.worlds import random_scenario

DAYS = 300
CLOSE_BY = "exposure.spell=1"
"""Exposure changes often."""
LAWS = (
    "policies=[{id: stay, into: BB, regularisation: .9, naturalisation: .9,"
    " naturalisation_years: .5, removal: .3, orders_last: 2,"
    " recognition: .5},"
    "{id: rights, into: BB, protection: 0, start: 2021-03-10}]"
)


def copied(households: Households) -> Households:
    """A copy of all columns."""
    return Households(*(column.copy() for column in households))


def counted_makeup(at: World) -> U8:
    """[household] who is among its living members, counted one by one."""
    persons = at.persons
    age = at.month() - persons.born.astype(int)
    bits = CHILDREN * (age < 18 * 12) + OLD * (age >= 65 * 12)
    bits += WOMEN * (persons.traits & WOMAN > 0)
    alive = persons.past & DIED == 0
    makeup = np.zeros(len(at.households.ident), np.uint8)
    np.bitwise_or.at(makeup, persons.household[alive], bits[alive].astype(np.uint8))
    return makeup


def drawn_anew(at: World) -> U8:
    """[household] threats that reach it, if all that they depend on is worked out from scratch."""
    households = copied(at.households)
    households.makeup[:] = counted_makeup(at)
    how = exposing(at)._replace(threshold=EXPOSURE.of(at).thresholds(at))
    everywhere = np.ones(len(at.country), bool)
    means = MEANS.of(at)
    incomes = earned(means, THREATS.of(at).severity)
    update_living(
        households, 0, len(households.ident), how, how.phase, everywhere, at.geography.decides,
        means, incomes, 0.0,
    )  # fmt: skip
    return households.mask


def settled(households: Households) -> np.ndarray:
    """[household] whether it lives somewhere or is stranded."""
    return np.isin(households.activity, (Activity.resident, Activity.waiting, Activity.stranded))


def check(at: World) -> None:
    """Compare what is kept with what a full count finds."""
    households = at.households
    some, there = households.size > 0, settled(households)
    found = households.makeup & VULNERABLE
    np.testing.assert_array_equal(found[some], counted_makeup(at)[some])
    np.testing.assert_array_equal(households.mask[there], drawn_anew(at)[there])
    assert (households.makeup[there] & CHANGED == 0).all()


def watch(at: World, days: int) -> Counter[Any]:
    """Live through some days, and check before households decide, and when a segment ends.

    Returns:
        How often exposure, makeup and each status changed of households that stayed where they are.
    """
    seen: Counter[Any] = Counter()
    end = at.day + days
    while at.day < end:
        first, before = at.day, copied(at.households)
        advance_to(at, min(end, next_change(at, end)), look=lambda *_: check(at))
        last, at.day = at.day, first  # the month that has just ended
        check(at)
        at.day = last
        n, now = len(before.ident), at.households
        stayed = settled(before) & settled(now)[:n] & (now.place[:n] == before.place)
        seen["mask"] += int((stayed & (now.mask[:n] != before.mask)).sum())
        seen["makeup"] += int((stayed & (now.makeup[:n] != before.makeup)).sum())
        seen["place"] += int((settled(now)[:n] & (now.place[:n] != before.place)).sum())
        changed = np.flatnonzero(stayed & (now.status[:n] != before.status))
        pairs = zip(before.status[changed].tolist(), now.status[changed].tolist(), strict=True)
        seen.update(pairs)
    return seen


def test_exposure_is_that_of_a_full_redraw_in_random_worlds() -> None:
    seen: Counter[Any] = Counter()
    for number in range(10):
        seen += watch(build_world(random_scenario(number), seed=number), DAYS)
    assert min(seen["mask"], seen["makeup"], seen["place"]) > 20


@pytest.mark.parametrize("changes", [(CLOSE_BY, *small.HARSH), (LAWS, CLOSE_BY)])
def test_exposure_is_that_of_a_full_redraw_whatever_happens(changes: tuple[str, ...]) -> None:
    seen = watch(small.world(small.small(*changes)), 700)
    assert min(seen["mask"], seen["makeup"], seen["place"]) > 100
    if LAWS in changes:
        for status, then in (
            (Status.irregular, Status.regular),
            (Status.ordered, Status.irregular),
            (Status.claimant, Status.ordered),
            (Status.regular, Status.citizen),
        ):
            assert seen[int(status), int(then)] > 0, (status, then)


def test_makeup_follows_birthdays_without_births_and_deaths() -> None:
    at = small.world(small.small("population.demography=false"))
    assert watch(at, 200)["makeup"] > 10


def test_a_run_equals_one_in_which_all_exposure_is_drawn_every_month(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = small.tables(small.small(CLOSE_BY))

    def redraw(world: World) -> None:
        EXPOSURE.of(world).changed[:] = True
        update_households(world)

    monkeypatch.setattr(decide, "update_households", redraw)
    assert small.differing(kept, small.tables(small.small(CLOSE_BY))) == []


def test_insecurity_counts_the_exposure_of_every_moment() -> None:
    """Whether a month is told at once or day by day, it adds up to the same."""
    sums = [
        small.tables(small.small(LAWS, CLOSE_BY, f"time.step={step}"))["insecurity"]
        for step in ("month", "day")
    ]
    keys = ["place", "citizenship", "threat"]
    by_month, by_day = (it.groupby(keys, observed=True)["person_years"].sum() for it in sums)
    np.testing.assert_allclose(by_month, by_day.reindex(by_month.index), rtol=1e-6)
