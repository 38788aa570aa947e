"""Testing: stand-ins for the parts that are slow to load, for tests of programs that use us."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np

from filesearch.types import FloatMatrix, FloatVector, IntArray

_PIECE = re.compile(r"\w+|[^\w\s]")


class HashingEmbedder:
    """An Embedder without a model: the sum of one fixed random vector per word.

    Texts that share words are near each other; meaning is not known. Deterministic.

    Args:
        dimension: Length of a vector.
        max_tokens: Words and signs that it reads of one text.
    """

    languages: frozenset[str] = frozenset()

    def __init__(self, dimension: int = 64, max_tokens: int = 254) -> None:
        self.name = "hashing"
        self.fingerprint = f"hashing-{dimension}"
        self.dimension = dimension
        self.max_tokens = max_tokens
        self._known: dict[str, FloatVector] = {}

    def token_offsets(self, text: str) -> IntArray:
        """Return where each word or sign stands: int64 (n, 2)."""
        spans = [match.span() for match in _PIECE.finditer(text)]
        return np.array(spans, dtype=np.int64).reshape(-1, 2)

    def embed_texts(self, texts: Sequence[str]) -> FloatMatrix:
        """Return one unit vector per text: float32 (n, dimension)."""
        vectors = [self.embed_query(text) for text in texts]
        return np.array(vectors, dtype=np.float32).reshape(-1, self.dimension)

    def embed_query(self, text: str) -> FloatVector:
        """Return the unit vector of a text: float32 (dimension,)."""
        pieces = _PIECE.findall(text.lower())[: self.max_tokens]
        total = np.ones(self.dimension, dtype=np.float32) * 1e-3
        for piece in pieces:
            total = total + self._vector(piece)
        unit: FloatVector = (total / np.linalg.norm(total)).astype(np.float32)
        return unit

    def _vector(self, piece: str) -> FloatVector:
        if piece not in self._known:
            seed = int.from_bytes(hashlib.sha256(piece.encode()).digest()[:8], "little")
            drawn = np.random.default_rng(seed).standard_normal(self.dimension)
            self._known[piece] = drawn.astype(np.float32)
        return self._known[piece]
