"""The model for those who know Mesa: `MigrationModel(mesa.Model)`, which steps the same engine.

    model = sim.MigrationModel("syria", agents=20_000, **{"policies.tr_sy.enabled": False})
    model.run_model()
    model.datacollector.get_model_vars_dataframe()
    model.record.flows  # the very tables of sim.run

People are rows of arrays, and all answer at once: `agents` is a view that reads them as agents are
read. What would run code person by person is refused with the reason and what to do instead; who
wants to see the rule as code of an agent's own reads `sim.mesa.twin`.
"""

from __future__ import annotations

import inspect
import itertools
import json
import operator
import time
import warnings
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NoReturn, SupportsIndex, overload

import numpy as np

from sim.core import jit
from sim.core.state import (
    DIED_NATURALLY,
    EVER_NO_MEANS,
    EVER_NO_PERMISSION,
    HEAD,
    I64,
    MOVED_ABROAD,
    MOVED_WITHIN,
    Bool,
)
from sim.core.terms import Activity, Answer, Company, Education, Sex, Status, Threat
from sim.engine.recorder import Stepper
from sim.engine.setup import build_world
from sim.engine.simulate import describe, ready
from sim.engine.solve import solve_base
from sim.mechanisms.census import ACCOUNT, take_census
from sim.mechanisms.decide import HOUSEHOLDS
from sim.mechanisms.policy import CHANNELS, RULES, in_force
from sim.mechanisms.politics import PUBLIC
from sim.mesa.quiet import agentset, mesa
from sim.model.world import World
from sim.results.record import Record
from sim.results.store import identity
from sim.scenario.errors import suggest
from sim.scenario.reader import ScenarioFile
from sim.scenario.schema import Scenario

PEOPLE: Final = (
    "People are rows of arrays here, and the model's rule moves all of them at once, each by draws "
    "of its own. To look at them use select, get, agg, groupby, map or sort. sim.mesa.twin has the "
    "same rule with an object and a method for each household. "
)
INSTEAD: Final = (
    "To change what happens, change the scenario when the model is made, for instance "
    'MigrationModel("syria", **{"policies.tr_sy.enabled": False}); policies, shocks and '
    "interventions have dates."
)

SCHEDULES: Final = hasattr(mesa.Model, "schedule_event")
"""Whether this is Mesa 3.5, where a model keeps the time and runs what was scheduled for it."""


class NotOnArraysError(AttributeError, NotImplementedError):
    """What Mesa's agents can do and rows of arrays cannot; it says why, and what to do instead."""


class EndedError(RuntimeError):
    """A step was asked for after the scenario's last day."""


def _refuse(what: str, why: str, of: str = PEOPLE) -> NoReturn:
    raise NotOnArraysError(f"{what}: {why} {of}{INSTEAD}")


