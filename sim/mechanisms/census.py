"""Counts people by place and status, and checks that no one is lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.core.parallel import FEW_PEOPLE, in_ranges
from sim.core.state import I64
from sim.core.terms import N_THREATS, Activity, Answer, Status
from sim.kernels.tally import count_people, sum_by_country
from sim.mechanisms.plans import PLANS
from sim.model.columns import ACTIVITY, ANSWER, CITIZENSHIP, PLACE, STATUS, Column
from sim.model.declare import NOBODY, Hook, Mechanism, Rows, State, Table, where_nonzero
from sim.model.world import Census

if TYPE_CHECKING:
    from sim.model.segment import Segment
    from sim.model.world import World


class LostPeopleError(AssertionError):
    """People were lost or counted twice: an error in the program, never in the scenario."""


@dataclass
class Stocks:
    """People by place of stay and origin, at the beginning of the month."""

    diaspora: I64
    """[citizenship, country]"""
    residents: I64
    """[place]"""
    newcomers: I64
    """[place] people who are neither citizens nor regular residents."""
    foreigners: I64
    """[country, status] people from abroad."""
    in_camps: I64
    """[country, status] of these, people in camps."""
    camps: I64
    """[country] people in camps, wherever they are from."""


@dataclass
class Account:
    """Demographic account: everyone was present at the start or born since, and lives or died."""

    start: I64
    """[citizenship] people at the start."""
    born: I64
    """[citizenship]"""
    died: I64
    """[citizenship] natural deaths."""
    dead: I64
    """[citizenship] deaths on the way."""


def first_stocks(world: World) -> Stocks:
    """Count on the first day."""
    return stocks_of(world, take_census(world, world.day))


def first_account(world: World) -> Account:
    """Open the account."""
    houses = np.arange(len(world.households.home))
    start = np.zeros(world.n_countries, np.int64)
    np.add.at(start, world.country[world.households.home], world.n_people(houses))
    return Account(start, *(np.zeros_like(start) for _ in range(3)))


STOCKS = State("stocks", first_stocks)
ACCOUNT = State("account", first_account)


def take_census(world: World, day: int) -> Census:
    """Count all people.

    Args:
        world: The world.
        day: Today, from the start; households refused within the year before it count as blocked.
    """
    n_places, n_countries = len(world.country), world.n_countries

    def nothing() -> Census:
        return Census(
            stocks=np.zeros((n_places, n_countries, len(Status)), np.int64),
            blocked_households=np.zeros((n_places, n_countries, 2), np.int64),
            blocked=np.zeros((n_places, n_countries, 2), np.int64),
            activities=np.zeros((n_countries, len(Activity)), np.int64),
            exposed=np.zeros((n_places, n_countries, N_THREATS), np.int64),
        )

    def work(first: int, last: int) -> Census:
        part = nothing()
        count_people(
            world.households, first, last, world.country, float(day), part.stocks,
            part.blocked_households, part.blocked, part.activities, part.exposed,
        )  # fmt: skip
        return part

    found = in_ranges(work, len(world.households.ident), world.threads, FEW_PEOPLE)
    parts = [part for _, part in found] or [nothing()]
    for part in parts[1:]:
        for total, counts in zip(parts[0], part, strict=True):
            total += counts
    return parts[0]


def stocks_of(world: World, census: Census) -> Stocks:
    """Stocks that other mechanisms read, from a census."""
    n = world.n_countries
    by_country = np.zeros((2, n, n, len(Status)), np.int64)
    sum_by_country(census.stocks, world.country, world.geography.is_camp, by_country)
    camps = by_country[1].sum(axis=(1, 2))
    abroad = by_country.copy()
    abroad[:, np.arange(n), np.arange(n)] = 0
    by_country = by_country.sum(axis=0)
    residents = census.stocks.sum(axis=(1, 2))
    settled = census.stocks.take([Status.citizen, Status.regular], axis=2).sum(axis=(1, 2))
    return Stocks(
        diaspora=by_country.sum(axis=2).T.copy(),
        residents=residents,
        newcomers=residents - settled,
        foreigners=np.asarray(abroad.sum(axis=(0, 2))),
        in_camps=np.asarray(abroad[1].sum(axis=1)),
        camps=np.asarray(camps),
    )


def count(world: World, segment: Segment) -> None:
    """Take the census at the end of a segment.

    Raises:
        LostPeopleError: Someone is in no state, or in two.
    """
    segment.census = take_census(world, segment.end)
    check_account(world, segment.census)
    if world.date(segment.end).day == 1:
        STOCKS.put(world, stocks_of(world, segment.census))


def check_account(world: World, census: Census) -> None:
    """Check that everyone alive is in exactly one state, and that births and deaths add up."""
    account = ACCOUNT.of(world)
    by_activity = census.activities.sum(axis=0)
    travelling, somewhere = int(by_activity[Activity.travelling]), int(census.stocks.sum())
    alive = account.start + account.born - account.died - account.dead
    found = census.activities.sum(axis=1)
    if (found != alive).any() or somewhere + travelling != alive.sum():
        raise LostPeopleError(
            f"{world.date()}: {somewhere} somewhere + {travelling} travelling of"
            f" {account.start.sum()} at the start + {account.born.sum()} born"
            f" - {account.died.sum()} natural deaths - {account.dead.sum()} deaths on the way"
        )
    households, plans = world.households, PLANS.of(world)
    people = world.n_people(plans.household)
    planned = np.bincount(households.activity[plans.household], people, len(by_activity))
    for one in (Activity.waiting, Activity.travelling, Activity.captive):
        if planned[one] != by_activity[one]:
            raise LostPeopleError(f"{world.date()}: somebody is {one.name} without a plan")


def stock_rows(_world: World, census: Census) -> Rows:
    """People by place, citizenship and status."""
    place, citizenship, status = where = where_nonzero(census.stocks)
    people = census.stocks[where]
    return {"place": place, "citizenship": citizenship, "status": status, "people": people}


def blocked_rows(_world: World, census: Census) -> Rows:
    """People who could not move, by the constraint that stopped them."""
    place, citizenship, by = where = where_nonzero(census.blocked)
    return {
        "place": place,
        "citizenship": citizenship,
        "answer": by + int(Answer.no_means),
        "households": census.blocked_households[where],
        "people": census.blocked[where],
    }


def account_rows(world: World, census: Census) -> Rows:
    """All people by citizenship, and by the one state that each is in."""
    account = ACCOUNT.of(world)
    activities = census.activities.copy()
    activities[:, Activity.dead] = account.died + account.dead
    citizenship, activity = np.nonzero(activities)
    people = activities[citizenship, activity]
    return {"citizenship": citizenship, "activity": activity, "people": people}


MECHANISM = Mechanism(
    "census",
    "counts people by place and status, and checks that no one is lost",
    states=(STOCKS, ACCOUNT),
    hooks=(Hook("count", 20, count),),
    tables=(
        Table(
            "stocks",
            "people by place, citizenship and status; people on the way are only in `account`",
            "last",
            (
                PLACE,
                CITIZENSHIP,
                STATUS,
                Column("people", "int", "people", "people there on that day"),
            ),
            stock_rows,
            absent=NOBODY,
        ),
        Table(
            "blocked",
            "people who would have moved in the last year but could not, and are still there",
            "last",
            (
                PLACE,
                CITIZENSHIP,
                ANSWER.named("answer", "no_means or no_permission"),
                Column("households", "int", "households", "blocked households", formerly="heads"),
                Column("people", "int", "people", "members of their households"),
            ),
            blocked_rows,
            absent=NOBODY,
        ),
        Table(
            "account",
            "all people by citizenship, each in one state; the rows of a day sum to everyone there "
            "at the start or born since",
            "last",
            (
                CITIZENSHIP,
                ACTIVITY,
                Column("people", "int", "people", "people in that state on that day"),
            ),
            account_rows,
            absent=NOBODY,
        ),
    ),
)
