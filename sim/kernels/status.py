"""Legal status: decisions on claims, orders to leave, regularisation and naturalisation."""

from __future__ import annotations

import numpy as np

from sim.core.jit import event, inner
from sim.core.rng import mixed, uniform
from sim.core.state import DAYS_A_YEAR, GROUNDS, MICRO, NONE
from sim.core.terms import ClaimStage, Harm, Status
from sim.kernels import segment
from sim.kernels.harms import in_country
from sim.kernels.segment import log_kin

CITIZEN = int(Status.citizen)
REGULAR = int(Status.regular)
REFUGEE = int(Status.refugee)
CLAIMANT = int(Status.claimant)
IRREGULAR = int(Status.irregular)
ORDERED = int(Status.ordered)
FORCED_RETURN = np.int64(Harm.forced_return)
RECOGNISED, REJECTED = int(ClaimStage.recognised), int(ClaimStage.rejected)
ASYLUM_SLOT = 2
RECOGNITION = segment.RECOGNITION
REMOVAL, REGULARISATION = segment.REMOVAL, segment.REGULARISATION
NATURALISATION = segment.NATURALISATION


@inner
def claim_decided(households, plans, i, setting, law, classes):
    """Day on which a household's claim is decided; infinite if it has none, or has to wait."""
    house = plans.household[i]
    if households.status[house] != CLAIMANT:
        return np.inf
    c = setting.country[households.place[house]]
    if law.courts[c]:
        return plans.court[i]
    k = classes[households.citizenship[house], households.group[house]]
    return households.since[house] + law.wait[k, c, ASYLUM_SLOT]


@event
def decide_claim(households, plans, i, now, setting, law, classes, counts, log):
    """Decide a claim for asylum.

    Recognition depends on whether people have grounds for asylum, with errors both ways.
    """
    house = plans.household[i]
    plans.court[i] = np.inf
    c = setting.country[households.place[house]]
    own = setting.country[households.home[house]]
    k = classes[households.citizenship[house], households.group[house]]
    grounds = households.flags[house] & GROUNDS > 0
    chance = law.recognition[k, c] if grounds else law.false_recognition[k, c]
    # Drawn by claim: a new claim, elsewhere or later, gets a new draw.
    claim = mixed(setting.country_ident[c] ^ np.uint64(np.int64(households.since[house])))
    recognised = uniform(setting.draws[RECOGNITION], households.ident[house] ^ claim) < chance
    n = np.int64(households.size[house])
    n_people = n * np.int64(households.weight[house])
    counts.claims[c, own, RECOGNISED if recognised else REJECTED] += n_people
    households.status[house] = REFUGEE if recognised else ORDERED
    households.since[house] = int(now)
    if recognised:
        log_kin(log, house, c, now)
    elif law.removal[k, c] > 0.0:
        where = in_country(counts.harmed, c)
        counts.harmed.rows[where, own, FORCED_RETURN] += n


@inner
def status_clock(households, house, now, setting, law, classes):
    """The next change of status that has a rate.

    Returns:
        (plane, rate, after, until): kind of event, or `NONE`; events per year; the span of days in
        which it may happen.
    """
    status = households.status[house]
    place = households.place[house]
    c = setting.country[place]
    k = classes[households.citizenship[house], households.group[house]]
    since = np.float64(households.since[house])
    if status == ORDERED:
        until = min(setting.end, since + law.orders_last[k, c])
        return REMOVAL, law.removal[k, c], max(now, since), until
    if status == IRREGULAR:
        return REGULARISATION, law.regularisation[k, c], now, setting.end
    if status == REGULAR or status == REFUGEE:
        if c != setting.country[households.home[house]]:
            after = max(now, since + law.naturalised_after[k, c])
            return NATURALISATION, law.naturalisation[k, c], after, setting.end
    return NONE, 0.0, now, now


@event
def expect_removal(households, house, since, until, rate, setting, counts):
    """Add what is to be expected of an order to leave from one day to another."""
    if since >= until or rate <= 0.0:
        return
    c = setting.country[households.place[house]]
    own = setting.country[households.home[house]]
    n_people = np.int64(households.size[house]) * np.int64(households.weight[house])
    where = in_country(counts.harmed, c)
    # Whole numbers of what has added up so far: it makes no difference how time is cut.
    each = n_people * rate / DAYS_A_YEAR * MICRO
    ordered = households.since[house]
    added = int(each * (until - ordered)) - int(each * (since - ordered))
    counts.harmed.expected[where, own, FORCED_RETURN] += added


@event
def regularise(households, house, now, setting, log):
    """Give a household that stays without permission a regular status."""
    households.status[house] = REGULAR
    households.since[house] = int(now)
    log_kin(log, house, setting.country[households.place[house]], now)


@event
def naturalise(households, house, now, setting, counts):
    """Make a household citizens of the country it lives in."""
    c = setting.country[households.place[house]]
    own = setting.country[households.home[house]]
    n_people = np.int64(households.size[house]) * np.int64(households.weight[house])
    counts.naturalised[c, own] += n_people
    households.status[house] = CITIZEN
    households.since[house] = int(now)
    households.citizenship[house] = c
    households.uprooted[house] = 0
