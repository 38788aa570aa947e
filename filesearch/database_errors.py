"""Database errors: what PostgreSQL raises -> errors of this package, without statement or values.

Pure. What SQLite raises stays as it is: its file is the index's own, and its errors are said there.
"""

from __future__ import annotations

from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from filesearch.errors import (
    DatabaseAway,
    DiskFull,
    FilesearchError,
    IndexProblem,
    InvalidValue,
    TooManyOpenFiles,
)

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
_NO_RIGHT = "42501"
_READ_ONLY = "25006"


def as_told(error: SQLAlchemyError) -> FilesearchError | None:
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
