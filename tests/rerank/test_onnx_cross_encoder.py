"""Rerank with onnxruntime: which graphs and folders are taken, and what the model reads."""

import json
import math
import platform
import random
import subprocess
import sys

import pytest

from filesearch.adapters import make_reranker
from filesearch.errors import InvalidSetting, RerankFailed
from filesearch.rerank.model_folder import open_folder

QUESTION = "how hot does the kiln get"
TEXTS = ["the kiln reaches nine degrees", "mugs", "", "kiln hot get 窑", "the " * 9 + "how"]


def expected(shared):
    return [1 / (1 + math.exp(2 - 2 * words)) for words in shared]


@pytest.fixture
def scores_of(ask):
    return lambda folder, *request: make_reranker(f"onnx:{folder}").rerank(ask(*request))


@pytest.mark.parametrize("output", ["(n, 1)", "(n,)", "(n, 2)"])
def test_each_shape_of_logits_gives_the_same_probabilities(make_onnx_folder, scores_of, output):
    scores = scores_of(make_onnx_folder(output=output), QUESTION, TEXTS)
    assert scores == pytest.approx(expected([2, 0, 0, 3, 2]), abs=1e-6)


def test_token_types_are_given_only_to_a_graph_that_asks(make_onnx_folder, scores_of):
    with_types = scores_of(make_onnx_folder(inputs=3), QUESTION, TEXTS)
    assert scores_of(make_onnx_folder(inputs=2), QUESTION, TEXTS) == pytest.approx(with_types)


def test_a_long_passage_loses_its_end_and_the_question_stays_whole(make_onnx_folder, scores_of):
    """The model reads 32 tokens: three special ones, five of the question, 24 of the passage."""
    question = "how hot does kiln get"
    texts = ["clay " * 23 + "kiln", "clay " * 24 + "kiln", "kiln " + "clay " * 400]
    scores = scores_of(make_onnx_folder(), question, texts)
    assert scores == pytest.approx(expected([1, 0, 1]), abs=1e-6)


def test_a_long_question_leaves_half_of_the_room(make_onnx_folder, scores_of):
    texts = ["clay " * 14 + "kiln", "clay " * 15 + "kiln"]
    scores = scores_of(make_onnx_folder(), "kiln " * 500, texts)
    assert scores == pytest.approx(expected([1, 0]), abs=1e-6)


def test_pairs_are_read_as_the_tokenizers_own_truncation_cuts_them(make_onnx_folder, scores_of):
    from tokenizers import Tokenizer

    folder = make_onnx_folder()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(32, strategy="only_second")
    words = [w for w in sorted(tokenizer.get_vocab()) if not w.startswith("[")]
    draw = random.Random(0)
    question = " ".join(draw.choices(words, k=6))
    texts = [" ".join(draw.choices(words, k=draw.randrange(60))) for _ in range(50)]
    shared = []
    for text in texts:
        pair = tokenizer.encode(question, text)
        read = {0: set(), 1: set()}
        for word, kind in zip(pair.tokens, pair.type_ids, strict=True):
            read[kind] |= {word} & set(words)
        shared.append(len(read[0] & read[1]))
    assert scores_of(folder, question, texts) == pytest.approx(expected(shared), abs=1e-6)


def test_a_model_with_more_classes_is_no_reranker(make_onnx_folder, scores_of):
    with pytest.raises(InvalidSetting, match=r"shape \(5, 3\); a reranker gives \(5, 1\)"):
        scores_of(make_onnx_folder(output="(n, 3)"), QUESTION, TEXTS)


def test_what_is_no_number_is_not_passed_on(make_onnx_folder, scores_of):
    with pytest.raises(RerankFailed, match="no number for 5 of 5 pairs"):
        scores_of(make_onnx_folder(output="nan"), QUESTION, TEXTS)


def test_a_graph_that_wants_more_than_tokens_is_refused(make_onnx_folder, scores_of):
    with pytest.raises(InvalidSetting, match="position_ids"):
        scores_of(make_onnx_folder(inputs=4), QUESTION, TEXTS)


