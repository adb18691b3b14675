"""The kernel agrees, person by person, with the reference written for reading.

Random small worlds, a thousand with `SIM_LONG_TESTS=1`; in each every head is asked several times,
and where each would go under either hazard. A difference is allowed only where a draw lies within
1e-6, relatively, of a threshold: those are counted, and must be few.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import sim
from sim.core.state import F64, I64
from sim.core.terms import Answer, Hazard
from sim.kernels.choice import Conditions
from sim.mechanisms.choice import CHOICES
from sim.mechanisms.decide import current_conditions
from sim.mechanisms.journey import pick_goals
from sim.mechanisms.threats import THREATS
from sim.model.world import World
from sim.scenario.whole import Scenario
from sim.scenario.writer import dump
from sim.schema import Intervention
from tests import worlds
from tests.reference import Rates, Reference, Verdict, heads_of
from tests.worlds import answers_of, random_scenario, random_world, rates_of

LONG = bool(os.environ.get("SIM_LONG_TESTS"))
N_WORLDS, CHUNK = (960 if LONG else 288), 48
SLICE = 40
"""Worlds that are also looked at with the compiler off; with the others, a thousand."""
DRAWS = 3
HEADS = 24
"""Households asked in each world, at most."""
EXACT = 1e-9
"""Rates of kernel and reference agree to this, relatively."""


@pytest.fixture(autouse=True)
def _wrap_quietly():
    """Interpreted, the hash overflows with a warning where compiled it wraps."""
    with np.errstate(over="ignore"):
        yield


@dataclass
class Tally:
    """What has been compared."""

    answers: I64
    n_near: int = 0
    n_uprooted: int = 0
    n_goals: int = 0


def row(rates: Rates) -> list[float]:
    return [
        rates.L, rates.F, rates.L_M, rates.F_M, rates.L_P, rates.F_P, rates.L_MP, rates.F_MP,
    ]  # fmt: skip


def compare(number: int, tally: Tally) -> None:
    """Hold one random world's kernel to its reference."""
    world = random_world(number)
    reference = Reference(world)
    check_look_ahead(reference, number)
    # The stranded are asked by another rule, but their rates are defined: include them.
    heads = np.sort(np.random.default_rng(number).permutation(heads_of(world))[:HEADS])
    n_days = 3
    reference.live_through(world.day, n_days)
    want, fear, _, _ = THREATS.of(world).advance(world.day, n_days)
    now = current_conditions(world, (want, fear))

    deciders = [reference.decider(head) for head in heads]
    rates = [
        reference.rates(head, who, float(world.day))
        for head, who in zip(heads, deciders, strict=True)
    ]
    found = rates_of(world, now, heads)
    np.testing.assert_allclose(
        found, [row(r) for r in rates], rtol=EXACT, atol=1e-200, err_msg=f"world {number}"
    )
    check_gates(found, rates, number)

    dt = (1.0, 1.0 / 4)[number % 2]
    for again in range(DRAWS):
        world.seed = number + 1_000_000 * again  # draws anew, and changes nothing else
        verdicts = [
            reference.answer(
                head, r, lambda h=head, w=who: reference.rates_at_secure_means(h, w, world.day), dt
            )
            for head, who, r in zip(heads, deciders, rates, strict=True)
        ]
        check_answers(world, now, dt, heads, rates, verdicts, tally, number)
    check_bound(world, now, dt, heads, found)
    for hazard in Hazard:
        check_goals(reference, heads, deciders, hazard, tally, number)


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
            heads = np.array(heads_of(world), np.int64)
            want, fear, _, _ = THREATS.of(world).advance(world.day, 3)
            now = current_conditions(world, (want, fear))
            found[make] = rates_of(world, now, heads)
        check_gates(found[with_caravan], [], number)
        check_bound(world, now, 1.0, heads, found[with_caravan])
        assert (CHOICES.of(world).joined == 0).all()
        # Where officials stop no more of them, nobody is worse off in a caravan, but for what the
        # look-ahead is solved to (1e-6 / (1 - .95) at most).
        if number % 2 == 0:
            gain = found[with_caravan] - found[plain]
            assert (gain >= -1e-4 * found[plain]).all()
            better += int((gain > 1e-2 * found[plain]).any())
    assert better >= 4


def check_gates(found: F64, rates: list[Rates], number: int) -> None:
    """Gates only relax, and both Shapley parts are at least nothing, for every head."""
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


