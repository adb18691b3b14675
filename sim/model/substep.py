"""A sub-step: a part of a step in which no dated event happens, and the data of its mechanisms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sim.core.state import DAYS_A_YEAR, F64, I64, Bool

if TYPE_CHECKING:
    from sim.kernels.rates import Conditions
    from sim.model.world import Census, World

Asking = tuple[I64, F64]
"""([n] rows of households, [n] day from which they are asked)"""
Look = Callable[["Conditions", int], None]
"""Called with the conditions of households just before they decide, and the sub-step's end."""


@dataclass
class SubStep:
    """Data that mechanisms pass to later mechanisms of the same sub-step.

    Fields without a default are set by a mechanism; reading them earlier is an error.
    """

    end: int
    """Day on which it ends; it begins on the world's day."""
    years: float
    """Its length."""
    look: Look | None = None
    month_begins: bool = False
    """Whether monthly updates are made."""
    rules_change: bool = False
    """Whether a rule, a bloc or a government changes."""
    prevalence_changes: Bool = field(init=False)
    """[place] whether the prevalence of a threat changes, or who is behind it."""
    severity: F64 = field(init=False)
    """[place, threat] mean over its days."""
    excess: F64 = field(init=False)
    """[day, place, threat] b_k max(s_k - tol_k, 0)."""
    felt: tuple[F64, F64] = field(init=False)
    """([day, place, 16] exp(S_want), [day, place, 8] exp(S_fear) - 1)."""
    now: Conditions = field(init=False)
    """Factors of the rates of households."""
    unsettled: I64 = field(init=False)
    """Rows of households that claim asylum, stay without permission or are ordered to leave."""
    newcomers: Asking = field(init=False)
    """Households brought to a new place by a state, such as by removal, not by a journey."""
    once_more: list[Asking] = field(default_factory=list)
    """Households that have already decided in this sub-step and are still where they were."""
    held_days: F64 = field(init=False)
    """[country] person-days of detention that began at its border."""
    decided: I64 = field(init=False)
    """[country] people whose claims were decided."""
    relocated: I64 = field(init=False)
    """[country] claimants received from other countries."""
    harms_before: I64 = field(init=False)
    """Harms counted before it began."""
    census: Census = field(init=False)
    """Census at its end."""


def substep_of(world: World, end: int, look: Look | None = None) -> SubStep:
    """Make the sub-step from the world's day to another day."""
    substep = SubStep(end, (end - world.day) / DAYS_A_YEAR, look)
    today, last = world.date(), world.date(world.month_began)
    substep.month_begins = (today.year, today.month) != (last.year, last.month)
    substep.newcomers = from_today(world, np.empty(0, np.int64))
    substep.held_days = np.zeros(world.n_countries)
    return substep


def from_today(world: World, houses: I64) -> Asking:
    """Let households be asked from the first day of the sub-step."""
    return houses, np.full(len(houses), float(world.day))
