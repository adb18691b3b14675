"""Bulk data of a scenario: a CSV file read as one of its lists, with a position for every cell."""

from __future__ import annotations

import csv
import os
import re
from array import array
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from sim.scenario.document import THOUSANDS, Node
from sim.scenario.renamed import beside, old_name, tell
from sim.schema.errors import Problem, ScenarioError, enumerate_words, nearest, quoted, suggest
from sim.schema.key import Part, renamed

MAX_BYTES: Final = 100_000_000
"""Size of a table."""
MAX_ROWS: Final = 500_000
"""Rows of a table; a row takes about a kilobyte of memory."""
MAX_PROBLEMS: Final = 20
"""Problems reported of one table; the rest are counted."""

WORKBOOK: Final = b"PK\x03\x04"
"""First bytes of a workbook of a spreadsheet program, which is a zip file."""
UNNAMED: Final = ("this column has no name", "name it, or take out the column and its ','")
"""What is said of a column without a name."""
Kind = Literal["number", "count", "whole", "truth", "text", "texts"]
Row = dict[str, Any]


class Table:
    """The file behind a table, for showing its lines."""

    quotes = False

    def __init__(self, name: str, path: Path) -> None:
        """Keep what is needed to show a line again.

        Args:
            name: the file as messages call it.
            path: where it is.
        """
        self.name = name
        self.path = path
        self.offsets = array("Q")
        """By line: first byte."""

    def problem(self, line: int, column: int, message: str, hint: str = "") -> Problem:
        """Return a problem at a 0-based line, and 0-based cell (-1: the line as a whole)."""
        shown = self._line(line)
        at = _cell_start(shown, column) + 1 if column >= 0 else 0
        return Problem(self.name, line + 1, at, message, hint, shown)

    def _line(self, line: int) -> str:
        if line >= len(self.offsets):
            return ""
        with self.path.open("rb") as file:
            file.seek(self.offsets[line])
            text = file.readline(100_000).decode("utf-8-sig" if line == 0 else "utf-8", "replace")
        return text.rstrip("\r\n")


class TableNode(Node):
    """A list read from a table: rows are plain dicts, or nodes once an override touched them.

    Attributes:
        lines: 0-based line of each row.
        header: columns, left to right.
    """

    __slots__ = ("header", "lines")

    def __init__(self, origin: Table, header: list[str], rows: list[Any], lines: list[int]) -> None:
        """Build a list node; see the class for the arguments."""
        super().__init__("list", rows, origin)
        self.header = header
        self.lines = lines

    def plain(self) -> Any:
        """Return the rows as plain dicts."""
        return [row.plain() if isinstance(row, Node) else row for row in self.value]

    def copy(self) -> Node:
        """Return a copy whose list of rows can be changed without changing this node's."""
        assert isinstance(self.origin, Table)
        return TableNode(self.origin, self.header, self.value.copy(), self.lines.copy())

    def row(self, index: int) -> Node:
        """Return one row as a mapping node whose cells know their place."""
        found = self.value[index]
        if isinstance(found, Node):
            return found
        line = self.lines[index]
        entries = {
            key: (Node("scalar", key, self.origin, 0, column, key), cell)
            for column, key in enumerate(self.header)
            if key in found
            for cell in [self._cell(found[key], line, column)]
        }
        return Node("mapping", entries, self.origin, line, -1)

    def _cell(self, value: Any, line: int, column: int) -> Node:
        if isinstance(value, list):
            items = [Node("scalar", it, self.origin, line, column, str(it)) for it in value]
            return Node("list", items, self.origin, line, column)
        text = f"{value:g}" if isinstance(value, float) else str(value)
        return Node("scalar", value, self.origin, line, column, text)


def read_table(
    node: Node, name: Any, folder: Path | None, part: type[Part]
) -> tuple[TableNode, list[Problem]]:
    """Read the CSV file that replaces a list of the scenario.

    Columns are the fields of the list's items; an empty cell leaves a field out; a list within a
    cell has `;` between its items; blank lines and lines that start with `#` are skipped.

    Args:
        node: where the file's name is written, for problems.
        name: the file's name, relative to the scenario's folder.
        folder: the scenario's folder; None where the scenario is not a file.
        part: model of one row.

    Returns:
        The list, and the problems of rows that were left out. Wrong values of cells are found
        later, by the schema.

    Raises:
        ScenarioError: the file cannot be read, or its header or form is wrong.
    """
    problems: list[Problem] = []
    table, rows_of_cells = _open(node, name, folder, problems)
    rows: list[Row] = []
    lines: list[int] = []
    header: list[str] = []
    kinds: list[Kind] = []
    for line, cells in rows_of_cells:
        if not kinds:
            header = _names_of_today(table, line, cells, part)
            kinds = _check_header(table, line, header, part)
            continue
        row = {
            key: convert(it, kind) for key, it, kind in zip(header, cells, kinds, strict=True) if it
        }
        rows.append(row)
        lines.append(line)
    if not kinds:
        hint = f"its first line names: {', '.join(_required(part))}"
        raise ScenarioError([Problem(table.name, 0, 0, "is empty", hint)])
    return TableNode(table, header, rows, lines), problems


