"""The worlds that benchmarks are taken on, and the rule of the guard."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import sim
from benchmarks import c_reference
from benchmarks.decision import (
    answer,
    asking,
    columns,
    count_alternatives,
    count_evaluations,
    kernel_arguments,
    next_decision,
    same,
)
from benchmarks.exact import moderate
from benchmarks.guard import LIMIT, ROUNDS, slower
from benchmarks.measure import Row, slope
from benchmarks.stages import STAGES, Stages
from benchmarks.threads import same_bits
from benchmarks.worlds import Size, scenario, written
from sim.core.terms import Answer
from sim.engine.recorder import Recorder
from sim.engine.setup import build_world
from sim.engine.step import advance
from sim.mechanisms.census import STOCKS
from sim.mechanisms.choice import CHOICES
from sim.mechanisms.decide import HOUSEHOLD_DAYS, HOUSEHOLDS
from sim.model.world import World
from sim.scenario.writer import dump
from tests.properties.test_kernel import naturalise
from tests.worlds import random_world

SIZE = Size(persons=20_000, months=6)


@pytest.fixture(scope="module")
def world() -> World:
    """A small world after two months."""
    made = build_world(scenario(SIZE), seed=1)
    for _ in range(2):
        advance(made)
    return made


def test_a_world_is_a_scenario_that_a_run_reads(tmp_path: Path) -> None:
    path = tmp_path / "world.yaml"
    path.write_text(dump(scenario(SIZE)))
    assert sim.read(path) == scenario(SIZE)


@pytest.mark.parametrize("persons", [5_000, 20_000])
def test_rows_are_persons(persons: int) -> None:
    made = build_world(scenario(Size(persons=persons)), seed=1)
    weight = made.households.weight
    assert made.n_people(np.arange(len(weight))).sum() == pytest.approx(persons, rel=0.002)
    assert len(made.persons.pid) == pytest.approx(persons, rel=0.01)
    # Some of the few foreigners in a place stand for two.
    assert weight.min() == 1
    assert weight.max() <= 2
    assert (weight == 1).mean() > 0.99


@pytest.mark.parametrize("moving", [0.01, 0.03])
def test_the_stated_share_decides_to_move(moving: float) -> None:
    made = build_world(scenario(Size(persons=60_000, moving=moving)), seed=1)
    advance(made)
    n_moves = HOUSEHOLDS.of(made).sum(axis=0)[: Answer.no_means].sum()
    n_households = HOUSEHOLD_DAYS.of(made).sum() / made.day
    share = n_moves / n_households
    error = (moving / n_households) ** 0.5
    assert share == pytest.approx(moving, abs=4 * error + 0.1 * moving)


def test_there_are_about_fifty_alternatives(world: World) -> None:
    arguments, _ = kernel_arguments(next_decision(world))
    mean, most = count_alternatives(arguments)
    assert 45 <= mean <= 55
    assert most == 57


def test_no_event_is_above_the_bounds(world: World) -> None:
    arguments, found = kernel_arguments(next_decision(world))
    raised = asking(arguments, arguments["houses"], full=True)
    assert len(found["house"]) > 50
    assert same(answer(raised), found)
    usual = asking(arguments, arguments["houses"])
    assert count_evaluations(raised) > len(usual["houses"]) > 10 * count_evaluations(usual)


def test_c_gives_the_same_answers(world: World, tmp_path: Path) -> None:
    compiled = c_reference.build(tmp_path)
    if isinstance(compiled, str):
        pytest.skip(compiled)
    odd = [random_world(number) for number in range(12)]
    for one in odd:
        naturalise(one)
    for asked in (next_decision(world), *(moderate(next_decision(one)) for one in odd)):
        arguments, found = kernel_arguments(asked)
        for full in (False, True):
            theirs = asking(arguments, arguments["houses"], full)
            assert same(columns(theirs["events"], compiled.prepare(theirs)[0]()), found)


def test_rules_hold_for_people_as_citizens_in_c_too(world: World, tmp_path: Path) -> None:
    compiled = c_reference.build(tmp_path)
    if isinstance(compiled, str):
        pytest.skip(compiled)
    other = copy.deepcopy(world)
    other.households.citizenship[:] = other.households.ident % np.uint64(other.n_countries)
    arguments, found = kernel_arguments(moderate(next_decision(other)))
    theirs = asking(arguments, arguments["houses"])
    assert same(columns(theirs["events"], compiled.prepare(theirs)[0]()), found)
    # As citizens of where they are from, some would answer otherwise.
    origin = other.country[other.households.home].astype(np.uint8)
    theirs["households"] = other.households._replace(citizenship=origin)
    assert not same(columns(theirs["events"], compiled.prepare(theirs)[0]()), found)


def test_every_mechanism_is_on() -> None:
    it = scenario(SIZE)
    for name in (
        "groups", "stocks", "threats", "indicators", "shocks", "corridors", "policies", "blocs",
        "costs", "interventions",
    ):  # fmt: skip
        assert getattr(it, name), name
    assert {one.kind for one in it.interventions} == {"aid", "drought", "campaign"}
    assert it.population.demography
    assert it.politics.campaigns
    assert any(rule.announced for rule in it.policies)
    assert any(place.kind == "camp" for place in it.places)
    assert all(country.opinion for country in it.countries)
    assert it.blocs[0].first_country
    assert it.blocs[0].sharing
    assert it.blocs[0].free_movement


@pytest.mark.parametrize(("places", "countries"), [(6, 1), (5, 2), (30, 30), (101, 7)])
def test_worlds_come_in_all_shapes(places: int, countries: int) -> None:
    made = build_world(scenario(Size(persons=3000, places=places, countries=countries)), seed=1)
    advance(made)
    assert (len(made.country), len(STOCKS.of(made).diaspora)) == (places, countries)


def test_a_world_is_a_function_of_its_size() -> None:
    assert written(SIZE) == written(Size(persons=20_000, months=6))
    assert written(SIZE) != written(Size(persons=20_001, months=6))


def noisy(rng: random.Random, seconds: float) -> float:
    """A CPU time on a busy machine: no less than it takes, now and then half as long again."""
    return seconds * (1 + abs(rng.gauss(0, 0.08)) + (rng.random() < 0.2) * rng.uniform(0.1, 0.5))


def fired(factor: float, trials: int) -> int:
    rng = random.Random(1)
    return sum(
        slower(
            [noisy(rng, 1.0) for _ in range(ROUNDS)], [noisy(rng, factor) for _ in range(ROUNDS)]
        )
        for _ in range(trials)
    )


def test_the_guard_is_quiet_under_noise_and_fires_at_half_as_long_again() -> None:
    assert fired(1.0, 2000) == 0
    assert fired(1.5, 2000) > 1940
    assert fired(1.1, 2000) < 20


def test_one_lucky_round_of_base_does_not_make_the_guard_fire() -> None:
    assert not slower([0.7, 1.0, 1.0, 1.0, 1.0], [1.0] * 5)
    assert slower([0.7, 1.0, 1.0, 1.0, 1.0], [1.0 * LIMIT + 0.01] * 5)


def test_rows_say_whether_a_goal_is_reached() -> None:
    assert Row("", ratio=1.25, goal="<= 1.25").met
    assert not Row("", ratio=1.26, goal="<= 1.25").met
    assert Row("", ratio=2500.0, goal=">= 2,000").met
    assert not Row("", ratio=1.79, goal=">= 1.8").met
    assert Row("", goal=">= 4").met is None


def test_slopes_are_powers() -> None:
    x = np.array([1.0, 10.0, 100.0])
    assert slope(x, 3 * x**1.7) == pytest.approx(1.7)


def test_the_functions_that_are_timed_are_there(world: World) -> None:
    ticks = iter(range(10**6))
    stages = Stages(lambda: float(next(ticks)))
    recorder = Recorder(world)
    with stages.running():
        recorder.record(world, advance(world))
    spent = {stage: sum(parts.values()) for stage, parts in stages.table().items()}
    assert all(spent[stage] > 0 for stage in STAGES), spent


def test_worlds_on_one_thread_and_on_three_are_compared_whatever_the_rows() -> None:
    one, other = (build_world(scenario(SIZE), seed=1) for _ in range(2))
    other.threads = CHOICES.of(other).threads = 3
    for _ in range(4):
        advance(one)
        advance(other)
    # New households have other rows.
    assert len(one.households.ident) < len(other.households.ident)
    assert same_bits(one, other)
    for table in ("households", "persons", "counts"):
        for name, values in changeable(other, table):
            before = values.copy()
            values.flat[values.size // 2] ^= 1
            assert not same_bits(one, other), name
            values[:] = before
    assert same_bits(one, other)


def changeable(world: World, table: str) -> Iterator[tuple[str, np.ndarray]]:
    """Columns of whole numbers that do not point to rows, and counters of such."""
    columns = getattr(world, table)
    columns = columns if isinstance(columns, dict) else columns._asdict()
    for name, values in columns.items():
        rows = name in ("head", "relative", "household", "next")
        if isinstance(values, np.ndarray) and values.dtype.kind in "iu" and not rows:
            yield name, values
