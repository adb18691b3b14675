"""The surge before an announced rule (docs/model.md, 3.4): some people leave while they still can.

    gain of an alternative = phi min(max(V_now - V_after, 0), ln 3)

V_after is the value of the alternative if the announced rules were already in force. A route or
channel that will close counts as an infinite loss.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from sim.core.same import Same
from sim.core.state import F64, I64
from sim.kernels.alternatives import Surge

if TYPE_CHECKING:
    from sim.schema import Policy, Scenario

MONTHS = 6
"""Longest time before a rule starts at which it affects decisions (specification)."""
MOST = float(np.log(3.0))
"""Greatest loss that counts (specification)."""


def first_day(rule: Policy) -> date | None:
    """Day on which the surge begins: the announcement, at most six months before the start."""
    if rule.announced is None or rule.start is None:
        return None
    months = rule.start.year * 12 + rule.start.month - 1 - MONTHS
    year, month = months // 12, months % 12 + 1
    last = monthrange(year, month)[1]
    return max(rule.announced, date(year, month, min(rule.start.day, last)))


def is_pending(rule: Policy, when: date) -> bool:
    """Whether, on a date, a rule has not started yet and causes a surge."""
    known = first_day(rule)
    return known is not None and rule.start is not None and known <= when < rule.start


def any_pending(scenario: Scenario, when: date) -> bool:
    """Whether any rule causes a surge on a date."""
    return any(known <= when < start for known, start in surges(Same(scenario)))


@lru_cache(maxsize=4)
def surges(scenario: Same[Scenario]) -> list[tuple[date, date]]:
    """(first day of the surge, start of the rule) of rules that are announced and enabled."""
    return [
        (known, rule.start)
        for rule in scenario.it.policies
        if rule.enabled and rule.start and (known := first_day(rule)) is not None
    ]


def changes(scenario: Scenario) -> set[date]:
    """Dates on which a rule begins to cause a surge, including rules that are switched off."""
    return {day for rule in scenario.policies if (day := first_day(rule)) is not None}


def no_surge(n_classes: int, n_places: int, n_kinds: int, n_countries: int, n_slots: int) -> Surge:
    """The surge while nothing is announced: no losses."""
    border = (n_kinds, n_countries, n_slots)
    return Surge(
        pending=False,
        way=np.zeros((n_classes, n_places, n_places)),
        entry=np.zeros((2, 2, *border)),
        min_education=np.zeros(border, np.int64),
        most=0.0,
    )


def surge(
    scale: float, way: F64, way_after: F64, entry: F64, entry_after: F64, min_education: I64
) -> Surge:
    """What each alternative is about to lose.

    Args:
        scale: phi / mu.
        way, way_after: [g, p, d] value of the journey by corridors, now and after; -inf where
            there is no route.
        entry, entry_after: [h, grounds, k, c, s] value of entry, now and after; -inf where closed.
        min_education: [k, c, s] under the announced rules.
    """
    return Surge(
        pending=True,
        way=scale * loss(way, way_after),
        entry=scale * loss(entry, entry_after),
        min_education=min_education,
        most=scale * MOST,
    )


def loss(now: F64, after: F64) -> F64:
    """V_now - V_after: infinite for what will close, 0 for what is already closed."""
    able = np.isfinite(now)
    return np.asarray(np.where(able, np.where(able, now, 0.0) - after, 0.0))
