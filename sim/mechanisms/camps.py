"""Camps: arrivals are taken to camps as long as there is room."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.parallel import in_pieces
from sim.core.rng import Draw, key_of, uniform_array
from sim.core.state import I64, TO_CAMP
from sim.core.terms import Activity
from sim.kernels.household import move_households
from sim.kernels.tally import people_at
from sim.model.declare import Hook, Mechanism
from sim.schema.key import OURS, Part, key
from sim.schema.types import Share

if TYPE_CHECKING:
    from sim.model.segment import Segment
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


def fill_camps(world: World, segment: Segment) -> None:
    """Take households to camps of the country they are in, once a month, as long as there is room.

    Places are given by a lottery on hashed ids; households are not split.
    """
    if not segment.month_begins:
        return
    houses = to_camps(world)
    if not len(houses):
        return
    households, geography = world.households, world.geography
    households.flags[houses] &= 255 - TO_CAMP
    houses = houses[households.activity[houses] <= int(Activity.waiting)]
    country, n_people = world.country[households.place[houses]], world.n_people(houses)
    people = np.zeros(len(world.country), np.int64)
    people_at(households, 0, len(households.ident), geography.is_camp, people)
    lottery = uniform_array(key_of(world.seed, CAMP, -1 - world.month()), households.ident[houses])
    for c in sorted(set(world.country[geography.is_camp].tolist())):
        mine = np.flatnonzero(country == c)
        if not len(mine):
            continue
        camps = np.flatnonzero(geography.is_camp & (world.country == c))
        mine = mine[np.argsort(lottery[mine], kind="stable")]
        for camp in camps:
            room = geography.capacity[camp] - people[camp]
            used = np.cumsum(n_people[mine])
            chosen = houses[mine[used <= room]]
            # Some may come from a camp of the country that is dealt with later.
            np.subtract.at(people, households.place[chosen], n_people[mine[: len(chosen)]])
            days = households.moved[chosen].astype(np.int64)
            move_households(households, chosen, np.full(len(chosen), camp), -1, days)
            mine = mine[len(chosen) :]


def to_camps(world: World) -> I64:
    """[n] rows of households that are to be taken to a camp, since they arrived."""
    households = world.households

    def find(first: int, last: int) -> I64:
        return first + np.flatnonzero(households.flags[first:last] & TO_CAMP != 0)

    parts = in_pieces(find, len(households.ident), world.threads)
    return np.concatenate([np.empty(0, np.int64), *parts])


MECHANISM = Mechanism(
    "camps",
    "takes arrivals to camps as long as there is room",
    rule_keys=CampRule,
    draws=(CAMP,),
    hooks=(Hook("states", 20, fill_camps),),
)
