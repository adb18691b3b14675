"""Pictures of a run: each takes a record, draws on the axes it is given, and returns them."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator
from matplotlib.transforms import Bbox

from sim.core.state import DAYS_A_YEAR
from sim.core.terms import Harm, Threat
from sim.plots import style
from sim.plots.focus import citizens, counted, narrowed, such
from sim.results.observed import STOCKS_OBSERVED
from sim.results.record import Record
from sim.results.sums import abroad, country_of

DRAWN_ANSWERS: Final = ("necessity", "choice", "no_permission", "no_means")
"""From the bottom of the stack; `stays` is hundreds of times larger and is put in words."""
MOST_ROWS: Final = 14
"""Observed figures drawn one below the other; more are drawn as points."""
MOST_NAMES: Final = 8
"""Of the figures drawn as points, those listed below."""
KINDS: Final = {
    "refugees": ("o", style.OUTCOMES["refugee"], "refugees"),
    "asylum_seekers": ("s", style.OUTCOMES["claimant"], "asylum seekers"),
    "displaced": ("^", style.OUTCOMES["displaced"], "displaced within"),
    "arrivals": ("D", "#332288", "arrivals"),
    "deaths": ("X", style.DEATH, "deaths"),
    "foreign_born": ("P", "#997700", "foreign-born"),
    "interceptions": ("v", "#aa3377", "interceptions"),
    "kidnappings": ("h", "#ccbb44", "held captive"),
    "forced_returns": ("<", "#885522", "forced returns"),
    "separations": ("p", "#66ccee", "children separated"),
}
"""Marker, colour and words of each kind of observed figure; stocks as in other pictures."""
LEADER: Final = 20.0
"""Length of the line from a band to its name, in points."""
END_LINE: Final = 11.5
"""Room that the name of a band needs from the next, in points."""
UNDER_AXIS: Final = 42.0
"""Room for the labels of an axis and its ticks, in points."""
WIDE_RANGE: Final = 30.0
"""Ratio of largest to smallest figure from which an axis is logarithmic."""


def plot_answers(record: Record, ax: Axes | None = None) -> Axes:
    """Draw four of the five answers over time, stacked; the fifth, staying, is put in words.

    Args:
        record: a run that kept `answers`.
        ax: axes to draw on; none: those of a new figure.

    Returns:
        The axes.

    Raises:
        NoTableError: the run kept no answers.
    """
    table, unit = by_month(record, narrowed(record).answers, "answer", "heads")
    ax = style.frame(ax)
    drawn = [answer for answer in DRAWN_ANSWERS if answer in table and table[answer].any()]
    _stack(ax, table[drawn], [(style.ANSWER_WORDS[it], style.ANSWERS[it]) for it in drawn])
    ax.set_ylabel(f"heads of household {unit}", fontsize=style.TEXT)
    stays = float(table["stays"].mean()) if "stays" in table else 0.0
    style.caption(
        ax,
        record,
        answers_finding(record),
        f"Heads of household{such(record)} who would move, by what comes of it, {unit}. "
        f"Not drawn: {style.words(stays)} who stay.",
    )
    return ax


def answers_finding(record: Record) -> str:
    """Say in one sentence how many moved, of necessity, and how many could not."""
    table, unit = by_month(record, narrowed(record).answers, "answer", "heads")
    heads = table.mean()
    moved = float(heads.get("choice", 0) + heads.get("necessity", 0))
    blocked = float(heads.get("no_means", 0) + heads.get("no_permission", 0))
    who = f"households{such(record)}"
    if moved == 0:
        kept = f"on average {style.words(blocked)} {who} could not {unit}"
        return f"Nobody moved; {kept}" if blocked else "Nobody moved"
    share = 100 * float(heads.get("necessity", 0)) / moved
    text = f"On average {style.words(moved)} {who} moved {unit}, {share:.0f} % of necessity"
    return f"{text}; {style.words(blocked)} more could not" if blocked else text


def plot_threats(record: Record, ax: Axes | None = None, *, country: str | None = None) -> Axes:
    """Draw what people of one country feel of the seven threats over time, stacked.

    Args:
        record: a run that kept `insecurity`.
        ax: axes to draw on; none: those of a new figure.
        country: id of the country of stay; none: the one that most people (of the focus) left of
            necessity.

    Returns:
        The axes.

    Raises:
        NoTableError: the run kept no insecurity.
    """
    country = country or most_left(record)
    name = style.the(style.names(record).get(country, country))
    where = country_of(record)
    rows = record.insecurity
    rows = rows[rows["place"].astype(object).map(where) == country]
    table, unit = by_month(record, rows, "threat", "person_years")
    order = [threat.name for threat in Threat if threat.name in table]
    table = table[order]
    ax = style.frame(ax)
    _stack(ax, table, [(it, style.THREATS[it]) for it in order])
    ax.set_ylabel(f"insecurity-years {unit}", fontsize=style.TEXT)
    total = float(table.to_numpy().sum())
    worst = str(table.sum().idxmax()) if total > 0 else ""
    title = (
        f"In {name}, {worst} insecurity weighed most: "
        f"{100 * float(table[worst].sum()) / total:.0f} % of all that was felt"
        if worst
        else f"No insecurity was felt in {name}"
    )
    style.caption(
        ax,
        record,
        title,
        f"Felt severity of the seven threats x people x time in {name}: "
        "one insecurity-year is one person for a year at severity 1.",
    )
    return ax


def most_left(record: Record) -> str:
    """Give the country that most people of the focus left of necessity; the first, if none."""
    if "flows" in record.tables:
        flows = narrowed(record).flows
        flows = flows[abroad(record, flows) & (flows["answer"] == "necessity")]
        starts = flows["origin"].astype(object).map(country_of(record))
        left = flows["departed"].groupby(starts).sum()
        if len(left) and left.max() > 0:
            return str(left.idxmax())
    return (*record.scenario.population.focus, record.scenario.countries[0].id)[0]


def plot_observed(record: Record, ax: Axes | None = None) -> Axes:
    """Draw each observed figure beside the simulated one.

    A few are drawn one below the other; many as points about the line on which both are equal.

    Args:
        record: a run; without observed figures the axes say so.
        ax: axes to draw on; none: those of a new figure.

    Returns:
        The axes.
    """
    return (_observed_points if len(record.observed) > MOST_ROWS else _observed_rows)(record, ax)


def _observed_points(record: Record, ax: Axes | None) -> Axes:
    """Draw simulated against observed figures, both logarithmic; number those furthest apart."""
    table = record.observed
    known = (table["simulated"].notna() & (table["observed"] > 0)).to_numpy()
    seen, made = (table[name].to_numpy()[known] for name in ("observed", "simulated"))
    smallest = min([*seen, *made[made > 0]], default=1.0)
    largest = max([*seen, *made], default=10.0)
    # A logarithmic axis has no zero: what is zero stands at its lower end.
    low, high = smallest / 3, largest * 3
    ax = style.frame(ax, 4.9)
    ax.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
    line = np.array([low, high])
    ax.fill_between(line, line / 2, line * 2, color=style.RULE, alpha=0.55, linewidth=0, zorder=1)
    ax.plot(line, line, color=style.FAINT, linewidth=1, zorder=2)
    shown = np.maximum(made, low * 1.15)
    ends = [np.clip(table[name].to_numpy()[known], low, high) for name in ("low", "high")]
    ax.vlines(seen, *ends, color=style.FAINT, linewidth=1, alpha=0.3, zorder=2.5)
    kinds = table["what"].astype(str).to_numpy()[known]
    for kind, (marker, colour, word) in KINDS.items():
        if (kinds == kind).any():
            ax.scatter(
                seen[kinds == kind], shown[kinds == kind], s=48, marker=marker, color=colour,
                edgecolors="white", linewidths=0.7, zorder=4, label=word,
            )  # fmt: skip
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(LogLocator(10, numticks=6))
        axis.set_major_formatter(style.word_ticks())
        axis.set_minor_locator(NullLocator())
    ax.set_xlabel("observed people", fontsize=style.TEXT)
    ax.set_ylabel("simulated people", fontsize=style.TEXT)
    if known.any():
        ax.legend(fontsize=style.SMALL, loc="upper left", frameon=False, borderaxespad=0.2)
    apart = np.abs(np.log(shown / seen))
    listed = [row for row in np.argsort(-apart, kind="stable") if apart[row] > np.log(2)]
    listed = listed[:MOST_NAMES]
    figure = ax.get_figure(root=True)
    assert figure is not None
    # From the left edge of the picture, for they are long; of a picture of others, below the axes.
    ours = figure.get_label() == style.OURS
    edge = figure.get_figwidth() * ax.get_position().x0 - 0.06 if ours else 0.0
    inches = edge + figure.get_figwidth() * ax.get_position().width
    lines = [
        f"{i}  {style.words(seen[row])} → {style.words(made[row])}: "
        f"{observed_words(record, int(np.flatnonzero(known)[row]), brief=True)}"
        for i, row in enumerate(listed, 1)
    ]
    lines = [style.shortened(line, style.SMALL, inches) for line in lines]
    if lines:
        ax.annotate(
            "\n".join(lines), (0, 0), xytext=(-72 * edge, -UNDER_AXIS), xycoords="axes fraction",
            textcoords="offset points", fontsize=style.SMALL, color=style.INK, va="top",
            linespacing=1.25, in_layout=False, parse_math=False,
        )  # fmt: skip
    style.caption(
        ax,
        record,
        observed_finding(record),
        "Line: simulated as observed. Band: within a factor of two."
        + (" Strokes: 95 % intervals." if record.replicates > 1 else "")
        + (" Numbered: the furthest apart, observed → simulated." if lines else ""),
        below=UNDER_AXIS + 1.25 * style.SMALL * len(lines) + (8 if lines else 0),
    )
    style.settle(ax)
    points = ax.transData.transform(np.column_stack([seen, shown]))
    taken = [Bbox.from_extents(x - 8, y - 8, x + 8, y + 8) for x, y in points]
    if (legend := ax.get_legend()) is not None:
        taken.append(legend.get_window_extent())
    for i, row in enumerate(listed, 1):
        point = (float(seen[row]), float(shown[row]))
        style.label_beside(ax, f"{i}", point, taken, np.zeros((0, 2)), "bold", worst=np.inf)
    return ax


def _observed_rows(record: Record, ax: Axes | None) -> Axes:
    """Draw one row a figure, observed and simulated joined by a line."""
    table = record.observed
    ax = style.frame(ax, 0.46 * max(len(table), 2), 0.05, 0.2)
    rows = np.arange(len(table))[::-1]
    seen, made, low, high = (
        table[name].to_numpy() for name in ("observed", "simulated", "low", "high")
    )
    known = ~np.isnan(made)
    every = np.concatenate([seen, made[known], low[~np.isnan(low)], high[~np.isnan(high)]])
    positive = every[every > 0]
    logarithmic = len(positive) > 0 and positive.max() > WIDE_RANGE * positive.min()
    # A logarithmic axis has no zero: what is zero stands at its left end.
    floor = positive.min() / 3 if logarithmic else 0.0
    top = float(positive.max()) if len(positive) else 1.0
    if logarithmic:
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(10, numticks=6))
        ax.xaxis.set_minor_locator(NullLocator())
    else:
        ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(style.word_ticks())
    ax.set_xlim(floor * 0.8 if logarithmic else -0.02 * top, top * (1.6 if logarithmic else 1.06))
    seen, made, low, high = (np.maximum(it, floor) for it in (seen, made, low, high))
    ax.hlines(rows, seen, np.where(known, made, seen), color=style.RULE, linewidth=3.5, zorder=2)
    ax.hlines(rows, low, high, color=style.SIMULATED, linewidth=2.2, zorder=3)
    ax.scatter(made, rows, s=46, color=style.SIMULATED, zorder=4)
    ax.scatter(
        seen, rows, s=78, marker="D", facecolor="none", edgecolor=style.OBSERVED, linewidth=1.6,
        zorder=5,
    )  # fmt: skip
    for row, place in enumerate(rows):
        pair = f"{style.words(table['observed'].iloc[row])} → "
        pair += style.words(table["simulated"].iloc[row]) if known[row] else "not simulated"
        for text, x, side in ((observed_words(record, row), 0.0, "left"), (pair, 1.0, "right")):
            ax.annotate(
                text, (x, place), xytext=(0, 7), xycoords=("axes fraction", "data"),
                textcoords="offset points", ha=side, va="bottom", fontsize=style.SMALL,
                color=style.INK, in_layout=False,
            )  # fmt: skip
    ax.set_yticks([])
    ax.set_ylim(-0.5, max(len(table), 1) - 0.15)
    ax.spines["left"].set_visible(False)
    ax.grid(axis="x", color=style.RULE, linewidth=0.6)
    ax.set_axisbelow(True)
    scale = ", on a logarithmic scale" if logarithmic else ""
    style.caption(
        ax,
        record,
        observed_finding(record),
        f"Diamond and first figure: people observed. Dot and second: simulated{scale}."
        + (" Line: 95 % interval of the mean." if record.replicates > 1 else ""),
    )
    return ax


def observed_finding(record: Record) -> str:
    """Say in one sentence how many figures are met within a factor of two."""
    table = record.observed
    known = table["simulated"].notna()
    if not known.any():
        return "No observed figure can be compared with this run"
    ratio = (table["simulated"] / table["observed"])[known]
    near = int(((ratio >= 0.5) & (ratio <= 2)).sum())
    return f"{near} of {int(known.sum())} observed figures are met within a factor of two"


def observed_words(record: Record, row: int, *, brief: bool = False) -> str:
    """Name an observed figure: what, of whom, where and when.

    Args:
        record: the run.
        row: its number in `record.observed`.
        brief: leave the country of citizenship out; give ids where figures are of several, but
            for those of the whole focus.

    Returns:
        For example `Refugees from Syria in Lebanon, December 2014`.
    """
    figure = record.scenario.observed[row]
    names = style.names(record)
    of = style.listed([style.the(names.get(it, it)) for it in figure.of])
    at = names.get(figure.at or "", figure.at)
    inside = style.the(at) if at else ""
    whose = "" if brief else f" from {of}"
    several = len({it.of for it in record.scenario.observed}) > 1
    flow = figure.what not in STOCKS_OBSERVED
    if figure.what == "deaths":
        text = f"Deaths, {at}" if at else "Deaths on the way"
    elif figure.what in ("interceptions", "kidnappings", "separations"):
        text = figure.what.capitalize()
        who = style.PARTIES.get(figure.party or "", "")
        text += f" of {who}" if brief and who else ""
        text += ("" if brief else f" of {who or 'people'} from {of}") + (f", {at}" if at else "")
    elif figure.what == "forced_returns":
        text = "Forced returns" + ("" if brief else f" to {of}") + (f", {at}" if at else "")
    elif figure.what == "displaced":
        text = f"Displaced in {of}"
    elif figure.what == "arrivals":
        crossing = any(corridor.id == figure.at for corridor in record.scenario.corridors)
        place = f", {at}" if crossing else f" in {inside or 'all other countries'}"
        text = f"Arrivals{whose}{place}"
    else:
        kind = {
            "refugees": "Refugees", "asylum_seekers": "Asylum seekers",
            "foreign_born": "Foreign-born",
        }[figure.what]  # fmt: skip
        text = f"{kind}{whose} {f'in {inside}' if at else 'abroad'}"
    end = pd.Timestamp(figure.date)
    when = f"{end.year}" if end.month == 12 else style.month_word(end)
    if figure.since and (figure.since.year, figure.since.month) != (end.year, end.month):
        start = pd.Timestamp(figure.since)
        year = start + pd.DateOffset(months=11)
        whole = start.month == 1 and end.month == 12
        first = f"{start.year}" if whole else style.month_word(start)
        if whole and start.year == end.year:
            pass
        elif brief and (year.year, year.month) == (end.year, end.month):
            when = f"year to {style.month_word(end)[:3]} {end.year}"
        else:
            when = f"{first} to {when}"
    elif flow:
        when = f"to {when}"
    else:
        when = f"end of {when}" if end.month == 12 else when
    if brief and several and set(figure.of) != set(record.scenario.population.focus):
        text += f" ({', '.join(figure.of)})"
    return f"{text}, {when}"


def plot_harms(record: Record, ax: Axes | None = None) -> Axes:
    """Draw how many people each harm on the way befell.

    Args:
        record: a run that kept `harms`.
        ax: axes to draw on; none: those of a new figure.

    Returns:
        The axes.

    Raises:
        NoTableError: the run kept no harms.
    """
    sums = narrowed(record).harms.groupby("harm", observed=True)["people"].sum() / record.replicates
    order = sorted((it.name for it in Harm), key=lambda it: -float(sums.get(it, 0.0)))
    order = ["death"] + [it for it in order if it != "death" and sums.get(it, 0.0) > 0]
    values = np.array([float(sums.get(it, 0.0)) for it in order])
    rows = np.arange(len(order))[::-1]
    ax = style.frame(ax, 2.7, 1.32)
    colours = [style.DEATH if it == "death" else style.HARM for it in order]
    ax.barh(rows, values, color=colours, height=0.68)
    ax.set_yticks(rows, [style.HARM_WORDS[it] for it in order])
    most = max(float(values.max()), 1.0)
    for row, value in zip(rows, values, strict=True):
        ax.annotate(
            style.words(value), (value, row), xytext=(5, 0), textcoords="offset points",
            va="center", fontsize=style.TEXT, color=style.INK,
        )  # fmt: skip
    ax.set_xlim(0, most * 1.14)
    ax.set_xticks([])
    ax.tick_params(axis="y", length=0)
    ax.spines[["left", "bottom"]].set_visible(False)
    style.caption(
        ax,
        record,
        harms_finding(record),
        f"How often it befell {citizens(record)} on the way: a person counts each time, and for "
        "each harm.",
        below=6,
    )
    return ax


def harms_finding(record: Record) -> str:
    """Say in one sentence how many died, and of how many."""
    headline = narrowed(record).headline
    value = dict(zip(headline["measure"], headline["value"], strict=True))
    died = float(value["harm_death"])
    if died == 0:
        return "Nobody died on the way"
    rate = float(value["death_rate"])
    of = "" if np.isnan(rate) else (
        f": {rate:.1f} for each 1,000 who set out irregularly or for asylum"
    )  # fmt: skip
    return f"{counted(record, died)} died on the way{of}"


def by_month(
    record: Record, frame: pd.DataFrame, key: str, column: str
) -> tuple[pd.DataFrame, str]:
    """Sum a flow table by month of 30.44 days and key, as a mean over replicates.

    Months are long and short, and hold four weeks or five: as they are they would make a saw.

    Args:
        record: the run.
        frame: a table with `date`, the first day of its rows' steps.
        key: the column that becomes the columns of the result.
        column: what is summed.

    Returns:
        Rows by date, columns by key, zero where nothing happened; and the unit of time in words.
    """
    text = frame[key].astype(object)
    sums = frame.groupby([frame["date"], text])[column].sum().unstack(fill_value=0)
    sums = sums / record.replicates
    time, every = record.scenario.time, record.scenario.outputs.every
    if time.step == "month" and every > 1:
        return sums, f"in {every} months"
    months = pd.DatetimeIndex(sums.index).to_period("M").to_timestamp()
    sums = sums.groupby(months).sum()
    days = pd.Series(pd.DatetimeIndex(sums.index).days_in_month.to_numpy(), sums.index)
    if time.step == "week":
        weeks = pd.date_range(time.start, time.end, freq="7D").to_period("M").to_timestamp()
        days = 7 * weeks.value_counts().reindex(sums.index)
    return sums.mul(DAYS_A_YEAR / 12 / days, axis=0), "a month"


def _stack(ax: Axes, table: pd.DataFrame, entries: list[tuple[str, str]]) -> None:
    """Draw stacked bands over time, each with its name at its end.

    Args:
        ax: axes.
        table: rows by date, a column a band, from the bottom.
        entries: name and colour of each band.
    """
    if len(table.columns):
        colours = [colour for _, colour in entries]
        ax.stackplot(
            table.index, table.to_numpy().T, colors=colours, edgecolor="white", linewidth=0.5
        )
    ax.set_ylim(bottom=0)
    if len(table):
        first, last = table.index.min(), table.index.max()
        last = max(last, first + pd.Timedelta(days=1))
        room = _name_ends(ax, table, entries)
        ax.set_xlim(first, first + (last - first) / (1 - room))
        left, right = ax.get_xlim()
        ax.spines["bottom"].set_bounds(left, right - room * (right - left))
        time_ticks(ax, first, last)
    ax.yaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    ax.yaxis.set_major_formatter(style.word_ticks())
    ax.grid(axis="y", color=style.RULE, linewidth=0.6)
    ax.set_axisbelow(True)


def _name_ends(ax: Axes, table: pd.DataFrame, entries: list[tuple[str, str]]) -> float:
    """Name bands where they end, in their order, so that no colour is needed to tell them.

    Args:
        ax: axes whose limits from bottom to top stand.
        table: as `_stack` has it.
        entries: name and colour of each band.

    Returns:
        Share of the width that the names take.
    """
    if not entries:
        return 0.0
    box, scale = ax.get_window_extent(), style.settle(ax)
    width, height = box.width / scale, box.height / scale
    room = (max(style.length(it) for it, _ in entries) * 72 + LEADER + 4) / width
    tops = np.cumsum(table.to_numpy()[-1])
    middles = (tops - table.to_numpy()[-1] / 2) / max(ax.get_ylim()[1], 1e-12) * height
    # Upwards no closer than a line is high, and then down again from the top.
    places = np.array(middles)
    for i in range(len(places)):
        lowest = places[i - 1] + END_LINE if i else END_LINE / 2
        places[i] = max(places[i], lowest)
    for i in reversed(range(len(places))):
        highest = places[i + 1] - END_LINE if i + 1 < len(places) else height - END_LINE / 2
        places[i] = min(places[i], highest)
    start = 1 - room
    for (name, colour), middle, place in zip(entries, middles, places, strict=True):
        x = [start, start + 0.55 * LEADER / width, start + (LEADER - 3) / width]
        ax.plot(
            x, [middle / height, place / height, place / height], color=colour, linewidth=2.2,
            transform=ax.transAxes, solid_capstyle="butt", clip_on=False,
        )  # fmt: skip
        ax.annotate(
            name, (start + LEADER / width, place / height), xycoords="axes fraction", va="center",
            fontsize=style.SMALL, color=style.INK,
        )  # fmt: skip
    return room


def time_ticks(ax: Axes, first: pd.Timestamp, last: pd.Timestamp) -> None:
    """Write years, or months where there are few years; none so near the end that it is cut."""
    if (last - first).days > 3 * 365:
        days = pd.date_range(first, last, freq="YS")
        days = days[:: -(-len(days) // 8)]
        labels = [f"{day.year}" for day in days]
    else:
        days = pd.date_range(first, last - 0.07 * (last - first), freq="MS")
        days = days[:: max(-(-len(days) // 5), 1)]
        labels = [f"{style.month_word(day)[:3]} {day.year}" for day in days]
    ax.set_xticks(days, labels)


def legend(ax: Axes, entries: list[tuple[str, str]], columns: int) -> None:
    """Name the bands in room made for it above them."""
    if not entries:
        return
    bottom, top = ax.get_ylim()
    room = 0.08 + 0.1 * -(-len(entries) // columns)
    ax.set_ylim(bottom, top + (top - bottom) * room)
    ax.legend(
        handles=[Line2D([], [], color=colour, linewidth=7, label=it) for it, colour in entries],
        fontsize=style.SMALL, frameon=False, loc="upper left", ncols=columns, handlelength=1.0,
        columnspacing=1.2, borderaxespad=0.2,
    )  # fmt: skip
