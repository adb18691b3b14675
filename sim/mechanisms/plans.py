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


KINDS: dict[str, type[np.generic]] = {
    **dict.fromkeys(Plans._fields, np.int64),
    **dict.fromkeys(("now", "court", "filed", "due"), np.float64),
    **dict.fromkeys(("word", "passed"), np.uint64),
}
"""Type of each column of plans; all have eight bytes."""


def blank(world: World, n: int) -> Plans:
    """Plans in which nothing is written: zeros, or what means "never" and "none"."""
    words = len(world.country) // 64 + 1
    # One block is cheaper to make than all of its columns; a zero is the same in every type.
    block = np.zeros((len(KINDS) - 1 + words, n), np.int64)
    columns: dict[str, Any] = {
        name: row if kind is np.int64 else row.view(kind)
        for (name, kind), row in zip(KINDS.items(), block, strict=False)
    }
    columns["passed"] = block[len(KINDS) - 1 :].view(np.uint64).reshape(n, words)
    plans = Plans(**columns)
    plans.court[:] = plans.due[:] = np.inf
    plans.entered[:] = plans.caravan[:] = NONE
    return plans


def laid_out(world: World, plans: Plans, houses: I64, room: int = 0) -> Plans:
    """Lay out plans for some households, with blank rows where they have none.

    Args:
        world: The world.
        plans: Plans by household, ascending; of households that are listed, all of them.
        houses: [n] rows of households, ascending, without repeats.
        room: Blank rows to be added.
    """
    result = blank(world, len(houses) + room)
    if len(plans.household):
        at = np.searchsorted(houses, plans.household)
        for column, written in zip(result, plans, strict=True):
            column[at] = written
    result.household[: len(houses)] = houses
    return result


def no_plans(world: World) -> Plans:
    """Nobody has a plan yet."""
    return blank(world, 0)


PLANS = State("plans", no_plans)


def chosen(plans: Plans, rows: I64 | Bool | slice) -> Plans:
    """Some rows of plans."""
    columns: list[Any] = [column[rows] for column in plans]
    return Plans(*columns)


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
    return laid_out(world, plans, np.union1d(houses, plans.household))


def keep(world: World, plans: Plans) -> None:
    """Keep the plans that are still to be carried out, and days in court to come, by household."""
    activity = world.households.activity[plans.household]
    # Plain numbers: an enum would be turned into one by every comparison.
    lasting = HAS_PLAN[activity] | (np.isfinite(plans.court) & (activity <= int(Activity.waiting)))
    in_order = (plans.household[1:] > plans.household[:-1]).all()
    if not (in_order and lasting.all()):
        rows = np.flatnonzero(lasting)
        plans = chosen(plans, rows[np.argsort(plans.household[rows])])
    PLANS.put(world, plans)


def waiting(world: World, plans: Plans) -> Bool:
    """[row] whether a household has an application pending."""
    return np.asarray(world.households.activity[plans.household] == int(Activity.waiting))


MECHANISM = Mechanism(
    "plans", "keeps what households on the way or waiting are up to", states=(PLANS,)
)
