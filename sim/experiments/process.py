"""A worker process as the sweep sees it: start, requests, answers, and the end."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any, Final

WORKER: Final = (sys.executable, "-m", "sim.experiments.worker")
ONE_THREAD: Final = dict.fromkeys(
    (
        "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS", "ARROW_NUM_THREADS",
    ),
    "1",
)  # fmt: skip
"""Environment in which libraries keep to one thread: workers share the machine by process."""


@dataclass
class Worker:
    """A worker process, and what it is doing."""

    process: subprocess.Popen[str]
    errors: IO[bytes]
    ready: bool = False
    """Whether it has said that it is ready for units."""
    unit: int | None = None
    """The unit that it was given; none: it waits, or has been told to end."""
    run: int | None = None
    """The run of that unit in progress; none: it is between two."""
    since: float = 0.0
    """When that run began, on the monotonic clock."""
    ran: int = 0
    """Runs of the unit that it has done."""
    verdict: str | None = None
    """Why the sweep ended it, if it did."""


Inbox = queue.SimpleQueue[tuple[Worker, dict[str, Any] | None]]
"""Answers of workers, in the order in which they come; None when a worker has ended."""


def start(command: Sequence[str], inbox: Inbox) -> Worker:
    """Start a worker, whose answers go into an inbox.

    Args:
        command: program and arguments.
        inbox: is given (worker, answer) for each line that the worker writes, and (worker, None)
            when it has ended.
    """
    errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        encoding="utf-8",
        env={**os.environ, **ONE_THREAD},
    )
    worker = Worker(process, errors)
    threading.Thread(target=_relay, args=(worker, inbox), daemon=True).start()
    return worker


def _relay(worker: Worker, inbox: Inbox) -> None:
    """Pass a worker's answers on, and its end."""
    with suppress(ValueError, OSError):
        for line in worker.process.stdout or ():
            inbox.put((worker, json.loads(line)))
    inbox.put((worker, None))


def send(worker: Worker, line: str) -> None:
    """Send a request; if the worker has died, the inbox will say so."""
    with suppress(OSError):
        stream = worker.process.stdin
        assert stream is not None
        stream.write(line + "\n")
        stream.flush()


def close(worker: Worker) -> tuple[int, str]:
    """Wait for a worker's end and close its pipes.

    Returns:
        Its exit code, and the last line that it wrote to stderr.
    """
    code = worker.process.wait()
    for stream in (worker.process.stdin, worker.process.stdout):
        if stream is not None:
            with suppress(OSError, ValueError):
                stream.close()
    worker.errors.seek(max(0, worker.errors.seek(0, os.SEEK_END) - 2000))
    lines = worker.errors.read().decode("utf-8", errors="replace").strip().splitlines()
    worker.errors.close()
    return code, lines[-1] if lines else ""
