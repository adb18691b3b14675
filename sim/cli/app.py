"""The command line: parse, call, print.

Results go to stdout; progress and errors go to stderr. Nothing heavier than typer is imported
before a command needs it, so that `sim --help` and `sim check` answer at once.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from sim.cli.console import (
    BAD_INPUT,
    FAILED,
    OK,
    BadInputError,
    complain,
    guarded,
    problem_json,
    progress_bar,
    say,
    say_json,
    show,
    told_of_old_names,
    was_interrupted,
)
from sim.scenario.errors import printable

if TYPE_CHECKING:
    from sim.results.record import Record
    from sim.scenario.schema import Scenario

INTRODUCTION: Final = (
    "human-security-sim: who moves by choice, who by necessity, who cannot. "
    "A model, not a forecast."
)
DEMO: Final = "syria"
ID: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
MAX_SEED: Final = 2**63 - 1
PICTURES: Final = ("map", "answers")
"""Pictures that are files of their own, too."""


class _Group(typer.core.TyperGroup):
    """Commands, with the nearest name for one that does not exist."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            names = self.list_commands(ctx)
            near = get_close_matches(name.casefold(), names, n=1, cutoff=0.5)
            hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(names)}"
            ctx.fail(f"no command is called {printable(name)!r}; {hint}")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=_Group,
    add_completion=False,
    # Rich help would double the time that --help takes.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, for programs.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Seed = Annotated[
    int | None, typer.Option(min=0, max=MAX_SEED, metavar="N", help="Seed instead of the file's.")
]
Agents = Annotated[
    int | None,
    typer.Option(metavar="N", help="Rows that stand for the people: -s population.agents=N."),
]
Fresh = Annotated[
    bool, typer.Option("--fresh", help="Compute all anew, whatever is there already.")
]
Out = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Folder of the run; an earlier one is replaced.")
]


@app.callback(invoke_without_command=True)
def _common(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Simulate migration for human security: who moves by choice, by necessity, or cannot."""
    if version:
        from sim import __version__

        say(f"sim {__version__}")
        raise typer.Exit


@app.command()
def demo(
    out: Out = None,
    agents: Agents = None,
    seed: Seed = None,
    fresh: Fresh = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run the shipped Syrian case and show what comes out."""
    shown = not (as_json or quiet)
    if shown:
        say(INTRODUCTION)
    _simulate(
        DEMO,
        seed=seed,
        agents=agents,
        out=out or Path("out", "demo"),
        fresh=fresh,
        as_json=as_json,
        quiet=quiet,
    )
    if shown:
        say("\nTry next:")
        for command in NEXT_COMMANDS:
            say(f"  {command}")


NEXT_COMMANDS: Final = (
    f"sim run {DEMO} -s policies.eu_turkey.enabled=false --out out/open_sea",
    "sim new mine",
    "sim run --help",
)
"""What `sim demo` proposes; each runs as printed."""


@app.command()
def run(
    source: Annotated[
        str, typer.Argument(metavar="FILE|NAME", help="Scenario file, or a name from `sim list`.")
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set", "-s", metavar="PATH=VALUE", help="Change a value of the file; repeatable."
        ),
    ] = None,
    seed: Seed = None,
    agents: Agents = None,
    replicates: Annotated[
        int, typer.Option(min=1, metavar="N", help="Runs with other luck; gives intervals.")
    ] = 1,
    threads: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Cores to use (all); results do not depend on it."),
    ] = None,
    out: Out = None,
    fresh: Fresh = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run a scenario and keep its tables in out/NAME; an interrupted run goes on."""
    _simulate(
        source,
        overrides or [],
        seed=seed,
        agents=agents,
        replicates=replicates,
        threads=threads,
        out=out,
        fresh=fresh,
        as_json=as_json,
        quiet=quiet,
    )


@app.command()
def check(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Scenario files, or shipped names.")
    ],
    resolved: Annotated[
        bool, typer.Option("--resolved", help="Print the complete scenario, defaults filled in.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Check scenario files; all problems are told at once."""
    from sim.scenario.errors import ScenarioError
    from sim.scenario.reader import read

    found: list[dict[str, Any]] = []
    texts: list[str] = []
    for file in files:
        problems: list[dict[str, Any]] = []
        summary: dict[str, Any] = {}
        try:
            with told_of_old_names() as warned:
                scenario = read(file)
                if scenario.sweep is not None:
                    from sim.experiments.plan import Study

                    Study(file).check_points()
        except ScenarioError as error:
            problems = [problem_json(problem) for problem in error.problems]
            complain(str(error))
        else:
            summary = _summary(scenario)
            if resolved and as_json:
                summary["resolved"] = scenario.model_dump(mode="json", by_alias=True)
            elif resolved:
                from sim.scenario.writer import dump

                texts.append(dump(scenario))
            elif not (quiet or as_json):
                say(
                    f"{printable(file)}: ok ({_count(summary['places'], 'place')}, "
                    f"{_count(summary['corridors'], 'corridor')}, {summary['people']:,.0f} people)"
                )
        found.append(
            {
                "file": file,
                "ok": not problems,
                **summary,
                "problems": problems,
                "warnings": [problem_json(it) for it in warned],
            }
        )
    ok = all(one["ok"] for one in found)
    if as_json:
        say_json({"ok": ok, "files": found})
    elif texts:
        say("---\n".join(texts).rstrip("\n"))
    if not ok:
        raise typer.Exit(BAD_INPUT)


