"""Index: every adapter of the seam against one slow and obvious list of chunks."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from rank_bm25 import BM25Okapi

from filesearch.index.snapshot import MIN_IDF
from filesearch.index_rows import Selection
from filesearch.ranking_options import RankingOptions
from filesearch.rerank.learned import LearnedReranker
from filesearch.retrieve import Retriever
from filesearch.terms import query_terms

from .support_index import EMBEDDER, ListIndex, make_twin

QUERY = "glaze for a clay bowl"


@pytest.fixture(scope="module", params=range(4))
def twin(request, tmp_path_factory):
    return make_twin(request.param, tmp_path_factory.mktemp("segments"))


@pytest.fixture(params=["segments", "lists"])
def index(request, twin):
    return twin.snapshot if request.param == "segments" else ListIndex(twin.chunks, twin.windows)


def cosines(twin):
    return np.array([w.vector @ EMBEDDER.embed_query(QUERY) for w in twin.windows])


def allowed_windows(twin, keep):
    return [row for row, w in enumerate(twin.windows) if w.entry and keep(w.entry)]


def test_rows_count_every_chunk(index, twin):
    assert index.chunk_count == len(twin.chunks)


@pytest.mark.parametrize("top_k", [1, 5, 10_000])
@pytest.mark.parametrize("query", ["kiln", QUERY, "陶器 1280", "max_chunk_size chunk", "unknown"])
def test_the_best_chunks_by_keywords_are_those_of_one_corpus_of_the_live(index, twin, query, top_k):
    terms = query_terms(query)
    peer = BM25Okapi([twin.chunks[row].terms for row in twin.live])
    peer.idf = {term: max(idf, MIN_IDF) for term, idf in peer.idf.items()}
    expected = dict(zip(twin.live, peer.get_scores(terms), strict=True))
    rows, scores = index.top_keyword(terms, top_k, index.everything)
    assert len(rows) == min(top_k, sum(score > 0 for score in expected.values()))
    np.testing.assert_allclose(scores, [expected[row] for row in rows], atol=1e-9)
    np.testing.assert_allclose(scores, sorted(expected.values(), reverse=True)[: len(rows)])
    np.testing.assert_array_equal(index.keyword_scores_at(terms, rows), scores)


def test_a_selection_is_applied_inside_the_keyword_search(index, twin):
    terms = query_terms(QUERY)
    everything, scores = index.top_keyword(terms, 10_000, index.everything)
    chosen = np.zeros(len(twin.chunks), bool)
    chosen[everything[1::2]] = True
    rows, found = index.top_keyword(terms, 3, Selection(chosen, None))
    assert rows.tolist() == everything[1::2][:3].tolist()
    assert found.tolist() == scores[1::2][:3].tolist()


@pytest.mark.parametrize("top_k", [1, 5, 10_000])
def test_nearest_windows_are_the_live_ones_of_highest_cosine(index, twin, top_k):
    rows, scores = index.nearest_windows(
        EMBEDDER.embed_query(QUERY), top_k=top_k, selection=index.everything
    )
    expected = cosines(twin)
    live = allowed_windows(twin, lambda entry: True)
    assert len(rows) == min(top_k, len(live))
    assert set(rows) <= set(live)
    np.testing.assert_allclose(scores, expected[rows], atol=1e-3)
    np.testing.assert_allclose(scores, np.sort(expected[live])[::-1][:top_k], atol=1e-3)


def test_a_selection_holds_the_rows_of_the_files_that_are_kept(index, twin):
    selection = index.select(lambda attributes: attributes["n"] % 2 == 0)
    kept = [c.entry is not None and c.entry.attributes["n"] % 2 == 0 for c in twin.chunks]
    assert selection.chunks.tolist() == kept
    kept = [w.entry is not None and w.entry.attributes["n"] % 2 == 0 for w in twin.windows]
    assert selection.windows.tolist() == kept


def test_nearest_windows_of_a_selection_lie_in_it_and_miss_none(index, twin):
    def keep(attributes):
        return attributes["n"] % 3 == 0

    rows, _scores = index.nearest_windows(
        EMBEDDER.embed_query(QUERY), top_k=10_000, selection=index.select(keep)
    )
    assert sorted(rows) == allowed_windows(twin, lambda entry: keep(entry.attributes))


def test_an_empty_selection_finds_nothing(index, twin):
    selection = index.select(lambda attributes: False)
    assert not selection.chunks.any()
    rows, scores = index.nearest_windows(EMBEDDER.embed_query(QUERY), top_k=3, selection=selection)
    assert (len(rows), len(scores)) == (0, 0)


def test_chunks_of_windows_are_those_that_hold_them(index, twin):
    rng = np.random.default_rng(1)
    for _ in range(10):
        asked = rng.choice(len(twin.windows), size=min(4, len(twin.windows)), replace=False)
        found = index.chunks_of_windows(asked)
        holding = [row for row, c in enumerate(twin.chunks) if set(c.windows) & set(asked)]
        assert found.tolist() == holding
    assert index.chunks_of_windows(np.empty(0, np.int64)).tolist() == []


def test_the_best_window_of_a_chunk_is_its_nearest(index, twin):
    expected = cosines(twin)
    rows = np.random.default_rng(2).permutation(len(twin.chunks))
    of_chunks = index.windows_of_chunks(rows)
    found = index.similarities(of_chunks.rows, EMBEDDER.embed_query(QUERY))
    best, best_rows = of_chunks.best(found)
    for row, score, window in zip(rows, best, best_rows, strict=True):
        assert score == pytest.approx(max(expected[twin.chunks[row].windows]), abs=1e-3)
        assert window in twin.chunks[row].windows
        assert score == pytest.approx(expected[window], abs=1e-3)


def test_no_chunks_have_no_windows(index, twin):
    of_chunks = index.windows_of_chunks(np.empty(0, np.int64))
    best, rows = of_chunks.best(np.empty(0, np.float32))
    assert (len(of_chunks.rows), len(best), len(rows)) == (0, 0, 0)
    similarities = index.similarities(of_chunks.rows, EMBEDDER.embed_query(QUERY))
    assert (similarities.shape, similarities.dtype) == ((0,), np.float32)


@pytest.mark.parametrize("ascend", [True, False])
def test_the_windows_of_chunks_are_told_once_each_and_chunk_after_chunk(index, twin, ascend):
    rng = np.random.default_rng(3)
    for _ in range(20):
        count = int(rng.integers(1, len(twin.chunks) + 1))
        asked = rng.choice(len(twin.chunks), size=count, replace=False)
        if ascend:
            asked.sort()
        windows = [list(twin.chunks[row].windows) for row in asked]
        found = index.windows_of_chunks(asked)
        assert found.rows.tolist() == sorted({window for of_one in windows for window in of_one})
        assert found.rows[found.index].tolist() == [w for of_one in windows for w in of_one]
        assert found.lengths.tolist() == [len(of_one) for of_one in windows]


def test_the_windows_of_some_chunks_are_those_they_had_among_all(index):
    everything = index.windows_of_chunks(np.arange(index.chunk_count))
    at = np.array([index.chunk_count - 1, 0])
    some, asked = everything.some(at), index.windows_of_chunks(at)
    assert some.lengths.tolist() == asked.lengths.tolist() == everything.lengths[at].tolist()
    assert some.rows[some.index].tolist() == asked.rows[asked.index].tolist()
    assert len(everything.some(np.empty(0, np.int64)).index) == 0


def test_windows_keep_the_signs_they_were_given(index, twin):
    rows = np.arange(0, len(twin.windows), 2)
    signs = index.window_signs(rows)
    assert signs.counts.tolist() == [len(twin.windows[row].signs.bits) for row in rows]
    np.testing.assert_array_equal(
        signs.bits, np.concatenate([twin.windows[row].signs.bits for row in rows])
    )


def test_terms_are_counted_in_every_chunk(index, twin):
    terms = ["kiln", "陶器", "unknown", "chunk"]
    rows = np.random.default_rng(3).permutation(len(twin.chunks))
    expected = [[twin.chunks[row].terms.count(term) for row in rows] for term in terms]
    assert index.term_counts(terms, rows).tolist() == expected


def test_rarer_terms_say_more_and_every_term_says_something(index, twin):
    terms = ["kiln", "glaze", "陶器", "unknown"]
    frequency = [sum(term in twin.chunks[row].terms for row in twin.live) for term in terms]
    idf = index.term_idf(terms)
    assert (idf > 0).all()
    assert np.argsort(frequency, kind="stable").tolist() == np.argsort(-idf, kind="stable").tolist()


def test_places_and_spans_are_those_that_went_in(index, twin):
    for chunk, place in zip(twin.chunks, index.places(range(len(twin.chunks))), strict=True):
        if chunk.entry is None:
            assert place is None
            continue
        assert (place.entry, place.ordinal) == (chunk.entry, chunk.ordinal)
        assert (place.start, place.end) == (chunk.start, chunk.end)
    spans = index.window_spans(np.arange(len(twin.windows)))
    assert spans.tolist() == [[window.start, window.end] for window in twin.windows]
    assert index.window_spans(np.empty(0, np.int64)).shape == (0, 2)


def test_files_that_were_removed_are_no_entries(index, twin):
    live = {one.entry.store_file_id: one.entry for one in twin.chunks if one.entry}
    assert index.entries([*live, 10_000]) == live


def test_no_chunk_reaches_the_ceiling_of_its_terms(index, twin):
    terms = list(dict.fromkeys(query_terms(QUERY)))
    highest = index.keyword_scores_at(terms, np.array(twin.live)).max()
    assert 0 < highest < index.keyword_ceiling(terms)


@pytest.mark.parametrize("query", [QUERY, "fire 1280", "陶器", "max_chunk_size of a studio"])
@pytest.mark.parametrize("ranker", ["none", "auto"])
@pytest.mark.parametrize("filters", [None, {"type": "gte", "key": "n", "value": 2}])
def test_retrieval_finds_the_same_through_every_adapter(twin, query, ranker, filters):
    catalog = SimpleNamespace(
        documents=lambda ids, keys: {number: twin.documents[number] for number in ids},
        passages=lambda places, keys: [
            (twin.documents[number].text[start:end], ()) for number, start, end in places
        ],
    )
    retriever = Retriever(
        catalog=lambda: catalog,
        embedder=lambda: EMBEDDER,
        reranker=LearnedReranker,
        vector_weight=None,
    )
    options = RankingOptions(ranker=ranker)
    found, expected = (
        retriever.search(index, [query], top_k=5, filters=filters, options=options)
        for index in (twin.snapshot, ListIndex(twin.chunks, twin.windows))
    )
    assert expected or filters
    shown = [(one.file_id, one.start, one.end, one.text) for one in found]
    assert shown == [(one.file_id, one.start, one.end, one.text) for one in expected]
    np.testing.assert_allclose(
        [one.score for one in found], [one.score for one in expected], atol=2e-3
    )  # vectors of segments are float16
