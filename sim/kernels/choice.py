"""The decision: two competing hazards, one draw, five answers (model, section 4).

A newcomer changes the utility in `sim/mechanisms/choice.py`, where V is built as a product of
factors; here the factors are only multiplied, nested and compared.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sim.core.jit import equation, inner, kernel, subkernel
from sim.core.rng import uniform, uniform2
from sim.core.state import DAYS_A_YEAR, F32, F64, GROUNDS, I64, U64, Bool
from sim.core.terms import Activity, Answer, Channel, Hazard, Status

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
"""Covers the rounding of bounds."""
PIONEER_MONTHS = 18 * 12
"""Age from which somebody may go ahead of the household, in months, as births are known."""
CHILD_MONTHS = 12 * 12


class Rush(NamedTuple):
    """What alternatives are about to lose by rules that are announced; axes as in `Landscape`.

    Losses are phi / mu (V_now - V_after): infinite for what will close, 0 for what is closed now.
    """

    pending: bool
    """Whether any rule is announced; else nothing of this is read."""
    way: F64
    """[g, p, d] loss of the way by corridors."""
    entry: F64
    """[h, grounds, k, c, s] loss of entry; to be added to that of the way."""
    min_education: I64
    """[k, c, s] under the rules to come."""
    most: float
    """Loss beyond which nobody hurries more."""


class Landscape(NamedTuple):
    """Where one can go: factors of exp(V / mu), prices and rules.

    Axes: hazard h (2), world w (0 as ruled, 1 policy open), class g, place p, destination d,
    origin o, admission class k (citizenship and group), country c, slot s (the four border
    channels), kind (0 regular travel, 1 by corridors).
    """

    country: I64
    """[place] country index."""
    free: Bool
    """[citizenship, country] whether citizens may live there without anybody's leave (a bloc)."""
    geography: F64
    """[h, w, g, p, d, kind] distance, contiguity, language, colony, size, way; 0 where no way."""
    pull: F64
    """[h, o, d] network and perceived attraction; 0 for places that nobody chooses (camps)."""
    ahead: F64
    """[h, o, d] W(d)^look_ahead: multiplies the nest, not its members."""
    admission: F64
    """[h, grounds, k, c, s] status income, chance, waiting as ruled; 0 where closed."""
    admitted: F64
    """[h, c, s] the same with chance 1 and no wait, as for everybody were policy open."""
    min_education: I64
    """[k, c, s]"""
    fee: F64
    """[k, c, s] money a person, as ruled."""
    price: F64
    """[w, p, d, kind] money a person; infinite where no way."""
    companions: F64
    """[h, 3] factor of who goes."""
    homeward: F64
    """[h] factor of the tie to home."""
    ident: U64
    """[d] hash of the destination's id."""
    nest: float
    inclusive: float
    rush: Rush


class Conditions(NamedTuple):
    """What people live under this step: factors of the two rates, a year."""

    want: F64
    """[place, 16] exp(S_want), averaged over the days of the step."""
    fear: F64
    """[place, 8] exp(S_fear) - 1, averaged over the days of the step."""
    by_state: Bool
    """[place, 8] whether the exposed fear the state itself: no flight within the country."""
    livelihood: F64
    """[place, status] base_L (y (1 - u) f / y_ref)^-b_home."""
    flight: float
    """base_F / flight_norm."""
    at_home: float
    """exp(-tie - attachment), for those who live in their place of origin."""
    attachment: float
    """Drag of being settled in a place on the livelihood rate, as an exponent."""
    settling: F64
    """[place, status] speed at which newcomers settle, a year."""
    age: F64
    """[2, 121] age schedules of the two hazards, greatest value 1."""
    rest: float
    """Years over which a move just made is felt."""
    rest_depth: float
    bound: F64
    """[h, p, o, g] W^lam with every gate open and everybody in company."""
    most: F64
    """[place, 2, mask] greatest rate of who lives there, from elsewhere (0) or from there (1)."""


