"""Dates: no end before its start; and what an observed figure may state."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from sim.scenario.checks.checker import Checker, in_order
from sim.scenario.document import Path

COUNTED_BY_STATUS: Final = ("refugees", "asylum_seekers", "foreign_born")
"""Observed figures that may say which statuses count."""


def check_dates(ck: Checker) -> None:
    """Ends before starts."""
    s = ck.scenario
    in_order(ck, ("time",), s.time.start, s.time.end)
    for kind in ("shocks", "policies"):
        for i, it in enumerate(getattr(s, kind)):
            in_order(ck, (kind, i), it.start, it.end)
    for i, policy in enumerate(s.policies):
        path: Path = ("policies", i)
        in_order(ck, path, policy.announced, policy.start, "announced", "start")
        if policy.announced and policy.start is None and ck.whole(path, "start"):
            hint = "start: the day on which it begins to hold"
            ck.add((*path, "announced"), "{} needs a start to announce", hint, on_key=True)
    for i, campaign in enumerate(s.politics.campaigns):
        in_order(ck, ("politics", "campaigns", i), campaign.start, campaign.end)
    for i, country in enumerate(s.countries):
        days = country.opinion.elections if country.opinion else ()
        for j, (day, following) in enumerate(pairwise(days)):
            if following <= day:
                path = ("countries", i, "opinion", "elections", j + 1)
                ck.add(path, f"{{}} = {following} is not after the election before it, {day}")
        if country.opinion and country.opinion.term is not None and not days:
            path = ("countries", i, "opinion", "term")
            ck.add(path, "{} counts from an election, and none is stated", on_key=True)
    for i, observed in enumerate(s.observed):
        in_order(ck, ("observed", i), observed.since, observed.date, "since", "date")
        if observed.party is not None and observed.what != "interceptions":
            path = ("observed", i, "party")
            ck.add(path, "{} applies to interceptions only", on_key=True)
        if observed.statuses and observed.what not in COUNTED_BY_STATUS:
            path = ("observed", i, "statuses")
            ck.add(
                path, "{} applies to refugees, asylum seekers and foreign-born only", on_key=True
            )
        in_corridor = observed.at in {it.id for it in s.corridors}
        if observed.channels and (observed.what != "arrivals" or in_corridor):
            path = ("observed", i, "channels")
            ck.add(path, "{} applies to arrivals in a country only", on_key=True)
