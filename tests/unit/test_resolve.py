"""From a terse scenario to the complete one: every default that depends on the rest of the file."""

from __future__ import annotations

import math
import string
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.core.terms import Threat
from sim.scenario import library
from sim.scenario.checks.threats import jacobian, spectral_radius
from sim.scenario.reader import dump, read
from sim.scenario.resolve import great_circle, resolve, resolve_exposure
from sim.scenario.whole import Scenario
from sim.schema import Exposure, Place

VALID = Path(__file__).parents[1] / "scenarios" / "valid"
RIGHT = [*sorted(VALID.glob("*.yaml")), library.HERE / "starter.yaml"]
RIGHT += [path for _, _, path in library.shipped()]


@pytest.fixture(scope="module")
def terse() -> Scenario:
    return read(VALID / "terse.yaml")


def by_id(things: Any) -> dict[str, Any]:
    return {it.id: it for it in things}


def build(**changes: Any) -> Scenario:
    """Return a small resolved scenario with some top-level parts changed."""
    parts: dict[str, Any] = {
        "schema": 1,
        "name": "small",
        "time": {"start": "2026-01", "end": "2026-12"},
        "countries": [{"id": "AA"}, {"id": "BB"}],
        "places": [
            {"id": "A1", "country": "AA", "people": 3e6, "income": 1000, "lat": 0, "lon": 0},
            {"id": "B1", "country": "BB", "people": 1e6, "income": 1000, "lat": 0, "lon": 1},
        ],
    }
    return resolve(Scenario.model_validate(parts | changes))


# --- Round trips -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", RIGHT, ids=lambda it: it.stem)
def test_dump_and_read_round_trip(path: Path, tmp_path: Path) -> None:
    scenario = read(path)
    copy = tmp_path / "copy.yaml"
    copy.write_text(dump(scenario), encoding="utf-8")
    again = read(copy, limit=50_000_000)
    assert again == scenario
    assert dump(again) == dump(scenario)


@pytest.mark.parametrize("path", RIGHT, ids=lambda it: it.stem)
def test_resolving_again_changes_nothing(path: Path) -> None:
    scenario = read(path)
    assert resolve(scenario) == scenario


def test_round_trip_compares_something(terse: Scenario, tmp_path: Path) -> None:
    text = dump(terse)
    assert len(text) > 5000
    copy = tmp_path / "copy.yaml"
    copy.write_text(text.replace("severity: 0.9", "severity: 0.8"), encoding="utf-8")
    assert read(copy) != terse


def test_dump_omits_nothing(terse: Scenario) -> None:
    text = dump(terse)
    for name, field in Scenario.model_fields.items():
        assert f"\n{field.alias or name}:" in f"\n{text}"
    assert "baseline_rate: 0.0025" in text
    assert "base_livelihood" not in text  # not solved yet: None is left out
    assert max(map(len, text.split("\n"))) < 160


TEXTS = (
    st.text(max_size=30)
    | st.text(alphabet=string.printable, max_size=12)
    | st.sampled_from(["NO", "no", "1e5", "100_000", ".8", "2011-03", "~", "null", "true", "a: b"])
    | st.sampled_from(
        ["- a", "", " ", "a ", " a", "a #b", "#", "'", '"', "[", "{", "&a", "*a", "!"]
    )
)


@settings(max_examples=20)
@given(st.lists(TEXTS, min_size=20, max_size=40))
def test_any_text_round_trips(texts: list[str]) -> None:
    countries = [{"id": "AA", "name": texts[0], "languages": texts}, {"id": "BB"}]
    again = _read_text(dump(build(title=texts[1], countries=countries)))
    assert (again.title, again.countries[0].languages) == (texts[1], tuple(texts))


@settings(max_examples=20)
@given(st.lists(st.floats(min_value=1e-300, max_value=1e10), min_size=20, max_size=20))
def test_any_number_round_trips(numbers: list[float]) -> None:
    place = {"country": "AA", "income": 1, "lat": 0, "lon": -0.0}
    places = [{"id": f"P{i}", "people": it, **place} for i, it in enumerate(numbers)]
    scenario = build(places=places)
    assert _read_text(dump(scenario)).places == scenario.places


