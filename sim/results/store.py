"""A run's folder: written whole or not at all, and read back with a reason when it cannot be.

The folder is prepared next to its final place and moved there by renaming, so that an interrupted
save leaves the earlier run as it was, at worst under the name `.NAME.previous`, from where the
next save takes it back.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout, UnixFileLock

from sim import __version__
from sim.core import jit
from sim.core.atomic import atomic, flush, leftovers
from sim.core.paths import is_waiting, keep_owners, real_path, user_path
from sim.results import parquet
from sim.results.tables import DERIVED, TABLES, all_columns, described, money_unit, unit_of
from sim.scenario.reader import read_resolved
from sim.scenario.writer import dump
from sim.schema import Scenario
from sim.schema.errors import ScenarioError, printable

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
SCENARIO: Final = "scenario.yaml"
KEPT: Final = frozenset([*(f"{name}.parquet" for name in TABLES), SCENARIO])
"""Files of a run's folder that a run is read back from."""
PICTURES: Final = (
    "map", "answers", "threats", "observed", "harms", "bands", "sankey", "funnel", "map_observed"
)  # fmt: skip
"""Names of pictures of a run; `sim plot` writes them to its folder."""
SUFFIXES: Final = ("png", "svg", "pdf")
"""Formats of pictures."""
OURS: Final = KEPT | frozenset(
    [f"{name}.parquet" for name in DERIVED]
    + [f"{name}.{suffix}" for name in PICTURES for suffix in SUFFIXES]
    + ["report.html", MANIFEST]
)
"""Files of a run's folder that a new run replaces or removes; all others stay."""
STALE_SECONDS: Final = 3600
"""A partial folder this old was left by a save that was killed."""


class StoreError(Exception):
    """A run's folder cannot be written or read; the message is one sentence for the user."""


class HeldError(StoreError):
    """Another process writes the folder."""


class Parts(NamedTuple):
    """What a run's folder holds."""

    scenario: Scenario
    manifest: Mapping[str, Any]
    """With the seed."""
    tables: Mapping[str, pd.DataFrame]
    """By name. Those that follow from the run are written, and not read."""


def write(parts: Parts, directory: str | Path) -> Path:
    """Write a run to a folder, whole or not at all.

    An earlier run there is replaced, with its pictures and report; other files stay.

    Args:
        parts: what to write.
        directory: the folder; it and its parents are made where missing.

    Returns:
        The folder, as an absolute path.

    Raises:
        StoreError: it holds something that is not a run, or cannot be written.
    """
    try:
        target = real_path(user_path(directory))
        previous = target.with_name(f".{target.name}.previous")
        if previous.exists() and not target.exists():
            previous.rename(target)  # a save died between its two renames
        refuse_foreign(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target, previous)
        with _partial(target) as partial:
            _write(parts, partial)
            if target.exists():
                _keep_foreign(target, partial)
            for path in partial.rglob("*"):
                if path.is_file() and not path.is_symlink():
                    flush(path)
            _swap(partial, target, previous)
    except OSError as error:
        raise _cannot_write(directory, error) from error
    return target


def rehearse(target: Path) -> None:
    """Refuse a folder that `write` could not write, before the run and not after it.

    All is done that `write` will do, with one small file in place of a run. Permissions, mount
    points, quotas and limits of names can be read in many ways; only doing it shows whether it
    works.

    Args:
        target: the folder, as `hold` gives it.

    Raises:
        StoreError: it cannot be written.
    """
    try:
        refuse_foreign(target)
        if _working_folder().is_relative_to(target):
            raise StoreError(
                f"{target} is the folder that you are in, or has it inside, and a run replaces its "
                "folder as a whole; choose another with --out"
            )
        with _partial(target) as partial:
            (partial / REHEARSAL).write_bytes(bytes(4096))
            if target.exists():
                _rehearse_swap(partial, target)
    except OSError as error:
        raise _cannot_write(target, error) from error


def _working_folder() -> Path:
    """Folder that the user is in; the root if it has been removed meanwhile."""
    try:
        return Path.cwd().resolve()
    except FileNotFoundError:
        return Path("/")


REHEARSAL: Final = f".{'x' * 40}"
"""Name of the file that a rehearsal writes, as long as those that are written in earnest."""


def _rehearse_swap(partial: Path, target: Path) -> None:
    """Check that a folder can be renamed, by a renaming that cannot succeed."""
    try:
        target.rename(partial)  # which is not empty
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise


