"""Hashes of all that runs of some worlds give, for the guard of results.

    python -m benchmarks.results_probe write FOLDER [--quick]      # the worlds, as scenario files
    python -m benchmarks.results_probe hash FOLDER OUT.json [--ways]

It runs within one checkout, and is all of the guard that knows how the engine is built: `state` and
`run` name its modules and its columns. Each checkout carries its own, so a change that moves or
renames something inside the engine mends these two and goes on giving the names and the words of
old. What is meant to have another name gets it here, and a line in `renamed.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from hashlib import blake2b
from itertools import zip_longest
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd

import sim
from benchmarks import worlds as synthetic
from benchmarks.rows import moves_of, without_rows
from sim.core import parallel
from sim.engine import recorder
from sim.model.world import World
from sim.results.record import Record
from sim.scenario.whole import Scenario
from sim.scenario.writer import dump
from tests import small, worlds

Hashes = dict[str, str]
"""Hash of each column by its name."""

ROWS = 20_000
LARGEST = 100_000_000
"""Bytes of a scenario file: one that says everything is long."""
ARRAYS = ("quota_left", "decisions_left", "relocated", "setting_out", "set_out_before")
STOCKS = ("diaspora", "residents", "newcomers", "foreigners")
ACCOUNT = ("dead", "born", "died")
PUBLIC = ("opinion", "perceived", "actual", "stringency")
THREATS = ("severity", "prevalence")
WAYS: dict[str, dict[str, Any]] = {
    "on 3 threads": {"threads": 3},
    "in pieces of 97 rows": {"piece": 97},
    "resumed": {"resumed": True},
}
"""Ways to run a world that must give what one thread gives in one go."""


def state(world: World) -> Iterator[tuple[str, Any]]:
    """Names and values of all that a world carries from step to step, counters included."""
    yield from without_rows(world)
    states = world.states
    for name, values in world.counts.items():
        if name in ("departed", "arrived"):
            for field, part in moves_of(values)._asdict().items():
                yield f"counts.{name}.{field}", part
        elif name == "spending":
            yield "counts.spending.of", [f"{item} {country}" for item, country in values]
            yield "counts.spending.amount", np.array(list(values.values()), np.float64)
        elif name == "expected":
            for field, part in values._asdict().items() if values else ():
                yield f"counts.expected.{field}", part
        else:
            yield f"counts.{name}", values
    for name in ARRAYS:
        yield f"world.{name}", states[name]
    for name in STOCKS:
        yield f"world.{name}", getattr(states["stocks"], name)
    for name in ACCOUNT:
        yield f"world.{name}", getattr(states["account"], name)
    yield "world.renewed", states["renewal"].month
    for name in PUBLIC:
        yield f"public.{name}", getattr(states["public"], name)
    for name in THREATS:
        yield f"threats.{name}", getattr(states["threats"], name)


def run(
    scenario: Scenario, threads: int = 1, piece: int = parallel.PIECE, resumed: bool = False
) -> tuple[list[Hashes], Record]:
    """Run a scenario in some way, looking at the world at the end of each step.

    Args:
        scenario: Resolved.
        threads: Threads, which may be more than there are cores.
        piece: Rows that are visited at one go.
        resumed: Halt half way, and go on from the checkpoint.

    Returns:
        (hashes after each step, the record).
    """
    steps: list[Hashes] = []
    advance = recorder.advance

    def watched(world: World) -> Any:
        census = advance(world)
        steps.append({name: digest(values) for name, values in state(world)})
        return census

    def halt(done: int, of: int, _: str) -> None:
        if resumed and done >= of / 2:
            raise InterruptedError

    with ExitStack() as changed, tempfile.TemporaryDirectory(prefix="sim-probe-") as folder:
        changed.enter_context(patch.object(recorder, "advance", watched))
        changed.enter_context(patch.object(parallel, "PIECE", piece))
        changed.enter_context(patch.object(os, "cpu_count", lambda: threads))
        changed.enter_context(patch.dict(os.environ, SIM_CHECKPOINT_SECONDS="0"))
        keep = Path(folder) / "checkpoint" if resumed else None
        try:
            record = sim.run(scenario, threads=threads, keep=keep, progress=halt)
        except InterruptedError:
            record = sim.run(scenario, threads=threads, keep=keep)
            assert record.manifest["resumed"], "the checkpoint was not gone on from"
    return steps, record


def digest(values: Any) -> str:
    """Hash of a column by its bits, dtype and shape; words count as they are spelt."""
    if isinstance(values, pd.Series) and not isinstance(values.dtype, np.dtype):
        values = values.astype(object)
    array = np.asarray(values)
    if array.dtype.kind in "OU":
        content = repr(array.tolist()).encode()
    else:
        content = f"{array.dtype.str}{array.shape}".encode() + array.tobytes()
    return blake2b(content, digest_size=6).hexdigest()


def tables(record: Record) -> Hashes:
    """Hash of each column of each table of a record; figures as they are."""
    found = {}
    for table, frame in {**record.tables, "observed": record.observed}.items():
        for column in frame:
            found[f"table.{table}.{column}"] = digest(frame[column])
    for figure in record.headline.itertuples():
        found[f"headline.{figure.measure}"] = repr(float(figure.value))
    return found


def hashes(scenario: Scenario, ways: bool) -> dict[str, Any]:
    """What the guard compares of one world.

    Args:
        scenario: Resolved.
        ways: Whether to run it in all of `WAYS`, too.

    Returns:
        `steps`, hashes after each step; `end`, those of tables and figures; `apart`, for each way
        that gives something else, the first that differs.
    """
    steps, record = run(scenario)
    end, apart = tables(record), {}

    def differs(**how: Any) -> str | None:
        others, other = run(scenario, **how)
        return where_apart([*steps, end], [*others, tables(other)])

    # All at once; which one it is is asked only where they matter.
    if ways and (first := differs(**{k: v for how in WAYS.values() for k, v in how.items()})):
        apart = {way: found for way, how in WAYS.items() if (found := differs(**how))}
        apart = apart or {", ".join(WAYS): first}
    return {"steps": steps, "end": end, "apart": apart}


def where_apart(one: Sequence[Hashes], other: Sequence[Hashes]) -> str | None:
    """First moment and column in which two runs of one checkout differ; the last is the end."""
    for step, (a, b) in enumerate(zip_longest(one, other, fillvalue={}), start=1):
        if name := next((name for name in {**a, **b} if a.get(name) != b.get(name)), None):
            return f"{'the end' if step >= len(one) else f'step {step}'}, {name}"
    return None


def choose(quick: bool) -> Iterator[tuple[str, Scenario]]:
    """Names and scenarios of the worlds that results are guarded on.

    Args:
        quick: A few of them, and the shipped cases cut short.
    """
    of = small.small
    yield "small_month", of(f"outputs.tables=[{', '.join((*of().outputs.tables, 'persons'))}]")
    yield "small_week", of("time.step=week", "outputs.every=5", "time.end=2020-08")
    yield "small_day", of("time.step=day", "time.start=2020-04", "time.end=2020-06")
    yield (
        "small_expected",
        of("outputs.expected=true", "outputs.every=7", "outputs.by=[place, age, group]"),
    )
    yield "harshest", of(*small.HARSH)
    if not quick:
        # A date cuts some of its steps.
        yield "harshest_week", of(*small.HARSH, "time.step=week", "outputs.expected=true")
        yield "harshest_day", of(*small.HARSH, "time.step=day", "time.end=2020-06")
        yield "synthetic", synthetic.scenario(synthetic.Size(persons=ROWS))
    for number in range(4 if quick else 40):
        found = worlds.random_scenario(number)
        yield f"random_{number:02}", finer(found, 30) if number % 2 else found
    rows = f"population.agents={ROWS}"
    for name, end in (("syria", "2012-12"), ("central_america", "2011-12")):
        yield name, sim.read(name, [rows, *([f"time.end={end}"] if quick else [])])


def finer(scenario: Scenario, times: int) -> Scenario:
    """The same with many times the rows: few meet odd cases, only many are shared by threads."""
    places = [
        place.model_copy(update={"people_per_agent": max(1, place.people_per_agent // times)})
        for place in scenario.places
    ]
    return scenario.model_copy(update={"places": tuple(places)})


def write(folder: Path, quick: bool = False) -> None:
    """Write the worlds as files that read back as the very same scenarios."""
    for name, scenario in choose(quick):
        path = folder / f"{name}.yaml"
        path.write_text(dump(scenario), encoding="utf-8")
        assert sim.read(path, limit=LARGEST) == scenario, f"{name} does not read back as it is"


def measure(folder: Path, ways: bool) -> dict[str, Any]:
    """Hashes of all worlds in a folder, by name."""
    found = {}
    for path in sorted(folder.glob("*.yaml")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a key is an old one
            scenario = sim.read(path, limit=LARGEST)
        found[path.stem] = hashes(scenario, ways)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Write worlds, or hash what they give."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    writing = commands.add_parser("write")
    writing.add_argument("folder", type=Path)
    writing.add_argument("--quick", action="store_true")
    hashing = commands.add_parser("hash")
    hashing.add_argument("folder", type=Path)
    hashing.add_argument("out", type=Path)
    hashing.add_argument("--ways", action="store_true", help="on threads, in pieces, resumed")
    options = parser.parse_args(arguments)
    if options.command == "write":
        write(options.folder, options.quick)
    else:
        found = measure(options.folder, options.ways)
        options.out.write_text(json.dumps(found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
