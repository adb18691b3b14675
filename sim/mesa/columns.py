"""What can be read about a person from the world's arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from sim.core.state import (
    DIED,
    DIED_NATURALLY,
    EVER_NO_MEANS,
    EVER_NO_PERMISSION,
    MOVED_ABROAD,
    MOVED_WITHIN,
    Persons,
)
from sim.core.terms import Activity, Education, Sex, Status, Threat
from sim.kernels.household import died_at
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
    return (model.world.month() - model.world.persons.born[rows].astype(np.int64)) // 12


def _past(bit: int) -> Callable[[Model, Any], Any]:
    return lambda model, rows: model.world.persons.past[rows] & bit > 0


def _column(name: str) -> Callable[[Model, Any], Any]:
    def read(model: Model, rows: Any) -> Any:
        world = model.world
        if name in Persons._fields:
            return getattr(world.persons, name)[rows]
        return getattr(world.households, name)[world.persons.household[rows]]

    return read


def _leads(model: Model, rows: Any) -> Any:
    world = model.world
    return world.households.head[world.persons.household[rows]] == rows


def _word(name: str, column: str = "", shift: int = 0, bits: int = 255) -> Any:
    code_of = _column(column or name)

    def read(model: Model, rows: Any) -> Any:
        code = code_of(model, rows)
        return model.words[name][code >> shift & bits if shift or bits < 255 else code]

    return read


def _now(name: str) -> Callable[[Model, Any], Any]:
    """Place and activity: of the dead, where they died."""
    of_household = _column(name)

    def read(model: Model, rows: Any) -> Any:
        persons = model.world.persons
        gone, place = persons.past[rows] & DIED > 0, died_at(persons.next[rows])[0]
        code = np.where(
            gone, place if name == "place" else int(Activity.dead), of_household(model, rows)
        )
        return code if code.ndim else code.item()

    return read


def _of_now(name: str, column: str) -> Callable[[Model, Any], Any]:
    code_of = _now(column)
    return lambda model, rows: model.words[name][code_of(model, rows)]


COLUMNS: Final[dict[str, Callable[[Model, Any], Any]]] = {
    "place": _of_now("place", "place"),
    "home": _word("place", "home"),
    "pos": _of_now("pos", "place"),
    "citizenship": _word("citizenship", "home"),
    "status": _word("status"),
    "activity": _of_now("activity", "activity"),
    "group": _word("group"),
    "sex": _word("sex", "traits", 0, 1),
    "education": _word("education", "traits", 1, 3),
    "age": _age,
    "household": _column("household"),
    "is_head": _leads,
    "means": _column("means"),
    "kin": _word("kin"),
    "taste": _word("taste", "traits", 4, 15),
    "threats": _word("threats", "mask", 0, 127),
    "uprooted": _word("threats", "uprooted", 0, 127),
    "moved_abroad": _past(MOVED_ABROAD),
    "moved_within": _past(MOVED_WITHIN),
    "no_means": _past(EVER_NO_MEANS),
    "no_permission": _past(EVER_NO_PERMISSION),
    "died_naturally": _past(DIED_NATURALLY),
    "people": _column("weight"),
    "pid": _column("pid"),
}
"""What can be read of a person: place of stay (of those on the way, the last one reached), home
place, position (longitude, latitude), what `sim/core/state.py` keeps, and what has ever happened to
them. `citizenship` is the country they are from, as in the output tables, also of those who have
become citizens of another."""
