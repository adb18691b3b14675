"""The content of the report, as text and numbers; `templates` lay it out."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from sim.core.terms import Harm, Threat
from sim.plots import style, wording
from sim.plots.focus import citizens, of_interest, row_words, such
from sim.plots.maps import flows_by_size, rows_of_flows
from sim.plots.observed import observed_finding, observed_words
from sim.plots.pictures import PICTURES
from sim.plots.sankey import END_WORDS, ends_by_country
from sim.report.first import six_figures, three_sentences
from sim.report.whom import who_words
from sim.results.interest import narrowed
from sim.results.measures import MEASURES
from sim.results.record import Record
from sim.results.rows import in_rows
from sim.results.tables import FEW

CLAIM_WORDS: Final[Mapping[str, str]] = {
    "claimed": "claimed",
    "accepted": "accepted without a claim",
    "recognised": "recognised",
    "rejected": "rejected",
}
CASE: Final = "map"
"""The picture of the first screen."""
TOP: Final = 20
"""Flows listed."""


@dataclass(frozen=True)
class Cell:
    """One cell of a table."""

    text: str
    number: float | None = None
    """Sort key; NaN: always last; none: the cell is text."""

    @property
    def key(self) -> float | None:
        """The number, if there is one."""
        return None if self.number != self.number else self.number


@dataclass(frozen=True)
class Table:
    """A table whose first column heads its rows."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    @property
    def numbers(self) -> set[int]:
        """Columns of numbers, by position."""
        return {
            column
            for row in self.rows
            for column, cell in enumerate(row)
            if cell.number is not None
        }


Shown = Table | str
"""A table, or a sentence that says why there is none."""


@dataclass(frozen=True)
class Figure:
    """One picture."""

    heading: str
    source: str
    """The file, in base64."""
    text: str
    """What it shows."""


@dataclass(frozen=True)
class Page:
    """Everything that differs between the reports of two runs."""

    title: str
    sentences: Sequence[str]
    """At most three: what a reader meets first."""
    six: Sequence[tuple[str, str, str]]
    """Figures beside the picture: the figure, its interval (empty: none), what it counts."""
    case: Figure | None
    """The picture of the case: its map."""
    description: str | None
    disclaimer: str
    replicates: int
    few: int
    """Simulated persons below which a figure is marked."""
    run: Sequence[tuple[str, str]]
    notes: Sequence[str]
    interest: str
    """Whose figures they are, in a sentence; empty: everybody's."""
    headline: Table
    figures: Sequence[Figure]
    observed: Shown
    observed_finding: str
    flows: Shown
    necessity: Shown
    harms: Shown
    money_lost: str
    """Empty: none."""
    ends: Shown
    asylum: Shown
    spending: Shown
    sources: Sequence[str]
    version: str
    command: str
    """The command that repeats the run."""


def page_of(record: Record, pictures: Mapping[str, bytes]) -> Page:
    """Compute what the report of a run shows.

    Args:
        record: the run.
        pictures: PNG files by kind of picture.
    """
    scenario = record.scenario
    return Page(
        title=scenario.title or scenario.name,
        sentences=three_sentences(record),
        six=_six(record),
        case=_figure(record, CASE, pictures[CASE]) if CASE in pictures else None,
        description=scenario.description,
        disclaimer=style.DISCLAIMER,
        replicates=record.replicates,
        few=FEW,
        run=_run(record),
        notes=[str(note) for note in record.manifest.get("notes") or ()],
        interest=_interest(record),
        headline=_headline(record),
        figures=[
            _figure(record, kind, content) for kind, content in pictures.items() if kind != CASE
        ],
        observed=_observed(record),
        observed_finding="" if record.observed.empty else _finding(record),
        flows=_flows(record),
        necessity=_necessity(record),
        harms=_harms(record),
        money_lost=_money_lost(record),
        ends=_ends(record),
        asylum=_asylum(record),
        spending=_spending(record),
        sources=[f"{source.id}: {source.text}" for source in scenario.sources],
        version=str(record.manifest.get("versions", {}).get("sim", "the same version")),
        command=_command(record),
    )


