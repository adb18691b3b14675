"""Decisions: the rates at which households move, and what they answer (docs/model.md, 3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim.core.rng import Draw
from sim.core.state import DAYS_A_YEAR, F64, I64, MICRO, U32
from sim.core.terms import N_THREATS, Answer
from sim.kernels.decision import expect
from sim.kernels.rates import Conditions
from sim.mechanisms.choice import CHOICES, conditions
from sim.mechanisms.expected import EXPECTED, days_expected
from sim.mechanisms.exposure import update_households
from sim.mechanisms.livelihood import MEANS
from sim.mechanisms.policy import CLASSES
from sim.mechanisms.settling import SETTLING
from sim.mechanisms.threats import THREATS
from sim.model.columns import ANSWER, THREAT, Column
from sim.model.declare import NONE_COUNTED, Counter, Hook, Mechanism, Rows, Table, where_nonzero

if TYPE_CHECKING:
    from sim.model.segment import Segment
    from sim.model.world import Census, World

MOVE = Draw("move", 20)


def by_answer(world: World) -> I64:
    """Start counting answers by cell."""
    return np.zeros((world.cells.size, len(Answer)), np.int64)


def by_threat(world: World) -> I64:
    """Start counting threats by cell."""
    return np.zeros((world.cells.size, N_THREATS), np.int64)


def by_cell(world: World) -> I64:
    """Start counting by cell."""
    return np.zeros(world.cells.size, np.int64)


HOUSEHOLDS = Counter("answers", by_answer, "[cell, answer] households")
PERSONS = Counter("people", by_answer, "[cell, answer] people who move, or household members")
TRAPPED = Counter("trapped", by_answer, "[cell, answer] households that insecurity itself traps")
ATTRIBUTION = Counter("attribution", by_threat, "[cell, threat] in 1 / MICRO people")
HOUSEHOLD_DAYS = Counter("household_days", by_cell, "[cell] days of households that decide")
PERSON_DAYS = Counter("person_days", by_cell, "[cell] days of their members")


def current_conditions(world: World, felt: tuple[F64, F64]) -> Conditions:
    """Factors that set the rates of households.

    Args:
        world: The world.
        felt: Effects of threats on the rates, by day from today on.
    """
    return conditions(
        world.scenario, world.day, *felt, THREATS.of(world).state_fear(), CHOICES.of(world).bound,
        MEANS.of(world).status, SETTLING.of(world),
    )  # fmt: skip


def set_conditions(world: World, segment: Segment) -> None:
    """Set the factors of the rates; pass them to a `look` callback; add what is expected."""
    segment.now = current_conditions(world, segment.felt)
    update_households(world)
    if segment.look is not None:
        segment.look(segment.now, segment.end)
    days = days_expected(world)
    if days:
        add_expected(world, segment, days)


def add_expected(world: World, segment: Segment, days: int) -> None:
    """Add the expected answers of households, from today's rates.

    Args:
        world: The world.
        segment: The segment that begins.
        days: For how many days they are expected.
    """
    expected, houses = EXPECTED.of(world), world.deciding
    assert expected is not None
    n = len(houses)
    expect(
        world.households, world.persons, houses, 0, n, CHOICES.of(world).tables, segment.now,
        CLASSES.of(world), np.full(n, world.day + 0.5), world.month(),
        np.full(n, days / DAYS_A_YEAR), cells_of(world, houses), MICRO,
        expected.answers, expected.years, expected.flows,
    )  # fmt: skip


def cells_of(world: World, houses: U32 | I64) -> I64:
    """[n] cells of households."""
    return world.cells.of(world.households, world.persons, world.country, houses, world.month())


def days_rows(world: World, _census: Census) -> Rows:
    """Days of households that decide."""
    days = HOUSEHOLD_DAYS.of(world)
    cell = np.flatnonzero(days)
    persons = PERSON_DAYS.of(world)[cell]
    return {"cell": cell, "household_days": days[cell], "person_days": persons}


def answer_rows(world: World, _census: Census) -> Rows:
    """Answers by cell."""
    households, expected = HOUSEHOLDS.of(world), EXPECTED.of(world)
    seen = households > 0
    if expected is not None:
        seen |= expected.answers > 0
    seen[:, Answer.stays] = False  # `at_risk` tells how many these are
    cell, answer = where = where_nonzero(seen)
    rows: dict[str, Any] = {
        "cell": cell,
        "answer": answer,
        "households": households[where],
        "people": PERSONS.of(world)[where],
        "trapped": TRAPPED.of(world)[where],
    }
    if expected is not None:
        rows["expected"] = expected.answers[where] / MICRO
        rows["expected_years"] = expected.years[where] / MICRO
    return rows


def attribution_rows(world: World, _census: Census) -> Rows:
    """Moves of necessity by cell and threat."""
    counts = ATTRIBUTION.of(world)
    cell, threat = where = where_nonzero(counts)
    return {"cell": cell, "threat": threat, "people": counts[where] / MICRO}


MECHANISM = Mechanism(
    "decide",
    "sets the rates at which households move, and counts their answers",
    counters=(HOUSEHOLDS, PERSONS, TRAPPED, ATTRIBUTION, HOUSEHOLD_DAYS, PERSON_DAYS),
    draws=(MOVE,),
    hooks=(Hook("rates", 20, set_conditions),),
    tables=(
        Table(
            "answers",
            "moves and refusals of households that decide (`population.others`)",
            "first",
            (
                ANSWER,
                Column(
                    "households",
                    "int",
                    "households",
                    "households that move or are refused; each time counts",
                    formerly="heads",
                ),
                Column(
                    "people", "int", "people", "people who move; for other answers, all members"
                ),
                Column(
                    "trapped",
                    "int",
                    "households",
                    "blocked households that would have moved with the means of a secure place",
                ),
                Column(
                    "expected",
                    "float",
                    "households",
                    "expected number of answers, from the rates",
                    optional=True,
                ),
                Column(
                    "expected_years",
                    "float",
                    "person-years",
                    "expected rate times person-years before a move",
                    optional=True,
                ),
            ),
            answer_rows,
            absent=NONE_COUNTED,
            by=True,
        ),
        Table(
            "at_risk",
            "time in which households could have moved: days of those that decide where they live",
            "first",
            (
                Column("household_days", "int", "household-days", "days, added up over households"),
                Column("person_days", "int", "person-days", "days, added up over their members"),
            ),
            days_rows,
            absent=NONE_COUNTED,
            by=True,
        ),
        Table(
            "attribution",
            "moves of necessity, split over the threats that made them",
            "first",
            (
                THREAT,
                Column(
                    "people",
                    "float",
                    "people",
                    "people who moved because of the threat, or were uprooted by it before",
                ),
            ),
            attribution_rows,
            absent=NONE_COUNTED,
            by=True,
        ),
    ),
)
