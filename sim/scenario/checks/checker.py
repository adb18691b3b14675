"""What every check is given: the scenario, its tree, and what the file declares."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from sim.scenario.document import Node, Path
from sim.scenario.whole import Scenario
from sim.scenario.wording import Tree, child, default_id
from sim.schema.errors import Problem, quoted, suggest
from sim.schema.key import part_in

ID = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
NEAR: Final = 1e-6
"""How far from 1 a sum of shares may be."""
KINDS: Final = tuple(
    name
    for name, it in Scenario.model_fields.items()
    if (found := part_in(it.annotation))[1] == 1
    and found[0] is not None
    and "id" in found[0].model_fields
)
"""Sections that are lists of things with ids."""
SINGULAR: Final = {
    "sources": "source",
    "countries": "country",
    "groups": "group",
    "places": "place",
    "corridors": "corridor",
}


@dataclass
class Known:
    """What the file as written declares, and what of it the schema refused.

    Where parts were refused, checks that need the whole say nothing: a place whose income cannot
    be read does not lack one.
    """

    ids: dict[str, set[str]] = field(default_factory=dict)
    """By kind: ids declared, in refused parts too."""
    incomplete: set[str] = field(default_factory=set)
    """Kinds of which some thing's id cannot be read, so that an unknown one proves nothing."""
    broken: set[str] = field(default_factory=set)
    """Top-level keys under which something was refused."""
    tainted: dict[tuple[int, int, int], set[str | int]] = field(default_factory=dict)
    """By position of a list or mapping: keys or indices at which something was taken out."""

    @classmethod
    def of(cls, root: Node) -> Known:
        """Collect the ids of a file."""
        known = cls()
        for kind in KINDS:
            ids = known.ids.setdefault(kind, set())
            top = root.get(kind)
            if top is None or kind == "observed":
                continue
            if top.kind != "list":
                known.incomplete.add(kind)
                continue
            for i in range(len(top.value)):
                item = child(top, i)
                if item is None or item.kind != "mapping":
                    known.incomplete.add(kind)
                    continue
                own = item.get("id")
                if own is not None:
                    ids.add(own.text)
                    if not ID.fullmatch(own.text):
                        known.incomplete.add(kind)  # others may name it as it was meant
                elif kind == "corridors" and (name := default_id(item)):
                    ids.add(name)
                else:
                    known.incomplete.add(kind)
                if kind == "corridors" and (both := item.get("both_ways")) and both.value is True:
                    a, b = item.get("from"), item.get("to")
                    if a is not None and b is not None:
                        ids.add(f"{b.text}_{a.text}")
        return known

    def taint(self, node: Node, step: str | int) -> None:
        """Remember that something was taken out of a node."""
        place = (id(node.origin), node.line, node.column)
        self.tainted.setdefault(place, set()).add(step)

    def whole(self, node: Node, *keys: str) -> bool:
        """Return whether nothing was taken out of a node, or not at these keys."""
        gone = self.tainted.get((id(node.origin), node.line, node.column), set())
        return not (gone & set(keys) if keys else gone)


@dataclass
class Checker:
    """A scenario under check, and the problems found in it so far."""

    scenario: Scenario
    tree: Tree
    known: Known
    problems: list[Problem] = field(default_factory=list)

    def add(self, path: Path, message: str, hint: str = "", on_key: bool = False) -> None:
        """Report a problem; `{}` in the message is replaced by the path's address."""
        text = message.replace("{}", self.tree.address(path), 1)
        self.problems.append(self.tree.problem(path, text, hint, on_key))

    def whole(self, path: Path, *keys: str) -> bool:
        """Return whether the thing at a path is as written, or at least these keys of it are."""
        return self.known.whole(self.tree.walk(path)[-1], *keys)

    def intact(self, *keys: str) -> bool:
        """Return whether nothing was refused under these top-level keys."""
        return not self.known.broken & set(keys)

    def refer(self, path: Path, word: str, kinds: Sequence[str], on_key: bool = False) -> None:
        """Report a word that is no id of these kinds."""
        if any(word in self.known.ids[kind] for kind in kinds):
            return
        if self.known.incomplete & set(kinds):
            return
        allowed = sorted({it for kind in kinds for it in self.known.ids[kind]})
        what = " or ".join(SINGULAR[kind] for kind in kinds)
        hint = suggest(word, allowed, "known here")
        if not allowed:
            hint = f"the scenario lists no {kinds[0]}"
        if on_key:
            self.add(path, f"{{}}: there is no {what} {quoted(word)}", hint, on_key=True)
        else:
            self.add(path, f"{{}} = {word}: there is no such {what}", hint)


def once(ck: Checker, path: Path, words: Sequence[str]) -> None:
    """Report words that a list has more than once."""
    for i, word in enumerate(words):
        if word in words[:i]:
            ck.add((*path, i), f"{ck.tree.address(path)}: {word} is here twice")


def in_order(
    ck: Checker, path: Path, start: date | None, end: date | None, a: str = "start", b: str = "end"
) -> None:
    """Report an end before its start; `a` and `b` are the keys of the two days."""
    if not ck.whole(path, a, b):
        return
    if start is not None and end is not None and end < start:
        written = ck.tree.walk((*path, b))[-1].text or end
        before = ck.tree.walk((*path, a))[-1].text or start
        ck.add((*path, b), f"{{}} = {written} is before {a} = {before}")
