"""Where a step's time goes: the engine's functions are wrapped in timers from outside."""

from __future__ import annotations

import functools
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import sim.model.choice
import sim.model.decide
import sim.step
from sim.model.choice import Choices
from sim.model.threats import Threats
from sim.simulate import Keeper
from sim.world import Cells, World

WRAPPED: list[tuple[Any, str, str, str]] = [
    (World, "list_heads", "prepare", "list of heads"),
    (World, "company_of", "prepare", "households"),
    (Threats, "update_prevalence", "prepare", "threats"),
    (Threats, "advance", "prepare", "threats"),
    (sim.step, "current_conditions", "prepare", "threats"),
    (sim.step, "set_scene", "prepare", "other"),
    (sim.step, "Rules", "prepare", "rules"),
    (sim.step, "exposure_thresholds", "prepare", "exposure"),
    (sim.step, "draw_exposure", "prepare", "exposure"),
    (sim.step, "update_support", "prepare", "means"),
    (sim.step, "update_means", "prepare", "means"),
    (sim.step, "prospects", "prepare", "queues"),
    (Choices, "update_ways", "prepare", "routes"),
    (Choices, "rebuild", "prepare", "utilities"),
    (sim.model.choice, "look_ahead", "prepare", "look-ahead"),
    (Choices, "bounds", "prepare", "bounds"),
    (sim.step, "renew_people", "prepare", "births, deaths"),
    (sim.step, "decide_all", "decide", "other"),
    (sim.step, "asked_until", "decide", "other"),
    (sim.step, "ask", "decide", "answers"),
    (sim.step, "join_answers", "decide", "answers"),
    (sim.step, "ask_listed", "decide", "answers"),
    (sim.model.decide, "draw_refusals", "decide", "refusals"),
    (sim.model.decide, "pick_goals", "decide", "goals"),
    (sim.model.decide, "count_households", "decide", "counting"),
    (Cells, "of", "decide", "counting"),
    (sim.model.decide, "depart", "decide", "departure"),
    (sim.step, "continue_stranded", "travel", "stranded"),
    (sim.step, "leave", "travel", "departure"),
    (sim.step, "advance_parties", "travel", "legs"),
    (sim.step, "renew_exposure", "travel", "exposure anew"),
    (sim.step, "admit", "asylum", "admission"),
    (sim.step, "regular_price", "asylum", "admission"),
    (sim.step, "receive", "asylum", "arrival"),
    (sim.step, "relocate", "asylum", "relocation"),
    (sim.step, "decide_claims", "asylum", "claims"),
    (sim.step, "execute_returns", "asylum", "returns"),
    (sim.step, "regularise", "asylum", "returns"),
    (sim.step, "count", "count", "census"),
    (sim.step, "spend", "count", "spending"),
    (Keeper, "keep", "record", "tables"),
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
