"""Who a threat reaches, and what it leaves people: masks and means (sections 3 and 6)."""

from __future__ import annotations

import math

import numpy as np

from sim.core.jit import equation, inner, kernel
from sim.core.rng import mixed, uniform
from sim.core.state import WOMAN
from sim.kernels.choice import drained_means

CHILDREN, WOMEN, OLD = 1, 2, 4
"""Bits of who is vulnerable in a household."""
BITS = 13
MEMBERS = (1 << BITS) - 1
"""The part of a household's company that counts its members; bits of who they are stand above."""
CHILD_MONTHS, OLD_MONTHS = 18 * 12, 65 * 12
"""Ages below and from which members count as children and as old, in months."""
N_STATUS = 7
DEAD = 6
N_COMPOSITIONS = 8
WANT_ONES, FEAR_ONES = np.uint64(0x01010101), np.uint64(0x01010100000000)
"""A one in the byte of each threat of want, the first four, and of fear, the other three."""
LOW = np.uint64(0xFFFF)
EACH = np.uint64(0x01010101010101)
"""A one in the byte of each threat."""
HIGH, REST = np.uint64(0x80808080808080), np.uint64(0x7F7F7F7F7F7F7F)
"""The highest bit of each of these bytes, and the others."""
GATHER = np.uint64(0x0102040810204000)
"""Times this, a word with a one or none in each of seven bytes has these bits in its highest."""
WANT_BYTES, FEAR_BYTES = np.uint64(0xFFFFFFFF), np.uint64(0xFFFFFF00000000)


@inner
def member(people, row, month):
    """What a row adds to its household: 0 if dead, else 1 and the bits of who is vulnerable."""
    age = month - people.born[row]
    # Sums of truths instead of branches, which nobody could foresee.
    bits = CHILDREN * (age < CHILD_MONTHS) + OLD * (age >= OLD_MONTHS)
    bits += WOMEN * (people.traits[row] & WOMAN)
    return (1 + (bits << BITS)) * (people.activity[row] != DEAD)


@inner
def with_member(company, more):
    """Company with another member: numbers are added, bits united."""
    return (company & MEMBERS) + (more & MEMBERS) + ((company | more) & ~MEMBERS)


@kernel
def look_at_households(people, heads, month, company):
    """Count the members of the households of some heads, and see who they are.

    Args:
        heads: [n] rows of heads.
        month: Month from the start.
        company: [n] out: `MEMBERS` who live, and above `BITS` who of them is vulnerable.
    """
    for i in range(heads.shape[0]):
        founder = people.household[heads[i]]
        found = 0
        row = founder
        while True:
            if people.household[row] == founder:
                found = with_member(found, member(people, row, month))
            row = people.sibling[row]
            if row == founder:
                break
        company[i] = found


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
def count_codes(people, heads, company, counts):
    """Count households by place and vulnerability code.

    Args:
        heads: [n] rows of heads.
        company: [n] of their households.
        counts: [place, code] out.
    """
    for i in range(heads.shape[0]):
        head = heads[i]
        code = vulnerability_code(people.group[head], company[i] >> BITS, people.status[head])
        counts[people.place[head], code] += 1


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


def pack_thresholds(threshold):
    """Thresholds of a household as two words, so that one comparison serves all threats.

    Args:
        threshold: [place, code, threat] in 1/256, 0 to 256.

    Returns:
        [place, code, 2] uint64; a byte for each threat: the threshold, or 0 where everybody is
        exposed; the highest bit of the byte where everybody is.
    """
    words = np.zeros((*threshold.shape[:2], 2), np.uint64)
    for k in range(threshold.shape[2]):
        words[:, :, 0] |= (threshold[:, :, k] % 256).astype(np.uint64) << np.uint64(8 * k)
        words[:, :, 1] |= (threshold[:, :, k] == 256).astype(np.uint64) << np.uint64(8 * k + 7)
    return words


@equation
def exposed_to(draws, below, always):
    """Bits of the threats whose draw lies below the threshold.

    Args:
        draws: A byte for each threat.
        below, always: Thresholds, as `pack_thresholds` lays them out.
    """
    # The highest bit of a byte of this is kept where the lower bits of the draw reach the
    # threshold's; whose own highest bits differ is settled by those.
    reach = (draws | HIGH) - (below & REST)
    less = (~draws & below) | (~(draws ^ below) & ~reach)
    return ((((less | always) >> np.uint64(7)) & EACH) * GATHER) >> np.uint64(56)


@kernel
def refresh_masks(
    people,
    heads,
    company,
    threshold,
    salt,
    spell_key,
    phase,
    together,
):
    """Draw which threats every household is exposed to where it lives now.

    A draw is a function of (household, threat, place, epoch); a household's epoch changes when
    `phase` and a uniform of its own together pass a whole number. With probability `together` the
    fear draws are one shared draw, likewise the want draws. Two words hold all draws: a byte for
    each threat of its own, a byte for the shared ones, sixteen bits for whether they are shared.

    Args:
        heads: [n] rows of heads.
        company: [n] of their households.
        threshold: [place, code, 2] as `pack_thresholds` lays them out.
        salt: [place, 2] key of the draws there in the epoch of `phase`, and in the one after it.
        phase: Time since the start, in epochs.
        together: Probability, in 1/65536.
    """
    now = math.floor(phase)
    for i in range(heads.shape[0]):
        head = heads[i]
        founder = people.household[head]
        who = people.pid[founder]
        p = people.place[head]
        own = mixed(who ^ salt[p, int(math.floor(phase + uniform(spell_key, who)) - now)])
        code = vulnerability_code(people.group[head], company[i] >> BITS, people.status[head])
        shared = mixed(own)
        want = (shared >> np.uint64(32) & np.uint64(255)) * WANT_ONES
        fear = (shared >> np.uint64(40) & np.uint64(255)) * FEAR_ONES
        # Chosen by bits, since nobody could foresee a branch.
        own ^= (own ^ want) & (WANT_BYTES * np.uint64(shared & LOW < together))
        own ^= (own ^ fear) & (FEAR_BYTES * np.uint64(shared >> np.uint64(16) & LOW < together))
        mask = exposed_to(own, threshold[p, code, 0], threshold[p, code, 1])
        if mask == people.mask[head]:
            continue
        row = founder
        while True:
            if people.household[row] == founder:
                people.mask[row] = mask
            row = people.sibling[row]
            if row == founder:
                break


@kernel
def recover_means(people, heads, company, means, severity, tolerable, fraction):
    """Let every household's means approach what its living allows.

    dm/dt = (m* - m) / tau, so m closes `fraction` = 1 - exp(-dt / tau) of the gap.

    Args:
        heads: [n] rows of heads.
        company: [n] of their households.
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
            means, p, people.rank[head], people.status[head], company[i] & MEMBERS, economic, food,
        )  # fmt: skip
        money = people.means[head]
        people.means[head] = money + (target - money) * fraction
