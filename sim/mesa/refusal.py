"""Refusals of what Mesa's agents can do and rows of arrays cannot."""

from __future__ import annotations

from typing import Final, NoReturn

PEOPLE: Final = (
    "People are rows of arrays here, and the model's rule moves all of them at once, each by draws "
    "of its own. To look at them use select, get, agg, groupby, map or sort. sim.mesa.twin has the "
    "same rule with an object and a method for each household. "
)
INSTEAD: Final = (
    "To change what happens, change the scenario when the model is made, for instance "
    'MigrationModel("syria", **{"policies.tr_sy.enabled": False}); policies, shocks and '
    "interventions have dates, so that a rule can change in mid-run: policies.tr_sy.start."
)


class NotOnArraysError(AttributeError, NotImplementedError):
    """What Mesa's agents can do and rows of arrays cannot; it says why, and what to do instead."""


def refuse_copy() -> NoReturn:
    """Refuse to copy or pickle a model, or a part of it."""
    raise NotOnArraysError(
        "a MigrationModel can be neither copied nor pickled: some of its arrays are views of "
        "others, and a copy would separate them. The same scenario, changes and seed make the same "
        "model again."
    )


def refuse(what: str, why: str, of: str = PEOPLE) -> NoReturn:
    """Refuse a call, and say what to do instead.

    Args:
        what: what was called.
        why: why it cannot be done, as a sentence.
        of: what more there is to know; by default how people are kept and looked at.

    Raises:
        NotOnArraysError: always.
    """
    raise NotOnArraysError(f"{what}: {why} {of}{INSTEAD}")
