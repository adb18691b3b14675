"""Moves from place to place: people who set out, and people who arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim.core.state import I64, MICRO, Moves
from sim.core.terms import Answer, Channel, Status
from sim.kernels.household import move_households, record_borders
from sim.mechanisms.expected import EXPECTED
from sim.mechanisms.history import record_moves
from sim.mechanisms.kin import send
from sim.model.columns import ANSWER, CHANNEL, CITIZENSHIP, PLACE, Column
from sim.model.declare import NONE_COUNTED, Counter, Mechanism, Rows, Table

if TYPE_CHECKING:
    from sim.model.world import Census, World


def no_moves(_world: World) -> list[Moves]:
    """Start a list of moves: few people move, so it is smaller than a table of all pairs."""
    return []


DEPARTED = Counter("departed", no_moves, "people who set out, by citizenship, route and answer")
ARRIVED = Counter("arrived", no_moves, "people who arrived, by citizenship, route and answer")


def move_at_once(
    world: World, houses: I64, goal: I64, channel: Channel, day: int, status: Status | None = None
) -> None:
    """Move households as residents to new places, without a journey, and count the moves.

    Args:
        world: The world.
        houses: [n] rows of households with a residence, without repeats.
        goal: [n] places.
        channel: How they come.
        day: Day of the move, counted from the start.
        status: Their legal status from then on; None: as before. With a right to stay, their
            relatives elsewhere have close family in that country from the next month on.
    """
    households, country = world.households, world.country
    origin = households.place[houses].astype(np.int64)
    n = len(houses)
    moves = Moves(
        country[households.home[houses]], origin, goal, np.full(n, int(channel)),
        np.full(n, int(Answer.necessity)), world.n_people(houses),
    )  # fmt: skip
    DEPARTED.of(world).append(moves)
    ARRIVED.of(world).append(moves)
    record_moves(world, houses, origin, goal)
    record_borders(households, country, houses, goal)
    new_status = -1 if status is None else int(status)
    move_households(households, houses, goal, new_status, np.full(n, day))
    if status in (Status.regular, Status.refugee):
        send(world, houses, country[goal], np.full(n, float(day)))


def flow_rows(world: World, _census: Census) -> Rows:
    """Moves by citizenship, origin, destination, channel and answer."""
    n, m = world.n_countries, len(world.country)
    shape = (n, m, m, len(Channel), 2)
    codes, sums = [], []
    for moves in (DEPARTED.of(world), ARRIVED.of(world)):
        parts = zip(*moves, strict=True) if moves else [[np.empty(0, np.int64)]] * 6
        columns = [np.concatenate(part) for part in parts]
        codes.append(np.ravel_multi_index(tuple(columns[:5]), shape).astype(np.int64))
        sums.append(columns[5])
    expected = EXPECTED.of(world)
    if expected is not None:
        codes.append(np.flatnonzero(expected.flows))
    found = np.unique(np.concatenate(codes))
    people = []
    for code, moved in zip(codes, sums, strict=False):
        total = np.zeros(len(found), np.int64)
        np.add.at(total, np.searchsorted(found, code), moved)
        people.append(total)
    axes = (np.asarray(axis, np.int64) for axis in np.unravel_index(found, shape))
    names = ("citizenship", "origin", "destination", "channel", "answer")
    rows: dict[str, Any] = dict(zip(names, axes, strict=True)) | {
        "departed": people[0],
        "arrived": people[1],
    }
    if expected is not None:
        rows["expected"] = expected.flows.reshape(-1)[found] / MICRO
    return rows


MECHANISM = Mechanism(
    "flows",
    "counts moves from place to place",
    counters=(DEPARTED, ARRIVED),
    tables=(
        Table(
            "flows",
            "moves from place to place",
            "first",
            (
                CITIZENSHIP,
                PLACE.named("origin", "place of departure", "origin_country"),
                PLACE.named("destination", "chosen destination", "destination_country"),
                CHANNEL,
                ANSWER.named("answer", "choice or necessity"),
                Column("departed", "int", "people", "people who set out"),
                Column("arrived", "int", "people", "people who arrived, whenever they set out"),
                Column(
                    "expected",
                    "float",
                    "people",
                    "expected number of people who decide to move, including by application",
                    optional=True,
                ),
            ),
            flow_rows,
            absent=NONE_COUNTED,
        ),
    ),
)
