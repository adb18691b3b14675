"""The pictures of the lessons. Their axes stay put while a slider moves.

`python pictures.py`, in this folder, writes those of the README anew.
"""

from __future__ import annotations

import runpy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from unittest.mock import patch

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from PIL import Image

from sim.plots.style import ANSWERS, FAINT, INK, THREATS
from sim.plots.wording import ANSWER_WORDS

WIDTH = 8.0
"""Inches."""
Numbers = Mapping[str, float]


@dataclass(frozen=True)
class Picture:
    """A picture as a notebook shows it, and what moves in it with the slider."""

    png: bytes
    moving: list[Artist]

    def _repr_png_(self) -> bytes:
        return self.png


class Frame:
    """A figure with all that stays. It is drawn once: that takes longer than what moves."""

    def __init__(self, figure: Figure) -> None:
        self.figure, self.axes = figure, figure.axes
        self.canvas = FigureCanvasAgg(figure)
        self.canvas.draw()
        self.drawn = self.canvas.copy_from_bbox(figure.bbox)
        self.still = set(self._artists())

    def _artists(self) -> Iterator[Artist]:
        for it in (self.figure, *self.axes):
            yield from (*it.patches, *it.lines, *it.texts)

    def picture(self, title: str) -> Picture:
        """Draw what was added to the figure over it, and take it away again."""
        self.figure.text(*_place_of_title(self.figure), title, weight="bold", fontsize=11.5)
        moving = [it for it in self._artists() if it not in self.still]
        moving.sort(key=lambda it: it.zorder)  # those of one height stay in order
        self.canvas.restore_region(self.drawn)
        for it in moving:
            self.figure.draw_artist(it)
        file = BytesIO()
        pixels = np.asarray(self.canvas.buffer_rgba())[..., :3]
        Image.fromarray(pixels).save(file, "png", compress_level=3)
        for it in moving:
            it.remove()
        for axes in self.axes:
            axes.containers.clear()
        return Picture(file.getvalue(), moving)


def _place_of_title(figure: Figure) -> tuple[float, float]:
    return 0.015, 1 - 0.28 / figure.get_size_inches()[1]


def _figure(height: float) -> Figure:
    return Figure(figsize=(WIDTH, height), dpi=100, facecolor="white")


def _axes(figure: Figure, bottom: float, height: float, left: float, right: float = 0.3) -> Axes:
    """Axes at so many inches from the edges of a figure."""
    w, h = figure.get_size_inches()
    axes = figure.add_axes((left / w, bottom / h, 1 - (left + right) / w, height / h))
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    return axes


NOW, THEN = 0.75, 1.5
"""Where the two columns of numbers end, in inches beside the axes."""


def _beside(axes: Axes, row: float, now: float, then: float) -> None:
    """Write two numbers beside axes: what is, and what was."""
    for x, number, colour in ((NOW, now, INK), (THEN, then, FAINT)):
        axes.annotate(
            f"{number:,.0f}", (1, row), (72 * x, 0), xycoords=("axes fraction", "data"),
            textcoords="offset points", ha="right", va="center", color=colour, fontsize=9.5,
        )  # fmt: skip


def _head(figure: Figure, axes: Axes, text: str, x: float, colour: str) -> None:
    """Write over a column of numbers what they are."""
    width, height = figure.get_size_inches()
    right, top = axes.get_position().x1 + x / width, axes.get_position().y1 + 0.06 / height
    figure.text(right, top, text, ha="right", color=colour, fontsize=9)


def _legend(figure: Figure, colours: Mapping[str, str], columns: int) -> None:
    patches = [Patch(color=it) for it in colours.values()]
    figure.legend(
        patches, list(colours), ncols=columns, loc="lower left", frameon=False, fontsize=9,
        handlelength=1, columnspacing=1.2, borderaxespad=0.1,
    )  # fmt: skip


# ---- 1: seven threats --------------------------------------------------------------------------

THREATENED = {
    "choice": "moves by choice",
    "necessity": "moves of necessity",
    "no_means": "want to go, cannot pay",
}


LOW, HIGH = 5e3, 3e6
"""Ends of the upper scale."""


@cache
def _threatened() -> Frame:
    figure = _figure(3.5)
    axes = _axes(figure, 1.85, 1.0, 1.85, right=1.65)
    axes.set(xscale="log", xlim=(LOW, HIGH), ylim=(2.6, -0.6))
    axes.set_xticks([1e4, 1e5, 1e6], ["10,000", "100,000", "1 million"])
    axes.minorticks_off()
    axes.set_yticks(range(3), list(THREATENED.values()))
    _head(figure, axes, "● now", NOW, INK)
    _head(figure, axes, "○ before", THEN, FAINT)
    shares = _axes(figure, 0.75, 0.5, 1.85, right=1.65)
    shares.set(xlim=(0, 100), ylim=(1.5, -0.5))
    shares.set_yticks([0, 1], ["before", "now"])
    shares.set_xticks([0, 50, 100], ["0", "50", "100 %"])
    figure.text(1.85 / WIDTH, 1.33 / 3.5, "which threats made them necessary", fontsize=9)
    _legend(figure, THREATS, 7)
    return Frame(figure)


