"""Fails when a change alters a result: base and head run the same worlds, compared by hash.

    python -m benchmarks.results_guard REF [--quick]
    python -m benchmarks.results_guard --store

Base is REF, laid out as a worktree; head is this checkout as it stands. Base writes worlds as
scenario files, and the probe of each side (`results_probe.py`) hashes what they give after every
step and in the end. What base has must be in head, under its name or that of `renamed.py`, and be
the same to the bit; what head has besides is listed. Head also runs every world on more threads, in
odd pieces and resumed. `--store` writes the hashes that a test compares a slice of all this with.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.guard import ROOT, git, worktree
from benchmarks.renamed import RENAMED

PROBE = "benchmarks/results_probe.py"
STORED = ROOT / "tests" / "results" / "hashes.json"
CHANGELOG = ROOT / "CHANGELOG.md"
SECTION = "### Results change"
RULE = (
    f'Hashes change only together with a line under "{SECTION.lstrip("# ")}" in {CHANGELOG.name}.'
    " Write it, then: python -m benchmarks.results_guard --store"
)

MACHINE = "Linux x86_64"
ANY_PROCESSOR = {"NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR"}
"""With AVX-512, the last bits of NumPy's exponentials and logarithms differ. Hashes are stored
without it, so that they hold on processors with and without it."""

SHOWN = 4
"""Columns that are named of those that differ at the same moment."""
Found = dict[str, Any]
"""What the probe finds, by world."""
Renamed = Mapping[str, str | None]


def new_name(name: str, renamed: Renamed) -> str | None:
    """Name that a column of base has in head; None if it is gone on purpose.

    Args:
        name: As base has it.
        renamed: New names by old ones, of columns or of whole tables.
    """
    table, _, column = name.rpartition(".")
    if name in renamed or table not in renamed:
        return renamed.get(name, name)
    to = renamed[table]
    return None if to is None else f"{to}.{column}"


def first_difference(base: Found, head: Found, renamed: Renamed) -> str | None:
    """Where a world first goes another way, in words; None if it does not.

    Args:
        base: `steps`, a list of hashes by name, and `end`, those of tables and figures.
        head: The same of head.
        renamed: See `new_name`.
    """
    a, b = base["steps"], head["steps"]
    for i, (old, new) in enumerate(zip(a, b, strict=False), start=1):
        if apart := differing(old, new, renamed):
            return f"step {i}: {apart}"
    if len(a) != len(b):
        return f"{len(b)} steps instead of {len(a)}"
    apart = differing(base["end"], head["end"], renamed)
    return f"the end: {apart}" if apart else None


def differing(old: dict[str, str], new: dict[str, str], renamed: Renamed) -> str:
    """Columns of base that head has not, or not the same, in words; nothing if there are none."""
    apart = []
    for name, value in old.items():
        to = new_name(name, renamed)
        if to is None or new.get(to) == value:
            continue
        said = name if to == name else f"{name} (now {to})"
        if to not in new:
            said += " is missing"
        elif name.startswith("headline."):
            said += f" {value} -> {new[to]}"
        apart.append(said)
    more = [f"and {len(apart) - SHOWN} more"] if len(apart) > SHOWN else []
    return ", ".join([*apart[:SHOWN], *more])


def added(base: Found, head: Found, renamed: Renamed) -> list[str]:
    """Names that head has and base has not, over all worlds of base."""
    found: dict[str, None] = {}
    for world in base.keys() & head:
        known = {new_name(name, renamed) for name in _names(base[world])}
        found |= dict.fromkeys(name for name in _names(head[world]) if name not in known)
    return sorted(found)


def _names(world: Found) -> dict[str, str]:
    return {name: "" for at in (*world["steps"], world["end"]) for name in at}


def report(base: Found, head: Found, renamed: Renamed) -> tuple[list[str], bool]:
    """Compare all worlds.

    Returns:
        (lines to print, whether results are the same).
    """
    lines, others = [], 0
    for world, found in base.items():
        where = "head has no such world"
        if world in head:
            where = first_difference(found, head[world], renamed) or ""
        ways = head.get(world, {}).get("apart", {})
        others += bool(where or ways)
        lines += [f"  {world}: {where}"] if where else []
        lines += [f"  {world}: head differs from itself {way}, {at}" for way, at in ways.items()]
    steps = sum(len(found["steps"]) for found in base.values())
    lines += [f"  added: {name}" for name in added(base, head, renamed)]
    lines += [f"  {len(base) - others} of {len(base)} worlds are the same ({steps:,} steps)"]
    return lines, bool(base) and not others


def probe(tree: Path, *words: str | Path, **environment: str) -> subprocess.Popen[str]:
    """Start the probe of a tree in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.results_probe", *map(str, words)],
        cwd=tree, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(tree), **environment},
    )  # fmt: skip


def finish(side: str, process: subprocess.Popen[str]) -> None:
    """Wait for a probe.

    Raises:
        SystemExit: It failed.
    """
    _, errors = process.communicate()
    if process.returncode:
        raise SystemExit(f"the probe of {side} fails:\n{errors.strip()}")


