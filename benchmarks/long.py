"""One long run of many persons, by hand: does it end, how fast, and in how much memory?

    python -m benchmarks.long [--persons 100e6] [--steps 120] [--threads 1]

Prints a line every twelve steps and JSON in the end.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from benchmarks.measure import machine
from benchmarks.memory import resident
from benchmarks.worlds import Size, scenario
from sim.engine.recorder import Recorder
from sim.engine.setup import build_world
from sim.engine.step import advance


def run(persons: int, steps: int, threads: int) -> dict[str, Any]:
    """Set a world up and take it through so many monthly steps."""
    start = time.perf_counter()
    world = build_world(scenario(Size(persons=persons, months=steps)), seed=1, threads=threads)
    recorder = Recorder(world)
    set_up = time.perf_counter() - start
    set_up_most = resident("VmHWM")
    start, cpu = time.perf_counter(), time.process_time()
    done = 0
    for step in range(1, steps + 1):
        recorder.record(world, advance(world))
        done += len(world.persons.pid)
        if step % 12 == 0 or step == steps:
            seconds = time.perf_counter() - start
            print(
                f"{step} of {steps} steps, {len(world.persons.pid):,} persons, {seconds:.0f} s,"
                f" {seconds / done * 1e9:.1f} ns a person and step,"
                f" {resident('VmHWM') / 1e9:.1f} GB at most",
                file=sys.stderr,
                flush=True,
            )
    seconds = time.perf_counter() - start
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "persons_first": persons,
        "persons_last": len(world.persons.pid),
        "places": len(world.country),
        "steps": steps,
        "threads": threads,
        "set_up_seconds": set_up,
        "seconds": seconds,
        "cpu_seconds": time.process_time() - cpu,
        "ns_per_person_step": seconds / done * 1e9,
        "resident_most_set_up": set_up_most,
        "resident_most": resident("VmHWM"),
        "resident": resident("VmRSS"),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--persons", type=float, default=100e6)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    print(json.dumps(run(int(options.persons), options.steps, options.threads), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
