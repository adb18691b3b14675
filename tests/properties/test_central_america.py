"""The shipped Central American case: it runs, its books close, and its rules pull as they should.

Short runs of few agents, most of them with ten times as many who leave, so that what is rare
happens. Every direction has its control, in which what is to bring it about is off.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

import sim
from sim.engine.setup import build_world
from sim.engine.solve import solve_base
from sim.mechanisms.choice import CHOICES
from sim.results.record import Record
from sim.scenario.whole import Scenario
from tests.worlds import prepare

NAME = "central_america"
FOCUS = ("GT", "HN", "SV")
FEW = ("population.agents=30000",)
CROWD = (*FEW, "observed=[]", "decision.baseline_rate=.4")
"""Ten times the flow: a row stands for 1,060 people."""


@cache
def read(*changes: str) -> Scenario:
    return sim.read(NAME, changes)


@cache
def run(start: str, end: str, *changes: str) -> Record:
    """The case from one month to another, as changed, with the base rates of the file."""
    frame = (*CROWD, f"time.start={start}", f"time.end={end}")
    return sim.run(read(*frame, *changes), base=read(*CROWD))


def harmed(record: Record, harm: str, at: str, since: str = "2000-01") -> float:
    """People of the three whom a harm happened to in a country or on a corridor into it."""
    place = {it.id: it.country for it in record.scenario.places}
    ways = {it.id for it in record.scenario.corridors if at in (it.id, place[it.to])}
    rows = record.harms[(record.harms["harm"] == harm) & record.harms["citizenship"].isin(FOCUS)]
    rows = rows[rows["corridor"].isin({at} | ways) & (rows["date"] >= pd.Timestamp(since))]
    return float(rows["people"].sum())


def test_the_case_runs_from_end_to_end_and_its_account_closes() -> None:
    record = sim.run(read(*FEW))
    account = record.account.pivot_table(
        index="date", columns="activity", values="people", aggfunc="sum", observed=True
    )
    births = record.vital[record.vital["event"] == "birth"].groupby("date")["people"].sum()
    born = np.cumsum(births.reindex([it.replace(day=1) for it in account.index], fill_value=0))
    everybody = account.sum(axis=1).to_numpy()
    assert len(account) == 120
    assert (everybody - born.to_numpy() == everybody[0] - born.iloc[0]).all()
    # Every observed figure has one to stand beside it, and all its sources are listed.
    assert record.observed["simulated"].notna().all()
    known = {it.id for it in record.scenario.sources}
    assert {word for it in record.scenario.observed for word in it.source} <= known


def test_families_are_separated_by_zero_tolerance_and_by_nothing_else() -> None:
    with_it = run("2018-02", "2018-08")
    without = run("2018-02", "2018-08", "policies.zero_tolerance.enabled=false")
    taken = with_it.harms[with_it.harms["harm"] == "separation"]
    assert taken["people"].sum() > 0
    assert set(taken["date"].dt.strftime("%Y-%m")) <= {"2018-05", "2018-06"}
    assert (without.harms["harm"] != "separation").all()
    # The same people come to the border in both, and adults are prosecuted in both, but for more.
    assert harmed(without, "interception", "US") > 0
    assert harmed(with_it, "prosecution", "US", "2018-05") > harmed(
        without, "prosecution", "US", "2018-05"
    )
    assert harmed(without, "prosecution", "US") > 0


def test_children_alone_reach_the_border() -> None:
    """Seen by who is detained where children without adults alone are."""
    nobody = [f"policies.{it}.detention=0" for it in ("us_custody", "us_families", "us_mexicans")]
    rule = (*nobody, "policies.us_streamline.prosecution=0", "policies.us_children.detention=1")
    come = run("2012-01", "2012-06", *rule)
    never = run(
        "2012-01", "2012-06", *rule, "decision.livelihood.child=-50", "decision.flight.child=-50"
    )
    # A few are left alone by a death on the way (one row of 1,058 people, against 13).
    assert harmed(come, "detention", "US") > 5 * harmed(never, "detention", "US")
    assert harmed(come, "detention", "US") > 0
    assert harmed(never, "interception", "US") > 0


def test_the_price_of_smugglers_follows_enforcement() -> None:
    def price(*changes: str) -> np.ndarray[Any, Any]:
        scenario = read("population.agents=2000", "observed=[]", *changes)
        world = build_world(solve_base(scenario, scenario), 1)
        prepare(world)
        legs = world.network.legs
        names = [scenario.corridors[int(c)].id for c in legs.corridor]
        return np.array(CHOICES.of(world).way.price)[[name == "rio_grande" for name in names]]

    lax = "policies.us_start.barrier=.2"
    # Gathmann's elasticity: a fifth more at full enforcement, which is barrier x officers x law.
    assert price() == pytest.approx(price(lax) * (1 + 0.2 * 0.95**3) / (1 + 0.2 * 0.2 * 0.95**2))
    assert (price() > 1.1 * price(lax)).all()
    # Control: without the premium a price is a price.
    still = "journey.premium=0"
    assert price(still) == pytest.approx(price(still, lax))


def test_mexico_stops_more_from_july_2014_and_the_united_states_fewer() -> None:
    with_it = run("2014-01", "2015-06")
    rules = ("frontera_sur", "frontera_sur_pacific", "frontera_sur_gulf")
    without = run("2014-01", "2015-06", *(f"policies.{it}.enabled=false" for it in rules))
    after = ("MX", "2014-08")
    assert harmed(with_it, "interception", *after) > 1.2 * harmed(without, "interception", *after)
    assert harmed(with_it, "interception", "US", "2014-09") < harmed(
        without, "interception", "US", "2014-09"
    )
    # Until then they are one and the same run.
    before = [it.harms[it.harms["date"] < "2014-07-01"] for it in (with_it, without)]
    pd.testing.assert_frame_equal(*before)


def test_officials_let_people_go_for_money_where_they_are_complicit() -> None:
    honest = [
        f"policies.{it}.complicit=0" for it in ("mx_start", "mx_roads_pacific", "mx_roads_gulf")
    ]
    bribed, none = run("2012-01", "2012-06"), run("2012-01", "2012-06", *honest)
    assert harmed(bribed, "bribe", "MX") > 0
    assert harmed(none, "bribe", "MX") == 0
    assert harmed(none, "forced_return", "MX") > harmed(bribed, "forced_return", "MX")


def test_caravans_form_when_they_did_and_only_where_they_may() -> None:
    with_it = run("2018-08", "2019-01")
    without = run(
        "2018-08",
        "2019-01",
        "interventions.caravan_2018.enabled=false",
        "interventions.caravan_2019.enabled=false",
    )

    def joined(record: Record) -> pd.DataFrame:
        table = record.journeys
        return table[(table["caravan"] != "none") & (table["departed"] > 0)]

    assert len(joined(without)) == 0
    assert joined(with_it)["departed"].sum() > 0
    assert (joined(with_it)["date"] >= "2018-10-01").all()


def test_drought_is_hunger_in_the_dry_corridor_that_fades() -> None:
    def food(record: Record, place: str, month: str) -> float:
        table = record.threats
        rows = table[(table["place"] == place) & (table["threat"] == "food")]
        return float(rows[rows["date"] == month]["severity"].iloc[0])

    shocks = ("drought_2014", "hunger_2014")
    dry = run("2014-01", "2018-03")
    wet = run("2014-01", "2018-03", *(f"shocks.{it}.enabled=false" for it in shocks))
    for place in ("GT_DRY", "HN_DRY", "SV_EST"):
        assert food(dry, place, "2014-06-01") == pytest.approx(
            food(wet, place, "2014-06-01"), abs=0.02
        )
        assert food(dry, place, "2016-06-01") > food(wet, place, "2016-06-01") + 0.2
        assert food(dry, place, "2018-03-01") < food(dry, place, "2016-06-01") - 0.1
        assert food(wet, place, "2016-06-01") == pytest.approx(
            food(wet, place, "2014-02-01"), abs=0.06
        )
    assert food(dry, "GT_RES", "2016-06-01") == pytest.approx(
        food(wet, "GT_RES", "2016-06-01"), abs=0.03
    )
