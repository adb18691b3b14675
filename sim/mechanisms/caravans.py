"""Caravans (D9): groups that set out together where many people are leaving anyway.

A caravan is called from some places to some countries (`interventions`, kind `caravan`). It forms
at a place in a month if at least `people` set out from there for those countries by corridors in
the month before. Everyone who sets out in that month travels in it: smugglers charge them less, the
hazards of the journey are smaller, and they may be stopped more or less often. People know that a
caravan is forming before they decide, so it attracts others. Its benefits do not grow with its
size, so the flow does not grow without limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.state import I64, Legs
from sim.mechanisms.livelihood import span
from sim.model.declare import Hook, Mechanism, State

if TYPE_CHECKING:
    from sim.model.segment import Segment
    from sim.model.world import World
    from sim.schema import Intervention, Scenario


def called(scenario: Scenario) -> list[Intervention]:
    """Caravans of a scenario, including those switched off: parties refer to them by number."""
    return [item for item in scenario.interventions if item.kind == "caravan"]


def forming(scenario: Scenario, left: I64, day: int) -> I64:
    """[place, country] caravan that people who set out for a country join, or -1.

    Where two form, the one called later counts; of two called on one day, the one whose id sorts
    last.

    Args:
        scenario: The scenario.
        left: [place, country] people who set out by corridors in the month before.
        day: Day from the start.
    """
    joined = np.full(left.shape, -1, np.int64)
    if not called(scenario):
        return joined
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
    """Legs with the hazards that people in a caravan face."""
    factor = 1.0 if item.hazards is None else item.hazards
    return legs._replace(
        death=legs.death * factor,
        violence=legs.violence * factor,
        extortion=legs.extortion * factor,
        kidnapping=legs.kidnapping * factor,
    )


def no_departures(world: World) -> I64:
    """Start counting people who set out."""
    return np.zeros((len(world.country), world.n_countries), np.int64)


SETTING_OUT = State("setting_out", no_departures)
"""[place, country] people who set out by corridors since the month began."""
SET_OUT_BEFORE = State("set_out_before", no_departures)
"""[place, country] the same for the month before, which is what people know."""


def update(world: World, segment: Segment) -> None:
    """Let people know how many set out in the month before."""
    if segment.month_begins:
        SET_OUT_BEFORE.put(world, SETTING_OUT.of(world))
        SETTING_OUT.put(world, no_departures(world))


MECHANISM = Mechanism(
    "caravans",
    "lets people set out in caravans where many are leaving",
    states=(SETTING_OUT, SET_OUT_BEFORE),
    hooks=(Hook("environment", 70, update),),
)
