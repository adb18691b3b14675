"""CSV files of other programs, with the position of every cell for messages."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sim.schema.errors import Problem, ScenarioError, quoted, suggest


@dataclass(frozen=True)
class Row:
    """One line of a file, as stripped cells."""

    sheet: Sheet
    line: int
    """0-based."""
    cells: list[str]

    def get(self, column: int) -> str:
        """Text of a cell; empty where the line ends before it."""
        return self.cells[column] if column < len(self.cells) else ""

    def problem(self, column: int, message: str, hint: str = "") -> None:
        """Note a problem at a cell."""
        self.sheet.problem(self.line, column, message, hint)

    def number(
        self, column: int, what: str, least: float = -math.inf, most: float = math.inf,
        empty: float | None = None,
    ) -> float:  # fmt: skip
        """Read a number; where there is none, note a problem and return 0.

        Args:
            column: 0-based.
            what: what the number is, for messages.
            least, most: range.
            empty: value of an empty cell; None: it has to be stated.
        """
        text = self.get(column)
        if not text and empty is not None:
            return empty
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            bounds = f"{least:g} or more" if most == math.inf else f"from {least:g} to {most:g}"
            bounds = "a number" if least == -math.inf else bounds
            self.problem(column, f"{what} is {quoted(text)}, where {bounds} is expected")
            return 0.0
        return value

    def day(self, column: int, what: str) -> date:
        """Read a date; where there is none, note a problem and return the first day there is."""
        try:
            return date.fromisoformat(self.get(column)[:10])
        except ValueError:
            text = quoted(self.get(column))
            self.problem(column, f"{what} is {text}, where a day like 2012-02-29 is expected")
            return date.min

    def one_of(self, column: int, what: str, words: Iterable[str]) -> str:
        """Read one of several words, without regard to case."""
        text, allowed = self.get(column), list(words)
        if text.casefold() in (it.casefold() for it in allowed):
            return next(it for it in allowed if it.casefold() == text.casefold())
        self.problem(column, f"{what} is {quoted(text)}", suggest(text, allowed))
        return ""


class Sheet:
    """A CSV file, and what is wrong with it."""

    def __init__(self, path: Path, problems: list[Problem], *, needed: bool = True) -> None:
        """Read a file.

        Args:
            path: where it is, as messages name it.
            problems: what is wrong is added there.
            needed: whether it is a problem that there is no such file.
        """
        self.path = path
        self.problems = problems
        self.lines: list[str] = []
        try:
            self.lines = path.read_bytes().decode("utf-8-sig").splitlines()
        except FileNotFoundError:
            if needed:
                problems.append(Problem(str(path), 0, 0, "there is no such file"))
        except UnicodeDecodeError as error:
            message = f"byte {error.start + 1:,} is not UTF-8 text"
            problems.append(Problem(str(path), 0, 0, message, "save the file as UTF-8"))
        except OSError as error:
            problems.append(Problem(str(path), 0, 0, f"cannot be read: {error.strerror}"))

    def header(self) -> Row | None:
        """The first line, its mark `#` taken away."""
        found = next((i for i, it in enumerate(self.lines) if it.strip()), None)
        if found is None:
            return None
        return Row(self, found, _cells(self.lines[found].replace("#", "", 1)))

    def rows(self, least: int, first: str = "") -> list[Row]:
        """Lines with data: blank lines and those that start with `#` are none.

        Args:
            least: fewest cells of a line.
            first: word of the first cell by which a header without `#` is known.
        """
        found = []
        for number, line in enumerate(self.lines):
            cells = _cells(line)
            if line.lstrip().startswith("#") or not any(cells) or (first and cells[0] == first):
                continue
            if len(cells) < least:
                message = f"the line has {len(cells)} cells, where {least} or more are expected"
                self.problem(number, -1, message)
                continue
            found.append(Row(self, number, cells))
        return found

    def problem(self, line: int, column: int, message: str, hint: str = "") -> None:
        """Note a problem at a cell; column -1: the line as a whole."""
        text = self.lines[line]
        at = 0
        if column >= 0:
            at = 1 + len(",".join(text.split(",")[:column])) + (column > 0)
        self.problems.append(Problem(str(self.path), line + 1, at, message, hint, text))


def _cells(line: str) -> list[str]:
    return [it.strip() for it in next(csv.reader([line]), [])]


def refuse(problems: list[Problem]) -> None:
    """Refuse data with problems.

    Raises:
        ScenarioError: there are any.
    """
    if problems:
        raise ScenarioError(problems)
