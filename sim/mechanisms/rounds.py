"""Rounds: journeys go on, and who can decide again is asked again, until nobody sets off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.state import F64, I64
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


def begin(world: World, _stretch: Stretch) -> None:
    """Begin with the first round."""
    world.round = 0


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
    people, end = world.people, stretch.end
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
        world.round += 1
        order = np.argsort(heads, kind="stable")
        is_new = order < len(new)
        heads, since = heads[order], since[order]
        lives = people.activity[heads] <= Activity.waiting
        waits = people.activity[heads] == Activity.stranded
        asked = Asked(
            heads[lives].astype(np.uint32), since[lives], end - since[lives], is_new[lives]
        )
        once_more = [
            decide_all(world, stretch.excess, ask_listed(world, stretch.now, asked)),
            continue_stranded(world, heads[waits], since[waits], end),
        ]
        newcomers = nobody


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
        Hook("people", 10, begin),
        Hook("decisions", 20, send_admitted),
        Hook("decisions", 30, carry_on),
        Hook("states", 40, carry_on),
    ),
)
