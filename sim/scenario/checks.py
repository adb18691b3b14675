"""What a valid scenario may still have wrong: ids, dates, sums, and parts that contradict.

Every check reads the validated but unresolved scenario and points into the file's tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from math import exp, log
from typing import Any, Final

from sim.core.terms import Status, Threat
from sim.scenario.document import Node, Path
from sim.scenario.resolve import (
    OPTION_KEYS,
    OTHER,
    corridor_ids,
    country_incomes,
    resolve,
    resolve_exposure,
)
from sim.scenario.whole import Policy, Scenario
from sim.scenario.wording import Tree, child, default_id
from sim.schema import Bloc, Exposure
from sim.schema.errors import Problem, quoted, suggest

ASSUMPTION: Final = "assumption"
"""A source that every scenario may name: a figure that nobody measured."""
NEAR: Final = 1e-6
"""How far from 1 shares may add up to."""
VULNERABLE: Final = ("women", "children", "old", *Status.__members__)
RESERVED: Final = {
    "default": "it means every place in `threats`",
    OTHER: "it is the group of those in no named group",
    **dict.fromkeys(VULNERABLE, "`exposure.vulnerability` gives it a meaning of its own"),
}
KINDS: Final = (
    "sources", "countries", "groups", "places", "indicators", "shocks", "corridors",
    "policies", "blocs", "interventions", "observed",
)  # fmt: skip
CHANNEL_ONLY: Final = ("open", "quota", "wait", "fee", "min_education", "only", "except")
HANDLING: Final = (
    "detention", "detention_days", "turned_back", "removal", "prosecution", "separation",
)  # fmt: skip
"""Fields of a policy on what is done with the intercepted: they can tell who is in a party."""
AT_CORRIDOR: Final = ("barrier", "officers", "law", "closed", "complicit", *HANDLING)
LONGEST_DAYS: Final = 32_700
ROUTE_WALKS: Final = 80
"""Steps of the power iteration; growth is taken over the later half."""
FOR_ALL: Final = (
    "quota", "capacity", "protection", "barrier", "officers", "law", "closed", "complicit",
)  # fmt: skip
"""Fields of a policy that cannot tell nationalities apart: a queue and a fence have one length."""
NARROWED: Final = ("citizens_of", "parties")
"""Fields of a policy that say whom it is about."""
NO_RULE: Final = (
    "id", "into", "corridor", "channel", "start", "announced", "end", "enabled", "source",
)  # fmt: skip
OF_KIND: Final = {
    "aid": ("budget",), "drought": ("strength", "prevalence"), "campaign": ("strength", "about"),
    "caravan": ("about", "people", "price", "hazards", "interception"),
}  # fmt: skip
NEEDED: Final = {
    "aid": ("budget",), "drought": ("strength",), "campaign": ("strength", "about"),
    "caravan": ("about",),
}  # fmt: skip


@dataclass
class Known:
    """What the file as written declares, and what of it the schema refused.

    Where parts were refused, checks that need the whole say nothing: a place whose income cannot
    be read does not lack one.
    """

    ids: dict[str, set[str]] = field(default_factory=dict)
    """By kind: ids declared, in refused parts too."""
    incomplete: set[str] = field(default_factory=set)
    """Kinds of which some thing's id cannot be read, so that an unknown one proves nothing."""
    broken: set[str] = field(default_factory=set)
    """Top-level keys under which something was refused."""
    tainted: dict[tuple[int, int, int], set[str | int]] = field(default_factory=dict)
    """By position of a list or mapping: keys or indices at which something was taken out."""

    @classmethod
    def of(cls, root: Node) -> Known:
        """Collect the ids of a file."""
        known = cls()
        for kind in KINDS:
            ids = known.ids.setdefault(kind, set())
            top = root.get(kind)
            if top is None or kind == "observed":
                continue
            if top.kind != "list":
                known.incomplete.add(kind)
                continue
            for i in range(len(top.value)):
                item = child(top, i)
                if item is None or item.kind != "mapping":
                    known.incomplete.add(kind)
                    continue
                own = item.get("id")
                if own is not None:
                    ids.add(own.text)
                elif kind == "corridors" and (name := default_id(item)):
                    ids.add(name)
                else:
                    known.incomplete.add(kind)
                if kind == "corridors" and (both := item.get("both_ways")) and both.value is True:
                    a, b = item.get("from"), item.get("to")
                    if a is not None and b is not None:
                        ids.add(f"{b.text}_{a.text}")
        return known

    def taint(self, node: Node, step: str | int) -> None:
        """Remember that something was taken out of a node."""
        place = (id(node.origin), node.line, node.column)
        self.tainted.setdefault(place, set()).add(step)

    def whole(self, node: Node, *keys: str) -> bool:
        """Return whether nothing was taken out of a node, or not at these keys."""
        gone = self.tainted.get((id(node.origin), node.line, node.column), set())
        return not (gone & set(keys) if keys else gone)


