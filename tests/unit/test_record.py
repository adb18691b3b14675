"""The figures that summarise a run, worked out by hand on a small one."""

from __future__ import annotations

import math
import re
from functools import cache
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest

import sim
from sim.engine.setup import build_world
from sim.results import document
from sim.results.full import NotFullError
from sim.results.intervals import interval, student_t
from sim.results.measures import MEASURES
from sim.results.record import Record, UnlikeRunsError
from sim.results.run import NoTableError
from sim.results.tables import DERIVED, TABLES, described
from sim.scenario.whole import Scenario
from sim.schema import TableName
from tests.small import small as small_world
from tests.unit.sample_record import COLUMNS, sample_record, tidy

DOCUMENT = (Path(__file__).parents[2] / "docs" / "tables.md").read_text(encoding="utf-8")

JAN, FEB, MAR = pd.Timestamp("2011-01-01"), pd.Timestamp("2011-02-01"), pd.Timestamp("2011-03-01")
ENDS = [pd.Timestamp("2011-01-31"), pd.Timestamp("2011-02-28"), pd.Timestamp("2011-03-31")]


def small(replicates: int = 1, observed: list[dict[str, Any]] | None = None, **rows: Any) -> Record:
    """Two countries, three places, three months; tables as given.

    Where rows of harms and interceptions tell one number of people, as many were expected.
    """
    for name, of in (("harms", 5), ("interceptions", 5)):
        for i, row in enumerate(rows.get(name, ())):
            if len(row) < len(COLUMNS[name].split()):
                n = [row[of]] * (3 if name == "harms" else 2)
                rows[name] = [
                    *rows[name][:i],
                    (*row[:of], *n, *row[of + 1 :]),
                    *rows[name][i + 1 :],
                ]
    scenario = Scenario.model_validate(
        {
            "schema": 1,
            "name": "small",
            "time": {"start": "2011-01-01", "end": "2011-03-31"},
            "countries": [{"id": "A"}, {"id": "B"}],
            "places": [
                {"id": "A1", "country": "A", "people": 100.0, "lat": 0.0, "lon": 0.0},
                {"id": "A2", "country": "A", "people": 100.0, "lat": 1.0, "lon": 0.0},
                {"id": "B1", "country": "B", "people": 100.0, "lat": 0.0, "lon": 1.0},
            ],
            "corridors": [
                {"id": "over", "from": "A1", "to": "B1"},
                {"id": "back", "from": "B1", "to": "A1"},
                {"id": "within", "from": "A1", "to": "A2"},
            ],
            "observed": observed or [],
        }
    )
    everybody = [(it, end, "A", "resident", 300) for it in range(replicates) for end in ENDS]
    rows.setdefault("account", everybody)
    tables = {name: tidy(table, COLUMNS[name]) for name, table in rows.items()}
    for name, frame in tables.items():
        if frame.empty:
            tables[name] = frame.astype({"date": "datetime64[us]", "replicate": "int64"})
    return Record(scenario, 5, {"replicates": replicates}, tables)


def value(record: Record, measure: str) -> float:
    frame = record.headline.set_index("measure")
    return float(frame.loc[measure, "value"])


FLOWS = [
    (0, JAN, "A", "A1", "B1", "asylum", "necessity", 40, 30),
    (0, JAN, "A", "A1", "B1", "irregular", "necessity", 60, 50),
    (0, FEB, "A", "A2", "B1", "labour", "choice", 10, 10),
    (0, FEB, "A", "A1", "A2", "internal", "choice", 7, 7),
    (0, FEB, "B", "B1", "A1", "home", "choice", 10, 10),
]


def test_moves_are_told_apart_by_the_border() -> None:
    record = small(flows=FLOWS)
    assert value(record, "moved_abroad") == 30 + 50 + 10 + 10
    assert value(record, "moved_within") == 7
    assert value(record, "regular") == pytest.approx(1 - 50 / 100)


def test_answers_and_share_of_necessity() -> None:
    answers = [
        (0, JAN, "A1", "choice", 2, 5, 0.0),
        (0, JAN, "A1", "necessity", 3, 15, 0.0),
        (0, FEB, "A2", "no_means", 11, 0, 0.0),
        (0, FEB, "A2", "no_permission", 13, 0, 0.0),
    ]
    # 200 households in January and in February, 190 in March: 195 on an average day.
    at_risk = [
        (0, JAN, "A1", 150 * 31, 400 * 31), (0, JAN, "A2", 50 * 31, 90 * 31),
        (0, FEB, "A1", 200 * 28, 490 * 28), (0, MAR, "A1", 190 * 31, 480 * 31),
    ]  # fmt: skip
    record = small(answers=answers, at_risk=at_risk)
    heads = ("choice", "necessity", "no_means", "no_permission", "stays")
    stay = (200 * (31 + 28) + 190 * 31) / (31 + 28 + 31)
    assert [value(record, f"{it}_households") for it in heads] == [
        2, 3, 11, 13, pytest.approx(stay),
    ]  # fmt: skip
    assert value(record, "choice_people") == 5
    assert value(record, "necessity_share") == pytest.approx(0.75)


