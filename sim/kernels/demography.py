"""Births and natural deaths: one draw per person and month, and succession of dead heads."""

from __future__ import annotations

import numpy as np

from sim.core.jit import kernel
from sim.core.rng import uniform
from sim.core.state import HEAD, NONE, WOMAN
from sim.core.terms import Activity
from sim.kernels.household import hand_over

DEAD = int(Activity.dead)


@kernel
def draw_vital_events(
    people,
    first,
    last,
    country,
    dies,
    bears,
    spared,
    draw_key,
    month,
    coming,
    dying,
    mothers,
    grown,
):
    """List the people who die, give birth, or reach a given age, ascending by row.

    A single draw decides both events: death if it is low, birth if it is high. With a higher rate,
    the same people and some more have the event.

    Args:
        people: All persons.
        first, last: Range of rows.
        country: [place] country index.
        dies: [country, sex, age] probability to die in this month.
        bears: [country, sex, age] probability to give birth in it.
        spared: [2, months of age] range of draws with no event for anyone of that age; older
            people use the last entry.
        draw_key: Key of this month's draws.
        month: Month from the start.
        coming: Age in months of the people that `grown` lists.
        dying, mothers, grown: [last - first] out: rows.

    Returns:
        (number dying, number of mothers, number grown)
    """
    n_dying = n_mothers = n_grown = 0
    oldest = spared.shape[1] - 1
    low, high = spared[0], spared[1]
    for row in range(first, last):
        months = month - people.born[row]
        of_age = np.uint64(min(months, oldest))
        u = uniform(draw_key, people.pid[row])
        if (low[of_age] <= u) & (u <= high[of_age]):
            continue
        if people.activity[row] == DEAD:
            continue
        age = min(months // 12, dies.shape[2] - 1)
        c = country[people.home[row]]
        sex = people.traits[row] & WOMAN
        if u < dies[c, sex, age]:
            dying[n_dying] = row
            n_dying += 1
        elif u > 1.0 - bears[c, sex, age]:
            mothers[n_mothers] = row
            n_mothers += 1
        if months == coming:
            grown[n_grown] = row
            n_grown += 1
    return n_dying, n_mothers, n_grown


@kernel
def record_deaths(people, dying, heirs):
    """Let people die where they are; if a head dies, the eldest survivor becomes head.

    Args:
        people: All persons.
        dying: [n] rows.
        heirs: [n] out: row of the new head where a head died; `NONE` for people who were not
            heads, and where no one survives.
    """
    for i in range(dying.shape[0]):
        people.activity[dying[i]] = DEAD
    for i in range(dying.shape[0]):
        heirs[i] = NONE
        if people.flags[dying[i]] & HEAD:
            heirs[i] = hand_over(people, dying[i])