def check(scenario: Scenario, tree: Tree, known: Known) -> list[Problem]:
    """Find everything that is wrong in a scenario that the schema accepts.

    Args:
        scenario: validated, unresolved.
        tree: the nodes it was made from.
        known: what the file declares, and what was taken out of it.

    Returns:
        The problems, in no order.
    """
    checker = _Checker(scenario, tree, known)
    for rule in _RULES:
        rule(checker)
    return checker.problems


@dataclass
class _Checker:
    scenario: Scenario
    tree: Tree
    known: Known
    problems: list[Problem] = field(default_factory=list)

    def add(self, path: Path, message: str, hint: str = "", on_key: bool = False) -> None:
        """Report a problem; `{}` in the message stands for the path's address."""
        text = message.replace("{}", self.tree.address(path), 1)
        self.problems.append(self.tree.problem(path, text, hint, on_key))

    def whole(self, path: Path, *keys: str) -> bool:
        """Return whether the thing at a path is as written, or at least these keys of it are."""
        return self.known.whole(self.tree.walk(path)[-1], *keys)

    def intact(self, *keys: str) -> bool:
        """Return whether nothing was refused under these top-level keys."""
        return not self.known.broken & set(keys)

    def refer(self, path: Path, word: str, kinds: Sequence[str], on_key: bool = False) -> None:
        """Report a word that is no id of these kinds."""
        if any(word in self.known.ids[kind] for kind in kinds):
            return
        if self.known.incomplete & set(kinds):
            return
        allowed = sorted({it for kind in kinds for it in self.known.ids[kind]})
        what = " or ".join(SINGULAR[kind] for kind in kinds)
        hint = suggest(word, allowed, "known here")
        if not allowed:
            hint = f"the scenario lists no {kinds[0]}"
        if on_key:
            self.add(path, f"{{}}: there is no {what} {quoted(word)}", hint, on_key=True)
        else:
            self.add(path, f"{{}} = {word}: there is no such {what}", hint)

    def refer_all(self, path: Path, words: Iterable[str], kinds: Sequence[str]) -> None:
        for i, word in enumerate(words):
            self.refer((*path, i), word, kinds)


SINGULAR: Final = {
    "sources": "source",
    "countries": "country",
    "groups": "group",
    "places": "place",
    "corridors": "corridor",
}


def _duplicates(ck: _Checker) -> None:
    """Ids, once each of their kind; and once among kinds that one key may name."""
    seen: dict[str, dict[str, Path]] = {}
    for kind in KINDS:
        first = seen.setdefault(kind, {})
        for i, it in enumerate(getattr(ck.scenario, kind)):
            ids = corridor_ids(it) if kind == "corridors" else (it.id,)
            for own in ids:
                path: Path = (kind, i, "id")
                if own not in first:
                    first[own] = path
                    continue
                line = ck.tree.walk(first[own])[-1].line + 1
                hint = "give each an id of its own" if kind == "corridors" else ""
                ck.add(
                    path,
                    f"{kind}: the id {own} is here twice (first on line {line})",
                    hint,
                )
    for kind, others in (
        ("places", ("countries",)),
        ("groups", ("countries", "places")),
        ("corridors", ("countries",)),
    ):
        for own, path in seen[kind].items():
            for other in others:
                if own in seen[other]:
                    ck.add(path, f"{{}} = {own} is also the id of a {SINGULAR[other]}")
    for kind in ("countries", "places", "groups"):
        for own, path in seen[kind].items():
            if own in RESERVED and not (kind == "places" and own != "default"):
                ck.add(path, f"{{}} = {own} cannot be an id", RESERVED[own])
    for i, corridor in enumerate(ck.scenario.corridors):
        _once(ck, ("corridors", i, "route_options"), [it.id for it in corridor.route_options])
    _once(ck, ("politics", "campaigns"), [it.id for it in ck.scenario.politics.campaigns])
    _once(ck, ("decision", "classes"), [it.id for it in ck.scenario.decision.classes])
    for name in ("tables", "by"):
        _once(ck, ("outputs", name), getattr(ck.scenario.outputs, name))


