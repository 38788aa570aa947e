"""Directory lock: who writes a directory holds it, so that others leave it alone.

The lock belongs to the directory itself: it goes along when that is renamed, leaves no file behind,
and the operating system drops it with its process, however that ends.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def directory_lock(directory: Path) -> Iterator[bool]:
    """Hold the lock of a directory; yields whether it was free. Never waits.

    False as well for a directory that is gone, and on a file system without such locks: there what
    a killed writer left stays, because nobody can tell.
    """
    try:
        handle = os.open(directory, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_held = True
    except OSError:
        is_held = False
    try:
        yield is_held
    finally:
        if is_held:  # closing alone would leave it with processes that were forked meanwhile
            fcntl.flock(handle, fcntl.LOCK_UN)
        os.close(handle)


@contextmanager
def directory_turn(directory: Path) -> Iterator[None]:
    """Wait for the lock of a directory and hold it, for a step that is over at once.

    Where there is no such directory, or no such lock on its file system, nothing is held.
    """
    try:
        handle = os.open(directory, os.O_RDONLY)
    except FileNotFoundError:
        yield
        return
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        with suppress(OSError):  # closing alone would leave it with processes forked meanwhile
            fcntl.flock(handle, fcntl.LOCK_UN)
        os.close(handle)
