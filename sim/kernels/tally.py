"""Counts people: answers, attribution to threats, stocks, blocked households, exposure."""

from __future__ import annotations

import math

import numpy as np

from sim.core.jit import inner, kernel
from sim.core.state import BLOCKED, BLOCKED_PERMISSION, HEAD, MICRO, WOMAN
from sim.core.terms import Activity, Status
from sim.kernels.household import count_members
from sim.kernels.living import MEMBERS

BLOCKED_HEAD = HEAD | BLOCKED
N_MASKS = 128
WAITING = int(Activity.waiting)
"""People with a residence are resident or waiting, the first two states."""
RESIDENT = int(Activity.resident)
TRAVELLING, DEAD = int(Activity.travelling), int(Activity.dead)
OF_THE_COUNTRY = (int(Status.citizen), int(Status.displaced))
"""Statuses that people can have in their own country: the first two."""
STRANDED = int(Activity.stranded)
CLAIMANT = int(Status.claimant)
"""This status and the later ones are not permanent."""
AGES = (12 * 18, 12 * 35, 12 * 65)
"""Ages in months at which the age groups begin, except the first."""
YEAR = 366
"""Days for which a household counts as blocked: a year, plus the day itself."""


@kernel
def list_heads(people, first, last, decides, deciding, staying, unsettled, stranded):
    """List the heads among people[first:last], ascending by row.

    Args:
        decides: [place] whether people who come from it decide whether to move.
        deciding: [last - first] out: rows of heads with a residence who decide.
        staying: [last - first] out: rows of heads with a residence who do not.
        unsettled: [last - first] out: rows of heads with a residence who claim asylum, stay
            without permission, or are ordered to leave.
        stranded: [last - first] out: rows of heads stranded on the way.

    Returns:
        (number deciding, number staying, number unsettled, number stranded)
    """
    n = s = k = m = 0
    for row in range(first, last):
        activity = people.activity[row]
        head = (people.flags[row] & HEAD) != 0
        lives = head & (activity <= WAITING)
        mine = lives & decides[people.home[row]]
        # Always written, and kept by advancing n: a branch would be unpredictable.
        deciding[n] = row
        n += mine
        staying[s] = row
        s += lives ^ mine
        if (people.status[row] >= CLAIMANT) | (activity == STRANDED):
            if lives:
                unsettled[k] = row
                k += 1
            elif head and activity == STRANDED:
                stranded[m] = row
                m += 1
    return n, s, k, m


@inner
def cell_of(people, row, country, month, strides):
    """Cell of a person: the sum of index x stride over the attributes that define cells.

    Args:
        country: [place] country index.
        month: Month from the start.
        strides: [7] of place, home, citizenship, group, sex, education, age; 0 for attributes
            that are not used.
    """
    cell = people.place[row] * strides[0]
    # Most runs use few attributes; skipping the others avoids reading their columns.
    if strides[1]:
        cell += people.home[row] * strides[1]
    if strides[2]:
        cell += country[people.home[row]] * strides[2]
    if strides[3]:
        cell += people.group[row] * strides[3]
    if strides[4]:
        cell += (people.traits[row] & WOMAN) * strides[4]
    if strides[5]:
        cell += (people.traits[row] >> 1 & 3) * strides[5]
    if strides[6]:
        months = month - people.born[row]
        age = (months >= AGES[0]) + (months >= AGES[1]) + (months >= AGES[2])
        cell += age * strides[6]
    return cell


@kernel
def cells_of(people, rows, country, month, strides, cells):
    """Cells of persons; see `cell_of`.

    Args:
        rows: [n] rows of people.
        cells: [n] out.
    """
    for i in range(rows.shape[0]):
        cells[i] = cell_of(people, rows[i], country, month, strides)


@kernel
def count_households(people, rows, composition, country, month, strides, weight, heads, persons):
    """Add households and their members by cell.

    Args:
        rows: [n] rows of heads.
        composition: [n] composition of their households.
        country, month, strides: As in `cell_of`.
        weight: [place] people that a row of that origin represents.
        heads, persons: [cell] added to.
    """
    for i in range(rows.shape[0]):
        w = weight[people.home[rows[i]]]
        cell = cell_of(people, rows[i], country, month, strides)
        heads[cell] += w
        persons[cell] += w * (composition[i] & MEMBERS)


