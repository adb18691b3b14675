"""The kernels that answer, called one after the other: first the sieve, then the full answer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from benchmarks.asking import decide
from sim.core.jit import kernel
from sim.kernels.decision import sieve
from sim.kernels.plane import MARGIN, next_point
from sim.kernels.rates import close_bound


def find(
    households: Any, persons: Any, houses: Any, since: float, until: float, tables: Any,
    conditions: Any, means: Any, classes: Any, plane: Any, month: int, events: Any, through: Any,
) -> int:  # fmt: skip
    """Find the moves and refusals of households.

    Args:
        households, persons, houses, tables, conditions, means, classes, plane, month: As in
            `benchmarks.asking.decide`.
        since, until: Days, counted from the start of the run, the same for all; `since` is
            excluded.
        events: Buffers, written to.
        through: [n] working array.

    Returns:
        Number of events written.

    Raises:
        RuntimeError: There is no room for all events.
    """
    mine = through[: sieve(households, persons, houses, conditions, plane, month, through)]
    found, done = decide(
        households, persons, mine, np.full(len(mine), since), np.full(len(mine), until), 0, tables,
        conditions, means, classes, plane, month, events,
    )  # fmt: skip
    if done < len(mine):
        raise RuntimeError(f"there are more events than {len(events.house)}")
    return int(found)


@kernel
def count_points(households, persons, houses, since, until, tables, conditions, plane, month):
    """Number of points at which `decide` evaluates households to which nothing happens."""
    n = 0
    for i in range(houses.shape[0]):
        house = houses[i]
        bound = MARGIN * close_bound(
            households, persons, tables, conditions, house, since, until, month, 0.0
        )
        now = since
        while True:
            now, _, _ = next_point(plane, households.ident[house], bound, now, until)
            if now == math.inf:
                break
            n += 1
    return n
