"""Births and natural deaths: rates by age and sex, drawn by year of age (D12).

Rates are those of the country of origin, wherever people live and whatever they are doing, also on
the way (our assumption).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from sim.core.parallel import FEW_PEOPLE, in_pieces, in_ranges
from sim.core.rng import Draw, key_of, uniform_array
from sim.core.state import F64, I64, U64
from sim.core.terms import Sex, VitalEvent
from sim.kernels.demography import (
    MAKEUP,
    MOST_BIRTHS,
    SCHOOL_ENDS,
    Month,
    draw_vital_events,
    give_birth,
    record_deaths,
)
from sim.kernels.household import AGED, GROWN_UP, look_at_all
from sim.mechanisms.census import ACCOUNT
from sim.mechanisms.plans import PLANS, keep
from sim.mechanisms.populate import EDUCATION, SCHOOLED, SEX_AND_AGE, draw_taste, edges
from sim.model.columns import CITIZENSHIP, EVENT, PLACE, Column
from sim.model.declare import NONE_COUNTED, Hook, Mechanism, State, Table, dense, nonzero

if TYPE_CHECKING:
    from sim.model.segment import Segment
    from sim.model.world import World
    from sim.schema import Scenario

N_AGES: Final = 111
"""Ages 0 to 110; older people die at the rate of age 110."""
STANDARD: Final = (
    (1, -0.8670), (2, -0.7152), (3, -0.6552), (4, -0.6219), (5, -0.6015), (10, -0.5498),
    (15, -0.5131), (20, -0.4551), (25, -0.3829), (30, -0.3150), (35, -0.2496), (40, -0.1816),
    (45, -0.1073), (50, -0.0212), (55, 0.0832), (60, 0.2100), (65, 0.3746), (70, 0.5818),
    (75, 0.8611), (80, 1.2433), (85, 1.7810), (90, 2.5634), (95, 3.7090),
)  # fmt: skip
"""(age, logit of the share dead by that age) of the general standard of Brass (1971)."""
SEX_GAP: Final = 4.8
"""Female minus male life expectancy at birth, in years (world about 2010: UN, World Population
Prospects 2024, rounded); that it is the same everywhere is our assumption."""
GIRLS: Final = 100.0 / 205.0
"""Share of girls at birth: 105 boys for 100 girls (convention of population projections)."""
MEAN_AGE: Final = 28.0
"""Mean age at childbearing (about that of the world; that it is the same everywhere is our
assumption)."""
SPREAD: Final = 6.2
"""Standard deviation of the age at childbearing, years (our assumption)."""
FERTILE: Final = (15, 50)
"""Reproductive ages; the second is excluded."""

BEGINS: Final = np.zeros(N_AGES, np.int64)
"""[age] what begins with it: see `draw_vital_events`."""
BEGINS[SCHOOLED] = SCHOOL_ENDS
BEGINS[[GROWN_UP // 12, AGED // 12]] = MAKEUP

DEATH, BIRTH = Draw("natural_death", 53), Draw("birth", 54)
VITAL = dense("vital", (PLACE, CITIZENSHIP, EVENT), "people who were born or died")


@cache
def standard_logits() -> F64:
    """[age] logit of the share dead by each birthday, 1 to N_AGES, of the general standard.

    Linear between the tabulated ages and beyond the last one (our assumption).
    """
    ages, logits = (np.array(column) for column in zip(*STANDARD, strict=True))
    birthdays = np.arange(1, N_AGES + 1)
    slope = (logits[-1] - logits[-2]) / (ages[-1] - ages[-2])
    beyond = slope * np.maximum(birthdays - ages[-1], 0)
    return np.asarray(np.interp(birthdays, ages, logits) + beyond)


def survivors(level: float) -> F64:
    """[age] survivorship at each birthday, 0 to N_AGES, of the life table with a given level.

    l(x) = 1 / (1 + exp(2 (level + Y(x)))), Y the general standard. Source: the relational logit
    system with slope 1, Brass (1971), On the scale of mortality.
    """
    return np.concatenate([[1.0], 1.0 / (1.0 + np.exp(2.0 * (level + standard_logits())))])


@cache
def mortality(life_expectancy: float) -> F64:
    """[age] deaths per person-year of the life table with a given life expectancy.

    The rate is constant within a year of age, as it is when events are drawn. The level of the
    life table is found by bisection.
    """
    low, high = -8.0, 4.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        alive = survivors(middle)
        rates = -np.diff(np.log(alive))
        lived = -np.diff(alive) / rates
        if float(lived.sum()) > life_expectancy:
            low = middle
        else:
            high = middle
    return np.asarray(rates)


def fertility() -> F64:
    """[age] share of births at each age of the mother; sums to 1.

    Source: Hadwiger (1940), Eine analytische Reproduktionsfunktion: the density of an inverse
    Gaussian, here of mean `MEAN_AGE` and standard deviation `SPREAD`, cut to `FERTILE` ages.
    """
    age = np.arange(N_AGES) + 0.5
    shape = MEAN_AGE**3 / SPREAD**2
    density = age**-1.5 * np.exp(-shape * (age - MEAN_AGE) ** 2 / (2.0 * MEAN_AGE**2 * age))
    density[(age < FERTILE[0]) | (age > FERTILE[1])] = 0.0
    return np.asarray(density / density.sum())


def vital_rates(scenario: Scenario) -> tuple[F64, F64]:
    """([country, sex, age] deaths, [country, sex, age] births) per person-year."""
    shape = (len(scenario.countries), len(Sex), N_AGES)
    deaths, births = np.zeros(shape), np.zeros(shape)
    schedule = fertility()
    for c, country in enumerate(scenario.countries):
        profile = country.profile
        assert profile is not None
        deaths[c, Sex.man] = mortality(profile.life_expectancy - 0.5 * SEX_GAP)
        deaths[c, Sex.woman] = mortality(profile.life_expectancy + 0.5 * SEX_GAP)
        births[c, Sex.woman] = profile.fertility * schedule
    return deaths, births


class VitalEvents(NamedTuple):
    """What happens in a month; rows of persons, ascending."""

    dying: I64
    """Rows of those who die."""
    grown: I64
    """Rows of the others who come of age, or are old from now on."""
    mothers: I64
    """[birth] row of the mother."""
    children: U64
    """[birth] identity of the child."""


class Renewal:
    """Rates of births and deaths, shares of education, and the last month that was drawn.

    Rates that rise in mid-run need everybody to be looked at again: set `Persons.due` to 0.

    Attributes:
        deaths: [country, sex, age] deaths per person-year.
        births: [country, sex, age] births per person-year.
        schooling: [country, level] share of people with this level of education or less.
        month: Last month, from the start, whose events were drawn; -1 before the first.
    """

    def __init__(self, world: World) -> None:
        self.deaths, self.births = vital_rates(world.scenario)
        shares = []
        for country in world.scenario.countries:
            assert country.profile is not None
            shares.append(edges(np.array(country.profile.education)))
        self.schooling = np.array(shares)
        if not world.scenario.population.demography:
            # Nobody is born, dies or has any education that they did not have at the start.
            self.deaths, self.births = 0.0 * self.deaths, 0.0 * self.births
            self.schooling[:] = 1.0
        self.month = -1


RENEWAL = State("renewal", Renewal)


def renew_people(world: World, _segment: Segment) -> None:
    """Let people be born, die, finish school, come of age and grow old when a month begins.

    All events of a month happen in the first segment that begins in it, if they fall on days within
    the run. So neither draws nor rates depend on the length of a step.
    """
    month, renewal = world.month(), RENEWAL.of(world)
    if month == renewal.month:
        return
    renewal.month = month

    def find(first: int, last: int) -> I64:
        return first + np.flatnonzero(world.persons.due[first:last] <= month)

    parts = in_ranges(find, len(world.persons.due), world.threads, FEW_PEOPLE)
    events = draw_events(world, np.concatenate([rows for _, rows in parts]))
    # Some of the newborn die within the month.
    newborn = draw_events(world, bear(world, events.mothers, events.children, month))
    die(world, np.concatenate([events.dying, newborn.dying]))
    houses = world.persons.household[events.grown]
    look_at_all(world.households, world.persons, houses, month)


def draw_events(world: World, rows: I64) -> VitalEvents:
    """Draw what happens this month to some persons, and set when they are next due.

    Args:
        world: The world.
        rows: [n] rows, ascending.
    """
    time, renewal = world.scenario.time, RENEWAL.of(world)
    most = np.stack([renewal.deaths.max(axis=0), renewal.births.max(axis=0)])
    keys = tuple(key_of(world.seed, of) for of in (DEATH, BIRTH, EDUCATION))
    start = 12 * time.start.year + time.start.month - 1
    month = Month(renewal.month, start, time.start.toordinal(), time.end.toordinal() + 1)

    def draw(first: int, last: int) -> VitalEvents:
        n, n_births = last - first, MOST_BIRTHS * (last - first)
        events = VitalEvents(
            np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n_births, np.int64),
            np.empty(n_births, np.uint64),
        )  # fmt: skip
        dying, grown, births = draw_vital_events(
            world.households, world.persons, rows[first:last], world.country, renewal.deaths,
            renewal.births, most, BEGINS, renewal.schooling, keys, month, *events,
        )  # fmt: skip
        return VitalEvents(
            events.dying[:dying].copy(), events.grown[:grown].copy(),
            events.mothers[:births].copy(), events.children[:births].copy(),
        )  # fmt: skip

    parts = in_pieces(draw, len(rows), world.threads) or [draw(0, 0)]
    return VitalEvents(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def bear(world: World, mothers: I64, children: U64, month: int) -> I64:
    """Let women give birth where they are; the child joins the mother's household.

    So origin, citizenship, place, legal status, grounds for asylum, group, wealth, kin abroad and
    exposure are the mother's: no one is born stateless, or a citizen of the country of birth if the
    mother is not (our assumption). A claimant's child is part of the claim.

    Args:
        world: The world.
        mothers: [n] rows; one who has several children is there several times.
        children: [n] identities: each is the hash of the point of its birth.
        month: Month of birth, from the start.

    Returns:
        [n] rows of the children.
    """
    born = world.add_persons(len(mothers))
    persons = world.persons
    girl = uniform_array(key_of(world.seed, SEX_AND_AGE, 1), children) < GIRLS
    traits = girl + 16 * draw_taste(world.scenario, world.seed, children)
    persons.pid[born] = children
    persons.born[born] = persons.due[born] = month
    persons.traits[born] = traits.astype(np.uint8)
    persons.past[born] = 0
    give_birth(world.households, persons, mothers, born)
    ACCOUNT.of(world).born += count_events(world, born, VitalEvent.birth)
    return born


def die(world: World, rows: I64) -> None:
    """Let people die a natural death where they are.

    The household's journey, claim or application continues; if no one survives, it ends.

    Args:
        world: The world.
        rows: [n] rows of the people who die, ascending.
    """
    ACCOUNT.of(world).died += count_events(world, rows, VitalEvent.death)
    record_deaths(world.households, world.persons, rows, world.month())
    keep(world, PLANS.of(world))


def count_events(world: World, rows: I64, event: VitalEvent) -> I64:
    """Count births or deaths by place and citizenship; return [citizenship] their number."""
    households, houses = world.households, world.persons.household[rows]
    n_people = households.weight[houses].astype(np.int64)
    citizenship = world.country[households.home[houses]]
    np.add.at(VITAL.of(world)[:, :, event], (households.place[houses], citizenship), n_people)
    total = np.zeros(world.n_countries, np.int64)
    np.add.at(total, citizenship, n_people)
    return total


MECHANISM = Mechanism(
    "demography",
    "lets people be born, die a natural death and finish school",
    states=(RENEWAL,),
    counters=(VITAL,),
    draws=(DEATH, BIRTH),
    hooks=(Hook("people", 20, renew_people),),
    tables=(
        Table(
            "vital",
            "births and natural deaths; deaths on the way are in `harms`",
            "first",
            (
                PLACE,
                CITIZENSHIP,
                EVENT,
                Column("people", "int", "people", "people who were born or died"),
            ),
            nonzero(VITAL, "people"),
            absent=NONE_COUNTED,
        ),
    ),
)
