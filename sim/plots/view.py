"""Which part of the world a map shows, and what is named at its edge."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import cos, radians
from typing import Final, Literal, NamedTuple

import numpy as np

from sim.plots.outlines import Ring

By = Literal["country", "place"]
Window = tuple[float, float, float, float]
"""West, east, south and north, in degrees."""

LEAST: Final = 1 / 400
"""Flows and dots smaller than this share of the largest are not drawn, or not sought out."""
SEEN: Final = 0.93
"""Share of people and journeys for whom the map is cut; the others are named at its edge."""
MOST_AT_EDGE: Final = 5
"""Ends beyond the map that are named at its edge."""
STRIP: Final = (0.09, 0.07)
"""Half the width of a strip beside the map, and the height above it, as shares of the map."""
ROOM: Final = (0.2, 0.5)
"""Room for an end in a strip beside the map, and above it, as shares of half the map."""
OWN_PLACES: Final = 0.1
"""A place is shown with its country from this share of what happens there."""
MARGIN: Final = 0.12
"""Land around the places, as a share of the map."""
LEAST_SPAN: Final = 6.0
"""Degrees shown at least, so that a single place is still shown with the country around it."""
TALLEST: Final = 0.9
WIDEST_FRAME: Final = 1.8
"""Least and largest width of a map, for each unit of height."""
HEADS: Final = ("→", "↗", "↑", "↖", "←", "↙", "↓", "↘")
"""Signs before names that lie beyond the map, by eighths of a turn from the east."""


class Node(NamedTuple):
    """An end of arrows with a dot and a label: a country, or a place."""

    name: str
    lon: float
    lat: float
    people: Mapping[str, float]
    """Who was there at the end, by what they were (of `END_WORDS`)."""
    head: str = ""
    """Points to where it lies, if that is beyond the map."""

    @property
    def displaced(self) -> float:
        """People displaced within it."""
        return self.people.get("displaced", 0.0)

    @property
    def total(self) -> float:
        """Everybody whom its dot shows."""
        return sum(self.people.values())


class Flow(NamedTuple):
    """People who arrived from one end in another, as a mean over replicates."""

    origin: str
    destination: str
    arrived: float
    forced: float
    """Those of them who moved of necessity."""


class View(NamedTuple):
    """The part of the world that is shown, with what is drawn on it."""

    window: Window
    """All that is drawn."""
    land: Window
    """The map in it; what is beside that is a strip for ends that lie beyond."""
    nodes: Mapping[str, Node]
    elsewhere: float
    """People who are neither on it nor named at its edge."""


def view_of(
    nodes: Mapping[str, Node],
    flows: Sequence[Flow],
    extents: Mapping[str, Sequence[tuple[float, float]]],
    always: Collection[str],
) -> View:
    """Choose the part of the world to show, and put what lies beyond it at its edge.

    Where all would take more than twice the area, only most people and journeys (`SEEN`) are on the
    map: a few far countries would leave little space for the others.

    Args:
        nodes: all ends, by id.
        flows: the flows that are drawn.
        extents: points to show with each end, as longitude and latitude in degrees.
        always: ends that are on the map whatever happens there.

    Returns:
        The view.
    """
    weight = weights(nodes, flows)
    least = LEAST * max(weight.values(), default=0.0)
    notable = {it for it in nodes if it in always or (weight[it] > 0 and weight[it] >= least)}
    notable = notable or set(nodes)
    whole = window(_points(extents, notable))
    near = _nearest(nodes, weight, notable) | (set(always) & notable)
    shown_part = window(_points(extents, near))
    if 2 * _area(shown_part) > _area(whole):
        shown_part = whole
    west, east, south, north = shown_part
    shown, far = {}, []
    for name, node in nodes.items():
        if west <= node.lon <= east and south <= node.lat <= north:
            shown[name] = node
        elif weight[name] > 0:
            far.append(name)
    far.sort(key=lambda it: (-weight[it], it))
    named = [it for it in far if it in notable][:MOST_AT_EDGE]
    whole, beyond = _with_strips(shown_part, {it: nodes[it] for it in named})
    elsewhere = sum(nodes[it].total for it in far if it not in named)
    return View(whole, shown_part, {**shown, **beyond}, elsewhere)


def weights(nodes: Mapping[str, Node], flows: Sequence[Flow]) -> dict[str, float]:
    """Give each end's share of all people, plus its share of all journeys drawn."""
    people = sum(it.total for it in nodes.values()) or 1.0
    weight = {name: it.total / people for name, it in nodes.items()}
    journeys = 2 * sum(it.arrived for it in flows) or 1.0
    for flow in flows:
        for end in (flow.origin, flow.destination):
            weight[end] += flow.arrived / journeys
    return weight


