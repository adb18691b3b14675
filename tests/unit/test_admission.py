"""Regular channels: applications, lotteries, quotas, waits, what people expect of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from sim.core.jit import kernel
from sim.core.state import F64, I64
from sim.core.terms import Activity, Channel, Companions, Status
from sim.engine.step import advance
from sim.kernels.departure import is_queued
from sim.mechanisms.admission import admit, allowance, serve
from sim.mechanisms.knowledge import LONGEST_WAIT, know, prospects
from sim.mechanisms.law import LAW
from sim.mechanisms.lives import setting_of
from sim.mechanisms.plans import PLANS, keep, waiting
from sim.mechanisms.policy import CLASSES, RULES, admission_class
from sim.model.segment import segment_of
from sim.model.world import World
from tests.lives import enact, hand_in, houses_of, live_until, plans_of, quiet, send
from tests.small import (
    AA,
    BB,
    CAPITAL,
    CC,
    CITY,
    NORTH,
    Tables,
    differing,
    edited,
    small,
    tables,
    world,
)

FOUNDED = 1
LABOUR = int(Channel.labour)
NO_REFUGE = "policies.bb_refuge.prima_facie=false"
NO_WAIT = "policies.bb_work.wait=0"
MONTHS = np.cumsum([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31,
                    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31])  # fmt: skip
"""Days on which months begin, from the second on."""


def sizes_of(at: World, houses: I64) -> I64:
    return at.households.size[houses].astype(np.int64)


def weight(at: World) -> int:
    """People that each of those at home in the north represents."""
    (found,) = np.unique(at.households.weight[houses_of(at, NORTH)])
    return int(found)


def limit(at: World, quota: float, wait: float = 0.0) -> World:
    """Set the quota on work in BB, in people a year, and the wait, in months."""
    RULES.of(at).quota[BB, LABOUR] = quota
    RULES.of(at).wait[:, BB, LABOUR] = wait
    enact(at)
    return at


def begin(at: World, day: int) -> None:
    """Let the month that begins on a day admit applicants."""
    at.day, at.month_began = day, day - 1
    first = int(np.searchsorted(MONTHS, day))
    admit(at, segment_of(at, int(MONTHS[first + 1])))


def months(at: World, n: int) -> Iterator[tuple[int, int, I64, F64]]:
    """Admit for months in turn, and let them leave: (first day, last, households, their days)."""
    for first, last in pairwise(MONTHS[: n + 1]):
        begin(at, int(first))
        plans = PLANS.of(at)
        there = np.isfinite(plans.due)
        yield int(first), int(last), plans.household[there], plans.due[there]
        at.households.activity[plans.household[there]] = Activity.resident
        keep(at, plans)


@pytest.mark.parametrize("limited", [True, False])
def test_applicants_wait_where_they_live(limited):
    """Where there is no quota, from the day of their application, for the rule's own two months."""
    at = world(small("decision.base_livelihood=20", "decision.flight_norm=1"))
    if not limited:
        RULES.of(at).quota[:] = np.inf
        enact(at)
    place, status = at.households.place.copy(), at.households.status.copy()
    advance(at)
    households, plans = at.households, PLANS.of(at)
    mine = waiting(at, plans) & (plans.channel == LABOUR) & (at.country[plans.goal] == BB)
    assert mine.sum() > 20
    plans = type(plans)(*(column[mine] for column in plans))
    houses = plans.household
    # But for those who have moved in this month, some as a household of their own.
    still = houses[households.moved[houses] < 0]
    assert len(still) > 20
    assert (households.place[still] == place[still]).all()
    assert (households.status[still] == status[still]).all()
    assert ((plans.filed > 0) & (plans.filed < 31)).all()
    assert len(np.unique(plans.filed)) == len(plans.filed)
    expected = np.inf if limited else plans.filed + 2 * 30.4375
    assert (plans.due == expected).all()


