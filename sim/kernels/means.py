"""Means of a household (docs/model.md, 3.4)."""

from __future__ import annotations

from typing import NamedTuple

from sim.core.jit import inner
from sim.core.state import F32, F64

BINS = 4096
"""Bins of wealth ranks: all ranks of a bin have the same income."""
RANKS_A_BIN = 65_536 // BINS


class Means(NamedTuple):
    """Parameters of the means of households."""

    income: F64
    """[place] kappa y_p, money per year."""
    share: F32
    """[place, bin] Q, income of a bin of wealth ranks, in mean incomes: a lognormal of mean 1."""
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
def means_of(means, place, rank, earned, n):
    """Target means of a household of n.

    m* = n (max(0, earned Q(rank) - c0) + support), money per year.

    Args:
        earned: Mean income of people like them, kappa y f (1 - d_e h_e) (1 - d_f h_f).
    """
    left = earned * means.share[place, rank // RANKS_A_BIN] - means.subsistence
    return n * (max(0.0, left) + means.support[place])


@inner
def secure_means(means, place, rank, status, n):
    """Means that a household of n would have without threats that drain them."""
    return means_of(means, place, rank, means.income[place] * means.status[place, status], n)