def _cannot_write(directory: str | Path, error: OSError) -> StoreError:
    """Say why a run cannot be written, and what to do."""
    if error.errno in (errno.EBUSY, errno.EXDEV):
        return StoreError(
            f"cannot write the run to {directory}: it is a mount point, or cannot be renamed, and "
            "a run replaces its folder as a whole; choose a folder in it: --out "
            f"{user_path(directory) / 'run'}"
        )
    room = "free some disk space or " if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    return StoreError(
        f"cannot write the run to {directory}: {_reason(error)}; {room}choose another folder"
    )


@contextmanager
def _partial(target: Path) -> Iterator[Path]:
    """Give an empty folder next to a folder, with its owners; it goes again unless it is renamed.

    Files that are made in it get the group and the access list that its permissions ask for.
    """
    partial = target.with_name(f".{target.name}.{os.getpid()}-{time.time_ns()}.partial")
    partial.mkdir()
    try:
        if target.exists():
            keep_owners(partial, target)
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


UNRELATED: Final = {"name", "title", "description", "sources", "seed", "observed", "outputs"}
"""Keys of a scenario that cannot bear upon the rates solved on it."""


def identity(scenario: Scenario, base: Scenario, seed: int, replicates: int) -> dict[str, Any]:
    """Give the identity of a run: two runs with the same identity have the same tables, to the bit.

    Args:
        scenario: resolved, `population.agents` included.
        base: the scenario that its rates are solved on.
        seed: the seed, whatever the scenario says.
        replicates: how many.

    Returns:
        Hashes and figures by name, as JSON holds them.
    """
    return {
        "scenario": _digest(scenario.model_dump_json(by_alias=True, exclude={"seed"}).encode()),
        "base": _digest(base.model_dump_json(by_alias=True, exclude=UNRELATED).encode()),
        "seed": seed,
        "replicates": replicates,
        "code": jit.code_hash(),
    }


WORDS: Final = {
    "scenario": "another scenario",
    "base": "rates solved on another scenario",
    "seed": "another seed",
    "replicates": "another number of replicates",
    "code": "other code",
}
"""Words for a part of a run's identity that differs."""


def differences(found: object, wanted: Mapping[str, Any]) -> str:
    """Say how one run differs from another.

    Args:
        found: identity of the one, as a file had it.
        wanted: identity of the other.

    Returns:
        Words; empty if it is the same run.
    """
    if not isinstance(found, dict):
        return WORDS["code"]
    return ", ".join(WORDS[name] for name in wanted if found.get(name) != wanted[name])


@contextmanager
def hold(directory: str | Path) -> Iterator[Path]:
    """Let one process at a time write a folder.

    The lock is the system's, on the file `.NAME.lock` next to the folder: however a process ends,
    its lock is released, and files that it leaves behind block nobody.

    Args:
        directory: the folder, there or not yet; parents that are missing are made, and go again
            if nothing is put there.

    Yields:
        The folder, as an absolute path without symbolic links.

    Raises:
        HeldError: another process holds it.
        StoreError: the system cannot lock it.
    """
    target = real_path(user_path(directory))
    path = target.with_name(f".{target.name}.lock")
    # In a second file, since on Windows nobody else can read the lock file.
    holder = path.with_name(f"{path.name}.pid")
    made = [folder for folder in target.parents if not folder.exists()]
    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Long enough for a holder that is just ending and has removed its lock file.
        lock.acquire(timeout=0.2, poll_interval=0.02)
    except Timeout as error:
        raise HeldError(
            f"{directory} is being written by another process{_number_in(holder)}; "
            "wait for it, end it, or choose another folder"
        ) from error
    except (OSError, NotImplementedError) as error:
        reason = _reason(error) if isinstance(error, OSError) else str(error)
        raise StoreError(f"cannot lock {directory}: {reason}; choose another folder") from error
    try:
        with suppress(OSError):  # on a full disk the lock holds, though nobody sees whose
            holder.write_text(str(os.getpid()), encoding="ascii")
        yield target
    finally:
        with suppress(OSError):
            holder.unlink()
        if isinstance(lock, UnixFileLock):
            # It is removed while held, so that a process that has opened it sees this.
            with suppress(OSError):
                path.unlink()
        lock.release()
        with suppress(OSError):
            for folder in made:
                folder.rmdir()  # unless there is something in it


