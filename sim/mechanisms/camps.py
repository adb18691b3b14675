"""Camps: arrivals are taken to camps as long as there is room."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.parallel import in_pieces
from sim.core.rng import Draw, key_of, uniform_array
from sim.core.state import F64, I64
from sim.kernels.household import move_households
from sim.mechanisms.policy import RULES
from sim.model.declare import Mechanism
from sim.schema.key import OURS, Part, key
from sim.schema.types import Share

if TYPE_CHECKING:
    from sim.model.world import World


class CampRule(Part):
    """Keys on camps that a rule of a state may have."""

    encampment: Share | None = key(
        None,
        "Part of the claimants and refugees arriving who are taken to a camp that has places left.",
        unit="share",
        higher="more of them live in camps",
        otherwise=0.0,
        source=OURS,
    )


CAMP = Draw("camp", 40)


def share_taken(world: World) -> F64:
    """[k, c] share of arriving claimants and refugees who are taken to a camp with room."""
    return RULES.of(world).stated("encampment")


def people_at(world: World, place: int) -> int:
    """Number of living people at a place."""
    households = world.households

    def count(first: int, last: int) -> int:
        there = first + np.flatnonzero(households.place[first:last] == place)
        return int(world.n_people(there).sum())

    return sum(in_pieces(count, len(households.ident), world.threads))


def fill_camps(world: World, houses: I64) -> None:
    """Take households to the camps of the country they are in, as long as there is room.

    Places are given by a lottery on hashed ids; households are not split.

    Args:
        world: The world.
        houses: [n] households that are to be taken to a camp.
    """
    if not len(houses):
        return
    households, geography = world.households, world.geography
    country, n_people = world.country[households.place[houses]], world.n_people(houses)
    lottery = uniform_array(key_of(world.seed, CAMP, -1 - world.day), households.ident[houses])
    for c in np.unique(country):
        camps = np.flatnonzero(geography.is_camp & (world.country == c))
        mine = np.flatnonzero(country == c)
        mine = mine[np.argsort(lottery[mine], kind="stable")]
        for camp in camps:
            room = geography.capacity[camp] - float(people_at(world, int(camp)))
            used = np.cumsum(n_people[mine])
            chosen = mine[used <= room]
            if len(chosen):
                places = np.full(len(chosen), camp, np.int64)
                days = households.moved[houses[chosen]].astype(np.int64)
                move_households(households, houses[chosen], places, -1, days)
            mine = mine[len(chosen) :]


MECHANISM = Mechanism(
    "camps",
    "takes arrivals to camps as long as there is room",
    rule_keys=CampRule,
    draws=(CAMP,),
)
