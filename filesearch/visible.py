"""Visible: whether something lies at a path, where that can be seen; and its bytes, if a file.

`Path.exists` and its kin raise PermissionError before Python 3.14 where a folder on the way may not
be entered; what cannot be seen is simply not there for whoever lists files.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

# Windows has neither: there a link needs a right of its own, and a pipe has no place among files.
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_FLAGS |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def is_visible(path: Path) -> bool:
    """Return whether there is anything at `path`."""
    try:
        return path.exists()
    except OSError:
        return False


def is_visible_dir(path: Path) -> bool:
    """Return whether there is a folder at `path`, or a link to one."""
    try:
        return path.is_dir()
    except OSError:
        return False


def is_visible_file(path: Path) -> bool:
    """Return whether there is a file at `path` that is no link."""
    try:
        return path.is_file() and not path.is_symlink()
    except OSError:
        return False


def open_file(path: Path) -> BinaryIO:
    """Open the file at `path`, and nothing else that may have taken its place.

    Raises:
        OSError: There is none, or a link, which is not followed, or a pipe, which would be waited
            for without end, or another thing without a size; or it may not be read.
    """
    try:
        opened = os.open(path, _FLAGS)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "it is a symbolic link, which is not followed") from error
        raise
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise OSError(errno.EINVAL, "it is no regular file")
    return os.fdopen(opened, "rb")
