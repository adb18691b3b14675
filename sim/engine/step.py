"""One step of the world: it runs the hooks listed in `stages.py`, in order."""

from __future__ import annotations

from bisect import bisect_right
from calendar import monthrange
from datetime import timedelta
from typing import TYPE_CHECKING

from sim.engine.stages import STAGES
from sim.model.segment import segment_of

if TYPE_CHECKING:
    from sim.model.segment import Look
    from sim.model.world import Census, World
    from sim.schema import Scenario


def step_end(scenario: Scenario, day: int) -> int:
    """Day on which the step that begins on a day ends; both counted from the start."""
    time = scenario.time
    today = time.start + timedelta(days=day)
    if time.step == "day":
        end = today + timedelta(days=1)
    elif time.step == "week":
        end = today + timedelta(days=7)
    else:
        end = today.replace(year=today.year + today.month // 12, month=today.month % 12 + 1, day=1)
    return min((end - time.start).days, (time.end - time.start).days + 1)


def count_steps(scenario: Scenario) -> int:
    """Steps from the start of a scenario to its end."""
    day = steps = 0
    while day <= (scenario.time.end - scenario.time.start).days:
        day, steps = step_end(scenario, day), steps + 1
    return steps


def next_change(world: World, end: int) -> int:
    """First day after today with a dated event or a new month, or the step's end if there is none.

    Dated events take effect on their own day, whatever the length of a step.
    """
    today = world.date()
    month_ends = world.day + monthrange(today.year, today.month)[1] - today.day + 1
    following = bisect_right(world.dates, world.day)
    return min([end, month_ends, *world.dates[following : following + 1]])


def advance(world: World, look: Look | None = None) -> Census:
    """Advance the world by one step, which dated events cut into segments.

    Args:
        world: The world; it must not be at its end.
        look: Called before households are asked; it must not change anything.

    Returns:
        The census at the end of the step.
    """
    end = step_end(world.scenario, world.day)
    while world.day < end:
        census = advance_to(world, min(end, next_change(world, end)), look)
    world.step += 1
    return census


def advance_to(world: World, end: int, look: Look | None = None) -> Census:
    """Advance the world to a day, by running the hooks of all stages in order.

    Returns:
        The census on that day.
    """
    segment = segment_of(world, end, look)
    for _, hooks in STAGES:
        for hook in hooks:
            hook(world, segment)
    world.updated = world.day
    if segment.month_begins:
        world.month_began = world.day
    world.day = end
    return segment.census
