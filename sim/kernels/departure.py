"""Departure: households apply where there is a queue, or set out (docs/model.md, 3.4)."""

from __future__ import annotations

import numpy as np

from sim.core.jit import event, inner
from sim.core.state import DIRECT, GROUNDS, NONE, TO_CAMP
from sim.core.terms import FEAR, Activity, Answer, Channel, Journey
from sim.kernels.household import NOT_BLOCKED, count_ages, party_type_of
from sim.kernels.segment import SET_OUT, log_move

WAITING = int(Activity.waiting)
TRAVELLING = int(Activity.travelling)
CHOICE = int(Answer.choice)
ASYLUM = int(Channel.asylum)
IRREGULAR = int(Channel.irregular)
DEPARTED = np.int64(Journey.departed)
FEARS = tuple(int(threat) for threat in FEAR)
REGULAR_DAYS = 2.0
"""Days of regular travel between countries (our assumption)."""
INTERNAL_KM = 300.0
"""Kilometres a day of regular travel within a country, after a first day (our assumption)."""
MOST_ATTEMPTS = 10
"""Attempts that are told apart; later ones count as the last of these."""


@inner
def felt_fear(mask, severity, weight, tolerable):
    """Greatest fear that people feel beyond what is tolerable, 0 to 1.

    max over threats of fear of (b_k / max b) max(h_k - tol_k, 0): one well-founded fear is enough.

    Args:
        mask: Threats they are exposed to.
        severity: [threat] of the place.
        weight: [threat] b_k.
        tolerable: [threat] tol_k.
    """
    most = 1e-12
    for k in FEARS:
        most = max(most, weight[k])
    gravest = 0.0
    for k in FEARS:
        if mask >> k & 1:
            gravest = max(gravest, weight[k] / most * max(severity[k] - tolerable[k], 0.0))
    return gravest


@inner
def by_corridors(channel):
    """Whether people travel by corridors; all other channels are for regular travel."""
    return channel == ASYLUM or channel == IRREGULAR


@inner
def is_queued(households, house, goal, channel, setting, law, classes):
    """Whether the channel into the destination has a queue or a waiting time."""
    if channel >= ASYLUM:
        return False
    k = classes[households.citizenship[house], households.group[house]]
    c = setting.country[goal]
    return law.limited[c, channel] or law.wait[k, c, channel] > 0.0


@event
def apply(households, plans, i, now, setting, law, classes):
    """File an application; the household waits where it lives.

    Without a quota it is admitted at once, and may travel when its wait is over.
    """
    house = plans.household[i]
    households.activity[house] = WAITING
    k = classes[households.citizenship[house], households.group[house]]
    c = setting.country[plans.goal[i]]
    s = plans.channel[i]
    plans.filed[i] = now
    plans.due[i] = np.inf
    if law.open[k, c, s] and not law.limited[c, s]:
        plans.due[i] = now + law.wait[k, c, s]


@event
def count_journey(households, persons, plans, i, setting, counts, outcome):
    """Count a journey by corridors into another country, when it begins or ends."""
    house = plans.household[i]
    adults, children = count_ages(households, persons, house, setting.month)
    attempt = min(np.int64(households.failed[house]), MOST_ATTEMPTS - 1)
    own = setting.country[households.home[house]]
    n_people = np.int64(households.weight[house]) * households.size[house]
    party_type = party_type_of(adults, children)
    counts.journeys[own, plans.caravan[i] + 1, attempt, party_type, outcome] += n_people


@inner
def is_abroad_by_corridors(plans, i, country):
    """Whether a journey leads by corridors into another country."""
    return by_corridors(plans.channel[i]) and (country[plans.origin[i]] != country[plans.goal[i]])


@event
def set_out(
    households, persons, plans, i, price, now, setting, tables, law, classes, severity, severities,
    counts, log,
):  # fmt: skip
    """Let a household set out, and remember which threats have uprooted it.

    Those who move by choice move as settled households do: they are not uprooted any more.

    Args:
        i: Row of its plan, in which goal, channel, answer, felt and word are given.
        price: Fee and fare per person of regular travel.
        severity: [threat] where it lives.
    """
    house = plans.household[i]
    country = setting.country
    place, goal, channel = np.int64(households.place[house]), plans.goal[i], plans.channel[i]
    here, there, own = country[place], country[goal], country[households.home[house]]
    abroad = here != there
    n = np.int64(households.size[house])
    n_people = np.int64(households.weight[house]) * n
    fear = felt_fear(households.mask[house], severity, severities.weight, severities.tolerable)
    grounds = here == own and abroad and fear >= setting.grounds
    if by_corridors(channel):
        # The fee is paid at once, and the price of each leg when it begins.
        k = classes[households.citizenship[house], households.group[house]]
        price = tables.fee[k, there, channel]
        plans.leg[i] = NONE
        plans.due[i] = now
    else:
        plans.leg[i] = DIRECT
        plans.due[i] = now + (
            REGULAR_DAYS if abroad else 1.0 + setting.km[place, goal] / INTERNAL_KM
        )
    paid = np.float32(price * n)
    households.means[house] = max(households.means[house] - paid, np.float32(0.0))
    households.uprooted[house] = (
        0 if plans.answer[i] == CHOICE else households.uprooted[house] | plans.felt[i]
    )
    households.flags[house] &= NOT_BLOCKED & ~TO_CAMP
    if grounds:
        households.flags[house] |= GROUNDS
    households.activity[house] = TRAVELLING
    households.moved[house] = int(now)
    plans.court[i] = np.inf  # a claim waits where it was made
    plans.origin[i] = place
    plans.n_legs[i] = 0
    plans.entered[i] = here if law.responsible[here] and here != own else NONE
    plans.caravan[i] = NONE
    plans.passed[i, :] = 0
    log_move(log, SET_OUT, own, place, goal, channel, plans.answer[i], n_people)
    if is_abroad_by_corridors(plans, i, country):
        plans.caravan[i] = setting.joined[place, there]
        counts.setting_out[place, there] += n_people
        count_journey(households, persons, plans, i, setting, counts, DEPARTED)
