"""MigrationModel: what a Mesa user expects, on the engine's own steps."""

from __future__ import annotations

import contextlib
import copy
import dis
import gc
import inspect
import operator
import os
import pickle
import re
import shutil
import socket
import subprocess
import sys
import time
import tomllib
import warnings
import weakref
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import sim
from sim.core.state import DIED
from sim.core.terms import Activity, Answer, Status
from sim.kernels.demography import record_deaths
from sim.mechanisms.policy import RULES
from sim.mechanisms.politics import PUBLIC
from sim.mesa.columns import COLUMNS
from sim.mesa.countries import Country
from sim.mesa.model import SCHEDULES, EndedError
from sim.mesa.parameters import RNG_OF_BATCH
from sim.mesa.people import Person
from sim.mesa.quiet import mesa
from sim.mesa.refusal import NotOnArraysError
from sim.results.interest import narrowed
from sim.results.record import Record
from sim.results.store import differences
from tests.small import FILE, differing

ROOT = Path(__file__).parents[2]
MINIMAL = ROOT / "tests/scenarios/valid/minimal.yaml"
FEW = 800
TABLES = "outputs.tables"
ALL_TABLES = [*sim.read(FILE).outputs.tables, "persons"]


def model(**options: Any) -> Any:
    return sim.MigrationModel(FILE, **{"agents": FEW, **options})


@cache
def finished(seed: int | None = None) -> Any:
    """A model that has run to its end, shared: nobody may change it."""
    found = model(seed=seed, agent_reporters={"place": "place"}, **{TABLES: ALL_TABLES})
    found.run_model()
    return found


@cache
def run(seed: int | None = None, *overrides: str) -> Record:
    changes = [f"population.agents={FEW}", f"{TABLES}=[{', '.join(ALL_TABLES)}]", *overrides]
    return sim.run(sim.read(FILE, changes), seed=seed, base=sim.read(FILE))


def assert_same(mine: Record, theirs: Record) -> None:
    """Every table is the same to the bit, in its very order."""
    assert list(mine.tables) == list(theirs.tables)
    for name, table in theirs.tables.items():
        pd.testing.assert_frame_equal(mine.tables[name], table, check_exact=True, obj=name)
    told = ("identity", "seed", "seeds", "people", "agents", "steps", "scenario_hash", "threads")
    for key in told:
        assert mine.manifest[key] == theirs.manifest[key], key
    assert mine.manifest.keys() == theirs.manifest.keys()


# The same engine ------------------------------------------------------------------------------


def test_its_tables_are_those_of_run() -> None:
    assert_same(finished().record, run())
    assert finished().record.headline.equals(run().headline)
    # The comparison can tell runs apart.
    assert len(differing(finished().record.tables, run(3).tables)) > 8


def test_so_they_are_with_another_seed_with_changes_with_threads_and_longer_rows() -> None:
    changes = {"policies.bb_border.barrier": 0.9, "outputs.every": 5, "time.step": "week"}
    changes |= {"time.end": "2020-06", TABLES: ALL_TABLES}
    other = model(seed=3, threads=2, **changes)
    other.run_model()
    said = (
        "policies.bb_border.barrier=.9",
        "outputs.every=5",
        "time.step=week",
        "time.end=2020-06",
    )
    mine, theirs = other.record, run(3, *said)
    assert mine.manifest.pop("threads") == other.world.threads == 2
    assert mine.manifest.setdefault("threads", 1) == 1
    assert_same(mine, theirs)
    # The rates are those of the file as it stands: a policy must not hide in the constant.
    alone = sim.run(theirs.scenario.model_copy(), seed=3)
    assert theirs.scenario.decision.base_livelihood == alone.scenario.decision.base_livelihood


def test_a_record_half_way_is_the_beginning_of_the_whole() -> None:
    half = model()
    for _ in range(9):
        half.step()
    whole = run().stocks
    mine = half.record.stocks
    pd.testing.assert_frame_equal(mine, whole[: len(mine)])
    assert half.record.manifest["steps"] == half.steps == 9
    assert len(mine) < len(whole)


def test_it_steps_stops_and_says_why_there_are_no_more_steps() -> None:
    short = model(**{"time.end": "2020-02"})
    assert (short.steps, short.running, short.date.isoformat()) == (0, True, "2020-01-01")
    short.step()
    assert (short.steps, short.running) == (1, True)
    short.step()
    assert (short.steps, short.running, short.date.isoformat()) == (2, False, "2020-03-01")
    with pytest.raises(EndedError, match=r"ended on 2020-02-29 .*'time.end'"):
        short.step()
    assert short.steps == 2


# What Mesa's own models have, by version --------------------------------------------------------

SHARED = {
    "agents", "agents_by_type", "agent_types", "register_agent", "deregister_agent",
    "remove_all_agents", "step", "steps", "running", "time", "run_for", "run_until", "scenario",
    "_seed",
}  # fmt: skip
"""Names of Mesa's models that ours define too, and mean the same by; `scenario` stands aside."""


class Plain(mesa.Model):
    pass


def test_no_other_name_of_ours_is_one_of_mesas() -> None:
    mesas = {name for name in dir(mesa.Model()) if not name.startswith("__")}
    defined = vars(sim.MigrationModel).keys() - vars(Plain).keys()
    code = [it for it in vars(sim.MigrationModel).values() if inspect.isfunction(it)]
    set_by_us = {
        line.argval
        for it in code
        for line in dis.get_instructions(it)
        if line.opname == "STORE_ATTR"
    }
    assert "world" in set_by_us
    assert (defined | set_by_us) & mesas <= SHARED


def test_time_is_counted_in_steps() -> None:
    mine = model()
    assert mine.time == 0
    mine.run_for(2)
    assert (mine.time, mine.steps) == (2, 2)
    mine.run_until(3.9)  # whole steps
    assert (mine.time, mine.steps) == (3, 3)
    mine.run_for(-1)
    assert mine.steps == 3
    mine.step()
    assert (mine.time, mine.steps) == (4, 4)
    theirs = model()
    while theirs.steps < 4:
        theirs.step()
    rows, other = (it.datacollector.get_model_vars_dataframe() for it in (mine, theirs))
    pd.testing.assert_frame_equal(rows, other)
    for wrong in ("x", None, np.nan):
        with pytest.raises(TypeError, match="number of steps"):
            mine.run_for(wrong)
    with pytest.raises(EndedError):
        mine.run_for(100)
    assert (mine.time, mine.steps) == (24, 24)


