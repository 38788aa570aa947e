"""Protocols: every place where one part can be swapped for another, on one page.

Adapters satisfy these by shape, without inheriting. They do not import each other; only
`adapters.py` chooses between them. For SQL there is no protocol: the database URL is the seam.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO, Protocol

from filesearch.types import FloatMatrix, FloatVector, IntArray


class Embedder(Protocol):
    """Text in, unit vectors out."""

    @property
    def name(self) -> str:
        """Short name, such as "all-MiniLM-L6-v2"."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever vectors of the same text would: name and a digest of the weights."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    @property
    def max_tokens(self) -> int:
        """Word pieces the model reads of one text, special tokens not counted."""

    @property
    def languages(self) -> frozenset[str]:
        """ISO 639-1 codes the model was trained for; empty means any."""

    def token_offsets(self, text: str) -> IntArray:
        """Return where each word piece of `text` stands.

        Returns:
            int64, shape (n_pieces, 2): start and end character, ascending, special tokens left
            out; shape (0, 2) for text without any piece. Never truncated.
        """

    def embed_texts(self, texts: Sequence[str]) -> FloatMatrix:
        """Return one unit vector per text, in the order given.

        Texts longer than `max_tokens` are cut. An empty text gives a unit vector like any other.

        Returns:
            float32, shape (len(texts), dimension); shape (0, dimension) for no texts.
        """

    def embed_query(self, text: str) -> FloatVector:
        """Return the unit vector of a question: float32, shape (dimension,)."""


class BlobStore(Protocol):
    """Bytes kept under their SHA-256."""

    def put(self, stream: BinaryIO) -> str:
        """Store all that `stream` still holds; durable on return. Returns the hex digest."""

    def open(self, digest: str) -> BinaryIO:
        """Open for reading. Raises NotFound when no such blob is kept."""

    def delete(self, digest: str) -> None:
        """Forget the blob; nothing happens when it is not kept."""

    def sweep(self) -> None:
        """Delete what a killed process left half written. Only the writer may call it."""
