"""sim run: run a scenario and keep its tables."""

from __future__ import annotations

from typing import Annotated

import typer

from sim.cli.options import MAX_REPLICATES, Agents, AsJson, Fresh, Out, Quiet, Rates, Seed
from sim.cli.running import run_and_keep


def run(
    source: Annotated[
        str, typer.Argument(metavar="FILE|NAME", help="Scenario file, or a name from `sim list`.")
    ],
    *,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set", "-s", metavar="PATH=VALUE", help="Change a value of the file; repeatable."
        ),
    ] = None,
    seed: Seed = None,
    agents: Agents = None,
    replicates: Annotated[
        int,
        typer.Option(
            min=1, max=MAX_REPLICATES, metavar="N", help="Runs with different seeds, for intervals."
        ),
    ] = 1,
    rates: Rates = "base",
    threads: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Cores to use (all); results do not depend on it."),
    ] = None,
    out: Out = None,
    fresh: Fresh = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run a scenario and keep its tables in out/NAME; an interrupted run resumes."""
    run_and_keep(
        source,
        overrides or [],
        seed=seed,
        agents=agents,
        replicates=replicates,
        rates=rates,
        threads=threads,
        out=out,
        fresh=fresh,
        as_json=as_json,
        quiet=quiet,
    )
