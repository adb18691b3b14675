"""What is done to people on the way: counted by corridor or country, citizenship and kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.terms import Harm
from sim.model.columns import CITIZENSHIP, CORRIDOR, CORRIDOR_ONLY, HARM, MONEY, PARTY, Column
from sim.model.declare import NONE_COUNTED, Mechanism, Rows, Table, dense, nonzero

if TYPE_CHECKING:
    from sim.model.world import Census, World

WAY = CORRIDOR.named("corridor", "corridor on which it happened, or country (away from one)")
ON = CORRIDOR_ONLY.named("corridor", "corridor on which they were")

HARMS = dense("harms", (WAY, CITIZENSHIP, HARM), "people to whom it was done")
EXTORTED = dense("money", (WAY, CITIZENSHIP), "cents taken by extortion")
BRIBES = dense("bribes", (WAY, CITIZENSHIP), "cents taken by officials")
INTERCEPTED = dense("caught", (ON, CITIZENSHIP, PARTY), "people who were intercepted")


def harm_rows(world: World, _census: Census) -> Rows:
    """People by what was done to them, with the money that it cost them."""
    harms, extorted, bribes = (it.of(world) for it in (HARMS, EXTORTED, BRIBES))
    way, citizenship, harm = np.nonzero(harms)
    return {
        "corridor": way,
        "citizenship": citizenship,
        "harm": harm,
        "people": harms[way, citizenship, harm],
        "money": np.select(
            [harm == Harm.extortion, harm == Harm.bribe],
            [extorted[way, citizenship] / 100.0, bribes[way, citizenship] / 100.0],
        ),
    }


MECHANISM = Mechanism(
    "harms",
    "counts what is done to people on the way",
    counters=(HARMS, EXTORTED, BRIBES, INTERCEPTED),
    tables=(
        Table(
            "harms",
            "what is done to people on the way",
            "first",
            (
                WAY,
                CITIZENSHIP,
                HARM,
                Column("people", "int", "people", "people to whom it happened"),
                Column(
                    "money", "float", MONEY, "money taken from them by extortion, and by officials"
                ),
            ),
            harm_rows,
            absent=NONE_COUNTED,
        ),
        Table(
            "interceptions",
            "people who were intercepted on the way, by who travels; in `harms` their sums",
            "first",
            (
                ON,
                CITIZENSHIP,
                PARTY,
                Column(
                    "people", "int", "people", "people who were intercepted; again counts again"
                ),
            ),
            nonzero(INTERCEPTED, "people"),
            absent=NONE_COUNTED,
        ),
    ),
)
