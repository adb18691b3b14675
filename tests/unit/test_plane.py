"""Points of a plane: a Poisson process that no cut of time can change."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pytest

from sim.core.rng import Draw, mix, mixed_array
from sim.core.state import DAYS_A_YEAR, F64, U64
from sim.kernels.plane import LABEL, TIME, Plane, first_points, next_point
from tests.small import small, world

PLANE = Plane(np.uint64(0x123456789ABCDEF), 31.0, 28.0)
YEARS = PLANE.days / DAYS_A_YEAR


@pytest.fixture(autouse=True)
def _wrap_quietly():
    """Interpreted, the hash overflows with a warning where compiled it wraps."""
    with np.errstate(over="ignore"):
        yield


def people(n: int, first: int = 0) -> U64:
    return mixed_array(np.arange(first, first + n, dtype=np.uint64))


def points_of(who: int, below: float, plane: Plane = PLANE) -> list[tuple[float, float, int]]:
    """Points (time, height, word) by ascending time, from the definition."""

    def unit(word: int) -> float:
        return ((word >> 12) + 0.5) / 2.0**52

    found, height, word = [], 0.0, mix(int(plane.key) ^ who)
    while True:
        height -= math.log1p(-unit(word)) / (plane.days / DAYS_A_YEAR)
        if height >= below:
            return sorted(found)
        found.append((plane.start + plane.days * unit(mix(int(TIME) ^ word)), height, word))
        word = mix(word)


def first(
    who: U64, rate: float, after: float, until: float, plane: Plane = PLANE
) -> tuple[F64, U64]:
    n = len(who)
    time, word = np.empty(n), np.empty(n, np.uint64)
    first_points(
        plane, who, np.full(n, rate), np.full(n, after), np.full(n, until), time, word
    )  # fmt: skip
    return time, word


@pytest.mark.parametrize("rate", [0.3, 12.0, 80.0])
def test_points_are_those_of_the_definition(rate: float) -> None:
    seen = 0
    for who in people(200).tolist():
        now = PLANE.start
        for time, height, word in points_of(who, rate):
            found = next_point(PLANE, np.uint64(who), rate, now, PLANE.start + PLANE.days)
            assert found == pytest.approx((time, height, word), rel=1e-12)
            assert int(found[2]) == word
            now, seen = found[0], seen + 1
        assert math.isinf(next_point(PLANE, np.uint64(who), rate, now, PLANE.start + PLANE.days)[0])
    assert seen > 0.5 * 200 * rate * YEARS


def test_numbers_are_poisson_and_times_uniform() -> None:
    rate, n = 20.0, 20_000
    found = [points_of(who, rate) for who in people(n).tolist()]
    numbers = np.array([len(points) for points in found])
    mean = rate * YEARS
    error = math.sqrt(mean / n)
    assert abs(numbers.mean() - mean) < 4 * error
    # The variance of a Poisson number is its mean.
    assert abs(numbers.var() / mean - 1) < 4 * math.sqrt(2 / n + 1 / (n * mean))
    times = np.array([time for points in found for time, _, _ in points])
    heights = np.array([height for points in found for _, height, _ in points])
    shares = (times - PLANE.start) / PLANE.days
    assert (np.histogram(shares, 20, (0, 1))[0] / len(times) * 20).std() < 0.03
    assert (np.histogram(heights, 20, (0, rate))[0] / len(times) * 20).std() < 0.03
    assert abs(np.corrcoef(shares, heights)[0, 1]) < 4 / math.sqrt(len(times))
    labels = mixed_array(np.array([w for points in found for _, _, w in points], np.uint64) ^ LABEL)
    for other in (shares, heights):
        assert abs(np.corrcoef(labels.astype(float), other)[0, 1]) < 4 / math.sqrt(len(times))


def test_a_span_may_be_cut_anywhere() -> None:
    who, end = people(3_000), PLANE.start + PLANE.days
    whole, words = first(who, 15.0, PLANE.start, end)
    for cut in (31.0, 31.5, 44.0, 58.999, 59.0):
        before, its = first(who, 15.0, PLANE.start, cut)
        after, later = first(who, 15.0, cut, end)
        came = np.isfinite(before)
        assert (np.where(came, before, after) == whole).all()
        assert (np.where(came, its, later)[np.isfinite(whole)] == words[np.isfinite(whole)]).all()


def test_a_higher_rate_only_adds_events() -> None:
    who, end = people(3_000), PLANE.start + PLANE.days
    low, high = (first(who, rate, PLANE.start, end)[0] for rate in (2.0, 3.0))
    assert (high <= low).all()
    assert (high < low).sum() > 100


def test_each_month_and_kind_of_event_has_its_own_plane() -> None:
    at = world(small("time.start=2020-01-17"))
    one, other = Draw("one", 900), Draw("other", 901)
    plane = at.plane(one)
    assert (plane.start, plane.days) == (-16.0, 31.0)
    at.day = 15
    later = at.plane(one)
    assert at.date() == date(2020, 2, 1)
    assert (later.start, later.days) == (15.0, 29.0)
    assert len({int(it.key) for it in (plane, later, at.plane(other))}) == 3
    # The calendar counts, not the start of the run: a run that begins later has the same planes.
    assert int(world(small("time.start=2020-02-01")).plane(one).key) == int(later.key)


def test_no_events_at_rate_0_and_none_outside_of_the_span() -> None:
    who = people(2_000)
    assert np.isinf(first(who, 0.0, 31.0, 59.0)[0]).all()
    time, _ = first(who, 50.0, 40.0, 45.0)
    came = np.isfinite(time)
    assert came.sum() > 500
    assert ((time[came] > 40.0) & (time[came] <= 45.0)).all()
