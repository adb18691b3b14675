"""A run as it is kept: tidy tables in real people, and how they were made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from sim.results.tables import (
    DECLARED,
    DERIVED,
    TABLES,
    described,
    in_words,
    money_unit,
    with_countries,
)
from sim.schema import Scenario


class NoTableError(LookupError):
    """A table that this run did not keep was asked for."""


def horizon(scenario: Scenario) -> pd.Timestamp:
    """Give the first moment after the simulated period."""
    return pd.Timestamp(scenario.time.end) + pd.Timedelta(days=1)


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """A run: its scenario, how it was made, and its tables, each an attribute by its name.

    Every table is tidy and in real people; text columns are categories; the first column is
    always `replicate`. Tables are shared, not copied: take a copy before changing one.
    `print(run.describe("flows"))` says what the columns of a table are, docs/tables.md of all.
    """

    scenario: Scenario
    """The resolved scenario."""
    seed: int
    """The seed that the replicates' seeds derive from."""
    manifest: Mapping[str, Any]
    """How the run was made: hash, seeds, versions, machine, time taken, notes."""
    tables: Mapping[str, pd.DataFrame]
    """The tables by name."""

    def __post_init__(self) -> None:
        """Refuse tables that lack a documented column; add the countries of places."""
        tables = {
            name: with_countries(DECLARED[name], frame, self.scenario) if name in TABLES else frame
            for name, frame in self.tables.items()
        }
        object.__setattr__(self, "tables", tables)
        for name, frame in tables.items():
            if name not in TABLES:
                raise ValueError(f"no table is called {name!r}; there are {', '.join(TABLES)}")
            needed = [column.name for column in TABLES[name].columns if not column.optional]
            if lacking := [column for column in needed if column not in frame.columns]:
                raise ValueError(f"table {name!r} lacks {', '.join(lacking)}")

    def __repr__(self) -> str:
        """Say what was run, how often, and what was kept."""
        times = "replicate" if self.replicates == 1 else "replicates"
        return (
            f"<{type(self).__name__} of {self.scenario.name}: seed {self.seed}, "
            f"{self.replicates} {times}, tables {', '.join(self.tables)}>"
        )

    def __getattr__(self, name: str) -> pd.DataFrame:
        """Give a table by its name, as an attribute."""
        if name in TABLES:
            return self.table(name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        """List what there is, tables included."""
        return sorted({*super().__dir__(), *TABLES})

    def table(self, name: str) -> pd.DataFrame:
        """Give a table by name; `describe` says what its columns are.

        Raises:
            NoTableError: this run did not keep it.
        """
        if name in self.tables:
            return self.tables[name]
        raise NoTableError(
            f"this run kept no table {name!r}; add it to outputs.tables and run again"
        )

    @property
    def replicates(self) -> int:
        """Number of replicates."""
        return int(self.manifest.get("replicates", 1))

    @property
    def money_unit(self) -> str:
        """What money is counted in: currency, and the year whose prices it is in."""
        return money_unit(self.scenario)

    def describe(self, name: str | None = None) -> str:
        """Describe a table in plain words: each column with its unit, and what else to know.

        Args:
            name: Of the table; none: all tables are listed, a line each.

        Returns:
            Text to print.

        Raises:
            LookupError: No table is called so.
        """
        if name is not None:
            return in_words(described(name), self.scenario)
        names = [*self.tables, *DERIVED]
        return "\n".join(f"{it:<{max(map(len, names))}}  {described(it).text}" for it in names)

    @cached_property
    def periods(self) -> pd.DataFrame:
        """The periods that rows of the tables cover.

        Columns: `first` and `after` (first day of the period, and of the next) and `days`, in order
        and without gaps from the scenario's start to its end. They come from the dates of all
        tables together, since a sparse table may skip a period in which nothing happened.
        """
        start, end = pd.Timestamp(self.scenario.time.start), horizon(self.scenario)
        starts = {start}
        for name, frame in self.tables.items():
            days = pd.DatetimeIndex(frame["date"].unique())
            starts.update(days if TABLES[name].date == "first" else days + pd.Timedelta(days=1))
        inside = sorted(day for day in starts if start <= day < end)
        frame = pd.DataFrame({"first": inside, "after": [*inside[1:], end]})
        frame["days"] = (frame["after"] - frame["first"]).dt.days
        return frame
