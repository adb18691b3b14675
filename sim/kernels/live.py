"""Lives of households in event time: from one thing that happens to them to the next.

Within a segment no household sees what others do, so that each is told on its own, in any order and
on any number of threads. What binds across households (queues, room, courts) is settled when a
month begins, and what relatives learn of each other is written down until then.
"""

from __future__ import annotations

import numpy as np

from sim.core.jit import event, inner, kernel
from sim.core.rng import uniform
from sim.core.state import (
    BLOCKED,
    BLOCKED_PERMISSION,
    CHANGED,
    DAYS_A_YEAR,
    DIRECT,
    EVER_NO_MEANS,
    EVER_NO_PERMISSION,
    LONG_AGO,
    NOBODY,
    NONE,
)
from sim.core.terms import Activity, Answer, Hazard, Journey, Status
from sim.kernels import segment, status
from sim.kernels.alternatives import choose, chooser_of, nests_as_ruled
from sim.kernels.arrival import arrive
from sim.kernels.decision import answer_at
from sim.kernels.departure import (
    MOST_ATTEMPTS,
    apply,
    count_journey,
    is_abroad_by_corridors,
    is_queued,
    set_out,
)
from sim.kernels.harms import in_country
from sim.kernels.household import NOT_BLOCKED, remember, send_ahead
from sim.kernels.living import draw_exposure
from sim.kernels.plane import MARGIN, Plane, next_point
from sim.kernels.power import padded
from sim.kernels.rates import close_bound, rate_bound
from sim.kernels.segment import (
    COMES,
    KIN,
    LEAVES,
    MOVES,
    PARTED,
    WHOLE,
    count_days,
    count_stay,
)
from sim.kernels.tally import attribute, cell_of
from sim.kernels.travel import ARRIVED, GONE, LEFT_BEHIND, end_of_leg, take_home

RESIDENT = int(Activity.resident)
WAITING = int(Activity.waiting)
STRANDED = int(Activity.stranded)
DEAD = int(Activity.dead)
IRREGULAR = int(Status.irregular)
NECESSITY = int(Answer.necessity)
NO_MEANS = int(Answer.no_means)
NO_PERMISSION = int(Answer.no_permission)
FLIGHT = int(Hazard.flight)
FAILED = np.int64(Journey.failed)
AHEAD = 32
"""Households whose rows are read together."""
ROOM = 8
"""Rows that may be needed in a list before there is another chance to stop."""
NOTHING, POINT, STATUS, COURT, LAPSE, MAKEUP, ADMITTED, LEG, STUCK = range(9)
"""What happens next: nothing in this segment; a point of the plane of moves; a change of status
that has a rate; a decision on a claim; the end of an order to leave; one who sent somebody ahead
looks around; an applicant may travel; a leg ends; the stranded decide."""


@inner
def has_room(plans, n, log, used, spare):
    """Whether everything that may happen next can be written down."""
    return (
        n + 2 <= plans.household.shape[0]
        and used + 2 <= spare.shape[0]
        and log.n[MOVES] + ROOM <= log.moves.shape[0]
        and log.n[KIN] + ROOM <= log.kin.shape[0]
        and log.n[PARTED] + ROOM <= log.parted.shape[0]
    )


@inner
def refuse(households, persons, house, answer, trapped, now, cell, counts):
    """Write down that a household is refused."""
    w = np.int64(households.weight[house])
    counts.households[cell, answer] += w
    counts.people[cell, answer] += w * households.size[house]
    if trapped:
        counts.trapped[cell, answer] += w
    remember(
        households, persons, house, EVER_NO_MEANS if answer == NO_MEANS else EVER_NO_PERMISSION
    )
    blocked = BLOCKED_PERMISSION | BLOCKED if answer == NO_PERMISSION else BLOCKED
    households.flags[house] = households.flags[house] & NOT_BLOCKED | blocked
    households.blocked_on[house] = int(now)


