"""Households: who is in them, and how they lose, send ahead, and take in members."""

from __future__ import annotations

import numpy as np

from sim.core.jit import equation, event, inner, kernel
from sim.core.rng import mixed, uniform2
from sim.core.state import (
    APART,
    BLOCKED,
    BLOCKED_PERMISSION,
    CHANGED,
    CHILDREN,
    DIED,
    DIED_ON_THE_WAY,
    GROUNDS,
    I64,
    LONG_AGO,
    NOBODY,
    NONE,
    OLD,
    VULNERABLE,
    WOMAN,
    WOMEN,
    Households,
)
from sim.core.terms import Activity, Companions, PartyType, Status

CITIZEN = np.int64(Status.citizen)
IRREGULAR = np.int64(Status.irregular)
DEAD = np.int64(Activity.dead)
RESIDENT = np.int64(Activity.resident)
DETAINED = np.int64(Activity.detained)
PIONEER = int(Companions.pioneer)
ADULTS = int(PartyType.adults)
FAMILIES = int(PartyType.families)
CHILDREN_ALONE = int(PartyType.children_alone)
NOT_BLOCKED = 255 - BLOCKED - BLOCKED_PERMISSION
NOT_GROUNDS = 255 - GROUNDS
NOT_APART = 255 - APART
PIONEER_MONTHS = 18 * 12
"""Age in months from which a member may go ahead of the household as a pioneer."""
CHILD_MONTHS = 12 * 12
"""Age in months from which a child may go alone."""
SAME = np.int64(-1)
"""Leaves the status as it is."""
GROWN_UP = 12 * 18
"""Age in months from which a person is an adult."""
FOUNDED = np.uint64(1 << 32)
"""Keeps the identity of a household apart from those of people."""
AGED = 12 * 65
"""Age in months from which a person is old."""


@inner
def is_older(persons, row, other):
    """Whether a person is older than another; of the same month, ids decide."""
    if persons.born[row] == persons.born[other]:
        return persons.pid[row] < persons.pid[other]
    return persons.born[row] < persons.born[other]


@inner
def who_could_go(households, persons, house, month):
    """Members of a household who could go: everyone, a pioneer, or an older child.

    Returns:
        (n, pioneer, child): number of members; row of the youngest adult other than the head, or
        `NONE`; row of the eldest child aged 12 to 17, or `NONE`.
    """
    pioneer = child = NONE
    row = persons.next[households.head[house]]
    while row != NOBODY:
        age = month - persons.born[row]
        if age >= PIONEER_MONTHS:
            if pioneer < 0 or is_older(persons, pioneer, row):
                pioneer = np.int64(row)
        elif age >= CHILD_MONTHS and (child < 0 or is_older(persons, row, child)):
            child = np.int64(row)
        row = persons.next[row]
    return np.int64(households.size[house]), pioneer, child


@inner
def count_ages(households, persons, house, month):
    """(adults, children under 18) among the members of a household."""
    children = 0
    row = households.head[house]
    while row != NOBODY:
        children += month - persons.born[row] < GROWN_UP
        row = persons.next[row]
    return np.int64(households.size[house]) - children, children


@inner
def look_at(households, persons, house, month):
    """Bring the makeup of a household up to date."""
    makeup = 0
    row = households.head[house]
    while row != NOBODY:
        age = month - persons.born[row]
        # Arithmetic on booleans, because branches would be unpredictable for the processor.
        makeup |= CHILDREN * (age < GROWN_UP) + OLD * (age >= AGED)
        makeup |= WOMEN * (persons.traits[row] & WOMAN)
        row = persons.next[row]
    if makeup != households.makeup[house] & VULNERABLE:
        households.makeup[house] = makeup | CHANGED


@kernel
def look_at_all(households, persons, houses, month):
    """Do `look_at` for several households.

    Args:
        houses: [n] rows; repeats do no harm.
        month: Month from the start.
    """
    for i in range(houses.shape[0]):
        look_at(households, persons, houses[i], month)


@inner
def take_in(households, house, makeup):
    """Let people of some makeup join a household."""
    if households.makeup[house] | makeup != households.makeup[house]:
        households.makeup[house] |= makeup | CHANGED


@equation
def party_type_of(adults, children):
    """`PartyType` of a party; children are under 18."""
    if adults == 0:
        return CHILDREN_ALONE
    return FAMILIES if children > 0 else ADULTS


@event
def move_household(households, house, place, activity, status, day):
    """Set place and state of a household; status < 0 leaves its own.

    Citizens are settled, and so not uprooted any more.
    """
    households.place[house] = place
    households.activity[house] = activity
    households.moved[house] = day
    if status >= 0:
        households.status[house] = status
    if status == CITIZEN:
        households.uprooted[house] = 0


def move_households(
    households: Households, houses: I64, places: I64, status: int, days: I64
) -> None:
    """Let households live in new places from a day on; status < 0 leaves theirs."""
    households.place[houses] = places
    households.activity[houses] = RESIDENT
    households.moved[houses] = days
    households.flags[houses] &= NOT_BLOCKED
    households.makeup[houses] |= CHANGED
    if status >= 0:
        give_status(households, houses, status)


