"""Work on rows, shared among threads; kernels release Python's lock and so run in parallel."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import TypeVar

R = TypeVar("R")

FEW_PEOPLE = 1000
"""Number of people below which a second thread is not worth starting."""
FEW_MOVERS = 50
"""The same for work that evaluates every alternative for each person."""
PIECE = 65_536
"""Rows processed at a time where buffers have one entry per row."""


def in_ranges(
    work: Callable[[int, int], R], n: int, threads: int, least: int = 1
) -> list[tuple[int, R]]:
    """Share range(n) among threads; kernels release Python's lock and so run in parallel.

    Serial kernels run in plain Python threads. Numba's own threading layer is not used: it can hang
    or abort when a process forks or two Python threads enter it.

    Args:
        work: Called with (first, last); must only write to its own range.
        n: Number of items.
        threads: Threads to use.
        least: Smallest number of items per thread.

    Returns:
        (first, result of `work`) of every range, in order.
    """
    threads = max(1, min(threads, n // least))
    edges = [n * t // threads for t in range(threads + 1)]
    ranges = [(a, b) for a, b in pairwise(edges) if a < b]
    if len(ranges) < 2:
        return [(a, work(a, b)) for a, b in ranges]
    results = _pool(threads).map(lambda r: work(*r), ranges)
    return [(first, result) for (first, _), result in zip(ranges, results, strict=True)]


def in_pieces(work: Callable[[int, int], R], n: int, threads: int) -> list[R]:
    """Share range(n) among threads in pieces of `PIECE` rows, for work that needs buffers.

    Args:
        work: Called with (first, last); must only write to its own range.
        n: Number of items.
        threads: Threads to use.

    Returns:
        Results of `work` for every piece, in order.
    """

    def walk(first: int, last: int) -> list[R]:
        edges = [*range(first, last, PIECE), last]
        return [work(a, b) for a, b in pairwise(edges)]

    return [part for _, parts in in_ranges(walk, n, threads, FEW_PEOPLE) for part in parts]


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="sim")


if hasattr(os, "register_at_fork"):
    # A forked process has none of its parent's threads, and would wait for them forever.
    os.register_at_fork(after_in_child=_pool.cache_clear)