class MigrationModel(mesa.Model):  # type: ignore[misc]
    """A scenario as a Mesa model.

    Args:
        scenario: Name of a shipped scenario, a file, or what `sim.read` gives.
        agents: Rows of people; none: as the scenario says.
        seed: 0 to 2**63 - 1; none: the scenario's own, so that the same call gives the same run.
            `batch_run(iterations=...)` therefore repeats one run: vary `seed` instead.
        rng: In place of `seed`: a whole number, which is taken for the seed, or anything that
            `numpy.random.default_rng` takes, from which the seed is drawn. `batch_run` of Mesa 3.4
            and later gives it what its own `rng` says.
        threads: Threads of the decision kernel; the result does not depend on it.
        base: Scenario that base_L and the flight norm are solved on; none: the file as it stands,
            as on the command line.
        model_reporters: In place of the usual ones (`MODEL_REPORTERS`).
        agent_reporters: Of people; none by default, for a row is kept a person and step.
        kwargs: Changes of the scenario by dotted path, as `-s` of the command line takes them:
            `**{"policies.tr_sy.enabled": False, "journey.premium": .5}`.

    Attributes:
        steps: Steps taken.
        time: The same as a float, as Mesa counts it from 3.4 on.
        running: Whether the scenario's end is still to come.
        world: The engine's arrays, to be read.
        countries: `Country` agents, in an `AgentSet`.
        census: What was counted at the end of the last step.
        answers: Answers given in the last step, in households (real ones), by name.
        datacollector: A row a step, taken at its end; of people and countries likewise.
    """

    def __init__(
        self,
        scenario: str | Path | Scenario = "syria",
        agents: int | None = None,
        *,
        rng: Any = None,
        threads: int = 1,
        base: Scenario | None = None,
        model_reporters: Mapping[str, Any] | None = None,
        agent_reporters: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        # A parameter of this name would be overwritten by `batch_run` of Mesa 3.4 and later, with
        # None as a rule, and all seeds asked for would give one and the same run.
        seed = kwargs.pop("seed", None)
        if rng is not None:
            if seed is not None:
                raise ValueError("give either seed or rng, not both")
            seed = _seed_of(rng)
        changed, base = _read(scenario, agents, base, kwargs)
        self._clock = time.perf_counter()
        self._started = datetime.now(UTC).isoformat(timespec="seconds")
        self._compiled = not jit.is_compiled()
        seed = None if seed is None else operator.index(seed)
        changed, base = ready(changed, seed, threads, base)
        super().__init__(rng=changed.seed)
        self._seed = changed.seed  # what reset_randomizer goes back to; Mesa 3.3 forgets it
        self.time = 0.0
        # Mesa hangs a step that counts on the model itself, and in 3.5 a clock that calls it. Such
        # circles keep the arrays until Python looks for circles, and models of many megabytes pile
        # up; here `step` counts.
        for name, value in list(vars(self).items()):
            if inspect.ismethod(value) and value.__self__ is self:
                delattr(self, name)
        clock = self.__dict__.pop("_default_schedule", None)
        if clock is not None:
            clock.stop()
        self._identity = identity(changed, base, changed.seed, 1)
        solved = solve_base(changed, base)
        self.world = build_world(solved, solved.seed, threads=threads)
        self._rows = len(self.world.people.pid)
        self._stepper = Stepper(self.world)
        self.census = take_census(self.world, 0)
        self.answers = dict.fromkeys(Answer.__members__, 0)
        self.words = _words(self.world)
        self._numbers = itertools.count(1)
        for index in range(len(solved.countries)):
            Country(self, index)
        self.datacollector = mesa.DataCollector(
            model_reporters=dict(MODEL_REPORTERS if model_reporters is None else model_reporters),
            agent_reporters=None if agent_reporters is None else dict(agent_reporters),
            agenttype_reporters={Country: {name: name for name in COUNTRY_REPORTERS}},
        )

    def step(self) -> None:
        """Move the world by one step of the scenario, and collect.

        What was scheduled (Mesa 3.5) for a time before the step's end comes before the step, and
        what was scheduled for its very end after it.

        Raises:
            EndedError: The scenario is over.
        """
        if self._stepper.over:
            end = self.world.scenario.time.end
            raise EndedError(
                f"the scenario ended on {end} (running is False); for more "
                f"steps make the model with a later end, for instance **{{'time.end': '2030-12'}}"
            )
        until = self.world.step + 1
        if not SCHEDULES:
            self.time = float(until)
            self._move()
            return
        move = self.schedule_event(self._move, at=until, priority=mesa.time.Priority.HIGH)
        try:
            super().run_until(until)
        finally:
            move.cancel()  # if an event of somebody's failed, this one is still to come

    def run_for(self, duration: float) -> None:
        """Take as many whole steps as fit into a duration, which is told in steps.

        Raises:
            EndedError: The scenario is over before.
        """
        self.run_until(self.world.step + duration)

    def run_until(self, end_time: float) -> None:
        """Take as many whole steps as end by a time, which is told in steps since the start.

        Raises:
            EndedError: The scenario is over before.
        """
        while self.world.step + 1 <= end_time:
            self.step()

    def _move(self) -> None:
        households = HOUSEHOLDS.of(self.world)
        before = households.sum(axis=0)
        self.census = self._stepper.step()
        given = households.sum(axis=0) - before
        self.answers = {answer.name: int(given[answer]) for answer in Answer}
        self.steps = self.world.step
        self.running = not self._stepper.over
        self._collect()

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

    @property
    def scenario(self) -> Scenario:
        """The scenario by its old name: write `world.scenario`.

        From Mesa 3.5 on a model's scenario is an object of Mesa's own kind, which its SolaraViz
        makes anew; there this name is not to be had, and SolaraViz does without it.
        """
        if hasattr(mesa.Model, "scenario"):
            raise AttributeError("a scenario of Mesa's is not kept; ours is model.world.scenario")
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
            _refuse("scenario", "it cannot be replaced.")

    @property
    def record(self) -> Record:
        """What `sim.run` returns, of the steps taken so far; complete once the scenario is over."""
        scenario = self.world.scenario
        manifest = {
            **describe(scenario, self._identity, [scenario.seed], self.world.threads),
            "people": ACCOUNT.of(self.world).start,
            "agents": self._rows,
            "steps": self.world.step,
            "started": self._started,
            "seconds": round(time.perf_counter() - self._clock, 3),
            "resumed": [],
            "compiled": self._compiled,
        }
        tables = self._stepper.recorder.frames(0)
        return Record(scenario, scenario.seed, manifest, tables)

    @property
    def date(self) -> date:
        """Day on which the next step begins."""
        return self.world.date()

    @property
    def agents(self) -> People:
        """The living, a row each, to be read as agents are; newborns join, the dead leave."""
        return People(self, np.flatnonzero(self.world.people.activity != Activity.dead))

    @agents.setter
    def agents(self, value: Any) -> NoReturn:  # noqa: ARG002
        _refuse("agents", "they cannot be replaced.")

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

        Mesa below 3.4.2 keeps a model for ever once it has numbered an agent of its, in a table
        that belongs to the class `Agent`. Numbers are therefore given here, and that entry is
        dropped.
        """
        pinned = getattr(mesa.Agent, "_ids", None)
        if pinned is not None:
            pinned.pop(self, None)
            agent.unique_id = next(self._numbers)
        super().register_agent(agent)

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        """Refused: a copy, or a pickled one, would go wrong without a word."""
        raise NotOnArraysError(
            "a MigrationModel is neither copied nor pickled: some of its arrays are parts of "
            "others and would come apart. Scenario, changes and seed make the same model again."
        )

    def deregister_agent(self, agent: mesa.Agent) -> None:
        """Refused of people and countries; an agent of your own may go."""
        if isinstance(agent, Country | Person):
            _refuse("deregister_agent", "people and countries are the scenario's.")
        super().deregister_agent(agent)

    def remove_all_agents(self) -> NoReturn:
        """Refused: nobody is taken out of the account of people."""
        _refuse("remove_all_agents", "nobody is taken out of the account of people.")


class Country(mesa.Agent):  # type: ignore[misc]
    """A country: what its public thinks, and what its rules are. Nothing of it can be set."""

    def __init__(self, model: MigrationModel, index: int) -> None:
        super().__init__(model)
        self.index = index
        self.name = model.world.scenario.countries[index].id

    def __repr__(self) -> str:
        return f"<Country {self.name}>"

    @property
    def model(self) -> MigrationModel:
        """The model, which is not kept by its countries: it goes when nobody else holds it."""
        model: MigrationModel | None = self._model()
        if model is None:
            raise ReferenceError("the model is gone; keep it while you look at its countries")
        return model

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "model":
            name, value = "_model", weakref.ref(value)
        fixed = name in ("index", "name", "unique_id") and "name" in self.__dict__
        if fixed or isinstance(getattr(type(self), name, None), property):
            _refuse(f"{self.name}.{name}", "it follows from the scenario.", of="")
        super().__setattr__(name, value)

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        """Refused: it is part of its model."""
        self.model.__reduce_ex__(protocol)

    def remove(self) -> NoReturn:
        """Refused: the world keeps its countries."""
        _refuse(f"{self.name}.remove", "the world keeps its countries.", of="")

    @property
    def opinion(self) -> float | None:
        """Opinion of people from abroad, 0 welcoming to 1 hostile; none: not followed."""
        return self._public("opinion")

    @property
    def stringency(self) -> float | None:
        """What the last election made of opinion, on the same scale."""
        return self._public("stringency")

    @property
    def perceived(self) -> float | None:
        """Perceived share of people from abroad."""
        return self._public("perceived")

    def _public(self, name: str) -> float | None:
        public = PUBLIC.of(self.model.world)
        return float(getattr(public, name)[self.index]) if public.followed[self.index] else None

    @property
    def people(self) -> int:
        """People who are there, whatever their citizenship; those on the way are nowhere."""
        return int(self._here.sum())

    @property
    def foreigners(self) -> int:
        """People from abroad who are there."""
        return self.people - int(self._here[:, self.index].sum())

    @property
    def emigrants(self) -> int:
        """Citizens who are in another country."""
        mine = self.model.census.stocks[:, self.index].sum()
        return int(mine - self._here[:, self.index].sum())

    @property
    def _here(self) -> I64:
        """[place, citizenship, status] people in the country's places."""
        stocks: I64 = self.model.census.stocks[self.model.world.country == self.index]
        return stocks

    @property
    def policies(self) -> list[str]:
        """Ids of the scenario's rules that are in force into this country or its corridors."""
        scenario = self.model.world.scenario
        country = {place.id: place.country for place in scenario.places}
        entered = {corridor.id: country[corridor.to] for corridor in scenario.corridors}
        return [
            rule.id
            for rule in in_force(scenario, RULES.of(self.model.world).when)
            if self.name in (rule.into, entered.get(rule.corridor or ""))
        ]

    @property
    def policy(self) -> dict[str, dict[str, Any]]:
        """What holds for citizens of each other country, after what elections made of it.

        By citizenship: each channel (`open`, `quota` a year, `wait` in months, `fee`,
        `min_education`), `free_movement`, and the rules of asylum and stay.
        """
        names = [country.id for country in self.model.world.scenario.countries]
        return {name: self._towards(k) for k, name in enumerate(names) if k != self.index}

    def _towards(self, k: int) -> dict[str, Any]:
        rules, c = RULES.of(self.model.world), self.index
        countries = self.model.world.scenario.countries
        channels = {
            s.name: {
                "open": bool(rules.open[k, c, s]),
                "quota": float(rules.quota[c, s]),
                "wait": float(rules.wait[k, c, s]),
                "fee": float(rules.fee[k, c, s]),
                "min_education": Education(rules.min_education[k, c, s]).name,
            }
            for s in CHANNELS
        }
        sent_to = int(rules.return_to[k, c])
        shares = ("recognition", "false_recognition", "encampment", "returns", "orders_last",
                  "regularisation")  # fmt: skip
        return {
            **channels,
            "free_movement": bool(rules.free[k, c]),
            "capacity": float(rules.capacity[c]),
            "prima_facie": bool(rules.prima_facie[k, c]),
            "return_to": None if sent_to < 0 else countries[sent_to].id,
            "protection": float(rules.protection[c]),
            **{name: float(getattr(rules, name)[k, c]) for name in shares},
        }

    @property
    def borders(self) -> dict[str, dict[str, Any]]:
        """What holds on each corridor into the country: enforcement, closed, detention.

        Detention is that of adults who are citizens of the country which the corridor leaves.
        """
        world = self.model.world
        legs, rules, corridors = world.network.legs, RULES.of(world), world.scenario.corridors
        entering = np.flatnonzero(legs.crosses & (world.country[legs.target] == self.index))
        custody = rules.custody
        kind = custody.treated[Company.adults, world.country[legs.source]]
        return {
            corridors[legs.corridor[e]].id: {
                "enforcement": float(rules.enforcement[e]),
                "closed": bool(rules.closed[e]),
                "detention": float(custody.detained[kind[e], e]),
                "detention_days": float(custody.days[kind[e], e]),
            }
            for e in entering
        }


class Person:
    """One person (a row, which stands for `people` of them), read like a Mesa agent.

    Nothing is kept here: every attribute is read off the world's arrays as they are now.
    """

    __slots__ = ("model", "unique_id")
    model: MigrationModel
    unique_id: int
    """Row of the arrays; it stays a person's own to the end of the run."""

    def __init__(self, model: MigrationModel, row: int) -> None:
        object.__setattr__(self, "model", model)
        object.__setattr__(self, "unique_id", row)

    def __getattr__(self, name: str) -> Any:
        column = COLUMNS.get(name)
        if column is None:
            if name in ("step", "advance", "remove", "move_to"):
                _refuse(f"Person.{name}", "a person has no code of its own.")
            hint = suggest(name, list(COLUMNS), "there are")
            raise AttributeError(f"a person has no {name}: {hint}")
        return _plain(column(self.model, self.unique_id))

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        _refuse(f"Person.{name}", "what a person is follows from the model's rule.")

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        """Refused: a copy would be read off the same arrays, or off none."""
        raise NotOnArraysError(
            "a Person is neither copied nor pickled: it is read off its model. Keep its unique_id, "
            "or what `get` gives."
        )

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Person)
            and self.model is other.model
            and self.unique_id == other.unique_id
        )

    def __hash__(self) -> int:
        return hash((id(self.model), self.unique_id))

    def __repr__(self) -> str:
        return f"<Person {self.unique_id}: {self.activity} in {self.place}>"

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *COLUMNS]


