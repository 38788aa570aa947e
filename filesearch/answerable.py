"""Answerable: does a passage answer the question, or does it only speak of the same things?

question + best passage -> evidence, what was read in it -> a probability, by a logistic model in
data/answerable/weights.json (made by scripts/train_answerable.py). The hard questions are those
that were written about the very passage and still have no answer in it: another name, the
opposite, a condition that never was. Of those the answer reader knows most; the evidence beside it
is how well every single word of the question is met by one sentence, by its stem and by where it
points (late interaction), and whether only one of the two denies something. Runs no model: what
the embedder and the reader say is given.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np
import numpy.typing as npt
import regex

from filesearch.answer_reader import Reading
from filesearch.patterns import lazy_pattern
from filesearch.sentences import sentence_spans
from filesearch.terms import extract_terms, term_spans
from filesearch.types import IntArray, QuestionEmbedding, SearchResult
from filesearch.wording import FUNCTION_WORDS

FloatArray = npt.NDArray[np.float64]

FEATURE_NAMES = (
    "late_sentence",  # how well the best sentence meets the words of the question: cosines by idf
    "unmet",  # what the best sentence leaves unmet of one word: the most, by idf
    "cosine",  # of the question with the nearest sentence
    "question_negated",
    "sentence_negated",
    "negation_differs",
)
# Of the readings of the best passages; see Reading.
READER_NAMES = (
    "first_span",  # of the first passage
    "first_judged",
    "best",  # of both, of the passage where they say most
    "worst",  # and where they say least
)
# A reading says no more than this, either way.
_MOST_LOGIT = 20.0
# The weights were learned where people asked in the passage's words; who asks in others is given
# the benefit of the doubt: so much is added to the logit for the share of the question's words, by
# idf, that the passage lacks beyond a usual one. On squad20_dev 2 costs nothing (declined where 15%
# of the answerable ones are: 0.598 with 0, 0.605 with 1, 0.609 with 2, 0.597 with 3). Of answerable
# questions of chunk_eval, hotpotqa_100 and mtrag, whose questions were not learned from, it saves
# much (1.1, 3 and 11% declined at the threshold with 0; 0.4, 2 and 7% with 2; 0.4, 2, 6 with 3).
LENIENCE = 2.0
USUALLY_LACKING = 0.4
# What a stem that is there counts at least, where late interaction says less.
_SAME_STEM = 0.9

_NEGATION = lazy_pattern(
    r"\b(?:not|never|no|none|neither|nor|nobody|nothing|nowhere|without|cannot|except|unlike|"
    r"unable|instead|lack(?:s|ed|ing)?|fail(?:s|ed)?|refuse[sd]?|den(?:y|ies|ied)|prevent(?:s|ed)?|"
    r"avoid(?:s|ed)?|(?:un|non|dis|im|ir)-?\p{L}{4,}(?:ed|able|ible|al|ant|ent))\b|n['’]t\b",
    regex.IGNORECASE,
)


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A logistic model.

    Attributes:
        weights: float64 (n_features,).
        offset: Added to the weighted sum.
        least: Probability below which a question is declined.
    """

    weights: FloatArray
    offset: float
    least: float

    def probability(self, features: FloatArray, lacking: float) -> float:
        """Return how likely a passage answers, in (0, 1).

        Args:
            features: Of the passage, float64 (n_features,).
            lacking: Share of the question's words that it lacks; see `share_lacking`.
        """
        doubt = LENIENCE * max(0.0, lacking - USUALLY_LACKING)
        return float(1 / (1 + np.exp(-(self.weights @ features + self.offset + doubt))))


@dataclass(frozen=True, slots=True)
class Model:
    """What the file of weights says.

    Attributes:
        embedder: Fingerprint of the embedder whose vectors `with_evidence` is for.
        with_evidence: Of FEATURE_NAMES and READER_NAMES.
        by_reading: Of READER_NAMES alone, beside any other embedder.
    """

    embedder: str
    with_evidence: Line
    by_reading: Line


@lru_cache(maxsize=1)
def packaged_model() -> Model:
    """Return the model that comes with the package."""
    path = resources.files("filesearch") / "data" / "answerable" / "weights.json"
    found = json.loads(path.read_text("utf-8"))

    def line(part: str, names: Sequence[str]) -> Line:
        weights = np.array([found[part]["weights"][name] for name in names], dtype=np.float64)
        return Line(weights, float(found[part]["offset"]), float(found[part]["least"]))

    return Model(
        found["embedder"],
        line("with_evidence", (*FEATURE_NAMES, *READER_NAMES)),
        line("by_reading", READER_NAMES),
    )


def reader_features(readings: Sequence[Reading]) -> FloatArray:
    """Return what the readings of the best passages, best first, say: float64 (4,)."""
    spans, judged = (
        np.clip([getattr(r, name) for r in readings], -_MOST_LOGIT, _MOST_LOGIT)
        for name in ("span", "judged")
    )
    both = spans / 2 + judged
    return np.array([spans[0], judged[0], both.max(), both.min()])


