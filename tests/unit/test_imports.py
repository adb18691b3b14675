"""What is imported when: help and checks answer at once because they load little."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import sim

HEAVY = ("numba", "llvmlite", "pandas", "matplotlib", "mesa", "pyarrow", "networkx")
READING = {"check", "schema", "explain"}
"""Commands that read what mechanisms declare, and so import numpy, which they are written with."""

COMMAND = """
import sys
from sim.cli.app import main
code = main(sys.argv[1:])
print("loaded:", *sorted(name for name in sys.modules if "." not in name), file=sys.stderr)
sys.exit(code)
"""


def loaded(*words: str, folder: Path, code: int = 0) -> set[str]:
    """Run a command in a fresh process and give the top-level modules that it loaded."""
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *words], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == code, done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("loaded:"))
    return set(line.split()[1:])


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["run", "--help"],
        ["demo", "--help"],
        ["list"],
        ["schema"],
        ["explain", "decision.nest"],
        ["new", "mine"],
        ["check", "syria"],
        ["check", "syria", "--resolved"],
        ["check", "syria", "--json"],
    ],
    ids=" ".join,
)
def test_light_commands_load_nothing_heavy(words: list[str], tmp_path: Path) -> None:
    modules = loaded(*words, folder=tmp_path)
    assert not modules & set(HEAVY)
    assert ("numpy" in modules) == (words[0] in READING)
    assert "typer" in modules  # the list is a real one


def test_a_failed_check_loads_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("schema: 1\nname: 3\n")
    assert not loaded("check", "bad.yaml", folder=tmp_path, code=2) & set(HEAVY)


def test_importing_the_package_loads_nothing_but_itself() -> None:
    script = "import sys; before = set(sys.modules); import sim; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    new = {name.partition(".")[0] for name in done.stdout.split()}
    assert "sim" in new
    assert not new & {*HEAVY, "numpy", "typer", "pydantic", "yaml", "rich"}


@pytest.mark.parametrize("name", sim.__all__)
def test_public_names_exist_and_are_documented(name: str) -> None:
    value = getattr(sim, name)
    assert value.__doc__
    assert name in dir(sim)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'sim' has no attribute 'rnu'"):
        _ = sim.rnu  # type: ignore[attr-defined]
