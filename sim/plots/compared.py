"""A variant compared with its base: a picture of the differences."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from sim.experiments.compare import differences
from sim.plots import style, wording
from sim.plots.focus import of_interest
from sim.results.record import Record

DRAWN: Final = (
    "moved_abroad", "moved_within", "necessity_people", "choice_people", "blocked_no_means",
    "blocked_no_permission", "refugees_abroad", "claimants_abroad", "displaced", "harm_death",
    "harm_violence", "harm_extortion", "harm_detention", "harm_forced_return", "death_rate",
    "insecurity_years", "orderly", "regular", "humane",
)  # fmt: skip
"""Figures of which the picture draws those that the base has."""


def plot_differences(
    base: Record, variant: Record, ax: Axes | None = None, *, names: tuple[str, str] = ("A", "B")
) -> Axes:
    """Draw by how much each headline figure differs, in per cent of the base's, with intervals.

    Args:
        base: a run.
        variant: a run of the same people with the same seeds.
        ax: axes to draw on; none: those of a new figure.
        names: of base and variant.

    Returns:
        The axes.

    Raises:
        UnlikeRunsError: their replicates do not match.
    """
    base, variant = style.legible(base), style.legible(variant)
    table = _drawn(base, variant)
    measures = [wording.MEASURE_WORDS[it] for it in table["measure"]]
    room = style.room_for(measures, style.TEXT)
    ax = style.frame(ax, 0.27 * max(len(table), 2), room, 0.75)
    rows = np.arange(len(table))[::-1]
    whole = table["base"].to_numpy() / 100
    value, low, high, wide_low, wide_high = (
        table[it].to_numpy() / whole
        for it in ("difference", "low", "high", "independent_low", "independent_high")
    )
    sure = _sure(table).to_numpy()
    ends = np.nanmax(np.abs([np.zeros(len(value)), value, low, high]), axis=0)
    widest = np.nanmax(np.abs([*ends, *wide_low, *wide_high, 1.0]))
    # One very uncertain figure should not compress all others: it is cut at the edge of the axes.
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
    ax.set_yticks(rows, measures)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda it, _: f"{it:+.3g} %" if it else "0"))
    ax.grid(axis="x", color=style.RULE, linewidth=0.6)
    ax.set_axisbelow(True)
    text = f"{names[1]} less {names[0]}, in per cent of {names[0]}{of_interest(base)}. "
    text += (
        "Line: 95 % interval with common seeds, grey where it includes 0. Broad line: the "
        "interval that independent seeds would give."
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
        f"{names[1]} differs from {names[0]} most in “{wording.MEASURE_WORDS[row['measure']]}”: "
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
    """Tell which intervals with common seeds leave 0 out."""
    return (table["low"] > 0) | (table["high"] < 0)