def read_cells(node: Node, folder: Path) -> tuple[Table, list[tuple[int, list[str]]]]:
    """Read a CSV file whose columns are named freely, header first.

    Args:
        node: where the file's name is written.
        folder: the scenario's folder.

    Returns:
        The file, and the 0-based line and the stripped cells of each row, all equally long.

    Raises:
        ScenarioError: the file cannot be read, or rows differ in length.
    """
    problems: list[Problem] = []
    table, rows = _open(node, node.value, folder, problems)
    found = list(rows)
    if problems:
        raise ScenarioError(problems)
    return table, found


def _open(
    node: Node, name: Any, folder: Path | None, problems: list[Problem]
) -> tuple[Table, Iterator[tuple[int, list[str]]]]:
    """Return a table's file, and its rows as `_rows` yields them."""
    path = _locate(node, name, folder)
    near = os.path.relpath(path)
    table = Table(near if len(near) < len(str(path)) else str(path), path)
    return table, _rows(node, table, problems)


def _rows(node: Node, table: Table, problems: list[Problem]) -> Iterator[tuple[int, list[str]]]:
    """Yield 0-based line and stripped cells of the header and of every row as long as it."""
    n_rows = n_wrong = 0
    width: int | None = None
    try:
        with table.path.open("rb") as file:
            reader = csv.reader(_decode(file, table), strict=True, skipinitialspace=True)
            while True:
                line = reader.line_num  # a cell in quotes may go on over several lines
                cells = next(reader, None)
                if cells is None:
                    break
                if not cells or cells[0].startswith("#") or not any(map(str.strip, cells)):
                    continue
                if width is None:
                    width = len(cells)
                    _refuse_other_marks(table, line, cells)
                    yield line, [cell.strip() for cell in cells]
                elif len(cells) != width:
                    n_wrong += 1
                    if n_wrong <= MAX_PROBLEMS:
                        said = f"this row has {len(cells)} cells, the header has {width}"
                        hint = "put text that holds a comma in double quotes"
                        problems.append(table.problem(line, -1, said, hint))
                elif n_rows >= MAX_ROWS:
                    raise ScenarioError([table.problem(line, -1, f"more than {MAX_ROWS:,} rows")])
                else:
                    n_rows += 1
                    yield line, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise ScenarioError([table.problem(line, -1, _csv_message(str(error)))]) from None
    except OSError as error:
        said = f"{quoted(table.path.name)}: {error.strerror}"
        raise ScenarioError([node.problem(said)]) from None
    if n_wrong > MAX_PROBLEMS:
        said = f"{n_wrong - MAX_PROBLEMS:,} more rows of another length than the header"
        problems.append(Problem(table.name, 0, 0, said))


def _refuse_other_marks(table: Table, line: int, header: list[str]) -> None:
    """Refuse a file whose columns have something else than commas between them."""
    if header[0].casefold().startswith("sep="):
        hint = "take it out: it is for Excel alone"
        raise ScenarioError([table.problem(line, -1, "this line names no columns", hint)])
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        raise ScenarioError([table.problem(line, -1, "columns must have commas between them")])


def columns(part: type[Part]) -> dict[str, Kind]:
    """Return what the columns of a table may be.

    Args:
        part: model of one row.

    Returns:
        By the field's name in a file, how its cells are read; fields with parts are left out.
    """
    found: dict[str, Kind] = {}
    for key, field in part.model_fields.items():
        kind = _kind(field.annotation)
        if kind is not None:
            counted = kind == "number" and is_large(part.declared[key].unit)
            found[field.alias or key] = "count" if counted else kind
    return found


def is_large(unit: str) -> bool:
    """Whether figures of a unit are people or sums of money, which run to thousands."""
    return (
        re.fullmatch(r"(simulated )?persons.*|money per (person|year|person per year)", unit)
        is not None
    )


def convert(cell: str, kind: Kind) -> Any:
    """Read a cell; what cannot be read stays text, for the schema to refuse."""
    if kind == "text":
        return cell
    if kind == "texts":
        return [item.strip() for item in cell.split(";") if item.strip()]
    if kind == "truth":
        return {"true": True, "false": False}.get(cell.lower(), cell)
    if kind == "count" and THOUSANDS.fullmatch(cell):
        return cell  # 60 or 60,000: a wrong guess would stay unseen
    try:
        return int(cell) if kind == "whole" else float(cell)
    except ValueError:
        if kind == "whole":
            return convert(cell, "number")
        return cell


