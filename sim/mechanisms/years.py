"""Years that people live, are protected or wait, and lose: added up month by month.

Tables of people hold on one day of a row, so that what is made of them would depend on how many
steps a row sums up.
"""

from __future__ import annotations

import math
from calendar import monthrange
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.core.state import DAYS_A_YEAR, MICRO
from sim.core.terms import Activity, Harm, Status
from sim.mechanisms.harms import EXPECTED_HARMS
from sim.model.columns import CITIZENSHIP, Column
from sim.model.declare import NONE_COUNTED, Hook, Mechanism, Rows, Table, dense

if TYPE_CHECKING:
    from sim.model.segment import Segment
    from sim.model.world import Census, World

DISCOUNT: Final = 0.03
"""Yearly discount of the second figure of life years lost (convention of burden studies)."""

LIVED = dense("lived", (CITIZENSHIP,), "person-days lived")
AS_REFUGEES = dense("lived_as_refugees", (CITIZENSHIP,), "person-days abroad as a refugee")
AS_CLAIMANTS = dense("lived_as_claimants", (CITIZENSHIP,), "person-days abroad as a claimant")
LOST = dense("lost", (CITIZENSHIP,), "person-half-days lost to deaths on the way, in 1 / MICRO")
LOST_3PCT = dense("lost_3pct", (CITIZENSHIP,), "person-years lost, discounted, in 1 / (MICRO FINE)")
FINE: Final = 4096
"""Units of a year by which discounted years are counted."""
COUNTED = dense("lost_counted", (CITIZENSHIP,), "expected deaths of which years are in `lost`")


def count_years(world: World, segment: Segment) -> None:
    """Add the years of a calendar month, as if people had been where they are when it ends.

    Whoever dies in it loses the time from its middle to the end of the run. Both follow from the
    calendar alone, and all sums are of whole numbers: so they do not depend on the step, or on how
    many steps a row sums up.
    """
    time, today = world.scenario.time, world.date()
    last = (time.end - time.start).days + 1
    first = world.day - today.day + 1
    after = min(first + monthrange(today.year, today.month)[1], last)
    first = max(first, 0)
    if segment.end == after:
        add_people(world, segment.census, after - first)
    half_days = 2 * last - first - after
    years = half_days / 2 / DAYS_A_YEAR
    deaths, counted = EXPECTED_HARMS.of(world)[:, :, Harm.death].sum(axis=0), COUNTED.of(world)
    new = deaths - counted
    LOST.of(world)[:] += new * half_days
    LOST_3PCT.of(world)[:] += new * round(-math.expm1(-DISCOUNT * years) / DISCOUNT * FINE)
    counted[:] = deaths


def add_people(world: World, census: Census, days: int) -> None:
    """Add the days of people who are where a census finds them."""
    alive = np.delete(census.activities, Activity.dead, axis=1).sum(axis=1)
    # [citizenship, status] outside of their own country.
    everywhere = census.stocks.sum(axis=0)
    at_home = np.zeros_like(everywhere)
    for place, country in enumerate(world.country):
        at_home[country] += census.stocks[place, country]
    abroad = everywhere - at_home
    LIVED.of(world)[:] += alive * days
    AS_REFUGEES.of(world)[:] += abroad[:, Status.refugee] * days
    AS_CLAIMANTS.of(world)[:] += abroad[:, Status.claimant] * days


def year_rows(world: World, _census: Census) -> Rows:
    """Years by citizenship."""
    days, lost = LIVED.of(world), LOST.of(world)
    citizenship = np.flatnonzero(days + lost)
    return {
        "citizenship": citizenship,
        "lived": days[citizenship] / DAYS_A_YEAR,
        "as_refugee": AS_REFUGEES.of(world)[citizenship] / DAYS_A_YEAR,
        "as_claimant": AS_CLAIMANTS.of(world)[citizenship] / DAYS_A_YEAR,
        "lost": lost[citizenship] / (2 * DAYS_A_YEAR * MICRO),
        "lost_3pct": LOST_3PCT.of(world)[citizenship] / (FINE * MICRO),
    }


MECHANISM = Mechanism(
    "years",
    "adds up the years that people live and lose",
    counters=(LIVED, AS_REFUGEES, AS_CLAIMANTS, LOST, LOST_3PCT, COUNTED),
    hooks=(Hook("count", 25, count_years),),
    tables=(
        Table(
            "years",
            "years that people lived, and lost by deaths on the way, by citizenship",
            "first",
            (
                CITIZENSHIP,
                Column(
                    "lived",
                    "float",
                    "person-years",
                    "years of calendar months that end in the row, by all who are alive then",
                ),
                Column("as_refugee", "float", "person-years", "of these abroad as refugees"),
                Column("as_claimant", "float", "person-years", "of these abroad as claimants"),
                Column(
                    "lost",
                    "float",
                    "person-years",
                    "years from expected deaths on the way to the end of the run",
                ),
                Column("lost_3pct", "float", "person-years", "the same, discounted at 3 % a year"),
            ),
            year_rows,
            absent=NONE_COUNTED,
            notes="A calendar month is counted in the row in which it ends; a row within a month "
            "has only years lost.",
        ),
    ),
)
