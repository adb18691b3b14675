"""Threats: indicators that give them, and whether their coupling is stable."""

from __future__ import annotations

from math import exp, log

from sim.core.terms import Threat
from sim.scenario.checks.checker import Checker
from sim.scenario.document import Path
from sim.scenario.resolve import resolve_exposure
from sim.schema import Exposure


def check_indicators(ck: Checker) -> None:
    """Scales of length 0, and logarithms of values that have none."""
    for i, it in enumerate(ck.scenario.indicators):
        if it.zero == it.one:
            ck.add(("indicators", i, "one"), f"{{}} = {it.one:g} is also the value that means 0")
        if it.transform == "log":
            hint = "a logarithm needs values above 0"
            for key, value in (("zero", it.zero), ("one", it.one)):
                if value <= 0:
                    ck.add(("indicators", i, key), f"{{}} = {value:g} has no logarithm", hint)
            for key, value in it.values.items():
                if value <= 0:
                    path: Path = ("indicators", i, "values", key)
                    ck.add(path, f"{{}} = {value:g} has no logarithm", hint)


def check_coupling(ck: Checker) -> None:
    """Threats that feed each other without end."""
    if not ck.intact("exposure"):
        return
    radius = spectral_radius(jacobian(resolve_exposure(ck.scenario.exposure)))
    if radius >= 1:
        path: Path = ("exposure", "coupling")
        if ck.tree.key(path) is None:
            path = ("exposure", "crowding")
        ck.add(
            path,
            f"{{}} is unstable: threats feed each other without end (spectral radius {radius:.3g}, "
            "must be below 1)",
            "lower the largest numbers of coupling or crowding",
            on_key=True,
        )


def jacobian(exposure: Exposure) -> list[list[float]]:
    """Return how severities respond to severities: coupling, and crowding shared by all seven.

    Args:
        exposure: with complete tables.

    Returns:
        7 x 7, row: the threat that responds, column: the one that it responds to.
    """
    matrix = [[exposure.crowding.get(to.name, 0.0) / len(Threat)] * len(Threat) for to in Threat]  # type: ignore[call-overload]
    for a, row in exposure.coupling.items():
        for b, strength in row.items():
            matrix[Threat[b]][Threat[a]] += strength
    return matrix


def spectral_radius(matrix: list[list[float]]) -> float:
    """Return the largest absolute eigenvalue, by Gelfand's formula with repeated squaring.

    Args:
        matrix: square, no entry negative.

    Returns:
        At least 0; exact to about 1e-5.
    """
    indices = range(len(matrix))
    log_norm = 0.0
    for power in range(24):
        norm = max(sum(row) for row in matrix)
        if norm == 0:
            return 0.0
        log_norm += log(norm) / 2**power
        scaled = [[value / norm for value in row] for row in matrix]
        matrix = [
            [sum(scaled[i][k] * scaled[k][j] for k in indices) for j in indices] for i in indices
        ]
    return exp(log_norm)
