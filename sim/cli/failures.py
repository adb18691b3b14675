"""Failed runs of a sweep, on the terminal."""

from __future__ import annotations

from typing import Any, Final

from sim.cli.console import complain
from sim.schema.errors import printable

SHOWN_FAILURES: Final = 5
"""Failed runs that are printed; the sweep's summary has all."""


def complain_of(failures: list[dict[str, Any]]) -> None:
    """Print the first failed runs, with the commands that repeat them."""
    for failure in failures[:SHOWN_FAILURES]:
        said = printable(f"run {failure['run']} failed: {failure['error']}", 400)
        complain(f"{said}\n  again: {failure['command']}")
    if (more := len(failures) - SHOWN_FAILURES) > 0:
        complain(f"... and {more} more: rows of runs.parquet with an error")
    complain(
        "`sim sweep --retry-failed` runs them again, a longer --timeout those that took too long"
    )
