"""From a short scenario to the complete and explicit one that the engine reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import asin, ceil, cos, log, radians, sin, sqrt
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from sim.core.terms import Threat
from sim.scenario.whole import Scenario
from sim.schema import (
    Corridor,
    Costs,
    Country,
    Decision,
    Exposure,
    Indicator,
    Intervention,
    Level,
    Levels,
    Opinion,
    Part,
    Place,
    RouteOption,
    ThreatName,
)
from sim.schema.errors import Problem

EARTH_RADIUS: Final = 6371.0
"""Mean, km."""
DETOUR: Final = 1.2
"""Road over great circle (our assumption)."""
KM_A_DAY: Final = 300.0
"""Speed of travel (our assumption)."""
CAPACITY: Final = 0.05
"""Newcomers that a place takes in without strain, as a share of its people (our assumption)."""
FOCUS: Final = 0.9
"""Share of rows for the people of `population.focus`."""
HIDDEN_PRICE: Final = 1.5
"""Price of the hidden route option over that of the open one (our assumption)."""
CARAVAN: Final = {"people": 1000.0, "price": 0.5, "hazards": 0.5, "interception": 1.0}
"""When a caravan forms, and what it changes for those in it (our assumption)."""
OTHER: Final = "other"
"""The implicit group of those in no named group."""
OPTION_KEYS: Final = (
    "price", "enforcement_met", "death", "violence", "extortion", "money_lost", "kidnapping",
)  # fmt: skip

T = TypeVar("T")


def resolve(scenario: Scenario) -> Scenario:
    """Write out everything that a short scenario leaves to defaults or other parts.

    Resolving a resolved scenario changes nothing.

    Args:
        scenario: validated, and free of the problems that `checks` finds.

    Returns:
        The complete scenario.
    """
    countries = _countries(scenario)
    places = _places(scenario)
    of_country: dict[str, list[str]] = {country.id: [] for country in countries}
    for place in places:
        of_country[place.country].append(place.id)

    def spread(at: Iterable[str]) -> tuple[str, ...]:
        """Replace countries by their places."""
        ids = (place for one in at for place in of_country.get(one, (one,)))
        return tuple(dict.fromkeys(ids))

    where = {place.id: place for place in places}
    return scenario.model_copy(
        update={
            "countries": countries,
            "places": places,
            "threats": _threats(scenario),
            "costs": _costs(scenario),
            "shocks": tuple(it.model_copy(update={"at": spread(it.at)}) for it in scenario.shocks),
            "interventions": tuple(
                it.model_copy(update={"at": spread(it.at), **_caravan(it)})
                for it in scenario.interventions
            ),
            "corridors": tuple(
                one for corridor in scenario.corridors for one in _corridor(corridor, where)
            ),
            "exposure": resolve_exposure(scenario.exposure),
            "decision": _decision(scenario.decision).model_copy(
                update={
                    "prior": tuple(
                        it.model_copy(update={"at": spread(it.at)})
                        for it in scenario.decision.prior
                    )
                }
            ),
        }
    )


def beyond(resolved: Scenario, file: str) -> list[Problem]:
    """Find what is out of range only when it is worked out from other values.

    Args:
        resolved: a resolved scenario.
        file: where it comes from, for the problems.
    """
    plain = resolved.model_dump(by_alias=True)
    try:
        Scenario.model_validate(plain)
    except ValidationError as error:
        return [_found_beyond(it, plain, file) for it in error.errors(include_url=False)]
    return []


def _found_beyond(detail: Any, plain: Any, file: str) -> Problem:
    """Say what a value comes to, and where; things in lists are named by id."""
    where = ""
    for step in detail["loc"]:
        plain = plain[step]
        if isinstance(step, int):
            where += f"[{plain.get('id', step) if isinstance(plain, dict) else step}]"
        else:
            where += f".{step}" if where else str(step)
    limits = [f"{it:g}" for it in detail.get("ctx", {}).values() if isinstance(it, int | float)]
    if not limits or not isinstance(plain, int | float):
        message = f"{where}: {detail['msg']}"
    else:
        limit = " or ".join(limits)
        message = f"{where} comes to {plain:g}, which is out of range (the limit is {limit})"
    return Problem(file, 0, 0, message, "it is worked out from other values: change those")


def _caravan(item: Intervention) -> dict[str, float]:
    """Return the values of a caravan that the file leaves out."""
    if item.kind != "caravan":
        return {}
    return {key: value for key, value in CARAVAN.items() if getattr(item, key) is None}


def great_circle(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Return the distance between two points on the globe (haversine formula).

    Args:
        lat_a: degrees.
        lon_a: degrees.
        lat_b: degrees.
        lon_b: degrees.

    Returns:
        Kilometres.
    """
    phi_a, phi_b = radians(lat_a), radians(lat_b)
    half_lat, half_lon = (phi_b - phi_a) / 2, radians(lon_b - lon_a) / 2
    chord = sin(half_lat) ** 2 + cos(phi_a) * cos(phi_b) * sin(half_lon) ** 2
    return 2 * EARTH_RADIUS * asin(min(1.0, sqrt(chord)))


