"""The map: who went where, on country outlines that are shipped with the package."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from itertools import pairwise
from math import cos, radians
from typing import Final, Literal, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch
from matplotlib.path import Path as Outline
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from sim.plots import labels, style, wording
from sim.plots.focus import citizens
from sim.results.interest import narrowed
from sim.results.record import Record
from sim.results.rows import in_rows
from sim.results.run import horizon
from sim.results.sums import at_end, country_of, outside
from sim.schema import Place

Ring = NDArray[np.float64]
By = Literal["country", "place"]
Corner = Literal["upper left", "upper right", "lower left", "lower right"]

MOST_ARROWS: Final = 16
"""Flows drawn: more would hide each other."""
LEAST: Final = 1 / 400
"""Flows and dots smaller than this share of the largest are not drawn, or not sought out."""
MARGIN: Final = 0.12
"""Land around the places, as a share of the map."""
LEAST_SPAN: Final = 6.0
"""Degrees shown at least, so that a single place is still shown with the country around it."""
WIDEST: Final = 7.0
"""Width of the largest flow, in points."""
LARGEST: Final = 620.0
"""Area of the largest dot, in square points."""


class Land(NamedTuple):
    """Outline of one country: its name and its rings of (longitude, latitude) in degrees."""

    name: str
    rings: tuple[Ring, ...]
    boxes: tuple[tuple[float, float, float, float], ...]
    """West, south, east and north of each ring."""


@cache
def outlines() -> tuple[Land, ...]:
    """Read the country outlines.

    Returns:
        Countries with their outer and inner rings, in degrees.

    Source: TopoJSON specification, section 2.1.4: arcs are quantised and delta-encoded; ~n is arc n
    backwards; neighbouring arcs of a ring share a point.
    """
    text = files("sim").joinpath("data", "countries-110m.json").read_text(encoding="utf-8")
    topology = json.loads(text)
    scale, move = (np.array(topology["transform"][name]) for name in ("scale", "translate"))
    arcs = [np.cumsum(np.array(arc), axis=0) * scale + move for arc in topology["arcs"]]

    def ring(indices: list[int]) -> Ring:
        parts = [arcs[index] if index >= 0 else arcs[~index][::-1] for index in indices]
        return np.concatenate([parts[0], *(part[1:] for part in parts[1:])])

    lands = []
    for shape in topology["objects"]["countries"]["geometries"]:
        polygons = [shape["arcs"]] if shape["type"] == "Polygon" else shape["arcs"]
        rings = tuple(ring(indices) for polygon in polygons for indices in polygon)
        boxes = tuple((*it.min(axis=0).tolist(), *it.max(axis=0).tolist()) for it in rings)
        lands.append(Land(shape["properties"]["name"], rings, boxes))
    return tuple(lands)


class Node(NamedTuple):
    """An end of arrows with a label: a country, or a place."""

    name: str
    lon: float
    lat: float
    hosted: float
    """Refugees and asylum seekers there at the end, in people."""
    displaced: float
    """People displaced within it at the end."""


class Flow(NamedTuple):
    """People who arrived from one end in another, as a mean over replicates."""

    origin: str
    destination: str
    arrived: float
    forced: float
    """Those of them who moved of necessity."""


def flows_by_size(record: Record, *, by: By = "place", within: bool = True) -> tuple[Flow, ...]:
    """Sum who arrived over the run, by origin and destination, of the focus where there is one.

    Args:
        record: a run that kept `flows`.
        by: whether the ends are places or countries.
        within: whether moves from place to place within a country count; by country they do not.

    Returns:
        Flows in which somebody arrived, largest first.
    """
    kept = _flows.setdefault(record, {})
    if (by, within) not in kept:
        kept[by, within] = _sum_flows(record, by, within)
    return kept[by, within]


def rows_of_flows(record: Record) -> dict[tuple[str, str], float]:
    """Give the simulated persons behind each flow of `flows_by_size`, in all replicates together.

    Returns:
        By ids of origin and destination.
    """
    flows = flows_by_size(in_rows(record))
    return {(it.origin, it.destination): it.arrived * record.replicates for it in flows}


_flows: WeakKeyDictionary[Record, dict[tuple[By, bool], tuple[Flow, ...]]] = WeakKeyDictionary()
"""Flows of recent runs, by arguments: a report asks for the same ones six times."""


def _sum_flows(record: Record, by: By, within: bool) -> tuple[Flow, ...]:
    """Sum them from the table."""
    frame = narrowed(record).flows
    forced = frame["arrived"].where(frame["answer"] == "necessity", 0)
    sums = (
        frame[["origin", "destination", "arrived"]]
        .assign(forced=forced)
        .groupby(["origin", "destination"], observed=True, as_index=False)
        .sum()
    )
    where = country_of(record)
    ends = {name: sums[name].astype(object) for name in ("origin", "destination")}
    country = {name: column.map(where) for name, column in ends.items()}
    if by == "country":
        ends, within = country, False
    sums = sums.assign(**ends)
    if not within:
        sums = sums[country["origin"] != country["destination"]]
    if by == "country":
        sums = sums.groupby(["origin", "destination"], as_index=False).sum()
    counts = sums[["arrived", "forced"]].to_numpy(dtype=np.float64) / record.replicates
    flows = [
        Flow(str(origin), str(destination), float(arrived), float(forced))
        for origin, destination, (arrived, forced) in zip(
            sums["origin"], sums["destination"], counts, strict=True
        )
        if arrived > 0
    ]
    flows.sort(key=lambda flow: (-flow.arrived, flow.origin, flow.destination))
    return tuple(flows)


def stocks_at_end(record: Record) -> tuple[dict[str, float], dict[str, float]]:
    """Count, by place at the end, refugees and asylum seekers, and the displaced, of the focus.

    Returns:
        People hosted and people displaced by place id, means over replicates.
    """
    if "stocks" not in record.tables:
        return {}, {}
    last = at_end(record, narrowed(record).stocks)
    foreign = outside(record, last)

    def count(rows: pd.DataFrame) -> dict[str, float]:
        sums = rows["people"].groupby(rows["place"].astype(str)).sum() / record.replicates
        return {str(place): float(people) for place, people in sums.items() if people > 0}

    refugees = last["status"].isin(["refugee", "claimant"])
    return count(last[foreign & refugees]), count(last[~foreign & (last["status"] == "displaced")])


def map_finding(record: Record) -> str:
    """Say in one sentence in which country most arrived from outside, counting every journey."""
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


def _nodes(record: Record, by: By) -> dict[str, Node]:
    """Give the ends of arrows: places, or countries where their places see most movement."""
    hosts, displaced = stocks_at_end(record)
    places = record.scenario.places
    if by == "place":
        return {
            it.id: Node(
                wording.short_name(it),
                it.lon,
                it.lat,
                hosts.get(it.id, 0.0),
                displaced.get(it.id, 0.0),
            )
            for it in places
        }
    moved: dict[str, float] = {}
    for flow in flows_by_size(record, within=False):
        for end in (flow.origin, flow.destination):
            moved[end] = moved.get(end, 0.0) + flow.arrived
    nodes = {}
    for country in record.scenario.countries:
        own = [it for it in places if it.country == country.id]
        if not own:
            continue
        weights = np.array([moved.get(it.id, 0.0) for it in own])
        weights = weights if weights.sum() > 0 else np.ones(len(own))
        nodes[country.id] = Node(
            wording.short_name(country),
            float(np.average([it.lon for it in own], weights=weights)),
            float(np.average([it.lat for it in own], weights=weights)),
            sum(hosts.get(it.id, 0.0) for it in own),
            sum(displaced.get(it.id, 0.0) for it in own),
        )
    return nodes


def plot_map(record: Record, ax: Axes | None = None, *, by: By | None = None) -> Axes:
    """Draw the largest flows as arrows, and refugees hosted at the end as dots.

    Args:
        record: a run that kept `flows` (and `stocks`, for the dots).
        ax: axes to draw on; none: those of a new figure.
        by: whether arrows join countries or places; none: countries, if anybody crossed a border.

    Returns:
        The axes.

    Raises:
        NoTableError: the run kept no flows.
    """
    crossing = flows_by_size(record, by="country") if by != "place" else []
    by = by or ("country" if crossing else "place")
    # An arrow needs a length: people who came back to where they set out are not drawn.
    nodes = _nodes(record, by)
    moves = crossing if by == "country" else flows_by_size(record)
    flows = [flow for flow in moves if _apart(nodes, flow)]
    drawn = [flow for flow in flows[:MOST_ARROWS] if flow.arrived >= LEAST * flows[0].arrived]
    cut = len(flows) > len(drawn)
    flows = drawn
    places = {place.id: place for place in record.scenario.places}
    hosts, _ = stocks_at_end(record)
    west, east, south, north = _window(_in_view(record, flows, hosts))
    aspect = 1 / cos(radians((south + north) / 2))
    height = style.WIDTH * aspect * (north - south) / (east - west)
    among = " among them" if record.scenario.population.focus else ""
    finding = map_finding(record)
    ax = style.frame(ax, height * 0.984, 0.05, 0.05)
    ax.set(xlim=(west, east), ylim=(south, north))
    ax.set_aspect(aspect)
    ax.set_facecolor(style.SEA)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    _draw_land(ax, places)
    _draw_dots(ax, places, hosts)
    _draw_flows(ax, flows, nodes)
    style.caption(
        ax,
        record,
        finding,
        f"Arrows: {citizens(record)} who moved from {by} to {by}, counted at each journey, "
        f"by width{f' (the {len(flows)} largest flows)' if cut else ''}. Dots and bold figures: "
        f"refugees and asylum seekers{among} at the end.",
        note="outlines: Natural Earth",
        below=6,
    )
    _explain(ax, flows, nodes, places, hosts)
    return ax


def _apart(nodes: dict[str, Node], flow: Flow) -> bool:
    start, end = nodes[flow.origin], nodes[flow.destination]
    return (start.lon, start.lat) != (end.lon, end.lat)


def _in_view(record: Record, flows: list[Flow], hosts: dict[str, float]) -> tuple[Place, ...]:
    """Give the places that the map has to show; all of them, where nothing happened.

    These are the places in countries of the focus, at an end of a flow, and with a dot of some
    size. A distant place to which nobody went would leave too little space for the others.
    """
    ends = {end for flow in flows for end in (flow.origin, flow.destination)}
    ends.update(record.scenario.population.focus)
    least = max(hosts.values(), default=0.0) * LEAST
    places = record.scenario.places
    shown = [
        it
        for it in places
        if it.id in ends or it.country in ends or (least and hosts.get(it.id, 0.0) >= least)
    ]
    return tuple(shown) or places


def _window(places: tuple[Place, ...]) -> tuple[float, float, float, float]:
    """Give the part of the world to show: west, east, south, north in degrees."""
    longitudes, latitudes = [it.lon for it in places], [it.lat for it in places]
    bounds = []
    for values, limit in ((longitudes, 180.0), (latitudes, 84.0)):
        low, high = min(values), max(values)
        span = max(high - low, LEAST_SPAN)
        middle, half = (low + high) / 2, span * (0.5 + MARGIN)
        bounds += [max(middle - half, -limit), min(middle + half, limit)]
    west, east, south, north = bounds
    # Neither side is shorter than half of the other, so that the map is not a strip.
    width = (east - west) * cos(radians((south + north) / 2))
    if width < (north - south) * 0.8:
        west, east = _widen(west, east, (north - south) * 0.8 / width, 180.0)
    if north - south < width * 0.55:
        south, north = _widen(south, north, width * 0.55 / (north - south), 84.0)
    return west, east, south, north


def _widen(low: float, high: float, factor: float, limit: float) -> tuple[float, float]:
    middle, half = (low + high) / 2, (high - low) / 2 * factor
    return max(middle - half, -limit), min(middle + half, limit)


def _draw_land(ax: Axes, places: dict[str, Place]) -> None:
    """Draw the outlines; countries of the scenario are lighter."""
    points = [(place.lon, place.lat) for place in places.values()]
    (west, east), (south, north) = ax.get_xlim(), ax.get_ylim()
    shown: list[Ring] = []
    colours: list[str] = []
    for land in outlines():
        near = [
            ring
            for ring, (left, bottom, right, top) in zip(land.rings, land.boxes, strict=True)
            if left <= east and right >= west and bottom <= north and top >= south
        ]
        # All rings of a country in view, since its places may lie out of it.
        rings = land.rings if near else ()
        known = any(Outline(ring).contains_points(points).any() for ring in rings)
        shown += near
        colours += [style.KNOWN_LAND if known else style.LAND] * len(near)
    ax.add_collection(
        PolyCollection(
            shown, facecolors=colours, edgecolors=style.BORDER, linewidths=0.6, zorder=1
        ),
        autolim=False,
    )


def _dot_sizes(places: dict[str, Place], hosts: dict[str, float]) -> Ring:
    """Area of each place's dot, in square points, in proportion to the people hosted."""
    counts = np.array([hosts.get(place, 0.0) for place in places])
    sizes: Ring = np.maximum(LARGEST * counts / max(counts.max(initial=0.0), 1.0), 9.0)
    return sizes


