"""Figures over time, with bands over replicates: of one run, or of several less one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from sim.experiments.compare import COUNTED, SUMS, bands
from sim.plots import style, wording
from sim.plots.figures import legend, time_ticks
from sim.plots.focus import citizens, of_interest
from sim.results.measures import MEASURES, measure_of_today
from sim.results.record import Record

STOCKS: Final = ("refugees_abroad", "displaced", "claimants_abroad")
"""Drawn where nothing else is asked for: all are people, counted on a day."""
LEVEL: Final = 0.9
"""Share of its highest value from which the last one is no fall that another seed bears out."""
Lines = Sequence[tuple[str, str, pd.DataFrame]]
"""Words, colour and values of each line."""


def plot_bands(record: Record, ax: Axes | None = None, *, measures: Sequence[str] = STOCKS) -> Axes:
    """Draw headline figures of a run over time, each with the band of its 95 % interval.

    Args:
        record: a run.
        ax: axes to draw on; none: those of a new figure.
        measures: headline figures, of one unit.

    Returns:
        The axes.
    """
    record = style.legible(record)
    measures = [measure_of_today(it) for it in measures]
    table = bands(_needed(record, measures), measures)
    words = [wording.MEASURE_WORDS[it] for it in measures]
    owned = [style.MEASURES.get(it) for it in measures]
    others = cycle(it for it in style.LINES if it not in owned)
    lines = [
        (word, own or next(others), table[table["measure"] == it])
        for it, word, own in zip(measures, words, owned, strict=True)
    ]
    return _draw(record, lines, measures, ax, bands_finding(record, measures), "")


def bands_finding(record: Record, measures: Sequence[str] = STOCKS) -> str:
    """Say in one sentence when the largest count was largest, or how a share began and ended.

    A count that ends near its highest value is given as it ends.
    """
    table = bands(_needed(record, measures), measures).dropna(subset="value")
    if not table["value"].max() > 0:
        return f"No {', '.join(wording.MEASURE_WORDS[it] for it in measures)}"
    unit = str(table["unit"].iloc[0])
    if unit == "share":
        table = table[table["measure"] == table["measure"].iloc[0]]
        ends = (table.iloc[0], table.iloc[-1])
        said = (
            f"{wording.figures(it['value'], unit)} in {wording.month_word(it['date'])}"
            for it in ends
        )
        return f"{_named(measures[0])}: {', '.join(said)}"
    top = table.iloc[int(np.argmax(table["value"]))]
    end = table[table["measure"] == top["measure"]].iloc[-1]
    if end["value"] >= LEVEL * top["value"]:  # which month was highest is then chance
        top, did = end, "reached"
    else:
        did = "peaked at"
    value = wording.figures(top["value"], unit)
    return f"{_named(top['measure'])} {did} {value} in {wording.month_word(top['date'])}"


def bands_text(record: Record) -> str:
    """Say in words what the picture shows: where every line ends, with its interval."""
    table = bands(_needed(record, STOCKS), STOCKS)
    last = table[table["date"] == table["date"].max()]
    ends = []
    for _, row in last.iterrows():
        text = f"{wording.MEASURE_WORDS[row['measure']]} {wording.words(row['value'])}"
        if row["low"] == row["low"]:
            text += f" ({wording.words(row['low'])} to {wording.words(row['high'])})"
        ends.append(text)
    return f"{bands_finding(record)}. At the end: {', '.join(ends)}."


def _needed(record: Record, measures: Sequence[str]) -> Record:
    """Leave out tables that these figures do not need.

    All figures are worked out of all tables there are; without those it takes a quarter as long.
    """
    if not set(measures) <= set(STOCKS):
        return record
    few = {name: frame for name, frame in record.tables.items() if name in ("stocks", "account")}
    return Record(record.scenario, record.seed, record.manifest, few)


def plot_gaps(runs: Mapping[str, Record], measure: str, ax: Axes | None = None) -> Axes:
    """Draw by how much a headline figure of each run differs from the first's over time.

    Counts of events are those since the start: month by month little is seen of a small difference.

    Args:
        runs: the runs by name, the base first.
        measure: a headline figure.
        ax: axes to draw on; none: those of a new figure.

    Returns:
        The axes.

    Raises:
        UnlikeRunsError: a run's replicates do not match the base's.
    """
    (name, base), *variants = runs.items()
    colours = _colours(len(variants))
    lines = [
        (it, colour, bands(record, [measure], base, so_far=True))
        for (it, record), colour in zip(variants, colours, strict=True)
    ]
    what = f"{wording.MEASURE_WORDS[measure]}, less those of {name}"
    return _draw(style.legible(base), lines, [measure], ax, gaps_finding(runs, measure), what)


def gaps_finding(runs: Mapping[str, Record], measure: str) -> str:
    """Say in one sentence by how much the first variant differs from the base at the end."""
    (first, base), (second, variant) = list(runs.items())[:2]
    table = bands(variant, [measure], base, so_far=True).dropna(subset="value")
    if not len(table) or not table["value"].any():
        return f"{_named(measure)}: no difference between {second} and {first}"
    row = table.iloc[-1]
    size = abs(float(row["value"]))
    gap = f"{100 * size:.1f} points" if row["unit"] == "share" else wording.words(size)
    more = "more" if row["value"] > 0 else "less"
    if row["unit"] in ("people", "households"):
        more = "more" if row["value"] > 0 else "fewer"
    sure = row["low"] > 0 or row["high"] < 0
    doubt = "" if sure or row["n"] < 2 else ", which may be chance"
    when = wording.month_word(row["date"])
    return f"{_named(measure)}: {gap} {more} by {when} in {second} than in {first}{doubt}"


def _named(measure: str) -> str:
    return wording.capital(wording.MEASURE_WORDS[measure])


def _colours(n: int) -> list[str]:
    """Give a colour for each line."""
    return [style.LINES[i % len(style.LINES)] for i in range(n)]


def _draw(
    record: Record, lines: Lines, measures: Sequence[str], ax: Axes | None, title: str, gap: str
) -> Axes:
    """Draw lines with their bands: figures of one run or, where `gap` says so, differences."""
    unit = MEASURES[measures[0]].unit
    scale = 100.0 if unit == "share" else 1.0
    ax = style.frame(ax, left=1.14 if gap else 0.98)
    for _, colour, table in lines:
        days = table["date"].to_numpy()
        value, low, high = (scale * table[it].to_numpy() for it in ("value", "low", "high"))
        ax.fill_between(days, low, high, color=colour, alpha=0.22, linewidth=0)
        ax.plot(days, value, color=colour, linewidth=1.8)
    everything = pd.concat([table for _, _, table in lines])
    reached = scale * everything[["value", "low", "high"]].to_numpy()
    least, most = float(np.nanmin([0.0, *reached.flat])), float(np.nanmax([0.0, *reached.flat]))
    room = 0.04 * (most - least) or 1.0
    ax.set_ylim(least - room if least < 0 else 0, most + room)
    first, last = everything["date"].min(), everything["date"].max()
    ax.set_xlim(first, max(last, first + pd.Timedelta(days=1)))
    time_ticks(ax, first, last)
    ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    ax.yaxis.set_major_formatter(style.word_ticks())
    ax.set_ylabel("%" if unit == "share" else unit, fontsize=style.TEXT)
    ax.grid(axis="y", color=style.RULE, linewidth=0.6)
    ax.set_axisbelow(True)
    if gap:
        ax.axhline(0, color=style.INK, linewidth=0.8)
    if not gap or len(lines) > 1:
        legend(ax, [(word, colour) for word, colour, _ in lines], 2)
    band = "Line: mean over replicates. Band: its 95 % interval"
    if record.replicates == 1:
        band = "One replicate: no bands"
    elif gap:
        band += ", by pairs"
    time = record.scenario.time
    monthly = time.step == "month" and record.scenario.outputs.every == 1
    period = "month" if monthly else "period"
    when = f"by {period}"
    if set(measures) <= COUNTED:
        when = f"on the last day of each {period}"
    elif gap and measures[0] in SUMS:
        when = "since the start"
    what = gap or unit
    what = citizens(record) if what == "people" else f"{what}{of_interest(record)}"
    what = wording.capital(what)
    style.caption(ax, record, title, f"{what}, {when}. {band}.")
    return ax
