"""Households: they live together again, form, and take in relatives.

All this happens when a quarter of the calendar year begins. At home, there are as many households,
and as many people who live alone, as the household size of the profile says. Abroad, families join
those who went ahead, and people who have long lived alone find others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.core.parallel import FEW_PEOPLE, in_pieces, in_ranges
from sim.core.rng import Draw, key_of, uniform_array
from sim.core.state import APART, F64, I64, NONE, WOMAN, Bool
from sim.core.terms import Activity, Channel, HouseholdChange
from sim.kernels.formation import (
    OLD_FOUNDER,
    are_related,
    found_households,
    join_relatives,
    list_willing,
    look_abroad,
    look_at_home,
    weights_at_home,
)
from sim.kernels.household import GROWN_UP, look_at_all
from sim.kernels.reunion import (
    find_arrived,
    find_guardians,
    join_others,
    list_children,
    list_meeting,
    reunite_families,
)
from sim.mechanisms.custody import SEPARATIONS
from sim.mechanisms.flows import move_at_once
from sim.mechanisms.plans import PLANS, keep
from sim.model.columns import CITIZENSHIP, PLACE, Column, words_of
from sim.model.declare import NONE_COUNTED, Hook, Mechanism, Table, dense, nonzero

if TYPE_CHECKING:
    from sim.model.segment import Segment
    from sim.model.world import World

I32 = NDArray[np.int32]

CHANGE = Column(
    "change",
    "text",
    "word",
    "founded, reunited, taken_in (children without anybody older), joined (kin or a partner)",
    words=words_of(HouseholdChange),
)
CHANGES = dense(
    "household_changes",
    (PLACE, CITIZENSHIP, CHANGE),
    "people who came to live in another household",
)
FOUNDING = Draw("founding", 51)
GUARDIAN = Draw("guardian", 52)

FEWEST = 0.95
"""Share of the households that there should be below which people found households alone although
more than enough live alone (our assumption)."""
APART_DAYS = 730
"""Days after which people who have gone ahead of a family, and live alone, may found a household
with somebody else (our assumption)."""
QUARTER = 3
"""Months of a calendar quarter, with which households change (our assumption: it saves looking at
everybody each month)."""
QUARTERS = 2
"""Quarters over which people who should not live alone find somebody (our assumption)."""
SOME = 16
"""Households looked at in a cell, besides those that its numbers call for (our assumption)."""


class HouseholdCells(NamedTuple):
    """People of one place, origin, group, weight and status: they may come to live together."""

    of: I32
    """[household] its cell; -1 where it is in none."""
    counts: I64
    """[cell, 4] households, persons, people who live alone, and sixth powers of sizes."""
    origin: I64
    """[cell] country that they are from."""
    n_home: int
    """Number of cells at home, which come first; the others are abroad."""


def change_households(world: World, segment: Segment) -> None:
    """Let households reunite, take in children and form when a quarter of the year begins.

    Without births and deaths (`population.demography`) none form.
    """
    if not segment.month_begins or world.date().month % QUARTER != 1:
        return
    reunite(world, list_apart(world))
    take_in(world, list_alone(world))
    if world.scenario.population.demography:
        balance(world, look(world))


def list_apart(world: World) -> I64:
    """[n] rows of households with a residence that are apart from their family."""
    households = world.households
    apart = np.flatnonzero(households.flags & APART != 0)
    return np.asarray(apart[households.activity[apart] <= Activity.waiting])


def list_alone(world: World) -> I64:
    """[n] rows of households of children alone, in the order of identities."""
    households, month = world.households, world.month()

    def find(first: int, last: int) -> I64:
        children = np.empty(last - first, np.int64)
        n = list_children(households, world.persons, first, last, month, children)
        return children[:n].copy()

    parts = in_pieces(find, len(households.ident), world.threads)
    children = np.concatenate([np.empty(0, np.int64), *parts])
    return children[np.argsort(households.ident[children])]


def reunite(world: World, apart: I64) -> None:
    """Let people who went ahead and their families live together where they meet again.

    Args:
        world: The world.
        apart: [n] rows of households that are apart.
    """
    follow(world, apart)
    households, country, meeting = world.households, world.country, np.empty_like(apart)
    meeting = meeting[: list_meeting(households, country, apart, meeting)]
    meeting = meeting[np.argsort(households.ident[meeting])]
    joins = no_joins(len(meeting))
    n = reunite_families(households, world.persons, country, meeting, world.month(), *joins)
    record(world, joins[:, :n], HouseholdChange.reunited)


def follow(world: World, apart: I64) -> None:
    """Let people who went ahead move to where their family has come to in the same country.

    Args:
        world: The world.
        apart: [n] rows of households that are apart.
    """
    goal = np.empty(len(apart), np.int64)
    find_arrived(world.households, world.country, world.geography.is_camp, apart, goal)
    moves = goal != NONE
    if moves.any():
        move_at_once(world, apart[moves], goal[moves], Channel.internal, world.day)
        keep(world, PLANS.of(world))


def look(world: World) -> HouseholdCells:
    """Count people by cell."""
    households, n_groups = world.households, len(world.scenario.groups) + 1
    most, number = 4, np.empty(world.n_countries, np.int64)
    while True:
        weights = np.zeros((world.n_countries, most), np.int64)
        weights_at_home(households, world.country, weights, number)
        if number.max() <= most:
            break
        most = int(number.max())
    n_home = most * n_groups * 2 * len(world.country)
    cell = np.empty(len(households.ident), np.int32)

    def work(first: int, last: int) -> tuple[I64, I64]:
        counts, abroad = np.zeros((n_home, 4), np.int64), np.empty(last - first, np.int64)
        n = look_at_home(
            households, first, last, world.country, world.geography.is_camp, weights, n_groups,
            cell, counts, abroad,
        )  # fmt: skip
        return counts, abroad[:n].copy()

    counts, abroad = np.zeros((n_home, 4), np.int64), [np.empty(0, np.int64)]
    for _, (theirs, there) in in_ranges(work, len(cell), world.threads, FEW_PEOPLE):
        counts += theirs
        abroad.append(there)
    houses = np.concatenate(abroad)
    table = np.empty(1 << (2 * len(houses)).bit_length(), np.int64)
    more, origin = np.empty((len(houses), 4), np.int64), np.empty(len(houses), np.int64)
    n = look_abroad(households, houses, world.country, n_home, table, cell, more, origin)
    origin = np.append(np.tile(world.country, n_home // len(world.country)), origin[:n])
    return HouseholdCells(cell, np.concatenate([counts, more[:n]]), origin, n_home)


def take_in(world: World, children: I64) -> None:
    """Let children join relatives, or else other people from their country in the same place.

    If no adult there has their citizenship and represents as many people, they stay alone.

    Args:
        world: The world.
        children: [n] rows of households of children, in the order of identities.
    """
    if not len(children):
        return
    households, persons = world.households, world.persons
    guardian = np.empty(len(children), np.int64)
    key = key_of(world.seed, GUARDIAN, world.month())
    find_guardians(households, persons, world.country, children, key, world.month(), guardian)
    joins = no_joins(len(children))
    n = join_others(households, persons, children, guardian, *joins)
    record(world, joins[:, :n], HouseholdChange.taken_in)


def balance(world: World, cells: HouseholdCells) -> None:
    """Let people found households, or join others, so that sizes stay what they were.

    Sizes at the start are 1 + Poisson(mean - 1), so that exp(1 - mean) of all households are of
    people who live alone. Cells abroad are small, and many there have a household at home; so there
    only couples found households.

    Args:
        world: The world.
        cells: Who may come to live together.
    """
    cell, counts = cells.of, cells.counts
    used = np.flatnonzero(counts[:, 0])
    home = used < cells.n_home
    number, people, alone, powers = counts[used].T
    mean = mean_sizes(world)[cells.origin[used]]
    wanted = np.floor(people / mean + 0.5)
    should_be_alone = np.floor(wanted * np.exp(1.0 - mean) + 0.5)
    missing = np.maximum(wanted - number, 0.0)
    # Not all of them at once: some have no relatives there, and marry when there is somebody.
    surplus = np.maximum(number - wanted, alone - should_be_alone)
    too_many = np.ceil(np.clip(surplus, 0.0, alone) / QUARTERS)
    # It takes two who live alone to make a couple, and abroad one is often all that is called for.
    too_many = np.where(home, too_many, np.minimum(2.0 * np.ceil(too_many / 2.0), alone))
    # Twice as many are looked at as are needed: not everybody may go, and sexes must match.
    tried = np.where(missing + too_many > 0, 2.0 * (missing + too_many) + SOME, 0.0)
    within, targets = np.zeros((len(counts), 2)), np.zeros((5, len(counts)), np.int64)
    crowded = number > wanted
    within[used, 0] = tried / np.where(crowded, number, np.maximum(powers, 1))
    within[used, 1] = np.where(too_many > 0, tried / np.maximum(alone, 1), 0.0)
    targets[:, used] = (
        missing,
        np.where(home, np.clip(should_be_alone - alone, 0.0, missing), 0.0),
        np.where(home, np.ceil(np.maximum(FEWEST * wanted - number, 0.0)), 0.0),
        np.where(crowded, np.ceil(mean), 0.0),
        too_many,
    )
    willing = list_people(world, cell, within, targets[3])
    willing = join_families(world, cell, targets[4], willing)
    founders, partners = choose_founders(world, willing, cell, targets)
    stay = marry_in(world, founders, partners, targets[3, cell[world.persons.household[founders]]])
    found(world, founders[~stay], partners[~stay])


def mean_sizes(world: World) -> F64:
    """[country] mean size of households of the people who are from it."""
    sizes = []
    for country in world.scenario.countries:
        assert country.profile is not None
        sizes.append(country.profile.household_size)
    return np.array(sizes)


def list_people(world: World, cell: I32, within: F64, largest: I64) -> I64:
    """List people who may found a household, or stop living alone; see `list_willing`.

    Returns:
        [n] rows of persons, in the order in which they go; those who live alone come first.
    """
    households, key = world.households, key_of(world.seed, FOUNDING, world.month())

    def work(first: int, last: int) -> tuple[I64, F64]:
        person, score = np.empty(last - first, np.int64), np.empty(last - first)
        n = list_willing(
            households, world.persons, first, last, cell, within, largest, key, world.month(),
            person, score,
        )  # fmt: skip
        return person[:n].copy(), score[:n].copy()

    parts = in_pieces(work, len(cell), world.threads) or [work(0, 0)]
    person, score = (np.concatenate(rows) for rows in zip(*parts, strict=True))
    order = np.argsort(score)
    if (np.diff(score[order]) == 0.0).any():
        order = np.lexsort((world.persons.pid[person], score))
    return np.asarray(person[order])


def join_families(world: World, cell: I32, too_many: I64, willing: I64) -> I64:
    """Let people who live alone join relatives, as far as too many live alone.

    Args:
        world: The world.
        cell: [household] cell.
        too_many: [cell] how many may stop living alone; counted down.
        willing: [n] rows of persons, in the order in which they go.

    Returns:
        [m] rows of persons who may found a household: of those who live alone only as many as may
        stop it, if they are young enough and have not lately gone ahead of a family.
    """
    households, persons = world.households, world.persons
    house = persons.household[willing]
    alone = house[households.size[house] == 1].astype(np.int64)
    joins = no_joins(len(alone))
    n = join_relatives(households, persons, cell, too_many, alone, *joins)
    record(world, joins[:, :n], HouseholdChange.joined)
    # Who has joined relatives, or been joined by them, stays with them.
    together = np.isin(house, joins[:2, :n])
    willing, house = willing[~together], house[~together]
    single = households.size[house] == 1
    age = world.month() - persons.born[willing]
    settled = (households.flags[house] & APART == 0) | (
        households.moved[house] < world.day - APART_DAYS
    )
    free = ~single | ((age >= GROWN_UP) & (age < OLD_FOUNDER) & settled)
    willing, single = willing[free], single[free]
    theirs = cell[persons.household[willing]]
    rank = rank_within(2 * theirs + single)
    return np.asarray(willing[~single | (rank < too_many[theirs])])


def choose_founders(world: World, willing: I64, cell: I32, targets: I64) -> tuple[I64, I64]:
    """Choose who founds households: couples of similar age, and people alone.

    Args:
        world: The world.
        willing: [n] rows of persons, in the order in which they go.
        cell: [household] cell.
        targets: [5, cell] households that are missing; of these, of people alone; below how many
            more people found one alone if there are too few couples; and two more.

    Returns:
        ([m] rows of founders, [m] rows of their partners, `NONE` for those alone).
    """
    households, persons, (missing, alone, least) = world.households, world.persons, targets[:3]
    house = persons.household[willing]
    theirs = cell[house].astype(np.int64)
    single = households.size[house] == 1
    woman = (persons.traits[willing] & WOMAN).astype(np.int64)
    available = np.zeros((len(missing), 2), np.int64)
    np.add.at(available, (theirs, woman), 1)
    unmarried = np.bincount(theirs[single], minlength=len(missing))
    # Two people who lived alone may make one couple.
    couples = np.minimum(missing - alone + (unmarried + 1) // 2, available.min(axis=1))
    paired = rank_within(2 * theirs + woman) < couples[theirs]
    # The same number of men and of women of each cell: the oldest man goes with the oldest woman.
    by_age = np.lexsort((persons.pid[willing], persons.born[willing], theirs))
    men, women = (willing[by_age[(paired & (woman == sex))[by_age]]] for sex in (0, WOMAN))
    related = np.empty(len(men), np.bool_)
    are_related(households, persons, men, women, related)
    men, women = men[~related], women[~related]
    number = np.maximum(alone, least - couples)
    left = ~paired & ~single
    left, theirs = willing[left], theirs[left]
    singles = left[rank_within(theirs) < number[theirs]]
    # The household is of the family of the one who leads it.
    leads = uniform_array(key_of(world.seed, FOUNDING), persons.pid[men] ^ persons.pid[women]) < 0.5
    founders = np.concatenate([np.where(leads, women, men), singles])
    partners = np.concatenate([np.where(leads, men, women), np.full(len(singles), NONE)])
    return founders, partners


def marry_in(world: World, founders: I64, partners: I64, crowded: I64) -> Bool:
    """Let people who live alone move in with a partner's family, where households are too many.

    Args:
        world: The world.
        founders, partners: [n] rows of persons; `NONE`: nobody comes along.
        crowded: [n] whether there are too many households.

    Returns:
        [n] whether they have done so, and found no household.
    """
    households, persons = world.households, world.persons
    house, other = persons.household[founders], persons.household[partners]
    single, also = households.size[house] == 1, households.size[other] == 1
    stay = (crowded > 0) & (partners != NONE) & (single != also)
    single, house, other = single[stay], house[stay], other[stay]
    joins = no_joins(int(stay.sum()))
    moving, into = np.where(single, house, other), np.where(single, other, house)
    join_others(households, persons, moving.astype(np.int64), into.astype(np.int64), *joins)
    record(world, joins, HouseholdChange.joined)
    return np.asarray(stay)


def rank_within(kind: I64) -> I64:
    """[n] how many of the same kind come before each."""
    order = np.argsort(kind, kind="stable")
    begins = np.searchsorted(kind[order], kind[order], side="left")
    rank = np.empty(len(kind), np.int64)
    rank[order] = np.arange(len(kind)) - begins
    return rank


def found(world: World, founders: I64, partners: I64) -> None:
    """Let people found households; see `found_households`."""
    persons = world.persons
    new = world.rows_for(len(founders))
    both = np.concatenate([founders, partners[partners != NONE]])
    left = persons.household[both].astype(np.int64)
    found_households(world.households, persons, founders, partners, new, world.month())
    look_at_all(world.households, persons, np.concatenate([new, left]), world.month())
    count(world, new, world.n_people(new), HouseholdChange.founded)
    empty = world.households.size[left] == 0
    end(world, left[empty], persons.household[both][empty])


def no_joins(most: int) -> I64:
    """[3, most] room for rows of households that join others, of these others, and people."""
    return np.empty((3, most), np.int64)


def record(world: World, joins: I64, change: HouseholdChange) -> None:
    """Count people who have joined another household; their own one is no more."""
    joining, joined, people = joins
    count(world, joined, people, change)
    end(world, joining, joined)


def end(world: World, joining: I64, joined: I64) -> None:
    """End what households waited for that are no more.

    Children who are returned to adults (`Separations`) go to the household where these live now.

    Args:
        world: The world.
        joining: [n] rows of households without members.
        joined: [n] rows of households where their members live now.
    """
    if not len(joining):
        return
    keep(world, PLANS.of(world))
    adults = SEPARATIONS.of(world).adults
    if len(adults):
        for one, other in zip(joining, joined, strict=True):
            adults[adults == one] = other


def count(world: World, houses: I64, people: I64, change: HouseholdChange) -> None:
    """Count people who have come to live in households."""
    households = world.households
    citizenship = world.country[households.home[houses]]
    np.add.at(CHANGES.of(world)[:, :, change], (households.place[houses], citizenship), people)


MECHANISM = Mechanism(
    "households",
    "lets households send members ahead, reunite, form and take in relatives",
    counters=(CHANGES,),
    draws=(FOUNDING, GUARDIAN),
    hooks=(Hook("people", 30, change_households),),
    tables=(
        Table(
            "households",
            "people who came to live in another household in the same place",
            "first",
            (
                PLACE,
                CITIZENSHIP,
                CHANGE,
                Column("people", "int", "people", "people who live in another household now"),
            ),
            nonzero(CHANGES, "people"),
            absent=NONE_COUNTED,
            notes="Who goes ahead of a household, or is taken from it at a border, is not counted. "
            "Of households that reunite, the people of the one that is no more are counted.",
        ),
    ),
)
