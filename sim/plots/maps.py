"""The map: who went where, and where they were in the end, by status."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import cos, radians
from typing import Final
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, Rectangle
from matplotlib.path import Path as Outline
from matplotlib.transforms import Bbox, IdentityTransform

from sim.plots import labels, style, wording
from sim.plots.focus import citizens
from sim.plots.observed import KINDS, observed_stocks
from sim.plots.outlines import TURN, Ring, outlines, unrolled
from sim.plots.sankey import END_OF, END_WORDS
from sim.plots.view import LEAST, By, Flow, Node, View, view_of, weights
from sim.results.interest import narrowed
from sim.results.record import Record
from sim.results.rows import in_rows
from sim.results.run import horizon
from sim.results.sums import at_end, country_of, outside
from sim.schema import Place

MOST_ARROWS: Final = 16
"""Flows drawn: more would hide each other."""
WIDEST: Final = 9.0
THINNEST: Final = 0.9
"""Width of the largest flow, and least width of any, in points."""
LARGEST: Final = 17.0
"""Radius of the largest dot, in points; less where dots would hide each other."""
SMALLEST: Final = 1.7
OWN_PLACES: Final = 0.1
"""A place is shown with its country from this share of what happens there."""
VISIBLE: Final = 0.01
"""A slice of a dot, or the displaced, are named from this share of its people."""
BEYOND: Final = "Names with an arrow lie beyond the map."
COLUMNS: Final = 3
"""Of the key below the map."""


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
    if "stocks" not in record.tables:
        return {}
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


def map_finding(record: Record) -> str:
    """Say in one sentence in which country most lived at the end, or where most arrived.

    Half of all, or a lead of a quarter over the next country, is said to be one: less may be
    otherwise at another seed.
    """
    abroad = {it: sum(people.values()) for it, people in abroad_by_country(record).items()}
    total = sum(abroad.values())
    if not total:
        return _arrivals_finding(record)
    ranked = sorted(abroad, key=lambda it: (-abroad[it], it))
    names = [wording.the(wording.names(record)[it]) for it in ranked]
    when = wording.month_word(horizon(record.scenario) - pd.Timedelta(days=1))
    whose = citizens(record) if record.scenario.population.focus else "migrants"
    text = f"Of {wording.words(total)} {whose} abroad in {when}"
    shares = [abroad[it] / total for it in ranked]
    if shares[0] > 0.55 or len(ranked) == 1:
        return f"{text}, {'all' if len(ranked) == 1 else 'most'} lived in {names[0]}"
    if shares[0] > 1.25 * shares[1]:
        return f"{text}, the largest group lived in {names[0]}"
    return f"{text}, the largest groups lived in {names[0]} and {names[1]}"


def _arrivals_finding(record: Record) -> str:
    """Say in which country most arrived from outside, counting every journey."""
    reached: dict[str, float] = {}
    for flow in flows_by_size(record, by="country"):
        reached[flow.destination] = reached.get(flow.destination, 0.0) + flow.arrived
    if not reached:
        return "Nobody crossed a border"
    most = max(reached, key=lambda country: reached[country])
    name = wording.the(wording.names(record)[most])
    by = wording.month_word(horizon(record.scenario) - pd.Timedelta(days=1))
    times = "arrival" if round(reached[most]) == 1 else "arrivals"
    whose = f" of {citizens(record)}" if record.scenario.population.focus else ""
    return f"{wording.words(reached[most])} {times}{whose} in {name} by {by}"


def map_text(record: Record) -> str:
    """Say in words what the map shows."""
    names = wording.names(record)
    flows = flows_by_size(record, by="country")[:5] or flows_by_size(record)[:5]
    listed = "; ".join(
        f"{names[it.origin]} to {names[it.destination]} {wording.words(it.arrived)}" for it in flows
    )
    abroad = abroad_by_country(record)
    hosts = sorted(abroad, key=lambda it: -sum(abroad[it].values()))[:5]
    lived = "; ".join(
        f"{names[it]} {wording.words(sum(abroad[it].values()))} ("
        + ", ".join(f"{END_WORDS[end][0]} {wording.words(n)}" for end, n in _ordered(abroad[it]))
        + ")"
        for it in hosts
    )
    return (
        f"{map_finding(record)}."
        + (f" At the end: {lived}." if lived else "")
        + (f" Largest flows: {listed}." if listed else "")
    )


def _ordered(people: Mapping[str, float]) -> list[tuple[str, float]]:
    """Give people by status, in the order of all pictures."""
    return [(it, people[it]) for it in END_WORDS if people.get(it, 0.0) > 0]


def _added(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    return {it: one.get(it, 0.0) + other.get(it, 0.0) for it in {**one, **other}}


def plot_map(
    record: Record, ax: Axes | None = None, *, by: By | None = None, observed: bool = False
) -> Axes:
    """Draw where migrants were at the end as dots, and the largest flows as arrows between them.

    Args:
        record: a run that kept `flows` (and `stocks`, for the dots).
        ax: axes to draw on; none: those of a new figure.
        by: whether dots are countries or places; none: countries, if anybody crossed a border.
        observed: draw instead each country's observed stock as a ring about the simulated one.

    Returns:
        The axes.

    Raises:
        NoTableError: the run kept no flows.
        NothingObservedError: rings are asked for, and no observed stock of a country is simulated.
    """
    record = style.legible(record)
    if observed:
        return _plot_observed(record, ax)
    crossing = flows_by_size(record, by="country") if by != "place" else ()
    by = by or ("country" if crossing else "place")
    nodes = _nodes(record, by)
    moves = crossing if by == "country" else flows_by_size(record)
    # An arrow needs a length: people who came back to where they set out are not drawn.
    moves = tuple(it for it in moves if _apart(nodes, it))
    large = [it for it in moves[:MOST_ARROWS] if it.arrived >= LEAST * moves[0].arrived]
    view = view_of(nodes, large, _extents(record, by, nodes), _homes(record, nodes))
    flows = [it for it in large if it.origin in view.nodes and it.destination in view.nodes]
    ax = _sheet(record, ax, view)
    radii = _radii(ax, view.nodes)
    _draw_dots(ax, view.nodes, radii)
    _draw_flows(ax, flows, view.nodes, radii)
    cut = f" (the {len(flows)} largest flows)" if len(flows) < len(moves) else ""
    said = f"Dots and figures: {_who(record)}, by status." if migrants_at_end(record) else ""
    if flows:
        said += f" Arrows: journeys from {by} to {by}, by width{cut}. {wording.AS_COUNTED}"
    if any(it.head for it in view.nodes.values()):
        said += f" {BEYOND}"
    if view.elsewhere >= 0.5:
        said += f" Elsewhere: {wording.words(view.elsewhere)}."
    style.caption(
        ax,
        record,
        map_finding(record),
        said.strip(),
        note="outlines: Natural Earth",
        below=6 + _key(ax, flows, view.nodes),
    )
    _name(ax, view.nodes, radii, flows)
    return ax


def _who(record: Record) -> str:
    """Say whom dots show."""
    if record.scenario.population.focus:
        return f"{citizens(record)} abroad and displaced within, at the end"
    return "people abroad and displaced within, at the end"


def _nodes(record: Record, by: By) -> dict[str, Node]:
    """Give the ends of arrows: places, or countries where their places see most movement."""
    migrants = migrants_at_end(record)
    places = record.scenario.places
    longitudes = dict(
        zip((it.id for it in places), unrolled([it.lon for it in places]), strict=True)
    )
    if by == "place":
        return {
            it.id: Node(it.name or it.id, longitudes[it.id], it.lat, migrants.get(it.id, {}))
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
        nodes[country.id] = Node(country.name or country.id, lon, lat, people)
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


def _homes(record: Record, nodes: Mapping[str, Node]) -> set[str]:
    """Give the ends that are in the focus."""
    where = country_of(record)
    return {it for it in nodes if where.get(it, it) in record.scenario.population.focus}


def _extents(
    record: Record, by: By, nodes: Mapping[str, Node]
) -> dict[str, list[tuple[float, float]]]:
    """Give the points to show with each end: its own and, of a country, those of its places."""
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


def _apart(nodes: Mapping[str, Node], flow: Flow) -> bool:
    start, end = nodes[flow.origin], nodes[flow.destination]
    return (start.lon, start.lat) != (end.lon, end.lat)


def _sheet(record: Record, ax: Axes | None, view: View) -> Axes:
    """Give axes with the land on them, as high as the part of the world asks for."""
    west, east, south, north = view.window
    aspect = 1 / cos(radians((south + north) / 2))
    height = style.WIDTH * aspect * (north - south) / (east - west)
    ax = style.frame(ax, height * 0.984, 0.05, 0.05)
    ax.set(xlim=(west, east), ylim=(south, north), xticks=[], yticks=[])
    ax.set_aspect(aspect)
    ax.set_facecolor(style.SEA)
    ax.spines[:].set_visible(False)
    _draw_land(ax, record.scenario.places)
    west_of, east_of, south_of, north_of = view.land
    for x, y, width, height in (
        (west, south, west_of - west, north - south),
        (east_of, south, east - east_of, north - south),
        (west, south, east - west, south_of - south),
        (west, north_of, east - west, north - north_of),
    ):
        if width > 0 and height > 0:
            ax.add_patch(Rectangle((x, y), width, height, color="white", linewidth=0, zorder=2))
    return ax


def _draw_land(ax: Axes, places: Sequence[Place]) -> None:
    """Draw the outlines; countries of the scenario are lighter."""
    points = np.array([(place.lon, place.lat) for place in places])
    (west, east), (south, north) = ax.get_xlim(), ax.get_ylim()
    shown: list[Ring] = []
    colours: list[str] = []
    for land in outlines():
        near = [
            np.add(ring, (turn, 0.0))
            for ring, (left, bottom, right, top) in zip(land.rings, land.boxes, strict=True)
            for turn in (-TURN, 0.0, TURN)
            if left + turn <= east and right + turn >= west and bottom <= north and top >= south
        ]
        # All rings of a country in view count, since its places may lie out of it.
        known = bool(near) and land.holds(points).any()
        shown += near
        colours += [style.KNOWN_LAND if known else style.LAND] * len(near)
    ax.add_collection(
        PolyCollection(
            shown, facecolors=colours, edgecolors=style.BORDER, linewidths=0.6, zorder=1
        ),
        autolim=False,
    )


def _radii(ax: Axes, nodes: Mapping[str, Node]) -> dict[str, float]:
    """Give the radius of each dot in points: its area is as the people are many.

    All are made smaller where neighbours would hide each other.
    """
    most = max((it.total for it in nodes.values()), default=0.0) or 1.0
    radii = {name: LARGEST * float(np.sqrt(it.total / most)) for name, it in nodes.items()}
    scale = style.settle(ax)
    centres = np.array([(it.lon, it.lat) for it in nodes.values()])
    fit = _fit(ax.transData.transform(centres) / scale, np.array(list(radii.values())))
    return {name: max(fit * radius, SMALLEST) for name, radius in radii.items()}


def _fit(centres: Ring, radii: Ring) -> float:
    """Give by how much dots have to shrink so that none covers much of another: 0.5 to 1."""
    apart = np.hypot(*(centres[:, None] - centres[None, :]).T)
    touch = radii[:, None] + radii[None, :]
    both = (np.minimum(radii[:, None], radii[None, :]) > 2 * SMALLEST) & ~np.eye(
        len(radii), dtype=bool
    )
    return float(np.clip((apart[both] / touch[both]).min(initial=1.0), 0.5, 1.0))


def _draw_dots(ax: Axes, nodes: Mapping[str, Node], radii: Mapping[str, float]) -> None:
    """Draw a dot for each end, with a slice for each status; small and grey where nobody is."""
    slices, sizes, colours, centres = [], [], [], []
    for name in sorted(nodes, key=lambda it: -radii[it]):
        node, start = nodes[name], 0.0
        parts = _ordered(node.people) or [("", 1.0)]
        for status, people in parts:
            end = start + people / sum(it for _, it in parts)
            # Clockwise from the top, as a clock is read.
            slices.append(
                Outline.unit_circle() if len(parts) == 1
                else Outline.wedge(90 - 360 * end, 90 - 360 * start)
            )  # fmt: skip
            colours.append(style.OUTCOMES[status] if status else style.FAINT)
            sizes.append(radii[name] ** 2)
            centres.append((node.lon, node.lat))
            start = end
    dots = PathCollection(
        slices, sizes=sizes, facecolors=colours, edgecolors="white", linewidths=0.5,
        offsets=centres, offset_transform=ax.transData, zorder=5,
    )  # fmt: skip
    dots.set_transform(IdentityTransform())
    ax.add_collection(dots, autolim=False)


def _draw_flows(
    ax: Axes, flows: Sequence[Flow], nodes: Mapping[str, Node], radii: Mapping[str, float]
) -> None:
    """Draw flows as curved arrows from the edge of a dot to that of another, the largest below."""
    most = max((flow.arrived for flow in flows), default=1.0)
    for rank, flow in enumerate(flows):
        start, end = nodes[flow.origin], nodes[flow.destination]
        width = max(WIDEST * flow.arrived / most, THINNEST)
        ax.add_patch(
            FancyArrowPatch(
                (start.lon, start.lat),
                (end.lon, end.lat),
                connectionstyle="arc3,rad=-0.22",
                arrowstyle=(
                    f"simple,tail_width={width:.2f},head_width={1.7 * width + 3:.2f},"
                    f"head_length={1.2 * width + 3:.2f}"
                ),
                mutation_scale=1,
                shrinkA=radii[flow.origin],
                shrinkB=radii[flow.destination],
                facecolor=style.ANSWERS["necessity" if _is_forced(flow) else "choice"],
                edgecolor="white",
                linewidth=0.5,
                alpha=0.85,
                zorder=4 + rank / 100,
            )
        )


def _is_forced(flow: Flow) -> bool:
    """Whether most of it moved of necessity."""
    return flow.forced * 2 >= flow.arrived


def _key(ax: Axes, flows: Sequence[Flow], nodes: Mapping[str, Node]) -> float:
    """Explain colours and widths below the map; give the room that takes, in points."""
    known = {
        end
        for node in nodes.values()
        for end, people in _ordered(node.people)
        if people >= VISIBLE * node.total
    }
    handles = [
        Line2D([], [], color=style.OUTCOMES[it], marker="o", markersize=8, linewidth=0,
               label=_status_words(it))
        for it in END_WORDS
        if it in known
    ]  # fmt: skip
    handles += [
        Line2D([], [], color=style.ANSWERS[answer], linewidth=3, label=label)
        for answer, label in wording.MOSTLY.items()
        if any(_is_forced(it) == (answer == "necessity") for it in flows)
    ]
    if flows:
        most = wording.people(flows[0].arrived)
        handles.append(Line2D([], [], color=style.FAINT, linewidth=WIDEST, label=most))
    return style.key_below(ax, handles, COLUMNS)


def _status_words(end: str) -> str:
    return "displaced within" if end == "displaced" else END_WORDS[end][0]


def _plot_observed(record: Record, ax: Axes | None) -> Axes:
    """Draw observed stocks as rings, and simulated ones of the same statuses as dots."""
    pairs = observed_stocks(record)
    if not pairs:
        raise ValueError("no observed stock of a country is simulated in this run")
    nodes = {
        it: node._replace(people={"": max(pairs[it].observed, pairs[it].simulated)})
        for it, node in _nodes(record, "country").items()
        if it in pairs
    }
    homes = [it for it in record.scenario.population.focus if it in nodes]
    view = view_of(nodes, (), _extents(record, "country", nodes), homes)
    shown = view.nodes
    ax = _sheet(record, ax, view)
    radii = _radii(ax, shown)
    most = max(shown, key=lambda it: shown[it].total)
    a_person = radii[most] ** 2 / shown[most].total
    x, y = ([getattr(it, name) for it in shown.values()] for name in ("lon", "lat"))
    # The area of a marker is that of the square about it.
    made, seen = (
        [4 * a_person * getattr(pairs[it], name) for it in shown]
        for name in ("simulated", "observed")
    )
    colours = [KINDS[pairs[it].what][1] for it in shown]
    ax.scatter(x, y, s=made, color=colours, edgecolors="white", linewidths=0.5, zorder=3)
    ax.scatter(x, y, s=seen, facecolors="none", edgecolors=style.OBSERVED, linewidths=1.4, zorder=4)
    handles = [Line2D([], [], color=style.OBSERVED, marker="o", markersize=9, linewidth=0,
                      fillstyle="none", label="observed")]  # fmt: skip
    handles += [
        Line2D([], [], color=colour, marker="o", markersize=8, linewidth=0,
               label=f"simulated {words}")
        for what, (_, colour, words) in KINDS.items()
        if any(pairs[it].what == what for it in shown)
    ]  # fmt: skip
    last = max(it.date for it in pairs.values())
    said = "Rings and first figures: observed. Dots and second figures: simulated, of the same "
    said += f"people, at the latest observation: in {last.year} where no year is given."
    if any(it.what == "refugees" for it in pairs.values()):
        said += " As refugees count all but those in regular stay."
    if any(it.head for it in shown.values()):
        said += f" {BEYOND}"
    if left := len(pairs) - len(shown):
        said += f" Not drawn: {left} more, far away."
    near = sum(0.5 <= it.simulated / it.observed <= 2 for it in pairs.values())
    countries = "country" if len(pairs) == 1 else "countries"
    style.caption(
        ax,
        record,
        f"Simulated stocks are within a factor of two of the observed ones in {near} of "
        f"{len(pairs)} {countries}",
        said,
        note="outlines: Natural Earth",
        below=6 + style.key_below(ax, handles, COLUMNS),
    )
    words = {}
    for name, node in shown.items():
        pair = pairs[name]
        year = f" ({pair.date.year})" if pair.date.year != last.year else ""
        words[name] = f"{node.head} {node.name}{year}".strip()
        words[name] += f"\n{wording.words(pair.observed)} → {wording.words(pair.simulated)}"
    _write(ax, words, shown, radii, weights(nodes, ()), np.zeros((0, 2)))
    return ax


def _name(
    ax: Axes, nodes: Mapping[str, Node], radii: Mapping[str, float], flows: Sequence[Flow]
) -> None:
    """Put the names where they hide least, the most important first."""
    weight = weights(nodes, flows)
    words = {}
    for name, node in nodes.items():
        here = node.total - node.displaced
        words[name] = f"{node.head} {node.name}".strip()
        words[name] += f" {wording.words(here)}" if here > 0 else ""
        if node.displaced > VISIBLE * node.total:
            words[name] += f"\n{wording.words(node.displaced)} displaced within"
    tracks = np.concatenate(
        [np.zeros((0, 2)), *(_track(it) for it in ax.patches if isinstance(it, FancyArrowPatch))]
    )
    _write(ax, {it: words[it] for it in words if weight[it] > 0}, nodes, radii, weight, tracks)


def _write(
    ax: Axes,
    words: Mapping[str, str],
    nodes: Mapping[str, Node],
    radii: Mapping[str, float],
    weight: Mapping[str, float],
    tracks: Ring,
) -> None:
    """Write names beside dots: first those of most weight."""
    scale = style.settle(ax)
    centres = {name: ax.transData.transform((it.lon, it.lat)) for name, it in nodes.items()}
    taken = [
        Bbox.from_extents(*(centres[it] - radii[it] * scale), *(centres[it] + radii[it] * scale))
        for it in nodes
    ]
    for name in sorted(words, key=lambda it: (-weight[it], it)):
        node, others = (
            nodes[name],
            [(*centres[it], radii[it] * scale) for it in nodes if it != name],
        )
        # Where there is no space for one long line, there may be for two.
        for text in dict.fromkeys((words[name], _broken(words[name]))):
            if labels.label_beside(
                ax, text, (node.lon, node.lat), taken, tracks,
                "bold" if node.total > 0 else "normal", beyond=radii[name], others=others,
            ):  # fmt: skip
                break


def _broken(words: str) -> str:
    """Put the figure after a name on a line of its own."""
    return re.sub(r" (?=[\d.,]+( \w+)?$)", "\n", words, count=1)


def _track(patch: FancyArrowPatch) -> Ring:
    """Points along an arrow, in pixels, that labels should not cover."""
    corners = patch.get_transform().transform(np.asarray(patch.get_path().vertices))
    return np.concatenate([np.linspace(a, b, 12) for a, b in pairwise(corners)])
