"""The decision: two competing hazards, at points of a Poisson process (docs/model.md, 3.4).

To change the utility, edit `sim/mechanisms/choice.py`, which builds exp(V / mu) as a product of
factors; the kernels here, in `rates.py` and in `alternatives.py` only multiply, nest and compare
them. Suffixes of rates are explained in `rates.py`.
"""

from __future__ import annotations

import math

import numpy as np

from sim.core.jit import equation, inner, kernel, subkernel
from sim.core.rng import uniform
from sim.core.state import DAYS_A_YEAR
from sim.core.terms import Answer, Hazard
from sim.kernels.alternatives import (
    able,
    channel_without_permission,
    chooser_of,
    companions_of,
    free_way,
    inside,
    slots_into,
    way_by,
)
from sim.kernels.means import secure_means
from sim.kernels.plane import HIGHEST, LABEL, MARGIN
from sim.kernels.power import padded
from sim.kernels.rates import (
    chosen_rate,
    day_of,
    factors_at,
    rate_bound,
    rates_as_ruled,
    rates_if_lifted,
)

CHOICE = int(Answer.choice)
NECESSITY = int(Answer.necessity)
NO_MEANS = int(Answer.no_means)
NO_PERMISSION = int(Answer.no_permission)
STAYS = int(Answer.stays)
LIVELIHOOD = int(Hazard.livelihood)
FLIGHT = int(Hazard.flight)


@equation
def no_means_share(r, r_m, r_p, r_mp):
    """Shapley share of means in R_MP - R: ((R_M - R) + (R_MP - R_P)) / 2 (R_MP - R)."""
    gap = r_mp - r
    return 0.5 * ((r_m - r) + (r_mp - r_p)) / gap if gap > 0.0 else 0.0


@subkernel
def sieve_by_place(households, houses, conditions, plane, through):
    """List the households that may have an event, by the bound of their place.

    Args:
        through: [n] out: rows of the households.

    Returns:
        Number of households listed.
    """
    n = 0
    years = plane.days / DAYS_A_YEAR * MARGIN
    for i in range(houses.shape[0]):
        house = houses[i]
        p = households.place[house]
        from_here = np.uint64(p == households.home[house])
        u = uniform(plane.key, households.ident[house])
        through[n] = house
        n += not u > conditions.most[p, from_here, households.mask[house]] * years
    return n


@kernel
def sieve(households, persons, houses, conditions, plane, month, through):
    """List the households that may have an event in a month, by bounds on their rates.

    The lowest point of a plane is at -ln(1 - u) / years. If the uniform u is above a bound on
    R_MP x years, no point is below R_MP, and no utility has to be evaluated: this is exact, since
    -ln(1 - u) >= u, and it holds for nearly all. Bounds are tried from the widest to the
    closest: of all residents of a place, then of its own attributes (place, origin, taste
    class, age, status and exposure).

    Args:
        households, persons: All of them.
        houses: [n] rows of households.
        conditions: What sets the rates in the segment.
        plane: The plane of moves.
        month: Month from the start.
        through: [n] out: rows of the households, ascending.

    Returns:
        Number of households listed.
    """
    # Each sieve is a separate short loop, so that the processor can prefetch the next ones.
    end = sieve_by_place(households, houses, conditions, plane, through)
    n = 0
    years = plane.days / DAYS_A_YEAR * MARGIN
    for j in range(end):
        house = through[j]
        u = uniform(plane.key, households.ident[house])
        through[n] = house
        n += not u > rate_bound(households, persons, conditions, house, month) * years
    return n


@inner
def why_it_moves(households, conditions, house, now, height, calm, r, fr):
    """Why a household moves: its height falls into R_0, R_C, F, or L.

    Hazards do not depend on R_0: where people go is the same, whatever counts as choice.

    Args:
        height: Height of the point, below R.
        calm: R_C.
        r, fr: R and F.

    Returns:
        (answer, hazard, flight, uprooted), see `answer_at`.
    """
    if height < chosen_rate(households, conditions, house, now, calm):
        return CHOICE, LIVELIHOOD, 0.0, False
    if height < calm:
        return NECESSITY, LIVELIHOOD, 0.0, True
    hazard = FLIGHT if height - calm < fr else LIVELIHOOD
    return NECESSITY, hazard, fr / (r - calm), False


@inner
def answer_at(
    households, persons, tables, conditions, means, house, who, now, height, word, month, nests
):  # fmt: skip
    """Answer of a household at a point of its plane.

    At a point of height H and time T, with the rates of that moment: if H < R the household moves,
    by choice if H < R_0, else of necessity; otherwise, if H < R_MP, it is refused.

    Args:
        who: `Chooser`.
        now, height, word: The point, see `next_point`.
        month: Month from the start.
        nests: [hazard, place] out: see `nests_as_ruled`, for the hazard that makes it move.

    Returns:
        (answer, hazard, flight, uprooted, trapped): `flight` is F / (R - R_C), the share of flight
        in moves of necessity that present threats make; `uprooted` tells that it is of necessity
        only because threats had uprooted it: settled, it would have stayed; `trapped` that it is
        refused, and would have moved with the means of a secure place.
    """
    money = np.float64(households.means[house])
    day = day_of(conditions, now)
    want = conditions.want[day, households.place[house], households.mask[house] & 15]
    l, f = factors_at(households, persons, conditions, house, now, month)
    # Where the point is below R_C, what flight adds makes no difference.
    answer, enough = STAYS, MARGIN * height * max(want, 1.0)
    # The second pass evaluates the household with the means of a secure place.
    for again in range(2):
        lr, fr = rates_as_ruled(tables, who, l, f, money, nests, enough)
        if again:
            return answer, LIVELIHOOD, 0.0, False, height < lr / want
        r = lr + fr
        if height < r:
            why = why_it_moves(households, conditions, house, now, height, lr / want, r, fr)
            return why[0], why[1], why[2], why[3], False
        # Most points are below R; for the others, what else would be possible is evaluated, too.
        lm, fm, lp, fp, lmp, fmp = rates_if_lifted(tables, who, l, f, money, nests)
        r_mp = lmp + fmp
        if height >= r_mp:
            break
        by_means = uniform(LABEL, word) < no_means_share(r, lm + fm, lp + fp, r_mp)
        answer = NO_MEANS if by_means else NO_PERMISSION
        secure_money = secure_means(
            means, households.place[house], households.rank[house], households.status[house],
            households.size[house],
        )  # fmt: skip
        if secure_money <= money:
            break
        money, enough = secure_money, -1.0
    return answer, LIVELIHOOD, 0.0, False, False


