"""What is kept from step to step, and from run to run, is what it would be if made anew."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sim.core.rng import key_of, mixed_array
from sim.core.same import Same
from sim.core.state import DAYS_A_YEAR
from sim.core.terms import N_THREATS, Status
from sim.engine.checkpoint import write
from sim.engine.recorder import Recorder
from sim.engine.setup import build_world
from sim.engine.step import advance
from sim.kernels.severity import products
from sim.mechanisms import policy
from sim.mechanisms.announcement import any_pending
from sim.mechanisms.choice import CHOICES, worked_income
from sim.mechanisms.exposure import EXPOSED, EXPOSURE, exposing
from sim.mechanisms.harms import HARMS
from sim.mechanisms.policy import RULES, Rules, say_the_same
from sim.mechanisms.protection import standing
from sim.mechanisms.rule_book import rule_book
from sim.mechanisms.threats import THREATS
from sim.model.declare import where_nonzero
from sim.model.network import build
from sim.scenario.whole import Scenario
from tests.properties.test_resume import kept_of
from tests.small import small, world
from tests.worlds import random_scenario

SHIFT = 0.3
"""Stringency above its start, so that levers move something."""


def arrays_of(rules: Rules) -> dict[str, NDArray[Any]]:
    """Every array of a set of rules, by name."""
    named = {**vars(rules), **rules.added, **rules.custody._asdict()}
    return {name: it for name, it in named.items() if isinstance(it, np.ndarray)}


def days_of(scenario: Scenario) -> list[date]:
    """The first day, every day on which rules change, and the day before it."""
    days = {scenario.time.start, *policy.changes(scenario)}
    return sorted(days | {day - timedelta(days=1) for day in days if day > date.min})


def apart(some: Rules, others: Rules) -> list[str]:
    """Names of arrays that differ."""
    one, two = arrays_of(some), arrays_of(others)
    assert one.keys() == two.keys()
    assert len(one) > 25
    return [name for name in one if not np.array_equal(one[name], two[name])]


LATER = (
    "policies.bb_border.start=2020-05-01",
    "policies.bb_courts.announced=2020-05-01",
    "policies.bb_courts.start=2020-08-01",
)
"""The treatment of intercepted people changes, and so do rules that are announced."""


@pytest.mark.parametrize(
    "scenario", [small(*LATER), *map(random_scenario, range(8))], ids=lambda it: it.name
)
def test_rules_read_from_a_kept_book_are_those_of_a_new_one(scenario: Scenario) -> None:
    network, shift = build(scenario), np.full(len(scenario.countries), SHIFT)
    # There and back, so that each set of rules is met again after others.
    when = [(day, announced) for day in days_of(scenario) for announced in (False, True)]
    when += when[::-1]
    rule_book.cache_clear()
    kept = [Rules(scenario, network, day, shift, announced) for day, announced in when]
    for found, (day, announced) in zip(kept, when, strict=True):
        rule_book.cache_clear()
        assert apart(found, Rules(scenario, network, day, shift, announced)) == []
    if scenario.name == small().name:
        seen = {name for others in kept for name in apart(kept[0], others)}
        assert seen >= {"detained", "closed", "free", "transfers", "capacity", "prima_facie"}
        assert any(apart(*pair) for pair in zip(kept[::2], kept[1::2], strict=True))


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        ("policies.bb_border.barrier=.9", "enforcement"),
        ("policies.bb_border.detention=.9", "detained"),
        ("policies.cc_wall.start=2020-01-01", "closed"),
        ("policies.bb_work.quota=1", "quota"),
        ("policies.bb_work.fee=1", "fee"),
        ("policies.cc_work.min_education=none", "min_education"),
        ("policies.bb_queue.wait=9", "wait"),
        ("policies.bb_kin.enabled=false", "quota"),
        ("policies.bb_courts.capacity=1", "capacity"),
        ("policies.bb_courts.returns=.1", "returns"),
        ("policies.bb_refuge.citizens_of=[CC]", "prima_facie"),
        ("policies.cc_first.start=2020-01-01", "return_to"),
        ("journey.turned_back=.123", "turned_back"),
        ("blocs.union.entries.BB=2019-01-01", "free"),
        ("blocs.union.first_country.transfers=.3", "transfers"),
        ("politics.levers.recognition=.5", "recognition"),
        ("time.start=2020-01-02", ""),
    ],
)
def test_a_variant_in_the_same_process_has_rules_of_its_own(change: str, moved: str) -> None:
    base, changed = small(), small(change)
    when = base.time.start if "transfers" not in change else date(2020, 5, 1)
    network, shift = build(base), np.full(len(base.countries), SHIFT)
    before, found = (Rules(it, network, when, shift) for it in (base, changed))
    assert (moved in apart(before, found)) == bool(moved)
    assert apart(before, Rules(base, network, when, shift)) == []


def test_writing_to_rules_changes_no_later_ones() -> None:
    scenario = small()
    network, shift = build(scenario), np.full(len(scenario.countries), SHIFT)
    first = Rules(scenario, network, scenario.time.start, shift)
    for values in arrays_of(first).values():
        values[:] = 1
    rule_book.cache_clear()
    anew = Rules(scenario, network, scenario.time.start, shift)
    for values in arrays_of(Rules(scenario, network, scenario.time.start, shift)).values():
        values[:] = 1
    assert apart(Rules(scenario, network, scenario.time.start, shift), anew) == []


def test_rules_that_differ_anywhere_do_not_say_the_same() -> None:
    scenario = small()
    network = build(scenario)
    one = Rules(scenario, network, scenario.time.start)
    assert say_the_same(None, None)
    assert not say_the_same(one, None)
    for name in arrays_of(one):
        other = Rules(scenario, network, scenario.time.start)
        assert say_the_same(one, other)
        values = arrays_of(other)[name]
        values.flat[0] = not values.flat[0]
        assert not say_the_same(one, other), name


def test_an_election_that_moves_no_rule_leaves_tables_as_they_are() -> None:
    opinion = "{start: .4, elections: [2020-01-15]}"
    still = world(
        small("politics.levers={}", f"countries.CC.opinion={opinion}", "time.end=2020-03")
    )
    built = CHOICES.of(still).tables
    advance(still)
    assert 14 in policy.CHANGES.of(still)
    assert CHOICES.of(still).tables is built


def test_thresholds_are_worked_out_wherever_anything_has_changed() -> None:
    at = world(small("policies=[{id: rights, into: BB, protection: .3, start: 2020-02-10}]"))
    protection, prevalence = RULES.of(at).protection.copy(), THREATS.of(at).prevalence.copy()
    changes = [0, 0]
    for _ in range(8):
        advance(at)
        exposure = EXPOSURE.of(at)
        np.testing.assert_array_equal(exposure.threshold, exposure.thresholds(at))
        changes[0] += (RULES.of(at).protection != protection).any()
        changes[1] += (THREATS.of(at).prevalence != prevalence).any()
    assert min(changes) > 0


def test_no_checkpoint_holds_what_can_be_made_anew(tmp_path: Path) -> None:
    at = world()
    recorder = Recorder(at)
    recorder.record(at, advance(at))
    file = tmp_path / "kept"
    write(file, kept_of(at, recorder), {"replicates": 1})
    assert b"Choices" in file.read_bytes()
    for name in (b"RuleBook", b"InForce", b"Same"):
        assert name not in file.read_bytes()


def test_a_key_is_about_one_thing() -> None:
    one, other = small(), small().model_copy()
    assert one == other
    assert Same(one) == Same(one)
    assert hash(Same(one)) == hash(Same(one))
    assert Same(one) != Same(other)
    assert Same(one) != one


def test_what_is_kept_by_scenario_follows_the_scenario() -> None:
    base, poorer = small(), small("places.AA_S.unemployment=.5")
    assert worked_income(Same(base)).sum() > worked_income(Same(poorer)).sum()
    assert worked_income(Same(base)).sum() == worked_income(Same(small().model_copy())).sum()
    shapes = [HARMS.new(world(it)).shape for it in (base, random_scenario(1), base)]
    assert shapes[0] == shapes[2] != shapes[1]


def test_severities_follow_their_equation_day_by_day() -> None:
    at = world(small("shocks.purge.enabled=true"))
    threats = THREATS.of(at)
    severity, close = threats.severity.copy(), 1 - np.exp(-1 / threats.relaxation)
    path = []
    for day in range(200):
        target = threats.chronic + threats.strain[:, None] * threats.crowding
        target = target + severity @ threats.coupling.T
        for shock in threats.disturbances:
            target[list(shock.places), shock.threat] += shock.added(day + 0.5)
        severity = severity + (np.clip(target, 0, 1) - severity) * close
        path.append(severity)
    threats.advance(0, 90)
    np.testing.assert_allclose(threats.severity, path[89], rtol=1e-12)
    _, _, daily = threats.advance(90, 110)
    np.testing.assert_allclose(threats.severity, path[-1], rtol=1e-12)
    np.testing.assert_allclose(daily, path[90:], rtol=1e-12)
    assert len(threats.disturbances) == 3


def test_products_are_of_the_factors_of_every_subset() -> None:
    factors = np.random.default_rng(1).random((5, 2, 4))
    found = np.empty((5, 2, 8))
    products(factors, 1, 3, found)
    for subset in range(8):
        chosen = [1 + k for k in range(3) if subset >> k & 1]
        product = factors[:, :, chosen].prod(axis=2)
        np.testing.assert_allclose(found[:, :, subset], product, rtol=1e-14)


@pytest.mark.parametrize("shape", [(7,), (3, 5), (2, N_THREATS, 4), (0, 3)])
def test_cells_that_are_not_0_are_found_in_order(shape: tuple[int, ...]) -> None:
    counts = np.random.default_rng(2).integers(-1, 2, shape)
    for found, expected in zip(where_nonzero(counts), np.nonzero(counts), strict=True):
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype


def test_draws_of_exposure_are_those_of_the_run_and_the_epoch() -> None:
    scenario = small()
    for seed in (1, 2):
        at = build_world(scenario, seed=seed)
        for epoch in (0, 3, 1):
            at.day = int((epoch + 0.5) * DAYS_A_YEAR * scenario.exposure.spell)
            which = at.geography.place_ident[:, None] + np.array([epoch, epoch + 1], np.uint64)
            salt = mixed_array(mixed_array(which) ^ key_of(seed, EXPOSED))
            np.testing.assert_array_equal(exposing(at).salt, salt)


def test_what_is_kept_of_a_scenario_is_not_that_of_a_variant() -> None:
    fence = "{id: fence, into: BB, barrier: .5, start: 2020-06-01, announced: 2020-03-01}"
    plain, announced = small(), small(f"policies=[{fence}]")
    before, when = date(2020, 2, 28), date(2020, 4, 1)
    assert [any_pending(announced, it) for it in (before, when)] == [False, True]
    assert not any_pending(plain, when)
    poorer = small("living.status_income.regular=.5")
    for it in (plain, poorer):
        table = standing(it.living.status_income, np.ones(2))
        assert (table[:, Status.regular] == it.living.status_income.regular).all()
    assert plain.living.status_income.regular != 0.5
