"""YAML text as a tree that keeps the position of everything.

YAML 1.2 core rules on PyYAML's C parser: `NO` stays text, `9.2e6` is a number, a key may occur
once. Only plain data can come out; nothing in a file is ever executed. Events are read one by one,
so size, depth and aliases are refused before any memory is spent on them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final, Literal, Protocol

import yaml

from sim.schema.errors import Problem, ScenarioError, quoted

MAX_BYTES: Final = 1_000_000
"""Largest YAML file; bulk data belongs in tables."""
MAX_DEPTH: Final = 50
"""Nesting of lists and mappings."""
MAX_NODES: Final = 100_000
"""Values in a file, with aliases written out."""
TOO_DEEP: Final = f"nested more than {MAX_DEPTH} levels deep"

# Without the C library the pure Python loader reads the same, only slower.
Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Path = tuple[str | int, ...]

NUMBER = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:_[0-9]+)*(?:\.(?:[0-9]+(?:_[0-9]+)*)?)?)(?:[eE][-+]?[0-9]+)?"
)
THOUSANDS = re.compile(r"[1-9][0-9]{0,2}\.[0-9]{2}0")
"""A number with a point as many languages write it between thousands. Programs that write decimals
leave their last zeros out."""
WHOLE = re.compile(r"[-+]?[0-9]+(?:_[0-9]+)*")
BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
SPECIAL: Final[dict[str, Any]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
LINE_BREAK = re.compile(r"\r\n|[\r\n\x85\u2028\u2029]")
STRANGE_SPACE = re.compile(r" *[^\S \t]")
UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]"
)


class Origin(Protocol):
    """Where a node was written: a file, a table or an override."""

    name: str
    quotes: bool
    """Whether quotes make a text of a number there."""

    def problem(self, line: int, column: int, message: str, hint: str = "") -> Problem:
        """Return a problem at a 0-based position."""
        ...


class Text:
    """The text of one YAML file."""

    quotes = True

    def __init__(self, name: str, text: str) -> None:
        """Keep the text for showing its lines.

        Args:
            name: the file as the user named it.
            text: decoded, without byte order mark.
        """
        self.name = name
        self.text = text
        self._lines: list[str] | None = None

    def problem(self, line: int, column: int, message: str, hint: str = "") -> Problem:
        """Return a problem at a 0-based position."""
        if self._lines is None:
            self._lines = LINE_BREAK.split(self.text)
        shown = self._lines[line] if line < len(self._lines) else ""
        return Problem(self.name, line + 1, column + 1, message, hint, shown)


class Argument:
    """An override given on the command line."""

    quotes = True

    def __init__(self, argument: str) -> None:
        """Keep the argument as written.

        Args:
            argument: `PATH=VALUE`.
        """
        self.name = f"-s {argument}"

    def problem(self, line: int, column: int, message: str, hint: str = "") -> Problem:  # noqa: ARG002
        """Return a problem of the argument as a whole."""
        return Problem(self.name, 0, 0, message, hint)


class Node:
    """A scalar, list or mapping, and its position.

    Attributes:
        kind: what `value` is.
        value: the plain value of a scalar; list of nodes; mapping of key text to (key, value).
        line, column: 0-based.
        text: the scalar as written, for messages.
    """

    __slots__ = ("column", "kind", "line", "origin", "text", "value")

    def __init__(
        self,
        kind: Literal["scalar", "list", "mapping"],
        value: Any,
        origin: Origin,
        line: int = 0,
        column: int = 0,
        text: str = "",
    ) -> None:
        """Build a node; see the class for the arguments."""
        self.kind = kind
        self.value = value
        self.origin = origin
        self.line = line
        self.column = column
        self.text = text

    def problem(self, message: str, hint: str = "") -> Problem:
        """Return a problem that points at this node."""
        return self.origin.problem(self.line, self.column, message, hint)

    def get(self, key: str) -> Node | None:
        """Return the value under a key of a mapping; None where there is none."""
        if self.kind != "mapping":
            return None
        entry = self.value.get(key)
        return None if entry is None else entry[1]

    def plain(self) -> Any:
        """Return the plain Python value, aliases written out."""
        if self.kind == "scalar":
            return self.value
        if self.kind == "list":
            return [node.plain() for node in self.value]
        return {key: node.plain() for key, (_, node) in self.value.items()}

    def copy(self) -> Node:
        """Return a copy whose containers can be changed without changing this node's."""
        value = self.value.copy() if self.kind != "scalar" else self.value
        return Node(self.kind, value, self.origin, self.line, self.column, self.text)

    def children(self) -> Iterator[tuple[str | int, Node]]:
        """Yield key or index and node of everything directly inside."""
        if self.kind == "list":
            yield from enumerate(self.value)
        elif self.kind == "mapping":
            for key, (_, node) in self.value.items():
                yield key, node


