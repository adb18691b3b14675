"""Groups, places, stocks, and how much fits into a world."""

from __future__ import annotations

from typing import Final

from sim.scenario.checks.checker import NEAR, Checker
from sim.scenario.document import Node, Path
from sim.scenario.numbers import misread
from sim.scenario.resolve import OTHER, country_incomes
from sim.scenario.tables import TableNode
from sim.scenario.wording import field_at
from sim.schema.errors import quoted, suggest

LONGEST_DAYS: Final = 32_700


def check_groups(ck: Checker) -> None:
    """Shares of groups that add up to more than everyone."""
    of: dict[str, float] = {}
    home = {group.id: group.country for group in ck.scenario.groups}
    for i, group in enumerate(ck.scenario.groups):
        if not ck.whole(("groups", i), "share"):
            continue  # what stands for a share that cannot be read adds nothing
        before = of.get(group.country, 0.0)
        of[group.country] = before + group.share
        if before <= 1 + NEAR < of[group.country]:
            total = of[group.country]
            ck.add(
                ("groups", i, "share"),
                f"{{}} = {group.share:g} brings the groups of {group.country} to {total:g} in all",
                "shares of one country's groups add up to at most 1; the rest is `other`",
            )
    for i, place in enumerate(ck.scenario.places):
        path: Path = ("places", i, "groups")
        for key in place.groups:
            if key != OTHER and home.get(key) != place.country:
                here = [it for it, country in home.items() if country == place.country]
                if key in home:
                    message = f"{{}}: {key} is a group of {home[key]}, not of {place.country}"
                    ck.add((*path, key), message, on_key=True)
                elif key not in ck.known.ids["groups"] and "groups" not in ck.known.incomplete:
                    hint = suggest(key, here or home, "groups known here")
                    ck.add((*path, key), f"{{}}: there is no group {quoted(key)}", hint, True)
        total = sum(place.groups.values())
        if total > 1 + NEAR:
            ck.add(
                path, f"{{}} add up to {total:g}", "shares add up to at most 1; the rest is `other`"
            )
        elif OTHER in place.groups and total < 1 - NEAR and ck.whole(path):
            ck.add(
                path,
                f"{{}} add up to {total:g}, with `{OTHER}`",
                "leave `other` out: it is the rest",
            )


def check_thousands(ck: Checker) -> None:
    """People and money with a point between thousands, which would be read as a thousandth."""

    def look(node: Node, path: Path) -> None:
        if isinstance(node, TableNode):
            return  # its cells are looked at as they are read
        for step, inner in node.children():
            at = (*path, step)
            if inner.kind != "scalar":
                look(inner, at)
            elif found := misread(inner, field_at(at).unit):
                ck.add(at, *found)

    look(ck.tree.root, ())


def check_places(ck: Checker) -> None:
    """People, incomes, capacities, and countries without places."""
    s = ck.scenario
    if not s.countries and ck.intact("countries"):
        ck.add(("countries",), "{} is empty", "a scenario needs at least one country")
    if not s.places:
        if ck.intact("places"):
            ck.add(("places",), "{} is empty", "a scenario needs at least one place")
        return
    incomes = country_incomes(s.places)
    for i, place in enumerate(s.places):
        path: Path = ("places", i)
        if place.income is None and place.country not in incomes and ck.intact("places"):
            ck.add(
                path,
                f"{{}} states no income, and no other place of {place.country} does",
                "income: money per person and year, in the scenario's currency",
            )
        if place.kind == "camp" and place.capacity is None and ck.whole(path, "capacity", "kind"):
            ck.add(
                path, "{} is a camp and states no capacity", "capacity: how many people it can hold"
            )
        may_be_empty = place.kind in ("camp", "elsewhere")
        if place.people == 0 and not may_be_empty and ck.whole(path, "people", "kind"):
            hint = "a point on the way where nobody lives is of the kind elsewhere"
            ck.add((*path, "people"), "{} = 0: only a camp may start empty", hint)
    if ck.intact("places") and sum(place.people for place in s.places) == 0:
        ck.add(("places",), "nobody lives anywhere: people add up to 0")
    if not ck.intact("places", "countries"):
        return
    settled = {place.country for place in s.places}
    for i, stock in enumerate(s.stocks):
        for key, country in (("from", stock.from_), ("to", stock.to)):
            if country in ck.known.ids["countries"] and country not in settled:
                ck.add(("stocks", i, key), f"{{}} = {country}: that country has no place")


def check_stocks(ck: Checker) -> None:
    """Stocks at home, or stated twice."""
    seen: dict[tuple[str, str], int] = {}
    for i, stock in enumerate(ck.scenario.stocks):
        pair = (stock.from_, stock.to)
        if stock.from_ == stock.to:
            hint = "stocks are people who live abroad"
            ck.add(("stocks", i, "to"), f"{{}} = {stock.to} is where they are from", hint)
        if seen.setdefault(pair, i) != i:
            line = ck.tree.walk(("stocks", seen[pair]))[-1].line + 1
            ck.add(
                ("stocks", i), f"{{}}: {pair[0]} in {pair[1]} is here twice (first on line {line})"
            )


def check_sizes(ck: Checker) -> None:
    """More than the engine's columns can hold, and more foreigners than people."""
    scenario = ck.scenario
    for path, n, most in (
        (("countries",), len(scenario.countries), 254),
        (("groups",), len(scenario.groups), 254),
        (("places",), len(scenario.places), 65_535),
        (("decision", "classes"), len(scenario.decision.classes), 16),
    ):
        if n > most:
            ck.add(path, f"{{}} has {n:,} entries; at most {most:,} fit")
    if (scenario.time.end - scenario.time.start).days > LONGEST_DAYS:
        hint = f"days are counted in 16 bits: at most {LONGEST_DAYS:,} of them"
        ck.add(("time", "end"), "{} is more than 89 years after the start", hint)
    if scenario.places and all(place.people < 0.5 for place in scenario.places):
        ck.add(("places",), "{} have nobody living in them", "state people, in persons")
    people: dict[str, float] = {}
    for place in scenario.places:
        people[place.country] = people.get(place.country, 0.0) + place.people
    guests: dict[str, float] = {}
    for i, stock in enumerate(scenario.stocks):
        guests[stock.to] = guests.get(stock.to, 0.0) + stock.people
        if stock.to in people and guests[stock.to] > people[stock.to]:
            hint = f"its places have {people[stock.to]:,.0f} people in all, foreigners among them"
            message = f"{{}} makes more foreigners in {stock.to} than people"
            ck.add(("stocks", i, "people"), message, hint)
            guests[stock.to] = -1e30
