"""Conflicts in the format of Flee and FabFlee, as scenarios.

An instance is a folder with `input_csv`: places, roads, which place is at war on which day, borders
and camps that open and close. What a scenario cannot carry is listed. What the format does not say
is our assumption, and stands at the head of the scenario.

Source: Flee, documentation of the input files (Suleimenova, Bell & Groen 2017; BSD licence).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sim.importers.sheets import Row, Sheet, refuse
from sim.scenario.writer import one_line
from sim.schema.errors import Problem, quoted, suggest

Days = NDArray[np.float64]

CONFLICT, TOWN, CAMP, IDP_CAMP = "conflict_zone", "town", "camp", "idpcamp"
KINDS: Final = (CONFLICT, TOWN, CAMP, IDP_CAMP, "forwarding_hub", "marker")
CLOSURES: Final = ("country", "location", "camp", "idpcamp", "link", "remove_forced_redirection")
HOSTS: Final = 1_000
"""People who live where a camp is: the format does not say who does (our assumption). All camps are
then alike, but for where they are."""
INCOME: Final = 2_000
"""Yearly income everywhere: the format does not say it (our assumption)."""
SEVERITY: Final = 0.8
"""Severity of a war of intensity 1 (our assumption: that of the war in the Syrian case)."""
PREVALENCE: Final = 0.7
"""Part of the people of a place at war whom it reaches (our assumption, as in the Syrian case)."""
HALF_LIFE: Final = 3
"""Months in which fear halves when a place is at war no more (our assumption)."""
WEEK: Final = 7
"""Days for which departures are summed."""
AGENTS: Final = 20_000


@dataclass(frozen=True)
class Location:
    """A place of an instance."""

    name: str
    country: str
    lat: float
    lon: float
    kind: str
    people: int
    """Residents; of a camp: its capacity, 0 where none is stated."""
    row: Row


@dataclass(frozen=True)
class Road:
    """A road, which can be used both ways."""

    one: str
    other: str
    km: float


@dataclass(frozen=True)
class Closure:
    """A border, link or camp that is closed for a time."""

    kind: str
    one: str
    other: str
    first: int
    """First day, from 0."""
    last: int | None
    """Last day; None: to the end."""


@dataclass
class Instance:
    """An instance as its files state it."""

    name: str
    start: date
    days: int
    places: list[Location]
    roads: list[Road]
    closures: list[Closure]
    war: dict[str, Days]
    """By place: intensity of the conflict by day, 0 to 1."""
    left_out: list[str] = field(default_factory=list)
    """What a scenario cannot carry, a sentence each."""

    @property
    def origin(self) -> str:
        """Country that people flee from: that of the places at war."""
        return next(it.country for it in self.places if it.kind == CONFLICT)

    @property
    def camps(self) -> list[Location]:
        """Camps in other countries."""
        return [it for it in self.places if it.kind == CAMP]


def instances_in(folders: Iterable[Path]) -> list[Path]:
    """Folders of instances: those that are given, or those within them, by name."""
    found = []
    for folder in folders:
        inner = sorted(it.parent for it in folder.glob("*/input_csv"))
        found += inner if inner and not (folder / "input_csv").is_dir() else [folder]
    return found


def read_instance(folder: Path) -> Instance:
    """Read the files of an instance.

    Args:
        folder: it holds `input_csv`, or is that folder itself.

    Raises:
        ScenarioError: files are missing or malformed; with all problems, each with its line.
    """
    inputs = folder / "input_csv" if (folder / "input_csv").is_dir() else folder
    problems: list[Problem] = []
    if not inputs.is_dir():
        refuse([Problem(str(folder), 0, 0, "this is no folder with an instance of Flee")])
    places = _locations(Sheet(inputs / "locations.csv", problems))
    names = {it.name: it for it in places}
    roads, left_out = _roads(Sheet(inputs / "routes.csv", problems), names)
    start, days = _period(Sheet(inputs / "sim_period.csv", problems))
    closures, more = _closures(Sheet(inputs / "closures.csv", problems, needed=False), names)
    war = _war(Sheet(inputs / "conflicts.csv", problems, needed=False), places, days)
    if places and not any(it.kind == CONFLICT for it in places):
        message = f"no place is a {CONFLICT}, so that nobody has anything to flee from"
        problems.append(Problem(str(inputs / "locations.csv"), 0, 0, message))
    refuse(problems)
    name = (folder if inputs != folder else folder.resolve().parent).resolve().name
    on_roads = {it.one for it in roads} | {it.other for it in roads}
    for place in places:
        if place.name not in on_roads:
            left_out.append(f"{place.name}: no road leads to or from it; it is left out")
    places = [it for it in places if it.name in on_roads]
    return Instance(name, start, days, places, roads, closures, war, left_out + more)


def _locations(sheet: Sheet) -> list[Location]:
    places: dict[str, Location] = {}
    for row in sheet.rows(6, "name"):
        name = row.get(0)
        if name in places:
            row.problem(0, f"{quoted(name)} is stated twice")
        if not name or not row.get(2):
            row.problem(0 if not name else 2, "a place needs a name and a country")
            continue
        places[name] = Location(
            name,
            row.get(2),
            row.number(3, "the latitude", -90, 90),
            row.number(4, "the longitude", -180, 180),
            row.one_of(5, "the kind of a place", KINDS),
            int(row.number(7, "the number of people", 0, 1e10, empty=0.0)),
            row,
        )
    return list(places.values())


def _roads(sheet: Sheet, names: dict[str, Location]) -> tuple[list[Road], list[str]]:
    roads: dict[frozenset[str], Road] = {}
    left_out = []
    for row in sheet.rows(3, "name1"):
        ends = [_place(row, column, names) for column in (0, 1)]
        km = row.number(2, "the distance", 0, 40_000)
        forced = row.number(3, "forced_redirection", 0, 2, empty=0.0)
        if None in ends:
            continue
        if ends[0] == ends[1]:
            row.problem(1, f"a road leads from {quoted(row.get(0))} to itself")
        if forced:
            left_out.append(f"{row.get(0)}, {row.get(1)}: nobody is made to go on by a road")
        roads.setdefault(frozenset(ends), Road(row.get(0), row.get(1), max(km, 1.0)))  # type: ignore[arg-type]
    return list(roads.values()), left_out


def _place(row: Row, column: int, names: dict[str, Location]) -> str | None:
    """Name of a place; None, with a problem noted, where there is none."""
    text = row.get(column)
    if text in names:
        return text
    if names:
        row.problem(column, f"no place is called {quoted(text)}", suggest(text, names, "places"))
    return None


def _period(sheet: Sheet) -> tuple[date, int]:
    found: dict[str, Row] = {it.get(0): it for it in sheet.rows(2)}
    for key in ("StartDate", "Length"):
        if key not in found and sheet.lines:
            sheet.problem(0, -1, f"no line states {key}")
    if not {"StartDate", "Length"} <= found.keys():
        return date.min, 0
    start = found["StartDate"].day(1, "the first day")
    return start, int(found["Length"].number(1, "the number of days", 1, 36_500))


def _closures(sheet: Sheet, names: dict[str, Location]) -> tuple[list[Closure], list[str]]:
    found, left_out = [], []
    countries = {it.country for it in names.values()}
    for row in sheet.rows(2, "closure_type"):
        kind = row.one_of(0, "the kind of a closure", CLOSURES)
        first = int(row.number(3, "the first day", empty=0.0))
        end = int(row.number(4, "the last day", empty=0.0))
        what = ", ".join(it for it in row.cells if it)
        if kind in ("idpcamp", "remove_forced_redirection"):
            left_out.append(f"{what}: not carried")
            continue
        known = [countries if kind == "country" else names] * 2
        if kind in ("location", "camp"):
            known[1] = {*countries, *names, ""}
        for column, words in enumerate(known):
            if names and kind and row.get(column + 1) not in words:
                text = quoted(row.get(column + 1))
                row.problem(column + 1, f"{text} is not known", suggest(row.get(column + 1), words))
        if end and end <= first:
            left_out.append(f"{what}: it ends before it begins")
            continue
        found.append(Closure(kind, row.get(1), row.get(2), first, end - 1 if end else None))
    return found, left_out


def _war(sheet: Sheet, places: list[Location], days: int) -> dict[str, Days]:
    """Intensity by place: of `conflicts.csv`, or from the day stated with the place on."""
    header, at_war = sheet.header(), {}
    if header is None:
        for place in places:
            if place.kind == CONFLICT:
                begins = place.row.number(6, "the day of the conflict", empty=0.0)
                at_war[place.name] = (np.arange(days) >= begins).astype(float)
        return at_war
    names = {it.name for it in places}
    columns = {i: name for i, name in enumerate(header.cells) if i > 0 and name}
    for column, name in columns.items():
        if names and name not in names:
            header.problem(column, f"no place is called {quoted(name)}", suggest(name, names))
        at_war[name] = np.zeros(days)
    for row in sheet.rows(2, header.cells[0]):
        if row.line == header.line:
            continue
        day = int(row.number(0, "the day", 0, 1e6))
        for column, name in columns.items():
            value = row.number(column, "the intensity", 0, 1, empty=0.0)
            if day < days:
                at_war[name][day] = value
    return at_war


def scenario_text(
    instance: Instance, *, agents: int = AGENTS, capacities: bool = False,
    already: dict[str, float] | None = None, arrived: Days | None = None,
) -> str:  # fmt: skip
    """Write an instance as a scenario file.

    Args:
        instance: what the files say.
        agents: number of simulated persons.
        capacities: whether camps hold as many people as their files say. Those are often the most
            that a camp ever held, so that they tell what is to be predicted.
        already: refugees on the first day by camp.
        arrived: [day] refugees counted in all. As many flee as this adds up to, and nobody else
            moves; None: the model decides how many flee.
    """
    lines = [*_head(instance, agents, capacities), *_body(instance, capacities, already)]
    if arrived is not None:
        lines += _departures(instance, arrived)
    return "\n".join(lines) + "\n"


def _head(instance: Instance, agents: int, capacities: bool) -> Iterator[str]:
    end = instance.start + timedelta(days=instance.days - 1)
    yield f"# {instance.name}: a conflict in the format of Flee, as a scenario."
    yield "#"
    yield "# A place at war is under a threat to personal safety. Not in the data, our assumption:"
    yield f"# severity {SEVERITY} at intensity 1, reaching {PREVALENCE} of the people; incomes; the"
    yield f"# {HOSTS:,} people who live at each camp; and that every country takes in everybody who"
    yield "# flees. Towns without people, and places abroad that are no camps, are only on the way."
    yield "# All else is the model's default: nothing was fitted to this conflict."
    for sentence in instance.left_out:
        yield f"# Left out: {' '.join(sentence.split())}"
    yield "schema: 1"
    yield f"name: {_ident(instance.name)}"
    yield f"title: {one_line(f'{instance.name}, imported from the format of Flee')}"
    yield "sources:"
    yield '  - {id: assumption, text: "Our assumption."}'
    yield f"  - {{id: flee, text: {one_line(f'Flee instance {instance.name}: input_csv.')}}}"
    yield f"time: {{start: {instance.start}, end: {end}, step: week}}"
    yield "seed: 1"
    focus = Ids(instance).countries[instance.origin]
    yield f"population: {{agents: {agents}, focus: [{focus}], demography: false}}"
    if not capacities:
        yield "exposure: {crowding: {}}  # whether camps are crowded is not in the data"


def _body(instance: Instance, capacities: bool, already: dict[str, float] | None) -> Iterator[str]:
    ids, where = Ids(instance), {it.name: it.country for it in instance.places}
    beside: dict[str, set[str]] = {country: set() for country in ids.countries}
    for road in instance.roads:
        one, other = where[road.one], where[road.other]
        if one != other:
            beside[one].add(ids.countries[other])
    yield "countries:"
    for country, ident in ids.countries.items():
        yield _item(id=ident, name=country, neighbours=sorted(beside[country]))
    yield "places:"
    for place in instance.places:
        there = round((already or {}).get(place.name, 0.0))
        camp = place.kind in (CAMP, IDP_CAMP)
        holds = {"capacity": place.people} if capacities and camp and place.people else {}
        # In this format people abroad are in camps: other places there are on the way.
        at_home = place.country == instance.origin
        people = HOSTS + there if camp else place.people if at_home else 0
        kind = "city" if camp else "region" if people else "elsewhere"
        yield _item(
            id=ids.places[place.name], name=place.name, country=ids.countries[place.country],
            kind=kind, people=people, income=INCOME, lat=place.lat, lon=place.lon, **holds,
            source="flee",
        )  # fmt: skip
    yield from _stocks(instance, ids, already)
    yield "corridors:"
    for road in instance.roads:
        ends = {"from": ids.places[road.one], "to": ids.places[road.other]}
        yield _item(**ends, km=road.km, both_ways=True, source="flee")
    yield "policies:"
    for country, ident in ids.countries.items():
        if country != instance.origin:
            yield _item(id=f"refuge_{ident}", into=ident, prima_facie=True, source="assumption")
    yield from _rules(instance, ids, where)
    yield "shocks:"
    yield from _shocks(instance, ids, where)


def _stocks(instance: Instance, ids: Ids, already: dict[str, float] | None) -> Iterator[str]:
    total: dict[str, int] = {}
    for camp in instance.camps:
        if people := round((already or {}).get(camp.name, 0.0)):
            total[camp.country] = total.get(camp.country, 0) + people
    if total:
        yield "stocks:"
    for country, people in total.items():
        ends = {"from": ids.countries[instance.origin], "to": ids.countries[country]}
        yield _item(**ends, people=people, source="flee")


def _rules(instance: Instance, ids: Ids, where: dict[str, str]) -> Iterator[str]:
    number = 0
    for closure in instance.closures:
        for road in instance.roads:
            for one, other in ((road.one, road.other), (road.other, road.one)):
                if not _closes(closure, one, other, where):
                    continue
                number += 1
                rule = {
                    "id": f"closed_{number}",
                    "corridor": f"{ids.places[one]}_{ids.places[other]}",
                }
                span = {"start": instance.start + timedelta(days=max(closure.first, 0))}
                if closure.last is not None:
                    span["end"] = instance.start + timedelta(days=closure.last)
                yield _item(**rule, closed=True, **span, source="flee")


def _closes(closure: Closure, one: str, other: str, where: dict[str, str]) -> bool:
    """Whether a closure stops those who go from one place to another."""
    if closure.kind == "country":
        return (where[one], where[other]) == (closure.one, closure.other)
    if closure.kind == "link":
        return (one, other) == (closure.one, closure.other)
    return other == closure.one


def _shocks(instance: Instance, ids: Ids, where: dict[str, str]) -> Iterator[str]:
    number = 0
    for name, intensity in instance.war.items():
        if where.get(name) != instance.origin:
            continue
        # A shock for each time in which the intensity is the same.
        changes = np.flatnonzero(np.diff(intensity)) + 1
        for first, last in zip([0, *changes], [*changes, len(intensity)], strict=True):
            if intensity[first] == 0.0:
                continue
            number += 1
            yield _item(
                id=f"war_{number}", at=[ids.places[name]], threat="personal",
                start=instance.start + timedelta(days=int(first)), rise=0,
                peak=round(SEVERITY * float(intensity[first]), 4),
                end=instance.start + timedelta(days=int(last) - 1), half_life=HALF_LIFE,
                prevalence=PREVALENCE, source=["flee", "assumption"],
            )  # fmt: skip


def _departures(instance: Instance, arrived: Days) -> Iterator[str]:
    """As many as arrive in a week flee in that week; who returns is not made to flee again."""
    origin, most = Ids(instance).countries[instance.origin], arrived[0]
    yield "decision: {baseline_rate: 1e-9, base_flight: 0}  # nobody but those who are stated"
    yield "departures:"
    for first in range(0, instance.days, WEEK):
        last = min(first + WEEK, instance.days) - 1
        more = round(arrived[min(last + 1, instance.days - 1)] - most)
        if more > 0:
            most += more
            days = (instance.start + timedelta(days=it) for it in (first, last))
            span = dict(zip(("start", "end"), days, strict=True))
            yield _item(**{"from": origin}, **span, people=more, source="flee")


class Ids:
    """Words by which a scenario names the places and countries of an instance."""

    def __init__(self, instance: Instance) -> None:
        """Name them; a country with the name of a place is told apart."""
        taken: set[str] = set()
        self.places = {it.name: _unique(_ident(it.name), taken) for it in instance.places}
        countries = dict.fromkeys(it.country for it in instance.places)
        self.countries = {it: _unique(_ident(it), taken, "_state") for it in countries}


def _ident(name: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return (plain if plain[:1].isalpha() else f"P{plain}")[:60]


def _unique(ident: str, taken: set[str], ending: str = "_2") -> str:
    while ident in taken:
        ident += ending
    taken.add(ident)
    return ident


def _item(**keys: Any) -> str:
    return f"  - {one_line(keys)}"