def test_steps_of_ones_own_are_taken_by_run_for_too() -> None:
    mine = Observed()
    mine.run_for(3)
    assert len(mine.seen) == mine.steps == 3


@pytest.mark.skipif(not SCHEDULES, reason="from Mesa 3.5 on")
def test_what_was_scheduled_comes_between_steps() -> None:
    class SomeError(RuntimeError):
        pass

    seen: list[tuple[float, int]] = []

    def look() -> None:
        seen.append((mine.time, mine.steps))
        if mine.time == 3.5:
            raise SomeError

    mine = model()
    mine.schedule_recurring(look, mesa.time.Schedule(interval=1, start=0.5))
    mine.schedule_event(look, at=2)
    mine.run_for(3)
    assert seen == [(0.5, 0), (1.5, 1), (2, 2), (2.5, 2)]
    with pytest.raises(SomeError):
        mine.step()
    assert mine.steps == 3
    mine.step()  # an event that failed costs no step, and adds none
    assert (mine.time, mine.steps) == (4, 4)


def test_the_scenario_is_the_worlds_and_mesas_name_is_left_alone() -> None:
    mine = model()
    if hasattr(mesa.Model, "scenario"):
        with pytest.raises(AttributeError, match=r"model\.world\.scenario"):
            _ = mine.scenario
        assert getattr(mine, "scenario", None) is None  # as SolaraViz asks
    else:
        with pytest.warns(DeprecationWarning, match=r"write model\.world\.scenario"):
            assert mine.scenario is mine.world.scenario
    with pytest.raises(NotOnArraysError, match="cannot be replaced"):
        mine.scenario = mine.world.scenario


def test_the_models_random_numbers_can_be_reset() -> None:
    mine = model(seed=5)
    first = mine.random.random()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Mesa 3.5 would rather that nobody did
        mine.reset_randomizer()
    assert mine.random.random() == first


# Parameters -----------------------------------------------------------------------------------


def test_all_parameters_have_defaults_and_the_seed_is_the_scenarios() -> None:
    plain = sim.MigrationModel(**{"population.agents": FEW, "time.end": "2011-03"})
    assert plain.world.scenario.name == "syria"
    assert plain.world.scenario.seed == sim.read("syria").seed
    assert isinstance(plain, mesa.Model)
    mesa.Model()  # and the base class is as it was


def test_seeds_are_taken_as_mesa_takes_them() -> None:
    def seed(**given: Any) -> int:
        return int(model(**given).world.scenario.seed)

    assert seed(rng=5) == seed(seed=5) == seed(seed=np.int64(5)) == 5
    drawn = seed(rng=np.random.default_rng(5))
    assert drawn == seed(rng=np.random.default_rng(5)) != seed(rng=np.random.default_rng(6))
    assert seed(rng=[1, 2]) == seed(rng=np.random.SeedSequence([1, 2]))
    with pytest.raises(ValueError, match="either seed or rng"):
        model(seed=1, rng=2)
    with pytest.raises(ValueError, match="a seed is a whole number"):
        model(seed=-1)
    assert seed(seed=np.array(5)) == 5
    wrong = {
        1.5: "1.5", 3.0: "write 3", "3": "write 3", "x": "'x'", True: "True", np.nan: "nan",
        "9" * 400: r"'9+\.\.\.9+'",
    }  # fmt: skip
    for given, why in wrong.items():
        for name in ("seed", "rng"):
            with pytest.raises(TypeError, match=rf"a seed is a whole number .*{why}$"):
                model(**{name: given})
    one, other = model(seed=5), model(rng=5)
    assert one.random.random() == other.random.random()


def test_a_misspelt_parameter_is_told_with_the_nearest() -> None:
    with pytest.raises(TypeError, match=r"no parameter agnets: did you mean 'agents'\?"):
        model(agnets=3)
    for name, path in (
        ("tables", "outputs.tables"), ("barrier", "policies.ID.barrier"), ("end", "time.end"),
    ):  # fmt: skip
        with pytest.raises(TypeError, match=rf'by its path, \*\*{{"{path}": ...}}'):
            model(**{name: "x"})
    with pytest.raises(sim.ScenarioError, match="bb_border"):
        model(**{"policies.bb_bordr.barrier": 0.2})
    with pytest.raises(sim.ScenarioError, match=r"population\.agents"):
        model(agents="many")
    with pytest.raises(ValueError, match="threads"):
        model(threads=9999)
    for wrong in (1.5, "2", True):
        with pytest.raises(TypeError, match="threads takes a whole number"):
            model(threads=wrong)
    with pytest.raises(TypeError, match="base takes a scenario, as sim"):
        model(base="syria")
    with pytest.raises(TypeError, match="x is a function, a name or"):
        model(model_reporters={"x": 3})
    with pytest.raises(ValueError, match=r"no plase: did you mean 'place'"):
        model(agent_reporters={"x": "plase"})


def test_a_scenario_that_was_read_is_taken_as_it_is() -> None:
    read = sim.read(FILE, [f"population.agents={FEW}", "policies.bb_border.barrier=.9"])
    mine = sim.MigrationModel(read, base=sim.read(FILE))
    assert mine.world.scenario == model(**{"policies.bb_border.barrier": 0.9}).world.scenario
    assert sim.MigrationModel(read).world.scenario == mine.world.scenario  # the same base
    own = sim.MigrationModel(read, rates="own")
    assert own.world.scenario.decision == sim.run(read, rates="own").scenario.decision
    assert own.world.scenario.decision != mine.world.scenario.decision
    assert own.record.manifest["rates"]["used"] == "own"
    with pytest.raises(TypeError, match=r"was read already: .*sim\.read"):
        sim.MigrationModel(read, agents=5)
    with pytest.raises(TypeError, match="takes a scenario"):
        sim.run(3)  # type: ignore[arg-type]


def test_values_of_every_kind_reach_the_scenario() -> None:
    import datetime

    found = model(
        **{
            "policies.bb_border.enabled": np.bool_(False),
            "policies.bb_work.quota": np.int64(7),
            "journey.premium": 1e-05,
            "policies.cc_wall.start": datetime.date(2021, 5, 2),
            "threats.BB.economic": np.array([0.1, 0.2]),
            "threats.CC.economic": pd.Series([0.1, 0.3]),
            "time.end": pd.Timestamp("2021-06-30"),
            "time.start": np.datetime64("2020-01-01"),
        }
    ).world.scenario
    assert str(found.time.end) == "2021-06-30"
    rules = {rule.id: rule for rule in found.policies}
    assert rules["bb_border"].enabled is False
    assert rules["bb_work"].quota == 7
    assert found.journey.premium == 1e-05
    assert rules["cc_wall"].start == datetime.date(2021, 5, 2)


