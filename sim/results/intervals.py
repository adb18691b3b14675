"""Means over replicates, with intervals."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


_T975: Final = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
"""Student's t, quantile .975, for 1 to 30 degrees of freedom (standard table)."""


def student_t(freedom: int) -> float:
    """Give Student's t at quantile .975.

    Args:
        freedom: degrees of freedom, at least 1.

    Returns:
        The quantile, within .001.

    Source: standard table to 30; above, the first two terms of Fisher and Cornish (1960).
    """
    if freedom <= len(_T975):
        return _T975[freedom - 1]
    z = 1.959964
    return (
        z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom * freedom)
    )


class Interval(NamedTuple):
    """A mean over replicates with its 95 % interval."""

    value: float
    low: float
    high: float
    n: int


def interval(values: Values, low: float = -np.inf, high: float = np.inf) -> Interval:
    """Average over replicates, with the 95 % t-interval of the mean.

    Args:
        values: one a replicate; NaN where a replicate has none (left out).
        low: no interval reaches below this.
        high: no interval reaches above this.

    Returns:
        Mean, bounds and number of replicates used; bounds are NaN for fewer than two.
    """
    known = values[~np.isnan(values)]
    n = len(known)
    if n == 0:
        return Interval(np.nan, np.nan, np.nan, 0)
    mean = float(known.mean())
    if n == 1:
        return Interval(mean, np.nan, np.nan, 1)
    half = student_t(n - 1) * float(known.std(ddof=1)) / float(np.sqrt(n))
    return Interval(mean, max(mean - half, low), min(mean + half, high), n)


def ratio_interval(above: Values, below: Values) -> Interval:
    """Divide one mean by another, with the 95 % interval of the ratio.

    Args:
        above: one a replicate.
        below: one a replicate, of the same replicates.

    Returns:
        Ratio of the means, bounds and number of replicates. The ratio is NaN unless the lower mean
        is above 0; bounds are NaN for fewer than two replicates, and where `below` does not differ
        significantly from 0, since then any ratio is possible.

    Source: Fieller (1954), for paired values.
    """
    n = len(above)
    a, b = float(above.mean()), float(below.mean())
    if b <= 0:
        return Interval(np.nan, np.nan, np.nan, n)
    if n == 1:
        return Interval(a / b, np.nan, np.nan, n)
    spread = np.cov(above, below) / n * student_t(n - 1) ** 2
    square, middle = b * b - spread[1, 1], a * b - spread[0, 1]
    if square <= 0:
        return Interval(a / b, np.nan, np.nan, n)
    root = float(np.sqrt(max(middle**2 - square * (a * a - spread[0, 0]), 0.0)))
    return Interval(a / b, (middle - root) / square, (middle + root) / square, n)
