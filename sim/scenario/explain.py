"""What every key of a scenario means, for `sim explain`, docs/keys.md and docs/model.md.

`python -m sim.scenario.explain --write docs` writes both documents again from the declarations.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

from sim.scenario.whole import Policy, Scenario
from sim.scenario.wording import Field, is_id, range_text
from sim.schema.decision import Flight, Livelihood
from sim.schema.errors import nearest
from sim.schema.key import OURS, Declaration, Part, part_in, plain
from sim.schema.living import SettlingFactors, StatusFactors
from sim.schema.politics import Levers, Newcomers
from sim.schema.root import BASE, BASE_MEANING
from sim.schema.types import strip

ANY: Final = "*"
"""In a path: the id of a thing in a list, or the key of a mapping."""
WIDTH: Final = 100
"""Columns that text is filled up to."""
BEGIN: Final = "<!-- generated from the declarations of keys: make docs -->"
END: Final = "<!-- end of what is generated -->"
TABULATED: Final = (StatusFactors, SettlingFactors, Newcomers, Levers)
"""Parts with one row in docs/model.md: a number for each status, or for each rule."""


@dataclass(frozen=True)
class Key:
    """A key with its declaration; texts that do not apply are empty."""

    path: str
    """Dotted, with `*` for ids: `policies.*.quota`."""
    name: str
    owner: type[Part]
    """Part that declares it."""
    meaning: str
    kind: str
    """What its values are, for instance `number` or `list`."""
    unit: str
    range: str
    """What values are allowed."""
    default: str
    higher: str
    """What a higher value does."""
    source: str
    symbol: str
    """What the equations of docs/model.md call it."""
    formerly: str
    """Its old name."""
    inside: type[Part] | None
    """Part that it holds, or a list or mapping of."""
    stated: bool
    """Whether its default is a value, not `None`."""

    @property
    def section(self) -> str:
        """Return the path of what it is a key of; empty at the top."""
        return self.path.rpartition(".")[0]

    def as_json(self) -> dict[str, str]:
        """Return what `sim explain --json` says of it."""
        names = (
            "path", "meaning", "kind", "unit", "range", "default", "higher", "source", "symbol",
            "formerly",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}


@cache
def keys() -> tuple[Key, ...]:
    """Return every key of a scenario, section by section in the order of the declarations."""
    return (*_keys(Scenario, ""), _base())


def find(word: str) -> list[Key]:
    """Return the keys that a word may mean.

    Args:
        word: a dotted path, with ids of a scenario, `*` or nothing in place of ids; or a key's
            last name alone, or its old name.

    Returns:
        All that match: those of the whole path, else those whose path ends so.
    """
    steps = [step for step in word.strip().strip(".").split(".") if step]
    if not steps:
        return []
    whole = [it for it in keys() if _matches(it, steps)]
    if whole:
        return whole
    short = [step for step in steps if step != ANY]
    return [it for it in keys() if _names(it)[-len(short) :] == short or _olds(it, short)]


def near(word: str) -> list[str]:
    """Return the paths nearest to a word that names no key, the nearest first."""
    last = word.rpartition(".")[2]
    paths = {it.path: it for it in keys()}
    found = [nearest(word, paths)]
    names = {it.name for it in keys()} | {it.formerly for it in keys() if it.formerly}
    if (name := nearest(last, names)) is not None:
        found += [it.path for it in keys() if name in (it.name, it.formerly)]
    if found == [None] and len(last) > 2:
        speaks = re.compile(rf"\b{re.escape(last)}", re.IGNORECASE)
        found += [it.path for it in keys() if speaks.search(it.meaning)]
    return list(dict.fromkeys(it for it in found if it is not None))[:8]


def neighbours(key: Key) -> list[Key]:
    """Return the other keys of a key's section."""
    return [it for it in keys() if it.section == key.section and it is not key]


def inside(key: Key) -> list[Key]:
    """Return the keys of the part that a key holds."""
    starts = (key.path, f"{key.path}.{ANY}", f"{key.path}.{ANY}.{ANY}")
    return [it for it in keys() if it.section in starts]