def _draw_dots(ax: Axes, places: dict[str, Place], hosts: dict[str, float]) -> PathCollection:
    """Draw places, as large as the number of refugees there."""
    host = [hosts.get(place, 0.0) > 0 for place in places]
    return ax.scatter(
        [place.lon for place in places.values()],
        [place.lat for place in places.values()],
        s=_dot_sizes(places, hosts),
        c=[style.HOST if it else style.FAINT for it in host],
        alpha=0.8,
        edgecolors="white",
        linewidths=0.8,
        zorder=3,
    )


def _draw_flows(ax: Axes, flows: list[Flow], nodes: dict[str, Node]) -> None:
    """Draw flows as curved arrows, the largest at the bottom."""
    most = max((flow.arrived for flow in flows), default=1.0)
    for rank, flow in enumerate(flows):
        start, end = nodes[flow.origin], nodes[flow.destination]
        width = max(WIDEST * float(np.sqrt(flow.arrived / most)), 0.9)
        forced = flow.forced * 2 >= flow.arrived
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
                shrinkA=3,
                shrinkB=4,
                facecolor=style.ANSWERS["necessity" if forced else "choice"],
                edgecolor="white",
                linewidth=0.5,
                alpha=0.85,
                zorder=4 + rank / 100,
            )
        )


