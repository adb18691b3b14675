"""What a run leaves behind: tidy tables in real people, and the figures that summarise them.

`TABLES` states every column of every table once, with its kind, unit and meaning; the properties
of `Record`, the metadata of the stored files and the tests all read it from there. `MEASURES` does
the same for the headline figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.scenario.schema import Observed, Scenario
from sim.terms import Answer, Harm, Status, Threat

Kind = Literal["int", "float", "date", "text", "bool"]
Values = NDArray[np.float64]

DAYS_A_YEAR: Final = 365.25
SLACK_DAYS: Final = 31
"""An observed stock is compared with a simulated one of at most this many days earlier."""
MONEY: Final = "money"
"""Unit of columns in the scenario's currency; a record says which (`Record.money_unit`)."""
DISCOUNT: Final = 0.03
"""Yearly discount of the second figure of life years lost (convention of burden studies)."""


class Column(NamedTuple):
    """One column of a table."""

    name: str
    kind: Kind
    unit: str
    text: str
    optional: bool = False


class Table(NamedTuple):
    """One table of a record."""

    text: str
    date: Literal["first", "last"]
    """Whether `date` is the first or the last day of the row's steps."""
    columns: tuple[Column, ...]
    by: bool = False
    """Whether the scenario's `outputs.by` columns follow the date."""


_REPLICATE: Final = Column("replicate", "int", "index", "replicate, from 0")
_FIRST: Final = Column("date", "date", "day", "first day of the steps summed in the row")
_LAST: Final = Column("date", "date", "day", "last day of the steps summed in the row")
_PLACE: Final = Column("place", "text", "id", "place of stay")
_CITIZENSHIP: Final = Column("citizenship", "text", "id", "country of citizenship")
_PARTY: Final = Column("party", "text", "word", "adults, families or children_alone (under 18)")

