"""Route choice: a logit over the legs that bring a goal nearer, so that nobody goes in circles.

Source: efficient links, Dial (1971); recursive logit, Fosgerau, Frejinger & Karlstrom (2013).
"""

from __future__ import annotations

import math

import numpy as np

from sim.core.jit import inner, kernel, subkernel

BEST, CHEAPEST = 0, 1
"""Plans of a journey: the way that people like best, or the one that costs least money."""
LEAST_COST = 1e-6
"""Least cost of a leg, so that every leg makes a difference to the cost of a whole route."""
LEAST_SUM = 1e-280
"""Sums over routes that are smaller than this, or as large, are taken in logarithms."""
BLOCK = 16
"""Destinations whose results are stored at a time: few enough to stay in the cache."""


@kernel
def solve_routes(legs, length, utility, price, usable, cost, value, fare):
    """Costs, values and fares of reaching every place from every place, for several plans.

    cost(n, d) = min over legs e leaving n of length_e + cost(target of e, d), cost(d, d) = 0
    A leg is open towards d where cost falls along it. No journey goes through a camp.
    z(n, d) = sum over open legs e leaving n of exp(u_e) z(target of e, d), z(d, d) = 1

    Since cost falls along open legs, they make no circles: one pass solves it, nearest places
    first.

    Args:
        legs: `Legs`.
        length: [plan, leg] cost of it, at least `LEAST_COST`; the plans `BEST` and `CHEAPEST` of
            the first conditions, then those of the next ones.
        utility: [conditions, class, leg] utility over the scale of the logit.
        price: [conditions, leg] money per person.
        usable: [conditions, leg] whether it can be traversed at all.
        cost: [plan, place, destination] out: least cost, infinite where there is no route.
        value: [plan, class, place, destination] out: ln z, -inf where there is no route; the last
            plans may be left out.
        fare: [plan, place, destination] out: cheapest fare per person over open legs, infinite
            where there is no route.
    """
    n, n_legs = cost.shape[1], length.shape[1]
    by_target = np.argsort(legs.target, kind="mergesort")
    is_camp = np.zeros(n, np.bool_)
    is_camp[legs.target[legs.into_camp]] = True
    near, cheapest = np.empty((BLOCK, n)), np.empty((BLOCK, n))
    order = np.empty(n, np.int64)
    costs, places = np.empty(n_legs + 1), np.empty(n_legs + 1, np.int64)
    for plan in range(length.shape[0]):
        now = plan // 2
        can, pay, weight = usable[now], price[now], np.exp(utility[now])
        into = by_target[can[by_target]]
        arrive = np.searchsorted(legs.target[into], np.arange(n + 1))
        start, further = legs.source[into], length[plan][into]
        n_classes = utility.shape[1] if plan < value.shape[0] else 0
        z = np.empty((BLOCK, n, n_classes))
        for begin in range(0, n, BLOCK):
            end = min(begin + BLOCK, n)
            for d in range(begin, end):
                b = d - begin
                n_found = _nearest_first(
                    arrive, start, further, is_camp, d, costs, places, near[b], order
                )
                found = order[:n_found]
                _sum_up(legs, weight, pay, can, d, found, near[b], z[b], cheapest[b])
                for g in range(n_classes):
                    least, most = 1.0, 1.0
                    for p in found:
                        least, most = min(least, z[b, p, g]), max(most, z[b, p, g])
                    if least < LEAST_SUM or most > 1.0 / LEAST_SUM:
                        _sum_logs(legs, utility[now, g], can, d, found, near[b], z[b, :, g])
                    else:
                        for p in range(n):
                            z[b, p, g] = math.log(z[b, p, g]) if z[b, p, g] > 0.0 else -np.inf
            for p in range(n):
                for d in range(begin, end):
                    cost[plan, p, d], fare[plan, p, d] = near[d - begin, p], cheapest[d - begin, p]
                for g in range(n_classes):
                    for d in range(begin, end):
                        value[plan, g, p, d] = z[d - begin, p, g]


@inner
def leads_on(legs, usable, near, p, e, d):
    """Whether a leg that leaves place p is open towards d, given the least costs of reaching d."""
    t = legs.target[e]
    return usable[e] and near[t] < near[p] and (t == d or not legs.into_camp[e])


@subkernel
def _nearest_first(arrive, start, length, is_camp, d, costs, places, near, order):
    """Find the least costs of reaching a destination, by Dijkstra's algorithm.

    Args:
        arrive: Legs `arrive[p]:arrive[p + 1]` lead to place p.
        start, length: [leg] place where it starts, and its cost.
        is_camp: [place] whether no way leads through it.
        d: The destination.
        costs, places: [leg + 1] room for places to look at next.
        near: [place] out: least cost.
        order: [place] out: places with a route, nearest first.

    Returns:
        Number of places with a route.
    """
    # What to look at next has the nearest last; what something nearer was found for is skipped.
    near[:] = np.inf
    near[d], costs[0], places[0] = 0.0, 0.0, d
    waiting, found = 1, 0
    while waiting > 0:
        waiting -= 1
        p = places[waiting]
        so_far = near[p]
        if costs[waiting] > so_far:
            continue
        order[found] = p
        found += 1
        if is_camp[p] and p != d:
            continue
        for i in range(arrive[p], arrive[p + 1]):
            a, new = start[i], length[i] + so_far
            if new < near[a]:
                near[a] = new
                j = waiting
                while j > 0 and costs[j - 1] < new:
                    costs[j], places[j] = costs[j - 1], places[j - 1]
                    j -= 1
                costs[j], places[j] = new, a
                waiting += 1
    return found


@subkernel
def _sum_up(legs, weight, price, usable, d, found, near, z, cheapest):
    """Sum up over all ways of reaching a destination by open legs.

    Args:
        weight: [class, leg] exp(u).
        d: The destination.
        found: [i] places with a route, nearest first.
        near: [place] least cost.
        z: [place, class] out.
        cheapest: [place] out: fare.
    """
    z[:] = 0.0
    cheapest[:] = np.inf
    z[d], cheapest[d] = 1.0, 0.0
    for p in found[1:]:
        for e in range(legs.first[p], legs.first[p + 1]):
            if leads_on(legs, usable, near, p, e, d):
                t = legs.target[e]
                cheapest[p] = min(cheapest[p], price[e] + cheapest[t])
                for g in range(z.shape[1]):
                    z[p, g] += weight[g, e] * z[t, g]


@subkernel
def _sum_logs(legs, utility, usable, d, found, near, log_z):
    """Sum up as `_sum_up` does, for one class, where its numbers become too small.

    Args:
        utility: [leg] utility over the scale of the logit.
        log_z: [place] out: ln z.
    """
    log_z[:] = -np.inf
    log_z[d] = 0.0
    for p in found[1:]:
        best = -np.inf
        for e in range(legs.first[p], legs.first[p + 1]):
            if leads_on(legs, usable, near, p, e, d):
                best = max(best, utility[e] + log_z[legs.target[e]])
        total = 0.0
        for e in range(legs.first[p], legs.first[p + 1]):
            if leads_on(legs, usable, near, p, e, d):
                total += math.exp(utility[e] + log_z[legs.target[e]] - best)
        log_z[p] = best + math.log(total)
