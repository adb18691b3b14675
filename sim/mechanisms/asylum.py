"""Asylum: claims, and how many of them are decided in a month (docs/model.md, 3.4).

Who claims and who is recognised is in `sim/kernels/arrival.py` and `sim/kernels/status.py`. Where
decisions are not limited, a claim is decided when its wait is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.parallel import in_pieces
from sim.core.rng import Draw
from sim.core.state import I64
from sim.core.terms import Activity, Status
from sim.kernels.status import ASYLUM_SLOT
from sim.mechanisms.admission import allowance, in_queues, serve
from sim.mechanisms.law import LAW
from sim.mechanisms.plans import PLANS, with_households
from sim.mechanisms.policy import RULES, admission_class
from sim.model.columns import CITIZENSHIP, COUNTRY, STAGE, Column
from sim.model.declare import (
    NONE_COUNTED,
    Absent,
    Hook,
    Mechanism,
    Rows,
    State,
    Table,
    dense,
    nonzero,
)

if TYPE_CHECKING:
    from sim.model.segment import Segment
    from sim.model.world import Census, World

RECOGNISED = Draw("recognition", 41)
TRANSFER = Draw("transfer", 44)

ASKED = COUNTRY.named("country", "country of asylum")

CLAIMED = dense("claims", (ASKED, CITIZENSHIP, STAGE), "people by stage of their asylum claim")
DECISIONS_LEFT = State("decisions_left", lambda world: np.zeros(world.n_countries, np.int64))
"""[country] decisions on claims that its capacity allows and that are still to be made."""


def claimants(world: World) -> I64:
    """[n] rows of households that claim asylum where they live."""
    households = world.households

    def find(first: int, last: int) -> I64:
        # Plain numbers: with enums NumPy would compare 8 bytes for each.
        claims = households.status[first:last] == int(Status.claimant)
        claims &= households.activity[first:last] <= int(Activity.waiting)
        return first + np.flatnonzero(claims)

    parts = in_pieces(find, len(households.ident), world.threads)
    return np.concatenate([np.empty(0, np.int64), *parts])


def hold_courts(world: World, segment: Segment) -> None:
    """Set, once a month, when claims are decided, first come, first served, up to capacity.

    Decisions are spread over the month's days as the capacity accrues.
    """
    law, left = LAW.of(world), DECISIONS_LEFT.of(world)
    if not segment.month_begins:
        return
    PLANS.of(world).court[:] = np.inf
    if not law.courts.any():
        return
    households, capacity = world.households, RULES.of(world).capacity
    houses = claimants(world)
    country = world.country[households.place[houses]]
    houses, country = houses[law.courts[country]], country[law.courts[country]]
    kinds, since = admission_class(world, houses), households.since[houses].astype(np.float64)
    ready = since + law.wait[kinds, country, ASYLUM_SLOT]
    n_people = world.n_people(houses)
    when = np.full(len(houses), np.inf)
    before, due = left.copy(), ready < segment.month_ends
    left[:] = 0
    rows = np.flatnonzero(due)
    for mine in in_queues(rows, country[rows], households.ident[houses[rows]], since[rows]):
        c = country[mine[0]]
        allowed = allowance(capacity[c], world.day, segment.month_ends)
        n, used, left[c] = serve(n_people[mine], int(before[c]), allowed)
        share = np.maximum(used - before[c], 0) / max(allowed, 1)
        when[mine[:n]] = np.maximum(ready[mine[:n]], world.day + share * segment.month_days)
    decided = np.isfinite(when)
    if not decided.any():
        return
    plans = with_households(world, houses[decided])
    plans.court[np.searchsorted(plans.household, houses[decided])] = when[decided]
    PLANS.put(world, plans)


def queue_rows(world: World, census: Census) -> Rows:
    """How long claims take today, in countries with a limited decision capacity."""
    capacity = RULES.of(world).capacity
    waiting = census.stocks[:, :, Status.claimant].sum(axis=1)
    pending = np.bincount(world.country, waiting, len(capacity)).astype(np.int64)
    country = np.flatnonzero(np.isfinite(capacity) & (capacity > 0))
    months = 12.0 * pending[country] / capacity[country]
    return {"country": country, "pending": pending[country], "months": months}


MECHANISM = Mechanism(
    "asylum",
    "limits and counts decisions on claims for asylum",
    states=(DECISIONS_LEFT,),
    counters=(CLAIMED,),
    draws=(RECOGNISED, TRANSFER),
    hooks=(Hook("states", 40, hold_courts),),
    tables=(
        Table(
            "claims",
            "asylum claims and decisions, in people; children born to claimants are included",
            "first",
            (
                ASKED,
                CITIZENSHIP,
                STAGE,
                Column("people", "int", "people", "people who reached that stage"),
            ),
            nonzero(CLAIMED, "people"),
            absent=NONE_COUNTED,
            notes="People who arrive by the channel `asylum` in a country other than their own are "
            "counted as `claimed` or `accepted`. A new claim counts again. Claimants who are "
            "relocated take their claim with them. Claims that end because the claimant leaves or "
            "dies are not counted. Neither are people who enter for work or family, even where "
            "all of their group are recognised as refugees.",
        ),
        Table(
            "queues",
            "asylum backlogs and how long they take, in countries with a limited decision capacity",
            "last",
            (
                COUNTRY.named("country", "country that decides"),
                Column("pending", "int", "people", "people whose claims are not decided yet"),
                Column("months", "float", "months", "time needed to decide the pending claims"),
            ),
            queue_rows,
            absent=Absent(
                "An absent country has no queue on that day: it has no limit on decisions per "
                "year, or it takes no decisions."
            ),
        ),
    ),
)
