"""Rerank: one contract for every Reranker."""

from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np
import pytest

from filesearch.adapters import make_reranker
from filesearch.testing import OverlapReranker

needs_extra = pytest.mark.skipif(
    find_spec("sentence_transformers") is None, reason="sentence-transformers is not installed"
)
READERS = [
    "overlap",
    "onnx",
    pytest.param("sentence-transformers", marks=needs_extra),
    "tei",
    "jina",
    "cohere",
]
ALL = [*READERS, "learned"]
QUESTION = "How hot does the kiln get?"
TEXTS = [
    "kiln.txt\nThe kiln reaches 1280 degrees in nine hours.",
    "mugs.md\nMugs",
    "",
    "窑炉的温度是多少?",
    "🙂 \t\n ́ naïve",
    "the kiln reaches " * 3000,
]


@pytest.fixture
def reranker(request):
    kind = request.param
    if kind == "overlap":
        return OverlapReranker()
    if kind == "learned":
        return make_reranker("learned")
    if kind == "onnx":
        return make_reranker(f"onnx:{request.getfixturevalue('make_onnx_folder')()}")
    if kind == "sentence-transformers":
        return make_reranker(f"{kind}:{request.getfixturevalue('tiny_cross_encoder')}")
    url = f"{request.getfixturevalue('server').url}/{kind}"
    return make_reranker(f"{kind}:{url}" + ("" if kind == "tei" else "#tiny"))


@pytest.fixture
def rerank(reranker, ask):
    """Scores of texts, with as many features as the learned reranker weighs."""
    width = 1
    if find_spec("filesearch.rerank.features") is not None:
        from filesearch.rerank.features import FEATURE_NAMES

        width = len(FEATURE_NAMES)
    return lambda question, texts: reranker.rerank(ask(question, texts, width))


every = pytest.mark.parametrize("reranker", ALL, indirect=True)


@every
def test_scores_are_probabilities_in_a_row_of_the_stated_shape(rerank):
    scores = rerank(QUESTION, TEXTS)
    assert scores.shape == (len(TEXTS),)
    assert scores.dtype == np.float32
    assert ((scores >= 0) & (scores <= 1)).all()


@every
def test_no_passages_give_no_scores(rerank):
    scores = rerank(QUESTION, [])
    assert scores.shape == (0,)
    assert scores.dtype == np.float32


@every
def test_scores_stay_the_same(rerank):
    assert rerank(QUESTION, TEXTS) == pytest.approx(rerank(QUESTION, TEXTS), abs=1e-6)


@every
def test_the_order_of_the_passages_does_not_matter(rerank):
    forward, backward = rerank(QUESTION, TEXTS), rerank(QUESTION, TEXTS[::-1])
    assert backward[::-1] == pytest.approx(forward, abs=1e-4)


@every
def test_a_passage_scores_alone_as_among_others(rerank):
    together = rerank(QUESTION, TEXTS)
    alone = [rerank(QUESTION, [text])[0] for text in TEXTS]
    assert alone == pytest.approx(together, abs=1e-4)


@every
def test_there_may_be_more_passages_than_one_request_or_batch_takes(rerank):
    scores = rerank(QUESTION, TEXTS[:3] * 60)
    assert scores == pytest.approx(np.tile(rerank(QUESTION, TEXTS[:3]), 60), abs=1e-4)


@every
@pytest.mark.parametrize("question", ["", "窑炉的温度是多少?", "how hot " * 2000])
def test_any_question_gets_scores(rerank, question):
    scores = rerank(question, TEXTS)
    assert scores.shape == (len(TEXTS),)
    assert ((scores >= 0) & (scores <= 1)).all()


@every
def test_threads_get_the_same_scores(rerank):
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: rerank(QUESTION, TEXTS), range(8)))
    for scores in found:
        assert scores == pytest.approx(rerank(QUESTION, TEXTS), abs=1e-4)


@every
def test_it_has_a_name_and_a_number_of_candidates(reranker):
    assert reranker.name
    assert reranker.max_candidates >= 1


@pytest.mark.parametrize("reranker", READERS, indirect=True)
def test_a_model_that_reads_tells_passages_and_questions_apart(rerank):
    english, chinese = rerank(QUESTION, TEXTS), rerank(TEXTS[3], TEXTS)
    assert abs(english[0] - english[1]) > 0.01
    assert abs(chinese[3] - english[3]) > 0.01
