"""Questions: a passage -> made-up questions that it answers, and some that it does not.

A sentence has a figure, a name or a thing taken out, a question word put in its place or in front,
and words replaced by synonyms or left out. For a question without an answer one word more is
exchanged for one of the same kind that means something else: a name of elsewhere in the passage,
an opposite, a neighbour in meaning; or a negation is put in or taken out, or the question is asked
of another passage. Both kinds pass through the same changes otherwise, so that only the meaning
tells them apart.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filesearch.wording import FUNCTION_WORDS
from reader_training.texts import Passage
from reader_training.wordnet import Relations

_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
)
_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*|\d[\d,.]*\d|\d")
_TOKEN = re.compile(rf"{_WORD.pattern}|[^\w\s]")
_DATE = re.compile(
    rf"{_MONTH} \d{{1,2}}, \d{{4}}|{_MONTH} \d{{4}}|\b\d{{1,2}} {_MONTH} \d{{4}}|\b(?:1\d|20)\d\d\b"
)
_NUMBER = re.compile(r"[$€£]?\b\d(?:[\d,.]*\d)?\b(?:\s?(?:%|percent|million|billion|thousand))?")
_NAME = re.compile(r"\b[A-Z][\w'’.-]*\w(?: (?:of|the|de|and) [A-Z][\w'’.-]*\w| [A-Z][\w'’.-]*\w)*")
_THING = re.compile(
    r"\b(?:the|an?|its|their|his|her|these|some|many|most|both|several|two|three|four|five)"
    r" (?:[a-z][\w-]* ){0,3}[a-z][\w-]*\b"
)
_CLAUSE = re.compile(r"[,;:()—–]| - ")
_IN_PLACE = ("in", "at", "from", "near")
_LEADS = ("in", "at", "on", "by", "the", "a", "an")
_AUXILIARIES = ("did", "was", "is", "were", "does", "are")
_NEGATIONS = ("not", "never")
_QUESTION_WORDS = {"date": ("when", "what year", "in what year"), "name": ("who", "what", "which")}
# Cosine in the embedder's word table above which two words are of one kind.
MIN_SISTER, MIN_NEIGHBOUR, NEIGHBOURS = 0.2, 0.35, 8
MAX_A_SENTENCE, MAX_WORDS = 3, (6, 14)
SHARE_ANSWERED, SHARE_CHANGED = 0.5, 0.42  # the rest is asked of another passage


@dataclass(frozen=True, slots=True)
class Made:
    """A question about a passage.

    Attributes:
        question: Words.
        passage: Number of the passage that it is asked of.
        start, end: Characters of the answer there; -1 for none.
    """

    question: str
    passage: int
    start: int
    end: int


@dataclass
class Words:
    """What is known about words: relations, and neighbours in the embedder's word table."""

    relations: Relations
    neighbours: dict[str, list[str]]
    vectors: dict[str, npt.NDArray[np.float32]]

    def synonym(self, word: str, rng: random.Random) -> str | None:
        """Return a word that may stand for `word`."""
        return self.relations.synonym(word, rng)

    def contrast(self, word: str, rng: random.Random) -> str | None:
        """Return a word of the same kind that means something else."""
        if rng.random() < 0.35:
            near = [w for w in self.neighbours.get(word.lower(), []) if not self._is_near(word, w)]
            if near:
                return rng.choice(near)
        for _ in range(4):
            found = self.relations.contrast(word, rng)
            if found is None:
                break
            one, two = self.vectors.get(word.lower()), self.vectors.get(found)
            if one is None or two is None or one @ two > MIN_SISTER:
                return found
        return None

    def _is_near(self, word: str, other: str) -> bool:
        return self.relations.is_near(word, other)


