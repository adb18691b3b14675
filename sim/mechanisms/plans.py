"""Plans: what households are up to that are on the way, or wait for permission or a decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim.core.state import I64, NONE, Bool, Plans
from sim.core.terms import Activity
from sim.model.declare import Mechanism, State

if TYPE_CHECKING:
    from sim.model.world import World

PLANNED = (Activity.waiting, Activity.travelling, Activity.detained, Activity.captive)
"""Activities of households that have a plan."""


def blank(world: World, n: int) -> Plans:
    """Make n rows of plans in which nothing is written."""
    columns: dict[str, Any] = {
        name: np.zeros(n, np.float64 if name in ("now", "court", "filed", "due") else np.int64)
        for name in Plans._fields
    }
    columns["word"] = np.zeros(n, np.uint64)
    columns["passed"] = np.zeros((n, len(world.country) // 64 + 1), np.uint64)
    columns["caravan"][:] = columns["entered"][:] = NONE
    columns["court"][:] = columns["due"][:] = np.inf
    return Plans(**columns)


PLANS = State("plans", lambda world: blank(world, 0))


def chosen(plans: Plans, rows: I64 | Bool) -> Plans:
    """Copy some rows of plans."""
    columns: dict[str, Any] = plans._asdict()
    return Plans(**{name: column[rows] for name, column in columns.items()})


def joined(parts: list[Plans]) -> Plans:
    """Rows of several plans, by household."""
    columns: list[Any] = [np.concatenate(column) for column in zip(*parts, strict=True)]
    plans = Plans(*columns)
    return chosen(plans, np.argsort(plans.household))


def with_households(world: World, houses: I64) -> Plans:
    """Plans of the world, with a blank row for each of some other households.

    Args:
        world: The world.
        houses: Rows of households.
    """
    plans = PLANS.of(world)
    new = np.setdiff1d(houses, plans.household)
    if not len(new):
        return plans
    more = blank(world, len(new))
    more.household[:] = new
    return joined([plans, more])


def keep(world: World, plans: Plans) -> None:
    """Keep the plans that are still to be carried out, and days in court to come."""
    activity = world.households.activity[plans.household]
    lasting = np.isin(activity, PLANNED) | (np.isfinite(plans.court) & (activity <= 1))
    PLANS.put(world, plans if lasting.all() else chosen(plans, lasting))


def waiting(world: World, plans: Plans) -> Bool:
    """[row] whether a household has an application pending."""
    return np.asarray(world.households.activity[plans.household] == Activity.waiting)


MECHANISM = Mechanism(
    "plans", "keeps what households on the way or waiting are up to", states=(PLANS,)
)
