"""Read a scenario file: text, tree, tables, overrides, schema, checks, and at last resolving."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import ValidationError

from sim.core.paths import real_path, user_path
from sim.scenario import document, library
from sim.scenario.checks import Known, check
from sim.scenario.document import MAX_BYTES, MAX_NODES, Node, Text, parse
from sim.scenario.overrides import override
from sim.scenario.renamed import replace_old_names
from sim.scenario.resolve import beyond, resolve
from sim.scenario.tables import MAX_PROBLEMS, WORKBOOK, TableNode, read_table
from sim.scenario.whole import Scenario
from sim.scenario.wording import LEVEL, Field, Tree, child, field_at, path_of, say
from sim.scenario.writer import dump
from sim.schema import BASE
from sim.schema.errors import Problem, ScenarioError, nearest, quoted, suggest

__all__ = ["dump", "read"]

MAX_REPAIRS: Final = 20
"""Rounds of removing what the schema refuses."""
MAX_REFUSED: Final = 2000
"""With this many refusals the rest is not checked: a whole table is wrong."""
PLACEHOLDERS: Final = {
    "schema": "1",
    "name": "unnamed",
    "time": "{start: 2000-01, end: 2000-12}",
    "countries": "[]",
    "places": "[]",
}
"""Placeholder for a refused part that a scenario needs, while the rest is checked."""


RESOLVED_BYTES: Final = 100_000_000
"""A resolved scenario states everything, so it may be far larger than what a person writes."""


def read(source: str | Path, overrides: Sequence[str] = (), *, limit: int = MAX_BYTES) -> Scenario:
    """Read, check and resolve a scenario.

    Args:
        source: a file, or the name of a shipped scenario.
        overrides: `PATH=VALUE`, with ids in the path and YAML as value, for instance
            `policies.gr_wall.barrier=.8`; later ones win.
        limit: bytes that the file may have; only a resolved scenario that this program wrote
            itself may need more than the default.

    Returns:
        The scenario, complete and explicit.

    Raises:
        ScenarioError: with all problems of the file, its tables and the overrides.
        TypeError: the source is no path, or the overrides are no list of texts.
    """
    if not isinstance(source, (str, Path)):
        raise TypeError(
            "read takes the path of a file or the name of a shipped scenario, "
            f"not {type(source).__name__}"
        )
    overrides = [overrides] if isinstance(overrides, str) else list(overrides or ())
    for text in overrides:
        if not isinstance(text, str):
            raise TypeError(f"an override is a text, PATH=VALUE, not {text!r}")
    return ScenarioFile(source, limit=limit).variant(overrides)


class ScenarioFile:
    """A scenario file with its tables, read once, of which any number of variants are made.

    Attributes:
        path: the file.
        tree: its nodes, which know where they stand.
    """

    def __init__(self, source: str | Path, *, limit: int = MAX_BYTES) -> None:
        """Read the file and its tables; `variant` reports what is wrong in them.

        Raises:
            ScenarioError: there is no file, or it is no mapping.
        """
        self.path = _find(source)
        self._problems: list[Problem] = []
        self._damaged: set[str] = set()
        self._base: Node | None = None
        root = _load_tree(self.path, limit, self._problems)
        named = root.value.get(BASE)
        root, found = _with_tables(root, self.path, self._damaged)
        self._problems += found
        if named is not None:
            root = self._on_base(root, named[1], limit)
        self.tree = Tree(root)

    def _on_base(self, root: Node, named: Node, limit: int) -> Node:
        """Return the tree of the scenario that a file names, with the file's own values."""
        path = _find_base(named, self.path)
        base = _load_tree(path, limit, self._problems)
        if BASE in base.value:
            hint = "name that one"
            raise ScenarioError([named.problem(f"{path} builds on another scenario itself", hint)])
        base, found = _with_tables(base, path, self._damaged)
        self._problems += found
        self._base = base
        merged = _merged(base, root)
        del merged.value[BASE]
        return merged

    @cached_property
    def base(self) -> Scenario:
        """What the file's variants are variants of: from there they have their base rates.

        It is the scenario that the file names with `scenario:`, if that one is whole by itself;
        otherwise the file without overrides.

        Raises:
            ScenarioError: with all problems of the file and its tables.
        """
        if self._base is not None and not self._problems:
            scenario, found = _validate(self._base, set(self._damaged))
            if scenario is not None and not found:
                return resolve(scenario)
        return self._resolved(())

    def variant(self, overrides: Sequence[str] = (), *, checked: bool = False) -> Scenario:
        """Check and resolve the scenario with overrides.

        Args:
            overrides: `PATH=VALUE`, as `read` takes them.
            checked: True where these overrides were found to be right before.

        Returns:
            The scenario, a variant of `base` if there are overrides or the file names another
            scenario; of none where only the overrides make the file right.

        Raises:
            ScenarioError: with all problems of the file, its tables and the overrides.
        """
        scenario = self._resolved(overrides, checked=checked)
        if overrides or self._base is not None:
            with suppress(ScenarioError):
                return scenario.as_variant_of(self.base)
        return scenario

    def _resolved(self, overrides: Sequence[str], *, checked: bool = False) -> Scenario:
        """Check and resolve the scenario with overrides, as `variant` does."""
        root, problems, damaged = self.tree.root, list(self._problems), set(self._damaged)
        if overrides:
            root, found = override(root, overrides)
            problems += found
            root, found = _with_tables(root, self.path, damaged)
            problems += found
        if checked:
            return resolve(Scenario.model_validate(root.plain()))
        scenario, found = _validate(root, damaged)
        problems += found
        if problems or scenario is None:
            order = {f"-s {argument}": number for number, argument in enumerate(overrides)}
            raise ScenarioError(sorted(problems, key=lambda it: order.get(it.file, -1)))
        resolved = resolve(scenario)
        if found := beyond(resolved, str(self.path)):
            raise ScenarioError(found)
        return resolved


