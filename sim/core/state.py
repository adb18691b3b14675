"""Arrays that persist from step to step: axes, dtype, unit and bytes.

Households decide, move and have means, a place and a legal status. Their members are persons.

| households | dtype | bytes | what |
|---|---|---|---|
| ident | uint64 | 8 | identity, which sets all of its draws: see `founding_ident` |
| head | uint32 | 4 | row of the person who leads it, its first member; `NOBODY` if none is left |
| relative | uint32 | 4 | next household of the same family, in a circle |
| weight | uint32 | 4 | people that each member represents |
| means | float32 | 4 | money at hand |
| home | uint16 | 2 | place of origin |
| place | uint16 | 2 | place of stay; on the way, the last place reached |
| moved | int16 | 2 | day of the last move, counted from the start |
| since | int16 | 2 | day from which its status counts: of a claim, an order, a regular stay |
| blocked_on | int16 | 2 | day of the last `no_means` or `no_permission` |
| rank | uint16 | 2 | wealth rank / 65536 |
| size | uint16 | 2 | members alive |
| citizenship | uint8 | 1 | country |
| group | uint8 | 1 | index of the group, 0 = other |
| kin | uint8 | 1 | country with close family, + 1; 0 = none |
| status | uint8 | 1 | `Status` |
| activity | uint8 | 1 | `Activity`; `dead` if nobody is left |
| flags | uint8 | 1 | blocked (bit 0), by permission (1), grounds (2), to a camp (3), apart (4) |
| mask | uint8 | 1 | threats it is exposed to, bit k |
| came | uint8 | 1 | country left at the last border crossed, + 1; 0 = none crossed |
| uprooted | uint8 | 1 | threats that uprooted it, bit k; 0 = none, or settled again |
| failed | uint8 | 1 | attempts to reach another country that have failed since it last arrived |
| makeup | uint8 | 1 | children (bit 0), women (1), old people (2) among its members; changed (3) |
| **sum** | | **49** | |

| persons | dtype | bytes | what |
|---|---|---|---|
| pid | uint64 | 8 | identity: hash(place of birth, ordinal), or hash(mother, her age, point) |
| household | uint32 | 4 | row of the household; of the dead, the last one |
| next | uint32 | 4 | next living member of the household, from its head on; `NOBODY` = the last |
| born | int16 | 2 | month of birth, counted from the start |
| due | int16 | 2 | month in which births and deaths next look at it: see `draw_vital_events` |
| traits | uint8 | 1 | sex (bit 0), education (1-2), taste class (4-7) |
| past | uint8 | 1 | history (bits 0-3), died naturally (4), died on the way (5) |
| **sum** | | **22** | |

At four members a household, that is 34 bytes a person. New households and the newborn are appended;
those who die, and households whose members are all gone, keep their rows.
What concerns few households is kept in separate tables: journeys and applications (`Plans`), and
children separated from their parents (`Separations`).
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
Bool = NDArray[np.bool_]

LONG_AGO: Final = -32768
"""Value of `moved`, `since` and `blocked_on` for "never"."""
MICRO: Final = 1 << 20
"""Fixed-point units per person, for sums of shares that are exact and do not depend on order."""
DAYS_A_YEAR: Final = 365.25
NOBODY: Final = np.uint32(0xFFFFFFFF)
"""Value of `head` and `next` where no person follows."""

BLOCKED: Final = 1
BLOCKED_PERMISSION: Final = 2
GROUNDS: Final = 4
TO_CAMP: Final = 8
APART: Final = 16
"""Flags of a household: refused in the last year, for lack of permission; with grounds for asylum;
to be taken to a camp; founded by a member who went ahead, and apart from the family."""

MOVED_ABROAD: Final = 1
MOVED_WITHIN: Final = 2
EVER_NO_MEANS: Final = 4
EVER_NO_PERMISSION: Final = 8
DIED_NATURALLY: Final = 16
DIED_ON_THE_WAY: Final = 32
"""What has ever happened to a person: set once and never cleared."""
DIED: Final = DIED_NATURALLY | DIED_ON_THE_WAY

WOMAN: Final = 1

CHILDREN, WOMEN, OLD = 1, 2, 4
"""Bits of `makeup`: who is among the members of a household."""
VULNERABLE: Final = CHILDREN | WOMEN | OLD
CHANGED: Final = 8
"""Bit of `makeup`: something has changed since its exposure to threats was last drawn."""


class Households(NamedTuple):
    """All households, one row each; see the table above."""

    ident: U64
    head: U32
    relative: U32
    weight: U32
    means: F32
    home: U16
    place: U16
    moved: I16
    since: I16
    blocked_on: I16
    rank: U16
    size: U16
    citizenship: U8
    group: U8
    kin: U8
    status: U8
    activity: U8
    flags: U8
    mask: U8
    came: U8
    uprooted: U8
    failed: U8
    makeup: U8


class Persons(NamedTuple):
    """All persons, one row each; see the table above."""

    pid: U64
    household: U32
    next: U32
    born: I16
    due: I16
    traits: U8
    past: U8


def bytes_per_person(households: Households, persons: Persons) -> float:
    """Bytes per person of the persistent arrays."""
    held = sum(column.nbytes for table in (households, persons) for column in table)
    return held / max(1, len(persons.pid))


class Plans(NamedTuple):
    """What households are up to that are on the way, wait for permission, or have a day in court.

    One row each, by household, ascending.
    """

    household: I64
    now: F64
    """Day, counted from the start, up to which all has happened that happens to it."""
    court: F64
    """Day on which its claim for asylum is decided, where decisions are limited; else infinite."""
    goal: I64
    """Destination place."""
    origin: I64
    """Place of departure."""
    channel: I64
    companions: I64
    answer: I64
    felt: I64
    """Threats felt where it lived that made it go, bit k; 0: none, or only earlier ones."""
    word: U64
    """Hash of the event at which it decided to go: other journeys have other draws."""
    filed: F64
    """Day of its application."""
    due: F64
    """Day on which the current leg, journey or detention ends, or on which an applicant may travel;
    infinite while not admitted."""
    leg: I64
    """Current leg; DIRECT for regular travel, HELD while detained or captive, NONE at a node;
    REMOVED - leg while detained on a leg before being taken home."""
    n_legs: I64
    """Legs begun so far."""
    entered: I64
    """First country entered of a bloc that makes it responsible for claims, or NONE."""
    caravan: I64
    """Number of the caravan in which they travel, or NONE."""
    passed: U64
    """[row, word] a bit for every place where the journey has been, 64 places a word."""


@dataclass
class Separations:
    """Children whom a state holds apart from the adults they came with, one row per household."""

    children: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    """Row of the children's household."""
    adults: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    """Row of the household that they were taken from."""
    country: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    """Country that holds them."""
    since: F64 = field(default_factory=lambda: np.empty(0, np.float64))
    """Day on which they were separated."""


def take(table: Separations, keep: Bool | I64) -> None:
    """Keep the chosen rows of a sparse table."""
    for column in fields(table):
        setattr(table, column.name, getattr(table, column.name)[keep])


def append(table: Separations, **columns: F64 | I64 | U64 | int | float) -> None:
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
