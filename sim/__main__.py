"""Start of the command line: `sim`, or `python -m sim`."""

from __future__ import annotations

import gc
import logging
import os
import re
import sys
import warnings

ALLOCATIONS = 200_000
"""Objects made between two searches for cycles: importing makes many, and all of them stay."""


def main() -> int:
    """Run the command line.

    Returns:
        The exit code: 0 ok, 1 a fault of ours, 2 bad input, 3 some runs failed, 130 interrupted.
    """
    gc.set_threshold(ALLOCATIONS)
    # Pictures go to files, whatever screen the environment names.
    os.environ["MPLBACKEND"] = "agg"
    drop_impossible_threads()
    if not os.environ.get("SIM_DEBUG"):
        # Warnings of libraries are for their programmers, and must not end a run where the
        # environment makes them errors.
        warnings.simplefilter("ignore")
        logging.getLogger("matplotlib").setLevel(logging.ERROR)
    try:
        # Inside, so that Ctrl-C is caught while this is imported.
        from sim.cli.app import main as command_line

        return command_line()
    except KeyboardInterrupt:
        print("sim: interrupted", file=sys.stderr)  # noqa: T201
        return 130
    finally:
        # What is left goes with the process: to search it for cycles first takes half a second.
        gc.freeze()


def drop_impossible_threads() -> None:
    """Leave out a number of threads below 1, as some clusters set: numba would fail on it."""
    said = os.environ.get("NUMBA_NUM_THREADS", "")
    if re.fullmatch(r"\s*(-\s*\d+|[-+]?0+)\s*", said):
        del os.environ["NUMBA_NUM_THREADS"]


if __name__ == "__main__":
    sys.exit(main())
