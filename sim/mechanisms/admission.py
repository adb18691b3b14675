"""Regular channels: apply, queue under a quota, wait, travel (docs/model.md, 3.4)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.core.rng import Draw, key_of, uniform_array
from sim.core.state import DAYS_A_YEAR, I64, Plans
from sim.core.terms import N_SLOTS, Activity
from sim.mechanisms.law import LAW
from sim.mechanisms.plans import PLANS, chosen, waiting
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


def in_queues(rows: I64, queue: I64, *rank: Any) -> list[I64]:
    """Divide rows into queues, each in order.

    Args:
        rows: [n] ascending.
        queue: [n] number of its queue.
        rank: [n] what the order goes by, the last one first.
    """
    order = np.lexsort((*rank, queue))
    rows, queue = rows[order], queue[order]
    edges = np.flatnonzero(queue[1:] != queue[:-1]) + 1
    return [rows[a:b] for a, b in pairwise([0, *edges.tolist(), len(rows)]) if a < b]


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
    mine = chosen(plans, rows)
    country, slot = world.country[mine.goal], mine.channel
    kinds, n_people = admission_class(world, mine.household), applicants(world, mine)
    wait = law.wait[kinds, country, slot]
    # A closed channel admits no pending applicants; they stay queued in case it reopens.
    is_open, limited = law.open[kinds, country, slot], law.limited[country, slot]
    free = is_open & ~limited
    plans.due[rows[free]] = world.day + wait[free]
    # A lottery number is kept for a calendar year. If it were drawn anew every month, small
    # households would be favoured, because they fit more easily.
    key = key_of(world.seed, LOTTERY, world.date().year)
    lottery = uniform_array(key, world.households.ident[mine.household])
    queued = np.flatnonzero(is_open & limited)
    for queue in in_queues(queued, country[queued] * N_SLOTS + slot[queued], lottery[queued]):
        where = country[queue[0]], slot[queue[0]]
        allowed = allowance(rules.quota[where], world.day, segment.month_ends)
        n, used, left[where] = serve(n_people[queue], int(before[where]), allowed)
        share = np.maximum(used - before[where], 0) / max(allowed, 1)
        plans.due[rows[queue[:n]]] = world.day + share * segment.month_days + wait[queue[:n]]


MECHANISM = Mechanism(
    "admission",
    "admits applicants to regular channels",
    states=(QUOTA_LEFT,),
    draws=(LOTTERY,),
    hooks=(Hook("states", 30, admit),),
)
