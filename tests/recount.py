"""Counts anew, person by person, what households keep of their members and of their families."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sim.core.rng import mixed_array
from sim.core.state import DIED, I64, NOBODY, Bool
from sim.core.terms import Activity
from sim.kernels.household import FOUNDED
from sim.model.world import World


class Recount:
    """Looks for faults in the two tables of a world, and in what has become of them since.

    A family is a circle of households, and its number stays with them. People come to live in a
    household of another family where all members of theirs do, or where it has just been founded.

    Attributes:
        family: [household] number of its family; -1 of rows that nobody had founded yet.
        house: [person] household at the last look.
        stands: [person, 2] country of origin, and people that each person represents.
        idents: Identities of the households that were there at the last look.
        month: Month of the last look.
    """

    def __init__(self, world: World) -> None:
        self.family = np.where(founded(world), families(world), -1)
        self.remember(world)

    def remember(self, world: World) -> None:
        """Keep what the next look is compared with."""
        self.house = world.persons.household.astype(np.int64)
        self.stands = stands_for(world)
        self.idents = set(world.households.ident[founded(world)].tolist())
        self.month = world.month()

    def faults(self, world: World) -> list[str]:
        """All faults of the tables as they are now; none where all is well."""
        if faults := [*faults_of_lists(world), *faults_of_circles(world)]:
            return faults
        new = np.ones(len(world.households.ident), bool)
        new[: len(self.family)] = self.family < 0
        faults = [
            *self.faults_of_founders(world),
            *self.faults_of_families(world, new),
            *self.faults_of_persons(world, new),
        ]
        self.remember(world)
        return faults

    def faults_of_founders(self, world: World) -> Iterator[str]:
        """Whether a new household has an identity that nobody can have given it."""
        unknown = set(world.households.ident[founded(world)].tolist()) - self.idents
        for month in range(self.month, world.month() + 1):
            made = mixed_array(mixed_array(world.persons.pid) ^ (FOUNDED + np.uint64(month)))
            unknown -= set(made.tolist())
        for ident in unknown:
            yield f"nobody has founded household {ident}"

    def faults_of_families(self, world: World, new: Bool) -> Iterator[str]:
        """Whether circles are not those of families, with what the households of one share.

        New households are of the family in whose circle they are. In a circle of their own they are
        a new one: whoever founds a household and lived alone leaves an empty one behind.
        """
        households, circle = world.households, families(world)
        family = np.full(len(new), -1)
        family[: len(self.family)] = self.family
        # Households that have joined others are in no circle any more.
        inside = (households.size > 0) | (households.relative != np.arange(len(new)))
        known: dict[int, int] = {}
        for house in np.flatnonzero(inside & ~new):
            theirs = known.setdefault(int(circle[house]), int(family[house]))
            if theirs != family[house]:
                yield f"household {house} of family {family[house]} is in family {theirs}"
        if len(set(known.values())) < len(known):
            yield "a family is in two circles"
        following = int(family.max()) + 1
        for house in np.flatnonzero(new & founded(world)):
            family[house] = known.setdefault(int(circle[house]), following)
            following = max(following, int(family[house]) + 1)
        self.family = family
        for name in ("home", "weight", "rank"):
            column = getattr(households, name)
            for house in np.flatnonzero(column != column[circle]):
                yield f"household {house} has another {name} than its family"

    def faults_of_persons(self, world: World, new: Bool) -> Iterator[str]:
        """Whether somebody has changed household without reason, or stands for other people."""
        now = world.persons.household[: len(self.house)].astype(np.int64)
        one, other = self.family[self.house], self.family[now]
        stayed = world.households.size[self.house] > 0
        for row in np.flatnonzero((one != other) & stayed & ~new[now]):
            yield f"person {row} of family {one[row]} is in family {other[row]}"
        stands = stands_for(world)[: len(self.stands)]
        for row in np.flatnonzero((stands != self.stands).any(axis=1)):
            yield f"person {row} stands for other people than before"


def founded(world: World) -> Bool:
    """[household] whether somebody has founded it; other rows are kept for later."""
    return np.asarray(world.households.ident != 0)


def stands_for(world: World) -> I64:
    """[person, 2] country of origin, and people that each person represents."""
    households, house = world.households, world.persons.household
    columns = world.country[households.home[house]], households.weight[house]
    return np.stack(columns, axis=1).astype(np.int64)


def faults_of_lists(world: World) -> Iterator[str]:
    """Whether lists of members, and sizes, are those of the living by the household they are in."""
    households, persons = world.households, world.persons
    alive = persons.past & DIED == 0
    sizes = np.bincount(persons.household[alive], minlength=len(households.ident))
    for house in np.flatnonzero(sizes != households.size):
        yield f"household {house} of size {households.size[house]} has {sizes[house]} members"
    for house in np.flatnonzero((sizes == 0) != (households.activity == Activity.dead)):
        yield f"household {house} of {sizes[house]} is {Activity(households.activity[house]).name}"
    belongs, following, lives = (it.tolist() for it in (persons.household, persons.next, alive))
    reached = [False] * len(belongs)
    for house, row in enumerate(households.head.tolist()):
        while row != NOBODY:
            if row >= len(belongs) or not lives[row]:
                yield f"the list of household {house} reaches {row}, who is nobody alive"
                break
            if reached[row]:
                yield f"the list of household {house} reaches person {row} again"
                break
            if belongs[row] != house:
                yield f"the list of household {house} reaches person {row} of {belongs[row]}"
            reached[row] = True
            row = following[row]
    for row in np.flatnonzero(alive & ~np.array(reached, bool)):
        yield f"no list reaches person {row}"
    place = persons.next[~alive] & np.uint32(0xFFFF)
    for row in np.flatnonzero(~alive)[place >= len(world.country)]:
        yield f"the dead person {row} died nowhere"


def faults_of_circles(world: World) -> Iterator[str]:
    """Whether circles of relatives do not close: then two households have the same next one."""
    relative = world.households.relative
    times = np.bincount(relative, minlength=len(relative))
    for house in np.flatnonzero(times != 1):
        yield f"household {house} is the next of {times[house]}"


def families(world: World) -> I64:
    """[household] lowest row of its family, by the circles, all of which close."""
    following = world.households.relative.tolist()
    number = [-1] * len(following)
    for first in range(len(following)):
        house = first
        while number[house] < 0:
            number[house] = first
            house = following[house]
    return np.array(number, np.int64)
