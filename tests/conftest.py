"""Settings that every test shares."""

from __future__ import annotations

import os

from hypothesis import settings

# Pictures are drawn without a screen, in this process and in those that tests start.
os.environ.setdefault("MPLBACKEND", "Agg")

# No deadline, because machines differ; the same examples every time, because CI has to repeat.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")
