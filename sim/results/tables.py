"""Every output table with all its columns, as the mechanisms declare them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd

from sim.mechanisms.registry import MECHANISMS
from sim.model.columns import BY, Column, country_ids
from sim.model.declare import Table
from sim.schema import Scenario

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


def with_countries(table: Table, frame: pd.DataFrame, scenario: Scenario) -> pd.DataFrame:
    """A table with the countries of its places beside them, where it lacks them.

    Args:
        table: The table.
        frame: Its rows.
        scenario: Whose places they are.
    """
    columns = [BY[name] for name in scenario.outputs.by] if table.by else []
    home = {place.id: place.country for place in scenario.places}
    for column in (*columns, *table.columns):
        name = column.country
        if name is None or name in frame.columns or column.name not in frame.columns:
            continue
        places = frame[column.name].astype("category")
        words = country_ids(scenario)
        number = {word: i for i, word in enumerate(words)}
        # By category, not by row: tables are long and places few. Code -1 is a missing place.
        codes = np.array([*(number[home[it]] for it in places.cat.categories), -1], np.int64)
        countries = category(codes[places.cat.codes.to_numpy()], words)
        frame = frame.copy(deep=False)
        frame.insert(list(frame.columns).index(column.name) + 1, name, countries)
    return frame


def category(codes: Any, words: list[str]) -> Any:
    """A column of words from their numbers."""
    return pd.Categorical.from_codes(codes, words)  # type: ignore[call-overload]
