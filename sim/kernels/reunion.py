"""Who comes to live with whom: families that meet again, and children without anybody older.

Whatever is chosen depends on ages, identities and hashes, never on the order of rows.
"""

from __future__ import annotations

import math

import numpy as np

from sim.core.jit import inner, kernel
from sim.core.rng import uniform, uniform2
from sim.core.state import APART, CHILDREN, NOBODY, NONE
from sim.core.terms import Activity
from sim.kernels.household import GROWN_UP, NOT_APART, is_older, let_lead, merge

WAITING = int(Activity.waiting)
MOST_SEEN = 16
"""Children that a household is a possible guardian of, at most (our assumption): by lot where there
are more, so that the search does not grow with the square of people."""
FEW = 1 / 64
"""Share of households that are looked at first, by lot, to find guardians (our assumption)."""
CHILD = 12 * 15
"""Age in months below which nobody lives without someone older."""


@inner
def lives(households, house):
    """Whether a household has a residence; an empty one has none."""
    return households.activity[house] <= WAITING


@inner
def is_alike(households, house, other):
    """Whether members of two households are counted alike: as many people, of one citizenship."""
    return (
        (households.weight[house] == households.weight[other])
        & (households.citizenship[house] == households.citizenship[other])
    )  # fmt: skip


@inner
def may_join(households, house, other):
    """Whether the members of one household can come to live in another one."""
    return (
        (house != other)
        & lives(households, other)
        & (households.place[house] == households.place[other])
        & is_alike(households, house, other)
    )


@kernel
def list_children(households, persons, first, last, month, children):
    """List households of children alone.

    If a child leads older people, the eldest leads from now on.

    Args:
        first, last: Range of rows.
        month: Month from the start.
        children: [last - first] out: rows of households with a residence in which all are under 15.

    Returns:
        Their number.
    """
    n = 0
    for house in range(first, last):
        # Without a member under 18, who leads is no child: the row of the person need not be read.
        if not households.makeup[house] & CHILDREN or not lives(households, house):
            continue
        if month - persons.born[households.head[house]] < CHILD:
            let_eldest_lead(households, persons, house)
            if month - persons.born[households.head[house]] < CHILD:
                children[n] = house
                n += 1
    return n


@kernel
def find_arrived(households, country, is_camp, apart, goal):
    """Find where families have come to who live in the country of a member who went ahead.

    Only abroad, and outside camps. The family has moved since the member did, so that nobody
    follows whom it has sent on within the country.

    Args:
        country: [place] country index.
        is_camp: [place]
        apart: [n] rows of households that are apart.
        goal: [n] out: place where the family lives, if that is another one; otherwise `NONE`.
    """
    for i in range(apart.shape[0]):
        house = np.int64(apart[i])
        goal[i] = family = NONE
        here, home = households.place[house], country[households.home[house]]
        if country[here] == home or is_camp[here]:
            continue
        other = np.int64(households.relative[house])
        while other != house:
            there = households.place[other]
            if (
                lives(households, other)
                and not households.flags[other] & APART
                and country[there] == country[here]
                and not is_camp[there]
                and country[households.home[other]] == home
                and households.moved[other] >= households.moved[house]
                and is_alike(households, house, other)
            ):
                if family == NONE or is_before(households, other, family):
                    family = other
            other = np.int64(households.relative[other])
        if family != NONE and households.place[family] != here:
            goal[i] = households.place[family]


@kernel
def list_meeting(households, country, apart, meeting):
    """List those of some households that live where some of their family do.

    Args:
        country: [place] country index.
        apart: [n] rows of households.
        meeting: [n] out: rows.

    Returns:
        Their number.
    """
    n = 0
    for i in range(apart.shape[0]):
        house = np.int64(apart[i])
        other = np.int64(households.relative[house])
        while other != house and not may_reunite(households, country, house, other):
            other = np.int64(households.relative[other])
        if other != house:
            meeting[n] = house
            n += 1
    return n


@inner
def may_reunite(households, country, house, other):
    """Whether the members of a household can come to live in one of their family."""
    same = country[households.home[other]] == country[households.home[house]]
    return same and may_join(households, house, other)


@inner
def is_before(households, house, other):
    """Whether a household goes before another one of its family that lives in the same place.

    One that is not apart does; then the larger, then that of the lower identity.
    """
    if (households.flags[house] ^ households.flags[other]) & APART:
        return households.flags[house] & APART == 0
    if households.size[house] != households.size[other]:
        return households.size[house] > households.size[other]
    return households.ident[house] < households.ident[other]


@inner
def let_eldest_lead(households, persons, house):
    """Let the eldest member lead a household."""
    eldest = row = households.head[house]
    while row != NOBODY:
        if is_older(persons, row, eldest):
            eldest = row
        row = persons.next[row]
    let_lead(households, persons, house, eldest)


@inner
def join(households, persons, house, other, n, joining, joined, people):
    """Let a household join another one, and record this as join n."""
    joining[n] = house
    joined[n] = other
    people[n] = np.int64(households.size[house]) * np.int64(households.weight[house])
    merge(households, persons, house, other)


