"""What a scenario file may say, as one frozen pydantic model.

`Scenario` is both the schema (terse forms accepted, see the `_expand` validators) and, once the
resolver has filled what depends on other parts of the file, the *resolved* scenario: complete and
explicit, the only thing that the engine reads. Every field gives unit, range, default and source
("our assumption" where nobody measured it).
"""

import ast
import re
from calendar import monthrange
from datetime import date
from inspect import cleandoc
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema


def refuse_bool(value: Any) -> Any:
    """Keep true and false from being read as 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("must be a whole number")
    return value


Id = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=64)]
Share = Annotated[float, Field(strict=True, ge=0, le=1)]
Rate = Annotated[float, Field(strict=True, ge=0, le=1000)]
Positive = Annotated[float, Field(strict=True, gt=0, le=1e15)]
Amount = Annotated[float, Field(strict=True, ge=0, le=1e15)]
Coefficient = Annotated[float, Field(strict=True, ge=-50, le=50)]
Weight = Annotated[float, Field(strict=True, ge=0, le=50)]
Flag = Annotated[bool, Field(strict=True)]
Sources = Annotated[
    tuple[str, ...],
    BeforeValidator(
        lambda value: (value,) if isinstance(value, str) else value,
        json_schema_input_type=str | tuple[str, ...],
    ),
]
ThreatName = Literal[
    "economic", "food", "health", "environmental", "personal", "community", "political"
]
EntryChannel = Literal["labour", "family", "asylum", "irregular"]
EducationName = Literal["none", "secondary", "tertiary"]
CompanyName = Literal["adults", "families", "children_alone"]
DAY = re.compile(r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2}))?")
FIRST_YEAR, LAST_YEAR = 1900, 2200


def parse_date(value: Any) -> Any:
    """Read `YYYY-MM-DD`, or `YYYY-MM` as the first day of that month; within three centuries."""
    return _parse_day(value, last=False)


def parse_last_day(value: Any) -> Any:
    """Read `YYYY-MM-DD`, or `YYYY-MM` as the last day of that month; within three centuries."""
    return _parse_day(value, last=True)


def _parse_day(value: Any, last: bool) -> date:
    if isinstance(value, str) and (match := DAY.fullmatch(value)):
        year, month = int(match[1]), int(match[2])
        if year >= 1 and 1 <= month <= 12:
            n_days = monthrange(year, month)[1]
            day = int(match[3]) if match[3] else n_days if last else 1
            if 1 <= day <= n_days:
                value = date(year, month, day)
    if not isinstance(value, date):
        raise ValueError("is not a date")
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValueError(f"lies outside of {FIRST_YEAR} to {LAST_YEAR}")
    return value


Date = Annotated[
    date,
    BeforeValidator(parse_date),
    WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d{2}(-\d{2})?$"}),
]


LastDay = Annotated[
    date,
    BeforeValidator(parse_last_day),
    WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d{2}(-\d{2})?$"}),
]


def _nothing() -> Any:
    """Return what a part left out is validated from: all its defaults.

    An instance as default would make pydantic build a validator of its own for every part, which
    takes longer than everything else about reading a scenario.
    """
    return {}


class Part(BaseModel):
    """Base of every part of a scenario: frozen, with unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)


class Source(Part):
    """Where figures come from."""

    id: Id
    text: str
    """The full reference, as one would print it."""


class Time(Part):
    """The simulated period."""

    start: Date
    """First day (a month means its first day)."""
    end: LastDay
    """Last day, inclusive (a month means its last day)."""
    step: Literal["day", "week", "month"] = "month"


class Profile(Part):
    """Demography of a country's people."""

    under_15: Share = 0.30
    """Share under 15 years (our assumption)."""
    over_65: Share = 0.07
    """Share of 65 and older (our assumption)."""
    women: Share = 0.5
    """Share of women and girls (our assumption)."""
    household_size: Annotated[float, Field(strict=True, ge=1, le=12)] = 4.0
    """Mean persons a household (our assumption)."""
    education: tuple[Share, Share, Share] = (0.5, 0.35, 0.15)
    """Shares of adults with none or primary, secondary, tertiary (our assumption); sum 1."""
    gini: Annotated[float, Field(strict=True, ge=0, le=0.9)] = 0.52
    """Inequality of income; a lognormal of sigma 1 has .52 (our assumption)."""
    fertility: Annotated[float, Field(strict=True, ge=0, le=12)] = 2.5
    """Children a woman: total fertility of a year (world about 2010: UN, World Population
    Prospects 2024, rounded)."""
    life_expectancy: Annotated[float, Field(strict=True, ge=20, le=90)] = 71.0
    """Years at birth, both sexes (world about 2010: UN, World Population Prospects 2024,
    rounded)."""


class Population(Part):
    """How many rows stand for the people, and who they are by default."""

    agents: Annotated[int, BeforeValidator(refuse_bool), Field(ge=100, le=500_000_000)] = 100_000
    """Rows aimed at over all places."""
    focus: tuple[Id, ...] = ()
    """Countries whose people get nine tenths of the rows; none: all alike (our assumption)."""
    profile: Profile = Field(default_factory=_nothing, validate_default=True)
    demography: Flag = True
    """Whether people are born, die a natural death and finish school; without it they only age."""


class Money(Part):
    """The one currency of incomes, prices and means: labels, shown wherever money is."""

    currency: str = "USD"
    year: Annotated[int, BeforeValidator(refuse_bool), Field(ge=1900, le=2200)] = 2010
    """Whose prices all figures are in, whatever the date: nothing is deflated."""


class Group(Part):
    """A group of people by ethnicity, religion or opinion (T6)."""

    id: Id
    country: Id
    share: Share
    """Share of that country's citizens; places may override it."""


