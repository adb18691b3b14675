"""The rows that `benchmarks.guard` watches: one process measures them once, as JSON.

    python -m benchmarks.gated

Each tree measures itself with its own copy of this file, so that a change of what a kernel takes
can be made here, too. What a row is must stay the same: another row needs another name.
"""

from __future__ import annotations

import json
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.decision import (
    answer,
    asking,
    count_evaluations,
    kernel_arguments,
    next_decision,
)
from benchmarks.sweeps import scenario as tiny
from benchmarks.worlds import Size, scenario
from sim.engine.recorder import Recorder
from sim.engine.setup import build_world
from sim.engine.simulate import run
from sim.engine.solve import solve_base
from sim.engine.step import advance
from sim.experiments.plan import Study
from sim.experiments.sweep import Sweep
from sim.model.world import World
from sim.scenario.reader import read

PERSONS = 100_000
PLACES = 61
REPEATS = 9
"""Timings of each row; the least counts, as what other work disturbs least."""
SMALL = ["population.agents=4000", "time.end=2012-12-31"]
"""A run so small that what a step costs whatever its rows is most of it."""
RUNS = 80
"""Runs of the small sweep, of a few rows and steps each."""


def least(call: Callable[[], object], repeats: int = REPEATS) -> float:
    """Least CPU seconds of a call, after one that is not timed."""
    call()
    times = []
    for _ in range(repeats):
        start = time.thread_time()
        call()
        times.append(time.thread_time() - start)
    return min(times)


def stepping(size: Size) -> tuple[World, Callable[[], None]]:
    """A world, and a step of its run."""
    world = build_world(scenario(size), seed=1)
    recorder = Recorder(world)

    def step() -> None:
        recorder.record(world, advance(world))

    return world, step


def cpu() -> float:
    """CPU seconds of this process and of those that it has waited for."""
    of = (resource.getrusage(it) for it in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(it.ru_utime + it.ru_stime for it in of)


def small_sweep() -> float:
    """CPU seconds of a whole sweep of tiny runs with one worker, its start included."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study = Study(tiny(folder, RUNS))
        start = cpu()
        Sweep(study, folder / "out", jobs=1).start()
        return cpu() - start


def measure() -> dict[str, float]:
    """CPU seconds of every gated row."""
    many = Size(persons=PERSONS)
    world, step = stepping(many)
    step()
    rows = {"a step of 100,000 persons": least(step)}
    arguments, events = kernel_arguments(next_decision(world))
    houses = arguments["houses"]
    everybody = asking(arguments, np.tile(houses, 10))
    quiet = np.setdiff1d(houses, events["house"])
    few = asking(arguments, quiet[:: max(1, len(quiet) // 2000)], full=True)
    rows["asking 100,000 persons ten times"] = least(lambda: answer(everybody))
    rows["2,000 full answers"] = least(lambda: answer(few)) * 2000 / count_evaluations(few)
    world, step = stepping(replace(many, persons=5000, places=PLACES, countries=20))
    step()
    rows["a step of 61 places"] = least(step)
    set_up = scenario(many)
    rows["setting up 100,000 persons"] = least(lambda: build_world(set_up, seed=1), 5)
    case = read("syria", SMALL)
    case = solve_base(case, case)
    rows["a whole run of 4,000 rows"] = least(lambda: run(case, seed=1), 3)
    rows[f"a whole sweep of {RUNS} tiny runs"] = min(small_sweep() for _ in range(2))
    return rows


if __name__ == "__main__":
    print(json.dumps(measure()))
