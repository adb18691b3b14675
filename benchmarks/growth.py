"""How time grows with persons, places and alternatives: fitted powers, and what sets each."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.decision import (
    answer,
    asking,
    count_alternatives,
    count_cells,
    count_evaluations,
    kernel_arguments,
    next_decision,
)
from benchmarks.measure import WIDTH, Mode, in_unit, of_world, slope
from benchmarks.whole import look_at, synthetic, time_steps
from benchmarks.worlds import Size
from sim.model.world import World

REPORT = Path(__file__).with_name("report")
PERSONS = {
    "quick": (10_000, 30_000, 100_000),
    "usual": (10_000, 30_000, 100_000, 300_000, 1_000_000),
    "full": (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000),
}
PLACES = {
    "quick": (10, 20, 40, 80),
    "usual": (10, 20, 50, 100, 200),
    "full": (10, 20, 50, 100, 200, 500, 1000, 2000),
}
FEW = 20_000
"""Persons of the worlds whose places grow."""
COUNTRIES = 5
COUNTRY_SCALE = {
    "quick": ((20, 40), (20_000, 60_000)),
    "usual": ((100, 200), (100_000, 500_000)),
    "full": ((100, 200), (1_000_000, 10_000_000)),
}
"""(places, persons) of the two-term formula, with 16 classes."""
CLASSES = 16
STEPS = 4
MUST = {"persons": 1.0, "places": 2.0, "alternatives": 1.0}
"""Powers that cannot be avoided: everybody is looked at; every pair of places has its utility,
which is A log A a place; a full answer weighs every alternative."""
PART_MUST = {"environment: look-ahead": 3.0}
"""The same of parts that must grow faster. W(d) is known by people's own origin: for each, a fixed
point over all pairs of places, which are all ways onward from anywhere (docs/model.md, 3.4)."""
SLACK, MATTERS = 0.2, 0.05
"""A power counts as greater beyond the first, and where a part makes up the second of a step."""


def of_persons(mode: Mode) -> dict[str, Any]:
    """Whole steps of worlds with more and more persons."""
    return fitted("persons", PERSONS[mode], [synthetic(Size(persons=n)) for n in PERSONS[mode]])


def of_places(mode: Mode) -> tuple[dict[str, Any], dict[str, Any]]:
    """Whole steps of worlds with more and more places; full answers with more alternatives."""
    worlds = [synthetic(Size(persons=FEW, places=n, countries=COUNTRIES)) for n in PLACES[mode]]
    places = fitted("places", PLACES[mode], worlds)
    alternatives, times = [], []
    for world in worlds:
        found = of_full_answer(world)
        alternatives.append(found[0])
        times.append(found[1])
    return places, {
        "what": "alternatives",
        "sizes": alternatives,
        "seconds": times,
        "slope": top_slope(alternatives, times),
        "must": MUST["alternatives"],
        "parts": {},
        "world": places["world"],
    }


def of_full_answer(world: World) -> tuple[float, float]:
    """(alternatives of the mean household, CPU seconds of one full answer)."""
    arguments, events = kernel_arguments(next_decision(world))
    quiet = np.setdiff1d(arguments["houses"], events["house"])
    drawn = np.sort(np.random.default_rng(1).choice(quiet, min(len(quiet), 500), replace=False))
    full = asking(arguments, drawn, full=True)
    answer(full)
    times = []
    for _ in range(5):
        start = time.thread_time()
        answer(full)
        times.append(time.thread_time() - start)
    return count_alternatives(arguments)[0], min(times) / count_evaluations(full)


def top_slope(x: Any, y: Any) -> float:
    """Power over the larger half of the sizes, where what is fixed hides least."""
    half = len(x) // 2
    return slope(x[half:] if len(x) - half > 1 else x, y[half:] if len(x) - half > 1 else y)


def fitted(what: str, sizes: tuple[int, ...], worlds: list[World]) -> dict[str, Any]:
    """Time worlds of growing size, and fit powers to the step and each of its parts."""
    runs = [time_steps(world, 2, STEPS) for world in worlds]
    seconds = [run["seconds_mean"] for run in runs]
    parts: dict[str, Any] = {}
    for stage, inner in runs[-1]["parts"].items():
        for part in inner:
            times = [run["parts"][stage].get(part, 0.0) for run in runs]
            if min(times) > 0 and times[-1] / seconds[-1] >= MATTERS:
                parts[f"{stage}: {part}"] = {
                    "share": times[-1] / seconds[-1],
                    "slope": top_slope(sizes, times),
                    "must": PART_MUST.get(f"{stage}: {part}", MUST[what]),
                    "seconds": times,
                }
    return {
        "what": what,
        "sizes": list(sizes),
        "seconds": seconds,
        "slope": top_slope(sizes, seconds),
        "must": MUST[what],
        "parts": dict(sorted(parts.items(), key=lambda item: -item[1]["share"])),
        "world": look_at(next_decision(worlds[-1])),
    }


def two_terms(mode: Mode) -> dict[str, Any]:
    """A step at country scale: a ns a person + b ns a (cell x alternative).

    Cells are those in which anybody is, as one would have it, or all of place x origin x class, for
    which tables are built whether or not anybody is there.
    """
    rows = []
    places, persons = COUNTRY_SCALE[mode]
    for p in places:
        for n in persons:
            world = synthetic(Size(persons=n, places=p, countries=p // 5, classes=CLASSES))
            seconds = time_steps(world, 2, STEPS)["seconds_mean"]
            arguments, _ = kernel_arguments(next_decision(world))
            mean, most = count_alternatives(arguments)
            rows.append(
                {
                    "places": p,
                    "persons": len(world.persons.pid),
                    "households": len(arguments["houses"]),
                    "cells": count_cells(arguments),
                    "all_cells": p * p * CLASSES,
                    "alternatives_mean": mean,
                    "alternatives_most": most,
                    "seconds": seconds,
                }
            )
    return {
        "classes": CLASSES,
        "rows": rows,
        "occupied": two_terms_over("cells", rows),
        "all": two_terms_over("all_cells", rows),
    }


def two_terms_over(cells: str, rows: list[dict[str, Any]]) -> dict[str, float]:
    """Fit a person and a (cell x alternative) by least relative errors: every size counts alike."""
    terms = np.array([[row["persons"], row[cells] * row["alternatives_mean"]] for row in rows])
    y = np.array([row["seconds"] for row in rows])
    (a, b), *_ = np.linalg.lstsq(terms / y[:, None], np.ones(len(y)), rcond=None)
    if a < 0:  # persons do not show beside the tables
        a, b = 0.0, float((y / terms[:, 1]).mean())
    errors = terms @ np.array([a, b]) / y - 1.0
    return {
        "a_ns_per_person": float(a * 1e9),
        "b_ns_per_cell_alternative": float(b * 1e9),
        "greatest_error": float(np.abs(errors).max()),
    }


def measure(mode: Mode) -> dict[str, Any]:
    """Fit all, and draw what was fitted."""
    persons = of_persons(mode)
    places, alternatives = of_places(mode)
    found = {"curves": [persons, places, alternatives], "country_scale": two_terms(mode)}
    if mode != "quick":
        draw(found["curves"])
    return found


def sentence(curve: dict[str, Any]) -> str:
    """What sets the growth, and what grows faster than it must."""
    name, must = curve["what"], curve["must"]
    if not curve["parts"]:
        return f"A full answer weighs each alternative once: power {curve['slope']:.2f}."
    first = next(iter(curve["parts"]))
    share = curve["parts"][first]["share"]
    text = f"At the largest size {first} takes most of the step ({share:.0%})."
    fast = [
        f"{part} ({it['slope']:.2f})"
        for part, it in curve["parts"].items()
        if it["slope"] > it["must"] + SLACK
    ]
    but = [
        f"{part} ({it['slope']:.2f}), whose sums must grow with {it['must']:g}"
        for part, it in curve["parts"].items()
        if it["must"] > must
    ]
    if fast:
        return f"{text} Faster than it must grow: {', '.join(fast)}."
    rest = f" but {', '.join(but)}" if but else ""
    return f"{text} Nothing grows faster than {name}^{must:g}{rest}."


def show(found: dict[str, Any]) -> list[str]:
    """The section as text."""
    lines: list[str] = []
    for curve in found["curves"]:
        unit = "full answer" if curve["what"] == "alternatives" else "step"
        pairs = zip(curve["sizes"], curve["seconds"], strict=True)
        times = ", ".join(f"{n:,.0f}: {in_unit(t)}" for n, t in pairs)
        lines += [
            (
                f"{curve['what']}: a {unit} grows with power {curve['slope']:.2f}"
                f" (it must with {curve['must']:g})"
            ),
            f"  {times}",
            *wrapped(sentence(curve)),
            "  The largest:",
            *of_world(curve["world"]),
        ]
    it = found["country_scale"]
    lines.append(f"Country scale, {it['classes']} classes, a step:")
    for which in ("occupied", "all"):
        fit = it[which]
        lines.append(
            f"  {fit['a_ns_per_person']:.1f} ns a person"
            f" + {fit['b_ns_per_cell_alternative']:.2f} ns a ({which} cell x alternative),"
            f" within {fit['greatest_error']:.0%}"
        )
    for row in it["rows"]:
        lines.append(
            f"  {row['persons']:>10,} persons, {row['households']:,} households,"
            f" {row['places']} places, {row['cells']:,} cells,"
            f" {row['alternatives_mean']:.0f} alternatives: {in_unit(row['seconds'])}"
        )
    return lines


def wrapped(text: str) -> list[str]:
    """Text in lines of the usual width."""
    lines = [" "]
    for word in text.split():
        if len(lines[-1]) + len(word) >= WIDTH:
            lines.append(" ")
        lines[-1] += f" {word}"
    return lines


def compact(size: float) -> str:
    """A size in few letters: 300, 10 k, 3 M."""
    for factor, letter in ((1e6, " M"), (1e3, " k")):
        if size >= factor:
            return f"{size / factor:.0f}{letter}"
    return f"{size:.0f}"


def draw(curves: list[dict[str, Any]]) -> None:
    """Plot times over that of the smallest size, so that nothing depends on the machine."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(11, 3.8), layout="constrained")
    for axis, curve in zip(axes, curves, strict=True):
        x, y = np.array(curve["sizes"], float), np.array(curve["seconds"])
        guide = (x / x[-1]) ** curve["must"] * y[-1] / y[0]
        axis.loglog(x, guide, color=".7", lw=1, ls="--", label=f"power {curve['must']:g}")
        for name, it in list(curve["parts"].items())[:3]:
            axis.loglog(x, np.array(it["seconds"]) / y[0], lw=1, label=name)
        what = "a full answer" if curve["what"] == "alternatives" else "a step"
        axis.loglog(x, y / y[0], "o-", color="k", lw=1.5, ms=4, label=what)
        axis.set_xticks(x, [compact(size) for size in x])
        axis.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axis.minorticks_off()
        axis.set_xlabel(curve["what"])
        axis.set_title(f"power {curve['slope']:.2f} over the larger half", fontsize=10)
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(fontsize=7, frameon=False)
    axes[0].set_ylabel("time over that at the smallest size")
    REPORT.mkdir(exist_ok=True)
    figure.savefig(REPORT / "growth.png", dpi=130, metadata={"Software": None})
    plt.close(figure)
