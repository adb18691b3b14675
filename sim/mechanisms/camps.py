"""Camps: arrivals are taken to camps as long as there is room."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.parallel import in_pieces
from sim.core.rng import Draw, key_of, uniform_array
from sim.core.state import F64, I64
from sim.core.terms import Activity
from sim.kernels.household import place_members
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
    people = world.people

    def count(first: int, last: int) -> int:
        there = people.place[first:last] == place
        there &= people.activity[first:last] != Activity.dead
        return int(world.weight[people.home[first:last][there]].sum())

    return sum(in_pieces(count, len(people.pid), world.threads))


def fill_camps(world: World, heads: I64, n_people: I64) -> None:
    """Take households to the camps of the country they are in, as long as there is room.

    Places are given by a lottery on hashed ids; households are not split.

    Args:
        world: The world.
        heads: [n] heads of households that are to be taken to a camp.
        n_people: [n] people in the household that each head represents.
    """
    if not len(heads):
        return
    people, geography = world.people, world.geography
    country = world.country[people.place[heads]]
    lottery = uniform_array(key_of(world.seed, CAMP, -1 - world.day), people.pid[people.household[heads]])
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
                days = people.moved[heads[chosen]].astype(np.int64)
                place_members(people, heads[chosen], places, -1, days)
            mine = mine[len(chosen) :]


MECHANISM = Mechanism(
    "camps",
    "takes arrivals to camps as long as there is room",
    rule_keys=CampRule,
    draws=(CAMP,),
)
