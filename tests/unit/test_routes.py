"""Route choice: legs bring the goal nearer, values are sums over them, closed legs divert."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest

from sim.core.state import Legs
from sim.core.terms import Threat
from sim.engine.step import advance
from sim.kernels.routes import BEST, CHEAPEST, solve_routes
from sim.mechanisms.choice import CHOICES, Choices
from sim.mechanisms.livelihood import MEANS
from sim.mechanisms.policy import RULES
from sim.mechanisms.threats import THREATS
from sim.model.network import build, great_circle
from sim.model.world import World
from tests.small import small, world
from tests.worlds import prepare


def legs_of(edges: list[tuple[int, int]], n: int, camps: tuple[int, ...] = ()) -> Legs:
    edges = sorted(edges)
    source = np.array([a for a, _ in edges], np.int64)
    zero = np.zeros(len(edges))
    return Legs(
        first=np.searchsorted(source, np.arange(n + 1)).astype(np.int64),
        source=source,
        target=np.array([b for _, b in edges], np.int64),
        into_camp=np.array([b in camps for _, b in edges], bool),
        corridor=np.arange(len(edges)),
        days=zero, price=zero, enforcement_met=zero, death=zero, violence=zero, extortion=zero,
        money_lost=zero, kidnapping=zero, crosses=np.zeros(len(edges), bool),
        ident=np.arange(len(edges), dtype=np.uint64),
    )  # fmt: skip


def solved(legs: Legs, n: int, utility, price=None, usable=None, length=None, scale=0.5):
    """(value, fare, cost), where cost is disutility if no length is stated."""
    m = len(legs.source)
    utility = np.asarray(utility, float)
    price = np.zeros(m) if price is None else price
    usable = np.ones(m, bool) if usable is None else usable
    length = -utility if length is None else length
    cost, value, fare = np.empty((1, n, n)), np.empty((1, 1, n, n)), np.empty((1, n, n))
    solve_routes(
        legs, length[None], utility[None, None] / scale, price[None], usable[None], cost, value,
        fare,
    )  # fmt: skip
    return value[0, 0], fare[0], cost[0]


def least(legs: Legs, length, n: int) -> np.ndarray:
    """[start, goal] least length of a way, by another implementation."""
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(n))
    for a, b, one in zip(legs.source, legs.target, length, strict=True):
        graph.add_edge(int(a), int(b), weight=one)
    lengths = dict(nx.all_pairs_dijkstra_path_length(graph))
    return np.array([[lengths[a].get(b, math.inf) for b in range(n)] for a in range(n)])


def over_ways(legs: Legs, weight, cost, start: int, goal: int) -> float:
    """Sum of products of weights over all ways along which the cost of reaching the goal falls."""
    if start == goal:
        return 1.0
    return sum(
        weight[e] * over_ways(legs, weight, cost, int(legs.target[e]), goal)
        for e in range(legs.first[start], legs.first[start + 1])
        if cost[legs.target[e], goal] < cost[start, goal]
    )


def random_graph(seed: int, n: int = 5, m: int = 11):
    rng = np.random.default_rng(seed)
    edges = [(int(a), int(b)) for a, b in rng.integers(0, n, (3 * m, 2)) if a != b][:m]
    legs = legs_of(edges, n)
    return legs, rng.uniform(-2.5, -1.0, len(edges)), rng.uniform(1, 9, len(edges))


@pytest.mark.parametrize("seed", range(5))
def test_a_value_is_the_sum_over_all_ways_that_come_nearer(seed):
    """Two route options of one corridor are two legs."""
    legs, utility, _ = random_graph(seed, 8, 24)
    value, _, cost = solved(legs, 8, utility)
    np.testing.assert_allclose(cost, least(legs, -utility, 8), rtol=1e-12)
    weight = np.exp(utility / 0.5)
    ways = 0
    for start in range(8):
        for goal in range(8):
            brute = over_ways(legs, weight, cost, start, goal)
            assert math.exp(value[start, goal]) == pytest.approx(brute, rel=1e-12)
            ways += value[start, goal] > -cost[start, goal] / 0.5 + 1e-9
    assert ways > 10  # more than one way


@pytest.mark.parametrize("seed", range(3))
def test_the_cheapest_way_is_open_to_who_looks_for_it(seed):
    legs, utility, price = random_graph(seed, 8, 24)
    _, fare, _ = solved(legs, 8, utility, price, length=1e6 * price - utility)
    np.testing.assert_allclose(fare, least(legs, price, 8), rtol=1e-9)
    _, usual, _ = solved(legs, 8, utility, price)
    assert (usual >= fare - 1e-9).all()
    assert (usual > fare + 1e-9).any()


def shares(legs: Legs, solution, utility, node: int, goal: int, scale=0.5) -> dict[int, float]:
    value, _, cost = solution
    return {
        e: math.exp(utility[e] / scale + value[legs.target[e], goal] - value[node, goal])
        if cost[legs.target[e], goal] < cost[node, goal] else 0.0
        for e in range(legs.first[node], legs.first[node + 1])
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_shares_of_the_legs_that_leave_a_place_sum_to_one(seed):
    legs, utility, _ = random_graph(seed)
    solution = solved(legs, 5, utility)
    for node in range(5):
        for goal in range(5):
            if node != goal and solution[0][node, goal] > -math.inf:
                share = shares(legs, solution, utility, node, goal)
                assert sum(share.values()) == pytest.approx(1)


def test_a_closed_leg_diverts_to_the_others():
    """0 to 3 by 1 or by 2; the way by 1 is the better one."""
    legs = legs_of([(0, 1), (0, 2), (1, 3), (2, 3)], 4)
    utility, price = np.array([-1.0, -1.3, -1.0, -1.3]), np.array([10.0, 20, 30, 40])
    solution = solved(legs, 4, utility, price)
    before = shares(legs, solution, utility, 0, 3)
    assert before[0] == pytest.approx(1 / (1 + math.exp(-0.6 / 0.5)))
    assert solution[1][0, 3] == 40
    solution = solved(legs, 4, utility, price, np.array([True, True, False, True]))
    assert shares(legs, solution, utility, 0, 3) == {0: 0.0, 1: pytest.approx(1.0)}
    assert solution[1][0, 3] == 60
    value, fare, cost = solved(legs, 4, utility, price, np.array([True, True, False, False]))
    assert value[0, 3] == -math.inf
    assert fare[0, 3] == cost[0, 3] == math.inf
    assert value[0, 2] > -math.inf


def test_who_is_cut_off_from_the_short_way_goes_back_to_the_long_one():
    """On a ring no leg leads away from the goal, until the way there is closed."""
    edges = [(a, b) for i in range(6) for a, b in ((i, (i + 1) % 6), ((i + 1) % 6, i))]
    legs = legs_of(edges, 6)
    utility = -np.ones(12)
    assert solved(legs, 6, utility)[2][1, 0] == 1
    assert solved(legs, 6, utility)[0][1, 0] == -2
    shut = ~((legs.source == 1) & (legs.target == 0))
    assert solved(legs, 6, utility, usable=shut)[2][1, 0] == 5
    assert solved(legs, 6, utility, usable=shut)[0][1, 0] == -10


def test_a_deadlier_or_dearer_leg_is_taken_less():
    """Whatever ways open or close by it, from the place where it starts fewer take it."""
    legs, utility, _ = random_graph(3, 8, 30)
    fell = 0
    for e in range(30):
        worse = utility.copy()
        worse[e] -= 0.4
        before, after = solved(legs, 8, utility), solved(legs, 8, worse)
        for goal in range(8):
            node = int(legs.source[e])
            if node != goal and before[2][node, goal] < math.inf:
                was = shares(legs, before, utility, node, goal)[e]
                now = shares(legs, after, worse, node, goal)[e]
                assert now <= was + 1e-12
                fell += now < was - 1e-12
    assert fell > 20


def test_no_way_leads_through_a_camp():
    """From 0 to 3 by camp 1 or, much worse, by 2."""
    edges = [(0, 1), (0, 2), (1, 3), (2, 3)]
    utility, price = np.array([-1.0, -9.0, -1.0, -9.0]), np.array([1.0, 50, 1, 50])
    value, fare, _ = solved(legs_of(edges, 4), 4, utility, price)
    assert fare[0, 3] == 2
    value, fare, cost = solved(legs_of(edges, 4, camps=(1,)), 4, utility, price)
    assert value[0, 3] == pytest.approx(-36)
    assert fare[0, 3] == 100
    assert cost[0, 1] == 1  # into it
    assert cost[1, 3] == 1  # out of it
    # A leg that leads into no camp may come behind one that does.
    value, fare, cost = solved(legs_of(edges[:1] + edges[2:3], 4, camps=(1,)), 4, utility[:2])
    assert value[0, 3] == -math.inf


@pytest.mark.parametrize("n", [40, 60])
def test_a_dense_network_has_values_whatever_they_are(n):
    """Where every place is linked to every other at little cost, walks would never end."""
    legs = legs_of([(a, b) for a in range(n) for b in range(n) if a != b], n)
    utility = -np.random.default_rng(1).uniform(0.01, 0.1, len(legs.source))
    value, _, cost = solved(legs, n, utility)
    assert np.isfinite(value).all()
    assert (value >= -cost / 0.5 - 1e-9).all()
    assert (value.max(axis=0) > 5).all()


@pytest.mark.parametrize("by", [-40.0, -900.0])
def test_ways_that_are_hardly_ever_taken_still_have_a_value(by):
    """Weights become so small that they can no longer be added up as they are."""
    n = 30
    pair = [(i, i + 1) for i in range(n - 1)] * 2
    value, _, _ = solved(legs_of(pair, n), n, np.full(len(pair), 0.5 * by))
    legs_left = np.arange(n - 1, -1, -1)
    np.testing.assert_allclose(value[:, n - 1], legs_left * (by + math.log(2)), rtol=1e-12)


def test_ways_beyond_number_have_a_value():
    n = 600
    pair = [(i, i + 1) for i in range(n - 1)] * 5
    value, _, _ = solved(legs_of(pair, n), n, np.full(len(pair), -1e-5))
    assert value[0, n - 1] == pytest.approx((n - 1) * (math.log(5) - 2e-5))


def test_one_place_more_changes_no_other_value():
    legs, utility, price = random_graph(2)
    value, fare, cost = solved(legs, 5, utility, price)
    more = legs._replace(first=np.append(legs.first, [legs.first[-1]]))
    wider, dearer, farther = solved(more, 6, utility, price)
    np.testing.assert_array_equal(wider[:5, :5], value)
    np.testing.assert_array_equal(dearer[:5, :5], fare)
    np.testing.assert_array_equal(farther[:5, :5], cost)


def test_destinations_do_not_depend_on_which_are_solved_with_them():
    """Results are stored for some destinations at a time."""
    legs, utility, price = random_graph(2, 40, 120)
    value, fare, _ = solved(legs, 40, utility, price)
    # The same places, twelve further on.
    edges = [(a + 12, b + 12) for a, b in zip(legs.source, legs.target, strict=True)]
    wider, dearer, _ = solved(legs_of(edges, 52), 52, utility, price)
    np.testing.assert_array_equal(wider[12:, 12:], value)
    np.testing.assert_array_equal(dearer[12:, 12:], fare)


# On the map of the small world.


def prepared(*changes: str) -> World:
    at = world(small("time.end=2020-02", *changes))
    prepare(at)
    return at


def option_shares(at: World, corridor: str) -> dict[str, float]:
    """Of those who set out along a corridor, to its end, what share takes each option."""
    number = [c.id for c in at.scenario.corridors].index(corridor)
    mine = np.flatnonzero(at.network.legs.corridor == number)
    weight = np.exp(CHOICES.of(at).way.routes.utility[0, mine])
    options = [it.id for it in at.scenario.corridors[number].route_options]
    return dict(zip(options, weight / weight.sum(), strict=True))


def test_the_hidden_option_fills_when_the_open_one_is_watched():
    share = [
        option_shares(prepared(f"policies.bb_border.barrier={barrier}"), "AA_S_BB_T")["hidden"]
        for barrier in (0.0, 0.4, 0.8, 1.0)
    ]
    assert share == sorted(share)
    assert share[0] < 0.4
    assert share[-1] > share[0] + 0.1


def test_a_watched_border_is_dearer_and_crossed_less():
    lax, strict = (prepared(f"policies.bb_border.barrier={b}") for b in (0.1, 0.9))
    places = [p.id for p in lax.scenario.places]
    a, b = places.index("AA_N"), places.index("BB_T")
    ways, before = CHOICES.of(strict).way.routes, CHOICES.of(lax).way.routes
    assert (ways.fare[:, a, b] > before.fare[:, a, b]).all()
    assert (ways.value[:, :, a, b] < before.value[:, :, a, b]).all()
    # Smugglers take a fifth more at full enforcement: barrier x officers x law.
    enforcement = 0.9 * 0.6 * 0.7
    assert ways.fare[CHEAPEST, a, b] == pytest.approx(100 * (1 + 0.2 * enforcement))
    number = [c.id for c in strict.scenario.corridors].index("AA_N_BB_T")
    leg = np.flatnonzero(strict.network.legs.corridor == number)
    assert CHOICES.of(strict).way.intercepted[leg] == pytest.approx(enforcement)


def test_a_closed_corridor_is_used_by_nobody_and_others_are():
    closed = prepared("policies.cc_wall.start=2020-01-01")
    legs = closed.network.legs
    names = [c.id for c in closed.scenario.corridors]
    leg = np.flatnonzero(legs.corridor == names.index("BB_T_CC_P"))
    assert not CHOICES.of(closed).way.usable[leg].any()
    places = [p.id for p in closed.scenario.places]
    a, b = places.index("BB_T"), places.index("CC_P")
    free = prepared()
    ways, before = (CHOICES.of(it).way.routes.value[BEST, 0, a, b] for it in (closed, free))
    assert -math.inf < ways < before


def test_no_way_is_worse_where_policy_is_open():
    """A closed border can open legs: from behind it, places farther away come nearer the goal."""
    at = prepared(
        "policies.bb_border.barrier=1", "decision.route_scale=5", "decision.fatigue=.02"
    )  # fmt: skip
    geography, price = CHOICES.of(at).geography[..., 1], CHOICES.of(at).price[..., 1]
    assert (geography[:, 1] >= geography[:, 0]).all()
    assert (price[1] <= price[0]).all()
    assert (price[1] < price[0]).any()


def test_ways_are_those_of_tables_made_today():
    """What is kept from month to month, regular travel, is what it would be if made anew."""
    at = world(small("time.end=2020-06"))
    for _ in range(4):
        advance(at)
    danger = THREATS.of(at).severity[:, Threat.personal]
    fresh = Choices(at.scenario, at.network, at.geography, MEANS.of(at), 1)
    for choices in (CHOICES.of(at), fresh):
        choices.update_ways(RULES.of(at), danger)
    for name in ("geography", "price", "distance"):
        np.testing.assert_array_equal(getattr(CHOICES.of(at), name), getattr(fresh, name))


def test_hops_are_fewest_legs_and_distances_great_circles():
    network = build(small())
    places = [p.id for p in small().places]
    a, b, c = places.index("AA_E"), places.index("CC_C"), places.index("BB_T")
    assert network.hops[a, a] == 0
    assert network.hops[a, c] == 2
    assert network.hops[a, b] == 4
    assert (network.km == network.km.T).all()
    assert network.km.min() == 10
    quarter = great_circle(np.array([0.0, 0.0]), np.array([0.0, 90.0]))[0, 1]
    assert quarter == pytest.approx(6371 * math.pi / 2)