def _once(ck: _Checker, path: Path, words: Sequence[str]) -> None:
    for i, word in enumerate(words):
        if word in words[:i]:
            ck.add((*path, i), f"{ck.tree.address(path)}: {word} is here twice")


def _references(ck: _Checker) -> None:
    """Ids that name something that is not there."""
    s = ck.scenario
    ck.refer_all(("population", "focus"), s.population.focus, ["countries"])
    for i, group in enumerate(s.groups):
        ck.refer(("groups", i, "country"), group.country, ["countries"])
    for i, country in enumerate(s.countries):
        ck.refer_all(("countries", i, "colonies"), country.colonies, ["countries"])
        ck.refer_all(("countries", i, "neighbours"), country.neighbours, ["countries"])
    for i, place in enumerate(s.places):
        ck.refer(("places", i, "country"), place.country, ["countries"])
    for i, stock in enumerate(s.stocks):
        if len(ck.problems) > 1000:
            break
        ck.refer(("stocks", i, "from"), stock.from_, ["countries"])
        ck.refer(("stocks", i, "to"), stock.to, ["countries"])
    for i, corridor in enumerate(s.corridors):
        ck.refer(("corridors", i, "from"), corridor.from_, ["places"])
        ck.refer(("corridors", i, "to"), corridor.to, ["places"])
    for i, shock in enumerate(s.shocks):
        ck.refer_all(("shocks", i, "at"), shock.at, ["places", "countries"])
    for i, it in enumerate(s.interventions):
        ck.refer_all(("interventions", i, "at"), it.at, ["places", "countries"])
        ck.refer_all(("interventions", i, "about"), it.about, ["countries"])
    for i, prior in enumerate(s.decision.prior):
        ck.refer_all(("decision", "prior", i, "at"), prior.at, ["places", "countries"])
        ck.refer_all(("decision", "prior", i, "about"), prior.about, ["countries"])
    for i, policy in enumerate(s.policies):
        for key, word, kind in (
            ("into", policy.into, "countries"),
            ("return_to", policy.return_to, "countries"),
            ("corridor", policy.corridor, "corridors"),
        ):
            if word is not None:
                ck.refer(("policies", i, key), word, [kind])
        ck.refer_all(("policies", i, "only"), policy.only, ["countries", "groups"])
        ck.refer_all(("policies", i, "except"), policy.except_, ["countries", "groups"])
        ck.refer_all(("policies", i, "citizens_of"), policy.citizens_of, ["countries"])
    for i, bloc in enumerate(s.blocs):
        ck.refer_all(("blocs", i, "members"), bloc.members, ["countries"])
    for i, campaign in enumerate(s.politics.campaigns):
        ck.refer_all(("politics", "campaigns", i, "at"), campaign.at, ["countries"])
    for key in s.costs:
        if key != "default":
            ck.refer(("costs", key), key, ["countries"], on_key=True)
    for i, observed in enumerate(s.observed):
        ck.refer_all(("observed", i, "of"), observed.of, ["countries"])
        if observed.at is not None:
            ck.refer(("observed", i, "at"), observed.at, ["countries", "corridors"])
    for key in s.threats:
        if key != "default":
            ck.refer(("threats", key), key, ["places", "countries"], on_key=True)
    for i, indicator in enumerate(s.indicators):
        for key in indicator.values:
            path: Path = ("indicators", i, "values", key)
            ck.refer(path, key, ["places", "countries"], on_key=True)
    groups = ck.known.ids["groups"]
    for key in s.exposure.vulnerability:
        if key not in VULNERABLE and key not in groups and "groups" not in ck.known.incomplete:
            ck.add(
                ("exposure", "vulnerability", key),
                f"{{}}: there is no status or group {quoted(key)}",
                suggest(key, [*VULNERABLE, *sorted(groups)], "known here"),
                on_key=True,
            )


