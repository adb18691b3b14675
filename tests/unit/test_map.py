"""The map: whom its dots count, what is in its frame, and that nothing hides anything."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

from sim.plots import maps, moves, observed, outlines, rings, sheet, style, view, wording
from sim.results.record import Record
from sim.results.run import NoTableError
from tests.unit.sample_record import PLACES, sample_record, sample_scenario

PACIFIC = {
    "SY": (178.0, -17.9), "TR": (-171.8, -13.8), "LB": (175.0, -40.0), "JO": (-175.2, -21.1),
    "IQ": (168.0, -17.7), "EG": (-169.9, -19.0), "GR": (160.0, -9.4), "DE": (151.0, -33.9),
    "SE": (153.0, -27.5),
}  # fmt: skip
BERING = {
    "SY": (177.5, 64.7), "TR": (-149.9, 61.2), "LB": (158.6, 53.0), "JO": (-165.0, 64.5),
    "IQ": (142.0, 59.0), "EG": (-134.0, 58.0), "GR": (135.0, 48.0), "DE": (141.0, 43.0),
    "SE": (-123.0, 49.0),
}  # fmt: skip


@pytest.fixture(scope="module")
def record() -> Record:
    return sample_record(2)


@pytest.fixture(scope="module")
def syrian(record: Record) -> Record:
    population = record.scenario.population.model_copy(update={"focus": ("SY",)})
    scenario = record.scenario.model_copy(update={"population": population})
    return Record(scenario, 7, record.manifest, record.tables)


def elsewhere(record: Record, where: dict[str, tuple[float, float]]) -> Record:
    """The same run with its countries in another part of the world."""
    places = tuple(
        it.model_copy(update={"lon": where[it.country][0] + i / 4, "lat": where[it.country][1]})
        for i, it in enumerate(record.scenario.places)
    )
    scenario = record.scenario.model_copy(update={"places": places})
    return Record(scenario, 7, record.manifest, record.tables)


def with_stocks(record: Record, rows: list[tuple[str, str, int]]) -> Record:
    """The same run with Syrians as given by place, status and people, in each replicate."""
    last = record.stocks["date"].max()
    stocks = pd.DataFrame(
        [
            {"replicate": it, "date": last, "place": place, "country": country_of[place],
             "citizenship": "SY", "status": status, "people": people}
            for it in range(2)
            for place, status, people in rows
        ]
    )  # fmt: skip
    return Record(record.scenario, 7, record.manifest, {**record.tables, "stocks": stocks})


country_of = {place[0]: place[2] for place in PLACES}


def figure_of(ax: Axes) -> Figure:
    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    figure.draw_without_rendering()
    return figure


def texts(ax: Axes) -> list[str]:
    return [it.get_text().replace("\n", " ").replace("\u00a0", " ") for it in
            figure_of(ax).findobj(Text)]  # fmt: skip


def named(ax: Axes) -> list[Annotation]:
    return [it for it in ax.texts if isinstance(it, Annotation) and it.get_zorder() == 7]


def dots(ax: Axes) -> PathCollection:
    (found,) = (it for it in ax.collections if isinstance(it, PathCollection))
    return found


def overlap(one: Bbox, other: Bbox) -> float:
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return float(width * height) if width > 0 and height > 0 else 0.0


# --- Outlines


def test_outlines_are_where_countries_are() -> None:
    lands = {land.name: land for land in outlines.outlines()}
    assert len(lands) == 177

    def holds(name: str, longitude: float, latitude: float) -> bool:
        return bool(lands[name].holds(np.array([(longitude, latitude)]))[0])

    assert holds("Syria", 36.3, 33.5)
    assert holds("Sweden", 15.0, 60.0)
    assert holds("Brazil", -50.0, -10.0)
    assert not holds("Syria", 15.0, 60.0)
    # On either side of 180 degrees, however the place is written.
    assert holds("Russia", 177.5, 64.7)
    assert holds("Russia", -173.0, 65.0)
    assert holds("Russia", 187.0, 65.0)
    assert holds("Fiji", 178.0, -17.8)
    for land in lands.values():
        for ring in land.rings:
            assert len(ring) >= 4
            assert np.allclose(ring[0], ring[-1]), land.name
            assert np.abs(ring[:, 1]).max() <= 90
            if land.name != "Antarctica":  # closed along its pole
                assert np.abs(np.diff(ring[:, 0])).max() < 30, land.name


def test_outlines_come_with_their_licence() -> None:
    notice = Path(maps.__file__).parents[1] / "data" / "NOTICE.md"
    text = notice.read_text(encoding="utf-8")
    assert "ISC licence" in text
    assert "Disputed borders" in text


@pytest.mark.parametrize(
    ("given", "rolled"),
    [
        ([10.0, 20.0, -5.0], [10.0, 20.0, -5.0]),
        ([178.0, -179.0, 175.0], [178.0, 181.0, 175.0]),
        ([-170.0, 170.0, -160.0], [-170.0, -190.0, -160.0]),
        ([5.0], [5.0]),
    ],
)
def test_the_sheet_is_cut_where_nobody_is(given: list[float], rolled: list[float]) -> None:
    assert outlines.unrolled(given).tolist() == pytest.approx(rolled)


@pytest.mark.parametrize("where", [PACIFIC, BERING], ids=["Fiji", "Russia"])
def test_no_band_crosses_the_map_at_180_degrees(
    record: Record, where: dict[str, tuple[float, float]]
) -> None:
    ax = maps.plot_map(elsewhere(record, where))
    west, east = ax.get_xlim()
    assert east - west < 140  # and not the whole world
    (land,) = (it for it in ax.collections if isinstance(it, PolyCollection))
    for path in land.get_paths():
        assert np.abs(np.diff(path.vertices[:, 0])).max() < 30


# --- Whom dots and labels count


def test_dots_count_all_migrants_of_the_focus_by_status(syrian: Record) -> None:
    rows = [("GZT", "refugee", 600), ("IST", "regular", 300), ("IST", "ordered", 100),
            ("BER", "citizen", 50), ("ALE", "displaced", 900),
            ("ALE", "citizen", 9000)]  # fmt: skip
    run = with_stocks(syrian, rows)
    assert moves.migrants_at_end(run) == {
        "GZT": {"refugee": 600}, "IST": {"regular": 300, "irregular": 100},
        "BER": {"naturalised": 50}, "ALE": {"displaced": 900},
    }  # fmt: skip
    ax = maps.plot_map(run)
    said = texts(ax)
    assert any(it.endswith("Türkiye 1,000") for it in said)
    assert any("Germany 50" in it for it in said)
    assert any("Syria 900 displaced within" in it for it in said)
    assert "Of 1,050 citizens of Syria abroad in December 2016, most lived in Türkiye" in said
    # A slice for each status of Turkey, and a whole dot for the two others.
    drawn = [to_rgb(it) for it in dots(ax).get_facecolors()[:, :3]]
    for status, times in (("refugee", 1), ("regular", 1), ("irregular", 1), ("displaced", 1)):
        assert drawn.count(to_rgb(style.OUTCOMES[status])) == times
    key = [it.get_text() for it in ax.get_legend().get_texts()]
    assert key[:3] == ["refugees", "in regular stay", "in irregular stay"]
    assert "at the end: Türkiye 1,000 (refugees 600" in maps.map_text(run).replace("At", "at")


def test_a_slice_that_would_be_a_stroke_is_left_out(syrian: Record) -> None:
    rows = [("GZT", "refugee", 990), ("GZT", "claimant", 5), ("BEK", "refugee", 500)]
    ax = maps.plot_map(with_stocks(syrian, rows))
    drawn = [to_rgb(it) for it in dots(ax).get_facecolors()[:, :3]]
    assert to_rgb(style.OUTCOMES["claimant"]) not in drawn
    assert "asylum seekers" not in [it.get_text() for it in ax.get_legend().get_texts()]
    assert any(it.endswith("Türkiye 995") for it in texts(ax))  # but it counts


def test_a_lead_that_chance_could_turn_is_not_a_finding(syrian: Record) -> None:
    for rows, end in (
        (
            [("GZT", 100), ("BEK", 90), ("AMM", 70)],
            "the largest groups lived in Türkiye and Lebanon",
        ),
        (
            [("GZT", 100), ("BEK", 90), ("AMM", 80)],
            "the largest groups lived in Türkiye, Lebanon and Jordan",
        ),
        (
            [("GZT", 100), ("BEK", 90), ("AMM", 80), ("ERB", 70)],
            "no country had many more than the next",
        ),
        ([("GZT", 100), ("BEK", 70), ("AMM", 70)], "the largest group lived in Türkiye"),
        ([("GZT", 100), ("BEK", 30)], "most lived in Türkiye"),
        ([("GZT", 100)], "all lived in Türkiye"),
    ):
        run = with_stocks(syrian, [(place, "refugee", people) for place, people in rows])
        assert maps.map_finding(run).endswith(f", {end}")


def test_arrows_start_and_end_at_dots(record: Record) -> None:
    ax = maps.plot_map(record)
    figure = figure_of(ax)
    drawn = dots(ax)
    centres = np.unique(ax.transData.transform(np.asarray(drawn.get_offsets())), axis=0)
    arrows = [it for it in ax.patches if isinstance(it, FancyArrowPatch)]
    assert len(arrows) > 5
    for arrow in arrows:
        for end in arrow._posA_posB:
            pixels = ax.transData.transform(end)
            assert np.hypot(*(centres - pixels).T).min() < 0.5
    reach = {tuple(at): np.sqrt(size) for at, size in zip(
        np.asarray(drawn.get_offsets()).tolist(), drawn.get_sizes(), strict=True)}  # fmt: skip
    for arrow in arrows:
        ends = [reach[tuple(map(float, it))] for it in arrow._posA_posB]
        assert [arrow.shrinkA, arrow.shrinkB] == pytest.approx(ends)
    # Dots lie on the ends of arrows, and none of these is left without one.
    assert all(it.get_zorder() < drawn.get_zorder() for it in arrows)
    assert figure.dpi == style.DPI


def test_colours_of_arrows_are_said_to_be_the_models(record: Record) -> None:
    ax = maps.plot_map(record)
    key = [it.get_text() for it in ax.get_legend().get_texts()]
    assert {"mostly of necessity", "mostly by choice"} <= set(key)
    assert any(wording.AS_COUNTED in it for it in texts(ax))


def test_an_arrow_that_another_seed_may_turn_round_is_said_to_be_both(record: Record) -> None:
    """What is 48 % of necessity at one seed is 52 % at the next."""
    flows = record.flows
    half = pd.concat([flows.assign(answer=it) for it in ("necessity", "choice")])
    half["answer"] = pd.Categorical(half["answer"])
    tables = {**record.tables, "flows": half}
    ax = maps.plot_map(Record(record.scenario, 7, record.manifest, tables))
    key = {it.get_text() for it in ax.get_legend().get_texts()}
    assert set(wording.MOSTLY.values()) & key == {wording.MOSTLY["both"]}
    arrows = [it for it in ax.patches if isinstance(it, FancyArrowPatch)]
    assert {to_rgb(it.get_facecolor()[:3]) for it in arrows} == {to_rgb(style.MOSTLY["both"])}


def test_widths_of_arrows_are_as_the_people_are_many(record: Record) -> None:
    ax = maps.plot_map(record)
    arrows = [it for it in ax.patches if isinstance(it, FancyArrowPatch)]
    widths = [float(it.get_arrowstyle().tail_width) for it in arrows]
    flows = maps.flows_by_size(record, by="country")
    assert widths[0] == maps.WIDEST
    assert widths[1] == pytest.approx(maps.WIDEST * flows[1].arrived / flows[0].arrived, abs=0.01)


# --- The frame


def test_the_action_fills_the_frame(syrian: Record) -> None:
    near = [("GZT", "refugee", 4000), ("BEK", "refugee", 3000), ("AMM", "refugee", 3000)]
    ax = maps.plot_map(with_stocks(syrian, [*near, ("STO", "refugee", 90)]))
    (west, east), (south, north) = ax.get_xlim(), ax.get_ylim()
    assert east - west < 24
    assert north - south < 20
    # Who lies beyond is named beside the map.
    assert any("Sweden 90" in it and it[0] in view.HEADS for it in texts(ax))
    assert any(sheet.BEYOND in it for it in texts(ax))


def test_nobody_is_left_out_in_silence() -> None:
    nodes = {
        f"C{i}": view.Node(f"C{i}", 4.0 * i, 2.0 * i, {"refugee": 30.0}) for i in range(12)
    }  # fmt: skip
    nodes["HOME"] = view.Node("Home", 0.0, 1.0, {"refugee": 9000.0})
    extents = {name: [(it.lon, it.lat)] for name, it in nodes.items()}
    found = view.view_of(nodes, (), extents, ["HOME"])
    beside = [it for it in found.nodes.values() if it.head]
    assert len(beside) == view.MOST_AT_EDGE
    total = sum(it.total for it in found.nodes.values()) + found.elsewhere
    assert total == sum(it.total for it in nodes.values())
    assert found.elsewhere > 0
    west, east, south, north = found.window
    for node in found.nodes.values():
        assert west < node.lon < east
        assert south < node.lat < north
    inner = found.land
    for node in beside:
        assert not (inner[0] < node.lon < inner[1] and inner[2] < node.lat < inner[3])


def test_ends_beside_the_map_keep_apart_and_in_order() -> None:
    given = {"a": 0.93, "b": 0.95, "c": 0.9, "d": -3.0}
    found = view._spread(given, 0.2)
    assert sorted(found, key=found.__getitem__) == ["d", "c", "a", "b"]
    values = sorted(found.values())
    assert min(b - a for a, b in itertools.pairwise(values)) >= 0.2 - 1e-9
    assert values[0] >= -0.9
    assert values[-1] <= 0.9
    many = view._spread({str(i): 1.0 for i in range(20)}, 0.2)
    assert max(map(abs, many.values())) <= 0.9 + 1e-9


def test_the_figure_is_as_high_as_the_extent_asks_for() -> None:
    for points, least, most in (
        ([(0.0, 0.0), (40.0, 5.0)], 1.7, 1.9),
        ([(0.0, 0.0), (5.0, 40.0)], 0.85, 0.95),
        ([(0.0, 0.0), (12.0, 10.0)], 1.1, 1.3),
    ):
        west, east, south, north = view.window(np.array(points))
        shape = (east - west) * np.cos(np.radians((south + north) / 2)) / (north - south)
        assert least <= shape <= most


def test_one_place_still_has_a_country_around_it() -> None:
    place = sample_scenario().places[0]
    west, east, south, north = view.window(np.array([(place.lon, place.lat)]))
    assert east - west >= view.LEAST_SPAN
    assert north - south >= view.LEAST_SPAN * 0.5
    assert west < place.lon < east
    assert south < place.lat < north


# --- Labels


@pytest.mark.parametrize("by", ["country", "place"])
def test_labels_do_not_overlap(record: Record, by: view.By) -> None:
    ax = maps.plot_map(record, by=by)
    figure = figure_of(ax)
    inside = ax.get_window_extent()
    labels = named(ax)
    assert len(labels) >= 9
    boxes = [it.get_window_extent() for it in labels]
    for one, other in itertools.combinations(boxes, 2):
        area = min(one.width * one.height, other.width * other.height)
        assert overlap(one, other) <= 0.12 * area
    for box in boxes:
        assert overlap(box, inside) >= 0.9 * box.width * box.height
    # The key hides nothing: it is below the map, and above the source.
    key = ax.get_legend().get_window_extent()
    source = next(it for it in ax.texts if "A model, not a forecast" in it.get_text())
    assert key.y1 <= inside.y0 + 1
    assert key.y0 >= source.get_window_extent().y1 - 1
    assert key.x1 <= figure.bbox.x1


# --- Observed stocks as rings


def observed_run(figures: list[dict[str, Any]]) -> Record:
    given = [{"id": f"x{i}", "date": "2014-12", **it} for i, it in enumerate(figures)]
    return sample_record(observed=given)


def test_rings_are_observed_and_dots_simulated(record: Record) -> None:
    ax = rings.plot_rings(record)
    pairs = observed.observed_stocks(record)
    assert set(pairs) == {"TR", "LB", "JO", "DE", "SY"}
    simulated, seen = (it for it in ax.collections if isinstance(it, PathCollection))
    assert not len(seen.get_facecolors())
    order = [it.name or it.id for it in record.scenario.countries if it.id in pairs]
    ids = {it.name: it.id for it in record.scenario.countries}
    areas = zip(order, seen.get_sizes(), simulated.get_sizes(), strict=True)
    sizes = {ids[name]: (ring, dot) for name, ring, dot in areas}
    a_person = sizes["TR"][0] / pairs["TR"].observed
    for country, (ring, dot) in sizes.items():
        assert ring == pytest.approx(a_person * pairs[country].observed)
        assert dot == pytest.approx(a_person * pairs[country].simulated)
    said = " ".join(texts(ax))
    turkey = pairs["TR"]
    pair = f"{wording.words(turkey.observed)} → {wording.words(turkey.simulated)}"
    assert pair in said
    assert "As refugees count: refugees, asylum seekers and in irregular stay." in said
    near = sum(0.5 <= it.simulated / it.observed <= 2 for it in pairs.values())
    assert f"within a factor of two of the observed ones in {near} of 5 countries" in said
    assert "Germany (2015)" not in said  # its asylum seekers are later than its refugees


def test_each_country_has_its_latest_figure_on_most_citizens() -> None:
    run = observed_run([
        {"what": "refugees", "of": "SY", "at": "TR", "people": 9.0, "date": "2013-12"},
        {"what": "refugees", "of": "SY", "at": "TR", "people": 7.0},
        {"what": "refugees", "of": "IQ", "at": "TR", "people": 2.0},
        {"what": "asylum_seekers", "of": "SY", "at": "TR", "people": 5.0, "date": "2015-12"},
        {"what": "refugees", "of": "SY", "people": 5.0},
        {"what": "deaths", "of": "SY", "at": "LB", "people": 5.0},
    ])  # fmt: skip
    pairs = observed.observed_stocks(run)
    assert set(pairs) == {"TR"}
    assert (pairs["TR"].what, pairs["TR"].observed) == ("refugees", 9.0)
    assert pairs["TR"].of == {"SY", "IQ"}
    assert pairs["TR"].date == pd.Timestamp("2014-12-31")


def test_rings_say_where_other_statuses_count_as_refugees(record: Record) -> None:
    pairs = observed.observed_stocks(record)
    assert pairs["TR"].statuses == ("refugee", "claimant", "irregular", "ordered")
    known = {it: pair for it, pair in pairs.items() if it in ("TR", "LB")}
    germany = pairs["TR"]._replace(statuses=("refugee", "regular"))
    assert rings._refugees(record, {**known, "DE": germany}) == (
        " As refugees count: refugees, asylum seekers and in irregular stay."
        " As refugees count, in Germany: refugees and in regular stay."
    )


def test_rings_need_something_observed() -> None:
    run = observed_run([{"what": "deaths", "of": "SY", "people": 5.0}])
    with pytest.raises(ValueError, match="no observed stock"):
        rings.plot_rings(run)


def test_a_map_needs_flows(record: Record) -> None:
    run = Record(record.scenario, 7, record.manifest, {"stocks": record.stocks})
    with pytest.raises(NoTableError, match="flows"):
        maps.plot_map(run)