def _number_in(holder: Path) -> str:
    """Name the process that holds a lock, if it could write its number."""
    try:
        return f" ({int(holder.read_text(encoding='ascii'))})"
    except (OSError, ValueError):
        return ""


def checkpoint_of(folder: Path) -> Path:
    """Give the file, next to a run's folder, in which the run is kept until it is complete."""
    return folder.with_name(f".{folder.name}.checkpoint")


def discard(checkpoint: Path) -> None:
    """Remove a checkpoint, and what was being written when a process was killed."""
    for path in (checkpoint, *leftovers(checkpoint)):
        path.unlink(missing_ok=True)


def read(directory: str | Path) -> Parts:
    """Read a run's folder.

    Args:
        directory: the folder of a run.

    Returns:
        What was written, without the tables that follow from it.

    Raises:
        StoreError: it is not a run's folder, or a file of it is missing or damaged.
    """
    folder = user_path(directory)
    manifest = read_manifest(folder)
    digests = manifest.pop("files")
    for name in digests:
        if name not in KEPT and re.fullmatch(r"[a-z_]+\.parquet", name):
            raise of_another_version(directory, manifest, f"it has no table {name[:-8]!r}")
    content = {name: _read_file(folder / name, digest) for name, digest in digests.items()}
    scenario = _read_scenario(folder / SCENARIO, content.pop(SCENARIO, b""), manifest)
    tables = {Path(name).stem: _read_table(folder / name, it) for name, it in content.items()}
    return Parts(scenario, manifest, tables)


@contextmanager
def written_whole(directory: str | Path) -> Iterator[Callable[[str], Path]]:
    """Let files be written next to their final place and renamed into it when all are complete.

    Args:
        directory: where the files belong; it and its parents are made where missing.

    Yields:
        What gives, for the name of a file, the path to write it to.

    Raises:
        StoreError: they cannot be written; those that were there stay.
    """
    target, names = user_path(directory), list[str]()
    try:
        target.mkdir(parents=True, exist_ok=True)
        with ExitStack() as all_done:

            def path_of(name: str) -> Path:
                names.append(name)
                return all_done.enter_context(atomic(target / name))

            yield path_of
    except FileExistsError as error:
        raise StoreError(f"{printable(str(directory))} is a file; name a folder") from error
    except OSError as error:
        told = Path(directory, *names) if len(names) == 1 else directory  # of many: not which one
        raise StoreError(f"cannot write to {printable(str(told))}: {_reason(error)}") from error


def read_manifest(directory: str | Path) -> dict[str, Any]:
    """Read how a run was made, without its tables.

    Args:
        directory: the folder of a run.

    Returns:
        The manifest, with the SHA-256 of every other file under `files`.

    Raises:
        StoreError: it is not a run's folder, or one written by a newer version.
    """
    folder = user_path(directory)
    path = folder / MANIFEST
    if is_waiting(path):
        raise StoreError(f"{path} is not a file, but a pipe or a device; restore the file")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8-sig"))  # Notepad puts a mark first
    except (FileNotFoundError, NotADirectoryError):
        previous = folder.absolute().with_name(f".{folder.absolute().name}.previous")
        if previous.is_dir() and not folder.exists():
            raise StoreError(
                f"{directory} is gone because a save was interrupted; "
                f"the earlier run is in {previous}: rename it back"
            ) from None
        what = "has no manifest.json" if folder.is_dir() else "is not a folder"
        inside = sorted(folder.glob(f"*/{MANIFEST}"))
        hint = f"; did you mean {inside[0].parent}?" if inside else ""
        raise StoreError(f"{directory} is not the folder of a run: it {what}{hint}") from None
    except OSError as error:
        raise StoreError(f"cannot read {path}: {_reason(error)}") from error
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{path} is damaged: it is not readable JSON; run again") from error
    if not _is_manifest(manifest):
        raise StoreError(
            f"{directory} is not the folder of a run: its manifest is from another program"
        )
    if manifest["format"] != FORMAT:
        why = f"it has format {manifest['format']} instead of {FORMAT}"
        raise of_another_version(directory, manifest, why)
    if "seed" not in manifest or not isinstance(manifest.get("files"), dict):
        raise StoreError(f"{path} is damaged: it lacks the seed or the list of files; run again")
    for name, (said, fits) in KINDS.items():
        if name in manifest and not fits(manifest[name]):
            raise StoreError(f"{path} is damaged: its {name!r} is not {said}; run again")
    if "seeds" in manifest and len(manifest["seeds"]) != manifest.get("replicates", 1):
        raise StoreError(f"{path} is damaged: its seeds are not one a replicate; run again")
    return dict(manifest)


