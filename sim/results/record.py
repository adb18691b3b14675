"""The result of a run: its tables, and the main figures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim.mechanisms.populate import rows_of
from sim.results import store
from sim.results.full import MOST_ROWS, full
from sim.results.intervals import interval, ratio_interval
from sim.results.measures import (
    MEASURES,
    counted_harms,
    headline_rows,
    headline_values,
    insecure_years,
)
from sim.results.observed import simulated, stock_counts, who_count
from sim.results.rows import in_rows, is_few
from sim.results.run import Run
from sim.results.sums import per_replicate
from sim.results.tables import DERIVED, described, old_names
from sim.schema import Scenario


class UnlikeRunsError(ValueError):
    """Two runs cannot be compared replicate by replicate."""


@dataclass(frozen=True, eq=False, repr=False)
class Record(Run):
    """The result of a run: its scenario, how it was made, and its tables.

    Every table is tidy and in real people; text columns are categories; the first column is
    always `replicate`. Tables are shared, not copied: take a copy before changing one.
    """

    @cached_property
    def places(self) -> pd.DataFrame:
        """The places of the scenario, with the people and the simulated persons of the start.

        `describe("places")` says what its columns are.
        """
        places = self.scenario.places
        seeds = self.seeds["seed"]
        rows, people = rows_of(self.scenario, int(seeds[0]) if len(seeds) else self.seed)
        return pd.DataFrame(
            {
                "id": [it.id for it in places],
                "name": [it.name or it.id for it in places],
                "country": [it.country for it in places],
                "lat": np.array([it.lat for it in places], np.float64),
                "lon": np.array([it.lon for it in places], np.float64),
                "people": [it.people for it in places],
                "rows": rows,
                "people_per_row": people / np.maximum(rows, 1),
            }
        )

    @cached_property
    def seeds(self) -> pd.DataFrame:
        """The seed of each replicate; no rows where the manifest does not tell.

        `describe("seeds")` says what its columns are.
        """
        seeds = np.array(self.manifest.get("seeds", []), np.int64)
        return pd.DataFrame({"replicate": np.arange(len(seeds)), "seed": seeds})

    @cached_property
    def headline(self) -> pd.DataFrame:
        """The main figures of the population of interest, as means over replicates.

        `describe("headline")` says what its columns are, and how the scorecard is counted;
        `MEASURES` what each figure is. A figure whose table was not kept is NaN with n 0.
        """
        rows = []
        values, counted, behind = headline_values(self), counted_harms(self), headline_rows(self)
        for measure in MEASURES.values():
            found = interval(values[measure.id], measure.low, measure.high)
            count = counted.get(measure.id)
            number = np.nan if count is None else float(count.mean())
            few = is_few(behind[measure.id])
            rows.append((measure.id, measure.unit, *found, number, behind[measure.id], few))
        return pd.DataFrame(rows, columns=[it.name for it in DERIVED["headline"].columns])

    @cached_property
    def observed(self) -> pd.DataFrame:
        """Each observed figure of the scenario, with the simulated one.

        `describe("observed")` says what its columns are, and what is compared with what. What a
        record cannot tell is NaN: dates outside the run, tables that were not kept.
        """
        rows = []
        counts = stock_counts(self) if "stocks" in self.tables else {}
        behind = in_rows(self)
        row_counts = stock_counts(behind) if counts else {}
        for figure in self.scenario.observed:
            found = interval(simulated(self, figure, counts), 0.0)
            n_rows = float(simulated(behind, figure, row_counts).sum())
            rows.append(
                (
                    figure.id,
                    figure.what,
                    "; ".join(figure.of),
                    figure.at,
                    figure.party,
                    "; ".join(who_count(figure)) or None,
                    pd.Timestamp(figure.date),
                    pd.Timestamp(figure.since) if figure.since else pd.NaT,
                    figure.people,
                    found.value,
                    found.low,
                    found.high,
                    n_rows,
                    is_few(n_rows),
                    "; ".join(figure.source),
                )
            )
        frame = pd.DataFrame(rows, columns=[it.name for it in DERIVED["observed"].columns])
        for name in ("date", "since"):
            frame[name] = frame[name].astype("datetime64[us]")
        for name in ("observed", "simulated", "low", "high", "rows"):
            frame[name] = frame[name].astype("float64")
        return frame

    def against(self, base: Record) -> pd.DataFrame:
        """What this run's measures achieve and cost, over another's, paired by replicate.

        What is averted is so for the population of interest; spending is all that was booked.

        Columns: `figure` (word), `threat` (one of the seven; `death`: years of life lost before the
        end, each at severity 1; `all`: these eight together), `unit`, `value` (mean over
        replicates), `low` and `high` (95 % interval of that mean; NaN with one replicate), `n`
        (replicates).

        Figures are `averted` (insecurity-years of the base less those of this run),
        `averted_3pct` (`death` alone, discounted to the day of death), `extra_spending` (of this
        run, less the base's), `cost_per_year` (the one over the other: a ratio of means, by
        Fieller's interval; NaN where nothing is averted).

        Args:
            base: the run without the measures.

        Raises:
            UnlikeRunsError: the runs differ in seeds, people at the start, period or currency.
            NoTableError: one did not keep `insecurity`, `harms` or `spending`.
        """
        refuse_unlike(self, base)
        there, here = insecure_years(base), insecure_years(self)
        averted = {name: there[name] - here[name] for name in there}
        discounted = averted.pop("death_3pct")
        extra = per_replicate(self, self.spending, "amount")
        extra = extra - per_replicate(base, base.spending, "amount")
        currency = self.scenario.money.currency
        rows: list[tuple[Any, ...]] = [
            ("averted", name, "years", *interval(years)) for name, years in averted.items()
        ]
        rows.append(("averted_3pct", "death", "years", *interval(discounted)))
        rows.append(("extra_spending", "all", currency, *interval(extra)))
        rows += [
            ("cost_per_year", name, f"{currency} a year", *ratio_interval(extra, years))
            for name, years in averted.items()
        ]
        columns = ["figure", "threat", "unit", "value", "low", "high", "n"]
        return pd.DataFrame(rows, columns=columns)

    def table(self, name: str) -> pd.DataFrame:
        """Give a table by name, or one that follows from the run; `describe` says what they tell.

        Raises:
            NoTableError: this run did not keep it.
        """
        if name in DERIVED:
            found: pd.DataFrame = getattr(self, name)
            return found
        return super().table(name)

    def full(
        self, name: str, *, all_words: bool = False, most_rows: int = MOST_ROWS
    ) -> pd.DataFrame:
        """Give a table of counts with the rows that are absent because they are 0.

        Args:
            name: of the table.
            all_words: whether words are combined that never occur together in the table; otherwise
                only combinations are there that occur in some period of some replicate.
            most_rows: a table that would be longer is refused.

        Returns:
            The columns of the table, with a row for every replicate, period and combination of
            words. Periods are those of `periods`.

        Raises:
            NoTableError: this run did not keep it.
            NotFullError: what is absent from it is not 0, or it would be longer than `most_rows`.
        """
        return full(self, name, all_words=all_words, most_rows=most_rows)

    def save(self, directory: str | Path) -> Path:
        """Write the run to a folder, whole or not at all.

        Args:
            directory: the run's folder; an earlier run in it is replaced.

        Returns:
            The folder.

        Raises:
            StoreError: the folder is not a run's, or cannot be written.
        """
        manifest = {**self.manifest, "seed": self.seed}
        tables = {**self.tables, **{name: self.table(name) for name in DERIVED}}
        return store.write(store.Parts(self.scenario, manifest, tables), directory)


def load(directory: str | Path) -> Record:
    """Read a run's folder.

    Args:
        directory: the folder of a run.

    Returns:
        The run, equal to what was saved.

    Raises:
        StoreError: it is not a run's folder, or a file of it is missing or damaged.
    """
    scenario, manifest, kept = store.read(directory)
    tables = {name: it.rename(columns=old_names(described(name))) for name, it in kept.items()}
    replicates = int(manifest.get("replicates", 1))
    for name, it in tables.items():
        if "replicate" in it and not it["replicate"].between(0, replicates - 1).all():
            raise store.StoreError(
                f"{directory}: {name}.parquet has rows of replicates that the run lacks; run again"
            )
    try:
        return Record(scenario, int(manifest["seed"]), manifest, tables)
    except ValueError as error:
        raise store.of_another_version(directory, manifest, str(error)) from error


def refuse_unlike(record: Record, base: Record) -> None:
    """Refuse two runs whose replicates do not match: same people, same random draws.

    Raises:
        UnlikeRunsError: they differ in seeds, people at the start, population of interest, period
            or currency.
        TypeError: `base` is no record.
    """
    if not isinstance(base, Record):
        raise TypeError(f"a record is compared with a record, not with {type(base).__name__}")
    mine, other = record.scenario, base.scenario
    if record.manifest.get("seeds") != base.manifest.get("seeds"):
        pair = " and ".join(f"{it.seed} (replicates: {it.replicates})" for it in (record, base))
        raise UnlikeRunsError(f"the runs differ in seeds: {pair}")
    for what, here, there in (
        ("replicates", record.replicates, base.replicates),
        ("agents", record.manifest.get("agents"), base.manifest.get("agents")),
        ("people at the start", record.manifest.get("people"), base.manifest.get("people")),
        ("the population of interest", *(_interest(it) for it in (mine, other))),
        ("first day", mine.time.start, other.time.start),
        ("last day", mine.time.end, other.time.end),
        ("money", record.money_unit, base.money_unit),
        *(
            (f"people at the start {who}", at_start.get(who, 0.0), in_base.get(who, 0.0))
            for at_start, in_base in [(_people_at_start(mine), _people_at_start(other))]
            for who in dict.fromkeys([*at_start, *in_base])
        ),
    ):
        if here != there:
            raise UnlikeRunsError(f"the runs differ in {what}: {here} and {there}")


def _interest(scenario: Scenario) -> str:
    """Give the countries of the population of interest."""
    return ", ".join(sorted(scenario.population.focus)) or "everybody"


def _people_at_start(scenario: Scenario) -> dict[str, float]:
    """Give the people of each place, and those from each country in each other."""
    living = {f"in {place.id}": place.people for place in scenario.places}
    stocks = {f"from {it.from_} in {it.to}": it.people for it in scenario.stocks}
    return living | stocks
