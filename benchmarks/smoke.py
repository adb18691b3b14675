"""The smoke benchmark: answers are checked, ratios are printed, times are never judged.

    python -m benchmarks.smoke [--json] [--agents N] [--until YYYY-MM-DD] [--rounds N]

The exit code is 1 if two ways of giving the same people their answers disagree, else 0.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import date
from importlib.metadata import version
from inspect import signature
from pathlib import Path
from typing import Any
from unittest import mock

import numba
import numpy as np
from numba.core import event

import sim.model.decide
import sim.step
from benchmarks import c_reference
from benchmarks.interpreted import interpret
from benchmarks.stages import STAGES, Stages
from sim.kernels.choice import Events, decide
from sim.model.decide import draw_events
from sim.scenario.reader import read
from sim.solve import solve_base
from sim.state import DAYS_A_YEAR, bytes_per_person
from sim.step import advance
from sim.world import World, build_world

Arguments = dict[str, Any]
Columns = dict[str, np.ndarray]

TIMED_MONTHS = 9
"""Months before the day of the decision over which whole steps are timed."""
SAMPLE_SECONDS = 0.01
"""Least CPU time of one timing: the clock and the call must not show in it."""
MANY = 200_000
"""Heads asked, many times over each, where one pass would be too short to time."""
INTERPRETED_FULL, INTERPRETED_EVENTS = 200, 100
"""Heads whom Python answers in full: some at random, and some who have events."""
FULL_SAMPLE = 1000
"""Heads over which full evaluation is timed; its answers are compared for all."""


@dataclass
class Row:
    """Two ways of doing the same thing."""

    name: str
    """A / B: the ratio is the time of A over the time of B."""
    a: float | None = None
    """Seconds a head (median)."""
    b: float | None = None
    ratio: float | None = None
    """Median of the ratios of the pairs of timings."""
    heads: int | None = None
    """Heads whose answers were compared, person by person."""
    events: int | None = None
    """Answers among them other than `stays`."""
    same: bool | None = None
    """Whether they agree; None where there was nothing to compare."""
    note: str = ""


@dataclass
class Report:
    """All that is printed."""

    setting: dict[str, Any] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    step: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def agree(self) -> bool:
        """Whether nothing that was compared differs."""
        return all(row.same is not False for row in self.rows)


class Reached(Exception):  # noqa: N818 - no error, but the way out of a step
    """The world stands before its decision."""


def run_to(scenario: Any, until: date) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Run a world to the first decision on or after a day, timing the last steps before it.

    Returns:
        (arguments of `draw_events` for that decision, the timing of steps).
    """
    scenario = solve_base(scenario, scenario)
    world = build_world(scenario, scenario.seed)
    steps: list[float] = []
    stages: list[dict[str, dict[str, float]]] = []
    warm = until.year * 12 + until.month - TIMED_MONTHS
    while world.date() < until:
        if world.date().year * 12 + world.date().month < warm:
            advance(world)
            continue
        clock = Stages()
        # Compiling what is met for the first time is no part of a step.
        with event.install_recorder("numba:compile") as compiled, clock.running():
            start = time.perf_counter()
            advance(world)
            seconds = time.perf_counter() - start
        if not compiled.buffer:
            steps.append(seconds)
            stages.append(clock.table())

    asked: list[tuple[Any, ...]] = []

    def stop(*args: Any) -> None:
        asked.append(args)
        raise Reached

    with mock.patch.object(sim.model.decide, "draw_events", stop), suppress(Reached):
        advance(world)
    return asked[0], sum_up(steps, stages, world)


def sum_up(
    steps: list[float], stages: list[dict[str, dict[str, float]]], world: World
) -> dict[str, Any]:
    """Means over the timed steps, in seconds, by stage and part."""
    n = max(1, len(steps))
    table: dict[str, dict[str, float]] = {}
    for stage in STAGES:
        table[stage] = {}
        for one in stages:
            for part, seconds in one[stage].items():
                table[stage][part] = table[stage].get(part, 0.0) + seconds / n
    total = sum(steps) / n
    covered = sum(sum(parts.values()) for parts in table.values())
    return {
        "steps": len(steps),
        "seconds_mean": total,
        "seconds_median": statistics.median(steps) if steps else 0.0,
        "ns_per_person_step": total / len(world.people.pid) * 1e9,
        "stages": {stage: sum(parts.values()) for stage, parts in table.items()},
        "parts": table,
        "stages_over_total": covered / total if total else 1.0,
    }


