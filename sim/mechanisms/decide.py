"""Draws every household's decision to move or stay, and counts the five answers (section 4)."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sim.core.parallel import in_pieces
from sim.core.rng import Draw, mixed_array, uniform_array
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
    Reasons,
)
from sim.core.terms import N_THREATS, Activity, Answer
from sim.kernels.choice import Conditions, Events, decide, expect
from sim.kernels.tally import attribute, count_households
from sim.kernels.travel import party_sizes, remember
from sim.mechanisms.admission import APPLICATIONS, withdraw
from sim.mechanisms.choice import CHOICES, conditions
from sim.mechanisms.expected import EXPECTED
from sim.mechanisms.exposure import update_all_households, update_households
from sim.mechanisms.journey import PARTIES, continue_stranded, depart, pick_goals
from sim.mechanisms.livelihood import DUE, MEANS
from sim.mechanisms.policy import CLASSES
from sim.mechanisms.settling import SETTLING
from sim.mechanisms.threats import THREATS
from sim.model.columns import ANSWER, THREAT, Column
from sim.model.declare import NONE_COUNTED, Counter, Hook, Mechanism, Rows, State, Table
from sim.model.stretch import from_today

if TYPE_CHECKING:
    from sim.model.stretch import Stretch
    from sim.model.world import Census, World

MOVE = Draw("move", 20)
LABEL = Draw("label", 21)
REFUSED = Draw("refused", 48)


def by_answer(world: World) -> I64:
    """Start counting answers by cell."""
    return np.zeros((world.cells.size, len(Answer)), np.int64)


def by_threat(world: World) -> I64:
    """Start counting threats by cell."""
    return np.zeros((world.cells.size, N_THREATS), np.int64)


HOUSEHOLDS = Counter("heads", by_answer, "[cell, answer] households")
PERSONS = Counter("people", by_answer, "[cell, answer] people who move, or household members")
TRAPPED = Counter("trapped", by_answer, "[cell, answer] households that insecurity itself traps")
ATTRIBUTION = Counter("attribution", by_threat, "[cell, threat] in 1 / MICRO people")
ANSWERED: State[I64] = State("answered", lambda _: np.empty(0, np.int64))
"""Rows of heads who gave an answer other than `stays` in this step."""


def current_conditions(world: World, felt: tuple[F64, F64]) -> Conditions:
    """Factors that set the rates of households.

    Args:
        world: The world.
        felt: Effects of threats on the rates, averaged over the days of the stretch.
    """
    return conditions(
        world.scenario, *felt, THREATS.of(world).state_fear(), CHOICES.of(world).bound,
        MEANS.of(world).status, SETTLING.of(world),
    )  # fmt: skip


class Asked(NamedTuple):
    """Heads, and the time span for which each decides."""

    heads: U32
    """[n] rows, ascending, each once."""
    first: F64
    """[n] first day of the span."""
    days: F64
    """[n] length of the span."""
    new: Bool
    """[n] whether this is their first answer at this place of residence in this step."""
    turn: int = 0
    """How often each of them was asked before in this stretch."""

    def part(self, first: int, last: int) -> Asked:
        """Rows first to last (excluded)."""
        return Asked(
            self.heads[first:last], self.first[first:last], self.days[first:last],
            self.new[first:last], self.turn,
        )  # fmt: skip

    @property
    def middle(self) -> F64:
        """[n] day at which rates are evaluated."""
        return self.first + 0.5 * self.days

    @property
    def years(self) -> F64:
        """[n] length in years."""
        return self.days / DAYS_A_YEAR


class Answers(NamedTuple):
    """Answers of heads: one row for each answer other than `stays`, ascending by head."""

    events: Events
    """The answers, with the day of each."""
    first: F64
    """[m] first day of the span for which they were asked."""
    end: F64
    """[m] end of the span."""
    new: Bool
    """[m] whether this was their first answer at this place of residence in this step."""
    sums: Sums
    """Totals of everyone who was asked, whatever they answered."""
    turn: int = 0
    """How often each was asked before in this stretch."""


class Sums:
    """Totals to which all pieces of the population add, one piece at a time.

    Attributes:
        lock: Held while anything is added here, or to the world's expected answers.
        households: [cell] households asked for the first time in this step where they live.
        persons: [cell] people in them.
    """

    def __init__(self, world: World) -> None:
        self.lock = Lock()
        self.households = np.zeros(world.cells.size, np.int64)
        self.persons = np.zeros(world.cells.size, np.int64)


def ask(
    world: World, now: Conditions, asked: Asked, sums: Sums, composition: U16 | None = None
) -> Answers:
    """Draw the answers of some heads, and count them.

    Args:
        world: The world; people's masks and means must be up to date for the stretch.
        now: Conditions of the stretch.
        asked: The heads, and the time span for each.
        sums: Added to.
        composition: [n] composition of their households (`World.composition_of`), if already known.
    """
    n = len(asked.heads)
    keys = np.array([world.key(MOVE, asked.turn), world.key(LABEL, asked.turn)])
    choices = CHOICES.of(world)
    buffers = Events(
        np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n),
        np.empty(n), np.empty(n, np.bool_), np.empty(n, np.bool_), np.empty(n), np.empty(n),
    )  # fmt: skip
    found = decide(
        world.people, asked.heads, 0, n, choices.tables, now, MEANS.of(world),
        CLASSES.of(world), keys, asked.middle, world.month(), asked.years, buffers,
    )  # fmt: skip
    columns: list[Any] = [column[:found].copy() for column in buffers]
    events = Events(*columns)
    at = np.searchsorted(asked.heads, events.head.astype(np.uint32))
    first, days, new = asked.first[at], asked.days[at], asked.new[at]
    rows = asked.heads if asked.new.all() else asked.heads[asked.new]
    if composition is None or len(rows) < n:
        composition = world.composition_of(rows)
    with sums.lock:
        count_households(
            world.people, rows, composition, world.country, world.month(), world.cells.strides,
            world.weight, sums.households, sums.persons,
        )  # fmt: skip
        if EXPECTED.of(world) is not None:
            add_expected(world, now, asked)
    events = events._replace(time=first + events.time * days)
    return Answers(events, first, first + days, new, sums, asked.turn)


def ask_listed(world: World, now: Conditions, asked: Asked) -> Answers:
    """Draw the answers of listed heads, in pieces."""
    sums = Sums(world)

    def put(first: int, last: int) -> Answers:
        return ask(world, now, asked.part(first, last), sums)

    return join_answers(in_pieces(put, len(asked.heads), world.threads) or [put(0, 0)])


def join_answers(parts: list[Answers]) -> Answers:
    """Join the answers of all parts, which share their sums; no head is in two parts."""
    columns: list[Any] = [np.concatenate(it) for it in zip(*(p.events for p in parts), strict=True)]
    first, end, new = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("first", "end", "new")
    )
    return Answers(Events(*columns), first, end, new, parts[0].sums, parts[0].turn)


def add_expected(world: World, now: Conditions, asked: Asked) -> None:
    """Add the expected answers of heads to the world's; `stays` is computed as the remainder."""
    people, expected, choices = world.people, EXPECTED.of(world), CHOICES.of(world)
    assert expected is not None
    cells = world.cells.of(people, world.country, asked.heads, world.month())
    expect(
        people, asked.heads, 0, len(cells), choices.tables, now,
        CLASSES.of(world), asked.middle, world.month(), asked.years, cells, world.weight, MICRO,
        expected.answers, expected.years, expected.flows,
    )  # fmt: skip
    # `decide_all` adds everyone who is counted back to `stays`: a head who has already answered in
    # this step is not expected to stay a second time.
    weight = world.weight[people.home[asked.heads]]
    np.add.at(expected.answers[:, Answer.stays], cells, -weight * MICRO)


