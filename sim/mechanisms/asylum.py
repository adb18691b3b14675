"""Arrival and asylum: the legal status of arrivals, claims, and decisions on them (section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim.core.rng import Draw, key_of, mixed_array, uniform_array
from sim.core.state import DAYS_A_YEAR, GROUNDS, I64, Claims, Moves, append, take
from sim.core.terms import Activity, Channel, ClaimStage, Status
from sim.kernels.arrival import assign_arrival_status
from sim.kernels.household import party_sizes, tell_all_kin
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
    heads = arrived["head"]
    if not len(heads):
        return
    people, rules, claimed = world.people, RULES.of(world), CLAIMS.of(world)
    sizes = party_sizes(people, heads)
    n_people = sizes * world.weight[people.home[heads]]
    citizenship = world.country[people.home[heads]]
    way = (arrived["origin"], arrived["goal"], arrived["channel"], arrived["answer"])
    ARRIVED.of(world).append(Moves(citizenship, *way, n_people))
    record_moves(world, heads, arrived["origin"], arrived["goal"])
    wants_camp = np.zeros(len(heads), bool)
    claims = np.full(int(sizes.sum()), -1, np.int64)
    n_claims = assign_arrival_status(
        people, heads, arrived["goal"], arrived["channel"], arrived["felt"], arrived["due"],
        arrived["entered"], world.country, CLASSES.of(world), rules.prima_facie,
        rules.return_to, rules.transfers, world.geography.nearest, world.geography.place_ident,
        share_taken(world), key_of(world.seed, TRANSFER), key_of(world.seed, CAMP), world.weight,
        wants_camp, claims, harmed(world),
    )  # fmt: skip
    claims = claims[:n_claims]
    count_claims(world, claims, ClaimStage.claimed, world.weight[people.home[claims]])
    refuge = (arrived["channel"] == Channel.asylum) & (people.status[heads] == Status.refugee)
    count_claims(world, heads[refuge], ClaimStage.accepted, n_people[refuge])
    if n_claims:
        append(
            claimed,
            person=claims,
            country=world.country[people.place[claims]],
            claimed=people.moved[claims].astype(np.float64),
        )
    fill_camps(world, heads[wants_camp], n_people[wants_camp])


def count_claims(world: World, rows: I64, stage: ClaimStage, n_people: I64) -> None:
    """Count people at a stage of their claim, by country of stay and citizenship.

    Args:
        world: The world.
        rows: [n] rows of persons, or of heads who stand for their households.
        stage: The stage their claims have reached.
        n_people: [n] people that each row represents.
    """
    people, country = world.people, world.country
    where = (country[people.place[rows]], country[people.home[rows]])
    np.add.at(CLAIMED.of(world)[:, :, stage], where, n_people)


def decide_claims(world: World, substep: SubStep) -> None:
    """Decide claims, first come, first served, up to each country's capacity.

    Recognition depends on whether the person has grounds for asylum, with errors both ways. The
    claims of a household share one draw.
    """
    n_decided = substep.decided = np.zeros(world.n_countries, np.int64)
    claims, people, rules = CLAIMS.of(world), world.people, RULES.of(world)
    left = DECISIONS_LEFT.of(world)
    still = (people.status[claims.person] == Status.claimant) & (
        people.activity[claims.person] != Activity.dead
    )
    still &= world.country[people.place[claims.person]] == claims.country
    take(claims, still)
    if not len(claims.person):
        return
    founder = people.household[claims.person]
    # Drawn by claim: a new claim, elsewhere or later, gets a new draw.
    claim = mixed_array(
        world.geography.country_ident[claims.country] + claims.claimed.astype(np.uint64)
    )
    draw = uniform_array(key_of(world.seed, RECOGNISED), people.pid[founder] ^ claim)
    n_people = world.weight[people.home[claims.person]]
    kinds = admission_class(world, claims.person)
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
        household = people.pid[founder[pending]]
        order = pending[
            np.lexsort((people.pid[claims.person[pending]], household, claims.claimed[pending]))
        ]
        # All claims of a household are decided together: capacity must reach its last member.
        last = np.append(founder[order][1:] != founder[order][:-1], True)[: len(order)]
        used = np.cumsum(n_people[order])[last][np.cumsum(last) - last]
        chosen = order[used <= room]
        # A claim is decided on the day on which enough capacity has accumulated.
        short = np.maximum(used[: len(chosen)] - left[c], 0.0)
        grown = world.day + short / max(capacity, 1e-12) * DAYS_A_YEAR
        day[chosen] = np.maximum(day[chosen], grown)
        spent = float(used[len(chosen) - 1]) if len(chosen) else 0.0
        next_claim = float(used[len(chosen)]) - spent if len(chosen) < len(order) else 0.0
        left[c] = min(room - spent, next_claim)
        decided[chosen] = True
    rows = claims.person[decided]
    if len(rows):
        grounds = (people.traits[rows] & GROUNDS) > 0
        k, c = kinds[decided], claims.country[decided]
        chance = np.where(grounds, rules.recognition[k, c], rules.false_recognition[k, c])
        recognised = draw[decided] < chance
        people.status[rows] = np.where(recognised, int(Status.refugee), int(Status.ordered))
        recognised_rows = rows[recognised]
        tell_all_kin(people, recognised_rows, world.country[people.place[recognised_rows]])
        np.add.at(n_decided, c, n_people[decided])
        for stage, they in (
            (ClaimStage.recognised, recognised),
            (ClaimStage.rejected, ~recognised),
        ):
            count_claims(world, rows[they], stage, n_people[decided][they])
        order_to_leave(world, rows[~recognised], day[decided][~recognised])
        take(claims, ~decided)


def queue_rows(world: World, _census: Census) -> Rows:
    """How long claims take today, in countries with a limited decision capacity."""
    claims, capacity = CLAIMS.of(world), RULES.of(world).capacity
    pending = np.zeros(len(capacity), np.int64)
    np.add.at(pending, claims.country, world.weight[world.people.home[claims.person]])
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
