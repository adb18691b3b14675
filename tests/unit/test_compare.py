"""Runs set against each other: pairs, intervals, and persons; on records made by hand."""

from __future__ import annotations

import math
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console, RenderableType

from sim.experiments.compare import (
    ARMS,
    EVENTS,
    EXISTS,
    SERIES,
    SUMS,
    bands,
    by_person,
    compare,
    differences,
    independent,
    period_values,
    variance_reduction_factor,
)
from sim.plots import bands as band_view
from sim.plots import compared, wording
from sim.report import compared as tables
from sim.results.measures import MEASURES, headline_values
from sim.results.record import Record, UnlikeRunsError
from sim.results.run import NoTableError
from tests.unit.sample_record import COLUMNS, sample_record, tidy

MONTHS = {"start": "2013-01-01", "end": "2013-03-31"}
MOVES = [[100, 120, 90], [80, 60, 100], [140, 130, 150], [90, 95, 85]]
"""People who arrive abroad in each month of each replicate."""


def hand_made(moves: list[list[int]], seed: int = 7, **manifest: Any) -> Record:
    """A record with one flow of some people a month in each replicate."""
    full = sample_record(1, time=MONTHS)
    n = len(moves)
    days = pd.date_range("2013-01-01", periods=len(moves[0]), freq="MS")
    rows = [
        (r, day, "SY", "ALE", "GZT", "asylum", "necessity", people, people)
        for r, months in enumerate(moves)
        for day, people in zip(days, months, strict=True)
    ]
    columns = "replicate date citizenship origin destination channel answer departed arrived"
    made = {"replicates": n, "seeds": [seed + r for r in range(n)], "agents": 60, "people": 9}
    tables = {"flows": tidy(rows, columns)}
    return Record(full.scenario, seed, {**full.manifest, **made, **manifest}, tables)


def persons(*rows: tuple[Any, ...]) -> pd.DataFrame:
    """Rows of (replicate, identity, home, people, what happened to them in words)."""
    full = []
    for replicate, who, home, people, happened in rows:
        flags = [column in happened.split() for column in
                 ("moved_abroad", "moved_within", "no_means", "no_permission",
                  "died_on_the_way", "died_naturally")]  # fmt: skip
        full.append((replicate, pd.Timestamp("2013-03-31"), who >> 32, who & 0xFFFFFFFF, home,
                     people, *flags))  # fmt: skip
    return tidy(full, COLUMNS["persons"])


def with_persons(*rows: tuple[Any, ...]) -> Record:
    record = hand_made(MOVES[:2])
    return Record(record.scenario, 7, record.manifest, {"persons": persons(*rows)})


def row(table: pd.DataFrame, **where: Any) -> Any:
    for column, value in where.items():
        table = table[table[column] == value]
    assert len(table) == 1
    return table.iloc[0]


def shown(what: RenderableType) -> str:
    out = StringIO()
    Console(file=out, width=80, color_system=None).print(what)
    return out.getvalue()


# Replicate by replicate --------------------------------------------------------------------------


def test_pairs_are_exact() -> None:
    base = hand_made(MOVES)
    variant = hand_made([[a + 10, b, c + r] for r, (a, b, c) in enumerate(MOVES)])
    found = row(differences(base, variant), measure="moved_abroad")
    gaps = np.array([10.0, 11.0, 12.0, 13.0])
    sums = np.sum(MOVES, axis=1)
    assert found["base"] == sums.mean()
    assert found["difference"] == gaps.mean()
    half = 3.182 * gaps.std(ddof=1) / 2  # Student's t, 3 degrees of freedom, four pairs
    assert (found["low"], found["high"]) == pytest.approx((11.5 - half, 11.5 + half))
    both = sums.var(ddof=1) + (sums + gaps).var(ddof=1)
    assert found["variance_reduction_factor"] == pytest.approx(both / gaps.var(ddof=1))
    assert found["variance_reduction_factor"] > 100
    assert found["n"] == 4
    assert found["independent_high"] - found["independent_low"] > 10 * (
        found["high"] - found["low"]
    )


def test_a_planted_difference_is_found_and_covered() -> None:
    draw = np.random.default_rng(5)
    covered = covered_independent = found = 0
    for _ in range(100):
        luck = draw.normal(1000, 100, (10, 3)).astype(int)
        own = draw.normal(20, 5, (10, 3)).astype(int)  # 60 in all, less a half for each cut
        base, variant = hand_made(luck.tolist()), hand_made((luck + own).tolist())
        it = row(differences(base, variant), measure="moved_abroad")
        covered += it["low"] <= 58.5 <= it["high"]
        covered_independent += it["independent_low"] <= 58.5 <= it["independent_high"]
        found += it["low"] > 0
    assert 89 <= covered <= 99
    assert found == 100
    # Luck shared leaves intervals of independent seeds far too wide: they cover always.
    assert covered_independent == 100