@app.command()
def schema(as_json: AsJson = False, quiet: Quiet = False) -> None:  # noqa: ARG001
    """Print the JSON Schema of scenario files, for editors."""
    from sim.scenario.schema import json_schema

    say_json(json_schema())


@app.command()
def explain(
    key: Annotated[
        str,
        typer.Argument(metavar="KEY", help="For instance decision.nest, policies.quota, quota."),
    ],
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Say what a key of scenario files means, its unit, range, default and source."""
    from sim.scenario import explain as words

    found = words.find(key)
    if not found:
        close = words.near(key)
        hint = f"did you mean {', '.join(close)}?" if close else "`sim schema` prints all"
        raise BadInputError(f"no key of a scenario is called {printable(key)!r}; {hint}")
    if as_json:
        say_json(
            [
                it.as_json() | {"neighbours": [other.path for other in words.neighbours(it)]}
                for it in found
            ]
        )
    elif not quiet:
        say("\n\n".join(map(words.text, found)) if len(found) == 1 else words.listed(found))


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the scenario.")],
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write NAME.yaml, a commented scenario to start from."""
    from sim.scenario.library import starter

    name = name.removesuffix(".yaml")
    if not ID.fullmatch(name):
        raise BadInputError(
            f"{printable(name)!r} cannot be a scenario's name: use letters, digits and _, "
            "a letter first, at most 64"
        )
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
            "  sim schema > scenario.schema.json    so that an editor completes and checks it"
        )


@app.command(name="list")
def list_(as_json: AsJson = False, quiet: Quiet = False) -> None:
    """List the scenarios that are shipped."""
    from sim.scenario.library import shipped

    scenarios = shipped()
    if as_json:
        say_json([{"name": name, "title": title, "file": str(f)} for name, title, f in scenarios])
        return
    width = max((len(name) for name, _, _ in scenarios), default=0)
    for name, title, _ in scenarios:
        say(name if quiet else f"{name:<{width}}  {printable(title)}".rstrip())


Series = Annotated[
    list[str] | None,
    typer.Option(metavar="FIGURE", help="Figure to draw; repeatable."),
]