def test_a_broken_graph_is_named(make_onnx_folder, scores_of):
    folder = make_onnx_folder()
    (folder / "model.onnx").write_bytes(b"not a model")
    with pytest.raises(InvalidSetting, match=r"model\.onnx' cannot be loaded"):
        scores_of(folder, QUESTION, TEXTS)


def test_a_broken_tokenizer_is_named(make_onnx_folder, scores_of):
    folder = make_onnx_folder()
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(InvalidSetting, match=r"tokenizer\.json' cannot be read"):
        scores_of(folder, QUESTION, TEXTS)


@pytest.mark.parametrize("graph", ["onnx/model.onnx", "model_quantized.onnx"])
def test_the_graph_is_found_where_exporters_put_it(make_onnx_folder, scores_of, graph):
    scores = scores_of(make_onnx_folder(graph=graph), QUESTION, TEXTS[:1])
    assert scores == pytest.approx(expected([2]), abs=1e-6)


def test_full_precision_comes_before_int8(make_onnx_folder):
    folder = make_onnx_folder(graph="onnx/model_quantized.onnx")
    for name in ("onnx/model_qint8_avx512.onnx", "onnx/model.onnx", "onnx/model_O4.onnx"):
        (folder / name).touch()
    assert open_folder(folder).graph == folder / "onnx/model.onnx"


def test_int8_graphs_are_chosen_by_the_machine(make_onnx_folder, monkeypatch):
    folder = make_onnx_folder(graph="model_qint8_arm64.onnx")
    (folder / "model_qint8_avx512.onnx").touch()
    for machine, named in (("x86_64", "avx512"), ("aarch64", "arm64")):
        monkeypatch.setattr(platform, "machine", lambda found=machine: found)
        assert open_folder(folder).graph.name == f"model_qint8_{named}.onnx"


@pytest.mark.parametrize(
    ("config", "tokenizer_config", "length"),
    [
        ({"max_position_embeddings": 8192}, {"model_max_length": 256}, 256),
        ({"max_position_embeddings": 514}, {"model_max_length": 10**30}, 512),
        ({}, {"model_max_length": 1e30}, 512),
        ({"max_position_embeddings": None}, {}, 512),
    ],
)
def test_the_least_limit_holds(make_onnx_folder, config, tokenizer_config, length):
    folder = make_onnx_folder()
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer_config))
    assert open_folder(folder).max_length == length


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "config.json"])
def test_a_missing_file_is_named_with_the_way_to_make_it(make_onnx_folder, name):
    folder = make_onnx_folder()
    (folder / name).unlink()
    with pytest.raises(InvalidSetting, match=rf"has no {name}; make one with: optimum-cli"):
        make_reranker(f"onnx:{folder}")


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_configuration_that_is_none_is_named(make_onnx_folder, text):
    folder = make_onnx_folder()
    (folder / "config.json").write_text(text)
    with pytest.raises(InvalidSetting, match=r"config\.json' is not"):
        make_reranker(f"onnx:{folder}")


def test_what_is_neither_folder_nor_name_is_refused():
    with pytest.raises(InvalidSetting, match="neither a folder nor a name"):
        make_reranker("onnx:/nowhere/model")


def test_a_forked_child_opens_the_model_anew(make_onnx_folder):
    """At its end it would wait for threads of the session that are its parent's."""
    code = """
import os, signal, sys
import numpy
from filesearch.adapters import make_reranker
from filesearch.types import RerankRequest

request = RerankRequest("kiln", ["the kiln", "mugs"], numpy.zeros((2, 1), numpy.float32))
reranker = make_reranker(f"onnx:{sys.argv[1]}")
os.cpu_count = lambda: 2
os.sched_getaffinity = lambda _process: {0, 1}  # also where there is one core
before = reranker.rerank(request)
process = os.fork()
if process == 0:
    signal.alarm(60)  # ends a child that waits for what never comes
    assert (reranker.rerank(request) == before).all()
    sys.exit()
assert os.waitpid(process, 0)[1] == 0
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code, make_onnx_folder()], check=True)
