"""Answer: a question and the passages found for it -> quotes that answer it, each cited.

The extractive default, which needs no language model: the sentences of the best passages are
ranked by BM25 (`rank_bm25` over just these sentences), by embedding similarity, by whether they
hold the kind of fact that was asked for, and by where a small model reads the answer; the best few
are quoted word for word. When none is close enough to the question, or its passage does not seem
to answer (`filesearch.judge`), the answer says that the documents hold none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import regex
from rank_bm25 import BM25Okapi

from filesearch.asked_names import is_about_names
from filesearch.asked_years import is_of_asked_year
from filesearch.fuse import normalise
from filesearch.headings import HAS_QUANTITY
from filesearch.judge import Place, Words, judge, what_it_is_about
from filesearch.languages import known_share
from filesearch.patterns import lazy_pattern
from filesearch.protocols import Embedder
from filesearch.quotable import Sentence, find_sentences
from filesearch.row_answers import amounts_of, is_outside, names_same
from filesearch.table_rows import prose_before
from filesearch.terms import extract_terms, query_terms
from filesearch.types import SearchResult
from filesearch.typos import mend_typos

MAX_PASSAGES = 6
# Sentences that are embedded: the best by words, so that a question costs one small batch.
MAX_EMBEDDED = 32
MAX_STATEMENTS = 3
# A further sentence must come this close to the best one, repeat at most this share of its own
# terms, and itself cover enough of the question to be an answer.
NEXT_SHARE = 0.8
MAX_SAME_TERMS = 0.6

# Weights of the parts of a sentence's score; they add up to 1, to which a reading adds. A passage
# counts by its share of the best one's score, which says how probably it answers: mostly little.
WEIGHT_KEYWORD = 0.35
WEIGHT_VECTOR = 0.40
WEIGHT_PASSAGE = 0.15
WEIGHT_KIND = 0.10

# What a sentence is given of the score of the one before it: an answer often follows the sentence
# that repeats the question's words. 0.15 to 0.3 raised the share of answers that hold the gold
# fact on squad20_dev, drcd_dev and the sample questions alike, by 0.01 to 0.07.
CARRY_OVER = 0.2

# What a sentence is given for holding the words that the reader takes for the answer, by how far it
# does. By readings of articles held out of its training, 1,200 questions of squad20_dev: the best
# quote holds the gold answer in 0.790 with 0, 0.816 with 0.1, 0.841 with 0.3, 0.842 with 0.5; any
# of the quotes in 0.893, 0.895, 0.901 and 0.903.
WEIGHT_READING = 0.3

# Least support of a sentence for an answer (see `_support`), where the embedder knows the language
# of the question and where it does not. scripts/calibrate_support.py prints, for these
# and others, which share of answerable and of off-topic questions is declined.
MIN_SUPPORT_KNOWN = 0.36
MIN_SUPPORT_UNKNOWN = 0.19
# The same where the passage has but two terms of the question, as chance has it in Chinese. With
# half of drcd_dev and cmrc2018_trial left out, 0.45 and 0.47 of the questions about that half are
# declined without, 0.62 and 0.73 with it; of 400 of the others, 1 and 0 right answers, 2 and 3.
MIN_SUPPORT_OF_FEW = 0.3
FEW_TERMS = 2

_ASKS_QUANTITY = lazy_pattern(
    r"\bhow (?:many|much|long|often|old|far|big|large|tall|heavy|fast|soon|late|early)\b"
    r"|\bwhen\b|\bwhat (?:year|date|time|day|month|price|percentage|amount|number|temperature)\b"
    r"|\bprice\b|\bcosts?\b|多少|几|何时|多久|多长|多大|多高|什么时候|哪年|哪天|价格",
    regex.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence that answers.

    Attributes:
        passage: Position of its passage among the results, from 0.
        start, end: Character positions in the document's text.
        text: The characters between.
        score: In [0, 1].
    """

    passage: int
    start: int
    end: int
    text: str
    score: float


