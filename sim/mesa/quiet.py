"""Mesa, imported without side effects.

Importing Mesa below 3.4.1 sets the start method of multiprocessing for the whole process, by force:
what else runs in it, a pool of somebody's own for instance, would start its workers in another way
than before. Here it is put back. Code that imports Mesa itself gets it as Mesa sets it.
"""

from __future__ import annotations

import multiprocessing
from typing import Any


def _imported() -> Any:
    before = multiprocessing.get_start_method(allow_none=True)
    try:
        import mesa
    finally:
        # None: not chosen yet, so that it still can be.
        multiprocessing.set_start_method(before, force=True)
    return mesa


mesa = _imported()
agentset = getattr(mesa, "agentset", mesa.agent)
"""The module of AgentSet and GroupBy, which has a name of its own from Mesa 3.5.1 on."""
