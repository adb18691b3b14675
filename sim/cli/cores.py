"""How many cores a command uses."""

from __future__ import annotations

import os

from sim.cli.console import BadInputError
from sim.cli.wording import count_of


def cores_for(option: str, asked: int | None) -> int:
    """Give the number of cores to use.

    Args:
        option: the option that asks for them, as it is written.
        asked: how many are asked for, at least 1; none: all.

    Raises:
        BadInputError: more than this machine has.
    """
    most = _cores()
    if asked is not None and asked > most:
        raise BadInputError(
            f"{option} {asked} is more than this machine's {count_of(most, 'core')}; "
            f"use {option} {most} or fewer"
        )
    return asked or most


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
