"""The world: everything that persists from step to step, and how it is set up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.core.rng import Purpose, key, name_hash
from sim.core.state import (
    F64,
    I64,
    U16,
    U32,
    Applications,
    Attempts,
    Claims,
    Moves,
    Orders,
    Parties,
    People,
    Separations,
)
from sim.core.terms import (
    N_THREATS,
    Channel,
    ClaimStage,
    Company,
    Harm,
    Journey,
    Status,
    Threat,
    VitalEvent,
)
from sim.kernels.choice import Means
from sim.kernels.living import N_COMPOSITIONS, count_codes, look_at_households
from sim.kernels.tally import cells_of, list_heads
from sim.mechanisms.attempts import MOST
from sim.mechanisms.caravans import called
from sim.mechanisms.choice import Choices
from sim.mechanisms.demography import vital_rates
from sim.mechanisms.livelihood import build_means
from sim.mechanisms.policy import Rules, changes
from sim.mechanisms.politics import Public
from sim.mechanisms.populate import populate, weights
from sim.mechanisms.spending import unit_costs
from sim.mechanisms.threats import Threats, per_threat
from sim.model.network import Network, build

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario


@dataclass
class Counts:
    """What happened since the last row of the flow tables, in real people.

    Dense integer arrays: additions are free of order, so no thread or row can change a sum.
    """

    departed: list[Moves]
    """Those who set out; few enough that a list is smaller than a table of all pairs."""
    arrived: list[Moves]
    heads: I64
    """[cell, answer] deciding households."""
    people: I64
    """[cell, answer]"""
    trapped: I64
    """[cell, answer] households."""
    attribution: I64
    """[cell, threat] in 1 / MICRO people."""
    harms: I64
    """[corridor or country, citizenship, harm]"""
    money: I64
    """[corridor or country, citizenship] cents taken by extortion."""
    bribes: I64
    """[corridor or country, citizenship] cents taken by officials."""
    crossings: I64
    """[corridor, citizenship] people who came through."""
    journeys: I64
    """[citizenship, caravan + 1, attempt - 1, company, outcome] people who set out by corridors for
    another country, arrived, and were left behind on the way."""
    caught: I64
    """[corridor, citizenship, company] people who were intercepted."""
    insecurity: F64
    """[place, citizenship, threat] person-years."""
    vital: I64
    """[place, citizenship, event] births and natural deaths."""
    claims: I64
    """[country, citizenship, stage] people who claim asylum, and what is decided."""
    spending: dict[tuple[str, int], float] = field(default_factory=dict)
    """Money by item and country in which it is spent."""
    expected: Expected | None = None
    """What the rates lead one to expect, where the scenario asks for it."""


@dataclass
class Expected:
    """Expected events, in 1 / MICRO."""

    answers: I64
    """[cell, answer] households."""
    years: I64
    """[cell, answer] people: rates times the person-years before a move."""
    flows: I64
    """[citizenship, origin, destination, channel, answer] people."""


class Heads(NamedTuple):
    """Rows of heads of households, ascending."""

    deciding: U32
    """Who live somewhere."""
    unsettled: U32
    """Those of them who claim asylum, stay without leave, or are ordered to go."""
    stranded: U32
    """Who are stranded on the way."""


class Due(NamedTuple):
    """What befalls all households as a stretch begins."""

    years: float
    """Time by which their means recover; 0 but once a month."""
    severity: F64
    """[place, threat] of the threats that drain them meanwhile."""


@dataclass
class World:
    """One world on its way through time."""

    scenario: Scenario
    seed: int
    network: Network
    people: People
    weight: I64
    """[place] people that a row of that origin stands for."""
    country: I64
    """[place] country index."""
    means: Means
    threats: Threats
    choices: Choices
    rules: Rules
    cells: Cells
    counts: Counts
    threads: int = 1
    day: int = 0
    """Days from the start to the beginning of the step."""
    step: int = 0
    first_stretch: bool = True
    """Whether no dated event has cut the step yet."""
    round: int = 0
    """How often the world has gone round those who are asked once more within the stretch."""
    last_tick: int = 0
    """Day of the last monthly update."""
    parties: Parties = field(default_factory=Parties)
    applications: Applications = field(default_factory=Applications)
    claims: Claims = field(default_factory=Claims)
    orders: Orders = field(default_factory=Orders)
    separations: Separations = field(default_factory=Separations)
    attempts: Attempts = field(default_factory=Attempts)
    due: Due | None = None
    """What households have yet to live through in this stretch."""
    answered: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    """Rows of heads who have answered otherwise than by staying in this step."""
    dead: int = 0
    """People whose deaths the journey counted: the account must agree."""
    born: int = 0
    """People born since the start."""
    died: int = 0
    """People who died a natural death since the start."""
    renewed: int = -1
    """Month from the start whose births and deaths were drawn last."""

    def __post_init__(self) -> None:
        scenario = self.scenario
        n_places, n_countries = len(scenario.places), len(scenario.countries)
        self.total = int(self.weight[self.people.home].sum())
        """People at the start."""
        self.changes = sorted((day - scenario.time.start).days for day in changes(scenario))
        """Days from the start on which a rule changes or a state votes."""
        self.vital_rates = vital_rates(scenario)
        self.diaspora = np.zeros((n_countries, n_countries), np.int64)
        self.residents = np.zeros(n_places, np.int64)
        self.newcomers = np.zeros(n_places, np.int64)
        self.threshold = np.zeros((n_places, 1, 2), np.uint64)
        """[place, code, 2] thresholds of exposure, as `pack_thresholds` lays them out."""
        self.quota_left = np.zeros((n_countries, 4))
        self.public = Public(scenario)
        self.coming: Rules | None = None
        """Rules with those that are announced; none while nothing is."""
        self.foreigners = np.zeros((n_countries, len(Status)), np.int64)
        self.unit_costs = unit_costs(scenario)
        self.relocated = np.zeros((len(scenario.blocs), n_countries), np.int64)
        self.setting_out = np.zeros((n_places, n_countries), np.int64)
        """[place, country] people who set out by corridors since the month began."""
        self.set_out_before = np.zeros_like(self.setting_out)
        """[place, country] the same of the month before, which is what is known."""
        self.sent_back = np.empty(0, np.int64)
        """Rows of heads who are back at home against their will in this stretch."""
        self.held_days = np.zeros(n_countries)
        """[country] person-days of detention that began at its border in the last stretch."""
        self.decisions_left = np.zeros(n_countries)
        self.exposure_counts = np.zeros((n_places, 1))
        self.bound = np.zeros((2, 1, 1, 1))
        self.settling = np.zeros((n_places, len(Status)))
        self.weights_k = per_threat(scenario.decision.threat_weight)
        self.tolerable = per_threat(scenario.decision.tolerable)
        self.voice = np.array([c.voice for c in scenario.countries])[self.country]
        self.capacity = np.array([p.capacity or 0.0 for p in scenario.places])
        # Draws know countries by their ids, never by their place in the file.
        self.country_ident = np.array([name_hash("country", c.id) for c in scenario.countries])
        self.is_camp = np.array([p.kind == "camp" for p in scenario.places])
        self.nearest = nearest_places(self.network.km, self.country, self.is_camp, n_countries)
        self.odds = vulnerability_odds(scenario)

    def date(self, day: int | None = None) -> date:
        """Calendar date of a day counted from the start."""
        return self.scenario.time.start + timedelta(days=self.day if day is None else day)

    def month(self) -> int:
        """Whole months from the start of the scenario to this day, as ages are counted in."""
        start, now = self.scenario.time.start, self.date()
        return (now.year - start.year) * 12 + now.month - start.month

    def key(self, purpose: Purpose) -> np.uint64:
        """Key of the draws of one purpose in this round of the stretch that begins today."""
        return key(self.seed, purpose, self.day + (self.round << 32))

    def add_rows(self, n: int) -> I64:
        """Add rows of people, to be filled in; return their numbers.

        Columns grow where they are: the system maps more memory behind large ones, so that births
        copy nobody. A column that somebody holds cannot, and is copied.
        """
        used = len(self.people.pid)
        columns: dict[str, NDArray[Any]] = self.people._asdict()
        # Column by column, so that nobody is there twice meanwhile.
        del self.people
        for name in columns:
            try:
                columns[name].resize(used + n)
            except ValueError:
                columns[name] = np.append(columns[name], np.zeros(n, columns[name].dtype))
        self.people = People(**columns)
        return np.arange(used, used + n)

    def list_heads(self, first: int, last: int) -> Heads:
        """List the heads among people[first:last]."""
        lists = [np.empty(last - first, np.uint32) for _ in Heads._fields]
        found = list_heads(self.people, first, last, *lists)
        return Heads(*(rows[:n] for rows, n in zip(lists, found, strict=True)))

    @property
    def deciding(self) -> U32:
        """[n] rows of all heads who live somewhere, ascending; a step never lists all at once."""
        return self.list_heads(0, len(self.people.pid)).deciding.copy()

    def company_of(self, heads: U32) -> U16:
        """[n] who lives in the households of heads, as `kernels.living` writes it."""
        company = np.empty(len(heads), np.uint16)
        look_at_households(self.people, heads, self.month(), company)
        return company


class Cells:
    """Cells of `answers` and `attribution`: the combinations of the scenario's `by` columns."""

    AGES = ("0-17", "18-34", "35-64", "65+")
    NAMES = ("place", "home", "citizenship", "group", "sex", "education", "age")

    def __init__(self, scenario: Scenario) -> None:
        places = [p.id for p in scenario.places]
        labels: dict[str, list[str]] = {
            "place": places,
            "home": places,
            "citizenship": [c.id for c in scenario.countries],
            "group": ["other"] + [g.id for g in scenario.groups],
            "sex": ["man", "woman"],
            "education": ["none", "secondary", "tertiary"],
            "age": list(self.AGES),
        }
        self.by = list(scenario.outputs.by)
        self.labels = [labels[name] for name in self.by]
        self.shape = tuple(len(values) for values in self.labels)
        self.size = int(np.prod(self.shape)) if self.shape else 1
        self.strides = np.zeros(len(self.NAMES), np.int64)
        """[7] by how much the cell grows with the index of each of `NAMES`."""
        for i, name in enumerate(self.by):
            self.strides[self.NAMES.index(name)] = np.prod(self.shape[i + 1 :], dtype=np.int64)

    def of(self, people: People, country: I64, rows: U32 | I64, month: int) -> I64:
        """Cell of each head."""
        cells = np.empty(len(rows), np.int64)
        rows = np.asarray(rows, np.uint32)
        cells_of(people, rows, country, month, self.strides, cells)
        return cells


