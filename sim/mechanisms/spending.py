"""Public spending: budgets of interventions, unit costs times quantities (docs/model.md, 3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.state import DAYS_A_YEAR, F64
from sim.core.terms import Status
from sim.mechanisms.census import STOCKS
from sim.mechanisms.livelihood import span
from sim.model.columns import COUNTRY, MONEY, Column
from sim.model.declare import Absent, Counter, Hook, Mechanism, Rows, State, Table

if TYPE_CHECKING:
    from sim.model.segment import Segment
    from sim.model.world import Census, World
    from sim.schema import Scenario

ITEMS = (
    "detention", "decision", "forced_return", "relocation", "camp", "claimant", "refugee",
)  # fmt: skip
"""Items that have a unit cost; axis item."""


def unit_costs(scenario: Scenario) -> F64 | None:
    """[country, item] money per unit; None if the scenario states no costs at all."""
    if not scenario.costs:
        return None
    table = [
        [getattr(scenario.costs[c.id], item) or 0.0 for item in ITEMS] for c in scenario.countries
    ]
    return np.array(table)


def nothing(_world: World) -> dict[tuple[str, int], float]:
    """Start with nothing spent."""
    return {}


SPENDING = Counter("spending", nothing, "money by item and index of the country where it is spent")
UNIT_COSTS = State("unit_costs", lambda world: unit_costs(world.scenario))


def spend(world: World, segment: Segment) -> None:
    """Record the spending of this segment.

    What is spent on people who stay somewhere is for those there when the month began.
    """
    spending, end, stocks = SPENDING.of(world), segment.end, STOCKS.of(world)
    for item in world.scenario.interventions:
        if item.enabled and item.budget:
            first, last = span(world.scenario, item)
            days = min(end, last) - max(world.day, first)
            if days > 0:
                at = [i for i, place in enumerate(world.scenario.places) if place.id in item.at]
                people = np.bincount(world.country[at], stocks.residents[at])
                for c in np.flatnonzero(people).tolist():
                    part = people[c] / people.sum()
                    amount = item.budget * days / DAYS_A_YEAR * part
                    spending[item.id, c] = spending.get((item.id, c), 0.0) + amount
    unit = UNIT_COSTS.of(world)
    if unit is None:
        return
    n, country = len(unit), world.country
    n_corridors = len(world.scenario.corridors)
    legs = world.network.legs
    into = np.zeros(n_corridors, np.int64)
    into[legs.corridor] = country[legs.target]
    returned = segment.returned
    outside = stocks.foreigners - stocks.in_camps
    done = (
        segment.held_days,
        segment.decided,
        returned[n_corridors:] + np.bincount(into, returned[:n_corridors], n),
        segment.relocated,
        stocks.camps * segment.years,
        outside[:, Status.claimant] * segment.years,
        outside[:, Status.refugee] * segment.years,
    )
    for i, (name, units) in enumerate(zip(ITEMS, done, strict=True)):
        for c in np.flatnonzero(units * unit[:, i]).tolist():
            amount = float(units[c] * unit[c, i])
            spending[name, c] = spending.get((name, c), 0.0) + amount


def item_words(scenario: Scenario) -> list[str]:
    """Words of the column `item`: interventions, then items with a unit cost."""
    return list(dict.fromkeys([*(it.id for it in scenario.interventions), *ITEMS]))


def spending_rows(world: World, _census: Census) -> Rows:
    """Money by item and country."""
    spending = SPENDING.of(world)
    number = {item: i for i, item in enumerate(item_words(world.scenario))}
    return {
        "item": np.array([number[item] for item, _ in spending], np.int64),
        "country": np.array([c for _, c in spending], np.int64),
        "amount": np.array(list(spending.values()), np.float64),
    }


MECHANISM = Mechanism(
    "spending",
    "records public spending",
    states=(UNIT_COSTS,),
    counters=(SPENDING,),
    hooks=(Hook("count", 10, spend),),
    tables=(
        Table(
            "spending",
            "public money spent",
            "first",
            (
                Column(
                    "item",
                    "text",
                    "id",
                    "intervention, or item with a unit cost",
                    words=item_words,
                ),
                COUNTRY.named("country", "country in which it is spent"),
                Column("amount", "float", MONEY, "amount spent"),
            ),
            spending_rows,
            absent=Absent("An absent row means 0: nothing was spent.", zero=True),
        ),
    ),
)
