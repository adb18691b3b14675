"""Who and where: time, people, countries and places."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from sim.schema.key import OURS, Part, key, part
from sim.schema.types import (
    Amount,
    CountryId,
    Date,
    Flag,
    Id,
    LastDay,
    PlaceId,
    Positive,
    Share,
    Words,
    refuse_bool,
)

DETAIL = "a choice of detail and time, not a claim about the world"
UN_2024 = "world about 2010: UN, World Population Prospects 2024, rounded"


class Source(Part):
    """Where figures come from."""

    id: Id = key(..., "Word by which other entries name this reference in their `source`.")
    text: str = key(..., "The full reference, as one would print it.")


class Time(Part):
    """The simulated period."""

    start: Date = key(..., "First day that is simulated; a month means its first day.")
    end: LastDay = key(..., "Last day that is simulated; a month means its last day.")
    step: Literal["day", "week", "month"] = key(
        "month",
        "Span of time after which tables get a row. Rules and shocks hold from their own day, "
        "however long it is.",
    )


class Profile(Part):
    """Demography of a country's people."""

    under_15: Share = key(
        0.30,
        "Part of the people who are children under 15 years.",
        unit="share",
        higher="more children in each household, and fewer adults who can decide",
        source=OURS,
    )
    over_65: Share = key(
        0.07,
        "Part of the people who are 65 years old or older.",
        unit="share",
        higher="more old people, who move less and whom threats to health reach more often",
        source=OURS,
    )
    women: Share = key(
        0.5,
        "Part of the people who are female, girls included.",
        unit="share",
        higher="more people whom threats to personal safety reach more often, and more births",
        source=OURS,
    )
    household_size: Annotated[float, Field(strict=True, ge=1, le=12)] = key(
        4.0,
        "Mean number of people who live together and move by one decision.",
        unit="persons",
        higher="fewer and larger households, for whom a journey together costs more",
        source=OURS,
    )
    education: tuple[Share, Share, Share] = key(
        (0.5, 0.35, 0.15),
        "Shares of adults whose highest schooling is none or primary, secondary, tertiary. They "
        "add up to 1.",
        unit="share",
        higher="more adults with that schooling, which a channel may ask for",
        source=OURS,
    )
    gini: Annotated[float, Field(strict=True, ge=0, le=0.9)] = key(
        0.52,
        "Inequality of incomes within a place as a Gini index: 0 where all earn the same.",
        unit="Gini index",
        higher="more rich and more poor households in the same place",
        source=f"a lognormal of sigma 1 has .52; {OURS}",
    )
    fertility: Annotated[float, Field(strict=True, ge=0, le=12)] = key(
        2.5,
        "Total fertility: children that a woman bears in a lifetime at today's rates.",
        unit="children per woman",
        higher="more births",
        source=UN_2024,
    )
    life_expectancy: Annotated[float, Field(strict=True, ge=20, le=90)] = key(
        71.0,
        "Years that a newborn can expect to live at today's rates, both sexes together.",
        unit="years",
        higher="fewer natural deaths",
        source=UN_2024,
    )


class Resolution(Part):
    """Where there are more simulated persons, each of them for fewer people."""

    places: dict[PlaceId, Positive] = key(
        {},
        "By place: how many times as many simulated persons stand for those who live there at the "
        "start.",
        unit="times",
        higher="less noise in figures about these people, and a longer run",
        source=DETAIL,
    )
    origins: dict[CountryId, Positive] = key(
        {},
        "By country: how many times as many simulated persons stand for those who come from there, "
        "wherever they live.",
        unit="times",
        higher="less noise in figures about these people, and a longer run",
        source=DETAIL,
    )


