"""Scratch: a folder for the files that parsers write, one for each worker, gone with it.

A lock on the folder says that its owner lives. The kernel lets go of it when the owner ends,
however it ends; whoever makes the next folder removes those that nobody holds.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

_PREFIX = "fsearch-scratch-"
_NEW_SECONDS = 60.0
"""A folder this young is left alone: it may have been made but not locked yet."""


class Scratch:
    """A new, empty folder below the system's for temporary files; removed by `close`.

    Attributes:
        path: Where it is.
    """

    def __init__(self) -> None:
        _remove_left_behind()
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._lock: int | None = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def close(self) -> None:
        """Remove the folder with what is in it. Closing twice is fine."""
        lock, self._lock = self._lock, None
        if lock is not None:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(lock)


def _remove_left_behind() -> None:
    """Remove folders whose owners were killed."""
    for folder in Path(tempfile.gettempdir()).glob(_PREFIX + "*"):
        with contextlib.suppress(OSError):  # another user's, or removed meanwhile
            if time.time() - folder.lstat().st_mtime < _NEW_SECONDS:
                continue
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
