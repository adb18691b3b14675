"""Conflicts in Flee's format: import, faults with their lines, and the score."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sim
from sim.importers.flee import instances_in, read_instance, scenario_text
from sim.importers.flee_counts import read_observed
from sim.validation.flee import averaged_relative_difference, rescaled, validate

LOCATIONS = """\
#name,region,country,latitude,longitude,location_type,conflict_date,population
Old Town,Hill,Aland,10.0,10.0,conflict_zone,0,50000
Market,Hill,Aland,10.5,10.2,town,,20000
Cross,Hill,Aland,10.6,10.8,town,,
Bland,Plain,Bland,11.0,11.0,camp,,9000
Shore,Coast,Cland,9.0,9.0,camp,,3000
Island,Coast,Cland,8.0,8.0,camp,,3000
"""
ROUTES = """\
#name1,name2,distance,forced_redirection
Old Town,Market,60,0
Market,Cross,70,0
Cross,Bland,50,1
Old Town,Shore,150,0
Market,Old Town,60,0
"""
CONFLICTS = """\
#Day,Old Town
0,0
1,1
2,1
3,0.5
4,0
"""
CLOSURES = """\
#closure_type,name1,name2,closure_start,closure_end
country,Aland,Cland,0,3
camp,Bland,,2,0
"""
DATA = os.environ.get("SIM_FLEE_DATA", "")
"""Folder of real instances, which are not part of the project."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small instance with counts."""
    inputs, data = tmp_path / "toy" / "input_csv", tmp_path / "toy" / "source_data"
    for it in (inputs, data):
        it.mkdir(parents=True)
    (inputs / "locations.csv").write_text(LOCATIONS)
    (inputs / "routes.csv").write_text(ROUTES)
    (inputs / "conflicts.csv").write_text(CONFLICTS)
    (inputs / "closures.csv").write_text(CLOSURES)
    (inputs / "sim_period.csv").write_text("StartDate,2012-02-27\nLength,5\n")
    (inputs / "registration_corrections.csv").write_text("Bland,2012-03-01,normalize\n")
    (data / "data_layout.csv").write_text("total,all.csv\nBland,b.csv\nShore,c1.csv,c2.csv\n")
    (data / "b.csv").write_text("2012-02-27,100\n2012-02-29,200\n2012-03-01,100\n")
    (data / "c1.csv").write_text("2012-02-27,0\n2012-03-02,40\n")
    (data / "c2.csv").write_text("2012-02-27,10\n2012-03-02,10\n")
    return tmp_path / "toy"


def as_scenario(folder: Path, **more: Any) -> sim.Scenario:
    """The scenario of an instance, read back from its file."""
    path = folder / "case.yaml"
    path.write_text(scenario_text(read_instance(folder), agents=500, **more))
    return sim.read(path)


def test_an_instance_becomes_a_scenario_that_runs(folder: Path) -> None:
    found = as_scenario(folder)
    assert (found.time.start, found.time.end) == (date(2012, 2, 27), date(2012, 3, 2))
    # A country that is called as a place is told apart from it; a place off the roads is left out.
    assert [it.id for it in found.countries] == ["Aland", "Bland_state", "Cland"]
    assert [it.id for it in found.places] == ["Old_Town", "Market", "Cross", "Bland", "Shore"]
    days = {it.id: it.days for it in found.corridors}["Bland_Cross"]
    assert days == pytest.approx(1 + 50 / 300, abs=1e-4)
    assert len(found.corridors) == 8
    closed = [(it.corridor, it.start, it.end) for it in found.policies if it.closed]
    assert closed == [
        ("Old_Town_Shore", date(2012, 2, 27), date(2012, 2, 29)),
        ("Cross_Bland", date(2012, 2, 29), None),
    ]
    war = [(it.start, it.end, it.peak) for it in found.shocks]
    assert war == [
        (date(2012, 2, 28), date(2012, 2, 29), 0.8),
        (date(2012, 3, 1), date(2012, 3, 1), 0.4),
    ]
    assert sim.run(found).stocks["people"].sum() > 0


def test_what_cannot_be_carried_is_listed_and_stands_in_the_file(folder: Path) -> None:
    instance = read_instance(folder)
    assert [it.partition(":")[0] for it in instance.left_out] == ["Cross, Bland", "Island"]
    text = scenario_text(instance)
    assert all(f"# Left out: {it}" in text for it in instance.left_out)


def test_capacities_are_stated_only_if_asked_for(folder: Path) -> None:
    assert "capacity: 9000" not in scenario_text(read_instance(folder))
    assert "capacity: 9000" in scenario_text(read_instance(folder), capacities=True)


