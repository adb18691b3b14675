"""Corridors, and the places that they link."""

from __future__ import annotations

from sim.scenario.checks.checker import Checker
from sim.scenario.document import Path
from sim.scenario.resolve import OPTION_KEYS, corridor_ids


def check_corridors(ck: Checker) -> None:
    """Corridors without an end, places without a corridor, route options stated twice."""
    s = ck.scenario
    touched: set[str] = set()
    for i, it in enumerate(s.corridors):
        path: Path = ("corridors", i)
        touched |= {it.from_, it.to}
        if it.from_ == it.to:
            ck.add((*path, "to"), f"{{}} = {it.to} is where the corridor starts")
        if ck.whole(path, "from", "to") and any(len(own) > 64 for own in corridor_ids(it)):
            hint = "shorten the ids of the places" if it.both_ways else "give the corridor an id"
            ck.add(path, f"{{}}: its id, {it.from_}_{it.to}, is longer than 64 characters", hint)
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
