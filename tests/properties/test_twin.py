"""The twin with an object for each household gives the kernel's answers, one by one.

A difference is allowed only where a draw lies within 1e-6 of a threshold, so that the twin itself
answers otherwise for a draw moved by as much: those are counted, and must be few.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import sim
from benchmarks.asking import ask, everybody, pick_goals
from sim.core.rng import mixed_array
from sim.core.state import DAYS_A_YEAR
from sim.core.terms import Answer, Channel, Companions, Hazard
from sim.kernels.plane import TIME
from sim.kernels.rates import Conditions
from sim.mechanisms import decide
from sim.mechanisms.choice import CHOICES
from sim.mechanisms.threats import THREATS
from sim.mesa import twin
from sim.mesa.twin import Household, Twin
from tests.properties.test_kernel import naturalise
from tests.small import FILE, steps, world
from tests.worlds import alike, plane_of, random_scenario, random_world, rates_of

NEAR = 1e-6
WORLDS = (*range(2_000, 2_040), 2_118)
"""Random worlds that the test of the kernel does not look at; the last has people whom schooling
will be asked of that they lack."""


POINTS = 30.0
"""Points of a household below the bound of its rates, at most, on average."""


class Tally(NamedTuple):
    """What was compared: how often each answer, channel and party_type was the kernel's."""

    answers: Any
    """Events by answer; households without any count as `stays`."""
    channels: Any
    companions: Any
    near: list[Any]
    repeated: list[Any]
    """Households that were refused more than once."""


def tally() -> Tally:
    return Tally(*(np.zeros(len(axis), int) for axis in (Answer, Channel, Companions)), [], [])


class Nudged(Twin):
    """A twin whose draws can be moved a little."""

    nudge = 0.0

    def draw(self, word: int, *what: int) -> float:
        drawn = super().draw(word, *what)
        if word == TIME:
            return drawn
        return drawn * (1.0 + self.nudge) if drawn < 0.5 else 1.0 - (1.0 - drawn) * (1 - self.nudge)


def near(household: Household, say: Any, kernels: Any) -> bool:
    """Whether the twin says what the kernel says if its draws are moved by 1e-6."""
    found = []
    for nudge in (-NEAR, NEAR):
        household.model.nudge = nudge
        found.append(say(household))
    household.model.nudge = 0.0
    say(household)
    return kernels in found


def agree(household: Household, mine: Any, kernels: Any, say: Any, seen: Tally) -> bool:
    if mine == kernels:
        return True
    assert near(household, say, kernels), (household.row, mine, kernels)
    seen.near.append((household.row, kernels))
    return False


Events = list[tuple[int, float]]


def events_of(household: Household) -> Events:
    return [(int(answer), float(day)) for answer, day in household.events]


def decided(household: Household) -> Events:
    household.decide()
    return events_of(household)


def chosen(household: Household) -> tuple[int, int, int]:
    return (-1, -1, -1) if household.chosen is None else (
        household.chosen.place, int(household.chosen.channel), int(household.chosen.who)
    )  # fmt: skip


def move(household: Household) -> tuple[int, int, int]:
    household.decide()
    return chosen(household)


def goal_of(household: Household, now: Conditions, hazard: int, word: Any) -> tuple[int, int, int]:
    """Where the kernel has a household go."""
    words = np.array([word], np.uint64)
    place, channel, who, _ = pick_goals(
        household.model.world, now, np.array([household.row]), words, np.array([int(hazard)])
    )
    return int(place[0]), int(channel[0]), int(who[0])


def compare(model: Nudged, now: Conditions, houses: Any, seen: Tally) -> None:
    """Hold every answer, and where movers go, to the kernel's."""
    world = model.world
    since, until = model.span
    asked = everybody(world, 0)._replace(houses=houses, since=since, until=until)
    events = ask(world, now, asked)
    for row in houses.tolist():
        household, mine = model.households[row], np.flatnonzero(events.house == row)
        kernels = list(zip(events.answer[mine].tolist(), events.time[mine].tolist(), strict=True))
        if not agree(household, events_of(household), kernels, decided, seen):
            continue
        last = kernels[-1][0] if kernels else int(Answer.stays)
        assert household.answer == last
        np.add.at(seen.answers, [answer for answer, _ in kernels] or [last], 1)
        if sum(answer > Answer.necessity for answer, _ in kernels) > 1:
            seen.repeated.append(row)
        if last > Answer.necessity:
            assert household.chosen is None
            continue
        goal = goal_of(household, now, events.hazard[mine[-1]], events.word[mine[-1]])
        if agree(household, chosen(household), goal, move, seen):
            seen.channels[goal[1]] += 1
            seen.companions[goal[2]] += 1