class People(Sequence[Person]):
    """Rows of the world, to be read as an AgentSet is.

    Which rows they are is as of the moment the view was made; what is read of them is as of now.
    """

    def __init__(self, model: MigrationModel, rows: I64) -> None:
        self.model = model
        self.rows = rows

    @property
    def random(self) -> Any:
        """The model's random numbers; the engine draws none of them."""
        return self.model.random

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Person]:
        return (Person(self.model, row) for row in self.rows.tolist())

    def __contains__(self, person: object) -> bool:
        return (
            isinstance(person, Person)
            and person.model is self.model
            and person.unique_id in self.rows
        )

    @overload
    def __getitem__(self, item: SupportsIndex) -> Person: ...
    @overload
    def __getitem__(self, item: slice) -> list[Person]: ...
    def __getitem__(self, item: SupportsIndex | slice) -> Person | list[Person]:
        if isinstance(item, slice):
            return [Person(self.model, row) for row in self.rows[item].tolist()]
        return Person(self.model, int(self.rows[operator.index(item)]))

    def __repr__(self) -> str:
        return f"<{len(self):,} people, a row each>"

    def select(
        self,
        filter_func: Callable[[Person], bool] | Bool | None = None,
        at_most: int | float = float("inf"),
        inplace: bool = False,
        agent_type: type | None = None,
    ) -> People:
        """Some of them, in their order.

        Args:
            filter_func: Called with each person; or, much faster, an array of truths, one a person.
            at_most: A number of people, or, as a float of at most 1, a share of them.
            inplace: Refused.
            agent_type: `Person` or `mesa.Agent`, or there will be nobody.

        Raises:
            NotOnArraysError: `inplace`.
            ValueError: `filter_func` is neither a function nor a truth a person, or `at_most` is
                negative.
        """
        if inplace:
            _refuse("select(inplace=True)", "the view is of the world's own rows.")
        rows = self.rows
        if at_most < 0:
            raise ValueError(f"at_most is a number of people or a share of them, not {at_most}")
        if filter_func is not None and not callable(filter_func):
            truths = np.asarray(filter_func)
            if truths.dtype != bool or truths.shape != rows.shape:
                raise ValueError(
                    f"select takes a function of a person, or an array of {len(rows)} truths; "
                    f"this one is of {truths.dtype} and of shape {truths.shape}"
                )
            rows = rows[truths]
        elif filter_func is not None:
            chosen = [bool(filter_func(Person(self.model, row))) for row in rows.tolist()]
            rows = rows[np.array(chosen, bool)]
        if agent_type not in (None, Person, mesa.Agent, object):
            rows = rows[:0]
        if isinstance(at_most, float) and at_most <= 1.0:
            at_most = int(len(self) * at_most)
        return People(self.model, rows if at_most >= len(rows) else rows[: int(at_most)])

    def get(
        self, attr_names: str | list[str], handle_missing: str = "error", default_value: Any = None
    ) -> list[Any]:
        """Values of an attribute, or a list of several a person; read off the arrays at once."""
        if handle_missing not in ("error", "default"):
            raise ValueError(f"handle_missing is 'error' or 'default', not {handle_missing!r}")
        if not isinstance(attr_names, str):
            columns = [self.get(name, handle_missing, default_value) for name in attr_names]
            return [list(values) for values in zip(*columns, strict=True)]
        if attr_names in COLUMNS:
            return list(_plain(COLUMNS[attr_names](self.model, self.rows)))
        if attr_names == "unique_id":
            return list(self.rows.tolist())
        if handle_missing == "default":
            return [default_value] * len(self)
        hint = suggest(attr_names, list(COLUMNS), "there are")
        raise AttributeError(f"a person has no {attr_names}: {hint}")

    def agg(self, attribute: str, func: Any) -> Any:
        """What a function, or each of several, makes of the values of an attribute."""
        values = self.get(attribute)
        return func(values) if callable(func) else [one(values) for one in func]

    def map(self, method: str | Callable[..., Any], *args: Any, **kwargs: Any) -> list[Any]:
        """What a function, which must change nothing, makes of each person."""
        if isinstance(method, str):
            return [getattr(person, method)(*args, **kwargs) for person in self]
        return [method(person, *args, **kwargs) for person in self]

    def groupby(self, by: str | Callable[[Person], Any], result_type: str = "agentset") -> Any:
        """Mesa's GroupBy: people by an attribute, or by what a function says of them."""
        values = self.get(by) if isinstance(by, str) else self.map(by)
        groups: dict[Any, list[int]] = {}
        for value, row in zip(values, self.rows.tolist(), strict=True):
            groups.setdefault(value, []).append(row)
        views = {name: People(self.model, np.array(rows)) for name, rows in groups.items()}
        as_list = result_type != "agentset"
        return agentset.GroupBy({k: list(v) if as_list else v for k, v in views.items()})

    def sort(
        self, key: str | Callable[[Person], Any], ascending: bool = False, inplace: bool = False
    ) -> People:
        """The same people in the order of an attribute, or of what a function says of them."""
        if inplace:
            _refuse("sort(inplace=True)", "the order of rows means nothing, and stays.")
        values = self.get(key) if isinstance(key, str) else self.map(key)
        order = sorted(range(len(values)), key=values.__getitem__, reverse=not ascending)
        return People(self.model, self.rows[order])

    def shuffle(self, inplace: bool = False) -> People:
        """The same people in random order, by the model's `random`; the run does not notice."""
        if inplace:
            _refuse("shuffle(inplace=True)", "the order of rows means nothing, and stays.")
        order = list(range(len(self)))
        self.random.shuffle(order)
        return People(self.model, self.rows[order])

    def shuffle_do(self, method: Any, *args: Any, **kwargs: Any) -> NoReturn:  # noqa: ARG002
        """Refused: nobody acts before anybody else."""
        _refuse("shuffle_do", "nobody acts before anybody else, so there is no order to shuffle.")

    def do(self, method: Any, *args: Any, **kwargs: Any) -> NoReturn:  # noqa: ARG002
        """Refused: people have no code of their own."""
        _refuse("do", "people have no code of their own; `model.step()` moves them all.")

    def set(self, attr_name: str, value: Any) -> NoReturn:  # noqa: ARG002
        """Refused: what people are follows from the model's rule."""
        _refuse("set", "what people are follows from the model's rule.")

    def add(self, agent: Any) -> NoReturn:  # noqa: ARG002
        """Refused: people are born, or counted at the start."""
        _refuse("add", "people are born, or counted at the start (`agents=`).")

    def remove(self, agent: Any) -> NoReturn:  # noqa: ARG002
        """Refused: nobody is taken out of the account of people."""
        _refuse("remove", "nobody is taken out of the account of people.")

    discard = remove


