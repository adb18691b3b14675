"""Attempts (J7): journeys by corridors into another country, and those made again.

An attempt that failed is remembered by its number alone. What it does to the next one is not
assumed: people have the money that is left, are where they were put, and see what all others see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from sim.core.state import I64, Attempts, Parties, append, take
from sim.core.terms import Channel, Journey
from sim.kernels.travel import ARRIVED, LEFT_BEHIND, companies, forget_moves, party_sizes
from sim.mechanisms.caravans import called
from sim.model.columns import CITIZENSHIP, PARTY, Column, words_of
from sim.model.declare import NONE_COUNTED, Mechanism, Rows, State, Table, dense

if TYPE_CHECKING:
    from sim.model.world import Census, World
    from sim.schema import Scenario

WORDS: Final = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "later",
)  # fmt: skip
"""Attempts that are told apart."""
MOST: Final = len(WORDS)


def attempt_words(_scenario: Scenario) -> list[str]:
    """Words of the column `attempt`."""
    return list(WORDS)


def caravan_words(scenario: Scenario) -> list[str]:
    """Words of the column `caravan`."""
    return ["none", *(item.id for item in called(scenario))]


CARAVAN: Final = Column(
    "caravan", "text", "id", "caravan that people travelled in, or none", words=caravan_words
)
ATTEMPT: Final = Column(
    "attempt",
    "text",
    "word",
    "first to ninth or later, since they last arrived",
    words=attempt_words,
)
OUTCOME: Final = Column("outcome", "text", "word", "how it ended", words=words_of(Journey))

JOURNEYS = dense(
    "journeys",
    (CITIZENSHIP, CARAVAN, ATTEMPT, PARTY, OUTCOME),
    "people who set out by corridors for another country, and what became of them",
)
ATTEMPTS = State("attempts", lambda _: Attempts())
SENT_BACK: State[I64] = State("sent_back", lambda _: np.empty(0, np.int64))
"""Rows of heads who are back at home against their will in this stretch."""


def number(world: World, heads: I64) -> I64:
    """[n] which attempt it is that heads begin: 1 and those that failed since they last arrived."""
    made = ATTEMPTS.of(world)
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
    counts = JOURNEYS.of(world)[..., outcome]
    np.add.at(counts, (world.country[home], caravan + 1, attempt - 1, company), n_people)


def note_ends(world: World, parties: Parties, fate: I64) -> None:
    """Count journeys that ended, and remember those that failed until one succeeds.

    Args:
        world: The world.
        parties: All who are on the way.
        fate: [party] what became of it in this stretch.
    """
    made = ATTEMPTS.of(world)
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
    back = heads[people.place[heads] == people.home[heads]]
    SENT_BACK.put(world, np.append(SENT_BACK.of(world), back))


def forget_returns(world: World) -> None:
    """Let those who were sent back feel no drag of a recent move, where the scenario says so."""
    if not world.scenario.decision.pause_returned:
        forget_moves(world.people, SENT_BACK.of(world))
    SENT_BACK.put(world, np.empty(0, np.int64))


def journey_rows(world: World, _census: Census) -> Rows:
    """People by how they travelled, and what became of them."""
    journeys = JOURNEYS.of(world)
    where = np.nonzero(journeys.any(axis=4))
    axes = dict(zip(("citizenship", "caravan", "attempt", "party"), where, strict=True))
    return axes | {outcome.name: journeys[(*where, outcome)] for outcome in Journey}


MECHANISM = Mechanism(
    "attempts",
    "counts attempts to get to another country, and remembers those that failed",
    states=(ATTEMPTS, SENT_BACK),
    counters=(JOURNEYS,),
    tables=(
        Table(
            "journeys",
            "journeys by corridors into another country, and how they ended",
            "first",
            (
                CITIZENSHIP,
                CARAVAN,
                ATTEMPT,
                PARTY,
                Column("departed", "int", "people", "people who set out"),
                Column("arrived", "int", "people", "people who arrived, whenever they set out"),
                Column("failed", "int", "people", "people left behind, turned back or taken home"),
            ),
            journey_rows,
            absent=NONE_COUNTED,
            notes="Stranded people who go on set out anew, and so do those who were turned back or "
            "taken home: `attempt` counts by household, from the first again once it has "
            "arrived. Who departed has arrived, failed, died or is on the way. Children who "
            "are taken from their adults, and people who are born on the way, come apart from "
            "that. `party` is who is in it on that day: a child may come of age on the way, "
            "and adults whose children were taken end as adults.",
        ),
    ),
)
