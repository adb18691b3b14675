"""Refugees that were counted in a conflict in the format of Flee (`source_data`)."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.importers.flee import Instance
from sim.importers.sheets import Row, Sheet, refuse
from sim.schema.errors import Problem, quoted, suggest

F64 = NDArray[np.float64]
TOTAL: Final = "total"
"""Line of `data_layout.csv` that names the file of all refugees, which is no camp."""


class Observed(NamedTuple):
    """Refugees by camp and day."""

    camps: list[str]
    people: F64
    """[camp, day]"""
    left_out: list[str]
    """Camps with data that are no places of the instance."""


def read_observed(folder: Path, instance: Instance) -> Observed:
    """Read the refugees that were counted, between two counts by linear interpolation.

    A correction multiplies what was counted before its day by the count of that day over the one
    before it, since people were then registered anew.

    Args:
        folder: of the instance; it holds `source_data`.
        instance: its places and days.

    Raises:
        ScenarioError: files are missing or malformed.
    """
    problems: list[Problem] = []
    data = folder / "source_data"
    corrections = Sheet(
        folder / "input_csv" / "registration_corrections.csv", problems, needed=False
    )
    anew: dict[str, list[date]] = {}
    for row in corrections.rows(2):
        anew.setdefault(row.get(0), []).append(row.day(1, "the day"))
    names = {it.name for it in instance.camps}
    camps, series, left_out = [], [], []
    for row in Sheet(data / "data_layout.csv", problems).rows(2, TOTAL):
        name = row.get(0)
        if name not in names:
            left_out.append(
                f"{name}: refugees were counted there, but it is no camp of the instance"
            )
            continue
        camps.append(name)
        people = np.zeros(instance.days)
        for column in range(1, len(row.cells)):
            if row.get(column):
                people += _series(row, column, data, instance, anew.get(name, []), problems)
        series.append(people)
    if not camps and not problems:
        message = "no line is about a camp of the instance"
        problems.append(Problem(str(data / "data_layout.csv"), 0, 0, message))
    refuse(problems)
    return Observed(camps, np.array(series), left_out)


def _series(
    row: Row, column: int, data: Path, instance: Instance, anew: list[date], problems: list[Problem]
) -> F64:
    """[day] people counted in a file, corrected for the days on which they were counted anew."""
    path = data / row.get(column)
    if path.parent != data:
        row.problem(column, f"{quoted(row.get(column))} is not the name of a file beside this one")
        return np.zeros(instance.days)
    if not path.is_file():
        there = [it.name for it in data.glob("*.csv")]
        row.problem(
            column, f"no file is called {quoted(path.name)}", suggest(path.name, there, "files")
        )
        return np.zeros(instance.days)
    rows = Sheet(path, problems).rows(2)
    days = [it.day(0, "the day") for it in rows]
    counts = np.array([it.number(1, "the number of people", 0) for it in rows])
    for day in anew:
        if day in days and (at := days.index(day)) and counts[at - 1] > 0:
            counts[:at] *= counts[at] / counts[at - 1]
    if not len(counts):
        return np.zeros(instance.days)
    since = np.array([(it - instance.start).days for it in days])
    order = np.argsort(since, kind="stable")
    return np.asarray(np.interp(np.arange(instance.days), since[order], counts[order]))
