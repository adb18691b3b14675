"""Tables of a run for the terminal, 80 columns wide."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from rich.console import (
    Console,
    ConsoleOptions,
    JustifyMethod,
    RenderableType,
    RenderResult,
)
from rich.measure import Measurement
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from sim.core.terms import Answer, Harm
from sim.plots import style, wording
from sim.plots.focus import citizens, of_interest, row_words, such
from sim.plots.maps import flows_by_size, rows_of_flows
from sim.plots.moves import mostly
from sim.plots.observed import observed_words
from sim.report.first import three_sentences
from sim.results.interest import narrowed
from sim.results.measures import MEASURES
from sim.results.record import Record

WIDTH: Final = 80
BAR: Final = 22
EIGHTHS: Final = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True)
class Bar:
    """A horizontal bar, with eighths of a cell where the terminal can show them."""

    share: float
    """Length, from 0 to 1 of `width`."""
    colour: str
    width: int = BAR

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it."""
        width = min(self.width, options.max_width)
        eighths = round(max(0.0, min(self.share, 1.0)) * width * 8)
        if self.share > 0:
            eighths = max(eighths, 1)
        if options.ascii_only:
            text = "#" * -(-eighths // 8)
        else:
            text = EIGHTHS[8] * (eighths // 8) + EIGHTHS[eighths % 8].strip()
        yield Segment(text, Style(color=self.colour))

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Ask for its width, and no less than a third of it."""
        return Measurement(self.width // 3, self.width)


def top_corridors(record: Record, rows: int = 8) -> RenderableType:
    """List the largest flows across a border, with bars; within one, if nobody crossed any.

    Args:
        record: a run; of its people, those of the focus count.
        rows: flows to list.

    Returns:
        A table; a sentence where nobody moved or no flows were kept.
    """
    if "flows" not in record.tables:
        return Text("Flows were not kept (outputs.tables).")
    crossing = flows_by_size(record, within=False)
    flows = crossing or flows_by_size(record)
    if not flows:
        return Text("Nobody moved.")
    behind = rows_of_flows(record)
    names = wording.names(record)
    where = "across a border" if crossing else "within countries"
    title = f"Largest flows {where}: {citizens(record)} who arrived"
    table = blank_table(title, ("from", "to"), ("people", ""))
    for flow in flows[:rows]:
        table.add_row(
            Text(names[flow.origin]),
            Text(names[flow.destination]),
            Text(
                wording.marked(wording.words(flow.arrived), behind[flow.origin, flow.destination])
            ),
            Bar(
                flow.arrived / flows[0].arrived,
                "white" if (most := mostly(flow)) == "both" else style.MOSTLY[most],
                12,
            ),
        )
    table.caption = captioned(
        record, "red: mostly of necessity, blue: by choice, white: both, as the model counts"
    )
    return table


def five_answers(record: Record) -> RenderableType:
    """List how often each of the five answers was given, with bars for those who would move.

    Args:
        record: a run; of its people, those of the focus count.

    Returns:
        A table; a sentence where answers were not kept.
    """
    if "answers" not in record.tables:
        return Text("Answers were not kept (outputs.tables).")
    value, low, high, behind = _headline(record)
    months = wording.months(record)
    table = blank_table(
        f"The five answers of households{such(record)}",
        ("answer",),
        ("households per month", "moves of people", ""),
    )
    most = max(
        value[f"{answer.name}_households"] for answer in Answer if answer is not Answer.stays
    )
    for answer in Answer:
        id_ = f"{answer.name}_households"
        if id_ not in value:
            continue
        stays = answer is Answer.stays
        parts = 1.0 if stays else months  # those that stay are a number on a day
        drawn = not stays and most > 0
        table.add_row(
            Text(wording.ANSWER_WORDS[answer.name]),
            Text(
                wording.marked(wording.words(value[id_] / parts), behind[id_])
                + _plus_minus(low[id_] / parts, high[id_] / parts)
            ),
            Text(
                wording.marked(wording.words(value[moved]), behind[moved])
                if (moved := f"{answer.name}_people") in value
                else "–"
            ),
            Bar(value[id_] / most, style.ANSWERS[answer.name]) if drawn else Text(""),
        )
    table.caption = captioned(
        record, "those that stay: on an average day; moves: in all, every move of every person"
    )
    return table


def harms(record: Record) -> RenderableType:
    """List deaths and harms on the way as they are to be expected, with bars, and as they happened.

    Args:
        record: a run; of its people, those of the focus count.

    Returns:
        A table; a sentence where harms were not kept.
    """
    if "harms" not in record.tables:
        return Text("Harms were not kept (outputs.tables).")
    value, low, high, behind = _headline(record)
    frame = record.headline
    counted = dict(zip(frame["measure"], frame["counted"], strict=True))
    who = f"{citizens(record)} who"
    table = blank_table("Deaths and harms on the way", (who,), ("expected", "counted", ""))
    most = max(value[f"harm_{harm.name}"] for harm in Harm)
    for harm in Harm:
        id_ = f"harm_{harm.name}"
        table.add_row(
            Text(wording.HARM_WORDS[harm.name]),
            Text(
                wording.marked(wording.words(value[id_]), behind[id_])
                + _plus_minus(low[id_], high[id_])
            ),
            Text(wording.words(counted[id_])),
            Bar(value[id_] / most if most else 0.0, "red" if harm is Harm.death else "white"),
        )
    rate = value["death_rate"]
    note = "" if rate != rate else f"{rate:.1f} deaths per 1,000 irregular or asylum journeys"
    taken = float(narrowed(record).harms["money"].sum()) / record.replicates
    note += "; " * bool(note and taken)
    note += f"{wording.money(record, taken)} lost to extortion and bribes" if taken else ""
    table.caption = captioned(record, note)
    return table


def first_sentences(record: Record) -> RenderableType:
    """Say in three sentences what became of the population of interest."""
    said = [*three_sentences(record)]
    if said and record.replicates == 1:
        said.append("This is one run; --replicates 10 shows how much depends on chance.")
    return Text("\n".join(said))


def rows_represent(record: Record) -> RenderableType:
    """Say how many people a simulated person stands for, and which figures rest on few of them."""
    return Text(f"{row_words(record)}. {wording.FEW_WORDS}.", style="dim")


def spending(record: Record, rows: int = 8) -> RenderableType:
    """List the public money spent, item by item.

    Args:
        record: a run.
        rows: items to list, the most expensive first.

    Returns:
        A table; a sentence where none was spent, or spending was not kept.
    """
    if "spending" not in record.tables:
        return Text("Spending was not kept (outputs.tables).")
    sums = wording.spent(record)
    if not len(sums):
        return Text("No public spending was booked.")
    on = ", on everybody" if record.scenario.population.focus else ""
    table = blank_table(f"Public money spent{on}, {record.money_unit}", ("item",), ("in all", ""))
    for item, amount in sums.head(rows).items():
        table.add_row(
            Text(str(item)), Text(wording.words(amount)), Bar(amount / sums.iloc[0], "white")
        )
    left = len(sums) - rows
    table.caption = captioned(record, f"{left} more in report.html" if left > 0 else "")
    return table


def observed(record: Record, rows: int = 14) -> RenderableType:
    """List observed figures with the simulated ones.

    Args:
        record: a run.
        rows: figures to list at most: first those of the day with most of them, then the others,
            last what was not simulated.

    Returns:
        A table; a sentence where the scenario gives none.
    """
    frame = record.observed
    if frame.empty:
        return Text("The scenario gives no observed figures.")
    known = frame["simulated"].notna()
    busiest = frame["date"] == frame["date"][known].mode().max()
    order = [*frame.index[known & busiest], *frame.index[known & ~busiest], *frame.index[~known]]
    table = blank_table("Observed and simulated", ("figure",), ("observed", "simulated", "ratio"))
    for row in order[:rows]:
        seen, made, low, high = (
            float(frame.loc[row, name]) for name in ("observed", "simulated", "low", "high")
        )
        table.add_row(
            Text(observed_words(record, int(row))),
            Text(wording.words(seen)),
            Text(
                wording.marked(wording.words(made), frame["rows"][row]) + _plus_minus(low, high)
                if made == made
                else "–"
            ),
            Text(f"{made / seen:.2f}" if seen > 0 and made == made else "–"),
        )
    left = len(frame) - rows
    more = f"{left} more in report.html; it" if left > 0 else "report.html"
    table.caption = captioned(record, f"{more} says whom each counts")
    return table


def scorecard(record: Record) -> RenderableType:
    """List the four marks of the scorecard: secure, orderly, regular, humane.

    Args:
        record: a run.

    Returns:
        A table.
    """
    value, low, high, behind = _headline(record)
    table = blank_table(f"Scorecard{of_interest(record)}", ("mark",), ("of 100 %", ""))
    for id_ in ("secure", "orderly", "regular", "humane"):
        made = value[id_]
        spread = "" if low[id_] != low[id_] else f" ± {50 * (high[id_] - low[id_]):.1f}"
        table.add_row(
            Text(MEASURES[id_].text),
            Text(
                wording.marked(
                    wording.figures(made, "share").replace(" %", f"{spread} %"), behind[id_]
                )
            ),
            Bar(made if made == made else 0.0, "green", 14),
        )
    table.caption = captioned(record, "averages over all people and years, places at war or not")
    return table


def blank_table(title: str, left: Iterable[str], right: Iterable[str]) -> Table:
    """Give a table without rows: words to the left, figures to the right."""
    table = Table(
        title=Text(title, style="bold"), title_justify="left", caption_justify="left",
        box=None, padding=(0, 1, 0, 0), width=WIDTH, show_edge=False,
    )  # fmt: skip
    for name in left:
        table.add_column(Text(name), header_style="dim", overflow="ellipsis", no_wrap=True, ratio=1)
    for name in right:
        side: JustifyMethod = "right" if name else "left"  # a column without a name holds bars
        table.add_column(Text(name), header_style="dim", no_wrap=True, justify=side)
    return table


def captioned(record: Record, note: str) -> Text:
    """Give the line below a table."""
    times = record.replicates
    mean = f"mean of {times} replicates ± half the 95 % interval" if times > 1 else ""
    return Text("; ".join(part for part in (note, mean) if part), style="dim")


def _plus_minus(low: float, high: float) -> str:
    return "" if low != low else f" ± {wording.words((high - low) / 2)}"


def _headline(record: Record) -> tuple[dict[str, float], ...]:
    """Give value, low, high and rows of the headline figures by id."""
    frame = record.headline
    return tuple(
        dict(zip(frame["measure"], frame[name].astype(float), strict=True))
        for name in ("value", "low", "high", "rows")
    )
