"""The command line: its commands in the order in which `sim --help` lists them.

Each command is a file. Results go to stdout; progress and errors go to stderr. Nothing heavier than
typer is imported before a command needs it, so that `sim --help` and `sim check` are fast.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated, Any

import typer

from sim.cli.bench import bench
from sim.cli.check import check
from sim.cli.compare import compare
from sim.cli.console import OK, guarded, say
from sim.cli.demo import demo
from sim.cli.explain import explain
from sim.cli.export import export
from sim.cli.import_ import import_
from sim.cli.list import list_
from sim.cli.new import new
from sim.cli.plot import plot
from sim.cli.run import run
from sim.cli.schema import schema
from sim.cli.status import status
from sim.cli.sweep import sweep
from sim.cli.validate import validate
from sim.schema.errors import printable


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


@app.callback(invoke_without_command=True)
def _common(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Simulate migration for human security: who moves by choice, of necessity, or cannot."""
    if version:
        from sim import __version__

        say(f"sim {__version__}")
        raise typer.Exit


app.command()(demo)
app.command()(run)
app.command()(check)
app.command()(schema)
app.command()(explain)
app.command()(new)
app.command(name="list")(list_)
app.command()(compare)
app.command()(export)
app.command()(plot)
app.command()(sweep)
app.command()(status)
app.command(name="import")(import_)
app.command()(validate)
app.command()(bench)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: what follows `sim` on the command line; by default this process's.

    Returns:
        The exit code: 0 ok, 1 an error in the simulator, 2 bad input, 3 some runs failed,
        130 interrupted.
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
