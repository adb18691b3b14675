"""Checkpoints: the state of an interrupted run, in one file that is written atomically.

All state is reachable from `Kept`, and is written by walking over its objects: arrays as npz,
everything else as JSON. New fields are therefore saved automatically; fields that can be rebuilt
are listed in `REBUILT` and not saved. Shared objects stay shared. Reading a file creates only
objects of the classes in `KINDS`, and runs no code from the file or of these classes.
"""

from __future__ import annotations

import json
import os
import pkgutil
import shlex
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import sim.core
import sim.kernels
import sim.mechanisms
import sim.model
from sim.core.atomic import atomic
from sim.engine.step import count_steps
from sim.mechanisms.choice import CHOICES, Choices
from sim.model.world import World
from sim.results.store import StoreError, differences, discard
from sim.schema import Scenario

FORMAT: Final = 2
HEADER: Final = "header"
"""Name of the JSON among the arrays, whose names are numbers."""
INTERVAL: Final = 30.0
"""Seconds between two checkpoints; shorter runs write none."""


class CheckpointError(Exception):
    """A run cannot resume from a file; the message completes "the checkpoint ... is"."""


@dataclass
class Kept:
    """A run at the end of a step."""

    world: World
    """The world of the current replicate."""
    agents: int
    """Rows of people at the start."""
    first: date
    """First day of the period that the recorder's next rows cover."""
    rows: dict[str, list[dict[str, Any]]]
    """Rows of the current replicate's tables so far."""
    done: list[dict[str, pd.DataFrame]]
    """Tables of finished replicates."""
    started: str
    """When the run began."""
    seconds: float
    """Time that the run has taken so far."""
    resumed: list[dict[str, int]]
    """Replicates and steps at which the run was resumed before."""


def classes() -> dict[str, type]:
    """Classes of objects that a world may hold: those that these packages define, by name.

    Raises:
        ValueError: Two classes have the same name.
    """
    found: dict[str, type] = {}
    for package in (sim.core, sim.kernels, sim.model, sim.mechanisms):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            for name, it in vars(import_module(module.name)).items():
                ours = isinstance(it, type) and it.__module__ == module.name
                if ours and found.setdefault(name, it) is not it:
                    raise ValueError(f"two classes have the name {name}")
    return found


KINDS: Final = {**classes(), "Kept": Kept}
"""Classes whose objects can be saved."""
REBUILT: Final[Mapping[type, frozenset[str]]] = {
    World: frozenset(["threads", "longer"]),
    Choices: frozenset(["threads"]),
}
"""Fields that are not saved, since they do not affect results (see `_rebuild`)."""


class Checkpoints:
    """The checkpoint of a run: read when the run starts, rewritten at intervals."""

    def __init__(
        self, path: Path, identity: Mapping[str, Any], say: Callable[[str], None] | None
    ) -> None:
        self.path, self.identity = path, identity
        self.say = say or (lambda _: None)
        self.interval = _interval()
        self.due = time.monotonic() + self.interval
        self.failed = False

    def find(self, scenario: Scenario, threads: int) -> Kept | None:
        """Read the checkpoint of an interrupted run and report it; remove it if it is unusable.

        Args:
            scenario: The run's scenario, resolved and solved.
            threads: Threads of the resumed run.
        """
        try:
            kept = read(self.path, self.identity, scenario, threads)
        except FileNotFoundError:
            return None
        except CheckpointError as error:
            self.say(f"the checkpoint {self.path} is {error}: discarded, the run starts anew")
            discard(self.path)
            return None
        of = f" of replicate {len(kept.done) + 1}" if self.identity["replicates"] > 1 else ""
        self.say(f"resumed at step {kept.world.step} of {count_steps(scenario)}{of}")
        return kept

    def is_due(self) -> bool:
        """Whether it is time for the next checkpoint."""
        return time.monotonic() >= self.due

    def save(self, kept: Kept) -> None:
        """Write a checkpoint; if that fails, the run continues, with one message."""
        try:
            write(self.path, kept, self.identity)
        except OSError as error:
            if not self.failed:
                reason = (error.strerror or str(error)).lower()
                self.say(f"cannot write the checkpoint {self.path}: {reason}; the run goes on")
            self.failed = True
        self.due = time.monotonic() + self.interval


