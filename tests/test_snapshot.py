"""Snapshot: several segments, some files removed, against one slow and obvious list of chunks."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from rank_bm25 import BM25Okapi

from filesearch.errors import IndexDamaged
from filesearch.index.builder import SegmentBuilder
from filesearch.index.segment import Segment, write_segment
from filesearch.index.slots import Selection
from filesearch.index.snapshot import MIN_IDF, Snapshot
from filesearch.prepare import prepare_document
from filesearch.records import Entry, Picture
from filesearch.roster import Roster
from filesearch.terms import query_terms, term_spans
from filesearch.testing import HashingEmbedder
from filesearch.types import ChunkSettings, Document

EMBEDDER = HashingEmbedder(dimension=16, max_tokens=20)
SETTINGS = ChunkSettings(100, 50)
WORDS = "kiln glaze mug bowl clay 陶器 窯 fire ash salt wheel studio 1280 max_chunk_size".split()
QUERY = "glaze for a clay bowl"


@pytest.fixture(scope="module", params=range(4))
def twin(request, tmp_path_factory):
    """Random documents in segments, and beside them plain lists of every chunk and window.

    chunks: (slot's entry or None, start, end, ordinal, window rows, terms); windows: (entry or
    None, start, end, vector).
    """
    rng = np.random.default_rng(request.param)
    root = tmp_path_factory.mktemp("segments")
    records, entries, chunks, windows = [], [], [], []
    for segment_id in range(1, int(rng.integers(2, 5)) + 1):
        builder = SegmentBuilder(EMBEDDER.fingerprint, EMBEDDER.dimension)
        n_slots = int(rng.integers(1, 6))
        for slot in range(n_slots):
            text = " ".join(rng.choice(WORDS, size=int(rng.choice([2, 40, 150]))))
            prepared = prepare_document(Document(text), "note", SETTINGS, EMBEDDER)
            embeddings = EMBEDDER.embed_windows(prepared.window_texts)
            prepared.add_to(builder, embeddings)
            entry = None
            if rng.random() < 0.7:
                number = len(entries)
                entry = Entry(
                    number, segment_id, slot, f"f{number}", "", number, {"n": number}, SETTINGS
                )
                entries.append(entry)
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
        live=[row for row, chunk in enumerate(chunks) if chunk.entry],
    )


def cosines(twin):
    return np.array([w.vector @ EMBEDDER.embed_query(QUERY) for w in twin.windows])


def allowed_windows(twin, keep):
    return [row for row, w in enumerate(twin.windows) if w.entry and keep(w.entry)]


def test_rows_count_every_chunk_and_window(twin):
    assert twin.snapshot.chunk_count == len(twin.chunks)
    assert twin.snapshot.window_count == len(twin.windows)
    assert twin.snapshot.generation == 7


@pytest.mark.parametrize("top_k", [1, 5, 10_000])
@pytest.mark.parametrize("query", ["kiln", QUERY, "陶器 1280", "max_chunk_size chunk", "unknown"])
def test_the_best_chunks_by_keywords_are_those_of_one_corpus_of_the_live(twin, query, top_k):
    terms = query_terms(query)
    peer = BM25Okapi([twin.chunks[row].terms for row in twin.live])
    peer.idf = {term: max(idf, MIN_IDF) for term, idf in peer.idf.items()}
    expected = dict(zip(twin.live, peer.get_scores(terms), strict=True))
    rows, scores = twin.snapshot.top_keyword(terms, top_k, twin.snapshot.everything)
    assert len(rows) == min(top_k, sum(score > 0 for score in expected.values()))
    np.testing.assert_allclose(scores, [expected[row] for row in rows], atol=1e-9)
    np.testing.assert_allclose(scores, sorted(expected.values(), reverse=True)[: len(rows)])
    np.testing.assert_array_equal(twin.snapshot.keyword_scores_at(terms, rows), scores)


def test_a_selection_is_applied_inside_the_keyword_search(twin):
    terms = query_terms(QUERY)
    everything, scores = twin.snapshot.top_keyword(terms, 10_000, twin.snapshot.everything)
    chosen = np.zeros(twin.snapshot.chunk_count, bool)
    chosen[everything[1::2]] = True
    rows, found = twin.snapshot.top_keyword(terms, 3, Selection(chosen, None))
    assert rows.tolist() == everything[1::2][:3].tolist()
    assert found.tolist() == scores[1::2][:3].tolist()


@pytest.mark.parametrize("top_k", [1, 5, 10_000])
def test_nearest_windows_are_the_live_ones_of_highest_cosine(twin, top_k):
    rows, scores = twin.snapshot.nearest_windows(
        EMBEDDER.embed_query(QUERY), top_k=top_k, selection=twin.snapshot.everything
    )
    expected = cosines(twin)
    live = allowed_windows(twin, lambda entry: True)
    assert len(rows) == min(top_k, len(live))
    assert set(rows) <= set(live)
    np.testing.assert_allclose(scores, expected[rows], atol=1e-3)
    np.testing.assert_allclose(scores, np.sort(expected[live])[::-1][:top_k], atol=1e-3)


def test_a_selection_holds_the_rows_of_the_files_that_are_kept(twin):
    selection = twin.snapshot.select(lambda attributes: attributes["n"] % 2 == 0)
    kept = [c.entry is not None and c.entry.attributes["n"] % 2 == 0 for c in twin.chunks]
    assert selection.chunks.tolist() == kept
    kept = [w.entry is not None and w.entry.attributes["n"] % 2 == 0 for w in twin.windows]
    assert selection.windows.tolist() == kept


def test_nearest_windows_of_a_selection_lie_in_it_and_miss_none(twin):
    def keep(attributes):
        return attributes["n"] % 3 == 0

    rows, _scores = twin.snapshot.nearest_windows(
        EMBEDDER.embed_query(QUERY), top_k=10_000, selection=twin.snapshot.select(keep)
    )
    assert sorted(rows) == allowed_windows(twin, lambda entry: keep(entry.attributes))


def test_an_empty_selection_finds_nothing(twin):
    selection = twin.snapshot.select(lambda attributes: False)
    assert not selection.chunks.any()
    rows, scores = twin.snapshot.nearest_windows(
        EMBEDDER.embed_query(QUERY), top_k=3, selection=selection
    )
    assert (len(rows), len(scores)) == (0, 0)


def test_chunks_of_windows_are_those_that_hold_them(twin):
    rng = np.random.default_rng(1)
    for _ in range(10):
        asked = rng.choice(len(twin.windows), size=min(4, len(twin.windows)), replace=False)
        found = twin.snapshot.chunks_of_windows(asked)
        holding = [row for row, c in enumerate(twin.chunks) if set(c.windows) & set(asked)]
        assert found.tolist() == holding
    assert twin.snapshot.chunks_of_windows(np.empty(0, np.int64)).tolist() == []


def test_the_best_window_of_a_chunk_is_its_nearest(twin):
    expected = cosines(twin)
    rows = np.random.default_rng(2).permutation(len(twin.chunks))
    of_chunks = twin.snapshot.windows_of_chunks(rows)
    found = twin.snapshot.similarities(of_chunks.rows, EMBEDDER.embed_query(QUERY))
    best, best_rows = of_chunks.best(found)
    for row, score, window in zip(rows, best, best_rows, strict=True):
        assert score == pytest.approx(max(expected[twin.chunks[row].windows]), abs=1e-3)
        assert window in twin.chunks[row].windows
        assert score == pytest.approx(expected[window], abs=1e-3)


def test_no_chunks_have_no_windows(twin):
    of_chunks = twin.snapshot.windows_of_chunks(np.empty(0, np.int64))
    best, rows = of_chunks.best(np.empty(0, np.float32))
    assert (len(of_chunks.rows), len(best), len(rows)) == (0, 0, 0)
    similarities = twin.snapshot.similarities(of_chunks.rows, EMBEDDER.embed_query(QUERY))
    assert (similarities.shape, similarities.dtype) == ((0,), np.float32)


def test_windows_keep_the_signs_they_were_given(twin):
    rows = np.arange(0, twin.snapshot.window_count, 2)
    signs = twin.snapshot.window_signs(rows)
    assert signs.counts.tolist() == [len(twin.windows[row].signs.bits) for row in rows]
    np.testing.assert_array_equal(
        signs.bits, np.concatenate([twin.windows[row].signs.bits for row in rows])
    )


def test_terms_are_counted_in_every_chunk(twin):
    terms = ["kiln", "陶器", "unknown", "chunk"]
    rows = np.random.default_rng(3).permutation(len(twin.chunks))
    expected = [[twin.chunks[row].terms.count(term) for row in rows] for term in terms]
    assert twin.snapshot.term_counts(terms, rows).tolist() == expected


def test_rarer_terms_say_more_and_every_term_says_something(twin):
    terms = ["kiln", "glaze", "陶器", "unknown"]
    frequency = [sum(term in twin.chunks[row].terms for row in twin.live) for term in terms]
    idf = twin.snapshot.term_idf(terms)
    assert (idf > 0).all()
    assert np.argsort(frequency, kind="stable").tolist() == np.argsort(-idf, kind="stable").tolist()


def test_places_and_spans_are_those_that_went_in(twin):
    for row in twin.live:
        place, chunk = twin.snapshot.place(row), twin.chunks[row]
        assert (place.entry, place.ordinal) == (chunk.entry, chunk.ordinal)
        assert (place.start, place.end) == (chunk.start, chunk.end)
    for row, window in enumerate(twin.windows):
        assert twin.snapshot.window_span(row) == (window.start, window.end)


def test_a_removed_file_has_no_place(twin):
    dead = [row for row in range(len(twin.chunks)) if row not in twin.live]
    for row in dead:
        with pytest.raises(LookupError, match="removed file"):
            twin.snapshot.place(row)


def test_a_newer_snapshot_opens_only_what_is_new(twin):
    older = Snapshot(twin.root, Roster.of(Picture(6, twin.picture.segments[:1], ())))
    newer = Snapshot(twin.root, Roster.of(twin.picture), older.opened)
    assert newer.segments[0] is older.segments[0]
    assert all(isinstance(segment, Segment) for segment in newer.segments)


def test_a_segment_that_is_gone_is_damage(twin):
    lost = replace(twin.picture.segments[0], name="0123456789abcdef")
    with pytest.raises(IndexDamaged, match=lost.name):
        Snapshot(twin.root, Roster.of(Picture(7, (lost,), ())))


def test_an_empty_store_has_nothing_to_find(tmp_path):
    snapshot = Snapshot(tmp_path, Roster.of(Picture(0, (), ())))
    rows, _scores = snapshot.nearest_windows(
        EMBEDDER.embed_query(QUERY), top_k=3, selection=snapshot.everything
    )
    by_keyword, _scores = snapshot.top_keyword(["kiln"], 3, snapshot.everything)
    assert (snapshot.chunk_count, len(rows), len(by_keyword)) == (0, 0, 0)


def test_memory_counts_what_searches_have_made_so_far(twin):
    snapshot = Snapshot(twin.root, Roster.of(twin.picture), twin.snapshot.opened)
    before = snapshot.memory()
    assert (before.entries, before.masks) == (0, 0)
    assert before.slots > 0
    assert before.mapped == sum(record.size_bytes for record in twin.picture.segments)
    row = twin.live[0]
    _ = snapshot.place(row), snapshot.everything
    after = snapshot.memory()
    assert after.entries > 0
    assert (after.masks > 0) == (len(twin.live) < len(twin.chunks))


def test_a_file_that_was_removed_since_the_commit_is_left_out(twin):
    gone = twin.chunks[twin.live[0]].entry
    roster = Roster.of(twin.picture)
    read = roster.read_entries
    left = replace(
        roster, read_entries=lambda ids: read([one for one in ids if one != gone.store_file_id])
    )
    snapshot = Snapshot(twin.root, left, twin.snapshot.opened)
    places = snapshot.places(twin.live)
    expected = [None if twin.chunks[row].entry == gone else row for row in twin.live]
    assert [place and row for place, row in zip(places, twin.live, strict=True)] == expected


def test_an_id_that_went_to_another_file_since_the_commit_is_no_place(twin):
    roster = Roster.of(twin.picture)
    read = roster.read_entries
    other = replace(
        roster,
        read_entries=lambda ids: {
            number: replace(entry, document_id=10_000) for number, entry in read(ids).items()
        },
    )
    snapshot = Snapshot(twin.root, other, twin.snapshot.opened)
    assert snapshot.places(twin.live) == [None] * len(twin.live)
