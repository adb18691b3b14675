"""Whose base rates a run has, and that files which the program writes carry them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import sim
from sim.cli import app as cli
from sim.engine import solve as solving
from sim.engine.simulate import ready
from sim.engine.solve import SEED, can_alter, solved_on
from sim.results.store import differences, identity
from tests.small import FILE, HARSH, differing, small
from tests.worlds import random_scenario

FEW = ("population.agents=1000", "time.end=2020-04")
DEAR = "journey.fare_km=4"
"""A change that alters both rates."""


def rates(record: sim.Record) -> tuple[float | None, float | None]:
    decision = record.scenario.decision
    return decision.base_livelihood, decision.flight_norm


def written(folder: Path, text: str) -> Path:
    """A file that builds on the small world."""
    shutil.copy(FILE, folder / "small.yaml")
    path = folder / "mine.yaml"
    path.write_text(f"scenario: small.yaml\nname: mine\n{text}", encoding="utf-8")
    return path


MINE = "population: {agents: 1000}\ntime: {end: 2020-04}\njourney: {fare_km: 4}\n"
"""`FEW` and `DEAR`, written into a file."""


# What rates are solved on


def as_a_whole(scenario: sim.Scenario) -> sim.Scenario:
    """A scenario from which nothing is left out, as rates were solved on it before."""
    update = {"base_livelihood": 1.0, "flight_norm": 1.0, "surge": 0.0}
    decision = scenario.decision.model_copy(update=update)
    return scenario.model_copy(update={"seed": SEED, "decision": decision})


@pytest.mark.parametrize(
    "scenario",
    [
        small(*HARSH),
        *map(random_scenario, range(12)),
        sim.read("syria", ["population.agents=2000"]),
    ],
    ids=lambda it: it.name,
)
def test_what_is_left_out_cannot_alter_rates(scenario: sim.Scenario) -> None:
    first, whole = solved_on(scenario), as_a_whole(scenario)
    assert first != whole
    one, other = (solving._solved(it.model_dump_json(by_alias=True)) for it in (first, whole))
    assert one == other


EARLY = "interventions=[{id: cash, kind: aid, at: [AA], start: 2020-01-20, budget: 1e9}]"


@pytest.mark.parametrize(
    ("change", "alters"),
    [
        ("seed=5", False),
        ("name=other", False),
        ("outputs={tables: [flows]}", False),
        ("time.end=2020-03", False),
        ("time.step=week", False),
        ("shocks.war.peak=.1", False),
        ("policies.bb_tighter.start=2020-02", False),
        ("policies.bb_tighter.enabled=false", False),
        ("politics.memory=9", False),
        ("countries.BB.opinion.start=.9", False),
        ("decision.base_flight=.5", False),
        (EARLY.replace("2020-01", "2020-03"), False),
        (EARLY, True),  # it begins within the month for which aid is counted
        ("shocks.war.start=2019-12-01", True),
        ("policies.bb_work.quota=0", True),
        ("policies.bb_tighter.start=2019-12-01", True),
        ("population.agents=4000", True),
        ("decision.baseline_rate=.1", True),
        (DEAR, True),
    ],
)
def test_which_changes_can_alter_rates(change: str, alters: bool) -> None:
    variant = small(change)
    assert can_alter(variant, small()) is alters
    own = solving.solve_base(variant, variant).decision
    base = solving.solve_base(small(), small()).decision
    same = (own.base_livelihood, own.flight_norm) == (base.base_livelihood, base.flight_norm)
    assert same is (not alters)


def test_rates_are_solved_once_where_a_change_cannot_alter_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    solved: list[sim.Scenario] = []
    build = solving.build_world

    def counted(scenario: sim.Scenario, seed: int) -> Any:
        solved.append(scenario)
        return build(scenario, seed)

    monkeypatch.setattr(solving, "build_world", counted)
    solving._solved.cache_clear()
    for change in ("seed=5", "shocks.war.peak=.1", "time.end=2020-02", "politics.memory=9"):
        solving.solve(small(change), small())
    assert len(solved) == 1
    solving.solve(small(DEAR), small())
    solving.solve(small(DEAR), small(), "own")
    assert len(solved) == 2


def test_a_seed_in_the_file_and_one_on_the_command_line_are_one_run() -> None:
    stated, given = sim.run(small(*FEW, "seed=5")), sim.run(small(*FEW), seed=5)
    assert differing(stated.tables, given.tables) == []
    assert rates(stated) == rates(given) == rates(sim.run(small(*FEW), seed=6))
    assert differences(stated.manifest["identity"], given.manifest["identity"]) == ""
    alone = small().model_copy(update={"seed": 5}), small().model_copy(update={"seed": 6})
    one, other = (solving.solve_base(it, it).decision for it in alone)
    assert one == other
    assert identity(alone[0], alone[0], 5, 1) == identity(small(), small(), 5, 1)


# Base or own


def test_a_variant_has_the_rates_of_its_base_unless_its_own_are_asked_for(tmp_path: Path) -> None:
    variant = small(*FEW, DEAR)
    told: list[str] = []
    base = sim.run(variant, say=told.append)
    own = sim.run(variant, rates="own", say=told.append)
    assert rates(base) == rates(sim.run(small("time.end=2020-02")))
    assert rates(own) != rates(base)
    for record, used, other in ((base, "base", own), (own, "own", base)):
        said = record.manifest["rates"]
        assert (said["used"], said["base"]) == (used, "small")
        assert (said["base_livelihood"], said["flight_norm"]) == rates(record)
        assert tuple(said["otherwise"].values()) == rates(other)
    assert "rates solved on another scenario" in differences(
        base.manifest["identity"], own.manifest["identity"]
    )
    first, second = told
    assert first.startswith("base rates are solved on small as it stands (base_livelihood ")
    assert "--rates own solves them with the changes (" in first
    assert second.startswith("base rates are solved with the changes (base_livelihood ")
    assert "--rates base solves them on small as it stands (" in second
    for given in rates(base):
        assert f"{given:.4g}" in first
        assert f"{given:.4g}" in second
    # The file with the changes written out has rates of its own.
    text = FILE.read_text(encoding="utf-8")
    for was, becomes in (
        ("agents: 8_000", "agents: 1000"),
        ("end: 2021-12, step", "end: 2020-04, step"),
        ("journey: {kin: 3}", "journey: {kin: 3, fare_km: 4}"),
    ):
        assert was in text
        text = text.replace(was, becomes)
    (tmp_path / "whole.yaml").write_text(text, encoding="utf-8")
    alone = sim.run(sim.read(tmp_path / "whole.yaml"))
    assert differing(alone.tables, own.tables) == []
    assert alone.manifest["rates"]["otherwise"] is None


def test_nothing_is_told_where_no_change_alters_rates() -> None:
    told: list[str] = []
    for change in ("seed=3", "shocks.war.peak=.1"):
        for which in ("base", "own"):
            record = sim.run(small(change, "time.end=2020-01"), rates=which, say=told.append)  # type: ignore[arg-type]
            assert record.manifest["rates"]["otherwise"] is None
    assert told == []


def test_rates_that_a_scenario_states_are_kept() -> None:
    stated = ("decision.base_livelihood=2", "decision.flight_norm=.3")
    told: list[str] = []
    record = sim.run(small(*FEW, *stated, DEAR), rates="own", say=told.append)
    assert rates(record) == (2, 0.3)
    assert record.manifest["rates"]["used"] == "stated"
    (said,) = told
    assert said == (
        "base rates are those that the scenario states (base_livelihood 2, flight_norm 0.3), "
        "not solved"
    )
    one = sim.run(small(*FEW, stated[0]))
    assert rates(one)[0] == 2
    assert rates(one)[1] == rates(sim.run(small(*FEW)))[1]


def test_rates_are_base_or_own() -> None:
    with pytest.raises(ValueError, match="rates is 'base' or 'own', not 'ours'"):
        sim.run(small(), rates="ours")  # type: ignore[arg-type]


# Files that build on another scenario


def test_a_file_that_names_a_scenario_runs_as_its_changes_do(tmp_path: Path) -> None:
    path = written(tmp_path, MINE)
    mine, given = sim.read(path), small(*FEW, DEAR)
    assert mine.variant_of == small()
    for which in ("base", "own"):
        one, other = (sim.run(it, rates=which) for it in (mine, given))  # type: ignore[arg-type]
        assert rates(one) == rates(other)
        assert differing(one.tables, other.tables) == []
        assert one.manifest["rates"] == other.manifest["rates"]
    more = sim.read(path, ["journey.premium=.1"])
    assert more.variant_of == small()


def test_a_part_of_a_scenario_is_no_base(tmp_path: Path) -> None:
    path = written(tmp_path, MINE)
    part = (tmp_path / "small.yaml").read_text(encoding="utf-8")
    part = part.replace("time: {start: 2020-01, end: 2021-12, step: month}\n", "")
    (tmp_path / "small.yaml").write_text(part, encoding="utf-8")
    whole = path.read_text(encoding="utf-8").replace(
        "{end: 2020-04}", "{start: 2020-01, end: 2020-04}"
    )
    path.write_text(whole, encoding="utf-8")
    mine = sim.read(path)
    assert mine.variant_of == mine
    assert sim.read(path, [DEAR.replace("4", "5")]).variant_of == mine


def test_a_variant_made_anew_of_its_parts_has_its_base_only_if_that_is_named() -> None:
    variant = small(DEAR)
    anew = type(variant).model_validate(variant.model_dump())
    assert anew == variant
    assert ready(anew, None, 1, None, "base")[1] == variant
    assert ready(anew, None, 1, small(), "base") == ready(variant, None, 1, None, "base")
    assert "model_validate" in str(sim.run.__doc__), "it is said, as the flows are others"


def test_what_a_scenario_is_a_variant_of_is_no_part_of_it() -> None:
    variant = small(DEAR)
    assert variant.variant_of == small()
    assert small().variant_of is None
    alone = type(variant).model_validate_json(variant.model_dump_json(by_alias=True))
    assert alone.variant_of is None
    assert alone == variant
    assert variant != small()
    assert variant.single().variant_of == small()


# Files that the program writes


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        (str(FILE), (*FEW, DEAR, *HARSH)),
        ("syria", ("population.agents=1000", "time.end=2011-06", "journey.premium=.9")),
        ("central_america", ("population.agents=1000", "time.end=2010-06", "journey.premium=.9")),
    ],
    ids=["small", "syria", "central_america"],
)
@pytest.mark.parametrize("which", ["base", "own"])
def test_a_kept_scenario_gives_the_same_run(
    tmp_path: Path, name: str, changes: tuple[str, ...], which: Any
) -> None:
    record = sim.run(sim.read(name, changes), seed=5, replicates=2, rates=which)
    record.save(tmp_path / "out")
    again = sim.run(sim.read(tmp_path / "out" / "scenario.yaml"), replicates=2)
    assert again.seed == 5
    assert rates(again) == rates(record)
    assert list(again.tables) == list(record.tables)
    for table, frame in record.tables.items():
        assert again.tables[table].equals(frame), table


def test_a_printed_variant_carries_its_rates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, MINE)
    assert cli.main(["check", str(path), "--resolved"]) == 0
    text = capsys.readouterr().out
    (tmp_path / "printed.yaml").write_text(text, encoding="utf-8")
    assert "base_livelihood: " in text
    one, other = sim.run(sim.read(path)), sim.run(sim.read(tmp_path / "printed.yaml"))
    assert differing(one.tables, other.tables) == []
    # A file that is its own base needs none: they are solved as before.
    assert cli.main(["check", str(FILE), "--resolved"]) == 0
    assert "base_livelihood: " not in capsys.readouterr().out


def test_rates_are_told_on_stderr_also_of_a_run_that_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    changes = [word for change in (*FEW, DEAR) for word in ("-s", change)]
    words = ["run", str(FILE), *changes, "--out", "there"]
    told = []
    for more in ([], [], ["--rates", "own"], ["--quiet"]):
        assert cli.main([*words, *more]) == 0
        told.append(capsys.readouterr().err)
    sentence = "base rates are solved on small as it stands ("
    assert [it.count(sentence) for it in told] == [1, 1, 0, 0]
    assert "already holds this run" in told[1]
    assert "there holds a run of rates solved on another scenario: it will be replaced" in told[2]
    assert "base rates are solved with the changes (" in told[2]
    assert told[3] == ""
