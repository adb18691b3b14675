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
    for d in range(n):
        z = np.zeros(n)
        z[d] = 1.0
        cost = np.full(n, np.inf)
        cost[d] = 0.0
        for _ in range(HORIZON):
            new = np.zeros(n)
            new[d] = 1.0
            moved = False
            for p in range(n):
                if p == d:
                    continue
                for e in range(legs.first[p], legs.first[p + 1]):
                    if usable[e]:
                        new[p] += weight[e] * z[legs.target[e]]
                        through = price[e] + cost[legs.target[e]]
                        if through < cost[p]:
                            cost[p] = through
                            moved = True
                if abs(new[p] - z[p]) > 1e-13 * new[p]:
                    moved = True
            z = new
            if not moved:
                break
        for p in range(n):
            value[p, d] = math.log(z[p]) if z[p] > 0.0 else -np.inf
            fare[p, d] = cost[p]
