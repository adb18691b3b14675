"""Regularisation: a regular status for people who stay without permission (docs/model.md, 3.4).

`sim/kernels/status.py` has its rate, and what becomes of the household.
"""

from __future__ import annotations

from sim.core.rng import Draw
from sim.model.declare import Mechanism
from sim.schema.key import OURS, Part, key
from sim.schema.types import Share


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

MECHANISM = Mechanism(
    "regularisation",
    "says how many irregular residents are given a regular status",
    rule_keys=RegularisationRule,
    draws=(REGULARISED,),
)
