"""Regular channels: applications, lotteries, quotas, waits, what people expect of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim.core.state import F64, I64, Reasons
from sim.core.terms import Activity, Channel, Companions
from sim.engine.step import advance
from sim.mechanisms.admission import APPLICATIONS, admit, is_queued, submit
from sim.mechanisms.decide import all_households, asked_until, departures
from sim.mechanisms.knowledge import LONGEST_WAIT, know, prospects
from sim.mechanisms.policy import RULES
from sim.mechanisms.rounds import latest
from sim.model.world import World
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
from tests.worlds import prepare

FOUNDED = 1
LABOUR = int(Channel.labour)


def started(*changes: str, **options) -> World:
    at = world(
        small(
            "population.agents=20000", "decision.base_livelihood=1", "decision.flight_norm=1",
            *changes,
        ),
        **options,
    )  # fmt: skip
    prepare(at)
    return at


def houses_of(at: World, place: int, n: int = 10**9) -> I64:
    """Households at home in a place."""
    households = at.households
    return np.flatnonzero((households.place == place) & (households.home == place))[:n]


def sizes_of(at: World, houses: I64) -> I64:
    return at.households.size[houses].astype(np.int64)


def weight(at: World) -> int:
    """People that a person represents."""
    return int(at.households.weight[0])


def hand_in(
    at: World,
    houses: I64,
    goal: int = CITY,
    day: float = 0.0,
    companions: Companions = Companions.whole,
) -> None:
    n = len(houses)
    submit(
        at, houses, np.full(n, goal), np.full(n, LABOUR), np.full(n, int(companions)),
        Reasons(np.zeros(n, np.int64), np.zeros(n, np.int64)), np.full(n, day),
    )  # fmt: skip


def months(at: World, n: int, length: float = 365.25 / 12):
    """Admit for months in turn; yields (years gone, those who may travel)."""
    for i in range(n):
        at.day = round(i * length)
        end = round((i + 1) * length)
        yield (end / 365.25, admit(at, end))


def test_applicants_wait_where_they_live():
    at = started()
    houses = houses_of(at, NORTH, 50)
    hand_in(at, houses)
    theirs = np.zeros(len(at.households.ident), bool)
    theirs[houses] = True
    assert (at.households.activity[theirs] == Activity.waiting).all()
    assert (at.households.place[theirs] == NORTH).all()
    assert not (at.households.activity[~theirs] == Activity.waiting).any()


def test_without_a_quota_one_waits_from_the_day_of_application():
    at = started()
    RULES.of(at).quota[:] = np.inf
    houses = houses_of(at, NORTH, 100)
    hand_in(at, houses, day=12.5)
    found = {}
    for years, ready in months(at, 4):
        found |= dict.fromkeys(ready["household"].tolist(), years)
        assert (ready["ready"] == 12.5 + 2 * 30.4375).all()
    assert found == dict.fromkeys(houses.tolist(), round(3 * 365.25 / 12) / 365.25)
    assert not len(APPLICATIONS.of(at).household)


@pytest.mark.parametrize("length", [1.0, 7.0, 365.25 / 12])
def test_a_quota_holds_within_one_household_and_is_used(length):
    at = started()
    RULES.of(at).quota[BB, LABOUR] = 24_000
    RULES.of(at).wait[:] = 0
    houses = houses_of(at, NORTH)
    hand_in(at, houses)
    w = weight(at)
    size = sizes_of(at, houses)
    admitted = 0
    for years, ready in months(at, round(2 * 365.25 / length), length):
        admitted += int(sizes_of(at, ready["household"]).sum()) * w
        assert admitted <= 24_000 * years + 1e-6
        assert admitted >= 24_000 * years - size.max() * w
        assert (ready["ready"] >= at.day).all()
    assert len(APPLICATIONS.of(at).household)


def test_who_has_leave_to_go_is_asked_until_that_day_and_once():
    at = started()
    houses = houses_of(at, NORTH, 60)
    hand_in(at, houses)
    APPLICATIONS.of(at).ready[:20], APPLICATIONS.of(at).ready[20:40] = 10.5, 200.0
    leaving = departures(at, 31)
    n = len(at.households.ident)
    parts = [
        asked_until(at, at.list_households(first, last).deciding, 31, leaving)
        for first, last in ((0, 100), (100, 100), (100, 2000), (2000, n))
    ]
    asked = all_households(at, 31)
    for name in ("houses", "since", "until", "new"):
        column = getattr(asked, name)
        assert (np.concatenate([getattr(part, name) for part in parts]) == column).all(), name
    days = dict(zip(asked.houses.tolist(), asked.until.tolist(), strict=True))
    assert [days.pop(house) for house in houses.tolist()] == [10.5] * 20 + [31.0] * 40
    assert set(days.values()) == {31.0}
    # Who sends one ahead before that day and another on it is asked once more, from that day.
    rows, since = latest(np.array([7, 5, 7, 6]), np.array([3.0, 4.0, 10.5, 2.0]))
    assert rows.tolist() == [5, 6, 7]
    assert since.tolist() == [4.0, 2.0, 10.5]
    nobody, never = latest(np.empty(0, np.int64), np.empty(0))
    assert len(nobody) == len(never) == 0


def test_a_month_admits_whom_its_days_would():
    found, applied = [], {}
    for length in (1.0, 365.25 / 12):
        at = started()
        RULES.of(at).quota[BB, LABOUR] = 1_500_000
        houses = houses_of(at, NORTH, 3000)
        for i, some in enumerate(np.array_split(houses, 80)):
            hand_in(at, some, day=i + 0.3)
            applied |= dict.fromkeys(some.tolist(), i + 0.3)
        admitted = {}
        for _, ready in months(at, round(180 / length), length):
            admitted |= dict(zip(ready["household"].tolist(), ready["ready"].tolist(), strict=True))
        found.append(admitted)
    day, month = ({house: on for house, on in them.items() if on <= 180} for them in found)
    assert len(day) > 500
    assert day == pytest.approx(month)
    # Control: some wait for room, others for nothing but the rule's own two months.
    waits = np.array([month[house] - applied[house] - 60.875 for house in month])
    assert (waits < 1e-6).mean() > 0.1
    assert (waits > 1.0).mean() > 0.1


def test_people_are_admitted_as_the_quota_grows():
    """A longer step lets nobody in earlier."""
    days = []
    for length in (1.0, 91.0):
        at = started()
        RULES.of(at).quota[BB, LABOUR] = 24_000
        RULES.of(at).wait[:] = 0
        houses = houses_of(at, NORTH)
        hand_in(at, houses)
        ready = [r["ready"] for _, r in months(at, round(364 / length), length)]
        days.append(np.sort(np.concatenate(ready)))
    assert len(days[0]) == pytest.approx(len(days[1]), abs=1)
    n = min(map(len, days))
    np.testing.assert_allclose(days[0][:n], days[1][:n], atol=1.5)


def test_an_unused_quota_does_not_add_up():
    at = started()
    RULES.of(at).quota[BB, LABOUR] = 24_000
    RULES.of(at).wait[:] = 0
    first, rest = np.split(houses_of(at, NORTH), [1])
    hand_in(at, first)
    for _ in months(at, 12):
        pass
    hand_in(at, rest, day=365.0)
    at.day = 365
    ready = admit(at, 396)
    n = int(sizes_of(at, ready["household"]).sum()) * weight(at)
    assert n <= 24_000 * 31 / 365.25 + 12 * weight(at)


def test_an_exhausted_quota_admits_nobody():
    at = started()
    RULES.of(at).quota[BB, LABOUR] = 0
    hand_in(at, houses_of(at, NORTH, 50))
    assert sum(len(ready["household"]) for _, ready in months(at, 12)) == 0
    assert len(APPLICATIONS.of(at).household) == 50


def test_a_channel_that_closes_admits_none_of_those_who_applied():
    at = started("policies.bb_work.wait=0", "policies.bb_work.quota=9000000")
    houses = houses_of(at, NORTH, 60)
    hand_in(at, houses)
    RULES.of(at).open[:, BB, LABOUR] = False
    assert not len(admit(at, 31)["household"])
    # Control: once it opens again it admits them.
    RULES.of(at).open[:, BB, LABOUR] = True
    assert set(admit(at, 62)["household"]) == set(houses)


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
        at = started()
        if order is not None:
            at = started(order=np.arange(len(at.households.ident))[::-1].copy())
        RULES.of(at).quota[BB, LABOUR] = 50_000
        RULES.of(at).wait[:] = 0
        houses = houses_of(at, NORTH)
        hand_in(at, houses[np.argsort(at.households.ident[houses])][::-1] if order else houses)
        admit(at, 31)
        admitted = np.setdiff1d(houses, APPLICATIONS.of(at).household)
        drawn.append({int(one) for one in at.households.ident[admitted]})
    assert drawn[0] == drawn[1]
    ranks = np.searchsorted(np.sort(at.households.ident[houses]), list(drawn[0])) / len(houses)
    assert 0.35 < ranks.mean() < 0.65


def test_each_channel_and_country_has_its_own_quota():
    at = started()
    RULES.of(at).quota[BB, LABOUR], RULES.of(at).quota[CC, LABOUR] = 0, np.inf
    RULES.of(at).wait[:] = 0
    houses = houses_of(at, NORTH, 60)
    hand_in(at, houses[:30], CITY)
    hand_in(at, houses[30:], CAPITAL)
    ready = admit(at, 31)
    assert set(ready["household"]) == set(houses[30:])
    assert set(ready["goal"]) == {CAPITAL}


def test_an_application_lapses_after_two_years():
    at = started()
    RULES.of(at).quota[BB, LABOUR] = 0
    houses = houses_of(at, NORTH, 20)
    hand_in(at, houses, day=3.0)
    at.day = 730 - 20
    admit(at, 730 + 3)
    assert len(APPLICATIONS.of(at).household) == 20
    admit(at, 730 + 4)
    assert not len(APPLICATIONS.of(at).household)
    assert (at.households.activity[houses] == Activity.resident).all()


def test_who_has_left_or_died_is_taken_off_the_list():
    at = started()
    houses = houses_of(at, NORTH, 30)
    hand_in(at, houses)
    at.households.activity[houses[:10]] = Activity.travelling
    at.households.activity[houses[10]] = Activity.dead
    admit(at, 31)
    assert set(APPLICATIONS.of(at).household) == set(houses[11:])


def test_those_whom_a_pioneer_leaves_wait_no_more():
    at = started()
    RULES.of(at).quota[:], RULES.of(at).wait[:] = np.inf, 0
    houses = houses_of(at, NORTH)
    houses = houses[sizes_of(at, houses) > 2][:40]
    hand_in(at, houses, companions=Companions.pioneer)
    ready = admit(at, 31)
    assert set(ready["household"]) == set(houses)
    assert (at.households.activity[houses] == Activity.resident).all()


def test_a_pioneer_counts_as_one_against_the_quota():
    at = started()
    RULES.of(at).wait[:] = 0
    RULES.of(at).quota[BB, LABOUR] = 12 * 10.5 * weight(at)
    houses = houses_of(at, NORTH)
    hand_in(at, houses[sizes_of(at, houses) > 3][:40], companions=Companions.pioneer)
    assert len(admit(at, 31)["household"]) == 10


def test_the_admitted_pay_fee_and_fare_when_they_leave():
    at = started(
        "policies.bb_work.wait=0", "policies.bb_work.quota=9000000", "decision.base_flight=0",
        "decision.base_livelihood=.000000001",
    )  # fmt: skip
    at.day = 1
    houses = houses_of(at, NORTH, 40)
    at.households.means[:] = 50_000
    before = at.households.means[houses].copy()
    hand_in(at, houses, day=1.0)
    advance(at)
    gone = at.households.activity[houses] != Activity.waiting
    gone &= at.households.place[houses] != NORTH
    price = 100 + 0.1 * at.network.km[NORTH, CITY]
    assert gone.sum() > 20
    paid = before[gone] - at.households.means[houses[gone]]
    np.testing.assert_allclose(paid, price * sizes_of(at, houses[gone]), rtol=1e-3)


def test_queues_are_where_rules_set_quotas_or_waits():
    at = started()
    houses = houses_of(at, NORTH, 4)
    goal = np.array([CITY, CITY, CITY, NORTH])
    channel = np.array([Channel.labour, Channel.asylum, Channel.irregular, Channel.internal])
    assert is_queued(at, houses, goal, channel).tolist() == [True, False, False, False]
    RULES.of(at).quota[BB, LABOUR] = np.inf
    assert is_queued(at, houses, goal, channel)[0]
    RULES.of(at).wait[:, BB, LABOUR] = 0
    assert not is_queued(at, houses, goal, channel)[0]


def seen(at: World) -> tuple[F64, F64]:
    return prospects(RULES.of(at), know(at))


def test_people_expect_what_the_queue_tells_them():
    at = started()
    chance, wait = seen(at)
    k = 0
    assert chance[FOUNDED, k, BB, LABOUR] == 1
    assert wait[k, BB, LABOUR] == 2
    houses = houses_of(at, NORTH, 300)
    hand_in(at, houses)
    pending = int(sizes_of(at, houses).sum()) * weight(at)
    chance, wait = seen(at)
    assert chance[FOUNDED, k, BB, LABOUR] == pytest.approx(25_000 / (25_000 + pending))
    assert wait[k, BB, LABOUR] == pytest.approx(2 + 12 * pending / 25_000)
    assert chance[FOUNDED, k, CC, LABOUR] == 1
    # Who goes ahead alone stands in the queue alone.
    APPLICATIONS.of(at).companions[:] = Companions.pioneer
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