def text(key: Key) -> str:
    """Return a key and its neighbours as `sim explain` prints them."""
    lines = [key.path, textwrap.fill(f"  {key.meaning}", WIDTH, subsequent_indent="  "), ""]
    for label, value in (
        ("unit", key.unit),
        ("range", key.range),
        ("default", key.default),
        ("a higher value", key.higher),
        ("source", key.source),
        ("in the equations", key.symbol),
        ("old name", key.formerly),
    ):
        if value:
            lines.append(textwrap.fill(f"  {label:<17} {value}", WIDTH, subsequent_indent=" " * 20))
    others, heading = neighbours(key), f"Beside it in {key.section or 'the file'}:"
    if own := inside(key):
        others, heading = own, f"Keys of {key.path}:"
    width = max((len(it.name) for it in others), default=0)
    lines += ["", heading]
    lines += [f"  {it.name:<{width}}  {first_sentence(it.meaning)}" for it in others]
    return "\n".join(lines)


def listed(found: list[Key]) -> str:
    """Return several keys as `sim explain` prints them: one line each."""
    width = max(len(it.path) for it in found)
    lines = [f"{it.path:<{width}}  {first_sentence(it.meaning)}" for it in found]
    return "\n".join([*lines, "", "Give one of them to see all about it."])


def first_sentence(meaning: str) -> str:
    """Return the first sentence of a key's meaning."""
    return meaning.split(". ")[0].rstrip(".") + "."


def _matches(key: Key, steps: list[str]) -> bool:
    """Return whether a path with ids, `*` or nothing in place of ids is a key's."""
    own = key.path.split(".")
    if len(own) == len(steps) and all(
        a in (ANY, b) or (a == key.name and b == key.formerly) or b == ANY
        for a, b in zip(own, steps, strict=True)
    ):
        return True
    return _names(key) == [step for step in steps if step != ANY]


def _names(key: Key) -> list[str]:
    return [step for step in key.path.split(".") if step != ANY]


def _olds(key: Key, steps: list[str]) -> bool:
    return bool(key.formerly) and [*_names(key)[:-1], key.formerly][-len(steps) :] == steps


def _base() -> Key:
    """Return the one key that is read before there is a scenario to declare it."""
    return Key(
        path=BASE,
        name=BASE,
        owner=Scenario,
        meaning=BASE_MEANING,
        kind="text",
        unit="",
        range="text",
        default="left out: the file states everything itself",
        higher="",
        source="",
        symbol="",
        formerly="",
        inside=None,
        stated=False,
    )


def _keys(owner: type[Part], section: str) -> Iterator[Key]:
    below: list[tuple[type[Part], str]] = []
    for field_name, it in owner.model_fields.items():
        name = it.alias or field_name
        path = f"{section}.{name}" if section else name
        part, steps = part_in(it.annotation)
        field = Field(it.annotation, tuple(it.metadata))
        said = owner.declared[field_name]
        default = None if it.is_required() else it.get_default(call_default_factory=True)
        yield Key(
            path=path,
            name=name,
            owner=owner,
            meaning=said.meaning,
            kind=_kind(field, part),
            unit=said.unit,
            range=said.allowed or _allowed(field, part),
            default="none: it has to be stated" if it.is_required() else _default(it, said),
            higher=said.higher,
            source=said.source,
            symbol=said.symbol,
            formerly=said.formerly,
            inside=part,
            stated=default is not None,
        )
        if part is not None:
            below.append((part, path + f".{ANY}" * steps))
    for part, path in below:
        yield from _keys(part, path)


def _kind(field: Field, part: type[Part] | None) -> str:
    """Return what the values of a field are."""
    core = field.core
    if part is not None:
        return "section" if core is part else "mapping" if get_origin(core) is dict else "list"
    names: dict[Any, str] = {float: "number", int: "whole number", bool: "true or false"}
    if core in names:
        return names[core]
    origin, inner = get_origin(core), get_args(core)
    if origin is Literal:
        return "word"
    if origin is tuple:
        return "numbers" if strip(inner[0]) is float else "list"
    if origin is dict:
        below = strip(inner[1])
        while get_origin(below) is dict:
            below = strip(get_args(below)[1])
        return "numbers" if below is float else "mapping"
    return "date" if getattr(core, "__name__", "") == "date" else "text"


def _allowed(field: Field, part: type[Part] | None) -> str:
    """Return what values a field may have."""
    core, kind = field.core, _kind(field, part)
    if kind in ("number", "whole number"):
        return range_text(field.bounds())
    if kind == "numbers":
        while get_origin(field.core) is not None:
            inner = get_args(field.core)
            field = Field(inner[0] if get_origin(field.core) is tuple else inner[1])
        return f"{range_text(field.bounds())} each"
    if get_origin(core) is Literal:
        return ", ".join(map(str, get_args(core)))
    if get_origin(core) is tuple and part is None:
        words = strip(get_args(core)[0])
        return f"any of {', '.join(get_args(words))}" if get_origin(words) is Literal else "list"
    if kind == "text" and is_id(field):
        return "an id"
    return {"date": "YYYY-MM-DD or YYYY-MM", "section": "a mapping"}.get(kind, kind)


