"""What happens in a stretch of time, in order.

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
    journey,
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
from sim.model.stretch import Stretch
from sim.model.world import World

Hook = Callable[[World, Stretch], None]

STAGES: Final[tuple[tuple[str, tuple[Hook, ...]], ...]] = (
    (
        "people",  # people are born, die and finish school
        (
            # Let people be born, die and finish school when a calendar month begins.
            demography.renew_people,
        ),
    ),
    (
        "environment",  # threats, rules and tables are updated: what people face, have and know
        (
            # Check whether rules, blocs or governments change today.
            policy.note_changes,
            # Update which threats are prevalent today and, once a month, the strain on host places.
            threats.update,
            # Update public opinion, and hold today's elections.
            politics.update,
            # Put today's rules in force.
            policy.update,
            # Update how fast newcomers of each status settle, under today's rules.
            settling.update,
            # Update exposure thresholds when prevalence or rights have changed.
            exposure.update,
            # Update the parameters of means, and record which update households need.
            livelihood.update,
            # Let people know how many set out in the month before.
            caravans.update,
            # Update what people know about possible destinations.
            choice.update,
        ),
    ),
    (
        "rates",  # the factors of the rates at which households move are set
        (
            # Update severities through the days of the stretch.
            threats.advance,
            # Set the factors of the rates in this stretch; pass them to the `look` callback, if any.
            decide.set_conditions,
        ),
    ),
    (
        "decisions",  # households decide, and people on the way travel
        (
            # Ask all households, count answers, let movers depart, and let the stranded go on.
            decide.ask_all,
            # Let admitted applicants set out once their wait is over.
            rounds.send_admitted,
            # Continue journeys to the end of the stretch; ask people again who can decide again.
            rounds.carry_on,
        ),
    ),
    (
        "states",  # states decide about applications, claims and orders
        (
            # Relocate claimants from front-line members to others, up to the pledges that are kept.
            relocation.relocate,
            # Decide claims, first come, first served, up to each country's capacity.
            asylum.decide_claims,
            # Carry out orders to leave at each country's rate, returning people to their place of origin.
            removal.execute_returns,
            # Continue journeys to the end of the stretch; ask people again who can decide again.
            rounds.carry_on,
            # Drop the applications of people who moved or died in this stretch.
            admission.withdraw_movers,
            # Return children to the adults they were taken from, at the rate that the rule sets.
            reunification.reunify,
            # Give irregular residents a regular status, at each country's rate.
            regularisation.regularise,
            # Naturalise people with a long enough stay, at each country's rate.
            naturalisation.naturalise,
        ),
    ),
    (
        "count",  # people and public spending are counted
        (
            # Redraw the exposure of people who moved to a new place in this stretch.
            exposure.expose_movers,
            # Take the census at the end of a stretch.
            census.count,
            # Check that every party on the way has travellers.
            journey.check_parties,
            # Add the insecurity of people exposed at the end of the stretch.
            threats.count_insecurity,
            # Record the spending of this stretch.
            spending.spend,
        ),
    ),
)