TABLES: Final[Mapping[str, Table]] = {
    "flows": Table(
        "moves from place to place",
        "first",
        (
            _REPLICATE,
            _FIRST,
            _CITIZENSHIP,
            Column("origin", "text", "id", "place that was left"),
            Column("destination", "text", "id", "place that was chosen"),
            Column("channel", "text", "word", "way of entering (labour, family, asylum, ...)"),
            Column("answer", "text", "word", "choice or necessity"),
            Column("departed", "int", "people", "people who set out"),
            Column("arrived", "int", "people", "people who arrived, whenever they set out"),
            Column(
                "expected",
                "float",
                "people",
                "people expected to decide so, applications counted",
                optional=True,
            ),
        ),
    ),
    "answers": Table(
        "the five answers of household heads",
        "first",
        (
            _REPLICATE,
            _FIRST,
            Column("answer", "text", "word", "choice, necessity, no_means, no_permission, stays"),
            Column("heads", "int", "heads", "answers: one a head and step, further moves and noes"),
            Column("people", "int", "people", "people who move with these heads (movers only)"),
            Column("trapped", "float", "heads", "heads kept from going by insecurity itself"),
            Column("expected", "float", "heads", "answers expected under the rates", optional=True),
            Column(
                "expected_years", "float", "person-years", "time expected under it", optional=True
            ),
        ),
        by=True,
    ),
    "attribution": Table(
        "moves of necessity, split over the threats felt",
        "first",
        (
            _REPLICATE,
            _FIRST,
            Column("threat", "text", "word", "one of the seven threats"),
            Column("people", "float", "people", "share of the people who moved of necessity"),
        ),
        by=True,
    ),
    "stocks": Table(
        "people by place, citizenship and status; those on the way are in `account` only",
        "last",
        (
            _REPLICATE,
            _LAST,
            _PLACE,
            _CITIZENSHIP,
            Column("status", "text", "word", "legal status (citizen, displaced, refugee, ...)"),
            Column("people", "int", "people", "people there on that day"),
        ),
    ),
    "blocked": Table(
        "people who would have moved within the last year, could not, and are still there",
        "last",
        (
            _REPLICATE,
            _LAST,
            _PLACE,
            _CITIZENSHIP,
            Column("answer", "text", "word", "no_means or no_permission"),
            Column("heads", "int", "heads", "heads of household"),
            Column("people", "int", "people", "members of their households"),
        ),
    ),
    "crossings": Table(
        "people who came through the corridors",
        "first",
        (
            _REPLICATE,
            _FIRST,
            Column("corridor", "text", "id", "corridor"),
            _CITIZENSHIP,
            Column("people", "int", "people", "people who reached its other end"),
        ),
    ),
    "harms": Table(
        "what is done to people on the way",
        "first",
        (
            _REPLICATE,
            _FIRST,
            Column(
                "corridor",
                "text",
                "id",
                "corridor on which it happened, or country (away from one)",
            ),
            _CITIZENSHIP,
            Column("harm", "text", "word", "death, violence, extortion, ..."),
            Column("people", "int", "people", "people to whom it happened"),
            Column("money", "float", MONEY, "money taken from them by extortion, and by officials"),
        ),
    ),
    "threats": Table(
        "the state of the seven threats",
        "first",
        (
            _REPLICATE,
            _FIRST,
            _PLACE,
            Column("threat", "text", "word", "one of the seven threats"),
            Column("severity", "float", "1", "how bad, from 0 none to 1 extreme"),
            Column("prevalence", "float", "1", "share of people whom it reaches"),
        ),
    ),
    "insecurity": Table(
        "felt severity of the threats, times people, times time",
        "first",
        (
            _REPLICATE,
            _FIRST,
            _PLACE,
            _CITIZENSHIP,
            Column("threat", "text", "word", "one of the seven threats"),
            Column("person_years", "float", "insecurity-years", "years at severity 1"),
        ),
    ),
    "opinion": Table(
        "what the public of a country thinks of newcomers, as of the month's first day",
        "last",
        (
            _REPLICATE,
            _LAST,
            Column("country", "text", "id", "country whose opinion is followed"),
            Column("opinion", "float", "1", "from 0 welcoming to 1 hostile"),
            Column("perceived", "float", "1", "perceived share of foreigners, weighed by status"),
            Column("foreign", "float", "1", "actual share of foreigners among residents"),
            Column("stringency", "float", "1", "what the last government made of opinion"),
        ),
    ),
    "spending": Table(
        "public money spent",
        "first",
        (
            _REPLICATE,
            _FIRST,
            Column("item", "text", "id", "intervention, or what a unit cost is stated for"),
            Column("country", "text", "id", "country in which it is spent"),
            Column("amount", "float", MONEY, "what was spent"),
        ),
    ),
    "account": Table(
        "everybody, each in one state; rows of a day sum to those of the start and all born since",
        "last",
        (
            _REPLICATE,
            _LAST,
            Column("activity", "text", "word", "resident, waiting, travelling, ..., dead"),
            Column("people", "int", "people", "people in that state on that day"),
        ),
    ),
    "vital": Table(
        "births and natural deaths; deaths on the way are in `harms`",
        "first",
        (
            _REPLICATE,
            _FIRST,
            _PLACE,
            _CITIZENSHIP,
            Column("event", "text", "word", "birth or death"),
            Column("people", "int", "people", "people who were born or died"),
        ),
    ),
    "journeys": Table(
        "journeys by corridors into another country, and how they ended",
        "first",
        (
            _REPLICATE,
            _FIRST,
            _CITIZENSHIP,
            Column("caravan", "text", "id", "caravan that people travelled in, or none"),
            Column("attempt", "text", "word", "first to ninth or later, since they last arrived"),
            _PARTY,
            Column("departed", "int", "people", "people who set out"),
            Column("arrived", "int", "people", "people who arrived, whenever they set out"),
            Column("failed", "int", "people", "people left behind, turned back or taken home"),
        ),
    ),
    "interceptions": Table(
        "people who were intercepted on the way, by who travels; in `harms` their sums",
        "first",
        (
            _REPLICATE,
            _FIRST,
            Column("corridor", "text", "id", "corridor on which they were"),
            _CITIZENSHIP,
            _PARTY,
            Column("people", "int", "people", "people who were intercepted; again counts again"),
        ),
    ),
    "prices": Table(
        "what smugglers ask for a corridor, and how likely one is stopped on it",
        "last",
        (
            _REPLICATE,
            _LAST,
            Column("corridor", "text", "id", "corridor; the cheapest usable of its route options"),
            Column("price", "float", "money", "price a person, which follows enforcement"),
            Column("intercepted", "float", "share", "probability to be intercepted on it"),
        ),
    ),
    "claims": Table(
        "claims for asylum and what is decided on them; a child of claimants is decided on too",
        "first",
        (
            _REPLICATE,
            _FIRST,
            Column("country", "text", "id", "country that is asked for asylum"),
            _CITIZENSHIP,
            Column(
                "stage",
                "text",
                "word",
                "claimed, accepted (a refugee on arrival, no claim), recognised, rejected",
            ),
            Column("people", "int", "people", "people whom it befell"),
        ),
    ),
    "queues": Table(
        "how long claims for asylum take, where a country decides so many a year",
        "last",
        (
            _REPLICATE,
            _LAST,
            Column("country", "text", "id", "country that decides"),
            Column("pending", "int", "people", "people whose claims are not decided yet"),
            Column("months", "float", "months", "time in which it decides so many"),
        ),
    ),
    "paths": Table(
        "where people are who crossed a border in the run, or died or are held on the way to one",
        "last",
        (
            _REPLICATE,
            _LAST,
            _CITIZENSHIP,
            Column(
                "came_from",
                "text",
                "id",
                "country left at the last border crossed; their own, where none was",
            ),
            Column("country", "text", "id", "country of stay; of the dead, where they died"),
            Column(
                "outcome",
                "text",
                "word",
                "legal status, or travelling, stranded, detained, captive, died_on_the_way, "
                "died_naturally",
            ),
            Column("people", "int", "people", "people there, children born on the way or after"),
        ),
    ),
    "persons": Table(
        "what ever befell each person, a row one; kept when outputs.tables names it",
        "last",
        (
            _REPLICATE,
            _LAST,
            Column("id_high", "int", "id", "identity, upper 32 bits; with one seed the same"),
            Column("id_low", "int", "id", "identity, lower 32 bits; spreadsheets keep both exact"),
            Column("home", "text", "id", "place of origin"),
            Column("people", "int", "people", "people that the row stands for"),
            Column("moved_abroad", "bool", "yes/no", "ever arrived in another country"),
            Column("moved_within", "bool", "yes/no", "ever arrived elsewhere in the same country"),
            Column("no_means", "bool", "yes/no", "their household would ever move, could not pay"),
            Column("no_permission", "bool", "yes/no", "their household would ever move, might not"),
            Column("died_on_the_way", "bool", "yes/no", "died on the way"),
            Column("died_naturally", "bool", "yes/no", "died a natural death"),
        ),
    ),
}


class Measure(NamedTuple):
    """One headline figure."""

    id: str
    unit: str
    text: str
    low: float = 0.0
    high: float = float("inf")


_ANSWER_TEXT: Final = {
    "choice": "moves by choice",
    "necessity": "moves of necessity",
    "no_means": "would move, cannot pay (one answer a head and step)",
    "no_permission": "would move, may not (one answer a head and step)",
    "stays": "stays (one answer a head and step)",
}
_HARM_TEXT: Final = {
    "death": "died on the way",
    "violence": "suffered violence on the way",
    "extortion": "were extorted on the way",
    "kidnapping": "were held captive on the way",
    "interception": "were intercepted",
    "detention": "were detained",
    "stranding": "were stranded",
    "forced_return": "were returned by force",
    "prosecution": "were prosecuted for entering",
    "bribe": "paid officials to be let through",
    "separation": "children were taken from their adults",
}

