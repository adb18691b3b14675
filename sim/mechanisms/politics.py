"""Public opinion, elections, and the stringency of governments (section 8).

    do/dt = -(o - o0) / tau + a dP/dt + b x + c s - e k

o: opinion of a country, 0 welcoming to 1 hostile; P: perceived share of foreigners, bias times the
actual one with each weighed by status; x: economic threat felt above its start; s: salience; k:
share of settled foreigners above its start. Elections move stringency toward opinion, and
stringency moves the rules by the scenario's table (`politics.levers`).
"""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from sim.core.state import DAYS_A_YEAR, F64, I64
from sim.core.terms import Status, Threat

if TYPE_CHECKING:
    from sim.scenario.schema import Opinion, Scenario

FOREIGN = (Status.regular, Status.refugee, Status.claimant, Status.irregular, Status.ordered)
SETTLED = (Status.regular, Status.refugee)
"""Statuses of those who may stay: whom people come to know as neighbours (our assumption)."""


class Public:
    """Opinion and stringency of every country; axis: country.

    Attributes:
        followed: Whether the scenario states an opinion.
        opinion: 0 welcoming to 1 hostile.
        stringency: What the last government made of it, on the same scale.
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
        self.perceived, self.actual, self.settled, self.economy = np.zeros((4, len(found)))
        self.first_settled, self.first_economy = np.zeros((2, len(found)))
        self.day = -1

    def update(self, day: int, foreigners: I64, residents: I64, economic: F64) -> None:
        """Bring opinion up to a day; on the first, note what it starts from.

        The relaxation is exact for what has driven it since the last update, so that it does not
        matter how often that is.

        Args:
            day: Day from the start.
            foreigners: [country, status] people from abroad.
            residents: [place] people.
            economic: [place] severity x prevalence of the economic threat.
        """
        politics = self.scenario.politics
        n = len(self.start)
        people = np.maximum(np.bincount(self.country, residents.astype(np.float64), n), 1.0)
        weights = np.zeros(len(Status))
        for status in FOREIGN:
            weights[status] = getattr(politics.newcomers, status.name)
        perceived = self.bias * (foreigners @ weights) / people
        self.actual = foreigners[:, list(FOREIGN)].sum(axis=1) / people
        self.settled = foreigners[:, list(SETTLED)].sum(axis=1) / people
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
            self.opinion = np.clip(
                self.start
                + (self.opinion - self.start) * left
                + drive * politics.memory * (1.0 - left),
                0.0,
                1.0,
            )
        self.perceived, self.day = perceived, day

    def vote(self, today: date) -> None:
        """Let those who elect a government today move stringency toward opinion."""
        votes = np.array([today in days for days in self.votes]) & self.followed
        step = self.scenario.politics.response * (self.opinion - self.stringency)
        self.stringency = np.where(votes, self.stringency + step, self.stringency)

    def shift(self) -> F64:
        """[country] stringency above its start."""
        return np.where(self.followed, self.stringency - self.start, 0.0)

    def _salience(self, first: int, end: int) -> F64:
        """[country] mean salience over days `first` to `end`, that one left out; at most 1."""
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
    """Days of a country's elections: those stated, then every `term` years to the end."""
    days = set(opinion.elections)
    if opinion.term is not None and opinion.elections:
        days |= {
            opinion.elections[-1] + timedelta(days=round(n * opinion.term * DAYS_A_YEAR))
            for n in range(1, math.ceil(400 / opinion.term))
        }
    return {day for day in days if day <= scenario.time.end}


def changes(scenario: Scenario) -> set[date]:
    """Days on which some government is elected, whether or not levers answer to it."""
    found = (elections(c.opinion, scenario) for c in scenario.countries if c.opinion)
    return set().union(*found)


def foreigners(country: I64, stocks: I64) -> I64:
    """[country, status] people from abroad, of [place, citizenship, status] people.

    Args:
        country: [place] country index.
        stocks: People by place, citizenship and status.
    """
    n = stocks.shape[1]
    table = np.zeros((n, n, stocks.shape[2]), np.int64)
    np.add.at(table, country, stocks)
    table[np.arange(n), np.arange(n)] = 0
    return np.asarray(table.sum(axis=1))


def economic_threat(severity: F64, prevalence: F64) -> F64:
    """[place] economic threat as a public sees it: severity x prevalence."""
    return np.asarray(severity[:, Threat.economic] * prevalence[:, Threat.economic])


def pulled(share: F64 | float, strength: float, shift: F64 | float) -> F64:
    """Shares moved by a part of their way to 1, or to 0 where strength x shift is negative."""
    part = np.clip(strength * shift, -1.0, 1.0)
    return np.where(part > 0, share + (1.0 - share) * part, share * (1.0 + part))