def _merged(base: Node, own: Node) -> Node:
    """Return a mapping with another's values in place of its own; lists are replaced whole."""
    value = dict(base.value)
    for key, (key_node, node) in own.value.items():
        under = base.get(key)
        both = under is not None and under.kind == node.kind == "mapping" and key != "sweep"
        value[key] = (key_node, _merged(under, node) if both and under is not None else node)
    return Node("mapping", value, own.origin, own.line, own.column)


def _load_tree(path: Path, limit: int, problems: list[Problem]) -> Node:
    """Return the nodes of a scenario file; problems that do not end the reading are added."""
    text = Text(str(path), _load(path, limit))
    root = parse(text.text, text, max(MAX_NODES, limit // 5), problems)
    if root.kind == "scalar" and root.value is None:
        hint = "`sim new NAME` writes a starter"
        raise ScenarioError([Problem(str(path), 0, 0, "is empty", hint)])
    if root.kind != "mapping":
        hint = "a scenario starts with `schema: 1`; `sim new NAME` writes a starter"
        raise ScenarioError([root.problem("the file is not a mapping of keys to values", hint)])
    problems += replace_old_names(root)
    return root


def _find_base(named: Node, path: Path) -> Path:
    """Return the file of the scenario that another one names: in its folder, or a shipped one."""
    name = named.value
    hint = "name a file in this folder, or a shipped scenario, for instance `scenario: syria`"
    if named.kind != "scalar" or not isinstance(name, str) or not name.isprintable():
        raise ScenarioError([named.problem("scenario must be the name of another scenario", hint)])
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "~")) or ":" in parts[0] or ".." in parts:
        raise ScenarioError([named.problem(f"{quoted(name)} lies outside of this folder", hint)])
    beside = path.parent / name
    if beside.is_file():
        return _near(beside)
    if found := library.find(name):
        return _near(found)
    known = [it for it, _, _ in library.shipped()] + [it.name for it in path.parent.glob("*.yaml")]
    hint = suggest(name, known, "there are") or hint
    raise ScenarioError([named.problem(f"there is no scenario {quoted(name)}", hint)])


