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
CHILD_MONTHS, OLD_MONTHS = 18 * 12, 65 * 12
"""Ages below and from which members count as children and as old, in months."""
N_STATUS = 7
DEAD = 6
N_COMPOSITIONS = 8


@inner
def composition(people, head, month):
    """Which vulnerable members a household has: bits children, women, old.

    Returns:
        (bits, alike): `alike` is whether all rows of the household have the head's mask.
    """
    founder = people.household[head]
    mask = people.mask[head]
    alike = True
    bits = 0
    row = founder
    while True:
        # Sums of truths instead of branches, which nobody could foresee.
        ours = people.household[row] == founder
        alike &= (people.mask[row] == mask) | (not ours)
        age = month - people.born[row]
        member = CHILDREN * (age < CHILD_MONTHS) + OLD * (age >= OLD_MONTHS)
        member += WOMEN * (people.traits[row] & WOMAN)
        bits |= member * (ours & (people.activity[row] != DEAD))
        row = people.sibling[row]
        if row == founder:
            break
    return bits, alike


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
            bits, _ = composition(people, row, month)
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
        threshold: [place, code, threat] out, integers 0 to 256: a household reads one line.
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


@kernel
def refresh_masks(
    people,
    heads,
    first,
    last,
    threshold,
    place_ident,
    spell_key,
    draw_key,
    together,
    years,
    spell,
    month,
):
    """Draw which threats every household is exposed to where it lives now.

    A draw is a function of (household, threat, place, epoch); epochs last `spell` years with a
    phase of the household's own. With probability `together` the fear draws are one shared draw,
    likewise the want draws.

    Args:
        heads: Rows of heads; the households of heads[first:last] are drawn.
        threshold: [place, code, threat] in 1/256.
        years: Time since the start.
    """
    for i in range(first, last):
        head = heads[i]
        founder = people.household[head]
        who = people.pid[founder]
        p = people.place[head]
        epoch = int(math.floor(years / spell + uniform(spell_key, who)))
        who = mixed(who ^ mixed(place_ident[p] + np.uint64(epoch)))
        bits, alike = composition(people, head, month)
        code = vulnerability_code(people.group[head], bits, people.status[head])
        want_shared = uniform2(draw_key, who, np.uint64(100)) < together
        fear_shared = uniform2(draw_key, who, np.uint64(101)) < together
        mask = 0
        for k in range(7):
            shared = want_shared if k < 4 else fear_shared
            what = (102 if k < 4 else 103) if shared else k
            draw = uniform2(draw_key, who, np.uint64(what)) * 256.0
            mask |= (draw < threshold[p, code, k]) << k
        if alike and mask == people.mask[head]:
            continue
        row = founder
        while True:
            if people.household[row] == founder:
                people.mask[row] = mask
            row = people.sibling[row]
            if row == founder:
                break


@kernel
def recover_means(people, heads, first, last, means, severity, tolerable, fraction):
    """Let every household's means approach what its living allows.

    dm/dt = (m* - m) / tau, so m closes `fraction` = 1 - exp(-dt / tau) of the gap.

    Args:
        heads: Rows of heads; the means of heads[first:last] are moved.
        severity: [place, threat].
        fraction: Share of the gap closed; 1 sets the means to their target.
    """
    for i in range(first, last):
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
