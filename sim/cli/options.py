"""Options that several commands take."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from sim.core.paths import user_path

MAX_SEED: Final = 2**63 - 1
MAX_REPLICATES: Final = 100_000
"""As of a sweep."""


def named_path(text: Any) -> Path:
    """Read a path from an option or argument; every command reads its paths by this.

    Raises:
        BadParameter: nothing is named, as where a variable of a script is not set.
    """
    if not str(text).strip():
        raise typer.BadParameter("an empty name; name a file or folder")
    path = user_path(text)
    if ".." in path.parts and not path.parent.exists():
        # `new/../run`: where nothing is yet, no link can lead elsewhere.
        return Path(os.path.normpath(path))
    return path


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, for programs.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Seed = Annotated[
    int | None, typer.Option(min=0, max=MAX_SEED, metavar="N", help="Seed instead of the file's.")
]
Agents = Annotated[
    int | None,
    typer.Option(metavar="N", help="Number of simulated persons: -s population.agents=N."),
]
Rates = Annotated[
    str,
    typer.Option(
        metavar="base|own",
        help="Rates of a variant: of the scenario without changes, or solved with them.",
    ),
]
Fresh = Annotated[
    bool,
    typer.Option("--fresh", help="Compute everything again, even if results are there already."),
]
Out = Annotated[
    Path | None,
    typer.Option(
        parser=named_path, metavar="DIR", help="Folder of the run; an earlier one is replaced."
    ),
]
Series = Annotated[
    list[str] | None,
    typer.Option(metavar="FIGURE", help="Figure to draw; repeatable."),
]
