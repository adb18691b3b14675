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
from sim.mechanisms import (
    admission,
    asylum,
    census,
    choice,
    decide,
    demography,
    exposure,
    journey,
    livelihood,
    policy,
    politics,
    regularisation,
    relocation,
    removal,
    reunification,
    rounds,
    spending,
    threats,
)
from sim.mechanisms.choice import Choices
from sim.model.cells import Cells
from sim.model.world import World

HOOKS: dict[Any, tuple[str, str]] = {
    demography.renew_people: ("prepare", "births, deaths"),
    threats.update: ("prepare", "threats"),
    politics.update: ("prepare", "rules"),
    policy.update: ("prepare", "rules"),
    exposure.update: ("prepare", "exposure"),
    livelihood.update: ("prepare", "means"),
    choice.update: ("prepare", "other"),
    threats.advance: ("prepare", "threats"),
    decide.set_conditions: ("prepare", "threats"),
    relocation.relocate: ("asylum", "relocation"),
    asylum.decide_claims: ("asylum", "claims"),
    removal.execute_returns: ("asylum", "returns"),
    admission.withdraw_movers: ("asylum", "admission"),
    reunification.reunify: ("asylum", "reunification"),
    regularisation.regularise: ("asylum", "returns"),
    exposure.expose_movers: ("travel", "exposure anew"),
    census.count: ("count", "census"),
    journey.check_parties: ("count", "census"),
    threats.count_insecurity: ("count", "census"),
    spending.spend: ("count", "spending"),
}
"""(stage, part) of what the engine calls. Where it lets others do the work, they are in `WRAPPED`;
a hook that is named nowhere does too little to be seen."""

WRAPPED: list[tuple[Any, str, str, str]] = [
    (World, "list_households", "prepare", "list of households"),
    (World, "composition_of", "prepare", "households"),
    (exposure, "draw_exposure", "prepare", "exposure"),
    (exposure, "update_means", "prepare", "means"),
    (choice, "prospects", "prepare", "queues"),
    (Choices, "update_ways", "prepare", "routes"),
    (Choices, "rebuild", "prepare", "utilities"),
    (choice, "look_ahead", "prepare", "look-ahead"),
    (Choices, "bounds", "prepare", "bounds"),
    (decide, "decide_all", "decide", "other"),
    (rounds, "decide_all", "decide", "other"),
    (decide, "departures", "decide", "other"),
    (decide, "asked_until", "decide", "other"),
    (decide, "ask", "decide", "answers"),
    (decide, "join_answers", "decide", "answers"),
    (rounds, "latest", "decide", "other"),
    (rounds, "join", "decide", "other"),
    (rounds, "ask_listed", "decide", "answers"),
    (decide, "mark_refused", "decide", "refusals"),
    (decide, "pick_goals", "decide", "goals"),
    (decide, "count_households", "decide", "counting"),
    (Cells, "of", "decide", "counting"),
    (decide, "depart", "decide", "departure"),
    (decide, "continue_stranded", "travel", "stranded"),
    (rounds, "continue_stranded", "travel", "stranded"),
    (rounds, "set_out", "travel", "departure"),
    (rounds, "advance_parties", "travel", "legs"),
    (rounds, "expose", "travel", "exposure anew"),
    (rounds, "forget_returns", "travel", "departure"),
    (rounds, "admit", "asylum", "admission"),
    (rounds, "regular_price", "asylum", "admission"),
    (rounds, "receive", "asylum", "arrival"),
    (Recorder, "record", "record", "tables"),
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
            stages = tuple(
                (stage, tuple(map(self._hook, hooks))) for stage, hooks in sim.engine.step.STAGES
            )
            stack.enter_context(mock.patch.object(sim.engine.step, "STAGES", stages))
            yield

    def _hook(self, hook: Callable[..., Any]) -> Callable[..., Any]:
        return self._timed(hook, *HOOKS[hook]) if hook in HOOKS else hook

    def table(self) -> dict[str, dict[str, float]]:
        """Seconds by stage and, within it, by part, the longest first."""
        result: dict[str, dict[str, float]] = {stage: {} for stage in STAGES}
        for (stage, part), seconds in sorted(self.seconds.items(), key=lambda item: -item[1]):
            result[stage][part] = seconds
        return result