MEASURES: Final[Mapping[str, Measure]] = {
    measure.id: measure
    for measure in (
        Measure("moved_abroad", "people", "arrived in another country (every arrival counts)"),
        Measure("moved_within", "people", "arrived elsewhere in the same country"),
        *(Measure(f"{answer.name}_heads", "heads", _ANSWER_TEXT[answer.name]) for answer in Answer),
        Measure("choice_people", "people", "moves by choice, households counted"),
        Measure("necessity_people", "people", "moves of necessity, households counted"),
        Measure("necessity_share", "share", "share of moves made of necessity", 0.0, 1.0),
        Measure("blocked_no_means", "people", "at the end, kept from moving by money"),
        Measure("blocked_no_permission", "people", "at the end, kept from moving by rules"),
        Measure("refugees_abroad", "people", "refugees abroad at the end"),
        Measure("claimants_abroad", "people", "asylum seekers abroad at the end"),
        Measure("displaced", "people", "displaced within their country at the end"),
        *(Measure(f"harm_{harm.name}", "people", _HARM_TEXT[harm.name]) for harm in Harm),
        Measure(
            "death_rate",
            "per 1,000",
            "deaths for each 1,000 people who set out irregularly or for asylum",
        ),
        Measure("births", "people", "were born"),
        Measure("natural_deaths", "people", "died a natural death"),
        Measure("insecurity_years", "years", "insecurity-years: felt severity x people x time"),
        Measure("life_years_lost", "years", "years of life lost before the end, undiscounted"),
        Measure("life_years_lost_3pct", "years", "years of life lost before the end, at 3 %"),
        Measure("secure", "share", "secure: how free of the seven threats people lived", 0.0, 1.0),
        Measure("orderly", "share", "orderly: entered by leave, or claims decided", 0.0, 1.0),
        Measure("regular", "share", "regular: did not have to enter irregularly", 0.0, 1.0),
        Measure("humane", "share", "humane: unharmed for each departure abroad", 0.0, 1.0),
    )
}
"""The headline figures in order: id, unit, meaning, and the bounds of intervals."""

REFUGEE_STATUSES: Final = ("refugee", "claimant", "irregular", "ordered")
"""Statuses compared with registered refugees: host states register the displaced on arrival,
whatever the model's paper says (our assumption)."""
STOCKS_OBSERVED: Final[Mapping[str, tuple[str, ...]]] = {
    "refugees": REFUGEE_STATUSES,
    "asylum_seekers": ("claimant",),
    "displaced": ("displaced",),
    "foreign_born": tuple(it.name for it in Status),
}
"""Statuses that count, by kind of observed stock."""
HARMS_OBSERVED: Final[Mapping[str, str]] = {
    "deaths": "death",
    "interceptions": "interception",
    "kidnappings": "kidnapping",
    "forced_returns": "forced_return",
    "separations": "separation",
}
"""The harm that is counted, by kind of observed flow."""

_T975: Final = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
"""Student's t, quantile .975, for 1 to 30 degrees of freedom (standard table)."""


def student_t(freedom: int) -> float:
    """Give Student's t at quantile .975.

    Args:
        freedom: degrees of freedom, at least 1.

    Returns:
        The quantile, within .001.

    Source: standard table to 30; above, the first two terms of Fisher and Cornish (1960).
    """
    if freedom <= len(_T975):
        return _T975[freedom - 1]
    z = 1.959964
    return (
        z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom * freedom)
    )


class Interval(NamedTuple):
    """A mean over replicates with its 95 % interval."""

    value: float
    low: float
    high: float
    n: int


def interval(values: Values, low: float = -np.inf, high: float = np.inf) -> Interval:
    """Average over replicates, with the 95 % t-interval of the mean.

    Args:
        values: one a replicate; NaN where a replicate has none (left out).
        low: no interval reaches below this.
        high: no interval reaches above this.

    Returns:
        Mean, bounds and number of replicates used; bounds are NaN for fewer than two.
    """
    known = values[~np.isnan(values)]
    n = len(known)
    if n == 0:
        return Interval(np.nan, np.nan, np.nan, 0)
    mean = float(known.mean())
    if n == 1:
        return Interval(mean, np.nan, np.nan, 1)
    half = student_t(n - 1) * float(known.std(ddof=1)) / float(np.sqrt(n))
    return Interval(mean, max(mean - half, low), min(mean + half, high), n)


def ratio_interval(above: Values, below: Values) -> Interval:
    """Divide one mean by another, with the 95 % interval of the ratio.

    Args:
        above: one a replicate.
        below: one a replicate, of the same replicates.

    Returns:
        Ratio of the means, bounds and number of replicates. The ratio is NaN unless the lower mean
        is above 0; bounds are NaN for fewer than two replicates, and where `below` cannot be told
        from 0, since then any ratio could be.

    Source: Fieller (1954), for paired values.
    """
    n = len(above)
    a, b = float(above.mean()), float(below.mean())
    if b <= 0:
        return Interval(np.nan, np.nan, np.nan, n)
    if n == 1:
        return Interval(a / b, np.nan, np.nan, n)
    spread = np.cov(above, below) / n * student_t(n - 1) ** 2
    square, middle = b * b - spread[1, 1], a * b - spread[0, 1]
    if square <= 0:
        return Interval(a / b, np.nan, np.nan, n)
    root = float(np.sqrt(max(middle**2 - square * (a * a - spread[0, 0]), 0.0)))
    return Interval(a / b, (middle - root) / square, (middle + root) / square, n)


class NoTableError(LookupError):
    """A table that this run did not keep was asked for."""


class UnlikeRunsError(ValueError):
    """Two runs cannot be set against each other, replicate by replicate."""


