"""The sections of docs/tables.md on every table, from the declarations.

`python -m sim.results.document --write docs` writes them again.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from sim.model.declare import Table
from sim.results.measures import MEASURES
from sim.results.tables import DERIVED, TABLES, Derived, paragraphs

BEGIN: Final = "<!-- generated from the declarations of tables: make docs -->"
END: Final = "<!-- end of what is generated -->"
WIDTH: Final = 100
"""Columns that text is filled up to."""


def sections() -> str:
    """Return a list of all tables, and a section for each: its meaning, columns and units."""
    tables: list[Table | Derived] = [*(TABLES[it] for it in sorted(TABLES)), *DERIVED.values()]
    listed = _rows(("table", "what"), ((f"[{it.name}](#{it.name})", it.text) for it in tables))
    parts = [listed, *(_section(it) for it in tables)]
    return "\n\n".join("\n".join(part) for part in parts)


def _section(table: Table | Derived) -> Iterator[str]:
    yield f"## {table.name}"
    yield ""
    yield from _filled(f"{table.text[:1].upper()}{table.text[1:]}.")
    yield ""
    yield from _rows(
        ("column", "unit", "what"),
        (
            (it.name + (" (in some runs)" if it.optional else ""), it.unit, it.text)
            for it in table.columns
        ),
    )
    for paragraph in paragraphs(table):
        yield ""
        yield from _filled(paragraph)
    if table.name == "headline":
        yield ""
        yield from _rows(
            ("measure", "unit", "what"), ((it.id, it.unit, it.text) for it in MEASURES.values())
        )


def _filled(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, break_on_hyphens=False, break_long_words=False)


def _rows(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for cells in rows:
        yield f"| {' | '.join(it.replace('|', chr(92) + '|') for it in cells)} |"


def document(before: str) -> str:
    """Return docs/tables.md with new sections on tables.

    Args:
        before: the document, with the markers `BEGIN` and `END` on lines of their own.
    """
    head, rest = before.split(f"{BEGIN}\n")
    _, tail = rest.split(f"{END}\n")
    return f"{head}{BEGIN}\n\n{sections()}\n\n{END}\n{tail}"


def write(folder: Path) -> None:
    """Write the sections of docs/tables.md on tables again.

    Args:
        folder: the folder `docs`.
    """
    path = folder / "tables.md"
    path.write_text(document(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] != "--write":
        sys.exit("usage: python -m sim.results.document --write docs")
    write(Path(sys.argv[2]))
