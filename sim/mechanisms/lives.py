"""Lives: all that happens to households in a segment, in event time (`sim/kernels/live.py`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sim.core.parallel import FEW_MOVERS, in_pieces, in_ranges
from sim.core.rng import key_of
from sim.core.state import DAYS_A_YEAR, I64, U64, Moves, Plans
from sim.core.terms import ClaimStage, Harm
from sim.kernels import segment as kinds
from sim.kernels.busy import list_busy
from sim.kernels.decision import sieve
from sim.kernels.live import live
from sim.kernels.segment import (
    FINE,
    KIN,
    MOVES,
    PARTED,
    Counts,
    Exposing,
    Law,
    Log,
    Setting,
    Severities,
)
from sim.kernels.severity import add_up as add_up_years
from sim.mechanisms.asylum import CLAIMED, RECOGNISED, TRANSFER
from sim.mechanisms.attempts import JOURNEYS
from sim.mechanisms.camps import CAMP
from sim.mechanisms.caravans import SETTING_OUT
from sim.mechanisms.census import ACCOUNT, LostPeopleError
from sim.mechanisms.choice import CHOICES
from sim.mechanisms.custody import held_days, separate
from sim.mechanisms.decide import (
    ATTRIBUTION,
    HOUSEHOLD_DAYS,
    HOUSEHOLDS,
    MOVE,
    PERSON_DAYS,
    PERSONS,
    TRAPPED,
)
from sim.mechanisms.exposure import exposing
from sim.mechanisms.flows import ARRIVED, DEPARTED
from sim.mechanisms.harms import (
    BRIBES,
    EXPECTED_INTERCEPTED,
    EXTORTED,
    HARMS,
    INTERCEPTED,
    harmed,
)
from sim.mechanisms.journey import CHANNEL_CHOSEN, CROSSINGS, DESTINATION, ON_LEGS, STRANDED
from sim.mechanisms.kin import send
from sim.mechanisms.law import LAW
from sim.mechanisms.livelihood import MEANS
from sim.mechanisms.naturalisation import NATURALISATION, NATURALISED
from sim.mechanisms.plans import HAS_PLAN, PLANS, chosen, joined, keep, laid_out
from sim.mechanisms.policy import CLASSES
from sim.mechanisms.regularisation import REGULARISED
from sim.mechanisms.removal import REMOVAL
from sim.mechanisms.threats import INSECURITY, THREATS
from sim.model.declare import Hook, Mechanism

if TYPE_CHECKING:
    from sim.core.state import Legs
    from sim.kernels.alternatives import ChoiceTables
    from sim.kernels.means import Means
    from sim.kernels.rates import Conditions
    from sim.kernels.travel import Way
    from sim.model.segment import Segment
    from sim.model.world import World

LEAST = 64
"""Least number of rows for which there is room."""


@dataclass
class Share:
    """Households whose lives one thread tells."""

    plans: Plans
    n: int
    """Rows of plans in use."""
    counts: Counts
    log: Log
    spare: I64
    """Rows for new households."""
    done: int = 0
    """Rows of plans that have been dealt with."""
    used: int = 0
    """Spare rows in use."""


def tell_lives(world: World, segment: Segment) -> None:
    """Let everything happen to households that happens to them until the segment ends."""
    dead, taken, decided = deaths(world), returned(world), decided_claims(world)
    setting = setting_of(world, segment)
    plans = PLANS.of(world)
    houses = busy_households(world, segment, setting, plans)
    insecurity = np.zeros(INSECURITY.of(world).shape, np.int64)
    custody = CHOICES.of(world).way.custody
    held = np.zeros((len(custody.days), len(world.scenario.corridors)), np.int64)
    totals = counts_of(world, insecurity, held)
    n_threads = max(1, min(world.threads, len(houses) // FEW_MOVERS))
    alone = n_threads == 1
    parts = [houses] if alone else np.array_split(houses, n_threads)
    shares = [
        share_of(world, plans, part, totals if alone else nothing_of(totals)) for part in parts
    ]
    holding = what_holds(world, segment)

    def work(number: int, _: int) -> None:
        go_on(world, setting, holding, shares[number])

    in_ranges(work, n_threads, n_threads)
    for share in shares:
        while share.done < share.n:
            make_room(world, share)
            go_on(world, setting, holding, share)
        if not alone:
            add_up(totals, share.counts)
        write_down(world, share)
        world.spare = np.concatenate([world.spare, share.spare[share.used :]])
    carried = [chosen(share.plans, slice(share.n)) for share in shares]
    keep(world, carried[0] if alone else joined(carried))
    INSECURITY.of(world)[:] -= insecurity / FINE
    segment.held_days = held_days(world, CHOICES.of(world).way, held)
    ACCOUNT.of(world).dead += deaths(world) - dead
    segment.returned = returned(world) - taken
    segment.decided = decided_claims(world) - decided
    check_plans(world)


def busy_households(world: World, segment: Segment, setting: Setting, plans: Plans) -> I64:
    """Find households to which something may happen, and count the days of those that decide.

    Days are counted as if all of them stayed where they are until the segment ends.

    Returns:
        [n] rows, ascending, without repeats.
    """
    households, persons, month = world.households, world.persons, setting.month
    plane, clocks, days = world.plane(MOVE), LAW.of(world).clocks, segment.end - world.day
    counts = HOUSEHOLD_DAYS.of(world), PERSON_DAYS.of(world)

    def visit(first: int, last: int) -> tuple[I64, I64, I64]:
        own, members = (np.zeros_like(it) for it in counts)
        through, stranded, busy = np.empty((3, last - first), np.int64)
        n, n_stranded, n_busy = list_busy(
            households, persons, first, last, setting.decides, clocks, setting.country, month,
            setting.strides, days, segment.now, plane, through, stranded, busy, own, members,
        )  # fmt: skip
        n = sieve(households, persons, through[:n], segment.now, plane, month, through)
        return np.concatenate([through[:n], busy[:n_busy], stranded[:n_stranded]]), own, members

    found = [plans.household]
    for rows, *its in in_pieces(visit, len(households.ident), world.threads):
        found.append(rows)
        for count, more in zip(counts, its, strict=True):
            count += more
    busy = np.zeros(len(households.ident), bool)
    for rows in found:
        busy[rows] = True
    return np.flatnonzero(busy)


@lru_cache(maxsize=4)
def draw_keys(seed: int) -> U64:
    """[kind of draw] keys of a run, in the order of `DRAWS` in `sim/kernels/segment.py`."""
    draws = (*ON_LEGS, DESTINATION, CHANNEL_CHOSEN, TRANSFER, CAMP, RECOGNISED)
    return np.array([key_of(seed, draw) for draw in draws])


DRAW_OF = {
    kinds.MOVE: MOVE,
    kinds.STRANDED: STRANDED,
    kinds.REMOVAL: REMOVAL,
    kinds.REGULARISATION: REGULARISED,
    kinds.NATURALISATION: NATURALISATION,
}
"""Draw of each kind of event that has a plane."""


def setting_of(world: World, segment: Segment) -> Setting:
    """The time, and the world around the households."""
    geography, journey, choices = world.geography, world.scenario.journey, CHOICES.of(world)
    plane = world.plane(MOVE)
    return Setting(
        month=world.month(),
        first=float(world.day),
        end=float(segment.end),
        plane_start=plane.start,
        plane_days=plane.days,
        planes=np.array([world.plane(DRAW_OF[kind]).key for kind in kinds.PLANES]),
        draws=draw_keys(world.seed),
        country=world.country,
        decides=geography.decides,
        km=world.network.km,
        nearest=geography.nearest,
        place_ident=geography.place_ident,
        country_ident=geography.country_ident,
        joined=choices.joined,
        strides=world.cells.strides,
        stranded_rate=1.0 / journey.wait_stranded,
        grounds=journey.grounds,
        pause_returned=world.scenario.decision.pause_returned,
        captivity_days=journey.captivity_days,
    )


class Holding(NamedTuple):
    """What the kernel reads besides households and their setting; see `live`."""

    tables: ChoiceTables
    conditions: Conditions
    means: Means
    classes: I64
    law: Law
    ways: tuple[tuple[Legs, Way], ...]
    severities: Severities
    exposing: Exposing


def what_holds(world: World, segment: Segment) -> Holding:
    """What the kernel reads besides households and their setting."""
    choices, threats = CHOICES.of(world), THREATS.of(world)
    years = np.empty((len(segment.severity) + 1, *threats.severity.shape))
    add_up_years(segment.severity, DAYS_A_YEAR, years)
    severities = Severities(segment.severity, years, threats.weight, threats.tolerable)
    ways = ((world.network.legs, choices.way), *choices.caravans)
    return Holding(
        choices.tables, segment.now, MEANS.of(world), CLASSES.of(world), LAW.of(world), ways,
        severities, exposing(world),
    )  # fmt: skip


def counts_of(world: World, insecurity: I64, held: I64) -> Counts:
    """What the kernel adds to."""
    return Counts(
        households=HOUSEHOLDS.of(world),
        people=PERSONS.of(world),
        trapped=TRAPPED.of(world),
        attribution=ATTRIBUTION.of(world),
        household_days=HOUSEHOLD_DAYS.of(world),
        person_days=PERSON_DAYS.of(world),
        insecurity=insecurity,
        harmed=harmed(world),
        caught=INTERCEPTED.of(world),
        caught_expected=EXPECTED_INTERCEPTED.of(world),
        extorted=EXTORTED.of(world),
        bribes=BRIBES.of(world),
        crossings=CROSSINGS.of(world),
        held=held,
        journeys=JOURNEYS.of(world),
        setting_out=SETTING_OUT.of(world),
        claims=CLAIMED.of(world),
        naturalised=NATURALISED.of(world),
    )


def nothing_of(counts: Counts) -> Counts:
    """Counts of the same shapes in which nothing is counted."""
    harm = type(counts.harmed)(*(np.zeros_like(column) for column in counts.harmed))
    columns: dict[str, Any] = {
        name: harm if name == "harmed" else np.zeros_like(column)
        for name, column in counts._asdict().items()
    }
    return Counts(**columns)


def add_up(totals: Counts, counts: Counts) -> None:
    """Add the counts of one thread to those of all."""
    for name, total in totals._asdict().items():
        column = getattr(counts, name)
        if name != "harmed":
            total += column
    for part, its in zip(totals.harmed, counts.harmed, strict=True):
        part += its


def new_log(n: int) -> Log:
    """Make an empty log with room for n moves, and for as much else."""
    whole, real = np.int64, np.float64
    return Log(
        np.empty((n, 7), whole), np.empty((n, 2), whole), np.empty(n, real),
        np.empty((n, 3), whole), np.empty(n, real), np.zeros(3, whole),
    )  # fmt: skip


def share_of(world: World, plans: Plans, houses: I64, counts: Counts) -> Share:
    """Make the share of some households, ascending by row."""
    n = len(houses)
    first, end = np.searchsorted(plans.household, (houses[0], houses[-1] + 1)) if n else (0, 0)
    mine = laid_out(world, chosen(plans, slice(first, end)), houses, max(n // 2, LEAST))
    mine.now[:] = float(world.day)
    spare = world.rows_for(max(n // 2, LEAST))
    return Share(mine, n, counts, new_log(2 * n + LEAST), spare)


def go_on(world: World, setting: Setting, holding: Holding, share: Share) -> None:
    """Tell lives as far as there is room for what happens."""
    share.done, share.n, used = live(
        world.households, world.persons, share.plans, share.done, share.n,
        share.spare[share.used :], setting, holding.tables, holding.conditions, holding.means,
        holding.classes, holding.law, holding.ways, holding.severities, holding.exposing,
        share.counts, share.log,
    )  # fmt: skip
    share.used += used


def make_room(world: World, share: Share) -> None:
    """Double the room for plans and new households, and empty the log."""
    write_down(world, share)
    share.log = new_log(2 * len(share.log.moves))
    rows, n = np.arange(len(share.plans.household)), len(share.plans.household)
    numbered = share.plans._replace(household=rows)
    share.plans = laid_out(world, numbered, rows, n)._replace(
        household=np.append(share.plans.household, np.zeros(n, np.int64))
    )
    share.spare = np.concatenate([share.spare, world.rows_for(len(share.spare))])


def write_down(world: World, share: Share) -> None:
    """Write down what a log lists where it belongs."""
    log = share.log
    if n := log.n[MOVES]:
        moves = log.moves[:n].T
        arrived = moves[0] == 1
        for which, counter in ((~arrived, DEPARTED), (arrived, ARRIVED)):
            mine = moves[1:, which]
            if mine.size:
                counter.of(world).append(Moves(*np.ascontiguousarray(mine)))
    if n := log.n[KIN]:
        send(world, log.kin[:n, 0], log.kin[:n, 1], log.kin_time[:n])
    if n := log.n[PARTED]:
        children, adults, country = log.parted[:n].T.copy()
        separate(world, children, adults, country, log.parted_time[:n].copy())
    log.n[:] = 0


def deaths(world: World) -> I64:
    """[citizenship] people who have died on the way in this period."""
    return np.asarray(HARMS.of(world)[:, :, Harm.death].sum(axis=0))


def returned(world: World) -> I64:
    """[corridor or country] people taken back in this period."""
    return np.asarray(HARMS.of(world)[:, :, Harm.forced_return].sum(axis=1))


def decided_claims(world: World) -> I64:
    """[country] people whose claims have been decided in this period."""
    claims = CLAIMED.of(world)
    decided = claims[:, :, ClaimStage.recognised] + claims[:, :, ClaimStage.rejected]
    return np.asarray(decided.sum(axis=1))


def check_plans(world: World) -> None:
    """Check that every household on the way has a plan, and members.

    Raises:
        LostPeopleError: One has none.
    """
    households, plans = world.households, PLANS.of(world)
    active = HAS_PLAN[households.activity[plans.household]]
    if (households.size[plans.household[active]] == 0).any():
        raise LostPeopleError(f"{world.date()}: a household on the way has no members")


MECHANISM = Mechanism(
    "lives",
    "lets households decide, travel, arrive and change their status",
    hooks=(Hook("lives", 10, tell_lives),),
)
