"""Individual histories: moves, refusals, deaths, and the last country each person came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from sim.core.state import (
    DIED,
    DIED_NATURALLY,
    DIED_ON_THE_WAY,
    EVER_NO_MEANS,
    EVER_NO_PERMISSION,
    I64,
    MOVED_ABROAD,
    MOVED_WITHIN,
)
from sim.core.terms import Activity, Status
from sim.kernels.household import died_at, remember_all
from sim.model.columns import CITIZENSHIP, COUNTRY, PLACE, Column
from sim.model.declare import NOBODY, Absent, Mechanism, Rows, Table

if TYPE_CHECKING:
    from sim.model.world import Census, World
    from sim.schema import Scenario

ON_THE_WAY: Final = ("travelling", "stranded", "detained", "captive")
OUTCOMES: Final = [*Status.__members__, *ON_THE_WAY, "died_on_the_way", "died_naturally"]
"""Outcomes in `paths`: the legal status of residents, or the state of others."""


def outcomes(_scenario: Scenario) -> list[str]:
    """Words of the column `outcome`."""
    return OUTCOMES


def record_moves(world: World, houses: I64, origin: I64, goal: I64) -> None:
    """Record for all who arrive that they have moved, abroad or within a country.

    Args:
        world: The world.
        houses: [n] rows of the households that arrive, without repeats.
        origin: [n] place of departure.
        goal: [n] chosen destination.
    """
    abroad = world.country[origin] != world.country[goal]
    past = np.where(abroad, MOVED_ABROAD, MOVED_WITHIN)
    remember_all(world.households, world.persons, houses, past)


def path_rows(world: World, _census: Census) -> Rows:
    """Outcomes of people whose household crossed a border, or who died or are held on the way."""
    households, persons, country = world.households, world.persons, world.country
    houses = persons.household
    here, came = households.place[houses], households.came[houses]
    activity = households.activity[houses]
    outcome = np.where(
        activity <= Activity.waiting,
        households.status[houses],
        len(Status) + activity - np.uint8(Activity.travelling),
    ).astype(np.int64)
    gone = persons.past & DIED > 0
    here[gone], came[gone] = died_at(persons.next[gone])
    outcome[gone] = OUTCOMES.index("died_on_the_way")
    outcome[persons.past & DIED_NATURALLY > 0] = OUTCOMES.index("died_naturally")
    held = ~gone & ((activity == Activity.detained) | (activity == Activity.captive))
    rows = np.flatnonzero((came > 0) | (persons.past & DIED_ON_THE_WAY > 0) | held)
    home = households.home[houses[rows]]
    citizenship = country[home]
    left = np.where(came[rows] > 0, came[rows].astype(np.int64) - 1, citizenship)
    shape = (*(world.n_countries,) * 3, len(OUTCOMES))
    code = np.ravel_multi_index((citizenship, left, country[here[rows]], outcome[rows]), shape)
    found, which = np.unique(code, return_inverse=True)
    total = np.zeros(len(found), np.int64)
    np.add.at(total, which, households.weight[houses[rows]])
    names = ("citizenship", "came_from", "country", "outcome")
    return dict(zip(names, np.unravel_index(found, shape), strict=True)) | {"people": total}


def person_rows(world: World, _census: Census) -> Rows:
    """History of each person, sorted by id."""
    persons = world.persons
    order = np.argsort(persons.pid)
    pid, past, houses = persons.pid[order], persons.past[order], persons.household[order]
    return {
        "id_high": (pid >> np.uint64(32)).astype(np.int64),
        "id_low": (pid & np.uint64(0xFFFFFFFF)).astype(np.int64),
        "home": world.households.home[houses],
        "people": world.households.weight[houses].astype(np.int64),
        "moved_abroad": past & MOVED_ABROAD > 0,
        "moved_within": past & MOVED_WITHIN > 0,
        "no_means": past & EVER_NO_MEANS > 0,
        "no_permission": past & EVER_NO_PERMISSION > 0,
        "died_on_the_way": past & DIED_ON_THE_WAY > 0,
        "died_naturally": past & DIED_NATURALLY > 0,
    }


MECHANISM = Mechanism(
    "history",
    "reports what has happened to each person",
    tables=(
        Table(
            "paths",
            "outcomes of people whose household crossed a border, or who died or are held "
            "on the way",
            "last",
            (
                CITIZENSHIP,
                COUNTRY.named(
                    "came_from",
                    "country left at the last border crossing; their own if there was none",
                ),
                COUNTRY.named("country", "country of stay; of the dead, where they died"),
                Column(
                    "outcome",
                    "text",
                    "word",
                    "legal status, or travelling, stranded, detained, captive, died_on_the_way, "
                    "died_naturally",
                    words=outcomes,
                ),
                Column(
                    "people", "int", "people", "people, including children born on the way or later"
                ),
            ),
            path_rows,
            absent=NOBODY,
            notes="Each person is counted once. Transit, returns and transfers are border "
            "crossings too, and `came_from` keeps only the last one: people who went from Syria "
            "through Turkey and Greece to Germany came from Greece. People who lived abroad when "
            "the run began and have crossed no border since are not in the table. A child has its "
            "mother's path. If somebody who crossed a border joins a household that crossed none, "
            "all its members have that path. The record takes one byte per person, in every run.",
            at_end=True,
        ),
        Table(
            "persons",
            "what has happened to each person, one row per person",
            "last",
            (
                Column("id_high", "int", "id", "identity, upper 32 bits; the same for one seed"),
                Column(
                    "id_low", "int", "id", "identity, lower 32 bits; exact in spreadsheets, too"
                ),
                PLACE.named("home", "place of origin", "home_country"),
                Column("people", "int", "people", "people that the row stands for"),
                Column("moved_abroad", "bool", "yes/no", "ever arrived in another country"),
                Column(
                    "moved_within", "bool", "yes/no", "ever arrived elsewhere in the same country"
                ),
                Column(
                    "no_means", "bool", "yes/no", "their household ever lacked the means to move"
                ),
                Column(
                    "no_permission",
                    "bool",
                    "yes/no",
                    "their household ever lacked the permission to move",
                ),
                Column("died_on_the_way", "bool", "yes/no", "died on the way"),
                Column("died_naturally", "bool", "yes/no", "died a natural death"),
            ),
            person_rows,
            absent=Absent(
                "No row is absent: everyone who was there at the start or was born since has one, "
                "including the dead."
            ),
            notes="Arrivals are counted as in `flows`: forced returns and transfers to a camp are "
            "not arrivals. The table is off by default because of its length: about 7 bytes per "
            "row of the population in the file, 50 in memory. The information itself is recorded "
            "in every run, at no measurable cost in time or memory.",
            at_end=True,
            by_request=True,
        ),
    ),
)