@dataclass(frozen=True, eq=False, repr=False)
class Record:
    """The result of a run: its scenario, how it was made, and its tables.

    Every table is tidy and in real people; text columns are categories; the first column is
    always `replicate`. Tables are shared, not copied: take a copy before changing one.
    """

    scenario: Scenario
    """The resolved scenario."""
    seed: int
    """The seed that the replicates' seeds derive from."""
    manifest: Mapping[str, Any]
    """How the run was made: hash, seeds, versions, machine, time taken, notes."""
    tables: Mapping[str, pd.DataFrame]
    """The tables by name."""

    def __post_init__(self) -> None:
        """Refuse tables that lack a documented column."""
        for name, frame in self.tables.items():
            if name not in TABLES:
                raise ValueError(f"no table is called {name!r}; there are {', '.join(TABLES)}")
            needed = [column.name for column in TABLES[name].columns if not column.optional]
            if lacking := [column for column in needed if column not in frame.columns]:
                raise ValueError(f"table {name!r} lacks {', '.join(lacking)}")

    def __repr__(self) -> str:
        """Say what was run, how often, and what was kept."""
        times = "replicate" if self.replicates == 1 else "replicates"
        return (
            f"<Record of {self.scenario.name}: seed {self.seed}, {self.replicates} {times}, "
            f"tables {', '.join(self.tables)}>"
        )

    def table(self, name: str) -> pd.DataFrame:
        """Give a table by name.

        Raises:
            NoTableError: this run did not keep it.
        """
        if name in self.tables:
            return self.tables[name]
        raise NoTableError(
            f"this run kept no table {name!r}; add it to outputs.tables and run again"
        )

    @property
    def replicates(self) -> int:
        """Number of replicates."""
        return int(self.manifest.get("replicates", 1))

    @property
    def money_unit(self) -> str:
        """What money is counted in: currency, and the year whose prices it is in."""
        money = self.scenario.money
        return f"{money.currency} of {money.year}"

    @property
    def flows(self) -> pd.DataFrame:
        """Moves from place to place.

        Columns: `replicate` (from 0), `date` (first day of the row's steps), `citizenship` (country
        id), `origin` and `destination` (place ids), `channel` (word), `answer` (choice or
        necessity), `departed` (people who set out), `arrived` (people who arrived, whenever they
        set out) and, where kept, `expected` (people expected to decide so, applications counted).
        """
        return self.table("flows")

    @property
    def answers(self) -> pd.DataFrame:
        """The five answers of household heads.

        Columns: `replicate`, `date` (first day), the columns of `outputs.by` (default `place`),
        `answer` (word), `heads` (one answer a head and step, and each further move or no), `people`
        (who move with them), `trapped` (heads kept from going by insecurity itself) and, on
        request, `expected` (heads) and `expected_years` (person-years).
        """
        return self.table("answers")

    @property
    def attribution(self) -> pd.DataFrame:
        """Moves of necessity, split over the threats felt.

        Columns: `replicate`, `date` (first day), the columns of `outputs.by`, `threat` (word),
        `people` (people; the seven sum to the people who moved of necessity).
        """
        return self.table("attribution")

    @property
    def stocks(self) -> pd.DataFrame:
        """Who is where, except people on the way.

        Columns: `replicate`, `date` (last day), `place` (id), `citizenship` (country id), `status`
        (word), `people` (people).
        """
        return self.table("stocks")

    @property
    def blocked(self) -> pd.DataFrame:
        """People who would have moved within the last year, could not, and are still there.

        Columns: `replicate`, `date` (last day), `place` (id), `citizenship` (country id), `answer`
        (no_means or no_permission), `heads` (heads), `people` (people in their households).
        """
        return self.table("blocked")

    @property
    def crossings(self) -> pd.DataFrame:
        """People who came through the corridors.

        Columns: `replicate`, `date` (first day), `corridor` (id), `citizenship` (country id),
        `people` (who reached its other end).
        """
        return self.table("crossings")

    @property
    def harms(self) -> pd.DataFrame:
        """What is done to people on the way.

        Columns: `replicate`, `date` (first day), `corridor` (id of the corridor or, away from one,
        of the country), `citizenship` (country id), `harm` (word), `people` (people), `money`
        (`money_unit`, taken).
        """
        return self.table("harms")

    @property
    def threats(self) -> pd.DataFrame:
        """The state of the seven threats.

        Columns: `replicate`, `date` (first day), `place` (id), `threat` (word), `severity` (0 to
        1), `prevalence` (share of people).
        """
        return self.table("threats")

    @property
    def insecurity(self) -> pd.DataFrame:
        """Felt severity of the threats, times people, times time.

        Columns: `replicate`, `date` (first day), `place` (id), `citizenship` (country id), `threat`
        (word), `person_years` (years at severity 1).
        """
        return self.table("insecurity")

    @property
    def opinion(self) -> pd.DataFrame:
        """What the public of a country thinks of newcomers, as of the month's first day.

        Columns: `replicate`, `date` (last day), `country` (id), `opinion` (0 welcoming to 1
        hostile), `perceived` (share of foreigners as the public sees it, weighed by status),
        `foreign` (actual share), `stringency` (what the last government made of opinion).
        """
        return self.table("opinion")

    @property
    def spending(self) -> pd.DataFrame:
        """Public money spent.

        Columns: `replicate`, `date` (first day), `item` (id of an intervention, or what a unit cost
        is stated for), `country` (id, where it is spent), `amount` (`money_unit`).
        """
        return self.table("spending")

    @property
    def account(self) -> pd.DataFrame:
        """Everybody, each in one state.

        Columns: `replicate`, `date` (last day), `activity` (word), `people` (people; the rows of
        one replicate and day sum to the people of the start and all who were born since).
        """
        return self.table("account")

    @property
    def vital(self) -> pd.DataFrame:
        """Births and natural deaths.

        Columns: `replicate`, `date` (first day), `place` (id; on the way the last one reached),
        `citizenship` (country id), `event` (birth or death), `people` (people).
        """
        return self.table("vital")

    @property
    def journeys(self) -> pd.DataFrame:
        """Journeys by corridors into another country, and how they ended.

        Columns: `replicate`, `date` (first day), `citizenship` (country id), `caravan` (id of the
        intervention, or none), `attempt` (first to ninth or later, since they last arrived),
        `party` (adults, families or children_alone), `departed` (people who set out), `arrived`
        (people who arrived, whenever they set out), `failed` (people who were left behind on the
        way, turned back or taken home).
        """
        return self.table("journeys")

    @property
    def interceptions(self) -> pd.DataFrame:
        """People who were intercepted on the way, by who travels.

        Columns: `replicate`, `date` (first day), `corridor` (id), `citizenship` (country id),
        `party` (adults, families or children_alone), `people` (people; again counts again).
        """
        return self.table("interceptions")

    @property
    def prices(self) -> pd.DataFrame:
        """What smugglers ask for corridors into another country.

        Columns: `replicate`, `date` (last day), `corridor` (id), `price` (money a person, by the
        cheapest of its route options that can be used), `intercepted` (probability to be
        intercepted).
        """
        return self.table("prices")

    @property
    def queues(self) -> pd.DataFrame:
        """How long claims for asylum take where a country decides so many a year.

        Columns: `replicate`, `date` (last day), `country` (id), `pending` (people whose claims are
        not decided yet), `months` (in which the country decides so many).
        """
        return self.table("queues")

    @property
    def claims(self) -> pd.DataFrame:
        """Claims for asylum, and what is decided on them.

        Columns: `replicate`, `date` (first day), `country` (id, where asylum is asked for),
        `citizenship` (country id), `stage` (claimed; accepted, a refugee on arrival without a
        claim; recognised; rejected), `people` (people, a claim again counts again).
        """
        return self.table("claims")

    @property
    def paths(self) -> pd.DataFrame:
        """Where people are who crossed a border in the run, or died or are held on the way to one.

        Columns: `replicate`, `date` (last day of the run), `citizenship`, `came_from` (country left
        at the last border crossed; their own, where none was), `country` (of stay; of the dead,
        where they died; all are country ids), `outcome` (legal status, or travelling, stranded,
        detained, captive, died_on_the_way, died_naturally), `people` (people; a child has its
        mother's path).
        """
        return self.table("paths")

    @property
    def persons(self) -> pd.DataFrame:
        """What ever befell each person, a row one, by identity; the born and the dead included.

        Columns: `replicate`, `date` (last day of the run), `id_high` and `id_low` (halves of the
        identity), `home` (place id), `people` (that the row stands for) and, yes or no,
        `moved_abroad`, `moved_within`, `no_means`, `no_permission` (their household would move and
        could not), `died_on_the_way`, `died_naturally`.
        """
        return self.table("persons")

    @cached_property
    def periods(self) -> pd.DataFrame:
        """The periods that rows of the tables cover.

        Columns: `first` and `after` (first day of the period, and of the next) and `days`, in order
        and without gaps from the scenario's start to its end. They come from the dates of all
        tables together, since a sparse table may skip a period in which nothing happened.
        """
        start, end = pd.Timestamp(self.scenario.time.start), horizon(self)
        starts = {start}
        for name, frame in self.tables.items():
            days = pd.DatetimeIndex(frame["date"].unique())
            starts.update(days if TABLES[name].date == "first" else days + pd.Timedelta(days=1))
        inside = sorted(day for day in starts if start <= day < end)
        frame = pd.DataFrame({"first": inside, "after": [*inside[1:], end]})
        frame["days"] = (frame["after"] - frame["first"]).dt.days
        return frame

    @cached_property
    def headline(self) -> pd.DataFrame:
        """The figures that summarise the run, as means over replicates.

        Columns: `measure` (id; `MEASURES` says what each means), `unit`, `value` (mean over
        replicates), `low` and `high` (95 % t-interval of that mean, clipped to possible values;
        NaN with one replicate), `n` (replicates used). A figure whose table was not kept is NaN
        with n 0.

        People who move twice are two moves; blocked answers count a head once each step that it is
        blocked. The scorecard: *secure* is 1 - insecurity-years / (7 x person-years lived), the
        sevenfold because each threat alone can reach 1; *orderly* the share of arrivals abroad by
        labour, family, home or free channels or by relocation, plus those for asylum as far as
        states keep up (times the refugees' part of refugees and claimants abroad, over the run);
        *regular* the share of arrivals abroad not by the irregular channel; *humane* 1 - people
        harmed / departures abroad, floored at 0. Life years lost are counted from each death to the
        horizon and discounted, if so, to the day of death.
        """
        rows = []
        values = headline_values(self)
        for measure in MEASURES.values():
            found = interval(values[measure.id], measure.low, measure.high)
            rows.append((measure.id, measure.unit, *found))
        return pd.DataFrame(rows, columns=["measure", "unit", "value", "low", "high", "n"])

    @cached_property
    def observed(self) -> pd.DataFrame:
        """Each observed figure of the scenario beside the simulated one.

        Columns: `id`, `what`, `of` (ids, joined by `; `), `at` (id) and `party` (word, of
        interceptions that are of these parties alone), `date` and `since` (days),
        `observed` (people), `simulated` (people, mean over replicates), `low` and `high` (95 %
        t-interval of that mean; NaN with one replicate), `source` (source ids).

        Refugees are the citizens of `of` abroad with any status in `REFUGEE_STATUSES`; asylum
        seekers those with status claimant; the foreign-born those with any status, less who was
        born there since the start; displaced those so called within `of`. Stocks are taken on the
        last day of the record up to `date`, at most `SLACK_DAYS` earlier. Deaths, interceptions,
        kidnappings and separations of citizens of `of` are those on corridor `at`, or on the
        corridors into country `at` and within it, forced returns those from there and by country
        `at`; arrivals are theirs in country `at`, or at the other end of corridor `at`. They run
        from `since` (none: the start) to `date`; rows of which a part falls outside count in
        proportion to their days. What a record cannot tell is NaN: dates outside the run, tables
        that were not kept.
        """
        rows = []
        counts = _counts(self) if "stocks" in self.tables else {}
        for figure in self.scenario.observed:
            found = interval(_simulated(self, figure, counts), 0.0)
            rows.append(
                (
                    figure.id,
                    figure.what,
                    "; ".join(figure.of),
                    figure.at,
                    figure.party,
                    pd.Timestamp(figure.date),
                    pd.Timestamp(figure.since) if figure.since else pd.NaT,
                    figure.people,
                    found.value,
                    found.low,
                    found.high,
                    "; ".join(figure.source),
                )
            )
        columns = ["id", "what", "of", "at", "party", "date", "since"]
        columns += ["observed", "simulated", "low", "high", "source"]
        frame = pd.DataFrame(rows, columns=columns)
        for name in ("date", "since"):
            frame[name] = frame[name].astype("datetime64[us]")
        for name in ("observed", "simulated", "low", "high"):
            frame[name] = frame[name].astype("float64")
        return frame

    def against(self, base: Record) -> pd.DataFrame:
        """What this run's measures achieve and cost, over another's, paired by replicate.

        Columns: `figure` (word), `threat` (one of the seven; `death`: years of life lost before the
        end, each at severity 1; `all`: these eight together), `unit`, `value` (mean over
        replicates), `low` and `high` (95 % interval of that mean; NaN with one replicate), `n`
        (replicates).

        Figures are `averted` (insecurity-years of the base less those of this run),
        `averted_3pct` (`death` alone, discounted to the day of death), `extra_spending` (of this
        run, less the base's), `cost_per_year` (the one over the other: a ratio of means, by
        Fieller's interval; NaN where nothing is averted).

        Args:
            base: the run without the measures.

        Raises:
            UnlikeRunsError: the runs differ in seeds, people at the start, period or currency.
            NoTableError: one did not keep `insecurity`, `harms` or `spending`.
        """
        refuse_unlike(self, base)
        there, here = _insecure_years(base), _insecure_years(self)
        averted = {name: there[name] - here[name] for name in there}
        discounted = averted.pop("death_3pct")
        extra = per_replicate(self, self.spending, "amount")
        extra = extra - per_replicate(base, base.spending, "amount")
        currency = self.scenario.money.currency
        rows: list[tuple[Any, ...]] = [
            ("averted", name, "years", *interval(years)) for name, years in averted.items()
        ]
        rows.append(("averted_3pct", "death", "years", *interval(discounted)))
        rows.append(("extra_spending", "all", currency, *interval(extra)))
        rows += [
            ("cost_per_year", name, f"{currency} a year", *ratio_interval(extra, years))
            for name, years in averted.items()
        ]
        columns = ["figure", "threat", "unit", "value", "low", "high", "n"]
        return pd.DataFrame(rows, columns=columns)

    def save(self, directory: str | Path) -> Path:
        """Write the run to a folder, whole or not at all.

        Args:
            directory: the run's folder; an earlier run in it is replaced.

        Returns:
            The folder.

        Raises:
            StoreError: the folder is not a run's, or cannot be written.
        """
        from sim.store import save  # the store knows the record, not the other way round

        return save(self, directory)


