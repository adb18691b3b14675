"""Pictures of a run over time, and of its harms.

Each takes a record, draws on the axes it is given, and returns them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from sim.core.state import DAYS_A_YEAR
from sim.core.terms import Harm, Threat
from sim.plots import style, wording
from sim.plots.focus import citizens, such
from sim.results.interest import narrowed
from sim.results.record import Record
from sim.results.rows import is_few
from sim.results.sums import abroad, country_of

DRAWN_ANSWERS: Final = ("necessity", "choice", "no_permission", "no_means")
"""From the bottom of the stack; those that stay are far more, and are put in words."""
LEADER: Final = 20.0
"""Length of the line from a band to its name, in points."""
USUAL: Final = 0.9
"""Share of the months that are taken as usual, where peaks may be cut off."""
SPIKE: Final = 3.0
HEADROOM: Final = 1.5
"""How far a peak has to exceed the usual to be cut off, and how far the axis then does."""
END_LINE: Final = 11.5
"""Room that the name of a band needs from the next, in points."""


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
    record = style.legible(record)
    table, unit = by_month(record, narrowed(record).answers, "answer", "households")
    ax = style.frame(ax)
    drawn = [answer for answer in DRAWN_ANSWERS if answer in table and table[answer].any()]
    cut = _stack(ax, table[drawn], [(wording.ANSWER_WORDS[it], style.ANSWERS[it]) for it in drawn])
    ax.set_ylabel(f"households {unit}", fontsize=style.TEXT)
    stay = ""
    if "at_risk" in record.tables:
        stays = narrowed(record).at_risk["household_days"].sum() / record.replicates
        days = (record.scenario.time.end - record.scenario.time.start).days + 1
        stay = f" Not drawn: {wording.words(stays / days)} that stay, on an average day."
    style.caption(
        ax,
        record,
        answers_finding(record),
        f"Households{such(record)} that would move, by outcome, {unit}.{cut}{stay} "
        f"{wording.AS_COUNTED}",
    )
    return ax


def answers_finding(record: Record) -> str:
    """Say in one sentence how many moved, of necessity, and how many could not."""
    table, unit = by_month(record, narrowed(record).answers, "answer", "households")
    heads = table.mean()
    moved = float(heads.get("choice", 0) + heads.get("necessity", 0))
    blocked = float(heads.get("no_means", 0) + heads.get("no_permission", 0))
    who = f"households{such(record)}"
    if moved == 0:
        kept = f"on average {wording.words(blocked)} {who} could not {unit}"
        return f"Nobody moved; {kept}" if blocked else "Nobody moved"
    share = 100 * float(heads.get("necessity", 0)) / moved
    text = f"On average {wording.words(moved)} {who} moved {unit}, {share:.0f} % of necessity"
    return f"{text}; {wording.words(blocked)} more could not" if blocked else text


def plot_threats(record: Record, ax: Axes | None = None, *, country: str | None = None) -> Axes:
    """Draw how insecure people (of the focus) in one country are, stacked by the seven threats.

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
    record = style.legible(record)
    country = country or most_left(record)
    name = wording.the(wording.names(record).get(country, country))
    where = country_of(record)
    rows = narrowed(record).insecurity
    rows = rows[rows["place"].astype(object).map(where) == country]
    table, unit = by_month(record, rows, "threat", "person_years")
    order = [threat.name for threat in Threat if threat.name in table]
    table = table[order]
    ax = style.frame(ax)
    cut = _stack(ax, table, [(it, style.THREATS[it]) for it in order])
    ax.set_ylabel(f"insecurity-years {unit}", fontsize=style.TEXT)
    total = float(table.to_numpy().sum())
    worst = str(table.sum().idxmax()) if total > 0 else ""
    title = (
        f"As the scenario assumes, {worst} insecurity weighed most in {name}: "
        f"{100 * float(table[worst].sum()) / total:.0f} % of all that was felt"
        if worst
        else f"No insecurity was felt in {name}"
    )
    style.caption(
        ax,
        record,
        title,
        f"Felt severity of the seven threats x {citizens(record)} x time in {name}: "
        f"one insecurity-year is one person for a year at severity 1.{cut}",
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


def plot_harms(record: Record, ax: Axes | None = None) -> Axes:
    """Draw how many people each harm on the way is expected to strike, and how many it struck.

    Args:
        record: a run that kept `harms`.
        ax: axes to draw on; none: those of a new figure.

    Returns:
        The axes.

    Raises:
        NoTableError: the run kept no harms.
    """
    record = style.legible(record)
    record.table("harms")
    headline = narrowed(record).headline.set_index("measure")
    table = headline.loc[[f"harm_{it.name}" for it in Harm]].set_axis([it.name for it in Harm])
    table = table.sort_values("value", ascending=False, kind="stable")
    struck = table.index[table["value"] > 0]
    table = table.loc[["death", *(it for it in struck if it != "death")]]
    order, values = list(table.index), table["value"].to_numpy()
    rows = np.arange(len(order))[::-1]
    names = [wording.HARM_WORDS[it] for it in order]
    ax = style.frame(ax, 0.34 * len(order), style.room_for(names, style.TEXT))
    colours = [style.DEATH if it == "death" else style.HARM for it in order]
    ax.barh(rows, values, color=colours, height=0.68)
    ax.set_yticks(rows, names)
    most = max(float(values.max()), 1.0)
    for row, value, counted, behind in zip(
        rows, values, table["counted"], table["rows"], strict=True
    ):
        ax.annotate(
            f"{wording.marked(wording.words(value), behind)} ({wording.words(counted)})",
            (value, row), xytext=(5, 0), textcoords="offset points", va="center",
            fontsize=style.TEXT, color=style.INK,
        )  # fmt: skip
    ax.set_xlim(0, most * 1.36)
    ax.set_xticks([])
    ax.tick_params(axis="y", length=0)
    ax.spines[["left", "bottom"]].set_visible(False)
    style.caption(
        ax,
        record,
        harms_finding(record),
        f"How often each harm is to be expected of the risks that {citizens(record)} met on the "
        "way; in brackets, how often it happened to simulated persons, times the people they "
        "stand for.",
        note=_few_note(table["rows"]),
        below=6,
    )
    return ax


def harms_finding(record: Record) -> str:
    """Say in one sentence how many deaths were to be expected, and of how many people."""
    headline = record.headline
    value = dict(zip(headline["measure"], headline["value"], strict=True))
    died = float(value["harm_death"])
    if died == 0:
        return "No risk of death was met on the way"
    rate = float(value["death_rate"])
    of = "" if np.isnan(rate) else (
        f": {rate:.1f} for each 1,000 who set out irregularly or for asylum"
    )  # fmt: skip
    deaths = "1 death" if round(died) == 1 else f"{wording.words(died)} deaths"
    whose = f" of {citizens(record)}" if record.scenario.population.focus else ""
    return f"The risks met on the way amount to {deaths}{whose}{of}"


def _few_note(rows: Iterable[float]) -> str:
    """Say what the mark means, where a figure has it."""
    return wording.FEW_WORDS if any(is_few(it) for it in rows) else ""


def by_month(
    record: Record, frame: pd.DataFrame, key: str, column: str
) -> tuple[pd.DataFrame, str]:
    """Sum a flow table by month of 30.44 days and key, as a mean over replicates.

    Without this, long and short months, or months of four and five weeks, would give a zigzag line.

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
        return sums, f"per {every} months"
    months = pd.DatetimeIndex(sums.index).to_period("M").to_timestamp()
    sums = sums.groupby(months).sum()
    days = pd.Series(pd.DatetimeIndex(sums.index).days_in_month.to_numpy(), sums.index)
    if time.step == "week":
        weeks = pd.date_range(time.start, time.end, freq="7D").to_period("M").to_timestamp()
        days = 7 * weeks.value_counts().reindex(sums.index)
    return sums.mul(DAYS_A_YEAR / 12 / days, axis=0), "per month"


def _stack(ax: Axes, table: pd.DataFrame, entries: list[tuple[str, str]]) -> str:
    """Draw stacked bands over time, each with its name at its end.

    Args:
        ax: axes.
        table: rows by date, a column a band, from the bottom.
        entries: name and colour of each band.

    Returns:
        A sentence for the subtitle, where a peak is cut off.
    """
    if len(table.columns):
        colours = [colour for _, colour in entries]
        ax.stackplot(
            table.index, table.to_numpy().T, colors=colours, edgecolor="white", linewidth=0.3
        )
    ax.set_ylim(bottom=0)
    cut = _cut(ax, table.sum(axis=1))
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
    return cut


def _cut(ax: Axes, totals: pd.Series[float]) -> str:
    """Cut the axis where a few peaks would press all the rest flat; write what they reach.

    Returns:
        A sentence that says so, or nothing.
    """
    usual = float(totals.quantile(USUAL)) if len(totals) else 0.0
    beyond = totals[totals > SPIKE * usual]
    if not usual or not len(beyond):
        return ""
    top = HEADROOM * usual
    ax.set_ylim(0, top)
    day, value = pd.Timestamp(beyond.index[int(np.argmax(beyond))]), float(beyond.max())
    first, last = totals.index.min(), totals.index.max()
    early = day < first + (last - first) / 2
    ax.annotate(
        f"↑ {wording.words(value)} in {wording.month_word(day)}", (day, top),
        xytext=(6 if early else -6, -3), textcoords="offset points", va="top",
        ha="left" if early else "right", fontsize=style.SMALL, color=style.INK,
    )  # fmt: skip
    return " The axis is cut." if len(beyond) == 1 else f" The axis is cut at {len(beyond)} peaks."


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
    most = max(ax.get_ylim()[1], 1e-12)
    bottoms = np.minimum(tops - table.to_numpy()[-1], most)
    middles = (bottoms + np.minimum(tops, most)) / 2 / most * height
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
        labels = [f"{wording.month_word(day)[:3]} {day.year}" for day in days]
    ax.set_xticks(days, labels)


def legend(ax: Axes, entries: list[tuple[str, str]], columns: int) -> None:
    """Name the bands in room made for it above them."""
    if not entries:
        return
    bottom, top = ax.get_ylim()
    room = 0.08 + 0.1 * -(-len(entries) // columns)
    ax.set_ylim(bottom, top + (top - bottom) * room)
    ax.legend(
        handles=[
            Line2D([], [], color=colour, linewidth=7, label=style.plain(name))
            for name, colour in entries
        ],
        fontsize=style.SMALL, frameon=False, loc="upper left", ncols=columns, handlelength=1.0,
        columnspacing=1.2, borderaxespad=0.2,
    )  # fmt: skip