def test_every_application_is_that_of_a_household_that_waits():
    """One row each, ascending; nothing is left of those who went, died, or gave it up."""
    at = world(small("decision.base_livelihood=2", "decision.flight_norm=1"))
    seen = 0
    for _ in range(14):
        advance(at)
        plans, households = PLANS.of(at), at.households
        assert (np.diff(plans.household) > 0).all()
        applied = np.flatnonzero(households.activity == Activity.waiting)
        assert plans.household[waiting(at, plans)].tolist() == applied.tolist()
        others = households.activity[plans.household[~np.isfinite(plans.court)]]
        active = [Activity.waiting, Activity.travelling, Activity.detained, Activity.captive]
        assert np.isin(others, active).all()
        seen += len(applied)
    assert seen > 500


def test_an_allowance_adds_up_over_any_days():
    for yearly in (24_000.0, 100.3, 7.0, 0.0):
        for edges in ([0, 31, 60, 400], [0, *range(1, 401)], [0, 400]):
            parts = [allowance(yearly, a, b) for a, b in pairwise(edges)]
            assert sum(parts) == int(yearly * 400 / 365.25)


@pytest.mark.parametrize("yearly", [240.0, 700.0])
def test_who_is_next_is_served_with_what_is_left_and_otherwise_it_is_lost(yearly):
    sizes = np.array([3, 50, 1, 2, 8])
    left = served = given = 0
    for month in range(24):
        allowed = allowance(yearly, 30 * month, 30 * month + 30)
        given += allowed
        n, used, left = serve(sizes[served:], left, allowed)
        assert used.tolist() == np.cumsum(sizes[served:])[:n].tolist()
        served += n
        following = sizes[served] if served < len(sizes) else 0
        # Nobody is served with more than there is, and nobody waits who could be served.
        assert sizes[:served].sum() <= given
        assert left <= following
        assert left < following or served == len(sizes)
    assert served == len(sizes)
    assert left == 0


def test_a_quota_holds_within_one_household_and_is_used():
    at = limit(quiet(), 24_000)
    houses = houses_of(at, NORTH)
    hand_in(at, houses, CITY)
    w = weight(at)
    size = sizes_of(at, houses)
    admitted = 0
    for first, last, found, due in months(at, 23):
        admitted += int(sizes_of(at, found).sum()) * w
        able = 24_000 * (last - MONTHS[0]) / 365.25
        assert admitted <= able + 1
        assert admitted >= able - size.max() * w - 1
        assert ((due >= first) & (due <= last)).all()
    assert len(PLANS.of(at).household)


@pytest.mark.parametrize("step", [1, 31])
def test_who_has_leave_to_go_goes_on_that_day(step):
    at = quiet(NO_REFUGE)
    houses = houses_of(at, NORTH, 60)
    hand_in(at, houses, CITY)
    PLANS.of(at).due[:20], PLANS.of(at).due[20:40] = 10.5, 200.0
    live_until(at, 10, step)
    assert (at.households.activity[houses] == Activity.waiting).all()
    live_until(at, 11, step)
    assert (at.households.activity[houses[:20]] == Activity.travelling).all()
    assert (at.households.moved[houses[:20]] == 10).all()
    # Regular travel takes two days.
    assert (plans_of(at, houses[:20]).due == 12.5).all()
    live_until(at, 31, step)
    assert (at.households.place[houses[:20]] == CITY).all()
    assert (at.households.status[houses[:20]] == Status.regular).all()
    assert (at.households.moved[houses[:20]] == 12).all()
    assert (at.households.activity[houses[20:]] == Activity.waiting).all()
    assert (at.households.place[houses[20:]] == NORTH).all()
    assert PLANS.of(at).household.tolist() == houses[20:].tolist()


def test_a_month_admits_whom_its_days_would():
    found = []
    for step in (1, 7, 31):
        at = quiet("policies.bb_work.quota=600000", "policies.bb_work.wait=1.5")
        houses = houses_of(at, NORTH)
        hand_in(at, houses, CITY)
        live_until(at, 131, step)
        found.append(at.households)
    moved = found[0].moved[houses]
    for other in found[1:]:
        for name, one, its in zip(other._fields, found[0], other, strict=True):
            assert (one == its).all(), name
    # Control: some are admitted early, others late, and some are not.
    gone = found[0].place[houses] == CITY
    assert 0.05 < gone.mean() < 0.9
    assert np.ptp(moved[gone]) > 50