def threatened(before: Numbers, now: Numbers, by: tuple[Numbers, Numbers]) -> Picture:
    """What a threat changes: moves and people who cannot pay, and which threats made them move.

    Args:
        before, now: people by answer: moves by choice and of necessity, and who cannot pay.
        by: moves of necessity by threat, before and now.
    """
    frame = _threatened()
    axes, shares = frame.axes
    for row, answer in enumerate(THREATENED):
        start, end = (min(max(it[answer], LOW), HIGH) for it in (before, now))
        axes.plot([start, end], [row, row], color=ANSWERS[answer], linewidth=2.5)
        axes.plot(start, row, "o", color="white", markeredgecolor=FAINT, markersize=7)
        axes.plot(end, row, "o", color=ANSWERS[answer], markersize=9)
        _beside(axes, row, now[answer], before[answer])
    left = [0.0, 0.0]
    for threat, colour in THREATS.items():
        widths = [100 * it[threat] / (sum(it.values()) or 1) for it in by]
        shares.barh([0, 1], widths, left=left, color=colour, height=0.75)
        left = [a + b for a, b in zip(left, widths, strict=True)]
    return frame.picture(
        f"Moves of necessity: {before['necessity']:,.0f} before, {now['necessity']:,.0f} now"
    )


# ---- 2: choice or necessity --------------------------------------------------------------------


TOLD = {
    "choice": "moves by choice",
    "necessity": "moves of necessity",
    "no_means": "would go and cannot pay",
    "no_permission": "would go and is refused permission",
    "stays": "stays",
}


@cache
def _line(most: float) -> Frame:
    figure = _figure(3.3)
    whole = _axes(figure, 2.2, 0.35, 0.3)
    part = _axes(figure, 0.75, 0.95, 0.9)
    whole.set(xlim=(0, 1), ylim=(0, 1), xticks=[0, 0.2, 0.4, 0.6, 0.8, 1], yticks=[])
    whole.xaxis.tick_top()
    part.set(xlim=(0, most), ylim=(0, 1), xlabel="the same, enlarged: the first number")
    part.set_yticks([0, 1])
    part.set_ylabel("the second", fontsize=9)
    for x, to in ((0.0, 0.0), (most, 1.0)):
        ends = zip(_place(whole, x, 0), _place(part, to, 1), strict=True)
        figure.add_artist(Line2D(*ends, color=FAINT, linewidth=0.8, linestyle=":"))
    _legend(figure, {ANSWER_WORDS[it]: colour for it, colour in ANSWERS.items()}, 5)
    return Frame(figure)


def line(
    chances: Numbers, number: float, drawn: tuple[float, float], told: str, most: float
) -> Picture:
    """The two numbers of a household for a month, and where they fall.

    Args:
        chances: chance in the month of each answer; they sum to 1.
        number: the first number, as the slider says.
        drawn: the two numbers that were drawn, 0 to 1.
        told: the answer that the first number on the slider gives, with the second as drawn.
        most: end of the enlarged part, 0 to 1.
    """
    frame = _line(most)
    stays = chances["stays"]
    for axes, end in zip(frame.axes, (1.0, most), strict=True):
        left = 0.0
        for answer in ("choice", "necessity"):
            axes.barh(0.5, chances[answer], 1, left, color=ANSWERS[answer])
            left += chances[answer]
        refused = chances["no_means"] + chances["no_permission"]
        share = chances["no_means"] / refused if refused > 0 else 0.0
        axes.barh(share / 2, refused, share, left, color=ANSWERS["no_means"])
        axes.barh((1 + share) / 2, refused, 1 - share, left, color=ANSWERS["no_permission"])
        axes.barh(0.5, stays, 1, 1 - stays, color=ANSWERS["stays"])
        for x, colour in ((drawn[0], "white"), (number, INK)):
            if x <= end:
                axes.plot(
                    x, drawn[1], "o", color=colour, markeredgecolor=INK, markersize=8, clip_on=False
                )
    words = f"{100 * stays:.1f} of 100 numbers: she stays"
    frame.axes[0].text(1 - stays / 2, 0.5, words, ha="center", va="center")
    if abs(number - drawn[0]) < 0.001:  # a step of the slider
        title = f"The number drawn for her is {number:.3f}: she {TOLD[told]}"
    else:
        title = f"With {number:.3f} ({drawn[0]:.3f} was drawn): she {TOLD[told]}"
    return frame.picture(title)


def _place(axes: Axes, x: float, y: float) -> tuple[float, float]:
    """Where in its figure a point of axes lies, x and y from 0 to 1."""
    box = axes.get_position()
    return box.x0 + x * box.width, box.y0 + y * box.height


