"""What only some systems have is not needed: here without `fcntl`, as on Windows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.small import FILE

HIDDEN = "import sys, warnings\nsys.modules['fcntl'] = None\nwarnings.simplefilter('ignore')\n"
"""The warning is filelock's: away from Windows it then locks by a file's mere being there."""


def python(code: str, *words: str) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).parents[2])
    return subprocess.run(
        [sys.executable, "-c", HIDDEN + code, *words],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=False,
    )


def sim(*words: str) -> subprocess.CompletedProcess[str]:
    return python("from sim.cli.app import main\nsys.exit(main(sys.argv[1:]))", *words)


def test_every_module_can_be_imported() -> None:
    done = python(
        "import importlib, pkgutil, sim\n"
        "names = [it.name for it in pkgutil.walk_packages(sim.__path__, 'sim.')]\n"
        "for name in names: importlib.import_module(name)\n"
        "print(len(names))\n"
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50


def test_a_scenario_is_checked_and_run(tmp_path: Path) -> None:
    done = sim("check", str(FILE))
    assert done.returncode == 0, done.stderr
    short = ("--agents", "2000", "-s", "time.end=2020-02", "--json")
    done = sim("run", str(FILE), *short, "--out", str(tmp_path / "run"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["ok"]
    assert (tmp_path / "run" / "report.html").is_file()
    assert [it.name for it in tmp_path.iterdir()] == ["run"]


def test_two_at_once_are_told_apart(tmp_path: Path) -> None:
    done = python(
        "import os, pytest\n"
        "from sim.results.store import HeldError, hold\n"
        "number = rf'another process \\({os.getpid()}\\)'\n"
        "with hold(sys.argv[1]), pytest.raises(HeldError, match=number), hold(sys.argv[1]): pass\n"
        "with hold(sys.argv[1]): print('free again')\n",
        str(tmp_path / "run"),
    )
    assert done.stdout == "free again\n", done.stderr


def test_an_odd_environment_ends_in_work(tmp_path: Path) -> None:
    kept = {k: v for k, v in os.environ.items() if k not in ("HOME", "NO_COLOR")}
    odd = {
        "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONWARNINGS": "error", "COLUMNS": "0",
        "MPLBACKEND": "nonsense", "MPLCONFIGDIR": str(FILE / "below_a_file"), "TERM": "",
        "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONOPTIMIZE": "2",
    }  # fmt: skip
    name = "sm\udce9ll.yaml" if sys.platform == "linux" else "small.yaml"
    (tmp_path / name).write_bytes(FILE.read_bytes())
    short = ("--agents", "2000", "-s", "time.end=2020-02", "-s", "title=Far \N{ROCKET}")
    done = subprocess.run(
        [sys.executable, "-m", "sim", "run", name, *short, "--out", name[:-5]],
        env=kept | odd, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    assert "Matplotlib" not in done.stderr
    assert "Scorecard" in done.stdout
    assert (tmp_path / name[:-5] / "report.html").is_file()


def test_warnings_of_libraries_end_no_command() -> None:
    code = (
        "import sys, warnings\n"
        "import sim.__main__ as command\n"
        "sys.argv = ['sim', 'list']\n"
        "command.main()\n"
        "warnings.warn('for programmers')\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
