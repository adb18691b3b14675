"""Households reunite, form, join others and take in children when a quarter begins."""

from __future__ import annotations

import numpy as np
import pytest

from sim.core.jit import kernel
from sim.core.rng import mixed_array
from sim.core.state import APART, DIED, GROUNDS, I64, NOBODY, WOMAN, append
from sim.core.terms import Activity, HouseholdChange, Status
from sim.engine.step import advance
from sim.kernels.formation import OLD_FOUNDER
from sim.kernels.household import GROWN_UP, PIONEER, look_at_all, move_households, send_ahead
from sim.kernels.reunion import MOST_SEEN
from sim.mechanisms import households as mechanism
from sim.mechanisms.asylum import claimants, hold_courts
from sim.mechanisms.census import check_account, take_census
from sim.mechanisms.custody import SEPARATIONS
from sim.mechanisms.flows import ARRIVED
from sim.mechanisms.households import CHANGES, QUARTER, change_households
from sim.mechanisms.plans import PLANS
from sim.model.segment import segment_of
from sim.model.world import World
from tests.lives import hand_in
from tests.recount import faults_of_circles, faults_of_lists
from tests.small import AA, BB, CAMP, CAPITAL, CITY, NORTH, SOUTH, TOWN, small, world
from tests.worlds import plan

CALM = ("decision.base_livelihood=1e-9", "decision.flight_norm=1e-9", "decision.base_flight=0")
BUSY = ("decision.base_livelihood=20", "decision.flight_norm=2", "population.agents=4000")


def begin_quarter(at: World) -> None:
    """Let households change as on the first day of the next quarter of the year."""
    at.day += 1
    while at.date().day != 1 or at.date().month % QUARTER != 1:
        at.day += 1
    change_households(at, segment_of(at, at.day + 28))


def check(at: World) -> None:
    """Check that everybody is in one household, families are circles, and nothing dangles."""
    households = at.households
    assert not [*faults_of_lists(at), *faults_of_circles(at)]
    empty = households.size == 0
    assert (households.head[empty] == NOBODY).all()
    assert len(np.unique(households.ident[~empty])) == (~empty).sum()
    # Nobody is up to anything, or awaited by children, in a household that is no more.
    assert not empty[PLANS.of(at).household].any()
    gone = empty & (households.relative == np.arange(len(empty)))
    assert not gone[SEPARATIONS.of(at).adults].any()
    check_account(at, take_census(at, at.day))


def changes(at: World, change: HouseholdChange) -> int:
    """People counted so far."""
    return int(CHANGES.of(at)[:, :, change].sum())


@kernel
def send_pioneers(households, persons, houses, price, month, new, went):
    """Let an adult of each household go ahead of it."""
    for i in range(houses.shape[0]):
        went[i] = send_ahead(households, persons, houses[i], PIONEER, price, month, new[i])


def pioneers_of(at: World, houses: I64) -> tuple[I64, I64]:
    """Let households send a pioneer ahead: ([m] rows of those who did, [m] rows of pioneers')."""
    new, went = at.rows_for(len(houses)), np.empty(len(houses), bool)
    send_pioneers(at.households, at.persons, houses, 200.0, at.month(), new, went)
    at.spare = np.append(at.spare, new[~went])
    return houses[went], new[went]


def move(at: World, houses: I64, place: int, status: Status, day: int | None = None) -> None:
    """Let households live somewhere, from today on unless another day is stated."""
    n = len(houses)
    days = np.full(n, at.day if day is None else day)
    move_households(at.households, houses, np.full(n, place), status, days)


def parted(at: World, n: int, place: int) -> tuple[I64, I64]:
    """Families of three or more in the north, and households of pioneers whom they sent to a place.

    Returns:
        ([m] rows of the families, [m] rows of the pioneers' households), m <= n.
    """
    households = at.households
    fit = (households.place == NORTH) & (households.home == NORTH) & (households.size >= 4)
    families = np.flatnonzero(fit)[:n]
    households.means[families] = 700.0
    families, pioneers = pioneers_of(at, families)
    assert len(families) > n // 2
    move(at, pioneers, place, Status.refugee)
    assert (at.households.flags[pioneers] & APART != 0).all()
    return families, pioneers


