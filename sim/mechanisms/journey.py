"""Departures, journeys, and people who are stranded on the way (section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.core.parallel import FEW_MOVERS, in_ranges
from sim.core.rng import Draw, key_of
from sim.core.state import (
    DIRECT,
    F64,
    I64,
    NONE,
    U64,
    Moves,
    Parties,
    Reasons,
    append,
    take,
)
from sim.core.terms import Activity, Answer, Channel, Harm, Hazard, Journey
from sim.kernels.alternatives import choose
from sim.kernels.travel import ARRIVED, LEFT_BEHIND, ON_THE_WAY, set_off, travel
from sim.mechanisms.admission import is_queued, submit
from sim.mechanisms.attempts import count, number, record_ends
from sim.mechanisms.caravans import SETTING_OUT
from sim.mechanisms.census import ACCOUNT, LostPeopleError
from sim.mechanisms.choice import CHOICES
from sim.mechanisms.custody import held_days, separate
from sim.mechanisms.flows import DEPARTED
from sim.mechanisms.harms import BRIBES, EXPECTED_INTERCEPTED, EXTORTED, INTERCEPTED, harmed
from sim.mechanisms.households import send_ahead
from sim.mechanisms.policy import CLASSES, RULES, admission_class
from sim.mechanisms.threats import THREATS, felt_fear
from sim.model.columns import CITIZENSHIP, CORRIDOR, CORRIDOR_ONLY, MONEY, Column
from sim.model.declare import (
    NONE_COUNTED,
    Absent,
    Hook,
    Mechanism,
    Rows,
    State,
    Table,
    dense,
    nonzero,
)

if TYPE_CHECKING:
    from sim.model.substep import SubStep
    from sim.model.world import Census, World

REGULAR_DAYS = 2.0
"""Days of regular travel between countries (our assumption)."""

DESTINATION = Draw("destination", 22)
CHANNEL_CHOSEN = Draw("channel", 23)
STRANDED = Draw("stranded", 38)
ON_LEGS = (
    Draw("leg", 30), Draw("death", 31), Draw("violence", 32), Draw("kidnapping", 33),
    Draw("extortion", 34), Draw("interception", 35), Draw("detention", 36),
    Draw("prosecution", 37),
)  # fmt: skip
"""What is drawn on a leg, in the order in which `travel` takes its keys."""

CROSSINGS = dense("crossings", (CORRIDOR_ONLY, CITIZENSHIP), "people who passed through")


def no_parties(world: World) -> Parties:
    """Nobody on the way yet."""
    return Parties(passed=np.empty((0, len(world.country) // 64 + 1), np.uint64))


PARTIES = State("parties", no_parties)


def pick_goals(world: World, houses: I64, words: U64, hazards: I64) -> tuple[I64, I64, I64, F64]:
    """Draw destination, channel, companions and price per person of households that move.

    Args:
        world: The world.
        houses: [n] rows.
        words: [n] hash of each event.
        hazards: [n] `Hazard` that makes each move.

    Returns:
        ([n] destination or -1, [n] channel, [n] companions, [n] price).
    """
    n = len(houses)
    goal = np.full(n, -1, np.int64)
    channel, companions = np.zeros(n, np.int64), np.zeros(n, np.int64)
    price = np.zeros(n)
    households, persons, choices = world.households, world.persons, CHOICES.of(world)
    place, fear = households.place[houses], households.mask[houses] >> 4
    confined = THREATS.of(world).state_fear()[place, fear]
    keys = np.array([key_of(world.seed, draw) for draw in (DESTINATION, CHANNEL_CHOSEN)])
    tables, classes, month = choices.tables, CLASSES.of(world), world.month()

    def work(first: int, last: int) -> None:
        mine = slice(first, last)
        choose(
            households, persons, houses[mine], words[mine], hazards[mine], tables, confined[mine],
            classes, keys, month, goal[mine], channel[mine], companions[mine], price[mine],
        )  # fmt: skip

    in_ranges(work, n, world.threads, FEW_MOVERS)
    return goal, channel, companions, price


def depart(
    world: World, houses: I64, goal: I64, channel: I64, companions: I64, price: F64,
    reasons: Reasons, when: F64,
) -> None:  # fmt: skip
    """Let parties set out, or apply if the channel has a queue.

    Args:
        houses: [n] rows of the households that decided.
        goal: [n] destination places.
        channel: [n] `Channel`.
        companions: [n] `Companions`.
        price: [n] money per person, for those who travel directly.
        reasons: [n] why they go.
        when: [n] day of departure, counted from the start.
    """
    going = goal >= 0
    queued = going & is_queued(world, houses, goal, channel)
    if queued.any():
        submit(
            world, houses[queued], goal[queued], channel[queued], companions[queued],
            reasons.of(queued), when[queued],
        )  # fmt: skip
    now = going & ~queued
    if now.any():
        set_out(
            world, houses[now], goal[now], channel[now], companions[now], price[now],
            reasons.of(now), when[now],
        )  # fmt: skip


def regular_price(world: World, houses: I64, goal: I64, channel: I64) -> F64:
    """[n] today's fee and fare per person for travel by a regular channel."""
    tables = CHOICES.of(world).tables
    kinds = admission_class(world, houses)
    fare = tables.price[0, world.households.place[houses], goal, 0]
    return np.asarray(fare + tables.fee[kinds, world.country[goal], channel])