def give_status(households: Households, houses: I64, status: int) -> None:
    """Set the legal status of households; citizens are settled."""
    households.status[houses] = status
    households.makeup[houses] |= CHANGED
    if status == CITIZEN:
        households.uprooted[houses] = 0


@inner
def mark_grounds(households, house, grounds):
    """Record whether a household has grounds for asylum."""
    flags = households.flags[house] & NOT_GROUNDS
    households.flags[house] = flags | GROUNDS if grounds else flags


@inner
def remember(households, persons, house, past):
    """Set what has ever happened to all members of a household: bits of `Persons.past`."""
    row = households.head[house]
    while row != NOBODY:
        persons.past[row] |= past
        row = persons.next[row]


@kernel
def remember_all(households, persons, houses, past):
    """Do `remember` for several households."""
    for i in range(houses.shape[0]):
        remember(households, persons, houses[i], past[i])


@inner
def record_border(households, country, house, place):
    """Record the country that a household leaves, if `place` is in another country."""
    left = country[households.place[house]]
    if country[place] != left:
        households.came[house] = left + 1


def record_borders(households: Households, country: I64, houses: I64, places: I64) -> None:
    """Record the country that each household leaves, before it is moved to another one."""
    left = country[households.place[houses]]
    abroad = country[places] != left
    households.came[houses[abroad]] = left[abroad] + 1


@inner
def tell_kin(households, house, country):
    """Let the other households of a family have close family in a country."""
    other = households.relative[house]
    while other != house:
        households.kin[other] = country + 1
        other = households.relative[other]


@kernel
def tell_all_kin(households, houses, countries):
    """Do `tell_kin` for households that have gained the right to stay in a country."""
    for i in range(houses.shape[0]):
        tell_kin(households, houses[i], countries[i])


@inner
def let_lead(households, persons, house, leader):
    """Let a member lead a household."""
    head = households.head[house]
    if leader == head:
        return
    before = head
    while persons.next[before] != leader:
        before = persons.next[before]
    persons.next[before] = persons.next[leader]
    persons.next[leader] = head
    households.head[house] = leader


@event
def drop_the_dead(households, persons, house, month):
    """Let a household go on without members who have died; the eldest survivor leads it then.

    The dead keep where they died: see `died_at`.
    """
    head = households.head[house]
    if persons.past[head] & DIED:
        heir = NOBODY
        row = head
        while row != NOBODY:
            if not persons.past[row] & DIED and (heir == NOBODY or is_older(persons, row, heir)):
                heir = row
            row = persons.next[row]
        if heir != NOBODY:
            let_lead(households, persons, house, heir)
            head = heir
    where = np.uint32(households.place[house]) | np.uint32(households.came[house]) << np.uint32(16)
    n = 0
    last = NOBODY
    row = head
    while row != NOBODY:
        after = persons.next[row]
        if persons.past[row] & DIED:
            persons.next[row] = where
        else:
            if last != NOBODY:
                persons.next[last] = row
            last = row
            n += 1
        row = after
    households.size[house] = n
    if n > 0:
        persons.next[last] = NOBODY
        households.head[house] = head
        look_at(households, persons, house, month)
    else:
        leave_empty(households, house)


def died_at(next_row):
    """([n] place where the dead were, [n] country that they had left, + 1), of `Persons.next`."""
    return next_row & np.uint32(0xFFFF), next_row >> np.uint32(16)


@inner
def leave_empty(households, house):
    """Nobody is left in a household."""
    households.size[house] = 0
    households.head[house] = NOBODY
    households.activity[house] = DEAD
    households.flags[house] &= NOT_BLOCKED


@event
def lose_members(households, persons, house, probability, draw_key, occasion, month):
    """Draw the members who die on the way.

    Returns:
        (lived, deaths): number of members before, and how many of them die.
    """
    lived = np.int64(households.size[house])
    deaths = 0
    row = households.head[house]
    while row != NOBODY:
        if uniform2(draw_key, persons.pid[row], np.uint64(occasion)) < probability:
            persons.past[row] |= DIED_ON_THE_WAY
            deaths += 1
        row = persons.next[row]
    if deaths > 0:
        drop_the_dead(households, persons, house, month)
    return lived, deaths


@inner
def count_assaulted(households, persons, house, probability, draw_key, occasion):
    """Draw how many members are assaulted on a leg."""
    n = 0
    row = households.head[house]
    while row != NOBODY:
        if uniform2(draw_key, persons.pid[row], np.uint64(occasion)) < probability:
            n += 1
        row = persons.next[row]
    return n


@inner
def founding_ident(pid, month):
    """Identity of a household that a person founds in a month.

    Those of the start have the identity of the person who led them. A person founds at most one
    household a month, so no two have the same identity.
    """
    return mixed(mixed(pid) ^ (FOUNDED + np.uint64(month)))


