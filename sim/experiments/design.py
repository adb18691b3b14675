"""From the `sweep` section of a scenario to its points: the values of each run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from functools import partial
from itertools import product
from math import prod
from typing import Any, Final, NamedTuple, get_origin

import numpy as np
from numpy.typing import NDArray

from sim.core.paths import real_path
from sim.core.rng import Draw, key_of, name_hash, uniform_array
from sim.scenario.document import Path, scalar_value
from sim.scenario.numbers import misread
from sim.scenario.overrides import override
from sim.scenario.reader import ScenarioFile
from sim.scenario.renamed import path_of_today, tell
from sim.scenario.tables import UNNAMED, read_cells
from sim.scenario.wording import Field, field_at
from sim.scenario.writer import one_line
from sim.schema import Factor, Scenario, Sweep, parse_date
from sim.schema.errors import Problem, ScenarioError, quoted
from sim.schema.key import renamed

MAX_POINTS: Final = 1_000_000
STRATUM: Final = Draw("stratum", 60)
SAMPLE: Final = Draw("sample", 61)

DIGITS: Final = 12
"""Significant digits of values within a range, so that they read well and agree everywhere."""
DESIGN: Final = ("sweep",)
FIXED: Final = ("schema", "name", "seed", "outputs", "sweep")
"""What cannot be varied: replicates have seeds, and all runs keep the same tables."""

Place = Callable[[str, str], Problem]
"""Turns a message and a hint into a problem at some place of the scenario's files."""


class Change(NamedTuple):
    """One value given to one path."""

    argument: str
    """`PATH=VALUE`, as `-s` takes it."""
    place: Place
    """Where the sweep says the value."""
    path_place: Place
    """Where it says the path."""

    @property
    def path(self) -> str:
        """Return what is changed."""
        return self.argument.partition("=")[0]


class Level(NamedTuple):
    """What one factor may be."""

    label: Any
    """What the factor's column says: a number, a truth, a text; None: as the file has it."""
    changes: tuple[Change, ...]


class Point(NamedTuple):
    """One combination of levels."""

    values: tuple[Any, ...]
    """Label of each factor."""
    changes: tuple[Change, ...]

    @property
    def arguments(self) -> list[str]:
        """Return the changes as `-s` takes them."""
        return [it.argument for it in self.changes]

    @property
    def changes_only(self) -> frozenset[str]:
        """Return the changes in no order, to be compared."""
        return frozenset(self.arguments)


class Design(NamedTuple):
    """The factors of a sweep and its points."""

    factors: tuple[str, ...]
    points: list[Point]


def lay_out(file: ScenarioFile, sweep: Sweep, seed: int) -> Design:
    """Give the points of a sweep in their order: of a grid, the last factor moves fastest.

    Args:
        file: the scenario's file, which says where things stand.
        sweep: its section.
        seed: the scenario's seed, which a Latin hypercube is drawn by.

    Raises:
        ScenarioError: with everything that is wrong with the section's form.
    """
    problems = _form(file, sweep)
    if problems:
        raise ScenarioError(problems)
    if sweep.design == "csv":
        return _listed(file)
    factors = tuple(sweep.vary)
    combinations: Iterable[Sequence[Level]]
    if sweep.design == "lhs":
        n = sweep.samples or 1
        columns = [_sampled(file, name, it, n, seed) for name, it in sweep.vary.items()]
        combinations = zip(*columns, strict=True) if columns else [()] * n
    else:
        levels = [_levels(file, name, it) for name, it in sweep.vary.items()]
        if (n := prod(map(len, levels))) > MAX_POINTS:
            said = f"sweep has {n:,} points, more than {MAX_POINTS:,}"
            raise ScenarioError([file.tree.problem(("sweep", "vary"), said, on_key=True)])
        combinations = product(*levels)
    return Design(factors, [_point(levels) for levels in combinations])


def _point(levels: Sequence[Level]) -> Point:
    return Point(
        tuple(it.label for it in levels),
        tuple(change for it in levels for change in it.changes),
    )


