"""The world: everything that persists from step to step.

All mechanisms share the households, persons, places, network and clock. State of a single
mechanism, and counts for the output tables, are kept in `states` and `counts`, under the names that
mechanisms declare (`sim.model.declare`).
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.core.rng import Draw, key_of, name_hash
from sim.core.state import F64, I64, NOBODY, U32, U64, Bool, Households, Persons
from sim.core.terms import Activity
from sim.kernels.plane import Plane, first_points
from sim.kernels.tally import list_deciding

if TYPE_CHECKING:
    from sim.model.cells import Cells
    from sim.model.network import Network
    from sim.schema import Scenario


class Census(NamedTuple):
    """Counts of people at the end of a segment."""

    stocks: I64
    """[place, citizenship, status]"""
    blocked_households: I64
    """[place, citizenship, 2] households blocked by lack of means (0), or of permission (1)."""
    blocked: I64
    """[place, citizenship, 2] people in them."""
    activities: I64
    """[citizenship, activity] of the living"""
    exposed: I64
    """[place, citizenship, threat]"""


class Geography(NamedTuple):
    """Properties of places and countries that never change."""

    country: I64
    """[place] index of its country."""
    decides: Bool
    """[place] whether people who come from it decide whether to move; others stay."""
    is_camp: Bool
    """[place]"""
    capacity: F64
    """[place] newcomers it can receive without strain; for a camp, the people it has room for."""
    nearest: I64
    """[place, country] the country's nearest place that is not a camp, -1 where it has none."""
    place_ident: U64
    """[place] hash of its id: draws do not depend on the order of places in the file."""
    country_ident: U64
    """[country] hash of its id."""


