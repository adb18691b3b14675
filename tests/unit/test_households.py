"""Lists of households, who lives in them, the cells they are counted in: against plain Python.

The kernels read households in the order of rows and without branches; here they are looked at one
by one.
"""

from __future__ import annotations

import copy

import numpy as np

from sim.core.rng import mixed_array, uniform_array
from sim.core.state import CHILDREN, DAYS_A_YEAR, DIED, NOBODY, OLD, VULNERABLE, WOMAN, WOMEN
from sim.core.terms import Activity, Status
from sim.engine.stages import STAGES
from sim.engine.step import advance
from sim.kernels.busy import list_busy
from sim.kernels.demography import record_deaths
from sim.kernels.household import FOUNDED
from sim.kernels.tally import people_at
from sim.mechanisms.census import ACCOUNT, take_census
from sim.mechanisms.decide import MOVE, cells_of, current_conditions
from sim.mechanisms.exposure import EXPOSURE, update_households
from sim.mechanisms.livelihood import DUE, Due
from sim.mechanisms.threats import THREATS
from sim.model.cells import Cells
from sim.model.segment import segment_of
from sim.model.world import World
from tests.small import BB, CC, HARSH, NORTH, TOWN, small, world
from tests.worlds import living_members, random_world

BUSY = ("decision.base_livelihood=20", "decision.flight_norm=2", "population.agents=4000")


def lived(months: int, threads: int = 1) -> World:
    """The small world after some busy months, with births, deaths, pioneers and the separated."""
    at = world(small(*BUSY, *HARSH), threads=threads)
    for _ in range(months):
        advance(at)
    # The last of all who decide among them.
    at.households.activity[at.deciding[[3, 20, 50, -1]]] = Activity.stranded
    return at


def living(at: World, house: int) -> np.ndarray:
    """Rows of the living whose household it is."""
    persons = at.persons
    return np.flatnonzero((persons.household == house) & (persons.past & DIED == 0))


def composition(at: World, house: int) -> tuple[int, int]:
    """(members who live, bits of who they are) of a household."""
    persons, rows = at.persons, living(at, house)
    # The step's end is the first day of a month that has not begun yet.
    age = at.month() - 1 - persons.born[rows].astype(int)
    bits = CHILDREN * bool((age < 18 * 12).any()) | OLD * bool((age >= 65 * 12).any())
    bits |= WOMEN * bool((persons.traits[rows] & WOMAN).any())
    return len(rows), bits


