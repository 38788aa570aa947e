"""Drawn sets of the benchmarks: equal seeds, neighbours as near as real ones, a sound store."""

from itertools import pairwise

import numpy as np
import pytest
from benchmarks.drawn_store import PARTS, DocumentDrawer, StoreFiller, join_chunks, make_pool
from benchmarks.drawn_text import (
    draw_document,
    draw_questions,
    number_of,
    read_corpus,
    write_files,
)
from benchmarks.drawn_vectors import (
    DrawnEmbedder,
    RealWindows,
    VectorDrawer,
    nearest_similarities,
    text_keys,
    window_keys,
)
from benchmarks.exact import DrawnTruth, OpenStore, StoredTruth, recall, top_rows
from benchmarks.real_windows import load_real, read_index, save_real
from hypothesis import given
from hypothesis import strategies as st

from filesearch import FileSearch
from filesearch.errors import InvalidFile, NotFound
from filesearch.protocols import TokenEmbedder
from filesearch.testing import HashingEmbedder
from filesearch.types import ChunkSettings

GLAZES = "celadon tenmoku shino oribe raku majolica slip ash salt crackle lustre matt".split()
ACTS = "melts runs crawls blisters pools breaks dulls settles".split()


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "documents"
    (root / "deep").mkdir(parents=True)
    for i, glaze in enumerate(GLAZES):
        lines = [f"---\ntitle: All about {glaze}\n---\n# {glaze.title()} glaze\n"]
        for j, act in enumerate(ACTS):
            lines.append(f"## How {glaze} {act}\n")
            lines += [
                f"At {1000 + 10 * i + k} degrees {glaze} {act} on {other}, as noted {k} times."
                for k, other in enumerate(GLAZES[: 4 + j % 3])
            ]
        lines.append("```\nnot = a_sentence_of_any_document\n```")
        (root / "deep" / f"{glaze}.md").write_text("\n\n".join(lines))
    return root


@pytest.fixture
def corpus(folder):
    return read_corpus(folder)


@pytest.fixture
def embedder():
    return HashingEmbedder(dimension=64)


@pytest.fixture
def real():
    """Vectors in clusters of a few directions, as embeddings are."""
    rng = np.random.default_rng(5)
    centres = rng.standard_normal((40, 64)) * np.linspace(2, 0.1, 64)
    vectors = np.repeat(centres, 10, axis=0) + 0.3 * rng.standard_normal((400, 64))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return RealWindows(unit.astype(np.float32))


def fill(directory, corpus, embedder, real, tmp_path, **sizes):
    pool = make_pool(corpus, embedder, 50, seed=1, cache=tmp_path / "cache")
    filler = StoreFiller(
        directory,
        DocumentDrawer(corpus, pool, seed=1, settings=ChunkSettings()),
        embedder=embedder,
        drawer=VectorDrawer(real),
        has_signs=False,
    )
    return filler.fill(**sizes)


def test_a_corpus_has_sentences_headings_and_titles_and_no_code(corpus):
    assert "All about raku" in corpus.titles
    assert "How salt melts" in corpus.headings
    assert len(corpus.shapes) == len(corpus.lengths) == len(GLAZES)
    assert not any("a_sentence" in sentence for sentence in corpus.sentences)


def test_a_folder_without_sentences_is_refused(tmp_path):
    with pytest.raises(InvalidFile, match="no Markdown file with a sentence"):
        read_corpus(tmp_path)


def test_a_document_follows_from_seed_and_number(corpus):
    title, text = draw_document(corpus, seed=3, number=8)

    assert draw_document(corpus, seed=3, number=8) == (title, text)
    assert text.startswith(f"# {title}\n")
    assert draw_document(corpus, seed=4, number=8)[1] != text
    assert draw_document(corpus, seed=3, number=9)[1] != text


