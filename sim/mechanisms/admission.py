"""Regular channels: apply, queue under a quota, wait, travel (section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.rng import Draw, key_of, uniform_array
from sim.core.state import DAYS_A_YEAR, I64, Plans
from sim.core.terms import N_SLOTS, Activity
from sim.mechanisms.law import LAW
from sim.mechanisms.plans import PLANS, waiting
from sim.mechanisms.policy import RULES, admission_class
from sim.model.declare import Hook, Mechanism, State

if TYPE_CHECKING:
    from sim.model.segment import Segment
    from sim.model.world import World

LOTTERY = Draw("lottery", 24)
QUOTA_LEFT = State("quota_left", lambda world: np.zeros((world.n_countries, N_SLOTS), np.int64))
"""[country, slot] admissions that the quota allows and that are still unused."""

LAPSE_DAYS = 730
"""An application that is not admitted within two years lapses (our assumption)."""


def applicants(world: World, plans: Plans) -> I64:
    """[row] people whom an application covers: all of the household, or the one sent ahead."""
    households = world.households
    sizes = np.where(plans.companions > 0, 1, households.size[plans.household])
    return sizes * households.weight[plans.household].astype(np.int64)


def allowance(yearly: float, first: int, end: int) -> int:
    """Whole number of people that a yearly number allows in some days.

    Args:
        yearly: People per year.
        first, end: Days from the start; the second is excluded. Parts of a year add up.
    """
    return int(yearly * end / DAYS_A_YEAR) - int(yearly * first / DAYS_A_YEAR)


def serve(n_people: I64, left: int, allowed: int) -> tuple[int, I64, int]:
    """Serve households in a queue, in order, as far as an allowance reaches.

    It carries over what the next household lacks, but otherwise unused places are lost.

    Args:
        n_people: [n] people of each household.
        left: Places left from before.
        allowed: New places in this month.

    Returns:
        (households served, [n] places used up to each of them, places left)
    """
    used = np.cumsum(n_people)
    n = int(np.searchsorted(used, left + allowed, side="right"))
    spent = int(used[n - 1]) if n else 0
    following = int(n_people[n]) if n < len(n_people) else 0
    return n, used[:n], min(left + allowed - spent, following)


def admit(world: World, segment: Segment) -> None:
    """Admit applicants, once a month, by lottery under the quotas.

    The lottery uses hashed ids, so row order does not matter. Who is admitted when is spread over
    the month's days as the quota accrues.
    """
    if not segment.month_begins:
        return
    plans, rules, law, before = (
        PLANS.of(world),
        RULES.of(world),
        LAW.of(world),
        QUOTA_LEFT.of(world),
    )
    left = np.zeros_like(before)
    pending = waiting(world, plans) & np.isinf(plans.due)
    lapsed = pending & (world.day - plans.filed > LAPSE_DAYS)
    world.households.activity[plans.household[lapsed]] = Activity.resident
    rows = np.flatnonzero(pending & ~lapsed)
    QUOTA_LEFT.put(world, left)
    if not len(rows):
        return
    n_people = applicants(world, plans)
    country, kinds = world.country[plans.goal], admission_class(world, plans.household)
    # A lottery number is kept for a calendar year. If it were drawn anew every month, small
    # households would be favoured, because they fit more easily.
    key = key_of(world.seed, LOTTERY, world.date().year)
    lottery = uniform_array(key, world.households.ident[plans.household])
    queues = np.unique(country[rows] * N_SLOTS + plans.channel[rows])
    for c, s in zip(*divmod(queues, N_SLOTS), strict=True):
        # A closed channel admits no pending applicants; they stay queued in case it reopens.
        mine = rows[(country[rows] == c) & (plans.channel[rows] == s)]
        mine = mine[law.open[kinds[mine], c, s]]
        begin = np.full(len(mine), float(world.day))
        if law.limited[c, s]:
            mine = mine[np.argsort(lottery[mine], kind="stable")]
            allowed = allowance(rules.quota[c, s], world.day, segment.month_ends)
            n, used, left[c, s] = serve(n_people[mine], int(before[c, s]), allowed)
            mine = mine[:n]
            share = np.maximum(used - before[c, s], 0) / max(allowed, 1)
            begin = world.day + share * segment.month_days
        plans.due[mine] = begin + law.wait[kinds[mine], c, s]


MECHANISM = Mechanism(
    "admission",
    "admits applicants to regular channels",
    states=(QUOTA_LEFT,),
    draws=(LOTTERY,),
    hooks=(Hook("states", 30, admit),),
)
