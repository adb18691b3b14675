"""Finds when households move or are refused, and counts the five answers (section 4)."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sim.core.parallel import in_pieces
from sim.core.rng import Draw
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
    People,
    Reasons,
)
from sim.core.terms import N_THREATS, Activity, Answer
from sim.kernels.decision import Events, decide, expect, sieve
from sim.kernels.household import party_sizes, remember
from sim.kernels.plane import Plane
from sim.kernels.rates import Conditions
from sim.kernels.tally import attribute, count_households
from sim.mechanisms.admission import APPLICATIONS, withdraw
from sim.mechanisms.choice import CHOICES, conditions
from sim.mechanisms.expected import EXPECTED
from sim.mechanisms.exposure import update_all_households, update_households
from sim.mechanisms.journey import continue_stranded, depart, pick_goals
from sim.mechanisms.livelihood import DUE, MEANS
from sim.mechanisms.policy import CLASSES
from sim.mechanisms.settling import SETTLING
from sim.mechanisms.threats import THREATS
from sim.model.columns import ANSWER, THREAT, Column
from sim.model.declare import NONE_COUNTED, Counter, Hook, Mechanism, Rows, State, Table
from sim.model.substep import from_today

if TYPE_CHECKING:
    from sim.model.substep import SubStep
    from sim.model.world import Census, World

MOVE = Draw("move", 20)
FEWEST = 1024
"""Least number of events for which there is room."""


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
        felt: Effects of threats on the rates, by day from today on.
    """
    return conditions(
        world.scenario, world.day, *felt, THREATS.of(world).state_fear(), CHOICES.of(world).bound,
        MEANS.of(world).status, SETTLING.of(world),
    )  # fmt: skip


class Asked(NamedTuple):
    """Heads, and the time span in which each may move."""

    heads: U32
    """[n] rows, ascending, each once."""
    since: F64
    """[n] day on which the span begins, itself excluded."""
    until: F64
    """[n] day on which it ends."""
    new: Bool
    """[n] whether this is their first span at this place of residence in this step."""

    def part(self, first: int, last: int) -> Asked:
        """Rows first to last (excluded)."""
        mine = slice(first, last)
        return Asked(self.heads[mine], self.since[mine], self.until[mine], self.new[mine])

    @property
    def middle(self) -> F64:
        """[n] day in the middle of the span."""
        return 0.5 * (self.since + self.until)

    @property
    def years(self) -> F64:
        """[n] length in years."""
        return (self.until - self.since) / DAYS_A_YEAR


