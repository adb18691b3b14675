"""Arrays that persist from step to step: axes, dtype, unit and bytes per person.

| array | dtype | bytes | what |
|---|---|---|---|
| pid | uint64 | 8 | identity: hash(place of birth, ordinal), or hash(mother, month of birth) |
| household | uint32 | 4 | row of the household's founder; equal rows live and move together |
| sibling | uint32 | 4 | next row of the same birth household, in a circle |
| home | uint16 | 2 | place of origin |
| place | uint16 | 2 | place of stay; on the way, the last place reached |
| moved | int16 | 2 | day of the last move, counted from the start |
| blocked_on | int16 | 2 | day of the last `no_means` or `no_permission` |
| born | int16 | 2 | month of birth, counted from the start |
| rank | uint16 | 2 | wealth rank / 65536 |
| means | float32 | 4 | money at hand (of the head, for the household) |
| group | uint8 | 1 | index of the group, 0 = other |
| traits | uint8 | 1 | sex (bit 0), education (1-2), grounds for asylum (3), taste class (4-7) |
| kin | uint8 | 1 | country with close family, + 1; 0 = none |
| status | uint8 | 1 | `Status` |
| activity | uint8 | 1 | `Activity` |
| flags | uint8 | 1 | head (bit 0), blocked by permission (1), blocked at all (2), history (3-7) |
| mask | uint8 | 1 | threats the household is exposed to, bit k |
| came | uint8 | 1 | country left at the last border crossed, + 1; 0 = none crossed |
| uprooted | uint8 | 1 | threats that uprooted the household, bit k; 0 = none, or settled again |
| **sum** | | **41** | |

Newborns are appended; the dead keep their rows.
People on the way, applications, claims, orders to leave and separated children are kept in separate
tables (`Parties`, `Applications`, `Claims`, `Orders`, `Separations`), because they concern few
people.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
I64 = NDArray[np.int64]
U32 = NDArray[np.uint32]
I16 = NDArray[np.int16]
U64 = NDArray[np.uint64]
U16 = NDArray[np.uint16]
U8 = NDArray[np.uint8]
I8 = NDArray[np.int8]
Bool = NDArray[np.bool_]

LONG_AGO: Final = -32768
"""Value of `moved` and `blocked_on` for "never"."""
MICRO: Final = 1 << 20
"""Fixed-point units per person, for sums of shares that are exact and do not depend on order."""
DAYS_A_YEAR: Final = 365.25

HEAD: Final = 1
BLOCKED_PERMISSION: Final = 2
BLOCKED: Final = 4
MOVED_ABROAD: Final = 8
MOVED_WITHIN: Final = 16
EVER_NO_MEANS: Final = 32
EVER_NO_PERMISSION: Final = 64
DIED_NATURALLY: Final = 128
LEADS: Final = HEAD | BLOCKED_PERMISSION | BLOCKED
"""Flags of a household, stored with its head and passed on to the next head."""
PAST: Final = 255 - LEADS
"""Flags of a person's history: set once and never cleared, also for the dead."""

WOMAN: Final = 1
GROUNDS: Final = 8


class People(NamedTuple):
    """All persons, one row each; see the table above."""

    pid: U64
    household: U32
    sibling: U32
    home: U16
    place: U16
    moved: I16
    blocked_on: I16
    born: I16
    rank: U16
    means: F32
    group: U8
    traits: U8
    kin: U8
    status: U8
    activity: U8
    flags: U8
    mask: U8
    came: U8
    uprooted: U8


def bytes_per_person(people: People) -> float:
    """Bytes per person of the persistent arrays."""
    return sum(column.nbytes for column in people) / max(1, len(people.pid))


