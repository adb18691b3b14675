"""The rules of a scenario by date, and what sets of them come to (docs/model.md, 3.4).

For every field the rule in force with the latest start wins; ties are decided by order in the
file. A rule on a corridor takes precedence over a rule of the country entered.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sim.core.same import Same
from sim.core.state import F64, Bool
from sim.core.terms import N_SLOTS, Channel, Education, PartyType
from sim.kernels.travel import Custody
from sim.mechanisms import announcement, blocs
from sim.mechanisms.populate import group_index
from sim.model.network import Network
from sim.schema import Policy
from sim.schema.key import Declaration, part_in

if TYPE_CHECKING:
    from sim.schema import Scenario

CHANNELS = (Channel.labour, Channel.family, Channel.asylum, Channel.irregular)
BORDER = ("barrier", "officers", "law", "closed", "complicit")
HANDLING = (
    "detention", "detention_days", "turned_back", "removal", "prosecution", "separation",
)  # fmt: skip
"""Fields on the treatment of intercepted people, which may depend on nationality and party."""
BY_CLASS = ("recognition", "false_recognition", "prima_facie", "return_to")
"""Fields on asylum, which may depend on nationality and group."""


class OfCountry(NamedTuple):
    """What a country's own rules come to, before stringency moves them."""

    channels: F64
    """[field, k, s] open, wait, fee and lowest education, as numbers."""
    by_class: F64
    """[field, k] values by admission class: `BY_CLASS`, then those that mechanisms add."""
    quota: F64
    """[s] admissions a year, infinite where there is no quota."""
    capacity: float
    """Asylum decisions a year."""
    protection: float
    """How far refugees and claimants have the rights of their status."""


class OfCountries(NamedTuple):
    """What the own rules of all countries come to, before stringency moves them."""

    channels: F64
    """[field, k, c, s] as in `OfCountry`."""
    by_class: F64
    """[field, k, c]"""
    quota: F64
    """[c, s]"""
    capacity: F64
    """[c]"""
    protection: F64
    """[c]"""


class InForce(NamedTuple):
    """Rules in force, as positions in the scenario's list, earliest start first."""

    own: tuple[tuple[int, ...], ...]
    """By country: its own rules."""
    borders: tuple[int, ...]
    """Rules that state what is done at a border."""
    handling: tuple[int, ...]
    """Rules on the treatment of intercepted people."""


