"""The way: parties advance leg by leg in event time (section 7)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sim.jit import inner, kernel
from sim.kernels.choice import household
from sim.rng import uniform2
from sim.state import DIRECT, F64, GROUNDS, HEAD, HELD, LEADS, NONE, PAST, Bool
from sim.terms import Activity, Answer, Channel, Harm, Status

RESIDENT, TRAVELLING = np.int64(Activity.resident), np.int64(Activity.travelling)
STRANDED, DETAINED = np.int64(Activity.stranded), np.int64(Activity.detained)
CAPTIVE, DEAD = np.int64(Activity.captive), np.int64(Activity.dead)
CITIZEN, DISPLACED, IRREGULAR = (
    np.int64(Status.citizen),
    np.int64(Status.displaced),
    np.int64(Status.irregular),
)
REGULAR, REFUGEE, CLAIMANT = (
    np.int64(Status.regular),
    np.int64(Status.refugee),
    np.int64(Status.claimant),
)
LABOUR, FAMILY, FREE = int(Channel.labour), int(Channel.family), int(Channel.free)
INTERNAL, IRREGULAR_CHANNEL = int(Channel.internal), int(Channel.irregular)
NECESSITY = int(Answer.necessity)
DEATH, VIOLENCE, EXTORTION = int(Harm.death), int(Harm.violence), int(Harm.extortion)
KIDNAPPING, INTERCEPTION = int(Harm.kidnapping), int(Harm.interception)
DETENTION, STRANDING = int(Harm.detention), int(Harm.stranding)
SAME = np.int64(-1)
"""Leaves the status as it is."""
ON_THE_WAY, ARRIVED, LEFT_BEHIND, GONE = 0, 1, 2, 3
"""What becomes of a party in a step: still travelling, at its goal, stranded, all dead."""
NOT_GROUNDS = 255 - GROUNDS
SHORTEST = 0.25
"""Days that a leg takes at least, so that no journey is endless within a step."""


class Way(NamedTuple):
    """What the legs are like under today's rules."""

    utility: F64
    """[class, leg] over the scale of the route choice."""
    value: F64
    """[class, place, destination] ln z."""
    fare: F64
    """[place, destination] cheapest money a person."""
    price: F64
    """[leg] money a person."""
    usable: Bool
    """[leg]"""
    intercepted: F64
    """[leg] probability per traversal."""
    detained: F64
    """[leg] probability of detention once intercepted."""
    detention_days: F64
    """[leg]"""
    responsible: Bool
    """[country] whether a bloc's rule notes who entered it first."""
    turned_back: float
    captivity_days: float


@inner
def next_leg(people, legs, way, head, n, node, goal, draw_key, occasion):
    """The leg a party takes from a node: logit among legs whose way it can pay to the end.

    Returns:
        Index of the leg, or `NONE`.
    """
    g = people.traits[head] >> 4
    money = people.means[head]
    best = -math.inf
    leg = NONE
    who = people.pid[head]
    for e in range(legs.first[node], legs.first[node + 1]):
        target = legs.target[e]
        if not way.usable[e] or way.value[g, target, goal] == -math.inf:
            continue
        if (way.price[e] + way.fare[target, goal]) * n > money * 1.0000001:
            continue
        u = uniform2(draw_key, who, legs.ident[e] + np.uint64(occasion))
        value = way.utility[g, e] + way.value[g, target, goal] - math.log(-math.log(u))
        if value > best:
            best = value
            leg = e
    return leg


@inner
def count_members(people, head):
    """Members of a household who live."""
    founder = people.household[head]
    n = 0
    row = founder
    while True:
        if people.household[row] == founder and people.activity[row] != DEAD:
            n += 1
        row = people.sibling[row]
        if row == founder:
            break
    return n


