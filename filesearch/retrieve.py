"""Retrieve: a question -> the passages that match it.

question -> keyword and vector candidates (in parallel) -> filter -> fuse -> passages.
Filters are applied inside both searches, before ranking. Passages never share a word: chunks
overlap by design, so a chunk whose evidence is already shown is dropped, and of one that adds
something only the new part comes back.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from filesearch.catalog import Catalog
from filesearch.cite import locate
from filesearch.errors import InvalidSetting
from filesearch.filters import Filter, compile_filter
from filesearch.fuse import convex_combination, normalise
from filesearch.index.snapshot import Place, Selection, Snapshot
from filesearch.languages import known_share
from filesearch.protocols import Embedder
from filesearch.terms import query_terms
from filesearch.types import FloatVector, IntArray, SearchResult

MAX_TOP_K = 1000
# How deep each list is read before fusion. Deeper changed no figure on the development sets.
CANDIDATE_WINDOWS = 200
CANDIDATE_CHUNKS = 200
# Of a chunk that overlaps a better one, at least this share must be new. Neighbours share half.
MIN_LEFT = 0.25


@dataclass(frozen=True, slots=True)
class Candidates:
    """Chunks that either search found, with both scores for each.

    Attributes:
        rows: int64 (n,), chunk rows of the snapshot, ascending.
        keyword: float64 (n,), BM25.
        vector: float32 (n,), best cosine similarity among the chunk's windows; 0 without vectors.
        windows: int64 (n,), row of that window; -1 without vectors.
    """

    rows: IntArray
    keyword: npt.NDArray[np.float64]
    vector: npt.NDArray[np.float32]
    windows: IntArray


@dataclass(frozen=True, slots=True)
class Scored:
    """A chunk with its fused score in [0, 1] and the two shares that add up to it."""

    row: int
    score: float
    keyword: float
    vector: float
    window: int


class Retriever:
    """Searches one vector store.

    Args:
        catalog: Where the text of passages lies.
        embedder: Must be the one that the store's vectors were made with.
        vector_weight: Share of the vector score, 0..1, for questions in a language that the
            embedder knows; it falls with the share of the question that is not.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        embedder: Callable[[], Embedder],
        vector_weight: float,
    ) -> None:
        self._catalog = catalog
        self._embedder = embedder
        self._vector_weight = vector_weight
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="filesearch-vector")

    def close(self) -> None:
        """Stop the search threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def search(
        self,
        snapshot: Snapshot,
        query: str,
        *,
        top_k: int = 8,
        filters: Filter | None = None,
        vector_weight: float | None = None,
    ) -> list[SearchResult]:
        """Return the passages that match `query`, best first, no two sharing a character.

        Args:
            snapshot: The store as of its last commit.
            query: A question or words; blank finds nothing.
            top_k: 1..1000; fewer come back when the store holds fewer.
            filters: OpenAI's attribute filter; see filters.py.
            vector_weight: For this query, instead of the store's.

        Raises:
            InvalidSetting: `top_k` or `vector_weight` out of bounds.
            InvalidFilter: `filters` is not well formed.
            IndexDamaged: A segment cannot be read.
        """
        if not 1 <= top_k <= MAX_TOP_K:
            raise InvalidSetting(f"top_k is {top_k}; choose 1 to {MAX_TOP_K}")
        weight = self._vector_weight if vector_weight is None else vector_weight
        if not 0 <= weight <= 1:
            raise InvalidSetting(f"vector_weight is {weight}; choose 0 to 1")
        predicate = compile_filter(filters)
        if not query.strip() or snapshot.chunk_count == 0:
            return []
        selection = (
            snapshot.everything
            if filters is None
            else snapshot.select(lambda entry: predicate(entry.attributes))
        )
        weight *= known_share(query, self._embedder().languages) if weight else 0.0
        candidates = self.find_candidates(snapshot, query, selection, use_vectors=weight > 0)
        scored = score_candidates(candidates, vector_weight=weight)
        return self._results(snapshot, pick_passages(snapshot, scored, top_k=top_k))

    def find_candidates(
        self, snapshot: Snapshot, query: str, selection: Selection, *, use_vectors: bool
    ) -> Candidates:
        """Return what either search finds, scored by both."""
        vector_search = (
            self._pool.submit(self._search_vectors, snapshot, query, selection)
            if use_vectors
            else None
        )
        keyword = snapshot.keyword_scores(query_terms(query))
        if selection.chunks is not None:
            keyword = np.where(selection.chunks, keyword, 0.0)
        by_keyword = _top_rows(keyword, CANDIDATE_CHUNKS)
        if vector_search is None:
            return Candidates(
                rows=by_keyword,
                keyword=keyword[by_keyword],
                vector=np.zeros(len(by_keyword), dtype=np.float32),
                windows=np.full(len(by_keyword), -1, dtype=np.int64),
            )
        vector, by_vector = vector_search.result()
        rows = np.union1d(by_keyword, by_vector)
        best, windows = snapshot.best_windows(vector, rows)
        return Candidates(rows=rows, keyword=keyword[rows], vector=best, windows=windows)

    def _search_vectors(
        self, snapshot: Snapshot, query: str, selection: Selection
    ) -> tuple[FloatVector, IntArray]:
        vector = self._embedder().embed_query(query)
        windows, _scores = snapshot.nearest_windows(
            vector, top_k=CANDIDATE_WINDOWS, selection=selection
        )
        return vector, snapshot.chunks_of_windows(windows)

    def _results(
        self, snapshot: Snapshot, passages: Sequence[tuple[Scored, Place]]
    ) -> list[SearchResult]:
        texts = self._catalog.passages(
            [(place.entry.document_id, place.start, place.end) for _scored, place in passages]
        )
        results = []
        for (scored, place), found in zip(passages, texts, strict=True):
            if found is None:
                continue  # removed since the snapshot was taken
            text, spans = found
            where = locate(spans, place.start, place.end)
            results.append(
                SearchResult(
                    file_id=place.entry.file_id,
                    filename=place.entry.filename,
                    text=text,
                    start=place.start,
                    end=place.end,
                    score=scored.score,
                    keyword_share=scored.keyword,
                    vector_share=scored.vector,
                    page=where.page,
                    end_page=where.end_page,
                    heading_path=where.heading_path,
                    attributes=place.entry.attributes,
                    chunk=place.ordinal,
                )
            )
        return results


def _top_rows(scores: npt.NDArray[np.float64], top_k: int) -> IntArray:
    """Return the rows with the `top_k` best scores above 0, ascending."""
    if len(scores) > top_k:
        rows = np.argpartition(-scores, top_k)[:top_k]
    else:
        rows = np.arange(len(scores))
    return np.sort(rows[scores[rows] > 0]).astype(np.int64)


def score_candidates(candidates: Candidates, *, vector_weight: float) -> list[Scored]:
    """Fuse both scores of each candidate; returns them best first, ties by row."""
    keyword = normalise(candidates.keyword)
    vector = normalise(candidates.vector)
    fused = convex_combination(keyword, vector, vector_weight=vector_weight)
    order = np.lexsort((candidates.rows, -fused))
    return [
        Scored(
            row=int(candidates.rows[i]),
            score=float(fused[i]),
            keyword=float((1 - vector_weight) * keyword[i]),
            vector=float(vector_weight * vector[i]),
            window=int(candidates.windows[i]),
        )
        for i in order
        if fused[i] > 0
    ]


def pick_passages(
    snapshot: Snapshot, scored: Sequence[Scored], *, top_k: int
) -> list[tuple[Scored, Place]]:
    """Return the `top_k` best passages, cut so that no two share a character, best first.

    A candidate that shares characters with a better one of its document keeps the longest
    stretch that is new, and waits in line again with the score of that stretch: its vector share
    if its best window lies there, and of the rest as much as is left of the chunk. Less than
    `MIN_LEFT` of a chunk is dropped.
    """
    picked: list[tuple[Scored, Place]] = []
    taken: dict[int, list[tuple[int, int]]] = {}
    queue = [(-candidate.score, rank) for rank, candidate in enumerate(scored)]
    heapq.heapify(queue)
    while queue and len(picked) < top_k:
        negative_score, rank = heapq.heappop(queue)
        candidate = scored[rank]
        place = snapshot.place(candidate.row)
        seen = taken.setdefault(place.entry.store_file_id, [])
        start, end = _cut_off(place.start, place.end, seen)
        left = (end - start) / (place.end - place.start)
        if left < MIN_LEFT:
            continue
        if left < 1:
            candidate = _rescore(snapshot, candidate, start, end, left)
            if candidate.score < -negative_score:
                heapq.heappush(queue, (-candidate.score, rank))
                continue
        seen.append((start, end))
        picked.append((candidate, Place(place.entry, start, end, place.ordinal)))
    return picked


def _rescore(snapshot: Snapshot, candidate: Scored, start: int, end: int, left: float) -> Scored:
    """Return the candidate with what its characters start..end - 1 deserve of its score."""
    vector_left = left
    if candidate.window >= 0:
        window_start, window_end = snapshot.window_span(candidate.window)
        shared = min(end, window_end) - max(start, window_start)
        if 2 * shared >= window_end - window_start:
            vector_left = 1.0
    keyword, vector = candidate.keyword * left, candidate.vector * vector_left
    return replace(candidate, score=keyword + vector, keyword=keyword, vector=vector)


def _cut_off(start: int, end: int, taken: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return the longest stretch of start..end that none of `taken` covers; may be empty."""
    cuts = sorted((max(start, a), min(end, b)) for a, b in taken if a < end and b > start)
    best, position = (start, start), start
    for a, b in [*cuts, (end, end)]:
        if a - position > best[1] - best[0]:
            best = (position, a)
        position = max(position, b)
    return best
