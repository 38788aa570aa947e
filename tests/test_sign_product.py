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


def slowly(vectors, bits):
    signs = 2 * np.unpackbits(bits, axis=1).astype(np.float64) - 1
    return signs @ vectors.T.astype(np.float64) / DIMENSION**0.5


@pytest.mark.parametrize(("rows", "pieces"), [(1, 1), (7, 3), (3000, 40), (0, 2)])
def test_similarities_are_those_of_floats(rows, pieces):
    bits, vectors = draw(rows, pieces)
    found = SignProduct(vectors).similarities(bits)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, slowly(vectors, bits), atol=1e-5)


def test_rows_that_do_not_lie_side_by_side_are_compared_too():
    bits, vectors = draw(20, 2)
    found = SignProduct(vectors).similarities(bits[::2])
    np.testing.assert_allclose(found, slowly(vectors, bits[::2]), atol=1e-5)


def test_no_component_is_off_by_more_than_is_said():
    """Bit by bit: a row with one bit set differs from one without by twice that component."""
    _, vectors = draw(0, 5)
    vectors[1] *= 1e-6
    vectors[2] = 0
    product = SignProduct(vectors)
    one_each = np.packbits(np.eye(DIMENSION, dtype=np.uint8), axis=1)
    none = product.similarities(np.zeros((1, DIMENSION // 8), np.uint8))
    found = (product.similarities(one_each) - none) * (DIMENSION**0.5 / 2)
    most = np.abs(vectors).max(axis=1)
    rounding = 1e-6 * np.abs(vectors).sum(axis=1)  # of float32 sums
    assert (np.abs(found - vectors.T) <= most / 64_516 + rounding).all()


def test_the_graph_is_what_its_comment_says():
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    tensor, node, kinds = (
        onnx.helper.make_tensor_value_info,
        onnx.helper.make_node,
        onnx.TensorProto,
    )
    graph = onnx.helper.make_graph(
        [
            node("MatMulInteger", ["bits", "columns"], ["sums"]),
            node("Cast", ["sums"], ["floats"], to=kinds.FLOAT),
            node("Gemm", ["floats", "scales", "offsets"], ["similarities"]),
        ],
        "signs",
        [
            tensor("bits", kinds.UINT8, ["rows", "dimension"]),
            tensor("columns", kinds.INT8, ["dimension", "numbers"]),
            tensor("scales", kinds.FLOAT, ["numbers", "pieces"]),
            tensor("offsets", kinds.FLOAT, ["pieces"]),
        ],
        [tensor("similarities", kinds.FLOAT, ["rows", "pieces"])],
    )
    sets = [onnx.helper.make_opsetid("", 11)]
    expected = onnx.helper.make_model(graph, opset_imports=sets, ir_version=6)
    assert onnx.load_model_from_string(sign_product._GRAPH) == expected
