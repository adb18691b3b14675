"""The report's first screen, and the words that figures stand under."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

from sim.plots import wording
from sim.plots.moves import mostly
from sim.plots.observed import observed_words
from sim.plots.view import Flow
from sim.report import compared, first, render
from sim.report import text as tables
from sim.report.whom import who_words
from sim.results.record import Record
from tests.unit.sample_record import sample_record, sample_scenario

YEAR = {"start": "2013-01-01", "end": "2013-12-31"}


@pytest.fixture(scope="module")
def record() -> Record:
    return sample_record(2, time={"start": "2013-01-01", "end": "2014-12-31"})


@pytest.fixture(scope="module")
def html(record: Record) -> str:
    return render(record, {"map": b"drawn", "answers": b"drawn"})


def cells(html: str, section: str) -> dict[str, list[str]]:
    """Text of the cells of a section's table by the text that heads their row."""
    body = html.split(f'aria-labelledby="{section}"')[1].split("<tbody>")[1].split("</tbody>")[0]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", it) for it in body.split("</tr>")]
    return {row[0]: row[1:] for row in rows if row}


def printed(table: Any) -> str:
    stream = StringIO()
    Console(file=stream, width=100, color_system=None).print(table)
    return stream.getvalue()


def test_the_report_opens_with_three_sentences_the_map_and_six_figures(
    html: str, record: Record
) -> None:
    top = html.split("<body>")[1].split("<nav")[0]
    assert top.count('class="first"') == 3
    assert (top.count("<img"), html.count("<img")) == (1, 2)
    assert top.count("<li>") == len(first.six_figures(record)) == 6
    assert "<table" not in top
    words = " ".join(re.sub("<[^>]*>", " ", top).split())
    for it in first.six_figures(record).values():
        assert it.found.low <= it.found.value <= it.found.high
        low, high = wording.words(it.found.low), wording.words(it.found.high)
        assert f"{low} to {high} {it.words}" in words
    assert "secure" not in words
    headings = re.findall('<h2 id="([a-z]+)"', html)
    assert headings.index("pictures") < headings.index("observed") < headings.index("headline")


def test_the_first_figures_are_those_of_the_tables(record: Record) -> None:
    figures = first.six_figures(record)
    stocks, headline = record.stocks, record.headline.set_index("measure")["value"]
    last = stocks[stocks["date"] == stocks["date"].max()]
    where = last["place"].astype(str).map({it.id: it.country for it in record.scenario.places})
    there = last[where != last["citizenship"].astype(str)]
    of = there["status"].isin(["refugee", "claimant"])
    assert figures["abroad"].found.value == pytest.approx(there["people"].sum() / 2)
    assert figures["protected"].found.value == pytest.approx(there[of]["people"].sum() / 2)
    assert figures["crossings"].found.value == pytest.approx(headline["moved_abroad"])
    blocked = headline["blocked_no_means"] + headline["blocked_no_permission"]
    assert figures["blocked"].found.value == pytest.approx(blocked)


def test_nothing_is_said_first_of_what_was_not_kept() -> None:
    short = sample_record(time=YEAR)
    kept = {name: it for name, it in short.tables.items() if name not in ("stocks", "blocked")}
    less = Record(short.scenario, 7, short.manifest, kept)
    assert not {"abroad", "protected", "displaced", "blocked"} & set(first.six_figures(less))
    (only,) = first.three_sentences(less)
    assert only.startswith("From first to last they moved")
    assert first.three_sentences(Record(short.scenario, 7, {}, {})) == ()


def test_those_kept_in_are_marked_where_few_simulated_persons_stand_for_them(
    record: Record,
) -> None:
    blocked = record.blocked
    for people, mark in ((1, "~"), (10_000_000, "")):
        only = blocked.assign(people=people)
        tables = {**record.tables, "blocked": only}
        less = Record(record.scenario, 7, record.manifest, tables)
        told = first.three_sentences(less)[-1]
        at_end = only[only["date"] == only["date"].max()]
        for answer, want in (("no_means", "money"), ("no_permission", "permission")):
            count = at_end.loc[at_end["answer"] == answer, "people"].sum() / record.replicates
            assert f" {mark}{wording.words(count)} for want of {want}" in told
        top = render(less, {}).split("<nav")[0]
        assert (wording.FEW_WORDS in " ".join(top.split())) == ("~" in top.split("<figure")[0])


