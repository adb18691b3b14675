"""How households form: who is counted together, who may go, and who founds one or joins relatives.

Whatever is chosen depends on counts, ages, identities and hashes, never on the order of rows.
"""

from __future__ import annotations

import numpy as np

from sim.core.jit import inner, kernel
from sim.core.rng import mixed, uniform
from sim.core.state import NOBODY, NONE, WOMAN
from sim.core.terms import Activity
from sim.kernels.household import (
    GROWN_UP,
    found_household,
    inherit,
    is_older,
    leave_for,
    let_lead,
    merge,
)
from sim.kernels.reunion import join, lives

RESIDENT = int(Activity.resident)
OLD_FOUNDER = 12 * 46
"""Age in months from which nobody founds a household."""


@kernel
def weights_at_home(households, country, weights, number):
    """List the weights of households at home, by country.

    Args:
        country: [place] country index.
        weights: [country, n] out: weights, in no particular order.
        number: [country] out: how many weights there are; if more than n, the others are left out.
    """
    number[:] = 0
    last, whose = np.int64(0), np.int64(-1)
    for house in range(households.weight.shape[0]):
        weight = np.int64(households.weight[house])
        c = country[households.place[house]]
        # Neighbouring rows mostly have the same weight.
        if (weight == last and c == whose) or country[households.home[house]] != c:
            continue
        last, whose = weight, c
        k = 0
        while k < min(number[c], weights.shape[1]) and weights[c, k] != weight:
            k += 1
        if k == number[c]:
            if k < weights.shape[1]:
                weights[c, k] = weight
            number[c] += 1


@kernel
def look_at_home(
    households, first, last, country, is_camp, weights, n_groups, cell, counts, abroad
):
    """Count people at home by cell, and list households abroad.

    A cell is the people of one place, group, weight, and status (citizen or displaced), who live
    in the country that they are from and are citizens of.

    Args:
        first, last: Range of rows.
        country: [place] country index.
        is_camp: [place]
        weights: [country, n] weights of households at home, see `weights_at_home`.
        n_groups: Number of groups, that of people in none included.
        cell: [household] out: its cell; -1 if it is not at home.
        counts: [cell, 4] households, persons, people who live alone, and sixth powers of sizes,
            added to.
        abroad: [last - first] out: rows of households abroad that are not in a camp.

    Returns:
        Number of households abroad.
    """
    n_abroad = 0
    w = 0
    for house in range(first, last):
        cell[house] = -1
        p = households.place[house]
        c = country[p]
        if not lives(households, house):
            continue
        if country[households.home[house]] != c:
            if not is_camp[p]:
                abroad[n_abroad] = house
                n_abroad += 1
            continue
        if households.citizenship[house] != c:
            continue
        # Neighbouring rows mostly have the same weight.
        if weights[c, w] != households.weight[house]:
            w = 0
            while weights[c, w] != households.weight[house]:
                w += 1
        kind = (w * n_groups + households.group[house]) * 2 + min(households.status[house], 1)
        where = kind * country.shape[0] + p
        cell[house] = where
        size = np.int64(households.size[house])
        counts[where, 0] += 1
        counts[where, 1] += size
        counts[where, 2] += size == 1
        counts[where, 3] += size**6
    return n_abroad


@kernel
def look_abroad(households, houses, country, first, table, cell, counts, origin):
    """Count people abroad by cell: few of all possible cells there have anybody in them.

    A cell is the people of one place, origin, citizenship, group, weight and status.

    Args:
        houses: [n] rows of households abroad.
        country: [place] country index.
        first: Number of the first cell abroad.
        table: [2^k, at least 2 n] working array.
        cell: [household] out: its cell.
        counts: [n, 4] out: as in `look_at_home`.
        origin: [n] out: country that the people of a cell are from.

    Returns:
        Number of cells.
    """
    n, last = 0, np.uint64(table.shape[0] - 1)
    table[:] = NONE
    one = np.empty(houses.shape[0], np.int64)
    for i in range(houses.shape[0]):
        house = np.int64(houses[i])
        slot = cell_hash(households, country, house) & last
        while table[slot] != NONE and not in_one_cell(households, country, house, one[table[slot]]):
            slot = (slot + np.uint64(1)) & last
        if table[slot] == NONE:
            table[slot] = n
            one[n] = house
            origin[n] = country[households.home[house]]
            counts[n] = 0
            n += 1
        where = table[slot]
        cell[house] = first + where
        size = np.int64(households.size[house])
        counts[where, 0] += 1
        counts[where, 1] += size
        counts[where, 2] += size == 1
        counts[where, 3] += size**6
    return n


@inner
def cell_hash(households, country, house):
    """Hash of the cell of a household abroad."""
    where = np.uint64(households.place[house]) << np.uint64(32)
    where |= np.uint64(households.weight[house])
    who = np.uint64(country[households.home[house]]) << np.uint64(24)
    who |= np.uint64(households.citizenship[house]) << np.uint64(16)
    who |= np.uint64(households.group[house]) << np.uint64(8) | np.uint64(households.status[house])
    return mixed(mixed(where) ^ who)


@inner
def in_one_cell(households, country, house, other):
    """Whether two households abroad are of one cell."""
    return (
        (households.place[house] == households.place[other])
        & (country[households.home[house]] == country[households.home[other]])
        & (households.citizenship[house] == households.citizenship[other])
        & (households.group[house] == households.group[other])
        & (households.weight[house] == households.weight[other])
        & (households.status[house] == households.status[other])
    )


