"""Every optimisation is exact: on random small worlds all ways give everybody the same answer.

The worlds are those of the tests: odd on purpose. The same draws are answered by the kernels as
they are, by the kernels with raised bounds, by the same source interpreted by Python, in C, and by
objects.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import c_reference
from benchmarks.decision import (
    Arguments,
    Columns,
    answer,
    asking,
    columns,
    kernel_arguments,
    next_decision,
    same,
)
from benchmarks.interpreted import interpret
from benchmarks.measure import Mode
from benchmarks.twin import ABSENT, here, same_answers, twin_of
from sim.core.state import DAYS_A_YEAR
from tests.worlds import random_world

WORLDS = {"quick": 40, "usual": 250, "full": 1000}
POINTS = 20.0
"""Points below the greatest bound of each world: some households have any, none has thousands."""
CHUNK = 50
"""Worlds that Python answers for in one go."""


@dataclass
class Tally:
    """What has been compared for one way of answering."""

    worlds: int = 0
    households: int = 0
    events: int = 0
    differ: int = 0
    """Worlds in which somebody's answer differs."""

    def add(self, households: int, events: int, agree: bool) -> None:
        """Count one world."""
        self.worlds += 1
        self.households += households
        self.events += events
        self.differ += not agree


def moderate(asked: tuple[Any, ...]) -> tuple[Any, ...]:
    """The same decision, with rates so multiplied that the greatest bound lets `POINTS` through."""
    world, now, who = asked
    factor = POINTS / ((who.until - who.since) / DAYS_A_YEAR * now.most.max())
    now = now._replace(
        livelihood=now.livelihood * factor, flight=now.flight * factor, most=now.most * factor
    )
    return world, now, who


def measure(mode: Mode) -> dict[str, Any]:
    """Compare on many worlds."""
    tallies = {"everybody in full": Tally(), "Python": Tally()}
    with tempfile.TemporaryDirectory() as name, np.errstate(all="ignore"):
        folder = Path(name)
        compiled = c_reference.build(folder)
        if not isinstance(compiled, str):
            tallies["C"] = Tally()
        if here():
            tallies["objects"] = Tally()
        for first in range(0, WORLDS[mode], CHUNK):
            calls: list[tuple[Arguments, Columns]] = []
            for number in range(first, min(first + CHUNK, WORLDS[mode])):
                asked = moderate(next_decision(random_world(number)))
                arguments, found = kernel_arguments(asked)
                houses = arguments["houses"]
                size = len(houses), len(found["house"])
                full = answer(asking(arguments, houses, full=True))
                tallies["everybody in full"].add(*size, same(full, found))
                if not isinstance(compiled, str):
                    theirs = asking(arguments, houses)
                    in_c = columns(theirs["events"], compiled.prepare(theirs)[0]())
                    tallies["C"].add(*size, same(in_c, found))
                if here():
                    twin = twin_of(asked[0])
                    _, now, who = asked
                    twin.ask(now, round(who.until))
                    tallies["objects"].add(*size, same_answers(twin, found))
                calls.append((asking(arguments, houses), found))
            python = interpret(folder, [arguments for arguments, _ in calls])
            for (arguments, found), it in zip(calls, python, strict=True):
                size = len(arguments["houses"]), len(found["house"])
                tallies["Python"].add(*size, same(it["events"], found))
    return {
        "agree": not any(it.differ for it in tallies.values()),
        "c": compiled if isinstance(compiled, str) else compiled.compiler,
        "ways": {way: vars(it) for way, it in tallies.items()},
    }


def show(found: dict[str, Any]) -> list[str]:
    """The section as text."""
    lines = [
        f"{'kernel against':<20}{'worlds':>8}{'households':>12}{'events':>10}  worlds that differ"
    ]
    for way, it in found["ways"].items():
        lines.append(
            f"{way:<20}{it['worlds']:>8,}{it['households']:>12,}{it['events']:>10,}  {it['differ']}"
        )
    if "C" not in found["ways"]:
        lines.append(f"no C reference: {found['c']}")
    if "objects" not in found["ways"]:
        lines.append(f"no object agents: {ABSENT}")
    return lines
