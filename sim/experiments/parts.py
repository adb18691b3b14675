"""Parts of a sweep's tables: one Parquet file for each unit, complete or absent."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from math import isnan
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from sim.core.atomic import atomic
from sim.model.columns import Column
from sim.results import parquet
from sim.results.measures import MEASURES
from sim.results.store import StoreError
from sim.results.tables import REPLICATE, TABLES, all_columns, unit_of

WHICH: Final = (
    Column("run", "int", "index", "run, from 0"),
    Column("point", "int", "index", "point of the design, from 0"),
    REPLICATE,
)
"""Columns that say which run a row belongs to."""
NAME: Final = re.compile(r"(\d{4,})\.parquet|\.\d{4,}\.parquet\..*")
"""Names of parts, and of those that are being written."""
PARTS: Final = "parts"
TABLE_PARTS: Final = "tables"
ROW_GROUP: Final = 100_000
"""Rows gathered before they are written to a whole table."""
TYPES: Final = {"whole": pa.int64(), "number": pa.float64(), "truth": pa.bool_()}
"""Arrow's type for a kind of factor; any other is text."""


class DamagedPartError(Exception):
    """A part cannot be read; its runs have to be run again.

    Attributes:
        path: the part.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path


def summary_path(folder: Path, unit: int) -> Path:
    """Return the path of a unit's summary: written last, it shows that the unit is done."""
    return folder / PARTS / f"{unit:04}.parquet"


def table_path(folder: Path, name: str, unit: int) -> Path:
    """Return the path of a unit's part of a table."""
    return folder / TABLE_PARTS / name / f"{unit:04}.parquet"


def write(table: pa.Table, path: Path) -> int:
    """Write a file whole: it appears under its name when all of it is there.

    Returns:
        Its bytes.

    Raises:
        StoreError: it cannot be written.
    """
    try:
        with atomic(path) as partial:
            parquet.write(table, partial)
            return partial.stat().st_size
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> StoreError:
    """Return the error that says why a file could not be written, and what to do."""
    reason = (os.strerror(error.errno) if error.errno else str(error)).lower()
    room = "free some disk space and " if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    return StoreError(f"cannot write {path}: {reason}; {room}give the same command to resume")


def cannot_read(path: Path, error: OSError) -> StoreError:
    """Return the error that says why a file could not be read: it may be whole."""
    reason = (os.strerror(error.errno) if error.errno else str(error)).lower()
    return StoreError(f"cannot read {path}: {reason}; give the same command to resume")


def factor_kind(values: Iterable[Any]) -> str:
    """Return the kind of a factor's column: whole, number, truth or text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return "truth"
    if kinds == {int}:
        return "whole"
    return "number" if kinds and kinds <= {int, float} else "text"


def summary_table(
    columns: Mapping[str, list[Any]], factors: Mapping[str, str], units: Mapping[str, str]
) -> pa.Table:
    """Return summary rows as an Arrow table.

    Args:
        columns: by name, in order.
        factors: kind of each factor's column.
        units: of each metric.
    """
    notes: dict[str, tuple[str, str]] = {
        **{it.name: (it.unit, it.text) for it in WHICH},
        "seed": ("seed", "seed of the run"),
        "seconds": ("s", "wall time of the run"),
        "error": ("text", "why the run failed; none: it did not"),
        "command": ("text", "command that repeats the run, where it failed"),
    }
    arrays, fields = [], []
    for name, values in columns.items():
        if name in factors:
            kind = TYPES.get(factors[name], pa.string())
            unit, text = "value", "what the point gives it; none: as in the file"
            if factors[name] == "text":
                values = [it if it is None or isinstance(it, str) else _word(it) for it in values]
        elif name in notes:
            unit, text = notes[name]
            kind = {"seconds": pa.float64(), "error": pa.string(), "command": pa.string()}.get(
                name, pa.int64()
            )
            if kind == pa.string():
                values = [None if it is None else _encoded(it) for it in values]
        else:
            measure = MEASURES.get(name)
            unit, text = (measure.unit, measure.text) if measure else (units[name], "metric")
            kind = pa.float64()
            values = [None if it is None or isnan(it) else it for it in values]
        arrays.append(pa.array(values, kind))
        fields.append(pa.field(name, kind, metadata={"unit": unit, "description": text}))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _encoded(text: str) -> str:
    """Write bytes that are no UTF-8, as names of files may have, as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value}"


