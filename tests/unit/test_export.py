"""Tables in other formats, and the folder as other programs read it."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sim.cli.app import main
from sim.experiments import export as exporting
from sim.experiments.export import export, tables_of
from sim.plots.kinds import KINDS
from sim.results.record import Record
from sim.results.store import StoreError
from sim.results.tables import DERIVED, TABLES
from tests.unit.sample_record import sample_record

ALL = [*TABLES, *DERIVED]
YEAR = {"start": "2013-01-01", "end": "2013-12-31"}


@pytest.fixture(scope="module")
def record() -> Record:
    return sample_record(2, time=YEAR)


@pytest.fixture(scope="module")
def folder(record: Record, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record.save(tmp_path_factory.mktemp("runs") / "sample")


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    words = {it: object for it in frame if isinstance(frame[it].dtype, pd.CategoricalDtype)}
    return frame.astype(words)


def same(read: pd.DataFrame, frame: pd.DataFrame, digits: float = 0.0) -> None:
    """Equal up to how dates and words are held."""
    frame = plain(frame)
    assert list(read) == list(frame)
    for name in frame:
        column, wanted = read[name], frame[name]
        if wanted.dtype.kind == "M":
            column = pd.to_datetime(column).astype(wanted.dtype)
        if wanted.dtype.kind == "f":  # a sheet keeps 16 figures
            assert np.allclose(column, wanted, rtol=digits, atol=0, equal_nan=True), name
        else:
            missing = wanted.isna() | (wanted == "")  # csv does not tell them apart
            assert (column[missing].isna() | (column[missing] == "")).all(), name
            assert column[~missing].tolist() == wanted[~missing].tolist(), name


# The folder as it is


def test_the_folder_opens_in_pandas_and_arrow(record: Record, folder: Path) -> None:
    for name in ALL:
        same(pd.read_parquet(folder / f"{name}.parquet"), record.table(name))
        schema = pq.read_schema(folder / f"{name}.parquet")
        assert not [it for it in schema if pa.types.is_large_string(it.type)]
        assert not [it for it in schema if pa.types.is_unsigned_integer(it.type)]  # R has none


def test_the_folder_opens_in_duckdb(record: Record, folder: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="DuckDB is not installed")

    def ask(question: str) -> Any:
        ((answer,),) = duckdb.sql(question).fetchall()
        return answer

    for name in ALL:
        assert ask(f"select count(*) from '{folder}/{name}.parquet'") == len(record.table(name))
    persons = record.persons
    moved = ask(f"select sum(people) from '{folder}/persons.parquet' where moved_abroad")
    assert moved == persons.loc[persons["moved_abroad"], "people"].sum()
    assert ask(f"select min(date)::date::text from '{folder}/flows.parquet'") == "2013-01-01"


# csv


def read_csv(path: Path) -> pd.DataFrame:
    # Unless asked to, pandas 2 reads numbers that are off in their last bit; pandas 3 does not.
    exact = {"float_precision": "round_trip"} if pd.__version__.startswith("2.") else {}
    return pd.read_csv(path, **exact)


def test_csv_gives_back_the_tables(record: Record, folder: Path, tmp_path: Path) -> None:
    written = export(folder, "csv", tmp_path / "csv")
    assert {it.stem for it in written} == {*ALL, "columns"}
    for name in ALL:
        same(read_csv(tmp_path / "csv" / f"{name}.csv"), record.table(name))


def test_csv_is_that_of_rfc_4180(tmp_path: Path) -> None:
    text = ['a "quoted", word', "two\nlines", "Türkiye", None]
    moments = pd.to_datetime(["2013-01-01T12:30", "2013-01-02T00:00", None, "2013-01-03T00:00"])
    frame = pd.DataFrame({"text": text, "number": [0.1, np.nan, 1e300, -0.0], "when": moments})
    (tmp_path / "odd").mkdir()
    frame.to_parquet(tmp_path / "odd" / "odd.parquet")
    path, columns = export(tmp_path / "odd", "csv", tmp_path / "out")
    assert columns.read_text().split()[1:] == ["odd,text,,", "odd,number,,", "odd,when,,"]
    content = path.read_bytes()
    assert content.startswith(b"text,number,when\r\n")
    assert content.endswith(b"\r\n")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, strict=True))
    assert rows[1] == ['a "quoted", word', "0.1", "2013-01-01T12:30:00"]
    assert rows[2] == ["two\nlines", "", "2013-01-02T00:00:00"]
    assert rows[3] == ["Türkiye", "1e+300", ""]
    assert rows[4][0] == ""


def test_long_tables_are_written_in_parts(
    record: Record, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "BATCH", 7)
    export(folder, "csv", tmp_path / "csv")
    for name in ALL:
        same(read_csv(tmp_path / "csv" / f"{name}.csv"), record.table(name))


def test_an_empty_table_has_its_columns(record: Record, tmp_path: Path) -> None:
    tables = {**record.tables, "harms": record.harms.iloc[:0]}
    Record(record.scenario, 7, record.manifest, tables).save(tmp_path / "run")
    export(tmp_path / "run", "csv", tmp_path / "csv")
    text = (tmp_path / "csv" / "harms.csv").read_text()
    assert text.split() == ["replicate,date,corridor,citizenship,harm,expected,people,rows,money"]


def test_csv_and_xlsx_carry_units(folder: Path, tmp_path: Path) -> None:
    columns = export(folder, "csv", tmp_path / "csv")[-1]
    table = pd.read_csv(columns, keep_default_na=False)
    assert list(table) == ["table", "column", "unit", "description"]
    for name in ALL:
        schema = pq.read_schema(folder / f"{name}.parquet")
        rows = table[table["table"] == name]
        assert rows["column"].tolist() == schema.names
        assert rows["unit"].all()
        assert rows["description"].all()
    units = table.set_index(["table", "column"])["unit"]
    assert units["spending", "amount"] == units["prices", "price"] == "USD of 2010"
    assert units["blocked", "households"] == "households"


def test_no_table_is_called_columns(tmp_path: Path) -> None:
    pd.DataFrame({"x": [1]}).to_parquet(tmp_path / "columns.parquet")
    with pytest.raises(StoreError, match=r"columns\.parquet has the name of the list of columns"):
        tables_of(tmp_path)


def test_a_sweep_s_folder_is_exported_too(record: Record, tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "flows").mkdir()
    for path in ("runs.parquet", "tables/flows.parquet", "tables/flows/0001.parquet"):
        pd.DataFrame({"run": [1]}).to_parquet(tmp_path / path)
    assert set(tables_of(tmp_path)) == {"runs", "flows"}


def test_a_failure_leaves_what_was_there(folder: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    out = tmp_path / "out"
    (damaged / "account.parquet").write_bytes((folder / "account.parquet").read_bytes())
    export(damaged, "csv", out)
    before = (out / "account.csv").read_bytes()
    content = (folder / "flows.parquet").read_bytes()
    (damaged / "flows.parquet").write_bytes(content[: len(content) // 2])
    (damaged / "account.parquet").write_bytes((folder / "vital.parquet").read_bytes())
    with pytest.raises(StoreError, match=r"flows\.parquet cannot be read as a table"):
        export(damaged, "csv", out)
    assert sorted(it.name for it in out.iterdir()) == ["account.csv", "columns.csv"]
    assert (out / "account.csv").read_bytes() == before


# xlsx


def test_xlsx_has_a_sheet_a_table(record: Record, folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    (path,) = export(folder, "xlsx", tmp_path / "run.xlsx")
    sheets = pd.read_excel(path, sheet_name=None)
    assert list(sheets) == [*sorted(ALL), "columns"]
    for name in ALL:
        same(sheets[name], record.table(name), digits=1e-15)


def test_seeds_are_exact_wherever_they_are_written(record: Record, tmp_path: Path) -> None:
    pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    seeds = [4056300111959079666, 7]
    manifest = {**record.manifest, "seeds": seeds}
    Record(record.scenario, seeds[0], manifest, record.tables).save(tmp_path / "run")
    export(tmp_path / "run", "csv", tmp_path / "csv")
    assert pd.read_csv(tmp_path / "csv" / "seeds.csv")["seed"].tolist() == seeds
    (path,) = export(tmp_path / "run", "xlsx", tmp_path / "run.xlsx")
    sheet = pd.read_excel(path, sheet_name="seeds", dtype=object)
    # A column is text throughout, or numbers throughout.
    assert sheet["seed"].tolist() == [str(it) for it in seeds]
    assert sheet["replicate"].tolist() == [0, 1]


def test_a_text_is_no_formula(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    pd.DataFrame({"text": ["=1+1"], "x": [np.inf]}).to_parquet(tmp_path / "odd.parquet")
    (path,) = export(tmp_path, "xlsx", tmp_path / "odd.xlsx")
    sheet = openpyxl.load_workbook(path)["odd"]
    assert (sheet["A2"].value, sheet["A2"].data_type, sheet["B2"].value) == ("=1+1", "s", "inf")


def test_what_a_sheet_cannot_hold_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "SHEET_ROWS", 100)
    with pytest.raises(StoreError, match=r"rows and \d+ columns, and a sheet holds 99 .* --to csv"):
        export(folder, "xlsx", tmp_path / "run.xlsx")
    assert not list(tmp_path.iterdir())


def test_without_openpyxl_it_says_how_to_get_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(StoreError, match=r"pip install 'human-security-sim\[excel\]'"):
        export(folder, "xlsx", tmp_path / "run.xlsx")
    assert not list(tmp_path.iterdir())


# From the command line


def test_export_writes_beside_the_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(folder)]) == 0
    assert str(folder.with_name("sample-csv") / "flows.csv") in capsys.readouterr().out
    assert main(["export", str(folder), "--to", "ods"]) == 2
    assert capsys.readouterr().err == "sim: --to ods is not a format: use csv or xlsx\n"
    assert main(["export", str(folder / "none")]) == 2
    assert "is not a folder" in capsys.readouterr().err


SIGNATURES: dict[str, bytes] = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}


@pytest.mark.parametrize("suffix", SIGNATURES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_in_every_format(
    folder: Path, tmp_path: Path, kind: str, suffix: str
) -> None:
    path = tmp_path / f"drawn.{suffix}"
    assert main(["plot", str(folder), kind, "--out", str(path), "--quiet"]) == 0
    content = path.read_bytes()
    assert content.startswith(SIGNATURES[suffix])
    assert main(["plot", str(folder), kind, "--out", str(path), "--quiet"]) == 0
    assert path.read_bytes() == content


def test_plot_draws_chosen_series(folder: Path, tmp_path: Path) -> None:
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    words = [[], ["--series", "harm_death", "--series", "moved_abroad"]]
    for path, more in zip(paths, words, strict=True):
        assert main(["plot", str(folder), "bands", *more, "--out", str(path), "--quiet"]) == 0
    assert paths[0].read_bytes() != paths[1].read_bytes()


def test_rings_are_drawn_beside_the_map(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen = {"id": "tr", "what": "refugees", "of": "SY", "at": "TR", "people": 9e5}
    record = sample_record(time=YEAR, observed=[{**seen, "date": "2013-12"}])
    folder = record.save(tmp_path / "sample")
    assert main(["plot", str(folder), "map", "--observed"]) == 0
    path = folder / "map_observed.png"
    assert capsys.readouterr().out == f"{path}\n"
    assert path.read_bytes().startswith(SIGNATURES["png"])


def test_plot_lists_and_refuses(
    folder: Path, record: Record, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plot", str(folder)]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [it.split()[0] for it in listed] == list(KINDS)
    few = Record(record.scenario, 7, record.manifest, {"flows": record.flows})
    few.save(tmp_path / "few")
    told: dict[str, list[Any]] = {
        "no kind of picture is called 'awnsers'; did you mean 'answers'?": [folder, "awnsers"],
        "is not a picture format: use .png, .svg or .pdf": [folder, "map", "--out", "map.gif"],
        "--series goes with bands and effects only": [folder, "map", "--series", "displaced"],
        "--series has figures in people and in share; draw apart":
            [folder, "bands", "--series", "displaced", "--series", "orderly"],
        "--observed goes with map only": [folder, "sankey", "--observed"],
        "the scenario has no observed stock of a country": [tmp_path / "few", "map", "--observed"],
        "this run kept no table 'harms'": [tmp_path / "few", "harms"],
    }  # fmt: skip
    for text, words in told.items():
        assert main(["plot", *map(str, words)]) == 2
        said = capsys.readouterr().err
        assert text in said
        assert said.count("\n") == 1


def test_tables_of_two_runs_are_not_exported_as_one(record: Record, tmp_path: Path) -> None:
    folder = record.save(tmp_path / "run")
    (folder / "harms.parquet").write_bytes((folder / "flows.parquet").read_bytes())
    with pytest.raises(StoreError, match=r"harms\.parquet was changed or cut short"):
        export(folder, "csv", tmp_path / "csv")
    assert not (tmp_path / "csv").exists()


def test_a_table_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "flows.parquet").mkdir()
    with pytest.raises(StoreError, match=r"cannot read .*flows\.parquet: is a directory"):
        export(tmp_path / "some", "csv", tmp_path / "csv")
