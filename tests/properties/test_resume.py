"""A checkpoint holds a run as it is: the whole of it, and nothing that could be executed."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import random
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import sim
from sim.core import jit
from sim.core.state import Households, Persons
from sim.engine import checkpoint
from sim.engine.checkpoint import KINDS, REBUILT, CheckpointError, Kept
from sim.engine.recorder import Recorder
from sim.engine.simulate import run_world
from sim.engine.step import advance, count_steps
from sim.model.world import World
from sim.results.store import differences, identity
from tests.small import HARSH, differing, small, small_tables, solved, tables, world
from tests.worlds import random_scenario

WHAT = {"scenario": "s", "base": "b", "seed": 7, "replicates": 1, "code": "c"}


def kept_of(at: World, recorder: Recorder, done: Any = ()) -> Kept:
    return Kept(at, 8, recorder.first, recorder.so_far(), list(done), "then", 1.5, [])


def round_trip(folder: Path, kept: Kept) -> Kept:
    checkpoint.write(folder / "kept", kept, WHAT)
    scenario = kept.world.scenario
    return checkpoint.read(folder / "kept", WHAT, scenario, kept.world.threads)


def same(a: object, b: object, twins: dict[int, object], path: str = "run") -> None:
    """Check that two graphs of objects are alike in all that they hold and in what they share."""
    assert type(a) is type(b), path
    if isinstance(a, np.ndarray) or type(a) in KINDS.values():
        assert twins.setdefault(id(a), b) is b, f"{path} is shared in one and not in the other"
    if isinstance(a, np.ndarray):
        assert a.dtype == b.dtype, path
        # Sums over axes are added up in the order of memory.
        assert a.ndim < 2 or a.flags.c_contiguous == b.flags.c_contiguous, path
        np.testing.assert_array_equal(a, b, err_msg=path)
    elif isinstance(a, pd.DataFrame):
        pd.testing.assert_frame_equal(a, b, check_exact=True)
    elif isinstance(a, list | tuple) and not hasattr(a, "_fields"):
        assert len(a) == len(b), path
        for i, pair in enumerate(zip(a, b, strict=True)):
            same(*pair, twins, f"{path}[{i}]")
    elif isinstance(a, dict):
        assert list(a) == list(b), path
        for key in a:
            same(a[key], b[key], twins, f"{path}[{key}]")
    elif type(a) in KINDS.values():
        names = getattr(a, "_fields", None) or list(vars(a))
        assert set(names) == set(getattr(b, "_fields", None) or vars(b)), path
        for name in names:
            if name not in REBUILT.get(type(a), ()):
                same(getattr(a, name), getattr(b, name), twins, f"{path}.{name}")
    else:
        assert a is b or a == b, path


def arrays_in(thing: object, found: dict[int, tuple[str, Any]], path: str = "run") -> None:
    """Collect all arrays that a checkpoint holds, by identity."""
    if isinstance(thing, np.ndarray):
        found[id(thing)] = (path, thing)
    elif type(thing) in KINDS.values():
        for name, value in checkpoint.contents(thing):
            arrays_in(value, found, f"{path}.{name}")
    elif isinstance(thing, list | tuple | dict):
        for value in thing.values() if isinstance(thing, dict) else thing:
            arrays_in(value, found, path)


OFTEN = (
    (),
    ("time.step=week", "outputs.every=5", "time.end=2020-08"),
    ("time.step=day", "outputs.every=9", "time.start=2020-04", "time.end=2020-06"),
    ("outputs.expected=true", "outputs.every=7", "outputs.by=[place, age, group]"),
    HARSH,
)


@pytest.mark.parametrize("changes", OFTEN, ids=["monthly", "weekly", "daily", "expected", "harsh"])
def test_a_run_taken_up_at_every_step_is_the_same(tmp_path: Path, changes: tuple[str, ...]) -> None:
    at = world(small(*changes))
    n_days = (at.scenario.time.end - at.scenario.time.start).days + 1
    recorder = Recorder(at)
    n_households, n_persons = len(at.households.ident), len(at.persons.pid)
    while at.day < n_days:
        census = advance(at)
        if at.step % at.scenario.outputs.every == 0 or at.day >= n_days:
            recorder.record(at, census)
        kept = kept_of(at, recorder)
        found = round_trip(tmp_path, kept)
        same(kept, found, {})
        at, recorder = found.world, Recorder(found.world, found.first, found.rows)
        same(vars(Recorder(kept.world, kept.first, kept.rows)), vars(recorder), {})
    recorder.record_end(at, census)
    assert at.step == count_steps(at.scenario)
    if at.scenario.time.step != "day":
        assert len(at.households.ident) > n_households
        assert len(at.persons.pid) > n_persons
    whole = small_tables() if not changes else tables(small(*changes))
    ours = recorder.frames(0)
    assert differing(whole, ours) == []
    for name, frame in whole.items():
        pd.testing.assert_frame_equal(ours[name], frame, check_exact=True)


@pytest.mark.parametrize("number", range(8))
def test_random_worlds_taken_up_are_the_same(tmp_path: Path, number: int) -> None:
    at = world(random_scenario(number))
    recorder = Recorder(at)
    for _ in range(random.Random(number).randint(1, 9)):
        recorder.record(at, advance(at))
    kept = kept_of(at, recorder)
    found = round_trip(tmp_path, kept)
    same(kept, found, {})
    again = run_world(found.world, 0, 1, None, Recorder(found.world, found.first, found.rows))
    assert differing(run_world(at, 0, 1, None, recorder).frames(0), again.frames(0)) == []


def test_no_two_arrays_share_memory() -> None:
    """A view would be written as an array of its own, and no longer follow the other."""
    at = world()
    for _ in range(9):
        advance(at)
    found: dict[int, tuple[str, Any]] = {}
    arrays_in(at, found)
    assert len(found) > 150
    bounds = sorted(
        (*np.lib.array_utils.byte_bounds(values), path) for path, values in found.values()
        if values.size
    )  # fmt: skip
    for (_, end, one), (start, _, other) in pairwise(bounds):
        assert end <= start, f"{one} and {other} share memory"


def fields_of(at: World, where: str) -> dict[str, Any]:
    """What the world, its states, its counters, or one of its states is made of, by name."""
    if where == "world":
        return vars(at)
    return getattr(at, where) if where in ("states", "counts") else vars(at.states[where])


@pytest.mark.parametrize(
    "where", ["world", "states", "counts", "threats", "choices", "public", "rules"]
)
@pytest.mark.parametrize("kind", ["array", "thing"])
def test_a_new_field_is_kept_or_refused(tmp_path: Path, where: str, kind: str) -> None:
    at = world()
    recorder = Recorder(at)
    recorder.record(at, advance(at))
    fields_of(at, where)["added"] = np.arange(3) if kind == "array" else object()
    if kind == "thing":
        with pytest.raises(TypeError, match="cannot hold a object"):
            round_trip(tmp_path, kept_of(at, recorder))
        assert not list(tmp_path.iterdir())
        return
    kept = kept_of(at, recorder)
    found = round_trip(tmp_path, kept)
    same(kept, found, {})
    assert fields_of(found.world, where)["added"].tolist() == [0, 1, 2]


def test_a_new_field_of_the_recorder_has_to_be_kept() -> None:
    """`Kept` holds two of them; the rest follows from the world."""
    at = world()
    recorder, fresh = Recorder(at), Recorder(at)
    for _ in range(3):
        recorder.record(at, advance(at))

    def told(it: object) -> str:
        return repr(it) if type(it).__repr__ is not object.__repr__ else repr(vars(it))

    apart = {name for name, it in vars(recorder).items() if told(it) != told(vars(fresh)[name])}
    assert apart == {"first", "rows"}
    assert {"first", "rows"} < {field.name for field in dataclasses.fields(Kept)}


# Damage


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    at = world()
    recorder = Recorder(at)
    for _ in range(4):
        recorder.record(at, advance(at))
    path = tmp_path_factory.mktemp("kept") / "kept"
    done = [{name: frame.head(50) for name, frame in small_tables().items()}]
    checkpoint.write(path, kept_of(at, recorder, done), WHAT)
    return path


def read(path: Path, **other: Any) -> Kept:
    return checkpoint.read(path, {**WHAT, **other}, solved(small()), 1)


def header_of(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    with np.load(path, allow_pickle=False) as arrays:
        held = dict(arrays.items())
    return json.loads(held.pop("header").tobytes()), held


def put(path: Path, header: dict[str, Any], held: dict[str, Any]) -> None:
    text = np.frombuffer(json.dumps(header).encode(), np.uint8)
    with path.open("wb") as file:
        np.savez(file, header=text, **held)


def test_what_was_written_is_read(kept: Path, tmp_path: Path) -> None:
    """The control of the damages below."""
    found = read(kept)
    assert found.world.step == 4
    for name, frame in small_tables().items():
        pd.testing.assert_frame_equal(found.done[0][name], frame.head(50), check_exact=True)
    put(tmp_path / "copy", *header_of(kept))
    assert read(tmp_path / "copy").world.step == 4


@pytest.mark.parametrize("length", [0, 1, 100, 30_000, -1, -1000])
def test_a_checkpoint_cut_short_is_damaged(kept: Path, tmp_path: Path, length: int) -> None:
    path = tmp_path / "cut"
    path.write_bytes(kept.read_bytes()[:length])
    with pytest.raises(CheckpointError, match="damaged"):
        read(path)


def test_a_flipped_byte_is_damage_or_does_none(kept: Path, tmp_path: Path) -> None:
    content = kept.read_bytes()
    rng = random.Random(5)
    path = tmp_path / "flipped"
    refused = 0
    good = read(kept)
    for _ in range(40):
        flipped = bytearray(content)
        flipped[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(flipped)
        try:
            found = read(path)
        except (CheckpointError, MemoryError):
            refused += 1
        else:  # a byte of the archive that means nothing, such as a time
            np.testing.assert_array_equal(found.world.persons.pid, good.world.persons.pid)
            np.testing.assert_array_equal(found.world.households.ident, good.world.households.ident)
            assert (found.world.day, found.rows.keys()) == (good.world.day, good.rows.keys())
    assert refused > 30


def test_what_cannot_be_read_now_is_not_taken_for_damaged(tmp_path: Path) -> None:
    """Who lacks the right or the memory to go on must not lose what there is."""
    with pytest.raises(IsADirectoryError):
        read(tmp_path)


@pytest.mark.parametrize(
    "what", ["text", "npy", "no header", "class", "word", "households", "persons"]
)
def test_what_is_no_checkpoint_is_damaged(kept: Path, tmp_path: Path, what: str) -> None:
    path = tmp_path / "it"
    header, held = header_of(kept)
    if what == "text":
        path.write_text("schema: 1\n")
    elif what == "npy":
        with path.open("wb") as file:
            np.save(file, np.arange(3))
    elif what == "no header":
        with path.open("wb") as file:
            np.savez(file, **held)
    elif what == "class":
        header["objects"][-1][0] = "Popen"
        put(path, header, held)
    elif what == "word":
        header["root"] = ["call", "os.system", "true"]
        put(path, header, held)
    else:
        kind, column = {"households": (Households, "size"), "persons": (Persons, "pid")}[what]
        (table,) = (it for name, it in header["objects"] if name == kind.__name__)
        del table[column]
        put(path, header, held)
    with pytest.raises(CheckpointError, match="damaged"):
        read(path)


class Bomb:
    went_off = False

    def __reduce__(self) -> Any:
        return (setattr, (Bomb, "went_off", True))


def test_nothing_in_a_checkpoint_is_executed(kept: Path, tmp_path: Path) -> None:
    header, held = header_of(kept)
    held["0"] = np.array([Bomb()], object)
    put(tmp_path / "bomb", header, held)
    with pytest.raises(CheckpointError, match="damaged"):
        read(tmp_path / "bomb")
    assert not Bomb.went_off
    np.load(tmp_path / "bomb", allow_pickle=True)["0"]
    assert Bomb.went_off  # the control: it would have


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"code": "x"}, "of other code"),
        ({"scenario": "x"}, "of another scenario"),
        ({"seed": 8, "replicates": 2}, "of another seed, another number of replicates"),
        ({"base": "x"}, "of rates solved on another scenario"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(
    kept: Path, other: dict[str, Any], words: str
) -> None:
    with pytest.raises(CheckpointError, match=f"^{words}$"):
        read(kept, **other)


def test_another_format_is_refused(kept: Path, tmp_path: Path) -> None:
    header, held = header_of(kept)
    put(tmp_path / "new", {**header, "format": 99}, held)
    with pytest.raises(CheckpointError, match="of another format"):
        read(tmp_path / "new")


# Identity


def test_what_makes_a_run_another() -> None:
    one = identity(small(), small(), 7, 1)
    assert differences(one, identity(small(), small(), 7, 1)) == ""
    assert differences(json.loads(json.dumps(one)), one) == ""
    fewer = small("population.agents=4000")
    assert differences(one, identity(fewer, small(), 7, 1)) == "another scenario"
    assert differences(one, identity(small(), fewer, 7, 1)) == "rates solved on another scenario"
    assert differences(one, identity(small("seed=8"), small(), 8, 1)) == "another seed"
    assert differences(one, identity(small(), small(), 7, 2)) == "another number of replicates"
    assert differences(None, one) == "other code"


def test_the_code_that_shapes_results_counts_wherever_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = jit.code_hash()
    root = tmp_path / "sim"
    shutil.copytree(jit.ROOT, root, ignore=shutil.ignore_patterns("__pycache__", "scenarios"))
    monkeypatch.setattr(jit, "ROOT", root)
    assert jit.code_hash.__wrapped__() == before
    for rim in ("cli/app.py", "cli/console.py", "__main__.py", "plots/maps.py"):
        (root / rim).write_text("# other")
    assert jit.code_hash.__wrapped__() == before
    for core in (
        "engine/step.py",
        "mechanisms/choice.py",
        "kernels/decision.py",
        "scenario/resolve.py",
    ):
        (root / core).write_text((root / core).read_text(encoding="utf-8") + "# other\n")
        after = jit.code_hash.__wrapped__()
        assert after != before
        before = after
    monkeypatch.setattr("importlib.metadata.version", lambda _: "9.9")
    assert jit.code_hash.__wrapped__() != before


# Runs


def interrupted(keep: Path, steps: int, monkeypatch: pytest.MonkeyPatch, **options: Any) -> None:
    """Run until so many steps of all replicates are done, with a checkpoint after each."""
    monkeypatch.setenv("SIM_CHECKPOINT_SECONDS", "0")
    left = [steps]

    def progress(*_: object) -> None:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sim.run(SHORT, keep=keep, progress=progress, **options)


SHORT = small("time.end=2020-06")


def test_replicates_and_threads_are_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kept"
    whole = sim.run(SHORT, replicates=3)
    assert whole.manifest["resumed"] == []
    interrupted(path, 4, monkeypatch, replicates=3)
    interrupted(path, 4, monkeypatch, replicates=3, threads=min(2, os.cpu_count() or 1))
    interrupted(path, 4, monkeypatch, replicates=3)
    said: list[str] = []
    record = sim.run(SHORT, replicates=3, keep=path, say=said.append)
    assert said == ["resumed at step 6 of 6 of replicate 2"]
    assert record.manifest["resumed"] == [
        {"replicate": 0, "step": 4}, {"replicate": 1, "step": 2}, {"replicate": 1, "step": 6},
    ]  # fmt: skip
    for name, frame in whole.tables.items():
        pd.testing.assert_frame_equal(record.tables[name], frame, check_exact=True)
    rest = ("resumed", "started", "seconds", "compiled")
    assert {k: v for k, v in record.manifest.items() if k not in rest} == {
        k: v for k, v in whole.manifest.items() if k not in rest
    }


def test_a_short_run_writes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(checkpoint, "write", refuse)
    sim.run(SHORT, keep=tmp_path / "kept")
    monkeypatch.setenv("SIM_CHECKPOINT_SECONDS", "0")
    with pytest.raises(AssertionError):
        sim.run(SHORT, keep=tmp_path / "kept")


@pytest.mark.parametrize("spoil", ["code", "cut"])
def test_a_checkpoint_of_no_use_is_discarded_aloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: str
) -> None:
    path = tmp_path / "kept"
    interrupted(path, 3, monkeypatch)
    monkeypatch.delenv("SIM_CHECKPOINT_SECONDS")
    if spoil == "code":
        monkeypatch.setattr(jit, "code_hash", lambda: "edited")
    else:
        path.write_bytes(path.read_bytes()[:5000])
    said: list[str] = []
    record = sim.run(SHORT, keep=path, say=said.append)
    what = {"code": "of other code", "cut": "damaged"}[spoil]
    assert said == [f"the checkpoint {path} is {what}: discarded, the run starts anew"]
    assert record.manifest["resumed"] == []
    assert not path.exists()
    assert differing(dict(sim.run(SHORT).tables), dict(record.tables)) == []


@pytest.mark.parametrize(
    ("code", "words"),
    [(errno.ENOSPC, "no space left on device"), (errno.EROFS, "read-only file system")],
)
def test_a_checkpoint_that_cannot_be_written_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    path = tmp_path / "kept"
    interrupted(path, 3, monkeypatch)
    before = path.read_bytes()

    def refuse(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    said: list[str] = []
    record = sim.run(SHORT, keep=path, say=said.append)
    assert said == [
        "resumed at step 3 of 6",
        f"cannot write the checkpoint {path}: {words}; the run goes on",
    ]
    assert record.manifest["resumed"] == [{"replicate": 0, "step": 3}]
    assert path.read_bytes() == before
    assert [it.name for it in tmp_path.iterdir()] == ["kept"]
