"""Reading a scenario file: what is understood, and what is said of what is not."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from sim.scenario import library, tables
from sim.scenario.document import MAX_BYTES, Node, Text, parse, scalar_value
from sim.scenario.reader import read
from sim.scenario.whole import json_schema
from sim.schema.errors import Problem, ScenarioError, nearest, printable

SCENARIOS = Path(__file__).parents[1] / "scenarios"
VALID = sorted((SCENARIOS / "valid").glob("*.yaml"))
INVALID = sorted((SCENARIOS / "invalid").glob("*.yaml"))
MINIMAL = (SCENARIOS / "valid" / "minimal.yaml").read_text(encoding="utf-8")
STARTER = library.HERE / "starter.yaml"
QUICK = 2.0
"""Seconds that an error may take on a slow machine."""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a scenario into a fresh folder."""

    def write_file(content: str | bytes, name: str = "s.yaml") -> Path:
        path = tmp_path / name
        if isinstance(content, str):
            content = content.encode("utf-8")
        path.write_bytes(content)
        return path

    return write_file


def problems(source: str | Path, *overrides: str) -> tuple[Problem, ...]:
    with pytest.raises(ScenarioError) as caught:
        read(source, overrides)
    return caught.value.problems


def messages(source: str | Path, *overrides: str) -> list[str]:
    return [it.message for it in problems(source, *overrides)]


# --- Errors, to the letter -------------------------------------------------------------------


