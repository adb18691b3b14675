"""What must not change a run: threads, the order of things, places that nobody can reach."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import sim
from sim.core.rng import replicate_seed
from sim.core.state import DIED, WOMAN
from sim.engine.simulate import run_world
from sim.engine.step import advance
from sim.model.world import World
from sim.scenario.writer import dump
from tests.small import HARSH, Tables, differing, edited, small, small_tables, solved, tables, world

FLOWS = ("flows", "answers", "attribution", "harms", "insecurity", "spending", "vital", "claims")
LAST_DAY = ("stocks", "blocked", "account")


def test_the_small_world_uses_every_mechanism():
    """Otherwise the equalities below would prove little."""
    found = small_tables()
    assert set(found["flows"]["channel"]) == {
        "labour", "family", "asylum", "irregular", "internal", "home", "free", "relocation",
    }  # fmt: skip
    assert set(found["answers"]["answer"]) == {
        "choice", "necessity", "no_means", "no_permission",
    }  # fmt: skip
    assert (found["at_risk"]["household_days"] > 0).all()
    assert set(found["harms"].query("people > 0")["harm"]) == {
        "death", "violence", "extortion", "kidnapping", "interception", "detention", "stranding",
        "forced_return",
    }  # fmt: skip
    assert set(found["stocks"]["status"]) == {
        "citizen", "displaced", "regular", "refugee", "claimant", "irregular", "ordered",
    }  # fmt: skip
    assert set(found["account"].query("people > 0")["activity"]) == {
        "resident", "waiting", "travelling", "stranded", "detained", "captive", "dead",
    }  # fmt: skip
    assert set(found["vital"]["event"]) == {"birth", "death"}
    assert set(found["claims"]["stage"]) == {"claimed", "accepted", "recognised", "rejected"}
    assert set(found["paths"]["came_from"]) == {"AA", "BB", "CC"}
    assert set(found["blocked"]["answer"]) == {"no_means", "no_permission"}
    assert found["answers"]["trapped"].sum() > 0
    assert found["stocks"].query("place == 'BB_K'")["people"].sum() > 0
    assert set(found["opinion"]["country"]) == {"BB", "CC"}
    assert found["opinion"].groupby("country", observed=True)["stringency"].nunique().min() > 1
    assert set(found["spending"]["item"]) == {
        "relief", "detention", "decision", "forced_return", "relocation", "camp", "claimant",
        "refugee",
    }  # fmt: skip


def test_the_same_seed_gives_the_same_tables():
    assert differing(small_tables(), tables()) == []


def test_another_seed_gives_other_tables():
    other = tables(seed=8)
    assert set(differing(small_tables(), other)) >= {"flows", "answers", "stocks", "harms"}


def test_threads_change_nothing():
    assert differing(small_tables(), tables(threads=2)) == []


@pytest.mark.parametrize("threads", [1, 3])
def test_nor_does_how_many_rows_are_visited_at_a_time(monkeypatch, threads):
    monkeypatch.setattr("sim.core.parallel.PIECE", 97)
    assert differing(small_tables(), tables(threads=threads)) == []


def test_nor_do_threads_where_answers_are_expected(monkeypatch):
    expecting = small("outputs.expected=true")
    plain = tables(expecting)
    monkeypatch.setattr("sim.core.parallel.PIECE", 97)
    assert differing(plain, tables(expecting, threads=3)) == []
    assert plain["answers"]["expected"].sum() > 0
    assert plain["flows"]["expected"].sum() > 0


def test_nor_does_whoever_looks_at_households_before_they_are_asked():
    """A `look` is called before each segment is lived through, and changes nothing."""
    plain, seen = world(), world()
    days = []
    for _ in range(8):
        advance(plain)
        advance(seen, look=lambda _, end: days.append(end))
    assert len(days) > 8, "dated events cut steps"
    for table in ("households", "persons"):
        for name, column in getattr(plain, table)._asdict().items():
            assert (column == getattr(getattr(seen, table), name)).all(), (table, name)


def test_threads_of_a_whole_run_change_nothing():
    one, two = sim.run(small(), threads=1), sim.run(small(), threads=2)
    assert differing(one.tables, two.tables) == []


@pytest.mark.parametrize("kind", ["reversed", "shuffled", "tens"])
def test_the_order_of_rows_changes_nothing(kind):
    n = len(world().households.ident)
    order = np.arange(n)[::-1].copy()
    if kind == "shuffled":
        order = np.random.default_rng(1).permutation(n)
    elif kind == "tens":
        order = np.argsort(np.arange(n) % 10, kind="stable")
    assert differing(small_tables(), tables(order=order)) == []


def test_nor_do_rows_or_threads_at_harsh_borders():
    base = tables(small(*HARSH))
    order = np.random.default_rng(1).permutation(len(world().households.ident))
    assert differing(base, tables(small(*HARSH), order=order, threads=2)) == []
    harms = base["harms"].groupby("harm", observed=False)["people"].sum()
    assert (harms[["prosecution", "separation", "bribe"]] > 0).all()
    assert set(base["journeys"]["caravan"]) == {"none", "walk"}


def island(people: float, at: int, country: str) -> Any:
    """Add a place with a way out and no way in."""

    def change(scenario: dict[str, Any]) -> None:
        scenario["places"].insert(
            at,
            {
                "id": "ISLE", "country": country, "people": people, "income": 5_000, "lat": 10,
                "lon": 60, "kind": "camp" if people == 0 else "region", "capacity": 100,
            },
        )  # fmt: skip
        scenario["corridors"].insert(0, {"from": "ISLE", "to": "BB_T"})
        if country == "ZZ":
            scenario["countries"].insert(1, {"id": "ZZ"})

    return change


@pytest.mark.parametrize("at", [0, 4, 8])
@pytest.mark.parametrize("country", ["AA", "CC", "ZZ"])
def test_a_place_that_nobody_can_reach_changes_nothing(tmp_path, at, country):
    found = tables(edited(tmp_path, island(0, at, country)))
    assert differing(small_tables(), found, without=("ISLE", "ISLE_BB_T", "ZZ")) == []


def reverse(key: str) -> Any:
    def change(scenario: dict[str, Any]) -> None:
        scenario[key] = scenario[key][::-1]

    return change


@pytest.mark.parametrize(
    "key",
    [
        "corridors", "policies", "places", "countries", "groups", "shocks", "stocks",
        "interventions",
    ],
)  # fmt: skip
def test_the_order_in_the_file_changes_nothing(tmp_path, key):
    """Up to rounding, since sums over places run in another order."""
    found = tables(edited(tmp_path, reverse(key)))
    assert differing(small_tables(), found, slack=0.001) == []


def test_people_on_an_island_change_only_what_all_people_do(tmp_path):
    """Sizes of countries are shares of all people, and base_L is a mean over them all.

    With both constants held and an island that is small, others' answers stay but for those whose
    draw lies next to a threshold. Who they are stays to the last: at the start everything, with
    whom and where they live included; at the end all that moving does not change.
    """
    base = small("decision.base_livelihood=.5", "decision.flight_norm=2")

    def change(scenario: dict[str, Any]) -> None:
        island(4_000, 4, "ZZ")(scenario)
        scenario["places"][4]["people_per_agent"] = 100
        for place in scenario["places"]:
            place.setdefault("people_per_agent", base.places[0].people_per_agent)
        scenario["decision"] |= {"base_livelihood": 0.5, "flight_norm": 2}

    one, other = world(base), world(edited(tmp_path, change))
    pd.testing.assert_frame_equal(persons(one), persons(other, without="ISLE"))
    mine, theirs = (run_world(at, 0, 1, None).frames(0) for at in (one, other))
    fixed = ["home", "born", "sex", "education", "taste", "group", "rank"]
    before, after = persons(one)[fixed], persons(other, without="ISLE")[fixed]
    # Children of those who would have died on the way, or did, are not in both.
    both = before.index.intersection(after.index)
    assert len(both) > 0.99 * max(len(before), len(after))
    pd.testing.assert_frame_equal(before.loc[both], after.loc[both])
    moved = [t["answers"].query("place != 'ISLE'")["households"].sum() for t in (mine, theirs)]
    assert moved[0] > 0
    assert moved[1] == pytest.approx(moved[0], rel=0.02)


def persons(at: World, without: str = "") -> pd.DataFrame:
    """Everybody but those born in a place, by id; places, countries and people by their ids.

    Members are told by the one who follows, and households of a family by the next one.
    """
    households, people, scenario = at.households, at.persons, at.scenario
    places = np.array([place.id for place in scenario.places])
    countries = np.array([country.id for country in scenario.countries])
    kin = np.array(["", *countries])
    house, alive = people.household, people.past & DIED == 0
    following = np.append(people.pid, np.uint64(0))[np.minimum(people.next, len(people.pid))]
    table = pd.DataFrame(
        {
            "home": places[households.home[house]],
            "place": places[households.place[house]],
            "household": households.ident[house],
            "relative": households.ident[households.relative[house]],
            "head": households.head[house] == np.arange(len(people.pid)),
            "next": np.where(alive, following, 0),
            "size": households.size[house],
            "weight": households.weight[house],
            "born": people.born,
            "sex": people.traits & WOMAN,
            "education": people.traits >> 1 & 3,
            "taste": people.traits >> 4,
            "group": households.group[house],
            "rank": households.rank[house],
            "kin": kin[households.kin[house]],
            "citizenship": countries[households.citizenship[house]],
            "status": households.status[house],
        },
        index=people.pid,
    )
    return table[table["home"] != without].sort_index()


def test_replicates_are_runs_with_seeds_of_their_own():
    record = sim.run(small(), replicates=2)
    for r in range(2):
        alone = sim.run(small(), seed=replicate_seed(small().seed, r), base=small())
        mine = {
            name: table[table["replicate"] == r].assign(replicate=0)
            for name, table in record.tables.items()
        }
        assert differing(mine, alone.tables) == []
    assert record.manifest["seeds"][0] == small().seed


@pytest.mark.parametrize("filled", [False, True])
def test_a_scenario_written_and_read_again_runs_alike(tmp_path, filled):
    scenario = solved(small()) if filled else small()
    path = tmp_path / "again.yaml"
    path.write_text(dump(scenario), encoding="utf-8")
    assert differing(small_tables(), tables(sim.read(path))) == []


def by_quarter(monthly: Tables, name: str) -> pd.DataFrame:
    """Rows of a flow table summed over quarters."""
    table = monthly[name].copy()
    table["date"] = table["date"].to_numpy().astype("datetime64[M]")
    month = table["date"].dt.month
    table["date"] -= pd.to_timedelta(0, "D")
    table["date"] = [
        d.replace(month=(m - 1) // 3 * 3 + 1) for d, m in zip(table["date"], month, strict=True)
    ]
    keys = [c for c in table if c not in SUMMED]
    return table.groupby(keys, observed=True, as_index=False)[
        [c for c in table if c in SUMMED]
    ].sum()


SUMMED = (
    "departed", "arrived", "households", "people", "expected", "rows", "trapped", "money",
    "person_years", "amount", "lived", "as_refugee", "as_claimant", "lost", "lost_3pct",
)  # fmt: skip


def test_rows_of_three_months_sum_those_of_one():
    monthly = small_tables()
    quarterly = tables(small("outputs.every=3"))
    for name in FLOWS:
        expected = by_quarter(monthly, name)
        found = quarterly[name]
        keys = [c for c in expected if c not in SUMMED]
        both = expected.merge(
            found.assign(date=found["date"].astype(expected["date"].dtype)),
            on=keys, how="outer", suffixes=("", "_found"), indicator=True,
        )  # fmt: skip
        assert set(both["_merge"]) == {"both"}, name
        for column in [c for c in expected if c in SUMMED]:
            np.testing.assert_allclose(
                both[column], both[f"{column}_found"], rtol=1e-9, err_msg=name
            )
    for name in LAST_DAY:
        dates = set(quarterly[name]["date"])
        expected = monthly[name][monthly[name]["date"].isin(dates)]
        assert differing({name: expected}, {name: quarterly[name]}) == []


def test_no_headline_figure_depends_on_how_many_steps_a_row_sums_up():
    found = [
        sim.run(small(f"outputs.every={every}", "time.end=2020-12")).headline.set_index("measure")
        for every in (1, 5, 48)
    ]
    assert found[0].loc["life_years_lost", "value"] > 0
    assert 0 < found[0].loc["orderly", "value"] < 1
    for other in found[1:]:
        np.testing.assert_allclose(other["value"], found[0]["value"], rtol=1e-12, atol=0)


def test_keeping_fewer_tables_changes_none_of_them():
    few = tables(small("outputs.tables=[stocks, harms]"))
    assert differing(few, {name: small_tables()[name] for name in few}) == []
