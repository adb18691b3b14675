"""Naturalisation (P15): people with a regular stay become citizens of the country they live in.

A rule of the host country sets the required years of regular stay (`naturalisation_years`) and the
share of eligible people who are naturalised in a year (`naturalisation`). `citizens_of` may limit
it to some nationalities. A household is naturalised together. Refugees count as having a regular
stay. The length of stay of people who live abroad at the start is unknown: it counts as long enough
(our assumption).

From then on the household has the income of citizens, is settled, cannot be ordered to leave, and
no longer counts as foreign for public opinion. Children born to it later are citizens of the new
country too. It still lives abroad: output tables count it by its country of origin, with the status
citizen, and only a move to its place of origin is a return home.

All rules on nationality take it from then on as a citizen of its new country.
`sim/kernels/status.py` has its rate, and what becomes of the household.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sim.core.rng import Draw
from sim.model.columns import CITIZENSHIP, COUNTRY, Column
from sim.model.declare import NONE_COUNTED, Mechanism, Table, dense, nonzero
from sim.schema.key import OURS, Part, key
from sim.schema.types import Share

Years = Annotated[float, Field(strict=True, ge=0, le=100)]


class NaturalisationRule(Part):
    """Keys on naturalisation that a rule of a state may have."""

    naturalisation: Share | None = key(
        None,
        "Share of people with a long enough stay who become citizens in a year.",
        unit="share a year",
        higher="more people become citizens, and then have the income and rights of citizens",
        otherwise=0.0,
        source=OURS,
    )
    naturalisation_years: Years | None = key(
        None,
        "Years of regular stay that people need before they can become citizens.",
        unit="years",
        higher="fewer people become citizens, and later",
        otherwise=5.0,
        source=OURS,
    )


NATURALISATION = Draw("naturalisation", 70)
NATURALISED = dense(
    "naturalised",
    (COUNTRY.named("country", "country of the new citizenship"), CITIZENSHIP),
    "people who were naturalised",
)

MECHANISM = Mechanism(
    "naturalisation",
    "says which people with a regular stay become citizens, and counts them",
    rule_keys=NaturalisationRule,
    counters=(NATURALISED,),
    draws=(NATURALISATION,),
    tables=(
        Table(
            "naturalisations",
            "people who became citizens of the country they live in",
            "first",
            (
                *NATURALISED.axes,
                Column("people", "int", "people", "people who were naturalised"),
            ),
            nonzero(NATURALISED, "people"),
            absent=NONE_COUNTED,
        ),
    ),
)
