"""The rush before an announced rule (section 7): who still can goes while it is possible.

    gain of an alternative = phi min(max(V_now - V_after, 0), ln 3)

V_after is its value had the rules begun that people know to come. A way or a channel that will
close is an infinite loss.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from sim.core.state import F64, I64
from sim.kernels.choice import Rush

if TYPE_CHECKING:
    from sim.schema import Policy, Scenario

MONTHS = 6
"""Nobody hurries longer before a rule begins (specification)."""
MOST = float(np.log(3.0))
"""Greatest loss that counts (specification)."""


def first_day(rule: Policy) -> date | None:
    """Day from which people hurry: announced, and at most six months before the start."""
    if rule.announced is None or rule.start is None:
        return None
    months = rule.start.year * 12 + rule.start.month - 1 - MONTHS
    year, month = months // 12, months % 12 + 1
    last = monthrange(year, month)[1]
    return max(rule.announced, date(year, month, min(rule.start.day, last)))


def is_pending(rule: Policy, when: date) -> bool:
    """Whether a rule has not begun yet on a date, and people hurry because of it."""
    known = first_day(rule)
    return known is not None and rule.start is not None and known <= when < rule.start


def any_pending(scenario: Scenario, when: date) -> bool:
    """Whether people hurry on a date because of any rule."""
    return any(rule.enabled and is_pending(rule, when) for rule in scenario.policies)


def changes(scenario: Scenario) -> set[date]:
    """Dates from which people hurry because of one rule more, those switched off included."""
    return {day for rule in scenario.policies if (day := first_day(rule)) is not None}


def no_rush(n_classes: int, n_places: int, n_kinds: int, n_countries: int, n_slots: int) -> Rush:
    """What people hurry for while nothing is announced."""
    border = (n_kinds, n_countries, n_slots)
    return Rush(
        pending=False,
        way=np.zeros((n_classes, n_places, n_places)),
        entry=np.zeros((2, 2, *border)),
        min_education=np.zeros(border, np.int64),
        most=0.0,
    )


def rush(
    scale: float, way: F64, way_after: F64, entry: F64, entry_after: F64, min_education: I64
) -> Rush:
    """What alternatives are about to lose.

    Args:
        scale: phi / mu.
        way, way_after: [g, p, d] value of the way by corridors; -inf where there is none.
        entry, entry_after: [h, grounds, k, c, s] value of entry; -inf where closed.
        min_education: [k, c, s] under the rules to come.
    """
    return Rush(
        pending=True,
        way=scale * loss(way, way_after),
        entry=scale * loss(entry, entry_after),
        min_education=min_education,
        most=scale * MOST,
    )


def loss(now: F64, after: F64) -> F64:
    """V_now - V_after, infinite for what will close, 0 for what is closed already."""
    able = np.isfinite(now)
    return np.asarray(np.where(able, np.where(able, now, 0.0) - after, 0.0))
