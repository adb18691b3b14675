"""What is expected of harms on the way against what happens, over many seeds.

Households set out again and again, each time with other luck. What is expected is added before
every draw, given all that was drawn before it, so that what happens less what was expected has mean
0, for every harm.

False alarms have a probability of 1e-4 a harm (fixed seeds: a test either always passes or always
fails). The power is proved: held against expectations that are wrong by the error that a test
states, the same counts fail.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from sim.core import parallel
from sim.core.state import MICRO, NONE
from sim.core.terms import Harm, PartyType
from sim.mechanisms.choice import CHOICES
from sim.mechanisms.harms import (
    EXPECTED_HARMS,
    EXPECTED_INTERCEPTED,
    HARMS,
    INTERCEPTED,
    harmed,
)
from sim.mechanisms.plans import PLANS
from sim.mechanisms.policy import RULES
from sim.model.world import World
from tests import lives
from tests.lives import enact, live_until, quiet
from tests.small import AA, BB, CC, CITY, HARSH, NORTH, PORT, TOWN, Tables, small, tables, world
from tests.unit.test_asylum import ordered_to_leave
from tests.unit.test_journey import WAYS, houses_of, move_on, only, safe, send

SEEDS = 40
ALARM = 4.3
"""Student's t with 39 degrees of freedom, beyond which lies 1e-4 on both sides together."""
ON_LEGS = [harm for harm in Harm if harm is not Harm.forced_return]


def dangerous() -> World:
    """A world in which everything happens on the way, on two legs from north to city."""
    at = safe()
    legs, way = at.network.legs, CHOICES.of(at).way
    mine = only(at, "AA_N_BB_T", "BB_T_BB_C")
    for hazard, probability in (
        (legs.death, 0.03), (legs.violence, 0.1), (legs.extortion, 0.3), (legs.kidnapping, 0.2),
        (legs.money_lost, 1.0), (way.intercepted, 0.3), (way.bribed, 0.2),
    ):  # fmt: skip
        hazard[mine] = probability
    for name, share in {
        "detained": 0.4, "turned_back": 0.3, "prosecuted": 0.3, "separated": 0.5, "removed": 0.4,
        "days": 4.0,
    }.items():  # fmt: skip
        getattr(way.custody, name)[:, mine] = share
    return at


def over_seeds(at: World, live: Callable[[World], None]) -> tuple[np.ndarray, np.ndarray]:
    """[seed, where, citizenship, harm] people who are harmed, and who are expected to be."""
    found = []
    for seed in range(SEEDS):
        world = copy.deepcopy(at)
        world.seed = seed + 1
        live(world)
        people, expected, _ = harmed(world)
        found.append((people.copy(), expected / MICRO))
    happened, expected = zip(*found, strict=True)
    return np.array(happened, float), np.array(expected)


def agree(happened: np.ndarray, expected: np.ndarray) -> bool:
    """Whether means over seeds are equal but for chance."""
    apart = happened - expected
    return bool(abs(apart.mean()) <= ALARM * apart.std(ddof=1) / np.sqrt(len(apart)))


@pytest.fixture(scope="module")
def on_legs() -> tuple[np.ndarray, np.ndarray]:
    def live(at: World) -> None:
        send(at, houses_of(at, NORTH, 1500), CITY)
        move_on(at, 200)

    return over_seeds(dangerous(), live)


@pytest.mark.parametrize("harm", ON_LEGS)
def test_harms_on_legs_happen_as_often_as_expected(on_legs, harm):
    """Power: one in ten too many or too few is seen."""
    happened, expected = (it[:, :, :, harm].sum(axis=(1, 2)) for it in on_legs)
    assert happened.min() > 0
    assert agree(happened, expected)
    assert not agree(happened, 1.1 * expected)
    assert not agree(happened, 0.9 * expected)
    # And it is what it is for: the same mean, with less noise.
    if harm is not Harm.stranding:
        assert expected.std() < 0.8 * happened.std()


def test_interceptions_by_party_add_up_to_the_harm():
    at = dangerous()
    send(at, houses_of(at, NORTH, 1500), CITY)
    move_on(at, 200)
    for by_party, of_all in ((INTERCEPTED, HARMS), (EXPECTED_INTERCEPTED, EXPECTED_HARMS)):
        everybody = of_all.of(at)[: len(WAYS), :, Harm.interception]
        assert (by_party.of(at).sum(axis=2) == everybody).all()
        assert (by_party.of(at).sum(axis=(0, 1))[[PartyType.adults, PartyType.families]] > 0).all()


