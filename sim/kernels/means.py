"""Means of a household (section 4)."""

from __future__ import annotations

import math
from typing import NamedTuple

from sim.core.jit import inner
from sim.core.state import F32, F64


class Means(NamedTuple):
    """Parameters of the means of households."""

    income: F64
    """[place] kappa y_p, money per year."""
    sigma: F64
    """[place] sigma of the lognormal income distribution."""
    normal: F32
    """[65536] standard normal deviate of a wealth rank."""
    support: F64
    """[place] remittances and aid, money per resident and year."""
    status: F64
    """[place, status] factor of income."""
    subsistence: float
    """c0, money per person and year."""
    drain_economic: float
    """Share of income lost per unit of the economic threat."""
    drain_food: float
    """Share of income lost per unit of the food threat."""
    tolerable: F64
    """[7] severity below which a threat drains nothing."""


@inner
def secure_means(means, place, rank, status, n):
    """Means that a household of n would have without threats that drain them.

    m* = n (max(0, kappa y f Q(rank) - c0) + support), money per year.
    """
    sigma = means.sigma[place]
    share = math.exp(sigma * means.normal[rank] - 0.5 * sigma * sigma)
    earned = means.income[place] * means.status[place, status] * share - means.subsistence
    return n * (max(0.0, earned) + means.support[place])


@inner
def drained_means(means, place, rank, status, n, economic, food):
    """Target means of a household of n under economic and food threats (model, section 6).

    m* = n (max(0, kappa y f Q(rank) (1 - d_e h_e) (1 - d_f h_f) - c0) + support), money per year.
    """
    sigma = means.sigma[place]
    share = math.exp(sigma * means.normal[rank] - 0.5 * sigma * sigma)
    drain = (1.0 - means.drain_economic * economic) * (1.0 - means.drain_food * food)
    earned = means.income[place] * means.status[place, status] * share * drain - means.subsistence
    return n * (max(0.0, earned) + means.support[place])
