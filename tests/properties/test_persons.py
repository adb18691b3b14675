"""What is kept of each person: it agrees with the tables of events, and outlives births."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import sim
from sim.experiments.compare import ARMS, EXISTS, by_person, differences
from sim.schema import Outputs
from tests.small import differing, small, steps, tables, world

KEPT = Outputs().tables
NAMED = f"outputs.tables=[{', '.join((*KEPT, 'persons'))}]"
EVENTS = ("moved_abroad", "moved_within", "no_means", "no_permission")


@pytest.fixture(scope="module")
def run() -> dict[str, pd.DataFrame]:
    return tables(small(NAMED))


def people(frame: pd.DataFrame, column: str) -> int:
    return int(frame.loc[frame[column], "people"].sum())


def test_it_is_off_unless_named_and_changes_nothing_else(run: dict[str, pd.DataFrame]) -> None:
    plain = tables()
    assert "persons" not in plain
    assert differing(plain, {name: frame for name, frame in run.items() if name in plain}) == []


def test_everybody_has_one_row(run: dict[str, pd.DataFrame]) -> None:
    persons, account = run["persons"], run["account"]
    assert not persons.duplicated(["id_high", "id_low"]).any()
    last = account[account["date"] == account["date"].max()]
    assert persons["people"].sum() == last["people"].sum()
    assert persons["date"].eq(account["date"].max()).all()


def test_deaths_are_those_of_the_other_tables(run: dict[str, pd.DataFrame]) -> None:
    persons, harms, vital = run["persons"], run["harms"], run["vital"]
    on_the_way = harms.loc[harms["harm"] == "death", "people"].sum()
    naturally = vital.loc[vital["event"] == "death", "people"].sum()
    assert people(persons, "died_on_the_way") == on_the_way > 0
    assert people(persons, "died_naturally") == naturally > 0
    assert not (persons["died_on_the_way"] & persons["died_naturally"]).any()


def test_who_moved_is_no_more_than_moves(run: dict[str, pd.DataFrame]) -> None:
    flows = run["flows"]
    crossing = flows["origin"].astype(str).str[:2] != flows["destination"].astype(str).str[:2]
    for column, moves in (
        ("moved_abroad", flows.loc[crossing, "arrived"].sum()),
        ("moved_within", flows.loc[~crossing, "arrived"].sum()),
    ):
        assert 0.3 * moves < people(run["persons"], column) <= moves


def test_who_is_blocked_at_the_end_was_ever_blocked(run: dict[str, pd.DataFrame]) -> None:
    blocked = run["blocked"]
    last = blocked[blocked["date"] == blocked["date"].max()].groupby("answer", observed=True)
    for answer, now in last["people"].sum().items():
        assert people(run["persons"], str(answer)) >= 0.8 * now > 0


def test_the_past_is_never_lost() -> None:
    at = world()
    before = np.zeros(len(at.persons.pid), np.uint8)
    for _ in steps(at):
        after = at.persons.past[: len(before)]
        assert (after & before == before).all()
        before = at.persons.past.copy()
    assert len(np.unique(before)) > 10


def test_order_of_rows_does_not_matter(run: dict[str, pd.DataFrame]) -> None:
    n = len(world().households.ident)
    other = tables(small(NAMED), order=np.random.default_rng(3).permutation(n))
    assert other["persons"].equals(run["persons"])


def test_births_are_in_it(run: dict[str, pd.DataFrame]) -> None:
    vital = run["vital"]
    born = vital.loc[vital["event"] == "birth", "people"].sum()
    at = world()
    start = pd.DataFrame(
        {
            "id_high": (at.persons.pid >> np.uint64(32)).astype(np.int64),
            "id_low": (at.persons.pid & np.uint64(0xFFFFFFFF)).astype(np.int64),
        }
    )
    joined = run["persons"].merge(start, how="left", indicator=True)
    assert joined.loc[joined["_merge"] == "left_only", "people"].sum() == born > 0


def test_where_nobody_would_move_nothing_happens_to_anybody() -> None:
    still = tables(small(NAMED, "decision.baseline_rate=1e-12", "decision.base_flight=0"))
    for column in EVENTS:
        assert not still["persons"][column].any()


def test_a_milder_war_is_seen_person_by_person() -> None:
    base, mild = small(NAMED), small(NAMED, "shocks.war.peak=.3")
    one, same, other = (sim.run(it, base=base, replicates=2) for it in (base, base, mild))
    control = by_person(one, same)
    assert control[["only_base", "only_variant"]].to_numpy().sum() == 0
    found = by_person(one, other).groupby(["event", "replicate"])[list(ARMS)].sum()
    for replicate in (0, 1):
        abroad, exists = found.loc[("moved_abroad", replicate)], found.loc[(EXISTS, replicate)]
        assert abroad["only_base"] > 2 * abroad["only_variant"] > 0
        assert abroad["both"] > 0
        assert abroad.sum() == exists["both"]
        # Only the born exist in one run alone, and most are born in both.
        assert exists["only_base"] + exists["only_variant"] < 0.1 * exists["both"]
    table = differences(one, other).set_index("measure")
    assert table.loc["necessity_people", "difference"] < 0
    assert differences(one, same)["difference"].fillna(0).eq(0).all()