def _run(record: Record) -> list[tuple[str, str]]:
    manifest = record.manifest
    versions = manifest.get("versions", {})
    machine = manifest.get("machine", {})
    rows = [
        ("Scenario", record.scenario.name),
        ("Period", wording.span_words(record.scenario)),
        ("Step", record.scenario.time.step),
        ("Money", f"{record.money_unit}: all prices are of that year, and none is deflated"),
        ("People represented", _count(manifest.get("people"))),
        ("Simulated persons", f"{_count(manifest.get('agents'))}. {row_words(record)}."),
        ("Seed", record.seed),
        ("Replicates", record.replicates),
        ("Started", manifest.get("started", "–")),
        ("Took", f"{manifest['seconds']:.1f} s" if "seconds" in manifest else "–"),
        ("Versions", ", ".join(f"{name} {text}" for name, text in versions.items()) or "–"),
        ("Machine", ", ".join(f"{name} {text}" for name, text in machine.items()) or "–"),
        ("Scenario hash", manifest.get("scenario_hash", "–")),
    ]
    return [(name, str(text)) for name, text in rows]


def _interest(record: Record) -> str:
    """Say whose figures and pictures these are, and what the others do; empty: everybody's."""
    population = record.scenario.population
    if not population.focus:
        return ""
    said = (
        f"Figures and pictures are{of_interest(record)}. These are {citizens(record)}, "
        "wherever they live. Everybody else "
    )
    if population.others == "stay":
        said += "stays where they live, and is"
    else:
        said += "decides whether to move, too, and is"
    said += " in the tables, simulated in coarser rows."
    such_ = such(record)
    return f"{said} Answers are of households{such_}." if such_ else said


def _count(number: Any) -> str:
    return "–" if number is None else f"{number:,}"


def _six(record: Record) -> list[tuple[str, str, str]]:
    figures = []
    for words, found, rows in six_figures(record).values():
        known = found.low == found.low
        spread = f"{wording.words(found.low)} to {wording.words(found.high)}" if known else ""
        figures.append((wording.marked(wording.words(found.value), rows), spread, words))
    return figures


def _headline(record: Record) -> Table:
    rows = []
    frame = record.headline
    for measure, value, low, high, n, counted, behind in zip(
        *(frame[it] for it in ("measure", "value", "low", "high", "n", "counted", "rows")),
        strict=True,
    ):
        if n == 0 or value != value:
            continue
        unit = MEASURES[measure].unit
        spread = (
            f"{wording.figures(low, unit)} to {wording.figures(high, unit)}" if low == low else "–"
        )
        rows.append(
            [
                Cell(MEASURES[measure].text),
                Cell(wording.marked(wording.figures(value, unit), behind), float(value)),
                Cell(wording.words(counted) if counted == counted else "", float(counted)),
                *([Cell(spread, float(low))] if record.replicates > 1 else []),
                Cell("" if unit == "share" else unit),
            ]
        )
    columns = ("figure", "value", "counted", *_interval(record), "unit")
    return Table(f"Headline figures{of_interest(record)}", columns, rows)


def _interval(record: Record) -> tuple[str, ...]:
    """Give the column of intervals; with one replicate there is none."""
    return ("95 % interval",) if record.replicates > 1 else ()


def _figure(record: Record, kind: str, content: bytes) -> Figure:
    text = PICTURES[kind].text(record).rstrip(".") + "."
    return Figure(PICTURES[kind].heading, base64.b64encode(content).decode("ascii"), text)


