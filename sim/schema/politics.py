"""Public opinion, what it does to rules, and what rules cost."""

from typing import Annotated, Any

from pydantic import Field

from sim.schema.key import OURS, Part, key, part
from sim.schema.types import (
    Amount,
    Coefficient,
    CountryId,
    Date,
    Flag,
    Id,
    LastDay,
    Positive,
    Share,
    Weight,
    Words,
)

HEADS = "foreigners of regular status"


def _newcomer(weight: float, who: str) -> Any:
    """Declare what one foreigner of some status weighs in the public's eyes."""
    return key(
        weight,
        f"What {who} weighs in the share of foreigners that the public perceives.",
        unit=HEADS,
        higher="such people turn opinion more hostile",
        source=OURS,
    )


class Newcomers(Part):
    """What a foreigner weighs in the perceived stock, by status."""

    regular: Weight = _newcomer(1.0, "a foreigner with a regular stay")
    refugee: Weight = _newcomer(1.5, "a recognised refugee")
    claimant: Weight = _newcomer(2.0, "somebody who waits for a decision on asylum")
    irregular: Weight = _newcomer(3.0, "somebody in an irregular situation")
    ordered: Weight = _newcomer(3.0, "somebody who was ordered to leave")


def _lever(what: str, effect: str, share: bool = True) -> Any:
    """Declare how one rule answers to stringency."""
    how = (
        "moves that part of its way to 1 (a negative number: to 0)"
        if share
        else "changes by the factor exp(number x stringency)"
    )
    return key(
        0.0,
        f"How {what} responds to a stricter government: for each unit of stringency above the "
        f"start it {how}.",
        unit="per unit of stringency",
        higher=f"a more hostile public brings {effect}",
        source=f"no answer unless stated; {OURS}",
    )


class Levers(Part):
    """How rules answer to stringency: none of them, unless stated.

    A positive number raises the lever with stringency, a negative one lowers it. A share moves by
    that part of its way to 1 or to 0 for each unit of stringency; an amount or a wait changes by
    the factor exp(number x stringency).
    """

    barrier: Coefficient = _lever("`policies.*.barrier`", "more fences")
    officers: Coefficient = _lever("`policies.*.officers`", "more border guards")
    law: Coefficient = _lever("`policies.*.law`", "stricter practice at the border")
    detention: Coefficient = _lever("`policies.*.detention`", "more detention")
    returns: Coefficient = _lever("`policies.*.returns`", "more returns of rejected people")
    recognition: Coefficient = _lever("`policies.*.recognition`", "more recognised refugees")
    encampment: Coefficient = _lever("`policies.*.encampment`", "more people in camps")
    quota: Coefficient = _lever("`policies.*.quota`", "larger quotas", share=False)
    capacity: Coefficient = _lever("`policies.*.capacity`", "faster courts", share=False)
    wait: Coefficient = _lever("`policies.*.wait`", "longer waits", share=False)


class Salience(Part):
    """A time in which leaders or events keep newcomers before the public's eyes."""

    id: Id = key(..., "Word by which overrides and messages name this entry.")
    at: tuple[CountryId, ...] = key(..., "Ids of countries whose public is addressed.")
    start: Date = key(..., "First day on which it is felt.")
    end: LastDay = key(..., "Last day on which it is felt; a month means its last day.")
    level: Share = key(
        1.0,
        "How prominent newcomers are made; entries of one day add up to 1 at most.",
        unit="share",
        higher="opinion turns hostile faster",
        source=OURS,
    )
    enabled: Flag = key(True, "False switches it off.")
    source: Words = key((), "Ids of the references that this comes from, or `assumption`.")


class Politics(Part):
    """Parameters of public opinion and of what it does (model, section 3.4)."""

    memory: Positive = key(
        3.0,
        "Time in which opinion tends back to where it started.",
        unit="years",
        higher="what has moved opinion is felt longer",
        source=OURS,
    )
    bias: Annotated[float, Field(strict=True, ge=0, le=20)] = key(
        2.3,
        "How many times larger the public thinks the share of foreigners than it is.",
        unit="factor",
        higher="newcomers move opinion more",
        source="16.7 over 7.2 % (Special Eurobarometer 469, 2018, in Istituto Cattaneo 2018)",
    )
    newcomers: Newcomers = part("What a foreigner weighs in the public's eyes, by legal status.")
    stock: Weight = key(
        1.0,
        "How much opinion changes when the perceived share of foreigners does.",
        unit="opinion per unit of perceived share",
        higher="more foreigners turn opinion more hostile",
        source=OURS,
        symbol="a",
    )
    economy: Weight = key(
        0.5,
        "How fast hard times turn opinion: by the economic threat felt above that of the start.",
        unit="opinion per year per unit of threat",
        higher="an economic crisis turns opinion more hostile",
        source=OURS,
        symbol="b",
    )
    salience: Weight = key(
        0.1,
        "How fast opinion turns while `campaigns` keep newcomers before the public's eyes.",
        unit="opinion per year at full prominence",
        higher="campaigns turn opinion more hostile",
        source=OURS,
        symbol="c",
    )
    contact: Weight = key(
        0.5,
        "How fast living together with settled foreigners softens opinion, by their share above "
        "that of the start.",
        unit="opinion per year per unit of share",
        higher="settled foreigners make opinion friendlier",
        source=OURS,
        symbol="e",
    )
    response: Share = key(
        0.5,
        "Part of the way from its stringency so far to public opinion that an election moves a "
        "government.",
        unit="share",
        higher="elections bring rules closer to what the public wants",
        source=OURS,
    )
    levers: Levers = part("Which rules respond to how strict the government is, and how much.")
    campaigns: tuple[Salience, ...] = key(
        (), "Dated times in which leaders or events keep newcomers before the public's eyes."
    )


def _cost(what: str, unit: str) -> Any:
    """Declare a unit cost."""
    return key(
        None,
        f"What {what} costs the state.",
        unit=unit,
        higher="more spending is booked; nobody's behaviour changes",
        left_out="it is not booked",
    )


class Costs(Part):
    """Unit costs of what a state does, scenario currency; what has none is not booked."""

    detention: Amount | None = _cost("a day of holding somebody at its border", "money per day")
    decision: Amount | None = _cost("deciding the claim of one person", "money per person")
    forced_return: Amount | None = _cost(
        "removing a person, or sending them to a first country,", "money per person"
    )
    relocation: Amount | None = _cost(
        "taking in a claimant from another member of a bloc", "money per person"
    )
    camp: Amount | None = _cost("keeping a person in a camp", "money per person per year")
    claimant: Amount | None = _cost(
        "reception of a claimant outside of camps", "money per person per year"
    )
    refugee: Amount | None = _cost(
        "protection and integration of a refugee outside of camps", "money per person per year"
    )
