"""Atomic writing: a file appears complete under its name, or not at all."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from sim.core.paths import keep_owners

PARTIAL: Final = ".partial"
"""Ending of the temporary name of a file while it is written."""


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Write a file under a temporary name in its folder, then rename it.

    Readers see the earlier file or the new one, never a partial one. The new file has the group and
    the permissions of the earlier one, or the default ones if there was none. If the process is
    killed, the earlier file is unchanged, and a temporary file is left beside it (see `leftovers`).

    Args:
        path: The file; its folder must exist.

    Yields:
        The path to write to: an empty file, to be filled and closed.

    Raises:
        OSError: The file cannot be written; the earlier one is unchanged.
    """
    target = Path(path)
    partial = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}{PARTIAL}")
    try:
        partial.touch(exist_ok=False)
        yield partial
        flush(partial)
        with suppress(FileNotFoundError):
            try:
                keep_owners(partial, target)
            except PermissionError:
                # Nobody may read it who could not before, now that its group is another one.
                partial.chmod(target.stat().st_mode & 0o7707)
        partial.replace(target)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)  # it no longer exists after renaming


def flush(path: Path) -> None:
    """Wait until a file's content is on disk, so that it survives a power cut.

    Raises:
        OSError: The disk cannot store it.
    """
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def leftovers(path: str | Path) -> list[Path]:
    """Find temporary files that killed processes left beside a file.

    A process that is still writing has such a file too: call this only when there is none.

    Args:
        path: The file.
    """
    target = Path(path)
    name = re.compile(rf"\.{re.escape(target.name)}\.\d+-[0-9a-f]{{8}}{re.escape(PARTIAL)}")
    try:
        return [it for it in target.parent.iterdir() if name.fullmatch(it.name)]
    except OSError:
        return []
