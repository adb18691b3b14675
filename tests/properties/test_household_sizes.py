"""Over 20 years households at home stay of the size that the profile says, and no child leads one.

Nobody migrates in the world of the sizes. In the others people go ahead, flee, are sent back, and
meet again.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sim.core.state import APART, DIED, F64
from sim.core.terms import Activity, HouseholdChange
from sim.engine import checkpoint
from sim.engine.checkpoint import Kept
from sim.engine.recorder import Recorder
from sim.engine.step import advance
from sim.mechanisms.households import CHANGES, QUARTER
from sim.model.world import World
from tests.small import AA, small, solved, steps, world

CLOSED = (
    "decision.base_livelihood=1e-9", "decision.flight_norm=1e-9", "decision.base_flight=0",
    "time.start=2000-01", "time.end=2019-12", "outputs.every=1000",
)  # fmt: skip
BUSY = ("decision.base_livelihood=20", "decision.flight_norm=2", "population.agents=4000")


def ages_of_heads(at: World) -> F64:
    """[n] age in years of those who lead households of one country at home."""
    households, persons = at.households, at.persons
    home = (at.country[households.home] == AA) & (at.country[households.place] == AA)
    live = home & (households.size > 0) & (households.activity <= Activity.waiting)
    return (at.month() - persons.born[households.head[live]]) / 12


def sizes_at_home(at: World) -> F64:
    """[n] sizes of households of one country at home."""
    households = at.households
    home = (at.country[households.home] == AA) & (at.country[households.place] == AA)
    return households.size[home & (households.size > 0)].astype(float)


@pytest.mark.parametrize(("size", "fertility"), [(5.6, 3.5), (2.2, 1.8)])
def test_sizes_at_home_stay_what_the_profile_says(size: float, fertility: float) -> None:
    profile = (f"household_size={size}", f"fertility={fertility}")
    at = world(small(*CLOSED, *(f"countries.AA.profile.{it}" for it in profile)))
    first = sizes_at_home(at)
    formed = 0
    orphans = CHANGES.of(at)[:, :, HouseholdChange.taken_in]
    for _ in steps(at):
        # In the first month of a quarter children find somebody older, but not in the first of all.
        if at.date().month % QUARTER == 2 and at.month() > 1:
            assert ages_of_heads(at).min() >= 15, at.date()
        if at.date().month != 1:
            continue
        sizes = sizes_at_home(at)
        assert abs(sizes.mean() / size - 1) < 0.1, at.date()
        assert abs((sizes == 1).mean() - (first == 1).mean()) < 0.03, at.date()
        assert sizes.max() <= 1.6 * first.max(), at.date()
        formed = len(at.households.size)
    assert formed > 1.2 * len(first)
    assert orphans.sum() > 0 or size > 3, "adults of small households die"
    people = sizes_at_home(at).sum() / first.sum()
    assert people > 1.05, "it grows, so that new households are needed"


def who_lives_where(at: World) -> dict[int, tuple[int, int, int]]:
    """By id of everybody alive: identity of the household, place, and who leads it."""
    households, persons = at.households, at.persons
    rows = np.flatnonzero(persons.past & DIED == 0)
    house = persons.household[rows]
    columns = (
        persons.pid[rows], households.ident[house], households.place[house],
        persons.pid[households.head[house]],
    )  # fmt: skip
    return {pid: rest for pid, *rest in zip(*(it.tolist() for it in columns), strict=True)}


def after(at: World, months: int) -> World:
    """The world after some months."""
    while at.month() < months:
        advance(at)
    return at


def counted(at: World) -> np.ndarray:
    """Changes of households so far, in people."""
    counts = CHANGES.of(at)
    assert (counts.sum(axis=(0, 1)) > 0).all(), "all kinds of changes happen"
    return counts


@pytest.mark.parametrize("step", ["day", "week"])
def test_the_same_households_form_whatever_the_step(step: str) -> None:
    calm = (*CLOSED[:3], "time.start=2020-01", "time.end=2020-12")
    months = after(world(small(*calm)), 12)
    others = after(world(small(*calm, f"time.step={step}")), 12)
    assert len(months.households.size) > 1.01 * (months.households.size > 0).sum()
    assert who_lives_where(months) == who_lives_where(others)
    np.testing.assert_array_equal(CHANGES.of(months), CHANGES.of(others))


@pytest.mark.parametrize("step", ["day", "week"])
def test_the_same_people_live_together_whatever_the_step(step: str) -> None:
    """Where quotas and courts bind, too."""
    end = ("time.start=2020-01", "time.end=2020-12")
    months = after(world(small(*BUSY, *end)), 12)
    others = after(world(small(*BUSY, *end, f"time.step={step}")), 12)
    assert who_lives_where(months) == who_lives_where(others)


def test_the_order_of_rows_and_threads_do_not_matter() -> None:
    at = after(world(small(*BUSY)), 14)
    n = len(world(small(*BUSY)).households.ident)
    order = np.random.default_rng(5).permutation(n)
    other = after(world(small(*BUSY), order=order, threads=2), 14)
    assert who_lives_where(at) == who_lives_where(other)
    np.testing.assert_array_equal(counted(at), counted(other))


def test_pieces_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    at = after(world(small(*BUSY)), 8)
    monkeypatch.setattr("sim.core.parallel.PIECE", 97)
    assert who_lives_where(at) == who_lives_where(after(world(small(*BUSY)), 8))


def test_a_resumed_run_goes_on_alike(tmp_path: Path) -> None:
    what = {"scenario": "s", "base": "b", "seed": 7, "replicates": 1, "code": "c"}
    scenario = solved(small(*BUSY))
    at = after(world(scenario), 6)
    recorder = Recorder(at)
    kept = Kept(at, 8, recorder.first, recorder.so_far(), [], "then", 1.5, [])
    checkpoint.write(tmp_path / "kept", kept, what)
    again = checkpoint.read(tmp_path / "kept", what, at.scenario, 1).world
    assert who_lives_where(after(at, 12)) == who_lives_where(after(again, 12))


def test_families_that_meet_are_together_when_a_quarter_has_begun() -> None:
    at = world(small(*BUSY))
    met: set[tuple[int, ...]] = set()
    reunited = 0
    for _ in range(23):
        advance(at)
        households = at.households
        now: set[tuple[int, ...]] = set()
        for house in np.flatnonzero(households.flags & APART != 0).tolist():
            other = int(households.relative[house])
            while other != house:
                both = [house, other]
                alike = len(set(households.place[both].tolist())) == 1
                alike &= len(set(households.citizenship[both].tolist())) == 1
                if alike and (households.activity[both] <= Activity.waiting).all():
                    # Who moves away and returns has met again.
                    now.add((*households.ident[both].tolist(), *households.moved[both].tolist()))
                other = int(households.relative[other])
        if at.date().month % QUARTER == 2:
            assert not met & now, "together in one place, but not reunited"
            reunited += len(met)
        met = now
    assert reunited > 20
