"""Results of a sweep: a figure at each value of one factor, averaged over the others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from sim.experiments.effects import Swept, effects, gaps, is_number, levels
from sim.plots import style, wording
from sim.plots.figures import legend
from sim.plots.focus import named, of_named
from sim.results.measures import MEASURES

MOST_SETTINGS: Final = 24
"""Settings of the other factors that are drawn each as a line; of more, some."""
SMALL_SHARE: Final = 0.05
"""Gaps below this share of the largest one are reported as hardly mattering."""

DATE: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01]))?")
"""A month or a day, as scenarios write them."""


def plot_effects(
    swept: Swept, ax: Axes | None = None, *, figures: Sequence[str] = (), over: str | None = None
) -> Axes:
    """Draw figures of a sweep at each value of a factor, averaged over all others.

    Args:
        swept: a finished sweep.
        ax: axes to draw on; none: those of a new figure.
        figures: of `swept.figures`, of one unit; none: the first.
        over: the factor on the axis; none: the one that moves the first figure most.

    Returns:
        The axes.
    """
    figures = figures or swept.figures[:1]
    over = over or _strongest(swept, figures[0])
    unit = swept.unit(figures[0])
    scale = 100.0 if unit == "share" else 1.0
    ax = style.frame(ax)
    tables = [effects(swept, it, over) for it in figures]
    known = list(dict.fromkeys(value for it in tables for value in it["value"]))
    on_scale = is_number(tables[0]["value"])
    dated = all(_is_date(it) for it in known)
    at = _positions(known, on_scale, dated)
    most = least = 0.0
    in_order = on_scale or dated
    settings, drawn = 0, 0
    for figure, table, colour in zip(figures, tables, style.LINES, strict=False):
        lines = _settings(swept, figure, over)
        settings, lines = len(lines), lines[:: -(-len(lines) // MOST_SETTINGS) or 1]
        drawn = len(lines)
        for line in lines:
            x, y = [at[it] for it in line.index], scale * line.to_numpy()
            # Between words there is nothing, so that no line leads from one to the other.
            mark = {"linewidth": 0.9} if in_order else {"linewidth": 0, "marker": "_"}
            ax.plot(x, y, color=colour, alpha=0.6, markersize=14, zorder=2.5, **mark)
            most, least = max(most, float(np.nanmax(y))), min(least, float(np.nanmin(y)))
        x = [at[it] for it in table["value"]]
        mean, low, high = (scale * table[it].to_numpy() for it in ("mean", "low", "high"))
        if in_order:
            ax.fill_between(x, low, high, color=colour, alpha=0.22, linewidth=0)
        else:
            ax.vlines(x, low, high, color=colour, alpha=0.22, linewidth=8)
        ax.plot(x, mean, color=colour, linewidth=2.2 * in_order, marker="o", markersize=5, zorder=3)
        most = max(most, float(np.nanmax([*mean, *high])))
        least = min(least, float(np.nanmin([*mean, *low])))
    room = 0.05 * (most - least) or 1.0
    ax.set_ylim(least - room if least < 0 else 0, most + room)
    first, last = min(at.values()), max(at.values())
    beside = 0.08 * (last - first) if in_order else 0.5
    ax.set_xlim(first - (beside or 1.0), last + (beside or 1.0))
    if on_scale:
        ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        ax.xaxis.set_major_formatter(style.word_ticks())
    else:
        some = known[:: -(-len(known) // 6)]
        ax.set_xticks([at[it] for it in some], [_value(it, short=True) for it in some])
    ax.set_xlabel(_named(over), fontsize=style.TEXT)
    ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    ax.yaxis.set_major_formatter(style.word_ticks())
    ax.set_ylabel("%" if unit == "share" else unit, fontsize=style.TEXT)
    ax.grid(axis="y", color=style.RULE, linewidth=0.6)
    ax.set_axisbelow(True)
    if len(figures) > 1:
        legend(ax, [(_named(it), c) for it, c in zip(figures, style.LINES, strict=False)], 1)
    replicates = len(swept.plan["seeds"])
    what = _whose(swept, figures)
    others = [_named(it) for it in swept.factors if it != over]
    if others:
        what += _marks(others, settings, drawn, in_order)
    what += "Band: 95 % interval." if replicates > 1 else "One replicate: no intervals."
    name = swept.plan["title"] or swept.plan["name"]
    n = len(swept.plan["points"])
    runs = f"{name}: {n} points, {replicates} replicate{'s' if replicates != 1 else ''} each"
    style.caption(ax, runs, effects_finding(swept, figures[0], over), what, below=44)
    return ax


def _positions(known: Sequence[Any], on_scale: bool, dated: bool) -> dict[Any, float]:
    """Give where on the axis each value stands: on a scale, in time, or one after the other."""
    if on_scale:
        return {value: float(value) for value in known}
    if dated:
        return {value: float(pd.Timestamp(value).toordinal()) for value in known}
    return {value: float(i) for i, value in enumerate(known)}


def _marks(others: Sequence[str], settings: int, drawn: int, in_order: bool) -> str:
    """Say what is a mean, and which settings of the other factors are drawn apart."""
    marks = ("Thick line", "thin lines") if in_order else ("Dot", "dashes")
    text = f"{marks[0]}: mean over {_listed(others)}"
    if not drawn:
        return f"{text}. "
    which = "each of their" if drawn == settings else f"{drawn} of their {settings}"
    return f"{text}; {marks[1]}: {which} settings. "


def effects_finding(swept: Swept, figure: str, over: str | None = None) -> str:
    """Say in one sentence how a factor changes a figure, and how the others do."""
    ranked = gaps(swept, figure)
    over = over or _strongest(swept, figure)
    table, row = effects(swept, figure, over), ranked[ranked["factor"] == over]
    what, unit = wording.capital(_named(figure)), swept.unit(figure)
    if not len(row) or not float(row["gap"].iloc[0]) > 0:
        return f"{what}: the same at every value of {_named(over)}"
    ends = {
        it: table[table["value"] == row[it].iloc[0]]["mean"].iloc[0] for it in ("least", "most")
    }
    counted = f" {unit}" if unit in ("people", "households", "years") else ""
    least, most = ((row[it].iloc[0], wording.figures(float(ends[it]), unit)) for it in ends)
    text = f"{what}: {_range(_named(over), least, most, counted)}"
    if row["low"].iloc[0] <= 0:
        text += ", which may be chance"
    others = ranked[ranked["factor"] != over]
    if not len(others):
        return text
    strongest = others.iloc[0]
    if strongest["gap"] < SMALL_SHARE * float(row["gap"].iloc[0]):
        return f"{text}; {_listed([_named(it) for it in others['factor']])} hardly matter"
    gap = wording.figures(float(strongest["gap"]), unit)
    return f"{text}; next, {_named(strongest['factor'])} changes it by {gap}"


def _whose(swept: Swept, figures: Sequence[str]) -> str:
    """Name one figure, and say that all are of the population of interest, if they are.

    Headline figures are; sums over rows of a table are of whomever the table counts.
    """
    scenario, metrics = swept.plan["scenario"], swept.plan["sweep"].get("metrics", {})
    names = {it["id"]: it.get("name") or it["id"] for it in scenario["countries"]}
    whose = of_named(named(scenario["population"]["focus"], names))
    if not all(it in MEASURES or metrics.get(it, {}).get("measure") for it in figures):
        whose = ""
    if len(figures) == 1:
        return f"{wording.capital(_named(figures[0]))}{whose}. "
    return f"Figures{whose}. " if whose else ""


def _range(name: str, least: tuple[Any, str], most: tuple[Any, str], counted: str) -> str:
    """Say between which figures a factor moves one, and at which of its values.

    Args:
        name: the factor.
        least: its value at which the figure is least, and the figure.
        most: the same where it is most.
        counted: unit of the figure, with a space before it; or nothing.
    """
    values = (least[0], most[0])
    for is_kind, verb in ((_is_count, "rises"), (_is_date, "moves")):
        if all(map(is_kind, values)):
            (a, first), (b, last) = sorted((least, most), key=lambda it: it[0])
            return f"{first} to {last}{counted} as {name} {verb} from {_value(a)} to {_value(b)}"
    a, b = (_value(value) for value in values)
    return f"{least[1]} ({name}: {a}) to {most[1]}{counted} ({name}: {b})"


def _strongest(swept: Swept, figure: str) -> str:
    """Name the factor that moves a figure most, the first where none does."""
    ranked = gaps(swept, figure)
    return str(ranked["factor"].iloc[0]) if len(ranked) else swept.factors[0]


def _settings(swept: Swept, figure: str, over: str) -> list[pd.Series[float]]:
    """Give a figure by value of a factor for each setting of the others run at two values or more.

    In a design that draws every point anew, each setting is run at one value, so there is none.
    """
    others = [it for it in swept.factors if it != over]
    runs = swept.runs.assign(**{it: levels(swept, it) for it in swept.factors})
    means = runs.groupby([*others, over], sort=False)[figure].mean()
    if not others:
        return []
    # Of a list of one pandas 2 makes other labels than of the name alone, and warns.
    settings = means.groupby(level=others if len(others) > 1 else others[0], sort=False)
    order = list(effects(swept, figure, over)["value"])
    lines = [group.droplevel([*others]).reindex(order).dropna() for _, group in settings]
    return [it for it in lines if len(it) > 1]


def _is_count(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def _is_date(value: Any) -> bool:
    return isinstance(value, str) and DATE.fullmatch(value) is not None


def _value(value: Any, short: bool = False) -> str:
    """Write a value for readers: months and days in words."""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if not isinstance(value, str):
        return wording.words(float(value))
    found = DATE.fullmatch(value)
    if found is None:
        return style.plain(value.replace("_", " "))
    year, month, day = (int(it) if it else 1 for it in found.groups())
    name, of_year = wording.month_word(pd.Timestamp(year, month, 1)).split()
    text = f"{name[:3] if short else name} {of_year}"
    return text if day == 1 else f"{day} {text}"


def _named(name: str) -> str:
    """Write a figure's or factor's name in words; of a path only its end."""
    if name in wording.MEASURE_WORDS:
        return wording.MEASURE_WORDS[name]
    words = name.split(".")
    return style.plain(" ".join(words[-2:] if len(words) > 1 else words).replace("_", " "))


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