class Refusals(NamedTuple):
    """How often households are refused a move, by lack of means (0) or of permission (1)."""

    times: I64
    """[n, 2]"""
    by: I64
    """[n] which of the two came last."""
    last: F64
    """[n] day of the last refusal, counted from the start."""


def draw_refusals(world: World, events: Events, first: F64, end: F64, turn: int = 0) -> Refusals:
    """Draw how often households are refused in the time span for which they are asked.

    Refusals come at the rate R_MP - R until the household moves, so that their number does not
    depend on the step. A household whose answer is a refusal has had at least one; movers may have
    been refused before they moved.

    Args:
        world: The world.
        events: Answers other than `stays`, with their day.
        first: [n] day from which each is asked.
        end: [n] day up to which each is asked.
        turn: How often they were asked before in this stretch.
    """
    moves = events.answer <= Answer.necessity
    begin = np.where(moves, first, events.time)
    days = np.where(moves, events.time, end) - begin
    times = np.zeros((len(days), 2), np.int64)
    when = np.full((len(days), 2), -np.inf)
    who = world.people.pid[events.head]
    for by, share in enumerate((events.lacking, 1.0 - events.lacking)):
        u, v = (
            uniform_array(world.key(REFUSED, turn), mixed_array(who + np.uint64(2 * by + i)))
            for i in range(2)
        )
        n = times[:, by] = poisson(u, events.refused * share * days / DAYS_A_YEAR)
        # Time of the last of n events that are uniform over the span.
        when[:, by] = np.where(n > 0, begin + days * v ** (1.0 / np.maximum(n, 1)), -np.inf)
        told = events.answer == Answer.no_means + by
        times[told, by] += 1
        when[told, by] = np.maximum(when[told, by], events.time[told])
    return Refusals(times, when.argmax(axis=1), when.max(axis=1))


