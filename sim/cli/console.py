"""The terminal: printing, progress, Ctrl-C, and errors as sentences.

Results go to stdout; progress and errors go to stderr.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TextIO

import typer

from sim.schema.errors import OldNameWarning, Problem, ScenarioError, printable

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

OK: Final = 0
FAULT: Final = 1
BAD_INPUT: Final = 2
FAILED: Final = 3
INTERRUPTED: Final = 130

NARROWEST: Final = 20
"""A terminal said to be narrower than this has not told its width."""
USUAL: Final = 80

Progress = Callable[[int, int, str], None]


class BadInputError(Exception):
    """Something the user asked for cannot be done; the message is one sentence."""


def say(text: str) -> None:
    """Print a result, at once; if the reader has gone, as `head` does, that is no error."""
    try:
        print(text, flush=True)  # noqa: T201
    except BrokenPipeError:
        _mute(sys.stdout)


def complain(text: str) -> None:
    """Print an error or a progress message, above the bar where one is shown."""
    try:
        if _shown:
            _shown[-1].print(text)
            return
        print(text, file=sys.stderr, flush=True)  # noqa: T201
    except BrokenPipeError:
        _mute(sys.stderr)


_shown: list[Console] = []
"""The console of the bar that is shown, if one is."""


def _mute(stream: TextIO) -> None:
    """Discard further output to a stream, so that Python does not complain when it exits."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def say_json(value: object) -> None:
    """Print one JSON document."""
    say(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def show(renderable: RenderableType) -> None:
    """Print what rich can render, in the width of the terminal."""
    from rich.table import Table

    console = _rich_console(sys.stdout)
    if isinstance(renderable, Table) and console.width < (renderable.width or 0):
        _narrow(renderable, console.width)
    with console.capture() as captured:
        console.print(renderable)
    say(captured.get().rstrip("\n"))


def _narrow(table: Table, width: int) -> None:
    """Fit a table into a narrow terminal: drop bars, fold labels, keep figures complete."""
    table.width = width
    table.columns = [column for column in table.columns if str(column.header) or column.ratio]
    for i, column in enumerate(table.columns):
        column._index = i
        if column.ratio:
            column.no_wrap, column.overflow = False, "fold"


def problem_json(problem: Problem) -> dict[str, Any]:
    """Give a problem as JSON holds it."""
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "message": problem.message,
        "hint": problem.hint,
    }