class Opinion(Part):
    """What a country's public thinks of newcomers, and when it votes (G1 to G4)."""

    start: Share = 0.5
    """Opinion at the start, 0 welcoming to 1 hostile, to which it tends back (our assumption)."""
    bias: Annotated[float, Field(strict=True, ge=0, le=20)] | None = None
    """Perceived over actual share of foreigners; resolved from `politics.bias`."""
    elections: tuple[Date, ...] = ()
    """Days on which a new government sets its stringency."""
    term: Annotated[float, Field(strict=True, ge=0.25, le=20)] | None = None
    """Years from the last of `elections` to each further one; none: no others."""


class Country(Part):
    """A government: the destination of D, policy and voice."""

    id: Id
    name: str = ""
    languages: tuple[str, ...] = ()
    colonies: tuple[Id, ...] = ()
    """Countries once colonised by this one."""
    neighbours: tuple[Id, ...] = ()
    """Countries with a common land border or a short strait; the resolver makes it symmetric."""
    democracy: Share = 0.5
    """Liberal democracy index, V-Dem scale."""
    voice: Share = 0.5
    """Political voice: 1 full (our assumption)."""
    profile: Profile | None = None
    """Demography; resolved from `population.profile`."""
    opinion: Opinion | None = None
    """Public opinion and elections; none: opinion is not followed."""
    source: Sources = ()


class Place(Part):
    """Where people live."""

    id: Id
    name: str = ""
    country: Id
    kind: Literal["region", "city", "border", "camp", "elsewhere"] = "region"
    people: Annotated[float, Field(strict=True, ge=0, le=1e10)]
    """Residents at the start, in persons."""
    income: Positive | None = None
    """Income a head and year, nominal, scenario currency; resolved to the mean of the country's
    other places, weighted by people."""
    income_ppp: Positive | None = None
    """The same at purchasing power parity, used inside utilities only; resolved to `income`."""
    unemployment: Annotated[float, Field(strict=True, ge=0, le=0.95)] = 0.08
    """Share of the labour force (our assumption)."""
    lat: Annotated[float, Field(strict=True, ge=-90, le=90)]
    lon: Annotated[float, Field(strict=True, ge=-180, le=180)]
    capacity: Annotated[float, Field(strict=True, ge=0, le=1e10)] | None = None
    """Newcomers it can take in without strain; for a camp, its places (to be stated). Resolved to
    5 % of people (our assumption)."""
    groups: dict[Id, Share] = {}
    """Shares of groups among this place's residents, instead of the country's; resolved to every
    group of the country and `other`, the rest."""
    people_per_agent: (
        Annotated[int, BeforeValidator(refuse_bool), Field(ge=1, le=100_000_000)] | None
    ) = None
    """People that one row stands for; resolved from `population.agents`."""
    source: Sources = ()


class Level(Part):
    """One threat at one place."""

    severity: Share
    prevalence: Share = 1.0
    by_state: Flag = False


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


Reading = Annotated[float, Field(strict=True, ge=-1e15, le=1e15)]


class Indicator(Part):
    """An observed indicator, and how it maps to the severity or prevalence of a threat.

    Between `zero` and `one` the mapping is linear, or linear in the logarithm; beyond them it stays
    at 0 and 1. Of several indicators of the same thing at a place the gravest counts (our
    assumption). What `threats` states for a country or place goes before an indicator.
    """

    id: Id
    threat: ThreatName
    sets: Literal["severity", "prevalence"] = "severity"
    transform: Literal["linear", "log"] = "linear"
    zero: Reading
    """Value that means 0."""
    one: Reading
    """Value that means 1."""
    values: dict[Id, Reading]
    """By country or place id, as observed; the place goes before its country."""
    source: Sources = ()


class Shock(Part):
    """A dated disruption of one threat at some places (T5)."""

    id: Id
    at: tuple[Id, ...]
    """Places or countries."""
    threat: ThreatName
    start: Date
    rise: Annotated[float, Field(strict=True, ge=0, le=600)] = 1.0
    """Months from onset to peak."""
    peak: Share
    """Severity added at the peak."""
    end: LastDay | None = None
    """Last day before decay sets in (a month means its last day); none: right after the peak."""
    half_life: Annotated[float, Field(strict=True, gt=0, le=1200)] = 12.0
    """Months for the added severity to halve, once decaying."""
    prevalence: Share | None = None
    """Prevalence from onset, where higher than what is there."""
    by_state: Flag = False
    """Perpetrated by the state: no flight within the country (T7)."""
    enabled: Flag = True
    source: Sources = ()


class Tactic(Part):
    """One way of travelling a corridor."""

    id: Id = "usual"
    price: Amount = 0.0
    """Fare or smuggler's price a person, scenario currency."""
    watched: Share = 1.0
    """Detectability: share of the border's enforcement that meets this tactic."""
    death: Share = 0.0
    """Probability per traversal."""
    violence: Share = 0.0
    """Probability per traversal of assault."""
    extortion: Share = 0.0
    """Probability per traversal."""
    taken: Share = 0.5
    """Share of means taken by extortion (our assumption)."""
    kidnapping: Share = 0.0
    """Probability per traversal of captivity."""


