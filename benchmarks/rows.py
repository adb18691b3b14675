"""Households and persons in an order of their own: on which rows they are tells nothing.

Rows of new households depend on how many threads tell lives. By their identities, and with
identities in place of rows, two worlds alike are the same to the bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from sim.core.state import DIED, I64, NOBODY, Moves
from sim.mechanisms.custody import SEPARATIONS
from sim.mechanisms.kin import NEWS
from sim.mechanisms.plans import PLANS
from sim.model.world import World

ROWS_OF_HOUSEHOLDS = (SEPARATIONS, NEWS)
"""States that list households by their rows, in `household`, `children` or `adults`."""


def without_rows(world: World) -> Iterator[tuple[str, Any]]:
    """Names and values of all columns that are about single households or persons."""
    households, persons = world.households, world.persons
    founded = np.setdiff1d(np.arange(len(households.ident)), world.spare)
    founded = founded[np.argsort(households.ident[founded])]
    pid = np.append(persons.pid, np.uint64(0))  # the last one is nobody's
    for name, values in households._asdict().items():
        mine = values[founded]
        if name == "head":
            mine = pid[np.where(mine == NOBODY, len(persons.pid), mine)]
        elif name == "relative":
            mine = households.ident[mine]
        yield f"households.{name}", mine
    order = np.argsort(persons.pid)
    for name, values in persons._asdict().items():
        mine = values[order]
        if name == "household":
            mine = households.ident[mine]
        elif name == "next":
            # Of the dead it says where they died.
            dead = persons.past[order] & DIED > 0
            following = np.where(dead | (mine == NOBODY), len(persons.pid), mine)
            mine = np.where(dead, mine, pid[following])
        yield f"persons.{name}", mine
    plans = PLANS.of(world)
    yield from listed(world, "plans", plans._asdict(), plans.household)
    for state in ROWS_OF_HOUSEHOLDS:
        columns = vars(state.of(world))
        first = next(iter(columns.values()))
        yield from listed(world, state.name, columns, first)


def moves_of(batches: list[Moves]) -> Moves:
    """People who set out or arrived, in an order of their own, whoever did so first."""
    columns = [
        np.concatenate([np.empty(0, np.int64), *column]) for column in zip(*batches, strict=True)
    ]
    columns = columns or [np.empty(0, np.int64)] * len(Moves._fields)
    order = np.lexsort(columns)
    return Moves(*(column[order] for column in columns))


def listed(
    world: World, of: str, columns: dict[str, Any], houses: I64
) -> Iterator[tuple[str, Any]]:
    """Columns of a list of households, ordered by their identities, else as they are listed."""
    ident = world.households.ident
    order = np.argsort(ident[houses], kind="stable")
    for name, values in columns.items():
        mine = values[order]
        yield f"{of}.{name}", ident[mine] if name in ("household", "children", "adults") else mine