def watch(model: Nudged, steps: int, seen: Tally) -> None:
    """Take some steps, and compare at every point at which households are asked."""

    def look(now: Conditions, end: int) -> None:
        Twin.ask(model, now, end)
        compare(model, now, model.world.deciding, seen)

    model.ask = look
    for _ in range(steps):
        model.step()


def test_it_answers_as_the_kernel_does_through_two_years_of_a_small_world() -> None:
    seen = tally()
    model = Nudged(sim.read(FILE, ["population.agents=600"]))
    watch(model, 24, seen)
    assert not model.running
    assert len(seen.near) <= 1, seen.near
    assert (seen.answers > 2).all(), seen
    assert seen.answers.sum() > 3000
    assert seen.channels[[Channel.internal, Channel.asylum, Channel.home]].min() > 3, seen


@pytest.mark.parametrize(
    ("case", "months"),
    [("syria", ("2012-07", "2012-09")), ("central_america", ("2014-05", "2014-07"))],
)
def test_it_answers_as_the_kernel_does_in_real_cases(case: str, months: tuple[str, str]) -> None:
    seen = tally()
    # Rates so high that many of the few hundred households answer otherwise than by staying.
    high = ["decision.base_livelihood=30", "decision.base_flight=3", "decision.flight_norm=1"]
    time = [f"time.start={months[0]}", f"time.end={months[1]}"]
    watch(Nudged(sim.read(case, ["population.agents=1200", *time, *high])), 2, seen)
    assert not seen.near
    assert seen.answers.sum() > 150
    assert (seen.answers > 0).all(), seen
    assert seen.answers[Answer.stays] < 0.75 * seen.answers.sum(), seen


def test_it_answers_as_the_kernel_does_in_random_worlds() -> None:
    """People in every standing, rules of every kind, awaited ones and blocs among them."""
    seen = tally()
    pending = 0
    for number in WORLDS:
        model = Nudged(random_scenario(number), number)
        at = model.world = random_world(number)
        naturalise(at)
        pending += CHOICES.of(at).tables.surge.pending
        n_days = 30 * (1 + 11 * (number % 2))
        want, fear, _ = THREATS.of(at).advance(at.day, n_days)
        now = decide.current_conditions(at, (want, fear))
        rows, households = at.deciding, at.households
        place = households.place[rows]
        most = now.most[place, (place == households.home[rows]).astype(int), households.mask[rows]]
        model.ask(now, at.day)
        for these in alike(most):
            # As many days as give a household no more than so many points to look at.
            days = min(n_days, POINTS / max(most[these].max(), 1e-9) * DAYS_A_YEAR)
            plane = plane_of(at, at.day, days)
            at.plane = lambda _, plane=plane: plane
            model.plane = plane
            # In parts, as where a rule cuts it; who has moved in one is asked again in the next.
            for part in (0.0, 0.3), (0.3, 1.0):
                model.span = tuple(at.day + share * days for share in part)
                for row in rows[these].tolist():
                    model.households[row].decide()
                compare(model, now, rows[these], seen)
        check_rates(model, now, at.day + n_days / 3)
        for row in at.deciding[:10].tolist():
            check_both(model.households[row], now, seen)
    assert pending > 4
    assert len(seen.near) <= 1, seen.near
    assert (seen.answers > 15).all(), seen
    assert len(seen.repeated) > 30, seen
    # Relocation is no choice of the person's.
    assert (np.delete(seen.channels, Channel.relocation) > 3).all(), seen
    assert (seen.companions > 5).all(), seen


