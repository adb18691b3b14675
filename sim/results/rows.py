"""How many simulated persons a figure rests on: each of them represents hundreds of people."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.mechanisms.populate import aimed_at
from sim.results.run import Run
from sim.results.sums import country_of
from sim.results.tables import FEW, TABLES

DIVIDED: Final = ("people", "households", "household-days", "person-days")
"""Units of what is counted by the people whom rows represent."""
WHOSE: Final = ("home", "citizenship", "place")
"""Columns that tell how many people a row represents, the best first."""

R = TypeVar("R", bound=Run)
_kept: WeakKeyDictionary[Run, Any] = WeakKeyDictionary()


def in_rows(run: R) -> R:
    """Give a run whose tables count simulated persons instead of the people they represent.

    Whatever sums people sums simulated persons there. How many people a row represents is taken
    from its home, else from the mean of its country of citizenship or of stay. What is expected of
    harms rests on the persons who were at risk.

    Args:
        run: A run.

    Returns:
        The run with its tables in rows, which are not whole where a mean was taken.
    """
    if run not in _kept:
        tables = {name: _divided(run, name) for name in run.tables if name != "persons"}
        if "harms" in tables:
            harms = run.tables["harms"]
            tables["harms"] = harms.assign(expected=harms["rows"], people=harms["rows"])
        _kept[run] = replace(run, tables=tables)
    return _kept[run]  # type: ignore[no-any-return]


def is_few(rows: float) -> bool:
    """Tell whether a figure rests on few rows; NaN: it does not rest on rows."""
    return rows < FEW


def _divided(run: Run, name: str) -> pd.DataFrame:
    frame = run.tables[name]
    counts = [
        it.name for it in TABLES[name].columns if it.unit in DIVIDED and it.name in frame.columns
    ]
    if not counts:
        return frame
    represented = _represented(run, frame)
    return frame.assign(**{it: frame[it].to_numpy(np.float64) / represented for it in counts})


def _represented(run: Run, frame: pd.DataFrame) -> NDArray[np.float64] | float:
    """Give how many people the rows behind each line of a table represent, on average."""
    places = run.scenario.places
    people, rows = aimed_at(run.scenario)
    by_country = (
        pd.DataFrame({"country": [it.country for it in places], "people": people, "rows": rows})
        .groupby("country")
        .sum()
    )
    mean = by_country["people"] / by_country["rows"]
    column = next((it for it in WHOSE if it in frame.columns), None)
    if column is None:
        return float(people.sum() / rows.sum())
    of = {str(country): float(it) for country, it in mean.items()}
    if column == "place":
        of = {place: of[country] for place, country in country_of(run).items()}
    elif column == "home":
        of = dict(zip((it.id for it in places), people / rows, strict=True))
    words = frame[column].astype("category")
    by_word = np.array([*(of.get(str(it), 1.0) for it in words.cat.categories), 1.0])
    return np.asarray(by_word[words.cat.codes.to_numpy()])
