"""Every output table with all its columns, as the mechanisms declare them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from sim.mechanisms.registry import MECHANISMS
from sim.model.columns import Column, country_ids
from sim.model.declare import Table

REPLICATE: Final = Column("replicate", "int", "index", "replicate, from 0")
FIRST: Final = Column("date", "date", "day", "first day of the steps summed in the row")
LAST: Final = Column("date", "date", "day", "last day of the steps summed in the row")


def country_beside(place: Column) -> Column | None:
    """The column with the countries of a column of places; none of other columns."""
    if place.country is None:
        return None
    text = f"country of the {place.name.replace('place', 'place of stay')}"
    return Column(place.country, "text", "id", text, place.optional, country_ids)


def complete(table: Table) -> Table:
    """A table with the columns that all tables have, and countries beside places."""
    date = FIRST if table.date == "first" else LAST
    pairs = ((column, country_beside(column)) for column in table.columns)
    columns = [it for pair in pairs for it in pair if it is not None]
    return replace(table, columns=(REPLICATE, date, *columns))


DECLARED: Final[Mapping[str, Table]] = {
    table.name: table for mechanism in MECHANISMS for table in mechanism.tables
}
"""All tables as they are declared, by name."""
TABLES: Final[Mapping[str, Table]] = {name: complete(it) for name, it in DECLARED.items()}
"""All tables as they are kept."""
