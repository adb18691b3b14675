"""What happens in a segment, in order.

Written by `python -m sim.engine.declarations`: do not edit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sim.mechanisms import (
    admission,
    asylum,
    camps,
    caravans,
    census,
    choice,
    decide,
    demography,
    departures,
    exposure,
    households,
    kin,
    knowledge,
    law,
    livelihood,
    lives,
    policy,
    politics,
    relocation,
    reunification,
    settling,
    spending,
    threats,
    years,
)
from sim.model.segment import Segment
from sim.model.world import World

Hook = Callable[[World, Segment], None]

STAGES: Final[tuple[tuple[str, tuple[Hook, ...]], ...]] = (
    (
        "people",  # once a month: people are born and die, and families learn and reunite
        (
            # 10: Let families learn, once a month, where their relatives may stay; the last news
            # counts.
            kin.learn,
            # 15: Return children to the adults they were taken from, once a month, at the rate of
            # the rule.
            reunification.reunify,
            # 20: Let people be born, die, finish school, come of age and grow old when a month
            # begins.
            demography.renew_people,
            # 30: Let households reunite, take in children and form when a quarter of the year
            # begins.
            households.change_households,
        ),
    ),
    (
        "environment",  # threats, rules and tables are updated: what people face, have and know
        (
            # 5: Check whether rules, blocs or governments change today.
            policy.check_changes,
            # 10: Update the prevalence of threats and, once a month, the strain on host places.
            threats.update,
            # 20: Update public opinion, and hold today's elections.
            politics.update,
            # 30: Put today's rules in force.
            policy.update,
            # 35: Lay out today's rules for the lives of households.
            law.update,
            # 40: Update how fast newcomers of each status settle, under today's rules.
            settling.update,
            # 50: Update exposure thresholds of places whose prevalence or rights have changed.
            exposure.update,
            # 60: Update the parameters of means, and record which update households need.
            livelihood.update,
            # 70: Let people know how many set out in the month before.
            caravans.update,
            # 75: Let people learn, once a month, about dangers, networks and queues.
            knowledge.update,
            # 80: Update what people know about possible destinations.
            choice.update,
        ),
    ),
    (
        "states",  # once a month: states deal with those who wait for them
        (
            # 10: Relocate claimants from front-line members to others, once a month, up to the
            # pledges kept.
            relocation.relocate,
            # 20: Take households to camps of the country they are in, once a month, as long as
            # there is room.
            camps.fill_camps,
            # 30: Admit applicants, once a month, by lottery under the quotas.
            admission.admit,
            # 40: Set, once a month, when claims are decided, first come, first served, up to
            # capacity.
            asylum.hold_courts,
        ),
    ),
    (
        "rates",  # the factors of the rates at which households move are set
        (
            # 10: Update severities through the days of the segment.
            threats.advance,
            # 20: Set the factors of the rates; pass them to a `look` callback; add what is
            # expected.
            decide.set_conditions,
            # 30: Say who flees until the next entry, or the next month, begins.
            departures.send,
        ),
    ),
    (
        "lives",  # households decide, travel, arrive and change their status, each in its own time
        (
            # 10: Let everything happen to households that happens to them until the segment ends.
            lives.tell_lives,
        ),
    ),
    (
        "count",  # people and public spending are counted
        (
            # 10: Record the spending of this segment.
            spending.spend,
            # 20: Take the census at the end of a segment.
            census.count,
            # 25: Add the years of a calendar month, as if people had been where they are when it
            # ends.
            years.count_years,
            # 30: Add insecurity, as if whoever is exposed at the end of the segment had been so
            # throughout.
            threats.count_insecurity,
        ),
    ),
)
