"""Writing a file so that it appears whole under its name, or not at all."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

PARTIAL: Final = ".partial"
"""Ending of the name that a file has while it is written."""


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Let a file be written under another name in its folder, then give it its own name.

    A reader sees the earlier file or the new one, never half of one. The new file has the
    permissions of the earlier one, or those of any new file. A process that is killed leaves the
    earlier file as it was, and beside it one of the `leftovers`.

    Args:
        path: the file; its folder exists.

    Yields:
        The path to write to: an empty file, to be filled and closed.

    Raises:
        OSError: the file cannot be written; the earlier one is as it was.
    """
    target = Path(path)
    partial = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}{PARTIAL}")
    try:
        partial.touch(exist_ok=False)
        yield partial
        flush(partial)
        with suppress(FileNotFoundError):
            partial.chmod(target.stat().st_mode & 0o7777)
        partial.replace(target)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)  # after the renaming there is none


def flush(path: Path) -> None:
    """Wait until a file's content is on the disk, so that a power cut cannot take it away.

    Raises:
        OSError: the disk does not take it.
    """
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def leftovers(path: str | Path) -> list[Path]:
    """Find what processes that were killed while they wrote a file have left beside it.

    A process that is still writing has such a file, too: ask only where there can be none.

    Args:
        path: the file.
    """
    target = Path(path)
    name = re.compile(rf"\.{re.escape(target.name)}\.\d+-[0-9a-f]{{8}}{re.escape(PARTIAL)}")
    try:
        return [it for it in target.parent.iterdir() if name.fullmatch(it.name)]
    except OSError:
        return []
