"""Where a step's time goes: the engine's functions are wrapped in timers from outside."""

from __future__ import annotations

import functools
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import sim.engine.step
from sim.engine.recorder import Recorder
from sim.engine.stages import STAGES as ENGINE_STAGES
from sim.mechanisms import choice, decide, exposure, lives
from sim.mechanisms.choice import Choices

WRAPPED: list[tuple[Any, str, str, str]] = [
    (exposure, "update_living", "rates", "exposure and means"),
    (decide, "add_expected", "rates", "expected"),
    (choice, "prospects", "environment", "queues"),
    (Choices, "update_ways", "environment", "routes"),
    (Choices, "rebuild", "environment", "utilities"),
    (choice, "look_ahead", "environment", "look-ahead"),
    (Choices, "bounds", "environment", "bounds"),
    (lives, "list_busy", "lives", "lists of households"),
    (lives, "sieve", "lives", "sieve"),
    (lives, "share_of", "lives", "plans"),
    (lives, "keep", "lives", "plans"),
    (lives, "what_holds", "lives", "tables"),
    (lives, "live", "lives", "lives"),
    (lives, "write_down", "lives", "what happened"),
    (lives, "make_room", "lives", "room"),
    (Recorder, "record", "record", "tables"),
]
"""(where a caller looks it up, name, stage, part). What lies within a stage counts towards it,
whatever its own row says: households that are listed for the rates are part of the rates."""

STAGES = (*(stage for stage, _ in ENGINE_STAGES), "record")


def mechanism_of(hook: Callable[..., Any]) -> str:
    """Name of the mechanism that a hook belongs to."""
    return hook.__module__.rpartition(".")[2]


class Stages:
    """Seconds spent in every stage and part, each second in one of them only.

    Args:
        clock: What is read before and after.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.clock = clock
        self.seconds: defaultdict[tuple[str, str], float] = defaultdict(float)
        self._within: list[float] = []
        self._stage = ""

    def _timed(self, function: Callable[..., Any], stage: str, part: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            if not self._within:
                self._stage = stage
            self._within.append(0.0)
            start = self.clock()
            try:
                return function(*args, **kwargs)
            finally:
                elapsed = self.clock() - start
                own = elapsed - self._within.pop()
                self.seconds[self._stage, part] += own
                if self._within:
                    self._within[-1] += elapsed

        return timed

    @contextmanager
    def running(self) -> Iterator[None]:
        """Time the engine's functions for as long as this lasts."""
        with ExitStack() as stack:
            for owner, name, stage, part in WRAPPED:
                timed = self._timed(getattr(owner, name), stage, part)
                stack.enter_context(mock.patch.object(owner, name, timed))
            stages = tuple(
                (stage, tuple(self._timed(hook, stage, mechanism_of(hook)) for hook in hooks))
                for stage, hooks in sim.engine.step.STAGES
            )
            stack.enter_context(mock.patch.object(sim.engine.step, "STAGES", stages))
            yield

    def table(self) -> dict[str, dict[str, float]]:
        """Seconds by stage and, within it, by part, the longest first."""
        result: dict[str, dict[str, float]] = {stage: {} for stage in STAGES}
        for (stage, part), seconds in sorted(self.seconds.items(), key=lambda item: -item[1]):
            result[stage][part] = seconds
        return result