class Population(Part):
    """How many simulated persons there are, and who they are by default."""

    agents: Annotated[int, BeforeValidator(refuse_bool), Field(ge=100, le=500_000_000)] = key(
        100_000,
        "Number of simulated persons aimed at over all places; each represents many real people. "
        "There are more where small groups would have none: people from one country who live in "
        "one place are at least one household.",
        unit="simulated persons",
        higher="less noise in small figures, and a longer run that takes more memory",
        source=DETAIL,
    )
    resolution: Resolution = part(
        "Finer rows for what is rare or small; none of it changes how many people there are."
    )
    focus: tuple[CountryId, ...] = key(
        (),
        "Countries of the population of interest: people who come from them, wherever they live. "
        "They get nine tenths of the simulated persons, base rates are solved for them, and "
        "headline figures, comparisons and pictures are about them. Empty: everybody.",
        source=OURS,
    )
    others: Literal["stay", "decide"] = key(
        "stay",
        "What people outside the population of interest do. Those who `stay` live where they are "
        "at the start: they are counted, exposed to threats, born, age and die, vote, and see "
        "newcomers, but do not migrate. Those who `decide` migrate like everybody else. Without "
        "`focus` everybody decides.",
        source=OURS,
    )
    profile: Profile = part(
        "Ages, sexes, schooling and births of every country that states no profile of its own."
    )
    demography: Flag = key(
        True,
        "Whether people are born, die a natural death, finish school and set up households. "
        "Without it they only grow older.",
    )


class Money(Part):
    """The one currency of incomes, prices and means: labels, shown wherever money is."""

    currency: str = key(
        "USD", "Name of the unit that all incomes and prices are in; nothing is converted."
    )
    year: Annotated[int, BeforeValidator(refuse_bool), Field(ge=1900, le=2200)] = key(
        2010,
        "Year whose prices all sums of money are in, whatever the date: nothing is deflated.",
        unit="calendar year",
        higher="nothing but another label",
        source="a label",
    )


class Group(Part):
    """A group of people by ethnicity, religion or opinion."""

    id: Id = key(..., "Word by which rules, places and `exposure.vulnerability` name the group.")
    country: CountryId = key(..., "Id of the country whose citizens its members are.")
    share: Share = key(
        ...,
        "Part of the country's citizens who belong to it, where a place states no other.",
        unit="share",
        higher="more of the country's people belong to it",
    )


class Opinion(Part):
    """What a country's public thinks of newcomers, and when it votes."""

    start: Share = key(
        0.5,
        "Opinion at the start, from 0 (welcoming) to 1 (hostile), to which it tends back.",
        unit="share of the way from welcoming to hostile",
        higher="a public that begins, and stays, more hostile to newcomers",
        source=OURS,
    )
    bias: Annotated[float, Field(strict=True, ge=0, le=20)] | None = key(
        None,
        "How many times larger the public thinks the share of foreigners than it is.",
        unit="factor",
        higher="newcomers move opinion more",
        left_out="`politics.bias`",
    )
    elections: tuple[Date, ...] = key(
        (), "Days on which a newly elected government sets how strict it is."
    )
    term: Annotated[float, Field(strict=True, ge=0.25, le=20)] | None = key(
        None,
        "Time from the last of `elections` to the next one, and so on.",
        unit="years",
        higher="elections are farther apart, so that rules follow opinion later",
        left_out="no elections but those stated",
    )


class Country(Part):
    """A government: its rules, its demography and its public."""

    id: Id = key(..., "Word by which places, rules and stocks name the country.")
    name: str = key("", "Title of the country as reports and maps print it; empty: its id.")
    languages: tuple[str, ...] = key(
        (),
        "Words for what is spoken there: two countries that share one are easier to move between.",
    )
    colonies: tuple[CountryId, ...] = key((), "Ids of countries that it once ruled.")
    neighbours: tuple[CountryId, ...] = key(
        (),
        "Ids of countries across a common land border or a short strait. Stating it for one of "
        "the two is enough.",
    )
    democracy: Share = key(
        0.5,
        "How democratic the country is, on the scale of V-Dem's liberal democracy index.",
        unit="index from 0 to 1",
        higher="people who flee prefer it as a destination",
        source=OURS,
    )
    voice: Share = key(
        0.5,
        "How far people can make themselves heard in politics: 1 fully, 0 not at all.",
        unit="share",
        higher="want drives fewer people away, since they can protest instead of leaving",
        source=OURS,
    )
    profile: Profile | None = key(
        None,
        "Ages, sexes, schooling and births of its people.",
        left_out="`population.profile`",
    )
    opinion: Opinion | None = key(
        None,
        "What its public thinks of newcomers, and when it votes.",
        left_out="opinion is not followed",
    )
    source: Words = key((), "Ids of the references that these figures come from, or `assumption`.")


