"""Compiled code is kept, never stale, done without where nothing can be written, and pruned."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numba
import pytest

import sim
from sim.core import jit

pytestmark = pytest.mark.skipif(
    bool(numba.config.DISABLE_JIT), reason="nothing is compiled without the compiler"
)

KERNEL = """
from sim.core.jit import kernel
from sim.core.rng import uniform

@kernel
def draw(words, out):
    for i in range(len(words)):
        out[i] = uniform(words[i], words[i])
"""
"""A kernel whose draws are made by helpers in another file."""

CALL = """
import numpy as np
from sim.core import jit
from sim.kernels.probe import draw

words, out = np.arange(5, dtype=np.uint64), np.empty(5)
draw(words, out)
print(jit.is_cached(), *out)
"""


def copy_of_sim(folder: Path) -> Path:
    """The package's own files, to be edited, with a kernel more."""
    root = Path(sim.__file__).parent
    shutil.copytree(root, folder / "sim", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "sim" / "kernels" / "probe.py").write_text(KERNEL)
    return folder


def kernel(tree: Path, **settings: str) -> list[str]:
    """What the kernel of a tree says in a new process: whether it is kept, and its numbers."""
    kept = {k: v for k, v in os.environ.items() if k not in ("SIM_CACHE_DIR", "XDG_CACHE_HOME")}
    done = subprocess.run(
        [sys.executable, "-c", CALL], cwd=tree, capture_output=True, text=True,
        env=kept | {"PYTHONPATH": str(tree)} | settings,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def files(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.nb*")}


def test_an_edited_helper_gives_new_numbers_and_a_second_process_compiles_nothing(
    tmp_path: Path,
) -> None:
    tree, cache = copy_of_sim(tmp_path / "tree"), tmp_path / "cache"
    first = kernel(tree, SIM_CACHE_DIR=str(cache))
    kept = files(cache)
    assert kept
    assert kernel(tree, SIM_CACHE_DIR=str(cache)) == first
    assert files(cache) == kept  # nothing was compiled, nothing added

    helper = tree / "sim" / "core" / "rng.py"
    text = helper.read_text()
    edited = text.replace("np.uint64(0x94D049BB133111EB)\n    return", "np.uint64(99)\n    return")
    assert edited != text
    helper.write_text(edited)
    assert kernel(tree, SIM_CACHE_DIR=str(cache)) != first

    helper.write_text(text)
    assert kernel(tree, SIM_CACHE_DIR=str(cache)) == first


def test_where_no_home_can_be_written_kernels_are_compiled_all_the_same(tmp_path: Path) -> None:
    tree = copy_of_sim(tmp_path / "tree")
    kept = kernel(tree, SIM_CACHE_DIR=str(tmp_path / "cache"))
    # Nobody makes a folder below a file, not even root.
    (tmp_path / "home").write_text("")
    unkept = kernel(tree, HOME=str(tmp_path / "home"))
    assert (kept[0], unkept[0]) == ("True", "False")
    assert unkept[1:] == kept[1:]


@pytest.fixture
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path, Path]:
    """Folders of this version, of one used yesterday, and of one long unused."""
    monkeypatch.setenv("SIM_CACHE_DIR", str(tmp_path))
    own = jit.cache_folder()
    assert own is not None
    recent, old = own.with_name("recent"), own.with_name("old")
    for folder, days in ((own, 400), (recent, 1), (old, jit.KEPT_DAYS + 1)):
        folder.mkdir(parents=True)
        (folder / jit.MARKER).write_bytes(jit.MARKED.encode())
        (folder / "kernel.nbi").touch()
        then = time.time() - 86_400 * days
        os.utime(folder, (then, then))
    return own, recent, old


def test_caches_of_other_versions_go_once_they_are_long_unused(
    versions: tuple[Path, Path, Path],
) -> None:
    own, recent, old = versions
    assert jit.is_cached.__wrapped__()
    assert own.exists()
    assert recent.exists()
    assert not old.exists()


def test_using_a_cache_keeps_it(
    versions: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    own, recent, _ = versions
    assert jit.is_cached.__wrapped__()
    # Another version comes, and finds this one used just now.
    monkeypatch.setattr(jit, "cache_folder", lambda: recent)
    assert jit.is_cached.__wrapped__()
    assert own.exists()


def test_folders_of_others_stay_however_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIM_CACHE_DIR", str(tmp_path))
    own = jit.cache_folder()
    assert own is not None
    foreign = [tmp_path / "thesis", tmp_path / "0123456789abcdef", own.parent / "thesis"]
    tagged = own.parent / "tagged"  # a cache, but of another program
    for folder in (*foreign, tagged):
        folder.mkdir(parents=True)
        (folder / "data.txt").write_text("work")
    (tagged / jit.MARKER).write_text(jit.MARKED.split("\n")[0])
    for folder in (*foreign, tagged):
        os.utime(folder, (0, 0))
    assert jit.is_cached.__wrapped__()
    assert all((folder / "data.txt").exists() for folder in (*foreign, tagged))
    assert (own / jit.MARKER).exists()


@pytest.mark.parametrize(
    ("settings", "parent"),
    [
        ({"SIM_CACHE_DIR": ""}, "home/.cache"),
        ({"SIM_CACHE_DIR": "~/mine"}, "home/mine"),
        ({"SIM_CACHE_DIR": "here"}, "here"),
        ({"XDG_CACHE_HOME": ""}, "home/.cache"),
        ({"XDG_CACHE_HOME": "relative"}, "home/.cache"),
        ({"XDG_CACHE_HOME": "{}/xdg", "SIM_CACHE_DIR": ""}, "xdg"),
    ],
)
def test_the_cache_is_below_a_folder_of_our_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], parent: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    for name in ("SIM_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value.format(tmp_path))
    folder = jit.cache_folder()
    assert folder is not None
    assert folder.parent == tmp_path / parent / jit.OURS


def test_without_a_home_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jit, "home", lambda: None)
    for name in ("SIM_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert jit.cache_folder() is None
    assert not jit.is_compiled()
    assert not jit.is_cached.__wrapped__()