def test_people_are_admitted_as_the_quota_grows():
    at = limit(quiet(), 24_000)
    houses = houses_of(at, NORTH)
    hand_in(at, houses, CITY)
    largest = int(at.n_people(houses).max())
    everyone, days = [], []
    for _, _, found, due in months(at, 12):
        everyone.append(at.n_people(found))
        days.append(due)
    people, day = np.concatenate(everyone), np.concatenate(days)
    order = np.argsort(day)
    so_far = np.cumsum(people[order])
    able = 24_000 * (day[order] - MONTHS[0]) / 365.25
    # Within a month they are spread over its days; parts of a household carry over.
    assert (so_far <= able + 2).all()
    assert (so_far >= able - largest - 2).all()


def test_an_unused_quota_does_not_add_up():
    at = limit(quiet(), 24_000)
    first, rest = np.split(houses_of(at, NORTH), [1])
    hand_in(at, first, CITY)
    for _ in months(at, 12):
        pass
    hand_in(at, rest, CITY, day=365.0)
    begin(at, 366)
    houses = PLANS.of(at).household[np.isfinite(PLANS.of(at).due)]
    n = int(at.n_people(houses).sum())
    assert 0 < n <= allowance(24_000, 366, 397)


def test_an_exhausted_quota_admits_nobody():
    at = limit(quiet(), 0)
    hand_in(at, houses_of(at, NORTH, 50), CITY)
    assert sum(len(found) for _, _, found, _ in months(at, 12)) == 0
    assert len(PLANS.of(at).household) == 50


@pytest.mark.parametrize("quota", [9_000_000, np.inf])
def test_a_channel_that_closes_admits_none_of_those_who_applied(quota):
    at = limit(quiet(), quota)
    houses = houses_of(at, NORTH, 60)
    hand_in(at, houses, CITY)
    RULES.of(at).open[:, BB, LABOUR] = False
    enact(at)
    begin(at, 31)
    assert np.isinf(PLANS.of(at).due).all()
    # Control: once it opens again it admits them.
    RULES.of(at).open[:, BB, LABOUR] = True
    enact(at)
    begin(at, 60)
    assert PLANS.of(at).household.tolist() == houses.tolist()
    assert (PLANS.of(at).due >= 60).all()
    assert (PLANS.of(at).due <= 91).all()


def test_a_quota_of_nil_is_a_closed_channel(tmp_path):
    """The same tables as by `open: false`, those who had applied before included."""

    def year(rule: dict[str, Any]) -> Tables:
        def change(text: dict[str, Any]) -> None:
            text["time"]["end"] = "2020-12"
            common = {"id": "shut", "into": "BB", "channel": "labour", "start": "2020-05-10"}
            text["policies"].append(common | rule)

        return tables(edited(tmp_path, change))

    nil, shut, open_ = year({"quota": 0}), year({"open": False}), year({"open": True})
    assert not differing(nil, shut)

    def late(of: Tables) -> float:
        labour = of["flows"][(of["flows"].channel == "labour") & (of["flows"].date > "2020-08")]
        return float(labour.departed[labour.destination.isin(["BB_T", "BB_C"])].sum())

    # Two months after the channel has closed all who were admitted before have left.
    assert late(open_) > 500
    assert late(nil) == 0