@inner
def set_members(people, head, place, activity, status, day):
    """Put all living members of a household somewhere; a negative status leaves theirs."""
    founder = people.household[head]
    row = founder
    while True:
        if people.household[row] == founder and people.activity[row] != DEAD:
            people.place[row] = place
            people.activity[row] = activity
            people.moved[row] = day
            if status >= 0:
                people.status[row] = status
        row = people.sibling[row]
        if row == founder:
            break


@inner
def hand_over(people, head):
    """Let the eldest survivor of a household lead on after its head's death.

    Returns:
        Row of the head from now on, or `NONE` where nobody survives.
    """
    founder = people.household[head]
    heir = NONE
    row = founder
    while True:
        if people.household[row] == founder and people.activity[row] != DEAD:
            if heir < 0 or people.born[row] < people.born[heir]:
                heir = row
        row = people.sibling[row]
        if row == founder:
            break
    if heir >= 0:
        people.flags[heir] = people.flags[heir] & PAST | people.flags[head] & LEADS
        people.blocked_on[heir] = people.blocked_on[head]
        people.means[heir] = people.means[head]
    people.flags[head] = people.flags[head] & PAST
    return heir


@inner
def lose_members(people, head, probability, draw_key, occasion):
    """Draw who dies; the eldest survivor leads on.

    Returns:
        (deaths, head): number of deaths, row of the head afterwards or `NONE`.
    """
    founder = people.household[head]
    deaths = 0
    row = founder
    while True:
        if people.household[row] == founder and people.activity[row] != DEAD:
            if uniform2(draw_key, people.pid[row], np.uint64(occasion)) < probability:
                people.activity[row] = DEAD
                deaths += 1
        row = people.sibling[row]
        if row == founder:
            break
    if people.activity[head] == DEAD:
        return deaths, hand_over(people, head)
    return deaths, head


@inner
def count_assaulted(people, head, probability, draw_key, occasion):
    """How many living members are assaulted on a leg."""
    founder = people.household[head]
    n = 0
    row = founder
    while True:
        if people.household[row] == founder and people.activity[row] != DEAD:
            if uniform2(draw_key, people.pid[row], np.uint64(occasion)) < probability:
                n += 1
        row = people.sibling[row]
        if row == founder:
            break
    return n


@inner
def mark_grounds(people, head, grounds):
    """Note on all members whether they fled what gives grounds for asylum."""
    founder = people.household[head]
    row = founder
    while True:
        if people.household[row] == founder:
            if grounds:
                people.traits[row] = people.traits[row] | GROUNDS
            else:
                people.traits[row] = people.traits[row] & NOT_GROUNDS
        row = people.sibling[row]
        if row == founder:
            break


@inner
def note_border(people, country, head, place):
    """Note of a household about to be in another country which one it comes from."""
    left = country[people.place[head]]
    if country[place] == left:
        return
    founder = people.household[head]
    row = founder
    while True:
        if people.household[row] == founder and people.activity[row] != DEAD:
            people.came[row] = left + 1
        row = people.sibling[row]
        if row == founder:
            break


@kernel
def note_borders(people, country, heads, places):
    """Note of households about to be moved which country each of them comes from."""
    for i in range(heads.shape[0]):
        note_border(people, country, heads[i], places[i])


@inner
def leave_behind(people, country, head, node, day):
    """A party that cannot go on: at home it is displaced, elsewhere stranded."""
    home = np.int64(people.home[head])
    if country[node] == country[home]:
        mark_grounds(people, head, False)
        set_members(people, head, node, RESIDENT, CITIZEN if node == home else DISPLACED, day)
    else:
        set_members(people, head, node, STRANDED, IRREGULAR, day)


@inner
def tell_kin(people, row, country):
    """Those of a pioneer's birth household who are not with them now have family in a country."""
    other = people.sibling[row]
    while other != row:
        if people.household[other] != people.household[row]:
            people.kin[other] = country + 1
        other = people.sibling[other]


@kernel
def tell_all_kin(people, rows, countries):
    """Let the birth households of those who may stay know where they have family now."""
    for i in range(rows.shape[0]):
        tell_kin(people, rows[i], countries[i])


