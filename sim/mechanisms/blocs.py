"""Blocs of states: free movement, and the member responsible for an asylum claim.

See docs/model.md, 3.4.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from sim.core.state import F64, Bool

if TYPE_CHECKING:
    from sim.schema import Bloc, Scenario


def members(bloc: Bloc, when: date) -> list[str]:
    """Countries that belong to a bloc on a date."""
    return [
        name
        for name in bloc.members
        if bloc.entries.get(name, date.min) <= when <= bloc.exits.get(name, date.max)
    ]


def free_movement(scenario: Scenario, when: date) -> Bool:
    """[citizenship, country] whether citizens may live there without permission (a bloc)."""
    number = {c.id: i for i, c in enumerate(scenario.countries)}
    free = np.zeros((len(number), len(number)), bool)
    for bloc in scenario.blocs:
        if not (bloc.enabled and bloc.free_movement):
            continue
        inside = np.array([number[name] for name in members(bloc, when)], np.int64)
        here = np.zeros_like(free)
        here[np.ix_(inside, inside)] = True
        for rule in bloc.transitional:
            if when <= rule.end:
                whose = [number[name] for name in rule.citizens_of]
                here[np.ix_(whose, [number[name] for name in rule.into])] = False
        free |= here
    np.fill_diagonal(free, False)
    return free


def first_country(scenario: Scenario, when: date) -> tuple[Bool, F64]:
    """Bloc members that are responsible for the claims of people who entered there first.

    Returns:
        ([country] whether it belongs to a bloc with such a rule, [country of the claim, first
        country] share of claimants who are sent there).
    """
    number = {c.id: i for i, c in enumerate(scenario.countries)}
    belongs = np.zeros(len(number), bool)
    transfers = np.zeros((len(number), len(number)))
    for bloc in scenario.blocs:
        if not bloc.enabled or bloc.first_country is None:
            continue
        inside = members(bloc, when)
        own = np.array([number[name] for name in inside], np.int64)
        here = np.zeros_like(transfers)
        here[np.ix_(own, own)] = bloc.first_country.transfers
        for pause in bloc.first_country.suspended:
            if (pause.start or date.min) <= when <= (pause.end or date.max):
                by = [number[name] for name in pause.by or inside]
                here[np.ix_(by, [number[name] for name in pause.to or inside])] = 0.0
        belongs[own] = True
        transfers = np.maximum(transfers, here)
    np.fill_diagonal(transfers, 0.0)
    return belongs, transfers


def changes(scenario: Scenario) -> set[date]:
    """Dates on which a bloc changes, one that is switched off too (see `policy.changes`)."""
    dates = set()
    ends = []
    for bloc in scenario.blocs:
        dates |= set(bloc.entries.values())
        ends += [*bloc.exits.values(), *(rule.end for rule in bloc.transitional)]
        for pause in bloc.first_country.suspended if bloc.first_country else ():
            dates |= set() if pause.start is None else {pause.start}
            ends += [] if pause.end is None else [pause.end]
        if bloc.sharing is not None:
            dates.add(bloc.sharing.start)
            ends.append(bloc.sharing.end)
    return dates | {end + timedelta(days=1) for end in ends if end < date.max}
