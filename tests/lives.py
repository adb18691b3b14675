"""Households put on their way, or into a queue, by hand in the small world."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.core.jit import kernel
from sim.core.rng import mixed_array
from sim.core.state import DIRECT, I64, TO_CAMP, U32, U64, Plans
from sim.core.terms import Activity, Answer, Channel, Companions, Threat
from sim.engine.stages import STAGES
from sim.engine.step import advance_to, next_change
from sim.kernels.departure import set_out
from sim.kernels.household import send_ahead
from sim.mechanisms.law import LAW, law_of
from sim.mechanisms.lives import counts_of, new_log, setting_of, what_holds
from sim.mechanisms.plans import PLANS
from sim.mechanisms.policy import RULES
from sim.mechanisms.threats import INSECURITY, THREATS
from sim.model.segment import segment_of
from sim.model.world import World
from tests.small import small, world
from tests.worlds import plan

QUIET = (
    "population.agents=20000", "population.demography=false", "decision.flight_norm=1",
    "decision.base_livelihood=.000000000001", "decision.base_flight=0",
)  # fmt: skip
"""Nobody moves of their own accord, is born or dies."""
CALM = ("blocs=[]", "politics.levers={}")
"""No bloc sends anybody to another country, and no election changes a rule."""


def quiet(*changes: str, **options: Any) -> World:
    """The small world, in which nothing happens but what tests put in hand."""
    return world(small(*QUIET, *CALM, *changes), **options)


def houses_of(at: World, place: int, n: int = 10**9, least: int = 1) -> I64:
    """Households at home in a place, of at least so many members."""
    households = at.households
    mine = (households.place == place) & (households.home == place) & (households.size >= least)
    return np.flatnonzero(mine)[:n]


def plans_of(at: World, houses: I64 | U32) -> Plans:
    """Rows of the plans of households, in their order."""
    plans = PLANS.of(at)
    rows = np.searchsorted(plans.household, houses)
    assert (plans.household[rows] == houses).all()
    return Plans(*(column[rows] for column in plans))


def words_of(at: World, houses: I64 | U32, day: float) -> U64:
    """[n] hashes of what made households go on a day."""
    return mixed_array(at.households.ident[houses] ^ np.uint64(1000 * day))


def felt_by(answer: Answer, felt: int | None) -> int:
    """Threats that made people go: by default war, unless they choose to."""
    if felt is not None:
        return felt
    return 1 << Threat.personal if answer == Answer.necessity else 0


def send(
    at: World, houses: I64 | U32, goal: int, channel: Channel = Channel.asylum, day: float = 5.5,
    answer: Answer = Answer.necessity, felt: int | None = None,
) -> None:  # fmt: skip
    """Let households be on their way, without any leg, to arrive at a place on a day."""
    plan(
        at, houses, goal=goal, origin=at.households.place[houses].astype(np.int64),
        channel=int(channel), answer=int(answer), felt=felt_by(answer, felt),
        word=words_of(at, houses, day), due=day, leg=DIRECT,
    )  # fmt: skip
    at.households.activity[houses] = Activity.travelling
    at.households.flags[houses] &= 255 - TO_CAMP


def hand_in(
    at: World, houses: I64 | U32, goal: int | I64, day: float = 0.0, due: float = np.inf,
    companions: Companions = Companions.whole, channel: Channel = Channel.labour,
    answer: Answer = Answer.choice, felt: int | None = None,
) -> None:  # fmt: skip
    """Let households have applied on a day, and perhaps be allowed to travel on another."""
    plan(
        at, houses, goal=goal, channel=int(channel), companions=int(companions),
        answer=int(answer), felt=felt_by(answer, felt), word=words_of(at, houses, day),
        filed=day, due=due,
    )  # fmt: skip
    at.households.activity[houses] = Activity.waiting


@kernel
def leave(
    households, persons, plans, rows, spare, now, setting, tables, law, classes, severities, counts,
    log,
):  # fmt: skip
    """Let households set out as their plans say, or one of each if they send one ahead."""
    for j in range(rows.shape[0]):
        i = rows[j]
        house = plans.household[i]
        if plans.companions[i] > 0:
            if not send_ahead(
                households, persons, house, plans.companions[i], 0.0, setting.month, spare[j]
            ):
                continue
            house = spare[j]
            plans.household[i] = house
        set_out(
            households, persons, plans, i, 0.0, now, setting, tables, law, classes,
            severities.by_day[0, households.place[house]], severities, counts, log,
        )  # fmt: skip


def depart(
    at: World, houses: I64 | U32, goal: int, channel: Channel,
    answer: Answer = Answer.necessity, felt: int | None = None,
    companions: Companions = Companions.whole,
) -> None:  # fmt: skip
    """Let households set out today for a place, without paying for it."""
    houses = np.sort(np.asarray(houses, np.int64))
    spare = at.rows_for(len(houses))
    plan(
        at, houses, goal=goal, channel=int(channel), companions=int(companions),
        answer=int(answer), felt=felt_by(answer, felt), word=words_of(at, houses, at.day),
    )  # fmt: skip
    plans = PLANS.of(at)
    rows = np.searchsorted(plans.household, houses)
    segment, severity = segment_of(at, at.day + 1), THREATS.of(at).severity.copy()
    for hook in dict(STAGES)["rates"]:
        hook(at, segment)
    THREATS.of(at).severity = severity
    holding = what_holds(at, segment)
    n = len(houses)
    leave(
        at.households, at.persons, plans, rows, spare, float(at.day), setting_of(at, segment),
        holding.tables, holding.law, holding.classes, holding.severities,
        counts_of(at, np.zeros_like(INSECURITY.of(at), np.int64), np.zeros((1, 1), np.int64)),
        new_log(2 * n + 8),
    )  # fmt: skip
    PLANS.put(at, Plans(*(column[np.argsort(plans.household)] for column in plans)))


def enact(at: World) -> None:
    """Let the lives of households meet the rules as they stand, whatever tests wrote there."""
    LAW.put(at, law_of(RULES.of(at)))


def live_until(at: World, day: int, step: int = 10**6) -> None:
    """Advance a world to a day, in parts of so many days at most."""
    while at.day < day:
        advance_to(at, min(day, at.day + step, next_change(at, day)))
