"""Observed indicators become severities and prevalences (docs/model.md, 3.3)."""

import math
from pathlib import Path

import pytest

from sim.scenario.reader import read
from sim.scenario.writer import dump
from sim.schema.errors import ScenarioError

TEXT = """
schema: 1
name: indicated
time: {start: 2020-01, end: 2020-12}
countries: [{id: AA}, {id: BB}]
places:
  - {id: A1, country: AA, people: 1e5, income: 900, lat: 1, lon: 1}
  - {id: A2, country: AA, people: 1e5, income: 900, lat: 1, lon: 2}
  - {id: B1, country: BB, people: 1e5, income: 9000, lat: 2, lon: 2}
corridors:
  - {from: A1, to: B1, both_ways: true}
  - {from: A2, to: B1, both_ways: true}
threats: {default: {food: [.05, .5]}, BB: {personal: .3}}
indicators:
  - {id: hunger, threat: food, zero: 2.5, one: 50, values: {AA: 26.25, A2: 80}}
  - {id: reach, threat: food, sets: prevalence, zero: 0, one: 1, values: {A1: .4}}
  - {id: killed, threat: personal, transform: log, zero: 1, one: 100, values: {A1: 10, BB: 100}}
  - {id: safe, threat: health, zero: 80, one: 50, values: {A1: 65}}
  - {id: worse, threat: health, zero: 0, one: 10, values: {A1: 2}}
"""


def written(folder: Path, text: str = TEXT) -> Path:
    path = folder / "indicated.yaml"
    path.write_text(text)
    return path


def test_values_map_between_what_means_0_and_what_means_1(tmp_path: Path) -> None:
    threats = read(written(tmp_path)).threats
    assert threats["A1"]["food"].severity == pytest.approx(0.5)
    assert threats["A2"]["food"].severity == 1.0, "beyond `one` it stays at 1, and A2 beats AA"
    assert threats["A1"]["food"].prevalence == pytest.approx(0.4)
    assert threats["A2"]["food"].prevalence == 0.5, "the default's, where nothing was observed"
    assert threats["A1"]["personal"].severity == pytest.approx(math.log(10) / math.log(100))
    assert threats["A1"]["health"].severity == pytest.approx(0.5), "a falling scale, the gravest"


def test_what_is_stated_goes_before_what_is_indicated(tmp_path: Path) -> None:
    assert read(written(tmp_path)).threats["B1"]["personal"].severity == 0.3


def test_round_trip(tmp_path: Path) -> None:
    scenario = read(written(tmp_path))
    assert read(written(tmp_path, dump(scenario))) == scenario


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("one: 50, values", "one: 2.5, values", "indicators[hunger].one = 2.5 is also the value"),
        ("values: {AA: 26.25", "values: {AX: 26.25", "AX: there is no"),
        ("zero: 1, one: 100", "zero: 0, one: 100", "indicators[killed].zero = 0 has no logarithm"),
        ("{A1: 10, BB", "{A1: -10, BB", "indicators[killed].values.A1 = -10 has no logarithm"),
        ("id: safe", "id: reach", "the id reach is here twice"),
    ],
)
def test_faults_are_said(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in TEXT
    with pytest.raises(ScenarioError) as caught:
        read(written(tmp_path, TEXT.replace(old, new, 1)))
    assert said in str(caught.value)