def test_admission_is_a_lottery_and_no_matter_of_rows():
    drawn = []
    for order in (None, -1):
        at = quiet()
        if order is not None:
            at = quiet(order=np.arange(len(at.households.ident))[::-1].copy())
        limit(at, 600_000)
        houses = houses_of(at, NORTH)
        hand_in(at, houses, CITY)
        begin(at, 31)
        admitted = PLANS.of(at).household[np.isfinite(PLANS.of(at).due)]
        drawn.append({int(one) for one in at.households.ident[admitted]})
    assert drawn[0] == drawn[1]
    ranks = np.searchsorted(np.sort(at.households.ident[houses]), list(drawn[0])) / len(houses)
    assert len(ranks) > 50
    assert 0.35 < ranks.mean() < 0.65


def test_each_channel_and_country_has_its_own_quota():
    at = quiet()
    RULES.of(at).quota[BB, LABOUR], RULES.of(at).quota[CC, LABOUR] = 0, np.inf
    RULES.of(at).wait[:] = 0
    enact(at)
    houses = houses_of(at, NORTH, 60)
    goals = np.repeat([CITY, CAPITAL], 30)
    hand_in(at, houses, goals)
    begin(at, 31)
    admitted = np.isfinite(PLANS.of(at).due)
    assert PLANS.of(at).household[admitted].tolist() == houses[30:].tolist()
    assert set(PLANS.of(at).goal[admitted]) == {CAPITAL}


def test_an_application_lapses_after_two_years():
    at = limit(quiet(), 0)
    houses = houses_of(at, NORTH, 20)
    hand_in(at, houses, CITY, day=1.0)
    PLANS.of(at).filed[:5] = 0.5
    begin(at, 700)
    assert (at.households.activity[houses] == Activity.waiting).all()
    begin(at, 731)
    assert (at.households.activity[houses[:5]] == Activity.resident).all()
    assert (at.households.activity[houses[5:]] == Activity.waiting).all()


@pytest.mark.parametrize("companions", [Companions.pioneer, Companions.child])
def test_those_whom_someone_leaves_wait_no_more(companions):
    at = quiet(NO_REFUGE)
    houses = houses_of(at, NORTH, 40, least=3)
    sizes = sizes_of(at, houses)
    hand_in(at, houses, CITY, due=10.5, companions=companions)
    n = len(at.households.ident)
    live_until(at, 31)
    households = at.households
    assert (households.activity[houses] == Activity.resident).all()
    assert (households.place[houses] == NORTH).all()
    ahead = n + np.flatnonzero(households.size[n:])
    assert len(ahead) > 5
    assert (households.size[ahead] == 1).all()
    assert (households.place[ahead] == CITY).all()
    assert (households.status[ahead] == Status.regular).all()
    # One of each has gone, where there was such a member.
    assert (sizes - sizes_of(at, houses)).sum() == len(ahead)
    assert (sizes - sizes_of(at, houses)).max() == 1
    assert not len(PLANS.of(at).household)


def test_a_pioneer_counts_as_one_against_the_quota():
    at = quiet()
    limit(at, 12 * 10.5 * weight(at))
    hand_in(at, houses_of(at, NORTH, 40, least=4), CITY, companions=Companions.pioneer)
    begin(at, 31)
    assert np.isfinite(PLANS.of(at).due).sum() == 10


def test_the_admitted_pay_fee_and_fare_when_they_leave():
    at = quiet(NO_WAIT, "policies.bb_work.quota=9000000")
    live_until(at, 1)
    houses = houses_of(at, NORTH, 40)
    at.households.means[:] = 50_000
    hand_in(at, houses, CITY, day=1.0, due=2.5)
    live_until(at, 2)
    assert (at.households.means[houses] == 50_000).all()
    live_until(at, 5)
    price = 100 + 0.1 * at.network.km[NORTH, CITY]
    paid = 50_000 - at.households.means[houses]
    np.testing.assert_allclose(paid, price * sizes_of(at, houses), rtol=1e-3)


@kernel
def queued(households, houses, goals, channels, setting, law, classes):
    """Whether there is a queue before each household."""
    found = np.empty(houses.shape[0], np.bool_)
    for i in range(houses.shape[0]):
        found[i] = is_queued(households, houses[i], goals[i], channels[i], setting, law, classes)
    return found


