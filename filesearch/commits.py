"""Commits: what was read of a database stands until something is committed to it.

SQLite tells in microseconds, and for every process, whether there was a commit since it was asked
last (https://sqlite.org/pragma.html#pragma_data_version). It says so of what other connections
committed, so one is kept that does nothing else. A server has no such sign.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeAlias, TypeVar

from sqlalchemy.exc import SQLAlchemyError

_Value = TypeVar("_Value")

CommitMark: TypeAlias = tuple[int, int]
"""Which connection was asked, and what it said: two of one connection can be compared."""

_MAX_KEPT = 1_000


class CommitWatch:
    """Marks the state of a SQLite database. Safe to use from several threads.

    Args:
        connect: Opens a connection that is in no transaction, and is closed here.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._connection: sqlite3.Connection | None = None
        self._count = 0
        self._make_locks()

    def _make_locks(self) -> None:
        self._lock = threading.Lock()
        self._connecting = threading.Lock()

    def mark(self) -> CommitMark | None:
        """Return what is another after every commit, whoever made it.

        None where it cannot be told: whoever asks the database itself learns why.
        """
        found = self._ask()
        if found is None and self._open():
            found = self._ask()
        return found

    def _ask(self) -> CommitMark | None:
        """Return what the connection says; None where there is none, or none of use."""
        with self._lock:
            # Put back only where all went well: one that Ctrl-C stopped may be amid a transaction,
            # and would see no commit any more.
            connection, self._connection = self._connection, None
            if connection is None:
                return None
            try:
                version: int = connection.execute("PRAGMA data_version").fetchall()[0][0]
            except sqlite3.Error:
                connection.close()
                return None
            self._connection = connection
            return self._count, version

    def _open(self) -> bool:
        """Return whether there is a connection now; waits for none that another thread opens.

        A database that is busy lets wait for half a minute, and one waiting is enough.
        """
        if not self._connecting.acquire(blocking=False):
            return False
        try:
            with self._lock:
                if self._connection is not None:  # another thread has opened it just now
                    return True
            connection = self._connect()
        except (sqlite3.Error, SQLAlchemyError):
            return False
        else:
            with self._lock:
                self._connection = connection
                self._count += 1
            return True
        finally:
            self._connecting.release()

    def close(self) -> None:
        """Close the connection; the next question opens another."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def begin_anew(self) -> None:
        """Have a connection of its own in a forked child; see forked.py."""
        self._make_locks()
        self.close()


class UntilCommit:
    """What was read of a database, kept until the next commit. Safe to use from several threads.

    Args:
        mark: Marks the state of the database; nothing is kept while that is None.
    """

    def __init__(self, mark: Callable[[], CommitMark | None]) -> None:
        self._mark = mark
        self._kept: tuple[CommitMark | None, dict[Hashable, Any]] = (None, {})

    def get(self, key: Hashable, read: Callable[[], _Value]) -> _Value:
        """Return what `read` does, or did since the last commit; None is read anew each time.

        Args:
            key: Names what is read.
            read: Reads in a transaction that begins when it is called.
        """
        mark = self._mark()  # before anything is read: what is kept under it is never older
        if mark is None:
            return read()
        kept_at, kept = self._kept
        if kept_at != mark:
            kept = {}
            self._kept = mark, kept
        found: _Value | None = kept.get(key)
        if found is not None:
            return found
        read_now = read()
        if len(kept) < _MAX_KEPT:
            kept[key] = read_now
        return read_now
