"""What a household can choose from: destinations, channels and companions (docs/model.md, 3.4)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sim.core.jit import equation, inner
from sim.core.rng import uniform2
from sim.core.state import F64, GROUNDS, I64, U64, Bool
from sim.core.terms import Activity, Channel, Hazard, Status
from sim.kernels.household import who_could_go
from sim.kernels.plane import MARGIN
from sim.kernels.power import power, raise_all

WAITING = int(Activity.waiting)
STRANDED = int(Activity.stranded)
IRREGULAR_STATUS = int(Status.irregular)
ASYLUM = int(Channel.asylum)
LABOUR = int(Channel.labour)
FAMILY = int(Channel.family)
IRREGULAR = int(Channel.irregular)
INTERNAL = int(Channel.internal)
HOME = int(Channel.home)
FREE = int(Channel.free)
FLIGHT = int(Hazard.flight)


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
    together: F64
    """[h, 2, 2] by whether there is a pioneer, and a child to go alone: the power mu lam of the
    factor of all who could go, over that of the household that has them all."""
    homeward: F64
    """[h] factor of attachment to the place of origin."""
    ident: U64
    """[d] hash of the destination's id."""
    nest: float
    """mu, scale within a destination's nest."""
    inclusive: float
    """lam, exponent of W in the rates."""
    surge: Surge


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


class Chooser(NamedTuple):
    """What sets the alternatives of a household; letters are axes of `ChoiceTables`."""

    place: int
    """p"""
    home: int
    """o"""
    taste: int
    """g"""
    kind: int
    """k"""
    education: int
    """Of its head."""
    kin: int
    """Country with close family, + 1; 0 = none."""
    confined: bool
    """Whether the state is the threat, so that flight within the country is no escape."""
    founded: bool
    """Whether it left its country with grounds for asylum."""
    local: int
    """Local alternatives: 0 none; 1 may claim asylum here; 2 may also settle here irregularly."""
    queued: bool
    """Whether an application is pending, which excludes regular channels."""
    n: int
    """Members."""
    pioneer: bool
    """Whether an adult could go ahead of the others."""
    child: bool
    """Whether a child could go alone."""


@inner
def chooser_of(households, persons, tables, conditions, classes, house, month):
    """`Chooser` of a household."""
    traits = np.int64(persons.traits[households.head[house]])
    n, pioneer, child = who_could_go(households, persons, house, month)
    p = np.int64(households.place[house])
    return Chooser(
        place=p,
        home=np.int64(households.home[house]),
        taste=traits >> 4,
        kind=classes[households.citizenship[house], households.group[house]],
        education=traits >> 1 & 3,
        kin=np.int64(households.kin[house]),
        confined=conditions.by_state[p, households.mask[house] >> 4],
        founded=households.flags[house] & GROUNDS > 0,
        local=locality(households, tables, house),
        queued=households.activity[house] == WAITING,
        n=n,
        pioneer=pioneer >= 0,
        child=child >= 0,
    )


@inner
def companions_of(tables, h, who):
    """Factors of who goes, all, a pioneer, a child: 0 where the household has no such member."""
    return (
        tables.companions[h, 0],
        tables.companions[h, 1] if who.pioneer else 0.0,
        tables.companions[h, 2] if who.child else 0.0,
    )


@inner
def slots_into(tables, h, who, d):
    """Number of slots of a destination.

    Only this and `way_by` decide which channels are feasible for a person.

    Returns:
        0 if it is not feasible, 1 if it needs no permission (`free_way`), 4 for the border channels
        (`way_by`).
    """
    p, o = who.place, who.home
    country = tables.country[d]
    own = country == tables.country[o]
    if tables.pull[h, o, d] == 0.0 or (d == p and (own or who.local == 0)):
        return 0
    within = country == tables.country[p]
    if d != p and (own or within or tables.free[tables.country[o], country]):
        if (own and not within and d != o) or (own and within and who.confined and h == FLIGHT):
            return 0
        return 1
    return 4


@inner
def free_way(tables, h, who, d):
    """(exp(V / mu), price per person) of going where no permission is needed."""
    p, o = who.place, who.home
    country = tables.country[d]
    x = tables.geography[h, 0, who.taste, p, d, 0] * tables.pull[h, o, d]
    if d == o:
        x *= tables.homeward[h]
    elif country != tables.country[p]:
        # Free movement ends in a regular status, as labour does.
        x *= tables.admitted[h, country, LABOUR]
    return x, tables.price[0, p, d, 0]


