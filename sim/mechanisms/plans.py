"""Plans: what households are up to that are on the way, or wait for permission or a decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim.core.state import I64, NONE, Bool, Plans
from sim.core.terms import Activity
from sim.model.declare import Mechanism, State

if TYPE_CHECKING:
    from sim.model.world import World

HAS_PLAN = np.isin(
    np.arange(len(Activity)),
    (Activity.waiting, Activity.travelling, Activity.detained, Activity.captive),
)
"""[activity] whether households have a plan."""


WHOLE, REAL, WORD = np.dtype(np.int64), np.dtype(np.float64), np.dtype(np.uint64)
BLANK: dict[str, tuple[np.dtype[Any], float]] = {
    **dict.fromkeys(Plans._fields, (WHOLE, 0)),
    "now": (REAL, 0.0),
    "court": (REAL, np.inf),
    "word": (WORD, 0),
    "filed": (REAL, 0.0),
    "due": (REAL, np.inf),
    "entered": (WHOLE, NONE),
    "caravan": (WHOLE, NONE),
    "passed": (WORD, 0),
}
"""Type of each column of plans, and its value where nothing is written."""


def laid_out(world: World, plans: Plans, houses: I64, room: int = 0) -> Plans:
    """Lay out plans for some households, with blank rows where they have none.

    Args:
        world: The world.
        plans: Plans by household, ascending; of households that are listed, all of them.
        houses: [n] rows of households, ascending, without repeats.
        room: Blank rows to be added.
    """
    n = len(houses) + room
    at = np.searchsorted(houses, plans.household)
    columns: dict[str, Any] = {}
    for name, column in plans._asdict().items():
        kind, blank = BLANK[name]
        wide = (n, len(world.country) // 64 + 1) if name == "passed" else n
        columns[name] = np.full(wide, blank, kind)
        columns[name][at] = column
    columns["household"][: len(houses)] = houses
    return Plans(**columns)


def no_plans(world: World) -> Plans:
    """Nobody has a plan yet."""
    nobody = np.empty(0, np.int64)
    columns: dict[str, Any] = {
        name: np.empty((0, len(world.country) // 64 + 1) if name == "passed" else 0, kind)
        for name, (kind, _) in BLANK.items()
    }
    return laid_out(world, Plans(**columns), nobody)


PLANS = State("plans", no_plans)


def chosen(plans: Plans, rows: I64 | Bool | slice) -> Plans:
    """Some rows of plans."""
    columns: list[Any] = [column[rows] for column in plans]
    return Plans(*columns)


def joined(parts: list[Plans]) -> Plans:
    """Rows of several plans, by household."""
    columns: list[Any] = [np.concatenate(column) for column in zip(*parts, strict=True)]
    plans = parts[0] if len(parts) == 1 else Plans(*columns)
    return chosen(plans, np.argsort(plans.household))


def with_households(world: World, houses: I64) -> Plans:
    """Plans of the world, with a blank row for each of some other households.

    Args:
        world: The world.
        houses: Rows of households.
    """
    plans = PLANS.of(world)
    return laid_out(world, plans, np.union1d(houses, plans.household))


def keep(world: World, plans: Plans) -> None:
    """Keep the plans that are still to be carried out, and days in court to come."""
    activity = world.households.activity[plans.household]
    lasting = HAS_PLAN[activity] | (np.isfinite(plans.court) & (activity <= Activity.waiting))
    PLANS.put(world, plans if lasting.all() else chosen(plans, lasting))


def waiting(world: World, plans: Plans) -> Bool:
    """[row] whether a household has an application pending."""
    return np.asarray(world.households.activity[plans.household] == Activity.waiting)


MECHANISM = Mechanism(
    "plans", "keeps what households on the way or waiting are up to", states=(PLANS,)
)
