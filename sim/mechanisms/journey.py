"""Journeys by corridors: draws, crossings and prices (docs/model.md, 3.4).

How people set out is in `sim/kernels/departure.py`, how they travel in `sim/kernels/travel.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.rng import Draw
from sim.mechanisms.choice import CHOICES
from sim.model.columns import CITIZENSHIP, CORRIDOR, CORRIDOR_ONLY, MONEY, Column
from sim.model.declare import NONE_COUNTED, Absent, Mechanism, Rows, Table, dense, nonzero

if TYPE_CHECKING:
    from sim.model.world import Census, World

DESTINATION = Draw("destination", 22)
CHANNEL_CHOSEN = Draw("channel", 23)
STRANDED = Draw("stranded", 38)
ON_LEGS = (
    Draw("leg", 30), Draw("death", 31), Draw("violence", 32), Draw("kidnapping", 33),
    Draw("extortion", 34), Draw("interception", 35), Draw("detention", 36),
    Draw("prosecution", 37),
)  # fmt: skip
"""What is drawn on a leg, in the order of `sim/kernels/segment.py`."""

CROSSINGS = dense("crossings", (CORRIDOR_ONLY, CITIZENSHIP), "people who passed through")


def price_rows(world: World, _census: Census) -> Rows:
    """Today's prices of corridors into another country, for their cheapest usable route option."""
    legs, way = world.network.legs, CHOICES.of(world).way
    usable = np.flatnonzero(legs.crosses & way.usable)
    order = usable[np.lexsort((way.price[usable], legs.corridor[usable]))]
    corridor = legs.corridor[order]
    cheapest = np.ones(len(order), bool)
    cheapest[1:] = corridor[1:] != corridor[:-1]
    order = order[cheapest]
    return {
        "corridor": corridor[cheapest],
        "price": way.price[order],
        "intercepted": way.intercepted[order],
    }


MECHANISM = Mechanism(
    "journey",
    "counts journeys by corridors",
    counters=(CROSSINGS,),
    draws=(DESTINATION, CHANNEL_CHOSEN, STRANDED, *ON_LEGS),
    tables=(
        Table(
            "crossings",
            "people who passed through the corridors",
            "first",
            (
                CORRIDOR_ONLY,
                CITIZENSHIP,
                Column("people", "int", "people", "people who reached the other end"),
            ),
            nonzero(CROSSINGS, "people"),
            absent=NONE_COUNTED,
        ),
        Table(
            "prices",
            "smugglers' prices for corridors, and the probability of interception",
            "last",
            (
                CORRIDOR.named("corridor", "corridor, by its cheapest usable route option"),
                Column("price", "float", MONEY, "price per person, which rises with enforcement"),
                Column("intercepted", "float", "share", "probability of interception on it"),
            ),
            price_rows,
            absent=Absent(
                "An absent corridor has no price: it lies within a country, or no one can use it "
                "on that day."
            ),
        ),
    ),
)
