"""Naturalisation (P15): people with a regular stay become citizens of the country they live in.

A rule of the host country sets the required years of regular stay (`naturalisation_years`) and the
share of eligible people who are naturalised in a year (`naturalisation`). `citizens_of` may limit
it to some nationalities. A household is naturalised together. Refugees count as having a regular
stay. The length of stay of people who live abroad at the start is unknown: it counts as long enough
(our assumption).

From then on the household has the income of citizens, is settled, cannot be ordered to leave, and
no longer counts as foreign for public opinion. Children born to it later are citizens of the new
country too. It still lives abroad: output tables count it by its country of origin, with the status
citizen, and only a move to its place of origin is a return home.

All rules on nationality take it from then on as a citizen of its new country.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from sim.core.parallel import in_pieces
from sim.core.rng import Draw
from sim.core.state import DAYS_A_YEAR, F64, I64
from sim.core.terms import Activity, Status
from sim.kernels.household import give_status
from sim.mechanisms.policy import RULES, admission_class
from sim.model.columns import CITIZENSHIP, COUNTRY, Column
from sim.model.declare import (
    NONE_COUNTED,
    Hook,
    Mechanism,
    State,
    Table,
    dense,
    nonzero,
)
from sim.schema.key import OURS, Part, key
from sim.schema.types import Share

if TYPE_CHECKING:
    from sim.model.substep import SubStep
    from sim.model.world import World
    from sim.schema import Scenario

Years = Annotated[float, Field(strict=True, ge=0, le=100)]


class NaturalisationRule(Part):
    """Keys on naturalisation that a rule of a state may have."""

    naturalisation: Share | None = key(
        None,
        "Share of people with a long enough stay who become citizens in a year.",
        unit="share a year",
        higher="more people become citizens, and then have the income and rights of citizens",
        otherwise=0.0,
        source=OURS,
    )
    naturalisation_years: Years | None = key(
        None,
        "Years of regular stay that people need before they can become citizens.",
        unit="years",
        higher="fewer people become citizens, and later",
        otherwise=5.0,
        source=OURS,
    )


@dataclass
class Stays:
    """Households abroad with a regular stay, one row each."""

    household: I64
    """Row of the household, ascending."""
    country: I64
    """Country of residence."""
    since: F64
    """Day, counted from the start, on which their regular stay there began."""


def first_stays(world: World) -> Stays:
    """Stays on the first day; empty if no rule is about naturalisation."""
    if not is_possible(world.scenario):
        none = np.empty(0, np.int64)
        return Stays(none, none, np.empty(0))
    houses = regular_households(world)
    return stays_of(world, houses, np.full(len(houses), -np.inf))


NATURALISATION = Draw("naturalisation", 70)
STAYS = State("stays", first_stays)
NATURALISED = dense(
    "naturalised",
    (COUNTRY.named("country", "country of the new citizenship"), CITIZENSHIP),
    "people who were naturalised",
)


def is_possible(scenario: Scenario) -> bool:
    """Whether any rule states a share for naturalisation."""
    return any(getattr(rule, "naturalisation", None) for rule in scenario.policies)


def naturalise(world: World, substep: SubStep) -> None:
    """Naturalise people with a long enough stay, at each country's rate."""
    if not is_possible(world.scenario):
        return
    households, rules = world.households, RULES.of(world)
    houses = regular_households(world)
    since = stay_began(world, houses, substep.end)
    k, c = admission_class(world, houses), world.country[households.place[houses]]
    share = rules.stated("naturalisation")[k, c]
    years = rules.stated("naturalisation_years")[k, c]
    begin = np.maximum(since + years * DAYS_A_YEAR, float(world.day))
    rate = -np.log1p(-np.minimum(share, 0.999999))
    who = households.ident[houses]
    when, _ = world.first_events(NATURALISATION, who, rate, begin, float(substep.end))
    chosen = np.isfinite(when)
    STAYS.put(world, stays_of(world, houses[~chosen], since[~chosen]))
    make_citizens(world, houses[chosen], c[chosen])


def make_citizens(world: World, houses: I64, country: I64) -> None:
    """Make whole households citizens of the country they live in.

    Args:
        world: The world.
        houses: [n] rows.
        country: [n] country.
    """
    households = world.households
    where = (country, world.country[households.home[houses]])
    np.add.at(NATURALISED.of(world), where, world.n_people(houses))
    give_status(households, houses, int(Status.citizen))
    households.citizenship[houses] = country


def regular_households(world: World) -> I64:
    """[n] rows of households that live abroad with a regular stay, or as refugees."""
    households = world.households

    def find(first: int, last: int) -> I64:
        status = households.status[first:last]
        regular = (status == Status.regular) | (status == Status.refugee)
        regular &= households.activity[first:last] <= Activity.waiting
        return first + np.flatnonzero(regular)

    parts = in_pieces(find, len(households.ident), world.threads)
    rows = np.concatenate([np.empty(0, np.int64), *parts])
    abroad = world.country[households.place[rows]] != world.country[households.home[rows]]
    return np.asarray(rows[abroad])


def stays_of(world: World, houses: I64, since: F64) -> Stays:
    """Stays of households.

    Args:
        world: The world.
        houses: [n] rows, ascending.
        since: [n] day on which their stay began.
    """
    return Stays(houses, world.country[world.households.place[houses]], since)


def stay_began(world: World, houses: I64, end: int) -> F64:
    """[n] day on which the regular stay of households began in the country they live in.

    A move within the country does not interrupt a stay. The stay of households that arrived in this
    sub-step begins on arrival; of those that gained a regular status in it, at its end (our
    assumption).
    """
    households, stays = world.households, STAYS.of(world)
    moved = households.moved[houses].astype(np.float64)
    since = np.where(moved >= world.day, moved, float(end))
    if len(stays.household):
        at = np.minimum(np.searchsorted(stays.household, houses), len(stays.household) - 1)
        known = stays.household[at] == houses
        known &= stays.country[at] == world.country[households.place[houses]]
        since = np.where(known, stays.since[at], since)
    return since


MECHANISM = Mechanism(
    "naturalisation",
    "makes citizens of people with a regular stay",
    rule_keys=NaturalisationRule,
    states=(STAYS,),
    counters=(NATURALISED,),
    draws=(NATURALISATION,),
    hooks=(Hook("states", 80, naturalise),),
    tables=(
        Table(
            "naturalisations",
            "people who became citizens of the country they live in",
            "first",
            (
                *NATURALISED.axes,
                Column("people", "int", "people", "people who were naturalised"),
            ),
            nonzero(NATURALISED, "people"),
            absent=NONE_COUNTED,
        ),
    ),
)
