"""Passages: what becomes of ranked chunks, on small stores made up for each test."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filesearch.index_rows import Place
from filesearch.passages import MAX_JOINED, MIN_LEFT, pick_passages
from filesearch.ranking import Ranking, Scored
from filesearch.records import Entry
from filesearch.types import ChunkSettings, Span


def words(seed, n_characters):
    """Text of at most 1,000 characters, without a word twice, nor a word of another seed."""
    return WORDS[seed][:n_characters]


def _draw_words(seed):
    letters = np.random.default_rng(seed).integers(ord("a"), ord("z") + 1, size=(143, 7))
    letters[:, 6] = ord(" ")
    return bytes(letters.astype(np.uint8)).decode()


WORDS = [_draw_words(seed) for seed in range(20)]


@dataclass
class Store:
    """Stands for a snapshot and the catalog behind it.

    Attributes:
        texts: Text by document id.
        files: Name and document id of each file.
        chunks: File number, start and end of each chunk row.
        windows: Start and end of each window row.
        asked: What was asked of the catalog, call by call.
    """

    texts: dict[int, str]
    files: list[tuple[str, int]]
    chunks: list[tuple[int, int, int]]
    windows: list[tuple[int, int]] = field(default_factory=list)
    chunk_settings: list[ChunkSettings] = field(default_factory=list)
    asked: list[list[tuple[int, int, int]]] = field(default_factory=list)

    def places(self, rows):
        return [self.place(row) for row in rows]

    def entries(self, store_file_ids):
        return {number: self.entry(number) for number in store_file_ids}

    def place(self, row):
        number, start, end = self.chunks[row]
        ordinal = sum(file == number for file, _start, _end in self.chunks[:row])
        return Place(self.entry(number), start, end, ordinal)

    def entry(self, number):
        name, document_id = self.files[number]
        settings = self.chunk_settings[number] if self.chunk_settings else ChunkSettings()
        return Entry(number, 1, number, f"file-{number}", name, document_id, {}, settings)

    def window_spans(self, rows):
        return np.array([self.windows[row] for row in rows.tolist()])

    def passages(self, places):
        self.asked.append(list(places))
        return [
            (self.texts[document_id][start:end], (Span("page", 0, 9, document_id),))
            if document_id in self.texts
            else None
            for document_id, start, end in places
        ]

    def pick(self, scored, top_k=9, least=0.0):
        ranking = ranked(scored)
        return pick_passages(self, ranking, top_k=top_k, least=least, texts=self.passages)

    def pick_rows(self, *rows, top_k=9):
        """Pick from these chunk rows in this order, all without vectors and nearly alike."""
        return self.pick([keyword_only(row, 1 - i / 100) for i, row in enumerate(rows)], top_k)


def ranked(scored):
    """The ranking of these chunks in their order."""
    return Ranking(
        rows=np.array([one.row for one in scored], np.int64),
        scores=np.array([one.score for one in scored], np.float64),
        keyword=np.array([one.keyword for one in scored], np.float64),
        vector=np.array([one.vector for one in scored], np.float64),
        windows=np.array([one.window for one in scored], np.int64),
    )


def keyword_only(row, score):
    return Scored(row, score, score, 0.0, -1)


def strip(*chunks, windows=()):
    """A store of one file, by the characters of its chunks and windows."""
    end = max(chunk[1] for chunk in chunks)
    return Store({7: words(0, end)}, [("a.txt", 7)], [(0, *chunk) for chunk in chunks], windows)


def apart(*texts):
    """A store of files a.txt, b.txt, ... of one chunk each; equal texts are one document."""
    ids = {text: number for number, text in reversed(list(enumerate(texts)))}
    return Store(
        texts={number: text for text, number in ids.items()},
        files=[(f"{chr(97 + i)}.txt", ids[text]) for i, text in enumerate(texts)],
        chunks=[(i, 0, len(text)) for i, text in enumerate(texts)],
    )


def spans(passages):
    return [(p.place.start, p.place.end) for p in passages]


def names(passages):
    return [p.place.entry.filename for p in passages]


# Cutting what overlaps

FAR = [(0, 100), (50, 150), (300, 400)]
FAR_WINDOWS = [(0, 50), (50, 100), (300, 350)]


def test_chunks_that_share_nothing_stay_whole_and_top_k_ends_the_list():
    store = apart(words(1, 90), words(2, 90), words(3, 90))
    assert names(store.pick_rows(2, 0, 1)) == ["c.txt", "a.txt", "b.txt"]
    assert names(store.pick_rows(2, 0, 1, top_k=2)) == ["c.txt", "a.txt"]


def test_a_neighbour_whose_evidence_is_shown_already_falls_behind_weaker_chunks():
    """Shown by the order of the texts that are asked for, before anything is joined."""
    store = strip(*FAR, windows=FAR_WINDOWS)
    scored = [Scored(0, 1.0, 0.5, 0.5, 1), Scored(1, 0.9, 0.4, 0.5, 1), Scored(2, 0.6, 0.3, 0.3, 2)]
    store.pick(scored, top_k=3)
    assert store.asked[0] == [(7, 0, 100), (7, 300, 400), (7, 100, 150)]


def test_a_neighbour_that_adds_something_is_cut_to_what_is_new_and_keeps_its_vector_share():
    store = strip((0, 200), (160, 360), windows=[(0, 50), (300, 350)])
    scored = [Scored(0, 1.0, 0.5, 0.5, 0), Scored(1, 0.9, 0.4, 0.5, 1)]
    passages = store.pick(scored)
    assert spans(passages) == [(0, 200), (200, 360)]
    cut = passages[1].scored
    assert (cut.keyword, cut.vector, cut.score) == pytest.approx((0.32, 0.5, 0.82))


def test_the_score_of_a_reranker_falls_in_proportion_to_the_shares():
    store = strip((0, 200), (160, 360), windows=[(0, 50), (300, 350)])
    scored = [Scored(0, 0.99, 0.1, 0.1, 0), Scored(1, 0.6, 0.1, 0.1, 1)]
    cut = store.pick(scored)[1].scored
    assert (cut.keyword, cut.vector, cut.score) == pytest.approx((0.08, 0.1, 0.54))


def test_a_chunk_without_shares_falls_by_what_is_left_of_it():
    scored = [Scored(0, 0.9, 0.0, 0.0, -1), Scored(1, 0.8, 0.0, 0.0, -1)]
    assert strip((0, 200), (160, 360)).pick(scored)[1].scored.score == pytest.approx(0.64)


def test_a_neighbour_whose_new_part_scores_below_the_threshold_leaves_its_place_to_others():
    store = strip((0, 200), (100, 300), (400, 600))
    scored = [keyword_only(row, score) for row, score in enumerate([0.9, 0.8, 0.5])]
    found = store.pick(scored, top_k=2, least=0.5)
    assert [(p.place.start, p.scored.score) for p in found] == [(0, 0.9), (400, 0.5)]


def test_a_chunk_between_two_shown_ones_is_dropped():
    assert spans(strip((0, 100), (50, 150), (100, 200)).pick_rows(0, 2, 1)) == [
        (0, 100),
        (100, 200),
    ]


# Joining neighbours


def test_neighbours_that_touch_are_one_passage_with_one_span_and_the_better_score():
    store = strip((0, 100), (50, 150))
    [passage] = store.pick([keyword_only(1, 0.9), keyword_only(0, 0.8)])
    assert (passage.place.start, passage.place.end, passage.place.ordinal) == (0, 150, 1)
    assert passage.scored.score == 0.9
    assert passage.text == store.texts[7][0:150]


def test_a_joined_neighbour_frees_its_place():
    store = strip((0, 100), (50, 150), (400, 500), (700, 800))
    scored = [keyword_only(row, score) for row, score in enumerate([1.0, 0.9, 0.4, 0.3])]
    assert spans(store.pick(scored, top_k=3)) == [(0, 150), (400, 500), (700, 800)]


def test_a_joined_passage_keeps_the_rank_of_its_best_part():
    store = strip((0, 100), (400, 500), (50, 150))
    assert spans(store.pick_rows(0, 1, 2)) == [(0, 150), (400, 500)]


def test_a_file_that_matches_everywhere_does_not_come_back_as_one_passage():
    store = strip(*[(start, start + 100) for start in range(0, 1000, 50)])
    passages = store.pick_rows(*range(19), top_k=50)
    assert sum(len(p.text) for p in passages) == 1000
    assert max(len(p.text) for p in passages) <= 175


def test_a_stretch_may_join_the_passages_on_both_of_its_sides():
    store = strip((0, 60), (40, 120), (100, 140), (300, 380))
    assert spans(store.pick_rows(0, 2, 3, 1, top_k=3)) == [(0, 60), (100, 140), (300, 380)]
    assert spans(store.pick_rows(0, 2, 3, 1, top_k=4)) == [(0, 140), (300, 380)]


def test_a_stretch_between_two_passages_joins_the_better_one_that_has_room():
    store = strip((0, 100), (80, 140), (140, 250))
    assert spans(store.pick_rows(0, 2, 1)) == [(0, 140), (140, 250)]
    assert spans(store.pick_rows(2, 0, 1)) == [(100, 250), (0, 100)]


# Copies and repeats


def test_copies_of_a_file_are_one_passage_that_names_them_in_their_order():
    store = apart("A kiln.", "Bread.", "A kiln.", "A kiln.")
    scored = [keyword_only(row, score) for row, score in [(0, 0.9), (2, 0.9), (3, 0.9), (1, 0.1)]]
    passages = store.pick(scored)
    assert [(p.text, p.also_in) for p in passages] == [
        ("A kiln.", ("c.txt", "d.txt")),
        ("Bread.", ()),
    ]


def test_copies_of_the_last_passage_are_named_too():
    store = apart("A kiln.", "Bread.", "A kiln.")
    scored = [keyword_only(0, 0.9), keyword_only(2, 0.9 - 1e-9), keyword_only(1, 0.1)]
    assert [p.also_in for p in store.pick(scored, top_k=1)] == [("c.txt",)]


def test_all_passages_of_a_text_stand_under_one_of_its_names():
    """Scores of copies may differ in their last bits, and so rank now one first, now the other."""
    text = words(0, 900)
    store = Store({7: text}, [("a.txt", 7), ("b.txt", 7)], [])
    store.chunks = [(file, start, start + 100) for file in (0, 1) for start in (0, 400, 800)]
    passages = store.pick_rows(0, 3, 4, 1, 2, 5)
    assert names(passages) == ["a.txt"] * 3
    assert [p.also_in for p in passages] == [("b.txt",)] * 3


def test_a_copy_that_was_cut_in_another_way_keeps_its_own_chunk_numbers():
    store = Store({7: words(0, 900)}, [("a.txt", 7), ("b.txt", 7)], [(0, 0, 100), (1, 400, 900)])
    store.chunk_settings = [ChunkSettings(100, 50), ChunkSettings(500, 250)]
    passages = store.pick_rows(0, 1)
    assert [(p.place.entry.filename, p.also_in) for p in passages] == [
        ("a.txt", ("b.txt",)),
        ("b.txt", ("a.txt",)),
    ]


def test_an_older_version_leaves_its_place_to_others_and_is_named():
    new = words(1, 700)
    old = new[:300] + " mends " + new[307:]
    passages = apart(new, old, words(2, 700)).pick_rows(0, 1, 2, top_k=2)
    assert names(passages) == ["a.txt", "c.txt"]
    assert [p.also_in for p in passages] == [("b.txt",), ()]


def test_copies_of_an_older_version_are_named_as_well():
    new = words(1, 700)
    old = new[:300] + " mends " + new[307:]
    [passage] = apart(new, old, old).pick_rows(0, 1, 2)
    assert passage.also_in == ("b.txt", "c.txt")


def test_pages_that_differ_in_their_year_are_all_shown():
    page = words(1, 300) + " FY{year} " + words(2, 300)
    passages = apart(page.format(year=2022), page.format(year=2023)).pick_rows(0, 1)
    assert [(p.place.entry.filename, p.also_in) for p in passages] == [("a.txt", ()), ("b.txt", ())]


def test_a_repeat_of_what_was_joined_is_named_at_the_joined_passage():
    text = words(0, 150)
    store = Store({1: text, 2: text[100:]}, [("a.txt", 1), ("b.txt", 2)], [])
    store.chunks = [(0, 0, 100), (0, 50, 150), (1, 0, 50)]
    scored = [keyword_only(row, score) for row, score in enumerate([1.0, 0.9, 0.4])]
    assert [p.also_in for p in store.pick(scored)] == [("b.txt",)]


def test_the_same_words_elsewhere_in_one_file_are_no_repeat():
    """They may stand on another page, and that is where a citation must point."""
    line = words(0, 100)
    store = Store({7: line * 3}, [("a.txt", 7)], [(0, 0, 100), (0, 200, 300)])
    assert spans(store.pick_rows(0, 1)) == [(0, 100), (200, 300)]


# Texts


def test_no_more_texts_are_fetched_than_are_returned_when_nothing_is_joined():
    store = apart(*[words(seed, 80) for seed in range(20)])
    assert len(store.pick_rows(*range(20), top_k=5)) == 5
    assert [len(places) for places in store.asked] == [5]


def test_a_row_of_repeats_costs_few_calls():
    text = words(0, 700)
    versions = [text[:i] + "-" + text[i:] for i in range(100)]
    passages = apart(*versions, words(1, 700)).pick_rows(*range(101), top_k=2)
    assert len(passages) == 2
    store = apart(*versions, words(1, 700))
    store.pick_rows(*range(101), top_k=2)
    assert len(store.asked) <= 9


def test_a_document_that_was_removed_meanwhile_leaves_its_place_to_the_next():
    store = apart("A kiln.", "Bread.", "Clay.")
    del store.texts[1]
    assert names(store.pick_rows(1, 0, 2, top_k=2)) == ["a.txt", "c.txt"]


def test_no_chunks_give_no_passages():
    assert apart("A kiln.").pick([]) == []


# What always holds


@st.composite
def ranked_stores(draw):
    """A store of up to four files in overlapping chunks, and a ranking of some of the chunks."""
    size = draw(st.integers(40, 120))
    step = draw(st.integers(size // 2, size))
    # Documents 1 and 3 differ in name only: what one says, the other repeats.
    lengths = draw(st.lists(st.integers(1, 500), min_size=3, max_size=3))
    texts = {i: words(i % 2, length) for i, length in enumerate(lengths, start=1)}
    files = [
        (f"{i}.txt", draw(st.sampled_from(sorted(texts)))) for i in range(draw(st.integers(1, 4)))
    ]
    chunks, windows = [], []
    for number, (_name, document_id) in enumerate(files):
        length = len(texts[document_id])
        for start in range(0, max(length - size, 0) + step, step):
            if start < length:
                chunks.append((number, start, min(start + size, length)))
                windows.append((start, min(start + size // 3, length)))
    rows = draw(
        st.permutations(range(len(chunks))).map(lambda order: order[: len(order) * 3 // 4 + 1])
    )
    unit = st.floats(0.01, 1)
    scores = sorted((draw(unit) for _ in rows), reverse=True)
    scored = []
    for row, score in zip(rows, scores, strict=True):
        share = draw(st.floats(0, 1))
        window = draw(st.sampled_from([-1, row]))
        scored.append(Scored(row, score, score * share, score * (1 - share), window))
    return Store(texts, files, chunks, windows), scored


top_ks = st.integers(1, 12)


@given(ranked_stores(), top_ks)
def test_no_two_passages_share_a_character_of_one_text(given_store, top_k):
    store, scored = given_store
    found = sorted(
        (p.place.entry.document_id, p.place.start, p.place.end) for p in store.pick(scored, top_k)
    )
    assert all(a[0] != b[0] or a[2] <= b[1] for a, b in pairwise(found))


@given(ranked_stores(), top_ks)
def test_a_passage_is_a_stretch_of_its_document(given_store, top_k):
    store, scored = given_store
    for passage in store.pick(scored, top_k):
        text = store.texts[passage.place.entry.document_id]
        assert 0 <= passage.place.start < passage.place.end <= len(text)
        assert passage.text == text[passage.place.start : passage.place.end]
        assert passage.spans[0].number == passage.place.entry.document_id


@given(ranked_stores(), top_ks)
def test_scores_descend_and_are_the_sum_of_their_shares(given_store, top_k):
    store, scored = given_store
    found = [p.scored for p in store.pick(scored, top_k)]
    assert all(a.score >= b.score for a, b in pairwise(found))
    for one in found:
        assert 0 <= one.score <= 1
        assert one.keyword + one.vector == pytest.approx(one.score)


@given(ranked_stores(), top_ks, st.floats(0, 1))
def test_nothing_below_a_threshold_comes_and_all_that_stands_above_it_does(
    given_store, top_k, least
):
    store, scored = given_store
    found = store.pick(scored, top_k, least)
    assert all(p.scored.score >= least for p in found)
    unlimited = [p for p in store.pick(scored, len(scored)) if p.scored.score >= least]
    assert len(found) >= min(top_k, len(unlimited))


@given(ranked_stores(), top_ks)
def test_the_same_chunks_give_the_same_passages(given_store, top_k):
    store, scored = given_store
    assert store.pick(scored, top_k) == store.pick(scored, top_k)


@given(ranked_stores(), top_ks)
def test_the_best_chunk_is_shown_whole_and_first(given_store, top_k):
    store, scored = given_store
    best, first = store.place(scored[0].row), store.pick(scored, top_k)[0]
    assert first.place.entry.document_id == best.entry.document_id
    assert first.place.start <= best.start < best.end <= first.place.end


@given(ranked_stores(), top_ks)
def test_fewer_than_top_k_come_back_only_when_every_chunk_is_shown_or_repeated(given_store, top_k):
    store, scored = given_store
    passages = store.pick(scored, top_k)
    assert len(passages) <= top_k
    if len(passages) == top_k:
        return
    repeated = {name for p in passages for name in p.also_in}
    for candidate in scored:
        place = store.place(candidate.row)
        edges = [place.start]
        for p in sorted(passages, key=lambda p: p.place.start):
            if p.place.entry.document_id == place.entry.document_id:
                edges += [
                    min(max(edge, place.start), place.end) for edge in (p.place.start, p.place.end)
                ]
        edges.append(place.end)
        hidden = max(b - a for a, b in zip(edges[::2], edges[1::2], strict=True))
        assert hidden < MIN_LEFT * (place.end - place.start) or place.entry.filename in repeated


@given(ranked_stores(), top_ks)
def test_passages_touch_only_where_they_would_be_too_long_together(given_store, top_k):
    store, scored = given_store
    size = max(end - start for _file, start, end in store.chunks)
    passages = store.pick(scored, top_k)
    assert all(len(p.text) <= MAX_JOINED * size for p in passages)
    for a in passages:
        for b in passages:
            if a.place.entry.document_id == b.place.entry.document_id and (
                a.place.end == b.place.start
            ):
                assert len(a.text) + len(b.text) > MAX_JOINED * size


@given(ranked_stores(), top_ks)
def test_a_longer_list_shows_what_a_shorter_one_shows_no_later(given_store, top_k):
    store, scored = given_store
    longer = store.pick(scored, top_k + 3)
    for rank, short in enumerate(store.pick(scored, top_k), start=1):
        assert any(
            long.place.entry.document_id == short.place.entry.document_id
            and long.place.start <= short.place.start < short.place.end <= long.place.end
            for long in longer[:rank]
        )


# In a store on disk


def test_a_search_names_the_copies_of_a_file_and_no_more_than_the_filter_lets_through(fs, tmp_path):
    for folder in ("mine", "ours", "theirs"):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / f"{folder}.txt"
        path.write_text("The kiln reaches 1280 degrees in nine hours.")
        fs.ingest(path, attributes={"open": folder != "theirs"})
    [hit] = fs.search("kiln")
    assert {hit.filename, *hit.also_in} == {"mine.txt", "ours.txt", "theirs.txt"}
    [hit] = fs.search("kiln", filters={"type": "eq", "key": "open", "value": True})
    assert {hit.filename, *hit.also_in} == {"mine.txt", "ours.txt"}


def test_a_file_in_two_formats_is_one_result(fs, tmp_path):
    (tmp_path / "a.txt").write_text("The kiln reaches 1280 degrees in nine hours.")
    (tmp_path / "b.html").write_text("<p>The kiln reaches 1280 degrees\n in nine hours.</p>")
    fs.ingest([tmp_path / "a.txt", tmp_path / "b.html"])
    assert len(fs.search("kiln")) == 1
    [hit] = fs.search("kiln")
    assert {hit.filename, *hit.also_in} == {"a.txt", "b.html"}


def test_many_copies_of_one_file_do_not_crowd_out_the_others(fs, tmp_path):
    """As candidates they were all that a question had: 200 of 200."""
    docs = tmp_path / "copies"
    docs.mkdir()
    for i in range(210):
        (docs / f"copy{i:03d}.txt").write_text(
            "The kiln reaches 1280 degrees, says the kiln sheet.\n"
        )
    (docs / "other.txt").write_text("Another kiln stands in the yard.\n")
    fs.ingest(docs)
    hits = fs.search("kiln degrees", top_k=5)
    assert len(hits) == 2
    assert hits[1].filename == "other.txt"
    assert len({hits[0].filename, *hits[0].also_in}) == 210


def test_a_filter_looks_at_copies_that_a_search_without_it_leaves_out(fs, tmp_path):
    for i in range(5):
        docs = tmp_path / f"year{i}"
        docs.mkdir()
        (docs / f"copy{i}.txt").write_text("The kiln reaches 1280 degrees.\n")
        fs.ingest(docs, attributes={"year": 2020 + i})
    assert len(fs.search("kiln")[0].also_in) == 4
    [hit] = fs.search("kiln", filters={"type": "eq", "key": "year", "value": 2024})
    assert (hit.filename, hit.also_in) == ("copy4.txt", ())
