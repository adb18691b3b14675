"""Citizenship: that of the country of origin, unless people have acquired another one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sim.core.state import I64
from sim.model.declare import Mechanism, State

if TYPE_CHECKING:
    from sim.model.world import World


@dataclass
class Acquired:
    """People who acquired the citizenship of another country, one row each."""

    person: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    """Row of the person, ascending."""
    country: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    """Country of their new citizenship."""


ACQUIRED = State("citizenships", lambda _: Acquired())


def citizenship(world: World, rows: I64) -> I64:
    """[n] country of citizenship of persons, for rules on nationality.

    The output tables count people by their country of origin instead, and so do some rules: see
    `sim/mechanisms/naturalisation.py`.
    """
    own = world.country[world.people.home[rows]]
    acquired = ACQUIRED.of(world)
    if not len(acquired.person):
        return np.asarray(own)
    at = np.minimum(np.searchsorted(acquired.person, rows), len(acquired.person) - 1)
    return np.where(acquired.person[at] == rows, acquired.country[at], own)


def acquire(world: World, rows: I64, country: I64) -> None:
    """Make persons citizens of a country; they lose any other citizenship.

    Args:
        world: The world.
        rows: [n] persons, once each.
        country: [n] country of which they become citizens.
    """
    acquired = ACQUIRED.of(world)
    keep = ~np.isin(acquired.person, rows)
    person = np.concatenate([acquired.person[keep], rows])
    order = np.argsort(person)
    acquired.person = person[order]
    acquired.country = np.concatenate([acquired.country[keep], country])[order]


def inherit(world: World, mothers: I64, children: I64) -> None:
    """Give children the citizenship that their mothers have acquired, if they have.

    Args:
        world: The world.
        mothers: [n] rows of the mothers.
        children: [n] rows of their children.
    """
    new = np.isin(mothers, ACQUIRED.of(world).person)
    if new.any():
        acquire(world, children[new], citizenship(world, mothers[new]))


MECHANISM = Mechanism(
    "citizenship", "keeps track of people who changed their citizenship", states=(ACQUIRED,)
)
