"""Means of households: their drain and recovery, aid and remittances (docs/model.md, 3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.core.state import DAYS_A_YEAR, F64, I64
from sim.core.terms import Status
from sim.kernels.means import BINS, Means
from sim.mechanisms.census import STOCKS
from sim.mechanisms.policy import RULES
from sim.mechanisms.populate import gini_to_sigma, normal_deviates
from sim.mechanisms.protection import standing
from sim.mechanisms.threats import MONTH, THREATS, per_threat
from sim.model.declare import Hook, Mechanism, State

if TYPE_CHECKING:
    from sim.model.segment import Segment
    from sim.model.world import World
    from sim.schema import Intervention, Scenario


def build_means(scenario: Scenario) -> Means:
    """Parameters of means, before any aid or remittances."""
    living = scenario.living
    profiles = {c.id: c.profile for c in scenario.countries}
    share = np.empty((len(scenario.places), BINS), np.float32)
    for p, place in enumerate(scenario.places):
        profile = profiles[place.country]
        assert profile is not None
        sigma = gini_to_sigma(profile.gini)
        share[p] = np.exp(sigma * normal_deviates(BINS) - 0.5 * sigma**2)
    factors = living.status_income
    return Means(
        income=living.means_per_income * np.array([p.income or 0.0 for p in scenario.places]),
        share=share,
        support=np.zeros(len(scenario.places)),
        status=np.tile([getattr(factors, s.name) for s in Status], (len(scenario.places), 1)),
        subsistence=living.subsistence,
        drain_economic=living.drain_economic,
        drain_food=living.drain_food,
        tolerable=per_threat(scenario.decision.tolerable),
    )


def median_means(means: Means) -> F64:
    """[place] means of the median resident in a secure place: max(0, kappa y Q(1/2) - c0)."""
    # The median is between the two bins in the middle; Q is a lognormal.
    low, high = means.share[:, BINS // 2 - 1].astype(float), means.share[:, BINS // 2].astype(float)
    median = means.income * np.sqrt(low * high) - means.subsistence
    return np.asarray(np.maximum(median, 0.0))


def update_support(
    scenario: Scenario, means: Means, country: I64, diaspora: I64, residents: I64, day: float
) -> None:
    """Set [place] aid and remittances per resident and year.

    Args:
        country: [place] country index.
        diaspora: [citizenship, country] people.
        residents: [place] people.
        day: Day from the start.
    """
    means.support[:] = 0.0
    living = scenario.living
    if living.remittances > 0:
        outside = diaspora.sum(axis=1) - np.diag(diaspora)
        people = np.bincount(country, residents, len(diaspora))
        means.support[:] += (living.remittances * outside / np.maximum(people, 1.0))[country]
    index = {p.id: i for i, p in enumerate(scenario.places)}
    for item in scenario.interventions:
        if item.kind == "aid" and item.enabled and item.budget:
            first, last = span(scenario, item)
            # Support is set for a month; aid that covers part of the month counts in proportion.
            share = (min(day + MONTH, last) - max(day, first)) / MONTH
            at = [index[name] for name in item.at]
            means.support[at] += (
                max(share, 0.0) * item.budget / max(float(residents[at].sum()), 1.0)
            )


def span(scenario: Scenario, item: Intervention) -> tuple[float, float]:
    """Days from the start on which an intervention begins and ends; the end is excluded."""
    first = float((item.start - scenario.time.start).days)
    return first, first + item.months * MONTH


def earned(means: Means, severity: F64) -> F64:
    """[place, status, 4] mean income; see `recover_means`.

    Args:
        means: Parameters of means.
        severity: [place, threat] of the threats that drain means.
    """
    felt = np.maximum(severity[:, :2] - means.tolerable[:2], 0.0)
    left = 1.0 - felt * np.array([means.drain_economic, means.drain_food])
    drain = np.stack([np.ones(len(left)), left[:, 0], left[:, 1], left.prod(axis=1)], axis=1)
    return np.asarray((means.income[:, None] * means.status)[:, :, None] * drain[:, None, :])


class Due(NamedTuple):
    """The update of means that households still need in this segment."""

    years: float
    """Time span over which means recover; an infinite one sets them to their target."""
    severity: F64
    """[place, threat] severity of the threats that drain means during this time."""


def first_means(world: World) -> Means:
    """Parameters of means on the first day."""
    means = build_means(world.scenario)
    apply_rights(world, means)
    support_all(world, means)
    return means


def apply_rights(world: World, means: Means) -> None:
    """Set the income factor of each status by place, under today's rules."""
    factors = standing(world.scenario.living.status_income, RULES.of(world).protection)
    means.status[:] = factors[world.country]


def support_all(world: World, means: Means) -> None:
    """Set the aid and remittances that residents receive."""
    stocks = STOCKS.of(world)
    update_support(
        world.scenario, means, world.country, stocks.diaspora, stocks.residents, float(world.day)
    )


def first_due(world: World) -> Due | None:
    """The update of the first day: means are set to their target."""
    return Due(np.inf, THREATS.of(world).severity.copy())


MEANS = State("means", first_means)
DUE = State("due", first_due)


def update(world: World, segment: Segment) -> None:
    """Update the parameters of means, and record which update households need."""
    means = MEANS.of(world)
    if segment.rules_change:
        apply_rights(world, means)
    if segment.month_begins:
        support_all(world, means)
        years = (world.day - world.month_began) / DAYS_A_YEAR
        DUE.put(world, Due(years, THREATS.of(world).severity.copy()))


MECHANISM = Mechanism(
    "livelihood",
    "lets the means of households drain and recover",
    states=(MEANS, DUE),
    hooks=(Hook("environment", 60, update),),
)
