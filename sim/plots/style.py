"""One visual language for all pictures and tables: colours, words and the frame of a figure.

A threat has one colour everywhere, an answer another; both families were chosen so that people who
do not see red or green tell them apart, and so that the answers survive a print without colour.
Sizes are chosen for a figure 6.4 inches wide that is still read when shown 400 pixels wide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from io import BytesIO
from typing import Any, Final, Literal
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patheffects import withStroke
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FuncFormatter
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from sim.core.state import DAYS_A_YEAR
from sim.results.record import Record
from sim.results.run import horizon
from sim.schema import Scenario

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

ANSWER_WORDS: Final[Mapping[str, str]] = {
    "choice": "move by choice",
    "necessity": "move of necessity",
    "no_means": "cannot pay",
    "no_permission": "may not",
    "stays": "stay",
}
HARM_WORDS: Final[Mapping[str, str]] = {
    "death": "died",
    "violence": "suffered violence",
    "extortion": "extorted",
    "kidnapping": "held captive",
    "interception": "intercepted",
    "detention": "detained",
    "stranding": "stranded",
    "forced_return": "returned by force",
    "prosecution": "prosecuted",
    "bribe": "paid officials",
    "separation": "separated",
}
MEASURE_WORDS: Final[Mapping[str, str]] = {
    "moved_abroad": "arrived abroad",
    "moved_within": "arrived within a country",
    "choice_heads": "heads who go by choice",
    "necessity_heads": "heads who go of necessity",
    "no_means_heads": "heads who cannot pay",
    "no_permission_heads": "heads who may not",
    "stays_heads": "heads who stay",
    "choice_people": "moved by choice",
    "necessity_people": "moved of necessity",
    "necessity_share": "share moved of necessity",
    "blocked_no_means": "blocked by money",
    "blocked_no_permission": "blocked by rules",
    "refugees_abroad": "refugees abroad",
    "claimants_abroad": "asylum seekers abroad",
    "displaced": "displaced within",
    **{f"harm_{harm}": words for harm, words in HARM_WORDS.items()},
    "harm_death": "died on the way",
    "death_rate": "deaths per 1,000 journeys",
    "births": "born",
    "natural_deaths": "died a natural death",
    "insecurity_years": "insecurity-years",
    "life_years_lost": "life years lost",
    "life_years_lost_3pct": "life years lost, at 3 %",
    "secure": "secure",
    "orderly": "orderly",
    "regular": "regular",
    "humane": "humane",
}
"""Headline figures, short enough for a row or a legend."""
PARTIES: Final[Mapping[str, str]] = {
    "adults": "adults alone", "families": "families", "children_alone": "children alone",
}  # fmt: skip
"""Who travels, in words."""
CHANNEL_WORDS: Final[Mapping[str, str]] = {
    "labour": "labour",
    "family": "family",
    "asylum": "asylum",
    "irregular": "irregular",
    "internal": "within the country",
    "home": "return home",
    "free": "free movement",
    "relocation": "relocation",
}

OUTCOMES: Final[Mapping[str, str]] = {
    "refugee": "#117733",
    "claimant": "#44aa99",
    "regular": "#88ccee",
    "irregular": "#ddcc77",
    "under_way": "#aa4499",
    "died": "#222222",
    "died_naturally": "#5f6368",
    "displaced": "#dd7766",
    "back": "#cccccc",
}
"""A colour for what became of people; refugees as on the map. Source: after Tol 2021, muted."""

LINES: Final = ("#004488", "#bb5566", "#997700", "#6699cc", "#222222")
"""A colour for each line of a picture with several."""
MEASURES: Final[Mapping[str, str]] = {
    "refugees_abroad": OUTCOMES["refugee"],
    "claimants_abroad": OUTCOMES["claimant"],
    "displaced": OUTCOMES["displaced"],
    **{f"{answer}_heads": colour for answer, colour in ANSWERS.items()},
    "choice_people": ANSWERS["choice"],
    "necessity_people": ANSWERS["necessity"],
    "blocked_no_means": ANSWERS["no_means"],
    "blocked_no_permission": ANSWERS["no_permission"],
}
"""Colours of headline figures that have one in other pictures."""
INK: Final = "#222222"
FAINT: Final = "#5f6368"
"""Grey that still has a contrast of 6 : 1 on white."""
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
DPI: Final = 160
COMPRESSION: Final = 3
"""Level of compression of pictures: the usual takes twice as long and saves 3 %."""
Weight = Literal["normal", "bold"]
NUMBER_AND_UNIT: Final = re.compile(r"(?<=\d) (?=(?:M|bn|%|people)\b|%)")
WITH_ARTICLE: Final = re.compile(
    r"^(United|Netherlands|Philippines|Bahamas|Gambia|Maldives|Comoros|Seychelles)\b"
    r"|^(?!The ).*\b(Republic|Islands|Emirates|States|Federation|Kingdom|Territory|Union)\b"
)
"""Names that want an article in a sentence."""
SIDES: Final = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))
"""Where a label may stand beside its point: right and up, in order of liking."""
AWAY: Final = (5.0, 10.0, 16.0, 23.0)
"""How far a label may stand from its point, in points."""
SPOTS: Final = np.array([(away, *side) for away in AWAY for side in SIDES])
"""Distance, right and up of every spot for a label, the best first."""
WORST: Final = 0.6
"""A label that hides more than this stays away: about 15 % of it covered by another."""
OURS: Final = "human-security-sim"
"""Label of figures that we made, and may therefore lay out."""
DISCLAIMER: Final = "a model, not a forecast"


def frame(ax: Axes | None, height: float = 2.9, left: float = 0.92, right: float = 0.12) -> Axes:
    """Give the axes to draw on, those passed or those of a new figure.

    The figure is made without pyplot, so that nothing is left behind in its list of figures. It has
    no layout engine either: `caption` gives it its height, which is exact and takes half the time.

    Args:
        ax: axes of the caller's, or None.
        height: height of new axes, in inches.
        left: room beside new axes for labels, in inches.
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
    """Write the finding above the axes, and below them what the picture rests on.

    Args:
        ax: the axes.
        source: the run, or words on the runs that it rests on.
        title: the finding, one sentence.
        subtitle: what is drawn, with its unit.
        note: what else the source line should say.
        below: room for ticks and labels under the axes, in points.
    """
    figure = ax.get_figure(root=True)
    assert figure is not None
    inches = figure.get_figwidth() * ax.get_position().width
    heading = balanced(title, TITLE, inches, "bold")
    lines = wrapped(subtitle, SMALL, inches)
    origin = source if isinstance(source, str) else source_line(source)
    parts = [capital(DISCLAIMER), origin, *([note] if note else [])]
    foot = wrapped(" · ".join(parts), SMALL - 1, inches)
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
    if figure.get_label() == OURS and isinstance(figure, Figure):
        above = (over + _lines(heading) * TITLE * 1.3 + 4) / 72
        under = (below + _lines(foot) * (SMALL - 1) * 1.3 + 5) / 72
        height = figure.get_figheight()
        total = under + height + above
        box = ax.get_position()
        figure.set_size_inches(WIDTH, total)
        ax.set_position((box.x0, under / total, box.width, height / total))


