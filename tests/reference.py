"""The decision once more, written for reading: every household in full, term by term, in float64.

Nothing here is taken from the kernels' tables of factors. Utilities are sums of terms, computed
from the scenario, the corridors, and what the world has counted (stocks of citizens abroad, threats
of today, people in queues, everybody's own row); then follow exp, nests, W, the four rates, the
points of the plane, their labels and the Gumbel draws, as docs/model.md says in 3.4. Only the
hash behind the draws is read rather than computed (`sim.core.rng.mix`, with its keys).
The look-ahead is read from the converged table, because the kernel stops its iteration at 1e-6 and
everybody reads that same table; `look_ahead` iterates on its own, to hold the table to account.

Where the program says more than the design's equations, or something else, this file follows the
program and says so in a comment that begins with "Choice:".
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np

from sim.core.rng import key_of, mix, name_hash
from sim.core.state import DIED, GROUNDS
from sim.core.terms import FEAR, WANT, Activity, Answer, Channel, Companions, Hazard, Status, Threat
from sim.kernels.plane import LABEL, TIME, Plane
from sim.mechanisms.census import STOCKS
from sim.mechanisms.choice import CHOICES
from sim.mechanisms.journey import CHANNEL_CHOSEN, DESTINATION
from sim.mechanisms.livelihood import MEANS
from sim.mechanisms.plans import PLANS
from sim.mechanisms.threats import THREATS
from sim.model.world import World
from sim.scenario.whole import Policy, Scenario
from sim.schema import Place, RouteOption, StatusFactors

NEAR = 1e-6
"""A draw this close to a threshold, relatively, may fall on either side of it."""
BORDER = (Channel.labour, Channel.family, Channel.asylum, Channel.irregular)
BY_CORRIDORS = (Channel.asylum, Channel.irregular)
ON_THE_WAY = (Activity.travelling, Activity.detained, Activity.captive)
ENDS_IN = {
    Channel.labour: Status.regular,
    Channel.family: Status.regular,
    Channel.asylum: Status.refugee,
    Channel.irregular: Status.irregular,
    Channel.free: Status.regular,
}
THRIFT = 1e6
"""Choice: so much utility are the focus's median means worth to who looks for the cheapest way."""


@dataclass(frozen=True)
class Decider:
    """All that the decision knows of a household."""

    place: int
    home: int
    citizenship: int
    taste: int = 0
    group: int = 0
    education: int = 0
    kin: int = -1
    """Country with close family, -1 for none."""
    means: float = 0.0
    members: int = 1
    pioneer: bool = False
    child: bool = False
    confined: bool = False
    """The threat is the state's own: flight within the country is no escape."""
    waiting: bool = False
    """An application is pending: no second one to a regular channel."""
    founded: bool = False
    """They left their country with grounds for asylum."""
    here: tuple[Channel, ...] = ()
    """Channels open to them where they already are: claiming on the spot, settling."""


class Option(NamedTuple):
    """One alternative: where, by what channel, who goes, at what price, and how good it is."""

    place: int
    channel: Channel
    companions: Companions
    price: float
    """Money a person."""
    cost: float
    """Money for all who go."""
    value: float
    """V."""


@dataclass(frozen=True)
class Rates:
    """L and F a year under the four combinations of gates; L were no threat felt, or ever felt."""

    L: float
    F: float
    L_M: float
    F_M: float
    L_P: float
    F_P: float
    L_MP: float
    F_MP: float
    R_C: float
    R_0: float

    @property
    def R(self) -> float:
        return self.L + self.F

    @property
    def R_M(self) -> float:
        return self.L_M + self.F_M

    @property
    def R_P(self) -> float:
        return self.L_P + self.F_P

    @property
    def R_MP(self) -> float:
        return self.L_MP + self.F_MP

    @property
    def no_means(self) -> float:
        """Shapley share of means in what keeps people: half of (R_M - R) + (R_MP - R_P)."""
        return 0.5 * ((self.R_M - self.R) + (self.R_MP - self.R_P))

    @property
    def no_permission(self) -> float:
        """Shapley share of policy: half of (R_P - R) + (R_MP - R_M)."""
        return 0.5 * ((self.R_P - self.R) + (self.R_MP - self.R_M))


@dataclass(frozen=True)
class Verdict:
    """What a point comes to, and whether a draw came too near to a threshold to be sure of it."""

    answer: Answer
    """`stays` only if the point is near to R_MP."""
    time: float
    """Day."""
    word: int
    """What further draws belong to."""
    hazard: Hazard = Hazard.livelihood
    flight: float = 0.0
    uprooted: bool = False
    trapped: bool = False
    near: bool = False


@dataclass(frozen=True)
class Goal:
    """Where a mover goes."""

    place: int
    channel: Channel | None = None
    companions: Companions | None = None
    price: float = 0.0
    near: bool = False


def unit(word: int) -> float:
    """The uniform in (0, 1) of a hash."""
    return ((word >> 12) + 0.5) / 2.0**52


def uniform(k: int, *ids: int) -> float:
    """The uniform in (0, 1) that belongs to a key and one or two ids."""
    word = int(k)
    for one in ids:
        word = mix(word ^ int(one))
    return unit(word)


def points(plane: Plane, who: int, below: float) -> list[tuple[float, float, int]]:
    """(day, height, word) of all points of somebody's plane that are lower than that, by day.

    From one point up to the next, each a hash of the last, it is an exponential of mean 1 / years.
    """
    found = []
    word, height, years = mix(int(plane.key) ^ who), 0.0, plane.days / 365.25
    while True:
        height -= math.log1p(-unit(word)) / years
        # Choice: rates above a thousand a year count as that.
        if height >= min(below, 1000.0):
            return sorted(found)
        found.append((plane.start + plane.days * uniform(TIME, word), height, word))
        word = mix(word)


def gumbel(u: float) -> float:
    """Standard Gumbel deviate."""
    return -math.log(-math.log(u))


def close(a: float, b: float) -> bool:
    """Whether two quantities differ by no more than what is left undecided."""
    return abs(a - b) <= NEAR * max(abs(a), abs(b))


