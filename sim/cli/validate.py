"""sim validate: scores on data that the model was not fitted to."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.console import progress_bar, say, say_json, show
from sim.cli.cores import cores_for
from sim.cli.import_ import Capacities, Own, known_format
from sim.cli.options import AsJson, Quiet, named_path
from sim.schema.errors import printable

if TYPE_CHECKING:
    from sim.results.intervals import Interval
    from sim.validation.flee import Result


def validate(
    what: Annotated[str, typer.Argument(metavar="FORMAT", help="Format of the data: flee.")],
    folders: Annotated[
        list[Path],
        typer.Argument(parser=named_path, metavar="DIR...", help="Folders of conflicts."),
    ],
    *,
    agents: Annotated[
        int, typer.Option(min=1, metavar="N", help="Number of simulated persons.")
    ] = 20_000,
    replicates: Annotated[
        int,
        typer.Option(min=1, max=1_000, metavar="N", help="Runs of each, with seeds of their own."),
    ] = 10,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Seed of the first run.")] = 1,
    threads: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Threads; the scores do not depend on it."),
    ] = None,
    capacities: Capacities = False,
    own: Own = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Score the model on conflicts that it was not fitted to, beside baselines."""
    from sim.importers.flee import instances_in
    from sim.validation.flee import validate as score

    known_format(what)
    cores = cores_for("--threads", threads)
    results = []
    for folder in instances_in(folders):
        with progress_bar(f"{folder.name}", shown=not (quiet or as_json)) as progress:
            results.append(
                score(
                    folder, agents=agents, replicates=replicates, capacities=capacities, own=own,
                    seed=seed, threads=cores, progress=progress,
                )
            )  # fmt: skip
    if as_json:
        say_json([_plain(it) for it in results])
    elif not quiet:
        _show(results)


def _plain(result: Result) -> dict[str, Any]:
    """One result for programs."""
    means = {of: result.mean(of) for of in ("normal", "rescaled", "total")}
    return {
        "name": result.name, "days": result.days, "camps": result.camps, "people": result.people,
        "replicates": len(result.runs),
        **{of: {"mean": it.value, "low": _known(it.low), "high": _known(it.high)}
           for of, it in means.items()},
        "equal": result.equal, "by_capacity": _known(result.by_capacity),
        "left_out": result.left_out,
    }  # fmt: skip


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _show(results: list[Result]) -> None:
    """Print a line for each conflict, and their mean."""
    from sim.report.text import blank_table

    table = blank_table(
        "Averaged relative difference of people by camp and day (0: all as observed)",
        ["conflict"], ["normal", "rescaled", "95 %", "equal", "capacity", "total"],
    )  # fmt: skip
    for result in results:
        again = result.mean("rescaled")
        table.add_row(
            printable(result.name), f"{result.mean('normal').value:.3f}", f"{again.value:.3f}",
            _span(again), f"{result.equal:.3f}", _figure(result.by_capacity),
            f"{result.mean('total').value:.3f}",
        )  # fmt: skip
    if len(results) > 1:
        normal, again, equal = (
            sum(it) / len(results)
            for it in zip(
                *((r.mean("normal").value, r.mean("rescaled").value, r.equal) for r in results),
                strict=True,
            )
        )
        table.add_row("mean", f"{normal:.3f}", f"{again:.3f}", "", f"{equal:.3f}", "", "")
    show(table)
    say(
        "\nRescaled: simulated people are given the observed sum of each day, as equal shares and\n"
        "shares by capacity (often the most that a camp ever held) are. Total: simulated over\n"
        "observed people on the last day. A model, not a forecast; nothing was fitted to these."
    )
    for result in results:
        for sentence in result.left_out:
            say(f"  left out of {printable(result.name)}: {printable(sentence)}")


def _figure(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def _span(it: Interval) -> str:
    return "-" if math.isnan(it.low) else f"{it.low:.3f} to {it.high:.3f}"