@inner
def forget_return(households, house, setting):
    """Do not let a forced return count as a recent move, if the scenario says so.

    A recent move lowers the rate of moving again; a forced return need not (`pause_returned`).
    """
    if not setting.pause_returned and households.place[house] == households.home[house]:
        households.moved[house] = LONG_AGO


@event
def look_around(tables, h, who, money, nests):
    """Do `nests_as_ruled` for the few who are stranded; inlined once more it takes long to compile.

    See there for the arguments.
    """
    nests_as_ruled(tables, h, who, money, nests)


@inner
def next_decision(households, persons, tables, conditions, setting, house, now):
    """Next point at which a household may move, see `next_point`.

    The wide bounds of `sieve` tell of most households that they have none: no member is looked at.
    """
    moves = Plane(setting.planes[segment.MOVE], setting.plane_start, setting.plane_days)
    who, p = households.ident[house], households.place[house]
    u, years = uniform(moves.key, who), moves.days / DAYS_A_YEAR * MARGIN
    from_here = np.uint64(p == households.home[house])
    if (
        u > conditions.most[p, from_here, households.mask[house]] * years
        or u > rate_bound(households, persons, conditions, house, setting.month) * years
    ):
        return np.inf, 0.0, who
    # The lowest point is no lower than u / years, see `sieve`.
    bound = MARGIN * close_bound(
        households, persons, tables, conditions, house, now, setting.end, setting.month, u / years
    )
    return next_point(moves, who, bound, now, setting.end)


@inner
def fetch(households, persons, houses, heads):
    """Read the rows of several households and of their heads, before they are needed.

    Rows lie far apart. Where what is done next depends on a row, the processor waits for it; in
    these short loops it can read several rows at a time. Nothing else comes of it.

    Args:
        houses: [n] rows.
        heads: [at least n] working array.
    """
    total = np.int64(0)
    for i in range(houses.shape[0]):
        house = np.uint64(houses[i])
        head = households.head[house]
        heads[i] = 0 if head == NOBODY else head
        total += households.activity[house] ^ households.makeup[house] ^ households.mask[house]
        total += households.home[house] ^ households.place[house] ^ households.size[house]
        total += households.ident[house] > 0
    for i in range(houses.shape[0]):
        house = np.uint64(houses[i])
        total += households.status[house] ^ households.citizenship[house] ^ households.group[house]
        total += households.kin[house] ^ households.flags[house] ^ households.uprooted[house]
        total += households.moved[house] ^ households.since[house]
        total += (households.weight[house] > 0) ^ (households.means[house] > 0)
    for i in range(houses.shape[0]):
        head = np.uint64(heads[i])
        total += persons.traits[head] ^ persons.past[head]
        total += (persons.next[head] > 0) ^ (persons.born[head] > 0)
    heads[0] = total  # else the compiler would leave out the reading


