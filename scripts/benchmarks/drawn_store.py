"""Drawn store: an index of as many windows as are wanted, filled without embedding them.

Corpus -> WindowPool (windows, cut by the library from shuffled sentences) -> drawn documents
-> IndexWriter -> segments, merged as ingest merges them. What is real and what is drawn:

real    each window's text, word pieces and terms; chunks of 800 tokens with 400 overlap, on
        windows' edges; postings, tables, catalog with all text, attributes, segments, merges
drawn   which windows of the pool follow each other in a document, and every window's vector
        and token signs (drawn_vectors.py); questions are embedded by the real model

A pool is smaller than a large store: each of its windows then comes in many documents, always
among others.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.drawn_text import Corpus, file_name
from benchmarks.drawn_vectors import DrawnEmbedder, VectorDrawer, window_keys
from benchmarks.memory import OwnPeak, memory_mb, reset_peak
from filesearch.adapters import make_blob_store
from filesearch.background_merges import BackgroundMerges
from filesearch.chunk import chunk_windows, cut_windows
from filesearch.config import load_settings
from filesearch.context import find_contexts
from filesearch.index_directory import CATALOG_FILE, IndexDirectory
from filesearch.ingest import COMMIT_WINDOWS
from filesearch.prepare import MAX_CONTEXT_PIECES, PreparedText
from filesearch.protocols import Embedder
from filesearch.records import NewFile
from filesearch.terms import TermSequence, extract_terms, term_spans
from filesearch.tokens import count_tokens
from filesearch.types import Chunk, ChunkSettings, Document, IntArray, Window, WindowEmbeddings

PARTS = 1000
"""Attribute `part` of a file is one of so many: a filter on it keeps 0.1% of the files."""

_SENTENCES = 64  # shuffled and cut into windows together
_GAP = "\n\n"
_BATCH_WINDOWS = 2000


class _PooledWindow(msgspec.Struct, frozen=True):
    text: str
    tokens: int


@dataclass(frozen=True, slots=True, eq=False)
class WindowPool:
    """Windows that documents are put together from, `_GAP` behind each.

    Attributes:
        texts: At least one.
        tokens: int64 (n,), cl100k_base tokens, those of the gap included.
        terms: Of each window.
        mean_characters: Of a window, on average.
    """

    texts: Sequence[str]
    tokens: IntArray
    terms: Sequence[TermSequence]
    mean_characters: float


def make_pool(
    corpus: Corpus, embedder: Embedder, count: int, *, seed: int, cache: Path
) -> WindowPool:
    """Return `count` windows of shuffled sentences, cut as ingest would.

    Args:
        corpus: Of the sentences.
        embedder: Says how long windows are.
        count: At least 1.
        seed: Another one shuffles otherwise.
        cache: Folder where they are kept for the next time; made when it is missing.
    """
    digest = hashlib.sha256("\n".join(corpus.sentences[::97]).encode()).hexdigest()[:12]
    kept = cache / f"pool-{digest}-{seed}-{count}.msgpack"
    if kept.exists():
        windows = msgspec.msgpack.decode(kept.read_bytes(), type=list[_PooledWindow])
    else:
        windows = list(_cut(corpus, embedder, count, seed))
        cache.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(".partial")
        partial.write_bytes(msgspec.msgpack.encode(windows))
        partial.replace(kept)
    return WindowPool(
        texts=[window.text for window in windows],
        tokens=np.array([window.tokens for window in windows], np.int64),
        terms=[term_spans(window.text) for window in windows],
        mean_characters=sum(len(window.text) for window in windows) / len(windows),
    )


def _cut(corpus: Corpus, embedder: Embedder, count: int, seed: int) -> Iterator[_PooledWindow]:
    rng = np.random.default_rng(seed)
    left = count
    while True:
        drawn = rng.integers(0, len(corpus.sentences), _SENTENCES)
        text = " ".join(corpus.sentences[i] for i in drawn)
        offsets = embedder.token_offsets(text)
        # The last window is what was left, shorter than others.
        for window in cut_windows(
            text, offsets, max_pieces=embedder.max_tokens - MAX_CONTEXT_PIECES // 2
        )[:-1]:
            words = text[window.start : window.end]
            yield _PooledWindow(words, count_tokens(words + _GAP))
            left -= 1
            if not left:
                return


@dataclass(frozen=True, slots=True)
class DrawnDocument:
    """A document of windows of the pool, and all that is indexed of it but the vectors."""

    number: int
    title: str
    text: str
    prepared: PreparedText


class DocumentDrawer:
    """Puts documents together; document N is the same whenever it is asked for.

    Args:
        corpus: Says how long documents are, and what they are called.
        pool: Of what they consist.
        seed: Another one gives others.
        settings: Of their chunks.
        lengthen: So many times as many windows as the real files have.
    """

    def __init__(
        self,
        corpus: Corpus,
        pool: WindowPool,
        *,
        seed: int,
        settings: ChunkSettings | None = None,
        lengthen: int = 1,
    ) -> None:
        self._titles = corpus.titles
        self._pool = pool
        self._seed = seed
        self._settings = settings or ChunkSettings()
        lengths = lengthen * np.array(corpus.lengths)
        self._sizes = np.maximum(1, np.rint(lengths / pool.mean_characters)).astype(int)

    def draw(self, number: int) -> DrawnDocument:
        """Return a document."""
        rng = np.random.default_rng((self._seed, number))
        chosen = rng.integers(0, len(self._pool.texts), int(rng.choice(self._sizes))).tolist()
        title = self._titles[int(rng.integers(len(self._titles)))]
        texts = [self._pool.texts[i] for i in chosen]
        lengths = np.array([len(text) for text in texts])
        starts = np.cumsum(lengths + len(_GAP)) - lengths - len(_GAP)
        windows = [
            Window(start, start + length)
            for start, length in zip(starts.tolist(), lengths.tolist(), strict=True)
        ]
        text = _GAP.join(texts)
        chunks = join_chunks(
            self._pool.tokens[chosen], [*starts.tolist(), len(text)], self._settings
        )
        own = [self._pool.terms[i] for i in chosen]
        moved = np.repeat(starts, [len(terms.terms) for terms in own])
        [context] = find_contexts(file_name(number), title, (), [0])
        prepared = PreparedText(
            chunks=chunks,
            windows=windows,
            window_texts=(),
            chunk_windows=chunk_windows(chunks, windows),
            terms=TermSequence(
                [term for terms in own for term in terms.terms],
                np.concatenate([terms.starts for terms in own]) + moved,
                np.concatenate([terms.ends for terms in own]) + moved,
            ),
            context_terms=[extract_terms(context)] * len(chunks),
        )
        return DrawnDocument(number, title, text, prepared)


def join_chunks(tokens: IntArray, edges: Sequence[int], settings: ChunkSettings) -> list[Chunk]:
    """Return chunks of whole windows: at most `size` tokens each, about `overlap` of them shared.

    Args:
        tokens: int64 (n,), of each window; one above the size stands alone.
        edges: The character where each window begins, and the end of the text.
        settings: Size and overlap.
    """
    before = np.concatenate([[0], np.cumsum(tokens)])

    def end_of(first: int) -> int:
        past = int(np.searchsorted(before, before[first] + settings.size, side="right")) - 1
        return max(first + 1, past)

    chunks: list[Chunk] = []
    first = 0
    while True:
        past = end_of(first)
        count = int(before[past] - before[first])
        chunks.append(Chunk(len(chunks), edges[first], edges[past], count))
        if past == len(tokens):
            return chunks
        first = max(first + 1, int(np.searchsorted(before, before[past] - settings.overlap)))
        while end_of(first) <= past:  # a long window follows: share less with it
            first += 1


@dataclass(frozen=True, slots=True)
class Fill:
    """What a store holds so far, and what it cost to index it.

    Attributes:
        indexing_s, cpu_s: Time that adding documents, committing and merging took, drawing them
            left out; `cpu_s` is processor time of all threads.
        rss_mb, peak_mb: Of this process: at the end, and most since the last report.
        own_peak_mb: The most of `peak_mb` that was no mapped file.
    """

    files: int
    windows: int
    chunks: int
    indexing_s: float
    cpu_s: float
    rss_mb: float
    peak_mb: float
    own_peak_mb: float
    segments: int
    segment_bytes: int
    catalog_bytes: int


class StoreFiller:
    """Fills the index in a directory with drawn documents, in order of their numbers.

    Args:
        directory: Of the index; made when it is missing, and must be empty.
        documents: What to fill it with.
        embedder: The real one; its fingerprint goes into the index.
        drawer: Of the vectors.
        has_signs: Keep token signs: 3.5 KB a window.
    """

    def __init__(
        self,
        directory: Path,
        documents: DocumentDrawer,
        *,
        embedder: Embedder,
        drawer: VectorDrawer,
        has_signs: bool,
    ) -> None:
        self._documents, self._drawer, self._has_signs = documents, drawer, has_signs
        settings = load_settings({"index": str(directory), "late_interaction": has_signs})
        drawn = DrawnEmbedder(embedder, drawer)
        self._index = IndexDirectory(settings, embedder=lambda: drawn, make_blobs=make_blob_store)
        self._files = self._windows = self._chunks = 0
        self._wall_s = self._cpu_s = 0.0

    def fill(self, *, windows: int = 0, chunks: int = 0) -> Fill:
        """Go on until the store holds at least so many windows and chunks."""
        reset_peak()
        peak = OwnPeak()
        with peak.watching():
            self._fill(windows, chunks)
        # `stats` would list every file each time.
        segments = self._index.catalog.segments()
        catalog_files = self._index.path.glob(f"{CATALOG_FILE}*")
        return Fill(
            files=self._files,
            windows=self._windows,
            chunks=self._chunks,
            indexing_s=self._wall_s,
            cpu_s=self._cpu_s,
            rss_mb=memory_mb("VmRSS"),
            peak_mb=memory_mb("VmHWM"),
            own_peak_mb=peak.mb,
            segments=len(segments),
            segment_bytes=sum(segment.size_bytes for segment in segments),
            catalog_bytes=sum(path.stat().st_size for path in catalog_files),
        )

    def _fill(self, windows: int, chunks: int) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        with self._index.writing():
            store = self._index.open_store(create=True)
            with BackgroundMerges(self._index.merger(), finish=True) as merges:
                writer = self._index.writer(store, on_commit=merges.note)
                while self._windows < windows or self._chunks < chunks:
                    drawing_wall, drawing_cpu = time.perf_counter(), time.thread_time()
                    batch = self._draw(windows, chunks)
                    wall += time.perf_counter() - drawing_wall
                    cpu += time.thread_time() - drawing_cpu
                    for document, embeddings in batch:
                        record = _record(document, store.chunk_settings)
                        writer.add(record, document.prepared, embeddings)
                    if writer.pending_windows >= COMMIT_WINDOWS:
                        writer.commit()
                writer.commit()
            writer.sweep()
        self._wall_s += time.perf_counter() - wall
        self._cpu_s += time.process_time() - cpu

    def _draw(self, windows: int, chunks: int) -> list[tuple[DrawnDocument, WindowEmbeddings]]:
        """Return the next documents, not many more than are needed."""
        batch: list[DrawnDocument] = []
        drawn = 0
        while drawn < _BATCH_WINDOWS and (self._windows < windows or self._chunks < chunks):
            batch.append(self._documents.draw(self._files))
            prepared = batch[-1].prepared
            drawn += len(prepared.windows)
            self._files += 1
            self._windows += len(prepared.windows)
            self._chunks += len(prepared.chunks)
        keys = np.concatenate([window_keys(one.number, len(one.prepared.windows)) for one in batch])
        made = WindowEmbeddings(
            self._drawer.draw(keys), self._drawer.draw_signs(keys) if self._has_signs else None
        )
        edges = np.cumsum([0, *(len(one.prepared.windows) for one in batch)]).tolist()
        return [(one, made.part(edges[i], edges[i + 1])) for i, one in enumerate(batch)]


def _record(document: DrawnDocument, settings: ChunkSettings) -> NewFile:
    digest = hashlib.sha256(f"drawn {document.number}".encode()).hexdigest()
    return NewFile(
        filename=file_name(document.number),
        path=None,
        content_hash=digest,
        size_bytes=len(document.text),
        attributes={"part": document.number % PARTS},
        chunk_settings=settings,
        load_key=f"drawn:{digest}",
        document=Document(document.text, title=document.title, media_type="text/markdown"),
        chunks=document.prepared.chunks,
        window_count=len(document.prepared.windows),
    )