def check_rates(model: Nudged, now: Conditions, day: float) -> None:
    """The two rates under the four combinations of gates are the kernel's."""
    rows = model.world.deciding
    kernels = rates_of(model.world, now, rows, day)
    for row, theirs in zip(rows.tolist(), kernels, strict=True):
        household = model.households[row]
        mine = []
        for policy_open in (False, True):
            for money in (household.means, np.inf):
                calm, flight, pressed = household.rates(day, money, policy_open)
                mine += [calm + pressed, flight]
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-200)


def check_both(household: Household, now: Conditions, seen: Tally) -> None:
    """Where a household would go under either hazard, whatever its answer."""
    for hazard in Hazard:
        word = int(mixed_array(np.array([household.ident + hazard], np.uint64))[0])

        def say(
            household: Household, hazard: Hazard = hazard, word: int = word
        ) -> tuple[int, int, int]:
            household.chosen = None
            if household.nests(hazard, household.means, False):
                household.go(hazard, word)
            return chosen(household)

        goal = goal_of(household, now, hazard, word)
        if agree(household, say(household), goal, say, seen) and goal[0] >= 0:
            seen.channels[goal[1]] += 1
            seen.companions[goal[2]] += 1


def test_the_world_that_it_looks_at_is_that_of_a_run() -> None:
    scenario = sim.read(FILE, ["population.agents=600", "time.end=2020-06"])
    model = Twin(scenario)
    while model.running:
        model.step()
    assert str(model.world.date()) == "2020-07-01"
    with pytest.raises(RuntimeError, match=r"ended on 2020-06-30; for more steps set time.end"):
        model.step()
    plain = world(Twin(scenario).world.scenario)
    for _ in steps(plain):
        pass
    for name in ("households", "persons"):
        tables = getattr(model.world, name), getattr(plain, name)
        for one, other in zip(*tables, strict=True):
            np.testing.assert_array_equal(one, other)


def test_the_order_in_which_households_are_asked_means_nothing() -> None:
    def answers(shuffle: int) -> list[tuple[int, Any, Any]]:
        model = Twin(sim.read(FILE, ["population.agents=600"]))
        model.random.seed(shuffle)
        model.step()
        return sorted(
            (household.row, household.events, chosen(household)) for household in model.asked
        )

    assert answers(1) == answers(2)


def test_a_rule_of_ones_own_that_gives_no_answer_is_refused() -> None:
    class Wordy(twin.Household):
        def decide(self) -> None:
            self.answer = "stays"

    class Unsure(twin.Household):
        def rates(self, *_: object, **__: object) -> tuple[float, float, float]:
            return float("nan"), 0.0, 0.0

    scenario = sim.read(FILE, ["population.agents=600"])
    with pytest.raises(TypeError, match=r"one of Answer, such as Answer.stays, not 'stays'"):
        Twin(scenario, kind=Wordy).step()
    with pytest.raises(ValueError, match="rates are numbers from 0 up, not nan"):
        Twin(scenario, kind=Unsure).step()


def test_the_comparison_sees_other_draws() -> None:
    """The control: with other draws some answer otherwise, and no nudge explains it."""

    class Other(Nudged):
        def draw(self, word: int, *what: int) -> float:
            return super().draw(word, *what) * 0.7

    model, seen = Other(sim.read(FILE, ["population.agents=600"])), tally()
    with pytest.raises(AssertionError):
        watch(model, 6, seen)


def test_it_is_short_enough_to_be_read() -> None:
    text = Path(twin.__file__).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 250


def test_a_class_of_ones_own_changes_the_answers_and_not_the_world() -> None:
    class Poor(Household):
        def know_oneself(self) -> None:
            super().know_oneself()
            self.means = 0.0

    scenario = sim.read(FILE, ["population.agents=600"])
    models = Twin(scenario), Twin(scenario, kind=Poor)
    cannot_pay = [0, 0]
    for _ in range(4):
        for i, model in enumerate(models):
            model.step()
            said = [answer for household in model.asked for answer, _ in household.events]
            cannot_pay[i] += said.count(Answer.no_means)
    assert cannot_pay[1] > cannot_pay[0] + 3
    for one, other in zip(models[0].world.households, models[1].world.households, strict=True):
        np.testing.assert_array_equal(one, other)
