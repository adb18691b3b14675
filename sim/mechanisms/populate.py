"""Draws the initial population: age, sex, education, wealth, group, household and kin.

Every attribute is a pure function of (seed, id), and an id is a function of (stratum, ordinal): a
place added to the scenario changes no one elsewhere.
"""

from __future__ import annotations

import math
from functools import cache
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.core.rng import Draw, key_of, mixed_array, name_hash, uniform_array
from sim.core.state import (
    CHILDREN,
    F64,
    I64,
    LONG_AGO,
    NOBODY,
    OLD,
    U64,
    WOMEN,
    Households,
    Persons,
)
from sim.core.terms import Activity, Education, Status
from sim.kernels.household import AGED, GROWN_UP
from sim.model.declare import Mechanism

if TYPE_CHECKING:
    from sim.schema import Country, Profile, Scenario

HOUSEHOLD_SIZE = Draw("household_size", 3)
SEX_AND_AGE = Draw("demography", 4)
GROUP = Draw("group", 5)
EDUCATION = Draw("education", 6)
WEALTH = Draw("wealth", 7)
TASTE = Draw("taste", 8)
KIN = Draw("kin", 9)
ORIGIN = Draw("origin", 10)

ADULT = 18
OLDEST = 95
LARGEST = 12
"""Members of the largest household at the start (our assumption)."""
FEW = 50
"""Simulated persons below which a stratum is made of whole households (our assumption)."""
SCHOOLED = 15
"""Age in years from which people have a level of education."""


def gini_to_sigma(gini: float) -> float:
    """Sigma of the lognormal with a given Gini: sigma = sqrt(2) Phi^-1((G + 1) / 2).

    Source: Aitchison & Brown (1957).
    """
    return math.sqrt(2.0) * NormalDist().inv_cdf((gini + 1.0) / 2.0)


@cache
def normal_deviates(n: int) -> F64:
    """[n] standard normal deviates at the middles of n equal shares; read-only."""
    distribution = NormalDist()
    table = np.array([distribution.inv_cdf((i + 0.5) / n) for i in range(n)])
    table.flags.writeable = False
    return table


def household_sizes(draws: F64, mean: float) -> I64:
    """Sizes 1 + Poisson(mean - 1), at most `LARGEST`, by inversion."""
    rate = mean - 1.0
    term = math.exp(-rate)
    total = term
    sizes = np.ones(draws.shape, np.int64)
    for k in range(1, LARGEST):
        sizes += draws > total
        term *= rate / k
        total += term
    return np.minimum(sizes, LARGEST)


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


def edges(shares: F64) -> F64:
    """[share] sum of each share and those before it, as a part of all."""
    sums = np.cumsum(shares)
    return np.asarray(sums / sums[-1])


def pick(shares: F64, draws: F64) -> I64:
    """Index of the share in which each draw falls."""
    return np.minimum(np.searchsorted(edges(shares), draws, side="right"), len(shares) - 1)


def draw_taste(scenario: Scenario, seed: int, pid: U64) -> I64:
    """[n] latent taste class of persons."""
    shares = np.array([one.share for one in scenario.decision.classes])
    return pick(shares, uniform_array(key_of(seed, TASTE), pid))


def group_index(scenario: Scenario) -> dict[str, int]:
    """Index of every group; 0 stands for people in no group."""
    return {group.id: i + 1 for i, group in enumerate(scenario.groups)}


class Stratum(NamedTuple):
    """People from one country who live in one place at the start."""

    name: str
    """Names their identities: nothing elsewhere in the file changes them."""
    country: int
    """Country that they are from."""
    homes: list[int]
    """Places of origin among which they are shared out, by people."""
    place: int
    """Place where they live."""
    people: float
    persons: float
    """Simulated persons aimed at; there may be more, so that nobody is left out."""


def weights_of(scenario: Scenario) -> I64:
    """[place] people aimed at that each simulated person from it represents."""
    return np.array([place.people_per_agent or 1 for place in scenario.places], np.int64)


