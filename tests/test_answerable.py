"""Answerable: whether a passage answers, or only speaks of the same things."""

from __future__ import annotations

import numpy as np
import pytest

from filesearch.adapters import make_embedder
from filesearch.answer import pick_sentences, quote_answers, rank_sentences
from filesearch.answer_reader import Reading
from filesearch.answerable import (
    FEATURE_NAMES,
    LENIENCE,
    READER_NAMES,
    USUALLY_LACKING,
    Asked,
    gather_evidence,
    packaged_model,
    reader_features,
    share_lacking,
)
from filesearch.config import BUNDLED_EMBEDDER
from filesearch.quotable import find_sentences
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


def evidence(embedder, question, text=PASSAGE):
    return gather_evidence(
        Asked.of(question, [result(text)]),
        embedder.embed_question(question),
        text,
        embedder.embed_question(text),
    )


def lacking(question):
    return share_lacking(Asked.of(question, [result(PASSAGE)]), PASSAGE)


def feature(found, name):
    return found[FEATURE_NAMES.index(name)]


def rank(embedder, question, text=PASSAGE):
    results = [result(text)]
    sentences = find_sentences(results)
    return sentences, rank_sentences(question, sentences, results, embedder)


@pytest.mark.parametrize(
    ("held", "lacked"),
    [
        ("When did Noor Haddad found the studio?", "When did Mei Haddad found the studio?"),
        ("Which kiln was bought in 2004?", "Which kiln was bought in 2014?"),
    ],
)
def test_a_word_that_the_best_sentence_lacks_is_told(embedder, held, lacked):
    little, much = (feature(evidence(embedder, asked), "unmet") for asked in (held, lacked))
    assert 0 <= little < much <= 1


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
    _sentences, likely = rank(embedder, answered)
    _sentences, unlikely = rank(embedder, not_answered)
    assert likely.probability > likely.min_probability
    assert likely.probability > unlikely.probability


def test_a_question_in_other_words_has_the_benefit_of_the_doubt():
    near = lacking("How hot did the first kiln become?")
    far = lacking("What temperature could their oven manage?")
    assert near < far == 1
    line, nothing = packaged_model().by_reading, reader_features([Reading(0, 0, 0, 0)])
    assert line.probability(nothing, USUALLY_LACKING) == line.probability(nothing, 0.0)
    doubt = [-np.log(1 / line.probability(nothing, x) - 1) for x in (far, USUALLY_LACKING)]
    assert doubt[0] - doubt[1] == pytest.approx(LENIENCE * (far - USUALLY_LACKING))


@pytest.mark.parametrize("text", ["", "???", "的", "\n\n"])
@pytest.mark.parametrize("question", ["", "who?", "How hot is the kiln?"])
def test_a_question_or_a_passage_without_words_has_evidence_of_nothing(embedder, question, text):
    found = evidence(embedder, question, text)
    assert found.shape == (len(FEATURE_NAMES),)
    assert np.isfinite(found).all()
    if not question.startswith("How"):
        assert lacking(question) is None


def test_the_reading_that_says_most_counts_beside_the_first():
    readings = [Reading(-2, -1, 0, 1), Reading(3, 2, 0, 1), Reading(-9, 2.5, 0, 1)]
    assert dict(zip(READER_NAMES, reader_features(readings), strict=True)) == {
        "first_span": -2,
        "first_judged": -1,
        "best": 3.5,
        "worst": -2,
    }


def test_the_twist_of_a_question_is_declined_and_the_question_answered(embedder):
    sentences, ranking = rank(embedder, "Which kiln is fired with gas?")
    assert pick_sentences(sentences, ranking)
    sentences, ranking = rank(embedder, "Who never built the first kiln of the studio?")
    assert ranking.is_declined
    assert pick_sentences(sentences, ranking) == []


def test_beside_an_embedder_that_the_weights_do_not_know_the_readings_judge():
    for question, is_answered in (
        ("When was the studio founded by Noor Haddad?", True),
        ("Who never built the first kiln of the studio?", False),
    ):
        _sentences, ranking = rank(HashingEmbedder(), question)
        assert (ranking.probability >= ranking.min_probability) == is_answered


@pytest.mark.parametrize(("threshold", "is_answered"), [(0.0, True), (None, False), (1.0, False)])
def test_the_threshold_decides_what_is_declined(embedder, threshold, is_answered):
    question = "Who never built the first kiln of the studio?"
    found = quote_answers(question, [result(PASSAGE)], embedder=embedder, threshold=threshold)
    assert bool(found) == is_answered


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
    assert model.with_evidence.weights.shape == (len(FEATURE_NAMES) + len(READER_NAMES),)
    assert model.by_reading.weights.shape == (len(READER_NAMES),)
    assert 0 < model.with_evidence.least < 1
    assert 0 < model.by_reading.least < 1


def test_the_sentence_that_the_reader_takes_for_the_answer_comes_first(embedder):
    text = (
        "The pottery course for beginners is the most popular course of the pottery. It is led by "
        "Ines Okafor, and has eight places."
    )
    sentences, ranking = rank(embedder, "Who leads the pottery course for beginners?", text)
    assert "Ines Okafor" in sentences[pick_sentences(sentences, ranking)[0]].text


def test_the_sentence_is_read_at_the_end_of_dense_text(embedder):
    hosts = "".join(f"The host n{i}.kq{i}x.example has 10.{i}.17.{i}:8443.\n" for i in range(9))
    text = f"{hosts}The cluster was designed by Greta Malm in 2016."
    _sentences, ranking = rank(embedder, "Who designed the cluster?", text)
    assert ranking.probability > 0.5


def test_what_a_passage_scores_does_not_matter(embedder):
    sentences = find_sentences([result(PASSAGE)])
    question = "Who built the first kiln of the studio?"
    low, high = (
        rank_sentences(question, sentences, [result(PASSAGE, score)], embedder).probability
        for score in (0.1, 0.99)
    )
    assert low == high
