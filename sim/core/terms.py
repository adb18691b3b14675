"""The words of the model: every enum that names an array axis or a table's value.

Nothing here imports anything of ours; every other room may import this one.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Threat(IntEnum):
    """UNDP's seven threats (Human Development Report 1994), in the report's order."""

    economic = 0
    food = 1
    health = 2
    environmental = 3
    personal = 4
    community = 5
    political = 6


WANT: Final = (Threat.economic, Threat.food, Threat.health, Threat.environmental)
"""Freedom from want: the first four axes."""
FEAR: Final = (Threat.personal, Threat.community, Threat.political)
"""Freedom from fear: the last three axes."""
N_THREATS: Final = 7


class Answer(IntEnum):
    """The five answers to "do you move?"."""

    choice = 0
    necessity = 1
    no_means = 2
    no_permission = 3
    stays = 4


class Channel(IntEnum):
    """How a person enters a destination.

    `internal`, `home` and `free` (within a bloc) need nobody's leave; `relocation` is no choice of
    the person's, but of states that share claimants.
    """

    labour = 0
    family = 1
    asylum = 2
    irregular = 3
    internal = 4
    home = 5
    free = 6
    relocation = 7


N_SLOTS: Final = 4
"""Alternatives that share one destination's nest: the four border channels, or one free one."""


class Companions(IntEnum):
    """Who goes: the household, one adult ahead of it, or an unaccompanied child."""

    whole = 0
    pioneer = 1
    child = 2


class Company(IntEnum):
    """Who is in a party on the way: borders treat them by different rules."""

    adults = 0
    families = 1
    children_alone = 2


class Hazard(IntEnum):
    """The two competing reasons to go: to live better, or to be safe."""

    livelihood = 0
    flight = 1


class Status(IntEnum):
    """A person's standing where they live."""

    citizen = 0
    displaced = 1
    regular = 2
    refugee = 3
    claimant = 4
    irregular = 5
    ordered = 6


class Activity(IntEnum):
    """The one state that every person is in; the account of people is kept over these."""

    resident = 0
    waiting = 1
    travelling = 2
    stranded = 3
    detained = 4
    captive = 5
    dead = 6


class Sex(IntEnum):
    """Sex as population statistics record it."""

    man = 0
    woman = 1


class Education(IntEnum):
    """Highest level completed."""

    none = 0
    secondary = 1
    tertiary = 2


class VitalEvent(IntEnum):
    """How people enter and leave the account; deaths on the way are harms, and not counted here."""

    birth = 0
    death = 1


class Journey(IntEnum):
    """What becomes of those who set out by corridors for another country."""

    departed = 0
    arrived = 1
    failed = 2


class ClaimStage(IntEnum):
    """What becomes of a wish for asylum: all that is ever counted of claims.

    `accepted` is refuge without a claim, where all of a group are taken for refugees on arrival.
    """

    claimed = 0
    accepted = 1
    recognised = 2
    rejected = 3


class Harm(IntEnum):
    """What is done to people on the way."""

    death = 0
    violence = 1
    extortion = 2
    kidnapping = 3
    interception = 4
    detention = 5
    stranding = 6
    forced_return = 7
    prosecution = 8
    separation = 9
    bribe = 10
