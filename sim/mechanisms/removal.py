"""Removal: orders to leave, which are carried out or lapse (docs/model.md, 3.4).

They are given to those whose claim for asylum is rejected. `sim/kernels/status.py` has their rates.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sim.core.rng import Draw
from sim.model.declare import Mechanism
from sim.schema.key import OURS, Part, key
from sim.schema.types import Share


class RemovalRule(Part):
    """Keys on orders to leave that a rule of a state may have."""

    returns: Share | None = key(
        None,
        "Part of the orders to leave that are carried out within a year.",
        unit="share",
        higher="more rejected people are sent home",
        otherwise=0.3,
        source=f"{OURS}: about the mean of the world; by country it is 0.2 to 0.6",
    )
    orders_last: Annotated[float, Field(strict=True, ge=0, le=1200)] | None = key(
        None,
        "Time after which an order to leave that was not carried out lapses, into an irregular "
        "stay.",
        unit="months",
        higher="rejected people can be sent home for longer",
        otherwise=24.0,
        source=OURS,
    )


REMOVAL = Draw("removal", 42)

MECHANISM = Mechanism(
    "removal",
    "says which orders to leave are carried out, and how long they last",
    rule_keys=RemovalRule,
    draws=(REMOVAL,),
)
