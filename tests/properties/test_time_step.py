"""A scenario by day, by week and by month is the same: only tables are cut at other dates.

Households live in event time, and what binds across them happens when a month begins: so the step
of a run says no more than when people are counted. Sums over common spans of time, and stocks on
common dates, are equal to the bit where they are whole numbers. Fractions are sums in another
order: they are equal to 1e-9 of their size, or to some units of the fixed point that they are kept
in.

More random worlds, and longer runs of the shipped cases, with `SIM_LONG_TESTS=1`.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pandas as pd
import pytest

import sim
from sim.core.rng import key_of
from sim.engine.setup import build_world
from sim.engine.simulate import run_world
from sim.engine.solve import solve_base
from sim.engine.step import step_end
from sim.kernels.plane import Plane
from sim.model.world import World
from sim.results.tables import TABLES
from sim.scenario.whole import Scenario
from tests.small import HARSH, Tables, small
from tests.worlds import random_scenario

LONG = bool(os.environ.get("SIM_LONG_TESTS"))
STEPS = ("day", "week", "month")
RELATIVE, ABSOLUTE = 1e-9, 1e-6
"""How far fractions may be apart."""
LEVELS = ("threats",)
"""Tables whose rows hold on the last day of a period, though they are dated by its first day."""


# How runs of different steps are compared ---------------------------------------------------------


def with_step(scenario: Scenario, step: str) -> Scenario:
    """The same scenario with another step, all tables, and expected events too."""
    outputs = scenario.outputs.model_copy(
        update={
            "every": 1, "expected": True, "tables": tuple(TABLES),
            "by": ("place", "citizenship", "sex", "age"),
        }
    )  # fmt: skip
    time = scenario.time.model_copy(update={"step": step})
    return scenario.model_copy(update={"time": time, "outputs": outputs})


def run(scenario: Scenario, step: str, seed: int | None = None) -> Tables:
    """Tables of a run by day, week or month; its rates are stated in the scenario."""
    scenario = with_step(scenario, step)
    world = build_world(scenario, scenario.seed if seed is None else seed)
    return run_world(world, 0, 1, None).frames(0)


def firsts(scenario: Scenario, step: str) -> list[int]:
    """Days on which steps begin, and the day after the last one, counted from the start."""
    scenario, days = with_step(scenario, step), [0]
    last = (scenario.time.end - scenario.time.start).days
    while days[-1] <= last:
        days.append(step_end(scenario, days[-1]))
    return days


def split(table: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Columns that tell rows apart, and those with figures."""
    names = [name for name in table if name not in ("replicate", "date")]
    figures = [name for name in names if table[name].dtype.kind in "iuf"]
    return [name for name in names if name not in figures], figures


def summed(table: pd.DataFrame, day: Any, keys: list[str], figures: list[str]) -> pd.DataFrame:
    """Figures added up by day and keys; rows in which all are 0 mean as much as none."""
    plain = table[figures].assign(day=day, **{key: table[key].astype(str) for key in keys})
    sums = plain.groupby(["day", *keys], sort=True)[figures].sum()
    return sums[(sums != 0).any(axis=1)]


def on_common_dates(
    name: str, tables: Tables, scenario: Scenario, step: str, common: list[int]
) -> pd.DataFrame:
    """A table's sums from one common date to the next, or its rows that hold on these dates."""
    table, rows, begins = TABLES[name], tables[name], firsts(scenario, step)
    keys, figures = split(rows)
    day = (rows["date"] - pd.Timestamp(scenario.time.start)).dt.days.to_numpy()
    if name in LEVELS:
        end = np.array(begins)[np.searchsorted(begins, day, side="right")]
    elif table.date == "first" and not table.at_end:
        return summed(rows, np.searchsorted(common, day, side="right") - 1, keys, figures)
    else:
        end = day + 1
    here = np.isin(end, common)
    return summed(rows[here], end[here], keys, figures)


def apart(one: pd.DataFrame, other: pd.DataFrame) -> list[str]:
    """Figures that are not equal in two tables; `rows` where other rows are there."""
    _, figures = split(one.reset_index(drop=True))
    everywhere = one.index.union(other.index)
    found = []
    for name in figures:
        a, b = (it[name].reindex(everywhere, fill_value=0).to_numpy() for it in (one, other))
        if a.dtype.kind == b.dtype.kind == "f":
            same = np.isclose(a, b, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True)
        else:
            same = a == b
        if not same.all():
            worst = int(np.argmax(np.abs(a - b)))
            found.append(f"{name} at {everywhere[worst]}: {a[worst]} or {b[worst]}")
    return found