def verify(directory: str | Path) -> None:
    """Check that the files that a run is read back from are those that were written.

    Raises:
        StoreError: one is missing or was changed, or the folder is not a run's.
    """
    folder = user_path(directory)
    for name, digest in read_manifest(folder)["files"].items():
        _read_file(folder / name, digest)


def _whole(least: int) -> tuple[str, Callable[[Any], bool]]:
    said = f"a whole number from {least}"
    return said, lambda it: isinstance(it, int) and not isinstance(it, bool) and it >= least


KINDS: Final[Mapping[str, tuple[str, Callable[[Any], bool]]]] = {
    "seed": _whole(0),
    "replicates": _whole(1),
    "steps": _whole(0),
    "agents": _whole(0),
    "name": ("a text", lambda it: isinstance(it, str)),
    "seconds": ("a number", lambda it: isinstance(it, (int, float)) and it >= 0),
    "seeds": (
        "a list of seeds",
        lambda it: isinstance(it, list) and all(_whole(0)[1](seed) for seed in it),
    ),
}
"""What the parts of a manifest are that are read again; somebody may have edited it by hand."""


def of_another_version(directory: str | Path, manifest: Mapping[str, Any], why: str) -> StoreError:
    """Say which version wrote a run that this one cannot read.

    Args:
        directory: the run's folder.
        manifest: how it was made.
        why: what this version does not understand.
    """
    versions = manifest.get("versions")
    wrote = versions.get("sim") if isinstance(versions, dict) else None
    by = "a version that is not said" if wrote is None else f"version {wrote}"
    return StoreError(
        f"{directory} was written by {by}, and this one ({__version__}) cannot read it: {why}; "
        "read it with that version, or run again"
    )


def _is_manifest(manifest: object) -> bool:
    return (
        isinstance(manifest, dict)
        and isinstance(manifest.get("format"), int)
        and "scenario_hash" in manifest
    )


def refuse_foreign(target: Path) -> None:
    """Refuse to replace what is not a run, or a folder of the user with a name of ours."""
    if target.exists() and not target.is_dir():
        raise StoreError(f"{target} is a file; choose a folder for the run")
    if not target.exists() or not any(target.iterdir()):
        return
    try:
        manifest = json.loads((target / MANIFEST).read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, IsADirectoryError, ValueError, RecursionError):
        manifest = None
    if not _is_manifest(manifest):
        raise StoreError(
            f"{target} has files in it and is not the folder of a run; "
            "nothing was written, choose another folder"
        )
    for entry in target.iterdir():
        if entry.name in OURS and entry.is_dir():
            raise StoreError(
                f"{entry} is a folder, and a run has a file of that name; "
                "nothing was written, move it or choose another folder"
            )


def _sweep(target: Path, previous: Path) -> None:
    """Remove what killed saves have left next to the folder."""
    if previous.is_dir() and target.exists():
        shutil.rmtree(previous)
    name = re.compile(rf"\.{re.escape(target.name)}\.\d+-\d+\.partial")
    for left in target.parent.iterdir():
        if name.fullmatch(left.name) and time.time() - left.stat().st_mtime > STALE_SECONDS:
            shutil.rmtree(left, ignore_errors=True)


def _swap(partial: Path, target: Path, previous: Path) -> None:
    """Put the finished folder in place of the earlier one."""
    if not target.exists():
        partial.rename(target)
        return
    target.rename(previous)
    try:
        partial.rename(target)
    except OSError:
        previous.rename(target)
        raise
    shutil.rmtree(previous, ignore_errors=True)


def _keep_foreign(source: Path, partial: Path) -> None:
    """Carry over files of the user; as copies, so that they always exist somewhere."""
    for entry in source.iterdir():
        if entry.name in OURS:
            continue
        copy = partial / entry.name
        if entry.is_dir() and not entry.is_symlink():
            shutil.copytree(entry, copy, symlinks=True)
        else:
            shutil.copy2(entry, copy, follow_symlinks=False)
        for path in (copy, *copy.rglob("*")):
            if not path.is_symlink():
                with suppress(PermissionError):
                    keep_owners(path, source / path.relative_to(partial))


