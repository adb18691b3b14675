"""sim new: a commented scenario to start from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final

import typer

from sim.cli.console import BadInputError, say, say_json
from sim.cli.options import AsJson, Quiet
from sim.schema.errors import printable

ID: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the scenario.")],
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write NAME.yaml, a commented scenario to start from."""
    from sim.scenario.library import starter
    from sim.schema.types import DEVICES

    name = name.removesuffix(".yaml")
    if not ID.fullmatch(name):
        raise BadInputError(
            f"{printable(name)!r} cannot be a scenario's name: use letters, digits and _, "
            "a letter first, at most 64"
        )
    if name.lower() in DEVICES:
        raise BadInputError(f"{name!r} cannot be a scenario's name: a device of Windows has it")
    text = starter(name)
    if "yaml-language-server" not in text.partition("\n")[0]:
        text = f"# yaml-language-server: $schema=scenario.schema.json\n{text}"
    path = Path(f"{name}.yaml")
    _write_new(path, text)
    if as_json:
        say_json({"ok": True, "file": str(path)})
    elif not quiet:
        say(
            f"{path} is written. Next:\n"
            f"  sim check {path}\n"
            f"  sim run {path}\n"
            "  sim schema > scenario.schema.json    lets an editor complete and check it"
        )


def _write_new(path: Path, text: str) -> None:
    """Write a file that must not exist yet, whole or not at all."""
    try:
        with path.open("x", encoding="utf-8") as file:
            try:
                file.write(text)
                file.flush()
            except BaseException:
                path.unlink()
                raise
    except FileExistsError:
        raise BadInputError(f"{path} exists already; it was not changed") from None
