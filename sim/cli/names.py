"""Checks names of figures and kinds of picture."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches

from sim.cli.console import BadInputError
from sim.schema.errors import printable


def refuse_unknown(what: str, word: str, words: Iterable[str]) -> None:
    """Refuse a word that is not among those known, and name the nearest."""
    known = list(words)
    if word not in known:
        near = get_close_matches(word.casefold(), known, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(known)}"
        raise BadInputError(f"no {what} is called {printable(word)!r}; {hint}")


def series_of(names: Sequence[str] | None) -> tuple[str, ...]:
    """Check the names of figures to draw over time; none gives none."""
    if not names:
        return ()
    from sim.experiments.compare import SERIES
    from sim.results.measures import MEASURES, measure_of_today

    names = [measure_of_today(name) for name in names]
    return figures_of("figure over time", names, SERIES, lambda name: MEASURES[name].unit)


def figures_of(
    what: str, names: Sequence[str] | None, known: Sequence[str], unit: Callable[[str], str]
) -> tuple[str, ...]:
    """Check the names of figures to draw on the same axes, which must share a unit."""
    for name in names or ():
        refuse_unknown(what, name, known)
    units = {unit(name) for name in names or ()}
    if len(units) > 1:
        raise BadInputError(f"--series has figures in {' and in '.join(sorted(units))}; draw apart")
    return tuple(dict.fromkeys(names or ()))
