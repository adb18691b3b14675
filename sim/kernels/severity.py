"""The severity of threats through the days: disturbances, and relaxation towards a target."""

from __future__ import annotations

from typing import NamedTuple

from sim.core.jit import equation, kernel
from sim.core.state import F64, I64

HALF = 0.5
"""What is left of a severity after one half-life. It is passed as an argument: for a base that it
knows, a compiler takes another function of powers, whose last bits differ."""


class Courses(NamedTuple):
    """Disturbances, one row each; times are in days from the start of the run."""

    start: F64
    """Day of onset."""
    top: F64
    """Day on which the peak is reached."""
    decay: F64
    """Day on which decay sets in."""
    half_life: F64
    """Days."""
    peak: F64
    """Severity."""
    threat: I64
    first: I64
    """Row n is about the places `place[first[n]:first[n + 1]]`."""
    place: I64


@equation
def course(day, start, top, decay, half_life, peak, half):
    """Severity that a disturbance adds on a day: linear rise, plateau, exponential decay."""
    if day < start:
        return 0.0
    if day < top:
        return peak * (day - start) / (top - start)
    if day <= decay:
        return peak
    return peak * half ** ((day - decay) / half_life)


@kernel
def disturb(courses, first_day, half, added):
    """Add up what all disturbances add to severities in the middle of each day.

    Args:
        courses: `Courses`.
        first_day: First day.
        half: `HALF`.
        added: [day, place, threat] to be added to.
    """
    for n in range(len(courses.start)):
        for day in range(len(added)):
            severity = course(
                first_day + day + 0.5, courses.start[n], courses.top[n], courses.decay[n],
                courses.half_life[n], courses.peak[n], half,
            )  # fmt: skip
            for i in range(courses.first[n], courses.first[n + 1]):
                added[day, courses.place[i], courses.threat[n]] += severity


@kernel
def relax(coupling, steady, added, share, path):
    """Let severities move, day by day, towards their target, which is between 0 and 1.

    Args:
        coupling: [threat, other] what one unit of another threat adds to the target.
        steady: [place, threat] target without disturbances and coupling.
        added: [day, place, threat] what disturbances add to it.
        share: Part of the way that is gone in a day.
        path: [day + 1, place, threat] severity at the beginning of the first day, which is given,
            and at the end of each day: out.
    """
    n = path.shape[2]
    for day in range(added.shape[0]):
        for p in range(path.shape[1]):
            for k in range(n):
                target = steady[p, k] + added[day, p, k]
                for other in range(n):
                    target += coupling[k, other] * path[day, p, other]
                before = path[day, p, k]
                path[day + 1, p, k] = before + (min(max(target, 0.0), 1.0) - before) * share


@kernel
def add_up(severity, year, years):
    """Add up severities through the days.

    Args:
        severity: [day, place, threat].
        year: Days in a year.
        years: [day + 1, place, threat] out: years at severity 1 up to the beginning of each day.
    """
    years[0] = 0.0
    for day in range(severity.shape[0]):
        for p in range(severity.shape[1]):
            for k in range(severity.shape[2]):
                years[day + 1, p, k] = years[day, p, k] + severity[day, p, k] / year


@kernel
def products(factors, first, n, result):
    """Products of the factors of each subset of some threats.

    Args:
        factors: [day, place, threat].
        first, n: The first of these threats, and their number.
        result: [day, place, 2^n] out: bit k of the column says whether the k-th is in the subset.
    """
    for day in range(factors.shape[0]):
        for p in range(factors.shape[1]):
            result[day, p, 0] = 1.0
            for k in range(n):
                factor = factors[day, p, first + k]
                for subset in range(1 << k):
                    result[day, p, (1 << k) + subset] = result[day, p, subset] * factor
