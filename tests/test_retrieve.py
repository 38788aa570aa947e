"""Retrieve: what a search returns, in which order, and what it never does."""

from __future__ import annotations

import json
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest

from filesearch import FileSearch, NamedDocument, Settings
from filesearch.candidates import MAX_CHARACTERS, Candidates
from filesearch.errors import IndexDamaged, InvalidFilter, InvalidSetting, NotFound
from filesearch.events import SearchCompleted
from filesearch.paging import PageQuery
from filesearch.scoring import score_candidates
from filesearch.testing import HashingEmbedder, OverlapReranker
from filesearch.types import Document

from .support_stores import fill, upload

WORDS = "kiln glaze mug bowl clay 陶器 窯 fire ash salt wheel studio 1280 slip 😀 cone".split()
QUESTIONS = ["kiln", "glaze for a bowl", "陶器", "1280 slip salt", "窯 fire"]


def weigh(vector):
    return {"hybrid_search": {"embedding_weight": vector, "text_weight": 1 - vector}}


def write_notes(folder, texts):
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module", params=range(3))
def random_fs(request, tmp_path_factory):
    """A corpus of random files, some of them of many overlapping chunks."""
    rng = np.random.default_rng(request.param)
    texts = {
        f"{i}.txt": ". ".join(
            " ".join(rng.choice(WORDS, size=9)) for _ in range(rng.choice([1, 8, 60]))
        )
        for i in range(6)
    }
    folder = tmp_path_factory.mktemp("random")
    settings = Settings(index=str(folder / "index"), chunk_size=100, chunk_overlap=50)
    with FileSearch(settings=settings, embedder=HashingEmbedder(max_tokens=30)) as fs:
        fs.ingest(write_notes(folder / "notes", texts))
        yield fs


@pytest.fixture(scope="module")
def searches(random_fs):
    """Many searches of that corpus: a list of results for each."""
    return [
        random_fs.search(question, top_k=top_k, ranking_options=weigh(vector_weight))
        for question in QUESTIONS
        for top_k in (1, 4, 50)
        for vector_weight in (0.0, 0.5, 1.0)
    ]


def test_no_two_results_share_a_character(searches):
    for results in searches:
        places = sorted((r.file_id, r.start, r.end) for r in results)
        assert all(a[0] != b[0] or a[2] <= b[1] for a, b in pairwise(places)), places


def test_scores_lie_in_the_unit_interval_and_descend(searches):
    for results in searches:
        scores = [r.score for r in results]
        assert scores == sorted(scores, reverse=True)
        assert all(0 <= score <= 1 + 1e-9 for score in scores)


def test_what_does_not_match_stands_behind_what_does_which_it_leaves_as_it_is(random_fs):
    for question in QUESTIONS:
        matching = random_fs.search(question, top_k=50, should_fill=False)
        filled = random_fs.search(question, top_k=50)
        assert all(result.score > 0 for result in matching)
        assert filled[: len(matching)] == matching
        assert all(result.score == 0 for result in filled[len(matching) :])


def test_a_filter_of_few_chunks_gives_the_nearest_whether_they_match_or_not(tmp_path):
    embedder = HashingEmbedder()
    texts = [f"word{number} stone{number}" for number in range(14)]
    some = {"type": "eq", "key": "group", "value": "some"}
    with FileSearch(tmp_path / "index", embedder=embedder) as fs:
        for group in ("some", "others"):
            named = [NamedDocument(f"{group} {text}", Document(text)) for text in texts]
            fs.ingest_documents(named, attributes={"group": group})
        found = fs.search("heron", top_k=10, filters=some, ranking_options={"ranker": "none"})
        above = fs.search("heron", filters=some, ranking_options={"score_threshold": 1e-9})
    cosines = embedder.embed_texts(texts) @ embedder.embed_query("heron")
    assert 0 < (cosines > 0).sum() < 10
    assert [result.text for result in found] == [texts[at] for at in np.argsort(-cosines)[:10]]
    assert len(above) == (cosines > 0).sum()


