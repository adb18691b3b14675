"""Base rates of a run in its manifest: whose they are, and how that is said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

Which = Literal["base", "own"]
"""Whose rates a variant has: those of its base, or those solved on the variant itself."""


class Rates(NamedTuple):
    """The two constants that scale the rates."""

    base_livelihood: float
    """base_L, moves per household per year, all else being neutral."""
    flight_norm: float
    """Mean value of all options abroad to people of interest who flee."""


def tell(said: Mapping[str, Any], which: Which) -> str:
    """Say which rates a run has, where that makes a difference.

    Args:
        said: `rates` of its manifest.
        which: What was asked for.

    Returns:
        One sentence; empty if there is nothing to say.
    """
    used, other = said["used"], said["otherwise"]
    if used == "stated" and which == "own":
        return f"base rates are those that the scenario states ({_figures(said)}), not solved"
    if other is None:
        return ""
    base = f"on {said['base']} as it stands"
    if used == "base":
        return (
            f"base rates are solved {base} ({_figures(said)}); --rates own solves them with the "
            f"changes ({_figures(other)})"
        )
    return (
        f"base rates are solved with the changes ({_figures(said)}); --rates base solves them "
        f"{base} ({_figures(other)})"
    )


def _figures(rates: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {rates[name]:.4g}" for name in Rates._fields)
