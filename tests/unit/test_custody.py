"""What a border does with the intercepted: whom it tells apart, families separated, removals."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from sim.core.state import I64, LONG_AGO
from sim.core.terms import Activity, Companions, Harm, PartyType, Status
from sim.engine.step import advance
from sim.mechanisms.census import count
from sim.mechanisms.choice import CHOICES
from sim.mechanisms.custody import SEPARATIONS
from sim.mechanisms.harms import HARMS, INTERCEPTED
from sim.mechanisms.plans import HAS_PLAN, PLANS
from sim.mechanisms.reunification import reunify
from sim.model.segment import segment_of
from sim.model.world import World
from tests.recount import Recount
from tests.small import BB, HARSH, NORTH, PORT, TOWN, small, world
from tests.unit.test_journey import (
    WAYS,
    harmed,
    houses_of,
    members,
    move_on,
    near,
    only,
    safe,
    send,
    weight,
)
from tests.worlds import living_members

LEG = "AA_N_BB_T"
ADULT = 18 * 12


def stopped(**shares: float) -> tuple[World, I64]:
    """Households on their way, all of which a border stops; shares of what it does with them."""
    at = safe()
    leg = only(at, LEG)
    CHOICES.of(at).way.intercepted[leg] = 1.0
    custody = CHOICES.of(at).way.custody
    for name, share in ({"detained": 0.0, "turned_back": 0.0} | shares).items():
        getattr(custody, name)[:, leg] = share
    houses = houses_of(at, NORTH)
    send(at, houses, TOWN)
    return at, houses


def children(at: World, rows: I64) -> I64:
    """Those of some persons who are under age."""
    return rows[at.month() - at.persons.born[rows] < ADULT]


def test_children_of_the_prosecuted_are_taken_from_them_and_come_back() -> None:
    at, houses = stopped(prosecuted=1.0, days=30.0)
    everybody = members(at, houses)
    minors = children(at, everybody)
    adults = np.setdiff1d(everybody, minors)
    assert len(minors) > 200
    before = at.households.size.copy()
    move_on(at, 5)
    households, persons = at.households, at.persons
    assert harmed(at, Harm.separation) == len(minors)
    assert harmed(at, Harm.prosecution) == len(adults) == harmed(at, Harm.detention)
    # The adults are held where the leg began, the children where it leads, by the state there.
    alone = persons.household[minors]
    assert (households.activity[persons.household[everybody]] == Activity.detained).all()
    assert (persons.household[adults] < len(before)).all()
    assert (households.place[persons.household[adults]] == NORTH).all()
    assert (households.place[alone] == TOWN).all()
    assert (SEPARATIONS.of(at).country == BB).all()
    assert set(alone) == set(SEPARATIONS.of(at).children)
    assert not np.isin(persons.household[adults], alone).any()
    # Each is in one household, which its eldest child leads, and its family is known.
    parted = SEPARATIONS.of(at)
    for theirs, own in zip(parted.adults.tolist(), parted.children.tolist(), strict=True):
        rows = living_members(at, own)
        assert sorted(rows) == minors[alone == own].tolist()
        assert persons.born[rows[0]] == persons.born[rows].min()
        assert households.relative[theirs] == own
        assert households.relative[own] == theirs
        assert households.size[own] + households.size[theirs] == before[theirs]
        assert (
            sorted(living_members(at, theirs))
            == adults[persons.household[adults] == theirs].tolist()
        )
    count(at, segment_of(at, at.day))
    # Half are back within the median of 60 days, with their adults, who are home by then.
    n, since = len(parted.children), parted.since.copy()
    for months in range(1, 37):
        day = (date(2020 + months // 12, months % 12 + 1, 1) - at.date(0)).days
        move_on(at, day)
        reunify(at, segment_of(at, day + 1))
        at.month_began = day
        left = len(SEPARATIONS.of(at).children)
        assert near(left, n, float((0.5 ** ((day - since) / 60)).mean()))
    assert left == 0
    households, persons = at.households, at.persons
    assert set(persons.household[everybody]) == set(houses)
    assert (households.size[houses] == before[houses]).all()
    assert (households.place[houses] == NORTH).all()
    assert (households.activity[houses] == Activity.resident).all()
    assert (households.relative[houses] == houses).all()
    assert not np.isin(households.head[houses], minors).any()
    # Of the children's households nothing is left.
    assert (households.size[alone] == 0).all()
    assert (households.activity[alone] == Activity.dead).all()


@pytest.mark.parametrize("shares", [{"prosecuted": 0.0}, {"prosecuted": 1.0, "separated": 0.0}])
def test_without_prosecution_or_separation_families_stay_together(shares: dict[str, float]) -> None:
    at, houses = stopped(**shares, detained=1.0)
    everybody = members(at, houses)
    move_on(at, 5)
    assert harmed(at, Harm.separation) == 0
    assert harmed(at, Harm.detention) == len(everybody)
    assert (at.households.place[houses] == NORTH).all()
    assert np.isin(at.persons.household[everybody], houses).all()
    assert not len(SEPARATIONS.of(at).children)


def test_prosecution_takes_a_share_of_parties_and_no_children_alone() -> None:
    at, houses = stopped(prosecuted=0.4)
    sizes = len(members(at, houses))
    move_on(at, 5)
    n = int((at.households.activity[houses] == Activity.detained).sum())
    assert near(n, len(houses), 0.4)
    assert 0 < harmed(at, Harm.prosecution) < harmed(at, Harm.interception) == sizes
    alone = safe()
    leg = only(alone, LEG)
    CHOICES.of(alone).way.intercepted[leg] = 1.0
    CHOICES.of(alone).way.custody.prosecuted[:, leg] = 1.0
    CHOICES.of(alone).way.custody.detained[:, leg] = 0.0
    CHOICES.of(alone).way.custody.turned_back[:, leg] = 0.0
    families = houses_of(alone, NORTH, 600)
    send(alone, families, TOWN, companions=Companions.child)
    move_on(alone, 1)
    young = PLANS.of(alone).household
    led_by = alone.households.head[young]
    assert (alone.month() - alone.persons.born[led_by] < ADULT).all()
    assert len(young) > 50
    assert (alone.households.size[young] == 1).all()
    assert not np.isin(young, families).any()
    move_on(alone, 5)
    assert harmed(alone, Harm.interception) == len(young)
    assert harmed(alone, Harm.prosecution) == harmed(alone, Harm.separation) == 0
    young_activity = alone.households.activity[young]
    assert np.isin(young_activity, (Activity.travelling, Activity.resident)).all()
    # The others stay where they are.
    assert (alone.households.activity[families] == Activity.resident).all()
    assert (alone.households.place[families] == NORTH).all()


def test_parties_are_told_apart_by_the_age_of_their_members() -> None:
    at, houses = stopped()
    households, persons = at.households, at.persons
    sizes = households.size[houses].astype(np.int64)

    def is_child() -> list[np.ndarray]:
        months = at.month() - persons.born
        return [months[members(at, np.array([house]))] < ADULT for house in houses]

    # Who is of age in that very month is grown up; a month earlier a child alone.
    grown = [house for house, child in zip(houses, is_child(), strict=True) if not child.any()]
    persons.born[members(at, np.array(grown[:1]))] = at.month() - ADULT
    persons.born[members(at, np.array(grown[1:2]))] = at.month() - ADULT + 1
    wanted = dict.fromkeys(PartyType, 0)
    for n, child in zip(sizes, is_child(), strict=True):
        if child.all():
            wanted[PartyType.children_alone] += n
        else:
            wanted[PartyType.families if child.any() else PartyType.adults] += n
    assert all(wanted.values())
    assert wanted[PartyType.children_alone] == households.size[grown[1]]
    # What is counted at the border is the party that was stopped.
    move_on(at, 5)
    caught = INTERCEPTED.of(at).sum(axis=(0, 1)) / weight(at)
    assert {party_type: caught[party_type] for party_type in PartyType} == wanted


def test_the_removed_are_taken_home_when_detention_ends() -> None:
    at, houses = stopped(detained=1.0, days=20.0, removed=0.5)
    # They started from a place where they are strangers.
    at.households.place[houses] = TOWN
    at.households.home[houses] = NORTH
    at.households.status[houses] = int(Status.irregular)
    only(at, "BB_T_CC_P")
    leg = only(at, "BB_T_CC_P")
    way = CHOICES.of(at).way
    way.intercepted[leg] = 1.0
    way.custody.detained[:, leg], way.custody.days[:, leg] = 1.0, 20.0
    way.custody.removed[:, leg] = 0.5
    PLANS.of(at).goal[:] = PORT
    move_on(at, 10)
    assert (at.households.activity[houses] == Activity.detained).all()
    assert harmed(at, Harm.forced_return) == 0
    move_on(at, 60)
    home = at.households.place[houses] == NORTH
    assert near(home.sum(), len(houses), 0.5)
    assert (at.households.activity[houses[home]] == Activity.resident).all()
    assert (at.households.status[houses[home]] == Status.citizen).all()
    assert (at.households.activity[houses[~home]] == Activity.stranded).all()
    where = WAYS.index("BB_T_CC_P")
    returned = HARMS.of(at)[where, :, Harm.forced_return].sum() / weight(at)
    assert returned == len(members(at, houses[home])) == harmed(at, Harm.forced_return)


def treatment(*changes: str) -> tuple[np.ndarray, ...]:
    """[party_type, citizenship] detained and turned back at BB's border with AA."""
    at = safe(*changes)
    custody = CHOICES.of(at).way.custody
    leg = np.flatnonzero(at.network.legs.corridor == WAYS.index(LEG))[0]
    return custody.detained[:, leg][custody.treated], custody.turned_back[:, leg][custody.treated]


