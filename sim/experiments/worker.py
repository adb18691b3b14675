"""A process that runs units of a sweep: `python -m sim.experiments.worker`.

It reads requests and writes answers, one JSON document a line. Its first request says what to keep
and where; each further one is a unit, answered run by run. When its parent is gone the pipe closes,
and the worker ends at once.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    import pandas as pd

    from sim.engine.recorder import Recorder
    from sim.schema import Scenario


class Worker:
    """What a worker keeps from one unit to the next; nothing in it grows."""

    def __init__(self, job: dict[str, Any], answer: Callable[..., None]) -> None:
        """Import what runs need, and note what to keep.

        Args:
            job: `folder`, and the sweep's `tables`, `metrics`, `factors` and `units`.
            answer: sends an answer.
        """
        from sim.schema import Metric

        self.folder = Path(job["folder"])
        self.tables: list[str] = job["tables"]
        self.metrics = {key: Metric.model_validate(it) for key, it in job["metrics"].items()}
        self.factors: dict[str, str] = job["factors"]
        self.units: dict[str, str] = job["units"]
        self.answer = answer

    def run(self, scenario: Scenario, seed: int) -> Recorder:
        """Run once.

        Args:
            scenario: resolved; its base rates are solved on it, if it does not state them.
            seed: seed of the run.
        """
        from sim.engine.setup import build_world
        from sim.engine.simulate import run_world
        from sim.engine.solve import solve_base

        scenario = solve_base(scenario, scenario)
        return run_world(build_world(scenario, seed), 0, 1, None)

    def do(self, request: dict[str, Any]) -> None:
        """Run a unit and write its parts, the summary last.

        Args:
            request: `unit`, `runs` (run, point, values, replicate, seed, command), `scenarios` by
                point, and `failed`: what is known to fail, by run.
        """
        from sim.scenario.whole import Scenario

        scenarios = {
            point: Scenario.model_validate_json(text)
            for point, text in request["scenarios"].items()
        }
        runs: list[dict[str, Any]] = request["runs"]
        kept: list[tuple[dict[str, Any], Recorder]] = []
        for run in runs:
            run["error"], run["seconds"] = request["failed"].get(str(run["run"])), None
            if run["error"] is not None:
                continue
            self.answer(run=run["run"])
            start = time.perf_counter()
            try:
                kept.append((run, self.run(scenarios[str(run["point"])], run["seed"])))
            except Exception as error:
                run["error"] = " ".join(f"{type(error).__name__}: {error}".split())
            run["seconds"] = time.perf_counter() - start
            self.answer(ran=run["run"], error=run["error"])
        size = self._write(request["unit"], runs, kept)
        self.answer(unit=request["unit"], bytes=size, megabytes=_megabytes())

    def _write(
        self, unit: int, runs: list[dict[str, Any]], kept: list[tuple[dict[str, Any], Recorder]]
    ) -> int:
        """Take the figures of a unit's runs and write its parts.

        Returns:
            Bytes written.
        """
        import pyarrow as pa

        from sim.experiments import parts
        from sim.results.tables import money_unit

        size = 0
        figures: dict[int, dict[str, float]] = {}
        pieces: dict[str, list[Any]] = {}
        for scenario, members, tables in _groups(kept):
            figures |= self._figures(scenario, members, tables)
            money = money_unit(scenario)
            for name in self.tables:
                table = parts.run_table(name, tables[name], members, money)
                pieces.setdefault(name, []).append(table)
        for name, some in pieces.items():
            table = pa.concat_tables(some)
            if len(some) > 1:
                table = table.take(pa.array(table.column("run").to_numpy().argsort(kind="stable")))
            size += parts.write(table, parts.table_path(self.folder, name, unit))
        size += parts.write(self._summary(runs, figures), parts.summary_path(self.folder, unit))
        return size

    def _figures(
        self, scenario: Scenario, members: list[dict[str, Any]], tables: dict[str, pd.DataFrame]
    ) -> dict[int, dict[str, float]]:
        """Return the headline figures and metrics of runs that are taken as replicates."""
        from sim.experiments import metrics
        from sim.results.measures import headline_values
        from sim.results.record import Record

        manifest = {"replicates": len(members)}
        record = Record(scenario=scenario, seed=0, manifest=manifest, tables=tables)
        headline = headline_values(record)
        values = {
            name: metrics.figures(record, metric, headline) for name, metric in self.metrics.items()
        } | headline
        columns = {name: array.tolist() for name, array in values.items()}
        return {
            run["run"]: {name: column[i] for name, column in columns.items()}
            for i, run in enumerate(members)
        }

    def _summary(self, runs: list[dict[str, Any]], figures: dict[int, dict[str, float]]) -> Any:
        """Return a unit's summary rows."""
        from sim.experiments import parts
        from sim.results.measures import MEASURES

        columns: dict[str, list[Any]] = {
            name: [run[name] for run in runs] for name in ("run", "point", "replicate", "seed")
        }
        for i, name in enumerate(self.factors):
            columns[name] = [run["values"][i] for run in runs]
        for name in (*self.metrics, *MEASURES):
            columns[name] = [figures.get(run["run"], {}).get(name) for run in runs]
        columns["seconds"] = [run["seconds"] for run in runs]
        columns["error"] = [run["error"] for run in runs]
        columns["command"] = [run["command"] if run["error"] is not None else None for run in runs]
        return parts.summary_table(columns, self.factors, self.units)


