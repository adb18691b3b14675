"""Every output table with all its columns, as the mechanisms declare them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from sim.mechanisms.registry import MECHANISMS
from sim.model.declare import Column, Table

REPLICATE: Final = Column("replicate", "int", "index", "replicate, from 0")
FIRST: Final = Column("date", "date", "day", "first day of the steps summed in the row")
LAST: Final = Column("date", "date", "day", "last day of the steps summed in the row")


def complete(table: Table) -> Table:
    """A table with the columns that all tables have."""
    date = FIRST if table.date == "first" else LAST
    return replace(table, columns=(REPLICATE, date, *table.columns))


TABLES: Final[Mapping[str, Table]] = {
    table.name: complete(table) for mechanism in MECHANISMS for table in mechanism.tables
}
"""All tables by name."""
