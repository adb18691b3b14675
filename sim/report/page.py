"""The report: one HTML file that needs nothing else, for people who were not there."""

from __future__ import annotations

import base64
import os
import shlex
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final, NamedTuple

import pandas as pd
from matplotlib.axes import Axes

from sim.core.terms import Harm, Threat
from sim.plots import style
from sim.plots.bands import bands_text, plot_bands
from sim.plots.focus import citizens, narrowed, such
from sim.plots.funnel import funnel_text, plot_funnel
from sim.plots.maps import flows_by_size, map_finding, plot_map
from sim.plots.figures import (
    answers_finding,
    harms_finding,
    most_left,
    observed_finding,
    observed_words,
    plot_answers,
    plot_harms,
    plot_observed,
    plot_threats,
)
from sim.plots.sankey import END_WORDS, ends_by_country, plot_sankey, sankey_text
from sim.results.measures import MEASURES
from sim.results.record import Record

REPORT: Final = "report.html"
CLAIM_WORDS: Final[Mapping[str, str]] = {
    "claimed": "claimed",
    "accepted": "accepted without a claim",
    "recognised": "recognised",
    "rejected": "rejected",
}
TOP: Final = 20
"""Flows listed."""


class Picture(NamedTuple):
    """One picture of the report."""

    heading: str
    plot: Callable[[Record], Axes]
    needs: tuple[str, ...]
    """The tables without which there is no picture."""
    text: Callable[[Record], str]
    """What it shows, in words, for those who cannot see it."""


PICTURES: Final[Mapping[str, Picture]] = {
    "map": Picture("Where people went", plot_map, ("flows",), lambda it: map_text(it)),
    "sankey": Picture(
        "From where, by which way, to what end",
        plot_sankey,
        ("paths",),
        lambda it: sankey_text(it),
    ),
    "answers": Picture(
        "Who moved, who could not", plot_answers, ("answers",), lambda it: answers_finding(it)
    ),
    "threats": Picture(
        "What people felt", plot_threats, ("insecurity",), lambda it: threats_text(it)
    ),
    "funnel": Picture(
        "From setting out to refuge", plot_funnel, ("flows", "harms"), lambda it: funnel_text(it)
    ),
    "harms": Picture("Harm on the way", plot_harms, ("harms",), lambda it: harms_finding(it)),
    "bands": Picture(
        "Abroad and displaced, over time", plot_bands, ("stocks",), lambda it: bands_text(it)
    ),
    "observed": Picture(
        "Observed and simulated", plot_observed, (), lambda it: observed_finding(it)
    ),
}

LEFT_OUT: Final = """\
It is a model, not a forecast: it says what follows from its assumptions, not what will happen.
A move of necessity is one in excess of what the same people would do if every threat were at its \
tolerable level. That is a count under this model, not proof of what drove one person.
Harms are those on the way. Deaths, injuries and losses at home, in camps or after arrival are not \
counted, and neither are raids and detention after arrival, nor violence by sex or status.
People are born, age and die a natural death; marriage and households set up anew are left out.
People set out household by household and by their own decision, in a caravan only where the \
scenario calls one; nobody is moved within a country by others. Trafficking is a captivity that \
ends.
Nobody comes to study or visit, or by resettlement; nobody is naturalised or overstays. Newcomers \
settle with the years, but learn no language and have no second generation of its own.
Incomes, prices and populations of places change through threats and moves only.
No government's budget binds it. Public opinion, elections, free movement and rules that are \
announced play a part only where the scenario states them.
Many coefficients are assumptions. The scenario marks which figures were measured, and by whom.
Intervals say how much depends on chance, as seen between replicates. They say nothing about wrong \
assumptions or wrong data.
Observed figures are registrations: they miss people who did not register, and count some twice.
One person can move, arrive or be harmed several times; moves and harms count every time.
""".splitlines()
"""Limits that hold for every run, one a line; `docs/model.md`, section 5, has them in full."""