@pytest.mark.parametrize("path", INVALID, ids=lambda it: it.stem)
def test_invalid(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    expected = path.with_suffix(".txt").read_text(encoding="utf-8").rstrip("\n")
    with pytest.raises(ScenarioError) as caught:
        read(path.name)
    # How many keys there are in all grows with every mechanism.
    assert re.sub(r"\d+ in all", "N in all", str(caught.value)) == expected


def test_invalid_scenarios_are_there() -> None:
    assert len(INVALID) >= 40
    assert {it.stem for it in INVALID} == {it.stem for it in (SCENARIOS / "invalid").glob("*.txt")}


@pytest.mark.parametrize("path", INVALID, ids=lambda it: it.stem)
def test_carets_stand_under_what_they_mean(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Line and column are those of the file, whatever the text around them shows."""
    monkeypatch.chdir(path.parent)
    for problem in problems(path.name):
        if not problem.line:
            continue
        lines = Path(problem.file).read_text(encoding="utf-8").split("\n")
        assert problem.line <= len(lines)
        assert problem.column <= len(lines[problem.line - 1]) + 1
        assert problem.source_line == lines[problem.line - 1].rstrip("\r")


def test_all_problems_at_once_in_order_and_once() -> None:
    for path in INVALID:
        found = problems(path)
        assert len(set(found)) == len(found)
        places = [(it.line, it.column) for it in found if it.file == str(path)]
        assert places == sorted(places)


def test_the_example_of_the_manual(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SCENARIOS / "invalid")
    with pytest.raises(ScenarioError) as caught:
        read("e2.yaml")
    assert str(caught.value) == (
        "e2.yaml:36:84: error: interventions[dry].strength = 60 is out of range (0 to 1)\n"
        "   36 |   - {id: dry, kind: drought, at: [DAM, GZT], start: 2027-04, months: 18, "
        "strength: 60}\n"
        "      |                                                                          "
        "          ^\n"
        "  hint: for 60 % write 0.6; strength: Drought: severity added to the environmental "
        "threat (unit: severity of a drought, utility of a campaign); "
        "`sim explain interventions.*.strength`"
    )


def test_no_jargon() -> None:
    for path in INVALID:
        text = path.with_suffix(".txt").read_text(encoding="utf-8")
        for word in ("pydantic", "Input should", "_parsing", "_type", "valid dictionary", "None"):
            assert word not in text, f"{path.name}: {word}"


def test_a_refused_part_does_not_hide_what_is_wrong_elsewhere(write: Write) -> None:
    path = write(MINIMAL.replace("people: 1000", "people: many") + "shocks: [{id: a, at: [A2]}]\n")
    found = messages(path)
    assert "places[A1].people = many must be a number (0 or more)" in found
    assert "shocks[a].threat is missing" in found
    assert "shocks[a].at[1] = A2: there is no such place or country" in found


def test_a_refused_part_is_not_called_missing(write: Write) -> None:
    """A place whose income cannot be read does not lack one; nor does its id vanish."""
    path = write(MINIMAL.replace("income: 2000", "income: lots") + "threats: {A1: {food: .2}}\n")
    assert messages(path) == ["places[A1].income = lots must be a number (more than 0)"]


@pytest.mark.parametrize(
    ("before", "after", "hint"),
    [
        ("schema: 1", 'schema: "1"', "remove the quotes"),
        ("people: 1000", 'people: "1000"', "remove the quotes"),
        ("people: 1000", "people: 1,000,000", "write numbers without commas, 1000000 or 1_000_000"),
    ],
)
def test_hints_at_numbers(write: Write, before: str, after: str, hint: str) -> None:
    found = problems(write(MINIMAL.replace(before, after)))
    assert hint in [it.hint for it in found]


def test_a_truth_in_quotes_is_shown_with_them(write: Write) -> None:
    text = MINIMAL + 'corridors: [{from: A1, to: B1, both_ways: "true"}]\n'
    (found,) = [it for it in problems(write(text)) if "both_ways" in it.message]
    assert "'true' must be true or false" in found.message
    assert found.hint == "remove the quotes"


def test_a_merge_key_is_told_and_not_what_it_would_bring(write: Write) -> None:
    found = problems(write(MINIMAL + "stocks: [{<<: {from: AA, people: 3}, to: BB}]\n"))
    assert [it.hint for it in found] == ["YAML 1.2 has no merge keys; write the fields out"]


def test_what_is_worked_out_is_in_range_too(write: Write) -> None:
    place = "{id: A2, country: AA, people: 10, income: 2000, lat: 1, lon: 2}"
    corridor = "{id: far, from: A1, to: A2, dangerous: true, price: 1e15}"
    text = MINIMAL.replace("lon: 30}]", f"lon: 30}}, {place}]") + f"corridors: [{corridor}]\n"
    said = "corridors[far].route_options[hidden].price comes to 1.5e+15, which is out of range"
    assert messages(write(text)) == [f"{said} (the limit is 1e+15)"]


def test_a_spell_that_ends_at_once_is_refused(write: Write) -> None:
    (found,) = messages(write(MINIMAL + "exposure: {spell: 1e-300}\n"))
    assert "exposure.spell = 1e-300 is out of range" in found


def test_overrides_are_text() -> None:
    assert messages("syria", "title=caf\udce9") == ["this is not UTF-8 text"]


def test_terminal_is_safe(write: Write) -> None:
    path = write(MINIMAL + 'threats: {"\\e[31mA\\u202e": {food: .2}}\n')
    with pytest.raises(ScenarioError) as caught:
        read(path)
    text = str(caught.value)
    assert all(line.isprintable() for line in text.split("\n"))
    assert "\\x1b[31mA\\u202e" in text


@pytest.mark.parametrize("before", [0, 30, 90, 500, 200_000])
@pytest.mark.parametrize("after", [0, 30, 90, 500])
@pytest.mark.parametrize("filler", ["x", "日", "\x1b"])
def test_long_lines_are_windowed(before: int, after: int, filler: str) -> None:
    line = filler * before + "!" + filler * after
    text = str(Problem("f", 7, before + 1, "m", "", line)).split("\n")
    assert len(text) == 3
    wide = [sum(2 if it == "日" else 1 for it in row) for row in text[1:]]
    assert max(wide) <= 100
    shown = text[1]
    at = shown.index("!")
    cells = sum(2 if it == "日" else 1 for it in shown[:at])
    assert text[2].index("^") == cells


def test_the_same_problem_is_told_once() -> None:
    one, other = Problem("f", 3, 1, "m"), Problem("f", 1, 9, "m")
    assert ScenarioError([one, other, one]).problems == (other, one)


def test_many_problems_are_counted(write: Write) -> None:
    path = write(MINIMAL + "".join(f"key{i}: 1\n" for i in range(1000)))
    with pytest.raises(ScenarioError) as caught:
        read(path)
    assert len(caught.value.problems) == 1000
    assert str(caught.value).endswith("\n... and 800 more problems")


def test_printable() -> None:
    assert printable("aä日\x00\x1b\u202e\U000e0001\ud800") == (
        "aä日\\x00\\x1b\\u202e\\U000e0001\\ud800"
    )


def test_nearest() -> None:
    assert nearest("barier", ["barrier", "officers"]) == "barrier"
    assert nearest("syria", ["SYRIA"]) == "SYRIA"
    assert nearest("DAN", ["DAM", "OSL"]) == "DAM"
    assert nearest("packages", ["places"]) is None
    assert nearest("zebra", ["barrier", "officers"]) is None


# --- Right files -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", VALID, ids=lambda it: it.stem)
def test_valid(path: Path) -> None:
    assert read(path).name == ("on" if path.stem == "numbers" else path.stem)


def test_yaml_1_2() -> None:
    s = read(SCENARIOS / "valid" / "numbers.yaml")
    assert (s.name, s.title, s.description) == ("on", "yes", "2026")
    assert s.countries[0].id == "NO"
    assert s.countries[0].languages == ("no", "on", "off", "n", "y")
    assert s.population.agents == 100_000
    assert s.seed == 16
    assert s.time.end == date(2026, 3, 15)
    oslo, other = s.places
    assert (oslo.people, oslo.income, oslo.lat, oslo.lon) == (9.2e6, 1000, 0.8, -0.5)
    assert (other.people, other.income, other.lat, other.lon) == (1e5, 1000, 12, 5)
    assert s.corridors[0].days == 12
    assert s.observed == ()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"), ("no", "no"), ("yes", "yes"), ("on", "on"), ("off", "off"), ("y", "y"),
        ("true", True), ("False", False), ("tRue", "tRue"),
        ("null", None), ("~", None), ("", None), ("none", "none"),
        ("9.2e6", 9.2e6), ("1e5", 1e5), ("1E-3", 1e-3), ("+1e5", 1e5), (".8", 0.8), ("8.", 8.0),
        ("-.5", -0.5), ("100_000", 100_000), ("1_000.5", 1000.5), ("-3", -3), ("012", 12),
        ("0x1f", 31), ("0o17", 15), (".inf", math.inf), ("-.Inf", -math.inf),
        ("2011-03", "2011-03"), ("2011-03-15", "2011-03-15"), ("12:30:45", "12:30:45"),
        ("1__0", "1__0"), ("_1", "_1"), ("1_", "1_"), ("1e", "1e"), (".", "."), ("-", "-"),
        ("0b11", "0b11"), ("1,000", "1,000"), ("١٢", "١٢"), ("9" * 5000, math.inf),
    ],
)  # fmt: skip
def test_scalars(text: str, value: object) -> None:
    found = scalar_value(text)
    assert type(found) is type(value)
    assert found == value


def test_quoted_text_is_text(write: Write) -> None:
    node = parse(
        "{a: '1', b: \"true\", c: |-\n  2\n, }".replace("|-\n  2\n,", "'2',"), Text("", "")
    )
    assert node.plain() == {"a": "1", "b": "true", "c": "2"}


def test_nodes_know_their_place() -> None:
    node = parse("a: 1\nb:\n  - {c: [x, y]}\n", Text("f", "a: 1\nb:\n  - {c: [x, y]}\n"))
    found: Node | None = node.get("b")
    assert found is not None
    last = found.value[0].get("c").value[1]
    assert (last.line, last.column, last.text) == (2, 12, "y")


def test_blank_sections_take_their_defaults(write: Write) -> None:
    s = read(write(MINIMAL + "corridors:\npolicies: ~\ntitle:\nliving:\ndecision: {classes: }\n"))
    assert s.corridors == ()
    assert s.title == ""
    assert s.living.means_per_income == 1
    assert len(s.decision.classes) == 2


def test_aliases_are_written_out() -> None:
    s = read(SCENARIOS / "valid" / "anchors.yaml")
    assert s.countries[0].profile == s.countries[1].profile
    assert s.countries[1].profile is not None
    assert s.countries[1].profile.under_15 == 0.5


def test_byte_order_mark_and_line_ends(write: Write) -> None:
    text = MINIMAL.replace("\n", "\r\n")
    assert read(write(b"\xef\xbb\xbf" + text.encode())).name == "minimal"
    (found,) = problems(write(b"\xef\xbb\xbf" + (text + "x: 1\r\n").encode()))
    assert (found.line, found.column, found.source_line) == (6, 1, "x: 1")


def test_starter_runs_under_any_name(write: Write) -> None:
    for name, expected in (("mine", "mine"), ("my-own", "my_own"), ("9lives", "s_9lives")):
        assert read(write(library.starter(name))).name == expected


def test_shipped() -> None:
    assert read(STARTER).name == "starter"
    for name, title, path in library.shipped():
        assert library.find(name) == path
        assert read(name).title == title
        assert read(name) == read(path)
    assert library.find("no_such_scenario") is None
    assert library.find("../pyproject") is None


# --- Files that are none ---------------------------------------------------------------------


def test_missing_file(tmp_path: Path, write: Write) -> None:
    write(MINIMAL, "drought.yaml")
    (found,) = problems(tmp_path / "drougth.yaml")
    assert found.message == "there is no such file or shipped scenario"
    assert found.hint == f"did you mean '{tmp_path / 'drought.yaml'}'?"
    (found,) = problems(tmp_path / "no" / "where.yaml")
    assert found.message == "there is no such file or shipped scenario"


def test_misspelt_shipped_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(library, "folder", lambda: SCENARIOS / "valid")
    monkeypatch.chdir(tmp_path)
    assert read("terse").name == "terse"
    (found,) = problems("ters")
    assert found.hint == "did you mean 'terse'?"
    (found,) = problems("zzz")
    assert found.hint == "shipped scenarios: anchors, minimal, numbers, tables, terse"


@pytest.mark.parametrize("source", ["", " ", "a\0b", ".", "/", "/dev/null", "x" * 5000, "~", "\n"])
def test_strange_names(source: str) -> None:
    assert len(problems(source)) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("schema: 1\n".encode("utf-16"), "is UTF-16 or UTF-32, or binary"),
        ("schema: 1\n".encode("utf-16-be"), "is UTF-16 or UTF-32, or binary"),
        ("schema: 1\n".encode("utf-32"), "is UTF-16 or UTF-32, or binary"),
        ("title: Türkei\n".encode("latin-1"), "the byte 0xfc is not UTF-8 text"),
        (b"schema: 1\nname: a\0b\n", "the character U+0000 is not allowed in a YAML file"),
        (b"", "is empty"),
        (b"\n\n# only this\n", "is empty"),
        (b"~", "is empty"),
        (b"word", "the file is not a mapping of keys to values"),
        (b"[1, 2]", "the file is not a mapping of keys to values"),
        (b"a: 1\n...\n---\nb: 2\n", "a second document starts here"),
        (b"a: &b [*b]", "the alias *b refers to itself"),
        (b"a: !!set {b}", "the tag '!!set' is not allowed"),
        (b"a: !!int 5", "the tag '!!int' is not allowed"),
        (b"a: !own [5]", "the tag '!own' is not allowed"),
        (b"? [a]\n: b", "a key must be a plain word"),
        (b"\x80\x81\x82", "the byte 0x80 is not UTF-8 text"),
    ],
)
def test_not_a_scenario(write: Write, content: bytes, message: str) -> None:
    assert message in messages(write(content))


def test_latin_1_is_pointed_at(write: Write) -> None:
    (found,) = problems(write("schema: 1\ntitle: Türkei\n".encode("latin-1")))
    assert (found.line, found.column) == (2, 9)


def test_nothing_is_executed(write: Write, tmp_path: Path) -> None:
    mark = tmp_path / "owned"
    for tag in ("!!python/object/apply:os.system", "!!python/object/apply:os.mkdir"):
        assert "is not allowed" in messages(write(f"schema: {tag} ['touch {mark}']\n"))[0]
    assert not mark.exists()


def test_hundred_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    with path.open("wb") as file:
        file.write(b"schema: 1\n")
        file.truncate(100_000_000)
    start = time.process_time()
    (found,) = problems(path)
    assert time.process_time() - start < QUICK
    assert found.message == "is larger than 1 MB"


@pytest.mark.parametrize(
    "content",
    [
        "a: " + "[" * 400_000,
        "a: " + "[" * 400_000 + "]" * 400_000,
        "{a: " * 200_000,
        "- " * 400_000,
        "\n".join(" " * i + "a:" for i in range(1300)),
        "? " * 400_000,
        "x0: &x0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
        + "".join(f"x{i}: &x{i} [{', '.join([f'*x{i - 1}'] * 9)}]\n" for i in range(1, 60)),
        "x0: &x0 {a: 1}\n" + "".join(f"x{i}: &x{i} {{a: *x{i - 1}}}\n" for i in range(1, 1000)),
        "a: [" + "1," * 450_000 + "]",
        "a: '" + "x" * 900_000,
        "schema: 1\nname: " + "x" * 900_000,
        "x: " + "&a " * 300_000,
        "a" * 900_000,
    ],
    ids=[
        "lists", "closed lists", "mappings", "items", "blocks", "keys", "laughs", "chain", "values",
        "quote", "name", "anchors", "word",
    ],
)  # fmt: skip
def test_monsters(write: Write, content: str) -> None:
    path = write(content)
    assert path.stat().st_size <= MAX_BYTES
    start = time.process_time()
    found = problems(path)
    str(found[0])
    assert time.process_time() - start < 2 * QUICK


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_directories_and_pipes(tmp_path: Path, write: Write) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    assert messages(tmp_path / "pipe.yaml") == ["is not a regular file"]
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    assert messages(tmp_path / "loop.yaml") == ["too many levels of symbolic links"]
    write(MINIMAL, "one.yaml")
    (found,) = problems(tmp_path)
    assert found.message == "is a directory"
    assert "one.yaml" in found.hint


# --- Tables ----------------------------------------------------------------------------------


def test_tables() -> None:
    s = read(SCENARIOS / "valid" / "tables.yaml")
    first, second = s.places
    assert (first.name, first.people, first.source) == ("First, the", 1e6, ("wdi", "assumption"))
    assert (second.country, second.people_per_agent, second.kind) == ("NO", 50, "region")
    assert [(it.from_, it.to, it.people) for it in s.stocks] == [
        ("AA", "NO", 1200),
        ("NO", "AA", 35),
    ]
    assert s.stocks[1].source == ()
    assert [it.id for it in s.corridors] == ["A1_N1", "N1_A1"]
    assert s.observed[1].since == date(2026, 1, 1)


def with_stocks(write: Write, rows: str | bytes, name: str = "stocks.csv") -> Path:
    write(rows, name)
    text = MINIMAL.replace("[{id: AA}]", "[{id: AA}, {id: BB}]").replace(
        "places: [", "places: [{id: B1, country: BB, people: 9, income: 1, lat: 0, lon: 0}, "
    )
    return write(text + f"stocks: {{table: {name}}}\n")


def test_table_of_another_encoding(write: Write) -> None:
    path = with_stocks(write, "from,to,people\nAA,BB,5\nÄÄ,BB,5\n".encode("latin-1"))
    (found,) = problems(path)
    assert (found.line, found.message) == (3, "this line is not UTF-8 text")
    path = with_stocks(write, "from,to,people\nAA,BB,5\n".encode("utf-16-le"))
    assert messages(path) == ["this line holds NUL characters"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_table_outside(write: Write, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "stocks.csv").write_text("from,to,people\n", encoding="utf-8")
    (inner / "link.csv").symlink_to(tmp_path / "stocks.csv")
    (inner / "folder.csv").mkdir()
    for name, said in (
        ("../stocks.csv", "lies outside"),
        (str(tmp_path / "stocks.csv"), "lies outside"),
        ("~/stocks.csv", "lies outside"),
        ("a/../../stocks.csv", "lies outside"),
        ("'..\\stocks.csv'", "lies outside"),
        ("'C:\\stocks.csv'", "lies outside"),
        ("link.csv", "leads outside"),
        ("folder.csv", "is not a file"),
        ("none.csv", "there is no file"),
        ("''", "named by its file"),
        ("[a]", "named by its file"),
        ('"a\\0b"', "named by its file"),
        ("x" * 5000, "stocks"),
    ):
        path = inner / "s.yaml"
        path.write_text(MINIMAL + f"stocks: {{table: {name}}}\n", encoding="utf-8")
        found = messages(path)
        assert len(found) == 1
        assert said in found[0] or said == "stocks", found


def test_table_too_large(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = with_stocks(write, "from,to,people\nAA,BB,5\n")
    with (tmp_path / "stocks.csv").open("ab") as file:
        file.truncate(tables.MAX_BYTES + 1)
    start = time.process_time()
    assert messages(path) == ["the table 'stocks.csv' is larger than 100 MB"]
    assert time.process_time() - start < QUICK
    monkeypatch.setattr(tables, "MAX_ROWS", 2)
    path = with_stocks(write, "from,to,people\nAA,BB,5\nBB,AA,5\nAA,BB,5\n")
    (found,) = problems(path)
    assert (found.line, found.message) == (4, "more than 2 rows")


def test_one_table_does_not_flood(write: Write) -> None:
    rows = "".join("AA,BB,x\n" if i % 2 else "AA,BB\n" for i in range(200))
    found = messages(with_stocks(write, "from,to,people\n" + rows))
    assert sum("must be a number" in it for it in found) == tables.MAX_PROBLEMS
    assert sum("this row has" in it for it in found) == tables.MAX_PROBLEMS
    assert "80 more cells are wrong" in found
    assert "80 more rows of another length than the header" in found


def test_cells_over_several_lines(write: Write) -> None:
    rows = 'from,to,people,source\nAA,BB,5,"assumption;\nassumption"\nAA,BX,5,\n'
    (found,) = problems(with_stocks(write, rows))
    assert (found.line, found.column) == (4, 4)


def test_bulk_is_read(write: Write) -> None:
    """A table of 40,000 rows: every pair of two hundred countries."""
    ids = [f"C{i}" for i in range(200)]
    text = MINIMAL.replace("[{id: AA}]", json.dumps([{"id": it} for it in ["AA", *ids]]))
    places = ", ".join(
        f"{{id: P{it}, country: {it}, people: 9e5, income: 1, lat: 0, lon: 0}}" for it in ids
    )
    path = write(text.replace("places: [", f"places: [{places}, ") + "stocks: {table: st.csv}\n")
    rows = "".join(f"{a},{b},5\n" for a in ids for b in ids if a != b)
    write("from,to,people\n" + rows, "st.csv")
    assert len(read(path).stocks) == 39_800


# --- Overrides -------------------------------------------------------------------------------


def test_overrides() -> None:
    s = read(
        STARTER,
        [
            "policies.wall.barrier=.25",
            "policies.wall.enabled=false",
            "policies.wall.source=[example]",
            "places.AA_NORTH.income=2000",
            "time.step=day",
            "population.agents=20_000",
            "decision.livelihood.income=.5",
            "decision.threat_weight.food=1",
            "threats.AA.economic.prevalence=.9",
            "threats.default.food=[.3, .4]",
            "threats.BB_PORT.health=.7",
            "exposure.coupling.food.economic=.05",
            "corridors.AA_NORTH_BB_PORT.price=5",
            "title=NO",
            "policies.wall.barrier=.3",
            "shocks.war.end=~",
        ],
    )
    wall = next(it for it in s.policies if it.id == "wall")
    assert (wall.barrier, wall.enabled, wall.source) == (0.3, False, ("example",))
    assert s.places[0].income == 2000
    assert s.time.step == "day"
    assert s.population.agents == 20_000
    assert s.decision.livelihood.income == 0.5
    assert s.decision.livelihood.size == 0.41
    assert s.decision.threat_weight["food"] == 1
    assert s.decision.threat_weight["personal"] == 4
    level = s.threats["AA_SOUTH"]["economic"]
    assert (level.severity, level.prevalence) == (0.4, 0.9)
    assert s.threats["BB_CITY"]["food"].prevalence == 0.4
    assert s.threats["BB_PORT"]["health"].severity == 0.7
    assert s.exposure.coupling["food"] == {"economic": 0.05, "health": 0.1}
    assert next(it for it in s.corridors if it.id == "AA_NORTH_BB_PORT").route_options[0].price == 5
    assert s.title == "NO"
    assert s.shocks[0].end is None


def test_overrides_reach_into_tables() -> None:
    s = read(SCENARIOS / "valid" / "tables.yaml", ["places.A1.income=5", "observed.o1.people=7"])
    assert s.places[0].income == 5
    assert s.observed[0].people == 7
    (found,) = problems(SCENARIOS / "valid" / "tables.yaml", "places.A1.income=-5")
    assert found.file == "-s places.A1.income=-5"


def test_overrides_leave_aliases_alone() -> None:
    s = read(SCENARIOS / "valid" / "anchors.yaml", ["countries.AA.profile.under_15=.1"])
    shares = [it.profile.under_15 for it in s.countries if it.profile]
    assert shares == [0.1, 0.5]


@pytest.mark.parametrize(
    ("argument", "text"),
    [
        (
            "policies.wal.barrier=.8",
            "error: policies has no 'wal'\n  hint: did you mean 'wall'?",
        ),
        (
            "policies.wall.barier=.8",
            "error: policies[wall].barier is not a known field\n  hint: did you mean 'barrier'?",
        ),
        (
            "policies.wall.barrier=8",
            (
                "error: policies[wall].barrier = 8 is out of range (0 to 1)\n"
                "  hint: for 8 % write 0.08; barrier: How far the border is fenced or otherwise "
                "obstructed; `sim explain policies.*.barrier`"
            ),
        ),
        ("polices.wall=8", "error: polices is not a known field\n  hint: did you mean 'policies'?"),
        (
            "nonsense",
            "error: this is not PATH=VALUE\n  hint: for instance policies.gr_wall.barrier=.8",
        ),
        ("time..step=day", "error: the path 'time..step' has an empty part"),
        ("time.step.x=day", "error: time.step is a single value; nothing is under it"),
        (
            "stocks.AA.people=5",
            "error: the things in stocks have no ids\n  hint: give all of it: stocks=[...]",
        ),
        (
            "corridors.BB_PORT_AA_NORTH.price=5",
            (
                "error: corridors has no 'BB_PORT_AA_NORTH' of its own\n"
                "  hint: AA_NORTH_BB_PORT goes both ways: change that one"
            ),
        ),
        ("title={", "error: a value is missing here"),
        ("seed=true", "error: seed = true must be a whole number"),
        (
            "places.AA_NORTH.people=true",
            "error: places[AA_NORTH].people = true must be a number (0 or more)",
        ),
        (
            "name=Aux",
            (
                "error: name = Aux cannot be a scenario's name\n"
                "  hint: choose another: a device of Windows is called so, and folders cannot be"
            ),
        ),
        ("name=null", "error: name is empty\n  hint: it must be an id"),
        (
            "seed=",  # as where a variable of a script is not set
            (
                "error: seed has no value after the '='\n"
                "  hint: write null for the value that holds where a file says nothing"
            ),
        ),
        (
            "policies[0].barrier=.3",
            (
                "error: the path 'policies[0].barrier' holds '['\n"
                "  hint: separate names by points, for instance policies.gr_wall.barrier=.8"
            ),
        ),
        (
            "places.AA_NORTH.people=900.000",
            (
                "error: places[AA_NORTH].people = 900.000 is read as 900\n"
                "  hint: write 900000 or 900: a point stands before decimals"
            ),
        ),
        (
            "places.AA_NORTH.country=CC",
            (
                "error: places[AA_NORTH].country = CC: there is no such country\n"
                "  hint: known here: AA, BB"
            ),
        ),
    ],
)
def test_wrong_overrides(argument: str, text: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        read(STARTER, [argument])
    assert str(caught.value) == f"-s {argument}: {text}"


def test_wrong_overrides_stand_below_the_problems_of_the_file(write: Write) -> None:
    path = write(MINIMAL + "x: 1\n")
    found = problems(path, "y=1", "policies.p.barrier=1", "time.step=year")
    assert [it.file for it in found] == [
        str(path), "-s y=1", "-s policies.p.barrier=1", "-s time.step=year",
    ]  # fmt: skip


# --- The schema for editors ------------------------------------------------------------------


def test_json_schema() -> None:
    schema = json_schema()
    assert json.loads(json.dumps(schema)) == schema
    level = schema["properties"]["threats"]["additionalProperties"]["additionalProperties"]
    assert {it.get("type") for it in level["anyOf"]} == {"number", "array", None}
    table = schema["properties"]["stocks"]["anyOf"][1]
    assert "table" in table["properties"]
    people = schema["$defs"]["Place"]["properties"]["people"]
    assert people["description"] == "Residents at the start, foreigners among them included."
    assert people["x-unit"] == "persons"
    assert people["x-higher"].startswith("more people who may leave")
    tie = schema["$defs"]["Decision"]["properties"]["tie"]
    assert tie["deprecated"]
    assert "home_attachment" in tie["description"]
    references = set()

    def walk(part: object) -> None:
        if isinstance(part, dict):
            references.add(part.get("$ref"))
            for under in part.values():
                walk(under)
        elif isinstance(part, list):
            for under in part:
                walk(under)

    walk(schema)
    for reference in references - {None}:
        assert isinstance(reference, str)
        assert reference.removeprefix("#/$defs/") in schema["$defs"]


# --- Speed -----------------------------------------------------------------------------------


def test_light_imports() -> None:
    code = (
        "import sys; from sim.scenario.reader import read; "
        f"read({str(STARTER)!r}); "
        "heavy = {'numba', 'pandas', 'matplotlib', 'mesa', 'networkx', 'pyarrow'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.strip() == "[]"


def test_a_table_whose_name_differs_in_capitals(write: Write) -> None:
    if (write("x", "S.CSV").parent / "s.csv").exists():
        pytest.skip("this file system does not tell them apart")
    path = write(MINIMAL + "stocks: {table: s.csv}\n")
    assert [it.hint for it in problems(path)] == ["did you mean 'S.CSV'?"]
