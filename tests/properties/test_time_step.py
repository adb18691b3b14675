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
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import sim
from sim.core.rng import key_of
from sim.core.terms import Activity, Status
from sim.engine.setup import build_world
from sim.engine.simulate import run_world
from sim.engine.solve import solve_base
from sim.engine.step import advance_to, next_change, step_end
from sim.kernels.plane import Plane
from sim.mechanisms.plans import HAS_PLAN, PLANS
from sim.model.world import World
from sim.results.tables import TABLES
from sim.scenario.whole import Scenario
from tests.small import HARSH, NORTH, TOWN, Tables, edited, small
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
    figures = [
        name for name in names if table[name].dtype.kind in "iuf" and not name.startswith("id_")
    ]
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
    other = one if other == "again" else other
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


def people_of(world: World) -> pd.DataFrame:
    """Everybody by identity, with all that is kept of them, their household and its plans."""
    persons, households = world.persons, world.households
    columns = {name: getattr(persons, name) for name in ("born", "traits", "past")}
    leave_out = {"head", "relative"}  # rows of other people and households
    for name in set(households._fields) - leave_out:
        columns[name] = getattr(households, name)[persons.household]
    # What is left of plans that are carried out says nothing, nor of legs while one waits.
    plans = PLANS.of(world)
    activity = households.activity[plans.household]
    active, moving = HAS_PLAN[activity], HAS_PLAN[activity] & (activity != Activity.waiting)
    for name in ("goal", "channel", "companions", "answer", "felt", "due", "leg", "caravan"):
        rows = moving if name in ("leg", "caravan") else active
        # Nothing else is about -99.
        column = np.full(len(households.ident), -99.0)
        column[plans.household[rows]] = getattr(plans, name)[rows]
        columns[f"plan {name}"] = column[persons.household]
    table = pd.DataFrame(columns, index=persons.pid)
    assert table.index.is_unique
    return table.sort_index()


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


ADMITTED_AT_MIDNIGHT = """\
schema: 1
name: midnight
title: People are admitted at the beginning of a day, while a threat rises
time: {start: 2020-01, end: 2020-06, step: month}
seed: 3
population: {agents: 6000, demography: false}
sources: [{id: assumption, text: made up}]
countries:
  - {id: AA, languages: [aa], neighbours: [CC], democracy: .1, profile: {household_size: 1.0}}
  - {id: CC, languages: [cc], democracy: .9, profile: {household_size: 2.3}}
places:
  - {id: AA_N, country: AA, people: 5000, income: 3000, lat: 34.0, lon: 36.0}
  - {id: CC_C, country: CC, people: 1000, income: 40000, lat: 38.0, lon: 30.0}
threats:
  default: {economic: [.3, .3]}
shocks:
  - {id: purge, at: [AA_N], threat: political, start: 2020-01-20, rise: 4, peak: .9,
     half_life: 9, prevalence: 1}
policies:
  - {id: work, into: CC, channel: labour, open: true, quota: 365.25, wait: 0}
  - {id: refuge, into: CC, prima_facie: true, citizens_of: [AA]}
decision: {baseline_rate: 1, base_flight: .5}
"""
"""One place a day: a quota's days are whole numbers, and so are the days on which people go."""


def test_what_is_due_when_a_segment_ends_sees_the_day_that_begins(tmp_path):
    """Whether people have grounds depends on the severity of the day on which they leave."""
    path = tmp_path / "midnight.yaml"
    path.write_text(ADMITTED_AT_MIDNIGHT)
    for grounds in range(5, 60, 5):
        scenario = sim.read(str(path), [f"journey.grounds={grounds / 100}"])
        assert differing(solve_base(scenario, scenario), "day", "month") == {}, grounds


def test_everybody_is_the_same_to_the_bit(everything):
    """Money, exposure, status and plans included."""
    found = []
    for step in STEPS:
        world = build_world(with_step(everything, step), everything.seed)
        run_world(world, 0, 1, None)
        found.append(people_of(world))
    assert len(found[0]) > 4000
    for other in found[1:]:
        pd.testing.assert_frame_equal(found[0], other, check_exact=True)


def test_week_and_month_have_a_date_in_common_and_are_the_same_on_it():
    """Without the days in between: the comparison by day may hide nothing."""
    scenario = small("population.agents=2000", "time.end=2020-12-29")
    assert {*firsts(scenario, "week")} & {*firsts(scenario, "month")} == {0, 91, 182, 364}
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


