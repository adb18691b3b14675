"""The types of scenario keys: words, shares, amounts and dates, each with its range."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BeforeValidator, Field, WithJsonSchema


def refuse_bool(value: Any) -> Any:
    """Keep true and false from being read as 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("must be a whole number")
    return value


def listed(value: Any) -> Any:
    """Read one word as a list of it."""
    return (value,) if isinstance(value, str) else value


class Refers:
    """Marks an id that has to be one of the scenario's countries, places and so on.

    The keys that use such a type, those of mechanisms included, are checked without further code.
    """

    def __init__(self, *kinds: str) -> None:
        self.kinds = kinds


Id = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=64)]
DEVICES: Final = frozenset(
    ["con", "prn", "aux", "nul"] + [f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)]
)
"""Words that name no file or folder on Windows, in whatever capitals."""
CountryId = Annotated[Id, Refers("countries")]
PlaceId = Annotated[Id, Refers("places")]
CorridorId = Annotated[Id, Refers("corridors")]
RegionId = Annotated[Id, Refers("places", "countries")]
"""A place, or a country for all its places."""
NationalityId = Annotated[Id, Refers("countries", "groups")]
"""A country for its citizens, or a group of them."""
Share = Annotated[float, Field(strict=True, ge=0, le=1)]
Positive = Annotated[float, Field(strict=True, gt=0, le=1e15)]
Amount = Annotated[float, Field(strict=True, ge=0, le=1e15)]
Reading = Annotated[float, Field(strict=True, ge=-1e15, le=1e15)]
Coefficient = Annotated[float, Field(strict=True, ge=-50, le=50)]
Weight = Annotated[float, Field(strict=True, ge=0, le=50)]
Flag = Annotated[bool, Field(strict=True)]
Words = Annotated[
    tuple[str, ...],
    BeforeValidator(listed, json_schema_input_type=str | tuple[str, ...]),
]
ThreatName = Literal[
    "economic", "food", "health", "environmental", "personal", "community", "political"
]
StatusName = Literal[
    "citizen", "displaced", "regular", "refugee", "claimant", "irregular", "ordered"
]
ChannelName = Literal[
    "labour", "family", "asylum", "irregular", "internal", "home", "free", "relocation"
]
EntryChannel = Literal["labour", "family", "asylum", "irregular"]
EducationName = Literal["none", "secondary", "tertiary"]
PartyTypeName = Literal["adults", "families", "children_alone"]
DAY = re.compile(r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2}))?")
FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2200


def parse_date(value: Any) -> Any:
    """Read `YYYY-MM-DD`, or `YYYY-MM` as the first day of that month; within three centuries."""
    return _parse_day(value, last=False)


def parse_last_day(value: Any) -> Any:
    """Read `YYYY-MM-DD`, or `YYYY-MM` as the last day of that month; within three centuries."""
    return _parse_day(value, last=True)


def _parse_day(value: Any, last: bool) -> date:
    if isinstance(value, str) and (match := DAY.fullmatch(value)):
        year, month = int(match[1]), int(match[2])
        if year >= 1 and 1 <= month <= 12:
            n_days = monthrange(year, month)[1]
            day = int(match[3]) if match[3] else n_days if last else 1
            if 1 <= day <= n_days:
                value = date(year, month, day)
    if not isinstance(value, date):
        raise ValueError("is not a date")
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValueError(f"lies outside of {FIRST_YEAR} to {LAST_YEAR}")
    return value


Date = Annotated[
    date,
    BeforeValidator(parse_date),
    WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d{2}(-\d{2})?$"}),
]
LastDay = Annotated[
    date,
    BeforeValidator(parse_last_day),
    WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d{2}(-\d{2})?$"}),
]


def strip(annotation: Any) -> Any:
    """Return a type without `None` and without annotations."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in (Union, UnionType):
            annotation = next(it for it in get_args(annotation) if it is not type(None))
        else:
            return annotation
