"""Sweeps from start to end: what is kept, and that nothing but the design decides it."""

from __future__ import annotations

import errno
import gc
import json
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from sim.cli import app as cli
from sim.engine.simulate import run
from sim.experiments import effects, parts
from sim.experiments.estimate import estimate
from sim.experiments.metrics import figures
from sim.experiments.plan import Study
from sim.experiments.status import _rate, status
from sim.experiments.sweep import TooManyFailuresError
from sim.results.measures import MEASURES
from sim.results.store import StoreError, hold
from sim.scenario.reader import read
from sim.schema.errors import ScenarioError
from tests.small import small
from tests.study.worlds import EIGHT, FAULTY, HERE, contents, runs, start, write

KILLS = int(os.environ.get("SIM_KILLS", "2"))
"""Moments at which the parent is killed; all of them: 20."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of eight runs that nothing interrupted, by one worker."""
    folder = tmp_path_factory.mktemp("whole")
    start(write(folder), folder / "out", jobs=1)
    return folder / "out"


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Any:
    def set_faults(**faults: str) -> None:
        named = {key.removeprefix("run"): fault for key, fault in faults.items()}
        monkeypatch.setenv("SIM_FAULTS", json.dumps(named))

    return set_faults


def log(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


# What is kept


def test_one_row_a_run_in_order(whole: Path) -> None:
    table = runs(whole)
    assert table["run"].tolist() == list(range(8))
    assert table["point"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert table["replicate"].tolist() == [0, 1] * 4
    assert table["seed"].nunique() == 2
    assert table["policies.bb_tighter.start"].tolist() == ["2020-02"] * 4 + ["2020-03-10"] * 4
    assert table["places.BB_K.capacity"].tolist() == [10_000.0, 10_000.0, 30_000.0, 30_000.0] * 2
    assert set(MEASURES) <= set(table)
    assert table["error"].isna().all()
    assert table["insecurity_years"].gt(0).all()
    assert sorted(path.name for path in (whole / "parts").iterdir()) == [
        f"{unit:04}.parquet" for unit in range(8)
    ]
    fields = {field.name: field.metadata for field in pq.read_schema(whole / "runs.parquet")}
    assert fields["to_cc"][b"unit"] == b"people"
    assert fields["secure"][b"unit"] == b"share"
    assert pq.read_table(whole / "parts" / "0000.parquet").column("seconds")[0].as_py() > 0


def test_asked_for_tables_hold_every_run(whole: Path) -> None:
    flows, table = pd.read_parquet(whole / "tables" / "flows.parquet"), runs(whole)
    assert flows["run"].is_monotonic_increasing
    assert flows["run"].nunique() == 8
    assert (flows["point"] == flows["run"] // 2).all()
    to_cc = flows[flows["destination"].isin(["CC_P", "CC_C"])].groupby("run")["arrived"].sum()
    assert table["to_cc"].tolist() == to_cc.reindex(range(8), fill_value=0).tolist()


def test_a_run_of_a_sweep_is_that_run_alone(whole: Path, tmp_path: Path) -> None:
    source = write(tmp_path)
    study, row = Study(source), runs(whole).iloc[5]
    (member,) = study.runs(5)
    words = shlex.split(study.command(member, whole))
    assert words[:3] == ["sim", "run", source]
    overrides = words[4:-4:2]
    assert (words[-4], words[-2]) == ("--seed", "--out")
    record = run(read(source, overrides), seed=int(words[-3]))
    headline = record.headline.set_index("measure")["value"]
    for name in MEASURES:
        assert row[name] == pytest.approx(headline[name], rel=1e-12, nan_ok=True)


OWN = """\
sweep:
  rates: own
  replicates: 2
  vary:
    population.agents: {values: [300, 400]}
    decision.baseline_rate: {values: [.02, .03]}
  tables: [flows]
"""


def test_points_with_rates_of_their_own(tmp_path: Path) -> None:
    source = write(tmp_path, OWN)
    told: list[str] = []
    outcome = start(source, tmp_path / "out", jobs=2, say=told.append)
    (said,) = told
    assert said == (
        "base rates are solved on each point itself; 4 of 4 points change what they are solved on: "
        "`rates: base` in the sweep solves them on small as it stands"
    )
    study = Study(source)
    # Each point's replicates are in one unit, so that its rates are solved once.
    assert (study.unit_size, outcome.units) == (2, 4)
    for row in (runs(tmp_path / "out").iloc[3], runs(tmp_path / "out").iloc[4]):
        member = study.runs(row["run"] // 2)[row["run"] % 2]
        words = shlex.split(study.command(member, tmp_path / "out"))
        assert words[-6:-2] == ["--seed", str(row["seed"]), "--rates", "own"]
        variant = read(source, words[4:-6:2])
        own, other = (run(variant, seed=member.seed, rates=it) for it in ("own", "base"))
        for record, same in ((own, True), (other, False)):
            headline = record.headline.set_index("measure")["value"]
            found = [
                row[name] == pytest.approx(headline[name], rel=1e-12, nan_ok=True)
                for name in MEASURES
            ]
            assert all(found) is same
    start(source, tmp_path / "out", jobs=1, say=told.append)
    assert told == [said, said]  # said again when it is resumed


def test_points_that_cannot_alter_rates_are_not_told(tmp_path: Path) -> None:
    later = """\
sweep:
  vary:
    policies.bb_tighter.start: {values: [2020-02, 2020-03-10]}
    politics.memory: {values: [1, 2]}
    decision.base_flight: {values: [1e-4, 1e-3]}
"""
    path = Path(write(tmp_path, later))
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("population: {agents: 300}\n", ""), encoding="utf-8")
    study = Study(str(path))
    study.check_points()
    assert study.altering == 0
    assert study.plan()["rates"] == {"used": "base", "base": "small", "altering_points": 0}


def test_metrics_of_stocks_and_days() -> None:
    scenario = small("population.agents=2000", "time.end=2020-06-30")
    record = run(scenario)
    at = {"table": "stocks", "where": {"place": "BB"}}
    from sim.schema import Metric

    stocks, flows = record.stocks, record.flows
    in_bb = stocks[stocks["place"].isin(["BB_T", "BB_C", "BB_K"])]
    for until, day in (
        ("2020-03", "2020-03-31"),
        ("2020-04-15", "2020-03-31"),
        (None, "2020-06-30"),
    ):
        metric = Metric.model_validate(at if until is None else at | {"until": until})
        (value,) = figures(record, metric, {})
        assert value == in_bb[in_bb["date"] == day]["people"].sum() > 0
    metric = Metric.model_validate({"table": "flows", "since": "2020-02", "until": "2020-03"})
    (value,) = figures(record, metric, {})
    months = flows["date"].isin(pd.to_datetime(["2020-02-01", "2020-03-01"]))
    assert value == flows[months]["departed"].sum() > 0


# Nothing but the design decides


def test_two_workers_give_the_same(whole: Path, tmp_path: Path) -> None:
    outcome = start(write(tmp_path), tmp_path / "out", jobs=2)
    assert contents(tmp_path / "out") == contents(whole)
    assert (outcome.runs, outcome.resumed, outcome.failures) == (8, 0, [])


def test_units_of_many_runs_give_the_same(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Study, "unit_size", 5)
    start(write(tmp_path), tmp_path / "out")
    assert contents(tmp_path / "out") == contents(whole)


def test_points_of_different_length_share_a_unit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    section = (
        "sweep: {replicates: 2, tables: [flows], "
        "vary: {time.end: {values: [2020-02, 2020-03, 2020-02-10]}}}\n"
    )
    start(write(tmp_path, section), tmp_path / "one")
    monkeypatch.setattr(Study, "unit_size", 6)
    start(write(tmp_path, section), tmp_path / "six")
    assert contents(tmp_path / "one") == contents(tmp_path / "six")
    felt = runs(tmp_path / "six")["insecurity_years"]
    assert felt[2] > felt[0] > felt[4] > 0


# Interruptions


def drive(source: str, folder: Path, jobs: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(HERE / "drive.py"), source, str(folder), str(jobs)],
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1]), "SIM_FAULTS": '{"all": "slow"}'},
        stderr=subprocess.PIPE,
    )


