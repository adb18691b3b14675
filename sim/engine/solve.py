"""Solves the two constants that scale the rates: base_L and the flight norm (docs/model.md, 3.2).

Both are solved on the first day of one scenario, with people drawn by a seed of their own: neither
the run's seed nor anything that happens later can alter them. A variant has those of its base (so
that they cannot absorb the effect of what was changed), unless its own are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final, Literal

import numpy as np

from sim.engine.setup import build_world
from sim.kernels.rates import rates
from sim.mechanisms.choice import CHOICES
from sim.mechanisms.decide import current_conditions
from sim.mechanisms.exposure import update_households
from sim.mechanisms.policy import CLASSES
from sim.mechanisms.rule_book import in_force
from sim.mechanisms.threats import THREATS
from sim.results.rates import Rates, Which
from sim.scenario import whole
from sim.schema import Outputs, Scenario
from sim.schema.errors import ScenarioError
from sim.schema.politics import Politics

SEED: Final = 1
"""Seed of the people on whom rates are solved (arbitrary)."""


@dataclass(frozen=True)
class Solved:
    """The rates of a run, and what they would be otherwise."""

    scenario: Scenario
    """With the rates."""
    base: str
    """Name of its base."""
    used: Literal["base", "own", "stated"]
    """Whose they are; `stated`: the scenario states both."""
    otherwise: Rates | None = None
    """What the other choice would give; None: the same."""

    @property
    def rates(self) -> Rates:
        """The rates of the run."""
        return _stated(self.scenario)  # type: ignore[return-value]

    def told(self) -> dict[str, Any]:
        """Say it as the manifest does: `used`, `base`, the two rates, and `otherwise`."""
        other = None if self.otherwise is None else self.otherwise._asdict()
        rates = self.rates._asdict()
        return {"used": self.used, "base": self.base, **rates, "otherwise": other}


def solve(scenario: Scenario, base: Scenario, which: Which = "base") -> Solved:
    """Fill in the rates of a variant, and find out what the other choice would have given.

    Args:
        scenario: The variant. Rates that it states are kept.
        base: What it is a variant of; the scenario itself, if of nothing.
        which: Whose rates it gets.
    """
    if _stated(scenario) is not None:
        return Solved(scenario, base.name, "stated")
    # Where the change cannot alter the rates, both are solved on the same, and so only once.
    chosen, other = solve_base(scenario, base), solve_base(scenario, scenario)
    if which == "own":
        chosen, other = other, chosen
    found = _stated(other)
    return Solved(chosen, base.name, which, None if found == _stated(chosen) else found)


def solve_base(scenario: Scenario, base: Scenario) -> Scenario:
    """Fill in base_L and the flight norm of a scenario from its base.

    Values that the scenario itself states are kept.
    """
    if _stated(scenario) is not None:
        return scenario
    found = _stated(base)
    if found is None:
        try:
            found = _solved(solved_on(base).model_dump_json(by_alias=True))
        except ScenarioError as error:
            raise ScenarioError([replace(it, file=base.name) for it in error.problems]) from None
    decision = scenario.decision
    update = {
        "base_livelihood": decision.base_livelihood or found.base_livelihood,
        "flight_norm": decision.flight_norm or found.flight_norm,
    }
    return scenario.model_copy(update={"decision": decision.model_copy(update=update)})


def can_alter(scenario: Scenario, base: Scenario) -> bool:
    """Whether a variant may have rates of its own; False where its change cannot alter them."""
    if scenario is base or _stated(scenario) is not None:
        return False
    return _stated(base) is not None or solved_on(scenario) != solved_on(base)


def _stated(scenario: Scenario) -> Rates | None:
    """Return the rates that a scenario states, if it states both."""
    decision = scenario.decision
    if decision.base_livelihood is None or decision.flight_norm is None:
        return None
    return Rates(decision.base_livelihood, decision.flight_norm)


def solved_on(scenario: Scenario) -> Scenario:
    """Return what the rates of a scenario are solved on: its first day.

    Whatever cannot bear upon them is taken out: labels, seed, what is kept of a run or compared
    with it, and all that begins later. Two scenarios that are the same without it have the same
    rates.
    """
    start = scenario.time.start
    # Aid counts in proportion to the part of the first month that it covers.
    soon = start + timedelta(days=31)
    decision = scenario.decision.model_copy(
        update={
            "base_livelihood": 1.0,
            "flight_norm": 1.0,
            "base_flight": 1.0,
            # The surge before announced rules is temporary, so it must not affect base_L.
            "surge": 0.0,
        }
    )
    return scenario.model_copy(
        update={
            "name": "rates",
            "title": "",
            "description": "",
            "sources": (),
            "seed": SEED,
            "time": scenario.time.model_copy(update={"end": start, "step": "month"}),
            # Opinion moves rules only once it has left its start.
            "countries": tuple(
                it.model_copy(update={"opinion": None}) for it in scenario.countries
            ),
            "politics": Politics(),
            "policies": tuple(in_force(scenario, start)),
            "shocks": tuple(it for it in scenario.shocks if it.enabled and it.start <= start),
            "interventions": tuple(
                it for it in scenario.interventions if it.enabled and it.start <= soon
            ),
            "costs": {},
            "decision": decision,
            "observed": (),
            "outputs": Outputs(),
            "sweep": None,
        }
    )


@lru_cache(maxsize=64)
def _solved(text: str) -> Rates:
    """Solve the rates on a first day, given as JSON so that equal ones are solved once.

    base_L makes the mean livelihood rate in the first month equal to `baseline_rate`. The mean is
    over households of the focus countries that have any feasible destination. The norm is their
    mean of W_F^lam. If host countries were included, their wealth would affect how readily people
    flee.
    """
    scenario = whole.Scenario.model_validate_json(text)
    decision = scenario.decision
    world = build_world(scenario, scenario.seed)
    update_households(world)
    want, fear, _ = THREATS.of(world).advance(0, 1)
    households, persons, houses = world.households, world.persons, world.deciding
    now = current_conditions(world, (want, fear))
    # With fear and its rate at one, F is W_F^lam.
    now = now._replace(fear=np.ones_like(now.fear), flight=1.0)
    found, abroad = np.zeros((len(houses), 8)), np.zeros((len(houses), 8))
    choices = CHOICES.of(world)
    tables, classes = choices.tables, CLASSES.of(world)
    rates(households, persons, houses, tables, now, classes, 0.0, 0, found)
    own = world.country[:, None] == world.country[None, :]
    foreign = tables._replace(pull=np.where(own[None], 0.0, tables.pull))
    rates(households, persons, houses, foreign, now, classes, 0.0, 0, abroad)
    focus = scenario.population.focus
    in_focus = np.array([not focus or p.country in focus for p in scenario.places])
    counted = (found[:, 6] > 0) & in_focus[households.home[houses]]
    weight = np.where(counted, households.weight[houses], 0)
    # A rate is base W^lam; moves abroad have the share of W that lies abroad.
    share = np.divide(abroad, found, out=np.zeros_like(found), where=found > 0)
    livelihood, flight = (found * share ** (1.0 / decision.inclusive_value))[:, :2].T
    total = max(float(weight.sum()), 1.0)
    mean_l = float((livelihood * weight).sum()) / total
    mean_f = float((flight * weight).sum()) / total
    return Rates(
        decision.baseline_rate / mean_l if mean_l > 0 else 1.0,
        mean_f if mean_f > 0 else 1.0,
    )
