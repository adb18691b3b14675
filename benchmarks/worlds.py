"""Synthetic worlds of any size, with every mechanism on.

    python -m benchmarks.worlds --persons 20000 > world.yaml     # a scenario that `sim run` reads

A world is a pure function of its `Size`. A row is a person; two, for some of the few foreigners in
a place. It is calm, but for one place at war: a stated share of households decides to move in a
step, and what takes time is what takes time in a run. Figures are invented; none is about any
country.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from math import cos, pi, sin
from typing import Any

import numpy as np

from sim.engine.setup import build_world
from sim.engine.solve import solve_base
from sim.kernels.rates import rates
from sim.mechanisms.choice import CHOICES
from sim.mechanisms.decide import current_conditions
from sim.mechanisms.exposure import update_households
from sim.mechanisms.policy import CLASSES
from sim.mechanisms.threats import THREATS
from sim.scenario.resolve import resolve
from sim.scenario.whole import Scenario
from sim.scenario.writer import dump

START = date(2020, 1, 1)
SMALL = 30_000
"""Rows on which the two numbers are solved that tie rates to the world."""


@dataclass(frozen=True)
class Size:
    """How large a world is, and how many of its households decide to move."""

    persons: int = 1_000_000
    """People, each a row but for few."""
    places: int = 17
    """Places, those at war and a camp among them."""
    countries: int = 8
    """With 17 places these make 50 alternatives (places x channels) for the mean household."""
    classes: int = 2
    """Latent classes of taste."""
    moving: float = 0.01
    """Share of households that decide to move in a step, aimed at."""
    months: int = 24
    """Length of the run; rules change within the first two years."""


def written(size: Size) -> dict[str, Any]:
    """A scenario as its file would state it."""
    countries = [f"C{c:03}" for c in range(size.countries)]
    n_live = size.places - 1
    # Of some thirds: the smallest places hold a third of the largest.
    weights = [1 + i % 3 for i in range(n_live)]
    places = []
    for i in range(n_live):
        c = i * size.countries // n_live
        turn = 2 * pi * i / n_live
        places.append(
            {
                "id": f"P{i:04}",
                "country": countries[c],
                "kind": ("border", "region", "city")[i % 3],
                "people": max(1.0, round(size.persons * weights[i] / sum(weights))),
                "income": 2000.0 * 1.5 ** (c % 7) * (1.0 + 0.1 * (i % 3)),
                "unemployment": 0.05 + 0.02 * (i % 4),
                "lat": round(25.0 + 20.0 * sin(turn), 4),
                "lon": round(20.0 + 40.0 * cos(turn), 4),
                "people_per_agent": 1,
            }
        )
    homes = [place["country"] for place in places]
    camp = places[n_live // 2]
    places.append(
        {
            "id": "CAMP", "country": camp["country"], "kind": "camp", "people": 0.0,
            "income": 1200.0, "unemployment": 0.3, "capacity": max(10.0, size.persons / 100),
            "lat": camp["lat"] + 0.3, "lon": camp["lon"] + 0.3, "people_per_agent": 1,
        }
    )  # fmt: skip
    people = {c: sum(p["people"] for p in places if p["country"] == c) for c in countries}
    return {
        "schema": 1,
        "name": "synthetic",
        "title": "A synthetic world with every mechanism on",
        "time": {"start": START, "end": _last_day(size.months), "step": "month"},
        "population": {"agents": max(100, size.persons)},
        "countries": [_country(c, countries) for c in range(size.countries)],
        "groups": [
            {"id": "creed", "country": countries[0], "share": 0.2},
            {"id": "tongue", "country": countries[-1], "share": 0.1},
        ],
        "places": places,
        "stocks": [
            {"from": a, "to": countries[(i + step) % len(countries)], "people": 0.01 * people[a]}
            for i, a in enumerate(countries)
            for step in (1, 2)
            if len(countries) > step
        ],
        **_dangers(countries, [place["id"] for place in places]),
        "corridors": _corridors(homes),
        **_rules(countries, people),
        "living": {"means_per_income": 0.6, "remittances": 20.0},
        # Settled people are held by little more than the tie to home: else newcomers, who are not,
        # would make up most of those who move.
        "decision": {
            "place_attachment": 0.5,
            "look_ahead_floor": 0.01,
            # As few as befit a world of any size.
            "least_diaspora": 5.0,
            "classes": [
                {"id": f"K{g}", "share": 1 / size.classes, "risk": 0.7 + 0.6 * g / size.classes}
                for g in range(size.classes)
            ],
        },
    }


def _last_day(months: int) -> date:
    years, month = divmod(months, 12)
    return date.fromordinal(date(START.year + years, month + 1, 1).toordinal() - 1)


def _country(c: int, names: list[str]) -> dict[str, Any]:
    n = len(names)
    neighbours = {names[(c - 1) % n], names[(c + 1) % n]} - {names[c]}
    return {
        "id": names[c],
        "languages": [f"l{c // 2}"],
        "colonies": [names[0]] if c == n - 1 and n > 1 else [],
        "neighbours": sorted(neighbours),
        "democracy": 0.2 + 0.7 * c / n,
        "voice": 0.3 + 0.6 * c / n,
        "opinion": {"start": 0.4, "elections": [date(2020, 9, 1)], "term": 1.0},
    }


def _dangers(countries: list[str], places: list[str]) -> dict[str, Any]:
    """Threats that everybody lives with, and one place at war."""
    calm = {
        name: [0.08, 0.2] for name in ("health", "environmental", "personal", "community")
    }  # below what is tolerable
    return {
        "threats": {
            "default": {
                **calm,
                "economic": [0.2, 0.3],
                "food": [0.12, 0.2],
                "political": {"severity": 0.09, "prevalence": 0.2, "by_state": True},
            }
        },
        "indicators": [
            {"id": "hunger", "threat": "food", "zero": 0, "one": 50, "values": {countries[-1]: 8}}
        ],
        "shocks": [
            {"id": "war", "at": [places[0]], "threat": "personal", "start": date(2020, 3, 1),
             "peak": 0.6, "end": date(2021, 6, 30), "prevalence": 0.3},
        ],
        "interventions": [
            {"id": "relief", "kind": "aid", "at": [places[0]], "start": date(2020, 2, 1),
             "months": 12.0, "budget": 1e6},
            {"id": "dry", "kind": "drought", "at": [places[-2]], "start": date(2020, 5, 1),
             "months": 6.0, "strength": 0.2, "prevalence": 0.3},
            {"id": "news", "kind": "campaign", "at": [places[0]], "about": [countries[-1]],
             "start": date(2020, 4, 1), "months": 12.0, "strength": -0.3},
        ],
    }  # fmt: skip


def _corridors(homes: list[str]) -> list[dict[str, Any]]:
    """A ring through all places, a way across it, and a camp beside the middle."""
    n = len(homes)
    ways: list[dict[str, Any]] = []
    for i in range(n):
        j = (i + 1) % n
        way = {"id": f"W{i:04}", "from": f"P{i:04}", "to": f"P{j:04}"}
        if homes[i] != homes[j]:
            way |= {"price": 200.0, "death": 0.001, "extortion": 0.02}
        ways.append(way | {"both_ways": True})
    ways.append(
        {
            "id": "SEA", "from": "P0000", "to": f"P{n // 2:04}", "km": 2000.0,
            "route_options": [
                {"id": "open", "price": 500.0, "death": 0.005},
                {"id": "hidden", "price": 900.0, "enforcement_met": 0.2, "death": 0.02,
                 "violence": 0.05, "kidnapping": 0.02},
            ],
        }
    )  # fmt: skip
    return [*ways, {"from": f"P{n // 2:04}", "to": "CAMP", "both_ways": True}]


def _rules(countries: list[str], people: dict[str, float]) -> dict[str, Any]:
    """Borders, channels, courts; a bloc of the latter half of the countries; what opinion moves."""
    rules: list[dict[str, Any]] = []
    for c in countries:
        n = people[c]
        rules += [
            {"id": f"{c}_labour", "into": c, "channel": "labour", "open": True, "quota": 0.05 * n,
             "wait": 2.0, "fee": 300.0},
            {"id": f"{c}_family", "into": c, "channel": "family", "open": True, "quota": 0.01 * n},
            {"id": f"{c}_asylum", "into": c, "channel": "asylum", "open": True, "wait": 8.0},
            {"id": f"{c}_state", "into": c, "recognition": 0.5, "false_recognition": 0.1,
             "capacity": 0.01 * n, "barrier": 0.2, "officers": 0.6, "law": 0.8, "detention": 0.2,
             "detention_days": 30.0, "returns": 0.2, "protection": 0.6, "regularisation": 0.02,
             "encampment": 0.2},
        ]  # fmt: skip
    first, last = countries[0], countries[-1]
    rules += [
        {"id": "skills", "into": last, "channel": "labour", "citizens_of": [first],
         "min_education": "secondary"},
        {"id": "wall", "into": last, "start": date(2020, 8, 1), "announced": date(2020, 5, 1),
         "barrier": 0.7},
    ]  # fmt: skip
    bloc = countries[len(countries) // 2 :]
    blocs = [
        {
            "id": "union", "members": bloc, "free_movement": True,
            "first_country": {"transfers": 0.1},
            "sharing": {"from": [bloc[0]], "key": {last: 0.5}, "pledge": 0.001 * people[last],
                        "start": date(2020, 3, 1), "end": date(2021, 6, 30)},
        }
    ] if len(bloc) > 1 else []  # fmt: skip
    return {
        "policies": rules,
        "blocs": blocs,
        "politics": {
            "levers": {"barrier": 0.3, "quota": -0.3, "recognition": -0.2, "wait": 0.2},
            "campaigns": [{"id": "leader", "at": [last], "start": date(2020, 6, 1),
                           "end": date(2020, 12, 31)}],
        },
        "costs": {
            "default": {"detention": 100.0, "decision": 2000.0, "forced_return": 3000.0,
                        "relocation": 1000.0, "camp": 1500.0, "claimant": 5000.0,
                        "refugee": 3000.0}
        },
    }  # fmt: skip


@cache
def solved(size: Size) -> tuple[float, float]:
    """base_L and the flight norm by which the stated share moves in the first step.

    The model's own base_L counts moves abroad alone; here those within a country count, too.
    """
    small = resolve(Scenario.model_validate(written(replace(size, persons=SMALL))))
    small = solve_base(small, small)
    world = build_world(small, small.seed)
    update_households(world)
    want, fear, _ = THREATS.of(world).advance(0, 1)
    choices = CHOICES.of(world)
    houses = world.deciding
    found = np.zeros((len(houses), 8))
    rates(
        world.households, world.persons, houses, choices.tables,
        current_conditions(world, (want, fear)), CLASSES.of(world), 0.0, 0, found,
    )  # fmt: skip
    base, norm = small.decision.base_livelihood, small.decision.flight_norm
    assert base is not None
    assert norm is not None
    moving = float(-np.expm1(-found[:, :2].sum(axis=1) / 12.0).mean())
    return base * size.moving / moving, norm


def scenario(size: Size) -> Scenario:
    """A resolved scenario of a size, its rates solved on few people: all sizes share them."""
    base, norm = solved(replace(size, persons=SMALL, months=Size.months))
    plain = written(size)
    plain["decision"] |= {"base_livelihood": base, "flight_norm": norm}
    return resolve(Scenario.model_validate(plain))


def main() -> None:
    """Print a world as a scenario file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name in ("persons", "places", "countries", "classes", "months"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Size, name))
    parser.add_argument("--moving", type=float, default=Size.moving)
    print(dump(scenario(Size(**vars(parser.parse_args())))), end="")


if __name__ == "__main__":
    main()