def strata(scenario: Scenario) -> list[Stratum]:
    """Strata of the initial population: the natives of each place, and foreigners by country.

    A stock of foreigners is shared out over the places of their host country by people. Where
    someone comes from within their country is drawn by the people of its places.

    Args:
        scenario: A resolved scenario.
    """
    number = {it.id: i for i, it in enumerate(scenario.countries)}
    places, weight = scenario.places, weights_of(scenario)
    finer = scenario.population.resolution

    def persons(people: float, homes: list[int], place: int) -> float:
        shares = np.array([places[i].people for i in homes])
        each = float((shares / weight[homes]).sum() / shares.sum())
        times = finer.places.get(places[place].id, 1.0)
        return people * each * times * finer.origins.get(places[homes[0]].country, 1.0)

    natives = np.array([it.people for it in places], np.float64)
    foreigners = []
    for stock in scenario.stocks:
        # By id, so that the order in the file does not matter.
        homes = sorted(
            (i for i, it in enumerate(places) if it.country == stock.from_ and it.people > 0),
            key=lambda i: places[i].id,
        )
        hosts = [
            i
            for i, it in enumerate(places)
            if it.country == stock.to and it.kind != "camp" and it.people > 0
        ]
        if not homes or not hosts:
            continue
        everyone = sum(places[i].people for i in hosts)
        for host in hosts:
            people = stock.people * places[host].people / everyone
            natives[host] -= people
            name = f"stock:{stock.from_}:{places[host].id}"
            country = number[stock.from_]
            foreigners.append(
                Stratum(name, country, homes, host, people, persons(people, homes, host))
            )
    own = [
        Stratum(
            f"place:{it.id}", number[it.country], [i], i, natives[i], persons(natives[i], [i], i)
        )
        for i, it in enumerate(places)
        if it.people > 0
    ]
    return [it for it in own + foreigners if it.people >= 0.5]


def aimed_at(scenario: Scenario) -> tuple[F64, F64]:
    """([place] people at the start whose origin it is, [place] simulated persons aimed at)."""
    people = np.full(len(scenario.places), 1e-9)
    persons = people.copy()
    for stratum in strata(scenario):
        shares = np.array([scenario.places[i].people for i in stratum.homes])
        shares = shares / shares.sum()
        people[stratum.homes] += stratum.people * shares
        persons[stratum.homes] += max(stratum.persons, 1.0) * shares
    return people, persons


def draw_sizes(scenario: Scenario, seed: int, stratum: Stratum) -> tuple[U64, I64, int]:
    """Draw the households of a stratum.

    Of few, whole households are drawn, as many as come closest to the number of persons aimed at,
    but at least one. All persons of a stratum represent equally many people, so that together they
    are its people, to half a one for each of them.

    Args:
        scenario: A resolved scenario.
        seed: Seed of the run.
        stratum: The stratum.

    Returns:
        ([person] identities, [household] sizes, people that each person represents)
    """
    profile = scenario.countries[stratum.country].profile
    assert profile is not None
    base = np.uint64(name_hash("people", stratum.name))
    n = max(math.floor(stratum.persons + 0.5), 1)
    m = max(round(stratum.persons / profile.household_size), 1)
    few = n < FEW
    if not few:  # whole people a person, and as many persons as make up the people
        n = max(round(stratum.people / max(round(stratum.people / n), 1)), 1)
    most = m * LARGEST if few else n
    pid = mixed_array(mixed_array(np.arange(most, dtype=np.uint64)) ^ base)
    draws = uniform_array(key_of(seed, HOUSEHOLD_SIZE), pid)
    # Household j has the j-th size drawn.
    sizes = household_sizes(draws, profile.household_size)
    if few:
        sizes = sizes[:m]
        n = min(int(sizes.sum()), max(math.floor(stratum.people + 0.5), 1))
    # The last one is cut to fit.
    ends = np.cumsum(sizes)
    sizes = sizes[: int(np.searchsorted(ends, n) + 1)]
    sizes[-1] -= int(sizes.sum()) - n
    return pid[:n], sizes, max(round(stratum.people / n), 1)


def rows_of(scenario: Scenario, seed: int) -> tuple[I64, F64]:
    """([place] simulated persons whose origin it is, [place] people they represent)."""
    households, _ = populate(scenario, seed)
    n = len(scenario.places)
    rows = np.bincount(households.home, households.size, n).astype(np.int64)
    people = households.size * households.weight.astype(np.float64)
    return rows, np.asarray(np.bincount(households.home, people, n), np.float64)