def test_an_answer_is_not_made_of_what_does_not_match(tmp_path):
    with FileSearch(tmp_path / "index", embedder=HashingEmbedder()) as fs:
        fs.ingest_documents([NamedDocument(text, Document(text)) for text in ("stone", "slip")])
        asked = next(word for word in WORDS if fs.search(word)[0].score == 0)
        events = list(fs.stream(asked))
    assert [event.sources for event in events if isinstance(event, SearchCompleted)] == [()]


def test_what_fills_up_one_store_comes_behind_what_matches_in_another(tmp_path):
    with FileSearch(tmp_path / "index", embedder=HashingEmbedder()) as fs:
        fs.open(create=True)
        fs.ingest_queue.start()
        stores = [fs.stores.create().id for _ in range(2)]
        for store, word in zip(stores, ("stone", "heron"), strict=True):
            fill(fs, store, *(upload(fs, f"{word}{n}.txt", f"{word} beak{n}") for n in range(6)))
        found = fs.stores.search(stores, ["heron"], top_k=12).results
        only = fs.stores.search(stores, ["heron"], top_k=12, should_fill=False).results
    assert 6 <= len(only) < 12
    assert (found[: len(only)], len(found)) == (only, 12)
    assert all(result.score == 0 for result in found[len(only) :])


def test_shares_add_up_to_the_score(searches):
    for results in searches:
        for r in results:
            assert r.keyword_share + r.vector_share == pytest.approx(r.score)
            assert min(r.keyword_share, r.vector_share) >= 0


def test_the_text_of_a_result_is_that_of_the_document_at_its_place(random_fs, searches):
    texts = {record.id: random_fs.document(record.id).text for record in random_fs.files()}
    for results in searches:
        for r in results:
            assert r.text == texts[r.file_id][r.start : r.end]


def test_a_longer_list_shows_what_the_shorter_one_shows_no_later(random_fs):
    for question in QUESTIONS:
        longer = random_fs.search(question, top_k=50)
        for rank, short in enumerate(random_fs.search(question, top_k=3), start=1):
            assert any(
                long.file_id == short.file_id and long.start <= short.start < short.end <= long.end
                for long in longer[:rank]
            )


def test_searching_again_gives_the_same_results_in_the_same_order(random_fs):
    with FileSearch(settings=random_fs.settings, embedder=HashingEmbedder(max_tokens=30)) as other:
        for question in QUESTIONS:
            first = random_fs.search(question)
            assert first == random_fs.search(question) == other.search(question)


def test_at_most_top_k_results_come_back(random_fs):
    for top_k in (1, 2, 5):
        assert len(random_fs.search("kiln glaze", top_k=top_k)) == top_k


def test_all_weight_on_one_side_leaves_the_other_share_at_zero(fs, docs):
    fs.ingest(docs)
    assert {r.vector_share for r in fs.search("kiln", ranking_options=weigh(0))} == {0.0}
    assert {r.keyword_share for r in fs.search("kiln", ranking_options=weigh(1))} == {0.0}


def test_a_filter_is_applied_before_ranking(fs, tmp_path):
    """The one file that passes stands last in both lists, far below where they are cut."""
    texts = {f"{i:03}.txt": "kiln kiln kiln kiln" for i in range(220)}
    fs.ingest(write_notes(tmp_path / "notes", texts))
    (tmp_path / "odd.txt").write_text("A long note on weather and bread, with one word on a kiln.")
    fs.ingest(tmp_path / "odd.txt", attributes={"kind": "odd"})
    only_odd = {"type": "eq", "key": "kind", "value": "odd"}
    for weight in (0.0, 0.5, 1.0):
        hits = fs.search("kiln", filters=only_odd, ranking_options=weigh(weight))
        assert [hit.filename for hit in hits] == ["odd.txt"], weight
        assert hits[0].attributes == {"kind": "odd"}


