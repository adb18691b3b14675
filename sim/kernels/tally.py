"""Counting people: answers, attribution, stocks, blocked, exposure."""

from __future__ import annotations

import math

import numpy as np

from sim.jit import kernel
from sim.kernels.travel import count_members
from sim.state import BLOCKED, BLOCKED_PERMISSION, HEAD, MICRO
from sim.terms import Activity

BLOCKED_HEAD = HEAD | BLOCKED
N_MASKS = 128
WAITING = int(Activity.waiting)
"""Who lives somewhere is resident or waiting, the first two states."""
TRAVELLING, DEAD = int(Activity.travelling), int(Activity.dead)
STRANDED = int(Activity.stranded)
YEAR = 366
"""Days within which a household counts as blocked: a year, and the day itself."""


@kernel
def count_heads(people, first, last):
    """Count the heads who live somewhere, and those who are stranded on the way.

    Args:
        first, last: Which rows are looked at.
    """
    n = m = 0
    for row in range(first, last):
        head = people.flags[row] & HEAD
        n += head * (people.activity[row] <= WAITING)
        m += head * (people.activity[row] == STRANDED)
    return n, m


@kernel
def list_heads(people, first, last, deciding, stranded):
    """List the heads, ascending by row.

    Args:
        first, last: Which rows are looked at.
        deciding: [n] out: rows of heads who live somewhere.
        stranded: [m] out: rows of heads stranded on the way.
    """
    n = m = 0
    for row in range(first, last):
        if people.flags[row] & HEAD:
            if people.activity[row] <= WAITING:
                deciding[n] = row
                n += 1
            elif people.activity[row] == STRANDED:
                stranded[m] = row
                m += 1


@kernel
def count_households(people, rows, code, weight, heads, persons):
    """Add households and their members by code.

    Args:
        rows: [n] rows of heads.
        code: [n] cell of each.
        weight: [place] people that a row of that home stands for.
        heads, persons: [cell] added to.
    """
    for i in range(rows.shape[0]):
        head = rows[i]
        w = weight[people.home[head]]
        heads[code[i]] += w
        persons[code[i]] += w * count_members(people, head)


@kernel
def attribute(people, rows, code, persons, flight, excess, threats):
    """Split necessity over the threats that made it, in 1 / MICRO people: sums exactly.

    F is split by b_k (h_k - tol_k) of fear, L - R_0 by b_k (h_k - tol_k) of want.

    Args:
        rows: [n] rows of heads who moved of necessity.
        code: [n] cell of each.
        persons: [n] people that move.
        flight: [n] part of flight in R - R_0.
        excess: [place, threat] b_k max(s_k - tol_k, 0).
        threats: [cell, threat] added to.
    """
    for i in range(rows.shape[0]):
        head = rows[i]
        p = people.place[head]
        mask = people.mask[head]
        fear = want = 0.0
        for k in range(7):
            if mask >> k & 1:
                if k < 4:
                    want += excess[p, k]
                else:
                    fear += excess[p, k]
        total = persons[i] * MICRO
        left = total
        largest = 0
        most = -1.0
        for k in range(7):
            share = 0.0
            if mask >> k & 1:
                if k < 4 and want > 0.0:
                    share = (1.0 - flight[i]) * excess[p, k] / want
                elif k >= 4 and fear > 0.0:
                    share = flight[i] * excess[p, k] / fear
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
    """Count everybody once.

    Args:
        first, last: Which rows are counted.
        country: [place] country index.
        weight: [place] people that a row of that home stands for.
        now: Day from the start.
        stocks: [place, citizenship, status] people who are somewhere, added to.
        blocked_heads: [place, citizenship, 2] households blocked within a year, still there
            (0 by means, 1 by permission), added to.
        blocked: the same in people.
        activities: [activity] people, added to.
        exposed: [place, citizenship, threat] people exposed where they live, added to.
    """
    # Most people live in their own country: they are counted by all seven threats at once.
    own = np.zeros((country.shape[0], N_MASKS), np.int64)
    for row in range(first, last):
        home = people.home[row]
        w = weight[home]
        activity = people.activity[row]
        activities[activity] += w
        if activity == TRAVELLING or activity == DEAD:
            continue
        p = people.place[row]
        c = country[home]
        stocks[p, c, people.status[row]] += w
        mask = people.mask[row]
        if c == country[p]:
            own[p, mask] += w
        else:
            for k in range(7):
                if mask >> k & 1:
                    exposed[p, c, k] += w
        if people.flags[row] & BLOCKED_HEAD == BLOCKED_HEAD:
            if now - people.blocked_on[row] < YEAR and activity <= WAITING:
                by = 1 if people.flags[row] & BLOCKED_PERMISSION else 0
                blocked_heads[p, c, by] += w
                blocked[p, c, by] += w * count_members(people, row)
    for p in range(country.shape[0]):
        for mask in range(N_MASKS):
            for k in range(7):
                if mask >> k & 1:
                    exposed[p, country[p], k] += own[p, mask]
