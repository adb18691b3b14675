"""sim plot: a picture of a run or a sweep."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.console import BadInputError, say, say_json
from sim.cli.names import figures_of, refuse_unknown, series_of
from sim.cli.options import AsJson, Quiet, Series, named_path
from sim.schema.errors import printable

if TYPE_CHECKING:
    from sim.results.record import Record


def plot(
    folder: Annotated[
        Path, typer.Argument(parser=named_path, metavar="DIR", help="Folder of a run or a sweep.")
    ],
    kind: Annotated[
        str | None, typer.Argument(metavar="KIND", help="What to draw; without it, the kinds.")
    ] = None,
    series: Series = None,
    over: Annotated[
        str | None,
        typer.Option(metavar="FACTOR", help="For a sweep: the factor on the axis."),
    ] = None,
    observed: Annotated[
        bool,
        typer.Option(
            "--observed",
            help="For the map: observed stocks as rings about the simulated ones.",
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            parser=named_path,
            metavar="FILE",
            help="A .png, .svg or .pdf; by default DIR/KIND.png, or DIR/map_observed.png.",
        ),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Draw a run or a sweep; without KIND, list what can be drawn."""
    from sim.plots.kinds import KINDS, SUFFIXES, SWEEP_KINDS, draw_kind

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
    refuse_unknown("kind of picture", kind, kinds)
    if series and kind not in ("bands", *SWEEP_KINDS):
        raise BadInputError("--series goes with bands and effects only")
    if over is not None and not swept:
        raise BadInputError("--over goes with effects only")
    if observed and kind != "map":
        raise BadInputError("--observed goes with map only; observed is also a kind of picture")
    target = out or folder / ("map_observed.png" if observed else f"{kind}.png")
    suffix = target.suffix.lower().removeprefix(".")
    if suffix not in SUFFIXES:
        raise BadInputError(
            f"{printable(str(target))} is not a picture format: use .png, .svg or .pdf"
        )
    if target.is_dir():
        raise BadInputError(f"{printable(str(target))} is a folder; name a file")
    from sim.results.record import load
    from sim.results.store import written_whole

    if swept:
        content = _of_sweep(folder, suffix, series, over)
    else:
        record = load(folder)
        if observed:
            _refuse_unobserved(record)
        content = draw_kind(record, kind, suffix, series_of(series), observed=observed)
    with written_whole(target.parent) as path_of:
        path_of(target.name).write_bytes(content)
    if as_json:
        say_json({"ok": True, "file": str(target)})
    elif not quiet:
        say(printable(str(target)))


def _of_sweep(folder: Path, suffix: str, series: list[str] | None, over: str | None) -> bytes:
    """Draw a sweep, or refuse figures and a factor that it does not have."""
    from sim.experiments.effects import read
    from sim.plots.kinds import draw_sweep

    results = read(folder)
    series = [results.today(it) for it in series or ()]
    figures = figures_of("figure of this sweep", series, results.figures, results.unit)
    if over is not None:
        refuse_unknown("factor of this sweep", over, results.factors)
    return draw_sweep(results, suffix, figures, over)


def _refuse_unobserved(record: Record) -> None:
    """Refuse to draw rings where nothing was observed."""
    from sim.plots.observed import observed_stocks

    if not observed_stocks(record):
        raise BadInputError(
            "the scenario has no observed stock of a country within the simulated time: "
            "refugees, asylum_seekers, displaced or foreign_born, `at` a country"
        )