def refuse_unlike(record: Record, base: Record) -> None:
    """Refuse two runs whose replicates are not pairs: the same people with the same luck.

    Raises:
        UnlikeRunsError: they differ in seeds, people at the start, period or currency.
    """
    mine, other = record.scenario, base.scenario
    if record.manifest.get("seeds") != base.manifest.get("seeds"):
        pair = " and ".join(f"{it.seed} (replicates: {it.replicates})" for it in (record, base))
        raise UnlikeRunsError(f"the runs differ in seeds: {pair}")
    for what, here, there in (
        ("replicates", record.replicates, base.replicates),
        ("agents", record.manifest.get("agents"), base.manifest.get("agents")),
        ("people at the start", record.manifest.get("people"), base.manifest.get("people")),
        ("first day", mine.time.start, other.time.start),
        ("last day", mine.time.end, other.time.end),
        ("money", record.money_unit, base.money_unit),
        *(
            (f"people at the start {who}", at_start.get(who, 0.0), in_base.get(who, 0.0))
            for at_start, in_base in [(_people_at_start(mine), _people_at_start(other))]
            for who in dict.fromkeys([*at_start, *in_base])
        ),
    ):
        if here != there:
            raise UnlikeRunsError(f"the runs differ in {what}: {here} and {there}")