class Place(Part):
    """Where people live."""

    id: Id = key(..., "Word by which corridors, threats and shocks name the place.")
    name: str = key("", "Title of the place as reports and maps print it; empty: its id.")
    country: CountryId = key(..., "Id of the state that the place belongs to.")
    kind: Literal["region", "city", "border", "camp", "elsewhere"] = key(
        "region",
        "What sort of place it is. Only a camp works differently: claimants may be taken there, "
        "and nobody chooses it as a destination. The others are only labels; without people, "
        "`elsewhere` is a point on the way, which nobody chooses either.",
    )
    people: Annotated[float, Field(strict=True, ge=0, le=1e10)] = key(
        ...,
        "Residents at the start, foreigners among them included.",
        unit="persons",
        higher="more people who may leave, and a larger, more attractive destination",
    )
    income: Positive | None = key(
        None,
        "Mean yearly income of a resident, at market exchange rates.",
        unit="money per person per year",
        higher="people there can pay for more",
        left_out="the mean of the country's other places, weighted by people",
    )
    income_ppp: Positive | None = key(
        None,
        "The same income at purchasing power parity. It is what people compare when they choose; "
        "what they can pay goes by `income`.",
        unit="money per person per year",
        higher="the place draws more people, and fewer leave it to live better",
        left_out="`income`",
    )
    unemployment: Annotated[float, Field(strict=True, ge=0, le=0.95)] = key(
        0.08,
        "Part of the labour force without work; it lowers the income that people expect.",
        unit="share",
        higher="the place draws fewer people, and more leave it to live better",
        source=OURS,
    )
    lat: Annotated[float, Field(strict=True, ge=-90, le=90)] = key(
        ...,
        "Latitude of the point that represents the place.",
        unit="degrees north",
        higher="the point lies farther north",
    )
    lon: Annotated[float, Field(strict=True, ge=-180, le=180)] = key(
        ...,
        "Longitude of the point that represents the place.",
        unit="degrees east",
        higher="the point lies farther east",
    )
    capacity: Annotated[float, Field(strict=True, ge=0, le=1e10)] | None = key(
        None,
        "Newcomers that the place takes in before half of the full strain is reached. For a "
        "camp: people whom it can hold, to be stated.",
        unit="persons",
        higher="the same newcomers strain the place less; a camp takes in more people",
        left_out=f"5 % of the people ({OURS})",
    )
    groups: dict[Id, Share] = key(
        {},
        "Shares of the country's groups among the residents here, by group id. Empty: as in the "
        "whole country.",
        unit="share",
        higher="more residents of this place belong to that group",
    )
    people_per_agent: (
        Annotated[int, BeforeValidator(refuse_bool), Field(ge=1, le=100_000_000)] | None
    ) = key(
        None,
        "Real people that one simulated person from here represents.",
        unit="persons",
        higher="fewer simulated persons from here, and noisier figures about them",
        left_out="what `population.agents` and `population.focus` ask for",
    )
    source: Words = key((), "Ids of the references that these figures come from, or `assumption`.")


class Stock(Part):
    """People from one country living in another at the start."""

    from_: CountryId = key(..., "Id of the country that they are citizens of.", alias="from")
    to: CountryId = key(..., "Id of the country where they live.")
    people: Amount = key(
        ...,
        "How many of them live there at the start.",
        unit="persons",
        higher="a larger diaspora, which draws more people after it and tells them more",
    )
    source: Words = key((), "Ids of the references that this figure comes from, or `assumption`.")
