"""What all benchmarks share: how two sides are timed in turn, and how figures are written."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np

Mode = Literal["quick", "usual", "full"]
"""How much is measured: within CI, `sim bench`, `sim bench --full`."""
LEAST = 9
"""Pairs of timings whose median is a ratio."""
SAMPLE_SECONDS = 0.01
"""Least CPU time of one timing: the clock and the call must not show in it."""
WIDTH = 80


@dataclass
class Row:
    """Two ways of doing the same thing."""

    name: str
    """A / B: the ratio is the time of A over the time of B."""
    a: float | None = None
    """Seconds a household, person or call (median)."""
    b: float | None = None
    ratio: float | None = None
    """Median of the ratios of the pairs of timings."""
    households: int | None = None
    """Households whose answers were compared, one by one."""
    events: int | None = None
    """Answers among them other than `stays`."""
    same: bool | None = None
    """Whether they agree; None where there was nothing to compare."""
    note: str = ""
    goal: str = ""
    """What the ratio is to reach, as `<= 1.25` or `>= 4`; empty where nothing is aimed at."""

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None without one, or without a ratio."""
        if not self.goal or self.ratio is None:
            return None
        sign, number = self.goal.split()
        limit = float(number.replace(",", ""))
        return self.ratio <= limit if sign == "<=" else self.ratio >= limit

    def plain(self) -> dict[str, Any]:
        """The row for JSON."""
        return asdict(self) | {"met": self.met}


def alternate(
    a: Callable[[], Any], b: Callable[[], Any], rounds: int,
    clock: Callable[[], float] = time.thread_time,
) -> tuple[float, float, float]:  # fmt: skip
    """Time two calls in turn.

    Args:
        a: One call.
        b: The other.
        rounds: Pairs of timings; which side comes first alternates too.
        clock: By default the thread's own CPU time, which other work on the machine leaves
            nearly alone.

    Returns:
        (median seconds a call of a, of b, median of the pairs' ratios a / b).
    """
    repeats = []
    for side in (a, b):
        side()
        start = clock()
        side()
        repeats.append(max(1, int(np.ceil(SAMPLE_SECONDS / max(clock() - start, 1e-7)))))
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(rounds):
        for which in (0, 1) if turn % 2 == 0 else (1, 0):
            side = (a, b)[which]
            start = clock()
            for _ in range(repeats[which]):
                side()
            times[which].append((clock() - start) / repeats[which])
    ratio = statistics.median(x / y for x, y in zip(*times, strict=True))
    return statistics.median(times[0]), statistics.median(times[1]), ratio


def cores_received(call: Callable[[], Any], times: int = 5) -> float:
    """Processor time over the time on the wall: on a busy machine two threads may share a core."""
    wall, processor = time.perf_counter(), time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - processor) / (time.perf_counter() - wall)


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Least-squares slope of ln y over ln x: the power by which y grows with x."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def machine() -> dict[str, Any]:
    """What it ran on."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [x for x in info.read_text().splitlines() if x.startswith("model name")]
        cpu = models[0].split(":", 1)[1].strip() if models else cpu
    versions = {name: version(name) for name in ("numba", "llvmlite", "numpy")}
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "versions": {"python": platform.python_version(), **versions},
    }


def in_unit(seconds: float | None) -> str:
    """A time in three digits and the unit that fits it."""
    if seconds is None:
        return "-"
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "us"), (1e9, "ns")):
        if seconds * factor >= 1 or unit == "ns":
            value = seconds * factor
            digits = 0 if value >= 100 else 1 if value >= 10 else 2
            return f"{value:.{digits}f} {unit}"
    return "-"


def of_world(it: Mapping[str, Any]) -> list[str]:
    """What a figure was taken on, in two lines."""
    alternatives = f"{it['alternatives_mean']:.0f} alternatives (at most {it['alternatives_most']})"
    shares = f"evaluated in full {it['evaluated_share']:.2%}, moving {it['moving_share']:.2%}"
    return [
        (
            f"  {it['persons']:,} persons, {it['households']:,} households deciding,"
            f" {it['places']} places, {it['cells']:,} cells"
        ),
        f"  {alternatives}; {shares} of households",
    ]


def show_rows(plain: Sequence[Mapping[str, Any]], what: str) -> list[str]:
    """Rows, as `Row.plain` gives them, as a table."""
    lines = [f"{what:<35}{'A':>9}{'B':>9}{'A / B':>9}  answers/households"]
    for row in (Row(**{k: v for k, v in it.items() if k != "met"}) for it in plain):
        ratio = "-" if row.ratio is None else f"{row.ratio:,.2f}"
        ratio = f"{row.ratio:,.0f}" if row.ratio is not None and row.ratio >= 100 else ratio
        verdict = "-" if row.same is None else "same" if row.same else "DIFFER"
        compared = ""
        if row.same is not None and row.households is not None:
            compared = f" {row.events:,}/{row.households:,}"
        lines.append(
            f"{row.name:<35}{in_unit(row.a):>9}{in_unit(row.b):>9}{ratio:>9}  {verdict}{compared}"
        )
        if row.goal:
            reached = {True: "reached", False: "not reached", None: "not measured"}[row.met]
            lines.append(f"    goal {row.goal}: {reached}")
        if row.note:
            lines.append(f"    {row.note}"[:WIDTH])
    return lines
