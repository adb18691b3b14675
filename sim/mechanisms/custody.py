"""Custody at borders: days of detention, and separated families.

Detention, prosecution, separation and removal are drawn on the way (`sim/kernels/travel.py`) under
the rules of the day (`treatments` in `sim/mechanisms/policy.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.state import F64, I64, Separations, append
from sim.kernels.travel import Way
from sim.model.declare import Mechanism, State

if TYPE_CHECKING:
    from sim.model.world import World

SEPARATIONS = State("separations", lambda _: Separations())


def held_days(world: World, way: Way, held: I64) -> F64:
    """[country] person-days of detention that began at its border.

    Args:
        world: The world.
        way: Travel tables, with the days of detention.
        held: [treatment, corridor] people whose detention began.
    """
    legs, days = world.network.legs, way.custody.days
    n_corridors = held.shape[1]
    days_held = np.zeros(held.shape)
    days_held[:, legs.corridor] = days
    into = np.zeros(n_corridors, np.int64)
    into[legs.corridor] = world.country[legs.target]
    person_days = (held * days_held).sum(axis=0)
    return np.asarray(np.bincount(into, person_days, world.n_countries), np.float64)


def separate(world: World, heads: I64, children: I64) -> None:
    """Record families whose children were taken from them.

    Args:
        world: The world.
        heads: [n] heads of the adults.
        children: [n] rows of the founders of the children's households.
    """
    if len(children):
        people = world.people
        append(
            SEPARATIONS.of(world),
            children=children,
            adults=people.household[heads].astype(np.int64),
            country=world.country[people.place[children]],
            since=people.moved[children].astype(np.float64),
        )


MECHANISM = Mechanism(
    "custody",
    "counts days of detention, and records separated families",
    states=(SEPARATIONS,),
)