@kernel
def attribute(people, rows, code, persons, flight, uprooted, excess, weight, threats, felt):
    """Attribute moves of necessity to threats, in 1 / MICRO people; parts sum exactly.

    Moves that present threats make: F is split in proportion to b_k (h_k - tol_k) over threats of
    fear, L - R_C over threats of want. Moves of those who are uprooted: in proportion to b_k over
    the threats that uprooted them, since how grave these were is not remembered.

    Args:
        rows: [n] rows of heads who moved of necessity.
        code: [n] cell of each.
        persons: [n] people that move.
        flight: [n] share of flight in R - R_C.
        uprooted: [n] whether it moves only because threats had uprooted it.
        excess: [n, threat] b_k max(s_k - tol_k, 0) where and when each moved.
        weight: [threat] b_k.
        threats: [cell, threat] added to.
        felt: [n] out: present threats that the move is attributed to, bit k.
    """
    shares = np.empty(7)
    for i in range(rows.shape[0]):
        head = rows[i]
        mask = people.uprooted[head] if uprooted[i] else people.mask[head]
        fear = want = past = 0.0
        for k in range(7):
            if mask >> k & 1:
                past += weight[k]
                if k < 4:
                    want += excess[i, k]
                else:
                    fear += excess[i, k]
        for k in range(7):
            shares[k] = 0.0
            if mask >> k & 1:
                if uprooted[i]:
                    shares[k] = weight[k] / past if past > 0.0 else 0.0
                elif k < 4 and want > 0.0:
                    shares[k] = (1.0 - flight[i]) * excess[i, k] / want
                elif k >= 4 and fear > 0.0:
                    shares[k] = flight[i] * excess[i, k] / fear
        total = persons[i] * MICRO
        left = total
        largest = 0
        most = -1.0
        felt[i] = 0
        for k in range(7):
            share = shares[k]
            if share > 0.0 and not uprooted[i]:
                felt[i] |= 1 << k
            if share > most:
                most = share
                largest = k
            part = int(math.floor(share * total))
            part = min(part, left)
            threats[code[i], k] += part
            left -= part
        threats[code[i], largest] += left


@kernel
def count_people(
    people,
    first,
    last,
    country,
    weight,
    now,
    stocks,
    blocked_heads,
    blocked,
    activities,
    exposed,
):
    """Count each person once.

    Args:
        first, last: Range of rows.
        country: [place] country index.
        weight: [place] people that a row of that origin represents.
        now: Day from the start.
        stocks: [place, citizenship, status] people alive and not travelling, added to.
        blocked_heads: [place, citizenship, 2] households blocked in the last year and still there
            (0 by lack of means, 1 of permission), added to.
        blocked: The same in people.
        activities: [citizenship, activity] people, added to.
        exposed: [place, citizenship, threat] people exposed where they live, added to.
    """
    # Nearly everyone lives in their own country: one sum per person is enough for them.
    own = np.zeros((country.shape[0], len(OF_THE_COUNTRY), N_MASKS), np.int64)
    for row in range(first, last):
        home = people.home[row]
        w = weight[home]
        p = people.place[row]
        c = country[home]
        activity = people.activity[row]
        status = people.status[row]
        mask = people.mask[row]
        if (c == country[p]) & (status < len(OF_THE_COUNTRY)) & (activity == RESIDENT):
            own[p, status, mask] += w
        else:
            activities[c, activity] += w
            if activity == TRAVELLING or activity == DEAD:
                continue
            stocks[p, c, status] += w
            for k in range(7):
                exposed[p, c, k] += w * (mask >> k & 1)
        if people.flags[row] & BLOCKED_HEAD == BLOCKED_HEAD:
            if now - people.blocked_on[row] < YEAR and activity <= WAITING:
                by = 1 if people.flags[row] & BLOCKED_PERMISSION else 0
                blocked_heads[p, c, by] += w
                blocked[p, c, by] += w * count_members(people, row)
    for p in range(country.shape[0]):
        c = country[p]
        for status in range(len(OF_THE_COUNTRY)):
            for mask in range(N_MASKS):
                n = own[p, status, mask]
                activities[c, RESIDENT] += n
                stocks[p, c, status] += n
                for k in range(7):
                    exposed[p, c, k] += n * (mask >> k & 1)