def test_a_filter_that_no_file_passes_finds_nothing(fs, docs):
    fs.ingest(docs)
    assert fs.search("kiln", filters={"type": "eq", "key": "kind", "value": "none"}) == []
    with pytest.raises(InvalidFilter):
        fs.search("kiln", filters={"type": "like"})


@pytest.mark.parametrize("top_k", [0, -1, 1001])
def test_a_top_k_out_of_bounds_is_refused_with_its_value(fs, docs, top_k):
    fs.ingest(docs)
    with pytest.raises(InvalidSetting, match=f"top_k is {top_k}; choose 1 to 1000"):
        fs.search("kiln", top_k=top_k)
    with pytest.raises(InvalidSetting, match=f"top_k is {top_k}; choose 1 to 1000"):
        fs.ask("How hot is the kiln?", top_k=top_k)


@pytest.mark.parametrize("query", ["", "  \n\t", "\u3000"])
def test_a_blank_query_finds_nothing(fs, docs, query):
    fs.ingest(docs)
    assert fs.search(query) == []


@pytest.mark.parametrize("query", ["???", "😀", "the of and", "\x00", "a" * 20_000, "zzzunknown"])
def test_odd_queries_are_answered_without_error(fs, docs, query):
    fs.ingest(docs)
    assert len(fs.search(query)) <= 3


@pytest.mark.parametrize("query", ["kiln \ud83d", "\udcff\udcfe kiln", "kiln \ud83d\ude00"])
def test_halves_of_characters_do_not_keep_the_rest_from_being_found(tmp_path, docs, query):
    with FileSearch(tmp_path / "index") as fs:
        fs.ingest(docs)
        assert fs.search(query)[0].filename == "kiln.txt"
        assert fs.search(query, rewrite_query=False)[0].filename == "kiln.txt"
        assert "1280" in fs.ask(f"{query}: how many degrees does the kiln reach?").text
        assert "1280" in fs.as_tool().call_json(json.dumps({"query": query}))


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize(
    ("name", "text", "questions"),
    [
        ("요금.txt", "한 달 이용료는 오만 원입니다.", ["이용료는 한 달에 얼마입니까?", "요금"]),
        ("clé.txt", "Zoë garde le trousseau à l'entrée.", ["Où est le trousseau de Zoë ?", "clé"]),
    ],
)
def test_characters_taken_apart_in_names_and_questions_are_the_same_characters(
    tmp_path, name, text, questions, form
):
    """As macOS writes names, and some keyboards questions."""
    texts = {unicodedata.normalize(form, name): text, "other.txt": "The kiln is fired on Fridays."}
    with FileSearch(tmp_path / "index") as fs:
        fs.ingest(write_notes(tmp_path / "notes", texts))
        for question in questions:
            apart = unicodedata.normalize("NFD", question)
            found = fs.search(question)
            assert found[0].text == text
            assert fs.search(apart) == found
            assert fs.search(apart, rewrite_query=False)[0].text == text
        apart = unicodedata.normalize("NFD", questions[0])
        assert [citation.quote for citation in fs.ask(apart).citations] == [text]


def test_a_word_that_is_repeated_makes_no_score_leave_the_unit_interval(make_fs, docs):
    fs = make_fs(reranker="none")
    fs.ingest(docs)
    once = fs.search("kiln")[0].score
    for query in ("kiln " * 50, "kiln " * 5000, "kiln kiln degrees kiln", "mug mug mug"):
        assert all(0 <= hit.score <= 1 for hit in fs.search(query))
    assert fs.search("kiln " * 50)[0].score == pytest.approx(once, abs=0.05)


class Watched(OverlapReranker):
    """Notes whether the search that asks it keeps others from computing."""

    def __init__(self, **told):
        super().__init__()
        vars(self).update(told)

    def rerank(self, request):
        self.is_alone = self.turns._computing.is_taken
        return super().rerank(request)


