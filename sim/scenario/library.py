"""The scenarios that are shipped with the simulator."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

HEAD: Final = 20_000
"""Bytes of a file in which its title is looked for."""
TITLE = re.compile(r"^title:[ \t]*(.+?)[ \t]*$", re.MULTILINE)
HERE: Final = Path(__file__).resolve().parent


def folder() -> Path | None:
    """Return the folder of shipped scenarios: in an installed wheel, else next to the package."""
    package = HERE.parent
    for candidate in (package / "scenarios", package.parent / "scenarios"):
        if candidate.is_dir():
            return candidate
    return None


def shipped() -> list[tuple[str, str, Path]]:
    """List the shipped scenarios.

    Returns:
        (name, title, file), by name. The name is the file's, without `.yaml`.
    """
    here = folder()
    if here is None:
        return []
    return [
        (path.stem, _title(path), path) for path in sorted(here.glob("*.yaml")) if path.is_file()
    ]


def find(name: str) -> Path | None:
    """Find a shipped scenario.

    Args:
        name: as `shipped` lists it.

    Returns:
        Its file; None where no scenario has that name.
    """
    here = folder()
    if here is None or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
        return None
    path = here / f"{name}.yaml"
    return path if path.is_file() else None


def starter(name: str) -> str:
    """Return a commented scenario to start from.

    Args:
        name: its name; characters not allowed in an id become `_`.

    Returns:
        YAML text that `sim run` accepts.
    """
    identifier = re.sub(r"[^A-Za-z0-9_]", "_", name)[:64]
    if not identifier[:1].isalpha():
        identifier = f"s_{identifier}"[:64]
    text = (HERE / "starter.yaml").read_text(encoding="utf-8")
    return text.replace("name: starter", f"name: {identifier}", 1)


def _title(path: Path) -> str:
    """Return the title, read from the first lines without parsing the file."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD).decode("utf-8", errors="replace")
    except OSError:
        return ""
    found = TITLE.search(head)
    if found is None:
        return ""
    text = found[1]
    if text[0] in "'\"" and text[-1] == text[0]:
        return text[1:-1]
    return re.split(r"\s#", text)[0]