def _people_at_start(scenario: Scenario) -> dict[str, float]:
    """Give the people of each place, and those from each country in each other."""
    living = {f"in {place.id}": place.people for place in scenario.places}
    stocks = {f"from {it.from_} in {it.to}": it.people for it in scenario.stocks}
    return living | stocks


def per_replicate(record: Record, frame: pd.DataFrame, column: str) -> Values:
    """Sum a column for each replicate, zero where a replicate has no row.

    Returns:
        One value a replicate, in the column's unit.
    """
    which = frame["replicate"].to_numpy(dtype=np.int64)
    amounts = frame[column].to_numpy(dtype=np.float64)
    return np.bincount(which, amounts, minlength=record.replicates).astype(np.float64)


def country_of(record: Record) -> dict[str, str]:
    """Give the country id of each place id."""
    return {place.id: place.country for place in record.scenario.places}


def _to_country(record: Record, places: pd.Series[Any]) -> pd.Series[Any]:
    """Give the country id of each row's place."""
    where = country_of(record)
    if not isinstance(places.dtype, pd.CategoricalDtype):
        return places.map(where)
    # By category, not by row: tables are long and places few. Code -1 is a missing place.
    names = np.array([*(where.get(it) for it in places.cat.categories), None], dtype=object)
    return pd.Series(names[places.cat.codes.to_numpy()], index=places.index, dtype=object)


def abroad(record: Record, flows: pd.DataFrame) -> pd.Series[bool]:
    """Tell which rows of a flow table cross a border."""
    return _to_country(record, flows["origin"]) != _to_country(record, flows["destination"])


def outside(record: Record, stocks: pd.DataFrame) -> pd.Series[bool]:
    """Tell which rows of a stock table are people outside their country of citizenship."""
    return _to_country(record, stocks["place"]) != stocks["citizenship"].astype(object)


def at_end(record: Record, frame: pd.DataFrame) -> pd.DataFrame:
    """Keep the rows of a stock table's last day (none, if nobody was left to count)."""
    ends = [
        kept["date"].max()
        for name, kept in record.tables.items()
        if TABLES[name].date == "last" and len(kept)
    ]
    last: pd.DataFrame = frame[frame["date"] == max(ends, default=pd.NaT)]
    return last