def _explain(
    ax: Axes,
    flows: list[Flow],
    nodes: dict[str, Node],
    places: dict[str, Place],
    hosts: dict[str, float],
) -> None:
    """Put the legend and the names where they hide least."""
    scale = style.settle(ax)
    radii = np.sqrt(_dot_sizes(places, hosts) / np.pi) * scale
    centres = [ax.transData.transform((it.lon, it.lat)) for it in places.values()]
    dots = [
        Bbox.from_extents(*(centre - radius), *(centre + radius))
        for centre, radius in zip(centres, radii, strict=True)
    ]
    tracks = np.concatenate([np.zeros((0, 2)), *(_track(patch) for patch in ax.patches)])
    taken = [*dots, *_legend(ax, flows, dots, tracks)]
    weight = {name: node.hosted + node.displaced / 4 for name, node in nodes.items()}
    for flow in flows:
        for end in (flow.origin, flow.destination):
            weight[end] += flow.arrived / 4
    for name in sorted((it for it in weight if weight[it] > 0), key=lambda it: -weight[it]):
        node = nodes[name]
        text = f"{node.name} {wording.words(node.hosted)}" if node.hosted > 0 else node.name
        if node.displaced > 0:
            text += f"\n{wording.words(node.displaced)} displaced within"
        weight_of_type: style.Weight = "bold" if node.hosted > 0 else "normal"
        labels.label_beside(ax, text, (node.lon, node.lat), taken, tracks, weight_of_type)


