"""Words for whom pictures and lists are about: the population of interest, or everybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pandas as pd

from sim.plots import wording
from sim.results.interest import telling_column
from sim.results.record import Record

NAMED: Final = 3
"""Countries of a focus that are named; more are counted."""
WHOSE: Final = {
    "citizenship": "who are citizens of",
    "home": "whose home is in",
    "place": "living in",
}
"""How to say by which column answers and attribution are narrowed."""


def countries(record: Record) -> str:
    """Name the countries of the focus; empty, if there is none."""
    return named(record.scenario.population.focus, wording.names(record))


def named(focus: Sequence[str], names: Mapping[str, str]) -> str:
    """Name countries, or count them if they are many.

    Args:
        focus: their ids.
        names: names by id.
    """
    if len(focus) > NAMED:
        return f"{len(focus)} countries"
    return wording.listed([names.get(it, it) for it in focus]) if focus else ""


def of_interest(record: Record) -> str:
    """Say whose figures are, after a word for them.

    Returns:
        ` of the population of interest: Syria`, with the space, for example; empty for everybody.
    """
    return of_named(countries(record))


def of_named(countries: str) -> str:
    """Say that figures are about citizens of these countries; empty, if there are none."""
    return f" of the population of interest: {countries}" if countries else ""


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
    least, most = round(column.min()), round(column.max())
    people = "person" if most == 1 else "people"
    return f"{most:,} {people}" if least == most else f"{least:,} to {most:,} people"


def such(record: Record, name: str = "answers") -> str:
    """Say whom answers or attribution are about, after a word for them.

    Args:
        record: a run.
        name: which of the two tables.

    Returns:
        ` who are citizens of Syria`, with the space, for example; empty for everybody.
    """
    if not record.scenario.population.focus or name not in record.tables:
        return ""
    column = telling_column(record, name)
    if not column and record.scenario.population.others == "stay":
        column = "citizenship"  # nobody else decides
    return f" {WHOSE[column]} {countries(record)}" if column else ""
