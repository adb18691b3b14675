"""Small random worlds, and one large fixed one, on which the kernels are held to account.

A random world is a pure function of its number. It is odd on purpose: closed channels, tests of
education, nationalities refused, threats by the state, closed corridors, camps, empty places,
money that no one has, and people in every standing and activity that a run can bring about.
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import numpy as np

from benchmarks.asking import Events, decide, room_for
from sim.core.rng import key_of
from sim.core.state import (
    DAYS_A_YEAR,
    DIED_ON_THE_WAY,
    F64,
    GROUNDS,
    I64,
    LONG_AGO,
    NOBODY,
    U32,
    Plans,
)
from sim.core.terms import Activity, Channel, Status, Threat
from sim.engine.setup import build_world
from sim.engine.stages import STAGES
from sim.engine.step import next_change
from sim.kernels.plane import Plane
from sim.kernels.rates import Conditions, rates
from sim.mechanisms.census import ACCOUNT, STOCKS
from sim.mechanisms.choice import CHOICES
from sim.mechanisms.decide import MOVE
from sim.mechanisms.exposure import EXPOSURE, update_households
from sim.mechanisms.knowledge import KNOWN
from sim.mechanisms.livelihood import DUE, MEANS
from sim.mechanisms.lives import tell_lives
from sim.mechanisms.plans import PLANS, joined, laid_out, no_plans
from sim.mechanisms.policy import CLASSES, COMING, RULES
from sim.mechanisms.politics import PUBLIC
from sim.mechanisms.settling import SETTLING
from sim.mechanisms.threats import THREATS, strain
from sim.model.segment import Segment, segment_of
from sim.model.world import World
from sim.scenario.resolve import resolve
from sim.scenario.whole import Scenario

START = date(2011, 1, 1)
NAMES = [threat.name for threat in Threat]
ABROAD = (Status.regular, Status.refugee, Status.claimant, Status.irregular, Status.ordered)


def random_scenario(number: int) -> Scenario:
    """A resolved scenario of 2 to 5 countries and 3 to 8 places."""
    rng = random.Random(f"scenario {number}")
    countries = [f"C{i}" for i in range(rng.randint(2, 5))]
    places = _places(rng, countries)
    groups = [
        {"id": f"G{i}", "country": rng.choice(countries), "share": rng.uniform(0.0, 0.45)}
        for i in range(rng.randint(0, 2))
    ]
    corridors = _corridors(rng, [place["id"] for place in places])
    stocks = [
        {
            "from": a,
            "to": b,
            "people": min(
                _sum_of_people(places, a) * rng.choice((0.0, 0.02, 0.2)),
                0.2 * _sum_of_people(places, b),
            ),
        }
        for a in countries
        for b in countries
        if a != b and rng.random() < 0.5
    ]
    written = {
        "schema": 1,
        "name": f"world_{number}",
        "time": {"start": START, "end": date(2011, 12, 31), "step": "month"},
        "population": {
            "agents": 100,
            "focus": rng.choice(([], [], [rng.choice(countries)])),
            "others": random.Random(f"others {number}").choice(("stay", "decide")),
            "profile": _profile(rng),
        },
        "countries": [_country(rng, name, countries) for name in countries],
        "groups": groups,
        "places": places,
        "stocks": stocks,
        "threats": _threats(rng, countries, places),
        "exposure": {"overlap": rng.random()},
        "shocks": _shocks(rng, places),
        "corridors": corridors,
        "policies": _announced(
            random.Random(f"announced {number}"),
            _complicit(
                random.Random(f"complicit {number}"),
                _policies(rng, countries, groups, corridors),
            ),
            corridors,
        ),
        "interventions": _interventions(rng, countries, places),
        "blocs": _blocs(random.Random(f"blocs {number}"), countries),
        "decision": _decision(rng)
        | {"prior": _priors(rng, countries, places), "surge": (1.0, 1.0, 0.4, 0.0)[number % 4]},
        "living": {
            "means_per_income": rng.choice((1.0, 1.0, 0.1)),
            "subsistence": rng.choice((0.0, 300.0, 1500.0)),
            "remittances": rng.choice((0.0, 20.0)),
        },
        "journey": {
            "premium": rng.choice((0.0, 0.2)),
            "fare_km": rng.choice((0.0, 0.1, 1.0)),
            "internal_fare_km": rng.choice((0.0, 0.05)),
        },
    }
    return resolve(Scenario.model_validate(written))


def _places(rng: random.Random, countries: list[str]) -> list[dict[str, Any]]:
    n = rng.randint(max(3, len(countries)), 8)
    homes = countries + [rng.choice(countries) for _ in range(n - len(countries))]
    here = (rng.uniform(-40, 55), rng.uniform(-60, 60))
    spread = rng.choice((0.5, 8.0, 30.0))
    places: list[dict[str, Any]] = []
    for i, country in enumerate(homes):
        first = i < len(countries)
        kind = "region" if first else rng.choice(("region", "city", "border", "camp", "elsewhere"))
        place = {
            "id": f"P{i}",
            "country": country,
            "kind": kind,
            "people": 0.0 if kind == "camp" else 10 ** rng.uniform(4.0, 5.5),
            "income": 10 ** rng.uniform(2.3, 4.7),
            "unemployment": rng.choice((0.0, 0.08, 0.4)),
            "lat": here[0] + rng.uniform(-spread, spread),
            "lon": here[1] + rng.uniform(-spread, spread),
        }
        if kind == "camp":
            place["capacity"] = 5000.0
        if rng.random() < 0.3:
            place["income_ppp"] = place["income"] * rng.uniform(0.8, 3.0)
        places.append(place)
    if rng.random() < 0.1:
        places[1]["lat"], places[1]["lon"] = places[0]["lat"], places[0]["lon"]
    return places


def _sum_of_people(places: list[dict[str, Any]], country: str) -> float:
    return float(sum(place["people"] for place in places if place["country"] == country))


def _profile(rng: random.Random) -> dict[str, Any]:
    none, tertiary = rng.uniform(0.2, 0.6), rng.uniform(0.0, 0.4)
    return {
        "under_15": rng.choice((0.0, 0.25, 0.4)),
        "over_65": rng.choice((0.0, 0.1)),
        "household_size": rng.choice((1.0, 2.5, 3.5, 4.0, 4.0, 5.0)),
        "education": [none, 1.0 - none - tertiary, tertiary],
        "gini": rng.choice((0.0, 0.35, 0.6)),
    }


def _country(rng: random.Random, name: str, countries: list[str]) -> dict[str, Any]:
    others = [other for other in countries if other != name]
    return {
        "id": name,
        "languages": rng.sample("abc", rng.randint(0, 2)),
        "colonies": [other for other in others if rng.random() < 0.15],
        "neighbours": [other for other in others if rng.random() < 0.4],
        "democracy": rng.random(),
        "voice": rng.random(),
        "profile": _profile(rng) if rng.random() < 0.5 else None,
    }


def _threats(
    rng: random.Random, countries: list[str], places: list[dict[str, Any]]
) -> dict[str, Any]:
    where = ["default", *countries, *(place["id"] for place in places)]
    return {
        at: {
            threat: {
                "severity": rng.choice((0.0, 0.05, 0.1, rng.random())),
                "prevalence": rng.random(),
                "by_state": rng.random() < 0.3,
            }
            for threat in NAMES
            if rng.random() < 0.3
        }
        for at in where
    }


def _shocks(rng: random.Random, places: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "id": f"shock_{i}",
            "at": [rng.choice(places)["id"]],
            "threat": rng.choice(NAMES),
            "start": START + timedelta(days=rng.randint(-100, 40)),
            "rise": rng.choice((0.0, 1.0, 3.0)),
            "peak": rng.random(),
            "prevalence": rng.choice((None, 0.7)),
            "by_state": rng.random() < 0.5,
        }
        for i in range(rng.randint(0, 2))
    ]


def _corridors(rng: random.Random, places: list[str]) -> list[dict[str, Any]]:
    ring = [(a, places[(i + 1) % len(places)]) for i, a in enumerate(places)]
    more = [tuple(rng.sample(places, 2)) for _ in range(rng.randint(0, 2 * len(places)))]
    corridors: list[dict[str, Any]] = []
    for i, (a, b) in enumerate(ring + more):
        corridor: dict[str, Any] = {"id": f"way_{i}", "from": a, "to": b}
        form = rng.random()
        if form < 0.2:
            corridor |= {"dangerous": True, "price": rng.choice((0.0, 400.0, 2500.0))}
        elif form < 0.6:
            corridor["route_options"] = [_option(rng, f"t{j}") for j in range(rng.randint(1, 3))]
        else:
            corridor |= {"price": rng.choice((0.0, 50.0, 1500.0)), "enforcement_met": rng.random()}
        if rng.random() < 0.2:
            corridor["days"] = rng.uniform(0.0, 60.0)
        corridors.append(corridor)
    return corridors


def _option(rng: random.Random, name: str) -> dict[str, Any]:
    return {
        "id": name,
        "price": rng.choice((0.0, 100.0, 850.0, 20_000.0)),
        "enforcement_met": rng.choice((0.0, 0.2, 1.0)),
        "death": rng.choice((0.0, 0.02, 0.3)),
        "violence": rng.choice((0.0, 0.2)),
        "extortion": rng.choice((0.0, 0.5)),
        "kidnapping": rng.choice((0.0, 0.05)),
    }


def _policies(
    rng: random.Random,
    countries: list[str],
    groups: list[dict[str, Any]],
    corridors: list[dict[str, Any]],
) -> list[dict[str, Any]]:
    kinds = [*countries, *(group["id"] for group in groups)]

    def some() -> list[str]:
        return rng.sample(kinds, rng.randint(1, len(kinds)))

    policies: list[dict[str, Any]] = []
    for i in range(rng.randint(2, 5 * len(countries))):
        into = rng.choice(countries)
        rule: dict[str, Any] = {"id": f"rule_{i}", "enabled": rng.random() < 0.95}
        if rng.random() < 0.3:
            # Some begin only after the world is looked at, others have ended before.
            rule["start"] = START + timedelta(days=rng.choice((-900, -90, 0, 90)))
        if rng.random() < 0.1:
            first = rule.get("start", START - timedelta(days=900))
            rule["end"] = max(first, START + timedelta(days=rng.choice((-1, 0, 200))))
        form = rng.random()
        if form < 0.65:
            channel = rng.choice(("labour", "labour", "family", "asylum", "irregular"))
            rule |= {"into": into, "channel": channel}
            rule["open"] = rng.random() < 0.75
            regular = channel in ("labour", "family")
            if rng.random() < 0.4:
                rule["fee"] = rng.choice((0.0, 200.0, 3000.0))
            if rng.random() < 0.3:
                rule["wait"] = rng.choice((0.0, 3.0, 40.0))
            if regular and rng.random() < 0.4:
                rule["min_education"] = rng.choice(("none", "secondary", "tertiary"))
            if regular and rng.random() < 0.3:
                rule["quota"] = rng.choice((0.0, 500.0, 1e6))
            if rng.random() < 0.2:
                rule["only"] = some()
            if rng.random() < 0.2:
                rule["except"] = some()
            others = {"fee", "wait", "min_education", "quota", "only", "except"}
            if others & set(rule) and rng.random() < 0.5:
                # The other fields leave it to an earlier rule whether the channel is open.
                del rule["open"]
        elif form < 0.8:
            rule |= {"into": into, "recognition": rng.choice((0.0, 0.3, 1.0))}
            if rng.random() < 0.3:
                rule["capacity"] = rng.choice((1000.0, 1e5))
            if rng.random() < 0.3:
                rule["prima_facie"] = rng.random() < 0.7
            if rng.random() < 0.5:
                rule["false_recognition"] = rng.choice((0.0, 0.1, 0.6))
            if rng.random() < 0.5:
                rule["protection"] = rng.choice((0.0, 0.3, 0.8))
            if rng.random() < 0.15:
                rule["return_to"] = rng.choice([c for c in countries if c != into])
        elif form < 0.9:
            rule |= {"into": into, "barrier": rng.random(), "officers": rng.uniform(0.5, 1.0)}
            if rng.random() < 0.2:
                rule["closed"] = rng.random() < 0.7
        else:
            rule |= {"corridor": rng.choice(corridors)["id"], "barrier": rng.random()}
            if rng.random() < 0.5:
                rule["closed"] = True
        alike = {"corridor", "barrier", "quota", "capacity", "protection"} & set(rule)
        if not alike and rng.random() < 0.3:
            rule["citizens_of"] = rng.sample(countries, rng.randint(1, len(countries)))
        policies.append(rule)
    return policies


def _complicit(rng: random.Random, policies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same with officials who take money at some borders."""
    for rule in policies:
        if "barrier" in rule and rng.random() < 0.4:
            rule["complicit"] = rng.choice((1.0, rng.random()))
    return policies