def great_circle(a: Place, b: Place) -> float:
    """Kilometres; no two places are nearer than 10."""
    p, q = math.radians(a.lat), math.radians(b.lat)
    turn = math.radians(b.lon - a.lon)
    chord = math.sin((q - p) / 2) ** 2 + math.cos(p) * math.cos(q) * math.sin(turn / 2) ** 2
    return max(10.0, 2 * 6371.0 * math.asin(math.sqrt(min(1.0, chord))))


@cache
def rogers_castro(age: int) -> float:
    """Migration schedule of labour, greatest value 1.

    Choice: children stay at the value of 18, since heads are adults or lead a household.
    """

    def m(x: int) -> float:
        labour = 0.06 * math.exp(-0.1 * (x - 20) - math.exp(-0.4 * (x - 20)))
        return 0.02 * math.exp(-0.1 * x) + labour + 0.003

    return m(max(18, min(age, 120))) / max(m(x) for x in range(18, 121))


class Rulebook:
    """What the states' rules say on a day, read straight off the scenario."""

    def __init__(self, scenario: Scenario, when: date, announced: bool = False) -> None:
        self.scenario = scenario
        valid = [
            rule
            for rule in scenario.policies
            if rule.enabled
            and (rule.start is None or rule.start <= when or (announced and awaited(rule, when)))
            and (rule.end is None or rule.end >= when)
        ]
        # The latest start wins; among equals the last in the file.
        self.rules = sorted(valid, key=lambda rule: rule.start or date.min)

    def said(self, field: str, about: Callable[[Policy], bool]) -> Any:
        """What the last rule that speaks of a field says, None if none does."""
        spoken = [getattr(rule, field) for rule in self.rules if about(rule)]
        spoken = [value for value in spoken if value is not None]
        return spoken[-1] if spoken else None

    def of_country(self, field: str, into: str, kinds: set[str], default: Any) -> Any:
        """A country's rule for people of a citizenship and group."""

        def about(rule: Policy) -> bool:
            return rule.into == into and concerns(rule, kinds)

        value = self.said(field, about)
        return default if value is None else value

    def of_channel(self, field: str, into: str, channel: Channel, kinds: set[str]) -> Any:
        """A rule of one channel for people of a citizenship and group."""

        def about(rule: Policy) -> bool:
            return rule.into == into and rule.channel == channel.name and concerns(rule, kinds)

        return self.said(field, about)

    def is_open(self, into: str, channel: Channel, kinds: set[str]) -> bool:
        """Whether a channel is open: labour unless closed by default, all others by default."""
        for rule in reversed(self.rules):
            about = rule.into == into and rule.channel == channel.name and concerns(rule, kinds)
            if about and (rule.only or rule.except_):
                if kinds & set(rule.except_) or (rule.only and not kinds & set(rule.only)):
                    return False
                break
        if self.quota(into, channel) == 0:
            return False
        stated = self.of_channel("open", into, channel, kinds)
        return channel != Channel.labour if stated is None else bool(stated)

    def wait(self, into: str, channel: Channel, kinds: set[str]) -> float:
        """Months that the rule itself takes; a year for family, half a year for asylum."""
        stated = self.of_channel("wait", into, channel, kinds)
        usual = {Channel.family: 12.0, Channel.asylum: 6.0}.get(channel, 0.0)
        return usual if stated is None else float(stated)

    def quota(self, into: str, channel: Channel) -> float:
        """Admissions a year. Choice: one quota for everybody, whoever its rule is about."""
        stated = self.said("quota", lambda r: r.into == into and r.channel == channel.name)
        return math.inf if stated is None else float(stated)

    def at_border(self, field: str, corridor: str, into: str | None, default: Any) -> Any:
        """A corridor's own rule, else that of the country it enters, else the default.

        Choice: border rules know no nationalities.
        """
        own = self.said(field, lambda r: r.corridor == corridor)
        if own is None and into is not None:
            own = self.said(field, lambda r: r.into == into)
        return default if own is None else own


def awaited(rule: Policy, when: date) -> bool:
    """Whether people know on a day that a rule begins later, within half a year."""
    if rule.announced is None or rule.start is None or not rule.announced <= when < rule.start:
        return False
    year, month = divmod(when.year * 12 + when.month - 1 + 6, 12)
    # A day that the month lacks is passed with its last.
    return (rule.start.year, rule.start.month, rule.start.day) <= (year, month + 1, when.day) or (
        (rule.start.year, rule.start.month) == (year, month + 1)
        and (when + timedelta(days=1)).month != when.month
    )


def concerns(rule: Policy, kinds: set[str]) -> bool:
    """Whether a rule is about people of a citizenship."""
    return not rule.citizens_of or bool(kinds & set(rule.citizens_of))


