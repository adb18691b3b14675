"""A segment: days of a month in which no dated event happens, and the data of its mechanisms."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sim.core.state import DAYS_A_YEAR, F64, I64, Bool

if TYPE_CHECKING:
    from sim.kernels.rates import Conditions
    from sim.model.world import Census, World

Look = Callable[["Conditions", int], None]
"""Called with the conditions of households just before they decide, and the segment's end."""


@dataclass
class Segment:
    """Data that mechanisms pass to later mechanisms of the same segment.

    Fields without a default are set by a mechanism; reading them earlier is an error.
    """

    end: int
    """Day on which it ends; it begins on the world's day."""
    years: float
    """Its length."""
    month_ends: int
    """Day on which the calendar month ends."""
    month_days: int
    """Days of the calendar month."""
    look: Look | None = None
    month_begins: bool = False
    """Whether a calendar month begins; False on the first day of the run."""
    rules_change: bool = False
    """Whether a rule, a bloc or a government changes."""
    prevalence_changes: Bool = field(init=False)
    """[place] whether the prevalence of a threat changes, or who is behind it."""
    severity: F64 = field(init=False)
    """[day, place, threat] from today on."""
    felt: tuple[F64, F64] = field(init=False)
    """([day, place, 16] exp(S_want), [day, place, 8] exp(S_fear) - 1)."""
    now: Conditions = field(init=False)
    """Factors of the rates of households."""
    held_days: F64 = field(init=False)
    """[country] person-days of detention that began at its border."""
    decided: I64 = field(init=False)
    """[country] people whose claims were decided."""
    relocated: I64 = field(init=False)
    """[country] claimants received from other countries."""
    returned: I64 = field(init=False)
    """[corridor or country] people taken back home, or to where they came from."""
    census: Census = field(init=False)
    """Census at its end."""


def segment_of(world: World, end: int, look: Look | None = None) -> Segment:
    """Make the segment from the world's day to another day."""
    today, last = world.date(), world.date(world.month_began)
    days = monthrange(today.year, today.month)[1]
    segment = Segment(
        end, (end - world.day) / DAYS_A_YEAR, world.day + days - today.day + 1, days, look
    )
    segment.month_begins = (today.year, today.month) != (last.year, last.month)
    return segment
