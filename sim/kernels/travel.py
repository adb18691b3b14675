"""Travel: parties advance leg by leg in event time (section 7)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sim.core.jit import equation, inner, kernel
from sim.core.rng import uniform2
from sim.core.state import (
    DIRECT,
    F64,
    GROUNDS,
    HEAD,
    HELD,
    I64,
    LEADS,
    LONG_AGO,
    MICRO,
    NONE,
    PAST,
    REMOVED,
    Bool,
)
from sim.core.terms import Activity, Channel, Harm, PartyType, Status
from sim.kernels.choice import household

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
DEATH, VIOLENCE, EXTORTION = int(Harm.death), int(Harm.violence), int(Harm.extortion)
KIDNAPPING, INTERCEPTION = int(Harm.kidnapping), int(Harm.interception)
DETENTION, STRANDING = int(Harm.detention), int(Harm.stranding)
PROSECUTION, SEPARATION = int(Harm.prosecution), int(Harm.separation)
FORCED_RETURN, BRIBE = int(Harm.forced_return), int(Harm.bribe)
ADULTS, FAMILIES = int(PartyType.adults), int(PartyType.families)
CHILDREN_ALONE = int(PartyType.children_alone)
SAME = np.int64(-1)
"""Leaves the status as it is."""
ON_THE_WAY, ARRIVED, LEFT_BEHIND, GONE = 0, 1, 2, 3
"""State of a party after a step: still travelling, arrived, unable to go on, all dead."""
NOT_GROUNDS = 255 - GROUNDS
GROWN_UP = 12 * 18
"""Age in months from which a person is an adult."""
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


class Harmed(NamedTuple):
    """Harms that happened, and harms to be expected.

    Axes: where (corridors, then countries), citizenship, `Harm`.
    """

    people: I64
    """People who were harmed."""
    expected: I64
    """People to be expected: at every draw, its probability times the people whom it is about.

    In 1 / MICRO: sums of integers do not depend on the order of rows."""
    rows: I64
    """Persons whom draws were about that could harm them: `expected` rests on so many."""


@inner
def in_country(harmed, country):
    """Where harms of a country are counted that happen on no corridor."""
    return harmed.people.shape[0] - harmed.people.shape[1] + country


@inner
def expect_harm(harmed, where, own, harm, n, w, probability):
    """Add what is to be expected of a draw, given everything that has been drawn before.

    Args:
        own: Country of citizenship.
        n: Persons whom the draw is about.
        w: People that each represents.
        probability: That a person is harmed.
    """
    if probability > 0.0:
        harmed.expected[where, own, harm] += int(w * n * probability * MICRO + 0.5)
        harmed.rows[where, own, harm] += n


@inner
def harm_party(harmed, where, own, harm, n, w, probability, u):
    """Count a harm to a whole party or to nobody in it, as expected and as it happens.

    Args:
        own, n, w, probability: As in `expect_harm`.
        u: The draw, from 0 to 1.

    Returns:
        Whether it happens.
    """
    expect_harm(harmed, where, own, harm, n, w, probability)
    if u >= probability:
        return False
    harmed.people[where, own, harm] += w * n
    return True


@inner
def next_leg(people, legs, way, passed, head, n, node, goal, draw_key, occasion):
    """Next leg of a party from a node: logit among open legs from which it can pay for the rest.

    A party that cannot pay for any way by which people like to go takes the cheapest one. No
    journey passes a place twice: tables that change on the way could otherwise turn a party round.

    Args:
        passed: [word] places where the journey has been, see `Parties`.

    Returns:
        Index of the leg, or `NONE`.
    """
    g = people.traits[head] >> 4
    money = people.means[head]
    who = people.pid[head]
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
def count_members(people, head):
    """Number of living members of a household."""
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


@equation
def party_type_of(adults, children):
    """`PartyType` of a party; children are under 18."""
    if adults == 0:
        return CHILDREN_ALONE
    return FAMILIES if children > 0 else ADULTS


@kernel
def party_types(people, heads, month, party_type):
    """`PartyType` of the parties of heads.

    Args:
        heads: [n] rows.
        month: Month from the start, which sets ages.
        party_type: [n] out.
    """
    for i in range(heads.shape[0]):
        adults, children = count_ages(people, heads[i], month)
        party_type[i] = party_type_of(adults, children)


@inner
def count_ages(people, head, month):
    """(adults, children under 18) among the living members of a household."""
    founder = people.household[head]
    adults = children = 0
    row = founder
    while True:
        if people.household[row] == founder and people.activity[row] != DEAD:
            if month - people.born[row] >= GROWN_UP:
                adults += 1
            else:
                children += 1
        row = people.sibling[row]
        if row == founder:
            break
    return adults, children


@inner
def set_members(people, head, place, activity, status, day):
    """Set place and state of all living members of a household; status < 0 leaves theirs.

    Citizens are settled, and so not uprooted any more.
    """
    founder = people.household[head]
    row = founder
    while True:
        if people.household[row] == founder and people.activity[row] != DEAD:
            people.place[row] = place
            people.activity[row] = activity
            people.moved[row] = day
            if status >= 0:
                people.status[row] = status
            if status == CITIZEN:
                people.uprooted[row] = 0
        row = people.sibling[row]
        if row == founder:
            break


@inner
def hand_over(people, head):
    """Make the eldest survivor of a household its head after the head's death.

    Returns:
        Row of the new head, or `NONE` if no one survives.
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
    """Draw the members who die; if the head dies, the eldest survivor becomes head.

    Returns:
        (lived, deaths, head): number of members before, number of deaths, row of the head
        afterwards or `NONE`.
    """
    founder = people.household[head]
    lived = deaths = 0
    row = founder
    while True:
        if people.household[row] == founder and people.activity[row] != DEAD:
            lived += 1
            if uniform2(draw_key, people.pid[row], np.uint64(occasion)) < probability:
                people.activity[row] = DEAD
                deaths += 1
        row = people.sibling[row]
        if row == founder:
            break
    if people.activity[head] == DEAD:
        return lived, deaths, hand_over(people, head)
    return lived, deaths, head


