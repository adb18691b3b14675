"""How often things happen against how often theory says, with fixed seeds and stated power.

A household is described, and ten thousand are made its exact likeness, each with luck of its
own. What the reference says of the one is then the theory of all.

Every test asks whether counts deviate from theory at a false-alarm level of 1e-4 (fixed seeds: it
either always passes or always fails). Each states its power, the relative error of theory that it
would see with a probability of 1 - 1e-6, and proves it: held against theory wrong by so much, the
same counts fail.
"""

from __future__ import annotations

import copy
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple
from functools import cache
from typing import Any

import numpy as np
import pytest

from benchmarks.asking import pick_goals
from sim.core.rng import (
    REPLICATE,
    Draw,
    key_of,
    mix,
    mixed,
    mixed_array,
    uniform,
    uniform2,
    uniform_array,
)
from sim.core.state import NOBODY, U64, Households, Persons
from sim.core.terms import Activity, Answer, Education, Hazard, Status, Threat
from sim.engine.setup import build_world
from sim.experiments.design import SAMPLE, STRATUM
from sim.kernels.rates import Conditions
from sim.mechanisms.decide import MOVE, current_conditions
from sim.mechanisms.journey import DESTINATION, ON_LEGS
from sim.mechanisms.registry import MECHANISMS
from sim.mechanisms.threats import THREATS
from sim.model.world import World
from tests.reference import Decider, Rates, Reference
from tests.worlds import answers_of, large_scenario, prepare, random_world

ALARM = 1e-4
LIKENESSES = 10_000
DRAWS = 10
"""Times that every likeness is asked: 100,000 independent draws."""
KINDS = [REPLICATE, STRATUM, SAMPLE, *(draw for it in MECHANISMS for draw in it.draws)]
"""Every kind of draw that there is."""
HOUSEHOLDS: dict[str, dict[str, Any]] = {
    "in a war": {
        "home": "north", "place": "north", "status": Status.citizen, "means": 900.0, "fear": 0.9,
    },
    "in want": {
        "home": "south", "place": "south", "status": Status.citizen, "means": 700.0, "fear": 0.7,
    },
    "irregularly abroad": {
        "home": "north", "place": "border", "status": Status.irregular, "means": 500.0,
        "fear": 0.9,
    },
    "uprooted": {
        "home": "north", "place": "border", "status": Status.irregular, "means": 500.0,
        "fear": 0.9, "uprooted": 1 << Threat.personal,
    },
}  # fmt: skip
"""Households to whom every answer, several channels and all companions are likely."""


# Tests of counts -------------------------------------------------------------------------------


def normal_tail(z: float) -> float:
    """Two-sided tail of the standard normal."""
    return math.erfc(abs(z) / math.sqrt(2.0))


def chi_square_tail(x: float, freedom: int) -> float:
    """Upper tail of chi-square, by Wilson & Hilferty's cube root (good to a few per cent)."""
    if freedom < 1:
        return 1.0
    spread = 2.0 / (9.0 * freedom)
    z = ((x / freedom) ** (1.0 / 3.0) - (1.0 - spread)) / math.sqrt(spread)
    return 0.5 * math.erfc(z / math.sqrt(2.0))


def binomial(count: int, n: int, p: float) -> float:
    """Probability of so great a deviation of a count from n p."""
    if p <= 0.0 or p >= 1.0:
        return 1.0 if count == n * p else 0.0
    return normal_tail((count - n * p) / math.sqrt(n * p * (1.0 - p)))


def shares(counts: Mapping[Any, int], theory: Mapping[Any, float]) -> float:
    """Probability of so great a chi-square of counts against shares; the impossible has none.

    Categories expected less than ten times are taken together.
    """
    if any(theory.get(what, 0.0) <= 0.0 for what, n in counts.items() if n):
        return 0.0
    n = sum(counts.values())
    cells, rest = [], [0.0, 0.0]
    for what, share in theory.items():
        if n * share >= 10:
            cells.append((counts.get(what, 0), n * share))
        else:
            rest[0] += counts.get(what, 0)
            rest[1] += n * share
    if rest[1] > 1.0:
        cells.append((rest[0], rest[1]))
    x = sum((seen - expected) ** 2 / expected for seen, expected in cells)
    return chi_square_tail(x, len(cells) - 1)


