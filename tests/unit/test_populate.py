"""The people of a world are those that its profile tells of, each the same in every world."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.core.state import LONG_AGO, NOBODY, Households, Persons, bytes_per_person
from sim.core.terms import Activity, Education, Status
from sim.engine.setup import build_world
from sim.mechanisms.census import STOCKS
from sim.mechanisms.decide import current_conditions
from sim.mechanisms.populate import (
    FEW,
    LARGEST,
    ages,
    draw_sizes,
    gini_to_sigma,
    household_sizes,
    normal_deviates,
    pick,
    populate,
    strata,
    weights_of,
)
from sim.mechanisms.threats import THREATS
from sim.scenario.whole import Scenario
from tests.small import edited, small
from tests.worlds import prepare, rates_of

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


def test_a_household_takes_forty_nine_bytes_and_a_person_twenty_two(households, persons):
    assert sum(column.itemsize for column in households) == 49
    assert sum(column.itemsize for column in persons) == 22
    n, m = len(persons.pid), len(households.ident)
    assert bytes_per_person(households, persons) == pytest.approx(22 + 49 * m / n)


# However few persons are asked for ---------------------------------------------------------------


def with_few(folder: Path, **population: Any) -> Scenario:
    """The small scenario with a hamlet and with tiny stocks."""

    def change(text: dict[str, Any]) -> None:
        text["population"] |= population
        hamlet = {"id": "AA_H", "country": "AA", "people": 37, "income": 900, "lat": 33, "lon": 37}
        text["places"].append(hamlet)
        text["corridors"].append({"from": "AA_H", "to": "AA_N"})
        text["stocks"] = [
            {"from": "AA", "to": "BB", "people": 60}, {"from": "AA", "to": "CC", "people": 900},
            {"from": "BB", "to": "CC", "people": 40_000}, {"from": "CC", "to": "BB", "people": 1},
            {"from": "BB", "to": "AA", "people": 0},
        ]  # fmt: skip

    return edited(folder, change)


def counted(scenario: Scenario, seed: int = 5) -> dict[str, tuple[float, int, int]]:
    """By stratum: people at the start, those that its simulated persons represent, and these."""
    households, _ = populate(scenario, seed)
    country = np.array([[c.id for c in scenario.countries].index(p.country)
                        for p in scenario.places])  # fmt: skip
    found = {}
    for it in strata(scenario):
        mine = (country[households.home] == it.country) & (households.place == it.place)
        size = households.size[mine].astype(int)
        # All who belong together represent equally many.
        assert len(np.unique(households.weight[mine])) == 1, it.name
        found[it.name] = it.people, int(size @ households.weight[mine]), int(size.sum())
    return found


@pytest.mark.parametrize("agents", [100, 2_000, 60_000])
def test_small_places_and_small_stocks_keep_their_people(tmp_path: Path, agents: int) -> None:
    scenario = with_few(tmp_path, agents=agents)
    found = counted(scenario)
    assert {"place:AA_H", "stock:AA:BB_T", "stock:CC:BB_C", "stock:AA:CC_P"} <= set(found)
    for name, (people, represented, persons) in found.items():
        assert people >= 0.5, name
        assert persons >= 1, name
        # To half a person for each of them, since each represents a whole number.
        assert abs(represented - people) <= 0.5 * persons + 0.5, name
    # And so do all places and stocks.
    assert found["place:AA_H"][1] == pytest.approx(37, abs=12)
    # A stock of one person in two cities is in one of them.
    assert found["stock:CC:BB_C"][1:] == (1, 1)
    assert "stock:CC:BB_T" not in found
    assert not any(name.startswith("stock:BB:AA") for name in found)


@pytest.mark.parametrize("agents", [100, 2_000, 60_000])
def test_about_as_many_persons_are_made_as_are_asked_for(tmp_path: Path, agents: int) -> None:
    scenario = with_few(tmp_path, agents=agents)
    households, persons = populate(scenario, 5)
    # As many as are aimed at, and at most a household more for each that would have had nobody.
    most = sum(max(it.persons, LARGEST) for it in strata(scenario))
    assert 0.85 * agents - 50 <= len(persons.pid) <= most
    assert len(households.ident) == len(np.unique(persons.household))
    for it in strata(scenario):
        if it.persons >= FEW:
            pid, sizes, _ = draw_sizes(scenario, 5, it)
            assert len(pid) == sizes.sum() == math.floor(it.persons + 0.5)


def test_households_of_a_few_are_whole(tmp_path: Path) -> None:
    """Where there are fewer than `FEW`, none is cut, so that few are no smaller than many."""
    scenario = with_few(tmp_path, agents=400)
    few = [it for it in strata(scenario) if it.persons < FEW and it.people > 100]
    assert len(few) > 3
    means = []
    for seed in range(200):
        for it in few:
            _, sizes, _ = draw_sizes(scenario, seed, it)
            profile = scenario.countries[it.country].profile
            means.append(sizes.mean() / profile.household_size)
    assert np.mean(means) == pytest.approx(1.0, abs=0.03)


def test_finer_rows_change_nobody_elsewhere_and_no_number_of_people(tmp_path: Path) -> None:
    coarse = with_few(tmp_path, agents=8_000)
    finer = {"places": {"BB_C": 4.0, "AA_H": 1_000.0}, "origins": {"BB": 2.0}}
    fine = with_few(tmp_path, agents=8_000, resolution=finer)
    before, after = counted(coarse), counted(fine)
    assert before.keys() == after.keys()
    times = dict.fromkeys(before, 1.0) | {
        "place:BB_C": 8.0, "place:BB_T": 2.0, "place:AA_H": 1_000.0, "stock:AA:BB_C": 4.0,
        "stock:CC:BB_C": 4.0, "stock:BB:CC_P": 2.0, "stock:BB:CC_C": 2.0,
    }  # fmt: skip
    for name, (people, represented, persons) in after.items():
        assert before[name][0] == people
        assert abs(represented - people) <= 0.5 * persons + 0.5, name
        if before[name][2] >= FEW:
            assert persons == pytest.approx(times[name] * before[name][2], rel=0.01), name
    # Nobody represents less than one person.
    assert after["place:AA_H"][1:] == (37, 37)
    one, other = populate(coarse, 5), populate(fine, 5)
    same = np.isin(one[0].ident, other[0].ident)
    assert same.all()  # those there are, are there as before: there are only more
    where = np.searchsorted(other[0].ident[order := np.argsort(other[0].ident)], one[0].ident)
    theirs = order[where]
    for name in ("home", "place", "rank", "group", "kin", "status", "citizenship"):
        assert (getattr(one[0], name) == getattr(other[0], name)[theirs]).all(), name
    mine = np.isin(one[0].place, [PLACES.index("AA_N"), PLACES.index("AA_S")])
    assert (one[0].weight == other[0].weight[theirs])[mine].all()
    assert (one[0].size == other[0].size[theirs])[mine].all()


@pytest.mark.parametrize("times", [2.7, 4.0, 300.0])
def test_however_fine_rows_are_they_stand_for_as_many_people(tmp_path: Path, times: float) -> None:
    """Nobody represents less than one person, and of many all but half a one's people are there."""
    finer = {"places": {"BB_C": times, "AA_H": times}}
    found = counted(with_few(tmp_path, agents=20_000, resolution=finer))
    for name, (people, represented, persons) in found.items():
        assert persons <= people + 0.5, name
        if persons >= FEW:
            assert abs(represented - people) <= 0.5 * people / persons + 1, name
        else:
            assert abs(represented - people) <= 0.5 * persons + 0.5, name
    if times > 100:
        assert found["place:AA_H"][1:] == (37, 37)


