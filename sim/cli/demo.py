"""sim demo: the shipped Syrian case."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sim.cli.console import say
from sim.cli.options import Agents, AsJson, Fresh, Out, Quiet, Rates, Seed
from sim.cli.running import run_and_keep

INTRODUCTION: Final = (
    "human-security-sim: who moves by choice, who of necessity, who cannot. "
    "A model, not a forecast."
)
DEMO: Final = "syria"
NEXT_COMMANDS: Final = (
    f"sim run {DEMO} -s policies.eu_turkey.enabled=false --out out/open_sea",
    "sim new mine",
    "sim run --help",
)
"""What `sim demo` proposes; each runs as printed."""


def demo(
    out: Out = None,
    agents: Agents = None,
    seed: Seed = None,
    rates: Rates = "base",
    fresh: Fresh = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run the shipped Syrian case and show what comes out."""
    shown = not (as_json or quiet)
    if shown:
        say(INTRODUCTION)
    run_and_keep(
        DEMO,
        seed=seed,
        rates=rates,
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