# What is collected -----------------------------------------------------------------------------


def test_a_row_a_step_is_collected_and_agrees_with_the_record() -> None:
    rows = finished().datacollector.get_model_vars_dataframe()
    record = finished().record
    assert len(rows) == finished().steps == 24
    stocks = record.stocks
    assert [str(day) for day in rows["date"]] == [
        str(day.date()) for day in stocks["date"].drop_duplicates()
    ]
    answers = record.answers.groupby(["date", "answer"], observed=False)["households"].sum()
    for answer in Answer:
        if answer != Answer.stays:
            given = answers.xs(answer.name, level="answer")
            assert rows[answer.name].tolist() == given.tolist()
            assert given.sum() > 0
    # Those who stay are counted on an average day.
    days = record.at_risk.groupby("date")["household_days"].sum()
    assert rows["stays"].tolist() == [int(n) // day.days_in_month for day, n in days.items()]
    assert rows["stays"].min() > 0
    for name, status in (("refugees", "refugee"), ("displaced", "displaced")):
        there = stocks[stocks["status"] == status].groupby("date")["people"].sum()
        assert rows[name].tolist() == there.reindex(stocks["date"].unique(), fill_value=0).tolist()
    account = record.account.pivot_table(
        index="date", columns="activity", values="people", aggfunc="sum", observed=False
    )
    assert rows["travelling"].tolist() == account["travelling"].tolist()
    assert rows["dead"].tolist() == account["dead"].tolist()
    citizenship = {place.id: place.country for place in record.scenario.places}
    away = stocks["place"].astype(str).map(citizenship) != stocks["citizenship"].astype(str)
    abroad = stocks[away].groupby("date")["people"].sum()
    assert rows["abroad"].tolist() == abroad.tolist()


def test_answers_of_a_step_are_its_own_where_rows_sum_several() -> None:
    every = model(**{"outputs.every": 4})
    every.run_model()
    plain = model()
    plain.run_model()
    mine, theirs = (it.datacollector.get_model_vars_dataframe() for it in (every, plain))
    pd.testing.assert_frame_equal(mine, theirs)


def test_people_are_collected_where_that_is_asked_for() -> None:
    places = finished().datacollector.get_agent_vars_dataframe()
    assert set(places.index.get_level_values("Step")) == set(range(1, 25))
    households, persons = finished().world.households, finished().world.persons
    last = places.xs(24, level="Step")["place"]
    alive = np.flatnonzero(persons.past & DIED == 0)
    assert last.index.tolist() == alive.tolist()
    ids = [place.id for place in finished().world.scenario.places]
    assert last.tolist() == [ids[p] for p in households.place[persons.household[alive]]]
    assert len(places.xs(1, level="Step")) != len(last)  # some were born, some have died


def test_countries_are_collected_by_class() -> None:
    rows = finished().datacollector.get_agenttype_vars_dataframe(Country)
    opinion = finished().record.opinion.pivot_table(
        index="date", columns="country", values="opinion", observed=True
    )
    for name in ("BB", "CC"):
        mine = rows[rows["name"] == name]
        assert mine["opinion"].tolist() == opinion[name].tolist()
        assert mine["opinion"].nunique() > 5
    assert rows[rows["name"] == "AA"]["opinion"].isna().all()  # not followed


@pytest.mark.parametrize("others", ["stay", "decide"])
@pytest.mark.parametrize("by", ["citizenship", "home", "place", "sex"])
def test_what_is_collected_is_about_the_population_of_interest(others: str, by: str) -> None:
    given = {"population.focus": ["BB"], "population.others": others, "outputs.by": [by]}
    mine = model(**given, **{"time.end": "2020-06"})
    mine.run_model()
    rows = mine.datacollector.get_model_vars_dataframe()
    answers = narrowed(mine.record).answers.groupby(["date", "answer"], observed=False)
    dates = mine.record.at_risk["date"].unique()  # also months without an answer
    given_by = answers["households"].sum().unstack("answer").reindex(dates)
    told = [it.name for it in Answer if it != Answer.stays]
    assert rows[told].to_numpy().tolist() == given_by[told].fillna(0).to_numpy().tolist()
    stocks = mine.record.stocks
    last = stocks[(stocks["date"] == stocks["date"].max()) & (stocks["citizenship"] == "BB")]
    people = last.groupby("status", observed=False)["people"].sum()
    assert rows["refugees"].iloc[-1] == people["refugee"]
    everybody = mine.census.stocks[:, :, Status.refugee].sum()
    assert (everybody > people["refugee"]) == (others == "decide")  # AA's flee, if they decide
    assert rows["displaced"].iloc[-1] == people["displaced"]
    assert rows["abroad"].iloc[-1] == country(mine, "BB").emigrants
    account = mine.record.account
    dead = account[(account["citizenship"] == "BB") & (account["activity"] == "dead")]
    assert rows["dead"].tolist() == dead["people"].tolist()


def test_reporters_can_be_ones_own() -> None:
    mine = model(model_reporters={"n": lambda m: len(m.agents), "steps": "steps"})
    mine.step()
    assert mine.datacollector.get_model_vars_dataframe().to_dict("list") == {
        "n": [len(mine.agents)],
        "steps": [1],
    }


# batch_run --------------------------------------------------------------------------------------


def test_batch_run_varies_parameters_and_tells_of_the_last_step() -> None:
    rows = mesa.batch_run(
        sim.MigrationModel,
        {
            "scenario": str(FILE),
            "agents": FEW,
            "time.end": "2020-08",
            "policies.bb_border.barrier": [0.1, 0.9],
            "seed": [7, 8],
            "agent_reporters": [{"place": "place"}],
        },
        display_progress=False,
    )
    table = pd.DataFrame(rows)
    assert set(table["Step"]) == {8 if SCHEDULES else 7}  # the last; below 3.5 counted from 0
    table = table[table["place"].notna()]  # from 3.4.1 on there are rows of countries too
    for (barrier, seed), part in table.groupby(["policies.bb_border.barrier", "seed"]):
        alone = model(seed=seed, **{"time.end": "2020-08", "policies.bb_border.barrier": barrier})
        alone.run_model()
        last = alone.datacollector.get_model_vars_dataframe().iloc[-1]
        assert (part["date"] == last["date"]).all()
        assert (part["refugees"] == last["refugees"]).all()
        # People's rows are of the very step that the model's figures are of.
        assert part["AgentID"].tolist() == alone.agents.get("unique_id")
        assert part["place"].tolist() == alone.agents.get("place")
    assert table.groupby(["policies.bb_border.barrier", "seed"])["refugees"].first().nunique() > 2


TWO_MONTHS = {"scenario": str(FILE), "agents": 300, "time.end": "2020-02"}


def batch(given: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]]
    rows = mesa.batch_run(sim.MigrationModel, given, display_progress=False, **options)
    return rows