class Corridor(Part):
    """A directed link between two places."""

    id: Id = "unnamed"
    """Resolved to FROM_TO."""
    from_: Annotated[Id, Field(alias="from")]
    to: Id
    km: Positive | None = None
    """Instead of `days`, which the resolver takes from it before it clears it; none: 1.2 x the
    great circle (our assumption)."""
    days: Annotated[float, Field(strict=True, ge=0, le=3650)] | None = None
    """Duration, all that the model knows of length; resolved to 1 + km / 300 (our assumption)."""
    both_ways: Flag = False
    """The resolver writes the opposite corridor out and clears this."""
    tactics: tuple[Tactic, ...] = ()
    """Resolved to one tactic from the keys below."""
    price: Amount | None = None
    watched: Share | None = None
    death: Share | None = None
    violence: Share | None = None
    extortion: Share | None = None
    taken: Share | None = None
    kidnapping: Share | None = None
    dangerous: Flag = False
    """Two tactics: watched 1 with death 1 %, and watched .2 with death 5 % (our assumption)."""
    source: Sources = ()

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        defer_build=True,
        validate_by_name=False,
        serialize_by_alias=True,
    )


class Policy(Part):
    """A dated rule of one state, or on one corridor. For each field the latest start wins."""

    id: Id
    into: Id | None = None
    """Country whose rule it is."""
    corridor: Id | None = None
    """Corridor instead of a country: only what is done at a border, from `barrier` to
    `separation`."""
    channel: EntryChannel | None = None
    """Channel that `open`, `quota`, `wait`, `fee`, `min_education`, `only`, `except` speak of."""
    start: Date | None = None
    """None: from the beginning."""
    announced: Date | None = None
    """Day on which people learn of a rule still to come: until `start`, but for six months at most,
    those go sooner whose way or channel it will worsen (`decision.rush`). None: a surprise."""
    end: LastDay | None = None
    """Last day (a month means its last day); none: for ever."""
    enabled: Flag = True
    only: tuple[Id, ...] = ()
    """Nationalities (countries) or groups whom `channel`'s rule admits; empty: all."""
    except_: Annotated[tuple[Id, ...], Field(alias="except")] = ()
    """Nationalities or groups whom it does not."""
    citizens_of: tuple[Id, ...] = ()
    """Countries whose citizens this rule is about; empty: everyone's."""
    parties: tuple[CompanyName, ...] = ()
    """Who of the intercepted this rule is about: parties of adults, families (adults with
    children under 18), children without an adult; empty: all. It goes before rules about all,
    whichever began later."""
    open: Flag | None = None
    quota: Amount | None = None
    """Admissions a year, in persons; 0 closes the channel."""
    wait: Annotated[float, Field(strict=True, ge=0, le=600)] | None = None
    """Months from application to leave to enter; for asylum, the waiting that applicants expect."""
    fee: Amount | None = None
    """A person, scenario currency; paid at departure, whatever the channel."""
    min_education: EducationName | None = None
    recognition: Share | None = None
    """Share of claims by people with grounds that end in protection."""
    false_recognition: Share | None = None
    """Share of claims without grounds that end in protection."""
    capacity: Amount | None = None
    """Asylum decisions a year, in persons."""
    prima_facie: Flag | None = None
    """Protection on arrival, without a procedure."""
    encampment: Share | None = None
    """Share of claimants and refugees arriving who are taken to a camp with room."""
    return_to: Id | None = None
    """First-country rule: claims are inadmissible, people are sent to this country."""
    barrier: Share | None = None
    officers: Share | None = None
    law: Share | None = None
    """Share of the law on paper that is carried out at the border."""
    closed: Flag | None = None
    """Nobody may cross openly; a hidden tactic is stopped as often as it is `watched`."""
    complicit: Share | None = None
    """Share of those whom officials catch and let through for money, if they have any: they lose
    the leg's share `taken` of it (harm `bribe`). 0 where no rule speaks."""
    detention: Share | None = None
    """Share of the intercepted who are detained."""
    detention_days: Annotated[float, Field(strict=True, ge=0, le=3650)] | None = None
    turned_back: Share | None = None
    """Share of the intercepted, not detained, who are put back where the leg began;
    `journey.turned_back` where no rule speaks."""
    removal: Share | None = None
    """Share of those detained at the border who are taken home at the end; the others are let go
    where the leg began. 0 where no rule speaks."""
    prosecution: Share | None = None
    """Share of intercepted parties whose adults are prosecuted, and so detained in any case; 0
    where no rule speaks."""
    separation: Share | None = None
    """Share of prosecuted families whose children are taken from them; 1 where no rule speaks,
    since children are not held under criminal law (our assumption)."""
    reunification_days: Annotated[float, Field(strict=True, gt=0, le=36_500)] | None = None
    """Median days until children are back with the adults they were taken from, wherever these
    are by then; 60 where no rule speaks (our assumption)."""
    protection: Share | None = None
    """How far refugees and claimants have the rights that their status promises, to stay, work,
    learn and be served; at 0 they live as people in an irregular situation do."""
    returns: Share | None = None
    """Share of return orders executed within a year."""
    orders_last: Annotated[float, Field(strict=True, ge=0, le=1200)] | None = None
    """Months after which an order that was not executed lapses, into an irregular stay; 24 where no
    rule speaks (our assumption)."""
    regularisation: Share | None = None
    """Share of people in an irregular stay who are given a regular one within a year; 0 where no
    rule speaks."""
    source: Sources = ()

    model_config = Corridor.model_config


class Transition(Part):
    """A time in which some members' citizens do not move freely into some others yet."""

    citizens_of: tuple[Id, ...]
    into: tuple[Id, ...]
    end: LastDay
    """Last day (a month means its last day)."""


class Sharing(Part):
    """Claimants who are relocated within a bloc, by a key (G9)."""

    from_: Annotated[tuple[Id, ...], Field(alias="from")]
    """Members at the front line, whose claimants are relocated."""
    key: dict[Id, Share]
    """Share of the pledge by member; the rest is for members outside of the scenario."""
    pledge: Amount
    """Persons promised in all, from `start` to `end`, evenly over that time."""
    compliance: dict[Id, Share] = {}
    """Share of its part that a member takes; 1 where none is stated (our assumption)."""
    start: Date
    end: LastDay
    """Last day (a month means its last day)."""

    model_config = Corridor.model_config


