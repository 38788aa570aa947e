"""Open files: tells that no more can be opened from other errors of the machine.

A process is given so many file handles, its connections among them, and the system has so many for
all. Without one nothing can be said of a file, least of all that it is damaged. FAISS tells it in
words only, and SQLite says no more than that it cannot open its database.
"""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager

from filesearch.errors import TooManyOpenFiles

_NO_HANDLE = (errno.ENFILE, errno.EMFILE)  # the words of the second begin those of the first


@contextmanager
def needing_handles() -> Iterator[None]:
    """Open files in the block, or in a function that it decorates.

    Raises:
        TooManyOpenFiles: It failed because no more files can be opened.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        check_handles(error)
        raise


def check_handles(error: BaseException) -> None:
    """See that an error has another cause than that too many files are open.

    Raises:
        TooManyOpenFiles: It has not.
    """
    if isinstance(error, TooManyOpenFiles):
        raise error
    found = as_too_many_open_files(error)
    if found is not None:
        raise found from error


def as_too_many_open_files(error: BaseException) -> TooManyOpenFiles | None:
    """Return the error by its cause, where that is that too many files are open."""
    if isinstance(error, TooManyOpenFiles):
        return error
    code = _code_of(error)
    return too_many_open_files(code) if code else None


def _code_of(error: BaseException) -> int:
    if isinstance(error, OSError):
        return error.errno if error.errno in _NO_HANDLE else 0
    if isinstance(error, RuntimeError):  # of FAISS
        return next((code for code in _NO_HANDLE if os.strerror(code) in str(error)), 0)
    return 0


def too_many_open_files(code: int) -> TooManyOpenFiles:
    """Return the error for EMFILE, the limit of this process, or ENFILE, that of the system."""
    if code == errno.ENFILE:
        limit = "the system has no file handle left; raise fs.file-max or close other programs"
    else:
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        limit = f"this process may have {most:,} files and connections open; raise: ulimit -n"
    return TooManyOpenFiles(f"no more files can be opened ({os.strerror(code)}): {limit}")


def missing_handle() -> int:
    """Return EMFILE or ENFILE if no file can be opened now, else 0."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return _code_of(error)
    return 0