def test_return_orders_are_carried_out_as_often_as_expected():
    """Power: one in fifty too many or too few is seen."""
    at, _ = ordered_to_leave("policies.cc_courts.returns=.6")
    happened, expected = over_seeds(at, lambda world: live_until(world, 365))
    cell = (slice(None), len(WAYS) + CC, AA, Harm.forced_return)
    assert happened[cell].sum() == happened.sum()
    assert agree(happened[cell], expected[cell])
    assert not agree(happened[cell], 1.02 * expected[cell])
    assert not agree(happened[cell], 0.98 * expected[cell])


def test_the_first_country_takes_back_as_many_as_expected():
    """Power: one in ten too many or too few is seen."""
    at = quiet()
    RULES.of(at).transfers[CC, BB] = 0.3
    enact(at)
    houses = houses_of(at, NORTH, 2000)
    lives.send(at, houses, PORT, day=5.5)
    plans = PLANS.of(at)
    assert (plans.household == houses).all()
    plans.entered[:] = np.where(np.arange(len(houses)) % 2, BB, NONE)
    happened, expected = over_seeds(at, lambda world: live_until(world, 6))
    cell = (slice(None), len(WAYS) + CC, AA, Harm.forced_return)
    assert agree(happened[cell], expected[cell])
    assert not agree(happened[cell], 1.1 * expected[cell])
    assert not agree(happened[cell], 0.9 * expected[cell])


@pytest.mark.parametrize(
    ("certain", "harms"),
    [
        ((), set()),
        (("death",), {Harm.death}),
        (("violence", "extortion", "kidnapping"), {Harm.violence, Harm.extortion, Harm.kidnapping}),
        (("bribed",), {Harm.bribe}),
        (("intercepted",), {Harm.interception}),
        (("intercepted", "turned_back"), {Harm.interception, Harm.stranding}),
        (("intercepted", "detained"), {Harm.interception, Harm.detention, Harm.stranding}),
        (
            ("intercepted", "detained", "removed"),
            {Harm.interception, Harm.detention, Harm.forced_return},
        ),
        (
            ("intercepted", "prosecuted", "separated"),
            {Harm.interception, Harm.prosecution, Harm.separation, Harm.detention, Harm.stranding},
        ),
    ],
)
def test_what_is_certain_or_impossible_is_expected_as_it_happens(certain, harms):
    at = safe()
    legs, way = at.network.legs, CHOICES.of(at).way
    leg = only(at, "AA_N_BB_T")
    for name in ("bribed", *way.custody._fields[1:], *certain):
        where = next(it for it in (legs, way, way.custody) if hasattr(it, name))
        getattr(where, name)[..., leg] = float(name in certain)
    send(at, houses_of(at, NORTH, 300), TOWN)
    move_on(at, 100)
    assert (EXPECTED_HARMS.of(at) == HARMS.of(at) * MICRO).all()
    assert set(np.flatnonzero(HARMS.of(at).sum(axis=(0, 1)))) == harms


@cache
def harsh_tables() -> Tables:
    return tables(small(*HARSH))


@pytest.mark.parametrize("way", ["threads", "pieces", "order"])
def test_nothing_is_expected_otherwise_on_threads_in_pieces_or_in_another_order(monkeypatch, way):
    """Sums of fractions would depend on order in their last digits."""
    if way == "pieces":
        monkeypatch.setattr(parallel, "PIECE", 97)
    n = len(world().households.ident)
    options = {
        "threads": {"threads": 3},
        "pieces": {},
        "order": {"order": np.random.default_rng(2).permutation(n)},
    }[way]
    changed = tables(small(*HARSH), **options)
    for name in ("harms", "interceptions"):
        plain, other = harsh_tables()[name], changed[name]
        keys = [it for it in plain if it not in ("expected", "people", "rows", "money")]
        one, two = (it.sort_values(keys)["expected"].to_numpy() for it in (plain, other))
        assert (one == two).all()
        assert one.sum() > 0
        assert (one * MICRO % 1 == 0).all()