def tilted(theory: Mapping[Any, float], by: float) -> dict[Any, float]:
    """Shares in which the greatest is too great by a factor 1 + by, at the cost of the others."""
    most = max(theory, key=lambda what: theory[what])
    left = 1.0 - theory[most]
    wrong = theory[most] * (1.0 + by)
    return {
        what: wrong if what == most else share * (1.0 - wrong) / left
        for what, share in theory.items()
    }


# Likenesses ------------------------------------------------------------------------------------


class Likenesses:
    """Very many exact likenesses of one household, and theory about it."""

    def __init__(self, name: str) -> None:
        roots = 0.7 if "uprooted" in HOUSEHOLDS[name] else 0.0
        scenario = large_scenario(agents=4000, base_flight=0.01, place_attachment=roots)
        world = build_world(scenario, seed=5)
        prepare(world)
        self.house = describe(world, **HOUSEHOLDS[name])
        self.reference = Reference(world)
        now, rates = theory_of_answers(world, self.reference, [self.house])
        self.who: Decider = self.reference.decider(self.house)
        # In a time so short that the pause after a move and settling do not change the rates.
        self.now, (self.rates,) = faster(now, rates, 400.0 / rates[0].R_MP)
        self.world = multiply(world, self.house, LIKENESSES)
        self.houses = np.arange(LIKENESSES)
        # A span in which two thirds would move were all gates open.
        self.dt = 1.0 / self.rates.R_MP

    def ask(self) -> dict[str, np.ndarray]:
        """Answers of all in all draws."""
        found: dict[str, list[np.ndarray]] = {"answer": [], "hazard": [], "time": []}
        for draw in range(DRAWS):
            self.world.seed = 977 + draw
            events = answers_of(self.world, self.now, self.dt, self.houses)
            for name, values in found.items():
                values.append(getattr(events, name))
        return {name: np.concatenate(values) for name, values in found.items()}

    def go(self, hazard: Hazard) -> Counter[tuple[int, int, int]]:
        """How many would go where, by which channel, with whom."""
        counts: Counter[tuple[int, int, int]] = Counter()
        houses = self.houses
        for draw in range(DRAWS):
            self.world.seed = 977 + draw
            words = mixed_array(self.world.households.ident[houses] ^ np.uint64(draw))
            goal, channel, companions, _ = pick_goals(
                self.world, self.now, houses, words, np.full(len(houses), int(hazard))
            )
            counts.update(zip(goal.tolist(), channel.tolist(), companions.tolist(), strict=True))
        return counts


def describe(
    world: World, home: str, place: str, status: Status, means: float, fear: float,
    uprooted: int = 0,
) -> int:  # fmt: skip
    """Bring a household of parents and children of all ages into a state; its row."""
    names = [it.id for it in world.scenario.places]
    households, persons, p = world.households, world.persons, names.index(place)
    for house in np.flatnonzero(households.home == names.index(home)):
        rows = np.flatnonzero(persons.household == house)
        ages = -persons.born[rows] // 12
        if len(rows) == 4 and (ages >= 18).sum() >= 2 and ((ages >= 12) & (ages < 18)).any():
            break
    households.place[house], households.status[house] = p, int(status)
    households.means[house] = means
    households.mask[house] = 1 << Threat.economic | 1 << Threat.food | 1 << Threat.personal
    persons.traits[rows] = (persons.traits[rows] & ~np.uint8(6)) | (int(Education.secondary) << 1)
    households.kin[house] = 2  # next door
    if uprooted:
        households.uprooted[house], households.moved[house] = uprooted, -900
    THREATS.of(world).severity[p, [Threat.economic, Threat.food]] = 0.8
    THREATS.of(world).severity[p, Threat.personal] = fear
    return int(house)