def test_families_live_together_again_where_they_meet() -> None:
    at = world(small("population.demography=false"))
    families, pioneers = parted(at, 20, TOWN)
    here, elsewhere = families[:-3], families[-3:]
    move(at, here, TOWN, Status.refugee)
    # All else being equal, the family goes on.
    sizes, idents = at.households.size[here].copy(), at.households.ident[here].copy()
    begin_quarter(at)
    households = at.households
    gone = pioneers[: len(here)]
    assert (households.size[gone] == 0).all()
    np.testing.assert_array_equal(households.size[here], sizes + 1)
    np.testing.assert_array_equal(households.ident[here], idents)
    np.testing.assert_allclose(households.means[here], 700.0)
    assert (households.flags[here] & APART == 0).all()
    assert (households.relative[gone] == gone).all()
    # Those who have not met are still apart.
    assert (households.size[pioneers[-3:]] == 1).all()
    assert (households.flags[pioneers[-3:]] & APART != 0).all()
    assert (households.size[elsewhere] >= 3).all()
    weight = households.weight[here].astype(int).sum()
    assert changes(at, HouseholdChange.reunited) == weight
    check(at)


def test_the_number_of_attempts_goes_along_with_a_pioneer_and_comes_back() -> None:
    at = world(small("population.demography=false"))
    families, pioneers = parted(at, 20, TOWN)
    at.households.failed[pioneers] = 2  # they have tried twice
    move(at, pioneers, NORTH, Status.citizen)
    begin_quarter(at)
    together = np.where(at.households.size[families] > 0, families, pioneers)
    assert (at.households.failed[together] == 2).all()
    left, gone = pioneers_of(at, together)
    assert len(left) > 5
    assert (at.households.failed[gone] == 2).all()
    assert (at.households.failed[left] == 0).all()
    check(at)


def test_the_more_secure_status_lives_on_and_what_the_others_waited_for_ends() -> None:
    at = world(small("population.demography=false"))
    families, pioneers = parted(at, 20, TOWN)
    households = at.households
    move(at, families, TOWN, Status.claimant)
    households.since[families], households.since[pioneers] = at.day, at.day - 100
    households.failed[families], households.kin[families] = 2, 0
    households.kin[pioneers] = BB + 1
    plan(at, families, court=60.0)
    hand_in(at, families[:4], CITY)
    append(SEPARATIONS.of(at), children=pioneers[-1:], adults=families[-1:], country=BB, since=0.0)
    households.activity[pioneers[-1]] = Activity.detained
    plan(at, pioneers[-1:], due=90.0)
    sizes = households.size[families].copy()
    begin_quarter(at)
    met, alone = slice(0, -1), slice(-1, None)
    np.testing.assert_array_equal(households.size[pioneers[met]], sizes[met] + 1)
    assert (households.status[pioneers[met]] == Status.refugee).all()
    assert (households.since[pioneers[met]] == -100).all()
    assert (households.failed[pioneers[met]] == 2).all()
    assert (households.size[families[met]] == 0).all()
    # The one whose pioneer is held is not together again, and waits on.
    assert sorted(PLANS.of(at).household) == sorted([*families[alone], *pioneers[alone]])
    assert claimants(at).tolist() == families[alone].tolist()
    check(at)


def test_who_comes_along_brings_close_family_abroad() -> None:
    at = world(small("population.demography=false"))
    families, pioneers = parted(at, 20, TOWN)
    households = at.households
    households.kin[families[::2]], households.kin[families[1::2]] = 0, AA + 1
    households.kin[pioneers] = BB + 1
    move(at, families, TOWN, Status.refugee)
    begin_quarter(at)
    assert (households.size[families] > 1).all()
    assert (households.kin[families[::2]] == BB + 1).all()
    assert (households.kin[families[1::2]] == AA + 1).all()


def test_claims_of_who_forms_a_household_are_decided_when_theirs_would_have_been() -> None:
    """A household that is founded by claimants has a claim, and a day in court, of its own."""
    at = world(small("population.demography=false"))
    families, pioneers = parted(at, 20, TOWN)
    move(at, families, TOWN, Status.claimant, -300)
    move(at, pioneers, TOWN, Status.claimant, -300)
    households = at.households
    both = np.append(families, pioneers)
    households.since[both] = -200
    begin_quarter(at)
    hold_courts(at, segment_of(at, at.day + 28))
    left = both[households.size[both] > 0]
    assert len(left) == len(families)
    assert sorted(claimants(at)) == sorted(left)
    assert (households.since[left] == -200).all()
    assert not np.isin(PLANS.of(at).household, np.setdiff1d(both, left)).any()
    check(at)