def _observed(record: Record) -> Shown:
    frame = record.observed
    if frame.empty:
        return "The scenario gives no observed figures."
    rows = []
    for row in range(len(frame)):
        seen, made, low, high = (
            float(frame[name].iloc[row]) for name in ("observed", "simulated", "low", "high")
        )
        interval = Cell(f"{low:,.0f} to {high:,.0f}" if low == low else "–", low)
        ratio = Cell(f"{made / seen:.2f}" if made == made else "–", made / seen) if seen > 0 else (
            Cell("–")
        )  # fmt: skip
        rows.append(
            [
                Cell(observed_words(record, row)),
                Cell(who_words(record.scenario.observed[row])),
                Cell(f"{seen:,.0f}", seen),
                Cell(
                    wording.marked(f"{made:,.0f}", frame["rows"].iloc[row])
                    if made == made
                    else "not simulated",
                    made,
                ),
                *([interval] if record.replicates > 1 else []),
                ratio,
                Cell(str(frame["source"].iloc[row])),
            ]
        )
    columns = (
        "figure",
        "who counts",
        "observed",
        "simulated",
        *_interval(record),
        "ratio",
        "source",
    )
    return Table("Observed and simulated", columns, rows)


def _finding(record: Record) -> str:
    """Say how many figures are met within a factor of two, and how many of them beyond chance."""
    said, frame = observed_finding(record), record.observed
    frame = frame[frame["low"].notna() & (frame["observed"] > 0)]
    if frame.empty:
        return said
    low, high = frame["low"] / frame["observed"], frame["high"] / frame["observed"]
    sure = int(((low >= 0.5) & (high <= 2)).sum())
    return f"{said}, {sure} of them with the whole of their interval"


def _flows(record: Record) -> Shown:
    if "flows" not in record.tables:
        return "Flows were not kept."
    crossing = flows_by_size(record, within=False)
    flows = crossing or flows_by_size(record)
    if not flows:
        return "Nobody moved."
    names, behind = wording.names(record), rows_of_flows(record)
    rows = [
        [
            Cell(names[flow.origin]),
            Cell(names[flow.destination]),
            _whole(flow.arrived, behind[flow.origin, flow.destination]),
            _percent(flow.forced / flow.arrived),
        ]
        for flow in flows[:TOP]
    ]
    where = "across a border" if crossing else "within countries"
    count = f"The {TOP} largest of {len(flows)}" if len(flows) > TOP else f"All {len(flows)}"
    return Table(
        f"{count} flows {where}: {citizens(record)}",
        ("from", "to", "people who arrived", "of necessity"),
        rows,
    )


def _necessity(record: Record) -> Shown:
    if "attribution" not in record.tables:
        return "Attribution was not kept."
    frame = narrowed(record).attribution
    sums = frame.groupby("threat", observed=True)["people"].sum() / record.replicates
    behind = narrowed(in_rows(record)).attribution.groupby("threat", observed=True)["people"].sum()
    total = float(sums.sum())
    if total <= 0:
        return "Nobody moved of necessity."
    by_threat = {threat.name: float(sums.get(threat.name, 0.0)) for threat in Threat}
    return Table(
        f"Moves of necessity of people{such(record, 'attribution')}, split over what the model "
        "counts as their cause",
        ("threat", "moves", "share"),
        [
            [
                Cell(name),
                _whole(people, behind.get(name, 0.0)),
                Cell(f"{100 * people / total:.0f} %", people),
            ]
            for name, people in by_threat.items()
        ],
    )


def _harms(record: Record) -> Shown:
    if "harms" not in record.tables:
        return "Harms were not kept."
    table, counted, behind = (
        _by_corridor(record, column) for column in ("expected", "people", "rows")
    )
    if not len(table):
        return "Nobody was at risk of harm on the way."
    names = wording.names(record)
    shown = [harm.name for harm in Harm if harm.name in table.columns]
    order = table.assign(_all=table.sum(axis=1)).sort_values(
        [it for it in ("death", "_all") if it in (*table.columns, "_all")], ascending=False
    )
    of_all = (it.loc[order.index[:TOP], shown].to_numpy() for it in (table, counted, behind))
    rows = [
        [Cell(names.get(str(corridor), str(corridor))), *map(_expected, *line)]
        for corridor, *line in zip(order.index, *of_all, strict=False)
    ]
    most = f", {TOP} of {len(table)} corridors, those with most deaths" if len(table) > TOP else ""
    return Table(
        f"{wording.capital(citizens(record))}: harms to be expected of the risks that they met, "
        f"and in brackets those that happened{most}",
        ("corridor", *(wording.HARM_WORDS[harm] for harm in shown)),
        rows,
    )


