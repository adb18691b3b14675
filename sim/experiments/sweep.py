"""Run a sweep: hand units to workers, keep the log, resume where an earlier start ended."""

from __future__ import annotations

import json
import queue
import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sim.core import jit
from sim.core.atomic import PARTIAL, leftovers
from sim.engine.setup import build_world
from sim.engine.simulate import run_world
from sim.engine.solve import solve_base
from sim.experiments import parts
from sim.experiments import plan as plans
from sim.experiments.folder import LOG, SUMMARY, clear, refuse_foreign
from sim.experiments.plan import PLAN, Study
from sim.experiments.process import WORKER, Inbox, Worker, close, send, start
from sim.results.parquet import DamagedError
from sim.results.store import StoreError, hold
from sim.schema import Scenario

TICK: Final = 0.1
"""Seconds between two looks at the clock, where runs have a time limit."""
DEATHS: Final = 2
"""Times that a worker must die in the same run before that run is given up."""
TOOK_LONGER: Final = re.compile(r"took longer than (\S+) s")
"""Error of a run that was ended for its time, with the limit."""
STARTS: Final = 3
"""Workers that may die before they are ready."""
WARM_AGENTS: Final = 2000
"""Rows of the run that compiles the kernels."""
Progress = Callable[[int, int, str], None]


class TooManyFailuresError(Exception):
    """More runs failed than are tolerated; what is done is kept."""


@dataclass
class Outcome:
    """The state of a sweep when a start of it ends."""

    folder: Path
    runs: int
    failures: list[dict[str, Any]]
    """Run, error and command of each failed run."""
    resumed: int
    """Units that were there already."""
    units: int
    seconds: float
    """Wall time of this start."""