@app.command()
def compare(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="A B...", help="Folders of runs, the base first; same seeds."),
    ],
    series: Series = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write tables and pictures of the comparison there."),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Set runs against the first, replicate by replicate and person by person."""
    if len(folders) < 2:
        raise BadInputError("compare needs two runs or more: the base, then those set against it")
    from sim.experiments.compare import compare as set_against
    from sim.results.record import UnlikeRunsError, load
    from sim.results.store import to_json

    chosen = _series(series)
    unique = len({it.name for it in folders}) == len(folders)
    names = [it.name if unique and it.name else str(it) for it in folders]
    base, *variants = [load(it) for it in folders]
    results = []
    for folder, variant in zip(folders[1:], variants, strict=True):
        try:
            results.append(set_against(base, variant))
        except UnlikeRunsError as error:
            raise BadInputError(f"{folder} is no pair of {folders[0]}: {error}") from None
    written = []
    if out is not None:
        from sim.plots.compared import write_comparison

        runs = dict(zip(names, (base, *variants), strict=True))
        written = write_comparison(runs, results, out, chosen or COMPARED)
    if as_json:
        tables = (
            {
                name: None if table is None else table.to_dict("records")
                for name, table in result._asdict().items()
            }
            for result in results
        )
        against = [
            {"run": str(folder), **table} for folder, table in zip(folders[1:], tables, strict=True)
        ]
        files = [str(path) for path in written]
        say(to_json({"ok": True, "base": str(folders[0]), "against": against, "written": files}))
    elif not quiet:
        from sim.plots import compared

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


COMPARED: Final = ("moved_abroad", "refugees_abroad", "displaced", "harm_death")
"""Figures that `sim compare --out` draws over time where none is named."""


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a run or of a sweep.")],
    to: Annotated[str, typer.Option(metavar="csv|xlsx", help="Format.")] = "csv",
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for the files; otherwise one beside DIR."),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write every table of a folder as csv, or all as one xlsx."""
    if to not in ("csv", "xlsx"):
        raise BadInputError(f"--to {printable(to)} is no format: use csv or xlsx")
    from sim.experiments.export import export as write_tables

    name = folder.expanduser().resolve().name
    if to == "csv":
        target = out or folder.expanduser().resolve().with_name(f"{name}-csv")
    else:
        target = (out or folder.expanduser().resolve().parent) / f"{name}.xlsx"
    written = write_tables(folder, to, target)  # type: ignore[arg-type]
    if as_json:
        say_json({"ok": True, "files": [str(path) for path in written]})
    elif not quiet:
        for path in written:
            say(printable(str(path)))


