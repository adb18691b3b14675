"""The people of a world are those that its profile tells of, each the same in every world."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.core.state import HEAD, People, bytes_per_person
from sim.core.terms import Activity, Education, Status
from sim.mechanisms.populate import (
    ages,
    gini_to_sigma,
    household_sizes,
    normal_table,
    pick,
    populate,
    weights,
)
from tests.small import edited, small

MANY = small("population.agents=60000")
PLACES = [place.id for place in MANY.places]


@pytest.fixture(scope="module")
def people() -> People:
    return populate(MANY, 5)


def of_country(people: People, country: str) -> np.ndarray:
    at = [i for i, place in enumerate(MANY.places) if place.country == country]
    return np.isin(people.home, at)


def age(people: People) -> np.ndarray:
    return (-people.born.astype(int)) / 12


def gini(x: np.ndarray) -> float:
    x = np.sort(x)
    n = len(x)
    return float((2 * np.arange(1, n + 1) - n - 1) @ x / (n * x.sum()))


@pytest.mark.parametrize("country", ["AA", "CC"])
def test_age_sex_and_education_follow_the_profile(people, country):
    profile = next(c.profile for c in MANY.countries if c.id == country)
    mine = of_country(people, country)
    n = mine.sum()
    years = age(people)[mine]
    assert (years < 15).mean() == pytest.approx(
        profile.under_15, abs=4 * 0.5 / math.sqrt(n) + 0.005
    )
    assert (years >= 65).mean() == pytest.approx(profile.over_65, abs=4 * 0.4 / math.sqrt(n) + 0.01)
    assert (people.traits[mine] & 1).mean() == pytest.approx(profile.women, abs=0.02)
    adults = people.traits[mine][years >= 15] >> 1 & 3
    for level in Education:
        assert (adults == level).mean() == pytest.approx(profile.education[level], abs=0.015)
    assert (people.traits[mine][years < 15] >> 1 & 3 == Education.none).all()


@pytest.mark.parametrize("country", ["AA", "CC"])
def test_households_are_as_large_as_said_and_led_by_adults(people, country):
    profile = next(c.profile for c in MANY.countries if c.id == country)
    mine = of_country(people, country)
    heads = mine & (people.flags & HEAD > 0)
    # The other members of a household, beyond its head, are Poisson.
    noise = 4 * math.sqrt((profile.household_size - 1) / heads.sum())
    assert mine.sum() / heads.sum() == pytest.approx(profile.household_size, abs=noise + 0.02)
    assert age(people)[heads].min() >= 18
    assert age(people).max() < 96


def test_rows_of_a_household_are_bound_in_a_circle(people):
    rows = np.arange(len(people.pid))
    assert (people.household[people.sibling] == people.household).all()
    assert (np.sort(people.sibling) == rows).all()
    founders = np.flatnonzero(people.flags & HEAD)
    assert (people.household[founders] == founders).all()
    sizes = np.bincount(people.household, minlength=len(rows))[founders]
    at = people.sibling[founders]
    for _ in range(int(sizes.max()) - 1):
        sizes = np.where(at == founders, sizes, sizes - 1)
        at = np.where(at == founders, at, people.sibling[at])
    assert (at == founders).all()
    assert (sizes == 1).all()
    for column in (people.home, people.place, people.group, people.rank, people.kin):
        assert (column == column[people.household]).all()


def test_couples_are_of_two_sexes(people):
    founders = np.flatnonzero(people.flags & HEAD)
    second = people.sibling[founders]
    couple = (second != founders) & (age(people)[second] > 18.1)
    assert couple.sum() > 1000
    assert (people.traits[founders[couple]] & 1 != people.traits[second[couple]] & 1).all()


def test_ids_are_unique_and_the_seed_is_not_in_them(people):
    assert len(np.unique(people.pid)) == len(people.pid)
    other = populate(MANY, 6)
    # A stock that is no whole number of rows has one more or less by the seed.
    assert len(np.setxor1d(people.pid, other.pid)) <= len(MANY.stocks) * 6
    natives = people.pid[people.place == people.home][:5000]
    assert (other.pid[other.place == other.home][:5000] == natives).all()
    assert (other.born[:5000] != people.born[:5000]).mean() > 0.9


def test_a_place_added_changes_nobody(people, tmp_path):
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
    more = populate(scenario, 5)
    mine = more.home != 2
    assert (~mine).sum() > 500
    assert set(people.pid) == set(more.pid[mine])
    assert (more.pid[mine] == people.pid).all()
    for name in ("born", "rank", "group", "traits", "status", "flags"):
        assert (getattr(more, name)[mine] == getattr(people, name)).all(), name
    assert (np.where(people.kin > 0, people.kin + 1, 0) == more.kin[mine]).all()


def test_incomes_are_as_unequal_as_said():
    for wanted in (0.25, 0.4, 0.52, 0.7):
        sigma = gini_to_sigma(wanted)
        incomes = np.exp(sigma * normal_table() - sigma**2 / 2)
        assert gini(incomes) == pytest.approx(wanted, abs=0.012)
        assert incomes.mean() == pytest.approx(1, abs=0.02)
    assert gini_to_sigma(0.5204998778) == pytest.approx(1.0, abs=1e-6)


def test_ranks_are_uniform(people):
    ranks = people.rank[people.flags & HEAD > 0]
    counts = np.bincount(ranks >> 12, minlength=16)
    expected = len(ranks) / 16
    assert ((counts - expected) ** 2 / expected).sum() < 50


def test_groups_are_as_large_as_the_place_says(people):
    heads = people.flags & HEAD > 0
    for place, shares in (("AA_N", {1: 0.5, 2: 0.1}), ("AA_S", {1: 0.25, 2: 0.1}), ("BB_C", {})):
        here = people.group[heads & (people.home == PLACES.index(place))]
        for group in (1, 2):
            share = shares.get(group, 0)
            noise = 4 * math.sqrt(share * (1 - share) / len(here))
            assert abs((here == group).mean() - share) <= noise, place


def test_people_number_what_the_scenario_says(people):
    weight = weights(MANY)
    abroad = {(s.from_, s.to): s.people for s in MANY.stocks}
    country = np.array([p.country for p in MANY.places])
    found = weight[people.home]
    for (a, b), wanted in abroad.items():
        mine = (country[people.home] == a) & (country[people.place] == b)
        assert found[mine].sum() == pytest.approx(wanted, abs=8.0 * float(weight.max()))
        assert (people.status[mine] == Status.regular).all()
    for i, place in enumerate(MANY.places):
        assert found[people.place == i].sum() == pytest.approx(
            place.people, abs=8.0 * float(weight.max())
        )
    assert (people.activity == Activity.resident).all()
    natives = country[people.home] == country[people.place]
    assert (people.status[natives] == Status.citizen).all()


def test_kin_lives_where_emigrants_do(people):
    heads = people.flags & HEAD > 0
    mine = people.kin[heads & of_country(people, "AA")]
    emigrants, all_people = 60_000 + 150_000, 2_700_000
    share = MANY.journey.kin * emigrants / all_people
    assert (mine > 0).mean() == pytest.approx(share, abs=4 * 0.5 / math.sqrt(len(mine)))
    names = [c.id for c in MANY.countries]
    to_bb = (mine == names.index("BB") + 1).sum() / (mine > 0).sum()
    assert to_bb == pytest.approx(60 / 210, abs=0.03)
    assert not (people.kin[of_country(people, "CC")] > 0).any()


def test_of_households_nine_in_ten_have_kin_abroad_at_most():
    """AA: 210,000 emigrants of 2,700,000 people, so that a factor of 100 asks for all."""
    people = populate(small("population.agents=20000", "journey.kin=100"), 5)
    mine = people.kin[(people.flags & HEAD > 0) & of_country(people, "AA")]
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


def test_a_person_takes_forty_one_bytes(people):
    assert bytes_per_person(people) == 41