class Reference:
    """The decision on one world, as its tables stand: make it right after they were rebuilt."""

    def __init__(self, world: World, when: date | None = None, announced: bool = False) -> None:
        scenario = world.scenario
        self.world, self.scenario = world, scenario
        self.decision, self.places = scenario.decision, scenario.places
        self.when = when or scenario.time.start
        self.rules = Rulebook(scenario, self.when, announced)
        self.after: Reference | None = None
        """The same under the rules that people know to come."""
        hurrying = any(rule.enabled and awaited(rule, self.when) for rule in scenario.policies)
        if hurrying and not announced:
            self.after = Reference(world, self.when, announced=True)
        self.countries = scenario.countries
        number = {country.id: i for i, country in enumerate(self.countries)}
        self.country = [number[place.country] for place in self.places]
        self.groups = [""] + [group.id for group in scenario.groups]
        self.group_country = [-1] + [number[group.country] for group in scenario.groups]
        self.abroad = STOCKS.of(world).diaspora.copy()
        self.ahead = CHOICES.of(world).ahead.copy()
        self.log_ahead = np.log(self.ahead).tolist()
        self.idents = [int(name_hash("destination", place.id)) for place in self.places]
        self.support = MEANS.of(world).support.copy()
        # E[s q] of every threat, as of the day on which people last heard.
        self.danger = THREATS.of(world).severity * THREATS.of(world).prevalence
        self.queue = self._queue()
        self.backlog = self._backlog()
        n = range(len(self.places))
        self.km = [[great_circle(a, b) for b in self.places] for a in self.places]
        self.total = sum(place.people for place in self.places)
        self.of_country = [
            sum(place.people for place in self.places if place.country == country.id)
            for country in self.countries
        ]
        self.median = [self.secure_means(p, 0.0, 1.0, 0.0) for p in n]
        self.price_scale = self._price_scale()
        self.routes = {
            (taste, policy_open): self._routes(taste, policy_open)
            for taste in range(len(self.decision.classes))
            for policy_open in (False, True)
        }
        for taste in range(len(self.decision.classes)):
            # Choice: where policy is open, people can still go as they go today.
            todays, opened = self.routes[taste, False], self.routes[taste, True]
            log_sum = np.maximum(todays[0], opened[0]).tolist()
            fare = np.minimum(todays[1], opened[1]).tolist()
            self.routes[taste, True] = (log_sum, fare, opened[2])
        self.kinds = cache(self._kinds)
        self.value = cache(self._value)
        self.channel_of = cache(self._channel)
        self.attraction = cache(self._attraction)
        self.first_day = 0
        self.days: list[np.ndarray] = []
        self.kept: dict[Any, list[Option]] = {}
        self.worths: dict[Any, float] = {}

    # What the world looks like -------------------------------------------------------------

    def _queue(self) -> dict[tuple[int, int], float]:
        """People waiting, by country and channel.

        Choice: whole households, or who is to go ahead alone; admitted or not yet.
        """
        plans, waiting = PLANS.of(self.world), dict[tuple[int, int], float]()
        for house, goal, channel, companions, court in zip(
            plans.household, plans.goal, plans.channel, plans.companions, plans.court, strict=True
        ):
            activity = self.world.households.activity[house]
            if activity in ON_THE_WAY or (activity != Activity.waiting and court < math.inf):
                continue  # neither journeys nor days in court are applications
            where = (self.country[goal], int(channel))
            n = 1 if companions else len(self.members(house))
            weight = int(self.world.households.weight[house])
            waiting[where] = waiting.get(where, 0.0) + n * weight
        return waiting

    def _backlog(self) -> list[float]:
        """People whose claim is undecided, by country, as last counted."""
        return [float(n) for n in STOCKS.of(self.world).foreigners[:, Status.claimant]]

    def _price_scale(self) -> float:
        """Median of the median means of the people in focus, at least 100."""
        focus = self.scenario.population.focus
        rows = sorted(
            (self.median[i], place.people)
            for i, place in enumerate(self.places)
            if place.people > 0 and (not focus or place.country in focus)
        )
        half, so_far = 0.5 * sum(people for _, people in rows), 0.0
        for median, people in rows:
            so_far += people
            if so_far >= half:
                return max(median, 100.0)
        return max(rows[-1][0], 100.0)

    def _routes(self, taste: int, policy_open: bool) -> tuple[list, list, list]:
        """(ln of the sum over ways of exp(utility / scale), cheapest price, fewest legs)."""
        decision = self.decision
        every = [
            (a, b, *self._leg(taste, policy_open, a, b, corridor, option, days))
            for a, b, corridor, option, days in self._legs()
        ]
        fewest = self._least([(a, b, 1.0) for a, b, *_ in every])
        legs = [(a, b, utility, price) for a, b, utility, price, usable in every if usable]
        # Choice: people of average taste judge which legs lead on.
        share = [it.share for it in decision.classes]
        mean_cost = [
            -sum(
                share[k] * self._leg(k, policy_open, a, b, corridor, option, days)[0]
                for k in range(len(share))
            ) / sum(share)
            for a, b, corridor, option, days in self._legs()
            if self._leg(taste, policy_open, a, b, corridor, option, days)[2]
        ]  # fmt: skip
        cost = self._least([(a, b, mean) for (a, b, *_), mean in zip(legs, mean_cost, strict=True)])
        thrifty = self._least(
            [
                (a, b, mean + THRIFT * price / self.price_scale)
                for (a, b, _, price), mean in zip(legs, mean_cost, strict=True)
            ]
        )
        n = range(len(self.places))
        camp = [place.kind == "camp" for place in self.places]

        def onward(p: int, d: int, near: np.ndarray) -> Iterator[tuple[int, float, float]]:
            for a, b, utility, price in legs:
                if a == p and near[b, d] < near[p, d] and (b == d or not camp[b]):
                    yield b, utility, price

        @cache
        def ways(p: int, d: int) -> float:
            if p == d:
                return 1.0
            return sum(
                math.exp(utility / decision.route_scale) * ways(b, d)
                for b, utility, _ in onward(p, d, cost)
            )

        @cache
        def fare(p: int, d: int) -> float:
            if p == d:
                return 0.0
            onwards = onward(p, d, thrifty)
            return min((price + fare(b, d) for b, _, price in onwards), default=math.inf)

        log_sum = [[math.log(ways(p, d)) if ways(p, d) > 0 else -math.inf for d in n] for p in n]
        fewest = np.where(np.isfinite(fewest), fewest, 0.0)
        return log_sum, [[fare(p, d) for d in n] for p in n], fewest.tolist()

    def _least(self, legs: list[tuple[int, int, float]]) -> np.ndarray:
        """[a, b] least cost of getting from a to b, where each leg has one; not through camps."""
        n = len(self.places)
        camp = np.array([place.kind == "camp" for place in self.places])
        least = np.where(np.eye(n, dtype=bool), 0.0, np.inf)
        for _ in range(n):
            for a, b, cost in legs:
                on = np.where(camp[b] & (np.arange(n) != b), np.inf, least[b])
                least[a] = np.minimum(least[a], cost + on)
        return least

    def _legs(self) -> Iterator[tuple[int, int, str, RouteOption, float]]:
        index = {place.id: i for i, place in enumerate(self.places)}
        for corridor in self.scenario.corridors:
            for option in corridor.route_options:
                yield index[corridor.from_], index[corridor.to], corridor.id, option, corridor.days

    def _leg(
        self, taste: int, policy_open: bool, a: int, b: int, corridor: str, option: RouteOption,
        days: float,
    ) -> tuple[float, float, bool]:  # fmt: skip
        """(utility, price, whether it can be traversed) of one leg by one route option."""
        decision, journey = self.decision, self.scenario.journey
        into = self.places[b].country if self.country[a] != self.country[b] else None

        def rule(field: str, default: Any) -> Any:
            return self.rules.at_border(field, corridor, into, default)

        watch = rule("barrier", 0.0) * rule("officers", 1.0) * rule("law", 1.0)
        if rule("closed", False):
            watch = 1.0
        met = option.enforcement_met * watch
        intercepted = met * (1.0 - rule("complicit", 0.0))
        bribed = met * rule("complicit", 0.0)
        price = option.price * (1.0 + journey.premium * watch)
        usable = intercepted < 0.999
        if policy_open:
            intercepted, bribed, price, usable = 0.0, 0.0, option.price, True
        harm = (
            option.death
            + journey.violence_weight * option.violence
            + journey.extortion_weight * (option.extortion + bribed)
            + journey.kidnapping_weight * option.kidnapping
        )
        utility = (
            -decision.risk * decision.classes[taste].risk * harm
            - decision.interception * -math.log(1.0 - min(intercepted, 0.999))
            - decision.livelihood.waiting * days / 30.4375
            - decision.cost * math.log(1.0 + price / self.price_scale)
            - decision.fatigue
            # Choice: who passes through a place at war risks what its people risk.
            - decision.transit_threat
            * decision.classes[taste].risk
            * self.danger[b, Threat.personal]
        )
        return utility, price, usable

    # What a household is -------------------------------------------------------------------

    def members(self, house: int) -> list[int]:
        """Rows of the living members of a household."""
        persons = self.world.persons
        same = np.flatnonzero(persons.household == house)
        return [int(row) for row in same if not persons.past[row] & DIED]

    def decider(self, house: int) -> Decider:
        """What the decision knows of a household."""
        households, persons = self.world.households, self.world.persons
        threats, month = THREATS.of(self.world), self.world.month()
        place, home = int(households.place[house]), int(households.home[house])
        head, members = int(households.head[house]), self.members(house)
        ages = [(month - int(persons.born[row])) // 12 for row in members if row != head]
        exposed = [k for k in FEAR if households.mask[house] >> k & 1]
        here: tuple[Channel, ...] = ()
        if self.country[place] != self.country[home]:
            if households.activity[house] == Activity.stranded:
                here = (Channel.asylum, Channel.irregular)
            elif households.status[house] == Status.irregular:
                here = (Channel.asylum,)
        return Decider(
            place=place,
            home=home,
            citizenship=int(households.citizenship[house]),
            taste=int(persons.traits[head]) >> 4,
            group=int(households.group[house]),
            education=int(persons.traits[head]) >> 1 & 3,
            kin=int(households.kin[house]) - 1,
            means=float(households.means[house]),
            members=len(members),
            pioneer=any(age >= 18 for age in ages),
            child=any(12 <= age < 18 for age in ages),
            confined=any(threats.by_state[place, k] for k in exposed),
            waiting=bool(households.activity[house] == Activity.waiting),
            founded=bool(households.flags[house] & GROUNDS),
            here=here,
        )

    def _kinds(self, citizenship: int, group: int) -> frozenset[str]:
        """Citizenship and group, as rules speak of them.

        Choice: a group of another country counts as none.
        """
        names = {self.countries[citizenship].id}
        if group and self.group_country[group] == citizenship:
            names.add(self.groups[group])
        return frozenset(names)

    def secure_means(self, p: int, normal: float, factor: float, support: float) -> float:
        """m* = max(0, kappa y f Q(rank) - c0) + support, a member; Q lognormal of mean 1."""
        living, place = self.scenario.living, self.places[p]
        gini = self.countries[self.country[p]].profile.gini
        sigma = sigma_of(gini)
        share = math.exp(sigma * normal - 0.5 * sigma * sigma)
        return (
            max(0.0, living.means_per_income * place.income * factor * share - living.subsistence)
            + support
        )

    def income_factor(self, country: int, status: int) -> float:
        """What a standing makes of a country's income."""
        return self.standing(self.scenario.living.status_income, country, status)

    def standing(self, factors: StatusFactors, country: int, status: int) -> float:
        """A factor by status. Who is not protected lives as irregular people do."""
        own = float(getattr(factors, Status(status).name))
        if status not in (Status.refugee, Status.claimant):
            return own
        into = self.countries[country].id
        protection = self.rules.of_country("protection", into, self.anybody(), 1.0)
        return factors.irregular + (own - factors.irregular) * protection

    def settled(self, place: int, home: int, status: int, years: float) -> float:
        """How settled somebody is who came so many years ago."""
        if place == home or status == Status.citizen:
            return 1.0
        living = self.scenario.living
        speed = self.standing(living.status_settling, self.country[place], status)
        return 1.0 - math.exp(-years * speed / living.settling)

    # Utility ---------------------------------------------------------------------------------

    def taste(self, hazard: Hazard) -> Any:
        return self.decision.livelihood if hazard == Hazard.livelihood else self.decision.flight

    def eligible(self, d: int) -> bool:
        """Nobody chooses a camp, or where nobody lives."""
        place = self.places[d]
        return place.kind != "camp" and place.people > 0

    def fear_of(self, place: int) -> float:
        """Sum of E[s q] over the threats of a place.

        Choice: each with its weight b_k, over the greatest of them.
        """
        weights = [self.decision.threat_weight[k.name] for k in Threat]
        greatest = max(max(weights), 1e-12)
        return sum(
            weight / greatest * float(q)
            for weight, q in zip(weights, self.danger[place], strict=True)
        )

    def _attraction(self, hazard: Hazard, o: int, d: int) -> float:
        """b_net ln((D + D0) / pop_o) + what people from o believe of d.

        Choice: D of one's own country is its whole population, and all of it is known; the prior
        belongs to the origin (not to the place of stay), weighs destinations abroad by what is
        known of them, and is the plain mean of all places where nothing is.
        """
        taste, decision = self.taste(hazard), self.decision

        def actual(place: int) -> float:
            where, country = self.places[place], self.countries[self.country[place]]
            income = (where.income_ppp or where.income or 1.0) * (1.0 - where.unemployment)
            return (
                taste.income * math.log(income / decision.reference_income)
                + taste.democracy * country.democracy
                - taste.threats * self.fear_of(place)
            )

        own, population = self.country[o], max(self.of_country[self.country[o]], 1.0)

        def stock(place: int) -> float:
            there = self.country[place]
            return population if there == own else float(self.abroad[own, there])

        def known(place: int) -> float:
            if self.country[place] == own:
                return 1.0
            return 1.0 - math.exp(-decision.information * stock(place) / population)

        choosable = [place for place in range(len(self.places)) if self.eligible(place)]
        outside = [place for place in choosable if self.country[place] != own]
        weight = sum(known(place) for place in outside)
        if weight > 0:
            prior = sum(known(place) * actual(place) for place in outside) / weight
        else:
            prior = sum(actual(place) for place in choosable) / len(choosable)
        for item in decision.prior:
            stated = item.livelihood if hazard == Hazard.livelihood else item.flight
            told = self.places[o].id in item.at and self.places[d].country in item.about
            if told and stated is not None:
                prior = stated
        prior += self._campaigns(o, d)
        perceived = known(d) * actual(d) + (1.0 - known(d)) * prior
        d0 = self.scenario.decision.least_diaspora
        v = taste.network * math.log((stock(d) + d0) / population) + perceived
        return v + (taste.citizen if self.country[d] == own else 0.0)

    def _campaigns(self, o: int, d: int) -> float:
        """What campaigns at o that run today add to the prior of d."""
        day = (self.when - self.scenario.time.start).days
        total = 0.0
        for item in self.scenario.interventions:
            if item.kind == "campaign" and item.enabled and self.places[o].id in item.at:
                first = (item.start - self.scenario.time.start).days
                running = first <= day < first + item.months * 30.4375
                if running and self.places[d].country in item.about:
                    total += item.strength or 0.0
        return total

    def _value(
        self, hazard: Hazard, p: int, o: int, taste_class: int, kinds: frozenset[str], d: int,
        channel: Channel, grounds: bool, policy_open: bool,
    ) -> float:  # fmt: skip
        """V of an alternative, but for who goes and for the look-ahead.

        V = b_inc ln(y (1 - u) f) + b_size ln(pop) + b_net ln((D + D0) / pop_o) + b_dist ln(km)
            + b_cont contiguous + b_lang language + b_colony colony - b_dest sum E[s q]
            + b_adm ln(max(chance, floor)) - b_wait months + way - b_cost ln(1 + price / median)
        """
        decision, taste = self.decision, self.taste(hazard)
        here, there = self.country[p], self.country[d]
        a, b = self.countries[here], self.countries[there]
        v = self.attraction(hazard, o, d)
        # Choice: km over 1000 and people over all people, so that W is of order one.
        v += taste.size * math.log(max(self.of_country[there], 1.0) / max(self.total, 1.0))
        v += math.log(max(self.places[d].people, 1.0) / max(self.of_country[there], 1.0))
        v += taste.distance * math.log(self.km[p][d] / 1000.0)
        v += taste.contiguous * (here == there or b.id in a.neighbours or a.id in b.neighbours)
        v += taste.language * (here == there or bool(set(a.languages) & set(b.languages)))
        v += taste.colony * (b.id in a.colonies or a.id in b.colonies)
        if channel in BY_CORRIDORS:
            # Choice: on the way every leg has its price term, over one scale for the whole world.
            log_sum, _, fewest = self.routes[taste_class, policy_open]
            v += decision.route_scale * log_sum[p][d] + decision.fatigue * fewest[p][d]
        else:
            v -= decision.cost * math.log(1.0 + self.fare(p, d) / max(self.median[p], 100.0))
        if channel == Channel.home:
            v += decision.home_attachment
        if channel in ENDS_IN:
            # Choice: moving about within the country of stay leaves out the status factor.
            v += taste.income * math.log(max(self.income_factor(there, ENDS_IN[channel]), 1e-6))
            if channel in BORDER and not policy_open:
                _, chance, months, fee, _ = self.channel_of(there, channel, kinds, grounds)
                v += decision.admission * math.log(max(chance, decision.chance_floor))
                # Choice: a decision on asylum is waited for in safety, whatever made one go.
                safe = channel == Channel.asylum
                v -= (decision.livelihood if safe else taste).waiting * months
                # Choice: the fee has a term of its own, over the scale of the legs.
                v -= decision.cost * math.log(1.0 + fee / self.price_scale)
        return v

    def fare(self, p: int, d: int) -> float:
        """Price of regular travel."""
        journey = self.scenario.journey
        domestic = self.country[p] == self.country[d]
        return self.km[p][d] * (journey.internal_fare_km if domestic else journey.fare_km)

    def _channel(
        self, country: int, channel: Channel, kinds: frozenset[str], grounds: bool
    ) -> tuple[bool, float, float, float, int]:
        """(open, chance, months of waiting, fee, least education) of a channel into a country."""
        into, rules, them = self.countries[country].id, self.rules, set(kinds)
        months, chance = rules.wait(into, channel, them), 1.0
        quota = rules.quota(into, channel)
        if math.isfinite(quota):
            queue = self.queue.get((country, int(channel)), 0.0)
            chance = quota / (quota + queue) if quota > 0 else 0.0
            if quota > 0:
                months += 12.0 * queue / quota
        if channel == Channel.irregular:
            chance = 0.0  # Choice: nobody is admitted; the floor is left.
        if channel == Channel.asylum:
            first_sight = bool(rules.of_country("prima_facie", into, them, False))
            # Those who flee expect to be recognised as people with grounds are, others as people
            # without; Choice: who left with grounds knows of them later, too.
            field, usual = ("recognition", 0.6) if grounds else ("false_recognition", 0.1)
            chance = 1.0 if first_sight else rules.of_country(field, into, them, usual)
            if rules.of_country("return_to", into, them, None) is not None:
                chance = 0.0
            capacity = rules.of_country("capacity", into, self.anybody(), math.inf)
            if math.isfinite(capacity):
                months += 12.0 * self.backlog[country] / max(capacity, 1e-9)
            if first_sight:
                months = 0.0
        fee = rules.of_channel("fee", into, channel, them) or 0.0
        least = rules.of_channel("min_education", into, channel, them) or "none"
        level = ("none", "secondary", "tertiary").index(least)
        # Choice: beyond ten years a longer queue frightens nobody more.
        return rules.is_open(into, channel, them), chance, min(months, 120.0), fee, level

    def anybody(self) -> set[str]:
        """Everybody's citizenship and group. Choice: capacity is one, whoever its rule is about."""
        return {country.id for country in self.countries} | set(self.groups)

    # Alternatives ----------------------------------------------------------------------------

    def channels(self, who: Decider, hazard: Hazard, d: int, policy_open: bool) -> list[Channel]:
        """Ways to enter a destination that are open to a household."""
        p, o = who.place, who.home
        here, own, there = self.country[p], self.country[o], self.country[d]
        if not self.eligible(d):
            return []
        if d == p:
            # Who is already there can only claim or settle. Closed is closed there too.
            ways = [s for s in who.here if self.country[p] != own]
        elif there in (here, own):
            # Within the country of stay, or back home: nobody's leave is needed. From abroad
            # "home" is the place one comes from.
            if there != here and d != o:
                return []
            if hazard == Hazard.flight and who.confined and there == here == own:
                return []
            return [Channel.home if d == o else Channel.internal]
        elif self.is_free(own, there):
            # Within a bloc nobody's leave is needed either. Choice: it takes the place of the
            # border channels, and of none where one already is.
            return [Channel.free]
        else:
            ways = list(BORDER)
        if policy_open:
            return ways
        return [s for s in ways if self.is_admitted(who, there, s)]

    def is_free(self, own: int, there: int) -> bool:
        """Whether a bloc lets a country's citizens live in another."""
        a, b = self.countries[own].id, self.countries[there].id

        def belongs(bloc: Any, name: str) -> bool:
            return (
                name in bloc.members
                and (name not in bloc.entries or bloc.entries[name] <= self.when)
                and (name not in bloc.exits or bloc.exits[name] >= self.when)
            )

        return any(
            bloc.enabled
            and bloc.free_movement
            and belongs(bloc, a)
            and belongs(bloc, b)
            and not any(
                a in rule.citizens_of and b in rule.into and self.when <= rule.end
                for rule in bloc.transitional
            )
            for bloc in self.scenario.blocs
        )

    def is_admitted(self, who: Decider, country: int, channel: Channel) -> bool:
        """Whether a border channel is open to this very household."""
        kinds = self.kinds(who.citizenship, who.group)
        is_open, _, _, _, least = self.channel_of(country, channel, kinds, who.founded)
        if channel in (Channel.labour, Channel.family) and (who.waiting or who.education < least):
            return False
        if channel == Channel.family and who.kin != country:
            return False
        return is_open

    def price(self, who: Decider, d: int, channel: Channel, policy_open: bool) -> float:
        """Money a person."""
        if channel in BY_CORRIDORS:
            price = self.routes[who.taste, policy_open][1][who.place][d]
        else:
            price = self.fare(who.place, d)
        if channel in BORDER and not policy_open:
            kinds = self.kinds(who.citizenship, who.group)
            price += self.channel_of(self.country[d], channel, kinds, who.founded)[3]
        return price

    def options(
        self, who: Decider, hazard: Hazard, policy_open: bool, hurrying: bool = True
    ) -> list[Option]:
        """Every alternative that policy leaves, whether it can be paid or not."""
        taste, kinds = self.taste(hazard), self.kinds(who.citizenship, who.group)
        goers = [(Companions.whole, who.members, 0.0)]
        if who.pioneer:
            goers.append((Companions.pioneer, 1, taste.pioneer))
        if who.child:
            goers.append((Companions.child, 1, taste.child))
        found = []
        for d in range(len(self.places)):
            ahead = self.look_ahead_term(hazard, who.home, d)
            for channel in self.channels(who, hazard, d, policy_open):
                grounds = hazard == Hazard.flight or who.founded
                v = self.value(
                    hazard, who.place, who.home, who.taste, kinds, d, channel, grounds, policy_open
                )
                if v == -math.inf:
                    continue  # no way leads there
                price = self.price(who, d, channel, policy_open)
                v += (self.hurry(who, hazard, d, channel) if hurrying else 0.0) + ahead
                for companions, n, worth in goers:
                    found.append(Option(d, channel, companions, price, price * n, v + worth))
        return found

    def hurry(self, who: Decider, hazard: Hazard, d: int, channel: Channel) -> float:
        """phi min(max(V_now - V_after, 0), ln 3) of an alternative that is open now.

        Choice: V leaves out the look-ahead, and what one can pay afterwards does not count.
        """
        there = self.country[d]
        if self.after is None or channel not in BORDER or not self.is_admitted(who, there, channel):
            return 0.0
        kinds, grounds = (
            self.kinds(who.citizenship, who.group),
            hazard == Hazard.flight or who.founded,
        )
        what = (hazard, who.place, who.home, who.taste, kinds, d, channel, grounds, False)
        now = self.value(*what)
        if now == -math.inf:
            return 0.0
        admitted = self.after.is_admitted(who, there, channel)
        after = self.after.value(*what) if admitted else -math.inf
        return self.decision.surge * min(max(now - after, 0.0), math.log(3.0))

    def look_ahead_term(self, hazard: Hazard, o: int, d: int) -> float:
        """look_ahead ln max(W(d), floor), read from the table that everybody reads."""
        return self.log_ahead[hazard][o][d]

    def nests(self, options: list[Option], means: float = math.inf) -> dict[int, float]:
        """(sum over channels and companions that can be paid of exp(V / mu))^mu, by destination."""
        mu = self.decision.nest
        members: dict[int, list[float]] = {}
        for option in options:
            if option.cost <= means:
                members.setdefault(option.place, []).append(option.value)
        nests = {}
        for d, values in members.items():
            # The greatest is taken out first, so that no exponential overflows.
            best = max(values)
            total = sum(math.exp((v - best) / mu) for v in values)
            nests[d] = math.exp(best) * total**mu
        return nests

    def W(self, options: list[Option], means: float = math.inf) -> float:
        return sum(self.nests(options, means).values())

    def look_ahead(self, hazard: Hazard, o: int) -> np.ndarray:
        """W(d)^look_ahead for people from o, iterated to the end.

        Choice: W(d) is that of one person of the first taste class, in no group, without
        schooling or kin abroad, who has d's median means and is there as a resident; nobody
        hurries later because of what is announced today.
        """
        n, decision = len(self.places), self.decision
        weight = self.taste(hazard).look_ahead
        nests = []
        for d in range(n):
            who = Decider(d, o, self.country[o], means=self.median[d])
            options = [
                it._replace(value=it.value - self.look_ahead_term(hazard, o, it.place))
                for it in self.options(who, hazard, policy_open=False, hurrying=False)
            ]
            nests.append(self.nests(options, who.means))
        # Choice: who could not have come to a place does not look ahead from there.
        reachable = [place.people > 0 or d == o for d, place in enumerate(self.places)]
        onward = np.array([[them.get(d, 0.0) * reachable[d] for d in range(n)] for them in nests])
        ahead = np.ones(n)
        for _ in range(2000):
            new = np.maximum(onward @ ahead, decision.look_ahead_floor) ** weight
            new[~np.array(reachable)] = 1.0
            settled = (abs(new - ahead) <= 1e-13 * new).all()
            ahead = new
            if settled:
                break
        return ahead

    # Rates -----------------------------------------------------------------------------------

    def live_through(self, first_day: int, n_days: int) -> None:
        """Let some days pass; rates are those of the threats of a day."""
        threats = copy.deepcopy(THREATS.of(self.world))
        self.first_day = first_day
        self.days = [threats.advance(first_day + i, 1)[2][0] for i in range(n_days)]

    def urge(self, place: int, mask: int, threats: tuple[Threat, ...], day: np.ndarray) -> float:
        """Sum of b_k max(h_k - tol_k, 0) over threats that reach a household."""
        decision = self.decision
        return sum(
            decision.threat_weight[k.name] * max(day[place, k] - decision.tolerable[k.name], 0.0)
            for k in threats
            if mask >> k & 1
        )

    def felt(self, house: int, day: np.ndarray) -> tuple[float, float]:
        """What the threats of a day make of the two rates: e^S_want, and e^S_fear - 1."""
        households = self.world.households
        p, mask = int(households.place[house]), int(households.mask[house])
        unheard = 1.0 + self.decision.voice * (1.0 - self.countries[self.country[p]].voice)
        want = math.exp(unheard * self.urge(p, mask, WANT, day))
        return want, math.exp(self.urge(p, mask, FEAR, day)) - 1.0

    def since_move(self, house: int, now: float) -> float:
        """Years since the household last moved."""
        return (now - int(self.world.households.moved[house])) / 365.25

    def rates(self, house: int, who: Decider, now: float) -> Rates:
        """The rates of a household at a moment, a year.

        Choice: before the first of the days that are known it is as on the first, and so on.
        """
        day = self.days[min(max(math.floor(now) - self.first_day, 0), len(self.days) - 1)]
        years = self.since_move(house, now)
        return self.rates_if(house, who, *self.felt(house, day), years, years)

    def ceiling(self, house: int, who: Decider, since: float) -> float:
        """No R_MP of any day from `since` on is above this: all threats at their worst."""
        felt = [self.felt(house, day) for day in self.days]
        want, fear = max(want for want, _ in felt), max(fear for _, fear in felt)
        stayed = self.since_move(house, since)
        return self.rates_if(house, who, want, fear, math.inf, stayed).R_MP

    def rates_if(
        self, house: int, who: Decider, want: float, fear: float, rested: float, stayed: float
    ) -> Rates:
        """The rates under such threats, so many years after a move, for its pause and to settle."""
        households, decision = self.world.households, self.decision
        p, status = who.place, int(households.status[house])
        born = int(self.world.persons.born[households.head[house]])
        age = (self.world.month() - born) // 12
        factor = self.income_factor(self.country[p], status)
        place = self.places[p]
        income = (place.income_ppp or place.income or 1.0) * (1.0 - place.unemployment)
        level = max(income * factor / decision.reference_income, 1e-9)
        at_rest = 1.0 - decision.pause_depth * math.exp(-rested / decision.pause)
        # R_C / W^lam: no threat is felt beyond what is tolerable, so that nobody flees.
        calm = (decision.base_livelihood or 1.0) * rogers_castro(age) * at_rest
        calm *= level**-decision.home_income
        if p == who.home:
            calm *= math.exp(-decision.home_attachment)
        # R_0 / W^lam: nor has any uprooted it, so that it is as settled as it can be.
        settled = self.settled(p, who.home, status, stayed)
        if_secure = 1.0 if households.uprooted[house] else settled
        secure = calm * math.exp(-decision.place_attachment * if_secure)
        calm *= math.exp(-decision.place_attachment * settled)
        # Choice: flight has no age schedule and does not rest.
        flee = decision.base_flight / (decision.flight_norm or 1.0) * fear

        lam = decision.inclusive_value
        found = []
        for policy_open in (False, True):
            for means in (who.means, math.inf):
                for hazard, base in ((Hazard.livelihood, calm * want), (Hazard.flight, flee)):
                    found.append(
                        base * self.worth(who, hazard, policy_open, means) ** lam
                        if base > 0
                        else 0.0
                    )
        L, F, L_M, F_M, L_P, F_P, L_MP, F_MP = found
        options = self.options_of(who, Hazard.livelihood, False)
        R_0 = secure * self.W(options, who.means) ** lam if L > 0 else 0.0
        return Rates(L, F, L_M, F_M, L_P, F_P, L_MP, F_MP, L / want, R_0)

    def options_of(self, who: Decider, hazard: Hazard, policy_open: bool) -> list[Option]:
        """`options`, kept while one household is asked about repeatedly."""
        at = (who, hazard, policy_open)
        if at not in self.kept:
            if len(self.kept) >= 8:
                self.kept.clear()
            self.kept[at] = self.options(who, hazard, policy_open)
        return self.kept[at]

    def worth(self, who: Decider, hazard: Hazard, policy_open: bool, means: float) -> float:
        """`W` of what can be paid, kept likewise."""
        at = (who, hazard, policy_open, means)
        if at not in self.worths:
            if len(self.worths) >= 32:
                self.worths.clear()
            self.worths[at] = self.W(self.options_of(who, hazard, policy_open), means)
        return self.worths[at]

    def rates_at_secure_means(self, house: int, who: Decider, now: float) -> Rates:
        """The rates, had no threat drained the household's means."""
        households, p = self.world.households, who.place
        # Choice: the rank counts to 1/4096.
        normal = NormalDist().inv_cdf((int(households.rank[house]) // 16 + 0.5) / 4096)
        secure = self.secure_means(
            p,
            normal,
            self.income_factor(self.country[p], int(households.status[house])),
            float(self.support[p]),
        )
        secure *= who.members
        return self.rates(house, replace(who, means=max(secure, who.means)), now)

    # Answers ---------------------------------------------------------------------------------

    def answers(
        self, house: int, who: Decider, plane: Plane, since: float, until: float
    ) -> list[Verdict]:
        """Moves and refusals of a household after `since` and up to `until`; a move ends them."""
        ident, found = int(self.world.households.ident[house]), []
        # Some points above the ceiling are near to it.
        below = self.ceiling(house, who, since) * (1.0 + 2.0 * NEAR)
        for day, height, word in points(plane, ident, below):
            if since < day <= until:
                rates = self.rates(house, who, day)
                if height < rates.R_MP or close(height, rates.R_MP):
                    found.append(self.answer(house, who, rates, day, height, word))
                if height < rates.R:
                    break
        return found

    def answer(
        self, house: int, who: Decider, rates: Rates, day: float, height: float, word: int
    ) -> Verdict:
        """One point, five answers."""
        near = close(height, rates.R) or close(height, rates.R_MP)
        if height >= rates.R_MP:
            return Verdict(Answer.stays, day, word, near=near)
        if height < rates.R:
            necessity = rates.R - rates.R_C
            near |= close(height, rates.R_0) or close(height, rates.R_C)
            if height < rates.R_0:
                return Verdict(Answer.choice, day, word, near=near)
            if height < rates.R_C:
                # Choice: it goes as one who would live better, not as one who flees.
                return Verdict(Answer.necessity, day, word, uprooted=True, near=near)
            beyond = height - rates.R_C
            hazard = Hazard.flight if beyond < rates.F else Hazard.livelihood
            near |= abs(beyond - rates.F) <= NEAR * rates.R
            return Verdict(Answer.necessity, day, word, hazard, rates.F / necessity, near=near)
        gap = rates.R_MP - rates.R
        share, label = rates.no_means / gap, uniform(LABEL, word)
        answer = Answer.no_means if label < share else Answer.no_permission
        # The parts are differences of rates: what is lost in them counts in full rates.
        near |= abs(label - share) <= NEAR * max(1.0, 1e-6 * rates.R_MP / gap)
        # Choice: only what drains its means is taken away, not what uprooted it.
        secure = self.rates_at_secure_means(house, who, day).R_C
        near |= close(height, secure)
        return Verdict(answer, day, word, trapped=height < secure, near=near)

    def goal(self, who: Decider, hazard: Hazard, word: int) -> Goal:
        """Where a mover goes: the nest's value + Gumbel, then within the nest likewise."""
        mu = self.decision.nest
        options = [it for it in self.options_of(who, hazard, False) if it.cost <= who.means]
        nests = self.nests(options)
        first = key_of(self.world.seed, DESTINATION)
        ranked = sorted(
            (math.log(nest) + gumbel(uniform(first, word, self.ident(d))), d)
            for d, nest in nests.items()
            if nest > 0
        )
        if not ranked:
            return Goal(-1)
        d = ranked[-1][1]
        second = key_of(self.world.seed, CHANNEL_CHOSEN)
        within = []
        for it in options:
            if it.place == d:
                slot = int(it.channel) if it.channel in BORDER else 0
                what = (self.ident(d) + 3 * slot + int(it.companions)) % 2**64
                within.append((it.value / mu + gumbel(uniform(second, word, what)), it))
        within.sort(key=lambda pair: pair[0])
        chosen = within[-1][1]
        near = any(len(r) > 1 and close(r[-1][0], r[-2][0]) for r in (ranked, within))
        return Goal(d, chosen.channel, chosen.companions, chosen.price, near)

    def ident(self, d: int) -> int:
        return self.idents[d]


@cache
def sigma_of(gini: float) -> float:
    """Sigma of the lognormal of a Gini: sqrt(2) times the normal quantile of (G + 1) / 2."""
    return math.sqrt(2.0) * NormalDist().inv_cdf((gini + 1.0) / 2.0)


def houses_of(world: World) -> list[int]:
    """Rows of the households that live somewhere or are stranded."""
    ask = (Activity.resident, Activity.waiting, Activity.stranded)
    return [int(house) for house in np.flatnonzero(np.isin(world.households.activity, ask))]
