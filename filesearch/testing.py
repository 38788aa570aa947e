"""Testing: stand-ins for the parts that are slow to load, for tests of programs that use us."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np

from filesearch.signs import join_signs, token_signs
from filesearch.types import (
    FloatMatrix,
    FloatVector,
    IntArray,
    QuestionEmbedding,
    RerankRequest,
    WindowEmbeddings,
)

_PIECE = re.compile(r"\w+|[^\w\s]")


class HashingEmbedder:
    """An Embedder without a model: the sum of one fixed random vector per word.

    Texts that share words are near each other; meaning is not known. Deterministic. A
    TokenEmbedder as well.

    Args:
        dimension: Length of a vector, a multiple of 8.
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

    def embed_windows(self, texts: Sequence[str]) -> WindowEmbeddings:
        """Return the vectors of `embed_texts` and the token signs of the same texts."""
        signs = []
        for text in texts:
            tokens = self._tokens(text)
            padded = np.pad(tokens, ((1, 1), (0, 0)))[np.newaxis]  # as between [CLS] and [SEP]
            signs += list(token_signs(padded, np.array([len(tokens) + 2])))
        return WindowEmbeddings(self.embed_texts(texts), join_signs(signs, self.dimension))

    def embed_question(self, text: str) -> QuestionEmbedding:
        """Return the vector of `embed_query` and one for each word."""
        tokens = self._tokens(text)
        return QuestionEmbedding(
            vector=self.embed_query(text),
            tokens=tokens / np.maximum(np.linalg.norm(tokens, axis=1, keepdims=True), 1e-9),
            offsets=self.token_offsets(text)[: self.max_tokens],
        )

    def _tokens(self, text: str) -> FloatMatrix:
        pieces = _PIECE.findall(text.lower())[: self.max_tokens]
        vectors = [self._vector(piece) for piece in pieces]
        return np.array(vectors, dtype=np.float32).reshape(-1, self.dimension)

    def _vector(self, piece: str) -> FloatVector:
        if piece not in self._known:
            seed = int.from_bytes(hashlib.sha256(piece.encode()).digest()[:8], "little")
            drawn = np.random.default_rng(seed).standard_normal(self.dimension)
            self._known[piece] = drawn.astype(np.float32)
        return self._known[piece]


class OverlapReranker:
    """A Reranker without a model: the share of the question's words that a passage holds."""

    def __init__(self, max_candidates: int = 50) -> None:
        self.name = "overlap"
        self.max_candidates = max_candidates

    def rerank(self, request: RerankRequest) -> FloatVector:
        """Return the share of words found: float32 (n,), 0 for a question without words."""
        asked = set(_PIECE.findall(request.question.lower()))
        found = [asked & set(_PIECE.findall(text.lower())) for text in request.texts]
        return np.array([len(words) / max(1, len(asked)) for words in found], dtype=np.float32)
