"""Answerable: whether a passage answers, or only speaks of the same things."""

from __future__ import annotations

import pytest

from filesearch.adapters import make_embedder
from filesearch.answer import find_sentences, pick_sentences, rank_sentences
from filesearch.answerable import FEATURE_NAMES, MAX_MISSING, gather_evidence, packaged_model
from filesearch.config import BUNDLED_EMBEDDER
from filesearch.testing import HashingEmbedder
from filesearch.types import SearchResult

PASSAGE = (
    "The studio was founded by Noor Haddad in 1987. Its first kiln, built by Tomas Reyes, "
    "reached 1280 degrees in nine hours. The second kiln was bought in 2004 and is fired with gas."
)


@pytest.fixture(scope="module")
def embedder():
    return make_embedder(BUNDLED_EMBEDDER)


def result(text, score=0.6):
    return SearchResult("file-1", "studio.txt", text, 0, len(text), score, score, 0)


def evidence(embedder, question, text=PASSAGE, score=0.6):
    return gather_evidence(
        question,
        embedder.embed_question(question),
        text,
        embedder.embed_question(text),
        [result(text, score)],
        score,
    )


def feature(found, name):
    return found.features[FEATURE_NAMES.index(name)]


def rank(embedder, question, text=PASSAGE):
    results = [result(text)]
    sentences = find_sentences(results)
    return sentences, rank_sentences(question, sentences, results, embedder)


def test_a_name_that_the_passage_lacks_is_told(embedder):
    assert (
        feature(evidence(embedder, "When did Noor Haddad found the studio?"), "names_missing") == 0
    )
    assert (
        feature(evidence(embedder, "When did Mei Haddad found the studio?"), "names_missing") == 1
    )


@pytest.mark.parametrize(
    ("question", "is_negated"),
    [
        ("Which kiln was not fired with gas?", 1),
        ("Which kiln wasn't fired with gas?", 1),
        ("Which kiln was fired with gas?", 0),
        ("Which knots hold the kiln?", 0),
    ],
)
def test_a_denial_in_the_question_alone_is_told(embedder, question, is_negated):
    found = evidence(embedder, question)
    assert feature(found, "question_negated") == is_negated
    assert feature(found, "negation_differs") == is_negated


@pytest.mark.parametrize(
    ("answered", "not_answered"),
    [
        ("Which kiln is fired with gas?", "Which kiln is never fired with gas?"),
        (
            "When was the studio founded by Noor Haddad?",
            "When was the studio founded by Mei Haddad?",
        ),
    ],
)
def test_what_the_passage_answers_is_likelier_than_its_twist(embedder, answered, not_answered):
    model = packaged_model()
    likely = model.probability(evidence(embedder, answered))
    unlikely = model.probability(evidence(embedder, not_answered))
    assert likely > model.least
    assert likely > unlikely


def test_a_question_in_other_words_is_not_judged(embedder):
    found = evidence(embedder, "What temperature could their oven manage at most?")
    assert found.missing > MAX_MISSING
    assert packaged_model().probability(found) is None


@pytest.mark.parametrize("text", ["", "???", "的", "\n\n"])
@pytest.mark.parametrize("question", ["", "who?", "How hot is the kiln?"])
def test_a_question_or_a_passage_without_words_is_not_judged(embedder, question, text):
    found = evidence(embedder, question, text)
    assert found.features.shape == (len(FEATURE_NAMES),)
    assert packaged_model().probability(found) is None


def test_the_twist_of_a_question_is_declined_and_the_question_answered(embedder):
    sentences, ranking = rank(embedder, "Which kiln is fired with gas?")
    assert pick_sentences(sentences, ranking)
    sentences, ranking = rank(embedder, "Who never built the first kiln of the studio?")
    assert ranking.is_declined
    assert pick_sentences(sentences, ranking) == []


def test_an_embedder_that_the_weights_do_not_know_is_not_judged_by():
    _sentences, ranking = rank(HashingEmbedder(), "Which kiln is fired with gas?")
    assert ranking.probability is None


def test_a_chinese_question_is_not_judged(embedder):
    _sentences, ranking = rank(
        embedder, "窑炉最高温度是多少?", "窑炉最高温度为1280度。请勿触摸窑门。"
    )
    assert ranking.probability is None


def test_the_sentence_is_judged_even_at_the_end_of_a_long_passage(embedder):
    text = "Tea is served at nine every morning in the yard. " * 60 + PASSAGE
    _sentences, long = rank(embedder, "When was the studio founded by Noor Haddad?", text)
    assert long.probability is not None
    assert long.probability > long.min_probability


def test_the_packaged_weights_are_for_the_bundled_embedder(embedder):
    model = packaged_model()
    assert model.embedder == embedder.fingerprint
    assert model.weights.shape == (len(FEATURE_NAMES),)
    assert 0 < model.least < 1
