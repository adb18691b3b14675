"""All mechanisms.

Written by `python -m sim.engine.declarations`: do not edit.
"""

from __future__ import annotations

from typing import Final

from sim.mechanisms import (
    admission,
    asylum,
    attempts,
    camps,
    caravans,
    census,
    choice,
    custody,
    decide,
    demography,
    expected,
    exposure,
    flows,
    harms,
    history,
    households,
    journey,
    knowledge,
    livelihood,
    naturalisation,
    policy,
    politics,
    populate,
    regularisation,
    relocation,
    removal,
    reunification,
    rounds,
    settling,
    spending,
    threats,
)
from sim.model.declare import Mechanism

MECHANISMS: Final[tuple[Mechanism, ...]] = (
    admission.MECHANISM,
    asylum.MECHANISM,
    attempts.MECHANISM,
    camps.MECHANISM,
    caravans.MECHANISM,
    census.MECHANISM,
    choice.MECHANISM,
    custody.MECHANISM,
    decide.MECHANISM,
    demography.MECHANISM,
    expected.MECHANISM,
    exposure.MECHANISM,
    flows.MECHANISM,
    harms.MECHANISM,
    history.MECHANISM,
    households.MECHANISM,
    journey.MECHANISM,
    knowledge.MECHANISM,
    livelihood.MECHANISM,
    naturalisation.MECHANISM,
    policy.MECHANISM,
    politics.MECHANISM,
    populate.MECHANISM,
    regularisation.MECHANISM,
    relocation.MECHANISM,
    removal.MECHANISM,
    reunification.MECHANISM,
    rounds.MECHANISM,
    settling.MECHANISM,
    spending.MECHANISM,
    threats.MECHANISM,
)