def _interval() -> float:
    """Read the seconds between two checkpoints; a variable that is empty is not set.

    Raises:
        StoreError: they are no number.
    """
    text = os.environ.get("SIM_CHECKPOINT_SECONDS") or str(INTERVAL)
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:
        raise StoreError(f"SIM_CHECKPOINT_SECONDS is {text!r}, and not a number of seconds")
    return seconds


def write(path: Path, kept: Kept, identity: Mapping[str, Any]) -> None:
    """Write a checkpoint atomically, replacing an earlier one.

    Args:
        path: The file.
        kept: The run.
        identity: Identity of the run, from `store.identity`.

    Raises:
        OSError: It cannot be written; an earlier file is unchanged.
    """
    walk = _Writer(kept.world.scenario)
    root = walk.plain(kept)
    header = {
        "format": FORMAT,
        "progress": _progress(kept, identity),
        "identity": identity,
        "root": root,
        "objects": walk.objects,
    }
    text = np.frombuffer(json.dumps(header).encode(), np.uint8)
    # This is an npz archive; `np.savez` is not used because it may change the file's name.
    with atomic(path) as partial, zipfile.ZipFile(partial, "w") as archive:
        for name, array in {HEADER: text, **walk.arrays}.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asanyarray(array), allow_pickle=False)


def _progress(kept: Kept, identity: Mapping[str, Any]) -> dict[str, Any]:
    called = Path(sys.argv[0])
    ours = called.name == "sim" or called.parts[-2:] == ("sim", "__main__.py")
    # The command to resume must not contain `--fresh`, which would start again.
    words = [word for word in sys.argv[1:] if word != "--fresh"]
    return {
        "replicate": len(kept.done) + 1,
        "replicates": identity["replicates"],
        "step": kept.world.step,
        "steps": count_steps(kept.world.scenario),
        "next": shlex.join(["sim", *words]) if ours else None,
        "cwd": str(Path.cwd()),
    }