def write_report(record: Record, directory: str | Path, *, png: Sequence[str] = ()) -> Path:
    """Write `report.html`, which shows the whole run and loads nothing from elsewhere.

    Args:
        record: the run.
        directory: an existing folder, usually the run's.
        png: names of `PICTURES` that are also written as files of their own, `map.png` and so on.

    Returns:
        Path of the report.

    Raises:
        OSError: the folder cannot be written.
    """
    folder = Path(directory)
    drawn = {name: draw(record, name) for name in PICTURES if _has(record, PICTURES[name])}
    for name in png:
        if name in drawn:
            _write(folder / f"{name}.png", drawn[name])
    path = folder / REPORT
    _write(path, render(record, drawn).encode("utf-8"))
    return path


def draw(record: Record, name: str) -> bytes:
    """Draw one of `PICTURES`.

    Args:
        record: the run.
        name: which.

    Returns:
        A PNG file.
    """
    return style.as_file(PICTURES[name].plot(record))


def render(record: Record, pictures: Mapping[str, bytes]) -> str:
    """Write the report as HTML.

    Args:
        record: the run.
        pictures: PNG files by name of `PICTURES`.

    Returns:
        A complete document.
    """
    title = record.scenario.title or record.scenario.name
    sections = (
        ("run", "What was run", _run(record)),
        ("headline", "Headline figures", _headline(record)),
        ("pictures", "Pictures", _pictures(record, pictures)),
        ("observed", "Observed beside simulated", _observed(record)),
        ("flows", "Largest flows", _flows(record)),
        ("necessity", "What necessity came from", _attribution(record)),
        ("harms", "Harm on the way, by corridor", _harms(record)),
        ("ends", "Where people were at the end", _ends(record)),
        ("asylum", "Claims for asylum", _asylum(record)),
        ("spending", "Public money spent", _spending(record)),
        ("limits", "What the model leaves out", _list(LEFT_OUT)),
        ("sources", "Sources", _sources(record)),
        ("repeat", "How to repeat it", _repeat(record)),
    )
    contents = "".join(f'<li><a href="#{id_}">{text}</a></li>' for id_, text, _ in sections)
    body = "".join(
        f'<section aria-labelledby="{id_}"><h2 id="{id_}">{text}</h2>{content}</section>'
        for id_, text, content in sections
    )
    description = record.scenario.description
    about = f"<p>{escape(description)}</p>" if description else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="'
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        "script-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{CSS}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#main">Skip to the report</a>\n'
        f'<header><h1>{escape(title)}</h1><p class="warning">'
        f"This is {style.DISCLAIMER}.</p>{about}"
        f'<nav aria-label="Contents"><ul>{contents}</ul></nav></header>\n'
        f'<main id="main">{body}</main>\n<p id="sorted" role="status" class="heard"></p>\n'
        f"<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def threats_text(record: Record) -> str:
    """Say how the seven threats weighed in the country whose picture is drawn."""
    country = most_left(record)
    places = [place.id for place in record.scenario.places if place.country == country]
    frame = record.insecurity
    rows = frame[frame["place"].isin(places)]
    sums = rows.groupby("threat", observed=True)["person_years"].sum()
    name, total = style.the(style.names(record)[country]), float(sums.sum())
    if total <= 0:
        return f"No insecurity was felt in {name}."
    parts = (f"{it.name} {100 * float(sums.get(it.name, 0.0)) / total:.0f} %" for it in Threat)
    return f"Shares of the seven threats in all that was felt in {name}: {', '.join(parts)}."


def map_text(record: Record) -> str:
    """Say in words what the map shows."""
    names = style.names(record)
    flows = flows_by_size(record, by="country")[:5] or flows_by_size(record)[:5]
    listed = "; ".join(
        f"{names[it.origin]} to {names[it.destination]} {style.words(it.arrived)}" for it in flows
    )
    return f"{map_finding(record)}." + (f" Largest flows: {listed}." if listed else "")


def _has(record: Record, picture: Picture) -> bool:
    if picture is PICTURES["observed"]:
        return len(record.scenario.observed) > 0
    return all(it in record.tables for it in picture.needs)


