"""Sets up a world on its first day."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sim.core.state import I64, People
from sim.mechanisms.populate import populate, weights
from sim.mechanisms.registry import MECHANISMS
from sim.model.cells import Cells
from sim.model.network import build
from sim.model.world import World, geography

if TYPE_CHECKING:
    from sim.schema import Scenario


def build_world(scenario: Scenario, seed: int, order: I64 | None = None, threads: int = 1) -> World:
    """Set up the world of a resolved scenario on its first day.

    Args:
        scenario: A resolved scenario, with base_L and flight norm solved (or about to be).
        seed: Seed of the run.
        order: Permutation of the rows; a test uses it to check that row order has no effect.
        threads: Threads of the kernels; results do not depend on them.
    """
    network = build(scenario)
    people = populate(scenario, seed)
    if order is not None:
        people = reorder(people, order)
    world = World(
        scenario=scenario,
        seed=seed,
        network=network,
        geography=geography(scenario, network.km),
        people=people,
        weight=weights(scenario),
        cells=Cells(scenario),
        threads=threads,
    )
    for mechanism in MECHANISMS:
        for state in mechanism.states:
            state.of(world)
    start_counting(world)
    dates = (it.dates(world) for it in MECHANISMS if it.dates is not None)
    world.dates = sorted({day for days in dates for day in days})
    return world


def start_counting(world: World) -> None:
    """Reset all counters."""
    world.counts = {
        counter.name: counter.new(world)
        for mechanism in MECHANISMS
        for counter in mechanism.counters
    }


def reorder(people: People, order: I64) -> People:
    """Copy people with rows in another order."""
    where = np.empty(len(order), np.uint32)
    where[order] = np.arange(len(order), dtype=np.uint32)
    people = each_column(people, lambda column: column[order])
    return people._replace(household=where[people.household], sibling=where[people.sibling])


def each_column(people: People, change: Callable[[NDArray[Any]], NDArray[Any]]) -> People:
    """Copy people with the same change made to every column."""
    columns: dict[str, NDArray[Any]] = {
        name: change(getattr(people, name)) for name in People._fields
    }
    return People(**columns)