def _lines(text: str) -> int:
    return text.count("\n") + 1


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
    """Make the layout stand, so that texts can be measured.

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
    """Break a text into no more lines than it needs, as long as each other: no last word alone."""
    best = wrapped(text, size, inches, weight)
    for narrower in np.arange(0.95, 0.45, -0.05) * inches:
        tried = wrapped(text, size, float(narrower), weight)
        longest = max(_length(line, size, weight) for line in tried.split("\n"))
        if _lines(tried) > _lines(best) or longest > inches:
            break
        best = tried
    return best


def shortened(text: str, size: float, inches: float) -> str:
    """Cut a text that is longer than the room there is, and say so by dots."""
    if length(text, size) <= inches:
        return text
    while len(text) > 1 and length(f"{text}…", size) > inches:
        text = text[:-1]
    return f"{text.rstrip()}…"


def length(text: str, size: float = SMALL) -> float:
    """Give the length of a text on one line, in inches."""
    return _length(text, size, "normal")


@cache
def _length(word: str, size: float, weight: Weight) -> float:
    """Give the length of a word in inches; words recur, and measuring one takes a millisecond."""
    font = FontProperties(size=size, weight=weight)
    return float(text_to_path.get_text_width_height_descent(word, font, ismath=False)[0]) / 72


def label_beside(
    ax: Axes,
    text: str,
    point: tuple[float, float],
    taken: list[Bbox],
    tracks: NDArray[np.float64],
    weight: Weight = "normal",
    worst: float = WORST,
) -> bool:
    """Write a label beside a point where it hides least, or not at all where there is no room.

    Args:
        ax: axes whose layout stands.
        text: the label.
        point: in data coordinates.
        taken: boxes in pixels that must stay free; the label's is added.
        tracks: points in pixels, shape (n, 2), that had better stay free.
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


