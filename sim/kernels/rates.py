"""The two rates at which a household moves, and bounds on them (docs/model.md, 3.4).

Each rate is computed with and without the means and the permission constraint. Suffixes: R (or _r)
with both, M without the means constraint, P without the permission constraint, MP without either.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sim.core.jit import equation, inner, kernel
from sim.core.state import DAYS_A_YEAR, F64, Bool
from sim.core.terms import Hazard, Status
from sim.kernels.alternatives import chooser_of, nests_as_ruled, worth_if_lifted
from sim.kernels.household import who_could_go
from sim.kernels.power import padded

CITIZEN = int(Status.citizen)
LIVELIHOOD = int(Hazard.livelihood)


class Conditions(NamedTuple):
    """Factors of the two rates, per year, on the days of a segment."""

    first_day: int
    """Day of the first row of `want` and `fear`, counted from the start of the run."""
    want: F64
    """[day, place, 16] exp(S_want)."""
    fear: F64
    """[day, place, 8] exp(S_fear) - 1."""
    most_want: F64
    """[place, 16] greatest exp(S_want) of these days."""
    most_fear: F64
    """[place, 8] greatest exp(S_fear) - 1 of these days."""
    by_state: Bool
    """[place, 8] whether the exposed fear the state itself: no flight within the country."""
    livelihood: F64
    """[place, status] base_L (y (1 - u) f / y_ref)^-b_home."""
    flight: float
    """base_F / flight_norm."""
    at_home: float
    """exp(-home_attachment - place_attachment), for people who live in their place of origin."""
    attachment: float
    """Exponent by which being settled in a place lowers the livelihood rate."""
    settling: F64
    """[place, status] speed at which newcomers settle, per year."""
    age: F64
    """[2, 121] age schedules of the two hazards, scaled to a maximum of 1."""
    pause: float
    """Years over which the effect of a recent move fades."""
    pause_depth: float
    """Share by which the livelihood rate is reduced right after a move."""
    bound: F64
    """[h, p, o, g] upper bound of W^lam without constraints, with all kinds of companions."""
    most: F64
    """[place, 2, mask] greatest rate of any resident: of other origins (0), of this place (1)."""


@inner
def settled(households, conditions, house, since):
    """How settled a household is where it lives, 0 to 1.

    1 - exp(-speed t): citizens are settled anywhere in their country; others settle at the speed of
    their status. People displaced within their own country are newcomers there too.

    Args:
        since: Years since the last move.
    """
    status = households.status[house]
    if status == CITIZEN:
        return 1.0
    return 1.0 - math.exp(-since * conditions.settling[households.place[house], status])


@equation
def rate_if_settled(rate, attachment, settled):
    """Livelihood rate that a household would have if it were settled; never above `rate`.

    rate exp(-attachment (1 - settled))

    Args:
        rate: Its rate as it is, per year.
        attachment: `place_attachment`, at least 0.
        settled: How settled it is, at most 1.
    """
    return rate * math.exp(-attachment * (1.0 - settled))


@inner
def chosen_rate(households, conditions, house, now, calm):
    """R_0: the rate of moves that count as choice, per year; at most R_C.

    R_C, but as if settled for a household that threats have uprooted: its onward moves count as
    choice only as far as a settled household would make them, too. The difference fades as it
    settles, so that no date has to be set on which it is settled again.

    Args:
        now: Day from the start.
        calm: R_C = L / exp(S_want), the rate with every threat at its tolerable level.
    """
    if households.uprooted[house] == 0:
        return calm
    since = (now - households.moved[house]) / DAYS_A_YEAR
    return rate_if_settled(
        calm, conditions.attachment, settled(households, conditions, house, since)
    )


@inner
def day_of(conditions, now):
    """Row of `want` and `fear` for a time; times beyond them count as their first or last day."""
    return min(max(int(now) - conditions.first_day, 0), conditions.want.shape[0] - 1)


@inner
def rate_factors(households, persons, conditions, house, want, fear, rested, stayed, month):
    """Rates of livelihood and flight per year for W = 1.

    Args:
        want: exp(S_want) of the household.
        fear: exp(S_fear) - 1 of the household.
        rested: Years since the last move, for the pause after a move.
        stayed: Years since the last move, for how settled the household is.
        month: Month from the start.

    Returns:
        (l, f): L = l W_L^lam and F = f W_F^lam.
    """
    head = households.head[house]
    p = households.place[house]
    age = min(max((month - persons.born[head]) // 12, 0), 120)
    pause = 1.0 - conditions.pause_depth * math.exp(-rested / conditions.pause)
    l = conditions.livelihood[p, households.status[house]] * want
    l *= conditions.age[0, age] * pause
    if p == households.home[house]:
        l *= conditions.at_home
    else:
        l *= math.exp(-conditions.attachment * settled(households, conditions, house, stayed))
    f = conditions.flight * conditions.age[1, age] * fear
    return l, f


@inner
def factors_at(households, persons, conditions, house, now, month):
    """(l, f) of `rate_factors` at a time."""
    p, mask = households.place[house], households.mask[house]
    day = day_of(conditions, now)
    want, fear = conditions.want[day, p, mask & 15], conditions.fear[day, p, mask >> 4]
    since = (now - households.moved[house]) / DAYS_A_YEAR
    return rate_factors(households, persons, conditions, house, want, fear, since, since, month)


@inner
def rates_as_ruled(tables, who, l, f, money, nests, enough):
    """The two rates per year, with both constraints.

    Args:
        who: `Chooser`.
        l, f: The rates for W = 1; where one is 0, nothing is evaluated.
        money: Means at hand.
        nests: [hazard, place] out: see `nests_as_ruled`; not written to where a rate is 0.
        enough: Where L is above it, F is not needed.

    Returns:
        (L, F), F = 0 where it is not needed.
    """
    lr = fr = 0.0
    for h in range(2):
        if h > LIVELIHOOD and lr > enough:
            break
        base = l if h == LIVELIHOOD else f
        if base > 0.0:
            rate = base * nests_as_ruled(tables, h, who, money, nests[h]) ** tables.inclusive
            if h == LIVELIHOOD:
                lr = rate
            else:
                fr = rate
    return lr, fr


@inner
def rates_if_lifted(tables, who, l, f, money, nests):
    """The two rates per year without the means constraint, the permission constraint, and both.

    Args:
        l, f, money: As in `rates_as_ruled`.
        nests: [hazard, place] as `rates_as_ruled` writes them.

    Returns:
        (L_M, F_M, L_P, F_P, L_MP, F_MP)
    """
    lm = lp = lmp = fm = fp = fmp = 0.0
    lam = tables.inclusive
    for h in range(2):
        base = l if h == LIVELIHOOD else f
        if base > 0.0:
            wm, wp, wmp = worth_if_lifted(tables, h, who, money, nests[h])
            if h == LIVELIHOOD:
                lm, lp, lmp = base * wm**lam, base * wp**lam, base * wmp**lam
            else:
                fm, fp, fmp = base * wm**lam, base * wp**lam, base * wmp**lam
    return lm, fm, lp, fp, lmp, fmp


@kernel
def rates(households, persons, houses, tables, conditions, classes, now, month, out):
    """Evaluate the rates of households, without bounds.

    Args:
        out: [n, 8] out: L, F, L_M, F_M, L_P, F_P, L_MP, F_MP, per year.
    """
    nests = np.zeros((2, padded(tables.country.shape[0])))
    for i in range(houses.shape[0]):
        house = houses[i]
        who = chooser_of(households, persons, tables, conditions, classes, house, month)
        l, f = factors_at(households, persons, conditions, house, now, month)
        money = np.float64(households.means[house])
        lr, fr = rates_as_ruled(tables, who, l, f, money, nests, np.inf)
        lm, fm, lp, fp, lmp, fmp = rates_if_lifted(tables, who, l, f, money, nests)
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = lr, fr, lm, fm
        out[i, 4], out[i, 5], out[i, 6], out[i, 7] = lp, fp, lmp, fmp


@inner
def rate_bound(households, persons, conditions, house, month):
    """Upper bound of R_MP of a household on all days: all kinds of companions, no pause."""
    # Unsigned indices avoid numba's check for negative ones.
    head = households.head[house]
    p = households.place[house]
    o = households.home[house]
    g = np.uint64(persons.traits[head]) >> np.uint64(4)
    mask = np.uint64(households.mask[house])
    months = np.uint32(max(month - persons.born[head], 0))
    age = min(months // np.uint32(12), np.uint32(120))
    at_home = conditions.at_home if p == o else 1.0
    livelihood = conditions.livelihood[p, households.status[house]] * at_home
    livelihood *= conditions.most_want[p, mask & np.uint64(15)]
    fear = conditions.most_fear[p, mask >> np.uint64(4)]
    flight = conditions.flight * fear * conditions.age[1, age]
    return (
        livelihood * conditions.age[0, age] * conditions.bound[0, p, o, g]
        + flight * conditions.bound[1, p, o, g]
    )


@inner
def close_bound(households, persons, tables, conditions, house, since, until, month, enough):
    """Closer upper bound of R_MP of a household, from its own members and its last move.

    Without constraints every household can pay for all its members, so the companions' factor can
    be taken out of the sum over destinations (`ChoiceTables.together`). The pause after a move
    counts as of the end of the span, and how settled the household is as of its start.

    Args:
        since, until: Span in days, counted from the start of the run.
        enough: If the bound for all kinds of companions is below it, members are not looked at.
    """
    head = households.head[house]
    p = households.place[house]
    o = households.home[house]
    g = persons.traits[head] >> 4
    want = conditions.most_want[p, households.mask[house] & 15]
    fear = conditions.most_fear[p, households.mask[house] >> 4]
    moved = households.moved[house]
    rested, stayed = (until - moved) / DAYS_A_YEAR, max(since - moved, 0.0) / DAYS_A_YEAR
    livelihood, flight = rate_factors(
        households, persons, conditions, house, want, fear, rested, stayed, month
    )
    livelihood *= conditions.bound[0, p, o, g]
    flight *= conditions.bound[1, p, o, g]
    if livelihood + flight < enough:
        return livelihood + flight
    _, pioneer, child = who_could_go(households, persons, house, month)
    one, young = int(pioneer >= 0), int(child >= 0)
    return livelihood * tables.together[0, one, young] + flight * tables.together[1, one, young]
