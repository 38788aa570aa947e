"""A random store: its chunks and windows as lists, a Snapshot, and an index over the lists.

`ListIndex` is the second adapter of `protocols.Index`: it keeps every chunk and window in a list,
scores with `rank_bm25` and compares vectors by numpy.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
from rank_bm25 import BM25Okapi

from filesearch.index.builder import SegmentBuilder
from filesearch.index.segment import write_segment
from filesearch.index.snapshot import MIN_IDF, Snapshot
from filesearch.index_rows import ChunkWindows, Place, Selection
from filesearch.prepare import embed_windows, prepare_document
from filesearch.records import Entry, Picture
from filesearch.roster import Roster
from filesearch.terms import term_spans
from filesearch.testing import HashingEmbedder
from filesearch.types import ChunkSettings, Document, TokenSigns

EMBEDDER = HashingEmbedder(dimension=16, max_tokens=20)
SETTINGS = ChunkSettings(100, 50)
WORDS = "kiln glaze mug bowl clay 陶器 窯 fire ash salt wheel studio 1280 max_chunk_size".split()


def make_twin(seed, root):
    """Return random documents in segments, and beside them plain lists of every chunk and window.

    chunks: (slot's entry or None, start, end, ordinal, window rows, terms); windows: (entry or
    None, start, end, vector, signs).
    """
    rng = np.random.default_rng(seed)
    records, entries, chunks, windows, documents = [], [], [], [], {}
    for segment_id in range(1, int(rng.integers(2, 5)) + 1):
        builder = SegmentBuilder(EMBEDDER.fingerprint, EMBEDDER.dimension)
        n_slots = int(rng.integers(1, 6))
        for slot in range(n_slots):
            text = " ".join(rng.choice(WORDS, size=int(rng.choice([2, 40, 150]))))
            prepared = prepare_document(Document(text), "note", SETTINGS, EMBEDDER)
            embeddings = embed_windows(EMBEDDER, prepared.window_texts, late_interaction=True)
            prepared.add_to(builder, embeddings)
            entry = None
            if rng.random() < 0.7:
                number = len(entries)
                entry = Entry(
                    number, segment_id, slot, f"f{number}", "", number, {"n": number}, SETTINGS
                )
                entries.append(entry)
                documents[number] = Document(text)
            terms = term_spans(text)
            for chunk, (first, last) in zip(prepared.chunks, prepared.chunk_windows, strict=True):
                rows = range(len(windows) + first, len(windows) + last)
                inside = terms.positions_within(chunk.start, chunk.end)
                chunks.append(
                    SimpleNamespace(
                        entry=entry,
                        start=chunk.start,
                        end=chunk.end,
                        ordinal=chunk.ordinal,
                        windows=list(rows),
                        terms=[terms.terms[i] for i in inside],
                    )
                )
            windows += [
                SimpleNamespace(
                    entry=entry,
                    start=w.start,
                    end=w.end,
                    vector=embeddings.vectors[i],
                    signs=embeddings.part(i, i + 1).signs,
                )
                for i, w in enumerate(prepared.windows)
            ]
        record = write_segment(root, builder.build())
        records.append(replace(record, id=segment_id))
    picture = Picture(7, tuple(records), tuple(entries))
    return SimpleNamespace(
        root=root,
        picture=picture,
        snapshot=Snapshot(root, Roster.of(picture)),
        chunks=chunks,
        windows=windows,
        documents=documents,
        live=[row for row, chunk in enumerate(chunks) if chunk.entry],
    )


class ListIndex:
    """The store of a twin without segments: one list of chunks, one of windows.

    Args:
        chunks, windows: As `make_twin` gives them.
    """

    def __init__(self, chunks, windows):
        self._chunks, self._windows = chunks, windows
        self._live = [row for row, chunk in enumerate(chunks) if chunk.entry]
        self._peer = BM25Okapi([chunks[row].terms for row in self._live])
        self._peer.idf = {term: max(idf, MIN_IDF) for term, idf in self._peer.idf.items()}
        self.chunk_count = len(chunks)
        self.has_signs = bool(windows)
        self.load_keys = {}

    @property
    def everything(self):
        return self.select(lambda attributes: True)

    distinct = everything  # no text is there more than once

    def select(self, keep, *, keep_rows=None):
        # No file of a twin has rows with attributes, so `keep_rows` is never asked.
        return Selection(
            *(
                np.array(
                    [one.entry is not None and keep(one.entry.attributes) for one in rows], bool
                )
                for rows in (self._chunks, self._windows)
            )
        )

    def top_keyword(self, terms, top_k, selection):
        rows = np.flatnonzero(selection.chunks)
        scores = self.keyword_scores_at(terms, rows)
        best = [i for i in np.lexsort((rows, -scores)) if scores[i] > 0][:top_k]
        return rows[best], scores[best]

    def keyword_scores_at(self, terms, chunk_rows):
        scores = dict(zip(self._live, self._peer.get_scores(terms), strict=True))
        return np.array([scores[row] for row in chunk_rows], np.float64)

    def keyword_ceiling(self, terms):
        return float(self.term_idf(terms).sum()) * (self._peer.k1 + 1)

    def term_idf(self, terms):
        count = len(self._live)
        held = [sum(term in self._chunks[row].terms for row in self._live) for term in terms]
        return np.array([np.log1p((count - df + 0.5) / (df + 0.5)) for df in held])

    def term_counts(self, terms, chunk_rows):
        counts = [[self._chunks[row].terms.count(term) for row in chunk_rows] for term in terms]
        return np.array(counts, np.int64).reshape(len(terms), len(chunk_rows))

    def nearest_windows(self, query, *, top_k, selection):
        rows = np.flatnonzero(selection.windows)
        scores = self.similarities(rows, query)
        best = np.lexsort((rows, -scores))[:top_k]
        return rows[best], scores[best]

    def similarities(self, window_rows, query):
        return np.array([self._windows[row].vector @ query for row in window_rows], np.float32)

    def chunks_of_windows(self, window_rows):
        wanted = set(window_rows.tolist())
        holding = [row for row, chunk in enumerate(self._chunks) if wanted & {*chunk.windows}]
        return np.array(holding, np.int64)

    def windows_of_chunks(self, chunk_rows):
        of_chunks = [self._chunks[row].windows for row in chunk_rows]
        rows = sorted({row for windows in of_chunks for row in windows})
        lengths = [len(windows) for windows in of_chunks]
        return ChunkWindows(
            rows=np.array(rows, np.int64),
            index=np.array([rows.index(row) for windows in of_chunks for row in windows], np.int64),
            starts=np.array(np.cumsum(lengths) - lengths, np.int64),
        )

    def window_signs(self, window_rows):
        return TokenSigns.join([self._windows[row].signs for row in window_rows])

    def window_spans(self, window_rows):
        windows = [self._windows[row] for row in window_rows]
        return np.array([(one.start, one.end) for one in windows], np.int64).reshape(-1, 2)

    def places(self, chunk_rows):
        chunks = [self._chunks[row] for row in chunk_rows]
        return [one.entry and Place(one.entry, one.start, one.end, one.ordinal) for one in chunks]

    def entries(self, store_file_ids):
        known = {one.entry.store_file_id: one.entry for one in self._chunks if one.entry}
        return {number: known[number] for number in store_file_ids if number in known}
