"""Examples: questions and passages as word pieces, with where the answer is.

Read from a set like squad20_dev (corpus.jsonl, queries.jsonl, answers.jsonl), or made up.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from filesearch.sentences import sentence_spans
from reader_training.questions import (
    Words,
    change_question,
    make_questions,
    split_question,
)
from reader_training.texts import Passage, read_lines

Pieces = npt.NDArray[np.uint16]
MAX_QUESTION, MAX_CONTEXT, MAX_PASSAGE = 48, 16, 254
FOLDS = 5
# How often a made-up question is given the title of its document.
SHARE_TITLED = 0.5


class Example(NamedTuple):
    """What the model reads, and what it should find.

    Attributes:
        question, context, passage: Word pieces, without marks between; no context is empty.
        start, end: First and last piece of the answer in the passage; -1 for none.
    """

    question: Pieces
    context: Pieces
    passage: Pieces
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of a set.

    Attributes:
        question_id: As in the set.
        example: With the paragraph that it was written about.
        article: That this is part of.
        changed: The question with a word exchanged, which has no answer.
        retrieved: (context, passage, holds an answer) of what was found, best first, and whether
            it is the question's own paragraph.
    """

    question_id: str
    example: Example
    article: str
    changed: tuple[Pieces, ...]
    retrieved: tuple[tuple[Pieces, Pieces, bool, bool], ...]


def key_of(question_id: str) -> np.uint64:
    """Return what stands for a question where nothing of its set may: from its id's SHA-256."""
    return np.uint64(int.from_bytes(hashlib.sha256(question_id.encode()).digest()[:8], "big"))


_shared: tuple[Tokenizer, Sequence[Passage], Words] | None = None


def pieces_of(tokenizer: Tokenizer, text: str, most: int) -> Pieces:
    """Return the first word pieces of a text."""
    return np.array(tokenizer.encode(text, add_special_tokens=False).ids[:most], dtype=np.uint16)


def locate(offsets: Sequence[tuple[int, int]], start: int, end: int) -> tuple[int, int] | None:
    """Return the first and last piece of the characters start..end; None if they are cut off."""
    first = next((i for i, (_, b) in enumerate(offsets) if b > start), None)
    last = next((i for i, (_, b) in enumerate(offsets) if b >= end), None)
    return None if first is None or last is None else (first, last)


def make_examples(
    tokenizer: Tokenizer, passages: Sequence[Passage], words: Words, rounds: int, processes: int
) -> list[Example]:
    """Return made-up examples: `rounds` times some for each sentence of each passage."""
    global _shared
    _shared = (tokenizer, passages, words)
    jobs = [(number, seed) for seed in range(rounds) for number in range(len(passages))]
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        made = pool.map(_make, jobs, chunksize=500)
        bodies = pool.map(_passage_pieces, range(len(passages)), chunksize=200)
    rng = random.Random(2)
    nothing = np.zeros(0, np.uint16)
    return [
        Example(
            question, bodies[i][0] if rng.random() < SHARE_TITLED else nothing, bodies[i][1], s, e
        )
        for found in made
        for question, i, s, e in found
    ]


def _make(job: tuple[int, int]) -> list[tuple[Pieces, int, int, int]]:
    assert _shared is not None
    tokenizer, passages, words = _shared
    number, seed = job
    offsets = tokenizer.encode(passages[number].text, add_special_tokens=False).offsets
    found = []
    for made in make_questions(number, passages, words, seed):
        span: tuple[int, int] | None = (-1, -1)
        if made.start >= 0:
            span = locate(offsets[:MAX_PASSAGE], made.start, made.end)
        if span is not None:
            question = pieces_of(tokenizer, made.question, MAX_QUESTION)
            found.append((question, made.passage, *span))
    return found


def _passage_pieces(number: int) -> tuple[Pieces, Pieces]:
    assert _shared is not None
    tokenizer, passages, _ = _shared
    title = pieces_of(tokenizer, passages[number].title, MAX_CONTEXT)
    return title, pieces_of(tokenizer, passages[number].text, MAX_PASSAGE)


