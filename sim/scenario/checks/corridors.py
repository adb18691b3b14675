"""Corridors, and the routes that they add up to."""

from __future__ import annotations

from math import exp, log
from typing import Final

from sim.scenario.checks.checker import Checker
from sim.scenario.document import Path
from sim.scenario.resolve import OPTION_KEYS, resolve
from sim.scenario.whole import Scenario

ROUTE_WALKS: Final = 80
"""Steps of the power iteration; growth is taken over the later half."""


def check_corridors(ck: Checker) -> None:
    """Corridors without an end, places without a corridor, route options stated twice."""
    s = ck.scenario
    touched: set[str] = set()
    for i, it in enumerate(s.corridors):
        path: Path = ("corridors", i)
        touched |= {it.from_, it.to}
        if it.from_ == it.to:
            ck.add((*path, "to"), f"{{}} = {it.to} is where the corridor starts")
        if it.km is not None and it.days is not None:
            hint = "only days count; give km where the days are not known"
            ck.add((*path, "km"), "{} cannot be combined with days", hint, on_key=True)
        if it.route_options:
            for key in OPTION_KEYS:
                if getattr(it, key) is not None:
                    ck.add(
                        (*path, key),
                        "{} cannot be combined with route_options",
                        "state it within each route option",
                        on_key=True,
                    )
            if it.dangerous:
                said = "{} cannot be combined with route_options"
                ck.add((*path, "dangerous"), said, on_key=True)
    if s.corridors and ck.intact("corridors"):
        for i, place in enumerate(s.places):
            if place.id not in touched:
                ck.add(
                    ("places", i),
                    f"{{}}: no corridor leads to or from {place.id}",
                    "add a corridor, or take the place out",
                )


def check_routes(ck: Checker) -> None:
    """Routes on which going in circles is worth more than arriving."""
    known = ck.known
    if ck.problems or known.broken or known.incomplete or known.tainted:
        # Only a scenario with nothing else wrong can be resolved.
        return
    radius = route_radius(resolve(ck.scenario))
    if radius >= 1:
        stated = [("decision", "route_scale"), ("decision", "fatigue"), ("decision", "risk")]
        ck.add(
            next((path for path in stated if ck.tree.key(path) is not None), ("corridors",)),
            "{}: detours add up without end, because there are many ways and fatigue is low "
            f"(spectral radius {radius:.3g}, must be below 1)",
            "raise decision.fatigue, or lower decision.route_scale",
        )


def route_radius(scenario: Scenario) -> float:
    """Return the spectral radius of the recursive logit over legs, were all borders open and free.

    Below 1 the values of routes are sums that converge; prices and enforcement only lower it.

    Args:
        scenario: resolved.
    """
    decision, journey = scenario.decision, scenario.journey
    risk = decision.risk * min((it.risk for it in decision.classes), default=1.0)
    index = {place.id: i for i, place in enumerate(scenario.places)}
    legs = []
    for corridor in scenario.corridors:
        days = decision.livelihood.waiting * (corridor.days or 0.0) / 30.4375
        weight = 0.0
        for option in corridor.route_options:
            harm = (
                option.death
                + journey.violence_weight * option.violence
                + journey.extortion_weight * option.extortion
                + journey.kidnapping_weight * option.kidnapping
            )
            weight += exp(-(risk * harm + days + decision.fatigue) / decision.route_scale)
        legs.append((index[corridor.from_], index[corridor.to], weight))
    values = [1.0] * len(index)
    growth = 0.0
    for walk in range(ROUTE_WALKS):
        new = [0.0] * len(values)
        for a, b, weight in legs:
            new[a] += weight * values[b]
        norm = max(new, default=0.0)
        if norm == 0.0:
            return 0.0
        values = [value / norm for value in new]
        if walk >= ROUTE_WALKS // 2:
            growth += log(norm)
    return exp(growth / (ROUTE_WALKS - ROUTE_WALKS // 2))