def check_answers(
    world: World, now: Conditions, dt: float, heads: I64, rates: list[Rates],
    verdicts: list[Verdict], tally: Tally, number: int,
) -> None:  # fmt: skip
    """One step's answers, hazards, times, refusals and the trapped are the reference's."""
    events = answers_of(world, now, dt, heads)
    assert len(np.unique(events.head)) == len(events.head)
    at = {int(head): i for i, head in enumerate(events.head)}
    for head, r, verdict in zip(heads, rates, verdicts, strict=True):
        i = at.get(int(head))
        answer = Answer.stays if i is None else Answer(int(events.answer[i]))
        tally.answers[answer] += 1
        tally.n_near += verdict.near
        if verdict.near:
            continue
        assert answer == verdict.answer, (number, head)
        if i is not None:
            # What is lost in differences of rates counts in full rates.
            lost = 1e-12 * r.R_MP / max(r.R_MP - r.R, 1e-12 * r.R_MP)
            assert events.time[i] == pytest.approx(verdict.time, rel=EXACT, abs=lost)
            assert 0.0 <= events.time[i] < 1.0
            assert events.trapped[i] == verdict.trapped, (number, head)
            slack = 1e-9 * r.R_MP
            assert events.refused[i] == pytest.approx(r.R_MP - r.R, abs=slack)
            assert events.refused[i] * events.lacking[i] == pytest.approx(r.no_means, abs=slack)
            if answer <= Answer.necessity:
                assert events.hazard[i] == verdict.hazard, (number, head)
                assert events.uprooted[i] == verdict.uprooted, (number, head)
                tally.n_uprooted += verdict.uprooted
            if answer == Answer.necessity:
                assert events.flight[i] == pytest.approx(verdict.flight, rel=1e-6, abs=1e-12)


def check_bound(world: World, now: Conditions, dt: float, heads: I64, found: F64) -> None:
    """The bound is never below R_MP, and without it the answers are the same."""
    people, r_mp = world.people, found[:, 6] + found[:, 7]
    for head, most in zip(heads, r_mp, strict=True):
        p, o, mask = int(people.place[head]), int(people.home[head]), int(people.mask[head])
        where = (p, o, int(people.traits[head]) >> 4)
        age = min((world.month() - int(people.born[head])) // 12, 120)
        livelihood = now.livelihood[p, people.status[head]] * now.want[p, mask & 15]
        livelihood *= now.age[0, age] * (now.at_home if p == o else 1.0)
        flight = now.flight * now.fear[p, mask >> 4] * now.age[1, age]
        bound = livelihood * now.bound[(0, *where)] + flight * now.bound[(1, *where)]
        assert bound * (1 + 1e-9) >= most
        assert now.most[p, int(p == o), mask] * (1 + 1e-9) >= bound
    boundless = now._replace(
        bound=np.full_like(now.bound, 1e200), most=np.full_like(now.most, 1e200)
    )
    seed = world.seed
    for again in range(DRAWS):
        world.seed = seed + 7_000_000 * again
        for one, other in zip(
            answers_of(world, now, dt, heads),
            answers_of(world, boundless, dt, heads),
            strict=True,
        ):
            np.testing.assert_array_equal(one, other)
    world.seed = seed


def check_goals(
    reference: Reference, heads: I64, deciders: list, hazard: Hazard, tally: Tally, number: int
) -> None:
    """Destination, channel, companions and price are the reference's."""
    world = reference.world
    hazards = np.full(len(heads), int(hazard))
    goal, channel, companions, price = pick_goals(world, heads, hazards)
    for i, (head, who) in enumerate(zip(heads, deciders, strict=True)):
        mine = reference.goal(head, who, hazard)
        tally.n_near += mine.near
        if mine.near:
            continue
        assert goal[i] == mine.place, (number, head, hazard)
        if mine.place >= 0:
            tally.n_goals += 1
            assert channel[i] == mine.channel, (number, head, hazard)
            assert companions[i] == mine.companions, (number, head, hazard)
            assert price[i] == pytest.approx(mine.price, rel=1e-12), (number, head, hazard)


def agree(numbers: range) -> None:
    tally = Tally(np.zeros(len(Answer), np.int64))
    for number in numbers:
        compare(number, tally)
    # The comparison means something: every answer was given, and often.
    assert tally.answers.min() > 0.3 * len(numbers), tally
    assert tally.n_goals > 20 * len(numbers), tally
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


@pytest.mark.parametrize("first", range(0, N_WORLDS, CHUNK))
def test_the_kernel_agrees_with_the_reference_person_by_person(first: int) -> None:
    agree(range(first, first + CHUNK))


@pytest.mark.interpreted
def test_it_agrees_also_when_the_kernels_are_plain_python() -> None:
    agree(range(N_WORLDS, N_WORLDS + SLICE))