@kernel
def list_willing(
    households, persons, first, last, cell, within, largest, draw_key, month, person, score
):
    """List one person of each of some households who may found one, or people who live alone.

    Of those who live together, the eldest grown-up goes who is not yet 46, and neither leads the
    household nor is likely to be the partner of who does. Which households are looked at is drawn;
    large ones are more often, except where people move in.

    Args:
        first, last: Range of rows.
        cell: [household] cell; -1 if it is in none.
        within: [cell, 2] households whose score is below are looked at: those of several people
            (0), and of people who live alone (1).
        largest: [cell] most members of a household into which people move; 0: none do.
        draw_key: Key of the scores.
        month: Month from the start.
        person: [last - first] out: rows.
        score: [last - first] out: scores of their households; less 1 of those who live alone.

    Returns:
        Their number.
    """
    n = 0
    for house in range(first, last):
        where = cell[house]
        if where < 0 or households.activity[house] != RESIDENT:
            continue
        size = np.float64(households.size[house])
        single = np.int64(size == 1.0)
        if within[where, single] <= 0.0:
            continue
        drawn = uniform(draw_key, households.ident[house])
        if largest[where] == 0:
            drawn /= size**6
        elif size > largest[where]:
            continue
        if drawn < within[where, single]:
            row = np.int64(households.head[house])
            if not single:
                row = founder_of(households, persons, house, month)
            if row != NONE:
                person[n] = row
                score[n] = drawn - single
                n += 1
    return n


@inner
def founder_of(households, persons, house, month):
    """Row of the member who may found a household, or `NONE`."""
    head = households.head[house]
    partner = founder = NONE
    nearest = np.int64(1 << 30)
    row = persons.next[head]
    while row != NOBODY:
        years = abs(np.int64(persons.born[row]) - np.int64(persons.born[head]))
        if (persons.traits[row] ^ persons.traits[head]) & WOMAN and (
            month - persons.born[row] >= GROWN_UP
        ):
            if years < nearest or (years == nearest and is_older(persons, row, partner)):
                nearest = years
                partner = np.int64(row)
        row = persons.next[row]
    row = persons.next[head]
    while row != NOBODY:
        age = month - persons.born[row]
        if GROWN_UP <= age < OLD_FOUNDER and row != partner:
            if founder == NONE or is_older(persons, row, founder):
                founder = np.int64(row)
        row = persons.next[row]
    return founder


@kernel
def join_relatives(households, persons, cell, places, alone, joining, joined, people):
    """Let people who live alone join relatives in their cell: the smallest of their households.

    Args:
        cell: [household] cell.
        places: [cell] how many may stop living alone; counted down.
        alone: [n] rows of households, in the order in which they join.
        joining, joined, people: [n] out, as in `reunite_families`.

    Returns:
        Number of those who joined.
    """
    n = 0
    for i in range(alone.shape[0]):
        house = np.int64(alone[i])
        if households.size[house] != 1 or places[cell[house]] <= 0:
            continue
        smallest = NONE
        other = np.int64(households.relative[house])
        while other != house:
            if cell[other] == cell[house] and lives(households, other):
                smaller = smallest == NONE or households.size[other] < households.size[smallest]
                if not smaller and households.size[other] == households.size[smallest]:
                    smaller = households.ident[other] < households.ident[smallest]
                if smaller:
                    smallest = other
            other = np.int64(households.relative[other])
        if smallest == NONE:
            continue
        join(households, persons, house, smallest, n, joining, joined, people)
        places[cell[house]] -= 1
        n += 1
    return n


@kernel
def are_related(households, persons, ones, others, related):
    """Find out whether two persons are of the same family.

    Args:
        ones, others: [n] rows of persons.
        related: [n] out.
    """
    for i in range(ones.shape[0]):
        house, theirs = persons.household[ones[i]], persons.household[others[i]]
        related[i] = house == theirs
        other = households.relative[house]
        while other != house:
            related[i] |= other == theirs
            other = households.relative[other]


@kernel
def found_households(households, persons, founders, partners, new, month):
    """Let people found households, alone or with a partner, where they live.

    Each takes an equal share, by head, of the means of the old household; who lived alone leaves
    an empty one. All else is as in the household that the founder comes from.

    Args:
        founders: [n] rows of persons, who lead the new households.
        partners: [n] rows of persons; `NONE`: nobody comes along.
        new: [n] rows of empty households.
        month: Month from the start.
    """
    for i in range(founders.shape[0]):
        found_household(
            households, persons, persons.household[founders[i]], founders[i], new[i], month
        )
        if partners[i] != NONE:
            bring_along(households, persons, partners[i], new[i])
        bring_along(households, persons, founders[i], new[i])
        let_lead(households, persons, new[i], founders[i])


@inner
def bring_along(households, persons, row, new):
    """Let a person change over to another household, with a share of the means."""
    house = persons.household[row]
    if households.size[house] == 1:
        merge(households, persons, house, new)
        return
    share = households.means[house] / np.float32(households.size[house])
    households.means[house] -= share
    households.means[new] += share
    inherit(households, house, new)
    leave_for(households, persons, row, new)
