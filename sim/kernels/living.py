"""Who a threat reaches, and what it leaves people: masks and means (sections 3 and 6)."""

from __future__ import annotations

import math

import numpy as np

from sim.jit import equation, inner, kernel
from sim.kernels.choice import drained_means
from sim.kernels.travel import count_members
from sim.rng import mixed, uniform, uniform2
from sim.state import HEAD, WOMAN

CHILDREN, WOMEN, OLD = 1, 2, 4
N_STATUS = 7
DEAD = 6
N_COMPOSITIONS = 8


@inner
def composition(people, head, month):
    """Which vulnerable members a household has: bits children, women, old."""
    founder = people.household[head]
    bits = 0
    row = founder
    while True:
        if people.household[row] == founder and people.activity[row] != DEAD:
            age = (month - people.born[row]) // 12
            if age < 18:
                bits |= CHILDREN
            elif age >= 65:
                bits |= OLD
            if people.traits[row] & WOMAN:
                bits |= WOMEN
        row = people.sibling[row]
        if row == founder:
            break
    return bits


@equation
def vulnerability_code(group, bits, status):
    """Index of a household's vulnerability: group, composition, status."""
    return (int(group) * N_COMPOSITIONS + bits) * N_STATUS + int(status)


@equation
def exposed_share(q, v):
    """Share of households of odds multiplier v that a threat of prevalence q reaches.

    q v / (1 - q + q v)
    """
    return q * v / (1.0 - q + q * v)


@kernel
def count_codes(people, month, counts):
    """Count households by place and vulnerability code.

    Args:
        counts: [place, code] out.
    """
    for row in range(people.pid.shape[0]):
        if people.flags[row] & HEAD:
            bits = composition(people, row, month)
            code = vulnerability_code(people.group[row], bits, people.status[row])
            counts[people.place[row], code] += 1


@kernel
def exposure_thresholds(prevalence, odds, counts, threshold):
    """Thresholds below which a household's draw means exposure, in 1/256.

    The odds are scaled, place by place, so that the mean over the place's first households equals
    the prevalence: who is vulnerable changes who is exposed, not how many.

    Args:
        prevalence: [place, threat].
        odds: [place, threat, code] vulnerability multipliers.
        counts: [place, code] households.
        threshold: [place, threat, code] out, integers 0 to 256.
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
                threshold[p, k, code] = int(math.floor(256.0 * share + 0.5))


@kernel
def refresh_masks(
    people, heads, threshold, place_ident, spell_key, draw_key, together, years, spell, month
):
    """Draw which threats every household is exposed to where it lives now.

    A draw is a function of (household, threat, place, epoch); epochs last `spell` years with a
    phase of the household's own. With probability `together` the fear draws are one shared draw,
    likewise the want draws.

    Args:
        heads: [n] rows of the heads whose households are drawn.
        threshold: [place, threat, code] in 1/256.
        years: Time since the start.
    """
    for i in range(heads.shape[0]):
        head = heads[i]
        founder = people.household[head]
        who = people.pid[founder]
        p = people.place[head]
        epoch = int(math.floor(years / spell + uniform(spell_key, who)))
        who = mixed(who ^ mixed(place_ident[p] + np.uint64(epoch)))
        bits = composition(people, head, month)
        code = vulnerability_code(people.group[head], bits, people.status[head])
        want_shared = uniform2(draw_key, who, np.uint64(100)) < together
        fear_shared = uniform2(draw_key, who, np.uint64(101)) < together
        mask = 0
        for k in range(7):
            what = k
            if k < 4 and want_shared:
                what = 102
            elif k >= 4 and fear_shared:
                what = 103
            if uniform2(draw_key, who, np.uint64(what)) * 256.0 < threshold[p, k, code]:
                mask |= 1 << k
        row = founder
        while True:
            if people.household[row] == founder:
                people.mask[row] = mask
            row = people.sibling[row]
            if row == founder:
                break


@kernel
def recover_means(people, heads, means, severity, tolerable, fraction):
    """Let every household's means approach what its living allows.

    dm/dt = (m* - m) / tau, so m closes `fraction` = 1 - exp(-dt / tau) of the gap.

    Args:
        heads: [n] rows of the heads.
        severity: [place, threat].
        fraction: Share of the gap closed; 1 sets the means to their target.
    """
    for i in range(heads.shape[0]):
        head = heads[i]
        p = people.place[head]
        mask = people.mask[head]
        economic = max(severity[p, 0] - tolerable[0], 0.0) if mask & 1 else 0.0
        food = max(severity[p, 1] - tolerable[1], 0.0) if mask & 2 else 0.0
        target = drained_means(
            means, p, people.rank[head], people.status[head], count_members(people, head),
            economic, food,
        )  # fmt: skip
        money = people.means[head]
        people.means[head] = money + (target - money) * fraction
