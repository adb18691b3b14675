"""How a key of a scenario is declared: once, with everything that a user may want to know.

A section of the scenario is a subclass of `Part`, and each of its fields a `key`:

    class Profile(Part):
        under_15: Share = key(
            0.30,
            "Part of the people who are children under 15 years.",
            unit="share",
            higher="more children in each household, and fewer adults who can decide",
            source=OURS,
        )

`sim explain`, `sim schema`, `docs/keys.md`, the tables of defaults in `docs/model.md` and the hints
of errors are all made from these declarations. The range is that of the field's type.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final, get_args, get_origin
from warnings import warn

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sim.schema.errors import OldNameWarning
from sim.schema.types import strip

OURS: Final = "our assumption"
"""Source of a default that nobody measured."""
UNTIL: Final = "0.3"
"""Version from which on the old names of keys are no longer read."""


@dataclass(eq=False)
class Declaration:
    """The declaration of a key, apart from its type; texts that do not apply are empty.

    Attributes:
        default: value where the key is left out; `...` where it may not be.
        meaning: what the key says, in sentences that need no knowledge of the code.
        unit: of a number: what it is counted in; `share` for 0 to 1.
        higher: of a number: what a higher value does, without a capital letter or a full stop.
        source: of a default: where it comes from, or `OURS`.
        left_out: what holds where the key is left out, if the default is None.
        otherwise: of a key of a rule: the value where no rule states it, or the values by channel;
            `left_out` is then made from it, and `source` says where it comes from.
        symbol: what the equations of docs/model.md call it.
        formerly: the key's old name, still read, with a warning.
        alias: the key's name in files, where Python reserves it.
        make: of a section: gives what its default is validated from.
        allowed: of a number: its range in words, where the type's bounds do not tell all.
    """

    default: Any
    meaning: str
    unit: str = ""
    higher: str = ""
    source: str = ""
    left_out: str = ""
    symbol: str = ""
    formerly: str = ""
    alias: str | None = None
    make: Callable[[], Any] | None = None
    otherwise: Any = None
    allowed: str = ""

    def __post_init__(self) -> None:
        """Put the value that holds otherwise in words."""
        if self.otherwise is not None:
            self.left_out = plain(self.otherwise)


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
    otherwise: Any = None,
    allowed: str = "",
) -> Any:
    """Declare a key; see `Declaration` for the arguments."""
    return Declaration(
        default, meaning, unit, higher, source, left_out, symbol, formerly, alias, None, otherwise,
        allowed,
    )  # fmt: skip


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
    return Declaration(None, meaning, source=source, make=make)


def same(owner: "type[Part]", name: str, default: Any, *, source: str = "") -> Any:
    """Declare a key that another part has, with a default of its own.

    Args:
        owner: the part that says what the key means.
        name: the field's name there.
        default: value where the key is left out.
        source: of this default; without it, that of the other.
    """
    other = owner.declared[name]
    return replace(other, default=default, source=source or other.source)


def plain(value: Any) -> str:
    """Return a default as a person would write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value == math.inf:
        return "no limit"
    if isinstance(value, (int, float)):
        return f"{value:.12g}".replace("e-0", "e-")
    if isinstance(value, dict):
        if any(isinstance(it, dict) for it in value.values()):
            return "; ".join(f"{name}: {plain(it)}" for name, it in value.items())
        return ", ".join(f"{name} {plain(it)}" for name, it in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        between = "; " if any(isinstance(it, dict) for it in value) else ", "
        return between.join(map(plain, value)) or "none"
    return str(value) or "empty"


def _nothing() -> Any:
    """Return what a section left out is validated from: all its defaults."""
    return {}


class Part(BaseModel):
    """Base of every part of a scenario: frozen, with unknown keys refused.

    Attributes:
        declared: by field: what its declaration says.
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
    if TYPE_CHECKING:  # pydantic would evaluate these for every part, to find that it may skip them
        declared: ClassVar[dict[str, Declaration]]
        old_names: ClassVar[dict[str, str]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Keep the declarations, and leave pydantic the defaults, before it collects the fields.

        A field description of pydantic's own for every key would double the time that importing
        the schema takes; so would a validator of old names in parts that have none that of reading.
        """
        super().__init_subclass__(**kwargs)
        own = {name: it for name, it in vars(cls).items() if isinstance(it, Declaration)}
        bases = (it.declared for it in reversed(cls.__bases__) if issubclass(it, Part))
        cls.declared = {name: it for declared in (*bases, own) for name, it in declared.items()}
        cls.old_names = {
            it.formerly: it.alias or name for name, it in cls.declared.items() if it.formerly
        }
        for name, it in own.items():
            if it.make is not None:
                setattr(cls, name, Field(default_factory=it.make, validate_default=True))
            elif it.alias is not None:
                setattr(cls, name, Field(it.default, alias=it.alias))
            elif it.default is ...:
                delattr(cls, name)
            else:
                setattr(cls, name, it.default)
        if cls.old_names:
            reading: Any = classmethod(_read_old_names)
            cls._read_old_names = model_validator(mode="before")(reading)  # type: ignore[attr-defined]


Part.declared, Part.old_names = {}, {}


def _read_old_names(cls: type[Part], value: Any) -> Any:
    """Read keys by their old names, with a warning; files have had theirs read before."""
    if not isinstance(value, dict):
        return value
    for old in [it for it in value if it in cls.old_names]:
        new = cls.old_names[old]
        if new in value:
            raise ValueError(f"states {old}, the old name of {new}, beside {new}")
        warn(OldNameWarning(renamed(old, new)), stacklevel=2)
        value = {new if name == old else name: it for name, it in value.items()}
    return value


def renamed(old: str, new: str) -> str:
    """Return the sentence that reports an old name."""
    return f"`{old}` is now `{new}`; the old name works until {UNTIL}"


def part_in(annotation: Any) -> tuple[type[Part] | None, int]:
    """Return the part that a type holds, and under how many ids or keys.

    Args:
        annotation: type of a field.

    Returns:
        The part (None where it holds none), and 0 where the field is one, 1 for a list or mapping
        of parts, and so on.
    """
    core, steps = strip(annotation), 0
    while (entry := entry_of(core)) is not None:
        core, steps = entry, steps + 1
    return (core, steps) if isinstance(core, type) and issubclass(core, Part) else (None, 0)


def entry_of(core: Any) -> Any:
    """Return the type of the entries of a list or mapping; None of anything else."""
    origin, inner = get_origin(core), get_args(core)
    if origin is tuple and inner[1:] == (...,):
        return strip(inner[0])
    return strip(inner[1]) if origin is dict else None


def parts(root: type[Part]) -> Iterator[type[Part]]:
    """Yield a part and all within it, each once."""
    seen: dict[type[Part], None] = {root: None}
    todo = [root]
    while todo:
        model = todo.pop()
        yield model
        for field in model.model_fields.values():
            inside, _ = part_in(field.annotation)
            if inside is not None and inside not in seen:
                seen[inside] = None
                todo.append(inside)
