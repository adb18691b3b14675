"""Counts people: answers, attribution to threats, stocks, blocked households, exposure."""

from __future__ import annotations

import math

import numpy as np

from sim.core.jit import event, inner, kernel
from sim.core.state import BLOCKED, BLOCKED_PERMISSION, MICRO, WOMAN
from sim.core.terms import Activity, Status

N_MASKS = 128
WAITING = int(Activity.waiting)
"""People with a residence are resident or waiting, the first two states."""
RESIDENT = int(Activity.resident)
TRAVELLING, DEAD = int(Activity.travelling), int(Activity.dead)
OF_THE_COUNTRY = (int(Status.citizen), int(Status.displaced))
"""Statuses that people can have in their own country: the first two."""
STRANDED = int(Activity.stranded)
AGES = (12 * 18, 12 * 35, 12 * 65)
"""Ages in months at which the age groups begin, except the first."""
YEAR = 366
"""Days for which a household counts as blocked: a year, plus the day itself."""


@kernel
def list_deciding(households, first, last, decides, deciding):
    """List the households among rows `first:last` that have a residence and decide.

    Args:
        decides: [place] whether people who come from it decide whether to move.
        deciding: [last - first] out: rows, ascending.

    Returns:
        Their number.
    """
    n = 0
    for house in range(first, last):
        # Always written, and kept by advancing n: a branch would be unpredictable.
        deciding[n] = house
        n += (households.activity[house] <= WAITING) & decides[households.home[house]]
    return n


@kernel
def people_at(households, first, last, where, people):
    """Count the living people at some places.

    Args:
        first, last: Range of rows.
        where: [place] whether they are counted.
        people: [place] added to.
    """
    for house in range(first, last):
        p = households.place[house]
        if where[p]:
            people[p] += np.int64(households.weight[house]) * households.size[house]


@inner
def cell_of(households, persons, house, country, month, strides):
    """Cell of a household: the sum of index x stride over the attributes that define cells.

    Args:
        country: [place] country index.
        month: Month from the start.
        strides: [7] of place, home, citizenship, group, and of its head's sex, education and age; 0
            for attributes that are not used.
    """
    cell = households.place[house] * strides[0]
    # Most runs use few attributes; skipping the others avoids reading their columns.
    if strides[1]:
        cell += households.home[house] * strides[1]
    if strides[2]:
        cell += country[households.home[house]] * strides[2]
    if strides[3]:
        cell += households.group[house] * strides[3]
    head = households.head[house]
    if strides[4]:
        cell += (persons.traits[head] & WOMAN) * strides[4]
    if strides[5]:
        cell += (persons.traits[head] >> 1 & 3) * strides[5]
    if strides[6]:
        months = month - persons.born[head]
        age = int(months >= AGES[0]) + int(months >= AGES[1]) + int(months >= AGES[2])
        cell += age * strides[6]
    return cell


@kernel
def cells_of(households, persons, houses, country, month, strides, cells):
    """Cells of households; see `cell_of`.

    Args:
        houses: [n] rows.
        cells: [n] out.
    """
    for i in range(houses.shape[0]):
        cells[i] = cell_of(households, persons, houses[i], country, month, strides)


