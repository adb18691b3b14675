"""Scenario and seed in, record out: the loop over steps and replicates."""

from __future__ import annotations

import hashlib
import os
import platform
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from sim.core import jit
from sim.core.rng import replicate_seed
from sim.core.state import (
    DIED_NATURALLY,
    EVER_NO_MEANS,
    EVER_NO_PERMISSION,
    F64,
    I64,
    MICRO,
    MOVED_ABROAD,
    MOVED_WITHIN,
)
from sim.core.terms import (
    Activity,
    Answer,
    Channel,
    ClaimStage,
    Company,
    Harm,
    Journey,
    Status,
    Threat,
    VitalEvent,
)
from sim.engine.checkpoint import Checkpoints, Kept
from sim.engine.solve import solve_base
from sim.engine.step import Census, advance
from sim.mechanisms.asylum import courts
from sim.mechanisms.attempts import WORDS
from sim.mechanisms.caravans import called
from sim.mechanisms.journey import best_ways
from sim.mechanisms.spending import ITEMS
from sim.model.world import Counts, World, build_world, new_counts
from sim.results.record import Record
from sim.results.store import identity
from sim.scenario.schema import Scenario

Progress = Callable[[int, int, str], None]


class ThreadsError(ValueError):
    """More threads were asked for than the machine has cores."""


def run(
    scenario: Scenario,
    *,
    seed: int | None = None,
    threads: int = 1,
    replicates: int = 1,
    base: Scenario | None = None,
    progress: Progress | None = None,
    keep: str | Path | None = None,
    say: Callable[[str], None] | None = None,
) -> Record:
    """Run a scenario.

    Args:
        scenario: A resolved scenario, as `sim.read` gives it.
        seed: Seed, 0 to 2**63 - 1; none: the scenario's own.
        threads: Threads of the decision kernel; the result does not depend on it.
        replicates: Runs with seeds of their own; the first has `seed` itself.
        base: Scenario that base_L and the flight norm are solved on: the one that `scenario` is a
            variant of. None: `scenario` itself.
        progress: Called with (steps done, steps in all, what is being done).
        keep: File for a checkpoint, written every 30 s. If one of this very run is there, the run
            goes on from it; one of another run is discarded. It stays when the run is done: remove
            it once the record is saved.
        say: Called with a sentence on what became of a checkpoint.

    Returns:
        The record, its tables by replicate.

    Raises:
        ThreadsError: `threads` is not between 1 and the number of cores.
        ValueError: `replicates` is less than 1.
    """
    if replicates < 1:
        raise ValueError("at least one replicate is needed")
    scenario, base = ready(scenario, seed, threads, base)
    started = datetime.now(UTC).isoformat(timespec="seconds")
    clock = time.perf_counter()
    was_compiled = jit.is_compiled()
    what = identity(scenario, base, scenario.seed, replicates)
    scenario = solve_base(scenario, base)
    seeds = [replicate_seed(scenario.seed, r) for r in range(replicates)]
    done: list[dict[str, pd.DataFrame]] = []
    resumed: list[dict[str, int]] = []
    checkpoints = None if keep is None else Checkpoints(Path(keep), what, say)
    kept = None if checkpoints is None else checkpoints.find(scenario, threads)
    if kept is not None:
        done, started, clock = kept.done, kept.started, clock - kept.seconds
        resumed = [*kept.resumed, {"replicate": len(done), "step": kept.world.step}]

    def after_step(world: World, keeper: Keeper) -> None:
        if checkpoints is not None and checkpoints.is_due():
            seconds = time.perf_counter() - clock
            first, rows = keeper.first, keeper.so_far()
            checkpoints.save(Kept(world, agents, first, rows, done, started, seconds, resumed))

    people = agents = steps = 0
    while len(done) < replicates:
        r = len(done)
        if kept is None:
            world = build_world(scenario, seeds[r], threads=threads)
            agents, keeper = len(world.people.pid), Keeper(world)
        else:
            world, agents = kept.world, kept.agents
            keeper, kept = Keeper(world, kept.first, kept.rows), None
        run_world(world, r, replicates, progress, keeper, after_step)
        people, steps = world.total, world.step
        done.append(keeper.frames(r))
    tables = {name: join([one[name] for one in done]) for name in done[0]}
    manifest = {
        **describe(scenario, what, seeds, threads),
        "people": people,
        "agents": agents,
        "steps": steps,
        "started": started,
        "seconds": round(time.perf_counter() - clock, 3),
        "resumed": resumed,
        "compiled": not was_compiled,
    }
    return Record(scenario=scenario, seed=scenario.seed, manifest=manifest, tables=tables)


