"""Severity, prevalence and who is exposed: what the equations of docs/model.md, 3.4, promise."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pytest

from sim.core.jit import kernel
from sim.core.state import CHANGED, CHILDREN, F64, I64, WOMEN
from sim.core.terms import FEAR, N_THREATS, Status, Threat
from sim.kernels.departure import felt_fear
from sim.kernels.living import (
    N_STATUS,
    exposed_share,
    exposed_to,
    exposure_thresholds,
    pack_thresholds,
    update_living,
)
from sim.mechanisms.census import STOCKS
from sim.mechanisms.exposure import exposing, vulnerability_odds
from sim.mechanisms.livelihood import MEANS, earned
from sim.mechanisms.threats import MONTH, THREATS, Threats, per_threat
from sim.model.world import World
from tests.small import CAMP, NORTH, PLACES, SOUTH, small, world
from tests.worlds import prepare

CALM = (
    "shocks.war.enabled=false", "shocks.purge.enabled=false", "interventions.dry.enabled=false",
)  # fmt: skip
WEIGHT = per_threat(dict(small().decision.threat_weight))
TOLERABLE = per_threat(dict(small().decision.tolerable))


def threats_of(*changes: str) -> Threats:
    """Threats of the small world, of which no place is strained."""
    return Threats(small(*changes), np.zeros(len(PLACES)))


def move(threats: Threats, first: int, n_days: int):
    return threats.advance(first, n_days)


def with_shock(*more: str, **keys: object) -> Threats:
    """Threats under the war alone, with some of its figures replaced."""
    changes = [f"shocks.war.{name}={value}" for name, value in keys.items()]
    return threats_of(*CALM, "shocks.war.enabled=true", *changes, *more)


def test_an_undisturbed_world_stays_where_it_was_observed():
    threats = threats_of(*CALM)
    observed = threats.severity.copy()
    move(threats, 0, 3000)
    np.testing.assert_allclose(threats.severity, observed, atol=1e-12)
    assert not threats.update_prevalence(500.0).any()


def test_a_lasting_shock_ends_in_the_fixed_point_of_the_coupling():
    """s = chronic + C's + shock, so s - observed = (I - C')^-1 shock where nothing is clipped."""
    threats = with_shock(peak=0.3, end="2090-01-01", rise=0)
    observed = threats.severity.copy()
    move(threats, 0, 5000)
    shock = np.zeros(N_THREATS)
    shock[Threat.personal] = 0.3
    expected = np.linalg.solve(np.eye(N_THREATS) - threats.coupling, shock)
    np.testing.assert_allclose(threats.severity[NORTH] - observed[NORTH], expected, atol=1e-9)
    assert expected[Threat.economic] > 0.05
    elsewhere = np.delete(np.arange(len(PLACES)), NORTH)
    np.testing.assert_allclose(threats.severity[elsewhere], observed[elsewhere], atol=1e-12)


def test_severity_never_leaves_its_range():
    threats = with_shock("shocks.purge.enabled=true", peak=1.0, end="2090-01-01")
    for day in range(0, 1500, 50):
        move(threats, day, 50)
        assert threats.severity.min() >= 0
        assert threats.severity.max() <= 1


def test_severity_relaxes_by_an_exponential():
    threats = with_shock(
        "exposure.coupling={}", peak=0.4, end="2090-01-01", rise=0, start="2020-01-01"
    )
    before = threats.severity[NORTH, Threat.personal]
    tau = small().exposure.relaxation * 365.25
    for days in (1, 30, 91, 200):
        fresh = with_shock(
            "exposure.coupling={}", peak=0.4, end="2090-01-01", rise=0, start="2020-01-01"
        )
        move(fresh, 0, days)
        gained = fresh.severity[NORTH, Threat.personal] - before
        assert gained == pytest.approx(0.4 * (1 - math.exp(-days / tau)), rel=1e-9)


def test_a_shock_rises_stays_and_halves():
    (shock,) = with_shock(
        start="2020-03-12", rise=2, peak=0.8, end="2020-12-01", half_life=6
    ).disturbances
    start = (date(2020, 3, 12) - date(2020, 1, 1)).days
    end = (date(2020, 12, 1) - date(2020, 1, 1)).days
    assert shock.added(start - 0.01) == 0
    assert shock.added(start + MONTH) == pytest.approx(0.4)
    assert shock.added(start + 2 * MONTH) == pytest.approx(0.8)
    assert shock.added(end) == 0.8
    assert shock.added(end + 1 + 6 * MONTH) == pytest.approx(0.4)
    assert shock.added(end + 1 + 12 * MONTH) == pytest.approx(0.2)


def test_a_shock_without_end_decays_from_its_peak():
    (shock,) = threats_of(*CALM, "shocks.purge.enabled=true").disturbances
    assert shock.decay == shock.top
    assert shock.added(shock.top + 9 * MONTH) == pytest.approx(0.25)


@pytest.mark.parametrize("lengths", [[1] * 60, [7] * 8 + [4], [31, 29]])
def test_the_length_of_a_step_does_not_move_severity(lengths):
    whole, parts = with_shock(start="2020-01-17"), with_shock(start="2020-01-17")
    want, fear, severity = move(whole, 0, 60)
    found: list[tuple[F64, ...]] = []
    day = 0
    for n in lengths:
        found.append(move(parts, day, n))
        day += n
    np.testing.assert_array_equal(parts.severity, whole.severity)
    for i, daily in enumerate((want, fear, severity)):
        np.testing.assert_array_equal(np.concatenate([part[i] for part in found]), daily)
    np.testing.assert_array_equal(severity[-1], whole.severity)


def test_a_war_from_mid_month_is_feared_from_that_day_on():
    threats = with_shock("exposure.relaxation=0.01", start="2020-01-16", rise=0, peak=0.9)
    _, fear, _ = move(threats, 0, 31)
    bit = 1 << (Threat.personal - FEAR[0])
    assert (fear[:15, NORTH, bit] < 0.01 * fear[-1, NORTH, bit]).all()
    assert (np.diff(fear[14:, NORTH, bit]) >= 0).all()
    assert (fear[:, NORTH, 0] == 0).all()


def test_rates_factor_over_threats():
    threats = threats_of(*CALM, "decision.voice=.5")
    (want,), (fear,), (severity,) = move(threats, 0, 1)
    felt = WEIGHT * np.maximum(severity - TOLERABLE, 0)
    voice = {country.id: country.voice for country in small().countries}
    unheard = 1 + 0.5 * (1 - np.array([voice[place.country] for place in small().places]))
    assert len(set(unheard)) > 2
    for mask in (0, 1, 5, 15):
        total = sum(felt[:, k] for k in range(4) if mask >> k & 1) + np.zeros(len(PLACES))
        np.testing.assert_allclose(want[:, mask], np.exp(unheard * total), rtol=1e-12)
    for mask in (0, 1, 6, 7):
        total = sum(felt[:, 4 + k] for k in range(3) if mask >> k & 1) + np.zeros(len(PLACES))
        np.testing.assert_allclose(fear[:, mask], np.exp(total) - 1, atol=1e-12)


def test_crowding_raises_its_threats_up_to_its_share():
    threats = threats_of(*CALM, "exposure.coupling={}")
    observed = threats.severity.copy()
    threats.strain[SOUTH] = 0.5
    move(threats, 0, 4000)
    for threat in Threat:
        share = dict(small().exposure.crowding).get(threat.name, 0.0)
        gained = threats.severity[SOUTH, threat] - observed[SOUTH, threat]
        assert gained == pytest.approx(0.5 * share, abs=1e-9)


def test_strain_begins_with_the_first_newcomer_and_is_one_half_at_capacity():
    at = world()
    prepare(at)
    at.geography.capacity[:4] = 1000
    STOCKS.of(at).newcomers[:4] = 0, 500, 1000, 3000
    at.day = 31
    prepare(at)
    np.testing.assert_allclose(THREATS.of(at).strain[:4], [0, 1 / 3, 1 / 2, 3 / 4])


def test_prevalence_rises_at_dated_events_and_falls_back():
    threats = with_shock(start="2020-03-12", rise=1, end="2020-06-01", half_life=2, prevalence=0.7)
    base = threats.base_prevalence.copy()
    onset = (date(2020, 3, 12) - date(2020, 1, 1)).days
    decay = (date(2020, 6, 1) - date(2020, 1, 1)).days + 1
    last = decay + 2 * 2 * MONTH
    assert not threats.update_prevalence(onset - 1).any()
    assert threats.update_prevalence(onset).any()
    assert threats.prevalence[NORTH, Threat.personal] == 0.7
    assert not threats.update_prevalence(onset + 1).any()
    threats.update_prevalence(math.floor(last))
    assert threats.prevalence[NORTH, Threat.personal] == 0.7
    threats.update_prevalence(math.ceil(last))
    np.testing.assert_array_equal(threats.prevalence[:, Threat.personal], base[:, Threat.personal])
    assert threats.dates[0] == onset
    assert math.ceil(last) in threats.dates
    threats.update_prevalence(1e6)
    np.testing.assert_array_equal(threats.prevalence, base)


def test_days_on_which_prevalence_changes_are_all_listed():
    threats = threats_of()
    threats.update_prevalence(-1.0)
    changed = [day for day in range(3000) if threats.update_prevalence(float(day)).any()]
    assert changed == [day for day in threats.dates if day < 3000]
    assert len(changed) > 4


def test_a_shock_switched_off_keeps_its_dates():
    """So that a run with it and one without are cut alike, and fractions have the same bits."""
    assert threats_of(*CALM).dates == threats_of().dates


def test_coupled_threats_spread_a_relaxation_time_later():
    dry = threats_of(
        *CALM, "interventions.dry.enabled=true", "interventions.dry.prevalence=.9",
        "threats.AA.economic=[.1, .01]", "threats.default.food=[.05, .01]",
    )  # fmt: skip
    east = PLACES.index("AA_E")
    onset = (date(2020, 5, 1) - date(2020, 1, 1)).days
    lag = small().exposure.relaxation * 365.25
    dry.update_prevalence(onset + lag - 1)
    assert dry.prevalence[east, Threat.food] == 0.01
    dry.update_prevalence(onset + lag + 1)
    assert dry.prevalence[east, Threat.food] == pytest.approx(0.3 * 0.9)
    assert dry.prevalence[east, Threat.economic] == 0.01
    dry.update_prevalence(onset + 2 * lag + 1)
    assert dry.prevalence[east, Threat.economic] == pytest.approx(0.2 * 0.3 * 0.9)


def test_a_drought_eases_after_its_months():
    (dry,) = threats_of(*CALM, "interventions.dry.enabled=true").disturbances
    assert dry.threat == Threat.environmental
    assert dry.added(dry.start + 8 * MONTH) == 0.5
    assert dry.added(dry.start + 14 * MONTH) == pytest.approx(0.25)


def test_fear_of_the_state_is_fear_of_what_the_state_does():
    threats = threats_of(*CALM)
    state = threats.state_fear()
    political = 1 << (Threat.political - FEAR[0])
    for bits in range(8):
        assert state[SOUTH, bits] == bool(bits & political)
        assert not state[CAMP, bits]


@kernel
def fear_of(mask, severity, weight, tolerable):
    """Greatest fear that people feel."""
    return felt_fear(mask, severity, weight, tolerable)


def test_felt_fear_lies_between_none_and_all():
    all_of, none = np.ones(N_THREATS), np.zeros(N_THREATS)
    for tolerable, most in ((0.0, 1.0), (0.1, 0.9)):
        of_that = np.full(N_THREATS, tolerable)
        assert fear_of(0, all_of, WEIGHT, of_that) == 0
        assert fear_of(127, all_of, WEIGHT, of_that) == pytest.approx(most)
        assert fear_of(127, none, WEIGHT, of_that) == 0
    # One well-founded fear is enough, and want is no fear.
    weight = np.array([4.0, 4.0, 4.0, 4.0, 1.0, 2.0, 0.5])
    severity = np.array([1.0, 1.0, 1.0, 1.0, 0.6, 0.3, 1.0])
    assert fear_of(15, severity, weight, none) == 0
    assert fear_of(1 << Threat.personal, severity, weight, none) == pytest.approx(0.3)
    assert fear_of(127, severity, weight, none) == pytest.approx(0.3)
    assert fear_of(1 << Threat.political, severity, weight, none) == pytest.approx(0.25)


# Who is exposed.


def exposed(prevalence: float, *changes: str, seed: int = 3) -> World:
    """A world of many households in which every threat has one prevalence everywhere."""
    levels = ", ".join(f"{t.name}: [.3, {prevalence}]" for t in Threat)
    at = world(
        small(*CALM, "population.agents=40000", f"threats.default={{{levels}}}", "threats.AA={}",
              "threats.BB={}", "decision.base_livelihood=1", "decision.flight_norm=1", *changes),
        seed,
    )  # fmt: skip
    prepare(at)
    return at


def expose(at: World, houses: I64) -> None:
    """Draw anew the threats to which households are exposed where they live now."""
    at.households.makeup[houses] |= CHANGED
    nowhere, how = np.zeros(len(at.country), bool), exposing(at)
    means = MEANS.of(at)
    incomes = earned(means, THREATS.of(at).severity)
    update_living(
        at.households, 0, len(at.households.ident), how, how.phase, nowhere, at.geography.decides,
        means, incomes, 0.0,
    )  # fmt: skip


def houses_at(at: World, place: int) -> I64:
    return np.flatnonzero(at.households.place == place)


@pytest.mark.parametrize("prevalence", [0.02, 0.3, 0.75, 1.0, 0.0])
def test_as_many_are_exposed_as_prevalence_says(prevalence):
    at = exposed(prevalence)
    for place in (NORTH, SOUTH):
        mask = at.households.mask[houses_at(at, place)]
        noise = 4 * math.sqrt(prevalence * (1 - prevalence) / len(mask))
        for threat in Threat:
            share = (mask >> threat & 1).mean()
            assert abs(share - prevalence) <= 1 / 256 + noise, threat


def test_a_higher_prevalence_adds_households_and_never_swaps_them():
    before = exposed(0.1).households.mask
    for prevalence in (0.2, 0.4, 0.9):
        now = exposed(prevalence).households.mask
        assert (before & ~now == 0).all()
        assert (before != now).mean() > 0.2
        before = now


def test_odds_are_those_of_the_vulnerable():
    """Shares of two kinds of household at one place: their odds stand as their multipliers do."""
    odds = vulnerability_odds(small())
    counts = np.zeros((1, odds.shape[1]))
    counts[0, CHILDREN * N_STATUS + Status.citizen] = 700
    counts[0, WOMEN * N_STATUS + Status.irregular] = 300
    prevalence = np.full((1, N_THREATS), 0.4)
    threshold = np.zeros((1, odds.shape[1], N_THREATS), np.int16)
    exposure_thresholds(prevalence, odds[None], counts, threshold)
    share = threshold[0].T / 256
    for threat in Threat:
        first, second = (
            share[threat, CHILDREN * N_STATUS + Status.citizen],
            share[threat, WOMEN * N_STATUS + Status.irregular],
        )
        assert 0.7 * first + 0.3 * second == pytest.approx(0.4, abs=1 / 512)
        expected = (
            odds[threat, WOMEN * N_STATUS + Status.irregular]
            / odds[threat, CHILDREN * N_STATUS + Status.citizen]
        )
        found = second / (1 - second) / (first / (1 - first))
        assert found == pytest.approx(expected, rel=0.04), threat
    assert exposed_share(0.3, 1.0) == pytest.approx(0.3)


def test_status_and_membership_multiply_and_the_worst_member_counts():
    odds = vulnerability_odds(small("exposure.vulnerability.hill.health=3"))
    code = (1 * 8 + (CHILDREN | WOMEN | 4)) * N_STATUS + Status.displaced
    assert odds[Threat.health, code] == pytest.approx(3 * 1.5 * 1.2)
    assert odds[Threat.personal, code] == pytest.approx(1.3)


def test_deprivations_come_together_as_often_as_said():
    for together in (0.0, 0.5, 1.0):
        at = exposed(0.3, f"exposure.overlap={together}", "exposure.vulnerability={}")
        mask = at.households.mask[houses_at(at, SOUTH)]
        q = 77 / 256
        noise = 4 * math.sqrt(0.3 * 0.7 / len(mask))
        for a, b in ((Threat.personal, Threat.political), (Threat.food, Threat.health)):
            both = ((mask >> a & 1) & (mask >> b & 1)).mean()
            assert abs(both - (together * q + (1 - together) * q * q)) < noise + 1 / 256
        # Fear and want have nothing to do with one another.
        both = ((mask >> Threat.personal & 1) & (mask >> Threat.food & 1)).mean()
        assert abs(both - q * q) < noise + 1 / 256


def test_exposure_is_drawn_anew_once_in_five_years():
    at = exposed(0.5, "exposure.overlap=0", "exposure.vulnerability={}")
    houses = houses_at(at, SOUTH)
    start = at.households.mask[houses].copy()
    same_by_chance = 0.5**7
    for years, renewed in ((0.5, 0.1), (2.5, 0.5), (5.0, 1.0)):
        at.day = round(years * 365.25)
        expose(at, houses)
        changed = (at.households.mask[houses] != start).mean()
        assert changed == pytest.approx(renewed * (1 - same_by_chance), abs=0.02)
    at.day = 0
    expose(at, houses)
    assert (at.households.mask[houses] == start).all()


def test_one_comparison_serves_all_threats():
    rng = np.random.default_rng(5)
    threshold = rng.integers(0, 257, (1, 3000, N_THREATS)).astype(np.int16)
    threshold[0, :600] = rng.choice((0, 1, 127, 128, 129, 255, 256), (600, N_THREATS))
    draws = rng.integers(0, 256, (3000, 8))
    near = rng.random((3000, N_THREATS)) < 0.5
    draws[:, :N_THREATS][near] = np.clip(threshold[0] + rng.integers(-1, 2, near.shape), 0, 255)[
        near
    ]
    for one, limits, words in zip(draws, threshold[0], pack_thresholds(threshold)[0], strict=True):
        word = np.uint64(sum(int(draw) << 8 * k for k, draw in enumerate(one)))
        expected = sum(int(d < t) << k for k, (d, t) in enumerate(zip(one, limits, strict=False)))
        assert exposed_to(word, *words) == expected


def test_a_new_place_is_a_new_draw():
    at = exposed(0.5, "exposure.overlap=0", "exposure.vulnerability={}")
    households, houses = at.households, houses_at(at, SOUTH)
    before = households.mask[houses].copy()
    households.place[houses] = NORTH
    expose(at, houses)
    after = households.mask[houses]
    for threat in Threat:
        agree = ((before >> threat & 1) == (after >> threat & 1)).mean()
        assert abs(agree - 0.5) < 4 * 0.5 / math.sqrt(len(houses)) + 1 / 256


def test_exposure_follows_the_seed():
    one, other = exposed(0.4), exposed(0.4, seed=4)
    rows = np.arange(5000)
    assert (one.persons.pid[rows] == other.persons.pid[rows]).all()
    masks = [it.households.mask[it.persons.household[rows]] for it in (one, other)]
    assert (masks[0] != masks[1]).mean() > 0.5