def test_without_shared_luck_pairs_save_nothing() -> None:
    draw = np.random.default_rng(6)
    one, other = draw.normal(0, 1, (2, 4000))
    assert variance_reduction_factor(one, other) == pytest.approx(1, abs=0.06)
    assert variance_reduction_factor(one, one + 0.1 * other) == pytest.approx(2 / 0.01, rel=0.1)


def test_the_interval_of_independent_seeds_is_welch_s() -> None:
    one, other = np.array([3.0, 5.0, 4.0, 8.0]), np.array([1.0, 1.0, 2.0, 0.0])
    a, b = one.var(ddof=1), other.var(ddof=1)
    freedom = int(3 * (a + b) ** 2 / (a * a + b * b))
    assert freedom == 3
    it = independent(one, other)
    assert it.value == 4
    assert it.high - it.value == pytest.approx(3.182 * math.sqrt((a + b) / 4))


def test_the_same_run_differs_in_nothing() -> None:
    record = sample_record(3)
    result = compare(record, record)
    assert result.differences["difference"].eq(0).all()
    assert result.differences["low"].eq(0).all()
    assert result.differences["variance_reduction_factor"].isna().all()
    assert result.costs is not None
    assert result.costs[result.costs["figure"] == "averted"]["value"].eq(0).all()
    assert result.persons is not None
    assert result.persons[["only_base", "only_variant"]].eq(0).all().all()
    assert compared.differences_finding(record, record) == "No figure differs between A and B"


def test_one_replicate_has_no_intervals() -> None:
    found = row(differences(hand_made(MOVES[:1]), hand_made([[1, 2, 3]])), measure="moved_abroad")
    assert found["difference"] == 6 - 310
    assert math.isnan(found["low"])
    assert math.isnan(found["variance_reduction_factor"])


@pytest.mark.parametrize(
    ("other", "word"),
    [
        (hand_made(MOVES, seed=8), r"seeds: 8 \(replicates: 4\) and 7 \(replicates: 4\)"),
        (hand_made(MOVES[:3]), "seeds"),
        (hand_made(MOVES, agents=61), "agents: 61 and 60"),
        (hand_made(MOVES, people=10), "people at the start: 10 and 9"),
    ],
)
def test_what_is_no_pair_is_refused(other: Record, word: str) -> None:
    base = hand_made(MOVES)
    for compared_by in (differences, by_person, lambda a, b: bands(b, base=a)):
        with pytest.raises(UnlikeRunsError, match=f"differ in {word}"):
            compared_by(base, other)


def test_another_population_is_refused() -> None:
    base = hand_made(MOVES)
    places = list(base.scenario.places)
    places[1] = places[1].model_copy(update={"people": 5.0})
    scenario = base.scenario.model_copy(update={"places": tuple(places)})
    other = Record(scenario, 7, base.manifest, base.tables)
    with pytest.raises(UnlikeRunsError, match="people at the start in ALE: 5"):
        differences(base, other)


# The population of interest -----------------------------------------------------------------------


def of_syrians(record: Record) -> Record:
    """The same run of a scenario with a focus."""
    population = record.scenario.population.model_copy(update={"focus": ("SY",)})
    scenario = record.scenario.model_copy(update={"population": population})
    return Record(scenario, record.seed, record.manifest, record.tables)


def with_germans(record: Record, people: int) -> Record:
    """The same run with Germans who arrive abroad and are insecure, too."""
    tables = dict(record.tables)
    for name in ("flows", "insecurity"):
        if name in tables:
            column = "arrived" if name == "flows" else "person_years"
            more = tables[name].assign(citizenship="DE", **{column: people})
            whole = pd.concat([tables[name], more], ignore_index=True)
            tables[name] = whole.astype({"citizenship": "category"})
    return Record(record.scenario, record.seed, record.manifest, tables)


def test_differences_and_costs_are_of_the_focus() -> None:
    base, variant = (of_syrians(hand_made(moves)) for moves in (MOVES, MOVES[::-1]))
    wide = [with_germans(it, n) for it, n in ((base, 10_000), (variant, 20_000))]
    pd.testing.assert_frame_equal(differences(*wide), differences(base, variant))
    pd.testing.assert_frame_equal(bands(wide[1], base=wide[0]), bands(variant, base=base))
    record = of_syrians(sample_record(2))
    wide = [with_germans(record, n) for n in (10_000, 20_000)]
    averted = wide[1].against(wide[0]).query("figure == 'averted'")["value"]
    assert (averted == 0).all()