def quote_answers(
    question: str,
    results: Sequence[SearchResult],
    *,
    wanted: str = "",
    embedder: Embedder,
    threshold: float | None = None,
) -> list[Quote]:
    """Return the sentences of `results` that answer `question`.

    Args:
        question: As asked.
        results: Passages, best first; the first `MAX_PASSAGES` are read.
        wanted: The question as it is searched for: without chatter, and with what it leaves to
            the conversation. Empty for the question as it is asked.
        embedder: Compares sentences with the question, where it knows the language.
        threshold: How probably the passages must answer, 0..1; None means the calibrated one.

    Returns:
        At most three, in reading order when they come from one file. None when none of them is
        close enough to the question to be an answer.
    """
    sentences = find_sentences(results[:MAX_PASSAGES])
    if not sentences:
        return []
    asked = mend_typos(wanted or question, [result.text for result in results[:MAX_PASSAGES]])
    ranking = rank_sentences(asked, sentences, results, embedder)
    if threshold is not None and ranking.probability is not None:
        ranking = replace(ranking, min_probability=threshold)
    picked = pick_sentences(sentences, ranking)
    return [
        Quote(
            passage=sentences[i].passage,
            start=sentences[i].start,
            end=sentences[i].end,
            text=sentences[i].text,
            score=float(np.clip(ranking.scores[i], 0, 1)),
        )
        for i in _reading_order(picked, sentences, results)
    ]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Scores of sentences for a question.

    Attributes:
        scores: float64 (n,), from 0; above 1 only by what a reading adds.
        unread: float64 (n,), in [0, 1]: the same without that.
        support: float64 (n,), in [0, 1]: how far each, or the one before it, covers the question.
        min_support: What it takes to call that an answer.
        probability: How likely the passage of the best sentence answers, in [0, 1]; None where
            that cannot be told: see `judge`.
        min_probability: What it takes to answer.
    """

    scores: npt.NDArray[np.float64]
    unread: npt.NDArray[np.float64]
    support: npt.NDArray[np.float64]
    min_support: float
    probability: float | None = None
    min_probability: float = 0.0

    @property
    def is_declined(self) -> bool:
        """Whether not even the best sentence is an answer."""
        if self.probability is not None and self.probability < self.min_probability:
            return True
        return bool(self.support[self.scores.argmax()] < self.min_support)


def rank_sentences(
    question: str,
    sentences: Sequence[Sentence],
    results: Sequence[SearchResult],
    embedder: Embedder,
) -> Ranking:
    """Score `sentences`, at least one, for `question`."""
    terms = query_terms(question)
    keyword = normalise(BM25Okapi([s.terms for s in sentences]).get_scores(terms))
    passage = np.array([results[s.passage].score for s in sentences])
    passage /= passage.max() or 1.0
    asks_quantity = _ASKS_QUANTITY.search(question) is not None
    kind = np.array(
        [float(not asks_quantity or bool(HAS_QUANTITY.search(s.text))) for s in sentences]
    )
    share = known_share(question, embedder.languages)
    vector_weight = WEIGHT_VECTOR * share
    keyword_weight = WEIGHT_KEYWORD + WEIGHT_VECTOR - vector_weight
    scores = keyword_weight * keyword + WEIGHT_PASSAGE * passage + WEIGHT_KIND * kind
    cosines = np.zeros(len(sentences))
    if share > 0:
        chosen = np.argsort(-scores, kind="stable")[:MAX_EMBEDDED]
        vectors = embedder.embed_texts([sentences[i].text_in_context for i in chosen])
        cosines[chosen] = vectors @ embedder.embed_query(question)
        scores += vector_weight * np.clip(cosines, 0, 1)
    follows = np.array(
        [
            i > 0
            and s.passage == sentences[i - 1].passage
            and not (s.is_row or sentences[i - 1].is_row)
            for i, s in enumerate(sentences)
        ]
    )
    support = _support(terms, sentences, results, cosines, share)
    before = np.where(follows, np.roll(scores, 1), 0.0)
    scores = (scores + CARRY_OVER * before) / (1 + CARRY_OVER)
    amounts = amounts_of(question)
    scores[[s.is_row and is_outside(amounts, s.text) for s in sentences]] = 0.0
    at = int(scores.argmax())
    best = sentences[at]
    result, about = results[best.passage], what_it_is_about(results[best.passage])
    if best.is_row:
        lead = ". ".join([about, prose_before(result, best.start), best.heading])
        if not names_same(question, best.text, best.terms, values=best.values, around=lead):
            support[at] = 0.0
    min_support = MIN_SUPPORT_KNOWN
    if share < 1:
        shared = set(terms).intersection(extract_terms(f"{about}. {result.text}"))
        least = MIN_SUPPORT_OF_FEW if len(shared) <= FEW_TERMS else MIN_SUPPORT_UNKNOWN
        min_support = share * MIN_SUPPORT_KNOWN + (1 - share) * least
    support = np.maximum(support, np.where(follows, np.roll(support, 1), 0.0))
    judgement = None
    if (support >= min_support).any():  # else it is declined whatever is read
        judgement = judge(question, _best_places(scores, sentences), results, embedder)
    read = scores.copy()
    for words in judgement.words if judgement else ():
        read += WEIGHT_READING * words.belief * _holds(sentences, words)
    best = sentences[int(read.argmax())]
    if not (best.is_row or _is_about_the_same(question, best, results[:MAX_PASSAGES])):
        support = np.zeros(len(sentences))
    return Ranking(
        scores=read,
        unread=scores,
        support=support,
        min_support=min_support,
        probability=judgement.probability if judgement else None,
        min_probability=judgement.least if judgement else 0.0,
    )


def _is_about_the_same(question: str, best: Sentence, found: Sequence[SearchResult]) -> bool:
    """Return whether a sentence that is no row is about the names and the year of a question."""
    result = found[best.passage]
    passage = f"{what_it_is_about(result)}. {result.text}"
    return is_of_asked_year(question, best.text_in_context, passage) and is_about_names(
        question, found, best.passage, best.text_in_context
    )


def _holds(sentences: Sequence[Sentence], words: Words) -> npt.NDArray[np.bool_]:
    """Return which sentence holds these words: bool (n,)."""
    return np.array(
        [s.passage == words.passage and s.start <= words.start < s.end for s in sentences]
    )


def _best_places(scores: npt.NDArray[np.float64], sentences: Sequence[Sentence]) -> list[Place]:
    """Return the best sentence of each passage, best first."""
    places: dict[int, Place] = {}
    for i in np.argsort(-scores, kind="stable"):
        s = sentences[i]
        places.setdefault(s.passage, Place(s.passage, s.start, s.end, s.is_row))
    return list(places.values())


def _support(
    terms: Sequence[str],
    sentences: Sequence[Sentence],
    results: Sequence[SearchResult],
    cosines: npt.NDArray[np.float64],
    share: float,
) -> npt.NDArray[np.float64]:
    """Return how far each sentence, and the passage around it, covers a question, in [0, 1].

    The mean of word coverage (by the sentence and by its passage, in equal parts) and cosine
    similarity; the cosine counts as far as the embedder knows the language. All rows bear the names
    of their columns: where the passage lacks a word of the question, only their values count.
    """
    wanted = set(terms)
    around: dict[int, set[str]] = {}
    for sentence in sentences:
        around.setdefault(sentence.passage, set()).update(wanted.intersection(sentence.terms))
    lacks = {
        passage: not wanted <= held.union(extract_terms(what_it_is_about(results[passage])))
        for passage, held in around.items()
    }
    held = [
        2 * len(wanted.intersection(s.values))
        if s.values and lacks[s.passage]
        else len(wanted.intersection(s.terms)) + len(around[s.passage])
        for s in sentences
    ]
    coverage = np.array(held) / max(2 * len(wanted), 1)
    support: npt.NDArray[np.float64] = (1 - share / 2) * coverage + share / 2 * np.clip(
        cosines, 0, 1
    )
    return support


def pick_sentences(sentences: Sequence[Sentence], ranking: Ranking) -> list[int]:
    """Return the best sentence and those near it that add something, best first.

    None at all when not even the best one is an answer.
    """
    picked: list[int] = []
    if ranking.is_declined:
        return picked
    order = [int(i) for i in np.argsort(-ranking.scores, kind="stable")]
    # What was read puts the best first, and does not keep from being quoted what was good without.
    least = NEXT_SHARE * ranking.unread.max()
    for i in order:
        if len(picked) == MAX_STATEMENTS:
            break
        if picked and ranking.unread[i] < least:
            continue
        if picked and ranking.support[i] < ranking.min_support:
            continue
        terms = set(sentences[i].own_terms)
        same = (len(terms.intersection(sentences[j].own_terms)) for j in picked)
        if all(count <= MAX_SAME_TERMS * len(terms) for count in same):
            picked.append(i)
    return picked


def _reading_order(
    picked: Sequence[int], sentences: Sequence[Sentence], results: Sequence[SearchResult]
) -> list[int]:
    """Return the files in order of their best sentence, sentences of one file as they stand."""
    file_of = {i: results[sentences[i].passage].file_id for i in picked}
    first_rank: dict[str, int] = {}
    for rank, i in enumerate(picked):
        first_rank.setdefault(file_of[i], rank)
    return sorted(picked, key=lambda i: (first_rank[file_of[i]], sentences[i].start))