def test_iterations_of_one_run_are_told_to_be_equal() -> None:
    how = "rng=" if RNG_OF_BATCH else '"seed": \\[1, 2, 3\\]'
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning)  # newer Mesa's, of `iterations`
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        with pytest.warns(UserWarning, match=f"all its iterations are equal.*{how}"):
            rows = batch(TWO_MONTHS, iterations=2)
    assert rows[0]["stays"] == rows[1]["stays"]
    batch({**TWO_MONTHS, "seed": [1, 2]})  # no warning


def test_batch_run_takes_a_scenario_as_one_value_and_says_what_to_do_with_a_dictionary() -> None:
    read = sim.read(FILE, ["population.agents=300", "time.end=2020-02"])
    rows = batch({"scenario": read, "seed": [1, 2]})
    assert len({row["RunId"] for row in rows}) == 2
    assert rows[0]["scenario"] is read
    with pytest.raises(TypeError, match="takes a dictionary apart"):
        batch({"scenario": read.model_dump(by_alias=True)})
    with pytest.raises(TypeError, match=r"not dict; .*YAML file"):
        sim.MigrationModel(read.model_dump())
    for name in ("model_reporters", "agent_reporters"):
        with pytest.raises(TypeError, match=f'for batch_run put it in a list: "{name}"'):
            batch({**TWO_MONTHS, name: {"place": "place"}})


def test_batch_run_takes_the_seeds_of_its_own_argument() -> None:
    given = {"scenario": str(FILE), "agents": FEW, "time.end": "2020-02"}
    if "rng" not in inspect.signature(mesa.batch_run).parameters:
        given["rng"] = [7, 8]  # Mesa 3.3
        rows = mesa.batch_run(sim.MigrationModel, given, display_progress=False)
    else:
        rows = mesa.batch_run(sim.MigrationModel, given, rng=[7, 8], display_progress=False)
    for seed, part in pd.DataFrame(rows).groupby("rng"):
        alone = model(seed=seed, **{"time.end": "2020-02"})
        alone.run_model()
        last = alone.datacollector.get_model_vars_dataframe().iloc[-1]
        assert (part["stays"] == last["stays"]).all()
    assert pd.DataFrame(rows).groupby("rng")["stays"].first().nunique() == 2


def test_batch_run_below_3_5_takes_one_step_more_than_it_is_told() -> None:
    """Mesa's own counting, which docs/mesa.md warns of."""
    rows = mesa.batch_run(
        sim.MigrationModel, {"scenario": str(FILE), "agents": FEW}, max_steps=3,
        data_collection_period=1, display_progress=False,
    )  # fmt: skip
    steps = list(dict.fromkeys(row["Step"] for row in rows))
    assert steps == ([1, 2, 3] if SCHEDULES else [0, 1, 2, 3])


PROCESSES = """
import multiprocessing as m, sys
if __name__ == "__main__":
    FIRST
before = m.get_start_method(allow_none=True)
import sim
sim.MigrationModel
assert "mesa" in sys.modules
assert m.get_start_method(allow_none=True) == before, m.get_start_method(allow_none=True)
if __name__ == "__main__" and len(sys.argv) > 1:
    from sim.mesa.quiet import mesa
    given = {"scenario": sys.argv[1], "agents": 300, "seed": [1, 2], "threads": 2,
             "time.end": "2020-02"}
    def batch(n):
        rows = mesa.batch_run(sim.MigrationModel, given, number_processes=n,
                              display_progress=False)
        return sorted(map(repr, rows))
    one = batch(1)
    assert len(set(one)) == len(one) >= 2
    assert batch(2) == one
"""


