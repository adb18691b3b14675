"""What threats have uprooted a household: what it remembers, until when, and what that changes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from sim.core.jit import kernel
from sim.core.state import F64, I64, MICRO
from sim.core.terms import Activity, Answer, Channel, Companions, Status, Threat
from sim.engine.step import advance
from sim.kernels.rates import Conditions, rate_if_settled
from sim.kernels.segment import Severities
from sim.kernels.tally import attribute
from sim.mechanisms.decide import add_expected, current_conditions
from sim.mechanisms.demography import bear
from sim.mechanisms.expected import EXPECTED, Expected
from sim.mechanisms.law import LAW
from sim.mechanisms.threats import THREATS
from sim.model.segment import segment_of
from sim.model.world import World
from tests.lives import depart, hand_in, houses_of, live_until, quiet
from tests.reference import Reference
from tests.small import BB, CITY, NORTH, SOUTH, TOWN, small, world
from tests.worlds import answers_of, prepare, random_world

WAR, HUNGER = 1 << Threat.personal, 1 << Threat.food


def started(*changes: str) -> World:
    """A world on its first day, in which nobody does anything of their own accord."""
    return quiet("policies.bb_refuge.encampment=0", *changes)


def families(at: World, n: int, least: int = 3) -> I64:
    """Households at home in the north, of at least so many members."""
    return houses_of(at, NORTH, n, least)


def members(at: World, houses: I64) -> I64:
    """Rows of the persons in households."""
    return np.flatnonzero(np.isin(at.persons.household, houses))


def go(
    at: World, houses: I64, goal: int, answer: Answer, felt: int = 0,
    channel: Channel = Channel.labour, companions: Companions = Companions.whole,
) -> None:  # fmt: skip
    """Let households set out for a place, and arrive there."""
    depart(at, houses, goal, channel, answer, felt, companions)
    live_until(at, at.day + 20)


# What is remembered ------------------------------------------------------------------------------


def test_who_moves_of_necessity_remembers_why() -> None:
    at = started()
    houses = families(at, 20)
    go(at, houses, TOWN, Answer.necessity, WAR)
    assert (at.households.place[houses] == TOWN).all()
    assert (at.households.uprooted[houses] == WAR).all()
    others = np.setdiff1d(np.arange(len(at.households.ident)), houses)
    assert not at.households.uprooted[others].any()


def test_an_onward_move_of_necessity_adds_to_it_and_one_by_choice_ends_it() -> None:
    at = started()
    houses = families(at, 20)
    go(at, houses, TOWN, Answer.necessity, WAR)
    go(at, houses, CITY, Answer.necessity, 0, Channel.internal)  # for what was before
    assert (at.households.uprooted[houses] == WAR).all()
    go(at, houses, TOWN, Answer.necessity, HUNGER, Channel.internal)
    assert (at.households.uprooted[houses] == WAR | HUNGER).all()
    go(at, houses, CITY, Answer.choice, 0, Channel.internal)
    assert not at.households.uprooted[houses].any()


def test_a_pioneer_of_necessity_is_uprooted_and_who_stays_is_not() -> None:
    at = started()
    houses = families(at, 200)
    everybody, n = members(at, houses), len(at.households.ident)
    go(at, houses, TOWN, Answer.necessity, WAR, companions=Companions.pioneer)
    households, theirs = at.households, at.persons.household
    gone = everybody[households.place[theirs[everybody]] == TOWN]
    assert len(gone) > 50
    # Whoever left others behind now has a household of their own.
    alone = gone[theirs[gone] >= n]
    assert len(alone) > 50
    assert (households.size[theirs[alone]] == 1).all()
    assert (households.uprooted[theirs[gone]] == WAR).all()
    assert not households.uprooted[theirs[np.setdiff1d(everybody, gone)]].any()


def test_who_leaves_a_household_takes_its_memory_along() -> None:
    at = started()
    houses = families(at, 200)
    everybody = members(at, houses)
    go(at, houses, TOWN, Answer.necessity, WAR)
    assert (at.households.uprooted[houses] == WAR).all()
    go(
        at, houses, CITY, Answer.necessity, HUNGER, Channel.internal, Companions.pioneer,
    )  # fmt: skip
    theirs = at.persons.household[everybody]
    ahead = at.households.place[theirs] == CITY
    assert ahead.sum() > 50
    assert (at.households.uprooted[theirs[ahead]] == WAR | HUNGER).all()
    assert (at.households.uprooted[theirs[~ahead]] == WAR).all()


def test_children_are_born_uprooted() -> None:
    at = started()
    houses = families(at, 40)
    go(at, houses, TOWN, Answer.necessity, WAR)
    n = len(at.persons.pid)
    homes = np.sort(np.concatenate([houses, families(at, 40)]))
    bear(at, at.households.head[homes].astype(np.int64), np.arange(80, dtype=np.uint64), 1)
    born, mine = np.arange(n, n + 80), np.isin(homes, houses)
    theirs = at.persons.household[born]
    assert (at.households.uprooted[theirs[mine]] == WAR).all()
    assert not at.households.uprooted[theirs[~mine]].any()


def test_a_household_that_waits_for_its_permission_is_uprooted_when_it_leaves() -> None:
    at = started()
    houses = families(at, 10)
    hand_in(at, houses, CITY, due=3.5, answer=Answer.necessity, felt=WAR)
    live_until(at, 3)
    assert (at.households.activity[houses] == Activity.waiting).all()
    assert not at.households.uprooted.any()
    live_until(at, 4)
    assert (at.households.activity[houses] == Activity.travelling).all()
    assert (at.households.uprooted[houses] == WAR).all()


# Until when --------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["home", "within", "naturalised", "returned"])
def test_citizens_where_they_live_are_settled(way: str) -> None:
    at = started()
    houses = families(at, 20)
    if way == "within":
        # Within their country, and no threat there made them move on: settled at once.
        go(at, houses, SOUTH, Answer.necessity, WAR, Channel.internal)
        assert (at.households.status[houses] == Status.displaced).all()
        assert (at.households.uprooted[houses] == WAR).all()
        elsewhere = int(np.flatnonzero(at.country == at.country[NORTH])[-1])
        go(at, houses, elsewhere, Answer.necessity, 0, Channel.internal)
    else:
        go(at, houses, TOWN, Answer.necessity, WAR)
        assert (at.households.uprooted[houses] == WAR).all()
        if way == "home":
            go(at, houses, NORTH, Answer.necessity, HUNGER, Channel.home)
        elif way == "naturalised":
            at.households.status[houses] = Status.regular
            LAW.of(at).naturalisation[:, BB], LAW.of(at).naturalised_after[:] = 50.0, 0.0
            LAW.of(at).clocks[:] = True
            live_until(at, 200)
        else:
            at.households.status[houses], at.households.since[houses] = Status.ordered, at.day
            LAW.of(at).removal[:, BB] = 50.0
            LAW.of(at).clocks[:] = True
            live_until(at, 200)
            assert (at.households.place[houses] == NORTH).all()
    assert (at.households.status[houses] == Status.citizen).all()
    assert not at.households.uprooted[houses].any()


@pytest.mark.parametrize("status", [Status.regular, Status.refugee, Status.ordered])
def test_who_gets_another_status_than_that_of_a_citizen_remembers(status: Status) -> None:
    at = started("policies.bb_courts.returns=0", "policies.bb_refuge.prima_facie=false")
    houses = families(at, 20)
    go(at, houses, TOWN, Answer.necessity, WAR)
    law = LAW.of(at)
    first = Status.irregular if status == Status.regular else Status.claimant
    at.households.status[houses], at.households.since[houses] = first, 0
    law.regularisation[:], law.wait[:], law.courts[:] = 50.0, 0.0, False
    law.recognition[:] = law.false_recognition[:] = float(status == Status.refugee)
    law.clocks[:] = True
    live_until(at, 150)
    assert (at.households.status[houses] == status).all()
    assert (at.households.uprooted[houses] == WAR).all()


def test_memory_is_of_those_who_are_not_settled() -> None:
    """Through a small world in which all happens."""
    at = world(small("decision.base_flight=.05"))
    seen = 0
    while at.date() <= at.scenario.time.end:
        advance(at)
        households = at.households
        lives = households.activity <= Activity.waiting
        torn = households.uprooted > 0
        assert not (lives & torn & (households.status == Status.citizen)).any()
        assert not (lives & torn & (households.place == households.home)).any()
        displaced = lives & (households.status == Status.displaced) & torn
        seen += int(households.size[displaced].sum())
    assert seen > 100


# What it changes ---------------------------------------------------------------------------------


def test_who_is_settled_chooses_at_no_higher_rate_than_who_is_not() -> None:
    """To the bit: R_0 <= R_C <= R, whatever the attachment."""
    rng = np.random.default_rng(5)
    for rate, want, attachment, roots in zip(
        10 ** rng.uniform(-300, 5, 5000), np.exp(rng.exponential(1e-3, 5000)),
        rng.choice([0.0, 1e-18, 1.0, 50.0], 5000), 1 - 10 ** rng.uniform(-20, 0, 5000),
        strict=True,
    ):  # fmt: skip
        calm = rate / want
        found = rate_if_settled(calm, attachment, roots)
        assert 0.0 <= found <= calm <= rate
        assert rate_if_settled(calm, attachment, 1.0) == calm
    assert rate_if_settled(2.0, 4.5, 0.5) == pytest.approx(2.0 * math.exp(-2.25), rel=1e-15)


def test_what_counts_as_choice_changes_nobodys_move() -> None:
    """In random worlds only the word for a move differs if all forget what uprooted them."""
    renamed = 0
    for number in range(60):
        at = random_world(number)
        want, fear, _ = THREATS.of(at).advance(at.day, 3)
        now = current_conditions(at, (want, fear))
        torn = answers_of(at, now, 1.0)
        at.households.uprooted[:] = 0
        plain = answers_of(at, now, 1.0)
        for name, one, other in zip(torn._fields, torn, plain, strict=True):
            if name not in ("answer", "uprooted"):
                np.testing.assert_array_equal(one, other, err_msg=name)
        other = torn.answer != plain.answer
        np.testing.assert_array_equal(other, torn.uprooted)
        assert not plain.uprooted.any()
        assert (plain.answer[other] == Answer.choice).all()
        assert (torn.answer[other] == Answer.necessity).all()
        renamed += int(other.sum())
    assert renamed > 25


def test_nobody_moves_otherwise_in_a_run_for_what_they_remember() -> None:
    """Two years of a small world, and the same with a memory that is wiped again and again."""
    found: list[dict[str, Any]] = []
    for wiped in (False, True):
        at = world(small("decision.base_flight=.05"))
        while at.date() <= at.scenario.time.end:
            advance(at)
            if wiped:
                at.households.uprooted[:] = 0
        assert wiped or at.households.uprooted.any()
        found.append(at.households._asdict() | at.persons._asdict())
        del found[-1]["uprooted"]
    assert found[0].keys() == found[1].keys()
    for name, column in found[0].items():
        np.testing.assert_array_equal(column, found[1][name], err_msg=name)


@kernel
def attribute_all(households, houses, people, flight, uprooted, severity, severities, threats):
    """Attribute a move of each household; give the present threats that each is attributed to."""
    felt, shares = np.empty(houses.shape[0], np.int64), np.empty(7)
    for i in range(houses.shape[0]):
        felt[i] = attribute(
            households, houses[i], people[i], flight[i], uprooted[i], severity[i], severities,
            threats[i], shares,
        )  # fmt: skip
    return felt


def severities_of(weight: F64) -> Severities:
    """Severities of one place and day, with some weights, of which a tenth is tolerable."""
    nothing = np.zeros((1, 1, 7))
    return Severities(nothing, nothing, weight, np.full(7, 0.1))


def test_onward_moves_are_attributed_to_what_uprooted_people() -> None:
    at = started()
    houses = families(at, 4)
    at.households.mask[houses] = WAR | HUNGER
    at.households.uprooted[houses] = 1 << Threat.political | 1 << Threat.economic
    severity, threats = np.zeros((4, 7)), np.zeros((4, 7), np.int64)
    # b_k max(h_k - tol_k, 0) is .2 for hunger and 2.4 for war; the others are not exposed.
    severity[:, Threat.food], severity[:, Threat.personal] = 0.5, 0.7
    severity[:, Threat.health] = 0.9
    weight = np.array([0.5, 0.5, 0.5, 0.5, 4.0, 4.0, 1.5])
    uprooted = np.array([True, False, True, False])
    flight = np.array([0.0, 0.75, 0.0, 1.0])
    felt = attribute_all(
        at.households, houses, np.array([8000, 1000, 4, 1000]), flight, uprooted, severity,
        severities_of(weight), threats,
    )  # fmt: skip
    people = threats / MICRO
    assert people.sum(axis=1).tolist() == [8000, 1000, 4, 1000]
    # By weight, .5 to 1.5: how grave they were is forgotten, and what is felt now does not count.
    assert people[0::2, Threat.economic].tolist() == [2000, 1]
    assert people[0::2, Threat.political].tolist() == [6000, 3]
    assert people[1, [Threat.food, Threat.personal]].tolist() == [250, 750]
    assert people[3, [Threat.food, Threat.personal]].tolist() == [0, 1000]
    assert felt.tolist() == [0, WAR | HUNGER, 0, WAR]


def test_several_threats_share_a_move_by_how_grave_they_are_beyond_what_is_tolerable() -> None:
    at = started()
    house = families(at, 1)
    at.households.mask[house] = 127
    severity, threats = np.full((1, 7), 0.1), np.zeros((1, 7), np.int64)
    severity[0, Threat.food], severity[0, Threat.economic] = 0.3, 0.2
    severity[0, Threat.personal], severity[0, Threat.political] = 0.2, 0.4
    weight = np.array([1.0, 1.0, 1.0, 1.0, 2.0, 1.0, 1.0])
    felt = attribute_all(
        at.households, house, np.array([1200]), np.array([0.5]), np.array([False]), severity,
        severities_of(weight), threats,
    )  # fmt: skip
    people = dict(zip(Threat, (threats[0] / MICRO).tolist(), strict=True))
    some = {
        Threat.economic: 200.0, Threat.food: 400.0, Threat.personal: 240.0,
        Threat.political: 360.0,
    }  # fmt: skip
    assert people == pytest.approx({threat: some.get(threat, 0.0) for threat in Threat}, rel=1e-5)
    assert felt[0] == sum(1 << threat for threat in some)
    assert threats.sum() == 1200 * MICRO


def test_present_threats_are_credited_as_if_nothing_were_remembered() -> None:
    at = started()
    houses = families(at, 50)
    at.households.mask[houses] = np.arange(50) + 60
    severity = np.random.default_rng(3).random((50, 7))
    flight = np.linspace(0.0, 1.0, 50)
    found = []
    for memory in (0, 127):
        at.households.uprooted[:] = memory
        threats = np.zeros((50, 7), np.int64)
        felt = attribute_all(
            at.households, houses, np.full(50, 1000), flight, np.zeros(50, np.bool_), severity,
            severities_of(np.ones(7)), threats,
        )  # fmt: skip
        found.append((threats.tolist(), felt.tolist()))
    assert found[0] == found[1]


@pytest.mark.parametrize("status", [Status.displaced, Status.refugee, Status.irregular])
@pytest.mark.parametrize("years", [0.1, 4.0, 30.0])
def test_the_share_of_choice_is_that_of_a_settled_household(status: Status, years: float) -> None:
    """R_0 / R of the reference, to 1/2000: one household, asked again and again."""
    at = world(small("population.agents=2000", "decision.place_attachment=2"))
    prepare(at)
    households, house = at.households, int(families(at, 1)[0])
    households.place[house] = SOUTH if status == Status.displaced else TOWN
    households.status[house], households.moved[house] = status, -round(365.25 * years)
    households.uprooted[house], households.mask[house] = WAR, WAR | HUNGER
    households.means[house] = 1e5
    THREATS.of(at).severity[[SOUTH, TOWN], Threat.personal] = 0.15
    THREATS.of(at).severity[[SOUTH, TOWN], Threat.food] = 0.4
    reference = Reference(at)
    reference.live_through(at.day, 1)
    want, fear, _ = THREATS.of(at).advance(at.day, 1)
    now = current_conditions(at, (want, fear))
    theory = reference.rates(house, reference.decider(house), float(at.day))
    settled = reference.settled(households.place[house], NORTH, int(status), years)
    lower = theory.R_C * math.exp(-2 * (1 - settled))
    assert theory.R_0 / lower == pytest.approx(1.0, rel=2e-3)
    # Rates so high that everybody moves in a day: the height of the point is left to chance.
    high = 800.0 / theory.R_MP
    now = now._replace(
        livelihood=high * now.livelihood, flight=high * now.flight, most=high * now.most
    )
    dt, houses, chose = 20.0 / (high * theory.R), np.array([house]), 0
    for ident in range(2000):
        households.ident[house] = ident
        answer = answers_of(at, now, dt, houses).answer
        assert answer[-1] in (Answer.choice, Answer.necessity)
        chose += answer[-1] == Answer.choice
    share = theory.R_0 / theory.R
    assert chose == pytest.approx(2000 * share, abs=4 * math.sqrt(2000 * share) + 1)


def test_expected_choices_are_those_of_the_reference() -> None:
    """Of all households of random worlds: (1 - exp(-R dt)) R_0 / R, and flows go with them."""
    uprooted, flows, years = 0, np.zeros(2), np.zeros(2)
    for number in range(6):
        at = random_world(number)
        reference = Reference(at)
        reference.live_through(at.day, 1)
        want, fear, _ = THREATS.of(at).advance(at.day, 1)
        now = current_conditions(at, (want, fear))
        moves = np.zeros(2)
        for house in at.deciding.tolist():
            r = reference.rates(house, reference.decider(house), at.day + 0.5)
            if r.R > 0:
                of_them = at.households.weight[house] * -math.expm1(-r.R * 30 / 365.25)
                moves += of_them * np.array([r.R_0 / r.R, 1 - r.R_0 / r.R])
            uprooted += r.R_0 < r.R_C
        torn = expected(at, now)
        np.testing.assert_allclose(torn.answers.sum(axis=0)[:2] / MICRO, moves, rtol=1e-5)
        assert (torn.flows >= 0).all()
        at.households.uprooted[:] = 0
        plain = expected(at, now)
        # As many go everywhere, and fewer of them by choice.
        ways = [found.flows.sum(axis=-1) / MICRO for found in (torn, plain)]
        np.testing.assert_allclose(*ways, rtol=1e-5, atol=1e-3)
        flows += [found.flows[..., Answer.choice].sum() for found in (torn, plain)]
        years += [found.years[:, Answer.choice].sum() for found in (torn, plain)]
    assert uprooted > 25
    assert flows[0] < 0.95 * flows[1]
    assert years[0] < 0.98 * years[1]


def expected(at: World, now: Conditions) -> Expected:
    """Expected events of 30 days, of everybody."""
    shape = at.cells.size, len(Answer)
    flows = (at.n_countries, *(len(at.country),) * 2, len(Channel), 2)
    found = Expected(*(np.zeros(it, np.int64) for it in (shape, shape, flows)))
    at.counts[EXPECTED.name] = found
    segment = segment_of(at, at.day + 1)
    segment.now = now
    add_expected(at, segment, 30)
    return found