def _read_text(text: str) -> Scenario:
    """Read a text as a file would be, without one."""
    from sim.scenario.document import Text, parse

    return resolve(Scenario.model_validate(parse(text, Text("text", text)).plain()))


# --- Time ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "last"),
    [
        ("2024-02", date(2024, 2, 29)),
        ("2023-02", date(2023, 2, 28)),
        ("2023-12", date(2023, 12, 31)),
        ("2023-02-03", date(2023, 2, 3)),
    ],
)
def test_a_month_means_its_last_day_at_the_end(written: str, last: date) -> None:
    scenario = build(
        time={"start": "2020-02", "end": written},
        policies=[{"id": "p", "into": "AA", "start": "2020-02", "end": written, "barrier": 1}],
        observed=[{"id": "o", "what": "refugees", "of": "AA", "date": written, "people": 1}],
    )
    assert scenario.time.start == date(2020, 2, 1)
    assert scenario.time.end == scenario.policies[0].end == scenario.observed[0].date == last
    assert scenario.policies[0].start == date(2020, 2, 1)


# --- Countries and places --------------------------------------------------------------------


def test_countries(terse: Scenario) -> None:
    countries = by_id(terse.countries)
    assert countries["AA"].neighbours == ("BB",)
    assert countries["BB"].neighbours == ("AA",)
    assert countries["CC"].neighbours == ()
    assert countries["AA"].profile.under_15 == 0.4
    assert countries["BB"].profile.under_15 == 0.2
    assert countries["BB"].profile.over_65 == 0.07


def test_incomes(terse: Scenario) -> None:
    places = by_id(terse.places)
    assert places["A3"].income == (30_000 * 1000 + 10_000 * 2000) / 40_000
    assert places["A3"].income_ppp == places["A3"].income
    assert places["B1"].income_ppp == 12_000
    assert places["B2"].income == 9000
    assert places["B2"].income_ppp == 9000


def test_income_of_empty_camps_is_a_plain_mean() -> None:
    camp = {"country": "AA", "kind": "camp", "people": 0, "capacity": 5, "lat": 0, "lon": 0}
    scenario = build(
        places=[
            {"id": "A1", **camp, "income": 10},
            {"id": "A2", **camp, "income": 20},
            {"id": "A3", **camp | {"people": 7}},
            {"id": "B1", "country": "BB", "people": 5, "income": 9, "lat": 0, "lon": 0},
        ]
    )
    assert scenario.places[2].income == 15


def test_capacities(terse: Scenario) -> None:
    places = by_id(terse.places)
    assert places["A1"].capacity == 1500
    assert places["B2"].capacity == 500


def test_people_per_agent_with_a_focus(terse: Scenario) -> None:
    """90,000 people share 900 of 1,000 rows, the other 100,900 share 100."""
    weights = {it.id: it.people_per_agent for it in terse.places}
    assert weights == {"A1": 100, "A2": 100, "A3": 100, "B1": 1009, "B2": 7, "C1": 1009}


@pytest.mark.parametrize(
    ("population", "weights"),
    [
        ({"agents": 1000}, (4000, 4000)),
        ({"agents": 999}, (4005, 4005)),
        ({"agents": 10_000_000}, (1, 1)),
        ({"agents": 1000, "focus": ["AA"]}, (3334, 10_000)),
        ({"agents": 1000, "focus": ["AA", "BB"]}, (4000, 4000)),
    ],
)
def test_people_per_agent(population: dict[str, Any], weights: tuple[int, int]) -> None:
    assert tuple(it.people_per_agent for it in build(population=population).places) == weights


def test_groups(terse: Scenario) -> None:
    places = by_id(terse.places)
    assert places["A1"].groups == {"hill": 0.25, "plain": 0.5, "other": 0.25}
    assert places["A2"].groups == {"hill": 0.9, "plain": 0.0, "other": pytest.approx(0.1)}
    assert places["B1"].groups == {}


def test_groups_that_are_everyone_leave_nobody() -> None:
    groups = [{"id": f"g{i}", "country": "AA", "share": 0.1} for i in range(10)]
    assert build(groups=groups).places[0].groups["other"] == 0.0


