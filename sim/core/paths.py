"""Paths as users write them, and the folder that belongs to this user."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def user_path(text: str | Path) -> Path:
    """Give the path that a user names: `~` at its start is the user's home.

    Where nobody knows whose home is meant, `~` is an ordinary letter, as for a shell.

    Args:
        text: as the user wrote it.
    """
    return Path(os.path.expanduser(text))  # noqa: PTH111 - Path.expanduser fails without a home


def real_path(path: Path) -> Path:
    """Give the absolute path without links and without `..`.

    Raises:
        OSError: the links lead in a circle (a `RuntimeError` of pathlib before Python 3.13).
    """
    try:
        return path.resolve()
    except RuntimeError:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from None


def is_waiting(path: Path) -> bool:
    """Whether reading a path could wait for ever: a pipe, a socket or a device, not a file."""
    return path.exists() and not (path.is_file() or path.is_dir())


def home() -> Path | None:
    """Give the user's home; None where the system knows none, as in some containers."""
    found = user_path("~")
    return found if found.is_absolute() else None


def keep_owners(path: Path, earlier: Path) -> None:
    """Give a file or folder the owner, group, permissions and access list of an earlier one.

    Only the superuser can give files away: anybody else's stay their own.

    Args:
        path: the new one.
        earlier: the one that it will replace.

    Raises:
        OSError: its group or its permissions cannot be kept.
    """
    wanted, own = earlier.stat(), path.stat()
    if hasattr(os, "chown") and (wanted.st_uid, wanted.st_gid) != (own.st_uid, own.st_gid):
        try:
            os.chown(path, wanted.st_uid, wanted.st_gid)
        except PermissionError:
            if wanted.st_gid != own.st_gid:
                os.chown(path, -1, wanted.st_gid)
    path.chmod(wanted.st_mode & 0o7777)
    if hasattr(os, "listxattr"):
        try:
            for name in os.listxattr(earlier):
                if name.startswith("system.posix_acl"):
                    os.setxattr(path, name, os.getxattr(earlier, name))
        except OSError as error:
            # Many file systems have no access lists.
            if error.errno not in (errno.ENOTSUP, errno.EOPNOTSUPP):
                raise
