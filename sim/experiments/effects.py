"""How the factors of a finished sweep change a figure: means at their values, largest gaps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from sim.experiments import plan as plans
from sim.experiments.folder import SUMMARY
from sim.results import parquet
from sim.results.intervals import interval
from sim.results.measures import MEASURES, OLD_NAMES, measure_of_today
from sim.results.store import StoreError

CLASSES: Final = 5
"""Classes that a factor of many numbers is cut into, each with as many points."""
MANY: Final = 10
"""Numbers from which a factor is cut into classes."""

AS_IT_WAS: Final = "as in the file"
"""Value of a factor at points that leave it alone."""


class Swept(NamedTuple):
    """A finished sweep: its plan, and the rows of the runs that did not fail."""

    plan: Mapping[str, Any]
    runs: pd.DataFrame

    @property
    def factors(self) -> tuple[str, ...]:
        """What was varied."""
        return tuple(self.plan["factors"])

    @property
    def figures(self) -> tuple[str, ...]:
        """What can be asked about: the sweep's metrics, then the headline figures it has."""
        named = tuple(self.plan["metrics"])
        return named + tuple(name for name in MEASURES if name in self.runs)

    def today(self, figure: str) -> str:
        """Return the current name of a figure, with a warning where it was given by its old one."""
        return figure if figure in self.runs else measure_of_today(figure)

    def unit(self, figure: str) -> str:
        """Return what a figure is counted in."""
        measure = MEASURES.get(figure)
        return measure.unit if measure else str(self.plan["metrics"][figure])


def read(folder: Path) -> Swept:
    """Read a finished sweep.

    Args:
        folder: as `sim sweep` wrote it.

    Returns:
        The sweep.

    Raises:
        StoreError: it is no sweep, not all of its runs are there, or none has figures.
    """
    plan = plans.read(folder)
    if plan is None:
        raise StoreError(f"{folder} is not the folder of a sweep")
    try:
        runs = parquet.frame_of(parquet.read(folder / SUMMARY))
    except FileNotFoundError:
        again = f"sim sweep {plan['file']} --out {folder}"
        raise StoreError(f"the sweep in {folder} is not finished; resume with: {again}") from None
    except OSError as error:
        raise StoreError(f"{folder / SUMMARY} cannot be read: {error}") from error
    except parquet.DamagedError as error:
        raise StoreError(f"{error}; remove it, and `sim sweep` makes it again") from error
    numbers = ("run", "point", "replicate", *plan["metrics"])
    needed = ("error", *numbers, *plan["factors"])
    if lacking := [it for it in needed if it not in runs]:
        raise _edited(folder, f"it lacks the column {lacking[0]}")
    if wrong := [it for it in numbers if not is_number(runs[it])]:
        raise _edited(folder, f"its column {wrong[0]} is not of numbers")
    if list(runs["run"]) != list(range(plan["runs"])):
        raise _edited(folder, "it has not one row for each run")
    runs = runs[runs["error"].isna()].reset_index(drop=True)
    if not len(runs):
        raise StoreError(f"every run of the sweep in {folder} failed; sim status {folder} says why")
    own = {*plan["factors"], *plan["metrics"]}
    runs = runs.rename(columns={old: new for old, new in OLD_NAMES.items() if old not in own})
    return Swept(plan, runs)


def _edited(folder: Path, what: str) -> StoreError:
    """Say that a sweep's runs are not as they were written."""
    return StoreError(
        f"{folder / SUMMARY} was changed: {what}; remove it, and `sim sweep` makes it again"
    )


def effects(swept: Swept, figure: str, factor: str) -> pd.DataFrame:
    """Average a figure at each value of a factor, over all values of the others.

    A replicate has the same people and the same seed at every point, so each gives a mean of its
    own, and the interval is that of their mean. A factor of many numbers is cut into classes with
    equal numbers of points, shown at their middle.

    Args:
        swept: a finished sweep.
        figure: of `swept.figures`.
        factor: of `swept.factors`.

    Returns:
        A row a value, in the order of the plan: `value`, `mean`, `low`, `high` (95 % interval over
        replicates), `n` (replicates), `points`.
    """
    rows = []
    figure = swept.today(figure)
    values = levels(swept, factor)
    for value in dict.fromkeys(values):
        at = swept.runs[values == value]
        found = interval(at.groupby("replicate")[figure].mean().to_numpy(np.float64))
        rows.append((value, *found, at["point"].nunique()))
    table = pd.DataFrame(rows, columns=["value", "mean", "low", "high", "n", "points"])
    return table.sort_values("value", ignore_index=True) if is_number(table["value"]) else table


def gaps(swept: Swept, figure: str) -> pd.DataFrame:
    """Rank the factors of a sweep by how far they move a figure.

    Args:
        swept: a finished sweep.
        figure: of `swept.figures`.

    Returns:
        A row a factor, the strongest first: `factor`, `least` and `most` (its values at which the
        figure is smallest and largest), `gap` (by how much those differ), `low`, `high` (95 %
        interval of the gap, by pairs of replicates).
    """
    rows = []
    figure = swept.today(figure)
    for factor in swept.factors:
        table = effects(swept, figure, factor).dropna(subset="mean")
        if len(table) < 2:
            continue
        ordered = table.sort_values("mean", kind="stable")["value"]
        least, most = ordered.iloc[0], ordered.iloc[-1]
        values = levels(swept, factor)
        means = [
            swept.runs[values == value].groupby("replicate")[figure].mean()
            for value in (least, most)
        ]
        found = interval((means[1] - means[0]).dropna().to_numpy(np.float64))
        rows.append((factor, least, most, *found[:3]))
    table = pd.DataFrame(rows, columns=["factor", "least", "most", "gap", "low", "high"])
    return table.sort_values("gap", ascending=False, ignore_index=True, kind="stable")


def levels(swept: Swept, factor: str) -> pd.Series[Any]:
    """Return the value of a factor in each run, of a factor of many numbers its class's middle."""
    values = swept.runs[factor]
    if values.isna().any():
        return values.astype(object).where(values.notna(), AS_IT_WAS)
    if not is_number(values) or values.nunique() <= MANY:
        return values
    classes = pd.qcut(values, CLASSES, labels=False, duplicates="drop")
    return values.groupby(classes).transform("median")


def is_number(values: pd.Series[Any]) -> bool:
    """Whether a factor's values lie on a scale."""
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
