"""sim explain: what a key of scenario files means."""

from __future__ import annotations

from typing import Annotated

import typer

from sim.cli.console import BadInputError, say, say_json
from sim.cli.options import AsJson, Quiet
from sim.schema.errors import printable


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
