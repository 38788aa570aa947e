"""Disk space: tells a disk that is full from other errors of the machine.

The system has three numbers for it, SQLite calls some of them a failed read or write, FAISS tells
them in words only. Whoever writes into an index turns them into DiskFull here.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filesearch.errors import DiskFull
from filesearch.open_files import check_handles

# The disk, the quota of a user, and the largest file that a process may write (`ulimit -f`).
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# What is written to try: more than SQLite wants at once for what it calls no more than an error.
_PROBE_BYTES = 1 << 20


@contextmanager
def needing_space(directory: Path) -> Iterator[None]:
    """Write below `directory` in the block.

    Raises:
        DiskFull: The block failed because nothing more can be written there.
        TooManyOpenFiles: It failed because no file can be opened to write.
    """
    try:
        yield
    except DiskFull:
        raise
    except (OSError, RuntimeError) as error:
        reason = no_space_reason(error)
        if reason:
            raise disk_full(directory, reason) from error
        check_handles(error)
        raise


def no_space_reason(error: BaseException) -> str:
    """Return how the system says that it lacks space; empty where the error says something else."""
    if isinstance(error, OSError):
        return os.strerror(error.errno) if error.errno in _NO_SPACE else ""
    words = (os.strerror(code) for code in _NO_SPACE)  # FAISS raises RuntimeError
    return next((reason for reason in words if f"({reason})" in str(error)), "")


def disk_full(place: Path | str, reason: str) -> DiskFull:
    """Return the error for a place in which nothing more can be written.

    Args:
        place: A folder, or what else holds the data.
        reason: In the words of whoever noticed.
    """
    return DiskFull(f"no space left in '{place}' ({reason}); free some and try again")


def has_space(directory: Path, *, file_bytes: int = 0) -> bool:
    """Return whether something can be written; true as well where that fails for another reason.

    Args:
        directory: Where a file is made to try, and deleted.
        file_bytes: Size of a file that must be able to grow.
    """
    try:
        with tempfile.TemporaryFile(dir=directory) as probe:
            probe.write(bytes(_PROBE_BYTES))
            probe.seek(file_bytes)
            probe.write(bytes(_PROBE_BYTES))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        return not no_space_reason(error)
    return True