class Suspension(Part):
    """A time in which some members send nobody to the first country, or nobody is sent to some."""

    by: tuple[Id, ...] = ()
    """Members that send nobody; none: all."""
    to: tuple[Id, ...] = ()
    """Members that nobody is sent to; none: all."""
    start: Date | None = None
    """None: from the beginning."""
    end: LastDay | None = None
    """Last day (a month means its last day); none: for ever."""
    source: Sources = ()


class FirstCountry(Part):
    """The member that people entered first is responsible for their claims (J9)."""

    transfers: Share = 0.1
    """Share of those who claim elsewhere and are sent there (our assumption)."""
    suspended: tuple[Suspension, ...] = ()


class Bloc(Part):
    """States that share rules: free movement, responsibility (G9)."""

    id: Id
    members: Annotated[tuple[Id, ...], Field(min_length=1)]
    entries: dict[Id, Date] = {}
    """First day of members who were none from the beginning."""
    exits: dict[Id, LastDay] = {}
    """Last day of members who leave."""
    free_movement: Flag = False
    """Citizens of a member need nobody's leave to live in another."""
    transitional: tuple[Transition, ...] = ()
    """Exceptions from free movement."""
    first_country: FirstCountry | None = None
    """Claimants are sent back to the member that they came through first."""
    sharing: Sharing | None = None
    enabled: Flag = True
    source: Sources = ()


class Newcomers(Part):
    """What a foreigner weighs in the perceived stock, by status (our assumptions)."""

    regular: Weight = 1.0
    refugee: Weight = 1.5
    claimant: Weight = 2.0
    irregular: Weight = 3.0
    ordered: Weight = 3.0


class Levers(Part):
    """How rules answer to stringency: none of them, unless stated.

    A positive number raises the lever with stringency, a negative one lowers it. A share moves by
    that part of its way to 1 or to 0 for each unit of stringency; an amount or a wait changes by
    the factor exp(number x stringency).
    """

    barrier: Coefficient = 0.0
    officers: Coefficient = 0.0
    law: Coefficient = 0.0
    detention: Coefficient = 0.0
    returns: Coefficient = 0.0
    recognition: Coefficient = 0.0
    encampment: Coefficient = 0.0
    quota: Coefficient = 0.0
    capacity: Coefficient = 0.0
    wait: Coefficient = 0.0


class Salience(Part):
    """A time in which leaders or events keep newcomers before the public's eyes (G2)."""

    id: Id
    at: tuple[Id, ...]
    """Countries."""
    start: Date
    end: LastDay
    """Last day (a month means its last day)."""
    level: Share = 1.0
    enabled: Flag = True
    source: Sources = ()


class Politics(Part):
    """Parameters of public opinion and of what it does (model, section 8)."""

    memory: Positive = 3.0
    """tau: years in which opinion tends back to its start (our assumption)."""
    bias: Annotated[float, Field(strict=True, ge=0, le=20)] = 2.3
    """Perceived over actual share of foreigners: 16.7 and 7.2 % (Special Eurobarometer 469, 2018,
    in Istituto Cattaneo 2018)."""
    newcomers: Newcomers = Field(default_factory=_nothing, validate_default=True)
    stock: Weight = 1.0
    """a: opinion per unit of change of the perceived share (our assumption)."""
    economy: Weight = 0.5
    """b: opinion a year per unit of economic threat felt above its start (our assumption)."""
    salience: Weight = 0.1
    """c: opinion a year at full salience (our assumption)."""
    contact: Weight = 0.5
    """e: opinion a year per unit of the share of settled foreigners above its start (our
    assumption)."""
    response: Share = 0.5
    """Part of the way from stringency to opinion that an election goes (our assumption)."""
    levers: Levers = Field(default_factory=_nothing, validate_default=True)
    campaigns: tuple[Salience, ...] = ()
    """Dated salience."""


class Costs(Part):
    """Unit costs of what a state does, scenario currency; what has none is not booked."""

    detention: Amount | None = None
    """A person and day of detention at its border."""
    decision: Amount | None = None
    """A person whose claim is decided."""
    forced_return: Amount | None = None
    """A person removed, or sent to a first country."""
    relocation: Amount | None = None
    """A claimant taken in from another member of a bloc."""
    camp: Amount | None = None
    """A person and year in a camp."""
    claimant: Amount | None = None
    """A claimant and year outside of camps: reception."""
    refugee: Amount | None = None
    """A refugee and year outside of camps: protection and integration."""


class Intervention(Part):
    """A dated measure or event that is not a border rule."""

    id: Id
    kind: Literal["aid", "drought", "campaign", "caravan"]
    at: tuple[Id, ...]
    """Places or countries."""
    start: Date
    months: Annotated[float, Field(strict=True, gt=0, le=1200)] = 12.0
    strength: Annotated[float, Field(strict=True, ge=-1, le=1)] | None = None
    """Drought: severity added to the environmental threat, 0 to 1. Campaign: added to the prior
    value of `about`."""
    prevalence: Share | None = None
    """Drought: prevalence of the environmental threat while it lasts."""
    budget: Amount | None = None
    """Aid: money a year, shared equally by the residents of `at` as means."""
    about: tuple[Id, ...] = ()
    """Campaign: countries it speaks of. Caravan: countries it goes to."""
    people: Amount | None = None
    """Caravan: it forms at a place in a month if so many set out from there for `about` by
    corridors in the month before; resolved to 1000 (our assumption)."""
    price: Share | None = None
    """Caravan: factor of the prices of legs; resolved to .5 (our assumption)."""
    hazards: Share | None = None
    """Caravan: factor of death, violence, extortion and kidnapping on the way; resolved to .5 (our
    assumption)."""
    interception: Annotated[float, Field(strict=True, ge=0, le=100)] | None = None
    """Caravan: factor of the probability of interception, visible as it is; resolved to 1 (our
    assumption)."""
    enabled: Flag = True
    source: Sources = ()