def test_children_held_by_a_state_find_their_adults_in_another_household() -> None:
    at = world(small("population.demography=false"))
    families, pioneers = parted(at, 6, TOWN)
    move(at, families, TOWN, Status.irregular)
    held = np.flatnonzero(at.households.place == SOUTH)[:1]
    append(SEPARATIONS.of(at), children=held, adults=families[:1], country=BB, since=0.0)
    begin_quarter(at)
    np.testing.assert_array_equal(SEPARATIONS.of(at).adults, pioneers[:1])


def arrivals(at: World) -> int:
    """People who have arrived somewhere."""
    return sum(int(moves.people.sum()) for moves in ARRIVED.of(at))


@pytest.mark.parametrize(
    ("place", "moved", "status", "together"),
    [
        (CITY, 5, Status.claimant, True),
        (CITY, -5, Status.claimant, False),
        (CAMP, 5, Status.claimant, False),
        (CAPITAL, 5, Status.claimant, False),
        (SOUTH, 5, Status.displaced, False),
    ],
    ids=["the same country", "who was there before", "a camp", "another country", "home"],
)
def test_pioneers_join_families_who_arrive_in_the_country(
    place: int, moved: int, status: Status, together: bool
) -> None:
    at = world(small("population.demography=false"))
    families, pioneers = parted(at, 20, TOWN if status == Status.claimant else NORTH)
    at.day = 5
    move(at, families, place, status, moved)
    sizes, before = at.households.size[families].copy(), arrivals(at)
    begin_quarter(at)
    households = at.households
    here = np.where(households.size[families] > 0, families, pioneers)
    assert (households.size[here] == sizes + together).all()
    went = int(at.households.weight[pioneers].astype(int).sum()) if together else 0
    if together:
        assert (households.place[here] == place).all()
        assert (households.status[here] == Status.refugee).all()
        assert (households.flags[here] & APART == 0).all()
    assert arrivals(at) - before == went
    check(at)


@pytest.mark.parametrize("column", ["citizenship", "weight", "place"])
def test_only_who_is_counted_alike_in_one_place_lives_together(column: str) -> None:
    at = world(small("population.demography=false"))
    families, pioneers = parted(at, 20, TOWN)
    move(at, families, TOWN, Status.refugee)
    # In another town of the country they would find each other.
    getattr(at.households, column)[families] += CAPITAL - TOWN if column == "place" else 1
    begin_quarter(at)
    assert (at.households.size[pioneers] == 1).all()
    assert changes(at, HouseholdChange.reunited) == 0


def test_an_adult_leads_who_comes_to_children() -> None:
    at = world(small("population.demography=false"))
    families, pioneers = parted(at, 6, TOWN)
    households, persons = at.households, at.persons
    for house in families:
        persons.born[persons.household == house] = -16 * 12
    persons.born[households.head[pioneers]] = -30 * 12
    move(at, families, TOWN, Status.refugee)
    begin_quarter(at)
    assert (persons.born[households.head[families]] == -30 * 12).all()
    check(at)


def test_two_who_went_ahead_live_together_but_are_still_apart() -> None:
    at = world(small("population.demography=false"))
    families, ones = parted(at, 20, TOWN)
    sent, others = pioneers_of(at, families)
    ones = ones[np.isin(families, sent)]
    move(at, others, TOWN, Status.refugee)
    begin_quarter(at)
    households = at.households
    both = np.where(households.size[ones] > 0, ones, others)
    assert len(both) > 5
    assert (households.size[both] == 2).all()
    assert (households.flags[both] & APART != 0).all()
    check(at)


def orphaned(at: World, n: int, place: int) -> I64:
    """Make children of all members of some households of a place, 14 years old at most."""
    households, persons = at.households, at.persons
    houses = np.flatnonzero((households.place == place) & (households.size > 0))[:n]
    mine = np.isin(persons.household, houses)
    persons.born[mine] = at.month() - 12 * (persons.pid[mine] % np.uint64(14)).astype(int) - 1
    look_at_all(households, persons, houses, at.month())
    return houses


@pytest.mark.parametrize("demography", ["true", "false"])
def test_children_are_taken_in(demography: str) -> None:
    at = world(small(*CALM, f"population.demography={demography}"))
    home, abroad = orphaned(at, 12, SOUTH), orphaned(at, 2, CITY)
    n = int(at.n_people(np.concatenate([home, abroad])).sum())
    where = at.households.place[at.persons.household].copy()
    groups = {int(g) for g in at.households.group[home]}
    begin_quarter(at)
    assert changes(at, HouseholdChange.taken_in) == n
    households, persons = at.households, at.persons
    live = households.size > 0
    age = at.month() - persons.born[households.head[live]]
    assert age.min() >= GROWN_UP
    np.testing.assert_array_equal(households.place[persons.household], where)
    assert groups
    assert not (households.size[home] > 0).any()
    check(at)


