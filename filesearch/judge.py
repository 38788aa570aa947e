"""Judge: do the passages that were found answer the question, or do they only seem to?

question + best places -> the text around each -> read (`answer_reader`), weighed (`answerable`)
-> a probability, the least that it takes to answer, and where the words stand that would.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from filesearch.answer_reader import MAX_PASSAGE, AnswerReader, Excerpt, packaged_reader
from filesearch.answerable import (
    Asked,
    gather_evidence,
    packaged_model,
    reader_features,
    share_lacking,
)
from filesearch.context import SEPARATOR, name_words
from filesearch.languages import known_share
from filesearch.protocols import Embedder, TokenEmbedder
from filesearch.sentences import sentence_spans
from filesearch.types import SearchResult

# Passages that are read. On squad20_dev, of articles held out of all training, 0.58 of the
# unanswerable questions are declined where 15% of the others are with one, 0.60 with 3 and with 5.
MAX_READ = 3
# Most of a passage that is read; the reader's word pieces end it earlier where words are rare.
MAX_CHARACTERS = 1_000


@dataclass(frozen=True, slots=True)
class Place:
    """A sentence that may answer.

    Attributes:
        passage: Position of its passage among the results, from 0.
        start, end: Character positions in the document's text.
        is_row: Whether it is a row of a table.
    """

    passage: int
    start: int
    end: int
    is_row: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a passage that would answer best.

    Attributes:
        passage: Position of the passage among the results, from 0.
        start: Of the first character, in the document's text.
        belief: How far the reader takes them for an answer, in (0, 1).
    """

    passage: int
    start: int
    belief: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether the passages answer.

    Attributes:
        probability: How likely they do, in (0, 1).
        least: What it takes to answer.
        words: Of each passage that was read.
    """

    probability: float
    least: float
    words: tuple[Words, ...]


def judge(
    question: str, places: Sequence[Place], results: Sequence[SearchResult], embedder: Embedder
) -> Judgement | None:
    """Return whether the passages answer.

    Args:
        question: As searched.
        places: The best sentence of each passage, best first; at least one.
        results: All passages that were found.
        embedder: Of the index; where it is the one whose vectors the weights are for, what they
            say counts too.

    Returns:
        None where it cannot be told: in another script than the reader knows, for a row of a
        table, as the reader knows prose alone, and where there are no words.
    """
    reader, model = packaged_reader(), packaged_model()
    best, result = places[0], results[places[0].passage]
    sentence = result.text[best.start - result.start : best.end - result.start]
    if best.is_row or min(known_share(t, reader.languages) for t in (question, sentence)) < 1:
        return None
    read = [place for place in places if not place.is_row][:MAX_READ]
    starts, excerpts = zip(*(_excerpt(results[p.passage], p, reader) for p in read), strict=True)
    text = excerpts[0].text
    asked = Asked.of(question, results)
    lacking = share_lacking(asked, text)
    if lacking is None:
        return None
    readings = reader.read(question, excerpts)
    line, features = model.by_reading, reader_features(readings)
    if embedder.fingerprint == model.embedder and isinstance(embedder, TokenEmbedder):
        of_question, of_text = map(embedder.embed_question, (question, text))
        evidence = gather_evidence(asked, of_question, text, of_text)
        line, features = model.with_evidence, np.concatenate([evidence, features])
    words = tuple(
        Words(place.passage, start + reading.start, reading.belief)
        for place, start, reading in zip(read, starts, readings, strict=True)
    )
    return Judgement(line.probability(features, lacking), line.least, words)


def what_it_is_about(result: SearchResult) -> str:
    """Return what a passage is about besides its text: its file's name, sheet and headings."""
    return SEPARATOR.join(_names(result))


def _names(result: SearchResult) -> list[str]:
    return [name_words(result.filename), result.sheet or "", *result.heading_path]


def _excerpt(result: SearchResult, place: Place, reader: AnswerReader) -> tuple[int, Excerpt]:
    """Return what is read of a passage, and where it begins in the document's text."""
    start, end = place.start - result.start, place.end - result.start
    start, end = _around(result.text, start, end, reader)
    context = " ".join(filter(None, _names(result)))
    return result.start + start, Excerpt(result.text[start:end], context)


def _around(text: str, start: int, end: int, reader: AnswerReader) -> tuple[int, int]:
    """Return the characters of whole sentences around start..end, the nearest first, that fit."""
    low = max(0, end - MAX_CHARACTERS)
    pieces = low + reader.piece_starts(text[low : start + MAX_CHARACTERS])
    first, last = start, end
    spans = sorted(sentence_spans(text), key=lambda span: max(start - span[1], span[0] - end))
    for span in spans:
        a, b = min(first, span[0]), max(last, span[1])
        if b - a > MAX_CHARACTERS or np.diff(np.searchsorted(pieces, [a, b]))[0] > MAX_PASSAGE:
            break
        first, last = a, b
    return first, last