def source_line(record: Record) -> str:
    """Say where a picture comes from: scenario, seed, replicates."""
    name = record.scenario.title or record.scenario.name
    times = f", mean of {record.replicates} replicates" if record.replicates > 1 else ""
    return f"{name}, seed {record.seed}{times}"


def words(number: float) -> str:
    """Write a count as one reads it: three figures at most, millions as M.

    Args:
        number: a count of people, moves or money.

    Returns:
        `0`, `870`, `42,100`, `1.6 M`, `81 M`, `1.4 bn`; `–` for NaN.
    """
    if number != number:
        return "–"
    size = abs(number)
    sign = "-" if number < 0 else ""
    if 0 < size < 10 and size != round(size):
        return f"{sign}{size:.1f}"
    rounded = float(f"{size:.3g}")
    for unit, word in ((1e9, "bn"), (1e6, "M")):
        if rounded >= unit:
            scaled = size / unit
            return f"{sign}{scaled:,.0f} {word}" if scaled >= 20 else f"{sign}{scaled:.1f} {word}"
    return f"{sign}{rounded:,.0f}"


def people(number: float) -> str:
    """Write a count of people, with the word that fits it."""
    return "1 person" if round(number) == 1 else f"{words(number)} people"


def money(record: Record, number: float) -> str:
    """Write money with its currency and the year of its prices."""
    return f"{words(number)} {record.money_unit}"


def spent(record: Record) -> pd.Series[float]:
    """Public money a replicate by item, the dearest first."""
    frame = record.spending
    sums = frame.groupby(frame["item"].astype(str))["amount"].sum() / record.replicates
    return sums.sort_values(ascending=False, kind="stable")


def capital(text: str) -> str:
    """Write the first letter large, and leave the others."""
    return text[:1].upper() + text[1:]


def figures(value: float, unit: str) -> str:
    """Write a headline figure in the precision that its unit deserves.

    Args:
        value: the figure.
        unit: `share` is written in per cent.

    Returns:
        Text without the unit, except for per cent.
    """
    if value != value:
        return "–"
    if unit == "share":
        return f"{100 * value:.1f} %"
    if unit == "per 1,000":
        return f"{value:.1f}"
    return words(value)


def word_ticks() -> FuncFormatter:
    """Give tick labels in words."""
    return FuncFormatter(lambda value, _position: words(value).replace(".0 ", " "))


def month_word(day: pd.Timestamp) -> str:
    """Write a month, whatever the locale."""
    names = "January February March April May June July August September October November December"
    return f"{names.split()[day.month - 1]} {day.year}"


def span_words(scenario: Scenario) -> str:
    """Write the simulated period."""
    start, end = pd.Timestamp(scenario.time.start), pd.Timestamp(scenario.time.end)
    return f"{month_word(start)} to {month_word(end)}"


def months(record: Record) -> float:
    """Give the length of the simulated period in months of 30.44 days."""
    days = (horizon(record.scenario) - pd.Timestamp(record.scenario.time.start)).days
    return max(days, 1) / DAYS_A_YEAR * 12


def names(record: Record) -> Mapping[str, str]:
    """Give the name of every country, place and corridor by id, the id where it has none."""
    if record in _names:
        return _names[record]
    scenario = record.scenario
    found = {country.id: country.name or country.id for country in scenario.countries}
    found.update({place.id: place.name or place.id for place in scenario.places})
    for corridor in scenario.corridors:
        start, end = (found.get(it, it) for it in (corridor.from_, corridor.to))
        found.setdefault(corridor.id, f"{start} to {end}")
    _names[record] = found
    return found


def the(name: str) -> str:
    """Give the name of a country or place as a sentence has it: `the United States`, `Mexico`."""
    return f"the {name}" if WITH_ARTICLE.search(name) else name


def listed(names: Sequence[str]) -> str:
    """Write names as a sentence has them: `Syria, Iraq and Turkey`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


_names: WeakKeyDictionary[Record, Mapping[str, str]] = WeakKeyDictionary()
"""Names of the runs at hand: every row of a list asks for them."""
