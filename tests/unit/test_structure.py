"""How the code is laid out: no circle of imports, no long file or function, few arguments.

import-linter holds the order of packages too, which `pyproject.toml` states, but finds no circle
inside of one.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_LINES = 500
MOST_LINES_OF_A_FUNCTION = 80
MOST_ARGUMENTS = 8

LONG_FILES = {
    "sim/results/store.py": "one protocol, of how a folder is written whole and read back",
    "sim/mechanisms/choice.py": "tables of choice, which all depend on one another",
    "sim/schema/decision.py": "all keys of one part of a scenario, most of it what they mean",
}
"""Files that are longer, and why."""
LONG_FUNCTIONS = {
    "sim/engine/simulate.py::run": "a third of it describes its arguments",
    "sim/kernels/decision.py::expect": "a loop over a household's options that numba inlines",
    "sim/kernels/live.py::live": "a loop over what happens to a household that numba inlines",
    "sim/kernels/travel.py::end_of_leg": "all that may happen on a leg, which numba inlines",
}
"""Functions that are longer, and why."""


@cache
def trees() -> Mapping[str, ast.Module]:
    """Give the code of each module of the package, by the module's name."""
    found = {}
    for path in sorted((ROOT / "sim").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def file_of(module: str) -> str:
    """Give the file of a module, relative to the root."""
    path = module.replace(".", "/")
    return f"{path}/__init__.py" if (ROOT / path).is_dir() else f"{path}.py"


def imports_of(tree: ast.Module, known: Iterable[str]) -> set[str]:
    """Give the modules that a module imports, for types and inside functions too.

    The package itself is left out: it looks its names up when they are first used.
    """
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                inside = f"{node.module}.{alias.name}"
                found.add(inside if inside in known else str(node.module))
    return (found & set(known)) - {"sim"}


@cache
def graph() -> Mapping[str, set[str]]:
    """Give the modules that each module imports."""
    known = trees()
    return {name: imports_of(tree, known) for name, tree in known.items() if name != "sim"}


def circles(edges: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Give circles of a graph, one after the other, each cut before the next is looked for."""
    left = {name: set(others) for name, others in edges.items()}
    found = []
    while True:
        try:
            TopologicalSorter(left).prepare()
        except CycleError as error:
            circle = error.args[1]
            found.append(circle)
            left[circle[1]].discard(circle[0])
        else:
            return found


def package_of(module: str) -> str:
    """Give the package of a module: `core` of `sim.core.rng`."""
    return module.split(".")[1]


def functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Give each function and its name with those of what it is in: `Rules.__init__`."""

    def inside(
        node: ast.AST, before: str
    ) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
        for child in ast.iter_child_nodes(node):
            name = before
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                name = f"{before}{child.name}."
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield name.removesuffix("."), child
            yield from inside(child, name)

    return inside(tree, "")


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circles(graph()) == []


def layers() -> dict[str, int]:
    """Give the layer of each package, 0 at the top, as import-linter has them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (names,) = (
        contract["layers"]
        for contract in settings["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    )
    return {name.strip(): i for i, layer in enumerate(names) for name in layer.split("|")}


def test_packages_import_only_from_those_below() -> None:
    layer = layers()
    assert set(layer) == {package_of(module) for module in graph()}
    upward = [
        f"{module} imports {other}"
        for module, others in graph().items()
        for other in sorted(others)
        if package_of(module) != package_of(other)
        and layer[package_of(module)] >= layer[package_of(other)]
    ]
    assert not upward


def test_imports_for_types_and_inside_functions_count() -> None:
    tree = ast.parse(
        "from typing import TYPE_CHECKING\n"
        "import sim.a\n"
        "from sim import b, missing\n"
        "if TYPE_CHECKING:\n    from sim.c import D\n"
        "def f():\n    from sim.e import g\n"
    )
    known = ["sim", "sim.a", "sim.b", "sim.c", "sim.e"]
    assert imports_of(tree, known) == {"sim.a", "sim.b", "sim.c", "sim.e"}


def test_circles_are_found() -> None:
    assert circles({"a": ["b"], "b": ["c"], "c": []}) == []
    (found,) = circles({"a": ["b"], "b": ["c"], "c": ["a"]})
    assert set(found) == {"a", "b", "c"}
    assert len(circles({"a": ["b"], "b": ["a"], "c": ["d"], "d": ["c"]})) == 2


def test_no_file_is_long_without_a_reason() -> None:
    lines = {
        file_of(module): len((ROOT / file_of(module)).read_text(encoding="utf-8").splitlines())
        for module in trees()
    }
    assert {name for name, n in lines.items() if n > MOST_LINES} == set(LONG_FILES)


def test_no_function_is_long_without_a_reason() -> None:
    found = {
        f"{file_of(module)}::{name}"
        for module, tree in trees().items()
        for name, function in functions(tree)
        if (function.end_lineno or 0) - function.lineno + 1 > MOST_LINES_OF_A_FUNCTION
    }
    assert found == set(LONG_FUNCTIONS)


def test_functions_outside_kernels_take_few_positional_arguments() -> None:
    found = {
        f"{file_of(module)}::{name}": n
        for module, tree in trees().items()
        if module != "sim" and package_of(module) != "kernels"
        for name, function in functions(tree)
        if (n := len(function.args.posonlyargs) + len(function.args.args)) > MOST_ARGUMENTS
    }
    assert not found


@pytest.mark.parametrize("reasons", [LONG_FILES, LONG_FUNCTIONS])
def test_exceptions_say_why(reasons: Mapping[str, str]) -> None:
    assert all(len(reason.split()) >= 6 for reason in reasons.values())