def _labels(values: Sequence[Any]) -> Any:
    """An array of labels by code, so that one code or many are looked up alike."""
    found = np.empty(len(values), object)
    for code, value in enumerate(values):  # tuples are labels too
        found[code] = value
    return found


def _words(world: World) -> dict[str, Any]:
    """Labels of what the world's arrays hold as codes."""
    scenario = world.scenario
    return {
        **WORDS,
        "place": _labels([place.id for place in scenario.places]),
        "citizenship": _labels([scenario.countries[c].id for c in world.country]),
        "kin": _labels([None, *(country.id for country in scenario.countries)]),
        "group": _labels(["other", *(group.id for group in scenario.groups)]),
        "taste": _labels([one.id for one in scenario.decision.classes]),
        "pos": _labels([(place.lon, place.lat) for place in scenario.places]),
    }


WORDS: Final[dict[str, Any]] = {
    **{
        name: _labels(list(axis.__members__))
        for name, axis in (
            ("sex", Sex), ("education", Education), ("status", Status), ("activity", Activity),
        )
    },
    "threats": _labels(
        [tuple(threat.name for threat in Threat if mask >> threat & 1) for mask in range(128)]
    ),
}  # fmt: skip
"""Labels that are the same in every world; of threats, by the mask of those one is exposed to."""