def scalar_value(text: str) -> Any:
    """Resolve a plain scalar by the core rules of YAML 1.2, with `_` allowed between digits.

    Args:
        text: the scalar as written, unquoted.

    Returns:
        None, a bool, an int, a float or the text itself (also for dates: fields that want one
        read it).
    """
    if text in SPECIAL:
        return SPECIAL[text]
    if text[0] not in "+-.0123456789":  # most text takes this way out
        return text
    if WHOLE.fullmatch(text):
        # Longer ones are out of every range; int() would refuse them with a traceback.
        return int(text.replace("_", "")) if len(text) <= 100 else float(text.replace("_", ""))
    if NUMBER.fullmatch(text):
        return float(text.replace("_", ""))
    if len(text) <= 100 and BASED.fullmatch(text):
        return int(text, 0)
    return text


def parse(
    text: str,
    origin: Origin,
    max_nodes: int = MAX_NODES,
    problems: list[Problem] | None = None,
) -> Node:
    """Read one YAML document.

    Args:
        text: decoded, at most `MAX_BYTES`.
        origin: where it was written.
        max_nodes: values that it may hold, aliases written out.
        problems: where those are put that do not end the reading; None: they are raised.

    Returns:
        The top node.

    Raises:
        ScenarioError: the text is not one plain YAML document within the limits.
    """
    if found := UNPRINTABLE.search(text):
        before = LINE_BREAK.split(text[: found.start()])
        raise ScenarioError(
            [
                origin.problem(
                    len(before) - 1,
                    len(before[-1]),
                    f"the character U+{ord(found[0]):04X} is not allowed in a YAML file",
                    "remove it; a scenario is plain UTF-8 text",
                )
            ]
        )
    try:
        builder = _Builder(origin, max_nodes)
        top = builder.build(Parser(text).get_event)
    except yaml.MarkedYAMLError as error:
        raise ScenarioError([_syntax_problem(error, origin, text)]) from None
    except (yaml.YAMLError, RecursionError) as error:
        problem = origin.problem(0, 0, f"this is not YAML ({type(error).__name__})")
        raise ScenarioError([problem]) from None
    if problems is None and builder.problems:
        raise ScenarioError(builder.problems)
    if problems is not None:
        problems += builder.problems
    return top


class _Open:
    """A list or mapping that is being read.

    Attributes:
        node: the list or mapping.
        anchor: its name for aliases; None: it has none.
        before: values read before it.
        height: levels of lists and mappings found inside so far.
        key: the key whose value comes next.
    """

    __slots__ = ("anchor", "before", "height", "key", "node")

    def __init__(self, node: Node, anchor: str | None, before: int) -> None:
        self.node = node
        self.anchor = anchor
        self.before = before
        self.height = 0
        self.key: Node | None = None