def new_counts(scenario: Scenario, cells: Cells) -> Counts:
    """Counts of nothing yet."""
    n_places, n_countries = len(scenario.places), len(scenario.countries)
    n_ways = len(scenario.corridors) + n_countries
    return Counts(
        departed=[],
        arrived=[],
        heads=np.zeros((cells.size, 5), np.int64),
        people=np.zeros((cells.size, 5), np.int64),
        trapped=np.zeros((cells.size, 5), np.int64),
        attribution=np.zeros((cells.size, N_THREATS), np.int64),
        harms=np.zeros((n_ways, n_countries, len(Harm)), np.int64),
        money=np.zeros((n_ways, n_countries), np.int64),
        bribes=np.zeros((n_ways, n_countries), np.int64),
        crossings=np.zeros((len(scenario.corridors), n_countries), np.int64),
        journeys=np.zeros(
            (n_countries, len(called(scenario)) + 1, MOST, len(Company), len(Journey)), np.int64
        ),
        caught=np.zeros((len(scenario.corridors), n_countries, len(Company)), np.int64),
        insecurity=np.zeros((n_places, n_countries, N_THREATS)),
        vital=np.zeros((n_places, n_countries, len(VitalEvent)), np.int64),
        claims=np.zeros((n_countries, n_countries, len(ClaimStage)), np.int64),
        expected=Expected(
            answers=np.zeros((cells.size, 5), np.int64),
            years=np.zeros((cells.size, 5), np.int64),
            flows=np.zeros((n_countries, n_places, n_places, len(Channel), 2), np.int64),
        )
        if scenario.outputs.expected
        else None,
    )


