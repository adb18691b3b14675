"""Who moved and who was where in the end, by country or place: what maps and lists are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from weakref import WeakKeyDictionary

import numpy as np

from sim.plots import wording
from sim.plots.outlines import TURN, Ring, outlines, unrolled
from sim.plots.sankey import END_OF
from sim.plots.view import By, Flow, Node
from sim.results.interest import narrowed
from sim.results.record import Record
from sim.results.rows import in_rows
from sim.results.sums import at_end, country_of, outside

OWN_PLACES: Final = 0.1
"""A place is shown with its country from this share of what happens there."""
MIXED: Final = 0.1
"""A flow is called both, where half of it and so much more or less was of necessity."""


def flows_by_size(record: Record, *, by: By = "place", within: bool = True) -> tuple[Flow, ...]:
    """Sum who arrived over the run, by origin and destination, of the focus where there is one.

    Args:
        record: a run that kept `flows`.
        by: whether the ends are places or countries.
        within: whether moves from place to place within a country count; by country they do not.

    Returns:
        Flows in which somebody arrived, largest first.
    """
    kept = _flows.setdefault(record, {})
    if (by, within) not in kept:
        kept[by, within] = _sum_flows(record, by, within)
    return kept[by, within]


def mostly(flow: Flow) -> str:
    """Give what most of a flow was, where another seed would hardly turn that round.

    Returns:
        A key of `wording.MOSTLY`.
    """
    share = flow.forced / flow.arrived
    if abs(share - 0.5) < MIXED:
        return "both"
    return "necessity" if share > 0.5 else "choice"


def rows_of_flows(record: Record) -> dict[tuple[str, str], float]:
    """Give the simulated persons behind each flow of `flows_by_size`, in all replicates together.

    Returns:
        By ids of origin and destination.
    """
    flows = flows_by_size(in_rows(record))
    return {(it.origin, it.destination): it.arrived * record.replicates for it in flows}


_flows: WeakKeyDictionary[Record, dict[tuple[By, bool], tuple[Flow, ...]]] = WeakKeyDictionary()
"""Flows of recent runs, by arguments: a report asks for the same ones six times."""


def _sum_flows(record: Record, by: By, within: bool) -> tuple[Flow, ...]:
    """Sum them from the table."""
    frame = narrowed(record).flows
    forced = frame["arrived"].where(frame["answer"] == "necessity", 0)
    sums = (
        frame[["origin", "destination", "arrived"]]
        .assign(forced=forced)
        .groupby(["origin", "destination"], observed=True, as_index=False)
        .sum()
    )
    where = country_of(record)
    ends = {name: sums[name].astype(object) for name in ("origin", "destination")}
    country = {name: column.map(where) for name, column in ends.items()}
    if by == "country":
        ends, within = country, False
    sums = sums.assign(**ends)
    if not within:
        sums = sums[country["origin"] != country["destination"]]
    if by == "country":
        sums = sums.groupby(["origin", "destination"], as_index=False).sum()
    counts = sums[["arrived", "forced"]].to_numpy(dtype=np.float64) / record.replicates
    flows = [
        Flow(str(origin), str(destination), float(arrived), float(forced))
        for origin, destination, (arrived, forced) in zip(
            sums["origin"], sums["destination"], counts, strict=True
        )
        if arrived > 0
    ]
    flows.sort(key=lambda flow: (-flow.arrived, flow.origin, flow.destination))
    return tuple(flows)


def migrants_at_end(record: Record) -> dict[str, dict[str, float]]:
    """Count, by place and status, the migrants of the focus at the end.

    Migrants are all who live outside the country of their citizenship, whatever their status and
    whenever they came, and all who are displaced within it.

    Returns:
        People by place id and by status (of `END_WORDS`), means over replicates; no place where
        there are none, and nothing at all if the run kept no `stocks`.
    """
    if record not in _migrants:
        _migrants[record] = _count_migrants(record) if "stocks" in record.tables else {}
    return _migrants[record]


_migrants: WeakKeyDictionary[Record, dict[str, dict[str, float]]] = WeakKeyDictionary()
"""Migrants of recent runs: a map and its title ask for them four times."""


def _count_migrants(record: Record) -> dict[str, dict[str, float]]:
    """Count them in the table."""
    last = at_end(record, narrowed(record).stocks)
    foreign = outside(record, last).to_numpy(dtype=bool)
    status = last["status"].astype(object).to_numpy()
    ends = np.array([END_OF.get(it, it) for it in status], dtype=object)
    ends[foreign & (status == "citizen")] = "naturalised"
    kept = (foreign | (status == "displaced")) & (last["people"].to_numpy() > 0)
    counted = last.assign(end=ends, place=last["place"].astype(object))[kept]
    sums = counted.groupby(["place", "end"])["people"].sum() / record.replicates
    found: dict[str, dict[str, float]] = {}
    for (place, end), people in sums.items():
        found.setdefault(str(place), {})[str(end)] = float(people)
    return found


def abroad_by_country(record: Record) -> dict[str, dict[str, float]]:
    """Count the migrants of `migrants_at_end` who are abroad, by country and status."""
    where = country_of(record)
    found: dict[str, dict[str, float]] = {}
    for place, people in migrants_at_end(record).items():
        outside_ = {end: n for end, n in people.items() if end != "displaced"}
        if outside_:
            found[where[place]] = _added(found.get(where[place], {}), outside_)
    return found


def nodes_of(record: Record, by: By) -> dict[str, Node]:
    """Give the ends of arrows: places, or countries where their places see most movement.

    Args:
        record: a run.
        by: whether the ends are places or countries.

    Returns:
        By id, with longitudes on one sheet (`unrolled`).
    """
    migrants = migrants_at_end(record)
    places = record.scenario.places
    longitudes = dict(
        zip((it.id for it in places), unrolled([it.lon for it in places]), strict=True)
    )
    if by == "place":
        return {
            it.id: Node(wording.short_name(it), longitudes[it.id], it.lat, migrants.get(it.id, {}))
            for it in places
        }
    weight = _weight_of_places(record)
    nodes = {}
    for country in record.scenario.countries:
        own = [it for it in places if it.country == country.id]
        if not own:
            continue
        weights = np.array([weight[it.id] for it in own])
        weights = weights if weights.sum() > 0 else np.ones(len(own))
        points = np.array([(longitudes[it.id], it.lat) for it in own])
        people: dict[str, float] = {}
        for it in own:
            people = _added(people, migrants.get(it.id, {}))
        lon, lat = _on_land(np.average(points, axis=0, weights=weights), points)
        nodes[country.id] = Node(wording.short_name(country), lon, lat, people)
    return nodes


def _on_land(middle: Ring, points: Ring) -> tuple[float, float]:
    """Give a country's middle, or its place nearest to that where the middle is not in it."""
    for land in outlines():
        if land.holds(points).any() and land.holds(middle[None, :])[0]:
            break
    else:
        middle = points[int(np.argmin(np.hypot(*(points - middle).T)))]
    return float(middle[0]), float(middle[1])