@pytest.mark.parametrize(
    ("first", "batch"), [("pass", True), ("m.set_start_method('spawn')", False)]
)
def test_the_start_method_of_processes_stays_and_batch_run_works_by_several(
    first: str, batch: bool, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(PROCESSES.replace("FIRST", first))
    words = [str(FILE)] if batch else []
    subprocess.run([sys.executable, str(script), *words], cwd=ROOT, check=True, timeout=120)


# People -----------------------------------------------------------------------------------------


def test_agents_are_a_view_of_the_worlds_rows() -> None:
    mine = model()
    mine.step()
    view, households, persons = mine.agents, mine.world.households, mine.world.persons
    rows = np.flatnonzero(persons.past & DIED == 0)
    assert len(view) == len(rows)
    person = view[5]
    assert person == next(it for i, it in enumerate(view) if i == 5)
    assert person in view
    assert person != model().agents[5]
    assert [it.unique_id for it in view[2:5]] == rows[2:5].tolist()
    # Nothing is kept: it is read off the arrays as they are.
    households.means[persons.household[person.unique_id]] = 123.0
    assert person.means == 123.0
    record_deaths(households, persons, np.array([person.unique_id]), mine.world.month())
    assert person not in mine.agents
    assert len(mine.agents) == len(view) - 1
    assert person in view


def test_newborns_join_and_the_dead_leave() -> None:
    started, ended = len(model().agents), len(finished().agents)
    persons = finished().world.persons
    born = len(persons.pid) - started
    dead = int((persons.past & DIED > 0).sum())
    assert born > 0
    assert dead > 0
    assert ended == started + born - dead


@pytest.mark.parametrize("name", [*COLUMNS, "unique_id"])
def test_an_attribute_is_the_same_one_by_one_and_all_at_once(name: str) -> None:
    view = finished().agents
    values = view.get(name)
    assert values == [getattr(person, name) for person in view]
    assert len(values) == len(view)
    assert not isinstance(values[0], np.generic)
    if name not in ("died_naturally", "people"):  # of the living, nobody has; all rows weigh alike
        assert len(set(values)) > 1


def test_attributes_say_what_the_arrays_hold() -> None:
    world, view = finished().world, finished().agents
    households, persons, rows = world.households, world.persons, view.rows
    houses = persons.household[rows]
    places = [place.id for place in finished().world.scenario.places]
    assert view.get("place") == [places[p] for p in households.place[houses]]
    assert view.get("home") == [places[p] for p in households.home[houses]]
    assert view.get("status") == [Status(s).name for s in households.status[houses]]
    assert view.get("household") == houses.tolist()
    assert view.get("means") == households.means[houses].tolist()
    assert view.get("pid") == persons.pid[rows].tolist()
    assert view.get("education") == [
        ("none", "secondary", "tertiary")[t >> 1 & 3] for t in persons.traits[rows].tolist()
    ]
    assert view.get("sex") == [("man", "woman")[t & 1] for t in persons.traits[rows].tolist()]
    born = persons.born[rows].astype(int)
    assert view.get("age") == [(24 - month) // 12 for month in born]
    heads = set(households.head[households.size > 0].tolist())
    assert view.get("is_head") == [row in heads for row in rows.tolist()]
    assert sum(view.get("is_head")) == len(heads)
    countries = [None, "AA", "BB", "CC"]
    assert view.get("kin") == [countries[k] for k in households.kin[houses]]
    assert view.get("people") == households.weight[houses].tolist()
    assert sum(view.get("people")) == finished().census.activities[:, : Activity.dead].sum()
    threats = view.get("threats")
    assert [("personal" in them) for them in threats] == [
        bool(mask >> 4 & 1) for mask in households.mask[houses]
    ]


def test_the_view_reads_as_an_agent_set_does() -> None:
    view = finished().agents
    old = view.select(lambda person: person.age > 60)
    assert 0 < len(old) < len(view)
    assert min(old.get("age")) == 61
    assert old.rows.tolist() == view.select(np.array(view.get("age")) > 60).rows.tolist()
    assert len(view.select(at_most=10)) == 10
    assert len(view.select(at_most=0.25)) == len(view) // 4
    assert len(view.select(agent_type=Country)) == 0
    assert len(view.select(agent_type=Person)) == len(view)
    assert len(view.select(agent_type=mesa.Agent)) == len(view)
    women = pd.Series(view.get("sex")) == "woman"
    assert 0 < len(view.select(women)) == women.sum() < len(view)
    for wrong in (women[1:], list(range(len(view)))):
        with pytest.raises(ValueError, match="booleans"):
            view.select(wrong)
    with pytest.raises(ValueError, match="at_most"):
        view.select(at_most=-1)
    assert view.agg("age", max) == max(view.get("age"))
    assert view.agg("age", [min, max]) == [min(view.get("age")), max(view.get("age"))]
    assert view.get(["age", "sex"])[3] == [view[3].age, view[3].sex]
    assert view.map(lambda person, n: person.age + n, 2)[3] == view[3].age + 2
    groups = view.groupby("status")
    assert groups.count() == pd.Series(view.get("status")).value_counts().to_dict()
    assert groups.agg("age", max)["citizen"] == max(
        view.select(lambda person: person.status == "citizen").get("age")
    )
    assert view.groupby(lambda person: person.age > 60).count()[True] == len(old)
    assert isinstance(view.groupby("sex", result_type="list").groups["man"], list)
    ages = view.sort("age").get("age")
    assert ages == sorted(ages, reverse=True)
    assert view.sort(lambda person: person.age, ascending=True).get("age") == ages[::-1]
    shuffled = view.shuffle()
    assert shuffled.rows.tolist() != view.rows.tolist()
    assert sorted(shuffled.rows.tolist()) == view.rows.tolist()
    assert view.get("nothing", handle_missing="default", default_value=7) == [7] * len(view)
    with pytest.raises(AttributeError, match="did you mean 'place'"):
        view.get("plase")
    with pytest.raises(AttributeError, match="did you mean 'place'"):
        _ = view[0].plase
    with pytest.raises(ValueError, match="handle_missing"):
        view.get("age", handle_missing="maybe")


def test_views_are_joined_and_compared_as_sets() -> None:
    view = finished().agents
    old, men = view.select(lambda it: it.age > 60), view.select(lambda it: it.sex == "man")

    def rows(people: Any) -> set[int]:
        return set(people.get("unique_id"))

    for act in (operator.and_, operator.or_, operator.sub, operator.xor):
        assert rows(act(old, men)) == act(rows(old), rows(men))
        assert rows(act(old, list(men))) == act(rows(old), rows(men))
        assert rows(act(list(old), men)) == act(rows(old), rows(men))
        assert 0 < len(act(old, men)) == len(rows(act(old, men)))
    assert old < view > men
    assert old <= old
    assert not old < old
    assert not old <= men
    assert view.shuffle() == view != old
    assert old.isdisjoint(view - old)
    assert not old.isdisjoint(view)
    for wrong in (model().agents, finished().countries, 3):
        with pytest.raises(TypeError, match="people of the same model"):
            _ = old | wrong
    some = old
    some &= men
    assert rows(some) == rows(old) & rows(men)
    assert len(old) > len(some)


def test_what_a_view_is_asked_wrongly_is_told_rightly() -> None:
    view = finished().agents
    for item in ("age", 1.5, np.ones(len(view), bool)):
        with pytest.raises(TypeError, match=r"people are numbered: people\[3\]"):
            _ = view[item]
    for at_most in (np.nan, None):
        with pytest.raises(ValueError, match="at_most is a number of people"):
            view.select(at_most=at_most)
    for act, what in (
        (lambda: view.get(None), "name of an attribute"),
        (lambda: view.agg("age", "max"), "such as max, not 'max'"),
        (lambda: view.agg("age", [max, "min"]), "such as max, not 'min'"),
        (lambda: view.map("age"), r'get\("age"\)'),
    ):
        with pytest.raises(TypeError, match=what):
            act()
    assert view.get("model") == [finished()] * len(view)
    assert view.get("random")[0] is finished().random
    kin = view.sort("kin", ascending=True).get("kin")
    assert kin[0] is None
    assert kin[kin.count(None) :] == sorted(it for it in kin if it is not None)


def test_a_person_has_the_models_random_numbers() -> None:
    mine = finished()
    assert mine.agents[0].random is mine.random is mine.agents.random
    assert mine.agents[0].rng is mine.rng


def test_groups_are_read_as_mesas_are() -> None:
    groups, seen = finished().agents.groupby("sex"), []
    assert groups.do(lambda people: seen.append(len(people))) is groups
    assert sorted(seen) == sorted(groups.count().values())
    assert groups.map("agg", "age", max) == groups.agg("age", max)
    with pytest.raises(ValueError, match="'agentset' or 'list', not 'set'"):
        finished().agents.groupby("sex", result_type="set")


def test_what_is_not_there_is_told_with_where_it_is() -> None:
    mine = finished()
    for of, name, where in (
        (mine, "space", r"person\.place"),
        (mine, "policies", r"model\.world\.scenario\.policies"),
        (mine, "refugees", r"model\.datacollector"),
        (mine, "cuontries", "did you mean 'countries'"),
        (mine.agents, "age", r'get\("age"\)'),
        (mine.agents, "grupby", "did you mean 'groupby'"),
        (mine.agents[0], "cell", r"person\.pos"),
    ):
        with pytest.raises(AttributeError, match=where):
            getattr(of, name)
        assert not hasattr(of, name)


def test_agents_by_type_are_people_and_countries() -> None:
    assert finished().agent_types == [Person, Country]
    assert len(finished().agents_by_type[Person]) == len(finished().agents)
    assert [it.name for it in finished().agents_by_type[Country]] == ["AA", "BB", "CC"]


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (lambda m: next(iter(m.countries)).remove(), "keeps its countries"),
        (lambda m: m.deregister_agent(next(iter(m.countries))), "the scenario's"),
        (lambda m: m.countries.set("name", "zz"), "follows from the scenario"),
        (lambda m: setattr(next(iter(m.countries)), "index", 0), "follows from the scenario"),
        (lambda m: setattr(next(iter(m.countries)), "unique_id", 9), "follows from the scenario"),
        (lambda m: copy.copy(m.agents[0]), "read off its model"),
        (lambda m: copy.copy(next(iter(m.countries))), "neither copied nor pickled"),
    ],
)
def test_countries_stay_as_they_are(act: Any, why: str) -> None:
    mine = finished()
    before = [(it.unique_id, it.name, it.people) for it in mine.countries]
    with pytest.raises(NotOnArraysError, match=why):
        act(mine)
    assert [(it.unique_id, it.name, it.people) for it in mine.countries] == before
    assert sum(it.people for it in mine.countries) > 0


