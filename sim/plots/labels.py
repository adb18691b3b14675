"""Labels next to points, placed where they hide least."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from sim.plots.style import INK, SMALL, Weight

Points = NDArray[np.float64]

SIDES: Final = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))
"""Where a label may be placed next to its point: right and up, in order of preference."""
AWAY: Final = (5.0, 10.0, 16.0, 23.0, 34.0, 46.0)
"""How far a label may be from its point, in points."""
SPOTS: Final = np.array([(away, *side) for away in AWAY for side in SIDES])
"""Distance, right and up of every spot for a label, the best first."""
FAR: Final = 16.0
"""From how far a line leads from a label to its point, in points."""
WORST: Final = 0.9
"""A label that hides more than this is left out: about 11 % of it covered by another."""


def label_beside(
    ax: Axes,
    text: str,
    point: tuple[float, float],
    taken: list[Bbox],
    tracks: Points,
    *,
    weight: Weight = "normal",
    worst: float = WORST,
    beyond: float = 0.0,
    others: Sequence[tuple[float, float, float]] = (),
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
        beyond: radius of the dot about the point, in points.
        others: centres and radii of other dots in pixels, one of which the label might seem to
            name.

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
    size, scale = note.get_window_extent(), _pixels(ax)
    x, y = ax.transData.transform(point)
    away, right, up = SPOTS[:, 0], SPOTS[:, 1], SPOTS[:, 2]
    reach = np.where((right == 0) | (up == 0), 1.0, 0.72) * (beyond + away)
    low = np.column_stack(
        [
            x + right * reach * scale + (right - 1) / 2 * size.width,
            y + up * reach * scale + (up - 1) / 2 * size.height,
        ]
    )
    high = low + np.array([size.width, size.height])
    dots = np.array([(x, y, beyond * scale), *others])
    to_dots = _distance(low, high, dots[:, :2]) - dots[:, 2]
    mistaken = to_dots[:, 0] > to_dots[:, 1:].min(axis=1, initial=np.inf)
    # A line from the label to its dot helps, but nearness is what is read first.
    penalty = _hidden(ax, low, high, taken, tracks) + away / 150 + 0.3 * mistaken
    best = int(np.argmin(penalty))
    if penalty[best] > worst:
        note.remove()
        return False
    note.set_position((float(right[best] * reach[best]), float(up[best] * reach[best])))
    note.set(
        ha={1: "left", 0: "center", -1: "right"}[int(right[best])],
        va={1: "bottom", 0: "center", -1: "top"}[int(up[best])],
    )
    if away[best] >= FAR or mistaken[best]:
        corner = (np.clip((x, y), low[best], high[best]) - (x, y)) / scale
        ax.annotate(
            "", point, xytext=corner, textcoords="offset points",
            arrowprops={"arrowstyle": "-", "linewidth": 0.8, "color": INK, "shrinkA": 1,
                        "shrinkB": beyond}, zorder=6,
        )  # fmt: skip
    taken.append(Bbox([low[best], high[best]]))
    return True


def _pixels(ax: Axes) -> float:
    """Pixels a point."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return float(figure.dpi) / 72


def _hidden(ax: Axes, low: Points, high: Points, taken: Sequence[Bbox], tracks: Points) -> Points:
    """Tell how much labels would hide, and how much of them lie outside; corners are (n, 2)."""
    inside, area = ax.get_window_extent(), np.prod(high[0] - low[0])
    boxes = np.array([it.extents for it in taken]).reshape(-1, 4)
    shared = np.minimum(high[:, None], boxes[:, 2:]) - np.maximum(low[:, None], boxes[:, :2])
    covered = np.prod(np.maximum(shared, 0), axis=2).sum(axis=1)
    within = np.minimum(high, inside.max) - np.maximum(low, inside.min)
    shown = np.prod(np.maximum(within, 0), axis=1)
    crossed = ((tracks > low[:, None]) & (tracks < high[:, None])).all(axis=2).sum(axis=1)
    hidden: Points = 8 * covered / area + 30 * (1 - shown / area) + crossed / 150
    return hidden


def _distance(low: Points, high: Points, points: Points) -> Points:
    """Distance of boxes, as their corners of shape (n, 2), to points of shape (m, 2): (n, m)."""
    off = np.maximum(low[:, None] - points, points - high[:, None])
    distance: Points = np.hypot(*np.moveaxis(np.maximum(off, 0), 2, 0))
    return distance