def _write(path: Path, content: bytes) -> None:
    """Write a file whole: beside its place first, then renamed."""
    partial = path.with_name(f".{path.name}.{os.getpid()}-{time.time_ns()}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _run(record: Record) -> str:
    manifest = record.manifest
    versions = manifest.get("versions", {})
    machine = manifest.get("machine", {})
    rows = [
        ("Scenario", record.scenario.name),
        ("Period", style.span_words(record.scenario)),
        ("Step", record.scenario.time.step),
        ("Money", f"{record.money_unit}: prices of that year throughout, nothing is deflated"),
        ("People represented", _count(manifest.get("people"))),
        ("Agents", _count(manifest.get("agents"))),
        ("Seed", record.seed),
        ("Replicates", record.replicates),
        ("Started", manifest.get("started", "–")),
        ("Took", f"{manifest['seconds']:.1f} s" if "seconds" in manifest else "–"),
        ("Versions", ", ".join(f"{name} {text}" for name, text in versions.items()) or "–"),
        ("Machine", ", ".join(f"{name} {text}" for name, text in machine.items()) or "–"),
        ("Scenario hash", manifest.get("scenario_hash", "–")),
    ]
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(text))}</dd>" for name, text in rows)
    notes = manifest.get("notes") or []
    return f"<dl>{items}</dl>" + (f"<h3>Notes</h3>{_list(notes)}" if notes else "")


def _count(number: Any) -> str:
    return "–" if number is None else f"{number:,}"


def _headline(record: Record) -> str:
    rows: list[tuple[str | _Cell, ...]] = []
    frame = record.headline
    for measure, value, low, high, n in zip(
        *(frame[name] for name in ("measure", "value", "low", "high", "n")), strict=True
    ):
        if n == 0 or value != value:
            continue
        unit = MEASURES[measure].unit
        spread = f"{style.figures(low, unit)} to {style.figures(high, unit)}" if low == low else "–"
        rows.append(
            (
                MEASURES[measure].text,
                _cell(style.figures(value, unit), value),
                *([_cell(spread, low)] if record.replicates > 1 else []),
                "" if unit == "share" else unit,
            )
        )
    note = (
        f"<p>Means over {record.replicates} replicates, with the 95 % interval of the mean.</p>"
        if record.replicates > 1
        else "<p>One replicate, so no intervals: <code>--replicates 10</code> shows what hangs "
        "on chance.</p>"
    )
    note += (
        "<p>The four marks: <em>secure</em> is one minus insecurity-years over seven times the "
        "years lived; <em>orderly</em> the share of arrivals abroad for work, family or home, plus "
        "those for asylum as far as claims are decided; <em>regular</em> the share of arrivals "
        "abroad that were not irregular; <em>humane</em> one minus harms over departures abroad."
        "</p>"
    )
    if record.scenario.population.focus:
        note += (
            "<p>They are about everybody in the scenario, natives of host countries too. Pictures "
            f"and lists below are about {escape(citizens(record))}, or households"
            f"{escape(such(record))}, as they say: all others are simulated in coarse rows, whose "
            "single moves say little.</p>"
        )
    columns = ("figure", "value", *_interval(record), "unit")
    return note + _table("Headline figures", columns, rows)


def _interval(record: Record) -> tuple[str, ...]:
    """Give the column of intervals, which one replicate does not have."""
    return ("95 % interval",) if record.replicates > 1 else ()


def _pictures(record: Record, pictures: Mapping[str, bytes]) -> str:
    parts = []
    for name, content in pictures.items():
        text = PICTURES[name].text(record).rstrip(".") + "."
        source = base64.b64encode(content).decode("ascii")
        parts.append(
            f"<figure><h3>{PICTURES[name].heading}</h3>"
            f'<img src="data:image/png;base64,{source}" alt="{escape(text)}">'
            # It would be heard twice; seen, it is words to select and search.
            f'<figcaption aria-hidden="true">{escape(text)}</figcaption></figure>'
        )
    return "".join(parts) or "<p>The tables that pictures need were not kept.</p>"


