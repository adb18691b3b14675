"""Route choice: a recursive logit over the legs and tactics of the corridor graph (section 7)."""

from __future__ import annotations

import math

import numpy as np

from sim.jit import kernel

HORIZON = 48
"""Legs that a route may have: values are sums over all walks up to this length, always finite."""


@kernel
def solve_routes(legs, utility, price, usable, scale, value, fare):
    """Values and cheapest fares of reaching every place from every place.

    z(n, d) = sum over legs e leaving n of exp(u_e / scale) z(target of e, d), z(d, d) = 1

    Source: recursive logit, Fosgerau, Frejinger & Karlstrom (2013).

    Args:
        legs: `Legs`.
        utility: [leg] utility of traversing it.
        price: [leg] money a person.
        usable: [leg] whether it can be traversed at all.
        scale: Scale of the logit.
        value: [place, destination] out: ln z, -inf where there is no way.
        fare: [place, destination] out: cheapest money a person, infinite where there is no way.
    """
    n = value.shape[0]
    weight = np.zeros(utility.shape[0])
    for e in range(utility.shape[0]):
        if usable[e]:
            weight[e] = math.exp(utility[e] / scale)
    # All destinations at once, since they are neighbours in memory; each ends at its own time.
    z = np.eye(n)
    new = np.empty((n, n))
    cost = np.full((n, n), np.inf)
    for d in range(n):
        cost[d, d] = 0.0
    before = np.empty(n)
    ended = np.zeros(n, np.bool_)
    for _ in range(HORIZON):
        moved = np.zeros(n, np.bool_)
        for p in range(n):
            sums, cheapest = new[p], cost[p]
            for d in range(n):
                sums[d] = 0.0
                before[d] = cheapest[d]
            for e in range(legs.first[p], legs.first[p + 1]):
                if usable[e]:
                    further, onward = z[legs.target[e]], cost[legs.target[e]]
                    for d in range(n):
                        sums[d] += weight[e] * further[d]
                        cheapest[d] = min(cheapest[d], price[e] + onward[d])
            sums[p], cheapest[p] = 1.0, 0.0
            for d in range(n):
                moved[d] |= abs(sums[d] - z[p, d]) > 1e-13 * sums[d]
                moved[d] |= cheapest[d] < before[d]
        z, new = new, z
        for d in range(n):
            if not (ended[d] or moved[d]):
                ended[d] = True
                value[:, d] = z[:, d]
        if ended.all():
            break
    for p in range(n):
        for d in range(n):
            last = value[p, d] if ended[d] else z[p, d]
            value[p, d] = math.log(last) if last > 0.0 else -np.inf
            fare[p, d] = cost[p, d]