FOUR = [it for it in ANSWERS if it != "stays"]


@cache
def _incomes() -> Frame:
    figure = _figure(2.8)
    axes = _axes(figure, 0.55, 1.6, 1.6, right=1.65)
    axes.set(xlim=(0, 40_000), ylim=(3.6, -0.6))
    axes.set_yticks(range(4), [ANSWER_WORDS[it] for it in FOUR])
    axes.set_xticks(range(0, 40_001, 10_000), [f"{it:,}" for it in range(0, 40_001, 10_000)])
    axes.set_xlabel("households in four months")
    _head(figure, axes, "❙ at 1,500", THEN, FAINT)
    return Frame(figure)


def incomes(now: Numbers, usual: Numbers, income: int) -> Picture:
    """How many households give each of the four answers other than staying.

    Args:
        now, usual: expected answers, in households, at this income and at the usual one.
        income: what people of the valley earn.
    """
    frame = _incomes()
    (axes,) = frame.axes
    axes.barh(range(4), [now[it] for it in FOUR], color=[ANSWERS[it] for it in FOUR])
    for row, answer in enumerate(FOUR):
        axes.plot(usual[answer], row, "|", color=INK, markersize=19, markeredgewidth=2.5)
        _beside(axes, row, now[answer], usual[answer])
    _head(frame.figure, axes, f"at {income:,}", NOW, INK)
    goes, kept = now["choice"] + now["necessity"], now["no_means"] + now["no_permission"]
    return frame.picture(
        f"At an income of {income:,}: {goes:,.0f} leave, {kept:,.0f} would but cannot"
    )


# ---- 3: the wall moves the flow ----------------------------------------------------------------

WALL = (
    ({"bridge": "reach the city over the bridge", "desert": "... through the desert"}, 90_000),
    ({"deaths": "expected to die on the way"}, 2_500),
    ({"refused": "in the valley, refused permission"}, 400_000),
)
"""What is drawn, and where each axis ends."""
WALL_COLOURS = {
    "bridge": "#004488", "desert": "#997700", "deaths": INK, "refused": ANSWERS["no_permission"],
}  # fmt: skip


@cache
def _wall() -> Frame:
    figure = _figure(3.3)
    bottom = 2.6
    for rows, end in WALL:
        height = 0.32 * len(rows)
        bottom -= height
        axes = _axes(figure, bottom, height, 2.6, right=1.65)
        axes.set(xlim=(0, end), ylim=(len(rows) - 0.5, -0.5), yticks=[])
        axes.set_xticks([0, end], ["0", f"{end:,}"], fontsize=8.5, color=FAINT)
        for row, label in enumerate(rows.values()):
            axes.text(-0.02 * end, row, label, ha="right", va="center")
        bottom -= 0.42
    _head(figure, figure.axes[0], "this wall", NOW, INK)
    _head(figure, figure.axes[0], "❙ no wall", THEN, FAINT)
    return Frame(figure)


def wall(now: Numbers, open_border: Numbers) -> Picture:
    """Who reaches the city by which road, who dies, and who is refused: with and without the wall.

    Args:
        now, open_border: people over the bridge, through the desert, expected deaths, and people
            who are refused permission; with this wall and with none.
    """
    frame = _wall()
    for axes, (rows, _) in zip(frame.axes, WALL, strict=True):
        for row, key in enumerate(rows):
            axes.barh(row, now[key], color=WALL_COLOURS[key], height=0.7)
            for colour, width in (("white", 5), (INK, 2)):
                axes.plot(
                    open_border[key], row, "|", color=colour, markersize=15, markeredgewidth=width
                )
            _beside(axes, row, now[key], open_border[key])
    title = f"{_rate(now)} deaths to be expected for every 1,000 who arrive"
    return frame.picture(f"{title} ({_rate(open_border)} without a wall)")


def _rate(numbers: Numbers) -> str:
    return f"{1000 * numbers['deaths'] / max(numbers['bridge'] + numbers['desert'], 1):.0f}"


# ---- for the README ----------------------------------------------------------------------------

SHOWN = {
    "1_seven_threats": ("show", {"threat": "food", "severity": 0.9, "share": 0.6}),
    "2_choice_or_necessity": ("show_all", {"income": 600}),
    "3_the_wall_moves_the_flow": ("show", {"barrier": 0.9}),
}
"""The function of each lesson that draws, and the position of its sliders."""


def write() -> None:
    """Write a picture of each lesson to `docs`."""
    shown: list[Picture] = []
    with patch("IPython.display.display", shown.append):
        for lesson, (function, position) in SHOWN.items():
            runpy.run_path(f"{lesson}.py")[function](**position)
            Path("..", "docs", f"lesson_{lesson[0]}.png").write_bytes(shown[-1].png)


if __name__ == "__main__":
    write()
