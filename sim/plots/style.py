"""One visual language for all pictures and tables: colours, type and the frame of a figure.

Each threat and each answer has one colour everywhere; both families were chosen so that people who
do not see red or green tell them apart, and so that the answers survive a print without colour.
Sizes are chosen for a figure 6.4 inches wide that is still read when shown 400 pixels wide.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from io import BytesIO
from typing import Any, Final, Literal
from weakref import WeakKeyDictionary, WeakSet

import numpy as np
from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.text import Text
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FuncFormatter

from sim.plots.wording import capital, source_line, words
from sim.results.record import Record

THREATS: Final[Mapping[str, str]] = {
    "economic": "#e69f00",
    "food": "#f0e442",
    "health": "#009e73",
    "environmental": "#56b4e9",
    "personal": "#d55e00",
    "community": "#cc79a7",
    "political": "#0072b2",
}
"""A colour for each threat. Source: Okabe & Ito 2008, Color Universal Design."""

ANSWERS: Final[Mapping[str, str]] = {
    "choice": "#004488",
    "necessity": "#bb5566",
    "no_means": "#eecc66",
    "no_permission": "#6699cc",
    "stays": "#bbbbbb",
}
"""A colour for each answer. Source: after Tol 2021, high and medium contrast schemes."""
MOSTLY: Final[Mapping[str, str]] = {
    "necessity": ANSWERS["necessity"],
    "choice": ANSWERS["choice"],
    "both": "#8f5fa8",
}
"""Colours of flows, by what most of them were."""

OUTCOMES: Final[Mapping[str, str]] = {
    "refugee": "#117733",
    "claimant": "#44aa99",
    "regular": "#88ccee",
    "irregular": "#ddcc77",
    "naturalised": "#332288",
    "under_way": "#aa4499",
    "died": "#222222",
    "died_naturally": "#5f6368",
    "displaced": "#dd7766",
    "back": "#cccccc",
}
"""A colour for what happened to people; refugees as on the map. Source: after Tol 2021, muted."""

LINES: Final = ("#004488", "#bb5566", "#997700", "#6699cc", "#222222")
"""A colour for each line of a picture with several."""
MEASURES: Final[Mapping[str, str]] = {
    "refugees_abroad": OUTCOMES["refugee"],
    "claimants_abroad": OUTCOMES["claimant"],
    "displaced": OUTCOMES["displaced"],
    **{f"{answer}_households": colour for answer, colour in ANSWERS.items()},
    "choice_people": ANSWERS["choice"],
    "necessity_people": ANSWERS["necessity"],
    "blocked_no_means": ANSWERS["no_means"],
    "blocked_no_permission": ANSWERS["no_permission"],
}
"""Colours of headline figures that have one in other pictures."""
INK: Final = "#222222"
FAINT: Final = "#5f6368"
"""Grey with a contrast of 6 : 1 on white."""
RULE: Final = "#d5d8dc"
HOST: Final = "#117733"
DEATH: Final = "#222222"
HARM: Final = "#8a8f98"
SIMULATED: Final = "#004488"
OBSERVED: Final = "#222222"
SEA: Final = "#f4f7f9"
LAND: Final = "#e6e4de"
KNOWN_LAND: Final = "#f8f3e3"
BORDER: Final = "#b9b6ad"

WIDTH: Final = 6.4
"""Width of a figure of our own, in inches."""
TITLE: Final = 13.0
TEXT: Final = 10.5
SMALL: Final = 10.0
BESIDE: Final = 0.14
"""Between names and axes, and between names and the edge of the picture, in inches together."""
DPI: Final = 160
COMPRESSION: Final = 3
"""Level of compression of pictures: the usual takes twice as long and saves 3 %."""
Weight = Literal["normal", "bold"]
NUMBER_AND_UNIT: Final = re.compile(r"(?<=\d) (?=(?:M|bn|%|people)\b|%)")
OURS: Final = "human-security-sim"
"""Label of figures that we created, and may therefore lay out."""
DISCLAIMER: Final = "a model, not a forecast"


def frame(ax: Axes | None, height: float = 2.9, left: float = 0.98, right: float = 0.12) -> Axes:
    """Give the axes to draw on, those passed or those of a new figure.

    The figure is made without pyplot, so that nothing is left behind in its list of figures. It has
    no layout engine either: `caption` gives it its height, which is exact and takes half the time.

    Args:
        ax: axes of the caller's, or None.
        height: height of new axes, in inches.
        left: space next to new axes for labels, in inches.
        right: room on the other side, in inches.

    Returns:
        The axes, without top and right spines.
    """
    if ax is None:
        figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor="white", label=OURS)
        # Without a canvas that draws, every measure of a text would make a renderer of its own.
        FigureCanvasAgg(figure)
        ax = figure.add_axes((left / WIDTH, 0, 1 - (left + right) / WIDTH, 1))
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(FAINT)
    ax.tick_params(labelsize=TEXT, colors=INK, width=0.8)
    return ax


def caption(
    ax: Axes,
    source: Record | str,
    title: str,
    subtitle: str,
    *,
    note: str = "",
    below: float = 26,
) -> None:
    """Write the finding above the axes, and the source below them.

    Args:
        ax: the axes.
        source: the run, or words on the runs that it rests on.
        title: the finding, one sentence.
        subtitle: what is drawn, with its unit.
        note: what else the source line should say.
        below: space for ticks and labels under the axes, in points.
    """
    figure = ax.get_figure(root=True)
    assert figure is not None
    inches = figure.get_figwidth() * ax.get_position().width
    ids = "names that the font cannot write are ids" if source in _replaced else ""
    title, subtitle = plain(title), plain(subtitle)
    heading = balanced(title, TITLE, inches, "bold")
    lines = wrapped(subtitle, SMALL, inches)
    origin = source if isinstance(source, str) else source_line(source)
    parts = [capital(DISCLAIMER), plain(origin), *(it for it in (note, ids) if it)]
    foot = wrapped("\u00a0· ".join(parts), SMALL - 1, inches)
    over = 9 + _lines(lines) * SMALL * 1.3
    ax.set_title(
        heading,
        loc="left",
        fontsize=TITLE,
        fontweight="bold",
        color=INK,
        pad=over,
        y=1.0,
        parse_math=False,
    )
    for text, end, offset, side, size in (
        (lines, 1, 5, "bottom", SMALL),
        (foot, 0, -below, "top", SMALL - 1),
    ):
        ax.annotate(
            text,
            (0, end),
            xytext=(0, offset),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=size,
            color=FAINT,
            va=side,
            linespacing=1.25,
            parse_math=False,
        )
    # Names may hold a `$`, which is no formula.
    for drawn in ax.findobj(Text):
        drawn.set_parse_math(False)
    if figure.get_label() == OURS and isinstance(figure, Figure):
        above = (over + _lines(heading) * TITLE * 1.3 + 4) / 72
        under = (below + _lines(foot) * (SMALL - 1) * 1.3 + 5) / 72
        height = figure.get_figheight()
        total = under + height + above
        box = ax.get_position()
        figure.set_size_inches(WIDTH, total)
        ax.set_position((box.x0, under / total, box.width, height / total))


def key_below(ax: Axes, handles: Sequence[Artist], columns: int) -> float:
    """Explain colours below the axes, where this hides nothing.

    Args:
        ax: the axes; their width stands.
        handles: with their labels, in order.
        columns: the most there are; fewer where they would be too wide.

    Returns:
        The room that it takes, in points; for `caption`.
    """
    if not handles:
        return 0.0
    figure = ax.get_figure(root=True)
    assert figure is not None
    for ncols in range(min(columns, len(handles)), 0, -1):
        key = ax.legend(
            handles=handles, loc="upper left", bbox_to_anchor=(0, 0), ncols=ncols, fontsize=SMALL,
            frameon=False, borderpad=0.2, borderaxespad=0.3, handlelength=1.5, columnspacing=1.3,
            labelspacing=0.35, handletextpad=0.6,
        )  # fmt: skip
        box = key.get_window_extent()
        if box.width <= ax.get_window_extent().width + 2:
            break
    return float(box.height / figure.dpi * 72) + 2


def _lines(text: str) -> int:
    return text.count("\n") + 1


def plain(text: str) -> str:
    """Write letters that the font lacks in plain ones: an emoji by its name, others by number.

    Returns:
        The text itself where the font has everything; otherwise `Far (rocket)`, for example.
    """
    if text.isascii():
        return text
    return "".join(it if it.isascii() or ord(it) in _letters() else _in_words(it) for it in text)


def _in_words(letter: str) -> str:
    """Name a letter that cannot be drawn; signs that only change others are left out."""
    if unicodedata.category(letter) in ("Mn", "Me", "Cf", "Cc"):
        return ""
    if unicodedata.category(letter) == "So":
        return f"({unicodedata.name(letter, 'sign').lower()})"
    return f"(U+{ord(letter):04X})"


@cache
def _letters() -> frozenset[int]:
    """Give the letters that the font has, both normal and bold."""
    found = (
        get_font(findfont(FontProperties(weight=it))).get_charmap() for it in ("normal", "bold")
    )
    return frozenset.intersection(*map(frozenset, found))


def legible(record: Record) -> Record:
    """Give a run whose names can be drawn: the font lacks Chinese letters and emoji, for example.

    Returns:
        The run itself where all can; otherwise the same with ids in place of such names, which
        `caption` says. The title is then the scenario's name.
    """
    if record not in _legible:
        _legible[record] = _with_ids(record)
    return _legible[record] or record


_legible: WeakKeyDictionary[Record, Record | None] = WeakKeyDictionary()
"""Runs whose names were replaced, by run: what is worked out of one is kept with it."""
_replaced: WeakSet[Record] = WeakSet()


def _with_ids(record: Record) -> Record | None:
    scenario = record.scenario

    def is_drawn(name: str | None) -> bool:
        return not name or plain(name) == name

    named = {
        what: tuple(
            it if is_drawn(it.name) else it.model_copy(update={"name": it.id})
            for it in getattr(scenario, what)
        )
        for what in ("countries", "places")
    }
    changed = any(named[it] != getattr(scenario, it) for it in named)
    if not changed and is_drawn(scenario.title):
        return None
    title = scenario.title if is_drawn(scenario.title) else plain(scenario.name)
    drawn = replace(record, scenario=scenario.model_copy(update={**named, "title": title}))
    _legible[drawn] = None
    if changed:
        _replaced.add(drawn)
    return drawn


def as_file(ax: Axes, suffix: str = "png") -> bytes:
    """Give a picture as the content of a file, the same for the same picture.

    Args:
        ax: axes of its figure.
        suffix: png, svg or pdf.

    Returns:
        The content.
    """
    figure = ax.get_figure(root=True)
    assert figure is not None
    content = BytesIO()
    # Neither version nor date, so that the same run gives the same file.
    options: dict[str, dict[str, Any]] = {
        "png": {"metadata": {"Software": None}, "pil_kwargs": {"compress_level": COMPRESSION}},
        "svg": {"metadata": {"Date": None}},
        "pdf": {"metadata": {"CreationDate": None}},
    }
    with rc_context({"svg.hashsalt": OURS}):
        figure.savefig(content, format=suffix, dpi=DPI, **options[suffix])
    return content.getvalue()


def settle(ax: Axes) -> float:
    """Fix the layout, so that texts can be measured.

    Args:
        ax: axes to which nothing will be added that needs room.

    Returns:
        Pixels a point.
    """
    figure = ax.get_figure(root=True)
    assert figure is not None
    if figure.get_label() == OURS:
        ax.apply_aspect()
    else:
        figure.draw_without_rendering()
    return float(figure.dpi) / 72


def wrapped(text: str, size: float, inches: float, weight: Weight = "normal") -> str:
    """Break a line where it is full, never between a number and its unit.

    Args:
        text: a sentence.
        size: of the type, in points.
        inches: the room there is.
        weight: of the type.

    Returns:
        The text with line breaks.
    """
    space = _length(" ", size, weight)
    lines, room = [""], 0.0
    for word in NUMBER_AND_UNIT.sub("\u00a0", text).split(" "):
        length = _length(word, size, weight)
        if lines[-1] and length + space > room:
            lines.append(word)
            room = inches - length
        else:
            room = (room - space if lines[-1] else inches) - length
            lines[-1] = f"{lines[-1]} {word}".lstrip(" ")
    return "\n".join(lines)


def balanced(text: str, size: float, inches: float, weight: Weight = "normal") -> str:
    """Break a text into as few lines as possible, of similar length: no last word alone."""
    best = wrapped(text, size, inches, weight)
    for narrower in np.arange(0.95, 0.45, -0.05) * inches:
        tried = wrapped(text, size, float(narrower), weight)
        longest = max(_length(line, size, weight) for line in tried.split("\n"))
        if _lines(tried) > _lines(best) or longest > inches:
            break
        best = tried
    return best


LONGEST: Final = 200
"""Characters that one line of a picture may have room for."""


def shortened(text: str, size: float, inches: float) -> str:
    """Cut a text that is too long, and end it with dots."""
    if len(text) <= LONGEST and length(text, size) <= inches:
        return text
    text = text[:LONGEST]  # to measure more takes a millisecond a character, for nothing
    while len(text) > 1 and length(f"{text}…", size) > inches:
        text = text[:-1]
    return f"{text.rstrip()}…"


def length(text: str, size: float = SMALL, weight: Weight = "normal") -> float:
    """Give the length of a text on one line, in inches."""
    return _length(text, size, weight)


@cache
def _length(word: str, size: float, weight: Weight) -> float:
    """Give the length of a word in inches; words recur, and measuring one takes a millisecond."""
    font = FontProperties(size=size, weight=weight)
    width = text_to_path.get_text_width_height_descent(word, font, ismath=False)[0]
    return float(width) / 72


def room_for(names: Iterable[str], size: float, weight: Weight = "normal") -> float:
    """Give the inches that names take beside axes, so that the longest is clear of the edge."""
    return max((length(it, size, weight) for it in names), default=0.0) + BESIDE


def word_ticks() -> FuncFormatter:
    """Give tick labels in words."""
    return FuncFormatter(lambda value, _position: words(value).replace(".0 ", " "))