class Answers(NamedTuple):
    """Moves and refusals of heads, ascending by head and time."""

    events: Events
    """The moves and refusals, with the day of each."""
    new: Bool
    """[m] whether this was their first span at this place of residence in this step."""
    sums: Sums
    """Totals of everyone who was asked, whether or not anything happened."""


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
        world: The world; people's masks and means must be up to date for the sub-step.
        now: Conditions of the sub-step.
        asked: The heads, and the time span for each.
        sums: Added to.
        composition: [n] composition of their households (`World.composition_of`), if already known.
    """
    n = len(asked.heads)
    plane = world.plane(MOVE)
    through = np.empty(n, np.int64)
    found = sieve(world.people, asked.heads, now, plane, world.month(), through)
    mine = through[:found]
    events = find_events(world, now, plane, asked.heads[mine], asked.since[mine], asked.until[mine])
    new = asked.new[np.searchsorted(asked.heads, events.head.astype(np.uint32))]
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
    return Answers(events, new, sums)


def find_events(
    world: World, now: Conditions, plane: Plane, heads: U32, since: F64, until: F64
) -> Events:
    """Find the moves and refusals of heads in their spans of time."""
    parts: list[Events] = []
    first, room = 0, max(len(heads), FEWEST)
    while not parts or first < len(heads):
        events = room_for(room)
        found, first = decide(
            world.people, heads, since, until, first, CHOICES.of(world).tables, now,
            MEANS.of(world), CLASSES.of(world), plane, world.month(), events,
        )  # fmt: skip
        columns: list[Any] = [column[:found].copy() for column in events]
        parts.append(Events(*columns))
        room *= 2
    return join_events(parts)


def room_for(n: int) -> Events:
    """Buffers for n events."""
    whole, real = np.int64, np.float64
    kinds: list[Any] = [whole, whole, whole, real, real, np.bool_, np.bool_, np.uint64]
    columns: list[Any] = [np.empty(n, kind) for kind in kinds]
    return Events(*columns)


def join_events(parts: list[Events]) -> Events:
    """Join several lists of events."""
    columns: list[Any] = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return Events(*columns)


def ask_listed(world: World, now: Conditions, asked: Asked) -> Answers:
    """Draw the answers of listed heads, in pieces."""
    sums = Sums(world)

    def put(first: int, last: int) -> Answers:
        return ask(world, now, asked.part(first, last), sums)

    return join_answers(in_pieces(put, len(asked.heads), world.threads) or [put(0, 0)])


def join_answers(parts: list[Answers]) -> Answers:
    """Join the answers of all parts, which share their sums; no head is in two parts."""
    events = join_events([part.events for part in parts])
    return Answers(events, np.concatenate([part.new for part in parts]), parts[0].sums)


def add_expected(world: World, now: Conditions, asked: Asked) -> None:
    """Add the expected answers of heads to the world's; `stays` is computed as the remainder."""
    people, expected, choices = world.people, EXPECTED.of(world), CHOICES.of(world)
    assert expected is not None
    # The integral over the span is taken at its middle, with threats at their mean.
    want, fear = now.want.mean(axis=0)[None], now.fear.mean(axis=0)[None]
    now = now._replace(want=want, fear=fear)
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
        excess: [day, place, threat] b_k max(s_k - tol_k, 0), from today on.
        answers: Answers of those who were asked.

    Returns:
        ([m] rows of heads who decided to move but still live there, because they applied or sent
        a member ahead; [m] day on which they did).
    """
    people, expected = world.people, EXPECTED.of(world)
    events, sums = answers.events, answers.sums
    n_asked, persons = sums.households, sums.persons
    cells = world.cells.of(people, world.country, events.head, world.month())
    sizes = party_sizes(people, events.head)
    weight = world.weight[people.home[events.head]]

    # A household is counted once per step, however many dated events cut the step into sub-steps.
    # It is counted again if it has moved to a new place, and for every further move or refusal.
    answered = ANSWERED.of(world)
    further = np.diff(events.head, prepend=-1) == 0
    again = ~further & is_among(events.head, answered) & ~answers.new
    ANSWERED.put(world, np.union1d(answered, events.head))
    counted = again | further
    np.add.at(n_asked, cells[again], weight[again])
    if expected is not None:
        expected.answers[:, Answer.stays] += n_asked * MICRO
    np.add.at(n_asked, cells[further], weight[further])
    np.add.at(persons, cells[counted], (weight * sizes)[counted])
    moving = events.answer <= Answer.necessity
    movers, words = events.head[moving], events.word[moving]
    goal, channel, companions, price = pick_goals(world, movers, words, events.hazard[moving])
    # One person moves: a household of one, a pioneer, or a child alone.
    party = sizes.copy()
    party[moving] = np.where(companions > 0, 1, sizes[moving])
    n_heads, n_people = by_answer(world), by_answer(world)
    np.add.at(n_heads, (cells, events.answer), weight)
    np.add.at(n_people, (cells, events.answer), party * weight)
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
    mark_refused(people, events)
    reasons = Reasons(events.answer, felt).of(moving)
    depart(world, movers, goal, channel, companions, price, reasons, events.time[moving])
    here = (goal >= 0) & (people.activity[movers] <= Activity.waiting)
    return movers[here], events.time[moving][here]


def attribute_moves(world: World, events: Events, cells: I64, persons: I64, excess: F64) -> I64:
    """Attribute moves of necessity to threats.

    Args:
        world: The world.
        events: Moves and refusals.
        cells: [n] cell of each.
        persons: [n] people that move.
        excess: [day, place, threat] b_k max(s_k - tol_k, 0), from today on.

    Returns:
        [n] threats felt where they live that make them move, bit k.
    """
    felt = np.zeros(len(events.head), np.int64)
    forced = events.answer == Answer.necessity
    heads, by = events.head[forced], felt[forced]
    days = np.minimum(events.time[forced].astype(np.int64) - world.day, len(excess) - 1)
    attribute(
        world.people, heads, cells[forced], persons[forced], events.flight[forced],
        events.uprooted[forced], excess[days, world.people.place[heads]],
        THREATS.of(world).weight, ATTRIBUTION.of(world), by,
    )  # fmt: skip
    felt[forced] = by
    return felt


def mark_refused(people: People, events: Events) -> None:
    """Mark households that were refused as blocked, by their last refusal."""
    refused = np.flatnonzero(events.answer > Answer.necessity)
    heads, by = events.head[refused], events.answer[refused]
    remember(people, heads, np.where(by == Answer.no_means, EVER_NO_MEANS, EVER_NO_PERMISSION))
    last = np.diff(heads, append=-1) != 0
    heads, by, refused = heads[last], by[last], refused[last]
    blocked = np.where(by == Answer.no_permission, BLOCKED_PERMISSION, 0)
    people.flags[heads] = people.flags[heads] & PAST | HEAD | BLOCKED | blocked
    people.blocked_on[heads] = np.floor(events.time[refused])


def departures(world: World, end: int) -> tuple[U32, F64]:
    """([m] rows of heads with an application, ascending; [m] day until which they are asked)."""
    withdraw(world)
    queue = APPLICATIONS.of(world)
    order = np.argsort(queue.head)
    until = np.clip(queue.ready[order], float(world.day), float(end))
    return queue.head[order].astype(np.uint32), until


def all_heads(world: World, end: int) -> Asked:
    """All heads as a sub-step would ask them, for callers outside the step."""
    return asked_until(world, world.deciding, end, departures(world, end))


def asked_until(world: World, heads: U32, end: int, leaving: tuple[U32, F64]) -> Asked:
    """Ask heads with a residence until the sub-step ends or they leave after an admission.

    Args:
        world: The world.
        heads: [n] rows, ascending.
        end: Day on which the sub-step ends.
        leaving: Result of `departures`.
    """
    rows, until = leaving
    n = len(heads)
    ends = np.full(n, float(end))
    if n and len(rows):
        a, b = np.searchsorted(rows, heads[0]), np.searchsorted(rows, heads[-1], side="right")
        mine = a + np.flatnonzero(is_among(rows[a:b], heads))
        ends[np.searchsorted(heads, rows[mine])] = until[mine]
    return Asked(heads, np.full(n, float(world.day)), ends, np.full(n, world.first_substep))


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


def set_conditions(world: World, substep: SubStep) -> None:
    """Set the factors of the rates in this sub-step; pass them to a `look` callback."""
    substep.now = current_conditions(world, substep.felt)
    if substep.look is not None:
        update_all_households(world)
        substep.look(substep.now, substep.end)


def ask_all(world: World, substep: SubStep) -> None:
    """Ask all households, count answers, let movers depart, and let the stranded go on."""
    if world.first_substep:
        ANSWERED.put(world, np.empty(0, np.int64))
    answers, substep.unsettled, stranded = ask_all_households(world, substep.now, substep.end)
    substep.once_more = [
        decide_all(world, substep.excess, answers),
        continue_stranded(world, *from_today(world, stranded), substep.end),
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
    draws=(MOVE,),
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