def _form(file: ScenarioFile, sweep: Sweep) -> list[Problem]:
    """Find what is missing from a design, or has no effect in it."""
    problems: list[Problem] = []

    def add(path: Path, message: str, hint: str = "", on_key: bool = False) -> None:
        text = message.replace("{}", file.tree.address(path), 1)
        problems.append(file.tree.problem(path, text, hint, on_key))

    for key_, design in (("samples", "lhs"), ("points", "csv")):
        given = getattr(sweep, key_) is not None
        if given and sweep.design != design:
            add((*DESIGN, key_), f"{{}} is for `design: {design}` only")
        if not given and sweep.design == design:
            add(DESIGN, f"sweep.{key_} is missing", f"a design {design} needs it", True)
    if sweep.design == "csv" and sweep.vary:
        add((*DESIGN, "vary"), "{} cannot be combined with points", "the file's columns vary", True)
    taken: dict[str, str] = {}
    for name, factor in sweep.vary.items():
        at = (*DESIGN, "vary", name)
        ranged = factor.low is not None or factor.high is not None
        if [bool(factor.values), ranged, bool(factor.packages)].count(True) != 1:
            hint = "values: [...], or low and high, or packages: {name: {PATH: VALUE}}"
            add(at, "{} needs one of values, a range, packages", hint, True)
            continue
        if ranged:
            problems += _range_form(file, sweep, at, name, factor)
        elif factor.n is not None:
            add((*at, "n"), "{} is for a range only")
        for i, value in enumerate(factor.values):
            if any(_same(value, it) for it in factor.values[:i]):
                hint = "each value once; `replicates` runs every combination several times"
                add((*at, "values", i), f"{{}} = {one_line(value)} is here twice", hint)
        if factor.packages and factor.paths:
            add((*at, "paths"), "{} cannot be combined with packages, which say their paths")
        for written, where in _written(at, name, factor):
            if (path := path_of_today(written)) != written:
                tell(file.tree.problem(where, renamed(written, path), on_key=True))
        for package, changes in factor.packages.items():
            if len(set(map(path_of_today, changes))) < len(changes):
                add((*at, "packages", package), "{} changes one key by two names", "", True)
        for where, path in _stated(at, name, factor):
            nodes = file.tree.walk(where)
            if len(nodes) == len(where) + 1 and (found := misread(nodes[-1], field_of(path).unit)):
                add(where, *found)
        for path in _paths(name, factor):
            if path.split(".")[0] in FIXED:
                add(at, f"{{}}: a sweep cannot vary {path.split('.')[0]}", "", True)
            if path in taken:
                add(at, f"{{}}: {quoted(path)} is varied twice", f"first by {taken[path]}", True)
            taken.setdefault(path, name)
    return problems