class Tastes(Part):
    """Within-move coefficients of one hazard (own fit 1995-2009; signs as Ortega & Peri 2013)."""

    income: Coefficient
    size: Coefficient
    network: Annotated[float, Field(strict=True, ge=0, le=50)]
    distance: Coefficient
    contiguous: Coefficient
    language: Coefficient
    colony: Coefficient
    democracy: Coefficient
    citizen: Coefficient
    """Added in one's own country, where nobody is a foreigner (our assumption; flight's 3 is set
    towards the world's two displaced at home for each refugee, UNHCR, Global Trends 2014)."""
    threats: Weight
    """b_dest: weight of the threats expected at the destination."""
    waiting: Weight
    """b_wait: disutility of a month of waiting (our assumption)."""
    look_ahead: Annotated[float, Field(strict=True, ge=0, le=0.95)]
    """Weight of what can be done from the destination, the way back included (our assumption;
    Massey et al. to fit). Those who flee do not weigh it: with it, a war would lower flight itself
    by devaluing the way back."""
    pioneer: Coefficient
    """Added when one adult goes ahead (our assumption)."""
    child: Coefficient
    """Added when a child goes alone (our assumption)."""


class Livelihood(Tastes):
    """Tastes of those who go to live better."""

    income: Coefficient = 0.43
    size: Coefficient = 0.41
    network: Annotated[float, Field(strict=True, ge=0, le=50)] = 0.36
    distance: Coefficient = -0.42
    contiguous: Coefficient = 0.29
    language: Coefficient = 0.10
    colony: Coefficient = 0.63
    democracy: Coefficient = 0.0
    citizen: Coefficient = 0.0
    threats: Weight = 0.0
    waiting: Weight = 0.02
    look_ahead: Annotated[float, Field(strict=True, ge=0, le=0.95)] = 0.8
    pioneer: Coefficient = 0.2
    child: Coefficient = -1.2


class Flight(Tastes):
    """Tastes of those who go to be safe."""

    income: Coefficient = 0.19
    size: Coefficient = 0.36
    network: Annotated[float, Field(strict=True, ge=0, le=50)] = 0.32
    distance: Coefficient = -0.39
    contiguous: Coefficient = 1.30
    language: Coefficient = 0.44
    colony: Coefficient = 0.0
    democracy: Coefficient = 1.5
    citizen: Coefficient = 3.0
    threats: Weight = 0.0
    waiting: Weight = 0.2
    look_ahead: Annotated[float, Field(strict=True, ge=0, le=0.95)] = 0.0
    pioneer: Coefficient = -0.4
    child: Coefficient = -1.2


class TasteClass(Part):
    """A latent class of people who weigh alike."""

    id: Id
    share: Share
    risk: Weight = 1.0
    """Multiplies b_risk."""


def _two_classes() -> Any:
    return (
        {"id": "cautious", "share": 0.5, "risk": 1.3},
        {"id": "bold", "share": 0.5, "risk": 0.7},
    )


class StatusFactors(Part):
    """What a status makes of the income of a place (our assumptions)."""

    citizen: Share = 1.0
    displaced: Share = 0.7
    regular: Share = 0.9
    refugee: Share = 0.6
    claimant: Share = 0.4
    irregular: Share = 0.5
    ordered: Share = 0.4


class SettlingFactors(StatusFactors):
    """How fast a status lets people settle, where 1 is as fast as citizens do (our assumptions)."""

    citizen: Share = 1.0
    displaced: Share = 0.5
    regular: Share = 1.0
    refugee: Share = 1.0
    claimant: Share = 0.2
    irregular: Share = 0.2
    ordered: Share = 0.0


def _per_threat(
    economic: float, food: float, health: float, environmental: float, personal: float,
    community: float, political: float,
) -> dict[ThreatName, float]:  # fmt: skip
    return {
        "economic": economic, "food": food, "health": health, "environmental": environmental,
        "personal": personal, "community": community, "political": political,
    }  # fmt: skip


class Prior(Part):
    """What people think of countries of which they know nothing, instead of the mean of others."""

    at: tuple[Id, ...]
    """Whose: people from these places or countries."""
    about: tuple[Id, ...]
    """Of which countries; one's own is known. Of two entries that speak of the same, the later one
    holds."""
    livelihood: Coefficient | None = None
    """Value for those who go to live better, in the units of V: b_inc ln(income (1 - u) / y_ref)
    + b_dem democracy, as in `decision.livelihood`. None: the mean of what people at `at` know."""
    flight: Coefficient | None = None
    """The same for those who go to be safe, with the coefficients of `decision.flight`."""


