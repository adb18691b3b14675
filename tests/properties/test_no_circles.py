"""Nobody goes in circles: on one journey, no place is passed twice."""

from __future__ import annotations

import pytest

from sim.mechanisms.journey import PARTIES
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
        parties, households = PARTIES.of(at), at.households
        for i, house in enumerate(parties.household):
            if parties.leg[i] == -2:
                continue  # not by corridors
            journey = (int(house), int(parties.began[i]))
            places = been.setdefault(journey, [int(parties.origin[i])])
            here = int(households.place[house])
            if here != places[-1]:
                places.append(here)
                assert here not in camps or here == parties.goal[i]
    assert sum(len(places) > 1 for places in been.values()) > 100
    for places in been.values():
        assert len(set(places)) == len(places)
