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
    if not held.any():
        return np.zeros(world.n_countries)
    legs, days = world.network.legs, way.custody.days
    n_corridors = held.shape[1]
    days_held = np.zeros(held.shape)
    days_held[:, legs.corridor] = days
    into = np.zeros(n_corridors, np.int64)
    into[legs.corridor] = world.country[legs.target]
    person_days = (held * days_held).sum(axis=0)
    return np.asarray(np.bincount(into, person_days, world.n_countries), np.float64)


def separate(world: World, children: I64, adults: I64, country: I64, since: F64) -> None:
    """Record families whose children were taken from them.

    Args:
        world: The world.
        children: [n] rows of the households of the children.
        adults: [n] rows of the households that they were taken from.
        country: [n] country that holds them.
        since: [n] day on which they were taken.
    """
    if len(children):
        append(
            SEPARATIONS.of(world), children=children, adults=adults, country=country, since=since
        )


MECHANISM = Mechanism(
    "custody",
    "counts days of detention, and records separated families",
    states=(SEPARATIONS,),
)
