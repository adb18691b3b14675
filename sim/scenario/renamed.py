"""Old names of keys: read, and reported once, with their position.

A key's declaration says what it was called before (`formerly`). Files, tables and overrides have
old names replaced in their trees before anything else looks at them, so that every message points
at the line that has to change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any
from warnings import warn

from sim.scenario.document import Node
from sim.scenario.whole import Scenario
from sim.schema.errors import OldNameWarning, Problem
from sim.schema.key import Part, entry_of, part_in, renamed
from sim.schema.types import strip


def replace_old_names(
    node: Node, inside: Any = Scenario, address: str = "", *, silent: bool = False
) -> list[Problem]:
    """Give the keys of a tree their current names, and warn of each old name once.

    Args:
        node: its mappings are changed in place.
        inside: type of what the tree holds: a part, or a list or mapping of parts.
        address: where the tree stands, for messages: empty for a whole scenario.
        silent: without warnings, for what this program wrote itself.

    Returns:
        A problem for each old name that is given together with the new one.
    """
    problems: list[Problem] = []
    found: dict[tuple[str, str], list[Node]] = {}
    _into(node, inside, address, found, problems)
    told = []
    for (old, new), nodes in found.items() if not silent else ():
        first, n = nodes[0], len({(id(it.origin), it.line) for it in nodes})
        hint = f"it is on {n} lines in all" if n > 1 else ""
        told.append(first.problem(renamed(old, new), hint))
    for problem in sorted(told, key=lambda it: (it.file, it.line, it.column)):
        tell(problem)
    return problems


def tell(problem: Problem) -> None:
    """Warn of an old name.

    Args:
        problem: where it stands, and what it is called now.
    """
    told = Problem(
        problem.file, problem.line, problem.column, problem.message, problem.hint,
        problem.source_line, "warning",
    )  # fmt: skip
    warn(OldNameWarning(told), stacklevel=2)


def beside(node: Node, old: str, new: str) -> Problem:
    """Return the problem of an old name that is given together with the new one."""
    return node.problem(f"{old} is the old name of {new}, which is here too", f"keep {new}")


def old_name(model: type[Part] | None, word: str) -> str | None:
    """Return the current name of a key that is written with its old name."""
    return model.old_names.get(word) if model is not None else None


@cache
def path_of_today(path: str) -> str:
    """Return a dotted path, as `-s` takes it, with every old name replaced.

    Args:
        path: with the ids of things in lists, for instance `corridors.sea.watched`.
    """
    steps = path.split(".")
    model: type[Part] | None = Scenario
    inside: Any = None
    for i, step in enumerate(steps):
        if model is None:
            inside = entry_of(inside)
        else:
            steps[i] = step = model.old_names.get(step, step)
            inside = _types(model).get(step)
        model = inside if _is_part(inside) else None
    return ".".join(steps)


def _walk(
    node: Node,
    model: type[Part],
    address: str,
    found: dict[tuple[str, str], list[Node]],
    problems: list[Problem],
) -> None:
    if node.kind != "mapping":
        return
    for old in [it for it in node.value if it in model.old_names]:
        new = model.old_names[old]
        if new in node.value:
            problems.append(beside(node.value[old][0], old, new))
            del node.value[old]
            continue
        where = f"{address}." if address else ""
        found.setdefault((f"{where}{old}", f"{where}{new}"), []).append(node.value[old][0])
        node.value = {new if key == old else key: it for key, it in node.value.items()}
    types = _types(model)
    for key, (_, under) in node.value.items():
        if key in types and under.kind != "scalar":
            _into(under, types[key], f"{address}.{key}" if address else key, found, problems)


def _into(
    node: Node,
    inside: Any,
    address: str,
    found: dict[tuple[str, str], list[Node]],
    problems: list[Problem],
) -> None:
    """Walk what a key holds: a part, or a list or mapping of them."""
    if _is_part(inside):
        _walk(node, inside, address, found, problems)
        return
    entry = entry_of(inside)
    if entry is None or not hasattr(node.value, "__iter__"):
        return
    unders: Iterable[Any] = node.value
    if isinstance(node.value, Mapping):
        unders = (under for _, under in node.value.values())
    for under in unders:
        if isinstance(under, Node):  # rows of a table have had their header read
            _into(under, entry, address, found, problems)


@cache
def _types(model: type[Part]) -> dict[str, Any]:
    """Return the types of the keys that have parts in them, by name."""
    return {
        it.alias or name: strip(it.annotation)
        for name, it in model.model_fields.items()
        if part_in(it.annotation)[0] is not None
    }


def _is_part(inside: Any) -> bool:
    return isinstance(inside, type) and issubclass(inside, Part)
