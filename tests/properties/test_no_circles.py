"""Nobody goes in circles: on one journey, no place is passed twice."""

from __future__ import annotations

import pytest

from sim.core.terms import Activity, Channel
from sim.mechanisms.plans import PLANS
from tests.small import HARSH, small, steps, world

ROUNDABOUT = (
    "decision.fatigue=.02", "decision.route_scale=1", "policies.bb_border.barrier=.9",
    "journey.captivity_days=20",
)  # fmt: skip
"""Overrides under which people would take detours if they could."""


@pytest.mark.parametrize("changes", [(), HARSH, ROUNDABOUT])
def test_no_journey_passes_a_place_twice(changes):
    at = world(small("time.step=day", "time.end=2020-09", "population.agents=20000", *changes))
    camps = {i for i, place in enumerate(at.scenario.places) if place.kind == "camp"}
    been = dict[tuple[int, int], list[int]]()
    for _ in steps(at):
        plans, households = PLANS.of(at), at.households
        for i, house in enumerate(plans.household):
            by_corridors = plans.channel[i] in (Channel.asylum, Channel.irregular)
            if not by_corridors or households.activity[house] <= Activity.waiting:
                continue
            # Of each journey, all events have a hash of their own.
            journey = (int(households.ident[house]), int(plans.word[i]))
            places = been.setdefault(journey, [int(plans.origin[i])])
            here = int(households.place[house])
            if here != places[-1]:
                places.append(here)
                assert here not in camps or here == plans.goal[i]
    assert sum(len(places) > 1 for places in been.values()) > 100
    for places in been.values():
        assert len(set(places)) == len(places)