def horizon(record: Record) -> pd.Timestamp:
    """Give the first moment after the simulated period."""
    return pd.Timestamp(record.scenario.time.end) + pd.Timedelta(days=1)


def _ratio(part: Values, whole: Values) -> Values:
    """Divide, NaN where there is nothing to divide by."""
    share = np.full(len(whole), np.nan)
    np.divide(part, whole, out=share, where=whole > 0)
    return share


def headline_values(record: Record) -> dict[str, Values]:
    """Give each headline figure by replicate; NaN where its table was not kept.

    Returns:
        By id of `MEASURES`, one value a replicate.
    """
    values = {name: np.full(record.replicates, np.nan) for name in MEASURES}
    families: tuple[tuple[tuple[str, ...], Callable[[Record], dict[str, Values]]], ...] = (
        (("flows",), _moves),
        (("answers",), _answers),
        (("blocked",), _blocked),
        (("stocks",), _stocks),
        (("harms",), _harms),
        (("harms", "flows"), _harm_ratios),
        (("vital",), _vital),
        (("insecurity",), _insecurity),
        (("insecurity", "account"), _secure),
        (("flows", "stocks"), _orderly),
    )
    for needed, family in families:
        if all(name in record.tables for name in needed):
            values.update(family(record))
    return values


def _moves(record: Record) -> dict[str, Values]:
    flows = record.flows
    crossing = abroad(record, flows)
    entered = per_replicate(record, flows[crossing], "arrived")
    irregular = per_replicate(
        record, flows[crossing & (flows["channel"] == "irregular")], "arrived"
    )
    return {
        "moved_abroad": entered,
        "moved_within": per_replicate(record, flows[~crossing], "arrived"),
        "regular": 1 - _ratio(irregular, entered),
    }


def _answers(record: Record) -> dict[str, Values]:
    answers = record.answers
    values = {}
    for answer in Answer:
        rows = answers[answers["answer"] == answer.name]
        values[f"{answer.name}_heads"] = per_replicate(record, rows, "heads")
        if answer in (Answer.choice, Answer.necessity):
            values[f"{answer.name}_people"] = per_replicate(record, rows, "people")
    movers = values["choice_people"] + values["necessity_people"]
    values["necessity_share"] = _ratio(values["necessity_people"], movers)
    return values


def _blocked(record: Record) -> dict[str, Values]:
    last = at_end(record, record.blocked)
    return {
        f"blocked_{answer}": per_replicate(record, last[last["answer"] == answer], "people")
        for answer in ("no_means", "no_permission")
    }


def _stocks(record: Record) -> dict[str, Values]:
    last = at_end(record, record.stocks)
    foreign = outside(record, last)
    return {
        name: per_replicate(record, last[where & (last["status"] == status)], "people")
        for name, status, where in (
            ("refugees_abroad", "refugee", foreign),
            ("claimants_abroad", "claimant", foreign),
            ("displaced", "displaced", ~foreign),
        )
    }


def _harms(record: Record) -> dict[str, Values]:
    harms = record.harms
    values = {
        f"harm_{harm.name}": per_replicate(record, harms[harms["harm"] == harm.name], "people")
        for harm in Harm
    }
    deaths = harms[harms["harm"] == "death"]
    left = ((horizon(record) - deaths["date"]).dt.days / DAYS_A_YEAR).clip(lower=0)
    lost = pd.DataFrame(
        {
            "replicate": deaths["replicate"],
            "plain": deaths["people"] * left,
            "discounted": deaths["people"] * -np.expm1(-DISCOUNT * left) / DISCOUNT,
        }
    )
    values["life_years_lost"] = per_replicate(record, lost, "plain")
    values["life_years_lost_3pct"] = per_replicate(record, lost, "discounted")
    return values


def _harm_ratios(record: Record) -> dict[str, Values]:
    harms, flows = record.harms, record.flows
    risky = flows[flows["channel"].isin(["irregular", "asylum"])]
    deaths = per_replicate(record, harms[harms["harm"] == "death"], "people")
    harmed = per_replicate(record, harms, "people")
    departed = per_replicate(record, flows[abroad(record, flows)], "departed")
    return {
        "death_rate": 1000 * _ratio(deaths, per_replicate(record, risky, "departed")),
        "humane": np.maximum(1 - _ratio(harmed, departed), 0),
    }


def _insecure_years(record: Record) -> dict[str, Values]:
    """Give insecurity-years by threat, years of life lost as a threat of its own, and their sum."""
    felt = record.insecurity
    lost = _harms(record)
    values = {
        threat.name: per_replicate(record, felt[felt["threat"] == threat.name], "person_years")
        for threat in Threat
    }
    values["death"] = lost["life_years_lost"]
    total = np.sum(list(values.values()), axis=0)
    return values | {"all": total, "death_3pct": lost["life_years_lost_3pct"]}


def _vital(record: Record) -> dict[str, Values]:
    vital = record.vital
    return {
        name: per_replicate(record, vital[vital["event"] == event], "people")
        for name, event in (("births", "birth"), ("natural_deaths", "death"))
    }


def _insecurity(record: Record) -> dict[str, Values]:
    return {"insecurity_years": per_replicate(record, record.insecurity, "person_years")}


def _secure(record: Record) -> dict[str, Values]:
    felt = per_replicate(record, record.insecurity, "person_years")
    return {"secure": 1 - _ratio(felt, len(Threat) * person_years(record))}


def _orderly(record: Record) -> dict[str, Values]:
    flows, stocks = record.flows, record.stocks
    entered = flows[abroad(record, flows)]
    by_leave = entered[entered["channel"].isin(["labour", "family", "home", "free", "relocation"])]
    for_asylum = per_replicate(record, entered[entered["channel"] == "asylum"], "arrived")
    seekers = stocks[outside(record, stocks) & stocks["status"].isin(["refugee", "claimant"])]
    protected = per_replicate(record, seekers[seekers["status"] == "refugee"], "people")
    decided = np.nan_to_num(_ratio(protected, per_replicate(record, seekers, "people")), nan=1.0)
    orderly = per_replicate(record, by_leave, "arrived") + for_asylum * decided
    return {"orderly": _ratio(orderly, per_replicate(record, entered, "arrived"))}


