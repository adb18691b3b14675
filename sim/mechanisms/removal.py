"""Removal: orders to leave, which are carried out or lapse (section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from sim.core.rng import Draw
from sim.core.state import DAYS_A_YEAR, F64, HEAD, I64, Orders, append, take
from sim.core.terms import Activity, Harm, Status
from sim.kernels.household import forget_grounds, give_status, place_members, record_borders
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


def order_to_leave(world: World, rows: I64, day: F64) -> None:
    """Record orders to leave and their days; a new order replaces an old one."""
    if len(rows):
        orders = ORDERS.of(world)
        take(orders, ~np.isin(orders.person, rows))
        country = world.country[world.people.place[rows]]
        append(orders, person=rows, country=country, ordered=day)


def execute_returns(world: World, substep: SubStep) -> None:
    """Carry out orders to leave at each country's rate; let old orders lapse.

    People are returned to their place of origin. If an order is not carried out in time, it lapses,
    and the people stay on irregularly.
    """
    substep.newcomers = from_today(world, np.empty(0, np.int64))
    people, orders, rules = world.people, ORDERS.of(world), RULES.of(world)
    still = (people.status[orders.person] == Status.ordered) & (
        people.activity[orders.person] != Activity.dead
    )
    still &= world.country[people.place[orders.person]] == orders.country
    take(orders, still)
    here = (people.flags[orders.person] & HEAD > 0) & (
        people.activity[orders.person] <= Activity.waiting
    )
    heads, c, ordered = orders.person[here], orders.country[here], orders.ordered[here]
    if not len(heads):
        return
    k = admission_class(world, heads)
    lapse = ordered + rules.stated("orders_last")[k, c] * 30.4375
    first = np.maximum(ordered, float(world.day))
    rate = -np.log1p(-np.minimum(rules.stated("returns")[k, c], 0.999999))
    last = np.minimum(lapse, float(substep.end))
    when, _ = world.first_events(REMOVAL, people.pid[people.household[heads]], rate, first, last)
    gone = np.isfinite(when)
    years = np.maximum(last - first, 0.0) / DAYS_A_YEAR
    likely, new = -np.expm1(-rate * years), (rate > 0) & (ordered >= world.day)
    count_in_countries(world, Harm.forced_return, heads, c, likely, gone, new)
    give_status(people, heads[~gone & (lapse <= substep.end)], int(Status.irregular))
    if not gone.any():
        return
    when = when[gone]
    days = np.floor(when).astype(np.int64)
    heads = heads[gone]
    home = people.home[heads].astype(np.int64)
    record_borders(people, world.country, heads, home)
    place_members(people, heads, home, int(Status.citizen), days)
    forget_grounds(people, heads)
    send_back(world, heads)
    substep.newcomers = heads, when


MECHANISM = Mechanism(
    "removal",
    "carries out orders to leave",
    rule_keys=RemovalRule,
    states=(ORDERS,),
    draws=(REMOVAL,),
    hooks=(Hook("states", 30, execute_returns),),
)