@kernel
def settle(
    people,
    heads,
    goals,
    channels,
    answers,
    days,
    entered,
    country,
    classes,
    prima_facie,
    return_to,
    transfers,
    nearest,
    encampment,
    transfer_key,
    camp_key,
    weight,
    wants_camp,
    claims,
    returned,
):
    """Give those who arrive their status.

    Args:
        heads, goals, channels, answers, days: [n] the parties that arrived, and when.
        entered: [n] country of a bloc with a first-country rule entered first, or -1.
        prima_facie: [k, country].
        return_to: [k, country] first country that claimants are sent to, or -1.
        transfers: [country of the claim, first country] share sent there under a bloc's rule.
        nearest: [place, country] nearest place of a country.
        encampment: [k, country] share taken to a camp.
        wants_camp: [n] out: whether the party is to be taken to a camp with room.
        claims: [m] out: rows of persons who claim asylum, -1 padded.
        returned: [country, citizenship] people found inadmissible and sent on, added to.

    Returns:
        Number of persons who claim.
    """
    n_claims = 0
    for i in range(heads.shape[0]):
        head = heads[i]
        home = np.int64(people.home[head])
        own = country[home]
        place = goals[i]
        channel = channels[i]
        day = int(days[i])
        note_border(people, country, head, place)
        k = classes[own, people.group[head]]
        wants_camp[i] = False
        if country[place] == own:
            status = CITIZEN
            if place != home and answers[i] == NECESSITY:
                status = DISPLACED
            set_members(people, head, place, RESIDENT, status, day)
            mark_grounds(people, head, False)
            continue
        if channel == INTERNAL:
            set_members(people, head, place, RESIDENT, SAME, day)
            continue
        if channel == LABOUR or channel == FAMILY or channel == FREE:
            # Where all of a group are taken for refugees, those who fled are registered as such.
            fled = prima_facie[k, country[place]] and people.traits[head] & GROUNDS
            set_members(people, head, place, RESIDENT, REFUGEE if fled else REGULAR, day)
            tell_kin(people, head, country[place])
            continue
        if channel == IRREGULAR_CHANNEL:
            set_members(people, head, place, RESIDENT, IRREGULAR, day)
            continue
        first = return_to[k, country[place]]
        if first < 0 and entered[i] >= 0:
            u = uniform2(transfer_key, people.pid[head], np.uint64(day))
            if u < transfers[country[place], entered[i]]:
                first = entered[i]
        if first >= 0 and first != own:
            returned[country[place], own] += weight[home] * count_members(people, head)
            place = nearest[place, first]
            note_border(people, country, head, place)
        c = country[place]
        wants_camp[i] = uniform2(camp_key, people.pid[head], np.uint64(day)) < encampment[k, c]
        if prima_facie[k, c]:
            set_members(people, head, place, RESIDENT, REFUGEE, day)
            tell_kin(people, head, c)
        else:
            set_members(people, head, place, RESIDENT, CLAIMANT, day)
            founder = people.household[head]
            row = founder
            while True:
                if people.household[row] == founder and people.activity[row] != DEAD:
                    claims[n_claims] = row
                    n_claims += 1
                row = people.sibling[row]
                if row == founder:
                    break
    return n_claims


@kernel
def split_parties(people, heads, companions, price, month, leaders):
    """Let a pioneer or a child leave the household, with the money for the way.

    Who goes ahead takes half of the household's means, or the price if that is more.

    Args:
        heads: [n] rows of the deciding heads.
        companions: [n] who goes.
        price: [n] money a person.
        leaders: [n] out: row that leads the party.
    """
    for i in range(heads.shape[0]):
        head = heads[i]
        leaders[i] = head
        if companions[i] == 0:
            continue
        _, pioneer, child = household(people, head, month)
        row = pioneer if companions[i] == 1 else child
        if row < 0:
            continue
        money = people.means[head]
        taken = min(money, max(np.float32(price[i]), np.float32(0.5) * money))
        people.household[row] = row
        people.flags[row] = people.flags[row] & PAST | HEAD
        people.means[row] = taken
        people.means[head] = money - taken
        leaders[i] = row


