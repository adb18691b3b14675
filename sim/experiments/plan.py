"""The plan of a sweep: written once, before the first run; what a later start is compared with."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from sim import __version__
from sim.core import jit
from sim.core.atomic import atomic
from sim.core.paths import user_path
from sim.core.rng import replicate_seed
from sim.engine.solve import can_alter
from sim.experiments import design, metrics
from sim.experiments.parts import cannot_write, factor_kind
from sim.results.store import StoreError
from sim.scenario.reader import ScenarioFile
from sim.scenario.writer import one_line
from sim.schema import Scenario, Sweep
from sim.schema.errors import Problem, ScenarioError, printable

FORMAT: Final = 1
PLAN: Final = "plan.json"
UNITS: Final = 32
"""Units that a sweep is cut into, unless they would hold more than `MOST` runs."""
MOST: Final = 25
"""Runs in a unit: the most that a kill loses, and the number that share the cost of writing."""
SHOWN: Final = 8
"""Differences between two sweeps that are shown."""


@dataclass(frozen=True)
class Run:
    """One run of a sweep."""

    run: int
    point: int
    replicate: int
    seed: int


class Study:
    """A sweep as stated in a scenario's file: the base, its points, and what is kept of each run.

    Attributes:
        source: the file, or the name of a shipped one, as commands that are printed give it.
        file: the scenario's file.
        base: the resolved scenario as the file has it, without its sweep.
        rated: what the base is a variant of, itself if of nothing: base rates are solved on it.
        sweep: the section.
        design: factors and points.
        altering: points that change what rates are solved on; none: not counted yet.
    """

    def __init__(self, source: str) -> None:
        """Read a file and lay out its sweep.

        Raises:
            ScenarioError: with the problems of the scenario, else with those of the sweep.
        """
        here = user_path(source)
        # So that what is printed works in any folder.
        self.source = str(here.absolute()) if here.is_file() else source
        self.file = ScenarioFile(source)
        scenario = self.file.variant()
        if scenario.sweep is None:
            hint = "add a section `sweep:`; docs/sweeps.md shows how"
            raise ScenarioError([Problem(str(self.file.path), 0, 0, "has no sweep", hint)])
        self.sweep: Sweep = metrics.of_today(self.file, scenario.sweep)
        self.base: Scenario = scenario.single()
        self.rated: Scenario = (self.base.variant_of or self.base).single()
        self.altering: int | None = None
        problems: list[Problem] = []
        for find in (self._lay_out, self._find_problems):
            try:
                find()
            except ScenarioError as error:
                problems += error.problems
        if problems:
            raise ScenarioError(problems)

    def _lay_out(self) -> None:
        self.design = design.lay_out(self.file, self.sweep, self.base.seed)

    def _find_problems(self) -> None:
        metrics.find_problems(self.file, self.base, self.sweep)

    def check_points(self, progress: Callable[[int], None] = lambda _: None) -> None:
        """Resolve and check every point, and count those that may have rates of their own.

        Raises:
            ScenarioError: with all their problems.
        """
        altering = 0

        def look(point: Scenario) -> None:
            nonlocal altering
            altering += can_alter(point, self.rated)

        design.find_problems(self.file, self.design, progress, look)
        self.altering = altering

    @cached_property
    def notes(self) -> list[str]:
        """What the design allows, and may not be meant."""
        return design.notes(self.sweep, self.design)

    @property
    def n_points(self) -> int:
        """Points of the design."""
        return len(self.design.points)

    @property
    def n_runs(self) -> int:
        """Runs in all."""
        return self.n_points * self.sweep.replicates

    @cached_property
    def unit_size(self) -> int:
        """Runs in a unit."""
        size = max(1, min(MOST, self.n_runs // UNITS))
        replicates = self.sweep.replicates
        if self.sweep.rates == "own" and replicates <= MOST:
            # A unit has all replicates of a point, whose rates are then solved once.
            size = -(-size // replicates) * replicates
        return size

    @property
    def n_units(self) -> int:
        """Units in all."""
        return -(-self.n_runs // self.unit_size)

    def runs(self, unit: int) -> list[Run]:
        """Return the runs of a unit; the replicates of a point follow one another."""
        first = unit * self.unit_size
        found = []
        for run in range(first, min(first + self.unit_size, self.n_runs)):
            point, replicate = divmod(run, self.sweep.replicates)
            found.append(Run(run, point, replicate, replicate_seed(self.base.seed, replicate)))
        return found

    def variant(self, point: int) -> Scenario:
        """Return a point's resolved scenario; the point has been checked."""
        arguments = self.design.points[point].arguments
        return self.file.variant(arguments, checked=True).single()

    def command(self, run: Run, folder: Path) -> str:
        """Return the command that repeats a run, in a folder that is that run's alone.

        Args:
            run: the run.
            folder: the sweep's.
        """
        words = ["sim", "run", self.source]
        for argument in self.design.points[run.point].arguments:
            words += ["-s", argument]
        words += ["--seed", str(run.seed)]
        if self.sweep.rates == "own":
            words += ["--rates", "own"]
        # Two runs never share a folder, so that none replaces another, or a run of the user's.
        digest = hashlib.blake2b(repr(words).encode(errors="replace"), digest_size=3).hexdigest()
        repeated = folder.with_name(f"{folder.name}_run{run.run}_{digest}")
        return shlex.join([*words, "--out", str(repeated)])

    @cached_property
    def units(self) -> dict[str, str]:
        """Unit of each metric."""
        return {
            name: metrics.unit(self.base, metric) for name, metric in self.sweep.metrics.items()
        }

    @cached_property
    def kinds(self) -> dict[str, str]:
        """Kind of each factor's column."""
        columns = zip(*(it.values for it in self.design.points), strict=True)
        return {
            name: factor_kind(column)
            for name, column in zip(self.design.factors, columns, strict=True)
        }

    def plan(self) -> dict[str, Any]:
        """Return the plan, as JSON holds it."""
        plan = {
            "format": FORMAT,
            "name": self.base.name,
            "title": self.base.title,
            "file": self.source,
            "version": __version__,
            "code": jit.code_hash(),
            "sweep": self.sweep.model_dump(mode="json", by_alias=True, exclude_defaults=True),
            "rates": {
                "used": self.sweep.rates,
                "base": self.rated.name,
                "altering_points": self.altering,
            },
            "scenario": self.base.model_dump(mode="json", by_alias=True, exclude_none=True),
            "factors": list(self.design.factors),
            "metrics": self.units,
            "points": [list(it.values) for it in self.design.points],
            "changes": [it.arguments for it in self.design.points],
            "seeds": [replicate_seed(self.base.seed, r) for r in range(self.sweep.replicates)],
            "runs": self.n_runs,
            "runs_a_unit": self.unit_size,
            "units": self.n_units,
        }
        plain: dict[str, Any] = json.loads(json.dumps(plan))
        return plain


