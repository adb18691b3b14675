"""Speed at which newcomers settle, by legal status and the rights that it has in the country."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.state import F64
from sim.mechanisms.policy import RULES
from sim.mechanisms.protection import standing
from sim.model.declare import Hook, Mechanism, State

if TYPE_CHECKING:
    from sim.model.segment import Segment
    from sim.model.world import World


def speeds(world: World) -> F64:
    """[place, status] speed of settling, per year, under today's rules."""
    living = world.scenario.living
    factors = standing(living.status_settling, RULES.of(world).protection)
    return np.asarray(factors[world.country] / living.settling)


SETTLING = State("settling", speeds)


def update(world: World, segment: Segment) -> None:
    """Update how fast newcomers of each status settle, under today's rules."""
    if segment.rules_change:
        SETTLING.put(world, speeds(world))


MECHANISM = Mechanism(
    "settling",
    "sets how fast newcomers settle where they live",
    states=(SETTLING,),
    hooks=(Hook("environment", 40, update),),
)