class Means(NamedTuple):
    """What sets the money at hand."""

    income: F64
    """[place] kappa y_p, money a year."""
    sigma: F64
    """[place] of the lognormal."""
    normal: F32
    """[65536] standard normal deviate of a wealth rank."""
    support: F64
    """[place] remittances and aid, money a year."""
    status: F64
    """[place, status] factor of income."""
    subsistence: float
    drain_economic: float
    drain_food: float
    tolerable: F64
    """[7] below it a threat drains nothing."""


class Events(NamedTuple):
    """Answers other than `stays`, one row each."""

    head: I64
    answer: I64
    hazard: I64
    time: F64
    """Share of the time asked for at which the move falls, or the first no."""
    flight: F64
    """F / (R - R_0): the part of necessity that flight has."""
    trapped: Bool
    """Blocked, and would have moved with the means of a secure place."""
    refused: F64
    """R_MP - R: how often they are told no, a year, as long as they do not move."""
    lacking: F64
    """Share of it that is for lack of means."""


@inner
def secure_means(means, place, rank, status, n):
    """Means that a household of n would have were no threat draining them.

    m* = n (max(0, kappa y f Q(rank) - c0) + support), money a year.
    """
    sigma = means.sigma[place]
    share = math.exp(sigma * means.normal[rank] - 0.5 * sigma * sigma)
    earned = means.income[place] * means.status[place, status] * share - means.subsistence
    return n * (max(0.0, earned) + means.support[place])


@inner
def drained_means(means, place, rank, status, n, economic, food):
    """Means that a household of n tends to under threats to economy and food (model, section 6).

    m* = n (max(0, kappa y f Q(rank) (1 - d_e h_e) (1 - d_f h_f) - c0) + support), money a year.
    """
    sigma = means.sigma[place]
    share = math.exp(sigma * means.normal[rank] - 0.5 * sigma * sigma)
    drain = (1.0 - means.drain_economic * economic) * (1.0 - means.drain_food * food)
    earned = means.income[place] * means.status[place, status] * share * drain - means.subsistence
    return n * (max(0.0, earned) + means.support[place])


