"""The funnel of journeys: wanting to go, setting out, harms on the way, finding refuge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from sim.core.terms import Harm
from sim.plots import style, wording
from sim.plots.focus import citizens
from sim.results.interest import narrowed
from sim.results.intervals import Values, interval
from sim.results.record import Record
from sim.results.rows import in_rows, is_few
from sim.results.sums import at_end, per_replicate

RISKY: Final = ("asylum", "irregular")
"""Channels whose journeys lead through corridors, where people come to harm."""
WITHIN: Final = ("internal",)
MOVES: Final = ("necessity", "choice")
LATER: Final = ("forced_return",)
"""Harms drawn after arriving."""
HARMS: Final = (*(it.name for it in Harm if it.name not in ("death", *LATER)), "death")
"""Harms drawn between setting out and arriving."""
OUT: Final = "asylum or irregular"
ARRIVED: Final = "arrived"
ACCEPTED: Final = "accepted"
WOULD: Final = "would move"
REGULAR: Final = "regularly, or home"
NOTES: Final = {
    WOULD: "would move: set out, or kept from it at the end",
    REGULAR: "home: back to where they are from, also within the country",
    ACCEPTED: "accepted: refugees on arrival, without a claim",
}
"""What the source line says of a row, where there is one."""
RECOGNISED: Final = "recognised"


class Bar(NamedTuple):
    """A row of the funnel."""

    words: str
    parts: tuple[tuple[str, Values], ...]
    """Colour and people of each part, one value a replicate."""
    stage: bool = False
    """Whether it is a stage, and not what happened to people on it."""
    share: bool = True
    """Whether it is also given in per cent of those who set out."""
    counted: float | None = None
    """Of what is expected: how many people it happened to, mean over replicates."""
    rows: float = np.nan
    """Simulated persons it rests on."""

    @property
    def people(self) -> Values:
        """People in all parts, one value a replicate."""
        return np.asarray(np.sum([values for _, values in self.parts], axis=0))


def plot_funnel(record: Record, ax: Axes | None = None) -> Axes:
    """Draw who would move, who set out, what happened to them on the way, and who found refuge.

    Args:
        record: a run that kept `flows` and `harms` (and `blocked` and `claims`, for their rows).
        ax: axes to draw on; none: those of a new figure.

    Returns:
        The axes.

    Raises:
        NoTableError: the run kept no flows or no harms.
    """
    record = style.legible(record)
    bars = _bars(record)
    out = _people(bars, OUT)
    rows = np.arange(len(bars))[::-1]
    names = style.room_for([it.words for it in bars], style.SMALL, "bold")
    ax = style.frame(ax, 0.225 * len(bars), names)
    left = np.zeros(len(bars))
    for part in range(max(len(it.parts) for it in bars)):
        drawn = [i for i, it in enumerate(bars) if part < len(it.parts)]
        widths = np.array([float(bars[i].parts[part][1].mean()) for i in drawn])
        ax.barh(
            rows[drawn], widths, left=left[drawn],
            height=[0.78 if bars[i].stage else 0.5 for i in drawn],
            color=[bars[i].parts[part][0] for i in drawn],
        )  # fmt: skip
        left[drawn] += widths
    spans = [interval(it.people, low=0.0) for it in bars]
    ends = [max(it.value, it.high) if it.n > 1 else it.value for it in spans]
    if record.replicates > 1:
        ax.hlines(
            rows, [it.low for it in spans], [it.high for it in spans], color=style.INK,
            linewidth=1.0, zorder=3,
        )  # fmt: skip
    written = [
        _amount(bar) + (f" · {_per_cent(span.value / out)}" if bar.share and out > 0 else "")
        for bar, span in zip(bars, spans, strict=True)
    ]
    for row, bar, text, end in zip(rows, bars, written, ends, strict=True):
        ax.annotate(
            text, (end, row), xytext=(5, 0), textcoords="offset points", va="center",
            fontsize=style.SMALL, color=style.INK, fontweight="bold" if bar.stage else "normal",
        )  # fmt: skip
    ax.set_xlim(0, _reach(ax, ends, written))
    ax.set_ylim(-0.6, len(bars) - 0.4)
    ax.set_yticks(rows, [it.words for it in bars])
    for label, bar in zip(ax.get_yticklabels(), bars, strict=True):
        label.set_fontweight("bold" if bar.stage else "normal")
        label.set_fontsize(style.SMALL)
    ax.set_xticks([])
    ax.tick_params(axis="y", length=0)
    ax.spines["bottom"].set_visible(False)
    colours = [Patch(color=style.ANSWERS[it], label=wording.ANSWER_WORDS[it]) for it in MOVES]
    key = style.key_below(ax, colours, len(colours)) if max(ends) > 0 else 0.0
    spread = " Strokes: 95 % intervals." if record.replicates > 1 else ""
    style.caption(
        ax,
        record,
        funnel_finding(record),
        f"{wording.capital(citizens(record))}, counted at each journey and each harm; per cent of "
        f"those who set out for asylum or irregularly. Harms as they are to be expected, and in "
        f"brackets as they happened.{spread} {wording.AS_COUNTED}",
        note="; ".join(
            [words for row, words in NOTES.items() if any(it.words == row for it in bars)]
            + [wording.FEW_WORDS] * any(is_few(it.rows) for it in bars)
        ),
        below=6 + key,
    )
    return ax


def _reach(ax: Axes, ends: Sequence[float], written: Sequence[str]) -> float:
    """Give the end of the axis at which every figure has room after its bar."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    inches = figure.get_figwidth() * ax.get_position().width
    most = max(*ends, 1.0)
    for end, text in zip(ends, written, strict=True):
        # Bars have the rest of the width; never less than a quarter, in axes that are narrow.
        bar = inches - style.length(text, style.SMALL, "bold") - style.BESIDE
        most = max(most, end * inches / max(bar, inches / 4))
    return most


