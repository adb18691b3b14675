"""How long a large world takes to set up, said before it is."""

from __future__ import annotations

from typing import Final

from sim.schema import Scenario

SECONDS: Final = 1.6e-8
"""Seconds of setting up (base rates included) by places cubed: ways lead from each to each.

Measured with two cores at 2.5 GHz and three corridors a place, on 150 to 1,000 places.
"""
MEGABYTES: Final = 7e-4
"""Memory, by places squared; as measured."""
LONG: Final = 60.0
"""What takes fewer seconds is not worth a word."""


def told_of_size(scenario: Scenario) -> str:
    """Say how long a world will take to set up, and how much memory.

    Args:
        scenario: the scenario.

    Returns:
        A sentence; empty where it takes less than a minute.
    """
    n = len(scenario.places)
    seconds, gigabytes = SECONDS * n**3, MEGABYTES * n**2 / 1000
    if seconds < LONG:
        return ""
    return (
        f"{n:,} places take about {seconds / 60:.0f} minutes and {gigabytes:.1f} GB of memory to "
        "set up, before the first step"
    )