def nearest_places(km: F64, country: I64, is_camp: np.ndarray, n_countries: int) -> I64:
    """[place, country] the country's nearest place that is no camp, -1 where it has none."""
    result = np.full((len(country), n_countries), -1, np.int64)
    for c in range(n_countries):
        candidates = np.flatnonzero((country == c) & ~is_camp)
        if len(candidates):
            result[:, c] = candidates[np.argmin(km[:, candidates], axis=1)]
    return result


def vulnerability_odds(scenario: Scenario) -> F64:
    """[threat, code] odds multipliers of exposure by group, composition and status.

    A household is as vulnerable as its most vulnerable member; group and status multiply.
    """
    table = scenario.exposure.vulnerability

    def of(name: str, threat: Threat) -> float:
        return table.get(name, {}).get(threat.name, 1.0)  # type: ignore[call-overload,no-any-return]

    groups = ["other"] + [g.id for g in scenario.groups]
    odds = np.ones((N_THREATS, len(groups) * N_COMPOSITIONS * len(Status)))
    for threat in Threat:
        for g, group in enumerate(groups):
            for bits in range(N_COMPOSITIONS):
                members = [
                    of(name, threat)
                    for bit, name in ((1, "children"), (2, "women"), (4, "old"))
                    if bits & bit
                ]
                worst = max(members, default=1.0)
                for status in Status:
                    code = (g * N_COMPOSITIONS + bits) * len(Status) + status
                    odds[threat, code] = of(group, threat) * worst * of(status.name, threat)
    return odds


