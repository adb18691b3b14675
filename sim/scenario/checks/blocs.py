"""Blocs: members, their dates, and shares of a relocation key."""

from __future__ import annotations

from sim.scenario.checks.checker import NEAR, Checker, in_order, once
from sim.scenario.document import Path
from sim.schema import Bloc
from sim.schema.errors import quoted, suggest


def check_blocs(ck: Checker) -> None:
    """Dates, exceptions and keys of states that are no members, and keys beyond the whole."""
    towns = {it.country for it in ck.scenario.places if it.kind != "camp" and it.people > 0}
    for i, bloc in enumerate(ck.scenario.blocs):
        path: Path = ("blocs", i)
        once(ck, (*path, "members"), bloc.members)
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
            in_order(ck, at, pause.start, pause.end)
            for key in ("by", "to"):
                for k, word in enumerate(getattr(pause, key)):
                    member((*at, key, k), word, False)
        sharing = bloc.sharing
        if sharing is None:
            continue
        at = (*path, "sharing")
        in_order(ck, at, sharing.start, sharing.end)
        for j, word in enumerate(sharing.from_):
            member((*at, "from", j), word, False)
            if word in sharing.key:
                hint = "a member that relocates claimants takes none in"
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