@inner
def household(people, head, month):
    """Who could go from a household: members, a pioneer, an older child.

    Returns:
        (n, pioneer, child): number of members alive; row of the youngest adult other than the
        head, or -1; row of the eldest of those 12 to 17, or -1.
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
    """Sum over companions who can pay of their factor.

    Args:
        price: Money a person.
        money: Means of the household.
        n: Members.
        whole, pioneer, child: Factors of who goes, 0 where the household has none.
    """
    factor = 0.0
    if price * n <= money:
        factor += whole
    if price <= money:
        factor += pioneer + child
    return factor


@equation
def hurry(loss, most):
    """Factor of exp(V / mu) of an alternative about to lose so much: exp(min(max(loss, 0), most)).

    Args:
        loss: phi / mu (V_now - V_after).
        most: Greatest loss that counts, in the same unit.
    """
    return math.exp(min(loss, most)) if loss > 0.0 else 1.0


@inner
def ways_into(land, h, p, o, g, k, education, kin, confined, founded, local, queued, d, ways):
    """Factors and prices of all ways into one destination.

    The one place where feasibility by relation, channel and person is decided.

    Args:
        confined: Whether flight within one's own country is no escape (threat by the state).
        founded: Whether the person left their country with grounds for asylum.
        local: 1 if one may claim asylum on the spot, 2 if one may also settle there.
        queued: Whether an application is pending, so that regular channels are taken.
        ways: [4, 4] out, by slot: exp(V / mu) as ruled (0 where closed to this person) and were
            policy open; price a person as ruled and were policy open.

    Returns:
        Number of slots: 0 for nowhere to go, 1 for a destination that needs nobody's leave, 4 for
        the border channels.
    """
    pull = land.pull[h, o, d]
    country = land.country[d]
    own = country == land.country[o]
    if pull == 0.0 or (d == p and (own or local == 0)):
        return 0
    within = country == land.country[p]
    if d != p and (own or within or land.free[land.country[o], country]):
        if (own and not within and d != o) or (own and within and confined and h == FLIGHT):
            return 0
        x = land.geography[h, 0, g, p, d, 0] * pull
        if d == o:
            x *= land.homeward[h]
        elif not within:
            # Free movement ends in a regular status, as labour does.
            x *= land.admitted[h, country, LABOUR]
        price = land.price[0, p, d, 0]
        ways[0, 0], ways[0, 1], ways[0, 2], ways[0, 3] = x, x, price, price
        return 1
    # Those who flee know that they have grounds for asylum; others, whether they once had.
    fears = 1 if h == FLIGHT or founded else 0
    for s in range(4):
        ways[s, 0] = ways[s, 1] = 0.0
        kind = 1 if s >= ASYLUM else 0
        if d == p and (kind == 0 or (s == IRREGULAR and local < 2)):
            continue
        ways[s, 1] = land.geography[h, 1, g, p, d, kind] * pull * land.admitted[h, country, s]
        ways[s, 2] = land.price[0, p, d, kind] + land.fee[k, country, s]
        ways[s, 3] = land.price[1, p, d, kind]
        if kind == 0 and (queued or education < land.min_education[k, country, s]):
            continue
        if s == FAMILY and kin != country + 1:
            continue
        ways[s, 0] = (
            land.geography[h, 0, g, p, d, kind] * pull * land.admission[h, fears, k, country, s]
        )
        if land.rush.pending and ways[s, 0] > 0.0:
            loss = land.rush.entry[h, fears, k, country, s]
            if kind == 1:
                loss += land.rush.way[g, p, d]
            elif education < land.rush.min_education[k, country, s]:
                loss = math.inf
            # In all four rates alike, so that gates only relax.
            gain = hurry(loss, land.rush.most)
            ways[s, 0] *= gain
            ways[s, 1] *= gain
    return 4


@equation
def same_nest(s, one, value_one, other, value_other, nest, ahead):
    """Part of W of a destination, s^mu W(d)^look_ahead, where two others' parts are known."""
    if s == one:
        return value_one
    if s == other:
        return value_other
    return s**nest * ahead


@equation
def way_without_leave(d, o, within):
    """Channel of those who need nobody's leave: home, within the country, or within a bloc."""
    if d == o:
        return HOME
    return INTERNAL if within else FREE


