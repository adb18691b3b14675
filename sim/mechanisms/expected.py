"""Expected numbers of events, from the rates; counted only if `outputs.expected` is on.

They are worked out in the middle of each calendar month, for those who live somewhere on that day.
"""

from __future__ import annotations

from calendar import monthrange
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.core.state import I64
from sim.core.terms import Channel
from sim.model.declare import Counter, Mechanism, State

if TYPE_CHECKING:
    from sim.model.world import World


class Expected(NamedTuple):
    """Expected events, in 1 / MICRO."""

    answers: I64
    """[cell, answer] households."""
    years: I64
    """[cell, answer] rates times person-years before a move."""
    flows: I64
    """[citizenship, origin, destination, channel, answer] people."""


def nothing(world: World) -> Expected | None:
    """Start with zero expected events; None if the scenario does not ask for them."""
    if not world.scenario.outputs.expected:
        return None
    n_places, n_cells = len(world.country), world.cells.size
    flows = (world.n_countries, n_places, n_places, len(Channel), 2)
    return Expected(
        answers=np.zeros((n_cells, 5), np.int64),
        years=np.zeros((n_cells, 5), np.int64),
        flows=np.zeros(flows, np.int64),
    )


EXPECTED = Counter("expected", nothing, "expected numbers of events, from the rates")


def middles(world: World) -> dict[int, int]:
    """Days in the middle of each calendar month of the run, and how many days of it are in the run.

    What is expected of a month is worked out on that day, for those who live somewhere then.
    """
    if not world.scenario.outputs.expected:
        return {}
    time = world.scenario.time
    end = (time.end - time.start).days + 1
    found, begin = {}, 0
    while begin < end:
        today = world.date(begin)
        left = monthrange(today.year, today.month)[1] - today.day + 1
        days = min(left, end - begin)
        found[begin + days // 2] = days
        begin += days
    return found


MIDDLES = State("middles", middles)


def days_expected(world: World) -> int:
    """Days of the month for which events are expected today; 0 on most days."""
    return MIDDLES.of(world).get(world.day, 0)


MECHANISM = Mechanism(
    "expected",
    "adds up expected numbers of events",
    states=(MIDDLES,),
    counters=(EXPECTED,),
    dates=MIDDLES.of,
)