def theory_of_answers(
    world: World, reference: Reference, houses: Iterable[int]
) -> tuple[Conditions, list[Rates]]:
    """Conditions of the first day, and everybody's rates under them."""
    reference.live_through(world.day, 1)
    want, fear, _ = THREATS.of(world).advance(world.day, 1)
    rates = [
        reference.rates(int(house), reference.decider(int(house)), float(world.day))
        for house in houses
    ]
    return current_conditions(world, (want, fear)), rates


def faster(now: Conditions, rates: list[Rates], by: float) -> tuple[Conditions, list[Rates]]:
    """The same with all rates higher by a factor."""
    now = now._replace(livelihood=by * now.livelihood, flight=by * now.flight, most=by * now.most)
    return now, [Rates(*(by * rate for rate in astuple(it))) for it in rates]


def multiply(world: World, house: int, n: int) -> World:
    """A world of n exact likenesses of one household, each with ids of their own."""
    households, persons = world.households, world.persons
    members = np.flatnonzero(persons.household == house)
    size = len(members)
    assert households.size[house] == size
    first = size * np.arange(n)
    # Where each member is among them; nobody is nowhere.
    at = {int(row): i for i, row in enumerate(members)}
    following = np.array([at.get(int(row), -1) for row in persons.next[members]])
    whose = np.repeat(first, size)
    rows = np.tile(members, n)
    people = Persons(**{name: column[rows] for name, column in persons._asdict().items()})
    people = people._replace(
        pid=mixed_array(np.arange(n * size, dtype=np.uint64)),
        household=(whose // size).astype(np.uint32),
        next=np.where(np.tile(following, n) < 0, NOBODY, whose + np.tile(following, n)).astype(
            np.uint32
        ),
    )
    alike = np.repeat(house, n)
    theirs = Households(**{name: column[alike] for name, column in households._asdict().items()})
    head = (first + at[int(households.head[house])]).astype(np.uint32)
    theirs = theirs._replace(
        ident=people.pid[head], head=head, relative=np.arange(n, dtype=np.uint32)
    )
    other = copy.copy(world)
    other.households, other.persons = theirs, people
    assert (theirs.activity != Activity.dead).all()
    return other


@cache
def likenesses(name: str) -> Likenesses:
    return Likenesses(name)


@cache
def asked(name: str) -> dict[str, np.ndarray]:
    return likenesses(name).ask()


@cache
def gone(name: str, hazard: Hazard) -> Counter[tuple[int, int, int]]:
    return likenesses(name).go(hazard)


def stands(probability: Callable[[float], float], n: int, p: float, sees: float) -> None:
    """Hold counts to theory, and show that theory wrong by so much would not have stood.

    Args:
        probability: Of the counts, were theory wrong by a relative error.
        n: Number of draws.
        p: Probability of what the error is in.
        sees: Relative error that must be seen.
    """
    # 3.9 standard errors raise the alarm; a deviation of 9 does so with a probability 1 - 1e-6.
    visible = 9.0 * math.sqrt((1.0 - p) / (p * n))
    assert visible <= sees, f"this sees errors from {visible:.1%} up"
    assert probability(0.0) > ALARM
    assert probability(sees) < ALARM
    assert probability(-sees) < ALARM


# Answers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HOUSEHOLDS)
def test_the_probability_to_move_is_that_of_the_rate(name: str) -> None:
    """1 - exp(-R dt), as a share of 100,000 draws; sees 3 %."""
    them, answer = likenesses(name), asked(name)["answer"]
    n, moved = LIKENESSES * DRAWS, int((answer <= Answer.necessity).sum())
    p = 1 - math.exp(-them.rates.R * them.dt)
    stands(lambda error: binomial(moved, n, p * (1 + error)), n, p, sees=0.03)


@pytest.mark.parametrize("name", HOUSEHOLDS)
def test_movers_go_by_choice_in_the_share_of_the_secure_rate(name: str) -> None:
    """min(R_0, R) / R of those who move; sees 10 %."""
    them, answer = likenesses(name), asked(name)["answer"]
    moved, chose = int((answer <= Answer.necessity).sum()), int((answer == Answer.choice).sum())
    p = min(them.rates.R_0, them.rates.R) / them.rates.R
    stands(lambda error: binomial(chose, moved, p * (1 + error)), moved, p, sees=0.1)


@pytest.mark.parametrize("name", HOUSEHOLDS)
def test_necessity_is_flight_in_the_share_of_flight(name: str) -> None:
    """F / (R - R_0) of the forced flee, the others go for their livelihood; sees 7 %."""
    them, found = likenesses(name), asked(name)
    hazard = found["hazard"][found["answer"] == Answer.necessity]
    fled, p = int((hazard == Hazard.flight).sum()), them.rates.F / (them.rates.R - them.rates.R_0)
    stands(lambda error: binomial(fled, len(hazard), p * (1 + error)), len(hazard), p, sees=0.07)
    assert not (found["hazard"][found["answer"] == Answer.choice] == Hazard.flight).any()


@pytest.mark.parametrize("name", HOUSEHOLDS)
def test_the_blocked_lack_means_in_the_share_of_shapley(name: str) -> None:
    """((R_M - R) + (R_MP - R_P)) / 2 (R_MP - R) of the blocked; sees 30 %.

    That is half a per cent of those who move: few are kept by lack of means alone.
    """
    them, answer = likenesses(name), asked(name)["answer"]
    blocked, poor = int((answer >= Answer.no_means).sum()), int((answer == Answer.no_means).sum())
    p = them.rates.no_means / (them.rates.R_MP - them.rates.R)
    stands(lambda error: binomial(poor, blocked, p * (1 + error)), blocked, p, sees=0.3)


@pytest.mark.parametrize("name", HOUSEHOLDS)
def test_people_are_refused_at_the_rate_of_the_gates_until_they_move(name: str) -> None:
    """(R_MP - R) (1 - exp(-R dt)) / R times a household; sees 20 %."""
    them, found = likenesses(name), asked(name)
    r, refused = them.rates, found["answer"] >= Answer.no_means
    mean = (r.R_MP - r.R) * (1 - math.exp(-r.R * them.dt)) / r.R * LIKENESSES * DRAWS
    # Given when a household moves, the number is Poisson; and the time until then varies.
    spread = math.sqrt(mean * (1 + (r.R_MP - r.R) / r.R_MP))
    assert abs(refused.sum() - mean) < 4.5 * spread
    assert 0.2 * mean > 9.0 * spread, "20 % would be seen"
    when = found["time"][refused]
    assert ((when >= 0) & (when < 1)).all()
    assert abs(when.mean() - 0.5) < 0.15


@pytest.mark.parametrize("name", HOUSEHOLDS)
def test_moves_fall_within_the_span_as_an_exponential_cut_off(name: str) -> None:
    """The share t of the span has density R dt exp(-R dt t) / (1 - exp(-R dt)): ten cells.

    Sees 15 % in the fullest.
    """
    them, found = likenesses(name), asked(name)
    time = found["time"][found["answer"] <= Answer.necessity]
    counts = Counter(np.minimum((time * 10).astype(int), 9).tolist())
    r = them.rates.R * them.dt
    whole = 1 - math.exp(-r)
    theory = {i: (math.exp(-r * i / 10) - math.exp(-r * (i + 1) / 10)) / whole for i in range(10)}
    stands(lambda error: shares(counts, tilted(theory, error)), len(time), theory[0], sees=0.15)


def test_answers_of_the_unlike_add_up() -> None:
    """Over all households of thirty random worlds: counts against sums of expected numbers.

    z of the sum, by answer; sees 20 % in any of the four.
    """
    expected, variance, seen = np.zeros(4), np.zeros(4), np.zeros(4)
    for number in range(2000, 2030):
        world = random_world(number)
        reference = Reference(world)
        now, rates = theory_of_answers(world, reference, world.deciding)
        dt, n_draws = 0.02, 600
        if max(r.R_MP for r in rates) > 900.0:
            continue
        for r in rates:
            moves = 1 - math.exp(-r.R * dt)
            span = moves / r.R if r.R > 0 else dt
            choice = r.R_0 / r.R if r.R > 0 else 0.0
            gap = r.R_MP - r.R
            poor = r.no_means / gap if gap > 0 else 0.0
            p = np.array([moves * choice, moves * (1 - choice)])
            refusals = gap * span * np.array([poor, 1 - poor])
            expected += n_draws * np.concatenate([p, refusals])
            # A number of refusals is Poisson given the time until a move, which varies below dt.
            varies = refusals + (np.array([poor, 1 - poor]) * gap) ** 2 * (dt - span) * span
            variance += n_draws * np.concatenate([p * (1 - p), varies])
        for draw in range(n_draws):
            world.seed = 31 + draw
            seen += np.bincount(answers_of(world, now, dt).answer, minlength=4)[:4]
    z = (seen - expected) / np.sqrt(variance)
    assert (np.abs(z) < 4.0).all(), z
    assert (0.2 * expected > 8 * np.sqrt(variance)).all(), "20 % would be seen"


# Destinations ------------------------------------------------------------------------------------


def theory_of(them: Likenesses, hazard: Hazard) -> tuple[dict[int, float], dict[Any, float]]:
    """(share of each destination, share of each alternative)."""
    mu = them.reference.scenario.decision.nest
    options = [
        it for it in them.reference.options_of(them.who, hazard, False) if it.cost <= them.who.means
    ]
    nests = them.reference.nests(options)
    whole = sum(nests.values())
    places = {d: nest / whole for d, nest in nests.items()}
    best = max(it.value for it in options)
    inside = dict.fromkeys(nests, 0.0)
    for it in options:
        inside[it.place] += math.exp((it.value - best) / mu)
    ways = {
        (it.place, int(it.channel), int(it.companions)): places[it.place]
        * math.exp((it.value - best) / mu)
        / inside[it.place]
        for it in options
    }
    return places, ways


@pytest.mark.parametrize("hazard", Hazard)
@pytest.mark.parametrize("name", HOUSEHOLDS)
def test_destinations_are_shared_as_their_nests(name: str, hazard: Hazard) -> None:
    """(sum exp(V / mu))^mu / W of each destination; sees 4 % in the greatest."""
    places, _ = theory_of(likenesses(name), hazard)
    counts: Counter[int] = Counter()
    for (d, _, _), n in gone(name, hazard).items():
        counts[d] += n
    n = LIKENESSES * DRAWS
    stands(lambda error: shares(counts, tilted(places, error)), n, max(places.values()), sees=0.04)


@pytest.mark.parametrize("hazard", Hazard)
@pytest.mark.parametrize("name", HOUSEHOLDS)
def test_channels_and_companions_are_shared_as_within_the_nest(name: str, hazard: Hazard) -> None:
    """exp(V / mu) / sum, for every destination that draws enough movers; sees 15 %."""
    them = likenesses(name)
    places, ways = theory_of(them, hazard)
    n_tested = 0
    for d, share in places.items():
        counts = {way: n for way, n in gone(name, hazard).items() if way[0] == d}
        theory = {way: p / share for way, p in ways.items() if way[0] == d}
        assert set(counts) <= set(theory)
        n = sum(counts.values())
        if n >= 5_000:
            n_tested += 1
            assert shares(counts, theory) > ALARM
            for error in (-0.15, 0.15):
                if max(theory.values()) < 0.85:
                    assert shares(counts, tilted(theory, error)) < ALARM
    assert n_tested >= 3


# The hash ----------------------------------------------------------------------------------------


IDS: U64 = mixed_array(np.arange(100_000, dtype=np.uint64))


def uniformity(u: np.ndarray, cells: int = 64) -> float:
    """Probability of so uneven a filling of cells."""
    counts = np.bincount((u * cells).astype(np.int64), minlength=cells)
    return chi_square_tail(
        float(((counts - len(u) / cells) ** 2).sum() * cells / len(u)), cells - 1
    )


def independence(u: np.ndarray, v: np.ndarray, cells: int = 12) -> float:
    """Probability of so uneven a filling of a square."""
    code = (u * cells).astype(np.int64) * cells + (v * cells).astype(np.int64)
    counts = np.bincount(code, minlength=cells**2)
    expected = len(u) / cells**2
    return chi_square_tail(float(((counts - expected) ** 2 / expected).sum()), cells**2 - 1)


def all_above(probabilities: list[float]) -> None:
    """No one of many is too small (Bonferroni), and they are themselves spread as they should."""
    assert min(probabilities) > ALARM / len(probabilities)
    assert 0.02 < np.mean(probabilities) < 0.98


def test_draws_of_every_purpose_and_step_are_uniform() -> None:
    """100,000 ids, 64 cells: a cell too full by 12 % would be seen."""
    all_above(
        [
            uniformity(uniform_array(key_of(1, purpose, when), IDS))
            for purpose in KINDS
            for when in (0, 1, 31)
        ]
    )
    tilt = uniform_array(key_of(1, MOVE), IDS) ** 1.05
    assert uniformity(tilt) < ALARM


def test_draws_of_two_purposes_steps_seeds_or_neighbours_are_independent() -> None:
    """144 cells of 700: correlations from .03 up would be seen."""

    def u(seed: int, purpose: Draw, when: int) -> np.ndarray:
        return uniform_array(key_of(seed, purpose, when), IDS)

    move = u(1, MOVE, 5)
    pairs = [independence(move, u(1, purpose, 5)) for purpose in KINDS if purpose != MOVE]
    pairs += [independence(move, u(1, MOVE, 5 + lag)) for lag in (1, 2, 7, 30, 31, 365)]
    pairs += [independence(move, u(1 + step, MOVE, 5)) for step in (1, 2, 1 << 32)]
    pairs += [independence(move[:-lag], move[lag:]) for lag in (1, 2, 16)]
    all_above(pairs)
    assert independence(move, 0.05 * move + 0.95 * u(1, DESTINATION, 5)) < ALARM


def test_plain_ids_serve_as_well_as_hashed_ones() -> None:
    """Counters as ids, in single and in double draws: one round of the mixer suffices."""
    counters = np.arange(100_000, dtype=np.uint64)
    one = uniform_array(key_of(1, MOVE), counters)
    with np.errstate(over="ignore"):
        k = key_of(1, ON_LEGS[0])
        first = np.array([uniform2(k, np.uint64(7), np.uint64(i)) for i in range(20_000)])
        second = np.array([uniform2(k, np.uint64(i), np.uint64(7)) for i in range(20_000)])
    all_above(
        [uniformity(one), uniformity(first), uniformity(second), independence(one[:-1], one[1:]),
         independence(first[:-1], first[1:]), independence(first, second)]
    )  # fmt: skip


def test_scalar_and_array_draws_are_the_same_bits() -> None:
    k = key_of(3, DESTINATION, 9)
    with np.errstate(over="ignore"):
        scalars = np.array([uniform(k, who) for who in IDS[:200]])
        words = [int(mixed(who)) for who in IDS[:200]]
    np.testing.assert_array_equal(scalars, uniform_array(k, IDS[:200]))
    assert words == [mix(int(who)) for who in IDS[:200]]


def unmix(word: int) -> int:
    """What `mix` makes this word of: it is a bijection."""
    mask = (1 << 64) - 1

    def unshift(z: int, by: int) -> int:
        result = z
        for _ in range(64 // by + 1):
            result = z ^ (result >> by)
        return result

    z = unshift(word, 31)
    z = unshift(z * pow(0x94D049BB133111EB, -1, 1 << 64) & mask, 27)
    z = unshift(z * pow(0xBF58476D1CE4E5B9, -1, 1 << 64) & mask, 30)
    return (z - 0x9E3779B97F4A7C15) & mask


@pytest.mark.parametrize("word", [0, (1 << 64) - 1])
def test_no_draw_is_0_or_1(word: int) -> None:
    """Not even of the least and the greatest word that the hash can give."""
    who = np.uint64(unmix(word))
    assert mix(int(who)) == word
    with np.errstate(over="ignore"):
        u = float(uniform(np.uint64(0), who))
    assert 0.0 < u < 1.0
    assert 0.0 < float(uniform_array(np.uint64(0), np.array([who]))[0]) < 1.0