def test_a_country_taken_out_of_a_set_is_still_in_the_world() -> None:
    mine = finished()
    for found in (mine.countries, mine.agents_by_type[Country]):
        found.remove(next(iter(found)))
        assert len(found) == 2
    assert [it.name for it in mine.countries] == ["AA", "BB", "CC"]


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (lambda m: m.agents.shuffle_do("step"), "nobody acts before anybody else"),
        (lambda m: m.agents.do("step"), "no code of their own"),
        (lambda m: m.agents.groupby("sex").do("do", "step"), "no code of their own"),
        (lambda m: m.agents.set("means", 0), "follows from the model's rule"),
        (lambda m: setattr(m.agents[0], "place", "BB_C"), "follows from the model's rule"),
        (lambda m: m.agents[0].step(), "no code of its own"),
        (lambda m: m.agents[0].remove(), "no code of its own"),
        (lambda m: m.agents.add(m.agents[0]), "counted at the start"),
        (lambda m: m.agents.remove(m.agents[0]), "account of people"),
        (lambda m: m.agents.discard(m.agents[0]), "account of people"),
        (lambda m: m.remove_all_agents(), "account of people"),
        (lambda m: m.agents.select(inplace=True), "own rows"),
        (lambda m: m.deregister_agent(m.agents[0]), "the scenario's"),
        (lambda m: m.agents.sort("age", inplace=True), "order of rows"),
        (lambda m: m.agents.shuffle(inplace=True), "order of rows"),
        (lambda m: setattr(m, "agents", []), "cannot be replaced"),
        (lambda m: m.agents.groupby("sex").do("step"), "no code of their own"),
        (lambda m: delattr(m.agents[0], "age"), "follows from the model's rule"),
        (lambda m: m.agents.pop(), "account of people"),
        (lambda m: m.agents.clear(), "account of people"),
    ],
)
def test_what_arrays_cannot_do_says_why_and_what_to_do_instead(act: Any, why: str) -> None:
    mine = finished()
    before = [column.copy() for column in (*mine.world.households, *mine.world.persons)]
    with pytest.raises(NotOnArraysError) as caught:
        act(mine)
    text = str(caught.value)
    assert why in text
    for instead in ("policies.", "select, get, agg", "sim.mesa.twin"):
        assert instead in text
    after = (*mine.world.households, *mine.world.persons)
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_model_is_neither_copied_nor_pickled() -> None:
    for act in (copy.deepcopy, copy.copy, pickle.dumps):
        with pytest.raises(NotOnArraysError, match="the same model again"):
            act(finished())


# Countries --------------------------------------------------------------------------------------


def country(of: Any, name: str) -> Any:
    return next(it for it in of.countries if it.name == name)


def test_countries_are_mesa_agents_with_opinion_and_policy() -> None:
    mine = model()
    assert all(isinstance(it, mesa.Agent) and it.model is mine for it in mine.countries)
    assert [it.unique_id for it in mine.countries] == [1, 2, 3]
    host = country(mine, "CC")
    towards = host.policy["AA"]
    assert set(host.policy) == {"AA", "BB"}
    assert towards["labour"] == {
        "open": True, "quota": 15_000.0, "wait": 4.0, "fee": 400.0, "min_education": "secondary",
    }  # fmt: skip
    assert towards["recognition"] == 0.5
    assert towards["return_to"] is None
    assert not host.policy["BB"]["free_movement"]
    assert country(mine, "BB").policy["AA"]["prima_facie"]
    assert not country(mine, "BB").policy["CC"]["prima_facie"]
    assert host.opinion == 0.5
    assert country(mine, "AA").opinion is None
    assert host.borders["BB_T_CC_P"] == {
        "enforcement": pytest.approx(0.8 * 0.7 * 0.9), "closed": False, "detention": 0.5,
        "detention_days": 40.0,
    }  # fmt: skip
    assert set(host.borders) == {"BB_T_CC_P", "BB_C_CC_P"}


