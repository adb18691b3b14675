"""Rounds: journeys continue, and people who can decide again do so, until no one sets out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.state import F64, I64, Bool, Reasons
from sim.core.terms import Activity
from sim.mechanisms.admission import admit
from sim.mechanisms.asylum import receive
from sim.mechanisms.attempts import forget_returns
from sim.mechanisms.decide import Asked, ask_listed, decide_all
from sim.mechanisms.exposure import expose
from sim.mechanisms.harms import HARMS
from sim.mechanisms.journey import advance_parties, continue_stranded, regular_price, set_out
from sim.model.declare import Hook, Mechanism
from sim.model.substep import from_today

if TYPE_CHECKING:
    from sim.model.substep import Asking, SubStep
    from sim.model.world import World


def send_admitted(world: World, substep: SubStep) -> None:
    """Let admitted applicants set out once their wait is over."""
    admitted = admit(world, substep.end)
    if len(admitted["household"]):
        price = regular_price(world, admitted["household"], admitted["goal"], admitted["channel"])
        set_out(
            world, admitted["household"], admitted["goal"], admitted["channel"],
            admitted["companions"], price, Reasons(admitted["answer"], admitted["felt"]),
            admitted["ready"],
        )  # fmt: skip
        substep.once_more.append((admitted["household"], admitted["ready"]))
    substep.harms_before = HARMS.of(world).copy()


def continue_journeys(world: World, substep: SubStep) -> None:
    """Continue journeys; ask people again who can decide again.

    People who arrive, cannot go on, apply or send a member ahead are asked for the remainder of the
    sub-step, round by round, until no one sets out. So everyone is at risk for the whole sub-step,
    however long it is.
    """
    newcomers, once_more = substep.newcomers, substep.once_more
    nobody = from_today(world, np.empty(0, np.int64))
    substep.newcomers, substep.once_more = nobody, [nobody]
    while True:
        ended = advance_parties(world, substep)
        receive(world, ended.arrived)
        forget_returns(world)
        new, since = join(
            newcomers, *((at["household"], at["due"]) for at in (ended.arrived, ended.left_behind))
        )
        expose(world, new)
        again, day = latest(*join(*once_more))
        # An applicant may have been admitted, have left and have arrived within this sub-step.
        still = ~np.isin(again, new)
        houses, since = join((new, since), (again[still], day[still]))
        if not len(houses):
            return
        order = np.argsort(houses, kind="stable")
        houses, since, is_new = houses[order], since[order], order < len(new)
        once_more = ask_again(world, substep, (houses, since), is_new)
        newcomers = nobody


def ask_again(world: World, substep: SubStep, asking: Asking, is_new: Bool) -> list[Asking]:
    """Ask some households for the remainder of the sub-step.

    Args:
        world: The world.
        substep: The sub-step.
        asking: Households, ascending by row, and the day from which each is asked.
        is_new: [n] whether they have just arrived where they are, or just been stranded there.

    Returns:
        Households that decided but still live there, and those that decided but are still
        stranded.
    """
    houses, since = asking
    activity = world.households.activity[houses]
    lives, waits = activity <= Activity.waiting, activity == Activity.stranded
    until = np.full(int(lives.sum()), float(substep.end))
    asked = Asked(houses[lives].astype(np.uint32), since[lives], until, is_new[lives])
    return [
        decide_all(world, substep.excess, ask_listed(world, substep.now, asked)),
        continue_stranded(world, houses[waits], since[waits], substep.end),
    ]


def latest(houses: I64, since: F64) -> Asking:
    """Each household once, with its latest day: it may send several members ahead."""
    order = np.lexsort((since, houses))
    last = order[np.flatnonzero(np.diff(houses[order], append=-1))]
    return houses[last], since[last]


def join(*parts: Asking) -> Asking:
    """Concatenate the households and days of all parts."""
    houses, since = zip(*parts, strict=True)
    return np.concatenate(houses), np.concatenate(since)


MECHANISM = Mechanism(
    "rounds",
    "continues journeys, and asks people again who can decide again",
    hooks=(
        Hook("decisions", 20, send_admitted),
        Hook("decisions", 30, continue_journeys),
        Hook("states", 40, continue_journeys),
    ),
)