def _indicators(ck: _Checker) -> None:
    """Scales of no length, and logarithms of what has none."""
    for i, it in enumerate(ck.scenario.indicators):
        if it.zero == it.one:
            ck.add(("indicators", i, "one"), f"{{}} = {it.one:g} is also the value that means 0")
        if it.transform == "log":
            hint = "a logarithm needs values above 0"
            for key, value in (("zero", it.zero), ("one", it.one)):
                if value <= 0:
                    ck.add(("indicators", i, key), f"{{}} = {value:g} has no logarithm", hint)
            for key, value in it.values.items():
                if value <= 0:
                    path: Path = ("indicators", i, "values", key)
                    ck.add(path, f"{{}} = {value:g} has no logarithm", hint)


def _sources(ck: _Checker) -> None:
    """Sources that are not listed."""
    listed = ck.known.ids["sources"]
    if "sources" in ck.known.incomplete:
        return
    kinds = [kind for kind in (*KINDS[1:], "stocks") if kind != "groups"]
    parts: list[tuple[Path, Any]] = [
        ((kind, i), it) for kind in kinds for i, it in enumerate(getattr(ck.scenario, kind))
    ]
    for i, bloc in enumerate(ck.scenario.blocs):
        for j, pause in enumerate(bloc.first_country.suspended if bloc.first_country else ()):
            parts.append((("blocs", i, "first_country", "suspended", j), pause))
    campaigns = ck.scenario.politics.campaigns
    parts += [(("politics", "campaigns", i), it) for i, it in enumerate(campaigns)]
    for path, it in parts:
        for j, word in enumerate(it.source):
            if word != ASSUMPTION and word not in listed:
                hint = suggest(word, [*sorted(listed), ASSUMPTION], "sources listed")
                ck.add(
                    (*path, "source", j), f"{{}} = {quoted(word)}: there is no such source", hint
                )


def _dates(ck: _Checker) -> None:
    """Ends before starts."""
    s = ck.scenario
    _order(ck, ("time",), s.time.start, s.time.end)
    for kind in ("shocks", "policies"):
        for i, it in enumerate(getattr(s, kind)):
            _order(ck, (kind, i), it.start, it.end)
    for i, policy in enumerate(s.policies):
        path: Path = ("policies", i)
        _order(ck, path, policy.announced, policy.start, "announced", "start")
        if policy.announced and policy.start is None and ck.whole(path, "start"):
            hint = "start: the day on which it begins to hold"
            ck.add((*path, "announced"), "{} needs a start to announce", hint, on_key=True)
    for i, campaign in enumerate(s.politics.campaigns):
        _order(ck, ("politics", "campaigns", i), campaign.start, campaign.end)
    for i, country in enumerate(s.countries):
        days = country.opinion.elections if country.opinion else ()
        for j, (day, following) in enumerate(pairwise(days)):
            if following <= day:
                path = ("countries", i, "opinion", "elections", j + 1)
                ck.add(path, f"{{}} = {following} is not after the election before it, {day}")
        if country.opinion and country.opinion.term is not None and not days:
            path = ("countries", i, "opinion", "term")
            ck.add(path, "{} counts from an election, and none is stated", on_key=True)
    for i, observed in enumerate(s.observed):
        _order(ck, ("observed", i), observed.since, observed.date, "since", "date")
        if observed.party is not None and observed.what != "interceptions":
            path = ("observed", i, "party")
            ck.add(path, "{} can be told of interceptions only", on_key=True)


def _order(
    ck: _Checker, path: Path, start: date | None, end: date | None, a: str = "start", b: str = "end"
) -> None:
    if not ck.whole(path, a, b):
        return
    if start is not None and end is not None and end < start:
        written = ck.tree.walk((*path, b))[-1].text or end
        before = ck.tree.walk((*path, a))[-1].text or start
        ck.add((*path, b), f"{{}} = {written} is before {a} = {before}")