def test_persons_are_counted_of_the_focus() -> None:
    rows = [*BEFORE, (0, 1234, "BER", 50, "moved_abroad"), (1, 1234, "BER", 50, "")]
    base, variant = with_persons(*BEFORE), with_persons(*rows)
    found = by_person(of_syrians(base), of_syrians(variant))
    assert set(found["home"]) == {it.id for it in base.scenario.places if it.country == "SY"}
    assert "BER" in set(by_person(base, variant)["home"])
    whole = by_person(base, variant)
    kept = whole[whole["home"].isin(found["home"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, kept)


def test_runs_about_other_people_are_refused() -> None:
    base = hand_made(MOVES)
    with pytest.raises(UnlikeRunsError, match="the population of interest: SY and everybody"):
        differences(base, of_syrians(base))


def test_comparisons_say_whose_figures_they_are() -> None:
    words = "of the population of interest: Syria"
    for record, count in ((of_syrians(sample_record(2)), 1), (sample_record(2), 0)):
        result = compare(record, record)
        for table in (
            tables.difference_table(result.differences, record, ("a", "b")),
            tables.cost_table(result.costs, record),
            tables.person_table(result.persons, record),
            tables.origin_table(result.persons, record),
        ):
            assert " ".join(shown(table).split()).count(words) == count
        ax = compared.plot_differences(record, record)
        said = " ".join(" ".join(it.get_text() for it in ax.texts).replace("\u00a0", " ").split())
        assert said.count(words) == count


# Over time ---------------------------------------------------------------------------------------


def test_bands_are_pairs_month_by_month() -> None:
    base = hand_made(MOVES)
    variant = hand_made([[a + 10, b - r, c] for r, (a, b, c) in enumerate(MOVES)])
    alone = bands(base, ["moved_abroad"])
    assert alone["value"].tolist() == np.mean(MOVES, axis=0).tolist()
    assert alone["date"].dt.strftime("%m-%d").tolist() == ["01-31", "02-28", "03-31"]
    gap = bands(variant, ["moved_abroad"], base)
    assert gap["value"].tolist() == [10, -1.5, 0]
    assert gap["high"].tolist()[::2] == [10, 0]
    assert gap["high"][1] == pytest.approx(-1.5 + 3.182 * np.std([0, 1, 2, 3], ddof=1) / 2)
    so_far = bands(variant, ["moved_abroad"], base, so_far=True)
    assert so_far["value"].tolist() == [10, 8.5, 8.5]


def test_months_add_up_to_the_headline() -> None:
    record = sample_record(2, time={"start": "2014-01-01", "end": "2015-12-31"})
    whole, parts = headline_values(record), period_values(record)
    for name in SUMS:
        assert np.allclose(parts[name].sum(axis=1), whole[name]), name
    for name in ("refugees_abroad", "claimants_abroad", "displaced", "blocked_no_means"):
        assert parts[name][:, -1].tolist() == whole[name].tolist()
    assert set(parts) == set(SERIES) == set(MEASURES) - {"secure"}


def test_other_periods_are_refused() -> None:
    base = hand_made([[1, 2, 3], [4, 5, 6]])
    flows = base.flows[base.flows["date"] != pd.Timestamp("2013-02-01")]
    other = Record(base.scenario, 7, base.manifest, {"flows": flows})
    with pytest.raises(UnlikeRunsError, match=r"outputs\.every"):
        bands(other, ["moved_abroad"], base)


# Person by person --------------------------------------------------------------------------------

BEFORE = (
    (0, 2**40 + 1, "ALE", 10, "moved_abroad"),
    (0, 2, "ALE", 10, "moved_abroad died_on_the_way"),
    (0, 3, "DAM", 7, "no_means"),
    (0, 4, "DAM", 7, ""),
    (0, 99, "DAM", 7, "moved_within"),
    (1, 2, "ALE", 10, ""),
)
AFTER = (
    (0, 3, "DAM", 7, "no_permission moved_abroad"),
    (0, 4, "DAM", 7, "died_naturally"),
    (0, 2, "ALE", 10, "moved_abroad"),
    (0, 2**40 + 1, "ALE", 10, ""),
    (0, 55, "ALE", 10, "moved_abroad"),
    (0, 56, "ALE", 10, "moved_abroad"),
    (1, 2, "ALE", 10, "moved_within"),
)


def test_persons_are_counted_by_what_happened_to_them_where() -> None:
    found = by_person(with_persons(*BEFORE), with_persons(*AFTER))

    def at(event: str, home: str, replicate: int = 0) -> list[int]:
        it = row(found, replicate=replicate, event=event, home=home)
        return [int(it[arm]) for arm in ARMS]

    assert at("moved_abroad", "ALE") == [10, 0, 10, 0]
    assert at("moved_abroad", "DAM") == [0, 7, 0, 7]
    assert at("no_means", "DAM") == [7, 0, 0, 7]
    assert at("blocked", "DAM") == [0, 0, 7, 7]
    assert at("died_on_the_way", "ALE") == [10, 0, 0, 10]
    assert at("died_naturally", "DAM") == [0, 7, 0, 7]
    # Who exists in one run only is counted apart, whatever happened to them there.
    assert at(EXISTS, "DAM") == [7, 0, 14, 0]
    assert at(EXISTS, "ALE") == [0, 20, 20, 0]
    assert at("moved", "ALE", 1) == [0, 10, 0, 0]
    assert at("moved_within", "GZT") == [0, 0, 0, 0]


def test_counts_add_up_to_the_people() -> None:
    base, variant = with_persons(*BEFORE), with_persons(*AFTER)
    found = by_person(base, variant)
    sums = found.groupby(["replicate", "event"])[list(ARMS)].sum()
    for replicate in (0, 1):
        there, here = (
            it.persons.loc[it.persons["replicate"] == replicate, "people"].sum()
            for it in (base, variant)
        )
        exists = sums.loc[(replicate, EXISTS)]
        assert exists["only_base"] + exists["both"] == there
        assert exists["only_variant"] + exists["both"] == here
        for event in EVENTS:
            assert sums.loc[(replicate, event)].sum() == exists["both"]


def test_order_of_rows_does_not_matter() -> None:
    one = by_person(with_persons(*BEFORE), with_persons(*AFTER))
    assert one.equals(by_person(with_persons(*BEFORE[::-1]), with_persons(*AFTER[::-1])))


def test_runs_without_persons_are_compared_otherwise() -> None:
    base = hand_made(MOVES)
    assert compare(base, base).persons is None
    assert compare(base, base).costs is None
    with pytest.raises(NoTableError, match="persons"):
        by_person(base, base)


# What is shown -----------------------------------------------------------------------------------


def test_tables_say_what_differs_in_80_columns() -> None:
    base = hand_made(MOVES)
    variant = hand_made([[a + 10, b, c + r] for r, (a, b, c) in enumerate(MOVES)])
    text = shown(tables.difference_table(differences(base, variant), variant, ("a", "b")))
    assert max(map(len, text.splitlines())) <= 80
    line = next(it for it in text.splitlines() if it.startswith("arrived abroad"))
    assert "310" in line
    assert "+12*" in line
    assert "x " in line
    assert "died on the way" not in text  # nothing is known of it
    record = sample_record(2)
    result = compare(record, record)
    assert result.costs is not None
    assert result.persons is not None
    for table in (
        tables.cost_table(result.costs, record),
        tables.person_table(result.persons, record),
        tables.origin_table(result.persons, record),
    ):
        assert max(map(len, shown(table).splitlines())) <= 80


def test_households_that_stay_are_a_mean_over_days_in_every_period_and_rest_on_rows() -> None:
    record = sample_record(2)
    stays = period_values(record)["stays_households"]
    days = record.periods["days"].to_numpy()
    headline = record.headline.set_index("measure").loc["stays_households"]
    assert stays.shape == (2, len(days))
    assert (stays @ days / days.sum()).mean() == pytest.approx(headline["value"])
    assert stays.min() > 0.5 * headline["value"]
    assert 0 < headline["rows"] < headline["value"] / 10
    so_far = bands(record, ["stays_households"], so_far=True)["value"]
    assert so_far.max() == pytest.approx(stays.mean(axis=0).max())


def test_answers_are_told_by_month_as_a_run_tells_them() -> None:
    record = sample_record(2)
    table = differences(record, record)
    text = shown(tables.difference_table(table, record, ("a", "b")))
    told = next(it for it in text.splitlines() if it.startswith("households refused permission"))
    of = table.set_index("measure")["base"]
    assert f" {wording.words(of['no_permission_households'] / wording.months(record))} " in told
    stay = next(it for it in text.splitlines() if it.startswith("households that stay"))
    assert f" {wording.words(of['stays_households'])} " in stay
    assert table["base"].equals(differences(record, record)["base"])
    moved = next(it for it in text.splitlines() if it.startswith("arrived abroad"))
    whole = table.set_index("measure").loc["moved_abroad", "base"]
    assert f" {wording.words(whole)} " in moved


def test_titles_state_the_finding() -> None:
    base = hand_made(MOVES)
    variant = hand_made([[2 * a + r for a in months] for r, months in enumerate(MOVES)])
    title = compared.differences_finding(base, variant, ("now", "then"))
    assert title == "then differs from now most in “arrived abroad”: 101 % more"
    gap = band_view.gaps_finding({"now": base, "then": variant}, "moved_abroad")
    assert gap == "Arrived abroad: 314 more by March 2013 in then than in now"
    assert band_view.bands_finding(base, ["moved_abroad"]).startswith("Arrived abroad reached 1")


def test_a_title_names_no_peak_that_chance_may_have_set(monkeypatch: pytest.MonkeyPatch) -> None:
    base = hand_made(MOVES)
    days = pd.date_range("2013-01-31", periods=3, freq="ME")
    for last, said in ((95, "reached 95 in March 2013"), (85, "peaked at 100 in February 2013")):
        values = {"value": [10.0, 100.0, last], "low": 0.0, "high": 200.0, "n": 2, "unit": "people"}
        table = pd.DataFrame({"date": days, "measure": "displaced", **values})
        monkeypatch.setattr(band_view, "bands", lambda *_, table=table: table)
        assert band_view.bands_finding(base, ["displaced"]).endswith(f" {said}")


# From the command line ---------------------------------------------------------------------------


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    base, other = sample_record(2), sample_record(2)
    harms = other.harms.assign(expected=other.harms["expected"] * 2)
    variant = Record(other.scenario, 7, other.manifest, {**other.tables, "harms": harms})
    return base.save(tmp_path / "base"), variant.save(tmp_path / "worse")


def test_compare_prints_and_writes(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from sim.cli.app import main

    base, variant = map(str, folders)
    assert main(["compare", base, variant, "--out", str(tmp_path / "new")]) == 0
    out = capsys.readouterr().out
    assert "worse against base" in out
    assert "Person by person" in out
    assert {it.name for it in (tmp_path / "new").iterdir()} == {
        "bands.csv", "costs.csv", "differences.csv", "differences.png", "persons.csv",
        "gap_displaced.png", "gap_harm_death.png", "gap_moved_abroad.png",
        "gap_refugees_abroad.png",
    }  # fmt: skip
    written = pd.read_csv(tmp_path / "new" / "differences.csv")
    died = written[written["measure"] == "harm_death"].iloc[0]
    assert died["variant"] == pytest.approx(2 * died["base"])
    assert main(["compare", base, variant, base, "--quiet"]) == 0
    assert capsys.readouterr().out == ""


def test_compare_as_json(folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    import json

    from sim.cli.app import main

    assert main(["compare", *map(str, folders), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    (against,) = told["against"]
    assert told["base"].endswith("base")
    assert {it["measure"] for it in against["differences"]} == set(MEASURES)
    assert {it["event"] for it in against["persons"]} == {*EVENTS, EXISTS}


def test_figures_keep_their_names_on_a_narrow_terminal(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from sim.cli.app import main

    monkeypatch.setenv("COLUMNS", "60")
    assert main(["compare", *map(str, folders)]) == 0
    printed = capsys.readouterr().out
    for name in ("arrived abroad", "expected deaths", "humane"):
        assert name in printed


def test_compare_refuses_in_a_sentence(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from sim.cli.app import main

    other = sample_record(3).save(tmp_path / "other")
    base = str(folders[0])
    for words, told in (
        (["compare", base], "two runs or more"),
        (["compare", base, str(other)], "differ in seeds: 7 (replicates: 3) and 7"),
        (["compare", base, str(tmp_path)], "is not the folder of a run"),
        (["compare", base, base, "--series", "deaths"], "no figure over time is called 'deaths'"),
    ):
        assert main(words) == 2
        said = capsys.readouterr().err
        assert told in said
        assert said.count("\n") == 1


def test_a_run_is_compared_with_itself(tmp_path: Path) -> None:
    from sim.cli.app import main

    base = str(hand_made(MOVES).save(tmp_path / "a"))
    same = str(hand_made(MOVES).save(tmp_path / "b" / "a"))
    assert main(["compare", base, base, "--out", str(tmp_path / "one"), "--quiet"]) == 0
    table = pd.read_csv(tmp_path / "one" / "differences.csv")
    assert set(table["run"]) == {f"{base} (2)"}
    assert (table["difference"].dropna() == 0).all()
    # Two folders of one name have a picture each.
    words = ["compare", base, same, base, "--out", str(tmp_path / "two"), "--quiet"]
    assert main(words) == 0
    assert len(list((tmp_path / "two").glob("differences*.png"))) == 2
