"""Attempts (J7): journeys by corridors into another country, and those made again.

An attempt that failed is remembered by its number alone. What it does to the next one is not
assumed: people have the money that is left, are where they were put, and see what all others see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from sim.kernels.travel import ARRIVED, LEFT_BEHIND, companies, forget_moves, party_sizes
from sim.state import I64, append, take
from sim.terms import Channel, Journey

if TYPE_CHECKING:
    from sim.world import World

WORDS: Final = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "later",
)  # fmt: skip
"""Attempts that are told apart."""
MOST: Final = len(WORDS)


def number(world: World, heads: I64) -> I64:
    """[n] which attempt it is that heads begin: 1 and those that failed since they last arrived."""
    made = world.attempts
    attempt = np.ones(len(heads), np.int64)
    if len(made.household):
        order = np.argsort(made.household)
        founders = world.people.household[heads]
        at = np.searchsorted(made.household[order], founders)
        at = order[np.minimum(at, len(order) - 1)]
        attempt += np.where(made.household[at] == founders, made.failed[at], 0)
    return np.minimum(attempt, MOST)


def count(world: World, heads: I64, caravan: I64, attempt: I64, outcome: Journey) -> None:
    """Count people who set out by corridors for another country, or what became of them.

    Args:
        world: The world.
        heads: [n] heads of their parties.
        caravan: [n] number of their caravan, or NONE.
        attempt: [n] which attempt it is, from 1.
        outcome: What is counted.
    """
    people = world.people
    home = people.home[heads]
    n_people = party_sizes(people, heads) * world.weight[home]
    company = np.empty(len(heads), np.int64)
    companies(people, heads, world.month(), company)
    counts = world.counts.journeys[..., outcome]
    np.add.at(counts, (world.country[home], caravan + 1, attempt - 1, company), n_people)


def note_ends(world: World, fate: I64) -> None:
    """Count journeys that ended, and remember those that failed until one succeeds.

    Args:
        world: The world.
        fate: [party] what became of it in this stretch.
    """
    parties, made = world.parties, world.attempts
    by_legs = np.isin(parties.channel, (Channel.asylum, Channel.irregular))
    by_legs &= world.country[parties.origin] != world.country[parties.goal]
    for ended, outcome in ((ARRIVED, Journey.arrived), (LEFT_BEHIND, Journey.failed)):
        its = by_legs & (fate == ended)
        heads, attempt = parties.head[its], parties.attempt[its]
        count(world, heads, parties.caravan[its], attempt, outcome)
        founders = world.people.household[heads].astype(np.int64)
        take(made, ~np.isin(made.household, founders))
        if outcome == Journey.failed:
            append(made, household=founders, failed=attempt)
            send_back(world, heads)


def send_back(world: World, heads: I64) -> None:
    """Note who is back at home against their will."""
    people = world.people
    world.sent_back = np.append(world.sent_back, heads[people.place[heads] == people.home[heads]])


def forget_returns(world: World) -> None:
    """Let those who were sent back feel no drag of a recent move, where the scenario says so."""
    if not world.scenario.decision.pause_returned:
        forget_moves(world.people, world.sent_back)
    world.sent_back = world.sent_back[:0]
