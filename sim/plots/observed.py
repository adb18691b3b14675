"""Observed and simulated figures: the picture, and the name of each figure."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator
from matplotlib.transforms import Bbox

from sim.plots import labels, style, wording
from sim.results.observed import ALL_STATUSES, STOCKS_OBSERVED, who_count
from sim.results.record import Record

MOST_ROWS: Final = 14
"""Observed figures drawn one below the other; more are drawn as points."""
MOST_NAMES: Final = 8
"""Of the figures drawn as points, those listed below."""
KINDS: Final = {
    "refugees": ("o", style.OUTCOMES["refugee"], "refugees"),
    "asylum_seekers": ("s", style.OUTCOMES["claimant"], "asylum seekers"),
    "displaced": ("^", style.OUTCOMES["displaced"], "displaced within"),
    "arrivals": ("D", "#332288", "arrivals"),
    "deaths": ("X", style.DEATH, "deaths"),
    "foreign_born": ("P", "#997700", "foreign-born"),
    "interceptions": ("v", "#aa3377", "interceptions"),
    "kidnappings": ("h", "#ccbb44", "held captive"),
    "forced_returns": ("<", "#885522", "forced returns"),
    "separations": ("p", "#66ccee", "children separated"),
}
"""Marker, colour and words of each kind of observed figure; stocks as in other pictures."""
UNDER_AXIS: Final = 42.0
"""Room for the labels of an axis and its ticks, in points."""
WIDE_RANGE: Final = 30.0
"""Ratio of largest to smallest figure from which an axis is logarithmic."""


STOCKS_FIRST: Final = ("refugees", "displaced", "foreign_born", "asylum_seekers")
"""Kinds of observed stock, by which of two is drawn on a map."""


class Pair(NamedTuple):
    """An observed stock of a country, and the simulated one."""

    what: str
    date: pd.Timestamp
    of: frozenset[str]
    """Whose citizens are counted."""
    statuses: tuple[str, ...]
    """With which statuses they are."""
    observed: float
    simulated: float


def observed_stocks(record: Record) -> dict[str, Pair]:
    """Give for each country the latest observed stock that is simulated too.

    Figures of one kind and day on citizens of several countries are added up, if they count the
    same statuses. Those of more countries come before later ones.

    Returns:
        By id of the country where they are; for the displaced, their own.
    """
    table, found = record.observed, dict[tuple[str, str, pd.Timestamp, tuple[str, ...]], Pair]()
    countries = {it.country for it in record.scenario.places}  # a ring needs a place
    rows = zip(record.scenario.observed, table["observed"], table["simulated"], strict=True)
    for figure, seen, made in sorted(rows, key=lambda it: -len(it[0].of)):
        at = figure.of[0] if figure.what == "displaced" and len(figure.of) == 1 else figure.at
        if figure.what not in STOCKS_OBSERVED or at not in countries or made != made or seen <= 0:
            continue
        counted = who_count(figure) or ALL_STATUSES
        key = (str(at), figure.what, pd.Timestamp(figure.date), counted)
        so_far = found.get(key, Pair(*key[1:3], frozenset(), key[3], 0.0, 0.0))
        if so_far.of.isdisjoint(figure.of):
            found[key] = so_far._replace(
                of=so_far.of.union(figure.of),
                observed=so_far.observed + float(seen),
                simulated=so_far.simulated + float(made),
            )
    best: dict[str, Pair] = {}
    for (country, *_), pair in found.items():
        best[country] = max(best.get(country, pair), pair, key=_rank)
    return best


def _rank(pair: Pair) -> tuple[int, pd.Timestamp, int]:
    return len(pair.of), pair.date, -STOCKS_FIRST.index(pair.what)


def plot_observed(record: Record, ax: Axes | None = None) -> Axes:
    """Draw each observed figure with the simulated one.

    A few are drawn one below the other; many as points about the line on which both are equal.

    Args:
        record: a run; without observed figures the axes say so.
        ax: axes to draw on; none: those of a new figure.

    Returns:
        The axes.
    """
    record = style.legible(record)
    return (_observed_points if len(record.observed) > MOST_ROWS else _observed_rows)(record, ax)


def _observed_points(record: Record, ax: Axes | None) -> Axes:
    """Draw simulated against observed figures, both logarithmic; number those furthest apart."""
    table = record.observed
    known = (table["simulated"].notna() & (table["observed"] > 0)).to_numpy()
    seen, made = (table[name].to_numpy()[known] for name in ("observed", "simulated"))
    smallest = min([*seen, *made[made > 0]], default=1.0)
    largest = max([*seen, *made], default=10.0)
    # A logarithmic axis has no zero: what is zero stands at its lower end.
    low, high = smallest / 3, largest * 3
    ax = style.frame(ax, 4.9)
    ax.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
    line = np.array([low, high])
    ax.fill_between(line, line / 2, line * 2, color=style.RULE, alpha=0.55, linewidth=0, zorder=1)
    ax.plot(line, line, color=style.FAINT, linewidth=1, zorder=2)
    shown = np.maximum(made, low * 1.15)
    ends = [np.clip(table[name].to_numpy()[known], low, high) for name in ("low", "high")]
    ax.vlines(seen, *ends, color=style.FAINT, linewidth=1, alpha=0.3, zorder=2.5)
    kinds = table["what"].astype(str).to_numpy()[known]
    for kind, (marker, colour, word) in KINDS.items():
        if (kinds == kind).any():
            ax.scatter(
                seen[kinds == kind], shown[kinds == kind], s=48, marker=marker, color=colour,
                edgecolors="white", linewidths=0.7, zorder=4, label=word,
            )  # fmt: skip
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(LogLocator(10, numticks=6))
        axis.set_major_formatter(style.word_ticks())
        axis.set_minor_locator(NullLocator())
    ax.set_xlabel("observed people", fontsize=style.TEXT)
    ax.set_ylabel("simulated people", fontsize=style.TEXT)
    if known.any():
        ax.legend(fontsize=style.SMALL, loc="upper left", frameon=False, borderaxespad=0.2)
    apart = np.abs(np.log(shown / seen))
    listed = [row for row in np.argsort(-apart, kind="stable") if apart[row] > np.log(2)]
    listed = listed[:MOST_NAMES]
    figure = ax.get_figure(root=True)
    assert figure is not None
    # From the left edge of the picture, for they are long; of a picture of others, below the axes.
    ours = figure.get_label() == style.OURS
    edge = figure.get_figwidth() * ax.get_position().x0 - 0.06 if ours else 0.0
    inches = edge + figure.get_figwidth() * ax.get_position().width
    lines = [
        f"{i}  {wording.words(seen[row])} → {wording.words(made[row])}: "
        f"{observed_words(record, int(np.flatnonzero(known)[row]), brief=True)}"
        for i, row in enumerate(listed, 1)
    ]
    lines = [style.shortened(line, style.SMALL, inches) for line in lines]
    if lines:
        ax.annotate(
            "\n".join(lines), (0, 0), xytext=(-72 * edge, -UNDER_AXIS), xycoords="axes fraction",
            textcoords="offset points", fontsize=style.SMALL, color=style.INK, va="top",
            linespacing=1.25, in_layout=False, parse_math=False,
        )  # fmt: skip
    style.caption(
        ax,
        record,
        observed_finding(record),
        "Line: simulated as observed. Band: within a factor of two."
        + (" Strokes: 95 % intervals." if record.replicates > 1 else "")
        + (" Numbered: the furthest apart, observed → simulated." if lines else ""),
        below=UNDER_AXIS + 1.25 * style.SMALL * len(lines) + (8 if lines else 0),
    )
    style.settle(ax)
    points = ax.transData.transform(np.column_stack([seen, shown]))
    taken = [Bbox.from_extents(x - 8, y - 8, x + 8, y + 8) for x, y in points]
    if (legend := ax.get_legend()) is not None:
        taken.append(legend.get_window_extent())
    for i, row in enumerate(listed, 1):
        point = (float(seen[row]), float(shown[row]))
        labels.label_beside(ax, f"{i}", point, taken, np.zeros((0, 2)), weight="bold", worst=np.inf)
    return ax


def _observed_rows(record: Record, ax: Axes | None) -> Axes:
    """Draw one row a figure, observed and simulated joined by a line."""
    table = record.observed
    ax = style.frame(ax, 0.46 * max(len(table), 2), 0.05, 0.2)
    rows = np.arange(len(table))[::-1]
    seen, made, low, high = (
        table[name].to_numpy() for name in ("observed", "simulated", "low", "high")
    )
    known = ~np.isnan(made)
    every = np.concatenate([seen, made[known], low[~np.isnan(low)], high[~np.isnan(high)]])
    positive = every[every > 0]
    logarithmic = len(positive) > 0 and positive.max() > WIDE_RANGE * positive.min()
    # A logarithmic axis has no zero: what is zero stands at its left end.
    floor = positive.min() / 3 if logarithmic else 0.0
    top = float(positive.max()) if len(positive) else 1.0
    if logarithmic:
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(10, numticks=6))
        ax.xaxis.set_minor_locator(NullLocator())
    else:
        ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(style.word_ticks())
    ax.set_xlim(floor * 0.8 if logarithmic else -0.02 * top, top * (1.6 if logarithmic else 1.06))
    seen, made, low, high = (np.maximum(it, floor) for it in (seen, made, low, high))
    ax.hlines(rows, seen, np.where(known, made, seen), color=style.RULE, linewidth=3.5, zorder=2)
    ax.hlines(rows, low, high, color=style.SIMULATED, linewidth=2.2, zorder=3)
    ax.scatter(made, rows, s=46, color=style.SIMULATED, zorder=4)
    ax.scatter(
        seen, rows, s=78, marker="D", facecolor="none", edgecolor=style.OBSERVED, linewidth=1.6,
        zorder=5,
    )  # fmt: skip
    for row, place in enumerate(rows):
        pair = f"{wording.words(table['observed'].iloc[row])} → "
        pair += wording.words(table["simulated"].iloc[row]) if known[row] else "not simulated"
        for text, x, side in ((observed_words(record, row), 0.0, "left"), (pair, 1.0, "right")):
            ax.annotate(
                text, (x, place), xytext=(0, 7), xycoords=("axes fraction", "data"),
                textcoords="offset points", ha=side, va="bottom", fontsize=style.SMALL,
                color=style.INK, in_layout=False,
            )  # fmt: skip
    ax.set_yticks([])
    ax.set_ylim(-0.5, max(len(table), 1) - 0.15)
    ax.spines["left"].set_visible(False)
    ax.grid(axis="x", color=style.RULE, linewidth=0.6)
    ax.set_axisbelow(True)
    scale = ", on a logarithmic scale" if logarithmic else ""
    style.caption(
        ax,
        record,
        observed_finding(record),
        f"Diamond and first figure: people observed. Dot and second: simulated{scale}."
        + (" Line: 95 % interval of the mean." if record.replicates > 1 else ""),
    )
    return ax


def observed_finding(record: Record) -> str:
    """Say in one sentence how many figures are met within a factor of two."""
    table = record.observed
    known = table["simulated"].notna()
    if not known.any():
        return "No observed figure can be compared with this run"
    ratio = (table["simulated"] / table["observed"])[known]
    near = int(((ratio >= 0.5) & (ratio <= 2)).sum())
    return f"{near} of {int(known.sum())} observed figures are met within a factor of two"


def observed_words(record: Record, row: int, *, brief: bool = False) -> str:
    """Name an observed figure: what, of whom, where and when.

    Args:
        record: the run.
        row: its number in `record.observed`.
        brief: leave the country of citizenship out; give ids where figures are of several, but
            for those of the whole focus.

    Returns:
        For example `Refugees from Syria in Lebanon, December 2014`.
    """
    figure = record.scenario.observed[row]
    names = wording.names(record)
    of = wording.listed([wording.the(names.get(it, it)) for it in figure.of])
    at = names.get(figure.at or "", figure.at)
    inside = wording.the(at) if at else ""
    whose = "" if brief else f" from {of}"
    several = len({it.of for it in record.scenario.observed}) > 1
    flow = figure.what not in STOCKS_OBSERVED
    if figure.what == "deaths":
        text = f"Deaths, {at}" if at else "Deaths on the way"
    elif figure.what in ("interceptions", "kidnappings", "separations"):
        text = figure.what.capitalize()
        who = wording.PARTIES.get(figure.party or "", "")
        text += f" of {who}" if brief and who else ""
        text += ("" if brief else f" of {who or 'people'} from {of}") + (f", {at}" if at else "")
    elif figure.what == "forced_returns":
        text = "Forced returns" + ("" if brief else f" to {of}") + (f", {at}" if at else "")
    elif figure.what == "displaced":
        text = f"Displaced in {of}"
    elif figure.what == "arrivals":
        crossing = any(corridor.id == figure.at for corridor in record.scenario.corridors)
        place = f", {at}" if crossing else f" in {inside or 'all other countries'}"
        text = f"Arrivals{whose}{place}"
    else:
        kind = {
            "refugees": "Refugees", "asylum_seekers": "Asylum seekers",
            "foreign_born": "Foreign-born",
        }[figure.what]  # fmt: skip
        if figure.what == "refugees" and "regular" in figure.statuses:
            kind = "Refugees and permit holders"
        text = f"{kind}{whose} {f'in {inside}' if at else 'abroad'}"
    end = pd.Timestamp(figure.date)
    when = f"{end.year}" if end.month == 12 else wording.month_word(end)
    if figure.since and (figure.since.year, figure.since.month) != (end.year, end.month):
        start = pd.Timestamp(figure.since)
        year = start + pd.DateOffset(months=11)
        whole = start.month == 1 and end.month == 12
        first = f"{start.year}" if whole else wording.month_word(start)
        if whole and start.year == end.year:
            pass
        elif brief and (year.year, year.month) == (end.year, end.month):
            when = f"year to {wording.month_word(end)[:3]} {end.year}"
        else:
            when = f"{first} to {when}"
    elif flow:
        when = f"to {when}"
    else:
        when = f"end of {when}" if end.month == 12 else when
    if brief and several and set(figure.of) != set(record.scenario.population.focus):
        text += f" ({', '.join(figure.of)})"
    return f"{text}, {when}"
