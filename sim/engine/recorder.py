"""Steps a world, and turns counts of mechanisms into rows of the output tables."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sim.engine.setup import start_counting
from sim.engine.step import advance
from sim.model.columns import BY, Column
from sim.model.declare import Table
from sim.results.tables import DECLARED, category, with_countries

if TYPE_CHECKING:
    from sim.model.world import Census, World

EMPTY = {"int": np.int64, "float": np.float64, "bool": np.bool_, "text": np.int64}
"""Data types of the columns of an empty table."""
DATE = np.dtype("datetime64[s]")


class Recorder:
    """Collects rows of every table that the scenario asks for.

    Attributes:
        first: First day of the period that the next rows cover.
        rows: Blocks of rows, by table.
    """

    def __init__(
        self,
        world: World,
        first: date | None = None,
        rows: dict[str, list[dict[str, Any]]] | None = None,
    ) -> None:
        self.scenario = world.scenario
        self.cells = world.cells
        self.first = first or world.scenario.time.start
        self.rows = rows or {name: [] for name in world.scenario.outputs.tables}

    def record(self, world: World, census: Census) -> None:
        """Add the rows of the steps since the last call, and reset all counters."""
        self._add(world, census, at_end=False)
        self.first = world.date()
        start_counting(world)

    def record_end(self, world: World, census: Census) -> None:
        """Add the rows of tables that are written only on the last day."""
        self._add(world, census, at_end=True)

    def _add(self, world: World, census: Census, at_end: bool) -> None:
        days = {
            "first": np.datetime64(self.first, "s"),
            "last": np.datetime64(world.date() - timedelta(days=1), "s"),
        }
        for name, blocks in self.rows.items():
            table = DECLARED[name]
            if table.at_end == at_end:
                columns = table.rows(world, census)
                when = np.empty(len(next(iter(columns.values()))), DATE)
                when.fill(days[table.date])
                blocks.append({"date": when, **columns})

    def so_far(self) -> dict[str, list[dict[str, Any]]]:
        """Rows of all tables, one block per table, which makes checkpoints faster to write."""
        for name, blocks in self.rows.items():
            if len(blocks) > 1:
                self.rows[name] = [_joined(blocks)]
        return self.rows

    def frames(self, replicate: int) -> dict[str, pd.DataFrame]:
        """Tables of one replicate."""
        return {name: self._frame(DECLARED[name], replicate) for name in self.rows}

    def _frame(self, table: Table, replicate: int) -> pd.DataFrame:
        blocks = self.rows[table.name]
        found = _joined(blocks) if blocks else _nothing(table)
        columns: dict[str, Any] = {"date": found["date"]}
        if table.by:
            shape = self.cells.shape
            parts = np.unravel_index(found["cell"], shape) if shape else ()
            for by, part in zip(self.cells.by, parts, strict=True):
                columns |= self._column(BY[by], part)
        for column in table.columns:
            if column.name in found:
                columns |= self._column(column, found[column.name])
        n = len(found["date"])
        frame = pd.DataFrame({"replicate": np.full(n, replicate), **columns})
        return with_countries(table, frame, self.scenario)

    def _column(self, column: Column, values: Any) -> dict[str, Any]:
        if column.words is None:
            return {column.name: values}
        return {column.name: category(values, column.words(self.scenario))}


def _joined(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: np.concatenate([it[name] for it in blocks]) for name in blocks[0]}


def _nothing(table: Table) -> dict[str, Any]:
    columns: dict[str, Any] = {
        it.name: np.empty(0, EMPTY[it.kind]) for it in table.columns if not it.optional
    }
    cell = {"cell": np.empty(0, np.int64)} if table.by else {}
    return {"date": np.empty(0, DATE), **cell, **columns}


class Stepper:
    """Steps a world to its end and records its tables.

    Callers that inspect the world between steps use the same steps as `run`.
    """

    def __init__(self, world: World, recorder: Recorder | None = None) -> None:
        self.world = world
        self.recorder = recorder or Recorder(world)
        self.n_days = (world.scenario.time.end - world.scenario.time.start).days + 1

    @property
    def over(self) -> bool:
        """Whether the last day of the scenario is done."""
        return self.world.day >= self.n_days

    def step(self, look: Callable[[], None] | None = None) -> Census:
        """Take the next step, and record rows if they are due; the run must not be over.

        Args:
            look: Called when the step is done, before counters are reset.

        Returns:
            The census at the end of the step.
        """
        world = self.world
        census = advance(world)
        if look is not None:
            look()
        if world.step % world.scenario.outputs.every == 0 or self.over:
            self.recorder.record(world, census)
        if self.over:
            self.recorder.record_end(world, census)
        return census