@pytest.mark.parametrize(
    ("file", "old", "new", "place", "message"),
    [
        ("locations", "10.5,10.2", "10.5N,10.2", ":3:19", "latitude is '10.5N'"),
        ("locations", ",town,,20000", ",twon,,20000", ":3:29", "kind of a place is 'twon'"),
        ("locations", "Market,Hill", "Old Town,Hill", ":3:1", "is stated twice"),
        ("routes", "Cross,Bland,50", "Cross,Blund,50", ":4:7", "no place is called 'Blund'"),
        ("routes", "70,0", "far,0", ":3:14", "distance is 'far'"),
        ("conflicts", "3,0.5", "3,5", ":5:3", "intensity is '5', where from 0 to 1"),
        ("closures", "country,Aland,Cland", "country,Aland,Cloud", ":2:15", "'Cloud' is not known"),
        ("sim_period", "Length,5", "Length,many", ":2:8", "number of days is 'many'"),
        ("sim_period", "2012-02-27", "27/02/2012", ":1:11", "the first day is '27/02/2012'"),
    ],
)
def test_malformed_files_are_told_with_their_line_and_column(
    folder: Path, file: str, old: str, new: str, place: str, message: str
) -> None:
    path = folder / "input_csv" / f"{file}.csv"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(sim.ScenarioError) as told:
        read_instance(folder)
    assert f"{path}{place}: error:" in str(told.value)
    assert message in str(told.value)


def test_all_problems_are_told_at_once(folder: Path) -> None:
    (folder / "input_csv" / "routes.csv").unlink()
    path = folder / "input_csv" / "sim_period.csv"
    path.write_text("StartDate,soon\nLength,0\n")
    with pytest.raises(sim.ScenarioError) as told:
        read_instance(folder)
    assert len(told.value.problems) == 3


def test_a_folder_of_instances_stands_for_all_of_them(folder: Path, tmp_path: Path) -> None:
    assert instances_in([tmp_path]) == [folder]
    assert instances_in([folder]) == [folder]
    with pytest.raises(sim.ScenarioError, match="no folder with an instance"):
        read_instance(tmp_path / "nothing")


def test_counts_are_interpolated_and_corrected(folder: Path) -> None:
    found = read_observed(folder, read_instance(folder))
    assert found.camps == ["Bland", "Shore"]
    # Counted anew on the fourth day: 200 were 100.
    np.testing.assert_allclose(found.people[0], [50, 75, 100, 100, 100])
    np.testing.assert_allclose(found.people[1], [10, 20, 30, 40, 50])


def test_a_file_of_counts_that_is_missing_is_told(folder: Path) -> None:
    layout = folder / "source_data" / "data_layout.csv"
    layout.write_text("Bland,bb.csv\nShore,../../secret.csv\n")
    with pytest.raises(sim.ScenarioError) as told:
        read_observed(folder, read_instance(folder))
    assert f"{layout}:1:7: error: no file is called 'bb.csv'" in str(told.value)
    assert "is not the name of a file beside this one" in str(told.value)


def test_the_score_is_that_of_its_formula() -> None:
    observed = np.array([[60.0, 0.0], [40.0, 100.0]])
    simulated = np.array([[30.0, 0.0], [10.0, 50.0]])
    # Day 1: (30 + 30) / 100; day 2: 50 / 100.
    assert averaged_relative_difference(simulated, observed) == pytest.approx(0.55)
    # Rescaled: 75 and 25 of 100; then 100 of 100.
    again = averaged_relative_difference(rescaled(simulated, observed), observed)
    assert again == pytest.approx(0.15)
    nobody = rescaled(np.zeros((2, 2)), observed)
    assert not nobody.any()


def test_an_instance_is_scored_beside_baselines(folder: Path) -> None:
    found = validate(folder, agents=500, replicates=2)
    assert len(found.runs) == 2
    assert found.people == 150
    # Of 60, 95, 130, 140, 150 people a half each, where 50, 75, 100, 100, 100 are in one camp.
    apart = [2 * abs(50 - 30) / 60, 2 * 27.5 / 95, 2 * 35 / 130, 2 * 30 / 140, 2 * 25 / 150]
    assert found.equal == pytest.approx(np.mean(apart))
    assert 0 <= found.mean("rescaled").value <= 2


@pytest.mark.skipif(not DATA, reason="SIM_FLEE_DATA names no folder of real instances")
@pytest.mark.parametrize(
    ("name", "equal", "by_capacity"),
    [
        ("mali2012", 1.075, 0.168), ("burundi2015", 0.749, 0.337), ("ssudan2013", 0.741, 0.423),
        ("syria2013", 0.487, 0.467),
    ],
)  # fmt: skip
def test_baselines_of_real_instances_are_those_of_an_independent_count(
    name: str, equal: float, by_capacity: float
) -> None:
    """Figures of equal and capacity shares were worked out without this program."""
    found = validate(Path(DATA) / name, agents=300, replicates=1)
    assert found.equal == pytest.approx(equal, abs=6e-4)
    assert found.by_capacity == pytest.approx(by_capacity, abs=6e-4)