@kernel
def set_off(people, leaders, cost, grounds, day):
    """Mark parties as travelling; they pay what is due at departure.

    Args:
        leaders: [n] rows of the heads.
        cost: [n] money a person: fee and fare, or the fee alone of those who pay leg by leg.
        grounds: [n] whether they leave their country with grounds for asylum.
    """
    for i in range(leaders.shape[0]):
        head = leaders[i]
        n = count_members(people, head)
        paid = np.float32(cost[i] * n)
        people.means[head] = max(people.means[head] - paid, np.float32(0.0))
        set_members(people, head, np.int64(people.place[head]), TRAVELLING, SAME, day)
        clear_blocked(people, head)
        if grounds[i]:
            mark_grounds(people, head, True)


@inner
def clear_blocked(people, head):
    """A household that moves is blocked no more."""
    founder = people.household[head]
    row = founder
    while True:
        if people.household[row] == founder:
            people.flags[row] = people.flags[row] & (PAST | HEAD)
        row = people.sibling[row]
        if row == founder:
            break


@kernel
def wait_members(people, heads, activity):
    """Set the activity of whole households where they live."""
    for i in range(heads.shape[0]):
        founder = people.household[heads[i]]
        row = founder
        while True:
            if people.household[row] == founder and people.activity[row] != DEAD:
                people.activity[row] = activity
            row = people.sibling[row]
            if row == founder:
                break


@kernel
def remember(people, heads, past):
    """Note for good what befalls whole households.

    Args:
        heads: [n] rows of their heads.
        past: [n] bits of `PAST`.
    """
    for i in range(heads.shape[0]):
        founder = people.household[heads[i]]
        row = founder
        while True:
            if people.household[row] == founder and people.activity[row] != DEAD:
                people.flags[row] = people.flags[row] | past[i]
            row = people.sibling[row]
            if row == founder:
                break


@kernel
def place_members(people, heads, places, status, days):
    """Move whole households to places as residents on a day; a negative status leaves theirs."""
    for i in range(heads.shape[0]):
        set_members(people, heads[i], places[i], RESIDENT, status, days[i])
        clear_blocked(people, heads[i])


@kernel
def give_status(people, heads, status):
    """Give whole households a status where they live."""
    for i in range(heads.shape[0]):
        founder = people.household[heads[i]]
        row = founder
        while True:
            if people.household[row] == founder and people.activity[row] != DEAD:
                people.status[row] = status
            row = people.sibling[row]
            if row == founder:
                break


@kernel
def forget_grounds(people, heads):
    """Who is back home starts anew: whether there are grounds is asked when they leave again."""
    for i in range(heads.shape[0]):
        mark_grounds(people, heads[i], False)


@kernel
def party_sizes(people, heads):
    """[n] members alive of each household."""
    sizes = np.empty(heads.shape[0], np.int64)
    for i in range(heads.shape[0]):
        sizes[i] = count_members(people, heads[i])
    return sizes


