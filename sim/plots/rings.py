"""The map of what was observed: rings about dots of what is simulated."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from sim.plots import style, wording
from sim.plots.moves import extents_of, nodes_of
from sim.plots.observed import KINDS, Pair, observed_stocks
from sim.plots.sankey import END_OF, END_WORDS
from sim.plots.sheet import BEYOND, COLUMNS, radii_of, sheet, write
from sim.plots.view import view_of, weights
from sim.results.record import Record


def plot_rings(record: Record, ax: Axes | None = None) -> Axes:
    """Draw observed stocks as rings, and simulated ones of the same statuses as dots.

    Args:
        record: a run.
        ax: axes to draw on; none: those of a new figure.

    Returns:
        The axes.

    Raises:
        ValueError: no observed stock of a country is simulated.
    """
    record = style.legible(record)
    pairs = observed_stocks(record)
    if not pairs:
        raise ValueError("no observed stock of a country is simulated in this run")
    nodes = {
        it: node._replace(people={"": max(pairs[it].observed, pairs[it].simulated)})
        for it, node in nodes_of(record, "country").items()
        if it in pairs
    }
    homes = [it for it in record.scenario.population.focus if it in nodes]
    view = view_of(nodes, (), extents_of(record, "country", nodes), homes)
    shown = view.nodes
    ax = sheet(record, ax, view)
    radii = radii_of(ax, shown)
    most = max(shown, key=lambda it: shown[it].total)
    a_person = radii[most] ** 2 / shown[most].total
    x, y = ([getattr(it, name) for it in shown.values()] for name in ("lon", "lat"))
    # The area of a marker is that of the square about it.
    made, seen = (
        [4 * a_person * getattr(pairs[it], name) for it in shown]
        for name in ("simulated", "observed")
    )
    colours = [KINDS[pairs[it].what][1] for it in shown]
    ax.scatter(x, y, s=made, color=colours, edgecolors="white", linewidths=0.5, zorder=3)
    ax.scatter(x, y, s=seen, facecolors="none", edgecolors=style.OBSERVED, linewidths=1.4, zorder=4)
    handles = [Line2D([], [], color=style.OBSERVED, marker="o", markersize=9, linewidth=0,
                      fillstyle="none", label="observed")]  # fmt: skip
    handles += [
        Line2D([], [], color=colour, marker="o", markersize=8, linewidth=0,
               label=f"simulated {words}")
        for what, (_, colour, words) in KINDS.items()
        if any(pairs[it].what == what for it in shown)
    ]  # fmt: skip
    last = max(it.date for it in pairs.values())
    said = "Rings and first figures: observed. Dots and second figures: simulated, of the same "
    said += f"people, at the latest observation: in {last.year} where no year is given."
    said += _refugees(record, pairs)
    if any(it.head for it in shown.values()):
        said += f" {BEYOND}"
    if left := len(pairs) - len(shown):
        said += f" Not drawn: {left} more, far away."
    near = sum(0.5 <= it.simulated / it.observed <= 2 for it in pairs.values())
    countries = "country" if len(pairs) == 1 else "countries"
    style.caption(
        ax,
        record,
        f"Simulated stocks are within a factor of two of the observed ones in {near} of "
        f"{len(pairs)} {countries}",
        said,
        note="outlines: Natural Earth",
        below=6 + style.key_below(ax, handles, COLUMNS),
    )
    words = {}
    for name, node in shown.items():
        pair = pairs[name]
        year = f" ({pair.date.year})" if pair.date.year != last.year else ""
        words[name] = f"{node.head} {node.name}{year}".strip()
        words[name] += f"\n{wording.words(pair.observed)} → {wording.words(pair.simulated)}"
    write(ax, words, shown, radii, weights(nodes, ()), np.zeros((0, 2)))
    return ax


def _refugees(record: Record, pairs: Mapping[str, Pair]) -> str:
    """Say which statuses count as refugees, and in which countries others do; with a space."""
    where: dict[tuple[str, ...], list[str]] = {}
    for country, pair in pairs.items():
        if pair.what == "refugees":
            where.setdefault(pair.statuses, []).append(wording.names(record)[country])
    said = ""
    for statuses, names in sorted(where.items(), key=lambda it: -len(it[1])):
        words = list(dict.fromkeys(END_WORDS[END_OF[it]][0] for it in statuses))
        of = f", in {wording.listed([wording.the(it) for it in names])}" if said else ""
        said += f" As refugees count{of}: {wording.listed(words)}."
    return said
