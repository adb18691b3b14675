"""A run's folder: whole or not at all, and clear when it cannot be read."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from sim.experiments.status import status
from sim.results import store
from sim.results.record import Record, load
from sim.results.store import HeldError, StoreError, hold, written_whole
from sim.results.tables import DERIVED, TABLES, all_columns
from tests.unit.sample_record import sample_record


@pytest.fixture(scope="module")
def record() -> Record:
    return sample_record(time={"start": "2013-01-01", "end": "2013-12-31"})


@pytest.fixture(scope="module")
def other(record: Record) -> Record:
    """The same run under another seed, so that folders can be told apart."""
    return Record(record.scenario, 99, {**record.manifest, "seed": 99}, record.tables)


def beside(folder: Path) -> list[str]:
    """What a save may have left beside the folder."""
    return sorted(it.name for it in folder.parent.iterdir() if it.name != folder.name)


def test_what_is_saved_is_loaded(record: Record, tmp_path: Path) -> None:
    folder = record.save(tmp_path / "deep" / "run")
    found = load(folder)
    assert found.scenario == record.scenario
    assert found.seed == record.seed
    assert found.manifest == record.manifest
    assert list(found.tables) == sorted(record.tables)
    for name, frame in record.tables.items():
        pd.testing.assert_frame_equal(found.tables[name], frame)
    pd.testing.assert_frame_equal(found.headline, record.headline)
    assert beside(folder) == []


def test_tables_that_follow_from_the_run_are_written_and_not_needed(
    record: Record, tmp_path: Path
) -> None:
    folder = record.save(tmp_path / "run")
    for name in DERIVED:
        path = folder / f"{name}.parquet"
        written, made = (
            it.astype(object).where(it.notna(), None)
            for it in (pd.read_parquet(path), record.table(name))
        )
        pd.testing.assert_frame_equal(written, made, obj=name)
        path.unlink()  # as in the folder of an earlier version
    found = load(folder)
    assert list(found.tables) == sorted(record.tables)
    for name in DERIVED:
        pd.testing.assert_frame_equal(found.table(name), record.table(name), obj=name)


def test_text_that_is_missing_throughout_is_text(record: Record, tmp_path: Path) -> None:
    assert record.observed["party"].isna().all()
    folder = record.save(tmp_path / "run")
    for name in ("party", "at", "source"):
        assert pq.read_schema(folder / "observed.parquet").field(name).type == "string"


@pytest.mark.parametrize("resolution", ["s", "us", "ns"])
def test_dates_categories_and_empty_tables_survive(
    record: Record, tmp_path: Path, resolution: str
) -> None:
    flows = record.flows.iloc[:0].copy()
    flows["channel"] = flows["channel"].cat.set_categories(["labour", "never", "irregular"])
    harms = record.harms.iloc[:3].copy()
    harms["harm"] = harms["harm"].cat.set_categories(["unused", *harms["harm"].cat.categories])
    tables = {
        name: frame.assign(date=frame["date"].astype(f"datetime64[{resolution}]"))
        for name, frame in (("flows", flows), ("harms", harms))
    }
    Record(record.scenario, 1, record.manifest, tables).save(tmp_path / "run")
    for name, frame in load(tmp_path / "run").tables.items():
        pd.testing.assert_frame_equal(frame, tables[name])


def test_files_carry_units_and_meanings(record: Record, tmp_path: Path) -> None:
    folder = record.save(tmp_path / "run")
    for name, table in {**TABLES, **DERIVED}.items():
        schema = pq.read_schema(folder / f"{name}.parquet")
        assert schema.metadata[b"description"].decode() == table.text
        columns = all_columns(table)
        for field in schema:
            column = columns[field.name]
            # Money says which, and at whose prices.
            unit = "USD of 2010" if column.unit == "money" else column.unit
            assert field.metadata[b"unit"].decode() == unit
            assert field.metadata[b"description"].decode() == column.text
    meta = pq.ParquetFile(folder / "stocks.parquet").metadata
    assert meta.row_group(0).column(0).compression == "ZSTD"


def test_the_same_run_gives_the_same_bytes(record: Record, tmp_path: Path) -> None:
    first, second = record.save(tmp_path / "a"), record.save(tmp_path / "b")
    names = sorted(it.name for it in first.iterdir())
    assert names == sorted(it.name for it in second.iterdir())
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_json_is_plain(tmp_path: Path) -> None:
    import numpy as np

    value = {
        "b": np.int64(3),
        "a": np.array([1.5, np.nan]),
        "t": pd.Timestamp("2011-01-02"),
        "p": Path("x"),
        "n": pd.NaT,
        "ü": float("inf"),
        "l": (np.True_, None),
    }
    text = store.to_json(value)
    assert json.loads(text) == {
        "a": [1.5, None], "b": 3, "l": [True, None], "n": None, "p": "x",
        "t": "2011-01-02T00:00:00", "ü": None,
    }  # fmt: skip
    assert text.index('"a"') < text.index('"b"')
    assert "ü" in text


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_an_earlier_run_is_replaced_and_other_files_stay(
    record: Record, other: Record, tmp_path: Path
) -> None:
    folder = record.save(tmp_path / "run")
    (folder / "map.png").write_bytes(b"old picture")
    (folder / "report.html").write_text("old report")
    (folder / "notes.txt").write_text("mine")
    (folder / "mine").mkdir()
    (folder / "mine" / "deep.csv").write_text("1")
    (folder / "link").symlink_to("notes.txt")
    small = Record(other.scenario, 99, other.manifest, {"flows": other.flows})
    small.save(folder)
    assert load(folder).seed == 99
    assert (folder / "notes.txt").read_text() == "mine"
    assert (folder / "mine" / "deep.csv").read_text() == "1"
    assert (folder / "link").is_symlink()
    # Pictures and tables of the earlier run would contradict the new one.
    assert not (folder / "map.png").exists()
    assert not (folder / "report.html").exists()
    assert not (folder / "harms.parquet").exists()
    assert beside(folder) == []


def test_a_folder_of_something_else_is_refused(record: Record, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "me.jpg").write_bytes(b"x")
    with pytest.raises(StoreError, match="is not the folder of a run; nothing was written"):
        record.save(folder)
    (folder / "manifest.json").write_text('{"name": "a web app", "icons": []}')
    with pytest.raises(StoreError, match="is not the folder of a run"):
        record.save(folder)
    assert sorted(it.name for it in folder.iterdir()) == ["manifest.json", "me.jpg"]
    assert beside(folder) == []


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_an_empty_folder_and_a_link_to_a_folder_are_welcome(record: Record, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    record.save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert load(tmp_path / "real").seed == record.seed


def test_a_folder_with_a_name_of_ours_is_not_removed(record: Record, tmp_path: Path) -> None:
    folder = record.save(tmp_path / "run")
    (folder / "report.html").unlink(missing_ok=True)
    (folder / "report.html").mkdir()
    (folder / "report.html" / "mine.txt").write_text("mine")
    with pytest.raises(StoreError, match="move it or choose another folder"):
        record.save(folder)
    assert (folder / "report.html" / "mine.txt").read_text() == "mine"


def test_a_file_in_the_way_is_refused(record: Record, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("x")
    with pytest.raises(StoreError, match="is a file"):
        record.save(tmp_path / "run")
    with pytest.raises(StoreError, match="cannot write the run"):
        record.save(tmp_path / "run" / "below")
    assert (tmp_path / "run").read_text() == "x"


@pytest.mark.parametrize(
    ("code", "words"), [(errno.ENOSPC, "no space left"), (errno.EROFS, "read-only file system")]
)
def test_a_full_or_read_only_disk_is_said_and_harms_nothing(
    record: Record, other: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int,
    words: str,
) -> None:  # fmt: skip
    folder = record.save(tmp_path / "run")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(pq, "write_table", refuse)
    with pytest.raises(StoreError, match=words):
        other.save(folder)
    assert load(folder).seed == record.seed
    assert beside(folder) == []


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    name = 300 * "x" + ".png"
    with (
        pytest.raises(StoreError, match=r"cannot write to .*xxx.*: ") as refused,
        written_whole(tmp_path) as path_of,
    ):
        path_of(name).write_bytes(b"")
    assert str(tmp_path / "xxx") in str(refused.value)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with (
        pytest.raises(StoreError, match="file is a file; name a folder"),
        written_whole(tmp_path / "file"),
    ):
        pass


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 0)() == 0, reason="root may write anywhere")
def test_a_folder_without_leave_to_write(record: Record, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(StoreError, match="permission denied"):
        record.save(tmp_path / "locked" / "run")


@pytest.mark.parametrize("stage", ["_write", "_keep_foreign", "_swap"])
def test_an_interrupt_leaves_the_earlier_run(
    record: Record, other: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    folder = record.save(tmp_path / "run")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(store, stage, interrupt)
    with pytest.raises(KeyboardInterrupt):
        other.save(folder)
    assert load(folder).seed == record.seed
    assert beside(folder) == []


def test_a_swap_that_fails_halfway_is_undone(
    record: Record, other: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = record.save(tmp_path / "run")
    rename: Callable[[Path, Path], Path] = Path.rename

    def fail_for_new(self: Path, target: Path) -> Path:
        if self.name.endswith(".partial"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail_for_new)
    with pytest.raises(StoreError, match="input/output error"):
        other.save(folder)
    assert load(folder).seed == record.seed
    assert beside(folder) == []


def test_a_save_killed_between_its_renames_is_mended_by_the_next(
    record: Record, other: Record, tmp_path: Path
) -> None:
    folder = record.save(tmp_path / "run")
    (folder / "notes.txt").write_text("mine")
    folder.rename(tmp_path / ".run.previous")
    with pytest.raises(StoreError, match=r"the earlier run is in .*\.run\.previous"):
        load(folder)
    other.save(folder)
    assert load(folder).seed == 99
    assert (folder / "notes.txt").read_text() == "mine"
    assert beside(folder) == []


def test_a_save_killed_after_its_renames_leaves_nothing_for_long(
    record: Record, other: Record, tmp_path: Path
) -> None:
    folder = record.save(tmp_path / "run")
    record.save(tmp_path / ".run.previous")
    dead = tmp_path / ".run.1-1.partial"
    dead.mkdir()
    os.utime(dead, (0, 0))
    young = tmp_path / ".run.2-2.partial"  # another process may be writing it
    young.mkdir()
    other.save(folder)
    assert load(folder).seed == 99
    assert beside(folder) == [young.name]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal")
def test_a_killed_process_leaves_a_whole_run(record: Record, tmp_path: Path) -> None:
    folder = record.save(tmp_path / "run")
    code = (
        "import os, signal, sys, pyarrow.parquet as pq\n"
        "from sim.results.record import load\n"
        "record = load(sys.argv[1])\n"
        "write, left = pq.write_table, [4]\n"
        "def killed(*rest, **more):\n"
        "    left[0] -= 1\n"
        "    if not left[0]: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    write(*rest, **more)\n"
        "pq.write_table = killed\n"
        "record.save(sys.argv[1])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], check=False)
    assert done.returncode == -signal.SIGKILL
    found = load(folder)
    for name, frame in record.tables.items():
        pd.testing.assert_frame_equal(found.tables[name], frame)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="gives files away")
def test_owner_group_and_permissions_survive(record: Record, other: Record, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    os.chown(folder, 1234, 5678)
    folder.chmod(0o2770)
    for each in (record, other):
        each.save(folder)
        found = folder.stat()
        assert (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (1234, 5678, 0o2770)
        # As the folder's permissions ask for.
        assert {it.stat().st_gid for it in folder.iterdir()} == {5678}
        mine = folder / "notes" / "mine.txt"
        mine.parent.mkdir(exist_ok=True)
        if not mine.exists():
            mine.write_text("mine")
            os.chown(mine, 4321, 8765)
    assert (mine.stat().st_uid, mine.stat().st_gid) == (4321, 8765)


def test_a_group_that_cannot_be_kept_is_told_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    real = folder.stat()

    def of_others(self: Path, **_: bool) -> os.stat_result:
        values = list(real[:10])
        if self == folder:
            values[5] = real.st_gid + 1
        return os.stat_result(values)

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(Path, "stat", of_others)
    monkeypatch.setattr(os, "chown", refuse, raising=False)
    with pytest.raises(StoreError, match="operation not permitted"):
        store.rehearse(folder)
    monkeypatch.undo()
    assert [it.name for it in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.EBUSY, r"it is a mount point.*choose a folder in it: --out .*run/run"),
        (errno.EPERM, "operation not permitted; choose another folder"),
    ],
)
def test_a_folder_that_cannot_be_replaced_is_told_before_the_run(
    record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    folder = record.save(tmp_path / "run")
    store.rehearse(folder)  # where it can be, nothing changes
    assert load(folder).seed == record.seed
    assert beside(folder) == []

    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(StoreError, match=words):
        store.rehearse(folder)
    assert load(folder).seed == record.seed
    assert beside(folder) == []


def test_a_real_mount_point_is_told_before_the_run(tmp_path: Path) -> None:
    (disk := tmp_path / "disk").mkdir()
    try:
        words = ["mount", "--bind", str(disk), str(disk)]
        mounted = subprocess.run(words, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("this process cannot mount anything")
    try:
        with pytest.raises(StoreError, match="it is a mount point, or cannot be renamed"):
            store.rehearse(disk)
        store.rehearse(disk / "run")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_names_that_are_too_long_are_told_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="name too long"):
        store.rehearse(tmp_path / ("x" * 240))  # the folder's own name would do


def test_the_folder_that_one_is_in_is_not_replaced(
    record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = record.save(tmp_path / "run")
    (folder / "inside").mkdir()
    for here in (folder, folder / "inside"):
        monkeypatch.chdir(here)
        with pytest.raises(StoreError, match="is the folder that you are in"):
            store.rehearse(folder)


def test_pictures_of_every_kind_go_with_the_run(
    record: Record, other: Record, tmp_path: Path
) -> None:
    from sim.plots.kinds import KINDS, SUFFIXES

    folder = record.save(tmp_path / "run")
    pictures = {f"{kind}.{suffix}" for kind in (*KINDS, "map_observed") for suffix in SUFFIXES}
    for name in pictures:
        (folder / name).write_text("of the earlier run")
    other.save(folder)
    assert not pictures & {it.name for it in folder.iterdir()}


def test_only_our_own_leftovers_are_removed(record: Record, other: Record, tmp_path: Path) -> None:
    folder = record.save(tmp_path / "a[b]")
    others = [tmp_path / name for name in (".ab.1-1.partial", ".a[b].mine.partial")]
    dead = tmp_path / ".a[b].1-1.partial"
    for path in (*others, dead):
        path.mkdir()
        os.utime(path, (0, 0))
    other.save(folder)
    assert all(it.exists() for it in others)
    assert not dead.exists()


def damage_nothing(folder: Path) -> None:
    """The control: what the damages below start from can be read."""


def drop_table(folder: Path) -> None:
    (folder / "harms.parquet").unlink()


def cut_table(folder: Path) -> None:
    path = folder / "harms.parquet"
    path.write_bytes(path.read_bytes()[:-200])


def flip_byte(folder: Path) -> None:
    path = folder / "stocks.parquet"
    content = bytearray(path.read_bytes())
    content[60] ^= 0xFF
    path.write_bytes(content)


def swap_tables(folder: Path) -> None:
    (folder / "harms.parquet").write_bytes((folder / "flows.parquet").read_bytes())


def drop_scenario(folder: Path) -> None:
    (folder / "scenario.yaml").unlink()


def edit_scenario(folder: Path) -> None:
    path = folder / "scenario.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("seed: 1", "seed: 2"))


def sign(folder: Path, *names: str, drop: str = "", add: str = "") -> None:
    """Make the manifest agree with changed files."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    for name in names:
        manifest["files"][name] = store._digest((folder / name).read_bytes())
    manifest["files"].pop(drop, None)
    manifest["files"].update({add: "0"} if add else {})
    path.write_text(store.to_json(manifest), encoding="utf-8")


