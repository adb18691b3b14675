"""What people, countries and reporters read of their model.

They know the model by this class and not as `MigrationModel`, which imports them: files that import
each other would form a circle.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Protocol

from sim.model.world import Census, World


class Model(Protocol):
    """The part of `MigrationModel` that its people, countries and reporters read."""

    world: World
    census: Census
    answers: dict[str, int]
    words: dict[str, Any]
    random: Any
    rng: Any

    @property
    def date(self) -> date:
        """Day on which the next step begins."""

    @property
    def countries(self) -> Any:
        """The countries, as an AgentSet of `Country`."""
