"""Route choice: values are sums over walks, fares are cheapest, closed legs divert."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest

from sim.core.state import Legs
from sim.core.terms import Threat
from sim.engine.step import advance
from sim.kernels.routes import solve_routes
from sim.mechanisms.choice import CHOICES, Choices
from sim.mechanisms.livelihood import MEANS
from sim.mechanisms.policy import RULES
from sim.mechanisms.threats import THREATS
from sim.model.network import build, great_circle
from sim.model.world import World
from tests.small import small, world
from tests.worlds import prepare


def legs_of(edges: list[tuple[int, int]], n: int) -> Legs:
    edges = sorted(edges)
    source = np.array([a for a, _ in edges], np.int64)
    zero = np.zeros(len(edges))
    return Legs(
        first=np.searchsorted(source, np.arange(n + 1)).astype(np.int64),
        source=source,
        target=np.array([b for _, b in edges], np.int64),
        corridor=np.arange(len(edges)),
        days=zero, price=zero, enforcement_met=zero, death=zero, violence=zero, extortion=zero,
        money_lost=zero, kidnapping=zero, crosses=np.zeros(len(edges), bool),
        ident=np.arange(len(edges), dtype=np.uint64),
    )  # fmt: skip


def solved(legs: Legs, n: int, utility, price=None, usable=None, scale=0.5):
    m = len(legs.source)
    price = np.zeros(m) if price is None else price
    usable = np.ones(m, bool) if usable is None else usable
    value, fare = np.empty((n, n)), np.empty((n, n))
    solve_routes(legs, np.asarray(utility, float), price, usable, scale, value, fare)
    return value, fare


def over_walks(legs: Legs, weight, start: int, goal: int, longest: int) -> float:
    """Sum of products of weights over all walks that end when they first reach the goal."""
    if start == goal:
        return 1.0
    if longest == 0:
        return 0.0
    return sum(
        weight[e] * over_walks(legs, weight, int(legs.target[e]), goal, longest - 1)
        for e in range(legs.first[start], legs.first[start + 1])
    )


def random_graph(seed: int, n: int = 5, m: int = 11):
    rng = np.random.default_rng(seed)
    edges = [(int(a), int(b)) for a, b in rng.integers(0, n, (3 * m, 2)) if a != b][:m]
    legs = legs_of(edges, n)
    return legs, rng.uniform(-2.5, -1.0, len(edges)), rng.uniform(1, 9, len(edges))


@pytest.mark.parametrize("seed", range(5))
def test_a_value_is_the_sum_over_all_walks(seed):
    """Two route options of one corridor are two legs; cycles count, ever less."""
    legs, utility, _ = random_graph(seed)
    value, _ = solved(legs, 5, utility)
    weight = np.exp(utility / 0.5)
    for start in range(5):
        for goal in range(5):
            brute = over_walks(legs, weight, start, goal, 10)
            assert math.exp(value[start, goal]) == pytest.approx(brute, rel=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_a_fare_is_the_cheapest(seed):
    legs, utility, price = random_graph(seed)
    _, fare = solved(legs, 5, utility, price)
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(5))
    for a, b, cost in zip(legs.source, legs.target, price, strict=True):
        graph.add_edge(int(a), int(b), weight=cost)
    lengths = dict(nx.all_pairs_dijkstra_path_length(graph))
    for start in range(5):
        for goal in range(5):
            assert fare[start, goal] == pytest.approx(lengths[start].get(goal, math.inf))


def shares(legs: Legs, value, utility, node: int, goal: int, scale=0.5) -> dict[int, float]:
    out = range(legs.first[node], legs.first[node + 1])
    return {
        e: math.exp(utility[e] / scale + value[legs.target[e], goal] - value[node, goal])
        for e in out
    }


@pytest.mark.parametrize("seed", range(5))
def test_shares_of_the_legs_that_leave_a_place_sum_to_one(seed):
    legs, utility, _ = random_graph(seed)
    value, _ = solved(legs, 5, utility)
    for node in range(5):
        for goal in range(5):
            if node != goal and value[node, goal] > -math.inf:
                assert sum(shares(legs, value, utility, node, goal).values()) == pytest.approx(1)


def test_a_closed_leg_diverts_to_the_others():
    """0 to 3 by 1 or by 2; the way by 1 is the better one."""
    legs = legs_of([(0, 1), (0, 2), (1, 3), (2, 3)], 4)
    utility, price = np.array([-1.0, -1.3, -1.0, -1.3]), np.array([10.0, 20, 30, 40])
    value, fare = solved(legs, 4, utility, price)
    before = shares(legs, value, utility, 0, 3)
    assert before[0] == pytest.approx(1 / (1 + math.exp(-0.6 / 0.5)))
    assert fare[0, 3] == 40
    shut = np.array([True, True, False, True])
    value, fare = solved(legs, 4, utility, price, shut)
    after = shares(legs, value, utility, 0, 3)
    assert after == {0: 0.0, 1: pytest.approx(1.0)}
    assert fare[0, 3] == 60
    value, fare = solved(legs, 4, utility, price, np.array([True, True, False, False]))
    assert value[0, 3] == -math.inf
    assert fare[0, 3] == math.inf
    assert value[0, 2] > -math.inf


def test_values_stay_finite_where_walks_have_no_end():
    legs = legs_of([(0, 1), (1, 0), (1, 2)], 3)
    value, _ = solved(legs, 3, [2.0, 2.0, 0.0])
    assert np.isfinite(value[0, 2])


def test_one_place_more_changes_no_other_value():
    legs, utility, price = random_graph(2)
    value, fare = solved(legs, 5, utility, price)
    more = legs._replace(first=np.append(legs.first, [legs.first[-1]]))
    wider, dearer = solved(more, 6, utility, price)
    np.testing.assert_array_equal(wider[:5, :5], value)
    np.testing.assert_array_equal(dearer[:5, :5], fare)


def test_a_slow_destination_holds_no_other_up():
    """Each destination ends at its own time, though all are solved at once."""
    legs, utility, price = random_graph(2)
    value, fare = solved(legs, 5, utility, price)
    edges = list(zip(legs.source.tolist(), legs.target.tolist(), strict=True))
    # A walk to and fro that goes on and on, elsewhere.
    wider, dearer = solved(
        legs_of([*edges, (5, 6), (6, 5), (6, 7)], 8),
        8,
        np.append(utility, [-0.05, -0.05, -1.0]),
        np.append(price, [1.0, 1.0, 1.0]),
    )
    np.testing.assert_array_equal(wider[:5, :5], value)
    np.testing.assert_array_equal(dearer[:5, :5], fare)


# On the map of the small world.


def prepared(*changes: str) -> World:
    at = world(small("time.end=2020-02", *changes))
    prepare(at)
    return at


def option_shares(at: World, corridor: str) -> dict[str, float]:
    """Of those who set out along a corridor, to its end, what share takes each option."""
    number = [c.id for c in at.scenario.corridors].index(corridor)
    mine = np.flatnonzero(at.network.legs.corridor == number)
    weight = np.exp(CHOICES.of(at).way.utility[0, mine])
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
    assert CHOICES.of(strict).way.fare[a, b] > CHOICES.of(lax).way.fare[a, b]
    assert (CHOICES.of(strict).way.value[:, a, b] < CHOICES.of(lax).way.value[:, a, b]).all()
    # Smugglers take a fifth more at full enforcement: barrier x officers x law.
    enforcement = 0.9 * 0.6 * 0.7
    assert CHOICES.of(strict).way.fare[a, b] == pytest.approx(100 * (1 + 0.2 * enforcement))
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
    assert -math.inf < CHOICES.of(closed).way.value[0, a, b] < CHOICES.of(free).way.value[0, a, b]


def test_ways_are_those_of_a_landscape_made_today():
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
