"""Relocation: members of a bloc take claimants from front-line members (docs/model.md, 3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.rng import Draw, key_of, uniform_array
from sim.core.state import F64, I64
from sim.core.terms import Channel
from sim.mechanisms.asylum import claimants
from sim.mechanisms.blocs import members
from sim.mechanisms.flows import move_at_once
from sim.model.declare import Hook, Mechanism, State

if TYPE_CHECKING:
    from sim.model.segment import Segment
    from sim.model.world import World
    from sim.schema import Bloc, Sharing

RELOCATION = Draw("relocation", 43)
RELOCATED = State(
    "relocated", lambda world: np.zeros((len(world.scenario.blocs), world.n_countries), np.int64)
)
"""[bloc, country] claimants received since the start."""


def relocate(world: World, segment: Segment) -> None:
    """Relocate claimants from front-line members to others, once a month, up to the pledges kept.

    By a given day, member c has received at most pledge x key_c x compliance_c x the share of the
    arrangement's time that has passed. Unused places stay available. Households are drawn by
    lottery and not split; their claims start again in the new country.
    """
    relocated = RELOCATED.of(world)
    if not segment.month_begins:
        segment.relocated = np.zeros(world.n_countries, np.int64)
        return
    before = relocated.sum(axis=0)
    for b, bloc in enumerate(world.scenario.blocs):
        if bloc.enabled and bloc.sharing is not None:
            share_out(world, b, bloc, bloc.sharing)
    segment.relocated = np.asarray(relocated.sum(axis=0) - before)


def share_out(world: World, b: int, bloc: Bloc, sharing: Sharing) -> None:
    """Relocate under one bloc's arrangement.

    Args:
        world: The world.
        b: Number of the bloc.
        bloc: The bloc.
        sharing: Its arrangement.
    """
    relocated = RELOCATED.of(world)
    today, last = world.date(), sharing.end
    if not sharing.start <= today <= last:
        return
    number = {c.id: i for i, c in enumerate(world.scenario.countries)}
    inside = members(bloc, today)
    days = (today - sharing.start).days
    passed = days / ((last - sharing.start).days + 1)
    takers = [name for name in sharing.key if name in inside]
    room: F64 = np.array(
        [
            sharing.pledge * sharing.key[name] * sharing.compliance.get(name, 1.0) * passed
            - relocated[b, number[name]]
            for name in takers
        ]
    )
    households = world.households
    front = np.zeros(world.n_countries, bool)
    front[[number[name] for name in sharing.from_ if name in inside]] = True
    if not (room > 0).any():
        return
    houses = claimants(world)
    houses = houses[front[world.country[households.place[houses]]]]
    if not len(houses):
        return
    n_people = world.n_people(houses)
    # Each household draws a receiving member, in proportion to the places left, and a position in
    # that member's queue.
    shares = np.cumsum(np.maximum(room, 0.0))
    who = households.ident[houses]
    draw = uniform_array(key_of(world.seed, RELOCATION), who)
    lottery = uniform_array(key_of(world.seed, RELOCATION, 1), who)
    taker = np.minimum(np.searchsorted(shares, draw * shares[-1], side="right"), len(takers) - 1)
    for t, name in enumerate(takers):
        if room[t] <= 0:
            continue
        mine = np.flatnonzero(taker == t)
        mine = mine[np.argsort(lottery[mine], kind="stable")]
        chosen = mine[np.cumsum(n_people[mine]) <= room[t]]
        if len(chosen):
            relocated[b, number[name]] += int(n_people[chosen].sum())
            bring(world, houses[chosen], number[name])


def bring(world: World, houses: I64, country: int) -> None:
    """Bring households to the nearest place of a country, where their claims start again."""
    households = world.households
    goal = world.geography.nearest[households.place[houses], country]
    move_at_once(world, houses, goal, Channel.relocation, world.day)
    households.since[houses] = world.day


MECHANISM = Mechanism(
    "relocation",
    "relocates claimants between members of a bloc",
    states=(RELOCATED,),
    draws=(RELOCATION,),
    hooks=(Hook("states", 10, relocate),),
)