def ready(
    scenario: Scenario, seed: int | None, threads: int, base: Scenario | None
) -> tuple[Scenario, Scenario]:
    """Check what a run is given, for a fault is told before anything is computed.

    Returns:
        (the scenario as one run has it, with the run's seed; its base).
    """
    cores = os.cpu_count() or 1
    if not 1 <= threads <= cores:
        raise ThreadsError(f"{threads} threads were asked for, and this machine has {cores} cores")
    if not isinstance(scenario, Scenario):
        raise TypeError(
            f"run takes a scenario, as sim.read gives it, not {type(scenario).__name__}"
        )
    if seed is not None and not 0 <= seed < 2**63:
        raise ValueError(f"a seed is a whole number from 0 to 2**63 - 1, not {seed}")
    scenario = scenario.single()
    base = scenario if base is None else base.single()
    if seed is not None:
        scenario = scenario.model_copy(update={"seed": seed})
    return scenario, base


def describe(
    scenario: Scenario, what: dict[str, Any], seeds: list[int], threads: int
) -> dict[str, Any]:
    """What of a manifest is known before the first step: which run it is, and by what it is made.

    Args:
        scenario: With base_L and the flight norm.
        what: Its identity.
        seeds: Seed of each replicate.
        threads: Threads of the decision kernel.
    """
    return {
        "format": 1,
        "name": scenario.name,
        "title": scenario.title,
        "identity": what,
        "scenario_hash": scenario_hash(scenario),
        "seed": scenario.seed,
        "seeds": seeds,
        "replicates": len(seeds),
        "versions": versions(),
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "cpu": platform.processor() or platform.machine(),
            "cores": os.cpu_count() or 1,
        },
        "threads": threads,
        "notes": ["A model, not a forecast."],
    }


def run_world(
    world: World,
    replicate: int,
    replicates: int,
    progress: Progress | None,
    keeper: Keeper | None = None,
    after_step: Callable[[World, Keeper], None] | None = None,
) -> Keeper:
    """Step a world to its end, keeping tables."""
    stepper = Stepper(world, keeper)
    n_days = stepper.n_days
    name = "running" if replicates == 1 else f"replicate {replicate + 1} of {replicates}"
    while not stepper.over:
        stepper.step()
        if after_step is not None:
            after_step(world, stepper.keeper)
        if progress is not None:
            progress(replicate * n_days + world.day, replicates * n_days, name)
    return stepper.keeper


def scenario_hash(scenario: Scenario) -> str:
    """Hash of a resolved scenario."""
    text = scenario.model_dump_json(by_alias=True)
    return hashlib.sha256(text.encode()).hexdigest()


def versions() -> dict[str, str]:
    """Versions of all that shapes a result."""
    result = {"python": platform.python_version()}
    for name in ("numpy", "numba", "pandas", "pyarrow"):
        result[name] = version(name)
    try:
        result["sim"] = version("human-security-sim")
    except PackageNotFoundError:
        result["sim"] = "checkout"
    return result