def read_set(
    folder: Path, retrieved: dict[str, list[str]], tokenizer: Tokenizer, words: Words | None
) -> list[Asked]:
    """Return the questions of a set whose answers lie in what the model reads.

    Args:
        folder: With corpus.jsonl, queries.jsonl and answers.jsonl.
        retrieved: Query id -> ids of the paragraphs found, best first.
        tokenizer: The embedder's.
        words: To change questions with; None for no changed ones.
    """
    rng = random.Random(3)
    corpus = {line["_id"]: line for line in read_lines(folder / "corpus.jsonl")}
    texts = {line["_id"]: line["text"] for line in read_lines(folder / "queries.jsonl")}
    encoded = {
        name: tokenizer.encode(line["text"], add_special_tokens=False)
        for name, line in corpus.items()
    }
    bodies = {name: np.array(e.ids[:MAX_PASSAGE], np.uint16) for name, e in encoded.items()}
    titles = {
        name: pieces_of(tokenizer, line.get("title") or "", MAX_CONTEXT)
        for name, line in corpus.items()
    }
    asked = []
    for line in read_lines(folder / "answers.jsonl"):
        own, text = line["corpus_id"], texts[line["query_id"]]
        span: tuple[int, int] | None = (-1, -1)
        changed: list[Pieces] = []
        if not line["is_impossible"]:
            [((answer, start), _)] = Counter(
                zip(line["answers"], line["answer_starts"], strict=True)
            ).most_common(1)
            span = locate(encoded[own].offsets[:MAX_PASSAGE], start, start + len(answer))
            if words is not None:
                passage = corpus[own]["text"]
                sentence = next(
                    (passage[a:b] for a, b in sentence_spans(passage) if a <= start < b), ""
                )
                for _ in range(3):
                    other = change_question(split_question(text), passage, sentence, words, rng)
                    if other:
                        changed.append(pieces_of(tokenizer, " ".join(other), MAX_QUESTION))
        if span is None:
            continue
        answers = [a.lower() for a in line["answers"]]
        found = tuple(
            (titles[n], bodies[n], any(a in corpus[n]["text"].lower() for a in answers), n == own)
            for n in retrieved.get(line["query_id"], [])
        )
        question = pieces_of(tokenizer, text, MAX_QUESTION)
        example = Example(question, titles[own], bodies[own], *span)
        asked.append(Asked(line["query_id"], example, own.rsplit("#", 1)[0], tuple(changed), found))
    return asked


def folds_of(asked: Sequence[Asked]) -> npt.NDArray[np.int64]:
    """Return the fold of each question: all of an article are in one."""
    names = sorted({a.article for a in asked})
    random.Random(0).shuffle(names)
    fold = {name: number % FOLDS for number, name in enumerate(names)}
    return np.array([fold[a.article] for a in asked])


def training_examples(
    asked: Sequence[Asked], rng: random.Random, share_elsewhere: float, share_changed: float
) -> list[Example]:
    """Return the examples of an epoch.

    Args:
        asked: Questions to learn from.
        rng: For what is drawn.
        share_elsewhere: How many are also asked of a passage that was found and does not answer.
        share_changed: How many changed questions are among them, of those there are.
    """
    nothing = np.zeros(0, np.uint16)
    found = []
    for one in asked:
        title = rng.random() < SHARE_TITLED
        example = one.example if title else one.example._replace(context=nothing)
        found.append(example)
        others = [r for r in one.retrieved if not r[2] and not r[3]]
        if others and rng.random() < share_elsewhere:
            context, passage, *_ = others[min(int(rng.expovariate(0.7)), len(others) - 1)]
            found.append(Example(example.question, context if title else nothing, passage, -1, -1))
        found += [
            example._replace(question=question, start=-1, end=-1)
            for question in one.changed
            if rng.random() < share_changed
        ]
    return found