def test_households_are_listed_and_looked_at() -> None:
    at = lived(18)
    decides = np.ones(len(at.country), bool)
    decides[[NORTH, TOWN]] = False
    at.geography = at.geography._replace(decides=decides)
    households = at.households
    lives = np.isin(households.activity, (Activity.resident, Activity.waiting))
    outside = np.isin(households.home, (NORTH, TOWN))
    clocks = np.zeros((len(Status), at.n_countries), bool)
    clocks[Status.regular, CC] = clocks[Status.ordered] = clocks[Status.irregular, BB] = True
    deciding = lives & ~outside
    want, fear, _ = THREATS.of(at).advance(at.day, at.day + 1)
    now, plane = current_conditions(at, (want, fear)), at.plane(MOVE)
    most = now.most[households.place, (households.place == households.home).astype(int)]
    most = most[np.arange(len(lives)), households.mask] * plane.days / DAYS_A_YEAR
    may_move = deciding & (uniform_array(plane.key, households.ident) <= most)
    assert 0 < may_move.sum() < deciding.sum()
    listed = {
        "through": may_move,
        "stranded": households.activity == Activity.stranded,
        "busy": lives & clocks[households.status, at.country[households.place]],
    }
    n, strides, days = len(lives), at.cells.strides, 17
    for first, last in ((0, n), (0, 7), (7, n // 2), (n // 2, n), (n, n)):
        lists = np.empty((3, last - first), np.int64)
        counts = np.zeros((2, at.cells.size), np.int64)
        found = list_busy(
            households, at.persons, first, last, decides, clocks, at.country, at.month(), strides,
            days, now, plane, *lists, *counts,
        )  # fmt: skip
        for (name, those), its, number in zip(listed.items(), lists, found, strict=True):
            rows = np.flatnonzero(those)
            rows = rows[(rows >= first) & (rows < last)]
            assert its[:number].tolist() == rows.tolist()
            assert len(rows) > 0 or last - first < 10, name
        rows = first + np.flatnonzero(deciding[first:last])
        for count, each in zip(counts, (households.weight, at.n_people(np.arange(n))), strict=True):
            wanted = np.bincount(cells_of(at, rows), days * each[rows], at.cells.size)
            assert count.tolist() == wanted.tolist()
    assert at.deciding.tolist() == np.flatnonzero(deciding).tolist()
    houses = np.arange(n, dtype=np.uint32)
    alive = households.size > 0
    makeup = np.where(alive, households.makeup & VULNERABLE, 0)
    seen = list(zip(households.size.tolist(), makeup.tolist(), strict=True))
    assert seen == [composition(at, house) for house in houses.tolist()]
    # All that can be has been: sizes, bits, the dead among kin, children born far from their rows,
    # households of which nobody is left, and new ones.
    assert len(set(seen)) > 20
    assert (at.persons.past & DIED > 0).sum() > 20
    assert ACCOUNT.of(at).born.sum() > 50
    assert (0, 0) in seen
    assert (households.relative != houses).any()


def test_members_and_families_stay_whole() -> None:
    """In every list of members are those alive, each once, and every family is a circle."""
    at = lived(18)
    households, persons = at.households, at.persons
    for house in range(len(households.ident)):
        rows = living(at, house)
        assert sorted(living_members(at, house)) == rows.tolist()
        assert households.size[house] == len(rows)
        assert (households.head[house] == NOBODY) == (len(rows) == 0)
        assert (households.activity[house] == Activity.dead) == (len(rows) == 0)
    assert (np.sort(households.relative) == np.arange(len(households.ident))).all()
    assert len(np.unique(persons.pid)) == len(persons.pid)
    # Rows that nobody has founded a household on are none's relatives, and no longer in use.
    assert not households.size[at.spare].any()
    assert (households.relative[at.spare] == at.spare).all()
    # Households of the start have the id of one person, who led them; others have a hash of it and
    # of the month in which that person founded them. No two share an identity.
    founded = households.ident[np.setdiff1d(np.arange(len(households.ident)), at.spare)]
    assert len(np.unique(founded)) == len(founded)
    made = [
        mixed_array(mixed_array(persons.pid) ^ (FOUNDED + np.uint64(month)))
        for month in range(at.month())
    ]
    n_first = np.isin(founded, persons.pid).sum()
    assert n_first == len(lived(0).households.ident)
    assert np.isin(founded, made).sum() == len(founded) - n_first > 100
    # Households that have joined another one are nobody's relatives any more.
    assert (households.relative[households.size == 0] == np.flatnonzero(households.size == 0)).any()


def test_people_are_counted_as_one_by_one() -> None:
    """Random worlds have people in every standing, abroad and at home, exposed and not."""
    statuses, activities = np.zeros(len(Status), int), np.zeros(len(Activity), int)
    dead = 0
    for number in range(12):
        at = random_world(number)
        households, persons, country = at.households, at.persons, at.country
        households.activity[::97] = Activity.travelling
        # Nobody is left in one of them.
        record_deaths(households, persons, np.array(living_members(at, 5)), at.month())
        census = take_census(at, at.day + 20)
        wanted = {name: np.zeros_like(counts) for name, counts in census._asdict().items()}
        for row in range(len(persons.pid)):
            house = persons.household[row]
            n = households.weight[house].astype(int)
            citizenship = country[households.home[house]]
            if persons.past[row] & DIED:
                dead += 1
                continue
            wanted["activities"][citizenship, households.activity[house]] += n
            if households.activity[house] == Activity.travelling:
                continue
            where = households.place[house], citizenship
            wanted["stocks"][(*where, households.status[house])] += n
            for k in range(7):
                wanted["exposed"][(*where, k)] += n * (households.mask[house] >> k & 1)
        for name in ("activities", "stocks", "exposed"):
            assert (getattr(census, name) == wanted[name]).all(), (number, name)
        assert census.exposed.sum() > 0
        statuses += census.stocks.sum(axis=(0, 1))
        activities += census.activities.sum(axis=0)
    assert (statuses > 0).all(), statuses
    there = [Activity.resident, Activity.waiting, Activity.travelling, Activity.stranded]
    assert (activities[there] > 0).all(), activities
    assert activities[Activity.dead] == 0
    assert dead > 0


def test_cells_are_combinations_of_what_the_scenario_names() -> None:
    names = ["age", "place", "education", "citizenship", "sex", "home", "group"]
    at = lived(3)
    households, persons, month = at.households, at.persons, at.month()
    houses = np.flatnonzero(households.size)[::3]
    heads = households.head[houses]
    persons.born[heads[:9]] = (
        month - np.repeat(12 * np.array([18, 35, 65]), 3) - np.tile([-1, 0, 1], 3)
    )
    age = (month - persons.born[heads].astype(int)) // 12
    index = {
        "age": (age >= 18).astype(int) + (age >= 35) + (age >= 65),
        "place": households.place[houses],
        "education": persons.traits[heads] >> 1 & 3,
        "citizenship": at.country[households.home[houses]],
        "sex": persons.traits[heads] & WOMAN,
        "home": households.home[houses],
        "group": households.group[houses],
    }
    for by in ([], names[:1], names[:3], names, names[::-1]):
        cells = Cells(small(f"outputs.by={by}".replace("'", "")))
        found = cells.of(households, persons, at.country, houses, month)
        wanted = np.ravel_multi_index([index[name] for name in by], cells.shape) if by else 0
        assert (found == wanted).all(), by
        assert found.max() < cells.size
    assert all(len(np.unique(values)) > 1 for values in index.values())


def test_a_month_is_lived_through_under_the_threats_of_its_first_day() -> None:
    at = lived(5)
    seen: list[np.ndarray] = []
    other = copy.deepcopy(at)
    before = at.households.means.copy()
    segment, stages = segment_of(at, at.day + 1), dict(STAGES)
    for hook in (*stages["people"], *stages["environment"], *stages["states"]):
        hook(at, segment)
    update_households(at)
    severity = THREATS.of(other).severity.copy()
    advance(other, look=lambda *_: seen.append(other.households.means.copy()))
    assert (severity != THREATS.of(other).severity).any()
    assert (at.households.means == seen[0]).all()
    assert (at.households.means[: len(before)] != before).sum() > 100


def test_the_stranded_live_on_once_a_month() -> None:
    at = lived(5)
    households = at.households
    rows = np.flatnonzero(households.activity == Activity.stranded)
    households.means[rows], households.mask[rows] = 0.0, 0
    # On other days money is not due, and exposure only where thresholds have changed.
    update_households(at)
    assert (households.mask[rows] == 0).all()
    EXPOSURE.of(at).changed[:] = True
    update_households(at)
    assert (households.means[rows] == 0).all()
    assert (households.mask[rows] > 0).any()
    DUE.put(at, Due(1.0, THREATS.of(at).severity))
    update_households(at)
    assert (households.means[rows] > 0).any()
    # What is done is not due any more.
    assert DUE.of(at) is None
    found = households.means.copy()
    update_households(at)
    assert (households.means == found).all()


def test_people_at_a_place_are_those_alive() -> None:
    at = lived(8)
    households, persons = at.households, at.persons
    alive = persons.past & DIED == 0
    for place in range(len(at.country)):
        there = persons.household[alive & (households.place[persons.household] == place)]
        here = np.arange(len(at.country)) == place
        people = np.zeros(len(at.country), np.int64)
        people_at(households, 0, len(households.ident), here, people)
        assert people[place] == people.sum() == households.weight[there].sum()
    assert not alive.all()
