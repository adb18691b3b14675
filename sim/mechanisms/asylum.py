"""Arrival and asylum: the legal status of arrivals, claims, and decisions on them (section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim.core.rng import Draw, key_of, mixed_array, uniform_array
from sim.core.state import DAYS_A_YEAR, GROUNDS, I64, Claims, Moves, append, take
from sim.core.terms import Activity, Channel, ClaimStage, Status
from sim.kernels.arrival import assign_arrival_status
from sim.kernels.household import tell_all_kin
from sim.mechanisms.camps import CAMP, fill_camps, share_taken
from sim.mechanisms.flows import ARRIVED
from sim.mechanisms.harms import harmed
from sim.mechanisms.history import record_moves
from sim.mechanisms.policy import CLASSES, RULES, admission_class
from sim.mechanisms.removal import order_to_leave
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
    from sim.model.substep import SubStep
    from sim.model.world import Census, World

RECOGNISED = Draw("recognition", 41)
TRANSFER = Draw("transfer", 44)

ASKED = COUNTRY.named("country", "country of asylum")

CLAIMED = dense("claims", (ASKED, CITIZENSHIP, STAGE), "people by stage of their asylum claim")
CLAIMS = State("claims", lambda _: Claims())
DECISIONS_LEFT = State("decisions_left", lambda world: np.zeros(world.n_countries))
"""[country] decisions on claims that its capacity allows and that are still to be made."""


def receive(world: World, arrived: dict[str, Any]) -> None:
    """Give arrivals a legal status, take some to camps, and register their claims."""
    houses = arrived["household"]
    if not len(houses):
        return
    households, rules = world.households, RULES.of(world)
    n_people = world.n_people(houses)
    citizenship = world.country[households.home[houses]]
    way = (arrived["origin"], arrived["goal"], arrived["channel"], arrived["answer"])
    ARRIVED.of(world).append(Moves(citizenship, *way, n_people))
    record_moves(world, houses, arrived["origin"], arrived["goal"])
    wants_camp = np.zeros(len(houses), bool)
    claims = np.empty(len(houses), np.int64)
    n_claims = assign_arrival_status(
        households, houses, arrived["goal"], arrived["channel"], arrived["felt"], arrived["due"],
        arrived["entered"], world.country, CLASSES.of(world), rules.prima_facie,
        rules.return_to, rules.transfers, world.geography.nearest, world.geography.place_ident,
        share_taken(world), key_of(world.seed, TRANSFER), key_of(world.seed, CAMP),
        wants_camp, claims, harmed(world),
    )  # fmt: skip
    claim(world, claims[:n_claims])
    refuge = arrived["channel"] == Channel.asylum
    refuge &= households.status[houses] == Status.refugee
    count_claims(world, houses[refuge], ClaimStage.accepted)
    fill_camps(world, houses[wants_camp])


def claim(world: World, houses: I64) -> None:
    """Register claims of households that have just arrived; a new claim replaces an old one."""
    count_claims(world, houses, ClaimStage.claimed)
    if len(houses):
        claims, households = CLAIMS.of(world), world.households
        take(claims, ~np.isin(claims.household, houses))
        append(
            claims,
            household=houses,
            country=world.country[households.place[houses]],
            claimed=households.moved[houses].astype(np.float64),
        )


def count_claims(world: World, houses: I64, stage: ClaimStage) -> None:
    """Count people at a stage of their claim, by country of stay and citizenship.

    Args:
        world: The world.
        houses: [n] rows of households.
        stage: The stage their claims have reached.
    """
    households, country = world.households, world.country
    where = (country[households.place[houses]], country[households.home[houses]])
    np.add.at(CLAIMED.of(world)[:, :, stage], where, world.n_people(houses))


def decide_claims(world: World, substep: SubStep) -> None:
    """Decide claims, first come, first served, up to each country's capacity.

    Recognition depends on whether people have grounds for asylum, with errors both ways.
    """
    n_decided = substep.decided = np.zeros(world.n_countries, np.int64)
    claims, households, rules = CLAIMS.of(world), world.households, RULES.of(world)
    left = DECISIONS_LEFT.of(world)
    still = (households.status[claims.household] == Status.claimant) & (
        households.activity[claims.household] != Activity.dead
    )
    still &= world.country[households.place[claims.household]] == claims.country
    take(claims, still)
    if not len(claims.household):
        return
    who = households.ident[claims.household]
    # Drawn by claim: a new claim, elsewhere or later, gets a new draw.
    claim = mixed_array(
        world.geography.country_ident[claims.country] + claims.claimed.astype(np.uint64)
    )
    draw = uniform_array(key_of(world.seed, RECOGNISED), who ^ claim)
    n_people = world.n_people(claims.household)
    kinds = admission_class(world, claims.household)
    months = rules.wait[kinds, claims.country, 2]
    ready = claims.claimed + months * 30.4375
    due = ready <= substep.end
    decided = np.zeros(len(due), bool)
    day = np.maximum(ready, float(world.day))
    for c in np.unique(claims.country):
        pending = np.flatnonzero((claims.country == c) & due)
        capacity = rules.capacity[c]
        if np.isinf(capacity):
            decided[pending] = True
            continue
        room = left[c] + capacity * substep.years
        order = pending[np.lexsort((who[pending], claims.claimed[pending]))]
        used = np.cumsum(n_people[order])
        chosen = order[used <= room]
        # A claim is decided on the day on which enough capacity has accumulated.
        short = np.maximum(used[: len(chosen)] - left[c], 0.0)
        grown = world.day + short / max(capacity, 1e-12) * DAYS_A_YEAR
        day[chosen] = np.maximum(day[chosen], grown)
        spent = float(used[len(chosen) - 1]) if len(chosen) else 0.0
        next_claim = float(used[len(chosen)]) - spent if len(chosen) < len(order) else 0.0
        left[c] = min(room - spent, next_claim)
        decided[chosen] = True
    rows = claims.household[decided]
    if len(rows):
        grounds = (households.flags[rows] & GROUNDS) > 0
        k, c = kinds[decided], claims.country[decided]
        chance = np.where(grounds, rules.recognition[k, c], rules.false_recognition[k, c])
        recognised = draw[decided] < chance
        households.status[rows] = np.where(recognised, int(Status.refugee), int(Status.ordered))
        recognised_rows = rows[recognised]
        tell_all_kin(households, recognised_rows, world.country[households.place[recognised_rows]])
        np.add.at(n_decided, c, n_people[decided])
        for stage, they in (
            (ClaimStage.recognised, recognised),
            (ClaimStage.rejected, ~recognised),
        ):
            count_claims(world, rows[they], stage)
        order_to_leave(world, rows[~recognised], day[decided][~recognised])
        take(claims, ~decided)


def queue_rows(world: World, _census: Census) -> Rows:
    """How long claims take today, in countries with a limited decision capacity."""
    claims, capacity = CLAIMS.of(world), RULES.of(world).capacity
    pending = np.zeros(len(capacity), np.int64)
    np.add.at(pending, claims.country, world.n_people(claims.household))
    country = np.flatnonzero(np.isfinite(capacity) & (capacity > 0))
    months = 12.0 * pending[country] / capacity[country]
    return {"country": country, "pending": pending[country], "months": months}


MECHANISM = Mechanism(
    "asylum",
    "gives arrivals a legal status, and decides asylum claims",
    states=(CLAIMS, DECISIONS_LEFT),
    counters=(CLAIMED,),
    draws=(RECOGNISED, TRANSFER),
    hooks=(Hook("states", 20, decide_claims),),
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
