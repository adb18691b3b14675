"""Exposure of households to threats, and recovery of their means (sections 3 and 6)."""

from __future__ import annotations

import math

import numpy as np

from sim.core.jit import equation, inner, kernel
from sim.core.rng import mixed, uniform
from sim.core.state import NOBODY, WOMAN
from sim.kernels.means import drained_means

CHILDREN, WOMEN, OLD = 1, 2, 4
"""Bits for the presence of vulnerable members in a household."""
BITS = 13
"""Number of low bits that hold the member count in a packed household composition."""
MEMBERS = (1 << BITS) - 1
"""Mask of the member count; the bits for vulnerable members are above it."""
CHILD_MONTHS, OLD_MONTHS = 18 * 12, 65 * 12
"""Ages in months below which members count as children, and from which they count as old."""
N_STATUS = 7
N_COMPOSITIONS = 8
WANT_ONES, FEAR_ONES = np.uint64(0x01010101), np.uint64(0x01010100000000)
"""A one in the byte of each threat of want, the first four, and of fear, the other three."""
LOW = np.uint64(0xFFFF)
EACH = np.uint64(0x01010101010101)
"""A one in the byte of each threat."""
HIGH, REST = np.uint64(0x80808080808080), np.uint64(0x7F7F7F7F7F7F7F)
"""The highest bit of each of these bytes, and the other seven bits."""
GATHER = np.uint64(0x0102040810204000)
"""Multiplier that gathers the lowest bits of seven bytes into the highest byte."""
WANT_BYTES, FEAR_BYTES = np.uint64(0xFFFFFFFF), np.uint64(0xFFFFFF00000000)


@inner
def composition_of(households, persons, house, month):
    """Composition of a household: number of members in `MEMBERS`, vulnerability bits above."""
    bits = 0
    row = households.head[house]
    while row != NOBODY:
        age = month - persons.born[row]
        # Arithmetic on booleans, because branches would be unpredictable for the processor.
        bits |= CHILDREN * (age < CHILD_MONTHS) + OLD * (age >= OLD_MONTHS)
        bits |= WOMEN * (persons.traits[row] & WOMAN)
        row = persons.next[row]
    return households.size[house] + (bits << BITS)


@kernel
def look_at_households(households, persons, houses, month, composition):
    """Find the composition of households.

    Args:
        houses: [n] rows.
        month: Month from the start.
        composition: [n] out: see `composition_of`.
    """
    for i in range(houses.shape[0]):
        composition[i] = composition_of(households, persons, houses[i], month)


@equation
def vulnerability_code(group, bits, status):
    """Vulnerability code: an index of the combination of group, vulnerable members and status."""
    return (int(group) * N_COMPOSITIONS + bits) * N_STATUS + int(status)


@equation
def exposed_share(q, v):
    """Share of households with odds multiplier v that are exposed to a threat of prevalence q.

    q v / (1 - q + q v)
    """
    return q * v / (1.0 - q + q * v)


@kernel
def count_codes(households, houses, composition, counts):
    """Count households by place and vulnerability code.

    Args:
        houses: [n] rows.
        composition: [n] composition of their households.
        counts: [place, code] out.
    """
    for i in range(houses.shape[0]):
        house = houses[i]
        code = vulnerability_code(
            households.group[house], composition[i] >> BITS, households.status[house]
        )
        counts[households.place[house], code] += 1


@kernel
def exposure_thresholds(prevalence, odds, counts, threshold):
    """Thresholds below which a household's draw means exposure, in 1/256.

    The odds are scaled in each place so that the mean over its initial households equals the
    prevalence: vulnerability changes who is exposed, not how many.

    Args:
        prevalence: [place, threat].
        odds: [place, threat, code] vulnerability multipliers.
        counts: [place, code] households.
        threshold: [place, code, threat] out, integers 0 to 256.
    """
    n_places, n_threats = prevalence.shape
    n_codes = odds.shape[2]
    for p in range(n_places):
        total = 0.0
        for code in range(n_codes):
            total += counts[p, code]
        for k in range(n_threats):
            q = prevalence[p, k]
            scale = 1.0
            if total > 0.0 and 0.0 < q < 1.0:
                low, high = -12.0, 12.0
                for _ in range(50):
                    middle = 0.5 * (low + high)
                    mean = 0.0
                    for code in range(n_codes):
                        if counts[p, code] > 0.0:
                            share = exposed_share(q, math.exp(middle) * odds[p, k, code])
                            mean += counts[p, code] * share
                    if mean > q * total:
                        high = middle
                    else:
                        low = middle
                scale = math.exp(0.5 * (low + high))
            for code in range(n_codes):
                share = exposed_share(q, scale * odds[p, k, code]) if q > 0.0 else 0.0
                threshold[p, code, k] = int(math.floor(256.0 * share + 0.5))


