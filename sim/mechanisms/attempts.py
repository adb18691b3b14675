"""Attempts (J7): journeys by corridors into another country, and repeated attempts.

Only the number of failed attempts is remembered (`Households.failed`). Nothing else is assumed
about how a failure affects the next attempt: people have the money they have left, are where they
were put, and have the same information as everyone else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from sim.core.terms import Journey
from sim.mechanisms.caravans import called
from sim.model.columns import CITIZENSHIP, PARTY, Column, words_of
from sim.model.declare import NONE_COUNTED, Mechanism, Rows, Table, dense

if TYPE_CHECKING:
    from sim.model.world import Census, World
    from sim.schema import Scenario

WORDS: Final = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "later",
)  # fmt: skip
"""Names of attempts by number; all after the ninth share one."""


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


def journey_rows(world: World, _census: Census) -> Rows:
    """People by how they travelled and how their journeys ended."""
    journeys = JOURNEYS.of(world)
    rows = journeys.reshape(-1, journeys.shape[-1])
    found = np.flatnonzero(rows.any(axis=1))
    where = np.unravel_index(found, journeys.shape[:-1])
    axes = dict(zip(("citizenship", "caravan", "attempt", "party"), where, strict=True))
    return axes | {it.name: its for it, its in zip(Journey, rows[found].T.copy(), strict=True)}


MECHANISM = Mechanism(
    "attempts",
    "counts attempts to reach another country",
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
