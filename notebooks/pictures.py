"""The pictures of the lessons. Their axes stay put while a slider moves.

`python pictures.py`, in this folder, writes those of the README anew.
"""

from __future__ import annotations

import runpy
from collections.abc import Mapping
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.plots.style import ANSWERS, FAINT, INK, THREATS
from sim.plots.wording import ANSWER_WORDS

WIDTH = 8.0
"""Inches."""
Numbers = Mapping[str, float]


def _figure(height: float, title: str) -> Figure:
    figure = plt.figure(figsize=(WIDTH, height))
    figure.text(0.015, 1 - 0.28 / height, title, weight="bold", fontsize=11.5)
    return figure


def _axes(figure: Figure, bottom: float, height: float, left: float, right: float = 0.3) -> Axes:
    """Axes at so many inches from the edges of a figure."""
    w, h = figure.get_size_inches()
    axes = figure.add_axes((left / w, bottom / h, 1 - (left + right) / w, height / h))
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    return axes


def _beside(axes: Axes, row: float, now: float, then: float) -> None:
    """Write two numbers beside axes: what is, and what was."""
    for x, number, colour in ((0.75, now, INK), (1.5, then, FAINT)):
        axes.annotate(
            f"{number:,.0f}", (1, row), (72 * x, 0), xycoords=("axes fraction", "data"),
            textcoords="offset points", ha="right", va="center", color=colour, fontsize=9.5,
        )  # fmt: skip


def _heads(figure: Figure, axes: Axes, now: str, then: str) -> None:
    """Write over the two columns of numbers what they are."""
    width, height = figure.get_size_inches()
    right, top = axes.get_position().x1, axes.get_position().y1
    for x, text, colour in ((0.75, now, INK), (1.5, then, FAINT)):
        figure.text(
            right + x / width, top + 0.06 / height, text, ha="right", color=colour, fontsize=9
        )


def _legend(figure: Figure, colours: Mapping[str, str], columns: int) -> None:
    patches = [plt.Rectangle((0, 0), 1, 1, color=it) for it in colours.values()]
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


def threatened(before: Numbers, now: Numbers, by: tuple[Numbers, Numbers]) -> Figure:
    """What a threat changes: moves and people who cannot pay, and which threats made them move.

    Args:
        before, now: people by answer: moves by choice and of necessity, and who cannot pay.
        by: moves of necessity by threat, before and now.
    """
    title = f"Moves of necessity: {before['necessity']:,.0f} before, {now['necessity']:,.0f} now"
    figure = _figure(3.5, title)
    low, high = 5e3, 3e6
    axes = _axes(figure, 1.85, 1.0, 1.85, right=1.65)
    axes.set(xscale="log", xlim=(low, high), ylim=(2.6, -0.6))
    axes.set_xticks([1e4, 1e5, 1e6], ["10,000", "100,000", "1 million"])
    axes.minorticks_off()  # they would take half the time
    axes.set_yticks(range(3), list(THREATENED.values()))
    for row, answer in enumerate(THREATENED):
        start, end = (min(max(it[answer], low), high) for it in (before, now))
        axes.plot([start, end], [row, row], color=ANSWERS[answer], linewidth=2.5)
        axes.plot(start, row, "o", color="white", markeredgecolor=FAINT, markersize=7)
        axes.plot(end, row, "o", color=ANSWERS[answer], markersize=9)
        _beside(axes, row, now[answer], before[answer])
    _heads(figure, axes, "● now", "○ before")
    shares = _axes(figure, 0.75, 0.5, 1.85, right=1.65)
    left = [0.0, 0.0]
    for threat, colour in THREATS.items():
        widths = [100 * it[threat] / (sum(it.values()) or 1) for it in by]
        shares.barh([0, 1], widths, left=left, color=colour, height=0.75)
        left = [a + b for a, b in zip(left, widths, strict=True)]
    shares.set(xlim=(0, 100), ylim=(1.5, -0.5))
    shares.set_yticks([0, 1], ["before", "now"])
    shares.set_xticks([0, 50, 100], ["0", "50", "100 %"])
    figure.text(1.85 / WIDTH, 1.33 / 3.5, "which threats made them necessary", fontsize=9)
    _legend(figure, THREATS, 7)
    return figure


# ---- 2: choice or necessity --------------------------------------------------------------------


TOLD = {
    "choice": "moves by choice",
    "necessity": "moves of necessity",
    "no_means": "would go and cannot pay",
    "no_permission": "would go and is refused permission",
    "stays": "stays",
}


