"""Simulate migration for human security: who moves by choice, who by necessity, who cannot.

    import sim

    scenario = sim.read("syria")
    record = sim.run(scenario, seed=1, threads=2)
    record.flows, record.headline

Names are looked up when first used, so that `import sim` costs nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # importing it from typing takes longer than all the rest here

if TYPE_CHECKING:
    from sim.engine.simulate import run
    from sim.mesa.model import MigrationModel
    from sim.results.record import Record, load
    from sim.results.store import StoreError
    from sim.scenario.reader import read
    from sim.scenario.whole import Scenario
    from sim.schema.errors import Problem, ScenarioError

__version__ = "0.2.0"

__all__ = [
    "MigrationModel",
    "Problem",
    "Record",
    "Scenario",
    "ScenarioError",
    "StoreError",
    "__version__",
    "load",
    "read",
    "run",
]

_HOMES = {
    "MigrationModel": "sim.mesa.model",
    "Problem": "sim.schema.errors",
    "Record": "sim.results.record",
    "Scenario": "sim.scenario.whole",
    "ScenarioError": "sim.schema.errors",
    "StoreError": "sim.results.store",
    "load": "sim.results.record",
    "read": "sim.scenario.reader",
    "run": "sim.engine.simulate",
}
"""Module in which each public name lives."""

if not TYPE_CHECKING:  # a type checker that saw this would let misspelt names pass

    def __getattr__(name: str) -> object:
        """Import a public name when it is first used."""
        if name not in _HOMES:
            raise AttributeError(f"module 'sim' has no attribute {name!r}")
        from importlib import import_module

        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        """List the public names, loaded or not."""
        return sorted({*globals(), *__all__})
