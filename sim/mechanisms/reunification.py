"""Reunification: children held by a state are returned to the adults they were taken from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from sim.core.rng import Draw
from sim.core.state import DAYS_A_YEAR, take
from sim.kernels.reunion import reunite
from sim.mechanisms.custody import SEPARATIONS
from sim.mechanisms.policy import RULES, admission_class
from sim.model.declare import Hook, Mechanism
from sim.schema.key import OURS, Part, key

if TYPE_CHECKING:
    from sim.model.segment import Segment
    from sim.model.world import World


class ReunificationRule(Part):
    """Keys on separated families that a rule of a state may have."""

    reunification_days: Annotated[float, Field(strict=True, gt=0, le=36_500)] | None = key(
        None,
        "Median time until children are back with the adults they were taken from, wherever "
        "these are by then.",
        unit="days",
        higher="families stay separated longer",
        otherwise=60.0,
        source=OURS,
    )


REUNION = Draw("reunion", 47)


def reunify(world: World, segment: Segment) -> None:
    """Return children to the adults they were taken from, once a month, at the rate of the rule.

    Half of them are returned within the median time. They join the household wherever it is by
    then, and share its status and its claim. If no one of the household survives, the children
    stay where they are held, and the case is closed.
    """
    parted, households = SEPARATIONS.of(world), world.households
    if not segment.month_begins or not len(parted.children):
        return
    k = admission_class(world, parted.children)
    median = RULES.of(world).stated("reunification_days")[k, parted.country]
    rate = np.log(2.0) * DAYS_A_YEAR / median
    first = np.maximum(parted.since, float(world.month_began))
    who = households.ident[parted.children]
    when, _ = world.first_events(REUNION, who, rate, first, float(world.day))
    found = np.isfinite(when)
    reunite(households, world.persons, parted.children[found], parted.adults[found])
    take(parted, ~found)


MECHANISM = Mechanism(
    "reunification",
    "returns children to the adults from whom a state took them",
    rule_keys=ReunificationRule,
    draws=(REUNION,),
    hooks=(Hook("people", 15, reunify),),
)
