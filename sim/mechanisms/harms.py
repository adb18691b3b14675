"""Harms to people on the way: counted by corridor or country, citizenship and kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.terms import Harm
from sim.model.columns import CITIZENSHIP, CORRIDOR, CORRIDOR_ONLY, HARM, MONEY, PARTY, Column
from sim.model.declare import NONE_COUNTED, Mechanism, Rows, Table, dense, nonzero

if TYPE_CHECKING:
    from sim.model.world import Census, World

WAY = CORRIDOR.named("corridor", "corridor where it happened, or country if not on a corridor")
ON = CORRIDOR_ONLY.named("corridor", "corridor on which they travelled")

HARMS = dense("harms", (WAY, CITIZENSHIP, HARM), "people harmed")
EXTORTED = dense("money", (WAY, CITIZENSHIP), "cents taken by extortion")
BRIBES = dense("bribes", (WAY, CITIZENSHIP), "cents taken by officials")
INTERCEPTED = dense("caught", (ON, CITIZENSHIP, PARTY), "people who were intercepted")


def harm_rows(world: World, _census: Census) -> Rows:
    """People by harm, with the money that it cost them."""
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
    "counts harms to people on the way",
    counters=(HARMS, EXTORTED, BRIBES, INTERCEPTED),
    tables=(
        Table(
            "harms",
            "harms to people on the way",
            "first",
            (
                WAY,
                CITIZENSHIP,
                HARM,
                Column("people", "int", "people", "people harmed; repeated harms count again"),
                Column("money", "float", MONEY, "money they lost to extortion and bribes"),
            ),
            harm_rows,
            absent=NONE_COUNTED,
        ),
        Table(
            "interceptions",
            "people intercepted on the way, by composition of the party; totals are in `harms`",
            "first",
            (
                ON,
                CITIZENSHIP,
                PARTY,
                Column("people", "int", "people", "people intercepted; repeated ones count again"),
            ),
            nonzero(INTERCEPTED, "people"),
            absent=NONE_COUNTED,
        ),
    ),
)
