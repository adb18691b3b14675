"""The object-agent twin: a Mesa agent for each household, answering as the engine does."""

from __future__ import annotations

import time
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.asking import ask, everybody
from benchmarks.decision import Columns, next_decision
from benchmarks.measure import LEAST, Mode, Row, of_world, show_rows
from benchmarks.whole import WARM, look_at, synthetic
from benchmarks.worlds import Size, scenario
from sim.engine.recorder import Recorder
from sim.engine.step import advance
from sim.kernels.rates import Conditions
from sim.model.world import World

MODULE = "sim.mesa.twin"
ABSENT = f"this tree has no {MODULE}"
AGENTS = {"quick": 400, "usual": 2000, "full": 2000}
"""Persons of the twin's world: its cost a person does not depend on them."""
PERSONS = {"quick": 100_000, "usual": 1_000_000, "full": 1_000_000}
GOAL = ">= 2,000"


def here() -> bool:
    """Whether this tree has the twin."""
    return find_spec(MODULE) is not None


def twin_of(world: World) -> Any:
    """The twin of a world that there is already."""
    module = import_module(MODULE)
    twin = module.Twin.__new__(module.Twin)
    module.mesa.Model.__init__(twin, seed=world.seed)
    twin.world, twin.households, twin.kind = world, {}, module.Household
    return twin


def same_answers(twin: Any, events: Columns) -> bool:
    """Whether the same happened on the same days to the twin's households, as just asked."""
    said = sorted(
        (agent.row, day, int(answer)) for agent in twin.asked for answer, day in agent.events
    )
    houses, days, answers = np.array(said, np.float64).reshape(-1, 3).T
    return (
        np.array_equal(houses, events["house"])
        and np.array_equal(answers, events["answer"])
        and np.allclose(days, events["time"], rtol=1e-9, atol=1e-9)
    )


def measure(mode: Mode) -> dict[str, Any]:
    """Time steps of the twin and of the engine in turn; check every answer."""
    row = Row("object agents / engine, a step", goal=GOAL)
    if not here():
        row.note = ABSENT
        return {"rows": [row.plain()]}
    twin = import_module(MODULE).Twin(scenario(Size(persons=AGENTS[mode])), seed=1)
    world = synthetic(Size(persons=PERSONS[mode]))
    recorder = Recorder(world)
    row.households = row.events = 0
    row.same = True

    asked_by_itself, checking = twin.ask, 0.0

    def checked(now: Conditions, end: int) -> None:
        # What is checked is not timed.
        nonlocal checking
        asked_by_itself(now, end)
        start = time.thread_time()
        events = ask(twin.world, now, everybody(twin.world, end))
        row.households += len(twin.asked)
        row.events += len(events.house)
        row.same &= same_answers(twin, events._asdict())
        checking += time.thread_time() - start

    twin.ask = checked
    times: list[list[float]] = [[], []]
    for number in range(WARM + LEAST):
        checking, start = 0.0, time.thread_time()
        twin.step()
        middle = time.thread_time()
        recorder.record(world, advance(world))
        end = time.thread_time()
        if number >= WARM:
            times[0].append((middle - start - checking) / len(twin.world.persons.pid))
            times[1].append((end - middle) / len(world.persons.pid))
    row.a, row.b = (float(np.median(it)) for it in times)
    row.ratio = float(np.median(np.array(times[0]) / np.array(times[1])))
    row.note = f"{len(twin.world.persons.pid):,} persons; the engine {len(world.persons.pid):,}"
    return {
        "agree": row.same,
        "rows": [row.plain()],
        "world": look_at(next_decision(world)),
        "twin_world": look_at(next_decision(twin.world)),
    }


def show(found: dict[str, Any]) -> list[str]:
    """The section as text."""
    lines = show_rows(found["rows"], "A / B, CPU time a person")
    return [*of_world(found["world"]), *lines] if "world" in found else lines