def poisson(u: F64, mean: F64) -> I64:
    """[n] Poisson deviates from uniforms, by inversion; means above 500 count as 500."""
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
    """[n] whether each row is in a list; the list ascends."""
    if not len(listed):
        return np.zeros(len(rows), np.bool_)
    at = np.minimum(np.searchsorted(listed, rows), len(listed) - 1)
    return np.asarray(listed[at] == rows)


def decide_all(world: World, excess: F64, answers: Answers) -> tuple[I64, F64]:
    """Count answers, mark blocked households, and let movers depart.

    Args:
        world: The world.
        excess: [place, threat] mean of b_k max(s_k - tol_k, 0) over the stretch.
        answers: Answers of those who were asked.

    Returns:
        ([m] rows of heads who decided to move but still live there, because they applied or sent
        a member ahead; [m] day on which they did).
    """
    people, expected = world.people, EXPECTED.of(world)
    events, sums = answers.events, answers.sums
    n_asked, persons = sums.households, sums.persons
    refusals = draw_refusals(world, events, answers.first, answers.end, answers.turn)
    cells = world.cells.of(people, world.country, events.head, world.month())
    sizes = party_sizes(people, events.head)
    weight = world.weight[people.home[events.head]]

    # A household is counted once per step, however many dated events cut the step into stretches.
    # It is counted again if it has moved to a new place, or if it gives an answer other than
    # `stays` a second time, in this stretch or a later one.
    answered = ANSWERED.of(world)
    again = is_among(events.head, answered)
    ANSWERED.put(world, np.sort(np.concatenate([answered, events.head[~again]])))
    again &= ~answers.new
    np.add.at(n_asked, cells[again], weight[again])
    np.add.at(persons, cells[again], (weight * sizes)[again])
    if expected is not None:
        expected.answers[:, Answer.stays] += n_asked * MICRO
    moving = events.answer <= Answer.necessity
    further = refusals.times.sum(axis=1) + moving - 1
    np.add.at(n_asked, cells, further * weight)
    np.add.at(persons, cells, further * weight * sizes)
    n_heads, n_people = by_answer(world), by_answer(world)
    np.add.at(n_heads, (cells[moving], events.answer[moving]), weight[moving])
    for kind, answer in enumerate((Answer.no_means, Answer.no_permission)):
        np.add.at(n_heads[:, answer], cells, refusals.times[:, kind] * weight)
        np.add.at(n_people[:, answer], cells, refusals.times[:, kind] * weight * sizes)

    movers = events.head[moving]
    goal, channel, companions, price = pick_goals(
        world, movers, events.hazard[moving], answers.turn
    )
    # One person moves: a household of one, a pioneer, or a child alone.
    party = sizes.copy()
    party[moving] = np.where(companions > 0, 1, sizes[moving])
    np.add.at(n_people, (cells[moving], events.answer[moving]), (party * weight)[moving])
    n_heads[:, Answer.stays] += n_asked - n_heads.sum(axis=1)
    n_people[:, Answer.stays] += persons - n_people.sum(axis=1)
    HOUSEHOLDS.of(world)[:] += n_heads
    PERSONS.of(world)[:] += n_people
    np.add.at(
        TRAPPED.of(world),
        (cells[events.trapped], events.answer[events.trapped]),
        weight[events.trapped],
    )

    felt = attribute_moves(world, events, cells, party * weight, excess)

    told = refusals.times > 0
    blocked = told.any(axis=1)
    rows = events.head[blocked]
    by = np.where(refusals.by[blocked] == 1, BLOCKED_PERMISSION, 0)
    people.flags[rows] = people.flags[rows] & PAST | HEAD | BLOCKED | by
    remember(people, rows, (told @ np.array([EVER_NO_MEANS, EVER_NO_PERMISSION]))[blocked])
    people.blocked_on[rows] = np.floor(refusals.last[blocked])

    reasons = Reasons(events.answer, felt).of(moving)
    depart(world, movers, goal, channel, companions, price, reasons, events.time[moving])
    here = (goal >= 0) & (people.activity[movers] <= Activity.waiting)
    return movers[here], events.time[moving][here]