def _age(model: MigrationModel, rows: Any) -> Any:
    return (model.world.month() - model.world.people.born[rows].astype(np.int64)) // 12


def _flag(bit: int) -> Callable[[MigrationModel, Any], Any]:
    return lambda model, rows: model.world.people.flags[rows] & bit > 0


def _column(name: str) -> Callable[[MigrationModel, Any], Any]:
    return lambda model, rows: getattr(model.world.people, name)[rows]


def _word(name: str, column: str = "", shift: int = 0, bits: int = 255) -> Any:
    def read(model: MigrationModel, rows: Any) -> Any:
        code = getattr(model.world.people, column or name)[rows]
        return model.words[name][code >> shift & bits if shift or bits < 255 else code]

    return read


COLUMNS: Final[dict[str, Callable[[MigrationModel, Any], Any]]] = {
    "place": _word("place"),
    "home": _word("place", "home"),
    "pos": _word("pos", "place"),
    "citizenship": _word("citizenship", "home"),
    "status": _word("status"),
    "activity": _word("activity"),
    "group": _word("group"),
    "sex": _word("sex", "traits", 0, 1),
    "education": _word("education", "traits", 1, 3),
    "age": _age,
    "household": _column("household"),
    "is_head": _flag(HEAD),
    "means": _column("means"),
    "kin": _word("kin"),
    "taste": _word("taste", "traits", 4, 15),
    "threats": _word("threats", "mask", 0, 127),
    "moved_abroad": _flag(MOVED_ABROAD),
    "moved_within": _flag(MOVED_WITHIN),
    "no_means": _flag(EVER_NO_MEANS),
    "no_permission": _flag(EVER_NO_PERMISSION),
    "died_naturally": _flag(DIED_NATURALLY),
    "people": lambda model, rows: model.world.weight[model.world.people.home[rows]],
    "pid": _column("pid"),
}
"""What can be read of a person: place of stay (the last one reached, of those on the way) and of
origin, (longitude, latitude), what `sim/core/state.py` keeps, and what has ever befallen them."""


