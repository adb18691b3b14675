"""The way: harms at their frequencies, money that is taken, people who are held and go on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from sim.core.state import DIED, DIED_ON_THE_WAY, GROUNDS, I64, Reasons
from sim.core.terms import Activity, Answer, Channel, Companions, Harm, Status, Threat
from sim.kernels.routes import BEST, CHEAPEST, solve_routes
from sim.mechanisms.admission import APPLICATIONS
from sim.mechanisms.census import ACCOUNT
from sim.mechanisms.choice import CHOICES
from sim.mechanisms.harms import EXTORTED, HARMS
from sim.mechanisms.journey import (
    CROSSINGS,
    PARTIES,
    Ended,
    advance_parties,
    continue_stranded,
    regular_price,
    set_out,
)
from sim.mechanisms.threats import THREATS
from sim.model.substep import substep_of
from sim.model.world import World
from tests.small import CITY, NORTH, PLACES, PORT, SOUTH, TOWN, small, world
from tests.worlds import living_members, prepare

WAYS = [corridor.id for corridor in small().corridors]
SINGLE = tuple(f"countries.{c}.profile.household_size=1" for c in ("AA", "CC"))


def safe(*changes: str) -> World:
    """A world on its first day in which nothing happens on the way, and all are rich."""
    at = world(
        small(
            "population.agents=20000", "decision.base_livelihood=1", "decision.flight_norm=1",
            *changes,
        )
    )  # fmt: skip
    prepare(at)
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
    for plan, length in ((BEST, cost), (CHEAPEST, cost + 1e6 * way.price)):
        solve_routes(
            legs, length, way.routes.utility, way.price, way.usable, way.routes.cost[plan],
            way.routes.value[plan], way.routes.fare[plan],
        )  # fmt: skip


def houses_of(at: World, place: int, n: int = 10**9) -> I64:
    """Households at home in a place."""
    households = at.households
    return np.flatnonzero((households.place == place) & (households.home == place))[:n]


def send(
    at: World, houses: I64, goal: int, channel: Channel = Channel.irregular, price: float = 0.0,
    companions: Companions = Companions.whole,
) -> None:  # fmt: skip
    n = len(houses)
    set_out(
        at, houses, np.full(n, goal), np.full(n, int(channel)), np.full(n, int(companions)),
        np.full(n, price), Reasons(np.full(n, int(Answer.necessity)), np.zeros(n, int)),
        np.zeros(n),
    )  # fmt: skip


def move_on(at: World, end: int) -> Ended:
    """Let journeys go on up to a day."""
    return advance_parties(at, substep_of(at, end))


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
    assert not len(move_on(at, math.ceil(first)).arrived["household"])
    assert (at.households.place[houses] == TOWN).all()
    assert (at.households.activity[houses] == Activity.travelling).all()
    arrived = move_on(at, 40).arrived
    assert set(arrived["household"]) == set(houses)
    np.testing.assert_allclose(arrived["due"], first + second)
    assert (arrived["origin"] == NORTH).all()
    assert not len(PARTIES.of(at).household)
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
    arrived = move_on(at, 30).arrived
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
    assert sorted(arrived["household"]) == led.tolist()
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
    set_out(
        other, houses, np.full(len(houses), CITY), np.full(len(houses), 3),
        np.zeros(len(houses), int), np.zeros(len(houses)),
        Reasons(np.ones(len(houses), int), np.zeros(len(houses), int)),
        np.full(len(houses), 31.0),
    )  # fmt: skip
    move_on(other, 61)
    dead = [w.households.activity[houses] == Activity.dead for w in (at, other)]
    both = (dead[0] & dead[1]).sum()
    assert near(both, len(houses), 0.36**2)


def test_the_length_of_a_step_changes_no_journey():
    found = []
    for stops in ([60], range(1, 61), [7, 20, 33, 60]):
        at = safe("journey.captivity_days=5")
        legs = at.network.legs
        legs.death[:], legs.kidnapping[:], legs.extortion[:] = 0.1, 0.2, 0.1
        CHOICES.of(at).way.intercepted[:] = 0.2
        send(at, houses_of(at, NORTH), CITY)
        for end in stops:
            move_on(at, end)
        found.append((*at.households, *at.persons, HARMS.of(at)))
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
    arrived = move_on(at, 10).arrived
    assert near(harmed(at, Harm.interception), n, 0.5)
    assert near(harmed(at, Harm.detention), n, 0.5 * 0.4)
    held = at.households.activity[houses] == Activity.detained
    assert held.sum() == harmed(at, Harm.detention) == len(PARTIES.of(at).household)
    back = (at.households.activity[houses] == Activity.resident) & (
        at.households.place[houses] == NORTH
    )
    assert near(back.sum(), n, 0.5 * 0.6 * 0.7)
    assert (at.households.status[houses[back]] == Status.citizen).all()
    assert len(arrived["household"]) == n - held.sum() - back.sum()
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
    arrived = move_on(at, 40).arrived
    stranded = at.households.activity[houses] == Activity.stranded
    assert near(stranded.sum(), len(houses), 0.7)
    assert len(arrived["household"]) == len(houses) - stranded.sum()
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
    assert not len(PARTIES.of(at).household)
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
    move_on(at, 0)
    for g in range(2):
        mine = at.persons.traits[at.households.head[PARTIES.of(at).household]] >> 4 == g
        weight = np.exp(CHOICES.of(at).way.routes.utility[g, legs])
        for leg, share in zip(legs, weight / weight.sum(), strict=True):
            assert near((PARTIES.of(at).leg[mine] == leg).sum(), int(mine.sum()), share)
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
    arrived = move_on(at, 60).arrived
    assert set(arrived["household"]) == set(houses)
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
    move_on(at, 0)
    assert (PARTIES.of(at).leg >= 0).all()
    rewire(at, BB_T_AA_N=(1, 0), AA_N_AA_S=(1, 0))
    ended = move_on(at, 40)
    assert set(ended.left_behind["household"]) == set(houses)
    days = small().corridors[WAYS.index("AA_N_BB_T")].days
    np.testing.assert_allclose(ended.left_behind["due"], days)
    assert (at.households.place[houses] == TOWN).all()
    assert (at.households.activity[houses] == Activity.stranded).all()
    # On a journey of their own, they may go there.
    send(at, houses, SOUTH)
    assert set(move_on(at, 80).arrived["household"]) == set(houses)


def test_a_journey_leads_into_a_camp_only_if_it_ends_there():
    at = safe(*SINGLE)
    camp = PLACES.index("BB_K")
    rewire(at, AA_N_BB_T=(1, 0), BB_T_CC_P=(1, 0), BB_T_BB_K=(1, 0))
    # As if a way led on from there.
    routes = CHOICES.of(at).way.routes
    routes.cost[:, camp, PORT], routes.value[:, :, camp, PORT] = 0.1, 0.0
    routes.fare[:, camp, PORT] = 0.0
    houses = houses_of(at, NORTH, 200)
    send(at, houses[:100], PORT)
    send(at, houses[100:], camp)
    assert set(move_on(at, 60).arrived["household"]) == set(houses)
    assert (at.households.place[houses[:100]] == PORT).all()
    assert crossed(at, "BB_T_BB_K") == 100


def stranded() -> tuple[World, I64]:
    at = safe(*SINGLE)
    households, houses = at.households, houses_of(at, NORTH)
    households.place[houses] = TOWN
    households.activity[houses] = Activity.stranded
    households.status[houses] = Status.irregular
    at.day = 60
    assert set(at.list_households(0, len(households.ident)).stranded) == set(houses)
    return at, houses


@pytest.mark.parametrize("days", [1, 30, 180])
def test_the_stranded_decide_anew_at_their_rate_from_the_day_they_are_asked_from(days):
    at, houses = stranded()
    since = at.day + days * (np.arange(len(houses)) % 2) / 2.0
    again, when = continue_stranded(at, houses, since, at.day + days)
    n = len(PARTIES.of(at).household) + len(APPLICATIONS.of(at).household)
    moved = 1 - np.exp(-(at.day + days - since) / 365.25 / 0.5)
    assert near(n, len(houses), moved.mean())
    assert (at.households.activity[PARTIES.of(at).household] == Activity.travelling).all()
    # Who applied, or sent somebody ahead, may be asked once more from that day on.
    assert (at.households.activity[again] != Activity.travelling).all()
    from_day = since[np.searchsorted(houses, again)]
    assert ((from_day <= when) & (when < at.day + days)).all()


def test_regular_travel_is_paid_at_once_and_safe():
    at = safe()
    at.network.legs.death[:] = 1
    houses = houses_of(at, NORTH, 100)
    n = at.households.size[houses]
    goal, channel = np.full(100, CITY), np.full(100, int(Channel.labour))
    price = regular_price(at, houses, goal, channel)
    np.testing.assert_allclose(price, 100 + 0.1 * at.network.km[NORTH, CITY])
    send(at, houses, CITY, Channel.labour, price=float(price[0]))
    np.testing.assert_allclose(1e6 - at.households.means[houses], n * price, rtol=1e-3)
    assert not len(move_on(at, 1).arrived["household"])
    arrived = move_on(at, 2).arrived
    assert set(arrived["household"]) == set(houses)
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
    send(at, houses, PORT, channel, price=123.0)
    np.testing.assert_allclose(1e6 - at.households.means[houses], 700 * n, rtol=1e-3)
    assert set(move_on(at, 100).arrived["household"]) == set(houses)
    price = 700 + CHOICES.of(at).way.price[legs].sum()
    np.testing.assert_allclose(1e6 - at.households.means[houses], price * n, rtol=1e-3)
    # Control: another country's fee is not theirs.
    other = houses_of(at, SOUTH, 50)
    send(at, other, TOWN, channel, price=123.0)
    assert (at.households.means[other] == 1e6).all()


def test_a_pioneer_takes_half_or_the_price_and_leaves_the_household():
    at = safe()
    households = at.households
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
    send(at, houses, CITY, Channel.labour, price=400.0, companions=Companions.pioneer)
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
    arrived = move_on(at, 5).arrived
    assert set(arrived["household"]) == {persons.household[g[1]] for g in grown}


def test_grounds_are_what_one_fled_from():
    at = safe()
    THREATS.of(at).severity[NORTH] = 0.9
    households, houses = at.households, houses_of(at, NORTH, 300)
    households.mask[houses] = 0
    households.mask[houses[:100]] = 1 << Threat.political
    households.mask[houses[100:]] = 1 << Threat.economic
    send(at, houses[:200], TOWN)
    assert (households.flags[houses[:100]] & GROUNDS > 0).all()
    assert not (households.flags[houses[100:]] & GROUNDS).any()
    # Within the country nobody claims asylum.
    households.mask[houses] = 1 << Threat.political
    send(at, houses[200:], SOUTH, Channel.internal)
    assert not (households.flags[houses[200:]] & GROUNDS).any()