def wait_for_units(folder: Path, n: int) -> None:
    for _ in range(1200):
        if len(list((folder / "parts").glob("[0-9]*.parquet"))) >= n:
            return
        time.sleep(0.05)
    raise AssertionError("no part was written in time")


def test_the_parent_killed_at_random_moments(whole: Path, tmp_path: Path) -> None:
    draw = random.Random(7)
    source = write(tmp_path)
    for kill in range(KILLS):
        folder = tmp_path / f"out{kill}"
        parent = drive(source, folder, 1 + kill % 2)
        wait_for_units(folder, 1)
        time.sleep(draw.uniform(0, 0.8))
        parent.kill()
        parent.communicate()
        for _ in range(100):  # workers end by themselves: their pipe is closed
            if not workers_of(folder):
                break
            time.sleep(0.05)
        assert not workers_of(folder)
        start(source, folder, jobs=2)
        assert contents(folder) == contents(whole)
        again = [it for it in log(folder) if it["event"] == "resumed"]
        assert again[-1]["unit"] > 0


def workers_of(folder: Path) -> list[int]:
    """Workers that have no parent but init."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().split(b"\0")
            environment = (path / "environ").read_bytes()
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        mine = any(word.endswith(b"faulty_worker.py") for word in words)
        if mine and parent == 1 and b"slow" in environment:
            found.append(int(path.name))
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to send")
def test_ctrl_c(whole: Path, tmp_path: Path) -> None:
    source, folder = write(tmp_path), tmp_path / "out"
    parent = subprocess.Popen(
        [sys.executable, "-m", "sim", "sweep", source, "--out", str(folder), "-j", "1"],
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for_units(folder, 1)
    parent.send_signal(signal.SIGINT)
    _, said = parent.communicate(timeout=60)
    if parent.returncode != 0:  # it may just have been done
        assert parent.returncode == 130
        assert "sim: interrupted" in said
    start(source, folder)
    assert contents(folder) == contents(whole)


def test_a_part_cut_short_is_run_again(whole: Path, tmp_path: Path) -> None:
    source, folder = write(tmp_path), tmp_path / "out"
    start(source, folder)
    for name, keep in (("parts/0003.parquet", 0.5), ("tables/flows/0005.parquet", 0.9)):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(len(content) * keep)])
    (folder / "parts" / "0006.parquet").unlink()
    (folder / "parts" / ".0001.parquet.123.partial").touch()
    (folder / "runs.parquet").unlink()
    outcome = start(source, folder)
    assert outcome.resumed == 5
    assert contents(folder) == contents(whole)
    (again,) = [it for it in log(folder) if it["event"] == "resumed"]
    assert (again["unit"], again["first"], again["left"]) == (5, 3, 3)
    assert not list((folder / "parts").glob(".*"))


def test_a_complete_sweep_is_not_run_again(whole: Path, tmp_path: Path) -> None:
    source, folder = write(tmp_path), tmp_path / "out"
    start(source, folder)
    outcome = start(source, folder, command=("/nowhere/to/be/found",))
    assert outcome.resumed == outcome.units == 8


def test_a_changed_sweep_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    source = write(tmp_path, "sweep: {vary: {living.means_per_income: {values: [.3, .4]}}}\n")
    start(source, folder)
    before = (folder / "runs.parquet").read_bytes()
    source = write(tmp_path, "sweep: {vary: {living.means_per_income: {values: [.3, .5]}}}\n")
    with pytest.raises(StoreError, match=r"values: \[0.3, 0.4\] there, \[0.3, 0.5\] here"):
        start(source, folder)
    assert (folder / "runs.parquet").read_bytes() == before
    mine = [folder / "mine.txt", folder / "tables" / "mine.csv", folder / "parts" / "a.parquet"]
    for path in mine:
        path.parent.mkdir(exist_ok=True)
        path.write_text("kept")
    (folder / "effects.svg").write_text("of the earlier sweep")
    start(source, folder, fresh=True)
    assert [it.read_text() for it in mine] == ["kept"] * 3
    assert not (folder / "effects.svg").exists()
    assert runs(folder)["living.means_per_income"].tolist() == [0.3, 0.5]


def test_two_at_once(tmp_path: Path) -> None:
    source, folder = write(tmp_path), tmp_path / "out"
    with hold(folder), pytest.raises(StoreError, match="is being written by another process"):
        start(source, folder)
    assert not folder.exists()


def test_foreign_folders_are_left_alone(tmp_path: Path) -> None:
    source = write(tmp_path)
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "letter.txt").write_text("dear")
    with pytest.raises(StoreError, match="is not the folder of a sweep"):
        start(source, folder)
    with pytest.raises(StoreError, match="is a file"):
        start(source, folder / "letter.txt")
    assert [it.name for it in folder.iterdir()] == ["letter.txt"]
    # A file of the same name makes a folder no sweep, and --fresh removes nothing of it.
    (folder / "letter.txt").rename(folder / "plan.json")
    (folder / "parts").mkdir()
    with pytest.raises(StoreError, match="is not the folder of a sweep"):
        start(source, folder, fresh=True)
    assert {it.name for it in folder.iterdir()} == {"plan.json", "parts"}


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0,
    reason="root may write everywhere, and so may anybody on Windows",
)
def test_a_read_only_folder(tmp_path: Path) -> None:
    source, folder = write(tmp_path), tmp_path / "locked"
    folder.mkdir(mode=0o500)
    with pytest.raises(StoreError, match="cannot"):
        start(source, folder / "out")


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path)

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(StoreError, match="permission denied"):
        start(source, tmp_path / "out")


# Failures


def test_failures_are_data(whole: Path, tmp_path: Path, faults: Any) -> None:
    source, folder = write(tmp_path), tmp_path / "out"
    faults(run2="raise", run5="die", run6="hang")
    outcome = start(source, folder, jobs=2, timeout=15, command=FAULTY)
    assert [it["run"] for it in outcome.failures] == [2, 5, 6]
    table, good = runs(folder), runs(whole)
    failed = table["error"].notna()
    assert table[failed]["error"].tolist() == [
        "ValueError: a run that raises",
        "its process ended with signal 9, twice",
        "took longer than 15 s",
    ]
    assert table[failed][[*MEASURES, "to_cc"]].isna().all(axis=None)
    assert table[~failed].equals(good[~failed])
    assert table["command"][2].startswith(f"sim run {source} -s ")
    assert "--seed" in table["command"][2]
    # Failures stay what they are, and are told again.
    assert start(source, folder, timeout=15).failures == outcome.failures
    assert status(folder)["failed"] == 3


def test_failed_runs_are_run_again_where_that_makes_sense(
    whole: Path, tmp_path: Path, faults: Any
) -> None:
    source, folder = write(tmp_path), tmp_path / "out"
    faults(run2="raise", run6="hang")
    start(source, folder, timeout=6, command=FAULTY)
    faults()
    # What took too long may now take longer; what failed would fail again.
    assert [it["run"] for it in start(source, folder, timeout=6).failures] == [2, 6]
    assert [it["run"] for it in start(source, folder, timeout=60).failures] == [2]
    outcome = start(source, folder, retry_failed=True)
    assert (outcome.failures, outcome.resumed) == ([], 7)
    assert contents(folder) == contents(whole)


def test_a_repeated_run_has_a_folder_of_its_own(tmp_path: Path, faults: Any) -> None:
    source, folder = write(tmp_path), tmp_path / "out"
    faults(all="raise")
    failures = start(source, folder, command=FAULTY).failures
    targets = {shlex.split(it["command"])[-1] for it in failures}
    assert len(targets) == 8
    assert all(Path(it).parent == tmp_path and not Path(it).exists() for it in targets)
    # Given in any folder, it means the same file.
    assert all(shlex.split(it["command"])[2] == str(tmp_path / "tiny.yaml") for it in failures)


def test_a_part_damaged_inside_is_named_and_run_again(whole: Path, tmp_path: Path) -> None:
    source, folder = write(tmp_path), tmp_path / "out"
    start(source, folder)
    for name in ("parts/0003.parquet", "tables/flows/0005.parquet"):
        content = bytearray((folder / name).read_bytes())
        content[40] ^= 0xFF  # within the first page, so that the file's end is whole
        (folder / name).write_bytes(content)
    (folder / "runs.parquet").unlink()
    (folder / "tables" / "flows.parquet").unlink()
    assert status(folder)["state"] == "unfinished"
    told: list[str] = []
    assert start(source, folder, say=told.append).resumed == 8 - 2
    damaged = [it for it in told if "damaged" in it]
    assert sorted(it.split()[0] for it in damaged) == [
        "parts/0003.parquet", "tables/flows/0005.parquet"
    ]  # fmt: skip
    assert contents(folder) == contents(whole)
    assert status(folder)["state"] == "complete"


def test_a_lost_table_is_missed(whole: Path, tmp_path: Path) -> None:
    source, folder = write(tmp_path), tmp_path / "out"
    start(source, folder)
    (folder / "tables" / "flows.parquet").unlink()
    found = status(folder)
    assert found["state"] == "unfinished"
    words = shlex.split(found["next"])
    assert words == ["sim", "sweep", str(tmp_path / "tiny.yaml"), "--out", str(folder)]
    start(source, folder, command=("/nowhere/to/be/found",))
    assert contents(folder) == contents(whole)


def test_a_worker_killed_once_costs_nothing(whole: Path, tmp_path: Path, faults: Any) -> None:
    source, folder = write(tmp_path), tmp_path / "out"
    faults(run3=str(tmp_path / "died"))
    assert start(source, folder, command=FAULTY).failures == []
    assert (tmp_path / "died").exists()
    assert contents(folder) == contents(whole)
    (entry,) = [it for it in log(folder) if it["event"] == "worker"]
    assert (entry["run"], entry["ended"]) == (3, "signal 9")


def test_too_many_failures(tmp_path: Path, faults: Any) -> None:
    source, folder = write(tmp_path), tmp_path / "out"
    faults(all="raise")
    with pytest.raises(TooManyFailuresError, match="stopped, since 3 runs failed"):
        start(source, folder, tolerated=2, command=FAULTY)
    assert status(folder)["state"] == "unfinished"
    assert status(folder)["left"] >= 5


def test_a_full_disk_loses_nothing(whole: Path, tmp_path: Path, faults: Any) -> None:
    source, folder = write(tmp_path), tmp_path / "out"
    faults(run4="full")
    with pytest.raises(StoreError, match="device; free some disk space and give the"):
        start(source, folder, command=FAULTY)
    assert start(source, folder).resumed == 4
    assert contents(folder) == contents(whole)


def test_a_really_full_disk(whole: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    options = ["-t", "tmpfs", "-o", "size=192k", "tmpfs", str(disk)]
    try:
        mounted = subprocess.run(["mount", *options], capture_output=True).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("this process cannot mount a small disk")
    try:
        source = write(tmp_path)
        with pytest.raises(StoreError, match="no space left on device"):
            start(source, disk / "out")
        done = status(disk / "out")
        assert 0 < done["done"] < 8
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
        assert start(source, disk / "out").resumed > 0
        assert contents(disk / "out") == contents(whole)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_workers_that_cannot_start(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"workers end before they begin \(code 1\): .*nothing"):
        start(
            write(tmp_path),
            tmp_path / "out",
            command=(sys.executable, "-c", "raise SystemExit('nothing')"),
        )


def test_wrong_points_write_nothing(tmp_path: Path) -> None:
    source = write(tmp_path, "sweep: {vary: {living.subsistance: {values: [1]}}}\n")
    with pytest.raises(ScenarioError, match="subsist"):
        start(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_shipped_sweep_is_one() -> None:
    study = Study("syria_sweep")
    study.check_points()
    assert (study.n_runs, study.n_points) == (200, 20)
    assert set(study.units.values()) == {"people"}


# Memory


def test_memory_is_flat(tmp_path: Path) -> None:
    section = (
        "sweep: {replicates: 150, vary: {living.means_per_income: {low: .2, high: .4, n: 2}}}\n"
    )
    source = write(tmp_path, "time: {start: 2020-01, end: 2020-01, step: month}\n" + section)
    text = (
        Path(source).read_text().replace("time: {start: 2020-01, end: 2020-03, step: month}\n", "")
    )
    Path(source).write_text(text)
    start(source, tmp_path / "out", jobs=1)
    used = [it["megabytes"] for it in log(tmp_path / "out") if it["event"] == "unit"]
    if None in used:
        pytest.skip("the system does not say how much memory a process has")
    assert len(used) == 34
    assert max(used[17:]) < max(used[:17]) + 8


# The command line


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Any:
    def run_(*words: str) -> tuple[int, str, str]:
        code = cli.main(words)
        return (code, *capsys.readouterr())

    return run_


def test_commands(call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path)
    code, out, err = call("sweep", "tiny.yaml", "-j", "1")
    assert (code, err.count("\n")) == (0, 2)
    assert (
        "base rates are solved on small as it stands; 4 of 4 points change what they are solved "
        "on: `rates: own` in the sweep solves them on each point itself\n"
    ) in err
    assert "4 points x 2 replicates = 8 runs" in err
    assert out.startswith("out/tiny_sweep: 8 runs, 0 failed")
    code, out, err = call("sweep", "tiny.yaml", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["ok"], found["runs"], found["resumed"]) == (True, 8, found["units"])
    assert call("sweep", "tiny.yaml", "--quiet") == (0, "", "")
    code, out, _ = call("status", "out/tiny_sweep")
    assert code == 0
    assert "sweep tiny, complete: 8 of 8 runs done, 0 failed, 0 left" in out
    (tmp_path / "out/tiny_sweep/parts/0007.parquet").unlink()
    code, out, _ = call("status", "out/tiny_sweep")
    assert "unfinished: 7 of 8 runs done" in out
    assert f"go on: sim sweep {tmp_path}/tiny.yaml --out {tmp_path}/out/tiny_sweep" in out
    write(tmp_path, EIGHT.replace("30_000", "31_000"))
    code, _, err = call("sweep", "tiny.yaml")
    assert code == 2
    assert err.count("\n") > 2
    assert "high: 30000 there, 31000 here" in err


def test_failed_runs_end_with_3(
    call: Any, tmp_path: Path, faults: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sim.experiments.sweep.WORKER", FAULTY)
    write(tmp_path)
    faults(run1="raise")
    code, _, err = call("sweep", "tiny.yaml", "--out", "a", "--max-failures", "1")
    assert code == 3
    assert (
        f"run 1 failed: ValueError: a run that raises\n  again: sim run {tmp_path}/tiny.yaml -s"
        in err
    )
    code, out, _ = call("sweep", "tiny.yaml", "--out", "a", "--json")
    assert (code, json.loads(out)["failed"]) == (3, 1)
    code, _, err = call("sweep", "tiny.yaml", "--out", "b", "--max-failures", "5%")
    assert code == 3
    assert "stopped, since 1 runs failed" in err


def test_words_that_are_wrong(call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path)
    for words, message in (
        (["sweep", "tiny.yaml", "-j", "1000"], "more than this machine's"),
        (["sweep", "tiny.yaml", "--max-failures", "some"], "is neither a number nor a share"),
        (["sweep", "tiny.yaml", "--max-failures", "101%"], "is neither a number nor a share"),
        (["sweep", "small.yaml"], "has no sweep"),
        (["status", "nowhere"], "is not the folder of a run"),
    ):
        code, _, err = call(*words)
        assert code == 2
        assert message in err
    assert not (tmp_path / "out").exists()


def test_check_tells_what_is_wrong_with_a_sweep(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "sweep: {vary: {living.subsistance: {values: [1]}}}\n")
    code, _, err = call("check", "tiny.yaml")
    assert code == 2
    assert "tiny.yaml:5:16: error" in err
    assert "did you mean 'subsistence'?" in err


def test_names_that_look_like_addresses(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("at-07:15", "s3:x", "a#b?c=%20", "[a]*"):
        shutil.copytree(whole, name)
        code, out, err = call("status", name)
        assert (code, "complete: 8 of 8" in out) == (0, True), (name, err)
        for words in (("plot", name, "effects"), ("export", name)):
            code, out, err = call(*words)
            assert (code, err) == (0, "")
        assert (tmp_path / f"{name}-csv" / "runs.csv").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="names are UTF-8 elsewhere")
def test_names_need_not_be_utf_8(tmp_path: Path, faults: Any) -> None:
    folder = tmp_path / "caf\udce9"
    folder.mkdir()
    faults(run1="raise")
    source = write(folder)
    (failure,) = start(source, folder / "out", command=FAULTY).failures
    assert "caf" in failure["command"]
    assert start(source, folder / "out", retry_failed=True).failures == []
    assert status(folder / "out")["state"] == "complete"


def test_a_sweep_of_which_all_failed_is_complete(tmp_path: Path, faults: Any) -> None:
    source, folder = write(tmp_path), tmp_path / "out"
    faults(all="raise")
    start(source, folder, command=FAULTY)
    assert status(folder)["state"] == "complete"


def test_dry_run_writes_nothing(call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    write(tmp_path)
    code, out, _ = call("sweep", "tiny.yaml", "--dry-run", "--json", "-j", "1")
    found = json.loads(out)
    assert code == 0
    assert found["seconds"] == pytest.approx(8 * found["seconds_a_run"])
    assert found["megabytes"] > 0
    assert sorted(it.name for it in tmp_path.rglob("*") if it not in before) == [
        "small.yaml", "tiny.yaml",
    ]  # fmt: skip
    assert estimate(Study("tiny.yaml"), 2, lambda *_: None).seconds > 0


def test_status_of_a_run(call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run(read(write(tmp_path))).save("one")
    code, out, _ = call("status", "one")
    assert code == 0
    assert "one: run tiny, complete: 3 steps, 1 replicate, seed 7" in out
    (tmp_path / ".two.checkpoint").touch()
    code, out, _ = call("status", "two")
    lost = (
        "two: run two, unfinished; its checkpoint cannot be used: the same command starts again\n"
    )
    assert (code, out) == (0, lost)


def test_status_of_a_run_begun_from_python(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIM_CHECKPOINT_SECONDS", "0")
    kept = tmp_path / ".three.checkpoint"

    def interrupt(done: int, *_: object) -> None:
        if done > 31:  # days: past the first step
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(read(write(tmp_path)), keep=kept, progress=interrupt)
    at = status(tmp_path / "three")
    assert at["next"] is None
    assert at["step"] == 2
    said = f"at step {at['step']} of 3; the Python call that started it resumes it\n"
    assert call("status", "three")[:2] == (0, f"three: run three, unfinished {said}")


def test_ctrl_c_while_a_checkpoint_is_written_leaves_nothing_to_complain_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIM_CHECKPOINT_SECONDS", "0")
    said: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", said.append)
    opened = zipfile.ZipFile.open
    calls: list[str] = []

    def open_(self: zipfile.ZipFile, name: str, mode: str = "r", **options: Any) -> Any:
        file = opened(self, name, mode, **options)
        calls.append(mode)
        if calls.count("w") == 5:
            raise KeyboardInterrupt
        return file

    monkeypatch.setattr(zipfile.ZipFile, "open", open_)
    with pytest.raises((KeyboardInterrupt, ValueError)):  # the archive's own complaint comes first
        run(read(write(tmp_path)), keep=tmp_path / ".it.checkpoint")
    gc.collect()
    assert said == []
    assert [it.name for it in tmp_path.iterdir() if "checkpoint" in it.name] == []


def test_a_sweep_is_drawn(call: Any, whole: Path, tmp_path: Path) -> None:
    code, out, _ = call("plot", str(whole))
    assert (code, out.split()[0]) == (0, "effects")
    picture = tmp_path / "it.png"
    arguments = ("plot", str(whole), "effects", "--out", str(picture))
    assert call(*arguments)[0] == 0
    first = picture.read_bytes()
    assert first.startswith(b"\x89PNG")
    assert call(*arguments, "--series", "to_cc", "--over", "places.BB_K.capacity")[0] == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    for words, said in (
        (("--series", "to_c"), "did you mean 'to_cc'?"),
        (("--series", "to_cc", "--series", "orderly"), "figures in people and in share"),
        (("--over", "capacity"), "no factor of this sweep is called 'capacity'"),
    ):
        code, _, err = call(*arguments, *words)
        assert (code, said in err) == (2, True), err
    code, _, err = call("plot", str(whole), "map")
    assert (code, "no kind of picture is called 'map'" in err) == (2, True)


def test_a_part_that_cannot_be_read_now_is_not_taken_for_damaged(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(path: Path) -> None:
        raise OSError(errno.EMFILE, "too many open files")

    one = next((whole / "parts").glob("*.parquet"))
    monkeypatch.setattr(parts.parquet, "read", read)
    with pytest.raises(StoreError, match=r"cannot read .*too many open files"):
        list(parts._gathered([one]))
    assert one.exists()


def test_a_part_of_other_runs_is_run_again(whole: Path, tmp_path: Path) -> None:
    source, folder = write(tmp_path), tmp_path / "out"
    start(source, folder)
    one, other = (folder / "parts" / f"{unit:04}.parquet" for unit in (1, 2))
    one.write_bytes(other.read_bytes())
    third = folder / "parts" / "0003.parquet"
    table = pq.read_table(third)
    pq.write_table(table.drop_columns(table.column_names[-2:-1]), third)
    (folder / "runs.parquet").unlink()
    outcome = start(source, folder)
    assert outcome.units - outcome.resumed == 2
    assert contents(folder) == contents(whole)


@pytest.mark.parametrize(
    ("name", "value"),
    [("runs", "four"), ("file", 3), ("sweep", [1]), ("units", None), ("title", None)],
)
def test_a_plan_that_somebody_edited_is_told(
    call: Any, whole: Path, tmp_path: Path, name: str, value: object
) -> None:
    plan = json.loads((whole / "plan.json").read_text(encoding="utf-8"))
    (tmp_path / "plan.json").write_text(json.dumps({**plan, name: value}), encoding="utf-8")
    for words in (("status", str(tmp_path)), ("plot", str(tmp_path), "effects")):
        code, _, err = call(*words)
        assert (code, f"plan.json is damaged: its '{name}'" in err) == (2, True), err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda it: it.drop(columns="point"), "it lacks the column point"),
        (lambda it: it.astype({"to_cc": str}), "its column to_cc is not of numbers"),
        (lambda it: pd.concat([it, it]), "it has not one row for each run"),
    ],
)
def test_runs_that_somebody_edited_are_not_drawn(
    whole: Path, tmp_path: Path, change: Any, said: str
) -> None:
    shutil.copy(whole / "plan.json", tmp_path)
    change(pd.read_parquet(whole / "runs.parquet")).to_parquet(tmp_path / "runs.parquet")
    with pytest.raises(StoreError, match=f"was changed: {said}"):
        effects.read(tmp_path)


def test_a_log_that_somebody_edited_gives_no_rate(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text("null\n", encoding="utf-8")
    assert _rate(tmp_path) is None
