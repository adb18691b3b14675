"""Who decides to move, and where to."""

from typing import Annotated, Any

from pydantic import Field

from sim.schema.key import OURS, Part, key, part, rows_of, same
from sim.schema.types import (
    Coefficient,
    CountryId,
    Flag,
    Id,
    Positive,
    RegionId,
    Share,
    ThreatName,
    Weight,
)

OWN_FIT = "own fit 1995-2009; signs as Ortega & Peri (2013)"
NETWORK_FIT = "own fit 1995-2009; range as Beine, Docquier & Özden (2011)"
CITIZEN_FIT = (
    "our assumption: set towards the world's two displaced at home for each refugee (38.2 and "
    "19.5 M, UNHCR, Global Trends 2014)"
)
LOG_UNIT = "utility per log unit"
Network = Annotated[float, Field(strict=True, ge=0, le=50)]
LookAhead = Annotated[float, Field(strict=True, ge=0, le=0.95)]


class Tastes(Part):
    """What makes one destination better than another, for people with one motive.

    A destination's utility is the sum of these terms; a difference of 0.1 changes the odds of
    choosing it by about a tenth.
    """

    income: Coefficient = key(
        ...,
        "Weight of the income expected at a destination (its logarithm).",
        unit=LOG_UNIT,
        higher="richer destinations draw more of the movers",
        source=OWN_FIT,
        symbol="b_inc",
    )
    size: Coefficient = key(
        ...,
        "Weight of a destination country's number of people (its logarithm).",
        unit=LOG_UNIT,
        higher="larger countries draw more of the movers",
        source=OWN_FIT,
        symbol="b_size",
    )
    network: Network = key(
        ...,
        "Weight of the number of compatriots who already live in a country (its logarithm). It "
        "has to stay below 1, or the largest diaspora would swallow all others.",
        unit=LOG_UNIT,
        higher="people follow their compatriots more",
        source=NETWORK_FIT,
        symbol="b_net",
    )
    distance: Coefficient = key(
        ...,
        "Weight of the kilometres to a destination (their logarithm); usually negative.",
        unit=LOG_UNIT,
        higher="people go farther (at 0 distance does not matter)",
        source=OWN_FIT,
        symbol="b_dist",
    )
    contiguous: Coefficient = key(
        ...,
        "Added where a destination lies in the same or a neighbouring country.",
        unit="utility",
        higher="more of the movers stay near",
        source=OWN_FIT,
        symbol="b_cont",
    )
    language: Coefficient = key(
        ...,
        "Added where a destination shares a language with the origin.",
        unit="utility",
        higher="more of the movers go where their language is spoken",
        source=OWN_FIT,
        symbol="b_lang",
    )
    colony: Coefficient = key(
        ...,
        "Added between a country and one that it once ruled.",
        unit="utility",
        higher="more of the movers follow old colonial ties",
        source=OWN_FIT,
        symbol="b_colony",
    )
    democracy: Coefficient = key(
        ...,
        "Weight of a destination country's liberal democracy index.",
        unit="utility per unit of the index",
        higher="democracies draw more of the movers",
        source=OWN_FIT,
        symbol="b_dem",
    )
    citizen: Coefficient = key(
        ...,
        "Added for destinations in people's own country, where nobody is a foreigner.",
        unit="utility",
        higher="more of the movers stay in their own country, or go back to it",
        source=CITIZEN_FIT,
    )
    threats: Weight = key(
        ...,
        "Weight of the dangers expected at a destination, each counted by `threat_weight`.",
        unit="utility per unit of severity x prevalence",
        higher="insecure destinations draw fewer of the movers",
        source=OURS,
        symbol="b_dest",
    )
    waiting: Weight = key(
        ...,
        "How much people mind a month of delay before they may enter, or on the way.",
        unit="utility per month",
        higher="slow channels and long ways draw fewer of the movers",
        source=OURS,
        symbol="b_wait",
    )
    look_ahead: LookAhead = key(
        ...,
        "Weight of what people could do next from a destination, the way back included. Only "
        "`decision.livelihood` reads it: if flight used it, a war would lower flight itself "
        "by devaluing the way back.",
        unit="share",
        higher="places from which one can go on, or safely home, draw more of the movers",
        source="our assumption, to be fitted (Massey et al.)",
    )
    pioneer: Coefficient = key(
        ...,
        "Added where one adult goes ahead of the household.",
        unit="utility",
        higher="more adults go ahead, and fewer whole households move",
        source=OURS,
    )
    child: Coefficient = key(
        ...,
        "Added where one child of 12 to 17 goes ahead of the household.",
        unit="utility",
        higher="more children travel alone",
        source=OURS,
    )