class RuleBook:
    """The rules of a scenario, and what sets of them come to.

    Rules change on some dozens of days, and only those of a few countries each time. What a set of
    rules comes to is worked out once and kept, by the rules' positions in the list: it depends on
    nothing but them and the scenario, which is frozen. Nobody may write to what is kept.

    Attributes:
        scenario: The scenario.
        country: [place] index of its country.
        added: Keys of rules that mechanisms have declared.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.countries = [c.id for c in scenario.countries]
        self.number = {name: i for i, name in enumerate(self.countries)}
        self.country = np.array([self.number[p.country] for p in scenario.places], np.int64)
        groups = [""] + [g.id for g in scenario.groups]
        self.kinds = [(self.countries[c], groups[g]) for c, g in admission_classes(scenario)]
        """Citizenship and group of each admission class; an empty text means no group."""
        # The type tells what mechanisms add even where there is no rule.
        whole, _ = part_in(type(scenario).model_fields["policies"].annotation)
        self.declared = (whole or Policy).declared
        self.added = [name for name in self.declared if name not in Policy.declared]
        self._in_force: dict[tuple[date, bool], InForce] = {}
        self._blocs: dict[date, tuple[Bool, Bool, F64]] = {}
        self._countries: dict[tuple[int, tuple[int, ...]], OfCountry] = {}
        self._together: dict[tuple[tuple[int, ...], ...], OfCountries] = {}
        self._borders: dict[tuple[int, ...], F64] = {}
        self._custody: dict[tuple[int, ...], Custody] = {}

    def in_force(self, when: date, announced: bool) -> InForce:
        """Rules in force on a date; with `announced`, those that cause a surge, too."""
        if (when, announced) not in self._in_force:
            own: list[list[int]] = [[] for _ in self.countries]
            borders, handling = [], []
            for i in positions_in_force(self.scenario, when, announced):
                rule = self.scenario.policies[i]
                if rule.into is not None:
                    own[self.number[rule.into]].append(i)
                if any(getattr(rule, name) is not None for name in BORDER):
                    borders.append(i)
                if any(getattr(rule, name) is not None for name in HANDLING):
                    handling.append(i)
            found = InForce(tuple(map(tuple, own)), tuple(borders), tuple(handling))
            self._in_force[when, announced] = found
        return self._in_force[when, announced]

    def blocs(self, when: date) -> tuple[Bool, Bool, F64]:
        """Free movement, responsible countries and transfers on a date, as in `Rules`."""
        if when not in self._blocs:
            free = blocs.free_movement(self.scenario, when)
            self._blocs[when] = (free, *blocs.first_country(self.scenario, when))
        return self._blocs[when]

    def of_countries(self, own: tuple[tuple[int, ...], ...]) -> OfCountries:
        """What the own rules of all countries come to.

        Args:
            own: By country: its rules in force.
        """
        if own not in self._together:
            found = [self.of_country(c, its) for c, its in enumerate(own)]
            self._together[own] = OfCountries(
                np.stack([it.channels for it in found], axis=2),
                np.stack([it.by_class for it in found], axis=2),
                np.stack([it.quota for it in found]),
                np.array([it.capacity for it in found], np.float64),
                np.array([it.protection for it in found], np.float64),
            )
        return self._together[own]

    def of_country(self, c: int, own: tuple[int, ...]) -> OfCountry:
        """What a country's own rules come to.

        Args:
            c: The country.
            own: Its rules in force.
        """
        if (c, own) not in self._countries:
            rules = [self.scenario.policies[i] for i in own]
            self._countries[c, own] = self._read_country(rules)
        return self._countries[c, own]

    def borders(self, numbers: tuple[int, ...], network: Network) -> F64:
        """[field, leg] what the rules say of borders, by `BORDER`, before stringency moves it.

        Args:
            numbers: Rules in force that state any of it.
            network: The scenario's.
        """
        if numbers not in self._borders:
            rules = [self.scenario.policies[i] for i in numbers]
            self._borders[numbers] = self._read_borders(rules, network)
        return self._borders[numbers]

    def custody(self, numbers: tuple[int, ...], network: Network) -> Custody:
        """Treatment of intercepted people, before stringency moves it.

        Args:
            numbers: Rules in force that state any of it.
            network: The scenario's.
        """
        if numbers not in self._custody:
            rules = [self.scenario.policies[i] for i in numbers]
            self._custody[numbers] = treatments(self.scenario, network, rules)
        return self._custody[numbers]

    def _read_country(self, rules: list[Policy]) -> OfCountry:
        mine = [[r for r in rules if concerns(r, citizenship)] for citizenship, _ in self.kinds]
        names = [*BY_CLASS, *self.added]
        channels = np.zeros((4, len(self.kinds), N_SLOTS))
        by_class = np.zeros((len(names), len(self.kinds)))
        quota = np.full(N_SLOTS, np.inf)
        for channel in CHANNELS:
            quota[channel] = field([r for r in rules if r.channel == channel.name], "quota")
        # Classes to which the same rules apply have the values of the first of them.
        first: dict[tuple[int, ...], int] = {}
        for k, kind in enumerate(self.kinds):
            told_apart = tuple(id(r) for r in mine[k]) + tuple(
                admitted(r, *kind) for r in mine[k] if r.only or r.except_
            )
            like = first.setdefault(told_apart, k)
            if like != k:
                channels[:, k], by_class[:, k] = channels[:, like], by_class[:, like]
                continue
            for channel in CHANNELS:
                channels[:, k, channel] = self._read_channel(
                    [r for r in mine[k] if r.channel == channel.name], kind, channel, quota[channel]
                )
            for i, name in enumerate(names):
                value = field(mine[k], name, declared=self.declared)
                if name == "return_to":
                    value = -1 if value is None else self.number[value]
                by_class[i, k] = value
        return OfCountry(
            channels, by_class, quota, field(rules, "capacity"), field(rules, "protection")
        )

    def _read_channel(
        self, rules: list[Policy], kind: tuple[str, str], channel: Channel, quota: float
    ) -> tuple[bool, float, float, int]:
        """Whether a channel is open to an admission class, its wait, fee and lowest education."""
        admits = [r for r in rules if r.only or r.except_]
        is_open = field(rules, "open", channel.name) and quota != 0
        if admits and not admitted(admits[-1], *kind):
            is_open = False
        education = Education[field(rules, "min_education")]
        return is_open, field(rules, "wait", channel.name), field(rules, "fee"), education

    def _read_borders(self, rules: list[Policy], network: Network) -> F64:
        legs = network.legs
        nobodys = {name: field([], name) for name in BORDER}
        by_country = [
            {name: field([r for r in rules if r.into == country], name) for name in BORDER}
            for country in self.countries
        ]
        table = np.zeros((len(BORDER), len(legs.source)))
        for e, into in enumerate(self.country[legs.target].tolist()):
            corridor = self.scenario.corridors[legs.corridor[e]].id
            border = by_country[into] if legs.crosses[e] else nobodys
            for rule in rules:
                if rule.corridor == corridor:
                    stated = {f: getattr(rule, f) for f in BORDER if getattr(rule, f) is not None}
                    border = {**border, **stated}
            table[:, e] = [border[name] for name in BORDER]
        return table


@lru_cache(maxsize=4)
def rule_book(scenario: Same[Scenario]) -> RuleBook:
    """The rule book of a scenario; those of the last few scenarios are kept in a process."""
    return RuleBook(scenario.it)


def treatments(scenario: Scenario, network: Network, rules: list[Policy]) -> Custody:
    """Treatment of intercepted people, by nationality and type of party, and by leg.

    A rule about some types of party takes precedence over one about all, and a rule on a corridor
    over one of the country entered.

    Args:
        scenario: The scenario.
        network: Its legs.
        rules: Rules in force on it, earliest start first.
    """
    legs, journey = network.legs, scenario.journey
    # The sort is stable, so within each of the two kinds the latest start still wins.
    handling = sorted(rules, key=lambda rule: bool(rule.parties))
    treated = np.zeros((len(PartyType), len(scenario.countries)), np.int64)
    kinds: dict[tuple[int, ...], int] = {}
    tables: list[F64] = []
    country_of = [p.country for p in scenario.places]
    corridors = [scenario.corridors[c].id for c in legs.corridor]
    for party_type in PartyType:
        for c, country in enumerate(scenario.countries):
            mine = [
                rule
                for rule in handling
                if concerns(rule, country.id)
                and (not rule.parties or party_type.name in rule.parties)
            ]
            t = treated[party_type, c] = kinds.setdefault(tuple(map(id, mine)), len(kinds))
            if t < len(tables):
                continue
            table = np.zeros((len(HANDLING), len(legs.source)))
            for e, corridor in enumerate(corridors):
                into = country_of[legs.target[e]] if legs.crosses[e] else None
                state = [rule for rule in mine if into is not None and rule.into == into]
                ordered = state + [rule for rule in mine if rule.corridor == corridor]
                for i, name in enumerate(HANDLING):
                    value = field(ordered, name)
                    table[i, e] = journey.turned_back if value is None else value
            tables.append(table)
    detained, days, turned_back, removed, prosecuted, separated = (
        np.array([table[i] for table in tables]) for i in range(len(HANDLING))
    )
    return Custody(treated, detained, days, turned_back, removed, prosecuted, separated)


def in_force(scenario: Scenario, when: date, announced: bool = False) -> list[Policy]:
    """Rules in force on a date, earliest start first, so that the last one to state a value wins.

    With `announced`, announced rules that cause a surge are included.
    """
    return [scenario.policies[i] for i in positions_in_force(scenario, when, announced)]


def positions_in_force(scenario: Scenario, when: date, announced: bool = False) -> list[int]:
    """Positions of the rules in force, in the order of `in_force`."""
    rules = [
        (rule.start or date.min, i)
        for i, rule in enumerate(scenario.policies)
        if rule.enabled
        and (
            rule.start is None
            or rule.start <= when
            or (announced and announcement.is_pending(rule, when))
        )
        and (rule.end is None or when <= rule.end)
    ]
    return [i for _, i in sorted(rules)]


def field(
    rules: list[Policy],
    name: str,
    channel: str = "",
    declared: Mapping[str, Declaration] = Policy.declared,
) -> Any:
    """Value of a field under the last rule that states it, else what is declared to hold.

    Args:
        rules: Rules, earliest start first.
        name: The field.
        channel: Way of entering, if what holds otherwise depends on it.
        declared: Declarations of all fields.
    """
    for rule in reversed(rules):
        value = getattr(rule, name)
        if value is not None:
            return value
    otherwise = declared[name].otherwise
    return otherwise[channel] if channel else otherwise


def concerns(rule: Policy, citizenship: str) -> bool:
    """Whether a rule applies to people of a citizenship."""
    return not rule.citizens_of or citizenship in rule.citizens_of


def admitted(rule: Policy, citizenship: str, group: str) -> bool:
    """Whether a channel's rule admits people of a citizenship and group."""
    if citizenship in rule.except_ or (group and group in rule.except_):
        return False
    return not rule.only or citizenship in rule.only or (bool(group) and group in rule.only)


def admission_classes(scenario: Scenario) -> list[tuple[int, int]]:
    """Admission classes as (country index, group index); group 0 first for every country."""
    number = {c.id: i for i, c in enumerate(scenario.countries)}
    classes = [(c, 0) for c in range(len(number))]
    index = group_index(scenario)
    classes += [(number[g.country], index[g.id]) for g in scenario.groups]
    return classes
