"""What `sim.run` refuses, before it runs anything."""

from __future__ import annotations

import pytest

import sim
from tests.small import small


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
