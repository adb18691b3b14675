"""Regular channels: apply, queue under a quota, wait, travel (section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sim.core.rng import Draw, key_of, uniform_array
from sim.core.state import F64, I64, Applications, Bool, Reasons, append, take
from sim.core.terms import N_SLOTS, Activity, Channel
from sim.kernels.admission import admit_by_lottery
from sim.mechanisms.policy import RULES, admission_class
from sim.model.declare import Hook, Mechanism, State

if TYPE_CHECKING:
    from sim.model.substep import SubStep
    from sim.model.world import World

LOTTERY = Draw("lottery", 24)
APPLICATIONS = State("applications", lambda _: Applications())
QUOTA_LEFT = State("quota_left", lambda world: np.zeros((world.n_countries, N_SLOTS)))
"""[country, slot] admissions that the quota allows and that are still unused."""

LAPSE_DAYS = 730
"""An application that is not admitted within two years lapses (our assumption)."""


def is_queued(world: World, houses: I64, goal: I64, channel: I64) -> Bool:
    """[n] whether the channel into the destination has a queue or a waiting time."""
    regular = channel < Channel.asylum
    slot = np.where(regular, channel, 0)
    country, rules = world.country[goal], RULES.of(world)
    waits = rules.wait[admission_class(world, houses), country, slot] > 0
    return np.asarray(regular & (waits | np.isfinite(rules.quota[country, slot])))


def submit(
    world: World, houses: I64, goal: I64, channel: I64, companions: I64, reasons: Reasons, when: F64
) -> None:
    """File applications; the household waits where it lives."""
    world.households.activity[houses] = Activity.waiting
    # A household that applies again gives up its earlier application.
    queue = APPLICATIONS.of(world)
    take(queue, ~np.isin(queue.household, houses))
    append(
        queue,
        household=houses,
        goal=goal,
        channel=channel,
        companions=companions,
        **reasons._asdict(),
        applied=when,
        ready=np.full(len(houses), np.inf),
    )


def applicants(world: World) -> I64:
    """[application] people it covers: the whole household, or the one member sent ahead."""
    queue, households = APPLICATIONS.of(world), world.households
    sizes = np.where(queue.companions > 0, 1, households.size[queue.household])
    return sizes * households.weight[queue.household].astype(np.int64)


def admit(world: World, end: int) -> dict[str, NDArray[Any]]:
    """Admit applicants by lottery under the quotas; return those whose wait is over.

    The lottery uses hashed ids, so row order does not matter. A quota carries over the fraction
    of a household that did not fit, but otherwise unused places are lost.

    Returns:
        Columns (household, goal, channel, companions, answer, felt, ready) of those who may travel
        now.
    """
    withdraw(world)
    queue, households, rules = APPLICATIONS.of(world), world.households, RULES.of(world)
    quota_left = QUOTA_LEFT.of(world)
    lapsed = np.isinf(queue.ready) & (end - queue.applied > LAPSE_DAYS)
    if lapsed.any():
        households.activity[queue.household[lapsed]] = Activity.resident
        take(queue, ~lapsed)
    n_people = applicants(world)
    country = world.country[queue.goal]
    # A lottery number is kept for a calendar year. If it were drawn anew at every step, small
    # households would be favoured, because they fit more easily, and most so with short steps.
    who = households.ident[queue.household]
    lottery = uniform_array(key_of(world.seed, LOTTERY, world.date().year), who)
    kinds = admission_class(world, queue.household)
    for c, s in sorted(set(zip(country.tolist(), queue.channel.tolist(), strict=True))):
        # A closed channel admits no pending applicants; they stay queued in case it reopens.
        pending = np.flatnonzero(
            (country == c) & (queue.channel == s) & np.isinf(queue.ready) & rules.open[kinds, c, s]
        )
        if not len(pending):
            continue
        begin = queue.applied[pending]
        if np.isfinite(rules.quota[c, s]):
            pending = pending[np.argsort(lottery[pending], kind="stable")]
            begin = np.empty(len(pending))
            quota_left[c, s] = admit_by_lottery(
                queue.applied[pending], n_people[pending], rules.quota[c, s],
                quota_left[c, s], world.day, end, begin,
            )  # fmt: skip
        months = rules.wait[kinds[pending], c, s]
        queue.ready[pending] = np.maximum(begin, float(world.day)) + months * 30.4375
    ready = queue.ready <= end
    result = {
        name: getattr(queue, name)[ready]
        for name in ("household", "goal", "channel", "companions", "answer", "felt", "ready")
    }
    take(queue, ~ready)
    # Household members who stay behind when a pioneer or a child leaves are no longer waiting.
    households.activity[result["household"]] = Activity.resident
    return result


def withdraw(world: World) -> None:
    """Drop the applications of people who have since fled, moved or died."""
    queue = APPLICATIONS.of(world)
    take(queue, world.households.activity[queue.household] == Activity.waiting)


def withdraw_movers(world: World, _substep: SubStep) -> None:
    """Drop the applications of people who moved or died in this sub-step."""
    withdraw(world)


MECHANISM = Mechanism(
    "admission",
    "queues applicants for regular channels, and admits them",
    states=(APPLICATIONS, QUOTA_LEFT),
    draws=(LOTTERY,),
    hooks=(Hook("states", 50, withdraw_movers),),
)