def _plain(values: Any) -> Any:
    """Python's own values in place of NumPy's."""
    return values.tolist() if isinstance(values, np.ndarray | np.generic) else values


def _last_day(model: MigrationModel) -> date:
    return model.date - timedelta(days=1)


# No `partial`: Mesa 3.4.1 and 3.4.2 call one without the model.
def _answer(name: str) -> Callable[[MigrationModel], int]:
    return lambda model: model.answers[name]


def _status(status: Status) -> Callable[[MigrationModel], int]:
    return lambda model: int(model.census.stocks[:, :, status].sum())


def _abroad(model: MigrationModel) -> int:
    return sum(country.emigrants for country in model.countries)


def _activity(activity: Activity) -> Callable[[MigrationModel], int]:
    return lambda model: int(model.census.activities[activity])


MODEL_REPORTERS: Final[dict[str, Callable[[MigrationModel], Any]]] = {
    "date": _last_day,
    **{answer.name: _answer(answer.name) for answer in Answer},
    "displaced": _status(Status.displaced),
    "refugees": _status(Status.refugee),
    "abroad": _abroad,
    "travelling": _activity(Activity.travelling),
    "dead": _activity(Activity.dead),
}
"""Of every step: its last day; answers given in it, in households; people at its end, by standing,
and all who have died since the start."""

