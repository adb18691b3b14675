"""Tables of a folder written as csv or as one xlsx, for programs that do not read Parquet."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import time
from pathlib import Path
from typing import Any, Final, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sim.core.paths import user_path
from sim.results import parquet
from sim.results.store import MANIFEST, StoreError, verify, written_whole

Format = Literal["csv", "xlsx"]
BATCH: Final = 100_000
"""Rows read at a time, so that memory does not grow with a table."""
SHEET_ROWS: Final = 1_048_576
SHEET_COLUMNS: Final = 16_384
SHEET_NAME: Final = 31
"""Limits of a sheet, the header included. Source: Microsoft, Excel specifications and limits."""
EXACT: Final = 2**53
"""Whole numbers beyond this are text on a sheet, where they would be rounded."""
COLUMNS: Final = "columns"
"""Name of the file or sheet that lists the columns of all tables, with units."""


def tables_of(directory: str | Path) -> dict[str, Path]:
    """Find the tables of a folder: of a run, of a sweep, or of anything with Parquet files.

    Args:
        directory: the folder.

    Returns:
        The file of each table by name: those in the folder, and in `tables` within it.

    Raises:
        StoreError: there is no such folder, no table in it, or one called `columns`.
    """
    folder = user_path(directory)
    if not folder.is_dir():
        raise StoreError(f"{directory} is not a folder")
    files = [*folder.glob("*.parquet"), *folder.glob("tables/*.parquet")]
    found = {it.stem: it for it in sorted(files) if not it.name.startswith(".")}
    if not found:
        raise StoreError(f"{directory} holds no tables: there is no .parquet file in it")
    if COLUMNS in found:
        raise StoreError(f"{found[COLUMNS]} has the name of the list of columns: rename it")
    return found


def export(directory: str | Path, to: Format, out: str | Path) -> list[Path]:
    """Write every table of a folder in another format, all of them or none.

    csv is that of RFC 4180 in UTF-8, dates as in ISO 8601, nothing for what is missing; xlsx has a
    sheet a table. One more, `columns`, lists the columns of all tables with unit and description;
    money's unit is its currency and year of prices. On a sheet, columns of whole numbers beyond
    2**53, as seeds are, are text: they would be rounded.

    Args:
        directory: the folder.
        to: the format.
        out: folder for csv files, or the xlsx file.

    Returns:
        The files.

    Raises:
        StoreError: nothing to read, a damaged file, too large for a sheet, no openpyxl, or a folder
            that cannot be written.
    """
    tables = tables_of(directory)
    if (user_path(directory) / MANIFEST).exists():
        verify(directory)  # tables of two runs must not be taken for those of one
    target = user_path(out)
    if to == "xlsx":
        _refuse_too_large(tables)
        with written_whole(target.parent) as path_in:
            _write_xlsx(tables, path_in(target.name))
        return [target]
    with written_whole(target) as path_in:
        for name, path in tables.items():
            _write_csv(_batches(path), path_in(f"{name}.csv"))
        _write_csv(iter([_columns(tables)]), path_in(f"{COLUMNS}.csv"))
    return [target / f"{name}.csv" for name in (*tables, COLUMNS)]


def _columns(tables: Mapping[str, Path]) -> pd.DataFrame:
    """List the columns of all tables, as the files say what they are."""
    rows = []
    for name, path in tables.items():
        for field in _schema(path):
            notes = field.metadata or {}
            said = (notes.get(it, b"").decode() for it in (b"unit", b"description"))
            rows.append((name, field.name, *said))
    return pd.DataFrame(rows, columns=["table", "column", "unit", "description"])


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a table to be read."""
    try:
        with parquet.opened(path) as table:
            yield table
    except parquet.DamagedError as error:
        raise StoreError(f"{error}; restore the file, or take it out of the folder") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StoreError(f"cannot read {path}: {reason}") from error


def _schema(path: Path) -> pa.Schema:
    with _opened(path) as table:
        return table.schema_arrow


def _batches(path: Path) -> Iterator[pd.DataFrame]:
    """Read the rows of a table, some at a time; one batch without rows where it has none."""
    with _opened(path) as table:
        if not table.metadata.num_rows:
            yield table.schema_arrow.empty_table().to_pandas()
        for batch in table.iter_batches(BATCH, use_threads=False):
            yield parquet.frame_of(pa.Table.from_batches([batch]))


def _write_csv(batches: Iterator[pd.DataFrame], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        for number, frame in enumerate(batches):
            for name in frame.select_dtypes("datetime"):
                frame[name] = _iso(frame[name])
            frame.to_csv(file, index=False, header=number == 0, lineterminator="\r\n")


def _iso(column: pd.Series[Any]) -> pd.Series[Any]:
    """Write days as days, and moments with their time."""
    whole = (column.dropna() == column.dropna().dt.normalize()).all()
    text: pd.Series[Any] = column.dt.strftime("%Y-%m-%d" if whole else "%Y-%m-%dT%H:%M:%S")
    return text


def _refuse_too_large(tables: Mapping[str, Path]) -> None:
    """Refuse tables that are too large for an Excel sheet, before anything is written."""
    for name, path in tables.items():
        with _opened(path) as table:
            found = table.metadata
        if found.num_rows >= SHEET_ROWS or found.num_columns > SHEET_COLUMNS:
            raise StoreError(
                f"{name} has {found.num_rows:,} rows and {found.num_columns:,} columns, and a "
                f"sheet holds {SHEET_ROWS - 1:,} and {SHEET_COLUMNS:,}; use --to csv"
            )


def _write_xlsx(tables: Mapping[str, Path], path: Path) -> None:
    try:
        from openpyxl import Workbook
        from openpyxl.cell import WriteOnlyCell
    except ImportError:
        raise StoreError(
            "xlsx needs openpyxl, which is not installed: pip install 'human-security-sim[excel]'"
        ) from None
    book = Workbook(write_only=True)
    sheets = {name: (_batches(table), _too_large(table)) for name, table in tables.items()}
    sheets[COLUMNS] = iter([_columns(tables)]), set()
    for name, (batches, as_text) in sheets.items():
        sheet = book.create_sheet(name[:SHEET_NAME])

        def cell(value: Any, sheet: Any = sheet) -> Any:
            if value is None or value != value:  # not a number, not a time
                return None
            if isinstance(value, pd.Timestamp):
                moment = value.to_pydatetime()
                return moment.date() if moment.time() == time() else moment
            if isinstance(value, str) and value.startswith("="):  # a text, and no formula
                text = WriteOnlyCell(sheet, value)
                text.data_type = "s"
                return text
            if isinstance(value, float) and not math.isfinite(value):
                return str(value)
            return value

        for number, frame in enumerate(batches):
            if number == 0:
                sheet.append(list(frame.columns))
            words = frame.astype(object)
            for column in as_text:
                words[column] = words[column].map(_digits)
            for row in words.itertuples(index=False, name=None):
                sheet.append([cell(value) for value in row])
    book.save(path)


def _too_large(path: Path) -> set[str]:
    """Find the columns of whole numbers that a sheet would round."""
    whole = [it.name for it in _schema(path) if pa.types.is_integer(it.type)]
    found = set()
    with _opened(path) as table:
        for batch in table.iter_batches(BATCH, columns=whole, use_threads=False):
            for name in whole:
                ends = pc.min_max(batch.column(name)).as_py()
                if any(abs(it or 0) > EXACT for it in ends.values()):
                    found.add(name)
    return found


def _digits(number: Any) -> str | None:
    """Write a whole number out; None where there is none."""
    return None if pd.isna(number) else str(int(number))
