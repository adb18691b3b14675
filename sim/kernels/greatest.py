"""The greatest rates that anybody can have: the sieve that households pass first."""

from __future__ import annotations

import numpy as np

from sim.core.jit import kernel
from sim.core.terms import Hazard

LIVELIHOOD, FLIGHT = int(Hazard.livelihood), int(Hazard.flight)


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
