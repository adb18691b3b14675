"""Regularisation: a regular status for people who stay without permission (section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.rng import Draw
from sim.core.terms import Activity, Status
from sim.kernels.household import give_status, tell_all_kin
from sim.mechanisms.policy import RULES, admission_class
from sim.model.declare import Hook, Mechanism
from sim.schema.key import OURS, Part, key
from sim.schema.types import Share

if TYPE_CHECKING:
    from sim.model.substep import SubStep
    from sim.model.world import World


class RegularisationRule(Part):
    """Keys on regularisation that a rule of a state may have."""

    regularisation: Share | None = key(
        None,
        "Part of the people in an irregular stay who are given a regular one within a year.",
        unit="share",
        higher="fewer people live in an irregular situation, and relatives may follow sooner",
        otherwise=0.0,
        source=OURS,
    )


REGULARISED = Draw("regularisation", 46)


def regularise(world: World, substep: SubStep) -> None:
    """Give irregular residents a regular status, at each country's rate.

    People who became irregular within this sub-step are not considered until the next one.
    """
    households, houses = world.households, substep.unsettled
    shares = RULES.of(world).stated("regularisation")
    irregular = households.status[houses] == Status.irregular
    houses = houses[irregular & (households.activity[houses] <= Activity.waiting)]
    if not shares.any() or not len(houses):
        return
    c = world.country[households.place[houses]]
    share = shares[admission_class(world, houses), c]
    rate = -np.log1p(-np.minimum(share, 0.999999))
    who, today = households.ident[houses], float(world.day)
    when, _ = world.first_events(REGULARISED, who, rate, today, float(substep.end))
    chosen = np.isfinite(when)
    give_status(households, houses[chosen], int(Status.regular))
    tell_all_kin(households, houses[chosen], c[chosen])


MECHANISM = Mechanism(
    "regularisation",
    "gives irregular residents a regular status",
    rule_keys=RegularisationRule,
    draws=(REGULARISED,),
    hooks=(Hook("states", 70, regularise),),
)
