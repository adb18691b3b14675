"""Counts anew, person by person, what households keep of their members and of their families."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sim.core.state import DIED, I64, NOBODY
from sim.core.terms import Activity
from sim.model.world import World


class Recount:
    """Looks for faults in the two tables of a world.

    Attributes:
        family: [person] number of the family into which a person was born, or found at the start;
            a family is a circle of households, and its number is the lowest of their rows.
    """

    def __init__(self, world: World) -> None:
        self.family = np.empty(0, np.int64)
        self.meet(world)

    def meet(self, world: World) -> None:
        """Remember the families of those who have been born since."""
        new = world.persons.household[len(self.family) :]
        self.family = np.append(self.family, families(world)[new])

    def faults(self, world: World) -> list[str]:
        """All faults of the tables as they are now; none where all is well."""
        if faults := [*faults_of_lists(world), *faults_of_circles(world)]:
            return faults
        self.meet(world)
        return [*self.faults_of_families(world)]

    def faults_of_families(self, world: World) -> Iterator[str]:
        """Whether somebody is in a household of another family than their own."""
        now = families(world)[world.persons.household]
        for row in np.flatnonzero(now != self.family):
            yield f"person {row} of family {self.family[row]} is in family {now[row]}"
        households = world.households
        first = families(world)
        for name in ("home", "weight", "rank"):
            column = getattr(households, name)
            for house in np.flatnonzero(column != column[first]):
                yield f"household {house} has another {name} than its family"


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
