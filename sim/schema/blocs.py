"""States that share rules."""

from typing import Annotated

from pydantic import Field

from sim.schema.key import OURS, Part, key
from sim.schema.types import Amount, CountryId, Date, Flag, Id, LastDay, Share, Words


class Transition(Part):
    """A time in which some members' citizens do not move freely into some others yet."""

    citizens_of: tuple[Id, ...] = key(..., "Members whose nationals do not move freely yet.")
    into: tuple[Id, ...] = key(..., "Members where they may not live freely yet.")
    end: LastDay = key(..., "Last day of the exception; a month means its last day.")


declare = key  # a field of the next part is called key


class Sharing(Part):
    """Claimants who are relocated within a bloc, by a key."""

    from_: tuple[Id, ...] = key(
        ..., "Members at the front line, whose claimants are relocated.", alias="from"
    )
    key: dict[Id, Share] = key(
        ...,
        "Part of the pledge that each member is to take; the rest is for members outside of the "
        "scenario.",
        unit="share",
        higher="that member takes in more claimants",
    )
    pledge: Amount = declare(
        ...,
        "People promised to be relocated in all, evenly from `start` to `end`.",
        unit="persons",
        higher="more claimants are relocated",
    )
    compliance: dict[Id, Share] = declare(
        {},
        "Part of its promise that a member keeps, by member; 1 where none is stated.",
        unit="share",
        higher="that member takes in more of what it promised",
        source=OURS,
    )
    start: Date = declare(..., "First day of the relocation.")
    end: LastDay = declare(..., "Last day of the relocation; a month means its last day.")


class Suspension(Part):
    """A time in which some members send nobody to the first country, or nobody is sent to some."""

    by: tuple[Id, ...] = key((), "Members that send nobody. Empty: all.")
    to: tuple[Id, ...] = key((), "Members that nobody is sent to. Empty: all.")
    start: Date | None = key(
        None, "First day on which nobody is sent.", left_out="from the beginning"
    )
    end: LastDay | None = key(
        None, "Last day on which nobody is sent; a month means its last day.", left_out="forever"
    )
    source: Words = key((), "Ids of the references that this comes from, or `assumption`.")


class FirstCountry(Part):
    """The member that people entered first is responsible for their claims."""

    transfers: Share = key(
        0.1,
        "Part of those coming to claim asylum in another member who are sent to the first one.",
        unit="share",
        higher="more claimants are sent back to the members at the edge of the bloc",
        source=OURS,
    )
    suspended: tuple[Suspension, ...] = key(
        (), "Times in which nobody is sent, by some members or to some."
    )


class Bloc(Part):
    """States that share rules: free movement, responsibility for asylum claims, relocation."""

    id: Id = key(..., "Word by which overrides and messages name the group of states.")
    members: Annotated[tuple[CountryId, ...], Field(min_length=1)] = key(
        ..., "Ids of the countries that belong to it at any time."
    )
    entries: dict[Id, Date] = key(
        {}, "First day of countries that did not belong to it from the beginning."
    )
    exits: dict[Id, LastDay] = key({}, "Last day of countries that leave; a month: its last day.")
    free_movement: Flag = key(
        False, "Whether citizens of one member need nobody's permission to live in another."
    )
    transitional: tuple[Transition, ...] = key(
        (), "Exceptions from free movement for a time, as after an enlargement."
    )
    first_country: FirstCountry | None = key(
        None,
        "Whether claimants are sent back to the member that they came through first, and how many.",
        left_out="nobody is sent back",
    )
    sharing: Sharing | None = key(
        None,
        "Relocation of claimants from some members to others by a fixed key.",
        left_out="nobody is relocated",
    )
    enabled: Flag = key(True, "False switches it off.")
    source: Words = key((), "Ids of the references that this comes from, or `assumption`.")
