"""Public opinion, elections, and the stringency of governments (docs/model.md, 3.4).

    do/dt = -(o - o0) / tau + a dP/dt + b x + c s - e k

o: opinion of a country, 0 welcoming to 1 hostile; P: perceived share of foreigners (bias times the
share weighted by status); x: economic threat above its start; s: salience; k: share of settled
foreigners above its start. Elections move stringency toward opinion, and stringency moves the rules
by the scenario's table (`politics.levers`).
"""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from sim.core.state import DAYS_A_YEAR, F64, I64
from sim.core.terms import Status, Threat
from sim.mechanisms.census import STOCKS
from sim.mechanisms.threats import THREATS, Threats
from sim.model.columns import COUNTRY, Column
from sim.model.declare import Absent, Hook, Mechanism, Rows, State, Table

if TYPE_CHECKING:
    from sim.model.segment import Segment
    from sim.model.world import Census, World
    from sim.schema import Opinion, Scenario

FOREIGN = (Status.regular, Status.refugee, Status.claimant, Status.irregular, Status.ordered)
SETTLED = (Status.regular, Status.refugee)
"""Statuses that allow people to stay: locals get to know them as neighbours (our assumption)."""


class Public:
    """Opinion and stringency of every country; axis: country.

    Attributes:
        followed: Whether the scenario states an opinion.
        opinion: 0 welcoming to 1 hostile.
        stringency: Policy stance of the government, on the same scale.
        perceived: Perceived share of foreigners among residents.
        actual: Actual share.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        found = [c.opinion for c in scenario.countries]
        self.followed = np.array([o is not None for o in found])
        self.start = np.array([o.start if o else 0.0 for o in found])
        self.bias = np.array([(o.bias or 0.0) if o else 0.0 for o in found])
        self.opinion = self.start.copy()
        self.stringency = self.start.copy()
        number = {c.id: i for i, c in enumerate(scenario.countries)}
        self.country = np.array([number[p.country] for p in scenario.places], np.int64)
        people = np.array([p.people for p in scenario.places], np.float64)
        total = np.bincount(self.country, people, len(found))
        self.weight = people / np.maximum(total, 1.0)[self.country]
        self.votes = [set() if o is None else elections(o, scenario) for o in found]
        self.noticed = np.zeros(len(Status))
        """[status] weight of foreigners in what people perceive."""
        for status in FOREIGN:
            self.noticed[status] = getattr(scenario.politics.newcomers, status.name)
        self.perceived, self.actual, self.settled, self.economy = np.zeros((4, len(found)))
        self.first_settled, self.first_economy = np.zeros((2, len(found)))
        self.day = -1

    def update(self, day: int, foreigners: I64, residents: I64, economic: F64) -> None:
        """Update opinion to a day; on the first day, record the starting levels.

        The relaxation is integrated exactly since the last update, so the frequency of updates
        does not matter.

        Args:
            day: Day from the start.
            foreigners: [country, status] people from abroad.
            residents: [place] people.
            economic: [place] severity x prevalence of the economic threat.
        """
        politics = self.scenario.politics
        n = len(self.start)
        people = np.maximum(np.bincount(self.country, residents, n), 1.0)
        perceived = self.bias * (foreigners @ self.noticed) / people
        self.actual = foreigners.take(FOREIGN, axis=1).sum(axis=1) / people
        self.settled = foreigners.take(SETTLED, axis=1).sum(axis=1) / people
        self.economy[:] = np.bincount(self.country, self.weight * economic, n)
        if self.day < 0:
            self.first_settled, self.first_economy = self.settled, self.economy.copy()
        elif day > self.day:
            years = (day - self.day) / DAYS_A_YEAR
            drive = (
                politics.stock * (perceived - self.perceived) / years
                + politics.economy * np.maximum(self.economy - self.first_economy, 0.0)
                + politics.salience * self._salience(self.day, day)
                - politics.contact * (self.settled - self.first_settled)
            )
            left = math.exp(-years / politics.memory)
            opinion = (
                self.start
                + (self.opinion - self.start) * left
                + drive * politics.memory * (1.0 - left)
            )
            self.opinion = np.minimum(np.maximum(opinion, 0.0), 1.0)
        self.perceived, self.day = perceived, day

    def vote(self, today: date) -> None:
        """Move stringency toward opinion in countries with an election today."""
        votes = np.array([today in days for days in self.votes]) & self.followed
        step = self.scenario.politics.response * (self.opinion - self.stringency)
        self.stringency = np.where(votes, self.stringency + step, self.stringency)

    def shift(self) -> F64:
        """[country] stringency above its start."""
        return np.where(self.followed, self.stringency - self.start, 0.0)

    def _salience(self, first: int, end: int) -> F64:
        """[country] mean salience over days `first` to `end` (excluded); at most 1."""
        level = np.zeros(len(self.start))
        begin = self.scenario.time.start
        number = {c.id: i for i, c in enumerate(self.scenario.countries)}
        for campaign in self.scenario.politics.campaigns:
            if campaign.enabled:
                a, b = (campaign.start - begin).days, (campaign.end - begin).days + 1
                share = max(min(b, end) - max(a, first), 0) / (end - first)
                level[[number[name] for name in campaign.at]] += share * campaign.level
        return np.minimum(level, 1.0)


def elections(opinion: Opinion, scenario: Scenario) -> set[date]:
    """Days of a country's elections: those stated, then every `term` years until the end."""
    days = set(opinion.elections)
    if opinion.term is not None and opinion.elections:
        days |= {
            opinion.elections[-1] + timedelta(days=round(n * opinion.term * DAYS_A_YEAR))
            for n in range(1, math.ceil(400 / opinion.term))
        }
    return {day for day in days if day <= scenario.time.end}


