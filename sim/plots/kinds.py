"""Every kind of picture that a run or a sweep can be drawn as, with a line on each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sim.experiments.effects import Swept
from sim.plots import style
from sim.plots.bands import plot_bands
from sim.plots.pictures import PICTURES, Picture
from sim.plots.rings import plot_rings
from sim.plots.swept import plot_effects
from sim.results.record import Record
from sim.results.store import SUFFIXES as SUFFIXES

KINDS: Final[Mapping[str, Picture]] = PICTURES
SWEEP_KINDS: Final[Mapping[str, str]] = {"effects": "Figures at each value of a factor"}


def draw_kind(
    record: Record,
    kind: str,
    suffix: str = "png",
    measures: Sequence[str] = (),
    *,
    observed: bool = False,
) -> bytes:
    """Draw one of `KINDS`.

    Args:
        record: a run.
        kind: which.
        suffix: of `SUFFIXES`.
        measures: headline figures that `bands` draws; none: its own.
        observed: whether `map` draws observed stocks as rings about the simulated ones.

    Returns:
        The content of the file.

    Raises:
        NoTableError: the run did not keep the table that it needs.
    """
    if kind == "bands" and measures:
        return style.as_file(plot_bands(record, measures=measures), suffix)
    if kind == "map" and observed:
        return style.as_file(plot_rings(record), suffix)
    return style.as_file(KINDS[kind].plot(record), suffix)


def draw_sweep(
    swept: Swept, suffix: str = "png", figures: Sequence[str] = (), over: str | None = None
) -> bytes:
    """Draw how the factors of a sweep change figures, with `plot_effects`.

    Args:
        swept: a finished sweep.
        suffix: of `SUFFIXES`.
        figures: of `swept.figures`, of one unit; none: the first.
        over: the factor on the axis; none: the strongest.

    Returns:
        The content of the file.
    """
    return style.as_file(plot_effects(swept, figures=figures, over=over), suffix)
