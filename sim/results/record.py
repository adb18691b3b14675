"""What a run leaves behind: its tables, and the figures that sum it up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from sim.results.intervals import interval, ratio_interval
from sim.results.measures import MEASURES, headline_values, insecure_years
from sim.results.observed import simulated, stock_counts
from sim.results.run import Run
from sim.results.sums import per_replicate
from sim.schema import Scenario


class UnlikeRunsError(ValueError):
    """Two runs cannot be set against each other, replicate by replicate."""


@dataclass(frozen=True, eq=False, repr=False)
class Record(Run):
    """The result of a run: its scenario, how it was made, and its tables.

    Every table is tidy and in real people; text columns are categories; the first column is
    always `replicate`. Tables are shared, not copied: take a copy before changing one.
    """

    @cached_property
    def headline(self) -> pd.DataFrame:
        """The figures that summarise the run, as means over replicates.

        Columns: `measure` (id; `MEASURES` says what each means), `unit`, `value` (mean over
        replicates), `low` and `high` (95 % t-interval of that mean, clipped to possible values;
        NaN with one replicate), `n` (replicates used). A figure whose table was not kept is NaN
        with n 0.

        People who move twice are two moves; blocked answers count a head once each step that it is
        blocked. The scorecard: *secure* is 1 - insecurity-years / (7 x person-years lived), the
        sevenfold because each threat alone can reach 1; *orderly* the share of arrivals abroad by
        labour, family, home or free channels or by relocation, plus those for asylum as far as
        states keep up (times the refugees' part of refugees and claimants abroad, over the run);
        *regular* the share of arrivals abroad not by the irregular channel; *humane* 1 - people
        harmed / departures abroad, floored at 0. Life years lost are counted from each death to the
        horizon and discounted, if so, to the day of death.
        """
        rows = []
        values = headline_values(self)
        for measure in MEASURES.values():
            found = interval(values[measure.id], measure.low, measure.high)
            rows.append((measure.id, measure.unit, *found))
        return pd.DataFrame(rows, columns=["measure", "unit", "value", "low", "high", "n"])

    @cached_property
    def observed(self) -> pd.DataFrame:
        """Each observed figure of the scenario beside the simulated one.

        Columns: `id`, `what`, `of` (ids, joined by `; `), `at` (id) and `party` (word, of
        interceptions that are of these parties alone), `date` and `since` (days),
        `observed` (people), `simulated` (people, mean over replicates), `low` and `high` (95 %
        t-interval of that mean; NaN with one replicate), `source` (source ids).

        Refugees are the citizens of `of` abroad with any status in `REFUGEE_STATUSES`; asylum
        seekers those with status claimant; the foreign-born those with any status, less who was
        born there since the start; displaced those so called within `of`. Stocks are taken on the
        last day of the record up to `date`, at most `SLACK_DAYS` earlier. Deaths, interceptions,
        kidnappings and separations of citizens of `of` are those on corridor `at`, or on the
        corridors into country `at` and within it, forced returns those from there and by country
        `at`; arrivals are theirs in country `at`, or at the other end of corridor `at`. They run
        from `since` (none: the start) to `date`; rows of which a part falls outside count in
        proportion to their days. What a record cannot tell is NaN: dates outside the run, tables
        that were not kept.
        """
        rows = []
        counts = stock_counts(self) if "stocks" in self.tables else {}
        for figure in self.scenario.observed:
            found = interval(simulated(self, figure, counts), 0.0)
            rows.append(
                (
                    figure.id,
                    figure.what,
                    "; ".join(figure.of),
                    figure.at,
                    figure.party,
                    pd.Timestamp(figure.date),
                    pd.Timestamp(figure.since) if figure.since else pd.NaT,
                    figure.people,
                    found.value,
                    found.low,
                    found.high,
                    "; ".join(figure.source),
                )
            )
        columns = ["id", "what", "of", "at", "party", "date", "since"]
        columns += ["observed", "simulated", "low", "high", "source"]
        frame = pd.DataFrame(rows, columns=columns)
        for name in ("date", "since"):
            frame[name] = frame[name].astype("datetime64[us]")
        for name in ("observed", "simulated", "low", "high"):
            frame[name] = frame[name].astype("float64")
        return frame

    def against(self, base: Record) -> pd.DataFrame:
        """What this run's measures achieve and cost, over another's, paired by replicate.

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

    def save(self, directory: str | Path) -> Path:
        """Write the run to a folder, whole or not at all.

        Args:
            directory: the run's folder; an earlier run in it is replaced.

        Returns:
            The folder.

        Raises:
            StoreError: the folder is not a run's, or cannot be written.
        """
        from sim.results.store import save  # the store knows the record, not the other way round

        return save(self, directory)


def refuse_unlike(record: Record, base: Record) -> None:
    """Refuse two runs whose replicates are not pairs: the same people with the same luck.

    Raises:
        UnlikeRunsError: they differ in seeds, people at the start, period or currency.
    """
    mine, other = record.scenario, base.scenario
    if record.manifest.get("seeds") != base.manifest.get("seeds"):
        pair = " and ".join(f"{it.seed} (replicates: {it.replicates})" for it in (record, base))
        raise UnlikeRunsError(f"the runs differ in seeds: {pair}")
    for what, here, there in (
        ("replicates", record.replicates, base.replicates),
        ("agents", record.manifest.get("agents"), base.manifest.get("agents")),
        ("people at the start", record.manifest.get("people"), base.manifest.get("people")),
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


def _people_at_start(scenario: Scenario) -> dict[str, float]:
    """Give the people of each place, and those from each country in each other."""
    living = {f"in {place.id}": place.people for place in scenario.places}
    stocks = {f"from {it.from_} in {it.to}": it.people for it in scenario.stocks}
    return living | stocks
