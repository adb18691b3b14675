"""Attempts (J7): journeys by corridors into another country, and repeated attempts.

Only the number of failed attempts is remembered. Nothing else is assumed about how a failure
affects the next attempt: people have the money they have left, are where they were put, and have
the same information as everyone else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from sim.core.state import I64, Attempts, Parties, append, take
from sim.core.terms import Channel, Journey
from sim.kernels.household import forget_moves, party_types
from sim.kernels.travel import ARRIVED, LEFT_BEHIND
from sim.mechanisms.caravans import called
from sim.model.columns import CITIZENSHIP, PARTY, Column, words_of
from sim.model.declare import NONE_COUNTED, Mechanism, Rows, State, Table, dense

if TYPE_CHECKING:
    from sim.model.world import Census, World
    from sim.schema import Scenario

WORDS: Final = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "later",
)  # fmt: skip
"""Names of attempts by number; all after the ninth share one."""
MOST: Final = len(WORDS)


def attempt_words(_scenario: Scenario) -> list[str]:
    """Words of the column `attempt`."""
    return list(WORDS)


def caravan_words(scenario: Scenario) -> list[str]:
    """Words of the column `caravan`."""
    return ["none", *(item.id for item in called(scenario))]


CARAVAN: Final = Column(
    "caravan", "text", "id", "caravan in which people travelled, or none", words=caravan_words
)
ATTEMPT: Final = Column(
    "attempt",
    "text",
    "word",
    "number of the attempt since they last arrived: first to ninth, or later",
    words=attempt_words,
)
OUTCOME: Final = Column("outcome", "text", "word", "how it ended", words=words_of(Journey))

JOURNEYS = dense(
    "journeys",
    (CITIZENSHIP, CARAVAN, ATTEMPT, PARTY, OUTCOME),
    "people who set out by corridors for another country, and how their journeys ended",
)
ATTEMPTS = State("attempts", lambda _: Attempts())
SENT_BACK: State[I64] = State("sent_back", lambda _: np.empty(0, np.int64))
"""Rows of households that were sent back home in this sub-step."""


def number(world: World, houses: I64) -> I64:
    """[n] number of the attempt that households begin: 1 + failures since they last arrived."""
    made = ATTEMPTS.of(world)
    attempt = np.ones(len(houses), np.int64)
    if len(made.household):
        order = np.argsort(made.household)
        at = np.searchsorted(made.household[order], houses)
        at = order[np.minimum(at, len(order) - 1)]
        attempt += np.where(made.household[at] == houses, made.failed[at], 0)
    return np.minimum(attempt, MOST)


def count(world: World, houses: I64, caravan: I64, attempt: I64, outcome: Journey) -> None:
    """Count people who set out by corridors for another country, or how their journeys ended.

    Args:
        world: The world.
        houses: [n] households of their parties.
        caravan: [n] number of their caravan, or NONE.
        attempt: [n] number of the attempt, from 1.
        outcome: What is counted.
    """
    home = world.households.home[houses]
    party_type = np.empty(len(houses), np.int64)
    party_types(world.households, world.persons, houses, world.month(), party_type)
    counts = JOURNEYS.of(world)[..., outcome]
    np.add.at(
        counts, (world.country[home], caravan + 1, attempt - 1, party_type), world.n_people(houses)
    )


def record_ends(world: World, parties: Parties, fate: I64) -> None:
    """Count journeys that ended, and remember failures until a household arrives.

    Args:
        world: The world.
        parties: All parties on the way.
        fate: [party] how its journey stands at the end of this sub-step.
    """
    made = ATTEMPTS.of(world)
    by_legs = np.isin(parties.channel, (Channel.asylum, Channel.irregular))
    by_legs &= world.country[parties.origin] != world.country[parties.goal]
    for ended, outcome in ((ARRIVED, Journey.arrived), (LEFT_BEHIND, Journey.failed)):
        its = by_legs & (fate == ended)
        houses, attempt = parties.household[its], parties.attempt[its]
        count(world, houses, parties.caravan[its], attempt, outcome)
        take(made, ~np.isin(made.household, houses))
        if outcome == Journey.failed:
            append(made, household=houses, failed=attempt)
            send_back(world, houses)


def send_back(world: World, houses: I64) -> None:
    """Record which of these households were sent back to their place of origin."""
    households = world.households
    back = houses[households.place[houses] == households.home[houses]]
    SENT_BACK.put(world, np.append(SENT_BACK.of(world), back))


def forget_returns(world: World) -> None:
    """Do not let a forced return count as a recent move, if the scenario says so.

    A recent move lowers the rate of moving again; a forced return need not (`pause_returned`).
    """
    if not world.scenario.decision.pause_returned:
        forget_moves(world.households, SENT_BACK.of(world))
    SENT_BACK.put(world, np.empty(0, np.int64))


def journey_rows(world: World, _census: Census) -> Rows:
    """People by how they travelled and how their journeys ended."""
    journeys = JOURNEYS.of(world)
    where = np.nonzero(journeys.any(axis=4))
    axes = dict(zip(("citizenship", "caravan", "attempt", "party"), where, strict=True))
    return axes | {outcome.name: journeys[(*where, outcome)] for outcome in Journey}


MECHANISM = Mechanism(
    "attempts",
    "counts attempts to reach another country, and remembers failed ones",
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
                Column(
                    "failed", "int", "people", "people who were stranded, turned back or taken home"
                ),
            ),
            journey_rows,
            absent=NONE_COUNTED,
            notes="Stranded people who go on are counted as setting out again, and so are people "
            "who try again after they were turned back or taken home. `attempt` is counted by "
            "household and starts again from the first once it has arrived. People who departed "
            "have arrived, failed, died or are still on the way, except for children taken from "
            "their adults and people born on the way. `party` is the composition on that day: a "
            "child may come of age on the way, and adults whose children were taken end as adults.",
        ),
    ),
)
