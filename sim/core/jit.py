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
from functools import cache, update_wrapper
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])

ROOT = Path(__file__).parents[1]
RIM = frozenset(["__main__.py", "cli", "plots", "report", "mesa"])
"""What shows results and has no part in them."""
KEPT_DAYS = 30
"""Cache folders of other versions are pruned after this many days unused."""


@cache
def fingerprint() -> str:
    """Hash of all that compiled code depends on: kernel sources, versions, processor.

    Where the sources lie counts too, since numba files compiled code by their path.
    """
    digest = hashlib.blake2b(str(ROOT).encode(), digest_size=8)
    for path in sorted(it for room in ("core", "kernels") for it in (ROOT / room).glob("*.py")):
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
    from importlib.metadata import version

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


@cache
def is_cached() -> bool:
    """Whether compiled code is kept; where no folder can be written, every process compiles."""
    folder = cache_folder()
    if not _writable(folder):
        return False
    _prune(folder)
    return True


class Kernel:
    """A function that is compiled when it is first called, or first used by another kernel.

    So modules with kernels can be imported without numba, by those who only read what they declare.

    Attributes:
        py_func: The function as it is written.
    """

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        self.py_func = function
        self.options = options
        self._compiled: Any = None
        update_wrapper(self, function)

    def compiled(self) -> Any:
        """Make numba's dispatcher; the function itself where nothing is to be compiled."""
        with _COMPILING:  # two threads would make two, and compile twice
            if self._compiled is None:
                self._compiled = _compile(self.py_func, **self.options)
        return self._compiled

    def __call__(self, *args: Any) -> Any:
        """Call the compiled function."""
        return (self._compiled or self.compiled())(*args)

    @property
    def _numba_type_(self) -> Any:
        """What numba takes this object for in the code of other kernels."""
        return self.compiled()._numba_type_


_COMPILING = RLock()


def _compile(function: Callable[..., Any], **options: Any) -> Any:
    """Make numba's dispatcher, with the cache folder set around it and then put back."""
    import numba

    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(cache_folder()) if is_cached() else before
    try:
        return numba.njit(cache=is_cached(), nogil=True, error_model="numpy", **options)(function)
    finally:
        numba.config.CACHE_DIR = before


def _kernel(function: F, **options: Any) -> F:
    return cast("F", Kernel(function, options))


def equation(function: F) -> F:
    """Compile a scalar equation to be called from kernels."""
    return _kernel(function)


def inner(function: F) -> F:
    """Compile a piece of a kernel that reads arrays; compiled, it cannot be called from Python.

    Without wrappers for Python callers it compiles in a third of the time. It is always inlined,
    since a call would copy a hundred words of array headers, and it must not allocate: without
    reference counting it runs a tenth faster (`_nrt` is numba's own switch for that).
    """
    return _kernel(
        function, no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True, _nrt=False
    )


def subkernel(function: F) -> F:
    """Compile a loop over arrays that kernels call; compiled, it cannot be called from Python.

    Without the wrapper for Python callers, which takes every table apart, it compiles sooner.
    """
    return _kernel(function, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def kernel(function: F) -> F:
    """Compile a serial loop over arrays."""
    return _kernel(function, no_cfunc_wrapper=True)