def test_rates_hardly_depend_on_how_many_persons_are_asked_for(tmp_path: Path) -> None:
    """Of the same households: what they know of networks and queues rests on all people."""
    found = []
    for agents in (400, 4_000, 40_000):
        scenario = with_few(tmp_path, agents=agents)
        changes = {"base_livelihood": 0.05, "base_flight": 0.06, "flight_norm": 1.0}
        decision = scenario.decision.model_copy(update=changes)
        at = build_world(scenario.model_copy(update={"decision": decision}), 5)
        prepare(at)
        want, fear, _ = THREATS.of(at).advance(0, 1)
        houses = at.deciding.astype(np.int64)
        at.households.means[houses], at.households.mask[houses] = 5_000.0, 3
        moves = rates_of(at, current_conditions(at, (want, fear)), houses)[:, :2].sum(axis=1)
        found.append(dict(zip(at.households.ident[houses].tolist(), moves, strict=True)))
        diaspora = STOCKS.of(at).diaspora
        assert diaspora[0, 1:].tolist() == pytest.approx([60, 900], abs=8)
    few = [who for who in found[0] if all(who in others for others in found)]
    assert len(few) > 60
    for others in found[1:]:
        ratio = np.array([others[who] / found[0][who] for who in few if found[0][who] > 0])
        assert len(ratio) > 60
        np.testing.assert_allclose(ratio, 1.0, atol=0.03)