@inner
def inclusive_values(
    land,
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
    """W_h under the four combinations of gates.

    W = sum over d of (sum over feasible channels and companions of exp(V / mu))^mu W(d)^look_ahead

    Args:
        money: Means at hand.
        pioneer, child: Whether the household has one.
        ways: [4, 4] scratch.

    Returns:
        (W as it is, W with means unlimited, W with policy open, W with both).
    """
    nest = land.nest
    with_all = land.companions[h, 0]
    with_one = land.companions[h, 1] if pioneer else 0.0
    with_child = land.companions[h, 2] if child else 0.0
    # Added as `able` adds them, so that a gate that shuts nobody out gives the very same sum.
    full = with_all + (with_one + with_child)
    w_r = w_m = w_p = w_mp = 0.0
    for d in range(land.country.shape[0]):
        n_slots = ways_into(
            land, h, p, o, g, k, education, kin, confined, founded, local, queued, d, ways
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
            # Powers are what takes time, and most people meet few gates that make a difference.
            ahead = land.ahead[h, o, d]
            value = s_mp**nest * ahead
            value_p = same_nest(s_p, s_mp, value, 0.0, 0.0, nest, ahead)
            value_m = same_nest(s_m, s_mp, value, 0.0, 0.0, nest, ahead)
            w_mp += value
            w_p += value_p
            w_m += value_m
            w_r += same_nest(s_r, s_m, value_m, s_p, value_p, nest, ahead)
    return w_r, w_m, w_p, w_mp


@inner
def locality(people, land, head):
    """0: no local alternative; 1: may claim asylum here; 2: may also settle here."""
    if land.country[people.place[head]] == land.country[people.home[head]]:
        return 0
    if people.activity[head] == STRANDED:
        return 2
    return 1 if people.status[head] == IRREGULAR_STATUS else 0


@inner
def settled(people, conditions, head, since):
    """How settled a household is where it lives, 0 to 1.

    1 - exp(-speed t): citizens are settled anywhere in their country; others settle as fast as
    their status lets them. Who is displaced within the own country is a newcomer there too.

    Args:
        since: Years since the last move.
    """
    status = people.status[head]
    if status == CITIZEN:
        return 1.0
    return 1.0 - math.exp(-since * conditions.settling[people.place[head], status])


@inner
def rate_factors(people, conditions, head, now, month):
    """Rates of livelihood and flight a year for W = 1.

    Args:
        now: Day from the start.
        month: Month from the start.

    Returns:
        (l, f): L = l W_L^lam and F = f W_F^lam.
    """
    p = people.place[head]
    mask = people.mask[head]
    age = min(max((month - people.born[head]) // 12, 0), 120)
    since = (now - people.moved[head]) / DAYS_A_YEAR
    rest = 1.0 - conditions.rest_depth * math.exp(-since / conditions.rest)
    l = conditions.livelihood[p, people.status[head]] * conditions.want[p, mask & 15]
    l *= conditions.age[0, age] * rest
    if p == people.home[head]:
        l *= conditions.at_home
    else:
        l *= math.exp(-conditions.attachment * settled(people, conditions, head, since))
    f = conditions.flight * conditions.age[1, age] * conditions.fear[p, mask >> 4]
    return l, f


@inner
def evaluate(people, land, conditions, classes, head, now, month, money, ways):
    """The two rates under the four combinations of gates, a year.

    Args:
        money: Means at hand.
        ways: [4, 4] scratch.

    Returns:
        (L, F, L_M, F_M, L_P, F_P, L_MP, F_MP)
    """
    p = np.int64(people.place[head])
    o = np.int64(people.home[head])
    g = np.int64(people.traits[head]) >> 4
    k = classes[land.country[o], people.group[head]]
    education = (np.int64(people.traits[head]) >> 1) & 3
    kin = np.int64(people.kin[head])
    confined = conditions.by_state[p, people.mask[head] >> 4]
    founded = people.traits[head] & GROUNDS > 0
    local = locality(people, land, head)
    queued = people.activity[head] == WAITING
    n, pioneer, child = household(people, head, month)
    l, f = rate_factors(people, conditions, head, now, month)
    lr = lm = lp = lmp = fr = fm = fp = fmp = 0.0
    for h in range(2):
        base = l if h == LIVELIHOOD else f
        if base <= 0.0:
            continue
        wr, wm, wp, wmp = inclusive_values(
            land, h, p, o, g, k, education, kin, confined, founded, local, queued, money, n,
            pioneer >= 0, child >= 0, ways,
        )  # fmt: skip
        lam = land.inclusive
        if h == LIVELIHOOD:
            lr, lm, lp, lmp = base * wr**lam, base * wm**lam, base * wp**lam, base * wmp**lam
        else:
            fr, fm, fp, fmp = base * wr**lam, base * wm**lam, base * wp**lam, base * wmp**lam
    return lr, fr, lm, fm, lp, fp, lmp, fmp


@inner
def rate_bound(people, conditions, head, month):
    """No less than R_MP of this head: full company, no rest after a move."""
    # Indices without a sign need no second look.
    p = people.place[head]
    o = people.home[head]
    g = np.uint64(people.traits[head]) >> np.uint64(4)
    mask = np.uint64(people.mask[head])
    months = np.uint32(max(month - people.born[head], 0))
    age = min(months // np.uint32(12), np.uint32(120))
    at_home = conditions.at_home if p == o else 1.0
    livelihood = conditions.livelihood[p, people.status[head]] * at_home
    livelihood *= conditions.want[p, mask & np.uint64(15)]
    flight = conditions.flight * conditions.fear[p, mask >> np.uint64(4)] * conditions.age[1, age]
    return (
        livelihood * conditions.age[0, age] * conditions.bound[0, p, o, g]
        + flight * conditions.bound[1, p, o, g]
    )


@inner
def close_bound(people, land, conditions, head, now, month):
    """No less than R_MP of this head, and near it where confinement, place and rush do not matter.

    With all gates open, everybody of a household can pay, so the companions' factor leaves the sum
    over destinations: (full / fullest)^(mu lam).
    """
    p = people.place[head]
    o = people.home[head]
    g = people.traits[head] >> 4
    _, pioneer, child = household(people, head, month)
    livelihood, flight = rate_factors(people, conditions, head, now, month)
    total = 0.0
    for h in range(2):
        fullest = land.companions[h, 0] + land.companions[h, 1] + land.companions[h, 2]
        full = land.companions[h, 0]
        if pioneer >= 0:
            full += land.companions[h, 1]
        if child >= 0:
            full += land.companions[h, 2]
        rate = livelihood if h == LIVELIHOOD else flight
        total += (
            rate * conditions.bound[h, p, o, g] * (full / fullest) ** (land.nest * land.inclusive)
        )
    return total


@equation
def no_means_share(r, r_m, r_p, r_mp):
    """Shapley share of means in R_MP - R: ((R_M - R) + (R_MP - R_P)) / 2 (R_MP - R)."""
    gap = r_mp - r
    return 0.5 * ((r_m - r) + (r_mp - r_p)) / gap if gap > 0.0 else 0.0


@subkernel
def sieve_by_place(people, heads, first, last, conditions, move_key, dt, through):
    """List those of heads[first:last] whose draw does not prove at one look that they stay.

    Args:
        move_key: Key of the move draw.
        through: [n] out: positions among the heads, from `first` on.

    Returns:
        Where the list ends.
    """
    n = first
    for i in range(first, last):
        head = heads[i]
        p = people.place[head]
        from_here = np.uint64(p == people.home[head])
        u = uniform(move_key, people.pid[head])
        through[n] = i
        n += not u > conditions.most[p, from_here, people.mask[head]] * dt[i] * MARGIN
    return n


@subkernel
def sieve_by_cell(people, heads, first, last, conditions, move_key, month, dt, through):
    """Keep those of through[first:last] who may move by the bound of their cell, age and status.

    Returns:
        Where the list ends.
    """
    n = first
    for j in range(first, last):
        i = through[j]
        head = heads[i]
        u = uniform(move_key, people.pid[head])
        through[n] = i
        n += not u > rate_bound(people, conditions, head, month) * dt[i] * MARGIN
    return n


@subkernel
def sieve_by_household(
    people, heads, first, last, land, conditions, move_key, now, month, dt, through
):
    """Keep those of through[first:last] who may move by the bound of their own household.

    Returns:
        Where the list ends.
    """
    n = first
    for j in range(first, last):
        i = through[j]
        head = heads[i]
        draw = -math.log1p(-uniform(move_key, people.pid[head]))
        through[n] = i
        n += not draw > close_bound(people, land, conditions, head, now[i], month) * dt[i] * MARGIN
    return n


@kernel
def decide(
    people, heads, first, last, land, conditions, means, classes, keys, now, month, dt, events
):
    """Give heads[first:last] one of the five answers; write those that are not `stays`.

    A uniform above a bound on R_MP dt proves a stay without evaluating anything, since
    -ln(1 - u) >= u: exact, and open to nearly everybody. Bounds are tried from the widest on: of
    all who live there, of those of an origin, taste, age and status, of the very household.

    Args:
        heads: [n] rows of the deciding heads.
        classes: [country, group] admission class.
        keys: [2] keys of the move draw and of the label draw.
        now: [n] day from the start on which each one's rates are taken.
        month: Month from the start.
        dt: [n] years for which each is asked.
        events: Buffers of length n, written from `first` on; what stands behind is of no meaning.

    Returns:
        Number of events written.
    """
    at = first
    ways = np.empty((4, 4))
    # Those let through wait where events are written, which never overtakes them. Each sieve is a
    # loop of its own: short enough that the processor fetches for the next few heads meanwhile.
    through = events.head
    end = sieve_by_place(people, heads, first, last, conditions, keys[0], dt, through)
    end = sieve_by_cell(people, heads, first, end, conditions, keys[0], month, dt, through)
    end = sieve_by_household(
        people, heads, first, end, land, conditions, keys[0], now, month, dt, through
    )
    for j in range(first, end):
        i = through[j]
        head = heads[i]
        years = dt[i]
        draw = -math.log1p(-uniform(keys[0], people.pid[head]))
        want = conditions.want[people.place[head], people.mask[head] & 15]
        money = np.float64(people.means[head])
        # The second pass asks what the household would do with the means of a secure place.
        for once_more in range(2):
            lr, fr, lm, fm, lp, fp, lmp, fmp = evaluate(
                people, land, conditions, classes, head, now[i], month, money, ways
            )
            if once_more:
                events.trapped[at] = draw < lr / want * years
                at += 1
                break
            r_mp = lmp + fmp
            if draw >= r_mp * years:
                break
            r = lr + fr
            label = uniform(keys[1], people.pid[head])
            events.head[at] = head
            events.trapped[at] = False
            events.flight[at] = 0.0
            share = no_means_share(r, lm + fm, lp + fp, r_mp)
            events.refused[at] = max(r_mp - r, 0.0)
            events.lacking[at] = share
            events.hazard[at] = LIVELIHOOD
            if draw < r * years:
                secure = lr / want
                events.time[at] = draw / (r * years)
                if label * r < secure:
                    events.answer[at] = CHOICE
                else:
                    events.answer[at] = NECESSITY
                    events.flight[at] = fr / (r - secure)
                    if label * r - secure < fr:
                        events.hazard[at] = FLIGHT
                at += 1
                break
            events.time[at] = (draw - r * years) / ((r_mp - r) * years)
            events.answer[at] = NO_MEANS if label < share else NO_PERMISSION
            n, _, _ = household(people, head, month)
            secure_money = secure_means(
                means, people.place[head], people.rank[head], people.status[head], n
            )
            if secure_money <= money:
                at += 1
                break
            money = secure_money
    return at - first


@kernel
def rates(people, heads, land, conditions, classes, now, month, out):
    """Evaluate everybody in full, as `decide` does for the few whom the bound lets through.

    Args:
        out: [n, 8] out: L, F, L_M, F_M, L_P, F_P, L_MP, F_MP, a year.
    """
    ways = np.empty((4, 4))
    for i in range(heads.shape[0]):
        head = heads[i]
        money = np.float64(people.means[head])
        lr, fr, lm, fm, lp, fp, lmp, fmp = evaluate(
            people, land, conditions, classes, head, now, month, money, ways
        )
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = lr, fr, lm, fm
        out[i, 4], out[i, 5], out[i, 6], out[i, 7] = lp, fp, lmp, fmp


@equation
def gumbel(u):
    """Standard Gumbel deviate of a uniform in (0, 1)."""
    return -math.log(-math.log(u))


@kernel
def choose(
    people, heads, hazards, land, confined, classes, keys, month, goal, channel, companions, price
):
    """Where movers go, how, and with whom: Gumbel draws by destination, then within the nest.

    Args:
        heads: [n] rows of the heads who move.
        hazards: [n] hazard that moves each.
        confined: [n] whether flight within the country is no escape.
        keys: [2] keys of the destination draw and of the channel draw.
        goal: [n] out: destination, -1 where nothing is feasible.
        channel: [n] out: `Channel`.
        companions: [n] out: `Companions`.
        price: [n] out: fee and fare a person.
    """
    ways = np.empty((4, 4))
    for i in range(heads.shape[0]):
        head = heads[i]
        h = hazards[i]
        p = np.int64(people.place[head])
        o = np.int64(people.home[head])
        g = np.int64(people.traits[head]) >> 4
        k = classes[land.country[o], people.group[head]]
        education = (np.int64(people.traits[head]) >> 1) & 3
        kin = np.int64(people.kin[head])
        founded = people.traits[head] & GROUNDS > 0
        local = locality(people, land, head)
        queued = people.activity[head] == WAITING
        n, pioneer, child = household(people, head, month)
        money = np.float64(people.means[head])
        pid = people.pid[head]
        with_all = land.companions[h, 0]
        with_one = land.companions[h, 1] if pioneer >= 0 else 0.0
        with_child = land.companions[h, 2] if child >= 0 else 0.0
        best = -math.inf
        goal[i] = -1
        for d in range(land.country.shape[0]):
            n_slots = ways_into(
                land, h, p, o, g, k, education, kin, confined[i], founded, local, queued, d, ways
            )
            total = 0.0
            for s in range(n_slots):
                total += ways[s, 0] * able(ways[s, 2], money, n, with_all, with_one, with_child)
            if total > 0.0:
                value = land.nest * math.log(total) + math.log(land.ahead[h, o, d])
                value += gumbel(uniform2(keys[0], pid, land.ident[d]))
                if value > best:
                    best = value
                    goal[i] = d
        d = goal[i]
        if d < 0:
            continue
        best = -math.inf
        n_slots = ways_into(
            land, h, p, o, g, k, education, kin, confined[i], founded, local, queued, d, ways
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
                value += gumbel(uniform2(keys[1], pid, land.ident[d] + np.uint64(3 * s + c)))
                if value > best:
                    best = value
                    channel[i] = s
                    if n_slots == 1:
                        channel[i] = way_without_leave(d, o, land.country[d] == land.country[p])
                    companions[i] = c
                    price[i] = ways[s, 2]


@kernel
def median_nests(land, h, first, last, money, kinds, nests):
    """Nests of the median resident who is a foreigner everywhere, without pull or look-ahead.

    Args:
        h: Hazard.
        first, last: Which rows of `kinds` are done.
        money: [place] means of the median resident.
        kinds: [n] admission classes.
        nests: [n, p, d] out: (sum over slots of exp(V / mu))^mu, first class, no skill.
    """
    n = land.country.shape[0]
    fears = 1 if h == FLIGHT else 0
    for i in range(first, last):
        k = kinds[i]
        for p in range(n):
            for d in range(n):
                total = 0.0
                if d != p:
                    country = land.country[d]
                    for s in range(4):
                        kind = 1 if s >= ASYLUM else 0
                        if s == FAMILY or (kind == 0 and land.min_education[k, country, s] > 0):
                            continue
                        if land.price[0, p, d, kind] + land.fee[k, country, s] <= money[p]:
                            total += (
                                land.geography[h, 0, 0, p, d, kind]
                                * land.admission[h, fears, k, country, s]
                            )
                nests[i, p, d] = total**land.nest if total > 0.0 else 0.0


@kernel
def look_ahead(
    order, country, free, foreign, pull, homeward, reachable, first, last, weight, floor, tolerance,
    most, ahead,
):  # fmt: skip
    """Solve W(d) = sum over d' of nest(d, d') max(W(d'), floor)^look_ahead for every origin.

    Each origin is a fixed point of its own, so that one place more in the world does not change
    when another origin's iteration stops. Origins of one country differ by `pull` and by the way
    home alone: some of them are iterated at a time, so that each row of nests is read for all.

    Args:
        order: [place] origins, those of a country next to each other.
        country: [place] country index.
        free: [p, d] nests of the median resident of p where nobody's leave is needed.
        foreign: [citizenship, p, d] nests where leave is needed.
        pull: [o, d] factor of the nest.
        homeward: Factor of the nest of one's place of origin.
        reachable: [o, d] whether people from o could be in d at all.
        first, last: Which origins of `order` are done.
        weight: look_ahead, below 1: the map is a contraction.
        ahead: [o, d] in: start of the iteration; out: max(W, floor)^look_ahead.
    """
    n = country.shape[0]
    # [d, p]: sums for all p at once, since they are neighbours in memory.
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
    """Add what four destinations from d on are worth, one after the other, seen from every p."""
    n = w.shape[0]
    if d + 4 <= n and not d <= o < d + 4:
        worth_0, worth_1, worth_2, worth_3 = worth[d], worth[d + 1], worth[d + 2], worth[d + 3]
        nests_0, nests_1, nests_2, nests_3 = nests[d], nests[d + 1], nests[d + 2], nests[d + 3]
        for p in range(n):
            # The sum stays in a register; its terms come in the order in which one each would.
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
    """[d, p] nests of people of one citizenship, but for the way to their place of origin."""
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
    land,
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
    """Add what is expected of everybody: events by answer, and people by where they would go.

    Moves and stays are probabilities of the step; how often somebody is told no is its rate times
    the time spent before a move, (1 - exp(-R dt)) / R. `years` are rates weighted by that time,
    times the people of the household (Rao-Blackwell). All are added in fixed point, so the sums are
    free of order.

    Args:
        now: [n] day from the start on which each one's rates are taken.
        dt: [n] years for which each is asked.
        cells: [n] cell of each head.
        weight: [place] people that a row of that home stands for.
        micro: Units of the fixed point.
        answers: [cell, answer] households, in 1 / micro, added to.
        years: [cell, answer] people, in 1 / micro, added to.
        flows: [citizenship, origin, destination, channel, answer] people, in 1 / micro, added to.
    """
    n_places = land.country.shape[0]
    nests = np.zeros(n_places)
    ways = np.empty((4, 4))
    for i in range(first, last):
        head = heads[i]
        cell = cells[i]
        money = np.float64(people.means[head])
        lr, fr, lm, fm, lp, fp, lmp, fmp = evaluate(
            people, land, conditions, classes, head, now[i], month, money, ways
        )
        r, r_mp = lr + fr, lmp + fmp
        p = np.int64(people.place[head])
        o = np.int64(people.home[head])
        g = np.int64(people.traits[head]) >> 4
        k = classes[land.country[o], people.group[head]]
        education = (np.int64(people.traits[head]) >> 1) & 3
        kin = np.int64(people.kin[head])
        confined = conditions.by_state[p, people.mask[head] >> 4]
        founded = people.traits[head] & GROUNDS > 0
        local = locality(people, land, head)
        queued = people.activity[head] == WAITING
        n, pioneer, child = household(people, head, month)
        w = float(weight[o]) * micro
        moves = -math.expm1(-r * dt[i])
        secure = lr / conditions.want[p, people.mask[head] & 15]
        choice = secure / r if r > 0.0 else 0.0
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
        years[cell, CHOICE] += int(w * n * secure * span)
        years[cell, NECESSITY] += int(w * n * (r - secure) * span)
        years[cell, NO_MEANS] += int(w * n * gap * by_means * span)
        years[cell, NO_PERMISSION] += int(w * n * gap * (1.0 - by_means) * span)
        if moves <= 0.0:
            continue
        for h in range(2):
            rate = lr if h == LIVELIHOOD else fr
            if rate <= 0.0:
                continue
            free_part = secure / r if h == LIVELIHOOD else 0.0
            forced_part = rate / r - free_part
            with_all = land.companions[h, 0]
            with_one = land.companions[h, 1] if pioneer >= 0 else 0.0
            with_child = land.companions[h, 2] if child >= 0 else 0.0
            total = 0.0
            # First the sum over destinations, then the parts.
            for once_more in range(2):
                for d in range(n_places):
                    n_slots = ways_into(
                        land,
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
                        nests[d] = inside**land.nest * land.ahead[h, o, d]
                        total += nests[d]
                        continue
                    for s in range(n_slots):
                        # `able` with the household's factor times its size counts persons.
                        persons = ways[s, 0] * able(
                            ways[s, 2], money, n, with_all * n, with_one, with_child
                        )
                        way = s
                        if n_slots == 1:
                            way = way_without_leave(d, o, land.country[d] == land.country[p])
                        share = w * moves * nests[d] / total * persons / inside
                        flows[land.country[o], p, d, way, CHOICE] += int(share * free_part)
                        flows[land.country[o], p, d, way, NECESSITY] += int(share * forced_part)
