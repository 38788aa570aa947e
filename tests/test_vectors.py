"""Vectors: what is written block by block is found again, exactly or nearly so."""

from __future__ import annotations

import shutil

import faiss
import numpy as np
import pytest

from filesearch.index import quantised as quantised_module
from filesearch.index import vectors as vectors_module
from filesearch.index.vectors import VectorIndex, write_vectors

DIMENSION = 32


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def vectors():
    return unit(np.random.default_rng(1).normal(size=(500, DIMENSION)))


def written(directory, vectors, block_rows=128):
    blocks = (vectors[i : i + block_rows] for i in range(0, len(vectors), block_rows))
    write_vectors(directory, blocks, count=len(vectors), dimension=vectors.shape[1])
    return VectorIndex.open(directory)


def test_blocks_of_any_size_give_the_file_that_faiss_writes(tmp_path, vectors):
    written(tmp_path, vectors, block_rows=77)
    index = faiss.IndexScalarQuantizer(
        DIMENSION, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    index.add(vectors)
    assert (tmp_path / "vectors.faiss").read_bytes() == faiss.serialize_index(index).tobytes()


def test_the_nearest_rows_are_those_of_float32(tmp_path, vectors):
    index = written(tmp_path, vectors)
    query = unit(np.random.default_rng(2).normal(size=(1, DIMENSION)))[0]
    rows, scores = index.top(query, top_k=10)
    assert rows.tolist() == np.argsort(-(vectors @ query))[:10].tolist()
    np.testing.assert_allclose(scores, (vectors @ query)[rows], atol=1e-3)


@pytest.mark.parametrize("stretch_rows", [1, 7, 60, 249, 10_000])
def test_stretches_together_give_what_one_scan_gives(tmp_path, vectors, monkeypatch, stretch_rows):
    write_vectors(tmp_path, [vectors], count=len(vectors), dimension=vectors.shape[1])
    index = VectorIndex.open(tmp_path)
    whole = index.top(vectors[3], top_k=20)
    monkeypatch.setattr(vectors_module, "STRETCH_ROWS", stretch_rows)
    steps = index.steps(vectors[3], top_k=20)
    assert (len(steps) > 1) == (stretch_rows < 250)
    for found, expected in zip(index.top(vectors[3], top_k=20), whole, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_rows_are_read_back_in_the_order_asked_for(tmp_path, vectors):
    rows = np.array([499, 0, 7, 7])
    index = written(tmp_path, vectors)
    np.testing.assert_allclose(index.vectors(rows), vectors[rows], atol=1e-3)
    assert index.vectors(np.empty(0, np.int64)).shape == (0, DIMENSION)


@pytest.mark.parametrize("count", [0, 1, 2, 80, 500])
@pytest.mark.parametrize("fetched_share", [0, 6, 700])
def test_similarities_of_some_rows_are_their_products(
    tmp_path, vectors, monkeypatch, count, fetched_share
):
    index = written(tmp_path, vectors)
    rng = np.random.default_rng(count)
    rows = np.sort(rng.choice(len(vectors), count, replace=False))
    query = unit(rng.normal(size=(1, DIMENSION)))[0]
    # Few rows are fetched, more of them are compared where they lie.
    monkeypatch.setattr(vectors_module, "_FETCHED_SHARE", fetched_share)
    found = index.similarities(rows, query)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, index.vectors(rows) @ query, atol=1e-6)


def test_no_vectors_are_an_index_too(tmp_path):
    index = written(tmp_path, np.empty((0, DIMENSION), np.float32))
    rows, scores = index.top(np.ones(DIMENSION, np.float32), top_k=3)
    assert (len(index), index.dimension, len(rows), len(scores)) == (0, DIMENSION, 0, 0)


@pytest.mark.parametrize("count", [499, 501])
def test_another_number_of_rows_than_announced_is_refused(tmp_path, vectors, count):
    with pytest.raises(ValueError, match=f"hold 500 vectors, not the {count} announced"):
        write_vectors(tmp_path, [vectors], count=count, dimension=DIMENSION)


def test_a_block_of_another_dimension_is_refused(tmp_path, vectors):
    with pytest.raises(ValueError, match=r"shape \(500, 32\), not \(n, 33\)"):
        write_vectors(tmp_path, [vectors], count=500, dimension=33)


@pytest.mark.parametrize("kept", [0, 3, 40, 80, 81, 5_000, -1])
def test_a_cut_file_is_a_runtime_error(tmp_path, vectors, kept):
    written(tmp_path, vectors)
    path = tmp_path / "vectors.faiss"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(RuntimeError):
        VectorIndex.open(tmp_path)


def test_another_kind_of_index_is_a_runtime_error(tmp_path, vectors):
    index = faiss.IndexFlatIP(DIMENSION)
    index.add(vectors)
    faiss.write_index(index, str(tmp_path / "vectors.faiss"))
    with pytest.raises(RuntimeError, match="holds IndexFlatIP"):
        VectorIndex.open(tmp_path)


@pytest.fixture(scope="module")
def many():
    """20,000 rows in 200 clouds, their order mixed; 40 queries beside them."""
    rng = np.random.default_rng(3)
    clouds = rng.normal(size=(200, DIMENSION))
    rows = clouds[rng.integers(0, 200, 20_040)] + 0.8 * rng.normal(size=(20_040, DIMENSION))
    return unit(rows[:20_000]), unit(rows[20_000:])


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Threads of OpenMP spin while they wait for each other: slow where cores are taken."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    yield
    faiss.omp_set_num_threads(before)


@pytest.fixture(scope="module")
def quantised(many, tmp_path_factory):
    directory = tmp_path_factory.mktemp("quantised")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vectors_module, "EXACT_WINDOWS", 10_000)
        return directory, written(directory, many[0], block_rows=3_000)


