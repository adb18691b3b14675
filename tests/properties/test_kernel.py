"""The kernel agrees, household by household, with the reference written for reading.

Random small worlds, a thousand with `SIM_LONG_TESTS=1`; in each every household is asked several
times, and where each would go under either hazard. Rates differ by orders of magnitude between
worlds and households: those with similar rates are asked on a plane of such a length that each has
a few events. A difference is allowed only where a draw lies within 1e-6, relatively, of a
threshold: those are counted, and must be few.
"""

from __future__ import annotations

import copy
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import sim
from benchmarks.asking import Events, ask, everybody, join_events, pick_goals
from sim.core.state import DAYS_A_YEAR, F64, I64, Households, Persons, Plans
from sim.core.terms import Answer, Companions, Hazard
from sim.engine.stages import STAGES
from sim.kernels.decision import sieve
from sim.kernels.plane import Plane
from sim.kernels.rates import Conditions
from sim.mechanisms import lives
from sim.mechanisms.choice import CHOICES
from sim.mechanisms.decide import current_conditions
from sim.mechanisms.law import LAW
from sim.mechanisms.plans import PLANS, chosen
from sim.mechanisms.threats import THREATS
from sim.model.segment import Segment, segment_of
from sim.model.world import World
from sim.scenario.whole import Scenario
from sim.scenario.writer import dump
from sim.schema import Intervention
from tests import worlds
from tests.reference import Decider, Rates, Reference, Verdict, houses_of
from tests.small import differing, small_tables, tables
from tests.worlds import alike, events_of, plane_of, random_scenario, random_world, rates_of

LONG = bool(os.environ.get("SIM_LONG_TESTS"))
N_WORLDS, CHUNK = (960 if LONG else 96), 48
SLICE = 40
"""Worlds that are also looked at with the compiler off; with the others, a thousand."""
HEADS = 24
"""Households asked in each world, at most."""
EXACT = 1e-7
"""Rates of kernel and reference agree to this, relatively: incomes are tabulated in float32."""
KNOWN = 60
"""Days whose threats are known; all others are as the first or the last of them."""
EVENTS = 4.0
"""Events of a household on its plane, at most, on average."""
POINTS = 500.0
"""Points of a household below the bound of its rates, at most, on average."""
SHORTEST = 1e-6
"""Days of a plane, at least: in less time, two points may have the same rounded moment."""
LONGEST = (60.0, 60.0, 4000.0)
"""Days of a plane, at most, by draw."""


@pytest.fixture(autouse=True)
def _wrap_quietly():
    """Interpreted, the hash overflows with a warning where compiled it wraps."""
    with np.errstate(over="ignore"):
        yield


@dataclass
class Tally:
    """What has been compared."""

    answers: I64
    """Events by answer; households without any count as `stays`."""
    n_near: int = 0
    n_uprooted: int = 0
    n_repeated: int = 0
    """Households that were refused more than once."""
    n_cut: int = 0
    """Households with events on both sides of a cut."""
    n_outside: int = 0
    """Households that would have had other events in the whole of the plane."""
    n_goals: int = 0
    n_sieved: int = 0
    """Households that the sieve dropped."""


def row(rates: Rates) -> list[float]:
    return [
        rates.L, rates.F, rates.L_M, rates.F_M, rates.L_P, rates.F_P, rates.L_MP, rates.F_MP,
    ]  # fmt: skip


def naturalise(world: World) -> None:
    """Let every third household have become citizens of some country, by its identity."""
    of = world.households.ident % np.uint64(3 * world.n_countries)
    new = of < world.n_countries
    world.households.citizenship[new] = of[new]


