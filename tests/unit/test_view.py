"""Pictures, terminal tables and the report: what they say, and that it can be read."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PatchCollection, PathCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox
from rich.console import Console

from sim import report
from sim.core.terms import Answer, Channel, Harm, Threat
from sim.mechanisms.history import OUTCOMES
from sim.plots import (
    bands,
    compared,
    focus,
    funnel,
    maps,
    moves,
    observed,
    pictures,
    sankey,
    style,
    wording,
)
from sim.plots import figures as plots
from sim.report import text as tables
from sim.results.interest import narrowed
from sim.results.intervals import interval
from sim.results.record import Record
from sim.results.run import NoTableError
from tests.unit.sample_record import COLUMNS, sample_record, sample_scenario, tidy

WORDS = tuple(wording.ANSWER_WORDS.values())
YEAR = {"start": "2013-01-01", "end": "2013-12-31"}
PLOTS = {
    "map": maps.plot_map,
    "answers": plots.plot_answers,
    "threats": plots.plot_threats,
    "observed": observed.plot_observed,
    "harms": plots.plot_harms,
    "sankey": sankey.plot_sankey,
    "funnel": funnel.plot_funnel,
    "bands": bands.plot_bands,
    "gaps": lambda record, ax=None: bands.plot_gaps({"A": record, "B": record}, "displaced", ax),
    "differences": lambda record, ax=None: compared.plot_differences(record, record, ax),
}


@pytest.fixture(scope="module")
def record() -> Record:
    return sample_record(2)


@pytest.fixture(scope="module")
def short() -> Record:
    return sample_record(2, time=YEAR)


@pytest.fixture(scope="module")
def still(short: Record) -> Record:
    """A run in which nobody moved, felt anything or came to harm."""
    tables = {name: frame.iloc[:0] for name, frame in short.tables.items()}
    tables["account"] = short.account
    tables["stocks"] = short.stocks[short.stocks["status"] == "citizen"]
    tables["answers"] = short.answers[short.answers["answer"] == "stays"]
    return Record(short.scenario, 7, short.manifest, tables)


def texts(ax: Axes) -> list[str]:
    root = ax.get_figure(root=True)
    assert root is not None
    return [it.get_text().replace("\n", " ").replace("\u00a0", " ") for it in root.findobj(Text)]


def overlap(one: Bbox, other: Bbox) -> float:
    """Common area of two boxes, in square pixels."""
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return float(width * height) if width > 0 and height > 0 else 0.0


def renamed(record: Record, name: str) -> Record:
    """The record with a name in place of all that scenarios give."""
    scenario = record.scenario
    update = {
        what: tuple(it.model_copy(update={"name": name}) for it in getattr(scenario, what))
        for what in ("countries", "places")
    }
    money = scenario.money.model_copy(update={"currency": "$"})
    named = scenario.model_copy(update={**update, "title": name, "money": money})
    return Record(named, record.seed, record.manifest, record.tables)


# --- Pictures


@pytest.mark.parametrize("name", PLOTS)
@pytest.mark.parametrize("word", ["Home ($10_ a) $", "Far \N{ROCKET} \u6f22\u5b57"])
def test_names_are_drawn_as_they_are_written(record: Record, name: str, word: str) -> None:
    ax = PLOTS[name](renamed(record, word))
    style.as_file(ax)  # `$` begins no formula, and letters that the font lacks are no warning
    unread = [it for it in ax.findobj(Text) if "$" in it.get_text() and it.get_parse_math()]
    assert unread == []
    boxes = [it for it in texts(ax) if style.plain(it) != it]
    assert boxes == []


def test_names_that_cannot_be_drawn_are_ids_and_that_is_said_once(record: Record) -> None:
    named = renamed(record, "\N{ROCKET} \u6f22\u5b57")
    said = texts(maps.plot_map(named))
    assert any(it.startswith("TR ") or " TR " in it for it in said)
    assert sum("names that the font cannot write are ids" in it for it in said) == 1
    assert any("model, not a forecast · sample, seed 7" in it for it in said)
    assert style.legible(named) is style.legible(named)  # so that what it works out is kept
    assert style.legible(record) is record
    assert not any("cannot write" in it for it in texts(maps.plot_map(record)))


def test_letters_that_the_font_lacks_are_put_in_plain_words() -> None:
    same = "Türkiye · Ελλάδα · Сирия · سوريا"
    assert style.plain(same) == same
    assert style.plain("Far \N{ROCKET} \u6f22") == "Far (rocket) (U+6F22)"
    assert style.plain("a\N{TAG LATIN SMALL LETTER A}b") == "ab"


@pytest.mark.parametrize("name", PLOTS)
def test_nothing_touches_the_edge(record: Record, name: str) -> None:
    ax = PLOTS[name](record)
    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    drawn = figure.get_tightbbox()
    assert drawn.x0 >= 0.03
    assert drawn.x1 <= style.WIDTH - 0.03


def test_figures_of_the_funnel_have_room_after_their_bars(record: Record) -> None:
    # The longest bar is one with the longest figure: those struck, twice, and in per cent.
    flows = record.flows.assign(departed=record.flows["departed"] // 50)
    harms = record.harms.assign(expected=record.harms["expected"] * 1000)
    long = Record(record.scenario, 7, record.manifest, {"flows": flows, "harms": harms})
    for ax in (None, Figure(figsize=(5, 5)).subplots()):
        ax = funnel.plot_funnel(long, ax)
        figure = ax.get_figure(root=True)
        assert figure is not None
        figure.draw_without_rendering()
        edge = ax.get_window_extent().x1
        for text in ax.texts:
            if " %" in text.get_text() and "\n" not in text.get_text():
                assert text.get_window_extent().x1 <= edge
        key = ax.get_legend().get_window_extent()
        assert key.y1 <= ax.get_window_extent().y0 + 1


def spiked(record: Record, month: int, times: int) -> Record:
    """The sample with one month in which many more move."""
    answers = record.answers.copy()
    days = np.sort(answers["date"].unique())
    at = (answers["date"] == days[month]) & (answers["answer"] == "necessity")
    answers.loc[at, "households"] *= times
    return Record(record.scenario, 7, record.manifest, {**record.tables, "answers": answers})


@pytest.mark.parametrize("month", [0, 30, -1])
def test_a_spike_is_cut_and_told(record: Record, month: int) -> None:
    usual = plots.plot_answers(record).get_ylim()[1]
    ax = plots.plot_answers(spiked(record, month, 100))
    assert ax.get_ylim()[1] < 2 * usual
    said = texts(ax)
    assert any("per month. The axis is cut." in it for it in said)
    (told,) = (it for it in ax.texts if it.get_text().startswith("↑ "))
    table, _ = plots.by_month(
        spiked(record, month, 100), spiked(record, month, 100).answers, "answer", "households"
    )
    drawn = table[list(plots.DRAWN_ANSWERS)].sum(axis=1)
    when = wording.month_word(drawn.idxmax())
    assert told.get_text() == f"↑ {wording.words(drawn.max())} in {when}"
    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    figure.draw_without_rendering()
    box, inside = told.get_window_extent(), ax.get_window_extent()
    assert inside.x0 <= box.x0 < box.x1 <= inside.x1
    names = [it.get_window_extent() for it in ax.texts if it.get_text() in WORDS]
    assert len(names) == 4
    for one, other in itertools.combinations([*names, box], 2):
        assert overlap(one, other) == 0
    for name in names:
        assert inside.y0 - 1 <= name.y0 < name.y1 <= inside.y1 + 1


def test_what_is_no_spike_is_not_cut(record: Record) -> None:
    for run in (record, spiked(record, 30, 3)):
        assert not any("axis is cut" in it for it in texts(plots.plot_answers(run)))


@pytest.mark.parametrize("name", PLOTS)
def test_a_picture_draws_where_it_is_told(record: Record, name: str) -> None:
    figure = Figure(figsize=(9, 5))
    left, right = figure.subplots(1, 2)
    assert PLOTS[name](record, left) is left
    assert left.has_data() or left.patches
    assert not right.has_data()
    figure.draw_without_rendering()


@pytest.mark.parametrize("name", PLOTS)
def test_a_picture_says_what_it_is(record: Record, name: str) -> None:
    said = " ".join(texts(PLOTS[name](record)))
    assert "A model, not a forecast" in said
    assert "Syria <and> its neighbours, made up, seed 7, mean of 2 replicates" in said


@pytest.mark.parametrize("name", PLOTS)
@pytest.mark.parametrize("title", ["Short", "A title that is very much longer than usual " * 3])
def test_nothing_is_clipped(short: Record, name: str, title: str) -> None:
    scenario = short.scenario.model_copy(update={"title": title})
    record = Record(scenario, 7, short.manifest, short.tables)
    figure = PLOTS[name](record).get_figure(root=True)
    assert isinstance(figure, Figure)
    drawn = figure.get_tightbbox()  # in inches
    boxes = [drawn.transformed(figure.dpi_scale_trans)]
    boxes += [it.get_window_extent() for ax in figure.axes for it in ax.texts]
    for box in boxes:
        assert box.x0 >= -1
        assert box.y0 >= -1
        assert box.x1 <= figure.bbox.x1 + 1
        assert box.y1 <= figure.bbox.y1 + 1


@pytest.mark.parametrize("name", PLOTS)
def test_letters_are_read_400_pixels_wide(record: Record, name: str) -> None:
    figure = PLOTS[name](record).get_figure(root=True)
    assert isinstance(figure, Figure)
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip():
            pixels = text.get_fontsize() / 72 * 400 / figure.get_figwidth()
            assert pixels >= 6.9, text


@pytest.mark.parametrize("name", PLOTS)
def test_a_quiet_run_is_drawn_too(still: Record, name: str) -> None:
    figure = PLOTS[name](still).get_figure(root=True)
    assert isinstance(figure, Figure)
    figure.draw_without_rendering()


def test_titles_state_the_finding(record: Record, still: Record) -> None:
    assert plots.answers_finding(record).startswith("On average ")
    assert plots.harms_finding(record).startswith("The risks met on the way amount to ")
    assert maps.map_finding(still) == "Nobody crossed a border"
    assert plots.answers_finding(still) == "Nobody moved"
    assert plots.harms_finding(still) == "No risk of death was met on the way"
    where = {"ALE": "SY", "GZT": "TR", "IST": "TR"}
    flows = record.flows
    entered = flows[flows["origin"].isin(["ALE"]) & flows["destination"].isin(["GZT", "IST"])]
    people = entered["arrived"].sum() / 2
    assert set(where) >= set(entered["destination"])
    expected = f"{wording.words(people)} arrivals in Türkiye by December 2016"
    tables = {it: frame for it, frame in record.tables.items() if it != "stocks"}
    unstocked = Record(record.scenario, 7, record.manifest, tables)
    assert maps.map_finding(unstocked) == expected
    assert expected in texts(maps.plot_map(unstocked))


def test_the_finding_on_answers_is_a_monthly_mean(record: Record) -> None:
    answers = record.answers
    went = (
        answers[answers["answer"].isin(["choice", "necessity"])].groupby("date")["households"].sum()
    )
    # Months are taken as of equal length.
    moved = (went / went.index.days_in_month).sum() * 365.25 / 12 / 72 / 2
    assert f"On average {wording.words(moved)} households moved per month" in plots.answers_finding(
        record
    )


def test_observed_counts_what_lies_within_a_factor_of_two(record: Record) -> None:
    ratio = record.observed["simulated"] / record.observed["observed"]
    near = ((ratio >= 0.5) & (ratio <= 2)).sum()
    assert 0 < near < len(ratio)
    assert observed.observed_finding(record).startswith(f"{near} of {len(ratio)} ")


def test_many_observed_figures_become_points() -> None:
    figures = [
        {"id": f"x{it}", "what": "refugees", "of": "SY", "at": "TR", "date": f"2013-{it:02d}",
         "people": 10.0 ** (it % 6)} for it in range(1, 13)
    ]  # fmt: skip
    figures += [{**it, "id": f"y{it['id']}", "at": "LB"} for it in figures]
    record = sample_record(time=YEAR, observed=figures)
    ax = observed.plot_observed(record)
    assert ax.get_xlabel() == "observed people"
    assert ax.get_ylabel() == "simulated people"
    written = [it.get_text() for it in ax.texts]
    listed = next(it for it in written if "Refugees in " in it).splitlines()
    assert 0 < len(listed) <= observed.MOST_NAMES
    numbers = [str(i) for i in range(1, len(listed) + 1)]
    assert [it.split()[0] for it in listed] == numbers
    assert [it for it in written if it.isdigit()] == numbers
    first = re.match(r"1  (\S+(?: M)?) → (\S+(?: M)?): Refugees in (\w+)", listed[0])
    assert first is not None
    table = record.observed
    apart = np.abs(np.log(np.maximum(table["simulated"], 1.15 * 10 / 3) / table["observed"]))
    most = table.iloc[int(apart.argmax())]
    assert first.groups()[:2] == (wording.words(most["observed"]), wording.words(most["simulated"]))


def test_a_list_of_figures_stays_within_the_picture() -> None:
    many = [
        {"id": f"x{it}", "what": "arrivals", "of": "SY", "at": "TR", "since": "2013-01",
         "date": f"2013-{it % 12 + 1:02d}", "people": 10.0 ** (it % 6)} for it in range(20)
    ]  # fmt: skip
    ax = observed.plot_observed(sample_record(time=YEAR, observed=many))
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    listed = next(it for it in ax.texts if "Arrivals in " in it.get_text())
    assert listed.get_window_extent().x0 < ax.bbox.x0
    assert listed.get_window_extent().x1 <= figure.bbox.x1
    source = next(it for it in ax.texts if "A model, not a forecast" in it.get_text())
    assert listed.get_window_extent().y0 > source.get_window_extent().y1
    right = Figure(figsize=(12, 5)).subplots(1, 2)[1]
    observed.plot_observed(sample_record(time=YEAR, observed=many), right)
    right.get_figure().draw_without_rendering()
    listed = next(it for it in right.texts if "Arrivals in " in it.get_text())
    assert listed.get_window_extent().x0 == pytest.approx(right.bbox.x0, abs=2)


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        ({"what": "refugees", "at": "LB", "date": "2014-12"},
         "Refugees from Syria in Lebanon, end of 2014"),
        ({"what": "refugees", "date": "2014-06"}, "Refugees from Syria abroad, June 2014"),
        ({"what": "displaced", "date": "2014-12"}, "Displaced in Syria, end of 2014"),
        ({"what": "deaths", "at": "aegean", "date": "2015-12", "since": "2015-01-01"},
         "Deaths, Istanbul to Athens, 2015"),
        ({"what": "deaths", "date": "2015-06", "since": "2014-11-01"},
         "Deaths on the way, November 2014 to June 2015"),
        ({"what": "arrivals", "at": "aegean", "date": "2015-12", "since": "2014-01-01"},
         "Arrivals from Syria, Istanbul to Athens, 2014 to 2015"),
        ({"what": "asylum_seekers", "at": "DE", "date": "2015-12"},
         "Asylum seekers from Syria in Germany, end of 2015"),
        ({"what": "foreign_born", "of": ["SY", "IQ", "LB"], "at": "DE", "date": "2015-07"},
         "Foreign-born from Syria, Iraq and Lebanon in Germany, July 2015"),
        ({"what": "interceptions", "at": "aegean", "date": "2015-09", "since": "2014-10"},
         "Interceptions of people from Syria, Istanbul to Athens, October 2014 to September 2015"),
        ({"what": "interceptions", "party": "families", "at": "aegean", "date": "2015-09"},
         "Interceptions of families from Syria, Istanbul to Athens, to September 2015"),
        ({"what": "forced_returns", "at": "DE", "date": "2015-12"},
         "Forced returns to Syria, Germany, to 2015"),
    ],
)  # fmt: skip
def test_observed_figures_have_names(figure: dict[str, Any], words: str) -> None:
    scenario = sample_scenario(observed=[{"id": "x", "of": "SY", "people": 1.0, **figure}])
    record = Record(scenario, 1, {}, {})
    assert observed.observed_words(record, 0) == words


def test_brief_names_tell_citizens_of_several_countries_apart() -> None:
    def names(*countries: Any) -> list[str]:
        shared = {"what": "refugees", "at": "DE", "date": "2014-12", "people": 1.0}
        figures = [{"id": f"x{i}", "of": it, **shared} for i, it in enumerate(countries)]
        record = Record(sample_scenario(observed=figures), 1, {}, {})
        return [observed.observed_words(record, i, brief=True) for i in range(len(figures))]

    assert names("SY") == ["Refugees in Germany, end of 2014"]
    assert names("SY", "SY") == ["Refugees in Germany, end of 2014"] * 2
    assert names("SY", ["SY", "IQ"]) == [
        "Refugees in Germany (SY), end of 2014",
        "Refugees in Germany (SY, IQ), end of 2014",
    ]


def test_stacked_bands_add_up(record: Record) -> None:
    table, unit = plots.by_month(record, record.answers, "answer", "households")
    assert unit == "per month"
    days = table.index.days_in_month * 12 / 365.25
    heads = record.answers["households"].sum() / 2
    assert table.mul(days, axis=0).to_numpy().sum() == pytest.approx(heads)
    assert len(table) == 72


@pytest.mark.parametrize("name", ["answers", "threats"])
def test_bands_are_named_where_they_end_without_colour(
    record: Record, short: Record, name: str
) -> None:
    words = wording.ANSWER_WORDS.values() if name == "answers" else style.THREATS
    for run in (record, short):
        ax = PLOTS[name](run)
        figure = ax.get_figure(root=True)
        assert isinstance(figure, Figure)
        figure.draw_without_rendering()
        labels = [it for it in ax.texts if it.get_text() in words]
        assert len(labels) == len(ax.collections) == (4 if name == "answers" else 7)
        boxes = [it.get_window_extent() for it in labels]
        for below, above in itertools.pairwise(boxes):
            assert below.y1 <= above.y0 + 1
        inside = ax.get_window_extent()
        assert boxes[0].y0 >= inside.y0 - 1
        assert boxes[-1].y1 <= inside.y1 + 1
        # A line leads to each from the middle of its band, and no band reaches the names.
        reached = 0.0
        for line, band, box in zip(ax.lines, ax.collections, boxes, strict=True):
            (x0, y0), *_, (x1, y1) = line.get_transform().transform(line.get_xydata())
            shape = band.get_paths()[0].vertices
            end = ax.transData.transform(shape[shape[:, 0] == shape[:, 0].max()])
            assert y0 == pytest.approx(end[:, 1].min() / 2 + end[:, 1].max() / 2, abs=1)
            assert x0 == pytest.approx(end[0, 0], abs=1)
            assert y1 == pytest.approx((box.y0 + box.y1) / 2, abs=2)
            assert x1 < box.x0
            reached = max(reached, float(end[:, 0].max()))
        assert reached < min(box.x0 for box in boxes)


@pytest.mark.parametrize(
    ("end", "first", "most"), [("2018-12-31", "2011", 8), ("2012-06-30", "Jan 2011", 6)]
)
def test_time_is_written_in_years_or_months(end: str, first: str, most: int) -> None:
    ax = plots.plot_answers(sample_record(time={"start": "2011-01-01", "end": end}))
    labels = [it.get_text() for it in ax.get_xticklabels()]
    assert labels[0] == first
    assert 2 <= len(labels) <= most


def test_weeks_are_drawn_by_month() -> None:
    weekly = sample_scenario(time={**YEAR, "step": "week"})
    flows = pd.DataFrame(
        {
            "replicate": 0,
            "date": pd.date_range("2013-01-01", periods=8, freq="7D"),
            "answer": pd.Categorical(["choice"] * 8),
            "households": 1,
        }
    )
    table, unit = plots.by_month(Record(weekly, 1, {}, {}), flows, "answer", "households")
    assert unit == "per month"
    # Five weeks and three: as many a month of equal length.
    assert table["choice"].tolist() == pytest.approx([365.25 / 12 / 7, 3 / 4 * 365.25 / 12 / 7])


def test_threats_are_those_of_the_country_most_people_left(record: Record) -> None:
    assert plots.most_left(record) == "SY"
    said = re.compile(r"As the scenario assumes, \w+ insecurity weighed most in (.*): \d+ % of all")
    for ax, country in (
        (plots.plot_threats(record), "Syria"),
        (plots.plot_threats(record, country="DE"), "Germany"),
    ):
        found = [it for it in map(said.match, texts(ax)) if it]
        assert [it.group(1) for it in found] == [country]


def test_nothing_is_left_in_pyplot_or_in_the_settings(record: Record) -> None:
    code = (
        "import sys, matplotlib\n"
        "before = dict(matplotlib.rcParams)\n"
        "from tests.unit.sample_record import sample_record\n"
        "from sim.plots import focus, maps, pictures\n"
        "from sim.plots import figures as plots\n"
        "pictures.draw(sample_record(), 'answers')\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "assert dict(matplotlib.rcParams) == before\n"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, cwd=root)


def test_the_same_run_gives_the_same_picture(record: Record) -> None:
    assert pictures.draw(record, "harms") == pictures.draw(record, "harms")


# --- The map


def test_flows_sum_over_channels_and_average_over_replicates(record: Record) -> None:
    flows = {(it.origin, it.destination): it for it in maps.flows_by_size(record)}
    table = record.flows
    rows = table[(table["origin"] == "GZT") & (table["destination"] == "BER")]
    found = flows["GZT", "BER"]
    assert found.arrived == rows["arrived"].sum() / 2
    assert found.forced == rows[rows["answer"] == "necessity"]["arrived"].sum() / 2
    assert 0 < found.forced < found.arrived
    countries = {(it.origin, it.destination) for it in maps.flows_by_size(record, by="country")}
    assert ("SY", "SY") not in countries
    assert ("SY", "TR") in countries


def test_flows_that_are_kept_are_those_of_the_run_and_the_question(record: Record) -> None:
    asked: list[Any] = [{"by": "country"}, {"by": "place"}, {"by": "place", "within": False}]
    found = [maps.flows_by_size(record, **question) for question in asked]
    assert len(set(found)) == 3
    assert [maps.flows_by_size(record, **question) for question in asked] == found
    half = Record(record.scenario, 7, record.manifest, {"flows": record.flows.iloc[::2]})
    total = sum(it.arrived for it in maps.flows_by_size(half))
    assert total == half.flows["arrived"].sum() / 2 < record.flows["arrived"].sum() / 2


def test_a_run_within_one_country_is_mapped_by_place(record: Record) -> None:
    flows = record.flows
    within = flows[flows["channel"] == "internal"]
    quiet = Record(record.scenario, 1, record.manifest, {"flows": within})
    said = texts(maps.plot_map(quiet))
    assert "Nobody crossed a border" in said
    assert {"Aleppo", "Damascus"} <= set(said)


def test_who_comes_back_to_the_start_is_not_drawn(short: Record) -> None:
    flows = short.flows[short.flows["channel"] == "internal"]
    back = flows.assign(destination=flows["origin"])
    quiet = Record(short.scenario, 1, short.manifest, {"flows": pd.concat([flows, back])})
    ax = maps.plot_map(quiet)
    assert len([it for it in ax.patches if isinstance(it, FancyArrowPatch)]) == 1


# --- From where to what end


def test_the_sankey_says_what_became_of_most(record: Record, still: Record) -> None:
    paths = record.paths
    total = paths["people"].sum() / 2
    refugees = paths[paths["outcome"] == "refugee"]
    share = 100 * refugees["people"].sum() / 2 / total
    expected = (
        f"Of {wording.people(total)} whose household has set out abroad, "
        f"{share:.0f} % were refugees in December 2016, the largest group in Türkiye"
    )
    assert sankey.sankey_finding(record) == expected
    drawn = " ".join(" ".join(texts(sankey.plot_sankey(record))).split())
    assert expected in drawn
    assert "those whom a migrant joins share the path" in drawn
    assert sankey.sankey_finding(still) == "Nobody crossed a border"
    in_one = paths[(paths["outcome"] != "refugee") | (paths["country"] == "TR")]
    one = Record(record.scenario, 7, record.manifest, {**record.tables, "paths": in_one})
    assert sankey.sankey_finding(one).endswith(
        "were refugees in December 2016, all of them in Türkiye"
    )
    home = paths.assign(outcome="citizen", country="SY")
    back = Record(record.scenario, 7, record.manifest, {**record.tables, "paths": home})
    assert sankey.sankey_finding(back).endswith(" 100 % were at home in December 2016")


ENDED = {
    "refugee": "were refugees", "claimant": "were asylum seekers",
    "regular": "lived abroad in regular stay", "irregular": "lived abroad in irregular stay",
    "ordered": "lived abroad in irregular stay", "travelling": "were under way or held",
    "stranded": "were under way or held", "detained": "were under way or held",
    "captive": "were under way or held", "died_on_the_way": "had died on the way",
    "died_naturally": "had died a natural death", "displaced": "were displaced at home",
    "citizen": "were at home",
}  # fmt: skip
"""What is said of people who ended so: who is ordered to leave has no leave to stay."""


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_the_sankey_draws_each_outcome_as_what_it_is(record: Record, outcome: str) -> None:
    home = {"country": record.paths["citizenship"]} if outcome == "citizen" else {}
    paths = record.paths.assign(outcome=outcome, **home)
    all_ = Record(record.scenario, 7, record.manifest, {**record.tables, "paths": paths})
    assert f" 100 % {ENDED[outcome]}" in sankey.sankey_finding(all_)


def test_citizens_of_a_new_country_are_not_back_home(record: Record) -> None:
    paths = record.paths.assign(outcome="citizen", citizenship="SY")
    paths["country"] = ["SY", *["TR"] * (len(paths) - 1)]
    some = Record(record.scenario, 7, record.manifest, {**record.tables, "paths": paths})
    people = paths["people"] / 2
    ends = sankey.ends_by_country(some)
    assert ends.loc["SY", "back"] == people.iloc[0]
    assert ends.loc["TR", "back"] == ends.loc["SY", "naturalised"] == 0
    assert ends.loc["TR", "naturalised"] == pytest.approx(people.iloc[1:].sum())
    assert sankey.sankey_finding(some).endswith(
        " were citizens of their new country in December 2016, all of them in Türkiye"
    )
    said = sankey.sankey_text(some)
    assert f"naturalised {wording.words(people.iloc[1:].sum())}" in said
    assert f"at home {wording.words(people.iloc[0])}" in said


def test_nobody_is_lost_between_the_columns(record: Record) -> None:
    everybody = record.paths["people"].sum() / 2
    merged = sankey._merged(sankey._paths(record))
    assert merged["people"].sum() == pytest.approx(everybody)
    rooms = dict.fromkeys(sankey.COLUMNS, 1.2)
    nodes, unit = sankey._lay_out(sankey._labels(record, merged, rooms), 300.0)
    for column in nodes:
        assert sum(it.people for it in column.values()) == pytest.approx(everybody)
        tops = [it.top for it in column.values()]
        assert tops == sorted(tops, reverse=True)
        assert max(tops) <= 300
        for node in column.values():
            assert node.height == pytest.approx(max(unit * node.people, sankey.THIN))
            assert node.top - node.height >= -1e-6
    # Those who went straight are told apart from those who went by way of another country.
    straight = record.paths[record.paths["came_from"] == "SY"]["people"].sum() / 2
    assert nodes[1][sankey.DIRECT].people == pytest.approx(straight)


def test_ribbons_are_as_wide_as_people_are_many(record: Record) -> None:
    ax = sankey.plot_sankey(record)
    ribbons = [it for it in ax.collections if isinstance(it, PathCollection)]
    assert len(ribbons) == 3
    bars = [it for it in ax.collections if isinstance(it, PatchCollection)]
    tall = [np.ptp(path.vertices[:, 1]) for path in bars[0].get_paths()]
    origin = max(tall)
    for collection in ribbons:
        widths = [path.vertices[0, 1] - path.vertices[7, 1] for path in collection.get_paths()]
        assert sum(widths) == pytest.approx(origin, rel=0.02)


def test_ribbons_leave_and_enter_within_their_nodes(record: Record) -> None:
    ax = sankey.plot_sankey(record)
    boxes = [
        path.get_extents()
        for it in ax.collections
        if isinstance(it, PatchCollection)
        for path in it.get_paths()
    ]
    for collection in ax.collections:
        if not isinstance(collection, PathCollection):
            continue
        for path in collection.get_paths():
            corners = path.vertices
            for top, bottom, side in (
                (corners[0], corners[7], "x1"),
                (corners[3], corners[4], "x0"),
            ):
                inside = [
                    abs(getattr(box, side) - top[0]) < 1e-6
                    and box.y0 - 0.3 <= bottom[1] <= top[1] <= box.y1 + 0.3
                    for box in boxes
                ]
                assert any(inside)


def many_paths(record: Record, countries: int) -> Record:
    """The sample with people of many countries with long names, on all sorts of ways."""
    draw = np.random.default_rng(4)
    template = record.scenario.countries[0]
    ids = [f"C{it:02d}" for it in range(countries)]
    named = tuple(
        template.model_copy(
            update={"id": it, "name": f"{it} and the Dependencies of the Far Isles"}
        )
        for it in ids
    )
    rows = [
        (0, record.paths["date"].max(), *draw.choice(ids, 3), draw.choice(OUTCOMES),
         int(draw.lognormal(8, 2)))
        for _ in range(600)
    ]  # fmt: skip
    scenario = record.scenario.model_copy(update={"countries": named})
    tables = {**record.tables, "paths": tidy(rows, COLUMNS["paths"])}
    return Record(scenario, 7, record.manifest, tables)


@pytest.mark.parametrize("countries", [0, 3, 40])
def test_labels_of_the_sankey_do_not_overlap(record: Record, countries: int) -> None:
    many = many_paths(record, countries) if countries else record
    ax = sankey.plot_sankey(many)
    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    figure.draw_without_rendering()
    labels = [it for it in ax.texts if isinstance(it, Annotation) and it.get_zorder() == 5]
    assert 12 <= len(labels) <= sum(sankey.MOST.values()) + 3 + len(sankey.ENDS)
    boxes = [it.get_window_extent() for it in labels]
    for one, other in itertools.combinations(boxes, 2):
        assert overlap(one, other) <= 0.12 * min(one.width * one.height, other.width * other.height)
    for box in boxes:
        assert box.x1 <= figure.bbox.x1
    sums = sankey._paths(many).groupby("outcome")["people"].sum()
    said = " ".join(it.get_text() for it in labels).replace("\n", " ")
    for end, people in sums.items():
        assert f"{sankey.END_WORDS[str(end)][0]} {wording.words(people)}" in said


def test_small_countries_are_put_together(record: Record) -> None:
    merged = sankey._merged(sankey._paths(many := many_paths(record, 40)))
    assert merged["people"].sum() == pytest.approx(many.paths["people"].sum() / 2)
    for column, most in sankey.MOST.items():
        kept = set(merged[column]) - {sankey.DIRECT, sankey.HOME}
        assert sankey.OTHERS in kept
        assert len(kept) == most
    # One small country alone keeps its name; two are put together.
    last = record.paths["date"].max()
    rows = [(0, last, "SY", "SY", it, "refugee", 9000) for it in ("TR", "LB")]
    for small, kept in ((["EG"], {"EG"}), (["EG", "GR"], {sankey.OTHERS})):
        more = [(0, last, "SY", "SY", it, "refugee", 9) for it in small]
        table = tidy(rows + more, COLUMNS["paths"])
        few = Record(record.scenario, 7, record.manifest, {"paths": table})
        assert set(sankey._merged(sankey._paths(few))["stay"]) == {"TR", "LB", *kept}


# --- The funnel


def rows_of(record: Record) -> dict[str, float]:
    return {it.words: float(it.people.mean()) for it in funnel._bars(record)}


def test_every_row_of_the_funnel_comes_from_a_table(record: Record) -> None:
    rows, flows, harms = rows_of(record), record.flows, record.harms
    risky = flows[flows["channel"].isin(["asylum", "irregular"])]
    last = record.blocked[record.blocked["date"] == record.blocked["date"].max()]
    claims = record.claims.groupby("stage", observed=True)["people"].sum() / 2
    assert rows["set out"] == flows["departed"].sum() / 2
    assert rows["asylum or irregular"] == risky["departed"].sum() / 2
    assert rows["arrived"] == risky["arrived"].sum() / 2
    kept = [
        last.loc[last["answer"] == it, "people"].sum() / 2 for it in ("no_permission", "no_means")
    ]
    assert [rows["refused permission"], rows["cannot pay"]] == kept
    assert rows["would move"] == rows["set out"] + sum(kept)
    inside = flows[flows["channel"] == "internal"]["departed"].sum() / 2
    assert rows["within a country"] == inside
    others = rows["set out"] - rows["asylum or irregular"] - inside
    assert rows["regularly, or home"] == others > 0
    assert any("home: back to where" in it for it in texts(funnel.plot_funnel(record)))
    suffered = harms.groupby("harm", observed=True)[["expected", "people"]].sum() / 2
    assert len(suffered) >= 8
    counted = {it.words: it.counted for it in funnel._bars(record)}
    for harm, words in wording.HARM_WORDS.items():
        assert rows.get(words, 0.0) == pytest.approx(suffered["expected"].get(harm, 0.0))
        assert counted.get(words, 0.0) == pytest.approx(suffered["people"].get(harm, 0.0))
        assert counted.get(words, 0.0) != rows.get(words, 0.0) or harm not in suffered.index
    for words, stage in (("accepted", "accepted"), ("claimed asylum", "claimed"),
                         ("recognised", "recognised"), ("rejected", "rejected")):  # fmt: skip
        assert rows[words] == claims[stage] > 0
    order = list(rows)
    assert order.index("set out") < order.index("died") < order.index("arrived")
    assert order.index("arrived") < order.index("recognised") < order.index("returned by force")


def test_the_funnel_says_how_many_arrived_and_found_refuge(record: Record, still: Record) -> None:
    rows = rows_of(record)
    out = rows["asylum or irregular"]
    arrived = 100 * rows["arrived"] / out
    refuge = 100 * (rows["accepted"] + rows["recognised"]) / out
    expected = (
        f"Of each 100 who set out for asylum or irregularly, {arrived:.0f} arrived and "
        f"{refuge:.0f} were accepted or recognised as refugees"
    )
    assert expected in texts(ax := funnel.plot_funnel(record))
    assert f"{wording.words(out)} · 100 %" in texts(ax)
    assert f"{wording.words(rows['arrived'])} · {arrived:.0f} %" in texts(ax)
    assert wording.words(rows["would move"]) in texts(ax)
    assert funnel.funnel_finding(still) == "Nobody set out for asylum or irregularly"
    assert list(rows_of(still)) == ["would move", "set out", "asylum or irregular", "arrived"]
    harms = record.harms[record.harms["harm"] != "kidnapping"]
    few = Record(record.scenario, 7, record.manifest, {"flows": record.flows, "harms": harms})
    assert {"held captive", "would move", "recognised"}.isdisjoint(rows_of(few))
    assert funnel.funnel_finding(few) == expected.partition(" and ")[0]
    assert "accepted: " not in " ".join(texts(funnel.plot_funnel(few)))


def test_small_shares_are_not_written_as_none() -> None:
    written = [funnel._per_cent(it) for it in (0.0, 0.0001, 0.0123, 0.0996, 0.5, 1.0)]
    assert written == ["0 %", "< 0.1 %", "1.2 %", "10 %", "50 %", "100 %"]
    assert [funnel._of_100(it) for it in (0.0, 0.004, 0.51)] == ["none", "fewer than 1", "51"]


def test_strokes_are_intervals(record: Record, short: Record) -> None:
    ax = funnel.plot_funnel(record)
    bars = funnel._bars(record)
    (strokes,) = (it for it in ax.collections if isinstance(it, LineCollection))
    ends = [it[:, 0] for it in strokes.get_segments()]
    assert len(ends) == len(bars)
    for (low, high), bar in zip(ends, bars, strict=True):
        found = interval(bar.people, low=0.0)
        assert (low, high) == pytest.approx((found.low, found.high))
    single = Record(short.scenario, 7, {**short.manifest, "replicates": 1}, {
        name: frame[frame["replicate"] == 0] for name, frame in short.tables.items()
    })  # fmt: skip
    alone = funnel.plot_funnel(single)
    assert not any(isinstance(it, LineCollection) for it in alone.collections)
    assert not any("intervals" in it for it in texts(alone))


@pytest.mark.parametrize(("kind", "table"), [("sankey", "paths"), ("funnel", "harms")])
def test_a_picture_without_its_table_says_so(record: Record, kind: str, table: str) -> None:
    tables = {name: it for name, it in record.tables.items() if name != table}
    few = Record(record.scenario, 7, record.manifest, tables)
    with pytest.raises(NoTableError, match=table):
        PLOTS[kind](few)
    assert not pictures.is_kept(few, kind)


# --- The focus


@pytest.fixture(scope="module")
def syrian(record: Record) -> Record:
    """The sample with a focus, and coarse rows of Germans who move, come to harm, and answer."""
    population = record.scenario.population.model_copy(update={"focus": ("SY",)})
    scenario = record.scenario.model_copy(update={"population": population})
    tables = dict(record.tables)
    for name, change in (
        ("flows", {"citizenship": "DE", "origin": "BER", "destination": "STO", "arrived": 41_000}),
        (
            "harms",
            {"citizenship": "DE", "harm": "death", "people": 41_000, "expected": 41_000.0},
        ),
        ("stocks", {"citizenship": "DE", "place": "STO", "status": "refugee", "people": 41_000}),
    ):
        frame = tables[name]
        coarse = frame[frame["date"] == frame["date"].max()].assign(**change)
        frame = pd.concat([frame, coarse], ignore_index=True)
        tables[name] = frame.astype(
            {it: "category" for it in change if it not in ("arrived", "people", "expected")}
        )
    return Record(scenario, 7, record.manifest, tables)


def test_without_a_focus_everybody_counts(record: Record) -> None:
    assert narrowed(record) is record
    assert focus.citizens(record) == "people"
    assert focus.such(record) == focus.of_interest(record) == ""


def with_others(record: Record, others: str, **tables: pd.DataFrame) -> Record:
    """The same, where people outside the focus stay, or decide; with other tables, if any."""
    population = record.scenario.population.model_copy(update={"others": others})
    scenario = record.scenario.model_copy(update={"population": population})
    return Record(scenario, 7, record.manifest, tables or record.tables)


def test_tables_are_narrowed_to_citizens_of_the_focus(syrian: Record) -> None:
    found = narrowed(syrian)
    telling = [name for name, frame in syrian.tables.items() if "citizenship" in frame]
    assert {"flows", "harms", "stocks", "vital", "insecurity", "account"} <= set(telling)
    for name in telling:
        assert set(found.tables[name]["citizenship"]) == {"SY"}
    assert found.threats is syrian.threats
    assert found.spending is syrian.spending
    assert narrowed(syrian) is found
    assert len(narrowed(found).flows) == len(found.flows)
    assert len(narrowed(found).answers) == len(found.answers)
    assert ("BER", "STO") not in {(it[0], it[1]) for it in maps.flows_by_size(syrian)}
    sample = moves.migrants_at_end(Record(sample_scenario(), 7, syrian.manifest, found.tables))
    assert moves.migrants_at_end(syrian) == sample


def test_where_others_stay_all_answers_are_of_the_focus(syrian: Record) -> None:
    assert narrowed(syrian).answers is syrian.answers
    said = texts(plots.plot_answers(syrian))
    assert any(it.startswith("Households who are citizens of Syria that would move") for it in said)


def test_where_others_decide_answers_are_of_those_who_live_in_the_focus(syrian: Record) -> None:
    both = with_others(syrian, "decide")
    found = narrowed(both)
    at_home = {"DAM", "ALE", "HMS", "DRA", "DEZ"}
    assert set(found.answers["place"]) == set(found.attribution["place"]) == at_home
    assert set(both.answers["place"]) > at_home
    said = texts(plots.plot_answers(both))
    assert any(it.startswith("Households living in Syria that would move") for it in said)
    heads = found.answers[found.answers["answer"].isin(["choice", "necessity"])]["households"].sum()
    assert f"{wording.words(heads / 72 / 2)} households living in Syria moved" in (
        plots.answers_finding(both)
    )


@pytest.mark.parametrize(
    ("column", "kept", "words"),
    [
        ("citizenship", "SY", " who are citizens of Syria"),
        ("home", "ALE", " whose home is in Syria"),
        ("sex", "women", ""),
    ],
)
def test_answers_are_narrowed_by_what_they_are_split_by(
    syrian: Record, column: str, kept: str, words: str
) -> None:
    answers = syrian.answers.drop(columns="place")
    split = answers.assign(**{column: pd.Categorical([kept, "BER"] * (len(answers) // 2))})
    both = with_others(syrian, "decide", answers=split)
    assert focus.such(both) == words
    left = set(narrowed(both).answers[column])
    assert left == ({kept} if words else {kept, "BER"})
    # Where others stay, there is nobody else to be left out.
    alone = with_others(syrian, "stay", answers=split)
    assert focus.such(alone) == (words or " who are citizens of Syria")


def test_headline_figures_are_of_the_focus(syrian: Record) -> None:
    whole = Record(syrian.scenario.model_copy(update={"population": sample_scenario().population}),
                   7, syrian.manifest, narrowed(syrian).tables)  # fmt: skip
    pd.testing.assert_frame_equal(syrian.headline, whole.headline)
    value = syrian.headline.set_index("measure")["value"]
    deaths = syrian.harms[syrian.harms["harm"] == "death"]
    died = deaths.groupby("citizenship", observed=False)["expected"].sum()
    assert value["harm_death"] == pytest.approx(died["SY"] / syrian.replicates)
    assert died["DE"] > 0


def test_years_lived_are_those_of_the_focus(syrian: Record) -> None:
    value = syrian.headline.set_index("measure")["value"]
    account = syrian.account
    others = account.assign(citizenship="DE")
    account = pd.concat([account, others], ignore_index=True).astype({"citizenship": "category"})
    more = Record(syrian.scenario, 7, syrian.manifest, {**syrian.tables, "account": account})
    assert more.headline.set_index("measure")["value"]["secure"] == value["secure"] < 1


def test_figures_over_time_are_of_the_focus(syrian: Record) -> None:
    whole = Record(syrian.scenario.model_copy(update={"population": sample_scenario().population}),
                   7, syrian.manifest, syrian.tables)  # fmt: skip
    last = {it: bands.bands_text(it) for it in (syrian, whole)}
    assert last[syrian] != last[whole]
    for record, measure, words in (
        (syrian, "refugees_abroad", "Citizens of Syria, on the last day"),
        (whole, "refugees_abroad", "People, on the last day"),
        (syrian, "births", "Citizens of Syria, by month"),
        (syrian, "regular", "Share of the population of interest: Syria, by month"),
        (whole, "regular", "Share, by month"),
    ):
        said = texts(bands.plot_bands(record, measures=[measure]))
        assert any(it.startswith(words) for it in said), said
    gap = texts(bands.plot_gaps({"a": syrian, "b": syrian}, "displaced"))
    assert any("less those of a of the population of interest: Syria" in it for it in gap)


def test_threats_are_those_that_the_focus_felt(syrian: Record) -> None:
    felt = syrian.insecurity
    foreign = felt.assign(citizenship="DE", threat="health", person_years=1e9)
    felt = pd.concat([felt, foreign], ignore_index=True)
    felt = felt.astype({"citizenship": "category", "threat": "category"})
    more = Record(syrian.scenario, 7, syrian.manifest, {**syrian.tables, "insecurity": felt})
    assert pictures.threats_text(more) == pictures.threats_text(syrian)
    assert "by citizens of Syria" in pictures.threats_text(more)
    assert texts(plots.plot_threats(more)) == texts(plots.plot_threats(syrian))


def test_many_countries_are_counted_not_named(record: Record) -> None:
    for countries, words in (
        (("SY", "TR"), "citizens of Syria and Türkiye"),
        (("SY", "TR", "LB"), "citizens of Syria, Türkiye and Lebanon"),
        (("SY", "TR", "LB", "JO"), "citizens of 4 countries"),
    ):
        population = record.scenario.population.model_copy(update={"focus": countries})
        scenario = record.scenario.model_copy(update={"population": population})
        some = Record(scenario, 1, {}, {})
        assert focus.citizens(some) == words
        assert focus.counted(some, 1) == f"1 {words.replace('citizens', 'citizen')}"


def test_pictures_and_lists_name_the_focus(syrian: Record, record: Record) -> None:
    assert maps.map_finding(syrian).endswith(
        " citizens of Syria abroad in December 2016, the largest group lived in Türkiye"
    )
    assert " deaths of citizens of Syria: " in plots.harms_finding(syrian)
    assert "citizens of Syria who arrived" in printed(tables.top_corridors(syrian))
    assert "households who are citizens of Syria" in printed(tables.five_answers(syrian))
    assert "citizens of Syria who" in printed(tables.harms(syrian))
    assert "Scorecard of the population of interest: Syria" in printed(tables.scorecard(syrian))
    assert "Public money spent, on everybody" in printed(tables.spending(syrian))
    assert "Stockholm" not in printed(tables.top_corridors(syrian, 5))
    for plain in (tables.scorecard(record), tables.spending(record)):
        assert "interest" not in printed(plain)
        assert "everybody" not in printed(plain)


def test_the_report_says_whose_figures_it_shows(syrian: Record, record: Record) -> None:
    words = " ".join(Reader(report.render(syrian, {})).words)
    assert "Headline figures of the population of interest: Syria" in words
    assert (
        "pictures are of the population of interest: Syria. These are citizens of Syria, wherever "
        "they live. Everybody else stays where they live, and is in the tables" in words
    )
    assert "Moves of necessity of people who are citizens of Syria" in words
    assert "Public money spent on everybody" in words
    both = " ".join(Reader(report.render(with_others(syrian, "decide"), {})).words)
    assert "Everybody else decides whether to move, too" in both
    assert "Answers are of households living in Syria." in both
    plain = " ".join(Reader(report.render(record, {})).words)
    assert "population of interest" not in plain
    assert "on everybody" not in plain


def test_the_largest_flows_cross_a_border_if_any_does(record: Record) -> None:
    text = printed(tables.top_corridors(record, 20))
    assert "across a border" in text
    pairs = [(it.origin, it.destination) for it in maps.flows_by_size(record, within=False)]
    assert ("ALE", "DAM") not in pairs
    flows = record.flows[record.flows["channel"] == "internal"]
    inside = Record(record.scenario, 1, record.manifest, {"flows": flows})
    assert "Largest flows within countries" in printed(tables.top_corridors(inside))


def test_the_map_shows_where_something_happened(record: Record, still: Record) -> None:
    flows = record.flows[record.flows["destination"].isin(["BEK", "AMM"])]
    near = Record(record.scenario, 1, record.manifest, {"flows": flows})
    assert maps.plot_map(near).get_ylim()[1] < 45
    assert maps.plot_map(still).get_ylim()[1] > 58


# --- Words and colours


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"), (1, "1"), (2.5, "2.5"), (870, "870"), (999.6, "1,000"), (42_123, "42,100"),
        (999_600, "1.0 M"), (1_154_000, "1.2 M"), (1_622_839, "1.6 M"), (81_000_000, "81 M"),
        (1.42e9, "1.4 bn"), (-3_210, "-3,210"), (float("nan"), "–"),
    ],
)  # fmt: skip
def test_words(number: float, text: str) -> None:
    assert wording.words(number) == text


def test_people_and_shares() -> None:
    assert wording.people(1) == "1 person"
    assert wording.people(1.2e6) == "1.2 M people"
    assert wording.figures(0.1234, "share") == "12.3 %"
    assert wording.figures(12.34, "per 1,000") == "12.3"
    assert wording.figures(float("nan"), "share") == "–"


def test_lines_break_between_words_but_not_within_figures() -> None:
    text = style.wrapped("Of all of them 83 % and 1.6 M people", 10, 0.9)
    assert "83\u00a0%" in text
    assert "1.6\u00a0M" in text
    assert "\n" in text
    assert style.wrapped("a b", 10, 5) == "a b"
    assert "unbreakablewordthatistoolong" in style.wrapped(
        "x unbreakablewordthatistoolong", 10, 0.3
    )


def test_a_measure_has_the_colour_that_it_has_elsewhere(record: Record) -> None:
    ends = {"refugees_abroad": "refugee", "displaced": "displaced", "claimants_abroad": "claimant"}
    drawn = [it.get_color() for it in bands.plot_bands(record).lines]
    assert drawn == [style.OUTCOMES[ends[it]] for it in bands.STOCKS]
    stocks = {kind: observed.KINDS[kind][1] for kind in ("refugees", "displaced", "asylum_seekers")}
    assert list(stocks.values()) == drawn
    others = {colour for kind, (_, colour, _) in observed.KINDS.items() if kind not in stocks}
    assert not others & {*style.ANSWERS.values(), *drawn}
    heads = bands.plot_bands(record, measures=["choice_households", "no_means_households"]).lines
    assert [it.get_color() for it in heads] == [style.ANSWERS[it] for it in ("choice", "no_means")]
    mixed = bands.plot_bands(record, measures=["births", "choice_people"]).lines
    assert len({it.get_color() for it in mixed}) == 2


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.012, "1 was accepted or recognised as a refugee"),
        (0.02, "2 were accepted or recognised as refugees"),
        (0.0, "none were recognised as refugees"),
    ],
)
def test_one_of_a_hundred_is_one(
    record: Record, monkeypatch: pytest.MonkeyPatch, share: float, said: str
) -> None:
    made = {funnel.OUT: 1000.0, funnel.ARRIVED: 500.0, funnel.ACCEPTED: 1000.0 * share}
    monkeypatch.setattr(funnel, "_people", lambda _, stage: made.get(stage, 0.0))
    assert funnel.funnel_finding(record).endswith(f" 50 arrived and {said}")


def test_every_word_has_a_colour_or_text() -> None:
    assert list(style.THREATS) == [it.name for it in Threat]
    assert list(style.ANSWERS) == [it.name for it in Answer]
    assert set(wording.ANSWER_WORDS) == {it.name for it in Answer}
    assert set(wording.HARM_WORDS) == {it.name for it in Harm}
    assert set(wording.CHANNEL_WORDS) == {it.name for it in Channel}


# Machado, Oliveira & Fernandes 2009, severity 1, on linear RGB.
SIGHT = {
    "common": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
}  # fmt: skip


def seen(colour: str, sight: str) -> np.ndarray[Any, Any]:
    """Give a colour in CIE Lab as it is seen."""
    srgb = np.array(to_rgb(colour))
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(SIGHT[sight] @ linear, 0, 1)
    xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    ) @ linear / np.array([0.9505, 1.0, 1.089])  # fmt: skip
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize(
    "family",
    [
        style.THREATS,
        style.ANSWERS,
        style.OUTCOMES,
        {str(i): it for i, it in enumerate(style.LINES)},
    ],
)
def test_colours_are_told_apart(family: dict[str, str], sight: str) -> None:
    for one, other in itertools.combinations(family, 2):
        apart = np.linalg.norm(seen(family[one], sight) - seen(family[other], sight))
        assert apart > 12, (one, other, apart)


def test_kinds_of_observed_figures_are_told_apart_by_their_marks() -> None:
    assert len({mark for mark, _, _ in observed.KINDS.values()}) == len(observed.KINDS)


def test_titles_do_not_leave_a_word_alone() -> None:
    text = "58 of 87 observed figures are met within a factor of two"
    lines = style.balanced(text, 12, 5, "bold").splitlines()
    assert len(lines) == len(style.wrapped(text, 12, 5, "bold").splitlines()) == 2
    assert " ".join(lines) == text
    assert len(lines[1]) > 0.6 * len(lines[0])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("United States", "the United States"), ("Mexico", "Mexico"), ("Turkey", "Turkey"),
        ("Netherlands", "the Netherlands"), ("Dominican Republic", "the Dominican Republic"),
        ("Syrian Arab Republic", "the Syrian Arab Republic"), ("the valley", "the valley"),
        ("The Gambia", "The Gambia"),
    ],
)  # fmt: skip
def test_names_have_the_article_that_they_want(name: str, said: str) -> None:
    assert wording.the(name) == said


def test_answers_survive_a_print_without_colour() -> None:
    drawn = [style.ANSWERS[it] for it in plots.DRAWN_ANSWERS]
    grey = sorted(float(seen(it, "common")[0]) for it in drawn)
    assert min(np.diff(grey)) > 8


# --- Tables for the terminal

TABLES = (
    tables.top_corridors,
    tables.five_answers,
    tables.harms,
    tables.spending,
    tables.observed,
    tables.scorecard,
    tables.rows_represent,
)


def printed(renderable: Any, **options: Any) -> str:
    out = StringIO()
    Console(file=out, width=80, color_system=None, **options).print(renderable)
    return out.getvalue()


@pytest.mark.parametrize("table", TABLES)
def test_terminal_tables_fit_80_columns(record: Record, still: Record, table: Any) -> None:
    for one in (record, still):
        text = printed(table(one))
        assert text.strip()
        assert max(len(line.rstrip()) for line in text.splitlines()) <= 80


def test_terminal_tables_say_what_was_found(record: Record) -> None:
    corridors = printed(tables.top_corridors(record, 3))
    assert len([line for line in corridors.splitlines() if "█" in line]) == 3
    assert "Aleppo" in corridors
    assert "stay" in printed(tables.five_answers(record))
    harmed = printed(tables.harms(record))
    assert "died" in harmed
    assert "±" in harmed
    assert "1.6 M" in printed(tables.observed(record))
    assert "secure" in printed(tables.scorecard(record))
    assert "±" not in printed(tables.harms(sample_record(time=YEAR)))


def test_nobody_is_said_to_have_been_spared_by_the_luck_of_coarse_rows(record: Record) -> None:
    """However few died in a run, what is said is what the risks amount to."""
    lucky = record.harms.assign(people=0)
    spared = Record(record.scenario, 7, record.manifest, {**record.tables, "harms": lucky})
    deaths = record.harms.loc[record.harms["harm"] == "death", "expected"].sum() / 2
    for one in (record, spared):
        assert f"amount to {wording.words(deaths)} deaths" in plots.harms_finding(one)
        line = next(it for it in printed(tables.harms(one)).splitlines() if "died" in it)
        assert wording.words(deaths) in line
    assert f"{wording.words(deaths)} (0)" in texts(plots.plot_harms(spared))
    assert f"died {wording.words(deaths)} (0)" in funnel.funnel_text(spared)
    words = " ".join(Reader(report.render(spared, {})).words)
    assert "Nobody was" not in words
    unheard = Record(record.scenario, 7, record.manifest, {"flows": record.flows})
    assert "Harms were not kept" in printed(tables.harms(unheard))


def test_figures_that_rest_on_few_rows_are_marked(record: Record, syrian: Record) -> None:
    rare = record.harms.assign(rows=1)[record.harms["date"] < "2011-03"]
    few = Record(record.scenario, 7, record.manifest, {**record.tables, "harms": rare})
    for one, marked in ((record, False), (few, True)):
        value = wording.words(one.headline.set_index("measure").loc["harm_death", "value"])
        row = next(it for it in printed(tables.harms(one)).splitlines() if it.startswith("died"))
        assert (f"~{value}" in row) == marked
        for picture in (plots.plot_harms, funnel.plot_funnel):
            said = " ".join(" ".join(texts(picture(one))).split())
            assert (f"~{value} (" in said) == marked
            assert (wording.FEW_WORDS in said) == ("~" in said.replace(wording.FEW_WORDS, ""))
        words = " ".join(Reader(report.render(one, {})).words)
        assert (f"~{value}" in words) == marked
    said = " ".join(printed(tables.rows_represent(record)).split())
    weight = record.places["people_per_row"]
    some = f"{weight.min():,.0f} to {weight.max():,.0f}"
    assert said.startswith(f"A simulated person stands for {some} people. ~: rests on few")
    both = focus.row_words(syrian)
    assert both.startswith("A simulated citizen of Syria stands for ")
    assert "anybody else for " in both
    assert both in " ".join(Reader(report.render(syrian, {})).words)


def test_money_says_its_currency_and_year(record: Record, still: Record) -> None:
    plain = sample_record(time=YEAR, money={"currency": "marks", "year": 1913})
    robbed = {**plain.tables, "harms": plain.harms.assign(money=400.0)}
    marks = Record(plain.scenario, plain.seed, plain.manifest, robbed)
    harmed, spent = printed(tables.harms(marks)), printed(tables.spending(marks))
    assert "marks of 1913 lost to extortion and bribes" in " ".join(harmed.split())
    assert "Public money spent, marks of 1913" in spent
    assert "asylum" in spent
    words = " ".join(Reader(report.render(marks, {})).words)
    amount = wording.words(float(marks.harms.money.sum()) / marks.replicates)
    assert f"Lost to extortion and bribes: {amount} marks of 1913." in words
    assert "marks of 1913: all prices are of that year" in words
    assert "USD" not in words
    # Controls: another scenario's money is its own; nothing taken, nothing said.
    assert "Public money spent, USD of 2010" in printed(tables.spending(record))
    assert "lost to" not in printed(tables.harms(still))
    assert "No public spending" in printed(tables.spending(still))


def test_terminal_tables_of_a_run_that_kept_nothing(record: Record) -> None:
    empty = Record(sample_scenario(observed=[]), 1, {}, {})
    for table in TABLES:
        assert printed(table(empty)).strip()


def test_bars_without_block_letters() -> None:
    class Plain(StringIO):
        encoding = "ascii"

    out = Plain()
    Console(file=out, width=80, color_system=None).print(tables.Bar(0.5, "red", 10))
    assert out.getvalue().strip() == "#####"
    assert printed(tables.Bar(0.55, "red", 10)).strip() == "█████▌"
    assert printed(tables.Bar(1e-9, "red", 10)).strip() == "▏"
    assert printed(tables.Bar(0.0, "red", 10)).strip() == ""
    assert printed(tables.Bar(7.0, "red", 10)).strip() == "█" * 10


def test_the_day_with_most_observed_figures_comes_first() -> None:
    figures = [
        {"id": "a", "what": "refugees", "of": "SY", "at": "TR", "date": "2013-03", "people": 5.0},
        {"id": "b", "what": "refugees", "of": "SY", "at": "TR", "date": "2019-03", "people": 5.0},
        {"id": "c", "what": "refugees", "of": "SY", "at": "JO", "date": "2013-06", "people": 5.0},
        {"id": "d", "what": "refugees", "of": "SY", "at": "LB", "date": "2013-06", "people": 5.0},
    ]
    text = printed(tables.observed(sample_record(time=YEAR, observed=figures), 3))
    listed = [line.split(", ")[0][-12:] for line in text.splitlines() if "Refugees" in line]
    assert [it.split()[-1] for it in listed] == ["Jordan", "Lebanon", "Türkiye"]
    assert "1 more in report.html" in text


def test_names_are_not_markup() -> None:
    places = [it.model_dump() for it in sample_scenario().places]
    places[1]["name"] = "[red]Aleppo[/nonsense]"
    text = printed(tables.top_corridors(sample_record(time=YEAR, places=places)))
    assert "[red]Aleppo" in text


# --- The report


class Reader(HTMLParser):
    """Collect what the tests ask of the report, and check that elements are closed in order."""

    VOID = ("meta", "img", "br", "hr", "input", "link")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def html(record: Record, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("run")
    path = report.write_report(record, folder, png=("map", "answers"))
    assert sorted(it.name for it in folder.iterdir()) == ["answers.png", "map.png", "report.html"]
    assert (folder / "map.png").read_bytes().startswith(b"\x89PNG")
    return path.read_text(encoding="utf-8")


def test_the_report_loads_nothing(html: str) -> None:
    page = Reader(html)
    assert page.open == []
    assert not page.all("link")
    for tag, attrs in page.tags:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            target = attrs.get(name) or ""
            assert target == "" or target.startswith(("#", "data:")), (tag, target)
    assert "http:" not in html.replace("http-equiv", "")
    assert "https:" not in html
    assert "@import" not in html
    assert "url(" not in html
    policy = page.all("meta")[1]["content"]
    assert policy is not None
    assert policy.startswith("default-src 'none'")


def test_the_report_can_be_read_without_seeing_it(html: str) -> None:
    page = Reader(html)
    assert page.all("html") == [{"lang": "en"}]
    headings = [int(tag[1]) for tag, _ in page.tags if tag in ("h1", "h2", "h3", "h4")]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(headings))
    images = page.all("img")
    assert len(images) == 8
    for image in images:
        assert len(image["alt"] or "") > 20
    assert len(page.all("table")) == len(page.all("caption")) >= 5
    assert {cell["scope"] for cell in page.all("th")} == {"col", "row"}
    assert page.all("a")[0] == {"class": "skip", "href": "#main"}
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {(link["href"] or "")[1:] for link in page.all("a")} <= set(ids)
    assert "@media print" in html


def test_the_report_escapes_what_others_wrote(html: str) -> None:
    assert "<and>" not in html
    assert "Syria &lt;and&gt; its neighbours, made up" in html
    assert "a note with &lt;angle&gt; &amp; more" in html
    assert "Global Trends 2014 &amp; annex" in html


@pytest.mark.parametrize(
    "words", ["<script>alert(1)</script>", "$PATH ${a}", "{{ 7 * 7 }} {% x %}"]
)
def test_a_scenario_can_put_nothing_but_text_into_the_report(short: Record, words: str) -> None:
    named = short.scenario.model_copy(update={"title": words, "description": f'"{words}" &amp;'})
    manifest = {**short.manifest, "notes": [words], "scenario_hash": f"'{words}'"}
    page = Reader(report.render(Record(named, 7, manifest, short.tables), {}))
    assert page.open == []
    assert len(page.all("script")) == 1
    for text in (words, f'"{words}" &amp;', f"'{words}'"):
        assert text in page.words
    assert page.words.count(words) == 3  # the title twice, and the note


def test_the_report_says_what_was_run(html: str, record: Record) -> None:
    words = " ".join(Reader(html).words)
    for text in (
        "This is a model, not a forecast.",
        "January 2011 to December 2016",
        "0" * 64,
        "numpy 2.4.6",
        "sim run scenario.yaml --seed 7 --replicates 2 --out again",
        "What the model leaves out",
        "unhcr: UNHCR, Global Trends 2014 & annex",
        "Refugees from Syria in Türkiye, end of 2014",
        "secure: how free of the seven threats people lived",
        "Aleppo",
        "Istanbul to Athens",
        "Where people were at the end",
        "Claims for asylum",
        "accepted without a claim",
    ):
        assert text in words, text
    assert f"{record.observed['observed'][0]:,.0f}" in words
    rows = record.headline.set_index("measure")
    low, high = (wording.words(rows.loc["moved_abroad", it]) for it in ("low", "high"))
    assert f"{low} to {high}" in words


def cells(html: str, section: str) -> dict[str, list[str]]:
    """Text of the cells of a section's table by the text that heads their row."""
    body = html.split(f'aria-labelledby="{section}"')[1].split("<tbody>")[1].split("</tbody>")[0]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", it) for it in body.split("</tr>")]
    return {row[0]: row[1:] for row in rows if row}


