"""Asks every household whether it moves, and counts the five answers (section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sim.jit import FEW_PEOPLE, in_pieces, in_ranges
from sim.kernels.choice import Conditions, Events, decide, expect
from sim.kernels.tally import attribute, count_households
from sim.kernels.travel import party_sizes, remember
from sim.model.choice import conditions
from sim.model.journey import depart, pick_goals
from sim.rng import Purpose, mixed_array, uniform_array
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
    U32,
    Bool,
)
from sim.terms import Activity, Answer

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

    def part(self, first: int, last: int) -> Asked:
        """Those of the heads first to last."""
        return Asked(self.first[first:last], self.days[first:last])

    def of(self, at: I64) -> Asked:
        """Those of the heads at some positions."""
        return Asked(self.first[at], self.days[at])

    @property
    def middle(self) -> F64:
        """[n] day on which rates are taken."""
        return self.first + 0.5 * self.days

    @property
    def years(self) -> F64:
        """[n] length in years."""
        return self.days / DAYS_A_YEAR


class AskedAlike(NamedTuple):
    """The same stretch of time for everybody, but for those who leave before it ends."""

    first: float
    """Day from which all are asked."""
    end: float
    """Day until which they are."""
    leaving: I64
    """[m] positions among the heads of those who leave, ascending."""
    until: F64
    """[m] day until which these are asked."""

    def part(self, first: int, last: int) -> Asked:
        """Those of the heads first to last; nothing is laid out for all of them at once."""
        days = np.full(last - first, self.end - self.first)
        a, b = np.searchsorted(self.leaving, (first, last))
        days[self.leaving[a:b] - first] = self.until[a:b] - self.first
        return Asked(np.full(last - first, self.first), days)

    def of(self, at: I64) -> Asked:
        """Those of the heads at some positions, ascending."""
        days = np.full(len(at), self.end - self.first)
        mine = np.flatnonzero(is_among(at, self.leaving))
        days[mine] = self.until[np.searchsorted(self.leaving, at[mine])] - self.first
        return Asked(np.full(len(at), self.first), days)


def draw_events(
    world: World, now: Conditions, heads: U32 | I64, asked: Asked | AskedAlike
) -> tuple[Events, Refusals]:
    """Give heads, listed by row, an answer; return those that are not `stays`, with their day."""
    events = ask(world, now, heads, asked)
    their = asked.of(np.searchsorted(heads, events.head.astype(heads.dtype)))
    events = events._replace(time=their.first + events.time * their.days)
    return events, draw_refusals(world, events, their.first, their.first + their.days)


class Refusals(NamedTuple):
    """How often households are told no, by means (0) and by permission (1)."""

    times: I64
    """[n, 2]"""
    by: I64
    """[n] which of the two came last."""
    last: F64
    """[n] day of the last, counted from the start."""


def draw_refusals(world: World, events: Events, first: F64, end: F64) -> Refusals:
    """How often households are told no in the time that they are asked for.

    No comes at its rate, R_MP - R, until they move: as often in a month as in its days. Whose
    answer is a no has been told so once; movers may have been before they moved.

    Args:
        world: The world.
        events: Answers that are not to stay, with their day.
        first: [n] day from which each is asked.
        end: [n] day up to which each is asked.
    """
    moves = events.answer <= Answer.necessity
    begin = np.where(moves, first, events.time)
    days = np.where(moves, events.time, end) - begin
    times = np.zeros((len(days), 2), np.int64)
    when = np.full((len(days), 2), -np.inf)
    who = world.people.pid[events.head]
    for by, share in enumerate((events.lacking, 1.0 - events.lacking)):
        u, v = (
            uniform_array(world.key(Purpose.refused), mixed_array(who + np.uint64(2 * by + i)))
            for i in range(2)
        )
        n = times[:, by] = poisson(u, events.refused * share * days / DAYS_A_YEAR)
        # The last of n that fall anywhere.
        when[:, by] = np.where(n > 0, begin + days * v ** (1.0 / np.maximum(n, 1)), -np.inf)
        told = events.answer == Answer.no_means + by
        times[told, by] += 1
        when[told, by] = np.maximum(when[told, by], events.time[told])
    return Refusals(times, when.argmax(axis=1), when.max(axis=1))


def poisson(u: F64, mean: F64) -> I64:
    """[n] Poisson deviates of uniforms, by inversion; means beyond 500 count as 500."""
    mean = np.minimum(mean, 500.0)
    term = np.exp(-mean)
    below = term.copy()
    n = np.zeros(len(u), np.int64)
    while (more := (u > below) & (term > 0.0)).any():
        n[more] += 1
        term = np.where(more, term * mean / np.maximum(n, 1), term)
        below = np.where(more, below + term, below)
    return n


def ask(world: World, now: Conditions, heads: U32 | I64, asked: Asked | AskedAlike) -> Events:
    """Give heads an answer for the stretch of time of each."""
    heads = np.asarray(heads, np.uint32)
    keys = np.array([world.key(Purpose.move), world.key(Purpose.label)])
    month = world.month()

    def work(first: int, last: int) -> Events:
        mine = asked.part(first, last)
        n = last - first
        buffers = Events(
            np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n),
            np.empty(n), np.empty(n, np.bool_), np.empty(n), np.empty(n),
        )  # fmt: skip
        found = decide(
            world.people, heads[first:last], 0, n, world.choices.land, now, world.means,
            world.choices.classes, keys, mine.middle, month, mine.years, buffers,
        )  # fmt: skip
        kept: list[Any] = [column[:found].copy() for column in buffers]
        return Events(*kept)

    parts = in_pieces(work, len(heads), world.threads) or [work(0, 0)]
    joined: list[Any] = [np.concatenate(columns) for columns in zip(*parts, strict=True)]
    return Events(*joined)


def is_among(rows: I64, listed: I64) -> Bool:
    """[n] whether each row is one of those listed, ascending."""
    if not len(listed):
        return np.zeros(len(rows), np.bool_)
    at = np.minimum(np.searchsorted(listed, rows), len(listed) - 1)
    return np.asarray(listed[at] == rows)


def count_answering(world: World, heads: U32 | I64, n_asked: I64, persons: I64) -> None:
    """Add households and their members by cell."""
    company, heads = world.company_of(heads), np.asarray(heads, np.uint32)

    def work(first: int, last: int) -> tuple[I64, I64]:
        parts = np.zeros_like(n_asked), np.zeros_like(persons)
        count_households(
            world.people, heads, company, first, last, world.country, world.month(),
            world.cells.strides, world.weight, *parts,
        )  # fmt: skip
        return parts

    for _, parts in in_ranges(work, len(heads), world.threads, FEW_PEOPLE):
        n_asked += parts[0]
        persons += parts[1]


def decide_all(
    world: World,
    now: Conditions,
    excess: F64,
    heads: U32 | I64,
    asked: Asked | AskedAlike,
    new: Bool,
) -> tuple[I64, F64]:
    """Ask households, count the answers, mark the blocked, send movers off.

    Args:
        world: The world.
        now: Conditions of the stretch.
        excess: [place, threat] mean of b_k max(s_k - tol_k, 0) over the stretch.
        heads: [n] rows of the heads who are asked, once each, ascending.
        asked: [n] time for which each is asked.
        new: [n] whether it is the first time in this step that they answer where they live.

    Returns:
        ([m] rows of heads who have decided and live there still, since they applied or sent
        somebody ahead; [m] day on which they did).
    """
    people, counts = world.people, world.counts
    events, refusals = draw_events(world, now, heads, asked)
    month = world.month()
    cells = world.cells.of(people, world.country, events.head, month)
    sizes = party_sizes(people, events.head)
    weight = world.weight[people.home[events.head]]

    if counts.expected is not None:
        everyone = world.cells.of(people, world.country, heads, month)
        times = asked.part(0, len(heads))
        expect(
            people, heads, 0, len(everyone), world.choices.land, now,
            world.choices.classes, times.middle, month, times.years, everyone, world.weight, MICRO,
            counts.expected.answers, counts.expected.years, counts.expected.flows,
        )  # fmt: skip
    n_asked, persons = np.zeros(world.cells.size, np.int64), np.zeros(world.cells.size, np.int64)
    # A household answers once a step, however many dated events cut the step in stretches; who
    # comes to live elsewhere answers there, too, and so does who has answered otherwise than by
    # staying and does so again, within this stretch or since the last.
    if world.first_stretch and world.round == 0:
        world.answered = events.head[:0]
    again = is_among(events.head, world.answered)
    world.answered = np.sort(np.concatenate([world.answered, events.head[~again]]))
    if new.all():
        again[:] = False
        count_answering(world, heads, n_asked, persons)
    else:
        again &= ~new[np.searchsorted(heads, events.head.astype(heads.dtype))]
        count_answering(world, heads[new], n_asked, persons)
    np.add.at(n_asked, cells[again], weight[again])
    np.add.at(persons, cells[again], (weight * sizes)[again])
    if counts.expected is not None:
        # Who has answered in this step already is expected to stay no second time.
        asked_now = np.zeros_like(n_asked)
        np.add.at(asked_now, everyone, world.weight[people.home[heads]])
        counts.expected.answers[:, Answer.stays] += (n_asked - asked_now) * MICRO
    moving = events.answer <= Answer.necessity
    further = refusals.times.sum(axis=1) + moving - 1
    np.add.at(n_asked, cells, further * weight)
    np.add.at(persons, cells, further * weight * sizes)
    n_heads, n_people = np.zeros_like(counts.heads), np.zeros_like(counts.people)
    np.add.at(n_heads, (cells[moving], events.answer[moving]), weight[moving])
    for kind, answer in enumerate((Answer.no_means, Answer.no_permission)):
        np.add.at(n_heads[:, answer], cells, refusals.times[:, kind] * weight)
        np.add.at(n_people[:, answer], cells, refusals.times[:, kind] * weight * sizes)

    movers = events.head[moving]
    goal, channel, companions, price = pick_goals(world, movers, events.hazard[moving])
    # A mover of one is a household of one, or a pioneer, or a child alone.
    party = sizes.copy()
    party[moving] = np.where(companions > 0, 1, sizes[moving])
    np.add.at(n_people, (cells[moving], events.answer[moving]), (party * weight)[moving])
    n_heads[:, Answer.stays] += n_asked - n_heads.sum(axis=1)
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

    told = refusals.times > 0
    blocked = told.any(axis=1)
    rows = events.head[blocked]
    by = np.where(refusals.by[blocked] == 1, BLOCKED_PERMISSION, 0)
    people.flags[rows] = people.flags[rows] & PAST | HEAD | BLOCKED | by
    remember(people, rows, (told @ np.array([EVER_NO_MEANS, EVER_NO_PERMISSION]))[blocked])
    people.blocked_on[rows] = np.floor(refusals.last[blocked])

    depart(
        world, movers, goal, channel, companions, price, events.answer[moving], events.time[moving]
    )
    here = (goal >= 0) & (people.activity[movers] <= Activity.waiting)
    return movers[here], events.time[moving][here]
