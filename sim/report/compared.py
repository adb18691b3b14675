"""A variant compared with its base: tables for the terminal, and files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pandas as pd
from rich.console import RenderableType
from rich.text import Text

from sim.experiments.compare import EVENTS, EXISTS, Comparison, bands
from sim.plots import style, wording
from sim.plots.bands import plot_gaps
from sim.plots.compared import plot_differences
from sim.plots.focus import of_interest
from sim.report.text import blank_table
from sim.results.record import Record
from sim.results.store import written_whole

EVENT_WORDS: Final = {
    EXISTS: "exist at all",
    "moved": "move",
    "moved_abroad": "  abroad",
    "moved_within": "  within a country",
    "blocked": "are blocked",
    "no_means": "  cannot pay",
    "no_permission": "  are refused permission",
    "died_on_the_way": "die on the way",
    "died_naturally": "die a natural death",
}
PER_MONTH: Final = (
    "base",
    "variant",
    "difference",
    "low",
    "high",
    "independent_low",
    "independent_high",
)
"""Columns of `differences` that are shown per month where a figure counts answers."""
COST_WORDS: Final = {
    ("averted", "all"): "insecurity and death averted",
    ("averted", "death"): "years of life saved",
    ("extra_spending", "all"): "extra spending",
    ("cost_per_year", "all"): "cost of a year averted",
}


def difference_table(table: pd.DataFrame, record: Record, names: tuple[str, str]) -> RenderableType:
    """List the differences of headline figures, with both intervals.

    Args:
        table: as `differences` gives it.
        record: the variant.
        names: of base and variant.

    Returns:
        A table.
    """
    title = f"{names[1]} against {names[0]}{_whose(record)}"
    shown = blank_table(
        title,
        ("",),
        ("A", "B less A", "± common\nseeds", "± indep.\nseeds", "variance\nfactor"),
    )
    months = wording.months(record)
    shares = [it for it in table.columns if it in PER_MONTH]
    for _, row in table[table["n"] > 0].iterrows():
        name = wording.MEASURE_WORDS[row["measure"]]
        # Households that stay are a number on an average day, other answers are so many in all.
        if row["unit"] == "households" and row["measure"] != "stays_households":
            row[shares] /= months
            name = f"{name}, a month"
        unit, sure = str(row["unit"]), row["low"] > 0 or row["high"] < 0
        shown.add_row(
            Text(name),
            Text(wording.figures(row["base"], unit)),
            Text(signed(row["difference"], unit) + ("*" if sure else " ")),
            Text(_half(row["low"], row["high"], unit)),
            Text(_half(row["independent_low"], row["independent_high"], unit)),
            Text(times(row["variance_reduction_factor"])),
            style="" if sure else "dim",
        )
    n = record.replicates
    note = (
        f"± half the 95 % interval of {n} replicates, with common seeds and as independent seeds "
        "would give it; * marks intervals without 0, as about 1 in 20 is by chance alone; variance "
        "reduction factor: "
        "so many times as many replicates are needed with independent seeds"
        if n > 1
        else "one replicate: no intervals; run both with --replicates"
    )
    shown.caption = Text(f"A is {names[0]}, B is {names[1]}; {note}", style="dim")
    return shown


def cost_table(table: pd.DataFrame, record: Record) -> RenderableType:
    """List what the variant averts and costs, as `Record.against` gives it."""
    shown = blank_table("What B averts, and costs", ("",), ("B less A", "95 % interval"))
    costs = table[table["figure"] == "extra_spending"]
    priced = bool(costs[["value", "low", "high"]].fillna(0.0).to_numpy().any())
    for (figure, threat), words in COST_WORDS.items():
        row = table[(table["figure"] == figure) & (table["threat"] == threat)].iloc[0]
        money = figure in ("extra_spending", "cost_per_year")
        if money and not priced:
            continue
        unit = record.money_unit if money else "years"
        value, low, high = (wording.words(float(row[it])) for it in ("value", "low", "high"))
        known = row["low"] == row["low"]
        shown.add_row(
            Text(f"{words}, {unit}"), Text(value), Text(f"{low} to {high}" if known else "–")
        )
    notes = [] if priced else ["both book the same public spending: no cost of B was given"]
    if whose := of_interest(record):
        notes.append(f"averted and saved: years{whose}")
        notes += ["spending: all of it, on whomever"] if priced else []
    shown.caption = Text("; ".join(notes), style="dim")
    return shown


def person_table(table: pd.DataFrame, record: Record) -> RenderableType:
    """List what happened to the same people in one run only or in both, as `by_person` counts."""
    shown = blank_table(
        f"Person by person{_whose(record)}", ("people who",), ("only in A", "only in B", "in both")
    )
    columns = ["only_base", "only_variant", "both"]
    sums = table.groupby("event")[columns].sum() / record.replicates
    for event in (*EVENTS, EXISTS):
        shown.add_row(
            Text(EVENT_WORDS[event]),
            *(Text(wording.words(float(sums[it][event]))) for it in columns),
        )
    shown.caption = _mean(
        record, "people who exist in one run only, such as births, are in the last row only"
    )
    return shown


def origin_table(table: pd.DataFrame, record: Record, rows: int = 6) -> RenderableType:
    """List origins of people with the event that differs most between runs, from `by_person`."""
    columns = ["only_base", "only_variant", "both"]
    apart = table[~table["event"].isin([EXISTS, "moved", "blocked", "died_naturally"])]
    sums = apart.groupby(["event", "home"])[columns].sum() / record.replicates
    gap = sums["only_base"] + sums["only_variant"]
    event = str(gap.groupby("event").sum().idxmax())
    mine = sums.loc[event].assign(gap=gap.loc[event]).sort_values("gap", ascending=False)
    what = " ".join({"moved_abroad": "move abroad", "moved_within": "move within a country",
                     "no_means": "are blocked: cannot pay",
                     "no_permission": "are blocked: refused permission",
                     "died_on_the_way": "die on the way"}[event].split())  # fmt: skip
    shown = blank_table(
        f"People who {what}, by origin{_whose(record)}",
        ("origin",),
        ("only in A", "only in B", "in both"),
    )
    names = wording.names(record)
    for home, row in mine.head(rows).iterrows():
        shown.add_row(
            Text(names.get(str(home), str(home))), *(Text(wording.words(row[it])) for it in columns)
        )
    left = len(mine) - rows
    shown.caption = _mean(record, f"{left} more origins with --out" if left > 0 else "")
    return shown


def write_comparison(
    runs: Mapping[str, Record],
    results: Sequence[Comparison],
    directory: str | Path,
    measures: Sequence[str],
) -> list[Path]:
    """Write what a comparison gives: tables as csv, pictures as png.

    Args:
        runs: the runs by name, the base first.
        results: a comparison for each but the base.
        directory: the folder.
        measures: headline figures drawn over time.

    Returns:
        The files.

    Raises:
        StoreError: the folder cannot be written.
    """
    (base_name, base), *variants = runs.items()
    tables: dict[str, list[pd.DataFrame]] = {}
    pictures = {}
    for name, record in runs.items():
        tables.setdefault("bands", []).append(bands(record).assign(run=name))
    for name, record in variants:
        gap = bands(record, base=base).assign(run=f"{name} less {base_name}")
        tables["bands"].append(gap)
    short = [Path(name).name for name, _ in variants]
    for i, ((name, record), result) in enumerate(zip(variants, results, strict=True)):
        for table, frame in result._asdict().items():
            if frame is not None:
                tables.setdefault(table, []).append(frame.assign(run=name))
        axes = plot_differences(base, record, names=(base_name, name))
        last = short[i] if len(set(short)) == len(short) else str(i + 1)
        suffix = "" if len(variants) == 1 else f"_{last}"
        pictures[f"differences{suffix}.png"] = style.as_file(axes)
    for measure in measures:
        pictures[f"gap_{measure}.png"] = style.as_file(plot_gaps(runs, measure))
    written: list[str] = []
    with written_whole(directory) as path_of:
        for name, frames in tables.items():
            frame = pd.concat(frames, ignore_index=True)
            frame = frame[["run", *(it for it in frame if it != "run")]]
            frame.to_csv(path_of(f"{name}.csv"), index=False, lineterminator="\r\n")
            written.append(f"{name}.csv")
        for name, content in pictures.items():
            path_of(name).write_bytes(content)
            written.append(name)
    return [Path(directory) / name for name in sorted(written)]


def signed(value: float, unit: str) -> str:
    """Write a difference with its sign."""
    text = wording.figures(value, unit)
    return text if value != value or value <= 0 else f"+{text}"


def times(ratio: float) -> str:
    """Write the variance reduction factor."""
    if ratio != ratio:
        return "–"
    return f"x {ratio:.1f}" if ratio < 10 else f"x {wording.words(ratio)}"


def _whose(record: Record) -> str:
    """Say whose figures these are, at the end of a title."""
    whose = of_interest(record)
    return f",{whose}" if whose else ""


def _mean(record: Record, note: str) -> Text:
    n = record.replicates
    mean = f"mean of {n} replicates" if n > 1 else ""
    return Text("; ".join(part for part in (note, mean) if part), style="dim")


def _half(low: float, high: float, unit: str) -> str:
    return "–" if low != low else wording.figures((high - low) / 2, unit)
