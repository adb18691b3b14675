"""Travel: parties advance leg by leg in event time (docs/model.md, 3.4)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sim.core.jit import event, inner
from sim.core.rng import uniform2
from sim.core.state import F64, HELD, I64, MICRO, NONE, REMOVED, Bool
from sim.core.terms import Activity, Harm, Status
from sim.kernels import segment
from sim.kernels.harms import expect_harm, harm_party, in_country
from sim.kernels.household import (
    SAME,
    count_ages,
    count_assaulted,
    lose_members,
    mark_grounds,
    move_household,
    party_type_of,
    record_border,
    take_children,
)
from sim.kernels.segment import log_parted

RESIDENT = np.int64(Activity.resident)
TRAVELLING = np.int64(Activity.travelling)
STRANDED = np.int64(Activity.stranded)
DETAINED = np.int64(Activity.detained)
CAPTIVE = np.int64(Activity.captive)
CITIZEN = np.int64(Status.citizen)
DISPLACED = np.int64(Status.displaced)
IRREGULAR = np.int64(Status.irregular)
LEG_DRAW, DEATH_DRAW, VIOLENCE_DRAW = segment.LEG, segment.DEATH, segment.VIOLENCE
KIDNAPPING_DRAW, EXTORTION_DRAW = segment.KIDNAPPING, segment.EXTORTION
INTERCEPTION_DRAW, DETENTION_DRAW = segment.INTERCEPTION, segment.DETENTION
PROSECUTION_DRAW = segment.PROSECUTION
DEATH = np.int64(Harm.death)
VIOLENCE = np.int64(Harm.violence)
EXTORTION = np.int64(Harm.extortion)
KIDNAPPING = np.int64(Harm.kidnapping)
INTERCEPTION = np.int64(Harm.interception)
DETENTION = np.int64(Harm.detention)
STRANDING = np.int64(Harm.stranding)
PROSECUTION = np.int64(Harm.prosecution)
SEPARATION = np.int64(Harm.separation)
FORCED_RETURN = np.int64(Harm.forced_return)
BRIBE = np.int64(Harm.bribe)
ON_THE_WAY, ARRIVED, LEFT_BEHIND, GONE = 0, 1, 2, 3
"""State of a party at the end of a leg: still travelling, arrived, unable to go on, all dead."""
SECOND, THIRD = np.uint64(1 << 40), np.uint64(1 << 41)
"""Set apart further draws of one kind on one occasion."""
SHORTEST = 0.25
"""Shortest duration of a leg or a detention in days, so that time goes on with each of them."""


class Custody(NamedTuple):
    """Treatment of people who are intercepted on a leg.

    Axes: treatment t (parties and nationalities to which the same rules apply), leg.
    """

    treated: I64
    """[party_type, citizenship] treatment."""
    detained: F64
    """[t, leg] share who are detained."""
    days: F64
    """[t, leg] days of detention."""
    turned_back: F64
    """[t, leg] share of people not detained who are sent back to the start of the leg."""
    removed: F64
    """[t, leg] share of detained people who are taken home after detention."""
    prosecuted: F64
    """[t, leg] share of parties whose adults are prosecuted, and then always detained."""
    separated: F64
    """[t, leg] share of prosecuted families whose children are taken from them."""


class Routes(NamedTuple):
    """Routes from every place to every destination, see `solve_routes`."""

    utility: F64
    """[class, leg] utility over the scale of the route choice."""
    cost: F64
    """[plan, place, destination] least cost: it falls along every leg that is open."""
    value: F64
    """[plan, class, place, destination] ln z."""
    fare: F64
    """[plan, place, destination] cheapest fare, money per person."""


class Way(NamedTuple):
    """Conditions of travel by corridors under today's rules."""

    routes: Routes
    price: F64
    """[leg] money per person."""
    usable: Bool
    """[leg] whether it can be used at all."""
    intercepted: F64
    """[leg] probability of interception per traversal."""
    bribed: F64
    """[leg] probability that officials let people through for money instead."""
    custody: Custody