def _default(it: Any, said: Declaration) -> str:
    """Return the default in words."""
    value = it.get_default(call_default_factory=True)
    if value is None:
        return f"left out: {said.left_out}" if said.left_out else "none"
    if value == {} and it.default_factory is not None:
        return "its own defaults"
    return plain(value)


# --- Documents -------------------------------------------------------------------------------


def keys_document() -> str:
    """Return docs/keys.md."""
    about = (
        "This page is generated from the declarations in `sim/schema/` and `sim/mechanisms/` "
        "(`make docs`). `sim explain KEY` prints one key with its neighbours, `sim schema` all of "
        "them for editors.\n\n"
        '`*` means the id of a thing in a list, or for the name of an entry. "Our '
        'assumption" means that nobody measured it. Where a default is *left out*, the text says '
        "what then holds."
    )
    lines = ["# Every key of a scenario", "", about]
    sections: dict[type[Part], dict[str, list[Key]]] = {}
    for it in keys():
        sections.setdefault(it.owner, {}).setdefault(it.section, []).append(it)
    for owner, places in sections.items():
        heading = ", ".join(f"`{place}`" for place in places if place) or "The file"
        about = " ".join((owner.__doc__ or "").split())
        lines += ["", f"## {heading}", "", about, ""]
        lines += [
            "| key | meaning | unit | range | default | a higher value means | source |",
            "|---|---|---|---|---|---|---|",
        ]
        for it in next(iter(places.values())):
            name = f"`{it.name}`" + (f" (once `{it.formerly}`)" if it.formerly else "")
            cells = (name, it.meaning, it.unit, it.range, it.default, it.higher, it.source)
            lines.append(_row(cells))
    return "\n".join(lines) + "\n"


def defaults_tables() -> str:
    """Return the tables of defaults in docs/model.md."""
    lines = ["| key | livelihood | flight | symbol | source |", "|---|---|---|---|---|"]
    pairs = zip(_keys(Livelihood, ""), _keys(Flight, ""), strict=True)
    for one, other in pairs:
        source = one.source if one.source == other.source else _both(one.source, other.source)
        lines.append(_row((f"`{one.name}`", one.default, other.default, one.symbol, source)))
    lines += ["", "| key | default | unit | symbol | source |", "|---|---|---|---|---|"]
    seen: set[tuple[type[Part], str]] = set()
    for it in keys():
        if it.owner in (Livelihood, Flight, Policy, *TABULATED) or (it.owner, it.name) in seen:
            continue
        seen.add((it.owner, it.name))
        if it.inside in TABULATED and it.inside is not None:
            values = list(_keys(it.inside, ""))
            default = ", ".join(f"{one.name} {one.default}" for one in values)
            lines.append(_row((f"`{it.path}`", default, values[0].unit, "", values[0].source)))
        elif it.source or (it.higher and OURS in it.default):
            lines.append(_row((f"`{it.path}`", it.default, it.unit, it.symbol, it.source)))
    lines += [
        "",
        "Where no rule states it:",
        "",
        "| rule | what holds | unit | source |",
        "|---|---|---|---|",
    ]
    for it in _keys(Policy, ""):
        if it.default.startswith("left out: ") and it.kind not in ("text", "date"):
            said = it.default.removeprefix("left out: ")
            if it.name != "channel":
                lines.append(_row((f"`{it.name}`", said, it.unit, it.source)))
    return "\n".join(lines)


def _both(livelihood: str, flight: str) -> str:
    return f"livelihood: {livelihood}; flight: {flight}"


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def model_document(before: str) -> str:
    """Return docs/model.md with new tables of defaults.

    Args:
        before: the document, with the markers `BEGIN` and `END` on lines of their own.
    """
    head, rest = before.split(f"{BEGIN}\n")
    _, tail = rest.split(f"{END}\n")
    return f"{head}{BEGIN}\n\n{defaults_tables()}\n\n{END}\n{tail}"


def write_documents(folder: Path) -> None:
    """Write docs/keys.md and the tables of defaults in docs/model.md again.

    Args:
        folder: the folder `docs`.
    """
    (folder / "keys.md").write_text(keys_document(), encoding="utf-8")
    model = folder / "model.md"
    model.write_text(model_document(model.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] != "--write":
        sys.exit("usage: python -m sim.scenario.explain --write docs")
    write_documents(Path(sys.argv[2]))
