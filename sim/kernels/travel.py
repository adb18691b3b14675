"""Travel: parties advance leg by leg in event time (section 7)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sim.core.jit import inner, kernel
from sim.core.rng import uniform2
from sim.core.state import DIRECT, F64, HELD, I64, MICRO, NONE, REMOVED, Bool
from sim.core.terms import Activity, Harm, Status
from sim.kernels.harms import expect_harm, harm_party, in_country
from sim.kernels.household import (
    NOT_BLOCKED,
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

RESIDENT = np.int64(Activity.resident)
TRAVELLING = np.int64(Activity.travelling)
STRANDED = np.int64(Activity.stranded)
DETAINED = np.int64(Activity.detained)
CAPTIVE = np.int64(Activity.captive)
CITIZEN = np.int64(Status.citizen)
DISPLACED = np.int64(Status.displaced)
IRREGULAR = np.int64(Status.irregular)
DEATH = int(Harm.death)
VIOLENCE = int(Harm.violence)
EXTORTION = int(Harm.extortion)
KIDNAPPING = int(Harm.kidnapping)
INTERCEPTION = int(Harm.interception)
DETENTION = int(Harm.detention)
STRANDING = int(Harm.stranding)
PROSECUTION = int(Harm.prosecution)
SEPARATION = int(Harm.separation)
FORCED_RETURN = int(Harm.forced_return)
BRIBE = int(Harm.bribe)
ON_THE_WAY, ARRIVED, LEFT_BEHIND, GONE = 0, 1, 2, 3
"""State of a party after a step: still travelling, arrived, unable to go on, all dead."""
SHORTEST = 0.25
"""Shortest duration of a leg in days, so that a journey cannot go on forever within a step."""


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
    responsible: Bool
    """[country] whether a bloc makes it responsible for claims of people who enter it first."""
    captivity_days: float
    """Mean days that kidnapped people are held."""


@inner
def next_leg(households, persons, legs, way, passed, house, n, node, goal, draw_key, occasion):
    """Next leg of a party from a node: logit among open legs from which it can pay for the rest.

    A party that cannot pay for any way by which people like to go takes the cheapest one. No
    journey passes a place twice: tables that change on the way could otherwise turn a party round.

    Args:
        passed: [word] places where the journey has been, see `Parties`.

    Returns:
        Index of the leg, or `NONE`.
    """
    g = persons.traits[households.head[house]] >> 4
    money = households.means[house]
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
            u = uniform2(draw_key, who, legs.ident[e] + np.uint64(occasion))
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


@inner
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


@inner
def take_home(households, country, house, day):
    """Bring a household back to its place of origin; its grounds for asylum are cleared."""
    home = np.int64(households.home[house])
    mark_grounds(households, house, False)
    record_border(households, country, house, home)
    move_household(households, house, home, RESIDENT, CITIZEN, day)


@kernel
def set_off(households, leaders, cost, grounds, uprooted, day):
    """Mark parties as travelling, and deduct what they pay at departure.

    Args:
        leaders: [n] rows of the households.
        cost: [n] money per person: fee and fare, or only the fee if they pay leg by leg.
        grounds: [n] whether they leave their country with grounds for asylum.
        uprooted: [n] threats that have uprooted them, bit k.
    """
    for i in range(leaders.shape[0]):
        house = leaders[i]
        n = np.int64(households.size[house])
        paid = np.float32(cost[i] * n)
        households.means[house] = max(households.means[house] - paid, np.float32(0.0))
        move_household(households, house, np.int64(households.place[house]), TRAVELLING, SAME, day)
        households.flags[house] &= NOT_BLOCKED
        households.uprooted[house] = uprooted[i]
        if grounds[i]:
            mark_grounds(households, house, True)


@kernel
def travel(
    households,
    persons,
    parties,
    legs,
    way,
    country,
    keys,
    end,
    month,
    fate,
    harmed,
    caught,
    caught_expected,
    money_taken,
    bribes,
    crossings,
    held,
    spare,
    taken,
):
    """Advance every party to the end of the sub-step, completing as many legs as fit.

    Args:
        parties: (household, goal, leg, due, began, n_legs, entered, passed) columns; leg, due,
            n_legs, entered and passed change.
        keys: [8] keys for leg, death, violence, kidnapping, extortion, interception, detention,
            prosecution.
        end: Day on which the sub-step ends.
        month: Month from the start, which sets ages.
        fate: [party] out: ON_THE_WAY, ARRIVED, LEFT_BEHIND or GONE.
        harmed: `Harmed`, added to. What an earlier draw has settled, such as a return after
            detention, is expected when it happens.
        caught: [corridor, citizenship, party_type] people intercepted, added to.
        caught_expected: The same, expected, in 1 / MICRO.
        money_taken: [corridor, citizenship] money extorted, in cents, added to.
        bribes: [corridor, citizenship] money taken as bribes, in cents, added to.
        crossings: [corridor, citizenship] people who passed through, added to.
        held: [treatment, corridor] people whose detention began, added to.
        spare: First row for households of children who are taken from a party; there is one more
            for each party.
        taken: [party] out: row of the household of children taken from the party, or `NONE`.

    Returns:
        Number of households of children.
    """
    custody = way.custody
    n_taken = 0
    houses, goals, leg, due, began, n_legs, entered, passed = parties
    for i in range(houses.shape[0]):
        fate[i] = ON_THE_WAY
        taken[i] = NONE
        house = houses[i]
        w = np.int64(households.weight[house])
        own = country[households.home[house]]
        while due[i] <= end:
            node = np.int64(households.place[house])
            now = due[i]
            day = int(now)
            e = leg[i]
            occasion = began[i] * 4096 + n_legs[i]
            if e == DIRECT:
                fate[i] = ARRIVED
                break
            if e <= REMOVED:
                n = np.int64(households.size[house])
                harm_party(harmed, legs.corridor[REMOVED - e], own, FORCED_RETURN, n, w, 1.0, 0.0)
                take_home(households, country, house, day)
                fate[i] = LEFT_BEHIND
                break
            if e == HELD:
                if households.activity[house] == DETAINED:
                    leave_behind(households, country, house, node, day)
                    n = np.int64(households.size[house])
                    where = in_country(harmed, country[node])
                    harm_party(harmed, where, own, STRANDING, n, w, 1.0, 0.0)
                    fate[i] = LEFT_BEHIND
                    break
                move_household(households, house, node, TRAVELLING, SAME, day)
            elif e >= 0:
                c = legs.corridor[e]
                n, deaths = lose_members(
                    households, persons, house, legs.death[e], keys[1], occasion
                )
                expect_harm(harmed, c, own, DEATH, n, w, legs.death[e])
                harmed.people[c, own, DEATH] += w * deaths
                if households.size[house] == 0:
                    fate[i] = GONE
                    break
                adults, children = count_ages(households, persons, house, month)
                n = adults + children
                expect_harm(harmed, c, own, VIOLENCE, n, w, legs.violence[e])
                harmed.people[c, own, VIOLENCE] += w * count_assaulted(
                    households, persons, house, legs.violence[e], keys[2], occasion
                )
                who = households.ident[house]
                u = uniform2(keys[4], who, np.uint64(occasion))
                if harm_party(harmed, c, own, EXTORTION, n, w, legs.extortion[e], u):
                    ransom = households.means[house] * legs.money_lost[e]
                    households.means[house] = households.means[house] - ransom
                    money_taken[c, own] += w * int(ransom * 100.0)
                u = uniform2(keys[5], who, np.uint64(occasion))
                met = way.intercepted[e] + way.bribed[e]
                pays = households.means[house] > 0.0
                stopped = way.intercepted[e] if pays else met
                party_type = party_type_of(adults, children)
                expect_harm(harmed, c, own, INTERCEPTION, n, w, stopped)
                caught_expected[c, own, party_type] += int(w * n * stopped * MICRO + 0.5)
                expect_harm(harmed, c, own, BRIBE, n, w, met - stopped)
                if stopped <= u < met:
                    bribe = households.means[house] * legs.money_lost[e]
                    households.means[house] = households.means[house] - bribe
                    harmed.people[c, own, BRIBE] += w * n
                    bribes[c, own] += w * int(bribe * 100.0)
                elif u < met:
                    harmed.people[c, own, INTERCEPTION] += w * n
                    caught[c, own, party_type] += w * n
                    t = custody.treated[party_type, households.citizenship[house]]
                    u = uniform2(keys[7], who, np.uint64(occasion))
                    prosecuted = adults > 0 and harm_party(
                        harmed, c, own, PROSECUTION, adults, w, custody.prosecuted[t, e], u
                    )
                    if prosecuted and children > 0:
                        u = uniform2(keys[7], who, np.uint64(occasion + (1 << 40)))
                        separated = custody.separated[t, e]
                        if harm_party(harmed, c, own, SEPARATION, children, w, separated, u):
                            taken[i] = spare + n_taken
                            n_taken += 1
                            take_children(
                                households, persons, country, house, taken[i], month,
                                legs.target[e], day,
                            )  # fmt: skip
                            n = adults
                    detained = 1.0 if prosecuted else custody.detained[t, e]
                    u = uniform2(keys[6], who, np.uint64(occasion))
                    if harm_party(harmed, c, own, DETENTION, n, w, detained, u):
                        held[t, c] += w * n
                        move_household(households, house, node, DETAINED, SAME, day)
                        leg[i] = HELD
                        u = uniform2(keys[6], who, np.uint64(occasion + (1 << 41)))
                        if u < custody.removed[t, e]:
                            leg[i] = REMOVED - e
                        due[i] = now + max(custody.days[t, e], SHORTEST)
                        n_legs[i] += 1
                        continue
                    u = uniform2(keys[6], who, np.uint64(occasion + (1 << 40)))
                    where = in_country(harmed, country[node])
                    turned_back = custody.turned_back[t, e]
                    if harm_party(harmed, where, own, STRANDING, n, w, turned_back, u):
                        leave_behind(households, country, house, node, day)
                        fate[i] = LEFT_BEHIND
                        break
                crossings[c, own] += w * n
                node = legs.target[e]
                record_border(households, country, house, node)
                if entered[i] < 0 and way.responsible[country[node]]:
                    entered[i] = country[node]
                move_household(households, house, node, TRAVELLING, SAME, day)
                u = uniform2(keys[3], who, np.uint64(occasion))
                if harm_party(harmed, c, own, KIDNAPPING, n, w, legs.kidnapping[e], u):
                    move_household(households, house, node, CAPTIVE, SAME, day)
                    leg[i] = HELD
                    u = uniform2(keys[3], who, np.uint64(occasion + (1 << 40)))
                    due[i] = now - way.captivity_days * math.log(u)
                    n_legs[i] += 1
                    continue
                if node == goals[i]:
                    fate[i] = ARRIVED
                    break
            n = np.int64(households.size[house])
            if node == goals[i]:
                fate[i] = ARRIVED
                break
            n_legs[i] += 1
            occasion = began[i] * 4096 + n_legs[i]
            pass_by(passed[i], node)
            e = next_leg(
                households,
                persons,
                legs,
                way,
                passed[i],
                house,
                n,
                node,
                goals[i],
                keys[0],
                occasion,
            )
            if e < 0:
                leave_behind(households, country, house, node, day)
                where = in_country(harmed, country[node])
                harm_party(harmed, where, own, STRANDING, n, w, 1.0, 0.0)
                fate[i] = LEFT_BEHIND
                break
            households.means[house] = max(
                np.float32(households.means[house] - way.price[e] * n), np.float32(0.0)
            )
            leg[i] = e
            due[i] = now + max(legs.days[e], SHORTEST)
    return n_taken
