"""When people are born and die: how often, who, and that nothing else has a say in it."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.core.rng import key_of, mix
from sim.core.state import (
    DAYS_A_YEAR,
    DIED,
    DIED_ON_THE_WAY,
    F64,
    I64,
    NOBODY,
    U64,
    VULNERABLE,
    WOMAN,
    Persons,
)
from sim.core.terms import Sex
from sim.engine.recorder import Recorder
from sim.kernels.demography import NEVER, first_day
from sim.kernels.household import AGED, GROWN_UP
from sim.kernels.plane import TIME
from sim.mechanisms import demography
from sim.mechanisms.census import ACCOUNT
from sim.mechanisms.demography import (
    BIRTH,
    DEATH,
    N_AGES,
    RENEWAL,
    mortality,
    renew_people,
    vital_rates,
)
from sim.model.segment import segment_of
from sim.model.world import World
from tests.properties.test_exposure import counted_makeup
from tests.properties.test_resume import kept_of, round_trip
from tests.small import small, tables, world

RATES = ("decision.base_livelihood=.5", "decision.flight_norm=2")
"""Given, so that they need not be solved."""


def rates_of(fertility: float, years: float) -> tuple[str, ...]:
    """The same births and deaths in all countries."""
    profiles = ["population.profile", "countries.AA.profile", "countries.CC.profile"]
    values = (("fertility", fertility), ("life_expectancy", years))
    return tuple(f"{it}.{key}={value}" for it in profiles for key, value in values)


def many(*changes: str, **options: int) -> World:
    """A world of many rows, whose people differ by country."""
    return world(small("population.agents=12000", "time.end=2049-12", *RATES, *changes), **options)


def renew(at: World, months: int, first: int = 0) -> None:
    """Let people be born and die for months in which nothing else happens."""
    start = at.scenario.time.start
    for month in range(first, first + months):
        ahead = start.month - 1 + month
        day = (date(start.year + ahead // 12, ahead % 12 + 1, 1) - start).days
        at.day = max(day, 0)
        renew_people(at, segment_of(at, at.day + 1))


def alive(at: World) -> np.ndarray:
    """[person] whether they are alive."""
    return at.persons.past & DIED == 0


def dead_of(at: World) -> set[int]:
    """Identities of the dead."""
    return set(at.persons.pid[~alive(at)].tolist())


def ids(at: World) -> set[int]:
    """Identities of everyone who ever lived."""
    return set(at.persons.pid.tolist())


@pytest.fixture
def mothers(monkeypatch: pytest.MonkeyPatch) -> list[I64]:
    """Rows of the mothers of each month, in order."""
    found: list[I64] = []
    bear = demography.bear

    def spy(at: World, rows: I64, children: U64, month: int) -> I64:
        found.append(rows.copy())
        return bear(at, rows, children, month)

    monkeypatch.setattr(demography, "bear", spy)
    return found


@pytest.fixture
def grown(monkeypatch: pytest.MonkeyPatch) -> list[I64]:
    """Rows of those who come of age or grow old, as they are found, in order."""
    found: list[I64] = []
    draw_events = demography.draw_events

    def spy(at: World, rows: I64) -> Any:
        events = draw_events(at, rows)
        found.append(events.grown.copy())
        return events

    monkeypatch.setattr(demography, "draw_events", spy)
    return found


# How many ----------------------------------------------------------------------------------------


class Counted:
    """[sex, age] what happened, what was expected, and the time lived, in person-years."""

    def __init__(self, at: World, mothers: list[I64], months: int) -> None:
        self.deaths, self.births, self.years = (np.zeros((2, N_AGES)) for _ in range(3))
        self.dying, self.bearing = np.zeros((2, N_AGES)), np.zeros((2, N_AGES))
        deaths, births = vital_rates(at.scenario)
        for month in range(months):
            before = alive(at)
            n = len(before)
            country = at.country[at.households.home[at.persons.household]]
            age = np.minimum((month - at.persons.born.astype(int)) // 12, N_AGES - 1)
            sex = at.persons.traits & WOMAN
            renew(at, 1, month)
            days = at.date().replace(day=28).toordinal() - at.date().toordinal() + 1
            while at.date(at.day + days).day != 1:
                days += 1
            years = days / DAYS_A_YEAR
            died = before & ~alive(at)[:n]
            each = mothers[month]
            np.add.at(self.deaths, (sex[died], age[died]), 1)
            np.add.at(self.births, (sex[each], age[each]), 1)
            cell = sex[before], age[before]
            rate = deaths[country[before], *cell]
            # Time lived by those who die is counted, too: in births, they count for half a month.
            lived = -np.expm1(-rate * years) / rate
            np.add.at(self.years, cell, lived)
            np.add.at(self.dying, cell, rate * lived)
            np.add.at(self.bearing, cell, births[country[before], *cell] * lived)


def by_age(counts: F64, years: int) -> F64:
    """Sums over groups of ages of so many years, up to the last whole one."""
    whole = N_AGES // years * years
    return np.asarray(counts[:whole].reshape(-1, years).sum(axis=1))


def test_as_many_die_and_are_born_at_every_age_as_the_rates_say(mothers):
    """Ten years of 100,000 persons, within 4 standard errors.

    Rates that are off by a tenth would show in the sums, at any age in births.
    """
    at = many("population.agents=100000")
    counted = Counted(at, mothers, 120)
    for found, expected, least in (
        (by_age(counted.deaths[Sex.man], 5), by_age(counted.dying[Sex.man], 5), 14),
        (by_age(counted.deaths[Sex.woman], 5), by_age(counted.dying[Sex.woman], 5), 14),
        (counted.births[Sex.woman], counted.bearing[Sex.woman], 27),
    ):
        enough = expected >= 20
        z = ((found - expected) / np.sqrt(np.maximum(expected, 1)))[enough]
        assert len(z) >= least
        assert np.abs(z).max() < 4
        # Chi square of so many cells.
        assert abs((z**2).sum() - len(z)) < 4 * np.sqrt(2 * len(z))
        assert abs(found.sum() - expected.sum()) < 4 * np.sqrt(expected.sum())
        assert 4 * np.sqrt(expected.sum()) < 0.1 * expected.sum()
    assert counted.births[Sex.man].sum() == 0


@pytest.mark.parametrize(("fertility", "years"), [(2.5, 71.0), (6.0, 52.0)])
def test_life_expectancy_and_total_fertility_are_those_asked_for(mothers, fertility, years):
    at = many(*rates_of(fertility, years))
    counted = Counted(at, mothers, 120)
    # Few live beyond 90: there the rates are taken as given.
    for sex, gap in ((Sex.man, -2.4), (Sex.woman, 2.4)):
        given = mortality(years + gap)
        reached = (np.arange(N_AGES) < 90) & (counted.years[sex] > 0)

        def expectancy(deaths: F64, sex: Sex = sex, given: F64 = given, reached=reached) -> float:
            time = np.maximum(counted.years[sex], 1)
            rate = np.maximum(np.where(reached, deaths / time, given), 1e-12)
            left = np.exp(-np.concatenate([[0], np.cumsum(rate)]))
            return float((-np.diff(left) / rate).sum())

        rng = np.random.default_rng(1)
        error = np.std([expectancy(rng.poisson(counted.dying[sex])) for _ in range(200)])
        assert error < 1
        assert expectancy(counted.deaths[sex]) == pytest.approx(years + gap, abs=4 * error)
    lived, born = counted.years[Sex.woman, 15:50], counted.births[Sex.woman, 15:50]
    error = np.sqrt((counted.bearing[Sex.woman, 15:50] / lived**2).sum())
    assert error < 0.05 * fertility
    assert (born / lived).sum() == pytest.approx(fertility, abs=4 * error)


def test_infants_die_in_their_first_month_too():
    """A newborn is exposed from the month of its birth on: twelve months at the rate of age 0."""
    at = many(*rates_of(12, 35))
    n = len(at.persons.pid)
    renew(at, 60)
    born = np.arange(n, len(at.persons.pid))
    early = at.persons.born[born] < 48
    lived = np.array([mortality(35 + gap)[0] for gap in (-2.4, 2.4)])
    dying = (1 - np.exp(-lived / 12))[at.persons.traits[born] & WOMAN].sum()
    first = np.zeros(len(born), bool)
    other = many(*rates_of(12, 35))
    for month in range(60):
        renew(other, 1, month)
        rows = np.flatnonzero(other.persons.born[n:] == month) + n
        first[rows - n] = ~alive(other)[rows]
    assert first.sum() == pytest.approx(dying, abs=4 * np.sqrt(dying))
    assert early.sum() > 3000
    assert dying > 60


# Who ---------------------------------------------------------------------------------------------


def unit(word: int) -> float:
    return ((word >> 12) + 0.5) / (1 << 52)


def events_of(at: World, row: int, rates: tuple[F64, F64], months: int) -> tuple[float, list[int]]:
    """(day of death, identities of children) of a person, from the plane of each year of age."""
    persons, pid = at.persons, int(at.persons.pid[row])
    sex = persons.traits[row] & WOMAN
    country = at.country[at.households.home[persons.household[row]]]
    start = at.scenario.time.start

    def first_of(month: int) -> float:
        ahead = start.month - 1 + month
        return (date(start.year + ahead // 12, ahead % 12 + 1, 1) - start).days

    died, children = math.inf, []
    born = int(persons.born[row])
    for age in range(max(0 - born, 0) // 12, (months - born) // 12 + 1):
        begin, end = first_of(born + 12 * age), first_of(born + 12 * age + 12)
        points = []
        for kind, rate in zip((DEATH, BIRTH), rates, strict=True):
            height, found = 0.0, []
            word = mix(mix(int(key_of(at.seed, kind)) ^ pid) ^ age)
            while True:
                height -= math.log1p(-unit(word)) * DAYS_A_YEAR / (end - begin)
                if height >= rate[country, sex, min(age, N_AGES - 1)]:
                    break
                day = begin + (end - begin) * unit(mix(int(TIME) ^ word))
                if 0 < day <= first_of(months):
                    found.append((day, word))
                word = mix(word)
            points.append(found)
        died = min([day for day, _ in points[0]], default=math.inf)
        children += [word for day, word in points[1] if day < died]
        if died < math.inf:
            break
    return died, children


@pytest.mark.parametrize("times", [1, 30])
def test_what_happens_is_what_is_on_everyones_planes(times):
    """Person by person; also with rates at which several things happen in a year."""
    at = many("population.agents=7000")
    n = len(at.persons.pid)
    renewal = RENEWAL.of(at)
    renewal.deaths *= times
    renewal.births *= times
    rates = renewal.deaths.copy(), renewal.births.copy()
    rows = np.random.default_rng(3).choice(n, 2500, replace=False)
    expected = [events_of(at, row, rates, 27) for row in rows]
    renew(at, 27)
    found = ids(at)
    lives = alive(at)
    dead = np.array([died < math.inf for died, _ in expected])
    assert (lives[rows] != dead).all()
    assert dead.sum() > 30
    children = [it for _, its in expected for it in its]
    assert len(children) == len(set(children)) > 50
    assert set(children) <= found
    # And no others: everybody else is the child of somebody, or a grandchild.
    assert len(found) == len(at.persons.pid)
    everyone = [events_of(at, row, rates, 27) for row in range(len(found))]
    assert len(found) == n + sum(len(its) for _, its in everyone)
    # And those born in these months die when they are to die, at once or later.
    assert (lives == [died == math.inf for died, _ in everyone]).all()
    assert (~lives[n:]).sum() > 3


def test_of_higher_rates_the_same_people_and_some_more():
    few, more = (many(*rates_of(fertility, 71)) for fertility in (2, 4))
    strong, weak = (many(*rates_of(0, years)) for years in (75, 60))
    for at in (few, more, strong, weak):
        n = len(at.persons.pid)
        renew(at, 60)
    assert ids(few) < ids(more)
    # Nobody lives longer or shorter for it.
    assert dead_of(few) == dead_of(more) & ids(few)
    assert dead_of(strong) < dead_of(weak)
    assert len(dead_of(strong)) > 100
    assert len(ids(few)) > n + 500


def test_nobody_shares_an_identity():
    """Also where women have many children a year, for decades."""
    at = many()
    renewal = RENEWAL.of(at)
    renewal.births *= 80
    n = len(at.persons.pid)
    renew(at, 3)
    renewal.births *= 0
    renew(at, 3, 3)
    assert len(at.persons.pid) > 1.25 * n
    assert len(ids(at)) == len(at.persons.pid)
    other = many(*rates_of(8, 60))
    renew(other, 300)
    assert len(other.persons.pid) > 2 * n
    assert len(ids(other)) == len(other.persons.pid)


def test_the_dead_die_once_and_bear_nobody():
    at = many()
    n = len(at.persons.pid)
    whole = many()
    renew(whole, 36)
    renew(at, 1)
    # Whoever is to die or bear later has died on the way before.
    others = np.flatnonzero(alive(at))
    at.persons.past[others] |= DIED_ON_THE_WAY
    account = ACCOUNT.of(at).died.sum(), ACCOUNT.of(at).born.sum()
    renew(at, 35, 1)
    assert (ACCOUNT.of(at).died.sum(), ACCOUNT.of(at).born.sum()) == account
    assert len(whole.persons.pid) > n + 300
    assert len(dead_of(whole)) > 200


# When --------------------------------------------------------------------------------------------


def test_parts_of_a_month_have_the_events_of_their_days():
    """A run of February has those of a run of its first 19 days, and of one of the others."""
    parts = [("2020-02-01", "2020-02-29"), ("2020-02-01", "2020-02-19"), ("2020-02-20", "2020-03")]
    found = []
    for start, end in parts:
        at = many(
            "population.agents=40000", f"time.start={start}", f"time.end={end}", *rates_of(9, 45)
        )
        n = len(at.persons.pid)
        renew(at, 1)
        # A child that is born early may die late: so the dead are those of the start.
        start_ids = set(at.persons.pid[:n].tolist())
        found.append((ids(at) - start_ids, dead_of(at) & start_ids))
    for whole, early, late in zip(*found, strict=True):
        assert early | late == whole
        assert not early & late
        assert len(whole) > 50
        assert len(early) == pytest.approx(len(whole) * 19 / 29, abs=2 * np.sqrt(len(whole)))


def test_it_makes_no_difference_how_long_steps_and_the_run_are():
    found = {}
    for name, changes in {
        "month": (),
        "week": ("time.step=week",),
        "day": ("time.step=day",),
        "longer": ("time.end=2021-03",),
    }.items():
        span = "time.start=2020-01-20", "time.end=2020-08-15"
        vital = tables(small(*span, *RATES, *changes))["vital"]
        days = vital["date"].astype("datetime64[ns]")
        # A row of a week bears the date of its first day.
        totals = vital.groupby("event", observed=False)["people"]
        if name == "longer":
            kept = vital[days < "2020-08-01"]
            whole = found["month"][1]
            assert kept.groupby("event", observed=False)["people"].sum().to_dict() == whole
        else:
            before = vital[days < "2020-08-01"].groupby("event", observed=False)["people"]
            found[name] = totals.sum().to_dict(), before.sum().to_dict()
    assert found["month"][0] == found["week"][0] == found["day"][0]
    assert min(found["month"][0].values()) > 0


def test_a_run_that_is_resumed_goes_on(tmp_path: Path):
    at, other = many(), many()
    renew(at, 7)
    renew(other, 7)
    assert len(np.unique(other.persons.due)) > 100
    other = round_trip(tmp_path, kept_of(other, Recorder(other))).world
    for one in (at, other):
        renew(one, 17, 7)
    for one, two in zip(at.persons, other.persons, strict=True):
        assert (one == two).all()


def test_months_begin_when_they_do():
    for year in (1, 4, 1899, 1900, 1999, 2000, 2023, 2024, 2100, 2399, 2400):
        for month in range(1, 13):
            assert first_day(12 * year + month - 1) == date(year, month, 1).toordinal()


def test_few_are_looked_at_and_nobody_too_late():
    """Whoever is looked at every month has the same events: `due` only saves work."""
    at, other = many(), many()
    for month in range(40):
        living = alive(at)
        due = (at.persons.due <= month) & living
        assert (at.persons.due[living] >= month).all()
        assert month == 0 or due.sum() < 0.02 * living.sum()
        renew(at, 1, month)
        other.persons.due[:] = 0
        renew(other, 1, month)
        assert (at.persons.due[~alive(at)] >= month).all()
    for name, column in at.persons._asdict().items():
        assert (column == getattr(other.persons, name)).all(), name
    assert (at.persons.due[alive(at)] < NEVER).all()
    assert len(dead_of(at)) > 200


# Whoever else ------------------------------------------------------------------------------------


def reordered(at: World, order: I64) -> None:
    """Give the persons of a world other rows: row i is what row order[i] was."""
    rows = np.empty(len(order), np.uint32)
    rows[order] = np.arange(len(order), dtype=np.uint32)
    columns = {name: column[order] for name, column in at.persons._asdict().items()}
    follow = columns["next"] != NOBODY
    columns["next"][follow] = rows[columns["next"][follow]]
    at.persons = Persons(**columns)
    heads = at.households.head != NOBODY
    at.households.head[heads] = rows[at.households.head[heads]]


@pytest.mark.parametrize("threads", [1, 2])
def test_it_makes_no_difference_in_which_rows_people_are(threads):
    at, other = many(), many(threads=threads)
    if threads == 1:
        reordered(other, np.random.default_rng(5).permutation(len(other.persons.pid)))
        assert (at.persons.pid != other.persons.pid).mean() > 0.9
    for month in range(30):
        renew(at, 1, month)
        renew(other, 1, month)
        assert len(at.persons.pid) == len(other.persons.pid), month
        made_up = [one.households.makeup & VULNERABLE for one in (at, other)]
        assert (made_up[0] == made_up[1]).all(), month
    assert ids(at) == ids(other)
    assert dead_of(at) == dead_of(other)
    assert len(dead_of(at)) > 150
    for name in ("traits", "due"):
        one, two = (
            dict(zip(p.pid.tolist(), getattr(p, name).tolist(), strict=True))
            for p in (at.persons, other.persons)
        )
        assert one == two


@pytest.mark.parametrize("demography_is_on", ["true", "false"])
def test_whoever_comes_of_age_or_grows_old_is_found_in_that_very_month(demography_is_on, grown):
    at = many(f"population.demography={demography_is_on}")
    seen = set()
    for month in range(40):
        before = at.persons.traits.copy()
        renew(at, 1, month)
        months = month - at.persons.born.astype(int)
        # Education is drawn of those who turn 15, and of nobody else.
        learned = np.flatnonzero(at.persons.traits[: len(before)] != before)
        assert set(months[learned].tolist()) == ({180} if demography_is_on == "true" else set())
        expected = np.isin(months, [GROWN_UP, AGED]) & alive(at)
        assert np.concatenate(grown).tolist() == np.flatnonzero(expected).tolist()
        grown.clear()
        # And counts as an adult, or as old, from that month on.
        some = at.households.size > 0
        assert (at.households.makeup & VULNERABLE)[some].tolist() == counted_makeup(at)[
            some
        ].tolist()
        seen |= set(months[expected].tolist())
    assert seen == {GROWN_UP, AGED}
    assert (len(dead_of(at)) > 0) == (demography_is_on == "true")
