"""A worker that fails on request: `SIM_FAULTS` says of which run, and how."""

from __future__ import annotations

import errno
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from sim.experiments import worker
from sim.results import parquet

FAULTS: dict[str, str] = json.loads(os.environ.get("SIM_FAULTS", "{}"))
"""By run (`all` for every one): `raise`, `hang`, `die`, `slow`, `full`, or a file that is made
before the process dies, so that it dies once only."""


class Faulty(worker.Worker):
    """Does what is asked of it, but for the faults."""

    def __init__(self, job: dict[str, Any], answer: Any) -> None:
        def tell(**content: Any) -> None:
            self.now = content.get("run", self.now)
            answer(**content)

        self.now = -1
        super().__init__(job, tell)

    def run(self, scenario: Any, seed: int) -> Any:
        fault = FAULTS.get(str(self.now), FAULTS.get("all", ""))
        if fault == "raise":
            raise ValueError("a run\nthat raises")
        if fault == "hang":
            time.sleep(3600)
        if fault == "slow":
            time.sleep(0.1)
        if fault == "full":

            def refuse(*_: Any, **__: Any) -> None:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

            parquet.pq.write_table = refuse
        if fault == "die" or (fault.startswith("/") and not Path(fault).exists()):
            if fault != "die":
                Path(fault).touch()
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))  # Windows has no KILL
        return super().run(scenario, seed)


if __name__ == "__main__":
    worker.Worker = Faulty  # type: ignore[misc]
    worker.main()
