"""Every output table with all its columns, as the mechanisms declare them.

Tables that follow from a run are declared here: places, seeds, headline and observed figures.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from sim.mechanisms.registry import MECHANISMS
from sim.model.columns import BY, MONEY, Column, country_ids
from sim.model.declare import Table
from sim.schema import Scenario

REPLICATE: Final = Column("replicate", "int", "index", "replicate, from 0")
FIRST: Final = Column("date", "date", "day", "first day of the steps that the row sums up")
LAST: Final = Column("date", "date", "day", "last day of the steps, on which the row holds")
AT_END: Final = Column("date", "date", "day", "last day of the run")


def country_beside(place: Column) -> Column | None:
    """The column with the countries of a column of places; none of other columns."""
    if place.country is None:
        return None
    text = f"country of the {place.text}"
    return Column(place.country, "text", "id", text, place.optional, country_ids)


def with_beside(columns: Iterable[Column]) -> tuple[Column, ...]:
    """Columns, each column of places followed by its countries."""
    pairs = ((column, country_beside(column)) for column in columns)
    return tuple(it for pair in pairs for it in pair if it is not None)


def complete(table: Table) -> Table:
    """A table with the columns that all tables have, and the countries of places."""
    date = AT_END if table.at_end else FIRST if table.date == "first" else LAST
    return replace(table, columns=(REPLICATE, date, *with_beside(table.columns)))


DECLARED: Final[Mapping[str, Table]] = {
    table.name: table for mechanism in MECHANISMS for table in mechanism.tables
}
"""All tables as they are declared, by name."""
TABLES: Final[Mapping[str, Table]] = {name: complete(it) for name, it in DECLARED.items()}
"""All tables as they are kept."""


def with_countries(table: Table, frame: pd.DataFrame, scenario: Scenario) -> pd.DataFrame:
    """Add the countries of its places to a table, where they are missing.

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


# Made from a run when they are asked for --------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Derived:
    """A table that follows from a run: from its scenario, its seeds and its other tables."""

    name: str
    text: str
    columns: tuple[Column, ...]
    notes: str = ""


LOW: Final = Column("low", "float", "as of the mean", "lower end of its 95 % t-interval")
FEW: Final = 30
"""A figure that rests on fewer simulated persons, in all replicates together, is marked."""
ROWS: Final = Column(
    "rows",
    "float",
    "rows",
    "simulated persons on which it rests, in all replicates together; none: it is about everybody, "
    "or a harm that nobody was at risk of",
)
FEW_ROWS: Final = Column("few_rows", "bool", "true or false", f"whether these are fewer than {FEW}")
HIGH: Final = Column("high", "float", "as of the mean", "upper end of its 95 % t-interval")

DERIVED: Final[Mapping[str, Derived]] = {
    table.name: table
    for table in (
        Derived(
            "places",
            "the places of the scenario",
            (
                Column("id", "text", "id", "place, as other tables name it"),
                Column("name", "text", "text", "its name"),
                Column("country", "text", "id", "its country"),
                Column("lat", "float", "degrees", "latitude, north above 0"),
                Column("lon", "float", "degrees", "longitude, east above 0"),
                Column("people", "float", "people", "people who live there at the start"),
                Column("rows", "int", "rows", "simulated persons at the start whose origin it is"),
                Column(
                    "people_per_row", "float", "people", "people that each represents, on average"
                ),
            ),
            "Origin is where somebody's home is, wherever they live: `rows` counts those who live "
            "abroad at the start too, and not the foreigners who live there. Sizes of households "
            "are drawn, so that `rows` is that of replicate 0.",
        ),
        Derived(
            "seeds",
            "the seeds of the replicates",
            (REPLICATE, Column("seed", "int", "seed", "seed of its random draws")),
            "With this seed in `--seed` or `run(seed=...)`, that replicate can be run again "
            "alone. Seeds have up to 19 digits, and spreadsheets keep 15: in xlsx they are "
            "text.",
        ),
        Derived(
            "headline",
            "the main figures of the run, as means over replicates, of the population of interest",
            (
                Column("measure", "text", "id", "the figure; all of them are listed below"),
                Column("unit", "text", "text", "unit of the figure"),
                Column("value", "float", "as in `unit`", "mean over replicates"),
                replace(LOW, unit="as in `unit`"),
                replace(HIGH, unit="as in `unit`"),
                Column("n", "int", "replicates", "replicates that have the figure"),
                Column("counted", "float", "people", "of expected harms: the people they struck"),
                ROWS,
                FEW_ROWS,
            ),
            "Harms are expected numbers: the risks that people met, summed (`expected` in "
            "`harms`). A row stands for hundreds of people, so that the number of those who died "
            "is mostly chance where few die; it is in `counted`. Death rate, life years and "
            "*humane* follow what is expected. A figure rests on few simulated persons where "
            "`few_rows` says so; terminal and report mark it with `~`.\n\n"
            "Intervals are cut off at impossible values, and there is none with one replicate. "
            "A figure whose table was not kept has no value, and n is 0.\n\n"
            "With `population.focus` all figures are about the population of interest: the "
            "citizens of these countries, wherever they live. Everybody else is in the tables. "
            "Where others decide, too (`population.others`), answers count households who live in "
            "these countries, unless `outputs.by` has `citizenship` or `home`.\n\n"
            "People who move twice are two moves; a household that is refused twice is two "
            "refusals. The scorecard: *secure* is 1 - insecurity-years / "
            "(7 x person-years lived), sevenfold because each threat alone can reach 1; *orderly* "
            "is the share of arrivals abroad by the labour, family, home or free channel or by "
            "relocation, plus those for asylum as far as states keep up (times the refugees' part "
            "of refugees and claimants abroad, over the run); *regular* is the share of arrivals "
            "abroad not by the irregular channel; *humane* is 1 - people harmed / departures "
            "abroad, and 0 where there are more harms than departures. Life years lost are counted "
            "from each death to the end of the run and discounted, if so, to the day of death. "
            "Years are added up month by month in `years`; where a run kept no such table, they "
            "are taken from the dates of rows.",
        ),
        Derived(
            "observed",
            "the observed figures of the scenario, each with the simulated one",
            (
                Column("id", "text", "id", "the figure"),
                Column("what", "text", "word", "refugees, deaths, arrivals, ..."),
                Column("of", "text", "ids", "countries whose citizens it counts, joined by `; `"),
                Column("at", "text", "id", "country or corridor where it counts; none: anywhere"),
                Column("party", "text", "word", "who travels, of interceptions; none: everybody"),
                Column(
                    "who",
                    "text",
                    "words",
                    "statuses of those who count, or channels of arrivals; none: all",
                ),
                Column("date", "date", "day", "day of a stock, last day of a flow"),
                Column("since", "date", "day", "first day of a flow; none: the start of the run"),
                Column("observed", "float", "people", "what was observed"),
                Column("simulated", "float", "people", "what the run says, mean over replicates"),
                replace(LOW, unit="people"),
                replace(HIGH, unit="people"),
                ROWS,
                FEW_ROWS,
                Column("source", "text", "ids", "sources, joined by `; `"),
            ),
            "Refugees, asylum seekers and foreign-born are the citizens of `of` abroad with the "
            "statuses in `who`, which the scenario names; if it does not, refugees are those with "
            "the status refugee, claimant, irregular or ordered, asylum seekers those with the "
            "status claimant, foreign-born those with any. Of the foreign-born, those born there "
            "since the start are not counted. Displaced are those so called within `of`. Stocks "
            "are taken on the last day of the record up to `date`, at most 31 days earlier. "
            "Deaths, interceptions, kidnappings and separations of citizens of `of` are those on "
            "corridor `at`, or on the corridors into country `at` and within it; forced returns "
            "those from there and by country `at`; all of them are expected numbers, as in "
            "`headline`. Arrivals are theirs in country `at`, of the channels in `who`, or at the "
            "other end of corridor `at`. They run from `since` to `date`; rows of which a part "
            "falls outside count in proportion to their days. What a run cannot tell is missing: "
            "dates outside the run, tables that were not kept.",
        ),
    )
}
"""All tables that follow from a run, by name: attributes of a record, and files of its folder."""


