"""Compiles kernels, and chooses the cache folder of the compiled code.

Numba checks only the kernel's own file when it reads its cache, so an edited equation in another
file would silently give old results. The name of the cache folder therefore contains a hash of
versions and of all files that kernels may import (an import contract enforces this).
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
from typing import Any, Final, TypeVar, cast

from sim.core.paths import home, user_path

F = TypeVar("F", bound=Callable[..., Any])

ROOT = Path(__file__).parents[1]
RIM = frozenset(["__main__.py", "cli", "plots", "report", "mesa", "importers", "validation"])
"""Parts of the package that write scenarios or present results, but do not affect a run."""
KEPT_DAYS = 30
"""Cache folders of other versions are removed if unused for this many days."""
OURS: Final = "human-security-sim"
"""Folder of ours, below the one that the environment names: nothing else in that is touched."""
MARKER: Final = "CACHEDIR.TAG"
"""File that shows that a folder is a cache of ours. Backup programs know it by its first line."""
MARKED: Final = (
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# Compiled code of human-security-sim. It is made again if it is removed.\n"
)


@cache
def fingerprint() -> str:
    """Hash of everything that compiled code depends on: kernel sources, versions, processor.

    The path of the sources is included, because numba's cache depends on it.
    """
    digest = hashlib.blake2b(str(ROOT).encode(), digest_size=8)
    for path in sorted(
        it for package in ("core", "kernels") for it in (ROOT / package).glob("*.py")
    ):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    digest.update(_beneath())
    return digest.hexdigest()


@cache
def code_hash() -> str:
    """Hash of everything that affects results: our code except `RIM`, versions, processor.

    Unlike compiled code, results do not depend on the path of the sources.
    """
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT)
        if name.parts[0] not in RIM:
            digest.update(name.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    digest.update(_beneath())
    return digest.hexdigest()


def _beneath() -> bytes:
    """Versions and processor, as bytes to be hashed."""
    from importlib.metadata import version

    versions = b"".join(version(name).encode() + b"\0" for name in ("numba", "numpy"))
    machine = f"{sys.version_info[:3]}{platform.machine()}{platform.processor()}"
    return versions + machine.encode()


def cache_folder() -> Path | None:
    """Folder of this version's compiled kernels; None where there is no home to keep it in.

    It is in a folder of our own below `SIM_CACHE_DIR`, otherwise below `XDG_CACHE_HOME`, otherwise
    below `~/.cache`. A variable that is empty is not set.
    """
    named = os.environ.get("SIM_CACHE_DIR")
    # A relative XDG_CACHE_HOME is to be ignored, by the standard that defines it.
    shared = user_path(os.environ.get("XDG_CACHE_HOME") or "")
    if named:
        parent = user_path(named).absolute()
    elif shared.is_absolute():
        parent = shared
    elif (own := home()) is not None:
        parent = own / ".cache"
    else:
        return None
    return parent / OURS / fingerprint()


def is_compiled() -> bool:
    """Whether the cache already holds compiled kernels of exactly this version."""
    folder = cache_folder()
    try:
        return folder is not None and any(folder.rglob("*.nbi"))
    except OSError:
        return False


def _made(folder: Path) -> bool:
    """Make a cache folder with its marker; whether something can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        if not _is_marked(folder):
            (folder / MARKER).write_bytes(MARKED.encode())
    except OSError:
        return False
    return True


def _is_marked(folder: Path) -> bool:
    try:
        return (folder / MARKER).read_bytes() == MARKED.encode()
    except OSError:
        return False


def _prune(folder: Path) -> None:
    """Remove caches of other versions that were not used for `KEPT_DAYS`."""
    limit = time.time() - KEPT_DAYS * 86_400
    try:
        os.utime(folder)
        for other in folder.parent.iterdir():
            if other != folder and _is_marked(other) and other.stat().st_mtime < limit:
                shutil.rmtree(other, ignore_errors=True)
    except OSError:
        return


@cache
def is_cached() -> bool:
    """Whether compiled code is cached; if no folder is writable, every process compiles."""
    folder = cache_folder()
    if folder is None or not _made(folder):
        return False
    _prune(folder)
    return True


class Kernel:
    """A function that is compiled when it is first called, or first used by another kernel.

    Modules with kernels can therefore be imported without loading numba.

    Attributes:
        py_func: The original Python function.
    """

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        self.py_func = function
        self.options = options
        self._compiled: Any = None
        update_wrapper(self, function)

    def compiled(self) -> Any:
        """Make numba's dispatcher; the plain function if numba is switched off."""
        with _COMPILING:  # otherwise two threads could both compile it
            if self._compiled is None:
                self._compiled = _compile(self.py_func, **self.options)
        return self._compiled

    def __call__(self, *args: Any) -> Any:
        """Call the compiled function."""
        return (self._compiled or self.compiled())(*args)

    @property
    def _numba_type_(self) -> Any:
        """The type by which numba treats this object when other kernels call it."""
        return self.compiled()._numba_type_


_COMPILING = RLock()


def _compile(function: Callable[..., Any], **options: Any) -> Any:
    """Make numba's dispatcher; numba's cache folder is set meanwhile, and then restored."""
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
    """Compile a scalar equation that kernels call."""
    return _kernel(function)


def inner(function: F) -> F:
    """Compile a part of a kernel that reads arrays; once compiled, Python cannot call it.

    Without wrappers for Python callers it compiles in a third of the time. It is always inlined,
    because a call would copy about a hundred words of array headers. It must not allocate memory:
    without reference counting it runs a tenth faster (`_nrt` is numba's switch for that).
    """
    return _kernel(
        function, no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True, _nrt=False
    )


def event(function: F) -> F:
    """Compile a part of a kernel that runs rarely, such as for the few who arrive somewhere.

    It is like `inner`, but called rather than inlined: large kernels of inlined parts take long to
    compile. A call copies all array headers, so what runs often must be inlined.
    """
    return _kernel(function, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)


def subkernel(function: F) -> F:
    """Compile a loop over arrays that kernels call; once compiled, Python cannot call it.

    Without the wrapper for Python callers, which unpacks every table, it compiles faster.
    """
    return _kernel(function, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def kernel(function: F) -> F:
    """Compile a serial loop over arrays."""
    return _kernel(function, no_cfunc_wrapper=True)
