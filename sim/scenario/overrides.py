"""Changes given on the command line: `PATH=VALUE`, applied to the tree before it is validated."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sim.scenario.document import Argument, Node, parse
from sim.scenario.renamed import old_name, replace_old_names, tell
from sim.scenario.wording import Field, child, default_id, field_at, field_names
from sim.schema.errors import Problem, ScenarioError, quoted, suggest
from sim.schema.key import renamed

SHAPE = re.compile(r"\s*([^=\s]+)\s*=(.*)", re.DOTALL)


def override(root: Node, arguments: Sequence[str]) -> tuple[Node, list[Problem]]:
    """Apply overrides, each to a tree of its own so that aliases stay what they were.

    Args:
        root: the file's tree; it stays as it is.
        arguments: `PATH=VALUE`; things in lists are named by id, VALUE is YAML.

    Returns:
        The changed tree, and the problems of those that could not be applied.
    """
    problems: list[Problem] = []
    for argument in arguments:
        origin = Argument(argument)
        try:
            root = _apply(root, argument, origin)
        except ScenarioError as error:
            problems += [Problem(origin.name, 0, 0, it.message, it.hint) for it in error.problems]
    return root, problems


def _apply(root: Node, argument: str, origin: Argument) -> Node:
    try:
        argument.encode("utf-8")
    except UnicodeEncodeError:
        raise _refuse(origin, "this is not UTF-8 text") from None
    found = SHAPE.fullmatch(argument)
    if found is None:
        raise _refuse(origin, "this is not PATH=VALUE", "for instance policies.gr_wall.barrier=.8")
    if found_other := re.search(r"[\[\]/\\]", found[1]):
        hint = "separate names by points, for instance policies.gr_wall.barrier=.8"
        message = f"the path {quoted(found[1])} holds {quoted(found_other[0])}"
        raise _refuse(origin, message, hint)
    steps = found[1].split(".")
    text = found[2].strip()
    if not text:
        hint = "write null for the value that holds where a file says nothing"
        raise _refuse(origin, f"{found[1]} has no value after the '='", hint)
    value = parse(text, origin)
    root = root.copy()
    parent, said = root, ""
    path: tuple[str | int, ...] = ()
    for position, step in enumerate(steps):
        last = position == len(steps) - 1
        if not step:
            raise _refuse(origin, f"the path {quoted(found[1])} has an empty part")
        key: str | int = step
        if parent.kind == "list":
            key = _index(parent, step, said, origin)
        elif new := old_name(field_at(path).model, step):
            under = f"{said}." if said else ""
            tell(origin.problem(0, 0, renamed(f"{under}{step}", f"{under}{new}")))
            key = step = new
        path = (*path, key)
        said = f"{said}.{step}" if said else step
        if last:
            if value.kind != "scalar":
                clashes = replace_old_names(value, field_at(path).core, said)
                if clashes:
                    raise ScenarioError(clashes)
            _put(parent, key, value, origin)
            break
        node = child(parent, key)
        if node is None or (node.kind == "scalar" and node.value is None):
            node = _fresh(path, said, origin)
        elif node.kind == "scalar" or (node.kind == "list" and _is_level(path)):
            node = _spelled_out(node, path, said, origin)
        else:
            node = node.copy()
        _put(parent, key, node, origin)
        parent = node
    return root


def _is_level(path: tuple[str | int, ...]) -> bool:
    return len(path) == 3 and path[0] == "threats"


def _refuse(origin: Argument, message: str, hint: str = "") -> ScenarioError:
    return ScenarioError([origin.problem(0, 0, message, hint)])


def _index(parent: Node, step: str, said: str, origin: Argument) -> int:
    """Return where in a list the thing with an id stands."""
    ids: list[str] = []
    for i in range(len(parent.value)):
        item = child(parent, i)
        own = item.get("id") if item is not None else None
        name = own.text if own is not None else (default_id(item) if item is not None else None)
        if name == step:
            return i
        if name is not None:
            ids.append(name)
        both = item.get("both_ways") if item is not None else None
        if both is not None and both.value is True and item is not None:
            a, b = item.get("from"), item.get("to")
            if a is not None and b is not None and step == f"{b.text}_{a.text}":
                hint = f"{name} goes both ways: change that one"
                raise _refuse(origin, f"{said} has no {quoted(step)} of its own", hint)
    if not ids:
        raise _refuse(origin, f"the things in {said} have no ids", f"give all of it: {said}=[...]")
    hint = suggest(step, ids, "there are")
    raise _refuse(origin, f"{said} has no {quoted(step)}", hint)


def _fresh(path: tuple[str | int, ...], said: str, origin: Argument) -> Node:
    """Return an empty mapping for a part that the file does not write out."""
    field = field_at(path)
    if field.model is not None or "dict" in str(field.core)[:4]:
        return Node("mapping", {}, origin)
    parent = field_at(path[:-1]).model
    if field == Field() and parent is not None:
        hint = suggest(str(path[-1]), field_names(parent), "allowed here")
        raise _refuse(origin, f"{said} is not a known field", hint)
    raise _refuse(origin, f"the file has no {said}", f"give all of it: {said}=...")


def _spelled_out(node: Node, path: tuple[str | int, ...], said: str, origin: Argument) -> Node:
    """Return the mapping that a short threat level means."""
    if not _is_level(path):
        raise _refuse(origin, f"{said} is a single value; nothing is under it")
    entries: dict[str, Any] = {}
    items = node.value if node.kind == "list" else [node]
    for name, item in zip(("severity", "prevalence"), items, strict=False):
        entries[name] = (item, item)
    return Node("mapping", entries, node.origin, node.line, node.column)


def _put(parent: Node, key: str | int, value: Node, origin: Argument) -> None:
    if parent.kind == "mapping":
        entry = parent.value.get(key)
        key_node = Node("scalar", key, origin, text=str(key))
        if entry is not None and value.origin is not origin:
            key_node = entry[0]
        parent.value[str(key)] = (key_node, value)
    else:
        parent.value[key] = value
