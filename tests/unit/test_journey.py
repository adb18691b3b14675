"""The way: harms at their frequencies, money that is taken, people who are held and go on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from sim.core.rng import mixed_array
from sim.core.state import DIED, DIED_ON_THE_WAY, GROUNDS, HELD, I64, NOBODY
from sim.core.terms import Activity, Answer, Channel, Companions, Harm, Status, Threat
from sim.kernels.routes import solve_routes
from sim.mechanisms.census import ACCOUNT
from sim.mechanisms.choice import CHOICES
from sim.mechanisms.flows import ARRIVED
from sim.mechanisms.harms import EXTORTED, HARMS
from sim.mechanisms.journey import CROSSINGS
from sim.mechanisms.plans import PLANS
from sim.mechanisms.policy import CLASSES
from sim.mechanisms.threats import THREATS
from sim.model.world import World
from tests.small import CAMP, CITY, NORTH, PORT, SOUTH, TOWN, small, world
from tests.worlds import let_nobody_decide, live_on, living_members, plan, prepare

WAYS = [corridor.id for corridor in small().corridors]
SINGLE = tuple(f"countries.{c}.profile.household_size=1" for c in ("AA", "CC"))


def safe(*changes: str) -> World:
    """A world on its first day in which all are rich, nothing happens on the way, nobody moves.

    Who is stranded stays so.
    """
    at = world(
        small(
            "population.agents=20000", "decision.base_livelihood=1", "decision.flight_norm=1",
            "journey.wait_stranded=1e9", *changes,
        )
    )  # fmt: skip
    prepare(at)
    let_nobody_decide(at)
    legs, way = at.network.legs, CHOICES.of(at).way
    for hazard in (legs.death, legs.violence, legs.extortion, legs.kidnapping, way.intercepted):
        hazard[:] = 0
    at.households.means[:] = 1e6
    return at


def only(at: World, *ways: str) -> I64:
    """Close all corridors but these; return their legs."""
    mine = np.isin(at.network.legs.corridor, [WAYS.index(w) for w in ways])
    CHOICES.of(at).way.usable[:] = mine
    return np.flatnonzero(mine)


def rewire(at: World, **stated: tuple[float, float]) -> None:
    """Leave open the stated corridors only, each with its cost to everybody and its price."""
    legs, way = at.network.legs, CHOICES.of(at).way
    only(at, *stated)
    cost, way.price[:] = np.ones(len(legs.source)), 0.0
    for name, (its_cost, its_price) in stated.items():
        mine = legs.corridor == WAYS.index(name)
        cost[mine], way.price[mine] = its_cost, its_price
    way.routes.utility[:] = -cost
    lengths = np.stack([cost, cost + 1e6 * way.price])  # of `BEST` and `CHEAPEST`
    solve_routes(
        legs, lengths, way.routes.utility[None], way.price[None], way.usable[None],
        way.routes.cost, way.routes.value, way.routes.fare,
    )  # fmt: skip


def houses_of(at: World, place: int, n: int = 10**9) -> I64:
    """Households at home in a place."""
    households = at.households
    there = (households.place == place) & (households.home == place) & (households.size > 0)
    return np.flatnonzero(there)[:n]


def send(
    at: World, houses: I64, goal: int, channel: Channel = Channel.irregular,
    companions: Companions = Companions.whole,
) -> None:  # fmt: skip
    """Let households set out as soon as life goes on, as those do who have been admitted."""
    word = mixed_array(at.households.ident[houses] ^ np.uint64(at.day))
    at.households.activity[houses] = Activity.waiting
    plan(
        at, houses, goal=goal, channel=channel, companions=companions, answer=Answer.necessity,
        word=word, due=at.day,
    )  # fmt: skip


def move_on(at: World, end: int) -> list[int]:
    """Let journeys go on up to a day; return the households that arrive where they wanted."""
    plans, households = PLANS.of(at), at.households
    houses, goal = plans.household.copy(), plans.goal.copy()
    live_on(at, end)
    households = at.households
    there = (households.activity[houses] == Activity.resident) & (households.place[houses] == goal)
    return list(houses[there])


def harmed(at: World, harm: Harm) -> float:
    """Persons who suffered a harm on any corridor."""
    return float(HARMS.of(at)[: len(WAYS), :, harm].sum() / weight(at))


def weight(at: World, place: int = 0) -> int:
    """People that a person from a place represents."""
    return int(at.households.weight[at.households.home == place][0])


def near(found: float, n: int, share: float) -> bool:
    """Whether a count fits a binomial: within four standard deviations, and one."""
    return bool(abs(found - n * share) <= 4 * math.sqrt(n * share * (1 - share)) + 1)


def members(at: World, houses: I64) -> I64:
    """Rows of all members of households."""
    return np.flatnonzero(np.isin(at.persons.household, houses))


def test_who_sets_out_arrives_after_the_days_of_the_legs():
    at = safe()
    only(at, "AA_N_BB_T", "BB_T_BB_C")
    houses = houses_of(at, NORTH, 200)
    send(at, houses, CITY)
    first, second = (small().corridors[WAYS.index(w)].days for w in ("AA_N_BB_T", "BB_T_BB_C"))
    assert not move_on(at, math.ceil(first))
    assert (at.households.place[houses] == TOWN).all()
    assert (at.households.activity[houses] == Activity.travelling).all()
    np.testing.assert_allclose(PLANS.of(at).due, first + second)
    assert move_on(at, 40) == houses.tolist()
    assert (at.households.moved[houses] == math.floor(first + second)).all()
    people = at.n_people(houses).sum()
    arrivals = ARRIVED.of(at)
    assert sum(int(moves.people.sum()) for moves in arrivals) == people
    assert all((moves.origin == NORTH).all() for moves in arrivals)
    assert not len(PLANS.of(at).household)
    fare = 100 * (1 + 0.2 * 0.4 * 0.6 * 0.7)
    sizes = at.households.size[houses]
    np.testing.assert_allclose(1e6 - at.households.means[houses], sizes * fare, rtol=1e-3)


@pytest.mark.parametrize("probability", [0.02, 0.3])
def test_people_die_one_by_one_at_the_rate_of_the_leg(probability):
    at = safe()
    at.network.legs.death[only(at, "AA_N_BB_T")] = probability
    houses = houses_of(at, NORTH)
    travellers = members(at, houses)
    send(at, houses, TOWN)
    arrived = move_on(at, 30)
    households, persons = at.households, at.persons
    dead = persons.past[travellers] & DIED > 0
    assert near(dead.sum(), len(travellers), probability)
    assert (persons.past[travellers[dead]] & DIED == DIED_ON_THE_WAY).all()
    assert harmed(at, Harm.death) == dead.sum()
    assert ACCOUNT.of(at).dead.sum() == dead.sum() * weight(at)
    # Members die independently: of households of three, as many lose nobody as should.
    sizes = np.bincount(persons.household[travellers], minlength=len(households.ident))
    lost = np.bincount(persons.household[travellers[dead]], minlength=len(households.ident))
    threes = np.flatnonzero(sizes == 3)
    assert near((lost[threes] == 0).sum(), len(threes), (1 - probability) ** 3)
    # Survivors have one head each, with the household's money; the dead lead nobody.
    alive = travellers[~dead]
    led = np.unique(persons.household[alive])
    assert (households.size[houses] == (sizes - lost)[houses]).all()
    for house in houses:
        mine = living_members(at, house)
        assert sorted(mine) == alive[persons.household[alive] == house].tolist()
        assert (households.activity[house] == Activity.dead) == (not mine)
    assert arrived == led.tolist()
    assert (households.means[led] > 9e5).all()


def test_risks_are_run_anew_on_every_leg_and_journey():
    at = safe(*SINGLE)
    legs = only(at, "AA_N_BB_T", "BB_T_BB_C")
    at.network.legs.death[legs] = 0.2
    houses = houses_of(at, NORTH)
    send(at, houses, CITY)
    move_on(at, 30)
    assert near(harmed(at, Harm.death), len(houses), 1 - 0.8**2)
    other = safe(*SINGLE)
    other.network.legs.death[only(other, "AA_N_BB_T", "BB_T_BB_C")] = 0.2
    other.day = 31
    send(other, houses, CITY)
    move_on(other, 61)
    dead = [w.households.activity[houses] == Activity.dead for w in (at, other)]
    both = (dead[0] & dead[1]).sum()
    assert near(both, len(houses), 0.36**2)


def test_the_length_of_a_step_changes_no_journey():
    found = []
    for stops in ([60], range(1, 61), [7, 20, 33, 60]):
        at = safe("journey.captivity_days=5")
        legs, n = at.network.legs, len(at.households.ident)
        legs.death[:], legs.kidnapping[:], legs.extortion[:] = 0.1, 0.2, 0.1
        CHOICES.of(at).way.intercepted[:] = 0.2
        send(at, houses_of(at, NORTH), CITY)
        for end in stops:
            move_on(at, end)
        assert not (at.households.head[n:] != NOBODY).any()
        households = (column[:n] for column in at.households)
        found.append((*households, *at.persons, HARMS.of(at), CROSSINGS.of(at), EXTORTED.of(at)))
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_violence_is_counted_by_person():
    at = safe()
    at.network.legs.violence[only(at, "AA_N_BB_T")] = 0.15
    houses = houses_of(at, NORTH)
    n = len(members(at, houses))
    send(at, houses, TOWN)
    move_on(at, 30)
    assert near(harmed(at, Harm.violence), n, 0.15)
    assert harmed(at, Harm.death) == 0


def test_extortion_takes_its_share_and_is_booked_to_the_cent():
    at = safe(*SINGLE)
    leg = only(at, "AA_N_BB_T")
    at.network.legs.extortion[leg] = 0.4
    at.network.legs.money_lost[leg] = 0.3
    CHOICES.of(at).way.price[leg] = 0
    houses = houses_of(at, NORTH)
    at.households.means[houses] = np.linspace(50, 5000, len(houses))
    before = at.households.means[houses].astype(float)
    send(at, houses, TOWN)
    move_on(at, 30)
    lost = before - at.households.means[houses]
    robbed = lost > 0
    assert near(robbed.sum(), len(houses), 0.4)
    np.testing.assert_allclose(lost[robbed], 0.3 * before[robbed], rtol=1e-4)
    money = EXTORTED.of(at).sum() / 100 / weight(at)
    assert money == pytest.approx(lost.sum(), abs=0.01 * len(houses))
    assert harmed(at, Harm.extortion) == robbed.sum()


def test_the_intercepted_are_detained_turned_back_or_get_through():
    at = safe(*SINGLE)
    leg = only(at, "AA_N_BB_T")
    way = CHOICES.of(at).way
    custody = way.custody
    way.intercepted[leg], custody.detained[:, leg], custody.days[:, leg] = 0.5, 0.4, 25.0
    houses = houses_of(at, NORTH)
    n = len(houses)
    send(at, houses, TOWN)
    arrived = move_on(at, 10)
    assert near(harmed(at, Harm.interception), n, 0.5)
    assert near(harmed(at, Harm.detention), n, 0.5 * 0.4)
    held = at.households.activity[houses] == Activity.detained
    assert held.sum() == harmed(at, Harm.detention) == len(PLANS.of(at).household)
    back = (at.households.activity[houses] == Activity.resident) & (
        at.households.place[houses] == NORTH
    )
    assert near(back.sum(), n, 0.5 * 0.6 * 0.7)
    assert (at.households.status[houses[back]] == Status.citizen).all()
    assert len(arrived) == n - held.sum() - back.sum()
    # Those detained are let go where the leg began, at home, after the days.
    days = small().corridors[WAYS.index("AA_N_BB_T")].days
    move_on(at, math.floor(days + 24.9))
    assert (at.households.activity[houses[held]] == Activity.detained).all()
    move_on(at, math.ceil(days + 25))
    assert (at.households.activity[houses[held]] == Activity.resident).all()
    assert (at.households.place[houses[held]] == NORTH).all()


def test_turned_back_on_the_way_people_are_stranded_abroad():
    at = safe(*SINGLE)
    legs = only(at, "AA_N_BB_T", "BB_T_CC_P")
    CHOICES.of(at).way.intercepted[legs] = at.network.legs.corridor[legs] == WAYS.index("BB_T_CC_P")
    CHOICES.of(at).way.custody.detained[:] = 0
    houses = houses_of(at, NORTH)
    send(at, houses, PORT)
    arrived = move_on(at, 40)
    stranded = at.households.activity[houses] == Activity.stranded
    assert near(stranded.sum(), len(houses), 0.7)
    assert len(arrived) == len(houses) - stranded.sum()
    assert (at.households.place[houses[stranded]] == TOWN).all()
    assert (at.households.status[houses[stranded]] == Status.irregular).all()
    where = len(WAYS) + at.country[TOWN]
    assert HARMS.of(at)[where, :, Harm.stranding].sum() == stranded.sum() * weight(at)


def test_within_their_own_country_people_are_displaced_not_stranded():
    at = safe(*SINGLE)
    rewire(at, AA_N_AA_S=(1, 0), AA_S_BB_T=(1, 0))
    legs = np.flatnonzero(CHOICES.of(at).way.usable)
    CHOICES.of(at).way.intercepted[legs] = at.network.legs.corridor[legs] == WAYS.index("AA_S_BB_T")
    CHOICES.of(at).way.custody.detained[:] = 0
    houses = houses_of(at, NORTH, 500)
    send(at, houses, TOWN)
    move_on(at, 40)
    back = at.households.place[houses] == SOUTH
    assert back.sum() > 300
    assert (at.households.activity[houses[back]] == Activity.resident).all()
    assert (at.households.status[houses[back]] == Status.displaced).all()


def test_captives_are_let_go_at_their_rate_and_go_on():
    at = safe(*SINGLE, "journey.captivity_days=40")
    at.network.legs.kidnapping[only(at, "AA_N_BB_T", "BB_T_BB_C")] = [
        float(w == "AA_N_BB_T") / 2
        for w in (WAYS[c] for c in at.network.legs.corridor[only(at, "AA_N_BB_T", "BB_T_BB_C")])
    ]
    houses = houses_of(at, NORTH)
    send(at, houses, CITY)
    days = small().corridors[WAYS.index("AA_N_BB_T")].days
    move_on(at, math.ceil(days))
    held = at.households.activity[houses] == Activity.captive
    assert near(harmed(at, Harm.kidnapping), len(houses), 0.5)
    n = int(harmed(at, Harm.kidnapping))
    assert (at.households.place[houses[held]] == TOWN).all()
    for wait in (20, 40, 80):
        move_on(at, round(days + wait))
        free = 1 - (at.households.activity[houses] == Activity.captive).sum() / n
        assert free == pytest.approx(
            1 - math.exp(-(round(days + wait) - days) / 40), abs=4 * 0.5 / math.sqrt(n)
        )
    move_on(at, 2000)
    assert not len(PLANS.of(at).household)
    assert not (at.households.activity[houses] == Activity.captive).any()


def test_who_cannot_pay_the_rest_of_the_way_is_left_behind():
    at = safe(*SINGLE)
    legs = only(at, "AA_N_BB_T", "BB_T_CC_P")
    first = at.network.legs.corridor[legs] == WAYS.index("AA_N_BB_T")
    at.network.legs.extortion[legs] = first
    at.network.legs.money_lost[legs] = 1.0
    houses = houses_of(at, NORTH, 400)
    send(at, houses, PORT)
    move_on(at, 40)
    assert (at.households.activity[houses] == Activity.stranded).all()
    assert (at.households.place[houses] == TOWN).all()
    assert (at.households.means[houses] == 0).all()
    # Who knows before the first leg that the money will not do stays where they are.
    poor = safe(*SINGLE)
    only(poor, "AA_N_BB_T", "BB_T_CC_P")
    poor.households.means[:] = 300
    send(poor, houses, PORT)
    move_on(poor, 40)
    assert (poor.households.place[houses] == NORTH).all()
    assert (poor.households.means[houses] == 300).all()


def test_route_options_are_taken_as_the_logit_says():
    at = safe(*SINGLE)
    legs = only(at, "AA_S_BB_T")
    houses = houses_of(at, SOUTH)
    send(at, houses, TOWN)
    move_on(at, 1)
    plans = PLANS.of(at)
    assert plans.household.tolist() == houses.tolist()
    for g in range(2):
        mine = at.persons.traits[at.households.head[houses]] >> 4 == g
        weight = np.exp(CHOICES.of(at).way.routes.utility[g, legs])
        for leg, share in zip(legs, weight / weight.sum(), strict=True):
            assert near((plans.leg[mine] == leg).sum(), int(mine.sum()), share)
    assert len(legs) == 2


def crossed(at: World, way: str) -> float:
    """Persons who passed a corridor."""
    return float(CROSSINGS.of(at)[WAYS.index(way)].sum() / weight(at, NORTH))


def test_who_cannot_pay_for_the_way_that_all_like_takes_the_cheapest_and_does_not_turn_round():
    """To those who can pay, the city is farther from the port than the town where all begin."""
    at = safe(*SINGLE)
    rewire(
        at, AA_N_BB_T=(1, 0), BB_T_CC_P=(1, 500), BB_T_BB_C=(1, 0), BB_C_BB_T=(1, 0),
        BB_C_CC_P=(9, 10),
    )  # fmt: skip
    houses = houses_of(at, NORTH, 400)
    at.households.means[houses[:200]] = 499
    send(at, houses, PORT)
    assert move_on(at, 60) == houses.tolist()
    assert crossed(at, "AA_N_BB_T") == 400
    assert crossed(at, "BB_T_CC_P") == 200
    assert crossed(at, "BB_T_BB_C") == crossed(at, "BB_C_CC_P") == 200
    assert not crossed(at, "BB_C_BB_T")
    assert (at.households.means[houses[:200]] == 489).all()


def test_nobody_goes_back_through_a_place_and_who_finds_no_way_on_is_stranded_at_once():
    """While people are on their way to the town, all ways on from there but the one back close."""
    at = safe(*SINGLE)
    rewire(at, AA_N_BB_T=(1, 0), BB_T_AA_S=(1, 0))
    houses = houses_of(at, NORTH, 100)
    send(at, houses, SOUTH)
    move_on(at, 1)
    assert (PLANS.of(at).leg >= 0).all()
    rewire(at, BB_T_AA_N=(1, 0), AA_N_AA_S=(1, 0))
    move_on(at, 40)
    days = small().corridors[WAYS.index("AA_N_BB_T")].days
    assert (at.households.moved[houses] == math.floor(days)).all()
    assert (at.households.place[houses] == TOWN).all()
    assert (at.households.activity[houses] == Activity.stranded).all()
    # On a journey of their own, they may go there.
    send(at, houses, SOUTH)
    assert move_on(at, 80) == houses.tolist()


def test_a_journey_leads_into_a_camp_only_if_it_ends_there():
    at = safe(*SINGLE)
    rewire(at, AA_N_BB_T=(1, 0), BB_T_CC_P=(1, 0), BB_T_BB_K=(1, 0))
    # As if a way led on from there.
    routes = CHOICES.of(at).way.routes
    routes.cost[:, CAMP, PORT], routes.value[:, :, CAMP, PORT] = 0.1, 0.0
    routes.fare[:, CAMP, PORT] = 0.0
    houses = houses_of(at, NORTH, 200)
    send(at, houses[:100], PORT)
    send(at, houses[100:], CAMP)
    assert move_on(at, 60) == houses.tolist()
    assert (at.households.place[houses[:100]] == PORT).all()
    assert crossed(at, "BB_T_BB_K") == 100


@pytest.mark.parametrize("days", [1, 30, 180])
def test_the_stranded_decide_anew_at_their_rate_from_the_day_they_are_stranded(days):
    at = safe(*SINGLE, "journey.wait_stranded=.5")
    houses = houses_of(at, NORTH)
    households, n = at.households, len(houses)
    households.place[houses] = TOWN
    households.status[houses] = Status.irregular
    households.moved[houses] = 0
    at.day = 60
    stuck, captive = houses[: n // 2], houses[n // 2 :]
    households.activity[stuck] = Activity.stranded
    # The others are let go half way, and find no way to where nobody else would go.
    households.activity[captive] = Activity.captive
    CHOICES.of(at).way.routes.cost[:, :, CAMP] = np.inf
    half = at.day + days / 2
    plan(
        at, captive, goal=CAMP, origin=NORTH, channel=Channel.irregular, leg=HELD, due=half
    )  # fmt: skip
    assert set(np.flatnonzero(households.activity == Activity.stranded)) == set(stuck)
    end = at.day + days
    since = np.where(np.isin(houses, stuck), at.day, half)
    live_on(at, end)
    households, plans = at.households, PLANS.of(at)
    went = households.activity[houses] != Activity.stranded
    moved = 1 - np.exp(-(end - since) / 365.25 / 0.5)
    assert near(went.sum(), n, moved.mean())
    assert near(went[n // 2 :].sum(), n - n // 2, moved[-1])
    assert (households.failed[captive][~went[n // 2 :]] == 1).all()
    # Those who go do so after they are stranded, if only to apply.
    assert (households.moved[captive] >= math.floor(half)).all()
    filed = plans.filed[households.activity[plans.household] == Activity.waiting]
    assert days < 30 or len(filed)
    assert ((filed > 60) & (filed < end)).all()


def test_regular_travel_is_paid_at_once_and_safe():
    at = safe()
    at.network.legs.death[:] = 1
    houses = houses_of(at, NORTH, 100)
    n = at.households.size[houses]
    price = 100 + 0.1 * at.network.km[NORTH, CITY]
    send(at, houses, CITY, Channel.labour)
    assert not move_on(at, 1)
    np.testing.assert_allclose(1e6 - at.households.means[houses], n * price, rtol=1e-3)
    assert not move_on(at, 2)  # two days are over when the third begins
    assert move_on(at, 3) == houses.tolist()
    np.testing.assert_allclose(1e6 - at.households.means[houses], n * price, rtol=1e-3)
    assert not ACCOUNT.of(at).dead.any()


@pytest.mark.parametrize("channel", [Channel.irregular, Channel.asylum])
def test_a_fee_by_corridors_is_paid_at_departure_and_legs_when_they_are_entered(channel):
    at = safe("policies.cc_queue.fee=700")
    # Whoever comes irregularly pays what is said of asylum here: the table is by channel.
    CHOICES.of(at).tables.fee[:, :, Channel.irregular] = CHOICES.of(at).tables.fee[
        :, :, Channel.asylum
    ]
    legs = only(at, "AA_N_BB_T", "BB_T_CC_P")
    houses = houses_of(at, NORTH, 100)
    n = at.households.size[houses]
    prices = CHOICES.of(at).way.price
    first = legs[at.network.legs.source[legs] == NORTH]
    send(at, houses, PORT, channel)
    assert not move_on(at, 1)
    paid = 700 + prices[first].sum()
    np.testing.assert_allclose(1e6 - at.households.means[houses], paid * n, rtol=1e-3)
    assert move_on(at, 100) == houses.tolist()
    price = 700 + prices[legs].sum()
    assert price > paid + 100
    np.testing.assert_allclose(1e6 - at.households.means[houses], price * n, rtol=1e-3)
    # Control: another country's fee is not theirs.
    other = houses_of(at, SOUTH, 50)
    send(at, other, TOWN, channel)
    move_on(at, 101)
    assert (at.households.means[other] == 1e6).all()


def test_a_pioneer_takes_half_or_the_price_and_leaves_the_household():
    at = safe()
    houses = houses_of(at, NORTH)
    month = 0
    grown: list[Any] = []
    for house in houses:
        mine = living_members(at, house)
        others = [r for r in mine[1:] if (month - at.persons.born[r]) // 12 >= 18]
        if others:
            grown.append((house, max(others, key=lambda r: at.persons.born[r]), mine))
        if len(grown) == 60:
            break
    houses = np.array([g[0] for g in grown])
    at.households.means[houses] = 1000
    at.households.means[houses[:20]] = 600
    tables = CHOICES.of(at).tables
    k = CLASSES.of(at)[at.households.citizenship[houses], at.households.group[houses]]
    assert len(set(tables.fee[k, at.country[CITY], Channel.labour])) == 1
    tables.price[0, NORTH, CITY, 0] = 400 - tables.fee[k[0], at.country[CITY], Channel.labour]
    send(at, houses, CITY, Channel.labour, companions=Companions.pioneer)
    move_on(at, 1)
    households, persons = at.households, at.persons
    for i, (house, pioneer, before) in enumerate(grown):
        own = persons.household[pioneer]
        assert own != house
        assert living_members(at, own) == [pioneer]
        assert households.size[own] == 1
        assert households.activity[own] == Activity.travelling
        assert households.activity[house] == Activity.resident
        left = households.means[house]
        assert left == (200 if i < 20 else 500)
        assert households.means[own] == (0 if i < 20 else 100)
        assert living_members(at, house) == [r for r in before if r != pioneer]
        assert households.size[house] == len(before) - 1
    assert sorted(move_on(at, 5)) == sorted(persons.household[g[1]] for g in grown)
    assert (at.households.place[houses] == NORTH).all()


def test_grounds_are_what_one_fled_from():
    at = safe()
    THREATS.of(at).severity[NORTH] = 0.9
    households, houses = at.households, houses_of(at, NORTH, 300)
    households.mask[houses] = 0
    households.mask[houses[:100]] = 1 << Threat.political
    households.mask[houses[100:]] = 1 << Threat.economic
    send(at, houses[:200], TOWN)
    move_on(at, 1)
    households = at.households
    assert (households.flags[houses[:100]] & GROUNDS > 0).all()
    assert not (households.flags[houses[100:]] & GROUNDS).any()
    # Within the country nobody claims asylum.
    households.mask[houses] = 1 << Threat.political
    send(at, houses[200:], SOUTH, Channel.internal)
    move_on(at, 2)
    assert (at.households.activity[houses[200:]] == Activity.travelling).all()
    assert not (households.flags[houses[200:]] & GROUNDS).any()
