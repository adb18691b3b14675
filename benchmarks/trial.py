"""Puts the guard itself to the test: is it quiet on equal trees, does it hear what is planted?

    python -m benchmarks.trial [--runs 20] [--rounds 5]

Both trees are this checkout. After the runs on equal trees head is made slower, once in the step
and once in the kernel's scan, and every run has to fail.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.guard import LIMIT, ROUNDS, git, lay_out, measure, ratios, slower

PLANTS = {
    "every step takes half as long again": (
        "sim/engine/step.py",
        {
            "    end = step_end(world.scenario, world.day)\n": (
                "    import time\n    begun = time.thread_time()\n"
                "    end = step_end(world.scenario, world.day)\n"
            ),
            "    world.step += 1\n": (
                "    done = time.thread_time()\n"
                "    while time.thread_time() < done + .5 * (done - begun):\n        pass\n"
                "    world.step += 1\n"
            ),
        },
    ),
    "a full answer looks at every destination three times": (
        "sim/kernels/alternatives.py",
        {
            "        total = inside(tables, h, who, d, money, with_all, with_one, with_child)\n": (
                "        total = 0.0\n"
                "        for _ in range(3):\n"
                "            paid = money if total >= 0.0 else 0.0\n"
                "            total = inside(\n"
                "                tables, h, who, d, paid, with_all, with_one, with_child\n"
                "            )\n"
            ),
        },
    ),
}


def plant(tree: Path, name: str) -> None:
    """Make a tree slower."""
    file, changes = PLANTS[name]
    path = tree / file
    text = path.read_text()
    for old, new in changes.items():
        if text.count(old) != 1:
            raise SystemExit(f"{file} has changed: {old.strip()!r} is not there once")
        text = text.replace(old, new)
    path.write_text(text)


def heard(trees: tuple[Path, Path], cache: Path, rounds: int) -> bool:
    """Whether one run of the guard fails; prints its ratios."""
    base, head, taken = measure(trees, cache, rounds)
    worst = {row: min(ratios(base[row], head[row])) for row in base}
    fails = any(slower(base[row], head[row]) for row in base)
    said = ", ".join(f"{row} {it:.2f}" for row, it in worst.items())
    print(f"  {'fails' if fails else 'quiet'}, {taken} rounds: {said}", flush=True)
    return fails


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what the guard says; 1 if it errs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=20, help="runs on equal trees (20)")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(arguments)
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="sim-guard-") as name:
        folder = Path(name)
        with lay_out(git("stash", "create") or "HEAD", folder) as trees:
            print(f"{options.runs} runs on equal trees (a row fails above {LIMIT})")
            wrong += sum(
                heard(trees, folder / "cache", options.rounds) for _ in range(options.runs)
            )
            for planted, (file, _) in PLANTS.items():
                print(planted)
                before = (trees[1] / file).read_text()
                plant(trees[1], planted)
                wrong += not heard(trees, folder / "cache", options.rounds)
                (trees[1] / file).write_text(before)
    print("the guard is right each time" if not wrong else f"the guard errs {wrong} times")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
