"""Country outlines, shipped with the package, on a sheet that is cut where nobody lives."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from matplotlib.path import Path as Outline
from numpy.typing import NDArray

Ring = NDArray[np.float64]
TURN = 360.0
"""Degrees of longitude once round."""


class Land(NamedTuple):
    """Outline of one country: its name and its rings of (longitude, latitude) in degrees.

    A ring that crosses 180 degrees goes on beyond it.
    """

    name: str
    rings: tuple[Ring, ...]
    boxes: tuple[tuple[float, float, float, float], ...]
    """West, south, east and north of each ring."""

    def holds(self, points: Ring) -> NDArray[np.bool_]:
        """Tell which points, shape (n, 2) in degrees, lie in it."""
        inside = np.zeros(len(points), dtype=bool)
        for ring, (west, south, east, north) in zip(self.rings, self.boxes, strict=True):
            # Of all points only those that may lie in it: most countries are far from most points.
            turned = points - np.array([TURN, 0.0]) * np.floor((points[:, :1] - west) / TURN)
            near = (turned >= (west, south)).all(axis=1) & (turned <= (east, north)).all(axis=1)
            if near.any():
                inside[near] |= Outline(ring).contains_points(turned[near])
        return inside


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
        return _unbroken(np.concatenate([parts[0], *(part[1:] for part in parts[1:])]))

    lands = []
    for shape in topology["objects"]["countries"]["geometries"]:
        polygons = [shape["arcs"]] if shape["type"] == "Polygon" else shape["arcs"]
        rings = tuple(ring(indices) for polygon in polygons for indices in polygon)
        boxes = tuple((*it.min(axis=0).tolist(), *it.max(axis=0).tolist()) for it in rings)
        lands.append(Land(shape["properties"]["name"], rings, boxes))
    return tuple(lands)


def _unbroken(ring: Ring) -> Ring:
    """Let a ring go on beyond 180 degrees where it jumps to the other side of the sheet.

    Without this, an edge across the whole sheet would be filled as a band. A ring about a pole is
    closed along it.
    """
    longitudes = np.unwrap(ring[:, 0], period=TURN)
    whole = np.column_stack([longitudes, ring[:, 1]])
    if abs(longitudes[-1] - longitudes[0]) < TURN / 2:
        return whole
    pole = np.copysign(90.0, ring[:, 1].mean())
    return np.vstack([whole, (longitudes[-1], pole), (longitudes[0], pole), whole[:1]])


def unrolled(longitudes: Sequence[float]) -> Ring:
    """Give longitudes on a sheet that is cut in the widest gap between them.

    Args:
        longitudes: in degrees, at least one.

    Returns:
        The same, each a whole number of turns away, so that neighbours across 180 degrees are
        neighbours.
    """
    given = np.asarray(longitudes, dtype=np.float64)
    known = np.unique(given % TURN)
    gaps = np.diff([*known, known[0] + TURN])
    first = known[(int(np.argmax(gaps)) + 1) % len(known)]
    rolled = given + TURN * np.round((first + (given - first) % TURN - given) / TURN)
    turned: Ring = rolled - TURN * np.round(np.mean([rolled.min(), rolled.max()]) / TURN)
    return turned