def _kind(annotation: Any) -> Kind | None:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kind(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return _kind(next(it for it in get_args(annotation) if it is not type(None)))
    if origin is tuple:
        inner = _kind(get_args(annotation)[0])
        return "texts" if inner == "text" else None
    if annotation is bool:
        return "truth"
    if annotation is int:
        return "whole"
    if annotation is float:
        return "number"
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return None
    return None if origin is dict else "text"


def _locate(node: Node, name: Any, folder: Path | None) -> Path:
    """Return the file, made sure to lie inside the scenario's folder."""

    def refuse(message: str, hint: str = "") -> ScenarioError:
        return ScenarioError([node.problem(message, hint)])

    inside = "name a CSV file in the scenario's folder, for instance {table: stocks.csv}"
    if not isinstance(name, str) or not name or not name.isprintable():
        raise refuse("a table is named by its file", inside)
    if folder is None:
        raise refuse("a table can only be used by a scenario that is a file")
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "~")) or ":" in parts[0] or ".." in parts:
        raise refuse(f"the table {quoted(name)} lies outside of the scenario's folder", inside)
    try:
        path = (folder / Path(*parts)).resolve()
        if not path.is_relative_to(folder):
            raise refuse(f"the table {quoted(name)} leads outside of the scenario's folder", inside)
        if not path.exists():
            near = [it.name for it in folder.iterdir() if it.suffix.lower() == ".csv"][:100]
            raise refuse(
                f"there is no file {quoted(name)} in the scenario's folder",
                suggest(name, near, "tables there are"),
            )
        if not path.is_file():
            raise refuse(f"{quoted(name)} is not a file", inside)
        if path.stat().st_size > MAX_BYTES:
            raise refuse(f"the table {quoted(name)} is larger than {MAX_BYTES // 1_000_000} MB")
    except (OSError, RuntimeError, ValueError) as error:
        said = getattr(error, "strerror", None) or "cannot be opened"
        raise refuse(f"the table {quoted(name)}: {said}", inside) from None
    return path


def _decode(file: Any, table: Table) -> Iterator[str]:
    """Yield the lines of a UTF-8 file, noting where each starts."""
    offset = 0
    for number, raw in enumerate(file):
        table.offsets.append(offset)
        if offset + len(raw) > MAX_BYTES:
            raise ScenarioError([table.problem(number, -1, "the table grew while it was read")])
        offset += len(raw)
        if number == 0 and raw.startswith(WORKBOOK):
            said = "is a workbook or another packed file, not CSV"
            raise ScenarioError([Problem(table.name, 0, 0, said, "save it as CSV UTF-8")])
        try:
            line = raw.decode("utf-8-sig" if number == 0 else "utf-8")
        except UnicodeDecodeError:
            raise ScenarioError(
                [table.problem(number, -1, "this line is not UTF-8 text", "save the file as UTF-8")]
            ) from None
        if "\0" in line:
            raise ScenarioError(
                [
                    table.problem(
                        number, -1, "this line holds NUL characters", "save the file as UTF-8"
                    )
                ]
            )
        yield line


def _required(part: type[Part]) -> list[str]:
    return [it.alias or key for key, it in part.model_fields.items() if it.is_required()]


def _names_of_today(table: Table, line: int, header: list[str], part: type[Part]) -> list[str]:
    """Return the header with keys of today in place of their old names."""
    names = []
    for column, word in enumerate(header):
        new = old_name(part, word)
        if new in header:
            node = Node("scalar", word, table, line, column, word)
            raise ScenarioError([beside(node, word, str(new))])
        if new is not None:
            tell(table.problem(line, column, renamed(word, new)))
        names.append(new or word)
    return names


def _check_header(table: Table, line: int, header: list[str], part: type[Part]) -> list[Kind]:
    """Return how the cells of each column are read, or refuse the header."""
    kinds = columns(part)
    problems = []
    meant = set()
    for column, key in enumerate(header):
        if not key:
            problems.append(table.problem(line, column, *UNNAMED))
        elif key not in kinds:
            hint = suggest(key, kinds, "columns")
            meant.add(nearest(key, kinds))
            problems.append(table.problem(line, column, f"unknown column {quoted(key)}", hint))
        elif key in header[:column]:
            problems.append(table.problem(line, column, f"the column {quoted(key)} is here twice"))
    missing = [key for key in _required(part) if key not in header and key not in meant]
    if missing:
        one = len(missing) == 1
        said = f"{enumerate_words(missing)} {'is' if one else 'are'} missing"
        hint = f"columns: {enumerate_words(list(kinds))}"
        said = f"the {'column' if one else 'columns'} {said}"
        problems.append(table.problem(line, -1, said, hint))
    if problems:
        raise ScenarioError(problems)
    return [kinds[key] for key in header]


def _csv_message(said: str) -> str:
    if "field larger" in said:
        return "a cell here is longer than 131,072 characters"
    if "unexpected end" in said:
        return "a double quote is opened and never closed"
    if "new-line" in said:
        return "the lines of this file end in a way of old Macs; save it as CSV UTF-8"
    if "expected after" in said:
        return "text follows a closing double quote"
    return "this line is not CSV"


def _cell_start(line: str, column: int) -> int:
    """Return the 0-based character at which a cell's text starts."""
    at, in_quotes = 0, False
    start = 0
    for position, character in enumerate(line):
        if character == '"':
            in_quotes = not in_quotes
        elif character == "," and not in_quotes:
            at += 1
            if at > column:
                break
            start = position + 1
    if at < column:
        return 0
    return start + len(line[start:]) - len(line[start:].lstrip())