def test_tables_tell_where_people_were_and_what_was_decided(html: str, record: Record) -> None:
    paths, claims = record.paths, record.claims
    ends = cells(html, "ends")
    there = paths[(paths["country"] == "DE") & (paths["outcome"] == "refugee")]["people"].sum() / 2
    assert ends["Germany"][0] == f"{there:,.0f}"
    assert next(iter(ends)) == "Türkiye"
    lodged = claims[claims["stage"] == "claimed"]["people"].sum() / 2
    assert cells(html, "asylum")["Germany"][0] == f"{lodged:,.0f}"


def test_every_figure_is_sorted_as_a_figure(html: str) -> None:
    for section in ("headline", "observed"):
        body = html.split(f'aria-labelledby="{section}"')[1].split("</table>")[0]
        spans = re.findall(r"<td([^>]*)>[^<]*\d[^<]* to [^<]*</td>", body)
        assert len(spans) > 5
        assert all("data-key=" in it for it in spans)


def test_what_is_heard_is_heard_once(html: str) -> None:
    page = Reader(html)
    assert all(it["aria-hidden"] == "true" for it in page.all("figcaption"))
    named = [it["aria-label"] for it in page.all("div") if it.get("role") == "region"]
    headings = {it["id"] for it in page.all("h2")}
    assert len(set(named)) == len(named) >= 7
    assert all(it is not None and it.startswith("Table: ") for it in named)
    assert {it["aria-labelledby"] for it in page.all("section")} == headings
    (status,) = (it for it in page.all("p") if it.get("role") == "status")
    assert status["id"] == "sorted"
    assert "getElementById('sorted')" in html


def test_a_report_of_a_quiet_run_and_of_one_that_kept_nothing(
    still: Record, tmp_path: Path
) -> None:
    assert Reader(report.write_report(still, tmp_path).read_text(encoding="utf-8")).open == []
    empty = Record(sample_scenario(observed=[], sources=[]), 1, {}, {})
    text = report.write_report(empty, tmp_path).read_text(encoding="utf-8")
    page = Reader(text)
    assert page.open == []
    assert not page.all("img")
    assert "nan" not in " ".join(page.words).split()
    assert [it.name for it in tmp_path.iterdir()] == ["report.html"]


def test_an_earlier_report_stays_where_the_new_one_fails(
    still: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "report.html").write_text("earlier")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report, "draw", lambda *_: b"")
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        report.write_report(still, tmp_path)
    assert (tmp_path / "report.html").read_text() == "earlier"
    assert len(list(tmp_path.iterdir())) == 1
