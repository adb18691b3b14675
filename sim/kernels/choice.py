"""The decision: two competing hazards, at points of a Poisson process (model, section 4).

To change the utility, edit `sim/mechanisms/choice.py`, which builds exp(V / mu) as a product of
factors; the kernels here only multiply, nest and compare them.

Each rate is computed with and without the means and the permission constraint. Suffixes: R (or _r)
with both, M without the means constraint, P without the permission constraint, MP without either.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sim.core.jit import equation, inner, kernel, subkernel
from sim.core.rng import uniform, uniform2
from sim.core.state import DAYS_A_YEAR, F32, F64, GROUNDS, I64, U64, Bool
from sim.core.terms import Activity, Answer, Channel, Hazard, Status
from sim.kernels.plane import LABEL, next_point

WAITING = int(Activity.waiting)
STRANDED = int(Activity.stranded)
DEAD = int(Activity.dead)
CITIZEN, IRREGULAR_STATUS = int(Status.citizen), int(Status.irregular)
ASYLUM = int(Channel.asylum)
LABOUR = int(Channel.labour)
FAMILY = int(Channel.family)
IRREGULAR = int(Channel.irregular)
INTERNAL = int(Channel.internal)
HOME = int(Channel.home)
FREE = int(Channel.free)
CHOICE, NECESSITY = int(Answer.choice), int(Answer.necessity)
NO_MEANS, NO_PERMISSION, STAYS = int(Answer.no_means), int(Answer.no_permission), int(Answer.stays)
LIVELIHOOD, FLIGHT = int(Hazard.livelihood), int(Hazard.flight)
TOGETHER = 16
"""Origins whose look-ahead is solved at a time: few enough that their sums stay in the cache."""
MARGIN = 1.000001
"""Factor that covers rounding errors of the bounds."""
PIONEER_MONTHS = 18 * 12
"""Age in months from which a member may go ahead of the household as a pioneer."""
CHILD_MONTHS = 12 * 12
"""Age in months from which a child may go alone."""


class Surge(NamedTuple):
    """Losses of alternatives under announced rules; axes as in `ChoiceTables`.

    Losses are phi / mu (V_now - V_after): infinite for what will close, 0 for what is closed now.
    """

    pending: bool
    """Whether any rule is announced; if not, the other fields are not read."""
    way: F64
    """[g, p, d] loss of the journey by corridors."""
    entry: F64
    """[h, grounds, k, c, s] loss of entry; added to that of the journey."""
    min_education: I64
    """[k, c, s] under the announced rules."""
    most: float
    """Greatest loss that counts."""


class ChoiceTables(NamedTuple):
    """Tables of all destinations: factors of exp(V / mu), prices and rules.

    Axes: hazard h (2), world w (0 under the rules in force, 1 under open policy), taste class g,
    place p, destination d, origin o, admission class k (citizenship and group), country c, slot s
    (the four border channels), kind (0 regular travel, 1 by corridors).
    """

    country: I64
    """[place] country index."""
    free: Bool
    """[citizenship, country] whether citizens may live there without permission (a bloc)."""
    geography: F64
    """[h, w, g, p, d, kind] distance, contiguity, language, colony, size and journey; 0 where there
    is no route."""
    pull: F64
    """[h, o, d] network and perceived attraction; 0 for places that no one chooses (camps)."""
    ahead: F64
    """[h, o, d] W(d)^look_ahead: multiplies the nest, not its members."""
    admission: F64
    """[h, grounds, k, c, s] status income, chance and waiting under the rules; 0 where closed."""
    admitted: F64
    """[h, c, s] the same with chance 1 and no wait, as for everyone under open policy."""
    min_education: I64
    """[k, c, s] lowest level of education admitted."""
    fee: F64
    """[k, c, s] money per person, under the rules."""
    price: F64
    """[w, p, d, kind] money per person; infinite where there is no route."""
    companions: F64
    """[h, 3] factor of who goes, by `Companions`."""
    homeward: F64
    """[h] factor of attachment to the place of origin."""
    ident: U64
    """[d] hash of the destination's id."""
    nest: float
    """mu, scale within a destination's nest."""
    inclusive: float
    """lam, exponent of W in the rates."""
    surge: Surge


class Conditions(NamedTuple):
    """Conditions of the current sub-step: factors of the two rates, per year."""

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


class Means(NamedTuple):
    """Parameters of the means of households."""

    income: F64
    """[place] kappa y_p, money per year."""
    sigma: F64
    """[place] sigma of the lognormal income distribution."""
    normal: F32
    """[65536] standard normal deviate of a wealth rank."""
    support: F64
    """[place] remittances and aid, money per resident and year."""
    status: F64
    """[place, status] factor of income."""
    subsistence: float
    """c0, money per person and year."""
    drain_economic: float
    """Share of income lost per unit of the economic threat."""
    drain_food: float
    """Share of income lost per unit of the food threat."""
    tolerable: F64
    """[7] severity below which a threat drains nothing."""