def test_the_end_is_the_last_day_even_where_a_table_has_no_rows_then() -> None:
    blocked = [(0, ENDS[1], "A1", "A", "no_means", 3, 9)]
    stocks = [
        (0, ENDS[1], "B1", "A", "refugee", 99),
        (0, ENDS[2], "B1", "A", "refugee", 80),
        (0, ENDS[2], "B1", "A", "claimant", 20),
        (0, ENDS[2], "A2", "A", "displaced", 5),
        (0, ENDS[2], "A1", "A", "refugee", 1000),  # cannot be: a refugee at home
        (0, ENDS[2], "B1", "B", "citizen", 300),
    ]
    record = small(blocked=blocked, stocks=stocks)
    assert value(record, "blocked_no_means") == 0
    assert value(record, "refugees_abroad") == 80
    assert value(record, "claimants_abroad") == 20
    assert value(record, "displaced") == 5


def test_harms_and_their_ratios() -> None:
    harms = [
        (0, JAN, "over", "A", "death", 2, 0.0),
        (0, MAR, "over", "A", "death", 1, 0.0),
        (0, FEB, "over", "A", "extortion", 9, 50.0),
    ]
    record = small(flows=FLOWS, harms=harms)
    assert value(record, "harm_death") == 3
    assert value(record, "harm_extortion") == 9
    assert value(record, "harm_violence") == 0
    assert value(record, "death_rate") == pytest.approx(1000 * 3 / (40 + 60))
    assert value(record, "humane") == pytest.approx(1 - 12 / (40 + 60 + 10 + 10))
    days = [90, 31]
    assert value(record, "life_years_lost") == pytest.approx((2 * days[0] + days[1]) / 365.25)
    discounted = [(1 - math.exp(-0.03 * it / 365.25)) / 0.03 for it in days]
    assert value(record, "life_years_lost_3pct") == pytest.approx(2 * discounted[0] + discounted[1])
    assert value(record, "life_years_lost_3pct") < value(record, "life_years_lost")


def test_harms_are_expected_numbers_with_the_counts_behind_them() -> None:
    harms = [
        (0, JAN, "over", "A", "death", 0.5, 0, 40, 0.0),
        (0, MAR, "over", "A", "death", 0.25, 1, 20, 0.0),
        (0, FEB, "back", "A", "detention", 2.5, 2, 7, 0.0),
    ]
    interceptions = [(0, JAN, "over", "A", "families", 3.5, 9)]
    flow = {"of": "A", "at": "over", "date": "2011-03-31", "source": "s"}
    observed = [
        flow | {"id": "died", "what": "deaths", "people": 2.0},
        flow | {"id": "met", "what": "interceptions", "party": "families", "people": 2.0},
    ]
    record = small(flows=FLOWS, harms=harms, interceptions=interceptions, observed=observed)
    table = record.headline.set_index("measure")
    assert table.loc["harm_death", ["value", "counted"]].tolist() == [0.75, 1]
    assert table.loc["harm_detention", ["value", "counted"]].tolist() == [2.5, 2]
    assert value(record, "death_rate") == pytest.approx(1000 * 0.75 / 100)
    assert value(record, "humane") == pytest.approx(1 - 3.25 / 120)
    assert value(record, "life_years_lost") == pytest.approx((0.5 * 90 + 0.25 * 31) / 365.25)
    assert record.observed["simulated"].tolist() == [0.75, 3.5]
    assert np.isnan(table.loc["moved_abroad", "counted"])