class Decision(Part):
    """Parameters of who decides to move, and where (model, sections 4 and 6)."""

    baseline_rate: Annotated[float, Field(strict=True, gt=0, le=1)] = 0.0025
    """Livelihood moves a head and year on the base scenario, in the focus; 1.1-1.3 % of people in
    five years (Azose & Raftery 2019)."""
    base_livelihood: Positive | None = None
    """base_L; solved once on the base scenario and written into the resolved file."""
    base_flight: Annotated[float, Field(strict=True, ge=0, le=10)] = 8e-5
    """base_F a year (fit to world forced outflow 1995-2009)."""
    flight_norm: Positive | None = None
    """Mean of W_F^lam on the base scenario, in the focus; solved with base_livelihood."""
    threat_weight: dict[ThreatName, Weight] = _per_threat(0.5, 0.5, 0.5, 0.5, 4, 4, 4)
    """b_k: want .5 (our assumption), fear 4 (world fit 1995-2009). What is given changes the
    default, threat by threat; so in `tolerable`."""
    tolerable: dict[ThreatName, Share] = _per_threat(0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1)
    """tol_k (our assumption)."""
    livelihood: Livelihood = Field(default_factory=_nothing, validate_default=True)
    flight: Flight = Field(default_factory=_nothing, validate_default=True)
    classes: tuple[TasteClass, ...] = Field(default_factory=_two_classes, validate_default=True)
    """Latent classes (our assumption)."""
    nest: Annotated[float, Field(strict=True, ge=0.05, le=1)] = 0.3
    """mu: likeness of channels to one destination (our assumption; to be fitted to deflection)."""
    inclusive: Annotated[float, Field(strict=True, gt=0, le=1)] = 0.5
    """lam: how total emigration answers to W (our assumption)."""
    home: Weight = 0.43
    """b_home: income at home (own fit of income)."""
    reference_income: Positive = 10_000.0
    """y_ref, in the scenario's currency: a unit, absorbed by base_L."""
    tie: Coefficient = 1.0
    """The tie to home (our assumption)."""
    attachment: Weight = 4.5
    """Drag on the livelihood rate of being settled in a place, as an exponent: set so that of new
    immigrants a fifth to a half leave again within five years (Dumont & Spielvogel 2008)."""
    voice: Weight = 0.5
    """b_voice (our assumption)."""
    admission: Weight = 0.26
    """b_adm, so that a visa requirement costs 45 % of a flow (Bertoli & Moraga 2015)."""
    chance_floor: Annotated[float, Field(strict=True, gt=0, le=1)] = 0.01
    risk: Weight = 10.0
    """b_risk on the way (our assumption)."""
    interception: Weight = 2.0
    """b_int on -ln(1 - P) (our assumption)."""
    passage: Weight = 2.0
    """Disutility of passing through a place, per severity x prevalence of its personal threat
    (our assumption)."""
    fatigue: Annotated[float, Field(strict=True, gt=0, le=20)] = 0.4
    """Disutility of every leg beyond the fewest possible (our assumption)."""
    route_scale: Annotated[float, Field(strict=True, gt=0, le=5)] = 0.2
    """Scale of the recursive logit over legs and tactics (our assumption)."""
    cost: Weight = 0.5
    """b_cost (our assumption)."""
    rush: Weight = 1.0
    """phi: part of what an alternative will lose by an announced rule, at most ln 3, that it gains
    until then (our assumption); 0: nobody hurries."""
    look_ahead_floor: Annotated[float, Field(strict=True, gt=0, le=1)] = 0.001
    information: Annotated[float, Field(strict=True, ge=0, le=1e6)] = 1000.0
    """k: w = 1 - exp(-k D / pop_o) of a destination's value is known (our assumption)."""
    prior: tuple[Prior, ...] = ()
    """What is thought of the rest; campaigns add to it. None: the mean of what people of the same
    origin know (our assumption)."""
    rest: Annotated[float, Field(strict=True, gt=0, le=100)] = 3.0
    """Years over which the drag of a recent move fades (our assumption)."""
    rest_depth: Share = 0.8
    """Share by which a move just made lowers the livelihood rate (our assumption)."""
    rest_returned: Flag = True
    """Whether those feel it too who are back at home since they were turned back or returned by
    force (our assumption); without it nothing of that stays with them but what it cost."""


class Living(Part):
    """Parameters of means (model, section 6)."""

    kappa: Positive = 1.0
    subsistence: Amount = 300.0
    """c0, money a year."""
    drain_economic: Share = 0.7
    """d_e (our assumption)."""
    drain_food: Share = 0.7
    """d_f (our assumption)."""
    recovery: Positive = 1.0
    """tau of means, years (our assumption)."""
    remittances: Amount = 0.0
    """Money a year that each emigrant sends to the residents of their origin (our assumption)."""
    status_income: StatusFactors = Field(default_factory=_nothing, validate_default=True)
    settling: Positive = 5.0
    """Years in which newcomers settle, where their status lets them (our assumption)."""
    status_settling: SettlingFactors = Field(default_factory=_nothing, validate_default=True)


class Exposure(Part):
    """Parameters of who a threat reaches (model, section 3)."""

    spell: Positive = 5.0
    """tau_k: years after which a household's exposure is drawn anew (our assumption)."""
    together: Share = 0.5
    """rho: probability that a household's fear draws are one; likewise want (our assumption)."""
    relaxation: Positive = 0.25
    """Years in which severity approaches its target (our assumption)."""
    coupling: dict[ThreatName, dict[ThreatName, Share]] = {
        "environmental": {"food": 0.3},
        "food": {"economic": 0.2, "health": 0.1},
        "economic": {"personal": 0.05},
        "personal": {"economic": 0.2, "food": 0.1, "health": 0.15},
    }
    """C: from a threat to others (our assumption). What is given changes the default, entry by
    entry; `{}` means none at all. The same holds for the two tables below."""
    crowding: dict[ThreatName, Share] = {
        "economic": 0.15, "food": 0.1, "health": 0.1, "community": 0.1,
    }  # fmt: skip
    """Severity added at full strain by newcomers beyond capacity (our assumption)."""
    vulnerability: dict[
        str, dict[ThreatName, Annotated[float, Field(strict=True, gt=0, le=100)]]
    ] = {
        "women": {"personal": 1.3},
        "children": {"food": 1.3, "health": 1.5},
        "old": {"health": 1.5},
        "displaced": {"economic": 1.5, "health": 1.2},
        "refugee": {"economic": 1.3},
        "claimant": {"economic": 1.5},
        "irregular": {"economic": 2.0, "personal": 1.5, "political": 1.5},
        "ordered": {"economic": 2.0, "personal": 1.5, "political": 2.0},
    }
    """Odds multipliers by women, children, old, a status, or a group id (our assumption)."""


