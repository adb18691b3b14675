"""Citizenship: that of the country people are from, unless they have acquired another."""

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
    """People who are citizens of another country than that they are from, a row each."""

    person: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    """Row of the person, ascending."""
    country: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    """Country whose citizens they are."""


ACQUIRED = State("citizenships", lambda _: Acquired())


def citizenship(world: World, rows: I64) -> I64:
    """[n] country of citizenship of persons, as rules on nationality see it.

    The tables count everybody by the country they are from.
    """
    own = world.country[world.people.home[rows]]
    acquired = ACQUIRED.of(world)
    if not len(acquired.person):
        return np.asarray(own)
    at = np.minimum(np.searchsorted(acquired.person, rows), len(acquired.person) - 1)
    return np.where(acquired.person[at] == rows, acquired.country[at], own)


def acquire(world: World, rows: I64, country: I64) -> None:
    """Make persons citizens of a country, in place of any other.

    Args:
        world: The world.
        rows: [n] persons, once each.
        country: [n] whose citizens they become.
    """
    acquired = ACQUIRED.of(world)
    keep = ~np.isin(acquired.person, rows)
    person = np.concatenate([acquired.person[keep], rows])
    order = np.argsort(person)
    acquired.person = person[order]
    acquired.country = np.concatenate([acquired.country[keep], country])[order]


MECHANISM = Mechanism(
    "citizenship", "keeps who is a citizen of another country than their own", states=(ACQUIRED,)
)