class Events(NamedTuple):
    """Moves and refusals, one row each; those of a head are adjacent and ordered by time."""

    head: I64
    answer: I64
    hazard: I64
    time: F64
    """Day, counted from the start of the run."""
    flight: F64
    """F / (R - R_C): share of flight in moves of necessity that present threats make."""
    uprooted: Bool
    """Of necessity only because threats had uprooted it: settled, it would have stayed."""
    trapped: Bool
    """Refused, and would have moved with the means of a secure place."""
    word: U64
    """Hash of the event, for the draws of where and how it leads."""


@inner
def secure_means(means, place, rank, status, n):
    """Means that a household of n would have without threats that drain them.

    m* = n (max(0, kappa y f Q(rank) - c0) + support), money per year.
    """
    sigma = means.sigma[place]
    share = math.exp(sigma * means.normal[rank] - 0.5 * sigma * sigma)
    earned = means.income[place] * means.status[place, status] * share - means.subsistence
    return n * (max(0.0, earned) + means.support[place])


@inner
def drained_means(means, place, rank, status, n, economic, food):
    """Target means of a household of n under economic and food threats (model, section 6).

    m* = n (max(0, kappa y f Q(rank) (1 - d_e h_e) (1 - d_f h_f) - c0) + support), money per year.
    """
    sigma = means.sigma[place]
    share = math.exp(sigma * means.normal[rank] - 0.5 * sigma * sigma)
    drain = (1.0 - means.drain_economic * economic) * (1.0 - means.drain_food * food)
    earned = means.income[place] * means.status[place, status] * share * drain - means.subsistence
    return n * (max(0.0, earned) + means.support[place])


@inner
def household(people, head, month):
    """Members of a household who could go: everyone, a pioneer, or an older child.

    Returns:
        (n, pioneer, child): number of members alive; row of the youngest adult other than the
        head, or -1; row of the eldest child aged 12 to 17, or -1.
    """
    founder = people.household[head]
    n = 0
    pioneer = -1
    child = -1
    row = founder
    while True:
        if people.household[row] == founder and people.activity[row] != DEAD:
            n += 1
            if row != head:
                age = month - people.born[row]
                if age >= PIONEER_MONTHS:
                    if pioneer < 0 or people.born[row] > people.born[pioneer]:
                        pioneer = row
                elif age >= CHILD_MONTHS and (child < 0 or people.born[row] < people.born[child]):
                    child = row
        row = people.sibling[row]
        if row == founder:
            break
    return n, pioneer, child


@equation
def able(price, money, n, whole, pioneer, child):
    """Sum of the factors of all kinds of companions that the household can pay for.

    Args:
        price: Money per person.
        money: Means of the household.
        n: Number of members.
        whole, pioneer, child: Factors of who goes, 0 where the household has no such member.
    """
    factor = 0.0
    if price * n <= money:
        factor += whole
    if price <= money:
        factor += pioneer + child
    return factor


@equation
def surge_factor(loss, most):
    """Surge factor of exp(V / mu) of an alternative: exp(min(max(loss, 0), most)).

    Args:
        loss: phi / mu (V_now - V_after).
        most: Greatest loss that counts, in the same unit.
    """
    return math.exp(min(loss, most)) if loss > 0.0 else 1.0


@inner
def ways_into(tables, h, p, o, g, k, education, kin, confined, founded, local, queued, d, ways):
    """Factors and prices of all channels into one destination.

    This is the only place that decides which channels are feasible for a person.

    Args:
        confined: Whether the state is the threat, so that flight within the country is no escape.
        founded: Whether the person left their country with grounds for asylum.
        local: 1 if the person may claim asylum on the spot, 2 if they may also settle there.
        queued: Whether an application is pending, which excludes regular channels.
        ways: [4, 4] out, by slot: exp(V / mu) under the rules (0 where closed to this person) and
            under open policy; price per person under the rules and under open policy.

    Returns:
        Number of slots: 0 if the destination is not feasible, 1 if it needs no permission, 4 for
        the border channels.
    """
    pull = tables.pull[h, o, d]
    country = tables.country[d]
    own = country == tables.country[o]
    if pull == 0.0 or (d == p and (own or local == 0)):
        return 0
    within = country == tables.country[p]
    if d != p and (own or within or tables.free[tables.country[o], country]):
        if (own and not within and d != o) or (own and within and confined and h == FLIGHT):
            return 0
        x = tables.geography[h, 0, g, p, d, 0] * pull
        if d == o:
            x *= tables.homeward[h]
        elif not within:
            # Free movement ends in a regular status, as labour does.
            x *= tables.admitted[h, country, LABOUR]
        price = tables.price[0, p, d, 0]
        ways[0, 0], ways[0, 1], ways[0, 2], ways[0, 3] = x, x, price, price
        return 1
    # People in flight have grounds for asylum; others have them only if they left with grounds.
    fears = 1 if h == FLIGHT or founded else 0
    for s in range(4):
        ways[s, 0] = ways[s, 1] = 0.0
        kind = 1 if s >= ASYLUM else 0
        if d == p and (kind == 0 or (s == IRREGULAR and local < 2)):
            continue
        ways[s, 1] = tables.geography[h, 1, g, p, d, kind] * pull * tables.admitted[h, country, s]
        ways[s, 2] = tables.price[0, p, d, kind] + tables.fee[k, country, s]
        ways[s, 3] = tables.price[1, p, d, kind]
        if kind == 0 and (queued or education < tables.min_education[k, country, s]):
            continue
        if s == FAMILY and kin != country + 1:
            continue
        ways[s, 0] = (
            tables.geography[h, 0, g, p, d, kind] * pull * tables.admission[h, fears, k, country, s]
        )
        if tables.surge.pending and ways[s, 0] > 0.0:
            loss = tables.surge.entry[h, fears, k, country, s]
            if kind == 1:
                loss += tables.surge.way[g, p, d]
            elif education < tables.surge.min_education[k, country, s]:
                loss = math.inf
            # The same factor in all four rates, so that lifting a constraint never lowers a rate.
            gain = surge_factor(loss, tables.surge.most)
            ways[s, 0] *= gain
            ways[s, 1] *= gain
    return 4