def kernel_arguments(asked: tuple[Any, ...]) -> tuple[Arguments, Columns]:
    """What `draw_events` passes to the kernel, by name, and the events found."""
    names = list(signature(decide.py_func).parameters)
    calls: list[tuple[Arguments, Columns]] = []

    def catch(*args: Any) -> int:
        arguments = dict(zip(names, args, strict=True))
        found = int(decide(*args))
        calls.append((arguments, columns(arguments["events"], found)))
        return found

    with mock.patch.object(sim.model.decide, "decide", catch):
        draw_events(*asked)
    (call,) = calls
    return call


def columns(events: Events, n: int) -> Columns:
    """The first n rows of the events, copied."""
    return {name: column[:n].copy() for name, column in events._asdict().items()}


def same(a: Columns, b: Columns) -> bool:
    """Whether two sets of events agree person by person.

    Head, answer, hazard and trapped must be equal; the moment and the part that flight has in it
    are real numbers, and may differ in their last digits where another library raises to powers.
    """
    if len(a["head"]) != len(b["head"]):
        return False
    exact = all((a[name] == b[name]).all() for name in ("head", "answer", "hazard", "trapped"))
    close = (np.allclose(a[name], b[name], rtol=1e-9, atol=1e-12) for name in ("time", "flight"))
    return bool(exact and all(close))


def of_heads(events: Columns, heads: np.ndarray) -> Columns:
    """The events of some heads."""
    chosen = np.isin(events["head"], heads)
    return {name: column[chosen] for name, column in events.items()}


def asking(arguments: Arguments, heads: np.ndarray, full: bool = False) -> Arguments:
    """The same question put to other heads, to buffers of their own.

    Args:
        arguments: The kernel's, by name.
        heads: [n] rows of the heads to ask, among those of `arguments`, which ascend.
        full: Without the bound, so that everybody is evaluated in full.
    """
    n = len(heads)
    events = Events(*(np.zeros(n, column.dtype) for column in arguments["events"]))
    conditions = arguments["conditions"]
    if full:
        conditions = conditions._replace(bound=np.full_like(conditions.bound, np.inf))
    own = {"heads": heads, "first": 0, "last": n, "events": events, "conditions": conditions}
    at = np.searchsorted(arguments["heads"], heads)
    return {**arguments, **own, "now": arguments["now"][at], "dt": arguments["dt"][at]}


def answer(arguments: Arguments) -> Columns:
    """The kernel's events."""
    return columns(arguments["events"], decide(*arguments.values()))


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
            side, n = (a, b)[which], repeats[which]
            start = clock()
            for _ in range(n):
                side()
            times[which].append((clock() - start) / n)
    ratio = statistics.median(x / y for x, y in zip(*times, strict=True))
    return statistics.median(times[0]), statistics.median(times[1]), ratio