def set_out(
    world: World, houses: I64, goal: I64, channel: I64, companions: I64, price: F64,
    reasons: Reasons, when: F64,
) -> None:  # fmt: skip
    """Let parties set out, and remember which threats have uprooted them.

    Those who move by choice move as settled households do: they are not uprooted any more.
    """
    choices, threats = CHOICES.of(world), THREATS.of(world)
    going = send_ahead(world, houses, companions, price)
    households = world.households
    place = households.place[going].astype(np.int64)
    abroad = world.country[goal] != world.country[place]
    citizenship = world.country[households.home[going]]
    from_own = world.country[place] == citizenship
    responsible = RULES.of(world).responsible[world.country[place]]
    severity = threats.severity[place]
    fear = felt_fear(severity, households.mask[going], threats.weight, threats.tolerable)
    grounds = from_own & abroad & (fear >= world.scenario.journey.grounds)
    on_legs = (channel == Channel.asylum) | (channel == Channel.irregular)
    # By corridors, the fee is paid at once, and the price of each leg when it begins.
    fee = choices.tables.fee[
        admission_class(world, going), world.country[goal], np.where(on_legs, channel, 0)
    ]
    answer, felt = reasons
    uprooted = np.where(answer == Answer.choice, 0, households.uprooted[going] | felt)
    set_off(households, going, np.where(on_legs, fee, price), grounds, uprooted, world.day)
    km = world.network.km[place, goal]
    days = np.where(abroad, REGULAR_DAYS, 1.0 + km / 300.0)
    moved = world.n_people(going)
    DEPARTED.of(world).append(Moves(citizenship, place, goal, channel, answer, moved))
    by_legs = on_legs & abroad
    caravan = np.where(by_legs, choices.joined[place, world.country[goal]], NONE)
    np.add.at(SETTING_OUT.of(world), (place[by_legs], world.country[goal[by_legs]]), moved[by_legs])
    attempt = number(world, going)
    count(world, going[by_legs], caravan[by_legs], attempt[by_legs], Journey.departed)
    append(
        PARTIES.of(world),
        household=going,
        goal=goal,
        origin=place,
        channel=channel,
        answer=answer,
        felt=felt,
        leg=np.where(on_legs, NONE, DIRECT),
        due=np.where(on_legs, when, when + days),
        began=np.floor(when).astype(np.int64),
        n_legs=np.zeros(len(going), np.int64),
        entered=np.where(
            responsible & ~from_own,
            world.country[place],
            NONE,
        ),
        caravan=caravan,
        attempt=attempt,
        passed=0,
    )


def continue_stranded(world: World, houses: I64, since: F64, end: int) -> tuple[I64, F64]:
    """Let stranded people decide again: go on, claim asylum here, settle, return, or keep waiting.

    They decide at a rate of 1 / `wait_stranded` a year, with the utilities of flight.

    Args:
        world: The world.
        houses: [n] rows of households that are stranded.
        since: [n] day from which they are asked.
        end: Day up to which they are asked.

    Returns:
        ([m] rows of households that have decided but are still there, because they found no way,
        applied or sent a member ahead; [m] day on which they did).
    """
    who = world.households.ident[houses]
    rate = np.full(len(houses), 1.0 / world.scenario.journey.wait_stranded)
    when, word = world.first_events(STRANDED, who, rate, since, float(end))
    ready = np.isfinite(when)
    houses, when, word = houses[ready], when[ready], word[ready]
    hazards = np.full(len(houses), int(Hazard.flight), np.int64)
    goal, channel, companions, price = pick_goals(world, houses, word, hazards)
    answer = np.full(len(houses), int(Answer.necessity), np.int64)
    reasons = Reasons(answer, np.zeros(len(houses), np.int64))
    depart(world, houses, goal, channel, companions, price, reasons, when)
    activity = world.households.activity[houses]
    here = (activity <= Activity.waiting) | (activity == Activity.stranded)
    return houses[here], when[here]


def price_rows(world: World, _census: Census) -> Rows:
    """Today's prices of corridors into another country, for their cheapest usable route option."""
    legs, way = world.network.legs, CHOICES.of(world).way
    usable = np.flatnonzero(legs.crosses & way.usable)
    order = usable[np.lexsort((way.price[usable], legs.corridor[usable]))]
    corridor, first = np.unique(legs.corridor[order], return_index=True)
    return {
        "corridor": corridor,
        "price": way.price[order[first]],
        "intercepted": way.intercepted[order[first]],
    }


