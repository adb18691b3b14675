"""Who flees of those who could, and where to, where the number of departures is given."""

from __future__ import annotations

import math

import numpy as np

from sim.core.jit import kernel
from sim.core.rng import mixed, uniform
from sim.core.terms import Answer, Hazard
from sim.kernels.alternatives import Chooser, choose, chooser_of, nests_as_ruled, race_time
from sim.kernels.power import padded
from sim.kernels.rates import day_of
from sim.kernels.tally import attribute

FLIGHT = int(Hazard.flight)
NECESSITY = int(Answer.necessity)
WHOLE = 0


@kernel
def draw_flights(
    households, persons, houses, tables, conditions, classes, now, month, keys, turn, goal, channel,
    word,
):  # fmt: skip
    """Draw in which order households flee abroad, and where to.

    They come in a race in which each runs at (exp(S_fear) - 1) W^lam, as in the rate of flight,
    with W over places in other countries and all members together.

    Args:
        houses: [n] rows of households.
        now: Day from the start.
        month: Month from the start.
        keys: [3] keys of the draws: who, destination, way.
        turn: [n] out: when each would go; infinite for those who have nothing to flee from, or
            nowhere to go that they can pay for.
        goal, channel, word: [n] out: where to, how, and the hash that belongs to the event.
    """
    nests = np.zeros(padded(tables.country.shape[0]))
    for i in range(houses.shape[0]):
        house = houses[i]
        turn[i] = np.inf
        one = chooser_of(households, persons, tables, conditions, classes, house, month)
        p, mask = one.place, households.mask[house]
        fear = conditions.fear[day_of(conditions, now), p, mask >> 4]
        if not fear > 0.0:
            continue
        who = Chooser(
            one.place, one.home, one.taste, one.kind, one.education, one.kin, one.confined,
            one.founded, one.local, one.queued, one.n, False, False,
        )  # fmt: skip
        money = np.float64(households.means[house])
        nests_as_ruled(tables, FLIGHT, who, money, nests)
        w = 0.0
        for d in range(tables.country.shape[0]):
            if tables.country[d] == tables.country[p]:
                nests[d] = 0.0
            w += nests[d]
        if not w > 0.0:
            continue
        word[i] = mixed(keys[0] ^ households.ident[house])
        goal[i], channel[i], companions, _ = choose(
            tables, FLIGHT, who, money, nests, word[i], keys[1], keys[2]
        )
        if companions == WHOLE:
            u = uniform(keys[0], households.ident[house])
            turn[i] = race_time(u, fear * math.pow(w, tables.inclusive))


@kernel
def count_flights(households, houses, cells, severities, severity, counts, felt):
    """Count the answers of households that flee, and what they flee from.

    Args:
        houses, cells: [n] rows of households, and their cells.
        severities: `Severities`.
        severity: [place, threat] today.
        counts: (households [cell, answer], people [cell, answer], attribution [cell, threat]).
        felt: [n] out: threats that each flees from.
    """
    shares = np.empty(7)
    for i in range(houses.shape[0]):
        house, cell = houses[i], cells[i]
        weight = np.int64(households.weight[house])
        n_people = weight * households.size[house]
        counts[0][cell, NECESSITY] += weight
        counts[1][cell, NECESSITY] += n_people
        felt[i] = attribute(
            households, house, n_people, 1.0, False, severity[households.place[house]], severities,
            counts[2][cell], shares,
        )  # fmt: skip
