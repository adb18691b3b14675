"""Households: they send a member ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.state import F64, I64, Claims, Orders, append
from sim.kernels.household import split_parties
from sim.mechanisms.asylum import CLAIMS
from sim.mechanisms.removal import ORDERS
from sim.model.declare import Mechanism

if TYPE_CHECKING:
    from sim.model.world import World


def send_ahead(world: World, houses: I64, companions: I64, price: F64) -> I64:
    """Let a member leave each household that does not go as a whole.

    The member's own household has the claim for asylum, or the order to leave, that the old one
    has.

    Args:
        world: The world.
        houses: [n] rows.
        companions: [n] `Companions`.
        price: [n] money per person.

    Returns:
        [n] rows of the households that go.
    """
    before = len(world.households.ident)
    new = world.add_households(int((companions > 0).sum()))
    leaving = np.empty(len(houses), np.int64)
    n = split_parties(
        world.households, world.persons, houses, companions, price, world.month(), new, leaving
    )
    if n < len(new):
        world.drop_households(before + n)
    apart = leaving != houses
    for table in (CLAIMS.of(world), ORDERS.of(world)):
        share(table, houses[apart], leaving[apart])
    return leaving


def share(table: Claims | Orders, houses: I64, new: I64) -> None:
    """Give new households the claim or order of those that they come from.

    Args:
        table: The claims or orders.
        houses: [n] old households.
        new: [n] new ones.
    """
    order = np.argsort(houses, kind="stable")
    first = np.searchsorted(houses[order], table.household, side="left")
    last = np.searchsorted(houses[order], table.household, side="right")
    rows = np.repeat(np.arange(len(table.household)), last - first)
    if not len(rows):
        return
    shift = np.arange(len(rows)) - np.repeat(np.cumsum(last - first) - (last - first), last - first)
    theirs = new[order[first[rows] + shift]]
    columns = {name: values[rows] for name, values in vars(table).items()}
    append(table, **columns | {"household": theirs})


MECHANISM = Mechanism("households", "lets households send a member ahead")
