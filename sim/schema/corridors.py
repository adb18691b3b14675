"""Ways between places, and the options of travelling them."""

from typing import Annotated

from pydantic import Field

from sim.schema.key import OURS, Part, key
from sim.schema.types import Amount, Flag, Id, PlaceId, Positive, Share, Words

ALONE = "that of the one route option, which `route_options` would list"


class RouteOption(Part):
    """One way of travelling a corridor."""

    id: Id = key("usual", "Word that tells this option from the corridor's others.")
    price: Amount = key(
        0.0,
        "Fare, or what a smuggler asks, for each person.",
        unit="money per person",
        higher="fewer can pay for this option, and those who can prefer others",
        source=OURS,
    )
    enforcement_met: Share = key(
        1.0,
        "Part of the border's enforcement that this option meets: 1 in full view, 0 unseen.",
        unit="share",
        higher="more of those who take it are intercepted",
        source=OURS,
        formerly="watched",
    )
    death: Share = key(
        0.0,
        "Probability that a person dies on one passage.",
        unit="share",
        higher="more deaths, and fewer who dare to take it",
        source=OURS,
    )
    violence: Share = key(
        0.0,
        "Probability that a person is assaulted on one passage.",
        unit="share",
        higher="more assaults, and fewer who dare to take it",
        source=OURS,
    )
    extortion: Share = key(
        0.0,
        "Probability that a party is robbed of part of its money on one passage.",
        unit="share",
        higher="more parties run out of money, and fewer dare to take it",
        source=OURS,
    )
    money_lost: Share = key(
        0.5,
        "Part of a party's money that is lost where it is robbed or has to pay officials.",
        unit="share",
        higher="those who are robbed can pay for less of what lies ahead",
        source=OURS,
        formerly="taken",
    )
    kidnapping: Share = key(
        0.0,
        "Probability that a party is held captive for a while after one passage.",
        unit="share",
        higher="more people are held, and fewer dare to take it",
        source=OURS,
    )


class Corridor(Part):
    """A directed link between two places."""

    id: Id = key("unnamed", "Word by which rules and overrides name the link; left out: FROM_TO.")
    from_: PlaceId = key(..., "Id of the place that it leaves.", alias="from")
    to: PlaceId = key(..., "Id of the place that it leads to.")
    km: Positive | None = key(
        None,
        "Length of the way, where the days that it takes are not known.",
        unit="km",
        higher="the way takes more days",
        left_out=f"1.2 x the great circle ({OURS})",
    )
    days: Annotated[float, Field(strict=True, ge=0, le=3650)] | None = key(
        None,
        "Time that one passage takes, which is all that the model knows of its length.",
        unit="days",
        higher="people arrive later, and prefer other ways a little more",
        left_out=f"1 + km / 300 ({OURS})",
    )
    both_ways: Flag = key(False, "Whether the opposite link exists as well, with the same figures.")
    route_options: tuple[RouteOption, ...] = key(
        (),
        "Ways of travelling the link, for instance in view and hidden, among which people choose. "
        "Empty: one option, stated by the keys below.",
        formerly="tactics",
    )
    price: Amount | None = key(
        None,
        "Fare, or what a smuggler asks, for each person, where there is one option.",
        unit="money per person",
        higher="fewer can pay for the way",
        left_out=ALONE,
    )
    enforcement_met: Share | None = key(
        None,
        "Part of the border's enforcement that travellers meet, where there is one option.",
        unit="share",
        higher="more of those who take the way are intercepted",
        left_out=ALONE,
        formerly="watched",
    )
    death: Share | None = key(
        None,
        "Probability that a person dies on one passage, where there is one option.",
        unit="share",
        higher="more deaths, and fewer who dare to take the way",
        left_out=ALONE,
    )
    violence: Share | None = key(
        None,
        "Probability that a person is assaulted on one passage, where there is one option.",
        unit="share",
        higher="more assaults, and fewer who dare to take the way",
        left_out=ALONE,
    )
    extortion: Share | None = key(
        None,
        "Probability that a party is robbed on one passage, where there is one option.",
        unit="share",
        higher="more parties run out of money, and fewer dare to take the way",
        left_out=ALONE,
    )
    money_lost: Share | None = key(
        None,
        "Part of a party's money that is lost where it is robbed, where there is one option.",
        unit="share",
        higher="those who are robbed can pay for less of what lies ahead",
        left_out=ALONE,
        formerly="taken",
    )
    kidnapping: Share | None = key(
        None,
        "Probability that a party is held captive after one passage, where there is one option.",
        unit="share",
        higher="more people are held, and fewer dare to take the way",
        left_out=ALONE,
    )
    dangerous: Flag = key(
        False,
        "Shorthand for two options: an open one that meets all enforcement and has 1 % deaths, "
        "and a hidden one that meets .2 of it, has 5 % deaths and costs half as much again.",
        source=OURS,
    )
    source: Words = key((), "Ids of the references that these figures come from, or `assumption`.")
