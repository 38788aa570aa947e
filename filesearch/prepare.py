"""Prepare: a document -> everything that is indexed of it, but for the vectors.

text and context -> chunks (cited), windows (embedded), terms (keyword search). Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from filesearch.chunk import (
    Stretch,
    chunk_document,
    chunk_windows,
    cut_windows,
    row_sections,
)
from filesearch.context import find_contexts
from filesearch.index.builder import SegmentBuilder
from filesearch.pieces import Pieces, WindowText
from filesearch.protocols import Embedder, PieceEmbedder, TokenEmbedder
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
        window_texts: What to embed, one for each window.
        chunk_windows: int64 (n_chunks, 2): first and one-past-last window of each chunk.
        terms: Of the whole text.
        context_terms: For each chunk the terms of its context, which count as its own.
    """

    chunks: Sequence[Chunk]
    windows: Sequence[Window]
    window_texts: Sequence[WindowText]
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
    document: Document,
    filename: str,
    settings: ChunkSettings,
    embedder: Embedder,
    *,
    windows: Sequence[Window] | None = None,
    rows_apart: bool = False,
) -> PreparedText:
    """Cut a document into chunks, windows and terms.

    Args:
        document: Its text is not blank.
        filename: Part of every chunk's context; see context.py.
        settings: Size and overlap of chunks.
        embedder: Says how much of a text it reads.
        windows: Those that the document has already, where it was embedded under another name.
        rows_apart: Give each row of its tables chunks and windows of its own, so that filters can
            choose among rows; see row_attributes.py.
    """
    text = document.text

    def contexts(starts: Sequence[int]) -> list[str]:
        return find_contexts(filename, document.title, document.spans, starts)

    @cache
    def head(line: str) -> _Head:
        return _context_head(line, embedder)

    rows = table_rows(document.spans)
    sections = row_sections(text, rows) if rows_apart else [(0, len(text))]
    chunks = _chunks_of(text, settings, rows, sections)
    pieces = Pieces(np.empty((0, 2), np.int64))
    if windows is None:
        pieces = _read_pieces(embedder, text)
        # Where headings stand is known before windows are cut: any start of a section may be one's.
        longest = max(head(line).count for line in contexts(_section_starts(document)))
        max_pieces = max(embedder.max_tokens - longest, embedder.max_tokens // 2)
        windows = _windows_of(text, pieces.offsets, max_pieces, rows, sections)
    lines = contexts([window.start for window in windows])
    return PreparedText(
        chunks=chunks,
        windows=windows,
        window_texts=[
            _window_text(head(line), text, pieces, window)
            for line, window in zip(lines, windows, strict=True)
        ],
        chunk_windows=chunk_windows(chunks, windows),
        terms=term_spans(text),
        context_terms=[extract_terms(line) for line in contexts([c.start for c in chunks])],
    )


def _chunks_of(
    text: str, settings: ChunkSettings, rows: Sequence[Stretch], sections: Sequence[Stretch]
) -> list[Chunk]:
    if len(sections) == 1:
        return chunk_document(text, settings, rows)
    chunks: list[Chunk] = []
    for start, end in sections:
        for chunk in chunk_document(text[start:end], settings):
            place = (chunk.start + start, chunk.end + start)
            chunks.append(Chunk(len(chunks), *place, chunk.token_count))
    return chunks


def _windows_of(
    text: str,
    pieces: IntArray,
    max_pieces: int,
    rows: Sequence[Stretch],
    sections: Sequence[Stretch],
) -> list[Window]:
    if len(sections) == 1:
        return cut_windows(text, pieces, max_pieces=max_pieces, rows=rows)
    windows: list[Window] = []
    for start, end in sections:
        first, past = np.searchsorted(pieces[:, 0], (start, end))
        own = np.minimum(pieces[first:past], end) - start
        for window in cut_windows(text[start:end], own, max_pieces=max_pieces):
            windows.append(Window(window.start + start, window.end + start))
    return windows


def table_rows(spans: Sequence[Span]) -> list[tuple[int, int]]:
    """Return start and end of the rows that no chunk and no window should cut."""
    return [(span.start, span.end) for span in spans if span.kind == "row"]


def _section_starts(document: Document) -> list[int]:
    return sorted({0, *(span.start + 1 for span in document.spans if span.label)})


@dataclass(frozen=True, slots=True)
class _Head:
    """A line of context as it stands before a window.

    Attributes:
        text: The line and a line break, or nothing.
        count: How many word pieces it takes.
        ids: These, where the embedder hands them out.
    """

    text: str
    count: int
    ids: IntArray | None


def _context_head(line: str, embedder: Embedder) -> _Head:
    """Return the line as it stands before a window, cut where it is too long."""
    pieces = _read_pieces(embedder, line)
    count = min(len(pieces.offsets), MAX_CONTEXT_PIECES)
    if len(pieces.offsets) > count:
        line = line[: int(pieces.offsets[count - 1, 1])]
    return _Head(f"{line}\n" if line else "", count, pieces.ids_of(0, len(line)))


def _window_text(head: _Head, text: str, pieces: Pieces, window: Window) -> WindowText:
    ids = pieces.ids_of(window.start, window.end)
    if ids is not None:
        ids = None if head.ids is None else np.concatenate([head.ids, ids])
    return WindowText(head.text + text[window.start : window.end], ids)


def _read_pieces(embedder: Embedder, text: str) -> Pieces:
    if isinstance(embedder, PieceEmbedder):
        return embedder.read_pieces(text)
    return Pieces(embedder.token_offsets(text))


def embed_windows(
    embedder: Embedder, windows: Sequence[WindowText], *, late_interaction: bool
) -> WindowEmbeddings:
    """Return vectors for `windows`, with token signs if wanted and the embedder has them."""
    if isinstance(embedder, PieceEmbedder):
        return embedder.embed_pieces(windows, has_signs=late_interaction)
    texts = [window.text for window in windows]
    if late_interaction and isinstance(embedder, TokenEmbedder):
        return embedder.embed_windows(texts)
    return WindowEmbeddings(embedder.embed_texts(texts))
