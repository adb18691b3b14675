"""A segment: days of a month in which no rule changes; what holds in it, and what is counted."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sim.core.jit import event, inner
from sim.core.state import F64, I64, U64, Bool
from sim.core.terms import Activity
from sim.kernels.harms import Harmed

WAITING = int(Activity.waiting)
PLANES = (MOVE, STRANDED, REMOVAL, REGULARISATION, NATURALISATION) = range(5)
"""Kinds of event that have a rate; each has a plane (`kernels.plane`)."""
DRAWS = (
    LEG, DEATH, VIOLENCE, KIDNAPPING, EXTORTION, INTERCEPTION, DETENTION, PROSECUTION,
    DESTINATION, CHANNEL, TRANSFER, CAMP, RECOGNITION,
) = range(13)  # fmt: skip
"""Kinds of draw."""
FINE = 1 << 30
"""Units of a person-year: like `MICRO`, but finer."""
MOVES, KIN, PARTED = range(3)
"""Lists of a `Log`."""
COMES, LEAVES = np.int64(1), np.int64(-1)
"""Whether a stay begins or ends.

Not plain 1 and -1, for which numba would compile each function they are passed to twice."""
WHOLE = np.bool_(True)
"""Whether a household comes or leaves, and not a member alone."""
SET_OUT, ARRIVED = np.int64(0), np.int64(1)
"""Kinds of move."""


class Setting(NamedTuple):
    """The time, and the world around the households."""

    month: int
    """Month from the start, which sets ages."""
    first: float
    """Day on which the segment begins, counted from the start of the run."""
    end: float
    """Day on which it ends."""
    plane_start: float
    """Day on which the calendar month begins."""
    plane_days: float
    """Days of the calendar month."""
    planes: U64
    """[kind of event] key of its plane in this month."""
    draws: U64
    """[kind of draw] key."""
    country: I64
    """[place] index of its country."""
    decides: Bool
    """[place] whether people who come from it decide whether to move."""
    km: F64
    """[place, place]"""
    nearest: I64
    """[place, country] the country's nearest place."""
    place_ident: U64
    """[place]"""
    country_ident: U64
    """[country]"""
    joined: I64
    """[place, country] caravan that people who set out join, or -1."""
    strides: I64
    """[7] see `cell_of`."""
    stranded_rate: float
    """How often stranded people decide what to do next, per year."""
    grounds: float
    """Least fear of those who have grounds for asylum."""
    pause_returned: bool
    """Whether a forced return counts as a recent move."""
    captivity_days: float
    """Mean days that kidnapped people are held."""


class Law(NamedTuple):
    """Rules of states in the segment. Axes: admission class k, country c, slot s."""

    wait: F64
    """[k, c, s] days of waiting."""
    limited: Bool
    """[c, s] whether there is a quota."""
    open: Bool
    """[k, c, s] whether the channel is open."""
    courts: Bool
    """[c] whether the number of decisions on claims is limited."""
    recognition: F64
    """[k, c] share recognised of those with grounds."""
    false_recognition: F64
    """[k, c] of those without."""
    prima_facie: Bool
    """[k, c] whether all of the class are recognised on arrival."""
    return_to: I64
    """[k, c] country to which claimants are sent, or -1."""
    transfers: F64
    """[country of the claim, first country] share sent there under a bloc's rule."""
    responsible: Bool
    """[c] whether a bloc makes it responsible for claims of people who enter it first."""
    encampment: F64
    """[k, c] share taken to a camp."""
    removal: F64
    """[k, c] orders to leave that are carried out, per year."""
    orders_last: F64
    """[k, c] days after which an order lapses."""
    regularisation: F64
    """[k, c] regularisations per year."""
    naturalisation: F64
    """[k, c] naturalisations per year."""
    naturalised_after: F64
    """[k, c] days of regular stay that are needed."""
    clocks: Bool
    """[status, c] whether something other than a move may happen to residents."""


class Severities(NamedTuple):
    """How grave the threats are."""

    by_day: F64
    """[day, place, threat] from the segment's first day on."""
    added_up: F64
    """[day, place, threat] years at severity 1 from the segment's beginning to that of a day."""
    weight: F64
    """[threat] b_k."""
    tolerable: F64
    """[threat] tol_k."""


class Exposing(NamedTuple):
    """How the exposure of households to threats is drawn, see `kernels.living`."""

    threshold: U64
    """[place, code, 2] in the layout of `pack_thresholds`."""
    salt: U64
    """[place, 2] key of the place's draws in the epoch of `phase`, and in the next one."""
    spell_key: np.uint64
    phase: float
    """Time since the start, in epochs, when the month began."""
    together: np.uint64
    """Probability that draws are shared, in 1/65536."""


