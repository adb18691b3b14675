"""Powers of many numbers at once.

`x**a` of the library is a call for each number. This is a sum of products without a branch, so that
the processor works on four or eight numbers at a time: it takes a third of the time or less. Its
bits are the same on every machine, too; those of the library need not be.
"""

from __future__ import annotations

import math

import numpy as np

from sim.core.jit import equation, inner

AT_ONCE = 8
"""Numbers that a processor works on at once, at most: lengths in these multiples waste nothing."""
LEAST = 1e-300
"""Numbers below it count as 0."""
ONE = np.float64(1.0).view(np.uint64)
ROOT = np.float64(math.sqrt(0.5)).view(np.uint64)
MANTISSA = np.uint64((1 << 52) - 1)
WIDTH = np.uint64(52)
"""Bits of the mantissa."""
WHOLE = np.float64(2.0**52).view(np.uint64)
"""With a whole number below 2^52 in its mantissa, it is 2^52 plus that number."""
BIASED = 2.0**52 + 1023.0
ROUNDING = 1.5 * 2.0**52
"""Added to a number, it leaves no room for what is behind the point."""
LOG2_E, LN_2 = math.log2(math.e), math.log(2.0)
RAISE = np.int64(52)


@equation
def power(x, exponent):
    """x^exponent, within 1e-13 of its size (1e-14 if x is from 1e-13 to 1e13).

    2^(exponent log2 x), with a series for log2 of the mantissa and one for the rest of the power.

    Args:
        x: 0 or greater, finite; below `LEAST` it counts as 0.
        exponent: Above 0, at most 1.
    """
    bits = np.float64(x).view(np.uint64) + (ONE - ROOT)
    # x = m 2^e with m from sqrt(1/2) to sqrt(2).
    e = np.uint64((bits >> WIDTH) | WHOLE).view(np.float64) - BIASED
    m = np.uint64((bits & MANTISSA) + ROOT).view(np.float64)
    # ln m = 2 artanh(f)
    f = (m - 1.0) / (m + 1.0)
    g = f * f
    s = 2.0 / 21.0
    s = s * g + 2.0 / 19.0
    s = s * g + 2.0 / 17.0
    s = s * g + 2.0 / 15.0
    s = s * g + 2.0 / 13.0
    s = s * g + 2.0 / 11.0
    s = s * g + 2.0 / 9.0
    s = s * g + 2.0 / 7.0
    s = s * g + 2.0 / 5.0
    s = s * g + 2.0 / 3.0
    t = exponent * ((2.0 * f + f * g * s) * LOG2_E + e)
    shifted = t + ROUNDING
    r = (t - (shifted - ROUNDING)) * LN_2
    p = 1.0 / 6227020800.0
    p = p * r + 1.0 / 479001600.0
    p = p * r + 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    # Multiplied by 2 to the whole part of t, which is in the lowest bits of `shifted`.
    up = np.float64(shifted).view(np.int64) << RAISE
    found = np.int64(np.float64(p).view(np.int64) + up).view(np.float64)
    return found if x >= LEAST else 0.0


@inner
def raise_all(x, exponent):
    """Replace numbers by their powers, see `power`.

    Args:
        x: [n] numbers, changed.
    """
    for i in range(x.shape[0]):
        x[i] = power(x[i], exponent)


@equation
def padded(n):
    """Least multiple of `AT_ONCE` that is at least n."""
    return (n + AT_ONCE - 1) // AT_ONCE * AT_ONCE
