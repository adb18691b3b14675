"""Words and numbers for readers: names of figures, counts, money, dates and places."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final
from weakref import WeakKeyDictionary

import pandas as pd

from sim.core.state import DAYS_A_YEAR
from sim.results.record import Record
from sim.results.rows import is_few
from sim.results.run import horizon
from sim.results.tables import FEW
from sim.schema import Country, Place, Scenario

ANSWER_WORDS: Final[Mapping[str, str]] = {
    "choice": "move by choice",
    "necessity": "move of necessity",
    "no_means": "cannot pay",
    "no_permission": "refused permission",
    "stays": "stay",
}
MOSTLY: Final[Mapping[str, str]] = {
    "necessity": "mostly of necessity",
    "choice": "mostly by choice",
    "both": "both, about alike",
}
"""What most of a flow moved by; `AS_COUNTED` goes with it."""
AS_COUNTED: Final = "Necessity and choice: as the model counts them, not as people say."
"""That no one was asked."""
HARM_WORDS: Final[Mapping[str, str]] = {
    "death": "died",
    "violence": "suffered violence",
    "extortion": "extorted",
    "kidnapping": "held captive",
    "interception": "intercepted",
    "detention": "detained",
    "stranding": "stranded",
    "forced_return": "returned by force",
    "prosecution": "prosecuted",
    "bribe": "paid officials",
    "separation": "separated",
}
MEASURE_WORDS: Final[Mapping[str, str]] = {
    "moved_abroad": "arrived abroad",
    "moved_within": "arrived within a country",
    "choice_households": "households moved by choice",
    "necessity_households": "households moved of necessity",
    "no_means_households": "households that cannot pay",
    "no_permission_households": "households refused permission",
    "stays_households": "households that stay",
    "choice_people": "moved by choice",
    "necessity_people": "moved of necessity",
    "necessity_share": "share moved of necessity",
    "blocked_no_means": "people who cannot pay",
    "blocked_no_permission": "people refused permission",
    "refugees_abroad": "refugees abroad",
    "claimants_abroad": "asylum seekers abroad",
    "displaced": "displaced within",
    "harm_death": "expected deaths",
    "harm_violence": "expected violence",
    "harm_extortion": "expected extortion",
    "harm_kidnapping": "expected kidnappings",
    "harm_interception": "expected interceptions",
    "harm_detention": "expected detentions",
    "harm_stranding": "expected to be stranded",
    "harm_forced_return": "expected forced returns",
    "harm_prosecution": "expected prosecutions",
    "harm_bribe": "expected bribes",
    "harm_separation": "expected separations",
    "death_rate": "deaths per 1,000 journeys",
    "births": "born",
    "natural_deaths": "died a natural death",
    "insecurity_years": "insecurity-years",
    "life_years_lost": "life years lost",
    "life_years_lost_3pct": "life years lost, at 3 %",
    "secure": "secure",
    "orderly": "orderly",
    "regular": "regular",
    "humane": "humane",
}
"""Headline figures, short enough for a row or a legend."""
PARTIES: Final[Mapping[str, str]] = {
    "adults": "adults alone", "families": "families", "children_alone": "children alone",
}  # fmt: skip
"""Who travels, in words."""
CHANNEL_WORDS: Final[Mapping[str, str]] = {
    "labour": "labour",
    "family": "family",
    "asylum": "asylum",
    "irregular": "irregular",
    "internal": "within the country",
    "home": "return home",
    "free": "free movement",
    "relocation": "relocation",
}
WITH_ARTICLE: Final = re.compile(
    r"^(United|Netherlands|Philippines|Bahamas|Gambia|Maldives|Comoros|Seychelles)\b"
    r"|^(?!The ).*\b(Republic|Islands|Emirates|States|Federation|Kingdom|Territory|Union)\b"
)
"""Names that take an article in a sentence."""


LONGEST_TITLE: Final = 160
"""Characters of a scenario's title under a picture; longer ones would take the room of it."""


def source_line(record: Record) -> str:
    """Say where a picture comes from: scenario, seed, replicates."""
    name = record.scenario.title or record.scenario.name
    if len(name) > LONGEST_TITLE:
        name = f"{name[:LONGEST_TITLE].rstrip()}…"
    times = f", mean of {record.replicates} replicates" if record.replicates > 1 else ""
    return f"{name}, seed {record.seed}{times}"


