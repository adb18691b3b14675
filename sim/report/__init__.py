"""The report: one HTML file that needs nothing else.

`page` computes its content, as plain data; the files in `templates` lay it out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from sim.core.atomic import atomic
from sim.core.paths import user_path
from sim.plots.pictures import PICTURES, draw, is_kept
from sim.report.page import page_of
from sim.results.record import Record

REPORT: Final = "report.html"


def write_report(record: Record, directory: str | Path, *, png: Sequence[str] = ()) -> Path:
    """Write `report.html`, which shows the whole run and loads nothing from elsewhere.

    Args:
        record: the run.
        directory: an existing folder, usually the run's.
        png: names of `PICTURES` that are also written as files of their own, `map.png` and so on.

    Returns:
        Path of the report.

    Raises:
        OSError: the folder cannot be written.
    """
    folder = user_path(directory)
    drawn = {kind: draw(record, kind) for kind in PICTURES if is_kept(record, kind)}
    for kind in png:
        if kind in drawn:
            _write(folder / f"{kind}.png", drawn[kind])
    path = folder / REPORT
    _write(path, render(record, drawn).encode("utf-8"))
    return path


def render(record: Record, pictures: Mapping[str, bytes]) -> str:
    """Write the report as HTML.

    Args:
        record: the run.
        pictures: PNG files by kind of picture.

    Returns:
        A complete document.
    """
    templates = Environment(
        loader=PackageLoader("sim.report"),
        autoescape=True,  # text of a scenario is shown as text, never as HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return templates.get_template("report.html.j2").render(page=page_of(record, pictures))


def _write(path: Path, content: bytes) -> None:
    with atomic(path) as partial:
        partial.write_bytes(content)
