"""The engine's decision, asked of many households at a time: for comparing and timing it alone.

The engine asks a household when its time has come (`sim/kernels/live.py`); these loops ask all that
are listed, each in a span of time, by the same functions.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sim.core.jit import kernel
from sim.core.parallel import in_pieces
from sim.core.rng import key_of
from sim.core.state import F64, I64, U32, U64, Bool
from sim.core.terms import Answer
from sim.kernels.alternatives import choose, chooser_of, nests_as_ruled
from sim.kernels.decision import answer_at, sieve
from sim.kernels.plane import MARGIN, next_point
from sim.kernels.power import padded
from sim.kernels.rates import Conditions, close_bound
from sim.mechanisms.choice import CHOICES
from sim.mechanisms.decide import MOVE
from sim.mechanisms.journey import CHANNEL_CHOSEN, DESTINATION
from sim.mechanisms.livelihood import MEANS
from sim.mechanisms.policy import CLASSES

if TYPE_CHECKING:
    from sim.model.world import World

NECESSITY = int(Answer.necessity)
NO_PERMISSION = int(Answer.no_permission)


FEWEST = 64
"""Events for which there is room at first."""


class Asked(NamedTuple):
    """Households, and the days in which they may move."""

    houses: I64 | U32
    """[n] rows."""
    since: float
    """Day on which the span begins, itself excluded."""
    until: float
    """Day on which it ends."""


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


def join_events(parts: list[Events]) -> Events:
    """Join several lists of events."""
    columns: list[Any] = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return Events(*columns)


def everybody(world: World, end: int) -> Asked:
    """All households that decide, from today to another day."""
    return Asked(world.deciding, float(world.day), float(end))


def ask(world: World, now: Conditions, asked: Asked) -> Events:
    """Moves and refusals of households: sieved and asked in pieces, which threads share."""

    def put(first: int, last: int) -> Events:
        return ask_piece(world, now, asked._replace(houses=asked.houses[first:last]))

    return join_events(in_pieces(put, len(asked.houses), world.threads) or [put(0, 0)])


def ask_piece(world: World, now: Conditions, asked: Asked) -> Events:
    """Moves and refusals of some households."""
    plane, month = world.plane(MOVE), world.month()
    through = np.empty(len(asked.houses), np.int64)
    households, persons = world.households, world.persons
    mine = through[: sieve(households, persons, asked.houses, now, plane, month, through)]
    since, until = (np.full(len(mine), day) for day in (asked.since, asked.until))
    parts: list[Events] = []
    first, room = 0, max(len(mine), FEWEST)
    while not parts or first < len(mine):
        events = room_for(room)
        found, first = decide(
            households, persons, mine, since, until, first,
            CHOICES.of(world).tables, now, MEANS.of(world), CLASSES.of(world), plane, month, events,
        )  # fmt: skip
        parts.append(Events(*(column[:found].copy() for column in events)))
        room *= 2
    return join_events(parts)


def pick_goals(
    world: World, now: Conditions, houses: I64 | U32, words: U64, hazards: I64
) -> tuple[I64, I64, I64, F64]:
    """Draw where movers go.

    Args:
        world: The world.
        now: Factors of the rates.
        houses: [n] rows of households.
        words: [n] hash of each event.
        hazards: [n] hazard that makes each move.

    Returns:
        ([n] destination or -1, [n] channel, [n] companions, [n] fee and fare per person).
    """
    n = len(houses)
    goal, channel, companions, price = (
        np.empty(n, kind) for kind in (np.int64, np.int64, np.int64, np.float64)
    )
    keys = np.array([key_of(world.seed, draw) for draw in (DESTINATION, CHANNEL_CHOSEN)], np.uint64)
    choose_all(
        world.households, world.persons, houses, words, hazards, CHOICES.of(world).tables, now,
        CLASSES.of(world), keys, world.month(), goal, channel, companions, price,
    )  # fmt: skip
    return goal, channel, companions, price


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
    nests = np.zeros((2, padded(tables.country.shape[0])))
    room = events.house.shape[0]
    for i in range(first, houses.shape[0]):
        house = houses[i]
        begin = at
        bound = MARGIN * close_bound(
            households, persons, tables, conditions, house, since[i], until[i], month, 0.0
        )
        now = since[i]
        while True:
            now, height, word = next_point(plane, households.ident[house], bound, now, until[i])
            if now == math.inf:
                break
            who = chooser_of(households, persons, tables, conditions, classes, house, month)
            answer, hazard, flight, uprooted, trapped = answer_at(
                households, persons, tables, conditions, means, house, who, now, height, word,
                month, nests,
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
    nests = np.zeros(padded(tables.country.shape[0]))
    for i in range(houses.shape[0]):
        who = chooser_of(households, persons, tables, conditions, classes, houses[i], month)
        money = np.float64(households.means[houses[i]])
        nests_as_ruled(tables, hazards[i], who, money, nests)
        goal[i], channel[i], companions[i], price[i] = choose(
            tables, hazards[i], who, money, nests, words[i], keys[0], keys[1]
        )