def _write(parts: Parts, folder: Path) -> None:
    """Write every file of a run into an empty folder.

    The manifest lists the files that the run is read back from, not those that follow from them.
    """
    money = money_unit(parts.scenario)
    for name, frame in parts.tables.items():
        _write_table(folder / f"{name}.parquet", name, frame, money)
    (folder / SCENARIO).write_text(dump(parts.scenario), encoding="utf-8", newline="\n")
    digests = {it.name: _digest(it.read_bytes()) for it in folder.iterdir() if it.name in KEPT}
    manifest = {"format": FORMAT, **parts.manifest, "files": digests}
    text = to_json(manifest) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8", newline="\n")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def to_json(value: object) -> str:
    """Write JSON that is the same for the same content.

    Args:
        value: mappings, sequences, text, numbers, dates and paths; NaN and infinity become null.

    Returns:
        Indented text with sorted keys, not escaped beyond what JSON asks.
    """
    return json.dumps(_plain(value), sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    """Turn types of numpy and datetime into those of JSON."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (np.generic, np.ndarray)):
        return _plain(value.tolist())
    if value is pd.NaT:
        return None
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def _write_table(path: Path, name: str, frame: pd.DataFrame, money: str) -> None:
    """Write one table, with unit and meaning of each column in the file."""
    declared = described(name)
    columns = all_columns(declared)
    table = parquet.table_of(frame)
    fields = []
    for field in table.schema:
        column = columns[field.name]
        if column.kind == "text" and not pa.types.is_dictionary(field.type):
            field = field.with_type(pa.string())  # where all are missing, the type is lost
        notes = {
            "unit": unit_of(column, money),
            "description": column.text,
            "dtype": str(frame[field.name].dtype),
        }
        if isinstance(frame[field.name].dtype, pd.CategoricalDtype):
            notes["categories"] = json.dumps(frame[field.name].cat.categories.tolist())
        fields.append(field.with_metadata(notes))
    schema = pa.schema(fields, metadata=table.schema.metadata)
    schema = schema.with_metadata({**(schema.metadata or {}), b"description": declared.text})
    parquet.write(table.cast(schema), path)


def _read_file(path: Path, digest: object) -> bytes:
    """Read one file as it was written, or not at all."""
    if path.name not in KEPT:
        raise StoreError(f"{path.parent / MANIFEST} is damaged: {path.name} is no file of a run")
    if is_waiting(path):
        raise StoreError(f"{path} is not a file, but a pipe or a device; restore the file")
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise StoreError(f"{path} is missing; run again or restore the file") from None
    except OSError as error:
        raise StoreError(f"cannot read {path}: {_reason(error)}") from error
    if _digest(content) != digest:
        raise StoreError(f"{path} was changed or cut short; run again or restore the file")
    return content


def _read_table(path: Path, content: bytes) -> pd.DataFrame:
    """Turn a file's content into a table."""
    try:
        table = pq.ParquetFile(pa.BufferReader(content), pre_buffer=False).read(use_threads=False)
        frame = parquet.frame_of(table)
        for field in table.schema:
            frame[field.name] = _as_saved(frame[field.name], field.metadata or {})
    except (pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path} cannot be read as a table of a run: {error}") from error
    return frame


def _as_saved(column: pd.Series[Any], notes: dict[bytes, bytes]) -> pd.Series[Any]:
    """Restore what Parquet does not keep: a date's resolution, categories that no row uses."""
    if b"categories" in notes:
        return column.astype(pd.CategoricalDtype(json.loads(notes[b"categories"])))
    if b"dtype" not in notes:
        raise ValueError(
            f"its column {column.name!r} does not say what it holds, as where another program "
            "has written the file"
        )
    kind = notes[b"dtype"].decode()
    return column if str(column.dtype) == kind else column.astype(np.dtype(kind))


def _read_scenario(path: Path, content: bytes, manifest: Mapping[str, Any]) -> Scenario:
    """Read the resolved scenario back."""
    if not content:
        raise StoreError(f"{path.parent / MANIFEST} is damaged: it lists no {SCENARIO}; run again")
    try:
        return read_resolved(path)
    except ScenarioError as error:
        raise of_another_version(path.parent, manifest, str(error)) from error


def _reason(error: OSError) -> str:
    """Say in words why the system refused."""
    text = os.strerror(error.errno) if error.errno else str(error)
    return text[:1].lower() + text[1:]