def recall(index, vectors, queries, k, allowed=None, slack=1e-6):
    """Share of `k` rows found that are among the true best, or within `slack` of the last of them.

    What the index gives must be allowed, scored as it should be, and in order.
    """
    keep = np.ones(len(vectors), bool) if allowed is None else allowed
    shares = []
    for query in queries:
        rows, scores = index.top(query, top_k=k, allowed=allowed)
        assert keep[rows].all()
        np.testing.assert_allclose(scores, vectors[rows] @ query, atol=1e-3)
        assert (np.diff(scores) <= 0).all()
        true = vectors @ query
        best = np.sort(true[keep])[::-1][:k]
        assert len(rows) == len(set(rows.tolist())) == len(best)
        shares.append(np.mean(true[rows] >= best[-1] - slack))
    return np.mean(shares)


def test_a_large_segment_is_quantised_and_says_how_well(quantised):
    description = quantised[1].description
    assert description.kind == "ivf_pq"
    assert description.quantisation.recall_at_10 >= 0.99
    assert description.quantisation.recall_at_200 >= 0.97
    assert description.quantisation.probes <= description.quantisation.lists == 128


def test_rows_that_stand_there_many_times_count_as_found_whichever_of_them_is(
    tmp_path, many, monkeypatch
):
    monkeypatch.setattr(vectors_module, "EXACT_WINDOWS", 10_000)
    rows, rng = many[0].copy(), np.random.default_rng(4)
    copies = rng.choice(len(rows), len(rows) // 20, replace=False)
    rows[copies] = rows[rng.integers(0, 3, len(copies))]
    description = written(tmp_path, rows, block_rows=3_000).description
    assert description.quantisation.recall_at_10 >= 0.99


def test_the_quantised_index_finds_what_exact_search_finds(quantised, many):
    assert recall(quantised[1], *many, k=10) >= 0.98
    assert recall(quantised[1], *many, k=200) >= 0.95


def test_a_search_in_parts_finds_what_one_finds_alone(quantised, many, monkeypatch):
    index, (vectors, queries) = quantised[1], many
    kept = np.random.default_rng(8).random(len(vectors)) < 0.7
    monkeypatch.setattr(vectors_module, "EXACT_ALLOWED", 100)
    for allowed in (None, kept):
        whole = recall(index, *many, k=200, allowed=allowed)
        with monkeypatch.context() as patch:
            patch.setattr(quantised_module, "_PART_ROWS", 2_000)
            patch.setattr(index._quantised, "_most_parts", 3)
            assert len(index.steps(queries[0], top_k=200, allowed=allowed)) == 3
            assert recall(index, *many, k=200, allowed=allowed) >= whole


def test_as_many_rows_as_asked_for_come_back_from_a_quantised_index(quantised, many):
    vectors, queries = many
    rows, _scores = quantised[1].top(queries[0], top_k=30_000)
    assert sorted(rows.tolist()) == list(range(len(vectors)))


@pytest.mark.parametrize("share", [0.001, 0.01, 0.2])
def test_a_filter_that_keeps_few_rows_is_exact(quantised, many, share):
    allowed = np.random.default_rng(4).random(len(many[0])) < share
    assert recall(quantised[1], *many, k=10, allowed=allowed, slack=1e-3) == 1


@pytest.mark.parametrize("share", [0.05, 0.3, 0.9])
def test_a_filter_that_keeps_many_rows_finds_nearly_all(quantised, many, monkeypatch, share):
    monkeypatch.setattr(vectors_module, "EXACT_ALLOWED", 100)
    allowed = np.random.default_rng(4).random(len(many[0])) < share
    assert recall(quantised[1], *many, k=10, allowed=allowed) >= 0.98


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_a_filter_far_from_the_query_is_reached(quantised, many, monkeypatch, share):
    """All allowed rows lie on the other side of the sphere, the nearest of them in a dense shell.

    There float16 itself makes rows change places, so what lies within its error counts as found.
    """
    monkeypatch.setattr(vectors_module, "EXACT_ALLOWED", 100)
    vectors, queries = many
    shares = []
    for query in queries[:20]:
        scores = vectors @ query
        far = scores < np.quantile(scores, share)
        shares.append(recall(quantised[1], vectors, [query], k=10, allowed=far, slack=1e-3))
    assert np.mean(shares) >= 0.98


def test_a_filter_that_keeps_nothing_gives_nothing(quantised, many):
    allowed = np.zeros(len(many[0]), bool)
    rows, scores = quantised[1].top(many[1][0], top_k=10, allowed=allowed)
    assert (rows.shape, scores.shape) == ((0,), (0,))


def test_rows_of_a_quantised_segment_are_read_back_as_they_were(quantised, many):
    rows = np.array([19_999, 5])
    np.testing.assert_allclose(quantised[1].vectors(rows), many[0][rows], atol=1e-3)


@pytest.mark.parametrize("name", ["quantised.faiss", "quantised.json", "vectors.faiss"])
@pytest.mark.parametrize("part", [0, 0.001, 0.3, 0.999])
def test_a_cut_file_of_a_quantised_segment_is_a_runtime_error(quantised, tmp_path, name, part):
    directory = tmp_path / "cut"
    shutil.copytree(quantised[0], directory)
    content = (directory / name).read_bytes()
    (directory / name).write_bytes(content[: int(part * len(content))])
    with pytest.raises(RuntimeError):
        VectorIndex.open(directory)


def test_a_quantised_index_of_other_vectors_is_a_runtime_error(quantised, tmp_path, vectors):
    written(tmp_path, vectors)
    for name in ("quantised.faiss", "quantised.json"):
        shutil.copy(quantised[0] / name, tmp_path / name)
    with pytest.raises(RuntimeError, match=r"holds 20000 vectors .* not 500 of 32"):
        VectorIndex.open(tmp_path)


def test_the_same_rows_give_the_same_description(quantised, many, tmp_path, monkeypatch):
    monkeypatch.setattr(vectors_module, "EXACT_WINDOWS", 10_000)
    assert written(tmp_path, many[0]).description == quantised[1].description


def test_an_odd_dimension_stays_exact(tmp_path, monkeypatch, vectors):
    monkeypatch.setattr(vectors_module, "EXACT_WINDOWS", 100)
    assert written(tmp_path, np.ascontiguousarray(vectors[:, 1:])).description.kind == "exact"