@kernel
def expect(
    households,
    persons,
    houses,
    first,
    last,
    tables,
    conditions,
    classes,
    now,
    month,
    dt,
    cells,
    micro,
    answers,
    years,
    flows,
):
    """Add expected numbers of events by answer, and of people by destination.

    Moves and stays are probabilities within dt. The expected number of refusals is their rate times
    the expected time before a move, (1 - exp(-R dt)) / R. `years` are rates times that time, times
    the people of the household (Rao-Blackwell). Everything is added in fixed point, so the sums do
    not depend on order.

    Args:
        now: [n] day from the start on which each household's rates are evaluated.
        dt: [n] years for which each is asked.
        cells: [n] cell of each.
        micro: Fixed-point units per person.
        answers: [cell, answer] households, in 1 / micro, added to.
        years: [cell, answer] people, in 1 / micro, added to.
        flows: [citizenship, origin, destination, channel, answer] people, in 1 / micro, added to.
    """
    nests = np.zeros((2, padded(tables.country.shape[0])))
    for i in range(first, last):
        house = houses[i]
        cell = cells[i]
        who = chooser_of(households, persons, tables, conditions, classes, house, month)
        p, o, n = who.place, who.home, who.n
        money = np.float64(households.means[house])
        l, f = factors_at(households, persons, conditions, house, now[i], month)
        lr, fr = rates_as_ruled(tables, who, l, f, money, nests, np.inf)
        lm, fm, lp, fp, lmp, fmp = rates_if_lifted(tables, who, l, f, money, nests)
        r, r_mp = lr + fr, lmp + fmp
        w = float(households.weight[house]) * micro
        by_means = no_means_share(r, lm + fm, lp + fp, r_mp)
        calm = lr / conditions.want[day_of(conditions, now[i]), p, households.mask[house] & 15]
        chosen = chosen_rate(households, conditions, house, now[i], calm)
        choice = chosen / r if r > 0.0 else 0.0
        # Points of a plane reach no higher, so more events do not happen either.
        often, refused = min(r, HIGHEST), min(r_mp, HIGHEST)
        chosen = choice * often
        moves = -math.expm1(-often * dt[i])
        blocked = math.exp(-often * dt[i]) - math.exp(-refused * dt[i])
        whole = int(w)
        span = moves / often if often > 0.0 else dt[i]
        gap = refused - often
        parts_of = (
            int(w * moves * choice),
            int(w * moves * (1.0 - choice)),
            int(w * gap * by_means * span),
            int(w * gap * (1.0 - by_means) * span),
        )
        for a in range(4):
            answers[cell, a] += parts_of[a]
        answers[cell, STAYS] += whole - parts_of[0] - parts_of[1] - int(w * blocked)
        years[cell, CHOICE] += int(w * n * chosen * span)
        years[cell, NECESSITY] += int(w * n * (often - chosen) * span)
        years[cell, NO_MEANS] += int(w * n * gap * by_means * span)
        years[cell, NO_PERMISSION] += int(w * n * gap * (1.0 - by_means) * span)
        if moves <= 0.0:
            continue
        for h in range(2):
            rate = lr if h == LIVELIHOOD else fr
            if rate <= 0.0:
                continue
            free_part = choice if h == LIVELIHOOD else 0.0
            forced_part = rate / r - free_part
            with_all, with_one, with_child = companions_of(tables, h, who)
            total = 0.0
            for d in range(tables.country.shape[0]):
                total += nests[h, d]
            for d in range(tables.country.shape[0]):
                if nests[h, d] == 0.0:
                    continue
                into = inside(tables, h, who, d, money, with_all, with_one, with_child)
                n_slots = slots_into(tables, h, who, d)
                for s in range(n_slots):
                    if n_slots == 1:
                        x, price = free_way(tables, h, who, d)
                        way = channel_without_permission(
                            d, o, tables.country[d] == tables.country[p]
                        )
                    else:
                        x, _, price, _ = way_by(tables, h, who, d, s)
                        way = s
                    # Multiplying the household's factor by its size counts persons.
                    people = x * able(price, money, n, with_all * n, with_one, with_child)
                    share = w * moves * nests[h, d] / total * people / into
                    flows[tables.country[o], p, d, way, CHOICE] += int(share * free_part)
                    flows[tables.country[o], p, d, way, NECESSITY] += int(share * forced_part)