def changes(scenario: Scenario) -> set[date]:
    """Days on which any government is elected, whether or not any lever responds to it."""
    found = (elections(c.opinion, scenario) for c in scenario.countries if c.opinion)
    return set().union(*found)


def economic_threat(threats: Threats) -> F64:
    """[place] economic threat as the public sees it: severity x prevalence."""
    return np.asarray(threats.severity[:, Threat.economic] * threats.prevalence[:, Threat.economic])


def pulled(share: F64 | float, strength: float, shift: F64 | float) -> F64:
    """Shares moved part of the way to 1, or to 0 where strength x shift is negative."""
    part = np.clip(strength * shift, -1.0, 1.0)
    return np.where(part > 0, share + (1.0 - share) * part, share * (1.0 + part))


def follow(public: Public, world: World) -> None:
    """Update opinion to the beginning of the month."""
    stocks, threats = STOCKS.of(world), THREATS.of(world)
    public.update(world.day, stocks.foreigners, stocks.residents, economic_threat(threats))


def first_public(world: World) -> Public:
    """Opinion on the first day, and a government if one is elected on it."""
    public = Public(world.scenario)
    follow(public, world)
    public.vote(world.date())
    return public


PUBLIC = State("public", first_public)


def update(world: World, segment: Segment) -> None:
    """Update public opinion, and hold today's elections."""
    public = PUBLIC.of(world)
    if segment.month_begins:
        follow(public, world)
    if segment.rules_change:
        public.vote(world.date())


def opinion_rows(world: World, _census: Census) -> Rows:
    """Opinion in countries for which the scenario states one."""
    public = PUBLIC.of(world)
    (country,) = np.nonzero(public.followed)
    return {
        "country": country,
        "opinion": public.opinion[country],
        "perceived": public.perceived[country],
        "foreign": public.actual[country],
        "stringency": public.stringency[country],
    }


MECHANISM = Mechanism(
    "politics",
    "moves public opinion, elections and the stringency of governments",
    states=(PUBLIC,),
    hooks=(Hook("environment", 20, update),),
    tables=(
        Table(
            "opinion",
            "public opinion on newcomers, as of the first day of the month",
            "last",
            (
                COUNTRY.named("country", "country whose public opinion is followed"),
                Column("opinion", "float", "1", "from 0 welcoming to 1 hostile"),
                Column(
                    "perceived", "float", "1", "perceived share of foreigners, weighted by status"
                ),
                Column("foreign", "float", "1", "actual share of foreigners among residents"),
                Column("stringency", "float", "1", "policy stance, set by opinion at elections"),
            ),
            opinion_rows,
            absent=Absent(
                "For an absent country, the scenario states no opinion, and none is followed."
            ),
        ),
    ),
)
