"""What people live and travel on."""

from typing import Any

from sim.schema.key import OURS, Part, key, part
from sim.schema.types import Amount, Positive, Share

WHO = {
    "citizen": "citizens at home",
    "displaced": "people displaced within their own country",
    "regular": "foreigners with a regular stay",
    "refugee": "recognised refugees",
    "claimant": "people who wait for a decision on asylum",
    "irregular": "people in an irregular situation",
    "ordered": "people who were ordered to leave",
}


def _income(status: str, factor: float) -> Any:
    return key(
        factor,
        f"Part of a place's income that {WHO[status]} earn.",
        unit="share",
        higher="they earn more, can pay for more, and fewer move on to live better",
        source=OURS,
    )


def _settling(status: str, factor: float) -> Any:
    return key(
        factor,
        f"How fast {WHO[status]} settle, where 1 is as fast as anybody can.",
        unit="share",
        higher="they put down roots sooner, and fewer move on",
        source=OURS,
    )


class StatusFactors(Part):
    """What people earn by legal status, as part of a place's income."""

    citizen: Share = _income("citizen", 1.0)
    displaced: Share = _income("displaced", 0.7)
    regular: Share = _income("regular", 0.9)
    refugee: Share = _income("refugee", 0.6)
    claimant: Share = _income("claimant", 0.4)
    irregular: Share = _income("irregular", 0.5)
    ordered: Share = _income("ordered", 0.4)


class SettlingFactors(StatusFactors):
    """How fast a legal status lets people settle."""

    citizen: Share = _settling("citizen", 1.0)
    displaced: Share = _settling("displaced", 0.5)
    regular: Share = _settling("regular", 1.0)
    refugee: Share = _settling("refugee", 1.0)
    claimant: Share = _settling("claimant", 0.2)
    irregular: Share = _settling("irregular", 0.2)
    ordered: Share = _settling("ordered", 0.0)


class Living(Part):
    """Parameters of means: what a household can spend (model, section 3.4)."""

    means_per_income: Positive = key(
        1.0,
        "Means that a household keeps up, for each unit of its yearly income, before the cost of "
        "living is taken off.",
        unit="years of income",
        higher="households have more to spend on journeys, and fewer are too poor to move",
        source=OURS,
        symbol="kappa",
        formerly="kappa",
    )
    subsistence: Amount = key(
        300.0,
        "Cost of bare living, taken off before anything can be spent on a journey.",
        unit="money per person per year",
        higher="more people are too poor to move",
        source=OURS,
        symbol="c0",
    )
    drain_economic: Share = key(
        0.7,
        "Part of the income that a full economic threat, beyond what is tolerable, takes away.",
        unit="share",
        higher="economic crises leave people with less to move on",
        source=OURS,
        symbol="d_e",
    )
    drain_food: Share = key(
        0.7,
        "Part of the income that a full threat to food, beyond what is tolerable, takes away.",
        unit="share",
        higher="hunger leaves people with less to move on",
        source=OURS,
        symbol="d_f",
    )
    recovery: Positive = key(
        1.0,
        "Time in which means approach what the present income allows.",
        unit="years",
        higher="people who lost or spent their money need longer to save again",
        source=OURS,
    )
    remittances: Amount = key(
        0.0,
        "Money that each emigrant sends home in a year, shared by all residents of the country.",
        unit="money per emigrant per year",
        higher="emigration leaves those at home with more means, so that more can follow",
        source=OURS,
    )
    status_income: StatusFactors = part(
        "Part of a place's income that people earn there, by legal status."
    )
    settling: Positive = key(
        5.0,
        "Time in which newcomers put down roots, where their legal status lets them.",
        unit="years",
        higher="newcomers move on for longer",
        source=OURS,
    )
    status_settling: SettlingFactors = part("How fast newcomers put down roots, by legal status.")