@inner
def next_leg(households, persons, legs, way, passed, house, node, goal, draw_key, occasion):
    """Next leg of a party from a node: logit among open legs from which it can pay for the rest.

    A party that cannot pay for any way by which people like to go takes the cheapest one. No
    journey passes a place twice: tables that change on the way could otherwise turn a party round.

    Args:
        passed: [word] places where the journey has been, see `Plans`.
        occasion: Hash of the journey and the leg.

    Returns:
        Index of the leg, or `NONE`.
    """
    g = persons.traits[households.head[house]] >> 4
    money = households.means[house]
    n = np.int64(households.size[house])
    who = households.ident[house]
    routes = way.routes
    leg = NONE
    for plan in range(routes.cost.shape[0]):
        best = -math.inf
        near = routes.cost[plan, node, goal]
        for e in range(legs.first[node], legs.first[node + 1]):
            target = legs.target[e]
            if not way.usable[e] or routes.cost[plan, target, goal] >= near:
                continue
            if target != goal and (legs.into_camp[e] or has_passed(passed, target)):
                continue
            if (way.price[e] + routes.fare[plan, target, goal]) * n > money * 1.0000001:
                continue
            u = uniform2(draw_key, who, legs.ident[e] ^ occasion)
            value = routes.value[plan, g, target, goal] - math.log(-math.log(u))
            value += routes.utility[g, e]
            if value > best:
                best = value
                leg = e
        if leg != NONE:
            break
    return leg


@inner
def has_passed(passed, place):
    """Whether a journey has been at a place."""
    return passed[place >> 6] >> np.uint64(place & 63) & np.uint64(1) != 0


@inner
def pass_by(passed, place):
    """Remember that a journey has been at a place."""
    passed[place >> 6] |= np.uint64(1) << np.uint64(place & 63)


@event
def leave_behind(households, country, house, node, day):
    """End the journey of a party that cannot go on.

    In its own country it becomes a resident, displaced unless it is at its place of origin;
    elsewhere it is stranded.
    """
    home = np.int64(households.home[house])
    if country[node] == country[home]:
        mark_grounds(households, house, False)
        move_household(
            households, house, node, RESIDENT, CITIZEN if node == home else DISPLACED, day
        )
    else:
        move_household(households, house, node, STRANDED, IRREGULAR, day)


@event
def take_home(households, country, house, day):
    """Bring a household back to its place of origin; its grounds for asylum are cleared."""
    home = np.int64(households.home[house])
    mark_grounds(households, house, False)
    record_border(households, country, house, home)
    move_household(households, house, home, RESIDENT, CITIZEN, day)


