"""Candidates: a question -> the chunks that either search found, with the evidence for each.

question -> embedding, beside it keyword search -> vector search -> Candidates. Filters are applied
inside both searches. They take turns, for each uses all cores or the interpreter, and waits for
the other one otherwise.
What stands here is measured, not judged: `fuse` and `rerank` weigh it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from filesearch.index_rows import ChunkWindows, Selection
from filesearch.languages import known_share
from filesearch.late import late_scores
from filesearch.protocols import Embedder, Index, TokenEmbedder
from filesearch.surrogates import join_surrogates
from filesearch.terms import query_terms, term_spans
from filesearch.types import FloatVector, IntArray, QuestionEmbedding

MIN_DEPTH = 200
"""How many chunks, and how many windows, either search gives before fusion, unless more are asked
for. Deeper changed no figure on the development sets."""

# A question takes time by its words, and others wait meanwhile: 0.3 s with these bounds, where one
# of 200,000 words took 41 s. Of a longer one beginning and end are read: where a question about a
# text stands that comes with it.
MAX_CHARACTERS = 16_000
MAX_TERMS = 1_024

ScoreArray = npt.NDArray[np.float64]

Embedded: TypeAlias = tuple[float, QuestionEmbedding | None]
"""Share of a question that its embedder knows, 0..1, and its embedding; None without vectors."""


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A question as both searches read it.

    Attributes:
        text: As searched, in NFC; of more than `MAX_CHARACTERS` beginning and end.
        terms: Its distinct keyword terms, in order; of more than `MAX_TERMS` the rarest
            that stand anywhere.
        idf: float64 (n_terms,), what each says; above 0.
        known: Share of its letters in a script that the embedder knows, 0..1.
        embedding: None where the embedder is of no use or not wanted. Its token vectors are empty
            where it has none.
        max_keyword: A keyword score that hardly any chunk can reach: see Index.keyword_ceiling.
    """

    text: str
    terms: list[str]
    idf: ScoreArray
    known: float
    embedding: QuestionEmbedding | None
    max_keyword: float


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Chunks that either search found; arrays over n chunks.

    Attributes:
        rows: int64, chunk rows of the index, ascending.
        keyword: float64, BM25; 0 for a chunk without a term of the question.
        keyword_share: What the best BM25 score is of the most that the question's terms can give,
            in [0, 1].
        vector: float32, best cosine similarity among the chunk's windows; 0 without vectors.
        windows: int64, row of that window; -1 without vectors.
        of_chunks: The windows of all candidates; None without vectors.
        similarities: float32, cosine similarity of each of `of_chunks.rows`.
    """

    rows: IntArray
    keyword: ScoreArray
    keyword_share: float
    vector: FloatVector
    windows: IntArray
    of_chunks: ChunkWindows | None = None
    similarities: FloatVector | None = None

    def __len__(self) -> int:
        return len(self.rows)


def embed_question(text: str, embedder: Callable[[], Embedder] | None) -> Embedded:
    """Return how much of a question the embedder knows, and what it makes of it.

    Args:
        text: The question; not blank.
        embedder: Gives the embedder; None leaves vector search out, as does a question in a
            language that the embedder does not know.
    """
    if embedder is None:
        return 1.0, None
    text = _as_searched(text)
    chosen = embedder()
    known = known_share(text, chosen.languages)
    if known == 0:
        return known, None
    if isinstance(chosen, TokenEmbedder):
        return known, chosen.embed_question(text)
    vector = chosen.embed_query(text)
    return known, QuestionEmbedding(
        vector=vector,
        tokens=np.empty((0, len(vector)), np.float32),
        offsets=np.empty((0, 2), np.int64),
    )


def _as_searched(text: str) -> str:
    """Return a question in the form that documents have, and no longer than it may be."""
    if len(text) > MAX_CHARACTERS:
        half = MAX_CHARACTERS // 2
        text = f"{text[:half]} {text[-half:]}"
    return unicodedata.normalize("NFC", join_surrogates(text))


def find_candidates(
    index: Index,
    text: str,
    selection: Selection,
    *,
    embedded: Callable[[], Embedded],
    depth: int = MIN_DEPTH,
) -> tuple[Question, Candidates]:
    """Return what either search finds, scored by both.

    Args:
        index: The store.
        text: The question; not blank.
        selection: Rows that may come back.
        embedded: Gives what `embed_question` made of it; called after the keyword search, so that
            it may have been made meanwhile.
        depth: How many chunks, and how many windows, either search gives.
    """
    text = _as_searched(text)
    terms = query_terms(text)
    distinct = list(dict.fromkeys(terms))
    idf = index.term_idf(distinct)
    if len(distinct) > MAX_TERMS:
        stands_nowhere = idf >= index.term_idf([""])  # as the empty term does
        rarest = np.sort(np.lexsort((-idf, stands_nowhere))[:MAX_TERMS])
        distinct, idf = [distinct[i] for i in rarest.tolist()], idf[rarest]
        kept = set(distinct)
        terms = [term for term in terms if term in kept]
    by_keyword, keyword = index.top_keyword(terms, depth, selection)
    known, embedding = embedded()
    ceiling = index.keyword_ceiling(terms)
    question = Question(text, distinct, idf, known, embedding, ceiling)
    share = min(1.0, float(keyword.max(initial=0.0)) / max(question.max_keyword, 1e-9))
    if embedding is None:
        order = np.argsort(by_keyword)
        return question, Candidates(
            rows=by_keyword[order],
            keyword=keyword[order],
            keyword_share=share,
            vector=np.zeros(len(by_keyword), dtype=np.float32),
            windows=np.full(len(by_keyword), -1, dtype=np.int64),
        )
    nearest, _scores = index.nearest_windows(embedding.vector, top_k=depth, selection=selection)
    rows = np.union1d(by_keyword, index.chunks_of_windows(nearest))
    of_chunks = index.windows_of_chunks(rows)
    similarities = index.similarities(of_chunks.rows, embedding.vector)
    best, windows = of_chunks.best(similarities)
    keyword = index.keyword_scores_at(terms, rows)
    if selection.chunks is not None:
        keyword[~selection.chunks[rows]] = 0.0
    return question, Candidates(rows, keyword, share, best, windows, of_chunks, similarities)


@dataclass(frozen=True, slots=True, eq=False)
class LateEvidence:
    """Late interaction of some chunks: float32 (n,) each, 0 without token signs.

    Attributes:
        window: The best window's score; `windows` its row, int64 (-1 without).
        stretch: The best sentence-long stretch's score.
    """

    window: FloatVector
    stretch: FloatVector
    windows: IntArray


def late_evidence(
    index: Index, question: Question, chunk_rows: IntArray, *, is_alone: bool = True
) -> LateEvidence:
    """Compare the question's word pieces with the windows of some chunks; see `late_scores`."""
    none = np.zeros(len(chunk_rows), np.float32)
    embedding = question.embedding
    if embedding is None or len(embedding.tokens) == 0 or not index.has_signs:
        return LateEvidence(none, none, np.full(len(chunk_rows), -1, np.int64))
    of_chunks = index.windows_of_chunks(chunk_rows)
    weights = piece_weights(index, question.text, embedding.offsets)
    signs = index.window_signs(of_chunks.rows)
    scores = late_scores(embedding.tokens, weights, signs, is_alone=is_alone)
    best, windows = of_chunks.best(scores.window)
    stretch, _ = of_chunks.best(scores.stretch)
    return LateEvidence(best, stretch, windows)


