"""Asks every household whether it moves, and counts the five answers (section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.jit import in_ranges
from sim.kernels.choice import Conditions, Events, decide, expect
from sim.kernels.tally import attribute, count_households
from sim.kernels.travel import party_sizes, remember
from sim.model.choice import conditions
from sim.model.journey import depart, owed_days, pick_goals
from sim.rng import Purpose
from sim.state import (
    BLOCKED,
    BLOCKED_PERMISSION,
    DAYS_A_YEAR,
    EVER_NO_MEANS,
    EVER_NO_PERMISSION,
    F64,
    HEAD,
    I64,
    MICRO,
    PAST,
)
from sim.terms import Answer

if TYPE_CHECKING:
    from sim.world import World


def current_conditions(world: World, want: F64, fear: F64) -> Conditions:
    """Conditions of this step from the averages over its days."""
    return conditions(
        world.scenario, want, fear, world.threats.state_fear(), world.bound, world.means.status,
        world.settling,
    )  # fmt: skip


class Asked(NamedTuple):
    """The stretch of time for which each head is asked."""

    first: F64
    """[n] day from which."""
    days: F64
    """[n]"""

    @property
    def middle(self) -> F64:
        """[n] day on which rates are taken."""
        return self.first + 0.5 * self.days

    @property
    def years(self) -> F64:
        """[n] length in years."""
        return self.days / DAYS_A_YEAR


def who_is_asked(world: World, heads: I64, end: int) -> Asked:
    """Stretches of time that heads are asked for.

    Most are asked for the time from today on; who has come to live where they are since the last
    time, for the days since then, too: else fewer would move on, the longer the step is.
    """
    late = owed_days(world, heads)
    return Asked(world.day - late, end - world.day + late)


def draw_events(world: World, now: Conditions, end: int) -> Events:
    """Give every deciding head an answer; return those that are not `stays`, with their day."""
    events = ask(world, now, world.deciding, who_is_asked(world, world.deciding, end))
    asked = who_is_asked(world, events.head, end)
    day = np.maximum(asked.first + events.time * asked.days, float(world.day))
    return events._replace(time=day)


def ask(world: World, now: Conditions, heads: I64, asked: Asked) -> Events:
    """Give heads an answer for the stretch of time of each."""
    n = len(heads)
    buffers = Events(
        np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n),
        np.empty(n), np.empty(n, np.bool_),
    )  # fmt: skip
    keys = np.array([world.key(Purpose.move), world.key(Purpose.label)])
    middle, years = asked.middle, asked.years

    def work(first: int, last: int) -> int:
        found: int = decide(
            world.people, heads, first, last, world.choices.land, now, world.means,
            world.choices.classes, keys, middle, world.month(), years, buffers,
        )  # fmt: skip
        return found

    found = in_ranges(work, n, world.threads)
    kept = np.concatenate([np.arange(a, a + k) for a, k in found] or [np.empty(0, np.int64)])
    return Events(*(column[kept] for column in buffers))


def decide_all(world: World, now: Conditions, excess: F64, end: int) -> None:
    """Ask everybody, count the answers, mark the blocked, send movers off.

    Args:
        now: Conditions of the step.
        excess: [place, threat] mean of b_k max(s_k - tol_k, 0) over the step.
        end: Day on which the step ends.
    """
    people, counts = world.people, world.counts
    events = draw_events(world, now, end)
    month = world.month()
    cells = world.cells.of(people, world.country, events.head, month)
    sizes = party_sizes(people, events.head)
    weight = world.weight[people.home[events.head]]

    everyone = world.cells.of(people, world.country, world.deciding, month)
    if counts.expected is not None:
        asked = who_is_asked(world, world.deciding, end)
        expect(
            people, world.deciding, 0, len(everyone), world.choices.land, now,
            world.choices.classes, asked.middle, month, asked.years, everyone, world.weight, MICRO,
            counts.expected.answers, counts.expected.years, counts.expected.flows,
        )  # fmt: skip
    heads, persons = np.zeros(world.cells.size, np.int64), np.zeros(world.cells.size, np.int64)
    # A household answers once a step, however many dated events cut the step in stretches; who
    # came to live elsewhere in the last stretch answers there, too, and so does who has answered
    # otherwise than by staying and does so again.
    if world.first_stretch:
        world.answered = events.head[:0]
    again = np.isin(events.head, world.answered)
    world.answered = np.union1d(world.answered, events.head)
    first, first_cells = world.deciding, everyone
    if not world.first_stretch:
        new = people.moved[first] >= world.asked
        first, first_cells = first[new], first_cells[new]
    count_households(people, first, first_cells, world.weight, heads, persons)
    again &= ~np.isin(events.head, first)
    count_households(people, events.head[again], cells[again], world.weight, heads, persons)
    if counts.expected is not None:
        # Who has answered in this step already is expected to stay no second time.
        asked_now = np.zeros_like(heads)
        np.add.at(asked_now, everyone, world.weight[people.home[world.deciding]])
        counts.expected.answers[:, Answer.stays] += (heads - asked_now) * MICRO
    n_heads, n_people = np.zeros_like(counts.heads), np.zeros_like(counts.people)
    np.add.at(n_heads, (cells, events.answer), weight)

    moving = events.answer <= Answer.necessity
    movers = events.head[moving]
    goal, channel, companions, price = pick_goals(world, movers, events.hazard[moving])
    # A mover of one is a household of one, or a pioneer, or a child alone.
    party = sizes.copy()
    party[moving] = np.where(companions > 0, 1, sizes[moving])
    np.add.at(n_people, (cells, events.answer), party * weight)
    n_heads[:, Answer.stays] += heads - n_heads.sum(axis=1)
    n_people[:, Answer.stays] += persons - n_people.sum(axis=1)
    counts.heads += n_heads
    counts.people += n_people
    np.add.at(
        counts.trapped,
        (cells[events.trapped], events.answer[events.trapped]),
        weight[events.trapped],
    )

    forced = events.answer == Answer.necessity
    attribute(
        people, events.head[forced], cells[forced], (party * weight)[forced],
        events.flight[forced], excess, counts.attribution,
    )  # fmt: skip

    blocked = events.answer >= Answer.no_means
    rows = events.head[blocked]
    by_permission = events.answer[blocked] == Answer.no_permission
    by = np.where(by_permission, BLOCKED_PERMISSION, 0)
    people.flags[rows] = people.flags[rows] & PAST | HEAD | BLOCKED | by
    remember(people, rows, np.where(by_permission, EVER_NO_PERMISSION, EVER_NO_MEANS))
    people.blocked_on[rows] = np.floor(events.time[blocked])

    depart(
        world, movers, goal, channel, companions, price, events.answer[moving], events.time[moving]
    )
