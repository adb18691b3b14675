"""The greatest rates that anybody can have: the sieve that households pass first."""

from __future__ import annotations

import numpy as np

from sim.core.jit import kernel
from sim.core.terms import Hazard

LIVELIHOOD, FLIGHT = int(Hazard.livelihood), int(Hazard.flight)


@kernel
def greatest_worths(country, within, foreign, settled, lands, homeward, pull, claimed, worth):
    """Upper bounds of W for people of any origin, before the power of the inclusive value.

    Args:
        country: [place] index of its country.
        within: [h, g, p, d] nest of those who need no permission; 0 for staying.
        foreign: [h, g, p, d] nest of those who enter another country by a channel.
        settled: [h, d] factor of the status of people with free movement.
        lands: [3, h, d, citizenship] greatest pull of places: on compatriots of p; of the places
            that are foreign to a citizen; of those abroad with free movement.
        homeward: [h, o] pull of the own place of origin.
        pull: [h, o, d] pull of destinations.
        claimed: [h, g, p] nest of those who claim asylum or settle where they are.
        worth: [h, p, o, g] out.
    """
    n = country.shape[0]
    everywhere, abroad, bloc = lands[0], lands[1], lands[2]
    n_countries = lands.shape[3]
    total = np.empty(n_countries)
    for h in range(within.shape[0]):
        for g in range(within.shape[1]):
            for p in range(n):
                total[:] = 0.0
                for d in range(n):
                    free = within[h, g, p, d]
                    if country[p] == country[d]:
                        for c in range(n_countries):
                            total[c] += free * everywhere[h, d, c]
                    else:
                        enters, moves = foreign[h, g, p, d], free * settled[h, d]
                        for c in range(n_countries):
                            total[c] += enters * abroad[h, d, c] + moves * bloc[h, d, c]
                for o in range(n):
                    sum_of = total[country[o]] + within[h, g, p, o] * homeward[h, o]
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
    top = np.empty((2, 2))
    for p in range(most.shape[0]):
        top[:] = 0.0
        for h in range(2):
            for o in range(bound.shape[2]):
                here = 1 if o == p else 0
                for g in range(bound.shape[3]):
                    top[h, here] = max(top[h, here], bound[h, p, o, g])
            top[h] *= age[h].max()
        richest = livelihood[p].max()
        top[LIVELIHOOD, 0] *= richest
        top[LIVELIHOOD, 1] *= richest * at_home
        for here in range(2):
            for mask in range(most.shape[2]):
                most[p, here, mask] = (
                    top[LIVELIHOOD, here] * want[p, mask & 15]
                    + flight * top[FLIGHT, here] * fear[p, mask >> 4]
                )
