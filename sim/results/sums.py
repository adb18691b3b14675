"""Sums over a run's tables: one value a replicate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from sim.core.state import DAYS_A_YEAR
from sim.results.intervals import Values
from sim.results.run import Run
from sim.results.tables import TABLES


def per_replicate(run: Run, frame: pd.DataFrame, column: str) -> Values:
    """Sum a column for each replicate, zero where a replicate has no row.

    Returns:
        One value a replicate, in the column's unit.
    """
    which = frame["replicate"].to_numpy(dtype=np.int64)
    amounts = frame[column].to_numpy(dtype=np.float64)
    return np.bincount(which, amounts, minlength=run.replicates).astype(np.float64)


def country_of(run: Run) -> dict[str, str]:
    """Give the country id of each place id."""
    return {place.id: place.country for place in run.scenario.places}


def to_country(run: Run, places: pd.Series[Any]) -> pd.Series[Any]:
    """Give the country id of each row's place."""
    where = country_of(run)
    if not isinstance(places.dtype, pd.CategoricalDtype):
        return places.map(where)
    # By category, not by row: tables are long and places few. Code -1 is a missing place.
    names = np.array([*(where.get(it) for it in places.cat.categories), None], dtype=object)
    return pd.Series(names[places.cat.codes.to_numpy()], index=places.index, dtype=object)


def abroad(run: Run, flows: pd.DataFrame) -> pd.Series[bool]:
    """Tell which rows of a flow table cross a border."""
    return to_country(run, flows["origin"]) != to_country(run, flows["destination"])


def outside(run: Run, stocks: pd.DataFrame) -> pd.Series[bool]:
    """Tell which rows of a stock table are people outside their country of citizenship."""
    return to_country(run, stocks["place"]) != stocks["citizenship"].astype(object)


def at_end(run: Run, frame: pd.DataFrame) -> pd.DataFrame:
    """Keep the rows of a stock table's last day (none, if nobody was left to count)."""
    ends = [
        kept["date"].max()
        for name, kept in run.tables.items()
        if TABLES[name].date == "last" and len(kept)
    ]
    last: pd.DataFrame = frame[frame["date"] == max(ends, default=pd.NaT)]
    return last


def ratio(part: Values, whole: Values) -> Values:
    """Divide, NaN where there is nothing to divide by."""
    share = np.full(len(whole), np.nan)
    np.divide(part, whole, out=share, where=whole > 0)
    return share


def person_years(run: Run) -> Values:
    """Give the years lived by the people of a run's account during the run.

    Returns:
        Person-years, one value a replicate.
    """
    if "years" in run.tables:
        return per_replicate(run, run.years, "lived")
    account = run.account
    alive = account[account["activity"] != "dead"]
    spans = run.periods
    days = alive["date"].map(
        {
            after - pd.Timedelta(days=1): days
            for after, days in zip(spans["after"], spans["days"], strict=True)
        }
    )
    lived = pd.DataFrame(
        {"replicate": alive["replicate"], "years": alive["people"] * days.fillna(0) / DAYS_A_YEAR}
    )
    return per_replicate(run, lived, "years")