@inner
def way_by(tables, h, who, d, s):
    """Factors and prices of a border channel.

    Returns:
        (ruled, free, ruled_price, free_price): exp(V / mu) under the rules, 0 where closed to this
        person, and under open policy; price per person under the rules and under open policy.
    """
    p, g, k = who.place, who.taste, who.kind
    kind = 1 if s >= ASYLUM else 0
    if d == p and (kind == 0 or (s == IRREGULAR and who.local < 2)):
        return 0.0, 0.0, 0.0, 0.0
    country = tables.country[d]
    pull = tables.pull[h, who.home, d]
    free = tables.geography[h, 1, g, p, d, kind] * pull * tables.admitted[h, country, s]
    ruled_price = tables.price[0, p, d, kind] + tables.fee[k, country, s]
    free_price = tables.price[1, p, d, kind]
    if kind == 0 and (who.queued or who.education < tables.min_education[k, country, s]):
        return 0.0, free, ruled_price, free_price
    if s == FAMILY and who.kin != country + 1:
        return 0.0, free, ruled_price, free_price
    # People in flight have grounds for asylum; others have them only if they left with grounds.
    fears = 1 if h == FLIGHT or who.founded else 0
    ruled = tables.geography[h, 0, g, p, d, kind] * pull * tables.admission[h, fears, k, country, s]
    if tables.surge.pending and ruled > 0.0:
        loss = tables.surge.entry[h, fears, k, country, s]
        if kind == 1:
            loss += tables.surge.way[g, p, d]
        elif who.education < tables.surge.min_education[k, country, s]:
            loss = math.inf
        # The same factor in all four rates, so that lifting a constraint never lowers a rate.
        gain = surge_factor(loss, tables.surge.most)
        ruled *= gain
        free *= gain
    return ruled, free, ruled_price, free_price


@inner
def inside(tables, h, who, d, money, with_all, with_one, with_child):
    """Sum of exp(V / mu) over what a household could do in one destination, as things are.

    Args:
        money: Means at hand.
        with_all, with_one, with_child: Factors of who goes, see `companions_of`.
    """
    n_slots = slots_into(tables, h, who, d)
    total = 0.0
    if n_slots == 1:
        x, price = free_way(tables, h, who, d)
        total = x * able(price, money, who.n, with_all, with_one, with_child)
    elif n_slots > 1:
        for s in range(4):
            x, _, price, _ = way_by(tables, h, who, d, s)
            if x > 0.0:
                total += x * able(price, money, who.n, with_all, with_one, with_child)
    return total


@inner
def nests_as_ruled(tables, h, who, money, nests):
    """W_h with both constraints, and its term of each destination.

    W = sum over d of (sum over feasible channels and companions of exp(V / mu))^mu W(d)^look_ahead

    Args:
        money: Means at hand.
        nests: [place or more] out: s^mu W(d)^look_ahead, 0 for what is not feasible; 0 behind the
            last place.
    """
    with_all, with_one, with_child = companions_of(tables, h, who)
    n = tables.country.shape[0]
    for d in range(n):
        nests[d] = inside(tables, h, who, d, money, with_all, with_one, with_child)
    raise_all(nests, tables.nest)
    w = 0.0
    for d in range(n):
        nests[d] *= tables.ahead[h, who.home, d]
        w += nests[d]
    return w


@equation
def same_nest(s, one, value_one, other, value_other, nest, ahead):
    """Term of a destination in W, s^mu W(d)^look_ahead; reuses known values of equal sums s."""
    if s == one:
        return value_one
    if s == other:
        return value_other
    return power(s, nest) * ahead


@equation
def channel_without_permission(d, o, within):
    """Channel that needs no permission: home, within the country, or within a bloc."""
    if d == o:
        return HOME
    return INTERNAL if within else FREE


