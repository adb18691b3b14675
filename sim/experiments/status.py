"""How far the work in a folder is, and how to resume it."""

from __future__ import annotations

import json
import shlex
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from sim.core.paths import real_path
from sim.engine.checkpoint import progress
from sim.experiments import parts
from sim.experiments import plan as plans
from sim.experiments.folder import LOG, SUMMARY
from sim.results.parquet import DamagedError
from sim.results.store import HeldError, StoreError, checkpoint_of, hold, read_manifest


def status(folder: Path) -> dict[str, Any]:
    """Return the state of a sweep's or a run's folder.

    Args:
        folder: as `sim sweep` or `sim run` wrote it.

    Returns:
        `kind` (sweep or run), `name` and `state` (running, complete or unfinished); of a sweep
        also `runs`, `done`, `failed`, `left`, `rate` (runs a second of the last start; None where
        unknown), `failures` (run, error, command) and `next` (the command that goes on); of an
        unfinished run what `checkpoint.progress` says.

    Raises:
        StoreError: it is neither.
    """
    plan = plans.read(folder) if folder.is_dir() else None
    if plan is None and _is_begun(folder):
        state = "running" if _is_held(folder) else "unfinished"
        at = progress(checkpoint_of(real_path(folder)))
        return {"kind": "run", "name": real_path(folder).name, "state": state, **at}
    if plan is None:
        manifest = read_manifest(folder)
        if lost := [it for it in manifest["files"] if not (folder / it).is_file()]:
            raise StoreError(f"{folder / lost[0]} is missing; run again or restore the file")
        return {
            "kind": "run",
            "name": manifest.get("name", folder.resolve().name),
            "state": "complete",
            "seed": manifest["seed"],
            "replicates": manifest.get("replicates", 1),
            "steps": manifest.get("steps", 0),
            "seconds": manifest.get("seconds", 0.0),
        }
    done = 0
    failures: list[dict[str, Any]] = []
    for unit in range(plan["units"]):
        path = parts.summary_path(folder, unit)
        with suppress(DamagedError, OSError):  # damaged or not there: its runs are run again
            failures += parts.errors_of(path)
            done += parts.rows_of(path) or 0
    running = _is_held(folder)
    # Where every run failed there are no tables.
    kept = plan["sweep"].get("tables", ()) if len(failures) < plan["runs"] else ()
    tables = [f"{parts.TABLE_PARTS}/{it}.parquet" for it in kept]
    assembled = all((folder / it).is_file() for it in (SUMMARY, *tables))
    complete = done == plan["runs"] and assembled
    return {
        "kind": "sweep",
        "name": plan["name"],
        "state": "running" if running else "complete" if complete else "unfinished",
        "runs": plan["runs"],
        "done": done,
        "failed": len(failures),
        "left": plan["runs"] - done,
        "rate": _rate(folder),
        "failures": failures,
        "next": shlex.join(["sim", "sweep", plan["file"], "--out", str(folder.absolute())]),
    }


def _is_begun(folder: Path) -> bool:
    """Whether a run has a checkpoint; beside a folder of the longest name there can be none."""
    try:
        return checkpoint_of(real_path(folder)).exists()
    except OSError:
        return False


def _is_held(folder: Path) -> bool:
    """Whether another process works on a folder."""
    try:
        with hold(folder):
            return False
    except HeldError:
        return True
    except StoreError:
        return False


def _rate(folder: Path) -> float | None:
    """Return the runs a second of the last start that finished any unit, by the log."""
    rate, began, before = None, None, 0
    try:
        with (folder / LOG).open(encoding="utf-8") as lines:
            for line in lines:
                entry = json.loads(line)
                when = datetime.fromisoformat(entry["time"])
                if entry["event"] in ("started", "resumed"):
                    began, before = when, entry["runs"]
                elif entry["event"] == "unit" and began is not None:
                    seconds = (when - began).total_seconds()
                    rate = (entry["done"] - before) / seconds if seconds > 0 else rate
    except (OSError, ValueError, KeyError, TypeError):
        return rate  # cut short, at worst
    return rate
