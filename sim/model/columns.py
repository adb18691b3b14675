"""Columns that several output tables share, and their possible values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Final, Literal

from sim.core.terms import (
    Activity,
    Answer,
    Channel,
    ClaimStage,
    Education,
    Harm,
    PartyType,
    Sex,
    Status,
    Threat,
    VitalEvent,
)

if TYPE_CHECKING:
    from sim.schema import Scenario

Kind = Literal["int", "float", "date", "text", "bool"]

MONEY: Final = "money"
"""Unit of columns in the scenario's currency, which `Record.money_unit` gives."""


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a table."""

    name: str
    kind: Kind
    unit: str
    text: str
    """Short description."""
    optional: bool = False
    """Whether only some runs have it."""
    words: Callable[[Scenario], list[str]] | None = None
    """For a column of words: all possible values, in order."""
    country: str | None = None
    """For a column of places: name of the column with their countries, which follows it."""
    formerly: str = ""
    """What it was called before, if it was; tables that were kept and sweeps may say so."""

    def named(self, name: str, text: str, country: str | None = None) -> Column:
        """Copy this column under another name and description."""
        return replace(self, name=name, text=text, country=country)

    def words_in(self, scenario: Scenario) -> list[str]:
        """All possible values of a column of words in a scenario, in order."""
        assert self.words is not None, f"{self.name} holds no words"
        return self.words(scenario)

    def size(self, scenario: Scenario) -> int:
        """Length of an axis."""
        return len(self.words_in(scenario))


def words_of(enum: type[IntEnum]) -> Callable[[Scenario], list[str]]:
    """Names of an enum's members, the same for every scenario."""
    names = [member.name for member in enum]
    return lambda _: names


def place_ids(scenario: Scenario) -> list[str]:
    """Ids of all places."""
    return [it.id for it in scenario.places]


def country_ids(scenario: Scenario) -> list[str]:
    """Ids of all countries."""
    return [it.id for it in scenario.countries]


def corridor_ids(scenario: Scenario) -> list[str]:
    """Ids of all corridors, then of all countries: locations of events on the way.

    If a corridor and a country share an id, the country's gets a number appended.
    """
    ids = [it.id for it in scenario.corridors] + country_ids(scenario)
    seen: dict[str, int] = {}
    result = []
    for name in ids:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return result


def group_ids(scenario: Scenario) -> list[str]:
    """`other`, then ids of all groups."""
    return ["other"] + [it.id for it in scenario.groups]


def age_words(_scenario: Scenario) -> list[str]:
    """Age groups, in years."""
    return ["0-17", "18-34", "35-64", "65+"]


def only_corridor_ids(scenario: Scenario) -> list[str]:
    """Ids of all corridors, as in `corridor_ids`."""
    return corridor_ids(scenario)[: len(scenario.corridors)]


PLACE: Final = Column("place", "text", "id", "place of stay", words=place_ids, country="country")
CITIZENSHIP: Final = Column(
    "citizenship", "text", "id",
    "country people are from: their citizenship at the start, or their mother's at birth",
    words=country_ids,
)  # fmt: skip
COUNTRY: Final = Column("country", "text", "id", "country", words=country_ids)
CORRIDOR: Final = Column("corridor", "text", "id", "corridor", words=corridor_ids)
CORRIDOR_ONLY: Final = Column(
    "corridor", "text", "id", "corridor that they passed through", words=only_corridor_ids
)
THREAT: Final = Column("threat", "text", "word", "one of the seven threats", words=words_of(Threat))
ANSWER: Final = Column(
    "answer", "text", "word", "choice, necessity, no_means, no_permission",
    words=lambda _: [answer.name for answer in Answer if answer != Answer.stays],
)  # fmt: skip
CHANNEL: Final = Column(
    "channel", "text", "word", "way of entering (labour, family, asylum, ...)",
    words=words_of(Channel),
)  # fmt: skip
HARM: Final = Column(
    "harm", "text", "word", "death, violence, extortion, ...", words=words_of(Harm)
)
STATUS: Final = Column(
    "status", "text", "word", "legal status (citizen, displaced, refugee, ...)",
    words=words_of(Status),
)  # fmt: skip
ACTIVITY: Final = Column(
    "activity", "text", "word", "resident, waiting, travelling, ..., dead",
    words=words_of(Activity),
)  # fmt: skip
EVENT: Final = Column("event", "text", "word", "birth or death", words=words_of(VitalEvent))
STAGE: Final = Column(
    "stage", "text", "word",
    "claimed, accepted (a refugee on arrival, no claim), recognised, rejected",
    words=words_of(ClaimStage),
)  # fmt: skip
PARTY: Final = Column(
    "party", "text", "word", "adults, families, or children_alone (all under 18)",
    words=words_of(PartyType),
)  # fmt: skip


BY: Final[Mapping[str, Column]] = {
    column.name: column
    for column in (
        PLACE,
        PLACE.named("home", "place of origin", "home_country"),
        CITIZENSHIP,
        Column("group", "text", "id", "group, or other", words=group_ids),
        Column("sex", "text", "word", "man or woman", words=words_of(Sex)),
        Column("education", "text", "word", "highest level completed", words=words_of(Education)),
        Column("age", "text", "word", "years of age", words=age_words),
    )
}
"""Columns that `outputs.by` may name."""