@kernel
def travel(
    people,
    parties,
    legs,
    way,
    country,
    weight,
    keys,
    end,
    fate,
    harms,
    money_taken,
    stranded,
    crossings,
):
    """Advance every party to the end of the step, completing as many legs as fit.

    Args:
        parties: (head, goal, leg, due, began, n_legs, entered) columns; all but goal and began
            change.
        weight: [place] people that a row of that home stands for.
        keys: [7] keys for leg, death, violence, kidnapping, extortion, interception, detention.
        end: Day on which the step ends.
        fate: [party] out.
        harms: [corridor, citizenship, harm] people, added to.
        money_taken: [corridor, citizenship] money extorted, in cents, added to.
        stranded: [place, citizenship] people left behind, added to.
        crossings: [corridor, citizenship] people who came through, added to.
    """
    heads, goals, leg, due, began, n_legs, entered = parties
    for i in range(heads.shape[0]):
        fate[i] = ON_THE_WAY
        head = heads[i]
        w = weight[people.home[head]]
        own = country[people.home[head]]
        while due[i] <= end:
            node = np.int64(people.place[head])
            now = due[i]
            day = int(now)
            e = leg[i]
            occasion = began[i] * 4096 + n_legs[i]
            if e == DIRECT:
                fate[i] = ARRIVED
                break
            if e == HELD:
                if people.activity[head] == DETAINED:
                    leave_behind(people, country, head, node, day)
                    stranded[node, own] += w * count_members(people, head)
                    fate[i] = LEFT_BEHIND
                    break
                set_members(people, head, node, TRAVELLING, SAME, day)
            elif e >= 0:
                c = legs.corridor[e]
                deaths, head = lose_members(people, head, legs.death[e], keys[1], occasion)
                harms[c, own, DEATH] += w * deaths
                if head < 0:
                    fate[i] = GONE
                    break
                heads[i] = head
                n = count_members(people, head)
                harms[c, own, VIOLENCE] += w * count_assaulted(
                    people, head, legs.violence[e], keys[2], occasion
                )
                who = people.pid[head]
                if uniform2(keys[4], who, np.uint64(occasion)) < legs.extortion[e]:
                    taken = people.means[head] * legs.taken[e]
                    people.means[head] = people.means[head] - taken
                    harms[c, own, EXTORTION] += w * n
                    money_taken[c, own] += w * int(taken * 100.0)
                if uniform2(keys[5], who, np.uint64(occasion)) < way.intercepted[e]:
                    harms[c, own, INTERCEPTION] += w * n
                    u = uniform2(keys[6], who, np.uint64(occasion))
                    if u < way.detained[e]:
                        harms[c, own, DETENTION] += w * n
                        set_members(people, head, node, DETAINED, SAME, day)
                        leg[i] = HELD
                        due[i] = now + max(way.detention_days[e], SHORTEST)
                        n_legs[i] += 1
                        continue
                    u = uniform2(keys[6], who, np.uint64(occasion + (1 << 40)))
                    if u < way.turned_back:
                        leave_behind(people, country, head, node, day)
                        stranded[node, own] += w * n
                        fate[i] = LEFT_BEHIND
                        break
                crossings[c, own] += w * n
                node = legs.target[e]
                note_border(people, country, head, node)
                if entered[i] < 0 and way.responsible[country[node]]:
                    entered[i] = country[node]
                set_members(people, head, node, TRAVELLING, SAME, day)
                if uniform2(keys[3], who, np.uint64(occasion)) < legs.kidnapping[e]:
                    harms[c, own, KIDNAPPING] += w * n
                    set_members(people, head, node, CAPTIVE, SAME, day)
                    leg[i] = HELD
                    u = uniform2(keys[3], who, np.uint64(occasion + (1 << 40)))
                    due[i] = now - way.captivity_days * math.log(u)
                    n_legs[i] += 1
                    continue
                if node == goals[i]:
                    fate[i] = ARRIVED
                    break
            n = count_members(people, head)
            if node == goals[i]:
                fate[i] = ARRIVED
                break
            n_legs[i] += 1
            occasion = began[i] * 4096 + n_legs[i]
            e = next_leg(people, legs, way, head, n, node, goals[i], keys[0], occasion)
            if e < 0:
                leave_behind(people, country, head, node, day)
                stranded[node, own] += w * n
                fate[i] = LEFT_BEHIND
                break
            people.means[head] = max(
                np.float32(people.means[head] - way.price[e] * n), np.float32(0.0)
            )
            leg[i] = e
            due[i] = now + max(legs.days[e], SHORTEST)
