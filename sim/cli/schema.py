"""sim schema: the JSON Schema of scenario files."""

from __future__ import annotations

from sim.cli.console import say_json
from sim.cli.options import AsJson, Quiet


def schema(as_json: AsJson = False, quiet: Quiet = False) -> None:  # noqa: ARG001
    """Print the JSON Schema of scenario files, for editors."""
    from sim.scenario.whole import json_schema

    say_json(json_schema())