@pytest.mark.parametrize("told", [{}, {"is_instant": False}, {"is_instant": True}], ids=str)
def test_others_compute_while_a_reranker_takes_its_time(tmp_path, docs, told):
    watched = Watched(**told)
    with FileSearch(tmp_path / "index") as fs:
        fs.ingest(docs)
        watched.turns = fs._retriever._turns
        fs._retriever._reranker = lambda: watched
        assert fs.search("kiln")
        assert watched.is_alone is told.get("is_instant", False)
        assert not watched.turns._computing.is_taken


def test_a_search_need_not_say_where_passages_stand(tmp_path):
    notes = {"kiln.md": "# Firing\n\n## Bowls\n\nThe kiln takes 1280 degrees.\n"}
    with FileSearch(tmp_path / "index") as fs:
        fs.ingest(write_notes(tmp_path / "notes", notes))
        [store] = fs.stores.page(PageQuery()).items
        [located], [bare] = (
            fs.stores.search([store.id], ["kiln"], top_k=3, should_locate=where).results
            for where in (True, False)
        )
        assert located.heading_path == ("Firing",)
        assert [span.label for span in located.headings] == ["Firing", "Bowls"]
        assert bare == replace(located, heading_path=(), headings=())


def test_searching_before_the_first_ingest_is_not_found(fs):
    with pytest.raises(NotFound, match="fsearch ingest"):
        fs.search("kiln")


def test_an_index_whose_files_are_all_gone_finds_nothing(fs, docs):
    fs.ingest(docs)
    fs.remove(["*"])
    assert fs.search("kiln degrees") == []


def test_as_many_come_back_as_are_asked_for_and_match(make_fs, tmp_path):
    notes = {f"{i}.txt": f"Kiln {i} stands in yard {i}." for i in range(450)}
    with make_fs() as fs:
        fs.ingest(write_notes(tmp_path / "notes", notes))

        assert len(fs.search("kiln", top_k=1000)) == 450
        assert len(fs.search("kiln", top_k=420, ranking_options=weigh(0.0))) == 420


def test_of_a_very_long_question_beginning_end_and_rare_words_count(make_fs, docs, tmp_path):
    strange = ["".join(letters) for letters in product("bdfgklmn", repeat=5)]
    with make_fs() as fs:
        fs.ingest(docs)
        fs.ingest(write_notes(tmp_path / "notes", {"cone.txt": "Cone 1280."}))
        questions = [
            f"Cone 1280? {' '.join(strange)}",
            f"{' '.join(strange)} Cone 1280?",
            f"{' '.join(strange[:1200])} Cone 1280? {' '.join(strange[1200:2400])}",  # all is read
        ]
        found = [fs.search(q, top_k=3, ranking_options=weigh(0.0))[0] for q in questions]
        read = [fs.gather(q).request.question for q in questions]

    assert [result.filename for result in found] == ["cone.txt"] * 3
    assert [len(q) > MAX_CHARACTERS for q in questions] == [True, True, False]
    assert all(len(question) <= MAX_CHARACTERS + 1 for question in read)
    assert read[2] == questions[2]


def test_a_question_in_an_unknown_script_uses_no_vectors(make_fs, docs):
    embedder = HashingEmbedder()
    embedder.languages = frozenset({"en"})
    (docs / "chinese.txt").write_text("退货期限为三十天。")
    (docs / "other.txt").write_text("窑炉温度很高。")
    fs = make_fs(embedder=embedder)
    fs.ingest(docs)
    hits = fs.search("退货期限")
    assert hits[0].filename == "chinese.txt"
    assert {hit.vector_share for hit in hits} == {0.0}
    assert fs.search("kiln")[0].vector_share > 0


@pytest.mark.parametrize("n_other", [0, 1, 2, 3])
def test_words_find_their_file_in_an_index_of_few_files(make_fs, tmp_path, n_other):
    """BM25 gives a word that is in half of the chunks or more no weight, or less than none."""
    texts = {f"other{i}.txt": f"Bread and weather {i}." for i in range(n_other)}
    texts |= {"kiln.txt": "The kiln is hot.", "second.txt": "A kiln needs care."}
    fs = make_fs()
    fs.ingest(write_notes(tmp_path / "notes", texts))
    hits = fs.search("kiln", ranking_options=weigh(0))
    assert {hit.filename for hit in hits} == {"kiln.txt", "second.txt"}


