"""The model for Mesa users: `MigrationModel(mesa.Model)` runs the same engine.

    model = sim.MigrationModel("syria", agents=20_000, **{"policies.tr_sy.enabled": False})
    model.run_model()
    model.datacollector.get_model_vars_dataframe()
    model.record.flows  # the same tables as sim.run

People are rows of arrays, and all decide at once: `agents` is a view that reads them like Mesa
agents (`sim.mesa.people`). A call that would run code person by person is refused, with the reason
and what to do instead. `sim.mesa.twin` has the same decision rule as methods of an agent.
"""

from __future__ import annotations

import inspect
import itertools
import time
import warnings
import weakref
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np

from sim.core import jit
from sim.core.state import DIED
from sim.core.terms import Answer
from sim.engine.recorder import Stepper
from sim.engine.setup import build_world
from sim.engine.simulate import describe, ready
from sim.engine.solve import solve
from sim.mechanisms.census import ACCOUNT, take_census
from sim.mechanisms.choice import CHOICES, rebuild
from sim.mechanisms.decide import HOUSEHOLD_DAYS, HOUSEHOLDS
from sim.mesa.columns import words_of
from sim.mesa.countries import Country
from sim.mesa.parameters import (
    PARTS,
    check_reporters,
    read_changed,
    seed_of,
    steps_of,
    warn_of_repetition,
)
from sim.mesa.people import SPACE, SPACELESS, People, Person
from sim.mesa.quiet import agentset, mesa
from sim.mesa.refusal import refuse, refuse_copy
from sim.mesa.reporters import COUNTRY_REPORTERS, MODEL_REPORTERS, cells_of_interest
from sim.mesa.terms import OpenChoices
from sim.results.rates import Which
from sim.results.record import Record
from sim.results.store import identity
from sim.schema import Scenario
from sim.schema.errors import suggest

SCHEDULES: Final = hasattr(mesa.Model, "schedule_event")
"""Whether this is Mesa 3.5, where a model keeps the time and runs what was scheduled for it."""


class EndedError(RuntimeError):
    """A step was asked for after the scenario's last day."""


