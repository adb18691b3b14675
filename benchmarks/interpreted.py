"""The same kernels interpreted by Python, in a process of its own where nothing is compiled."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from inspect import signature
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from benchmarks import asking
from benchmarks.kernels import find

ROOT = Path(__file__).parents[1]


def interpret(folder: Path, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Find moves and refusals in Python.

    Args:
        folder: Scratch space.
        calls: Arguments by name of each call of `benchmarks.kernels.find`.

    Returns:
        Of each call: `events` (columns, as far as written), `evaluated` (rows of the households
        answered in full, repeated for each time) and `seconds` of CPU time.
    """
    path = folder / "calls.pickle"
    path.write_bytes(pickle.dumps(calls))
    subprocess.run(
        [sys.executable, "-m", "benchmarks.interpreted", str(path)],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        cwd=ROOT,
        check=True,
    )
    result: list[dict[str, Any]] = pickle.loads(path.read_bytes())
    return result


def main(path: Path) -> None:
    """Make the calls that a file holds and put their results in its place."""
    answer_at = asking.answer_at
    at = list(signature(answer_at).parameters).index("house")
    evaluated: list[int] = []

    def noted(*args: Any) -> Any:
        evaluated.append(int(args[at]))
        return answer_at(*args)

    results = []
    for call in pickle.loads(path.read_bytes()):
        evaluated.clear()
        # The hash wraps round 64 bits on purpose, and raised bounds are infinite ones in the first
        # sieve; NumPy's scalars warn of both where compiled code does not.
        with np.errstate(all="ignore"), mock.patch.object(asking, "answer_at", noted):
            start = time.thread_time()
            found = find(**call)
            seconds = time.thread_time() - start
        events = {name: column[:found] for name, column in call["events"]._asdict().items()}
        rows = np.array(evaluated, np.int64)
        results.append({"events": events, "evaluated": rows, "seconds": seconds})
    path.write_bytes(pickle.dumps(results))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
