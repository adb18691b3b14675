"""Rounds: journeys go on, and who can decide again is asked again, until nobody sets off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.state import F64, I64, Bool
from sim.core.terms import Activity
from sim.mechanisms.admission import admit
from sim.mechanisms.asylum import receive
from sim.mechanisms.attempts import forget_returns
from sim.mechanisms.decide import Asked, ask_listed, decide_all
from sim.mechanisms.exposure import expose
from sim.mechanisms.harms import HARMS
from sim.mechanisms.journey import advance_parties, continue_stranded, leave, regular_price
from sim.model.declare import Hook, Mechanism
from sim.model.stretch import from_today

if TYPE_CHECKING:
    from sim.model.stretch import Asking, Stretch
    from sim.model.world import World


def send_admitted(world: World, stretch: Stretch) -> None:
    """Send off those whose wait for a regular channel is over."""
    admitted = admit(world, stretch.end)
    if len(admitted["head"]):
        price = regular_price(world, admitted["head"], admitted["goal"], admitted["channel"])
        leave(
            world, admitted["head"], admitted["goal"], admitted["channel"],
            admitted["companions"], price, admitted["answer"], admitted["ready"],
        )  # fmt: skip
        stretch.once_more.append((admitted["head"], admitted["ready"]))
    stretch.harms_before = HARMS.of(world).copy()


def carry_on(world: World, stretch: Stretch) -> None:
    """Let journeys go on to the end of the stretch, and ask again who can be asked again.

    Who arrives, cannot go on, applies or sends somebody ahead is asked for what is left of the
    stretch, round by round, until nobody sets off: so nobody's time is lost, however long it is.
    """
    newcomers, once_more = stretch.newcomers, stretch.once_more
    nobody = from_today(world, np.empty(0, np.int64))
    stretch.newcomers, stretch.once_more = nobody, [nobody]
    while True:
        ended = advance_parties(world, stretch)
        receive(world, ended.arrived)
        forget_returns(world)
        new, since = join(
            newcomers, *((at["head"], at["due"]) for at in (ended.arrived, ended.left_behind))
        )
        expose(world, new)
        again, day = latest(*join(*once_more))
        # An applicant may have been admitted, have left and have arrived.
        still = ~np.isin(again, new)
        heads, since = join((new, since), (again[still], day[still]))
        if not len(heads):
            return
        order = np.argsort(heads, kind="stable")
        heads, since, is_new = heads[order], since[order], order < len(new)
        turn = turns(stretch, heads)
        once_more = []
        for t in np.unique(turn).tolist():
            mine = turn == t
            once_more += ask_again(world, stretch, (heads[mine], since[mine]), is_new[mine], t)
        stretch.asked_again = np.concatenate([stretch.asked_again, heads])
        newcomers = nobody


def ask_again(
    world: World, stretch: Stretch, asking: Asking, is_new: Bool, turn: int
) -> list[Asking]:
    """Ask some for what is left of the stretch.

    Args:
        world: The world.
        stretch: The stretch.
        asking: Who is asked, ascending by row, and from which day on.
        is_new: [n] whether they have come to live where they are, or cannot go on from there.
        turn: How often each was asked in this stretch before.

    Returns:
        Those who have decided and live there still, and those who are still stranded.
    """
    heads, since = asking
    lives = world.people.activity[heads] <= Activity.waiting
    waits = world.people.activity[heads] == Activity.stranded
    asked = Asked(
        heads[lives].astype(np.uint32), since[lives], stretch.end - since[lives], is_new[lives],
        turn,
    )  # fmt: skip
    return [
        decide_all(world, stretch.excess, ask_listed(world, stretch.now, asked)),
        continue_stranded(world, heads[waits], since[waits], stretch.end, turn),
    ]


def turns(stretch: Stretch, heads: I64) -> I64:
    """[n] how often heads were asked in this stretch before.

    The luck of a household is its own: it must neither hang on how often others are asked again,
    nor be met twice.
    """
    turn = np.where(np.isin(heads, stretch.away), 0, 1)
    rows, times = np.unique(stretch.asked_again, return_counts=True)
    if len(rows):
        at = np.minimum(np.searchsorted(rows, heads), len(rows) - 1)
        turn += np.where(rows[at] == heads, times[at], 0)
    return turn


def latest(heads: I64, since: F64) -> Asking:
    """Each head once, from the latest of its days: who sent one ahead may send another."""
    order = np.lexsort((since, heads))
    last = order[np.flatnonzero(np.diff(heads[order], append=-1))]
    return heads[last], since[last]


def join(*parts: Asking) -> Asking:
    """Those of all parts."""
    heads, since = zip(*parts, strict=True)
    return np.concatenate(heads), np.concatenate(since)


MECHANISM = Mechanism(
    "rounds",
    "lets journeys go on, and asks again who can decide again",
    hooks=(
        Hook("decisions", 20, send_admitted),
        Hook("decisions", 30, carry_on),
        Hook("states", 40, carry_on),
    ),
)
