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
    count_members,
    mark_grounds,
    record_border,
    set_members,
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
    people,
    heads,
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
    weight,
    wants_camp,
    claims,
    harmed,
):
    """Give arrivals their legal status.

    Args:
        heads, goals, channels, felt, days: [n] the parties that arrived, and when.
        entered: [n] country entered first among those with a bloc's first-country rule, or -1.
        prima_facie: [k, country] whether all of the class are recognised on arrival.
        return_to: [k, country] country to which claimants are sent, or -1.
        transfers: [country of the claim, first country] share sent there under a bloc's rule.
        nearest: [place, country] nearest place of a country.
        place_ident: [place] hash of its id.
        encampment: [k, country] share taken to a camp.
        wants_camp: [n] out: whether the party is to be taken to a camp, if there is room.
        claims: [m] out: rows of persons who claim asylum, padded with -1.
        harmed: `Harmed`; those found inadmissible and sent elsewhere are added.

    Returns:
        Number of persons who claim.
    """
    n_claims = 0
    for i in range(heads.shape[0]):
        head = heads[i]
        home = np.int64(people.home[head])
        own = country[home]
        place = goals[i]
        channel = channels[i]
        day = int(days[i])
        # Who arrives at two places on one day draws anew at the second.
        arrival = place_ident[place] + np.uint64(day)
        record_border(people, country, head, place)
        k = classes[own, people.group[head]]
        wants_camp[i] = False
        if country[place] == own:
            status = CITIZEN
            if place != home and felt[i] > 0:
                status = DISPLACED
            set_members(people, head, place, RESIDENT, status, day)
            mark_grounds(people, head, False)
            continue
        if channel == INTERNAL:
            set_members(people, head, place, RESIDENT, SAME, day)
            continue
        if channel == LABOUR or channel == FAMILY or channel == FREE:
            # Under prima facie recognition, people with grounds are registered as refugees.
            fled = prima_facie[k, country[place]] and people.traits[head] & GROUNDS
            set_members(people, head, place, RESIDENT, REFUGEE if fled else REGULAR, day)
            tell_kin(people, head, country[place])
            continue
        if channel == IRREGULAR_CHANNEL:
            set_members(people, head, place, RESIDENT, IRREGULAR, day)
            continue
        first = return_to[k, country[place]]
        sent = 1.0
        if first < 0 and entered[i] >= 0:
            first = entered[i]
            sent = transfers[country[place], first]
        if first >= 0 and first != own:
            where = in_country(harmed, country[place])
            n = count_members(people, head)
            u = uniform2(transfer_key, people.pid[people.household[head]], arrival)
            if harm_party(harmed, where, own, FORCED_RETURN, n, weight[home], sent, u):
                place = nearest[place, first]
                record_border(people, country, head, place)
        c = country[place]
        wants_camp[i] = uniform2(camp_key, people.pid[people.household[head]], arrival) < encampment[k, c]
        if prima_facie[k, c]:
            set_members(people, head, place, RESIDENT, REFUGEE, day)
            tell_kin(people, head, c)
        else:
            set_members(people, head, place, RESIDENT, CLAIMANT, day)
            founder = people.household[head]
            row = founder
            while True:
                if people.household[row] == founder and people.activity[row] != DEAD:
                    claims[n_claims] = row
                    n_claims += 1
                row = people.sibling[row]
                if row == founder:
                    break
    return n_claims
