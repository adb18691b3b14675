"""Rules of states on a date: channels, borders, asylum (sections 7 and 8).

For every field the rule in force with the latest start wins; ties are decided by order in the
file. A rule on a corridor takes precedence over a rule of the country entered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.core.state import F64, I64, Bool
from sim.core.terms import N_SLOTS, Channel, Education, PartyType
from sim.kernels.travel import Custody
from sim.mechanisms import announcement, blocs, politics
from sim.mechanisms.politics import PUBLIC, pulled
from sim.mechanisms.populate import group_index
from sim.model.declare import Hook, Mechanism, State
from sim.model.network import Network
from sim.schema import Policy
from sim.schema.key import Declaration, part_in

if TYPE_CHECKING:
    from sim.model.substep import SubStep
    from sim.model.world import World
    from sim.schema import Scenario
    from sim.schema.politics import Levers

CHANNELS = (Channel.labour, Channel.family, Channel.asylum, Channel.irregular)
BORDER = ("barrier", "officers", "law", "closed", "complicit")
HANDLING = (
    "detention", "detention_days", "turned_back", "removal", "prosecution", "separation",
)  # fmt: skip
"""Fields on the treatment of intercepted people, which may depend on nationality and party."""
TIGHTENED = ("barrier", "officers", "law", "detention")
"""Border fields that respond to the stringency of the country entered."""
PASSABLE = 0.999
"""Probability of interception from which a leg counts as unusable (our assumption)."""


class Rules:
    """All rules in force on one date, as arrays that other mechanisms read.

    `shift`, [country] stringency above its start, moves them through the levers of the scenario's
    politics. With `announced`, announced rules apply as if they had already started.

    Axes: admission class k (citizenship, group), country c, slot s, leg.

    Attributes:
        open: [k, c, s] whether the channel is open to the class; a quota of 0 closes it.
        quota: [c, s] admissions a year, infinite where there is no quota.
        wait: [k, c, s] months of waiting that the rule itself sets, without queues.
        fee: [k, c, s] money per person.
        min_education: [k, c, s] lowest level of education admitted.
        recognition, false_recognition: [k, c] shares.
        capacity: [c] asylum decisions a year, infinite where not limited.
        prima_facie: [k, c] whether all of the class are recognised as refugees on arrival.
        return_to: [k, c] country to which claimants are sent, -1 where claims are admissible.
        protection: [c] how far refugees and claimants have the rights of their status.
        enforcement: [leg] barrier x officers x law.
        closed: [leg] whether the border is closed there.
        complicit: [leg] share of caught people whom officials let through for money.
        free: [citizenship, country] whether a bloc lets citizens live there without permission.
        responsible: [country] whether it is responsible for claims of people who enter it first.
        transfers: [country of the claim, first country] share of claimants transferred there.
        custody: Treatment of intercepted people.
        added: By key that a mechanism has declared: [k, c] values.
    """

    def __init__(
        self,
        scenario: Scenario,
        network: Network,
        when: date,
        shift: F64 | None = None,
        announced: bool = False,
    ) -> None:
        self.when = when
        self.free = blocs.free_movement(scenario, when)
        self.responsible, self.transfers = blocs.first_country(scenario, when)
        stated = in_force(scenario, when, announced)
        rules = RulesInForce(scenario, stated)
        self._read_countries(rules)
        self._read_channels(rules)
        added = [name for name in rules.declared if name not in Policy.declared]
        self.added: dict[str, F64] = {name: rules.by_class(name) for name in added}
        self.custody = treatments(scenario, network, stated)
        shift = np.zeros(len(scenario.countries)) if shift is None else shift
        self._read_borders(scenario, network, rules, shift)
        self._tighten(scenario.politics.levers, shift)

    def stated(self, name: str) -> F64:
        """[k, c] values of a key that a mechanism has declared."""
        return self.added[name]

    def _read_countries(self, rules: RulesInForce) -> None:
        """Read the rules of countries on asylum and protection."""
        self.recognition: F64 = rules.by_class("recognition")
        self.false_recognition: F64 = rules.by_class("false_recognition")
        self.prima_facie = rules.by_class("prima_facie", bool)
        number = {None: -1} | {name: i for i, name in enumerate(rules.countries)}
        self.return_to = rules.by_class("return_to", np.int64, number.__getitem__)
        self.capacity = rules.by_country("capacity")
        self.protection = rules.by_country("protection")

    def _read_channels(self, rules: RulesInForce) -> None:
        """Read the rules on channels: admission, quotas, waiting times and fees."""
        n_k, n_c = len(rules.kinds), len(rules.countries)
        self.open = np.zeros((n_k, n_c, N_SLOTS), bool)
        self.quota = np.full((n_c, N_SLOTS), np.inf)
        self.wait = np.zeros((n_k, n_c, N_SLOTS))
        self.fee = np.zeros((n_k, n_c, N_SLOTS))
        self.min_education = np.zeros((n_k, n_c, N_SLOTS), np.int64)
        for c, name in enumerate(rules.countries):
            for channel in CHANNELS:
                own = [r for r in rules.by_name[name] if r.channel == channel.name]
                self.quota[c, channel] = field(own, "quota")
            for k in rules.told_apart(c):
                for channel in CHANNELS:
                    self._read_channel(rules, c, k, channel)
            for table in (self.open, self.wait, self.fee, self.min_education):
                table[:, c] = table[rules.like[c], c]

    def _read_channel(self, rules: RulesInForce, c: int, k: int, channel: Channel) -> None:
        mine = [r for r in rules.mine[c][k] if r.channel == channel.name]
        is_open = field(mine, "open", channel.name)
        admits = [r for r in mine if r.only or r.except_]
        if admits and not admitted(admits[-1], *rules.kinds[k]):
            is_open = False
        if self.quota[c, channel] == 0:
            is_open = False
        self.open[k, c, channel] = is_open
        self.wait[k, c, channel] = field(mine, "wait", channel.name)
        self.fee[k, c, channel] = field(mine, "fee")
        self.min_education[k, c, channel] = Education[field(mine, "min_education")]

    def _read_borders(
        self, scenario: Scenario, network: Network, rules: RulesInForce, shift: F64
    ) -> None:
        """Read the rules on borders, moved by the stringency of the country entered."""
        legs, levers = network.legs, scenario.politics.levers
        n_legs = len(legs.source)
        self.enforcement = np.zeros(n_legs)
        self.closed = np.zeros(n_legs, bool)
        self.complicit = np.zeros(n_legs)
        number = {name: i for i, name in enumerate(rules.countries)}
        country_of = [p.country for p in scenario.places]
        borders = {name: {f: field(own, f) for f in BORDER} for name, own in rules.by_name.items()}
        free = {f: field([], f) for f in BORDER}
        pulling = [f for f in BORDER if f in TIGHTENED and getattr(levers, f)]
        for e in range(n_legs):
            corridor = scenario.corridors[legs.corridor[e]].id
            border = borders[country_of[legs.target[e]]] if legs.crosses[e] else free
            for rule in rules.by_corridor.get(corridor, []):
                stated = {f: getattr(rule, f) for f in BORDER if getattr(rule, f) is not None}
                border = {**border, **stated}
            if legs.crosses[e] and pulling:
                above = shift[number[country_of[legs.target[e]]]]
                moved = {f: pulled(border[f], getattr(levers, f), above) for f in pulling}
                border = {**border, **moved}
            self.enforcement[e] = border["barrier"] * border["officers"] * border["law"]
            self.closed[e] = bool(border["closed"])
            self.complicit[e] = border["complicit"]
        self.enforcement[self.closed] = 1.0
        into = np.array([number[country_of[p]] for p in legs.target], np.int64)
        detention = self.custody.detained
        tightened = pulled(detention, levers.detention, shift[into])
        detention[:, legs.crosses] = tightened[:, legs.crosses]

    def _tighten(self, levers: Levers, shift: F64) -> None:
        """Let the stringency of governments move the values that respond to it."""
        self.recognition = pulled(self.recognition, levers.recognition, shift)
        for name in self.added.keys() & type(levers).model_fields.keys():
            self.added[name] = pulled(self.added[name], getattr(levers, name), shift)
        self.quota *= np.exp(levers.quota * shift)[:, None]
        self.capacity *= np.exp(levers.capacity * shift)
        self.wait *= np.exp(levers.wait * shift)[None, :, None]


class RulesInForce:
    """Rules in force, sorted by country, corridor and admission class.

    Attributes:
        countries: Ids of countries.
        kinds: Citizenship and group of each admission class; an empty text means no group.
        by_name: Rules of each country.
        by_corridor: Rules of each corridor that has any.
        mine: By country and class: the country's rules that apply to the class.
        like: By country: [k] the first class to which the same rules apply as to class k.
        declared: Declarations of all keys of rules, those that mechanisms add included.
    """

    def __init__(self, scenario: Scenario, rules: list[Policy]) -> None:
        self.countries = [c.id for c in scenario.countries]
        # The type tells what mechanisms add even where there is no rule.
        whole, _ = part_in(type(scenario).model_fields["policies"].annotation)
        self.declared = (whole or Policy).declared
        groups = [""] + [g.id for g in scenario.groups]
        classes = admission_classes(scenario)
        self.kinds = [(self.countries[c], groups[g]) for c, g in classes]
        self.by_name: dict[str, list[Policy]] = {name: [] for name in self.countries}
        self.by_corridor: dict[str, list[Policy]] = {}
        for rule in rules:
            if rule.into is not None:
                self.by_name[rule.into].append(rule)
            elif rule.corridor is not None:
                self.by_corridor.setdefault(rule.corridor, []).append(rule)
        self.mine: list[list[list[Policy]]] = []
        self.like: list[I64] = []
        for name in self.countries:
            own = self.by_name[name]
            mine = [[r for r in own if concerns(r, citizenship)] for citizenship, _ in self.kinds]
            twins: dict[tuple[int, ...], int] = {}
            like = np.arange(len(self.kinds))
            for k, kind in enumerate(self.kinds):
                told_apart = tuple(id(r) for r in mine[k]) + tuple(
                    admitted(r, *kind) for r in mine[k] if r.only or r.except_
                )
                like[k] = twins.setdefault(told_apart, k)
            self.mine.append(mine)
            self.like.append(like)

    def told_apart(self, c: int) -> list[int]:
        """Classes that a country treats differently, each represented by the first of its kind."""
        return [k for k, first in enumerate(self.like[c].tolist()) if k == first]

    def by_class(
        self,
        name: str,
        kind: type = np.float64,
        read: Callable[[Any], Any] = lambda value: value,
    ) -> NDArray[Any]:
        """[k, c] values of a key under the rules in force.

        Args:
            name: The key.
            kind: Type of the numbers.
            read: Turns the value into a number.
        """
        table: NDArray[Any] = np.zeros((len(self.kinds), len(self.countries)), kind)
        for c, like in enumerate(self.like):
            for k in self.told_apart(c):
                table[k, c] = read(field(self.mine[c][k], name, declared=self.declared))
            table[:, c] = table[like, c]
        return table

    def by_country(self, name: str) -> F64:
        """[c] values of a key that is the same for all admission classes."""
        found = [field(self.by_name[country], name) for country in self.countries]
        return np.array(found, np.float64)


def treatments(scenario: Scenario, network: Network, rules: list[Policy]) -> Custody:
    """Treatment of intercepted people, by nationality and type of party, and by leg.

    A rule about some types of party takes precedence over one about all, and a rule on a corridor
    over one of the country entered.

    Args:
        scenario: The scenario.
        network: Its legs.
        rules: Rules in force, earliest start first.
    """
    legs, journey = network.legs, scenario.journey
    handling = [rule for rule in rules if any(getattr(rule, f) is not None for f in HANDLING)]
    # The sort is stable, so within each of the two kinds the latest start still wins.
    handling.sort(key=lambda rule: bool(rule.parties))
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
    rules = [
        (rule.start or date.min, i, rule)
        for i, rule in enumerate(scenario.policies)
        if rule.enabled
        and (
            rule.start is None
            or rule.start <= when
            or (announced and announcement.is_pending(rule, when))
        )
        and (rule.end is None or when <= rule.end)
    ]
    return [rule for _, _, rule in sorted(rules, key=lambda row: row[:2])]


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


def class_table(scenario: Scenario) -> I64:
    """[country, group] admission class; groups of other countries count as no group."""
    table = np.repeat(
        np.arange(len(scenario.countries))[:, None], len(scenario.groups) + 1, axis=1
    ).astype(np.int64)
    for k, (c, g) in enumerate(admission_classes(scenario)):
        table[c, g] = k
    return table


def changes(scenario: Scenario) -> set[date]:
    """Dates on which a rule or bloc starts, ends or is announced, or a country holds elections.

    Rules that are switched off are included: runs with and without a rule are then cut into the
    same sub-steps, and use the same random draws.
    """
    dates = set()
    for rule in scenario.policies:
        if rule.start is not None:
            dates.add(rule.start)
        if rule.end is not None and rule.end < date.max:
            dates.add(rule.end + timedelta(days=1))
    dates |= announcement.changes(scenario)
    return dates | blocs.changes(scenario) | politics.changes(scenario)


class Enforcement(NamedTuple):
    """Effects of enforcement on travel by a leg; axis leg."""

    caught: F64
    """Probability of interception."""
    bribed: F64
    """Probability that officials take money instead."""
    usable: Bool
    """Whether the leg can be used at all."""
    price: F64
    """Money per person."""


def enforce(rules: Rules, network: Network, premium: float, often: float = 1.0) -> Enforcement:
    """Effects of rules on travel by each leg.

    Args:
        rules: Rules in force.
        network: Its legs.
        premium: Share by which smugglers raise their price at full enforcement.
        often: Factor of the probability of meeting officials.
    """
    met = np.minimum(network.legs.enforcement_met * rules.enforcement * often, 1.0)
    caught = met * (1.0 - rules.complicit)
    price = network.legs.price * (1.0 + premium * rules.enforcement)
    return Enforcement(caught, met * rules.complicit, caught < PASSABLE, price)


def rules_today(world: World, announced: bool = False) -> Rules:
    """Rules in force, under today's governments.

    Args:
        world: The world.
        announced: Apply announced rules as if they had already started.
    """
    shift = PUBLIC.of(world).shift()
    return Rules(world.scenario, world.network, world.date(), shift, announced)


def rules_to_come(world: World) -> Rules | None:
    """Today's rules with the announced ones; None while no announced rule causes a surge."""
    scenario = world.scenario
    if scenario.decision.surge > 0 and announcement.any_pending(scenario, world.date()):
        return rules_today(world, announced=True)
    return None


