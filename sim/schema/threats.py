"""Threats to human security: levels, indicators, shocks, and whom they reach."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from sim.schema.key import OURS, Part, key
from sim.schema.types import (
    Date,
    Flag,
    Id,
    LastDay,
    Positive,
    Reading,
    RegionId,
    Share,
    ThreatName,
    Words,
)

ODDS = Annotated[float, Field(strict=True, gt=0, le=100)]


class Level(Part):
    """One threat at one place."""

    severity: Share = key(
        ...,
        "How bad the threat is for those whom it reaches: 0 not at all, 1 the worst there is.",
        unit="severity, 0 to 1",
        higher="those whom the threat reaches feel it more, and more of them leave",
    )
    prevalence: Share = key(
        1.0,
        "Part of the people whom the threat reaches.",
        unit="share",
        higher="more households feel the threat",
        source=OURS,
    )
    by_state: Flag = key(
        False,
        "Whether the state itself is the threat, so that people cannot flee from it within their "
        "own country.",
    )


def _expand_level(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return {"severity": value}
    if isinstance(value, list):
        if len(value) != 2:
            raise ValueError("takes a severity, or [severity, prevalence]")
        return {"severity": value[0], "prevalence": value[1]}
    return value


TerseLevel = Annotated[
    Level,
    BeforeValidator(_expand_level, json_schema_input_type=Share | tuple[Share, Share] | Level),
]
Levels = dict[ThreatName, TerseLevel]


class Indicator(Part):
    """An observed indicator, and how it maps to the severity or prevalence of a threat.

    Between `zero` and `one` the mapping is linear, or linear in the logarithm; beyond them it stays
    at 0 and 1. Of several indicators of the same thing at a place the gravest counts (our
    assumption). What `threats` states for a country or place overrides an indicator.
    """

    id: Id = key(..., "Word by which overrides and messages name this entry.")
    threat: ThreatName = key(..., "Which of the seven threats it measures.")
    sets: Literal["severity", "prevalence"] = key(
        "severity", "Which of the threat's two numbers the observed values are turned into."
    )
    transform: Literal["linear", "log"] = key(
        "linear", "Whether values count as they are, or by their logarithm (then all above 0)."
    )
    zero: Reading = key(
        ...,
        "Observed value that means no threat; it may lie above `one`.",
        unit="as observed",
        higher="where it lies below `one`: the same values mean less of the threat",
    )
    one: Reading = key(
        ...,
        "Observed value that means the full threat.",
        unit="as observed",
        higher="where it lies above `zero`: the same values mean less of the threat",
    )
    values: dict[RegionId, Reading] = key(
        ...,
        "What was observed, by country or place id; a place overrides its country.",
        unit="as observed",
        higher="more of the threat, where `one` lies above `zero`; otherwise less",
    )
    source: Words = key((), "Ids of the references that these values come from, or `assumption`.")


class Shock(Part):
    """A dated disruption of one threat at some places."""

    id: Id = key(..., "Word by which overrides and messages name this event.")
    at: tuple[RegionId, ...] = key(..., "Ids of places or countries that it strikes.")
    threat: ThreatName = key(..., "Which of the seven threats it raises.")
    start: Date = key(..., "First day on which it is felt.")
    rise: Annotated[float, Field(strict=True, ge=0, le=600)] = key(
        1.0,
        "Time from the first day to the worst.",
        unit="months",
        higher="it builds up more slowly",
        source=OURS,
    )
    peak: Share = key(
        ...,
        "Severity that it adds at its worst.",
        unit="severity, 0 to 1",
        higher="a worse disruption, from which more people flee or move away",
    )
    end: LastDay | None = key(
        None,
        "Last day before it begins to fade; a month means its last day.",
        left_out="it fades as soon as it has peaked",
    )
    half_life: Annotated[float, Field(strict=True, gt=0, le=1200)] = key(
        12.0,
        "Time in which the added severity halves, once it fades.",
        unit="months",
        higher="it lingers longer",
        source=OURS,
    )
    prevalence: Share | None = key(
        None,
        "Part of the people whom the threat reaches while the shock is in force, if that is more "
        "than before.",
        unit="share",
        higher="it reaches more households",
        left_out="it reaches those whom the threat reached before",
    )
    by_state: Flag = key(
        False,
        "Whether the state itself is the perpetrator, so that people cannot flee within their own "
        "country while it lasts.",
    )
    enabled: Flag = key(True, "False switches it off. This alone changes no random draws.")
    source: Words = key((), "Ids of the references that these figures come from, or `assumption`.")


class Exposure(Part):
    """Whom a threat reaches, and how threats feed one another (model, section 3.4)."""

    spell: Annotated[float, Field(strict=True, ge=0.001, le=1e15)] = key(
        5.0,
        "Time after which chance decides again whom a threat reaches.",
        unit="years",
        higher="the same households stay exposed longer, and others stay unaffected longer",
        source=OURS,
    )
    overlap: Share = key(
        0.5,
        "Probability that the threats of fear (personal, community, political) reach a household "
        "by one common draw instead of one each; likewise the four threats of want.",
        unit="share",
        higher="misfortunes fall on the same households, and more households are reached by none",
        source=OURS,
        symbol="rho",
        formerly="together",
    )
    relaxation: Positive = key(
        0.25,
        "Time that the severity at a place takes to approach what causes it now.",
        unit="years",
        higher="severity follows shocks and crowding more slowly",
        source=OURS,
    )
    coupling: dict[ThreatName, dict[ThreatName, Share]] = key(
        {
            "environmental": {"food": 0.3},
            "food": {"economic": 0.2, "health": 0.1},
            "economic": {"personal": 0.05},
            "personal": {"economic": 0.2, "food": 0.1, "health": 0.15},
        },
        "From a threat to others: severity that a rise of 1 in the first adds to the second. "
        "What is given changes the default entry by entry; `{}` means none at all.",
        unit="severity per unit of severity",
        higher="a crisis of the first threat spreads more to the second",
        source=OURS,
        symbol="C",
    )
    crowding: dict[ThreatName, Share] = key(
        {"economic": 0.15, "food": 0.1, "health": 0.1, "community": 0.1},
        "By threat: severity added where newcomers strain a place to the full. What is given "
        "changes the default entry by entry; `{}` means none at all.",
        unit="severity, 0 to 1",
        higher="newcomers beyond a place's capacity worsen that threat more",
        source=OURS,
    )
    vulnerability: dict[str, dict[ThreatName, ODDS]] = key(
        {
            "women": {"personal": 1.3},
            "children": {"food": 1.3, "health": 1.5},
            "old": {"health": 1.5},
            "displaced": {"economic": 1.5, "health": 1.2},
            "refugee": {"economic": 1.3},
            "claimant": {"economic": 1.5},
            "irregular": {"economic": 2.0, "personal": 1.5, "political": 1.5},
            "ordered": {"economic": 2.0, "personal": 1.5, "political": 2.0},
        },
        "Factors on the odds that a threat reaches a household, by women, children, old, a legal "
        "status, or a group id, then by threat. What is given changes the default entry by "
        "entry; `{}` means none at all.",
        unit="odds ratio",
        higher="that threat reaches such households more often, and the others of the place less",
        source=OURS,
    )
