"""Draws the initial population: age, sex, education, wealth, group, household and kin.

Every attribute is a pure function of (seed, id), and an id is a function of (place, ordinal): a
place added to the scenario changes no one elsewhere.
"""

from __future__ import annotations

import math
from functools import cache
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from sim.core.rng import Draw, key_of, mixed_array, name_hash, uniform_array
from sim.core.state import F64, I64, LONG_AGO, NOBODY, U64, Households, Persons
from sim.core.terms import Activity, Education, Status
from sim.model.declare import Mechanism

if TYPE_CHECKING:
    from sim.schema import Country, Place, Profile, Scenario

HOUSEHOLD_SIZE = Draw("household_size", 3)
SEX_AND_AGE = Draw("demography", 4)
GROUP = Draw("group", 5)
EDUCATION = Draw("education", 6)
WEALTH = Draw("wealth", 7)
TASTE = Draw("taste", 8)
KIN = Draw("kin", 9)
ABROAD = Draw("abroad", 10)

ADULT = 18
OLDEST = 95
SCHOOLED = 15
"""Age in years from which people have a level of education."""


def gini_to_sigma(gini: float) -> float:
    """Sigma of the lognormal with a given Gini: sigma = sqrt(2) Phi^-1((G + 1) / 2).

    Source: Aitchison & Brown (1957).
    """
    return math.sqrt(2.0) * NormalDist().inv_cdf((gini + 1.0) / 2.0)


@cache
def normal_table() -> F64:
    """[65536] standard normal deviate at the middle of each wealth rank; read-only."""
    distribution = NormalDist()
    coarse = np.array([distribution.inv_cdf((i + 0.5) / 4096) for i in range(4096)])
    ranks = (np.arange(65536) + 0.5) / 65536
    table = np.asarray(np.interp(ranks, (np.arange(4096) + 0.5) / 4096, coarse))
    table.flags.writeable = False
    return table


def household_sizes(draws: F64, mean: float) -> I64:
    """Sizes 1 + Poisson(mean - 1), at most 12 (our assumption), by inversion."""
    rate = mean - 1.0
    term = math.exp(-rate)
    total = term
    sizes = np.ones(draws.shape, np.int64)
    for k in range(1, 12):
        sizes += draws > total
        term *= rate / k
        total += term
    return np.minimum(sizes, 12)


def ages(profile: Profile, heads: np.ndarray, draws: F64) -> F64:
    """Ages in years: heads are adults; the others fill up the profile's age shares.

    The density is uniform from 0 to 14. It continues at the same level at 15, changes linearly to
    64 so as to match the shares, and falls linearly from 65 (our assumption).
    """
    mean = profile.household_size
    head_share = 1.0 / mean
    old = profile.over_65
    young = min(profile.under_15 / max(1.0 - head_share, 1e-9), 1.0)
    # Persons per year of age: at 15, on average from 15 to 64, and at 65.
    at_15, middle = profile.under_15 / 15.0, max(1.0 - profile.under_15 - old, 1e-9) / 50.0
    at_65 = max(2.0 * middle - at_15, 2.0 * old / (OLDEST - 65.0))
    end = min(max(at_65 / max(2.0 * middle - at_65, 1e-9), 0.1), 3.0)
    youths = 3.0 / 50.0 * 2.0 / (1.0 + end) * (1.0 - profile.under_15 - old)
    adult_old = min(old / max(1.0 - profile.under_15 - youths, 1e-9), 1.0)

    def thinning(u: F64, low: float, high: float, end: float) -> F64:
        # Density falls linearly from 1 at `low` to `end` at `high`.
        a = (end - 1.0) / 2.0
        u = np.clip(u, 0.0, 1.0)
        x = u if a == 0 else (-1.0 + np.sqrt(1.0 + 4.0 * a * u * (1.0 + a))) / (2.0 * a)
        return np.asarray(low + (high - low) * x)

    head_ages = np.where(
        draws < adult_old,
        thinning(draws / max(adult_old, 1e-12), 65.0, OLDEST, 0.05),
        thinning((draws - adult_old) / max(1.0 - adult_old, 1e-12), ADULT, 65.0, end),
    )
    rest = np.clip((draws - young) / max(1.0 - young, 1e-12), 0.0, 1.0)
    other_ages = np.where(
        draws < young,
        15.0 * draws / max(young, 1e-12),
        np.where(
            rest < adult_old,
            thinning(rest / max(adult_old, 1e-12), 65.0, OLDEST, 0.05),
            thinning((rest - adult_old) / max(1.0 - adult_old, 1e-12), 15.0, 65.0, end),
        ),
    )
    return np.where(heads, head_ages, other_ages)


