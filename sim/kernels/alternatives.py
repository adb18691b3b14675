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
def locality(households, tables, house):
    """Local alternatives: 0 none; 1 may claim asylum here; 2 may also settle here irregularly."""
    if tables.country[households.place[house]] == tables.country[households.home[house]]:
        return 0
    if households.activity[house] == STRANDED:
        return 2
    return 1 if households.status[house] == IRREGULAR_STATUS else 0


@equation
def gumbel(u):
    """Standard Gumbel deviate from a uniform in (0, 1)."""
    return -math.log(-math.log(u))


@inner
def choose(
    households, persons, house, word, h, tables, conditions, classes, goal_key, way_key, month, ways
):  # fmt: skip
    """Draw where a household goes, how, and with whom: by destination, then within its nest.

    Args:
        word: Hash of the event.
        h: Hazard that makes it move.
        goal_key, way_key: Keys of the draws of the destination, and of the way into it.
        ways: [4, 4] working array.

    Returns:
        (destination or -1 where nothing is feasible, `Channel`, `Companions`, fee and fare per
        person)
    """
    head = households.head[house]
    p = np.int64(households.place[house])
    o = np.int64(households.home[house])
    g = np.int64(persons.traits[head]) >> 4
    k = classes[households.citizenship[house], households.group[house]]
    education = (np.int64(persons.traits[head]) >> 1) & 3
    kin = np.int64(households.kin[house])
    confined = conditions.by_state[p, households.mask[house] >> 4]
    founded = households.flags[house] & GROUNDS > 0
    local = locality(households, tables, house)
    queued = households.activity[house] == WAITING
    n, pioneer, child = who_could_go(households, persons, house, month)
    money = np.float64(households.means[house])
    with_all = tables.companions[h, 0]
    with_one = tables.companions[h, 1] if pioneer >= 0 else 0.0
    with_child = tables.companions[h, 2] if child >= 0 else 0.0
    best = -math.inf
    goal = channel = companions = -1
    price = 0.0
    # The last pass is about the ways into the goal.
    for turn in range(tables.country.shape[0] + 1):
        d = turn if turn < tables.country.shape[0] else goal
        if d < 0:
            break
        n_slots = ways_into(
            tables, h, p, o, g, k, education, kin, confined, founded, local, queued, d, ways
        )
        if turn < tables.country.shape[0]:
            total = 0.0
            for s in range(n_slots):
                total += ways[s, 0] * able(ways[s, 2], money, n, with_all, with_one, with_child)
            if total > 0.0:
                value = tables.nest * math.log(total) + math.log(tables.ahead[h, o, d])
                value += gumbel(uniform2(goal_key, word, tables.ident[d]))
                if value > best:
                    best = value
                    goal = d
            continue
        best = -math.inf
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
                value += gumbel(uniform2(way_key, word, tables.ident[d] + np.uint64(3 * s + c)))
                if value > best:
                    best = value
                    channel = s
                    if n_slots == 1:
                        channel = channel_without_permission(
                            d, o, tables.country[d] == tables.country[p]
                        )
                    companions = c
                    price = ways[s, 2]
    return goal, channel, companions, price