def corridor_ids(corridor: Corridor) -> tuple[str, ...]:
    """Return the ids that a corridor has once resolved: its own and, both ways, its opposite's."""
    own = corridor.id if corridor.id != "unnamed" else f"{corridor.from_}_{corridor.to}"
    return (own, f"{corridor.to}_{corridor.from_}") if corridor.both_ways else (own,)


def resolve_exposure(exposure: Exposure) -> Exposure:
    """Merge what is given of the threat tables over the defaults; `{}` means none at all.

    Args:
        exposure: as written.

    Returns:
        The same with `coupling`, `crowding` and `vulnerability` complete.
    """
    return exposure.model_copy(
        update={
            name: _merge(_default(exposure, name), getattr(exposure, name))
            for name in ("coupling", "crowding", "vulnerability")
        }
    )


def _merge(default: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return given over default, entry by entry; an empty mapping stays empty."""
    if not given:
        return {}
    merged = dict(default)
    for key, value in given.items():
        under = default.get(key)
        nested = isinstance(value, Mapping) and isinstance(under, Mapping)
        merged[key] = _merge(under, value) if nested and under is not None else value
    return merged


def _decision(decision: Decision) -> Decision:
    return decision.model_copy(
        update={
            name: _default(decision, name) | getattr(decision, name)
            for name in ("threat_weight", "tolerable")
        }
    )


def _default(part: Part, name: str) -> dict[str, Any]:
    """Return a table's default, not to be changed."""
    default: dict[str, Any] = type(part).model_fields[name].get_default()
    return default


def _countries(scenario: Scenario) -> tuple[Country, ...]:
    neighbours: dict[str, list[str]] = {it.id: list(it.neighbours) for it in scenario.countries}
    for country in scenario.countries:
        for other in country.neighbours:
            if country.id not in neighbours[other]:
                neighbours[other].append(country.id)
    return tuple(
        country.model_copy(
            update={
                "name": country.name or country.id,
                "profile": country.profile or scenario.population.profile,
                "opinion": _opinion(country, scenario.politics.bias),
                "neighbours": tuple(dict.fromkeys(neighbours[country.id])),
            }
        )
        for country in scenario.countries
    )


def _opinion(country: Country, bias: float) -> Opinion | None:
    opinion = country.opinion
    if opinion is None or opinion.bias is not None:
        return opinion
    return opinion.model_copy(update={"bias": bias})


def _costs(scenario: Scenario) -> dict[str, Costs]:
    """Return every country's unit costs, where any are stated: the default's under its own."""
    given = scenario.costs
    if not given:
        return {}
    default = given["default"].model_dump() if "default" in given else {}
    return {
        country.id: Costs.model_construct(
            **default
            | (given[country.id].model_dump(exclude_none=True) if country.id in given else {})
        )
        for country in scenario.countries
    }


def _places(scenario: Scenario) -> tuple[Place, ...]:
    income = country_incomes(scenario.places)
    shares: dict[str, dict[str, float]] = {}
    for group in scenario.groups:
        shares.setdefault(group.country, {})[group.id] = group.share
    weight = _people_per_agent(scenario)
    places = []
    for place in scenario.places:
        own = place.income if place.income is not None else income[place.country]
        capacity = CAPACITY * place.people if place.capacity is None else place.capacity
        places.append(
            place.model_copy(
                update={
                    "name": place.name or place.id,
                    "income": own,
                    "income_ppp": own if place.income_ppp is None else place.income_ppp,
                    "capacity": capacity,
                    "people_per_agent": place.people_per_agent or weight[place.country],
                    "groups": _groups(place, shares.get(place.country, {})),
                }
            )
        )
    return tuple(places)


def country_incomes(places: Iterable[Place]) -> dict[str, float]:
    """Return the mean income of the places that state theirs, weighted by people.

    Args:
        places: as written.

    Returns:
        By country, money per person and year; no entry where no place states one.
    """
    money: dict[str, float] = {}
    people: dict[str, float] = {}
    plain: dict[str, list[float]] = {}
    for place in places:
        if place.income is not None:
            money[place.country] = money.get(place.country, 0.0) + place.income * place.people
            people[place.country] = people.get(place.country, 0.0) + place.people
            plain.setdefault(place.country, []).append(place.income)
    return {
        country: money[country] / people[country] if people[country] else sum(them) / len(them)
        for country, them in plain.items()
    }


def _groups(place: Place, of_country: Mapping[str, float]) -> dict[str, float]:
    """Return the share of each group of the country: the place's own, else the country's."""
    given = place.groups or of_country
    shares = {group: given.get(group, 0.0) for group in of_country}
    if not shares:
        return {}
    rest = max(0.0, 1.0 - sum(shares.values()))
    shares[OTHER] = rest if rest > 1e-9 else 0.0
    return shares


def _people_per_agent(scenario: Scenario) -> dict[str, int]:
    """Return the people that one row represents, by country.

    The focus countries' people get `FOCUS` of the rows, all others the rest; without a focus, or
    with nobody on one side, all are alike.
    """
    focus = set(scenario.population.focus)
    agents = scenario.population.agents
    inside = sum(it.people for it in scenario.places if it.country in focus)
    outside = sum(it.people for it in scenario.places if it.country not in focus)
    if inside == 0 or outside == 0:
        fine = coarse = max(1, ceil((inside + outside) / agents))
    else:
        n_fine = round(FOCUS * agents)
        fine = max(1, ceil(inside / n_fine))
        coarse = max(1, ceil(outside / (agents - n_fine)))
    return {it.country: fine if it.country in focus else coarse for it in scenario.places}


def _threats(scenario: Scenario) -> dict[str, Levels]:
    """Return every place's seven levels: the default's, the country's, the place's own."""
    given = scenario.threats
    resolved: dict[str, Levels] = {}
    for place in scenario.places:
        levels: Levels = {name: Level.model_construct(severity=0.0) for name in Threat.__members__}  # type: ignore[misc]
        levels.update(given.get("default", {}))
        _indicate(scenario.indicators, place, levels)
        for key in (place.country, place.id):
            levels.update(given.get(key, {}))
        resolved[place.id] = levels
    return resolved


def indicated(indicator: Indicator, value: float) -> float:
    """Return what an observed value means on the scale from 0 to 1."""
    low, high = indicator.zero, indicator.one
    if indicator.transform == "log":
        low, high, value = log(low), log(high), log(value)
    return min(max((value - low) / (high - low), 0.0), 1.0)


def _indicate(indicators: Iterable[Indicator], place: Place, levels: Levels) -> None:
    """Set a place's levels from what was observed there, the gravest of each thing."""
    worst: dict[tuple[ThreatName, str], float] = {}
    for it in indicators:
        value = it.values.get(place.id, it.values.get(place.country))
        if value is not None:
            key = (it.threat, it.sets)
            worst[key] = max(worst.get(key, 0.0), indicated(it, value))
    for (threat, sets), share in worst.items():
        levels[threat] = levels[threat].model_copy(update={sets: share})


def _corridor(corridor: Corridor, where: Mapping[str, Place]) -> tuple[Corridor, ...]:
    """Return the corridor, and its opposite where it goes both ways, with everything stated."""
    a, b = where[corridor.from_], where[corridor.to]
    days = corridor.days
    if days is None:
        km = corridor.km
        if km is None:
            # Rounded, so that every machine's sine gives the same scenario.
            km = max(1.0, round(DETOUR * great_circle(a.lat, a.lon, b.lat, b.lon), 3))
        days = round(1 + km / KM_A_DAY, 4)
    cleared: dict[str, Any] = dict.fromkeys(OPTION_KEYS)
    ids = corridor_ids(corridor)
    there = corridor.model_copy(
        update=cleared
        | {
            "id": ids[0],
            "km": None,
            "days": days,
            "route_options": _route_options(corridor),
            "both_ways": False,
            "dangerous": False,
        }
    )
    if not corridor.both_ways:
        return (there,)
    back = there.model_copy(
        update={"id": ids[1], "from_": corridor.to, "to": corridor.from_},
    )
    return (there, back)


def _route_options(corridor: Corridor) -> tuple[RouteOption, ...]:
    """Return the ways of travelling, from the shorthand keys where none are listed."""
    if corridor.route_options:
        return corridor.route_options
    given: dict[str, Any] = {
        key: value for key in OPTION_KEYS if (value := getattr(corridor, key)) is not None
    }
    usual = RouteOption.model_construct(**given)
    if not corridor.dangerous:
        return (usual,)
    seen: dict[str, Any] = {"id": "open", "enforcement_met": 1.0, "death": 0.01} | given
    unseen: dict[str, Any] = given | {"id": "hidden", "enforcement_met": 0.2, "death": 0.05}
    unseen["price"] = HIDDEN_PRICE * usual.price
    return RouteOption.model_construct(**seen), RouteOption.model_construct(**unseen)