@kernel
def live(
    households, persons, plans, first, n, spare, setting, tables, conditions, means, classes, law,
    ways, severities, exposing, counts, log,
):  # fmt: skip
    """Let everything happen to households that happens to them until the segment ends.

    Args:
        households, persons: All of them; only those of the plans change.
        plans: `Plans`, with room for more rows; `now` is where each household's time stands.
        first, n: Rows of plans: the first to be dealt with; how many there are.
        spare: [m] rows for new households.
        setting, law, severities, exposing: What holds in the segment (`kernels.segment`).
        tables, conditions, means: What people know, feel and have.
        classes: [citizenship, group] admission class.
        ways: (legs, way) for people in no caravan, and for those in each of the caravans.
        counts, log: Added to.

    Returns:
        (row, n, used): the next row to be dealt with, n if all is done and less if there is no more
        room; rows of plans; spare rows used.
    """
    heads = np.empty(AHEAD, np.int64)
    nests, shares = np.zeros((2, padded(tables.country.shape[0]))), np.empty(7)
    used = 0
    i = fetched = first
    while i < n:
        if not has_room(plans, n, log, used, spare):
            return i, n, used
        if i >= fetched:
            fetched = min(i + AHEAD, n)
            fetch(households, persons, plans.household[i:fetched], heads)
        house = plans.household[i]
        now = plans.now[i]
        who = households.ident[house]
        activity = households.activity[house]
        lives = activity <= WAITING
        # What happens next, and when.
        what, when = NOTHING, np.inf
        height, rate, since, until = 0.0, 0.0, now, now
        word = np.uint64(0)
        plane = NONE
        if households.makeup[house] & CHANGED and (lives or activity == STRANDED):
            what, when = MAKEUP, now
        elif lives:
            if setting.decides[households.home[house]]:
                when, height, word = next_decision(
                    households, persons, tables, conditions, setting, house, now
                )
                if when < np.inf:
                    what = POINT
            plane, rate, since, until = status.status_clock(
                households, house, now, setting, law, classes
            )
            decided = status.claim_decided(households, plans, i, setting, law, classes)
            # What is due when the segment ends happens in the next one, which knows that day.
            if max(decided, now) <= when and decided < setting.end:
                what, when = COURT, max(decided, now)
            if (
                activity == WAITING
                and max(plans.due[i], now) <= when
                and plans.due[i] < setting.end
            ):
                what, when = ADMITTED, max(plans.due[i], now)
            if plane == status.REMOVAL and until < setting.end and max(until, now) <= when:
                what, when = LAPSE, max(until, now)
        elif activity == STRANDED:
            plane, rate, until = segment.STRANDED, setting.stranded_rate, setting.end
        elif activity != DEAD and plans.due[i] < setting.end:
            what, when = LEG, max(plans.due[i], now)
        if plane >= 0 and rate > 0.0:
            other = Plane(setting.planes[plane], setting.plane_start, setting.plane_days)
            time, _, its_word = next_point(other, who, rate, since, min(until, when))
            if time < np.inf:
                what, when = STUCK if activity == STRANDED else STATUS, time
                if activity == STRANDED:
                    word = its_word
        if plane == status.REMOVAL:
            status.expect_removal(households, house, since, min(when, until), rate, setting, counts)
        if what == NOTHING:
            plans.now[i] = setting.end
            i += 1
            continue
        plans.now[i] = when
        day = min(int(when - setting.first), severities.by_day.shape[0] - 1)
        place = np.int64(households.place[house])
        severity = severities.by_day[day, place]
        fate = NONE
        if what == LEG:
            fate = ARRIVED
            if plans.leg[i] != DIRECT:
                legs, way = ways[plans.caravan[i] + 1]
                fate, taken = end_of_leg(
                    households, persons, plans, i, legs, way, setting, law, counts, log, spare[used]
                )
                if taken:
                    used += 1
            if fate == GONE:
                continue
            if fate == ARRIVED:
                arrive(households, persons, plans, i, when, setting, law, classes, counts, log)
            elif fate == LEFT_BEHIND:
                if is_abroad_by_corridors(plans, i, setting.country):
                    count_journey(households, persons, plans, i, setting, counts, FAILED)
                    failed = min(np.int64(households.failed[house]) + 1, MOST_ATTEMPTS)
                    households.failed[house] = failed
                    forget_return(households, house, setting)
            else:
                continue
        elif what <= MAKEUP and what != POINT:
            # Exposure depends on status and members: the stay until now is counted with the old.
            cell = cell_of(
                households, persons, house, setting.country, setting.month, setting.strides
            )
            count_stay(households, house, cell, setting, severities, counts, when, LEAVES, WHOLE)
            if what == COURT:
                status.decide_claim(households, plans, i, when, setting, law, classes, counts, log)
            elif what == LAPSE:
                households.status[house] = IRREGULAR
                households.since[house] = int(when)
            elif plane == status.REGULARISATION:
                status.regularise(households, house, when, setting, log)
            elif plane == status.NATURALISATION:
                status.naturalise(households, house, when, setting, counts)
            elif plane == status.REMOVAL:
                n_people = np.int64(households.size[house]) * np.int64(households.weight[house])
                own = setting.country[households.home[house]]
                where = in_country(counts.harmed, setting.country[place])
                counts.harmed.people[where, own, status.FORCED_RETURN] += n_people
                take_home(households, setting.country, house, int(when))
                households.flags[house] &= NOT_BLOCKED
                forget_return(households, house, setting)
        else:
            answer, hazard, price = NECESSITY, FLIGHT, 0.0
            goal, channel, companions = plans.goal[i], plans.channel[i], plans.companions[i]
            felt = 0
            cell = cell_of(
                households, persons, house, setting.country, setting.month, setting.strides
            )
            money = np.float64(households.means[house])
            chooser = chooser_of(
                households, persons, tables, conditions, classes, house, setting.month
            )
            if what == POINT:
                answer, hazard, flight, uprooted, trapped = answer_at(
                    households, persons, tables, conditions, means, house, chooser, when,
                    height, word, setting.month, nests,
                )  # fmt: skip
                if answer > NO_PERMISSION:
                    continue
                if answer >= NO_MEANS:
                    refuse(households, persons, house, answer, trapped, when, cell, counts)
                    continue
            if what == ADMITTED:
                answer, felt, word = plans.answer[i], plans.felt[i], plans.word[i]
                k = classes[households.citizenship[house], households.group[house]]
                price = tables.price[0, place, goal, 0]
                price += tables.fee[k, setting.country[goal], channel]
                households.activity[house] = RESIDENT
            else:
                if what == STUCK:
                    look_around(tables, hazard, chooser, money, nests[hazard])
                goal, channel, companions, price = choose(
                    tables, hazard, chooser, money, nests[hazard], word,
                    setting.draws[segment.DESTINATION], setting.draws[segment.CHANNEL],
                )  # fmt: skip
            if what == POINT:
                w = np.int64(households.weight[house])
                # One person moves: a household of one, a pioneer, or a child alone.
                n_people = w if companions > 0 else w * households.size[house]
                counts.households[cell, answer] += w
                counts.people[cell, answer] += n_people
                if answer == NECESSITY:
                    felt = attribute(
                        households, house, n_people, flight, uprooted, severity, severities,
                        counts.attribution[cell], shares,
                    )  # fmt: skip
            if goal < 0:
                continue
            queued = what != ADMITTED and is_queued(
                households, house, goal, channel, setting, law, classes
            )
            row = i
            if not queued and companions > 0:
                new = spare[used]
                if not send_ahead(
                    households, persons, house, companions, price, setting.month, new
                ):
                    continue
                used += 1
                row = n
                n += 1
                plans.household[row] = new
                plans.now[row] = when
                if what == ADMITTED:
                    plans.due[i] = np.inf
            plans.goal[row], plans.channel[row], plans.companions[row] = goal, channel, companions
            plans.answer[row], plans.felt[row], plans.word[row] = answer, felt, word
            if queued:
                apply(households, plans, i, when, setting, law, classes)
                if activity == STRANDED:  # it lives here from now on
                    count_days(households, house, cell, setting, counts, when, COMES, WHOLE)
                continue
            count_stay(
                households, plans.household[row], cell, setting, severities, counts, when, LEAVES,
                row == i,
            )  # fmt: skip
            set_out(
                households, persons, plans, row, price, when, setting, tables, law, classes,
                severity, severities, counts, log,
            )  # fmt: skip
            continue
        # The household is at a new place, or its status or members have changed.
        draw_exposure(households, house, exposing)
        cell = cell_of(households, persons, house, setting.country, setting.month, setting.strides)
        count_stay(households, house, cell, setting, severities, counts, when, COMES, WHOLE)
    return n, n, used