def _announced(
    rng: random.Random, policies: list[dict[str, Any]], corridors: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The same with some rules put off and announced, in half of the worlds."""
    if rng.random() < 0.5:
        return policies
    for corridor in rng.sample(corridors, rng.choice((0, 1, len(corridors)))):
        change = {"closed": True} if rng.random() < 0.8 else {"barrier": rng.random()}
        if "enforcement_met" in corridor and rng.random() < 0.7:
            # No hidden way is left where it is closed.
            corridor["enforcement_met"] = 1.0
        policies.append({"id": f"{corridor['id']}_to_be", "corridor": corridor["id"], **change})
    for rule in policies:
        if rng.random() < 0.6:
            # Some begin too late to hurry, or are not known yet.
            rule["start"] = START + timedelta(days=rng.choice((1, 90, 170, 260)))
            rule["announced"] = START + timedelta(days=rng.choice((-400, 0, 0, 1)))
            if "end" in rule:
                rule["end"] = max(rule["end"], rule["start"])
    return policies


def _interventions(
    rng: random.Random, countries: list[str], places: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if rng.random() < 0.3:
        items.append(
            {
                "id": "aid",
                "kind": "aid",
                "at": [rng.choice(countries)],
                "start": START,
                "budget": 10 ** rng.uniform(6, 8),
            }
        )
    if rng.random() < 0.4:
        items.append(
            {
                "id": "campaign",
                "kind": "campaign",
                "at": [rng.choice(places)["id"]],
                "start": START,
                "strength": rng.uniform(-1, 1),
                "about": rng.sample(countries, rng.randint(1, len(countries))),
            }
        )
    return items


def _blocs(rng: random.Random, countries: list[str]) -> list[dict[str, Any]]:
    """None, or one or two, which some have not entered yet, or have left."""

    def bloc(i: int) -> dict[str, Any]:
        inside = rng.sample(countries, rng.randint(2, len(countries)))
        found: dict[str, Any] = {"id": f"bloc_{i}", "members": inside}
        found |= {"free_movement": rng.random() < 0.9, "enabled": rng.random() < 0.9}
        if rng.random() < 0.2:
            found["entries"] = {inside[0]: START + timedelta(days=rng.choice((-90, 0, 90)))}
        if rng.random() < 0.2:
            found["exits"] = {inside[-1]: START + timedelta(days=rng.choice((-1, 0, 200)))}
        if rng.random() < 0.3:
            end = START + timedelta(days=rng.choice((-1, 0, 200)))
            found["transitional"] = [{"citizens_of": inside[:1], "into": inside[1:], "end": end}]
        return found

    return [bloc(i) for i in range(rng.choice((0, 0, 1, 1, 2)))]


def _priors(
    rng: random.Random, countries: list[str], places: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    return [
        {
            "at": [rng.choice([*countries, rng.choice(places)["id"]])],
            "about": rng.sample(countries, rng.randint(1, len(countries))),
            rng.choice(("livelihood", "flight")): rng.uniform(-2, 2),
        }
        for _ in range(rng.choice((0, 0, 1, 3)))
    ]


def _decision(rng: random.Random) -> dict[str, Any]:
    def tastes() -> dict[str, Any]:
        return {
            "threats": rng.choice((0.0, 1.2)),
            "democracy": rng.choice((0.0, 1.5)),
            "waiting": rng.choice((0.0, 0.02, 0.2)),
            "look_ahead": rng.choice((0.0, 0.8, 0.8, 0.95)),
            "pioneer": rng.uniform(-0.5, 0.5),
            "citizen": rng.choice((0.0, 1.0, 3.0)),
        }

    # Together these keep the sum over walks from growing without end.
    fatigue, scale = rng.choice(((1.0, 0.5), (1.0, 0.4), (0.5, 0.2), (2.0, 0.7)))
    return {
        # High, so that every answer is given often.
        "base_livelihood": 10 ** rng.uniform(-2.0, 0.0),
        "base_flight": 10 ** rng.uniform(-3.5, -0.5),
        "flight_norm": rng.choice((0.5, 2.0)),
        "nest": rng.choice((1.0, 0.3, 0.3, 0.5, 0.1, 0.06)),
        "inclusive_value": rng.choice((0.5, 1.0, 0.2)),
        "look_ahead_floor": rng.choice((0.001, 0.5)),
        "cost": rng.choice((0.0, 0.5, 1.0)),
        "home_attachment": rng.choice((0.0, 1.0)),
        "place_attachment": rng.choice((0.0, 1.0, 4.0)),
        "admission": rng.choice((0.0, 0.26, 1.0)),
        "transit_threat": rng.choice((0.0, 2.0)),
        "risk": rng.choice((0.0, 10.0)),
        "fatigue": fatigue,
        "route_scale": scale,
        "information": rng.choice((0.0, 100.0)),
        "home_income": rng.choice((0.0, 0.43)),
        "pause_depth": rng.choice((0.0, 0.8, 1.0)),
        "livelihood": tastes(),
        "flight": tastes() | {"contiguous": rng.uniform(0.0, 1.5)},
        "classes": rng.choice(
            (
                [{"id": "all", "share": 1.0}],
                [{"id": "a", "share": 0.4, "risk": 1.3}, {"id": "b", "share": 0.6, "risk": 0.2}],
            )
        ),
    }


OF_THE_FIRST_DAY = (STOCKS, PUBLIC, RULES, COMING, SETTLING, MEANS, KNOWN, CHOICES, DUE)
"""What is worked out from people, and from each other, as a run begins."""


def prepare(world: World) -> None:
    """Bring a world that was changed by hand up to date, as a step does before it asks anybody.

    On the first day what was worked out from people is worked out anew. Later on their numbers are
    those of the last census, whatever was changed since.
    """
    if world.day == 0:
        for state in OF_THE_FIRST_DAY:
            world.states.pop(state.name)
        for state in OF_THE_FIRST_DAY:
            state.of(world)
        THREATS.of(world).strain = strain(world)
        exposure = EXPOSURE.of(world)
        exposure.threshold = exposure.thresholds(world)
    else:
        segment = segment_of(world, world.day + 1)
        for hook in dict(STAGES)["environment"]:
            hook(world, segment)
        world.updated = world.day
        if segment.month_begins:
            world.month_began = world.day
    EXPOSURE.of(world).changed[:] = True
    update_households(world)


def random_world(number: int) -> World:
    """A random scenario's world, made ready, with its people scattered over all standings."""
    rng = np.random.default_rng([20110101, number])
    world = build_world(random_scenario(number), seed=number)
    scatter(world, rng)
    queue_up(world, rng)
    prepare(world)
    endow(world, rng)
    # Within a month people move; tables stay as they are.
    for house in rng.permutation(by_head(world))[:5]:
        place_household(world, rng, house)
    world.day = int(rng.choice((0, 0, 45)))
    return world


def by_head(world: World) -> I64:
    """Rows of the households, in the order of the rows of those who lead them."""
    head = world.households.head
    return np.argsort(head, kind="stable")[: np.count_nonzero(head != NOBODY)]


def members_of(world: World, house: int) -> I64:
    """Rows of a household's members, the dead included."""
    return np.flatnonzero(world.persons.household == house)


def living_members(world: World, house: int) -> list[int]:
    """Rows of a household's living members, from its head on."""
    rows = []
    row = world.households.head[house]
    while row != NOBODY:
        rows.append(int(row))
        row = world.persons.next[row]
    return rows


def place_household(world: World, rng: np.random.Generator, house: int) -> None:
    """Put a household somewhere, in a standing that people have there."""
    households = world.households
    home = int(households.home[house])
    place = int(rng.integers(len(world.country)))
    if rng.random() < 0.3:
        place = home
    activity = rng.choice((Activity.resident, Activity.resident, Activity.waiting))
    if world.country[place] == world.country[home]:
        status = Status.citizen
        if place != home and rng.random() < 0.6:
            status = Status.displaced
    else:
        status = ABROAD[rng.integers(len(ABROAD))]
        if rng.random() < 0.2:
            status, activity = Status.irregular, Activity.stranded
    households.place[house] = place
    households.status[house] = int(status)
    households.moved[house] = LONG_AGO if rng.random() < 0.3 else -int(rng.integers(3000))
    households.since[house] = 0 if status == Status.claimant else households.moved[house]
    households.activity[house] = int(activity)


def take_out(world: World, row: int) -> None:
    """Take a person out of the members of a household that someone else leads."""
    households, persons = world.households, world.persons
    house = persons.household[row]
    rows = living_members(world, house)
    before = rows[rows.index(row) - 1]
    persons.next[before] = persons.next[row]
    persons.next[row] = NOBODY
    households.size[house] -= 1


def let_die(world: World, row: int) -> None:
    """Let a person, who does not lead a household, have died on the way to where it is."""
    take_out(world, row)
    households, persons = world.households, world.persons
    house = persons.household[row]
    persons.past[row] |= DIED_ON_THE_WAY
    persons.next[row] = households.place[house]
    ACCOUNT.of(world).dead[households.citizenship[house]] += households.weight[house]


def let_leave(world: World, row: int) -> int:
    """Let a person, who does not lead a household, have founded one; return its row."""
    take_out(world, row)
    new = int(world.rows_for(1)[0])
    households, persons = world.households, world.persons
    house = persons.household[row]
    for column in households:
        column[new] = column[house]
    households.ident[new] = persons.pid[row]
    households.head[new] = row
    households.size[new] = 1
    households.relative[house] = new
    persons.household[row] = new
    return new


def scatter(world: World, rng: np.random.Generator) -> None:
    """Bring people into every state of the account that is not on the way."""
    for house in range(len(world.households.ident)):
        for row in members_of(world, house)[1:]:
            chance = rng.random()
            if chance < 0.05:
                let_die(world, row)
            elif chance < 0.12:
                # Somebody has left the household of birth, as pioneers do.
                place_household(world, rng, let_leave(world, row))
        if rng.random() < 0.6:
            place_household(world, rng, house)


def queue_up(world: World, rng: np.random.Generator) -> None:
    """Let those who wait have applied somewhere; some of them may travel from day 100 on."""
    households, houses = world.households, by_head(world)
    waiting = houses[households.activity[houses] == Activity.waiting]
    if len(waiting):
        n = len(waiting)
        plan(
            world,
            waiting,
            goal=rng.integers(len(world.country), size=n),
            channel=rng.choice((int(Channel.labour), int(Channel.family)), size=n),
            companions=rng.choice((0, 0, 1), size=n),
            due=rng.choice((np.inf, np.inf, 100.0), size=n),
        )


def plan(world: World, houses: I64, **stated: Any) -> Plans:
    """Give households a plan, in place of any that they have; what is not stated is blank.

    Columns are given in the order of the households, or as one value for all.

    Returns:
        The world's plans.
    """
    new = laid_out(world, no_plans(world), np.arange(len(houses)))
    new.household[:] = houses
    for name, value in stated.items():
        getattr(new, name)[:] = value
    plans = PLANS.of(world)
    others = ~np.isin(plans.household, houses)
    PLANS.put(world, joined([Plans(*(column[others] for column in plans)), new]))
    return PLANS.of(world)


def endow(world: World, rng: np.random.Generator) -> None:
    """Give every household money, kin and exposure at random."""
    households = world.households
    for house in by_head(world):
        households.mask[house] = rng.integers(128) if rng.random() < 0.8 else 0
        if rng.random() < 0.5:
            households.flags[house] |= GROUNDS
        households.kin[house] = rng.integers(len(STOCKS.of(world).diaspora) + 1)
        if households.head[house] % 3:
            households.uprooted[house] = households.ident[house] % np.uint64(128)
        form = rng.random()
        if form < 0.15:
            money = 0.0
        elif form < 0.5:
            money = 10 ** rng.uniform(1.0, 4.5)
        elif form < 0.65:
            money = 50.0 * rng.integers(60)
        elif form < 0.75:
            money = 1e7
        else:
            continue
        households.means[house] = money


def alike(most: F64) -> list[I64]:
    """Positions of households whose rates are of the same order of magnitude."""
    order = np.floor(np.log10(np.maximum(most, 1e-9)))
    return [np.flatnonzero(order == one) for one in np.unique(order)]


def plane_of(world: World, start: float, days: float) -> Plane:
    """A plane of moves for a time of any length, in place of a calendar month's."""
    return Plane(key_of(world.seed, MOVE, 1_000_003), float(start), float(days))


def events_of(
    world: World, now: Conditions, plane: Plane, houses: I64 | U32,
    since: F64 | float | None = None, until: F64 | float | None = None,
) -> Events:  # fmt: skip
    """Moves and refusals of households in spans of a plane, by default in the whole of it.

    `since` is excluded.
    """
    n = len(houses)
    since = plane.start if since is None else since
    until = plane.start + plane.days if until is None else until
    begin, end = (np.broadcast_to(np.asarray(it, np.float64), n).copy() for it in (since, until))
    room, first, parts = 2 * n + 64, 0, [room_for(0)]
    while first < n:
        events = room_for(room)
        found, following = decide(
            world.households, world.persons, houses.astype(np.int64), begin, end, first,
            CHOICES.of(world).tables, now, MEANS.of(world), CLASSES.of(world), plane,
            world.month(), events,
        )  # fmt: skip
        if following == first:
            room *= 2
        parts.append(Events(*(column[:found] for column in events)))
        first = following
    return Events(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def answers_of(
    world: World, now: Conditions, years: float, houses: I64 | U32 | None = None
) -> Events:
    """Moves and refusals of households, or of all who decide, in some time from today on.

    The moment of each is a share of that time.
    """
    plane = plane_of(world, world.day, years * DAYS_A_YEAR)
    events = events_of(world, now, plane, world.deciding if houses is None else houses)
    return events._replace(time=(events.time - plane.start) / plane.days)


def live_on(world: World, end: int) -> Segment:
    """Let lives go on until a day under tables and rules as they stand.

    Of the hooks of a step only those run that set the rates: no month begins, no rule changes,
    nobody is born, admitted or taken to a camp. The calendar goes on.

    Returns:
        The last segment.
    """
    segment = segment_of(world, end)
    while world.day < end:
        segment = segment_of(world, next_change(world, end))
        for hook in dict(STAGES)["rates"]:
            hook(world, segment)
        tell_lives(world, segment)
        world.day = segment.end
    return segment


def let_nobody_decide(world: World) -> None:
    """Let nobody decide to move any more; who is stranded still decides how to go on."""
    world.geography = world.geography._replace(decides=np.zeros_like(world.geography.decides))


def rates_of(world: World, now: Conditions, houses: I64, day: float | None = None) -> F64:
    """[n, 8] L, F, L_M, F_M, L_P, F_P, L_MP, F_MP of households, as the kernel evaluates them."""
    found, choices = np.zeros((len(houses), 8)), CHOICES.of(world)
    rates(
        world.households, world.persons, houses, choices.tables, now, CLASSES.of(world),
        float(world.day if day is None else day), world.month(), found,
    )  # fmt: skip
    return found


def large_scenario(agents: int = 30_000, **decision: Any) -> Scenario:
    """A poor country at war between a transit country and two rich ones, closed in part."""

    def place(name: str, country: str, people: float, income: float, lat: float, lon: float) -> Any:
        return {
            "id": name, "country": country, "people": people, "income": income, "lat": lat,
            "lon": lon,
        }  # fmt: skip

    def way(a: str, b: str, price: float, **more: Any) -> Any:
        return {"from": a, "to": b, "price": price, "both_ways": True, **more}

    written = {
        "schema": 1,
        "name": "large",
        "time": {"start": START, "end": date(2011, 12, 31), "step": "month"},
        "population": {"agents": agents, "focus": ["HOME"], "others": "decide"},
        "countries": [
            {"id": "HOME", "neighbours": ["NEXT"], "voice": 0.2, "democracy": 0.1,
             "languages": ["a"]},
            {"id": "NEXT", "democracy": 0.3, "languages": ["a"]},
            {"id": "RICH", "democracy": 0.9, "neighbours": ["NEXT"]},
            {"id": "FAR", "democracy": 0.9},
        ],
        "places": [
            place("north", "HOME", 8e6, 2500.0, 33.0, 36.0),
            place("south", "HOME", 6e6, 4000.0, 31.0, 36.0),
            place("border", "NEXT", 3e6, 6000.0, 36.0, 36.5),
            place("city", "NEXT", 9e6, 9000.0, 40.0, 33.0),
            place("rich", "RICH", 4e7, 35_000.0, 48.0, 12.0),
            place("far", "FAR", 6e7, 40_000.0, 41.0, -75.0),
        ],
        "stocks": [
            {"from": "HOME", "to": "NEXT", "people": 2e5},
            {"from": "HOME", "to": "RICH", "people": 1e5},
            {"from": "HOME", "to": "FAR", "people": 5e4},
        ],
        "threats": {
            "default": {"economic": [0.2, 0.3], "personal": [0.05, 0.2]},
            "HOME": {"personal": [0.6, 0.5], "food": [0.4, 0.4], "economic": [0.5, 0.5],
                     "political": {"severity": 0.4, "prevalence": 0.3, "by_state": True}},
        },
        "corridors": [
            way("north", "south", 50.0),
            way("north", "border", 300.0, death=0.001),
            way("south", "border", 400.0, death=0.002),
            way("border", "city", 50.0),
            way("city", "rich", 2500.0, death=0.02, enforcement_met=0.6),
            way("rich", "far", 6000.0, death=0.01),
        ],
        "policies": [
            {"id": "labour_next", "into": "NEXT", "channel": "labour", "open": True, "fee": 100.0},
            {"id": "labour_rich", "into": "RICH", "channel": "labour", "open": True, "wait": 3.0,
             "fee": 500.0},
            {"id": "labour_far", "into": "FAR", "channel": "labour", "open": True, "quota": 2e4,
             "min_education": "secondary", "fee": 800.0},
            {"id": "wall", "into": "RICH", "barrier": 0.5},
        ],
        "living": {"means_per_income": 0.25, "subsistence": 75.0},
        "decision": {
            "base_livelihood": 5.0,
            "base_flight": 8e-2,
            "flight_norm": 1.0,
            "place_attachment": 0.0,
            "flight": {"citizen": 0.0},
            **decision,
        },
    }  # fmt: skip
    return resolve(Scenario.model_validate(written))
