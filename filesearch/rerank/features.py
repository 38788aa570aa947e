"""Features: the evidence for each candidate, as numbers that the learned reranker weighs.

Candidates + late interaction + a few looks at the text -> float32 (n, len(FEATURE_NAMES)). Every
feature is 0 where it has nothing to say, and most lie in [0, 1]. They measure how well a passage
fits the question, never which store it stands in, so that a weight learned on some stores holds
on others. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import regex

from filesearch.fuse import convex_combination, normalise, ranks, reciprocal_rank_fusion
from filesearch.terms import extract_terms
from filesearch.types import FloatMatrix, FloatVector, IntArray

FEATURE_NAMES = (
    "keyword",  # BM25 over the best candidate's
    "keyword_share",  # BM25 over what a chunk could reach with every term repeated without end
    "coverage",  # idf-weighted share of the question's terms in the chunk or its context
    "context_coverage",  # the same for file name, title and headings alone
    "passage_coverage",  # the best sentence of the best window
    "phrase",  # idf-weighted share of neighbouring terms that stand side by side in the window
    "exact",  # share of numbers, names and identifiers of the question that stand in the window
    "vector",  # best cosine similarity of a window
    "vector_second",
    "vector_mean",
    "vector_share",  # best cosine over the best candidate's
    "vector_lead",  # best cosine minus the best candidate's, at most 0
    "late",  # MaxSim of the best window
    "late_share",
    "late_lead",
    "late_stretch",  # MaxSim of the best sentence-long stretch
    "fused",  # mean of keyword and vector_share; keyword alone without vectors
    "agreement",  # reciprocal rank fusion of both lists, first in both is 1
    "late_rank",  # 1 for the best candidate by MaxSim, 1/2 for the next, and so on
    "opening",  # 1 for the first chunk of its file
    "length",  # log of the window's characters over 1,000
    "code",  # how far the candidates as a whole are source code; the same for all of them
)

_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*%?")
_NAME = regex.compile(r"\b\p{Lu}[\p{L}\p{N}]*(?:[._-][\p{L}\p{N}]+)*\b")
_IDENTIFIER = re.compile(
    r"\b\w+(?:_\w+)+\b|\b[a-z]+(?:[A-Z]\w*)+\b|\b\w+\(\)|[\"“「][^\"”」]{2,60}[\"”」]"
)
# What ends a sentence, in texts whose white space was folded; all become the first.
_STOP, _OTHER_STOPS = ". ", ("! ", "? ", "。", "！", "？")

# Source code is told by how often these stand in it. Their share of the characters, mean over the
# candidates of a question: 0.025 to 0.08 in two code sets, at most 0.008 in nine of prose.
_CODE_MARKS = ("=", "_", "{", "}", ";", "[]", "()", "):", ");", "->", "::")
_PROSE_MARKS, _CODE_MARKS_FULL = 0.01, 0.02
# Windows that come up again, as the popular ones of a server do, are read once: 5 KB each.
_KEPT_TEXTS = 2048
# Words of questions, of which other questions have most as well; none of them longer than this.
_KEPT_WORDS, _LONGEST_KEPT_WORD = 4096, 64


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What is known of n candidates; arrays over them, in one order.

    Attributes:
        question: As searched.
        terms: Distinct keyword terms of the question, in order.
        idf: float64 (n_terms,), above 0.
        counts: int64 (n_terms, n): how often each term stands in each chunk, context included.
        keyword: float64, BM25; max_keyword: what no chunk can reach.
        vector, vector_second, vector_mean: float32, cosine similarities of windows.
        late, late_stretch: float32, see late.py.
        contexts: Keyword terms of file name, title and headings.
        texts: The words of each candidate's best window.
        ordinals: int64, position of the chunk in its document, from 0.
    """

    question: str
    terms: Sequence[str]
    idf: npt.NDArray[np.float64]
    counts: IntArray
    keyword: npt.NDArray[np.float64]
    max_keyword: float
    vector: FloatVector
    vector_second: FloatVector
    vector_mean: FloatVector
    late: FloatVector
    late_stretch: FloatVector
    contexts: Sequence[Set[str]]
    texts: Sequence[str]
    ordinals: IntArray


def compute_features(evidence: Evidence) -> FloatMatrix:
    """Return the features of every candidate: float32 (n, len(FEATURE_NAMES)); n may be 0."""
    e = evidence
    n = len(e.keyword)
    if n == 0:
        return np.empty((0, len(FEATURE_NAMES)), np.float32)
    total_idf = max(float(e.idf.sum()), 1e-9)
    keyword, vector = normalise(e.keyword), normalise(e.vector)
    looks = _Looks(e)
    # Chunks overlap, so that one window may stand for several: each is looked at once.
    looked = {text: looks.at(_read(text)) for text in dict.fromkeys(e.texts)}
    seen = np.array([looked[text] for text in e.texts]).T
    passage_coverage, phrase, exact, length, code_marks = seen
    columns = {
        "keyword": keyword,
        "keyword_share": np.minimum(e.keyword / max(e.max_keyword, 1e-9), 1.0),
        "coverage": e.idf @ (e.counts > 0) / total_idf,
        "context_coverage": np.array([looks.context_coverage(terms) for terms in e.contexts]),
        "passage_coverage": passage_coverage,
        "phrase": phrase,
        "exact": exact,
        "vector": e.vector,
        "vector_second": e.vector_second,
        "vector_mean": e.vector_mean,
        "vector_share": vector,
        "vector_lead": e.vector - e.vector.max(),
        "late": e.late,
        "late_share": normalise(e.late),
        "late_lead": e.late - e.late.max(),
        "late_stretch": e.late_stretch,
        "fused": convex_combination(keyword, vector, vector_weight=0.5 if e.vector.any() else 0.0),
        "agreement": reciprocal_rank_fusion(e.keyword, e.vector.astype(np.float64)),
        "late_rank": np.where(e.late > 0, 1 / ranks(e.late), 0.0),
        "opening": e.ordinals == 0,
        "length": np.log1p(length / 1000),
        "code": _code_share(code_marks),
    }
    features = np.empty((n, len(FEATURE_NAMES)), np.float32)
    for i, name in enumerate(FEATURE_NAMES):
        features[:, i] = columns[name]
    return features


