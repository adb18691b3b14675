"""Births and natural deaths: points of each year of age, and succession of dead heads.

Everyone has a plane for deaths and one for births in each year of age (see `sim.kernels.plane`).
`Persons.due` says when to look at a person next, so that a month is a glance at most people.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sim.core.jit import equation, inner, kernel
from sim.core.rng import mixed, uniform
from sim.core.state import CHILDREN, DAYS_A_YEAR, DIED, DIED_NATURALLY, NONE, WOMAN
from sim.kernels.household import drop_the_dead, take_in
from sim.kernels.plane import Plane, next_point

NEVER = 32767
"""Value of `due` for those to whom nothing will happen any more."""
LONGEST_YEAR = 366 / DAYS_A_YEAR
"""Longest year of age, in years."""
SCHOOL_ENDS, MAKEUP = 1, 2
"""What begins with an age: education, or being an adult or old."""
MOST_BIRTHS = 8
"""Births of a woman in a month, at most: at the highest fertility one in 10^15 women has more."""


class Month(NamedTuple):
    """A calendar month of a run. Days are numbered as `date.toordinal` does."""

    number: int
    """Counted from the start."""
    start: int
    """Month of the start, counted from January of the year 0."""
    since: int
    """First day of the run."""
    until: int
    """Day after its last one."""


@equation
def first_day(month):
    """First day of a month counted from January of the year 0, numbered as `date.toordinal` is."""
    # Years from March on: the leap day is their last.
    year, since_march = (month - 2) // 12, (month - 2) % 12
    leap_days = year // 4 - year // 100 + year // 400
    return 365 * year + leap_days + (153 * since_march + 2) // 5 - 305


@inner
def first_point(key, years, birthday, below, after, until):
    """(time, hash) of the first point of a year of age in a span of time, below some height.

    The year begins with the month of the birthday. Where there is no point, the time is infinite.
    """
    # The height of a year's lowest point is at least its uniform, so few need a logarithm.
    if uniform(key, years) >= below * LONGEST_YEAR:
        return math.inf, key
    begin = first_day(birthday)
    plane = Plane(key, np.float64(begin), np.float64(first_day(birthday + 12) - begin))
    time, _, word = next_point(plane, years, below, after, until)
    return time, word


@kernel
def draw_vital_events(
    households,
    persons,
    rows,
    country,
    deaths,
    births,
    most,
    begins,
    schooling,
    keys,
    month,
    dying,
    grown,
    mothers,
    children,
):
    """Draw who of some people dies, gives birth, or reaches some age; set when they are next due.

    People die at the first point of their plane of deaths below the rate of their age, and women
    give birth at every point of their plane of births below that rate while they live. With higher
    rates, the same people have the event and some more.

    Args:
        households, persons: All of them.
        rows: [n] rows of persons, ascending.
        country: [place] country index.
        deaths, births: [country, sex, age] events per person-year; older people have the last ones.
        most: [2, sex, age] highest rate of deaths (0) and of births (1) in any country.
        begins: [age] whether `SCHOOL_ENDS` with this age, or `MAKEUP` changes.
        schooling: [country, level] share of people with this level of education or less.
        keys: Keys of the planes of deaths and of births, and of education.
        month: The month.
        dying: [n] out: rows of those who die.
        grown: [n] out: rows of the others who reach an age at which the makeup changes.
        mothers, children: [MOST_BIRTHS * n] out: row of each mother; id of her child.

    Returns:
        (number dying, number grown, number of births)
    """
    n, now = rows.shape[0], month.start + month.number
    pid, born = np.empty(n, np.uint64), np.empty(n, np.int64)
    sex, origin = np.empty(n, np.int64), np.empty(n, np.int64)
    # All are read first: memory answers many such requests at once.
    for i in range(n):
        row = rows[i]
        pid[i], born[i], sex[i] = persons.pid[row], persons.born[row], persons.traits[row] & WOMAN
        origin[i] = country[households.home[persons.household[row]]]
        if persons.past[row] & DIED:
            origin[i] = NONE
    n_dying = n_grown = n_births = 0
    after = np.float64(max(first_day(now), month.since))
    before = np.float64(min(first_day(now + 1), month.until))
    for i in range(n):
        row, c = rows[i], origin[i]
        persons.due[row] = NEVER
        if c == NONE:
            continue
        lived = month.number - born[i]
        years, age = np.uint64(lived // 12), min(lived // 12, begins.shape[0] - 1)
        birthday = now - lived % 12
        of_deaths, of_births = mixed(keys[0] ^ pid[i]), mixed(keys[1] ^ pid[i])
        died, _ = first_point(of_deaths, years, birthday, deaths[c, sex[i], age], after, before)
        n_births = list_births(
            of_births, years, birthday, births[c, sex[i], age], after, min(before, died), row,
            mothers, children, n_births,
        )  # fmt: skip
        if died < math.inf:
            dying[n_dying] = row
            n_dying += 1
            continue
        if lived % 12 == 0 and begins[age] == SCHOOL_ENDS:
            persons.traits[row] |= education(schooling, c, uniform(keys[2], pid[i])) << 1
        elif lived % 12 == 0 and begins[age] == MAKEUP:
            grown[n_grown] = row
            n_grown += 1
        due = next_due(of_deaths, of_births, sex[i], now, lived, most, begins, month.until)
        persons.due[row] = due - month.start
    return n_dying, n_grown, n_births


@inner
def list_births(key, years, birthday, below, after, until, row, mothers, children, n):
    """List someone's births in a span of time; return the number listed, with those before."""
    for _ in range(MOST_BIRTHS):
        after, word = first_point(key, years, birthday, below, after, until)
        if after == math.inf:
            break
        mothers[n], children[n] = row, word
        n += 1
    return n


