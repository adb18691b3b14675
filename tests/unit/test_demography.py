"""Schedules of births and deaths, and what a single birth or death does to households."""

from __future__ import annotations

import numpy as np
import pytest

from sim.core.state import (
    BLOCKED,
    DIED_NATURALLY,
    EVER_NO_MEANS,
    HEAD,
    I64,
    MOVED_ABROAD,
    Reasons,
    append,
    bytes_per_person,
)
from sim.core.terms import Activity, Channel, Education, Sex, Status, VitalEvent
from sim.mechanisms.admission import APPLICATIONS, submit
from sim.mechanisms.asylum import CLAIMS
from sim.mechanisms.census import ACCOUNT, count
from sim.mechanisms.citizenship import ACQUIRED, acquire, citizenship
from sim.mechanisms.demography import (
    FERTILE,
    MEAN_AGE,
    SHARED,
    SPREAD,
    STANDARD,
    VITAL,
    covered_days,
    die,
    fertility,
    give_birth,
    mortality,
    renew_people,
    survivors,
    vital_rates,
)
from sim.mechanisms.harms import HARMS
from sim.mechanisms.journey import PARTIES, set_out
from sim.model.substep import substep_of
from sim.model.world import World
from tests.small import BB, CITY, NORTH, small, world
from tests.worlds import prepare


def started(*changes: str) -> World:
    at = world(small("decision.base_livelihood=1", "decision.flight_norm=1", *changes))
    prepare(at)
    return at


def families(at: World, n: int, least: int = 3) -> I64:
    """Heads of n households of a few members at home."""
    people = at.people
    sizes = np.bincount(people.household, minlength=len(people.pid))
    heads = (people.flags & HEAD > 0) & (sizes >= least) & (people.place == NORTH)
    return np.flatnonzero(heads & (people.home == NORTH))[:n]


def members(at: World, head: int) -> I64:
    people = at.people
    mine = people.household == people.household[head]
    return np.flatnonzero(mine & (people.activity != Activity.dead))


def mothers(at: World, heads: I64) -> I64:
    """A woman of each household."""
    women = [[row for row in members(at, h) if at.people.traits[row] & 1] for h in heads]
    return np.array([some[-1] for some in women if some])


# Schedules ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("years", [25.0, 43.5, 60.0, 73.5, 82.0, 92.4])
def test_the_life_table_has_the_life_expectancy_asked_for(years):
    rates = mortality(years)
    steps = np.exp(-np.cumsum(np.repeat(rates, 100)) / 100)
    assert steps.sum() / 100 == pytest.approx(years, abs=0.02)
    assert (rates > 0).all()
    # High at birth, least in childhood, rising in old age.
    assert rates[0] > rates[10] < rates[40] < rates[70] < rates[90]


def test_the_standard_is_brasss():
    """Survivors of the general standard at ages 1, 15, 40 and 60 as they are tabulated."""
    alive = survivors(0.0)
    for age, share in ((1, 0.8499), (15, 0.7362), (40, 0.5898), (60, 0.3965)):
        assert alive[age] == pytest.approx(share, abs=2e-4)
    logits = dict(STANDARD)
    shifted = survivors(-0.7)
    assert np.log((1 - shifted[40]) / shifted[40]) / 2 == pytest.approx(-0.7 + logits[40])


def test_men_die_younger_by_what_the_profile_leaves_between_them():
    scenario = small()
    deaths, births = vital_rates(scenario)
    for c, country in enumerate(scenario.countries):
        men, women = deaths[c]
        assert (men > women).all()
        lives = [np.exp(-np.cumsum(np.repeat(rates, 100)) / 100).sum() / 100 for rates in deaths[c]]
        assert np.mean(lives) == pytest.approx(country.profile.life_expectancy, abs=0.02)
        assert np.diff(lives)[0] == pytest.approx(4.8, abs=0.02)
        assert births[c, Sex.woman].sum() == pytest.approx(country.profile.fertility)
        assert (births[c, Sex.man] == 0).all()


def test_births_fall_into_fertile_ages_about_their_mean():
    share, age = fertility(), np.arange(len(fertility())) + 0.5
    assert share.sum() == pytest.approx(1)
    assert (share[: FERTILE[0]] == 0).all()
    assert (share[FERTILE[1] :] == 0).all()
    mean = share @ age
    assert mean == pytest.approx(MEAN_AGE, abs=0.15)
    # What lies beyond the fertile ages is cut off.
    assert np.sqrt(share @ (age - mean) ** 2) == pytest.approx(SPREAD, abs=0.2)


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [("2020-01", "2021-12", 31), ("2020-02-20", "2021-12", 10), ("2020-12-05", "2020-12-11", 7)],
)
def test_a_month_counts_as_far_as_it_lies_within_the_run(start, end, days):
    assert covered_days(world(small(f"time.start={start}", f"time.end={end}"))) == days