def _groups(ck: _Checker) -> None:
    """Shares of groups that add up to more than everyone."""
    of: dict[str, float] = {}
    home = {group.id: group.country for group in ck.scenario.groups}
    for i, group in enumerate(ck.scenario.groups):
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
                elif key not in ck.known.ids["groups"]:
                    hint = suggest(key, here or home, "groups known here")
                    ck.add((*path, key), f"{{}}: there is no group {quoted(key)}", hint, True)
        total = sum(place.groups.values())
        if total > 1 + NEAR:
            ck.add(
                path, f"{{}} add up to {total:g}", "shares add up to at most 1; the rest is `other`"
            )
        elif OTHER in place.groups and total < 1 - NEAR:
            ck.add(
                path,
                f"{{}} add up to {total:g}, with `{OTHER}`",
                "leave `other` out: it is the rest",
            )


def _places(ck: _Checker) -> None:
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
                "income: money a head and year, in the scenario's currency",
            )
        if place.kind == "camp" and place.capacity is None and ck.whole(path, "capacity", "kind"):
            ck.add(
                path, "{} is a camp and states no capacity", "capacity: how many people it can hold"
            )
        if place.people == 0 and place.kind != "camp" and ck.whole(path, "people", "kind"):
            ck.add((*path, "people"), "{} = 0: only a camp may start empty")
    if ck.intact("places") and sum(place.people for place in s.places) == 0:
        ck.add(("places",), "nobody lives anywhere: people add up to 0")
    if not ck.intact("places", "countries"):
        return
    settled = {place.country for place in s.places}
    for i, stock in enumerate(s.stocks):
        for key, country in (("from", stock.from_), ("to", stock.to)):
            if country in ck.known.ids["countries"] and country not in settled:
                ck.add(("stocks", i, key), f"{{}} = {country}: that country has no place")


def _stocks(ck: _Checker) -> None:
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


def _sizes(ck: _Checker) -> None:
    """More than the engine's narrow columns can number, and more foreigners than people."""
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
    if scenario.places and all(
        place.people < 0.5 * (place.people_per_agent or 1) for place in scenario.places
    ):
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


def _corridors(ck: _Checker) -> None:
    """Corridors to nowhere, places that none leads to or from, route options stated twice."""
    s = ck.scenario
    touched: set[str] = set()
    for i, it in enumerate(s.corridors):
        path: Path = ("corridors", i)
        touched |= {it.from_, it.to}
        if it.from_ == it.to:
            ck.add((*path, "to"), f"{{}} = {it.to} is where the corridor starts")
        if it.km is not None and it.days is not None:
            hint = "days are what counts; km stand in for them where they are not known"
            ck.add((*path, "km"), "{} cannot stand beside days", hint, on_key=True)
        if it.route_options:
            for key in OPTION_KEYS:
                if getattr(it, key) is not None:
                    ck.add(
                        (*path, key),
                        "{} cannot stand beside route_options",
                        "state it within each route option",
                        on_key=True,
                    )
            if it.dangerous:
                ck.add((*path, "dangerous"), "{} cannot stand beside route_options", on_key=True)
    if s.corridors and ck.intact("corridors"):
        for i, place in enumerate(s.places):
            if place.id not in touched:
                ck.add(
                    ("places", i),
                    f"{{}}: no corridor leads to or from {place.id}",
                    "add a corridor, or take the place out",
                )


