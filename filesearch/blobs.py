"""Blobs: bytes kept under their SHA-256, in folders of the index.

Content-addressed: the same bytes are kept once, and a blob that is there is complete, because it
is written beside its place, fsynced and renamed.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import BinaryIO

from filesearch.durable import sync_directory
from filesearch.errors import NotFound

_BLOCK_BYTES = 1 << 20


class FolderBlobStore:
    """A BlobStore in a directory: `ab/abcdef...` for the blob whose digest starts with ab."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def put(self, stream: BinaryIO) -> str:
        """Store all that `stream` still holds; durable on return. Returns the hex digest."""
        self._directory.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        handle, name = tempfile.mkstemp(prefix="incoming-", dir=self._directory)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as out:
                while block := stream.read(_BLOCK_BYTES):
                    digest.update(block)
                    out.write(block)
                out.flush()
                os.fsync(out.fileno())
            place = self._place(digest.hexdigest())
            if place.exists():
                temporary.unlink()
            else:
                place.parent.mkdir(exist_ok=True)
                temporary.replace(place)
                sync_directory(place.parent)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return digest.hexdigest()

    def open(self, digest: str) -> BinaryIO:
        """Open for reading. Raises NotFound when no such blob is kept."""
        try:
            return self._place(digest).open("rb")
        except FileNotFoundError:
            raise NotFound(f"no bytes are kept under {digest}") from None

    def delete(self, digest: str) -> None:
        """Forget the blob; nothing happens when it is not kept."""
        self._place(digest).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Delete what a killed process left half written. Only the writer may call it."""
        for path in self._directory.glob("incoming-*"):
            path.unlink(missing_ok=True)

    def _place(self, digest: str) -> Path:
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise NotFound(f"'{digest}' is not a SHA-256 digest")
        return self._directory / digest[:2] / digest
