"""Every benchmark: `sim bench`, or `python -m benchmarks`.

Answers are checked and ratios printed; absolute times stand beside them and are never judged. The
exit code is 1 if two ways of doing the same disagree, or a step's stages do not add up.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numba

from benchmarks.measure import WIDTH, Mode, machine

SECTIONS = {
    "decision": "Decision kernel: Numba, C, Python",
    "whole": "Whole step by stage, one thread",
    "threads": "Two threads",
    "memory": "Memory",
    "growth": "Growth",
    "peers": "Peers: SIR models of others",
    "twin": "Object agents",
    "start": "Start",
    "sliders": "Sliders of the notebooks",
    "exact": "Exact: random small worlds",
}
"""Modules of this package, in the order in which they are run."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="sim bench", description=__doc__.partition("\n")[0])
    parser.add_argument("only", nargs="*", help=f"sections: {', '.join(SECTIONS)} (default: all)")
    how_much = parser.add_mutually_exclusive_group()
    how_much.add_argument("--quick", action="store_true", help="small worlds; about a minute")
    how_much.add_argument("--full", action="store_true", help="10 M persons, 2,000 places; hours")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    options = parser.parse_args(arguments)
    if unknown := set(options.only) - set(SECTIONS):
        said = f"there is no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}"
        print(f"sim bench: {said}", file=sys.stderr)
        return 2
    if numba.config.DISABLE_JIT:
        print("NUMBA_DISABLE_JIT is set: there are no compiled kernels to measure")
        return 0
    mode: Mode = "quick" if options.quick else "full" if options.full else "usual"
    it = machine()
    report: dict[str, Any] = {"mode": mode, "machine": it}
    if not options.json:
        versions = ", ".join(f"{name} {number}" for name, number in it["versions"].items())
        print(f"{it['cpu']}, {it['cores']} cores, load {it['load'] or 0.0:.1f}; {versions}")
    good = True
    for name in options.only or SECTIONS:
        start = time.perf_counter()
        section = import_module(f"benchmarks.{name}")
        found = section.measure(mode)
        found["seconds"] = time.perf_counter() - start
        report[name] = found
        good &= found.get("agree", True) and found.get("adds_up", True)
        if not options.json:
            print(f"\n{SECTIONS[name]} ({found['seconds']:.0f} s)".ljust(WIDTH), end="\n\n")
            print("\n".join(section.show(found)), flush=True)
    if options.json:
        print(json.dumps(report | {"good": good}, indent=1))
    else:
        print("All answers agree." if good else "ANSWERS DIFFER, or stages do not add up.")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