@event
def attribute(households, house, n_people, flight, uprooted, severity, severities, threats, shares):
    """Attribute a move of necessity to threats, in 1 / MICRO people; parts sum exactly.

    Moves that present threats make: F is split in proportion to b_k (h_k - tol_k) over threats of
    fear, L - R_C over threats of want. Moves of those who are uprooted: in proportion to b_k over
    the threats that uprooted them, since how grave these were is not remembered.

    Args:
        n_people: People that move.
        flight: Share of flight in R - R_C.
        uprooted: Whether it moves only because threats had uprooted it.
        severity: [threat] where and when it moved.
        severities: `Severities`, for b_k and tol_k.
        threats: [threat] added to.
        shares: [7] working array.

    Returns:
        Present threats that the move is attributed to, bit k.
    """
    mask = households.uprooted[house] if uprooted else households.mask[house]
    fear = want = past = 0.0
    for k in range(7):
        shares[k] = 0.0
        if mask >> k & 1:
            past += severities.weight[k]
            excess = severities.weight[k] * max(severity[k] - severities.tolerable[k], 0.0)
            shares[k] = excess
            if k < 4:
                want += excess
            else:
                fear += excess
    for k in range(7):
        if mask >> k & 1:
            if uprooted:
                shares[k] = severities.weight[k] / past if past > 0.0 else 0.0
            elif k < 4:
                shares[k] = (1.0 - flight) * shares[k] / want if want > 0.0 else 0.0
            else:
                shares[k] = flight * shares[k] / fear if fear > 0.0 else 0.0
    total = n_people * MICRO
    left = total
    largest = 0
    felt = 0
    for k in range(7):
        if shares[k] > 0.0 and not uprooted:
            felt |= 1 << k
        if shares[k] > shares[largest]:
            largest = k
        part = min(int(math.floor(shares[k] * total)), left)
        threats[k] += part
        left -= part
    threats[largest] += left
    return felt


@kernel
def count_people(
    households,
    first,
    last,
    country,
    now,
    stocks,
    blocked_households,
    blocked,
    activities,
    exposed,
):
    """Count everyone who is alive once, household by household.

    Args:
        first, last: Range of rows.
        country: [place] country index.
        now: Day from the start.
        stocks: [place, citizenship, status] people not travelling, added to.
        blocked_households: [place, citizenship, 2] households blocked in the last year and still
            there (0 by lack of means, 1 of permission), added to.
        blocked: The same in people.
        activities: [citizenship, activity] people, added to.
        exposed: [place, citizenship, threat] people exposed where they live or are stranded, added
            to.
    """
    # Nearly everyone lives in their own country: one sum per household is enough for them.
    own = np.zeros((country.shape[0], len(OF_THE_COUNTRY), N_MASKS), np.int64)
    for house in range(first, last):
        weight = np.int64(households.weight[house])
        n = weight * households.size[house]
        p = households.place[house]
        c = country[households.home[house]]
        activity = households.activity[house]
        status = households.status[house]
        mask = households.mask[house]
        if (c == country[p]) & (status < len(OF_THE_COUNTRY)) & (activity == RESIDENT):
            own[p, status, mask] += n
        else:
            activities[c, activity] += n
            if activity == TRAVELLING or activity == DEAD:
                continue
            stocks[p, c, status] += n
            if activity <= STRANDED and activity != TRAVELLING:
                for k in range(7):
                    exposed[p, c, k] += n * (mask >> k & 1)
        if households.flags[house] & BLOCKED:
            if now - households.blocked_on[house] < YEAR and activity <= WAITING:
                by = 1 if households.flags[house] & BLOCKED_PERMISSION else 0
                blocked_households[p, c, by] += weight
                blocked[p, c, by] += n
    for p in range(country.shape[0]):
        c = country[p]
        for status in range(len(OF_THE_COUNTRY)):
            for mask in range(N_MASKS):
                n = own[p, status, mask]
                if n == 0:
                    continue
                activities[c, RESIDENT] += n
                stocks[p, c, status] += n
                for k in range(7):
                    exposed[p, c, k] += n * (mask >> k & 1)


@kernel
def sum_by_country(stocks, country, is_camp, total):
    """Sum stocks of places by country.

    Args:
        stocks: [place, citizenship, status] people.
        country: [place] index of its country.
        is_camp: [place].
        total: [2, country, citizenship, status] in other places (0), and in camps (1); added to.
    """
    for p in range(stocks.shape[0]):
        camp = 1 if is_camp[p] else 0
        for c in range(stocks.shape[1]):
            for s in range(stocks.shape[2]):
                total[camp, country[p], c, s] += stocks[p, c, s]
