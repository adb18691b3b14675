"""The headline figures: the meaning of each, and how it follows from the tables.

They are about the population of interest, where the scenario names one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple
from warnings import warn

import numpy as np
import pandas as pd

from sim.core.state import DAYS_A_YEAR
from sim.core.terms import Answer, Harm, Threat
from sim.mechanisms.years import DISCOUNT
from sim.results.interest import narrowed
from sim.results.intervals import Values
from sim.results.rows import in_rows
from sim.results.run import Run, horizon
from sim.results.sums import abroad, at_end, outside, per_replicate, person_years, ratio
from sim.schema.errors import OldNameWarning
from sim.schema.key import renamed


class Measure(NamedTuple):
    """One headline figure."""

    id: str
    unit: str
    text: str
    low: float = 0.0
    high: float = float("inf")


_ANSWER_TEXT: Final = {
    "choice": "moves of households by choice",
    "necessity": "moves of households of necessity",
    "no_means": "households that would move but cannot pay (every time counts)",
    "no_permission": "households that would move but are refused permission (every time counts)",
    "stays": "households that stay, on an average day",
}


_HARM_TEXT: Final = {
    "death": "died on the way",
    "violence": "suffered violence on the way",
    "extortion": "were extorted on the way",
    "kidnapping": "were held captive on the way",
    "interception": "were intercepted",
    "detention": "were detained",
    "stranding": "were stranded",
    "forced_return": "were returned by force",
    "prosecution": "were prosecuted for entering",
    "bribe": "paid officials to be let through",
    "separation": "children were taken from their adults",
}


MEASURES: Final[Mapping[str, Measure]] = {
    measure.id: measure
    for measure in (
        Measure("moved_abroad", "people", "arrived in another country (every arrival counts)"),
        Measure("moved_within", "people", "arrived elsewhere in the same country"),
        *(
            Measure(f"{answer.name}_households", "households", _ANSWER_TEXT[answer.name])
            for answer in Answer
        ),
        Measure(
            "choice_people",
            "people",
            "moves by choice, in people: all who went along, at every move",
        ),
        Measure(
            "necessity_people",
            "people",
            "moves of necessity, in people: all who went along, at every move",
        ),
        Measure(
            "necessity_share",
            "share",
            "share of these moves that were of necessity",
            0.0,
            1.0,
        ),
        Measure("blocked_no_means", "people", "blocked at the end: would move but cannot pay"),
        Measure(
            "blocked_no_permission",
            "people",
            "blocked at the end: would move but are refused permission",
        ),
        Measure("refugees_abroad", "people", "refugees abroad at the end"),
        Measure("claimants_abroad", "people", "asylum seekers abroad at the end"),
        Measure("displaced", "people", "displaced within their country at the end"),
        *(
            Measure(f"harm_{harm.name}", "people", f"{_HARM_TEXT[harm.name]} (expected)")
            for harm in Harm
        ),
        Measure(
            "death_rate",
            "per 1,000",
            "expected deaths for each 1,000 people who set out irregularly or for asylum",
        ),
        Measure("births", "people", "were born"),
        Measure("natural_deaths", "people", "died a natural death"),
        Measure("insecurity_years", "years", "insecurity-years: felt severity x people x time"),
        Measure("life_years_lost", "years", "years of life lost before the end, undiscounted"),
        Measure("life_years_lost_3pct", "years", "years of life lost before the end, at 3 %"),
        Measure("secure", "share", "secure: how free of the seven threats people lived", 0.0, 1.0),
        Measure("orderly", "share", "orderly: came with permission, or claims decided", 0.0, 1.0),
        Measure("regular", "share", "regular: did not have to enter irregularly", 0.0, 1.0),
        Measure(
            "humane",
            "share",
            "humane: one minus harms per departure abroad, never below 0",
            0.0,
            1.0,
        ),
    )
}
"""The headline figures in order: id, unit, meaning, and the bounds of intervals."""
RESTS_ON: Final[Mapping[str, tuple[str, ...]]] = {
    "necessity_share": ("choice_people", "necessity_people"),
    "death_rate": ("harm_death",),
    "life_years_lost": ("harm_death",),
    "life_years_lost_3pct": ("harm_death",),
    "orderly": ("moved_abroad",),
    "regular": ("moved_abroad",),
    "humane": ("moved_abroad",),
}
"""Figures that rest on the same simulated persons as others."""
OLD_NAMES: Final[Mapping[str, str]] = {
    f"{answer.name}_heads": f"{answer.name}_households" for answer in Answer
}
"""Current names of headline figures, by their old ones."""


def measure_of_today(name: str) -> str:
    """Give the current name of a headline figure, and warn where it was called by its old one."""
    if name not in OLD_NAMES:
        return name
    warn(OldNameWarning(renamed(name, OLD_NAMES[name])), stacklevel=3)
    return OLD_NAMES[name]


def headline_values(run: Run) -> dict[str, Values]:
    """Give each headline figure of the population of interest by replicate.

    Figures of which a table was not kept are NaN.

    Returns:
        By id of `MEASURES`, one value a replicate.
    """
    run = narrowed(run)
    values = {name: np.full(run.replicates, np.nan) for name in MEASURES}
    families: tuple[tuple[tuple[str, ...], Callable[[Run], dict[str, Values]]], ...] = (
        (("flows",), _moves),
        (("answers",), _answers),
        (("blocked",), _blocked),
        (("stocks",), _stocks),
        (("harms",), _harms),
        (("harms", "flows"), _harm_ratios),
        (("vital",), _vital),
        (("at_risk",), _stays),
        (("insecurity",), _insecurity),
        (("insecurity", "account"), _secure),
        (("flows", "stocks"), _orderly),
    )
    for needed, family in families:
        if all(name in run.tables for name in needed):
            values.update(family(run))
    return values


def _moves(run: Run) -> dict[str, Values]:
    flows = run.flows
    crossing = abroad(run, flows)
    entered = per_replicate(run, flows[crossing], "arrived")
    irregular = per_replicate(run, flows[crossing & (flows["channel"] == "irregular")], "arrived")
    return {
        "moved_abroad": entered,
        "moved_within": per_replicate(run, flows[~crossing], "arrived"),
        "regular": 1 - ratio(irregular, entered),
    }


def _answers(run: Run) -> dict[str, Values]:
    answers = run.answers
    values = {}
    for answer in Answer:
        if answer == Answer.stays:
            continue
        rows = answers[answers["answer"] == answer.name]
        values[f"{answer.name}_households"] = per_replicate(run, rows, "households")
        if answer in (Answer.choice, Answer.necessity):
            values[f"{answer.name}_people"] = per_replicate(run, rows, "people")
    movers = values["choice_people"] + values["necessity_people"]
    values["necessity_share"] = ratio(values["necessity_people"], movers)
    return values


def _stays(run: Run) -> dict[str, Values]:
    """Days of households that decide, over the days of the run: nearly all stay on a given day."""
    time = run.scenario.time
    days = per_replicate(run, run.at_risk, "household_days")
    return {"stays_households": days / ((time.end - time.start).days + 1)}


def _blocked(run: Run) -> dict[str, Values]:
    last = at_end(run, run.blocked)
    return {
        f"blocked_{answer}": per_replicate(run, last[last["answer"] == answer], "people")
        for answer in ("no_means", "no_permission")
    }


def _stocks(run: Run) -> dict[str, Values]:
    last = at_end(run, run.stocks)
    foreign = outside(run, last)
    return {
        name: per_replicate(run, last[where & (last["status"] == status)], "people")
        for name, status, where in (
            ("refugees_abroad", "refugee", foreign),
            ("claimants_abroad", "claimant", foreign),
            ("displaced", "displaced", ~foreign),
        )
    }


def _harms(run: Run) -> dict[str, Values]:
    harms = run.harms
    values = {
        f"harm_{harm.name}": per_replicate(run, harms[harms["harm"] == harm.name], "expected")
        for harm in Harm
    }
    return values | _lost(run)


def _lost(run: Run) -> dict[str, Values]:
    """Give years of life lost; from the first day of each row, where a run kept no table of them.

    So it is with runs of earlier versions.
    """
    if "years" in run.tables:
        names = {"life_years_lost": "lost", "life_years_lost_3pct": "lost_3pct"}
        return {name: per_replicate(run, run.years, column) for name, column in names.items()}
    deaths = run.harms[run.harms["harm"] == "death"]
    left = ((horizon(run.scenario) - deaths["date"]).dt.days / DAYS_A_YEAR).clip(lower=0)
    lost = pd.DataFrame(
        {
            "replicate": deaths["replicate"],
            "plain": deaths["expected"] * left,
            "discounted": deaths["expected"] * -np.expm1(-DISCOUNT * left) / DISCOUNT,
        }
    )
    return {
        "life_years_lost": per_replicate(run, lost, "plain"),
        "life_years_lost_3pct": per_replicate(run, lost, "discounted"),
    }


def _harm_ratios(run: Run) -> dict[str, Values]:
    harms, flows = run.harms, run.flows
    deaths = per_replicate(run, harms[harms["harm"] == "death"], "expected")
    harmed = per_replicate(run, harms, "expected")
    departed = per_replicate(run, flows[abroad(run, flows)], "departed")
    return {
        "death_rate": 1000 * ratio(deaths, _set_out(run)),
        "humane": np.maximum(1 - ratio(harmed, departed), 0),
    }


def _set_out(run: Run) -> Values:
    """Count people who set out by the channels whose journeys lead through corridors."""
    flows = run.flows
    return per_replicate(run, flows[flows["channel"].isin(["irregular", "asylum"])], "departed")


def counted_harms(run: Run) -> dict[str, Values]:
    """Give the people whom each harm struck, by replicate: the counts behind what is expected.

    Returns:
        By id of `MEASURES`, harms only; none where they were not kept.
    """
    if "harms" not in run.tables:
        return {}
    harms = narrowed(run).harms
    return {
        f"harm_{harm.name}": per_replicate(run, harms[harms["harm"] == harm.name], "people")
        for harm in Harm
    }


def headline_rows(run: Run) -> dict[str, float]:
    """Give the simulated persons on which each headline figure rests, in all replicates together.

    A person counts at every move, and at every risk of a harm; harms rest on no more than those who
    set out through corridors.

    Returns:
        By id of `MEASURES`; NaN for what is about everybody, and for harms that nobody was at risk
        of.
    """
    rows = in_rows(narrowed(run))
    found = {name: float(values.sum()) for name, values in headline_values(rows).items()}
    found["insecurity_years"] = found["secure"] = float("nan")
    most = float(_set_out(rows).sum()) if "flows" in run.tables else float("inf")
    for harm in Harm:
        name = f"harm_{harm.name}"
        if harm is not Harm.forced_return:
            found[name] = min(found[name], most)
        found[name] = found[name] or float("nan")
    return found | {name: sum(found[it] for it in others) for name, others in RESTS_ON.items()}


def insecure_years(run: Run) -> dict[str, Values]:
    """Give insecurity-years by threat, years of life lost as a threat of its own, and their sum.

    They are those of the population of interest.
    """
    run = narrowed(run)
    felt = run.insecurity
    lost = _harms(run)
    values = {
        threat.name: per_replicate(run, felt[felt["threat"] == threat.name], "person_years")
        for threat in Threat
    }
    values["death"] = lost["life_years_lost"]
    total = np.sum(list(values.values()), axis=0)
    return values | {"all": total, "death_3pct": lost["life_years_lost_3pct"]}


def _vital(run: Run) -> dict[str, Values]:
    vital = run.vital
    return {
        name: per_replicate(run, vital[vital["event"] == event], "people")
        for name, event in (("births", "birth"), ("natural_deaths", "death"))
    }


def _insecurity(run: Run) -> dict[str, Values]:
    return {"insecurity_years": per_replicate(run, run.insecurity, "person_years")}


def _secure(run: Run) -> dict[str, Values]:
    felt = per_replicate(run, run.insecurity, "person_years")
    return {"secure": 1 - ratio(felt, len(Threat) * person_years(run))}


def _orderly(run: Run) -> dict[str, Values]:
    flows, stocks = run.flows, run.stocks
    entered = flows[abroad(run, flows)]
    by_leave = entered[entered["channel"].isin(["labour", "family", "home", "free", "relocation"])]
    for_asylum = per_replicate(run, entered[entered["channel"] == "asylum"], "arrived")
    if "years" in run.tables:
        protected, waiting = (
            per_replicate(run, run.years, it) for it in ("as_refugee", "as_claimant")
        )
    else:  # a run of an earlier version
        foreign = stocks[outside(run, stocks)]
        protected, waiting = (
            per_replicate(run, foreign[foreign["status"] == it], "people")
            for it in ("refugee", "claimant")
        )
    decided = np.nan_to_num(ratio(protected, protected + waiting), nan=1.0)
    orderly = per_replicate(run, by_leave, "arrived") + for_asylum * decided
    return {"orderly": ratio(orderly, per_replicate(run, entered, "arrived"))}
