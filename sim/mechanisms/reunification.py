"""Reunification: children whom a state holds come back to the adults they were taken from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.rng import Draw, uniform_array
from sim.core.state import I64, append, take
from sim.core.terms import Status
from sim.kernels.travel import reunite
from sim.mechanisms.asylum import CLAIMS
from sim.mechanisms.custody import SEPARATIONS
from sim.mechanisms.policy import RULES, admission_class
from sim.model.declare import Hook, Mechanism

if TYPE_CHECKING:
    from sim.model.stretch import Stretch
    from sim.model.world import World

REUNION = Draw("reunion", 47)


def reunify(world: World, stretch: Stretch) -> None:
    """Bring children back to the adults they were taken from, at the rate of the rule.

    Half of them are within the median; they join the household where it is by then, and share its
    status. Children of whom nobody lives, and whose adults are all dead, are followed no longer:
    these stay where they are held.
    """
    parted, people = SEPARATIONS.of(world), world.people
    if not len(parted.children):
        return
    k = admission_class(world, parted.children)
    rate = np.log(2.0) / RULES.of(world).reunification[k, parted.country]
    first = np.maximum(parted.since, float(world.day))
    draw = -np.log1p(-uniform_array(world.key(REUNION), people.pid[parted.children]))
    found = draw < rate * (stretch.end - first)
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
    people, claims = world.people, CLAIMS.of(world)
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


MECHANISM = Mechanism(
    "reunification",
    "brings children back to the adults whom a state took them from",
    draws=(REUNION,),
    hooks=(Hook("states", 60, reunify),),
)
