"""Starts a sweep with the faulty worker, in a process that can be killed: FILE DIR JOBS."""

from __future__ import annotations

import sys
from pathlib import Path

from sim.experiments.plan import Study
from sim.experiments.sweep import Sweep

if __name__ == "__main__":
    source, folder, jobs = sys.argv[1:]
    worker = (sys.executable, str(Path(__file__).with_name("faulty_worker.py")))
    Sweep(Study(source), Path(folder), jobs=int(jobs), command=worker).start()