def test_policy_and_opinion_are_those_of_today() -> None:
    mine = model()
    while str(mine.date) < "2021-07-01":
        mine.step()
    host = country(mine, "CC")
    assert {"cc_wall", "cc_first"} <= set(host.policies)
    assert "bb_border" not in host.policies
    fresh = model()
    assert "cc_wall" not in country(fresh, "CC").policies
    assert host.borders["BB_T_CC_P"]["closed"]
    assert host.policy["AA"]["return_to"] == "BB"
    assert not country(mine, "BB").policy["AA"]["prima_facie"]
    # Elections made something of opinion, and the rules answered to it.
    assert host.stringency != host.opinion
    assert host.policy["AA"]["labour"]["quota"] == RULES.of(mine.world).quota[2, 0] != 15_000
    assert host.perceived == PUBLIC.of(mine.world).perceived[2]


def test_people_of_countries_are_those_of_the_tables() -> None:
    stocks = finished().record.stocks
    last = stocks[stocks["date"] == stocks["date"].max()]
    homes = {place.id: place.country for place in finished().world.scenario.places}
    where = last["place"].astype(str).map(homes)
    whose = last["citizenship"].astype(str)
    for it in finished().countries:
        assert it.people == last["people"][where == it.name].sum()
        assert it.foreigners == last["people"][(where == it.name) & (whose != it.name)].sum()
        assert it.emigrants == last["people"][(where != it.name) & (whose == it.name)].sum()
    assert finished().countries.agg("foreigners", sum) > 0
    # They are counted before the first step, too.
    fresh = model()
    assert country(fresh, "AA").people > 2_000_000
    assert country(fresh, "AA").emigrants > 100_000


@pytest.mark.parametrize("name", ["opinion", "policy", "borders", "stringency", "people"])
def test_nothing_of_a_country_can_be_set(name: str) -> None:
    with pytest.raises(NotOnArraysError, match=rf"CC.{name}: .*policies, shocks"):
        setattr(country(finished(), "CC"), name, 1.0)
    mine = country(model(), "CC")
    mine.colour = "red"  # what is one's own may be kept there
    assert mine.colour == "red"


@pytest.mark.parametrize(
    "act",
    [
        lambda m: country(m, "CC").policy.update(AA={}),
        lambda m: country(m, "CC").policy["AA"].__setitem__("recognition", 1.0),
        lambda m: country(m, "CC").policy["AA"]["labour"].__setitem__("open", False),
        lambda m: country(m, "CC").borders["BB_T_CC_P"].pop("closed"),
        lambda m: setattr(m, "policies", []),
        lambda m: setattr(m, "policies.bb_border.enabled", False),
    ],
)
def test_a_rule_is_not_changed_in_mid_run_in_silence(act: Any) -> None:
    mine = finished()
    before = country(mine, "CC").policy, country(mine, "CC").borders
    with pytest.raises(NotOnArraysError, match=r"can change in mid-run: policies\.tr_sy\.start"):
        act(mine)
    assert (country(mine, "CC").policy, country(mine, "CC").borders) == before
    assert type(copy.deepcopy(before[0])["AA"]) is dict  # a copy is one's own


def test_nor_is_the_scenario() -> None:
    mine = model()
    mine.world.scenario = sim.read(FILE)
    with pytest.raises(NotOnArraysError, match="cannot be replaced"):
        mine.step()


# What a subclass can change -----------------------------------------------------------------


