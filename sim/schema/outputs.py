"""What a run keeps, and what it is compared with."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from sim.schema.key import Part, key
from sim.schema.tables import KEPT, TableName
from sim.schema.types import (
    Amount,
    ChannelName,
    CountryId,
    Date,
    Flag,
    Id,
    LastDay,
    PartyTypeName,
    Refers,
    StatusName,
    Words,
    listed,
    refuse_bool,
)

ByColumn = Literal["place", "home", "citizenship", "group", "sex", "education", "age"]


class Observed(Part):
    """An observed figure, to compare with the simulated one."""

    id: Id = key(..., "Word by which reports name the figure.")
    what: Literal[
        "refugees", "deaths", "arrivals", "displaced", "asylum_seekers", "foreign_born",
        "interceptions", "kidnappings", "forced_returns", "separations",
    ] = key(..., "What was counted.")  # fmt: skip
    of: Annotated[
        tuple[CountryId, ...],
        Field(min_length=1),
        BeforeValidator(listed, json_schema_input_type=Id | tuple[Id, ...]),
    ] = key(..., "Country of citizenship of those who were counted, or several to be summed.")
    at: Annotated[Id, Refers("countries", "corridors")] | None = key(
        None,
        "Country or corridor where they were counted.",
        left_out="anywhere outside of the country of citizenship",
    )
    party: PartyTypeName | None = key(
        None,
        "For interceptions: whether adults, families or unaccompanied children were counted.",
        left_out="all of them",
    )
    statuses: Annotated[
        tuple[StatusName, ...],
        BeforeValidator(listed, json_schema_input_type=StatusName | tuple[StatusName, ...]),
    ] = key(
        (),
        "For refugees, asylum seekers and foreign-born: whom the figure counts, by their status in "
        "the run, so that like is compared with like. None: of refugees all who are refugee, "
        "claimant, irregular or ordered, as where those who flee register on arrival; of asylum "
        "seekers claimant; of foreign-born everybody.",
    )
    channels: Annotated[
        tuple[ChannelName, ...],
        BeforeValidator(listed, json_schema_input_type=ChannelName | tuple[ChannelName, ...]),
    ] = key(
        (),
        "For arrivals in a country: by which channels those came who are counted. None: by any.",
    )
    date: LastDay = key(
        ...,
        "Last day counted; a month means its last day. People who live somewhere are counted at "
        "its end, events up to its end.",
    )
    since: Date | None = key(
        None,
        "First day of the events counted; of no meaning for refugees, asylum seekers, displaced "
        "and foreign-born, who are counted on one day.",
        left_out="from the beginning",
    )
    people: Amount = key(
        ...,
        "How many there were.",
        unit="persons",
        higher="nothing in the run: the figure is only compared with it",
    )
    source: Words = key((), "Ids of the references that the figure comes from, or `assumption`.")


class Outputs(Part):
    """What a run keeps."""

    every: Annotated[int, BeforeValidator(refuse_bool), Field(ge=1, le=10_000)] = key(
        1,
        "Steps that are summed into one row of a table of events; people are counted at the end "
        "of each such period.",
        unit="steps",
        higher="shorter tables, with less detail in time",
        source="a choice of detail",
    )
    tables: tuple[TableName, ...] = key(
        KEPT,
        "Which tables are kept. `persons`, with a row for every simulated person, is kept only if "
        "it is named.",
    )
    by: tuple[ByColumn, ...] = key(
        ("place",), "Columns by which the tables `answers` and `attribution` are split."
    )
    expected: Flag = key(
        False,
        "Whether expected events are tabulated in addition to drawn ones, from the model's own "
        "probabilities. They have less noise and take longer.",
    )
