"""Bytes a person: at rest, while a world is set up, and taken for a while by each stage of a step.

    python -m benchmarks.memory PERSONS MOVING # one size and share of movers, as JSON

Each size is measured in a process of its own, by what Python and NumPy allocate (tracemalloc) and
by what the system says that the process holds. Figures a person are slopes between two sizes, so
that nothing fixed counts. What a step takes grows with those who do something: two shares of movers
tell what it takes for each of them from what it takes for everybody.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tracemalloc
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.decision import next_decision
from benchmarks.measure import Mode, of_world
from benchmarks.stages import STAGES, Stages
from benchmarks.whole import look_at, synthetic
from benchmarks.worlds import Size
from sim.core.state import bytes_per_person
from sim.engine.recorder import Recorder
from sim.engine.step import advance

PERSONS = {
    "quick": (500_000, 2_000_000),
    "usual": (1_000_000, 2_000_000),
    "full": (5_000_000, 10_000_000),
}
GOAL_AT_REST, GOAL_OF_A_STEP = 40.0, 0.5
"""Bytes a person; of a step, beyond what it takes for those who do something."""
MOVING = (0.01, 0.001)
"""Shares of households that decide to move in a step."""
WARM, STEPS = 3, 4
STATUS = Path("/proc/self/status")


class Peaks(Stages):
    """The most that each stage allocates beyond what there was when it began."""

    def __init__(self) -> None:
        super().__init__(lambda: 0.0)
        self.bytes: defaultdict[str, int] = defaultdict(int)

    def _timed(self, function: Any, stage: str, part: str) -> Any:  # noqa: ARG002
        def traced(*args: Any, **kwargs: Any) -> Any:
            if self._stage:
                return function(*args, **kwargs)
            self._stage = stage
            before = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            try:
                return function(*args, **kwargs)
            finally:
                most = tracemalloc.get_traced_memory()[1] - before
                self.bytes[stage] = max(self.bytes[stage], most)
                self._stage = ""

        return traced


def resident(name: str) -> int:
    """Bytes of the process that lie in memory: now (`VmRSS`) or at most (`VmHWM`)."""
    if not STATUS.exists():
        return 0
    for line in STATUS.read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    return 0


def of_one(persons: int, moving: float) -> dict[str, Any]:
    """Set a world up and take steps, watching what is allocated."""
    tracemalloc.start()
    world = synthetic(Size(persons=persons, moving=moving))
    built = tracemalloc.get_traced_memory()
    recorder = Recorder(world)
    for _ in range(WARM):
        recorder.record(world, advance(world))
    gc.collect()
    rest = tracemalloc.get_traced_memory()[0]
    peaks = Peaks()
    step = 0
    for _ in range(STEPS):
        gc.collect()
        with peaks.running():
            recorder.record(world, advance(world))
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        recorder.record(world, advance(world))
        step = max(step, tracemalloc.get_traced_memory()[1] - before)
    now, most = resident("VmRSS"), resident("VmHWM")
    columns = bytes_per_person(world.households, world.persons) * len(world.persons.pid)
    tracemalloc.stop()
    return {
        "world": look_at(next_decision(world)),
        "persons": len(world.persons.pid),
        "columns": columns,
        "rest": rest,
        "built": built[1],
        "step": step,
        "stages": {name: peaks.bytes[name] for name in STAGES},
        "resident": now,
        "resident_most": most,
    }


def answering(world: dict[str, Any]) -> float:
    """Answers other than to stay, a person and step."""
    share = world["moving_share"] + world["blocked_share"]
    return float(share * world["households"] / world["persons"])


def measure(mode: Mode) -> dict[str, Any]:
    """Bytes a person, by the difference between two sizes."""
    runs = [
        [
            json.loads(
                subprocess.run(
                    [sys.executable, "-m", "benchmarks.memory", str(n), str(moving)],
                    capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1],
                ).stdout
            )
            for n in PERSONS[mode]
        ]
        for moving in MOVING
    ]  # fmt: skip
    small, large = runs[0]
    more = large["persons"] - small["persons"]

    def each(name: str, pair: list[dict[str, Any]] = runs[0]) -> float:
        return float((pair[1][name] - pair[0][name]) / (pair[1]["persons"] - pair[0]["persons"]))

    busy, calm = (answering(pair[1]["world"]) for pair in runs)
    of_each = (each("step") - each("step", runs[1])) / (busy - calm)

    return {
        "persons": [run["persons"] for run in runs[0]],
        "columns": each("columns"),
        "at_rest": each("rest"),
        "goal_at_rest": GOAL_AT_REST,
        "set_up": each("built"),
        "step": each("step"),
        "step_of_all": max(each("step") - of_each * busy, 0.0),
        "step_of_each_answer": of_each,
        "goal_step": GOAL_OF_A_STEP,
        "stages": {name: (large["stages"][name] - small["stages"][name]) / more for name in STAGES},
        "resident": each("resident"),
        "resident_most": each("resident_most"),
        "runs": [run for pair in runs for run in pair],
    }


def show(found: dict[str, Any]) -> list[str]:
    """The section as text."""
    by_stage = ", ".join(f"{name} {it:.1f}" for name, it in found["stages"].items())

    def line(what: str, name: str, goal: float | None = None) -> str:
        said = ""
        if goal is not None:
            reached = "reached" if found[name] <= goal else "not reached"
            said = f"   goal <= {goal:g}: {reached}"
        return f"  {what:<46}{found[name]:>7.1f}{said}"

    return [
        f"Bytes a person, between {found['persons'][0]:,} and {found['persons'][1]:,} persons",
        *of_world(found["runs"][1]["world"]),
        line("columns of `households` and `persons`", "columns"),
        line("at rest, between two steps", "at_rest", GOAL_AT_REST),
        line("taken for a while by a step, for everybody", "step_of_all", GOAL_OF_A_STEP),
        line("  for each answer other than to stay", "step_of_each_answer"),
        line("  for both, at most", "step"),
        f"    by stage: {by_stage}",
        line("at most while the world is set up", "set_up"),
        line("resident after steps, as the system sees it", "resident"),
        line("resident at most, setting up included", "resident_most"),
    ]


if __name__ == "__main__":
    print(json.dumps(of_one(int(sys.argv[1]), float(sys.argv[2]))))
