"""A variant beside its base: tables for the terminal, and a picture of the differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator
from rich.console import RenderableType
from rich.text import Text

from sim.experiments.compare import EVENTS, EXISTS, Comparison, bands, differences
from sim.plots import style
from sim.plots.bands import plot_gaps
from sim.report.text import blank_table
from sim.results.record import Record
from sim.results.store import written_whole

DRAWN: Final = (
    "moved_abroad", "moved_within", "necessity_people", "choice_people", "blocked_no_means",
    "blocked_no_permission", "refugees_abroad", "claimants_abroad", "displaced", "harm_death",
    "harm_violence", "harm_extortion", "harm_detention", "harm_forced_return", "death_rate",
    "insecurity_years", "orderly", "regular", "humane",
)  # fmt: skip
"""Figures of which the picture draws those that the base has."""
EVENT_WORDS: Final = {
    EXISTS: "exist at all",
    "moved": "move",
    "moved_abroad": "  abroad",
    "moved_within": "  within a country",
    "blocked": "are blocked",
    "no_means": "  by money",
    "no_permission": "  by rules",
    "died_on_the_way": "die on the way",
    "died_naturally": "die a natural death",
}
COST_WORDS: Final = {
    ("averted", "all"): "insecurity and death averted",
    ("averted", "death"): "years of life saved",
    ("extra_spending", "all"): "extra spending",
    ("cost_per_year", "all"): "cost of a year averted",
}


def plot_differences(
    base: Record, variant: Record, ax: Axes | None = None, *, names: tuple[str, str] = ("A", "B")
) -> Axes:
    """Draw by how much each headline figure differs, in per cent of the base's, with intervals.

    Args:
        base: a run.
        variant: a run of the same people with the same luck.
        ax: axes to draw on; none: those of a new figure.
        names: of base and variant.

    Returns:
        The axes.

    Raises:
        UnlikeRunsError: their replicates are not pairs.
    """
    table = _drawn(base, variant)
    ax = style.frame(ax, 0.27 * max(len(table), 2), 1.95, 0.75)
    rows = np.arange(len(table))[::-1]
    whole = table["base"].to_numpy() / 100
    value, low, high, wide_low, wide_high = (
        table[it].to_numpy() / whole
        for it in ("difference", "low", "high", "unpaired_low", "unpaired_high")
    )
    sure = _sure(table).to_numpy()
    ends = np.nanmax(np.abs([np.zeros(len(value)), value, low, high]), axis=0)
    widest = np.nanmax(np.abs([*ends, *wide_low, *wide_high, 1.0]))
    # One figure that nobody knows should not press all others together: it leaves the axes.
    usual = max([*ends[sure], np.percentile(ends, 75) if len(ends) else 0.0, 0.5])
    limit = 1.1 * min(widest, 2.0 * usual)
    colours = np.where(sure, style.SIMULATED, style.HARM)
    ax.axvline(0, color=style.FAINT, linewidth=0.9, zorder=1)
    ax.hlines(rows, wide_low, wide_high, color=style.RULE, linewidth=6, zorder=2)
    ax.hlines(rows, low, high, color=list(colours), linewidth=2.2, zorder=3)
    inside = np.abs(value) < limit
    ax.scatter(value[inside], rows[inside], s=34, color=list(colours[inside]), zorder=4)
    for side, marker in ((1, ">"), (-1, "<")):
        beyond = ~inside & (np.sign(value) == side)
        edge = np.full(int(beyond.sum()), 0.97 * side * limit)
        ax.scatter(edge, rows[beyond], s=34, marker=marker, color=list(colours[beyond]), zorder=4)
    for row, number, certain in zip(rows, value, sure, strict=True):
        ax.annotate(
            _per_cent(number), (1.0, row),
            xytext=(6, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
            va="center", fontsize=style.SMALL, color=style.INK if certain else style.FAINT,
            annotation_clip=False,
        )  # fmt: skip
    ax.set_xlim(-limit, limit)
    ax.set_ylim(-0.6, max(len(table), 1) - 0.4)
    ax.set_yticks(rows, [style.MEASURE_WORDS[it] for it in table["measure"]])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda it, _: f"{it:+.3g} %" if it else "0"))
    ax.grid(axis="x", color=style.RULE, linewidth=0.6)
    ax.set_axisbelow(True)
    text = f"{names[1]} less {names[0]}, in per cent of {names[0]}. "
    text += (
        "Line: 95 % interval by pairs, grey where it holds 0. Broad: what seeds of their own "
        "would give."
        if variant.replicates > 1
        else "One replicate: no intervals."
    )
    style.caption(ax, variant, differences_finding(base, variant, names), text)
    return ax


def differences_finding(base: Record, variant: Record, names: tuple[str, str] = ("A", "B")) -> str:
    """Say in one sentence which figure differs most, of those that differ beyond chance."""
    table = _drawn(base, variant)
    if variant.replicates > 1:
        table = table[_sure(table)]
    table = table[table["difference"] != 0]
    if not len(table):
        same = "beyond chance " if (differences(base, variant)["difference"] != 0).any() else ""
        return f"No figure differs {same}between {names[0]} and {names[1]}"
    row = table.iloc[int(np.argmax((table["difference"] / table["base"]).abs()))]
    per_cent = 100 * float(row["difference"] / row["base"])
    size = f"{abs(per_cent):,.0f}" if abs(per_cent) >= 10 else f"{abs(per_cent):.1f}"
    more = "more" if per_cent > 0 else "less"
    return (
        f"{names[1]} differs from {names[0]} most in “{style.MEASURE_WORDS[row['measure']]}”: "
        f"{size} % {more}"
    )


def _drawn(base: Record, variant: Record) -> pd.DataFrame:
    """Give the differences that have a per cent."""
    table = differences(base, variant)
    kept: pd.DataFrame = table[table["measure"].isin(DRAWN) & (table["base"] > 0)]
    return kept


def _per_cent(number: float) -> str:
    """Write a difference in per cent."""
    if abs(number) < 0.05:
        return "0" if number == 0 else "±0.0 %"
    return f"{number:+.1f} %" if abs(number) < 10 else f"{number:+,.0f} %"


def _sure(table: pd.DataFrame) -> pd.Series[bool]:
    """Tell which paired intervals leave 0 out."""
    return (table["low"] > 0) | (table["high"] < 0)


def difference_table(table: pd.DataFrame, record: Record, names: tuple[str, str]) -> RenderableType:
    """List the differences of headline figures, with both intervals.

    Args:
        table: as `differences` gives it.
        record: the variant.
        names: of base and variant.

    Returns:
        A table.
    """
    title = f"{names[1]} against {names[0]}"
    shown = blank_table(title, ("",), ("A", "B less A", "± paired", "± not", "saved"))
    for _, row in table[table["n"] > 0].iterrows():
        unit, sure = str(row["unit"]), row["low"] > 0 or row["high"] < 0
        shown.add_row(
            Text(style.MEASURE_WORDS[row["measure"]]),
            Text(style.figures(row["base"], unit)),
            Text(signed(row["difference"], unit) + ("*" if sure else " ")),
            Text(_half(row["low"], row["high"], unit)),
            Text(_half(row["unpaired_low"], row["unpaired_high"], unit)),
            Text(times(row["saved"])),
            style="" if sure else "dim",
        )
    n = record.replicates
    note = (
        f"± half the 95 % interval of {n} replicates, as pairs and not; * leaves 0 out, as one "
        "in 20 does by chance; saved: as many times the replicates without common random numbers"
        if n > 1
        else "one replicate: no intervals; run both with --replicates"
    )
    shown.caption = Text(f"A is {names[0]}, B is {names[1]}; {note}", style="dim")
    return shown


def cost_table(table: pd.DataFrame, record: Record) -> RenderableType:
    """List what the variant averts and costs, as `Record.against` gives it."""
    shown = blank_table("What B averts, and costs", ("",), ("B less A", "95 % interval"))
    for (figure, threat), words in COST_WORDS.items():
        row = table[(table["figure"] == figure) & (table["threat"] == threat)].iloc[0]
        money = figure in ("extra_spending", "cost_per_year")
        unit = record.money_unit if money else "years"
        value, low, high = (style.words(float(row[it])) for it in ("value", "low", "high"))
        known = row["low"] == row["low"]
        shown.add_row(
            Text(f"{words}, {unit}"), Text(value), Text(f"{low} to {high}" if known else "–")
        )
    return shown


def person_table(table: pd.DataFrame, record: Record) -> RenderableType:
    """List what befell the same people in one run only, or in both; as `by_person` counts it."""
    shown = blank_table("Person by person", ("people who",), ("only in A", "only in B", "in both"))
    columns = ["only_base", "only_variant", "both"]
    sums = table.groupby("event")[columns].sum() / record.replicates
    for event in (*EVENTS, EXISTS):
        shown.add_row(
            Text(EVENT_WORDS[event]),
            *(Text(style.words(float(sums[it][event]))) for it in columns),
        )
    shown.caption = _mean(record, "who exists in one run only, as births, is in the last row only")
    return shown


def origin_table(table: pd.DataFrame, record: Record, rows: int = 6) -> RenderableType:
    """List the origins of those whom the event befell that differs most, as `by_person` does."""
    columns = ["only_base", "only_variant", "both"]
    apart = table[~table["event"].isin([EXISTS, "moved", "blocked", "died_naturally"])]
    sums = apart.groupby(["event", "home"])[columns].sum() / record.replicates
    gap = sums["only_base"] + sums["only_variant"]
    event = str(gap.groupby("event").sum().idxmax())
    mine = sums.loc[event].assign(gap=gap.loc[event]).sort_values("gap", ascending=False)
    what = " ".join({"moved_abroad": "move abroad", "moved_within": "move within a country",
                     "no_means": "are blocked by money", "no_permission": "are blocked by rules",
                     "died_on_the_way": "die on the way"}[event].split())  # fmt: skip
    shown = blank_table(
        f"People who {what}, by origin", ("origin",), ("only in A", "only in B", "in both")
    )
    names = style.names(record)
    for home, row in mine.head(rows).iterrows():
        shown.add_row(
            Text(names.get(str(home), str(home))), *(Text(style.words(row[it])) for it in columns)
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
    for (name, record), result in zip(variants, results, strict=True):
        for table, frame in result._asdict().items():
            if frame is not None:
                tables.setdefault(table, []).append(frame.assign(run=name))
        axes = plot_differences(base, record, names=(base_name, name))
        suffix = "" if len(variants) == 1 else f"_{Path(name).name}"
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
    text = style.figures(value, unit)
    return text if value != value or value <= 0 else f"+{text}"


def times(ratio: float) -> str:
    """Write how many times as many replicates would be needed."""
    if ratio != ratio:
        return "–"
    return f"x {ratio:.1f}" if ratio < 10 else f"x {style.words(ratio)}"


def _mean(record: Record, note: str) -> Text:
    n = record.replicates
    mean = f"mean of {n} replicates" if n > 1 else ""
    return Text("; ".join(part for part in (note, mean) if part), style="dim")


def _half(low: float, high: float, unit: str) -> str:
    return "–" if low != low else style.figures((high - low) / 2, unit)