@dataclass
class Parties:
    """Households (or parts of them) on the way, one row each, in no particular order."""

    head: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    """Row of the party's head."""
    goal: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    """Destination place."""
    origin: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    """Place of departure."""
    channel: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    answer: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    felt: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    """Threats felt where it lived that made it set out, bit k; 0: none, or only earlier ones."""
    leg: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    """Current leg; DIRECT for regular travel, HELD while detained or captive, NONE at a node;
    REMOVED - leg while detained on a leg before being taken home."""
    due: F64 = field(default_factory=lambda: np.empty(0, np.float64))
    """Day, counted from the start, on which the current leg, journey or detention ends."""
    began: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    """Day of departure; each journey gets different random draws by it."""
    n_legs: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    """Legs begun so far."""
    entered: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    """First country entered of a bloc that makes it responsible for claims, or NONE."""
    caravan: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    """Number of the caravan in which they travel, or NONE."""
    attempt: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    """Number of the attempt to reach another country by corridors, from 1."""
    passed: U64 = field(default_factory=lambda: np.empty((0, 1), np.uint64))
    """[party, word] a bit for every place where the journey has been, 64 places a word."""


@dataclass
class Applications:
    """Households that applied to a regular channel and wait where they live."""

    head: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    goal: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    channel: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    answer: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    felt: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    """Threats felt where it lived that made it apply, bit k; 0: none, or only earlier ones."""
    companions: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    applied: F64 = field(default_factory=lambda: np.empty(0, np.float64))
    """Day of application."""
    ready: F64 = field(default_factory=lambda: np.empty(0, np.float64))
    """Day on which an admitted household may travel; infinite while not admitted."""


@dataclass
class Claims:
    """Persons who wait for a decision on asylum."""

    person: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    country: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    claimed: F64 = field(default_factory=lambda: np.empty(0, np.float64))


@dataclass
class Orders:
    """Persons ordered to leave, one row per order."""

    person: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    country: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    ordered: F64 = field(default_factory=lambda: np.empty(0, np.float64))
    """Day of the order."""


@dataclass
class Separations:
    """Children whom a state holds apart from the adults they came with, one row per household."""

    children: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    """Row of the founder of the children's household."""
    adults: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    """Row of the founder of the household that they were taken from."""
    country: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    """Country that holds them."""
    since: F64 = field(default_factory=lambda: np.empty(0, np.float64))
    """Day on which they were separated."""


@dataclass
class Attempts:
    """Households with failed attempts to reach another country by corridors, since they arrived."""

    household: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    """Row of the founder."""
    failed: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    """Number of failed attempts."""


Sparse = Parties | Applications | Claims | Orders | Separations | Attempts


def take(table: Sparse, keep: Bool | I64) -> None:
    """Keep the chosen rows of a sparse table."""
    for column in fields(table):
        setattr(table, column.name, getattr(table, column.name)[keep])


def append(table: Sparse, **columns: F64 | I64 | U64 | int | float) -> None:
    """Add rows; scalars are repeated."""
    n = max(len(np.atleast_1d(value)) for value in columns.values())
    for column in fields(table):
        old = getattr(table, column.name)
        new = np.asarray(columns[column.name], dtype=old.dtype)
        new = np.broadcast_to(new, (n, *old.shape[1:]))
        setattr(table, column.name, np.concatenate([old, new]))


class Moves(NamedTuple):
    """A batch of people who set out, or who arrived; columns of equal length."""

    citizenship: I64
    origin: I64
    destination: I64
    channel: I64
    answer: I64
    people: I64


class Reasons(NamedTuple):
    """Why parties set out or apply; columns of equal length."""

    answer: I64
    """Choice or necessity."""
    felt: I64
    """Threats felt where they live that make them go, bit k; 0: none, or only earlier ones."""

    def of(self, rows: Bool) -> Reasons:
        """Those of some parties."""
        return Reasons(self.answer[rows], self.felt[rows])


class Legs(NamedTuple):
    """Every (corridor, route option) as one row, grouped by the place where it starts.

    Axis: leg. `first[p]:first[p + 1]` are the legs that start at place p.
    """

    first: I64
    source: I64
    target: I64
    corridor: I64
    days: F64
    price: F64
    enforcement_met: F64
    death: F64
    violence: F64
    extortion: F64
    money_lost: F64
    kidnapping: F64
    crosses: Bool
    into_camp: Bool
    ident: U64
    """Hash of the leg's id: draws do not depend on the order of corridors."""


NONE: Final = -1
DIRECT: Final = -2
HELD: Final = -3
REMOVED: Final = -4