def progress(path: Path) -> dict[str, Any]:
    """Progress of the run of a checkpoint; reads only the header.

    Args:
        path: The file.

    Returns:
        Current `replicate` (from 1) of `replicates`, its `step` of `steps`, `next`, the command
        that resumes it (None: the run was started from Python), and `cwd`, the folder in which the
        command was given. Empty if the file is damaged or has another format.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = json.loads(arrays[HEADER].tobytes())["progress"]
        numbers = {name: int(found[name]) for name in ("replicate", "replicates", "step", "steps")}
        texts = {name: found.get(name) for name in ("next", "cwd")}
        return numbers | {name: it if isinstance(it, str) else None for name, it in texts.items()}
    except Exception:  # a damaged file can raise anything
        return {}


def read(path: Path, identity: Mapping[str, Any], scenario: Scenario, threads: int) -> Kept:
    """Read a checkpoint.

    Args:
        path: The file.
        identity: Identity of the run that is to be resumed.
        scenario: Its scenario, resolved and solved.
        threads: Threads of the resumed run.

    Returns:
        The run at the end of the step after which the file was written.

    Raises:
        OSError: There is no file, or it cannot be read.
        CheckpointError: It belongs to another run, or is damaged.
    """
    with path.open("rb") as file:
        try:
            kept = _read(file, identity, scenario)
            _rebuild(kept.world, threads)
        except (CheckpointError, MemoryError):
            raise
        except Exception as error:  # a damaged file can raise anything
            raise CheckpointError("damaged") from error
    return kept


def _read(file: BinaryIO, identity: Mapping[str, Any], scenario: Scenario) -> Kept:
    with np.load(file, allow_pickle=False) as arrays:
        # Check all checksums first: a damaged header can end reading before the checksum.
        if arrays.zip.testzip() is not None:
            raise CheckpointError("damaged")
        header = json.loads(arrays[HEADER].tobytes())
        if header["format"] != FORMAT:
            raise CheckpointError("of another format")
        if apart := differences(header["identity"], identity):
            raise CheckpointError(f"of {apart}")
        kept = _Reader(arrays, header["objects"], scenario).value(header["root"])
    if not isinstance(kept, Kept):
        raise TypeError("no run")
    return kept


def _rebuild(world: World, threads: int) -> None:
    """Restore the fields that are not saved."""
    world.threads = CHOICES.of(world).threads = threads
    world.longer = {}


def contents(thing: object) -> Iterator[tuple[str, object]]:
    """Names and values of the saved fields of an object.

    Args:
        thing: An object of one of `KINDS`.
    """
    names = thing._fields if isinstance(thing, tuple) else vars(thing)  # type: ignore[attr-defined]
    for name in names:
        if name not in REBUILT.get(type(thing), ()):
            yield name, getattr(thing, name)


class _Writer:
    """Turns objects into JSON and arrays; an object that occurs twice is written once.

    Containers, and values that JSON cannot hold, become lists that start with a type word.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.arrays: dict[str, NDArray[Any]] = {}
        self.objects: list[Any] = []
        self.met: dict[int, list[Any]] = {}

    def plain(self, value: object) -> Any:
        kind = type(value)
        if value is None or kind in (bool, int, float, str):
            return value
        if kind is list or kind is tuple or kind is set:
            return [kind.__name__, [self.plain(item) for item in value]]  # type: ignore[attr-defined]
        if isinstance(value, dict):
            return ["dict", [[self.plain(key), self.plain(it)] for key, it in value.items()]]
        if kind is date:
            return ["date", str(value)]
        if isinstance(value, np.generic):
            return ["number", self._array(np.asarray(value))]
        if value is self.scenario:
            return ["scenario"]
        if id(value) not in self.met:
            self.met[id(value)] = self._once(value)
        return self.met[id(value)]

    def _once(self, value: object) -> list[Any]:
        if isinstance(value, np.ndarray):
            return ["array", self._array(value)]
        if isinstance(value, pd.DataFrame):
            return ["frame", [[name, self._column(value[name])] for name in value]]
        name = type(value).__name__
        if KINDS.get(name) is not type(value):
            raise TypeError(
                f"a checkpoint cannot hold a {name}: list it in KINDS of sim/engine/checkpoint.py"
            )
        held = {name: self.plain(it) for name, it in contents(value)}
        self.objects.append([name, held])
        return ["object", len(self.objects) - 1]

    def _array(self, values: NDArray[Any]) -> str:
        if values.dtype.hasobject:
            raise TypeError("a checkpoint cannot hold an array of objects")
        name = str(len(self.arrays))
        self.arrays[name] = values
        return name

    def _column(self, column: pd.Series[Any]) -> list[Any]:
        if isinstance(column.dtype, pd.CategoricalDtype):
            words = column.cat.categories.tolist()
            return ["category", self._array(column.cat.codes.to_numpy()), words]
        return ["array", self._array(column.to_numpy())]


class _Reader:
    """Turns the output of `_Writer` back into objects."""

    def __init__(self, arrays: Any, objects: list[Any], scenario: Scenario) -> None:
        self.arrays, self.objects, self.scenario = arrays, objects, scenario
        self.made: dict[tuple[str, Any], Any] = {}

    def value(self, plain: Any) -> Any:
        if not isinstance(plain, list):
            return plain
        match plain:
            case ["list", items]:
                return [self.value(item) for item in items]
            case ["tuple", items]:
                return tuple(self.value(item) for item in items)
            case ["set", items]:
                return {self.value(item) for item in items}
            case ["dict", items]:
                return {self.value(key): self.value(item) for key, item in items}
            case ["date", text]:
                return date.fromisoformat(text)
            case ["number", name]:
                return self.arrays[name][()]
            case ["scenario"]:
                return self.scenario
            case ["frame", columns]:
                return pd.DataFrame({name: self._column(*column) for name, column in columns})
            case ["array" | "object" as what, held]:
                if (what, held) not in self.made:
                    make = self._object if what == "object" else self.arrays.__getitem__
                    self.made[what, held] = make(held)
                return self.made[what, held]
        raise ValueError("neither ours nor JSON")

    def _object(self, number: int) -> Any:
        name, held = self.objects[number]
        kind = KINDS[name]
        values = {name: self.value(item) for name, item in held.items()}
        if issubclass(kind, tuple):
            return kind(**values)
        made = object.__new__(kind)
        vars(made).update(values)
        return made

    def _column(self, what: str, name: str, words: list[str] | None = None) -> Any:
        values = self.arrays[name]
        if what == "category":
            return pd.Categorical.from_codes(values, words)  # type: ignore[arg-type]
        return values
