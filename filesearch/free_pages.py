"""Free pages: what removed rows took of a file of SQLite goes back to the disk.

SQLite keeps the pages of removed rows for rows to come, and never makes its file smaller by itself
(https://sqlite.org/lang_vacuum.html).
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path

# Less is soon filled again; the rest of the file is written anew for it.
MIN_FREE_BYTES = 1 << 20
MIN_FREE_SHARE = 0.25
# For writers and readers in other processes. Whoever is in the way longer than that stays.
_PATIENCE_MS = 2000


def is_much_free(free: int, *, of: int) -> bool:
    """Return whether a file of a size has so many bytes free that they are given back."""
    return free > MIN_FREE_BYTES and free > MIN_FREE_SHARE * of


def free_bytes(connection: sqlite3.Connection) -> int:
    """Return how many bytes of a file nothing lies in."""
    return _ask(connection, "freelist_count") * _ask(connection, "page_size")


def give_back_free(connection: sqlite3.Connection, folder: Path) -> int:
    """Make a file smaller by what is free in it, where that is much, and empty its log.

    Readers go on meanwhile; writers wait, about 12 s for each GB that stays. Whatever is in the way
    (another writer, too little space for a copy) leaves it for the next time.

    Args:
        connection: In WAL mode and in no transaction; for this alone.
        folder: Where the file lies.

    Returns:
        How many bytes smaller the file is; a reader that began before has it shrink when it ends.
    """
    connection.execute(f"PRAGMA busy_timeout={_PATIENCE_MS}")
    before, free = _size(connection), free_bytes(connection)
    # The copy is made in a file of its own, then goes through the log.
    has_room = shutil.disk_usage(folder).free > 2 * (before - free) + MIN_FREE_BYTES
    if is_much_free(free, of=before) and has_room:
        with suppress(sqlite3.OperationalError):
            connection.execute("VACUUM")
    with suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return max(0, before - _size(connection))


def _size(connection: sqlite3.Connection) -> int:
    return _ask(connection, "page_count") * _ask(connection, "page_size")


def _ask(connection: sqlite3.Connection, pragma: str) -> int:
    found: int = connection.execute(f"PRAGMA {pragma}").fetchone()[0]
    return found
