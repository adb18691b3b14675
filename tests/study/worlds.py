"""Small sweeps for tests."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from sim.experiments.plan import Study
from sim.experiments.sweep import Outcome, Sweep

HERE = Path(__file__).parent
SMALL = HERE.parent / "small.yaml"
TINY = """\
scenario: small.yaml
name: tiny
time: {start: 2020-01, end: 2020-03, step: month}
population: {agents: 300}
"""
EIGHT = """\
sweep:
  replicates: 2
  vary:
    policies.bb_tighter.start: {values: [2020-02, 2020-03-10]}
    places.BB_K.capacity: {low: 10_000, high: 30_000, n: 2}
  metrics: {to_cc: {table: flows, column: arrived, where: {destination: CC}}}
  tables: [flows]
"""
"""Eight runs in eight units."""
FAULTY = (sys.executable, str(HERE / "faulty_worker.py"))


def write(folder: Path, section: str = EIGHT, name: str = "tiny.yaml") -> str:
    """A file with a sweep of the small world; its path."""
    if not (folder / SMALL.name).exists():
        shutil.copy(SMALL, folder)
    path = folder / name
    path.write_text(TINY + section, encoding="utf-8")
    return str(path)


def start(source: str, folder: Path, fresh: bool = False, **options: Any) -> Outcome:
    """Run a sweep, or what is left of it."""
    return Sweep(Study(source), folder, **options).start(fresh)


def runs(folder: Path) -> pd.DataFrame:
    """The summary of a sweep."""
    return pd.read_parquet(folder / "runs.parquet")


def contents(folder: Path) -> dict[str, bytes]:
    """The tables of a sweep, byte for byte."""
    names = ["runs.parquet", "tables/flows.parquet"]
    return {name: (folder / name).read_bytes() for name in names}
