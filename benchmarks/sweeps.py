"""What a sweep costs beyond its runs, what a second worker gains, and whether anything grows.

    python -m benchmarks.sweeps [--runs N] [--json]

Nothing is judged. Runs are tiny, so that whatever a sweep adds shows; units are as large as in a
sweep of many.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from sim.experiments.folder import LOG
from sim.experiments.parts import seconds_of
from sim.experiments.plan import MOST, Study
from sim.experiments.sweep import Sweep
from sim.scenario.library import starter

SECTION = """
sweep:
  replicates: {replicates}
  vary: {{policies.wall.barrier: {{low: .1, high: .9, n: 4}}}}
  metrics: {{into_bb: {{table: flows, column: arrived, where: {{destination: BB}}}}}}
"""
RUNS = 400


def scenario(folder: Path, runs: int) -> str:
    """Write the starter, cut to a quarter and 300 rows, with a sweep of so many runs."""
    text = starter("tiny").replace("2026-01, end: 2029-12", "2027-03, end: 2027-05")
    text = text.replace("agents: 10_000", "agents: 300")
    path = folder / f"tiny{runs}.yaml"
    path.write_text(text + SECTION.format(replicates=max(1, runs // 4)), encoding="utf-8")
    return str(path)


def timed(source: str, folder: Path, jobs: int) -> dict[str, Any]:
    """Run a sweep and read from its log what it took once all workers were at work."""
    study = Study(source)
    study.__dict__["unit_size"] = MOST  # what `sim sweep` takes for 800 runs or more
    cpu = time.process_time()
    Sweep(study, folder, jobs=jobs).start()
    cpu = time.process_time() - cpu
    entries = [json.loads(line) for line in (folder / LOG).read_text().splitlines()]
    units = [it for it in entries if it["event"] == "unit"]
    units = units[jobs:]  # the first of each worker loads what runs need
    stamps = [datetime.fromisoformat(it["time"]).timestamp() for it in units]
    sizes = [b["done"] - a["done"] for a, b in pairwise(units)]
    paths = [folder / "parts" / f"{it['unit']:04}.parquet" for it in units[1:]]
    own = sum(sum(seconds_of(path)) for path in paths)
    gaps = [b - a for a, b in pairwise(stamps)]
    quarter = max(1, len(gaps) // 4)
    return {
        "runs": sum(sizes),
        "runs_a_unit": statistics.mode(sizes),
        "rate": sum(sizes) / (stamps[-1] - stamps[0]),
        "run_ms": 1000 * own / sum(sizes),
        "beyond_ms": 1000 * (jobs * (stamps[-1] - stamps[0]) - own) / sum(sizes),
        "parent_cpu_ms": 1000 * cpu / units[-1]["done"],
        "late_over_early": statistics.median(gaps[-quarter:]) / statistics.median(gaps[:quarter]),
        "worker_mb": [it["megabytes"] for it in (units[quarter], units[-1])],
    }


def measure(runs: int) -> dict[str, Any]:
    """Time one worker and two in turn; with fewer than two cores, one alone."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = scenario(folder, runs)
        rounds: dict[int, list[dict[str, Any]]] = {1: [], 2: []}
        for number in range(2):
            for jobs in (1, 2) if (cores or 1) >= 2 else (1,):
                rounds[jobs].append(timed(source, folder / f"out{number}{jobs}", jobs))
    one, two = rounds[1], rounds[2]
    best = min(one, key=lambda it: it["beyond_ms"])
    pairs = [b["rate"] / a["rate"] for a, b in zip(one, two, strict=False)]
    return {"one": best, "two_over_one": max(pairs, default=None), "two": two[-1] if two else None}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=RUNS, help=f"runs of a sweep ({RUNS})")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    found = measure(options.runs)
    if options.json:
        print(json.dumps(found, indent=2))
        return 0
    one, two = found["one"], found["two"]
    print(f"a sweep of {options.runs} tiny runs, {one['runs_a_unit']} a unit, one worker:")
    print(f"  a run itself          {one['run_ms']:8.2f} ms")
    print(f"  beyond it             {one['beyond_ms']:8.2f} ms a run, parts included")
    print(f"  of the parent         {one['parent_cpu_ms']:8.2f} ms of CPU a run")
    print(f"  last / first quarter  {one['late_over_early']:8.2f} time a unit")
    print(f"  a worker's memory     {' to '.join(map(str, one['worker_mb']))} MB")
    if two:
        print(f"  two workers / one     {found['two_over_one']:8.2f} runs a second")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
