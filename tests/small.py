"""The small world that tests of whole runs share, and ways to change and run it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

import sim
from sim.engine.setup import build_world
from sim.engine.simulate import run_world
from sim.engine.solve import solve_base
from sim.engine.step import advance
from sim.model.world import Census, World
from sim.scenario.whole import Scenario

FILE = Path(__file__).with_name("small.yaml")

HARSH = (
    "policies.bb_border.prosecution=.6", "policies.cc_border.prosecution=.6",
    "policies.cc_border.removal=.5",
    "policies.bb_border.complicit=.4",
    "interventions=[{id: walk, kind: caravan, at: [AA], about: [BB], start: 2020-03}]",
    "interventions.walk.at=[AA, BB_T]", "interventions.walk.about=[BB, CC]",
    "interventions.walk.people=4000",
)  # fmt: skip
"""Overrides under which happens on the way what does not in the file as it stands."""

Tables = dict[str, pd.DataFrame]


@cache
def small(*overrides: str) -> Scenario:
    """The small scenario, with overrides as on the command line."""
    return sim.read(FILE, overrides)


def edited(folder: Path, change: Callable[[dict[str, Any]], None]) -> Scenario:
    """The small scenario after a change to what its file says."""
    text = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    change(text)
    path = folder / "edited.yaml"
    path.write_text(yaml.safe_dump(text, sort_keys=False), encoding="utf-8")
    return sim.read(path)


def solved(scenario: Scenario) -> Scenario:
    """The same with base_L and the flight norm filled in."""
    return solve_base(scenario, scenario)


def world(scenario: Scenario | None = None, seed: int | None = None, **options: Any) -> World:
    """A world on its first day."""
    scenario = solved(small() if scenario is None else scenario)
    return build_world(scenario, scenario.seed if seed is None else seed, **options)


def tables(scenario: Scenario | None = None, seed: int | None = None, **options: Any) -> Tables:
    """Tables of one run."""
    return run_world(world(scenario, seed, **options), 0, 1, None).frames(0)


PLACES = [place.id for place in small().places]
COUNTRIES = [country.id for country in small().countries]
NORTH, SOUTH, EAST, TOWN, CITY, CAMP, PORT, CAPITAL = (
    PLACES.index(name) for name in ("AA_N", "AA_S", "AA_E", "BB_T", "BB_C", "BB_K", "CC_P", "CC_C")
)
"""Numbers of places."""
AA, BB, CC = (COUNTRIES.index(name) for name in ("AA", "BB", "CC"))
"""Numbers of countries."""


@cache
def small_tables() -> Tables:
    """Tables of the small scenario as it stands, run once."""
    return tables()


def steps(at: World) -> Iterator[Census]:
    """Step a world to its end."""
    n_days = (at.scenario.time.end - at.scenario.time.start).days + 1
    while at.day < n_days:
        yield advance(at)


def differing(
    one: Tables, other: Tables, without: tuple[str, ...] = (), slack: float = 0.0
) -> list[str]:
    """Tables that are not equal, up to the order of rows and of categories.

    Args:
        one: Tables of a run.
        other: Tables of another.
        without: Places, countries and corridors whose rows do not count.
        slack: Difference that fractions may have; whole numbers may have none.

    Returns:
        Their names.
    """
    assert one.keys() == other.keys()
    apart = []
    for name in one:
        a, b = _canonical(one[name], without), _canonical(other[name], without)
        fractions = [c for c in a if a[c].dtype == np.float64]
        same = a.drop(columns=fractions).equals(b.drop(columns=fractions))
        if not same or not np.allclose(a[fractions], b[fractions], rtol=0, atol=slack):
            apart.append(name)
    return apart


def _canonical(table: pd.DataFrame, without: tuple[str, ...]) -> pd.DataFrame:
    plain = table.astype(
        {name: object for name in table if isinstance(table[name].dtype, pd.CategoricalDtype)}
    )
    words = plain.select_dtypes(object)
    plain = plain[~words.isin(without).any(axis=1)]
    keys = [name for name in plain if plain[name].dtype != np.float64]
    return plain.sort_values(keys, kind="stable").reset_index(drop=True)
