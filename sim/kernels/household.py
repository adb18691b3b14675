"""Households: who is in them, and what is written down of all their members."""

from __future__ import annotations

import numpy as np

from sim.core.jit import equation, inner, kernel
from sim.core.rng import uniform2
from sim.core.state import GROUNDS, HEAD, LEADS, LONG_AGO, NONE, PAST
from sim.core.terms import Activity, PartyType, Status

CITIZEN = np.int64(Status.citizen)
IRREGULAR = np.int64(Status.irregular)
DEAD = np.int64(Activity.dead)
RESIDENT = np.int64(Activity.resident)
DETAINED = np.int64(Activity.detained)
ADULTS = int(PartyType.adults)
FAMILIES = int(PartyType.families)
CHILDREN_ALONE = int(PartyType.children_alone)
NOT_GROUNDS = 255 - GROUNDS
PIONEER_MONTHS = 18 * 12
"""Age in months from which a member may go ahead of the household as a pioneer."""
CHILD_MONTHS = 12 * 12
"""Age in months from which a child may go alone."""
SAME = np.int64(-1)
"""Leaves the status as it is."""
GROWN_UP = 12 * 18
"""Age in months from which a person is an adult."""


@inner
def is_older(people, row, other):
    if people.born[row] != people.born[other]:
        return people.born[row] < people.born[other]
    return people.pid[row] < people.pid[other]


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
                    if pioneer < 0 or is_older(people, pioneer, row):
                        pioneer = row
                elif age >= CHILD_MONTHS and (child < 0 or is_older(people, row, child)):
                    child = row
        row = people.sibling[row]
        if row == founder:
            break
    return n, pioneer, child


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


@kernel
def party_sizes(people, heads):
    """[n] number of living members of each household."""
    sizes = np.empty(heads.shape[0], np.int64)
    for i in range(heads.shape[0]):
        sizes[i] = count_members(people, heads[i])
    return sizes


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


@kernel
def place_members(people, heads, places, status, days):
    """Move whole households to places as residents on a day; status < 0 leaves theirs."""
    for i in range(heads.shape[0]):
        set_members(people, heads[i], places[i], RESIDENT, status, days[i])
        clear_blocked(people, heads[i])


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


@kernel
def forget_grounds(people, heads):
    """Clear the grounds for asylum of households back home; they are set when they leave again."""
    for i in range(heads.shape[0]):
        mark_grounds(people, heads[i], False)


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
            if heir < 0 or is_older(people, row, heir):
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
                if eldest < 0 or is_older(people, row, eldest):
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