def test_figures_say_on_how_many_rows_they_rest() -> None:
    """Everybody in A is worth 10 people here, everybody in B 2."""
    harms = [
        (it, JAN, "over", "A", harm, 0.1, 0, n, 0.0)
        for it in (0, 1)
        for harm, n in (("death", 11), ("violence", 16), ("forced_return", 14), ("bribe", 0))
    ]
    stocks = [(0, ENDS[2], "B1", "A", "refugee", 290), (0, ENDS[2], "A1", "B", "refugee", 60)]
    flows = [(it, *FLOWS[0][1:7], 150, 120) for it in (0, 1)]
    one = small(2, flows=flows, harms=harms, stocks=stocks)
    places = tuple(
        it.model_copy(update={"people_per_agent": 10 if it.country == "A" else 2})
        for it in one.scenario.places
    )
    scenario = one.scenario.model_copy(update={"places": places})
    record = Record(scenario, one.seed, one.manifest, one.tables)
    table = record.headline.set_index("measure")
    rows = table["rows"]
    assert rows["moved_abroad"] == pytest.approx(12 + 12), "of all replicates together"
    assert rows["refugees_abroad"] == pytest.approx(29 + 30)
    assert (rows["harm_death"], rows["harm_forced_return"]) == (22, 28)
    assert rows["harm_violence"] == pytest.approx(30), "no more than set out"
    assert rows["death_rate"] == rows["life_years_lost"] == 22
    assert rows["regular"] == rows["moved_abroad"]
    assert table.loc[rows.isna(), "few_rows"].sum() == 0
    assert {"harm_bribe", "harm_prosecution", "insecurity_years", "secure"} <= set(
        rows[rows.isna()].index
    )
    few = table.index[table["few_rows"]]
    assert {"moved_abroad", "harm_death", "displaced", "regular"} <= set(few)
    assert {"refugees_abroad", "harm_violence"}.isdisjoint(few)


def test_humane_does_not_fall_below_zero() -> None:
    record = small(flows=FLOWS, harms=[(0, JAN, "over", "A", "violence", 10_000, 0.0)])
    assert value(record, "humane") == 0


def test_secure_is_the_share_of_sevenfold_years_without_insecurity() -> None:
    insecurity = [(0, it, "A1", "A", "food", 10.0) for it in (JAN, FEB, MAR)]
    record = small(insecurity=insecurity)
    years = 300 * 90 / 365.25
    assert value(record, "insecurity_years") == pytest.approx(30)
    assert value(record, "secure") == pytest.approx(1 - 30 / (7 * years))


def test_the_dead_live_no_years() -> None:
    account = [(0, end, "A", activity, 150) for activity in ("resident", "dead") for end in ENDS]
    record = small(insecurity=[(0, JAN, "A1", "A", "food", 10.0)], account=account)
    assert value(record, "secure") == pytest.approx(1 - 10 / (7 * 150 * 90 / 365.25))


def test_births_and_natural_deaths_are_summed_and_harm_nobody() -> None:
    vital = [
        (0, JAN, "A1", "A", "birth", 5), (0, FEB, "B1", "A", "birth", 2),
        (0, FEB, "B1", "B", "death", 4),
    ]  # fmt: skip
    record = small(vital=vital, harms=[(0, JAN, "over", "A", "death", 1, 0.0)], flows=FLOWS)
    assert value(record, "births") == 7
    assert value(record, "natural_deaths") == 4
    assert value(record, "harm_death") == 1
    assert value(record, "death_rate") == pytest.approx(1000 * 1 / (40 + 60))
    assert value(record, "life_years_lost") == pytest.approx(90 / 365.25)


def test_orderly_counts_asylum_as_far_as_claims_are_decided() -> None:
    stocks = [(0, ENDS[2], "B1", "A", "refugee", 30), (0, ENDS[2], "B1", "A", "claimant", 10)]
    record = small(flows=FLOWS, stocks=stocks)
    assert value(record, "orderly") == pytest.approx((10 + 10 + 30 * 0.75) / 100)


def test_a_replicate_in_which_nothing_happened_counts_as_zero() -> None:
    record = small(replicates=2, flows=FLOWS)
    row = record.headline.set_index("measure").loc["moved_abroad"]
    assert row["value"] == 50
    assert row["n"] == 2
    half = 12.706 * np.std([100, 0], ddof=1) / math.sqrt(2)
    assert row["high"] == pytest.approx(50 + half)
    assert row["low"] == 0  # fewer people than none did not move
    # Of nobody's arrivals no share is regular: that replicate says nothing.
    assert record.headline.set_index("measure").loc["regular", "n"] == 1


def test_one_replicate_has_no_interval() -> None:
    frame = small(flows=FLOWS).headline
    assert frame["low"].isna().all()
    assert frame["high"].isna().all()


def test_figures_without_their_table_are_unknown() -> None:
    frame = small(flows=FLOWS).headline.set_index("measure")
    assert list(frame.index) == list(MEASURES)
    assert math.isnan(frame.loc["harm_death", "value"])
    assert frame.loc["harm_death", "n"] == 0


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(1, 12.706), (9, 2.262), (30, 2.042), (60, 2.0003), (1000, 1.9623)]
)
def test_student_t(freedom: int, quantile: float) -> None:
    assert student_t(freedom) == pytest.approx(quantile, abs=1e-3)


