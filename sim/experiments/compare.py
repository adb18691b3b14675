"""Runs compared: replicate by replicate, over time, and person by person.

Two runs with common seeds have the same people and the same random draws, so that they differ only
by what was changed. Every figure here is therefore the variant's less the base's, replicate by
replicate, and its interval is that of the mean of these differences. All figures are about the
population of interest; spending alone is everybody's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.results.interest import is_of_interest
from sim.results.intervals import Interval, Values, interval, student_t
from sim.results.measures import MEASURES, headline_values, measure_of_today
from sim.results.record import Record, UnlikeRunsError, refuse_unlike
from sim.results.tables import TABLES

EVENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "moved": ("moved_abroad", "moved_within"),
    "moved_abroad": ("moved_abroad",),
    "moved_within": ("moved_within",),
    "blocked": ("no_means", "no_permission"),
    "no_means": ("no_means",),
    "no_permission": ("no_permission",),
    "died_on_the_way": ("died_on_the_way",),
    "died_naturally": ("died_naturally",),
}
"""What can happen to a person, by the columns of `persons` of which one at least is true."""
ARMS: Final = ("only_base", "only_variant", "both", "neither")
EXISTS: Final = "exists"
"""The row of `by_person` that counts who is there at all: births differ between runs."""
COUNTED: Final = frozenset(
    ("blocked_no_means", "blocked_no_permission", "refugees_abroad", "claimants_abroad",
     "displaced", "stays_households")
)  # fmt: skip
"""Headline figures of a day, or of an average day; all others are of a span of time."""
SUMS: Final = (
    frozenset(name for name, it in MEASURES.items() if it.unit in ("people", "households", "years"))
    - COUNTED
)
"""Headline figures of a span of time that is the sum of its parts."""
SERIES: Final = tuple(name for name in MEASURES if name != "secure")
"""Headline figures that are given period by period; `secure` is a mean over the whole run."""


class Comparison(NamedTuple):
    """A variant compared with a base."""

    differences: pd.DataFrame
    costs: pd.DataFrame | None
    """As `Record.against` gives them; none where a table that they need was not kept."""
    persons: pd.DataFrame | None
    """As `by_person` gives them; none where one of the runs did not keep `persons`."""


def compare(base: Record, variant: Record) -> Comparison:
    """Compare a variant with a base in all ways that their tables allow.

    Raises:
        UnlikeRunsError: their replicates are not pairs.
    """
    costs = persons = None
    if all({"insecurity", "harms", "spending"} <= it.tables.keys() for it in (base, variant)):
        costs = variant.against(base)
    if all("persons" in it.tables for it in (base, variant)):
        persons = by_person(base, variant)
    return Comparison(differences(base, variant), costs, persons)


def differences(base: Record, variant: Record) -> pd.DataFrame:
    """Give the difference of every headline figure, paired by replicate.

    Columns: `measure` (id), `unit`, `base` and `variant` (means over the replicates that have the
    figure in both), `difference` (variant less base), `low` and `high` (95 % t-interval of its
    mean, with common seeds), `independent_low` and `independent_high` (the interval that
    independent seeds would give: Welch 1947), `variance_reduction_factor` (variance of the
    difference with independent over that with common seeds; so many times as many replicates would
    be needed without common seeds; NaN with one replicate and where no replicate differs), `n`
    (replicates that have the figure in both).

    Raises:
        UnlikeRunsError: their replicates are not pairs.
    """
    refuse_unlike(variant, base)
    here, there = headline_values(variant), headline_values(base)
    rows: list[tuple[Any, ...]] = []
    for id_, measure in MEASURES.items():
        known = ~(np.isnan(here[id_]) | np.isnan(there[id_]))
        mine, other = here[id_][known], there[id_][known]
        paired, apart = interval(mine - other), independent(mine, other)
        means = (float(it.mean()) if len(it) else math.nan for it in (other, mine))
        rows.append(
            (id_, measure.unit, *means, *paired[:3], apart.low, apart.high,
             variance_reduction_factor(mine, other), paired.n)
        )  # fmt: skip
    columns = ["measure", "unit", "base", "variant", "difference", "low", "high"]
    columns += ["independent_low", "independent_high", "variance_reduction_factor", "n"]
    return pd.DataFrame(rows, columns=columns)


def independent(mine: Values, other: Values) -> Interval:
    """Give the difference of two means with its 95 % interval, as independent seeds would give.

    Args:
        mine: one a replicate.
        other: one a replicate, as many.

    Returns:
        Mean of `mine` less that of `other`, bounds (NaN for fewer than two), number of replicates.

    Source: Welch (1947), with Satterthwaite's degrees of freedom, rounded down.
    """
    n = len(mine)
    if n < 2:
        return interval(mine - other)
    difference = float(mine.mean() - other.mean())
    a, b = float(mine.var(ddof=1)), float(other.var(ddof=1))
    if a + b == 0:
        return Interval(difference, difference, difference, n)
    freedom = int((n - 1) * (a + b) ** 2 / (a * a + b * b))
    half = student_t(freedom) * math.sqrt((a + b) / n)
    return Interval(difference, difference - half, difference + half, n)


def variance_reduction_factor(mine: Values, other: Values) -> float:
    """Give the variance reduction factor of common seeds: a ratio of variances.

    Args:
        mine: one a replicate.
        other: one a replicate, of the same replicates.

    Returns:
        (var(mine) + var(other)) / var(mine - other); NaN for fewer than two, and where all pairs
        have the same difference.
    """
    if len(mine) < 2:
        return math.nan
    left = float((mine - other).var(ddof=1))
    return float(mine.var(ddof=1) + other.var(ddof=1)) / left if left > 0 else math.nan


def bands(
    record: Record,
    measures: Sequence[str] = SERIES,
    base: Record | None = None,
    *,
    so_far: bool = False,
) -> pd.DataFrame:
    """Give headline figures period by period, as means over replicates with 95 % intervals.

    Columns: `measure` (id), `unit`, `date` (last day of the period), `value`, `low`, `high`, `n`.
    Moves, harms and other events are those of the period, stocks are taken on its last day.

    Args:
        record: a run.
        measures: of `SERIES`.
        base: a run to subtract, pair by pair; none: the figures themselves.
        so_far: give those of `SUMS` from the start to each date, and not period by period.

    Raises:
        UnlikeRunsError: the replicates are not pairs, or the tables have other periods.
    """
    values = period_values(record)
    if base is not None:
        refuse_unlike(record, base)
        if not record.periods.equals(base.periods):
            raise UnlikeRunsError("the runs differ in outputs.every: their tables' periods differ")
        other = period_values(base)
        values = {name: values[name] - other[name] for name in values}
    if so_far:
        values |= {name: values[name].cumsum(axis=1) for name in SUMS & values.keys()}
    days = record.periods["after"] - pd.Timedelta(days=1)
    rows: list[tuple[Any, ...]] = []
    for name in map(measure_of_today, measures):
        measure = MEASURES[name]
        low, high = (measure.low, measure.high) if base is None else (-np.inf, np.inf)
        rows += [
            (name, measure.unit, day, *interval(column, low, high))
            for day, column in zip(days, values[name].T, strict=True)
        ]
    return pd.DataFrame(rows, columns=["measure", "unit", "date", "value", "low", "high", "n"])


def period_values(record: Record) -> dict[str, NDArray[np.float64]]:
    """Give headline figures by replicate and period.

    Every period of a replicate is treated as a replicate of its own, so that each figure is defined
    once, in `headline_values`.

    Returns:
        By id of `SERIES`, [replicate, period]; NaN where a table was not kept, or has nothing.
    """
    spans = record.periods
    n = len(spans)
    starts = pd.DatetimeIndex(spans["first"])
    ends = pd.DatetimeIndex(spans["after"]) - pd.Timedelta(days=1)
    tables = {}
    for name, frame in record.tables.items():
        if name == "persons":
            continue
        last = TABLES[name].date == "last"
        period = (ends if last else starts).get_indexer(pd.DatetimeIndex(frame["date"]))
        # With all on one day, every period's stocks count as those at the end.
        changed: dict[str, Any] = {"date": ends[-1]} if last else {}
        replicate = frame["replicate"].to_numpy() * n + period
        tables[name] = frame.assign(replicate=replicate, **changed)
    manifest = {**record.manifest, "replicates": record.replicates * n}
    values = headline_values(Record(record.scenario, record.seed, manifest, tables))
    # A mean over the days of the period, and not of the run.
    days = np.tile(spans["days"].to_numpy(), record.replicates)
    values["stays_households"] = values["stays_households"] * (spans["days"].sum() / days)
    return {name: values[name].reshape(record.replicates, n) for name in SERIES}


def by_person(base: Record, variant: Record) -> pd.DataFrame:
    """Count people by what happened to them: in one run only, in the other only, or in both.

    Columns: `replicate`, `event` (of `EVENTS`, or `exists`), `home` (place of origin), and in
    people `only_base`, `only_variant`, `both`, `neither`. The four add up to the people who exist
    in both runs; `exists` counts them under `both`, and apart from them those who exist in one run
    only, who are in no other row: they were born, or were there at the start, in that one. Only
    the population of interest is counted.

    Raises:
        UnlikeRunsError: the replicates are not pairs.
        NoTableError: a run did not keep `persons`.
    """
    refuse_unlike(variant, base)
    places = [it for r in (base, variant) for it in r.scenario.places]
    homes = list(dict.fromkeys(it.id for it in places))
    parts = []
    for replicate in range(base.replicates):
        there, here = (_persons(it, replicate) for it in (base, variant))
        _, a, b = np.intersect1d(
            _identity(there), _identity(here), assume_unique=True, return_indices=True
        )
        one, other = there.iloc[a], here.iloc[b]
        apart = (frame.drop(frame.index[rows]) for frame, rows in ((there, a), (here, b)))
        counts = {EXISTS: [_people(it, homes) for it in (*apart, one, one.iloc[:0])]}
        for event, columns in EVENTS.items():
            before, after = (_happened(it, columns) for it in (one, other))
            counts[event] = [
                _people(one.iloc[np.flatnonzero(rows)], homes)
                for rows in (before & ~after, after & ~before, before & after, ~(before | after))
            ]
        for event, sums in counts.items():
            columns_of = dict(zip(ARMS, sums, strict=True))
            parts.append(
                pd.DataFrame({"replicate": replicate, "event": event, "home": homes, **columns_of})
            )
    counted = pd.concat(parts, ignore_index=True)
    kept = {it.id for it in places if is_of_interest(base.scenario, it.country)}
    return counted[counted["home"].isin(kept)].reset_index(drop=True)


def _happened(persons: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.bool_]:
    """Tell for each person whether one of these columns is true."""
    return np.asarray(persons[list(columns)].to_numpy(dtype=bool).any(axis=1))


def _persons(record: Record, replicate: int) -> pd.DataFrame:
    """Give the persons of one replicate."""
    rows: pd.DataFrame = record.persons[record.persons["replicate"] == replicate]
    return rows


def _identity(persons: pd.DataFrame) -> NDArray[np.int64]:
    """Join the halves of identities."""
    high, low = (persons[name].to_numpy(dtype=np.int64) for name in ("id_high", "id_low"))
    return np.asarray((high << 32) | low)


def _people(persons: pd.DataFrame, homes: list[str]) -> NDArray[np.int64]:
    """Sum the people that rows represent, by place of origin."""
    code = pd.Categorical(persons["home"], categories=homes).codes
    sums = np.zeros(len(homes), np.int64)
    np.add.at(sums, code, persons["people"].to_numpy(dtype=np.int64))
    return sums
