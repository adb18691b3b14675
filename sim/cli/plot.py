"""sim plot: a picture of a run or a sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.console import BadInputError, say, say_json
from sim.cli.names import figures_of, refuse_unknown, series_of
from sim.cli.options import AsJson, Quiet, Series, named_path
from sim.schema.errors import printable


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
    out: Annotated[
        Path | None,
        typer.Option(
            parser=named_path,
            metavar="FILE",
            help="A .png, .svg or .pdf; by default DIR/KIND.png.",
        ),
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
    refuse_unknown("kind of picture", kind, kinds)
    if series and kind not in ("bands", *SWEEP_KINDS):
        raise BadInputError("--series goes with bands and effects only")
    if over is not None and not swept:
        raise BadInputError("--over goes with effects only")
    target = out or folder / f"{kind}.png"
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
        from sim.experiments.effects import read

        results = read(folder)
        series = [results.today(it) for it in series or ()]
        figures = figures_of("figure of this sweep", series, results.figures, results.unit)
        if over is not None:
            refuse_unknown("factor of this sweep", over, results.factors)
        content = draw_sweep(results, suffix, figures, over)
    else:
        content = draw_kind(load(folder), kind, suffix, series_of(series))
    with written_whole(target.parent) as path_of:
        path_of(target.name).write_bytes(content)
    if as_json:
        say_json({"ok": True, "file": str(target)})
    elif not quiet:
        say(printable(str(target)))