RULES = State("rules", rules_today)
COMING = State("coming", rules_to_come)
CLASSES = State("classes", lambda world: class_table(world.scenario))


def admission_class(world: World, houses: I64) -> I64:
    """[n] admission class of households."""
    households = world.households
    classes = CLASSES.of(world)[households.citizenship[houses], households.group[houses]]
    return np.asarray(classes)


def days_of_change(world: World) -> list[int]:
    """Days from the start on which a rule, a bloc or a government changes, ascending."""
    return sorted((day - world.scenario.time.start).days for day in changes(world.scenario))


CHANGES = State("changes", days_of_change)


def check_changes(world: World, substep: SubStep) -> None:
    """Check whether rules, blocs or governments change today."""
    substep.rules_change = any(world.updated < day <= world.day for day in CHANGES.of(world))


def update(world: World, substep: SubStep) -> None:
    """Put today's rules in force."""
    if substep.rules_change:
        RULES.put(world, rules_today(world))
        COMING.put(world, rules_to_come(world))


MECHANISM = Mechanism(
    "policy",
    "determines which rules of states are in force",
    states=(RULES, COMING, CLASSES, CHANGES),
    dates=CHANGES.of,
    hooks=(Hook("environment", 5, check_changes), Hook("environment", 30, update)),
)