def _legend(ax: Axes, flows: list[Flow], dots: list[Bbox], tracks: Ring) -> list[Bbox]:
    """Explain colours and widths in the corner where this hides least; give its box."""
    if not flows:
        return []
    forced = [flow.forced * 2 >= flow.arrived for flow in flows]
    handles = [
        Line2D([], [], color=style.ANSWERS[answer], linewidth=4, label=label)
        for answer, label, shown in (
            ("necessity", "mostly of necessity", any(forced)),
            ("choice", "mostly by choice", not all(forced)),
        )
        if shown
    ]
    most = flows[0].arrived
    handles.append(Line2D([], [], color=style.FAINT, linewidth=WIDEST, label=wording.people(most)))

    def draw(corner: Corner) -> Bbox:
        legend = ax.legend(
            handles=handles, loc=corner, fontsize=style.SMALL, framealpha=0.92,
            edgecolor=style.RULE, borderpad=0.5, handlelength=1.6,
        )  # fmt: skip
        legend.set_zorder(8)
        box: Bbox = legend.get_window_extent()
        return box

    def hidden(corner: Corner) -> float:
        box = draw(corner)
        area = box.width * box.height
        return labels.points_inside(box, tracks) / 40 + sum(
            0.3 + labels.overlap(box, dot) / area for dot in dots if labels.overlap(box, dot) > 0
        )

    corners: tuple[Corner, ...] = ("upper left", "upper right", "lower left", "lower right")
    return [draw(min(corners, key=hidden))]


def _track(patch: Artist) -> Ring:
    """Points along an arrow, in pixels, that labels should not cover."""
    assert isinstance(patch, FancyArrowPatch)
    corners = patch.get_transform().transform(np.asarray(patch.get_path().vertices))
    return np.concatenate([np.linspace(a, b, 12) for a, b in pairwise(corners)])
