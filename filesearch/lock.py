"""Lock: one writer at a time on an index, and one merge, across processes.

The operating system drops the lock with its process, however that ends.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from filesearch.disk_space import disk_full, needing_space, no_space_reason
from filesearch.errors import IndexBusy, InvalidSetting
from filesearch.open_files import check_handles
from filesearch.sources import INDEX_MARK
from filesearch.sqlite_file import READ_ONLY, not_writable

_OWNER_FILE = "writer.pid"
_MERGE_FILE = "merge.lock"
# Wait this long in silence before saying so.
_PATIENCE_S = 0.5


@contextmanager
def writer_lock(
    directory: Path, *, timeout_s: float, on_wait: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Hold the writer lock of an index directory.

    Args:
        directory: The index; made when missing.
        timeout_s: How long to wait for another writer; 0 means not at all.
        on_wait: Told once, in a sentence, that and for whom we wait.

    Raises:
        InvalidSetting: `directory` is a file or cannot be made.
        IndexProblem: It is there and can only be read.
        IndexBusy: Another process still writes after `timeout_s`.
        DiskFull: There is no room for the lock.
    """
    make_index_directory(directory)
    lock = FileLock(directory / INDEX_MARK)
    owner = directory / _OWNER_FILE
    try:
        with _writing_into(directory):
            lock.acquire(timeout=min(_PATIENCE_S, timeout_s))
    except Timeout:
        who = _describe_owner(owner)
        if on_wait is not None and timeout_s > _PATIENCE_S:
            on_wait(f"{who} is writing to '{directory}'; waiting up to {timeout_s:g} s")
        try:
            lock.acquire(timeout=max(0.0, timeout_s - _PATIENCE_S))
        except Timeout:
            raise IndexBusy(
                f"{_describe_owner(owner)} is still writing to index '{directory}' after "
                f"{timeout_s:g} s; try again when it is done, or raise FSEARCH_LOCK_TIMEOUT_S"
            ) from None
    try:
        with suppress(OSError):  # it is for people to read; a full disk must not forbid to remove
            owner.write_text(str(os.getpid()), encoding="ascii")
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


@contextmanager
def merge_lock(directory: Path, *, timeout_s: float) -> Iterator[None]:
    """Hold the lock of an index directory that exists, for merging its segments.

    Who holds it may wait for the writer lock, never the other way round without a timeout.

    Raises:
        IndexProblem: It can only be read.
        IndexBusy: Another process still merges after `timeout_s`.
        DiskFull: There is no room for the lock.
    """
    lock = FileLock(directory / _MERGE_FILE)
    try:
        with _writing_into(directory):
            lock.acquire(timeout=timeout_s)
    except Timeout:
        raise IndexBusy(
            f"another process is still merging segments of index '{directory}' after "
            f"{timeout_s:g} s; try again when it is done, or raise FSEARCH_LOCK_TIMEOUT_S"
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _writing_into(directory: Path) -> Iterator[None]:
    try:
        with needing_space(directory):
            yield
    except OSError as error:
        if error.errno in READ_ONLY:
            raise not_writable(directory) from error
        raise


def make_index_directory(directory: Path) -> None:
    """Make an index directory, and the file that marks it as one, where they are missing.

    Raises:
        InvalidSetting: `directory` is a file or cannot be made.
        IndexProblem: It is there and can only be read.
        DiskFull: There is no room for it.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if not (directory / INDEX_MARK).exists():  # it is asked for by whoever only reads, too
            (directory / INDEX_MARK).touch()
    except (FileExistsError, NotADirectoryError) as error:
        raise InvalidSetting(f"index '{directory}' is a file; name a directory") from error
    except OSError as error:
        if reason := no_space_reason(error):
            raise disk_full(directory, reason) from error
        if error.errno in READ_ONLY and directory.is_dir():
            raise not_writable(directory) from error
        check_handles(error)
        raise InvalidSetting(f"index '{directory}' cannot be made: {error.strerror}") from error


def _describe_owner(owner: Path) -> str:
    try:
        return f"process {int(owner.read_text(encoding='ascii'))}"
    except (OSError, ValueError):
        return "another process"