class Livelihood(Tastes):
    """Tastes of those who go to live better."""

    income: Coefficient = same(Tastes, "income", 0.43)
    size: Coefficient = same(Tastes, "size", 0.41)
    network: Network = same(Tastes, "network", 0.36)
    distance: Coefficient = same(Tastes, "distance", -0.42)
    contiguous: Coefficient = same(Tastes, "contiguous", 0.29)
    language: Coefficient = same(Tastes, "language", 0.10)
    colony: Coefficient = same(Tastes, "colony", 0.63)
    democracy: Coefficient = same(Tastes, "democracy", 0.0)
    citizen: Coefficient = same(Tastes, "citizen", 0.0, source=OURS)
    threats: Weight = same(Tastes, "threats", 0.0)
    waiting: Weight = same(Tastes, "waiting", 0.02)
    look_ahead: LookAhead = same(Tastes, "look_ahead", 0.8)
    pioneer: Coefficient = same(Tastes, "pioneer", 0.2)
    child: Coefficient = same(Tastes, "child", -1.2)


class Flight(Tastes):
    """Tastes of those who go to be safe."""

    income: Coefficient = same(Tastes, "income", 0.19)
    size: Coefficient = same(Tastes, "size", 0.36)
    network: Network = same(Tastes, "network", 0.32)
    distance: Coefficient = same(Tastes, "distance", -0.39)
    contiguous: Coefficient = same(Tastes, "contiguous", 1.30)
    language: Coefficient = same(Tastes, "language", 0.44)
    colony: Coefficient = same(Tastes, "colony", 0.0)
    democracy: Coefficient = same(Tastes, "democracy", 1.5)
    citizen: Coefficient = same(Tastes, "citizen", 3.0)
    threats: Weight = same(
        Tastes, "threats", 0.0, source="our assumption; 1.2 where there is no democracy term"
    )
    waiting: Weight = same(Tastes, "waiting", 0.2)
    look_ahead: LookAhead = same(Tastes, "look_ahead", 0.0)
    pioneer: Coefficient = same(Tastes, "pioneer", -0.4)
    child: Coefficient = same(Tastes, "child", -1.2)


class TasteClass(Part):
    """A class of households with the same aversion to dangers on the way."""

    id: Id = key(..., "Word by which overrides and messages name the class.")
    share: Share = key(
        ...,
        "Part of all households that belong to the class; all classes add up to 1.",
        unit="share",
        higher="more households are of this kind",
    )
    risk: Weight = key(
        1.0,
        "Factor on `decision.risk` for these households.",
        unit="factor",
        higher="they avoid dangerous ways more",
        source=OURS,
    )


def _two_classes() -> Any:
    return (
        {"id": "cautious", "share": 0.5, "risk": 1.3},
        {"id": "bold", "share": 0.5, "risk": 0.7},
    )


class Prior(Part):
    """What people think of countries of which they know nothing, instead of the mean of others."""

    at: tuple[RegionId, ...] = key(..., "Ids of places or countries whose people think so.")
    about: tuple[CountryId, ...] = key(
        ...,
        "Ids of countries that they think it of; their own they know. Of two entries on the same "
        "country the later one holds.",
    )
    livelihood: Coefficient | None = key(
        None,
        "Value that those who go to live better expect there: b_inc ln(income (1 - unemployment) "
        "/ reference income) + b_dem democracy, with the weights of `decision.livelihood`.",
        unit="utility",
        higher="more of them go there without knowing it",
        left_out="the mean of what people at `at` know of other countries",
    )
    flight: Coefficient | None = key(
        None,
        "Value that those who go to be safe expect there: b_inc ln(income (1 - unemployment) / "
        "reference income) + b_dem democracy, with the weights of `decision.flight`.",
        unit="utility",
        higher="more of them go there without knowing it",
        left_out="the mean of what people at `at` know of other countries",
    )


def _per_threat(want: float, fear: float) -> dict[ThreatName, float]:
    return {
        "economic": want, "food": want, "health": want, "environmental": want,
        "personal": fear, "community": fear, "political": fear,
    }  # fmt: skip


