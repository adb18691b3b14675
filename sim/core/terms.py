"""The terms of the model: enums that name array axes and table values.

This module imports nothing from the package; every other module may import it.
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
    """The five outcomes of a household's decision whether to move."""

    choice = 0
    necessity = 1
    no_means = 2
    no_permission = 3
    stays = 4


class Channel(IntEnum):
    """How a person enters a destination.

    `internal`, `home` and `free` (within a bloc) need no permission. `relocation` is not chosen by
    people, but by states that share claimants.
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
"""Channels in the nest of a destination abroad: the first four of `Channel`."""


class Companions(IntEnum):
    """Who goes: the whole household, one adult ahead of it, or an unaccompanied child."""

    whole = 0
    pioneer = 1
    child = 2


class PartyType(IntEnum):
    """Composition of a party on the way; borders may treat each type differently."""

    adults = 0
    families = 1
    children_alone = 2


class Hazard(IntEnum):
    """The two competing hazards of moving: for a better living, or for safety."""

    livelihood = 0
    flight = 1


class Status(IntEnum):
    """A person's legal status where they live."""

    citizen = 0
    displaced = 1
    regular = 2
    refugee = 3
    claimant = 4
    irregular = 5
    ordered = 6


class Activity(IntEnum):
    """The state of a person; everyone is in exactly one."""

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
    """Births and natural deaths; deaths on the way are harms, and not counted here."""

    birth = 0
    death = 1


class HouseholdChange(IntEnum):
    """Why people come to live in another household at the same place."""

    founded = 0
    """They set up a household of their own."""
    reunited = 1
    """They live together again with the family that one of them had gone ahead of."""
    taken_in = 2
    """They are under 15, and nobody older lived with them."""
    joined = 3
    """They lived alone and join relatives, or the family of a partner."""


class Journey(IntEnum):
    """Stages of journeys by corridors to another country."""

    departed = 0
    arrived = 1
    failed = 2


class ClaimStage(IntEnum):
    """Stages of asylum claims that are counted.

    `accepted` means refuge without a claim, where all of a group are recognised on arrival.
    """

    claimed = 0
    accepted = 1
    recognised = 2
    rejected = 3


class Harm(IntEnum):
    """Harms to people on the way."""

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
