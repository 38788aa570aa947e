"""Builder: collects prepared documents until they become one segment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from filesearch.index.postings_builder import PostingsBuilder
from filesearch.index.segment import SegmentContent, Table
from filesearch.terms import TermSequence
from filesearch.types import Chunk, FloatMatrix, IntArray, TokenSigns, Window, WindowEmbeddings


class SegmentBuilder:
    """Collects documents in slots 0, 1, ... of a segment to be.

    Args:
        embedder: Fingerprint of what makes the vectors.
        dimension: Length of a vector.
    """

    def __init__(self, embedder: str, dimension: int) -> None:
        self._embedder = embedder
        self._dimension = dimension
        self._chunk_tables: list[Table] = []
        self._window_tables: list[Table] = []
        self._vectors: list[FloatMatrix] = []
        self._signs: list[TokenSigns] = []
        self._postings = PostingsBuilder()
        self.slot_count = 0
        self.window_count = 0

    def add(
        self,
        *,
        chunks: Sequence[Chunk],
        windows: Sequence[Window],
        chunk_windows: IntArray,
        terms: TermSequence,
        context_terms: Sequence[Sequence[str]],
        embeddings: WindowEmbeddings,
    ) -> int:
        """Add one document and return its slot.

        Args:
            chunks, windows: Of the document, each ordered by start, at least one of each.
            chunk_windows: int64 (n_chunks, 2): first and one-past-last window of each chunk.
            terms: Of the whole document.
            context_terms: For each chunk further terms that count as its own.
            embeddings: Of the windows; all documents of a segment have token signs or none.
        """
        slot = self.slot_count
        chunk_table = np.empty((len(chunks), 5), dtype=np.int32)
        chunk_table[:, 0] = slot
        chunk_table[:, 1:3] = [(chunk.start, chunk.end) for chunk in chunks]
        chunk_table[:, 3:5] = chunk_windows + self.window_count
        window_table = np.empty((len(windows), 3), dtype=np.int32)
        window_table[:, 0] = slot
        window_table[:, 1:3] = [(window.start, window.end) for window in windows]
        self._chunk_tables.append(chunk_table)
        self._window_tables.append(window_table)
        self._vectors.append(embeddings.vectors)
        if embeddings.signs is not None:
            self._signs.append(embeddings.signs)
        self._postings.add_chunks(
            terms, [(chunk.start, chunk.end) for chunk in chunks], context_terms
        )
        self.slot_count += 1
        self.window_count += len(windows)
        return slot

    def build(self) -> SegmentContent:
        """Return what was added; at least one document must have been."""
        return SegmentContent(
            embedder=self._embedder,
            slot_count=self.slot_count,
            chunk_table=np.concatenate(self._chunk_tables),
            window_table=np.concatenate(self._window_tables),
            vectors=np.concatenate(self._vectors),
            signs=TokenSigns.join(self._signs) if self._signs else None,
            postings=self._postings.build(),
        )