@inner
def worth_if_lifted(tables, h, who, money, nests):
    """W_h without the means constraint, without the permission constraint, and with neither.

    Args:
        money: Means at hand.
        nests: [place] terms of W_h with both, as `nests_as_ruled` gives them.

    Returns:
        (W with unlimited means, W under open policy, W with neither constraint).
    """
    nest = tables.nest
    with_all, with_one, with_child = companions_of(tables, h, who)
    # Added in the same order as in `able`, so that a constraint without effect gives an equal sum.
    full = with_all + (with_one + with_child)
    w_m = w_p = w_mp = 0.0
    for d in range(tables.country.shape[0]):
        n_slots = slots_into(tables, h, who, d)
        s_r = s_m = s_p = s_mp = 0.0
        if n_slots == 1:
            x, price = free_way(tables, h, who, d)
            s_m = s_mp = x * full
            s_r = s_p = x * able(price, money, who.n, with_all, with_one, with_child)
        elif n_slots > 1:
            for s in range(4):
                x, free, price, free_price = way_by(tables, h, who, d, s)
                if free > 0.0:
                    s_mp += free * full
                    s_p += free * able(free_price, money, who.n, with_all, with_one, with_child)
                if x > 0.0:
                    s_m += x * full
                    s_r += x * able(price, money, who.n, with_all, with_one, with_child)
        if s_mp > 0.0:
            # Powers are slow; most sums are equal because few constraints have an effect.
            ahead = tables.ahead[h, who.home, d]
            value = same_nest(s_mp, s_r, nests[d], 0.0, 0.0, nest, ahead)
            w_mp += value
            w_p += same_nest(s_p, s_mp, value, s_r, nests[d], nest, ahead)
            w_m += same_nest(s_m, s_mp, value, s_r, nests[d], nest, ahead)
    return w_m, w_p, w_mp


@inner
def locality(households, tables, house):
    """Local alternatives: 0 none; 1 may claim asylum here; 2 may also settle here irregularly."""
    if tables.country[households.place[house]] == tables.country[households.home[house]]:
        return 0
    if households.activity[house] == STRANDED:
        return 2
    return 1 if households.status[house] == IRREGULAR_STATUS else 0


@equation
def race_time(u, worth):
    """When an alternative comes up, if each does at a rate of its worth: the first one is chosen.

    It is chosen with a probability in proportion to its worth exp(V). The first one is that of the
    greatest V + G with Gumbel deviates G = -ln(-ln u), but one logarithm is enough.

    Args:
        u: A uniform in (0, 1).
        worth: Above 0.
    """
    return -math.log(u) / worth


@inner
def choose(tables, h, who, money, nests, word, goal_key, way_key):
    """Draw where a household goes, how, and with whom: by destination, then within its nest.

    Args:
        h: Hazard that makes it move.
        money: Means at hand.
        nests: [place] as `nests_as_ruled` gives them.
        word: Hash of the event.
        goal_key, way_key: Keys of the draws of the destination, and of the way into it.

    Returns:
        (destination or -1 where nothing is feasible, `Channel`, `Companions`, fee and fare per
        person)
    """
    goal = channel = companions = -1
    paid = 0.0
    first = math.inf
    for d in range(tables.country.shape[0]):
        if nests[d] > 0.0:
            u = uniform2(goal_key, word, tables.ident[d])
            # Most are not the first: -ln u >= 1 - u tells so without a logarithm.
            if 1.0 - u > first * nests[d] * MARGIN:
                continue
            time = race_time(u, nests[d])
            if goal < 0 or time < first:
                first = time
                goal = d
    if goal < 0:
        return goal, channel, companions, paid
    with_all, with_one, with_child = companions_of(tables, h, who)
    n_slots = slots_into(tables, h, who, goal)
    first = math.inf
    for s in range(n_slots):
        if n_slots == 1:
            x, price = free_way(tables, h, who, goal)
        else:
            x, _, price, _ = way_by(tables, h, who, goal, s)
        for c in range(3):
            worth = x * (with_all if c == 0 else with_one if c == 1 else with_child)
            if worth <= 0.0 or price * (who.n if c == 0 else 1) > money:
                continue
            what = tables.ident[goal] + np.uint64(3 * s + c)
            time = race_time(uniform2(way_key, word, what), worth)
            if companions < 0 or time < first:
                first = time
                channel = s
                companions = c
                paid = price
    if n_slots == 1:
        within = tables.country[goal] == tables.country[who.place]
        channel = channel_without_permission(goal, who.home, within)
    return goal, channel, companions, paid
