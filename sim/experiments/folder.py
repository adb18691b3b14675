"""The folder of a sweep: what it holds, and what is removed for another sweep."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

from sim.core.atomic import PARTIAL, leftovers
from sim.experiments import parts
from sim.experiments import plan as plans
from sim.experiments.plan import PLAN
from sim.results.store import SUFFIXES, StoreError
from sim.results.tables import TABLES

LOG: Final = "log.jsonl"
SUMMARY: Final = "runs.parquet"
OURS: Final = (PLAN, LOG, SUMMARY, parts.PARTS, parts.TABLE_PARTS)
"""What a sweep's folder holds."""


def refuse_foreign(folder: Path) -> None:
    """Refuse a folder that holds something other than a sweep.

    Raises:
        StoreError: it does; nothing was written.
    """
    if folder.exists() and not folder.is_dir():
        raise StoreError(f"{folder} is a file; choose a folder for the sweep")
    if folder.is_dir() and any(folder.iterdir()):
        known = {*OURS, *(it.name for it in leftovers(folder / PLAN))}
        rest = {it.name for it in folder.iterdir()} - known
        ours = plans.is_ours(folder) if (folder / PLAN).exists() else not rest
        if not ours:
            raise StoreError(
                f"{folder} has files in it and is not the folder of a sweep; "
                "nothing was written, choose another folder with --out"
            )


def clear(folder: Path) -> None:
    """Remove an earlier sweep, and nothing else: the plan first, the runs last."""
    pictures = [f"effects.{suffix}" for suffix in SUFFIXES]
    for name in (PLAN, LOG, SUMMARY, *pictures):
        (folder / name).unlink(missing_ok=True)
    tables = folder / parts.TABLE_PARTS
    for name in TABLES:
        (tables / f"{name}.parquet").unlink(missing_ok=True)
    for inside in (*(tables / name for name in TABLES), folder / parts.PARTS):
        for path in (*inside.glob("*.parquet"), *inside.glob(f".*{PARTIAL}")):
            if parts.NAME.fullmatch(path.name):
                path.unlink(missing_ok=True)
        with suppress(OSError):
            inside.rmdir()  # unless there is something in it
    with suppress(OSError):
        tables.rmdir()