def compare(asked: tuple[Any, ...], rounds: int, folder: Path) -> Report:
    """Give the same households their answers in every way there is; check, and time."""
    report = Report()
    world: World = asked[0]
    arguments, events = kernel_arguments(asked)
    people, heads = world.people, arguments["heads"]
    n, n_people = len(heads), len(people.pid)
    compiled = c_reference.build(folder)
    random = np.random.default_rng(1)
    usual = tuple(asking(arguments, heads).values())

    eventful = events["head"][:INTERPRETED_EVENTS]
    drawn = np.sort(random.choice(heads, min(n, INTERPRETED_FULL), replace=False))
    python = interpret(
        folder,
        [
            asking(arguments, heads),
            asking(arguments, drawn, full=True),
            asking(arguments, eventful, full=True),
        ],
    )
    through = np.isin(heads, python[0]["evaluated"])

    # Those who are answered in full are few, and a scan is short: both are asked many times over.
    scanned = np.tile(heads[~through], 1 + MANY // max(1, n))
    evaluated = np.tile(heads[through], 1 + FULL_SAMPLE // max(1, int(through.sum())))
    for name, who in (
        ("decide: Numba / C", heads),
        ("  scan of the bounds: Numba / C", scanned),
        ("  full answer: Numba / C", evaluated),
    ):
        report.rows.append(against_c(name, asking(arguments, who), compiled, rounds))

    part = np.sort(random.choice(heads, min(n, FULL_SAMPLE), replace=False))
    row = Row("everybody in full / decide, Numba", heads=n, events=len(events["head"]))
    row.same = same(answer(asking(arguments, heads, full=True)), events)
    full = tuple(asking(arguments, part, full=True).values())
    a, b, ratio = alternate(lambda: decide(*full), lambda: decide(*usual), rounds)
    row.a, row.b, row.ratio = a / len(part), b / n, ratio * n / len(part)
    report.rows.append(row)
    seconds = row.b

    # Python takes its time once, in a process of its own: its ratios do not alternate.
    row = Row("decide: Python / Numba", heads=n, events=len(events["head"]))
    row.same = same(python[0]["events"], events)
    row.a, row.b = python[0]["seconds"] / n, seconds
    row.ratio = row.a / row.b
    report.rows.append(row)
    row = Row("Python in full / decide, Numba", heads=len(drawn) + len(eventful))
    row.events = sum(len(result["events"]["head"]) for result in python[1:])
    row.same = all(
        same(result["events"], of_heads(events, who))
        for result, who in zip(python[1:], (drawn, eventful), strict=True)
    )
    row.a, row.b = python[1]["seconds"] / len(drawn), seconds
    row.ratio = row.a / row.b
    report.rows.append(row)

    report.rows.append(threads_row(asked, rounds))

    per_head = report.rows[0].a or 0.0
    alternatives = count_alternatives(arguments)
    report.setting = {
        "scenario": world.scenario.name,
        "date": world.date().isoformat(),
        "step_days": round(arguments["dt"].min() * DAYS_A_YEAR),
        "agents": n_people,
        "people": world.total,
        "bytes_per_agent": bytes_per_person(people),
        "heads": n,
        "places": len(world.country),
        "alternatives_mean": alternatives[0],
        "alternatives_most": alternatives[1],
        "occupied_cells": count_cells(arguments),
        "evaluated_share": float(through.mean()),
        "moving_share": float((events["answer"] <= 1).sum() / n),
        "blocked_share": float((events["answer"] >= 2).sum() / n),
        "ns_per_head": per_head * 1e9,
        "ns_per_person": per_head * n / n_people * 1e9,
        "heads_per_second": 1.0 / per_head if per_head else 0.0,
        "persons_per_second": n_people / (per_head * n) if per_head else 0.0,
        "scan_ns": (report.rows[1].a or 0.0) * 1e9,
        "full_us": (report.rows[2].a or 0.0) * 1e6,
        "call_us": empty_call(arguments) * 1e6,
        "rounds": rounds,
        "compiler": None if isinstance(compiled, str) else compiled.compiler,
        "flags": " ".join(c_reference.FLAGS),
        **machine(),
    }
    return report


def against_c(
    name: str, mine: Arguments, compiled: c_reference.Reference | str, rounds: int
) -> Row:
    """The kernel against the C reference, over the heads of `mine`."""
    n = len(mine["heads"])
    row = Row(name)
    if n == 0:
        row.note = "nobody"
        return row
    values = tuple(mine.values())
    if isinstance(compiled, str):
        row.note = f"no C reference: {compiled}"
        row.a = alternate(lambda: decide(*values), lambda: None, rounds)[0] / n
        return row
    found = answer(mine)
    theirs = asking(mine, mine["heads"])
    run = compiled.prepare(theirs)
    row.heads, row.events = n, len(found["head"])
    row.same = same(found, columns(theirs["events"], run()))
    a, b, row.ratio = alternate(lambda: decide(*values), run, rounds)
    row.a, row.b = a / n, b / n
    return row


def threads_row(asked: tuple[Any, ...], rounds: int) -> Row:
    """One thread against two, by the clock on the wall."""
    world: World = asked[0]

    def with_threads(threads: int) -> Columns:
        world.threads = threads
        found = draw_events(*asked)
        return columns(found, len(found.head))

    heads = world.deciding
    row = Row("1 thread / 2 threads, Numba", heads=len(heads))
    one, two = with_threads(1), with_threads(2)
    row.events, row.same = len(one["head"]), same(one, two)
    # Everybody many times over: starting threads must not be what is timed.
    world.deciding = np.tile(heads, 1 + MANY // max(1, len(heads)))
    row.same &= same(with_threads(1), with_threads(2))
    a, b, row.ratio = alternate(
        lambda: with_threads(1), lambda: with_threads(2), rounds, time.perf_counter
    )
    row.a, row.b = a / len(world.deciding), b / len(world.deciding)
    got = [cores_received(lambda t=threads: with_threads(t)) for threads in (1, 2)]
    row.note = f"the machine gave one thread {got[0]:.2f} cores, and two {got[1]:.2f}"
    world.deciding, world.threads = heads, 1
    return row


def cores_received(call: Callable[[], Any]) -> float:
    """Processor time over the time on the wall: on a busy machine two threads may share a core."""
    wall, processor = time.perf_counter(), time.process_time()
    for _ in range(5):
        call()
    return (time.process_time() - processor) / (time.perf_counter() - wall)


def empty_call(arguments: Arguments) -> float:
    """Seconds of a call that asks nobody: the price of handing over the tables."""
    values = tuple(asking(arguments, arguments["heads"][:0]).values())
    return alternate(lambda: decide(*values), lambda: None, 9)[0]


def count_alternatives(arguments: Arguments) -> tuple[float, int]:
    """(mean, greatest) number of places x channels that a head weighs, open to them or not."""
    people, land, heads = arguments["people"], arguments["land"], arguments["heads"]
    p, o = people.place[heads].astype(np.int64), people.home[heads].astype(np.int64)
    n = len(land.country)
    code, counts = np.unique(p * n + o, return_counts=True)
    p, o = code // n, code % n
    country, d = land.country, np.arange(n)
    inside = country[None, :] == country[p][:, None]
    home = country[None, :] == country[o][:, None]
    abroad = np.where(land.free[country[o]][:, country], 1, 4)
    slots = np.where(inside, 1, np.where(home, d[None, :] == o[:, None], abroad))
    slots = np.where(d[None, :] == p[:, None], np.where(home, 0, 2), slots)
    slots = np.where((land.pull[:, o, :] > 0).any(axis=0), slots, 0).sum(axis=1)
    return float((slots * counts).sum() / counts.sum()), int(slots.max())


def count_cells(arguments: Arguments) -> int:
    """Number of (place, origin, taste class) combinations that deciding heads are in."""
    people, heads = arguments["people"], arguments["heads"]
    columns = (people.place[heads], people.home[heads], people.traits[heads] >> 4)
    return len(np.unique(np.stack(columns), axis=1).T)


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


def show(report: Report) -> str:
    """The report as a table 80 columns wide."""
    it = report.setting
    versions = ", ".join(f"{name} {number}" for name, number in it["versions"].items())
    lines = [
        f"Smoke benchmark: {it['scenario']}, the decision of {it['date']} ({it['step_days']} days)",
        f"  {it['cpu']}, {it['cores']} cores, load {it['load'] or math.nan:.1f}",
        f"  {versions}",
        f"  C: {it['compiler'] or 'none'}",
        (
            f"  {it['agents']:,} persons (for {it['people'] / 1e6:.1f} M),"
            f" {it['heads']:,} households deciding, {it['bytes_per_agent']:.0f} B a person"
        ),
        (
            f"  {it['places']} places, {it['alternatives_mean']:.0f} places x channels a head"
            f" (at most {it['alternatives_most']}), {it['occupied_cells']:,} cells"
        ),
        (
            f"  evaluated in full {it['evaluated_share']:.2%}, moving {it['moving_share']:.2%},"
            f" blocked {it['blocked_share']:.2%} of heads"
        ),
        "",
        "Decision kernel, Numba, one thread",
        (
            f"  {it['ns_per_head']:.0f} ns a head, {it['ns_per_person']:.0f} ns a person:"
            f" {it['heads_per_second'] / 1e6:.2f} M heads/s,"
            f" {it['persons_per_second'] / 1e6:.2f} M persons/s"
        ),
        (
            f"  {it['scan_ns']:.1f} ns a head whom a bound lets stay,"
            f" {it['full_us']:.1f} us a full answer, {it['call_us']:.0f} us a call"
        ),
        "",
        f"{'A / B, time a head':<35}{'A':>9}{'B':>9}{'A / B':>9}  answers/heads",
    ]
    for row in report.rows:
        ratio = "-" if row.ratio is None else f"{row.ratio:,.2f}"
        ratio = f"{row.ratio:,.0f}" if row.ratio is not None and row.ratio >= 100 else ratio
        verdict = "-" if row.same is None else "same" if row.same else "DIFFER"
        compared = "" if row.same is None else f" {row.events:,}/{row.heads:,}"
        lines.append(
            f"{row.name:<35}{in_unit(row.a):>9}{in_unit(row.b):>9}{ratio:>9}  {verdict}{compared}"
        )
        if row.note:
            lines.append(f"    {row.note}"[:80])
    verdict = "all answers agree" if report.agree else "ANSWERS DIFFER"
    return "\n".join(
        (
            *lines,
            "",
            *show_step(report.step),
            "",
            f"{verdict}; {report.seconds:.0f} s. Ratios hold, times drift: none is judged.",
        )
    )


def show_step(step: dict[str, Any]) -> list[str]:
    """The whole step by stage."""
    total = step["seconds_mean"]
    if not total:
        return ["Whole step: compiling was part of every month, so there is nothing to show"]
    months, median, each = step["steps"], step["seconds_median"], step["ns_per_person_step"]
    headline = f"Whole step, 1 thread, {months} months: {total:.3f} s a month (median {median:.3f})"
    lines = [
        f"{headline}, {each:,.0f} ns/person",
        f"  {'stage':<9}{'a month':>9}{'of step':>9}   parts, % of step",
    ]
    for stage, parts in step["parts"].items():
        seconds = step["stages"][stage]
        line = f"  {stage:<9}{in_unit(seconds):>9}{seconds / total:>9.1%}  "
        for part, value in sorted(parts.items(), key=lambda item: -item[1]):
            more = f" {part} {100 * value / total:.0f}"
            if len(line + more) <= 80 and value / total >= 0.005:
                line += more + ","
        lines.append(line.rstrip(","))
    covered = step["stages_over_total"]
    lines.append(f"  {'sum':<9}{in_unit(covered * total):>9}{covered:>9.1%}")
    return lines


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.smoke", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--agents", type=int, default=100_000)
    parser.add_argument("--until", type=date.fromisoformat, default=date(2013, 6, 1))
    parser.add_argument("--rounds", type=int, default=11, help="pairs of timings (9 or more)")
    options = parser.parse_args()
    if numba.config.DISABLE_JIT:
        print("NUMBA_DISABLE_JIT is set: there are no compiled kernels to measure")
        return 0
    start = time.perf_counter()
    scenario = read("syria", [f"population.agents={options.agents}"])
    asked, step = run_to(scenario, options.until)
    with tempfile.TemporaryDirectory() as folder:
        report = compare(asked, max(9, options.rounds), Path(folder))
    report.step = step
    report.seconds = time.perf_counter() - start
    print(json.dumps({**asdict(report), "agree": report.agree}) if options.json else show(report))
    return 0 if report.agree else 1


if __name__ == "__main__":
    sys.exit(main())
