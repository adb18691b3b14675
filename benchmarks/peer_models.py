"""Other people's models, run by the Python of `.venv-peers`, where nothing of ours is installed.

    .venv-peers/bin/python benchmarks/peer_models.py laser|starsim PERSONS

Says in one line of JSON what it has set up; then, for each line that it is sent, runs some steps
and answers with the CPU seconds that one person and step took.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable
from importlib.metadata import version

STEPS = 10
"""Steps for each answer."""
MOST = 400
"""Steps that a model is set up for."""


def laser(persons: int) -> Callable[[int], None]:
    """LASER's SIR: one node, infectious for 90 steps, so that the wave lasts."""
    import geopandas as gpd
    import numba
    import numpy as np
    from laser.core import PropertySet
    from laser.generic import SIR, Model
    from shapely.geometry import Point

    scenario = gpd.GeoDataFrame(
        {
            "nodeid": [0],
            "population": [persons],
            "S": [persons - persons // 100],
            "I": [persons // 100],
            "R": [0],
        },
        geometry=[Point(0.0, 0.0)],
        crs="EPSG:4326",
    )
    model = Model(scenario, PropertySet({"nticks": MOST, "beta": 0.05, "seed": 1}))

    @numba.njit(nogil=True, cache=False)
    def lasting(tick: int, node: int) -> np.int32:  # noqa: ARG001
        return np.int32(90)

    model.components = [
        SIR.Susceptible(model),
        SIR.Transmission(model, lasting),
        SIR.Infectious(model, lasting),
        SIR.Recovered(model),
    ]

    def step(tick: int) -> None:
        # What `Model.run` does between its progress bar's ticks.
        model._initialize_flows(tick)
        for component in model.components:
            component.step(tick)

    return step


def starsim(persons: int) -> Callable[[int], None]:
    """Starsim's SIR on a random network of four contacts."""
    import starsim as ss

    sim = ss.Sim(
        n_agents=persons, diseases=ss.SIR(), networks=ss.RandomNet(n_contacts=4), verbose=0,
        dur=MOST,
    )  # fmt: skip
    sim.init()
    return lambda _: sim.run_one_step()


def main(name: str, persons: int) -> None:
    """Set a model up and run steps of it when asked to."""
    logging.disable()
    step = {"laser": laser, "starsim": starsim}[name](persons)
    package = {"laser": "laser-generic", "starsim": "starsim"}[name]
    tick = 0
    for _ in range(3):
        step(tick)
        tick += 1
    print(json.dumps({"package": f"{package} {version(package)}", "persons": persons}), flush=True)
    for _ in sys.stdin:
        start = time.process_time()
        for _ in range(STEPS):
            step(tick)
            tick += 1
        print((time.process_time() - start) / STEPS / persons, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
