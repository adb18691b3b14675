"""What it takes to start: compiling for the first time, and with everything compiled.

python -m benchmarks.start --child      # one start, as JSON
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.measure import Mode

ROOT = Path(__file__).parents[1]
WARM = {"quick": 3, "usual": 9, "full": 9}
"""Starts with everything compiled; the median counts."""
GOALS = {"cold": 15.0, "warm": 1.5}
"""Seconds: of CPU to compile and take a first step; of CPU, with the cache, for the same."""


def one() -> dict[str, float]:
    """Take the first step of a small world in a new process."""
    import sim  # noqa: F401

    begun = time.process_time()
    from sim.engine.recorder import Recorder
    from sim.engine.setup import build_world
    from sim.engine.solve import solve_base
    from sim.engine.step import advance
    from sim.scenario.reader import read

    loaded = time.process_time()
    case = read("syria", ["population.agents=2000"])
    read_at = time.process_time()
    world = build_world(solve_base(case, case), case.seed)
    Recorder(world).record(world, advance(world))
    first = time.process_time() - read_at
    start = time.process_time()
    advance(world)
    return {
        "import": loaded - begun,
        "read": read_at - loaded,
        "first_call": first - (time.process_time() - start),
    }


def started(cache: str) -> dict[str, float]:
    """One start with compiled code kept in a folder."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.start", "--child"],
        capture_output=True, text=True, check=True, cwd=ROOT,
        env={**os.environ, "SIM_CACHE_DIR": cache},
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout)
    return found


def files(folder: str) -> dict[str, int]:
    """Size of every file in a folder."""
    return {
        str(path.relative_to(folder)): path.stat().st_size
        for path in Path(folder).rglob("*")
        if path.is_file()
    }


def measure(mode: Mode) -> dict[str, Any]:
    """Start once with an empty cache and several times with a full one."""
    with tempfile.TemporaryDirectory() as cache:
        cold = started(cache)
        kept = files(cache)
        warm = sorted((started(cache) for _ in range(WARM[mode])), key=lambda it: it["first_call"])
        grown = files(cache) != kept
    return {
        "agree": bool(kept) and not grown,
        "cold": cold,
        "warm": warm[len(warm) // 2],
        "goals": GOALS,
        "cold_over_warm": cold["first_call"] / warm[len(warm) // 2]["first_call"],
        "cache_files": len(kept),
        "cache_bytes": sum(kept.values()),
        "cache_grows": grown,
    }


def show(found: dict[str, Any]) -> list[str]:
    """The section as text."""
    cold, warm = found["cold"], found["warm"]
    grows = "it GROWS with every start" if found["cache_grows"] else "a further start adds nothing"
    return [
        "Seconds of CPU in a new process, to the first step of the shipped case of 2,000 rows",
        f"  {'':<22}{'import':>8}{'read':>8}{'first call':>12}",
        (
            f"  {'nothing compiled yet':<22}{cold['import']:>8.2f}{cold['read']:>8.2f}"
            f"{cold['first_call']:>12.2f}   goal <= {GOALS['cold']:g}"
        ),
        (
            f"  {'all compiled':<22}{warm['import']:>8.2f}{warm['read']:>8.2f}"
            f"{warm['first_call']:>12.2f}   goal <= {GOALS['warm']:g}"
        ),
        (
            f"  cold / warm {found['cold_over_warm']:.0f}; the cache holds"
            f" {found['cache_files']} files of {found['cache_bytes'] / 1e6:.1f} MB; {grows}"
        ),
    ]


if __name__ == "__main__":
    print(json.dumps(one()))
