"""The whole step on one thread and on two: two worlds alike take every step in turn.

By the clock on the wall two threads show only what the machine has free. The second row therefore
counts CPU time along the longest way: what the main thread does itself, and of each shared piece of
work the thread that has most to do. That is the time two free cores would take.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np

from benchmarks.decision import next_decision
from benchmarks.measure import LEAST, Mode, Row, of_world, show_rows
from benchmarks.rows import ROWS_OF_HOUSEHOLDS, moves_of, without_rows
from benchmarks.whole import WARM, look_at, synthetic
from benchmarks.worlds import Size
from sim.core import parallel
from sim.engine.recorder import Recorder
from sim.engine.step import advance
from sim.mechanisms.choice import CHOICES
from sim.mechanisms.decide import HOUSEHOLDS
from sim.mechanisms.flows import ARRIVED, DEPARTED
from sim.mechanisms.plans import PLANS
from sim.model.world import World

PERSONS = {"quick": 200_000, "usual": 2_000_000, "full": 10_000_000}
GOAL = ">= 1.8"


def same_bits(a: World, b: World) -> bool:
    """Whether all columns, what was counted, and what mechanisms keep are the same to the bit."""
    # The first knows how many threads it has; the others are among the columns.
    apart = {it.name for it in (CHOICES, PLANS, *ROWS_OF_HOUSEHOLDS)}
    parts = [(dict(without_rows(a)), dict(without_rows(b))), (counts_of(a), counts_of(b))]
    parts += [(a.states[name], b.states[name]) for name in set(a.states) - apart]
    return all(_same(*pair) for pair in parts)


def counts_of(world: World) -> dict[str, Any]:
    """What was counted, with moves in an order of their own."""
    moves = (DEPARTED.name, ARRIVED.name)
    return {
        name: moves_of(values) if name in moves else values for name, values in world.counts.items()
    }


def _same(a: Any, b: Any) -> bool:
    if a is b:
        return True
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_same(a[name], b[name]) for name in a)
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
    if hasattr(a, "__dict__"):
        return type(a) is type(b) and _same(vars(a), vars(b))
    return bool(a == b)


class Shared:
    """A pool of threads that notes, of each piece of work, the CPU seconds of the longest part."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool
        self.longest = 0.0

    def map(self, work: Callable[[Any], Any], ranges: Iterable[Any]) -> Iterator[Any]:
        """Share work among threads, as a pool does."""

        def timed(one: Any) -> tuple[Any, float]:
            start = time.thread_time()
            return work(one), time.thread_time() - start

        done = list(self.pool.map(timed, ranges))
        self.longest += max(seconds for _, seconds in done)
        return iter([result for result, _ in done])


@contextmanager
def watched(threads: int) -> Iterator[Shared]:
    """Let a pool be watched for as long as this lasts."""
    shared = Shared(parallel._pool(threads))
    with mock.patch.object(parallel, "_pool", return_value=shared):
        yield shared


def measure(mode: Mode) -> dict[str, Any]:
    """Step two worlds alike, one on two threads, and compare times and bits."""
    worlds = [synthetic(Size(persons=PERSONS[mode])) for _ in range(2)]
    worlds[1].threads = CHOICES.of(worlds[1]).threads = 2
    recorders = [Recorder(world) for world in worlds]
    walls: list[list[float]] = [[], []]
    ways: list[list[float]] = [[], []]
    cores = [0.0, 0.0]
    same, households, events = True, 0, 0
    for number in range(WARM + LEAST):
        for side in (0, 1) if number % 2 == 0 else (1, 0):
            with watched(2) as shared:
                wall, own, all_cpu = time.perf_counter(), time.thread_time(), time.process_time()
                census = advance(worlds[side])
                wall, own = time.perf_counter() - wall, time.thread_time() - own
                all_cpu = time.process_time() - all_cpu
            if number >= WARM:
                walls[side].append(wall)
                ways[side].append(own + shared.longest)
                cores[side] += all_cpu / wall / LEAST
            if side == 0:
                households += len(worlds[0].deciding)
                events += int(HOUSEHOLDS.of(worlds[0]).sum())
            recorders[side].record(worlds[side], census)
        same &= same_bits(*worlds)
    persons = len(worlds[0].persons.pid)
    rows = []
    for name, times in (("by the clock", walls), ("were both cores free", ways)):
        row = Row(f"1 thread / 2, {name}", goal=GOAL, events=events, same=same)
        row.households = households
        row.a, row.b = (statistics.median(it) / persons for it in times)
        row.ratio = statistics.median(a / b for a, b in zip(*times, strict=True))
        rows.append(row)
    rows[0].note = (
        f"the machine gave one thread {cores[0]:.2f} cores, and two {cores[1]:.2f}"
        f" of {os.cpu_count()}"
    )
    return {
        "agree": same,
        "world": look_at(next_decision(worlds[0])) | {"threads": 2},
        "cores_received": cores,
        "rows": [row.plain() for row in rows],
    }


def show(found: dict[str, Any]) -> list[str]:
    """The section as text."""
    return [
        *of_world(found["world"]),
        *show_rows(found["rows"], "A / B, a whole step, time a person"),
    ]