def pick(shares: F64, draws: F64) -> I64:
    """Index of the share in which each draw falls."""
    edges = np.cumsum(shares)
    return np.minimum(np.searchsorted(edges / edges[-1], draws, side="right"), len(shares) - 1)


def draw_education(profile: Profile, seed: int, pid: U64) -> I64:
    """[n] level of education of persons who are old enough to have one."""
    return pick(np.array(profile.education), uniform_array(key_of(seed, EDUCATION), pid))


def draw_taste(scenario: Scenario, seed: int, pid: U64) -> I64:
    """[n] latent taste class of persons."""
    shares = np.array([one.share for one in scenario.decision.classes])
    return pick(shares, uniform_array(key_of(seed, TASTE), pid))


def group_index(scenario: Scenario) -> dict[str, int]:
    """Index of every group; 0 stands for people in no group."""
    return {group.id: i + 1 for i, group in enumerate(scenario.groups)}


def weight_of(place: Place) -> int:
    """People that each person from a place represents."""
    return place.people_per_agent or 1


def weights_of(scenario: Scenario) -> I64:
    """[place] people that each person from it represents."""
    return np.array([weight_of(place) for place in scenario.places], np.int64)


def _diaspora(scenario: Scenario) -> list[tuple[str, int, int, float]]:
    """People living abroad at the start, as (id, home, place, people)."""
    rows = []
    for stock in scenario.stocks:
        homes = [(i, p.people) for i, p in enumerate(scenario.places) if p.country == stock.from_]
        hosts = [
            (i, p.people)
            for i, p in enumerate(scenario.places)
            if p.country == stock.to and p.kind != "camp"
        ]
        n_home, n_host = sum(n for _, n in homes), sum(n for _, n in hosts)
        if n_home <= 0 or n_host <= 0:
            continue
        for home, a in homes:
            for host, b in hosts:
                name = f"{scenario.places[home].id}:{scenario.places[host].id}"
                rows.append((name, home, host, stock.people * a / n_home * b / n_host))
    return rows


def batches(scenario: Scenario, seed: int) -> list[tuple[str, int, int, int]]:
    """Batches of the initial population with one home and one place: (id, home, place, rows).

    Args:
        scenario: A resolved scenario.
        seed: Seed of the run.
    """
    diaspora = _diaspora(scenario)
    foreigners = np.zeros(len(scenario.places))
    for _, _, host, people in diaspora:
        foreigners[host] += people
    groups = [
        (f"place:{place.id}", i, i, max(place.people - foreigners[i], 0.0))
        for i, place in enumerate(scenario.places)
    ] + [(f"stock:{name}", home, host, people) for name, home, host, people in diaspora]
    result = []
    for name, home, host, people in groups:
        # Random rounding keeps the expected number of rows, also for stocks below one row.
        exact = people / weight_of(scenario.places[home])
        rounding = float(
            uniform_array(key_of(seed, ABROAD), np.array([name_hash("batch", name)]))[0]
        )
        n = math.floor(exact + (0.5 if name.startswith("place:") else rounding))
        if n > 0:
            result.append((name, home, host, n))
    return result


def populate(scenario: Scenario, seed: int) -> tuple[Households, Persons]:
    """Draw all households and persons of a resolved scenario.

    Args:
        scenario: A resolved scenario.
        seed: Seed of the run.

    Returns:
        The households, and their members in contiguous rows, heads first. Means are zero; they are
        set after exposure to threats is drawn.
    """
    countries = {country.id: country for country in scenario.countries}
    households: list[Households] = []
    persons: list[Persons] = []
    n_households = n_persons = 0
    for name, home, host, n in batches(scenario, seed):
        country = countries[scenario.places[home].country]
        theirs, people = _batch(
            scenario, country, seed, name, home, host, n, n_households, n_persons
        )
        households.append(theirs)
        persons.append(people)
        n_households += len(theirs.ident)
        n_persons += n
    return (
        Households(*(np.concatenate(column) for column in zip(*households, strict=True))),
        Persons(*(np.concatenate(column) for column in zip(*persons, strict=True))),
    )


