"""Figures of a run that a sweep asks for: their checks, units and values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import pandas as pd

from sim.model.columns import Column
from sim.results.intervals import Values
from sim.results.measures import MEASURES, OLD_NAMES
from sim.results.record import Record
from sim.results.sums import per_replicate
from sim.results.tables import TABLES, all_columns, money_unit, old_names, unit_of
from sim.scenario.document import Path
from sim.scenario.reader import ScenarioFile
from sim.scenario.renamed import tell
from sim.schema import Metric, Scenario, Sweep
from sim.schema.errors import Problem, ScenarioError, quoted, suggest
from sim.schema.key import renamed

RESERVED: Final = ("run", "point", "replicate", "seed", "seconds", "error", "command")
"""Names of columns that a sweep's summary always has."""


def of_today(file: ScenarioFile, sweep: Sweep) -> Sweep:
    """Give a sweep with the current names of measures and columns, and warn of each old one."""
    found: dict[str, Metric] = {}
    for own, metric in sweep.metrics.items():
        columns = old_names(TABLES[metric.table]) if metric.table else {}
        changed: dict[str, str] = {}
        for key, names in (("measure", OLD_NAMES), ("column", columns)):
            if (old := getattr(metric, key)) in names:
                changed[key] = names[old]
                tell(file.tree.problem(("sweep", "metrics", own, key), renamed(old, names[old])))
        found[own] = metric.model_copy(update=changed)
    return sweep.model_copy(update={"metrics": found})


def find_problems(file: ScenarioFile, scenario: Scenario, sweep: Sweep) -> None:
    """Check the metrics and tables that a sweep asks for.

    Raises:
        ScenarioError: with everything that is wrong with them.
    """
    problems: list[Problem] = []

    def add(path: Path, message: str, hint: str = "", on_key: bool = False) -> None:
        text = message.replace("{}", file.tree.address(path), 1)
        problems.append(file.tree.problem(path, text, hint, on_key))

    kept = scenario.outputs.tables
    absent = "add it to outputs.tables"
    for i, name in enumerate(sweep.tables):
        if name not in kept:
            add(("sweep", "tables", i), f"{{}}: runs keep no table {name}", absent)
    for factor in sweep.vary:
        if (factor in RESERVED and factor != "seed") or factor in MEASURES:
            said = f"{{}}: the summary has a column {factor} already"
            add(("sweep", "vary", factor), said, "choose another name", True)
        elif factor in sweep.metrics:
            add(("sweep", "metrics", factor), "{}: a factor is called so too", "", True)
    for own, metric in sweep.metrics.items():
        at: Path = ("sweep", "metrics", own)
        if own in RESERVED or own in MEASURES:
            add(at, f"{{}}: the summary has a column {own} already", "choose another name", True)
        if (metric.measure is None) == (metric.table is None):
            add(at, "{} needs one of measure and table", "", True)
        elif metric.measure is not None:
            if metric.measure not in MEASURES:
                hint = suggest(metric.measure, MEASURES, "there are")
                add((*at, "measure"), f"{{}}: no measure is called {metric.measure}", hint)
            for key in ("column", "where", "since", "until"):
                if getattr(metric, key):
                    add((*at, key), "{} needs a table to apply to", "", True)
        elif metric.table not in kept:
            add((*at, "table"), f"{{}}: runs keep no table {metric.table}", absent)
        else:
            problems += _table_problems(file, scenario, at, metric)
    if problems:
        raise ScenarioError(problems)


def _table_problems(
    file: ScenarioFile, scenario: Scenario, at: Path, metric: Metric
) -> list[Problem]:
    """Find columns that a table does not have, and words that its columns never hold."""
    problems: list[Problem] = []

    def add(path: Path, message: str, hint: str, on_key: bool = False) -> None:
        text = message.replace("{}", file.tree.address(path), 1)
        problems.append(file.tree.problem(path, text, hint, on_key))

    table = metric.table or "flows"
    numbers = [it.name for it in _numbers(scenario, table)]
    if metric.column is not None and metric.column not in numbers:
        hint = suggest(metric.column, numbers, "its numbers")
        add((*at, "column"), f"{{}}: {table} has no number {quoted(metric.column)}", hint)
    texts = _texts(scenario, table)
    for column, words in metric.where.items():
        here = (*at, "where", column)
        if column not in texts:
            hint = suggest(column, texts, "its words are in")
            add(here, f"{{}}: {table} has no column {quoted(column)} of words", hint, True)
            continue
        known = _known(scenario, texts[column])
        for word in words:
            if word not in known:
                add(here, f"{{}}: {quoted(word)} never occurs there", suggest(word, known, "words"))
    return problems


def _numbers(scenario: Scenario, table: str) -> list[Column]:
    """Return the columns of a table that can be summed."""
    return [
        it
        for it in TABLES[table].columns
        if it.kind in ("int", "float")
        and it.name != "replicate"
        and (scenario.outputs.expected or not it.optional)
    ]


def _texts(scenario: Scenario, table: str) -> dict[str, Column]:
    """Return the columns of words of a table."""
    columns = all_columns(TABLES[table], scenario.outputs.by)
    return {name: it for name, it in columns.items() if it.words is not None}


def _known(scenario: Scenario, column: Column) -> list[str]:
    """Return the words that a column may hold; a country means all of its places."""
    countries = [it.id for it in scenario.countries] if column.country else []
    return column.words_in(scenario) + countries


def unit(scenario: Scenario, metric: Metric) -> str:
    """Return what a metric is counted in."""
    if metric.measure is not None:
        return MEASURES[metric.measure].unit
    return unit_of(_column(scenario, metric), money_unit(scenario))


def _column(scenario: Scenario, metric: Metric) -> Column:
    columns = _numbers(scenario, metric.table or "flows")
    return next((it for it in columns if it.name == metric.column), columns[0])


def figures(record: Record, metric: Metric, headline: dict[str, Values]) -> Values:
    """Return a metric's value in each replicate of a record.

    Args:
        record: runs of one scenario.
        metric: free of the problems that `find_problems` finds.
        headline: the record's headline figures.
    """
    if metric.measure is not None:
        return headline[metric.measure]
    frame = record.table(str(metric.table))
    texts = _texts(record.scenario, str(metric.table))
    keep = np.ones(len(frame), dtype=bool)
    countries = {it.id: [] for it in record.scenario.countries}  # type: dict[str, list[str]]
    for place in record.scenario.places:
        countries[place.country].append(place.id)
    for column, words in metric.where.items():
        wanted: Iterable[str] = words
        if texts[column].country is not None:
            wanted = [place for word in words for place in countries.get(word, [word])]
        keep &= frame[column].isin(list(wanted)).to_numpy()
    days = frame["date"]
    if metric.since is not None:
        keep &= (days >= pd.Timestamp(metric.since)).to_numpy()
    if metric.until is not None:
        keep &= (days <= pd.Timestamp(metric.until)).to_numpy()
    if TABLES[str(metric.table)].date == "last":
        keep &= (days == _last_day(record, metric)).to_numpy()
    return per_replicate(record, frame[keep], _column(record.scenario, metric).name)


def _last_day(record: Record, metric: Metric) -> Any:
    """Return the last day up to `until` at which anything was counted."""
    ends = [
        pd.Timestamp(day)
        for name, frame in record.tables.items()
        if TABLES[name].date == "last"
        for day in frame["date"].unique()
    ]
    limit = pd.Timestamp.max if metric.until is None else pd.Timestamp(metric.until)
    return max((day for day in ends if day <= limit), default=pd.NaT)
