"""Retrieve: a question -> the passages that match it.

question -> keyword and vector candidates -> filter -> fuse -> passages.
Filters are applied inside both searches, before ranking. Passages never share a word: chunks
overlap by design, so a chunk whose evidence is already shown is dropped, and of one that adds
something only the new part comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filesearch.candidates import (
    MIN_DEPTH,
    Candidates,
    Question,
    embed_question,
    find_candidates,
    late_evidence,
    second_and_mean,
)
from filesearch.catalog import Catalog
from filesearch.config import check_top_k
from filesearch.context_cache import ContextCache
from filesearch.filters import Filter, Predicate, compile_filter
from filesearch.fuse import normalise
from filesearch.index_rows import Place, Selection
from filesearch.passages import pick_passages
from filesearch.protocols import Embedder, Index, Reranker
from filesearch.ranking import Ranking
from filesearch.ranking_options import RankingOptions
from filesearch.records import Entry
from filesearch.rerank.features import Evidence, compute_features
from filesearch.results import to_result
from filesearch.row_attributes import LastRowAttributes
from filesearch.scoring import (
    apply_rerank,
    by_cosine,
    fill_up,
    fuse_candidates,
    score_candidates,
    take_turns,
)
from filesearch.search_turns import SearchTurns
from filesearch.turns import Errand
from filesearch.types import (
    Document,
    FloatVector,
    IntArray,
    RankedFile,
    RerankRequest,
    SearchResult,
    Stage,
)

# Of a chunk without a best window, this much of its beginning is looked at.
MAX_BLIND_CHARACTERS = 4000


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """All that ranks the n candidates of a question, before anything is ranked by it.

    Attributes:
        filenames: Of the file that each candidate belongs to.
        keyword: float64 (n,), normalised; vector: float32 (n,), cosine similarities.
        keyword_share: See candidates.Candidates.
        order: The candidates as fusion ranks them, best first.
        request: What a reranker is given for the first of `order`.
    """

    filenames: list[str]
    keyword: npt.NDArray[np.float64]
    vector: FloatVector
    keyword_share: float
    order: list[int]
    request: RerankRequest


class Retriever:
    """Searches one vector store. Its threads end when nobody has it any more, nor searches by it.

    Args:
        catalog: Gives where the text of passages lies.
        embedder: Must be the one that the store's vectors were made with.
        reranker: Gives what ranks the best candidates anew; None leaves them as they were fused.
        vector_weight: Share of the vector score in fusion, 0..1; None lets it follow the question.
        score_threshold: Results with a lower score are left out, 0..1.
    """

    def __init__(
        self,
        *,
        catalog: Callable[[], Catalog],
        embedder: Callable[[], Embedder],
        reranker: Callable[[], Reranker | None],
        vector_weight: float | None,
        score_threshold: float = 0.0,
    ) -> None:
        self._catalog = catalog
        self._embedder = embedder
        self._reranker = reranker
        self._vector_weight = vector_weight
        self._score_threshold = score_threshold
        self._row_attributes = LastRowAttributes()
        self._turns = SearchTurns()
        self._contexts = ContextCache()

    def search(
        self,
        index: Index,
        queries: Sequence[str],
        *,
        top_k: int = 8,
        filters: Filter | None = None,
        options: RankingOptions,
        should_fill: bool = True,
        should_locate: bool = True,
    ) -> list[SearchResult]:
        """Return the passages that match, best first, no two sharing a character.

        Args:
            index: The store as of its last commit.
            queries: The question, and what it was split into; see plan.py. None finds nothing.
            top_k: 1..1000; fewer come back when no more pass filter and threshold, and when the
                embedder does not know the language, so that only words are searched for.
            filters: OpenAI's attribute filter; see filters.py.
            options: For this search; where silent, the store's hold.
            should_fill: Where fewer than `top_k` match, add the nearest of those that do not (no
                word in common, and no cosine above 0), with score 0.
            should_locate: Say where in its file each stands: page and headings, rows and edges.

        Raises:
            InvalidSetting: `top_k` out of bounds.
            InvalidFilter: `filters` is not well formed.
            IndexDamaged: A segment cannot be read.
        """
        check_top_k(top_k)
        asked, threshold = options.vector_weight, options.score_threshold
        weight = self._vector_weight if asked is None else asked
        least = self._score_threshold if threshold is None else threshold
        stage: Stage = "hybrid" if options.ranker == "none" else "rerank"
        predicate = compile_filter(filters)
        if not queries or index.chunk_count == 0:
            return []
        selection = (
            index.distinct
            if filters is None
            else index.select(
                predicate, keep_rows=lambda entry: self._rows_passing(index, entry, predicate)
            )
        )
        # Neighbours share their words: half of the chunks may show nothing new.
        depth = max(MIN_DEPTH, 2 * top_k)
        with self._turns.search() as search:
            ranking = self._rank_all(
                search,
                index,
                queries,
                selection,
                stage,
                weight,
                depth=depth,
                should_fill=should_fill,
            )
            search.take(goes_on=True)
            passages = pick_passages(
                index,
                ranking,
                top_k=top_k,
                least=least,
                texts=lambda places: self._catalog().passages(places, index.load_keys),
                copies=selection.copies,
            )
        return [to_result(passage, should_locate=should_locate) for passage in passages]

    def _rows_passing(
        self, index: Index, entry: Entry, predicate: Predicate
    ) -> Callable[[IntArray], npt.NDArray[np.bool_]]:
        found = self._catalog().documents([entry.document_id], index.load_keys)
        if entry.document_id not in found:  # removed in the meantime
            return lambda starts: np.zeros(len(starts), dtype=bool)
        rows = self._row_attributes.of(found[entry.document_id])
        return rows.passing(entry.attributes, predicate)

    def rank_files(
        self, index: Index, queries: Sequence[str], *, stage: Stage, top_k: int
    ) -> list[RankedFile]:
        """Return the best files after one stage of ranking, best first.

        Args:
            index: The store as of its last commit.
            queries: As for `search`.
            stage: "bm25" and "dense" rank by one search alone, "rrf" and "hybrid" by both,
                "rerank" as `search` does.
            top_k: At least 1.
        """
        if not queries or index.chunk_count == 0:
            return []
        best: dict[str, RankedFile] = {}
        weight = self._vector_weight
        with self._turns.search() as search:
            ranking = self._rank_all(search, index, queries, index.everything, stage, weight)
        for row, score in zip(ranking.rows.tolist(), ranking.scores.tolist(), strict=True):
            place = index.places([row])[0]
            if place is None:
                continue
            entry = place.entry
            best.setdefault(entry.file_id, RankedFile(entry.file_id, entry.filename, score))
            if len(best) == top_k:
                break
        return list(best.values())

    def _rank_all(
        self,
        search: Errand,
        index: Index,
        queries: Sequence[str],
        selection: Selection,
        stage: Stage,
        weight: float | None,
        *,
        depth: int = MIN_DEPTH,
        should_fill: bool = False,
    ) -> Ranking:
        """Return the candidates of several queries as one ranking; each gets its share of it.

        What does not match stands behind all that does, or is left out. One query alone is ranked
        in the turns of `search`, and may leave it with one.
        """

        def rank(query: str) -> tuple[Ranking, Candidates]:
            with self._turns.search() as own:
                return self._rank(own, index, query, selection, stage, weight, depth=depth)

        if len(queries) == 1:
            found = [self._rank(search, index, queries[0], selection, stage, weight, depth=depth)]
        else:
            found = self._turns.map(rank, queries)
        matching = [one for one, _candidates in found]
        ranking = take_turns(matching) if len(matching) > 1 else matching[0]
        if not should_fill or len(ranking.rows) >= depth:  # as nearly always
            return ranking
        return fill_up(ranking, [by_cosine(candidates) for _, candidates in found])

    def _rank(
        self,
        search: Errand,
        index: Index,
        query: str,
        selection: Selection,
        stage: Stage,
        weight: float | None,
        *,
        depth: int,
    ) -> tuple[Ranking, Candidates]:
        """Return the candidates that match as `stage` ranks them, and all that there are."""
        needs_vectors = stage != "bm25" and weight != 0
        embedder = self._embedder if needs_vectors else None
        embedded = self._turns.embed(search, query, embedder)
        question, candidates = find_candidates(
            index, query, selection, embedded=embedded, depth=depth
        )
        if stage == "bm25":
            return score_candidates(candidates, vector_weight=0.0), candidates
        if stage == "dense":
            return score_candidates(candidates, vector_weight=1.0), candidates
        if stage == "rrf":
            return score_candidates(candidates, vector_weight=None), candidates
        fused = fuse_candidates(question, candidates, weight)
        reranker = self._reranker() if stage == "rerank" else None
        if reranker is None:
            return fused, candidates
        top = fused.rows[: reranker.max_candidates]
        request = self.rerank_request(
            index, question, candidates, top, is_alone=not self._turns.is_wanted
        )
        if not getattr(reranker, "is_instant", False):
            search.give_back()  # a model, or a server that has one: others compute meanwhile
        return apply_rerank(fused, reranker.rerank(request)), candidates

    def gather(self, index: Index, query: str, *, max_candidates: int) -> Gathered:
        """Return the evidence for the candidates of a question that is not blank."""
        question, candidates = find_candidates(
            index,
            query,
            index.everything,
            embedded=lambda: embed_question(query, self._embedder),
        )
        fused = fuse_candidates(question, candidates, self._vector_weight)
        return Gathered(
            filenames=[
                place.entry.filename if place else ""
                for place in index.places(candidates.rows.tolist())
            ],
            keyword=normalise(candidates.keyword),
            vector=candidates.vector,
            keyword_share=candidates.keyword_share,
            order=np.searchsorted(candidates.rows, fused.rows).tolist(),
            request=self.rerank_request(index, question, candidates, fused.rows[:max_candidates]),
        )

    def rerank_request(
        self,
        index: Index,
        question: Question,
        candidates: Candidates,
        rows: IntArray,
        *,
        is_alone: bool = True,
    ) -> RerankRequest:
        """Return the evidence for the chunks `rows`, in their order; `is_alone`: see late.py."""
        at = np.searchsorted(candidates.rows, rows)
        late = late_evidence(index, question, rows, is_alone=is_alone)
        second = mean = np.zeros(len(rows), np.float32)
        if candidates.of_chunks is not None and candidates.similarities is not None:
            of_top = candidates.of_chunks.some(at)
            second, mean = second_and_mean(candidates.similarities, of_top)
        windows = np.where(late.windows >= 0, late.windows, candidates.windows[at])
        places = index.places(rows.tolist())
        documents = self._catalog().documents(
            {place.entry.document_id for place in places if place}, index.load_keys
        )
        contexts = self._contexts.of(places, documents)
        texts = _window_texts(index, places, windows, documents)
        evidence = Evidence(
            question=question.text,
            terms=question.terms,
            idf=question.idf,
            counts=index.term_counts(question.terms, rows),
            keyword=candidates.keyword[at],
            max_keyword=question.max_keyword,
            vector=candidates.vector[at],
            vector_second=second,
            vector_mean=mean,
            late=late.window,
            late_stretch=late.stretch,
            contexts=[context.terms for context in contexts],
            texts=texts,
            ordinals=np.array([place.ordinal if place else 0 for place in places], dtype=np.int64),
        )
        return RerankRequest(
            question=question.text,
            texts=[f"{one.line}\n{text}" for one, text in zip(contexts, texts, strict=True)],
            features=compute_features(evidence),
        )


def _window_texts(
    index: Index,
    places: Sequence[Place | None],
    windows: IntArray,
    documents: Mapping[int, Document],
) -> list[str]:
    """Return the words of one window of each chunk, or of its beginning where that is -1."""
    has_window = windows >= 0
    spans = iter(index.window_spans(windows[has_window]).tolist())
    texts = []
    for place, is_window in zip(places, has_window.tolist(), strict=True):
        span = next(spans) if is_window else None
        document = documents.get(place.entry.document_id) if place else None
        if place is None or document is None:
            texts.append("")
            continue
        start, end = span or (place.start, min(place.end, place.start + MAX_BLIND_CHARACTERS))
        texts.append(document.text[start:end])
    return texts