# Births ------------------------------------------------------------------------------------------


def test_a_child_shares_what_its_household_shares():
    at = started()
    who = mothers(at, families(at, 40))
    old, n = at.people, len(at.people.pid)
    sizes = [len(members(at, row)) for row in who]
    at.day = 31
    give_birth(at, who, 1)
    people = at.people
    born = np.arange(n, n + len(who))
    assert len(people.pid) == n + len(who)
    for name in SHARED:
        column = getattr(people, name)
        assert (column[born] == getattr(old, name)[who]).all(), name
    assert (people.flags[born] == 0).all()
    assert (people.born[born] == 1).all()
    assert (people.traits[born] >> 1 & 3 == Education.none).all()
    assert set(people.traits[born] & 1) == {0, 1}
    assert [len(members(at, row)) for row in who] == [size + 1 for size in sizes]
    assert (np.sort(people.sibling) == np.arange(len(people.pid))).all()
    assert len(np.unique(people.pid)) == len(people.pid)
    weight = int(at.weight[NORTH]) * len(who)
    assert ACCOUNT.of(at).born == weight == VITAL.of(at)[NORTH, 0, VitalEvent.birth]
    count(at, substep_of(at, at.day))


def test_ids_of_children_come_from_their_mother_and_the_month():
    def ids(month: int, order: int) -> dict[int, int]:
        at = started()
        who = mothers(at, families(at, 10))[::order]
        n = len(at.people.pid)
        # In whichever order, and whoever else gives birth.
        give_birth(at, who if order > 0 else who[:5], month)
        return dict(zip(at.people.pid[who].tolist(), at.people.pid[n:].tolist(), strict=False))

    one, other, later = ids(3, 1), ids(3, -1), ids(4, 1)
    assert len(other) == 5
    assert all(one[mother] == child for mother, child in other.items())
    assert not set(one.values()) & set(later.values())


def test_a_child_born_to_a_claimant_is_part_of_the_claim():
    at = started()
    head = families(at, 1)[0]
    rows = members(at, head)
    at.people.place[rows], at.people.status[rows] = CITY, Status.claimant
    append(CLAIMS.of(at), person=rows, country=BB, claimed=12.0)
    other = mothers(at, families(at, 20)[1:])[:2]
    mother = mothers(at, np.array([head]))
    assert len(mother) == 1
    give_birth(at, np.sort(np.concatenate([mother, other])), 1)
    child = np.setdiff1d(members(at, head), rows)
    assert len(child) == 1
    assert len(CLAIMS.of(at).person) == len(rows) + 1
    assert CLAIMS.of(at).person[-1] == child[0]
    assert (CLAIMS.of(at).country[-1], CLAIMS.of(at).claimed[-1]) == (BB, 12.0)


def test_a_child_has_the_citizenship_that_its_mother_has_acquired():
    at = started()
    who = mothers(at, families(at, 20))
    n = len(at.people.pid)
    acquire(at, who[::2], np.full(len(who[::2]), BB))
    before = citizenship(at, who)
    assert set(before) == {0, BB}
    give_birth(at, who, 1)
    born = np.arange(n, n + len(who))
    assert (citizenship(at, born) == before).all()
    assert (citizenship(at, who) == before).all()
    # The tables of citizenships stay sorted, as look-ups need.
    give_birth(at, np.sort(who)[:3], 2)
    assert (np.diff(ACQUIRED.of(at).person) > 0).all()


def test_rows_are_added_to_the_very_columns():
    at = started()
    n, before = len(at.people.pid), at.people.pid.copy()
    columns = [id(column) for column in at.people]
    assert at.add_rows(3).tolist() == [n, n + 1, n + 2]
    at.add_rows(n)
    assert [id(column) for column in at.people] == columns
    assert len(at.people.pid) == 2 * n + 3
    assert (at.people.pid[:n] == before).all()
    assert (at.people.pid[n:] == 0).all()
    assert bytes_per_person(at.people) == 41


