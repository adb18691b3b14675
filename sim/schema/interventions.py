"""Dated measures and events that are no border rules."""

from typing import Annotated, Literal

from pydantic import Field

from sim.schema.key import OURS, Part, key
from sim.schema.types import Amount, CountryId, Date, Flag, Id, RegionId, Share, Words


class Intervention(Part):
    """A dated measure or event that is not a border rule."""

    id: Id = key(..., "Word by which overrides and tables name it.")
    kind: Literal["aid", "drought", "campaign", "caravan"] = key(
        ...,
        "What it is: `aid` gives people money, a `drought` raises the environmental threat, a "
        "`campaign` changes what people think of countries, a `caravan` lets them travel together.",
    )
    at: tuple[RegionId, ...] = key(..., "Ids of places or countries where it happens.")
    start: Date = key(..., "First day on which it has an effect.")
    months: Annotated[float, Field(strict=True, gt=0, le=1200)] = key(
        12.0, "How long it lasts.", unit="months", higher="its effect goes on longer", source=OURS
    )
    strength: Annotated[float, Field(strict=True, ge=-1, le=1)] | None = key(
        None,
        "Drought: severity added to the environmental threat. Campaign: what is added to "
        "the value that people expect of the countries `about` without knowing them; a negative "
        "number warns.",
        unit="severity of a drought, utility of a campaign",
        allowed="a drought's 0 to 1, a campaign's -1 to 1",
        higher="a worse drought; a campaign that draws more people there",
        left_out="to be stated for a drought and a campaign",
    )
    prevalence: Share | None = key(
        None,
        "Drought: part of the people whom the environmental threat reaches while it lasts.",
        unit="share",
        higher="the drought reaches more households",
        left_out="it reaches those whom the threat reached before",
    )
    budget: Amount | None = key(
        None,
        "Aid: sum spent in a year, shared equally by the residents of `at` as means of their own.",
        unit="money per year",
        higher="residents have more means, so that fewer are too poor to move",
        left_out="to be stated for aid",
    )
    about: tuple[CountryId, ...] = key(
        (), "Campaign: countries that it is about. Caravan: countries that it goes to."
    )
    people: Amount | None = key(
        None,
        "Caravan: people who must have set out from a place for `about` in the month before, so "
        "that it forms there.",
        unit="persons per month",
        higher="caravans form more rarely",
        left_out=f"1000 ({OURS})",
    )
    price: Share | None = key(
        None,
        "Caravan: factor on the prices of corridors for those in it.",
        unit="factor",
        higher="travelling together saves less money",
        left_out=f"0.5 ({OURS})",
    )
    hazards: Share | None = key(
        None,
        "Caravan: factor on death, violence, extortion and kidnapping for those in it.",
        unit="factor",
        higher="travelling together protects less",
        left_out=f"0.5 ({OURS})",
    )
    interception: Annotated[float, Field(strict=True, ge=0, le=100)] | None = key(
        None,
        "Caravan: factor on the probability to be intercepted for those in it; above 1 if being "
        "many makes them easier to see.",
        unit="factor",
        higher="more of those in it are intercepted",
        left_out=f"1 ({OURS})",
    )
    enabled: Flag = key(True, "False switches it off.")
    source: Words = key((), "Ids of the references that these figures come from, or `assumption`.")