@inner
def education(schooling, c, draw):
    """Level of education of a person from a country."""
    level = 0
    while level < schooling.shape[1] - 1 and schooling[c, level] <= draw:
        level += 1
    return level


@inner
def next_due(of_deaths, of_births, sex, month, lived, most, begins, until):
    """Month in which a person is looked at next, as `month` counted from January of the year 0.

    That is the month of the first point after `month` that may be an event, or that of the first
    birthday with which something begins, or after the run, if it comes before.
    """
    ends = np.float64(first_day(month + 1))
    years, birthday = lived // 12, month - lived % 12
    oldest = begins.shape[0] - 1
    while True:
        time = math.inf
        for kind in range(2):
            key = of_births if kind else of_deaths
            below = most[kind, sex, min(years, oldest)]
            point, _ = first_point(key, np.uint64(years), birthday, below, ends, math.inf)
            time = min(time, point)
        if time < math.inf:
            break
        years, birthday = years + 1, birthday + 12
        if begins[min(years, oldest)] or first_day(birthday) >= until:
            return birthday
    # No month is longer than 31 days.
    due = birthday + np.int64(time - first_day(birthday)) // 31
    while first_day(due + 1) < time:
        due += 1
    return due


@kernel
def record_deaths(households, persons, dying, month):
    """Let people die a natural death where they are; the eldest survivor leads the household then.

    Args:
        dying: [n] rows.
        month: Month from the start.
    """
    for i in range(dying.shape[0]):
        persons.past[dying[i]] |= DIED_NATURALLY
    for i in range(dying.shape[0]):
        house = persons.household[dying[i]]
        if households.size[house] > 0:
            drop_the_dead(households, persons, house, month)


@kernel
def give_birth(households, persons, mothers, children):
    """Let children join their mothers' households, after them.

    Args:
        mothers: [n] rows.
        children: [n] rows.
    """
    for i in range(mothers.shape[0]):
        house = persons.household[mothers[i]]
        persons.household[children[i]] = house
        persons.next[children[i]] = persons.next[mothers[i]]
        persons.next[mothers[i]] = children[i]
        households.size[house] += 1
        # There is a woman already, whoever is born.
        take_in(households, house, CHILDREN)