class Decision(Part):
    """Parameters of who decides to move, and where (model, section 3.4)."""

    baseline_rate: Annotated[float, Field(strict=True, gt=0, le=1)] = key(
        0.0025,
        "How often the people of interest move abroad to live better, at the levels of the start "
        "of the scenario. The base rate is solved so that this comes out.",
        unit="moves per household per year",
        higher="more moves to live better",
        source="1.1-1.3 % of people in five years (Azose & Raftery 2019)",
    )
    least_diaspora: Positive = key(
        1000.0,
        "People added to those from home who live in a country, wherever one might go: a country "
        "without any is not out of the question then.",
        unit="persons",
        higher="networks make less of a difference between countries with few people from home",
        source=OURS,
    )
    base_livelihood: Positive | None = key(
        None,
        "Scale of the rate of moves to live better.",
        unit="moves per household per year, all else being neutral",
        higher="more moves to live better",
        left_out="solved once for the scenario without changes, so that `baseline_rate` comes out",
        symbol="base_L",
    )
    base_flight: Annotated[float, Field(strict=True, ge=0, le=10)] = key(
        8e-5,
        "Scale of the rate of moves to be safe; it is multiplied by exp(fear) - 1.",
        unit="moves per household per year",
        higher="more flight from the same fear; at 0 nobody flees",
        source="fit to world forced outflow 1995-2009",
        symbol="base_F",
    )
    flight_norm: Positive | None = key(
        None,
        "Mean value of all options abroad to people of interest who flee, by which the rate of "
        "flight is divided.",
        unit="value of options",
        higher="less flight from the same fear",
        left_out="solved once for the scenario without changes, with `base_livelihood`",
    )
    threat_weight: dict[ThreatName, Weight] = key(
        _per_threat(0.5, 4),
        "By threat: how strongly what a household feels of it, beyond what is tolerable, raises "
        "the rate of moving. What is given changes the default threat by threat.",
        unit="log rate per unit of severity",
        higher="the same threat drives more people away",
        source=f"want {OURS}; fear: fit to world forced outflow 1995-2009 (3.5-5)",
        symbol="b_k",
    )
    tolerable: dict[ThreatName, Share] = key(
        _per_threat(0.1, 0.1),
        "By threat: severity that people put up with. Only what is felt beyond it makes them "
        "move. What is given changes the default threat by threat.",
        unit="severity, 0 to 1",
        higher="people put up with more before they move",
        source=OURS,
        symbol="tol_k",
    )
    livelihood: Livelihood = part(
        "What makes a destination better for those who go to live better."
    )
    flight: Flight = part("What makes a destination better for those who go to be safe.")
    classes: tuple[TasteClass, ...] = rows_of(
        _two_classes,
        "Kinds of households, which avoid dangers on the way more or less. The default "
        "is one half cautious and one half bold.",
        source=OURS,
    )
    nest: Annotated[float, Field(strict=True, ge=0.05, le=1)] = key(
        0.3,
        "How far channels and companions to one destination count as different things. At 1 they "
        "differ as much as two destinations do; near 0 they are mere variants, of which the best "
        "decides.",
        unit="scale from 0 to 1",
        higher="a destination gains more from having several channels, and those who lose one "
        "change to another destination more often than to another channel",
        source="our assumption; to be fitted to deflection",
        symbol="mu",
    )
    inclusive_value: Annotated[float, Field(strict=True, gt=0, le=1)] = key(
        0.5,
        "How strongly the number of people who move responds to how good all their options are "
        "together. Near 0 it hardly does, at 1 it does so in proportion.",
        unit="elasticity",
        higher="better options raise emigration more, and barriers lower it more",
        source=OURS,
        symbol="lam",
        formerly="inclusive",
    )
    home_income: Weight = key(
        0.43,
        "How strongly income where people live keeps them from moving to live better (its "
        "logarithm).",
        unit="log rate per log unit",
        higher="rich places lose fewer people, poor places more",
        source=f"as `income`: {OWN_FIT}",
        symbol="b_home",
        formerly="home",
    )
    reference_income: Positive = key(
        10_000.0,
        "Income that all others are compared with. It is a unit of measurement, whose choice "
        "`base_livelihood` makes up for.",
        unit="money per person per year",
        higher="nothing, unless `prior` or `base_livelihood` is stated",
        source="a unit",
        symbol="y_ref",
    )
    home_attachment: Coefficient = key(
        1.0,
        "How strongly people are attached to the place they come from. It lowers the rate of "
        "leaving it to live better, and makes going back more attractive.",
        unit="log rate; utility",
        higher="fewer people leave home to live better, and more come back",
        source=OURS,
        formerly="tie",
    )
    place_attachment: Weight = key(
        4.5,
        "How strongly people who have settled somewhere are attached to that place, home or not. "
        "It lowers the rate of leaving it to live better; newcomers feel it as they settle.",
        unit="log rate",
        higher="settled people move less than newcomers do",
        source="set so that of new immigrants a fifth to a half leave again within five years "
        "(Dumont & Spielvogel 2008): 14 to 40 % by host in the Syrian case",
        formerly="attachment",
    )
    voice: Weight = key(
        0.5,
        "How much more want drives people away where they have no say in politics.",
        unit="share",
        higher="want drives more people out of countries where `voice` is low",
        source=OURS,
        symbol="b_voice",
    )
    admission: Weight = key(
        0.26,
        "How much people mind a poor chance to be let in (its logarithm).",
        unit=LOG_UNIT,
        higher="quotas and low recognition deter more people",
        source="so that a visa requirement costs 45 % of a flow (Bertoli & Moraga 2015)",
        symbol="b_adm",
    )
    chance_floor: Annotated[float, Field(strict=True, gt=0, le=1)] = key(
        0.01,
        "Smallest chance of admission that people reckon with; that of irregular entry.",
        unit="share",
        higher="irregular entry and hopeless channels deter less",
        source=OURS,
        symbol="floor",
    )
    risk: Weight = key(
        10.0,
        "How much people mind the dangers of the way, for each unit of the probability of death.",
        unit="utility per death",
        higher="people avoid dangerous ways more, and fewer set out where there are no others",
        source=OURS,
        symbol="b_risk",
    )
    interception: Weight = key(
        2.0,
        "How much people mind the risk of being stopped at a border.",
        unit="utility per log unit of the probability to get through",
        higher="enforcement deters more people and diverts them to other ways",
        source=OURS,
        symbol="b_int",
    )
    transit_threat: Weight = key(
        2.0,
        "How much people mind passing through a place that is not safe, by severity x prevalence "
        "of its personal threat.",
        unit="utility per unit of severity x prevalence",
        higher="people avoid ways through a war more",
        source=OURS,
        formerly="passage",
    )
    fatigue: Annotated[float, Field(strict=True, gt=0, le=20)] = key(
        0.4,
        "How much people mind every leg of a journey beyond the fewest possible.",
        unit="utility per leg",
        higher="fewer detours",
        source=OURS,
    )
    route_scale: Annotated[float, Field(strict=True, gt=0, le=5)] = key(
        0.2,
        "How far chance and what the model does not know decide between ways and route options.",
        unit="utility",
        higher="people spread over more ways, and differences between these matter less",
        source=OURS,
    )
    cost: Weight = key(
        0.5,
        "How much people mind prices and fees, compared with the means of the people of interest.",
        unit=LOG_UNIT,
        higher="expensive ways and channels draw fewer people, even of those who can pay",
        source=OURS,
        symbol="b_cost",
    )
    surge: Weight = key(
        1.0,
        "How much people hurry before an announced rule begins: part of what an option will lose "
        "by the rule (at most ln 3) that it gains until then.",
        unit="share",
        higher="a larger surge before the deadline; at 0 nobody hurries",
        source=OURS,
        symbol="phi",
        formerly="rush",
    )
    look_ahead_floor: Annotated[float, Field(strict=True, gt=0, le=1)] = key(
        0.001,
        "Least value that people give to what they could do next from a destination.",
        unit="value of options",
        higher="dead ends put people off less",
        source=OURS,
        symbol="floor",
    )
    information: Annotated[float, Field(strict=True, ge=0, le=1e6)] = key(
        1000.0,
        "How much a diaspora tells those at home: where D of N people live in a country, the part "
        "1 - exp(-information x D / N) of its true value is known.",
        unit="per share of the people abroad",
        higher="a small diaspora is enough for people to know a country",
        source="our assumption: with one in a thousand abroad, 63 % is known",
        symbol="k",
    )
    prior: tuple[Prior, ...] = key(
        (),
        "What people think of countries that they do not know; campaigns add to it. Empty: the "
        "mean of what people of the same origin know of others.",
        source=OURS,
    )
    pause: Annotated[float, Field(strict=True, gt=0, le=100)] = key(
        3.0,
        "Time over which reluctance to move again fades after a move.",
        unit="years",
        higher="people who have just moved stay put longer",
        source=OURS,
        formerly="rest",
    )
    pause_depth: Share = key(
        0.8,
        "Part by which a move just made lowers the rate of moving again to live better.",
        unit="share",
        higher="fewer people move again soon",
        source=OURS,
        formerly="rest_depth",
    )
    pause_returned: Flag = key(
        True,
        "Whether people who were turned back or returned home by force are also reluctant to move "
        "again. If not, the attempt has no effect later but its cost.",
        source=OURS,
        formerly="rest_returned",
    )
