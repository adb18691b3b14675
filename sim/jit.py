"""How kernels are compiled, and where the compiled code is kept.

Numba keys its cache on the kernel's own file alone, so an edited equation in another file would
silently give old numbers. The cache folder's name therefore carries a hash of every file that a
kernel may read (an import contract guarantees that there are no others) and of the versions.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R")

ROOT = Path(__file__).parent
RIM = frozenset(["__main__.py", "cli.py", "console.py", "view"])
"""What shows results and has no part in them."""
FEW_PEOPLE = 1000
"""People whom one thread is done with before another has begun."""
FEW_MOVERS = 50
"""The same of people for whom every alternative is looked at."""
PIECE = 65_536
"""People done at one go where a buffer has to have room for all of them."""
KEPT_DAYS = 30
"""Cache folders of other versions are pruned after this many days unused."""


@cache
def fingerprint() -> str:
    """Hash of all that compiled code depends on: kernel sources, versions, processor.

    Where the sources lie counts too, since numba files compiled code by their path.
    """
    digest = hashlib.blake2b(str(ROOT).encode(), digest_size=8)
    files = [ROOT / name for name in ("terms.py", "rng.py", "jit.py", "state.py", "network.py")]
    for path in [*files, *sorted((ROOT / "kernels").glob("*.py"))]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    digest.update(_beneath())
    return digest.hexdigest()


@cache
def code_hash() -> str:
    """Hash of all that shapes a result: our own code but for the rim, versions, processor.

    Unlike compiled code, results do not depend on where the sources lie.
    """
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT)
        if name.parts[0] not in RIM:
            digest.update(name.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    digest.update(_beneath())
    return digest.hexdigest()


def _beneath() -> bytes:
    """Name what lies beneath our code: versions and processor."""
    versions = b"".join(version(name).encode() + b"\0" for name in ("numba", "numpy"))
    machine = f"{sys.version_info[:3]}{platform.machine()}{platform.processor()}"
    return versions + machine.encode()


def cache_folder() -> Path:
    """Folder of this version's compiled kernels (`SIM_CACHE_DIR` overrides its parent)."""
    parent = os.environ.get("SIM_CACHE_DIR")
    if parent is None:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        parent = str(Path(base) / "human-security-sim")
    return Path(parent) / fingerprint()


def is_compiled() -> bool:
    """Whether kernels of this very version lie in the cache already."""
    try:
        return any(cache_folder().rglob("*.nbi"))
    except OSError:
        return False


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _prune(folder: Path) -> None:
    """Remove sibling caches that nobody has used for `KEPT_DAYS`."""
    limit = time.time() - KEPT_DAYS * 86_400
    try:
        os.utime(folder)
        for other in folder.parent.iterdir():
            if other != folder and other.is_dir() and other.stat().st_mtime < limit:
                shutil.rmtree(other, ignore_errors=True)
    except OSError:
        return


def _usable() -> bool:
    folder = cache_folder()
    if not _writable(folder):
        return False
    _prune(folder)
    return True


CACHED = _usable()
"""False where no cache folder can be written: kernels are then compiled in every process."""


def _compile(function: F, **options: Any) -> F:
    """Compile with the cache folder set around this one decoration and then put back."""
    import numba

    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(cache_folder()) if CACHED else before
    try:
        decorated = numba.njit(cache=CACHED, nogil=True, error_model="numpy", **options)(function)
    finally:
        numba.config.CACHE_DIR = before
    return cast("F", decorated)


def equation(function: F) -> F:
    """Compile a scalar equation to be called from kernels."""
    return _compile(function)


def inner(function: F) -> F:
    """Compile a piece of a kernel that reads arrays; compiled, it cannot be called from Python.

    Without wrappers for Python callers it compiles in a third of the time. It is always inlined,
    since a call would copy a hundred words of array headers, and it must not allocate: without
    reference counting it runs a tenth faster (`_nrt` is numba's own switch for that).
    """
    return _compile(
        function, no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True, _nrt=False
    )


def subkernel(function: F) -> F:
    """Compile a loop over arrays that kernels call; compiled, it cannot be called from Python.

    Without the wrapper for Python callers, which takes every table apart, it compiles sooner.
    """
    return _compile(function, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def kernel(function: F) -> F:
    """Compile a serial loop over arrays."""
    return _compile(function, no_cfunc_wrapper=True)


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
