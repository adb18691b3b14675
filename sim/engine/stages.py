"""What happens in a sub-step, in order.

Written by `python -m sim.engine.declarations`: do not edit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sim.mechanisms import (
    admission,
    asylum,
    caravans,
    census,
    choice,
    decide,
    demography,
    exposure,
    households,
    journey,
    knowledge,
    livelihood,
    naturalisation,
    policy,
    politics,
    regularisation,
    relocation,
    removal,
    reunification,
    rounds,
    settling,
    spending,
    threats,
)
from sim.model.substep import SubStep
from sim.model.world import World

Hook = Callable[[World, SubStep], None]

STAGES: Final[tuple[tuple[str, tuple[Hook, ...]], ...]] = (
    (
        "people",  # people are born, die and finish school
        (
            # 20: Let people be born, die and finish school when a calendar month begins.
            demography.renew_people,
            # 30: Let households reunite, take in children and form when a calendar month begins.
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
            # 40: Update how fast newcomers of each status settle, under today's rules.
            settling.update,
            # 50: Update exposure thresholds when prevalence or rights have changed.
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
        "rates",  # the factors of the rates at which households move are set
        (
            # 10: Update severities through the days of the sub-step.
            threats.advance,
            # 20: Set the factors of the rates in this sub-step; pass them to a `look` callback.
            decide.set_conditions,
        ),
    ),
    (
        "decisions",  # households decide, and people on the way travel
        (
            # 10: Ask all households, count answers, let movers depart, and let the stranded go on.
            decide.ask_all,
            # 20: Let admitted applicants set out once their wait is over.
            rounds.send_admitted,
            # 30: Continue journeys; ask people again who can decide again.
            rounds.continue_journeys,
        ),
    ),
    (
        "states",  # states decide about applications, claims and orders
        (
            # 10: Relocate claimants from front-line members to others, up to the pledges kept.
            relocation.relocate,
            # 20: Decide claims, first come, first served, up to each country's capacity.
            asylum.decide_claims,
            # 30: Carry out orders to leave at each country's rate; let old orders lapse.
            removal.execute_returns,
            # 40: Continue journeys; ask people again who can decide again.
            rounds.continue_journeys,
            # 50: Drop the applications of people who moved or died in this sub-step.
            admission.withdraw_movers,
            # 60: Return children to the adults they were taken from, at the rate of the rule.
            reunification.reunify,
            # 70: Give irregular residents a regular status, at each country's rate.
            regularisation.regularise,
            # 80: Naturalise people with a long enough stay, at each country's rate.
            naturalisation.naturalise,
        ),
    ),
    (
        "count",  # people and public spending are counted
        (
            # 10: Redraw the exposure of people who moved to a new place in this sub-step.
            exposure.expose_movers,
            # 20: Take the census at the end of a sub-step.
            census.count,
            # 25: Check that every party on the way has travellers.
            journey.check_parties,
            # 30: Add the insecurity of people exposed at the end of the sub-step.
            threats.count_insecurity,
            # 40: Record the spending of this sub-step.
            spending.spend,
        ),
    ),
)