def test_those_who_are_stranded_are_the_same_too():
    """They apply, and send somebody ahead, from where they have no residence."""
    scenario = small("population.agents=8000", "time.end=2020-02", "journey.wait_stranded=.05")
    scenario = solve_base(scenario, scenario)
    runs = {}
    for step in STEPS:
        world = build_world(with_step(scenario, step), scenario.seed)
        households = world.households
        houses = np.flatnonzero((households.place == NORTH) & (households.home == NORTH))[:400]
        households.place[houses], households.activity[houses] = TOWN, int(Activity.stranded)
        households.status[houses], households.moved[houses] = int(Status.irregular), 0
        households.means[houses] = 1e5
        before = len(households.ident)
        runs[step] = run_world(world, 0, 1, None).frames(0)
        households, went = world.households, world.households.activity[houses]
        assert (went == Activity.waiting).sum() >= 10
        assert np.isin(households.relative[houses[went == Activity.stranded]], houses).mean() < 1
        assert len(households.ident) > before
    for step in STEPS[1:]:
        assert differing_tables(scenario, {"day": runs["day"], step: runs[step]}) == {}


# What concerns nobody changes nothing -------------------------------------------------------------

NOWHERE = {
    "countries": {"id": "DD", "neighbours": ["CC"], "democracy": 0.3, "voice": 0.3},
    "places": {
        "id": "DD_D", "country": "DD", "kind": "camp", "capacity": 0, "people": 0, "income": 5000,
        "lat": 50.0, "lon": 20.0,
    },
    "corridors": {"from": "CC_C", "to": "DD_D"},
}  # fmt: skip
"""A country in which nobody lives, and from which nobody comes."""
CONCERNS_NOBODY: dict[str, dict[str, Any]] = {
    "a channel for nationals of whom there are none": {
        "policies": {
            "id": "idle", "into": "CC", "channel": "labour", "open": False,
            "citizens_of": ["DD"], "start": "2020-05-17",
        },
    },
    "a border closed to them for a week": {
        "policies": {
            "id": "idle", "into": "BB", "detention": 1.0, "citizens_of": ["DD"],
            "start": "2020-05-17", "end": "2020-05-23",
        },
    },
    "a rule that is not enabled": {
        "policies": {
            "id": "idle", "into": "CC", "barrier": 1.0, "start": "2020-05-17", "enabled": False,
        },
    },
    "a war where nobody lives": {
        "shocks": {
            "id": "idle", "at": ["DD_D"], "threat": "personal", "start": "2020-05-17", "peak": 0.9,
            "prevalence": 0.9, "by_state": True,
        },
    },
    "a war that is not enabled": {
        "shocks": {
            "id": "idle", "at": ["AA_S"], "threat": "personal", "start": "2020-05-17", "peak": 0.9,
            "prevalence": 0.9, "by_state": True, "enabled": False,
        },
    },
    "a drought that is not enabled": {
        "interventions": {
            "id": "idle", "kind": "drought", "at": ["AA_S"], "start": "2020-05-17", "months": 6,
            "strength": 0.9, "prevalence": 0.9, "enabled": False,
        },
    },
}  # fmt: skip


def with_nowhere(folder: Path, **more: dict[str, Any]) -> Scenario:
    """The small world with an empty country, and with another item in some of its lists."""

    def change(text: dict[str, Any]) -> None:
        for key, item in [*NOWHERE.items(), *more.items()]:
            text[key].append(item)
        text["population"]["agents"] = 3000
        text["time"]["end"] = "2020-12"

    return edited(folder, change)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scenario, Tables]:
    base = with_nowhere(tmp_path_factory.mktemp("plain"))
    return base, run(solve_base(base, base), "month")


def compared(plain: tuple[Scenario, Tables], folder: Path, **more: Any) -> dict[str, Any]:
    """What is apart if something is added to the plain run."""
    base, tables = plain
    other = run(solve_base(with_nowhere(folder, **more), base), "month")
    for table in (tables, other):
        there = table["threats"]
        table["threats"] = there[there["place"] != "DD_D"]
    return differing_tables(base, {"month": tables, "again": other})


@pytest.mark.parametrize("what", list(CONCERNS_NOBODY))
def test_what_concerns_nobody_changes_nothing_in_mid_month(plain, tmp_path, what):
    assert compared(plain, tmp_path, **CONCERNS_NOBODY[what]) == {}


def test_the_same_rule_changes_much_where_it_concerns_somebody(plain, tmp_path):
    """The control."""
    idle = CONCERNS_NOBODY["a channel for nationals of whom there are none"]["policies"]
    rule = idle | {"citizens_of": ["AA"]}
    assert {"flows", "answers"} <= compared(plain, tmp_path, policies=rule).keys()


# A rule that is moved by three days ---------------------------------------------------------------