@kernel
def reunite_families(households, persons, country, apart, month, joining, joined, people):
    """Let households that are apart live together again with their family where they meet.

    The one with the more secure status goes on, with its status, claim and application; then the
    one that `is_before`.

    Args:
        country: [place] country index.
        apart: [n] rows of households, in the order in which they look for their family.
        month: Month from the start.
        joining, joined, people: [n] out: households that are no more, where their members live
            now, and how many people these are.

    Returns:
        Number of households that joined another one.
    """
    n = 0
    for i in range(apart.shape[0]):
        house = np.int64(apart[i])
        if not lives(households, house) or not households.flags[house] & APART:
            continue
        family = NONE
        other = np.int64(households.relative[house])
        while other != house:
            if may_reunite(households, country, house, other):
                if family == NONE or is_before(households, other, family):
                    family = other
            other = np.int64(households.relative[other])
        if family == NONE:
            continue
        both = households.flags[house] & households.flags[family] & APART
        secure = np.int64(households.status[house]) - np.int64(households.status[family])
        stays = secure < 0 if secure != 0 else is_before(households, house, family)
        one, other = (house, family) if stays else (family, house)
        join(households, persons, other, one, n, joining, joined, people)
        n += 1
        households.flags[one] = households.flags[one] & NOT_APART | both
        if month - persons.born[households.head[one]] < GROWN_UP:
            let_eldest_lead(households, persons, one)
    return n


@kernel
def find_guardians(households, persons, country, children, draw_key, month, guardian):
    """Find a household for children who live without anybody older.

    A household of their family with an adult, if one lives in the same place; otherwise any there,
    from their country, of their own group if possible, by lot.

    Args:
        country: [place] country index.
        children: [n] rows of households of children.
        draw_key: Key of the lots.
        month: Month from the start.
        guardian: [n] out: rows; `NONE` where there is nobody.
    """
    n_children = children.shape[0]
    score, turn = np.full(n_children, 4.0), np.empty(n_children)
    for i in range(n_children):
        house = children[i]
        guardian[i] = NONE
        turn[i] = uniform(draw_key, households.ident[house])
        other = np.int64(households.relative[house])
        while other != house:
            lot = uniform2(draw_key, households.ident[house], households.ident[other])
            if lot < score[i] and takes_in(households, persons, country, house, other, month):
                score[i] = lot
                guardian[i] = other
            other = np.int64(households.relative[other])
    begin, listed = np.empty(country.shape[0] + 1, np.int64), np.empty(n_children, np.int64)
    # Most find somebody of their group among a few, and only for the others everybody is looked at.
    for share in (FEW, 1.0):
        if not list_by_place(households, country.shape[0], children, guardian, begin, listed):
            break
        for other in range(households.ident.shape[0]):
            first = begin[households.place[other]]
            n = begin[households.place[other] + 1] - first
            if n == 0:
                continue
            own = uniform(draw_key, households.ident[other])
            if own >= share or not lives(households, other):
                continue
            own /= share
            for j in range(min(n, MOST_SEEN)):
                i = listed[first + (int(own * n) + j) % n]
                house = children[i]
                alike = households.group[house] == households.group[other]
                if share < 1.0 and not alike:
                    continue
                # The lots of all children are one lot of the other household, turned by theirs.
                lot = own + turn[i]
                lot -= math.floor(lot)
                lot += 1.0 if alike else 2.0
                if lot < score[i] and takes_in(households, persons, country, house, other, month):
                    score[i] = lot
                    guardian[i] = other


@inner
def list_by_place(households, n_places, children, guardian, begin, listed):
    """List children without a guardian by place, in their order.

    Args:
        begin: [place + 1] out: those of place p are listed[begin[p]:begin[p + 1]].
        listed: [n] out: numbers of children.

    Returns:
        Number of children that are listed.
    """
    begin[:] = 0
    for i in range(children.shape[0]):
        if guardian[i] == NONE:
            begin[households.place[children[i]] + 1] += 1
    for p in range(n_places):
        begin[p + 1] += begin[p]
    # The beginning of a place moves while it is filled, and back to that of the next one.
    for i in range(children.shape[0]):
        if guardian[i] == NONE:
            listed[begin[households.place[children[i]]]] = i
            begin[households.place[children[i]]] += 1
    for p in range(n_places, 0, -1):
        begin[p] = begin[p - 1]
    begin[0] = 0
    return begin[n_places]


@inner
def takes_in(households, persons, country, house, other, month):
    """Whether a household can take in children: an adult leads it, and they are counted alike."""
    return (
        may_join(households, house, other)
        and country[households.home[house]] == country[households.home[other]]
        and month - persons.born[households.head[other]] >= GROWN_UP
    )


@kernel
def join_others(households, persons, houses, others, joining, joined, people):
    """Let households join others.

    Args:
        houses: [n] rows.
        others: [n] rows; `NONE`: the household stays by itself.
        joining, joined, people: [n] out, as in `reunite_families`.

    Returns:
        Number of households that joined another one.
    """
    n = 0
    for i in range(houses.shape[0]):
        if others[i] != NONE:
            join(households, persons, houses[i], others[i], n, joining, joined, people)
            n += 1
    return n


@kernel
def reunite(households, persons, children, adults):
    """Return children to the households they were taken from, wherever these are.

    If nobody of a household survives, the children stay where they are.

    Args:
        children, adults: [n] rows of both households.
    """
    for i in range(children.shape[0]):
        if households.size[adults[i]] > 0 and households.size[children[i]] > 0:
            merge(households, persons, children[i], adults[i])
