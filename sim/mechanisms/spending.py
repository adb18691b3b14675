"""What states spend: budgets of interventions, and unit costs times what was done (section 10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.state import DAYS_A_YEAR, F64, I64
from sim.core.terms import Harm, Status
from sim.mechanisms.livelihood import span

if TYPE_CHECKING:
    from sim.model.world import World
    from sim.scenario.schema import Scenario

ITEMS = (
    "detention", "decision", "forced_return", "relocation", "camp", "claimant", "refugee",
)  # fmt: skip
"""What has a unit cost; axis item."""


def unit_costs(scenario: Scenario) -> F64 | None:
    """[country, item] money a unit, none where the scenario states no costs at all."""
    if not scenario.costs:
        return None
    table = [
        [getattr(scenario.costs[c.id], item) or 0.0 for item in ITEMS] for c in scenario.countries
    ]
    return np.array(table)


def spend(world: World, stocks: I64, harms: I64, decided: I64, relocated: I64, end: int) -> None:
    """Book what was spent in this stretch.

    Args:
        world: The world.
        stocks: [place, citizenship, status] people at its end.
        harms: [corridor or country, citizenship, harm] people it was done to in this stretch.
        decided: [country] people whose claims were decided.
        relocated: [country] claimants taken in from elsewhere.
        end: Day on which the stretch ends.
    """
    spending = world.counts.spending
    places = {p.id: i for i, p in enumerate(world.scenario.places)}
    for item in world.scenario.interventions:
        if item.enabled and item.budget:
            first, last = span(world.scenario, item)
            days = min(end, last) - max(world.day, first)
            if days > 0:
                at = [places[name] for name in item.at]
                people = np.bincount(world.country[at], world.residents[at])
                for c in np.flatnonzero(people).tolist():
                    part = people[c] / people.sum()
                    amount = item.budget * days / DAYS_A_YEAR * part
                    spending[item.id, c] = spending.get((item.id, c), 0.0) + amount
    unit = world.unit_costs
    if unit is None:
        return
    n, country = len(unit), world.country
    n_corridors = len(world.scenario.corridors)
    legs = world.network.legs
    into = np.zeros(n_corridors, np.int64)
    into[legs.corridor] = country[legs.target]
    removed = harms[:n_corridors, :, Harm.forced_return].sum(axis=1)
    years = (end - world.day) / DAYS_A_YEAR
    abroad = stocks.copy()
    abroad[np.arange(len(country)), country] = 0
    outside = np.where(world.is_camp[:, None], 0, abroad.sum(axis=1))
    done = (
        world.held_days,
        decided,
        harms[n_corridors:, :, Harm.forced_return].sum(axis=1) + np.bincount(into, removed, n),
        relocated,
        np.bincount(country, stocks.sum(axis=(1, 2)) * world.is_camp, n) * years,
        np.bincount(country, outside[:, Status.claimant], n) * years,
        np.bincount(country, outside[:, Status.refugee], n) * years,
    )
    for i, (name, units) in enumerate(zip(ITEMS, done, strict=True)):
        for c in np.flatnonzero(units * unit[:, i]).tolist():
            amount = float(units[c] * unit[c, i])
            spending[name, c] = spending.get((name, c), 0.0) + amount
