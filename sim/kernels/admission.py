"""Admission to regular channels by lottery, day by day (section 7)."""

from __future__ import annotations

import math

import numpy as np

from sim.core.jit import kernel
from sim.core.state import DAYS_A_YEAR


@kernel
def admit_by_lottery(applied, n_people, quota, left, first, end, begin):
    """Admit applicants by lottery under a quota, day by day: the length of a step does not matter.

    Args:
        applied: [n] day of application, in lottery order.
        n_people: [n] people whom each application covers.
        quota: People per year.
        left: Places left from before.
        first, end: Days of the sub-step, the second excluded.
        begin: [n] out: day of admission, infinite if not admitted.

    Returns:
        Places left at the end.
    """
    n = applied.shape[0]
    # Days on which the queue grows; on other days the list of applicants need not be rebuilt.
    grows = np.zeros(end - first, np.bool_)
    grows[0] = True
    for i in range(n):
        begin[i] = math.inf
        if first <= applied[i] < end:
            grows[int(applied[i]) - first] = True
    waiting = np.empty(n, np.int64)
    m = 0
    for day in range(first, end):
        room = left + quota / DAYS_A_YEAR
        if grows[day - first]:
            m = 0
            for i in range(n):
                if begin[i] == math.inf and applied[i] < day + 1:
                    waiting[m] = i
                    m += 1
        if m == 0:
            left = 0.0
            continue
        if room < n_people[waiting[0]]:
            left = room
            continue
        used = admitted = 0
        while admitted < m and used + n_people[waiting[admitted]] <= room:
            i = waiting[admitted]
            used += n_people[i]
            admitted += 1
            # A party is admitted on the day on which enough places have accumulated.
            grown = day + max(used - left, 0.0) / max(quota, 1e-12) * DAYS_A_YEAR
            begin[i] = max(applied[i], grown)
        # Places left are carried over to the next day only as far as the next party needs them.
        next_party = float(n_people[waiting[admitted]]) if admitted < m else 0.0
        left = min(room - used, next_party)
        m -= admitted
        for i in range(m):
            waiting[i] = waiting[i + admitted]
    return left
