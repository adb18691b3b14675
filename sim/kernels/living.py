"""Exposure of households to threats, and recovery of their means (docs/model.md, 3.4)."""

from __future__ import annotations

import math

import numpy as np

from sim.core.jit import equation, event, inner, kernel
from sim.core.rng import BLOCK, mixed, uniform
from sim.core.state import CHANGED, VULNERABLE
from sim.core.terms import Activity
from sim.kernels.means import means_of

TRAVELLING, STRANDED = int(Activity.travelling), int(Activity.stranded)
N_STATUS = 7
N_MAKEUPS = 8
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
def lives_somewhere(households, house):
    """Whether a household has a residence or is stranded, and so meets the threats of a place."""
    activity = households.activity[house]
    return activity <= STRANDED and activity != TRAVELLING


@equation
def vulnerability_code(group, makeup, status):
    """Vulnerability code: an index of the combination of group, vulnerable members and status."""
    return (int(group) * N_MAKEUPS + int(makeup & VULNERABLE)) * N_STATUS + int(status)


@equation
def exposed_share(q, v):
    """Share of households with odds multiplier v that are exposed to a threat of prevalence q.

    q v / (1 - q + q v)
    """
    return q * v / (1.0 - q + q * v)


@kernel
def count_codes(households, first, last, counts):
    """Count households that live somewhere by place and vulnerability code.

    Args:
        first, last: Range of rows.
        counts: [place, code] out.
    """
    for house in range(first, last):
        if lives_somewhere(households, house):
            code = vulnerability_code(
                households.group[house], households.makeup[house], households.status[house]
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


@event
def draw_exposure(households, house, exposing):
    """Do `draw_exposure_inside` for one household, from a kernel that is large already."""
    draw_exposure_inside(households, house, exposing)


@inner
def draw_exposure_inside(households, house, exposing):
    """Draw the threats to which a household is exposed where it lives now.

    A draw is a function of (household, threat, place, epoch). The epoch of a household changes when
    `phase` plus a fixed uniform of the household passes an integer. With probability `together` all
    fear draws are one shared draw, and likewise all want draws. Two words hold all draws: one byte
    per threat for separate draws, one byte each for the shared draws, and 16 bits each for whether
    they are shared.

    Args:
        exposing: `Exposing`.
    """
    households.makeup[house] &= VULNERABLE
    who = households.ident[house]
    p = households.place[house]
    # Its epoch, whose number passes an integer at its own phase.
    epoch = math.floor(exposing.phase + uniform(exposing.spell_key, who))
    later = epoch - math.floor(exposing.phase)
    own = mixed(who ^ exposing.salt[p, int(later)])
    code = vulnerability_code(
        households.group[house], households.makeup[house], households.status[house]
    )
    shared = mixed(own)
    want = (shared >> np.uint64(32) & np.uint64(255)) * WANT_ONES
    fear = (shared >> np.uint64(40) & np.uint64(255)) * FEAR_ONES
    together = exposing.together
    # Selected by bit operations, because branches would be unpredictable.
    own ^= (own ^ want) & (WANT_BYTES * np.uint64(shared & LOW < together))
    own ^= (own ^ fear) & (FEAR_BYTES * np.uint64(shared >> np.uint64(16) & LOW < together))
    households.mask[house] = exposed_to(
        own, exposing.threshold[p, code, 0], exposing.threshold[p, code, 1]
    )


@inner
def recover_means(households, house, means, earned, fraction):
    """Let the means of a household approach their target.

    dm/dt = (m* - m) / tau, so m closes `fraction` = 1 - exp(-dt / tau) of the gap.

    Args:
        earned: [place, status, 4] income by whether people are exposed to the economic threat (bit
            0) and to that of food (bit 1).
        fraction: Share of the gap closed; 1 sets the means to their target.
    """
    p = households.place[house]
    target = means_of(
        means, p, households.rank[house],
        earned[p, households.status[house], households.mask[house] & 3], households.size[house],
    )  # fmt: skip
    money = households.means[house]
    households.means[house] = money + (target - money) * fraction


@kernel
def update_living(
    households, first, last, exposing, before, changed, decides, means, earned, fraction
):
    """Draw exposure anew for the households for which something has changed, and update means.

    Exposure is a function of household, place, epoch, vulnerability and thresholds; for all others
    it would come out the same.

    Args:
        first, last: Range of rows.
        exposing: `Exposing`.
        before: `exposing.phase` of the last update.
        changed: [place] whether thresholds have changed there since.
        decides: [place] whether people who come from it decide: means of others are never read.
        means, earned, fraction: See `recover_means`; 0 leaves all means as they are.
    """
    now = exposing.phase
    u = np.empty(BLOCK)
    for begin in range(first, last, BLOCK):
        n = min(BLOCK, last - begin)
        # Alone, because the processor then draws for several households at once.
        for i in range(n):
            u[i] = uniform(exposing.spell_key, households.ident[begin + i])
        for i in range(n):
            house = begin + i
            if not lives_somewhere(households, house):
                continue
            if (
                (math.floor(now + u[i]) != math.floor(before + u[i]))
                | (households.makeup[house] & CHANGED != 0)
                | changed[households.place[house]]
            ):
                draw_exposure_inside(households, house, exposing)
            if fraction > 0.0 and decides[households.home[house]]:
                recover_means(households, house, means, earned, fraction)