def test_moves_of_necessity_are_called_moves(html: str) -> None:
    text = cells(html, "headline")
    assert not [it for it in text if re.match("people who moved|households that moved", it)]
    assert [it for it in text if it.startswith("moves of necessity, in people")]
    assert "as the scenario assumes" in html


def test_observed_says_whom_each_figure_counts() -> None:
    common = {"id": "x", "of": "SY", "date": "2012-12", "people": 1.0}

    def whose(**figure: Any) -> str:
        return who_words(sample_scenario(observed=[{**common, **figure}]).observed[0])

    assert whose(what="refugees") == (
        "refugees, asylum seekers, without a permit, ordered to leave"
    )
    assert whose(what="refugees", statuses="regular") == "with a permit"
    assert whose(what="foreign_born") == "everybody, whatever the status"
    assert whose(what="arrivals", at="DE") == "everybody who came"
    assert whose(what="arrivals", at="DE", channels=["asylum"]) == "who came by channel: asylum"
    assert whose(what="deaths") == "expected events"


def test_figures_that_are_met_beyond_chance_are_told_apart(html: str, record: Record) -> None:
    assert cells(html, "observed")["Refugees from Syria in Türkiye, end of 2014"][0] == (
        "refugees, asylum seekers, without a permit, ordered to leave"
    )
    frame = record.observed
    low, high = frame["low"] / frame["observed"], frame["high"] / frame["observed"]
    sure = int(((low >= 0.5) & (high <= 2)).sum())
    assert f", {sure} of them with the whole of their interval." in html


def test_refugees_are_not_said_to_be_whom_permit_holders_count_with() -> None:
    figure = {"id": "x", "what": "refugees", "of": "SY", "at": "TR", "date": "2012-12", "people": 1}
    for statuses, words in (
        (["refugee"], "Refugees from Syria in Türkiye"),
        (["refugee", "regular"], "Refugees and permit holders from Syria in Türkiye"),
    ):
        scenario = sample_scenario(observed=[{**figure, "people": 1.0, "statuses": statuses}])
        named = observed_words(Record(scenario, 1, {}, {}), 0)
        assert named == f"{words}, end of 2012"


def test_a_flow_is_of_one_cause_only_where_most_of_it_is() -> None:
    causes = [mostly(Flow("ALE", "GZT", 100, it)) for it in (0, 39, 41, 50, 59, 61, 100)]
    assert causes == ["choice"] * 2 + ["both"] * 3 + ["necessity"] * 2


def test_no_cost_is_shown_where_none_was_given(record: Record) -> None:
    keys = [*compared.COST_WORDS]
    rows = [(*key, "", *([3.0, 1.0, 5.0] if "averted" in key else [0.0] * 3), 2) for key in keys]
    columns = ["figure", "threat", "unit", "value", "low", "high", "n"]
    free = pd.DataFrame(rows, columns=columns)
    text = printed(compared.cost_table(free, record))
    assert "cost of a year averted" not in text
    assert "no cost of B was given" in text
    free.loc[free["figure"] == "extra_spending", ["value", "low", "high"]] = 7.0
    text = printed(compared.cost_table(free, record))
    assert "cost of a year averted" in text
    assert "no cost of B was given" not in text


def test_a_run_is_told_first_in_three_sentences(record: Record) -> None:
    text = printed(tables.first_sentences(record))
    assert " ".join(text.split()) == " ".join(first.three_sentences(record))
    single = printed(tables.first_sentences(sample_record(time=YEAR)))
    assert "--replicates 10" in single
    assert "places at war or not" in printed(tables.scorecard(record))
