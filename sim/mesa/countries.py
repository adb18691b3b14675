"""Countries as Mesa agents: public opinion and rules."""

from __future__ import annotations

import weakref
from typing import Any, NoReturn

import numpy as np

from sim.core.state import I64
from sim.core.terms import Education, PartyType
from sim.mechanisms.policy import RULES
from sim.mechanisms.politics import PUBLIC
from sim.mechanisms.rule_book import CHANNELS, in_force
from sim.mesa.interface import Model
from sim.mesa.quiet import mesa
from sim.mesa.refusal import refuse, refuse_copy


class Rules(dict[str, Any]):
    """Rules as they are today. Nothing in them can be set."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        refuse("a country's rules", "they follow from the scenario, and are only read here.", of="")

    __setitem__ = __delitem__ = __ior__ = _refuse
    pop = popitem = clear = update = setdefault = _refuse

    def __reduce__(self) -> Any:
        """Copied and pickled as a plain dictionary, which is one's own to change."""
        return dict, (dict(self),)


class Country(mesa.Agent):  # type: ignore[misc]
    """A country: public opinion and rules. Nothing in it can be set."""

    def __init__(self, model: Model, index: int) -> None:
        super().__init__(model)
        self.index = index
        self.name = model.world.scenario.countries[index].id

    def __repr__(self) -> str:
        return f"<Country {self.name}>"

    @property
    def model(self) -> Model:
        """The model. Its countries do not keep it alive: it is freed when nobody else holds it."""
        model: Model | None = self._model()
        if model is None:
            raise ReferenceError("the model is gone; keep it while you look at its countries")
        return model

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "model":
            name, value = "_model", weakref.ref(value)
        fixed = name in ("index", "name", "unique_id") and "name" in self.__dict__
        if fixed or isinstance(getattr(type(self), name, None), property):
            refuse(f"{self.name}.{name}", "it follows from the scenario.", of="")
        super().__setattr__(name, value)

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        """Refused: it is part of its model."""
        refuse_copy()

    def remove(self) -> NoReturn:
        """Refused: the world keeps its countries."""
        refuse(f"{self.name}.remove", "the world keeps its countries.", of="")

    @property
    def opinion(self) -> float | None:
        """Opinion of people from abroad, 0 welcoming to 1 hostile; none: not followed."""
        return self._public("opinion")

    @property
    def stringency(self) -> float | None:
        """Stringency since the last election, on the same scale."""
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
        """People who are there, whatever their citizenship; people on the way are in no country."""
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
    def policies(self) -> tuple[str, ...]:
        """Ids of the scenario's rules that are in force into this country or its corridors."""
        scenario = self.model.world.scenario
        country = {place.id: place.country for place in scenario.places}
        entered = {corridor.id: country[corridor.to] for corridor in scenario.corridors}
        return tuple(
            rule.id
            for rule in in_force(scenario, RULES.of(self.model.world).when)
            if self.name in (rule.into, entered.get(rule.corridor or ""))
        )

    @property
    def policy(self) -> dict[str, dict[str, Any]]:
        """Rules for citizens of each other country, as changed by elections.

        By citizenship: each channel (`open`, `quota` a year, `wait` in months, `fee`,
        `min_education`), `free_movement`, and the rules of asylum and stay.
        """
        names = [country.id for country in self.model.world.scenario.countries]
        found = {name: self._towards(k) for k, name in enumerate(names) if k != self.index}
        return Rules(found)

    def _towards(self, k: int) -> Rules:
        rules, c = RULES.of(self.model.world), self.index
        countries = self.model.world.scenario.countries
        channels = {
            s.name: Rules(
                open=bool(rules.open[k, c, s]),
                quota=float(rules.quota[c, s]),
                wait=float(rules.wait[k, c, s]),
                fee=float(rules.fee[k, c, s]),
                min_education=Education(rules.min_education[k, c, s]).name,
            )
            for s in CHANNELS
        }
        sent_to = int(rules.return_to[k, c])
        return Rules(
            **channels,
            free_movement=bool(rules.free[k, c]),
            capacity=float(rules.capacity[c]),
            prima_facie=bool(rules.prima_facie[k, c]),
            return_to=None if sent_to < 0 else countries[sent_to].id,
            protection=float(rules.protection[c]),
            recognition=float(rules.recognition[k, c]),
            false_recognition=float(rules.false_recognition[k, c]),
            **{name: float(table[k, c]) for name, table in rules.added.items()},
        )

    @property
    def borders(self) -> dict[str, dict[str, Any]]:
        """What holds on each corridor into the country: enforcement, closed, detention.

        Detention is that of adults who are citizens of the country which the corridor leaves.
        """
        world = self.model.world
        legs, rules, corridors = world.network.legs, RULES.of(world), world.scenario.corridors
        entering = np.flatnonzero(legs.crosses & (world.country[legs.target] == self.index))
        custody = rules.custody
        kind = custody.treated[PartyType.adults, world.country[legs.source]]
        return Rules(
            {
                corridors[legs.corridor[e]].id: Rules(
                    enforcement=float(rules.enforcement[e]),
                    closed=bool(rules.closed[e]),
                    detention=float(custody.detained[kind[e], e]),
                    detention_days=float(custody.days[kind[e], e]),
                )
                for e in entering
            }
        )