def make_words(
    relations: Relations, vocabulary: dict[str, int], table: npt.NDArray[np.float32]
) -> Words:
    """Return what is known about the words of a vocabulary.

    Args:
        relations: Of WordNet.
        vocabulary: Word piece -> row of `table`.
        table: float32 (n, dimension).
    """
    words = [w for w in vocabulary if re.fullmatch("[a-z]{3,}", w) and w not in FUNCTION_WORDS]
    rows = table[[vocabulary[w] for w in words]]
    rows = rows - rows.mean(axis=0)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    neighbours = {}
    for at in range(0, len(words), 2000):
        near = rows[at : at + 2000] @ rows.T
        for row, cosines in enumerate(near):
            order = np.argpartition(-cosines, NEIGHBOURS + 6)[: NEIGHBOURS + 6]
            neighbours[words[at + row]] = [
                words[i]
                for i in order[np.argsort(-cosines[order])]
                if i != at + row
                and cosines[i] > MIN_NEIGHBOUR
                and _stem(words[i]) != _stem(words[at + row])
            ][:NEIGHBOURS]
    return Words(relations, neighbours, dict(zip(words, rows, strict=True)))


def make_questions(number: int, passages: Sequence[Passage], words: Words, seed: int) -> list[Made]:
    """Return questions about the passage with this number, or of its facts asked of another."""
    rng = random.Random(seed * 1_000_003 + number)
    passage, found = passages[number], []
    near = _other_passage(number, passages, rng)
    for start, end in passage.sentences:
        sentence = passage.text[start:end]
        facts = _facts(sentence)
        rng.shuffle(facts)
        for a, b, kind in facts[:MAX_A_SENTENCE]:
            asked = _ask(sentence, a, b, kind, rng)
            if asked is None:
                continue
            asked = _reword(asked, words, rng)
            chance = rng.random()
            if chance < SHARE_ANSWERED:
                found.append(Made(" ".join(asked), number, start + a, start + b))
            elif chance < SHARE_ANSWERED + SHARE_CHANGED:
                changed = change_question(asked, passage.text, sentence, words, rng)
                if changed:
                    found.append(Made(" ".join(changed), number, -1, -1))
            else:
                found.append(Made(" ".join(asked), near, -1, -1))
    return found


def change_question(
    asked: Sequence[str], passage: str, sentence: str, words: Words, rng: random.Random
) -> list[str] | None:
    """Return the question with one word exchanged so that the passage does not answer it.

    None where no word can be.
    """
    asked = list(asked)
    said = {_stem(w) for w in _WORD.findall(sentence)}
    content = [i for i, w in enumerate(asked) if _is_content(w)]
    rng.shuffle(content)
    chance = rng.random()
    if chance < 0.35 and content:
        i = next((i for i in content if not asked[i].islower()), content[0])
        word = asked[i]
        others = [
            w
            for w in _WORD.findall(passage)
            if _stem(w) not in said
            and _is_content(w)
            and len(w) > 2
            and (w[0].isupper(), w[0].isdigit()) == (word[0].isupper(), word[0].isdigit())
            and not words.relations.is_near(word, w)
        ]
        if others:
            asked[i] = rng.choice(others)
            return asked
        if word[0].isdigit():
            asked[i] = str(int(re.sub(r"\D", "", word)) + rng.randint(1, 40))
            return asked
    if chance < 0.9:
        for i in content:
            other = words.contrast(asked[i], rng)
            if other and _stem(other) not in said:
                asked[i] = other
                return asked
        return None
    if any(w.lower() in _NEGATIONS for w in asked):
        return [w for w in asked if w.lower() not in _NEGATIONS]
    asked.insert(rng.randint(1, len(asked)), rng.choice(_NEGATIONS))
    return asked


def split_question(text: str) -> list[str]:
    """Return the words and marks of a question."""
    return _TOKEN.findall(text)


def _stem(word: str) -> str:
    return word.lower()[:5]


def _is_content(word: str) -> bool:
    return word.lower() not in FUNCTION_WORDS and word[0].isalnum()


def _other_passage(number: int, passages: Sequence[Passage], rng: random.Random) -> int:
    beside = [
        i
        for i in (number + 1, number - 1)
        if 0 <= i < len(passages) and passages[i].document == passages[number].document
    ]
    return rng.choice(beside) if beside else rng.randrange(len(passages))


