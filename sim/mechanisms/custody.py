"""In the hands of a border's state: what detention comes to, families separated and reunited.

Who is detained, prosecuted, separated or taken home is drawn on the way (`sim/kernels/travel.py`)
under the rules of the day (`handle` in `sim/mechanisms/policy.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.rng import Purpose, uniform_array
from sim.core.state import F64, I64, append, take
from sim.core.terms import Status
from sim.kernels.travel import reunite
from sim.mechanisms.admission import admission_class

if TYPE_CHECKING:
    from sim.model.world import World


def held_days(world: World, held: I64) -> F64:
    """[country] person-days of detention that began at its border.

    Args:
        world: The world.
        held: [treatment, corridor] people whose detention began.
    """
    legs, days = world.network.legs, world.choices.way.custody.days
    n_corridors = held.shape[1]
    days_held = np.zeros(held.shape)
    days_held[:, legs.corridor] = days
    into = np.zeros(n_corridors, np.int64)
    into[legs.corridor] = world.country[legs.target]
    person_days = (held * days_held).sum(axis=0)
    return np.asarray(np.bincount(into, person_days, len(world.diaspora)), np.float64)


def separate(world: World, heads: I64, children: I64) -> None:
    """Note whose children were taken from them.

    Args:
        world: The world.
        heads: [n] heads of the adults.
        children: [n] rows of the founders of their children's households.
    """
    if len(children):
        people = world.people
        append(
            world.separations,
            children=children,
            adults=people.household[heads].astype(np.int64),
            country=world.country[people.place[children]],
            since=people.moved[children].astype(np.float64),
        )


def reunify(world: World, end: int) -> None:
    """Bring children back to the adults they were taken from, at the rate of the state's rule.

    Half of them are within the median; they join the household where it is by then, and share its
    status. Children of whom nobody lives, and whose adults are all dead, are followed no longer:
    these stay where they are held.
    """
    parted, people = world.separations, world.people
    if not len(parted.children):
        return
    k = admission_class(world, parted.children)
    rate = np.log(2.0) / world.rules.reunification[k, parted.country]
    first = np.maximum(parted.since, float(world.day))
    draw = -np.log1p(-uniform_array(world.key(Purpose.reunion), people.pid[parted.children]))
    found = draw < rate * (end - first)
    days = np.floor(first + draw / rate)[found].astype(np.int64)
    children, adults = parted.children[found], parted.adults[found]
    heads = np.empty(len(children), np.int64)
    reunite(people, children, adults, days, heads)
    take(parted, ~found)
    claim_along(world, np.unique(heads[heads >= 0]))


def claim_along(world: World, heads: I64) -> None:
    """Make those who have joined a household part of its claim.

    Args:
        world: The world.
        heads: [n] heads of the households, once each.
    """
    people, claims = world.people, world.claims
    # A claim that its person has left behind, on the way to elsewhere, is one no more.
    heads = heads[(people.status[heads] == Status.claimant) & np.isin(heads, claims.person)]
    if not len(heads):
        return
    rows = np.flatnonzero(np.isin(people.household, people.household[heads]))
    rows = rows[(people.status[rows] == Status.claimant) & ~np.isin(rows, claims.person)]
    where = dict(zip(claims.person.tolist(), range(len(claims.person)), strict=True))
    head_of = dict(zip(people.household[heads].tolist(), heads.tolist(), strict=True))
    of = np.array([where[head_of[h]] for h in people.household[rows].tolist()], np.int64)
    append(claims, person=rows, country=claims.country[of], claimed=claims.claimed[of])