@inner
def count_assaulted(people, head, probability, draw_key, occasion):
    """Draw how many living members are assaulted on a leg."""
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
    """Record for all members whether they have grounds for asylum."""
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
def record_border(people, country, head, place):
    """Record the country that a household leaves, if `place` is in another country."""
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
def record_borders(people, country, heads, places):
    """Record the country that each household leaves, before it is moved to another one."""
    for i in range(heads.shape[0]):
        record_border(people, country, heads[i], places[i])


@inner
def leave_behind(people, country, head, node, day):
    """End the journey of a party that cannot go on.

    In its own country it becomes a resident, displaced unless it is at its place of origin;
    elsewhere it is stranded.
    """
    home = np.int64(people.home[head])
    if country[node] == country[home]:
        mark_grounds(people, head, False)
        set_members(people, head, node, RESIDENT, CITIZEN if node == home else DISPLACED, day)
    else:
        set_members(people, head, node, STRANDED, IRREGULAR, day)


@inner
def take_home(people, country, head, day):
    """Bring a household back to its place of origin; its grounds for asylum are cleared."""
    home = np.int64(people.home[head])
    mark_grounds(people, head, False)
    record_border(people, country, head, home)
    set_members(people, head, home, RESIDENT, CITIZEN, day)


@inner
def take_children(people, country, head, month, place, day):
    """Take the children of a party from its adults: the state holds them in a place.

    They form a separate household without money, with the eldest as head, until `reunite`.

    Returns:
        Row of the eldest child, the founder of that household.
    """
    founder = people.household[head]
    eldest = NONE
    row = founder
    while True:
        if people.household[row] == founder and people.activity[row] != DEAD:
            if month - people.born[row] < GROWN_UP:
                if eldest < 0 or people.born[row] < people.born[eldest]:
                    eldest = row
        row = people.sibling[row]
        if row == founder:
            break
    row = founder
    while True:
        if people.household[row] == founder and people.activity[row] != DEAD:
            if month - people.born[row] < GROWN_UP:
                people.household[row] = eldest
                people.means[row] = 0.0
        row = people.sibling[row]
        if row == founder:
            break
    people.flags[eldest] = people.flags[eldest] & PAST | HEAD
    record_border(people, country, eldest, place)
    set_members(people, eldest, place, DETAINED, IRREGULAR, day)
    return eldest


@inner
def find_head(people, founder):
    """Row of the head of a household, or `NONE` if no member lives."""
    row = founder
    while True:
        if people.household[row] == founder and people.activity[row] != DEAD:
            if people.flags[row] & HEAD:
                return row
        row = people.sibling[row]
        if row == founder:
            break
    return NONE


