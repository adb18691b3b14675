"""Which households something may happen to in a segment, and days of those that decide."""

from __future__ import annotations

import numpy as np

from sim.core.jit import kernel
from sim.core.rng import BLOCK, uniform
from sim.core.state import DAYS_A_YEAR
from sim.core.terms import Activity, Status
from sim.kernels.plane import MARGIN
from sim.kernels.tally import cell_of

WAITING, STRANDED = int(Activity.waiting), int(Activity.stranded)
REGULAR = int(Status.regular)
"""This status and the later ones are those of people from abroad."""


@kernel
def list_busy(
    households, persons, first, last, decides, clocks, country, month, strides, days, conditions,
    plane, through, stranded, busy, household_days, person_days,
):  # fmt: skip
    """List the households to which something may happen, and count the days of those that decide.

    Whether they may move is told by the first bound of `sieve`.

    Args:
        households, persons: All of them.
        first, last: Range of rows.
        decides: [place] whether people who come from it decide whether to move.
        clocks: [status, country] whether something other than a move may happen to residents.
        country, month, strides: As in `cell_of`.
        days: Days to count for each household that decides.
        conditions: What sets the rates in the segment.
        plane: The plane of moves.
        through: [last - first] out: households that may move, by the bound of their place.
        stranded: [last - first] out: households stranded on the way.
        busy: [last - first] out: residents to whom something other than a move may happen.
        household_days, person_days: [cell] days of households and of people, added to.

    Returns:
        (number that may move, number stranded, number of busy ones)
    """
    years = plane.days / DAYS_A_YEAR * MARGIN
    n_through = n_stranded = n_busy = 0
    u = np.empty(BLOCK)
    for begin in range(first, last, BLOCK):
        n = min(BLOCK, last - begin)
        # Alone, because the processor then draws for several households at once.
        for i in range(n):
            u[i] = uniform(plane.key, households.ident[begin + i])
        for i in range(n):
            house = begin + i
            activity = households.activity[house]
            if activity > WAITING:
                if activity == STRANDED:
                    stranded[n_stranded] = house
                    n_stranded += 1
                continue
            p, home = households.place[house], households.home[house]
            status = households.status[house]
            if status >= REGULAR and clocks[status, country[p]]:
                busy[n_busy] = house
                n_busy += 1
            if not decides[home]:
                continue
            its_days = np.int64(households.weight[house]) * days
            cell = cell_of(households, persons, house, country, month, strides)
            household_days[cell] += its_days
            person_days[cell] += its_days * households.size[house]
            # Always written, and kept by advancing: a branch would be unpredictable.
            through[n_through] = house
            most = conditions.most[p, np.uint64(p == home), households.mask[house]]
            n_through += not u[i] > most * years
    return n_through, n_stranded, n_busy
