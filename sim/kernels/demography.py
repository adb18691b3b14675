"""Births and natural deaths: one draw per person and month, and succession of dead heads."""

from __future__ import annotations

import numpy as np

from sim.core.jit import kernel
from sim.core.rng import uniform
from sim.core.state import CHILDREN, DIED, DIED_NATURALLY, WOMAN
from sim.kernels.household import drop_the_dead, take_in


@kernel
def draw_vital_events(
    households,
    persons,
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
        households, persons: All of them.
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
        months = month - persons.born[row]
        of_age = np.uint64(min(months, oldest))
        u = uniform(draw_key, persons.pid[row])
        if (low[of_age] <= u) & (u <= high[of_age]):
            continue
        if persons.past[row] & DIED:
            continue
        age = min(months // 12, dies.shape[2] - 1)
        c = country[households.home[persons.household[row]]]
        sex = persons.traits[row] & WOMAN
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
def record_deaths(households, persons, dying, month):
    """Let people die a natural death where they are; the eldest survivor leads the household then.

    Args:
        dying: [n] rows.
        month: Month from the start.
    """
    for i in range(dying.shape[0]):
        persons.past[dying[i]] |= DIED_NATURALLY
    for i in range(dying.shape[0]):
        house = persons.household[dying[i]]
        if households.size[house] > 0:
            drop_the_dead(households, persons, house, month)


@kernel
def give_birth(households, persons, mothers, children):
    """Let children join their mothers' households, after them.

    Args:
        mothers: [n] rows.
        children: [n] rows.
    """
    for i in range(mothers.shape[0]):
        house = persons.household[mothers[i]]
        persons.household[children[i]] = house
        persons.next[children[i]] = persons.next[mothers[i]]
        persons.next[mothers[i]] = children[i]
        households.size[house] += 1
        # There is a woman already, whoever is born.
        take_in(households, house, CHILDREN)
