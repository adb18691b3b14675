"""What a sweep's factors do: means, gaps by pairs, and the picture that says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.experiments import effects as study
from sim.experiments.effects import Swept, effects, gaps
from sim.plots import style
from sim.plots.kinds import draw_sweep
from sim.plots.swept import effects_finding, plot_effects
from sim.results.intervals import student_t
from sim.results.store import StoreError

LUCK = (0.0, 6.0, 30.0)
"""What each replicate adds at every point: much, but the same."""


def swept(**factors: list[Any]) -> Swept:
    """A grid in which `fled` is 100 x the place of the first factor's value + 10 x the second's."""
    names = list(factors)
    grid = [(a, b) for a in factors[names[0]] for b in factors[names[1]]]
    rows = [
        {
            "run": 3 * point + r, "point": point, "replicate": r,
            names[0]: a, names[1]: b,
            "fled": 100.0 * factors[names[0]].index(a) + 10 * factors[names[1]].index(b) + luck,
            "calm": 5.0, "error": None,
        }
        for point, (a, b) in enumerate(grid)
        for r, luck in enumerate(LUCK)
    ]  # fmt: skip
    plan = {
        "name": "small", "title": "", "factors": names, "seeds": [1, 2, 3],
        "metrics": {"fled": "people", "calm": "people"}, "points": [list(it) for it in grid],
        "sweep": {"metrics": {"fled": {"measure": "moved_abroad"}, "calm": {"table": "flows"}}},
        "scenario": {"population": {"focus": []}, "countries": [{"id": "SY", "name": "Syria"}]},
    }  # fmt: skip
    return Swept(plan, pd.DataFrame(rows))


BORDERS = {"closed": ["2012-07", "2013-01", "2014-03-09"], "policies.wall.enabled": [False, True]}


def test_means_are_over_the_other_factors() -> None:
    table = effects(swept(**BORDERS), "fled", "closed")
    assert list(table["value"]) == BORDERS["closed"]
    assert list(table["mean"]) == pytest.approx([17.0, 117.0, 217.0])
    assert list(table["points"]) == [2, 2, 2]
    half = student_t(2) * float(np.std(LUCK, ddof=1)) / np.sqrt(3)
    assert list(table["high"] - table["mean"]) == pytest.approx([half] * 3)


def test_gaps_are_by_pairs_and_the_strongest_comes_first() -> None:
    found = gaps(swept(**BORDERS), "fled")
    assert list(found["factor"]) == ["closed", "policies.wall.enabled"]
    assert list(found["gap"]) == pytest.approx([200.0, 10.0])
    # Luck that is the same at every point leaves nothing to doubt.
    assert list(found["low"]) == pytest.approx([200.0, 10.0])
    assert found["least"][0] == "2012-07"
    assert found["most"][0] == "2014-03-09"


def test_luck_that_is_not_shared_widens_a_gap() -> None:
    found = swept(**BORDERS)
    uneven = found.runs["fled"] + np.where(found.runs["closed"] == "2012-07", 1, 3) * (
        found.runs["replicate"] - 1
    )
    found = gaps(found._replace(runs=found.runs.assign(fled=uneven)), "fled").iloc[0]
    assert found["gap"] - found["low"] == pytest.approx(student_t(2) * 2 / np.sqrt(3))


def test_a_factor_of_many_numbers_is_cut_into_classes() -> None:
    sizes = [float(it) for it in range(40)]
    table = effects(swept(size=sizes, other=[1, 2]), "fled", "size")
    assert len(table) == study.CLASSES
    assert list(table["points"]) == [16] * 5
    assert list(table["value"]) == pytest.approx([3.5, 11.5, 19.5, 27.5, 35.5])
    assert table["mean"].is_monotonic_increasing


def test_points_that_leave_a_factor_alone_are_a_value() -> None:
    found = swept(share=[0.1, 0.2], other=["a", "b"])
    runs = found.runs.assign(share=found.runs["share"].where(found.runs["share"] > 0.1))
    assert list(effects(found._replace(runs=runs), "fled", "share")["value"]) == [
        study.AS_IT_WAS,
        0.2,
    ]


def test_the_title_says_what_the_strongest_factor_does() -> None:
    assert effects_finding(swept(**BORDERS), "fled") == (
        "Fled: 17 to 217 people as closed moves from July 2012 to 9 March 2014; "
        "next, wall enabled changes it by 10"
    )
    weak = swept(closed=BORDERS["closed"], x=["a"] * 1)
    assert effects_finding(weak, "fled") == (
        "Fled: 12 to 212 people as closed moves from July 2012 to 9 March 2014"
    )
    assert effects_finding(swept(**BORDERS), "calm") == "Calm: the same at every value of closed"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([0.1, 2.0], "10 to 20 people as x rises from 0.1 to 2"),
        ([2.0, 0.1], "20 to 10 people as x rises from 0.1 to 2"),
        ([False, True], "10 (x: no) to 20 people (x: yes)"),
        (["big_ship", "boat"], "10 (x: big ship) to 20 people (x: boat)"),
    ],
)
def test_the_title_says_from_where_to_where_a_factor_goes(values: list[Any], said: str) -> None:
    found = swept(x=values, y=["a"])
    fled = np.where(found.runs["point"] == 0, 10.0, 20.0)
    assert effects_finding(found._replace(runs=found.runs.assign(fled=fled)), "fled") == (
        f"Fled: {said}"
    )


def test_weak_factors_are_said_to_matter_little() -> None:
    found = swept(**BORDERS)
    runs = found.runs.assign(fled=found.runs["fled"] * np.where(found.runs["point"] > 3, 5, 1))
    assert effects_finding(found._replace(runs=runs), "fled").endswith("wall enabled hardly matter")


def test_what_may_be_chance_is_said() -> None:
    found = swept(**BORDERS)
    noise = np.random.default_rng(1).normal(0, 500, len(found.runs))
    assert "may be chance" in effects_finding(
        found._replace(runs=found.runs.assign(fled=noise)), "fled"
    )


def test_the_picture_shows_means_bands_and_settings() -> None:
    ax = plot_effects(swept(**BORDERS), figures=["fled", "calm"])
    thick = [it for it in ax.lines if it.get_linewidth() > 2]
    thin = [it for it in ax.lines if it.get_linewidth() < 1]
    assert [list(it.get_ydata()) for it in thick] == [pytest.approx([17, 117, 217]), [5, 5, 5]]
    assert [list(it.get_ydata()) for it in thin[:2]] == [
        pytest.approx([12, 112, 212]),
        pytest.approx([22, 122, 222]),
    ]
    texts = [it.get_text() for it in ax.texts]
    assert any(style.DISCLAIMER in it.casefold() for it in texts)
    assert ax.get_xlabel() == "closed"
    assert [it.get_text() for it in ax.get_legend().get_texts()] == ["fled", "calm"]


def test_the_picture_says_whose_figures_they_are() -> None:
    found = swept(**BORDERS)
    scenario = {**found.plan["scenario"], "population": {"focus": ["SY"]}}
    syrian = found._replace(plan={**found.plan, "scenario": scenario})

    def said(of: Swept, *figures: str) -> str:
        texts = [it.get_text() for it in plot_effects(of, figures=figures).texts]
        return " ".join(" ".join(texts).replace("\u00a0", " ").split())

    assert "Fled of the population of interest: Syria." in said(syrian, "fled")
    # A sum over rows of a table is of everybody whom the table counts.
    assert "interest" not in said(syrian, "calm")
    assert "interest" not in said(syrian, "fled", "calm")
    assert "interest" not in said(found, "fled")


def test_numbers_lie_on_a_scale() -> None:
    ax = plot_effects(swept(size=[10.0, 20.0, 80.0], other=[1, 2]))
    assert list(ax.lines[-1].get_xdata()) == [10.0, 20.0, 80.0]
    assert draw_sweep(swept(size=[10.0, 20.0, 80.0], other=[1, 2]), "svg").startswith(b"<?xml")


def test_an_unfinished_sweep_says_how_to_go_on(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is not the folder of a sweep"):
        study.read(tmp_path)
    plan = {"format": 1, "runs_a_unit": 1, "file": "mine.yaml", "name": "mine"}
    plan |= {"title": "", "sweep": {}, "scenario": {}, "factors": [], "metrics": {}}
    plan |= {"runs": 2, "units": 2}
    (tmp_path / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    with pytest.raises(StoreError, match=r"not finished; resume with: sim sweep mine\.yaml --out"):
        study.read(tmp_path)
    numbers = {name: [0, 1] for name in ("run", "point", "replicate")}
    runs = pd.DataFrame({**numbers, "error": ["slow", "slow"]})
    runs.to_parquet(tmp_path / "runs.parquet")
    with pytest.raises(StoreError, match=r"every run of the sweep in .* failed; sim status"):
        study.read(tmp_path)
    (tmp_path / "runs.parquet").write_bytes(b"PAR1")
    with pytest.raises(StoreError, match="cannot be read"):
        study.read(tmp_path)


@pytest.mark.parametrize("over", ["policy", "policies.wall.enabled"])
def test_values_are_drawn_as_they_are_written(over: str) -> None:
    names = ["a $10_ b $", "c $20_ d $", "e \N{ROCKET}"]
    drawn = swept(policy=names, **{"policies.wall.enabled": [False, True]})
    assert draw_sweep(drawn, over=over)
    labels = [it.get_text() for it in plot_effects(drawn, over="policy").get_xticklabels()]
    assert labels == ["a $10  b $", "c $20  d $", "e (rocket)"]


def said_of_lines(found: Swept, over: str) -> tuple[str, int]:
    """What a picture says of its thin lines, and how many of these it has."""
    ax = plot_effects(found, over=over)
    text = " ".join(" ".join(it.get_text() for it in ax.texts).replace("\u00a0", " ").split())
    return text, sum(it.get_linewidth() < 1 for it in ax.lines)


def test_thin_lines_that_are_promised_are_drawn() -> None:
    dates = BORDERS["closed"]
    text, drawn = said_of_lines(swept(closed=dates, other=["a", "b"]), "closed")
    assert drawn == 2
    assert "thin lines: each of their settings." in text
    many = swept(closed=dates, other=[f"v{it}" for it in range(60)])
    text, drawn = said_of_lines(many, "closed")
    assert drawn == 20
    assert "thin lines: 20 of their 60 settings." in text
    # Drawn anew at each point, no setting of the others comes twice.
    alone = swept(closed=dates, other=["a", "b", "c"])
    runs = alone.runs[alone.runs["point"].isin([0, 4, 8])]
    text, drawn = said_of_lines(alone._replace(runs=runs), "closed")
    assert drawn == 0
    assert "thin lines" not in text
    assert "Thick line: mean over other." in text
