"""Rules of states on a date: channels, borders, asylum (docs/model.md, 3.4)."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.core.same import Same
from sim.core.state import F64, I64, Bool
from sim.kernels.travel import Custody
from sim.mechanisms import announcement, blocs, politics
from sim.mechanisms.politics import PUBLIC, pulled
from sim.mechanisms.rule_book import (
    BORDER,
    BY_CLASS,
    OfCountries,
    RuleBook,
    admission_classes,
    rule_book,
)
from sim.model.declare import Hook, Mechanism, State
from sim.model.network import Network

if TYPE_CHECKING:
    from sim.model.segment import Segment
    from sim.model.world import World
    from sim.schema import Scenario
    from sim.schema.politics import Levers

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
        self._read_countries(book, book.of_countries(rules.own))
        self.custody = Custody._make(it.copy() for it in book.custody(rules.handling, network))
        shift = np.zeros(len(scenario.countries)) if shift is None else shift
        self._read_borders(book, rules.borders, network, shift)
        self._tighten(scenario.politics.levers, shift)

    def stated(self, name: str) -> F64:
        """[k, c] values of a key that a mechanism has declared."""
        return self.added[name]

    def _read_countries(self, book: RuleBook, stated: OfCountries) -> None:
        """Read the rules of countries on channels, asylum and protection."""
        channels, by_class = stated.channels, stated.by_class
        self.open = channels[0].astype(bool)
        self.wait, self.fee = channels[1].copy(), channels[2].copy()
        self.min_education = channels[3].astype(np.int64)
        self.recognition: F64 = by_class[0].copy()
        self.false_recognition: F64 = by_class[1].copy()
        self.prima_facie = by_class[2].astype(bool)
        self.return_to = by_class[3].astype(np.int64)
        others = zip(book.added, by_class[len(BY_CLASS) :], strict=True)
        self.added: dict[str, F64] = {name: values.copy() for name, values in others}
        self.quota, self.capacity = stated.quota.copy(), stated.capacity.copy()
        self.protection = stated.protection.copy()

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
    same segments, and add up fractions in the same order, to the same bits.
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
    return all((a == b).all() for a, b in pairs if isinstance(a, np.ndarray))


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
    days = CHANGES.of(world)
    segment.rules_change = bisect_right(days, world.day) > bisect_right(days, world.updated)


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
