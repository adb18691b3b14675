"""Labels next to points, placed where they hide least."""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from sim.plots.style import INK, SMALL, Weight, any_letters

SIDES: Final = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))
"""Where a label may be placed next to its point: right and up, in order of preference."""
AWAY: Final = (5.0, 10.0, 16.0, 23.0)
"""How far a label may be from its point, in points."""
SPOTS: Final = np.array([(away, *side) for away in AWAY for side in SIDES])
"""Distance, right and up of every spot for a label, the best first."""
WORST: Final = 0.6
"""A label that hides more than this is left out: about 15 % of it covered by another."""


def label_beside(
    ax: Axes,
    text: str,
    point: tuple[float, float],
    taken: list[Bbox],
    tracks: NDArray[np.float64],
    weight: Weight = "normal",
    worst: float = WORST,
) -> bool:
    """Write a label next to a point where it hides least, or not at all where there is no space.

    Args:
        ax: axes whose layout stands.
        text: the label.
        point: in data coordinates.
        taken: boxes in pixels that must stay free; the label's is added.
        tracks: points in pixels, shape (n, 2), that should stay free.
        weight: of the type.
        worst: penalty from which it is not written.

    Returns:
        Whether it was written.
    """
    note = ax.annotate(
        text,
        point,
        xytext=(0, 0),
        textcoords="offset points",
        fontsize=SMALL,
        fontweight=weight,
        color=INK,
        zorder=7,
        linespacing=1.15,
        path_effects=[withStroke(linewidth=2.2, foreground="white")],
        in_layout=False,
        parse_math=False,
    )
    with any_letters():
        size, inside = note.get_window_extent(), ax.get_window_extent()
    figure = ax.get_figure(root=True)
    assert figure is not None
    scale, area = figure.dpi / 72, size.width * size.height
    x, y = ax.transData.transform(point)
    away, right, up = SPOTS[:, 0], SPOTS[:, 1], SPOTS[:, 2]
    reach = np.where((right == 0) | (up == 0), away, 0.72 * away)
    low = np.column_stack(
        [
            x + right * reach * scale + (right - 1) / 2 * size.width,
            y + up * reach * scale + (up - 1) / 2 * size.height,
        ]
    )
    high = low + np.array([size.width, size.height])
    others = np.array([it.extents for it in taken]).reshape(-1, 4)
    shared = np.minimum(high[:, None], others[:, 2:]) - np.maximum(low[:, None], others[:, :2])
    covered = np.prod(np.maximum(shared, 0), axis=2).sum(axis=1)
    shown = np.prod(
        np.maximum(np.minimum(high, inside.max) - np.maximum(low, inside.min), 0), axis=1
    )
    within = (tracks > low[:, None]) & (tracks < high[:, None])
    crossed = within.all(axis=2).sum(axis=1)
    penalty = 4 * covered / area + 30 * (1 - shown / area) + crossed / 150 + away / 150
    best = int(np.argmin(penalty))
    if penalty[best] > worst:
        note.remove()
        return False
    note.set_position((float(right[best] * reach[best]), float(up[best] * reach[best])))
    note.set(
        ha={1: "left", 0: "center", -1: "right"}[int(right[best])],
        va={1: "bottom", 0: "center", -1: "top"}[int(up[best])],
    )
    taken.append(Bbox([low[best], high[best]]))
    return True


def overlap(one: Bbox, other: Bbox) -> float:
    """Common area of two boxes, in square pixels."""
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return float(width * height) if width > 0 and height > 0 else 0.0


def points_inside(box: Bbox, points: NDArray[np.float64]) -> float:
    """Number of points, shape (n, 2) in pixels, within a box."""
    x, y = points[:, 0], points[:, 1]
    return float(np.sum((x > box.x0) & (x < box.x1) & (y > box.y0) & (y < box.y1)))
