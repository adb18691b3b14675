"""Protection: how far refugees and claimants have the rights of their status (docs/model.md, 3.4).

With protection 1, refugees and claimants have all rights of their status; with 0, they live like
people in an irregular situation. Protection affects their income, exposure to threats and speed of
settling, and through these whether they stay or move on.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from sim.core.same import Same
from sim.core.state import F64, I64
from sim.core.terms import Status
from sim.kernels.living import N_STATUS

if TYPE_CHECKING:
    from sim.schema import StatusFactors

PROTECTED = (Status.refugee, Status.claimant)


@lru_cache(maxsize=8)
def by_status(factors: Same[StatusFactors]) -> F64:
    """[status] factors as the scenario states them."""
    return np.array([getattr(factors.it, status.name) for status in Status])


def standing(factors: StatusFactors, protection: F64) -> F64:
    """Factors of each legal status in every country.

    Args:
        factors: By status, with full protection.
        protection: [country] 0 to 1.

    Returns:
        [country, status] factors, between that of irregular people and the status's own.
    """
    table = by_status(Same(factors))
    result = np.empty((len(protection), len(table)))
    result[:] = table
    floor = table[Status.irregular]
    for status in PROTECTED:
        result[:, status] = floor + (table[status] - floor) * protection
    return result


def exposed_odds(odds: F64, protection: F64, country: I64) -> F64:
    """Odds multipliers of exposure in every place.

    Args:
        odds: [threat, code] with full protection; a code ends in the status.
        protection: [country] 0 to 1.
        country: [place] country index.

    Returns:
        [place, threat, code], between the odds of irregular people and the status's own.
    """
    result = np.repeat(odds[None, :, :], len(country), axis=0)
    floor = odds[:, Status.irregular :: N_STATUS]
    lack = 1.0 - protection[country]
    for status in PROTECTED:
        own = odds[:, status::N_STATUS]
        result[:, :, status::N_STATUS] = own * (floor / own) ** lack[:, None, None]
    return result
