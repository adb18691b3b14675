"""Benchmarks: what the engine's speed is measured against. Read `README.md` first."""

import os

# One thread means one: BLAS would start its own for a table's matrix products, and on a busy
# machine they wait for one another at the expense of the time that is measured.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
