"""Runs a scenario: the loop over replicates and steps, which makes a record."""

from __future__ import annotations

import hashlib
import os
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim.core import jit
from sim.core.rng import replicate_seed
from sim.engine.checkpoint import Checkpoints, Kept
from sim.engine.recorder import Recorder, Stepper
from sim.engine.setup import build_world
from sim.engine.solve import solve
from sim.mechanisms.census import ACCOUNT
from sim.model.world import World
from sim.results.rates import Which, tell
from sim.results.record import Record
from sim.results.store import identity
from sim.schema import Scenario

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
    rates: Which = "base",
    progress: Progress | None = None,
    keep: str | Path | None = None,
    say: Callable[[str], None] | None = None,
) -> Record:
    """Run a scenario.

    Args:
        scenario: A resolved scenario, as `sim.read` gives it.
        seed: Seed, 0 to 2**63 - 1; None: the scenario's own.
        threads: Threads of the kernels; the result does not depend on it.
        replicates: Number of runs with different seeds; the first uses `seed` itself.
        base: What `scenario` is a variant of. None: as `sim.read` found it: the file without the
            overrides, or the scenario that the file names; `scenario` itself, if it is no variant.
            A scenario that was made anew of its parts (`model_validate`) is none: name its base.
        rates: Whether base_L and the flight norm are solved on the `base`, so that the run differs
            from it by what was changed alone, or on the scenario itself (`own`). Those that the
            scenario states are kept. The manifest says what was used, and what the other would be.
        progress: Called with (days done, total days, description).
        keep: File for a checkpoint, written every 30 s. If it holds a checkpoint of this run, the
            run resumes from it; that of another run is discarded. The file is not removed at the
            end: remove it once the record is saved.
        say: Called with a message about rates that a change would alter, or about a checkpoint
            that was found or could not be written.

    Returns:
        The record, its tables by replicate.

    Raises:
        ThreadsError: `threads` is not between 1 and the number of cores.
        ValueError: `replicates` is less than 1, or `rates` or the seed is out of its range.
        TypeError: An argument is of a wrong kind.
    """
    replicates, threads = whole("replicates", replicates), whole("threads", threads)
    if replicates < 1:
        raise ValueError("at least one replicate is needed")
    scenario, base = ready(scenario, seed, threads, base, rates)
    started = datetime.now(UTC).isoformat(timespec="seconds")
    clock = time.perf_counter()
    was_compiled = jit.is_compiled()
    solved_on = base if rates == "base" else scenario
    what = identity(scenario, solved_on, scenario.seed, replicates)
    solved = solve(scenario, base, rates)
    scenario = solved.scenario
    if say is not None and (told := tell(solved.told(), rates)):
        say(told)
    seeds = [replicate_seed(scenario.seed, r) for r in range(replicates)]
    done: list[dict[str, pd.DataFrame]] = []
    resumed: list[dict[str, int]] = []
    checkpoints = None if keep is None else Checkpoints(Path(keep), what, say)
    kept = None if checkpoints is None else checkpoints.find(scenario, threads)
    if kept is not None:
        done, started, clock = kept.done, kept.started, clock - kept.seconds
        resumed = [*kept.resumed, {"replicate": len(done), "step": kept.world.step}]

    def after_step(world: World, recorder: Recorder) -> None:
        if checkpoints is not None and checkpoints.is_due():
            seconds = time.perf_counter() - clock
            first, rows = recorder.first, recorder.so_far()
            checkpoints.save(Kept(world, agents, first, rows, done, started, seconds, resumed))

    people = agents = steps = 0
    while len(done) < replicates:
        r = len(done)
        if kept is None:
            world = build_world(scenario, seeds[r], threads=threads)
            agents, recorder = len(world.persons.pid), Recorder(world)
        else:
            world, agents = kept.world, kept.agents
            recorder, kept = Recorder(world, kept.first, kept.rows), None
        run_world(world, r, replicates, progress, recorder, after_step)
        people, steps = int(ACCOUNT.of(world).start.sum()), world.step
        done.append(recorder.frames(r))
    tables = {name: join([one[name] for one in done]) for name in done[0]}
    manifest = {
        **describe(scenario, what, seeds, threads),
        "rates": solved.told(),
        "people": people,
        "agents": agents,
        "steps": steps,
        "started": started,
        "seconds": round(time.perf_counter() - clock, 3),
        "resumed": resumed,
        "compiled": not was_compiled,
    }
    return Record(scenario=scenario, seed=scenario.seed, manifest=manifest, tables=tables)