COUNTRY_REPORTERS: Final = ("name", "people", "foreigners", "emigrants", "opinion", "stringency")


def _seed_of(rng: Any) -> int:
    """A seed from what Mesa takes for one."""
    if isinstance(rng, int | np.integer):
        return int(rng)
    return int(np.random.default_rng(rng).integers(2**63, dtype=np.uint64))


def _read(
    scenario: str | Path | Scenario,
    agents: int | None,
    base: Scenario | None,
    changes: Mapping[str, Any],
) -> tuple[Scenario, Scenario | None]:
    """Read the scenario with its changes, and the one that its rates are solved on."""
    known = [*inspect.signature(MigrationModel).parameters, "seed", *Scenario.model_fields]
    for name in changes:
        if name.partition(".")[0] not in known:
            hint = suggest(name, known, "there are")
            raise TypeError(f"MigrationModel has no parameter {name}: {hint}")
    arguments = [f"{path}={_yaml(value)}" for path, value in changes.items()]
    if agents is not None:
        arguments.append(f"population.agents={_yaml(agents)}")
    if isinstance(scenario, Scenario):
        if arguments:
            raise TypeError(
                f"{arguments[0]} changes what a file says, and this scenario was read already: "
                "give the file's name, or sim.read(file, ['PATH=VALUE', ...]) as the scenario "
                "and sim.read(file) as the base"
            )
        return scenario, base
    file = ScenarioFile(scenario)
    changed = file.variant(arguments)
    if base is None and arguments:
        base = file.variant()
    return changed, base


def _yaml(value: Any) -> str:
    """A value as the command line takes it; dates as text, NumPy's numbers as Python's."""
    return json.dumps(value, default=lambda it: it.item() if hasattr(it, "item") else str(it))
