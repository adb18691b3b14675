"""Caravans (D9): groups that set out together, because many are leaving anyway and word gets round.

A caravan is called from some places to some countries (`interventions`, kind `caravan`). It forms
at a place in a month if at least `people` set out from there for those countries by corridors in
the month before: all who set out in it go together. For them smugglers ask for less, the hazards of
the way are smaller, and they may be stopped more or less often. People see that a caravan forms
before they decide, so that it draws others; what it offers does not grow with its size, and so
neither does the flow without end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.state import I64, Legs
from sim.mechanisms.livelihood import span
from sim.model.declare import Hook, Mechanism, State

if TYPE_CHECKING:
    from sim.model.stretch import Stretch
    from sim.model.world import World
    from sim.schema import Intervention, Scenario


def called(scenario: Scenario) -> list[Intervention]:
    """Caravans of a scenario, those switched off included: parties know theirs by its number."""
    return [item for item in scenario.interventions if item.kind == "caravan"]


def forming(scenario: Scenario, left: I64, day: int) -> I64:
    """[place, country] caravan that those join who set out for a country, or -1.

    Where two form the one that was called later counts, of two of one day the one with the greater
    id.

    Args:
        scenario: The scenario.
        left: [place, country] people who set out by corridors in the month before.
        day: Day from the start.
    """
    joined = np.full(left.shape, -1, np.int64)
    places = {place.id: i for i, place in enumerate(scenario.places)}
    countries = {country.id: i for i, country in enumerate(scenario.countries)}
    numbered = sorted(enumerate(called(scenario)), key=lambda pair: (pair[1].start, pair[1].id))
    for number, item in numbered:
        first, last = span(scenario, item)
        if not item.enabled or not first <= day < last:
            continue
        about = np.array([countries[name] for name in item.about])
        for place in (places[name] for name in item.at):
            if left[place, about].sum() >= (item.people or 0.0):
                joined[place, about] = number
    return joined


def safer(legs: Legs, item: Intervention) -> Legs:
    """Legs as they are for those in a caravan."""
    factor = 1.0 if item.hazards is None else item.hazards
    return legs._replace(
        death=legs.death * factor,
        violence=legs.violence * factor,
        extortion=legs.extortion * factor,
        kidnapping=legs.kidnapping * factor,
    )


def nobody(world: World) -> I64:
    """Start counting who sets out."""
    return np.zeros((len(world.country), world.n_countries), np.int64)


SETTING_OUT = State("setting_out", nobody)
"""[place, country] people who set out by corridors since the month began."""
SET_OUT_BEFORE = State("set_out_before", nobody)
"""[place, country] the same of the month before, which is what is known."""


def update(world: World, stretch: Stretch) -> None:
    """Let people know who set out in the month before."""
    if stretch.month_begins:
        SET_OUT_BEFORE.put(world, SETTING_OUT.of(world))
        SETTING_OUT.put(world, nobody(world))


MECHANISM = Mechanism(
    "caravans",
    "lets people set out together where many are leaving",
    states=(SETTING_OUT, SET_OUT_BEFORE),
    hooks=(Hook("environment", 70, update),),
)