def piece_weights(index: Index, text: str, offsets: IntArray) -> FloatVector:
    """Return what each word piece of a question weighs: the idf of the word that it belongs to.

    Returns:
        float32 (n_pieces,), with a sum of 1; all equal where no piece is part of a word.
    """
    found = term_spans(text)
    idf = index.term_idf(found.terms)
    inside = (offsets[:, :1] < found.ends) & (offsets[:, 1:] > found.starts)
    weights = np.where(inside, idf, 0.0).max(axis=1, initial=0.0)
    if weights.sum() <= 0:
        weights = np.ones(len(offsets))
    shares: FloatVector = (weights / weights.sum()).astype(np.float32)
    return shares


def second_and_mean(
    scores: FloatVector, of_chunks: ChunkWindows
) -> tuple[FloatVector, FloatVector]:
    """Return the second best and the mean of each chunk's window scores: float32 (n,) each.

    A chunk with one window has that one's score as its second best.

    Args:
        scores: float32 (m,), of `of_chunks.rows`.
        of_chunks: Windows of n chunks.
    """
    if len(of_chunks.starts) == 0:
        return np.empty(0, np.float32), np.empty(0, np.float32)
    spread, lengths = scores[of_chunks.index], of_chunks.lengths
    mean = np.add.reduceat(spread, of_chunks.starts) / lengths
    best = np.maximum.reduceat(spread, of_chunks.starts)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    order = np.lexsort((-spread, owner))
    second = np.where(lengths > 1, spread[order][of_chunks.starts + (lengths > 1)], best)
    return second.astype(np.float32), mean.astype(np.float32)
