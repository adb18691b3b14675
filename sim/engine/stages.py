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
            # Let people die, be born and finish school when a calendar month begins.
            demography.renew_people,
        ),
    ),
    (
        "environment",  # what the world is like, what people have, know and want
        (
            # See whether rules, blocs or governments change today.
            policy.note_changes,
            # Let threats reach whom they reach today; once a month, see how strained hosts are.
            threats.update,
            # Bring opinion up to date, and let those vote who elect a government today.
            politics.update,
            # Put today's rules in force.
            policy.update,
            # Let today's rules say how fast each status settles where.
            settling.update,
            # Bring thresholds up to date where prevalence or rights have changed.
            exposure.update,
            # Bring what sets means up to date, and note what households have to live through.
            livelihood.update,
            # Let people know who set out in the month before.
            caravans.update,
            # Bring up to date what people see of the places that they could go to.
            choice.update,
        ),
    ),
    (
        "rates",  # what households live under in these days
        (
            # Move severities through the days of the stretch.
            threats.advance,
            # Find what sets the rates of households in this stretch; show it to who looks.
            decide.set_conditions,
        ),
    ),
    (
        "decisions",  # what each household decides, and what becomes of those on the way
        (
            # Ask all households, count answers, and send movers off; let the stranded go on.
            decide.ask_all,
            # Send off those whose wait for a regular channel is over.
            rounds.send_admitted,
            # Let journeys go on to the end of the stretch, and ask again who can be asked again.
            rounds.carry_on,
        ),
    ),
    (
        "states",  # what states decide about applications, claims and orders
        (
            # Relocate claimants from front-line members to others, as far as promised and kept.
            relocation.relocate,
            # Decide claims first come, first served, as far as each country's capacity goes.
            asylum.decide_claims,
            # Carry out return orders at each country's rate; those returned are back at home.
            removal.execute_returns,
            # Let journeys go on to the end of the stretch, and ask again who can be asked again.
            rounds.carry_on,
            # Drop the applications of those who have moved or died in this stretch.
            admission.withdraw_movers,
            # Bring children back to the adults they were taken from, at the rate of the rule.
            reunification.reunify,
            # Give people in an irregular stay a regular one, at each country's rate.
            regularisation.regularise,
            # Make citizens of those who have stayed long enough, at each country's rate.
            naturalisation.naturalise,
        ),
    ),
    (
        "count",  # who is where, and what it cost
        (
            # Draw anew for those who have come to live elsewhere in this stretch.
            exposure.expose_movers,
            # Take the census at the end of a stretch.
            census.count,
            # Check that every party on the way has travellers.
            journey.check_parties,
            # Add what those felt who are exposed at the end of the stretch.
            threats.count_insecurity,
            # Book what was spent in this stretch.
            spending.spend,
        ),
    ),
)