def _observed(record: Record) -> str:
    frame = record.observed
    if frame.empty:
        return "<p>The scenario gives no observed figures.</p>"
    rows: list[tuple[str | _Cell, ...]] = []
    for row in range(len(frame)):
        seen, made, low, high = (
            float(frame[name].iloc[row]) for name in ("observed", "simulated", "low", "high")
        )
        rows.append(
            (
                observed_words(record, row),
                _cell(f"{seen:,.0f}", seen),
                _cell(f"{made:,.0f}" if made == made else "not simulated", made),
                *(
                    [_cell(f"{low:,.0f} to {high:,.0f}" if low == low else "–", low)]
                    if record.replicates > 1
                    else []
                ),
                _cell(f"{made / seen:.2f}" if seen > 0 and made == made else "–", made / seen)
                if seen > 0
                else "–",
                str(frame["source"].iloc[row]),
            )
        )
    columns = ("figure", "observed", "simulated", *_interval(record), "ratio", "source")
    return (
        f"<p>{escape(observed_finding(record))}. Refugees are compared with everybody from there "
        "who is abroad as refugee, asylum seeker or without papers, since host states register "
        "people on arrival.</p>" + _table("Observed beside simulated", columns, rows)
    )


def _flows(record: Record) -> str:
    if "flows" not in record.tables:
        return "<p>Flows were not kept.</p>"
    crossing = flows_by_size(record, within=False)
    flows = crossing or flows_by_size(record)
    names = style.names(record)
    rows = [
        (
            names[flow.origin],
            names[flow.destination],
            _cell(f"{flow.arrived:,.0f}", flow.arrived),
            _cell(f"{100 * flow.forced / flow.arrived:.0f} %", flow.forced / flow.arrived),
        )
        for flow in flows[:TOP]
    ]
    if not rows:
        return "<p>Nobody moved.</p>"
    columns = ("from", "to", "people who arrived", "of necessity")
    where = "across a border" if crossing else "within countries"
    count = f"The {TOP} largest of {len(flows)}" if len(flows) > TOP else f"All {len(flows)}"
    return _table(f"{count} flows {where}: {citizens(record)}", columns, rows)


def _attribution(record: Record) -> str:
    if "attribution" not in record.tables:
        return "<p>Attribution was not kept.</p>"
    frame = narrowed(record).attribution
    sums = frame.groupby("threat", observed=True)["people"].sum() / record.replicates
    total = float(sums.sum())
    if total <= 0:
        return "<p>Nobody moved of necessity.</p>"
    rows = [
        (
            threat.name,
            _cell(f"{float(sums.get(threat.name, 0.0)):,.0f}", float(sums.get(threat.name, 0.0))),
            _cell(
                f"{100 * float(sums.get(threat.name, 0.0)) / total:.0f} %",
                float(sums.get(threat.name, 0.0)),
            ),
        )
        for threat in Threat
    ]
    return _table(
        f"People{such(record, 'attribution')} who moved of necessity, split over what they felt",
        ("threat", "people", "share"),
        rows,
    )


def _harms(record: Record) -> str:
    if "harms" not in record.tables:
        return "<p>Harms were not kept.</p>"
    frame = narrowed(record).harms
    sums = frame.groupby([frame["corridor"].astype(str), frame["harm"].astype(str)])["people"].sum()
    table = (sums / record.replicates).unstack(fill_value=0)
    if not len(table):
        return "<p>Nobody came to harm on the way.</p>"
    names = style.names(record)
    shown = [harm.name for harm in Harm if harm.name in table.columns]
    order = table.assign(_all=table.sum(axis=1)).sort_values(
        [it for it in ("death", "_all") if it in (*table.columns, "_all")], ascending=False
    )
    rows: list[tuple[str | _Cell, ...]] = [
        (
            names.get(str(corridor), str(corridor)),
            *(_cell(f"{float(line[harm]):,.0f}", float(line[harm])) for harm in shown),
        )
        for corridor, line in order.head(TOP).iterrows()
    ]
    columns = ("corridor", *(style.HARM_WORDS[harm] for harm in shown))
    most = f", {TOP} of {len(table)} corridors, those with most deaths" if len(table) > TOP else ""
    taken = float(frame["money"].sum()) / record.replicates
    note = f"<p>Taken from them: {escape(style.money(record, taken))}.</p>" if taken else ""
    title = f"{style.capital(citizens(record))} to whom it happened{most}"
    return _table(title, columns, rows) + note


