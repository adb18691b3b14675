"""The whole step on one thread and on two: two worlds alike take every step in turn."""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from benchmarks.measure import LEAST, Mode, Row, cores_received, show_rows
from benchmarks.whole import WARM, synthetic
from benchmarks.worlds import Size
from sim.simulate import Keeper
from sim.step import advance
from sim.world import World

PERSONS = {"quick": 200_000, "usual": 2_000_000, "full": 10_000_000}
GOAL = ">= 1.8"


def same_bits(a: World, b: World) -> bool:
    """Whether people, counts and all tables of those on the way are the same to the bit."""
    parts = ("people", "counts", "parties", "applications", "claims", "orders", "diaspora")
    return all(_same(getattr(a, name), getattr(b, name)) for name in parts)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if is_dataclass(a):
        return all(_same(getattr(a, it.name), getattr(b, it.name)) for it in fields(a))
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


def measure(mode: Mode) -> dict[str, Any]:
    """Step two worlds alike, one on two threads, and compare times and bits."""
    worlds = [synthetic(Size(persons=PERSONS[mode])) for _ in range(2)]
    worlds[1].threads = worlds[1].choices.threads = 2
    keepers = [Keeper(world) for world in worlds]
    times: list[list[float]] = [[], []]
    row = Row("1 thread / 2 threads, whole step", goal=GOAL, same=True)
    row.heads = row.events = 0
    for number in range(WARM + LEAST):
        for side in (0, 1) if number % 2 == 0 else (1, 0):
            start = time.perf_counter()
            census = advance(worlds[side])
            seconds = time.perf_counter() - start
            if number >= WARM:
                times[side].append(seconds)
            if side == 0:
                row.heads += int(worlds[0].counts.heads.sum())
                row.events += int(worlds[0].counts.heads[:, :-1].sum())
            keepers[side].keep(worlds[side], census)
        row.same &= same_bits(*worlds)
    persons = len(worlds[0].people.pid)
    row.a, row.b = (statistics.median(it) / persons for it in times)
    row.ratio = statistics.median(a / b for a, b in zip(*times, strict=True))
    got = [cores_received(lambda w=world: advance(w), 1) for world in worlds]
    cores = os.cpu_count() or 1
    row.note = f"the machine gave one thread {got[0]:.2f} cores, and two {got[1]:.2f} of {cores}"
    return {
        "agree": row.same,
        "world": {
            "persons": persons,
            "heads": len(worlds[0].deciding),
            "places": len(worlds[0].country),
            "countries": len(worlds[0].diaspora),
        },
        "cores_received": got,
        "rows": [row.plain()],
    }


def show(found: dict[str, Any]) -> list[str]:
    """The section as text."""
    it = found["world"]
    return [
        f"  {it['persons']:,} persons, {it['heads']:,} heads deciding, {it['places']} places",
        *show_rows(found["rows"], "A / B, time a person"),
    ]
