"""Ids: each given once, and none that names something missing."""

from __future__ import annotations

from typing import Any, Final

from sim.core.terms import Status
from sim.scenario.checks.checker import KINDS, SINGULAR, Checker, once
from sim.scenario.document import Path
from sim.scenario.resolve import OTHER, corridor_ids
from sim.schema.errors import quoted, suggest

ASSUMPTION: Final = "assumption"
"""A source that every scenario may name: a figure that nobody measured."""
VULNERABLE: Final = ("women", "children", "old", *Status.__members__)
RESERVED: Final = {
    "default": "it means every place in `threats`",
    OTHER: "it is the group of those in no named group",
    **dict.fromkeys(VULNERABLE, "`exposure.vulnerability` gives it a meaning of its own"),
}


def check_duplicates(ck: Checker) -> None:
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
        once(ck, ("corridors", i, "route_options"), [it.id for it in corridor.route_options])
    once(ck, ("politics", "campaigns"), [it.id for it in ck.scenario.politics.campaigns])
    once(ck, ("decision", "classes"), [it.id for it in ck.scenario.decision.classes])
    for name in ("tables", "by"):
        once(ck, ("outputs", name), getattr(ck.scenario.outputs, name))


def check_references(ck: Checker) -> None:
    """Ids that name something that does not exist."""
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


def check_sources(ck: Checker) -> None:
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
