"""Origins, transit, destinations and outcomes: ribbons whose width shows the number of people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection, PathCollection
from matplotlib.patches import Rectangle
from matplotlib.path import Path as Outline
from matplotlib.patheffects import withStroke

from sim.plots import style, wording
from sim.plots.focus import citizens, counted
from sim.results.interest import narrowed
from sim.results.record import Record
from sim.results.run import horizon

COLUMNS: Final = ("origin", "via", "stay", "outcome")
HEADINGS: Final = ("from", "by way of", "were in", "as")
MOST: Final = {"origin": 6, "via": 6, "stay": 8}
"""Countries shown one by one in a column; the others are one node."""
SMALL: Final = 0.01
"""Countries with a smaller share of all go into that node too."""
DIRECT: Final = "directly"
OTHERS: Final = "others"
HOME: Final = "own country"

END_OF: Final[Mapping[str, str]] = {
    "refugee": "refugee",
    "claimant": "claimant",
    "regular": "regular",
    "irregular": "irregular",
    "ordered": "irregular",
    "naturalised": "naturalised",
    "travelling": "under_way",
    "stranded": "under_way",
    "detained": "under_way",
    "captive": "under_way",
    "died_on_the_way": "died",
    "died_naturally": "died_naturally",
    "displaced": "displaced",
    "citizen": "back",
}
"""Node of each outcome of `paths`, in the order in which they are drawn from the top.

