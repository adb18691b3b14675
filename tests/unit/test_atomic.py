"""A file that is written appears whole, or not at all."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sim.core.atomic import atomic, leftovers

CRASH = (
    "import os, signal, sys\n"
    "from sim.core.atomic import atomic\n"
    "with atomic(sys.argv[1]) as partial:\n"
    "    partial.write_text('half')\n"
    "    os.kill(os.getpid(), signal.SIGKILL)\n"
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_earlier_file_is_there_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("earlier")
    with atomic(path) as partial:
        assert partial.parent == tmp_path  # a renaming is only whole within one folder
        partial.write_text("later")
        assert path.read_text() == "earlier"
        assert leftovers(path) == [partial]
    assert path.read_text() == "later"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_a_failure_leaves_the_earlier_file_and_nothing_else(
    tmp_path: Path, error: BaseException
) -> None:
    path = tmp_path / "table.csv"
    path.write_text("earlier")

    def fail() -> None:
        with atomic(path) as partial:
            partial.write_text("half")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_does_not_take_it_leaves_the_earlier_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "table.csv"
    path.write_text("earlier")

    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="full"), atomic(path) as partial:
        partial.write_text("half")
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal")
def test_a_killed_process_leaves_the_earlier_file_and_what_can_be_found(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("earlier")
    done = subprocess.run([sys.executable, "-c", CRASH, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "earlier"
    (left,) = leftovers(path)
    assert left.read_text() == "half"
    assert leftovers(tmp_path / "table") == leftovers(tmp_path / "other.csv") == []
    with atomic(path) as partial:
        partial.write_text("later")
    assert path.read_text() == "later"
    assert leftovers(path) == [left]  # another process might still be writing it


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_permissions_are_those_of_a_new_file_or_of_the_earlier_one(tmp_path: Path) -> None:
    path, ordinary = tmp_path / "table.csv", tmp_path / "ordinary"
    before = os.umask(0o026)
    try:
        ordinary.touch()
        with atomic(path) as partial:
            partial.write_text("first")
        assert mode(path) == mode(ordinary) == 0o640
        for kept in (0o604, 0o444):
            path.chmod(kept)
            with atomic(path) as partial:
                partial.write_text("again")
            assert mode(path) == kept
    finally:
        os.umask(before)


def test_a_folder_that_is_not_there_is_said_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic(tmp_path / "none" / "table.csv"):
        raise AssertionError("nothing can be written there")


@pytest.mark.skipif(not hasattr(os, "listxattr"), reason="this system has no access lists")
def test_a_file_is_replaced_where_there_are_no_access_lists(tmp_path, monkeypatch):
    def listxattr(*_):
        raise OSError(errno.ENOTSUP, "not supported")

    path = tmp_path / "file"
    path.write_text("old")
    monkeypatch.setattr(os, "listxattr", listxattr)
    with atomic(path) as partial:
        partial.write_text("new")
    assert path.read_text() == "new"


@pytest.mark.skipif(not hasattr(os, "chown"), reason="this system has no groups")
def test_a_file_whose_group_cannot_be_kept_is_not_opened_to_others(tmp_path, monkeypatch):
    def keep_owners(*_):
        raise PermissionError(errno.EPERM, "not permitted")

    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o660)
    monkeypatch.setattr("sim.core.atomic.keep_owners", keep_owners)
    with atomic(path) as partial:
        partial.write_text("new")
    assert path.stat().st_mode & 0o777 == 0o600
