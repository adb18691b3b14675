"""How a mechanism is declared: a single object lists everything that it adds to the model.

    MECHANISM = Mechanism("asylum", "decides asylum claims", counters=(CLAIMED,), tables=(...))

The world holds its `states` and `counters`, the recorder writes its `tables`, and the
documentation lists them. CONTRIBUTING.md says how to add a mechanism.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from sim.core.rng import Draw
from sim.core.same import Same
from sim.model.columns import Column
from sim.schema.key import Part
from sim.schema.types import strip

if TYPE_CHECKING:
    from sim.model.segment import Segment
    from sim.model.world import Census, World
    from sim.schema import Scenario

T = TypeVar("T")
P = TypeVar("P", bound=Part)
Rows = Mapping[str, NDArray[Any]]
"""Columns of equal length, by name; words are stored as their index among the possible words."""


@dataclass(frozen=True, eq=False)
class Counter(Generic[T]):
    """Something that is counted and reset whenever rows of the output tables are written."""

    name: str
    new: Callable[[World], T]
    """Makes an empty counter."""
    text: str

    def of(self, world: World) -> T:
        """The counter of a world."""
        return world.counts[self.name]  # type: ignore[no-any-return]


@dataclass(frozen=True, eq=False)
class Dense(Counter[NDArray[Any]]):
    """A counter with a cell for every combination of words along its axes.

    Integers are used where possible, because their sums do not depend on order.
    """

    axes: tuple[Column, ...] = ()


def dense(name: str, axes: Iterable[Column], text: str, kind: type = np.int64) -> Dense:
    """Declare a dense counter.

    Args:
        name: Its name.
        axes: Axes of the array, in order.
        text: What is counted, with its unit.
        kind: Type of the numbers; integers wherever people are counted.
    """
    axes = tuple(axes)

    @lru_cache(maxsize=4)
    def shape(scenario: Same[Scenario]) -> tuple[int, ...]:
        """Return the lengths of the axes: words depend on the scenario alone."""
        return tuple(axis.size(scenario.it) for axis in axes)

    def new(world: World) -> NDArray[Any]:
        return np.zeros(shape(Same(world.scenario)), kind)

    return Dense(name, new, text, axes)


@dataclass(frozen=True)
class Absent:
    """What it means if a table has no row for a combination of words and a date."""

    text: str
    """A sentence for the documentation."""
    zero: bool = False
    """Whether all numbers of an absent row are 0, so that it may be filled in."""


NONE_COUNTED: Final = Absent("An absent row means 0: nothing of the kind happened.", zero=True)
"""For tables that count events in a period."""
NOBODY: Final = Absent("An absent row means 0: there is no one of the kind.", zero=True)
"""For tables that count people on a day."""


@dataclass(frozen=True, eq=False)
class Table:
    """One output table: its columns, and how its rows are made."""

    name: str
    text: str
    date: Literal["first", "last"]
    """Whether `date` is the first or the last day of the row's steps."""
    columns: tuple[Column, ...]
    rows: Callable[[World, Census], Rows]
    """Called when rows are to be written; rows without content are left out."""
    absent: Absent
    """What an absent row means."""
    notes: str = ""
    """What else users need to know, in paragraphs."""
    by: bool = False
    """Whether the scenario's `outputs.by` columns come first; `rows` gives `cell` instead."""
    at_end: bool = False
    """Whether it has rows only for the last day."""
    by_request: bool = False
    """Whether it is kept only if `outputs.tables` names it."""


def where_nonzero(counts: NDArray[Any]) -> tuple[NDArray[np.int64], ...]:
    """Indices of the cells that are not 0, axis by axis, in the order of the cells.

    As `np.nonzero`, but seven times as fast where few cells of several axes are not 0.
    """
    return np.unravel_index((counts != 0).reshape(-1).nonzero()[0], counts.shape)


def nonzero(counter: Dense, column: str, unit: float | None = None) -> Callable[..., Rows]:
    """Make rows of a table, one for every nonzero cell of a counter.

    Args:
        counter: The counter; its axes are the table's first columns.
        column: Name of the column of counts.
        unit: Divisor of the counts; None: they stay integers.
    """

    def rows(world: World, _census: Census) -> Rows:
        counts = counter.of(world)
        where = where_nonzero(counts)
        found = counts[where] if unit is None else counts[where] / unit
        names = [axis.name for axis in counter.axes]
        return {**dict(zip(names, where, strict=True)), column: found}

    return rows


