"""What a border does with the intercepted: whom it tells apart, families separated, removals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.core.state import HEAD, I64
from sim.core.terms import Activity, Companions, Harm, PartyType, Status
from sim.engine.step import advance
from sim.kernels.household import party_sizes, party_types
from sim.mechanisms.asylum import CLAIMS
from sim.mechanisms.census import count
from sim.mechanisms.choice import CHOICES
from sim.mechanisms.custody import SEPARATIONS
from sim.mechanisms.harms import HARMS, INTERCEPTED
from sim.mechanisms.journey import PARTIES
from sim.mechanisms.reunification import reunify
from sim.model.substep import substep_of
from sim.model.world import World
from tests.small import BB, HARSH, NORTH, TOWN, small, world
from tests.unit.test_journey import (
    WAYS,
    harmed,
    heads_of,
    members,
    move_on,
    near,
    only,
    safe,
    send,
)

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
    heads = heads_of(at, NORTH)
    send(at, heads, TOWN)
    return at, heads


def children(at: World, rows: I64) -> I64:
    return rows[at.month() - at.people.born[rows] < ADULT]


def test_children_of_the_prosecuted_are_taken_from_them_and_come_back() -> None:
    at, heads = stopped(prosecuted=1.0, days=30.0)
    everybody = members(at, heads)
    minors = children(at, everybody)
    adults = np.setdiff1d(everybody, minors)
    assert len(minors) > 200
    move_on(at, 5)
    people = at.people
    assert harmed(at, Harm.separation) == len(minors)
    assert harmed(at, Harm.prosecution) == len(adults) == harmed(at, Harm.detention)
    # The adults are held where the leg began, the children where it leads, by the state there.
    assert (people.activity[everybody] == Activity.detained).all()
    assert (people.place[adults] == NORTH).all()
    assert (people.place[minors] == TOWN).all()
    assert (SEPARATIONS.of(at).country == BB).all()
    alone = people.household[minors]
    assert set(alone) == set(SEPARATIONS.of(at).children)
    assert not np.isin(people.household[adults], alone).any()
    led = np.flatnonzero(people.flags & HEAD > 0)
    assert len(np.unique(people.household[led])) == len(led)
    count(at, substep_of(at, at.day))
    people.mask[minors], people.kin[minors], people.uprooted[minors] = 127, 3, 5
    # Half are back within the median of 60 days, with their adults, who are home by then.
    n = len(SEPARATIONS.of(at).children)
    shares = []
    for day in (60, 120, 3000):
        move_on(at, day)
        at.day = day - 60 if day < 3000 else 120
        reunify(at, substep_of(at, day))
        shares.append(1 - len(SEPARATIONS.of(at).children) / n)
    for share, expected in zip(shares, (0.5, 0.75, 1.0), strict=True):
        assert share == pytest.approx(expected, abs=4 * 0.5 / math.sqrt(n))
    assert set(people.household[everybody]) == set(people.household[heads])
    assert (people.place[everybody] == NORTH).all()
    assert (people.activity[everybody] == Activity.resident).all()
    assert (people.flags[minors] & HEAD == 0).all()
    for column in (people.status, people.mask, people.kin, people.uprooted):
        head_of = dict(zip(people.household[heads].tolist(), column[heads].tolist(), strict=True))
        assert [head_of[h] for h in people.household[minors].tolist()] == column[minors].tolist()


@pytest.mark.parametrize("shares", [{"prosecuted": 0.0}, {"prosecuted": 1.0, "separated": 0.0}])
def test_without_prosecution_or_separation_families_stay_together(shares: dict[str, float]) -> None:
    at, heads = stopped(**shares, detained=1.0)
    everybody = members(at, heads)
    move_on(at, 5)
    assert harmed(at, Harm.separation) == 0
    assert harmed(at, Harm.detention) == len(everybody)
    assert (at.people.place[everybody] == NORTH).all()
    assert not len(SEPARATIONS.of(at).children)


def test_prosecution_takes_a_share_of_parties_and_no_children_alone() -> None:
    at, heads = stopped(prosecuted=0.4)
    sizes = len(members(at, heads))
    move_on(at, 5)
    n = int((at.people.activity[heads] == Activity.detained).sum())
    assert near(n, len(heads), 0.4)
    assert 0 < harmed(at, Harm.prosecution) < harmed(at, Harm.interception) == sizes
    alone = safe()
    leg = only(alone, LEG)
    CHOICES.of(alone).way.intercepted[leg] = 1.0
    CHOICES.of(alone).way.custody.prosecuted[:, leg] = 1.0
    CHOICES.of(alone).way.custody.detained[:, leg] = 0.0
    CHOICES.of(alone).way.custody.turned_back[:, leg] = 0.0
    send(alone, heads_of(alone, NORTH, 600), TOWN, companions=Companions.child)
    rows = PARTIES.of(alone).head
    young = rows[alone.month() - alone.people.born[rows] < ADULT]
    assert len(young) > 50
    young = young[party_sizes(alone.people, young) == 1]
    move_on(alone, 5)
    people = alone.people
    assert (people.activity[young] == Activity.travelling).all()
    # Those whose household has no such child go with all of it.
    assert harmed(alone, Harm.separation) > 0
    assert not np.isin(people.household[young], SEPARATIONS.of(alone).children).any()


def test_parties_are_told_apart_by_the_age_of_their_members() -> None:
    at, heads = stopped()
    people = at.people
    wanted, found = [], np.empty(len(heads), np.int64)
    for head in heads.tolist():
        rows = members(at, np.array([head]))
        rows = rows[people.activity[rows] != Activity.dead]
        child = at.month() - people.born[rows] < ADULT
        if child.all():
            wanted.append(PartyType.children_alone)
        else:
            wanted.append(PartyType.families if child.any() else PartyType.adults)
    party_types(people, heads, at.month(), found)
    assert found.tolist() == wanted
    assert set(wanted) >= {PartyType.adults, PartyType.families}
    # Who is of age in that very month is grown up; a year earlier a child alone.
    one = heads[np.array(wanted) == PartyType.adults][:1]
    mine = members(at, one)
    for months, party_type in ((ADULT, PartyType.adults), (ADULT - 1, PartyType.children_alone)):
        people.born[mine] = at.month() - months
        party_types(people, one, at.month(), found[:1])
        assert found[0] == party_type
    # What is counted at the border is the party that was stopped.
    move_on(at, 5)
    caught = INTERCEPTED.of(at).sum(axis=(0, 1)) / at.weight[0]
    sizes = party_sizes(people, heads)
    wanted[heads.tolist().index(one[0])] = PartyType.children_alone
    for party_type in PartyType:
        assert caught[party_type] == sizes[np.array(wanted) == party_type].sum()


def test_the_removed_are_taken_home_when_detention_ends() -> None:
    at, heads = stopped(detained=1.0, days=20.0, removed=0.5)
    # They started from a place where they are strangers.
    rows = members(at, heads)
    at.people.place[rows] = TOWN
    at.people.home[rows] = NORTH
    at.people.status[rows] = int(Status.irregular)
    only(at, "BB_T_CC_P")
    leg = only(at, "BB_T_CC_P")
    way = CHOICES.of(at).way
    way.intercepted[leg] = 1.0
    way.custody.detained[:, leg], way.custody.days[:, leg] = 1.0, 20.0
    way.custody.removed[:, leg] = 0.5
    PARTIES.of(at).goal[:] = [p.id for p in small().places].index("CC_P")
    move_on(at, 10)
    assert (at.people.activity[heads] == Activity.detained).all()
    assert harmed(at, Harm.forced_return) == 0
    move_on(at, 60)
    home = at.people.place[heads] == NORTH
    assert near(home.sum(), len(heads), 0.5)
    assert (at.people.activity[heads[home]] == Activity.resident).all()
    assert (at.people.status[heads[home]] == Status.citizen).all()
    assert (at.people.activity[heads[~home]] == Activity.stranded).all()
    where = WAYS.index("BB_T_CC_P")
    returned = HARMS.of(at)[where, :, Harm.forced_return].sum() / at.weight[0]
    assert returned == len(members(at, heads[home])) == harmed(at, Harm.forced_return)


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
    parted = 0
    while at.day < 480:
        advance(at)
        people, rows = at.people, SEPARATIONS.of(at).children
        parted = max(parted, len(rows))
        alive = people.activity != Activity.dead
        kept = np.isin(people.household, people.household[rows]) & alive
        assert (people.activity[kept] == Activity.detained).all()
        here = alive & (people.activity == Activity.resident)
        claimants = np.flatnonzero(here & (people.status == Status.claimant))
        assert set(claimants) <= set(CLAIMS.of(at).person)
        led = np.flatnonzero(people.flags & HEAD > 0)
        assert len(np.unique(people.household[led])) == len(led)
        assert set(people.household[alive]) == set(people.household[led])
    assert parted > 5
