"""Blocs of states: who moves freely, and who takes claimants over from whom (section 8)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from sim.core.rng import Purpose, key, uniform_array
from sim.core.state import F64, HEAD, I64, Bool, Moves
from sim.core.terms import Activity, Answer, Channel, Status
from sim.kernels.travel import note_borders, party_sizes, place_members
from sim.mechanisms.journey import note_moves

if TYPE_CHECKING:
    from sim.model.world import World
    from sim.scenario.schema import Bloc, Scenario, Sharing


def members(bloc: Bloc, when: date) -> list[str]:
    """Countries that belong to a bloc on a date."""
    return [
        name
        for name in bloc.members
        if bloc.entries.get(name, date.min) <= when <= bloc.exits.get(name, date.max)
    ]


def free_movement(scenario: Scenario, when: date) -> Bool:
    """[citizenship, country] whether citizens may live there without anybody's leave."""
    number = {c.id: i for i, c in enumerate(scenario.countries)}
    free = np.zeros((len(number), len(number)), bool)
    for bloc in scenario.blocs:
        if not (bloc.enabled and bloc.free_movement):
            continue
        inside = np.array([number[name] for name in members(bloc, when)], np.int64)
        here = np.zeros_like(free)
        here[np.ix_(inside, inside)] = True
        for rule in bloc.transitional:
            if when <= rule.end:
                whose = [number[name] for name in rule.citizens_of]
                here[np.ix_(whose, [number[name] for name in rule.into])] = False
        free |= here
    np.fill_diagonal(free, False)
    return free


def first_country(scenario: Scenario, when: date) -> tuple[Bool, F64]:
    """Where the member entered first is responsible for a claim.

    Returns:
        ([country] whether it belongs to a bloc with such a rule, [country of the claim, first
        country] share of claimants who are sent there).
    """
    number = {c.id: i for i, c in enumerate(scenario.countries)}
    belongs = np.zeros(len(number), bool)
    transfers = np.zeros((len(number), len(number)))
    for bloc in scenario.blocs:
        if not bloc.enabled or bloc.first_country is None:
            continue
        inside = members(bloc, when)
        own = np.array([number[name] for name in inside], np.int64)
        here = np.zeros_like(transfers)
        here[np.ix_(own, own)] = bloc.first_country.transfers
        for pause in bloc.first_country.suspended:
            if (pause.start or date.min) <= when <= (pause.end or date.max):
                by = [number[name] for name in pause.by or inside]
                here[np.ix_(by, [number[name] for name in pause.to or inside])] = 0.0
        belongs[own] = True
        transfers = np.maximum(transfers, here)
    np.fill_diagonal(transfers, 0.0)
    return belongs, transfers


def changes(scenario: Scenario) -> set[date]:
    """Dates on which a bloc changes, one that is switched off too (see `policy.changes`)."""
    dates = set()
    ends = []
    for bloc in scenario.blocs:
        dates |= set(bloc.entries.values())
        ends += [*bloc.exits.values(), *(rule.end for rule in bloc.transitional)]
        for pause in bloc.first_country.suspended if bloc.first_country else ():
            dates |= set() if pause.start is None else {pause.start}
            ends += [] if pause.end is None else [pause.end]
        if bloc.sharing is not None:
            dates.add(bloc.sharing.start)
            ends.append(bloc.sharing.end)
    return dates | {end + timedelta(days=1) for end in ends if end < date.max}


def relocate(world: World, end: int) -> I64:
    """Relocate claimants from front-line members to others, as far as promised and kept.

    By a day, member c has taken in at most pledge x key_c x compliance_c x the share of the
    arrangement's time that has passed; what finds no claimant waits for some. Households are drawn
    whole, by lottery; their claims are handed in anew where they come to live.

    Args:
        world: The world.
        end: Day on which the stretch ends.

    Returns:
        [country] people taken in.
    """
    before = world.relocated.sum(axis=0)
    for b, bloc in enumerate(world.scenario.blocs):
        if bloc.enabled and bloc.sharing is not None:
            share_out(world, b, bloc, bloc.sharing, end)
    return np.asarray(world.relocated.sum(axis=0) - before)


def share_out(world: World, b: int, bloc: Bloc, sharing: Sharing, end: int) -> None:
    """Relocate under one bloc's arrangement.

    Args:
        b: Number of the bloc.
        bloc: The bloc.
        sharing: Its arrangement.
        end: Day on which the stretch ends.
    """
    today, last = world.date(), sharing.end
    if not sharing.start <= today <= last:
        return
    number = {c.id: i for i, c in enumerate(world.scenario.countries)}
    inside = members(bloc, today)
    days = (world.date(end) - sharing.start).days
    passed = days / ((last - sharing.start).days + 1)
    takers = [name for name in sharing.key if name in inside]
    room: F64 = np.array(
        [
            sharing.pledge * sharing.key[name] * sharing.compliance.get(name, 1.0) * passed
            - world.relocated[b, number[name]]
            for name in takers
        ]
    )
    people, claims = world.people, world.claims
    front = [number[name] for name in sharing.from_ if name in inside]
    rows = claims.person
    waiting = (people.flags[rows] & HEAD > 0) & (people.activity[rows] <= Activity.waiting)
    waiting &= people.status[rows] == Status.claimant
    waiting &= np.isin(claims.country, front) & (
        world.country[people.place[rows]] == claims.country
    )
    heads = np.unique(rows[waiting])
    if not len(heads) or not (room > 0).any():
        return
    n_people = party_sizes(people, heads) * world.weight[people.home[heads]]
    # Each household draws a member, by what is left of its part, and a place in that one's queue.
    shares = np.cumsum(np.maximum(room, 0.0))
    who = people.pid[heads]
    draw = uniform_array(key(world.seed, Purpose.relocation), who)
    luck = uniform_array(key(world.seed, Purpose.relocation, 1), who)
    taker = np.minimum(np.searchsorted(shares, draw * shares[-1], side="right"), len(takers) - 1)
    for t, name in enumerate(takers):
        mine = np.flatnonzero(taker == t)
        mine = mine[np.argsort(luck[mine], kind="stable")]
        chosen = mine[np.cumsum(n_people[mine]) <= room[t]]
        if len(chosen):
            world.relocated[b, number[name]] += int(n_people[chosen].sum())
            bring(world, heads[chosen], number[name], n_people[chosen], end)


def bring(world: World, heads: I64, country: int, n_people: I64, end: int) -> None:
    """Bring households to the nearest place of a country, where their claims are handed in anew."""
    people, claims = world.people, world.claims
    origin = people.place[heads].astype(np.int64)
    goal = world.nearest[origin, country]
    n = len(heads)
    moves = Moves(
        world.country[people.home[heads]], origin, goal,
        np.full(n, int(Channel.relocation)), np.full(n, int(Answer.necessity)), n_people,
    )  # fmt: skip
    world.counts.departed.append(moves)
    world.counts.arrived.append(moves)
    note_moves(world, heads, origin, goal)
    day = end - 1
    theirs = np.isin(people.household[claims.person], people.household[heads])
    theirs &= world.country[people.place[claims.person]] == claims.country
    note_borders(people, world.country, heads, goal)
    place_members(people, heads, goal, -1, np.full(n, day, np.int64))
    claims.country[theirs] = country
    claims.claimed[theirs] = float(day)
