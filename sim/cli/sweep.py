"""sim sweep: all runs of a sweep."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.console import FAILED, BadInputError, complain, progress_bar, say, say_json
from sim.cli.cores import cores_for
from sim.cli.failures import complain_of
from sim.cli.options import AsJson, Quiet, named_path
from sim.cli.wording import count_of, duration
from sim.schema.errors import printable

if TYPE_CHECKING:
    from sim.experiments.plan import Study
    from sim.experiments.sweep import Outcome


def sweep(
    source: Annotated[
        str, typer.Argument(metavar="FILE|NAME", help="Scenario with a section `sweep`.")
    ],
    *,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, metavar="N", help="Runs at a time (all cores)."),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Time two runs; say how long the sweep takes and how large it is."
        ),
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start again: remove the runs in the folder.")
    ] = False,
    max_failures: Annotated[
        str | None,
        typer.Option(metavar="N|P%", help="Stop when more runs fail than this."),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(min=0.001, metavar="S", help="Seconds a run may take; longer is a failure."),
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Run again what failed before.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            parser=named_path, metavar="DIR", help="Folder; the same command resumes in it."
        ),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run a scenario's sweep; given again, resume it."""
    jobs = cores_for("-j", jobs)
    share = _failures(max_failures)
    shown = not (as_json or quiet)
    from sim.experiments.plan import Study
    from sim.experiments.sweep import Sweep, TooManyFailuresError

    study = Study(source)
    runs = f"{count_of(study.n_points, 'point')} x {count_of(study.sweep.replicates, 'replicate')}"
    if shown:
        _tell_notes(study)
    text = f"{study.base.title or study.base.name}: {runs} = {count_of(study.n_runs, 'run')}"
    if dry_run:
        _estimate(study, text, jobs, as_json=as_json, quiet=quiet)
        return
    target = out or Path("out", f"{study.base.name.removesuffix('_sweep')}_sweep")
    tolerated = None if share is None else share[0] * (study.n_runs / 100 if share[1] else 1)
    with progress_bar(text, shown) as progress:
        try:
            outcome = Sweep(
                study, target, jobs=jobs, timeout=timeout, tolerated=tolerated,
                retry_failed=retry_failed, progress=progress,
                say=complain if shown else lambda _: None,
            ).start(fresh)  # fmt: skip
        except TooManyFailuresError as error:
            complain(f"sim: {printable(str(error))}")
            if as_json:
                say_json({"ok": False, "error": str(error), "out": str(target)})
            raise typer.Exit(FAILED) from None
        except KeyboardInterrupt:
            which = "the same command" + (" without --fresh" if fresh else "")
            raise KeyboardInterrupt(f"{which} resumes it") from None
    if as_json:
        _print_json(outcome, target)
    elif shown:
        _show(outcome, target, study.sweep.tables)
    if outcome.failures:
        if not as_json:
            complain_of(outcome.failures)
        raise typer.Exit(FAILED)


def _show(outcome: Outcome, target: Path, tables: Sequence[str]) -> None:
    """Say in one line what a sweep has come to."""
    before = f", {outcome.resumed} of {outcome.units} units from before"
    say(
        f"{printable(str(target))}: {count_of(outcome.runs, 'run')}, "
        f"{len(outcome.failures)} failed, "
        f"{duration(outcome.seconds)}{before if outcome.resumed else ''}; runs.parquet"
        + "".join(f", tables/{name}.parquet" for name in tables)
    )


def _tell_notes(study: Study) -> None:
    """Say what may not be meant in a sweep, and whether its worlds take long to set up."""
    from sim.scenario.size import told_of_size

    large = told_of_size(study.base)
    for note in (*study.notes, *([large] if large else [])):
        complain(printable(note))


def _estimate(study: Study, text: str, jobs: int, *, as_json: bool, quiet: bool) -> None:
    """Time two runs, and print how long the sweep would take and how large it would be."""
    from sim.experiments.estimate import estimate

    with progress_bar(f"{text}; timing two of them", not (as_json or quiet)) as progress:
        found = estimate(study, jobs, progress)
    if as_json:
        say_json({"ok": True, "runs": study.n_runs, "jobs": jobs, **vars(found)})
    elif not quiet:
        say(
            f"{text}\n{found.seconds_a_run:.3g} s a run, about {duration(found.seconds)} "
            f"with -j {jobs}, {found.megabytes:.3g} MB; nothing was written"
        )


def _print_json(outcome: Outcome, target: Path) -> None:
    """Print the result of a sweep as one JSON document."""
    say_json(
        {
            "ok": not outcome.failures,
            "out": str(target),
            "runs": outcome.runs,
            "failed": len(outcome.failures),
            "failures": outcome.failures,
            "units": outcome.units,
            "resumed": outcome.resumed,
            "seconds": round(outcome.seconds, 3),
        }
    )


def _failures(text: str | None) -> tuple[float, bool] | None:
    """Read a number of runs, or a percentage of them."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)( ?%)?", text.strip())
    if found is None or (found[2] and float(found[1]) > 100):
        raise BadInputError(f"--max-failures {printable(text)} is neither a number nor a share: 5%")
    return float(found[1]), found[2] is not None
