"""The population of interest: the citizens of `population.focus`, wherever they live.

Headline figures, comparisons and pictures are about them; everybody else is in the tables. People
outside it are simulated in coarse rows, each of which represents tens of thousands.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

import pandas as pd

from sim.results.run import Run
from sim.results.sums import country_of
from sim.results.tables import TABLES
from sim.schema import Scenario

TELLING: Final = ("citizenship", "home", "place")
"""Columns that tell whether a row is about the population of interest, the best first."""

R = TypeVar("R", bound=Run)
_narrowed: WeakKeyDictionary[Run, Run] = WeakKeyDictionary()


def is_of_interest(scenario: Scenario, country: str) -> bool:
    """Whether citizens of a country belong to the population of interest."""
    focus = scenario.population.focus
    return not focus or country in focus


def narrowed(run: R) -> R:
    """Give a run with the rows about the population of interest only.

    Args:
        run: a run.

    Returns:
        The run itself, if the scenario names no focus; otherwise with every table narrowed to
        people who are citizens of the focus or come from there, where the table tells. Tables that
        do not tell are whole. Narrowing twice changes nothing more.
    """
    if not run.scenario.population.focus:
        return run
    if run not in _narrowed:
        tables = {name: _within(run, name) for name in run.tables}
        _narrowed[run] = replace(run, tables=tables)
    return _narrowed[run]  # type: ignore[return-value]


def telling_column(run: Run, name: str) -> str:
    """Give the column by which a table is narrowed; empty: it tells nothing, or need not.

    Answers and attribution have the columns of `outputs.by`. Where others stay, nobody else gives
    answers. Where others decide, and neither citizenship nor home is told, those count who live in
    the focus.
    """
    columns = TELLING if TABLES[name].by else TELLING[:2]
    if run.scenario.population.others == "stay":
        columns = TELLING[:2]
    return next((it for it in columns if it in run.tables[name].columns), "")


def _within(run: Run, name: str) -> pd.DataFrame:
    frame, column = run.tables[name], telling_column(run, name)
    if not column:
        return frame
    wanted = set(run.scenario.population.focus)
    if column != "citizenship":
        wanted = {place for place, country in country_of(run).items() if country in wanted}
    kept: pd.DataFrame = frame[frame[column].isin(sorted(wanted))]
    return kept