def test_rules_tell_parties_and_nationalities_apart() -> None:
    detained, back = treatment()
    assert (detained == 0.3).all()
    assert (back == 0.7).all()
    spared = (
        "policies.bb_queue.parties=[children_alone]", "policies.bb_queue.citizens_of=[AA]",
        "policies.bb_queue.detention=0", "policies.bb_queue.turned_back=.1",
        "policies.bb_queue.wait=null", "policies.bb_queue.channel=null",
    )  # fmt: skip
    # The border's rule is the later one and speaks of all: those spared are spared nevertheless.
    detained, back = treatment(*spared, "policies.bb_border.start=2020-01-01")
    aa = [country.id for country in small().countries].index("AA")
    mine = np.zeros_like(detained, bool)
    mine[PartyType.children_alone, aa] = True
    assert (detained[mine] == 0).all()
    assert (back[mine] == 0.1).all()
    assert (detained[~mine] == 0.3).all()
    assert (back[~mine] == 0.7).all()


def test_a_run_loses_nobody_where_all_this_happens() -> None:
    """`advance` raises an error where the account does not close."""
    at = world(
        small(
            *HARSH, "policies.bb_border.barrier=1", "policies.bb_border.reunification_days=200",
            "time.end=2021-06",
        )
    )  # fmt: skip
    parted, recount = 0, Recount(at)
    while at.day < 480:
        advance(at)
        households, held = at.households, SEPARATIONS.of(at).children
        parted = max(parted, len(held))
        alive = households.size > 0
        activity = households.activity[held]
        assert (activity[alive[held]] == Activity.detained).all()
        on_the_way = HAS_PLAN[households.activity]
        planned = set(PLANS.of(at).household)
        assert set(np.flatnonzero(alive & on_the_way)) - set(held) <= planned
        claims = alive & (households.status == Status.claimant)
        assert (households.since[claims] <= at.day).all()
        assert (households.since[claims] > LONG_AGO).all()
        assert not recount.faults(at)
    assert parted > 5