class Counts(NamedTuple):
    """What is counted; all are sums of integers, which do not depend on order."""

    households: I64
    """[cell, answer] households that move or are refused."""
    people: I64
    """[cell, answer] people who move, or members of the household."""
    trapped: I64
    """[cell, answer] households that insecurity itself traps."""
    attribution: I64
    """[cell, threat] people, in 1 / MICRO."""
    household_days: I64
    """[cell] days of households that decide."""
    person_days: I64
    """[cell] days of their members."""
    insecurity: I64
    """[place, citizenship, threat] person-years at severity 1 to be taken off, in 1 / FINE."""
    harmed: Harmed
    caught: I64
    """[corridor, citizenship, party type] people intercepted."""
    caught_expected: I64
    """The same, expected, in 1 / MICRO."""
    extorted: I64
    """[where, citizenship] cents."""
    bribes: I64
    """[where, citizenship] cents."""
    crossings: I64
    """[corridor, citizenship] people who passed through."""
    held: I64
    """[treatment, corridor] people whose detention began."""
    journeys: I64
    """[citizenship, caravan + 1, attempt - 1, party type, outcome] people."""
    setting_out: I64
    """[place, country] people who set out by corridors."""
    claims: I64
    """[country, citizenship, stage] people."""
    naturalised: I64
    """[country, citizenship] people."""


class Log(NamedTuple):
    """Lists of what happened, for which tables would be too large, or which concerns others."""

    moves: I64
    """[row, 7] arrived (1) or set out (0), citizenship, origin, destination, channel, answer,
    people."""
    kin: I64
    """[row, 2] household that has gained the right to stay in a country; the country."""
    kin_time: F64
    """[row] when."""
    parted: I64
    """[row, 3] household of children; that of their parents; country that holds them."""
    parted_time: F64
    """[row] when."""
    n: I64
    """[3] rows of `moves`, `kin` and `parted` that are filled."""


@inner
def log_move(log, arrived, own, origin, goal, channel, answer, people):
    """Write down that people set out or arrived."""
    n = log.n[MOVES]
    log.moves[n, 0], log.moves[n, 1], log.moves[n, 2] = arrived, own, origin
    log.moves[n, 3], log.moves[n, 4], log.moves[n, 5] = goal, channel, answer
    log.moves[n, 6] = people
    log.n[MOVES] += 1


@inner
def log_kin(log, house, country, now):
    """Write down that a household's relatives have close family in a country from now on."""
    n = log.n[KIN]
    log.kin[n, 0], log.kin[n, 1], log.kin_time[n] = house, country, now
    log.n[KIN] += 1


@inner
def log_parted(log, children, parents, country, now):
    """Write down that a state has taken children from their parents."""
    n = log.n[PARTED]
    log.parted[n, 0], log.parted[n, 1], log.parted[n, 2] = children, parents, country
    log.parted_time[n] = now
    log.n[PARTED] += 1


@event
def count_days(households, house, cell, setting, counts, now, sign, whole):
    """Correct the days at risk of the rest of the segment; see `count_stay`."""
    if setting.decides[households.home[house]] and households.activity[house] <= WAITING:
        days = sign * (int(setting.end) - int(math.ceil(now)))
        w = np.int64(households.weight[house])
        counts.person_days[cell] += w * households.size[house] * days
        if whole:
            counts.household_days[cell] += w * days


@event
def count_stay(households, house, cell, setting, severities, counts, now, sign, whole):
    """Correct counts of the rest of the segment, because a household leaves or comes to a place.

    Before and after the kernel everyone is counted as if nothing happened in between: days from the
    beginning of the segment on, insecurity by where people are at its end.

    Args:
        cell: Cell of the household; of a member who leaves it, that of the household that stays.
        now: When.
        sign: `COMES` or `LEAVES`.
        whole: Whether a household comes or leaves; False: a member of one that stays.
    """
    count_days(households, house, cell, setting, counts, now, sign, whole)
    p = households.place[house]
    n = np.int64(households.weight[house]) * households.size[house]
    mask = households.mask[house]
    if mask == 0:
        return
    own = setting.country[households.home[house]]
    last = severities.by_day.shape[0] - 1
    day = min(int(now - setting.first), last)
    part = (now - setting.first - day) / 365.25
    for k in range(7):
        if mask >> k & 1:
            so_far = severities.added_up[day, p, k] + part * severities.by_day[day, p, k]
            counts.insecurity[p, own, k] += sign * int(n * so_far * FINE + 0.5)
