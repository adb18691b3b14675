"""Scores on conflicts in the format of Flee: where people who flee are found, day by day.

The score is Flee's own, the averaged relative difference

    ARD = mean over days of [ sum over camps |simulated - observed| / max(1, sum observed) ]

*Rescaled*, simulated people are first multiplied so that their sum over camps is the observed one:
Flee is given that sum, and only distributes it. Baselines distribute the observed sum too.

Source: Suleimenova, Bell & Groen (2017); FabFlee, validation of instances.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.engine.simulate import Progress, run
from sim.importers.flee import AGENTS, Ids, Instance, read_instance, scenario_text
from sim.importers.flee_counts import read_observed
from sim.results.intervals import Interval, interval
from sim.scenario.reader import read

F64 = NDArray[np.float64]


class Scores(NamedTuple):
    """Scores of one run, or of a baseline."""

    normal: float
    rescaled: float
    total: float
    """Simulated over observed people on the last day."""


@dataclass
class Result:
    """Scores of one instance."""

    name: str
    days: int
    camps: int
    people: int
    """Observed people on the last day."""
    runs: list[Scores]
    """One a replicate."""
    equal: float
    """ARD if each camp had the same number."""
    by_capacity: float
    """ARD if camps had shares by capacity, which is often the most they ever held; NaN without."""
    left_out: list[str]

    def mean(self, of: str) -> Interval:
        """Mean of a score over replicates."""
        return interval(np.array([getattr(it, of) for it in self.runs]), 0.0)


def averaged_relative_difference(simulated: F64, observed: F64) -> float:
    """ARD of people by camp and day; see the head of this file.

    Args:
        simulated, observed: [camp, day].
    """
    apart = np.abs(simulated - observed).sum(axis=0)
    return float((apart / np.maximum(1.0, observed.sum(axis=0))).mean())


def rescaled(simulated: F64, observed: F64) -> F64:
    """Simulated people with the observed sum on each day; without people, none are made up."""
    total = simulated.sum(axis=0)
    return np.asarray(
        simulated * np.where(total > 0, observed.sum(axis=0), 0.0) / np.maximum(total, 1e-9)
    )


def scores(simulated: F64, observed: F64) -> Scores:
    """Score people by camp and day.

    Args:
        simulated, observed: [camp, day].
    """
    return Scores(
        averaged_relative_difference(simulated, observed),
        averaged_relative_difference(rescaled(simulated, observed), observed),
        float(simulated[:, -1].sum() / max(observed[:, -1].sum(), 1.0)),
    )


def in_camps(stocks: pd.DataFrame, instance: Instance, camps: list[str]) -> F64:
    """[camp, day] people from the country at war, between two rows of the table by interpolation.

    Args:
        stocks: the table of one replicate.
        instance: its places and days.
        camps: names.
    """
    ids = Ids(instance)
    ours = stocks[stocks["citizenship"] == ids.countries[instance.origin]]
    table = (
        ours.pivot_table(
            index="date", columns="place", values="people", aggfunc="sum", observed=True
        )
        .reindex(stocks["date"].drop_duplicates().sort_values())
        .fillna(0.0)
    )
    days = (pd.DatetimeIndex(table.index) - pd.Timestamp(instance.start)).days.to_numpy(float)
    every = np.arange(instance.days, dtype=float)
    return np.array([
        np.interp(every, days, table[it].to_numpy(float)) if it in table else np.zeros(len(every))
        for it in (ids.places[camp] for camp in camps)
    ])  # fmt: skip


def validate(
    folder: Path, *, agents: int = AGENTS, replicates: int = 10, capacities: bool = False,
    own: bool = False, seed: int = 1, threads: int = 1, progress: Progress | None = None,
) -> Result:  # fmt: skip
    """Import an instance, run it, and score it beside baselines.

    Args:
        folder: it holds `input_csv` and `source_data`.
        agents: number of simulated persons.
        replicates: runs with seeds of their own.
        capacities: see `scenario_text`.
        own: whether the model decides how many flee; else as many do as were counted.
        seed: of the first replicate.
        threads: threads of a run.
        progress: as of `run`.

    Raises:
        ScenarioError: the instance is malformed.
    """
    instance = read_instance(folder)
    observed = read_observed(folder, instance)
    already = dict(zip(observed.camps, observed.people[:, 0].tolist(), strict=True))
    text = scenario_text(
        instance, agents=agents, capacities=capacities, already=already,
        arrived=None if own else observed.people.sum(axis=0),
    )  # fmt: skip
    with TemporaryDirectory() as folder_of_file:
        file = Path(folder_of_file) / f"{instance.name}.yaml"
        file.write_text(text, encoding="utf-8")
        scenario = read(file)
    record = run(scenario, seed=seed, replicates=replicates, threads=threads, progress=progress)
    runs = [
        scores(in_camps(stocks, instance, observed.camps), observed.people)
        for _, stocks in record.stocks.groupby("replicate", observed=True)
    ]
    total = observed.people.sum(axis=0)
    size = {it.name: float(it.people) for it in instance.camps}
    share = np.array([size[it] for it in observed.camps])
    by_capacity = np.nan
    if share.all():
        by_capacity = averaged_relative_difference(
            np.outer(share / share.sum(), total), observed.people
        )
    equal = np.tile(total / len(observed.camps), (len(observed.camps), 1))
    return Result(
        instance.name, instance.days, len(observed.camps), round(float(total[-1])), runs,
        averaged_relative_difference(equal, observed.people), by_capacity,
        instance.left_out + observed.left_out,
    )  # fmt: skip
