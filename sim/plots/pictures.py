"""The pictures of a run: how each is drawn, and what it says in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from matplotlib.axes import Axes

from sim.core.terms import Threat
from sim.plots import style, wording
from sim.plots.bands import bands_text, plot_bands
from sim.plots.figures import (
    answers_finding,
    harms_finding,
    most_left,
    plot_answers,
    plot_harms,
    plot_threats,
)
from sim.plots.focus import citizens
from sim.plots.funnel import funnel_text, plot_funnel
from sim.plots.maps import map_text, plot_map
from sim.plots.observed import observed_finding, plot_observed
from sim.plots.sankey import plot_sankey, sankey_text
from sim.results.interest import narrowed
from sim.results.record import Record


class Picture(NamedTuple):
    """One kind of picture."""

    heading: str
    plot: Callable[[Record], Axes]
    needs: tuple[str, ...]
    """The tables without which there is no picture."""
    text: Callable[[Record], str]
    """What it shows, in words, for those who cannot see it."""


PICTURES: Final[Mapping[str, Picture]] = {
    "map": Picture("Where people went", plot_map, ("flows",), map_text),
    "sankey": Picture(
        "Origins, transit countries and outcomes", plot_sankey, ("paths",), sankey_text
    ),
    "answers": Picture("Who moved, who could not", plot_answers, ("answers",), answers_finding),
    "threats": Picture(
        "What people felt", plot_threats, ("insecurity",), lambda it: threats_text(it)
    ),
    "funnel": Picture("From setting out to refuge", plot_funnel, ("flows", "harms"), funnel_text),
    "harms": Picture("Harm on the way", plot_harms, ("harms",), harms_finding),
    "bands": Picture("Abroad and displaced, over time", plot_bands, ("stocks",), bands_text),
    "observed": Picture("Observed and simulated", plot_observed, (), observed_finding),
}


def is_kept(record: Record, kind: str) -> bool:
    """Whether a run has what one of `PICTURES` shows."""
    if kind == "observed":
        return len(record.scenario.observed) > 0
    return all(it in record.tables for it in PICTURES[kind].needs)


def draw(record: Record, kind: str) -> bytes:
    """Draw one of `PICTURES`.

    Args:
        record: the run.
        kind: which.

    Returns:
        A PNG file.
    """
    return style.as_file(PICTURES[kind].plot(record))


def threats_text(record: Record) -> str:
    """Say how the seven threats weighed in the country whose picture is drawn."""
    country = most_left(record)
    places = [place.id for place in record.scenario.places if place.country == country]
    frame = narrowed(record).insecurity
    rows = frame[frame["place"].isin(places)]
    sums = rows.groupby("threat", observed=True)["person_years"].sum()
    name, total = wording.the(wording.names(record)[country]), float(sums.sum())
    if total <= 0:
        return f"No insecurity was felt in {name}."
    parts = (f"{it.name} {100 * float(sums.get(it.name, 0.0)) / total:.0f} %" for it in Threat)
    by = f" by {citizens(record)}" if record.scenario.population.focus else ""
    return f"Shares of the seven threats in all that was felt in {name}{by}: {', '.join(parts)}."