def _same(one: Any, other: Any) -> bool:
    """Whether two values are the same; true is not 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def notes(sweep: Sweep, design: Design) -> list[str]:
    """Say what is allowed in a design, and may not be meant: values and points that recur."""
    found = []
    n = len(design.points)
    if sweep.design == "lhs":
        columns = zip(*(it.values for it in design.points), strict=True)
        levels = {name: len(set(it)) for name, it in zip(design.factors, columns, strict=True)}
        few = [f"{name} has {m:,}" for name, m in levels.items() if m < n]
        if few:
            text = f"values recur in the {n:,} samples, where there are fewer: {', '.join(few)}"
            found.append(text)
    same = n - len({it.changes_only for it in design.points})
    if same:
        text = f"{same:,} of {n:,} points are the same as an earlier one, and are run again"
        found.append(text)
    return found


def _range_form(
    file: ScenarioFile, sweep: Sweep, at: Path, name: str, factor: Factor
) -> list[Problem]:
    """Find what is wrong with a factor that is a range."""
    address = file.tree.address(at)
    if factor.low is None or factor.high is None:
        said = f"{address} needs both low and high"
        return [file.tree.problem(at, said, on_key=True)]
    dated = [isinstance(it, str) for it in (factor.low, factor.high)]
    if any(dated) != all(dated):
        return [file.tree.problem(at, f"{address}: one end is a date, the other a number")]
    fields = [field_of(path) for path in _paths(name, factor)]
    if any(it.core is bool for it in fields):
        hint = "write values: [true, false]"
        return [file.tree.problem(at, f"{address} is true or false: it has no range", hint)]
    low, high = _end(factor.low), _end(factor.high)
    if low >= high:
        return [file.tree.problem((*at, "high"), f"{address}.high must lie above low")]
    if sweep.design == "grid":
        if factor.n is None:
            hint = "n: how many values, evenly from low to high"
            return [file.tree.problem(at, f"{address}.n is missing", hint, on_key=True)]
        if _is_whole(fields) and factor.n > high - low + 1:
            said = f"{address}.n = {factor.n} is more than there are values from low to high"
            return [file.tree.problem((*at, "n"), said)]
    elif factor.n is not None:
        return [file.tree.problem((*at, "n"), f"{address}.n is for `design: grid` only")]
    return []


def field_of(path: str) -> Field:
    """Return what the schema says of a path whose things in lists are named by id."""
    at: Path = ()
    for step in path_of_today(path).split("."):
        at = (*at, 0 if get_origin(field_at(at).core) is tuple else step)
    return field_at(at)


def _paths(name: str, factor: Factor) -> list[str]:
    """Return the paths that a factor changes, with keys of today."""
    paths = [path_of_today(path) for path, _ in _written((), name, factor)]
    return list(dict.fromkeys(paths)) if factor.packages else paths


def _written(at: Path, name: str, factor: Factor) -> list[tuple[str, Path]]:
    """Return the paths that a factor changes as the file writes them, and where it does."""
    if factor.packages:
        return [
            (path, (*at, "packages", package, path))
            for package, changes in factor.packages.items()
            for path in changes
        ]
    if factor.paths:
        return [(path, (*at, "paths", i)) for i, path in enumerate(factor.paths)]
    return [(name, at)]


def _stated(at: Path, name: str, factor: Factor) -> list[tuple[Path, str]]:
    """Return where the file states values of a factor, and the first path that each is set at."""
    if factor.packages:
        return [(where, path) for path, where in _written(at, name, factor)]
    path = _paths(name, factor)[0]
    values = [(*at, "values", i) for i in range(len(factor.values))]
    return [(where, path) for where in (*values, (*at, "low"), (*at, "high"))]


def _end(value: Any) -> float:
    """Return an end of a range as a number: a date as its day."""
    return parse_date(value).toordinal() if isinstance(value, str) else value  # type: ignore[no-any-return]


def _is_whole(fields: Sequence[Field]) -> bool:
    return any(it.core in (int, date) for it in fields)


def _levels(file: ScenarioFile, name: str, factor: Factor) -> list[Level]:
    """Return the levels of a factor in a grid, in the order of the file."""
    at: Path = (*DESIGN, "vary", name)
    if factor.packages:
        return [_package(file, at, it, changes) for it, changes in factor.packages.items()]
    if factor.values:
        return [
            _level(file, name, factor, value, (*at, "values", i))
            for i, value in enumerate(factor.values)
        ]
    steps = np.linspace(0.0, 1.0, factor.n or 2)
    return [_level(file, name, factor, _between(name, factor, x, False), at) for x in steps]


def _sampled(file: ScenarioFile, name: str, factor: Factor, n: int, seed: int) -> list[Level]:
    """Return a factor's levels in a Latin hypercube, one a point: each n-th of its range once.

    The draws are the factor's own: another factor changes nothing.
    """
    own = int(name_hash("factor", name)) >> 1
    rows = np.arange(n, dtype=np.uint64)
    order = np.argsort(uniform_array(key_of(seed, STRATUM, own), rows), kind="stable")
    within = uniform_array(key_of(seed, SAMPLE, own), rows)
    shares: NDArray[np.float64] = (order + within) / n
    if factor.low is not None:
        at: Path = (*DESIGN, "vary", name)
        return [_level(file, name, factor, _between(name, factor, x, True), at) for x in shares]
    levels = _levels(file, name, factor)
    return [levels[int(x * len(levels))] for x in shares]


def _between(name: str, factor: Factor, share: float, filled: bool) -> Any:
    """Return the value at a share of a factor's range.

    Args:
        name: the factor's.
        factor: a range.
        share: 0 to 1.
        filled: whether whole numbers and days get equal parts of it, ends included.
    """
    low, high = _end(factor.low), _end(factor.high)
    if not _is_whole([field_of(path) for path in _paths(name, factor)]):
        return float(f"{low + float(share) * (high - low):.{DIGITS}g}")
    steps = int(share * (high - low + 1)) if filled else round(float(share) * (high - low))
    value = min(int(low) + steps, int(high))
    if isinstance(factor.low, str):
        return (date(1, 1, 1) + timedelta(value - 1)).isoformat()
    return value


def _level(file: ScenarioFile, name: str, factor: Factor, value: Any, at: Path) -> Level:
    label = value if isinstance(value, (bool, int, float, str)) else one_line(value)
    whole: Path = (*DESIGN, "vary", name)
    on_key = partial(file.tree.problem, whole, on_key=True)
    changes = []
    for i, path in enumerate(_paths(name, factor)):
        said = partial(file.tree.problem, (*whole, "paths", i)) if factor.paths else on_key
        changes.append(Change(f"{path}={one_line(value)}", partial(file.tree.problem, at), said))
    return Level(label, tuple(changes))


def _package(file: ScenarioFile, at: Path, name: str, changes: dict[str, Any]) -> Level:
    inside = (*at, "packages", name)
    changes_ = []
    for path, value in changes.items():
        place = partial(file.tree.problem, (*inside, path))
        on_key = partial(file.tree.problem, (*inside, path), on_key=True)
        changes_.append(Change(f"{path_of_today(path)}={one_line(value)}", place, on_key))
    return Level(name, tuple(changes_))


def _listed(file: ScenarioFile) -> Design:
    """Return the points of a CSV file; an empty cell leaves what the scenario has."""
    node = file.tree.walk(("sweep", "points", "table"))[-1]
    table, rows = read_cells(node, real_path(file.path).parent)
    if len(rows) < 2:
        raise ScenarioError([node.problem(f"{quoted(node.text)} lists no points")])
    (top, header), *rows = rows
    problems = [
        table.problem(top, column, f"the column {quoted(path)} is here twice")
        for column, path in enumerate(header)
        if path in header[:column]
    ]
    problems += [
        table.problem(top, column, *UNNAMED)
        if not path
        else table.problem(top, column, f"a sweep cannot vary {quoted(path)}")
        for column, path in enumerate(header)
        if path.split(".")[0] in ("", *FIXED)
    ]
    for column, path in enumerate(header):
        if (today := path_of_today(path)) != path:
            tell(table.problem(top, column, renamed(path, today)))
            if today in header:
                said = f"the column {quoted(path)} is the old name of {quoted(today)}"
                problems.append(table.problem(top, column, said, f"keep {today}"))
    if problems:
        raise ScenarioError(problems)

    def change(path: str, cell: str, line: int, column: int) -> Change:
        place = partial(table.problem, line, column)
        return Change(f"{path_of_today(path)}={cell}", place, partial(table.problem, top, column))

    points = [
        Point(
            tuple(scalar_value(cell) if cell else None for cell in cells),
            tuple(
                change(path, cell, line, column)
                for column, (path, cell) in enumerate(zip(header, cells, strict=True))
                if cell
            ),
        )
        for line, cells in rows
    ]
    return Design(tuple(header), points)


def find_problems(
    file: ScenarioFile,
    design: Design,
    progress: Callable[[int], None],
    look: Callable[[Scenario], None],
) -> None:
    """Resolve and check every point, before the first is run.

    Args:
        file: the scenario's file, itself without problems.
        design: the points.
        progress: called with the number of points that were checked.
        look: called with each point's scenario.

    Raises:
        ScenarioError: with the problems of all points, each once, told where the sweep has them.
    """
    found: dict[Problem, tuple[int, Point, int]] = {}
    unknown: dict[str, list[Problem]] = {}
    for number, point in enumerate(design.points):
        progress(number)
        for it in point.changes:
            if it.path not in unknown:
                _, wrong = override(file.tree.root, [it.argument])
                unknown[it.path] = [it.path_place(p.message, p.hint) for p in wrong]
        changes = [it for it in point.changes if not unknown[it.path]]
        try:
            look(file.variant([it.argument for it in changes]))
        except ScenarioError as error:
            places = {
                f"-s {it.argument}": it.path_place if field_of(it.path) == Field() else it.place
                for it in changes
            }
            for problem in error.problems:
                place = places.get(problem.file)
                own = place(problem.message, problem.hint) if place is not None else problem
                first, where, n = found.get(own, (number, point, 0))
                found[own] = (first, where, n + 1)
    problems = [problem for wrong in unknown.values() for problem in wrong]
    for problem, (first, point, n) in found.items():
        values = ", ".join(
            f"{name} = {one_line(value)}"
            for name, value in zip(design.factors, point.values, strict=True)
            if value is not None
        )
        of = f"in {n:,} of {len(design.points):,} points, first in point {first} ({values})"
        hint = f"{problem.hint}; {of}" if problem.hint else of
        problems.append(
            Problem(
                problem.file, problem.line, problem.column, problem.message, hint,
                problem.source_line,
            )
        )  # fmt: skip
    if problems:
        raise ScenarioError(problems)