def populate(scenario: Scenario, seed: int) -> tuple[Households, Persons]:
    """Draw all households and persons of a resolved scenario.

    Args:
        scenario: A resolved scenario.
        seed: Seed of the run.

    Returns:
        The households, and their members in contiguous rows, heads first. Means are zero; they are
        set after exposure to threats is drawn.
    """
    households: list[Households] = []
    persons: list[Persons] = []
    n_households = n_persons = 0
    for stratum in strata(scenario):
        theirs, people = _draw(scenario, seed, stratum, n_households, n_persons)
        households.append(theirs)
        persons.append(people)
        n_households += len(theirs.ident)
        n_persons += len(people.pid)
    return (
        Households(*(np.concatenate(column) for column in zip(*households, strict=True))),
        Persons(*(np.concatenate(column) for column in zip(*persons, strict=True))),
    )


def _draw(
    scenario: Scenario, seed: int, stratum: Stratum, first_household: int, first_person: int
) -> tuple[Households, Persons]:
    """Draw the people of a stratum; rows of both tables begin at given numbers."""
    country = scenario.countries[stratum.country]
    profile = country.profile
    assert profile is not None
    pid, sizes, weight = draw_sizes(scenario, seed, stratum)
    n, m = len(pid), len(sizes)
    starts = np.cumsum(sizes) - sizes
    household_of = np.repeat(np.arange(m), sizes)
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
    education = pick(np.array(profile.education), draw(EDUCATION))
    education = np.where(years < SCHOOLED, int(Education.none), education)
    # Origin, group and wealth rank belong to the household; the taste class belongs to the person.
    of_home = np.array([scenario.places[i].people for i in stratum.homes])
    home = np.array(stratum.homes)[pick(of_home, draw(ORIGIN, ident))]
    group = _groups(scenario, home, draw(GROUP, ident))
    taste = draw_taste(scenario, seed, pid)
    kin = _kin(scenario, country, draw(KIN, ident), draw(KIN, ident, 1))
    abroad = scenario.places[stratum.place].country != country.id
    born = (-np.floor(years * 12) - 1).astype(np.int16)
    makeup = CHILDREN * (-born < GROWN_UP) + WOMEN * sex + OLD * (-born >= AGED)
    households = Households(
        ident=ident,
        head=(starts + first_person).astype(np.uint32),
        relative=(np.arange(m) + first_household).astype(np.uint32),
        weight=np.full(m, weight, np.uint32),
        means=np.zeros(m, np.float32),
        home=home.astype(np.uint16),
        place=np.full(m, stratum.place, np.uint16),
        moved=np.full(m, LONG_AGO, np.int16),
        since=np.full(m, LONG_AGO, np.int16),
        blocked_on=np.full(m, LONG_AGO, np.int16),
        rank=(draw(WEALTH, ident) * 65536).astype(np.uint16),
        size=sizes.astype(np.uint16),
        citizenship=np.full(m, stratum.country, np.uint8),
        group=group.astype(np.uint8),
        kin=kin.astype(np.uint8),
        status=np.full(m, int(Status.regular if abroad else Status.citizen), np.uint8),
        activity=np.full(m, int(Activity.resident), np.uint8),
        flags=np.zeros(m, np.uint8),
        mask=np.zeros(m, np.uint8),
        came=np.zeros(m, np.uint8),
        uprooted=np.zeros(m, np.uint8),
        failed=np.zeros(m, np.uint8),
        makeup=np.bitwise_or.reduceat(makeup.astype(np.uint8), starts),
    )
    persons = Persons(
        pid=pid,
        household=(household_of + first_household).astype(np.uint32),
        next=following,
        born=born,
        due=np.zeros(n, np.int16),
        traits=(sex + 2 * education + 16 * taste).astype(np.uint8),
        past=np.zeros(n, np.uint8),
    )
    return households, persons


def _groups(scenario: Scenario, home: I64, draws: F64) -> I64:
    """[household] index of its group, by the shares of its place of origin."""
    index = group_index(scenario)
    group = np.zeros(len(home), np.int64)
    for i in np.unique(home):
        mine = home == i
        of_place = scenario.places[i].groups
        names = sorted(g for g in of_place if g != "other")
        shares = np.array([of_place[g] for g in names] + [0.0])
        shares[-1] = max(1.0 - shares.sum(), 0.0)
        codes = np.array([index[g] for g in names] + [0])
        group[mine] = codes[pick(shares, draws[mine])]
    return group


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
    draws=(HOUSEHOLD_SIZE, SEX_AND_AGE, GROUP, EDUCATION, WEALTH, TASTE, KIN, ORIGIN),
)
