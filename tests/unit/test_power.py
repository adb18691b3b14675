"""Powers of many numbers at once equal those of the library, with the same bits everywhere."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.core.jit import kernel
from sim.kernels.power import AT_ONCE, LEAST, padded, power, raise_all


@kernel
def raise_them(x, exponent):  # type: ignore[no-untyped-def]
    """Call what only kernels can call."""
    raise_all(x, exponent)


@pytest.mark.parametrize("exponent", [0.05, 0.3, 0.5, 0.73, 1.0])
def test_powers_are_those_of_the_library(exponent: float) -> None:
    logs = np.random.default_rng(1).uniform(-690.0, 709.0, 2000)
    for log in logs:
        x = math.exp(log)
        allowed = 1e-14 if abs(log) < 30.0 else 1e-13
        assert power(x, exponent) == pytest.approx(math.pow(x, exponent), rel=allowed)


def test_nothing_stays_nothing_and_one_stays_one() -> None:
    assert power(0.0, 0.4) == 0.0
    assert power(LEAST / 2, 0.4) == 0.0
    assert power(1.0, 0.4) == 1.0


def test_greater_numbers_have_no_smaller_powers() -> None:
    """Else a constraint that is lifted could lower a rate."""
    x = np.sort(np.exp(np.random.default_rng(2).normal(0.0, 3.0, 5000)))
    near = np.nextafter(x, np.inf)
    both = np.stack([x, near], axis=1).ravel()
    raised = both.copy()
    raise_them(raised, 0.37)
    assert (np.diff(raised) >= -1e-14 * raised[:-1]).all()


def test_bits_do_not_depend_on_how_many_there_are_or_on_compilation() -> None:
    x = np.exp(np.random.default_rng(3).normal(0.0, 20.0, 257))
    alone = [power(value, 0.61) for value in x]
    plain = [power.py_func(value, 0.61) for value in x]
    assert alone == plain
    for n in (1, 7, 8, 16, 257):
        some = x[:n].copy()
        raise_them(some, 0.61)
        assert some.tolist() == alone[:n]


@pytest.mark.parametrize(("n", "room"), [(1, AT_ONCE), (8, 8), (9, 16), (17, 24)])
def test_lengths_are_rounded_up(n: int, room: int) -> None:
    assert padded(n) == room
