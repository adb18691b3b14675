"""What a reader meets first: three sentences and six figures about the population of interest."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from sim.plots import wording
from sim.plots.focus import citizens
from sim.results.interest import narrowed
from sim.results.intervals import Interval, Values, interval
from sim.results.measures import headline_values
from sim.results.record import Record
from sim.results.rows import in_rows
from sim.results.run import Run
from sim.results.sums import at_end, outside, per_replicate

PROTECTED: Final = ("refugee", "claimant")
"""Statuses of those who are counted as refugees and asylum seekers."""


class First(NamedTuple):
    """One of the six figures."""

    words: str
    found: Interval
    rows: float
    """Simulated persons that it rests on, in all replicates together."""


def six_figures(record: Record) -> dict[str, First]:
    """Give the figures that say most about the population of interest.

    Those of which the run kept no table are left out; so are the displaced, where nobody is.

    Args:
        record: a run.

    Returns:
        At most six, by name and in order, with 95 % intervals over replicates.
    """
    values, rows = _values(record), _values(in_rows(record))
    behind = dict(zip(record.headline["measure"], record.headline["rows"], strict=True))
    rows["deaths"] = np.array([behind["harm_death"]])  # no more than those who set out
    return {
        name: First(words, interval(values[name], 0.0), float(rows[name].sum()))
        for name, words in (
            ("abroad", "live abroad at the end, whatever their status and whenever they came"),
            ("protected", "of these, refugees and asylum seekers"),
            ("displaced", "displaced within their own country at the end"),
            ("crossings", "moves across a border, from first to last"),
            ("blocked", "would leave at the end, and cannot"),
            ("deaths", "deaths on the way, as they are to be expected"),
        )
        if not np.isnan(values[name]).all() and (name != "displaced" or values[name].any())
    }


def three_sentences(record: Record) -> tuple[str, ...]:
    """Say where people are at the end, how they moved, and who could not.

    Each number is a mean over replicates; nothing is said of what the run did not keep.

    Args:
        record: a run.

    Returns:
        At most three sentences.
    """
    found = {name: it.found.value for name, it in six_figures(record).items()}
    head = {name: float(np.mean(it)) for name, it in headline_values(record).items()}
    behind = dict(zip(record.headline["measure"], record.headline["rows"], strict=True))
    who, words = citizens(record), wording.words
    said = []
    if "abroad" in found:
        text = f"At the end, in {wording.month_word(pd.Timestamp(record.scenario.time.end))}, "
        text += f"{words(found['abroad'])} {who} live abroad"
        text += f", {words(found['protected'])} of them as refugees or asylum seekers"
        if "displaced" in found:
            text += f"; {words(found['displaced'])} more are displaced within their own country"
        said.append(f"{text}.")
    if "crossings" in found:
        text = f"From first to last they moved {words(found['crossings'])} times across a border "
        text += f"and {words(head['moved_within'])} times within one, every move of every person "
        text += "counted"
        if head["necessity_share"] == head["necessity_share"]:
            share = wording.figures(head["necessity_share"], "share")
            text += f"; by the model's count, {share} of the moves they began were of necessity"
        said.append(f"{text}.")
    if "blocked" in found:
        money, permission = (
            wording.marked(words(head[it]), behind[it])
            for it in ("blocked_no_means", "blocked_no_permission")
        )
        said.append(
            f"At the end {words(found['blocked'])} would leave and cannot: {money} for want of "
            f"money, {permission} for want of permission."
        )
    return tuple(said)


def _values(run: Run) -> dict[str, Values]:
    """Give the six figures by replicate; NaN where a table was not kept."""
    run, head = narrowed(run), headline_values(run)
    abroad = protected = np.full(run.replicates, np.nan)
    if "stocks" in run.tables:
        last = at_end(run, run.stocks)
        foreign = last[outside(run, last)]
        abroad = per_replicate(run, foreign, "people")
        protected = per_replicate(run, foreign[foreign["status"].isin(PROTECTED)], "people")
    return {
        "abroad": abroad,
        "protected": protected,
        "displaced": head["displaced"],
        "crossings": head["moved_abroad"],
        "blocked": head["blocked_no_means"] + head["blocked_no_permission"],
        "deaths": head["harm_death"],
    }