class Shunned(sim.MigrationModel):
    """People shun countries whose public is hostile."""

    def __init__(self, *args: Any, weight: float = 3.0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.weight, self.asked = weight, 0

    def utility(self) -> list[float]:
        self.asked += 1
        opinion = {it.name: it.opinion or 0.0 for it in self.countries}
        return [-self.weight * opinion[it.country] for it in self.world.scenario.places]


def test_terms_of_a_subclass_change_where_people_go() -> None:
    changes = {"time.end": "2020-06"}
    shunned, plain, same = (
        kind(FILE, 2 * FEW, **options, **changes)
        for kind, options in ((Shunned, {}), (sim.MigrationModel, {}), (Shunned, {"weight": 0.0}))
    )
    start = sum(it.foreigners for it in plain.countries)
    for one in (shunned, plain, same):
        one.run_model()
    assert differing(same.record.tables, plain.record.tables) == []
    # Opinion is followed in BB and CC, where nearly all who leave go.
    came = [
        sum(country(it, name).foreigners for name in ("BB", "CC")) - start
        for it in (shunned, plain)
    ]
    assert came[0] < 0.3 * came[1] > 0
    assert shunned.asked >= shunned.steps
    assert shunned.record.manifest["utility"].endswith("Shunned")
    told = [it.record.manifest["identity"] for it in (shunned, plain)]
    assert differences(*told) == differences(*told[::-1]) == "other code"
    assert "utility" not in plain.record.manifest


def test_terms_may_tell_hazards_and_citizenships_apart() -> None:
    class Refused(sim.MigrationModel):
        def utility(self) -> Any:
            terms = np.zeros((2, 3, len(self.world.scenario.places)))
            terms[:, 0, [p.country == "BB" for p in self.world.scenario.places]] = -40  # for AA's
            return terms

    mine, plain = (kind(FILE, FEW, **{"time.end": "2020-04"}) for kind in (Refused, type(model())))
    before = country(plain, "BB").foreigners
    for one in (mine, plain):
        one.run_model()
    assert country(mine, "BB").foreigners < 1.2 * before < country(plain, "BB").foreigners


def test_a_model_that_is_not_yet_made_says_so() -> None:
    class Unmade(sim.MigrationModel):
        def __init__(self) -> None:
            pass

    for act in (lambda: Unmade().step(), lambda: Unmade().agents, lambda: Unmade().record):
        with pytest.raises(AttributeError, match=r"yet: it is made by `super\(\).__init__"):
            act()


def test_a_step_within_a_step_is_refused() -> None:
    class Hasty(sim.MigrationModel):
        def utility(self) -> float:
            self.step()
            return 0.0

    with pytest.raises(RuntimeError, match="a step is being taken"):
        Hasty(FILE, FEW).step()


@pytest.mark.parametrize("name", ["world", "record", "countries", "date", "seed"])
def test_what_follows_from_the_run_is_not_set(name: str) -> None:
    with pytest.raises(NotOnArraysError, match="What is your own needs another name"):
        setattr(finished(), name, None)


@pytest.mark.parametrize("terms", [None, [1.0, 2.0], "much", np.nan, np.inf, 51.0, [[0.0]] * 9])
def test_terms_of_another_shape_or_size_are_refused(terms: Any) -> None:
    class Wrong(sim.MigrationModel):
        def utility(self) -> Any:
            return terms

    mine = Wrong(FILE, FEW)
    with pytest.raises(ValueError, match=r"utility\(\) gives numbers from -50 to 50 for \[2 haz"):
        mine.step()


def test_a_model_with_terms_is_freed_as_soon_as_it_is_dropped() -> None:
    gc.collect()
    gc.disable()
    try:
        mine = Shunned(FILE, FEW)
        mine.step()
        gone = weakref.ref(mine.world), weakref.ref(mine)
        del mine
        assert [ref() for ref in gone] == [None, None]
    finally:
        gc.enable()


# Memory -----------------------------------------------------------------------------------------


class Own(mesa.Agent):
    pass


class Observed(sim.MigrationModel):
    """As users extend models: a step around the engine's, and an agent of their own."""

    def __init__(self, **options: Any) -> None:
        super().__init__(FILE, FEW, **options)
        self.observer = Own(self)
        self.seen: list[int] = []

    def step(self) -> None:
        super().step()
        self.seen.append(len(self.agents))


def test_a_model_can_be_extended() -> None:
    mine = Observed(**{"time.end": "2020-03"})
    assert mine.observer.unique_id == 4  # after three countries
    mine.run_model()
    assert mine.steps == 3
    assert len(mine.seen) == 3
    assert mine.seen[-1] == len(mine.agents)
    assert mine.agent_types == [Person, Country, Own]


def test_a_model_is_freed_as_soon_as_it_is_dropped() -> None:
    gc.collect()
    gc.disable()
    try:
        mine = model()
        mine.step()
        gone = weakref.ref(mine.world), weakref.ref(mine)
        del mine
        assert [ref() for ref in gone] == [None, None]
    finally:
        gc.enable()


def test_a_model_with_agents_of_ones_own_is_freed_too() -> None:
    mine = Observed()
    gone = weakref.ref(mine)
    del mine
    gc.collect()
    assert gone() is None


@pytest.mark.skipif(not hasattr(mesa.Agent, "_ids"), reason="this Mesa frees models")
def test_mesa_would_keep_it_for_ever() -> None:
    plain = mesa.Model()
    Own(plain)
    gone = weakref.ref(plain)
    del plain
    gc.collect()
    assert gone() is not None
    mesa.Agent._ids.clear()
    gc.collect()
    assert gone() is None


MEMORY = """
import sys
import sim
def megabytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6
scenario = sim.read(sys.argv[1], ["population.agents=1000"])
def make(n):
    for _ in range(n):
        sim.MigrationModel(scenario).step()
make(100)
before = megabytes()
make(1000)
print(megabytes() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_a_thousand_models_made_and_dropped_leave_memory_flat() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(MINIMAL)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    # One has some 70 kB of arrays alone: a thousand kept would be 70 MB.
    assert float(done.stdout) < 8.0


def test_a_country_says_that_its_model_is_gone() -> None:
    mine = model()
    host = country(mine, "CC")
    del mine
    with pytest.raises(ReferenceError, match="the model is gone"):
        _ = host.opinion


def test_every_column_of_a_person_is_listed_for_those_who_ask() -> None:
    assert set(COLUMNS) <= set(dir(finished().agents[0]))


# In the browser ---------------------------------------------------------------------------------

PINS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"][
    "viz"
]


def missing_for_the_browser() -> str:
    """What is not here of what shows a page; empty if all is."""
    pinned = [it.split("==") for it in PINS if "==" in it]
    for name, wanted in (*pinned, ("playwright", "")):
        try:
            found = version(name)
        except PackageNotFoundError:
            return f"{name} is not installed"
        if wanted not in ("", found):
            return f"{name} is {found}, not {wanted}"
    return "" if shutil.which("chromium") else "there is no chromium"


@pytest.mark.skipif(bool(missing_for_the_browser()), reason=missing_for_the_browser())
def test_solara_shows_the_model_without_a_network(tmp_path: Path) -> None:
    from playwright.sync_api import expect, sync_playwright

    text = (ROOT / "docs/mesa.md").read_text(encoding="utf-8")
    (tmp_path / "page.py").write_text(*re.findall(r"```py\n(.*?)```", text, re.DOTALL))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    nowhere = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    command = [sys.executable, "-m", "solara", "run", "page.py", f"--port={port}", "--no-open"]
    server = subprocess.Popen(
        [*command, "--host=127.0.0.1", "--production"], cwd=tmp_path, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, env={**os.environ, **nowhere, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    blind = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=blind)
            page, failed = browser.new_page(), list[str]()
            page.on("requestfailed", lambda request: failed.append(request.url))
            deadline = time.monotonic() + 60
            while server.poll() is None and time.monotonic() < deadline:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.2)
            page.goto(f"http://127.0.0.1:{port}", wait_until="domcontentloaded")
            step = page.get_by_role("button", name="Step")
            step.click(timeout=60_000)
            expect(page.locator("body")).to_contain_text("Step: 1", timeout=30_000)
            expect(page.get_by_text("Barrier of Turkey")).to_be_visible()
            expect(
                page.locator(".jupyter-widgets img, .solara-content-main img").first
            ).to_be_visible()
            assert failed == []
            browser.close()
    finally:
        server.terminate()
        server.wait(10)


# What docs/mesa.md says -------------------------------------------------------------------------


def test_the_examples_of_the_documentation_run() -> None:
    text = (ROOT / "docs/mesa.md").read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(examples) == 4
    names: dict[str, Any] = {}
    for example in examples:
        exec(compile(example, "docs/mesa.md", "exec"), names)
    assert names["model"].steps == 6
    for seed in (1, 2):
        usual, crowded = (
            names["in_lebanon"](it, seed) for it in (sim.MigrationModel, names["Crowded"])
        )
        assert crowded < 0.75 * usual
    rows = pd.DataFrame(names["rows"])
    assert rows["RunId"].nunique() == 4
    assert (rows.groupby("seed")["stays"].first().nunique(), rows["seed"].nunique()) == (2, 2)
    assert sum(names["twin"].asked.groupby("answer").count().values()) > 50


def test_every_attribute_of_a_person_is_documented() -> None:
    text = (ROOT / "docs/mesa.md").read_text(encoding="utf-8")
    events = {"moved_abroad", "moved_within", "no_means", "no_permission", "died_naturally", "pid"}
    assert [name for name in COLUMNS if name not in events and f"`{name}`" not in text] == []