@kernel
def reunite(people, children, adults, days, heads):
    """Return children to the household they were taken from, wherever it is.

    Args:
        children, adults: [n] rows of the founders of both households.
        days: [n] day on which they are reunited.
        heads: [n] out: head of the household, or `NONE` if no member lives.
    """
    for i in range(children.shape[0]):
        founder = children[i]
        head = find_head(people, adults[i])
        heads[i] = head
        if head < 0:
            continue
        row = founder
        while True:
            if people.household[row] == founder and row != founder:
                join(people, row, head, days[i])
            row = people.sibling[row]
            if row == founder:
                break
        join(people, founder, head, days[i])


@inner
def join(people, row, head, day):
    """Make a person a member of a household; the living also get its place, status and so on."""
    people.household[row] = people.household[head]
    people.flags[row] = people.flags[row] & PAST
    if people.activity[row] == DEAD:
        return
    people.place[row] = people.place[head]
    people.came[row] = people.came[head]
    people.activity[row] = people.activity[head]
    people.status[row] = people.status[head]
    people.moved[row] = day
    people.kin[row] = people.kin[head]
    people.mask[row] = people.mask[head]
    people.uprooted[row] = people.uprooted[head]
    people.traits[row] = people.traits[row] & NOT_GROUNDS | people.traits[head] & GROUNDS


@inner
def tell_kin(people, row, country):
    """Record a country as one with close family, for birth-household members living elsewhere."""
    other = people.sibling[row]
    while other != row:
        if people.household[other] != people.household[row]:
            people.kin[other] = country + 1
        other = people.sibling[other]


@kernel
def tell_all_kin(people, rows, countries):
    """Do `tell_kin` for persons who have gained the right to stay in a country."""
    for i in range(rows.shape[0]):
        tell_kin(people, rows[i], countries[i])


@kernel
def assign_arrival_status(
    people,
    heads,
    goals,
    channels,
    felt,
    days,
    entered,
    country,
    classes,
    prima_facie,
    return_to,
    transfers,
    nearest,
    place_ident,
    encampment,
    transfer_key,
    camp_key,
    weight,
    wants_camp,
    claims,
    harmed,
):
    """Give arrivals their legal status.

    Args:
        heads, goals, channels, felt, days: [n] the parties that arrived, and when.
        entered: [n] country entered first among those with a bloc's first-country rule, or -1.
        prima_facie: [k, country] whether all of the class are recognised on arrival.
        return_to: [k, country] country to which claimants are sent, or -1.
        transfers: [country of the claim, first country] share sent there under a bloc's rule.
        nearest: [place, country] nearest place of a country.
        place_ident: [place] hash of its id.
        encampment: [k, country] share taken to a camp.
        wants_camp: [n] out: whether the party is to be taken to a camp, if there is room.
        claims: [m] out: rows of persons who claim asylum, padded with -1.
        harmed: `Harmed`; those found inadmissible and sent elsewhere are added.

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
        # Who arrives at two places on one day draws anew at the second.
        arrival = place_ident[place] + np.uint64(day)
        record_border(people, country, head, place)
        k = classes[own, people.group[head]]
        wants_camp[i] = False
        if country[place] == own:
            status = CITIZEN
            if place != home and felt[i] > 0:
                status = DISPLACED
            set_members(people, head, place, RESIDENT, status, day)
            mark_grounds(people, head, False)
            continue
        if channel == INTERNAL:
            set_members(people, head, place, RESIDENT, SAME, day)
            continue
        if channel == LABOUR or channel == FAMILY or channel == FREE:
            # Under prima facie recognition, people with grounds are registered as refugees.
            fled = prima_facie[k, country[place]] and people.traits[head] & GROUNDS
            set_members(people, head, place, RESIDENT, REFUGEE if fled else REGULAR, day)
            tell_kin(people, head, country[place])
            continue
        if channel == IRREGULAR_CHANNEL:
            set_members(people, head, place, RESIDENT, IRREGULAR, day)
            continue
        first = return_to[k, country[place]]
        sent = 1.0
        if first < 0 and entered[i] >= 0:
            first = entered[i]
            sent = transfers[country[place], first]
        if first >= 0 and first != own:
            where = in_country(harmed, country[place])
            n = count_members(people, head)
            u = uniform2(transfer_key, people.pid[head], arrival)
            if harm_party(harmed, where, own, FORCED_RETURN, n, weight[home], sent, u):
                place = nearest[place, first]
                record_border(people, country, head, place)
        c = country[place]
        wants_camp[i] = uniform2(camp_key, people.pid[head], arrival) < encampment[k, c]
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
    """Split a pioneer or a child off the household, with money for the journey.

    They take half of the household's means, or the price if that is more.

    Args:
        heads: [n] rows of the deciding heads.
        companions: [n] `Companions`.
        price: [n] money per person.
        leaders: [n] out: row of the party's head.
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
def set_off(people, leaders, cost, grounds, uprooted, day):
    """Mark parties as travelling, and deduct what they pay at departure.

    Args:
        leaders: [n] rows of the heads.
        cost: [n] money per person: fee and fare, or only the fee if they pay leg by leg.
        grounds: [n] whether they leave their country with grounds for asylum.
        uprooted: [n] threats that have uprooted them, bit k.
    """
    for i in range(leaders.shape[0]):
        head = leaders[i]
        n = count_members(people, head)
        paid = np.float32(cost[i] * n)
        people.means[head] = max(people.means[head] - paid, np.float32(0.0))
        set_members(people, head, np.int64(people.place[head]), TRAVELLING, SAME, day)
        clear_blocked(people, head)
        mark_uprooted(people, head, uprooted[i])
        if grounds[i]:
            mark_grounds(people, head, True)