def test_sentences_of_a_drawn_document_are_real(corpus):
    _, text = draw_document(corpus, seed=0, number=0)

    sentences = [line for line in text.split("\n") if line and not line.startswith("#")]
    assert sentences
    assert all(found + "." in corpus.sentences for line in sentences for found in parts(line))


def parts(line):
    return [part.rstrip(".") for part in line.split(". ")]


def test_written_files_have_their_number_in_their_name(corpus, tmp_path):
    size = write_files(corpus, tmp_path / "out", range(998, 1002), seed=0)

    written = sorted((tmp_path / "out").rglob("*.md"))
    assert [number_of(path.name) for path in written] == [998, 999, 1000, 1001]
    assert sum(path.stat().st_size for path in written) == size


def test_questions_are_distinct_and_of_three_kinds(corpus):
    questions = draw_questions(corpus, 60, seed=0)

    assert len(set(questions)) == len(questions) == 60
    assert questions == draw_questions(corpus, 60, seed=0)
    assert {q in corpus.titles for q in questions} == {True, False}


def test_drawn_vectors_are_unit_and_follow_from_their_keys(real):
    keys = window_keys(7, 500)
    vectors = VectorDrawer(real).draw(keys)

    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(VectorDrawer(real).draw(keys[100:200]), vectors[100:200])
    assert not np.allclose(VectorDrawer(real, seed=1).draw(keys), vectors)


def test_drawn_vectors_have_neighbours_about_as_near_as_real_ones(real):
    drawn = VectorDrawer(real).draw(window_keys(0, 4000))

    expected = np.median(nearest_similarities(real.vectors, real.vectors))
    assert np.median(nearest_similarities(drawn, drawn)) == pytest.approx(expected, abs=0.07)


def test_vectors_that_are_all_one_can_be_drawn_around():
    one = np.zeros((3, 8), np.float32)
    one[:, 0] = 1

    drawn = VectorDrawer(RealWindows(one)).draw(window_keys(0, 5))

    np.testing.assert_allclose(drawn, one[[0] * 5], atol=1e-5)


def test_drawn_signs_differ_from_the_real_ones_in_an_eighth_of_their_bits(embedder):
    texts = [f"the {a} glaze {b} twice or more" for a in GLAZES for b in ACTS]
    windows = embedder.embed_windows(texts)
    drawer = VectorDrawer(RealWindows(windows.vectors, windows.signs))
    keys = window_keys(0, 300)

    signs = drawer.draw_signs(keys)
    again = drawer.draw_signs(keys[50:60])

    first = int(signs.counts[:50].sum())
    np.testing.assert_array_equal(signs.bits[first : first + len(again.bits)], again.bits)
    rows = drawer._choose(keys, 0, len(texts))
    own = np.concatenate([windows.signs.part(row, row + 1).bits for row in rows])
    assert np.unpackbits(own ^ signs.bits).mean() == pytest.approx(1 / 8, abs=0.01)


def test_a_drawn_embedder_goes_by_the_models_name_and_leaves_questions_to_it(real):
    model = HashingEmbedder(dimension=64)
    drawn = DrawnEmbedder(model, VectorDrawer(real))

    assert isinstance(drawn, TokenEmbedder)
    assert drawn.fingerprint == model.fingerprint
    np.testing.assert_array_equal(drawn.embed_query("raku"), model.embed_query("raku"))
    one, other, same = drawn.embed_texts(["raku", "salt", "raku"])
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)


def test_equal_texts_have_equal_keys():
    first, second, third = text_keys(["a", "b", "a"])

    assert first == third != second


def test_real_windows_come_back_from_their_file_and_from_an_index(tmp_path, folder, embedder):
    with FileSearch(tmp_path / "index", embedder=embedder) as fs:
        fs.ingest(folder)
    read = read_index(tmp_path / "index", 10)

    save_real(read, tmp_path / "real.npz")
    kept = load_real(tmp_path / "real.npz")

    assert len(read.vectors) == 10
    np.testing.assert_allclose(kept.vectors, read.vectors, atol=1e-3)
    np.testing.assert_array_equal(kept.signs.bits, read.signs.bits)
    with pytest.raises(NotFound, match="no index at"):
        read_index(tmp_path / "other", 10)