@dataclass(frozen=True, eq=False)
class State(Generic[T]):
    """Something that a mechanism keeps in the world from step to step."""

    name: str
    new: Callable[[World], T]
    """Makes its value on the first day; it may read other states."""

    def of(self, world: World) -> T:
        """Value in a world; made on first access, so that states may depend on each other."""
        if self.name not in world.states:
            world.states[self.name] = self.new(world)
        return world.states[self.name]  # type: ignore[no-any-return]

    def put(self, world: World, value: T) -> None:
        """Replace the value in a world."""
        world.states[self.name] = value


StageName = Literal["people", "environment", "states", "rates", "lives", "count"]
STAGES: Final[Mapping[StageName, str]] = {
    "people": "once a month: people are born and die, and families learn and reunite",
    "environment": "threats, rules and tables are updated: what people face, have and know",
    "states": "once a month: states deal with those who wait for them",
    "rates": "the factors of the rates at which households move are set",
    "lives": "households decide, travel, arrive and change their status, each in its own time",
    "count": "people and public spending are counted",
}
"""Stages of a segment, in order."""


@dataclass(frozen=True, eq=False)
class Hook:
    """A function that a mechanism runs in a stage."""

    stage: StageName
    order: int
    """Position within the stage, ascending; no two hooks of a stage share one."""
    do: Callable[[World, Segment], None]


class Fault(NamedTuple):
    """Something wrong in a scenario whose form is valid."""

    path: tuple[str | int, ...]
    """Where: keys and positions in lists, for instance `("resettlement", 0, "into")`."""
    message: str
    """What is wrong; `{}` stands for the path as users write it."""
    hint: str = ""
    """What to do instead."""


def keys_of(kind: type[P], scenario: Scenario) -> P:
    """Give a scenario as one that has the keys of a mechanism.

    Args:
        kind: The mechanism's `Part`, as in `Mechanism.keys`.
        scenario: A scenario that was read, so that it has the keys of all mechanisms.

    Raises:
        TypeError: It does not have them.
    """
    if not isinstance(scenario, kind):
        raise TypeError(f"the scenario lacks the keys of {kind.__name__}")
    return scenario


@dataclass(frozen=True, eq=False)
class Mechanism:
    """Everything that one mechanism adds to the model."""

    name: str
    """Name of its file."""
    text: str
    """What it does: completes a sentence that begins with its name."""
    keys: type[Part] | None = None
    """Sections that it adds to a scenario: a `Part` with a field for each."""
    rule_keys: type[Part] | None = None
    """Keys that it adds to rules of states (`policies`): a `Part` with a field for each, which says
    what holds `otherwise`. They apply to rules about a country, also those limited to some
    nationalities (`citizens_of`)."""
    checks: Callable[[Scenario], Iterable[Fault]] | None = None
    """What can be wrong in its keys although their form is valid."""
    states: tuple[State[Any], ...] = ()
    """State that it keeps from step to step."""
    counters: tuple[Counter[Any], ...] = ()
    tables: tuple[Table, ...] = ()
    draws: tuple[Draw, ...] = ()
    dates: Callable[[World], Iterable[int]] | None = None
    """Days from the start of its dated changes; steps are cut into segments there."""
    hooks: tuple[Hook, ...] = ()

    def __post_init__(self) -> None:
        """Refuse keys of rules that are neither numbers nor yes or no, or may have no value.

        Tables hold them.
        """
        for name, field in (self.rule_keys.model_fields if self.rule_keys else {}).items():
            if strip(field.annotation) not in (bool, int, float):
                raise TypeError(
                    f"{self.name}: the key {name} of rules is neither a number nor true or false;"
                    " lists and words need a section of their own (`keys`)"
                )
            if self.rule_keys and self.rule_keys.declared[name].otherwise is None:
                raise TypeError(
                    f"{self.name}: the key {name} of rules does not say what holds otherwise"
                )
