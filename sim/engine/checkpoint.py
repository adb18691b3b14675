"""Where an interrupted run was, in one file: written whole or not, and never executed.

All that persists is reached from `Kept`, and written by one walk over its objects: arrays as
npz, the rest as JSON. A field that is added somewhere is therefore kept without a word; what is
not kept, because it follows from the rest, is named in `REBUILT`. Objects that are shared stay
shared. Only classes of `KINDS` are made when a file is read, without calling anything of theirs.
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
from sim.results.store import differences, discard
from sim.schema import Scenario

FORMAT: Final = 2
HEADER: Final = "header"
"""Name of the JSON among the arrays, whose names are numbers."""
INTERVAL: Final = 30.0
"""Seconds between two checkpoints: a shorter run writes none."""


class CheckpointError(Exception):
    """A file cannot be gone on from; the message says what it is, after "the checkpoint ... is"."""


@dataclass
class Kept:
    """A run at the end of a step."""

    world: World
    """The world of the replicate under way."""
    agents: int
    """Rows of people at the start."""
    first: date
    """First day of the rows that the keeper has yet to make."""
    rows: dict[str, list[dict[str, Any]]]
    """Rows of this replicate's tables so far."""
    done: list[dict[str, pd.DataFrame]]
    """Tables of the replicates that are done."""
    started: str
    """When the run began."""
    seconds: float
    """Time that it has taken so far."""
    resumed: list[dict[str, int]]
    """Replicates and steps that it was gone on from before."""


def classes() -> dict[str, type]:
    """Classes of what a world may hold: those that the packages below define, by name.

    Raises:
        ValueError: Two have one name.
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
"""Classes whose objects are kept."""
REBUILT: Final[Mapping[type, frozenset[str]]] = {
    World: frozenset(["threads"]),
    Choices: frozenset(["threads"]),
}
"""Fields that are not kept, since they have no part in results (see `_rebuild`)."""


class Checkpoints:
    """The checkpoint of a run: found when it starts, replaced from time to time."""

    def __init__(
        self, path: Path, identity: Mapping[str, Any], say: Callable[[str], None] | None
    ) -> None:
        self.path, self.identity = path, identity
        self.say = say or (lambda _: None)
        self.interval = float(os.environ.get("SIM_CHECKPOINT_SECONDS", INTERVAL))
        self.due = time.monotonic() + self.interval
        self.failed = False

    def find(self, scenario: Scenario, threads: int) -> Kept | None:
        """Read the checkpoint that an interrupted run left, and say so; one of no use is removed.

        Args:
            scenario: the run's scenario, resolved and solved.
            threads: threads to go on with.
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
        """Whether it is time for another."""
        return time.monotonic() >= self.due

    def save(self, kept: Kept) -> None:
        """Write a checkpoint; a run goes on where it cannot be written, and that is said once."""
        try:
            write(self.path, kept, self.identity)
        except OSError as error:
            if not self.failed:
                reason = (error.strerror or str(error)).lower()
                self.say(f"cannot write the checkpoint {self.path}: {reason}; the run goes on")
            self.failed = True
        self.due = time.monotonic() + self.interval


def write(path: Path, kept: Kept, identity: Mapping[str, Any]) -> None:
    """Write a checkpoint in place of an earlier one, whole or not at all.

    Args:
        path: the file.
        kept: the run.
        identity: what the run is, as `store.identity` gives it.

    Raises:
        OSError: it cannot be written; the earlier one is as it was.
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
    # An npz archive. `np.savez` would write it under a name of its own choice.
    with atomic(path) as partial, zipfile.ZipFile(partial, "w") as archive:
        for name, array in {HEADER: text, **walk.arrays}.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asanyarray(array), allow_pickle=False)


def _progress(kept: Kept, identity: Mapping[str, Any]) -> dict[str, Any]:
    called = Path(sys.argv[0])
    ours = called.name == "sim" or called.parts[-2:] == ("sim", "__main__.py")
    # What began anew goes on without the word that makes it begin anew.
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
    """How far the run of a checkpoint has come, for reading: nothing of it is executed.

    Args:
        path: the file.

    Returns:
        `replicate` under way (from 1) of `replicates`, its `step` of `steps`, `next`, the command
        that goes on (None: it was begun from Python), and `cwd`, the folder in which that was
        given. Nothing where the file is damaged or of another format.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = json.loads(arrays[HEADER].tobytes())["progress"]
        numbers = {name: int(found[name]) for name in ("replicate", "replicates", "step", "steps")}
        texts = {name: found.get(name) for name in ("next", "cwd")}
        return numbers | {name: it if isinstance(it, str) else None for name, it in texts.items()}
    except Exception:  # what is damaged can fail in any way
        return {}


def read(path: Path, identity: Mapping[str, Any], scenario: Scenario, threads: int) -> Kept:
    """Read a checkpoint.

    Args:
        path: the file.
        identity: what the run is that is to go on.
        scenario: its scenario, resolved and solved.
        threads: threads to go on with.

    Returns:
        The run at the end of the step after which it was written.

    Raises:
        OSError: there is none, or it cannot be read.
        CheckpointError: it is another run's, or damaged.
    """
    with path.open("rb") as file:
        try:
            kept = _read(file, identity, scenario)
            _rebuild(kept.world, threads)
        except (CheckpointError, MemoryError):
            raise
        except Exception as error:  # what is damaged can fail in any way
            raise CheckpointError("damaged") from error
    return kept


def _read(file: BinaryIO, identity: Mapping[str, Any], scenario: Scenario) -> Kept:
    with np.load(file, allow_pickle=False) as arrays:
        # An array whose header is damaged may end before its checksum is ever read.
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
    """Make what is not kept."""
    world.threads = CHOICES.of(world).threads = threads


def contents(thing: object) -> Iterator[tuple[str, object]]:
    """Names and values of all that is kept of an object of ours.

    Args:
        thing: an object of one of `KINDS`.
    """
    names = thing._fields if isinstance(thing, tuple) else vars(thing)  # type: ignore[attr-defined]
    for name in names:
        if name not in REBUILT.get(type(thing), ()):
            yield name, getattr(thing, name)


class _Writer:
    """Turns objects into JSON and arrays; an object met twice is written once.

    Containers and all that JSON does not know become lists that start with a word.
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
            raise TypeError("a checkpoint cannot hold an array of objects: see {__name__}")
        name = str(len(self.arrays))
        self.arrays[name] = values
        return name

    def _column(self, column: pd.Series[Any]) -> list[Any]:
        if isinstance(column.dtype, pd.CategoricalDtype):
            words = column.cat.categories.tolist()
            return ["category", self._array(column.cat.codes.to_numpy()), words]
        return ["array", self._array(column.to_numpy())]


class _Reader:
    """Turns what `_Writer` wrote into objects again."""

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