def test_columns_that_somebody_holds_are_left_to_them():
    at = started()
    held, n = at.people, len(at.people.pid)
    before = held.pid.copy()
    at.add_rows(5)
    assert len(at.people.pid) == n + 5
    assert (held.pid == before).all()
    assert (at.people.pid[:n] == before).all()
    at.people.pid[0] ^= np.uint64(1)
    assert (held.pid == before).all()


def test_education_is_drawn_of_those_who_turn_fifteen():
    at = started("population.profile.fertility=0", "population.agents=60000")
    age = -at.people.born.astype(int)
    coming, younger = age == 180, age < 180
    assert coming.sum() > 50
    profiles = [c.profile for c in at.scenario.countries]
    home = at.country[at.people.home]
    expected = sum((home[coming] == c).sum() * p.education[0] for c, p in enumerate(profiles))
    renew_people(at, substep_of(at, at.day + 1))
    schooling = at.people.traits[: len(age)] >> 1 & 3
    found = (schooling[coming] == Education.none).sum()
    assert found == pytest.approx(expected, abs=4 * np.sqrt(coming.sum()) / 2)
    assert (schooling[younger] == Education.none)[~coming[younger]].all()


# Deaths ------------------------------------------------------------------------------------------


def test_the_eldest_survivor_leads_on():
    at = started()
    people = at.people
    head = int(families(at, 1)[0])
    people.means[head] = 77.0
    people.flags[head] |= BLOCKED | MOVED_ABROAD
    people.blocked_on[head] = 5
    rest = np.setdiff1d(members(at, head), [head])
    eldest = people.born[rest].min()
    people.flags[rest] |= EVER_NO_MEANS
    die(at, np.array([head]))
    assert people.activity[head] == Activity.dead
    assert people.flags[head] == DIED_NATURALLY | MOVED_ABROAD
    heirs = rest[people.flags[rest] & HEAD > 0]
    assert len(heirs) == 1
    assert people.born[heirs[0]] == eldest
    assert (people.means[heirs[0]], people.blocked_on[heirs[0]]) == (77.0, 5)
    # What the household is comes down to the heir, and not what happened to the head.
    assert people.flags[heirs[0]] == HEAD | BLOCKED | EVER_NO_MEANS
    weight = int(at.weight[people.home[head]])
    assert ACCOUNT.of(at).died == weight == VITAL.of(at)[NORTH, 0, VitalEvent.death]
    assert HARMS.of(at).sum() == 0
    count(at, substep_of(at, at.day))


def test_of_two_who_die_at_once_neither_leads_on():
    at = started()
    people = at.people
    head = int(families(at, 1)[0])
    rest = np.setdiff1d(members(at, head), [head])
    first, second = rest[np.argsort(people.born[rest], kind="stable")[:2]]
    die(at, np.sort(np.array([head, first])))
    assert people.flags[second] & HEAD
    assert not people.flags[first] & HEAD


def test_orphans_are_led_by_the_eldest_child():
    at = started()
    people = at.people
    head = int(families(at, 1)[0])
    rows = members(at, head)
    people.born[rows[1:]] = -12 * np.arange(2, len(rows) + 1)
    die(at, rows[:1])
    assert people.flags[rows[-1]] & HEAD


def applicants(at: World, n: int) -> I64:
    heads = families(at, n)
    some = np.zeros(n, np.int64)
    submit(
        at, heads, some + CITY, some + int(Channel.labour), some, Reasons(some, some), np.zeros(n)
    )
    return heads


def travellers(at: World, n: int) -> I64:
    heads = families(at, n)
    some = np.zeros(n, np.int64)
    at.people.means[heads] = 1e6
    set_out(
        at, heads, some + CITY, some + int(Channel.asylum), some, np.zeros(n),
        Reasons(some, some), np.zeros(n),
    )  # fmt: skip
    return heads


@pytest.mark.parametrize(("begin", "table"), [(applicants, APPLICATIONS), (travellers, PARTIES)])
def test_what_a_household_has_begun_goes_on_under_the_heir_or_ends(begin, table):
    at = started()
    heads = begin(at, 9)
    orphans = members(at, heads[4])
    dying = np.unique(np.concatenate([heads[:2], orphans]))
    die(at, dying)
    found = table.of(at)
    people = at.people
    assert len(found.head) == 8
    assert (people.flags[found.head] & HEAD > 0).all()
    founders = people.household[heads]
    assert (people.household[found.head] == np.delete(founders, 4)).all()
    assert not np.isin(found.head, dying).any()
    count(at, substep_of(at, at.day))
