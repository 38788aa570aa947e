"""Vectors: what is written block by block is found again, exactly or nearly so."""

from __future__ import annotations

import faiss
import numpy as np
import pytest

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


def test_rows_are_read_back_in_the_order_asked_for(tmp_path, vectors):
    rows = np.array([499, 0, 7, 7])
    index = written(tmp_path, vectors)
    np.testing.assert_allclose(index.vectors(rows), vectors[rows], atol=1e-3)
    assert index.vectors(np.empty(0, np.int64)).shape == (0, DIMENSION)


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