def attribute_moves(world: World, events: Events, cells: I64, persons: I64, excess: F64) -> I64:
    """Attribute moves of necessity to threats.

    Args:
        world: The world.
        events: Answers other than `stays`.
        cells: [n] cell of each.
        persons: [n] people that move.
        excess: [place, threat] mean of b_k max(s_k - tol_k, 0) over the stretch.

    Returns:
        [n] threats felt where they live that make them move, bit k.
    """
    felt = np.zeros(len(events.head), np.int64)
    forced = events.answer == Answer.necessity
    by = felt[forced]
    attribute(
        world.people, events.head[forced], cells[forced], persons[forced], events.flight[forced],
        events.uprooted[forced], excess, THREATS.of(world).weight, ATTRIBUTION.of(world), by,
    )  # fmt: skip
    felt[forced] = by
    return felt


def departures(world: World, end: int) -> tuple[U32, F64]:
    """([m] rows of heads with an application, ascending; [m] day until which they are asked)."""
    withdraw(world)
    queue = APPLICATIONS.of(world)
    order = np.argsort(queue.head)
    until = np.clip(queue.ready[order], float(world.day), float(end))
    return queue.head[order].astype(np.uint32), until


def all_heads(world: World, end: int) -> Asked:
    """All heads as a stretch would ask them, for callers outside the step."""
    return asked_until(world, world.deciding, end, departures(world, end))


def asked_until(world: World, heads: U32, end: int, leaving: tuple[U32, F64]) -> Asked:
    """Ask heads with a residence until the stretch ends or they leave after an admission.

    Args:
        world: The world.
        heads: [n] rows, ascending.
        end: Day on which the stretch ends.
        leaving: Result of `departures`.
    """
    rows, until = leaving
    n = len(heads)
    days = np.full(n, float(end - world.day))
    if n and len(rows):
        a, b = np.searchsorted(rows, heads[0]), np.searchsorted(rows, heads[-1], side="right")
        mine = a + np.flatnonzero(is_among(rows[a:b], heads))
        days[np.searchsorted(heads, rows[mine])] = until[mine] - world.day
    return Asked(heads, np.full(n, float(world.day)), days, np.full(n, world.first_stretch))