def test_children_are_taken_in_by_relatives_and_otherwise_by_their_group() -> None:
    at = world(small("population.demography=false"))
    families, pioneers = parted(at, 10, SOUTH)
    households, persons = at.households, at.persons
    persons.born[households.head[pioneers]] = -13 * 12
    look_at_all(households, persons, pioneers, at.month())
    # The families live in the same place; two households each, so neither needs the flag.
    households.flags[pioneers] &= 255 - APART
    move(at, families, SOUTH, Status.displaced)
    child = households.head[pioneers]
    others = orphaned(at, 30, NORTH)
    group = households.group[persons.household[np.isin(persons.household, others)]].copy()
    theirs = np.flatnonzero(np.isin(persons.household, others))
    begin_quarter(at)
    np.testing.assert_array_equal(persons.household[child], families)
    # Where there are more children than one household sees, all of them find somebody.
    assert len(others) > MOST_SEEN
    assert (households.size[others] == 0).all()
    assert len(set(group.tolist())) > 1
    np.testing.assert_array_equal(households.group[persons.household[theirs]], group)


def test_children_stay_alone_where_nobody_represents_as_many() -> None:
    at = world(small("population.demography=false"))
    houses = orphaned(at, 1, SOUTH)
    at.households.weight[houses] += 1
    begin_quarter(at)
    assert (at.households.size[houses] > 0).all()
    assert changes(at, HouseholdChange.taken_in) == 0


def test_the_eldest_leads_instead_of_a_child() -> None:
    at = world(small("population.demography=false"))
    households, persons = at.households, at.persons
    houses = np.flatnonzero((households.place == SOUTH) & (households.size >= 3))[:10]
    persons.born[households.head[houses]] = -5 * 12
    persons.born[persons.next[households.head[houses]]] = -40 * 12
    look_at_all(households, persons, houses, at.month())
    begin_quarter(at)
    assert (persons.born[households.head[houses]] <= -40 * 12).all()
    assert changes(at, HouseholdChange.taken_in) == 0
    check(at)


def partner_of(at: World, house: int) -> int:
    """Row of the adult of the other sex nearest in age to who leads a household, or -1."""
    persons = at.persons
    head = int(at.households.head[house])
    fit = (persons.household == house) & (persons.past & DIED == 0)
    fit &= (persons.traits ^ persons.traits[head]) & WOMAN != 0
    fit &= at.month() - persons.born >= GROWN_UP
    rows = np.flatnonzero(fit)
    born = persons.born[rows].astype(int)
    order = np.lexsort((persons.pid[rows], born, np.abs(born - int(persons.born[head]))))
    return int(rows[order[0]]) if len(rows) else -1


def families_of(at: World) -> I64:
    """[household] lowest row of its family."""
    relative = at.households.relative
    family = np.arange(len(relative))
    for house in range(len(relative)):
        other = relative[house]
        while other != house:
            family[house] = min(family[house], other)
            other = relative[other]
    return family


def with_sizes(monkeypatch: pytest.MonkeyPatch, size: float) -> None:
    """Let households everywhere be of another size than they were drawn with."""
    monkeypatch.setattr(mechanism, "mean_sizes", lambda at: np.full(at.n_countries, size))


