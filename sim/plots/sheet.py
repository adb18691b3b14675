"""The sheet of a map: land, strips beside it, sizes of dots, and names where they hide least."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import cos, radians
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.patches import Rectangle
from matplotlib.transforms import Bbox

from sim.plots import labels, style
from sim.plots.outlines import TURN, Ring, outlines
from sim.plots.view import Node, View
from sim.results.record import Record
from sim.schema import Place

LARGEST: Final = 17.0
"""Radius of the largest dot, in points; less where dots would hide each other."""
SMALLEST: Final = 1.7
BEYOND: Final = "Names with an arrow lie beyond the map."
COLUMNS: Final = 3
"""Of the key below the map."""


def sheet(record: Record, ax: Axes | None, view: View) -> Axes:
    """Give axes with the land on them, as high as the part of the world asks for.

    Args:
        record: a run, whose countries are lighter.
        ax: axes to draw on; none: those of a new figure.
        view: the part of the world.

    Returns:
        The axes; strips beside the land are white.
    """
    west, east, south, north = view.window
    aspect = 1 / cos(radians((south + north) / 2))
    height = style.WIDTH * aspect * (north - south) / (east - west)
    ax = style.frame(ax, height * 0.984, 0.05, 0.05)
    ax.set(xlim=(west, east), ylim=(south, north), xticks=[], yticks=[])
    ax.set_aspect(aspect)
    ax.set_facecolor(style.SEA)
    ax.spines[:].set_visible(False)
    _draw_land(ax, record.scenario.places)
    west_of, east_of, south_of, north_of = view.land
    for x, y, width, height in (
        (west, south, west_of - west, north - south),
        (east_of, south, east - east_of, north - south),
        (west, south, east - west, south_of - south),
        (west, north_of, east - west, north - north_of),
    ):
        if width > 0 and height > 0:
            ax.add_patch(Rectangle((x, y), width, height, color="white", linewidth=0, zorder=2))
    return ax


def _draw_land(ax: Axes, places: Sequence[Place]) -> None:
    """Draw the outlines; countries of the scenario are lighter."""
    points = np.array([(place.lon, place.lat) for place in places])
    (west, east), (south, north) = ax.get_xlim(), ax.get_ylim()
    shown: list[Ring] = []
    colours: list[str] = []
    for land in outlines():
        near = [
            np.add(ring, (turn, 0.0))
            for ring, (left, bottom, right, top) in zip(land.rings, land.boxes, strict=True)
            for turn in (-TURN, 0.0, TURN)
            if left + turn <= east and right + turn >= west and bottom <= north and top >= south
        ]
        # All rings of a country in view count, since its places may lie out of it.
        known = bool(near) and land.holds(points).any()
        shown += near
        colours += [style.KNOWN_LAND if known else style.LAND] * len(near)
    ax.add_collection(
        PolyCollection(
            shown, facecolors=colours, edgecolors=style.BORDER, linewidths=0.6, zorder=1
        ),
        autolim=False,
    )


def radii_of(ax: Axes, nodes: Mapping[str, Node]) -> dict[str, float]:
    """Give the radius of each dot in points: its area is as the people are many.

    All are made smaller where neighbours would hide each other.

    Args:
        ax: axes with their sheet.
        nodes: the ends, by id.

    Returns:
        Points, by id.
    """
    most = max((it.total for it in nodes.values()), default=0.0) or 1.0
    radii = {name: LARGEST * float(np.sqrt(it.total / most)) for name, it in nodes.items()}
    scale = style.settle(ax)
    centres = np.array([(it.lon, it.lat) for it in nodes.values()])
    fit = _fit(ax.transData.transform(centres) / scale, np.array(list(radii.values())))
    return {name: max(fit * radius, SMALLEST) for name, radius in radii.items()}


def _fit(centres: Ring, radii: Ring) -> float:
    """Give by how much dots have to shrink so that none covers much of another: 0.5 to 1."""
    apart = np.hypot(*(centres[:, None] - centres[None, :]).T)
    touch = radii[:, None] + radii[None, :]
    both = (np.minimum(radii[:, None], radii[None, :]) > 2 * SMALLEST) & ~np.eye(
        len(radii), dtype=bool
    )
    return float(np.clip((apart[both] / touch[both]).min(initial=1.0), 0.5, 1.0))


def write(
    ax: Axes,
    words: Mapping[str, str],
    nodes: Mapping[str, Node],
    radii: Mapping[str, float],
    weight: Mapping[str, float],
    tracks: Ring,
) -> None:
    """Write names beside dots: first those of most weight.

    Args:
        ax: axes whose layout stands.
        words: what to write, by id.
        nodes: all ends that have dots, by id.
        radii: of the dots, in points.
        weight: by id.
        tracks: points in pixels, shape (n, 2), that names should not cover.
    """
    scale = style.settle(ax)
    centres = {name: ax.transData.transform((it.lon, it.lat)) for name, it in nodes.items()}
    discs = {it: (*centres[it].tolist(), radii[it] * scale) for it in nodes}
    taken = [Bbox.from_extents(x - r, y - r, x + r, y + r) for x, y, r in discs.values()]
    for name in sorted(words, key=lambda it: (-weight[it], it)):
        node = nodes[name]
        others = [discs[it] for it in nodes if it != name]
        # Where there is no space for one long line, there may be for two.
        for text in dict.fromkeys((words[name], _broken(words[name]))):
            if labels.label_beside(
                ax, text, (node.lon, node.lat), taken, tracks, beyond=radii[name], others=others,
                weight="bold" if node.total > 0 else "normal",
            ):  # fmt: skip
                break


def _broken(words: str) -> str:
    """Put the figure after a name on a line of its own."""
    return re.sub(r" (?=[\d.,]+( \w+)?$)", "\n", words, count=1)
