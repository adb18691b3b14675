"""Cells: combinations of the `outputs.by` columns, which split `answers` and `attribution`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.state import I64, U32, Households, Persons
from sim.kernels.tally import cells_of
from sim.model.columns import BY

if TYPE_CHECKING:
    from sim.schema import Scenario


class Cells:
    """All combinations of the scenario's `outputs.by` columns, numbered."""

    def __init__(self, scenario: Scenario) -> None:
        self.by = list(scenario.outputs.by)
        self.labels = [BY[name].words_in(scenario) for name in self.by]
        self.shape = tuple(len(values) for values in self.labels)
        self.size = int(np.prod(self.shape)) if self.shape else 1
        self.strides = np.zeros(len(BY), np.int64)
        """[7] step in the cell number for each column of `BY`; 0 for columns not used."""
        for i, name in enumerate(self.by):
            self.strides[list(BY).index(name)] = np.prod(self.shape[i + 1 :], dtype=np.int64)

    def of(
        self, households: Households, persons: Persons, country: I64, houses: U32 | I64, month: int
    ) -> I64:
        """Cell of each household."""
        cells = np.empty(len(houses), np.int64)
        rows = np.asarray(houses, np.uint32)
        cells_of(households, persons, rows, country, month, self.strides, cells)
        return cells