def test_interval_by_hand() -> None:
    found = interval(np.array([1.0, 2.0, 3.0, np.nan]))
    assert found.value == 2
    assert found.n == 3
    assert found.high - 2 == pytest.approx(4.303 / math.sqrt(3))
    assert 2 - found.low == pytest.approx(4.303 / math.sqrt(3))


STOCKS = [
    (0, ENDS[0], "B1", "A", "refugee", 10),
    (0, ENDS[1], "B1", "A", "refugee", 20),
    (0, ENDS[1], "B1", "A", "claimant", 4),
    (0, ENDS[1], "B1", "A", "irregular", 2),
    (0, ENDS[1], "B1", "A", "ordered", 1),
    (0, ENDS[1], "B1", "A", "regular", 100),
    (0, ENDS[1], "B1", "B", "citizen", 300),
    (0, ENDS[1], "A2", "A", "displaced", 8),
    (0, ENDS[1], "A2", "A", "irregular", 16),
    (0, ENDS[1], "A2", "B", "refugee", 32),
]
HARMS = [
    (0, JAN, "over", "A", "death", 1, 0.0),
    (0, FEB, "over", "A", "death", 2, 0.0),
    (0, FEB, "over", "A", "violence", 100, 0.0),
    (0, FEB, "back", "A", "death", 4, 0.0),
    (0, MAR, "within", "A", "death", 8, 0.0),
    (0, FEB, "over", "B", "death", 16, 0.0),
    (0, FEB, "A", "A", "death", 32, 0.0),
    (0, FEB, "over", "A", "interception", 50, 0.0),
    (0, FEB, "within", "A", "interception", 60, 0.0),
    (0, FEB, "over", "B", "interception", 70, 0.0),
    (0, MAR, "B", "A", "forced_return", 9, 0.0),
    (0, MAR, "over", "A", "forced_return", 6, 0.0),
    (0, MAR, "A", "B", "forced_return", 5, 0.0),
    (0, MAR, "over", "A", "separation", 2, 0.0),
    (0, MAR, "over", "A", "kidnapping", 4, 0.0),
]
VITAL = [
    (0, JAN, "B1", "A", "birth", 3),
    (0, FEB, "B1", "A", "death", 40),
    (0, MAR, "B1", "A", "birth", 50),
    (0, FEB, "A1", "A", "birth", 60),
    (0, FEB, "A1", "B", "birth", 7),
]
INTERCEPTIONS = [
    (0, JAN, "over", "A", "families", 1),
    (0, FEB, "over", "A", "families", 8),
    (0, FEB, "within", "A", "families", 100),
    (0, FEB, "over", "B", "families", 200),
    (0, FEB, "over", "A", "adults", 400),
    (0, MAR, "within", "A", "children_alone", 3),
]
CROSSINGS = [
    (0, JAN, "over", "A", 70),
    (0, FEB, "over", "A", 28),
    (0, FEB, "over", "B", 500),
    (0, FEB, "back", "A", 900),
]


