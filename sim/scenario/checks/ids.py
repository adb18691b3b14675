"""Ids: each given once, and none that names something missing."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Final, get_args, get_origin

from sim.core.terms import Status
from sim.scenario.checks.checker import KINDS, SINGULAR, Checker, once
from sim.scenario.document import Path
from sim.scenario.resolve import OTHER, corridor_ids
from sim.schema.errors import quoted, suggest
from sim.schema.key import Part
from sim.schema.types import DEVICES, Refers

DEFAULT: Final = "default"
"""A key that stands for all places, or for all countries."""
MOST_PROBLEMS: Final = 1000
"""Problems after which references are no longer checked."""
ASSUMPTION: Final = "assumption"
"""A source that every scenario may name: a figure that nobody measured."""
VULNERABLE: Final = ("women", "children", "old", *Status.__members__)
RESERVED: Final = {
    DEFAULT: "it means every place in `threats`",
    OTHER: "it is the group of those in no named group",
    **dict.fromkeys(VULNERABLE, "`exposure.vulnerability` gives it a meaning of its own"),
}


def check_duplicates(ck: Checker) -> None:
    """Ids, once each of their kind; and once among kinds that one key may name."""
    seen: dict[str, dict[str, Path]] = {}
    for kind in KINDS:
        first = seen.setdefault(kind, {})
        for i, it in enumerate(getattr(ck.scenario, kind)):
            ids = corridor_ids(it) if kind == "corridors" else (it.id,)
            for own in ids:
                path: Path = (kind, i, "id")
                if own not in first:
                    first[own] = path
                    continue
                line = ck.tree.walk(first[own])[-1].line + 1
                hint = "give each an id of its own" if kind == "corridors" else ""
                ck.add(
                    path,
                    f"{kind}: the id {own} is here twice (first on line {line})",
                    hint,
                )
    for kind, others in (
        ("places", ("countries",)),
        ("groups", ("countries", "places")),
        ("corridors", ("countries",)),
    ):
        for own, path in seen[kind].items():
            for other in others:
                if own in seen[other]:
                    ck.add(path, f"{{}} = {own} is also the id of a {SINGULAR[other]}")
    for kind in ("countries", "places", "groups"):
        for own, path in seen[kind].items():
            if own in RESERVED and not (kind == "places" and own != DEFAULT):
                ck.add(path, f"{{}} = {own} cannot be an id", RESERVED[own])
    for i, corridor in enumerate(ck.scenario.corridors):
        once(ck, ("corridors", i, "route_options"), [it.id for it in corridor.route_options])
    once(ck, ("politics", "campaigns"), [it.id for it in ck.scenario.politics.campaigns])
    once(ck, ("decision", "classes"), [it.id for it in ck.scenario.decision.classes])
    for name in ("tables", "by"):
        once(ck, ("outputs", name), getattr(ck.scenario.outputs, name))


def check_name(ck: Checker) -> None:
    """A scenario whose folder cannot be made on Windows, and is lost there as a file."""
    if ck.scenario.name.lower() in DEVICES:
        hint = "choose another: a device of Windows is called so, and folders cannot be"
        ck.add(("name",), f"{{}} = {ck.scenario.name} cannot be a scenario's name", hint)


@cache
def refers(kind: type[Part], name: str) -> tuple[str, ...]:
    """Kinds of things that one must be whose id is the value, an item or a key of a field."""

    def look(annotation: Any) -> tuple[str, ...]:
        if isinstance(annotation, Refers):
            return annotation.kinds
        inside = get_args(annotation)
        if get_origin(annotation) is dict:
            inside = inside[:1]
        elif get_origin(annotation) is Annotated:
            inside = (*inside, *annotation.__metadata__)
        return next((found for it in inside if (found := look(it))), ())

    field = kind.model_fields[name]
    return next((it.kinds for it in field.metadata if isinstance(it, Refers)), ()) or look(
        field.annotation
    )


def check_references(ck: Checker) -> None:
    """Ids that name something that does not exist, wherever a key's type says what it names."""
    check_names(ck, ck.scenario, ())


def check_names(ck: Checker, part: Part, path: Path) -> None:
    """Ids in a part of the scenario, and in the parts that it holds."""
    if len(ck.problems) > MOST_PROBLEMS:
        return
    for name, field in type(part).model_fields.items():
        kinds, at, value = (
            refers(type(part), name),
            (*path, field.alias or name),
            getattr(part, name),
        )
        if isinstance(value, Part):
            check_names(ck, value, at)
        elif isinstance(value, dict):
            for key, one in value.items():
                if kinds and key != DEFAULT:
                    ck.refer((*at, key), key, kinds, on_key=True)
                if isinstance(one, Part):
                    check_names(ck, one, (*at, key))
        elif isinstance(value, tuple):
            for i, one in enumerate(value):
                if isinstance(one, Part):
                    check_names(ck, one, (*at, i))
                elif kinds:
                    ck.refer((*at, i), one, kinds)
        elif kinds and value is not None:
            ck.refer(at, value, kinds)


def check_vulnerability(ck: Checker) -> None:
    """Names under `exposure.vulnerability`, which may be those of groups or of statuses."""
    groups = ck.known.ids["groups"]
    for key in ck.scenario.exposure.vulnerability:
        if key not in VULNERABLE and key not in groups and "groups" not in ck.known.incomplete:
            ck.add(
                ("exposure", "vulnerability", key),
                f"{{}}: there is no status or group {quoted(key)}",
                suggest(key, [*VULNERABLE, *sorted(groups)], "known here"),
                on_key=True,
            )


def check_sources(ck: Checker) -> None:
    """Sources that are not listed."""
    listed = ck.known.ids["sources"]
    if "sources" in ck.known.incomplete:
        return
    kinds = [kind for kind in (*KINDS[1:], "stocks") if kind != "groups"]
    parts: list[tuple[Path, Any]] = [
        ((kind, i), it) for kind in kinds for i, it in enumerate(getattr(ck.scenario, kind))
    ]
    for i, bloc in enumerate(ck.scenario.blocs):
        for j, pause in enumerate(bloc.first_country.suspended if bloc.first_country else ()):
            parts.append((("blocs", i, "first_country", "suspended", j), pause))
    campaigns = ck.scenario.politics.campaigns
    parts += [(("politics", "campaigns", i), it) for i, it in enumerate(campaigns)]
    for path, it in parts:
        for j, word in enumerate(it.source):
            if word != ASSUMPTION and word not in listed:
                hint = suggest(word, [*sorted(listed), ASSUMPTION], "sources listed")
                ck.add(
                    (*path, "source", j), f"{{}} = {quoted(word)}: there is no such source", hint
                )
