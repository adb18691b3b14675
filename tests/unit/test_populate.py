"""The people of a world are those that its profile tells of, each the same in every world."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.core.state import LONG_AGO, NOBODY, Households, Persons, bytes_per_person
from sim.core.terms import Activity, Education, Status
from sim.mechanisms.populate import (
    ages,
    gini_to_sigma,
    household_sizes,
    normal_deviates,
    pick,
    populate,
    weights_of,
)
from tests.small import edited, small

MANY = small("population.agents=60000")
PLACES = [place.id for place in MANY.places]


@pytest.fixture(scope="module")
def both() -> tuple[Households, Persons]:
    return populate(MANY, 5)


@pytest.fixture(scope="module")
def households(both) -> Households:
    return both[0]


@pytest.fixture(scope="module")
def persons(both) -> Persons:
    return both[1]


def of_country(households: Households, country: str) -> np.ndarray:
    """Whether each household is from a country."""
    at = [i for i, place in enumerate(MANY.places) if place.country == country]
    return np.isin(households.home, at)


def age(persons: Persons) -> np.ndarray:
    return (-persons.born.astype(int)) / 12


def gini(x: np.ndarray) -> float:
    x = np.sort(x)
    n = len(x)
    return float((2 * np.arange(1, n + 1) - n - 1) @ x / (n * x.sum()))


@pytest.mark.parametrize("country", ["AA", "CC"])
def test_age_sex_and_education_follow_the_profile(households, persons, country):
    profile = next(c.profile for c in MANY.countries if c.id == country)
    mine = of_country(households, country)[persons.household]
    n = mine.sum()
    years = age(persons)[mine]
    assert (years < 15).mean() == pytest.approx(
        profile.under_15, abs=4 * 0.5 / math.sqrt(n) + 0.005
    )
    assert (years >= 65).mean() == pytest.approx(profile.over_65, abs=4 * 0.4 / math.sqrt(n) + 0.01)
    assert (persons.traits[mine] & 1).mean() == pytest.approx(profile.women, abs=0.02)
    adults = persons.traits[mine][years >= 15] >> 1 & 3
    for level in Education:
        assert (adults == level).mean() == pytest.approx(profile.education[level], abs=0.015)
    assert (persons.traits[mine][years < 15] >> 1 & 3 == Education.none).all()


@pytest.mark.parametrize("country", ["AA", "CC"])
def test_households_are_as_large_as_said_and_led_by_adults(households, persons, country):
    profile = next(c.profile for c in MANY.countries if c.id == country)
    mine = of_country(households, country)
    n = mine[persons.household].sum()
    assert households.size[mine].sum() == n
    # The other members of a household, beyond its head, are Poisson.
    noise = 4 * math.sqrt((profile.household_size - 1) / mine.sum())
    assert n / mine.sum() == pytest.approx(profile.household_size, abs=noise + 0.02)
    assert age(persons)[households.head[mine]].min() >= 18
    assert age(persons).max() < 96


def test_members_follow_each_other_from_the_head_on(households, persons):
    houses = np.arange(len(households.ident))
    sizes = np.bincount(persons.household, minlength=len(houses))
    assert (households.size == sizes).all()
    assert sizes.min() == 1
    at = households.head
    seen = []
    for n in range(int(sizes.max())):
        left = sizes > n
        assert ((at != NOBODY) == left).all()
        assert (persons.household[at[left]] == houses[left]).all()
        seen.append(at[left])
        following = np.full(len(houses), NOBODY)
        following[left] = persons.next[at[left]]
        at = following
    assert (at == NOBODY).all()
    # Everybody is in one list, once.
    assert (np.sort(np.concatenate(seen)) == np.arange(len(persons.pid))).all()
    # Whose head is its founder, and no family has more than one household.
    assert (households.ident == persons.pid[households.head]).all()
    assert (households.relative == houses).all()


def test_at_the_start_nothing_has_happened_to_anybody(households, persons):
    for name in ("means", "flags", "mask", "came", "uprooted"):
        assert not getattr(households, name).any(), name
    for name in ("moved", "blocked_on"):
        assert (getattr(households, name) == LONG_AGO).all(), name
    assert not persons.past.any()
    country = [c.id for c in MANY.countries]
    own = np.array([country.index(place.country) for place in MANY.places])
    assert (households.citizenship == own[households.home]).all()


def test_couples_are_of_two_sexes(households, persons):
    first = households.head[households.size > 1]
    second = persons.next[first]
    couple = age(persons)[second] > 18.1
    assert couple.sum() > 1000
    assert (persons.traits[first[couple]] & 1 != persons.traits[second[couple]] & 1).all()


def test_ids_are_unique_and_the_seed_is_not_in_them(households, persons):
    assert len(np.unique(persons.pid)) == len(persons.pid)
    other_households, other = populate(MANY, 6)
    # A stock that is no whole number of rows has one more or less by the seed.
    assert len(np.setxor1d(persons.pid, other.pid)) <= len(MANY.stocks) * 6
    at_home = (households.place == households.home)[persons.household]
    natives = persons.pid[at_home][:5000]
    at_home = (other_households.place == other_households.home)[other.household]
    assert (other.pid[at_home][:5000] == natives).all()
    assert (other.born[:5000] != persons.born[:5000]).mean() > 0.9


def test_a_place_added_changes_nobody(households, persons, tmp_path):
    def change(text):
        text["population"]["agents"] = 60000
        text["countries"].insert(0, {"id": "ZZ"})
        text["places"].insert(
            2, {"id": "ZZ_1", "country": "ZZ", "people": 90_000, "income": 900, "lat": 0, "lon": 0}
        )
        text["corridors"].append({"from": "ZZ_1", "to": "BB_T"})
        for place in text["places"]:
            place["people_per_agent"] = int(MANY.places[0].people_per_agent)

    scenario = edited(tmp_path, change)
    more_households, more = populate(scenario, 5)
    old = more_households.home != 2
    mine = old[more.household]
    assert (~mine).sum() > 500
    assert set(persons.pid) == set(more.pid[mine])
    assert (more.pid[mine] == persons.pid).all()
    assert (more_households.ident[old] == households.ident).all()
    ident = more_households.ident[more.household[mine]]
    assert (ident == households.ident[persons.household]).all()
    for name in ("born", "traits", "past"):
        assert (getattr(more, name)[mine] == getattr(persons, name)).all(), name
    for name in ("rank", "group", "status", "flags", "size", "weight"):
        assert (getattr(more_households, name)[old] == getattr(households, name)).all(), name
    # The new country is the first.
    assert (np.where(households.kin > 0, households.kin + 1, 0) == more_households.kin[old]).all()
    assert (households.citizenship + 1 == more_households.citizenship[old]).all()


def test_incomes_are_as_unequal_as_said():
    for wanted in (0.25, 0.4, 0.52, 0.7):
        sigma = gini_to_sigma(wanted)
        incomes = np.exp(sigma * normal_deviates(4096) - sigma**2 / 2)
        assert gini(incomes) == pytest.approx(wanted, abs=0.012)
        assert incomes.mean() == pytest.approx(1, abs=0.02)
    assert gini_to_sigma(0.5204998778) == pytest.approx(1.0, abs=1e-6)


def test_ranks_are_uniform(households):
    ranks = households.rank
    counts = np.bincount(ranks >> 12, minlength=16)
    expected = len(ranks) / 16
    assert ((counts - expected) ** 2 / expected).sum() < 50


def test_groups_are_as_large_as_the_place_says(households):
    for place, shares in (("AA_N", {1: 0.5, 2: 0.1}), ("AA_S", {1: 0.25, 2: 0.1}), ("BB_C", {})):
        here = households.group[households.home == PLACES.index(place)]
        for group in (1, 2):
            share = shares.get(group, 0)
            noise = 4 * math.sqrt(share * (1 - share) / len(here))
            assert abs((here == group).mean() - share) <= noise, place


def test_people_number_what_the_scenario_says(households):
    weight = weights_of(MANY)
    assert (households.weight == weight[households.home]).all()
    abroad = {(s.from_, s.to): s.people for s in MANY.stocks}
    country = np.array([p.country for p in MANY.places])
    found = weight[households.home] * households.size
    for (a, b), wanted in abroad.items():
        mine = (country[households.home] == a) & (country[households.place] == b)
        assert found[mine].sum() == pytest.approx(wanted, abs=8.0 * float(weight.max()))
        assert (households.status[mine] == Status.regular).all()
    for i, place in enumerate(MANY.places):
        assert found[households.place == i].sum() == pytest.approx(
            place.people, abs=8.0 * float(weight.max())
        )
    assert (households.activity == Activity.resident).all()
    natives = country[households.home] == country[households.place]
    assert (households.status[natives] == Status.citizen).all()


def test_kin_lives_where_emigrants_do(households):
    mine = households.kin[of_country(households, "AA")]
    emigrants, all_people = 60_000 + 150_000, 2_700_000
    share = MANY.journey.kin * emigrants / all_people
    assert (mine > 0).mean() == pytest.approx(share, abs=4 * 0.5 / math.sqrt(len(mine)))
    names = [c.id for c in MANY.countries]
    to_bb = (mine == names.index("BB") + 1).sum() / (mine > 0).sum()
    assert to_bb == pytest.approx(60 / 210, abs=0.03)
    assert not (households.kin[of_country(households, "CC")] > 0).any()


def test_of_households_nine_in_ten_have_kin_abroad_at_most():
    """AA: 210,000 emigrants of 2,700,000 people, so that a factor of 100 asks for all."""
    households, _ = populate(small("population.agents=20000", "journey.kin=100"), 5)
    mine = households.kin[of_country(households, "AA")]
    noise = 4 * math.sqrt(0.9 * 0.1 / len(mine))
    assert noise < 0.03
    assert (mine > 0).mean() == pytest.approx(0.9, abs=noise)


def test_household_sizes_are_one_and_a_poisson():
    u = (np.arange(100_000) + 0.5) / 100_000
    for mean in (1.0, 2.3, 4.0):
        sizes = household_sizes(u, mean)
        assert sizes.min() == 1
        assert sizes.max() <= 12
        assert sizes.mean() == pytest.approx(mean, abs=0.01)
        assert sizes.var() == pytest.approx(mean - 1, abs=0.05)


def test_ages_rise_with_their_draw_within_each_range():
    profile = MANY.countries[0].profile
    u = (np.arange(10_000) + 0.5) / 10_000
    heads = ages(profile, np.ones(10_000, bool), u)
    others = ages(profile, np.zeros(10_000, bool), u)
    assert heads.min() >= 18
    assert heads.max() <= 95
    assert (others < 15).mean() == pytest.approx(profile.under_15 / (1 - 1 / 3.5), abs=1e-3)
    assert (np.diff(others[others < 15]) > 0).all()


def test_picks_follow_shares():
    u = (np.arange(1000) + 0.5) / 1000
    assert np.bincount(pick(np.array([0.2, 0.0, 0.8]), u)).tolist() == [200, 0, 800]


def test_a_household_takes_forty_nine_bytes_and_a_person_twenty(households, persons):
    assert sum(column.itemsize for column in households) == 49
    assert sum(column.itemsize for column in persons) == 20
    n, m = len(persons.pid), len(households.ident)
    assert bytes_per_person(households, persons) == pytest.approx(20 + 49 * m / n)