def _policies(ck: _Checker) -> None:
    """Rules of nobody, of two, of no channel, or that change nothing."""
    states: set[str | None] = {country.id for country in ck.scenario.countries}
    towns = {place.country for place in ck.scenario.places if place.kind != "camp"}
    for i, policy in enumerate(ck.scenario.policies):
        path: Path = ("policies", i)
        given = [
            it.alias or key
            for key, it in Policy.model_fields.items()
            if getattr(policy, key) not in (None, ())
        ]
        whole = ck.whole(path)
        if policy.into is not None and policy.corridor is not None:
            hint = "a rule belongs to a country or to a corridor"
            ck.add((*path, "corridor"), "{} cannot stand beside into", hint, on_key=True)
        elif policy.into is None and policy.corridor is None and ck.whole(path, "into", "corridor"):
            ck.add(path, "{} says neither into nor corridor", "into: the country whose rule it is")
        if policy.corridor is not None:
            for key in given:
                if key not in (*AT_CORRIDOR, *NARROWED, *NO_RULE) or key == "channel":
                    hint = f"a corridor's rule sets only: {', '.join(AT_CORRIDOR)}"
                    ck.add((*path, key), "{} has no meaning for a corridor", hint, on_key=True)
        elif policy.channel is None and ck.whole(path, "channel", "corridor"):
            for key in given:
                if key in CHANNEL_ONLY:
                    hint = "channel: labour, family, asylum or irregular"
                    ck.add((*path, key), "{} needs a channel to speak of", hint, on_key=True)
        if whole and set(given) <= {*NO_RULE, *NARROWED}:
            ck.add(path, "{} changes nothing", "set one of its fields, for instance barrier: .5")
        for key in given:
            by_citizenship = policy.citizens_of and key in FOR_ALL
            by_party = policy.parties and key not in (*HANDLING, *NARROWED, *NO_RULE)
            if by_citizenship or by_party:
                narrow = "parties" if by_party else "citizens_of"
                hint = f"state it in a rule of its own, without {narrow}"
                ck.add((*path, key), "{} holds for everybody", hint, on_key=True)
        _once(ck, (*path, "parties"), policy.parties)
        if policy.channel in ("asylum", "irregular"):
            for key in given:
                if key in ("quota", "min_education"):
                    hint = "it belongs to labour or family"
                    message = f"{{}} has no meaning for {policy.channel}"
                    ck.add((*path, key), message, hint, on_key=True)
        if policy.return_to in states - towns:
            hint = "people are sent to one of its places that is no camp"
            ck.add((*path, "return_to"), f"{{}} = {policy.return_to} has no place to go to", hint)
        if policy.return_to is not None and policy.return_to == policy.into:
            hint = "it is the other country that people are sent to"
            ck.add((*path, "return_to"), f"{{}} = {policy.return_to} is the country itself", hint)


def _blocs(ck: _Checker) -> None:
    """Dates, exceptions and keys of states that are no members, and keys beyond the whole."""
    towns = {place.country for place in ck.scenario.places if place.kind != "camp"}
    for i, bloc in enumerate(ck.scenario.blocs):
        path: Path = ("blocs", i)
        _once(ck, (*path, "members"), bloc.members)
        if not ck.whole(path, "members"):
            continue

        def member(at: Path, word: str, on_key: bool, bloc: Bloc = bloc) -> None:
            if word not in bloc.members:
                hint = suggest(word, bloc.members, "members")
                ck.add(at, f"{{}}: {quoted(word)} is no member of {bloc.id}", hint, on_key)

        for name in ("entries", "exits"):
            for word in getattr(bloc, name):
                member((*path, name, word), word, True)
        for word, end in bloc.exits.items():
            start = bloc.entries.get(word)
            if start is not None and end < start:
                ck.add((*path, "exits", word), f"{{}} = {end} is before its entry, {start}")
        for j, rule in enumerate(bloc.transitional):
            for key in ("citizens_of", "into"):
                for k, word in enumerate(getattr(rule, key)):
                    member((*path, "transitional", j, key, k), word, False)
        for j, pause in enumerate(bloc.first_country.suspended if bloc.first_country else ()):
            at: Path = (*path, "first_country", "suspended", j)
            _order(ck, at, pause.start, pause.end)
            for key in ("by", "to"):
                for k, word in enumerate(getattr(pause, key)):
                    member((*at, key, k), word, False)
        sharing = bloc.sharing
        if sharing is None:
            continue
        at = (*path, "sharing")
        _order(ck, at, sharing.start, sharing.end)
        for j, word in enumerate(sharing.from_):
            member((*at, "from", j), word, False)
            if word in sharing.key:
                hint = "who relocates claimants takes none in"
                ck.add((*at, "key", word), f"{{}} = {word} is also in from", hint, on_key=True)
        for name in ("key", "compliance"):
            for word in getattr(sharing, name):
                member((*at, name, word), word, True)
        for word in sharing.key:
            if word in ck.known.ids["countries"] - towns and ck.intact("places"):
                ck.add(
                    (*at, "key", word), f"{{}}: {word} has no place to take people in", on_key=True
                )
        total = sum(sharing.key.values())
        if total > 1 + NEAR:
            ck.add((*at, "key"), f"{{}}: shares add up to {total:g}, more than 1")


