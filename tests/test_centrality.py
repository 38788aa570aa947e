"""Centrality: LexRank against its definition, even shortlists, picks that do not repeat."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from filesearch.centrality import (
    keyword_centrality,
    keyword_vectors,
    lexrank,
    pick_central,
    shortlist,
    similarities,
)


def terms_of(*sentences):
    return [sentence.split() for sentence in sentences]


def no_embedding():
    raise AssertionError("nothing may be embedded")


ROUNDING = 1e-9  # a likeness that is the mean itself may lie above it by so much


def slow_lexrank(similarity):
    """The stationary distribution by its equation: r = 0.15 / n + 0.85 r L."""
    count = len(similarity)
    pairs = [similarity[i][j] for i in range(count) for j in range(count) if i != j]
    mean = sum(pairs) / max(1, len(pairs))
    links = np.zeros((count, count))
    for i in range(count):
        row = [similarity[i][j] - mean if i != j else 0.0 for j in range(count)]
        row = [value if value > ROUNDING else 0.0 for value in row]
        links[i] = [v / sum(row) for v in row] if sum(row) > 0 else [1 / count] * count
    return np.linalg.solve(np.eye(count) - 0.85 * links.T, np.full(count, 0.15 / count))


# The mean of these is 0.9 and rounds to less: no sentence of the last rows has a link.
AT_THE_MEAN = np.full((7, 7), 0.9)
AT_THE_MEAN[0, 1:5] = AT_THE_MEAN[1:5, 0] = 1.0
AT_THE_MEAN[0, 6] = AT_THE_MEAN[6, 0] = 0.5


@example(AT_THE_MEAN)
@given(
    st.integers(1, 8).flatmap(
        lambda n: arrays(np.float64, (n, n), elements=st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0]))
    )
)
def test_lexrank_is_the_stationary_distribution(drawn):
    similarity = np.maximum(drawn, drawn.T)
    found = lexrank(similarity)
    assert found == pytest.approx(slow_lexrank(similarity), abs=1e-4)
    assert found.sum() == pytest.approx(1)


def test_lexrank_of_nothing_is_empty():
    assert lexrank(np.zeros((0, 0))).shape == (0,)


def test_the_sentence_that_shares_most_with_the_others_is_the_most_central():
    terms = terms_of(
        "clay comes wet", "kiln has doors", "clay glaze kiln", "glaze is blue", "board met tuesday"
    )
    ranks = lexrank(similarities(terms, 0.0, no_embedding))
    assert (ranks.argmax(), ranks.argmin()) == (2, 4)
    central = keyword_centrality(terms)
    assert (central.argmax(), central.argmin()) == (2, 4)


def test_keyword_vectors_are_unit_rows_or_zero():
    vectors = keyword_vectors([["a", "b"], [], ["a"]])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 0, 1])
    assert keyword_vectors([]).shape == (0, 0)


def test_embedding_counts_as_far_as_the_language_is_known():
    terms = terms_of("a", "b")
    vectors = np.array([[1, 0], [0.6, 0.8]], dtype=np.float32)
    found = similarities(terms, 0.5, lambda: vectors)
    assert found[0, 1] == pytest.approx(0.3)


def test_a_shortlist_takes_from_all_of_a_long_text():
    terms = [[f"w{i % 7}", "kiln"] for i in range(5000)]
    kept = shortlist(terms, 400)
    assert len(kept) == 400
    assert kept == sorted(set(kept))
    assert all(sum(i * 500 <= k < (i + 1) * 500 for k in kept) == 40 for i in range(10))


@pytest.mark.parametrize(("count", "limit", "kept"), [(0, 5, 0), (5, 5, 5), (6, 5, 5), (9, 1, 1)])
def test_a_shortlist_holds_no_more_than_its_limit(count, limit, kept):
    assert len(shortlist([["a"]] * count, limit)) == kept


def test_a_sentence_is_not_picked_with_its_copy():
    line = "the kiln reaches its top heat in nine hours when both doors are shut well"
    terms = terms_of(line, line, line, "glaze is mixed with water in the kiln room by the team")
    picks = pick_central(similarities(terms, 0.0, no_embedding), terms, 3)
    assert [pick.index for pick in picks] == [0, 3]
    assert all(0 <= pick.score <= 1 for pick in picks)


def test_of_no_sentences_none_is_picked():
    assert pick_central(np.zeros((0, 0)), [], 3) == []
