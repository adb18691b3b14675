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
    GROUNDS,
    I64,
    MICRO,
    U32,
    Bool,
    Reasons,
)
from sim.core.terms import N_THREATS, Activity, Answer
from sim.kernels.decision import Events, decide, expect, sieve
from sim.kernels.household import remember
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
"""Rows of households that gave an answer other than `stays` in this step."""


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
    """Households, and the time span in which each may move."""

    houses: U32
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
        return Asked(self.houses[mine], self.since[mine], self.until[mine], self.new[mine])

    @property
    def middle(self) -> F64:
        """[n] day in the middle of the span."""
        return 0.5 * (self.since + self.until)

    @property
    def years(self) -> F64:
        """[n] length in years."""
        return (self.until - self.since) / DAYS_A_YEAR


class Answers(NamedTuple):
    """Moves and refusals of households, ascending by household and time."""

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


def ask(world: World, now: Conditions, asked: Asked, sums: Sums) -> Answers:
    """Draw the answers of some households, and count them.

    Args:
        world: The world; masks and means must be up to date for the sub-step.
        now: Conditions of the sub-step.
        asked: The households, and the time span for each.
        sums: Added to.
    """
    n = len(asked.houses)
    plane = world.plane(MOVE)
    through = np.empty(n, np.int64)
    found = sieve(world.households, world.persons, asked.houses, now, plane, world.month(), through)
    mine = through[:found]
    events = find_events(
        world, now, plane, asked.houses[mine], asked.since[mine], asked.until[mine]
    )
    new = asked.new[np.searchsorted(asked.houses, events.house.astype(np.uint32))]
    houses = asked.houses if asked.new.all() else asked.houses[asked.new]
    with sums.lock:
        count_households(
            world.households, world.persons, houses, world.country, world.month(),
            world.cells.strides, sums.households, sums.persons,
        )  # fmt: skip
        if EXPECTED.of(world) is not None:
            add_expected(world, now, asked)
    return Answers(events, new, sums)