def _interventions(ck: _Checker) -> None:
    """Fields that a kind of intervention needs or cannot use."""
    for i, it in enumerate(ck.scenario.interventions):
        path: Path = ("interventions", i)
        for key in NEEDED[it.kind]:
            if getattr(it, key) in (None, ()) and ck.whole(path, "kind", key):
                ck.add(path, f"{{}}: {it.kind} needs {key}", _MEANING[key])
        for key in dict.fromkeys(key for keys in OF_KIND.values() for key in keys):
            useless = key not in OF_KIND[it.kind] and ck.whole(path, "kind")
            if useless and getattr(it, key) not in (None, ()):
                hint = f"{it.kind} uses: {', '.join(OF_KIND[it.kind])}"
                ck.add((*path, key), f"{{}} has no meaning for {it.kind}", hint, on_key=True)
        drought = it.kind == "drought" and ck.whole(path, "kind", "strength")
        if drought and it.strength is not None and it.strength < 0:
            ck.add((*path, "strength"), f"{{}} = {it.strength:g} is out of range (0 to 1)")
        if not it.at and ck.whole(path, "at"):
            ck.add((*path, "at"), "{} is empty", "name places or countries")
    for i, shock in enumerate(ck.scenario.shocks):
        if not shock.at and ck.whole(("shocks", i), "at"):
            ck.add(("shocks", i, "at"), "{} is empty", "name places or countries")


def _priors(ck: _Checker) -> None:
    """Priors of nobody, about nothing, or that state no value."""
    for i, prior in enumerate(ck.scenario.decision.prior):
        path: Path = ("decision", "prior", i)
        for key in ("at", "about"):
            if not getattr(prior, key) and ck.whole(path, key):
                ck.add((*path, key), "{} is empty", "name countries (`at`: or places)")
        if prior.livelihood is None and prior.flight is None and ck.whole(path):
            ck.add(path, "{} changes nothing", "state livelihood, flight or both")


_MEANING: Final = {
    "budget": "budget: money a year",
    "strength": "strength: 0 to 1 (a campaign's may be negative)",
    "about": "about: the countries that it speaks of, or goes to",
}


def _shares(ck: _Checker) -> None:
    """Shares that must add up to one."""
    s = ck.scenario
    profiles: list[tuple[Path, Any]] = [(("population", "profile"), s.population.profile)]
    profiles += [
        (("countries", i, "profile"), it.profile) for i, it in enumerate(s.countries) if it.profile
    ]
    for path, profile in profiles:
        _sum_to_one(ck, (*path, "education"), profile.education)
        if profile.under_15 + profile.over_65 > 1 + NEAR:
            total = profile.under_15 + profile.over_65
            ck.add((*path, "over_65"), f"{{}} and under_15 add up to {total:g}, more than 1")
    if ck.intact("decision"):
        _sum_to_one(ck, ("decision", "classes"), [it.share for it in s.decision.classes])
        for hazard in ("livelihood", "flight"):
            network = getattr(s.decision, hazard).network
            if network >= 1:
                ck.add(
                    ("decision", hazard, "network"),
                    f"{{}} = {network:g} must be below 1",
                    "at 1 or more the largest diaspora grows until it swallows every other",
                )


def _sum_to_one(ck: _Checker, path: Path, shares: Sequence[float]) -> None:
    total = sum(shares)
    if abs(total - 1) > NEAR:
        ck.add(path, f"{{}}: shares add up to {total:g}, not to 1")


