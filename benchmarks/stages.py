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
import sim.mechanisms.choice
import sim.mechanisms.decide
from sim.engine.recorder import Recorder
from sim.mechanisms.choice import Choices
from sim.mechanisms.threats import Threats
from sim.model.cells import Cells
from sim.model.world import World

WRAPPED: list[tuple[Any, str, str, str]] = [
    (World, "list_heads", "prepare", "list of heads"),
    (World, "company_of", "prepare", "households"),
    (Threats, "update_prevalence", "prepare", "threats"),
    (Threats, "advance", "prepare", "threats"),
    (sim.engine.step, "current_conditions", "prepare", "threats"),
    (sim.engine.step, "set_scene", "prepare", "other"),
    (sim.engine.step, "Rules", "prepare", "rules"),
    (sim.engine.step, "exposure_thresholds", "prepare", "exposure"),
    (sim.engine.step, "draw_exposure", "prepare", "exposure"),
    (sim.engine.step, "update_support", "prepare", "means"),
    (sim.engine.step, "update_means", "prepare", "means"),
    (sim.engine.step, "prospects", "prepare", "queues"),
    (Choices, "update_ways", "prepare", "routes"),
    (Choices, "rebuild", "prepare", "utilities"),
    (sim.mechanisms.choice, "look_ahead", "prepare", "look-ahead"),
    (Choices, "bounds", "prepare", "bounds"),
    (sim.engine.step, "renew_people", "prepare", "births, deaths"),
    (sim.engine.step, "decide_all", "decide", "other"),
    (sim.engine.step, "asked_until", "decide", "other"),
    (sim.engine.step, "ask", "decide", "answers"),
    (sim.engine.step, "join_answers", "decide", "answers"),
    (sim.engine.step, "ask_listed", "decide", "answers"),
    (sim.mechanisms.decide, "draw_refusals", "decide", "refusals"),
    (sim.mechanisms.decide, "pick_goals", "decide", "goals"),
    (sim.mechanisms.decide, "count_households", "decide", "counting"),
    (Cells, "of", "decide", "counting"),
    (sim.mechanisms.decide, "depart", "decide", "departure"),
    (sim.engine.step, "continue_stranded", "travel", "stranded"),
    (sim.engine.step, "leave", "travel", "departure"),
    (sim.engine.step, "advance_parties", "travel", "legs"),
    (sim.engine.step, "renew_exposure", "travel", "exposure anew"),
    (sim.engine.step, "admit", "asylum", "admission"),
    (sim.engine.step, "regular_price", "asylum", "admission"),
    (sim.engine.step, "receive", "asylum", "arrival"),
    (sim.engine.step, "relocate", "asylum", "relocation"),
    (sim.engine.step, "decide_claims", "asylum", "claims"),
    (sim.engine.step, "execute_returns", "asylum", "returns"),
    (sim.engine.step, "regularise", "asylum", "returns"),
    (sim.engine.step, "count", "count", "census"),
    (sim.engine.step, "spend", "count", "spending"),
    (Recorder, "keep", "record", "tables"),
]
"""(where a caller looks it up, name, stage, part). What lies within a stage counts towards it,
whatever its own row says: exposure drawn for those who have just arrived is part of travel."""

STAGES = ("prepare", "decide", "travel", "asylum", "count", "record")


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
            yield

    def table(self) -> dict[str, dict[str, float]]:
        """Seconds by stage and, within it, by part, the longest first."""
        result: dict[str, dict[str, float]] = {stage: {} for stage in STAGES}
        for (stage, part), seconds in sorted(self.seconds.items(), key=lambda item: -item[1]):
            result[stage][part] = seconds
        return result
