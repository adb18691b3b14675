"""sim list: the shipped scenarios."""

from __future__ import annotations

from sim.cli.console import say, say_json
from sim.cli.options import AsJson, Quiet
from sim.schema.errors import printable


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
