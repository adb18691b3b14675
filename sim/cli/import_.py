"""sim import: a scenario from other people's data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from sim.cli.console import BadInputError, say, say_json
from sim.cli.options import AsJson, Quiet, named_path
from sim.cli.wording import count_of
from sim.schema.errors import printable, suggest

FORMATS: Final = ("flee",)
Capacities = Annotated[
    bool, typer.Option("--capacities", help="Let camps hold as many as the data say.")
]
Own = Annotated[
    bool, typer.Option("--own", help="Let the model decide how many flee; else as were counted.")
]


def import_(
    what: Annotated[str, typer.Argument(metavar="FORMAT", help="Format of the data: flee.")],
    folder: Annotated[
        Path, typer.Argument(parser=named_path, metavar="DIR", help="Folder of the data.")
    ],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", parser=named_path, metavar="FILE", help="Scenario to write."),
    ],
    agents: Annotated[
        int, typer.Option(min=1, metavar="N", help="Number of simulated persons.")
    ] = 20_000,
    capacities: Capacities = False,
    own: Own = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write a scenario from data of another program; what it cannot carry is listed."""
    from sim.core.atomic import atomic
    from sim.importers.flee import read_instance, scenario_text
    from sim.importers.flee_counts import read_observed

    known_format(what)
    if out.is_dir():
        raise BadInputError(f"{printable(str(out))} is a folder; name a file, such as case.yaml")
    instance = read_instance(folder)
    already, arrived = None, None
    if (folder / "source_data").is_dir():
        observed = read_observed(folder, instance)
        already = dict(zip(observed.camps, observed.people[:, 0].tolist(), strict=True))
        arrived = None if own else observed.people.sum(axis=0)
        instance.left_out += observed.left_out
    elif not own:
        instance.left_out.append(
            "source_data: no counts are there; the model decides how many flee"
        )
    text = scenario_text(
        instance, agents=agents, capacities=capacities, already=already, arrived=arrived
    )
    with atomic(out) as partial:
        partial.write_text(text, encoding="utf-8")
    if as_json:
        say_json({"ok": True, "file": str(out), "left_out": instance.left_out})
    elif not quiet:
        parts = (
            count_of(len(instance.places), "place"), count_of(len(instance.roads), "road"),
            count_of(len(instance.closures), "closure"), count_of(instance.days, "day"),
        )  # fmt: skip
        say(f"{printable(str(out))} is written: {', '.join(parts)}.")
        for sentence in instance.left_out:
            say(f"  left out: {printable(sentence)}")
        say(f"What is assumed stands at its head. Next: sim run {printable(str(out))}")


def known_format(what: str) -> None:
    """Refuse data of a format that there is no importer for."""
    if what not in FORMATS:
        hint = suggest(what, FORMATS, "formats")
        raise BadInputError(f"no data format is called {printable(what)!r}; {hint}")