def person_years(record: Record) -> Values:
    """Give the years lived by all people during the run, from the account of people.

    Returns:
        Person-years, one value a replicate.
    """
    account = record.account
    alive = account[account["activity"] != "dead"]
    spans = record.periods
    days = alive["date"].map(
        {
            after - pd.Timedelta(days=1): days
            for after, days in zip(spans["after"], spans["days"], strict=True)
        }
    )
    lived = pd.DataFrame(
        {"replicate": alive["replicate"], "years": alive["people"] * days.fillna(0) / DAYS_A_YEAR}
    )
    return per_replicate(record, lived, "years")


def _simulated(
    record: Record, figure: Observed, counts: Mapping[pd.Timestamp, list[_Count]]
) -> Values:
    """Give what the run says about an observed figure, one value a replicate."""
    if figure.what in STOCKS_OBSERVED:
        return _stock_figure(record, figure, counts)
    needed = "harms" if figure.what in HARMS_OBSERVED else "flows"
    if figure.party is not None:
        needed = "interceptions"
    if _at_corridor(record, figure):
        needed = "crossings"
    if needed not in record.tables:
        return np.full(record.replicates, np.nan)
    return _flow_figure(record, figure)


def _at_corridor(record: Record, figure: Observed) -> bool:
    """Tell whether a figure is of arrivals through a corridor rather than in a country."""
    return figure.what == "arrivals" and figure.at in {it.id for it in record.scenario.corridors}


class _Count(NamedTuple):
    """One row of `stocks`, with the country of stay."""

    replicate: int
    country: str
    citizenship: str
    status: str
    people: int


def _counts(record: Record) -> dict[pd.Timestamp, list[_Count]]:
    """Give the rows of `stocks` on each day that an observed stock is compared with.

    Dozens of figures share a few days: looking at a day's rows one by one costs less than
    selecting from the table for each figure.
    """
    stocks = record.stocks
    days = [pd.Timestamp(day) for day in stocks["date"].unique()]
    ends = {pd.Timestamp(figure.date) for figure in record.scenario.observed}
    counts = {}
    for day in {max(before) for end in ends if (before := [it for it in days if it <= end])}:
        rows = stocks[stocks["date"] == day]
        countries = _to_country(record, rows["place"])
        columns = (rows[name] for name in ("citizenship", "status", "people"))
        counts[day] = [
            _Count(*row) for row in zip(rows["replicate"], countries, *columns, strict=True)
        ]
    return counts


def _stock_figure(
    record: Record, figure: Observed, counts: Mapping[pd.Timestamp, list[_Count]]
) -> Values:
    end = pd.Timestamp(figure.date)
    taken = max((day for day in counts if day <= end), default=None)
    if taken is None or (end - taken).days > SLACK_DAYS:
        return np.full(record.replicates, np.nan)
    statuses = STOCKS_OBSERVED[figure.what]
    within = figure.what == "displaced"
    sums = np.zeros(record.replicates)
    for row in counts[taken]:
        if (
            row.citizenship in figure.of
            and row.status in statuses
            and (row.country == row.citizenship) == within
            and (within or figure.at in (None, row.country))
        ):
            sums[row.replicate] += row.people
    return sums - _born_there(record, figure, taken) if figure.what == "foreign_born" else sums


def _born_there(record: Record, figure: Observed, last: pd.Timestamp) -> Values:
    """Count births abroad to citizens of `of` up to a day: who is born there is no foreign-born.

    That few of these children leave or die before is our assumption; `stocks` cannot tell them
    apart.
    """
    if "vital" not in record.tables:
        return np.full(record.replicates, np.nan)
    births = record.vital
    births = births[(births["event"] == "birth") & (births["date"] <= last)]
    births = births[births["citizenship"].isin(figure.of)]
    where = _to_country(record, births["place"])
    abroad_ = where != births["citizenship"].astype(object)
    there = abroad_ if figure.at is None else abroad_ & (where == figure.at)
    return per_replicate(record, births[there], "people")


def _flow_figure(record: Record, figure: Observed) -> Values:
    start = pd.Timestamp(figure.since or record.scenario.time.start)
    after = pd.Timestamp(figure.date) + pd.Timedelta(days=1)
    unknown = after <= pd.Timestamp(record.scenario.time.start) or start >= horizon(record)
    if unknown:
        return np.full(record.replicates, np.nan)
    if _at_corridor(record, figure):
        frame, column = record.crossings, "people"
        frame = frame[(frame["corridor"] == figure.at) & frame["citizenship"].isin(figure.of)]
    elif figure.what in HARMS_OBSERVED:
        column = "people"
        if figure.party is None:
            frame = record.harms
            frame = frame[frame["harm"] == HARMS_OBSERVED[figure.what]]
        else:
            frame = record.interceptions
            frame = frame[frame["party"] == figure.party]
        frame = frame[frame["citizenship"].isin(figure.of)]
        if figure.at is not None:
            places = country_of(record)
            wanted = [figure.at] + [
                corridor.id
                for corridor in record.scenario.corridors
                if figure.at in (corridor.id, places[corridor.to])
            ]
            frame = frame[frame["corridor"].isin(wanted)]
    else:
        frame, column = record.flows, "arrived"
        frame = frame[abroad(record, frame)]
        frame = frame[frame["citizenship"].isin(figure.of)]
        if figure.at is not None:
            frame = frame[_to_country(record, frame["destination"]) == figure.at]
    spans = record.periods
    starts, ends = spans["first"].to_numpy(), spans["after"].to_numpy()
    overlap = np.minimum(ends, after.to_datetime64()) - np.maximum(starts, start.to_datetime64())
    days = np.maximum(overlap / np.timedelta64(1, "D"), 0.0)
    part = dict(zip(spans["first"], days / spans["days"], strict=True))
    weight = frame["date"].map(part).fillna(0).astype(float)
    counted = pd.DataFrame({"replicate": frame["replicate"], "people": frame[column] * weight})
    return per_replicate(record, counted, "people")