def test_couples_leave_and_take_their_share(monkeypatch: pytest.MonkeyPatch) -> None:
    at = world(small(*CALM, "countries.AA.profile.household_size=5"))
    at.day = 91  # 1 April
    households = at.households
    households.means[:] = households.rank
    house, heads = at.persons.household.copy(), set(households.head[households.size > 1].tolist())
    old = {name: column.copy() for name, column in households._asdict().items()}
    several = np.flatnonzero(households.size > 1).tolist()
    partners, family = {partner_of(at, it) for it in several}, families_of(at)
    with_sizes(monkeypatch, 4.6)
    change_households(at, segment_of(at, at.day + 28))
    households, persons = at.households, at.persons
    new = np.arange(len(old["size"]), len(households.size))
    assert len(new) > 60
    assert (households.size[new] == 2).mean() > 0.8
    at_home = at.country[households.home] == at.country[households.place]
    assert at_home[new].mean() > 0.9
    origins = []
    for it in new.tolist():
        members = np.flatnonzero(persons.household == it)
        origin = house[members]
        origins += origin.tolist()
        age = at.month() - persons.born[members]
        assert (age >= GROWN_UP).all()
        assert (age < OLD_FOUNDER).all()
        assert not (heads | partners) & set(members.tolist())
        share = (old["means"][origin] / old["size"][origin]).sum()
        assert households.means[it] == pytest.approx(share, rel=1e-5)
        first = int(house[households.head[it]])
        founder = persons.pid[households.head[it : it + 1]]
        idents = mixed_array(mixed_array(founder) ^ np.uint64((1 << 32) + at.month()))
        assert households.ident[it] == idents[0]
        for name in ("home", "place", "group", "status", "weight", "citizenship", "rank"):
            assert getattr(households, name)[it] == old[name][first]
        # It is of the founder's family.
        assert family[first] in families_of(at)[[it, first]]
        for name in ("place", "group", "status", "weight", "citizenship"):
            assert len(set(old[name][origin].tolist())) == 1
        if len(members) == 2:
            assert (persons.traits[members] & WOMAN).sum() == 1
            assert family[origin[0]] != family[origin[1]]
    # One member of a household at most sets up another one in a month.
    assert len(set(origins)) == len(origins)
    money = households.means[households.size > 0].sum(dtype=float)
    np.testing.assert_allclose(money, old["means"].sum(dtype=float), rtol=1e-6)
    assert changes(at, HouseholdChange.founded) == int(at.n_people(new).sum())
    check(at)


def test_large_households_are_left_first(monkeypatch: pytest.MonkeyPatch) -> None:
    at = world(small(*CALM, "countries.AA.profile.household_size=5"))
    with_sizes(monkeypatch, 4.9)
    sizes, house = at.households.size.copy(), at.persons.household.copy()
    n = len(sizes)
    begin_quarter(at)
    left = house[at.persons.household >= n]
    assert len(left) > 10
    assert sizes[left].mean() > sizes.mean() + 1.5


