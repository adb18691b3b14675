"""Removal: orders to leave, which are carried out or lapse (section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from sim.core.rng import Draw
from sim.core.state import DAYS_A_YEAR, F64, I64, Orders, append, take
from sim.core.terms import Activity, Harm, Status
from sim.kernels.household import forget_grounds, give_status, move_households, record_borders
from sim.mechanisms.attempts import send_back
from sim.mechanisms.harms import count_in_countries
from sim.mechanisms.policy import RULES, admission_class
from sim.model.declare import Hook, Mechanism, State
from sim.model.substep import from_today
from sim.schema.key import OURS, Part, key
from sim.schema.types import Share

if TYPE_CHECKING:
    from sim.model.substep import SubStep
    from sim.model.world import World


class RemovalRule(Part):
    """Keys on orders to leave that a rule of a state may have."""

    returns: Share | None = key(
        None,
        "Part of the orders to leave that are carried out within a year.",
        unit="share",
        higher="more rejected people are sent home",
        otherwise=0.3,
        source=f"{OURS}: about the mean of the world; by country it is 0.2 to 0.6",
    )
    orders_last: Annotated[float, Field(strict=True, ge=0, le=1200)] | None = key(
        None,
        "Time after which an order to leave that was not carried out lapses, into an irregular "
        "stay.",
        unit="months",
        higher="rejected people can be sent home for longer",
        otherwise=24.0,
        source=OURS,
    )


REMOVAL = Draw("removal", 42)
ORDERS = State("orders", lambda _: Orders())


def order_to_leave(world: World, houses: I64, day: F64) -> None:
    """Record orders to leave and their days; a new order replaces an old one."""
    if len(houses):
        orders = ORDERS.of(world)
        take(orders, ~np.isin(orders.household, houses))
        country = world.country[world.households.place[houses]]
        append(orders, household=houses, country=country, ordered=day)


def execute_returns(world: World, substep: SubStep) -> None:
    """Carry out orders to leave at each country's rate; let old orders lapse.

    People are returned to their place of origin. If an order is not carried out in time, it lapses,
    and the people stay on irregularly.
    """
    substep.newcomers = from_today(world, np.empty(0, np.int64))
    households, orders, rules = world.households, ORDERS.of(world), RULES.of(world)
    still = (households.status[orders.household] == Status.ordered) & (
        households.activity[orders.household] != Activity.dead
    )
    still &= world.country[households.place[orders.household]] == orders.country
    take(orders, still)
    here = households.activity[orders.household] <= Activity.waiting
    houses, c, ordered = orders.household[here], orders.country[here], orders.ordered[here]
    if not len(houses):
        return
    k = admission_class(world, houses)
    lapse = ordered + rules.stated("orders_last")[k, c] * 30.4375
    first = np.maximum(ordered, float(world.day))
    rate = -np.log1p(-np.minimum(rules.stated("returns")[k, c], 0.999999))
    last = np.minimum(lapse, float(substep.end))
    when, _ = world.first_events(REMOVAL, households.ident[houses], rate, first, last)
    gone = np.isfinite(when)
    years = np.maximum(last - first, 0.0) / DAYS_A_YEAR
    likely, new = -np.expm1(-rate * years), (rate > 0) & (ordered >= world.day)
    count_in_countries(world, Harm.forced_return, houses, c, likely, gone, new)
    give_status(households, houses[~gone & (lapse <= substep.end)], int(Status.irregular))
    if not gone.any():
        return
    when = when[gone]
    days = np.floor(when).astype(np.int64)
    houses = houses[gone]
    home = households.home[houses].astype(np.int64)
    record_borders(households, world.country, houses, home)
    move_households(households, houses, home, int(Status.citizen), days)
    forget_grounds(households, houses)
    send_back(world, houses)
    substep.newcomers = houses, when


MECHANISM = Mechanism(
    "removal",
    "carries out orders to leave",
    rule_keys=RemovalRule,
    states=(ORDERS,),
    draws=(REMOVAL,),
    hooks=(Hook("states", 30, execute_returns),),
)