KINDS: Final = {
    "name": str,
    "title": str,
    "file": str,
    "sweep": dict,
    "scenario": dict,
    "factors": list,
    "metrics": dict,
    "runs": int,
    "units": int,
}
"""What the parts of a plan are that are read without the sweep's file."""


def read(folder: Path) -> dict[str, Any] | None:
    """Return the plan of a sweep's folder; None where there is none.

    Raises:
        StoreError: it cannot be read, or is not ours.
    """
    path = folder / PLAN
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} cannot be read as the plan of a sweep: {error}") from error
    if not isinstance(plan, dict) or plan.get("format") != FORMAT or "runs_a_unit" not in plan:
        raise StoreError(f"{path} is not the plan of a sweep that this version reads")
    for name, kind in KINDS.items():
        if type(plan.get(name)) is not kind:
            raise StoreError(
                f"{path} is damaged: its {name!r} is missing or of a wrong kind; "
                "`sim sweep --fresh` starts again"
            )
    return plan


def is_ours(folder: Path) -> bool:
    """Whether the plan in a folder is that of a sweep, of any version."""
    try:
        plan = json.loads((folder / PLAN).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(plan, dict) and {"format", "runs_a_unit", "points"} <= plan.keys()


def write(folder: Path, plan: Mapping[str, Any]) -> None:
    """Write a plan whole, or not at all.

    Raises:
        StoreError: it cannot be written.
    """
    path = folder / PLAN
    try:
        with atomic(path) as partial:
            # In ASCII, since names of files need not be UTF-8.
            partial.write_text(json.dumps(plan) + "\n", encoding="ascii")
    except OSError as error:
        raise cannot_write(path, error) from error


def tell_rates(plan: Mapping[str, Any]) -> str:
    """Say on what the rates of a sweep's points are solved, where that makes a difference."""
    rates = plan.get("rates")
    if not rates or not rates["altering_points"]:
        return ""
    base = f"on {rates['base']} as it stands"
    which, other = (base, "on each point itself")[:: 1 if rates["used"] == "base" else -1]
    wanted = "own" if rates["used"] == "base" else "base"
    return (
        f"base rates are solved {which}; {rates['altering_points']:,} of "
        f"{len(plan['points']):,} points change what they are solved on: "
        f"`rates: {wanted}` in the sweep solves them {other}"
    )


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """List how the sweep in a folder differs from the requested one.

    Returns:
        One line a difference, cut after some; empty where the plans agree.
    """
    for keys in (("sweep", "scenario"), ("points", "changes", "seeds", "runs_a_unit")):
        found = [line for key in keys for line in _differing(key, there.get(key), here.get(key))]
        if found:
            more = len(found) - SHOWN
            return found[:SHOWN] + ([f"... and {more} more"] if more > 0 else [])
    if there.get("code") != here.get("code"):
        old, new = there.get("version"), here.get("version")
        return [f"the simulator's code: {old} ({there.get('code')}) there, {new} ({here['code']})"]
    return []


def _differing(at: str, there: Any, here: Any) -> Iterator[str]:
    """Yield the differences of two plain values; things in lists are named by id."""
    if there == here:
        return
    if isinstance(there, list) and isinstance(here, list):
        named = [_named(there), _named(here)]
        if all(it is not None for it in named):
            there, here = named
    if isinstance(there, dict) and isinstance(here, dict):
        for key in dict.fromkeys([*there, *here]):
            inside = f"{at}.{key}" if "." not in key else f"{at}[{key}]"
            yield from _differing(inside, there.get(key), here.get(key))
        return
    yield f"{at.removeprefix('scenario.')}: {_shown(there)} there, {_shown(here)} here"


def _named(items: list[Any]) -> dict[str, Any] | None:
    """Return a list of things by id, if each has one of its own."""
    if not all(isinstance(it, dict) and "id" in it for it in items):
        return None
    found = {str(it["id"]): it for it in items}
    return found if len(found) == len(items) else None


def _shown(value: Any) -> str:
    return "nothing" if value is None else printable(one_line(value), 120)
