"""sim status: how far a sweep or a run is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from sim.cli.console import say, say_json
from sim.cli.failures import complain_of
from sim.cli.options import AsJson, Quiet, named_path
from sim.cli.wording import count_of, duration
from sim.schema.errors import printable


def status(
    folder: Annotated[
        Path, typer.Argument(parser=named_path, metavar="DIR", help="Folder of a sweep or a run.")
    ],
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Show how far a sweep or a run is, and how to resume it."""
    from sim.experiments.status import status as status_of

    found = status_of(folder)
    if as_json:
        say_json({"ok": True, **found})
    elif quiet:
        return
    elif found["kind"] == "run" and found["state"] != "complete":
        for line in _reached(folder, found):
            say(printable(line))
    elif found["kind"] == "run":
        say(
            f"{printable(str(folder))}: run {found['name']}, {found['state']}: "
            f"{count_of(found['steps'], 'step')}, {count_of(found['replicates'], 'replicate')}, "
            f"seed {found['seed']}, {found['seconds']:.3g} s"
        )
    else:
        rate = found["rate"]
        pace = f", {rate:.3g} a second" if rate else ""
        to_go = f", about {duration(found['left'] / rate)}" if rate and found["left"] else ""
        say(
            f"{printable(str(folder))}: sweep {found['name']}, {found['state']}: "
            f"{found['done']:,} of {count_of(found['runs'], 'run')} done, "
            f"{found['failed']} failed, {found['left']:,} left{pace}{to_go}"
        )
        if found["state"] == "unfinished":
            say(f"go on: {found['next']}")
        if found["failures"]:
            complain_of(found["failures"])


def _reached(folder: Path, found: Mapping[str, Any]) -> Iterator[str]:
    """Show the step of a run's last checkpoint, and how to resume from it."""
    running = found["state"] == "running"
    text = f"{folder}: run {found['name']}, {found['state']}"
    if "step" not in found:
        lost = "" if running else "; its checkpoint cannot be used: the same command starts again"
        yield text + lost
        return
    at = f"{', last checkpoint' if running else ''} at step {found['step']} of {found['steps']}"
    if found["replicates"] > 1:
        at += f" of replicate {found['replicate']} of {found['replicates']}"
    if running:
        yield text + at
    elif found["next"] is None:
        yield f"{text}{at}; the Python call that started it resumes it"
    else:
        yield text + at
        cwd = found["cwd"]
        yield f"go on{f', in {cwd}' if cwd not in (None, str(Path.cwd())) else ''}: {found['next']}"
