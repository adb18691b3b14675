"""Route choice: a recursive logit over the legs and route options of the corridor graph."""

from __future__ import annotations

import math

import numpy as np

from sim.core.jit import kernel, subkernel

HORIZON = 48
"""Most legs of a route: values are sums over all walks up to this length, so they are finite."""
BLOCK = 256
"""Destinations solved at a time: few enough that their arrays stay in the cache."""


@kernel
def solve_routes(legs, utility, price, usable, scale, value, fare):
    """Values and cheapest fares of reaching every place from every place.

    z(n, d) = sum over legs e leaving n of exp(u_e / scale) z(target of e, d), z(d, d) = 1

    Source: recursive logit, Fosgerau, Frejinger & Karlstrom (2013).

    Args:
        legs: `Legs`.
        utility: [leg] utility of traversing it.
        price: [leg] money per person.
        usable: [leg] whether it can be traversed at all.
        scale: Scale of the logit.
        value: [place, destination] out: ln z, -inf where there is no route.
        fare: [place, destination] out: cheapest fare per person, infinite where there is no route.
    """
    n = value.shape[0]
    weight = np.zeros(utility.shape[0])
    for e in range(utility.shape[0]):
        if usable[e]:
            weight[e] = math.exp(utility[e] / scale)
    for begin in range(0, n, BLOCK):
        end = min(begin + BLOCK, n)
        _solve_block(
            begin, legs, weight, price, usable, value[:, begin:end], fare[:, begin:end]
        )  # fmt: skip


@subkernel
def _solve_block(begin, legs, weight, price, usable, value, fare):
    """Solve for a block of destinations, which are adjacent in memory.

    Args:
        begin: The first destination.
        weight: [leg] exp(u / scale), 0 where it is closed.
        value, fare: [place, destination of the block] out, as in `solve_routes`.
    """
    n = value.shape[0]
    # Unsigned indices avoid numba's check for negative ones.
    width = np.uint64(value.shape[1])
    z, new = np.zeros((n, width)), np.empty((n, width))
    cost = np.full((n, width), np.inf)
    for d in range(width):
        z[begin + np.int64(d), d], cost[begin + np.int64(d), d] = 1.0, 0.0
    before = np.empty(width)
    ended = np.zeros(width, np.bool_)
    for _ in range(HORIZON):
        moved = np.zeros(width, np.bool_)
        for p in range(n):
            sums, cheapest = new[p], cost[p]
            for d in range(width):
                sums[d] = 0.0
                before[d] = cheapest[d]
            for e in range(legs.first[p], legs.first[p + 1]):
                if usable[e]:
                    further, onward = z[legs.target[e]], cost[legs.target[e]]
                    for d in range(width):
                        sums[d] += weight[e] * further[d]
                        cheapest[d] = min(cheapest[d], price[e] + onward[d])
            if begin <= p < begin + value.shape[1]:
                sums[p - begin], cheapest[p - begin] = 1.0, 0.0
            for d in range(width):
                moved[d] |= abs(sums[d] - z[p, d]) > 1e-13 * sums[d]
                moved[d] |= cheapest[d] < before[d]
        z, new = new, z
        # Each destination stops when it has converged, so that blocks do not affect results.
        for d in range(width):
            if not (ended[d] or moved[d]):
                ended[d] = True
                value[:, d] = z[:, d]
        if ended.all():
            break
    for p in range(n):
        for d in range(width):
            last = value[p, d] if ended[d] else z[p, d]
            value[p, d] = math.log(last) if last > 0.0 else -np.inf
            fare[p, d] = cost[p, d]
