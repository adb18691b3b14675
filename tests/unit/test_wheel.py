"""The wheel, installed away from the sources, holds all that a run needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def command(*words: str | Path, folder: Path, **environment: str) -> str:
    """Run a program that has to succeed; give what it printed."""
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command("-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, folder=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's files; dependencies come from this environment."""
    site = tmp_path_factory.mktemp("site")
    command(
        "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site, wheel,
        folder=site,
    )  # fmt: skip
    return site


def elsewhere(site: Path, folder: Path, *words: str, **environment: str) -> str:
    """Run the installed command in a folder that has nothing to do with the sources."""
    # Compiled code is kept apart, so that no test leaves any behind.
    kept = {"PYTHONPATH": str(site), "SIM_CACHE_DIR": str(folder / "cache")}
    return command("-m", "sim", *words, folder=folder, **kept, **environment)


def test_the_wheel_holds_files_that_are_not_python(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "sim/py.typed" in names
    tree = {
        f"sim/{path.relative_to(ROOT / 'sim').as_posix()}"
        for path in (ROOT / "sim").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    shipped = {
        f"sim/scenarios/{path.relative_to(ROOT / 'scenarios').as_posix()}"
        for path in (ROOT / "scenarios").rglob("*")
        if path.is_file()
    }
    assert {"sim/scenarios/syria.yaml", "sim/scenarios/central_america.yaml"} <= shipped
    assert tree | shipped <= names
    beyond = {name for name in names - tree - shipped if ".dist-info/" not in name}
    assert beyond == set()


def test_the_installed_package_is_the_one_that_runs(installed: Path, tmp_path: Path) -> None:
    script = "import sim; print(sim.__file__)"
    path = command("-c", script, folder=tmp_path, PYTHONPATH=str(installed)).strip()
    assert Path(path).is_relative_to(installed)


def test_shipped_scenarios_are_listed_and_checked(installed: Path, tmp_path: Path) -> None:
    listed = json.loads(elsewhere(installed, tmp_path, "list", "--json"))
    files = {it["name"]: Path(it["file"]) for it in listed}
    for name in ("central_america", "syria"):
        assert files[name].is_relative_to(installed / "sim" / "scenarios")
        assert elsewhere(installed, tmp_path, "check", name).startswith(f"{name}: ok")


def test_a_new_scenario_checks(installed: Path, tmp_path: Path) -> None:
    elsewhere(installed, tmp_path, "new", "mine")
    assert "ok" in elsewhere(installed, tmp_path, "check", "mine.yaml")


def test_the_shipped_case_runs(installed: Path, tmp_path: Path) -> None:
    # Without compiling, which takes longer than the run and is the same for a checkout.
    words = ("run", "syria", "--agents", "500", "-s", "time.end=2011-03", "--json")
    told = elsewhere(installed, tmp_path, *words, NUMBA_DISABLE_JIT="1")
    assert json.loads(told)["manifest"]["name"] == "syria"
    assert (tmp_path / "out" / "syria" / "flows.parquet").is_file()
