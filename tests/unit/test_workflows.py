"""The files that GitHub reads: they parse, and CI tries what pyproject.toml promises."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / ".github").rglob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def jobs() -> Any:
    return read(ROOT / ".github/workflows/ci.yml")["jobs"]


@pytest.mark.parametrize("path", FILES, ids=lambda it: it.name)
def test_they_parse_and_pin_actions_by_major_version(path: Path) -> None:
    assert isinstance(read(path), dict)
    for used in re.findall(r"uses: *(\S+)", path.read_text(encoding="utf-8")):
        assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", used), used


def test_ci_tries_every_version_of_python_that_is_promised() -> None:
    tried = jobs()["versions"]["strategy"]["matrix"]["python"]
    start = "Programming Language :: Python :: 3."
    promised = [it.rpartition(" ")[2] for it in PROJECT["classifiers"] if it.startswith(start)]
    assert tried == promised
    assert PROJECT["requires-python"] == f">={tried[0]}"


def test_ci_tries_three_systems_with_the_lowest_and_the_newest_versions() -> None:
    job = jobs()["versions"]
    assert job["strategy"]["matrix"]["os"] == ["ubuntu-latest", "macos-latest", "windows-latest"]
    assert job["strategy"]["matrix"]["resolution"] == ["lowest-direct", "highest"]
    installs = [step["run"] for step in job["steps"] if "--resolution" in step.get("run", "")]
    extras = re.findall(r"'\.\[(.*)\]'", *installs)
    assert set(extras[0].split(",")) == PROJECT["optional-dependencies"].keys() - {"browser", "viz"}


def test_ci_runs_what_has_to_pass_before_a_change_lands() -> None:
    assert {"run": "bash .ci/run"} in jobs()["all"]["steps"]


def test_every_dependency_says_from_which_version_on() -> None:
    optional = PROJECT["optional-dependencies"]
    # What shows pages is pinned: only these versions are known to work together.
    loose = [extra for name, extra in optional.items() if name not in ("browser", "viz")]
    extras = [it for extra in loose for it in extra]
    assert [it for it in (*PROJECT["dependencies"], *extras) if ">=" not in it] == []


def test_forms_ask_for_something_each() -> None:
    forms = [path for path in FILES if path.parent.name == "ISSUE_TEMPLATE"]
    forms = [path for path in forms if path.name != "config.yml"]
    assert len(forms) == 3
    for path in forms:
        form = read(path)
        assert {"name", "description", "body"} <= form.keys()
        asked = [part["id"] for part in form["body"] if part["type"] != "markdown"]
        assert len(asked) == len(set(asked)) >= 3