@pytest.mark.parametrize(
    ("figure", "simulated"),
    [
        ({"what": "refugees", "at": "B", "date": "2011-02"}, 27),
        ({"what": "refugees", "date": "2011-02"}, 27),
        ({"what": "refugees", "at": "B", "date": "2011-01"}, 10),
        ({"what": "refugees", "at": "B", "date": "2011-02-27"}, 10),
        ({"what": "refugees", "at": "B", "date": "2010-12"}, math.nan),
        ({"what": "refugees", "at": "B", "date": "2011-12"}, math.nan),
        ({"what": "refugees", "of": "B", "at": "A", "date": "2011-02"}, 32),
        ({"what": "asylum_seekers", "at": "B", "date": "2011-02"}, 4),
        ({"what": "refugees", "statuses": "claimant", "at": "B", "date": "2011-02"}, 4),
        ({"what": "refugees", "statuses": ["regular"], "at": "B", "date": "2011-02"}, 100),
        ({"what": "displaced", "date": "2011-02"}, 8),
        ({"what": "displaced", "at": "A", "date": "2011-02"}, 8),
        ({"what": "deaths", "date": "2011-03"}, 15 + 32),
        ({"what": "deaths", "at": "over", "date": "2011-03"}, 3),
        ({"what": "deaths", "at": "B", "date": "2011-03"}, 3),
        ({"what": "deaths", "of": "B", "date": "2011-03"}, 16),
        ({"what": "deaths", "at": "A", "date": "2011-03"}, 12 + 32),
        ({"what": "deaths", "at": "over", "date": "2011-02", "since": "2011-02-01"}, 2),
        ({"what": "deaths", "at": "over", "date": "2011-02-14"}, 1 + 2 * 14 / 28),
        ({"what": "deaths", "at": "over", "date": "2012-02", "since": "2012-02-01"}, math.nan),
        ({"what": "arrivals", "at": "B", "date": "2011-03"}, 30 + 50 + 10),
        ({"what": "arrivals", "at": "B", "date": "2011-01"}, 80),
        ({"what": "arrivals", "of": "B", "at": "A", "date": "2011-03"}, 10),
        ({"what": "arrivals", "channels": ["labour"], "at": "B", "date": "2011-03"}, 10),
        ({"what": "arrivals", "at": "over", "date": "2011-03"}, 70 + 28),
        ({"what": "arrivals", "of": "B", "at": "over", "date": "2011-03"}, 500),
        ({"what": "arrivals", "at": "within", "date": "2011-03"}, 0),
        ({"what": "arrivals", "at": "over", "date": "2011-02-14"}, 70 + 14),
        ({"what": "foreign_born", "at": "B", "date": "2011-02"}, 127 - 3),
        ({"what": "foreign_born", "of": ["A", "B"], "date": "2011-02"}, 127 - 3 + 32 - 7),
        ({"what": "refugees", "of": ["A", "B"], "date": "2011-02"}, 27 + 32),
        ({"what": "displaced", "of": ["A", "B"], "at": "A", "date": "2011-02"}, 8),
        ({"what": "interceptions", "at": "B", "date": "2011-03"}, 50),
        ({"what": "interceptions", "date": "2011-03"}, 50 + 60),
        ({"what": "interceptions", "of": ["A", "B"], "at": "over", "date": "2011-03"}, 50 + 70),
        ({"what": "interceptions", "party": "families", "at": "B", "date": "2011-03"}, 8 + 1),
        ({"what": "interceptions", "party": "children_alone", "date": "2011-03"}, 3),
        ({"what": "interceptions", "of": "B", "party": "adults", "date": "2011-03"}, 0),
        ({"what": "forced_returns", "at": "B", "date": "2011-03"}, 9 + 6),
        ({"what": "forced_returns", "date": "2011-03", "of": ["B"]}, 5),
        ({"what": "forced_returns", "at": "B", "date": "2011-02"}, 0),
        ({"what": "kidnappings", "at": "over", "date": "2011-03"}, 4),
        ({"what": "separations", "at": "B", "date": "2011-03"}, 2),
    ],
)
def test_observed(figure: dict[str, Any], simulated: float) -> None:
    observed = [{"id": "x", "of": "A", "people": 1.0, **figure}]
    record = small(
        observed=observed, stocks=STOCKS, harms=HARMS, flows=FLOWS, crossings=CROSSINGS,
        vital=VITAL, interceptions=INTERCEPTIONS,
    )  # fmt: skip
    found = record.observed.loc[0, "simulated"]
    assert found == pytest.approx(simulated, nan_ok=True)


def test_observed_says_who_is_compared() -> None:
    common = {"of": "A", "date": "2011-03", "people": 1.0}
    figures = [
        {"what": "refugees"},
        {"what": "refugees", "statuses": ["refugee", "regular"]},
        {"what": "foreign_born"},
        {"what": "arrivals", "at": "B", "channels": "asylum"},
        {"what": "deaths"},
    ]
    observed = [{"id": f"f{i}", **common, **it} for i, it in enumerate(figures)]
    said = ["refugee; claimant; irregular; ordered", "refugee; regular", "", "asylum", ""]
    assert small(observed=observed).observed["who"].fillna("").tolist() == said


def test_the_foreign_born_need_the_births() -> None:
    figure = {"id": "x", "of": "A", "what": "foreign_born", "date": "2011-02", "people": 1.0}
    assert math.isnan(small(observed=[figure], stocks=STOCKS).observed.loc[0, "simulated"])


def test_arrivals_go_by_citizenship_wherever_people_come_from() -> None:
    figure = {"id": "x", "of": "A", "what": "arrivals", "at": "B", "date": "2011-03", "people": 1.0}
    flows = [(it[0], it[1], "B" if it[5] == "irregular" else it[2], *it[3:]) for it in FLOWS]
    assert small(observed=[figure], flows=flows).observed.loc[0, "simulated"] == 30 + 10