def find_events(
    world: World, now: Conditions, plane: Plane, houses: U32, since: F64, until: F64
) -> Events:
    """Find the moves and refusals of households in their spans of time."""
    parts: list[Events] = []
    first, room = 0, max(len(houses), FEWEST)
    while not parts or first < len(houses):
        events = room_for(room)
        found, first = decide(
            world.households, world.persons, houses, since, until, first,
            CHOICES.of(world).tables, now, MEANS.of(world), CLASSES.of(world), plane,
            world.month(), events,
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
    """Draw the answers of listed households, in pieces."""
    sums = Sums(world)

    def put(first: int, last: int) -> Answers:
        return ask(world, now, asked.part(first, last), sums)

    return join_answers(in_pieces(put, len(asked.houses), world.threads) or [put(0, 0)])


def join_answers(parts: list[Answers]) -> Answers:
    """Join the answers of all parts, which share their sums; no household is in two parts."""
    events = join_events([part.events for part in parts])
    return Answers(events, np.concatenate([part.new for part in parts]), parts[0].sums)


def add_expected(world: World, now: Conditions, asked: Asked) -> None:
    """Add the expected answers of households; `stays` is computed as the remainder."""
    households, expected, choices = world.households, EXPECTED.of(world), CHOICES.of(world)
    assert expected is not None
    # The integral over the span is taken at its middle, with threats at their mean.
    want, fear = now.want.mean(axis=0)[None], now.fear.mean(axis=0)[None]
    now = now._replace(want=want, fear=fear)
    cells = cells_of(world, asked.houses)
    expect(
        households, world.persons, asked.houses, 0, len(cells), choices.tables, now,
        CLASSES.of(world), asked.middle, world.month(), asked.years, cells, MICRO,
        expected.answers, expected.years, expected.flows,
    )  # fmt: skip
    # `decide_all` adds everyone who is counted back to `stays`: who has already answered in
    # this step is not expected to stay a second time.
    weight = households.weight[asked.houses].astype(np.int64)
    np.add.at(expected.answers[:, Answer.stays], cells, -weight * MICRO)


def cells_of(world: World, houses: U32 | I64) -> I64:
    """[n] cells of households."""
    return world.cells.of(world.households, world.persons, world.country, houses, world.month())


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
        ([m] rows of households that decided to move but still live there, because they applied or
        sent a member ahead; [m] day on which they did).
    """
    households, expected = world.households, EXPECTED.of(world)
    events, sums = answers.events, answers.sums
    n_asked, persons = sums.households, sums.persons
    cells = cells_of(world, events.house)
    sizes = households.size[events.house].astype(np.int64)
    weight = households.weight[events.house].astype(np.int64)

    # A household is counted once per step, however many dated events cut the step into sub-steps.
    # It is counted again if it has moved to a new place, and for every further move or refusal.
    answered = ANSWERED.of(world)
    further = np.diff(events.house, prepend=-1) == 0
    again = ~further & is_among(events.house, answered) & ~answers.new
    ANSWERED.put(world, np.union1d(answered, events.house))
    counted = again | further
    np.add.at(n_asked, cells[again], weight[again])
    if expected is not None:
        expected.answers[:, Answer.stays] += n_asked * MICRO
    np.add.at(n_asked, cells[further], weight[further])
    np.add.at(persons, cells[counted], (weight * sizes)[counted])
    moving = events.answer <= Answer.necessity
    movers, words = events.house[moving], events.word[moving]
    goal, channel, companions, price = pick_goals(world, movers, words, events.hazard[moving])
    # One person moves: a household of one, a pioneer, or a child alone.
    party = sizes.copy()
    party[moving] = np.where(companions > 0, 1, sizes[moving])
    number, n_people = by_answer(world), by_answer(world)
    np.add.at(number, (cells, events.answer), weight)
    np.add.at(n_people, (cells, events.answer), party * weight)
    number[:, Answer.stays] += n_asked - number.sum(axis=1)
    n_people[:, Answer.stays] += persons - n_people.sum(axis=1)
    HOUSEHOLDS.of(world)[:] += number
    PERSONS.of(world)[:] += n_people
    np.add.at(
        TRAPPED.of(world),
        (cells[events.trapped], events.answer[events.trapped]),
        weight[events.trapped],
    )

    felt = attribute_moves(world, events, cells, party * weight, excess)
    mark_refused(world, events)
    reasons = Reasons(events.answer, felt).of(moving)
    depart(world, movers, goal, channel, companions, price, reasons, events.time[moving])
    here = (goal >= 0) & (world.households.activity[movers] <= Activity.waiting)
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
    felt = np.zeros(len(events.house), np.int64)
    forced = events.answer == Answer.necessity
    houses, by = events.house[forced], felt[forced]
    days = np.minimum(events.time[forced].astype(np.int64) - world.day, len(excess) - 1)
    attribute(
        world.households, houses, cells[forced], persons[forced], events.flight[forced],
        events.uprooted[forced], excess[days, world.households.place[houses]],
        THREATS.of(world).weight, ATTRIBUTION.of(world), by,
    )  # fmt: skip
    felt[forced] = by
    return felt


def mark_refused(world: World, events: Events) -> None:
    """Mark households that were refused as blocked, by their last refusal."""
    refused = np.flatnonzero(events.answer > Answer.necessity)
    households = world.households
    houses, by = events.house[refused], events.answer[refused]
    past = np.where(by == Answer.no_means, EVER_NO_MEANS, EVER_NO_PERMISSION)
    remember(households, world.persons, houses, past)
    last = np.diff(houses, append=-1) != 0
    houses, by, refused = houses[last], by[last], refused[last]
    blocked = np.where(by == Answer.no_permission, BLOCKED | BLOCKED_PERMISSION, BLOCKED)
    households.flags[houses] = households.flags[houses] & GROUNDS | blocked
    households.blocked_on[houses] = np.floor(events.time[refused])


def departures(world: World, end: int) -> tuple[U32, F64]:
    """([m] households with an application, ascending; [m] day until which they are asked)."""
    withdraw(world)
    queue = APPLICATIONS.of(world)
    order = np.argsort(queue.household)
    until = np.clip(queue.ready[order], float(world.day), float(end))
    return queue.household[order].astype(np.uint32), until


def all_households(world: World, end: int) -> Asked:
    """All households as a sub-step would ask them, for callers outside the step."""
    return asked_until(world, world.deciding, end, departures(world, end))


def asked_until(world: World, houses: U32, end: int, leaving: tuple[U32, F64]) -> Asked:
    """Ask households with a residence until the sub-step ends or they leave after an admission.

    Args:
        world: The world.
        houses: [n] rows, ascending.
        end: Day on which the sub-step ends.
        leaving: Result of `departures`.
    """
    rows, until = leaving
    n = len(houses)
    ends = np.full(n, float(end))
    if n and len(rows):
        a, b = np.searchsorted(rows, houses[0]), np.searchsorted(rows, houses[-1], side="right")
        mine = a + np.flatnonzero(is_among(rows[a:b], houses))
        ends[np.searchsorted(houses, rows[mine])] = until[mine]
    return Asked(houses, np.full(n, float(world.day)), ends, np.full(n, world.first_substep))


def ask_all_households(world: World, now: Conditions, end: int) -> tuple[Answers, I64, I64]:
    """Update all households, and ask those that decide.

    Rows are visited in pieces: working arrays stay small and in the processor's cache, however
    large the population.

    Returns:
        (answers, rows of households without a lasting status, rows of those that are stranded).
    """
    leaving, sums = departures(world, end), Sums(world)

    def visit(first: int, last: int) -> tuple[Answers, U32, U32]:
        listed = world.list_households(first, last)
        update_households(world, listed)
        asked = asked_until(world, listed.deciding, end, leaving)
        return ask(world, now, asked, sums), listed.unsettled.copy(), listed.stranded.copy()

    parts = in_pieces(visit, len(world.households.ident), world.threads) or [visit(0, 0)]
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