@dataclass
class Sweep:
    """One start of a sweep.

    Attributes:
        study: what is to be run.
        folder: where.
        jobs: workers at a time.
        timeout: seconds that a run may take; none: any.
        tolerated: failed runs that are tolerated; none: any number.
        retry_failed: whether runs that failed before are run again. Those that took too long are
            in any case, where they may take longer now.
        progress: called with how far it is.
        say: called with a message about base rates.
        command: what starts a worker.
    """

    study: Study
    folder: Path
    jobs: int = 1
    timeout: float | None = None
    tolerated: float | None = None
    retry_failed: bool = False
    progress: Progress = lambda *_: None
    say: Callable[[str], None] = lambda _: None
    command: Sequence[str] = field(default_factory=lambda: WORKER)
    failures: dict[int, dict[int, str]] = field(default_factory=dict)
    """By unit and run: why it failed."""

    def start(self, fresh: bool = False) -> Outcome:
        """Run what is left of the sweep and put the tables together.

        Raises:
            ScenarioError: a point cannot be run; nothing was written.
            StoreError: the folder holds another sweep, is held by another process, or cannot be
                written.
            TooManyFailuresError: more runs failed than are tolerated.
        """
        clock = time.perf_counter()
        refuse_foreign(self.folder)
        if fresh or not (self.folder / PLAN).exists():
            self._check_points()
        plan = self.study.plan()
        with hold(self.folder) as folder:
            self.folder = folder
            refuse_foreign(folder)
            self._settle(plan, fresh)
            try:
                resumed = self._complete()
            except BaseException as error:
                with suppress(StoreError):
                    self._log(event="stopped", why=f"{type(error).__name__}: {error}".strip(": "))
                raise
            outcome = Outcome(
                folder, self.study.n_runs, self._failed_runs(), resumed, self.study.n_units,
                time.perf_counter() - clock,
            )  # fmt: skip
            self._log(event="done", runs=outcome.runs, failed=len(outcome.failures))
        return outcome

    def _complete(self) -> int:
        """Run what is left and join the parts; a part that proves damaged is made again.

        Returns:
            Units that were there already.
        """
        kept: set[int] | None = None
        damaged: set[Path] = set()
        while True:
            done = self._done(self._is_tried_again if kept is None else lambda _: False)
            kept = set(done) if kept is None else kept & set(done)
            left = [unit for unit in range(self.study.n_units) if unit not in done]
            runs = sum(len(self.study.runs(unit)) for unit in done)
            self._log(
                event="resumed" if done else "started", unit=len(done),
                first=left[0] if left else None, runs=runs, left=len(left), jobs=self.jobs,
            )  # fmt: skip
            if left:
                for path in self._assembled:
                    path.unlink(missing_ok=True)  # a repeated run may give another result
                self.run_units(left, runs)
            if not left and all(parts.rows_of(path) is not None for path in self._assembled):
                return len(kept)
            self.progress(0, 0, "putting the tables together")
            try:
                self._assemble()
            except parts.DamagedPartError as error:
                if error.path in damaged:
                    raise StoreError(f"{error.path} is damaged again: see to the disk") from error
                damaged.add(error.path)
                self._tell_damage(error.path)
                error.path.unlink(missing_ok=True)
            else:
                return len(kept)

    def _tell_damage(self, path: Path) -> None:
        name = path.relative_to(self.folder)
        self.say(f"{name} is damaged: its runs are run again")

    def _is_tried_again(self, error: str) -> bool:
        """Whether a run that failed is to be run again: all are, or it may take longer now."""
        late = TOOK_LONGER.fullmatch(error)
        longer = late is not None and (self.timeout is None or self.timeout > float(late[1]))
        return self.retry_failed or longer

    def _check_points(self) -> None:
        n = self.study.n_points
        self.study.check_points(lambda done: self.progress(done, n, "checking points"))

    def _settle(self, plan: dict[str, Any], fresh: bool) -> None:
        """Write the plan, or find the folder's to be the same.

        Raises:
            StoreError: the folder holds another sweep.
        """
        there = None if fresh else plans.read(self.folder)
        if there is not None:
            lines = plans.differences(there, plan)
            if lines:
                raise StoreError(
                    f"{self.folder} holds another sweep:\n  " + "\n  ".join(lines) + "\n"
                    "choose another folder with --out, or start again with --fresh, "
                    "which removes its runs"
                )
        try:
            if there is None:
                clear(self.folder)
            self.prepare_folder()
        except OSError as error:
            raise parts.cannot_write(self.folder, error) from error
        if there is None:
            plans.write(self.folder, plan)
        if told := plans.tell_rates(there or plan):
            self.say(told)

    def prepare_folder(self) -> None:
        """Make the folders of parts, and remove what processes that died have left there."""
        for path in (self.folder / PLAN, *self._assembled):
            for left in leftovers(path):
                left.unlink(missing_ok=True)
        for name in (parts.PARTS, *(f"{parts.TABLE_PARTS}/{it}" for it in self._tables)):
            inside = self.folder / name
            inside.mkdir(parents=True, exist_ok=True)
            for left in inside.glob(f".*{PARTIAL}"):
                left.unlink(missing_ok=True)

    @property
    def _tables(self) -> tuple[str, ...]:
        return self.study.sweep.tables

    def _done(self, again: Callable[[str], bool]) -> set[int]:
        """Return the units whose parts are whole, and note their failures.

        Args:
            again: tells by its error whether a failed run is to be run again.
        """
        done, self.failures = set[int](), {}
        columns = parts.summary_columns(self.study.design.factors, self.study.sweep.metrics)
        for unit in range(self.study.n_units):
            path = parts.summary_path(self.folder, unit)
            runs = [it.run for it in self.study.runs(unit)]
            if not path.exists():
                continue
            try:
                failed = {it["run"]: it["error"] for it in parts.errors_of(path)}
            except DamagedError:
                self._tell_damage(path)
                continue
            except OSError as error:
                raise parts.cannot_read(path, error) from error
            if any(map(again, failed.values())) or not parts.is_of(path, runs, columns):
                continue
            tables = [parts.table_path(self.folder, name, unit) for name in self._tables]
            if len(failed) < len(runs) and any(parts.rows_of(it) is None for it in tables):
                continue
            done.add(unit)
            if failed:
                self.failures[unit] = failed
        return done

    # Running

    def run_units(self, left: list[int], n_done: int) -> None:
        """Run units until none is left.

        Args:
            left: the units.
            n_done: runs that were there before.
        """
        self.progress(n_done, self.study.n_runs, "starting")
        self._prepare()
        self._pending = deque(left)
        self._prepared: dict[int, str] = {}
        self._n_done, self._n_failed = n_done, sum(map(len, self.failures.values()))
        self._deaths: dict[tuple[int, int | None], int] = {}
        self._starts = 0
        self._began, self._n_before = time.monotonic(), n_done
        self._give_up_if_too_many("")
        self._inbox: Inbox = queue.SimpleQueue()
        self._workers: list[Worker] = []
        try:
            for _ in range(min(self.jobs, len(left))):
                self._start_worker()
            while self._workers:
                try:
                    worker, message = self._inbox.get(timeout=TICK if self.timeout else 1.0)
                except queue.Empty:
                    self._show()
                else:
                    self._handle(worker, message)
                self._stop_late()
                if len(self._prepared) < self.jobs and (unit := self._unprepared()) is not None:
                    self._prepared[unit] = self._request(unit)
        finally:
            for worker in self._workers:
                worker.process.kill()
            for worker in self._workers:
                close(worker)

    def _prepare(self) -> None:
        """Compile what runs need, once, and solve the base rates, where all points share them."""
        if not jit.is_compiled():
            self.progress(0, 0, "compiling, first run only")
            small = min(WARM_AGENTS, self.study.base.population.agents)
            few = self.study.file.variant([f"population.agents={small}"])
            run_world(build_world(solve_base(few, few), few.seed), 0, 1, None)
        self._base = self.study.rated
        if self.study.sweep.rates == "base":
            self._base = solve_base(self._base, self._base)

    def _start_worker(self) -> None:
        """Start a worker, and tell it what all units share."""
        worker = start(self.command, self._inbox)
        self._workers.append(worker)
        sweep = self.study.sweep
        job = {
            "folder": str(self.folder),
            "tables": list(sweep.tables),
            "metrics": {
                name: it.model_dump(mode="json", exclude_none=True)
                for name, it in sweep.metrics.items()
            },
            "factors": self.study.kinds,
            "units": self.study.units,
        }
        send(worker, json.dumps(job))

    def _unprepared(self) -> int | None:
        """Return the next unit whose request is not made yet."""
        ahead = list(self._pending)[: self.jobs] if len(self._pending) else []
        return next((unit for unit in ahead if unit not in self._prepared), None)

    def _scenario(self, point: int) -> Scenario:
        """Return a point's scenario; with its base rates, unless the worker has to solve them."""
        found = self.study.variant(point)
        return solve_base(found, self._base) if self.study.sweep.rates == "base" else found

    def _request(self, unit: int) -> str:
        """Return the request for a unit: its runs, and the whole scenario of each of its points."""
        runs = self.study.runs(unit)
        points = self.study.design.points
        scenarios: dict[int, Scenario] = {
            point: self._scenario(point) for point in dict.fromkeys(run.point for run in runs)
        }
        return json.dumps(
            {
                "unit": unit,
                "runs": [
                    {
                        "run": run.run,
                        "point": run.point,
                        "replicate": run.replicate,
                        "seed": run.seed,
                        "values": points[run.point].values,
                        "command": self.study.command(run, self.folder),
                    }
                    for run in runs
                ],
                "scenarios": {
                    point: it.model_dump_json(by_alias=True) for point, it in scenarios.items()
                },
                "failed": self.failures.get(unit, {}),
            }
        )

    def _hand_out(self, worker: Worker) -> None:
        """Give a worker its next unit, or nothing more to do."""
        worker.run, worker.ran = None, 0
        if not self._pending:
            worker.unit = None
            with suppress(OSError):
                worker.process.stdin.close()  # type: ignore[union-attr]
            return
        unit = self._pending.popleft()
        worker.unit = unit
        send(worker, self._prepared.pop(unit, "") or self._request(unit))

    def _handle(self, worker: Worker, message: dict[str, Any] | None) -> None:
        """Act on a worker's answer; None: it has ended."""
        if message is None:
            self._replace(worker)
        elif "fault" in message:
            raise (RuntimeError if message["ours"] else StoreError)(message["fault"])
        elif "ready" in message:
            worker.ready, self._starts = True, 0
            self._hand_out(worker)
        elif "ran" in message:
            worker.run = None
            worker.ran += 1
            if message["error"] is not None:
                self._fail(worker, message["ran"], message["error"])
        elif "run" in message:
            worker.run, worker.since = message["run"], time.monotonic()
        else:
            unit = message.pop("unit")
            self._n_done += len(self.study.runs(unit))
            self._log(event="unit", unit=unit, done=self._n_done, **message)
            self._hand_out(worker)
        self._show()

    def _fail(self, worker: Worker, run: int, error: str) -> None:
        """Note a failed run, and give up where too many are.

        Raises:
            TooManyFailuresError: more failed than are tolerated.
        """
        unit = worker.unit if worker.unit is not None else -1
        failed = self.failures.setdefault(unit, {})
        if run not in failed:
            self._n_failed += 1
            failed[run] = error
            own = next(it for it in self.study.runs(unit) if it.run == run)
            self._log(
                event="failed", run=run, error=error, command=self.study.command(own, self.folder)
            )
        self._give_up_if_too_many(f"; the last: {error}")

    def _give_up_if_too_many(self, last: str) -> None:
        if self.tolerated is not None and self._n_failed > self.tolerated:
            raise TooManyFailuresError(
                f"stopped, since {self._n_failed} runs failed{last}; "
                "the same command with another --max-failures resumes"
            )

    def _stop_late(self) -> None:
        """End workers whose run takes too long."""
        if self.timeout is None:
            return
        now = time.monotonic()
        for worker in self._workers:
            late = worker.run is not None and now - worker.since > self.timeout
            if late and worker.verdict is None:
                worker.verdict = f"took longer than {self.timeout:.15g} s"
                worker.process.kill()

    def _replace(self, worker: Worker) -> None:
        """Put back the unit of a worker that has ended, and start another worker.

        Raises:
            StoreError: workers cannot even start.
        """
        self._workers.remove(worker)
        code, said = close(worker)
        unit, run = worker.unit, worker.run
        if unit is None:
            if worker.ready:
                return  # it was told to end
            self._starts += 1
            if self._starts >= STARTS:
                raise StoreError(f"workers end before they begin (code {code}): {said}")
        else:
            how = f"signal {-code}" if code < 0 else f"code {code}"
            self._log(event="worker", unit=unit, run=run, ended=worker.verdict or how, said=said)
            at = (unit, run)
            if worker.verdict is None:  # a run that we ended says nothing about its unit
                self._deaths[at] = self._deaths.get(at, 0) + 1
            if run is None and self._deaths.get(at, 0) > DEATHS:
                raise StoreError(f"workers end while they write unit {unit} ({how}): {said}")
            if run is not None and worker.verdict is not None:
                self._fail(worker, run, worker.verdict)
            elif run is not None and self._deaths[at] >= DEATHS:
                self._fail(worker, run, f"its process ended with {how}, twice")
            # The failure has to stand in the unit's request.
            self._prepared.pop(unit, None)
            self._pending.appendleft(unit)
        self._start_worker()

    def _show(self) -> None:
        """Say how far the sweep is."""
        done = self._n_done + sum(it.ran for it in self._workers)
        rate = (done - self._n_before) / max(time.monotonic() - self._began, 1e-9)
        text = f"{done:,} of {self.study.n_runs:,} runs, {_rate(rate)}, {self._n_failed} failed"
        self.progress(done, self.study.n_runs, text)

    # What is kept

    @property
    def _assembled(self) -> list[Path]:
        """Files of whole tables."""
        names = [SUMMARY, *(f"{parts.TABLE_PARTS}/{it}.parquet" for it in self._tables)]
        return [self.folder / name for name in names]

    def _assemble(self) -> None:
        """Join the parts, ordered by run."""
        units = range(self.study.n_units)
        for name in self._tables:
            paths = [parts.table_path(self.folder, name, unit) for unit in units]
            target = self.folder / parts.TABLE_PARTS / f"{name}.parquet"
            parts.assemble([it for it in paths if it.exists()], target)
        # The time of a run is not a result: with it, equal sweeps would differ.
        paths = [parts.summary_path(self.folder, unit) for unit in units]
        parts.assemble(paths, self.folder / SUMMARY, without=("seconds",))

    def _failed_runs(self) -> list[dict[str, Any]]:
        """Return run, error and command of each failed run, by run."""
        return [
            row
            for unit in sorted(unit for unit, failed in self.failures.items() if failed)
            for row in parts.errors_of(parts.summary_path(self.folder, unit))
        ]

    def _log(self, **content: Any) -> None:
        """Add a line to the log."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        path = self.folder / LOG
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"time": now, **content}) + "\n")
        except OSError as error:
            raise parts.cannot_write(path, error) from error


def _rate(rate: float) -> str:
    """Write the rate of runs in a suitable unit of time."""
    for per, seconds in (("second", 1), ("minute", 60), ("hour", 3600)):
        if rate * seconds >= 1:
            return f"{rate * seconds:.3g} a {per}"
    return f"{rate * 86_400:.2g} a day"
