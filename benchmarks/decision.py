"""The decision kernel: the same households get their answers in every way there is.

Answers are checked, household by household, before anything is timed.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import c_reference
from benchmarks.asking import Asked, Events, ask, everybody, room_for
from benchmarks.interpreted import interpret
from benchmarks.kernels import count_points, find
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
from sim.core.state import DAYS_A_YEAR, bytes_per_person
from sim.core.terms import Answer
from sim.engine.setup import build_world
from sim.engine.solve import solve_base
from sim.engine.step import advance
from sim.kernels.decision import sieve
from sim.kernels.plane import Plane
from sim.kernels.rates import Conditions
from sim.mechanisms.census import STOCKS
from sim.mechanisms.choice import CHOICES
from sim.mechanisms.decide import MOVE
from sim.mechanisms.livelihood import MEANS
from sim.mechanisms.policy import CLASSES
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
"""Households asked, many times over each, where one pass would be too short to time."""
INTERPRETED_FULL, INTERPRETED_EVENTS = 200, 100
"""Households that Python asks with raised bounds: some at random, and some that have events."""
INTERPRETED = 20_000
"""Households that Python answers as the kernel does."""
FULL_SAMPLE = 1000
"""Households over which full evaluation is timed; its answers are compared for all."""
RAISED = 8.0
"""Points that raised bounds add to each household's in a month, at most; most get one or two."""
SPARE = 1024
"""Room for events beyond those that there are, in case there are more than there should be."""


class Reached(Exception):  # noqa: N818 - no error, but the way out of a step
    """The world stands before its decision."""


def next_decision(world: World) -> tuple[Any, ...]:
    """(world, conditions, who is asked) in the world's next step, in which the world is left."""
    reached: list[tuple[Any, ...]] = []

    def stop(now: Conditions, end: int) -> None:
        reached.append((world, now, everybody(world, end)))
        raise Reached

    with suppress(Reached):
        advance(world, stop)
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
    """What the kernels are given (see `find`), and the events that `ask` finds with it."""
    world, now, who = asked
    arguments = {
        "households": world.households,
        "persons": world.persons,
        "houses": who.houses,
        "since": who.since,
        "until": who.until,
        "tables": CHOICES.of(world).tables,
        "conditions": now,
        "means": MEANS.of(world),
        "classes": CLASSES.of(world),
        "plane": world.plane(MOVE),
        "month": world.month(),
        "events": ask(world, now, who),
        "through": np.empty(len(who.houses), np.int64),
    }
    found: Events = arguments["events"]
    return arguments, columns(found, len(found.house))


def columns(events: Events, n: int) -> Columns:
    """The first n rows of the events, copied."""
    return {name: column[:n].copy() for name, column in events._asdict().items()}


def same(a: Columns, b: Columns) -> bool:
    """Whether two sets of events agree household by household.

    Household, answer, hazard, uprooted, trapped and hash must be equal; the day, and the share that
    flight has in it, are real numbers, and may differ in their last digits where another library
    raises to powers.
    """
    if len(a["house"]) != len(b["house"]):
        return False
    exact = all(
        (a[name] == b[name]).all()
        for name in ("house", "answer", "hazard", "uprooted", "trapped", "word")
    )
    close = (np.allclose(a[name], b[name], rtol=1e-9, atol=1e-9) for name in ("time", "flight"))
    return bool(exact and all(close))


def of_houses(events: Columns, houses: np.ndarray) -> Columns:
    """The events of some households."""
    chosen = np.isin(events["house"], houses)
    return {name: column[chosen] for name, column in events.items()}


def asking(arguments: Arguments, houses: np.ndarray, full: bool = False) -> Arguments:
    """The same question put to other households, with buffers of their own.

    Args:
        arguments: The kernels', by name, with the events that they find.
        houses: [n] rows of the households to ask, among those of `arguments`.
        full: With bounds raised so far that most are evaluated in full, at a point or more. They
            cannot be infinite, since a plane has no highest point. Answers must be the same: no
            event is at a point above the true bound.
    """
    events = arguments["events"].house
    ends = (np.searchsorted(events, houses.astype(np.int64), side) for side in ("right", "left"))
    own: Arguments = {
        "houses": houses,
        "events": room_for(int(np.subtract(*ends).sum()) + SPARE),
        "through": np.empty(len(houses), np.int64),
    }
    if full:
        own["conditions"] = raised(arguments["conditions"], arguments["plane"])
    return arguments | own


def raised(conditions: Conditions, plane: Plane) -> Conditions:
    """The same conditions, with `RAISED` points or less a household and month above its bound."""
    top = (conditions.livelihood.max(axis=1) * conditions.most_want.max(axis=1))[:, None]
    top = np.where(np.eye(len(top), dtype=bool), conditions.at_home, 1.0) * top
    rate = RAISED / (plane.days / DAYS_A_YEAR)
    bound = conditions.bound.copy()
    bound[0] += np.divide(rate, top, out=np.zeros_like(top), where=top > 0)[:, :, None]
    return conditions._replace(bound=bound, most=np.full_like(conditions.most, np.inf))


