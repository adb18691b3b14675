"""Schedules of births and deaths, and what a single birth or death does to households."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from sim.core.rng import key_of, mixed_array, uniform_array
from sim.core.state import (
    BLOCKED,
    CHILDREN,
    DIED,
    DIED_NATURALLY,
    EVER_NO_MEANS,
    GROUNDS,
    I64,
    MOVED_ABROAD,
    NOBODY,
)
from sim.core.terms import Activity, Education, Sex, Status, VitalEvent
from sim.kernels.household import died_at
from sim.mechanisms.asylum import claimants, queue_rows
from sim.mechanisms.census import ACCOUNT, count, take_census
from sim.mechanisms.demography import (
    FERTILE,
    MEAN_AGE,
    SPREAD,
    STANDARD,
    VITAL,
    bear,
    die,
    fertility,
    mortality,
    renew_people,
    survivors,
    vital_rates,
)
from sim.mechanisms.harms import HARMS
from sim.mechanisms.plans import PLANS
from sim.mechanisms.populate import EDUCATION, pick
from sim.model.segment import segment_of
from sim.model.world import World
from tests.lives import hand_in, send
from tests.small import BB, CITY, NORTH, small, world
from tests.worlds import living_members, prepare


def started(*changes: str) -> World:
    at = world(small("decision.base_livelihood=1", "decision.flight_norm=1", *changes))
    prepare(at)
    return at


def families(at: World, n: int, least: int = 3) -> I64:
    """N households of a few members at home."""
    households = at.households
    mine = (households.size >= least) & (households.place == NORTH) & (households.home == NORTH)
    return np.flatnonzero(mine)[:n]


def members(at: World, house: int) -> I64:
    """Rows of the living whose household it is, who must be those in its list."""
    persons = at.persons
    rows = np.flatnonzero((persons.household == house) & (persons.past & DIED == 0))
    assert sorted(living_members(at, house)) == rows.tolist()
    assert at.households.size[house] == len(rows)
    return rows


def have_children(at: World, who: I64, month: int) -> None:
    """Let women give birth to children with any ids."""
    bear(at, who, mixed_array(at.persons.pid[who]), month)


def mothers(at: World, houses: I64) -> I64:
    """A woman of each household."""
    women = [[row for row in members(at, it) if at.persons.traits[row] & 1] for it in houses]
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


# Births ------------------------------------------------------------------------------------------


def test_a_child_joins_the_household_of_its_mother():
    at = started()
    who = mothers(at, families(at, 40))
    houses = at.persons.household[who].copy()
    before = [column.copy() for column in at.households]
    n = len(at.persons.pid)
    sizes = at.households.size[houses].copy()
    at.day = 31
    have_children(at, who, 1)
    households, persons = at.households, at.persons
    born = np.arange(n, n + len(who))
    assert len(persons.pid) == n + len(who)
    assert (persons.household[born] == houses).all()
    # What the household is stays as it was, but for one more, who is a child.
    for name, column, old in zip(households._fields, households, before, strict=True):
        if name == "makeup":
            assert (column[houses] & CHILDREN > 0).all()
        elif name != "size":
            assert (column == old).all(), name
    assert (persons.past[born] == 0).all()
    assert (persons.born[born] == 1).all()
    assert (persons.traits[born] >> 1 & 3 == Education.none).all()
    assert set(persons.traits[born] & 1) == {0, 1}
    for house, child, size in zip(houses, born, sizes, strict=True):
        assert child in members(at, house)
        assert households.size[house] == size + 1
        assert households.head[house] != child
    assert len(np.unique(persons.pid)) == len(persons.pid)
    weight = int(households.weight[houses[0]]) * len(who)
    born_by_country = ACCOUNT.of(at).born
    assert born_by_country[0] == weight == VITAL.of(at)[NORTH, 0, VitalEvent.birth]
    assert born_by_country.sum() == weight == VITAL.of(at).sum()
    count(at, segment_of(at, at.day))


def test_several_of_a_household_can_give_birth_at_once():
    at = started()
    house = families(at, 1)[0]
    rows = members(at, house)
    n = len(at.persons.pid)
    have_children(at, rows, 1)
    assert members(at, house).tolist() == [*rows, *range(n, n + len(rows))]


def test_a_child_born_to_a_claimant_is_part_of_the_claim():
    at = started()
    house = families(at, 1)[0]
    rows = members(at, house)
    old = len(rows) * int(at.households.weight[house])
    at.households.place[house], at.households.status[house] = CITY, Status.claimant
    at.households.since[house] = 12
    other = mothers(at, families(at, 20)[1:])[:2]
    mother = mothers(at, np.array([house]))
    assert len(mother) == 1
    have_children(at, np.sort(np.concatenate([mother, other])), 1)
    child = np.setdiff1d(members(at, house), rows)
    assert len(child) == 1
    # The claim is the household's, and so covers one more.
    assert claimants(at).tolist() == [house]
    assert at.households.since[house] == 12
    assert at.persons.household[child[0]] == house
    queues = queue_rows(at, take_census(at, at.day))
    pending = dict(zip(queues["country"].tolist(), queues["pending"].tolist(), strict=True))
    assert pending[BB] == old + at.households.weight[house]


def test_a_child_has_the_citizenship_that_its_mother_has_acquired():
    at = started()
    who = mothers(at, families(at, 20))
    n = len(at.persons.pid)
    houses = at.persons.household[who].copy()
    at.households.place[houses[::2]] = CITY
    at.households.citizenship[houses[::2]] = BB
    before = at.households.citizenship[houses].copy()
    assert before.tolist() == [BB if i % 2 == 0 else 0 for i in range(len(who))]
    have_children(at, who, 1)
    born = np.arange(n, n + len(who))
    assert (at.households.citizenship[at.persons.household[born]] == before).all()
    assert (at.households.citizenship[at.persons.household[who]] == before).all()
    # It is counted by the country of origin.
    weight = at.households.weight[houses].astype(np.int64)
    assert VITAL.of(at)[CITY, 0, VitalEvent.birth] == weight[::2].sum()
    assert VITAL.of(at)[NORTH, 0, VitalEvent.birth] == weight[1::2].sum()
    assert ACCOUNT.of(at).born.tolist() == [weight.sum(), 0, 0]


@pytest.mark.parametrize(("table", "add"), [("persons", "add_persons"), ("households", "rows_for")])
def test_rows_are_added_without_copying_all_columns_each_time(table, add):
    at = started()
    n, before = len(getattr(at, table)[0]), getattr(at, table)[0].copy()
    itemsizes = [column.itemsize for column in getattr(at, table)]
    assert getattr(at, add)(3).tolist() == [n, n + 1, n + 2]
    columns = [column.base for column in getattr(at, table)]
    assert getattr(at, add)(n // 16).tolist() == list(range(n + 3, n + 3 + n // 16))
    assert all(it.base is one for it, one in zip(getattr(at, table), columns, strict=True))
    getattr(at, add)(n)
    assert [len(column) for column in getattr(at, table)] == [2 * n + 3 + n // 16] * len(columns)
    assert [column.itemsize for column in getattr(at, table)] == itemsizes
    assert (getattr(at, table)[0][:n] == before).all()
    assert (getattr(at, table)[0][n:] == 0).all()


def test_new_households_have_nobody_yet_and_rows_left_over_are_used_first():
    at = started()
    n = len(at.households.ident)
    before = [column.copy() for column in at.households]
    new = at.rows_for(4)
    households = at.households
    assert new.tolist() == [n, n + 1, n + 2, n + 3]
    assert (households.head[new] == NOBODY).all()
    assert (households.relative[new] == new).all()
    assert (households.size[new] == 0).all()
    assert (households.activity[new] == Activity.dead).all()
    count(at, segment_of(at, at.day))
    at.spare = np.concatenate([at.spare, new[1:]])
    assert at.rows_for(2).tolist() == [n + 1, n + 2]
    assert len(at.households.ident) == n + 4
    assert at.rows_for(3).tolist() == [n + 3, n + 4, n + 5]
    assert len(at.households.ident) == n + 6
    assert not len(at.spare)
    for one, other in zip(before, at.households, strict=True):
        assert (one == other[:n]).all()


@pytest.mark.parametrize(("table", "add"), [("persons", "add_persons"), ("households", "rows_for")])
@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy])
def test_rows_added_to_a_copy_of_a_world_are_not_those_of_the_world(table, add, how):
    at = started()
    getattr(at, add)(1)
    n = len(getattr(at, table)[0])
    other = how(at)
    theirs, ours = getattr(other, add)(2), getattr(at, add)(1)
    getattr(other, table)[0][theirs] = 7
    getattr(at, table)[0][ours] = 9
    assert getattr(at, table)[0][n:].tolist() == [9]
    assert getattr(other, table)[0][n:].tolist() == [7, 7]
    assert (getattr(at, table)[0][:n] == getattr(other, table)[0][:n]).all()


def test_education_is_drawn_of_those_who_turn_fifteen():
    own = "countries.AA.profile.education=[.1, .2, .7]"
    at = started("population.profile.fertility=0", "population.agents=60000", own)
    age = -at.persons.born.astype(int)
    coming, younger = age == 180, age < 180
    assert coming.sum() > 50
    profiles = [c.profile for c in at.scenario.countries]
    home = at.country[at.households.home[at.persons.household]]
    expected = sum((home[coming] == c).sum() * p.education[0] for c, p in enumerate(profiles))
    renew_people(at, segment_of(at, at.day + 1))
    schooling = at.persons.traits[: len(age)] >> 1 & 3
    draws = uniform_array(key_of(at.seed, EDUCATION), at.persons.pid[: len(age)])
    lives = at.persons.past[: len(age)] & DIED == 0
    for c, profile in enumerate(profiles):
        its = (
            coming & lives & (at.country[at.households.home[at.persons.household]][: len(age)] == c)
        )
        assert its.sum() > 5
        assert (schooling[its] == pick(np.array(profile.education), draws[its])).all()
    found = (schooling[coming] == Education.none).sum()
    assert found == pytest.approx(expected, abs=4 * np.sqrt(coming.sum()) / 2)
    assert (schooling[younger] == Education.none)[~coming[younger]].all()


# Deaths ------------------------------------------------------------------------------------------


def test_the_eldest_survivor_leads_on():
    at = started()
    households, persons = at.households, at.persons
    house = families(at, 1)[0]
    head = int(households.head[house])
    households.means[house] = 77.0
    households.flags[house] |= BLOCKED | GROUNDS
    households.blocked_on[house] = 5
    persons.past[head] |= MOVED_ABROAD
    rest = np.setdiff1d(members(at, house), [head])
    eldest = persons.born[rest].min()
    persons.past[rest] |= EVER_NO_MEANS
    before = {name: getattr(households, name)[house] for name in households._fields}
    die(at, np.array([head]))
    # What has happened to a person stays that person's.
    assert persons.past[head] == DIED_NATURALLY | MOVED_ABROAD
    assert (persons.past[rest] == EVER_NO_MEANS).all()
    heir = households.head[house]
    assert heir in rest
    assert persons.born[heir] == eldest
    assert members(at, house).tolist() == rest.tolist()
    # And what the household is goes on.
    after = {name: getattr(households, name)[house] for name in households._fields}
    assert (after["means"], after["blocked_on"], after["flags"]) == (77.0, 5, BLOCKED | GROUNDS)
    assert {name for name in before if before[name] != after[name]} == {"head", "size"}
    assert persons.household[head] == house
    weight = int(households.weight[house])
    assert ACCOUNT.of(at).died.tolist() == [weight, 0, 0]
    assert VITAL.of(at)[NORTH, 0, VitalEvent.death] == weight == VITAL.of(at).sum()
    assert HARMS.of(at).sum() == 0
    count(at, segment_of(at, at.day))


def test_of_two_who_die_at_once_neither_leads_on():
    at = started()
    households, persons = at.households, at.persons
    house = families(at, 1)[0]
    head = int(households.head[house])
    rest = np.setdiff1d(members(at, house), [head])
    persons.born[rest] = -12 * (60 - np.arange(len(rest)))
    first, second = rest[:2]
    die(at, np.sort(np.array([head, first])))
    assert households.head[house] == second
    assert members(at, house).tolist() == rest[1:].tolist()


def test_of_two_as_old_the_smaller_id_leads_on():
    at = started()
    households, persons = at.households, at.persons
    houses = families(at, 20, 4)
    for house in houses:
        persons.born[members(at, house)] = -480
    heads = households.head[houses].astype(np.int64)
    die(at, np.sort(heads))
    for house, head in zip(houses, heads, strict=True):
        rest = members(at, house)
        assert head not in rest
        assert persons.pid[households.head[house]] == persons.pid[rest].min()


def test_orphans_are_led_by_the_eldest_child():
    at = started()
    households, persons = at.households, at.persons
    house = families(at, 1)[0]
    head = int(households.head[house])
    rest = np.setdiff1d(members(at, house), [head])
    persons.born[rest] = -12 * np.arange(2, len(rest) + 2)
    die(at, np.array([head]))
    assert households.head[house] == rest[-1]
    assert members(at, house).tolist() == rest.tolist()


@pytest.mark.parametrize("whole", [False, True])
def test_the_dead_keep_where_they_died(whole):
    """Wherever their household goes later; and what remains of it is nobody's."""
    at = started()
    households, persons = at.households, at.persons
    house = families(at, 1)[0]
    rows = members(at, house)
    households.place[house], households.came[house] = CITY, BB + 1
    households.flags[house] |= BLOCKED
    dead = rows if whole else rows[[0, 2]]
    die(at, dead)
    households.place[house], households.came[house] = NORTH, 0
    place, came = died_at(persons.next[dead])
    assert (place == CITY).all()
    assert (came == BB + 1).all()
    assert (persons.household[dead] == house).all()
    left = members(at, house)
    assert left.tolist() == np.setdiff1d(rows, dead).tolist()
    assert (households.head[house] == NOBODY) == whole
    assert (households.activity[house] == Activity.dead) == whole
    assert (households.flags[house] & BLOCKED == 0) == whole
    weight = int(households.weight[house])
    assert VITAL.of(at)[CITY, 0, VitalEvent.death] == weight * len(dead)


