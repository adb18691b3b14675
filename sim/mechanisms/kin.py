"""Kin: families learn in which countries their relatives have gained the right to stay."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sim.core.state import F64, I64
from sim.kernels.household import tell_all_kin
from sim.model.declare import Hook, Mechanism, State

if TYPE_CHECKING:
    from sim.model.segment import Segment
    from sim.model.world import World


@dataclass
class News:
    """Households that have gained the right to stay in a country since the month began."""

    household: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    country: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    when: F64 = field(default_factory=lambda: np.empty(0, np.float64))
    """Day, counted from the start."""


NEWS = State("kin", lambda _: News())


def send(world: World, houses: I64, country: I64, when: F64) -> None:
    """Send news to the relatives of households: it reaches them when the next month begins.

    Args:
        world: The world.
        houses: [n] households that have gained the right to stay in a country.
        country: [n] the country.
        when: [n] day, counted from the start.
    """
    news = NEWS.of(world)
    news.household = np.concatenate([news.household, houses])
    news.country = np.concatenate([news.country, country])
    news.when = np.concatenate([news.when, when])


def learn(world: World, segment: Segment) -> None:
    """Let families learn, once a month, where their relatives may stay; the last news counts."""
    news, households = NEWS.of(world), world.households
    if not segment.month_begins or not len(news.household):
        return
    order = np.lexsort((households.ident[news.household], news.when))
    tell_all_kin(households, news.household[order], news.country[order])
    NEWS.put(world, News())


MECHANISM = Mechanism(
    "kin",
    "lets families learn where their relatives may stay",
    states=(NEWS,),
    hooks=(Hook("people", 10, learn),),
)