@inner
def mark_uprooted(people, head, threats):
    """Record for all living members of a household which threats have uprooted it, bit k."""
    founder = people.household[head]
    row = founder
    while True:
        if people.household[row] == founder and people.activity[row] != DEAD:
            people.uprooted[row] = threats
        row = people.sibling[row]
        if row == founder:
            break


@inner
def clear_blocked(people, head):
    """Clear the blocked flags of a household that moves."""
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
    """Set the activity of all living members of households."""
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
    """Set history flags of all living members of households.

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
    """Move whole households to places as residents on a day; status < 0 leaves theirs."""
    for i in range(heads.shape[0]):
        set_members(people, heads[i], places[i], RESIDENT, status, days[i])
        clear_blocked(people, heads[i])


@kernel
def give_status(people, heads, status):
    """Set the legal status of all living members of households; citizens are settled."""
    for i in range(heads.shape[0]):
        founder = people.household[heads[i]]
        row = founder
        while True:
            if people.household[row] == founder and people.activity[row] != DEAD:
                people.status[row] = status
                if status == CITIZEN:
                    people.uprooted[row] = 0
            row = people.sibling[row]
            if row == founder:
                break


@kernel
def forget_moves(people, heads):
    """Treat whole households as if they had not moved for a long time."""
    for i in range(heads.shape[0]):
        founder = people.household[heads[i]]
        row = founder
        while True:
            if people.household[row] == founder:
                people.moved[row] = LONG_AGO
            row = people.sibling[row]
            if row == founder:
                break


@kernel
def forget_grounds(people, heads):
    """Clear the grounds for asylum of households back home; they are set when they leave again."""
    for i in range(heads.shape[0]):
        mark_grounds(people, heads[i], False)


@kernel
def party_sizes(people, heads):
    """[n] number of living members of each household."""
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
    month,
    fate,
    harmed,
    caught,
    caught_expected,
    money_taken,
    bribes,
    crossings,
    held,
    taken,
):
    """Advance every party to the end of the sub-step, completing as many legs as fit.

    Args:
        parties: (head, goal, leg, due, began, n_legs, entered, passed) columns; all but goal and
            began change.
        weight: [place] people that a row of that origin represents.
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
        taken: [party] out: founder of the household of children taken from the party, or `NONE`.
    """
    custody = way.custody
    heads, goals, leg, due, began, n_legs, entered, passed = parties
    for i in range(heads.shape[0]):
        fate[i] = ON_THE_WAY
        taken[i] = NONE
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
            if e <= REMOVED:
                n = count_members(people, head)
                harm_party(harmed, legs.corridor[REMOVED - e], own, FORCED_RETURN, n, w, 1.0, 0.0)
                take_home(people, country, head, day)
                fate[i] = LEFT_BEHIND
                break
            if e == HELD:
                if people.activity[head] == DETAINED:
                    leave_behind(people, country, head, node, day)
                    n = count_members(people, head)
                    where = in_country(harmed, country[node])
                    harm_party(harmed, where, own, STRANDING, n, w, 1.0, 0.0)
                    fate[i] = LEFT_BEHIND
                    break
                set_members(people, head, node, TRAVELLING, SAME, day)
            elif e >= 0:
                c = legs.corridor[e]
                n, deaths, head = lose_members(people, head, legs.death[e], keys[1], occasion)
                expect_harm(harmed, c, own, DEATH, n, w, legs.death[e])
                harmed.people[c, own, DEATH] += w * deaths
                if head < 0:
                    fate[i] = GONE
                    break
                heads[i] = head
                adults, children = count_ages(people, head, month)
                n = adults + children
                expect_harm(harmed, c, own, VIOLENCE, n, w, legs.violence[e])
                harmed.people[c, own, VIOLENCE] += w * count_assaulted(
                    people, head, legs.violence[e], keys[2], occasion
                )
                who = people.pid[head]
                u = uniform2(keys[4], who, np.uint64(occasion))
                if harm_party(harmed, c, own, EXTORTION, n, w, legs.extortion[e], u):
                    ransom = people.means[head] * legs.money_lost[e]
                    people.means[head] = people.means[head] - ransom
                    money_taken[c, own] += w * int(ransom * 100.0)
                u = uniform2(keys[5], who, np.uint64(occasion))
                met = way.intercepted[e] + way.bribed[e]
                pays = people.means[head] > 0.0
                stopped = way.intercepted[e] if pays else met
                party_type = party_type_of(adults, children)
                expect_harm(harmed, c, own, INTERCEPTION, n, w, stopped)
                caught_expected[c, own, party_type] += int(w * n * stopped * MICRO + 0.5)
                expect_harm(harmed, c, own, BRIBE, n, w, met - stopped)
                if stopped <= u < met:
                    bribe = people.means[head] * legs.money_lost[e]
                    people.means[head] = people.means[head] - bribe
                    harmed.people[c, own, BRIBE] += w * n
                    bribes[c, own] += w * int(bribe * 100.0)
                elif u < met:
                    harmed.people[c, own, INTERCEPTION] += w * n
                    caught[c, own, party_type] += w * n
                    t = custody.treated[party_type, own]
                    u = uniform2(keys[7], who, np.uint64(occasion))
                    prosecuted = adults > 0 and harm_party(
                        harmed, c, own, PROSECUTION, adults, w, custody.prosecuted[t, e], u
                    )
                    if prosecuted and children > 0:
                        u = uniform2(keys[7], who, np.uint64(occasion + (1 << 40)))
                        separated = custody.separated[t, e]
                        if harm_party(harmed, c, own, SEPARATION, children, w, separated, u):
                            taken[i] = take_children(
                                people, country, head, month, legs.target[e], day
                            )
                            n = adults
                    detained = 1.0 if prosecuted else custody.detained[t, e]
                    u = uniform2(keys[6], who, np.uint64(occasion))
                    if harm_party(harmed, c, own, DETENTION, n, w, detained, u):
                        held[t, c] += w * n
                        set_members(people, head, node, DETAINED, SAME, day)
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
                        leave_behind(people, country, head, node, day)
                        fate[i] = LEFT_BEHIND
                        break
                crossings[c, own] += w * n
                node = legs.target[e]
                record_border(people, country, head, node)
                if entered[i] < 0 and way.responsible[country[node]]:
                    entered[i] = country[node]
                set_members(people, head, node, TRAVELLING, SAME, day)
                u = uniform2(keys[3], who, np.uint64(occasion))
                if harm_party(harmed, c, own, KIDNAPPING, n, w, legs.kidnapping[e], u):
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
            pass_by(passed[i], node)
            e = next_leg(people, legs, way, passed[i], head, n, node, goals[i], keys[0], occasion)
            if e < 0:
                leave_behind(people, country, head, node, day)
                where = in_country(harmed, country[node])
                harm_party(harmed, where, own, STRANDING, n, w, 1.0, 0.0)
                fate[i] = LEFT_BEHIND
                break
            people.means[head] = max(
                np.float32(people.means[head] - way.price[e] * n), np.float32(0.0)
            )
            leg[i] = e
            due[i] = now + max(legs.days[e], SHORTEST)