@equation
def same_nest(s, one, value_one, other, value_other, nest, ahead):
    """Term of a destination in W, s^mu W(d)^look_ahead; reuses known values of equal sums s."""
    if s == one:
        return value_one
    if s == other:
        return value_other
    return s**nest * ahead


@equation
def channel_without_permission(d, o, within):
    """Channel that needs no permission: home, within the country, or within a bloc."""
    if d == o:
        return HOME
    return INTERNAL if within else FREE


@inner
def inclusive_values(
    tables,
    h,
    p,
    o,
    g,
    k,
    education,
    kin,
    confined,
    founded,
    local,
    queued,
    money,
    n,
    pioneer,
    child,
    ways,
):
    """W_h with and without the means and permission constraints.

    W = sum over d of (sum over feasible channels and companions of exp(V / mu))^mu W(d)^look_ahead

    Args:
        money: Means at hand.
        pioneer, child: Whether the household has one.
        ways: [4, 4] working array.

    Returns:
        (W with both constraints, W with unlimited means, W under open policy, W with neither).
    """
    nest = tables.nest
    with_all = tables.companions[h, 0]
    with_one = tables.companions[h, 1] if pioneer else 0.0
    with_child = tables.companions[h, 2] if child else 0.0
    # Added in the same order as in `able`, so that a constraint without effect gives an equal sum.
    full = with_all + (with_one + with_child)
    w_r = w_m = w_p = w_mp = 0.0
    for d in range(tables.country.shape[0]):
        n_slots = ways_into(
            tables, h, p, o, g, k, education, kin, confined, founded, local, queued, d, ways
        )
        s_r = s_m = s_p = s_mp = 0.0
        for s in range(n_slots):
            x = ways[s, 1]
            if x > 0.0:
                s_mp += x * full
                s_p += x * able(ways[s, 3], money, n, with_all, with_one, with_child)
            x = ways[s, 0]
            if x > 0.0:
                s_m += x * full
                s_r += x * able(ways[s, 2], money, n, with_all, with_one, with_child)
        if s_mp > 0.0:
            # Powers are slow; most sums are equal because few constraints have an effect.
            ahead = tables.ahead[h, o, d]
            value = s_mp**nest * ahead
            value_p = same_nest(s_p, s_mp, value, 0.0, 0.0, nest, ahead)
            value_m = same_nest(s_m, s_mp, value, 0.0, 0.0, nest, ahead)
            w_mp += value
            w_p += value_p
            w_m += value_m
            w_r += same_nest(s_r, s_m, value_m, s_p, value_p, nest, ahead)
    return w_r, w_m, w_p, w_mp


@inner
def locality(people, tables, head):
    """Local alternatives: 0 none; 1 may claim asylum here; 2 may also settle here irregularly."""
    if tables.country[people.place[head]] == tables.country[people.home[head]]:
        return 0
    if people.activity[head] == STRANDED:
        return 2
    return 1 if people.status[head] == IRREGULAR_STATUS else 0


@inner
def settled(people, conditions, head, since):
    """How settled a household is where it lives, 0 to 1.

    1 - exp(-speed t): citizens are settled anywhere in their country; others settle at the speed of
    their status. People displaced within their own country are newcomers there too.

    Args:
        since: Years since the last move.
    """
    status = people.status[head]
    if status == CITIZEN:
        return 1.0
    return 1.0 - math.exp(-since * conditions.settling[people.place[head], status])


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
def chosen_rate(people, conditions, head, now, calm):
    """R_0: the rate of moves that count as choice, per year; at most R_C.

    R_C, but as if settled for a household that threats have uprooted: its onward moves count as
    choice only as far as a settled household would make them, too. The difference fades as it
    settles, so that no date has to be set on which it is settled again.

    Args:
        now: Day from the start.
        calm: R_C = L / exp(S_want), the rate with every threat at its tolerable level.
    """
    if people.uprooted[head] == 0:
        return calm
    since = (now - people.moved[head]) / DAYS_A_YEAR
    return rate_if_settled(calm, conditions.attachment, settled(people, conditions, head, since))


