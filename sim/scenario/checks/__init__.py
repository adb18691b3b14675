"""Checks of a scenario with a valid form: ids, dates, sums, and parts that contradict.

Every check reads the validated but unresolved scenario and points into the file's tree. The files
follow the sections of `sim/schema`, but for ids and dates, which are in all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sim.mechanisms.registry import MECHANISMS
from sim.scenario.checks.blocs import check_blocs
from sim.scenario.checks.checker import Checker, Known
from sim.scenario.checks.corridors import check_corridors
from sim.scenario.checks.dates import check_dates
from sim.scenario.checks.decision import check_priors, check_shares
from sim.scenario.checks.ids import (
    check_duplicates,
    check_name,
    check_references,
    check_sources,
    check_vulnerability,
)
from sim.scenario.checks.interventions import check_interventions
from sim.scenario.checks.policies import check_policies
from sim.scenario.checks.threats import check_coupling, check_indicators
from sim.scenario.checks.world import (
    check_groups,
    check_places,
    check_sizes,
    check_stocks,
    check_thousands,
)
from sim.scenario.whole import Scenario
from sim.scenario.wording import Tree
from sim.schema.errors import Problem

__all__ = ["Known", "check"]


def check_mechanisms(checker: Checker) -> None:
    """Report what mechanisms find wrong in keys of their own."""
    for mechanism in MECHANISMS:
        if mechanism.checks is not None:
            for fault in mechanism.checks(checker.scenario):
                checker.add(*fault)


RULES: Final[tuple[Callable[[Checker], None], ...]] = (
    check_duplicates, check_references, check_vulnerability, check_indicators, check_sources,
    check_dates, check_groups, check_places, check_stocks, check_sizes, check_corridors,
    check_policies, check_blocs, check_interventions, check_priors, check_shares, check_coupling,
    check_name, check_thousands, check_mechanisms,
)  # fmt: skip
"""The checks, in the order in which they are made."""


def check(scenario: Scenario, tree: Tree, known: Known) -> list[Problem]:
    """Find everything that is wrong in a scenario that the schema accepts.

    Args:
        scenario: validated, unresolved.
        tree: the nodes it was made from.
        known: what the file declares, and what was taken out of it.

    Returns:
        The problems, in no order.
    """
    checker = Checker(scenario, tree, known)
    for rule in RULES:
        rule(checker)
    return checker.problems