def run_table(name: str, frame: pd.DataFrame, runs: list[dict[str, Any]], money: str) -> pa.Table:
    """Return one of the asked-for tables of several runs as an Arrow table.

    Args:
        name: the table's.
        frame: its rows; `replicate` is the position in `runs`.
        runs: `run`, `point` and `replicate` of each.
        money: what money is counted in.
    """
    which = frame["replicate"].to_numpy()
    arrays, fields = [], []
    for column in WHICH:
        arrays.append(pa.array(np.array([it[column.name] for it in runs], dtype=np.int64)[which]))
        notes = {"unit": column.unit, "description": column.text}
        fields.append(pa.field(column.name, pa.int64(), metadata=notes))
    columns = all_columns(TABLES[name])
    rest = parquet.table_of(frame.drop(columns="replicate"))
    for field in rest.schema:
        column = columns[field.name]
        # Words as text: dictionaries of one unit need not be those of another.
        kind = pa.string() if pa.types.is_dictionary(field.type) else field.type
        arrays.append(rest.column(field.name).cast(kind))
        fields.append(
            pa.field(
                field.name,
                kind,
                metadata={
                    "unit": unit_of(column, money),
                    "description": column.text,
                },
            )
        )
    return pa.Table.from_arrays(
        arrays, schema=pa.schema(fields, metadata={"description": TABLES[name].text})
    )


def rows_of(path: Path) -> int | None:
    """Return how many rows a part has; None where it is not there, or not whole."""
    try:
        with parquet.opened(path) as table:
            return int(table.metadata.num_rows)
    except (OSError, parquet.DamagedError):
        return None


def errors_of(path: Path) -> list[dict[str, Any]]:
    """Return run, error and command of a part's failed runs.

    Raises:
        DamagedError: it cannot be read.
    """
    columns = ("run", "error", "command")
    table = parquet.read(path, columns)
    if table.num_columns < len(columns):
        raise parquet.DamagedError(f"{path} is not the summary of a sweep's runs")
    return [row for row in table.to_pylist() if row["error"] is not None]


def summary_columns(factors: Iterable[str], metrics: Iterable[str]) -> set[str]:
    """Return the columns of a summary, by the names of the sweep's factors and metrics."""
    which = (it.name for it in WHICH)
    return {*which, "seed", *factors, *metrics, *MEASURES, "seconds", "error", "command"}


def is_of(path: Path, runs: Sequence[int], columns: set[str]) -> bool:
    """Whether a summary is of these runs and has these columns, and is no copy of another's.

    Raises:
        DamagedError: it cannot be read.
    """
    with parquet.opened(path) as table:
        names = set(table.schema_arrow.names)
    return names == columns and _column(path, "run") == list(runs)


def seconds_of(path: Path) -> list[float]:
    """Return the wall time of each of a part's runs."""
    found: list[float] = _column(path, "seconds")
    return found


def columns_of(path: Path) -> int:
    """Return how many columns a part has."""
    with parquet.opened(path) as table:
        return int(table.metadata.num_columns)


def _column(path: Path, name: str) -> list[Any]:
    values: list[Any] = parquet.read(path, (name,)).column(name).to_pylist()
    return values


def assemble(paths: list[Path], target: Path, without: tuple[str, ...] = ()) -> None:
    """Join parts in their order, some at a time in memory.

    Args:
        paths: the parts.
        target: the whole table; with no parts there is none.
        without: columns left out.

    Raises:
        StoreError: it cannot be written.
        DamagedPartError: a part cannot be read.
    """
    pieces = (
        some.drop_columns([it for it in without if it in some.column_names])
        for some in _gathered(paths)
    )
    try:
        first = next(pieces, None)
        if first is None:
            target.unlink(missing_ok=True)
            return
        with (
            atomic(target) as partial,
            parquet.writer(partial, first.schema) as writer,
        ):
            for piece in chain([first], pieces):
                writer.write_table(piece, row_group_size=max(piece.num_rows, 1))
    except OSError as error:
        raise cannot_write(target, error) from error


def _gathered(paths: list[Path]) -> Iterator[pa.Table]:
    """Yield joined parts, as many at a time as fill a group of rows."""
    waiting: list[pa.Table] = []
    for path in paths:
        try:
            waiting.append(parquet.read(path))
        except (FileNotFoundError, parquet.DamagedError) as error:
            raise DamagedPartError(path) from error
        except OSError as error:
            raise cannot_read(path, error) from error
        if sum(it.num_rows for it in waiting) >= ROW_GROUP:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)
