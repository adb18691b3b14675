"""When things happen that have a rate: points of a Poisson process on a plane of time and height.

Everyone has a plane for each purpose (moves, removal, and so on) and calendar month. Its points
have a time, uniform in the month, and a height in events per year: their density is one point per
year and per unit of height. An event with rate R happens at each point whose height is below R at
that moment. So a change of rates adds or removes single events and leaves all others as they are,
and it makes no difference how the month is cut into parts: no point is read twice.

The points of a plane, by ascending height, and all draws at a point are hashes of (seed, purpose,
month, who): nothing is stored.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sim.core.jit import equation, kernel
from sim.core.rng import mixed, uniform, unit
from sim.core.state import DAYS_A_YEAR

TIME, LABEL = np.uint64(0x9FB21C651E98DF25), np.uint64(0xD6E8FEB86659FD93)
"""Keys (odd constants) of the time of a point, and of the draw that says why a move is refused."""
HIGHEST = 1000.0
"""Events per year from which a rate counts no higher (our assumption)."""
MARGIN = 1.000001
"""Factor that covers rounding errors of bounds."""


class Plane(NamedTuple):
    """The plane of one purpose in one calendar month, for everyone."""

    key: np.uint64
    """Key of the draws, from (seed, purpose, month)."""
    start: float
    """Day on which the month begins, counted from the start of the run; it may be negative."""
    days: float
    """Days of the month."""


@equation
def next_point(plane, who, below, after, until):
    """First point of someone's plane in a span of time, among those below a height.

    Args:
        who: Identity, uint64.
        below: Height, in events per year; above `HIGHEST` it counts as that.
        after, until: Days, counted from the start of the run; `after` is excluded.

    Returns:
        (time, height, word): `time` is infinite if there is no such point; `word` is a hash that
        belongs to the point alone, for further draws.
    """
    time = math.inf
    height = 0.0
    word = chosen = mixed(plane.key ^ who)
    level = 0.0
    while True:
        level += -math.log1p(-unit(word)) * (DAYS_A_YEAR / plane.days)
        if not level < min(below, HIGHEST):
            return time, height, chosen
        moment = plane.start + plane.days * uniform(TIME, word)
        if after < moment <= until and moment < time:
            time, height, chosen = moment, level, word
        word = mixed(word)


@kernel
def first_points(plane, who, rate, after, until, time, word):
    """First event of each of several rates.

    Args:
        who: [n] identities, uint64.
        rate: [n] events per year, constant over the span; finite.
        after, until: [n] span in days, counted from the start of the run; `after` is excluded.
        time: [n] out: day of the first event, infinite if there is none.
        word: [n] out: hash that belongs to the event.
    """
    for i in range(who.shape[0]):
        time[i], _, word[i] = next_point(plane, who[i], rate[i], after[i], until[i])
