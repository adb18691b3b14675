"""Which points a sweep has, and what is told when it cannot have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.core.rng import replicate_seed
from sim.experiments import design
from sim.experiments.plan import Study, differences
from sim.scenario.reader import read
from sim.schema.errors import ScenarioError
from tests.study.worlds import EIGHT, write


def study(folder: Path, section: str = EIGHT) -> Study:
    return Study(write(folder, section))


def points(folder: Path, section: str) -> list[tuple[object, ...]]:
    return [it.values for it in study(folder, section).design.points]


def problems(folder: Path, section: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        study(folder, section).check_points()
    return [f"{it.line - 4}:{it.column} {it.message} | {it.hint}" for it in caught.value.problems]


# What there is


def test_a_file_is_another_scenario_but_for_its_own_keys(tmp_path: Path) -> None:
    own, base = read(write(tmp_path)), read(tmp_path / "small.yaml")
    assert (own.name, own.population.agents, own.sweep is None) == ("tiny", 300, False)
    assert own.policies == base.policies
    assert own.seed == base.seed
    text = "living: {means_per_income: .5}\ncosts: {CC: {camp: 7}}\ngroups: []\n"
    (tmp_path / "other.yaml").write_text(f"scenario: small.yaml\n{text}")
    other = read(tmp_path / "other.yaml", ["places.AA_N.groups={}"])
    assert (other.living.means_per_income, other.living.subsistence) == (
        0.5,
        base.living.subsistence,
    )
    assert (other.costs["CC"].camp, other.costs["CC"].claimant) == (7, 9000)
    assert other.groups == ()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("scenario: smal.yaml", "there is no scenario 'smal.yaml'"),
        ("scenario: ../small.yaml", "lies outside of this folder"),
        ("scenario: /etc/passwd", "lies outside of this folder"),
        ("scenario: [a]", "must be the name of another scenario"),
        ("scenario: tiny.yaml", "builds on another scenario itself"),
    ],
)
def test_a_base_that_is_none(tmp_path: Path, line: str, message: str) -> None:
    write(tmp_path)
    (tmp_path / "other.yaml").write_text(f"name: other\n{line}\n")
    with pytest.raises(ScenarioError, match=message) as caught:
        read(tmp_path / "other.yaml")
    assert caught.value.problems[0].line == 2


def test_grid_moves_the_last_factor_fastest(tmp_path: Path) -> None:
    assert points(tmp_path, EIGHT) == [
        ("2020-02", 10_000.0), ("2020-02", 30_000.0),
        ("2020-03-10", 10_000.0), ("2020-03-10", 30_000.0),
    ]  # fmt: skip


def test_ranges_are_of_their_fields_kind(tmp_path: Path) -> None:
    found = points(
        tmp_path,
        "sweep:\n  vary:\n"
        "    time.end: {low: 2020-02-01, high: 2020-02-29, n: 3}\n"
        "    population.agents: {low: 300, high: 305, n: 3}\n",
    )
    assert found[:3] == [("2020-02-01", 300), ("2020-02-01", 302), ("2020-02-01", 305)]
    assert {it[0] for it in found} == {"2020-02-01", "2020-02-15", "2020-02-29"}


def test_linked_paths_and_packages(tmp_path: Path) -> None:
    found = study(
        tmp_path,
        "sweep:\n  vary:\n"
        "    quotas: {paths: [policies.cc_work.quota, policies.cc_kin.quota], values: [0, 9]}\n"
        "    sea: {packages: {as_is: {}, shut: {policies.cc_wall.start: 2020-02, "
        "policies.cc_wall.end: 2020-03}}}\n",
    )
    assert [it.values for it in found.design.points] == [
        (0, "as_is"), (0, "shut"), (9, "as_is"), (9, "shut"),
    ]  # fmt: skip
    scenario = found.variant(3)
    rules = {it.id: it for it in scenario.policies}
    assert rules["cc_work"].quota == rules["cc_kin"].quota == 9
    assert str(rules["cc_wall"].start) == "2020-02-01"


def test_latin_hypercube(tmp_path: Path) -> None:
    text = (
        "sweep:\n  design: lhs\n  samples: 20\n  vary:\n"
        "    policies.bb_border.barrier: {low: .2, high: .6}\n"
        "    policies.bb_tighter.start: {low: 2020-01-01, high: 2020-01-20}\n"
        "    policies.cc_wall.closed: {values: [true, false]}\n"
    )
    found = points(tmp_path, text)
    barriers, days, closed = (list(column) for column in zip(*found, strict=True))
    assert sorted(int((it - 0.2) / 0.02) for it in barriers) == list(range(20))
    assert len(set(days)) == 20
    assert closed.count(True) == 10
    assert points(tmp_path, text) == found
    fewer = "\n".join(text.splitlines()[:-2]) + "\n"
    assert [it[0] for it in points(tmp_path, fewer)] == barriers


def test_points_from_a_table(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(
        "policies.bb_tighter.start,places.BB_K.capacity,policies.cc_wall.closed\n"
        "# a comment\n2020-02,5e3,true\n,1000,\n"
    )
    found = study(tmp_path, "sweep: {design: csv, points: {table: p.csv}, replicates: 2}\n")
    assert [it.values for it in found.design.points] == [
        ("2020-02", 5000.0, True), (None, 1000, None),
    ]  # fmt: skip
    assert found.kinds == {
        "policies.bb_tighter.start": "text",
        "places.BB_K.capacity": "number",
        "policies.cc_wall.closed": "truth",
    }
    found.check_points()
    assert found.variant(1).policies == found.base.policies


def test_replicates_share_their_seeds_across_points(tmp_path: Path) -> None:
    found = study(tmp_path)
    runs = [run for unit in range(found.n_units) for run in found.runs(unit)]
    assert [(it.run, it.point, it.replicate) for it in runs[:3]] == [
        (0, 0, 0),
        (1, 0, 1),
        (2, 1, 0),
    ]
    assert len(runs) == 8
    seeds = [replicate_seed(7, 0), replicate_seed(7, 1)]
    assert [it.seed for it in runs] == seeds * 4
    assert len(set(seeds)) == 2


def test_units_are_fixed_by_the_number_of_runs(tmp_path: Path) -> None:
    sizes = []
    for replicates in (1, 50, 5000):
        found = study(tmp_path, f"sweep: {{replicates: {replicates}}}\n")
        runs = [len(found.runs(unit)) for unit in range(found.n_units)]
        assert sum(runs) == replicates
        sizes.append(max(runs))
    assert sizes == [1, 1, 25]


def test_the_plan_is_plain_and_always_the_same(tmp_path: Path) -> None:
    plan = study(tmp_path).plan()
    assert plan == study(tmp_path).plan()
    assert plan["points"][1] == ["2020-02", 30_000.0]
    assert "policies.bb_tighter.start" in plan["changes"][0][0]
    assert differences(plan, study(tmp_path).plan()) == []


# What is wrong


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        (
            "sweep:\n  vary:\n    policies.bb_bordr.barrier: {values: [.1]}\n",
            "3:5 policies has no 'bb_bordr' | did you mean 'bb_border'?",
        ),
        (
            "sweep:\n  vary:\n    policies.bb_border.barier: {values: [.1]}\n",
            "did you mean 'barrier'?",
        ),
        (
            "sweep:\n  vary:\n    policies.bb_border.barrier: {values: [.1, 7]}\n",
            "3:47 policies[bb_border].barrier = 7 is out of range (0 to 1)",
        ),
        (
            "sweep:\n  vary:\n    policies.cc_wall.start: {values: [2021-01, 2022-01]}\n",
            "in 1 of 2 points, first in point 1 (policies.cc_wall.start = \"2022-01\")",
        ),
        (
            "sweep:\n  vary:\n    a: {packages: {b: {policies.bb_border.barrier: 2}}}\n",
            "3:52 policies[bb_border].barrier = 2 is out of range",
        ),
        ("sweep: {design: lhs}\n", "sweep.samples is missing"),
        ("sweep: {design: csv}\n", "sweep.points is missing"),
        ("sweep: {samples: 3}\n", "sweep.samples is for `design: lhs` only"),
        ("sweep: {desgn: lhs}\n", "sweep.desgn is not a known field | did you mean 'design'?"),
        ("sweep: {design: grd}\n", "did you mean 'grid'?"),
        ("sweep: {vary: {seed: {values: [1, 2]}}}\n", "a sweep cannot vary seed"),
        ("sweep: {vary: {a.b: {}}}\n", "needs one of values, a range, packages"),
        ("sweep: {vary: {a.b: {values: [1], low: 1}}}\n", "needs one of values, a range"),
        ("sweep: {vary: {living.means_per_income: {low: 1}}}\n", "needs both low and high"),
        ("sweep: {vary: {living.recovery: {low: 2, high: 1, n: 2}}}\n", "must lie above low"),
        ("sweep: {vary: {living.means_per_income: {low: 1, high: 2}}}\n", "n is missing"),
        ("sweep: {vary: {living.recovery: {low: true, high: 2}}}\n", "must be a number or a date"),
        ("sweep: {vary: {time.end: {low: 2020-01, high: 3, n: 2}}}\n", "one end is a date"),
        ("sweep: {vary: {population.agents: {low: 300, high: 301, n: 5}}}\n", "is more than"),
        (
            "sweep: {vary: {population.demography: {low: 0, high: 1, n: 2}}}\n",
            "is true or false: it has no range",
        ),
        (
            "sweep: {vary: {a: {paths: [time.end], values: [1]}, time.end: {values: [1]}}}\n",
            "'time.end' is varied twice | first by a",
        ),
        ("sweep: {tables: [flowz]}\n", "did you mean 'flows'?"),
        ("sweep: {metrics: {a: {measure: refugees_abrod}}}\n", "did you mean 'refugees_abroad'?"),
        ("sweep: {metrics: {seed: {measure: displaced}}}\n", "the summary has a column seed"),
        ("sweep: {metrics: {a: {}}}\n", "needs one of measure and table"),
        ("sweep: {metrics: {a: {table: flows, column: arived}}}\n", "did you mean 'arrived'?"),
        (
            "sweep: {metrics: {a: {table: flows, where: {destinaton: CC}}}}\n",
            "did you mean 'destination'?",
        ),
        (
            "sweep: {metrics: {a: {table: flows, where: {channel: asylm}}}}\n",
            "'asylm' never occurs there | did you mean 'asylum'?",
        ),
        (
            "sweep: {metrics: {a: {table: paths, where: {outcome: refuge}}}}\n",
            "'refuge' never occurs there | did you mean 'refugee'?",
        ),
        (
            "sweep: {metrics: {a: {table: flows, where: {origin_country: AA_N}}}}\n",
            "'AA_N' never occurs there",
        ),
    ],
)  # fmt: skip
def test_problems_are_told_where_they_stand(tmp_path: Path, section: str, expected: str) -> None:
    found = problems(tmp_path, section)
    assert any(expected in it for it in found), found


@pytest.mark.parametrize(
    ("values", "twice"), [("[.1, .2, .1]", "0.1"), ("[1, 2, 1.0]", "1"), ("[0.5, 5e-1]", "0.5")]
)
def test_a_value_is_given_once(tmp_path: Path, values: str, twice: str) -> None:
    section = f"sweep: {{vary: {{living.means_per_income: {{values: {values}}}}}}}\n"
    (found,) = problems(tmp_path, section)
    assert f"= {twice} is here twice" in found
    assert "`replicates` runs every combination several times" in found


def test_true_is_not_one() -> None:
    assert not design._same(True, 1)
    assert design._same(1, 1.0)


def test_points_and_values_that_recur_are_told(tmp_path: Path) -> None:
    few = "sweep: {design: lhs, samples: 6, vary: {living.means_per_income: {values: [.3, .4]}}}\n"
    assert study(tmp_path, few).notes == [
        "values recur in the 6 samples, where there are fewer: living.means_per_income has 2",
        "4 of 6 points are the same as an earlier one, and are run again",
    ]
    assert study(tmp_path).notes == []


def test_all_problems_at_once(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        "sweep:\n  vary:\n    seed: {values: [1]}\n  metrics: {a: {measure: b}}\n  tables: []\n",
    )
    assert len(found) == 2
    found = problems(
        tmp_path,
        "sweep:\n  vary:\n    policies.bb_border.barrier: {values: [2, 3]}\n"
        "    living.kapa: {values: [1]}\n",
    )
    assert [it.split()[0] for it in found] == ["3:43", "3:46", "4:5"]


def test_problems_of_a_table_of_points(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("policies.bb_tighter.start,living.kapa\n2020-02,1\n202,1\n")
    with pytest.raises(ScenarioError) as caught:
        study(tmp_path, "sweep: {design: csv, points: {table: p.csv}}\n").check_points()
    places = [(Path(it.file).name, it.line, it.column) for it in caught.value.problems]
    assert places == [("p.csv", 1, 27), ("p.csv", 3, 1)]
    assert "living.kapa" in caught.value.problems[0].message


def test_a_scenario_without_a_sweep(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="has no sweep"):
        study(tmp_path, "")


# What has changed


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("30_000", "31_000", "sweep.vary[places.BB_K.capacity].high: 30000 there, 31000 here"),
        ("replicates: 2", "replicates: 3", "sweep.replicates: 2 there, 3 here"),
        ("2020-03-10", "2020-03-11", "2020-03-11"),
        (
            "sweep:",
            "living: {means_per_income: .4, remittances: 100, subsistence: 90}\nsweep:",
            "living.means_per_income: 0.3 there, 0.4 here",
        ),
        ("sweep:", "seed: 8\nsweep:", "seed: 7 there, 8 here"),
    ],
)
def test_changes_are_shown(tmp_path: Path, old: str, new: str, line: str) -> None:
    there = study(tmp_path).plan()
    here = study(tmp_path, EIGHT.replace(old, new)).plan()
    assert any(line in it for it in differences(there, here))


def test_things_in_lists_are_compared_by_id(tmp_path: Path) -> None:
    there = study(tmp_path).plan()
    text = (tmp_path / "small.yaml").read_text()
    (tmp_path / "small.yaml").write_text(text.replace("barrier: .8", "barrier: .7"))
    assert differences(there, study(tmp_path).plan()) == [
        "policies.cc_border.barrier: 0.8 there, 0.7 here"
    ]


def test_other_code_is_another_sweep(tmp_path: Path) -> None:
    plan = study(tmp_path).plan()
    (line,) = differences(plan | {"code": "older"}, plan)
    assert "code" in line


def test_a_point_between_thousands_of_people(tmp_path: Path) -> None:
    said = problems(
        tmp_path,
        "sweep:\n  vary:\n    places.AA_N.people: {values: [900.000, 800_000]}\n"
        "    living.subsistence: {low: 1.250, high: 90, n: 2}\n",
    )
    assert [it.split(" | ")[0].split(" ", 1)[1] for it in said] == [
        "sweep.vary.'places.AA_N.people'.values[1] = 900.000 is read as 900",
        "sweep.vary.'living.subsistence'.low = 1.250 is read as 1.25",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("living.subsistence;seed\n90;1,5\n", "columns must have commas between them"),
        ("sep=,\nliving.subsistence\n90\n", "this line names no columns"),
        ("living.subsistence,\n90,\n", "this column has no name"),
    ],
)
def test_points_as_a_spreadsheet_writes_them(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "points.csv").write_text(text, encoding="utf-8")
    said = problems(tmp_path, "sweep: {design: csv, points: {table: points.csv}}\n")
    assert [message in it for it in said] == [True], said