def _coupling(ck: _Checker) -> None:
    """Threats that feed each other without end."""
    if not ck.intact("exposure"):
        return
    radius = spectral_radius(jacobian(resolve_exposure(ck.scenario.exposure)))
    if radius >= 1:
        path: Path = ("exposure", "coupling")
        if ck.tree.key(path) is None:
            path = ("exposure", "crowding")
        ck.add(
            path,
            f"{{}} is unstable: threats feed each other without end (spectral radius {radius:.3g}, "
            "must be below 1)",
            "lower the largest numbers of coupling or crowding",
            on_key=True,
        )


def jacobian(exposure: Exposure) -> list[list[float]]:
    """Return how severities answer to severities: coupling, and crowding shared by all seven.

    Args:
        exposure: with complete tables.

    Returns:
        7 x 7, row: the threat that answers, column: the one that it answers to.
    """
    matrix = [[exposure.crowding.get(to.name, 0.0) / len(Threat)] * len(Threat) for to in Threat]  # type: ignore[call-overload]
    for a, row in exposure.coupling.items():
        for b, strength in row.items():
            matrix[Threat[b]][Threat[a]] += strength
    return matrix


def spectral_radius(matrix: list[list[float]]) -> float:
    """Return the largest absolute eigenvalue, by Gelfand's formula with repeated squaring.

    Args:
        matrix: square, no entry negative.

    Returns:
        At least 0; exact to about 1e-5.
    """
    indices = range(len(matrix))
    log_norm = 0.0
    for power in range(24):
        norm = max(sum(row) for row in matrix)
        if norm == 0:
            return 0.0
        log_norm += log(norm) / 2**power
        scaled = [[value / norm for value in row] for row in matrix]
        matrix = [
            [sum(scaled[i][k] * scaled[k][j] for k in indices) for j in indices] for i in indices
        ]
    return exp(log_norm)


def _routes(ck: _Checker) -> None:
    """Ways on which going round in circles is worth more than arriving."""
    known = ck.known
    if ck.problems or known.broken or known.incomplete or known.tainted:
        # Only a scenario with nothing else wrong can be resolved.
        return
    radius = route_radius(resolve(ck.scenario))
    if radius >= 1:
        stated = [("decision", "route_scale"), ("decision", "fatigue"), ("decision", "risk")]
        ck.add(
            next((path for path in stated if ck.tree.key(path) is not None), ("corridors",)),
            "{}: detours add up without end, since there are many ways and tiring costs little "
            f"(spectral radius {radius:.3g}, must be below 1)",
            "raise decision.fatigue, or lower decision.route_scale",
        )


def route_radius(scenario: Scenario) -> float:
    """Return the spectral radius of the recursive logit over legs, were all borders open and free.

    Below 1 the values of routes are sums that converge; prices and enforcement only lower it.

    Args:
        scenario: resolved.
    """
    decision, journey = scenario.decision, scenario.journey
    risk = decision.risk * min((it.risk for it in decision.classes), default=1.0)
    index = {place.id: i for i, place in enumerate(scenario.places)}
    legs = []
    for corridor in scenario.corridors:
        days = decision.livelihood.waiting * (corridor.days or 0.0) / 30.4375
        weight = 0.0
        for option in corridor.route_options:
            harm = (
                option.death
                + journey.violence_weight * option.violence
                + journey.extortion_weight * option.extortion
                + journey.kidnapping_weight * option.kidnapping
            )
            weight += exp(-(risk * harm + days + decision.fatigue) / decision.route_scale)
        legs.append((index[corridor.from_], index[corridor.to], weight))
    values = [1.0] * len(index)
    growth = 0.0
    for walk in range(ROUTE_WALKS):
        new = [0.0] * len(values)
        for a, b, weight in legs:
            new[a] += weight * values[b]
        norm = max(new, default=0.0)
        if norm == 0.0:
            return 0.0
        values = [value / norm for value in new]
        if walk >= ROUTE_WALKS // 2:
            growth += log(norm)
    return exp(growth / (ROUTE_WALKS - ROUTE_WALKS // 2))


_RULES: Final[tuple[Callable[[_Checker], None], ...]] = (
    _duplicates, _references, _indicators, _sources, _dates, _groups, _places, _stocks, _sizes,
    _corridors, _policies, _blocs, _interventions, _priors, _shares, _coupling, _routes,
)  # fmt: skip