Citizens of the country they live in who are from another one are `naturalised`.
"""
ENDS: Final = tuple(dict.fromkeys(END_OF.values()))
END_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "refugee": ("refugees", "were refugees"),
    "claimant": ("asylum seekers", "were asylum seekers"),
    "regular": ("in regular stay", "lived abroad in regular stay"),
    "irregular": ("in irregular stay", "lived abroad in irregular stay"),
    "naturalised": ("naturalised", "were citizens of their new country"),
    "under_way": ("under way or held", "were under way or held"),
    "died": ("died on the way", "had died on the way"),
    "died_naturally": ("died naturally", "had died a natural death"),
    "displaced": ("displaced at home", "were displaced at home"),
    "back": ("at home", "were at home"),
}
"""Words for a label, and for a sentence."""
ABROAD: Final = ("refugee", "claimant", "regular", "irregular", "naturalised")

HEIGHT: Final = 4.5
"""Of new axes, in inches."""
BAR: Final = 9.0
"""Width of nodes, in points."""
LINE: Final = 12.5
"""Room that a label needs from the next, in points."""
GAP: Final = 4.0
"""Least gap between nodes, in points."""
THIN: Final = 0.8
"""Least height of a node, in points, so that every node can be seen."""
HAIR: Final = 0.25
"""Least width of a ribbon, in points."""
HALO: Final = [withStroke(linewidth=2.4, foreground="white")]
"""Outline that separates labels from ribbons."""
LABELS: Final = 138.0
"""Room for the labels of the last column, in points; less in axes that are narrow."""


class Node(NamedTuple):
    """One country or outcome in a column; measures are in points."""

    people: float
    label: str
    top: float = 0.0
    height: float = 0.0


def plot_sankey(record: Record, ax: Axes | None = None) -> Axes:
    """Draw origins, transit countries and destinations of people, and what happened to them.

    Args:
        record: a run that kept `paths`.
        ax: axes to draw on; none: those of a new figure.

    Returns:
        The axes.

    Raises:
        NoTableError: the run kept no paths.
    """
    record = style.legible(record)
    paths = _merged(_paths(record))
    ax = style.frame(ax, HEIGHT if len(paths) else 0.3, 0.05, 0.05)
    scale = style.settle(ax)
    box = ax.get_window_extent()
    width, height = box.width / scale, box.height / scale
    ax.set(xlim=(0, width), ylim=(0, height), xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    right = min(LABELS, 0.34 * width)
    left_edges = np.linspace(0, width - right - BAR, len(COLUMNS))
    room = float(left_edges[1] - BAR - 6) / 72
    rooms = {**dict.fromkeys(COLUMNS, room), COLUMNS[-1]: (right - 5) / 72}
    if len(paths):
        labels = _labels(record, paths, rooms)
        nodes, unit = _lay_out(labels, height - 1.4 * LINE)
        _draw_ribbons(ax, paths, nodes, unit, left_edges)
        _draw_nodes(ax, nodes, left_edges)
        for heading, x in zip(HEADINGS, left_edges, strict=True):
            ax.annotate(
                heading, (x, height), va="top", fontsize=style.SMALL, fontstyle="italic",
                color=style.FAINT,
            )  # fmt: skip
    style.caption(
        ax,
        record,
        sankey_finding(record),
        f"{wording.capital(citizens(record))} whose household has crossed a border, or who died or "
        "are held on the way to one, as they were at the end. By way of: the country left at the "
        "last border; directly: their own. Children and those whom a migrant joins share the path.",
        below=6,
    )
    return ax


def sankey_finding(record: Record) -> str:
    """Say in one sentence what happened to most, and where."""
    paths = _paths(record)
    total = float(paths["people"].sum())
    if total <= 0:
        return "Nobody crossed a border"
    ends = paths.groupby("outcome", sort=False)["people"].sum()
    end = max(ENDS, key=lambda it: float(ends.get(it, 0.0)))
    by = wording.month_word(horizon(record.scenario) - pd.Timedelta(days=1))
    text = (
        f"Of {counted(record, total)} whose household has set out abroad, "
        f"{100 * float(ends[end]) / total:.0f} % {END_WORDS[end][1]} in {by}"
    )
    if end not in ABROAD:
        return text
    places = paths[paths["outcome"] == end].groupby("stay")["people"].sum()
    place = wording.the(wording.names(record)[str(places.idxmax())])
    if places.max() == ends[end]:
        return f"{text}, all of them in {place}"
    most = places.max() > 0.5 * ends[end]
    return f"{text}, {'most of them' if most else 'the largest group'} in {place}"


def sankey_text(record: Record) -> str:
    """Say in words what the picture shows, column by column."""
    paths = _merged(_paths(record))
    if not len(paths):
        return f"{sankey_finding(record)}."
    parts = []
    for column, heading in zip(COLUMNS[1:], HEADINGS[1:], strict=True):
        sums = paths.groupby(column)["people"].sum().sort_values(ascending=False, kind="stable")
        listed = ", ".join(
            f"{_words(record, str(it))} {wording.words(n)}" for it, n in sums.items()
        )
        parts.append(f"{wording.capital(heading)}: {listed}.")
    return f"{sankey_finding(record)}. {' '.join(parts)}"


def ends_by_country(record: Record) -> pd.DataFrame:
    """Count people by country of stay (rows, ids) and end (columns, of `END_WORDS`)."""
    sums = _paths(record).groupby(["stay", "outcome"])["people"].sum()
    return sums.unstack(fill_value=0)


def _paths(record: Record) -> pd.DataFrame:
    """Give people by origin, way, country of stay and outcome, as means over replicates.

    Returns:
        Columns: those of `COLUMNS`, as text (country ids, or an end), and `people`.
    """
    if record not in _kept:
        _kept[record] = _sum_paths(record)
    return _kept[record]


_kept: WeakKeyDictionary[Record, pd.DataFrame] = WeakKeyDictionary()
"""Paths of recent runs: picture, title and text of a report each need them."""


def _sum_paths(record: Record) -> pd.DataFrame:
    """Sum them from the table."""
    frame = narrowed(record).paths
    outcome = frame["outcome"].astype(object)
    foreign = frame["citizenship"].astype(object) != frame["country"].astype(object)
    outcome = outcome.mask((outcome == "citizen") & foreign, "naturalised")
    kept = pd.DataFrame(
        {
            "origin": frame["citizenship"].astype(object),
            "via": frame["came_from"].astype(object),
            "stay": frame["country"].astype(object),
            "outcome": outcome.map(END_OF),
            "people": frame["people"] / record.replicates,
        }
    )
    kept = kept[kept["people"] > 0]
    return kept.groupby(list(COLUMNS))["people"].sum().reset_index()


def _merged(paths: pd.DataFrame) -> pd.DataFrame:
    """Merge the smaller countries of each column, and those at home or who came directly."""
    own = {column: (paths[column] == paths["origin"]).to_numpy() for column in ("via", "stay")}
    total = float(paths["people"].sum())
    changed = {}
    for column in ("origin", "via", "stay"):
        words = paths[column].copy()
        if column != "origin":
            words[own[column]] = DIRECT if column == "via" else HOME
        sums = words.map(paths["people"].groupby(words).sum())
        sizes = sums.groupby(words).first().drop([DIRECT, HOME], errors="ignore")
        ranked = sizes.sort_values(ascending=False, kind="stable")
        small = [
            it
            for rank, (it, people) in enumerate(ranked.items())
            if rank >= MOST[column] - 1 or people < SMALL * total
        ]
        if len(small) > 1:
            words[words.isin(small)] = OTHERS
        changed[column] = words
    paths = paths.assign(**changed)
    return paths.groupby(list(COLUMNS))["people"].sum().reset_index()


def _order(column: str, sums: Mapping[str, float]) -> list[str]:
    """Give the nodes of a column from the top: direct journeys first, others and home last."""
    if column == "outcome":
        return [it for it in ENDS if it in sums]
    place = {DIRECT: 0, OTHERS: 2, HOME: 3}
    return sorted(sums, key=lambda it: (place.get(it, 1), -sums[it], it))


def _labels(
    record: Record, paths: pd.DataFrame, rooms: Mapping[str, float]
) -> list[dict[str, Node]]:
    """Give the nodes of each column from the top with their labels, where these fit.

    Args:
        record: the run.
        paths: as `_merged` gives them.
        rooms: inches for a label, by column.

    Returns:
        Nodes by name; they have no position yet.
    """
    columns = []
    for column in COLUMNS:
        sums = {str(it): float(n) for it, n in paths.groupby(column)["people"].sum().items()}
        columns.append(
            {
                it: Node(
                    sums[it], _label(_words(record, it), wording.words(sums[it]), rooms[column])
                )
                for it in _order(column, sums)
            }
        )
    return columns


def _lay_out(columns: list[dict[str, Node]], height: float) -> tuple[list[dict[str, Node]], float]:
    """Place the nodes of all columns on one scale, with space for every label.

    Args:
        columns: as `_labels` gives them.
        height: room there is, in points.

    Returns:
        The nodes, and points a person.
    """
    needs = [[LINE * (1 + it.label.count("\n")) for it in nodes.values()] for nodes in columns]

    def heights(nodes: Mapping[str, Node], unit: float) -> list[float]:
        return [max(unit * it.people, THIN) for it in nodes.values()]

    def gaps(tall: Sequence[float], need: Sequence[float]) -> list[float]:
        """Above the first node, between nodes, and below the last: so that no labels meet."""
        over = [max((line - it) / 2, 0.0) for it, line in zip(tall, need, strict=True)]
        return [over[0], *(max(GAP, a + b) for a, b in pairwise(over)), over[-1]]

    def needed(unit: float) -> float:
        talls = [heights(nodes, unit) for nodes in columns]
        return max(sum(it) + sum(gaps(it, need)) for it, need in zip(talls, needs, strict=True))

    unit, high = 0.0, height / sum(it.people for it in columns[0].values())
    for _ in range(40):
        middle = (unit + high) / 2
        unit, high = (middle, high) if needed(middle) <= height else (unit, middle)
    placed: list[dict[str, Node]] = []
    for nodes, need in zip(columns, needs, strict=True):
        tall = heights(nodes, unit)
        spaces = gaps(tall, need)
        # What is left is shared out between the nodes, and around them.
        spare = (height - sum(tall) - sum(spaces)) / (len(tall) + 1)
        top, stand = height, {}
        for (name, node), size, space in zip(nodes.items(), tall, spaces, strict=False):
            top -= space + spare
            stand[name] = node._replace(top=top, height=size)
            top -= size
        placed.append(stand)
    return placed, unit


def _draw_ribbons(
    ax: Axes,
    paths: pd.DataFrame,
    nodes: list[dict[str, Node]],
    unit: float,
    left_edges: np.ndarray,
) -> None:
    """Draw ribbons between neighbouring columns, coloured by what happened to people."""
    for i, (one, other) in enumerate(pairwise(COLUMNS)):
        by = list(dict.fromkeys([one, other, "outcome"]))
        ribbons = paths.groupby(by)["people"].sum().reset_index()
        where = {name: list(nodes[COLUMNS.index(name)]) for name in by}
        rank = {name: ribbons[name].map(where[name].index) for name in by}
        starts, ends = (
            _slots(ribbons, rank, side, (other if side == one else one), nodes[j], unit)
            for side, j in ((one, i), (other, i + 1))
        )
        x0, x1 = left_edges[i] + BAR, left_edges[i + 1]
        shapes = [
            _ribbon(x0, x1, start, end, max(unit * people, HAIR))
            for start, end, people in zip(starts, ends, ribbons["people"], strict=True)
        ]
        colours = [style.OUTCOMES[it] for it in ribbons["outcome"]]
        ax.add_collection(
            PathCollection(
                shapes, facecolors=colours, edgecolors="none", linewidths=0, alpha=0.62, zorder=2
            ),
            autolim=False,
        )


def _slots(
    ribbons: pd.DataFrame,
    rank: Mapping[str, pd.Series[int]],
    side: str,
    opposite: str,
    nodes: Mapping[str, Node],
    unit: float,
) -> np.ndarray:
    """Give the top of every ribbon at its node: outcomes in one order, then opposite nodes."""
    order = np.lexsort([rank[it].to_numpy() for it in (opposite, "outcome", side)])
    sizes = unit * ribbons["people"].to_numpy()[order]
    before = np.cumsum(sizes) - sizes
    names = ribbons[side].to_numpy()[order]
    first = np.r_[True, names[1:] != names[:-1]]
    inside = before - before[first][np.cumsum(first) - 1]
    tops = np.empty(len(order))
    tops[order] = np.array([nodes[it].top for it in names]) - inside
    return tops


def _ribbon(x0: float, x1: float, start: float, end: float, thick: float) -> Outline:
    """Give a band from one node to another, level at both ends."""
    middle = (x0 + x1) / 2
    corners = [
        (x0, start), (middle, start), (middle, end), (x1, end),
        (x1, end - thick), (middle, end - thick), (middle, start - thick), (x0, start - thick),
        (x0, start),
    ]  # fmt: skip
    curve = [Outline.CURVE4] * 3
    return Outline(corners, [Outline.MOVETO, *curve, Outline.LINETO, *curve, Outline.CLOSEPOLY])


def _draw_nodes(ax: Axes, nodes: list[dict[str, Node]], left_edges: np.ndarray) -> None:
    """Draw the nodes with their names and people, each next to its bar."""
    bars, colours = [], []
    for column, placed, x in zip(COLUMNS, nodes, left_edges, strict=True):
        for name, node in placed.items():
            bars.append(Rectangle((x, node.top - node.height), BAR, node.height))
            colours.append(style.OUTCOMES[name] if column == "outcome" else style.FAINT)
            ax.annotate(
                node.label, (x + BAR, node.top - node.height / 2), xytext=(4, 0),
                textcoords="offset points", va="center", linespacing=1.1, fontsize=style.SMALL,
                color=style.INK, zorder=5, path_effects=[] if column == "outcome" else HALO,
                parse_math=False,
            )  # fmt: skip
    ax.add_collection(
        PatchCollection(bars, facecolors=colours, edgecolors=style.INK, linewidths=0.3, zorder=4),
        autolim=False,
    )


def _words(record: Record, name: str) -> str:
    """Name a node."""
    if name in END_WORDS:
        return END_WORDS[name][0]
    if name == HOME:
        origins = _paths(record)["origin"].unique()
        name = str(origins[0]) if len(origins) == 1 else name
    return wording.names(record).get(name, name)


def _label(words: str, people: str, inches: float) -> str:
    """Write a name and a figure, on two lines where one is too short; the figure is whole."""
    line = f"{words} {people}"
    if style.length(line) <= inches:
        return line
    return f"{style.shortened(words, style.SMALL, inches)}\n{people}"
