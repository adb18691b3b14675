"""Lots for regular channels, drawn day by day (section 7)."""

from __future__ import annotations

import math

import numpy as np

from sim.core.jit import kernel
from sim.core.state import DAYS_A_YEAR


@kernel
def draw_lots(applied, n_people, quota, left, first, end, begin):
    """Admit by lot under a quota, day by day: a month admits whom its days would.

    Args:
        applied: [n] day of application, in the order of the lots.
        n_people: [n] people whom each is for.
        quota: People a year.
        left: People for whom there was room before.
        first, end: Days of the stretch, the second excluded.
        begin: [n] out: day of admission, infinite where there is none.

    Returns:
        People for whom there is room in the end.
    """
    n = applied.shape[0]
    # Days on which the queue grows; on the others most often nobody fits, which is soon seen.
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
            # A party is admitted when the quota has grown enough for it.
            grown = day + max(used - left, 0.0) / max(quota, 1e-12) * DAYS_A_YEAR
            begin[i] = max(applied[i], grown)
        # What is left over waits for the next day only as far as one more party needs it.
        next_party = float(n_people[waiting[admitted]]) if admitted < m else 0.0
        left = min(room - used, next_party)
        m -= admitted
        for i in range(m):
            waiting[i] = waiting[i + admitted]
    return left