def join(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Tables of all replicates under one another, categories kept."""
    if len(frames) == 1:
        return frames[0]
    return pd.concat(frames, ignore_index=True)


class Keeper:
    """Collects the rows of every table that the scenario asks for."""

    def __init__(
        self,
        world: World,
        first: date | None = None,
        rows: dict[str, list[dict[str, Any]]] | None = None,
    ) -> None:
        self.scenario = world.scenario
        self.wanted = set(world.scenario.outputs.tables)
        self.first = first or world.scenario.time.start
        self.places = [p.id for p in world.scenario.places]
        self.countries = [c.id for c in world.scenario.countries]
        self.ways = [c.id for c in world.scenario.corridors] + self.countries
        self.by, self.labels = world.cells.by, world.cells.labels
        self.shape = world.cells.shape
        self.rows = rows or {name: [] for name in self.wanted}

    def keep(self, world: World, census: Census) -> None:
        """Add the rows of the steps since the last call, and start counting anew."""
        last = world.date() - timedelta(days=1)
        counts = world.counts
        put = self._put
        hoped = counts.expected
        where, departed, arrived, expected = self._flows(counts)
        extra = {} if hoped is None else {"expected": expected}
        put(
            "flows", self.first, citizenship=where[0], origin=where[1], destination=where[2],
            channel=where[3], answer=where[4], departed=departed, arrived=arrived, **extra,
        )  # fmt: skip
        seen = counts.heads > 0
        if hoped is not None:
            seen |= hoped.answers > 0
            extra = {
                "expected": hoped.answers[seen] / MICRO,
                "expected_years": hoped.years[seen] / MICRO,
            }
        cell, answer = np.nonzero(seen)
        put(
            "answers", self.first, cell=cell, answer=answer, heads=counts.heads[seen],
            people=counts.people[seen], trapped=counts.trapped[seen], **extra,
        )  # fmt: skip
        cell, threat = np.nonzero(counts.attribution)
        put(
            "attribution", self.first, cell=cell, threat=threat,
            people=counts.attribution[cell, threat] / MICRO,
        )  # fmt: skip
        way, citizenship, harm = np.nonzero(counts.harms)
        put(
            "harms", self.first, corridor=way, citizenship=citizenship, harm=harm,
            people=counts.harms[way, citizenship, harm],
            money=np.select(
                [harm == Harm.extortion, harm == Harm.bribe],
                [counts.money[way, citizenship] / 100.0, counts.bribes[way, citizenship] / 100.0],
            ),
        )  # fmt: skip
        way, citizenship = np.nonzero(counts.crossings)
        put(
            "crossings", self.first, corridor=way, citizenship=citizenship,
            people=counts.crossings[way, citizenship],
        )  # fmt: skip
        citizenship, caravan, attempt, party = np.nonzero(counts.journeys.any(axis=4))
        put(
            "journeys", self.first, citizenship=citizenship, caravan=caravan, attempt=attempt,
            party=party,
            **{
                name: counts.journeys[citizenship, caravan, attempt, party, i]
                for i, name in enumerate(names(Journey))
            },
        )  # fmt: skip
        way, citizenship, party = np.nonzero(counts.caught)
        put(
            "interceptions", self.first, corridor=way, citizenship=citizenship, party=party,
            people=counts.caught[way, citizenship, party],
        )  # fmt: skip
        way, price, intercepted = best_ways(world)
        put("prices", last, corridor=way, price=price, intercepted=intercepted)
        country, pending, months = courts(world)
        put("queues", last, country=country, pending=pending, months=months)
        place, citizenship, threat = np.nonzero(counts.insecurity)
        put(
            "insecurity", self.first, place=place, citizenship=citizenship, threat=threat,
            person_years=counts.insecurity[place, citizenship, threat],
        )  # fmt: skip
        public = world.public
        (country,) = np.nonzero(public.followed)
        put(
            "opinion", last, country=country, opinion=public.opinion[country],
            perceived=public.perceived[country], foreign=public.actual[country],
            stringency=public.stringency[country],
        )  # fmt: skip
        if counts.spending:
            put(
                "spending", self.first, item=np.array([item for item, _ in counts.spending]),
                country=np.array([c for _, c in counts.spending]),
                amount=np.array(list(counts.spending.values())),
            )  # fmt: skip
        place, citizenship, status = np.nonzero(census["stocks"])
        put(
            "stocks", last, place=place, citizenship=citizenship, status=status,
            people=census["stocks"][place, citizenship, status],
        )  # fmt: skip
        place, citizenship, by = np.nonzero(census["blocked"])
        put(
            "blocked", last, place=place, citizenship=citizenship,
            answer=by + int(Answer.no_means),
            heads=census["blocked_heads"][place, citizenship, by],
            people=census["blocked"][place, citizenship, by],
        )  # fmt: skip
        put(
            "account", last, activity=np.arange(len(Activity)),
            people=census["activities"].copy(),
        )  # fmt: skip
        place, citizenship, event = np.nonzero(counts.vital)
        put(
            "vital", self.first, place=place, citizenship=citizenship, event=event,
            people=counts.vital[place, citizenship, event],
        )  # fmt: skip
        country, citizenship, stage = np.nonzero(counts.claims)
        put(
            "claims", self.first, country=country, citizenship=citizenship, stage=stage,
            people=counts.claims[country, citizenship, stage],
        )  # fmt: skip
        threats = world.threats
        place, threat = (i.reshape(-1) for i in np.indices(threats.severity.shape))
        put(
            "threats", self.first, place=place, threat=threat,
            severity=threats.severity.reshape(-1).copy(),
            prevalence=threats.prevalence.reshape(-1).copy(),
        )  # fmt: skip
        self.first = world.date()
        world.counts = new_counts(world.scenario, world.cells)

    def keep_paths(self, world: World) -> None:
        """Add where people are who crossed a border, or died or were held on the way to one."""
        people, country = world.people, world.country
        naturally = people.flags & DIED_NATURALLY > 0
        outcome = np.where(
            people.activity <= Activity.waiting,
            people.status,
            len(Status) + people.activity - np.uint8(Activity.travelling),
        ).astype(np.int64)
        outcome += naturally
        gone = (people.activity == Activity.dead) & ~naturally
        held = (people.activity == Activity.detained) | (people.activity == Activity.captive)
        rows = np.flatnonzero((people.came > 0) | gone | held)
        citizenship, here = country[people.home[rows]], country[people.place[rows]]
        came = np.where(people.came[rows] > 0, people.came[rows].astype(np.int64) - 1, citizenship)
        shape = (*(len(self.countries),) * 3, len(OUTCOMES))
        code = np.ravel_multi_index((citizenship, came, here, outcome[rows]), shape)
        found, which = np.unique(code, return_inverse=True)
        total = np.zeros(len(found), np.int64)
        np.add.at(total, which, world.weight[people.home[rows]])
        citizenship, came, here, outcome = np.unravel_index(found, shape)
        self._put(
            "paths", world.date() - timedelta(days=1), citizenship=citizenship, came_from=came,
            country=here, outcome=outcome, people=total,
        )  # fmt: skip

    def keep_persons(self, world: World) -> None:
        """Add what ever befell each person, in the order of their identities."""
        if "persons" not in self.wanted:
            return
        people = world.people
        order = np.argsort(people.pid)
        pid, home, flags = people.pid[order], people.home[order], people.flags[order]
        naturally = flags & DIED_NATURALLY > 0
        self._put(
            "persons", world.date() - timedelta(days=1),
            id_high=(pid >> np.uint64(32)).astype(np.int64),
            id_low=(pid & np.uint64(0xFFFFFFFF)).astype(np.int64),
            home=home, people=world.weight[home],
            moved_abroad=flags & MOVED_ABROAD > 0, moved_within=flags & MOVED_WITHIN > 0,
            no_means=flags & EVER_NO_MEANS > 0, no_permission=flags & EVER_NO_PERMISSION > 0,
            died_on_the_way=(people.activity[order] == Activity.dead) & ~naturally,
            died_naturally=naturally,
        )  # fmt: skip

    def _flows(self, counts: Counts) -> tuple[tuple[I64, ...], I64, I64, F64]:
        """Sum moves by who, whence, whither and how.

        Returns:
            (citizenship, origin, destination, channel and answer of each row), people who
            departed, arrived, and were expected to depart.
        """
        n, m = len(self.countries), len(self.places)
        shape = (n, m, m, len(Channel), 2)
        codes, sums = [], []
        for moves in (counts.departed, counts.arrived):
            columns = [np.concatenate(c) for c in zip(*moves, strict=True)] if moves else [_INT] * 6
            codes.append(np.ravel_multi_index(tuple(columns[:5]), shape).astype(np.int64))
            sums.append(columns[5])
        hoped = None if counts.expected is None else counts.expected.flows.reshape(-1)
        if hoped is not None:
            codes.append(np.flatnonzero(hoped))
        found = np.unique(np.concatenate(codes))
        people = []
        for code, moved in zip(codes, sums, strict=False):
            total = np.zeros(len(found), np.int64)
            np.add.at(total, np.searchsorted(found, code), moved)
            people.append(total)
        expected = np.zeros(len(found)) if hoped is None else hoped[found] / MICRO
        where = tuple(np.asarray(axis, np.int64) for axis in np.unravel_index(found, shape))
        return where, people[0], people[1], expected

    def _put(self, name: str, when: date, **columns: Any) -> None:
        if name in self.wanted:
            n = len(next(iter(columns.values())))
            stamp = np.full(n, np.datetime64(when, "s"))
            self.rows[name].append({"date": stamp, **columns})

    def so_far(self) -> dict[str, list[dict[str, Any]]]:
        """Rows of all tables, those of each joined into one block: few arrays are soon written."""
        for name, rows in self.rows.items():
            if len(rows) > 1:
                joined = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
                self.rows[name] = [joined]
        return self.rows

    def frames(self, replicate: int) -> dict[str, pd.DataFrame]:
        """Tables of one replicate."""
        labels = {
            "origin": self.places, "destination": self.places, "place": self.places,
            "home": self.places,
            "citizenship": self.countries, "country": self.countries, "corridor": self.ways,
            "came_from": self.countries, "outcome": OUTCOMES,
            "channel": names(Channel), "answer": names(Answer), "threat": names(Threat),
            "harm": names(Harm), "status": names(Status), "activity": names(Activity),
            "event": names(VitalEvent), "stage": names(ClaimStage),
            "attempt": list(WORDS), "party": names(Company),
            "caravan": ["none", *(item.id for item in called(self.scenario))],
        }  # fmt: skip
        result: dict[str, pd.DataFrame] = {}
        for name in self.scenario.outputs.tables:
            columns: dict[str, Any] = {}
            rows = self.rows[name]
            empty = EMPTY[name]
            for column in rows[0] if rows else empty:
                values = np.concatenate([row[column] for row in rows]) if rows else empty[column]
                if column == "cell":
                    parts = np.unravel_index(values, self.shape) if self.shape else ()
                    for by, part, words in zip(self.by, parts, self.labels, strict=True):
                        columns[by] = category(part, words)
                elif column in labels:
                    words = unique(labels[column])
                    columns[column] = category(values, words)
                elif column == "item":
                    words = [i.id for i in self.scenario.interventions]
                    columns[column] = pd.Categorical(values, list(dict.fromkeys([*words, *ITEMS])))
                else:
                    columns[column] = values
            n = len(next(iter(columns.values())))
            result[name] = pd.DataFrame({"replicate": np.full(n, replicate), **columns})
        return result


class Stepper:
    """A world on its way through time, and what is kept of it.

    Whoever looks at the world between steps takes the very steps that `run` takes.
    """

    def __init__(self, world: World, keeper: Keeper | None = None) -> None:
        self.world = world
        self.keeper = keeper or Keeper(world)
        self.n_days = (world.scenario.time.end - world.scenario.time.start).days + 1

    @property
    def over(self) -> bool:
        """Whether the scenario's last day is past."""
        return self.world.day >= self.n_days

    def step(self) -> Census:
        """Take a step that is not over yet, and keep its rows where they are due.

        Returns:
            The census at its end.
        """
        world = self.world
        census = advance(world)
        if world.step % world.scenario.outputs.every == 0 or self.over:
            self.keeper.keep(world, census)
        if self.over:
            self.keeper.keep_paths(world)
            self.keeper.keep_persons(world)
        return census


def category(codes: Any, words: list[str]) -> Any:
    """A column of words from their numbers."""
    return pd.Categorical.from_codes(codes, words)  # type: ignore[call-overload]


def names(axis: Any) -> list[str]:
    """Names along an enum's axis."""
    return [member.name for member in axis]


def unique(words: list[str]) -> list[str]:
    """Category labels; a corridor that shares a country's id would make two of one."""
    seen: dict[str, int] = {}
    result = []
    for word in words:
        seen[word] = seen.get(word, 0) + 1
        result.append(word if seen[word] == 1 else f"{word}_{seen[word]}")
    return result


ON_THE_WAY: Final = ("travelling", "stranded", "detained", "captive")
OUTCOMES: Final = [*names(Status), *ON_THE_WAY, "died_on_the_way", "died_naturally"]
"""What becomes of people in `paths`: the status of those who live somewhere, or else."""

_INT: I64 = np.empty(0, np.int64)
_FLOAT = np.empty(0, np.float64)
_BOOL = np.empty(0, bool)
_DATE = np.empty(0, "datetime64[s]")
EMPTY: dict[str, dict[str, Any]] = {
    "flows": {"date": _DATE, "citizenship": _INT, "origin": _INT, "destination": _INT,
              "channel": _INT, "answer": _INT, "departed": _INT, "arrived": _INT},
    "answers": {"date": _DATE, "cell": _INT, "answer": _INT, "heads": _INT, "people": _INT,
                "trapped": _INT},
    "attribution": {"date": _DATE, "cell": _INT, "threat": _INT, "people": _FLOAT},
    "crossings": {"date": _DATE, "corridor": _INT, "citizenship": _INT, "people": _INT},
    "harms": {"date": _DATE, "corridor": _INT, "citizenship": _INT, "harm": _INT, "people": _INT,
              "money": _FLOAT},
    "insecurity": {"date": _DATE, "place": _INT, "citizenship": _INT, "threat": _INT,
                   "person_years": _FLOAT},
    "spending": {"date": _DATE, "item": np.empty(0, str), "country": _INT, "amount": _FLOAT},
    "opinion": {"date": _DATE, "country": _INT, "opinion": _FLOAT, "perceived": _FLOAT,
                "foreign": _FLOAT, "stringency": _FLOAT},
    "stocks": {"date": _DATE, "place": _INT, "citizenship": _INT, "status": _INT, "people": _INT},
    "blocked": {"date": _DATE, "place": _INT, "citizenship": _INT, "answer": _INT, "heads": _INT,
                "people": _INT},
    "account": {"date": _DATE, "activity": _INT, "people": _INT},
    "vital": {"date": _DATE, "place": _INT, "citizenship": _INT, "event": _INT, "people": _INT},
    "journeys": {"date": _DATE, "citizenship": _INT, "caravan": _INT, "attempt": _INT,
                 "party": _INT, "departed": _INT, "arrived": _INT, "failed": _INT},
    "interceptions": {"date": _DATE, "corridor": _INT, "citizenship": _INT, "party": _INT,
                      "people": _INT},
    "prices": {"date": _DATE, "corridor": _INT, "price": _FLOAT, "intercepted": _FLOAT},
    "queues": {"date": _DATE, "country": _INT, "pending": _INT, "months": _FLOAT},
    "claims": {"date": _DATE, "country": _INT, "citizenship": _INT, "stage": _INT,
               "people": _INT},
    "paths": {"date": _DATE, "citizenship": _INT, "came_from": _INT, "country": _INT,
              "outcome": _INT, "people": _INT},
    "threats": {"date": _DATE, "place": _INT, "threat": _INT, "severity": _FLOAT,
                "prevalence": _FLOAT},
    "persons": {"date": _DATE, "id_high": _INT, "id_low": _INT, "home": _INT, "people": _INT,
                "moved_abroad": _BOOL, "moved_within": _BOOL, "no_means": _BOOL,
                "no_permission": _BOOL, "died_on_the_way": _BOOL, "died_naturally": _BOOL},
}  # fmt: skip
"""Columns of a table that nothing happened in."""
