"""sim compare: runs against the first of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from sim.cli.console import BadInputError, say, show
from sim.cli.names import series_of
from sim.cli.options import AsJson, Quiet, Series, named_path
from sim.schema.errors import printable

if TYPE_CHECKING:
    from sim.experiments.compare import Comparison
    from sim.results.record import Record

COMPARED: Final = ("moved_abroad", "refugees_abroad", "displaced", "harm_death")
"""Figures that `sim compare --out` draws over time unless --series names others."""


def compare(
    folders: Annotated[
        list[Path],
        typer.Argument(
            parser=named_path, metavar="A B...", help="Folders of runs, the base first; same seeds."
        ),
    ],
    series: Series = None,
    out: Annotated[
        Path | None,
        typer.Option(
            parser=named_path,
            metavar="DIR",
            help="Write tables and pictures of the comparison there.",
        ),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Compare runs with the first, replicate by replicate and person by person."""
    if len(folders) < 2:
        raise BadInputError(
            "compare needs two runs or more: the base, then those to compare with it"
        )
    from sim.experiments.compare import compare as compare_runs
    from sim.results.record import UnlikeRunsError, load

    chosen = series_of(series)
    names = _names(folders)
    base, *variants = [load(it) for it in folders]
    results = []
    for folder, variant in zip(folders[1:], variants, strict=True):
        try:
            results.append(compare_runs(base, variant))
        except UnlikeRunsError as error:
            raise BadInputError(f"{folder} cannot be compared with {folders[0]}: {error}") from None
    written = []
    if out is not None:
        from sim.report.compared import write_comparison

        runs = dict(zip(names, (base, *variants), strict=True))
        written = write_comparison(runs, results, out, chosen or COMPARED)
    if as_json:
        _print_json(folders, base, results, written)
    elif not quiet:
        from sim.report import compared

        for name, variant, result in zip(names[1:], variants, results, strict=True):
            show(compared.difference_table(result.differences, variant, (names[0], name)))
            say("")
            if result.costs is not None:
                show(compared.cost_table(result.costs, variant))
                say("")
            if result.persons is not None:
                show(compared.person_table(result.persons, variant))
                say("")
                show(compared.origin_table(result.persons, variant))
            else:
                say("To count person by person, name persons in outputs.tables of both.")
        if out is not None:
            say(f"\n{printable(str(out))} is written: {', '.join(it.name for it in written)}")


def _names(folders: Sequence[Path]) -> list[str]:
    """Name runs by their folders; a folder that is given twice is told apart by a number."""
    unique = len({it.name for it in folders}) == len(folders)
    names: list[str] = []
    for folder in folders:
        name = printable(folder.name if unique and folder.name else str(folder))
        same = sum(it == folder for it in folders[: len(names)])
        names.append(f"{name} ({same + 1})" if same else name)
    return names


def _print_json(
    folders: Sequence[Path], base: Record, results: Sequence[Comparison], written: Sequence[Path]
) -> None:
    """Print comparisons as one JSON document."""
    from sim.results.store import to_json

    against = [
        {
            "run": str(folder),
            **{
                name: None if table is None else table.to_dict("records")
                for name, table in result._asdict().items()
            },
        }
        for folder, result in zip(folders[1:], results, strict=True)
    ]
    say(
        to_json(
            {
                "ok": True,
                "base": str(folders[0]),
                "population_of_interest": list(base.scenario.population.focus),
                "against": against,
                "written": [str(path) for path in written],
            }
        )
    )