def line(
    chances: Numbers, number: float, drawn: tuple[float, float], told: str, most: float
) -> Figure:
    """The two numbers of a household for a month, and where they fall.

    Args:
        chances: chance in the month of each answer; they sum to 1.
        number: the first number, as the slider says.
        drawn: the two numbers that were drawn, 0 to 1.
        told: the answer that the first number on the slider gives, with the second as drawn.
        most: end of the enlarged part, 0 to 1.
    """
    stays = chances["stays"]
    if abs(number - drawn[0]) < 0.001:  # a step of the slider
        title = f"The number drawn for her is {number:.3f}: she {TOLD[told]}"
    else:
        title = f"If {number:.3f} had been drawn for her (it was {drawn[0]:.3f}): she {TOLD[told]}"
    figure = _figure(3.3, title)
    whole = _axes(figure, 2.2, 0.35, 0.3)
    part = _axes(figure, 0.75, 0.95, 0.9)
    for axes in (whole, part):
        left = 0.0
        for answer in ("choice", "necessity"):
            axes.barh(0.5, chances[answer], 1, left, color=ANSWERS[answer])
            left += chances[answer]
        refused = chances["no_means"] + chances["no_permission"]
        share = chances["no_means"] / refused if refused > 0 else 0.0
        axes.barh(share / 2, refused, share, left, color=ANSWERS["no_means"])
        axes.barh((1 + share) / 2, refused, 1 - share, left, color=ANSWERS["no_permission"])
        axes.barh(0.5, stays, 1, 1 - stays, color=ANSWERS["stays"])
        axes.set(ylim=(0, 1), yticks=[])
        for x, colour in ((drawn[0], "white"), (number, INK)):
            if x <= (1 if axes is whole else most):
                axes.plot(
                    x, drawn[1], "o", color=colour, markeredgecolor=INK, markersize=8, clip_on=False
                )
    whole.set(xlim=(0, 1), xticks=[0, 0.2, 0.4, 0.6, 0.8, 1])
    whole.xaxis.tick_top()
    whole.text(
        1 - stays / 2, 0.5, f"{100 * stays:.1f} of 100 numbers: she stays", ha="center", va="center"
    )
    part.set(xlim=(0, most), xlabel="the same, enlarged: the first number")
    part.set_yticks([0, 1])
    part.set_ylabel("the second", fontsize=9)
    for x, to in ((0.0, 0.0), (most, 1.0)):
        figure.add_artist(
            plt.Line2D(
                *zip(_place(whole, x, 0), _place(part, to, 1), strict=True),
                color=FAINT, linewidth=0.8, linestyle=":",
            )
        )  # fmt: skip
    _legend(figure, {ANSWER_WORDS[it]: colour for it, colour in ANSWERS.items()}, 5)
    return figure


def _place(axes: Axes, x: float, y: float) -> tuple[float, float]:
    """Where in its figure a point of axes lies, x and y from 0 to 1."""
    box = axes.get_position()
    return box.x0 + x * box.width, box.y0 + y * box.height


def incomes(now: Numbers, usual: Numbers, income: int) -> Figure:
    """How many households give each of the four answers other than staying.

    Args:
        now, usual: expected answers, households in the run, at this income and at the usual one.
        income: what people of the valley earn.
    """
    names = [it for it in ANSWERS if it != "stays"]
    goes, kept = (now["choice"] + now["necessity"], now["no_means"] + now["no_permission"])
    title = f"At an income of {income:,}: {goes:,.0f} leave, {kept:,.0f} would but cannot"
    figure = _figure(2.8, title)
    axes = _axes(figure, 0.55, 1.6, 1.6, right=1.65)
    axes.barh(range(4), [now[it] for it in names], color=[ANSWERS[it] for it in names])
    for row, answer in enumerate(names):
        axes.plot(usual[answer], row, "|", color=INK, markersize=19, markeredgewidth=2.5)
        _beside(axes, row, now[answer], usual[answer])
    _heads(figure, axes, f"at {income:,}", "❙ at 1,500")
    axes.set(xlim=(0, 40_000), ylim=(3.6, -0.6))
    axes.set_yticks(range(4), [ANSWER_WORDS[it] for it in names])
    axes.set_xticks(range(0, 40_001, 10_000), [f"{it:,}" for it in range(0, 40_001, 10_000)])
    axes.set_xlabel("households in four months")
    return figure


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


def wall(now: Numbers, open_border: Numbers) -> Figure:
    """Who reaches the city by which road, who dies, and who is refused: with and without the wall.

    Args:
        now, open_border: people over the bridge, through the desert, expected deaths, and people
            who are refused permission; with this wall and with none.
    """
    title = f"{_rate(now)} deaths to be expected for every 1,000 who arrive"
    figure = _figure(3.3, f"{title} ({_rate(open_border)} without a wall)")
    bottom = 2.6
    for rows, end in WALL:
        height = 0.32 * len(rows)
        bottom -= height
        axes = _axes(figure, bottom, height, 2.6, right=1.65)
        for row, (key, label) in enumerate(rows.items()):
            axes.barh(row, now[key], color=WALL_COLOURS[key], height=0.7)
            axes.plot(open_border[key], row, "|", color="white", markersize=15, markeredgewidth=5)
            axes.plot(open_border[key], row, "|", color=INK, markersize=15, markeredgewidth=2)
            axes.text(-0.02 * end, row, label, ha="right", va="center")
            _beside(axes, row, now[key], open_border[key])
        axes.set(xlim=(0, end), ylim=(len(rows) - 0.5, -0.5), yticks=[])
        axes.set_xticks([0, end], ["0", f"{end:,}"], fontsize=8.5, color=FAINT)
        if rows is WALL[0][0]:
            _heads(figure, axes, "this wall", "❙ no wall")
        bottom -= 0.42
    return figure


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
    plt.switch_backend("agg")
    for lesson, (function, position) in SHOWN.items():
        cells = runpy.run_path(f"{lesson}.py")
        cells[function](**position)
        plt.gcf().savefig(Path("..", "docs", f"lesson_{lesson[0]}.png"), dpi=100)
        plt.close("all")


if __name__ == "__main__":
    write()