def _code_share(code_marks: npt.NDArray[np.float64]) -> float:
    """Return how far texts, at least one, are source code: 0 for prose to 1."""
    share = (code_marks.mean() - _PROSE_MARKS) / (_CODE_MARKS_FULL - _PROSE_MARKS)
    return min(max(float(share), 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class _Text:
    """A text as features look at it, whatever is asked.

    Attributes:
        words: In lower case, white space folded.
        sentences: These, cut where a sentence ends.
        code_marks: How many `_CODE_MARKS` a character of the text has.
    """

    words: str
    sentences: tuple[str, ...]
    code_marks: float


@lru_cache(maxsize=_KEPT_TEXTS)
def _read(text: str) -> _Text:
    words = " ".join(text.split()).casefold()
    stopped = words
    for stop in _OTHER_STOPS:
        stopped = stopped.replace(stop, _STOP)
    marks = sum(text.count(mark) for mark in _CODE_MARKS) / len(text) if text else 0.0
    return _Text(words, tuple(stopped.split(_STOP)), marks)


class _Looks:
    """What one question looks for in texts."""

    def __init__(self, evidence: Evidence) -> None:
        self._idf: dict[str, float] = dict(zip(evidence.terms, evidence.idf.tolist(), strict=True))
        self._total = max(sum(self._idf.values()), 1e-9)
        question = evidence.question
        # A stem is found in its words by its beginning: "polici" in "policies" and "policy".
        self._prefixes = [
            (_as_prefix(term), weight) for term, weight in self._idf.items() if len(term) > 1
        ]
        self._pairs = _pairs(question, self._idf)
        self._pairs_total = sum(weight for _pair, weight in self._pairs)
        wanted = [m.group() for m in _NUMBER.finditer(question)]
        wanted += [m.group().strip('"“”「」()') for m in _IDENTIFIER.finditer(question)]
        # The first word of a question is capitalised whatever it is.
        wanted += [m.group() for m in _NAME.finditer(question) if m.start() > 0]
        self._exact = [w.casefold() for w in dict.fromkeys(wanted) if len(w) > 1]

    def context_coverage(self, terms: Set[str]) -> float:
        if terms.isdisjoint(self._idf):
            return 0.0
        return sum([weight for term, weight in self._idf.items() if term in terms]) / self._total

    def at(self, text: _Text) -> tuple[float, float, float, int, float]:
        """Return what is seen of a text: coverage, phrase, exact, its length and its code marks."""
        return (
            self.sentence_coverage(text),
            self.phrase(text),
            self.exact(text),
            len(text.words),
            text.code_marks,
        )

    def sentence_coverage(self, text: _Text) -> float:
        words = text.words
        held = [(word, weight) for word, weight in self._prefixes if word in words]
        everything = sum([weight for _word, weight in held])
        if len(held) < 2 or len(text.sentences) == 1:
            return everything / self._total
        best = 0.0
        for sentence in text.sentences:
            best = max(best, sum([weight for word, weight in held if word in sentence]))
            if best == everything:
                break
        return best / self._total

    def phrase(self, text: _Text) -> float:
        if not self._pairs:
            return 0.0
        words = text.words
        return sum([weight for pair, weight in self._pairs if pair in words]) / self._pairs_total

    def exact(self, text: _Text) -> float:
        if not self._exact:
            return 0.0
        words = text.words
        held = [_holds_word(words, word) for word in self._exact if word in words]
        return sum(held) / len(self._exact)


def _holds_word(text: str, word: str) -> bool:
    """Whether `word` stands in `text` with no letter or digit on either side."""
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        before, after = text[start - 1 : start], text[end : end + 1]  # empty at either end
        if not (before.isalnum() or after.isalnum() or before == "_" or after == "_"):
            return True
        start = text.find(word, start + 1)
    return False


def _as_prefix(term: str) -> str:
    return term[:-1] if len(term) > 3 and term.endswith(("i", "e")) else term


def _pairs(question: str, idf: dict[str, float]) -> list[tuple[str, float]]:
    """Return neighbouring words of the question, lower-cased, with what they weigh together."""
    words = re.findall(r"\w+", question.casefold())
    weighed = [(word, _word_weight(word, idf)) for word in words]
    return list(
        {
            f"{left} {right}": left_weight + right_weight
            for (left, left_weight), (right, right_weight) in pairwise(weighed)
            if left_weight and right_weight
        }.items()
    )


def _word_weight(word: str, idf: dict[str, float]) -> float:
    terms = _word_terms if len(word) <= _LONGEST_KEPT_WORD else extract_terms
    return max([idf.get(term, 0.0) for term in terms(word)], default=0.0)


@lru_cache(maxsize=_KEPT_WORDS)
def _word_terms(word: str) -> tuple[str, ...]:
    return tuple(extract_terms(word))
