"""The command line: what it prints where, and how it ends."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest

import sim
from sim.__main__ import drop_impossible_threads
from sim.cli import app as cli
from sim.cli import bench, console
from sim.cli.demo import NEXT_COMMANDS
from sim.cli.options import named_path
from sim.core import jit
from sim.engine import checkpoint
from sim.report import text as tables
from sim.results.store import StoreError, identity
from sim.scenario.size import told_of_size
from tests.unit.sample_record import sample_record

BROKEN = "schema: 1\nname: broken\nplaces: [\n"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Run in an empty folder, without the settings of this shell."""
    monkeypatch.chdir(tmp_path)
    for name in ("SIM_DEBUG", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    handler = signal.getsignal(signal.SIGINT)
    yield tmp_path
    assert signal.getsignal(signal.SIGINT) is handler


class Engine:
    """Stands in for the engine: takes the same arguments and gives a made-up record."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.error: BaseException | None = None

    def run(self, scenario: sim.Scenario, **options: Any) -> sim.Record:
        self.calls.append({"scenario": scenario, **options})
        options["progress"](1, 2, "half-way")
        if self.error is not None:
            raise self.error
        record = sample_record()
        seed = scenario.seed if options["seed"] is None else options["seed"]
        solved_on = options["base"] if options["rates"] == "base" else scenario
        what = identity(scenario, solved_on, seed, options["replicates"])
        manifest = {**record.manifest, "identity": what}
        return sim.Record(record.scenario, record.seed, manifest, record.tables)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The engine's stand-in, and a report that takes no time to draw."""

    def write_report(record: sim.Record, directory: Path, png: Any = ()) -> None:
        (Path(directory) / "report.html").write_text("drawn")

    module = ModuleType("sim.report")
    module.write_report = write_report  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sim.report", module)
    return replace_engine(monkeypatch)


@pytest.fixture
def drawing_engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The engine's stand-in, with the real report."""
    return replace_engine(monkeypatch)


def replace_engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    stand_in = Engine()
    module = ModuleType("sim.engine.simulate")
    module.run = stand_in.run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sim.engine.simulate", module)
    return stand_in


class Outcome:
    """How a command ended: exit code and what it printed."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*words: str) -> Outcome:
        code = cli.main(words)
        return Outcome(code, *capsys.readouterr())

    return run


# Words that are not there


def test_without_words_it_helps(call: Any) -> None:
    assert call().out == call("--help").out
    assert call("--help").code == 0


def test_version(call: Any) -> None:
    done = call("--version")
    assert (done.code, done.out) == (0, f"sim {sim.__version__}\n")


def test_a_name_below_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    written = tmp_path / "missing" / ".." / "run"
    assert named_path(str(written)) == tmp_path / "run"


def test_links_in_a_circle_are_bad_input(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def circle(path: Path, strict: bool = False) -> Path:
        raise RuntimeError(f"Symlink loop from {str(path)!r}")

    monkeypatch.setattr(Path, "resolve", circle)
    done = call("export", str(tmp_path))
    assert (done.code, "symbolic" in done.err) == (2, True), done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rnu"], "sim: no command is called 'rnu'; did you mean 'run'? (see sim --help)"),
        (["Check"], "did you mean 'check'?"),
        (["xyzzy"], "there are demo, run, check, schema, explain, new, list, compare"),
        (["run", "--agnets", "3"], "--agents"),
        (["run"], "Missing argument 'FILE|NAME' (see sim run --help)"),
        (["run", "syria", "--seed", "-1"], "'--seed'"),
        (["run", "syria", "--seed", str(2**63)], "'--seed'"),
        (["run", "syria", "--replicates", "0"], "'--replicates': it must be 1 or more"),
        (
            ["run", "syria", "--agents", "2,000"],
            "sim: Invalid value for '--agents': write a whole number, for instance 2000 (see",
        ),
        (["run", "syria", "\u2013-seed", "4"], "options begin with '--', two plain hyphens"),
        (["run", "syria", "--threads", "two"], "'--threads'"),
        (["check"], "Missing argument 'FILE...'"),
    ],
)
def test_misspelt_words_are_told_with_the_nearest(
    call: Any, words: list[str], message: str
) -> None:
    done = call(*words)
    assert done.code == 2
    assert message in done.err
    assert done.err.count("\n") == 1
    assert done.out == ""


@pytest.mark.parametrize(
    "command",
    [
        "demo", "run", "check", "schema", "new", "list", "compare", "export", "plot", "sweep",
        "status", "import", "validate",
    ],
)  # fmt: skip
def test_every_command_has_help_json_and_quiet(call: Any, command: str) -> None:
    done = call(command, "--help")
    assert done.code == 0
    assert "--json" in done.out
    assert "--quiet" in done.out
    assert max(map(len, done.out.splitlines())) <= 80


# check


def test_check_sums_up_a_good_file(call: Any) -> None:
    done = call("check", "syria")
    assert done.code == 0, done.err
    assert re.fullmatch(r"syria: ok \(\d+ places, \d+ corridors, [\d,]{11,} people\)\n", done.out)
    assert done.err == ""


def test_check_tells_the_problems_of_all_files(call: Any, elsewhere: Path) -> None:
    Path("one.yaml").write_text(BROKEN)
    Path("two.yaml").write_text("schema: 1\nnmae: two\n")
    done = call("check", "one.yaml", "syria", "two.yaml")
    assert done.code == 2
    assert "one.yaml:" in done.err
    assert "two.yaml:" in done.err
    assert done.out.startswith("syria: ok")


def test_check_as_json(call: Any) -> None:
    Path("one.yaml").write_text(BROKEN)
    done = call("check", "one.yaml", "syria", "--json")
    told = json.loads(done.out)
    assert done.code == 2
    assert told["ok"] is False
    bad, good = told["files"]
    assert bad["problems"][0].keys() == {"file", "line", "column", "message", "hint"}
    assert bad["problems"][0]["file"] == "one.yaml"
    assert good["ok"] is True
    assert good["places"] > 0


def test_check_quiet_says_nothing_of_a_good_file(call: Any) -> None:
    done = call("check", "syria", "--quiet")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_check_resolved_prints_a_scenario_that_checks(call: Any) -> None:
    done = call("check", "syria", "--resolved")
    Path("full.yaml").write_text(done.out)
    again = call("check", "full.yaml", "--resolved")
    assert again.code == 0, again.err
    assert again.out == done.out


def test_check_of_what_is_not_there(call: Any) -> None:
    done = call("check", "nowhere.yaml")
    assert done.code == 2
    assert "nowhere.yaml" in done.err
    assert "Traceback" not in done.err


# schema, new, list


def test_schema_is_json_schema(call: Any) -> None:
    told = json.loads(call("schema").out)
    assert told["$schema"].startswith("https://json-schema.org/")
    assert {"places", "corridors", "policies"} <= told["properties"].keys()


def test_new_writes_a_scenario_that_checks(call: Any) -> None:
    done = call("new", "mine")
    assert done.code == 0
    assert "sim run mine.yaml" in done.out
    assert Path("mine.yaml").read_text().startswith("# yaml-language-server: $schema=")
    assert sim.read("mine.yaml").name == "mine"


def test_new_overwrites_nothing(call: Any) -> None:
    Path("mine.yaml").write_text("precious")
    done = call("new", "mine")
    assert done.code == 2
    assert "exists already" in done.err
    assert Path("mine.yaml").read_text() == "precious"


@pytest.mark.parametrize("name", ["3d", "a/b", "../up", "", "x" * 65, "é", "a b", "nul", "Com1"])
def test_new_wants_a_name(call: Any, elsewhere: Path, name: str) -> None:
    done = call("new", name)
    assert done.code == 2
    assert "cannot be a scenario's name" in done.err
    assert not any(elsewhere.iterdir())


def test_list_names_what_run_takes(call: Any) -> None:
    names = call("list", "--quiet").out.split()
    assert "syria" in names
    assert [one["name"] for one in json.loads(call("list", "--json").out)] == names
    assert re.search(r"^syria +Displacement", call("list").out, re.MULTILINE)


# run and demo


def test_run_passes_everything_on(call: Any, engine: Engine) -> None:
    done = call(
        "run", "syria", "-s", "population.focus=[]", "--agents", "2000", "--seed", "7",
        "--replicates", "3", "--threads", "1", "--out", "there",
    )  # fmt: skip
    assert done.code == 0, done.err
    (given,) = engine.calls
    assert given["scenario"].population.agents == 2000
    assert given["scenario"].population.focus == ()
    assert (given["seed"], given["replicates"], given["threads"]) == (7, 3, 1)
    # Rates are solved on the file as it stands.
    assert given["base"] == sim.read("syria")
    assert given["rates"] == "base"
    assert sim.load("there").seed == sample_record().seed


@pytest.mark.parametrize("command", [("run", "syria"), ("demo",)])
def test_rates_are_passed_on(call: Any, engine: Engine, command: tuple[str, ...]) -> None:
    words = (*command, "--agents", "900", "--out", "there", "--quiet")
    assert call(*words, "--rates", "own").code == 0
    assert engine.calls[0]["rates"] == "own"
    done = call(*words, "--rates", "ours")
    assert (done.code, done.err) == (2, "sim: --rates ours is not known: use base or own\n")


def test_run_without_changes_is_its_own_base(call: Any, engine: Engine) -> None:
    assert call("run", "syria", "--quiet").code == 0
    assert engine.calls[0]["base"] == engine.calls[0]["scenario"]
    assert engine.calls[0]["seed"] is None
    assert Path("out/syria/manifest.json").is_file()


def test_run_as_json_prints_one_document(call: Any, engine: Engine) -> None:
    done = call("run", "syria", "--json", "--out", "there")
    told = json.loads(done.out)
    assert done.err == ""
    assert told["out"] == "there"
    assert told["manifest"]["name"] == sample_record().manifest["name"]
    assert {one["measure"] for one in told["headline"]} >= {"moved_abroad", "necessity_share"}
    assert isinstance(told["observed"], list)


def test_run_quiet_prints_nothing(call: Any, engine: Engine) -> None:
    done = call("run", "syria", "--quiet")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_progress_is_one_line_when_not_a_terminal(call: Any, engine: Engine) -> None:
    done = call("run", "syria")
    assert re.fullmatch(r"running Displacement.*\n", done.err)
    assert "\x1b" not in done.out + done.err
    assert max(map(len, done.out.splitlines())) <= 80


def test_words_appear_above_the_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with console.progress_bar("running", True) as progress:
        progress(1, 2, "half-way")
        console.complain("resumed at step [1] of 2")
        progress(2, 2, "done")
    console.complain("after")
    told = capsys.readouterr().err
    assert re.search(r"resumed at step \[1\] of 2\n(?s:.*)done(?s:.*)after\n$", told)


def test_demo_starts_with_what_it_is_and_ends_with_what_to_try(
    call: Any, drawing_engine: Engine
) -> None:
    done = call("demo", "--agents", "1000", "--seed", "3")
    assert done.code == 0, done.err
    first, *_ = done.out.splitlines()
    assert "A model, not a forecast" in first
    *_, title, one, two, three = done.out.splitlines()
    assert title == "Try next:"
    assert [one.strip(), two.strip(), three.strip()] == list(NEXT_COMMANDS)
    names = {path.name for path in Path("out/demo").iterdir()}
    assert {"manifest.json", "map.png", "answers.png", "report.html", "flows.parquet"} <= names
    assert not [path for path in Path("out").iterdir() if path.name != "demo"]
    assert drawing_engine.calls[0]["seed"] == 3


@pytest.mark.parametrize("command", NEXT_COMMANDS)
def test_what_demo_proposes_runs(call: Any, engine: Engine, command: str) -> None:
    program, *words = command.split()
    assert program == "sim"
    done = call(*words)
    assert done.code == 0, done.err


@pytest.mark.parametrize(
    ("words", "apart"),
    [
        (("--seed", "3"), "another seed"),
        (("--replicates", "2"), "another number of replicates"),
        # Rates are solved on the file as it stands, whatever is set.
        (("--agents", "900"), "another scenario"),
    ],
)
def test_an_earlier_run_is_replaced_and_that_is_said(
    call: Any, engine: Engine, words: tuple[str, ...], apart: str
) -> None:
    assert "written" in call("run", "syria").out
    done = call("run", "syria", *words)
    assert f"out/syria holds a run of {apart}: it will be replaced\n" in done.err
    assert "replaced" in done.out
    assert len(engine.calls) == 2


def test_a_run_of_other_code_is_replaced(
    call: Any, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("run", "syria")
    monkeypatch.setattr(jit, "code_hash", lambda: "edited")
    assert "out/syria holds a run of other code: it will be replaced" in call("run", "syria").err
    assert len(engine.calls) == 2


def test_the_same_run_is_shown_again_and_not_computed(call: Any, engine: Engine) -> None:
    first = call("run", "syria", "--threads", "1")
    Path("out/syria/report.html").unlink()  # as when it was interrupted before the report
    Path("out/.syria.checkpoint").write_text("left behind")
    again = call("run", "syria", "--seed", str(sim.read("syria").seed))
    assert len(engine.calls) == 1
    assert again.err == (
        "out/syria already holds this run: nothing computed (--fresh computes it again)\n"
    )
    assert again.out.replace("was there", "is written") == first.out
    assert Path("out/syria/report.html").read_text() == "drawn"
    assert [it.name for it in Path("out").iterdir()] == ["syria"]
    assert call("run", "syria", "-q").err == ""
    assert json.loads(call("run", "syria", "--json").out)["again"] is True
    assert len(engine.calls) == 1
    fresh = call("run", "syria", "--fresh", "--json")
    assert json.loads(fresh.out)["again"] is False
    assert len(engine.calls) == 2


def test_a_damaged_run_is_replaced_and_that_is_said(call: Any, engine: Engine) -> None:
    call("run", "syria")
    Path("out/syria/flows.parquet").write_bytes(b"PAR1")
    done = call("run", "syria")
    assert "flows.parquet was changed or cut short; " in done.err
    assert "out/syria will be replaced" in done.err
    assert len(engine.calls) == 2
    sim.load("out/syria")


def test_a_manifest_of_something_else_is_refused_before_the_run(call: Any, engine: Engine) -> None:
    Path("app").mkdir()
    Path("app/manifest.json").write_text('{"start_url": "/"}')
    done = call("run", "syria", "--out", "app")
    assert done.code == 2
    assert "is not the folder of a run" in done.err
    assert engine.calls == []


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("file", "file is a file"),
        ("file/below", "file is a file"),
        ("notes", "is not the folder of a run"),
        pytest.param(
            "/proc/nowhere",
            "cannot write to /proc/nowhere",
            marks=pytest.mark.skipif(
                sys.platform == "win32", reason="a folder of that name can be made there"
            ),
        ),
    ],
)
def test_a_folder_that_cannot_be_written_is_refused_before_the_run(
    call: Any, engine: Engine, elsewhere: Path, out: str, message: str
) -> None:
    Path("file").write_text("precious")
    Path("notes").mkdir()
    Path("notes/today.txt").write_text("precious")
    done = call("run", "syria", "--out", out)
    assert done.code == 2
    assert message in done.err
    assert engine.calls == []
    assert Path("notes/today.txt").read_text() == "precious"
    assert sorted(path.name for path in elsewhere.iterdir()) == ["file", "notes"]


@pytest.mark.skipif(sys.platform == "win32", reason="a folder in use is not removed there")
def test_a_folder_that_is_gone_is_said(
    call: Any, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = elsewhere / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    done = call("run", "syria")
    assert (done.code, done.err) == (
        2, "sim: the folder that you are in no longer exists; go to another one\n"
    )  # fmt: skip


def test_more_threads_than_cores_is_a_sentence(call: Any, engine: Engine) -> None:
    done = call("run", "syria", "--threads", "100000")
    assert done.code == 2
    assert re.fullmatch(r"sim: --threads 100000 is more than .* cores?; use .*\n", done.err)
    assert engine.calls == []


def test_a_bad_override_is_told_and_nothing_is_written(
    call: Any, engine: Engine, elsewhere: Path
) -> None:
    done = call("run", "syria", "-s", "population.agnets=3")
    assert done.code == 2
    assert "agents" in done.err
    assert not any(elsewhere.iterdir())


def test_a_bad_scenario_as_json(call: Any, engine: Engine) -> None:
    Path("one.yaml").write_text(BROKEN)
    done = call("run", "one.yaml", "--json")
    told = json.loads(done.out)
    assert done.code == 2
    assert told["ok"] is False
    assert told["problems"][0]["file"] == "one.yaml"


# Faults, Ctrl-C, closed pipes


def test_a_fault_of_ours_is_a_sentence(call: Any, engine: Engine, elsewhere: Path) -> None:
    engine.error = RuntimeError("two\nlines")
    done = call("run", "syria")
    assert done.code == 1
    last = done.err.splitlines()[-1]
    assert last == (
        "sim: an error in the simulator (RuntimeError: two lines); SIM_DEBUG=1 shows where"
    )
    assert "Traceback" not in done.err
    assert not any(elsewhere.iterdir())


def test_sim_debug_shows_the_traceback(
    call: Any, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIM_DEBUG", "1")
    engine.error = RuntimeError("x")
    done = call("run", "syria")
    assert done.code == 1
    assert "Traceback" in done.err


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (MemoryError(), 1, "out of memory"),
        (OSError(28, "No space left on device", "out/x"), 2, "out/x: no space left on device"),
        (KeyboardInterrupt(), 130, "sim: interrupted"),
    ],
)
def test_errors_that_are_nobodys_fault(
    call: Any, engine: Engine, error: BaseException, code: int, message: str
) -> None:
    engine.error = error
    done = call("run", "syria")
    assert done.code == code
    assert message in done.err.splitlines()[-1]


STUCK = """
import sys, time
from types import ModuleType, SimpleNamespace
module = ModuleType("sim.engine.simulate")
def run(scenario, **options):
    try:
        print("started", file=sys.stderr, flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        if {swallows}:
            raise ValueError("a library turned Ctrl-C into this")
        raise
module.run = run
sys.modules["sim.engine.simulate"] = module
from sim.__main__ import main
sys.exit(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to send")
@pytest.mark.parametrize("swallows", [False, True])
def test_ctrl_c_is_one_line_and_leaves_nothing(elsewhere: Path, swallows: bool) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STUCK.format(swallows=swallows), "run", "syria"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stderr is not None
    before = ""
    while not before.endswith("started\n"):
        line = process.stderr.readline()
        assert line, before
        before += line
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "sim: interrupted\n")
    assert not any(elsewhere.iterdir())


def test_a_closed_pipe_is_silent() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "sim", "schema"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 0


def test_letters_that_a_terminal_lacks_do_no_harm(elsewhere: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-m", "sim", "check", "Ünder.yaml"], env=environment, capture_output=True
    )
    assert done.returncode == 2
    assert b"?nder.yaml" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_narrow_terminal_loses_no_figure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record = sample_record()
    figures: list[set[str]] = []
    for width in ("80", "40"):
        monkeypatch.setenv("COLUMNS", width)
        for table in (tables.top_corridors, tables.five_answers, tables.harms, tables.observed):
            console.show(table(record))
        printed = capsys.readouterr().out
        assert max(map(len, printed.splitlines())) <= int(width)
        figures.append(set(re.findall(r"\d[\d,.]*(?: M)?(?= |$)", printed, re.MULTILINE)))
    assert len(figures[0]) > 10
    assert figures[0] <= figures[1]


# The cache, and the benchmarks


def test_a_run_says_when_compiled_code_cannot_be_kept(
    call: Any, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "compiled code cannot be kept in"
    assert said not in call("run", "syria").err
    monkeypatch.setattr(jit, "is_cached", lambda: False)
    monkeypatch.setattr(jit, "is_compiled", lambda: False)
    told = call("run", "syria", "--fresh")
    assert told.code == 0
    assert said in told.err
    assert str(jit.cache_folder().parent) in told.err
    assert "first run only" not in told.err
    assert said not in call("run", "syria", "--fresh", "--quiet").err


def test_bench_runs_the_benchmarks_of_a_checkout(
    call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[list[str], Path]] = []

    def run(words: list[str], cwd: Path, **_: Any) -> subprocess.CompletedProcess[str]:
        asked.append((words[1:], cwd))
        return subprocess.CompletedProcess(words, 1)

    monkeypatch.setattr(subprocess, "run", run)
    assert call("bench", "exact", "--quick", "--json").code == 1
    words, folder = asked[0]
    assert words == ["-m", "benchmarks", "exact", "--quick", "--json"]
    assert (folder / "benchmarks" / "__main__.py").is_file()


def test_bench_names_the_sections_there_are() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sim", "bench", "nothing"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr.startswith("sim bench: there is no section nothing; there are decision, ")


def test_bench_needs_a_checkout(call: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bench, "__file__", str(tmp_path / "sim" / "cli" / "bench.py"))
    done = call("bench")
    assert done.code == 2
    assert done.err == (
        "sim: the benchmarks are not installed with the package; clone it for them\n"
    )


def test_bench_takes_one_amount(call: Any) -> None:
    assert call("bench", "--quick", "--full").code == 2


# Paths and the environment


def test_every_path_may_begin_with_home(
    call: Any, drawing_engine: Engine, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(elsewhere / "home"))
    (elsewhere / "home").mkdir()
    assert call("new", "s").code == 0
    (elsewhere / "s.yaml").rename(elsewhere / "home" / "s.yaml")
    for words in (
        ("check", "~/s.yaml"),
        ("run", "~/s.yaml", "--out=~/r", "-q"),
        ("status", "~/r"),
        ("plot", "~/r", "map", "--out", "~/p/map.svg"),
        ("plot", "~/r", "map"),
        ("export", "~/r", "--out", "~/csv"),
        ("compare", "~/r", "~/r", "--out", "~/c", "-q"),
    ):
        done = call(*words)
        assert done.code == 0, done.err
    assert [it.name for it in elsewhere.iterdir()] == ["home"]
    assert (elsewhere / "home" / "r" / "report.html").exists()
    # Where nobody's home is meant, it is a letter.
    assert "nobody_at_all/x" in call("status", "~nobody_at_all/x").err


@pytest.mark.parametrize(
    "words",
    [
        ("run", "syria", "--out", ""),
        ("sweep", "syria_sweep", "--out", " "),
        ("status", ""),
        ("export", "x", "--out", ""),
        ("plot", ""),
        ("compare", "", "x"),
    ],
)
def test_an_empty_name_is_not_this_folder(call: Any, words: tuple[str, ...]) -> None:
    done = call(*words)
    assert done.code == 2
    assert "an empty name" in done.err


def test_a_report_that_cannot_be_written_costs_no_tables(
    call: Any, engine: Engine, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = sys.modules["sim.report"].write_report

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(sys.modules["sim.report"], "write_report", refuse)
    done = call("run", "syria", "--out", "r")
    assert done.code == 2
    assert "the tables are saved in r, but not the report and pictures: no space left" in done.err
    monkeypatch.setattr(sys.modules["sim.report"], "write_report", drawn)
    assert call("run", "syria", "--out", "r").code == 0
    assert (len(engine.calls), (elsewhere / "r" / "report.html").exists()) == (1, True)


def test_more_replicates_than_memory_holds_are_refused(call: Any, engine: Engine) -> None:
    done = call("run", "syria", "--replicates", "1000000000")
    assert (done.code, engine.calls) == (2, [])
    assert "100000" in done.err


def test_a_large_world_is_told_before_it_is_set_up(
    call: Any, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "places take about"
    assert said not in call("run", "syria").err + call("check", "syria").err
    monkeypatch.setattr("sim.scenario.size.SECONDS", 0.01)
    assert said in call("run", "syria", "--fresh").err
    assert said in call("check", "syria").err
    assert said not in call("run", "syria", "--fresh", "-q").err


def test_a_world_of_thousands_of_places_takes_minutes() -> None:
    places = [SimpleNamespace()] * 2200
    told = told_of_size(SimpleNamespace(places=places))  # type: ignore[arg-type]
    assert told.startswith("2,200 places take about 3 minutes and 3.4 GB")
    assert not told_of_size(SimpleNamespace(places=places[:1000]))  # type: ignore[arg-type]


@pytest.mark.parametrize("columns", ["0", "-5", "x", "1"])
def test_tables_are_printed_whatever_the_width_is_said_to_be(
    call: Any, engine: Engine, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert "Gaziantep" in call("run", "syria").out


@pytest.mark.parametrize(("text", "seconds"), [("", checkpoint.INTERVAL), ("0", 0.0), ("2.5", 2.5)])
def test_seconds_between_checkpoints(
    monkeypatch: pytest.MonkeyPatch, text: str, seconds: float
) -> None:
    monkeypatch.setenv("SIM_CHECKPOINT_SECONDS", text)
    assert checkpoint._interval() == seconds


@pytest.mark.parametrize("text", ["soon", "-1", "nan"])
def test_seconds_that_are_none(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("SIM_CHECKPOINT_SECONDS", text)
    with pytest.raises(StoreError, match="SIM_CHECKPOINT_SECONDS is"):
        checkpoint._interval()


@pytest.mark.parametrize(("threads", "stays"), [("0", False), ("-2", False), ("3", True)])
def test_no_threads_are_as_many_as_there_are(
    threads: str, stays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_NUM_THREADS", threads)
    drop_impossible_threads()
    assert ("NUMBA_NUM_THREADS" in os.environ) == stays


def test_a_title_of_a_thousand_words_fits_under_a_picture() -> None:
    from sim.plots.style import shortened
    from sim.plots.wording import LONGEST_TITLE, source_line

    scenario = SimpleNamespace(title="war " * 50_000, name="s")
    said = source_line(cast("Any", SimpleNamespace(scenario=scenario, seed=3, replicates=1)))
    assert len(said) < LONGEST_TITLE + 20
    assert said.endswith("…, seed 3")
    assert shortened("x" * 100_000, 8, 2).endswith("…")


def test_a_long_name_does_not_take_the_figures_off_a_map() -> None:
    from sim.plots.wording import LONGEST_NAME, short_name
    from sim.schema import Country

    assert short_name(Country(id="AA", name="Y" * 5000)) == "Y" * LONGEST_NAME + "…"
    assert short_name(Country(id="AA")) == "AA"


def test_check_refuses_coefficients_with_which_no_run_can_begin(call: Any, tmp_path: Path) -> None:
    path = tmp_path / "steep.yaml"
    text = (Path(__file__).parents[1] / "small.yaml").read_text(encoding="utf-8")
    line = next(it for it in text.splitlines() if it.startswith("decision:"))
    steep = (
        "decision: {home_attachment: -50, place_attachment: 50, nest: .05, "
        "livelihood: {income: 50, distance: -50, size: 50}}"
    )
    path.write_text(text.replace(line, steep), encoding="utf-8")
    done = call("check", str(path))
    assert done.code == 2
    assert "infinitely good to go to" in done.err
    assert done.out == ""