class Ended(NamedTuple):
    """Parties whose journey has ended."""

    arrived: dict[str, NDArray[Any]]
    """Columns of those arrived: household, goal, origin, channel, answer, felt, due, entered."""
    left_behind: dict[str, NDArray[Any]]
    """Columns of parties that cannot go on: household, due."""


def advance_parties(world: World, substep: SubStep) -> Ended:
    """Advance everyone who is on the way; count harms.

    Returns:
        Parties whose journey has ended.
    """
    parties, choices, account = PARTIES.of(world), CHOICES.of(world), ACCOUNT.of(world)
    n = len(parties.household)
    fate = np.empty(n, np.int64)
    harms = harmed(world)
    deaths_before = harms.people[:, :, Harm.death].sum(axis=0)
    # Draws on the way are keyed by journey and leg, not by step.
    keys = np.array([key_of(world.seed, draw) for draw in ON_LEGS])
    n_corridors = len(world.scenario.corridors)
    held = np.zeros((len(choices.way.custody.days), n_corridors), np.int64)
    taken = np.empty(n, np.int64)
    used = len(world.households.ident)
    if choices.way.custody.separated.any():
        world.add_households(n)
    ways = [(world.network.legs, choices.way), *choices.caravans]
    for caravan in np.unique(parties.caravan):
        # Draws depend on the party only, and counts are sums of integers, so order is irrelevant.
        mine = np.flatnonzero(parties.caravan == caravan)
        columns = (
            parties.household[mine], parties.goal[mine], parties.leg[mine], parties.due[mine],
            parties.began[mine], parties.n_legs[mine], parties.entered[mine],
            parties.passed[mine],
        )  # fmt: skip
        its_fate, its_children = np.empty(len(mine), np.int64), np.empty(len(mine), np.int64)
        legs, way = ways[caravan + 1]
        used += travel(
            world.households, world.persons, columns, legs, way, world.country, keys,
            float(substep.end), world.month(), its_fate, harms, INTERCEPTED.of(world),
            EXPECTED_INTERCEPTED.of(world), EXTORTED.of(world), BRIBES.of(world),
            CROSSINGS.of(world), held, used, its_children,
        )  # fmt: skip
        parties.leg[mine], parties.due[mine] = columns[2:4]
        parties.n_legs[mine], parties.entered[mine], parties.passed[mine] = columns[5:]
        fate[mine], taken[mine] = its_fate, its_children
    if used < len(world.households.ident):
        world.drop_households(used)
    substep.held_days += held_days(world, choices.way, held)
    separate(world, parties.household[taken >= 0], taken[taken >= 0])
    account.dead += harms.people[:, :, Harm.death].sum(axis=0) - deaths_before
    names = ("household", "goal", "origin", "channel", "answer", "felt", "due", "entered")
    ended = Ended(
        {name: getattr(parties, name)[fate == ARRIVED] for name in names},
        {name: getattr(parties, name)[fate == LEFT_BEHIND] for name in ("household", "due")},
    )
    record_ends(world, parties, fate)
    take(parties, fate == ON_THE_WAY)
    return ended


def check_parties(world: World, _substep: SubStep) -> None:
    """Check that every party on the way has travellers.

    Raises:
        LostPeopleError: A party has none.
    """
    activity = world.households.activity[PARTIES.of(world).household]
    on_the_way = (Activity.travelling, Activity.detained, Activity.captive)
    if not np.isin(activity, on_the_way).all():
        raise LostPeopleError(f"{world.date()}: a party on the way has no travellers")


MECHANISM = Mechanism(
    "journey",
    "lets people set out, and advances those who are on the way",
    states=(PARTIES,),
    counters=(CROSSINGS,),
    draws=(DESTINATION, CHANNEL_CHOSEN, STRANDED, *ON_LEGS),
    hooks=(Hook("count", 25, check_parties),),
    tables=(
        Table(
            "crossings",
            "people who passed through the corridors",
            "first",
            (
                CORRIDOR_ONLY,
                CITIZENSHIP,
                Column("people", "int", "people", "people who reached the other end"),
            ),
            nonzero(CROSSINGS, "people"),
            absent=NONE_COUNTED,
        ),
        Table(
            "prices",
            "smugglers' prices for corridors, and the probability of interception",
            "last",
            (
                CORRIDOR.named("corridor", "corridor, by its cheapest usable route option"),
                Column("price", "float", MONEY, "price per person, which rises with enforcement"),
                Column("intercepted", "float", "share", "probability of interception on it"),
            ),
            price_rows,
            absent=Absent(
                "An absent corridor has no price: it lies within a country, or no one can use it "
                "on that day."
            ),
        ),
    ),
)