def _ends(record: Record) -> str:
    if "paths" not in record.tables:
        return "<p>Paths were not kept.</p>"
    return _crossed(
        ends_by_country(record),
        {name: words for name, (words, _) in END_WORDS.items()},
        f"{style.capital(citizens(record))} who crossed a border, or died or are held before one",
        "<p>Nobody crossed a border.</p>",
        style.names(record),
    )


def _asylum(record: Record) -> str:
    if "claims" not in record.tables:
        return "<p>Claims were not kept.</p>"
    frame = narrowed(record).claims
    by = [frame[it].astype(str) for it in ("country", "stage")]
    sums = frame.groupby(by)["people"].sum() / record.replicates
    title = f"{style.capital(citizens(record))}, counted at each claim"
    nobody = "<p>Nobody asked for asylum.</p>"
    return _crossed(sums.unstack(fill_value=0), CLAIM_WORDS, title, nobody, style.names(record))


def _crossed(
    table: pd.DataFrame, words: Mapping[str, str], title: str, nobody: str, names: Mapping[str, str]
) -> str:
    """Write people by country (rows, the largest first) and what became of them (columns)."""
    shown = [it for it in words if it in table.columns and table[it].any()]
    if not shown:
        return nobody
    order = table[shown].sum(axis=1).sort_values(ascending=False, kind="stable").index
    rows: list[tuple[str | _Cell, ...]] = [
        (
            names.get(str(country), str(country)),
            *(_cell(f"{float(table.loc[country, it]):,.0f}", float(table.loc[country, it]))
              for it in shown),
        )
        for country in order
    ]  # fmt: skip
    return _table(title, ("country", *(words[it] for it in shown)), rows)


def _spending(record: Record) -> str:
    if "spending" not in record.tables:
        return "<p>Spending was not kept.</p>"
    rows: list[tuple[str | _Cell, ...]] = [
        (str(item), _cell(f"{amount:,.0f}", amount)) for item, amount in style.spent(record).items()
    ]
    if not rows:
        return "<p>No public spending was booked.</p>"
    return _table("Public money spent", ("item", record.money_unit), rows)


def _sources(record: Record) -> str:
    items = [f"{source.id}: {source.text}" for source in record.scenario.sources]
    outlines = (
        "Country outlines: Natural Earth, through world-atlas 2.0.2 (ISC licence). Boundaries are "
        "no statement about the status of any territory."
    )
    return _list([*items, outlines])


def _repeat(record: Record) -> str:
    command = ["sim", "run", "scenario.yaml", "--seed", str(record.seed)]
    if record.replicates > 1:
        command += ["--replicates", str(record.replicates)]
    command += ["--out", "again"]
    version = record.manifest.get("versions", {}).get("sim", "the same version")
    return (
        "<p>In the folder of this report, with sim "
        f"{escape(str(version))}:</p><pre><code>{escape(shlex.join(command))}</code></pre>"
        "<p>The same scenario, seed and versions give the same tables, whatever the number of "
        "threads.</p>"
    )


class _Cell(NamedTuple):
    """A number of a table, as read and as sorted."""

    text: str
    key: float


def _cell(text: str, key: float) -> _Cell:
    return _Cell(text, key)


