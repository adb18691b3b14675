"""What people know about possible destinations, as of the month's first day (docs/model.md, 1.3).

News travels slowly (our assumption). So a rule that begins in mid-month changes the tables of
choice at once, but what people know of dangers, networks and queues changes with the next month.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.core.state import F64, I64
from sim.core.terms import N_SLOTS, Channel, Status
from sim.mechanisms.admission import applicants
from sim.mechanisms.census import STOCKS
from sim.mechanisms.plans import PLANS, chosen, waiting
from sim.mechanisms.policy import Rules
from sim.mechanisms.threats import THREATS
from sim.model.declare import Hook, Mechanism, State

if TYPE_CHECKING:
    from sim.model.segment import Segment
    from sim.model.world import World

LONGEST_WAIT = 120.0
"""Months beyond which a longer queue does not deter people any further (our assumption)."""


class Known(NamedTuple):
    """What people know."""

    day: int
    """Day from the start, as of which they know it."""
    diaspora: I64
    """[citizenship, country] people."""
    danger: F64
    """[place, threat] severity x prevalence."""
    applicants: I64
    """[country, slot] people whose application is pending."""
    claimants: I64
    """[country] people whose asylum claim is pending."""


def know(world: World) -> Known:
    """What people know if they learn it today."""
    stocks, threats, plans = STOCKS.of(world), THREATS.of(world), PLANS.of(world)
    queue = chosen(plans, waiting(world, plans))
    pending = np.zeros((world.n_countries, N_SLOTS), np.int64)
    np.add.at(pending, (world.country[queue.goal], queue.channel), applicants(world, queue))
    claimants = stocks.foreigners[:, Status.claimant].copy()
    danger = threats.severity * threats.prevalence
    return Known(world.day, stocks.diaspora.copy(), danger, pending, claimants)


KNOWN = State("known", know)


def prospects(rules: Rules, known: Known) -> tuple[F64, F64]:
    """Chances of admission and waiting times as applicants see them, from the queues they know of.

    Args:
        rules: Rules in force, or announced.
        known: What people know.

    Returns:
        ([grounds, k, c, s] chance of admission, [k, c, s] months of waiting).
    """
    pending, limited, asylum = known.applicants, np.isfinite(rules.quota), int(Channel.asylum)
    some = limited & (rules.quota > 0)
    # [c, s]
    admitted = np.divide(
        rules.quota, rules.quota + pending, out=np.where(limited, 0.0, 1.0), where=some
    )
    # Irregular entry is never admitted: only the floor on perceived chances applies.
    admitted[:, Channel.irregular] = 0.0
    queued = np.divide(12.0 * pending, rules.quota, out=np.zeros_like(rules.quota), where=some)
    chance = np.empty((2, *rules.open.shape))
    chance[:] = admitted
    wait = rules.wait + queued
    returned = rules.return_to >= 0
    for grounds, recognised in enumerate((rules.false_recognition, rules.recognition)):
        certain = np.where(rules.prima_facie, 1.0, recognised)
        chance[grounds, :, :, asylum] = np.where(returned, 0.0, certain)
    backlog = np.where(
        np.isfinite(rules.capacity), 12.0 * known.claimants / np.maximum(rules.capacity, 1e-9), 0.0
    )
    wait[:, :, asylum] = np.where(rules.prima_facie, 0.0, wait[:, :, asylum] + backlog)
    return chance, np.minimum(wait, LONGEST_WAIT)


def update(world: World, segment: Segment) -> None:
    """Let people learn, once a month, about dangers, networks and queues."""
    if segment.month_begins:
        KNOWN.put(world, know(world))


MECHANISM = Mechanism(
    "knowledge",
    "lets people learn about dangers, networks and queues",
    states=(KNOWN,),
    hooks=(Hook("environment", 75, update),),
)
