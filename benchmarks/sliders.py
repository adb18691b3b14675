"""How long a slider of the notebooks takes to answer: the run and its picture, all in Python.

The notebooks' own cells are run and their functions called, as moving the slider does; what Jupyter
adds to it is not in it.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from contextlib import chdir, redirect_stdout
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

from benchmarks.measure import Mode

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
GOAL = 300.0
"""Milliseconds."""
TIMES = {"quick": 1, "usual": 9, "full": 9}
"""Rounds over the positions of each slider; before them each is moved once to warm up."""
POSITIONS: dict[str, dict[str, list[dict[str, Any]]]] = {
    "1_seven_threats": {
        "show": [
            {"threat": threat, "severity": severity, "share": 0.6}
            for threat in ("food", "personal")
            for severity in (0.0, 0.5, 1.0)
        ]
    },
    "2_choice_or_necessity": {
        "show": [{"money": money, "number": 0.02} for money in (0.0, 500.0, 1500.0)],
        "show_all": [{"income": income} for income in (300, 1500, 3000)],
    },
    "3_the_wall_moves_the_flow": {"show": [{"barrier": it} for it in (0.0, 0.5, 0.9)]},
}
"""Positions of every slider, by notebook and function."""


def answer(call: Callable[..., None], position: dict[str, Any]) -> float:
    """Move a slider once; in milliseconds."""
    start = time.perf_counter()
    with redirect_stdout(StringIO()):
        call(**position)
    return 1000 * (time.perf_counter() - start)


def measure(mode: Mode) -> dict[str, Any]:
    """Move every slider to its positions."""
    if find_spec("ipywidgets") is None:
        return {"absent": "ipywidgets is not installed (pip install 'human-security-sim[teach]')"}
    sys.path.insert(0, str(NOTEBOOKS))  # as Jupyter does: the lessons' pictures are a module there
    rows = []
    for name, functions in POSITIONS.items():
        source = (NOTEBOOKS / f"{name}.py").read_text(encoding="utf-8")
        with chdir(NOTEBOOKS), redirect_stdout(StringIO()):
            cells: dict[str, Any] = {"__name__": name}
            exec(compile(source, name, "exec"), cells)
            for function, positions in functions.items():
                for position in positions:
                    answer(cells[function], position)
                taken = [
                    answer(cells[function], position)
                    for _ in range(TIMES[mode])
                    for position in positions
                ]
                rows.append(
                    {"notebook": name, "slider": function, "n": len(taken),
                     "median": statistics.median(taken), "most": max(taken)}
                )  # fmt: skip
    return {"rows": rows, "goal": GOAL}


def show(found: dict[str, Any]) -> list[str]:
    """The section as text."""
    if "absent" in found:
        return [found["absent"]]
    return [
        f"Milliseconds from a move of a slider to its picture   goal <= {GOAL:g}",
        f"  {'notebook':<28}{'slider':<10}{'median':>8}{'most':>8}",
        *(
            f"  {it['notebook']:<28}{it['slider']:<10}{it['median']:>8.0f}{it['most']:>8.0f}"
            for it in found["rows"]
        ),
    ]