def applicants(at: World, n: int) -> I64:
    houses = families(at, n)
    hand_in(at, houses, CITY)
    return houses


def travellers(at: World, n: int) -> I64:
    houses = families(at, n)
    send(at, houses, CITY)
    return houses


@pytest.mark.parametrize("begin", [applicants, travellers])
def test_what_a_household_has_begun_goes_on_under_the_heir_or_ends(begin):
    at = started()
    houses = begin(at, 9)
    heads = at.households.head[houses].astype(np.int64)
    orphans = members(at, houses[4])
    activity = at.households.activity[houses[0]]
    before = [column.copy() for column in PLANS.of(at)]
    dying = np.unique(np.concatenate([heads[:2], orphans]))
    die(at, dying)
    households, found = at.households, PLANS.of(at)
    assert found.household.tolist() == np.delete(houses, 4).tolist()
    for old, column in zip(before, found, strict=True):
        assert (np.delete(old, 4, axis=0) == column).all()
    leading = households.head[found.household].astype(np.int64)
    assert (at.persons.household[leading] == found.household).all()
    assert not (at.persons.past[leading] & DIED).any()
    assert not np.isin(leading, dying).any()
    assert (households.activity[found.household] == activity).all()
    assert members(at, houses[4]).tolist() == []
    assert households.activity[houses[4]] == Activity.dead
    count(at, segment_of(at, at.day))
