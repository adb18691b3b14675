"""Exposure of households to threats, by place and anew for each spell (docs/model.md, 3.4)."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from sim.core.parallel import in_pieces
from sim.core.rng import Draw, key_of, mixed_array
from sim.core.same import Same
from sim.core.state import DAYS_A_YEAR, F64, U64, Bool
from sim.core.terms import N_THREATS, Status, Threat
from sim.kernels.living import (
    N_MAKEUPS,
    count_codes,
    exposure_thresholds,
    pack_thresholds,
    update_living,
)
from sim.kernels.segment import Exposing
from sim.mechanisms.livelihood import DUE, MEANS, earned
from sim.mechanisms.policy import RULES
from sim.mechanisms.protection import exposed_odds
from sim.mechanisms.threats import THREATS
from sim.model.declare import Hook, Mechanism, State

if TYPE_CHECKING:
    from sim.model.segment import Segment
    from sim.model.world import Geography, World
    from sim.schema import Scenario

EXPOSED = Draw("exposure", 11)
SPELL = Draw("spell", 12)


class Exposure:
    """Probabilities that households are exposed to the threats of their place.

    Attributes:
        odds: [threat, code] odds multipliers with full protection.
        counts: [place, code] households at the start: prevalence is a share of all of them.
        threshold: [place, code, 2] thresholds in the layout of `pack_thresholds`.
        protection: [country] under which they hold.
        changed: [place] whether thresholds have changed since exposure was last drawn there.
    """

    def __init__(self, world: World) -> None:
        self.odds = vulnerability_odds(world.scenario)
        self.counts = np.zeros((len(world.country), self.odds.shape[1]))
        count_codes(world.households, 0, len(world.households.ident), self.counts)
        self.protection = RULES.of(world).protection.copy()
        self.threshold = self.thresholds(world)
        self.changed = np.ones(len(world.country), bool)

    def thresholds(self, world: World, where: Bool | None = None) -> U64:
        """[place, code, 2] thresholds under today's prevalence and rights.

        Args:
            world: The world.
            where: [place] places whose thresholds are wanted; None: all.
        """
        places = np.arange(len(world.country)) if where is None else np.flatnonzero(where)
        odds = exposed_odds(self.odds, RULES.of(world).protection, world.country[places])
        counts, prevalence = self.counts[places], THREATS.of(world).prevalence[places]
        threshold = np.zeros((*counts.shape, N_THREATS), np.int16)
        exposure_thresholds(prevalence, odds, counts, threshold)
        return np.asarray(pack_thresholds(threshold))


EXPOSURE = State("exposure", Exposure)


def vulnerability_odds(scenario: Scenario) -> F64:
    """[threat, code] odds multipliers of exposure by group, makeup and status.

    A household is as vulnerable as its most vulnerable member; factors of group and status
    multiply this.
    """
    table = scenario.exposure.vulnerability

    def of(name: str, threat: Threat) -> float:
        return table.get(name, {}).get(threat.name, 1.0)  # type: ignore[call-overload,no-any-return]

    groups = ["other"] + [g.id for g in scenario.groups]
    odds = np.ones((N_THREATS, len(groups) * N_MAKEUPS * len(Status)))
    for threat in Threat:
        for g, group in enumerate(groups):
            for bits in range(N_MAKEUPS):
                members = [
                    of(name, threat)
                    for bit, name in ((1, "children"), (2, "women"), (4, "old"))
                    if bits & bit
                ]
                worst = max(members, default=1.0)
                for status in Status:
                    code = (g * N_MAKEUPS + bits) * len(Status) + status
                    odds[threat, code] = of(group, threat) * worst * of(status.name, threat)
    return odds


def update(world: World, segment: Segment) -> None:
    """Update exposure thresholds of places whose prevalence or rights have changed."""
    exposure, protection = EXPOSURE.of(world), RULES.of(world).protection
    where = segment.prevalence_changes | (protection != exposure.protection)[world.country]
    if where.any():
        exposure.threshold[where] = exposure.thresholds(world, where)
        exposure.protection = protection.copy()
        exposure.changed |= where


def phase(world: World, day: int) -> float:
    """Time since the start in epochs, as of the beginning of the calendar month of a day."""
    # As of its beginning, so that a second look in the month finds the same.
    start = max(world.plane(EXPOSED, day).start, 0.0)
    return start / DAYS_A_YEAR / world.scenario.exposure.spell


@lru_cache(maxsize=4)
def salts(seed: int, geography: Same[Geography], epoch: int) -> U64:
    """[place, 2] what sets the draws of a place apart in an epoch, and in the next."""
    epochs = np.array([epoch, epoch + 1], np.uint64)
    salt = mixed_array(geography.it.place_ident[:, None] + epochs) ^ key_of(seed, EXPOSED)
    return mixed_array(salt)


def exposing(world: World) -> Exposing:
    """How the exposure of households to threats is drawn today."""
    now = phase(world, world.day)
    return Exposing(
        threshold=EXPOSURE.of(world).threshold,
        salt=salts(world.seed, Same(world.geography), math.floor(now)),
        spell_key=key_of(world.seed, SPELL),
        phase=now,
        together=np.uint64(round(65536 * world.scenario.exposure.overlap)),
    )


def update_households(world: World) -> None:
    """Update exposure and means of all households, as far as an update is due."""
    due, exposure, households = DUE.of(world), EXPOSURE.of(world), world.households
    if due is None and not exposure.changed.any():
        return
    how, before, changed = exposing(world), phase(world, world.month_began), exposure.changed
    decides, means, fraction = world.geography.decides, MEANS.of(world), 0.0
    if due is not None:
        fraction = 1.0 - math.exp(-due.years / world.scenario.living.recovery)
    incomes = earned(means, THREATS.of(world).severity if due is None else due.severity)

    def update(first: int, last: int) -> None:
        update_living(
            households, first, last, how, before, changed, decides, means, incomes, fraction
        )

    in_pieces(update, len(households.ident), world.threads)
    exposure.changed = np.zeros_like(changed)
    DUE.put(world, None)


MECHANISM = Mechanism(
    "exposure",
    "draws the threats to which each household is exposed",
    states=(EXPOSURE,),
    draws=(EXPOSED, SPELL),
    hooks=(Hook("environment", 50, update),),
)