def test_too_many_who_live_alone_join_relatives_and_marry(monkeypatch: pytest.MonkeyPatch) -> None:
    at = world(small(*CALM, "countries.AA.profile.household_size=2.5"))
    households = at.households
    alone = at.country[households.home] == AA
    alone &= (households.size == 1) & (households.place == SOUTH)
    single = np.flatnonzero(alone)
    # Every third one has a relative who lives with others in the same place.
    kin = np.flatnonzero((households.size > 2) & (households.place == SOUTH))[: len(single) // 3]
    related = single[: len(kin)]
    households.relative[related], households.relative[kin] = kin, related
    with_sizes(monkeypatch, 6.0)
    for _ in range(12):
        begin_quarter(at)
    households = at.households
    assert (households.size[related] == 0).mean() > 0.8
    joined = np.isin(at.persons.household, kin)
    assert joined.sum() > 0
    left = (households.size[single] == 1).mean()
    assert left < 0.4
    assert changes(at, HouseholdChange.joined) > 0
    check(at)


def test_who_has_gone_ahead_does_not_marry_before_two_years(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = {}
    for days in (300, 800):
        at = world(small(*CALM, "countries.AA.profile.household_size=2.5"))
        households = at.households
        single = np.flatnonzero((households.size == 1) & (households.place == SOUTH))
        households.flags[single] |= APART
        households.moved[single] = -days
        with_sizes(monkeypatch, 6.0)
        begin_quarter(at)
        found[days] = (at.households.size[single] == 0).sum()
    assert found[300] == 0
    assert found[800] > 5


def test_people_who_live_alone_abroad_marry_and_others_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only whom nobody awaits, of one place and status; nobody there founds a household alone."""
    at = world(small(*CALM))
    with_sizes(monkeypatch, 3.0)
    fit = (at.households.place == NORTH) & (at.households.home == NORTH) & (at.households.size >= 4)
    _, pioneers = pioneers_of(at, np.flatnonzero(fit)[:120])
    households, persons = at.households, at.persons
    n = len(pioneers) // 3
    ready, new, camped = pioneers[:n], pioneers[n : 2 * n], pioneers[2 * n :]
    persons.born[households.head[pioneers]] = -30 * 12
    move(at, ready, TOWN, Status.refugee, -1000)
    move(at, new, TOWN, Status.irregular, -100)
    move(at, camped, CAMP, Status.refugee, -1000)
    women = np.bincount(persons.traits[households.head[ready]] & WOMAN, minlength=2).min()
    rows = len(households.size)
    for _ in range(24):
        begin_quarter(at)
        at.month_began = at.day
        # They stay as long as it takes, but those who are new do not become settled.
        at.households.moved[new] = at.day - 100
    households = at.households
    assert (households.size[np.append(new, camped)] == 1).all()
    assert (households.size[ready] == 1).sum() <= n - 2 * (women - 2)
    formed = np.arange(rows, len(households.size))
    formed = formed[(households.home[formed] == NORTH) & (households.size[formed] > 0)]
    abroad = formed[households.place[formed] == TOWN]
    assert len(abroad) > 5
    assert (households.size[abroad] > 1).all()
    assert (households.status[abroad] == Status.refugee).all()
    check(at)


def test_nothing_forms_without_births_and_deaths(monkeypatch: pytest.MonkeyPatch) -> None:
    at = world(small(*CALM, "population.demography=false"))
    n = len(at.households.size)
    with_sizes(monkeypatch, 2.0)
    begin_quarter(at)
    assert len(at.households.size) == n


def test_households_form_once_a_quarter_and_not_in_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at = world(small(*CALM))
    n = len(at.households.size)
    with_sizes(monkeypatch, 3.0)
    change_households(at, segment_of(at, 10))
    assert len(at.households.size) == n
    begin_quarter(at)
    formed = len(at.households.size)
    assert formed > n
    at.month_began = at.day
    at.day += 5
    change_households(at, segment_of(at, at.day + 5))
    at.day += 25  # the first day of the next month
    assert at.date().day == 1
    change_households(at, segment_of(at, at.day + 5))
    assert len(at.households.size) == formed
    begin_quarter(at)
    assert len(at.households.size) > formed


def test_a_person_founds_every_household_with_an_identity_of_its_own() -> None:
    at = world(small("population.demography=false"))
    idents: list[dict[int, int]] = []
    for _ in range(3):
        families, pioneers = parted(at, 20, NORTH)
        households = at.households
        founders = at.persons.pid[households.head[pioneers]].tolist()
        idents.append(dict(zip(founders, households.ident[pioneers].tolist(), strict=True)))
        begin_quarter(at)
        together = (households.size[pioneers] == 0) | (households.size[families] == 0)
        assert together.all()
        households.status[households.place == NORTH] = Status.citizen
    again = idents[0].keys() & idents[1].keys() & idents[2].keys()
    assert len(again) > 5
    for pid in again:
        assert len({known[pid] for known in idents} | {pid}) == 4


def test_grounds_and_counts_of_a_busy_world_hold_month_by_month() -> None:
    """Wars, courts and returns, with births and deaths: nothing dangles, nobody is lost."""
    at = world(small(*BUSY))
    for _ in range(24):
        advance(at)
        check(at)
    assert (CHANGES.of(at).sum(axis=(0, 1)) > 0).all()
    assert (at.households.flags & GROUNDS != 0).any()


def test_children_do_not_stay_alone_in_a_busy_world() -> None:
    at = world(small(*BUSY))
    alone: dict[int, int] = {}
    for _ in range(24):
        advance(at)
        # Births and deaths of the first day of a month come before households change.
        households, persons = at.households, at.persons
        home = at.country[households.home] == at.country[households.place]
        live = (households.size > 0) & (households.activity <= Activity.waiting) & home
        heads = households.head[live]
        children = at.month() - persons.born[heads] < 15 * 12
        # By household: a child may be taken in, and soon go away alone again.
        idents = households.ident[live][children].tolist()
        alone = {ident: alone.get(ident, 0) + 1 for ident in idents}
        assert max(alone.values(), default=0) <= QUARTER, at.date()


def test_nobody_marries_in_the_family(monkeypatch: pytest.MonkeyPatch) -> None:
    at = world(small(*CALM, "countries.AA.profile.household_size=5"))
    households = at.households
    family = np.flatnonzero(households.place == SOUTH)
    households.relative[family] = np.roll(family, 1)
    with_sizes(monkeypatch, 4.8)
    begin_quarter(at)
    place = at.households.place[len(households.size) :]
    assert (place == NORTH).sum() > 10
    couples = at.households.size[len(households.size) :] == 2
    assert not (couples & (place == SOUTH)).any()
