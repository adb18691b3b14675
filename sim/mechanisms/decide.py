"""Asks every household whether it moves, and counts the five answers (section 4)."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sim.core.parallel import in_pieces
from sim.core.rng import Purpose, mixed_array, uniform_array
from sim.core.state import (
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
    U16,
    U32,
    Bool,
)
from sim.core.terms import Activity, Answer
from sim.kernels.choice import Conditions, Events, decide, expect
from sim.kernels.tally import attribute, count_households
from sim.kernels.travel import party_sizes, remember
from sim.mechanisms.choice import conditions
from sim.mechanisms.journey import depart, pick_goals

if TYPE_CHECKING:
    from sim.model.world import World


def current_conditions(world: World, want: F64, fear: F64) -> Conditions:
    """Conditions of this step from the averages over its days."""
    return conditions(
        world.scenario, want, fear, world.threats.state_fear(), world.bound, world.means.status,
        world.settling,
    )  # fmt: skip


class Asked(NamedTuple):
    """Heads, and the stretch of time for which each is asked."""

    heads: U32
    """[n] rows, ascending, each once."""
    first: F64
    """[n] day from which."""
    days: F64
    """[n]"""
    new: Bool
    """[n] whether it is the first time in this step that they answer where they live."""

    def part(self, first: int, last: int) -> Asked:
        """Those first to last."""
        return Asked(
            self.heads[first:last], self.first[first:last], self.days[first:last],
            self.new[first:last],
        )  # fmt: skip

    @property
    def middle(self) -> F64:
        """[n] day on which rates are taken."""
        return self.first + 0.5 * self.days

    @property
    def years(self) -> F64:
        """[n] length in years."""
        return self.days / DAYS_A_YEAR


class Answers(NamedTuple):
    """What heads have answered; rows are the answers that are not to stay, ascending by head."""

    events: Events
    """With the day of each."""
    first: F64
    """[m] day from which they were asked."""
    end: F64
    """[m] day up to which."""
    new: Bool
    """[m] whether it was the first time in this step that they answered where they live."""
    sums: Sums
    """Of all who were asked, whatever they answered."""


class Sums:
    """What pieces of the people add to, one piece at a time.

    Attributes:
        lock: Held while anything is added here, or to the world's expected answers.
        households: [cell] who were asked for the first time in this step where they live.
        persons: [cell] people in them.
    """

    def __init__(self, world: World) -> None:
        self.lock = Lock()
        self.households = np.zeros(world.cells.size, np.int64)
        self.persons = np.zeros(world.cells.size, np.int64)


def ask(
    world: World, now: Conditions, asked: Asked, sums: Sums, company: U16 | None = None
) -> Answers:
    """Put the question to some heads, and count them.

    Args:
        world: Its people's masks and means are those of the stretch.
        now: Conditions of the stretch.
        asked: Who is asked, and for how long.
        sums: Added to.
        company: [n] of their households, as `World.company_of` finds it, if that is known.
    """
    n = len(asked.heads)
    keys = np.array([world.key(Purpose.move), world.key(Purpose.label)])
    buffers = Events(
        np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n),
        np.empty(n), np.empty(n, np.bool_), np.empty(n), np.empty(n),
    )  # fmt: skip
    found = decide(
        world.people, asked.heads, 0, n, world.choices.land, now, world.means,
        world.choices.classes, keys, asked.middle, world.month(), asked.years, buffers,
    )  # fmt: skip
    columns: list[Any] = [column[:found].copy() for column in buffers]
    events = Events(*columns)
    at = np.searchsorted(asked.heads, events.head.astype(np.uint32))
    first, days, new = asked.first[at], asked.days[at], asked.new[at]
    rows = asked.heads if asked.new.all() else asked.heads[asked.new]
    if company is None or len(rows) < n:
        company = world.company_of(rows)
    with sums.lock:
        count_households(
            world.people, rows, company, world.country, world.month(), world.cells.strides,
            world.weight, sums.households, sums.persons,
        )  # fmt: skip
        if world.counts.expected is not None:
            add_expected(world, now, asked)
    events = events._replace(time=first + events.time * days)
    return Answers(events, first, first + days, new, sums)


def ask_listed(world: World, now: Conditions, asked: Asked) -> Answers:
    """Put the question to heads who are listed, however many."""
    sums = Sums(world)

    def put(first: int, last: int) -> Answers:
        return ask(world, now, asked.part(first, last), sums)

    return join_answers(in_pieces(put, len(asked.heads), world.threads) or [put(0, 0)])


def join_answers(parts: list[Answers]) -> Answers:
    """Answers of all parts, which share their sums; no head is in two."""
    columns: list[Any] = [np.concatenate(it) for it in zip(*(p.events for p in parts), strict=True)]
    first, end, new = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("first", "end", "new")
    )
    return Answers(Events(*columns), first, end, new, parts[0].sums)


def add_expected(world: World, now: Conditions, asked: Asked) -> None:
    """Add what is expected of heads to the world's expected answers, of which `stays` is a rest."""
    people, expected = world.people, world.counts.expected
    assert expected is not None
    cells = world.cells.of(people, world.country, asked.heads, world.month())
    expect(
        people, asked.heads, 0, len(cells), world.choices.land, now,
        world.choices.classes, asked.middle, world.month(), asked.years, cells, world.weight, MICRO,
        expected.answers, expected.years, expected.flows,
    )  # fmt: skip
    # `decide_all` adds those who are counted: who has answered in this step already is expected to
    # stay no second time.
    weight = world.weight[people.home[asked.heads]]
    np.add.at(expected.answers[:, Answer.stays], cells, -weight * MICRO)


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


def is_among(rows: I64 | U32, listed: I64 | U32) -> Bool:
    """[n] whether each row is one of those listed, ascending."""
    if not len(listed):
        return np.zeros(len(rows), np.bool_)
    at = np.minimum(np.searchsorted(listed, rows), len(listed) - 1)
    return np.asarray(listed[at] == rows)


def decide_all(world: World, excess: F64, answers: Answers) -> tuple[I64, F64]:
    """Count answers, mark the blocked, send movers off.

    Args:
        world: The world.
        excess: [place, threat] mean of b_k max(s_k - tol_k, 0) over the stretch.
        answers: Of those who were asked.

    Returns:
        ([m] rows of heads who have decided and live there still, since they applied or sent
        somebody ahead; [m] day on which they did).
    """
    people, counts = world.people, world.counts
    events, sums = answers.events, answers.sums
    n_asked, persons = sums.households, sums.persons
    refusals = draw_refusals(world, events, answers.first, answers.end)
    cells = world.cells.of(people, world.country, events.head, world.month())
    sizes = party_sizes(people, events.head)
    weight = world.weight[people.home[events.head]]

    # A household answers once a step, however many dated events cut the step in stretches; who
    # comes to live elsewhere answers there, too, and so does who has answered otherwise than by
    # staying and does so again, within this stretch or since the last.
    if world.first_stretch and world.round == 0:
        world.answered = events.head[:0]
    again = is_among(events.head, world.answered)
    world.answered = np.sort(np.concatenate([world.answered, events.head[~again]]))
    again &= ~answers.new
    np.add.at(n_asked, cells[again], weight[again])
    np.add.at(persons, cells[again], (weight * sizes)[again])
    if counts.expected is not None:
        counts.expected.answers[:, Answer.stays] += n_asked * MICRO
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