def differing(scenario: Scenario, one: str, other: str, seed: int | None = None) -> dict[str, Any]:
    """Tables of which something is not the same with one step as with another, and what."""
    mine, theirs = (run(scenario, step, seed) for step in (one, other))
    return differing_tables(scenario, {one: mine, other: theirs})


def differing_tables(scenario: Scenario, runs: dict[str, Tables]) -> dict[str, Any]:
    """The same of two runs, by their steps."""
    (one, mine), (other, theirs) = runs.items()
    common = sorted({*firsts(scenario, one)} & {*firsts(scenario, other)})
    assert mine.keys() == theirs.keys() == TABLES.keys()
    found = {}
    for name in mine:
        a, b = (
            on_common_dates(name, it, scenario, step, common)
            for step, it in ((one, mine), (other, theirs))
        )  # fmt: skip
        if them := apart(a, b):
            found[name] = them
    return found


def all_apart(scenario: Scenario, seed: int | None = None) -> dict[str, Any]:
    """Differences by week and by month from the run by day."""
    by_day = run(scenario, "day", seed)
    found = {}
    for step in STEPS[1:]:
        its = run(scenario, step, seed)
        found |= {
            f"{name} by {step}": what
            for name, what in differing_tables(scenario, {"day": by_day, step: its}).items()
        }
    return found


# Day, week and month are the same -----------------------------------------------------------------


@pytest.fixture(scope="module")
def everything() -> Scenario:
    """The small world: quotas, courts, camps, relocation, separated families, elections."""
    scenario = small(*HARSH, "population.agents=4000")
    rules = scenario.policies
    for key in ("quota", "capacity", "encampment", "prosecution"):
        assert any(getattr(rule, key) for rule in rules), key
    assert any(bloc.sharing for bloc in scenario.blocs)
    return solve_base(scenario, scenario)


@pytest.fixture(scope="module")
def by_day(everything: Scenario) -> Tables:
    found = run(everything, "day")
    # Each of these binds or happens.
    happened = {
        "harms": ("harm", {"separation", "prosecution", "detention", "forced_return", "death"}),
        "spending": ("item", {"relocation", "camp", "decision", "detention"}),
        "claims": ("stage", {"claimed", "accepted", "recognised", "rejected"}),
        "answers": ("answer", {"choice", "necessity", "no_means", "no_permission"}),
        "flows": ("channel", {"labour", "family", "asylum", "irregular", "free", "home"}),
    }
    for name, (column, words) in happened.items():
        _, figures = split(found[name])
        rows = found[name][(found[name][figures] != 0).any(axis=1)]
        assert words <= set(rows[column]), name
    assert not [
        name for name, table in found.items() if not len(table) and name != "naturalisations"
    ]
    return found


@pytest.mark.parametrize("step", STEPS[1:])
def test_the_small_world_is_the_same_by_day_week_and_month(everything, by_day, step):
    runs = {"day": by_day, step: run(everything, step)}
    assert differing_tables(everything, runs) == {}


def test_week_and_month_have_a_date_in_common_and_are_the_same_on_it():
    """Without the days in between: the comparison by day may hide nothing."""
    scenario = small("population.agents=2000", "time.end=2020-12-29")
    assert {*firsts(scenario, "week")} & {*firsts(scenario, "month")} == {0, 182, 364}
    assert differing(solve_base(scenario, scenario), "week", "month") == {}


@pytest.mark.parametrize("number", range(40 if LONG else 4))
def test_random_worlds_are_the_same_by_day_week_and_month(number):
    assert all_apart(random_scenario(number), number) == {}


CASES = {
    "syria": ("time.start=2012-07", "time.end=2013-06" if LONG else "time.end=2012-10"),
    "central_america": ("time.end=2010-12" if LONG else "time.end=2010-03",),
}


@pytest.mark.parametrize("case", list(CASES))
def test_the_shipped_cases_are_the_same_by_day_week_and_month(case):
    scenario = sim.read(case, ["population.agents=3000", *CASES[case]])
    scenario = solve_base(scenario, scenario)
    assert all_apart(scenario) == {}


def test_they_would_not_be_were_events_drawn_anew_in_each_segment(everything, by_day, monkeypatch):
    """The control: a plane for every segment, in place of one for every calendar month."""
    plane = World.plane

    def anew(world, draw, day=None):
        its = plane(world, draw, day)
        return Plane(key_of(world.seed, draw, world.day), its.start, its.days)

    monkeypatch.setattr(World, "plane", anew)
    apart = differing_tables(everything, {"day": by_day, "month": run(everything, "month")})
    assert {"answers", "flows", "stocks", "persons", "harms", "claims"} <= apart.keys()
