"""Arrival: the legal status with which a household enters, and claims for asylum.

See docs/model.md, 3.4.
"""

from __future__ import annotations

import numpy as np

from sim.core.jit import event
from sim.core.rng import uniform2
from sim.core.state import GROUNDS, MOVED_ABROAD, MOVED_WITHIN, TO_CAMP
from sim.core.terms import Activity, Channel, ClaimStage, Harm, Journey, Status
from sim.kernels import segment
from sim.kernels.departure import count_journey, is_abroad_by_corridors
from sim.kernels.harms import harm_party, in_country
from sim.kernels.household import SAME, mark_grounds, move_household, record_border, remember
from sim.kernels.segment import log_kin, log_move

RESIDENT = np.int64(Activity.resident)
CITIZEN = np.int64(Status.citizen)
DISPLACED = np.int64(Status.displaced)
IRREGULAR = np.int64(Status.irregular)
REGULAR = np.int64(Status.regular)
REFUGEE = np.int64(Status.refugee)
CLAIMANT = np.int64(Status.claimant)
INTERNAL = int(Channel.internal)
ASYLUM = int(Channel.asylum)
IRREGULAR_CHANNEL = int(Channel.irregular)
FORCED_RETURN = np.int64(Harm.forced_return)
CLAIMED, ACCEPTED = int(ClaimStage.claimed), int(ClaimStage.accepted)
ARRIVED = np.int64(Journey.arrived)
TRANSFER, CAMP = segment.TRANSFER, segment.CAMP


@event
def arrive(households, persons, plans, i, now, setting, law, classes, counts, log):
    """Let a household arrive at the goal of its plan, and give it a legal status.

    Args:
        i: Row of the plan.
        now: When.
    """
    house = plans.household[i]
    country = setting.country
    origin, place, channel = plans.origin[i], plans.goal[i], plans.channel[i]
    own = country[households.home[house]]
    n = np.int64(households.size[house])
    w = np.int64(households.weight[house])
    log_move(log, segment.ARRIVED, own, origin, place, channel, plans.answer[i], n * w)
    abroad = country[origin] != country[place]
    remember(households, persons, house, MOVED_ABROAD if abroad else MOVED_WITHIN)
    if is_abroad_by_corridors(plans, i, country):
        count_journey(households, persons, plans, i, setting, counts, ARRIVED)
        households.failed[house] = 0
    day = int(now)
    record_border(households, country, house, place)
    k = classes[households.citizenship[house], households.group[house]]
    if country[place] == own:
        at_home = place == households.home[house] or plans.felt[i] == 0
        move_household(households, house, place, RESIDENT, CITIZEN if at_home else DISPLACED, day)
        mark_grounds(households, house, False)
        return
    if channel == INTERNAL:
        move_household(households, house, place, RESIDENT, SAME, day)
        return
    households.since[house] = day
    if channel == IRREGULAR_CHANNEL:
        move_household(households, house, place, RESIDENT, IRREGULAR, day)
        return
    if channel != ASYLUM:
        # Under prima facie recognition, people with grounds are registered as refugees.
        fled = law.prima_facie[k, country[place]] and households.flags[house] & GROUNDS
        move_household(households, house, place, RESIDENT, REFUGEE if fled else REGULAR, day)
        log_kin(log, house, country[place], now)
        return
    first = law.return_to[k, country[place]]
    sent = 1.0
    if first < 0 and plans.entered[i] >= 0:
        first = plans.entered[i]
        sent = law.transfers[country[place], first]
    who, arrival = households.ident[house], plans.word[i] ^ setting.place_ident[place]
    if first >= 0 and first != own:
        where = in_country(counts.harmed, country[place])
        u = uniform2(setting.draws[TRANSFER], who, arrival)
        if harm_party(counts.harmed, where, own, FORCED_RETURN, n, w, sent, u):
            place = setting.nearest[place, first]
            record_border(households, country, house, place)
    c = country[place]
    if uniform2(setting.draws[CAMP], who, arrival) < law.encampment[k, c]:
        households.flags[house] |= TO_CAMP
    if law.prima_facie[k, c]:
        move_household(households, house, place, RESIDENT, REFUGEE, day)
        log_kin(log, house, c, now)
        counts.claims[c, own, ACCEPTED] += n * w
    else:
        move_household(households, house, place, RESIDENT, CLAIMANT, day)
        plans.court[i] = np.inf
        counts.claims[c, own, CLAIMED] += n * w