def _by_corridor(record: Record, column: str) -> pd.DataFrame:
    """Sum a column of `harms` by corridor (rows) and harm (columns).

    People are means over replicates, rows those of all together.
    """
    frame = narrowed(record).harms
    sums = frame.groupby([frame["corridor"].astype(str), frame["harm"].astype(str)])[column].sum()
    return (sums / (1 if column == "rows" else record.replicates)).unstack(fill_value=0)


def _expected(number: float, counted: float, rows: float) -> Cell:
    """Write what is expected with the count behind it; nothing where nobody was at risk."""
    if not rows:
        return Cell("–", 0.0)
    text = wording.marked(wording.words(number), rows)
    return Cell(f"{text} ({wording.words(counted)})", float(number))


def _money_lost(record: Record) -> str:
    """Say how much money people lost on the way; nothing where they lost none."""
    if not len(record.tables.get("harms", ())):
        return ""
    taken = float(narrowed(record).harms["money"].sum()) / record.replicates
    return wording.money(record, taken) if taken else ""


def _ends(record: Record) -> Shown:
    if "paths" not in record.tables:
        return "Paths were not kept."
    return _by_country(
        record,
        ends_by_country,
        {name: words for name, (words, _) in END_WORDS.items()},
        f"{wording.capital(citizens(record))} whose household crossed a border, or who died or are "
        "held before one, as they were counted",
        "Nobody crossed a border.",
    )


def _asylum(record: Record) -> Shown:
    if "claims" not in record.tables:
        return "Claims were not kept."
    return _by_country(
        record,
        _claims,
        CLAIM_WORDS,
        f"{wording.capital(citizens(record))}, counted at each claim",
        "Nobody asked for asylum.",
    )


def _claims(record: Record) -> pd.DataFrame:
    """Count people by country of asylum (rows) and stage of their claim (columns)."""
    frame = narrowed(record).claims
    by = [frame[it].astype(str) for it in ("country", "stage")]
    sums = frame.groupby(by)["people"].sum() / record.replicates
    return sums.unstack(fill_value=0)


def _by_country(
    record: Record,
    sums: Callable[[Record], pd.DataFrame],
    words: Mapping[str, str],
    caption: str,
    nobody: str,
) -> Shown:
    """Show people by country (rows, the largest first) and what happened to them (columns)."""
    table, behind = sums(record), sums(in_rows(record)) * record.replicates
    shown = [it for it in words if it in table.columns and table[it].any()]
    if not shown:
        return nobody
    names = wording.names(record)
    order = table[shown].sum(axis=1).sort_values(ascending=False, kind="stable").index
    rows = [
        [
            Cell(names.get(str(country), str(country))),
            *(_whole(table.loc[country, it], behind.loc[country, it]) for it in shown),
        ]
        for country in order
    ]
    return Table(caption, ("country", *(words[it] for it in shown)), rows)


def _spending(record: Record) -> Shown:
    if "spending" not in record.tables:
        return "Spending was not kept."
    rows = [[Cell(str(item)), _whole(amount)] for item, amount in wording.spent(record).items()]
    if not rows:
        return "No public spending was booked."
    on = " on everybody" if record.scenario.population.focus else ""
    return Table(f"Public money spent{on}", ("item", record.money_unit), rows)


def _command(record: Record) -> str:
    words = ["sim", "run", "scenario.yaml", "--seed", str(record.seed)]
    if record.replicates > 1:
        words += ["--replicates", str(record.replicates)]
    return shlex.join([*words, "--out", "again"])


def _whole(number: Any, rows: float = float("nan")) -> Cell:
    """Write a number in full, with the mark if it rests on few rows."""
    return Cell(wording.marked(f"{float(number):,.0f}", rows), float(number))


def _percent(share: float) -> Cell:
    return Cell(f"{100 * share:.0f} %", float(share))