def pack_thresholds(threshold):
    """Pack thresholds into two words, so that one comparison covers all threats.

    Args:
        threshold: [place, code, threat] in 1/256, 0 to 256.

    Returns:
        [place, code, 2] uint64 with a byte for each threat. First word: the threshold, or 0 where
        everyone is exposed. Second word: the highest bit of the byte is set where everyone is.
    """
    words = np.zeros((*threshold.shape[:2], 2), np.uint64)
    for k in range(threshold.shape[2]):
        words[:, :, 0] |= (threshold[:, :, k] % 256).astype(np.uint64) << np.uint64(8 * k)
        words[:, :, 1] |= (threshold[:, :, k] == 256).astype(np.uint64) << np.uint64(8 * k + 7)
    return words


@equation
def exposed_to(draws, below, always):
    """Bits of the threats whose draw is below the threshold.

    Args:
        draws: A byte for each threat.
        below, always: Thresholds, in the layout of `pack_thresholds`.
    """
    # Compares seven bytes at once. In `reach` the highest bit of a byte remains set if the lower
    # bits of the draw are >= the threshold's; if the highest bits differ, they decide instead.
    reach = (draws | HIGH) - (below & REST)
    less = (~draws & below) | (~(draws ^ below) & ~reach)
    return ((((less | always) >> np.uint64(7)) & EACH) * GATHER) >> np.uint64(56)


@inner
def exposure_of(households, house, composition, exposing):
    """Draw the threats to which a household is exposed where it lives now.

    A draw is a function of (household, threat, place, epoch). The epoch of a household changes when
    `phase` plus a fixed uniform of the household passes an integer. With probability `together` all
    fear draws are one shared draw, and likewise all want draws. Two words hold all draws: one byte
    per threat for separate draws, one byte each for the shared draws, and 16 bits each for whether
    they are shared.

    Args:
        composition: Composition of the household.
        exposing: `Exposing`.
    """
    who = households.ident[house]
    p = households.place[house]
    later = math.floor(exposing.phase + uniform(exposing.spell_key, who))
    own = mixed(who ^ exposing.salt[p, int(later - math.floor(exposing.phase))])
    code = vulnerability_code(
        households.group[house], composition >> BITS, households.status[house]
    )
    shared = mixed(own)
    want = (shared >> np.uint64(32) & np.uint64(255)) * WANT_ONES
    fear = (shared >> np.uint64(40) & np.uint64(255)) * FEAR_ONES
    together = exposing.together
    # Selected by bit operations, because branches would be unpredictable.
    own ^= (own ^ want) & (WANT_BYTES * np.uint64(shared & LOW < together))
    own ^= (own ^ fear) & (FEAR_BYTES * np.uint64(shared >> np.uint64(16) & LOW < together))
    return exposed_to(own, exposing.threshold[p, code, 0], exposing.threshold[p, code, 1])


@kernel
def refresh_masks(households, houses, composition, exposing):
    """Draw the threats to which households are exposed where they live now.

    Args:
        houses: [n] rows.
        composition: [n] composition of the households.
        exposing: `Exposing`.
    """
    for i in range(houses.shape[0]):
        households.mask[houses[i]] = exposure_of(households, houses[i], composition[i], exposing)


@kernel
def recover_means(households, houses, composition, means, severity, tolerable, fraction):
    """Let the means of every household approach their target.

    dm/dt = (m* - m) / tau, so m closes `fraction` = 1 - exp(-dt / tau) of the gap.

    Args:
        houses: [n] rows.
        composition: [n] composition of their households.
        severity: [place, threat].
        fraction: Share of the gap closed; 1 sets the means to their target.
    """
    for i in range(houses.shape[0]):
        house = houses[i]
        p = households.place[house]
        mask = households.mask[house]
        economic = max(severity[p, 0] - tolerable[0], 0.0) if mask & 1 else 0.0
        food = max(severity[p, 1] - tolerable[1], 0.0) if mask & 2 else 0.0
        target = drained_means(
            means, p, households.rank[house], households.status[house], composition[i] & MEMBERS,
            economic, food,
        )  # fmt: skip
        money = households.means[house]
        households.means[house] = money + (target - money) * fraction
