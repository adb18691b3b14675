"""Harms on the way and in countries, as they happen and as they are to be expected."""

from __future__ import annotations

from typing import NamedTuple

from sim.core.jit import event, inner
from sim.core.state import I64, MICRO


class Harmed(NamedTuple):
    """Harms that happened, and harms to be expected.

    Axes: where (corridors, then countries), citizenship, `Harm`.
    """

    people: I64
    """People who were harmed."""
    expected: I64
    """People to be expected: at every draw, its probability times the people whom it is about.

    In 1 / MICRO: sums of integers do not depend on the order of rows."""
    rows: I64
    """Persons whom draws were about that could harm them: `expected` rests on so many."""


@inner
def in_country(harmed, country):
    """Where harms of a country are counted that happen on no corridor."""
    return harmed.people.shape[0] - harmed.people.shape[1] + country


@event
def expect_harm(harmed, where, own, harm, n, w, probability):
    """Add what is to be expected of a draw, given everything that has been drawn before.

    Args:
        own: Country of citizenship.
        n: Persons whom the draw is about.
        w: People that each represents.
        probability: That a person is harmed.
    """
    if probability > 0.0:
        harmed.expected[where, own, harm] += int(w * n * probability * MICRO + 0.5)
        harmed.rows[where, own, harm] += n


@event
def harm_party(harmed, where, own, harm, n, w, probability, u):
    """Count a harm to a whole party or to nobody in it, as expected and as it happens.

    Args:
        own, n, w, probability: As in `expect_harm`.
        u: The draw, from 0 to 1.

    Returns:
        Whether it happens.
    """
    expect_harm(harmed, where, own, harm, n, w, probability)
    if u >= probability:
        return False
    harmed.people[where, own, harm] += w * n
    return True
