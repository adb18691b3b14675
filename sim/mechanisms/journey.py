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
from sim.kernels.household import party_sizes, split_parties
from sim.kernels.travel import ARRIVED, LEFT_BEHIND, ON_THE_WAY, set_off, travel
from sim.mechanisms.admission import is_queued, submit
from sim.mechanisms.attempts import count, number, record_ends
from sim.mechanisms.caravans import SETTING_OUT
from sim.mechanisms.census import ACCOUNT, LostPeopleError
from sim.mechanisms.choice import CHOICES
from sim.mechanisms.custody import held_days, separate
from sim.mechanisms.flows import DEPARTED
from sim.mechanisms.harms import BRIBES, EXPECTED_INTERCEPTED, EXTORTED, INTERCEPTED, harmed
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


def pick_goals(world: World, heads: I64, words: U64, hazards: I64) -> tuple[I64, I64, I64, F64]:
    """Draw destination, channel, companions and price per person of heads who move.

    Args:
        world: The world.
        heads: [n] rows of heads.
        words: [n] hash of each event.
        hazards: [n] `Hazard` that makes each move.

    Returns:
        ([n] destination or -1, [n] channel, [n] companions, [n] price).
    """
    n = len(heads)
    goal = np.full(n, -1, np.int64)
    channel, companions = np.zeros(n, np.int64), np.zeros(n, np.int64)
    price = np.zeros(n)
    people, choices = world.people, CHOICES.of(world)
    confined = THREATS.of(world).state_fear()[people.place[heads], people.mask[heads] >> 4]
    keys = np.array([key_of(world.seed, draw) for draw in (DESTINATION, CHANNEL_CHOSEN)])
    tables, classes, month = choices.tables, CLASSES.of(world), world.month()

    def work(first: int, last: int) -> None:
        mine = slice(first, last)
        choose(
            people, heads[mine], words[mine], hazards[mine], tables, confined[mine], classes, keys,
            month, goal[mine], channel[mine], companions[mine], price[mine],
        )  # fmt: skip

    in_ranges(work, n, world.threads, FEW_MOVERS)
    return goal, channel, companions, price


def depart(
    world: World, heads: I64, goal: I64, channel: I64, companions: I64, price: F64,
    reasons: Reasons, when: F64,
) -> None:  # fmt: skip
    """Let parties set out, or apply if the channel has a queue.

    Args:
        heads: [n] rows of the heads who decided.
        goal: [n] destination places.
        channel: [n] `Channel`.
        companions: [n] `Companions`.
        price: [n] money per person, for those who travel directly.
        reasons: [n] why they go.
        when: [n] day of departure, counted from the start.
    """
    going = goal >= 0
    queued = going & is_queued(world, heads, goal, channel)
    if queued.any():
        submit(
            world, heads[queued], goal[queued], channel[queued], companions[queued],
            reasons.of(queued), when[queued],
        )  # fmt: skip
    now = going & ~queued
    if now.any():
        set_out(
            world, heads[now], goal[now], channel[now], companions[now], price[now],
            reasons.of(now), when[now],
        )  # fmt: skip


def regular_price(world: World, heads: I64, goal: I64, channel: I64) -> F64:
    """[n] today's fee and fare per person for travel by a regular channel."""
    people, tables = world.people, CHOICES.of(world).tables
    kinds = admission_class(world, heads)
    fare = tables.price[0, people.place[heads], goal, 0]
    return np.asarray(fare + tables.fee[kinds, world.country[goal], channel])


def set_out(
    world: World, heads: I64, goal: I64, channel: I64, companions: I64, price: F64,
    reasons: Reasons, when: F64,
) -> None:  # fmt: skip
    """Let parties set out, and remember which threats have uprooted them.

    Those who move by choice move as settled households do: they are not uprooted any more.
    """
    people, choices, threats = world.people, CHOICES.of(world), THREATS.of(world)
    leaders = np.empty(len(heads), np.int64)
    split_parties(people, heads, companions, price, world.month(), leaders)
    place = people.place[leaders].astype(np.int64)
    abroad = world.country[goal] != world.country[place]
    citizenship = world.country[people.home[leaders]]
    from_own = world.country[place] == citizenship
    responsible = RULES.of(world).responsible[world.country[place]]
    severity = threats.severity[place]
    fear = felt_fear(severity, people.mask[leaders], threats.weight, threats.tolerable)
    grounds = from_own & abroad & (fear >= world.scenario.journey.grounds)
    on_legs = (channel == Channel.asylum) | (channel == Channel.irregular)
    # By corridors, the fee is paid at once, and the price of each leg when it begins.
    fee = choices.tables.fee[
        admission_class(world, leaders), world.country[goal], np.where(on_legs, channel, 0)
    ]
    answer, felt = reasons
    uprooted = np.where(answer == Answer.choice, 0, people.uprooted[leaders] | felt)
    set_off(people, leaders, np.where(on_legs, fee, price), grounds, uprooted, world.day)
    km = world.network.km[place, goal]
    days = np.where(abroad, REGULAR_DAYS, 1.0 + km / 300.0)
    sizes = party_sizes(people, leaders)
    moved = sizes * world.weight[people.home[leaders]]
    DEPARTED.of(world).append(Moves(citizenship, place, goal, channel, answer, moved))
    by_legs = on_legs & abroad
    caravan = np.where(by_legs, choices.joined[place, world.country[goal]], NONE)
    np.add.at(SETTING_OUT.of(world), (place[by_legs], world.country[goal[by_legs]]), moved[by_legs])
    attempt = number(world, leaders)
    count(world, leaders[by_legs], caravan[by_legs], attempt[by_legs], Journey.departed)
    append(
        PARTIES.of(world),
        head=leaders,
        goal=goal,
        origin=place,
        channel=channel,
        answer=answer,
        felt=felt,
        leg=np.where(on_legs, NONE, DIRECT),
        due=np.where(on_legs, when, when + days),
        began=np.floor(when).astype(np.int64),
        n_legs=np.zeros(len(leaders), np.int64),
        entered=np.where(
            responsible & ~from_own,
            world.country[place],
            NONE,
        ),
        caravan=caravan,
        attempt=attempt,
        passed=0,
    )