def test_arrivals_at_a_corridor_need_the_crossings() -> None:
    figure = {"id": "x", "of": "A", "what": "arrivals", "date": "2011-03", "people": 1.0}
    record = small(observed=[{**figure, "at": "over"}], flows=FLOWS)
    assert math.isnan(record.observed.loc[0, "simulated"])
    record = small(observed=[{**figure, "at": "B"}], crossings=CROSSINGS)
    assert math.isnan(record.observed.loc[0, "simulated"])


def test_rows_that_sum_several_steps_count_in_proportion() -> None:
    account = [(0, ENDS[2], "A", "resident", 300)]
    observed = [{"id": "x", "of": "A", "what": "deaths", "date": "2011-01", "people": 1.0}]
    record = small(
        observed=observed, account=account, harms=[(0, JAN, "over", "A", "death", 90, 0.0)]
    )
    assert record.observed.loc[0, "simulated"] == pytest.approx(31)


def test_observed_is_a_mean_over_replicates() -> None:
    observed = [{"id": "x", "of": "A", "what": "deaths", "date": "2011-03", "people": 1.0}]
    harms = [*HARMS, (1, JAN, "over", "A", "death", 49, 0.0)]
    row = small(2, observed, harms=harms).observed.loc[0]
    assert row["simulated"] == 48
    assert row["high"] - row["simulated"] == pytest.approx(12.706)


def test_no_observed_figures_give_an_empty_table() -> None:
    assert len(small().observed) == 0


def test_a_table_that_was_not_kept_says_so() -> None:
    record = small(flows=FLOWS)
    with pytest.raises(NoTableError, match="kept no table 'harms'"):
        record.harms  # noqa: B018


def test_tables_are_checked() -> None:
    record = small(flows=FLOWS)
    with pytest.raises(ValueError, match="lacks arrived"):
        Record(record.scenario, 1, {}, {"flows": record.flows.drop(columns="arrived")})
    with pytest.raises(ValueError, match="no table is called 'moves'"):
        Record(record.scenario, 1, {}, {"moves": record.flows})


def test_documented_tables_are_those_of_the_schema() -> None:
    assert set(TABLES) == set(get_args(TableName))


@pytest.mark.parametrize("name", [*TABLES, *DERIVED])
def test_every_column_is_documented_where_users_look(name: str) -> None:
    section = DOCUMENT.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    record = sample_record()
    told = record.describe(name)
    assert described(name).text in told
    for column in described(name).columns:
        assert column.unit
        assert len(column.text.split()) > 1
        assert re.search(
            rf"^\| {column.name}( \(in some runs\))? \| {column.unit} \|", section, re.M
        )
        unit = "USD of 2010" if column.unit == "money" else column.unit
        assert re.search(rf"^  {column.name} +{unit} +{column.text.split()[0]}", told, re.M)


def test_tables_md_is_what_the_declarations_say() -> None:
    assert document.document(DOCUMENT) == DOCUMENT, "make docs"


@pytest.mark.parametrize("name", TABLES)
def test_what_an_absent_row_means_is_said(name: str) -> None:
    section = DOCUMENT.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    said = TABLES[name].absent.text
    assert "absent" in said
    assert said in " ".join(section.split())
    # Counts alone can be 0 where there is no row: prices and shares cannot.
    assert ("0" in said) == TABLES[name].absent.zero


def test_describe_lists_tables_and_the_columns_that_split_them() -> None:
    record = sample_record(outputs={"by": ["home", "sex"], "tables": ["flows", "answers"]})
    record = Record(record.scenario, 7, record.manifest, {"flows": record.flows})
    lines = record.describe().splitlines()
    assert [it.split()[0] for it in lines] == ["flows", *DERIVED]
    told = record.describe("answers")
    assert [it.split()[0] for it in told.split("\n\n")[1].splitlines() if it[2] != " "][:5] == [
        "replicate", "date", "home", "home_country", "sex",
    ]  # fmt: skip
    with pytest.raises(LookupError, match=r"no table is called 'moves'; there are .*flows"):
        record.describe("moves")


# Tables that follow from the run -----------------------------------------------------------------


def test_places_tell_who_is_there_at_the_start() -> None:
    scenario = small_world("population.agents=2_000")
    record = sim.run(scenario, seed=5)
    world = build_world(record.scenario, 5)
    home = world.households.home[world.persons.household]
    places = record.places.set_index("id")
    ids = [it.id for it in record.scenario.places]
    assert places.loc[ids, "rows"].tolist() == np.bincount(home, minlength=len(ids)).tolist()
    assert places["rows"].sum() == record.manifest["agents"]
    assert (places["rows"] * places["people_per_row"]).sum() == record.manifest["people"]
    for place in record.scenario.places:
        row = places.loc[place.id]
        assert (row["country"], row["lat"], row["lon"]) == (place.country, place.lat, place.lon)
        assert row["people"] == place.people
        assert row["name"] == (place.name or place.id)


