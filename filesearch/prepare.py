"""Prepare: a document's text -> everything that is indexed of it, but for the vectors.

text -> chunks (cited), windows (embedded), terms (keyword search). Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from filesearch.chunk import chunk_document, chunk_windows, cut_windows
from filesearch.index.builder import SegmentBuilder
from filesearch.protocols import Embedder
from filesearch.terms import TermSequence, term_spans
from filesearch.types import Chunk, ChunkSettings, FloatMatrix, IntArray, Window


@dataclass(frozen=True, slots=True)
class PreparedText:
    """A text cut up for the index.

    Attributes:
        chunks, windows: At least one each, ordered by start.
        window_texts: What to embed, one string per window.
        chunk_windows: int64 (n_chunks, 2): first and one-past-last window of each chunk.
        terms: Of the whole text.
    """

    chunks: Sequence[Chunk]
    windows: Sequence[Window]
    window_texts: Sequence[str]
    chunk_windows: IntArray
    terms: TermSequence

    def add_to(self, builder: SegmentBuilder, vectors: FloatMatrix) -> None:
        """Add the text with the vectors of its windows to a segment."""
        builder.add(
            chunks=self.chunks,
            windows=self.windows,
            chunk_windows=self.chunk_windows,
            terms=self.terms,
            vectors=vectors,
        )


def prepare_text(text: str, settings: ChunkSettings, embedder: Embedder) -> PreparedText:
    """Cut `text`, which must not be blank, into chunks, windows and terms."""
    chunks = chunk_document(text, settings)
    windows = cut_windows(text, embedder.token_offsets(text), max_pieces=embedder.max_tokens)
    return PreparedText(
        chunks=chunks,
        windows=windows,
        window_texts=[text[window.start : window.end] for window in windows],
        chunk_windows=chunk_windows(chunks, windows),
        terms=term_spans(text),
    )