def _table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str | _Cell]]) -> str:
    """Write a table whose first column heads its rows."""
    rows = list(rows)
    numbers = {it for row in rows for it, cell in enumerate(row) if isinstance(cell, _Cell)}
    head = "".join(
        f'<th scope="col"{NUMBER if it in numbers else ""}>{escape(name)}</th>'
        for it, name in enumerate(columns)
    )
    body = []
    for first, *others in rows:
        cells = [f'<th scope="row">{escape(str(first))}</th>']
        for cell in others:
            if isinstance(cell, _Cell):
                key = f' data-key="{cell.key!r}"' if cell.key == cell.key else ""
                cells.append(f"<td{NUMBER}{key}>{escape(cell.text)}</td>")
            else:
                cells.append(f"<td>{escape(cell)}</td>")
        body.append(f"<tr>{''.join(cells)}</tr>")
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="Table: {escape(caption)}">'
        f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def _list(items: Iterable[object]) -> str:
    return "<ul>" + "".join(f"<li>{escape(str(item))}</li>" for item in items) + "</ul>"


NUMBER: Final = ' class="number"'

CSS: Final = """
:root{color-scheme:light}
body{font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;
color:#222;background:#fff;max-width:60rem;margin:0 auto;padding:1rem}
h1{line-height:1.2;margin-bottom:.3rem}
h2{margin-top:2.5rem;border-bottom:2px solid #d5d8dc;padding-bottom:.2rem}
.warning{font-weight:700;border-left:.4rem solid #bb5566;padding:.3rem .8rem;background:#fbf1f2}
.skip{position:absolute;left:-999rem}.skip:focus{left:1rem;background:#fff;padding:.5rem}
nav ul{columns:2;padding-left:1.2rem}
a{color:#004488}
a:focus-visible,button:focus-visible,.scroll:focus-visible{outline:3px solid #004488}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1.2rem}
dt{color:#5f6368}dd{margin:0;overflow-wrap:anywhere}
figure{margin:1.5rem 0}img{max-width:100%;height:auto;display:block}
figcaption{color:#5f6368;margin-top:.4rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:700;padding:.3rem 0}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #d5d8dc;vertical-align:top}
thead th{border-bottom:2px solid #5f6368}
tbody th{font-weight:400;min-width:9rem}
.number{text-align:right}td.number{white-space:nowrap}
th button{all:unset;cursor:pointer;text-decoration:underline dotted}
th[aria-sort=ascending] button::after{content:" \\25b2";content:" \\25b2" / ""}
th[aria-sort=descending] button::after{content:" \\25bc";content:" \\25bc" / ""}
.heard{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
pre{background:#f4f7f9;padding:.8rem;white-space:pre-wrap}
@media print{body{max-width:none;font-size:10pt;padding:0}nav,.skip,.heard{display:none}
th button{display:contents}th[aria-sort] button::after{content:none!important}
main>section:last-child>:last-child{margin-bottom:0}
figure,tr{break-inside:avoid}h2,h3,caption,thead{break-after:avoid}.scroll{overflow:visible}
img{max-width:17cm;max-height:21cm}figcaption{margin-top:.1rem;font-size:8pt;line-height:1.3}
figure{margin:.3rem 0}h3{margin:.3rem 0}th,td{padding:.15rem .4rem}}
"""

SCRIPT: Final = """
for (const table of document.querySelectorAll('table')) {
  table.querySelectorAll('thead th').forEach((head, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener('click', () => {
      const now = head.getAttribute('aria-sort');
      // Figures are first wanted from the largest down, words from A on.
      const up = now ? now === 'descending' : !head.classList.contains('number');
      for (const other of table.querySelectorAll('thead th')) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
      const key = (row) => row.children[column].dataset.key;
      const text = (row) => row.children[column].textContent;
      const sign = up ? 1 : -1;
      // Rows without a figure stay last, whichever way.
      const order = (a, b) =>
        (key(a) === undefined) - (key(b) === undefined) ||
        sign * (key(a) === undefined
          ? text(a).localeCompare(text(b), 'en', {numeric: true})
          : key(a) - key(b));
      table.tBodies[0].append(...[...table.tBodies[0].rows].sort(order));
      document.getElementById('sorted').textContent =
        `${table.caption.textContent}: sorted by ${button.textContent}, ` +
        (up ? 'ascending' : 'descending');
    });
  });
}
"""