LONGEST_NAME: Final = 60
"""Characters of the name of a country or place: a map leaves out a label that it has no room for,
figures included."""


def short_name(part: Country | Place) -> str:
    """Give the name of a country or place as pictures print it; its id where it has none."""
    name = part.name or part.id
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME].rstrip()}…"


def words(number: float) -> str:
    """Write a count for reading: at most three figures, millions as M.

    Args:
        number: a count of people, moves or money.

    Returns:
        `0`, `870`, `42,100`, `1.6 M`, `81 M`, `1.4 bn`; `–` for NaN.
    """
    if number != number:
        return "–"
    size = abs(number)
    sign = "-" if number < 0 else ""
    if 0 < size < 10 and size != round(size):
        return f"{sign}{size:.1f}"
    rounded = float(f"{size:.3g}")
    for unit, word in ((1e9, "bn"), (1e6, "M")):
        if rounded >= unit:
            scaled = size / unit
            return f"{sign}{scaled:,.0f} {word}" if scaled >= 20 else f"{sign}{scaled:.1f} {word}"
    return f"{sign}{rounded:,.0f}"


FEW_WORDS: Final = f"~: rests on fewer than {FEW} simulated persons"
"""What the mark means, in a line."""


def marked(text: str, rows: float) -> str:
    """Mark a figure that rests on few simulated persons."""
    return f"~{text}" if is_few(rows) else text


def people(number: float) -> str:
    """Write a count of people, with the word that fits it."""
    return "1 person" if round(number) == 1 else f"{words(number)} people"


def money(record: Record, number: float) -> str:
    """Write money with its currency and the year of its prices."""
    return f"{words(number)} {record.money_unit}"


def spent(record: Record) -> pd.Series[float]:
    """Public money a replicate by item, the most expensive first."""
    frame = record.spending
    sums = frame.groupby(frame["item"].astype(str))["amount"].sum() / record.replicates
    return sums.sort_values(ascending=False, kind="stable")


def capital(text: str) -> str:
    """Write the first letter large, and leave the others."""
    return text[:1].upper() + text[1:]


def figures(value: float, unit: str) -> str:
    """Write a headline figure in the precision that its unit deserves.

    Args:
        value: the figure.
        unit: `share` is written in per cent.

    Returns:
        Text without the unit, except for per cent.
    """
    if value != value:
        return "–"
    if unit == "share":
        return f"{100 * value:.1f} %"
    if unit == "per 1,000":
        return f"{value:.1f}"
    return words(value)


def month_word(day: pd.Timestamp) -> str:
    """Write a month, whatever the locale."""
    names = "January February March April May June July August September October November December"
    return f"{names.split()[day.month - 1]} {day.year}"


def span_words(scenario: Scenario) -> str:
    """Write the simulated period."""
    start, end = pd.Timestamp(scenario.time.start), pd.Timestamp(scenario.time.end)
    return f"{month_word(start)} to {month_word(end)}"


def months(record: Record) -> float:
    """Give the length of the simulated period in months of 30.44 days."""
    days = (horizon(record.scenario) - pd.Timestamp(record.scenario.time.start)).days
    return max(days, 1) / DAYS_A_YEAR * 12


def names(record: Record) -> Mapping[str, str]:
    """Give the name of every country, place and corridor by id, the id where it has none."""
    if record in _names:
        return _names[record]
    scenario = record.scenario
    found = {country.id: short_name(country) for country in scenario.countries}
    found.update({place.id: short_name(place) for place in scenario.places})
    for corridor in scenario.corridors:
        start, end = (found.get(it, it) for it in (corridor.from_, corridor.to))
        found.setdefault(corridor.id, f"{start} to {end}")
    _names[record] = found
    return found


def the(name: str) -> str:
    """Give the name of a country or place as a sentence has it: `the United States`, `Mexico`."""
    return f"the {name}" if WITH_ARTICLE.search(name) else name


def listed(names: Sequence[str]) -> str:
    """Write names as a sentence has them: `Syria, Iraq and Turkey`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


_names: WeakKeyDictionary[Record, Mapping[str, str]] = WeakKeyDictionary()
"""Names by run, kept since every row of a list asks for them."""
