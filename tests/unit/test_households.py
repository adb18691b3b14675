"""Lists of heads, who lives with them, the cells they are counted in: against plain Python.

The kernels read everybody in the order of rows and without branches; here households are looked at
one by one.
"""

from __future__ import annotations

import copy

import numpy as np

from sim.core.state import HEAD, WOMAN
from sim.core.terms import Activity, Status
from sim.engine.step import advance
from sim.kernels.living import BITS, CHILDREN, MEMBERS, OLD, WOMEN
from sim.mechanisms.camps import people_at
from sim.mechanisms.census import ACCOUNT, take_census
from sim.mechanisms.demography import renew_people
from sim.mechanisms.exposure import update_all_households
from sim.mechanisms.livelihood import DUE, Due
from sim.mechanisms.threats import THREATS
from sim.model.cells import Cells
from sim.model.substep import substep_of
from sim.model.world import World
from tests.small import HARSH, NORTH, TOWN, small, world
from tests.worlds import prepare, random_world

BUSY = ("decision.base_livelihood=20", "decision.flight_norm=2", "population.agents=4000")


def lived(months: int, threads: int = 1) -> World:
    """The small world after some busy months, with births, deaths, pioneers and the separated."""
    at = world(small(*BUSY, *HARSH), threads=threads)
    for _ in range(months):
        advance(at)
    # The last of all heads among them.
    at.people.activity[at.deciding[[3, 20, 50, -1]]] = Activity.stranded
    return at


def composition(at: World, head: int) -> tuple[int, int]:
    """(members who live, bits of who they are) of the household of a head."""
    people = at.people
    rows = np.flatnonzero(people.household == people.household[head])
    rows = rows[people.activity[rows] != Activity.dead]
    age = at.month() - people.born[rows].astype(int)
    bits = CHILDREN * bool((age < 18 * 12).any()) | OLD * bool((age >= 65 * 12).any())
    bits |= WOMEN * bool((people.traits[rows] & WOMAN).any())
    return len(rows), bits