def answer(arguments: Arguments) -> Columns:
    """The kernels' events."""
    return columns(arguments["events"], find(**arguments))


def count_evaluations(arguments: Arguments) -> int:
    """Number of full answers that the kernels give, if nothing happens to any household."""
    names = (
        "households", "persons", "houses", "since", "until", "tables", "conditions", "plane",
        "month",
    )  # fmt: skip
    return int(count_points(*(arguments[name] for name in names)))


def describe(arguments: Arguments, world: World, evaluated: float) -> dict[str, Any]:
    """What a figure is taken on."""
    mean, most = count_alternatives(arguments)
    return {
        "scenario": world.scenario.name,
        "date": world.date().isoformat(),
        "persons": len(world.persons.pid),
        "households": len(arguments["houses"]),
        "places": len(world.country),
        "countries": len(STOCKS.of(world).diaspora),
        "cells": count_cells(arguments),
        "alternatives_mean": mean,
        "alternatives_most": most,
        "evaluated_share": evaluated,
        "bytes_per_person": bytes_per_person(world.households, world.persons),
    }


def compare(asked: tuple[Any, ...], rounds: int, folder: Path) -> dict[str, Any]:
    """Give the same households their answers in every way there is; check, and time.

    Returns:
        `world` (what it was taken on), `rows` and the kernel's own figures.
    """
    world: World = asked[0]
    arguments, events = kernel_arguments(asked)
    houses = arguments["houses"]
    n, n_people = len(houses), len(world.persons.pid)
    compiled = c_reference.build(folder)
    random = np.random.default_rng(1)
    usual = asking(arguments, houses)

    def draw(of: np.ndarray, most: int) -> np.ndarray:
        return np.sort(random.choice(of, min(len(of), most), replace=False))

    eventful = draw(np.unique(events["house"]), INTERPRETED_EVENTS)
    quiet = np.setdiff1d(houses, events["house"])
    drawn, many = draw(houses, INTERPRETED_FULL), draw(houses, INTERPRETED)
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
    times = 1 + FULL_SAMPLE // max(1, int(through.sum()))
    evaluated, answers = np.tile(many[through], times), len(python[0]["evaluated"]) * times
    scanned = np.tile(houses, 1 + MANY // n)
    rows = [
        against_c("decide: Numba / C", usual, compiled, rounds),
        against_c("  sieve: Numba / C", asking(arguments, scanned), compiled, rounds, only=True),
        against_c("  full answer: Numba / C", asking(arguments, evaluated), compiled, rounds),
    ]
    rows[0].goal = "<= 1.25"
    for side in ("a", "b"):
        if (seconds := getattr(rows[2], side)) is not None:
            setattr(rows[2], side, seconds * len(evaluated) / answers)

    part, everybody = draw(quiet, FULL_SAMPLE), draw(houses, MANY)
    found = of_houses(events, everybody)
    row = Row("one full answer / decide, Numba")
    row.households, row.events = len(everybody), len(found["house"])
    row.same = same(answer(asking(arguments, everybody, full=True)), found)
    full = asking(arguments, part, full=True)
    answers = count_evaluations(full)
    a, b, ratio = alternate(lambda: find(**full), lambda: find(**usual), rounds)
    row.a, row.b, row.ratio = a / answers, b / n, ratio * n / answers
    rows.append(row)
    seconds = row.b

    # Python takes its time once, in a process of its own: its ratios do not alternate.
    row = Row("decide: Python / Numba")
    row.households, row.events = len(many), len(python[0]["events"]["house"])
    row.same = same(python[0]["events"], of_houses(events, many))
    row.a, row.b = python[0]["seconds"] / len(many), seconds
    row.ratio = row.a / row.b
    rows.append(row)
    row = Row("Python in full / decide, Numba", households=len(drawn) + len(eventful))
    row.events = sum(len(result["events"]["house"]) for result in python[1:])
    row.same = all(
        same(result["events"], of_houses(events, who))
        for result, who in zip(python[1:], (drawn, eventful), strict=True)
    )
    row.a, row.b = python[1]["seconds"] / len(python[1]["evaluated"]), seconds
    row.ratio = row.a / row.b
    rows.append(row)

    rows.append(threads_row(asked, rounds))

    per_household = rows[0].a or 0.0
    return {
        "world": describe(arguments, world, float(through.mean()))
        | {
            **shares(events, n),
            "threads": 1,
        },
        "ns_per_household": per_household * 1e9,
        "ns_per_person": per_household * n / n_people * 1e9,
        "households_per_second": 1.0 / per_household if per_household else 0.0,
        "persons_per_second": n_people / (per_household * n) if per_household else 0.0,
        "scan_ns": (rows[1].a or 0.0) * 1e9,
        "full_us": (rows[2].a or 0.0) * 1e6,
        "call_us": empty_call(arguments) * 1e6,
        "rounds": rounds,
        "compiler": None if isinstance(compiled, str) else compiled.compiler,
        "flags": " ".join(c_reference.FLAGS),
        "rows": rows,
    }


def shares(events: Columns, n: int) -> dict[str, float]:
    """Shares of n households that move, and that are refused at least once."""
    refused = events["answer"] > Answer.necessity
    return {
        "moving_share": float((~refused).sum() / n),
        "blocked_share": float(len(np.unique(events["house"][refused])) / n),
    }


def against_c(
    name: str, mine: Arguments, compiled: c_reference.Reference | str, rounds: int,
    only: bool = False,
) -> Row:  # fmt: skip
    """The kernels against the C reference, over the households of `mine`.

    Args:
        name: Of the row.
        mine: The kernels' arguments.
        compiled: The reference, or why there is none.
        rounds: Pairs of timings.
        only: Compare the sieves alone; the households let through then count as answers.
    """
    n = len(mine["houses"])
    row = Row(name)
    if n == 0:
        row.note = "nobody"
        return row
    names = ("households", "persons", "houses", "conditions", "plane", "month", "through")
    sieved = tuple(mine[name] for name in names)

    def ours() -> int:
        return int(sieve(*sieved)) if only else find(**mine)

    if isinstance(compiled, str):
        row.note = f"no C reference: {compiled}"
        row.a = alternate(ours, lambda: None, rounds)[0] / n
        return row
    theirs = mine | {
        "events": room_for(len(mine["events"].house)), "through": np.empty(n, np.int64),
    }  # fmt: skip
    run = compiled.prepare(theirs)[int(only)]
    row.households, row.events = n, ours()
    found = run()
    if only:
        row.same = bool(found == row.events)
        row.same &= bool((mine["through"][:found] == theirs["through"][:found]).all())
    else:
        row.same = same(columns(mine["events"], row.events), columns(theirs["events"], found))
    a, b, row.ratio = alternate(ours, run, rounds)
    row.a, row.b = a / n, b / n
    return row


def threads_row(asked: tuple[Any, ...], rounds: int) -> Row:
    """One thread against two, by the clock on the wall."""
    world: World = asked[0]
    now = asked[1]
    # Everybody many times over: starting threads must not be what is timed.
    times = 1 + MANY // max(1, len(asked[2].houses))
    crowd: Asked = asked[2]._replace(houses=np.repeat(asked[2].houses, times))
    houses = crowd.houses

    def with_threads(threads: int) -> Columns:
        world.threads = threads
        found = ask(world, now, crowd)
        return columns(found, len(found.house))

    row = Row("1 thread / 2 threads, Numba", households=len(houses))
    one, two = with_threads(1), with_threads(2)
    row.events, row.same = len(one["house"]), same(one, two)
    a, b, row.ratio = alternate(
        lambda: with_threads(1), lambda: with_threads(2), rounds, time.perf_counter
    )
    row.a, row.b = a / len(houses), b / len(houses)
    got = [cores_received(lambda t=threads: with_threads(t)) for threads in (1, 2)]
    row.note = f"the machine gave one thread {got[0]:.2f} cores, and two {got[1]:.2f}"
    world.threads = 1
    return row


def empty_call(arguments: Arguments) -> float:
    """Seconds of a call that asks nobody: the price of handing over the tables."""
    nobody = asking(arguments, arguments["houses"][:0])
    return alternate(lambda: find(**nobody), lambda: None, 9)[0]


def count_alternatives(arguments: Arguments) -> tuple[float, int]:
    """(mean, greatest) number of places x channels that a household weighs, open or not."""
    households, tables, houses = (arguments[it] for it in ("households", "tables", "houses"))
    p, o = (column[houses].astype(np.int64) for column in (households.place, households.home))
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
    """Number of (place, origin, taste class) combinations that deciding households are in."""
    households, houses = arguments["households"], arguments["houses"]
    taste = arguments["persons"].traits[households.head[houses]] >> 4
    columns = (households.place[houses], households.home[houses], taste)
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
                f"  {it['ns_per_household']:.0f} ns a household,"
                f" {it['ns_per_person']:.1f} ns a person:"
                f" {it['households_per_second'] / 1e6:.2f} M households/s,"
                f" {it['persons_per_second'] / 1e6:.2f} M persons/s"
            ),
            (
                f"  {it['scan_ns']:.1f} ns a household in the sieve,"
                f" {it['full_us']:.1f} us a full answer, {it['call_us']:.0f} us a call"
            ),
            *show_rows(it["rows"], "A / B, time a household"),
            "",
        ]
    return lines
