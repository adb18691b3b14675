"""How long a sweep will take, and how much disk space: two of its runs, timed."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from sim.experiments import parts
from sim.experiments.plan import Run, Study
from sim.experiments.sweep import Progress, Sweep
from sim.results.store import StoreError


class _Trial(Study):
    """The first run of a sweep twice, then the last: the first time loads what runs need."""

    def __init__(self, study: Study) -> None:
        self.__dict__.update(study.__dict__)

    def runs(self, unit: int) -> list[Run]:  # noqa: ARG002 - there is one unit
        first, last = super().runs(0)[0], super().runs(self.n_units - 1)[-1]
        return [first, first, last]


@dataclass
class Estimate:
    """What a sweep will take."""

    seconds_a_run: float
    seconds: float
    """Wall time of the whole sweep."""
    megabytes: float
    """On disk."""


def estimate(study: Study, jobs: int, progress: Progress) -> Estimate:
    """Time two runs, the first and the last, in a temporary folder that goes again.

    Args:
        study: the sweep.
        jobs: workers it will have.
        progress: called with what is being done.

    Raises:
        ScenarioError: a point cannot be run.
        StoreError: a run fails.
    """
    n = study.n_points
    study.check_points(lambda done: progress(done, n, "checking points"))
    with tempfile.TemporaryDirectory(prefix="sim-sweep-") as name:
        folder = Path(name)
        trial = Sweep(_Trial(study), folder, progress=lambda *_: progress(0, 0, "timing two runs"))
        trial.prepare_folder()
        trial.run_units([0], 0)
        path = parts.summary_path(folder, 0)
        if failed := parts.errors_of(path):
            raise StoreError(
                f"a run fails: {failed[0]['error']}; repeat it: {failed[0]['command']}"
            )
        seconds = parts.seconds_of(path)[1:]
        tables = sum(it.stat().st_size for it in (folder / parts.TABLE_PARTS).rglob("*.parquet"))
        # A summary's part is mostly columns' names and units; its rows are 8 bytes a column.
        rows = study.n_runs * parts.columns_of(path) * 8
        size = path.stat().st_size * study.n_units + rows + 2 * tables / 3 * study.n_runs
    mean = sum(seconds) / len(seconds)
    return Estimate(mean, mean * study.n_runs / min(jobs, study.n_runs), size / 1e6)