@app.command()
def plot(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a run or a sweep.")],
    kind: Annotated[
        str | None, typer.Argument(metavar="KIND", help="What to draw; without it, the kinds.")
    ] = None,
    series: Series = None,
    over: Annotated[
        str | None,
        typer.Option(metavar="FACTOR", help="Of a sweep: the factor along the axis."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A .png, .svg or .pdf; otherwise DIR/KIND.png."),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Draw a run or a sweep; without KIND, list what can be drawn."""
    from sim.plots.kinds import KINDS, SUFFIXES, SWEEP_KINDS, draw_kind, draw_sweep

    if kind is not None and not folder.is_dir():
        raise BadInputError(f"there is no folder {printable(str(folder))}")
    swept = (folder / "plan.json").is_file()
    kinds = SWEEP_KINDS if swept else {name: it.heading for name, it in KINDS.items()}
    if kind is None:
        if as_json:
            say_json([{"kind": name, "title": heading} for name, heading in kinds.items()])
        elif not quiet:
            for name, heading in kinds.items():
                say(f"{name:<{max(map(len, kinds))}}  {heading}")
        return
    _known("kind of picture", kind, kinds)
    if series and kind not in ("bands", *SWEEP_KINDS):
        raise BadInputError("--series goes with bands and effects only")
    if over is not None and not swept:
        raise BadInputError("--over goes with effects only")
    target = out or folder / f"{kind}.png"
    suffix = target.suffix.lower().removeprefix(".")
    if suffix not in SUFFIXES:
        raise BadInputError(f"{printable(str(target))} is no picture: use .png, .svg or .pdf")
    from sim.results.record import load
    from sim.results.store import written_whole

    if swept:
        from sim.experiments.effects import read

        results = read(folder)
        figures = _figures("figure of this sweep", series, results.figures, results.unit)
        if over is not None:
            _known("factor of this sweep", over, results.factors)
        content = draw_sweep(results, suffix, figures, over)
    else:
        content = draw_kind(load(folder), kind, suffix, _series(series))
    with written_whole(target.parent) as path_of:
        path_of(target.name).write_bytes(content)
    if as_json:
        say_json({"ok": True, "file": str(target)})
    elif not quiet:
        say(printable(str(target)))


def _known(what: str, word: str, words: Iterable[str]) -> None:
    """Refuse a word that is none of those known, with the nearest."""
    known = list(words)
    if word not in known:
        near = get_close_matches(word.casefold(), known, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(known)}"
        raise BadInputError(f"no {what} is called {printable(word)!r}; {hint}")


def _series(names: Sequence[str] | None) -> tuple[str, ...]:
    """Check the names of headline figures to be drawn over time."""
    if not names:
        return ()
    from sim.experiments.compare import SERIES
    from sim.results.measures import MEASURES

    return _figures("figure over time", names, SERIES, lambda name: MEASURES[name].unit)


def _figures(
    what: str, names: Sequence[str] | None, known: Sequence[str], unit: Callable[[str], str]
) -> tuple[str, ...]:
    """Check the names of figures to be drawn on the same axes."""
    for name in names or ():
        _known(what, name, known)
    units = {unit(name) for name in names or ()}
    if len(units) > 1:
        raise BadInputError(f"--series has figures in {' and in '.join(sorted(units))}; draw apart")
    return tuple(dict.fromkeys(names or ()))


@app.command()
def sweep(
    source: Annotated[
        str, typer.Argument(metavar="FILE|NAME", help="Scenario with a section `sweep`.")
    ],
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, metavar="N", help="Runs at a time (all cores)."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Time two runs; say how long and how large.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start anew: what the folder has goes.")
    ] = False,
    max_failures: Annotated[
        str | None,
        typer.Option(metavar="N|P%", help="Stop when more runs fail than this."),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(min=0.001, metavar="S", help="Seconds a run may take; longer is a failure."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the sweep; the same command goes on in it."),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run a scenario's sweep; given again, go on where it was interrupted."""
    cores = _cores()
    jobs = jobs or cores
    if jobs > cores:
        raise BadInputError(
            f"-j {jobs} is more than this machine's {_count(cores, 'core')}; "
            f"use -j {cores} or fewer"
        )
    share = _failures(max_failures)
    shown = not (as_json or quiet)
    from sim.experiments.plan import Study
    from sim.experiments.sweep import Sweep, TooManyFailuresError, estimate

    study = Study(source)
    runs = f"{_count(study.n_points, 'point')} x {_count(study.sweep.replicates, 'replicate')}"
    text = f"{study.base.title or study.base.name}: {runs} = {_count(study.n_runs, 'run')}"
    if dry_run:
        with progress_bar(f"{text}; timing two of them", shown) as progress:
            found = estimate(study, jobs, progress)
        if as_json:
            say_json({"ok": True, "runs": study.n_runs, "jobs": jobs, **vars(found)})
        elif not quiet:
            say(
                f"{text}\n{found.seconds_a_run:.3g} s a run, about {_duration(found.seconds)} "
                f"with -j {jobs}, {found.megabytes:.3g} MB; nothing was written"
            )
        return
    name = study.base.name.removesuffix("_sweep")
    target = out if out is not None else Path("out", f"{name}_sweep")
    tolerated = None if share is None else share[0] * (study.n_runs / 100 if share[1] else 1)
    with progress_bar(text, shown) as progress:
        try:
            outcome = Sweep(
                study, target, jobs=jobs, timeout=timeout, tolerated=tolerated, progress=progress
            ).start(fresh)
        except TooManyFailuresError as error:
            complain(f"sim: {printable(str(error))}")
            if as_json:
                say_json({"ok": False, "error": str(error), "out": str(target)})
            raise typer.Exit(FAILED) from None
        except KeyboardInterrupt:
            which = "the same command" + (" without --fresh" if fresh else "")
            raise KeyboardInterrupt(f"{which} goes on from where it was") from None
    failed = outcome.failures
    if as_json:
        say_json(
            {
                "ok": not failed,
                "out": str(target),
                "runs": outcome.runs,
                "failed": len(failed),
                "failures": failed,
                "units": outcome.units,
                "resumed": outcome.resumed,
                "seconds": round(outcome.seconds, 3),
            }
        )
    elif shown:
        before = f", {outcome.resumed} of {outcome.units} units from before"
        say(
            f"{printable(str(target))}: {_count(outcome.runs, 'run')}, {len(failed)} failed, "
            f"{_duration(outcome.seconds)}{before if outcome.resumed else ''}; runs.parquet"
            + "".join(f", tables/{name}.parquet" for name in study.sweep.tables)
        )
    if failed:
        if not as_json:
            _complain_of(failed)
        raise typer.Exit(FAILED)


@app.command()
def status(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a sweep or a run.")],
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Say how far a sweep or a run is, and how to go on."""
    from sim.experiments.status import status as status_of

    found = status_of(folder)
    if as_json:
        say_json({"ok": True, **found})
    elif quiet:
        return
    elif found["kind"] == "run" and found["state"] != "complete":
        for line in _reached(folder, found):
            say(printable(line))
    elif found["kind"] == "run":
        say(
            f"{printable(str(folder))}: run {found['name']}, {found['state']}: "
            f"{_count(found['steps'], 'step')}, {_count(found['replicates'], 'replicate')}, "
            f"seed {found['seed']}, {found['seconds']:.3g} s"
        )
    else:
        rate = found["rate"]
        pace = f", {rate:.3g} a second" if rate else ""
        to_go = f", about {_duration(found['left'] / rate)}" if rate and found["left"] else ""
        say(
            f"{printable(str(folder))}: sweep {found['name']}, {found['state']}: "
            f"{found['done']:,} of {_count(found['runs'], 'run')} done, {found['failed']} failed, "
            f"{found['left']:,} left{pace}{to_go}"
        )
        if found["state"] == "unfinished":
            say(f"go on: {found['next']}")
        if found["failures"]:
            _complain_of(found["failures"])


def _reached(folder: Path, found: Mapping[str, Any]) -> Iterator[str]:
    """Say where the last checkpoint of a run is, and how to go on from there."""
    running = found["state"] == "running"
    text = f"{folder}: run {found['name']}, {found['state']}"
    if "step" not in found:
        lost = "" if running else "; its checkpoint is of no use: the same command starts anew"
        yield text + lost
        return
    at = f"{', last checkpoint' if running else ''} at step {found['step']} of {found['steps']}"
    if found["replicates"] > 1:
        at += f" of replicate {found['replicate']} of {found['replicates']}"
    if running:
        yield text + at
    elif found["next"] is None:
        yield f"{text}{at}; the call from Python that began it goes on"
    else:
        yield text + at
        cwd = found["cwd"]
        yield f"go on{f', in {cwd}' if cwd not in (None, str(Path.cwd())) else ''}: {found['next']}"


@app.command()
def bench(
    sections: Annotated[
        list[str] | None, typer.Argument(metavar="[SECTION]...", help="What to measure; else all.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Small worlds: about a minute.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Up to 10 M persons: hours.")] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Check and time the engine in every way there is (in a checkout only)."""
    import subprocess

    root = Path(__file__).parents[2]
    if not (root / "benchmarks" / "__main__.py").is_file():
        raise BadInputError("the benchmarks are not installed with the package; clone it for them")
    if quick and full:
        raise BadInputError("--quick and --full are two amounts to measure; ask for one")
    words = [
        *(sections or ()),
        *(word for word, on in (("--quick", quick), ("--full", full), ("--json", as_json)) if on),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *words],
        cwd=root,
        stdout=subprocess.DEVNULL if quiet else None,
        check=False,
    )
    if done.returncode:
        raise typer.Exit(done.returncode)


SHOWN_FAILURES: Final = 5
"""Failed runs that are told on the terminal; the summary has all."""


def _complain_of(failures: list[dict[str, Any]]) -> None:
    """Tell what failed, and how to repeat it."""
    for failure in failures[:SHOWN_FAILURES]:
        said = printable(f"run {failure['run']} failed: {failure['error']}", 400)
        complain(f"{said}\n  again: {failure['command']}")
    if (more := len(failures) - SHOWN_FAILURES) > 0:
        complain(f"... and {more} more: rows of runs.parquet with an error")


def _failures(text: str | None) -> tuple[float, bool] | None:
    """Read a number of runs, or a percentage of them."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)( ?%)?", text.strip())
    if found is None or (found[2] and float(found[1]) > 100):
        raise BadInputError(f"--max-failures {printable(text)} is neither a number nor a share: 5%")
    return float(found[1]), found[2] is not None


def _duration(seconds: float) -> str:
    """Say a time in the unit that reads well."""
    for name, length in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.3g} {name}"
    return f"{seconds:.3g} s"


def _simulate(
    source: str,
    overrides: Sequence[str] = (),
    *,
    seed: int | None,
    agents: int | None,
    replicates: int = 1,
    threads: int | None = None,
    out: Path | None,
    fresh: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Read, run or go on, save, and show a scenario; a run that is there already is only shown."""
    cores = _cores()
    threads = threads or cores
    if threads > cores:
        raise BadInputError(
            f"--threads {threads} is more than this machine's {_count(cores, 'core')}; "
            f"use --threads {cores} or fewer"
        )
    from sim.core.jit import cache_folder, is_cached, is_compiled
    from sim.scenario.reader import read

    changes = list(overrides)
    if agents is not None:
        changes.append(f"population.agents={agents}")
    scenario = read(source, changes).single()
    # Rates are solved on the file as it stands, so that variants differ by what was changed only.
    base = read(source).single() if changes else scenario
    target = out if out is not None else Path("out", scenario.name)
    there = _prepare(target)
    shown = not (as_json or quiet)

    from sim.results import store

    with store.hold(target) as folder:
        own_seed = scenario.seed if seed is None else seed
        what = store.identity(scenario, base, own_seed, replicates)
        record = _found(target, what, shown) if there and not fresh else None
        again = record is not None
        checkpoint = store.checkpoint_of(folder)
        if fresh:
            store.discard(checkpoint)
        if record is None:
            text = f"running {scenario.title or scenario.name}"
            if shown and not is_cached():
                where = printable(str(cache_folder().parent))
                complain(
                    f"compiled code cannot be kept in {where}, so every run compiles it anew; "
                    "SIM_CACHE_DIR names another folder"
                )
            if shown and not is_compiled():
                text += " (compiling, first run only)" if is_cached() else " (compiling)"
            with progress_bar(text, shown) as progress, _going_on(checkpoint, fresh):
                from sim.engine.simulate import run as run_scenario
                from sim.report import write_report

                record = run_scenario(
                    scenario,
                    seed=seed,
                    threads=threads,
                    replicates=replicates,
                    base=base,
                    progress=progress,
                    keep=checkpoint,
                    say=complain if shown else None,
                )
                progress(0, 0, "writing and drawing")
                record.save(target)
                write_report(record, target, png=PICTURES)
        store.discard(checkpoint)
    if as_json:
        say(
            store.to_json(
                {
                    "ok": True,
                    "out": str(target),
                    "again": again,
                    "manifest": record.manifest,
                    "headline": record.headline.to_dict("records"),
                    "observed": record.observed.to_dict("records"),
                }
            )
        )
    elif shown:
        _show(record)
        became = "was there" if again else "is replaced" if there else "is written"
        say(f"\n{printable(str(target))} {became}: tables, manifest, pictures, report.html")


def _found(target: Path, what: dict[str, Any], shown: bool) -> Record | None:
    """Give the run that a folder holds, if it is the one wanted, and say what becomes of it."""
    from sim.results import store
    from sim.results.record import load

    store.refuse_foreign(target)
    try:
        apart = store.differences(store.read_manifest(target).get("identity"), what)
        if not apart:
            record = load(target)
            if shown:
                complain(
                    f"{printable(str(target))} holds this very run: shown again, nothing computed "
                    "(--fresh computes it anew)"
                )
            if not (target / "report.html").exists():  # interrupted when only that was lacking
                from sim.report import write_report

                write_report(record, target, png=PICTURES)
            return record
        told = f"{target} holds a run of {apart}: it will be replaced"
    except store.StoreError as error:
        told = f"{error}; {target} will be replaced"
    if shown:
        complain(printable(told))
    return None


@contextmanager
def _going_on(checkpoint: Path, fresh: bool) -> Iterator[None]:
    """Say to who interrupts a run how it goes on."""
    try:
        yield
    except BaseException as error:
        interrupted = was_interrupted() or isinstance(error, KeyboardInterrupt)
        if interrupted and checkpoint.exists():
            which = "the same command" + (" without --fresh" if fresh else "")
            raise KeyboardInterrupt(f"{which} goes on from where it was") from None
        raise


def _show(record: Record) -> None:
    """Print the tables that sum a run up."""
    from sim.report import text as tables

    shown = [tables.top_corridors, tables.five_answers, tables.harms]
    if len(record.tables.get("spending", ())):
        shown.append(tables.spending)
    for table in (*shown, tables.scorecard, tables.observed):
        say("")
        show(table(record))


def _prepare(target: Path) -> bool:
    """Refuse a run's folder that could not be written, before the run rather than after it.

    Returns:
        Whether it holds an earlier run.
    """
    target = target.expanduser()
    if target.exists() and not target.is_dir():
        raise BadInputError(f"{target} is a file; choose a folder for the run")
    existing = target.absolute()
    while not existing.is_dir():
        if existing.exists():
            raise BadInputError(f"{existing} is a file; choose another folder for the run")
        existing = existing.parent
    try:
        # Asking the file system is the only question whose answer counts.
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
        raise BadInputError(f"{path} exists already; it was left as it is") from None


def _summary(scenario: Scenario) -> dict[str, Any]:
    return {
        "name": scenario.name,
        "places": len(scenario.places),
        "corridors": len(scenario.corridors),
        "people": sum(place.people for place in scenario.places),
    }


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _count(n: int, word: str) -> str:
    return f"{n:,} {word}{'' if n == 1 else 's'}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: what follows `sim` on the command line; by default this process's.

    Returns:
        The exit code: 0 ok, 1 a fault of ours, 2 bad input, 3 some runs failed, 130 interrupted.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    return guarded(lambda: _invoke(words or ["--help"]), words)


def _invoke(words: list[str]) -> int:
    """Parse and run a command, without typer's own way of ending a process."""
    command = typer.main.get_command(app)
    try:
        with command.make_context("sim", words) as context:
            command.invoke(context)
    except typer.Exit as ended:
        return ended.exit_code
    finally:
        if sys.stdout is not None:
            sys.stdout.flush()
    return OK