def _points(extents: Mapping[str, Sequence[tuple[float, float]]], names: Collection[str]) -> Ring:
    return np.array([point for name in sorted(names) for point in extents[name]])


def _nearest(
    nodes: Mapping[str, Node], weight: Mapping[str, float], names: Collection[str]
) -> set[str]:
    """Give the ends nearest to the middle of all that happens, until they have most of it."""
    ordered = sorted(names)
    points = np.array([(nodes[it].lon, nodes[it].lat) for it in ordered])
    heavy = np.array([weight[it] for it in ordered])
    if not heavy.any():
        return set(ordered)
    middle = np.average(points, axis=0, weights=heavy)
    away = (points - middle) * (cos(radians(middle[1])), 1.0)
    ranked = np.argsort(np.hypot(*away.T), kind="stable")
    enough = np.cumsum(heavy[ranked]) >= SEEN * heavy.sum()
    return {ordered[it] for it in ranked[: int(np.argmax(enough)) + 1]}


def window(points: Ring) -> Window:
    """Give the part of the world to show about points, shape (n, 2) in degrees."""
    bounds = []
    for values, limit in zip(points.T, (np.inf, 84.0), strict=True):
        low, high = float(values.min()), float(values.max())
        middle, half = (low + high) / 2, max(high - low, LEAST_SPAN) * (0.5 + MARGIN)
        bounds += [max(middle - half, -limit), min(middle + half, limit)]
    west, east, south, north = bounds
    # Neither side is much shorter than the other, so that the map is not a strip.
    width, height = (east - west) * cos(radians((south + north) / 2)), north - south
    if width < height * TALLEST:
        west, east = _widen(west, east, height * TALLEST / width, np.inf)
    if height < width / WIDEST_FRAME:
        south, north = _widen(south, north, width / WIDEST_FRAME / height, 84.0)
    return west, east, south, north


def _widen(low: float, high: float, factor: float, limit: float) -> tuple[float, float]:
    middle, half = (low + high) / 2, (high - low) / 2 * factor
    return max(middle - half, -limit), min(middle + half, limit)


def _area(part: Window) -> float:
    west, east, south, north = part
    return (east - west) * cos(radians((south + north) / 2)) * (north - south)


def _with_strips(part: Window, nodes: Mapping[str, Node]) -> tuple[Window, dict[str, Node]]:
    """Put ends that lie beyond the map into strips beside it, in their direction."""
    west, east, south, north = part
    middle = np.array([(west + east) / 2, (south + north) / 2])
    half = np.array([east - west, north - south]) / 2
    sides: dict[tuple[int, int], dict[str, float]] = {}
    heads = {}
    for name, node in nodes.items():
        away = (np.array([node.lon, node.lat]) - middle) / half
        axis = int(np.argmax(np.abs(away)))
        sign = 1 if away[axis] > 0 else -1
        sides.setdefault((axis, sign), {})[name] = float(away[1 - axis] / abs(away[axis]))
        true = away * half * (cos(radians(middle[1])), 1.0)
        heads[name] = HEADS[round(float(np.arctan2(true[1], true[0])) / (np.pi / 4)) % 8]
    placed = {}
    for (axis, sign), along in sides.items():
        for name, value in _spread(along, ROOM[axis]).items():
            spot = np.empty(2)
            spot[axis], spot[1 - axis] = sign * (1 + STRIP[axis]), value
            lon, lat = (middle + spot * half).tolist()
            placed[name] = nodes[name]._replace(lon=lon, lat=lat, head=heads[name])
    wider = np.array([[-1.0, 1.0], [-1.0, 1.0]])
    for axis, sign in sides:
        wider[axis, (sign + 1) // 2] += sign * 2 * STRIP[axis]
    bounds = middle[:, None] + wider * half[:, None]
    return (*bounds[0].tolist(), *bounds[1].tolist()), {it: placed[it] for it in nodes}


def _spread(along: Mapping[str, float], room: float) -> dict[str, float]:
    """Move values from -1 to 1 apart, so that each has room, and in their order."""
    order = sorted(along, key=lambda it: along[it])
    end = 1 - room / 2
    values = np.clip([along[it] for it in order], -end, end)
    room = min(room, 2 * end / max(len(order) - 1, 1))
    for i in range(1, len(values)):
        values[i] = max(values[i], values[i - 1] + room)
    for i in reversed(range(len(values))):
        values[i] = min(values[i], values[i + 1] - room if i + 1 < len(values) else end)
    return dict(zip(order, values.tolist(), strict=True))
