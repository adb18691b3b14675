"""The graph of corridors, as arrays that kernels read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.core.rng import name_hash
from sim.core.state import F64, I64, Bool, Legs

if TYPE_CHECKING:
    from sim.schema import Scenario


class Network(NamedTuple):
    """The graph of corridors, which never changes in a run."""

    legs: Legs
    hops: I64
    """[place, place] smallest number of legs, not through camps; -1 where there is no route."""
    km: F64
    """[place, place] great-circle distance, at least 10 km."""


def great_circle(lat: F64, lon: F64) -> F64:
    """Distances between all pairs of points.

    Args:
        lat: [place] degrees.
        lon: [place] degrees.

    Returns:
        [place, place] km on a sphere of 6371 km.
    """
    phi, lam = np.radians(lat), np.radians(lon)
    d_phi = phi[:, None] - phi[None, :]
    d_lam = lam[:, None] - lam[None, :]
    root = (
        np.sin(d_phi / 2) ** 2
        + np.cos(phi)[:, None] * np.cos(phi)[None, :] * np.sin(d_lam / 2) ** 2
    )
    return np.asarray(6371.0 * 2 * np.arcsin(np.sqrt(np.clip(root, 0, 1))))


def build(scenario: Scenario) -> Network:
    """Turn a resolved scenario's corridors into arrays."""
    places = [place.id for place in scenario.places]
    index = {name: i for i, name in enumerate(places)}
    country = [place.country for place in scenario.places]
    is_camp = np.array([place.kind == "camp" for place in scenario.places])
    rows = []
    for n, corridor in enumerate(scenario.corridors):
        a, b = index[corridor.from_], index[corridor.to]
        for option in corridor.route_options:
            ident = name_hash("leg", f"{corridor.id}:{option.id}")
            rows.append((a, b, n, corridor.days, option, country[a] != country[b], ident))
    rows.sort(key=lambda row: row[0])

    def column(name: str) -> F64:
        return np.array([getattr(row[4], name) for row in rows], np.float64)

    source, target = (np.array([row[end] for row in rows], np.int64) for end in (0, 1))
    legs = Legs(
        first=np.searchsorted(source, np.arange(len(places) + 1)).astype(np.int64),
        source=source,
        target=target,
        corridor=np.array([row[2] for row in rows], np.int64),
        days=np.array([row[3] for row in rows], np.float64),
        price=column("price"),
        enforcement_met=column("enforcement_met"),
        death=column("death"),
        violence=column("violence"),
        extortion=column("extortion"),
        money_lost=column("money_lost"),
        kidnapping=column("kidnapping"),
        crosses=np.array([row[5] for row in rows], np.bool_),
        into_camp=is_camp[target],
        ident=np.array([row[6] for row in rows], np.uint64),
    )
    km = great_circle(
        np.array([place.lat for place in scenario.places]),
        np.array([place.lon for place in scenario.places]),
    )
    return Network(legs, fewest_legs(legs, is_camp), np.maximum(km, 10.0))


def fewest_legs(legs: Legs, is_camp: Bool) -> I64:
    """[place, place] smallest number of legs, not through camps; -1 where there is no route."""
    import networkx as nx

    n = len(is_camp)
    graph = nx.DiGraph()
    graph.add_nodes_from(range(n))
    ways = set(zip(legs.source.tolist(), legs.target.tolist(), strict=True))
    graph.add_edges_from((a, b) for a, b in ways if not is_camp[a])
    hops = np.full((n, n), np.inf)
    for a, lengths in nx.all_pairs_shortest_path_length(graph):
        hops[a, list(lengths)] = list(lengths.values())
    for a, b in ways:
        if is_camp[a]:
            hops[a] = np.minimum(hops[a], 1.0 + hops[b])
    return np.where(np.isfinite(hops), hops, -1).astype(np.int64)