class JourneyRules(Part):
    """Parameters of the way (model, section 7)."""

    premium: Weight = 0.2
    """Smuggler's price rises by this share at full enforcement (Gathmann 2008: .14-.24)."""
    fare_km: Amount = 0.1
    """Price a km of regular travel (our assumption)."""
    internal_fare_km: Amount = 0.05
    """Price a km of moving house within a country (our assumption)."""
    violence_weight: Share = 0.2
    """Disutility of violence in deaths (our assumption)."""
    extortion_weight: Share = 0.05
    """Disutility of extortion in deaths (our assumption)."""
    kidnapping_weight: Share = 0.4
    """Disutility of captivity in deaths (our assumption)."""
    turned_back: Share = 0.7
    """Share of the intercepted, not detained, who are put back where the leg began; the rest get
    through (our assumption)."""
    captivity_days: Positive = 60.0
    """Mean days of captivity (our assumption)."""
    wait_stranded: Positive = 0.5
    """Mean years until stranded people decide anew: go on, claim, settle, return (our
    assumption)."""
    grounds: Share = 0.25
    """Gravest felt fear beyond what is tolerable, by b_k / max b, from which on a person has
    grounds for asylum (our assumption)."""
    kin: Amount = 0.5
    """Households with close family abroad, per emigrant of the same origin (our assumption)."""


class Stock(Part):
    """People from one country living in another at the start."""

    from_: Annotated[Id, Field(alias="from")]
    to: Id
    people: Amount
    source: Sources = ()

    model_config = Corridor.model_config


class Observed(Part):
    """A figure that happened, to set beside the simulated one."""

    id: Id
    what: Literal[
        "refugees", "deaths", "arrivals", "displaced", "asylum_seekers", "foreign_born",
        "interceptions", "kidnappings", "forced_returns", "separations",
    ]  # fmt: skip
    of: Annotated[
        tuple[Id, ...],
        Field(min_length=1),
        BeforeValidator(
            lambda value: (value,) if isinstance(value, str) else value,
            json_schema_input_type=Id | tuple[Id, ...],
        ),
    ]
    """Country of citizenship, or several, whose people are summed."""
    at: Id | None = None
    """Country or corridor; none: anywhere outside the country of citizenship."""
    party: CompanyName | None = None
    """Interceptions: of these parties alone; none: of all."""
    date: LastDay
    """Last day counted (a month means its last day). Stocks: at its end; flows: up to its end."""
    since: Date | None = None
    """Flows (all but refugees, asylum seekers, displaced, foreign-born): from this day."""
    people: Amount
    source: Sources = ()


TableName = Literal[
    "flows", "answers", "attribution", "stocks", "blocked", "crossings", "harms", "threats",
    "insecurity", "opinion", "spending", "account", "vital", "journeys", "interceptions", "prices",
    "claims", "queues", "paths", "persons",
]  # fmt: skip
ByColumn = Literal["place", "home", "citizenship", "group", "sex", "education", "age"]


class Outputs(Part):
    """What a run keeps."""

    every: Annotated[int, BeforeValidator(refuse_bool), Field(ge=1, le=10_000)] = 1
    """Steps summed into one row of a flow table; stocks are taken at the end of each."""
    tables: tuple[TableName, ...] = (
        "flows", "answers", "attribution", "stocks", "blocked", "crossings", "harms", "threats",
        "insecurity", "opinion", "spending", "account", "vital", "journeys", "interceptions",
        "prices", "claims", "queues", "paths",
    )  # fmt: skip
    """All but `persons`, which has a row for each person and is kept when named."""
    by: tuple[ByColumn, ...] = ("place",)
    """Columns that split `answers` and `attribution`."""
    expected: Flag = False
    """Also tabulate expected events from the model's own rates (slower)."""


Words = Annotated[
    tuple[str, ...],
    BeforeValidator(
        lambda value: (value,) if isinstance(value, str) else value,
        json_schema_input_type=str | tuple[str, ...],
    ),
]


def _refuse_part(value: Any) -> Any:
    """Keep an end of a range a number or the text of a date."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError("must be a number or a date")
    if isinstance(value, str):
        parse_date(value)
    return value


End = Annotated[Any, BeforeValidator(_refuse_part), WithJsonSchema({"type": ["number", "string"]})]


class Factor(Part):
    """What a sweep varies: one path as of `-s`, or several that move together."""

    paths: tuple[str, ...] = ()
    """Paths that all take the same value; none: the factor's name is its path."""
    values: tuple[Any, ...] = ()
    """Values to take, each as the file would state it."""
    low: End | None = None
    """Lower end of a range of numbers or dates, instead of `values`."""
    high: End | None = None
    """Upper end."""
    n: Annotated[int, BeforeValidator(refuse_bool), Field(ge=2, le=10_000)] | None = None
    """Values taken of a range by a grid, evenly from `low` to `high`."""
    packages: dict[Id, dict[str, Any]] = {}
    """Instead of all these: named sets of changes (path to value), one of which is made."""


