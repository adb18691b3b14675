"""Arrival, camps, claims and return orders."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.core.state import GROUNDS, I64, TO_CAMP
from sim.core.terms import Activity, Answer, Channel, ClaimStage, Harm, Status
from sim.mechanisms.admission import allowance
from sim.mechanisms.asylum import CLAIMED, claimants, hold_courts
from sim.mechanisms.demography import die
from sim.mechanisms.harms import HARMS
from sim.mechanisms.plans import PLANS
from sim.mechanisms.policy import RULES
from sim.mechanisms.relocation import bring
from sim.model.segment import segment_of
from sim.model.world import World
from tests.lives import enact, houses_of, live_until, quiet, send
from tests.small import AA, BB, CAMP, CC, CITY, NORTH, PORT, SOUTH, TOWN, small, world
from tests.worlds import let_leave, plan

WAYS = len(small().corridors)
SINGLE = tuple(f"countries.{c}.profile.household_size=1" for c in ("AA", "CC"))
AT_ONCE = "policies.cc_queue.wait=0"
NO_CAMPS = "policies.bb_refuge.encampment=0"
MANY = "policies.cc_courts.capacity=10000000"
NO_RETURNS = "policies.cc_courts.returns=0"


def weight(at: World) -> int:
    """People that each of those at home in the north represents."""
    (found,) = np.unique(at.households.weight[houses_of(at, NORTH)])
    return int(found)


def near(found: float, n: int, share: float) -> bool:
    return bool(abs(found - n * share) <= 4 * math.sqrt(n * share * (1 - share)) + 1)


def unlimited(at: World) -> None:
    """Let courts decide all claims at once."""
    RULES.of(at).capacity[:] = np.inf
    RULES.of(at).wait[:, :, Channel.asylum] = 0
    enact(at)


def hold(at: World, day: int, end: int) -> None:
    """Let courts set the days of decisions of a month."""
    at.day, at.month_began = day, day - 1
    hold_courts(at, segment_of(at, end))


def decided(at: World, country: int) -> int:
    """People whose claims in a country were decided."""
    stages = [ClaimStage.recognised, ClaimStage.rejected]
    return int(CLAIMED.of(at)[country][:, stages].sum())


def claim(at: World, houses: I64, place: int, day: int) -> None:
    """Let households have claimed asylum in a place on a day."""
    households = at.households
    households.place[houses], households.status[houses] = place, Status.claimant
    households.since[houses] = households.moved[houses] = day


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
    at = quiet(NO_CAMPS)
    houses = houses_of(at, NORTH, 50)
    send(at, houses, goal, channel)
    live_until(at, 5)
    assert (at.households.activity[houses] == Activity.travelling).all()
    assert (at.households.place[houses] == NORTH).all()
    live_until(at, 6)
    assert (at.households.status[houses] == status).all()
    assert (at.households.place[houses] == goal).all()
    assert (at.households.activity[houses] == Activity.resident).all()
    assert (at.households.moved[houses] == 5).all()
    if channel != Channel.internal:
        assert (at.households.since[houses] == 5).all()
    claims = houses.tolist() if status == Status.claimant else []
    assert claimants(at).tolist() == claims
    assert not len(PLANS.of(at).household)


def test_who_comes_home_is_a_citizen_and_who_moves_by_choice_is_not_displaced():
    at = quiet()
    houses = houses_of(at, NORTH, 20)
    send(at, houses, SOUTH, Channel.internal, answer=Answer.choice)
    live_until(at, 6)
    assert (at.households.place[houses] == SOUTH).all()
    assert (at.households.status[houses] == Status.citizen).all()
    send(at, houses, TOWN, day=10.5)
    live_until(at, 11)
    assert (at.households.status[houses] == Status.refugee).all()
    at.households.flags[houses] |= GROUNDS
    send(at, houses, NORTH, Channel.home, day=15.5)
    live_until(at, 16)
    assert (at.households.status[houses] == Status.citizen).all()
    assert not (at.households.flags[houses] & GROUNDS).any()


def test_refugees_who_move_within_the_country_stay_refugees():
    at = quiet(NO_CAMPS)
    houses = houses_of(at, NORTH, 20)
    send(at, houses, TOWN)
    live_until(at, 6)
    send(at, houses, CITY, Channel.internal, day=7.5)
    live_until(at, 8)
    assert (at.households.place[houses] == CITY).all()
    assert (at.households.status[houses] == Status.refugee).all()
    # They have been refugees since they came.
    assert (at.households.since[houses] == 5).all()


def test_recognition_errs_both_ways_at_its_rates():
    """CC: .5 of those with grounds, .1 of those without."""
    at = quiet(*SINGLE)
    unlimited(at)
    houses = houses_of(at, NORTH)
    fled = at.households.ident[houses] % 2 == 0
    at.households.flags[houses[fled]] |= GROUNDS
    send(at, houses, PORT)
    live_until(at, 6)
    status = at.households.status[houses]
    assert set(status) == {Status.refugee, Status.ordered}
    assert near((status[fled] == Status.refugee).sum(), int(fled.sum()), 0.5)
    assert near((status[~fled] == Status.refugee).sum(), int((~fled).sum()), 0.1)
    assert not len(claimants(at))


def test_another_claim_is_drawn_anew():
    at = quiet(*SINGLE, NO_RETURNS)
    unlimited(at)
    houses = houses_of(at, NORTH)
    at.households.flags[houses] |= GROUNDS
    send(at, houses, PORT)
    live_until(at, 6)
    rejected = houses[at.households.status[houses] == Status.ordered]
    send(at, rejected, PORT, day=8.5)
    live_until(at, 9)
    recognised = at.households.status[rejected] == Status.refugee
    assert near(recognised.sum(), len(rejected), 0.5)


def test_a_household_is_decided_on_as_one_and_at_once():
    at = quiet(AT_ONCE, NO_RETURNS, "policies.cc_courts.capacity=20000")
    houses = houses_of(at, NORTH)
    at.households.flags[houses] |= GROUNDS
    send(at, houses, PORT)
    for end in (31, 60, 91, 121, 152, 182):
        live_until(at, end)
        status = at.households.status[houses]
        pending = houses[status == Status.claimant]
        assert claimants(at).tolist() == pending.tolist()
        # All the members of a household count.
        for stage, its in (
            (ClaimStage.claimed, houses),
            (ClaimStage.recognised, houses[status == Status.refugee]),
            (ClaimStage.rejected, houses[status == Status.ordered]),
        ):
            assert CLAIMED.of(at)[CC, AA, stage] == at.n_people(its).sum()
    assert set(status) == {Status.refugee, Status.ordered, Status.claimant}


@pytest.mark.parametrize("step", [1, 31])
def test_claims_wait_for_as_long_as_the_rule_says(step):
    at = quiet(*SINGLE, "policies.cc_queue.wait=2")
    RULES.of(at).capacity[CC] = np.inf
    enact(at)
    houses = houses_of(at, NORTH, 400)
    late, soon = houses[:200], houses[200:]
    send(at, late, PORT, day=20.0)
    send(at, soon, PORT, day=5.0)
    for end, pending in ((65, houses), (66, late), (80, late), (81, [])):
        live_until(at, end, step)
        assert claimants(at).tolist() == list(pending)


def test_courts_decide_claims_in_the_order_they_came():
    at = quiet(*SINGLE)
    # The north's 400 wait for two months, and 100 households can be decided in March.
    RULES.of(at).capacity[CC] = 100.5 * weight(at) * 365.25 / 31
    enact(at)
    houses = houses_of(at, NORTH, 400)
    late, soon = houses[:200], houses[200:]
    claim(at, late, PORT, 20)
    claim(at, soon, PORT, 5)
    hold(at, 31, 60)
    assert not np.isfinite(PLANS.of(at).court).any()
    hold(at, 60, 91)
    court = PLANS.of(at).court
    first = PLANS.of(at).household[np.isfinite(court)]
    assert len(first) == 100
    assert set(first) <= set(soon)
    # Of claims of one day, those of smaller ids are decided first.
    ident = at.households.ident
    assert ident[first].max() < ident[np.setdiff1d(soon, first)].min()
    assert court.min() == 5 + 2 * 30.4375
    assert 89 < court.max() <= 91
    at.households.status[first] = Status.refugee
    for day, end, n in ((91, 121, 200), (121, 152, 300)):
        hold(at, day, end)
        chosen = PLANS.of(at).household[np.isfinite(PLANS.of(at).court)]
        at.households.status[chosen] = Status.refugee
        assert n - 6 <= 400 - len(claimants(at)) <= n
        assert np.isin(soon, claimants(at)).any() == (n < 200) or n == 200
    assert not np.isin(soon, claimants(at)).any()
    assert np.isin(late, claimants(at)).any()


@pytest.mark.parametrize("step", [1, 31])
def test_courts_never_decide_more_than_they_can_and_do_not_idle(step):
    at = quiet(AT_ONCE, NO_RETURNS, "policies.cc_courts.capacity=30000")
    houses = houses_of(at, NORTH)
    send(at, houses, PORT)
    largest = int(at.n_people(houses).max())
    live_until(at, 31)
    assert decided(at, CC) == 0
    for _ in range(6 * 31 // step):
        live_until(at, at.day + step)
        able = 30_000 * (at.day - 31) / 365.25
        assert able - largest - 2 <= decided(at, CC) <= able + 2
    assert len(claimants(at))


def test_idle_courts_save_up_nothing():
    w = weight(quiet(*SINGLE))
    capacity = 12 * 20 * w
    at = quiet(*SINGLE, AT_ONCE, NO_RETURNS, f"policies.cc_courts.capacity={capacity}")
    first, rest = np.split(houses_of(at, NORTH, 301), [1])
    send(at, first, PORT)
    live_until(at, 366)
    assert not len(claimants(at))
    send(at, rest, PORT, day=370.5)
    live_until(at, 425)  # from 1 February 2021 on for 28 days
    n = allowance(capacity, 397, 425) // w
    assert n <= 300 - len(claimants(at)) <= n + 1


def test_a_claim_ends_with_leaving_the_country():
    """Whatever day in court it had."""
    at = quiet(*SINGLE, NO_RETURNS)
    houses = houses_of(at, NORTH, 10)
    claim(at, houses, PORT, 0)
    plan(at, houses, court=20.5)
    send(at, houses[:4], CITY, Channel.irregular, day=12.5)
    PLANS.of(at).court[:] = 20.5
    die(at, at.households.head[houses[4:5]].astype(np.int64))
    at.households.status[houses[5]] = Status.irregular
    live_until(at, 31)
    assert decided(at, CC) == 4 * weight(at)
    status = at.households.status[houses]
    assert (status[:4] == Status.irregular).all()
    assert status[4] == Status.claimant
    assert status[5] == Status.irregular
    assert (status[6:] != Status.claimant).all()


@pytest.mark.parametrize("goal", [CITY, PORT])
def test_a_day_in_court_is_for_the_claim_for_which_it_was_set(goal):
    """A household that claims anew, there or elsewhere, waits anew: once more, and once only."""
    at = quiet(
        *SINGLE, NO_RETURNS, "policies.bb_courts.returns=0",
        "policies.bb_refuge.prima_facie=false", "policies.bb_queue.wait=0", AT_ONCE, MANY,
    )  # fmt: skip
    houses = houses_of(at, NORTH, 20)
    claim(at, houses, PORT, 0)
    send(at, houses, goal, day=12.5)
    PLANS.of(at).court[:] = 20.5
    live_until(at, 31)
    country = int(at.country[goal])
    everyone = 20 * weight(at)
    assert (at.households.status[houses] == Status.claimant).all()
    assert decided(at, BB) == decided(at, CC) == 0
    assert CLAIMED.of(at)[country, AA, ClaimStage.claimed] == everyone
    live_until(at, 200)
    assert decided(at, country) == everyone == decided(at, BB) + decided(at, CC)
    assert not len(claimants(at))


def test_who_claims_has_one_claim_and_it_is_decided_once():
    """Whatever else happens: in every country people are decided on who have claimed there."""
    at = world(small("population.demography=false", "blocs=[]", "decision.base_flight=.2"))
    seen = 0
    while at.day < 700:
        live_until(at, at.day + 25)
        plans = PLANS.of(at)
        assert (np.diff(plans.household) > 0).all()
        claimed = CLAIMED.of(at)
        over = claimed[:, :, ClaimStage.recognised] + claimed[:, :, ClaimStage.rejected]
        houses = claimants(at)
        pending = np.zeros_like(over)
        country = at.country[at.households.place[houses]]
        own = at.country[at.households.home[houses]]
        np.add.at(pending, (country, own), at.n_people(houses))
        # The others are those who left, or died on a later journey.
        assert (over + pending <= claimed[:, :, ClaimStage.claimed]).all()
        seen += int(pending.sum() > 0)
    assert seen > 10
    assert over.sum() > 20_000
    # Control: most claims end with a decision, so that to count some twice would show.
    assert over.sum() + pending.sum() > 0.6 * claimed[:, :, ClaimStage.claimed].sum()


def test_claimants_who_are_relocated_take_their_one_claim_along():
    at = quiet(*SINGLE, "policies.cc_queue.wait=1", NO_RETURNS, MANY)
    houses = houses_of(at, NORTH, 20)
    claim(at, houses, TOWN, 0)
    plan(at, houses[:10], court=45.0)
    live_until(at, 31)
    bring(at, houses, CC)
    assert claimants(at).tolist() == houses.tolist()
    assert (at.country[at.households.place[houses]] == CC).all()
    live_until(at, 60)
    # It waits anew, and is not decided on the day that a court of BB had set.
    assert decided(at, BB) == decided(at, CC) == 0
    live_until(at, 91)
    assert decided(at, BB) == 0
    assert decided(at, CC) == 20 * weight(at)


def test_the_first_country_takes_those_found_inadmissible():
    at = quiet(NO_CAMPS)
    RULES.of(at).return_to[:, CC] = BB
    enact(at)
    houses, more = np.split(houses_of(at, NORTH, 110), [100])
    send(at, houses, PORT)
    live_until(at, 6)
    assert (at.country[at.households.place[houses]] == BB).all()
    assert (at.households.place[houses] != CAMP).all()
    assert (at.households.status[houses] == Status.refugee).all()
    returned = HARMS.of(at)[WAYS + CC, AA, Harm.forced_return]
    assert returned == at.n_people(houses).sum()
    assert HARMS.of(at)[:, :, Harm.forced_return].sum() == returned
    # The rule is about foreigners: nobody is sent to their own country by it.
    RULES.of(at).return_to[:, CC] = AA
    enact(at)
    send(at, more, PORT, day=8.5)
    live_until(at, 9)
    assert (at.households.place[more] == PORT).all()


# Camps -------------------------------------------------------------------------------------------


def test_camps_take_the_share_that_rules_say_when_a_month_begins():
    at = quiet()
    at.geography.capacity[CAMP] = 1e12
    houses = houses_of(at, NORTH)
    send(at, houses, TOWN)
    live_until(at, 31)
    assert (at.households.place[houses] == TOWN).all()
    chosen = at.households.flags[houses] & TO_CAMP > 0
    assert near(chosen.sum(), len(houses), 0.4)
    live_until(at, 32)
    assert ((at.households.place[houses] == CAMP) == chosen).all()
    assert (at.households.place[houses[~chosen]] == TOWN).all()
    assert (at.households.status[houses] == Status.refugee).all()
    assert (at.households.moved[houses] == 5).all()
    assert not (at.households.flags[houses] & TO_CAMP).any()


def test_a_second_arrival_draws_anew():
    at = quiet()
    houses = houses_of(at, NORTH)
    send(at, houses, TOWN)
    live_until(at, 6)
    twice = houses[at.households.flags[houses] & TO_CAMP > 0]
    send(at, twice, CITY, day=6.5)
    live_until(at, 7)
    assert near((at.households.flags[twice] & TO_CAMP > 0).sum(), len(twice), 0.4)


def test_who_leaves_before_the_month_ends_is_not_taken_to_a_camp():
    at = quiet("policies.bb_refuge.encampment=1")
    houses = houses_of(at, NORTH, 40)
    send(at, houses, TOWN)
    live_until(at, 6)
    send(at, houses[:20], SOUTH, Channel.home, day=40.5)
    live_until(at, 32)
    assert (at.households.place[houses[:20]] == TOWN).all()
    assert (at.households.place[houses[20:]] == CAMP).all()


@pytest.mark.parametrize("room", [0, 1_000, 12_345])
def test_a_full_camp_takes_nobody_more(room):
    at = quiet("policies.bb_refuge.encampment=1")
    at.geography.capacity[CAMP] = room
    houses = houses_of(at, NORTH)
    w = weight(at)
    for part, month in zip(np.array_split(houses, 5), (0, 31, 60, 91, 121), strict=True):
        send(at, part, TOWN, day=month + 5.5)
        live_until(at, month + 32)
        inside = at.n_people(np.flatnonzero(at.households.place == CAMP)).sum()
        assert inside <= room
    assert inside > room - 13 * w
    # Those who leave make room.
    at.households.place[at.households.place == CAMP] = CITY
    one = houses[at.households.size[houses] == 1][:1]
    at.households.flags[one] |= TO_CAMP
    live_until(at, 183)
    assert (at.households.place[one[0]] == CAMP) == (room > 0)


def test_who_gets_into_a_camp_is_no_matter_of_rows():
    lists = []
    for order in (None, -1):
        at = quiet("policies.bb_refuge.encampment=1")
        n = len(at.households.ident)
        if order is not None:
            at = world(at.scenario, at.seed, order=np.arange(n)[::-1].copy())
        at.geography.capacity[CAMP] = 9_000
        send(at, houses_of(at, NORTH), TOWN)
        live_until(at, 32)
        lists.append(set(at.households.ident[at.households.place == CAMP]))
    assert lists[0] == lists[1]
    assert len(lists[0]) > 10


# Orders to leave ---------------------------------------------------------------------------------


def ordered_to_leave(*changes: str) -> tuple[World, I64]:
    """People from the north in the port, ordered to leave on the first day."""
    at = quiet(*SINGLE, *changes)
    houses = houses_of(at, NORTH)
    at.households.place[houses], at.households.status[houses] = PORT, Status.ordered
    at.households.since[houses] = 0
    return at, houses


@pytest.mark.parametrize("days", [1, 30, 365])
def test_return_orders_are_carried_out_at_their_rate(days):
    at, houses = ordered_to_leave("policies.cc_courts.returns=.6")
    bystanders = houses[::10]
    at.households.status[bystanders] = Status.refugee
    ordered = np.setdiff1d(houses, bystanders)
    live_until(at, days)
    gone = at.households.place[ordered] == NORTH
    assert near(gone.sum(), len(ordered), 1 - 0.4 ** (days / 365.25))
    assert (at.households.status[ordered[gone]] == Status.citizen).all()
    assert (at.households.status[ordered[~gone]] == Status.ordered).all()
    assert (at.households.place[bystanders] == PORT).all()
    assert (at.households.status[bystanders] == Status.refugee).all()
    back = HARMS.of(at)[WAYS + CC, AA, Harm.forced_return]
    assert back == gone.sum() * weight(quiet(*SINGLE))
    dates = at.households.moved[ordered[gone]]
    assert dates.min() >= 0
    assert dates.max() < days


def test_who_is_returned_starts_anew_without_grounds():
    at, houses = ordered_to_leave("policies.cc_courts.returns=.6")
    at.households.flags[houses] |= GROUNDS
    live_until(at, 365)
    grounds, gone = at.households.flags[houses] & GROUNDS > 0, at.households.place[houses] == NORTH
    assert set(gone) == {True, False}
    # Control: who is still there has fled what gives grounds.
    np.testing.assert_array_equal(grounds, ~gone)


@pytest.mark.parametrize("step", [7, 31])
def test_an_order_that_is_not_carried_out_in_time_lapses(step):
    at, houses = ordered_to_leave(
        "policies.cc_courts.returns=.6", "policies.cc_courts.orders_last=6"
    )
    live_until(at, 182, step)
    assert set(at.households.status[houses]) == {Status.citizen, Status.ordered}
    live_until(at, 182 + step, step)
    # Whatever the step, nobody is removed after the day on which the order lapsed.
    stayed = at.households.place[houses] == PORT
    assert near(stayed.sum(), len(houses), 0.4**0.5)
    assert at.households.moved[houses[~stayed]].max() <= 182
    assert (at.households.status[houses[stayed]] == Status.irregular).all()
    assert (at.households.since[houses[stayed]] == 182).all()
    live_until(at, 700)
    assert (at.households.place[houses[stayed]] == PORT).all()
    # Control: an order that lasts for the two years of this world does not lapse.
    lasting, houses = ordered_to_leave(NO_RETURNS)
    live_until(lasting, 700)
    assert (lasting.households.status[houses] == Status.ordered).all()


def test_who_is_ordered_again_leaves_under_the_new_order():
    at, houses = ordered_to_leave(NO_RETURNS, "policies.cc_courts.orders_last=6")
    at.households.since[houses[:20]] = 100
    live_until(at, 200)
    assert (at.households.status[houses[:20]] == Status.ordered).all()
    assert (at.households.status[houses[20:]] == Status.irregular).all()


def test_claims_that_are_rejected_end_in_orders_of_the_day_of_decision():
    rules = (
        NO_RETURNS, "policies.cc_courts.recognition=0", "policies.cc_courts.false_recognition=0",
    )  # fmt: skip
    at = quiet(*SINGLE, *rules, "policies.cc_queue.wait=1")
    RULES.of(at).capacity[:] = np.inf
    enact(at)
    houses = houses_of(at, NORTH, 30)
    send(at, houses, PORT)
    live_until(at, 60)
    assert (at.households.status[houses] == Status.ordered).all()
    assert (at.households.since[houses] == int(5 + 30.4375)).all()
    # Where courts can decide so many a year, on the day by which they can: one a day.
    daily = 365.25 * weight(at)
    at = quiet(*SINGLE, *rules, AT_ONCE, f"policies.cc_courts.capacity={daily}")
    send(at, houses[:10], PORT)
    live_until(at, 60)
    assert (at.households.status[houses[:10]] == Status.ordered).all()
    assert sorted(at.households.since[houses[:10]]) == list(range(32, 42))


# Regularisation ----------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [30, 365])
def test_the_irregular_are_regularised_at_their_rate(days):
    at = quiet("policies.cc_courts.regularisation=.6")
    houses = houses_of(at, NORTH)
    at.households.place[houses], at.households.status[houses] = PORT, Status.irregular
    others = houses_of(at, SOUTH)
    at.households.place[others], at.households.status[others] = CITY, Status.irregular
    live_until(at, days)
    given = at.households.status[houses] == Status.regular
    assert near(given.sum(), len(houses), 1 - 0.4 ** (days / 365.25))
    assert set(at.households.status[houses]) == {Status.regular, Status.irregular}
    # From the day on which it was given.
    since = at.households.since[houses[given]]
    assert since.min() >= 0
    assert since.max() < days
    assert since.max() > 0.8 * days
    # Control: where no rule speaks nobody is.
    assert (at.households.status[others] == Status.irregular).all()


def test_who_comes_without_leave_may_be_given_leave_from_that_day_on():
    at = quiet("policies.cc_courts.regularisation=1")
    houses = houses_of(at, NORTH)
    send(at, houses, PORT, Channel.irregular, day=15.5)
    live_until(at, 31)
    given = at.households.status[houses] == Status.regular
    assert near(given.sum(), len(houses), 1 - 1e-6 ** (15.5 / 365.25))
    assert at.households.since[houses[given]].min() >= 15
    assert (at.households.since[houses[~given]] == 15).all()
    live_until(at, 500)
    assert (at.households.status[houses] == Status.regular).mean() > 0.99


# Family ------------------------------------------------------------------------------------------


def pioneer_of(at: World) -> tuple[int, int]:
    """Household of somebody who has left one, and that of those left behind, without kin abroad."""
    rest = int(houses_of(at, NORTH, least=3)[0])
    pioneer = let_leave(at, int(np.flatnonzero(at.persons.household == rest)[-1]))
    at.households.kin[[rest, pioneer]] = 0
    return pioneer, rest


def test_a_pioneer_tells_those_at_home_where_their_family_is():
    at = quiet()
    pioneer, rest = pioneer_of(at)
    send(at, np.array([pioneer]), PORT, Channel.labour)
    live_until(at, 31)
    assert at.households.status[pioneer] == Status.regular
    assert at.households.kin[rest] == 0
    # The news arrives when the next month begins.
    live_until(at, 32)
    assert at.households.kin[rest] == CC + 1
    assert at.households.kin[pioneer] == 0


@pytest.mark.parametrize("recognised", [True, False])
def test_recognition_after_a_procedure_opens_the_family_channel_to_those_at_home(recognised):
    rules = [f"policies.cc_courts.{it}={int(recognised)}" for it in
             ("recognition", "false_recognition")]  # fmt: skip
    at = quiet("policies.cc_queue.wait=2", MANY, NO_RETURNS,
               *rules)  # fmt: skip
    pioneer, rest = pioneer_of(at)
    send(at, np.array([pioneer]), PORT)
    live_until(at, 61)
    assert at.households.status[pioneer] == Status.claimant
    assert at.households.kin[rest] == 0
    live_until(at, 92)
    assert at.households.status[pioneer] == (Status.refugee if recognised else Status.ordered)
    assert at.households.kin[rest] == (CC + 1 if recognised else 0)


@pytest.mark.parametrize("rate", [0, 1])
def test_regularisation_opens_the_family_channel_to_those_at_home(rate):
    at = quiet(f"policies.cc_courts.regularisation={rate}")
    pioneer, rest = pioneer_of(at)
    send(at, np.array([pioneer]), PORT, Channel.irregular)
    live_until(at, 6)
    assert at.households.status[pioneer] == Status.irregular
    assert at.households.kin[rest] == 0
    # Of those who are regularised at the highest rate, one in a million is left after a year.
    live_until(at, 397)
    assert at.households.status[pioneer] == (Status.regular if rate else Status.irregular)
    assert at.households.kin[rest] == (CC + 1 if rate else 0)