class _Builder:
    """Builds nodes from parser events, without recursion and within the limits."""

    def __init__(self, origin: Origin, max_nodes: int) -> None:
        self.origin = origin
        self.max_nodes = max_nodes
        self.problems: list[Problem] = []
        self.anchors: dict[str, tuple[Node, int, int] | None] = {}
        self.n_nodes = 0

    def refuse(self, event: Any, message: str, hint: str = "") -> ScenarioError:
        """Return the error that ends the reading, with what was found before."""
        mark = event.start_mark
        problem = self.origin.problem(mark.line, mark.column, message, hint)
        return ScenarioError([*self.problems, problem])

    def build(self, next_event: Callable[[], Any]) -> Node:
        """Return the top node.

        Args:
            next_event: gives the parser's events one by one, the last a `StreamEndEvent`.
        """
        top: Node | None = None
        stack: list[_Open] = []
        inner: _Open | None = None
        while True:
            event = next_event()
            kind = type(event)
            height = 0
            if kind is yaml.ScalarEvent:
                node = self.scalar(event)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                if len(stack) >= MAX_DEPTH:
                    raise self.refuse(event, TOO_DEEP)
                inner = self.open(event)
                stack.append(inner)
                continue
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                ended = stack.pop()
                inner = stack[-1] if stack else None
                node, height = ended.node, ended.height + 1
                if ended.anchor is not None:
                    self.anchors[ended.anchor] = (node, self.n_nodes - ended.before, height)
            elif kind is yaml.AliasEvent:
                node, height = self.alias(event)
                if len(stack) + height > MAX_DEPTH:
                    raise self.refuse(event, TOO_DEEP)
            elif kind is yaml.DocumentStartEvent:
                if top is not None:
                    raise self.refuse(
                        event,
                        "a second document starts here",
                        "a scenario is one document; put others into files of their own",
                    )
                continue
            elif kind is yaml.StreamEndEvent:
                break
            else:
                continue
            if self.n_nodes > self.max_nodes:
                raise self.refuse(
                    event,
                    f"more than {self.max_nodes:,} values (aliases written out)",
                    "put bulk data into a CSV file next to the scenario, "
                    "for instance stocks: {table: stocks.csv}",
                )
            if inner is None:
                top = node
            else:
                inner.height = max(inner.height, height)
                self.add(inner, node)
        return Node("scalar", None, self.origin) if top is None else top

    def scalar(self, event: Any) -> Node:
        """Return the node of a scalar."""
        if event.tag is not None:
            raise self.refuse_tag(event)
        self.n_nodes += 1
        mark, text = event.start_mark, event.value
        value = scalar_value(text) if event.implicit[0] else text
        node = Node("scalar", value, self.origin, mark.line, mark.column, text)
        if event.anchor is not None:
            self.anchors[event.anchor] = (node, 1, 0)
        return node

    def open(self, event: Any) -> _Open:
        """Begin a list or mapping."""
        if event.tag is not None:
            raise self.refuse_tag(event)
        mark = event.start_mark
        if type(event) is yaml.MappingStartEvent:
            node = Node("mapping", {}, self.origin, mark.line, mark.column)
        else:
            node = Node("list", [], self.origin, mark.line, mark.column)
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        begun = _Open(node, event.anchor, self.n_nodes)
        self.n_nodes += 1
        return begun

    def alias(self, event: Any) -> tuple[Node, int]:
        """Return the node that an alias refers to, and how many levels are inside of it."""
        known = self.anchors.get(event.anchor)
        if known is None:
            what = "itself" if event.anchor in self.anchors else "nothing in this file"
            raise self.refuse(event, f"the alias *{event.anchor} refers to {what}")
        node, n, height = known
        self.n_nodes += n
        return node, height

    def add(self, inner: _Open, node: Node) -> None:
        """Add a node to the list or mapping that is being read, as a key or its value."""
        if inner.node.kind == "list":
            inner.node.value.append(node)
        elif inner.key is None:
            inner.key = node
        else:
            self.put(inner.node, inner.key, node)
            inner.key = None

    def put(self, container: Node, key: Node, node: Node) -> None:
        """Put an entry into a mapping, unless its key is there already."""
        if key.kind != "scalar":
            self.problems.append(key.problem("a key must be a plain word"))
            return
        if key.text in container.value:
            first = container.value[key.text][0]
            self.problems.append(
                key.problem(
                    f"the key {quoted(key.text)} is here twice",
                    f"it is already on line {first.line + 1}; keep one of them",
                )
            )
            return
        container.value[key.text] = (key, node)

    def refuse_tag(self, event: Any) -> ScenarioError:
        """Return the error of a value with a tag."""
        tag = event.tag.replace("tag:yaml.org,2002:", "!!", 1)
        return self.refuse(
            event,
            f"the tag {quoted(tag)} is not allowed",
            "a scenario holds plain text, numbers, lists and mappings only",
        )