class MigrationModel(mesa.Model):  # type: ignore[misc]
    """A scenario as a Mesa model.

    Args:
        scenario: Name of a shipped scenario, a file, or what `sim.read` gives.
        agents: Number of simulated persons; none: as the scenario says.
        seed: A whole number, 0 to 2**63 - 1; none: the scenario's own, so that the same call gives
            the same run. `batch_run(iterations=...)` therefore repeats one run, and a warning says
            so: vary `seed` instead.
        rng: In place of `seed`: a whole number, which is used as the seed, or anything that
            `numpy.random.default_rng` takes, from which the seed is drawn. `batch_run` of Mesa 3.4
            and later passes its own `rng` here.
        threads: Threads of the decision kernel; the result does not depend on it.
        base: What the scenario is a variant of; none: as `sim.read` finds it: the file without the
            changes, or the scenario that the file names.
        rates: Whether base_L and the flight norm are solved on the `base`, as `sim run` does, or
            with the changes (`own`). The record's manifest says what was used.
        model_reporters: What to collect of the model; none: `MODEL_REPORTERS`.
        agent_reporters: What to collect of people; none: nothing, since each person would add a
            row at each step.
        kwargs: Changes of the scenario by dotted path, as `-s` of the command line takes them:
            `**{"policies.tr_sy.enabled": False, "journey.premium": .5}`.

    Attributes:
        steps: Steps taken.
        time: The same as a float, as Mesa counts it from 3.4 on.
        running: Whether the scenario's end is still to come.
        world: The engine's arrays, to be read.
        countries: `Country` agents, in an `AgentSet`.
        census: What was counted at the end of the last step.
        answers: Answers given in the last step, in households (real ones), by name; of those that
            stay, the number on an average day.
        datacollector: One row per step, taken at its end; for people and countries too.
    """

    def __init__(
        self,
        scenario: str | Path | Scenario = "syria",
        agents: int | None = None,
        *,
        rng: Any = None,
        threads: int = 1,
        base: Scenario | None = None,
        rates: Which = "base",
        model_reporters: Mapping[str, Any] | None = None,
        agent_reporters: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        # A parameter of this name would be overwritten by `batch_run` of Mesa 3.4 and later, with
        # None as a rule, and all seeds asked for would give one and the same run.
        seed = kwargs.pop("seed", None)
        if rng is not None and seed is not None:
            raise ValueError("give either seed or rng, not both")
        seed = seed_of(seed, rng)
        warn_of_repetition(rng)
        check_reporters(model_reporters=model_reporters, agent_reporters=agent_reporters)
        changed = read_changed(
            scenario, agents, kwargs, list(inspect.signature(MigrationModel).parameters)
        )
        self._clock = time.perf_counter()
        self._started = datetime.now(UTC).isoformat(timespec="seconds")
        self._compiled = not jit.is_compiled()
        changed, base = ready(changed, seed, threads, base, rates)
        super().__init__(rng=changed.seed)
        self._seed = changed.seed  # what reset_randomizer goes back to; Mesa 3.3 forgets it
        self.time = 0.0
        # Mesa stores a step that counts in the model itself, and in 3.5 a clock that calls it. Such
        # references in a circle keep the arrays until Python's garbage collector runs, and models
        # of many megabytes pile up. Here `step` counts, and both are removed.
        for name, value in list(vars(self).items()):
            if inspect.ismethod(value) and value.__self__ is self:
                delattr(self, name)
        clock = self.__dict__.pop("_default_schedule", None)
        if clock is not None:
            clock.stop()
        solved_on = base if rates == "base" else changed
        self._identity = identity(changed, solved_on, changed.seed, 1)
        found = solve(changed, base, rates)
        self._rates, solved = found.told(), found.scenario
        self.world = build_world(solved, solved.seed, threads=threads)
        self._of_interest = cells_of_interest(self.world)
        self._rows = len(self.world.persons.pid)
        self._stepper = Stepper(self.world)
        self.census = take_census(self.world, 0)
        self.answers = dict.fromkeys(Answer.__members__, 0)
        self.words = words_of(self.world)
        self._moving = False
        self._numbers = itertools.count(1)
        for index in range(len(solved.countries)):
            Country(self, index)
        self.datacollector = mesa.DataCollector(
            model_reporters=dict(MODEL_REPORTERS if model_reporters is None else model_reporters),
            agent_reporters=None if agent_reporters is None else dict(agent_reporters),
            agenttype_reporters={Country: {name: name for name in COUNTRY_REPORTERS}},
        )

    def utility(self) -> Any:
        """Further terms of the utility of destinations: a subclass may override this.

        It is asked before the first step, whenever a month begins and whenever rules change, with
        the rules and opinions of that day, and people as they were counted at the last step's end.
        It must not change the model.

        Returns:
            [hazard, citizenship, destination] what is added to V (docs/model.md), -50 to 50, in the
            order of `Hazard` (livelihood, flight), of the scenario's countries and of its places;
            or fewer axes, the last of which is the destinations; or one number for all. Between
            two destinations abroad, log(2) more doubles the odds.
        """
        return 0.0

    def step(self) -> None:
        """Move the world by one step of the scenario, and collect.

        With Mesa 3.5, events scheduled for a time before the step's end run before the step, and
        those scheduled for its very end run after it.

        Raises:
            EndedError: The scenario is over.
        """
        if self._stepper.over:
            end = self.world.scenario.time.end
            raise EndedError(
                f"the scenario ended on {end} (running is False); for more "
                f"steps make the model with a later end, for instance **{{'time.end': '2030-12'}}"
            )
        if self.world.scenario is not self._stepper.recorder.scenario:
            refuse("world.scenario", "it cannot be replaced once the model is made.", of="")
        until = self.world.step + 1
        if not SCHEDULES:
            self.time = float(until)
            self._move()
            return
        move = self.schedule_event(self._move, at=until, priority=mesa.time.Priority.HIGH)
        try:
            super().run_until(until)
        finally:
            move.cancel()  # where another event failed, this one is still in the queue

    def run_for(self, duration: float) -> None:
        """Take as many whole steps as fit into a duration, given in steps.

        Raises:
            EndedError: The scenario is over before.
        """
        self.run_until(self.world.step + steps_of(duration))

    def run_until(self, end_time: float) -> None:
        """Take as many whole steps as end by a time, given in steps since the start.

        Raises:
            EndedError: The scenario is over before.
        """
        end = steps_of(end_time)
        while self.world.step + 1 <= end:
            self.step()

    def _move(self) -> None:
        if self._moving:
            raise RuntimeError("a step is being taken: utility and reporters must not take another")
        self._moving = True
        try:
            self._move_once()
        finally:
            self._moving = False

    def _move_once(self) -> None:
        if self.world.step == 0 and type(self).utility is not MigrationModel.utility:
            self._open_choices()
        households, days = HOUSEHOLDS.of(self.world), HOUSEHOLD_DAYS.of(self.world)
        mine, today = self._of_interest, self.world.day
        before, days_before = households[mine].sum(axis=0), days[mine].sum()

        def look() -> None:
            given = households[mine].sum(axis=0) - before
            self.answers = {answer.name: int(given[answer]) for answer in Answer}
            stayed = int(days[mine].sum() - days_before)
            self.answers["stays"] = stayed // (self.world.day - today)

        self.census = self._stepper.step(look)
        self.steps = self.world.step
        self.running = not self._stepper.over
        self._collect()

    def _open_choices(self) -> None:
        """Let the subclass add its terms: not earlier, so that its own `__init__` is through."""
        me = weakref.ref(self)  # the world must not keep the model

        def terms() -> Any:
            model = me()
            assert model is not None  # it is taking a step
            return model.utility()

        choices = OpenChoices(self.world, terms)
        CHOICES.put(self.world, choices)
        rebuild(self.world, choices)

    def _collect(self) -> None:
        self.datacollector.collect(self)
        if SCHEDULES:
            return
        # Below 3.5 `batch_run` looks for what was collected after n steps under n - 1.
        for name in ("_agent_records", "_agenttype_records"):
            kept = getattr(self.datacollector, name, {})
            if self.steps in kept:
                kept[self.steps - 1] = kept.pop(self.steps)
        numbers = getattr(self.datacollector, "_collection_steps", [])
        if numbers:
            numbers[-1] = self.steps - 1

    def __getattr__(self, name: str) -> Any:
        if "world" not in vars(self) and not name.startswith("__"):
            raise AttributeError(
                f"the model has no {name} yet: it is made by `super().__init__(...)`"
            )
        if name in SPACE:
            raise AttributeError(f"the model has no {name}: {SPACELESS}")
        if name == "scenario":  # from Mesa 3.5 on, see there
            raise AttributeError(
                "Mesa's own scenario object is not kept; the scenario is model.world.scenario"
            )
        if name in Scenario.model_fields:
            raise AttributeError(f"the model has no {name}: it is model.world.scenario.{name}")
        if name in MODEL_REPORTERS:
            raise AttributeError(
                f"the model has no {name}: read it in "
                "model.datacollector.get_model_vars_dataframe()"
            )
        # What is looked up while the model is being made may not ask it for anything.
        known = [it for it in dir(type(self)) if not it.startswith("_")]
        known += ["world", "countries", "census", "answers", "datacollector", "steps", "running"]
        raise AttributeError(f"the model has no {name}: {suggest(name, known, 'there are')}")

    def __setattr__(self, name: str, value: Any) -> None:
        why = ""
        if "world" in vars(self):  # made
            if "." in name or name in PARTS:
                why = "a scenario is not changed once the model is made."
            elif name in ("world", "record", "countries", "date"):
                why = "it follows from the run."
        if why:
            refuse(f"model.{name}", why, of="What is your own needs another name. ")
        super().__setattr__(name, value)

    @property
    def scenario(self) -> Scenario:
        """The scenario by its old name: write `world.scenario`.

        From Mesa 3.5 on `scenario` is an object of Mesa's own. There this name raises
        `AttributeError`; Mesa's SolaraViz works without it.
        """
        if hasattr(mesa.Model, "scenario"):
            raise AttributeError("scenario")  # `__getattr__` says why
        warnings.warn(
            "model.scenario is Mesa's name from 3.5 on: write model.world.scenario",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.world.scenario

    @scenario.setter
    def scenario(self, value: Any) -> None:  # noqa: ARG002
        # Mesa 3.5 sets one of its own, which knows the seed alone and would hold the model.
        if "world" in vars(self):
            refuse("scenario", "it cannot be replaced.")

    @property
    def record(self) -> Record:
        """What `sim.run` returns, of the steps taken so far; complete once the scenario is over."""
        scenario = self.world.scenario
        manifest = {
            **describe(scenario, self._identity, [scenario.seed], self.world.threads),
            "rates": self._rates,
            "people": int(ACCOUNT.of(self.world).start.sum()),
            "agents": self._rows,
            "steps": self.world.step,
            "started": self._started,
            "seconds": round(time.perf_counter() - self._clock, 3),
            "resumed": [],
            "compiled": self._compiled,
        }
        if type(self).utility is not MigrationModel.utility:
            # What it adds is in no file: this is not a run of the scenario alone.
            manifest["utility"] = f"{type(self).__module__}.{type(self).__qualname__}"
            code = f"{self._identity['code']} {manifest['utility']}"
            manifest["identity"] = {**self._identity, "code": code}
        tables = self._stepper.recorder.frames(0)
        return Record(scenario, scenario.seed, manifest, tables)

    @property
    def date(self) -> date:
        """Day on which the next step begins."""
        return self.world.date()

    @property
    def agents(self) -> People:
        """People alive, one row each, read like agents; newborns join, the dead leave."""
        return People(self, np.flatnonzero(self.world.persons.past & DIED == 0))

    @agents.setter
    def agents(self, value: Any) -> NoReturn:  # noqa: ARG002
        refuse("agents", "they cannot be replaced.")

    @property
    def countries(self) -> Any:
        """The countries, as an AgentSet of `Country`."""
        # A set of its own, so that what is taken out of it is not out of the world.
        return agentset.AgentSet(list(self._agents_by_type[Country]), random=self.random)

    @property
    def agents_by_type(self) -> dict[type, Any]:
        """People and countries, and agents of your own, by class."""
        own = {kind: agents for kind, agents in self._agents_by_type.items() if kind is not Country}
        return {Person: self.agents, Country: self.countries, **own}

    @property
    def agent_types(self) -> list[type]:
        """Classes of agents."""
        return list(self.agents_by_type)

    def register_agent(self, agent: Any) -> None:
        """Register a Mesa agent: a country, or one of your own.

        Mesa below 3.4.2 keeps a model forever once it has numbered one of its agents, in a table
        that belongs to the class `Agent`. Numbers are therefore given here, and that entry is
        dropped.
        """
        pinned = getattr(mesa.Agent, "_ids", None)
        if pinned is not None:
            pinned.pop(self, None)
            agent.unique_id = next(self._numbers)
        super().register_agent(agent)

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        """Refused: a copy, or a pickled one, would go wrong silently."""
        refuse_copy()

    def deregister_agent(self, agent: mesa.Agent) -> None:
        """Refused of people and countries; an agent of your own can be removed."""
        if isinstance(agent, Country | Person):
            refuse("deregister_agent", "people and countries are the scenario's.")
        super().deregister_agent(agent)

    def remove_all_agents(self) -> NoReturn:
        """Refused: the account of people must stay complete."""
        refuse("remove_all_agents", "nobody is taken out of the account of people.")
