"""The engine's decision, asked of many households at a time: for comparing and timing it alone.

The engine asks a household when its time has come (`sim/kernels/live.py`); these loops ask all that
are listed, each in a span of time, by the same functions.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from sim.core.jit import kernel
from sim.core.state import F64, I64, U64, Bool
from sim.core.terms import Answer
from sim.kernels.alternatives import choose
from sim.kernels.decision import answer_at
from sim.kernels.plane import next_point
from sim.kernels.rates import MARGIN, close_bound

NECESSITY = int(Answer.necessity)
NO_PERMISSION = int(Answer.no_permission)


class Events(NamedTuple):
    """Moves and refusals, one row each; those of a household are adjacent and ordered by time."""

    house: I64
    answer: I64
    hazard: I64
    time: F64
    """Day, counted from the start of the run."""
    flight: F64
    uprooted: Bool
    trapped: Bool
    """These three: see `answer_at`."""
    word: U64
    """Hash of the event, for the draws of where and how it leads."""


def room_for(n: int) -> Events:
    """Buffers for n events."""
    whole, real = np.int64, np.float64
    kinds: list[Any] = [whole, whole, whole, real, real, np.bool_, np.bool_, np.uint64]
    columns: list[Any] = [np.empty(n, kind) for kind in kinds]
    return Events(*columns)


@kernel
def decide(
    households, persons, houses, since, until, first, tables, conditions, means, classes, plane,
    month, events,
):  # fmt: skip
    """Find the moves and refusals of households, each in a span of time within a month.

    A move ends the span.

    Args:
        households, persons: All of them.
        houses: [n] rows of households.
        since, until: [n] days, counted from the start of the run; `since` is excluded.
        first: Position of the first one to look at.
        tables, conditions, means, classes, month: As in `live`.
        plane: The plane of moves.
        events: Buffers of equal length, written from 0 on.

    Returns:
        (number of events, position of the next household: n, or less if the buffers are full)
    """
    at = 0
    ways = np.empty((4, 4))
    room = events.house.shape[0]
    for i in range(first, houses.shape[0]):
        house = houses[i]
        begin = at
        bound = MARGIN * close_bound(
            households, persons, tables, conditions, house, since[i], until[i], month
        )
        now = since[i]
        while True:
            now, height, word = next_point(plane, households.ident[house], bound, now, until[i])
            if now == math.inf:
                break
            answer, hazard, flight, uprooted, trapped = answer_at(
                households, persons, tables, conditions, means, classes, house, now, height, word,
                month, ways,
            )  # fmt: skip
            if answer > NO_PERMISSION:
                continue
            if at == room:
                return begin, i
            events.house[at], events.answer[at], events.hazard[at] = house, answer, hazard
            events.time[at], events.flight[at] = now, flight
            events.uprooted[at], events.trapped[at], events.word[at] = uprooted, trapped, word
            at += 1
            if answer <= NECESSITY:
                break
    return at, houses.shape[0]


@kernel
def choose_all(
    households, persons, houses, words, hazards, tables, conditions, classes, keys, month, goal,
    channel, companions, price,
):  # fmt: skip
    """Draw where movers go, how, and with whom.

    Args:
        houses: [n] rows of the households that move.
        words: [n] hash of each event.
        hazards: [n] hazard that makes each move.
        keys: [2] keys of the destination draw and of the channel draw.
        goal, channel, companions, price: [n] out: see `choose`.
    """
    ways = np.empty((4, 4))
    for i in range(houses.shape[0]):
        goal[i], channel[i], companions[i], price[i] = choose(
            households, persons, houses[i], words[i], hazards[i], tables, conditions, classes,
            keys[0], keys[1], month, ways,
        )  # fmt: skip