@event
def found_household(households, persons, house, founder, new, month):
    """Found a household of the same family: all is as in the old one, but it has no members yet.

    Args:
        founder: Row of the person who founds it, and will lead it.
        new: Row of the new household.
        month: Month from the start.
    """
    households.ident[new] = founding_ident(persons.pid[founder], month)
    households.head[new] = NOBODY
    households.relative[new] = households.relative[house]
    households.relative[house] = new
    households.weight[new] = households.weight[house]
    households.means[new] = 0.0
    households.home[new] = households.home[house]
    households.place[new] = households.place[house]
    households.moved[new] = households.moved[house]
    households.since[new] = households.since[house]
    households.blocked_on[new] = LONG_AGO
    households.rank[new] = households.rank[house]
    households.size[new] = 0
    households.citizenship[new] = households.citizenship[house]
    households.group[new] = households.group[house]
    households.kin[new] = households.kin[house]
    households.status[new] = households.status[house]
    households.activity[new] = households.activity[house]
    households.flags[new] = households.flags[house] & GROUNDS
    households.mask[new] = households.mask[house]
    households.came[new] = households.came[house]
    households.uprooted[new] = households.uprooted[house]
    households.failed[new] = 0
    households.makeup[new] = CHANGED


@inner
def change_household(households, persons, before, row, house):
    """Let a person change over to another household, as its first member.

    Args:
        before: Row of the member before this one in the old household.
        row: Row of the person, who does not lead the old household.
        house: Row of the new household.
    """
    persons.next[before] = persons.next[row]
    households.size[persons.household[row]] -= 1
    persons.next[row] = households.head[house]
    persons.household[row] = house
    households.head[house] = row
    households.size[house] += 1


@inner
def leave_for(households, persons, row, house):
    """Let a person, who does not lead the household, change over to another one."""
    before = households.head[persons.household[row]]
    while persons.next[before] != row:
        before = persons.next[before]
    change_household(households, persons, before, row, house)


@event
def send_ahead(households, persons, house, companions, price, month, new):
    """Let a pioneer or a child leave the household, with money for the journey.

    They take half of the household's means, or the price if that is more.

    Args:
        companions: `Companions`, not the whole household.
        price: Money per person.
        new: Row for the household of the one who leaves.

    Returns:
        Whether there is such a member.
    """
    _, pioneer, child = who_could_go(households, persons, house, month)
    row = pioneer if companions == PIONEER else child
    if row < 0:
        return False
    money = households.means[house]
    taken = min(money, max(np.float32(price), np.float32(0.5) * money))
    found_household(households, persons, house, row, new, month)
    households.flags[new] |= APART
    # Who went before is mostly who goes again, and takes the number of attempts along.
    households.failed[new], households.failed[house] = households.failed[house], 0
    leave_for(households, persons, row, new)
    look_at(households, persons, house, month)
    look_at(households, persons, new, month)
    households.means[new] = taken
    households.means[house] = money - taken
    return True


@event
def take_children(households, persons, country, house, new, month, place, day):
    """Take the children of a party from its adults: the state holds them in a place.

    They form a household of their own without money, led by the eldest, until `reunite`. An adult
    leads the party: the eldest member does, wherever one who led has died.

    Args:
        new: Row for it.
    """
    eldest = NONE
    row = households.head[house]
    while row != NOBODY:
        if month - persons.born[row] < GROWN_UP and (eldest < 0 or is_older(persons, row, eldest)):
            eldest = np.int64(row)
        row = persons.next[row]
    found_household(households, persons, house, eldest, new, month)
    before = households.head[house]
    row = persons.next[before]
    while row != NOBODY:
        after = persons.next[row]
        if row != eldest and month - persons.born[row] < GROWN_UP:
            change_household(households, persons, before, row, new)
        else:
            before = row
        row = after
    leave_for(households, persons, eldest, new)
    look_at(households, persons, house, month)
    look_at(households, persons, new, month)
    record_border(households, country, new, place)
    move_household(households, new, place, DETAINED, IRREGULAR, day)


@inner
def inherit(households, joining, house):
    """Let a household have the kin and the last border of people who come to it, if it has none."""
    if households.kin[house] == 0:
        households.kin[house] = households.kin[joining]
    if households.came[house] == 0:
        households.came[house] = households.came[joining]


@event
def merge(households, persons, joining, house):
    """Let all members of a household join another one, which goes on as it is."""
    if households.size[house] == 0:
        households.head[house] = households.head[joining]
    else:
        last = households.head[house]
        while persons.next[last] != NOBODY:
            last = persons.next[last]
        persons.next[last] = households.head[joining]
    row = households.head[joining]
    while row != NOBODY:
        persons.household[row] = house
        row = persons.next[row]
    households.size[house] += households.size[joining]
    households.means[house] += households.means[joining]
    inherit(households, joining, house)
    households.failed[house] = max(households.failed[house], households.failed[joining])
    take_in(households, house, households.makeup[joining] & VULNERABLE)
    leave_empty(households, joining)
    before = joining
    while households.relative[before] != joining:
        before = households.relative[before]
    households.relative[before] = households.relative[joining]
    households.relative[joining] = joining
