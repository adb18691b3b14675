"""Whom pictures and lists are about: the people of `population.focus`, where a scenario names it.

People outside the focus are simulated in coarse rows, each of which represents tens of thousands,
so that one row that moves makes a flow. Such moves say nothing about the countries they join.
"""

from __future__ import annotations

from typing import Final
from weakref import WeakKeyDictionary

import pandas as pd

from sim.plots import wording
from sim.results.record import Record
from sim.results.sums import country_of

NAMED: Final = 3
"""Countries of a focus that are named; more are counted."""
CITIZENS: Final = ("flows", "crossings", "harms", "stocks", "blocked", "claims", "paths")
"""Tables that are narrowed to citizens of the focus."""
SPLIT: Final = ("answers", "attribution")
"""Tables that are narrowed by the first of `COLUMNS` that they are split by."""
COLUMNS: Final = {
    "citizenship": "who are citizens of",
    "home": "whose home is in",
    "place": "living in",
}
"""Columns that tell whether a row is about the focus, the best first, and how to say it."""

_narrowed: WeakKeyDictionary[Record, Record] = WeakKeyDictionary()


def narrowed(record: Record) -> Record:
    """Give a run with the rows about the focus only; the run itself, if it has no focus.

    Args:
        record: a run.

    Returns:
        The tables of `CITIZENS` of citizens of the focus; answers and attribution of those who are
        citizens, have their home or live there, whichever the tables tell first.
        All other tables are whole. Narrowing twice changes nothing more.
    """
    if not record.scenario.population.focus:
        return record
    if record not in _narrowed:
        tables = dict(record.tables)
        for name in (*CITIZENS, *SPLIT):
            if name in tables and (column := _column(record, name)):
                tables[name] = _within(record, tables[name], column)
        _narrowed[record] = Record(record.scenario, record.seed, record.manifest, tables)
    return _narrowed[record]


def _column(record: Record, name: str) -> str:
    """Give the column that tells which rows of a table are about the focus; empty: none does."""
    columns = COLUMNS if name in SPLIT else ("citizenship",)
    return next((it for it in columns if it in record.tables[name].columns), "")


def _within(record: Record, frame: pd.DataFrame, column: str) -> pd.DataFrame:
    wanted = set(record.scenario.population.focus)
    if column != "citizenship":
        wanted = {place for place, country in country_of(record).items() if country in wanted}
    kept: pd.DataFrame = frame[frame[column].isin(sorted(wanted))]
    return kept


def countries(record: Record) -> str:
    """Name the countries of the focus; empty, if there is none."""
    focus = record.scenario.population.focus
    if len(focus) > NAMED:
        return f"{len(focus)} countries"
    names = wording.names(record)
    return wording.listed([names.get(it, it) for it in focus])


def citizens(record: Record) -> str:
    """Name the people whom flows and harms are about: `citizens of Syria`, or `people`."""
    return f"citizens of {countries(record)}" if record.scenario.population.focus else "people"


def counted(record: Record, number: float) -> str:
    """Write a number of these people, with the word that fits it."""
    if not record.scenario.population.focus:
        return wording.people(number)
    who = citizens(record)
    return f"1 {who.replace('citizens', 'citizen', 1)}" if round(number) == 1 else (
        f"{wording.words(number)} {who}"
    )  # fmt: skip


def row_words(record: Record) -> str:
    """Say how many people a simulated person stands for: one of the focus, and anybody else.

    Returns:
        For example `A simulated person stands for 1,000 to 1,667 people`.
    """
    places = record.places
    places = places[places["rows"] > 0]
    inside = places["country"].isin(record.scenario.population.focus)
    if not inside.any() or inside.all():
        return f"A simulated person stands for {_span(places)}"
    who = citizens(record).replace("citizens", "citizen", 1)
    return (
        f"A simulated {who} stands for {_span(places[inside])}, anybody else for "
        f"{_span(places[~inside])}"
    )


def _span(places: pd.DataFrame) -> str:
    """Write how many people rows of some places represent."""
    column = places["people_per_row"]
    least, most = int(column.min()), int(column.max())
    people = "person" if most == 1 else "people"
    return f"{most:,} {people}" if least == most else f"{least:,} to {most:,} people"


def such(record: Record, name: str = "answers") -> str:
    """Say whom answers or attribution are about, after a word for them.

    Args:
        record: a run.
        name: which of the two tables.

    Returns:
        ` living in Syria`, with the space, for example; empty for everybody.
    """
    if not record.scenario.population.focus or name not in record.tables:
        return ""
    column = _column(record, name)
    return f" {COLUMNS[column]} {countries(record)}" if column else ""
