"""Run one scenario, keep its tables and show them: what `sim run` and `sim demo` do."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sim.cli.console import (
    BadInputError,
    complain,
    progress_bar,
    say,
    show,
    was_interrupted,
)
from sim.cli.cores import cores_for
from sim.schema.errors import printable

if TYPE_CHECKING:
    from sim.results.rates import Which
    from sim.results.record import Record
    from sim.schema import Scenario

PICTURES: Final = ("map", "answers")
"""Pictures that a run's folder has as files, in addition to those in its report."""


def run_and_keep(
    source: str,
    overrides: Sequence[str] = (),
    *,
    seed: int | None,
    agents: int | None,
    replicates: int = 1,
    rates: str = "base",
    threads: int | None = None,
    out: Path | None,
    fresh: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Read, run or resume, save, and show a scenario; a run that is complete is only shown.

    Args:
        source: a file, or the name of a shipped scenario.
        overrides: changes of it, `PATH=VALUE` each.
        seed: 0 to 2**63 - 1; none: the scenario's.
        agents: number of simulated persons; none: the scenario's.
        replicates: runs with other seeds, at least 1.
        rates: `base` or `own`: whose base rates a variant has.
        threads: cores to use; none: all.
        out: folder of the run; none: out/NAME.
        fresh: compute it even where the folder or a checkpoint has it.
        as_json: print one JSON document in place of tables.
        quiet: print nothing.

    Raises:
        BadInputError: the folder cannot be written, or there are fewer cores than threads, or no
            such rates.
    """
    which = _rates(rates)
    threads = cores_for("--threads", threads)
    from sim.scenario.reader import ScenarioFile

    changes = list(overrides)
    if agents is not None:
        changes.append(f"population.agents={agents}")
    file = ScenarioFile(source)
    scenario = file.variant(changes).single()
    # With rates of the base, two runs differ by what was changed and by nothing else.
    base = scenario if scenario.variant_of is None and not changes else file.base.single()
    target = out if out is not None else Path("out", scenario.name)
    existed = _prepare(target)
    shown = not (as_json or quiet)

    from sim.results import store

    with store.hold(target) as folder:
        store.rehearse(folder)
        own_seed = scenario.seed if seed is None else seed
        solved_on = base if which == "base" else scenario
        what = store.identity(scenario, solved_on, own_seed, replicates)
        record = _found(target, what, which, shown) if existed and not fresh else None
        again = record is not None
        checkpoint = store.checkpoint_of(folder)
        if fresh:
            store.discard(checkpoint)
        if record is None:
            with _resumable(checkpoint, fresh):
                record = _computed(
                    scenario, base, target, rates=which, seed=seed, threads=threads,
                    replicates=replicates, checkpoint=checkpoint, shown=shown,
                )  # fmt: skip
        store.discard(checkpoint)
    if as_json:
        _print_json(record, target, again)
    elif shown:
        _show(record)
        became = "was there" if again else "is replaced" if existed else "is written"
        say(f"\n{printable(str(target))} {became}: tables, manifest, pictures, report.html")


def _rates(text: str) -> Which:
    """Read whose base rates a variant has."""
    if text not in ("base", "own"):
        raise BadInputError(f"--rates {printable(text)} is not known: use base or own")
    return "own" if text == "own" else "base"


def _computed(
    scenario: Scenario,
    base: Scenario,
    target: Path,
    *,
    rates: Which,
    seed: int | None,
    threads: int,
    replicates: int,
    checkpoint: Path,
    shown: bool,
) -> Record:
    """Run a scenario, from its checkpoint if it has one, and write its folder."""
    from sim.core.jit import cache_folder, is_cached, is_compiled
    from sim.scenario.size import told_of_size

    if shown and (told := told_of_size(scenario)):
        complain(told)
    text = f"running {scenario.title or scenario.name}"
    if shown and not is_cached():
        folder = cache_folder()
        where = f"in {printable(str(folder.parent))}" if folder else "without a home folder"
        complain(
            f"compiled code cannot be kept {where}, so every run compiles it again; "
            "SIM_CACHE_DIR names another folder"
        )
    if shown and not is_compiled():
        text += " (compiling, first run only)" if is_cached() else " (compiling)"
    with progress_bar(text, shown) as progress:
        from sim.engine.simulate import run as run_scenario

        record = run_scenario(
            scenario,
            seed=seed,
            threads=threads,
            replicates=replicates,
            base=base,
            rates=rates,
            progress=progress,
            keep=checkpoint,
            say=complain if shown else None,
        )
        progress(0, 0, "writing and drawing")
        record.save(target)
        _draw(record, target)
    return record


def _draw(record: Record, target: Path) -> None:
    """Write the report and pictures of a run whose tables are saved.

    Raises:
        BadInputError: they cannot be written.
    """
    from sim.report import write_report

    try:
        write_report(record, target, png=PICTURES)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BadInputError(
            f"the tables are saved in {target}, but not the report and pictures: {reason}; "
            "the same command writes them, and computes nothing again"
        ) from error


def _print_json(record: Record, target: Path, again: bool) -> None:
    """Print a run's manifest and figures as one JSON document."""
    from sim.results.store import to_json

    say(
        to_json(
            {
                "ok": True,
                "out": str(target),
                "again": again,
                "population_of_interest": list(record.scenario.population.focus),
                "manifest": record.manifest,
                "headline": record.headline.to_dict("records"),
                "observed": record.observed.to_dict("records"),
            }
        )
    )


def _found(target: Path, what: dict[str, Any], rates: Which, shown: bool) -> Record | None:
    """Give the run in a folder if it is the one asked for; else say that it will be replaced."""
    from sim.results import store
    from sim.results.rates import tell
    from sim.results.record import load

    store.refuse_foreign(target)
    try:
        apart = store.differences(store.read_manifest(target).get("identity"), what)
        if not apart:
            record = load(target)
            if shown:
                complain(
                    f"{printable(str(target))} already holds this run: nothing computed "
                    "(--fresh computes it again)"
                )
                if "rates" in record.manifest and (rated := tell(record.manifest["rates"], rates)):
                    complain(printable(rated))
            if not (
                target / "report.html"
            ).exists():  # interrupted just before the report was written
                _draw(record, target)
            return record
        told = f"{target} holds a run of {apart}: it will be replaced"
    except store.StoreError as error:
        told = f"{error}; {target} will be replaced"
    if shown:
        complain(printable(told))
    return None


@contextmanager
def _resumable(checkpoint: Path, fresh: bool) -> Iterator[None]:
    """Tell a user who interrupts a run how to resume it."""
    try:
        yield
    except BaseException as error:
        interrupted = was_interrupted() or isinstance(error, KeyboardInterrupt)
        if interrupted and checkpoint.exists():
            which = "the same command" + (" without --fresh" if fresh else "")
            raise KeyboardInterrupt(f"{which} resumes it") from None
        raise


def _show(record: Record) -> None:
    """Print the main tables of a run."""
    from sim.plots.focus import of_interest
    from sim.report import text as tables

    if whose := of_interest(record):
        say(f"\nFigures are{whose}. Everybody else is in the tables.")
    shown = [tables.first_sentences, tables.top_corridors, tables.five_answers, tables.harms]
    if len(record.tables.get("spending", ())):
        shown.append(tables.spending)
    for table in (*shown, tables.observed, tables.scorecard, tables.rows_represent):
        say("")
        show(table(record))


def _prepare(target: Path) -> bool:
    """Refuse a folder that cannot be written, before the run and not after it.

    Returns:
        Whether it holds an earlier run.
    """
    if target.exists() and not target.is_dir():
        raise BadInputError(f"{target} is a file; choose a folder for the run")
    existing = target.absolute()
    while not existing.is_dir():
        if existing.exists():
            raise BadInputError(f"{existing} is a file; choose another folder for the run")
        existing = existing.parent
    try:
        # Permissions can be read in many ways; only writing a file shows whether it works.
        with tempfile.TemporaryFile(dir=existing):
            pass
        if existing == target.absolute() != existing.parent:
            # The finished folder is renamed into place, which its parent has to allow.
            with tempfile.TemporaryFile(dir=existing.parent):
                pass
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BadInputError(
            f"cannot write to {target}: {reason}; choose another with --out"
        ) from None
    if not target.is_dir() or not any(target.iterdir()):
        return False
    if not (target / "manifest.json").is_file():
        raise BadInputError(
            f"{target} has files in it and is not the folder of a run; choose another with --out"
        )
    return True
