"""From when people hurry, and what a loss is."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from sim.mechanisms.announcement import first_day, is_pending, loss
from sim.scenario.whole import Policy


def rule(announced: date | None, start: date | None) -> Policy:
    return Policy(id="r", into="AA", barrier=1.0, announced=announced, start=start)


@pytest.mark.parametrize(
    ("announced", "start", "first"),
    [
        (date(2015, 6, 17), date(2015, 9, 15), date(2015, 6, 17)),
        (date(2015, 1, 1), date(2015, 9, 15), date(2015, 3, 15)),
        # Half a year before a day that its month has not.
        (date(2015, 1, 1), date(2015, 8, 31), date(2015, 2, 28)),
        (date(2015, 1, 1), date(2016, 8, 30), date(2016, 2, 29)),
        (date(2014, 1, 1), date(2015, 6, 30), date(2014, 12, 30)),
        (None, date(2015, 9, 15), None),
        (None, None, None),
    ],
)
def test_people_hurry_from_the_announcement_but_for_half_a_year_at_most(
    announced: date | None, start: date | None, first: date | None
) -> None:
    assert first_day(rule(announced, start)) == first


def test_a_rule_is_pending_until_the_day_before_it_begins() -> None:
    fence = rule(date(2015, 6, 17), date(2015, 9, 15))
    pending = [is_pending(fence, date(2015, *day)) for day in ((6, 16), (6, 17), (9, 14), (9, 15))]
    assert pending == [False, True, True, False]


def test_what_closes_is_lost_for_good_and_what_is_closed_is_no_loss() -> None:
    shut = -np.inf
    now = np.array([1.0, 1.0, 1.0, shut, shut])
    after = np.array([0.5, 2.0, shut, shut, 1.0])
    np.testing.assert_array_equal(loss(now, after), [0.5, -1.0, np.inf, 0.0, 0.0])