def ask_all_households(world: World, now: Conditions, end: int) -> tuple[Answers, I64, I64]:
    """Update all households, and ask those that decide.

    Rows are visited in pieces: working arrays stay small and in the processor's cache, however
    large the population.

    Returns:
        (answers, rows of heads without a lasting status, rows of heads who are stranded).
    """
    leaving, sums = departures(world, end), Sums(world)

    def visit(first: int, last: int) -> tuple[Answers, U32, U32]:
        heads = world.list_heads(first, last)
        composition = world.composition_of(heads.deciding)
        update_households(world, heads, composition)
        asked = asked_until(world, heads.deciding, end, leaving)
        return (
            ask(world, now, asked, sums, composition),
            heads.unsettled.copy(),
            heads.stranded.copy(),
        )

    parts = in_pieces(visit, len(world.people.pid), world.threads) or [visit(0, 0)]
    answers, *others = zip(*parts, strict=True)
    DUE.put(world, None)
    unsettled, stranded = (np.concatenate(rows).astype(np.int64) for rows in others)
    return join_answers(list(answers)), unsettled, stranded


def set_conditions(world: World, stretch: Stretch) -> None:
    """Set the factors of the rates in this stretch; pass them to a `look` callback."""
    stretch.now = current_conditions(world, stretch.felt)
    if stretch.look is not None:
        update_all_households(world)
        stretch.look(stretch.now, stretch.end)


def ask_all(world: World, stretch: Stretch) -> None:
    """Ask all households, count answers, let movers depart, and let the stranded go on."""
    if world.first_stretch:
        ANSWERED.put(world, np.empty(0, np.int64))
    stretch.away = PARTIES.of(world).head.copy()
    answers, stretch.unsettled, stranded = ask_all_households(world, stretch.now, stretch.end)
    stretch.once_more = [
        decide_all(world, stretch.excess, answers),
        continue_stranded(world, *from_today(world, stranded), stretch.end),
    ]


def answer_rows(world: World, _census: Census) -> Rows:
    """Answers by cell."""
    households, expected = HOUSEHOLDS.of(world), EXPECTED.of(world)
    seen = households > 0
    if expected is not None:
        seen |= expected.answers > 0
    cell, answer = np.nonzero(seen)
    rows: dict[str, Any] = {
        "cell": cell,
        "answer": answer,
        "households": households[seen],
        "people": PERSONS.of(world)[seen],
        "trapped": TRAPPED.of(world)[seen],
    }
    if expected is not None:
        rows["expected"] = expected.answers[seen] / MICRO
        rows["expected_years"] = expected.years[seen] / MICRO
    return rows


def attribution_rows(world: World, _census: Census) -> Rows:
    """Moves of necessity by cell and threat."""
    counts = ATTRIBUTION.of(world)
    cell, threat = np.nonzero(counts)
    return {"cell": cell, "threat": threat, "people": counts[cell, threat] / MICRO}


MECHANISM = Mechanism(
    "decide",
    "draws whether each household moves or stays",
    states=(ANSWERED,),
    counters=(HOUSEHOLDS, PERSONS, TRAPPED, ATTRIBUTION),
    draws=(MOVE, LABEL, REFUSED),
    hooks=(Hook("rates", 20, set_conditions), Hook("decisions", 10, ask_all)),
    tables=(
        Table(
            "answers",
            "the five answers of households that decide (`population.others`)",
            "first",
            (
                ANSWER,
                Column(
                    "households",
                    "int",
                    "households",
                    "answers of households: one per step, plus further moves and refusals",
                    formerly="heads",
                ),
                Column(
                    "people", "int", "people", "people who move; for other answers, all members"
                ),
                Column(
                    "trapped",
                    "int",
                    "households",
                    "blocked households that would have moved with the means of a secure place",
                ),
                Column(
                    "expected",
                    "float",
                    "households",
                    "expected number of answers, from the rates",
                    optional=True,
                ),
                Column(
                    "expected_years",
                    "float",
                    "person-years",
                    "expected rate times person-years before a move",
                    optional=True,
                ),
            ),
            answer_rows,
            absent=NONE_COUNTED,
            by=True,
        ),
        Table(
            "attribution",
            "moves of necessity, split over the threats that made them",
            "first",
            (
                THREAT,
                Column(
                    "people",
                    "float",
                    "people",
                    "people who moved because of the threat, or were uprooted by it before",
                ),
            ),
            attribution_rows,
            absent=NONE_COUNTED,
            by=True,
        ),
    ),
)
