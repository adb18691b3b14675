"""Old names of keys: still read, told of once where they stand, and refused beside the new one."""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

import sim
from sim.cli.app import main
from sim.cli.names import series_of
from sim.experiments.compare import bands
from sim.experiments.effects import Swept
from sim.experiments.effects import read as read_sweep
from sim.experiments.plan import Study
from sim.results.measures import MEASURES, OLD_NAMES
from sim.results.record import load
from sim.scenario.explain import keys
from sim.scenario.reader import read, read_resolved
from sim.scenario.renamed import path_of_today
from sim.scenario.whole import Scenario
from sim.scenario.writer import dump
from sim.schema import Corridor, Decision
from sim.schema.errors import OldNameWarning, Problem, ScenarioError
from sim.schema.key import Part, key
from sim.schema.types import Share
from tests.unit.sample_record import sample_record

MINIMAL = """schema: 1
name: minimal
time: {start: 2026-01, end: 2026-12}
countries: [{id: AA}]
places:
  - {id: A1, country: AA, people: 1000, income: 2000, lat: 1, lon: 1}
  - {id: A2, country: AA, people: 1000, income: 2000, lat: 2, lon: 2}
"""
WAY = "corridors: [{from: A1, to: A2}]\n"
SEA = "{from: A1, to: A2, "
OPTION = "[{id: boat, watched: .3, taken: .2}, {id: raft, watched: .1}]"

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a file beside others."""

    def write_file(text: str, name: str = "s.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


def told(path: Path | str, *overrides: str) -> tuple[Scenario, list[Problem]]:
    """Read a scenario and give the warnings that were given."""
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        scenario = read(path, overrides)
    assert all(it.category is OldNameWarning for it in given)
    return scenario, [it.message.args[0] for it in given]  # type: ignore[union-attr]


def test_a_file_with_an_old_name_is_read_with_one_warning(write: Write) -> None:
    text = MINIMAL + WAY + "decision: {nest: .5, tie: 2}\n"
    scenario, (warning,) = told(write(text))
    assert scenario.decision.home_attachment == 2
    line = text.splitlines().index("decision: {nest: .5, tie: 2}") + 1
    assert str(warning) == (
        f"{warning.file}:{line}:22: warning: `decision.tie` is now `decision.home_attachment`; "
        "the old name works until 0.3\n"
        f"{line:>5} | decision: {{nest: .5, tie: 2}}\n"
        f"      |                      ^"
    )


def test_an_old_name_on_many_lines_is_told_of_once(write: Write) -> None:
    rows = "".join(f"  - {SEA}id: way{i}, watched: .{i + 1}}}\n" for i in range(3))
    scenario, (warning,) = told(write(f"{MINIMAL}corridors:\n{rows}"))
    found = [it.route_options[0].enforcement_met for it in scenario.corridors]
    assert found == [0.1, 0.2, 0.3]
    assert warning.message.startswith("`corridors.watched` is now `corridors.enforcement_met`")
    assert warning.hint == "it is on 3 lines in all"


def test_old_names_within_old_names(write: Write) -> None:
    scenario, found = told(write(f"{MINIMAL}corridors: [{SEA}tactics: {OPTION}}}]\n"))
    boat, raft = scenario.corridors[0].route_options
    assert (boat.enforcement_met, boat.money_lost, raft.enforcement_met) == (0.3, 0.2, 0.1)
    assert len(found) == 3  # tactics, watched and taken, each once


def test_the_order_of_keys_stays(write: Write) -> None:
    old, _ = told(write(f"{MINIMAL}corridors: [{SEA}tactics: {OPTION}}}]\n"))
    new = f"{MINIMAL}corridors: [{SEA}tactics: {OPTION}}}]\n"
    for a, b in (("tactics", "route_options"), ("watched", "enforcement_met"),
                 ("taken", "money_lost")):  # fmt: skip
        new = new.replace(f"{a}:", f"{b}:")
    scenario, found = told(write(new, "new.yaml"))
    assert not found
    assert dump(scenario) == dump(old)


@pytest.mark.parametrize("key", [it for it in keys() if it.formerly], ids=lambda it: it.path)
def test_every_old_name_is_read_by_override(key: Any, write: Write) -> None:
    path = write(f"{MINIMAL}corridors: [{SEA}id: way, route_options: [{{id: boat}}]}}]\n")
    old = f"{key.section}.{key.formerly}".replace("corridors.*", "corridors.way")
    value = {"number": ".5", "true or false": "false"}.get(key.kind, "[{id: raft}]")
    scenario = None
    if key.section == "corridors.*" and key.kind == "number":
        path = write(f"{MINIMAL}corridors: [{SEA}id: way}}]\n")
    scenario, (warning,) = told(path, f"{old.replace('options.*', 'options.boat')}={value}")
    assert warning.file.startswith("-s ")
    assert "the old name works until 0.3" in warning.message
    again, found = told(path, f"{path_of_today(old).replace('options.*', 'options.boat')}={value}")
    assert not found
    assert again == scenario


def test_an_override_of_a_whole_part(write: Write) -> None:
    path = write(MINIMAL + WAY)
    scenario, (warning,) = told(path, "decision={tie: 3}")
    assert scenario.decision.home_attachment == 3
    assert warning.message.startswith("`decision.tie` is now")
    with pytest.raises(ScenarioError, match="tie is the old name of home_attachment"):
        read(path, ["decision={tie: 3, home_attachment: 2}"])


def test_an_override_replaces_what_the_file_states_by_the_other_name(write: Write) -> None:
    path = write(MINIMAL + WAY + "decision: {home_attachment: 2}\n")
    scenario, _ = told(path, "decision.tie=3")
    assert scenario.decision.home_attachment == 3


def test_both_names_are_an_error(write: Write) -> None:
    path = write(MINIMAL + WAY + "decision: {tie: 2, home_attachment: 1, nest: 7}\n")
    with pytest.raises(ScenarioError) as caught:
        read(path)
    both, nest = caught.value.problems
    assert both.message == "tie is the old name of home_attachment, which is here too"
    assert both.hint == "keep home_attachment"
    assert both.column == 12
    assert "decision.nest = 7 is out of range" in nest.message


def test_a_file_on_another_may_use_the_other_name(write: Write) -> None:
    write(MINIMAL + WAY + "decision: {tie: 2}\n", "base.yaml")
    scenario, (warning,) = told(write("scenario: base.yaml\ndecision: {home_attachment: 5}\n"))
    assert scenario.decision.home_attachment == 5
    assert warning.file.endswith("base.yaml")


def test_warnings_come_in_the_order_of_the_file(write: Write) -> None:
    decision = "{rush: 1, tie: 2, rest: 3, passage: 1, home: .4, rest_depth: .5, nest: .5}"
    ways = f"[{SEA}tactics: [{{id: boat, taken: .2, watched: .3}}]}}]"
    _, warned = told(write(f"{MINIMAL}corridors: {ways}\ndecision: {decision}\n"))
    assert len(warned) == 9
    places = [(it.line, it.column) for it in warned]
    assert places == sorted(places)


def test_a_table_with_an_old_name(write: Write) -> None:
    write("from,to,watched\nA1,A2,.3\nA2,A1,.4\n", "c.csv")
    scenario, (warning,) = told(write(MINIMAL + "corridors: {table: c.csv}\n"))
    assert [it.route_options[0].enforcement_met for it in scenario.corridors] == [0.3, 0.4]
    assert (warning.line, warning.column) == (1, 9)
    write("from,to,watched,enforcement_met\nA1,A2,.3,.3\n", "c.csv")
    with pytest.raises(ScenarioError, match="watched is the old name of enforcement_met"):
        read(write(MINIMAL + "corridors: {table: c.csv}\n"))


def test_messages_point_at_the_old_name_by_the_new_one(write: Write) -> None:
    with (
        pytest.warns(OldNameWarning),
        pytest.raises(ScenarioError, match=r"decision\.home_attachment = 90 is out of range"),
    ):
        read(write(MINIMAL + WAY + "decision: {tie: 90}\n"))


def test_a_run_of_an_earlier_version_is_read_silently(write: Write) -> None:
    path = write(dump(read(write(MINIMAL + WAY))).replace("home_attachment: 1", "tie: 4"))
    assert "tie: 4" in path.read_text(encoding="utf-8")
    assert read_resolved(path).decision.home_attachment == 4


# --- Library use -----------------------------------------------------------------------------


def test_python_takes_old_names() -> None:
    with pytest.warns(OldNameWarning, match="`tie` is now `home_attachment`"):
        assert Decision.model_validate({"tie": 2}).home_attachment == 2
    with pytest.warns(OldNameWarning):
        assert Decision(rush=0.0).surge == 0  # type: ignore[call-arg]
    with pytest.warns(OldNameWarning):
        link = Corridor.model_validate({"from": "a", "to": "b", "watched": 0.2})
    assert link.enforcement_met == 0.2
    with pytest.raises(ValidationError, match="the old name of home_attachment"):
        Decision.model_validate({"tie": 2, "home_attachment": 2})


def test_figures_by_their_old_names() -> None:
    record = sample_record()
    with pytest.warns(OldNameWarning, match="`stays_heads` is now `stays_households`"):
        old = bands(record, ["stays_heads"])
    assert set(old["measure"]) == {"stays_households"}
    with pytest.warns(OldNameWarning):
        assert series_of(["choice_heads"]) == ("choice_households",)
    runs = pd.DataFrame({"stays_households": [1.0]})
    swept = Swept({"factors": [], "metrics": {}}, runs)
    with pytest.warns(OldNameWarning):
        assert swept.today("stays_heads") == "stays_households"
    assert set(OLD_NAMES.values()) <= MEASURES.keys()


def test_a_run_with_old_columns_is_read_silently(tmp_path: Path) -> None:
    record = sample_record()
    record.save(tmp_path / "run")
    path = tmp_path / "run" / "answers.parquet"
    table = pq.read_table(path)
    names = ["heads" if it == "households" else it for it in table.column_names]
    pq.write_table(table.rename_columns(names), path)
    manifest = json.loads((path.parent / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"][path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    (path.parent / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert "heads" in pq.read_table(path).column_names
    pd.testing.assert_frame_equal(load(path.parent).answers, record.answers)


def test_a_sweep_with_old_columns_is_read_silently(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = pd.DataFrame({"run": [0], "point": [0], "replicate": [0], "error": [None]})
    runs = runs.assign(stays_heads=[7.0], choice_heads=[1])
    runs.to_parquet(tmp_path / "runs.parquet")
    plan = {"factors": ["choice_heads"], "metrics": {}, "runs": 1}
    monkeypatch.setattr("sim.experiments.plan.read", lambda _: plan)
    found = read_sweep(tmp_path)
    assert found.figures == ("stays_households",)
    assert "choice_heads" in found.runs  # a factor of one's own


def test_a_part_of_ones_own_declares_old_names_likewise() -> None:
    class Own(Part):
        new: Share = key(0.5, "What it is.", unit="share", higher="more", formerly="old")

    assert Own.old_names == {"old": "new"}
    with pytest.warns(OldNameWarning, match="`old` is now `new`"):
        assert Own.model_validate({"old": 0.1}).new == 0.1


def test_modules_that_the_changelog_names_are_there() -> None:
    text = (Path(__file__).parents[2] / "CHANGELOG.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.*`sim\..*) \| (.*`sim\..*) \|$", text, re.M)
    assert len(rows) > 10
    for _, now in rows:
        for name in re.findall(r"`(sim\.[\w.]+)`", now):
            assert hasattr(sim, name[4:]) or find_spec(name), name


# --- Sweeps ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sweep", "said"),
    [
        ("vary: {decision.tie: {values: [0, 2]}}", "`decision.tie` is now"),
        ("vary: {ties: {paths: [decision.tie], values: [0, 2]}}", "`decision.tie` is now"),
        (
            "vary: {ties: {packages: {a: {decision.tie: 0}, b: {decision.tie: 2}}}}",
            "`decision.tie` is now",
        ),
    ],
)
def test_a_sweep_over_an_old_name(sweep: str, said: str, write: Write) -> None:
    path = write(f"{MINIMAL}{WAY}sweep: {{{sweep}}}\n")
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        study = Study(str(path))
        study.check_points()
        values = [study.variant(point).decision.home_attachment for point in range(2)]
    assert values == [0, 2]
    problems = {it.message.args[0] for it in given}  # type: ignore[union-attr]
    assert {it.message.partition("` is now")[0] + "` is now" for it in problems} == {said}
    assert all(it.line == len(MINIMAL.splitlines()) + 2 for it in problems)


def test_a_sweep_listed_in_a_file(write: Write) -> None:
    write("decision.tie,seedless\n", "p.csv")
    write("decision.tie\n0\n2\n", "p.csv")
    path = write(f"{MINIMAL}{WAY}sweep: {{design: csv, points: {{table: p.csv}}}}\n")
    with pytest.warns(OldNameWarning, match=r"p\.csv:1:1: warning: `decision.tie` is now"):
        study = Study(str(path))
    assert study.variant(1).decision.home_attachment == 2


def test_a_sweep_whose_metrics_have_old_names(write: Write) -> None:
    metrics = (
        "a: {measure: stays_heads}, b: {table: answers, column: heads}, "
        "c: {table: flows, column: arrived}"
    )
    path = write(f"{MINIMAL}{WAY}sweep: {{vary: {{a: {{paths: [decision.nest], values: [.5]}}}},\n"
                 f"  metrics: {{{metrics.replace('a:', 'x:', 1)}}}}}\n")  # fmt: skip
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        study = Study(str(path))
    said = [str(it.message) for it in given]
    assert len(said) == 2
    assert "`stays_heads` is now `stays_households`" in said[0]
    assert "`heads` is now `households`" in said[1]
    assert all(f"{path.name}:{MINIMAL.count(chr(10)) + 3}:" in it for it in said)
    found = study.sweep.metrics
    assert (found["x"].measure, found["b"].column) == ("stays_households", "households")
    assert study.units == {"x": "households", "b": "households", "c": "people"}


def test_a_sweep_over_both_names_is_refused(write: Write) -> None:
    both = "decision.tie: {values: [0]}, decision.home_attachment: {values: [1]}"
    path = write(f"{MINIMAL}{WAY}sweep: {{vary: {{{both}}}}}\n")
    with pytest.warns(OldNameWarning), pytest.raises(ScenarioError, match="is varied twice"):
        Study(str(path))
    both = "a: {packages: {x: {decision.tie: 0, decision.home_attachment: 1}}}"
    path = write(f"{MINIMAL}{WAY}sweep: {{vary: {{{both}}}}}\n")
    with pytest.warns(OldNameWarning), pytest.raises(ScenarioError, match="by two names"):
        Study(str(path))


def test_paths_of_today() -> None:
    assert path_of_today("corridors.sea.tactics.boat.watched") == (
        "corridors.sea.route_options.boat.enforcement_met"
    )
    assert path_of_today("living.kappa") == "living.means_per_income"
    assert path_of_today("places.tie.income") == "places.tie.income"
    assert path_of_today("threats.tie.food") == "threats.tie.food"
    assert path_of_today("nothing.of.this") == "nothing.of.this"


# --- The command line ------------------------------------------------------------------------


def test_check_warns_and_says_ok(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(MINIMAL + WAY + "decision: {tie: 2}\n")
    assert main(["check", str(path)]) == 0
    done = capsys.readouterr()
    assert ": ok (" in done.out
    assert done.err.count("warning: `decision.tie` is now `decision.home_attachment`") == 1
    assert f":{len(MINIMAL.splitlines()) + 2}:12: warning" in done.err


def test_check_as_json_has_warnings(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(MINIMAL + WAY + "decision: {tie: 2}\n")
    assert main(["check", str(path), "--json"]) == 0
    (file,) = json.loads(capsys.readouterr().out)["files"]
    (warning,) = file["warnings"]
    assert file["ok"]
    assert warning["column"] == 12
    assert main(["check", str(write(MINIMAL + WAY)), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"][0]["warnings"] == []


def test_quiet_means_errors_only(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(write(MINIMAL + WAY + "decision: {tie: 2}\n")), "--quiet"]) == 0
    done = capsys.readouterr()
    assert (done.out, done.err) == ("", "")


def test_the_usual_way_of_warning_is_back_after_a_command(write: Write) -> None:
    usual = warnings.showwarning
    main(["check", str(write(MINIMAL + WAY)), "--quiet"])
    assert warnings.showwarning is usual