def _batch(
    scenario: Scenario, country: Country, seed: int, name: str, home: int, host: int, n: int,
    first_household: int, first_person: int,
) -> tuple[Households, Persons]:  # fmt: skip
    """Draw n people of one origin who live in one place; rows of both tables begin at numbers."""
    profile = country.profile
    assert profile is not None
    place = scenario.places[home]
    base = np.uint64(name_hash("people", name))
    ordinal = np.arange(n, dtype=np.uint64)
    pid = mixed_array(mixed_array(ordinal) ^ base)

    sizes = household_sizes(
        uniform_array(key_of(seed, HOUSEHOLD_SIZE), pid), profile.household_size
    )
    # Household j has the j-th size drawn; the last one is cut to fit.
    ends = np.cumsum(sizes)
    n_households = int(np.searchsorted(ends, n) + 1)
    starts = np.concatenate([[0], ends[: n_households - 1]])
    household_of = np.repeat(np.arange(n_households), np.diff(np.concatenate([starts, [n]])))
    is_head = np.zeros(n, bool)
    is_head[starts] = True
    following = np.arange(1, n + 1, dtype=np.uint32) + np.uint32(first_person)
    following[np.append(starts[1:] - 1, n - 1)] = NOBODY

    def draw(kind: Draw, of: U64 = pid, when: int = 0) -> F64:
        return uniform_array(key_of(seed, kind, when), of)

    ident = pid[starts]
    years = ages(profile, is_head, draw(SEX_AND_AGE))
    sex = draw(SEX_AND_AGE, when=1) < profile.women
    second = np.zeros(n, bool)
    after = starts + 1
    second[after[(after < n)]] = ~is_head[after[after < n]]
    # The second adult of a household has the opposite sex to the head (our assumption).
    partner = second & (years >= ADULT)
    sex[partner] = ~sex[np.flatnonzero(partner) - 1]
    education = draw_education(profile, seed, pid)
    education = np.where(years < SCHOOLED, int(Education.none), education)
    # Group and wealth rank belong to the household; the taste class belongs to the person.
    index = group_index(scenario)
    names = sorted(g for g in place.groups if g != "other")
    shares = np.array([place.groups[g] for g in names] + [0.0])
    shares[-1] = max(1.0 - shares.sum(), 0.0)
    codes = np.array([index[g] for g in names] + [0])
    group = codes[pick(shares, draw(GROUP, ident))]
    rank = (draw(WEALTH, ident) * 65536).astype(np.uint16)
    taste = draw_taste(scenario, seed, pid)
    kin = _kin(scenario, country, draw(KIN, ident), draw(KIN, ident, 1))
    abroad = scenario.places[host].country != place.country
    citizenship = [it.id for it in scenario.countries].index(country.id)
    m = n_households
    households = Households(
        ident=ident,
        head=(starts + first_person).astype(np.uint32),
        relative=(np.arange(m) + first_household).astype(np.uint32),
        weight=np.full(m, weight_of(place), np.uint32),
        means=np.zeros(m, np.float32),
        home=np.full(m, home, np.uint16),
        place=np.full(m, host, np.uint16),
        moved=np.full(m, LONG_AGO, np.int16),
        blocked_on=np.full(m, LONG_AGO, np.int16),
        rank=rank,
        size=np.bincount(household_of, minlength=m).astype(np.uint16),
        citizenship=np.full(m, citizenship, np.uint8),
        group=group.astype(np.uint8),
        kin=kin.astype(np.uint8),
        status=np.full(m, int(Status.regular if abroad else Status.citizen), np.uint8),
        activity=np.full(m, int(Activity.resident), np.uint8),
        flags=np.zeros(m, np.uint8),
        mask=np.zeros(m, np.uint8),
        came=np.zeros(m, np.uint8),
        uprooted=np.zeros(m, np.uint8),
    )
    persons = Persons(
        pid=pid,
        household=(household_of + first_household).astype(np.uint32),
        next=following,
        born=(-np.floor(years * 12) - 1).astype(np.int16),
        traits=(sex + 2 * education + 16 * taste).astype(np.uint8),
        past=np.zeros(n, np.uint8),
    )
    return households, persons


def _kin(scenario: Scenario, country: Country, has: F64, where: F64) -> I64:
    """Country (+ 1) in which a household has close family, 0 for none.

    A household has kin abroad with probability kin x emigrants / people of the origin, at most .9
    (our assumption); the country is drawn in proportion to the stocks.
    """
    number = {c.id: i for i, c in enumerate(scenario.countries)}
    # Sorted by id, so that the order in the file does not matter.
    names = sorted(number)
    stocks = np.zeros(len(names))
    for stock in scenario.stocks:
        if stock.from_ == country.id:
            stocks[names.index(stock.to)] += stock.people
    people = sum(p.people for p in scenario.places if p.country == country.id)
    if stocks.sum() <= 0 or people <= 0:
        return np.zeros(has.shape, np.int64)
    share = min(0.9, scenario.journey.kin * stocks.sum() / people)
    codes = np.array([number[name] + 1 for name in names])
    return np.where(has < share, codes[pick(stocks, where)], 0)


MECHANISM = Mechanism(
    "populate",
    "draws the initial population",
    draws=(HOUSEHOLD_SIZE, SEX_AND_AGE, GROUP, EDUCATION, WEALTH, TASTE, KIN, ABROAD),
)