@contextmanager
def _old_names_told(shown: bool) -> Iterator[None]:
    """Print warnings of old names as problems are printed, each once; others stay as they are."""
    usual = warnings.showwarning
    said: set[str] = set()

    def tell(message: Warning | str, category: type[Warning], *more: Any) -> None:
        if not issubclass(category, OldNameWarning):
            usual(message, category, *more)
        elif shown and str(message) not in said:
            said.add(str(message))
            complain(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("always", OldNameWarning)
        warnings.showwarning = tell  # type: ignore[assignment]
        yield


@contextmanager
def told_of_old_names() -> Iterator[list[Problem]]:
    """Collect the warnings of old names that are given, in addition to printing them."""
    told: list[Problem] = []
    usual = warnings.showwarning

    def collect(message: Warning | str, category: type[Warning], *more: Any) -> None:
        usual(message, category, *more)
        problem = message.args[0] if isinstance(message, OldNameWarning) else None
        if isinstance(problem, Problem) and problem not in told:
            told.append(problem)

    with warnings.catch_warnings():
        warnings.showwarning = collect  # type: ignore[assignment]
        yield told


@contextmanager
def progress_bar(text: str, shown: bool) -> Iterator[Progress]:
    """Show how far a run is: a bar on a terminal, else one line.

    Args:
        text: what is being done.
        shown: False where nothing but errors is wanted.

    Yields:
        What to call with (steps done, steps in all, what is being done).
    """
    text = printable(text)
    terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    if not (shown and terminal):
        if shown:
            complain(text)
        yield lambda *_: _stop_if_interrupted()
        return
    from rich import progress as bars

    console = _rich_console(sys.stderr)
    with bars.Progress(
        bars.TextColumn("{task.description}", markup=False),
        bars.BarColumn(bar_width=20),
        bars.TaskProgressColumn(),
        bars.TimeRemainingColumn(),
        console=console,
        transient=True,
        redirect_stdout=False,  # it would send results to the terminal's stderr
        redirect_stderr=False,
    ) as bar:
        task = bar.add_task(text, total=None)

        def advance(done: int, total: int, what: str) -> None:
            _stop_if_interrupted()
            bar.update(
                task, completed=done, total=total or None, description=printable(what) or text
            )

        _shown.append(console)
        try:
            yield advance
        finally:
            _shown.remove(console)


def _rich_console(stream: TextIO) -> Console:
    """Give a rich console that sends no escape codes where none are wanted."""
    from rich.console import Console

    plain = bool(os.environ.get("NO_COLOR")) or not stream.isatty()
    console = Console(
        file=stream, color_system=None if plain else "auto", markup=False, highlight=False
    )
    if console.width < NARROWEST:  # as where COLUMNS is 0
        console.width = USUAL
    return console


_interrupted = False
"""Set by Ctrl-C. Libraries swallow a KeyboardInterrupt at times, or turn it into another error."""


def _on_interrupt(_number: int, _frame: object) -> NoReturn:
    global _interrupted
    _interrupted = True
    # One is enough: a second one must not disturb the cleaning up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def was_interrupted() -> bool:
    """Whether Ctrl-C was pressed, even if a library swallowed it."""
    return _interrupted


def _stop_if_interrupted() -> None:
    if _interrupted:
        raise KeyboardInterrupt


def guarded(command: Callable[[], int], words: Sequence[str]) -> int:
    """Run a command so that it ends with an exit code, whatever happens.

    Args:
        command: what to run; it returns its exit code.
        words: the command line, which says whether JSON is wanted.

    Returns:
        The exit code: 0 ok, 1 an error in the simulator, 2 bad input, 3 some runs failed,
        130 interrupted.
    """
    # Where Ctrl-C is ignored, as under nohup, it stays so.
    catches = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if catches:
        signal.signal(signal.SIGINT, _on_interrupt)
    # A stream that was closed before we began discards its output.
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without a character shows a ?
    try:
        with _old_names_told(shown=not {"-q", "--quiet"} & set(words)):
            code = command()
        _stop_if_interrupted()
    except BaseException as error:
        if os.environ.get("SIM_DEBUG"):
            import traceback

            traceback.print_exc()
        code = _explain(error, words)
    if catches and not _interrupted:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return code


def _explain(error: BaseException, words: Sequence[str]) -> int:
    """Say in one sentence what went wrong.

    Returns:
        The exit code.
    """
    if isinstance(error, BrokenPipeError):
        _mute(sys.stdout)
        return OK
    if _interrupted or isinstance(error, (KeyboardInterrupt, typer.Abort)):
        more = str(error) if isinstance(error, KeyboardInterrupt) else ""
        text = "sim: interrupted" + (f"; {printable(more)}" if more else "")
        complain(f"\n{text}" if sys.stderr.isatty() else text)
        return INTERRUPTED
    text, code = _sentence(error)
    complain(text)
    if "--json" in words:
        problems = [problem_json(problem) for problem in getattr(error, "problems", ())]
        with suppress(OSError):  # the error may be that nothing can be printed
            say_json({"ok": False, "error": text, "problems": problems})
    return code


def _is_nowhere() -> bool:
    """Whether the folder that the program was started in is gone."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def _plainly(text: str) -> str:
    """Say what typer's libraries say of an option in the words of this program."""
    for pattern, words in _LIBRARY_WORDS:
        text = re.sub(pattern, words, text)
    if "unexpected extra" in text and re.search("[\u2010-\u2015\u2212]", text):
        text += "; options begin with '--', two plain hyphens"
    return printable(text.rstrip("."))


_LIBRARY_WORDS: Final = (
    (r"Input should be a valid integer.*", "write a whole number, for instance 2000"),
    (r"Input should be a valid number.*", "write a number, for instance 0.5"),
    (r"Input should be greater than or equal to (\S+)", r"it must be \1 or more"),
    (r"Input should be less than or equal to (\S+)", r"it must be \1 or less"),
)


def _sentence(error: BaseException) -> tuple[str, int]:
    """Give the text and the exit code for an error."""
    if hasattr(error, "format_message"):  # typer's own, on commands and options
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "sim"
        return f"sim: {_plainly(error.format_message())} (see {path} --help)", BAD_INPUT
    if isinstance(error, ScenarioError):
        return str(error), BAD_INPUT
    # These are heavy; if one was never imported, it raised nothing.
    store, run, record = (
        sys.modules.get(f"sim.results.{name}") for name in ("store", "run", "record")
    )
    ours: list[type[BaseException]] = [BadInputError]
    ours += [store.StoreError] if store else []
    ours += [run.NoTableError] if run else []
    ours += [record.UnlikeRunsError] if record else []
    if isinstance(error, tuple(ours)):
        return "sim: " + "\n".join(map(printable, str(error).splitlines())), BAD_INPUT
    if isinstance(error, FileNotFoundError) and not error.filename and _is_nowhere():
        return "sim: the folder that you are in no longer exists; go to another one", BAD_INPUT
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"sim: {printable(where + (error.strerror or str(error)).lower())}", BAD_INPUT
    if isinstance(error, MemoryError):
        return "sim: out of memory; try fewer --agents or --replicates", FAULT
    what = printable(f"{type(error).__name__}: {error}".strip(": ").replace("\n", " "))
    return f"sim: an error in the simulator ({what}); SIM_DEBUG=1 shows where", FAULT
