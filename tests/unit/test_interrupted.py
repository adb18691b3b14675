"""`sim run` survives what happens to a process: killed, interrupted, no room, two at once."""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sim.cli.app import app
from tests.small import FILE

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no signals to send, nor small disks"
)

MANY = bool(os.environ.get("SIM_LONG_TESTS"))
KILLS = 20 if MANY else 3
LENGTH = ("-s", "time.end=2021-12", "--replicates", "6") if MANY else ("-s", "time.end=2020-06")
RUN = ("run", str(FILE), "-s", "time.step=week", "--replicates", "2", *LENGTH)
PATIENCE = 120.0


def start(*words: str, **environment: str) -> subprocess.Popen[str]:
    """Start `sim` so that it keeps a checkpoint after every step."""
    return subprocess.Popen(
        [sys.executable, "-m", "sim", *words],
        env={**os.environ, "SIM_CHECKPOINT_SECONDS": "0", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Let it end; return its exit code and what it said."""
    _, said = process.communicate(timeout=PATIENCE)
    return process.returncode, said


def wait_for_news(process: subprocess.Popen[str], path: Path, before: int) -> None:
    """Wait until a process has written a checkpoint of its own."""
    limit = time.monotonic() + PATIENCE
    while stamp(path) == before:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.005)


def stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def manifest(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "manifest.json").read_text(encoding="utf-8")))


def content(folder: Path) -> dict[str, bytes]:
    """Bytes of all but the manifest and the report, which say when and how long."""
    return {
        it.name: it.read_bytes()
        for it in folder.iterdir()
        if it.name not in ("manifest.json", "report.html")
    }


def beside(folder: Path) -> list[str]:
    return sorted(it.name for it in folder.parent.iterdir() if it != folder)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an unbroken run."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    code, said = finish(start(*RUN, "--out", str(folder), SIM_CHECKPOINT_SECONDS="30"))
    assert code == 0, said
    assert manifest(folder)["resumed"] == []
    assert beside(folder) == []
    return folder


def test_killed_at_random_moments_it_ends_as_if_unbroken(whole: Path, tmp_path: Path) -> None:
    folder, kept = tmp_path / "run", tmp_path / ".run.checkpoint"
    rng = random.Random(11)
    for _ in range(KILLS):
        before = stamp(kept)
        process = start(*RUN, "--out", str(folder))
        wait_for_news(process, kept, before)
        time.sleep(rng.uniform(0.0, 0.15))
        process.kill()
        code, said = finish(process)
        assert code == -signal.SIGKILL, said
        assert not folder.exists()
    code, said = finish(start(*RUN, "--out", str(folder)))
    assert code == 0, said
    assert re.search(r"^resumed at step [1-9]\d* of \d+ of replicate \d$", said, re.MULTILINE)
    resumed = [(it["replicate"], it["step"]) for it in manifest(folder)["resumed"]]
    assert len(resumed) == KILLS
    assert resumed == sorted(set(resumed))
    assert resumed[0] > (0, 0)
    assert content(folder) == content(whole)
    assert beside(folder) == []


def test_ctrl_c_says_that_the_same_command_goes_on(whole: Path, tmp_path: Path) -> None:
    folder, kept = tmp_path / "run", tmp_path / ".run.checkpoint"
    process = start(*RUN, "--out", str(folder))
    wait_for_news(process, kept, 0)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    code, said = finish(process)
    assert code == 130, said
    last = said.splitlines()[-1]
    assert last == "sim: interrupted; the same command resumes it"
    assert beside(folder) == [".run.checkpoint"]
    found = CliRunner().invoke(app, ["status", str(folder), "--json"])
    at = json.loads(found.output)
    command = shlex.join(["sim", *RUN, "--out", str(folder)])
    assert (at["state"], at["next"], at["cwd"]) == ("unfinished", command, str(Path.cwd()))
    assert CliRunner().invoke(app, ["status", str(folder)]).output == (
        f"{folder}: run run, unfinished at step {at['step']} of {at['steps']} "
        f"of replicate {at['replicate']} of 2\ngo on: {command}\n"
    )
    code, said = finish(start(*RUN, "--out", str(folder)))
    assert code == 0, said
    resumed = manifest(folder)["resumed"][0]
    assert resumed == {"replicate": at["replicate"] - 1, "step": at["step"]}
    assert resumed["step"] > 0
    assert content(folder) == content(whole)


def test_status_of_what_began_anew_goes_on_from_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, kept = tmp_path / "a run", tmp_path / ".a run.checkpoint"
    process = start(*RUN, "--fresh", "--out", str(folder))
    wait_for_news(process, kept, 0)
    process.send_signal(signal.SIGSTOP)  # so that it is there for as long as it is looked at
    try:
        told = CliRunner().invoke(app, ["status", str(folder)]).output
    finally:
        process.send_signal(signal.SIGCONT)
    running = f"{re.escape(str(folder))}: run a run, running, last checkpoint at step [1-9]"
    assert re.match(running, told)
    assert "go on" not in told
    process.send_signal(signal.SIGINT)
    code, said = finish(process)
    assert code == 130, said
    assert said.endswith("the same command without --fresh resumes it\n")
    began = Path.cwd()
    monkeypatch.chdir(tmp_path)  # from where a command with relative paths would not go on
    told = CliRunner().invoke(app, ["status", str(folder)]).output.splitlines()[-1]
    head, command = told.split(": ", 1)
    assert head == f"go on, in {began}"
    assert shlex.split(command) == ["sim", *RUN, "--out", str(folder)]
    monkeypatch.chdir(began)
    code, said = finish(start(*shlex.split(command)[1:]))
    assert code == 0, said
    assert re.search(r"^resumed at step [1-9]", said, re.MULTILINE)


def test_another_command_does_not_go_on_with_it(tmp_path: Path) -> None:
    folder, kept = tmp_path / "run", tmp_path / ".run.checkpoint"
    process = start(*RUN, "--out", str(folder))
    wait_for_news(process, kept, 0)
    process.kill()
    finish(process)
    short = ("-s", "time.end=2020-03", "--out", str(folder), "--seed", "8")
    code, said = finish(start(*RUN, *short))
    assert code == 0, said
    assert (
        f"the checkpoint {kept} is of another scenario, another seed: "
        "discarded, the run starts anew\n"
    ) in said
    assert manifest(folder)["resumed"] == []
    assert beside(folder) == []


def test_fresh_goes_on_with_nothing(tmp_path: Path) -> None:
    folder, kept = tmp_path / "run", tmp_path / ".run.checkpoint"
    process = start(*RUN, "--out", str(folder))
    wait_for_news(process, kept, 0)
    process.kill()
    finish(process)
    code, said = finish(start(*RUN, "--out", str(folder), "--fresh"))
    assert code == 0, said
    assert "resumed" not in said
    assert manifest(folder)["resumed"] == []
    assert beside(folder) == []


def test_the_second_of_two_processes_says_so_and_stops(whole: Path, tmp_path: Path) -> None:
    folder, kept = tmp_path / "run", tmp_path / ".run.checkpoint"
    first = start(*RUN, "--out", str(folder))
    wait_for_news(first, kept, 0)
    first.send_signal(signal.SIGSTOP)  # so that it is there for as long as the second takes
    try:
        before = stamp(kept)
        code, said = finish(start(*RUN, "--out", str(folder)))
        assert stamp(kept) == before
    finally:
        first.send_signal(signal.SIGCONT)
    assert code == 2
    assert said == (
        f"sim: {folder} is being written by another process ({first.pid}); "
        "wait for it, end it, or choose another folder\n"
    )
    code, said = finish(first)
    assert code == 0, said
    assert manifest(folder)["resumed"] == []
    assert content(folder) == content(whole)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of six megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    words = [mount or "mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(disk)]
    if mount is None or subprocess.run(words, capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_fills_up_costs_nothing_but_time(whole: Path, small_disk: Path) -> None:
    folder, kept = small_disk / "run", small_disk / ".run.checkpoint"
    process = start(*RUN, "--out", str(folder))
    wait_for_news(process, kept, 0)
    with (small_disk / "filler").open("ab", buffering=0) as filler:
        while process.poll() is None:
            try:
                while filler.write(bytes(4096)):
                    pass
            except OSError:
                time.sleep(0.01)
    code, said = finish(process)
    assert code == 2
    assert f"cannot write the checkpoint {kept}: no space left on device; the run goes on" in said
    assert re.search(r"cannot write .*device; free some disk space or choose", said)
    assert not folder.exists()
    (small_disk / "filler").unlink()
    code, said = finish(start(*RUN, "--out", str(folder)))
    assert code == 0, said
    assert manifest(folder)["resumed"][0]["step"] > 0
    assert content(folder) == content(whole)
    assert beside(folder) == []


def test_a_disk_that_cannot_be_written_is_told_before_the_run(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    code, said = finish(start(*RUN, "--out", str(small_disk / "run")))
    assert code == 2
    assert said == (
        f"sim: cannot write to {small_disk / 'run'}: read-only file system; "
        "choose another with --out\n"
    )
