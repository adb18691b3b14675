"""The decision kernel: the same households get their answers in every way there is.

Answers are checked, person by person, before anything is timed.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import suppress
from datetime import date
from inspect import signature
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import sim.mechanisms.decide
from benchmarks import c_reference
from benchmarks.interpreted import interpret
from benchmarks.measure import (
    LEAST,
    Mode,
    Row,
    alternate,
    cores_received,
    of_world,
    show_rows,
)
from benchmarks.worlds import Size, scenario
from sim.core.state import bytes_per_person
from sim.engine.setup import build_world
from sim.engine.solve import solve_base
from sim.engine.step import advance
from sim.kernels.choice import Events, decide
from sim.mechanisms.census import STOCKS
from sim.mechanisms.decide import Asked, Sums, all_heads, ask, ask_listed
from sim.mechanisms.exposure import update_all_households
from sim.model.world import World
from sim.scenario.reader import read

Arguments = dict[str, Any]
Columns = dict[str, np.ndarray]

SYRIAN_ROWS, SYRIAN_DAY = 100_000, date(2013, 6, 1)
"""The shipped case, and the decision that is looked at: the height of the war."""
SYNTHETIC = {"quick": 100_000, "usual": 1_000_000, "full": 1_000_000}
"""Persons of the synthetic world of 50 alternatives."""
ROUNDS = {"quick": LEAST, "usual": 11, "full": 21}
MANY = 200_000
"""Heads asked, many times over each, where one pass would be too short to time."""
INTERPRETED_FULL, INTERPRETED_EVENTS = 200, 100
"""Heads whom Python answers in full: some at random, and some who have events."""
INTERPRETED = 20_000
"""Heads whom Python answers as the kernel does."""
FULL_SAMPLE = 1000
"""Heads over which full evaluation is timed; its answers are compared for all."""


class Reached(Exception):  # noqa: N818 - no error, but the way out of a step
    """The world stands before its decision."""


def next_decision(world: World) -> tuple[Any, ...]:
    """(world, conditions, who is asked) in the world's next step, in which the world is left."""
    reached: list[tuple[Any, ...]] = []

    def stop(world: World, now: Any, end: int) -> None:
        update_all_households(world)
        reached.append((world, now, all_heads(world, end)))
        raise Reached

    with mock.patch.object(sim.mechanisms.decide, "ask_all_households", stop), suppress(Reached):
        advance(world)
    return reached[0]


def syrian_decision() -> tuple[Any, ...]:
    """The shipped case before the decision of its day."""
    case = read("syria", [f"population.agents={SYRIAN_ROWS}"])
    world = build_world(solve_base(case, case), case.seed)
    while world.date() < SYRIAN_DAY:
        advance(world)
    return next_decision(world)


def synthetic_decision(size: Size) -> tuple[Any, ...]:
    """A synthetic world before its third decision."""
    world = build_world(scenario(size), seed=1)
    for _ in range(2):
        advance(world)
    return next_decision(world)


def kernel_arguments(asked: tuple[Any, ...]) -> tuple[Arguments, Columns]:
    """What `ask` passes to the kernel, by name, and the events found."""
    names = list(signature(decide.py_func).parameters)
    calls: list[tuple[Arguments, Columns]] = []

    def catch(*args: Any) -> int:
        arguments = dict(zip(names, args, strict=True))
        found = int(decide(*args))
        calls.append((arguments, columns(arguments["events"], found)))
        return found

    with mock.patch.object(sim.mechanisms.decide, "decide", catch):
        ask(*asked, Sums(asked[0]))
    (call,) = calls
    return call


def columns(events: Events, n: int) -> Columns:
    """The first n rows of the events, copied."""
    return {name: column[:n].copy() for name, column in events._asdict().items()}


def same(a: Columns, b: Columns) -> bool:
    """Whether two sets of events agree person by person.

    Head, answer, hazard and trapped must be equal; the moment, the part that flight has in it, and
    the rate of refusals with the share of means in it are real numbers, and can differ in the last
    digits where another library raises to powers.
    """
    if len(a["head"]) != len(b["head"]):
        return False
    exact = all((a[name] == b[name]).all() for name in ("head", "answer", "hazard", "trapped"))
    reals = ("time", "flight", "refused", "lacking")
    close = (np.allclose(a[name], b[name], rtol=1e-9, atol=1e-9) for name in reals)
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
        conditions = conditions._replace(
            bound=np.full_like(conditions.bound, np.inf), most=np.full_like(conditions.most, np.inf)
        )
    own = {"heads": heads, "first": 0, "last": n, "events": events, "conditions": conditions}
    at = np.searchsorted(arguments["heads"], heads)
    return {**arguments, **own, "now": arguments["now"][at], "dt": arguments["dt"][at]}


