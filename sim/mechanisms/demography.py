"""Births and natural deaths: rates by age and sex, drawn once a calendar month (D12).

Rates are those of the country of origin, wherever people live and whatever they are doing, also on
the way (our assumption).
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.core.parallel import FEW_PEOPLE, in_pieces, in_ranges
from sim.core.rng import Draw, key_of, mixed_array, uniform_array
from sim.core.state import DAYS_A_YEAR, F64, I64
from sim.core.terms import Sex, VitalEvent
from sim.kernels.demography import draw_vital_events, give_birth, record_deaths
from sim.kernels.household import AGED, GROWN_UP, look_at_all
from sim.mechanisms.census import ACCOUNT
from sim.mechanisms.plans import PLANS, keep
from sim.mechanisms.populate import SCHOOLED, SEX_AND_AGE, draw_education, draw_taste
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

VITAL_EVENTS = Draw("vital", 50)
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


class Renewal:
    """Rates of births and deaths, and the last month that was drawn.

    Attributes:
        deaths: [country, sex, age] deaths per person-year.
        births: [country, sex, age] births per person-year.
        month: Last month, from the start, whose events were drawn; -1 before the first.
    """

    def __init__(self, world: World) -> None:
        self.deaths, self.births = vital_rates(world.scenario)
        self.month = -1


RENEWAL = State("renewal", Renewal)


def come_of_age(world: World, segment: Segment) -> None:
    """Count people as adults, and as old, from the month of their birthday on."""
    if not segment.month_begins:
        return
    persons, month = world.persons, world.month()

    def find(first: int, last: int) -> I64:
        born = persons.born[first:last]
        return first + np.flatnonzero((born == month - GROWN_UP) | (born == month - AGED))

    parts = in_ranges(find, len(persons.pid), world.threads, FEW_PEOPLE)
    rows = np.concatenate([part for _, part in parts])
    look_at_all(world.households, persons, persons.household[rows], month)


def renew_people(world: World, _segment: Segment) -> None:
    """Let people be born, die and finish school when a calendar month begins.

    All events of a month happen in the first segment that begins in it. Their
    probabilities cover the days of that month that lie within the run, so neither draws nor rates
    depend on the length of a step.
    """
    month, renewal = world.month(), RENEWAL.of(world)
    if not world.scenario.population.demography or month == renewal.month:
        return
    renewal.month = month
    years = covered_days(world) / DAYS_A_YEAR
    deaths, births = renewal.deaths, renewal.births
    dies, bears = -np.expm1(-deaths * years), births * years
    spared = np.stack([dies.max(axis=(0, 1)), 1.0 - bears.max(axis=(0, 1))]).repeat(12, axis=1)
    # People who reach the end of school must be listed whatever their draw.
    spared[:, 12 * SCHOOLED] = 1.0, 0.0
    draw_key = key_of(world.seed, VITAL_EVENTS, month)

    def draw(first: int, last: int) -> list[I64]:
        rows = [np.empty(last - first, np.int64) for _ in range(3)]
        found = draw_vital_events(
            world.households, world.persons, first, last, world.country, dies, bears, spared,
            draw_key, month, 12 * SCHOOLED, *rows,
        )  # fmt: skip
        return [column[:n].copy() for column, n in zip(rows, found, strict=True)]

    parts = in_pieces(draw, len(world.persons.pid), world.threads) or [draw(0, 0)]
    dying, mothers, grown = (np.concatenate(rows) for rows in zip(*parts, strict=True))
    finish_school(world, grown)
    bear(world, mothers, month)
    die(world, dying)


def covered_days(world: World) -> int:
    """Number of days of the current calendar month that lie within the run."""
    time, today = world.scenario.time, world.date()
    first = max(today.replace(day=1), time.start)
    after = date(today.year + today.month // 12, today.month % 12 + 1, 1)
    return (min(after, time.end + timedelta(days=1)) - first).days


def finish_school(world: World, rows: I64) -> None:
    """Draw the education of people who reach the age of `SCHOOLED`."""
    persons = world.persons
    country = world.country[world.households.home[persons.household[rows]]]
    for c in np.unique(country):
        profile = world.scenario.countries[c].profile
        assert profile is not None
        mine = rows[country == c]
        education = draw_education(profile, world.seed, persons.pid[mine])
        persons.traits[mine] |= (education << 1).astype(np.uint8)


def bear(world: World, mothers: I64, month: int) -> None:
    """Let women give birth where they are; the child joins the mother's household.

    So origin, citizenship, place, legal status, grounds for asylum, group, wealth, kin abroad and
    exposure are the mother's: no one is born stateless, or a citizen of the country of birth if the
    mother is not (our assumption). A claimant's child is part of the claim. A child's id is a hash
    of its mother's id and the month.
    """
    born = world.add_persons(len(mothers))
    persons = world.persons
    pid = mixed_array(mixed_array(persons.pid[mothers]) ^ np.uint64(month))
    girl = uniform_array(key_of(world.seed, SEX_AND_AGE, 1), pid) < GIRLS
    traits = girl + 16 * draw_taste(world.scenario, world.seed, pid)
    persons.pid[born] = pid
    persons.born[born] = month
    persons.traits[born] = traits.astype(np.uint8)
    persons.past[born] = 0
    give_birth(world.households, persons, mothers, born)
    ACCOUNT.of(world).born += count_events(world, born, VitalEvent.birth)


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
    draws=(VITAL_EVENTS,),
    hooks=(Hook("people", 18, come_of_age), Hook("people", 20, renew_people)),
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
