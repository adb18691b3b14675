"""Values for journeys that hold everywhere."""

from sim.schema.key import OURS, Part, key
from sim.schema.types import Amount, Positive, Share, Weight


class JourneyRules(Part):
    """Parameters of the way (model, section 3.4)."""

    premium: Weight = key(
        0.2,
        "Part by which smugglers' prices rise at full enforcement.",
        unit="share of the price",
        higher="stricter borders make the way more expensive, so that fewer can pay for it",
        source="Gathmann 2008: .14-.24",
    )
    fare_km: Amount = key(
        0.1,
        "Price of a kilometre of regular travel between countries.",
        unit="money per person per km",
        higher="fewer can pay for regular travel and for going home",
        source=OURS,
    )
    internal_fare_km: Amount = key(
        0.05,
        "Price of a kilometre of moving house within a country.",
        unit="money per person per km",
        higher="fewer can pay for moving within their country",
        source=OURS,
    )
    violence_weight: Share = key(
        0.2,
        "How much people mind an assault on the way, where 1 is as much as their death.",
        unit="deaths",
        higher="people avoid ways with assaults more",
        source=OURS,
    )
    extortion_weight: Share = key(
        0.05,
        "How much people mind being robbed on the way, where 1 is as much as their death.",
        unit="deaths",
        higher="people avoid ways with robberies more",
        source=OURS,
    )
    kidnapping_weight: Share = key(
        0.4,
        "How much people mind captivity on the way, where 1 is as much as their death.",
        unit="deaths",
        higher="people avoid ways with kidnappings more",
        source=OURS,
    )
    turned_back: Share = key(
        0.7,
        "Part of those who are intercepted and not detained whom a border puts back where the "
        "leg began, where no rule says otherwise. The others get through.",
        unit="share",
        higher="an interception stops more journeys",
        source=OURS,
    )
    captivity_days: Positive = key(
        60.0,
        "Mean time that kidnapped people are held.",
        unit="days",
        higher="kidnapped people go on later",
        source=OURS,
    )
    wait_stranded: Positive = key(
        0.5,
        "Mean time until stranded people decide again: go on, claim asylum, settle or return.",
        unit="years",
        higher="people stay stranded longer",
        source=OURS,
    )
    grounds: Share = key(
        0.25,
        "Least severity of fear, beyond what is tolerable, that a person must have felt on leaving "
        "to have good grounds for asylum. The fear with the largest `decision.threat_weight` "
        "counts in full, the others in proportion.",
        unit="severity, 0 to 1",
        higher="fewer claims are well founded, and so fewer are recognised",
        source=OURS,
    )
    kin: Amount = key(
        0.5,
        "Households at home with close family abroad, for each emigrant of the same origin.",
        unit="households per emigrant",
        higher="more households may use the family channel",
        source=OURS,
    )
