"""Harms to people on the way: counted and expected, by corridor or country, citizenship and kind.

A simulated person represents hundreds of people, so that a rare harm strikes a row, and then all
whom it represents, or no row at all. What is expected of every draw is therefore added up too:
`expected` has the same mean as the count, and far less noise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.state import MICRO
from sim.core.terms import Harm
from sim.kernels.harms import Harmed
from sim.model.columns import CITIZENSHIP, CORRIDOR, CORRIDOR_ONLY, HARM, MONEY, PARTY, Column
from sim.model.declare import NONE_COUNTED, Mechanism, Rows, Table, dense, where_nonzero

if TYPE_CHECKING:
    from sim.model.world import Census, World

WAY = CORRIDOR.named("corridor", "corridor where it happened, or country if not on a corridor")
EXPECTED = Column("expected", "float", "people", "people to be expected")
ON = CORRIDOR_ONLY.named("corridor", "corridor on which they travelled")

HARMS = dense("harms", (WAY, CITIZENSHIP, HARM), "people harmed")
EXPECTED_HARMS = dense(
    "harms_expected", (WAY, CITIZENSHIP, HARM), "people expected to be harmed, in 1 / MICRO"
)
AT_RISK = dense("harms_rows", (WAY, CITIZENSHIP, HARM), "rows that draws of harms were about")
EXTORTED = dense("money", (WAY, CITIZENSHIP), "cents taken by extortion")
BRIBES = dense("bribes", (WAY, CITIZENSHIP), "cents taken by officials")
INTERCEPTED = dense("caught", (ON, CITIZENSHIP, PARTY), "people who were intercepted")
EXPECTED_INTERCEPTED = dense(
    "caught_expected", (ON, CITIZENSHIP, PARTY), "people expected there, in 1 / MICRO"
)


def harmed(world: World) -> Harmed:
    """What the kernels add to."""
    return Harmed(HARMS.of(world), EXPECTED_HARMS.of(world), AT_RISK.of(world))


def harm_rows(world: World, _census: Census) -> Rows:
    """People by harm, with the money that it cost them."""
    extorted, bribes = EXTORTED.of(world), BRIBES.of(world)
    people, expected, rows = harmed(world)
    way, citizenship, harm = where = where_nonzero(people | expected | rows)
    money = np.zeros(len(way))
    # Plain numbers: an enum would be turned into one by every comparison.
    for kind, cents in ((int(Harm.extortion), extorted), (int(Harm.bribe), bribes)):
        its = np.flatnonzero(harm == kind)
        money[its] = cents[way[its], citizenship[its]] / 100.0
    return {
        "corridor": way,
        "citizenship": citizenship,
        "harm": harm,
        "expected": expected[where] / MICRO,
        "people": people[where],
        "rows": rows[where],
        "money": money,
    }


def interception_rows(world: World, _census: Census) -> Rows:
    """People by composition of the party."""
    caught, expected = INTERCEPTED.of(world), EXPECTED_INTERCEPTED.of(world)
    corridor, citizenship, party = where = where_nonzero(caught | expected)
    return {
        "corridor": corridor,
        "citizenship": citizenship,
        "party": party,
        "expected": expected[where] / MICRO,
        "people": caught[where],
    }


MECHANISM = Mechanism(
    "harms",
    "counts harms to people on the way",
    counters=(
        HARMS,
        EXPECTED_HARMS,
        AT_RISK,
        EXTORTED,
        BRIBES,
        INTERCEPTED,
        EXPECTED_INTERCEPTED,
    ),
    tables=(
        Table(
            "harms",
            "harms to people on the way",
            "first",
            (
                WAY,
                CITIZENSHIP,
                HARM,
                EXPECTED.named(
                    "expected", "people to be expected: the risks that they met, summed"
                ),
                Column("people", "int", "people", "people harmed; repeated harms count again"),
                Column("rows", "int", "rows", "simulated persons at risk, at each leg or order"),
                Column("money", "float", MONEY, "money they lost to extortion and bribes"),
            ),
            harm_rows,
            absent=NONE_COUNTED,
            notes="`expected` is what headline figures, pictures and comparisons show. Whenever a "
            "harm may strike, its probability times the people at risk is added, just before it is "
            "drawn: at every leg that is travelled for deaths, violence, extortion, kidnapping, "
            "bribes and interception; at every interception for prosecution, detention and being "
            "turned back; at every prosecution of a family for separation; at every claim for "
            "transfers to a first country. For orders to leave, people times the rate at which "
            "orders are executed times the time that they live under them is added. What has been "
            "drawn before is taken as it was, so that the mean of `people` over many seeds is that "
            "of `expected`. A single run is another matter: one simulated person stands for "
            "hundreds of people, and dies or does not. What an earlier draw has settled, such as "
            "the return of people whose detention ends, is expected when it happens. `expected` is "
            "rounded to a millionth of a person at every draw.",
        ),
        Table(
            "interceptions",
            "people intercepted on the way, by composition of the party; totals are in `harms`",
            "first",
            (
                ON,
                CITIZENSHIP,
                PARTY,
                EXPECTED.named("expected", "people to be expected: as in `harms`"),
                Column("people", "int", "people", "people intercepted; repeated ones count again"),
            ),
            interception_rows,
            absent=NONE_COUNTED,
        ),
    ),
)
