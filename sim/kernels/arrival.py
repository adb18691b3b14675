"""Arrival: the legal status with which a party enters, and claims for asylum (section 7)."""

from __future__ import annotations

import numpy as np

from sim.core.jit import kernel
from sim.core.rng import uniform2
from sim.core.state import GROUNDS
from sim.core.terms import Activity, Channel, Harm, Status
from sim.kernels.harms import harm_party, in_country
from sim.kernels.household import (
    SAME,
    mark_grounds,
    move_household,
    record_border,
    tell_kin,
)

RESIDENT = np.int64(Activity.resident)
DEAD = np.int64(Activity.dead)
CITIZEN = np.int64(Status.citizen)
DISPLACED = np.int64(Status.displaced)
IRREGULAR = np.int64(Status.irregular)
REGULAR = np.int64(Status.regular)
REFUGEE = np.int64(Status.refugee)
CLAIMANT = np.int64(Status.claimant)
LABOUR = int(Channel.labour)
FAMILY = int(Channel.family)
FREE = int(Channel.free)
INTERNAL = int(Channel.internal)
IRREGULAR_CHANNEL = int(Channel.irregular)
FORCED_RETURN = int(Harm.forced_return)


@kernel
def assign_arrival_status(
    households,
    houses,
    goals,
    channels,
    felt,
    days,
    entered,
    country,
    classes,
    prima_facie,
    return_to,
    transfers,
    nearest,
    place_ident,
    encampment,
    transfer_key,
    camp_key,
    wants_camp,
    claims,
    harmed,
):
    """Give arrivals their legal status.

    Args:
        houses, goals, channels, felt, days: [n] the parties that arrived, and when.
        entered: [n] country entered first among those with a bloc's first-country rule, or -1.
        prima_facie: [k, country] whether all of the class are recognised on arrival.
        return_to: [k, country] country to which claimants are sent, or -1.
        transfers: [country of the claim, first country] share sent there under a bloc's rule.
        nearest: [place, country] nearest place of a country.
        place_ident: [place] hash of its id.
        encampment: [k, country] share taken to a camp.
        wants_camp: [n] out: whether the party is to be taken to a camp, if there is room.
        claims: [n] out: rows of households that claim asylum, from 0 on.
        harmed: `Harmed`; those found inadmissible and sent elsewhere are added.

    Returns:
        Number of households that claim.
    """
    n_claims = 0
    for i in range(houses.shape[0]):
        house = houses[i]
        home = np.int64(households.home[house])
        own = country[home]
        place = goals[i]
        channel = channels[i]
        day = int(days[i])
        # Who arrives at two places on one day draws anew at the second.
        arrival = place_ident[place] + np.uint64(day)
        record_border(households, country, house, place)
        k = classes[households.citizenship[house], households.group[house]]
        wants_camp[i] = False
        if country[place] == own:
            status = CITIZEN
            if place != home and felt[i] > 0:
                status = DISPLACED
            move_household(households, house, place, RESIDENT, status, day)
            mark_grounds(households, house, False)
            continue
        if channel == INTERNAL:
            move_household(households, house, place, RESIDENT, SAME, day)
            continue
        if channel == LABOUR or channel == FAMILY or channel == FREE:
            # Under prima facie recognition, people with grounds are registered as refugees.
            fled = prima_facie[k, country[place]] and households.flags[house] & GROUNDS
            move_household(households, house, place, RESIDENT, REFUGEE if fled else REGULAR, day)
            tell_kin(households, house, country[place])
            continue
        if channel == IRREGULAR_CHANNEL:
            move_household(households, house, place, RESIDENT, IRREGULAR, day)
            continue
        first = return_to[k, country[place]]
        sent = 1.0
        if first < 0 and entered[i] >= 0:
            first = entered[i]
            sent = transfers[country[place], first]
        if first >= 0 and first != own:
            where = in_country(harmed, country[place])
            n, w = np.int64(households.size[house]), np.int64(households.weight[house])
            u = uniform2(transfer_key, households.ident[house], arrival)
            if harm_party(harmed, where, own, FORCED_RETURN, n, w, sent, u):
                place = nearest[place, first]
                record_border(households, country, house, place)
        c = country[place]
        wants_camp[i] = uniform2(camp_key, households.ident[house], arrival) < encampment[k, c]
        if prima_facie[k, c]:
            move_household(households, house, place, RESIDENT, REFUGEE, day)
            tell_kin(households, house, c)
        else:
            move_household(households, house, place, RESIDENT, CLAIMANT, day)
            claims[n_claims] = house
            n_claims += 1
    return n_claims
