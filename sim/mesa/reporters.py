"""What is collected at the end of every step, unless you give reporters of your own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Final

import numpy as np

from sim.core.state import I64, Bool
from sim.core.terms import Activity, Answer, Status
from sim.mechanisms.census import ACCOUNT
from sim.mesa.interface import Model
from sim.model.world import World
from sim.results.interest import TELLING, is_of_interest


def of_interest(world: World) -> I64:
    """Numbers of the countries whose citizens are the population of interest."""
    scenario = world.scenario
    whose = [is_of_interest(scenario, country.id) for country in scenario.countries]
    return np.flatnonzero(whose)


def cells_of_interest(world: World) -> Bool:
    """[cell] whether answers are those of the population of interest, as in headline figures.

    `outputs.by` says what is known of them. Where others stay, nobody else gives answers.
    """
    scenario, cells = world.scenario, world.cells
    told = TELLING if scenario.population.others == "decide" else TELLING[:2]
    column = next((it for it in told if it in cells.by), None)
    if column is None:
        return np.ones(cells.size, bool)
    axis = cells.by.index(column)
    if column == "citizenship":
        countries = list(cells.labels[axis])
    else:
        country = {place.id: place.country for place in scenario.places}
        countries = [country[place] for place in cells.labels[axis]]
    wanted = np.array([is_of_interest(scenario, it) for it in countries])
    return np.asarray(wanted[np.unravel_index(np.arange(cells.size), cells.shape)[axis]])


def _last_day(model: Model) -> date:
    return model.date - timedelta(days=1)


# No `partial`: Mesa 3.4.1 and 3.4.2 call one without the model.
def _answer(name: str) -> Callable[[Model], int]:
    return lambda model: model.answers[name]


def _status(status: Status) -> Callable[[Model], int]:
    return lambda model: int(model.census.stocks[:, of_interest(model.world), status].sum())


def _abroad(model: Model) -> int:
    countries, whose = list(model.countries), of_interest(model.world)
    return sum(countries[c].emigrants for c in whose.tolist())


def _activity(activity: Activity) -> Callable[[Model], int]:
    return lambda model: int(model.census.activities[of_interest(model.world), activity].sum())


def _dead(model: Model) -> int:
    account = ACCOUNT.of(model.world)
    return int((account.died + account.dead)[of_interest(model.world)].sum())


MODEL_REPORTERS: Final[dict[str, Callable[[Model], Any]]] = {
    "date": _last_day,
    **{answer.name: _answer(answer.name) for answer in Answer},
    "displaced": _status(Status.displaced),
    "refugees": _status(Status.refugee),
    "abroad": _abroad,
    "travelling": _activity(Activity.travelling),
    "dead": _dead,
}
"""Of every step, about the population of interest (everybody, if there is no `population.focus`):
its last day; answers given in it, in households; people at its end, by status, and all who have
died since the start."""

COUNTRY_REPORTERS: Final = ("name", "people", "foreigners", "emigrants", "opinion", "stringency")
