"""How a key of a scenario is declared: once, with everything that a user may ask of it.

A section of the scenario is a subclass of `Part`, and each of its fields a `key`:

    class Profile(Part):
        under_15: Share = key(
            0.30,
            "Share of people under 15 years.",
            unit="share",
            higher="more children in each household, and fewer adults who can decide",
            source=OURS,
        )

`sim explain`, `sim schema`, `docs/keys.md`, the tables of defaults in `docs/model.md` and the hints
of errors are all made from these declarations. The range is that of the field's type.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final
from warnings import warn

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.fields import FieldInfo

from sim.scenario.errors import OldNameWarning

OURS: Final = "our assumption"
"""Source of a default that nobody measured."""
UNTIL: Final = "0.3"
"""Version from which on the old names of keys are no longer read."""


def key(
    default: Any,
    meaning: str,
    *,
    unit: str = "",
    higher: str = "",
    source: str = "",
    left_out: str = "",
    symbol: str = "",
    formerly: str = "",
    alias: str | None = None,
) -> Any:
    """Declare a key.

    Args:
        default: value where the key is left out; `...` where it may not be.
        meaning: what the key says, in sentences that need no knowledge of the code.
        unit: of a number: what it is counted in; `share` for 0 to 1.
        higher: of a number: what a higher value does, without a capital letter or a full stop.
        source: of a default: where it comes from, or `OURS`.
        left_out: what holds where the key is left out, if the default is None.
        symbol: what the equations of docs/model.md call it.
        formerly: the key's old name, still read, with a warning.
        alias: the key's name in files, where Python reserves it.
    """
    extra = _extra(locals())
    return Field(default, alias=alias, description=meaning, json_schema_extra=extra)


def part(meaning: str) -> Any:
    """Declare a key that is a section with defaults of its own.

    Args:
        meaning: what the section holds.
    """
    return rows_of(_nothing, meaning)


def rows_of(make: Callable[[], Any], meaning: str, *, source: str = "") -> Any:
    """Declare a key whose default is built from plain lists and mappings.

    An instance as default would make pydantic build a validator of its own for every part, which
    takes longer than everything else about reading a scenario.

    Args:
        make: gives what the default is validated from.
        meaning: what the key says.
        source: where the default comes from, or `OURS`.
    """
    extra: Any = {"x-source": source} if source else {}
    return Field(
        default_factory=make, validate_default=True, description=meaning, json_schema_extra=extra
    )


def same(owner: type[Part], name: str, default: Any, *, source: str = "") -> Any:
    """Declare a key that another part has, with a default of its own.

    Args:
        owner: the part that says what the key means.
        name: the field's name there.
        default: value where the key is left out.
        source: of this default; without it, that of the other.
    """
    field = owner.model_fields[name]
    extra: Any = facts(field) | ({"x-source": source} if source else {})
    return Field(default, description=field.description, json_schema_extra=extra, alias=field.alias)


def facts(field: FieldInfo) -> dict[str, str]:
    """Return what a key's declaration says beside its meaning.

    Returns:
        By `x-unit`, `x-higher`, `x-source`, `x-left-out`, `x-symbol`, `x-formerly`: those that
        are stated.
    """
    extra = field.json_schema_extra
    return {name: str(text) for name, text in extra.items()} if isinstance(extra, dict) else {}


def _extra(given: dict[str, Any]) -> dict[str, Any]:
    names = ("unit", "higher", "source", "left_out", "symbol", "formerly")
    return {f"x-{name.replace('_', '-')}": given[name] for name in names if given[name]}


def _nothing() -> Any:
    """Return what a section left out is validated from: all its defaults."""
    return {}


class Part(BaseModel):
    """Base of every part of a scenario: frozen, with unknown keys refused.

    Attributes:
        old_names: by old name: the name by which the key is known now.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        defer_build=True,
        validate_by_name=False,
        serialize_by_alias=True,
    )
    old_names: ClassVar[dict[str, str]] = {}

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Collect the old names of the part's keys."""
        super().__pydantic_init_subclass__(**kwargs)
        cls.old_names = {
            old: field.alias or name
            for name, field in cls.model_fields.items()
            if (old := facts(field).get("x-formerly"))
        }

    @model_validator(mode="before")
    @classmethod
    def _read_old_names(cls, value: Any) -> Any:
        """Read keys by their old names, with a warning; files have had theirs read before."""
        if not cls.old_names or not isinstance(value, dict):
            return value
        for old in cls.old_names.keys() & value.keys():
            new = cls.old_names[old]
            if new in value:
                raise ValueError(f"states {old}, the old name of {new}, beside {new}")
            warn(OldNameWarning(renamed(old, new)), stacklevel=2)
            value = {new if name == old else name: it for name, it in value.items()}
        return value


def renamed(old: str, new: str) -> str:
    """Return the sentence that tells of an old name."""
    return f"`{old}` is now `{new}`; the old name works until {UNTIL}"
