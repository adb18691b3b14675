"""The luck of a household is its own: it does not hang on how often others are asked again."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from sim.core.state import HEAD, append
from sim.core.terms import Status
from sim.engine.stages import STAGES
from sim.engine.step import advance
from sim.mechanisms import removal, rounds
from sim.mechanisms.removal import ORDERS
from sim.mechanisms.rounds import turns
from sim.model.stretch import Stretch, stretch_of
from sim.model.world import World
from tests.small import small, world

WAR = ("shocks.war.start=2020-01-01", "shocks.war.rise=0")
QUIET = ("decision.base_livelihood=1e-9", "decision.base_flight=1e-9")
"""Nobody moves, so nobody is asked again either."""


def removed(ask_again: bool) -> list[float]:
    """Day on which each of those who are ordered to leave CC is removed, in one month.

    Args:
        ask_again: Whether somebody else, in AA, is asked again for a moment.
    """
    at = world(small("population.agents=40_000", "policies.cc_courts.returns=.9", *QUIET))
    people = at.people
    heads = np.flatnonzero((at.country[people.home] == 1) & (at.country[people.place] == 2))
    heads = heads[people.flags[heads] & HEAD > 0]
    people.status[heads] = Status.ordered
    append(ORDERS.of(at), person=heads, country=2, ordered=0.0)
    other = np.flatnonzero((people.flags & HEAD > 0) & (at.country[people.place] == 0))[:1]
    days = np.full(len(people.pid), np.nan)
    asked = 0

    def continue_journeys(world: World, stretch: Stretch) -> None:
        if ask_again and not hasattr(stretch, "decided"):
            stretch.once_more.append((other, np.array([stretch.end - 1e-6])))
        rounds.continue_journeys(world, stretch)

    def execute_returns(world: World, stretch: Stretch) -> None:
        removal.execute_returns(world, stretch)
        rows, when = stretch.newcomers
        days[rows] = when

    def noted(*args: Any) -> Any:
        nonlocal asked
        asked += 1
        return ask_listed(*args)

    instead = {
        rounds.continue_journeys: continue_journeys,
        removal.execute_returns: execute_returns,
    }
    ask_listed = rounds.ask_listed
    stages = tuple((name, tuple(instead.get(it, it) for it in hooks)) for name, hooks in STAGES)
    with patch("sim.engine.step.STAGES", stages), patch.object(rounds, "ask_listed", noted):
        advance(at)
    assert (asked > 1) == ask_again  # those who are removed are asked once more at home
    return days[heads].tolist()


def test_asking_somebody_again_changes_nobody_elses_luck() -> None:
    without, with_another = removed(False), removed(True)
    assert np.isfinite(without).sum() > 5
    np.testing.assert_equal(without, with_another)


def test_nobody_meets_the_same_luck_twice() -> None:
    """Within a stretch each head is asked with turns 0, 1, 2 ... of its own."""
    at = world(small(*WAR))
    met: dict[tuple[int, int], list[int]] = {}

    def noted(world: World, stretch: Any, asking: Any, is_new: Any, turn: int) -> Any:
        for row in asking[0].tolist():
            met.setdefault((world.day, row), []).append(turn)
        return original(world, stretch, asking, is_new, turn)

    original = rounds.ask_again
    with patch.object(rounds, "ask_again", noted):
        for _ in range(6):
            advance(at)
    assert max(len(found) for found in met.values()) > 2
    assert {found[0] for found in met.values()} == {0, 1}
    for found in met.values():
        assert found == list(range(found[0], found[0] + len(found)))


@pytest.mark.parametrize(("again", "expected"), [([], [1, 0, 1]), ([5, 5, 9], [3, 0, 2])])
def test_turns(again: list[int], expected: list[int]) -> None:
    stretch = stretch_of(world(), 31)
    stretch.away = np.array([7])
    stretch.asked_again = np.array(again, np.int64)
    assert turns(stretch, np.array([5, 7, 9])).tolist() == expected
