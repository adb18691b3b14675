"""sim export: tables as csv or xlsx."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.console import BadInputError, say, say_json
from sim.cli.options import AsJson, Quiet, named_path
from sim.core.paths import real_path
from sim.schema.errors import printable


def export(
    folder: Annotated[
        Path,
        typer.Argument(parser=named_path, metavar="DIR", help="Folder of a run or of a sweep."),
    ],
    to: Annotated[str, typer.Option(metavar="csv|xlsx", help="Format.")] = "csv",
    out: Annotated[
        Path | None,
        typer.Option(
            parser=named_path,
            metavar="DIR",
            help="Folder for the files; by default one next to DIR.",
        ),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write every table of a folder as csv, or all as one xlsx; `columns` has the units."""
    if to not in ("csv", "xlsx"):
        raise BadInputError(f"--to {printable(to)} is not a format: use csv or xlsx")
    from sim.experiments.export import export as write_tables

    name = real_path(folder).name
    if to == "csv":
        target = out or real_path(folder).with_name(f"{name}-csv")
    else:
        target = (out or real_path(folder).parent) / f"{name}.xlsx"
    written = write_tables(folder, to, target)  # type: ignore[arg-type]
    if as_json:
        say_json({"ok": True, "files": [str(path) for path in written]})
    elif not quiet:
        for path in written:
            say(printable(str(path)))