def test_seeds_are_those_of_the_replicates() -> None:
    record = sim.run(small_world("population.agents=2_000"), seed=5, replicates=2)
    assert record.seeds["seed"].tolist() == record.manifest["seeds"]
    assert record.seeds["replicate"].tolist() == [0, 1]
    assert len(small().seeds) == 0


@pytest.mark.parametrize("name", DERIVED)
def test_tables_that_follow_have_their_columns(name: str) -> None:
    record = sample_record()
    table = record.table(name)
    assert table is getattr(record, name)
    assert list(table) == [it.name for it in DERIVED[name].columns]


# With the rows that are absent -------------------------------------------------------------------


def test_a_full_table_has_a_row_for_all_that_occurs() -> None:
    crossings = [(0, JAN, "over", "A", 5), (1, MAR, "over", "B", 7), (1, MAR, "over", "B", 1)]
    record = small(2, crossings=crossings)
    full = record.full("crossings")
    assert list(full) == list(record.crossings)
    assert full["people"].dtype == record.crossings["people"].dtype
    assert [tuple(it) for it in full.itertuples(index=False)] == [
        (replicate, date, "over", citizenship, people)
        for replicate, counts in enumerate([[5, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 8]])
        for (date, citizenship), people in zip(
            [(date, who) for date in (JAN, FEB, MAR) for who in "AB"], counts, strict=True
        )
    ]
    whole = record.full("crossings", all_words=True)
    assert len(whole) == 2 * 3 * 3 * 2  # replicates, months, corridors, countries
    assert whole["people"].sum() == 13
    assert set(whole["corridor"]) == {"over", "back", "within"}


def test_a_full_table_of_a_day_has_its_last_days_and_countries() -> None:
    stocks = [(0, ENDS[0], "B1", "A", "refugee", 10), (0, ENDS[2], "A2", "A", "displaced", 4)]
    full = small(stocks=stocks).full("stocks")
    assert full["date"].tolist() == [day for day in ENDS for _ in range(2)]
    assert full["country"].tolist() == ["A", "B"] * 3
    assert full["people"].tolist() == [0, 10, 0, 0, 4, 0]


def test_a_table_of_the_end_is_full_on_its_day_alone() -> None:
    paths = [(0, ENDS[2], "A", "A", "B", "refugee", 3), (1, ENDS[2], "A", "B", "A", "citizen", 4)]
    full = small(2, paths=paths).full("paths")
    assert full["date"].tolist() == [ENDS[2]] * 4
    assert full["people"].tolist() == [3, 0, 0, 4]


def test_the_columns_that_split_a_table_are_words_of_it() -> None:
    answers = [(0, JAN, "A1", "no_means", 5, 0, 0), (0, FEB, "B1", "choice", 1, 2, 0)]
    record = small(answers=answers)
    full = record.full("answers")
    assert len(full) == 3 * 2
    assert full["households"].sum() == 6
    assert len(record.full("answers", all_words=True)) == 3 * 3 * 4


def test_a_run_that_is_not_over_is_full_up_to_its_day() -> None:
    account = [(0, ENDS[0], "A", "resident", 300)]
    full = small(account=account, crossings=[(0, JAN, "over", "A", 5)]).full("crossings")
    assert full["date"].tolist() == [JAN]


def test_what_cannot_be_filled_up_is_refused() -> None:
    record = small(crossings=[(0, JAN, "over", "A", 5)], prices=[(0, ENDS[0], "over", 900.0, 0.1)])
    with pytest.raises(
        NotFullError, match=r"prices cannot be filled up with 0\. An absent corridor"
    ):
        record.full("prices")
    with pytest.raises(NotFullError, match="headline cannot be filled up"):
        record.full("headline")
    with pytest.raises(NotFullError, match="would have 18 rows, and at most 17 are wanted"):
        record.full("crossings", all_words=True, most_rows=17)
    assert len(record.full("crossings", all_words=True, most_rows=18)) == 18
    with pytest.raises(NoTableError, match="kept no table 'harms'"):
        record.full("harms")
    strange = small(crossings=[(0, JAN, "elsewhere", "A", 5)])
    with pytest.raises(NotFullError, match="words in its column corridor that the scenario"):
        strange.full("crossings")


