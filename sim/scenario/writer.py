"""Write a scenario as YAML that reads back as the same scenario."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from sim.scenario.document import UNPRINTABLE, scalar_value
from sim.schema import Scenario

WIDTH: Final = 100
"""Columns that lines are filled up to."""
ROOM: Final = 115
"""Columns of a part that still stands on one line within its item."""
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_ /.()%+-]*[A-Za-z0-9_)%]|[A-Za-z_]|\d{4}-\d{2}-\d{2}")


def dump(scenario: Scenario) -> str:
    """Return a scenario as YAML, nothing left out but what is None.

    Args:
        scenario: usually resolved; then reading the text gives an equal scenario.

    Returns:
        UTF-8 text that ends with a line break.
    """
    plain = scenario.model_dump(mode="python", by_alias=True, exclude_none=True)
    return "\n".join(_block(plain, 0)) + "\n"


def _block(value: dict[str, Any], indent: int) -> Iterator[str]:
    """Yield the lines of a mapping, one key a line where its value fits."""
    margin = " " * indent
    for key, under in value.items():
        yield from _entry(f"{margin}{_text(str(key))}:", under, indent)


def _entry(head: str, value: Any, indent: int) -> Iterator[str]:
    flow = one_line(value)
    nested = isinstance(value, dict) and any(isinstance(it, (dict, list)) for it in value.values())
    listed = isinstance(value, (list, tuple)) and any(isinstance(it, dict) for it in value)
    if not (nested or listed) and len(head) + 1 + len(flow) <= WIDTH:
        yield f"{head} {flow}"
    elif isinstance(value, dict) and value:
        yield head
        yield from _block(value, indent + 2) if nested else _wrapped(value, " " * (indent + 2))
    elif isinstance(value, (list, tuple)) and value:
        yield head
        for item in value:
            yield from _item(item, indent + 2)
    else:
        yield f"{head} {flow}"


def _item(item: Any, indent: int) -> Iterator[str]:
    margin = " " * indent
    flow = one_line(item)
    if not isinstance(item, dict) or not item or len(margin) + 2 + len(flow) <= WIDTH:
        yield f"{margin}- {flow}"
        return
    if all(len(one_line(it)) <= ROOM for it in item.values() if _has_parts(it)):
        lines = list(_wrapped(item, " " * (indent + 2)))
    else:
        lines = list(_block(item, indent + 2))
    yield f"{margin}- {lines[0][indent + 2 :]}"
    yield from lines[1:]


def _has_parts(value: Any) -> bool:
    """Return whether a value is, or holds, a mapping, which can take lines of its own."""
    if isinstance(value, (list, tuple)):
        return any(isinstance(it, dict) for it in value)
    return isinstance(value, dict)


def _wrapped(value: dict[str, Any], margin: str) -> Iterator[str]:
    """Yield the lines of a mapping in braces, filled up to the width."""
    parts: list[str] = []
    for key, under in value.items():
        text = f"{_text(str(key))}: {one_line(under)}"
        # A list that is too long for a line may be broken between its items, too.
        long = isinstance(under, (list, tuple)) and len(margin) + 1 + len(text) > WIDTH
        parts += text.split(", ") if long and all(isinstance(it, str) for it in under) else [text]
    line = f"{margin}{{"
    empty = True
    for text in parts:
        if not empty and len(line) + 2 + len(text) > WIDTH:
            yield f"{line},"
            line, empty = f"{margin} ", True
        line += text if empty else f", {text}"
        empty = False
    yield f"{line}}}"


def one_line(value: Any) -> str:
    """Return a value as YAML on one line."""
    if isinstance(value, dict):
        inner = ", ".join(f"{_text(str(key))}: {one_line(under)}" for key, under in value.items())
        return f"{{{inner}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(one_line, value))}]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # Whole numbers without `.0`: the schema makes floats of them again.
        return str(int(value)) if value.is_integer() and abs(value) < 1e9 else repr(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    return _text(str(value))


def _text(text: str) -> str:
    if PLAIN.fullmatch(text) and isinstance(scalar_value(text), str):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    escaped = UNPRINTABLE.sub(lambda it: f"\\u{ord(it[0]):04x}", quoted)
    return re.sub("[\x85\u2028\u2029]", lambda it: f"\\u{ord(it[0]):04x}", escaped)
