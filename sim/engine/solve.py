"""Solves the two constants that scale the rates: base_L and the flight norm (section 4).

Both are solved once, on the unchanged base scenario with its own seed and agents. Variants use the
same values; otherwise the constants could absorb the effect of a policy.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from sim.engine.setup import build_world
from sim.kernels.choice import rates
from sim.mechanisms.choice import CHOICES
from sim.mechanisms.decide import current_conditions
from sim.mechanisms.exposure import update_all_households
from sim.mechanisms.policy import CLASSES
from sim.mechanisms.threats import THREATS
from sim.scenario import whole
from sim.schema import Scenario


def solve_base(scenario: Scenario, base: Scenario) -> Scenario:
    """Fill in base_L and the flight norm of a scenario from its base.

    Values that the scenario itself states are kept.
    """
    decision = scenario.decision
    if decision.base_livelihood is not None and decision.flight_norm is not None:
        return scenario
    stated = base.decision
    if stated.base_livelihood is not None and stated.flight_norm is not None:
        livelihood, norm = stated.base_livelihood, stated.flight_norm
    else:
        livelihood, norm = _solved(base.model_dump_json(by_alias=True))
    update = {
        "base_livelihood": decision.base_livelihood or livelihood,
        "flight_norm": decision.flight_norm or norm,
    }
    return scenario.model_copy(update={"decision": decision.model_copy(update=update)})


@lru_cache(maxsize=64)
def _solved(text: str) -> tuple[float, float]:
    """(base_L, flight norm) of a base scenario, given as JSON so that equal ones are solved once.

    base_L makes the mean livelihood rate in the first month equal to `baseline_rate`. The mean is
    over households of the focus countries that have any feasible destination. The norm is their
    mean of W_F^lam. If host countries were included, their wealth would affect how readily people
    flee.
    """
    base = whole.Scenario.model_validate_json(text)
    # The surge before announced rules is temporary, so it must not affect base_L.
    update = {"base_livelihood": 1.0, "flight_norm": 1.0, "surge": 0.0}
    decision = base.decision.model_copy(update=update)
    scenario = base.model_copy(update={"decision": decision})
    world = build_world(scenario, scenario.seed)
    update_all_households(world)
    want, fear, _, _ = THREATS.of(world).advance(0, 1)
    heads = world.deciding
    now = current_conditions(world, (want, fear))
    # With fear and its rate at one, F is W_F^lam.
    now = now._replace(fear=np.ones_like(now.fear), flight=1.0)
    found, abroad = np.zeros((len(heads), 8)), np.zeros((len(heads), 8))
    choices = CHOICES.of(world)
    tables, classes = choices.tables, CLASSES.of(world)
    rates(world.people, heads, tables, now, classes, 0.0, 0, found)
    own = world.country[:, None] == world.country[None, :]
    foreign = tables._replace(pull=np.where(own[None], 0.0, tables.pull))
    rates(world.people, heads, foreign, now, classes, 0.0, 0, abroad)
    focus = scenario.population.focus
    in_focus = np.array([not focus or p.country in focus for p in scenario.places])
    counted = (found[:, 6] > 0) & in_focus[world.people.home[heads]]
    weight = np.where(counted, world.weight[world.people.home[heads]], 0)
    # A rate is base W^lam; moves abroad have the share of W that lies abroad.
    share = np.divide(abroad, found, out=np.zeros_like(found), where=found > 0)
    livelihood, flight = (found * share ** (1.0 / decision.inclusive_value))[:, :2].T
    total = max(float(weight.sum()), 1.0)
    mean_l = float((livelihood * weight).sum()) / total
    mean_f = float((flight * weight).sum()) / total
    return (
        decision.baseline_rate / mean_l if mean_l > 0 else 1.0,
        mean_f if mean_f > 0 else 1.0,
    )
