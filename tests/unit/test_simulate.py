"""What `sim.run` refuses, before it runs anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sim
from sim.engine.simulate import ready
from tests.small import FILE, small


def test_what_is_no_scenario_or_seed_is_refused_in_a_sentence():
    with pytest.raises(TypeError, match=r"takes a scenario, as sim\.read gives it, not str"):
        sim.run("syria")  # type: ignore[arg-type]
    for seed in (-1, 2**63):
        with pytest.raises(ValueError, match="a seed is a whole number from 0"):
            sim.run(small(), seed=seed)
    with pytest.raises(ValueError, match="at least one replicate"):
        sim.run(small(), replicates=0)


def test_coefficients_that_no_number_holds_are_told():
    extreme = small(
        "decision.home_attachment=-50", "decision.place_attachment=50", "decision.nest=.05",
        "decision.livelihood.income=50", "decision.livelihood.distance=-50",
        "decision.livelihood.size=50",
    )  # fmt: skip
    with pytest.raises(sim.ScenarioError, match="infinitely good to go to"):
        sim.run(extreme)  # warnings are errors in all tests


@pytest.mark.parametrize("name", ["seed", "replicates", "threads"])
@pytest.mark.parametrize("value", [True, 1.0, "1", [1], float("nan")])
def test_what_is_no_whole_number_is_told(name: str, value: Any):
    with pytest.raises(TypeError, match=f"{name} takes a whole number, not "):
        sim.run(small(), **{name: value})


def test_a_seed_of_numpy_is_that_seed():
    scenario, _ = ready(small(), np.int64(7), np.int32(1), None, "base")  # type: ignore[arg-type]
    assert type(scenario.seed) is int


@pytest.mark.parametrize("source", [b"small.yaml", None, {"schema": 1}, 3, small()])
def test_what_names_no_scenario_is_told(source: Any):
    with pytest.raises(TypeError, match="read takes the path of a file or the name"):
        sim.read(source)


def test_overrides_are_texts():
    change = "population.agents=1000"
    for given in (change, (it for it in [change])):
        assert sim.read(FILE, given).population.agents == 1000  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="an override is a text, PATH=VALUE, not 3"):
        sim.read(Path(FILE), [3])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="base takes a scenario"):
        sim.run(small(), base="syria")  # type: ignore[arg-type]
