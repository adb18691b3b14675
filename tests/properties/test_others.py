"""The population of interest: who decides where a scenario names one, and who stays."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from sim.core.state import DIED, I64
from sim.core.terms import Activity
from sim.kernels.household import died_at
from sim.mechanisms.exposure import EXPOSURE
from sim.mesa.twin import Twin
from sim.model.world import World
from sim.scenario.whole import Scenario
from tests.small import AA, HARSH, Tables, differing, small, small_tables, steps, tables, world

SAME = (
    *(f"places.{place.id}.people_per_agent=500" for place in small().places),
    "decision.base_livelihood=.5", "decision.flight_norm=2",
)  # fmt: skip
"""Rows and rates that do not depend on the focus."""
STAY = (*SAME, "population.focus=[AA]")
DECIDE = (*STAY, "population.others=decide")


@cache
def found(*changes: str) -> Tables:
    return tables(small(*changes))


def moved(of: Tables) -> set[str]:
    """Citizenships of people who moved."""
    flows = of["flows"]
    return set(flows.loc[flows["departed"] > 0, "citizenship"].astype(str))


def people(of: Tables, name: str, column: str = "people") -> dict[str, float]:
    sums = of[name].groupby("citizenship", observed=False)[column].sum()
    return {str(country): float(n) for country, n in sums.items()}


@pytest.mark.parametrize("changes", [(), HARSH], ids=["as it is", "harsh"])
def test_people_outside_the_focus_stay_where_they_are(changes: tuple[str, ...]) -> None:
    at = world(small(*STAY, *changes))
    start = places_of(at)
    home = at.country[at.households.home[at.persons.household]]
    outside = home != AA
    abroad = outside & (at.country[start] != home)
    assert abroad.sum() > 10
    for _ in steps(at):
        pass
    n = len(start)
    assert (places_of(at)[:n][outside] == start[outside]).all()
    assert (places_of(at)[:n][~outside] != start[~outside]).mean() > 0.1
    there = np.isin(at.households.activity, (Activity.resident, Activity.dead))
    assert there[at.country[at.households.home] != AA].all()


def places_of(at: World) -> I64:
    """[person] place of stay; of the dead, where they died."""
    places = at.households.place[at.persons.household].astype(np.int64)
    dead = at.persons.past & DIED > 0
    places[dead] = died_at(at.persons.next[dead])[0]
    return places


def test_only_the_focus_decides_moves_and_comes_to_harm() -> None:
    stay, decide = found(*STAY), found(*DECIDE)
    assert moved(stay) == {"AA"}
    assert moved(decide) == {"AA", "BB", "CC"}
    for name in ("blocked", "harms", "claims", "crossings", "paths"):
        there = {country for country, n in people(stay, name).items() if n}
        assert there == {"AA"}, name


def test_answers_are_those_of_the_focus() -> None:
    scenario = small(*STAY, "outputs.by=[citizenship]")
    asked = people(tables(scenario), "answers", "households")
    assert asked["AA"] > 0
    assert asked["BB"] == asked["CC"] == 0


def test_others_are_counted_exposed_born_and_die() -> None:
    stay = found(*STAY)
    for name, column in (("stocks", "people"), ("insecurity", "person_years"), ("vital", "people")):
        counted = people(stay, name, column)
        assert min(counted[it] for it in ("BB", "CC")) > 0, name
    births = stay["vital"].query("citizenship != 'AA'").groupby("event", observed=True)["people"]
    assert (births.sum() > 0).all()
    assert len(births.sum()) == 2
    # Exposure is redrawn as that of everybody: who stays felt no less than with a right to decide.
    felt, free = (people(it, "insecurity", "person_years") for it in (stay, found(*DECIDE)))
    assert felt["CC"] == pytest.approx(free["CC"], rel=0.05)


def test_others_vote_on_newcomers_and_feel_the_strain() -> None:
    """Where people of BB are of interest instead, none of AA come, and CC sees no newcomers."""
    crowded = ("exposure.crowding.economic=1", "places.BB_T.capacity=1000")
    stay = found(*STAY, *crowded)
    alone = found(*SAME, "population.focus=[CC]", *crowded)
    for of in (stay, alone):
        of["opinion"]["country"] = of["opinion"]["country"].astype(str)
    opinion, unmoved = (it["opinion"].query("country == 'BB'")["opinion"].iloc[-1]
                        for it in (stay, alone))  # fmt: skip
    assert opinion > unmoved
    felt, calm = (
        it["insecurity"].query("citizenship == 'BB' and threat == 'economic' and place == 'BB_T'")
        ["person_years"].sum() for it in (stay, alone)
    )  # fmt: skip
    assert felt > 1.02 * calm


def test_where_others_decide_it_is_as_without_a_focus() -> None:
    # The focus also says by whose means prices are weighed, so here they do not count.
    free = (*SAME, "decision.cost=0")
    without = found(*free)
    assert differing(without, found(*free, "population.focus=[AA]")) != []
    assert differing(without, found(*free, "population.focus=[AA]", DECIDE[-1])) == []
    # Nobody is outside where there is no focus.
    for others in ("stay", "decide"):
        assert differing(small_tables(), found(f"population.others={others}")) == []


def test_the_account_closes_by_citizenship() -> None:
    stay = found(*STAY, "population.demography=false")
    account = stay["account"].groupby(["date", "citizenship"], observed=True)["people"].sum()
    assert (account.groupby("citizenship", observed=True).nunique() == 1).all()
    whole = found(*STAY)
    days = whole["account"].groupby(["date", "citizenship"], observed=True)["people"].sum()
    born = whole["vital"].query("event == 'birth'").groupby("citizenship", observed=False)["people"]
    for country in ("AA", "BB", "CC"):
        of = days.xs(country, level="citizenship")
        assert of.iloc[-1] - of.iloc[0] == pytest.approx(born.sum()[country], rel=0.2)


def test_objects_ask_the_same_households() -> None:
    scenario: Scenario = small(*STAY, "population.agents=1000")
    twin = Twin(scenario)
    twin.step()
    rows = np.array([house.row for house in twin.asked])
    at = twin.world
    assert len(rows) > 100
    assert (at.country[at.households.home[rows]] == AA).all()


def test_those_of_interest_decide_and_all_are_exposed() -> None:
    at = world(small(*STAY))
    ours = np.flatnonzero(at.country[at.households.home] == AA)
    assert 0 < len(ours) < len(at.households.ident)
    assert at.deciding.tolist() == ours.tolist()
    # A threat's prevalence is its share of all households of a place, whoever decides.
    assert EXPOSURE.of(at).counts.sum() == len(at.households.ident)
