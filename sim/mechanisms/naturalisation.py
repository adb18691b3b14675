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

Not all rules know the new citizenship yet. These do (`admission_class`): queues and waiting times
for permits, fees as they are paid, decisions on claims, removal, regularisation, naturalisation,
the return of children to their families. These still look at the country of origin: the decision
(channels that are open, expected waiting times, fees and recognition, free movement), arrival
(prima facie recognition, countries claimants are returned to, camps), and interception.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from sim.core.parallel import in_pieces
from sim.core.rng import Draw
from sim.core.state import DAYS_A_YEAR, F64, HEAD, I64
from sim.core.terms import Activity, Status
from sim.kernels.household import give_status, party_sizes
from sim.mechanisms.citizenship import acquire
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
    """Households abroad with a regular stay, one row each, by founder."""

    founder: I64
    """Row of the household's founder, ascending."""
    country: I64
    """Country of residence."""
    since: F64
    """Day, counted from the start, on which their regular stay there began."""


def first_stays(world: World) -> Stays:
    """Stays on the first day; empty if no rule is about naturalisation."""
    if not is_possible(world.scenario):
        none = np.empty(0, np.int64)
        return Stays(none, none, np.empty(0))
    heads = regular_heads(world)
    return stays_of(world, heads, np.full(len(heads), -np.inf))


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
    people, rules = world.people, RULES.of(world)
    heads = regular_heads(world)
    since = stay_began(world, heads, substep.end)
    k, c = admission_class(world, heads), world.country[people.place[heads]]
    share = rules.stated("naturalisation")[k, c]
    years = rules.stated("naturalisation_years")[k, c]
    begin = np.maximum(since + years * DAYS_A_YEAR, float(world.day))
    rate = -np.log1p(-np.minimum(share, 0.999999))
    who = people.pid[people.household[heads]]
    when, _ = world.first_events(NATURALISATION, who, rate, begin, float(substep.end))
    chosen = np.isfinite(when)
    STAYS.put(world, stays_of(world, heads[~chosen], since[~chosen]))
    make_citizens(world, heads[chosen], c[chosen])


def make_citizens(world: World, heads: I64, country: I64) -> None:
    """Make whole households citizens of the country they live in.

    Args:
        world: The world.
        heads: [n] rows of their heads.
        country: [n] country.
    """
    if not len(heads):
        return
    people = world.people
    n_people = party_sizes(people, heads) * world.weight[people.home[heads]]
    np.add.at(NATURALISED.of(world), (country, world.country[people.home[heads]]), n_people)
    give_status(people, heads, int(Status.citizen))
    members = np.flatnonzero(np.isin(people.household, people.household[heads]))
    acquire(world, members, world.country[people.place[members]])


def regular_heads(world: World) -> I64:
    """[n] rows of heads who live abroad with a regular stay, or as refugees."""
    people = world.people

    def find(first: int, last: int) -> I64:
        rows = slice(first, last)
        regular = (people.status[rows] == Status.regular) | (people.status[rows] == Status.refugee)
        regular &= people.activity[rows] <= Activity.waiting
        return first + np.flatnonzero(regular & (people.flags[rows] & HEAD > 0))

    parts = in_pieces(find, len(people.pid), world.threads)
    rows = np.concatenate([np.empty(0, np.int64), *parts])
    abroad = world.country[people.place[rows]] != world.country[people.home[rows]]
    return np.asarray(rows[abroad])


def stays_of(world: World, heads: I64, since: F64) -> Stays:
    """Stays of households, by founder.

    Args:
        world: The world.
        heads: [n] rows of heads.
        since: [n] day on which their stay began.
    """
    people = world.people
    founder = people.household[heads].astype(np.int64)
    order = np.argsort(founder)
    return Stays(founder[order], world.country[people.place[heads[order]]], since[order])


def stay_began(world: World, heads: I64, end: int) -> F64:
    """[n] day on which the regular stay of households began in the country they live in.

    A move within the country does not interrupt a stay. The stay of households that arrived in this
    sub-step begins on arrival; of those that gained a regular status in it, at its end (our
    assumption).
    """
    people, stays = world.people, STAYS.of(world)
    moved = people.moved[heads].astype(np.float64)
    since = np.where(moved >= world.day, moved, float(end))
    if len(stays.founder):
        founder = people.household[heads]
        at = np.minimum(np.searchsorted(stays.founder, founder), len(stays.founder) - 1)
        known = stays.founder[at] == founder
        known &= stays.country[at] == world.country[people.place[heads]]
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