def answer(arguments: Arguments) -> Columns:
    """The kernel's events."""
    return columns(arguments["events"], decide(*arguments.values()))


def describe(arguments: Arguments, world: World, evaluated: float) -> dict[str, Any]:
    """What a figure is taken on."""
    mean, most = count_alternatives(arguments)
    return {
        "scenario": world.scenario.name,
        "date": world.date().isoformat(),
        "persons": len(world.people.pid),
        "heads": len(arguments["heads"]),
        "places": len(world.country),
        "countries": len(STOCKS.of(world).diaspora),
        "cells": count_cells(arguments),
        "alternatives_mean": mean,
        "alternatives_most": most,
        "evaluated_share": evaluated,
        "bytes_per_person": bytes_per_person(world.people),
    }


def compare(asked: tuple[Any, ...], rounds: int, folder: Path) -> dict[str, Any]:
    """Give the same households their answers in every way there is; check, and time.

    Returns:
        `world` (what it was taken on), `rows` and the kernel's own figures.
    """
    rows: list[Row] = []
    world: World = asked[0]
    arguments, events = kernel_arguments(asked)
    heads = arguments["heads"]
    n, n_people = len(heads), len(world.people.pid)
    compiled = c_reference.build(folder)
    random = np.random.default_rng(1)
    usual = tuple(asking(arguments, heads).values())

    def draw(of: np.ndarray, most: int) -> np.ndarray:
        return np.sort(random.choice(of, min(len(of), most), replace=False))

    eventful = draw(events["head"], INTERPRETED_EVENTS)
    drawn, many = draw(heads, INTERPRETED_FULL), draw(heads, INTERPRETED)
    python = interpret(
        folder,
        [
            asking(arguments, many),
            asking(arguments, drawn, full=True),
            asking(arguments, eventful, full=True),
        ],
    )
    through = np.isin(many, python[0]["evaluated"])

    # Those who are answered in full are few, and a scan is short: both are asked many times over.
    scanned = np.tile(many[~through], 1 + MANY // max(1, int((~through).sum())))
    evaluated = np.tile(many[through], 1 + FULL_SAMPLE // max(1, int(through.sum())))
    for name, who, goal in (
        ("decide: Numba / C", heads, "<= 1.25"),
        ("  scan of the bounds: Numba / C", scanned, ""),
        ("  full answer: Numba / C", evaluated, ""),
    ):
        rows.append(against_c(name, asking(arguments, who), compiled, rounds))
        rows[-1].goal = goal

    part, everybody = draw(heads, FULL_SAMPLE), draw(heads, MANY)
    found = of_heads(events, everybody)
    row = Row("everybody in full / decide, Numba", heads=len(everybody), events=len(found["head"]))
    row.same = same(answer(asking(arguments, everybody, full=True)), found)
    full = tuple(asking(arguments, part, full=True).values())
    a, b, ratio = alternate(lambda: decide(*full), lambda: decide(*usual), rounds)
    row.a, row.b, row.ratio = a / len(part), b / n, ratio * n / len(part)
    rows.append(row)
    seconds = row.b

    # Python takes its time once, in a process of its own: its ratios do not alternate.
    row = Row("decide: Python / Numba", heads=len(many), events=len(python[0]["events"]["head"]))
    row.same = same(python[0]["events"], of_heads(events, many))
    row.a, row.b = python[0]["seconds"] / len(many), seconds
    row.ratio = row.a / row.b
    rows.append(row)
    row = Row("Python in full / decide, Numba", heads=len(drawn) + len(eventful))
    row.events = sum(len(result["events"]["head"]) for result in python[1:])
    row.same = all(
        same(result["events"], of_heads(events, who))
        for result, who in zip(python[1:], (drawn, eventful), strict=True)
    )
    row.a, row.b = python[1]["seconds"] / len(drawn), seconds
    row.ratio = row.a / row.b
    rows.append(row)

    rows.append(threads_row(asked, rounds))

    per_head = rows[0].a or 0.0
    return {
        "world": describe(arguments, world, float(through.mean()))
        | {
            "moving_share": float((events["answer"] <= 1).sum() / n),
            "blocked_share": float((events["answer"] >= 2).sum() / n),
            "threads": 1,
        },
        "ns_per_head": per_head * 1e9,
        "ns_per_person": per_head * n / n_people * 1e9,
        "heads_per_second": 1.0 / per_head if per_head else 0.0,
        "persons_per_second": n_people / (per_head * n) if per_head else 0.0,
        "scan_ns": (rows[1].a or 0.0) * 1e9,
        "full_us": (rows[2].a or 0.0) * 1e6,
        "call_us": empty_call(arguments) * 1e6,
        "rounds": rounds,
        "compiler": None if isinstance(compiled, str) else compiled.compiler,
        "flags": " ".join(c_reference.FLAGS),
        "rows": rows,
    }


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
    now = asked[1]
    # Everybody many times over: starting threads must not be what is timed.
    times = 1 + MANY // max(1, len(asked[2].heads))
    heads, first, days, new, turn = asked[2]
    crowd = Asked(*(np.repeat(column, times) for column in (heads, first, days, new)), turn)
    heads = crowd.heads

    def with_threads(threads: int) -> Columns:
        world.threads = threads
        found = ask_listed(world, now, crowd).events
        return columns(found, len(found.head))

    row = Row("1 thread / 2 threads, Numba", heads=len(heads))
    one, two = with_threads(1), with_threads(2)
    row.events, row.same = len(one["head"]), same(one, two)
    a, b, row.ratio = alternate(
        lambda: with_threads(1), lambda: with_threads(2), rounds, time.perf_counter
    )
    row.a, row.b = a / len(heads), b / len(heads)
    got = [cores_received(lambda t=threads: with_threads(t)) for threads in (1, 2)]
    row.note = f"the machine gave one thread {got[0]:.2f} cores, and two {got[1]:.2f}"
    world.threads = 1
    return row


def empty_call(arguments: Arguments) -> float:
    """Seconds of a call that asks nobody: the price of handing over the tables."""
    values = tuple(asking(arguments, arguments["heads"][:0]).values())
    return alternate(lambda: decide(*values), lambda: None, 9)[0]


def count_alternatives(arguments: Arguments) -> tuple[float, int]:
    """(mean, greatest) number of places x channels that a head weighs, open to them or not."""
    people, tables, heads = arguments["people"], arguments["tables"], arguments["heads"]
    p, o = people.place[heads].astype(np.int64), people.home[heads].astype(np.int64)
    n = len(tables.country)
    code, counts = np.unique(p * n + o, return_counts=True)
    p, o = code // n, code % n
    country, d = tables.country, np.arange(n)
    inside = country[None, :] == country[p][:, None]
    home = country[None, :] == country[o][:, None]
    abroad = np.where(tables.free[country[o]][:, country], 1, 4)
    slots = np.where(inside, 1, np.where(home, d[None, :] == o[:, None], abroad))
    slots = np.where(d[None, :] == p[:, None], np.where(home, 0, 2), slots)
    slots = np.where((tables.pull[:, o, :] > 0).any(axis=0), slots, 0).sum(axis=1)
    return float((slots * counts).sum() / counts.sum()), int(slots.max())


def count_cells(arguments: Arguments) -> int:
    """Number of (place, origin, taste class) combinations that deciding heads are in."""
    people, heads = arguments["people"], arguments["heads"]
    columns = (people.place[heads], people.home[heads], people.traits[heads] >> 4)
    return len(np.unique(np.stack(columns), axis=1).T)


def measure(mode: Mode) -> dict[str, Any]:
    """Compare on the shipped case, and on a synthetic world of 50 alternatives."""
    rounds = ROUNDS[mode]
    with tempfile.TemporaryDirectory() as folder:
        found = [
            compare(asked, rounds, Path(folder))
            for asked in (syrian_decision(), synthetic_decision(Size(persons=SYNTHETIC[mode])))
        ]
    rows = [row for one in found for row in one["rows"]]
    return {
        "agree": all(row.same is not False for row in rows),
        "worlds": [one | {"rows": [row.plain() for row in one["rows"]]} for one in found],
    }


def show(found: dict[str, Any]) -> list[str]:
    """The section as text."""
    lines: list[str] = []
    for it in found["worlds"]:
        lines += [
            f"{it['world']['scenario']}, {it['world']['date']}; C: {it['compiler'] or 'none'}",
            *of_world(it["world"]),
            (
                f"  {it['ns_per_head']:.0f} ns a head, {it['ns_per_person']:.1f} ns a person:"
                f" {it['heads_per_second'] / 1e6:.2f} M heads/s,"
                f" {it['persons_per_second'] / 1e6:.2f} M persons/s"
            ),
            (
                f"  {it['scan_ns']:.1f} ns a head whom a bound lets stay,"
                f" {it['full_us']:.1f} us a full answer, {it['call_us']:.0f} us a call"
            ),
            *show_rows(it["rows"], "A / B, time a head"),
            "",
        ]
    return lines
