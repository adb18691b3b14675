"""Whom of a run an observed figure is compared with, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sim.plots import wording
from sim.results.observed import HARMS_OBSERVED, STOCKS_OBSERVED, who_count
from sim.schema import Observed

STATUS_WORDS: Final[Mapping[str, str]] = {
    "citizen": "citizens",
    "displaced": "the displaced",
    "regular": "with a permit",
    "refugee": "refugees",
    "claimant": "asylum seekers",
    "irregular": "without a permit",
    "ordered": "ordered to leave",
}
"""Statuses, as a list of people has them."""


def who_words(figure: Observed) -> str:
    """Say whom of the run an observed figure is compared with.

    Returns:
        For example `refugees, asylum seekers`; `expected events` for harms, which have no status.
    """
    if figure.what in HARMS_OBSERVED:
        return "expected events"
    counted = who_count(figure)
    if figure.what in STOCKS_OBSERVED:
        return ", ".join(STATUS_WORDS[it] for it in counted) or "everybody, whatever the status"
    if not counted:
        return "everybody who came"
    return "who came by channel: " + ", ".join(wording.CHANNEL_WORDS[it] for it in counted)
