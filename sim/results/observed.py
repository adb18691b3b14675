"""Simulated values of the figures that were observed in the world."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from sim.core.terms import Status
from sim.results.intervals import Values
from sim.results.run import Run, horizon
from sim.results.sums import abroad, country_of, per_replicate, to_country
from sim.schema import Observed

SLACK_DAYS: Final = 31
"""An observed stock is compared with a simulated one of at most this many days earlier."""


REFUGEE_STATUSES: Final = ("refugee", "claimant", "irregular", "ordered")
"""Statuses compared with registered refugees: host states register the displaced on arrival,
whatever their status is in the model (our assumption)."""


ALL_STATUSES: Final = tuple(it.name for it in Status)


STOCKS_OBSERVED: Final[Mapping[str, tuple[str, ...]]] = {
    "refugees": REFUGEE_STATUSES,
    "asylum_seekers": ("claimant",),
    "displaced": ("displaced",),
    "foreign_born": ALL_STATUSES,
}
"""Statuses that count, by kind of observed stock, where the figure does not name them."""


def who_count(figure: Observed) -> tuple[str, ...]:
    """Give the statuses or channels of the people who are compared with an observed figure.

    Returns:
        Statuses for figures of people who live somewhere, channels for arrivals; empty where
        everybody counts.
    """
    if figure.what in STOCKS_OBSERVED:
        statuses = figure.statuses or STOCKS_OBSERVED[figure.what]
        return () if set(statuses) == set(ALL_STATUSES) else statuses
    return figure.channels


HARMS_OBSERVED: Final[Mapping[str, str]] = {
    "deaths": "death",
    "interceptions": "interception",
    "kidnappings": "kidnapping",
    "forced_returns": "forced_return",
    "separations": "separation",
}
"""The harm that is compared, as it is expected, by kind of observed flow."""


def simulated(run: Run, figure: Observed, counts: Mapping[pd.Timestamp, list[_Count]]) -> Values:
    """Give the simulated value of an observed figure, one for each replicate."""
    if figure.what in STOCKS_OBSERVED:
        return _stock_figure(run, figure, counts)
    needed = "harms" if figure.what in HARMS_OBSERVED else "flows"
    if figure.party is not None:
        needed = "interceptions"
    if _at_corridor(run, figure):
        needed = "crossings"
    if needed not in run.tables:
        return np.full(run.replicates, np.nan)
    return _flow_figure(run, figure)


def _at_corridor(run: Run, figure: Observed) -> bool:
    """Tell whether a figure is of arrivals through a corridor rather than in a country."""
    return figure.what == "arrivals" and figure.at in {it.id for it in run.scenario.corridors}


class _Count(NamedTuple):
    """One row of `stocks`, with the country of stay."""

    replicate: int
    country: str
    citizenship: str
    status: str
    people: int


def stock_counts(run: Run) -> dict[pd.Timestamp, list[_Count]]:
    """Give the rows of `stocks` on each day that an observed stock is compared with.

    Dozens of figures share a few days: looking at a day's rows one by one costs less than
    selecting from the table for each figure.
    """
    stocks = run.stocks
    days = [pd.Timestamp(day) for day in stocks["date"].unique()]
    ends = {pd.Timestamp(figure.date) for figure in run.scenario.observed}
    counts = {}
    for day in {max(before) for end in ends if (before := [it for it in days if it <= end])}:
        rows = stocks[stocks["date"] == day]
        countries = to_country(run, rows["place"])
        columns = (rows[name] for name in ("citizenship", "status", "people"))
        counts[day] = [
            _Count(*row) for row in zip(rows["replicate"], countries, *columns, strict=True)
        ]
    return counts


def _stock_figure(
    run: Run, figure: Observed, counts: Mapping[pd.Timestamp, list[_Count]]
) -> Values:
    end = pd.Timestamp(figure.date)
    taken = max((day for day in counts if day <= end), default=None)
    if taken is None or (end - taken).days > SLACK_DAYS:
        return np.full(run.replicates, np.nan)
    statuses = who_count(figure) or ALL_STATUSES
    within = figure.what == "displaced"
    sums = np.zeros(run.replicates)
    for row in counts[taken]:
        if (
            row.citizenship in figure.of
            and row.status in statuses
            and (row.country == row.citizenship) == within
            and (within or figure.at in (None, row.country))
        ):
            sums[row.replicate] += row.people
    return sums - _born_there(run, figure, taken) if figure.what == "foreign_born" else sums


def _born_there(run: Run, figure: Observed, last: pd.Timestamp) -> Values:
    """Count births abroad to citizens of `of` up to a day: people born there are not foreign-born.

    That few of these children leave or die before is our assumption; `stocks` cannot tell them
    apart.
    """
    if "vital" not in run.tables:
        return np.full(run.replicates, np.nan)
    births = run.vital
    births = births[(births["event"] == "birth") & (births["date"] <= last)]
    births = births[births["citizenship"].isin(figure.of)]
    where = to_country(run, births["place"])
    abroad_ = where != births["citizenship"].astype(object)
    there = abroad_ if figure.at is None else abroad_ & (where == figure.at)
    return per_replicate(run, births[there], "people")


def _flow_figure(run: Run, figure: Observed) -> Values:
    start = pd.Timestamp(figure.since or run.scenario.time.start)
    after = pd.Timestamp(figure.date) + pd.Timedelta(days=1)
    unknown = after <= pd.Timestamp(run.scenario.time.start) or start >= horizon(run.scenario)
    if unknown:
        return np.full(run.replicates, np.nan)
    if _at_corridor(run, figure):
        frame, column = run.crossings, "people"
        frame = frame[(frame["corridor"] == figure.at) & frame["citizenship"].isin(figure.of)]
    elif figure.what in HARMS_OBSERVED:
        column = "expected"
        if figure.party is None:
            frame = run.harms
            frame = frame[frame["harm"] == HARMS_OBSERVED[figure.what]]
        else:
            frame = run.interceptions
            frame = frame[frame["party"] == figure.party]
        frame = frame[frame["citizenship"].isin(figure.of)]
        if figure.at is not None:
            places = country_of(run)
            wanted = [figure.at] + [
                corridor.id
                for corridor in run.scenario.corridors
                if figure.at in (corridor.id, places[corridor.to])
            ]
            frame = frame[frame["corridor"].isin(wanted)]
    else:
        frame, column = run.flows, "arrived"
        frame = frame[abroad(run, frame)]
        frame = frame[frame["citizenship"].isin(figure.of)]
        if figure.at is not None:
            frame = frame[to_country(run, frame["destination"]) == figure.at]
        if figure.channels:
            frame = frame[frame["channel"].isin(figure.channels)]
    spans = run.periods
    starts, ends = spans["first"].to_numpy(), spans["after"].to_numpy()
    overlap = np.minimum(ends, after.to_datetime64()) - np.maximum(starts, start.to_datetime64())
    days = np.maximum(overlap / np.timedelta64(1, "D"), 0.0)
    part = dict(zip(spans["first"], days / spans["days"], strict=True))
    weight = frame["date"].map(part).fillna(0).astype(float)
    counted = pd.DataFrame({"replicate": frame["replicate"], "people": frame[column] * weight})
    return per_replicate(run, counted, "people")