@event
def end_of_leg(households, persons, plans, i, legs, way, setting, law, counts, log, new):
    """Let a party come to the end of its leg, detention or captivity, and begin the next leg.

    Args:
        i: Row of the plan of a journey by corridors.
        new: Row for a household of children who are taken from the party.

    Returns:
        (fate, taken): ON_THE_WAY, ARRIVED, LEFT_BEHIND or GONE; whether children were taken. What
        an earlier draw has settled, such as a return after detention, is expected when it happens.
    """
    custody, country, draws, harmed = way.custody, setting.country, setting.draws, counts.harmed
    house = plans.household[i]
    w = np.int64(households.weight[house])
    own = country[households.home[house]]
    goal = plans.goal[i]
    node = np.int64(households.place[house])
    now = plans.due[i]
    day = int(now)
    e = plans.leg[i]
    occasion = plans.word[i] ^ np.uint64(plans.n_legs[i])
    taken = False
    if e <= REMOVED:
        n = np.int64(households.size[house])
        harm_party(harmed, legs.corridor[REMOVED - e], own, FORCED_RETURN, n, w, 1.0, 0.0)
        take_home(households, country, house, day)
        return LEFT_BEHIND, taken
    if e == HELD:
        if households.activity[house] == DETAINED:
            leave_behind(households, country, house, node, day)
            n = np.int64(households.size[house])
            where = in_country(harmed, country[node])
            harm_party(harmed, where, own, STRANDING, n, w, 1.0, 0.0)
            return LEFT_BEHIND, taken
        move_household(households, house, node, TRAVELLING, SAME, day)
    elif e >= 0:
        c = legs.corridor[e]
        n, deaths = lose_members(
            households, persons, house, legs.death[e], draws[DEATH_DRAW], occasion, setting.month
        )
        expect_harm(harmed, c, own, DEATH, n, w, legs.death[e])
        harmed.people[c, own, DEATH] += w * deaths
        if households.size[house] == 0:
            return GONE, taken
        adults, children = count_ages(households, persons, house, setting.month)
        n = adults + children
        expect_harm(harmed, c, own, VIOLENCE, n, w, legs.violence[e])
        harmed.people[c, own, VIOLENCE] += w * count_assaulted(
            households, persons, house, legs.violence[e], draws[VIOLENCE_DRAW], occasion
        )
        who = households.ident[house]
        u = uniform2(draws[EXTORTION_DRAW], who, occasion)
        if harm_party(harmed, c, own, EXTORTION, n, w, legs.extortion[e], u):
            ransom = households.means[house] * legs.money_lost[e]
            households.means[house] = households.means[house] - ransom
            counts.extorted[c, own] += w * int(ransom * 100.0)
        u = uniform2(draws[INTERCEPTION_DRAW], who, occasion)
        met = way.intercepted[e] + way.bribed[e]
        pays = households.means[house] > 0.0
        stopped = way.intercepted[e] if pays else met
        party_type = party_type_of(adults, children)
        expect_harm(harmed, c, own, INTERCEPTION, n, w, stopped)
        counts.caught_expected[c, own, party_type] += int(w * n * stopped * MICRO + 0.5)
        expect_harm(harmed, c, own, BRIBE, n, w, met - stopped)
        if stopped <= u < met:
            bribe = households.means[house] * legs.money_lost[e]
            households.means[house] = households.means[house] - bribe
            harmed.people[c, own, BRIBE] += w * n
            counts.bribes[c, own] += w * int(bribe * 100.0)
        elif u < met:
            harmed.people[c, own, INTERCEPTION] += w * n
            counts.caught[c, own, party_type] += w * n
            t = custody.treated[party_type, households.citizenship[house]]
            u = uniform2(draws[PROSECUTION_DRAW], who, occasion)
            prosecuted = adults > 0 and harm_party(
                harmed, c, own, PROSECUTION, adults, w, custody.prosecuted[t, e], u
            )
            if prosecuted and children > 0:
                u = uniform2(draws[PROSECUTION_DRAW], who, occasion ^ SECOND)
                separated = custody.separated[t, e]
                if harm_party(harmed, c, own, SEPARATION, children, w, separated, u):
                    taken = True
                    take_children(
                        households, persons, country, house, new, setting.month,
                        legs.target[e], day,
                    )  # fmt: skip
                    log_parted(log, new, house, country[legs.target[e]], now)
                    n = adults
            detained = 1.0 if prosecuted else custody.detained[t, e]
            u = uniform2(draws[DETENTION_DRAW], who, occasion)
            if harm_party(harmed, c, own, DETENTION, n, w, detained, u):
                counts.held[t, c] += w * n
                move_household(households, house, node, DETAINED, SAME, day)
                plans.leg[i] = HELD
                u = uniform2(draws[DETENTION_DRAW], who, occasion ^ THIRD)
                if u < custody.removed[t, e]:
                    plans.leg[i] = REMOVED - e
                plans.due[i] = now + max(custody.days[t, e], SHORTEST)
                plans.n_legs[i] += 1
                return ON_THE_WAY, taken
            u = uniform2(draws[DETENTION_DRAW], who, occasion ^ SECOND)
            where = in_country(harmed, country[node])
            if harm_party(harmed, where, own, STRANDING, n, w, custody.turned_back[t, e], u):
                leave_behind(households, country, house, node, day)
                return LEFT_BEHIND, taken
        counts.crossings[c, own] += w * n
        node = legs.target[e]
        record_border(households, country, house, node)
        if plans.entered[i] < 0 and law.responsible[country[node]]:
            plans.entered[i] = country[node]
        move_household(households, house, node, TRAVELLING, SAME, day)
        u = uniform2(draws[KIDNAPPING_DRAW], who, occasion)
        if harm_party(harmed, c, own, KIDNAPPING, n, w, legs.kidnapping[e], u):
            move_household(households, house, node, CAPTIVE, SAME, day)
            plans.leg[i] = HELD
            u = uniform2(draws[KIDNAPPING_DRAW], who, occasion ^ SECOND)
            plans.due[i] = now - setting.captivity_days * math.log(u)
            plans.n_legs[i] += 1
            return ON_THE_WAY, taken
    if node == goal:
        return ARRIVED, taken
    n = np.int64(households.size[house])
    plans.n_legs[i] += 1
    occasion = plans.word[i] ^ np.uint64(plans.n_legs[i])
    pass_by(plans.passed[i], node)
    e = next_leg(
        households, persons, legs, way, plans.passed[i], house, node, goal, draws[LEG_DRAW],
        occasion,
    )  # fmt: skip
    if e < 0:
        leave_behind(households, country, house, node, day)
        where = in_country(harmed, country[node])
        harm_party(harmed, where, own, STRANDING, n, w, 1.0, 0.0)
        return LEFT_BEHIND, taken
    households.means[house] = max(
        np.float32(households.means[house] - way.price[e] * n), np.float32(0.0)
    )
    plans.leg[i] = e
    plans.due[i] = now + max(legs.days[e], SHORTEST)
    return ON_THE_WAY, taken
