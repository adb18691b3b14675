"""What can be read about a person from the world's arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from sim.core.state import (
    DIED_NATURALLY,
    EVER_NO_MEANS,
    EVER_NO_PERMISSION,
    HEAD,
    MOVED_ABROAD,
    MOVED_WITHIN,
)
from sim.core.terms import Activity, Education, Sex, Status, Threat
from sim.mesa.interface import Model
from sim.model.world import World


def _labels(values: Sequence[Any]) -> Any:
    """An array of labels that codes index: one code or an array of them."""
    found = np.empty(len(values), object)
    for code, value in enumerate(values):  # tuples are labels too
        found[code] = value
    return found


def words_of(world: World) -> dict[str, Any]:
    """Labels of the codes in the world's arrays, by name; each an array that a code indexes."""
    scenario = world.scenario
    return {
        **WORDS,
        "place": _labels([place.id for place in scenario.places]),
        "citizenship": _labels([scenario.countries[c].id for c in world.country]),
        "kin": _labels([None, *(country.id for country in scenario.countries)]),
        "group": _labels(["other", *(group.id for group in scenario.groups)]),
        "taste": _labels([one.id for one in scenario.decision.classes]),
        "pos": _labels([(place.lon, place.lat) for place in scenario.places]),
    }


WORDS: Final[dict[str, Any]] = {
    **{
        name: _labels(list(axis.__members__))
        for name, axis in (
            ("sex", Sex), ("education", Education), ("status", Status), ("activity", Activity),
        )
    },
    "threats": _labels(
        [tuple(threat.name for threat in Threat if mask >> threat & 1) for mask in range(128)]
    ),
}  # fmt: skip
"""Labels that are the same in every world; of threats, by the bit mask of a person's exposures."""


def _age(model: Model, rows: Any) -> Any:
    return (model.world.month() - model.world.people.born[rows].astype(np.int64)) // 12


def _flag(bit: int) -> Callable[[Model, Any], Any]:
    return lambda model, rows: model.world.people.flags[rows] & bit > 0


def _column(name: str) -> Callable[[Model, Any], Any]:
    return lambda model, rows: getattr(model.world.people, name)[rows]


def _word(name: str, column: str = "", shift: int = 0, bits: int = 255) -> Any:
    def read(model: Model, rows: Any) -> Any:
        code = getattr(model.world.people, column or name)[rows]
        return model.words[name][code >> shift & bits if shift or bits < 255 else code]

    return read


COLUMNS: Final[dict[str, Callable[[Model, Any], Any]]] = {
    "place": _word("place"),
    "home": _word("place", "home"),
    "pos": _word("pos", "place"),
    "citizenship": _word("citizenship", "home"),
    "status": _word("status"),
    "activity": _word("activity"),
    "group": _word("group"),
    "sex": _word("sex", "traits", 0, 1),
    "education": _word("education", "traits", 1, 3),
    "age": _age,
    "household": _column("household"),
    "is_head": _flag(HEAD),
    "means": _column("means"),
    "kin": _word("kin"),
    "taste": _word("taste", "traits", 4, 15),
    "threats": _word("threats", "mask", 0, 127),
    "uprooted": _word("threats", "uprooted", 0, 127),
    "moved_abroad": _flag(MOVED_ABROAD),
    "moved_within": _flag(MOVED_WITHIN),
    "no_means": _flag(EVER_NO_MEANS),
    "no_permission": _flag(EVER_NO_PERMISSION),
    "died_naturally": _flag(DIED_NATURALLY),
    "people": lambda model, rows: model.world.weight[model.world.people.home[rows]],
    "pid": _column("pid"),
}
"""What can be read of a person: place of stay (of those on the way, the last one reached), home
place, position (longitude, latitude), what `sim/core/state.py` keeps, and what has ever happened to
them. `citizenship` is the country they are from, as in the output tables, also of those who have
become citizens of another."""
