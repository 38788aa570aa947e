"""Features: the evidence for a candidate, as numbers."""

import numpy as np
import pytest

from filesearch.adapters import make_reranker
from filesearch.errors import InvalidSetting
from filesearch.rerank.features import FEATURE_NAMES, Evidence, compute_features
from filesearch.rerank.learned import LearnedReranker
from filesearch.terms import extract_terms, query_terms
from filesearch.types import RerankRequest

QUESTION = "What did Acme pay for kiln_sensor repairs in 2018?"
TEXTS = [
    "Acme paid 400 euros for kiln_sensor repairs in 2018.",
    "Repairs of a kiln cost money. Acme was founded in 1990.",
    "The weather was fine.",
]


def evidence(texts=TEXTS, contexts=("", "", "")):
    n = len(texts)
    terms = list(dict.fromkeys(query_terms(QUESTION)))
    held = [extract_terms(f"{text} {line}") for text, line in zip(texts, contexts, strict=False)]
    zeros = np.zeros(n, np.float32)
    return Evidence(
        question=QUESTION,
        terms=terms,
        idf=np.ones(len(terms)),
        counts=np.array([[words.count(term) for words in held] for term in terms]).reshape(
            len(terms), n
        ),
        keyword=np.array([float(sum(t in words for t in terms)) for words in held]),
        max_keyword=2.5 * len(terms),
        vector=zeros,
        vector_second=zeros,
        vector_mean=zeros,
        late=zeros,
        late_stretch=zeros,
        contexts=[set(extract_terms(line)) for line in contexts[:n]],
        texts=texts,
        ordinals=np.arange(n),
    )


def column(name, given):
    return compute_features(given)[:, FEATURE_NAMES.index(name)]


@pytest.mark.parametrize("name", ["keyword", "coverage", "passage_coverage", "phrase", "exact"])
def test_the_passage_that_answers_has_the_most_of(name):
    values = column(name, evidence())
    assert values[0] > values[1] >= values[2]
    assert ((values >= 0) & (values <= 1)).all()


def test_numbers_names_and_identifiers_count_as_exact_only_whole():
    near = [TEXTS[0].replace("2018", "20181").replace("kiln_sensor", "kiln_sensors"), TEXTS[0]]
    assert column("exact", evidence(near)).tolist() == pytest.approx([1 / 3, 1])


def test_what_is_exact_may_stand_at_either_end():
    ends = ["2018 was dry", "dry in 2018", "2018"]
    assert column("exact", evidence(ends)).tolist() == pytest.approx([1 / 3] * 3)


def test_the_best_sentence_counts_not_all_of_them_together():
    sentences = ["Acme grew. ", "The kiln_sensor needs repairs. ", "It was 2018."]
    best = column("passage_coverage", evidence([sentences[1]], ("",)))
    together = column("passage_coverage", evidence(["".join(sentences)], ("",)))
    assert 0 < together[0] == best[0] < 1


def test_candidates_with_one_window_see_the_same_in_it():
    texts = [TEXTS[0], TEXTS[1], TEXTS[0]]
    for name in ("passage_coverage", "phrase", "exact", "length"):
        first, other, again = column(name, evidence(texts))
        assert first == again != other


def test_the_context_counts_apart_from_the_words():
    values = column("context_coverage", evidence(contexts=("", "Acme 2018 report", "")))
    assert values[1] > 0
    assert values[0] == values[2] == 0


def test_no_candidates_give_no_rows():
    assert compute_features(evidence([], ())).shape == (0, len(FEATURE_NAMES))


def test_an_unknown_language_leaves_vector_features_at_zero():
    for name in FEATURE_NAMES:
        if name.startswith(("vector", "late")):
            assert not column(name, evidence()).any()


def test_the_learned_reranker_puts_the_answer_first():
    request = RerankRequest(QUESTION, TEXTS, compute_features(evidence()))
    scores = make_reranker("learned").rerank(request)
    assert scores.argmax() == 0
    assert ((scores > 0) & (scores < 1)).all()


def test_weights_of_other_features_are_refused(tmp_path):
    (tmp_path / "w.json").write_text('{"weights": {"colour": 1}, "slope": 1, "offset": 0}')
    request = RerankRequest(QUESTION, TEXTS, compute_features(evidence()))
    with pytest.raises(InvalidSetting, match=r"train_reranker\.py"):
        LearnedReranker(tmp_path / "w.json").rerank(request)