UNBOUND = (
    "policies.bb_work.quota=null", "policies.bb_kin.quota=null", "policies.cc_work.quota=null",
    "policies.cc_kin.quota=null", "policies.bb_courts.capacity=null",
    "policies.cc_courts.capacity=null", "policies.bb_refuge.encampment=0",
    "blocs.union.sharing=null", "journey.premium=0", "population.agents=8000",
)  # fmt: skip
"""No quota, court or camp binds households to each other, and prices do not rise."""
MOVED = {
    "who is recognised": ("policies.bb_tighter.start", "2020-11-10", "2020-11-13"),
    "a border": ("policies.bb_tighter.start", "2020-11-10", "2020-11-13", "barrier"),
    "a channel": ("policies.bb_tighter.start", "2020-11-10", "2020-11-13", "labour"),
}
MORE = {
    # Few come to that border in three days.
    "barrier": (
        "policies.bb_tighter.prima_facie=null", "policies.bb_tighter.detention=1",
        "population.agents=40000",
    ),
    "labour": (
        "policies.bb_tighter.prima_facie=null", "policies.bb_tighter.channel=labour",
        "policies.bb_tighter.open=false",
    ),
}  # fmt: skip


def unlike(one: pd.DataFrame, other: pd.DataFrame) -> set[int]:
    """Identities of the people who are not the same."""
    assert one.index.equals(other.index)
    return set(one.index[(one != other).any(axis=1)])


@pytest.mark.parametrize("what", list(MOVED))
def test_a_rule_moved_by_three_days_changes_only_people_who_meet_it_in_them(what):
    """Until the next month begins, when people learn of others, and states deal with them."""
    name, *dates = MOVED[what][:3]
    more = MORE[MOVED[what][3]] if len(MOVED[what]) > 3 else ()
    base = small(*UNBOUND, *more)
    worlds = []
    for date in dates:
        scenario = solve_base(small(*UNBOUND, *more, f"{name}={date}"), base)
        worlds.append(build_world(scenario, scenario.seed))
    first, then, end = (
        (pd.Timestamp(day).date() - worlds[0].scenario.time.start).days
        for day in (*dates, "2020-12-01")
    )
    seen = {}
    for day in (first, then, end):
        for world in worlds:
            while world.day < day:
                advance_to(world, next_change(world, day))
        seen[day] = [people_of(world) for world in worlds]
    assert unlike(*seen[first]) == set()
    met = unlike(*seen[then])
    # They have moved, applied, arrived, been stopped or refused in these days, died, or somebody
    # has gone ahead of them.
    one, other = (table.loc[sorted(met)] for table in seen[then])
    did = np.zeros(len(met), bool)
    for table in (one, other):
        for column in ("moved", "since", "blocked_on"):
            did |= (table[column] >= first).to_numpy()
        did |= (table["activity"] != Activity.resident).to_numpy()
    did |= (one["size"] != other["size"]).to_numpy()
    assert did.all()
    # Nobody else is ever the wiser within the month, and most of the others have not even moved.
    assert unlike(*seen[end]) <= met
    busy = (seen[then][0]["moved"] >= first).sum()
    assert 0 < len(met) < busy


def test_nor_is_it_different_from_the_other_month_on():
    """The control: in the next month others learn of it."""
    name, *dates = MOVED["who is recognised"]
    worlds = []
    for date in dates:
        scenario = solve_base(small(*UNBOUND, f"{name}={date}"), small(*UNBOUND))
        worlds.append(build_world(scenario, scenario.seed))
    seen = {}
    for end in ("2020-12-01", "2021-06-01"):
        day = (pd.Timestamp(end).date() - worlds[0].scenario.time.start).days
        for world in worlds:
            while world.day < day:
                advance_to(world, next_change(world, day))
        seen[end] = unlike(*(people_of(world) for world in worlds))
    assert len(seen["2021-06-01"] - seen["2020-12-01"]) > 0


# Compiled and not ---------------------------------------------------------------------------------

INTERPRETED = """
import pickle, sys
from tests.properties.test_time_step import three_months
with open(sys.argv[1], "wb") as file:
    pickle.dump(three_months(), file)
"""
"""Runs without numba in another process; its argument is where to write the tables."""


def three_months() -> Tables:
    """The small world's first three months, in which rules, a shock and a bloc begin."""
    scenario = small(*HARSH, "population.agents=4000", "time.end=2020-03")
    return run(solve_base(scenario, scenario), "month")


def test_without_numba_it_is_the_same(tmp_path):
    path = tmp_path / "tables.pickle"
    done = subprocess.run(
        [sys.executable, "-c", INTERPRETED, str(path)], cwd=Path(__file__).parents[2],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    mine, theirs = three_months(), pickle.loads(path.read_bytes())
    assert len(mine["persons"]) > 3500
    assert mine["flows"]["departed"].sum() > 0
    for name, table in mine.items():
        other = theirs[name]
        real = [column for column in table if table[column].dtype.kind == "f"]
        pd.testing.assert_frame_equal(
            table.drop(columns=real), other.drop(columns=real), check_exact=True, obj=name
        )
        # The least bits of exponentials may differ.
        np.testing.assert_allclose(table[real], other[real], rtol=1e-5, atol=ABSOLUTE)