def _weight_of_places(record: Record) -> dict[str, float]:
    """Give how much happens in each place: arrivals at and from it, and migrants there."""
    weight = {it.id: 0.0 for it in record.scenario.places}
    for flow in flows_by_size(record, within=False) if "flows" in record.tables else ():
        for end in (flow.origin, flow.destination):
            weight[end] += flow.arrived
    for place, people in migrants_at_end(record).items():
        weight[place] += sum(people.values())
    return weight


def extents_of(
    record: Record, by: By, nodes: Mapping[str, Node]
) -> dict[str, list[tuple[float, float]]]:
    """Give the points to show with each end: its own and, of a country, those of its places.

    Args:
        record: a run.
        by: whether the ends are places or countries.
        nodes: the ends.

    Returns:
        Longitude and latitude in degrees, by id.
    """
    extents = {name: [(it.lon, it.lat)] for name, it in nodes.items()}
    if by == "place":
        return extents
    weight = _weight_of_places(record)
    places = record.scenario.places
    for name in nodes:
        own = [it for it in places if it.country == name]
        total = sum(weight[it.id] for it in own)
        kept = [it for it in own if total and weight[it.id] >= OWN_PLACES * total]
        turned = [it.lon + TURN * round((nodes[name].lon - it.lon) / TURN) for it in kept]
        extents[name] += list(zip(turned, (it.lat for it in kept), strict=True))
    return extents


def _added(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    return {it: one.get(it, 0.0) + other.get(it, 0.0) for it in {**one, **other}}
