"""The whole step of a synthetic world, every mechanism on: nanoseconds a person, by stage."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from numba.core import event

import sim.model.decide
from benchmarks.interpreted import interpret
from benchmarks.stages import STAGES, Stages
from benchmarks.worlds import Size, scenario
from sim.simulate import Keeper
from sim.state import bytes_per_person
from sim.step import advance
from sim.terms import Answer
from sim.world import World, build_world

WARM = 2
"""First steps that are not timed: the first one lays out what lasts, and both compile."""
SAMPLE = 20_000
"""Heads of whom Python tells who is evaluated in full."""


def step(world: World, keeper: Keeper) -> None:
    """One step of a run: the world moves on, and the tables get their rows."""
    keeper.keep(world, advance(world))


def measure(
    size: Size, steps: int = 12, clock: Callable[[], float] = time.thread_time
) -> dict[str, Any]:
    """Time steps of one world on one thread.

    Args:
        size: Of the world; it must have `steps` + 2 months.
        steps: Steps to time.
        clock: By default the thread's own CPU time, which other work on the machine leaves
            nearly alone.

    Returns:
        Seconds and nanoseconds by stage, and all that the world is like.
    """
    world = build_world(scenario(replace(size, months=max(size.months, steps + WARM))), seed=1)
    keeper = Keeper(world)
    for _ in range(WARM):
        step(world, keeper)
    seconds: list[float] = []
    tables: list[dict[str, dict[str, float]]] = []
    asked = moving = blocked = people = 0
    while len(seconds) < steps:
        before = world.counts
        timer = Stages(clock)
        with event.install_recorder("numba:compile") as compiled, timer.running():
            start = clock()
            census = advance(world)
            middle = clock()
            heads = before.heads.sum(axis=0)
            asked += int(heads.sum())
            moving += int(heads[: Answer.no_means].sum())
            blocked += int(heads[Answer.no_means : Answer.stays].sum())
            people += len(world.people.pid)
            start += clock() - middle
            keeper.keep(world, census)
            elapsed = clock() - start
        if compiled.buffer:
            steps = min(steps, len(seconds) + 1)
            continue
        seconds.append(elapsed)
        tables.append(timer.table())
    n, rows = len(seconds), people / (len(seconds) or 1)
    stages = {
        stage: {
            part: statistics.fmean(table[stage].get(part, 0.0) for table in tables)
            for part in dict.fromkeys(part for table in tables for part in table[stage])
        }
        for stage in STAGES
    }
    total = statistics.fmean(seconds)
    covered = sum(sum(parts.values()) for parts in stages.values())
    return {
        "steps": n,
        "seconds_mean": total,
        "seconds_median": statistics.median(seconds),
        "ns_per_person_step": total / rows * 1e9,
        "ns_per_person_step_median": statistics.median(seconds) / rows * 1e9,
        "stages": {stage: sum(parts.values()) for stage, parts in stages.items()},
        "parts": stages,
        "stages_over_total": covered / total,
        "moving_share": moving / asked,
        "blocked_share": blocked / asked,
        **describe(world),
    }


class Reached(Exception):  # noqa: N818 - no error, but the way out of a step
    """The world stands before its decision."""


def next_decision(world: World) -> tuple[Any, ...]:
    """Arguments of `draw_events` of the world's next step, in which it stops."""
    asked: list[tuple[Any, ...]] = []

    def stop(*args: Any) -> None:
        asked.append(args)
        raise Reached

    with mock.patch.object(sim.model.decide, "draw_events", stop), suppress(Reached):
        advance(world)
    return asked[0]


def describe(world: World) -> dict[str, Any]:
    """What a world is like; it is left before its next decision."""
    from benchmarks.smoke import asking, count_alternatives, count_cells, kernel_arguments

    arguments, _ = kernel_arguments(next_decision(world))
    heads = arguments["heads"]
    mean, most = count_alternatives(arguments)
    drawn = np.sort(
        np.random.default_rng(1).choice(heads, min(len(heads), SAMPLE), replace=False)
    )
    with tempfile.TemporaryDirectory() as folder:
        (python,) = interpret(Path(folder), [asking(arguments, drawn)])
    return {
        "persons": len(world.people.pid),
        "heads": len(heads),
        "places": len(world.country),
        "countries": len(world.diaspora),
        "cells": count_cells(arguments),
        "alternatives_mean": mean,
        "alternatives_most": most,
        "evaluated_share": len(python["evaluated"]) / len(drawn),
        "bytes_per_person": bytes_per_person(world.people),
    }
