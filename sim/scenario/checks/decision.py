"""Decisions: prior beliefs, and shares that add up to one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sim.scenario.checks.checker import NEAR, Checker
from sim.scenario.document import Path


def check_priors(ck: Checker) -> None:
    """Priors without people, without countries, or without a value."""
    for i, prior in enumerate(ck.scenario.decision.prior):
        path: Path = ("decision", "prior", i)
        for key in ("at", "about"):
            if not getattr(prior, key) and ck.whole(path, key):
                ck.add((*path, key), "{} is empty", "name countries (`at`: or places)")
        if prior.livelihood is None and prior.flight is None and ck.whole(path):
            ck.add(path, "{} changes nothing", "state livelihood, flight or both")


def check_shares(ck: Checker) -> None:
    """Shares that must add up to one."""
    s = ck.scenario
    profiles: list[tuple[Path, Any]] = [(("population", "profile"), s.population.profile)]
    profiles += [
        (("countries", i, "profile"), it.profile) for i, it in enumerate(s.countries) if it.profile
    ]
    for path, profile in profiles:
        _sum_to_one(ck, (*path, "education"), profile.education)
        if profile.under_15 + profile.over_65 > 1 + NEAR:
            total = profile.under_15 + profile.over_65
            ck.add((*path, "over_65"), f"{{}} and under_15 add up to {total:g}, more than 1")
    if ck.intact("decision"):
        _sum_to_one(ck, ("decision", "classes"), [it.share for it in s.decision.classes])
        for hazard in ("livelihood", "flight"):
            network = getattr(s.decision, hazard).network
            if network >= 1:
                ck.add(
                    ("decision", hazard, "network"),
                    f"{{}} = {network:g} must be below 1",
                    "at 1 or more the largest diaspora grows until it swallows every other",
                )


def _sum_to_one(ck: Checker, path: Path, shares: Sequence[float]) -> None:
    total = sum(shares)
    if abs(total - 1) > NEAR:
        ck.add(path, f"{{}}: shares add up to {total:g}, not to 1")
