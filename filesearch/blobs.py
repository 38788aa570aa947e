"""Blobs: bytes kept under their SHA-256, in folders of the index.

Content-addressed: the same bytes are kept once, and a blob that is there is complete.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from filesearch.errors import NotFound
from filesearch.incoming import IncomingFile, sweep_incoming

_BLOCK_BYTES = 1 << 20


class FolderBlobStore:
    """A BlobStore in a directory: `ab/abcdef...` for the blob whose digest starts with ab."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def receive(self) -> IncomingFile:
        """Return a place to write a blob to, piece by piece; it is kept when it says so."""
        return IncomingFile(self._directory, self._place)

    def put(self, stream: BinaryIO) -> str:
        """Store all that `stream` still holds; durable on return. Returns the hex digest."""
        with self.receive() as incoming:
            while block := stream.read(_BLOCK_BYTES):
                incoming.write(block)
            incoming.keep()
        return incoming.digest

    def open(self, digest: str) -> BinaryIO:
        """Open for reading. Raises NotFound when no such blob is kept."""
        try:
            return self._place(digest).open("rb")
        except FileNotFoundError:
            raise NotFound(f"no bytes are kept under {digest}") from None

    def delete(self, digest: str) -> None:
        """Forget the blob; nothing happens when it is not kept."""
        self._place(digest).unlink(missing_ok=True)

    def digests(self) -> Iterator[str]:
        """Yield the digest of every blob that is kept, in any order."""
        for path in self._directory.glob("??/*"):
            if path == self._directory / path.name[:2] / path.name:
                yield path.name

    def sweep(self) -> None:
        """Delete what a killed process left half written an hour ago or earlier."""
        sweep_incoming(self._directory)

    def _place(self, digest: str) -> Path:
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise NotFound(f"'{digest}' is not a SHA-256 digest")
        return self._directory / digest[:2] / digest
