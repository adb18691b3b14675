"""sim bench: check and time the engine, in a checkout."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.console import BadInputError
from sim.cli.options import AsJson, Quiet


def bench(
    sections: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SECTION]...", help="What to measure; by default all."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Small worlds: about a minute.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Up to 10 M persons: hours.")] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Check the engine and measure its speed (in a checkout only)."""
    import subprocess

    root = Path(__file__).parents[2]
    if not (root / "benchmarks" / "__main__.py").is_file():
        raise BadInputError("the benchmarks are not installed with the package; clone it for them")
    if quick and full:
        raise BadInputError("--quick and --full cannot be combined")
    words = [
        *(sections or ()),
        *(word for word, on in (("--quick", quick), ("--full", full), ("--json", as_json)) if on),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *words],
        cwd=root,
        stdout=subprocess.DEVNULL if quiet else None,
        check=False,
    )
    if done.returncode:
        raise typer.Exit(done.returncode)