def _groups(
    kept: list[tuple[dict[str, Any], Recorder]],
) -> Iterator[tuple[Scenario, list[dict[str, Any]], dict[str, pd.DataFrame]]]:
    """Yield runs whose figures can be taken together, as those of replicates are.

    Taken one by one, the figures of short runs would cost as much as the runs.

    Yields:
        (scenario of the first, the runs, their tables with the position in them as `replicate`).
    """
    import numpy as np

    groups: dict[Any, list[tuple[dict[str, Any], Recorder]]] = {}
    for run, recorder in kept:
        groups.setdefault(_alike(recorder.scenario), []).append((run, recorder))
    for members in groups.values():
        recorders = [recorder for _, recorder in members]
        first = recorders[0]
        counts = {
            name: [sum(len(row["date"]) for row in it.rows[name]) for it in recorders]
            for name in first.rows
        }
        first.rows = {
            name: [row for it in recorders for row in it.rows[name]] for name in first.rows
        }
        tables = first.frames(0)
        for name, frame in tables.items():
            frame["replicate"] = np.repeat(np.arange(len(recorders)), counts[name])
        yield first.scenario, [run for run, _ in members], tables


def _alike(scenario: Scenario) -> tuple[Any, ...]:
    """Return what runs share whose figures can be taken together: days, and what words mean."""
    return (
        scenario.time,
        scenario.outputs,
        scenario.money,
        tuple((it.id, it.country) for it in scenario.places),
        tuple(it.id for it in scenario.countries),
        tuple(it.id for it in scenario.groups),
        tuple(it.id for it in scenario.corridors),
        tuple(it.id for it in scenario.interventions),
    )


def _megabytes() -> float | None:
    """Return the memory that this process has now, in MB; None where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return None
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


def _listen(stream: TextIO, requests: queue.SimpleQueue[str]) -> None:
    """Pass lines on; end the process when there will be no more."""
    for line in stream:
        requests.put(line)
    os._exit(0)


def main() -> None:
    """Answer requests until the pipe closes."""
    warnings.simplefilter("ignore")  # as in the parent
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # so that nothing else that prints mixes with the answers
    requests: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin, requests), daemon=True).start()

    def answer(**content: Any) -> None:
        try:
            answers.write(json.dumps(content) + "\n")
            answers.flush()
        except OSError:
            os._exit(0)  # the parent is gone

    # Kernels and libraries are loaded while the parent prepares the first unit.
    worker = Worker(json.loads(requests.get()), answer)
    import sim.engine.simulate
    import sim.experiments.parts  # noqa: F401

    answer(ready=True)
    while True:
        request = json.loads(requests.get())
        try:
            worker.do(request)
        except Exception as error:
            said = " ".join(str(error).split()) or type(error).__name__
            ours = type(error).__name__ != "StoreError"
            answer(fault=f"{type(error).__name__}: {said}" if ours else said, ours=ours)


if __name__ == "__main__":
    main()