def test_heads_are_listed_and_their_households_looked_at() -> None:
    at = lived(18)
    decides = np.ones(len(at.country), bool)
    decides[[NORTH, TOWN]] = False
    at.geography = at.geography._replace(decides=decides)
    people = at.people
    head = people.flags & HEAD > 0
    lives = np.isin(people.activity, (Activity.resident, Activity.waiting))
    outside = np.isin(people.home, (NORTH, TOWN))
    listed = {
        "deciding": head & lives & ~outside,
        "staying": head & lives & outside,
        "unsettled": head & lives & (people.status >= Status.claimant),
        "stranded": head & (people.activity == Activity.stranded),
    }
    n = len(head)
    for first, last in ((0, n), (0, 7), (7, n // 2), (n // 2, n), (n, n)):
        found = at.list_heads(first, last)
        for name, those in listed.items():
            rows = np.flatnonzero(those)
            rows = rows[(rows >= first) & (rows < last)]
            assert getattr(found, name).tolist() == rows.tolist()
            assert len(rows) > 0 or last - first < 10, name
    assert at.deciding.tolist() == np.flatnonzero(listed["deciding"]).tolist()
    heads = np.flatnonzero(head).astype(np.uint32)
    seen = [(int(c & MEMBERS), int(c >> BITS)) for c in at.composition_of(heads)]
    assert seen == [composition(at, row) for row in heads.tolist()]
    # All that can be has been: sizes, bits, the dead among kin, children born far from their rows.
    assert len(set(seen)) > 20
    assert (people.activity == Activity.dead).sum() > 20
    assert ACCOUNT.of(at).born > 50


def test_people_are_counted_as_one_by_one() -> None:
    """Random worlds have people in every standing, abroad and at home, exposed and not."""
    statuses, activities = np.zeros(len(Status), int), np.zeros(len(Activity), int)
    for number in range(12):
        at = random_world(number)
        people, weight, country = at.people, at.weight, at.country
        people.activity[::97] = Activity.travelling
        census = take_census(at, at.day + 20)
        wanted = {name: np.zeros_like(counts) for name, counts in census._asdict().items()}
        for row in range(len(people.pid)):
            n = weight[people.home[row]]
            citizenship = country[people.home[row]]
            wanted["activities"][citizenship, people.activity[row]] += n
            if people.activity[row] in (Activity.travelling, Activity.dead):
                continue
            where = people.place[row], citizenship
            wanted["stocks"][(*where, people.status[row])] += n
            for k in range(7):
                wanted["exposed"][(*where, k)] += n * (people.mask[row] >> k & 1)
        for name in ("activities", "stocks", "exposed"):
            assert (getattr(census, name) == wanted[name]).all(), (number, name)
        assert census.exposed.sum() > 0
        statuses += census.stocks.sum(axis=(0, 1))
        activities += census.activities.sum(axis=0)
    assert (statuses > 0).all(), statuses
    there = [Activity.resident, Activity.waiting, Activity.travelling, Activity.stranded]
    assert (activities[[*there, Activity.dead]] > 0).all(), activities


def test_cells_are_combinations_of_what_the_scenario_names() -> None:
    names = ["age", "place", "education", "citizenship", "sex", "home", "group"]
    at = lived(3)
    people, month = at.people, at.month()
    rows = np.arange(0, len(people.pid), 11)
    people.born[rows[:9]] = (
        month - np.repeat(12 * np.array([18, 35, 65]), 3) - np.tile([-1, 0, 1], 3)
    )
    age = (month - people.born[rows].astype(int)) // 12
    index = {
        "age": (age >= 18).astype(int) + (age >= 35) + (age >= 65),
        "place": people.place[rows],
        "education": people.traits[rows] >> 1 & 3,
        "citizenship": at.country[people.home[rows]],
        "sex": people.traits[rows] & WOMAN,
        "home": people.home[rows],
        "group": people.group[rows],
    }
    for by in ([], names[:1], names[:3], names, names[::-1]):
        cells = Cells(small(f"outputs.by={by}".replace("'", "")))
        found = cells.of(people, at.country, rows, month)
        wanted = np.ravel_multi_index([index[name] for name in by], cells.shape) if by else 0
        assert (found == wanted).all(), by
        assert found.max() < cells.size
    assert all(len(np.unique(values)) > 1 for values in index.values())


def test_a_month_is_lived_through_under_the_threats_of_its_first_day() -> None:
    at = lived(5)
    seen: list[np.ndarray] = []
    other = copy.deepcopy(at)
    before = at.people.means.copy()
    renew_people(at, substep_of(at, at.day + 1))
    prepare(at)
    severity = THREATS.of(other).severity.copy()
    advance(other, look=lambda *_: seen.append(other.people.means.copy()))
    assert (severity != THREATS.of(other).severity).any()
    n = len(before)
    assert (at.people.means == seen[0]).all()
    assert (at.people.means[:n] != before).sum() > 100


def test_the_stranded_live_on_once_a_month() -> None:
    at = lived(5)
    people = at.people
    rows = at.list_heads(0, len(people.pid)).stranded
    people.means[rows], people.mask[rows] = 0.0, 0
    everywhere = np.ones(len(at.country), bool)
    DUE.put(at, Due(0.0, THREATS.of(at).severity, everywhere))
    update_all_households(at)
    assert (people.means[rows] == 0).all()
    assert (people.mask[rows] == 0).all()
    DUE.put(at, Due(1.0, THREATS.of(at).severity, everywhere))
    update_all_households(at)
    assert (people.means[rows] > 0).any()
    assert (people.mask[rows] > 0).any()
    # What is done is not due any more.
    assert DUE.of(at) is None
    found = people.means.copy()
    update_all_households(at)
    assert (people.means == found).all()


def test_people_at_a_place_are_those_alive() -> None:
    at = lived(8)
    people = at.people
    for place in range(len(at.country)):
        there = (people.place == place) & (people.activity != Activity.dead)
        assert people_at(at, place) == at.weight[people.home[there]].sum()
    assert (people.activity == Activity.dead).any()
