"""Arrival, camps, claims and return orders."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.core.state import GROUNDS, HEAD, I64, NONE, U32
from sim.core.terms import Activity, Answer, Channel, Harm, Status, Threat
from sim.mechanisms.asylum import CLAIMS, decide_claims, receive
from sim.mechanisms.camps import fill_camps
from sim.mechanisms.harms import HARMS
from sim.mechanisms.policy import RULES
from sim.mechanisms.regularisation import regularise
from sim.mechanisms.removal import ORDERS, execute_returns, order_to_leave
from sim.model.substep import substep_of
from sim.model.world import World
from tests.small import AA, BB, CAMP, CC, CITY, NORTH, PORT, SOUTH, TOWN, small, world
from tests.worlds import prepare

WAYS = len(small().corridors)
SINGLE = tuple(f"countries.{c}.profile.household_size=1" for c in ("AA", "CC"))


def started(*changes: str) -> World:
    at = world(
        small(
            "population.agents=20000", "decision.base_livelihood=1", "decision.flight_norm=1",
            *changes,
        )
    )  # fmt: skip
    prepare(at)
    return at


def heads_of(at: World, place: int, n: int = 10**9) -> I64:
    people = at.people
    mine = (people.flags & HEAD > 0) & (people.place == place) & (people.home == place)
    return np.flatnonzero(mine)[:n]


def members(at: World, heads: I64) -> I64:
    return np.flatnonzero(np.isin(at.people.household, at.people.household[heads]))


def arrive(
    at: World, heads: I64, goal: int, channel: Channel = Channel.asylum, day: float = 5.5,
    answer: Answer = Answer.necessity,
) -> None:  # fmt: skip
    n = len(heads)
    receive(
        at,
        {
            "head": heads,
            "goal": np.full(n, goal),
            "origin": at.people.place[heads].astype(np.int64),
            "channel": np.full(n, int(channel)),
            "answer": np.full(n, int(answer)),
            "felt": np.full(n, 1 << Threat.personal if answer == Answer.necessity else 0),
            "due": np.full(n, day),
            "entered": np.full(n, NONE),
        },
    )


def near(found: float, n: int, share: float) -> bool:
    return bool(abs(found - n * share) <= 4 * math.sqrt(n * share * (1 - share)) + 1)


def unlimited(at: World) -> None:
    RULES.of(at).capacity[:] = np.inf
    RULES.of(at).wait[:, :, Channel.asylum] = 0


def decide(at: World, end: int, years: float) -> None:
    """Decide claims up to a day, as many as courts can in so many years."""
    substep = substep_of(at, end)
    substep.years = years
    decide_claims(at, substep)


def carry_out(at: World, end: int) -> None:
    """Carry out orders from today to a day."""
    execute_returns(at, substep_of(at, end))


def give_leave(at: World, unsettled: I64 | U32, years: float) -> None:
    """Regularise those of some heads who are irregular, for so many years."""
    substep = substep_of(at, at.day + round(years * 365.25))
    substep.unsettled = unsettled
    regularise(at, substep)


@pytest.mark.parametrize(
    ("channel", "goal", "status"),
    [
        (Channel.labour, CITY, Status.regular),
        (Channel.family, PORT, Status.regular),
        (Channel.irregular, CITY, Status.irregular),
        (Channel.asylum, PORT, Status.claimant),
        (Channel.asylum, TOWN, Status.refugee),
        (Channel.internal, SOUTH, Status.displaced),
    ],
)
def test_status_follows_the_way_one_came(channel, goal, status):
    at = started()
    heads = heads_of(at, NORTH, 50)
    rows = members(at, heads)
    RULES.of(at).stated("encampment")[:] = 0
    arrive(at, heads, goal, channel)
    people = at.people
    assert (people.status[rows] == status).all()
    assert (people.place[rows] == goal).all()
    assert (people.activity[rows] == Activity.resident).all()
    assert (people.moved[rows] == 5).all()
    claims = rows if status == Status.claimant else []
    assert set(CLAIMS.of(at).person) == set(claims)


def test_who_comes_home_is_a_citizen_and_who_moves_by_choice_is_not_displaced():
    at = started()
    heads = heads_of(at, NORTH, 20)
    arrive(at, heads, SOUTH, Channel.internal, answer=Answer.choice)
    assert (at.people.status[heads] == Status.citizen).all()
    arrive(at, heads, TOWN)
    at.people.traits[heads] |= GROUNDS
    arrive(at, heads, NORTH, Channel.home)
    assert (at.people.status[heads] == Status.citizen).all()
    assert not (at.people.traits[heads] & GROUNDS).any()


def test_refugees_who_move_within_the_country_stay_refugees():
    at = started()
    heads = heads_of(at, NORTH, 20)
    arrive(at, heads, TOWN)
    arrive(at, heads, CITY, Channel.internal)
    assert (at.people.status[heads] == Status.refugee).all()


def test_recognition_errs_both_ways_at_its_rates():
    """CC: .5 of those with grounds, .1 of those without."""
    at = started(*SINGLE)
    unlimited(at)
    heads = heads_of(at, NORTH)
    fled = at.people.pid[heads] % 2 == 0
    at.people.traits[heads[fled]] |= GROUNDS
    arrive(at, heads, PORT)
    decide(at, 31, 1 / 12)
    status = at.people.status[heads]
    assert set(status) == {Status.refugee, Status.ordered}
    assert near((status[fled] == Status.refugee).sum(), int(fled.sum()), 0.5)
    assert near((status[~fled] == Status.refugee).sum(), int((~fled).sum()), 0.1)
    assert not len(CLAIMS.of(at).person)


def test_a_household_is_decided_on_as_one_and_at_once():
    at = started()
    unlimited(at)
    RULES.of(at).capacity[CC] = 20_000
    heads = heads_of(at, NORTH)
    rows = members(at, heads)
    arrive(at, heads, PORT)
    at.people.traits[rows] |= GROUNDS
    for _ in range(6):
        decide(at, 365, 1 / 12)
        status = at.people.status
        assert (status[rows] == status[at.people.household[rows]]).all()
    assert set(at.people.status[rows]) == {Status.refugee, Status.ordered, Status.claimant}


def test_claims_wait_and_are_decided_in_the_order_they_came():
    at = started(*SINGLE)
    RULES.of(at).wait[:, :, Channel.asylum] = 2
    heads = heads_of(at, NORTH, 400)
    late, soon = heads[:200], heads[200:]
    arrive(at, late, PORT, day=20.0)
    arrive(at, soon, PORT, day=5.0)
    RULES.of(at).capacity[CC] = 100.5 * at.weight[0]
    decide(at, 65, 1.0)
    assert len(CLAIMS.of(at).person) == 400
    decide(at, 66, 1.0)
    assert len(CLAIMS.of(at).person) == 300
    assert set(CLAIMS.of(at).person) >= set(late)
    RULES.of(at).capacity[CC] = np.inf
    decide(at, 70, 0.0)
    assert set(CLAIMS.of(at).person) == set(late)
    decide(at, 81, 0.0)
    assert not len(CLAIMS.of(at).person)


@pytest.mark.parametrize("dt", [1 / 365.25, 1 / 12])
def test_courts_never_decide_more_than_they_can_and_do_not_idle(dt):
    at = started()
    RULES.of(at).wait[:, :, Channel.asylum] = 0
    RULES.of(at).capacity[CC] = 30_000
    heads = heads_of(at, NORTH)
    n = int(at.weight[0])
    arrive(at, heads, PORT)
    first = len(CLAIMS.of(at).person)
    for i in range(round(1 / dt)):
        decide(at, 365, dt)
        decided = (first - len(CLAIMS.of(at).person)) * n
        assert decided <= 30_000 * (i + 1) * dt + 1e-6
        assert decided >= 30_000 * (i + 1) * dt - 12 * n
    assert len(CLAIMS.of(at).person)


def test_idle_courts_save_up_nothing():
    at = started(*SINGLE)
    RULES.of(at).wait[:, :, Channel.asylum] = 0
    RULES.of(at).capacity[CC] = 12 * 20 * at.weight[0]
    first, rest = np.split(heads_of(at, NORTH, 301), [1])
    arrive(at, first, PORT)
    for _ in range(12):
        decide(at, 365, 1 / 12)
    arrive(at, rest, PORT)
    decide(at, 365, 1 / 12)
    assert 300 - len(CLAIMS.of(at).person) <= 21


def test_a_claim_ends_with_leaving_the_country():
    at = started(*SINGLE)
    unlimited(at)
    heads = heads_of(at, NORTH, 10)
    arrive(at, heads, PORT)
    at.people.place[heads[:4]] = CITY
    at.people.activity[heads[4]] = Activity.dead
    at.people.status[heads[5]] = Status.irregular
    decide(at, 365, 0.1)
    assert not len(CLAIMS.of(at).person)
    assert (at.people.status[heads[:5]] == Status.claimant).all()
    assert at.people.status[heads[5]] == Status.irregular


def test_the_first_country_takes_those_found_inadmissible():
    at = started()
    RULES.of(at).return_to[:, CC] = BB
    RULES.of(at).stated("encampment")[:] = 0
    heads = heads_of(at, NORTH, 100)
    rows = members(at, heads)
    arrive(at, heads, PORT)
    people = at.people
    assert (at.country[people.place[rows]] == BB).all()
    assert (people.place[rows] != CAMP).all()
    assert (people.status[rows] == Status.refugee).all()
    returned = HARMS.of(at)[WAYS + CC, AA, Harm.forced_return]
    assert returned == len(rows) * at.weight[0]
    assert HARMS.of(at)[:, :, Harm.forced_return].sum() == returned
    # The rule is about foreigners: nobody is sent to their own country by it.
    RULES.of(at).return_to[:, CC] = AA
    more = heads_of(at, NORTH, 10)
    arrive(at, more, PORT)
    assert (people.place[more] == PORT).all()


def test_camps_take_the_share_that_rules_say():
    at = started()
    at.geography.capacity[CAMP] = 1e12
    heads = heads_of(at, NORTH)
    arrive(at, heads, TOWN)
    people = at.people
    inside = people.place[heads] == CAMP
    assert near(inside.sum(), len(heads), 0.4)
    assert (people.place[heads[~inside]] == TOWN).all()
    assert (people.place == people.place[people.household]).all()
    assert (people.status[heads] == Status.refugee).all()
    assert (people.moved[heads] == 5).all()


def test_a_second_arrival_on_one_day_draws_anew():
    at = started("policies.bb_refuge.encampment=.4")
    at.geography.capacity[CAMP] = 1e12
    heads = heads_of(at, NORTH)
    arrive(at, heads, TOWN)
    twice = heads[at.people.place[heads] == CAMP]
    arrive(at, twice, CITY)
    assert near((at.people.place[twice] == CAMP).sum(), len(twice), 0.4)


@pytest.mark.parametrize("room", [0, 1_000, 12_345])
def test_a_full_camp_takes_nobody_more(room):
    at = started("policies.bb_refuge.encampment=1")
    at.geography.capacity[CAMP] = room
    heads = heads_of(at, NORTH)
    for part in np.array_split(heads, 5):
        arrive(at, part, TOWN)
        inside = at.people.place == CAMP
        assert at.weight[0] * inside.sum() <= room
    assert at.weight[0] * inside.sum() > room - 13 * at.weight[0]
    # The dead and those who left make room.
    at.people.place[at.people.place == CAMP] = CITY
    fill_camps(at, heads[:1], np.array([at.weight[0]]))
    assert (at.people.place[heads[0]] == CAMP) == (room > 0)


def test_who_gets_into_a_camp_is_no_matter_of_rows():
    lists = []
    for order in (None, -1):
        at = started("policies.bb_refuge.encampment=1")
        n = len(at.people.pid)
        if order is not None:
            at = world(at.scenario, at.seed, order=np.arange(n)[::-1].copy())
            prepare(at)
        at.geography.capacity[CAMP] = 9_000
        heads = heads_of(at, NORTH)
        arrive(at, heads, TOWN)
        lists.append(set(at.people.pid[at.people.place == CAMP]))
    assert lists[0] == lists[1]
    assert len(lists[0]) > 10


def ordered_to_leave(*changes: str) -> tuple[World, I64]:
    """People from the north in the port, ordered to leave on the first day."""
    at = started(*SINGLE, *changes)
    heads = heads_of(at, NORTH)
    at.people.place[heads], at.people.status[heads] = PORT, Status.ordered
    order_to_leave(at, heads, np.zeros(len(heads)))
    return at, heads


@pytest.mark.parametrize("days", [1, 30, 365])
def test_return_orders_are_carried_out_at_their_rate(days):
    at, heads = ordered_to_leave("policies.cc_courts.returns=.6")
    people = at.people
    bystanders = heads[::10]
    people.status[bystanders] = Status.refugee
    ordered = np.setdiff1d(heads, bystanders)
    carry_out(at, days)
    gone = people.place[ordered] == NORTH
    assert near(gone.sum(), len(ordered), 1 - 0.4 ** (days / 365.25))
    assert (people.status[ordered[gone]] == Status.citizen).all()
    assert (people.status[ordered[~gone]] == Status.ordered).all()
    assert (people.place[bystanders] == PORT).all()
    assert (people.status[bystanders] == Status.refugee).all()
    back = HARMS.of(at)[WAYS + CC, AA, Harm.forced_return]
    assert back == gone.sum() * at.weight[0]
    dates = people.moved[ordered[gone]]
    assert dates.min() >= 0
    assert dates.max() < days


def test_who_is_returned_starts_anew_without_grounds():
    at, heads = ordered_to_leave("policies.cc_courts.returns=.6")
    people = at.people
    people.traits[heads] |= GROUNDS
    carry_out(at, 365)
    grounds, gone = people.traits[heads] & GROUNDS > 0, people.place[heads] == NORTH
    assert set(gone) == {True, False}
    # Control: who is still there has fled what gives grounds.
    np.testing.assert_array_equal(grounds, ~gone)


@pytest.mark.parametrize("step", [7, 30, 91])
def test_an_order_that_is_not_carried_out_in_time_lapses(step):
    at, heads = ordered_to_leave(
        "policies.cc_courts.returns=.6", "policies.cc_courts.orders_last=6"
    )
    people = at.people
    while at.day < 180:
        carry_out(at, min(at.day + step, 180))
        at.day = min(at.day + step, 180)
    assert set(people.status[heads]) == {Status.citizen, Status.ordered}
    carry_out(at, 180 + step)
    # Whatever the step, nobody is removed after the day on which the order lapsed.
    stayed = people.place[heads] == PORT
    assert near(stayed.sum(), len(heads), 0.4**0.5)
    assert people.moved[heads[~stayed]].max() <= 182
    assert (people.status[heads[stayed]] == Status.irregular).all()
    at.day = 180 + step
    carry_out(at, 2000)
    assert (people.place[heads[stayed]] == PORT).all()
    assert not len(ORDERS.of(at).person)
    # Control: an order that lasts for the two years of this world does not lapse.
    lasting, heads = ordered_to_leave("policies.cc_courts.returns=0")
    carry_out(lasting, 700)
    assert (lasting.people.status[heads] == Status.ordered).all()


def test_who_is_ordered_again_leaves_under_the_new_order():
    at, heads = ordered_to_leave("policies.cc_courts.returns=0", "policies.cc_courts.orders_last=6")
    order_to_leave(at, heads[:20], np.full(20, 100.0))
    carry_out(at, 200)
    assert (at.people.status[heads[:20]] == Status.ordered).all()
    assert (at.people.status[heads[20:]] == Status.irregular).all()
    assert set(ORDERS.of(at).person) >= set(heads[:20])
    assert len(ORDERS.of(at).person) == len(heads)


def test_claims_that_are_rejected_end_in_orders_of_the_day_of_decision():
    at = started(*SINGLE)
    unlimited(at)
    RULES.of(at).recognition[:] = RULES.of(at).false_recognition[:] = 0
    heads = heads_of(at, NORTH, 30)
    arrive(at, heads[:20], PORT)
    RULES.of(at).wait[:, CC, Channel.asylum] = 1
    decide(at, 60, 60 / 365.25)
    assert set(ORDERS.of(at).person) == set(heads[:20])
    assert (ORDERS.of(at).ordered == 5 + 30.4375).all()
    assert (ORDERS.of(at).country == CC).all()
    # Where courts can decide so many a year, on the day by which they can.
    RULES.of(at).wait[:, CC, Channel.asylum] = 0
    RULES.of(at).capacity[CC] = 365.25 * at.weight[0]
    arrive(at, heads[20:], PORT)
    decide(at, 60, 60 / 365.25)
    assert sorted(ORDERS.of(at).ordered[20:]) == pytest.approx([5] * 5 + [6, 7, 8, 9, 10])


@pytest.mark.parametrize("dt", [1 / 12, 1.0])
def test_the_irregular_are_regularised_at_their_rate(dt):
    at = started("policies.cc_courts.regularisation=.6")
    people, heads = at.people, heads_of(at, NORTH)
    rows = members(at, heads)
    people.place[rows], people.status[rows] = PORT, Status.irregular
    elsewhere = heads_of(at, SOUTH)
    others = members(at, elsewhere)
    people.place[others], people.status[others] = CITY, Status.irregular
    give_leave(at, at.deciding, dt)
    given = people.status[heads] == Status.regular
    assert near(given.sum(), len(heads), 1 - 0.4**dt)
    assert set(people.status[rows]) == {Status.regular, Status.irregular}
    assert (people.status[rows] == people.status[people.household[rows]]).all()
    # Control: where no rule speaks nobody is.
    assert (people.status[others] == Status.irregular).all()


def test_who_comes_without_leave_in_a_substep_waits_for_the_next():
    at = started("policies.cc_courts.regularisation=1")
    heads = heads_of(at, NORTH)
    rows = members(at, heads)
    unsettled = at.list_heads(0, len(at.people.pid)).unsettled
    assert not len(unsettled)
    at.people.place[rows], at.people.status[rows] = PORT, Status.irregular
    give_leave(at, unsettled, 1.0)
    assert (at.people.status[rows] == Status.irregular).all()
    unsettled = at.list_heads(0, len(at.people.pid)).unsettled
    assert set(unsettled) == set(heads)
    give_leave(at, unsettled, 1.0)
    assert (at.people.status[rows] == Status.regular).mean() > 0.99


def pioneer_of(at: World) -> tuple[int, I64]:
    """Somebody who has left a household, and those left behind, who have no kin abroad."""
    people = at.people
    heads = heads_of(at, NORTH)
    head = next(h for h in heads if (people.household == h).sum() >= 3)
    rows = np.flatnonzero(people.household == head)
    pioneer = int(rows[-1])
    people.household[pioneer] = pioneer
    people.flags[pioneer] = HEAD
    people.kin[rows] = 0
    return pioneer, rows[:-1]


def test_a_pioneer_tells_those_at_home_where_their_family_is():
    at = started()
    pioneer, rest = pioneer_of(at)
    arrive(at, np.array([pioneer]), PORT, Channel.labour)
    assert (at.people.kin[rest] == CC + 1).all()
    assert at.people.kin[pioneer] == 0


@pytest.mark.parametrize("recognised", [True, False])
def test_recognition_after_a_procedure_opens_the_family_channel_to_those_at_home(recognised):
    at = started()
    unlimited(at)
    RULES.of(at).stated("encampment")[:] = 0
    RULES.of(at).recognition[:] = RULES.of(at).false_recognition[:] = float(recognised)
    pioneer, rest = pioneer_of(at)
    arrive(at, np.array([pioneer]), PORT)
    assert at.people.status[pioneer] == Status.claimant
    assert (at.people.kin[rest] == 0).all()
    decide(at, 365, 1.0)
    assert at.people.status[pioneer] == (Status.refugee if recognised else Status.ordered)
    assert (at.people.kin[rest] == (CC + 1 if recognised else 0)).all()


@pytest.mark.parametrize("rate", [0, 1])
def test_regularisation_opens_the_family_channel_to_those_at_home(rate):
    at = started(f"policies.cc_courts.regularisation={rate}")
    pioneer, rest = pioneer_of(at)
    arrive(at, np.array([pioneer]), PORT, Channel.irregular)
    assert at.people.status[pioneer] == Status.irregular
    assert (at.people.kin[rest] == 0).all()
    # Of those who are regularised at the highest rate, one in a million is left after a year.
    give_leave(at, np.array([pioneer]), 1.0)
    assert at.people.status[pioneer] == (Status.regular if rate else Status.irregular)
    assert (at.people.kin[rest] == (CC + 1 if rate else 0)).all()