def continue_stranded(world: World, heads: I64, since: F64, end: int) -> tuple[I64, F64]:
    """Let stranded people decide again: go on, claim asylum here, settle, return, or keep waiting.

    They decide at a rate of 1 / `wait_stranded` a year, with the utilities of flight.

    Args:
        world: The world.
        heads: [n] rows of heads who are stranded.
        since: [n] day from which they are asked.
        end: Day up to which they are asked.

    Returns:
        ([m] rows of heads who have decided but are still there, because they found no way, applied
        or sent a member ahead; [m] day on which they did).
    """
    pid = world.people.pid[world.people.household[heads]]
    rate = np.full(len(heads), 1.0 / world.scenario.journey.wait_stranded)
    when, word = world.first_events(STRANDED, pid, rate, since, float(end))
    ready = np.isfinite(when)
    heads, when, word = heads[ready], when[ready], word[ready]
    hazards = np.full(len(heads), int(Hazard.flight), np.int64)
    goal, channel, companions, price = pick_goals(world, heads, word, hazards)
    answer = np.full(len(heads), int(Answer.necessity), np.int64)
    reasons = Reasons(answer, np.zeros(len(heads), np.int64))
    depart(world, heads, goal, channel, companions, price, reasons, when)
    activity = world.people.activity[heads]
    here = (activity <= Activity.waiting) | (activity == Activity.stranded)
    return heads[here], when[here]


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
    """Columns of parties that arrived: head, goal, origin, channel, answer, felt, due, entered."""
    left_behind: dict[str, NDArray[Any]]
    """Columns of parties that cannot go on: head, due."""


def advance_parties(world: World, substep: SubStep) -> Ended:
    """Advance everyone who is on the way; count harms.

    Returns:
        Parties whose journey has ended.
    """
    parties, choices, account = PARTIES.of(world), CHOICES.of(world), ACCOUNT.of(world)
    n = len(parties.head)
    fate = np.empty(n, np.int64)
    harms = harmed(world)
    deaths_before = int(harms.people[:, :, Harm.death].sum())
    # Draws on the way are keyed by journey and leg, not by step.
    keys = np.array([key_of(world.seed, draw) for draw in ON_LEGS])
    n_corridors = len(world.scenario.corridors)
    held = np.zeros((len(choices.way.custody.days), n_corridors), np.int64)
    taken = np.empty(n, np.int64)
    ways = [(world.network.legs, choices.way), *choices.caravans]
    for caravan in np.unique(parties.caravan):
        # Draws depend on the party only, and counts are sums of integers, so order is irrelevant.
        mine = np.flatnonzero(parties.caravan == caravan)
        columns = (
            parties.head[mine], parties.goal[mine], parties.leg[mine], parties.due[mine],
            parties.began[mine], parties.n_legs[mine], parties.entered[mine],
            parties.passed[mine],
        )  # fmt: skip
        its_fate, its_children = np.empty(len(mine), np.int64), np.empty(len(mine), np.int64)
        legs, way = ways[caravan + 1]
        travel(
            world.people, columns, legs, way, world.country, world.weight, keys, float(substep.end),
            world.month(), its_fate, harms, INTERCEPTED.of(world),
            EXPECTED_INTERCEPTED.of(world), EXTORTED.of(world), BRIBES.of(world),
            CROSSINGS.of(world), held, its_children,
        )  # fmt: skip
        parties.head[mine], _, parties.leg[mine], parties.due[mine] = columns[:4]
        parties.n_legs[mine], parties.entered[mine], parties.passed[mine] = columns[5:]
        fate[mine], taken[mine] = its_fate, its_children
    substep.held_days += held_days(world, choices.way, held)
    separate(world, parties.head[taken >= 0], taken[taken >= 0])
    account.dead += int(harms.people[:, :, Harm.death].sum()) - deaths_before
    names = ("head", "goal", "origin", "channel", "answer", "felt", "due", "entered")
    ended = Ended(
        {name: getattr(parties, name)[fate == ARRIVED] for name in names},
        {name: getattr(parties, name)[fate == LEFT_BEHIND] for name in ("head", "due")},
    )
    record_ends(world, parties, fate)
    take(parties, fate == ON_THE_WAY)
    return ended


def check_parties(world: World, _substep: SubStep) -> None:
    """Check that every party on the way has travellers.

    Raises:
        LostPeopleError: A party has none.
    """
    activity = world.people.activity[PARTIES.of(world).head]
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
