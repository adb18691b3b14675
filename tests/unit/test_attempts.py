"""Attempts: numbered by household until one arrives, and forgotten by whom a scenario says."""

from __future__ import annotations

import numpy as np
import pytest

from sim.core.state import I64, LONG_AGO
from sim.core.terms import Activity, Journey, Status
from sim.kernels.departure import MOST_ATTEMPTS
from sim.mechanisms.attempts import JOURNEYS
from sim.mechanisms.choice import CHOICES
from sim.mechanisms.law import LAW
from sim.model.world import World
from tests.unit.test_journey import (
    NORTH,
    PORT,
    TOWN,
    houses_of,
    move_on,
    only,
    safe,
    send,
    weight,
)
from tests.worlds import live_on

LEG = "AA_N_BB_T"


def try_once(at: World, houses: I64, stopped: float) -> None:
    """Send households off over a border that turns that share of parties back."""
    leg = only(at, LEG)
    CHOICES.of(at).way.intercepted[leg] = stopped
    CHOICES.of(at).way.custody.detained[:, leg] = 0.0
    CHOICES.of(at).way.custody.turned_back[:, leg] = 1.0
    send(at, houses, TOWN)
    move_on(at, at.day + 5)


def counted(at: World, outcome: Journey) -> list[int]:
    """People by attempt."""
    return [int(n) for n in JOURNEYS.of(at)[..., outcome].sum(axis=(0, 1, 3)) // weight(at)]


def number(at: World, houses: I64) -> I64:
    """[n] number of the next attempt of households."""
    return np.minimum(at.households.failed[houses].astype(np.int64) + 1, MOST_ATTEMPTS)


def test_attempts_are_numbered_until_one_arrives() -> None:
    at = safe("countries.AA.profile.household_size=1")
    houses = houses_of(at, NORTH, 300)
    n = len(houses)
    assert (number(at, houses) == 1).all()
    try_once(at, houses, 1.0)
    assert (number(at, houses) == 2).all()
    # The others of the place have not tried; half of those who do so again get through.
    assert (number(at, np.setdiff1d(houses_of(at, NORTH), houses)) == 1).all()
    try_once(at, houses, 0.5)
    arrived = houses[at.households.place[houses] == TOWN]
    assert 0.3 * n < len(arrived) < 0.7 * n
    assert (number(at, arrived) == 1).all()
    assert (number(at, np.setdiff1d(houses, arrived)) == 3).all()
    assert counted(at, Journey.departed)[:3] == [n, n, 0]
    assert counted(at, Journey.arrived)[:3] == [0, len(arrived), 0]
    assert counted(at, Journey.failed)[:3] == [n, n - len(arrived), 0]
    rest = np.setdiff1d(houses, arrived)
    # The tenth and all later ones count as one.
    for _ in range(MOST_ATTEMPTS):
        try_once(at, rest, 1.0)
    assert (number(at, rest) == MOST_ATTEMPTS).all()
    m = len(rest)
    assert counted(at, Journey.departed) == [n, n, *[m] * (MOST_ATTEMPTS - 3), 3 * m]
    assert counted(at, Journey.failed) == [n, m, *[m] * (MOST_ATTEMPTS - 3), 3 * m]


@pytest.mark.parametrize("rests", [True, False])
def test_who_was_sent_back_rests_only_where_a_scenario_says_so(rests: bool) -> None:
    at = safe("countries.AA.profile.household_size=1", f"decision.pause_returned={rests}".lower())
    houses = houses_of(at, NORTH, 300)
    try_once(at, houses, 0.5)
    home = at.households.place[houses] == NORTH
    assert ((at.households.moved[houses[home]] == LONG_AGO) != rests).all()
    # Those who got through have moved, whatever it says.
    assert (at.households.moved[houses[~home]] >= 0).all()
    assert (at.households.activity[houses[home]] == Activity.resident).all()
    # Nor is anything forgotten by those who are stranded abroad.
    abroad = houses_of(at, NORTH)[-300:]
    at.households.place[abroad] = TOWN
    leg = only(at, "BB_T_CC_P")
    CHOICES.of(at).way.intercepted[leg] = 1.0
    CHOICES.of(at).way.custody.detained[:, leg] = 0.0
    CHOICES.of(at).way.custody.turned_back[:, leg] = 1.0
    send(at, abroad, PORT)
    move_on(at, at.day + 20)
    assert (at.households.activity[abroad] == Activity.stranded).all()
    assert (at.households.moved[abroad] >= 0).all()


@pytest.mark.parametrize("rests", [True, False])
def test_nor_need_those_rest_whose_order_to_leave_is_carried_out(rests: bool) -> None:
    at = safe("countries.AA.profile.household_size=1", f"decision.pause_returned={rests}".lower())
    houses, households = houses_of(at, NORTH, 300), at.households
    households.place[houses], households.status[houses] = TOWN, int(Status.ordered)
    households.moved[houses] = households.since[houses] = 0
    law = LAW.of(at)
    law.removal[:], law.orders_last[:] = 2.0, 1e6
    live_on(at, 120)
    home = houses[at.households.place[houses] == NORTH]
    assert 0.35 * len(houses) < len(home) < 0.6 * len(houses)
    assert ((at.households.moved[home] == LONG_AGO) != rests).all()
    assert (at.households.status[home] == Status.citizen).all()
    assert (at.households.moved[np.setdiff1d(houses, home)] == 0).all()
