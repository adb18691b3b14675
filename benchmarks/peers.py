"""Peers: SIR models of LASER and Starsim beside the decision kernel, all on one core.

An update of SIR is far less than a decision among 50 alternatives: the comparison is with how fast
others go through their agents at all. `make bench-peers` installs them in a venv of their own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

from benchmarks.decision import kernel_arguments, synthetic_decision
from benchmarks.gated import stepping
from benchmarks.kernels import find
from benchmarks.measure import LEAST, Mode, Row, of_world, show_rows
from benchmarks.whole import WARM, look_at
from benchmarks.worlds import Size

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
PEERS = {"laser": (1_000_000, ">= 4"), "starsim": (100_000, "")}
"""Persons, and what the kernel is to reach in persons a second over theirs."""
GOALS_OF_A_STEP = {"laser": ">= 1"}
"""The same of a whole step: the goal of `whole`, 11 ns, was LASER's pace where it was set."""
PERSONS = {"quick": 200_000, "usual": 1_000_000, "full": 1_000_000}
ABSENT = "not installed here; `make bench-peers` does that"


class Peer:
    """A peer's model in a process of its own."""

    def __init__(self, name: str, persons: int) -> None:
        one = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "SIM_CACHE_DIR")}
        self.process = subprocess.Popen(
            [str(PYTHON), str(Path(__file__).with_name("peer_models.py")), name, str(persons)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=kept | dict.fromkeys(one, "1"),
        )  # fmt: skip
        assert self.process.stdout is not None
        # A library may have something to say when it is first imported.
        line = next((line for line in self.process.stdout if line.startswith("{")), "")
        if not line:
            assert self.process.stderr is not None
            raise RuntimeError(self.process.stderr.read().strip().splitlines()[-1])
        self.said: dict[str, Any] = json.loads(line)

    def seconds(self) -> float:
        """CPU seconds of one person and step."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def measure(mode: Mode) -> dict[str, Any]:
    """Time peers and kernel in turn; a peer that is not there has a row that says so."""
    rows, world = [], None
    for name, (persons, goal) in PEERS.items():
        row = Row(f"{name}'s SIR / decide, a person", goal=goal)
        rows.append(row)
        if not PYTHON.exists():
            row.note = ABSENT
            continue
        try:
            peer = Peer(name, persons)
        except RuntimeError as error:
            row.note = str(error)
            continue
        if world is None:
            size = Size(persons=PERSONS[mode])
            asked = synthetic_decision(size)
            world = look_at(asked)
            arguments = kernel_arguments(asked)[0]
            walking, step = stepping(size)
            for _ in range(WARM):
                step()
        whole = Row(f"{name}'s SIR / whole step, a person", goal=GOALS_OF_A_STEP.get(name, ""))
        rows.append(whole)
        theirs: list[float] = []
        ours: tuple[list[float], list[float]] = ([], [])
        for _ in range(LEAST):
            theirs.append(peer.seconds())
            start = time.thread_time()
            for _ in range(5):
                find(**arguments)
            middle = time.thread_time()
            step()
            ours[0].append((middle - start) / 5 / len(asked[0].persons.pid))
            ours[1].append((time.thread_time() - middle) / len(walking.persons.pid))
        peer.close()
        for it, mine in zip((row, whole), ours, strict=True):
            it.a, it.b = statistics.median(theirs), statistics.median(mine)
            it.ratio = statistics.median(a / b for a, b in zip(theirs, mine, strict=True))
        row.note = f"{peer.said['package']}, {persons:,} agents, one thread"
    return {"rows": [row.plain() for row in rows], "world": world}


def show(found: dict[str, Any]) -> list[str]:
    """The section as text."""
    lines = show_rows(found["rows"], "A / B, CPU time a person and step")
    return lines if found["world"] is None else [*of_world(found["world"]), *lines]