def funnel_finding(record: Record) -> str:
    """Say in one sentence how many of those who set out arrived, and found refuge."""
    bars = _bars(record)
    out = _people(bars, OUT)
    if out == 0:
        return "Nobody set out for asylum or irregularly"
    text = (
        "Of each 100 who set out for asylum or irregularly, "
        f"{_of_100(_people(bars, ARRIVED) / out)} arrived"
    )
    if "claims" not in record.tables:
        return text
    accepted = _people(bars, ACCEPTED)
    refuge = _of_100((accepted + _people(bars, RECOGNISED)) / out)
    how = "accepted or recognised" if accepted else "recognised"
    return f"{text} and {refuge} " + (
        f"was {how} as a refugee" if refuge == "1" else f"were {how} as refugees"
    )


def funnel_text(record: Record) -> str:
    """Say in words what the picture shows, row by row."""
    listed = "; ".join(f"{it.words} {_amount(it)}" for it in _bars(record))
    return (
        f"{funnel_finding(record)}. People, counted at each journey and each harm (harms as they "
        f"are to be expected, and in brackets as they happened): {listed}."
    )


def _amount(bar: Bar) -> str:
    """Write the people in a row, for harms with those they happened to."""
    text = wording.marked(wording.words(float(bar.people.mean())), bar.rows)
    return text if bar.counted is None else f"{text} ({wording.words(bar.counted)})"


def _people(bars: list[Bar], words: str) -> float:
    """People in a row, mean over replicates; 0, where it was left out."""
    return sum(float(it.people.mean()) for it in bars if it.words == words)


def _bars(record: Record) -> list[Bar]:
    """Give the rows from the top; those in which nothing happened are left out, but for stages."""
    if record not in _kept:
        behind = {it.words: float(it.people.sum()) for it in _count(in_rows(record))}
        _kept[record] = [
            bar if bar.counted is not None else bar._replace(rows=behind[bar.words])
            for bar in _count(record)
            if bar.stage or bar.people.any()
        ]
    return _kept[record]


_kept: WeakKeyDictionary[Record, list[Bar]] = WeakKeyDictionary()
"""Rows of recent runs: picture, title and text of a report each need them."""


def _count(record: Record) -> list[Bar]:
    """Give all rows from the top, without the simulated persons behind those that are counted."""
    it = narrowed(record)
    kept = at_end(record, it.blocked) if "blocked" in record.tables else None
    flows = it.flows
    set_out = _by_answer(record, flows, "departed")
    bars = []
    if kept is not None:
        blocked = tuple(
            (style.ANSWERS[answer], per_replicate(record, kept[kept["answer"] == answer], "people"))
            for answer in ("no_permission", "no_means")
        )
        bars.append(Bar(WOULD, (*set_out, *blocked), True, False))
        bars += [
            Bar(wording.ANSWER_WORDS[answer], (part,), False, False)
            for answer, part in zip(("no_permission", "no_means"), blocked, strict=True)
        ]
    risky, inside = (flows["channel"].isin(it) for it in (RISKY, WITHIN))
    bars.append(Bar("set out", set_out, True, False))
    for words, chosen in (("within a country", inside), (REGULAR, ~risky & ~inside)):
        values = per_replicate(record, flows[chosen], "departed")
        bars.append(Bar(words, ((style.HARM, values),), False, False))
    flows = flows[risky]
    bars.append(Bar(OUT, _by_answer(record, flows, "departed"), True))
    bars += [_harm(record, name) for name in HARMS]
    bars.append(Bar(ARRIVED, _by_answer(record, flows, "arrived"), True))
    if "claims" in record.tables:
        bars += [
            Bar(words, ((colour, _claims(record, stage)),))
            for words, stage, colour in (
                (ACCEPTED, "accepted", style.OUTCOMES["refugee"]),
                ("claimed asylum", "claimed", style.OUTCOMES["claimant"]),
                (RECOGNISED, "recognised", style.OUTCOMES["refugee"]),
                ("rejected", "rejected", style.HARM),
            )
        ]
    bars += [_harm(record, name) for name in LATER]
    return bars


def _harm(record: Record, name: str) -> Bar:
    harms = narrowed(record).harms
    colour = style.DEATH if name == "death" else style.HARM
    values = per_replicate(record, harms[harms["harm"] == name], "expected")
    headline = narrowed(record).headline
    figure = headline[headline["measure"] == f"harm_{name}"].iloc[0]
    return Bar(
        wording.HARM_WORDS[name], ((colour, values),), counted=float(figure["counted"]),
        rows=float(figure["rows"]),
    )  # fmt: skip


def _by_answer(record: Record, flows: pd.DataFrame, column: str) -> tuple[tuple[str, Values], ...]:
    """Give people in flows by answer."""
    return tuple(
        (style.ANSWERS[it], per_replicate(record, flows[flows["answer"] == it], column))
        for it in MOVES
    )


def _claims(record: Record, stage: str) -> Values:
    """Give people whose claims came to a stage, one value a replicate."""
    claims = narrowed(record).claims
    return per_replicate(record, claims[claims["stage"] == stage], "people")


def _of_100(share: float) -> str:
    """Write how many of each 100 a share is."""
    number = round(100 * share)
    return "fewer than 1" if share > 0 and number == 0 else "none" if number == 0 else f"{number}"


def _per_cent(share: float) -> str:
    """Write a share in per cent, the small ones with a decimal."""
    if 0 < share < 0.0005:
        return "< 0.1 %"
    return f"{100 * share:.0f} %" if share >= 0.0995 or share == 0 else f"{100 * share:.1f} %"
