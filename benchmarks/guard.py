"""Fails when a change makes a gated row slower: base and head in turn, in one run.

    python -m benchmarks.guard REF [--rounds N] [--json]

Base is REF, head this checkout as it stands; both are laid out as worktrees and measured by
processes of their own, in turn. A row fails if head takes more than 1.3 x the time of base twice
over: by the least time of each in all rounds, which other work on the machine can only raise, and
by the median over rounds of the ratio, which no single undisturbed round of one side can move. A
row that fails is measured in as many rounds again and judged on all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfile
from typing import Any

ROOT = Path(__file__).parents[1]
LIMIT = 1.3
ROUNDS = 5

Times = dict[str, list[float]]
"""CPU seconds by row, one for each round."""


def slower(base: Sequence[float], head: Sequence[float], limit: float = LIMIT) -> bool:
    """Whether head takes more than `limit` times as long, beyond what noise explains.

    Args:
        base: Times of each round.
        head: Times of the same rounds.
        limit: Ratio that is still let pass.
    """
    return min(ratios(base, head)) > limit


def ratios(base: Sequence[float], head: Sequence[float]) -> tuple[float, float]:
    """(head / base of the least times, median over rounds of head / base)."""
    pairs = [b / a for a, b in zip(base, head, strict=True)]
    return min(head) / min(base), statistics.median(pairs)


def git(*words: str) -> str:
    """What a git command says."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"git {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.strip()


@contextmanager
def worktree(tree: Path, commit: str) -> Iterator[Path]:
    """A commit checked out into a folder of its own, for a while."""
    git("worktree", "add", "--detach", str(tree), commit)
    try:
        yield tree
    finally:
        git("worktree", "remove", "--force", str(tree))


def once(tree: Path, cache: Path) -> dict[str, float]:
    """Measure a tree in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gated"],
        cwd=tree, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(tree), "SIM_CACHE_DIR": str(cache)},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{tree.name} cannot be measured:\n{done.stderr.strip()}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measure(trees: tuple[Path, Path], cache: Path, rounds: int) -> tuple[Times, Times, int]:
    """Measure base and head in turn, longer where a row fails.

    Returns:
        (times of base, times of head, rounds taken); rows that one side lacks are left out.
    """
    times: tuple[Times, Times] = ({}, {})
    for tree in trees:
        once(tree, cache)  # compiles
    taken = 0
    for _ in range(2):
        for turn in range(taken, taken + rounds):
            for side in (0, 1) if turn % 2 == 0 else (1, 0):
                for row, seconds in once(trees[side], cache).items():
                    times[side].setdefault(row, []).append(seconds)
        taken += rounds
        if not any(slower(times[0][row], times[1][row]) for row in times[0].keys() & times[1]):
            break
    return *times, taken


@contextmanager
def lay_out(ref: str, folder: Path) -> Iterator[tuple[Path, Path]]:
    """Check base and head out as worktrees; what is not committed is part of head."""
    commit = git("stash", "create") or "HEAD"
    with worktree(folder / "base", ref) as base, worktree(folder / "head", commit) as head:
        if not (base / "benchmarks" / "gated.py").exists():
            # Base knows nothing of this guard yet: head's own benchmarks measure it.
            (base / "benchmarks").mkdir(exist_ok=True)
            for path in (ROOT / "benchmarks").glob("*.*"):
                copyfile(path, base / "benchmarks" / path.name)
        yield base, head


def guard(ref: str, rounds: int) -> dict[str, Any]:
    """Compare this checkout with a base."""
    with tempfile.TemporaryDirectory(prefix="sim-guard-") as name:
        folder = Path(name)
        with lay_out(ref, folder) as trees:
            base, head, taken = measure(trees, folder / "cache", rounds)
    rows = []
    for row in base.keys() & head:
        least, median = ratios(base[row], head[row])
        rows.append(
            {
                "name": row, "base": min(base[row]), "head": min(head[row]), "least": least,
                "median": median, "slower": slower(base[row], head[row]),
            }
        )  # fmt: skip
    return {
        "ref": ref,
        "limit": LIMIT,
        "rounds": taken,
        "rows": sorted(rows, key=lambda it: list(head).index(str(it["name"]))),
        "only_one_side": sorted(base.keys() ^ head),
        "good": bool(rows) and not any(it["slower"] for it in rows),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the comparison; 1 if a row is slower."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("ref", help="what to compare with, as git names it")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"pairs of runs ({ROUNDS})")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    found = guard(options.ref, options.rounds)
    if options.json:
        print(json.dumps(found, indent=1))
        return 0 if found["good"] else 1
    print(
        f"CPU time of this checkout over that of {found['ref']}, {found['rounds']} rounds in turn"
    )
    print(f"  {'':<34}{'base':>9}{'head':>9}{'of least':>10}{'median':>8}")
    for it in found["rows"]:
        verdict = f"  SLOWER than {LIMIT} x" if it["slower"] else ""
        print(
            f"  {it['name']:<34}{1e3 * it['base']:>6.1f} ms{1e3 * it['head']:>6.1f} ms"
            f"{it['least']:>10.2f}{it['median']:>8.2f}{verdict}"
        )
    for row in found["only_one_side"]:
        print(f"  {row}: only one side measures it")
    return 0 if found["good"] else 1


if __name__ == "__main__":
    sys.exit(main())