def _syntax_problem(error: Any, origin: Origin, text: str) -> Problem:
    """Say in plain words what the parser could not read."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    said = f"{error.context or ''} {error.problem or ''}".strip()
    lines = LINE_BREAK.split(text)
    if "cannot start any token" in said and lines[line][column : column + 1] == "\t":
        return origin.problem(line, column, "a tab cannot indent YAML", "indent with spaces")
    indented = list(map(STRANGE_SPACE.match, lines[: line + 1]))
    if odd := next((n for n, found in enumerate(indented) if found), None):
        at = len(lines[odd]) - len(lines[odd].lstrip(" "))
        message = f"the character U+{ord(lines[odd][at]):04X} cannot indent YAML"
        return origin.problem(odd, at, message, "indent with plain spaces")
    if "could not find expected ':'" in said and error.context_mark is not None:
        line, column = error.context_mark.line, error.context_mark.column
        if (at := lines[line].find("\uff1a", column)) >= 0:
            message = "this is the wide colon U+FF1A, not ':'"
            return origin.problem(line, at, message, "write `key: value`, with a space after ':'")
    on_one_line = error.context_mark is not None and error.context_mark.line == line
    if on_one_line and "expected ',' or" in said and lines[line].startswith(":", column):
        message = "there is a ':' where no key can be"
        return origin.problem(line, column, message, "text that holds ': ' needs quotes")
    for pattern, message, hint in _SYNTAX:
        if pattern in said:
            if error.context_mark is not None:
                message = message.replace("HERE", f"on line {error.context_mark.line + 1}")
            return origin.problem(line, column, message.replace(" HERE", ""), hint)
    return origin.problem(line, column, f"this is not YAML: {said}")


_SYNTAX: Final = (
    (
        "mapping values are not allowed",
        "there is a ':' where no key can be",
        "check the indentation; text that holds ': ' needs quotes",
    ),
    (
        "could not find expected ':'",
        "a key without ':' after it",
        "write `key: value`, with a space after the ':'",
    ),
    (
        "expected ',' or ']'",
        "the list that starts with '[' HERE is not closed, or a ',' is missing",
        "",
    ),
    (
        "expected ',' or '}'",
        "the mapping that starts with '{' HERE is not closed, or a ',' is missing",
        "",
    ),
    (
        "escape",
        "this '\\' does not start an escape of YAML",
        "write '\\\\' for a backslash, or use single quotes",
    ),
    ("while scanning a quoted scalar", "the text in quotes that starts HERE is not closed", ""),
    (
        "expected '-' indicator",
        "the items of the list that starts HERE do not line up",
        "start every item with '- ' in the same column",
    ),
    (
        "did not find expected key",
        "the keys of the mapping that starts HERE do not line up",
        "give the keys of one mapping the same indentation",
    ),
    ("expected node content", "a value is missing here", ""),
    ("block sequence entries are not allowed", "there is a '- ' where no list can start", ""),
    (
        "cannot start any token",
        "this character cannot start a value",
        "put the text in quotes",
    ),
    ("tag", "a tag is not allowed here", "put text that starts with '!' in quotes"),
    ("document start", "there is text outside of the scenario's mapping", ""),
    ("directive", "a line that starts with '%' is not read", "take it out"),
    ("incompatible YAML document", "only YAML 1.1 and 1.2 are read", "take this line out"),
)
