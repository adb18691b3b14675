"""The kernels that answer, called one after the other as `sim.mechanisms.decide` calls them."""

from __future__ import annotations

import math
from typing import Any

from sim.core.jit import kernel
from sim.kernels.decision import decide, sieve
from sim.kernels.plane import next_point
from sim.kernels.rates import MARGIN, close_bound


def find(
    households: Any, persons: Any, houses: Any, since: Any, until: Any, tables: Any,
    conditions: Any, means: Any, classes: Any, plane: Any, month: int, events: Any, through: Any,
) -> int:  # fmt: skip
    """Find the moves and refusals of households.

    Args:
        households, persons, houses, since, until, tables, conditions, means, classes, plane, month:
            As in `sim.kernels.decision.decide`.
        events: Buffers, written to.
        through: [n] working array.

    Returns:
        Number of events written.

    Raises:
        RuntimeError: There is no room for all events.
    """
    mine = through[: sieve(households, persons, houses, conditions, plane, month, through)]
    found, done = decide(
        households, persons, houses[mine], since[mine], until[mine], 0, tables, conditions, means,
        classes, plane, month, events,
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
            households, persons, tables, conditions, house, since[i], until[i], month
        )
        now = since[i]
        while True:
            now, _, _ = next_point(plane, households.ident[house], bound, now, until[i])
            if now == math.inf:
                break
            n += 1
    return n
