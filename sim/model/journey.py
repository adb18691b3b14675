"""Departure, the way, and those who are stranded on it (section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.jit import FEW_MOVERS, in_ranges
from sim.kernels.choice import choose
from sim.kernels.travel import (
    ARRIVED,
    LEFT_BEHIND,
    ON_THE_WAY,
    party_sizes,
    remember,
    set_off,
    split_parties,
    travel,
)
from sim.model.admission import admission_class, apply, is_queued
from sim.model.attempts import count, note_ends, number
from sim.model.custody import held_days, separate
from sim.model.threats import felt_fear
from sim.rng import Purpose, key, uniform_array
from sim.state import (
    DAYS_A_YEAR,
    DIRECT,
    F64,
    I64,
    MOVED_ABROAD,
    MOVED_WITHIN,
    NONE,
    Moves,
    append,
    take,
)
from sim.terms import Activity, Answer, Channel, Harm, Hazard, Journey

if TYPE_CHECKING:
    from sim.world import World

REGULAR_DAYS = 2.0
"""Days of regular travel between countries (our assumption)."""


def pick_goals(world: World, heads: I64, hazards: I64) -> tuple[I64, I64, I64, F64]:
    """Where heads go, by which channel, with whom, at what price a person.

    Returns:
        ([n] destination or -1, [n] channel, [n] companions, [n] price).
    """
    n = len(heads)
    goal = np.full(n, -1, np.int64)
    channel, companions = np.zeros(n, np.int64), np.zeros(n, np.int64)
    price = np.zeros(n)
    people = world.people
    confined = world.threats.state_fear()[people.place[heads], people.mask[heads] >> 4]
    keys = np.array([world.key(Purpose.destination), world.key(Purpose.channel)])
    land, classes, month = world.choices.land, world.choices.classes, world.month()

    def work(first: int, last: int) -> None:
        mine = slice(first, last)
        choose(
            people, heads[mine], hazards[mine], land, confined[mine], classes, keys, month,
            goal[mine], channel[mine], companions[mine], price[mine],
        )  # fmt: skip

    in_ranges(work, n, world.threads, FEW_MOVERS)
    return goal, channel, companions, price


def depart(
    world: World, heads: I64, goal: I64, channel: I64, companions: I64, price: F64, answer: I64,
    when: F64,
) -> None:  # fmt: skip
    """Send parties off, or let them apply where the channel has a queue.

    Args:
        heads: [n] rows of the heads who decided.
        goal: [n] destination places.
        channel: [n] `Channel`.
        companions: [n] `Companions`.
        price: [n] money a person, for those who travel directly.
        answer: [n] choice or necessity.
        when: [n] day of departure, counted from the start.
    """
    going = goal >= 0
    queued = going & is_queued(world, heads, goal, channel)
    if queued.any():
        apply(
            world, heads[queued], goal[queued], channel[queued], companions[queued],
            answer[queued], when[queued],
        )  # fmt: skip
    now = going & ~queued
    if now.any():
        leave(
            world, heads[now], goal[now], channel[now], companions[now], price[now], answer[now],
            when[now],
        )  # fmt: skip


def regular_price(world: World, heads: I64, goal: I64, channel: I64) -> F64:
    """[n] fee and fare a person of those who travel by a regular channel, as of today."""
    people, land = world.people, world.choices.land
    kinds = admission_class(world, heads)
    fare = land.price[0, people.place[heads], goal, 0]
    return np.asarray(fare + land.fee[kinds, world.country[goal], channel])


def leave(
    world: World, heads: I64, goal: I64, channel: I64, companions: I64, price: F64, answer: I64,
    when: F64,
) -> None:  # fmt: skip
    """Send parties off on their way."""
    people = world.people
    leaders = np.empty(len(heads), np.int64)
    split_parties(people, heads, companions, price, world.month(), leaders)
    place = people.place[leaders].astype(np.int64)
    abroad = world.country[goal] != world.country[place]
    citizenship = world.country[people.home[leaders]]
    from_own = world.country[place] == citizenship
    severity = world.threats.severity[place]
    fear = felt_fear(severity, people.mask[leaders], world.weights_k, world.tolerable)
    grounds = from_own & abroad & (fear >= world.scenario.journey.grounds)
    on_legs = (channel == Channel.asylum) | (channel == Channel.irregular)
    # By corridors the fee is due at once, the price of each leg when it is entered.
    fee = world.choices.land.fee[
        admission_class(world, leaders), world.country[goal], np.where(on_legs, channel, 0)
    ]
    set_off(people, leaders, np.where(on_legs, fee, price), grounds, world.day)
    km = world.network.km[place, goal]
    days = np.where(abroad, REGULAR_DAYS, 1.0 + km / 300.0)
    sizes = party_sizes(people, leaders)
    moved = sizes * world.weight[people.home[leaders]]
    world.counts.departed.append(Moves(citizenship, place, goal, channel, answer, moved))
    by_legs = on_legs & abroad
    caravan = np.where(by_legs, world.choices.joined[place, world.country[goal]], NONE)
    np.add.at(world.setting_out, (place[by_legs], world.country[goal[by_legs]]), moved[by_legs])
    attempt = number(world, leaders)
    count(world, leaders[by_legs], caravan[by_legs], attempt[by_legs], Journey.departed)
    append(
        world.parties,
        head=leaders,
        goal=goal,
        origin=place,
        channel=channel,
        answer=answer,
        leg=np.where(on_legs, NONE, DIRECT),
        due=np.where(on_legs, when, when + days),
        began=np.floor(when).astype(np.int64),
        n_legs=np.zeros(len(leaders), np.int64),
        entered=np.where(
            world.rules.responsible[world.country[place]] & ~from_own, world.country[place], NONE
        ),
        caravan=caravan,
        attempt=attempt,
    )


def note_moves(world: World, heads: I64, origin: I64, goal: I64) -> None:
    """Note in the past of all who arrive that they moved, abroad or within a country.

    Args:
        world: The world.
        heads: [n] rows of the heads who arrive, once each.
        origin: [n] place left.
        goal: [n] place that was chosen.
    """
    abroad = world.country[origin] != world.country[goal]
    remember(world.people, heads, np.where(abroad, MOVED_ABROAD, MOVED_WITHIN))


def continue_stranded(world: World, heads: I64, since: F64, end: int) -> tuple[I64, F64]:
    """Let the stranded decide anew: go on, claim here, settle, return, or wait on.

    They do so at a rate of one over `wait_stranded` a year, as people in flight do.

    Args:
        world: The world.
        heads: [n] rows of heads who are stranded.
        since: [n] day from which they are asked.
        end: Day up to which they are.

    Returns:
        ([m] rows of heads who have decided and are there still, since they applied or sent
        somebody ahead; [m] day on which they did).
    """
    pid = world.people.pid[heads]
    days = DAYS_A_YEAR * world.scenario.journey.wait_stranded
    draw = -np.log1p(-uniform_array(world.key(Purpose.stranded), pid))
    when = since + draw * days
    ready = when < end
    heads, when = heads[ready], when[ready]
    hazards = np.full(len(heads), int(Hazard.flight), np.int64)
    goal, channel, companions, price = pick_goals(world, heads, hazards)
    answer = np.full(len(heads), int(Answer.necessity), np.int64)
    depart(world, heads, goal, channel, companions, price, answer, when)
    activity = world.people.activity[heads]
    here = (goal >= 0) & ((activity <= Activity.waiting) | (activity == Activity.stranded))
    return heads[here], when[here]


def best_ways(world: World) -> tuple[I64, F64, F64]:
    """What corridors into another country ask for, by the cheapest route option usable today.

    Returns:
        ([n] corridor, [n] money a person, [n] probability to be intercepted).
    """
    legs, way = world.network.legs, world.choices.way
    usable = np.flatnonzero(legs.crosses & way.usable)
    order = usable[np.lexsort((way.price[usable], legs.corridor[usable]))]
    corridor, first = np.unique(legs.corridor[order], return_index=True)
    return corridor, way.price[order[first]], way.intercepted[order[first]]


class Ended(NamedTuple):
    """Parties whose journey is over."""

    arrived: dict[str, NDArray[Any]]
    """Columns of those at their goal: head, goal, origin, channel, answer, due, entered."""
    left_behind: dict[str, NDArray[Any]]
    """Columns of those who cannot go on: head, due."""


def advance_parties(world: World, end: int) -> Ended:
    """Move everybody who is on the way; count harms.

    Returns:
        Those whose journey has ended.
    """
    parties = world.parties
    n = len(parties.head)
    fate = np.empty(n, np.int64)
    counts = world.counts
    deaths_before = int(counts.harms[:, :, Harm.death].sum())
    # Draws on the way are keyed by journey and leg, not by step.
    keys = np.array(
        [
            key(world.seed, p)
            for p in (
                Purpose.leg, Purpose.death, Purpose.violence, Purpose.kidnapping,
                Purpose.extortion, Purpose.interception, Purpose.detention, Purpose.prosecution,
            )
        ]
    )  # fmt: skip
    stranded = np.zeros((len(world.country), counts.harms.shape[1]), np.int64)
    n_corridors = len(world.scenario.corridors)
    held = np.zeros((len(world.choices.way.custody.days), n_corridors), np.int64)
    taken = np.empty(n, np.int64)
    ways = [(world.network.legs, world.choices.way), *world.choices.caravans]
    for caravan in np.unique(parties.caravan):
        # Draws go by party, and counts are sums of whole numbers: groups may go one by one.
        mine = np.flatnonzero(parties.caravan == caravan)
        columns = (
            parties.head[mine], parties.goal[mine], parties.leg[mine], parties.due[mine],
            parties.began[mine], parties.n_legs[mine], parties.entered[mine],
        )  # fmt: skip
        its_fate, its_children = np.empty(len(mine), np.int64), np.empty(len(mine), np.int64)
        legs, way = ways[caravan + 1]
        travel(
            world.people, columns, legs, way, world.country, world.weight, keys, float(end),
            world.month(), its_fate, counts.harms, counts.caught, counts.money, counts.bribes,
            stranded, counts.crossings, held, its_children,
        )  # fmt: skip
        parties.head[mine], _, parties.leg[mine], parties.due[mine] = columns[:4]
        parties.n_legs[mine], parties.entered[mine] = columns[5:]
        fate[mine], taken[mine] = its_fate, its_children
    world.held_days += held_days(world, held)
    separate(world, parties.head[taken >= 0], taken[taken >= 0])
    np.add.at(counts.harms[:, :, Harm.stranding], n_corridors + world.country, stranded)
    world.dead += int(counts.harms[:, :, Harm.death].sum()) - deaths_before
    names = ("head", "goal", "origin", "channel", "answer", "due", "entered")
    ended = Ended(
        {name: getattr(parties, name)[fate == ARRIVED] for name in names},
        {name: getattr(parties, name)[fate == LEFT_BEHIND] for name in ("head", "due")},
    )
    note_ends(world, fate)
    take(parties, fate == ON_THE_WAY)
    return ended


def step_years(days: int) -> float:
    """Length of a span of days in years."""
    return days / DAYS_A_YEAR