def _facts(sentence: str) -> list[tuple[int, int, str]]:
    """Return characters and kind of what may be asked for."""
    found = [(m.start(), m.end(), "date") for m in _DATE.finditer(sentence)]
    for m in _NUMBER.finditer(sentence):
        if all(b <= m.start() or m.end() <= a for a, b, _ in found):
            found.append((m.start(), m.end(), "number"))
    for m in _NAME.finditer(sentence):
        first = m.group().split()[0]
        start = m.start()
        if start == 0 and first.lower() in FUNCTION_WORDS:
            start += len(first) + 1
        if start < m.end() and (start > 0 or " " in m.group()):
            found.append((start, m.end(), "name"))
    for m in _THING.finditer(sentence):
        parts, keep = m.group().split(), 1
        while keep < len(parts) and parts[keep] not in FUNCTION_WORDS:
            if parts[keep].endswith(("ly", "ed")):
                break
            keep += 1
        if keep > 1:
            found.append((m.start(), m.start() + len(" ".join(parts[:keep])), "thing"))
    return found


def _ask(sentence: str, a: int, b: int, kind: str, rng: random.Random) -> list[str] | None:
    """Return the words of a question for the characters a..b of a sentence."""
    low, high = _clause(sentence, a, b, rng)
    left, right = _WORD.findall(sentence[low:a]), _WORD.findall(sentence[b:high])
    most = rng.randint(*MAX_WORDS)
    while len(left) + len(right) > most:
        (left if len(left) > len(right) else right).pop(0 if len(left) > len(right) else -1)
    if sum(map(_is_content, left + right)) < 3:
        return None
    asking = _question_word(sentence[a:b], kind, left, right, rng)
    if left and left[-1].lower() in _LEADS and rng.random() < 0.6:
        left.pop()
    chance = rng.random()
    if chance < 0.3:
        return left + asking + right
    if rng.random() < 0.4:
        asking = [*asking, rng.choice(_AUXILIARIES)]
    return asking + right + left if chance < 0.5 else asking + left + right


def _clause(sentence: str, a: int, b: int, rng: random.Random) -> tuple[int, int]:
    cuts = [0, len(sentence)]
    for m in _CLAUSE.finditer(sentence):
        cuts += [m.start(), m.end()]
    low, high = max(c for c in cuts if c <= a), min(c for c in cuts if c >= b)
    if len(_WORD.findall(sentence[low:high])) < 5 or rng.random() < 0.3:
        if rng.random() < 0.5:
            low = max((c for c in cuts if c < low), default=0)
        else:
            high = min((c for c in cuts if c > high), default=len(sentence))
    return low, high


def _question_word(
    answer: str, kind: str, left: list[str], right: list[str], rng: random.Random
) -> list[str]:
    if kind == "number":
        if right and _is_content(right[0]) and rng.random() < 0.7:
            return ["how", "many", right.pop(0)]
        return rng.choice((["how", "many"], ["how", "much"], ["what"]))
    if kind == "name" and left and left[-1].lower() in _IN_PLACE and rng.random() < 0.5:
        return ["where"]
    if kind == "thing":
        parts = answer.split()
        if len(parts) > 2 and rng.random() < 0.3:
            return ["what", parts[-1]]
        return rng.choice((["what"], ["what"], ["which"]))
    return rng.choice(_QUESTION_WORDS[kind]).split()


def _reword(asked: Sequence[str], words: Words, rng: random.Random) -> list[str]:
    """Return the question with words left out and synonyms put in."""
    drop, leave, replace = (
        rng.choice((0, 0.2, 0.5)),
        rng.choice((0, 0, 0.1)),
        rng.choice((0, 0.2, 0.4)),
    )
    found = []
    for number, word in enumerate(asked):
        is_content = _is_content(word)
        if number > 2 and rng.random() < (leave if is_content else drop):
            continue
        if is_content and word.islower() and rng.random() < replace:
            word = words.synonym(word, rng) or word
        found.append(word)
    return found
