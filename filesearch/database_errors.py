"""Database errors: what a database raises -> errors of this package, without statement or values.

Of SQLite those that come of the machine are told: its file is the index's own, and what else goes
wrong there nobody foresaw.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from filesearch.disk_space import disk_full, has_space
from filesearch.errors import (
    DatabaseAway,
    DiskFull,
    FilesearchError,
    IndexProblem,
    InvalidValue,
    TooManyOpenFiles,
)
from filesearch.open_files import missing_handle, too_many_open_files
from filesearch.sqlite_file import not_writable, sqlite_files

UNAVAILABLE = (DatabaseAway, OperationalError, InterfaceError, PoolTimeout)
"""What is raised while the database is away or busy; asked again later, it may answer."""
FAILURES = (
    SQLAlchemyError,
    DatabaseAway,
    DiskFull,
    IndexProblem,
    InvalidValue,
    TooManyOpenFiles,
)
"""What a transaction may raise, for loops that try again whatever it was."""

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRES_FULL = "53100"
_NO_RIGHT = "42501"
_READ_ONLY = "25006"
# What SQLite says of a full disk where it cannot say that: it failed to read, write or open a file.
_SQLITE_MAYBE_FULL = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)


@contextmanager
def telling_errors(url: str, path: Path | None) -> Iterator[None]:
    """Raise what a database raises in the block by the name that it has here, if it has one.

    Args:
        url: As it may be shown.
        path: The file of SQLite; None for one in memory, or a server.
    """
    try:
        yield
    except SQLAlchemyError as error:
        told = _as_told(error, url, path)
        if told is None:
            raise
        raise told from error


def _as_told(error: SQLAlchemyError, url: str, path: Path | None) -> FilesearchError | None:
    found = getattr(error, "orig", None)
    if getattr(found, "sqlstate", None) == _POSTGRES_FULL:
        return disk_full(url, str(found))
    if not url.startswith("sqlite"):
        return _of_postgres(error)
    if path is None or not isinstance(found, sqlite3.OperationalError):
        return None
    return _of_sqlite(found, path)


def _of_sqlite(found: sqlite3.OperationalError, path: Path) -> FilesearchError | None:
    folder, code = path.parent, found.sqlite_errorcode & 0xFF
    if code == sqlite3.SQLITE_READONLY:
        return not_writable(folder)
    if code == sqlite3.SQLITE_CANTOPEN and (missing := missing_handle()):
        return too_many_open_files(missing)
    if code in _SQLITE_MAYBE_FULL and folder.is_dir():
        largest = max((file.stat().st_size for file in sqlite_files(path)), default=0)
        if has_space(folder, file_bytes=largest):
            return None
    elif code != sqlite3.SQLITE_FULL:
        return None
    return disk_full(folder, str(found))


def _of_postgres(error: SQLAlchemyError) -> FilesearchError | None:
    """Return what an error of PostgreSQL is called here; None for one that nobody foresaw.

    Clients of a server read the words: they name no machine and no user.
    """
    reason = _reason(error)
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    if state == _NO_RIGHT:
        return IndexProblem(
            f"the database does not let us do this ({reason}); give the role of its URL the right "
            "to, or name another role"
        )
    if state == _READ_ONLY:
        return IndexProblem(
            f"the database can only be read ({reason}); it is a standby, or set so: give the URL "
            "of the one that is written"
        )
    if isinstance(error, DataError):
        return InvalidValue(f"the database cannot hold a value: {reason}")
    if isinstance(error, UNAVAILABLE):
        kept = "; what was being stored may be" if is_in_doubt(error) else ""
        return DatabaseAway(f"the database is away or busy ({reason}){kept}; try again in a moment")
    return None


def is_in_doubt(error: BaseException) -> bool:
    """Return whether the connection was lost in a COMMIT: what it was to keep may be kept."""
    if isinstance(error, DatabaseAway) and error.__cause__ is not None:
        error = error.__cause__
    return isinstance(error, DBAPIError) and error.connection_invalidated and not error.statement


def _reason(error: SQLAlchemyError) -> str:
    """Return what the server says, in a line; without its details, which quote what is stored."""
    if not isinstance(error, DBAPIError):
        return "no connection was free"
    said = getattr(getattr(error.orig, "diag", None), "message_primary", None)
    if said is None and isinstance(error, DataError):  # of the driver, which asked no server
        said = str(error.orig)
    # Without either the words are those of a connection: they name machines.
    return said or "no connection to it"
