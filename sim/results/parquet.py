"""Parquet files, opened here: Arrow would take a name with a colon for an address.

Each page carries a checksum, so that a bit that flips on a disk is noticed. All is read and written
with one thread: Arrow's pool can abort the interpreter when it exits right after use.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sim.core.paths import is_waiting

FORM: Final[dict[str, Any]] = {"compression": "zstd", "write_page_checksum": True}


class DamagedError(Exception):
    """A file cannot be read as a table; the message says which, and why."""


@contextmanager
def opened(path: Path) -> Iterator[pq.ParquetFile]:
    """Open a file to be read.

    Args:
        path: the file.

    Raises:
        DamagedError: it is not a table, or a part of it is damaged.
        OSError: it cannot be opened.
    """
    if is_waiting(path):
        raise DamagedError(f"{path} is not a file, but a pipe or a device")
    with path.open("rb") as file:
        try:
            with pq.ParquetFile(file, pre_buffer=False, page_checksum_verification=True) as table:
                yield table
        except MemoryError:
            raise  # Arrow's own is one, too
        except (pa.ArrowException, ValueError, OSError) as error:
            # Arrow reports damage as an OSError without a number.
            if getattr(error, "errno", None) is not None:
                raise
            said = " ".join(str(error).split()).rstrip(".")
            raise DamagedError(f"{path} cannot be read as a table: {said}") from error


def read(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a file.

    Args:
        path: the file.
        columns: those to read; none: all.

    Raises:
        DamagedError: it is not a table, or a part of it is damaged.
        OSError: it cannot be opened.
    """
    with opened(path) as table:
        return table.read(columns=None if columns is None else list(columns), use_threads=False)


def frame_of(table: pa.Table) -> pd.DataFrame:
    """Turn a table into a data frame."""
    frame: pd.DataFrame = table.to_pandas(use_threads=False)
    return frame


def table_of(frame: pd.DataFrame) -> pa.Table:
    """Turn a data frame into a table, without its index."""
    return pa.Table.from_pandas(frame, preserve_index=False, nthreads=1)


def write(table: pa.Table, path: Path) -> None:
    """Write a file.

    Raises:
        OSError: it cannot be written.
    """
    with path.open("wb") as file:
        pq.write_table(table, file, **FORM)


@contextmanager
def writer(path: Path, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    """Open a file to be written piece by piece.

    Raises:
        OSError: it cannot be written.
    """
    with path.open("wb") as file, pq.ParquetWriter(file, schema, **FORM) as content:
        yield content