def compare(number: int, tally: Tally) -> None:
    """Hold one random world's kernel to its reference."""
    world = random_world(number)
    naturalise(world)
    reference = Reference(world)
    check_look_ahead(reference, number)
    # The stranded are asked by another rule, but their rates are defined: include them.
    houses = np.sort(np.random.default_rng(number).permutation(houses_of(world))[:HEADS])
    world.households.moved[houses[::3]] = world.day  # their rates change most in the days to come
    reference.live_through(world.day, KNOWN)
    want, fear, _ = THREATS.of(world).advance(world.day, KNOWN)
    now = current_conditions(world, (want, fear))

    deciders = [reference.decider(house) for house in houses]
    for day in (world.day, world.day + 20.5, world.day + KNOWN - 0.5, world.day + KNOWN + 300.0):
        rates = [
            reference.rates(house, who, day) for house, who in zip(houses, deciders, strict=True)
        ]
        found = rates_of(world, now, houses, day)
        np.testing.assert_allclose(
            found, [row(r) for r in rates], rtol=EXACT, atol=1e-200, err_msg=f"world {number}"
        )
        check_gates(found, rates, number)
    daily = [
        rates_of(world, now, houses, world.day + i + 0.5)[:, 6:].sum(axis=1) for i in range(KNOWN)
    ]
    most = np.max(daily, axis=0)
    # Where bounds are far too wide, points to look at are many, and time must be shorter.
    rate = np.maximum(most, check_bound(world, now, houses, most) * EVENTS / POINTS)

    rng = np.random.default_rng([number, 1])
    for again, longest in enumerate(LONGEST):
        world.seed = number + 1_000_000 * again  # draws anew, and changes nothing else
        for these in alike(rate):
            plane = plane_for(world, rng, rate[these].max(), longest)
            if plane.days < SHORTEST:
                continue
            who = [deciders[i] for i in these]
            check_plane(reference, now, plane, rng, houses[these], who, tally, number)
    for hazard in Hazard:
        check_goals(reference, now, houses, deciders, hazard, rng, tally, number)


def plane_for(world: World, rng: np.random.Generator, most: float, longest: float) -> Plane:
    """A plane on which the household with the greatest rate has a few events.

    If it is short, it begins on one day and ends on another.
    """
    days = min(EVENTS / max(most, 1e-9) * DAYS_A_YEAR, longest)
    start = world.day + max(0.0, rng.integers(KNOWN) - 0.3 * days if days < KNOWN else 0.0)
    return plane_of(world, start, days)