# --- Threats ---------------------------------------------------------------------------------


def test_threats(terse: Scenario) -> None:
    assert list(terse.threats) == [it.id for it in terse.places]
    for levels in terse.threats.values():
        assert list(levels) == list(Threat.__members__)
    a1, a2, b1 = (terse.threats[it] for it in ("A1", "A2", "B1"))
    assert (a1["economic"].severity, a1["economic"].prevalence) == (0.2, 1)
    assert (a1["food"].severity, a1["food"].prevalence) == (0.3, 1)
    assert (b1["food"].severity, b1["food"].prevalence) == (0.1, 0.5)
    assert a2["economic"].severity == 1
    assert a2["food"].severity == 0.3
    assert a2["political"].by_state
    assert a2["political"].prevalence == 0.6
    assert not b1["political"].by_state
    assert b1["political"].severity == 0


def test_countries_become_their_places(terse: Scenario) -> None:
    assert terse.shocks[0].at == ("A1", "A2", "A3", "B1")
    assert terse.interventions[0].at == ("A1", "A2", "A3")


def test_priors_are_of_places(terse: Scenario) -> None:
    (prior,) = terse.decision.prior
    assert prior.at == ("A1", "A2", "A3", "B1")
    assert (prior.about, prior.livelihood, prior.flight) == (("CC",), None, 1)


# --- Corridors -------------------------------------------------------------------------------


def test_corridors_both_ways(terse: Scenario) -> None:
    corridors = by_id(terse.corridors)
    assert list(corridors) == [
        "A1_A2", "A2_A1", "A1_B1", "sea", "B1_A2", "A3_A1", "B1_B2", "C1_B1",
    ]  # fmt: skip
    there, back = corridors["sea"], corridors["B1_A2"]
    assert (back.from_, back.to) == (there.to, there.from_) == ("B1", "A2")
    assert back.route_options == there.route_options
    assert back.days == there.days
    assert not any(it.both_ways for it in terse.corridors)


def test_distance_and_duration(terse: Scenario) -> None:
    corridors = by_id(terse.corridors)
    assert corridors["A1_A2"].days == 1.1  # 30 km
    # One degree of latitude: a 360th of the meridian, and the detour.
    km = 1.2 * 2 * math.pi * 6371 / 360
    assert corridors["A1_B1"].days == pytest.approx(1 + km / 300, abs=1e-4)
    assert corridors["B1_B2"].days == 2
    # Length counts by the days it takes, and by nothing else: no km are left that would seem to.
    assert not any(it.km for it in terse.corridors)
    assert " km:" not in dump(terse)


def test_route_options(terse: Scenario) -> None:
    corridors = by_id(terse.corridors)
    (usual,) = corridors["A1_A2"].route_options
    assert (usual.id, usual.price, usual.enforcement_met, usual.death) == ("usual", 0, 1, 0)
    seen, unseen = corridors["A1_B1"].route_options
    assert (seen.id, seen.price, seen.enforcement_met, seen.death) == ("open", 100, 1, 0.01)
    assert (unseen.id, unseen.price, unseen.enforcement_met, unseen.death) == (
        "hidden",
        150,
        0.2,
        0.05,
    )
    assert seen.extortion == unseen.extortion == 0.1
    ferry, dinghy = corridors["sea"].route_options
    assert (ferry.id, ferry.price, dinghy.id, dinghy.death) == ("ferry", 9, "dinghy", 0.1)
    for corridor in terse.corridors:
        assert (corridor.price, corridor.extortion, corridor.dangerous) == (None, None, False)


@pytest.mark.parametrize(
    ("a", "b", "km"),
    [
        ((0, 0), (0, 0), 0),
        ((0, 0), (0, 180), math.pi * 6371),
        ((90, 0), (-90, 77), math.pi * 6371),
        ((52.52, 13.405), (48.857, 2.352), 878),  # Berlin to Paris
        ((0, 179), (0, -179), 2 * math.pi * 6371 / 180),
    ],
)
def test_great_circle(a: tuple[float, float], b: tuple[float, float], km: float) -> None:
    assert great_circle(*a, *b) == pytest.approx(km, rel=0.01, abs=1e-9)
    assert great_circle(*a, *b) == great_circle(*b, *a)


