"""The world: everything that persists from step to step.

What all mechanisms share stands here: people, places, the network, the clock. What one mechanism
keeps, and what is counted for the tables, lies in `states` and `counts` under the names that the
mechanisms declare (`sim.model.declare`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.core.rng import Draw, key, name_hash
from sim.core.state import F64, I64, U16, U32, U64, Bool, People
from sim.kernels.living import look_at_households
from sim.kernels.tally import list_heads

if TYPE_CHECKING:
    from sim.model.cells import Cells
    from sim.model.network import Network
    from sim.schema import Scenario


class Heads(NamedTuple):
    """Rows of heads of households, ascending."""

    deciding: U32
    """Who live somewhere."""
    unsettled: U32
    """Those of them who claim asylum, stay without permission, or are ordered to go."""
    stranded: U32
    """Who are stranded on the way."""


class Census(NamedTuple):
    """Who is where at the end of a step, in people."""

    stocks: I64
    """[place, citizenship, status]"""
    blocked_heads: I64
    """[place, citizenship, 2] households that could not pay (0), or had no permission (1)."""
    blocked: I64
    """[place, citizenship, 2] people in them."""
    activities: I64
    """[activity]"""
    exposed: I64
    """[place, citizenship, threat]"""


class Geography(NamedTuple):
    """What never changes of places and countries."""

    country: I64
    """[place] index of its country."""
    is_camp: Bool
    """[place]"""
    capacity: F64
    """[place] newcomers whom it can take in without strain; for a camp, people."""
    nearest: I64
    """[place, country] the country's nearest place that is no camp, -1 where it has none."""
    place_ident: U64
    """[place] hash of its id: draws never know a place by where it stands in the file."""
    country_ident: U64
    """[country] hash of its id."""


@dataclass
class World:
    """One world on its way through time."""

    scenario: Scenario
    seed: int
    network: Network
    geography: Geography
    people: People
    weight: I64
    """[place] people that a row of that origin stands for."""
    cells: Cells
    threads: int = 1
    day: int = 0
    """Days from the start to the beginning of the stretch of time that comes next."""
    step: int = 0
    """Steps done."""
    first_stretch: bool = True
    """Whether no dated event has cut the step yet."""
    month_began: int = 0
    """Day on which what changes once a month was brought up to date last."""
    dates: list[int] = field(default_factory=list)
    """Days from the start on which something dated changes, ascending."""
    updated: int = 0
    """Day on which what is dated was brought up to date last."""
    states: dict[str, Any] = field(default_factory=dict)
    """What mechanisms keep, by the name of each `State`."""
    counts: dict[str, Any] = field(default_factory=dict)
    """What happened since the last row of the output tables, by the name of each `Counter`."""

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
        """Whole months from the start of the scenario to this day, as ages are counted in."""
        start, now = self.scenario.time.start, self.date()
        return (now.year - start.year) * 12 + now.month - start.month

    def key(self, draw: Draw, turn: int = 0) -> np.uint64:
        """Key of the draws of one kind in the stretch that begins today.

        Args:
            draw: What is drawn.
            turn: How often those who draw have done so in this stretch before.
        """
        return key(self.seed, draw, self.day + (turn << 32))

    def add_rows(self, n: int) -> I64:
        """Add rows of people, to be filled in; return their numbers.

        Columns grow where they are: the system maps more memory behind large ones, so that births
        copy nobody. A column that somebody holds cannot, and is copied.
        """
        used = len(self.people.pid)
        columns: dict[str, NDArray[Any]] = self.people._asdict()
        # Column by column, so that nobody is there twice meanwhile.
        del self.people
        for name in columns:
            try:
                columns[name].resize(used + n)
            except ValueError:
                columns[name] = np.append(columns[name], np.zeros(n, columns[name].dtype))
        self.people = People(**columns)
        return np.arange(used, used + n)

    def list_heads(self, first: int, last: int) -> Heads:
        """List the heads among people[first:last]."""
        lists = [np.empty(last - first, np.uint32) for _ in Heads._fields]
        found = list_heads(self.people, first, last, *lists)
        return Heads(*(rows[:n] for rows, n in zip(lists, found, strict=True)))

    @property
    def deciding(self) -> U32:
        """[n] rows of all heads who live somewhere, ascending; a step never lists all at once."""
        return self.list_heads(0, len(self.people.pid)).deciding.copy()

    def company_of(self, heads: U32) -> U16:
        """[n] who lives in the households of heads, as `kernels.living` writes it."""
        company = np.empty(len(heads), np.uint16)
        look_at_households(self.people, heads, self.month(), company)
        return company


def geography(scenario: Scenario, km: F64) -> Geography:
    """What never changes of places and countries.

    Args:
        scenario: Resolved.
        km: [place, place] distances.
    """
    number = {it.id: i for i, it in enumerate(scenario.countries)}
    country = np.array([number[it.country] for it in scenario.places], np.int64)
    is_camp = np.array([it.kind == "camp" for it in scenario.places])
    capacity = np.array([it.capacity or 0.0 for it in scenario.places])
    nearest = np.full((len(country), len(number)), -1, np.int64)
    for c in range(len(number)):
        candidates = np.flatnonzero((country == c) & ~is_camp)
        if len(candidates):
            nearest[:, c] = candidates[np.argmin(km[:, candidates], axis=1)]
    return Geography(
        country,
        is_camp,
        capacity,
        nearest,
        np.array([name_hash("destination", it.id) for it in scenario.places], np.uint64),
        np.array([name_hash("country", it.id) for it in scenario.countries], np.uint64),
    )