@dataclass(frozen=True, slots=True)
class _Word:
    """A content word of the question: its term and its characters."""

    term: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A question, and how much each of its content words counts.

    Attributes:
        text: As searched.
        words: The content words, each once.
        shares: float64 (len(words),), by their idf among the passages found; their sum is 1.
    """

    text: str
    words: Sequence[_Word]
    shares: FloatArray

    @classmethod
    def of(cls, question: str, results: Sequence[SearchResult]) -> Asked:
        """Weigh the words of a question.

        Args:
            question: As searched.
            results: All passages that were found; they tell which words are rare. Their scores say
                nothing here: what they are worth depends on the reranker.
        """
        words = _content_words(question)
        return cls(question, words, _rarity(words, results))


def gather_evidence(
    asked: Asked, embedding: QuestionEmbedding, text: str, text_embedding: QuestionEmbedding
) -> FloatArray:
    """Return what tells whether `text` answers: float64 (len(FEATURE_NAMES),).

    Args:
        asked: The question.
        embedding: Of it.
        text: A passage, or the part of it around the best sentence.
        text_embedding: Of it; what lies behind its last piece is not looked at.
    """
    features: dict[str, float] = dict.fromkeys(FEATURE_NAMES, 0.0)
    words, share = asked.words, asked.shares
    spans, firsts = _sentences(text, text_embedding.offsets)
    if words and spans:
        terms = [set(extract_terms(text[start:end])) for start, end in spans]
        held = np.array([[float(w.term in found) for found in terms] for w in words])
        tokens = text_embedding.tokens.astype(np.float32)
        met = np.maximum.reduceat(embedding.tokens @ tokens.T, firsts, axis=1)
        by_word = np.maximum(_by_word(words, embedding.offsets, met), _SAME_STEM * held)
        late = share @ by_word
        sums = np.add.reduceat(tokens, firsts, axis=0)
        cosines = sums @ embedding.vector / np.maximum(np.linalg.norm(sums, axis=1), 1e-9)
        best = int((late + share @ held).argmax())
        start, end = spans[best]
        negated = bool(_NEGATION.search(asked.text)), bool(_NEGATION.search(text, start, end))
        features |= {
            "late_sentence": late.max(),
            "unmet": (share * (1 - by_word[:, best])).max(),
            "cosine": cosines.max(),
            "question_negated": negated[0],
            "sentence_negated": negated[1],
            "negation_differs": negated[0] != negated[1],
        }
    return np.array([float(features[name]) for name in FEATURE_NAMES])


def share_lacking(asked: Asked, text: str) -> float | None:
    """Return the share of the question's words, by idf, whose stems `text` lacks, in [0, 1].

    None where there is no word to look for, or none to look at.

    Args:
        asked: The question.
        text: A passage, or the part of it around the best sentence.
    """
    terms = set(extract_terms(text))
    if not asked.words or not terms:
        return None
    return float(asked.shares @ np.array([w.term not in terms for w in asked.words]))


def _content_words(question: str) -> list[_Word]:
    found = term_spans(question)
    words: dict[str, _Word] = {}
    for term, start, end in zip(found.terms, found.starts, found.ends, strict=True):
        surface = question[start:end]
        if surface.casefold() in FUNCTION_WORDS:
            continue
        words.setdefault(term, _Word(term, int(start), int(end)))
    return list(words.values())


def _sentences(text: str, offsets: IntArray) -> tuple[list[tuple[int, int]], IntArray]:
    """Return the sentences that hold a word piece, and the first piece of each."""
    spans, firsts = [], []
    for start, end in sentence_spans(text):
        first = int(np.searchsorted(offsets[:, 0], start))
        if first < len(offsets) and offsets[first, 0] < end:
            spans.append((start, end))
            firsts.append(first)
    return spans, np.array(firsts, dtype=np.int64)


def _rarity(words: Sequence[_Word], results: Sequence[SearchResult]) -> FloatArray:
    """Return a weight for each word, by its idf among the passages found; their sum is 1."""
    found = [set(extract_terms(result.text)) for result in results]
    counts = np.array([sum(w.term in terms for terms in found) for w in words])
    weights = np.log((len(found) + 2) / (counts + 0.5))
    shares: FloatArray = weights / weights.sum()
    return shares


def _by_word(
    words: Sequence[_Word], offsets: IntArray, met: npt.NDArray[np.floating]
) -> FloatArray:
    """Return how well each sentence meets each word: the mean over the word's pieces."""
    found = np.zeros((len(words), met.shape[1]))
    for row, word in enumerate(words):
        pieces = (offsets[:, 0] < word.end) & (offsets[:, 1] > word.start)
        if pieces.any():
            found[row] = met[pieces].mean(axis=0)
    return found
