"""Names of the output tables.

Written by `python -m sim.engine.declarations`: do not edit.
"""

from typing import Final, Literal

TableName = Literal[
    "claims",
    "queues",
    "journeys",
    "stocks",
    "blocked",
    "account",
    "answers",
    "at_risk",
    "attribution",
    "vital",
    "flows",
    "harms",
    "interceptions",
    "paths",
    "persons",
    "households",
    "crossings",
    "prices",
    "naturalisations",
    "opinion",
    "spending",
    "threats",
    "insecurity",
    "years",
]
KEPT: Final[tuple[TableName, ...]] = (
    "claims",
    "queues",
    "journeys",
    "stocks",
    "blocked",
    "account",
    "answers",
    "at_risk",
    "attribution",
    "vital",
    "flows",
    "harms",
    "interceptions",
    "paths",
    "households",
    "crossings",
    "prices",
    "naturalisations",
    "opinion",
    "spending",
    "threats",
    "insecurity",
    "years",
)
"""Tables that are kept if the scenario does not choose."""
