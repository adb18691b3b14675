"""The whole step, every mechanism on: nanoseconds a person, by stage, on one thread."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numba.core import event

from benchmarks.decision import asking, describe, kernel_arguments, next_decision, shares
from benchmarks.interpreted import interpret
from benchmarks.measure import WIDTH, Mode, of_world
from benchmarks.stages import STAGES, Stages
from benchmarks.worlds import Size, scenario
from sim.core.terms import Answer
from sim.engine.recorder import Recorder
from sim.engine.setup import build_world
from sim.engine.solve import solve_base
from sim.engine.step import advance
from sim.mechanisms.decide import HOUSEHOLD_DAYS, HOUSEHOLDS
from sim.model.world import World
from sim.scenario.reader import read

WARM = 4
"""First steps that are not timed: the first one lays out what lasts, and compiles, as does the one
with which the first quarter of a year begins."""
SYRIAN_WARM, SYRIAN_STEPS = 20, 9
"""In the shipped case the war is at its height from September 2012 on."""
STEPS = 12
"""A year: elections, dated rules, births."""
PERSONS = {"quick": [200_000], "usual": [1_000_000], "full": [1_000_000, 10_000_000]}
GOAL = 11.0
"""Nanoseconds a person and step at 50 alternatives with 1 % deciding to move."""
ADDS_UP = 0.05
"""Part of a step that may lie outside of all stages."""
SAMPLE = 20_000
"""Households of which Python tells which are evaluated in full."""


def time_steps(
    world: World, warm: int, steps: int, clock: Callable[[], float] = time.thread_time
) -> dict[str, Any]:
    """Time the steps of a run, the rows of its tables included.

    Args:
        world: On its first day.
        warm: First steps, which are not timed.
        steps: Steps to time; those in which anything is compiled are left out.
        clock: By default the thread's own CPU time, which other work on the machine leaves
            nearly alone.

    Returns:
        Seconds and nanoseconds by stage and part; moves and refusals a household and step.
    """
    recorder = Recorder(world)
    for _ in range(warm):
        recorder.record(world, advance(world))
    seconds: list[float] = []
    tables: list[dict[str, dict[str, float]]] = []
    persons: list[int] = []
    answers, households = np.zeros(len(Answer), np.int64), 0.0
    for _ in range(steps):
        day = world.day
        timer = Stages(clock)
        with event.install_recorder("numba:compile") as compiled, timer.running():
            start = clock()
            census = advance(world)
            elapsed = clock() - start
            answers += HOUSEHOLDS.of(world).sum(axis=0)
            households += HOUSEHOLD_DAYS.of(world).sum() / (world.day - day)
            start = clock()
            recorder.record(world, census)
            elapsed += clock() - start
        if not compiled.buffer:
            seconds.append(elapsed)
            tables.append(timer.table())
            persons.append(len(world.persons.pid))
    if not seconds:
        raise RuntimeError("something was compiled in every step")
    parts = {
        stage: {
            part: statistics.fmean(table[stage].get(part, 0.0) for table in tables)
            for part in dict.fromkeys(part for table in tables for part in table[stage])
        }
        for stage in STAGES
    }
    total, rows = statistics.fmean(seconds), statistics.fmean(persons)
    by_stage = {stage: sum(it.values()) for stage, it in parts.items()}
    shares = answers / households
    return {
        "steps": len(seconds),
        "seconds_mean": total,
        "seconds_median": statistics.median(seconds),
        "ns_per_person_step": total / rows * 1e9,
        "stages": by_stage,
        "stages_ns_per_person": {name: it / rows * 1e9 for name, it in by_stage.items()},
        "parts": parts,
        "stages_over_total": sum(by_stage.values()) / total,
        "moving_share": float(shares[: Answer.no_means].sum()),
        "blocked_share": float(shares[Answer.no_means : Answer.stays].sum()),
    }


def look_at(asked: tuple[Any, ...]) -> dict[str, Any]:
    """What a world is like before a decision, and what share of its households moves in it."""
    arguments, events = kernel_arguments(asked)
    houses = arguments["houses"]
    random = np.random.default_rng(1)
    drawn = np.sort(random.choice(houses, min(len(houses), SAMPLE), replace=False))
    with tempfile.TemporaryDirectory() as folder:
        (python,) = interpret(Path(folder), [asking(arguments, drawn)])
    evaluated = len(np.unique(python["evaluated"])) / len(drawn)
    return (
        describe(arguments, asked[0], evaluated)
        | shares(events, len(houses))
        | {"threads": asked[0].threads}
    )


def timed(world: World, warm: int = WARM, steps: int = STEPS) -> dict[str, Any]:
    """Time a world's steps, and say what it is like."""
    found = time_steps(world, warm, steps)
    shares = {name: found.pop(name) for name in ("moving_share", "blocked_share")}
    return found | {"world": look_at(next_decision(world)) | shares}


def synthetic(size: Size) -> World:
    """A synthetic world on its first day."""
    return build_world(scenario(size), seed=1)


def measure(mode: Mode) -> dict[str, Any]:
    """Time synthetic worlds of 50 alternatives, and the shipped case."""
    steps = [timed(synthetic(Size(persons=n))) for n in PERSONS[mode]]
    case = read("syria", ["population.agents=100000"])
    war = build_world(solve_base(case, case), case.seed)
    steps.append(timed(war, SYRIAN_WARM, SYRIAN_STEPS))
    return {
        "adds_up": all(abs(1 - it["stages_over_total"]) <= ADDS_UP for it in steps),
        "goal_ns_per_person_step": GOAL,
        "steps": steps,
    }


def show(found: dict[str, Any]) -> list[str]:
    """The section as text."""
    lines: list[str] = []
    for it in found["steps"]:
        total, world = it["seconds_mean"], it["world"]
        goal = f" (goal {GOAL:.0f})" if world["scenario"] == "synthetic" else ""
        lines += [
            (
                f"{world['scenario']}: {it['ns_per_person_step']:,.1f} ns a person and step{goal},"
                f" {it['steps']} steps of {total:.3f} s (median {it['seconds_median']:.3f})"
            ),
            *of_world(world),
            f"  {'stage':<12}{'ns/person':>9}{'of step':>9}   parts, % of step",
        ]
        for stage, parts in it["parts"].items():
            seconds, each = it["stages"][stage], it["stages_ns_per_person"][stage]
            line = f"  {stage:<12}{each:>9.1f}{seconds / total:>9.1%}  "
            for part, value in sorted(parts.items(), key=lambda item: -item[1]):
                more = f" {part} {100 * value / total:.0f}"
                if len(line + more) < WIDTH and value / total >= 0.005:
                    line += more + ","
            lines.append(line.rstrip(","))
        covered = it["stages_over_total"]
        lines += [f"  {'sum':<12}{covered * it['ns_per_person_step']:>9.1f}{covered:>9.1%}", ""]
    return lines
