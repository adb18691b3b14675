"""Interventions and shocks: what each kind needs."""

from __future__ import annotations

from typing import Final

from sim.scenario.checks.checker import Checker
from sim.scenario.document import Path

OF_KIND: Final = {
    "aid": ("budget",), "drought": ("strength", "prevalence"), "campaign": ("strength", "about"),
    "caravan": ("about", "people", "price", "hazards", "interception"),
}  # fmt: skip
NEEDED: Final = {
    "aid": ("budget",), "drought": ("strength",), "campaign": ("strength", "about"),
    "caravan": ("about",),
}  # fmt: skip
_MEANING: Final = {
    "budget": "budget: money a year",
    "strength": "strength: of a drought 0 to 1, of a campaign -1 to 1",
    "about": "about: countries that a campaign is about, or a caravan goes to",
}


def check_interventions(ck: Checker) -> None:
    """Fields that a kind of intervention needs or cannot use."""
    for i, it in enumerate(ck.scenario.interventions):
        path: Path = ("interventions", i)
        for key in NEEDED[it.kind]:
            if getattr(it, key) in (None, ()) and ck.whole(path, "kind", key):
                ck.add(path, f"{{}}: {it.kind} needs {key}", _MEANING[key])
        for key in dict.fromkeys(key for keys in OF_KIND.values() for key in keys):
            useless = key not in OF_KIND[it.kind] and ck.whole(path, "kind")
            if useless and getattr(it, key) not in (None, ()):
                hint = f"{it.kind} uses: {', '.join(OF_KIND[it.kind])}"
                ck.add((*path, key), f"{{}} has no meaning for {it.kind}", hint, on_key=True)
        drought = it.kind == "drought" and ck.whole(path, "kind", "strength")
        if drought and it.strength is not None and it.strength < 0:
            ck.add((*path, "strength"), f"{{}} = {it.strength:g} is out of range (0 to 1)")
        if not it.at and ck.whole(path, "at"):
            ck.add((*path, "at"), "{} is empty", "name places or countries")
    for i, shock in enumerate(ck.scenario.shocks):
        if not shock.at and ck.whole(("shocks", i), "at"):
            ck.add(("shocks", i, "at"), "{} is empty", "name places or countries")
