"""Rules of states as the lives of households meet them (`sim/kernels/segment.py`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.state import DAYS_A_YEAR, F64
from sim.core.terms import Status
from sim.kernels.segment import Law
from sim.mechanisms.policy import RULES
from sim.model.declare import Hook, Mechanism, State

if TYPE_CHECKING:
    from sim.mechanisms.policy import Rules
    from sim.model.segment import Segment
    from sim.model.world import World

DAYS_A_MONTH = DAYS_A_YEAR / 12


def yearly_rate(share: F64) -> F64:
    """Rate at which a share of people meet an event within a year, per year."""
    return np.asarray(-np.log1p(-np.minimum(share, 0.999999)))


def law_of(rules: Rules) -> Law:
    """Rules that are in force, as kernels read them."""
    courts = np.isfinite(rules.capacity)
    regularisation = yearly_rate(rules.stated("regularisation"))
    naturalisation = yearly_rate(rules.stated("naturalisation"))
    clocks = np.zeros((len(Status), len(courts)), bool)
    clocks[Status.claimant] = ~courts
    clocks[Status.ordered] = True
    clocks[Status.irregular] = regularisation.any(axis=0)
    clocks[Status.regular] = clocks[Status.refugee] = naturalisation.any(axis=0)
    return Law(
        wait=rules.wait * DAYS_A_MONTH,
        limited=np.isfinite(rules.quota),
        open=rules.open,
        courts=courts,
        recognition=rules.recognition,
        false_recognition=rules.false_recognition,
        prima_facie=rules.prima_facie,
        return_to=rules.return_to,
        transfers=rules.transfers,
        responsible=rules.responsible,
        encampment=rules.stated("encampment"),
        removal=yearly_rate(rules.stated("returns")),
        orders_last=rules.stated("orders_last") * DAYS_A_MONTH,
        regularisation=regularisation,
        naturalisation=naturalisation,
        naturalised_after=rules.stated("naturalisation_years") * DAYS_A_YEAR,
        clocks=clocks,
    )


LAW = State("law", lambda world: law_of(RULES.of(world)))


def update(world: World, segment: Segment) -> None:
    """Lay out today's rules for the lives of households."""
    if segment.rules_change:
        LAW.put(world, law_of(RULES.of(world)))


MECHANISM = Mechanism(
    "law",
    "lays out the rules of states for the lives of households",
    states=(LAW,),
    hooks=(Hook("environment", 35, update),),
)
