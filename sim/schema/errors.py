"""Problems of a scenario file, as text that a user can act on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, Literal

WIDTH: Final = 96
"""Columns that a shown source line may fill, margin included."""
SHOWN: Final = 200
"""Problems that one error prints; the rest are counted."""
MAX_MESSAGE: Final = 400
"""Characters of a message or hint that are shown."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where."""

    file: str
    """The file as the user named it, or the override (`-s PATH=VALUE`)."""
    line: int
    """1-based; 0: the file as a whole."""
    column: int
    """1-based, in characters; 0: the line as a whole."""
    message: str
    """What is wrong, in one sentence."""
    hint: str = ""
    """What to write instead; empty where nobody can know."""
    source_line: str = ""
    """The line of the file, unshortened."""
    level: Literal["error", "warning"] = "error"
    """Whether the scenario cannot be used, or only should be changed."""

    def __str__(self) -> str:
        """Return the problem as printed: place, message, line, caret, hint."""
        place = printable(self.file, MAX_MESSAGE)
        if self.line:
            place += f":{self.line}"
            if self.column:
                place += f":{self.column}"
        lines = [f"{place}: {self.level}: {printable(self.message, MAX_MESSAGE)}"]
        if self.line and self.source_line.strip():
            lines += _excerpt(self.line, self.column, self.source_line)
        if self.hint:
            lines.append(f"  hint: {printable(self.hint, MAX_MESSAGE)}")
        return "\n".join(lines)


class OldNameWarning(FutureWarning):
    """A scenario states a key by its old name; the argument is a `Problem`, or a sentence."""


class ScenarioError(Exception):
    """A scenario that cannot be used, with all its problems.

    Attributes:
        problems: what is wrong, each once, in order of position.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Sort the problems by position and drop repeated ones.

        Args:
            problems: at least one.
        """
        files: dict[str, int] = {}
        unique = dict.fromkeys(problems)
        for problem in unique:
            files.setdefault(problem.file, len(files))
        self.problems: tuple[Problem, ...] = tuple(
            sorted(
                unique,
                key=lambda it: (it.file.startswith("-s "), files[it.file], it.line, it.column),
            )
        )
        super().__init__(self.problems)

    def __str__(self) -> str:
        """Return every problem as printed, one under the other."""
        texts = [str(problem) for problem in self.problems[:SHOWN]]
        if len(self.problems) > SHOWN:
            texts.append(f"... and {len(self.problems) - SHOWN} more problems")
        return "\n".join(texts)


def printable(text: str, limit: int | None = None) -> str:
    """Return text that cannot disturb a terminal.

    Args:
        text: anything a file may hold.
        limit: characters kept; longer text is cut in the middle.

    Returns:
        The text with control, formatting and unpaired surrogate characters written as escapes.
    """
    if limit is not None and len(text) > limit:
        text = f"{text[: limit * 2 // 3]}...{text[-limit // 4 :]}"
    return "".join(_glyph(character) for character in text)


def quoted(text: str, limit: int = 40) -> str:
    """Return text in single quotes, shortened, fit for a message.

    Args:
        text: anything a file may hold.
        limit: characters kept.

    Returns:
        For instance `'gr_wal'`.
    """
    if len(text) > limit:
        text = text[: limit - 3] + "..."
    return f"'{printable(text)}'"


def nearest(word: str, allowed: Iterable[str]) -> str | None:
    """Find the allowed word that a misspelt one most likely meant.

    Args:
        word: as written.
        allowed: the right words.

    Returns:
        The nearest one; None where none is near.
    """
    if len(word) > 100:
        return None
    words = list(dict.fromkeys(allowed))
    word = visible(word)
    for found in words:
        if found.casefold() == word.casefold():
            return found
    if len(words) > 5000:  # difflib takes about 10 us a word
        words = [it for it in words if it[:1].casefold() == word[:1].casefold()][:5000]
    lowered: dict[str, str] = {}
    for it in words:
        lowered.setdefault(it.casefold(), it)
    cutoff = 0.6 if len(word) <= 4 else 0.72  # `DAM` for `DAN`, but not `places` for `packages`
    close = get_close_matches(word.casefold(), list(lowered), n=1, cutoff=cutoff)
    return lowered[close[0]] if close else None


def suggest(word: str, allowed: Iterable[str], what: str = "allowed") -> str:
    """Return the hint for a word that is not among the allowed ones.

    Args:
        word: as written.
        allowed: the right words.
        what: what the list of them is called, where no word is near.

    Returns:
        `did you mean 'barrier'?`, or the list; empty where there is nothing to choose from.
    """
    words = list(dict.fromkeys(allowed))
    near = nearest(word, words)
    if near is not None:
        return f"did you mean '{near}'?{_alien(word) if near.isascii() else ''}"
    if not words:
        return ""
    return f"{what}: {enumerate_words(words)}"


def visible(text: str) -> str:
    """Return text without the spaces around it and without characters that cannot be seen.

    Args:
        text: as written, for instance as copied from a web page.
    """
    return "".join(it for it in text if it.isprintable() or it.isspace()).strip()


def _alien(word: str) -> str:
    """Say which characters only look as if they were right, if any letter is not of English."""
    found = [it for it in dict.fromkeys(word) if not it.isascii()]
    if not found:
        return ""
    named = ", ".join(f"U+{ord(it):04X}" for it in found[:5])
    return f" (it holds {named}: not the letters a to z)"


def enumerate_words(words: Sequence[str], limit: int = 400) -> str:
    """Return words with commas between them, cut after some hundred characters.

    Args:
        words: in the order to show.
        limit: characters.

    Returns:
        For instance `day, week, month`.
    """
    shown: list[str] = []
    length = 0
    for word in words:
        length += len(word) + 2
        if length > limit:
            shown.append(f"... ({len(words)} in all)")
            break
        shown.append(word)
    return ", ".join(shown)


def _glyph(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _cells(text: str) -> int:
    """Return the terminal columns that text fills, East Asian wide characters counted double."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width  # only where it is needed

    return sum(
        0 if combining(character) else 2 if east_asian_width(character) in "WF" else 1
        for character in text
    )


def _excerpt(line: int, column: int, source_line: str) -> list[str]:
    """Return the source line, windowed around the column, and the caret below it."""
    margin = f"{line:>5} | "
    room = WIDTH - len(margin)
    at = min(max(column - 1, 0), len(source_line))
    # No character fills less than no column: more of them than `room` each way cannot be shown
    # (combining ones apart, of which nobody needs as many).
    before = [_glyph(it) for it in source_line[max(0, at - 2 * room) : at].replace("\t", " ")]
    after = [_glyph(it) for it in source_line[at : at + 2 * room].rstrip().replace("\t", " ")]
    to_come = sum(map(_cells, after))
    # The caret stands at two thirds of the window at least, so that what led to it can be read.
    lead = _fitting(before[::-1], max(room * 2 // 3, room - to_come))[::-1]
    cut = "..." if len(lead) < at else ""
    shown = cut + "".join(lead[len(cut) :])
    tail = _fitting(after, room - _cells(shown))
    if len(tail) < len(after):
        tail = [*_fitting(after, room - _cells(shown) - 3), "..."]
    lines = [f"{margin}{shown}{''.join(tail)}".rstrip()]
    if column:
        lines.append(f"{' ' * (len(margin) - 2)}| {' ' * _cells(shown)}^")
    return lines


def _fitting(glyphs: list[str], room: int) -> list[str]:
    """Return the first glyphs that fit into so many columns."""
    for n, glyph in enumerate(glyphs):
        room -= _cells(glyph)
        if room < 0:
            return glyphs[:n]
    return glyphs
