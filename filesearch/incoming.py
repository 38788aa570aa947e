"""Incoming: bytes on their way to a place on disk, where they are whole or not at all.

They are written beside their place, digested on the way, fsynced and renamed. What a killed process
left half-way is swept away later.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from filesearch.disk_space import needing_space
from filesearch.durable import sync_directory

_PREFIX = "incoming-"
# What was not written to for so long belongs to a process that is gone, not to a slow upload.
_ABANDONED_S = 3600


class IncomingFile:
    """Bytes on their way to a place on disk; counted and digested as they are written.

    A context manager: what was not kept by its end is deleted, or when nobody has it any more.
    Where there is no room for them, every method raises DiskFull.

    Args:
        directory: Where they lie until they are kept, on the file system of that place.
        place: Hex digest -> where they are kept.
    """

    def __init__(self, directory: Path, place: Callable[[str], Path]) -> None:
        self._directory = directory
        with needing_space(directory):
            directory.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=_PREFIX, dir=directory)
        self._temporary = Path(name)
        self._out = os.fdopen(handle, "wb")
        self._place = place
        self._digest = hashlib.sha256()
        self.size_bytes = 0
        self.discard = weakref.finalize(self, _give_up, self._out, self._temporary)
        """Deletes what was written, unless it is kept."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.discard()

    @property
    def digest(self) -> str:
        """Hex SHA-256 of what was written so far."""
        return self._digest.hexdigest()

    def write(self, block: bytes) -> None:
        """Take some more bytes."""
        with needing_space(self._directory):
            self._out.write(block)
        self._digest.update(block)
        self.size_bytes += len(block)

    def finish(self) -> None:
        """Force the bytes to the disk; nothing is written after this."""
        if not self._out.closed:
            with needing_space(self._directory):
                self._out.flush()
                os.fsync(self._out.fileno())
            self._out.close()

    def keep(self) -> None:
        """Put the bytes in their place, durably; quick after `finish`."""
        self.finish()
        place = self._place(self.digest)
        if place.exists():
            self._temporary.unlink(missing_ok=True)
        else:
            with needing_space(self._directory):
                place.parent.mkdir(exist_ok=True)
                self._temporary.replace(place)
                sync_directory(place.parent)


def _give_up(out: BinaryIO, temporary: Path) -> None:
    with suppress(OSError):  # what is buffered has no room, and is not wanted
        out.close()
    temporary.unlink(missing_ok=True)


def sweep_incoming(directory: Path) -> None:
    """Delete the incoming files of a directory that nothing was written to for an hour."""
    for path in directory.glob(f"{_PREFIX}*"):
        try:
            if time.time() - path.stat().st_mtime > _ABANDONED_S:
                path.unlink(missing_ok=True)
        except FileNotFoundError:  # kept or given up in this moment
            continue