class Metric(Part):
    """A figure of each run: a headline measure, or a sum over rows of a table."""

    measure: str | None = None
    """Headline measure, as docs/tables.md lists them."""
    table: TableName | None = None
    """Table whose rows are summed; it has to be among `outputs.tables`."""
    column: str | None = None
    """Its column to sum; none: the first that counts people (heads, money or years)."""
    where: dict[str, Words] = {}
    """By column: the words of rows that count; a country means all its places."""
    since: Date | None = None
    """Rows from this day on."""
    until: LastDay | None = None
    """Rows up to this day. Of stocks the last day within counts, of flows all."""


class Points(Part):
    """Points of a sweep from a file."""

    table: str
    """CSV file in the scenario's folder: a column a path, a row a point; an empty cell leaves the
    file's value."""


class Sweep(Part):
    """Many runs of one scenario: which values are varied, how often, and what is kept."""

    design: Literal["grid", "lhs", "csv"] = "grid"
    """Every combination of values; a Latin hypercube (McKay, Beckman & Conover 1979); or `points`
    as listed."""
    samples: Annotated[int, BeforeValidator(refuse_bool), Field(ge=1, le=1_000_000)] | None = None
    """Points of a Latin hypercube."""
    points: Points | None = None
    """Points of the design `csv`."""
    replicates: Annotated[int, BeforeValidator(refuse_bool), Field(ge=1, le=100_000)] = 1
    """Runs a point, each with a seed of its own; the seeds are the same at every point."""
    vary: dict[str, Factor] = {}
    """By path, or by a name of yours for factors with `paths` or `packages`."""
    metrics: dict[Id, Metric] = {}
    """Figures of each run beside the headline."""
    tables: tuple[TableName, ...] = ()
    """Tables kept of every run."""


class Scenario(Part):
    """A whole scenario."""

    version: Annotated[Literal[1], Field(alias="schema")]
    name: Id
    title: str = ""
    description: str = ""
    sources: tuple[Source, ...] = ()
    time: Time
    seed: Annotated[int, BeforeValidator(refuse_bool), Field(ge=0, le=2**63 - 1)] = 1
    population: Population = Field(default_factory=_nothing, validate_default=True)
    money: Money = Field(default_factory=_nothing, validate_default=True)
    countries: tuple[Country, ...]
    groups: tuple[Group, ...] = ()
    places: tuple[Place, ...]
    stocks: tuple[Stock, ...] = ()
    threats: dict[str, Levels] = {}
    """By `default`, country id or place id, the most specific wins threat by threat; resolved by
    place."""
    indicators: tuple[Indicator, ...] = ()
    exposure: Exposure = Field(default_factory=_nothing, validate_default=True)
    shocks: tuple[Shock, ...] = ()
    corridors: tuple[Corridor, ...] = ()
    policies: tuple[Policy, ...] = ()
    blocs: tuple[Bloc, ...] = ()
    politics: Politics = Field(default_factory=_nothing, validate_default=True)
    costs: dict[str, Costs] = {}
    """By `default` or country id, the country goes first item by item; resolved by country."""
    interventions: tuple[Intervention, ...] = ()
    decision: Decision = Field(default_factory=_nothing, validate_default=True)
    living: Living = Field(default_factory=_nothing, validate_default=True)
    journey: JourneyRules = Field(default_factory=_nothing, validate_default=True)
    observed: tuple[Observed, ...] = ()
    outputs: Outputs = Field(default_factory=_nothing, validate_default=True)
    sweep: Sweep | None = None
    """Many runs of this scenario, for `sim sweep`; a single run takes no notice of it."""

    model_config = Corridor.model_config

    def single(self) -> "Scenario":
        """Return the scenario as one run has it: a sweep is about many."""
        return self if self.sweep is None else self.model_copy(update={"sweep": None})


BASE: Literal["scenario"] = "scenario"
"""Key of a file that is another scenario, but for the values that it states itself."""


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of scenario files, for editors that complete and check them.

    Returns:
        Draft 2020-12; terse forms and tables in place of lists are accepted, and every field
        carries its description.
    """
    schema = Scenario.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    definitions = schema["$defs"] | {"Scenario": schema}
    for name, texts in _descriptions().items():
        properties = definitions.get(name, {}).get("properties", {})
        for key, text in texts.items():
            if key in properties:
                properties[key]["description"] = text
    for rows in schema["properties"].values():
        if rows.get("type") == "array" and "$ref" in rows.get("items", {}):
            table = {
                "type": "object",
                "properties": {"table": {"type": "string", "pattern": r"^[^/\\]"}},
                "required": ["table"],
                "additionalProperties": False,
                "description": "A CSV file in the scenario's folder, one row an item.",
            }
            rows["anyOf"] = [{"type": rows.pop("type"), "items": rows.pop("items")}, table]
    schema["properties"][BASE] = {
        "type": "string",
        "description": "Another scenario (a file in this folder, or a shipped name) that this one "
        "is, but for what is stated here; a list is replaced whole.",
    }
    schema["anyOf"] = [{"required": schema.pop("required")}, {"required": [BASE]}]
    return schema


def _descriptions() -> dict[str, dict[str, str]]:
    """Return the text below each field, by class and name in a file.

    Read from this source when asked for: pydantic would parse it at every import.
    """
    found: dict[str, dict[str, str]] = {}
    for part in ast.parse(Path(__file__).read_text(encoding="utf-8")).body:
        if not isinstance(part, ast.ClassDef):
            continue
        texts = found.setdefault(part.name, {})
        for field, below in pairwise(part.body):
            if not (isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr)):
                continue
            if isinstance(field.target, ast.Name) and isinstance(below.value, ast.Constant):
                texts[field.target.id.rstrip("_")] = cleandoc(str(below.value.value))
    return found
