"""Dated rules of states and on corridors."""

from math import inf
from typing import Annotated

from pydantic import Field

from sim.schema.key import OURS, Part, key
from sim.schema.types import (
    Amount,
    CorridorId,
    CountryId,
    Date,
    EducationName,
    EntryChannel,
    Flag,
    Id,
    LastDay,
    NationalityId,
    PartyTypeName,
    Share,
    Words,
)

Months = Annotated[float, Field(strict=True, ge=0, le=600)]


class Policy(Part):
    """A dated rule of one state, or on one corridor. For each key the latest start wins.

    What a key says holds while the rule does. Where no rule states it, what the text says after
    "left out" holds.
    """

    id: Id = key(..., "Word by which overrides and messages name the rule.")
    into: CountryId | None = key(
        None, "Id of the country whose rule it is.", left_out="`corridor` is stated instead"
    )
    corridor: CorridorId | None = key(
        None,
        "Id of the one link that the rule is about, instead of a country. It then sets only what "
        "is done at a border, from `barrier` to `separation`.",
        left_out="`into` is stated instead",
    )
    channel: EntryChannel | None = key(
        None,
        "Way of entering that `open`, `quota`, `wait`, `fee`, `min_education`, `only` and "
        "`except` of this rule apply to.",
        left_out="the rule is about no channel",
    )
    start: Date | None = key(
        None, "First day on which the rule holds.", left_out="from the beginning"
    )
    announced: Date | None = key(
        None,
        "Day on which people learn of a rule still to come. From then until `start`, but for six "
        "months at most, those whose way or channel it will worsen go sooner (`decision.surge`).",
        left_out="the rule comes as a surprise",
    )
    end: LastDay | None = key(
        None, "Last day on which the rule holds; a month means its last day.", left_out="forever"
    )
    enabled: Flag = key(True, "False switches it off. This alone changes no random draws.")
    only: tuple[NationalityId, ...] = key(
        (),
        "Nationalities (country ids) or groups whom the channel admits, and nobody else. Empty: "
        "all.",
    )
    except_: tuple[NationalityId, ...] = key(
        (), "Nationalities (country ids) or groups whom the channel does not admit.", alias="except"
    )
    citizens_of: tuple[CountryId, ...] = key(
        (), "Countries whose nationals this rule is about. Empty: people of every nationality."
    )
    parties: tuple[PartyTypeName, ...] = key(
        (),
        "Who of the intercepted this rule is about: adults on their own, families (adults with "
        "children under 18), children without an adult. Empty: all. It overrides rules about "
        "all, whichever began later.",
    )
    open: Flag | None = key(
        None,
        "Whether the channel admits anybody.",
        otherwise={"labour": False, "family": True, "asylum": True, "irregular": True},
        source=OURS,
    )
    quota: Amount | None = key(
        None,
        "Admissions by the channel in a year; 0 closes it.",
        unit="persons per year",
        higher="more people are admitted, and applicants wait less",
        otherwise=inf,
        source=OURS,
    )
    wait: Months | None = key(
        None,
        "Time from application to permission to enter. For asylum it is the time until a claim "
        "is decided at the earliest, and what applicants expect.",
        unit="months",
        higher="people enter later, and fewer choose the channel",
        otherwise={"labour": 0.0, "family": 12.0, "asylum": 6.0, "irregular": 0.0},
        source=OURS,
    )
    fee: Amount | None = key(
        None,
        "What each person pays at departure for using the channel.",
        unit="money per person",
        higher="fewer can pay for the channel, and fewer choose it",
        otherwise=0.0,
        source=OURS,
    )
    min_education: EducationName | None = key(
        None, "Least schooling of the adult who decides, for the channel to admit them.",
        otherwise="none",
        source=OURS,
    )  # fmt: skip
    recognition: Share | None = key(
        None,
        "Part of the asylum claims by people with good grounds that end in protection.",
        unit="share",
        higher="more refugees, fewer rejections, and asylum draws more of those who flee",
        otherwise=0.6,
        source=f"{OURS}: about the mean of the world; by origin it is 0.05 to 0.95",
    )
    false_recognition: Share | None = key(
        None,
        "Part of the asylum claims by people without good grounds that end in protection.",
        unit="share",
        higher="asylum draws more of those who go to live better",
        otherwise=0.1,
        source=OURS,
    )
    capacity: Amount | None = key(
        None,
        "Asylum decisions that the country can take in a year.",
        unit="persons per year",
        higher="claims are decided sooner",
        otherwise=inf,
        source=OURS,
    )
    prima_facie: Flag | None = key(
        None,
        "Whether asylum seekers are refugees on arrival, without a procedure.",
        otherwise=False,
        source=OURS,
    )
    return_to: CountryId | None = key(
        None,
        "Id of the country that claimants are sent to, their claims being inadmissible here "
        "(a first-country rule).",
        left_out="claims are admissible",
    )
    barrier: Share | None = key(
        None,
        "How far the border is fenced or otherwise obstructed. Enforcement is `barrier` x "
        "`officers` x `law`.",
        unit="share",
        higher="more people are intercepted, smugglers ask for more, and fewer try",
        otherwise=0.0,
        source=OURS,
    )
    officers: Share | None = key(
        None,
        "How fully the border is staffed. Enforcement is `barrier` x `officers` x `law`.",
        unit="share",
        higher="more people are intercepted, smugglers ask for more, and fewer try",
        otherwise=1.0,
        source=OURS,
    )
    law: Share | None = key(
        None,
        "Part of the rules on paper that is carried out at the border. Enforcement is `barrier` x "
        "`officers` x `law`.",
        unit="share",
        higher="more people are intercepted, smugglers ask for more, and fewer try",
        otherwise=1.0,
        source=OURS,
    )
    closed: Flag | None = key(
        None,
        "Whether nobody may cross where officials see them. A hidden route option is then stopped "
        "as often as its `enforcement_met` says.",
        otherwise=False,
        source=OURS,
    )
    complicit: Share | None = key(
        None,
        "Part of the people caught whom officials let through for money, if they have any. They "
        "lose the share `money_lost` of it, counted as the harm `bribe`.",
        unit="share",
        higher="fewer people are stopped, and more pay bribes",
        otherwise=0.0,
        source=OURS,
    )
    detention: Share | None = key(
        None,
        "Part of the intercepted who are held.",
        unit="share",
        higher="more people are held, and journeys take longer",
        otherwise=0.0,
        source=OURS,
    )
    detention_days: Annotated[float, Field(strict=True, ge=0, le=3650)] | None = key(
        None,
        "How long people are held.",
        unit="days",
        higher="people are held longer, and it costs the state more",
        otherwise=30.0,
        source=OURS,
    )
    turned_back: Share | None = key(
        None,
        "Part of the intercepted, not held, who are put back where the leg began.",
        unit="share",
        higher="an interception stops more journeys",
        left_out="`journey.turned_back`",
    )
    removal: Share | None = key(
        None,
        "Part of those held at the border who are taken home at the end. The others are let go "
        "where the leg began.",
        unit="share",
        higher="more people are sent home from the border",
        otherwise=0.0,
        source=OURS,
    )
    prosecution: Share | None = key(
        None,
        "Part of the intercepted parties whose adults are tried, and so held in any case.",
        unit="share",
        higher="more adults are tried and held, and more families are separated",
        otherwise=0.0,
        source=OURS,
    )
    separation: Share | None = key(
        None,
        "Part of the prosecuted families whose children are taken from them.",
        unit="share",
        higher="more children are parted from their adults",
        otherwise=1.0,
        source=f"{OURS}: children are not held under criminal law",
    )
    protection: Share | None = key(
        None,
        "How far refugees and claimants have the rights that their status promises: to stay, "
        "work, learn and use services. At 0 they live as people in an irregular situation do.",
        unit="share",
        higher="they earn more, settle sooner, are less exposed, and fewer move on",
        otherwise=1.0,
        source=OURS,
    )
    source: Words = key((), "Ids of the references that this rule comes from, or `assumption`.")