def read_resolved(path: Path) -> Scenario:
    """Read back a resolved scenario that this program wrote, without asking whether it makes sense.

    A check that came later must not make an earlier run unreadable.

    Raises:
        ScenarioError: it is cut short, or not a scenario of this schema.
    """
    limit = RESOLVED_BYTES
    text = Text(str(path), _load(path, limit))
    problems: list[Problem] = []
    root = parse(text.text, text, limit // 5, problems)
    problems += replace_old_names(root, silent=True)  # an earlier version may have written it
    try:
        scenario = Scenario.model_validate(root.plain())
    except ValidationError as error:
        problems += _say_all(Tree(root), error.errors(include_url=False, include_input=False))
    if problems:
        raise ScenarioError(problems)
    return scenario


def _find(source: str | Path) -> Path:
    """Return the file that a path or name means."""
    name = str(source)
    if "\0" in name or not name.strip():
        raise ScenarioError([Problem(quoted(name), 0, 0, "is not the name of a file")])
    path = user_path(source)
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if found := library.find(name):
            return _near(found)
        if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
            said = (error.strerror or "cannot be read").lower()
            raise ScenarioError([Problem(name, 0, 0, said)]) from None
        raise ScenarioError([_not_found(path)]) from None
    if stat.S_ISDIR(mode):
        if found := library.find(name):
            return _near(found)
        inside = sorted(it.name for it in path.glob("*.yaml"))[:10]
        hint = f"scenarios in it: {', '.join(inside)}" if inside else "name a YAML file"
        raise ScenarioError([Problem(name, 0, 0, "is a directory", hint)])
    if not stat.S_ISREG(mode):
        raise ScenarioError([Problem(name, 0, 0, "is not a regular file")])
    return path


def _near(path: Path) -> Path:
    """Return a path as seen from here, where that is shorter."""
    relative = os.path.relpath(path)
    return Path(relative) if len(relative) < len(str(path)) else path


def _not_found(path: Path) -> Problem:
    """Say that there is no such file, and which name was meant."""
    shipped = [name for name, _, _ in library.shipped()]
    meant = {name: name for name in shipped}
    try:
        beside = sorted(path.parent.iterdir())[:1000]
    except OSError:
        beside = []
    meant |= {it.stem: str(it) for it in beside if it.suffix in (".yaml", ".yml")}
    near = nearest(path.stem, meant)
    if near is not None:
        hint = f"did you mean '{meant[near]}'?"
    else:
        hint = f"shipped scenarios: {', '.join(shipped)}" if shipped else ""
    return Problem(str(path), 0, 0, "there is no such file or shipped scenario", hint)


def _load(path: Path, limit: int) -> str:
    """Return the text of a file, refused where it is too large or not UTF-8."""
    name = str(path)
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        said = (error.strerror or "cannot be read").lower()
        raise ScenarioError([Problem(name, 0, 0, said)]) from None
    if len(content) > limit:
        raise ScenarioError(
            [
                Problem(
                    name,
                    0,
                    0,
                    f"is larger than {limit / 1e6:g} MB",
                    "put bulk data into a CSV file next to the scenario, "
                    "for instance stocks: {table: stocks.csv}",
                )
            ]
        )
    if content.startswith(WORKBOOK):
        hint = "a scenario is plain text in UTF-8"
        raise ScenarioError(
            [Problem(name, 0, 0, "is a workbook or another packed file, not YAML", hint)]
        )
    if content[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in content[:4]:
        hint = "save the file as UTF-8"
        raise ScenarioError([Problem(name, 0, 0, "is UTF-16 or UTF-32, or binary", hint)])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        good = content[: error.start].decode("utf-8-sig")
        lines = document.LINE_BREAK.split(good)
        rest = content[error.start :].decode("latin-1")
        line = lines[-1] + document.LINE_BREAK.split(rest)[0][:200]
        raise ScenarioError(
            [
                Problem(
                    name,
                    len(lines),
                    len(lines[-1]) + 1,
                    f"the byte 0x{content[error.start]:02x} is not UTF-8 text",
                    "save the file as UTF-8",
                    line,
                )
            ]
        ) from None


def _with_tables(root: Node, path: Path, damaged: set[str]) -> tuple[Node, list[Problem]]:
    """Return the tree with every `KEY: {table: FILE}` read, and the problems of doing so.

    Args:
        root: the file's tree; it stays as it is.
        path: the file.
        damaged: told the keys of tables that could not be read whole.
    """
    problems: list[Problem] = []
    changed = root.copy()
    for key, (key_node, node) in root.value.items():
        part = field_at((key, 0)).model
        if part is None or node.kind != "mapping" or "table" not in node.value:
            continue
        found = [
            other.problem(f"{key}: {quoted(word)} cannot be combined with table")
            for word, (other, _) in node.value.items()
            if word != "table"
        ]
        name = node.value["table"][1]
        value = Node("list", [], node.origin, node.line, node.column)
        try:
            value, more = read_table(name, name.value, real_path(path).parent, part)
            found += more
        except ScenarioError as error:
            found += error.problems
        changed.value[key] = (key_node, value)
        if found:
            damaged.add(key)
            problems += found
    return changed, problems


def _validate(root: Node, damaged: set[str]) -> tuple[Scenario | None, list[Problem]]:
    """Return the scenario and all problems of schema and meaning.

    What the schema refuses is taken out, round by round, until the rest can be checked too; so
    one typing error does not hide the others.
    """
    known = Known.of(root)
    known.broken |= damaged
    known.incomplete |= damaged
    problems: list[Problem] = []
    tree = Tree(root)
    for round_ in range(MAX_REPAIRS):
        try:
            scenario = Scenario.model_validate(tree.root.plain())
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False)
            if round_ == 0 or not problems:
                problems += _say_all(tree, details)
            if len(details) > MAX_REFUSED:
                break
            tree = Tree(_without(tree.root, [path_of(it) for it in details], known))
            continue
        return scenario, problems + check(scenario, tree, known)
    return None, problems


def _say_all(tree: Tree, details: Sequence[Any]) -> list[Problem]:
    """Return the problems of one round; a blank value of a field with a default is none."""
    problems: list[Problem] = []
    in_table: dict[str, int] = {}
    merging = {path_of(it)[0][:-1] for it in details if path_of(it)[0][-1:] == ("<<",)}
    for detail in details:
        path, is_key = path_of(detail)
        if detail["type"] == "missing" and path[:-1] in merging:
            continue  # it is where the merge key leads, which is told instead
        table = tree.root.get(str(path[0])) if path else None
        if isinstance(table, TableNode):
            name = table.origin.name
            in_table[name] = in_table.get(name, 0) + 1
            if in_table[name] > MAX_PROBLEMS:
                continue
        nodes = tree.walk(path)
        node = nodes[-1]
        complete = len(nodes) == len(path) + 1 and not is_key
        blank = complete and node.kind == "scalar" and node.value is None
        blank = blank and detail["type"] != "extra_forbidden" and isinstance(path[-1], str)
        if blank and not field_at(path).required:
            continue  # `corridors:` with every item commented out is no corridors
        problems.append(say(tree, detail))
    for name, n in in_table.items():
        if n > MAX_PROBLEMS:
            message = f"{n - MAX_PROBLEMS:,} more cells are wrong"
            problems.append(Problem(name, 10**9, 0, message))
    return problems


def _without(root: Node, paths: Sequence[tuple[document.Path, bool]], known: Known) -> Node:
    """Return the tree without what was refused; a thing goes with a part it cannot lack.

    Args:
        root: what was validated; it stays as it is.
        paths: what was refused, and whether its key was.
        known: told what is no longer complete.
    """
    root = root.copy()
    fresh: dict[int, Node] = {id(root): root}
    items: dict[int, tuple[Node, set[int]]] = {}
    for path, is_key in paths:
        known.broken.add(str(path[0]) if path else "")
        way = _own(root, path, fresh)
        found = len(way) == len(path) + 1
        goes = found and (is_key or field_at(path) == Field())
        if not found and way[-1].kind == "mapping":
            field = field_at(path[: len(way)])
            if field.stand_in() is not None:
                known.taint(way[-1], path[len(way) - 1])
                _put_stand_in(way[-1], str(path[len(way) - 1]), field)
                continue
        for depth in range(len(way) - 1, 0, -1):
            parent, step = way[depth - 1], path[depth - 1]
            known.taint(parent, step)
            if parent.kind == "mapping":
                field = field_at(path[:depth])
                if goes or depth == 1 or not field.required:
                    parent.value.pop(step, None)
                    break
                if field.stand_in() is not None:
                    _put_stand_in(parent, str(step), field)
                    break
            elif get_args(field_at(path[: depth - 1]).core)[1:] == (...,):
                items.setdefault(id(parent), (parent, set()))[1].add(int(step))
                break
    for node, gone in items.values():
        keep = [i for i in range(len(node.value)) if i not in gone]
        node.value = [node.value[i] for i in keep]
        if isinstance(node, TableNode):
            node.lines = [node.lines[i] for i in keep]
    for key, text in PLACEHOLDERS.items():
        if key not in root.value:
            known.broken.add(key)
            node = parse(text, Text("", text))
            root.value[key] = (node, node)
    return root


def _put_stand_in(parent: Node, step: str, field: Field) -> None:
    value = field.stand_in()
    node = Node("scalar", value, parent.origin, parent.line, parent.column, str(value))
    parent.value[step] = (parent.value[step][0] if step in parent.value else node, node)


def _own(root: Node, path: document.Path, fresh: dict[int, Node]) -> list[Node]:
    """Return the nodes along a path, each copied once so that it may be changed."""
    way = [root]
    for step in path:
        parent = way[-1]
        node = child(parent, step)
        if node is None:
            break
        if id(node) not in fresh:
            node = node.copy()
            fresh[id(node)] = node
            if parent.kind == "mapping":
                parent.value[step] = (parent.value[step][0], node)
            else:
                parent.value[LEVEL.index(step) if isinstance(step, str) else step] = node
        way.append(node)
    return way