def test_queues_are_where_rules_set_quotas_or_waits():
    at = quiet()
    houses = houses_of(at, NORTH, 4)
    goal = np.array([CITY, CITY, CITY, NORTH])
    channel = np.array([Channel.labour, Channel.asylum, Channel.irregular, Channel.internal])

    def found() -> list[bool]:
        setting = setting_of(at, segment_of(at, 31))
        args = houses, goal, channel.astype(np.int64), setting, LAW.of(at), CLASSES.of(at)
        return queued(at.households, *args).tolist()

    assert found() == [True, False, False, False]
    RULES.of(at).quota[BB, LABOUR] = np.inf
    enact(at)
    assert found()[0]
    RULES.of(at).wait[:, BB, LABOUR] = 0
    enact(at)
    assert not found()[0]


def test_the_naturalised_wait_for_as_long_as_their_new_nationality():
    at = quiet()
    houses = houses_of(at, NORTH, 2)
    at.households.citizenship[houses[1]] = CC
    own = admission_class(at, houses)
    assert own[0] != own[1]
    RULES.of(at).wait[own[1], BB, LABOUR] = 7
    RULES.of(at).quota[BB, LABOUR] = np.inf
    enact(at)
    hand_in(at, houses, CITY)
    begin(at, 31)
    assert plans_of(at, houses).due == pytest.approx([31 + 2 * 30.4375, 31 + 7 * 30.4375])


def test_who_has_left_is_no_applicant():
    at = limit(quiet(), np.inf)
    houses = houses_of(at, NORTH, 30)
    hand_in(at, houses, CITY)
    send(at, houses[:10], CITY, Channel.irregular, day=40.5)
    begin(at, 31)
    assert (PLANS.of(at).due[:10] == 40.5).all()
    assert know(at).applicants[BB, LABOUR] == at.n_people(houses[10:]).sum()


def seen(at: World) -> tuple[F64, F64]:
    return prospects(RULES.of(at), know(at))


def test_people_expect_what_the_queue_tells_them():
    at = quiet()
    chance, wait = seen(at)
    k = 0
    assert chance[FOUNDED, k, BB, LABOUR] == 1
    assert wait[k, BB, LABOUR] == 2
    houses = houses_of(at, NORTH, 300)
    hand_in(at, houses, CITY)
    pending = int(sizes_of(at, houses).sum()) * weight(at)
    chance, wait = seen(at)
    assert chance[FOUNDED, k, BB, LABOUR] == pytest.approx(25_000 / (25_000 + pending))
    assert wait[k, BB, LABOUR] == pytest.approx(2 + 12 * pending / 25_000)
    assert chance[FOUNDED, k, CC, LABOUR] == 1
    # Who goes ahead alone stands in the queue alone.
    PLANS.of(at).companions[:] = Companions.pioneer
    chance, wait = seen(at)
    alone = len(houses) * weight(at)
    assert chance[FOUNDED, k, BB, LABOUR] == pytest.approx(25_000 / (25_000 + alone))
    assert wait[k, BB, LABOUR] == pytest.approx(2 + 12 * alone / 25_000)
    RULES.of(at).quota[BB, LABOUR] = 0
    chance, _ = seen(at)
    assert chance[FOUNDED, k, BB, LABOUR] == 0
    RULES.of(at).quota[BB, LABOUR] = 1
    _, wait = seen(at)
    assert wait[k, BB, LABOUR] == LONGEST_WAIT
    # Asylum: recognition, certain where protection needs no procedure, none where claims are not
    # admitted.
    asylum = int(Channel.asylum)
    chance, wait = seen(at)
    assert chance[FOUNDED, AA, BB, asylum] == 1
    assert wait[AA, BB, asylum] == 0
    assert chance[FOUNDED, AA, CC, asylum] == 0.5
    assert chance[0, AA, CC, asylum] == RULES.of(at).false_recognition[AA, CC] < 0.5
    RULES.of(at).return_to[AA, CC] = BB
    assert seen(at)[0][FOUNDED, AA, CC, asylum] == 0
