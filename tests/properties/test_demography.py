"""Births and natural deaths in whole runs (D12): how many, whom they touch and whom not."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

import sim
from sim.core.state import DAYS_A_YEAR, DIED, I64, WOMAN, Bool
from sim.core.terms import Activity
from sim.engine.step import advance
from sim.mechanisms.census import ACCOUNT
from sim.mechanisms.demography import N_AGES, RENEWAL, renew_people, vital_rates
from sim.mechanisms.plans import PLANS
from sim.model.segment import segment_of
from sim.model.world import World
from tests.small import differing, small, small_tables, steps, tables, world
from tests.worlds import living_members

AWAY = (Activity.travelling, Activity.detained, Activity.captive)
OFF = "population.demography=false"
CONTROL_RATES = ("decision.base_livelihood=.5", "decision.flight_norm=2")


def events(scenario: sim.Scenario, event: str, **of: str) -> int:
    vital = tables(scenario)["vital"]
    for name, value in of.items():
        vital = vital[vital[name] == value]
    return int(vital[vital["event"] == event]["people"].sum())


def changed(fertility: float, years: float) -> tuple[str, ...]:
    """The small world with births and deaths of all countries alike."""
    profiles = ["population.profile", "countries.AA.profile", "countries.CC.profile"]
    return tuple(
        f"{it}.{key}={value}"
        for it in profiles
        for key, value in (("fertility", fertility), ("life_expectancy", years))
    )


def renew_now(at: World) -> None:
    """Let the people be born and die who do so today."""
    renew_people(at, segment_of(at, at.day + 1))


def renew(at: World, months: int) -> None:
    """Let people be born and die for months in which nothing else happens."""
    for month in range(months):
        at.day = (date(2020 + month // 12, month % 12 + 1, 1) - at.scenario.time.start).days
        renew_now(at)


def homes(at: World) -> I64:
    """[person] place of origin."""
    return at.households.home[at.persons.household]


def weights(at: World) -> I64:
    """[person] people that each represents."""
    return at.households.weight[at.persons.household].astype(np.int64)


def lives(at: World) -> Bool:
    """[person] whether they are alive."""
    return at.persons.past & DIED == 0


def projected(at: World, months: int) -> tuple[float, float, float]:
    """(people, births, deaths) that rates lead one to expect, by cohorts of a month.

    Written for reading: men and women of every month of age, moved up month by month.
    """
    deaths, births = vital_rates(at.scenario)
    persons = at.persons
    country = at.country[homes(at)]
    alive = np.zeros((len(deaths), 2, 12 * N_AGES))
    age = np.minimum(-persons.born.astype(int), 12 * N_AGES - 1)
    np.add.at(alive, (country, persons.traits & WOMAN, age), weights(at))
    born = died = 0.0
    for month in range(months):
        year = 2020 + month // 12
        after = date(year + (month % 12 == 11), (month + 1) % 12 + 1, 1)
        years = (after - date(year, month % 12 + 1, 1)).days / DAYS_A_YEAR
        rate = np.repeat(deaths, 12, axis=2)
        dying = alive * -np.expm1(-rate * years)
        coming = (alive[:, 1] * np.repeat(births, 12, axis=2)[:, 1] * years).sum(axis=1)
        alive -= dying
        alive[:, :, -2] += alive[:, :, -1]
        alive[:, :, 1:] = alive[:, :, :-1].copy()
        alive[:, :, 0] = 0.0
        alive[:, 0, 1] = coming * 105 / 205
        alive[:, 1, 1] = coming * 100 / 205
        born += coming.sum()
        died += dying.sum()
    return float(alive.sum()), born, died


@pytest.mark.parametrize(
    ("fertility", "years"), [(2.5, 71.0), (6.5, 50.0), (1.2, 82.0)], ids=["world", "high", "low"]
)
def test_over_decades_people_grow_as_their_rates_say(fertility, years):
    """Thirty years of cohorts in the small world, within four standard errors."""
    at = world(small("time.end=2049-12", *CONTROL_RATES, *changed(fertility, years)))
    people, born, died = projected(at, 360)
    renew(at, 360)
    # Rows differ a little in how many people they stand for, and more of them make more noise.
    of_all = weights(at).astype(float)
    weight = (of_all**2).sum() / of_all.sum()
    assert of_all.max() < 1.6 * of_all.min()
    # Births and deaths are counts of rows, nearly Poisson; children of children add to the noise.
    assert ACCOUNT.of(at).born.sum() == pytest.approx(born, abs=4 * np.sqrt(1.5 * born * weight))
    assert ACCOUNT.of(at).died.sum() == pytest.approx(died, abs=4 * np.sqrt(1.5 * died * weight))
    noise = 4 * np.sqrt(1.5 * (born + died) * weight)
    assert weights(at)[lives(at)].sum() == pytest.approx(people, abs=noise)
    growth = people / ACCOUNT.of(at).start.sum() - 1
    assert growth > 1 if fertility > 6 else growth < 0.6


def test_natural_increase_of_syria_is_near_what_it_was():
    """World Population Prospects 2024: some 2.2 to 2.4 % a year before the war."""
    scenario = sim.read("syria", ["population.agents=40000", *CONTROL_RATES])
    at = world(scenario)
    start = at.scenario.time.start
    syria = np.flatnonzero(at.country == [c.id for c in scenario.countries].index("SY"))
    n_start = weights(at)[np.isin(homes(at), syria)].sum()
    yearly = []
    for month in range(96):
        at.day = (date(2011 + month // 12, month % 12 + 1, 1) - start).days
        renew_now(at)
        if month % 12 == 11:
            alive = np.isin(homes(at), syria) & lives(at)
            yearly.append(weights(at)[alive].sum())
    growth = np.array(yearly) / np.array([n_start, *yearly[:-1]]) - 1
    assert growth.mean() == pytest.approx(0.023, abs=0.002)
    # Nothing jumps at the start.
    assert abs(growth[:2].mean() - growth[2:4].mean()) < 0.004


def test_births_rise_with_fertility_and_deaths_fall_with_life_expectancy():
    few, many = small(*changed(1, 71)), small(*changed(5, 71))
    # 50,300 against 297,000, of some 100 and 570 rows.
    assert events(many, "birth") > 4 * events(few, "birth")
    weak, strong = small(*changed(2.5, 60)), small(*changed(2.5, 80))
    # Deaths on the way apart, less than half as many: 114,000 against 46,200.
    assert events(strong, "death") < 0.7 * events(weak, "death")
    assert events(strong, "birth") == pytest.approx(events(weak, "birth"), rel=0.1)


def test_without_fertility_nobody_is_born_and_only_origin_counts():
    vital = tables(small("countries.AA.profile.fertility=0"))["vital"]
    births = vital[vital["event"] == "birth"]
    assert set(births["citizenship"]) == {"BB", "CC"}


def test_switched_off_people_only_age():
    off = tables(small(OFF))
    assert len(off["vital"]) == 0
    totals = off["account"].groupby("date")["people"].sum()
    assert totals.nunique() == 1
    # Rates mean nothing then.
    assert differing(off, tables(small(OFF, *changed(7, 40)))) == []
    assert differing(off, small_tables()) != []


def test_of_more_births_the_same_and_some_more():
    """Common random numbers: whoever bears at a low rate does so at a high one, and dies alike."""
    at, other = (world(small(*CONTROL_RATES, *changed(f, 71))) for f in (2, 4))
    n = len(at.persons.pid)
    for one in (at, other):
        renew_now(one)
    assert set(at.persons.pid[n:]) < set(other.persons.pid[n:])
    assert (at.persons.past[:n] == other.persons.past[:n]).all()
    assert lives(at)[:n].sum() < n


def test_a_birth_changes_nobody_elses_fate_within_the_month():
    rates = ("decision.base_livelihood=50", "decision.flight_norm=2")
    at, other = (world(small(*rates, *changed(f, 71))) for f in (0, 9))
    n, lived = len(at.persons.pid), at.persons.household.copy()
    for one in (at, other):
        advance(one)
    born = other.persons.household[n:]
    assert len(born) > 20
    # Nor are they others who have left such a household within the month.
    house, theirs = at.persons.household, other.persons.household[:n]
    others = ~np.isin(theirs, born) & ~np.isin(lived, born)
    assert (at.households.moved[house[others]] >= 0).sum() > 50
    # Households that were founded within the month have other rows, but they are the same.
    for name, column in at.households._asdict().items():
        if name == "relative":
            continue
        mine, its = column[house[others]], getattr(other.households, name)[theirs[others]]
        assert (mine == its).all(), name
    for name, column in at.persons._asdict().items():
        # With higher rates more may happen, so people are looked at more often.
        if name not in ("household", "due"):
            assert (column[others] == getattr(other.persons, name)[:n][others]).all(), name


def test_children_go_where_their_household_goes():
    at = world(small("decision.base_flight=.3", *changed(6, 71)))
    n = len(at.persons.pid)
    for _ in steps(at):
        pass
    households, persons = at.households, at.persons
    born = np.arange(n, len(persons.pid))
    born = born[lives(at)[born]]
    house = persons.household[born]
    elsewhere = households.place[house] != households.home[house]
    abroad = at.country[households.place[house]] != at.country[households.home[house]]
    assert elsewhere.sum() > 30
    assert abroad.sum() > 10
    moved = households.moved[house] > 31 * (persons.born[born].astype(int) + 1)
    assert moved.sum() > 10
    for row, its in zip(born, house, strict=True):
        assert row in living_members(at, its)


def test_births_and_deaths_know_nothing_of_steps():
    """Whoever lives where, draws are of a calendar month: even from the middle of one."""
    found = {}
    for step in ("day", "week", "month"):
        vital = tables(small(f"time.step={step}", "time.start=2020-01-20", "time.end=2020-08-15"))[
            "vital"
        ]
        keys = [name for name in vital if name not in ("replicate", "date", "people")]
        found[step] = vital.groupby(keys, observed=True)["people"].sum()
    assert found["day"].sum() > 0
    for step in ("week", "month"):
        pd.testing.assert_series_equal(found[step], found["day"], check_exact=True)


def test_children_are_born_on_the_way_and_travel_on():
    at = world(small("decision.base_flight=.5"))

    def on_their_way() -> I64:
        houses = PLANS.of(at).household
        return houses[np.isin(at.households.activity[houses], AWAY)]

    while len(on_their_way()) < 45:
        advance(at)
    n, houses = len(at.persons.pid), on_their_way()
    before = at.households.size[houses].astype(np.int64)
    renewal = RENEWAL.of(at)
    renewal.deaths, renewal.births = 0 * renewal.deaths, 1e6 * renewal.births
    at.persons.due[:] = 0
    renew_now(at)
    born = np.arange(n, len(at.persons.pid))
    on_the_way = born[np.isin(at.persons.household[born], houses)]
    after = at.households.size[houses].astype(np.int64)
    assert (after - before).sum() == len(on_the_way) > 10
    renewal.births = 0 * renewal.births
    for _ in range(6):
        advance(at)
    house = at.persons.household[on_the_way]
    arrived = ~np.isin(at.households.activity[house], AWAY) & lives(at)[on_the_way]
    assert arrived.sum() > 5
    assert (at.households.place[house] != at.households.home[house]).sum() > 5
