"""Terms that a subclass of the model adds to the utility of destinations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from sim.core.state import F64, I64
from sim.mechanisms.choice import Choices
from sim.mechanisms.livelihood import MEANS
from sim.model.world import World

MOST: Final = 50.0
"""Greatest term, up or down: far beyond what decides, and far from overflowing."""


class OpenChoices(Choices):
    """Choice tables to which further terms are added whenever they are rebuilt."""

    def __init__(self, world: World, terms: Callable[[], Any]) -> None:
        super().__init__(
            world.scenario, world.network, world.geography, MEANS.of(world), world.threads
        )
        self._terms = terms
        self._added: F64

    def rebuild(self, diaspora: I64, expected: F64, chance: F64, wait: F64, day: float) -> None:
        """Ask for the terms as of today, and rebuild the tables with them."""
        self._added = _checked(self._terms(), (2, self.n_countries, self.n_places))
        super().rebuild(diaspora, expected, chance, wait, day)

    def _attraction(self, rows: slice, diaspora: I64, actual: F64, shift: F64) -> F64:
        value = super()._attraction(rows, diaspora, actual, shift)
        return np.asarray(value + self._added[:, self.of[rows]])


def _checked(terms: Any, shape: tuple[int, int, int]) -> F64:
    """The terms as [hazard, citizenship, destination].

    Raises:
        ValueError: They are no finite numbers of that shape between -50 and 50.
    """
    wanted = (
        "utility() gives numbers from -50 to 50 for [2 hazards (livelihood, flight), "
        f"{shape[1]} countries that people are citizens of, {shape[2]} destinations], or fewer "
        "axes, of which the last is the destinations"
    )
    try:
        found = np.broadcast_to(np.asarray(terms, np.float64), shape)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{wanted}; this is {type(terms).__name__}: {error}") from None
    if not (np.abs(found) <= MOST).all():  # NaN neither
        raise ValueError(f"{wanted}; the greatest here is {np.abs(found).max()}")
    return found
