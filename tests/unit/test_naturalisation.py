"""Naturalisation: who has stayed long enough becomes a citizen, at the rate of the rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim.core.state import DAYS_A_YEAR, I64, LONG_AGO
from sim.core.terms import Channel, Status
from sim.mechanisms.naturalisation import NATURALISED
from sim.mechanisms.policy import CLASSES, admission_class
from sim.model.world import World
from sim.scenario.whole import Scenario
from tests.lives import live_until, send
from tests.small import edited, small, tables, world


@pytest.fixture
def with_rule(tmp_path: Any) -> Any:
    """The small scenario with a rule of CC on naturalisation, at the end of its policies.

    If quiet, nobody moves of their own accord, is born or dies.
    """

    def read(rows: int = 8_000, quiet: bool = True, **rule: Any) -> Scenario:
        def change(text: dict[str, Any]) -> None:
            text["population"]["agents"] = rows
            text["policies"].append({"id": "cc_citizens", "into": "CC", **rule})
            if quiet:
                text["population"]["demography"] = False
                text["decision"] |= {
                    "base_livelihood": 1e-12, "base_flight": 0.0, "flight_norm": 1.0,
                }  # fmt: skip

        return edited(tmp_path, change)

    return read


def regular_households(at: World) -> I64:
    """Rows of households with a regular stay."""
    return np.flatnonzero(np.isin(at.households.status, [Status.regular, Status.refugee]))


def living_in(at: World, houses: I64, country: int) -> I64:
    """Those of the households that live in a country."""
    return houses[at.country[at.households.place[houses]] == country]


@pytest.mark.parametrize("status", [Status.regular, Status.refugee])
def test_those_who_have_stayed_are_naturalised_at_the_rate_of_the_rule(
    with_rule: Any, status: Status
) -> None:
    at = world(with_rule(150_000, naturalisation=0.3))
    houses = regular_households(at)
    of_cc, others = living_in(at, houses, 2), living_in(at, houses, 1)
    at.households.status[of_cc] = status
    for days in (180, 360):
        live_until(at, days)
        new = at.households.status[of_cc] == Status.citizen
        expected = 1 - 0.7 ** (days / DAYS_A_YEAR)
        assert new.mean() == pytest.approx(expected, abs=4 * np.sqrt(0.21 / len(of_cc)))
        # Each on a day of its own.
        since = at.households.since[of_cc[new]]
        assert since.min() >= 0
        assert since.max() < days
        assert since.mean() == pytest.approx(days / 2, abs=0.1 * days)
        assert (at.households.status[of_cc[~new]] == status).all()
    assert len(of_cc) > 1_500
    assert (at.households.status[others] == Status.regular).all()


def test_a_household_is_naturalised_whole_and_counted_by_where_it_is_from(with_rule: Any) -> None:
    at = world(with_rule(naturalisation=1.0, naturalisation_years=0))
    live_until(at, 700)
    households, persons = at.households, at.persons
    mine = (at.country[households.place] == 2) & (at.country[households.home] != 2)
    assert mine.any()
    assert (households.status[mine] == Status.citizen).all()
    # By person.
    houses = persons.household[mine[persons.household]]
    assert len(houses) > mine.sum()
    counted = np.bincount(at.country[households.home[houses]], households.weight[houses], 3)
    assert NATURALISED.of(at)[2].tolist() == counted.tolist()
    assert not NATURALISED.of(at)[:2].any()


def test_only_those_of_whom_the_rule_speaks(with_rule: Any) -> None:
    at = world(with_rule(naturalisation=1.0, naturalisation_years=0, citizens_of=["BB"]))
    live_until(at, 700)
    assert NATURALISED.of(at)[2, 1] > 0
    assert NATURALISED.of(at)[2, 0] == 0


def test_who_arrives_waits_for_the_years_of_the_rule(with_rule: Any) -> None:
    at = world(with_rule(naturalisation=0.999999, naturalisation_years=1))
    came, others = np.split(living_in(at, regular_households(at), 2), [40])
    at.households.since[came] = 0  # came on the first day
    live_until(at, 365)
    assert (at.households.status[came] == Status.regular).all()
    assert (at.households.status[others] == Status.citizen).mean() > 0.99
    live_until(at, 700)
    assert (at.households.status[came] == Status.citizen).mean() > 0.9
    assert at.households.since[came].min() >= 365


def test_a_move_within_the_country_does_not_begin_the_stay_anew(with_rule: Any) -> None:
    at = world(with_rule(naturalisation=1e-9))
    houses = regular_households(at)
    here = living_in(at, houses, 2)[:2]
    leaver = living_in(at, houses, 1)[:1]
    send(at, here[:1], 6 if at.households.place[here[0]] == 7 else 7, Channel.internal, day=40.5)
    send(at, leaver, 7, Channel.labour, day=40.5)  # to another country
    live_until(at, 60)
    assert (at.households.moved[[here[0], leaver[0]]] == 40).all()
    assert (at.households.since[here] == LONG_AGO).all()
    assert at.households.since[leaver[0]] == 40
    assert (at.households.status[[*here, *leaver]] == Status.regular).all()


def test_the_recognised_and_the_regularised_stay_from_that_day_on(with_rule: Any) -> None:
    """Not from their arrival: a stay without a permit, or with a claim, does not count."""
    at = world(with_rule(naturalisation=0.999999, naturalisation_years=1, regularisation=1.0))
    came = living_in(at, regular_households(at), 2)[:60]
    at.households.since[came] = 0
    at.households.status[came] = Status.irregular
    live_until(at, 366)
    households = at.households
    assert (households.status[came] == Status.regular).mean() > 0.9
    given = households.since[came].copy()
    assert given.max() > 20
    live_until(at, 500)
    new = at.households.status[came] == Status.citizen
    assert new.any()
    assert (at.households.since[came[new]] >= given[new] + 365).all()


def test_rules_take_the_naturalised_for_citizens_of_their_new_country(with_rule: Any) -> None:
    at = world(with_rule(naturalisation=1.0, naturalisation_years=0))
    houses = regular_households(at)
    before = at.households.citizenship[houses].copy()
    everybody = at.households.citizenship.copy()
    at.households.uprooted[houses] = 1
    assert (before == at.country[at.households.home[houses]]).all()
    live_until(at, 700)
    households = at.households
    new = households.status[houses] == Status.citizen
    assert new.any()
    assert (households.citizenship[houses[new]] == 2).all()
    assert (households.citizenship[houses[~new]] == before[~new]).all()
    changed = households.citizenship[: len(everybody)] != everybody
    assert np.flatnonzero(changed).tolist() == houses[new].tolist()
    own = CLASSES.of(at)[2, households.group[houses[new]]]
    assert (admission_class(at, houses[new]) == own).all()
    # They are settled.
    assert ((households.uprooted[houses] == 0) == new).all()


def test_the_naturalised_are_not_back_home(with_rule: Any) -> None:
    """They live abroad as before: whoever is counted there by country of origin still is."""
    rule = {"naturalisation": 0.5, "naturalisation_years": 0.5}
    run = tables(with_rule(quiet=False, **rule))
    stocks, naturalised = run["stocks"], run["naturalisations"]
    assert naturalised["people"].sum() > 0
    end = stocks[stocks["date"] == stocks["date"].max()]
    there = (end["country"] == "CC") & (end["citizenship"] != "CC") & (end["status"] == "citizen")
    # Some have died, were joined by children born to them, or have moved on.
    assert 0.5 < end["people"][there].sum() / naturalised["people"].sum() < 1.5
    flows = run["flows"]
    home = flows[flows["channel"] == "home"]
    assert (home["destination_country"].astype(str) == home["citizenship"].astype(str)).all()


def test_without_a_rule_nobody_is_naturalised_and_the_table_is_empty() -> None:
    at = world(small("population.demography=false"))
    foreign = regular_households(at)
    live_until(at, 100)
    assert not NATURALISED.of(at).any()
    there = at.country[at.households.place[foreign]] != at.country[at.households.home[foreign]]
    assert (at.households.status[foreign[there]] != Status.citizen).all()
    assert not len(tables()["naturalisations"])


def test_a_rule_that_is_switched_off_changes_nothing(with_rule: Any) -> None:
    off = tables(with_rule(quiet=False, naturalisation=0.5, enabled=False))
    for name, frame in tables().items():
        assert frame.equals(off[name]), name
