"""How a mechanism is declared: one object says all that it adds, and everybody reads it there.

    MECHANISM = Mechanism("asylum", "Claims for asylum ...", counters=(CLAIMED,), tables=(...))

The world keeps what `counters` and `state` name, the recorder writes `tables`, the documents list
them. `sim/mechanisms/__init__.py` says how to add one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from sim.core.rng import Draw
from sim.model.columns import Column
from sim.schema.key import Part

if TYPE_CHECKING:
    from sim.model.stretch import Stretch
    from sim.model.world import Census, World

T = TypeVar("T")
Rows = Mapping[str, NDArray[Any]]
"""Columns of equal length, by name; text as positions among the words of its axis."""


@dataclass(frozen=True, eq=False)
class Counter(Generic[T]):
    """What is counted from one row of the output tables to the next."""

    name: str
    new: Callable[[World], T]
    """Makes a counter of nothing yet."""
    text: str

    def of(self, world: World) -> T:
        """The counter of a world."""
        return world.counts[self.name]  # type: ignore[no-any-return]


@dataclass(frozen=True, eq=False)
class Dense(Counter[NDArray[Any]]):
    """A counter with a cell for every combination of words along its axes.

    Of whole numbers, sums do not depend on the order in which they are added.
    """

    axes: tuple[Column, ...] = ()


def dense(name: str, axes: Iterable[Column], text: str, kind: type = np.int64) -> Dense:
    """Declare a dense counter.

    Args:
        name: Its name.
        axes: Axes of the array, in order.
        text: What is counted, with its unit.
        kind: Of numbers; whole ones wherever people are counted.
    """
    axes = tuple(axes)

    def new(world: World) -> NDArray[Any]:
        return np.zeros([axis.size(world.scenario) for axis in axes], kind)

    return Dense(name, new, text, axes)


@dataclass(frozen=True)
class Absent:
    """What it means that a table has no row for some words and a date."""

    text: str
    """The sentence that says it."""
    zero: bool = False
    """Whether every number of the row would be 0, so that the row may be put there."""


NONE_COUNTED: Final = Absent(
    "A row that is absent means 0: nothing of the kind happened.", zero=True
)
"""For tables that count what happens in a period."""
NOBODY: Final = Absent("A row that is absent means 0: there is nobody of the kind.", zero=True)
"""For tables that count who is there on a day."""


@dataclass(frozen=True, eq=False)
class Table:
    """One output table: its columns, and how its rows are made."""

    name: str
    text: str
    date: Literal["first", "last"]
    """Whether `date` is the first or the last day of the row's steps."""
    columns: tuple[Column, ...]
    rows: Callable[[World, Census], Rows]
    """Called when a row of the tables is due; rows that say nothing are left out."""
    absent: Absent
    """What it means that a row is not there."""
    notes: str = ""
    """More that users have to know, in paragraphs."""
    by: bool = False
    """Whether the scenario's `outputs.by` columns come first; their rows give `cell` instead."""
    at_end: bool = False
    """Whether it has rows on the last day alone."""
    by_request: bool = False
    """Whether it is kept only where `outputs.tables` names it."""


def nonzero(counter: Dense, column: str, unit: float | None = None) -> Callable[..., Rows]:
    """Rows of a table that has one for every cell of a counter that is not zero.

    Args:
        counter: Its axes are the table's first columns.
        column: Name of the column of what was counted.
        unit: Counts that make one; none: they stay whole numbers.
    """

    def rows(world: World, _census: Census) -> Rows:
        counts = counter.of(world)
        where = np.nonzero(counts)
        found = counts[where] if unit is None else counts[where] / unit
        names = [axis.name for axis in counter.axes]
        return {**dict(zip(names, where, strict=True)), column: found}

    return rows


@dataclass(frozen=True, eq=False)
class State(Generic[T]):
    """Something that a mechanism keeps in the world from step to step."""

    name: str
    new: Callable[[World], T]
    """Makes it as of the first day, from other states where it depends on them."""

    def of(self, world: World) -> T:
        """What a world holds; made when it is first asked for, so that no order has to be known."""
        if self.name not in world.states:
            world.states[self.name] = self.new(world)
        return world.states[self.name]  # type: ignore[no-any-return]

    def put(self, world: World, value: T) -> None:
        """Replace what a world holds."""
        world.states[self.name] = value


StageName = Literal["people", "environment", "rates", "decisions", "states", "count"]
STAGES: Final[Mapping[StageName, str]] = {
    "people": "people are born, die and finish school",
    "environment": "what the world is like, what people have, know and want",
    "rates": "what households live under in these days",
    "decisions": "what each household decides, and what becomes of those on the way",
    "states": "what states decide about applications, claims and orders",
    "count": "who is where, and what it cost",
}
"""Stages of a stretch of time, in order."""


@dataclass(frozen=True, eq=False)
class Hook:
    """What a mechanism does in a stage."""

    stage: StageName
    order: int
    """Its place within the stage, ascending; no two hooks of a stage share one."""
    do: Callable[[World, Stretch], None]


@dataclass(frozen=True, eq=False)
class Mechanism:
    """All that one mechanism adds."""

    name: str
    """Name of its file."""
    text: str
    """What it does, to be read after its name."""
    keys: type[Part] | None = None
    """Sections that it adds to a scenario: a `Part` with a field for each."""
    rule_keys: type[Part] | None = None
    """Keys that it adds to a rule of a state (`policies`), likewise; those of rules about a country
    and, with `citizens_of`, about some nationalities."""
    states: tuple[State[Any], ...] = ()
    """What it keeps from step to step."""
    counters: tuple[Counter[Any], ...] = ()
    tables: tuple[Table, ...] = ()
    draws: tuple[Draw, ...] = ()
    dates: Callable[[World], Iterable[int]] | None = None
    """Days from the start on which it changes by itself; steps are cut there."""
    hooks: tuple[Hook, ...] = ()