@inner
def day_of(conditions, now):
    """Row of `want` and `fear` for a time; times beyond them count as their first or last day."""
    return min(max(int(now) - conditions.first_day, 0), conditions.want.shape[0] - 1)


@inner
def rate_factors(people, conditions, head, want, fear, rested, stayed, month):
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
    p = people.place[head]
    age = min(max((month - people.born[head]) // 12, 0), 120)
    pause = 1.0 - conditions.pause_depth * math.exp(-rested / conditions.pause)
    l = conditions.livelihood[p, people.status[head]] * want
    l *= conditions.age[0, age] * pause
    if p == people.home[head]:
        l *= conditions.at_home
    else:
        l *= math.exp(-conditions.attachment * settled(people, conditions, head, stayed))
    f = conditions.flight * conditions.age[1, age] * fear
    return l, f


@inner
def evaluate(people, tables, conditions, classes, head, now, month, money, ways):
    """The two rates per year, with and without the means and permission constraints.

    Args:
        money: Means at hand.
        ways: [4, 4] working array.

    Returns:
        (L, F, L_M, F_M, L_P, F_P, L_MP, F_MP)
    """
    p = np.int64(people.place[head])
    o = np.int64(people.home[head])
    g = np.int64(people.traits[head]) >> 4
    k = classes[tables.country[o], people.group[head]]
    education = (np.int64(people.traits[head]) >> 1) & 3
    kin = np.int64(people.kin[head])
    confined = conditions.by_state[p, people.mask[head] >> 4]
    founded = people.traits[head] & GROUNDS > 0
    local = locality(people, tables, head)
    queued = people.activity[head] == WAITING
    n, pioneer, child = household(people, head, month)
    day = day_of(conditions, now)
    want = conditions.want[day, p, people.mask[head] & 15]
    fear = conditions.fear[day, p, people.mask[head] >> 4]
    since = (now - people.moved[head]) / DAYS_A_YEAR
    l, f = rate_factors(people, conditions, head, want, fear, since, since, month)
    lr = lm = lp = lmp = fr = fm = fp = fmp = 0.0
    for h in range(2):
        base = l if h == LIVELIHOOD else f
        if base <= 0.0:
            continue
        wr, wm, wp, wmp = inclusive_values(
            tables, h, p, o, g, k, education, kin, confined, founded, local, queued, money, n,
            pioneer >= 0, child >= 0, ways,
        )  # fmt: skip
        lam = tables.inclusive
        if h == LIVELIHOOD:
            lr, lm, lp, lmp = base * wr**lam, base * wm**lam, base * wp**lam, base * wmp**lam
        else:
            fr, fm, fp, fmp = base * wr**lam, base * wm**lam, base * wp**lam, base * wmp**lam
    return lr, fr, lm, fm, lp, fp, lmp, fmp


@inner
def rate_bound(people, conditions, head, month):
    """Upper bound of R_MP of this head on all days: all kinds of companions, no pause."""
    # Unsigned indices avoid numba's check for negative ones.
    p = people.place[head]
    o = people.home[head]
    g = np.uint64(people.traits[head]) >> np.uint64(4)
    mask = np.uint64(people.mask[head])
    months = np.uint32(max(month - people.born[head], 0))
    age = min(months // np.uint32(12), np.uint32(120))
    at_home = conditions.at_home if p == o else 1.0
    livelihood = conditions.livelihood[p, people.status[head]] * at_home
    livelihood *= conditions.most_want[p, mask & np.uint64(15)]
    fear = conditions.most_fear[p, mask >> np.uint64(4)]
    flight = conditions.flight * fear * conditions.age[1, age]
    return (
        livelihood * conditions.age[0, age] * conditions.bound[0, p, o, g]
        + flight * conditions.bound[1, p, o, g]
    )


@inner
def close_bound(people, tables, conditions, head, since, until, month):
    """Closer upper bound of R_MP of this head, from its own household and its last move.

    Without constraints every household can pay for all its members, so the companions' factor can
    be taken out of the sum over destinations: (full / fullest)^(mu lam). The pause after a move
    counts as of the end of the span, and how settled the household is as of its start.

    Args:
        since, until: Span in days, counted from the start of the run.
    """
    p = people.place[head]
    o = people.home[head]
    g = people.traits[head] >> 4
    _, pioneer, child = household(people, head, month)
    want = conditions.most_want[p, people.mask[head] & 15]
    fear = conditions.most_fear[p, people.mask[head] >> 4]
    moved = people.moved[head]
    rested, stayed = (until - moved) / DAYS_A_YEAR, max(since - moved, 0.0) / DAYS_A_YEAR
    livelihood, flight = rate_factors(people, conditions, head, want, fear, rested, stayed, month)
    total = 0.0
    for h in range(2):
        fullest = tables.companions[h, 0] + tables.companions[h, 1] + tables.companions[h, 2]
        full = tables.companions[h, 0]
        if pioneer >= 0:
            full += tables.companions[h, 1]
        if child >= 0:
            full += tables.companions[h, 2]
        rate = livelihood if h == LIVELIHOOD else flight
        total += (
            rate
            * conditions.bound[h, p, o, g]
            * (full / fullest) ** (tables.nest * tables.inclusive)
        )
    return total


@equation
def no_means_share(r, r_m, r_p, r_mp):
    """Shapley share of means in R_MP - R: ((R_M - R) + (R_MP - R_P)) / 2 (R_MP - R)."""
    gap = r_mp - r
    return 0.5 * ((r_m - r) + (r_mp - r_p)) / gap if gap > 0.0 else 0.0


@subkernel
def sieve_by_place(people, heads, conditions, plane, through):
    """List the heads who may have an event, by the bound of their place.

    Args:
        through: [n] out: positions among the heads.

    Returns:
        Number of positions listed.
    """
    n = 0
    years = plane.days / DAYS_A_YEAR * MARGIN
    for i in range(heads.shape[0]):
        head = heads[i]
        p = people.place[head]
        from_here = np.uint64(p == people.home[head])
        u = uniform(plane.key, people.pid[head])
        through[n] = i
        n += not u > conditions.most[p, from_here, people.mask[head]] * years
    return n


@kernel
def sieve(people, heads, conditions, plane, month, through):
    """List the heads who may have an event in a month, by bounds on their rates.

    The lowest point of a plane is at -ln(1 - u) / years. If the uniform u is above a bound on
    R_MP x years, no point is below R_MP, and no utility has to be evaluated: this is exact, since
    -ln(1 - u) >= u, and it holds for nearly all households. Bounds are tried from the widest to the
    closest: of all residents of a place, then of the head's own attributes (place, origin, taste
    class, age, status and exposure).

    Args:
        people: All persons.
        heads: [n] rows of the heads.
        conditions: Conditions of the sub-step.
        plane: The plane of moves.
        month: Month from the start.
        through: [n] out: positions among the heads, ascending.

    Returns:
        Number of positions listed.
    """
    # Each sieve is a separate short loop, so that the processor can prefetch the next heads.
    end = sieve_by_place(people, heads, conditions, plane, through)
    n = 0
    years = plane.days / DAYS_A_YEAR * MARGIN
    for j in range(end):
        i = through[j]
        head = heads[i]
        u = uniform(plane.key, people.pid[head])
        through[n] = i
        n += not u > rate_bound(people, conditions, head, month) * years
    return n


@inner
def record_point(events, at, head, now, word):
    """Write down who moves or is refused, and when; all else as for a refusal."""
    events.head[at] = head
    events.time[at] = now
    events.word[at] = word
    events.trapped[at] = False
    events.flight[at] = 0.0
    events.uprooted[at] = False
    events.hazard[at] = LIVELIHOOD


@inner
def record_move(people, conditions, events, at, height, calm, r, fr):
    """Write down by which hazard a household moves: its height falls into R_0, R_C, F, or L.

    Hazards do not depend on R_0: where people go is the same, whatever counts as choice.

    Args:
        height: Height of the point, below R.
        calm: R_C.
        r, fr: R and F.
    """
    head = events.head[at]
    if height < chosen_rate(people, conditions, head, events.time[at], calm):
        events.answer[at] = CHOICE
        return
    events.answer[at] = NECESSITY
    if height < calm:
        events.uprooted[at] = True
        return
    events.flight[at] = fr / (r - calm)
    if height - calm < fr:
        events.hazard[at] = FLIGHT


@kernel
def decide(
    people, heads, since, until, first, tables, conditions, means, classes, plane, month, events
):  # fmt: skip
    """Find the moves and refusals of heads, each in a span of time within a month.

    At a point of height H and time T, with the rates of that moment: if H < R the household moves,
    which ends its span (by choice if H < R_0, else of necessity); otherwise, if H < R_MP, it is
    refused.

    Args:
        people: All persons.
        heads: [n] rows of the heads.
        since, until: [n] days, counted from the start of the run; `since` is excluded.
        first: Position of the first head to look at.
        classes: [country, group] admission class.
        plane: The plane of moves.
        month: Month from the start.
        events: Buffers of equal length, written from 0 on.

    Returns:
        (number of events, position of the next head: n, or less if the buffers are full)
    """
    at = 0
    ways = np.empty((4, 4))
    room = events.head.shape[0]
    for i in range(first, heads.shape[0]):
        head = heads[i]
        begin = at
        bound = MARGIN * close_bound(people, tables, conditions, head, since[i], until[i], month)
        who = people.pid[head]
        now = since[i]
        while True:
            now, height, word = next_point(plane, who, bound, now, until[i])
            if now == math.inf:
                break
            money = np.float64(people.means[head])
            want = conditions.want[
                day_of(conditions, now), people.place[head], people.mask[head] & 15
            ]
            moves = False
            # The second pass evaluates the household with the means of a secure place.
            for once_more in range(2):
                lr, fr, lm, fm, lp, fp, lmp, fmp = evaluate(
                    people, tables, conditions, classes, head, now, month, money, ways
                )
                if once_more:
                    events.trapped[at] = height < lr / want
                    at += 1
                    break
                r, r_mp = lr + fr, lmp + fmp
                if height >= r_mp:
                    break
                if at == room:
                    return begin, i
                record_point(events, at, head, now, word)
                if height < r:
                    record_move(people, conditions, events, at, height, lr / want, r, fr)
                    at += 1
                    moves = True
                    break
                share = no_means_share(r, lm + fm, lp + fp, r_mp)
                by_means = uniform(LABEL, word) < share
                events.answer[at] = NO_MEANS if by_means else NO_PERMISSION
                n, _, _ = household(people, head, month)
                secure_money = secure_means(
                    means, people.place[head], people.rank[head], people.status[head], n
                )
                if secure_money <= money:
                    at += 1
                    break
                money = secure_money
            if moves:
                break
    return at, heads.shape[0]


@kernel
def rates(people, heads, tables, conditions, classes, now, month, out):
    """Evaluate the rates of all heads, without bounds.

    Args:
        out: [n, 8] out: L, F, L_M, F_M, L_P, F_P, L_MP, F_MP, per year.
    """
    ways = np.empty((4, 4))
    for i in range(heads.shape[0]):
        head = heads[i]
        money = np.float64(people.means[head])
        lr, fr, lm, fm, lp, fp, lmp, fmp = evaluate(
            people, tables, conditions, classes, head, now, month, money, ways
        )
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = lr, fr, lm, fm
        out[i, 4], out[i, 5], out[i, 6], out[i, 7] = lp, fp, lmp, fmp


@equation
def gumbel(u):
    """Standard Gumbel deviate from a uniform in (0, 1)."""
    return -math.log(-math.log(u))


@kernel
def choose(
    people, heads, words, hazards, tables, confined, classes, keys, month, goal, channel,
    companions, price,
):  # fmt: skip
    """Draw where movers go, how, and with whom: by destination, then within its nest.

    Args:
        heads: [n] rows of the heads who move.
        words: [n] hash of each event.
        hazards: [n] hazard that makes each move.
        confined: [n] whether flight within the country is no escape.
        keys: [2] keys of the destination draw and of the channel draw.
        goal: [n] out: destination, -1 where nothing is feasible.
        channel: [n] out: `Channel`.
        companions: [n] out: `Companions`.
        price: [n] out: fee and fare per person.
    """
    ways = np.empty((4, 4))
    for i in range(heads.shape[0]):
        head = heads[i]
        h = hazards[i]
        p = np.int64(people.place[head])
        o = np.int64(people.home[head])
        g = np.int64(people.traits[head]) >> 4
        k = classes[tables.country[o], people.group[head]]
        education = (np.int64(people.traits[head]) >> 1) & 3
        kin = np.int64(people.kin[head])
        founded = people.traits[head] & GROUNDS > 0
        local = locality(people, tables, head)
        queued = people.activity[head] == WAITING
        n, pioneer, child = household(people, head, month)
        money = np.float64(people.means[head])
        with_all = tables.companions[h, 0]
        with_one = tables.companions[h, 1] if pioneer >= 0 else 0.0
        with_child = tables.companions[h, 2] if child >= 0 else 0.0
        best = -math.inf
        goal[i] = -1
        for d in range(tables.country.shape[0]):
            n_slots = ways_into(
                tables, h, p, o, g, k, education, kin, confined[i], founded, local, queued, d, ways
            )
            total = 0.0
            for s in range(n_slots):
                total += ways[s, 0] * able(ways[s, 2], money, n, with_all, with_one, with_child)
            if total > 0.0:
                value = tables.nest * math.log(total) + math.log(tables.ahead[h, o, d])
                value += gumbel(uniform2(keys[0], words[i], tables.ident[d]))
                if value > best:
                    best = value
                    goal[i] = d
        d = goal[i]
        if d < 0:
            continue
        best = -math.inf
        n_slots = ways_into(
            tables, h, p, o, g, k, education, kin, confined[i], founded, local, queued, d, ways
        )
        for s in range(n_slots):
            for c in range(3):
                x = ways[s, 0]
                if c == 0:
                    x *= with_all
                elif c == 1:
                    x *= with_one
                else:
                    x *= with_child
                if x <= 0.0 or ways[s, 2] * (n if c == 0 else 1) > money:
                    continue
                value = math.log(x)
                value += gumbel(uniform2(keys[1], words[i], tables.ident[d] + np.uint64(3 * s + c)))
                if value > best:
                    best = value
                    channel[i] = s
                    if n_slots == 1:
                        channel[i] = channel_without_permission(
                            d, o, tables.country[d] == tables.country[p]
                        )
                    companions[i] = c
                    price[i] = ways[s, 2]


@kernel
def median_nests(tables, h, first, last, money, kinds, nests):
    """Nests of the median resident, taken as a foreigner everywhere, without pull or look-ahead.

    Args:
        h: Hazard.
        first, last: Range of rows of `kinds` to compute.
        money: [place] means of the median resident.
        kinds: [n] admission classes.
        nests: [n, p, d] out: (sum over slots of exp(V / mu))^mu, of the first taste class, without
            education or family abroad.
    """
    n = tables.country.shape[0]
    fears = 1 if h == FLIGHT else 0
    for i in range(first, last):
        k = kinds[i]
        for p in range(n):
            for d in range(n):
                total = 0.0
                if d != p:
                    country = tables.country[d]
                    for s in range(4):
                        kind = 1 if s >= ASYLUM else 0
                        if s == FAMILY or (kind == 0 and tables.min_education[k, country, s] > 0):
                            continue
                        if tables.price[0, p, d, kind] + tables.fee[k, country, s] <= money[p]:
                            total += (
                                tables.geography[h, 0, 0, p, d, kind]
                                * tables.admission[h, fears, k, country, s]
                            )
                nests[i, p, d] = total**tables.nest if total > 0.0 else 0.0


@kernel
def look_ahead(
    order, country, free, foreign, pull, homeward, reachable, first, last, weight, floor, tolerance,
    most, ahead,
):  # fmt: skip
    """Solve W(d) = sum over d' of nest(d, d') max(W(d'), floor)^look_ahead for every origin.

    Each origin is a separate fixed point, so that its iteration does not depend on when that of
    another origin stops. Origins of the same country differ only in `pull` and in the return home:
    several are iterated at a time, so that each row of nests is read once for all of them.

    Args:
        order: [place] origins, sorted by country.
        country: [place] country index.
        free: [p, d] nests of the median resident of p where no permission is needed.
        foreign: [citizenship, p, d] nests where permission is needed.
        pull: [o, d] factor of the nest.
        homeward: Factor of the nest of the place of origin.
        reachable: [o, d] whether people from o could be in d at all.
        first, last: Range of origins in `order` to solve.
        weight: look_ahead, below 1: the map is a contraction.
        ahead: [o, d] in: start of the iteration; out: max(W, floor)^look_ahead.
    """
    n = country.shape[0]
    # [d, p], so that sums over d for all p read adjacent memory.
    nests = np.empty((n, n))
    home = np.empty((TOGETHER, n))
    value, w = np.empty((TOGETHER, n)), np.empty((TOGETHER, n))
    worth = np.zeros((TOGETHER, n))
    moving = np.empty(TOGETHER, np.bool_)
    start, known = first, -1
    while start < last:
        citizenship = country[order[start]]
        if citizenship != known:
            _nests_of(citizenship, country, free, foreign, nests)
            known = citizenship
        end = start
        while end < last and end - start < TOGETHER and country[order[end]] == citizenship:
            o = order[end]
            i = end - start
            value[i], moving[i] = ahead[o], True
            for p in range(n):
                home[i, p] = free[p, o] * homeward if p != o else 0.0
            end += 1
        left = end - start
        for _ in range(most):
            if left == 0:
                break
            w[:] = 0.0
            for i in range(end - start):
                o = order[start + i]
                for d in range(n):
                    worth[i, d] = pull[o, d] * value[i, d] if reachable[o, d] else 0.0
            for d in range(0, n, 4):
                for i in range(end - start):
                    if moving[i]:
                        _add_four(d, order[start + i], nests, home[i], worth[i], w[i])
            for i in range(end - start):
                if not moving[i]:
                    continue
                o, change = order[start + i], 0.0
                for p in range(n):
                    new = 1.0
                    if reachable[o, p]:
                        new = max(w[i, p], floor) ** weight
                        change = max(change, abs(new - value[i, p]) / value[i, p])
                    value[i, p] = new
                if change < tolerance:
                    moving[i] = False
                    left -= 1
        for i in range(end - start):
            ahead[order[start + i]] = value[i]
        start = end


@inner
def _add_four(d, o, nests, home, worth, w):
    """Add the values of four destinations, from d on, for every p."""
    n = w.shape[0]
    if d + 4 <= n and not d <= o < d + 4:
        worth_0, worth_1, worth_2, worth_3 = worth[d], worth[d + 1], worth[d + 2], worth[d + 3]
        nests_0, nests_1, nests_2, nests_3 = nests[d], nests[d + 1], nests[d + 2], nests[d + 3]
        for p in range(n):
            # The sum stays in a register; terms are added in the same order as one by one.
            total = w[p] + nests_0[p] * worth_0
            total += nests_1[p] * worth_1
            total += nests_2[p] * worth_2
            w[p] = total + nests_3[p] * worth_3
        return
    for each in range(d, min(d + 4, n)):
        row = home if each == o else nests[each]
        for p in range(n):
            w[p] += row[p] * worth[each]


@subkernel
def _nests_of(citizenship, country, free, foreign, nests):
    """[d, p] nests of people of one citizenship, except for the return to their place of origin."""
    n = country.shape[0]
    for p in range(n):
        for d in range(n):
            nest = 0.0
            if d == p:
                pass
            elif country[p] == country[d]:
                nest = free[p, d]
            elif country[d] != citizenship:
                nest = foreign[citizenship, p, d]
            nests[d, p] = nest


@kernel
def expect(
    people,
    heads,
    first,
    last,
    tables,
    conditions,
    classes,
    now,
    month,
    dt,
    cells,
    weight,
    micro,
    answers,
    years,
    flows,
):
    """Add expected numbers of events by answer, and of people by destination.

    Moves and stays are probabilities within dt. The expected number of refusals is their rate times
    the expected time before a move, (1 - exp(-R dt)) / R. `years` are rates times that time, times
    the people of the household (Rao-Blackwell). Everything is added in fixed point, so the sums do
    not depend on order.

    Args:
        now: [n] day from the start on which each head's rates are evaluated.
        dt: [n] years for which each is asked.
        cells: [n] cell of each head.
        weight: [place] people that a row of that origin represents.
        micro: Fixed-point units per person.
        answers: [cell, answer] households, in 1 / micro, added to.
        years: [cell, answer] people, in 1 / micro, added to.
        flows: [citizenship, origin, destination, channel, answer] people, in 1 / micro, added to.
    """
    n_places = tables.country.shape[0]
    nests = np.zeros(n_places)
    ways = np.empty((4, 4))
    for i in range(first, last):
        head = heads[i]
        cell = cells[i]
        money = np.float64(people.means[head])
        lr, fr, lm, fm, lp, fp, lmp, fmp = evaluate(
            people, tables, conditions, classes, head, now[i], month, money, ways
        )
        r, r_mp = lr + fr, lmp + fmp
        p = np.int64(people.place[head])
        o = np.int64(people.home[head])
        g = np.int64(people.traits[head]) >> 4
        k = classes[tables.country[o], people.group[head]]
        education = (np.int64(people.traits[head]) >> 1) & 3
        kin = np.int64(people.kin[head])
        confined = conditions.by_state[p, people.mask[head] >> 4]
        founded = people.traits[head] & GROUNDS > 0
        local = locality(people, tables, head)
        queued = people.activity[head] == WAITING
        n, pioneer, child = household(people, head, month)
        w = float(weight[o]) * micro
        moves = -math.expm1(-r * dt[i])
        calm = lr / conditions.want[day_of(conditions, now[i]), p, people.mask[head] & 15]
        chosen = chosen_rate(people, conditions, head, now[i], calm)
        choice = chosen / r if r > 0.0 else 0.0
        blocked = math.exp(-r * dt[i]) - math.exp(-r_mp * dt[i])
        by_means = no_means_share(r, lm + fm, lp + fp, r_mp)
        whole = int(w)
        span = moves / r if r > 0.0 else dt[i]
        gap = r_mp - r
        parts_of = (
            int(w * moves * choice),
            int(w * moves * (1.0 - choice)),
            int(w * gap * by_means * span),
            int(w * gap * (1.0 - by_means) * span),
        )
        for a in range(4):
            answers[cell, a] += parts_of[a]
        answers[cell, STAYS] += whole - parts_of[0] - parts_of[1] - int(w * blocked)
        years[cell, CHOICE] += int(w * n * chosen * span)
        years[cell, NECESSITY] += int(w * n * (r - chosen) * span)
        years[cell, NO_MEANS] += int(w * n * gap * by_means * span)
        years[cell, NO_PERMISSION] += int(w * n * gap * (1.0 - by_means) * span)
        if moves <= 0.0:
            continue
        for h in range(2):
            rate = lr if h == LIVELIHOOD else fr
            if rate <= 0.0:
                continue
            free_part = chosen / r if h == LIVELIHOOD else 0.0
            forced_part = rate / r - free_part
            with_all = tables.companions[h, 0]
            with_one = tables.companions[h, 1] if pioneer >= 0 else 0.0
            with_child = tables.companions[h, 2] if child >= 0 else 0.0
            total = 0.0
            # The first pass sums over destinations, the second adds their shares.
            for once_more in range(2):
                for d in range(n_places):
                    n_slots = ways_into(
                        tables,
                        h,
                        p,
                        o,
                        g,
                        k,
                        education,
                        kin,
                        confined,
                        founded,
                        local,
                        queued,
                        d,
                        ways,
                    )
                    inside = 0.0
                    for s in range(n_slots):
                        inside += ways[s, 0] * able(
                            ways[s, 2], money, n, with_all, with_one, with_child
                        )
                    if inside == 0.0:
                        continue
                    if not once_more:
                        nests[d] = inside**tables.nest * tables.ahead[h, o, d]
                        total += nests[d]
                        continue
                    for s in range(n_slots):
                        # Multiplying the household's factor by its size counts persons.
                        persons = ways[s, 0] * able(
                            ways[s, 2], money, n, with_all * n, with_one, with_child
                        )
                        way = s
                        if n_slots == 1:
                            way = channel_without_permission(
                                d, o, tables.country[d] == tables.country[p]
                            )
                        share = w * moves * nests[d] / total * persons / inside
                        flows[tables.country[o], p, d, way, CHOICE] += int(share * free_part)
                        flows[tables.country[o], p, d, way, NECESSITY] += int(share * forced_part)
