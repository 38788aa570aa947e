"""Prepare: a document -> everything that is indexed of it, but for the vectors.

text and context -> chunks (cited), windows (embedded), terms (keyword search). Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from filesearch.chunk import chunk_document, chunk_windows, cut_windows
from filesearch.context import find_contexts
from filesearch.index.builder import SegmentBuilder
from filesearch.protocols import Embedder, TokenEmbedder
from filesearch.terms import TermSequence, extract_terms, term_spans
from filesearch.types import (
    Chunk,
    ChunkSettings,
    Document,
    IntArray,
    Span,
    Window,
    WindowEmbeddings,
)

# Of what the embedder reads, at most this many word pieces are context; the rest is the window.
MAX_CONTEXT_PIECES = 32


@dataclass(frozen=True, slots=True)
class PreparedText:
    """A text cut up for the index.

    Attributes:
        chunks, windows: At least one each, ordered by start.
        window_texts: What to embed, one string per window: its context, then its own words.
        chunk_windows: int64 (n_chunks, 2): first and one-past-last window of each chunk.
        terms: Of the whole text.
        context_terms: For each chunk the terms of its context, which count as its own.
    """

    chunks: Sequence[Chunk]
    windows: Sequence[Window]
    window_texts: Sequence[str]
    chunk_windows: IntArray
    terms: TermSequence
    context_terms: Sequence[Sequence[str]]

    def add_to(self, builder: SegmentBuilder, embeddings: WindowEmbeddings) -> None:
        """Add the text with what was made of its windows to a segment."""
        builder.add(
            chunks=self.chunks,
            windows=self.windows,
            chunk_windows=self.chunk_windows,
            terms=self.terms,
            context_terms=self.context_terms,
            embeddings=embeddings,
        )


def prepare_document(
    document: Document, filename: str, settings: ChunkSettings, embedder: Embedder
) -> PreparedText:
    """Cut a document into chunks, windows and terms.

    Args:
        document: Its text is not blank.
        filename: Part of every chunk's context; see context.py.
        settings: Size and overlap of chunks.
        embedder: Says how much of a text it reads.
    """
    text = document.text

    def contexts(starts: Sequence[int]) -> list[str]:
        return find_contexts(filename, document.title, document.spans, starts)

    @cache
    def head(line: str) -> tuple[str, int]:
        return _context_head(line, embedder)

    rows = table_rows(document.spans)
    chunks = chunk_document(text, settings, rows)
    # Where headings stand is known before windows are cut: any start of a section may be one's.
    longest = max(head(line)[1] for line in contexts(_section_starts(document)))
    windows = cut_windows(
        text,
        embedder.token_offsets(text),
        max_pieces=max(embedder.max_tokens - longest, embedder.max_tokens // 2),
        rows=rows,
    )
    lines = contexts([window.start for window in windows])
    return PreparedText(
        chunks=chunks,
        windows=windows,
        window_texts=[
            head(line)[0] + text[window.start : window.end]
            for line, window in zip(lines, windows, strict=True)
        ],
        chunk_windows=chunk_windows(chunks, windows),
        terms=term_spans(text),
        context_terms=[extract_terms(line) for line in contexts([c.start for c in chunks])],
    )


def table_rows(spans: Sequence[Span]) -> list[tuple[int, int]]:
    """Return start and end of the rows that no chunk and no window should cut."""
    return [(span.start, span.end) for span in spans if span.kind == "row"]


def _section_starts(document: Document) -> list[int]:
    return sorted({0, *(span.start + 1 for span in document.spans if span.label)})


def _context_head(line: str, embedder: Embedder) -> tuple[str, int]:
    """Return the line as it stands before a window, and how many word pieces it takes."""
    if not line:
        return "", 0
    pieces = embedder.token_offsets(line)
    if len(pieces) > MAX_CONTEXT_PIECES:
        line = line[: int(pieces[MAX_CONTEXT_PIECES - 1, 1])]
    return f"{line}\n", min(len(pieces), MAX_CONTEXT_PIECES)


def embed_windows(
    embedder: Embedder, texts: Sequence[str], *, late_interaction: bool
) -> WindowEmbeddings:
    """Return vectors for `texts`, with token signs if wanted and the embedder has them."""
    if late_interaction and isinstance(embedder, TokenEmbedder):
        return embedder.embed_windows(texts)
    return WindowEmbeddings(embedder.embed_texts(texts))
