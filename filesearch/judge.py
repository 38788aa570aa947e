"""Judge: do the passages that were found answer the question, or do they only seem to?

question + best places -> the text around each -> read (`answer_reader`), weighed (`answerable`)
-> a probability, and the least that it takes to answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from filesearch.answer_reader import Excerpt, packaged_reader
from filesearch.answerable import (
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
# What is read of a passage: about what the reader and the embedder read at once.
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
class Judgement:
    """Whether the passages answer.

    Attributes:
        probability: How likely they do, in (0, 1).
        least: What it takes to answer.
    """

    probability: float
    least: float


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
        None where it cannot be told: in another language than the reader knows, for a row of a
        table, as the reader knows prose alone, and where there are no words.
    """
    reader, model = packaged_reader(), packaged_model()
    best, result = places[0], results[places[0].passage]
    sentence = result.text[best.start - result.start : best.end - result.start]
    if best.is_row or min(known_share(t, reader.languages) for t in (question, sentence)) < 1:
        return None
    excerpts = [_excerpt(results[place.passage], place) for place in places[:MAX_READ]]
    text = excerpts[0].text
    lacking = share_lacking(question, text, results)
    if lacking is None:
        return None
    line, features = model.by_reading, reader_features(reader.read(question, excerpts))
    if embedder.fingerprint == model.embedder and isinstance(embedder, TokenEmbedder):
        asked, said = embedder.embed_question(question), embedder.embed_question(text)
        evidence = gather_evidence(question, asked, text, said, results, result.score)
        line, features = model.with_evidence, np.concatenate([evidence, features])
    return Judgement(line.probability(features, lacking), line.least)


def what_it_is_about(result: SearchResult) -> str:
    """Return what a passage is about besides its text: its file's name, sheet and headings."""
    return SEPARATOR.join([name_words(result.filename), result.sheet or "", *result.heading_path])


def _excerpt(result: SearchResult, place: Place) -> Excerpt:
    start, end = place.start - result.start, place.end - result.start
    parts = [name_words(result.filename), result.sheet or "", *result.heading_path]
    return Excerpt(_text_around(result.text, start, end), " ".join(filter(None, parts)))


def _text_around(text: str, start: int, end: int) -> str:
    """Return whole sentences around start..end, the nearest first, while they fit."""
    first, last = start, end
    spans = sorted(sentence_spans(text), key=lambda span: max(start - span[1], span[0] - end))
    for span in spans:
        if max(last, span[1]) - min(first, span[0]) > MAX_CHARACTERS:
            break
        first, last = min(first, span[0]), max(last, span[1])
    return text[first:last]