def build_world(scenario: Scenario, seed: int, order: I64 | None = None, threads: int = 1) -> World:
    """Set up the world of a resolved scenario on its first day.

    Args:
        scenario: Resolved, with base_L and flight norm solved (or about to be).
        seed: Seed of the run.
        order: Permutation of the rows, which must not matter (a test holds that).
        threads: Threads of the kernels, which must not matter either.
    """
    network = build(scenario)
    people = populate(scenario, seed)
    if order is not None:
        people = reorder(people, order)
    means = build_means(scenario)
    choices = Choices(scenario, network, means, threads)
    cells = Cells(scenario)
    world = World(
        scenario=scenario,
        seed=seed,
        network=network,
        people=people,
        weight=weights(scenario),
        country=choices.country,
        means=means,
        threats=Threats(scenario),
        choices=choices,
        rules=Rules(scenario, network, scenario.time.start),
        cells=cells,
        counts=new_counts(scenario, cells),
        threads=threads,
    )
    n_codes = world.odds.shape[1]
    world.exposure_counts = np.zeros((len(scenario.places), n_codes))
    heads = world.deciding
    count_codes(people, heads, world.company_of(heads), world.exposure_counts)
    return world


def reorder(people: People, order: I64) -> People:
    """The same people with rows in another order."""
    where = np.empty(len(order), np.uint32)
    where[order] = np.arange(len(order), dtype=np.uint32)
    people = each_column(people, lambda column: column[order])
    return people._replace(household=where[people.household], sibling=where[people.sibling])


def each_column(people: People, change: Callable[[NDArray[Any]], NDArray[Any]]) -> People:
    """The same people with every column changed alike."""
    columns: dict[str, NDArray[Any]] = {
        name: change(getattr(people, name)) for name in People._fields
    }
    return People(**columns)
