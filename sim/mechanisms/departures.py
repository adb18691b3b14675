"""Given departures: people known to have fled abroad, of whom the model says who and where to.

A scenario may state how many people fled a country in a time (`departures`), as registers count
them. That many flee in addition to those whom the model makes flee; a scenario that wants only
those that are stated sets the base rates near zero. When an entry or a month begins, households are
drawn until the next one does, in proportion to (exp(S_fear) - 1) W^lam of that day, W over places
abroad: the model's own rate of flight but for its level (`sim/kernels/fleeing.py`). They go on the
day on which the number stated, spread evenly over its time, has reached them; until then they wait.
Households go as a whole. Who has nothing to fear, or cannot pay for any way abroad, does not go: if
too few are left, fewer go than are stated; the rest waits as long as the entry lasts.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from sim.core.rng import Draw, key_of
from sim.core.state import F64, I64, U64
from sim.core.terms import Activity, Answer
from sim.kernels.fleeing import count_flights, draw_flights
from sim.kernels.segment import Severities
from sim.mechanisms.choice import CHOICES
from sim.mechanisms.decide import ATTRIBUTION, HOUSEHOLDS, PERSONS, cells_of
from sim.mechanisms.plans import PLANS, with_households
from sim.mechanisms.policy import CLASSES
from sim.mechanisms.threats import THREATS
from sim.model.declare import Fault, Hook, Mechanism, State, keys_of
from sim.schema.key import Part, key
from sim.schema.types import Amount, CountryId, Date, LastDay, Words

if TYPE_CHECKING:
    from sim.model.segment import Segment
    from sim.model.world import World
    from sim.schema import Scenario


class GivenDepartures(Part):
    """People known to have fled a country in a time."""

    from_: CountryId = key(..., "Id of the country that they fled from.", alias="from")
    start: Date = key(..., "First day of the time in which they fled.")
    end: LastDay = key(..., "Last day of it; a month means its last day.")
    people: Amount = key(
        ...,
        "How many fled abroad in that time, evenly over its days, in addition to those whom the "
        "model makes flee.",
        unit="persons",
        higher="more people flee abroad",
    )
    source: Words = key((), "Ids of the references that this figure comes from, or `assumption`.")


class DepartureKeys(Part):
    """Departures of a scenario."""

    departures: tuple[GivenDepartures, ...] = key(
        (), "People known to have fled abroad; who goes, and where to, is the model's choice."
    )


def check(scenario: Scenario) -> Iterator[Fault]:
    """Find countries that there are not, and times that end before they begin."""
    known = {it.id for it in scenario.countries}
    for i, item in enumerate(keys_of(DepartureKeys, scenario).departures):
        if item.from_ not in known:
            yield Fault(
                ("departures", i, "from"), f"no country is called {item.from_!r}",
                f"countries: {', '.join(sorted(known))}",
            )  # fmt: skip
        if item.end < item.start:
            yield Fault(("departures", i, "end"), f"{{}} = {item.end} lies before its start")


def stated(world: World) -> tuple[GivenDepartures, ...]:
    """Departures that the scenario states."""
    return keys_of(DepartureKeys, world.scenario).departures


def gone_before(world: World) -> I64:
    """Those who went before the first day are not in the run."""
    return np.array([round(due(item, world, 0)) for item in stated(world)], np.int64)


WENT = State("went", gone_before)
"""[departures] people who have gone, of those that each entry states."""
LATEST = 1e-6
"""Days before the next draw by which all who are drawn have gone."""
FLEES, GOES_TO, GOES_BY = Draw("flees", 90), Draw("flees_to", 91), Draw("flees_by", 92)


def span(item: GivenDepartures, world: World) -> tuple[int, int]:
    """First day of an entry, from the start, and its number of days."""
    return (item.start - world.scenario.time.start).days, (item.end - item.start).days + 1


def due(item: GivenDepartures, world: World, day: int) -> float:
    """People of an entry who should have gone before a day."""
    first, days = span(item, world)
    return item.people * min(max(day - first, 0), days) / days


def dates(world: World) -> list[int]:
    """Days from the start on which an entry begins."""
    return [span(item, world)[0] for item in stated(world)]


def send(world: World, segment: Segment) -> None:
    """Say who flees until the next entry, or the next month, begins.

    On other days nobody is drawn, so that the step makes no difference.
    """
    starts = dates(world)
    if not (segment.month_begins or world.day in starts or world.day == 0):
        return
    today, time = world.date(), world.scenario.time
    month_ends = world.day + monthrange(today.year, today.month)[1] - today.day + 1
    until = min(
        [month_ends, (time.end - time.start).days + 1, *(it for it in starts if it > world.day)]
    )
    for number, item in enumerate(stated(world)):
        wanted = due(item, world, until) - WENT.of(world)[number]
        if wanted > 0 and due(item, world, until) > due(item, world, world.day):
            flee(world, segment, (number, until), wanted)


def flee(world: World, segment: Segment, which: tuple[int, int], wanted: float) -> None:
    """Let households of a country flee until a number of people is reached.

    Args:
        world: The world.
        segment: The segment that begins.
        which: Number of the entry, and the day until which they flee.
        wanted: People to flee until then.
    """
    number, until = which
    households, item = world.households, stated(world)[number]
    origin = [it.id for it in world.scenario.countries].index(item.from_)
    houses = np.flatnonzero(
        (world.country[households.home] == origin) & (world.country[households.place] == origin)
        & (households.activity == Activity.resident) & (households.size > 0)
    )  # fmt: skip
    n = len(houses)
    turn, goal, channel, word = (
        np.empty(n),
        *(np.zeros(n, np.int64) for _ in range(2)),
        np.zeros(n, np.uint64),
    )
    keys = np.array(
        [key_of(world.seed, it, (world.day << 20) + number) for it in (FLEES, GOES_TO, GOES_BY)]
    )
    draw_flights(
        households, world.persons, houses, CHOICES.of(world).tables, segment.now, CLASSES.of(world),
        float(world.day), world.month(), keys, turn, goal, channel, word,
    )  # fmt: skip
    order = np.lexsort((households.ident[houses], turn))
    order = order[np.isfinite(turn[order])]
    people = world.n_people(houses[order])
    before = np.cumsum(people) - people
    # A household goes if more than half of it is wanted: on average as many as are stated.
    going = before + 0.5 * people < wanted
    order, before, people = order[going], before[going], people[going]
    # By row, as plans are.
    by_row = np.argsort(houses[order])
    order, middle = order[by_row], (before + 0.5 * people)[by_row]
    first, days = span(item, world)
    times = first + days * (WENT.of(world)[number] + middle) / item.people
    WENT.of(world)[number] += people.sum()
    times = np.clip(times, world.day, until - LATEST)
    write_plans(world, houses[order], times, (goal[order], channel[order], word[order]))


def write_plans(world: World, houses: I64, times: F64, where: tuple[I64, I64, U64]) -> None:
    """Write down when households will go, and where to.

    Args:
        world: The world.
        houses: [n] rows of households, ascending.
        times: [n] days on which they go.
        where: [n] destination; [n] channel; [n] hash of the event.
    """
    threats, felt = THREATS.of(world), np.zeros(len(houses), np.int64)
    severities = Severities(
        np.empty((0, 0, 0)), np.empty((0, 0, 0)), threats.weight, threats.tolerable
    )
    count_flights(
        world.households, houses, cells_of(world, houses), severities, threats.severity,
        (HOUSEHOLDS.of(world), PERSONS.of(world), ATTRIBUTION.of(world)), felt,
    )  # fmt: skip
    plans = with_households(world, houses)
    rows = np.searchsorted(plans.household, houses)
    plans.goal[rows], plans.channel[rows], plans.word[rows] = where
    plans.companions[rows], plans.answer[rows], plans.felt[rows] = 0, Answer.necessity, felt
    plans.due[rows], plans.filed[rows] = times, world.day
    world.households.activity[houses] = Activity.waiting
    PLANS.put(world, plans)


MECHANISM = Mechanism(
    "departures",
    "lets as many people flee abroad as the scenario states",
    keys=DepartureKeys,
    checks=check,
    states=(WENT,),
    draws=(FLEES, GOES_TO, GOES_BY),
    dates=dates,
    hooks=(Hook("rates", 30, send),),
)
