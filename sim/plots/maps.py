"""The map: who went where, and where they were in the end, by status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch
from matplotlib.path import Path as Outline
from matplotlib.transforms import IdentityTransform

from sim.plots import style, wording
from sim.plots.focus import citizens, counted
from sim.plots.moves import abroad_by_country, extents_of, migrants_at_end, mostly, nodes_of
from sim.plots.moves import flows_by_size as flows_by_size
from sim.plots.moves import rows_of_flows as rows_of_flows
from sim.plots.outlines import Ring
from sim.plots.sankey import END_WORDS
from sim.plots.sheet import BEYOND, COLUMNS, radii_of, sheet, write
from sim.plots.view import LEAST, By, Flow, Node, view_of, weights
from sim.results.record import Record
from sim.results.run import horizon
from sim.results.sums import country_of

MOST_ARROWS: Final = 16
"""Flows drawn: more would hide each other."""
WIDEST: Final = 9.0
THINNEST: Final = 0.9
"""Width of the largest flow, and least width of any, in points."""
LEAD: Final = 1.25
MOST_LEADING: Final = 3
"""By what a country leads the next, and how many are named that lead together."""
VISIBLE: Final = 0.01
"""A slice of a dot, or the displaced, are named from this share of its people."""


def map_finding(record: Record) -> str:
    """Say in one sentence in which country most lived at the end, or where most arrived.

    Half of all, or a lead of a quarter over the next country, is said to be one: less may be
    otherwise at another seed.
    """
    abroad = {it: sum(people.values()) for it, people in abroad_by_country(record).items()}
    total = sum(abroad.values())
    if not total:
        return _arrivals_finding(record)
    ranked = sorted(abroad, key=lambda it: (-abroad[it], it))
    names = [wording.the(wording.names(record)[it]) for it in ranked]
    when = wording.month_word(horizon(record.scenario) - pd.Timedelta(days=1))
    text = f"Of {counted(record, total)} abroad in {when}"
    shares = [abroad[it] / total for it in ranked]
    if shares[0] > 0.55 or len(ranked) == 1:
        return f"{text}, {'all' if len(ranked) == 1 else 'most'} lived in {names[0]}"
    leading = 1
    while leading < len(shares) and LEAD * shares[leading] >= shares[leading - 1]:
        leading += 1
    if leading == 1:
        return f"{text}, the largest group lived in {names[0]}"
    if leading > MOST_LEADING:
        return f"{text}, no country had many more than the next"
    return f"{text}, the largest groups lived in {wording.listed(names[:leading])}"


def _arrivals_finding(record: Record) -> str:
    """Say in which country most arrived from outside, counting every journey."""
    reached: dict[str, float] = {}
    for flow in flows_by_size(record, by="country"):
        reached[flow.destination] = reached.get(flow.destination, 0.0) + flow.arrived
    if not reached:
        return "Nobody crossed a border"
    most = max(reached, key=lambda country: reached[country])
    name = wording.the(wording.names(record)[most])
    by = wording.month_word(horizon(record.scenario) - pd.Timedelta(days=1))
    times = "arrival" if round(reached[most]) == 1 else "arrivals"
    whose = f" of {citizens(record)}" if record.scenario.population.focus else ""
    return f"{wording.words(reached[most])} {times}{whose} in {name} by {by}"


def map_text(record: Record) -> str:
    """Say in words what the map shows."""
    names = wording.names(record)
    flows = flows_by_size(record, by="country")[:5] or flows_by_size(record)[:5]
    listed = "; ".join(
        f"{names[it.origin]} to {names[it.destination]} {wording.words(it.arrived)}" for it in flows
    )
    abroad = abroad_by_country(record)
    hosts = sorted(abroad, key=lambda it: -sum(abroad[it].values()))[:5]
    lived = "; ".join(
        f"{names[it]} {wording.words(sum(abroad[it].values()))} ("
        + ", ".join(f"{END_WORDS[end][0]} {wording.words(n)}" for end, n in _by_status(abroad[it]))
        + ")"
        for it in hosts
    )
    return (
        f"{map_finding(record)}."
        + (f" At the end: {lived}." if lived else "")
        + (f" Largest flows: {listed}." if listed else "")
    )


def _by_status(people: Mapping[str, float]) -> list[tuple[str, float]]:
    """Give people by status, in the order of all pictures."""
    return [(it, people[it]) for it in END_WORDS if people.get(it, 0.0) > 0]


def plot_map(record: Record, ax: Axes | None = None, *, by: By | None = None) -> Axes:
    """Draw where migrants were at the end as dots, and the largest flows as arrows between them.

    Args:
        record: a run that kept `flows` (and `stocks`, for the dots).
        ax: axes to draw on; none: those of a new figure.
        by: whether dots are countries or places; none: countries, if anybody crossed a border.

    Returns:
        The axes.

    Raises:
        NoTableError: the run kept no flows.
    """
    record = style.legible(record)
    crossing = flows_by_size(record, by="country") if by != "place" else ()
    by = by or ("country" if crossing else "place")
    nodes = nodes_of(record, by)
    moves = crossing if by == "country" else flows_by_size(record)
    # An arrow needs a length: people who came back to where they set out are not drawn.
    moves = tuple(it for it in moves if _apart(nodes, it))
    large = [it for it in moves[:MOST_ARROWS] if it.arrived >= LEAST * moves[0].arrived]
    view = view_of(nodes, large, extents_of(record, by, nodes), _homes(record, nodes))
    flows = [it for it in large if it.origin in view.nodes and it.destination in view.nodes]
    ax = sheet(record, ax, view)
    radii = radii_of(ax, view.nodes)
    _draw_dots(ax, view.nodes, radii)
    _draw_flows(ax, flows, view.nodes, radii)
    cut = f" (the {len(flows)} largest flows)" if len(flows) < len(moves) else ""
    said = f"Dots and figures: {_who(record)}, by status." if migrants_at_end(record) else ""
    if flows:
        said += f" Arrows: journeys from {by} to {by}, by width{cut}. {wording.AS_COUNTED}"
    if any(it.head for it in view.nodes.values()):
        said += f" {BEYOND}"
    if view.elsewhere >= 0.5:
        said += f" Elsewhere: {wording.words(view.elsewhere)}."
    style.caption(
        ax,
        record,
        map_finding(record),
        said.strip(),
        note="outlines: Natural Earth",
        below=6 + _key(ax, flows, view.nodes),
    )
    _name(ax, view.nodes, radii, flows)
    return ax


def _who(record: Record) -> str:
    """Say whom dots show."""
    if record.scenario.population.focus:
        return f"{citizens(record)} abroad and displaced within, at the end"
    return "people abroad and displaced within, at the end"


def _homes(record: Record, nodes: Mapping[str, Node]) -> set[str]:
    """Give the ends that are in the focus."""
    where = country_of(record)
    return {it for it in nodes if where.get(it, it) in record.scenario.population.focus}


def _apart(nodes: Mapping[str, Node], flow: Flow) -> bool:
    start, end = nodes[flow.origin], nodes[flow.destination]
    return (start.lon, start.lat) != (end.lon, end.lat)


def _draw_dots(ax: Axes, nodes: Mapping[str, Node], radii: Mapping[str, float]) -> None:
    """Draw a dot for each end, with a slice for each status; small and grey where nobody is."""
    slices, sizes, colours, centres = [], [], [], []
    for name in sorted(nodes, key=lambda it: -radii[it]):
        node, start = nodes[name], 0.0
        parts = _slices(node) or [("", 1.0)]
        for status, people in parts:
            end = start + people / sum(it for _, it in parts)
            # Clockwise from the top, as a clock is read.
            slices.append(
                Outline.unit_circle() if len(parts) == 1
                else Outline.wedge(90 - 360 * end, 90 - 360 * start)
            )  # fmt: skip
            colours.append(style.OUTCOMES[status] if status else style.FAINT)
            sizes.append(radii[name] ** 2)
            centres.append((node.lon, node.lat))
            start = end
    dots = PathCollection(
        slices, sizes=sizes, facecolors=colours, edgecolors="white", linewidths=0.5,
        offsets=centres, offset_transform=ax.transData, zorder=5,
    )  # fmt: skip
    dots.set_transform(IdentityTransform())
    ax.add_collection(dots, autolim=False)


def _slices(node: Node) -> list[tuple[str, float]]:
    """Give the people of a dot by status; what would be a stroke only is left out."""
    return [(end, n) for end, n in _by_status(node.people) if n >= VISIBLE * node.total]


def _draw_flows(
    ax: Axes, flows: Sequence[Flow], nodes: Mapping[str, Node], radii: Mapping[str, float]
) -> None:
    """Draw flows as curved arrows from the edge of a dot to that of another, the largest below."""
    most = max((flow.arrived for flow in flows), default=1.0)
    for rank, flow in enumerate(flows):
        start, end = nodes[flow.origin], nodes[flow.destination]
        width = max(WIDEST * flow.arrived / most, THINNEST)
        ax.add_patch(
            FancyArrowPatch(
                (start.lon, start.lat),
                (end.lon, end.lat),
                connectionstyle="arc3,rad=-0.22",
                arrowstyle=(
                    f"simple,tail_width={width:.2f},head_width={1.7 * width + 3:.2f},"
                    f"head_length={1.2 * width + 3:.2f}"
                ),
                mutation_scale=1,
                shrinkA=radii[flow.origin],
                shrinkB=radii[flow.destination],
                facecolor=style.MOSTLY[mostly(flow)],
                edgecolor="white",
                linewidth=0.5,
                alpha=0.85,
                zorder=4 + rank / 100,
            )
        )


def _key(ax: Axes, flows: Sequence[Flow], nodes: Mapping[str, Node]) -> float:
    """Explain colours and widths below the map; give the room that takes, in points."""
    known = {end for node in nodes.values() for end, _ in _slices(node)}
    handles = [
        Line2D([], [], color=style.OUTCOMES[it], marker="o", markersize=8, linewidth=0,
               label=_status_words(it))
        for it in END_WORDS
        if it in known
    ]  # fmt: skip
    handles += [
        Line2D([], [], color=style.MOSTLY[cause], linewidth=3, label=label)
        for cause, label in wording.MOSTLY.items()
        if any(mostly(it) == cause for it in flows)
    ]
    if flows:
        most = wording.people(flows[0].arrived)
        handles.append(Line2D([], [], color=style.FAINT, linewidth=WIDEST, label=most))
    return style.key_below(ax, handles, COLUMNS)


def _status_words(end: str) -> str:
    return "displaced within" if end == "displaced" else END_WORDS[end][0]


def _name(
    ax: Axes, nodes: Mapping[str, Node], radii: Mapping[str, float], flows: Sequence[Flow]
) -> None:
    """Put the names where they hide least, the most important first."""
    weight = weights(nodes, flows)
    words = {}
    for name, node in nodes.items():
        here = node.total - node.displaced
        words[name] = f"{node.head} {node.name}".strip()
        words[name] += f" {wording.words(here)}" if here > 0 else ""
        if node.displaced > VISIBLE * node.total:
            words[name] += f"\n{wording.words(node.displaced)} displaced within"
    tracks = np.concatenate(
        [np.zeros((0, 2)), *(_track(it) for it in ax.patches if isinstance(it, FancyArrowPatch))]
    )
    write(ax, {it: words[it] for it in words if weight[it] > 0}, nodes, radii, weight, tracks)


def _track(patch: FancyArrowPatch) -> Ring:
    """Points along an arrow, in pixels, that labels should not cover."""
    corners = patch.get_transform().transform(np.asarray(patch.get_path().vertices))
    return np.concatenate([np.linspace(a, b, 12) for a, b in pairwise(corners)])
