"""Sets up a world on its first day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim.core.state import I64, NOBODY, U32, Households, Persons
from sim.mechanisms.populate import populate
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
        order: Permutation of the households, which persons follow; a test uses it to check that the
            order of rows has no effect.
        threads: Threads of the kernels; results do not depend on them.
    """
    network = build(scenario)
    households, persons = populate(scenario, seed)
    if order is not None:
        households, persons = reorder(households, persons, order)
    world = World(
        scenario=scenario,
        seed=seed,
        network=network,
        geography=geography(scenario, network.km),
        households=households,
        persons=persons,
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
    """Reset all counters; arrays are filled with zeros, since rows of tables are copies of them."""
    for mechanism in MECHANISMS:
        for counter in mechanism.counters:
            before = world.counts.get(counter.name)
            if isinstance(before, np.ndarray):
                before.fill(0)
            else:
                world.counts[counter.name] = counter.new(world)


def reorder(households: Households, persons: Persons, order: I64) -> tuple[Households, Persons]:
    """Copy households in another order, and the persons in that of their households, reversed."""
    where = np.empty(len(order), np.uint32)
    where[order] = np.arange(len(order), dtype=np.uint32)
    rows = np.argsort(where[persons.household], kind="stable")[::-1]
    whose = np.empty(len(rows) + 1, np.uint32)
    whose[rows] = np.arange(len(rows), dtype=np.uint32)
    whose[-1] = NOBODY

    def person(row: U32) -> U32:
        return whose[np.where(row == NOBODY, len(rows), row)]

    columns: dict[str, Any] = households._asdict()
    moved = Households(**{name: column[order] for name, column in columns.items()})
    moved = moved._replace(head=person(moved.head), relative=where[moved.relative])
    columns = persons._asdict()
    people = Persons(**{name: column[rows] for name, column in columns.items()})
    people = people._replace(household=where[people.household], next=person(people.next))
    return moved, people
