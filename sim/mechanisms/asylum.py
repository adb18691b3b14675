"""Arrival and status: claims, camps, recognition, return orders, regularisation (section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim.core.parallel import in_pieces
from sim.core.rng import Purpose, key, mixed_array, uniform_array
from sim.core.state import DAYS_A_YEAR, F64, GROUNDS, HEAD, I64, Moves, append, take
from sim.core.terms import Activity, Channel, ClaimStage, Harm, Status
from sim.kernels.travel import (
    forget_grounds,
    give_status,
    note_borders,
    party_sizes,
    place_members,
    settle,
    tell_all_kin,
)
from sim.mechanisms.admission import admission_class
from sim.mechanisms.attempts import send_back
from sim.mechanisms.journey import note_moves

if TYPE_CHECKING:
    from sim.model.world import World


def receive(world: World, arrived: dict[str, Any]) -> None:
    """Give arrivals a status, take some to camps, hand in claims."""
    heads = arrived["head"]
    if not len(heads):
        return
    people, counts, rules = world.people, world.counts, world.rules
    sizes = party_sizes(people, heads)
    n_people = sizes * world.weight[people.home[heads]]
    citizenship = world.country[people.home[heads]]
    way = (arrived["origin"], arrived["goal"], arrived["channel"], arrived["answer"])
    counts.arrived.append(Moves(citizenship, *way, n_people))
    note_moves(world, heads, arrived["origin"], arrived["goal"])
    wants_camp = np.zeros(len(heads), bool)
    claims = np.full(int(sizes.sum()), -1, np.int64)
    returned = np.zeros(counts.harms.shape[1:2] * 2, np.int64)
    n_claims = settle(
        people, heads, arrived["goal"], arrived["channel"], arrived["answer"], arrived["due"],
        arrived["entered"], world.country, world.choices.classes, rules.prima_facie,
        rules.return_to, rules.transfers, world.nearest, rules.encampment,
        key(world.seed, Purpose.transfer), world.key(Purpose.camp), world.weight, wants_camp,
        claims, returned,
    )  # fmt: skip
    n_corridors = len(world.scenario.corridors)
    counts.harms[n_corridors:, :, Harm.forced_return] += returned
    claims = claims[:n_claims]
    count_claims(world, claims, ClaimStage.claimed, world.weight[people.home[claims]])
    refuge = (arrived["channel"] == Channel.asylum) & (people.status[heads] == Status.refugee)
    count_claims(world, heads[refuge], ClaimStage.accepted, n_people[refuge])
    if n_claims:
        append(
            world.claims,
            person=claims,
            country=world.country[people.place[claims]],
            claimed=people.moved[claims].astype(np.float64),
        )
    fill_camps(world, heads[wants_camp], n_people[wants_camp])


def count_claims(world: World, rows: I64, stage: ClaimStage, n_people: I64) -> None:
    """Count people by the country in which they are and by citizenship.

    Args:
        world: The world.
        rows: [n] persons, or heads for their households.
        stage: What becomes of their claims.
        n_people: [n] people that each stands for.
    """
    people, country = world.people, world.country
    where = (country[people.place[rows]], country[people.home[rows]])
    np.add.at(world.counts.claims[:, :, stage], where, n_people)


def people_at(world: World, place: int) -> int:
    """People who are at a place, alive."""
    people = world.people

    def count(first: int, last: int) -> int:
        there = people.place[first:last] == place
        there &= people.activity[first:last] != Activity.dead
        return int(world.weight[people.home[first:last][there]].sum())

    return sum(in_pieces(count, len(people.pid), world.threads))


def fill_camps(world: World, heads: I64, n_people: I64) -> None:
    """Take households to the camps of their country as far as there is room.

    Who gets in is a hashed lottery; a household is taken whole or not at all.
    """
    if not len(heads):
        return
    people = world.people
    country = world.country[people.place[heads]]
    luck = uniform_array(key(world.seed, Purpose.camp, -1 - world.day), people.pid[heads])
    for c in np.unique(country):
        camps = np.flatnonzero(world.is_camp & (world.country == c))
        mine = np.flatnonzero(country == c)
        mine = mine[np.argsort(luck[mine], kind="stable")]
        for camp in camps:
            room = world.capacity[camp] - float(people_at(world, int(camp)))
            used = np.cumsum(n_people[mine])
            chosen = mine[used <= room]
            if len(chosen):
                places = np.full(len(chosen), camp, np.int64)
                days = people.moved[heads[chosen]].astype(np.int64)
                place_members(people, heads[chosen], places, -1, days)
            mine = mine[len(chosen) :]


def decide_claims(world: World, end: int, dt: float) -> I64:
    """Decide claims first come, first served, as far as each country's capacity goes.

    Recognition depends on whether the person fled what gives grounds, with errors both ways; a
    household's claims share one draw.

    Returns:
        [country] people whose claims were decided.
    """
    n_decided = np.zeros(len(world.diaspora), np.int64)
    claims, people, rules = world.claims, world.people, world.rules
    still = (people.status[claims.person] == Status.claimant) & (
        people.activity[claims.person] != Activity.dead
    )
    still &= world.country[people.place[claims.person]] == claims.country
    take(claims, still)
    if not len(claims.person):
        return n_decided
    founder = people.household[claims.person]
    # Drawn by claim: who claims again, elsewhere or later, draws again.
    claim = mixed_array(world.country_ident[claims.country] + claims.claimed.astype(np.uint64))
    luck = uniform_array(key(world.seed, Purpose.recognition), people.pid[founder] ^ claim)
    n_people = world.weight[people.home[claims.person]]
    kinds = admission_class(world, claims.person)
    months = rules.wait[kinds, claims.country, 2]
    ready = claims.claimed + months * 30.4375
    due = ready <= end
    decided = np.zeros(len(due), bool)
    day = np.maximum(ready, float(world.day))
    for c in np.unique(claims.country):
        pending = np.flatnonzero((claims.country == c) & due)
        capacity = rules.capacity[c]
        if np.isinf(capacity):
            decided[pending] = True
            continue
        room = world.decisions_left[c] + capacity * dt
        household = people.pid[founder[pending]]
        order = pending[
            np.lexsort((people.pid[claims.person[pending]], household, claims.claimed[pending]))
        ]
        # A household is decided on whole: who is last in it says how far capacity must reach.
        last = np.append(founder[order][1:] != founder[order][:-1], True)[: len(order)]
        used = np.cumsum(n_people[order])[last][np.cumsum(last) - last]
        chosen = order[used <= room]
        # A claim is decided on the day on which the capacity has grown enough for it.
        short = np.maximum(used[: len(chosen)] - world.decisions_left[c], 0.0)
        grown = world.day + short / max(capacity, 1e-12) * DAYS_A_YEAR
        day[chosen] = np.maximum(day[chosen], grown)
        spent = float(used[len(chosen) - 1]) if len(chosen) else 0.0
        next_claim = float(used[len(chosen)]) - spent if len(chosen) < len(order) else 0.0
        world.decisions_left[c] = min(room - spent, next_claim)
        decided[chosen] = True
    rows = claims.person[decided]
    if len(rows):
        grounds = (people.traits[rows] & GROUNDS) > 0
        k, c = kinds[decided], claims.country[decided]
        chance = np.where(grounds, rules.recognition[k, c], rules.false_recognition[k, c])
        recognised = luck[decided] < chance
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
    return n_decided


def order_to_leave(world: World, rows: I64, day: F64) -> None:
    """Note since when people are ordered to leave; a new order takes the place of an old one."""
    if len(rows):
        take(world.orders, ~np.isin(world.orders.person, rows))
        country = world.country[world.people.place[rows]]
        append(world.orders, person=rows, country=country, ordered=day)


def courts(world: World) -> tuple[I64, I64, F64]:
    """How long claims take where a country decides so many a year, as of today.

    Returns:
        ([n] country, [n] people whose claims are pending, [n] months in which it decides so many).
    """
    claims, capacity = world.claims, world.rules.capacity
    pending = np.zeros(len(capacity), np.int64)
    np.add.at(pending, claims.country, world.weight[world.people.home[claims.person]])
    country = np.flatnonzero(np.isfinite(capacity) & (capacity > 0))
    return country, pending[country], 12.0 * pending[country] / capacity[country]


def execute_returns(world: World, end: int) -> tuple[I64, F64]:
    """Carry out return orders at each country's rate; those returned are back at home.

    An order that was not carried out in time lapses, and its people stay on irregularly.

    Returns:
        ([n] rows of the heads of those returned, [n] day on which each was).
    """
    nobody = np.empty(0, np.int64), np.empty(0, np.float64)
    people, orders = world.people, world.orders
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
        return nobody
    k = admission_class(world, heads)
    lapse = ordered + world.rules.orders_last[k, c] * 30.4375
    first = np.maximum(ordered, float(world.day))
    years = np.maximum(np.minimum(lapse, float(end)) - first, 0.0) / DAYS_A_YEAR
    rate = -np.log1p(-np.minimum(world.rules.returns[k, c], 0.999999))
    draw = -np.log1p(-uniform_array(world.key(Purpose.removal), people.pid[heads]))
    gone = draw < rate * years
    give_status(people, heads[~gone & (lapse <= end)], int(Status.irregular))
    if not gone.any():
        return nobody
    when = first[gone] + draw[gone] / rate[gone] * DAYS_A_YEAR
    days = np.floor(when).astype(np.int64)
    heads, c = heads[gone], c[gone]
    sizes = party_sizes(people, heads)
    n_corridors = len(world.scenario.corridors)
    np.add.at(
        world.counts.harms,
        (n_corridors + c, world.country[people.home[heads]], int(Harm.forced_return)),
        sizes * world.weight[people.home[heads]],
    )
    home = people.home[heads].astype(np.int64)
    note_borders(people, world.country, heads, home)
    place_members(people, heads, home, int(Status.citizen), days)
    forget_grounds(people, heads)
    send_back(world, heads)
    return heads, when


def regularise(world: World, heads: I64, dt: float) -> None:
    """Give people in an irregular stay a regular one, at each country's rate.

    Args:
        world: The world.
        heads: [n] rows of heads who claimed, stayed without leave or were ordered to go, somewhere,
            as the stretch began. Those who stay without leave now are meant; who has come to be
            unsettled in this very stretch waits for the next.
        dt: Length of the stretch in years.
    """
    people, rules = world.people, world.rules
    irregular = people.status[heads] == Status.irregular
    heads = heads[irregular & (people.activity[heads] <= Activity.waiting)]
    if not rules.regularisation.any() or not len(heads):
        return
    c = world.country[people.place[heads]]
    share = rules.regularisation[admission_class(world, heads), c]
    rate = -np.log1p(-np.minimum(share, 0.999999))
    draw = -np.log1p(-uniform_array(world.key(Purpose.regularisation), people.pid[heads]))
    chosen = draw < rate * dt
    give_status(people, heads[chosen], int(Status.regular))
    tell_all_kin(people, heads[chosen], c[chosen])