@pytest.mark.parametrize("name", [it.name for it in TABLES.values() if it.absent.zero])
def test_a_full_table_without_its_zeros_is_the_table(name: str) -> None:
    record = world_record()
    full, kept = record.full(name), record.table(name)
    numbers = [it for it in full if full[it].dtype.kind in "if" and it != "replicate"]
    rest = [it for it in full if it not in numbers]
    told = [
        it[(it[numbers] != 0).any(axis=1)].sort_values(rest).reset_index(drop=True)
        for it in (full, kept)
    ]
    pd.testing.assert_frame_equal(*told)
    assert len(full) >= len(kept)
    if not len(kept):
        pytest.skip("nothing of it happens in the small world")


@cache
def world_record() -> Record:
    return sim.run(small_world("population.agents=2_000"), seed=5, replicates=2)


def test_the_sample_is_whole() -> None:
    record = sample_record(2)
    assert set(record.tables) == set(TABLES)
    assert not record.headline["value"].isna().any()
    assert "seed 7, 2 replicates" in repr(record)


# Against another run -----------------------------------------------------------------------------


def twin(felt: list[float], spent: list[float], dead: list[int]) -> Record:
    """Replicates with one figure each: insecurity-years of hunger, money, deaths on 1 February."""
    n = len(felt)
    record = small(
        replicates=n,
        insecurity=[(it, JAN, "A1", "A", "food", felt[it]) for it in range(n)],
        spending=[(it, JAN, "camp", "B", spent[it]) for it in range(n)],
        harms=[(it, FEB, "over", "A", "death", dead[it], 0.0) for it in range(n)],
    )
    return Record(record.scenario, 5, {"replicates": n, "seeds": list(range(n))}, record.tables)


def figure(table: pd.DataFrame, name: str, threat: str) -> pd.Series[Any]:
    (row,) = table[(table["figure"] == name) & (table["threat"] == threat)].itertuples()
    return pd.Series(row._asdict())


def test_what_a_measure_averts_and_costs_is_paired_by_replicate() -> None:
    base = twin([100.0, 200.0, 300.0], [10.0, 20.0, 30.0], [4, 4, 4])
    variant = twin([90.0, 188.0, 286.0], [60.0, 70.0, 80.0], [2, 2, 2])
    table = variant.against(base)
    # Averted 10, 12, 14 by hunger: mean 12, s 2, t 4.303, n 3.
    food = figure(table, "averted", "food")
    assert food.value == pytest.approx(12)
    assert food.high - food.value == pytest.approx(4.303 * 2 / math.sqrt(3))
    years = 2 * 59 / 365.25  # two lives, from 1 February to the end of March
    assert figure(table, "averted", "death").value == pytest.approx(years)
    assert figure(table, "averted", "all").value == pytest.approx(12 + years)
    assert figure(table, "averted_3pct", "death").value < years
    assert figure(table, "averted", "health").value == 0
    assert figure(table, "extra_spending", "all").value == pytest.approx(50)
    cost = figure(table, "cost_per_year", "food")
    assert cost.value == pytest.approx(50 / 12)
    # With a spending that does not vary, Fieller's bounds are those of the divisor.
    assert cost.low == pytest.approx(50 / food.high)
    assert cost.high == pytest.approx(50 / food.low)
    assert table["n"].eq(3).all()


def test_nothing_averted_has_no_price_and_little_has_no_interval() -> None:
    base = twin([100.0, 200.0], [0.0, 0.0], [0, 0])
    table = base.against(base)
    assert figure(table, "averted", "all").value == 0
    assert math.isnan(figure(table, "cost_per_year", "all").value)
    unsure = twin([99.0, 150.0], [5.0, 5.0], [0, 0]).against(base)
    assert figure(unsure, "cost_per_year", "food").value == pytest.approx(5 / 25.5)
    assert math.isnan(figure(unsure, "cost_per_year", "food").low)
    alone = twin([99.0], [5.0], [0]).against(twin([100.0], [0.0], [0]))
    assert figure(alone, "cost_per_year", "food").value == pytest.approx(5)
    assert math.isnan(figure(alone, "averted", "food").low)


def test_runs_of_other_seeds_are_not_set_against_each_other() -> None:
    one = twin([1.0, 2.0], [0.0, 0.0], [0, 0])
    other = Record(one.scenario, 6, {"replicates": 2, "seeds": [8, 9]}, one.tables)
    with pytest.raises(UnlikeRunsError, match="differ in seeds"):
        one.against(other)
    with pytest.raises(UnlikeRunsError, match="differ in seeds"):
        one.against(twin([1.0], [0.0], [0]))
