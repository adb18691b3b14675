"""What a model is made with: arguments are checked, and the scenario is read with its changes."""

from __future__ import annotations

import contextlib
import inspect
import json
import operator
import reprlib
import sys
import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, get_args, get_origin

import numpy as np

from sim.mesa.columns import COLUMNS
from sim.mesa.quiet import mesa
from sim.scenario.reader import read
from sim.schema import Scenario
from sim.schema.errors import suggest

RNG_OF_BATCH: Final = "rng" in inspect.signature(mesa.batch_run).parameters
"""Whether this is Mesa 3.4 or later, where `batch_run` has seeds of its own."""
PARTS: Final = ("policies", "shocks", "interventions", "decision", "corridors", "seed")
"""Parts of a scenario that one would set in order to change a run."""
TOP_KEYS: Final = {field.alias or name for name, field in Scenario.model_fields.items()}
"""Keys at the top of a scenario file."""


def seed_of(seed: Any, rng: Any) -> int | None:
    """A seed from one, or from anything that Mesa accepts as a source of random numbers."""
    given = seed if rng is None else rng
    if given is None:
        return None
    if not isinstance(given, bool):
        with contextlib.suppress(TypeError):
            return int(operator.index(given))
    if rng is not None and not isinstance(rng, bool):
        with contextlib.suppress(TypeError, ValueError):  # neither is a seed
            return int(np.random.default_rng(rng).integers(2**63, dtype=np.uint64))
    instead = ""
    with contextlib.suppress(TypeError, ValueError, OverflowError):
        if not isinstance(given, bool) and float(given) == int(float(given)) and float(given) >= 0:
            instead = f"; write {int(given)}" if float(given) < 2**63 else ""
    sources = " or what numpy.random.default_rng takes," if rng is not None else ""
    raise TypeError(
        f"a seed is a whole number from 0 to 2**63 - 1,{sources} not {reprlib.repr(given)}{instead}"
    )


def steps_of(given: Any) -> float:
    """A number of steps, or of parts of them."""
    if not isinstance(given, int | float | np.number) or np.isnan(given):
        raise TypeError(f"time is a number of steps, not {given!r}")
    return float(given)


def warn_of_repetition(rng: Any) -> None:
    """Warn if `batch_run` asks for one run once more: its iterations differ in nothing here.

    It tells a model neither its number nor that there are others; only its own variables do.
    """
    frame = sys._getframe(1)
    while frame.f_globals.get("__name__") != "mesa.batchrunner":
        if frame.f_back is None:
            return
        frame = frame.f_back
    varied = RNG_OF_BATCH and rng is not None
    if frame.f_locals.get("iteration") and not varied:
        how = "give `rng=[1, 2, 3]`" if RNG_OF_BATCH else 'give the parameter "seed": [1, 2, 3]'
        warnings.warn(
            "batch_run repeats the same run: with one seed all its iterations are equal. For runs "
            f"that differ leave `iterations` out, and {how}",
            stacklevel=3,
        )


def check_reporters(**given: Any) -> None:
    """Refuse what is no dictionary; `batch_run` makes names of one that is not in a list."""
    for name, reporters in given.items():
        if not isinstance(reporters, Mapping | None):
            raise TypeError(
                f"{name} is a dictionary, such as {{'place': 'place'}}, not {reporters!r}; for "
                f'batch_run put it in a list: "{name}": [{{...}}]'
            )
        for one, how in (reporters or {}).items():
            if not (isinstance(how, str | list | tuple) or callable(how)):
                raise TypeError(
                    f"{name}: {one} is a function, a name or [function, arguments], not {how!r}"
                )
            known = [*COLUMNS, "unique_id", "model"]
            # Mesa would collect None.
            if name == "agent_reporters" and isinstance(how, str) and how not in known:
                raise ValueError(
                    f"agent_reporters: a person has no {how}: {suggest(how, known, 'there are')}"
                )


def read_changed(
    scenario: str | Path | Scenario,
    agents: int | None,
    changes: Mapping[str, Any],
    parameters: Sequence[str],
) -> Scenario:
    """Read the scenario with its changes; `parameters` are those of the model."""
    own = [name for name in parameters if name != "kwargs"]
    known = [*own, "seed", *Scenario.model_fields]
    for name in changes:
        if name.partition(".")[0] not in known:
            raise TypeError(f"MigrationModel has no parameter {name}: {_hint(name, known)}")
    arguments = [f"{path}={_yaml(value)}" for path, value in changes.items()]
    if agents is not None:
        arguments.append(f"population.agents={_yaml(agents)}")
    if isinstance(scenario, Scenario):
        if arguments:
            raise TypeError(
                f"{arguments[0]} changes what a file says, and this scenario was read already: "
                "give the file's name, or sim.read(file, ['PATH=VALUE', ...]) as the scenario"
            )
        return scenario
    if not isinstance(scenario, str | Path):
        raise TypeError(
            "a scenario is the name of a shipped one, a file, or what sim.read gives, not "
            f"{type(scenario).__name__}; what you have as a dictionary, write to a YAML file"
        )
    if scenario in TOP_KEYS and not Path(scenario).exists():
        raise TypeError(
            f"'{scenario}' is a key of a scenario, not a scenario: batch_run takes a dictionary "
            "apart. Write it to a YAML file, and give the file's name"
        )
    return read(scenario, arguments)


def _hint(name: str, known: Sequence[str]) -> str:
    """What to write instead of an unknown parameter; its path, if it is a key within a scenario."""
    paths = [
        f"{section}{'.ID' if get_origin(field.annotation) in (tuple, dict) else ''}.{name}"
        for section, field in Scenario.model_fields.items()
        for part in (field.annotation, *get_args(field.annotation))
        if inspect.isclass(part) and name in getattr(part, "model_fields", ())
    ]
    if paths and name not in known:
        one = " or ".join(f'**{{"{path}": ...}}' for path in paths[:3])
        return f"a key of the scenario is written by its path, {one}"
    return suggest(name, known, "there are")


def _yaml(value: Any) -> str:
    """A value as the command line takes it; dates as text, NumPy's values as Python's."""

    def plain(it: Any) -> Any:
        if isinstance(it, np.datetime64):
            return str(it.astype("datetime64[D]"))
        if isinstance(it, datetime):
            return it.date().isoformat() if it.time() == datetime.min.time() else str(it)
        return it.tolist() if hasattr(it, "tolist") else str(it)

    return json.dumps(value, default=plain)