def test_words_find_the_only_file(make_fs, tmp_path):
    fs = make_fs()
    fs.ingest(write_notes(tmp_path / "notes", {"only.txt": "退货期限为三十天。"}))
    assert [hit.filename for hit in fs.search("退货期限", ranking_options=weigh(0))] == ["only.txt"]


def test_files_that_score_alike_come_in_order_of_insertion(fs, tmp_path):
    texts = {"3.txt": "Bob: a kiln.", "1.txt": "Eve: a kiln.", "2.txt": "Dan: a kiln."}
    for name, text in texts.items():
        fs.ingest(write_notes(tmp_path / "notes", {name: text}) / name)
    assert [hit.filename for hit in fs.search("kiln", ranking_options=weigh(0))] == list(texts)


def test_a_result_says_where_it_stands(fs, docs):
    fs.ingest(docs, attributes={"year": 2025})
    hit = fs.search("mug returned delivery")[0]
    assert (hit.filename, hit.heading_path, hit.page) == ("mugs.md", ("Returns",), None)
    assert (hit.attributes, hit.chunk, hit.start) == ({"year": 2025}, 0, 0)


def test_a_search_that_began_before_a_merge_ends_well(make_fs, docs):
    """A merge deletes segments of which a reader may have opened no more than the manifest."""
    reader = make_fs()
    with reader._index.merging():  # nobody else does yet
        make_fs().ingest(docs / "kiln.txt")
        make_fs().ingest(docs / "mugs.md")
    snapshot = reader._index.snapshot(reader._index.open_store())
    assert make_fs().compact() == 2
    try:
        rows, _scores = snapshot.top_keyword(["kiln"], 2, snapshot.everything)
    except IndexDamaged as error:
        pytest.fail(str(error))
    assert len(rows) == 1


# Fusing, on its own


def candidates(keyword, vector, keyword_share=0.5):
    n = len(keyword)
    return Candidates(
        rows=np.arange(n),
        keyword=np.array(keyword, np.float64),
        keyword_share=keyword_share,
        vector=np.array(vector, np.float32),
        windows=np.arange(n),
    )


def test_candidates_are_fused_with_the_weight_and_sorted():
    found = candidates([4.0, 2.0, 0.0], [0.0, 0.5, 1.0], keyword_share=1.0)
    scored = score_candidates(found, vector_weight=0.25)
    assert (scored.rows.tolist(), scored.scores.tolist()) == ([0, 1, 2], [0.75, 0.5, 0.25])
    assert (scored.keyword.tolist(), scored.vector.tolist()) == ([0.75, 0.375, 0], [0, 0.125, 0.25])


def test_the_best_of_a_bad_list_has_a_low_score():
    good = score_candidates(
        candidates([9.0, 1.0], [0.8, 0.1], keyword_share=0.6), vector_weight=0.5
    )
    bad = score_candidates(candidates([0.9, 0.1], [0.2, 0.0], keyword_share=0.1), vector_weight=0.5)
    assert good.scores[0] == pytest.approx(0.7)
    assert bad.scores[0] == pytest.approx(0.15)


def test_ties_go_by_row_and_worthless_candidates_are_left_out():
    scored = score_candidates(candidates([1.0, 1.0, 0.0], [0.2, 0.2, -0.3]), vector_weight=0.5)
    assert scored.rows.tolist() == [0, 1]


def test_threads_that_search_at_once_get_what_one_gets(make_fs, docs):
    make_fs().ingest(docs)
    alone = make_fs().search("kiln degrees")
    shared = make_fs()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: shared.search("kiln degrees"), range(24)))
    assert found == [alone] * 24
