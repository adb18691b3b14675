"""Work on rows, shared among threads; kernels release the lock, so that they run at once."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import TypeVar

R = TypeVar("R")

FEW_PEOPLE = 1000
"""People whom one thread is done with before another has begun."""
FEW_MOVERS = 50
"""The same of people for whom every alternative is looked at."""
PIECE = 65_536
"""People done at one go where a buffer has to have room for all of them."""


def in_ranges(
    work: Callable[[int, int], R], n: int, threads: int, least: int = 1
) -> list[tuple[int, R]]:
    """Share range(n) among threads; kernels release the lock, so they run at once.

    Serial kernels in plain threads need no threading layer of numba's, which hangs or aborts when
    a process forks or two Python threads enter it.

    Args:
        work: Called with (first, last); must write to places of its own only.
        n: Number of items.
        threads: Threads to use.
        least: Items that are worth a thread.

    Returns:
        (first, what `work` returned) of every range, in order.
    """
    threads = max(1, min(threads, n // least))
    edges = [n * t // threads for t in range(threads + 1)]
    ranges = [(a, b) for a, b in pairwise(edges) if a < b]
    if len(ranges) < 2:
        return [(a, work(a, b)) for a, b in ranges]
    results = _pool(threads).map(lambda r: work(*r), ranges)
    return [(first, result) for (first, _), result in zip(ranges, results, strict=True)]


def in_pieces(work: Callable[[int, int], R], n: int, threads: int) -> list[R]:
    """Share range(n) among threads in pieces of `PIECE`, for work whose buffers are as long.

    Args:
        work: Called with (first, last); must write to places of its own only.
        n: Number of items.
        threads: Threads to use.

    Returns:
        What `work` returned of every piece, in order.
    """

    def walk(first: int, last: int) -> list[R]:
        edges = [*range(first, last, PIECE), last]
        return [work(a, b) for a, b in pairwise(edges)]

    return [part for _, parts in in_ranges(walk, n, threads, FEW_PEOPLE) for part in parts]


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="sim")


if hasattr(os, "register_at_fork"):
    # A fork has none of its parent's threads: it would wait for them for ever.
    os.register_at_fork(after_in_child=_pool.cache_clear)
