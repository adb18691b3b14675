"""Looking ahead: what the onward ways from a destination add to its value (docs/model.md, 3.4)."""

from __future__ import annotations

import numpy as np

from sim.core.jit import inner, kernel, subkernel
from sim.core.terms import Channel, Hazard
from sim.kernels.power import raise_all

ASYLUM = int(Channel.asylum)
FAMILY = int(Channel.family)
FLIGHT = int(Hazard.flight)
TOGETHER = 16
"""Origins whose look-ahead is solved at a time: few enough that their sums stay in the cache."""


@kernel
def median_nests(tables, h, first, last, money, kinds, nests):
    """Nests of the median resident, taken as a foreigner everywhere, without pull or look-ahead.

    Args:
        h: Hazard.
        first, last: Range of rows of `kinds` to compute.
        money: [place] means of the median resident.
        kinds: [n] admission classes.
        nests: [n, p, d] out: (sum over slots of exp(V / mu))^mu, of the first taste class, without
            education or family abroad.
    """
    n = tables.country.shape[0]
    fears = 1 if h == FLIGHT else 0
    for i in range(first, last):
        k = kinds[i]
        for p in range(n):
            for d in range(n):
                total = 0.0
                if d != p:
                    country = tables.country[d]
                    for s in range(4):
                        kind = 1 if s >= ASYLUM else 0
                        if s == FAMILY or (kind == 0 and tables.min_education[k, country, s] > 0):
                            continue
                        if tables.price[0, p, d, kind] + tables.fee[k, country, s] <= money[p]:
                            total += (
                                tables.geography[h, 0, 0, p, d, kind]
                                * tables.admission[h, fears, k, country, s]
                            )
                nests[i, p, d] = total
            raise_all(nests[i, p], tables.nest)


@kernel
def look_ahead(
    order, country, free, foreign, pull, homeward, reachable, first, last, weight, floor, tolerance,
    most, ahead,
):  # fmt: skip
    """Solve W(d) = sum over d' of nest(d, d') max(W(d'), floor)^look_ahead for every origin.

    Each origin is a separate fixed point, so that its iteration does not depend on when that of
    another origin stops. Origins of the same country differ only in `pull` and in the return home:
    several are iterated at a time, so that each row of nests is read once for all of them.

    Args:
        order: [place] origins, sorted by country.
        country: [place] country index.
        free: [p, d] nests of the median resident of p where no permission is needed.
        foreign: [citizenship, p, d] nests where permission is needed.
        pull: [o, d] factor of the nest.
        homeward: Factor of the nest of the place of origin.
        reachable: [o, d] whether people from o could be in d at all.
        first, last: Range of origins in `order` to solve.
        weight: look_ahead, below 1: the map is a contraction.
        ahead: [o, d] in: start of the iteration; out: max(W, floor)^look_ahead.
    """
    n = country.shape[0]
    # [d, p], so that sums over d for all p read adjacent memory.
    nests = np.empty((n, n))
    home = np.empty((TOGETHER, n))
    value, w = np.empty((TOGETHER, n)), np.empty((TOGETHER, n))
    worth = np.zeros((TOGETHER, n))
    moving = np.empty(TOGETHER, np.bool_)
    start, known = first, -1
    while start < last:
        citizenship = country[order[start]]
        if citizenship != known:
            _nests_of(citizenship, country, free, foreign, nests)
            known = citizenship
        end = start
        while end < last and end - start < TOGETHER and country[order[end]] == citizenship:
            o = order[end]
            i = end - start
            value[i], moving[i] = ahead[o], True
            for p in range(n):
                home[i, p] = free[p, o] * homeward if p != o else 0.0
            end += 1
        left = end - start
        for _ in range(most):
            if left == 0:
                break
            w[:] = 0.0
            for i in range(end - start):
                o = order[start + i]
                for d in range(n):
                    worth[i, d] = pull[o, d] * value[i, d] if reachable[o, d] else 0.0
            for d in range(0, n, 4):
                for i in range(end - start):
                    if moving[i]:
                        _add_four(d, order[start + i], nests, home[i], worth[i], w[i])
            for i in range(end - start):
                if not moving[i]:
                    continue
                o, change = order[start + i], 0.0
                for p in range(n):
                    new = 1.0
                    if reachable[o, p]:
                        new = max(w[i, p], floor) ** weight
                        change = max(change, abs(new - value[i, p]) / value[i, p])
                    value[i, p] = new
                if change < tolerance:
                    moving[i] = False
                    left -= 1
        for i in range(end - start):
            ahead[order[start + i]] = value[i]
        start = end


@inner
def _add_four(d, o, nests, home, worth, w):
    """Add the values of four destinations, from d on, for every p."""
    n = w.shape[0]
    if d + 4 <= n and not d <= o < d + 4:
        worth_0, worth_1, worth_2, worth_3 = worth[d], worth[d + 1], worth[d + 2], worth[d + 3]
        nests_0, nests_1, nests_2, nests_3 = nests[d], nests[d + 1], nests[d + 2], nests[d + 3]
        for p in range(n):
            # The sum stays in a register; terms are added in the same order as one by one.
            total = w[p] + nests_0[p] * worth_0
            total += nests_1[p] * worth_1
            total += nests_2[p] * worth_2
            w[p] = total + nests_3[p] * worth_3
        return
    for each in range(d, min(d + 4, n)):
        row = home if each == o else nests[each]
        for p in range(n):
            w[p] += row[p] * worth[each]


@subkernel
def _nests_of(citizenship, country, free, foreign, nests):
    """[d, p] nests of people of one citizenship, except for the return to their place of origin."""
    n = country.shape[0]
    for p in range(n):
        for d in range(n):
            nest = 0.0
            if d == p:
                pass
            elif country[p] == country[d]:
                nest = free[p, d]
            elif country[d] != citizenship:
                nest = foreign[citizenship, p, d]
            nests[d, p] = nest
