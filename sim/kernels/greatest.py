"""The greatest rates that anybody can have: the sieve that households pass first."""

from __future__ import annotations

import numpy as np

from sim.core.jit import kernel
from sim.core.terms import Hazard

LIVELIHOOD, FLIGHT = int(Hazard.livelihood), int(Hazard.flight)


@kernel
def greatest_worths(country, free, within, foreign, settled, homeward, pull, claimed, worth):
    """Upper bounds of W for people of any origin, before the power of the inclusive value.

    The pull of a destination is taken as the greatest for any origin in the same country: a table
    for every origin would grow with the cube of the places.

    Args:
        country: [place] index of its country.
        free: [citizenship, country] whether citizens may live there without permission.
        within: [h, g, p, d] nest of those who need no permission; 0 for staying.
        foreign: [h, g, p, d] nest of those who enter another country by a channel.
        settled: [h, country] factor of the status of people with free movement.
        homeward: [h] factor of the return to the own place of origin.
        pull: [h, o, d] pull of destinations.
        claimed: [h, g, p] nest of those who claim asylum or settle where they are.
        worth: [h, p, o, g] out.
    """
    n, n_countries = country.shape[0], free.shape[0]
    # [d, citizenship] greatest pull on compatriots of p, who return only to their own place of
    # origin; of what is foreign to a citizen; and on those abroad with free movement.
    everywhere = np.empty((n, n_countries))
    abroad, bloc = np.empty((n, n_countries)), np.empty((n, n_countries))
    total = np.empty(n_countries)
    for h in range(within.shape[0]):
        everywhere[:] = 0.0
        for o in range(n):
            for d in range(n):
                if d != o:
                    c = country[o]
                    everywhere[d, c] = max(everywhere[d, c], pull[h, o, d])
        for d in range(n):
            for c in range(n_countries):
                own, allowed = country[d] == c, free[c, country[d]]
                abroad[d, c] = 0.0 if own or allowed else everywhere[d, c]
                bloc[d, c] = everywhere[d, c] if allowed and not own else 0.0
        for g in range(within.shape[1]):
            for p in range(n):
                total[:] = 0.0
                for d in range(n):
                    stays = within[h, g, p, d]
                    if country[p] == country[d]:
                        for c in range(n_countries):
                            total[c] += stays * everywhere[d, c]
                    else:
                        enters, moves = foreign[h, g, p, d], stays * settled[h, country[d]]
                        for c in range(n_countries):
                            total[c] += enters * abroad[d, c] + moves * bloc[d, c]
                for o in range(n):
                    returns = within[h, g, p, o] * (pull[h, o, o] * homeward[h])
                    sum_of = total[country[o]] + returns
                    if country[o] != country[p]:
                        sum_of += claimed[h, g, p] * pull[h, o, p]
                    worth[h, p, o, g] = sum_of


@kernel
def greatest_rates(bound, age, livelihood, at_home, flight, want, fear, most):
    """Greatest rate of any resident, over status, origin, taste and age.

    Args:
        bound: [h, p, o, g] upper bound of W^lam.
        age: [h, age] factors.
        livelihood: [place, status] factors of the livelihood rate.
        at_home: Its factor for people who are at home.
        flight: Factor of the flight rate.
        want: [place, 16] greatest factor of any day.
        fear: [place, 8] the same.
        most: [place, 2, mask] out: of residents of other origins (0), and of this place (1).
    """
    top, peak = np.empty((2, 2)), np.array([age[0].max(), age[1].max()])
    for p in range(most.shape[0]):
        top[:] = 0.0
        for h in range(2):
            for o in range(bound.shape[2]):
                here = 1 if o == p else 0
                for g in range(bound.shape[3]):
                    top[h, here] = max(top[h, here], bound[h, p, o, g])
            top[h] *= peak[h]
        richest = livelihood[p].max()
        top[LIVELIHOOD, 0] *= richest
        top[LIVELIHOOD, 1] *= richest * at_home
        for here in range(2):
            for mask in range(most.shape[2]):
                most[p, here, mask] = (
                    top[LIVELIHOOD, here] * want[p, mask & 15]
                    + flight * top[FLIGHT, here] * fear[p, mask >> 4]
                )
