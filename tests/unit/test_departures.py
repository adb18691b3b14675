"""Given departures: as many flee as a scenario states, and the model says who and where to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import sim
from sim.results.record import Record
from tests.small import small

NOBODY = (
    "decision.base_livelihood=1e-9",
    "decision.flight_norm=1e9",
    "population.demography=false",
)
STATED = "departures=[{from: AA, start: 2020-05-11, end: 2020-07, people: 60_000}]"


def run(*overrides: str) -> Record:
    """Run the small world for a year."""
    return sim.run(small("time.end=2020-12", "population.agents=6000", *NOBODY, *overrides))


def abroad(record: Record) -> dict[str, int]:
    """People from AA who leave it, by month."""
    flows = record.flows
    ours = flows[(flows["origin_country"] == "AA") & (flows["destination_country"] != "AA")]
    months = ours.groupby(ours["date"].astype(str).str[:7], observed=True)["departed"].sum()
    return {month: int(people) for month, people in months.items() if people}


def test_as_many_flee_as_are_stated_in_their_time() -> None:
    record = run(STATED)
    found, row = abroad(record), int(record.places["people_per_row"].max() * 12)
    assert list(found) == ["2020-05", "2020-06", "2020-07"]
    days = {"2020-05": 21, "2020-06": 30, "2020-07": 31}
    for month, people in found.items():
        assert abs(people - 60_000 * days[month] / 82) <= row
    assert abs(sum(found.values()) - 60_000) <= row


def test_those_who_went_before_the_first_day_do_not_go_again() -> None:
    record = run("departures=[{from: AA, start: 2019-12, end: 2020-01, people: 62_000}]")
    row = int(record.places["people_per_row"].max() * 12)
    found = abroad(record)
    assert list(found) == ["2020-01"]
    assert abs(found["2020-01"] - 31_000) <= row


def test_nobody_flees_where_none_are_stated() -> None:
    assert not abroad(run())


def test_who_has_nothing_to_fear_does_not_flee() -> None:
    calm = [f"threats.AA.{it}=[0, 0]" for it in ("political", "personal", "community")]
    quiet = ("shocks.war.enabled=false", "shocks.purge.enabled=false", "exposure.coupling={}")
    assert not abroad(run(STATED, *calm, *quiet, "exposure.crowding={}"))


def test_those_who_fear_more_go() -> None:
    """War is in the north: its people go, and hardly anybody from elsewhere."""
    flows = run(STATED, "shocks.purge.enabled=false").flows
    left = flows[flows["origin_country"] == "AA"].groupby("origin", observed=True)["departed"].sum()
    assert left["AA_N"] > 0.8 * left.sum()


def test_moves_answers_and_attribution_agree() -> None:
    record = run(STATED)
    answers = record.answers[record.answers["answer"] == "necessity"]
    went = sum(abroad(record).values())
    assert answers["people"].sum() == went
    assert record.attribution["people"].sum() == pytest.approx(went)


@pytest.mark.parametrize("step", ["day", "week"])
def test_the_same_people_go_whatever_the_step(step: str) -> None:
    month, other = (
        run(STATED, f"time.step={it}", "outputs.tables=[flows, stocks]") for it in ("month", step)
    )
    keys = ["origin", "destination", "channel", "answer"]
    found = [
        it.flows.groupby(keys, observed=True)["departed"].sum().sort_index()
        for it in (month, other)
    ]
    np.testing.assert_array_equal(*(it[it > 0].to_numpy() for it in found))


def test_unknown_countries_and_times_are_told(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    text = Path("tests/small.yaml").read_text()
    entry = "  - {from: XX, start: 2020-05, end: 2020-03, people: 10}\n"
    path.write_text(f"{text}\ndepartures:\n{entry}")
    with pytest.raises(sim.ScenarioError) as told:
        sim.read(path)
    assert "no country is called 'XX'" in str(told.value)
    assert "lies before its start" in str(told.value)
