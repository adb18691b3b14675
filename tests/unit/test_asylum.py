"""Arrival, camps, claims and return orders."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.core.state import GROUNDS, I64, NONE, U32
from sim.core.terms import Activity, Answer, Channel, ClaimStage, Harm, Status, Threat
from sim.mechanisms.asylum import CLAIMED, CLAIMS, decide_claims, receive
from sim.mechanisms.camps import fill_camps
from sim.mechanisms.harms import HARMS
from sim.mechanisms.policy import RULES
from sim.mechanisms.regularisation import regularise
from sim.mechanisms.removal import ORDERS, execute_returns, order_to_leave
from sim.model.substep import substep_of
from sim.model.world import World
from tests.small import AA, BB, CAMP, CC, CITY, NORTH, PORT, SOUTH, TOWN, small, world
from tests.worlds import let_leave, prepare

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


def houses_of(at: World, place: int, n: int = 10**9) -> I64:
    """Households at home in a place."""
    households = at.households
    return np.flatnonzero((households.place == place) & (households.home == place))[:n]


def weight(at: World) -> int:
    """People that a person represents."""
    return int(at.households.weight[0])


def arrive(
    at: World, houses: I64, goal: int, channel: Channel = Channel.asylum, day: float = 5.5,
    answer: Answer = Answer.necessity,
) -> None:  # fmt: skip
    n = len(houses)
    receive(
        at,
        {
            "household": houses,
            "goal": np.full(n, goal),
            "origin": at.households.place[houses].astype(np.int64),
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
    """Regularise those of some households that are irregular, for so many years."""
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
    houses = houses_of(at, NORTH, 50)
    RULES.of(at).stated("encampment")[:] = 0
    arrive(at, houses, goal, channel)
    households = at.households
    assert (households.status[houses] == status).all()
    assert (households.place[houses] == goal).all()
    assert (households.activity[houses] == Activity.resident).all()
    assert (households.moved[houses] == 5).all()
    claims = houses.tolist() if status == Status.claimant else []
    assert sorted(CLAIMS.of(at).household) == claims


def test_who_comes_home_is_a_citizen_and_who_moves_by_choice_is_not_displaced():
    at = started()
    houses = houses_of(at, NORTH, 20)
    arrive(at, houses, SOUTH, Channel.internal, answer=Answer.choice)
    assert (at.households.status[houses] == Status.citizen).all()
    arrive(at, houses, TOWN)
    at.households.flags[houses] |= GROUNDS
    arrive(at, houses, NORTH, Channel.home)
    assert (at.households.status[houses] == Status.citizen).all()
    assert not (at.households.flags[houses] & GROUNDS).any()


def test_refugees_who_move_within_the_country_stay_refugees():
    at = started()
    houses = houses_of(at, NORTH, 20)
    arrive(at, houses, TOWN)
    arrive(at, houses, CITY, Channel.internal)
    assert (at.households.status[houses] == Status.refugee).all()


def test_recognition_errs_both_ways_at_its_rates():
    """CC: .5 of those with grounds, .1 of those without."""
    at = started(*SINGLE)
    unlimited(at)
    houses = houses_of(at, NORTH)
    fled = at.households.ident[houses] % 2 == 0
    at.households.flags[houses[fled]] |= GROUNDS
    arrive(at, houses, PORT)
    decide(at, 31, 1 / 12)
    status = at.households.status[houses]
    assert set(status) == {Status.refugee, Status.ordered}
    assert near((status[fled] == Status.refugee).sum(), int(fled.sum()), 0.5)
    assert near((status[~fled] == Status.refugee).sum(), int((~fled).sum()), 0.1)
    assert not len(CLAIMS.of(at).household)


def test_a_household_is_decided_on_as_one_and_at_once():
    at = started()
    unlimited(at)
    RULES.of(at).capacity[CC] = 20_000
    houses = houses_of(at, NORTH)
    arrive(at, houses, PORT)
    assert sorted(CLAIMS.of(at).household) == houses.tolist()
    households = at.households
    households.flags[houses] |= GROUNDS
    for _ in range(6):
        decide(at, 365, 1 / 12)
        status = households.status[houses]
        pending = houses[status == Status.claimant]
        assert sorted(CLAIMS.of(at).household) == pending.tolist()
        # All the members of a household count.
        for stage, its in (
            (ClaimStage.claimed, houses),
            (ClaimStage.recognised, houses[status == Status.refugee]),
            (ClaimStage.rejected, houses[status == Status.ordered]),
        ):
            assert CLAIMED.of(at)[CC, AA, stage] == at.n_people(its).sum()
    assert set(status) == {Status.refugee, Status.ordered, Status.claimant}


def test_claims_wait_and_are_decided_in_the_order_they_came():
    at = started(*SINGLE)
    RULES.of(at).wait[:, :, Channel.asylum] = 2
    houses = houses_of(at, NORTH, 400)
    late, soon = houses[:200], houses[200:]
    arrive(at, late, PORT, day=20.0)
    arrive(at, soon, PORT, day=5.0)
    RULES.of(at).capacity[CC] = 100.5 * weight(at)
    decide(at, 65, 1.0)
    assert len(CLAIMS.of(at).household) == 400
    decide(at, 66, 1.0)
    assert len(CLAIMS.of(at).household) == 300
    assert set(CLAIMS.of(at).household) >= set(late)
    RULES.of(at).capacity[CC] = np.inf
    decide(at, 70, 0.0)
    assert set(CLAIMS.of(at).household) == set(late)
    decide(at, 81, 0.0)
    assert not len(CLAIMS.of(at).household)


@pytest.mark.parametrize("dt", [1 / 365.25, 1 / 12])
def test_courts_never_decide_more_than_they_can_and_do_not_idle(dt):
    at = started()
    RULES.of(at).wait[:, :, Channel.asylum] = 0
    RULES.of(at).capacity[CC] = 30_000
    houses = houses_of(at, NORTH)
    arrive(at, houses, PORT)
    first = at.n_people(houses).sum()
    for i in range(round(1 / dt)):
        decide(at, 365, dt)
        decided = first - at.n_people(CLAIMS.of(at).household).sum()
        assert decided <= 30_000 * (i + 1) * dt + 1e-6
        assert decided >= 30_000 * (i + 1) * dt - 12 * weight(at)
    assert len(CLAIMS.of(at).household)


def test_idle_courts_save_up_nothing():
    at = started(*SINGLE)
    RULES.of(at).wait[:, :, Channel.asylum] = 0
    RULES.of(at).capacity[CC] = 12 * 20 * weight(at)
    first, rest = np.split(houses_of(at, NORTH, 301), [1])
    arrive(at, first, PORT)
    for _ in range(12):
        decide(at, 365, 1 / 12)
    arrive(at, rest, PORT)
    decide(at, 365, 1 / 12)
    assert 300 - len(CLAIMS.of(at).household) <= 21


def test_a_claim_ends_with_leaving_the_country():
    at = started(*SINGLE)
    unlimited(at)
    houses = houses_of(at, NORTH, 10)
    arrive(at, houses, PORT)
    at.households.place[houses[:4]] = CITY
    at.households.activity[houses[4]] = Activity.dead
    at.households.status[houses[5]] = Status.irregular
    decide(at, 365, 0.1)
    assert not len(CLAIMS.of(at).household)
    assert (at.households.status[houses[:5]] == Status.claimant).all()
    assert at.households.status[houses[5]] == Status.irregular


def test_the_first_country_takes_those_found_inadmissible():
    at = started()
    RULES.of(at).return_to[:, CC] = BB
    RULES.of(at).stated("encampment")[:] = 0
    houses = houses_of(at, NORTH, 100)
    arrive(at, houses, PORT)
    households = at.households
    assert (at.country[households.place[houses]] == BB).all()
    assert (households.place[houses] != CAMP).all()
    assert (households.status[houses] == Status.refugee).all()
    returned = HARMS.of(at)[WAYS + CC, AA, Harm.forced_return]
    members = np.isin(at.persons.household, houses)
    assert returned == members.sum() * weight(at)
    assert HARMS.of(at)[:, :, Harm.forced_return].sum() == returned
    # The rule is about foreigners: nobody is sent to their own country by it.
    RULES.of(at).return_to[:, CC] = AA
    more = houses_of(at, NORTH, 10)
    arrive(at, more, PORT)
    assert (households.place[more] == PORT).all()


def test_camps_take_the_share_that_rules_say():
    at = started()
    at.geography.capacity[CAMP] = 1e12
    houses = houses_of(at, NORTH)
    arrive(at, houses, TOWN)
    households = at.households
    inside = households.place[houses] == CAMP
    assert near(inside.sum(), len(houses), 0.4)
    assert (households.place[houses[~inside]] == TOWN).all()
    assert (households.status[houses] == Status.refugee).all()
    assert (households.moved[houses] == 5).all()


def test_a_second_arrival_on_one_day_draws_anew():
    at = started("policies.bb_refuge.encampment=.4")
    at.geography.capacity[CAMP] = 1e12
    houses = houses_of(at, NORTH)
    arrive(at, houses, TOWN)
    twice = houses[at.households.place[houses] == CAMP]
    arrive(at, twice, CITY)
    assert near((at.households.place[twice] == CAMP).sum(), len(twice), 0.4)


@pytest.mark.parametrize("room", [0, 1_000, 12_345])
def test_a_full_camp_takes_nobody_more(room):
    at = started("policies.bb_refuge.encampment=1")
    at.geography.capacity[CAMP] = room
    houses = houses_of(at, NORTH)
    for part in np.array_split(houses, 5):
        arrive(at, part, TOWN)
        inside = at.households.place[at.persons.household] == CAMP
        assert weight(at) * inside.sum() <= room
    assert weight(at) * inside.sum() > room - 13 * weight(at)
    # The dead and those who left make room.
    at.households.place[at.households.place == CAMP] = CITY
    one = houses[at.households.size[houses] == 1][:1]
    fill_camps(at, one)
    assert (at.households.place[one[0]] == CAMP) == (room > 0)


def test_who_gets_into_a_camp_is_no_matter_of_rows():
    lists = []
    for order in (None, -1):
        at = started("policies.bb_refuge.encampment=1")
        n = len(at.households.ident)
        if order is not None:
            at = world(at.scenario, at.seed, order=np.arange(n)[::-1].copy())
            prepare(at)
        at.geography.capacity[CAMP] = 9_000
        houses = houses_of(at, NORTH)
        arrive(at, houses, TOWN)
        lists.append(set(at.households.ident[at.households.place == CAMP]))
    assert lists[0] == lists[1]
    assert len(lists[0]) > 10


def ordered_to_leave(*changes: str) -> tuple[World, I64]:
    """People from the north in the port, ordered to leave on the first day."""
    at = started(*SINGLE, *changes)
    houses = houses_of(at, NORTH)
    at.households.place[houses], at.households.status[houses] = PORT, Status.ordered
    order_to_leave(at, houses, np.zeros(len(houses)))
    return at, houses


@pytest.mark.parametrize("days", [1, 30, 365])
def test_return_orders_are_carried_out_at_their_rate(days):
    at, houses = ordered_to_leave("policies.cc_courts.returns=.6")
    households = at.households
    bystanders = houses[::10]
    households.status[bystanders] = Status.refugee
    ordered = np.setdiff1d(houses, bystanders)
    carry_out(at, days)
    gone = households.place[ordered] == NORTH
    assert near(gone.sum(), len(ordered), 1 - 0.4 ** (days / 365.25))
    assert (households.status[ordered[gone]] == Status.citizen).all()
    assert (households.status[ordered[~gone]] == Status.ordered).all()
    assert (households.place[bystanders] == PORT).all()
    assert (households.status[bystanders] == Status.refugee).all()
    back = HARMS.of(at)[WAYS + CC, AA, Harm.forced_return]
    assert back == gone.sum() * weight(at)
    dates = households.moved[ordered[gone]]
    assert dates.min() >= 0
    assert dates.max() < days


def test_who_is_returned_starts_anew_without_grounds():
    at, houses = ordered_to_leave("policies.cc_courts.returns=.6")
    households = at.households
    households.flags[houses] |= GROUNDS
    carry_out(at, 365)
    grounds, gone = households.flags[houses] & GROUNDS > 0, households.place[houses] == NORTH
    assert set(gone) == {True, False}
    # Control: who is still there has fled what gives grounds.
    np.testing.assert_array_equal(grounds, ~gone)


@pytest.mark.parametrize("step", [7, 30, 91])
def test_an_order_that_is_not_carried_out_in_time_lapses(step):
    at, houses = ordered_to_leave(
        "policies.cc_courts.returns=.6", "policies.cc_courts.orders_last=6"
    )
    households = at.households
    while at.day < 180:
        carry_out(at, min(at.day + step, 180))
        at.day = min(at.day + step, 180)
    assert set(households.status[houses]) == {Status.citizen, Status.ordered}
    carry_out(at, 180 + step)
    # Whatever the step, nobody is removed after the day on which the order lapsed.
    stayed = households.place[houses] == PORT
    assert near(stayed.sum(), len(houses), 0.4**0.5)
    assert households.moved[houses[~stayed]].max() <= 182
    assert (households.status[houses[stayed]] == Status.irregular).all()
    at.day = 180 + step
    carry_out(at, 2000)
    assert (households.place[houses[stayed]] == PORT).all()
    assert not len(ORDERS.of(at).household)
    # Control: an order that lasts for the two years of this world does not lapse.
    lasting, houses = ordered_to_leave("policies.cc_courts.returns=0")
    carry_out(lasting, 700)
    assert (lasting.households.status[houses] == Status.ordered).all()


def test_who_is_ordered_again_leaves_under_the_new_order():
    at, houses = ordered_to_leave(
        "policies.cc_courts.returns=0", "policies.cc_courts.orders_last=6"
    )
    order_to_leave(at, houses[:20], np.full(20, 100.0))
    carry_out(at, 200)
    assert (at.households.status[houses[:20]] == Status.ordered).all()
    assert (at.households.status[houses[20:]] == Status.irregular).all()
    assert set(ORDERS.of(at).household) >= set(houses[:20])
    assert len(ORDERS.of(at).household) == len(houses)


def test_claims_that_are_rejected_end_in_orders_of_the_day_of_decision():
    at = started(*SINGLE)
    unlimited(at)
    RULES.of(at).recognition[:] = RULES.of(at).false_recognition[:] = 0
    houses = houses_of(at, NORTH, 30)
    arrive(at, houses[:20], PORT)
    RULES.of(at).wait[:, CC, Channel.asylum] = 1
    decide(at, 60, 60 / 365.25)
    assert set(ORDERS.of(at).household) == set(houses[:20])
    assert (ORDERS.of(at).ordered == 5 + 30.4375).all()
    assert (ORDERS.of(at).country == CC).all()
    # Where courts can decide so many a year, on the day by which they can.
    RULES.of(at).wait[:, CC, Channel.asylum] = 0
    RULES.of(at).capacity[CC] = 365.25 * weight(at)
    arrive(at, houses[20:], PORT)
    decide(at, 60, 60 / 365.25)
    assert sorted(ORDERS.of(at).ordered[20:]) == pytest.approx([5] * 5 + [6, 7, 8, 9, 10])


@pytest.mark.parametrize("dt", [1 / 12, 1.0])
def test_the_irregular_are_regularised_at_their_rate(dt):
    at = started("policies.cc_courts.regularisation=.6")
    households, houses = at.households, houses_of(at, NORTH)
    households.place[houses], households.status[houses] = PORT, Status.irregular
    others = houses_of(at, SOUTH)
    households.place[others], households.status[others] = CITY, Status.irregular
    give_leave(at, at.deciding, dt)
    given = households.status[houses] == Status.regular
    assert near(given.sum(), len(houses), 1 - 0.4**dt)
    assert set(households.status[houses]) == {Status.regular, Status.irregular}
    # Control: where no rule speaks nobody is.
    assert (households.status[others] == Status.irregular).all()


def test_who_comes_without_leave_in_a_substep_waits_for_the_next():
    at = started("policies.cc_courts.regularisation=1")
    houses = houses_of(at, NORTH)
    unsettled = at.list_households(0, len(at.households.ident)).unsettled
    assert not len(unsettled)
    at.households.place[houses], at.households.status[houses] = PORT, Status.irregular
    give_leave(at, unsettled, 1.0)
    assert (at.households.status[houses] == Status.irregular).all()
    unsettled = at.list_households(0, len(at.households.ident)).unsettled
    assert set(unsettled) == set(houses)
    give_leave(at, unsettled, 1.0)
    assert (at.households.status[houses] == Status.regular).mean() > 0.99


def pioneer_of(at: World) -> tuple[int, int]:
    """Household of somebody who has left one, and that of those left behind, without kin abroad."""
    houses = houses_of(at, NORTH)
    rest = int(houses[at.households.size[houses] >= 3][0])
    pioneer = let_leave(at, int(np.flatnonzero(at.persons.household == rest)[-1]))
    at.households.kin[[rest, pioneer]] = 0
    return pioneer, rest


def test_a_pioneer_tells_those_at_home_where_their_family_is():
    at = started()
    pioneer, rest = pioneer_of(at)
    arrive(at, np.array([pioneer]), PORT, Channel.labour)
    assert at.households.kin[rest] == CC + 1
    assert at.households.kin[pioneer] == 0


@pytest.mark.parametrize("recognised", [True, False])
def test_recognition_after_a_procedure_opens_the_family_channel_to_those_at_home(recognised):
    at = started()
    unlimited(at)
    RULES.of(at).stated("encampment")[:] = 0
    RULES.of(at).recognition[:] = RULES.of(at).false_recognition[:] = float(recognised)
    pioneer, rest = pioneer_of(at)
    arrive(at, np.array([pioneer]), PORT)
    assert at.households.status[pioneer] == Status.claimant
    assert at.households.kin[rest] == 0
    decide(at, 365, 1.0)
    assert at.households.status[pioneer] == (Status.refugee if recognised else Status.ordered)
    assert at.households.kin[rest] == (CC + 1 if recognised else 0)


@pytest.mark.parametrize("rate", [0, 1])
def test_regularisation_opens_the_family_channel_to_those_at_home(rate):
    at = started(f"policies.cc_courts.regularisation={rate}")
    pioneer, rest = pioneer_of(at)
    arrive(at, np.array([pioneer]), PORT, Channel.irregular)
    assert at.households.status[pioneer] == Status.irregular
    assert at.households.kin[rest] == 0
    # Of those who are regularised at the highest rate, one in a million is left after a year.
    give_leave(at, np.array([pioneer]), 1.0)
    assert at.households.status[pioneer] == (Status.regular if rate else Status.irregular)
    assert at.households.kin[rest] == (CC + 1 if rate else 0)