def check_plane(
    reference: Reference, now: Conditions, plane: Plane, rng: np.random.Generator, houses: I64,
    deciders: list[Decider], tally: Tally, number: int,
) -> None:  # fmt: skip
    """Events in spans of a plane are the reference's, however the spans are cut."""
    world, n = reference.world, len(houses)
    since = plane.start + plane.days * rng.choice((0.0, 0.0, 0.2, 0.4), n)
    until = plane.start + plane.days * rng.choice((1.0, 1.0, 0.8, 0.6), n)
    events = events_of(world, now, plane, houses, since, until)
    listed = [np.flatnonzero(events.house == house) for house in houses]
    for house, who, a, b, mine in zip(houses, deciders, since, until, listed, strict=True):
        verdicts = reference.answers(house, who, plane, a, b)
        check_events(reference, house, who, events, mine, verdicts, tally, number)
        assert ((events.time[mine] > a) & (events.time[mine] <= b)).all()
        tally.n_outside += len(verdicts) != len(
            reference.answers(house, who, plane, plane.start, plane.start + plane.days)
        )
    # Anywhere, and at the very moment of an event.
    cut = since + (until - since) * rng.random(n)
    for i in range(0, n, 2):
        if len(listed[i]):
            cut[i] = events.time[rng.choice(listed[i])]
    check_cut(world, now, plane, houses, (since, cut, until), events, tally)
    # The sieve drops no one to whom anything happens,
    through = np.empty(n, np.int64)
    n_through = sieve(world.households, world.persons, houses, now, plane, world.month(), through)
    assert np.isin(events.house, through[:n_through]).all(), number
    tally.n_sieved += n - n_through
    # and no point is above the bound.
    boundless = now._replace(bound=2.0 * now.bound)
    for one, other in zip(
        events, events_of(world, boundless, plane, houses, since, until), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def check_cut(
    world: World, now: Conditions, plane: Plane, houses: I64, at: tuple[F64, F64, F64],
    events: Events, tally: Tally,
) -> None:  # fmt: skip
    """Spans cut in two have the same events, to the bit; who has moved is not asked again."""
    since, cut, until = at
    before = events_of(world, now, plane, houses, since, cut)
    left = ~np.isin(houses, before.house[before.answer <= Answer.necessity])
    after = events_of(world, now, plane, houses[left], cut[left], until[left])
    joined = join_events([before, after])
    order = np.argsort(joined.house, kind="stable")
    for one, other in zip(events, joined, strict=True):
        np.testing.assert_array_equal(one, other[order])
    tally.n_cut += len(np.intersect1d(before.house, after.house))


def check_look_ahead(reference: Reference, number: int) -> None:
    """The table is the fixed point, as near to it as the kernel's tolerance promises."""
    decision = reference.scenario.decision
    n = len(reference.places)
    for hazard, taste in (
        (Hazard.livelihood, decision.livelihood),
        (Hazard.flight, decision.flight),
    ):
        # |x - x*| <= w / (1 - w) |last change|, in logarithms.
        allowed = 2e-6 / (1.0 - taste.look_ahead)
        # Two origins of each world will do: it is the slowest thing to compute.
        for o in {number % n, (number // n) % n}:
            mine = reference.look_ahead(hazard, o)
            np.testing.assert_allclose(
                reference.ahead[hazard, o], mine, rtol=allowed, err_msg=f"world {number}"
            )


def test_where_caravans_form_gates_still_relax_and_bounds_hold(monkeypatch) -> None:
    """Random worlds once more, from all whose places people could set off together for anywhere."""
    plain, better = worlds.random_scenario, 0

    def with_caravan(number: int) -> Scenario:
        scenario = plain(number)
        walk = Intervention(
            id="walk", kind="caravan", at=tuple(p.id for p in scenario.places),
            about=tuple(c.id for c in scenario.countries), start=scenario.time.start,
            people=0.0, price=0.1, hazards=0.2, interception=(0.5, 3.0)[number % 2],
        )  # fmt: skip
        return scenario.model_copy(update={"interventions": (*scenario.interventions, walk)})

    for number in range(12):
        found = {}
        for make in (plain, with_caravan):
            monkeypatch.setattr(worlds, "random_scenario", make)
            world = random_world(number)
            houses = np.array(houses_of(world), np.int64)
            want, fear, _ = THREATS.of(world).advance(world.day, 1)
            now = current_conditions(world, (want, fear))
            found[make] = rates_of(world, now, houses)
        check_gates(found[with_caravan], [], number)
        check_bound(world, now, houses, found[with_caravan][:, 6:].sum(axis=1))
        assert (CHOICES.of(world).joined == 0).all()
        # Where officials stop no more of them, nobody is worse off in a caravan, but for what the
        # look-ahead is solved to (1e-6 / (1 - .95) at most).
        if number % 2 == 0:
            gain = found[with_caravan] - found[plain]
            assert (gain >= -1e-4 * found[plain]).all()
            better += int((gain > 1e-2 * found[plain]).any())
    assert better >= 4


def check_gates(found: F64, rates: list[Rates], number: int) -> None:
    """Gates only relax, and both Shapley parts are at least nothing, for every household."""
    r, r_m, r_p, r_mp = (found[:, i] + found[:, i + 1] for i in (0, 2, 4, 6))
    relaxed = 1 + 1e-14  # sums taken in two orders differ in the last digit
    assert (r <= r_m * relaxed).all(), number
    assert (r <= r_p * relaxed).all(), number
    assert (r_m <= r_mp * relaxed).all(), number
    assert (r_p <= r_mp * relaxed).all(), number
    for one in rates:
        slack = 1e-12 * one.R_MP
        assert one.no_means >= -slack
        assert one.no_permission >= -slack
        assert one.no_means + one.no_permission == pytest.approx(one.R_MP - one.R, abs=slack)
        assert 0.0 <= one.R_0 <= one.R_C * (1 + 1e-12) <= one.R * (1 + 2e-12)


def check_events(
    reference: Reference, house: int, who: Decider, events: Events, mine: I64,
    verdicts: list[Verdict], tally: Tally, number: int,
) -> None:  # fmt: skip
    """A household's answers, days, hazards and the trapped are the reference's."""
    tally.n_repeated += int((events.answer[mine] > Answer.necessity).sum() > 1)
    tally.answers[Answer.stays] += not len(mine)
    for i, verdict in zip(mine, verdicts, strict=False):
        tally.n_near += verdict.near
        if verdict.near:
            return  # it may have moved or not, so that nothing is known of what follows
        answer = Answer(int(events.answer[i]))
        tally.answers[answer] += 1
        assert answer == verdict.answer, (number, house)
        assert events.time[i] == verdict.time, (number, house)
        assert events.word[i] == verdict.word, (number, house)
        assert events.trapped[i] == verdict.trapped, (number, house)
        if answer <= Answer.necessity:
            assert events.hazard[i] == verdict.hazard, (number, house)
            assert events.uprooted[i] == verdict.uprooted, (number, house)
            tally.n_uprooted += verdict.uprooted
        assert events.flight[i] == pytest.approx(verdict.flight, rel=1e-6, abs=1e-12)
    if any(verdict.near for verdict in verdicts):
        tally.n_near += 1
        return
    assert len(mine) == len(verdicts), (number, house)


def check_bound(world: World, now: Conditions, houses: I64, most: F64) -> F64:
    """No bound is below R_MP on any day; gives the bounds."""
    households, persons, bounds = world.households, world.persons, []
    for house, r_mp in zip(houses, most, strict=True):
        p, o = int(households.place[house]), int(households.home[house])
        head, mask = households.head[house], int(households.mask[house])
        where = (p, o, int(persons.traits[head]) >> 4)
        age = min((world.month() - int(persons.born[head])) // 12, 120)
        livelihood = now.livelihood[p, households.status[house]] * now.want[:, p, mask & 15].max()
        livelihood *= now.age[0, age] * (now.at_home if p == o else 1.0)
        flight = now.flight * now.fear[:, p, mask >> 4].max() * now.age[1, age]
        bound = livelihood * now.bound[(0, *where)] + flight * now.bound[(1, *where)]
        assert bound * (1 + 1e-9) >= r_mp
        assert now.most[p, int(p == o), mask] * (1 + 1e-9) >= bound
        bounds.append(bound)
    return np.array(bounds)


def check_goals(
    reference: Reference, now: Conditions, houses: I64, deciders: list[Decider], hazard: Hazard,
    rng: np.random.Generator, tally: Tally, number: int,
) -> None:  # fmt: skip
    """Destination, channel, companions and price are the reference's."""
    world = reference.world
    hazards = np.full(len(houses), int(hazard))
    words = rng.integers(2**64, size=len(houses), dtype=np.uint64)
    goal, channel, companions, price = pick_goals(world, now, houses, words, hazards)
    for i, (house, who) in enumerate(zip(houses, deciders, strict=True)):
        mine = reference.goal(who, hazard, int(words[i]))
        tally.n_near += mine.near
        if mine.near:
            continue
        assert goal[i] == mine.place, (number, house, hazard)
        if mine.place >= 0:
            tally.n_goals += 1
            assert channel[i] == mine.channel, (number, house, hazard)
            assert companions[i] == mine.companions, (number, house, hazard)
            assert price[i] == pytest.approx(mine.price, rel=1e-12), (number, house, hazard)


def agree(numbers: range) -> None:
    tally = Tally(np.zeros(len(Answer), np.int64))
    for number in numbers:
        compare(number, tally)
    # The comparison means something: every answer was given, and often.
    assert tally.answers.min() > 0.3 * len(numbers), tally
    assert tally.n_repeated > len(numbers), tally
    assert tally.n_cut > 0.7 * len(numbers), tally
    assert tally.n_outside > len(numbers), tally
    assert tally.n_goals > 20 * len(numbers), tally
    assert tally.n_sieved > len(numbers), tally
    assert tally.n_uprooted > 0.1 * len(numbers), tally
    # Of some 6,000 draws with a few thresholds each, .03 are expected within 1e-6 of one.
    assert tally.n_near <= 2, tally


def test_random_worlds_are_such_as_a_file_may_describe(tmp_path: Path) -> None:
    for number in range(25):
        file = tmp_path / f"{number}.yaml"
        file.write_text(dump(random_scenario(number)), encoding="utf-8")
        assert sim.read(file).name == f"world_{number}"


def test_random_worlds_await_rules_of_every_kind() -> None:
    coming = [CHOICES.of(random_world(number)).tables.surge for number in range(CHUNK)]
    pending = [surge for surge in coming if surge.pending]
    assert 5 < len(pending) < CHUNK - 5
    way, entry = (
        np.concatenate([getattr(surge, name).ravel() / surge.most for surge in pending])
        for name in ("way", "entry")
    )
    for losses in (way, entry):
        # Some lose a little, some more than counts, some all.
        assert ((losses > 0) & (losses < 1)).any()
        assert ((losses > 1) & (losses < np.inf)).any()
        assert np.isinf(losses).any()
    assert (way < 0).any() or (entry < 0).any()


def test_it_makes_no_difference_how_much_there_is_room_for(monkeypatch) -> None:
    grown = []
    make_room = lives.make_room

    def counted(*args: object) -> None:
        grown.append(args)
        make_room(*args)

    plain = small_tables()
    monkeypatch.setattr(lives, "LEAST", 1)
    monkeypatch.setattr(lives, "make_room", counted)
    # Whose lives are told together is another matter, too: a few at a time.
    monkeypatch.setattr(lives, "FEW_MOVERS", 1)
    assert differing(plain, tables(threads=40)) == []
    assert len(grown) > 20


def before_lives(number: int) -> tuple[World, Segment]:
    """A random world before lives are told, with such rates that most answer within a month."""
    world = random_world(number)
    naturalise(world)
    segment = segment_of(world, min(world.day + 20, segment_of(world, world.day).month_ends))
    for hook in dict(STAGES)["rates"]:
        hook(world, segment)
    now = segment.now
    found = rates_of(world, now, world.deciding)
    by = EVENTS / segment.years / max(found[:, 6:].sum(axis=1).max(), 1e-9)
    segment.now = now._replace(livelihood=by * now.livelihood, flight=by * now.flight)
    segment.now = segment.now._replace(most=by * now.most)
    return world, segment


def live_alone(world: World, segment: Segment, house: int, end: float) -> lives.Share:
    """Tell the life of one household up to some moment, in a copy of its world."""
    at = copy.copy(world)
    at.households = Households(*(column.copy() for column in world.households))
    at.persons = Persons(*(column.copy() for column in world.persons))
    nothing = (np.zeros(shape, np.int64) for shape in ((len(world.country), world.n_countries, 7), (
        CHOICES.of(world).way.custody.days.shape[0], len(world.scenario.corridors))))  # fmt: skip
    counts = lives.nothing_of(lives.counts_of(at, *nothing))
    share = lives.share_of(at, PLANS.of(world), np.array([house]), counts)
    setting = lives.setting_of(at, segment)._replace(end=end)
    lives.go_on(at, setting, lives.what_holds(at, segment), share)
    assert share.done == share.n
    return share


def check_life(
    world: World, segment: Segment, house: int, events: Events, seen: I64, ways: I64
) -> None:
    """What the engine makes of a household up to its first move is what is asked for alone.

    Args:
        events: Of this household.
        seen: [answer] added to.
        ways: [companions] of movers, added to.
    """
    moves = len(events.answer) > 0 and events.answer[-1] <= Answer.necessity
    share = live_alone(world, segment, house, events.time[-1] if moves else float(segment.end))
    counted, weight = share.counts, world.households.weight[house]
    asked = np.bincount(events.answer, minlength=len(Answer))
    np.testing.assert_array_equal(counted.households.sum(axis=0), weight * asked)
    trapped = np.bincount(events.answer[events.trapped], minlength=len(Answer))
    np.testing.assert_array_equal(counted.trapped.sum(axis=0), weight * trapped)
    seen += asked
    seen[Answer.stays] += not len(events.answer)
    goal, channel, companions, _ = pick_goals(
        world, segment.now, events.house[-1:], events.word[-1:], events.hazard[-1:]
    )
    if not moves or goal[0] < 0:
        assert share.n == 1
        return
    # A pioneer or a child who goes ahead has a row of their own, if they need no leave.
    plan: Plans = chosen(share.plans, np.array([share.n - 1]))
    assert (plan.goal[0], plan.channel[0], plan.companions[0]) == (
        goal[0], channel[0], companions[0],
    )  # fmt: skip
    assert (plan.answer[0], plan.word[0]) == (events.answer[-1], events.word[-1])
    ways[companions[0]] += 1


def test_lives_are_told_by_the_very_answers_that_are_compared() -> None:
    seen, ways = np.zeros(len(Answer), np.int64), np.zeros(len(Companions), np.int64)
    for number in range(60):
        world, segment = before_lives(number)
        events = ask(world, segment.now, everybody(world, segment.end))
        households, plans = world.households, PLANS.of(world)
        leaving = plans.household[plans.due <= segment.end]
        # Whose status may change is not asked as it stands.
        country = world.country[households.place]
        calm = ~LAW.of(world).clocks[households.status, country]
        houses = np.setdiff1d(world.deciding[calm[world.deciding]], leaving)
        something = np.isin(houses, events.house)
        for house in [*houses[something], *houses[~something][:10]]:
            mine = Events(*(column[events.house == house] for column in events))
            check_life(world, segment, int(house), mine, seen, ways)
    assert seen.min() > 40, seen
    assert ways[:2].min() > 40, ways


@pytest.mark.parametrize("first", range(0, N_WORLDS, CHUNK))
def test_the_kernel_agrees_with_the_reference_household_by_household(first: int) -> None:
    agree(range(first, first + CHUNK))


@pytest.mark.interpreted
def test_it_agrees_also_when_the_kernels_are_plain_python() -> None:
    agree(range(N_WORLDS, N_WORLDS + SLICE))
