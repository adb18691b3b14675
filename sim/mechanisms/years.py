"""Years that people live, are protected or wait, and lose: added up day by day.

Tables of people hold on one day of a row, so that what is made of them would depend on how many
steps a row sums up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from sim.core.state import DAYS_A_YEAR, MICRO
from sim.core.terms import Activity, Harm, Status
from sim.mechanisms.harms import EXPECTED_HARMS
from sim.model.columns import CITIZENSHIP, Column
from sim.model.declare import NOBODY, Hook, Mechanism, Rows, Table, dense

if TYPE_CHECKING:
    from sim.model.segment import Segment
    from sim.model.world import Census, World

DISCOUNT: Final = 0.03
"""Yearly discount of the second figure of life years lost (convention of burden studies)."""

LIVED = dense("lived", (CITIZENSHIP,), "person-days lived")
AS_REFUGEES = dense("lived_as_refugees", (CITIZENSHIP,), "person-days abroad as a refugee")
AS_CLAIMANTS = dense("lived_as_claimants", (CITIZENSHIP,), "person-days abroad as a claimant")
LOST = dense("lost", (CITIZENSHIP,), "person-years lost to deaths on the way, in 1 / MICRO")
LOST_3PCT = dense("lost_3pct", (CITIZENSHIP,), "the same, discounted to the day of death")
COUNTED = dense("lost_counted", (CITIZENSHIP,), "expected deaths of which years are in `lost`")


def count_years(world: World, segment: Segment) -> None:
    """Add the years of a segment, as if people had been throughout where they are at its end.

    Whoever dies in it loses the time from its middle to the end of the run.
    """
    census, days = segment.census, segment.end - world.day
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

    time = world.scenario.time
    left = ((time.end - time.start).days + 1 - (world.day + segment.end) / 2) / DAYS_A_YEAR
    deaths, counted = EXPECTED_HARMS.of(world)[:, :, Harm.death].sum(axis=0), COUNTED.of(world)
    new = deaths - counted
    # Whole numbers, so that sums do not depend on how many steps a row sums up.
    LOST.of(world)[:] += np.rint(new * left).astype(np.int64)
    LOST_3PCT.of(world)[:] += np.rint(new * -np.expm1(-DISCOUNT * left) / DISCOUNT).astype(np.int64)
    counted[:] = deaths


def year_rows(world: World, _census: Census) -> Rows:
    """Years by citizenship."""
    days, lost = LIVED.of(world), LOST.of(world)
    citizenship = np.flatnonzero(days + lost)
    return {
        "citizenship": citizenship,
        "lived": days[citizenship] / DAYS_A_YEAR,
        "as_refugee": AS_REFUGEES.of(world)[citizenship] / DAYS_A_YEAR,
        "as_claimant": AS_CLAIMANTS.of(world)[citizenship] / DAYS_A_YEAR,
        "lost": lost[citizenship] / MICRO,
        "lost_3pct": LOST_3PCT.of(world)[citizenship] / MICRO,
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
                Column("lived", "float", "person-years", "years lived, wherever they were"),
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
            absent=NOBODY,
        ),
    ),
)
