"""Expected numbers of events, from the rates; counted only if `outputs.expected` is on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.core.state import I64
from sim.core.terms import Channel
from sim.model.declare import Counter, Mechanism

if TYPE_CHECKING:
    from sim.model.world import World


class Expected(NamedTuple):
    """Expected events, in 1 / MICRO."""

    answers: I64
    """[cell, answer] households."""
    years: I64
    """[cell, answer] rates times person-years before a move."""
    flows: I64
    """[citizenship, origin, destination, channel, answer] people."""


def nothing(world: World) -> Expected | None:
    """Start with zero expected events; None if the scenario does not ask for them."""
    if not world.scenario.outputs.expected:
        return None
    n_places, n_cells = len(world.country), world.cells.size
    flows = (world.n_countries, n_places, n_places, len(Channel), 2)
    return Expected(
        answers=np.zeros((n_cells, 5), np.int64),
        years=np.zeros((n_cells, 5), np.int64),
        flows=np.zeros(flows, np.int64),
    )


EXPECTED = Counter("expected", nothing, "expected numbers of events, from the rates")

MECHANISM = Mechanism("expected", "adds up expected numbers of events", counters=(EXPECTED,))
