"""Policies: of one country or corridor, about a channel where they need one."""

from __future__ import annotations

from typing import Final

from sim.scenario.checks.checker import Checker, once
from sim.scenario.document import Path
from sim.scenario.whole import Policy

CHANNEL_ONLY: Final = ("open", "quota", "wait", "fee", "min_education", "only", "except")
HANDLING: Final = (
    "detention", "detention_days", "turned_back", "removal", "prosecution", "separation",
)  # fmt: skip
"""Fields of a policy on what is done with the intercepted: they can tell who is in a party."""
AT_CORRIDOR: Final = ("barrier", "officers", "law", "closed", "complicit", *HANDLING)
FOR_ALL: Final = (
    "quota", "capacity", "protection", "barrier", "officers", "law", "closed", "complicit",
)  # fmt: skip
"""Fields of a policy that cannot tell nationalities apart: all share a queue and a fence."""
NARROWED: Final = ("citizens_of", "parties")
"""Fields of a policy that say whom it is about."""
NO_RULE: Final = (
    "id", "into", "corridor", "channel", "start", "announced", "end", "enabled", "source",
)  # fmt: skip


def check_policies(ck: Checker) -> None:
    """Rules without a country or with two, without a channel, or that change nothing."""
    states: set[str | None] = {country.id for country in ck.scenario.countries}
    towns = {it.country for it in ck.scenario.places if it.kind != "camp" and it.people > 0}
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
            ck.add((*path, "corridor"), "{} cannot be combined with into", hint, on_key=True)
        elif policy.into is None and policy.corridor is None and ck.whole(path, "into", "corridor"):
            hint = "into: the country whose rule it is"
            ck.add(path, "{} states neither into nor corridor", hint)
        if policy.corridor is not None:
            for key in given:
                if key not in (*AT_CORRIDOR, *NARROWED, *NO_RULE) or key == "channel":
                    hint = f"a corridor's rule sets only: {', '.join(AT_CORRIDOR)}"
                    ck.add((*path, key), "{} has no meaning for a corridor", hint, on_key=True)
        elif policy.channel is None and ck.whole(path, "channel", "corridor"):
            for key in given:
                if key in CHANNEL_ONLY:
                    hint = "channel: labour, family, asylum or irregular"
                    ck.add((*path, key), "{} needs a channel to apply to", hint, on_key=True)
        if whole and set(given) <= {*NO_RULE, *NARROWED}:
            ck.add(path, "{} changes nothing", "set one of its fields, for instance barrier: .5")
        for key in given:
            by_citizenship = policy.citizens_of and key in FOR_ALL
            by_party = policy.parties and key not in (*HANDLING, *NARROWED, *NO_RULE)
            if by_citizenship or by_party:
                narrow = "parties" if by_party else "citizens_of"
                hint = f"state it in a rule of its own, without {narrow}"
                ck.add((*path, key), "{} holds for everybody", hint, on_key=True)
        once(ck, (*path, "parties"), policy.parties)
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
