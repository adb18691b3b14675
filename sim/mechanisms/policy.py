"""Rules of states on a date: channels, borders, asylum (sections 7 and 8).

For every field the rule in force with the latest start wins; ties are decided by order in the
file. A rule on a corridor takes precedence over a rule of the country entered.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sim.core.same import Same
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
    from sim.model.segment import Segment
    from sim.model.world import World
    from sim.schema import Scenario
    from sim.schema.politics import Levers

CHANNELS = (Channel.labour, Channel.family, Channel.asylum, Channel.irregular)
BORDER = ("barrier", "officers", "law", "closed", "complicit")
HANDLING = (
    "detention", "detention_days", "turned_back", "removal", "prosecution", "separation",
)  # fmt: skip
"""Fields on the treatment of intercepted people, which may depend on nationality and party."""
BY_CLASS = ("recognition", "false_recognition", "prima_facie", "return_to")
"""Fields on asylum, which may depend on nationality and group."""
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
        book = rule_book(Same(scenario))
        free, responsible, transfers = book.blocs(when)
        self.free, self.responsible, self.transfers = (
            free.copy(),
            responsible.copy(),
            transfers.copy(),
        )
        rules = book.in_force(when, announced)
        self._read_countries(book, [book.of_country(c, own) for c, own in enumerate(rules.own)])
        self.custody = Custody._make(it.copy() for it in book.custody(rules.handling, network))
        shift = np.zeros(len(scenario.countries)) if shift is None else shift
        self._read_borders(book, rules.borders, network, shift)
        self._tighten(scenario.politics.levers, shift)

    def stated(self, name: str) -> F64:
        """[k, c] values of a key that a mechanism has declared."""
        return self.added[name]

    def _read_countries(self, book: RuleBook, countries: list[OfCountry]) -> None:
        """Read the rules of countries on channels, asylum and protection."""
        channels = np.stack([it.channels for it in countries], axis=2)
        self.open = channels[0].astype(bool)
        self.wait, self.fee = channels[1].copy(), channels[2].copy()
        self.min_education = channels[3].astype(np.int64)
        by_class = np.stack([it.by_class for it in countries], axis=2)
        self.recognition: F64 = by_class[0].copy()
        self.false_recognition: F64 = by_class[1].copy()
        self.prima_facie = by_class[2].astype(bool)
        self.return_to = by_class[3].astype(np.int64)
        others = zip(book.added, by_class[len(BY_CLASS) :], strict=True)
        self.added: dict[str, F64] = {name: values.copy() for name, values in others}
        self.quota = np.stack([it.quota for it in countries])
        self.capacity = np.array([it.capacity for it in countries], np.float64)
        self.protection = np.array([it.protection for it in countries], np.float64)

    def _read_borders(
        self, book: RuleBook, rules: tuple[int, ...], network: Network, shift: F64
    ) -> None:
        """Read the rules on borders, moved by the stringency of the country entered."""
        crosses, levers = network.legs.crosses, book.scenario.politics.levers
        above = shift[book.country[network.legs.target]]
        values = {}
        for name, stated in zip(BORDER, book.borders(rules, network), strict=True):
            strength = getattr(levers, name) if name in TIGHTENED else 0.0
            moved = pulled(stated, strength, above) if strength else stated
            values[name] = np.where(crosses, moved, stated)
        self.enforcement = values["barrier"] * values["officers"] * values["law"]
        self.closed = values["closed"].astype(bool)
        self.complicit = values["complicit"].copy()
        self.enforcement[self.closed] = 1.0
        detention = self.custody.detained
        tightened = pulled(detention, levers.detention, above)
        detention[:, crosses] = tightened[:, crosses]

    def _tighten(self, levers: Levers, shift: F64) -> None:
        """Let the stringency of governments move the values that respond to it."""
        if not (shift.any() and any(strength for _, strength in levers)):
            return
        self.recognition = pulled(self.recognition, levers.recognition, shift)
        for name in self.added.keys() & type(levers).model_fields.keys():
            self.added[name] = pulled(self.added[name], getattr(levers, name), shift)
        self.quota *= np.exp(levers.quota * shift)[:, None]
        self.capacity *= np.exp(levers.capacity * shift)
        self.wait *= np.exp(levers.wait * shift)[None, :, None]


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
    same segments, and use the same random draws.
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


def say_the_same(some: Rules | None, others: Rules | None) -> bool:
    """Whether two sets of rules come to the same, whatever their dates."""
    if some is None or others is None:
        return some is others
    pairs = zip(
        *([*vars(it).values(), *it.added.values(), *it.custody] for it in (some, others)),
        strict=True,
    )
    return all(np.array_equal(a, b) for a, b in pairs if isinstance(a, np.ndarray))


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


def check_changes(world: World, segment: Segment) -> None:
    """Check whether rules, blocs or governments change today."""
    segment.rules_change = any(world.updated < day <= world.day for day in CHANGES.of(world))


def update(world: World, segment: Segment) -> None:
    """Put today's rules in force.

    Where they say what the rules before them said, as after many an election, nothing that follows
    from rules changes.
    """
    if segment.rules_change:
        before, coming = RULES.of(world), COMING.of(world)
        RULES.put(world, rules_today(world))
        COMING.put(world, rules_to_come(world))
        segment.rules_change = not (
            say_the_same(before, RULES.of(world)) and say_the_same(coming, COMING.of(world))
        )


MECHANISM = Mechanism(
    "policy",
    "determines which rules of states are in force",
    states=(RULES, COMING, CLASSES, CHANGES),
    dates=CHANGES.of,
    hooks=(Hook("environment", 5, check_changes), Hook("environment", 30, update)),
)