def described(name: str) -> Table | Derived:
    """The declaration of a table.

    Raises:
        LookupError: No table is called so.
    """
    found = TABLES.get(name) or DERIVED.get(name)
    if found is None:
        raise LookupError(
            f"no table is called {name!r}; there are {', '.join((*TABLES, *DERIVED))}"
        )
    return found


def money_unit(scenario: Scenario) -> str:
    """What money is counted in: currency, and the year whose prices it is in."""
    return f"{scenario.money.currency} of {scenario.money.year}"


def all_columns(table: Table | Derived, by: Iterable[str] = BY) -> dict[str, Column]:
    """All columns that a table may have, by name and in order.

    Args:
        table: Its declaration.
        by: What `outputs.by` names; if it is not said, all that it may name.
    """
    columns = table.columns
    if isinstance(table, Table) and table.by:
        columns = (*columns[:2], *with_beside(BY[it] for it in by), *columns[2:])
    return {it.name: it for it in columns}


def old_names(table: Table | Derived) -> dict[str, str]:
    """Current names of a table's columns, by their old ones."""
    return {it.formerly: it.name for it in all_columns(table).values() if it.formerly}


def unit_of(column: Column, money: str) -> str:
    """What a column is counted in.

    Args:
        column: Its declaration.
        money: Currency and year of prices, in place of the word money.
    """
    return money if column.unit == MONEY else column.unit


def paragraphs(table: Table | Derived) -> list[str]:
    """What else to know about a table, besides its columns."""
    if isinstance(table, Derived):
        return table.notes.split("\n\n") if table.notes else []
    split = "The columns of `outputs.by` (`place`, if nothing is said) follow the date."
    asked = "The table is kept only where `outputs.tables` names it."
    told = [split if table.by else "", table.absent.text, asked if table.by_request else ""]
    return [" ".join(it for it in told if it), *filter(None, table.notes.split("\n\n"))]


def in_words(table: Table | Derived, scenario: Scenario) -> str:
    """A table's declaration in plain words, 80 columns wide.

    Args:
        table: Its declaration.
        scenario: That it is kept of.
    """
    lines = [f"{table.name}: {table.text}", ""]
    columns = all_columns(table, scenario.outputs.by).values()
    units = [unit_of(it, money_unit(scenario)) for it in columns]
    wide = max(len(it.name) for it in columns), max(map(len, units))
    for column, unit in zip(columns, units, strict=True):
        text = column.text + (" (in some runs)" if column.optional else "")
        head = f"  {column.name:<{wide[0]}}  {unit:<{wide[1]}}  "
        lines += textwrap.wrap(head + text, 80, subsequent_indent=" " * min(len(head), 50))
    for paragraph in paragraphs(table):
        lines += ["", *textwrap.wrap(paragraph, 80)]
    return "\n".join(lines)
