"""Sign product: whole numbers give what floats give."""

from __future__ import annotations

import numpy as np
import pytest

from filesearch import sign_product
from filesearch.sign_product import SignProduct

DIMENSION = 384


def draw(rows, pieces, seed=0):
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((pieces, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return rng.integers(0, 256, (rows, DIMENSION // 8), np.uint8), vectors


@pytest.mark.parametrize(("rows", "pieces"), [(1, 1), (7, 3), (3000, 40), (0, 2)])
def test_sums_are_those_of_floats(rows, pieces):
    bits, vectors = draw(rows, pieces)
    expected = np.unpackbits(bits, axis=1).astype(np.float64) @ vectors.T.astype(np.float64)
    found = SignProduct(vectors).of(bits)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_no_component_is_off_by_more_than_is_said():
    """Bit by bit: rows with one bit set give back the components."""
    _, vectors = draw(0, 5)
    vectors[1] *= 1e-6
    vectors[2] = 0
    one_each = np.packbits(np.eye(DIMENSION, dtype=np.uint8), axis=1)
    found = SignProduct(vectors).of(one_each)
    most = np.abs(vectors).max(axis=1)
    assert (np.abs(found - vectors.T) <= most / 64_516 + most * 1e-6).all()


def test_the_graph_is_what_its_comment_says():
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    tensor, kinds = onnx.helper.make_tensor_value_info, onnx.TensorProto
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMulInteger", ["bits", "pieces"], ["sums"])],
        "signs",
        [
            tensor("bits", kinds.UINT8, ["rows", "dimension"]),
            tensor("pieces", kinds.INT8, ["dimension", "columns"]),
        ],
        [tensor("sums", kinds.INT32, ["rows", "columns"])],
    )
    sets = [onnx.helper.make_opsetid("", 10)]
    expected = onnx.helper.make_model(graph, opset_imports=sets, ir_version=5)
    assert onnx.load_model_from_string(sign_product._GRAPH) == expected