def guard(ref: str, quick: bool) -> tuple[list[str], bool]:
    """Compare this checkout with a base; see `report` for what is returned."""
    with tempfile.TemporaryDirectory(prefix="sim-results-") as name:
        folder = Path(name)
        (worlds := folder / "worlds").mkdir()
        with worktree(folder / "base", ref) as base:
            if not (base / PROBE).exists():
                # The first probe that there ever was knows the names of what was before it.
                first = git("log", "--diff-filter=A", "--format=%H", "--", PROBE).split()[-1:]
                text = git("show", f"{first[0]}:{PROBE}") if first else (ROOT / PROBE).read_text()
                (base / PROBE).write_text(text, encoding="utf-8")
            finish("base", probe(base, "write", worlds, *(["--quick"] if quick else [])))
            sides = {
                "base": probe(base, "hash", worlds, folder / "base.json"),
                "head": probe(ROOT, "hash", worlds, folder / "head.json", "--ways"),
            }
            try:
                for side, process in sides.items():
                    finish(side, process)
            finally:
                for process in sides.values():
                    process.kill()
        found = [json.loads((folder / f"{side}.json").read_text()) for side in sides]
    return report(found[0], found[1], RENAMED)


def summary(found: Found) -> dict[str, dict[str, str]]:
    """What is stored of each world: for each column one hash of those of all steps.

    Columns stand by themselves, so that one which is added changes nothing of the others.
    """
    result = {}
    for world, it in found.items():
        chains = {name: blake2b(digest_size=6) for name in _names({**it, "end": {}})}
        for i, step in enumerate(it["steps"]):
            for name, value in step.items():
                chains[name].update(f"{i} {value} ".encode())
        chained = {name: chain.hexdigest() for name, chain in chains.items()}
        result[world] = chained | it["end"]
    return result


def changed(
    stored: dict[str, dict[str, str]], found: dict[str, dict[str, str]], renamed: Renamed
) -> list[str]:
    """World and name of each stored hash that is another now, or gone; nothing of what is new."""
    return [
        f"{world}: {name}"
        for world, hashes in stored.items()
        for name, value in hashes.items()
        if (to := new_name(name, renamed)) and found.get(world, {}).get(to) != value
    ]


def told(changelog: str) -> str:
    """Hash of what a changelog says under all of its headings of changed results."""
    heading = re.escape(SECTION)
    parts = re.findall(rf"^{heading}\n(.*?)(?=^##|\Z)", changelog, re.M | re.S)
    text = " ".join(" ".join(parts).split())
    return blake2b(text.encode(), digest_size=6).hexdigest()


def where() -> dict[str, str]:
    """What stored hashes hold for: machine and versions."""
    return {
        "machine": f"{platform.system()} {platform.machine()}",
        "python": ".".join(platform.python_version_tuple()[:2]),
        **{name: version(name) for name in ("numpy", "numba")},
    }


def stored_anew(old: Found | None, found: dict[str, dict[str, str]], changelog: str) -> Found:
    """What is to be stored.

    Args:
        old: What is stored now; none at first.
        found: `summary` of the worlds.
        changelog: Text of the changelog.

    Raises:
        SystemExit: Hashes changed, and neither did versions nor does the changelog say more.
    """
    alike = {"of": where(), "told": told(changelog)}
    if old and alike.items() <= old.items() and (apart := changed(old["worlds"], found, RENAMED)):
        raise SystemExit(f"{len(apart)} hashes changed, the first is {apart[0]}. {RULE}")
    return {**alike, "worlds": found}


def slice_of_worlds() -> dict[str, dict[str, str]]:
    """`summary` of the few worlds whose hashes are stored."""
    with tempfile.TemporaryDirectory(prefix="sim-results-") as name:
        folder = Path(name)
        finish("the slice", probe(ROOT, "write", folder, "--quick"))
        finish("the slice", probe(ROOT, "hash", folder, folder / "found.json", **ANY_PROCESSOR))
        return summary(json.loads((folder / "found.json").read_text(encoding="utf-8")))


def store() -> None:
    """Write the hashes that the test compares with.

    Raises:
        SystemExit: This is no machine on which they are judged, or see `stored_anew`.
    """
    if where()["machine"] != MACHINE:
        raise SystemExit(f"hashes are stored and judged on {MACHINE} alone")
    old = json.loads(STORED.read_text(encoding="utf-8")) if STORED.exists() else None
    new = stored_anew(old, slice_of_worlds(), CHANGELOG.read_text(encoding="utf-8"))
    STORED.parent.mkdir(exist_ok=True)
    STORED.write_text(json.dumps(new, indent=1) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the comparison; 1 if a result differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("ref", nargs="?", help="what to compare with, as git names it")
    what.add_argument("--store", action="store_true", help="store the hashes of the slice anew")
    parser.add_argument("--quick", action="store_true", help="the slice: few worlds, shorter cases")
    options = parser.parse_args(arguments)
    if options.store:
        store()
        return 0
    lines, good = guard(options.ref, options.quick)
    print(f"Results of this checkout beside those of {options.ref}")
    print(*lines, sep="\n")
    print("results are the same" if good else "RESULTS DIFFER")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