def break_scenario(folder: Path) -> None:
    path = folder / "scenario.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("schema: 1", "schema: 1\nnonsense: 2"))
    sign(folder, "scenario.yaml")


def earlier_table(folder: Path) -> None:
    path = folder / "harms.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["expected"]), path)
    sign(folder, "harms.parquet")


def break_table(folder: Path) -> None:
    (folder / "harms.parquet").write_bytes(b"PAR1 no table PAR1")
    sign(folder, "harms.parquet")


def forgotten_table(folder: Path) -> None:
    (folder / "harms.parquet").rename(folder / "sorrows.parquet")
    sign(folder, "sorrows.parquet", drop="harms.parquet")


def odd_manifest(folder: Path) -> None:
    sign(folder, add="../../passwd")


def short_manifest(folder: Path) -> None:
    sign(folder, drop="scenario.yaml")


def drop_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def cut_manifest(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text(encoding="utf-8")[:100])


def foreign_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"start_url": "/"}')


def newer_manifest(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"format": 1', '"format": 2'))


def poor_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"format": 1, "scenario_hash": "0", "seed": 1}')


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (drop_table, r"harms\.parquet is missing"),
        (cut_table, r"harms\.parquet was changed or cut short"),
        (flip_byte, r"stocks\.parquet was changed or cut short"),
        (swap_tables, r"harms\.parquet was changed or cut short"),
        (drop_scenario, r"scenario\.yaml is missing"),
        (edit_scenario, r"scenario\.yaml was changed or cut short"),
        (break_scenario, r"was written by version \d.*cannot read it: .*nonsense"),
        (break_table, r"harms\.parquet cannot be read as a table of a run"),
        (earlier_table, r"by version \d.* cannot read it: table 'harms' lacks expected; read it"),
        (forgotten_table, r"was written by version \d.*cannot read it: it has no table 'sorrows'"),
        (odd_manifest, r"manifest\.json is damaged: passwd is no file of a run"),
        (short_manifest, r"manifest\.json is damaged: it lists no scenario\.yaml"),
        (drop_manifest, r"is not the folder of a run: it has no manifest\.json"),
        (cut_manifest, r"manifest\.json is damaged: it is not readable JSON"),
        (foreign_manifest, "its manifest is from another program"),
        (newer_manifest, "it has format 2 instead of 1"),
        (poor_manifest, "lacks the seed or the list of files"),
    ],
)
def test_damage_is_named(
    record: Record, tmp_path: Path, damage: Callable[[Path], None], words: str
) -> None:
    folder = record.save(tmp_path / "run")
    damage_nothing(folder)
    load(folder)
    damage(folder)
    with pytest.raises(StoreError, match=words):
        load(folder)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", None), ("seed", "seven"), ("replicates", "two"), ("replicates", 2),
        ("steps", "many"), ("seconds", None), ("seeds", "abc"), ("name", 3),
    ],
)  # fmt: skip
def test_a_manifest_that_somebody_edited_is_told(
    record: Record, tmp_path: Path, name: str, value: object
) -> None:
    path = record.save(tmp_path / "run") / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    assert manifest.get(name) != value
    path.write_text(json.dumps({**manifest, name: value}), encoding="utf-8")
    for read in (load, status):
        with pytest.raises(StoreError, match=r"manifest\.json is damaged: its '?seed|its '"):
            read(path.parent)