def test_a_pool_is_kept_for_the_next_time(corpus, embedder, tmp_path):
    pool = make_pool(corpus, embedder, 20, seed=0, cache=tmp_path / "kept")
    [kept] = (tmp_path / "kept").iterdir()
    stamp = kept.stat().st_mtime_ns

    again = make_pool(corpus, embedder, 20, seed=0, cache=tmp_path / "kept")

    assert list(again.texts) == list(pool.texts)
    assert len(pool.texts) == len(pool.terms) == len(pool.tokens) == 20
    assert kept.stat().st_mtime_ns == stamp


@given(st.lists(st.integers(1, 900), min_size=1, max_size=40))
def test_joined_chunks_cover_the_text_and_stay_below_their_size(tokens):
    edges = [10 * i for i in range(len(tokens) + 1)]
    chunks = join_chunks(np.array(tokens), edges, ChunkSettings(800, 400))

    assert (chunks[0].start, chunks[-1].end) == (0, edges[-1])
    for before, after in pairwise(chunks):
        assert before.start < after.start <= before.end < after.end
    assert all(c.token_count <= 800 or c.end - c.start == 10 for c in chunks)


def test_a_drawn_store_is_sound_and_can_be_searched(corpus, embedder, real, tmp_path):
    filled = fill(tmp_path / "index", corpus, embedder, real, tmp_path, windows=300)

    with FileSearch(tmp_path / "index", embedder=embedder) as fs:
        verification = fs.verify()
        hits = fs.search("how does tenmoku crawl", top_k=3)
    assert verification.damages == ()
    assert verification.chunks == filled.chunks
    assert filled.windows >= 300
    assert len(hits) == 3


def test_filling_in_two_steps_gives_what_filling_at_once_gives(corpus, embedder, real, tmp_path):
    pool = make_pool(corpus, embedder, 50, seed=1, cache=tmp_path / "cache")
    documents = DocumentDrawer(corpus, pool, seed=1)
    drawer = VectorDrawer(real)
    filler = StoreFiller(
        tmp_path / "two", documents, embedder=embedder, drawer=drawer, has_signs=False
    )
    first, second = filler.fill(chunks=20), filler.fill(chunks=60)
    once = fill(tmp_path / "once", corpus, embedder, real, tmp_path, chunks=60)

    assert 20 <= first.chunks < second.chunks == once.chunks
    two, one = OpenStore(tmp_path / "two"), OpenStore(tmp_path / "once")
    np.testing.assert_array_equal(np.sort(two.keys()), np.sort(one.keys()))


def test_exact_search_agrees_with_brute_force_of_both_kinds(corpus, embedder, real, tmp_path):
    fill(tmp_path / "index", corpus, embedder, real, tmp_path, windows=400)
    store = OpenStore(tmp_path / "index")
    questions = real.vectors[:20]

    found = [store.nearest(question, 10, None) for question in questions]

    drawn = DrawnTruth(store, VectorDrawer(real)).top(questions, 10, None)
    stored = StoredTruth(store).top(questions, 10, None)
    assert recall(found, stored) > 0.99
    assert recall(found, drawn) > 0.95  # float16 swaps a few that are equally near
    part = number_of("drawn-3.md") % PARTS
    few = DrawnTruth(store, VectorDrawer(real)).top(questions, 10, part)
    assert {len(rows) for rows in few} == {min(10, store.allowed_count(part))}


def test_top_rows_joins_blocks():
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((50, 4)).astype(np.float32)
    blocks = ((np.arange(i, i + 10), vectors[i : i + 10]) for i in range(0, 50, 10))

    [found] = top_rows(vectors[:1], blocks, 7)

    np.testing.assert_array_equal(found, np.argsort(-(vectors @ vectors[0]))[:7])
