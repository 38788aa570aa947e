"""SQLite file: how connections to a catalog in a file are made, to write it or only to read it.

Where the file, or the folder that its log goes to, cannot be written, it is opened so that it can
be read (https://sqlite.org/wal.html#read_only_databases). A log that lies there is read with it.
Where there is none and none can be made, SQLite is told that the file stays as it is, and whoever
has it open sees by its state that it did not.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url

from filesearch.errors import IndexProblem

READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)
"""What the system says of a place that cannot be written."""

READ_ONLY_WAY_OUT = "make the folder and all that lies in it writable, or use a copy that is"
"""What to do about it, for the end of a message."""

FileState: TypeAlias = tuple[int, ...]
"""What identifies a file, and what it holds where it is taken to stay as it is."""

_BUSY_TIMEOUT_S = 30
# What SQLite's log grows to between checkpoints, whatever one long transaction made of it.
_MAX_LOG_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class ReadOnlyFile:
    """A file of SQLite that can be read and not written.

    Attributes:
        path: Where it lies.
        has_log: Whether a log lies beside it, of a process that may write it or that was killed.
    """

    path: Path
    has_log: bool

    def connect(self) -> sqlite3.Connection:
        """Open a connection that any thread may use."""
        is_fixed = not self.has_log and not _is_writable(self.path.parent)
        options = "mode=ro&immutable=1" if is_fixed else "mode=ro"
        return sqlite3.connect(
            f"file:{quote(str(self.path))}?{options}",
            uri=True,
            timeout=_BUSY_TIMEOUT_S,
            check_same_thread=False,
        )

    def state(self) -> FileState | None:
        """Return what changes once it has to be opened anew; None where it is gone."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        if _log_of(self.path).exists():
            return found.st_dev, found.st_ino
        return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


def read_only_file(path: Path) -> ReadOnlyFile | None:
    """Return a file that there is as one that cannot be written; None for every other one."""
    if not path.exists() or all(_is_writable(one) for one in (path.parent, *sqlite_files(path))):
        return None
    return ReadOnlyFile(path, has_log=_log_of(path).exists())


def _is_writable(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _log_of(path: Path) -> Path:
    return _beside(path, "-wal")


def _beside(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


def sqlite_files(path: Path) -> list[Path]:
    """Return a file of SQLite and what it keeps beside it, those that there are."""
    return [one for end in ("", "-wal", "-shm") if (one := _beside(path, end)).exists()]


def not_writable(place: Path) -> IndexProblem:
    """Return the error for a folder of an index that only can be read."""
    return IndexProblem(
        f"index '{place}' can be searched but not changed: it cannot be written; "
        f"{READ_ONLY_WAY_OUT}"
    )


def sqlite_path(url: str) -> Path | None:
    """Return where the file of a URL lies; None for one in memory, and for other databases.

    Raises:
        ArgumentError: It is no URL.
    """
    found = make_url(url)
    is_file = found.get_backend_name() == "sqlite" and found.database
    return Path(str(found.database)).absolute() if is_file else None


def sqlite_url(path: Path) -> str:
    """Return the URL of a SQLite database file, whatever characters its name has."""
    return URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)


def make_sqlite_engine(url: str, read_only: ReadOnlyFile | None, *, pool_size: int) -> Engine:
    """Return an engine whose transactions begin as they are told: to read, or at once to write."""
    if read_only is None:
        how: dict[str, Any] = {"connect_args": {"timeout": _BUSY_TIMEOUT_S}}
    else:
        how = {"creator": read_only.connect}
    # An error that nobody foresaw shows no text of documents.
    engine = create_engine(url, **how, pool_size=pool_size, hide_parameters=True)
    prepare = partial(_prepare, is_read_only=read_only is not None)
    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "invalidate", _roll_back)
    return engine


def _prepare(connection: object, _record: object, *, is_read_only: bool) -> None:
    # The driver must not open transactions by itself: it would skip them for SELECT.
    connection.isolation_level = None  # type: ignore[attr-defined]
    if is_read_only:
        return
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA journal_mode=WAL")  # readers and the writer do not block each other
    # FULL, because a merge deletes old segments once its transaction is said to be durable.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute(f"PRAGMA journal_size_limit={_MAX_LOG_BYTES}")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    is_write = connection.get_execution_options().get("filesearch_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_write else "BEGIN")


def _roll_back(connection: object, _record: object, _error: object) -> None:
    # A connection that Ctrl-C ended within a statement is closed, but SQLite keeps its transaction,
    # and locks out our next one, as long as the error's traceback holds the statement.
    connection.rollback()  # type: ignore[attr-defined]