# --- Tables of the model ---------------------------------------------------------------------


def test_partial_tables_change_the_default(terse: Scenario) -> None:
    default = Exposure()
    assert terse.exposure.coupling == default.coupling | {"food": {"economic": 0.2, "health": 0.2}}
    assert terse.exposure.crowding == {}
    assert terse.exposure.vulnerability["hill"] == {"political": 2}
    assert terse.exposure.vulnerability["women"] == {"personal": 1.3, "food": 1.1}
    assert terse.exposure.vulnerability["old"] == {"health": 1.5}
    assert terse.decision.threat_weight["personal"] == 3
    assert terse.decision.threat_weight["community"] == 4
    assert terse.decision.tolerable["food"] == 0.2
    assert set(terse.decision.tolerable) == set(Threat.__members__)


def test_defaults_are_not_changed_by_merging() -> None:
    before = Exposure().model_dump()
    given = Exposure(coupling={"food": {"health": 1}}, vulnerability={"women": {"food": 9}})
    assert resolve_exposure(given).coupling["food"]["health"] == 1
    assert Exposure().model_dump() == before


def test_nothing_at_all_can_be_said() -> None:
    exposure = resolve_exposure(Exposure(coupling={}, crowding={}, vulnerability={}))
    assert (exposure.coupling, exposure.crowding, exposure.vulnerability) == ({}, {}, {})
    assert spectral_radius(jacobian(exposure)) == 0


def test_default_coupling_is_stable() -> None:
    radius = spectral_radius(jacobian(Exposure()))
    assert 0.1 < radius < 0.5


@pytest.mark.parametrize(
    ("matrix", "radius"),
    [
        ([[0.5]], 0.5),
        ([[0.0, 1.0], [0.0, 0.0]], 0.0),
        ([[0.0, 0.9], [0.9, 0.0]], 0.9),  # a cycle, on which plain power iteration swings
        ([[0.0, 2.0], [0.5, 0.0]], 1.0),
        ([[0.5, 1.0], [0.0, 0.5]], 0.5),  # defective
        ([[1 / 7] * 7] * 7, 1.0),
        ([[50.0] * 7] * 7, 350.0),
    ],
)
def test_spectral_radius(matrix: list[list[float]], radius: float) -> None:
    assert spectral_radius(matrix) == pytest.approx(radius, rel=1e-4, abs=1e-9)


@settings(max_examples=30)
@given(st.lists(st.lists(st.floats(0, 1), min_size=7, max_size=7), min_size=7, max_size=7))
def test_spectral_radius_as_numpy_has_it(matrix: list[list[float]]) -> None:
    import numpy as np

    expected = max(abs(np.linalg.eigvals(np.array(matrix))))
    # Eigenvalues of a defective matrix are themselves exact to a root of the precision only.
    assert spectral_radius(matrix) == pytest.approx(expected, rel=1e-3, abs=1e-2)


def test_jacobian_points_the_right_way() -> None:
    """Row: who answers; column: to whom. An environmental shock raises food, not the reverse."""
    exposure = Exposure(coupling={"environmental": {"food": 0.3}}, crowding={"health": 0.7})
    matrix = jacobian(exposure)
    assert matrix[Threat.food][Threat.environmental] == 0.3
    assert matrix[Threat.environmental][Threat.food] == 0
    assert matrix[Threat.health] == pytest.approx([0.1] * 7)


def test_a_place_stays_what_is_written() -> None:
    written = Place.model_validate(
        {
            "id": "A1", "name": "N", "country": "AA", "people": 5, "income": 7, "income_ppp": 8,
            "lat": 1, "lon": 2, "capacity": 3, "people_per_agent": 4, "source": "assumption",
        }
    )  # fmt: skip
    places = [written, {"id": "B1", "country": "BB", "people": 1, "income": 1, "lat": 0, "lon": 0}]
    assert build(places=places).places[0] == written