@dataclass
class World:
    """The state of one simulated world."""

    scenario: Scenario
    seed: int
    network: Network
    geography: Geography
    households: Households
    persons: Persons
    cells: Cells
    threads: int = 1
    day: int = 0
    """Days from the start of the run to the start of the next segment."""
    step: int = 0
    """Steps done."""
    spare: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    """Rows of households that nobody has founded yet."""
    month_began: int = 0
    """Day of the last monthly update."""
    dates: list[int] = field(default_factory=list)
    """Days from the start on which a dated event happens, ascending."""
    updated: int = 0
    """Day of the last update of dated events."""
    states: dict[str, Any] = field(default_factory=dict)
    """States of mechanisms, by the name of each `State`."""
    counts: dict[str, Any] = field(default_factory=dict)
    """Counts since the last rows of the output tables, by the name of each `Counter`."""
    longer: dict[str, tuple[Sequence[NDArray[Any]], int]] = field(default_factory=dict)
    """(longer columns of which those of a table are the beginnings, rows of the table), by table
    to which rows have been added."""

    @property
    def country(self) -> I64:
        """[place] index of its country."""
        return self.geography.country

    @property
    def n_countries(self) -> int:
        """Number of countries."""
        return len(self.scenario.countries)

    def date(self, day: int | None = None) -> date:
        """Calendar date of a day counted from the start."""
        return self.scenario.time.start + timedelta(days=self.day if day is None else day)

    def month(self) -> int:
        """Calendar months from the start of the scenario to this day; unit of ages."""
        start, now = self.scenario.time.start, self.date()
        return (now.year - start.year) * 12 + now.month - start.month

    def plane(self, draw: Draw, day: int | None = None) -> Plane:
        """The plane of one kind of event in the calendar month of a day; None: of today."""
        today = self.date(day)
        return plane_of(self.seed, draw, self.scenario.time.start, today.year, today.month)

    def first_events(
        self, draw: Draw, who: U64, rate: F64, since: F64 | float, until: F64 | float
    ) -> tuple[F64, U64]:
        """First event of each of several rates, in spans of time since the month before began.

        Args:
            draw: What happens.
            who: [n] identities.
            rate: [n] events per year, constant over the span.
            since, until: [n] days, counted from the start; `since` is excluded.

        Returns:
            ([n] day of the event, infinite where there is none; [n] hash of the event, for further
            draws).
        """
        n = len(who)
        time, word = np.full(n, np.inf), np.empty(n, np.uint64)
        begin, end = (np.broadcast_to(np.asarray(it, np.float64), n) for it in (since, until))
        day, last = self.month_began, end.max(initial=-np.inf)
        while day < last:
            plane = self.plane(draw, day)
            left = np.isinf(time)
            its_time, its_word = np.empty(left.sum()), np.empty(left.sum(), np.uint64)
            first_points(plane, who[left], rate[left], begin[left], end[left], its_time, its_word)
            time[left], word[left] = its_time, its_word
            day = int(plane.start + plane.days)
        return time, word

    def rows_for(self, n: int) -> I64:
        """Take rows for n new households; those that are not used are put back in `spare`."""
        used, lacking = len(self.households.ident), n - len(self.spare)
        if lacking > 0:
            self.households = Households(*self._with_rows("households", used + lacking))
            new = np.arange(used, used + lacking)
            self.households.head[new] = NOBODY
            self.households.relative[new] = new
            self.households.activity[new] = Activity.dead
            self.spare = np.concatenate([self.spare, new])
        rows, self.spare = self.spare[:n], self.spare[n:]
        return rows

    def add_persons(self, n: int) -> I64:
        """Add empty rows of persons; return their row numbers."""
        used = len(self.persons.pid)
        self.persons = Persons(*self._with_rows("persons", used + n))
        return np.arange(used, used + n)

    def _with_rows(self, table: str, n: int) -> list[NDArray[Any]]:
        """Columns of a table with n rows, the last ones empty.

        They are the beginnings of longer columns, so that not every birth copies all of them.
        """
        now = getattr(self, table)
        used = len(now[0])
        whole, known = self.longer.get(table, (now, -1))
        # Not if the table has been replaced, or a copy of the world has added rows.
        ours = known == used and all(
            column.base is all_rows for column, all_rows in zip(now, whole, strict=True)
        )
        if not ours or len(whole[0]) < n:
            # Memory that is not yet used is not yet taken from the system.
            whole = [np.zeros(n + n // 8, column.dtype) for column in now]
            for column, old in zip(whole, now, strict=True):
                column[:used] = old
        self.longer[table] = whole, n
        return [column[:n] for column in whole]

    @property
    def deciding(self) -> U32:
        """[n] rows of all households that have a residence and decide, ascending."""
        rows = np.empty(len(self.households.ident), np.uint32)
        n = list_deciding(self.households, 0, len(rows), self.geography.decides, rows)
        return rows[:n].copy()

    def n_people(self, houses: U32 | I64) -> I64:
        """[n] people that the members of households represent."""
        size, weight = self.households.size[houses], self.households.weight[houses]
        return np.asarray(size * weight.astype(np.int64), np.int64)


@lru_cache(maxsize=64)
def plane_of(seed: int, draw: Draw, start: date, year: int, month: int) -> Plane:
    """The plane of one kind of event in a calendar month of a run that starts on some day."""
    first, days = date(year, month, 1), monthrange(year, month)[1]
    key = key_of(seed, draw, 12 * year + month)
    return Plane(key, float((first - start).days), float(days))


def geography(scenario: Scenario, km: F64) -> Geography:
    """Collect the properties of places and countries that never change.

    Args:
        scenario: A resolved scenario.
        km: [place, place] distances.
    """
    number = {it.id: i for i, it in enumerate(scenario.countries)}
    country = np.array([number[it.country] for it in scenario.places], np.int64)
    population = scenario.population
    all_decide = not population.focus or population.others == "decide"
    decides = np.array([all_decide or it.country in population.focus for it in scenario.places])
    is_camp = np.array([it.kind == "camp" for it in scenario.places])
    lived_in = np.array([it.people > 0 for it in scenario.places])
    capacity = np.array([it.capacity or 0.0 for it in scenario.places])
    nearest = np.full((len(country), len(number)), -1, np.int64)
    for c in range(len(number)):
        candidates = np.flatnonzero((country == c) & ~is_camp & lived_in)
        if len(candidates):
            nearest[:, c] = candidates[np.argmin(km[:, candidates], axis=1)]
    return Geography(
        country,
        decides,
        is_camp,
        capacity,
        nearest,
        np.array([name_hash("destination", it.id) for it in scenario.places], np.uint64),
        np.array([name_hash("country", it.id) for it in scenario.countries], np.uint64),
    )
