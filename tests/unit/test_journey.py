"""The way: harms at their frequencies, money that is taken, people who are held and go on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from sim.core.state import GROUNDS, HEAD, I64, Reasons
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
from tests.worlds import prepare

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
    at.people.means[:] = 1e6
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


def heads_of(at: World, place: int, n: int = 10**9) -> I64:
    """Heads at home in a place."""
    people = at.people
    mine = (people.flags & HEAD > 0) & (people.place == place) & (people.home == place)
    return np.flatnonzero(mine)[:n]


def send(
    at: World, heads: I64, goal: int, channel: Channel = Channel.irregular, price: float = 0.0,
    companions: Companions = Companions.whole,
) -> None:  # fmt: skip
    n = len(heads)
    set_out(
        at, heads, np.full(n, goal), np.full(n, int(channel)), np.full(n, int(companions)),
        np.full(n, price), Reasons(np.full(n, int(Answer.necessity)), np.zeros(n, int)),
        np.zeros(n),
    )  # fmt: skip


def move_on(at: World, end: int) -> Ended:
    """Let journeys go on up to a day."""
    return advance_parties(at, substep_of(at, end))


def harmed(at: World, harm: Harm) -> float:
    """Rows that suffered a harm on any corridor."""
    return float(HARMS.of(at)[: len(WAYS), :, harm].sum() / at.weight[0])


def near(found: float, n: int, share: float) -> bool:
    """Whether a count fits a binomial: within four standard deviations, and one."""
    return bool(abs(found - n * share) <= 4 * math.sqrt(n * share * (1 - share)) + 1)


def members(at: World, heads: I64) -> I64:
    """Rows of whole households."""
    return np.flatnonzero(np.isin(at.people.household, at.people.household[heads]))


def test_who_sets_out_arrives_after_the_days_of_the_legs():
    at = safe()
    only(at, "AA_N_BB_T", "BB_T_BB_C")
    heads = heads_of(at, NORTH, 200)
    send(at, heads, CITY)
    first, second = (small().corridors[WAYS.index(w)].days for w in ("AA_N_BB_T", "BB_T_BB_C"))
    assert not len(move_on(at, math.ceil(first)).arrived["head"])
    assert (at.people.place[members(at, heads)] == TOWN).all()
    assert (at.people.activity[members(at, heads)] == Activity.travelling).all()
    arrived = move_on(at, 40).arrived
    assert set(arrived["head"]) == set(heads)
    np.testing.assert_allclose(arrived["due"], first + second)
    assert (arrived["origin"] == NORTH).all()
    assert not len(PARTIES.of(at).head)
    fare = 100 * (1 + 0.2 * 0.4 * 0.6 * 0.7)
    sizes = np.bincount(at.people.household, minlength=len(at.people.pid))[heads]
    np.testing.assert_allclose(1e6 - at.people.means[heads], sizes * fare, rtol=1e-3)


@pytest.mark.parametrize("probability", [0.02, 0.3])
def test_people_die_one_by_one_at_the_rate_of_the_leg(probability):
    at = safe()
    at.network.legs.death[only(at, "AA_N_BB_T")] = probability
    heads = heads_of(at, NORTH)
    travellers = members(at, heads)
    send(at, heads, TOWN)
    arrived = move_on(at, 30).arrived
    people = at.people
    dead = people.activity[travellers] == Activity.dead
    assert near(dead.sum(), len(travellers), probability)
    assert harmed(at, Harm.death) == dead.sum()
    assert ACCOUNT.of(at).dead == dead.sum() * at.weight[0]
    # Members die independently: of households of three, as many lose nobody as should.
    sizes = np.bincount(people.household[travellers], minlength=len(people.pid))
    lost = np.bincount(people.household[travellers[dead]], minlength=len(people.pid))
    threes = np.flatnonzero(sizes == 3)
    assert near((lost[threes] == 0).sum(), len(threes), (1 - probability) ** 3)
    # Survivors have one head each, with the household's money; the dead lead nobody.
    alive = travellers[~dead]
    led = people.household[alive[people.flags[alive] & HEAD > 0]]
    assert sorted(led) == sorted(np.unique(people.household[alive]))
    assert not (people.flags[travellers[dead]] & HEAD).any()
    assert len(arrived["head"]) == len(led)
    assert (people.means[arrived["head"]] > 9e5).all()


def test_risks_are_run_anew_on_every_leg_and_journey():
    at = safe(*SINGLE)
    legs = only(at, "AA_N_BB_T", "BB_T_BB_C")
    at.network.legs.death[legs] = 0.2
    heads = heads_of(at, NORTH)
    send(at, heads, CITY)
    move_on(at, 30)
    assert near(harmed(at, Harm.death), len(heads), 1 - 0.8**2)
    other = safe(*SINGLE)
    other.network.legs.death[only(other, "AA_N_BB_T", "BB_T_BB_C")] = 0.2
    other.day = 31
    set_out(
        other, heads, np.full(len(heads), CITY), np.full(len(heads), 3), np.zeros(len(heads), int),
        np.zeros(len(heads)), Reasons(np.ones(len(heads), int), np.zeros(len(heads), int)),
        np.full(len(heads), 31.0),
    )  # fmt: skip
    move_on(other, 61)
    dead = [w.people.activity[heads] == Activity.dead for w in (at, other)]
    both = (dead[0] & dead[1]).sum()
    assert near(both, len(heads), 0.36**2)


def test_the_length_of_a_step_changes_no_journey():
    found = []
    for stops in ([60], range(1, 61), [7, 20, 33, 60]):
        at = safe("journey.captivity_days=5")
        legs = at.network.legs
        legs.death[:], legs.kidnapping[:], legs.extortion[:] = 0.1, 0.2, 0.1
        CHOICES.of(at).way.intercepted[:] = 0.2
        send(at, heads_of(at, NORTH), CITY)
        for end in stops:
            move_on(at, end)
        found.append((at.people.place, at.people.activity, at.people.means, HARMS.of(at)))
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_violence_is_counted_by_person():
    at = safe()
    at.network.legs.violence[only(at, "AA_N_BB_T")] = 0.15
    heads = heads_of(at, NORTH)
    n = len(members(at, heads))
    send(at, heads, TOWN)
    move_on(at, 30)
    assert near(harmed(at, Harm.violence), n, 0.15)
    assert harmed(at, Harm.death) == 0


def test_extortion_takes_its_share_and_is_booked_to_the_cent():
    at = safe(*SINGLE)
    leg = only(at, "AA_N_BB_T")
    at.network.legs.extortion[leg] = 0.4
    at.network.legs.money_lost[leg] = 0.3
    CHOICES.of(at).way.price[leg] = 0
    heads = heads_of(at, NORTH)
    at.people.means[heads] = np.linspace(50, 5000, len(heads))
    before = at.people.means[heads].astype(float)
    send(at, heads, TOWN)
    move_on(at, 30)
    lost = before - at.people.means[heads]
    robbed = lost > 0
    assert near(robbed.sum(), len(heads), 0.4)
    np.testing.assert_allclose(lost[robbed], 0.3 * before[robbed], rtol=1e-4)
    money = EXTORTED.of(at).sum() / 100 / at.weight[0]
    assert money == pytest.approx(lost.sum(), abs=0.01 * len(heads))
    assert harmed(at, Harm.extortion) == robbed.sum()


def test_the_intercepted_are_detained_turned_back_or_get_through():
    at = safe(*SINGLE)
    leg = only(at, "AA_N_BB_T")
    way = CHOICES.of(at).way
    custody = way.custody
    way.intercepted[leg], custody.detained[:, leg], custody.days[:, leg] = 0.5, 0.4, 25.0
    heads = heads_of(at, NORTH)
    n = len(heads)
    send(at, heads, TOWN)
    arrived = move_on(at, 10).arrived
    people = at.people
    assert near(harmed(at, Harm.interception), n, 0.5)
    assert near(harmed(at, Harm.detention), n, 0.5 * 0.4)
    held = people.activity[heads] == Activity.detained
    assert held.sum() == harmed(at, Harm.detention) == len(PARTIES.of(at).head)
    back = (people.activity[heads] == Activity.resident) & (people.place[heads] == NORTH)
    assert near(back.sum(), n, 0.5 * 0.6 * 0.7)
    assert (people.status[heads[back]] == Status.citizen).all()
    assert len(arrived["head"]) == n - held.sum() - back.sum()
    # Those detained are let go where the leg began, at home, after the days.
    days = small().corridors[WAYS.index("AA_N_BB_T")].days
    move_on(at, math.floor(days + 24.9))
    assert (people.activity[heads[held]] == Activity.detained).all()
    move_on(at, math.ceil(days + 25))
    assert (people.activity[heads[held]] == Activity.resident).all()
    assert (people.place[heads[held]] == NORTH).all()


def test_turned_back_on_the_way_people_are_stranded_abroad():
    at = safe(*SINGLE)
    legs = only(at, "AA_N_BB_T", "BB_T_CC_P")
    CHOICES.of(at).way.intercepted[legs] = at.network.legs.corridor[legs] == WAYS.index("BB_T_CC_P")
    CHOICES.of(at).way.custody.detained[:] = 0
    heads = heads_of(at, NORTH)
    send(at, heads, PORT)
    arrived = move_on(at, 40).arrived
    people = at.people
    stranded = people.activity[heads] == Activity.stranded
    assert near(stranded.sum(), len(heads), 0.7)
    assert len(arrived["head"]) == len(heads) - stranded.sum()
    assert (people.place[heads[stranded]] == TOWN).all()
    assert (people.status[heads[stranded]] == Status.irregular).all()
    where = len(WAYS) + at.country[TOWN]
    assert HARMS.of(at)[where, :, Harm.stranding].sum() == stranded.sum() * at.weight[0]


def test_within_their_own_country_people_are_displaced_not_stranded():
    at = safe(*SINGLE)
    rewire(at, AA_N_AA_S=(1, 0), AA_S_BB_T=(1, 0))
    legs = np.flatnonzero(CHOICES.of(at).way.usable)
    CHOICES.of(at).way.intercepted[legs] = at.network.legs.corridor[legs] == WAYS.index("AA_S_BB_T")
    CHOICES.of(at).way.custody.detained[:] = 0
    heads = heads_of(at, NORTH, 500)
    send(at, heads, TOWN)
    move_on(at, 40)
    people = at.people
    back = people.place[heads] == SOUTH
    assert back.sum() > 300
    assert (people.activity[heads[back]] == Activity.resident).all()
    assert (people.status[heads[back]] == Status.displaced).all()


def test_captives_are_let_go_at_their_rate_and_go_on():
    at = safe(*SINGLE, "journey.captivity_days=40")
    at.network.legs.kidnapping[only(at, "AA_N_BB_T", "BB_T_BB_C")] = [
        float(w == "AA_N_BB_T") / 2
        for w in (WAYS[c] for c in at.network.legs.corridor[only(at, "AA_N_BB_T", "BB_T_BB_C")])
    ]
    heads = heads_of(at, NORTH)
    send(at, heads, CITY)
    days = small().corridors[WAYS.index("AA_N_BB_T")].days
    move_on(at, math.ceil(days))
    people = at.people
    held = people.activity[heads] == Activity.captive
    assert near(harmed(at, Harm.kidnapping), len(heads), 0.5)
    n = int(harmed(at, Harm.kidnapping))
    assert (people.place[heads[held]] == TOWN).all()
    for wait in (20, 40, 80):
        move_on(at, round(days + wait))
        free = 1 - (people.activity[heads] == Activity.captive).sum() / n
        assert free == pytest.approx(
            1 - math.exp(-(round(days + wait) - days) / 40), abs=4 * 0.5 / math.sqrt(n)
        )
    move_on(at, 2000)
    assert not len(PARTIES.of(at).head)
    assert not (people.activity[heads] == Activity.captive).any()


def test_who_cannot_pay_the_rest_of_the_way_is_left_behind():
    at = safe(*SINGLE)
    legs = only(at, "AA_N_BB_T", "BB_T_CC_P")
    first = at.network.legs.corridor[legs] == WAYS.index("AA_N_BB_T")
    at.network.legs.extortion[legs] = first
    at.network.legs.money_lost[legs] = 1.0
    heads = heads_of(at, NORTH, 400)
    send(at, heads, PORT)
    move_on(at, 40)
    assert (at.people.activity[heads] == Activity.stranded).all()
    assert (at.people.place[heads] == TOWN).all()
    assert (at.people.means[heads] == 0).all()
    # Who knows before the first leg that the money will not do stays where they are.
    poor = safe(*SINGLE)
    only(poor, "AA_N_BB_T", "BB_T_CC_P")
    poor.people.means[:] = 300
    send(poor, heads, PORT)
    move_on(poor, 40)
    assert (poor.people.place[heads] == NORTH).all()
    assert (poor.people.means[heads] == 300).all()


def test_route_options_are_taken_as_the_logit_says():
    at = safe(*SINGLE)
    legs = only(at, "AA_S_BB_T")
    heads = heads_of(at, SOUTH)
    send(at, heads, TOWN)
    move_on(at, 0)
    for g in range(2):
        mine = at.people.traits[PARTIES.of(at).head] >> 4 == g
        weight = np.exp(CHOICES.of(at).way.routes.utility[g, legs])
        for leg, share in zip(legs, weight / weight.sum(), strict=True):
            assert near((PARTIES.of(at).leg[mine] == leg).sum(), int(mine.sum()), share)
    assert len(legs) == 2


def crossed(at: World, way: str) -> float:
    """Rows that passed a corridor."""
    return float(CROSSINGS.of(at)[WAYS.index(way)].sum() / at.weight[NORTH])


def test_who_cannot_pay_for_the_way_that_all_like_takes_the_cheapest_and_does_not_turn_round():
    """To those who can pay, the city is farther from the port than the town where all begin."""
    at = safe(*SINGLE)
    rewire(
        at, AA_N_BB_T=(1, 0), BB_T_CC_P=(1, 500), BB_T_BB_C=(1, 0), BB_C_BB_T=(1, 0),
        BB_C_CC_P=(9, 10),
    )  # fmt: skip
    heads = heads_of(at, NORTH, 400)
    at.people.means[heads[:200]] = 499
    send(at, heads, PORT)
    arrived = move_on(at, 60).arrived
    assert set(arrived["head"]) == set(heads)
    assert crossed(at, "AA_N_BB_T") == 400
    assert crossed(at, "BB_T_CC_P") == 200
    assert crossed(at, "BB_T_BB_C") == crossed(at, "BB_C_CC_P") == 200
    assert not crossed(at, "BB_C_BB_T")
    assert (at.people.means[heads[:200]] == 489).all()


def test_nobody_goes_back_through_a_place_and_who_finds_no_way_on_is_stranded_at_once():
    """While people are on their way to the town, all ways on from there but the one back close."""
    at = safe(*SINGLE)
    rewire(at, AA_N_BB_T=(1, 0), BB_T_AA_S=(1, 0))
    heads = heads_of(at, NORTH, 100)
    send(at, heads, SOUTH)
    move_on(at, 0)
    assert (PARTIES.of(at).leg >= 0).all()
    rewire(at, BB_T_AA_N=(1, 0), AA_N_AA_S=(1, 0))
    ended = move_on(at, 40)
    assert set(ended.left_behind["head"]) == set(heads)
    days = small().corridors[WAYS.index("AA_N_BB_T")].days
    np.testing.assert_allclose(ended.left_behind["due"], days)
    assert (at.people.place[heads] == TOWN).all()
    assert (at.people.activity[heads] == Activity.stranded).all()
    # On a journey of their own, they may go there.
    send(at, heads, SOUTH)
    assert set(move_on(at, 80).arrived["head"]) == set(heads)


def test_a_journey_leads_into_a_camp_only_if_it_ends_there():
    at = safe(*SINGLE)
    camp = PLACES.index("BB_K")
    rewire(at, AA_N_BB_T=(1, 0), BB_T_CC_P=(1, 0), BB_T_BB_K=(1, 0))
    # As if a way led on from there.
    routes = CHOICES.of(at).way.routes
    routes.cost[:, camp, PORT], routes.value[:, :, camp, PORT] = 0.1, 0.0
    routes.fare[:, camp, PORT] = 0.0
    heads = heads_of(at, NORTH, 200)
    send(at, heads[:100], PORT)
    send(at, heads[100:], camp)
    assert set(move_on(at, 60).arrived["head"]) == set(heads)
    assert (at.people.place[heads[:100]] == PORT).all()
    assert crossed(at, "BB_T_BB_K") == 100


def stranded() -> tuple[World, I64]:
    at = safe(*SINGLE)
    people, heads = at.people, heads_of(at, NORTH)
    people.place[heads] = TOWN
    people.activity[heads] = Activity.stranded
    people.status[heads] = Status.irregular
    at.day = 60
    assert set(at.list_heads(0, len(people.pid)).stranded) == set(heads)
    return at, heads


@pytest.mark.parametrize("days", [1, 30, 180])
def test_the_stranded_decide_anew_at_their_rate_from_the_day_they_are_asked_from(days):
    at, heads = stranded()
    since = at.day + days * (np.arange(len(heads)) % 2) / 2.0
    again, when = continue_stranded(at, heads, since, at.day + days)
    n = len(PARTIES.of(at).head) + len(APPLICATIONS.of(at).head)
    moved = 1 - np.exp(-(at.day + days - since) / 365.25 / 0.5)
    assert near(n, len(heads), moved.mean())
    assert (at.people.activity[PARTIES.of(at).head] == Activity.travelling).all()
    # Who applied, or sent somebody ahead, may be asked once more from that day on.
    assert (at.people.activity[again] != Activity.travelling).all()
    from_day = since[np.searchsorted(heads, again)]
    assert ((from_day <= when) & (when < at.day + days)).all()


def test_regular_travel_is_paid_at_once_and_safe():
    at = safe()
    at.network.legs.death[:] = 1
    heads = heads_of(at, NORTH, 100)
    n = np.bincount(at.people.household, minlength=len(at.people.pid))[heads]
    goal, channel = np.full(100, CITY), np.full(100, int(Channel.labour))
    price = regular_price(at, heads, goal, channel)
    np.testing.assert_allclose(price, 100 + 0.1 * at.network.km[NORTH, CITY])
    send(at, heads, CITY, Channel.labour, price=float(price[0]))
    np.testing.assert_allclose(1e6 - at.people.means[heads], n * price, rtol=1e-3)
    assert not len(move_on(at, 1).arrived["head"])
    arrived = move_on(at, 2).arrived
    assert set(arrived["head"]) == set(heads)
    assert ACCOUNT.of(at).dead == 0


@pytest.mark.parametrize("channel", [Channel.irregular, Channel.asylum])
def test_a_fee_by_corridors_is_paid_at_departure_and_legs_when_they_are_entered(channel):
    at = safe("policies.cc_queue.fee=700")
    # Whoever comes irregularly pays what is said of asylum here: the table is by channel.
    CHOICES.of(at).tables.fee[:, :, Channel.irregular] = CHOICES.of(at).tables.fee[
        :, :, Channel.asylum
    ]
    legs = only(at, "AA_N_BB_T", "BB_T_CC_P")
    heads = heads_of(at, NORTH, 100)
    n = np.bincount(at.people.household, minlength=len(at.people.pid))[heads]
    send(at, heads, PORT, channel, price=123.0)
    np.testing.assert_allclose(1e6 - at.people.means[heads], 700 * n, rtol=1e-3)
    assert set(move_on(at, 100).arrived["head"]) == set(heads)
    price = 700 + CHOICES.of(at).way.price[legs].sum()
    np.testing.assert_allclose(1e6 - at.people.means[heads], price * n, rtol=1e-3)
    # Control: another country's fee is not theirs.
    other = heads_of(at, SOUTH, 50)
    send(at, other, TOWN, channel, price=123.0)
    assert (at.people.means[other] == 1e6).all()


def test_a_pioneer_takes_half_or_the_price_and_leaves_the_household():
    at = safe()
    people = at.people
    heads = heads_of(at, NORTH)
    month = 0
    grown: list[Any] = []
    for head in heads:
        mine = np.flatnonzero(people.household == people.household[head])
        others = [r for r in mine if r != head and (month - people.born[r]) // 12 >= 18]
        if others:
            grown.append((head, max(others, key=lambda r: people.born[r]), len(mine)))
        if len(grown) == 60:
            break
    heads = np.array([g[0] for g in grown])
    people.means[heads] = 1000
    people.means[heads[:20]] = 600
    send(at, heads, CITY, Channel.labour, price=400.0, companions=Companions.pioneer)
    for i, (head, pioneer, size) in enumerate(grown):
        assert people.household[pioneer] == pioneer
        assert people.flags[pioneer] & HEAD
        assert people.activity[pioneer] == Activity.travelling
        assert people.activity[head] == Activity.resident
        left = people.means[head]
        assert left == (200 if i < 20 else 500)
        assert people.means[pioneer] == (0 if i < 20 else 100)
        assert (people.household == people.household[head]).sum() == size - 1
    arrived = move_on(at, 5).arrived
    assert set(arrived["head"]) == {g[1] for g in grown}


def test_grounds_are_what_one_fled_from():
    at = safe()
    THREATS.of(at).severity[NORTH] = 0.9
    people, heads = at.people, heads_of(at, NORTH, 300)
    rows = members(at, heads)
    people.mask[rows] = 0
    afraid = np.isin(people.household[rows], people.household[heads[:100]])
    people.mask[rows[afraid]] = 1 << Threat.political
    people.mask[rows[~afraid]] = 1 << Threat.economic
    send(at, heads[:200], TOWN)
    assert (people.traits[rows[afraid]] & GROUNDS > 0).all()
    assert not (people.traits[rows[~afraid]] & GROUNDS).any()
    # Within the country nobody claims asylum.
    people.mask[rows] = 1 << Threat.political
    send(at, heads[200:], SOUTH, Channel.internal)
    later = np.isin(people.household[rows], people.household[heads[200:]])
    assert not (people.traits[rows[later]] & GROUNDS).any()
