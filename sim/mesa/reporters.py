"""What is collected at the end of every step, unless you give reporters of your own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Final

from sim.core.terms import Activity, Answer, Status
from sim.mechanisms.census import ACCOUNT
from sim.mesa.interface import Model


def _last_day(model: Model) -> date:
    return model.date - timedelta(days=1)


# No `partial`: Mesa 3.4.1 and 3.4.2 call one without the model.
def _answer(name: str) -> Callable[[Model], int]:
    return lambda model: model.answers[name]


def _status(status: Status) -> Callable[[Model], int]:
    return lambda model: int(model.census.stocks[:, :, status].sum())


def _abroad(model: Model) -> int:
    return sum(country.emigrants for country in model.countries)


def _activity(activity: Activity) -> Callable[[Model], int]:
    return lambda model: int(model.census.activities[:, activity].sum())


def _dead(model: Model) -> int:
    account = ACCOUNT.of(model.world)
    return int((account.died + account.dead).sum())


MODEL_REPORTERS: Final[dict[str, Callable[[Model], Any]]] = {
    "date": _last_day,
    **{answer.name: _answer(answer.name) for answer in Answer},
    "displaced": _status(Status.displaced),
    "refugees": _status(Status.refugee),
    "abroad": _abroad,
    "travelling": _activity(Activity.travelling),
    "dead": _dead,
}
"""Of every step: its last day; answers given in it, in households; people at its end, by status,
and all who have died since the start."""

COUNTRY_REPORTERS: Final = ("name", "people", "foreigners", "emigrants", "opinion", "stringency")