def test_a_manifest_saved_by_notepad_is_read(record: Record, tmp_path: Path) -> None:
    path = record.save(tmp_path / "run") / "manifest.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert load(path.parent).seed == record.seed
    store.refuse_foreign(path.parent)


def test_a_table_that_another_program_wrote_is_told_in_words(
    record: Record, tmp_path: Path
) -> None:
    folder = record.save(tmp_path / "run")
    pd.read_parquet(folder / "harms.parquet").to_parquet(folder / "harms.parquet")
    sign(folder, "harms.parquet")
    with pytest.raises(StoreError, match="its column 'replicate' does not say what it holds"):
        load(folder)


def test_rows_of_replicates_that_there_are_not_are_told(record: Record, tmp_path: Path) -> None:
    harms = record.tables["harms"].assign(replicate=9)
    wrong = Record(record.scenario, record.seed, record.manifest, {**record.tables, "harms": harms})
    folder = store.write(store.Parts(wrong.scenario, wrong.manifest, wrong.tables), tmp_path / "r")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").write_text(json.dumps({**manifest, "seed": record.seed}))
    with pytest.raises(
        StoreError, match=r"harms\.parquet has rows of replicates that the run lacks"
    ):
        load(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
@pytest.mark.parametrize("name", ["harms.parquet", "manifest.json"])
def test_a_pipe_in_place_of_a_file_is_not_waited_for(
    record: Record, tmp_path: Path, name: str
) -> None:
    folder = record.save(tmp_path / "run")
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(StoreError, match=r"is not a file, but a pipe or a device"):
        load(folder)


def test_a_run_one_level_deeper_is_named(record: Record, tmp_path: Path) -> None:
    record.save(tmp_path / "unzipped" / "run")
    with pytest.raises(StoreError, match=r"no manifest\.json; did you mean .*run\?"):
        load(tmp_path / "unzipped")


def test_a_run_copied_to_the_longest_name_has_a_status(record: Record, tmp_path: Path) -> None:
    folder = record.save(tmp_path / "run").rename(tmp_path / ("x" * 250))
    assert status(folder)["state"] == "complete"


def test_a_run_that_lacks_a_table_is_not_complete(record: Record, tmp_path: Path) -> None:
    folder = record.save(tmp_path / "run")
    assert status(folder)["state"] == "complete"
    (folder / "harms.parquet").unlink()
    with pytest.raises(StoreError, match=r"harms\.parquet is missing"):
        status(folder)


@pytest.mark.parametrize("missing", ["nowhere", "file"])
def test_what_is_no_folder_is_said(tmp_path: Path, missing: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="is not the folder of a run: it is not a folder"):
        load(tmp_path / missing)


HOLDER = (
    "import sys\n"
    "from sim.results.store import hold\n"
    "with hold(sys.argv[1]):\n"
    "    print('held', flush=True)\n"
    "    sys.stdin.read()\n"
)


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
@pytest.mark.parametrize("killed", [False, True])
def test_one_process_at_a_time_holds_a_folder(tmp_path: Path, killed: bool) -> None:
    folder = tmp_path / "new" / "run"
    other = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        (folder.parent / "link").symlink_to("run")
        for name in ("run", "link"):
            with (
                pytest.raises(StoreError, match=rf"another process \({other.pid}\); wait"),
                hold(folder.parent / name),
            ):
                pass
        with hold(folder.parent / "another"):
            pass
        (folder.parent / "link").unlink()
        if killed:
            other.kill()
    with hold(folder) as found:
        assert found == folder
        with pytest.raises(StoreError, match=rf"another process \({os.getpid()}\)"), hold(folder):
            pass
    assert not list(tmp_path.rglob("*run*"))
    assert (tmp_path / "new").exists() == killed  # only who made a folder takes it away again


def test_a_lock_that_went_before_it_was_ours_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")
    flock, left = fcntl.flock, [1]

    def late(file: int, how: int) -> None:
        if left:
            left.pop()
            (tmp_path / ".run.lock").unlink()  # as its holder does between our open and our lock
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with (
        hold(tmp_path / "run"),
        pytest.raises(HeldError, match="being written by another process"),
        hold(tmp_path / "run"),
    ):
        pass
    assert not left


def test_a_system_without_locks_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl = pytest.importorskip("fcntl")

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with (
        pytest.raises(StoreError, match=r"cannot lock .*run: no locks available; choose another"),
        hold(tmp_path / "run"),
    ):
        pass