def whole(name: str, value: object) -> int:
    """Give a whole number as Python's own; numpy's would overflow in hashes of seeds.

    Raises:
        TypeError: It is none; a truth, a text and a fraction are none.
    """
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return int(value)
    raise TypeError(f"{name} takes a whole number, not {value!r}")


def ready(
    scenario: Scenario, seed: int | None, threads: int, base: Scenario | None, rates: Which
) -> tuple[Scenario, Scenario]:
    """Check the arguments of a run, so that errors are raised before anything is computed.

    Returns:
        (the scenario of a single run, with the run's seed; its base).
    """
    threads = whole("threads", threads)
    cores = os.cpu_count() or 1
    if not 1 <= threads <= cores:
        raise ThreadsError(f"{threads} threads were asked for, and this machine has {cores} cores")
    if not isinstance(scenario, Scenario):
        raise TypeError(
            f"run takes a scenario, as sim.read gives it, not {type(scenario).__name__}"
        )
    if base is not None and not isinstance(base, Scenario):
        raise TypeError(f"base takes a scenario, as sim.read gives it, not {type(base).__name__}")
    if rates not in ("base", "own"):
        raise ValueError(f"rates is 'base' or 'own', not {rates!r}")
    if seed is not None:
        seed = whole("seed", seed)
        if not 0 <= seed < 2**63:
            raise ValueError(f"a seed is a whole number from 0 to 2**63 - 1, not {seed}")
    scenario = scenario.single()
    base = (base or scenario.variant_of or scenario).single()
    if seed is not None:
        scenario = scenario.model_copy(update={"seed": seed})
    return scenario, base


def describe(
    scenario: Scenario, what: dict[str, Any], seeds: list[int], threads: int
) -> dict[str, Any]:
    """The part of the manifest that is known before the first step.

    Args:
        scenario: The scenario, with base_L and the flight norm.
        what: Identity of the run.
        seeds: Seed of each replicate.
        threads: Threads of the kernels.
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
    recorder: Recorder | None = None,
    after_step: Callable[[World, Recorder], None] | None = None,
) -> Recorder:
    """Step a world to its end, recording tables."""
    stepper = Stepper(world, recorder)
    n_days = stepper.n_days
    name = "running" if replicates == 1 else f"replicate {replicate + 1} of {replicates}"
    while not stepper.over:
        stepper.step()
        if after_step is not None:
            after_step(world, stepper.recorder)
        if progress is not None:
            progress(replicate * n_days + world.day, replicates * n_days, name)
    return stepper.recorder


def scenario_hash(scenario: Scenario) -> str:
    """Hash of a resolved scenario."""
    text = scenario.model_dump_json(by_alias=True)
    return hashlib.sha256(text.encode()).hexdigest()


def versions() -> dict[str, str]:
    """Versions of everything that can affect results."""
    result = {"python": platform.python_version()}
    for name in ("numpy", "numba", "pandas", "pyarrow"):
        result[name] = version(name)
    try:
        result["sim"] = version("human-security-sim")
    except PackageNotFoundError:
        result["sim"] = "checkout"
    return result


def join(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Concatenate the tables of all replicates; categories are kept."""
    if len(frames) == 1:
        return frames[0]
    return pd.concat(frames, ignore_index=True)
