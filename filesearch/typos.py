"""Typos: a word of a question that nobody writes, one slip from a word of the passages.

question, passages -> the question as it was meant. Search finds passages by the other words and by
meaning; whether a sentence answers is told by words, and "probaation" is in none. English only:
what tells a slip from a rare word is the reader's word table, which is English.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import regex

from filesearch.answer_reader import packaged_reader
from filesearch.patterns import lazy_pattern
from filesearch.stop_words import language_of
from filesearch.terms import extract_terms

# Of shorter words too many are one slip from another.
_WORD = lazy_pattern(r"(?<![\p{L}\p{N}_])[a-z]{5,}(?![\p{L}\p{N}_])", regex.IGNORECASE)


def mend_typos(question: str, passages: Sequence[str]) -> str:
    """Return `question` with words that are a slip put right.

    A slip is a letter too many, too few or wrong, or two in the wrong order, behind the first one,
    of a word of at least five letters that neither the passages nor the word table hold. It becomes
    the word of the passages that it is one slip from, the most frequent if there are several. What
    is written as a name, behind the first word, stays: Jansen is not Jensen.

    Args:
        question: As searched for.
        passages: What was found for it, best first; their language counts where the question's own
            words do not tell theirs.
    """
    if not passages or language_of(question, language_of(passages[0])) != "en":
        return question
    counts: Counter[str] = Counter()
    for passage in passages:
        counts.update(word.group().lower() for word in _WORD.finditer(passage))
    terms = {term for word in counts for term in extract_terms(word)}
    reader = packaged_reader()

    def meant(word: regex.Match[str]) -> str:
        typed = word.group()
        is_name = word.start() > 0 and typed[0].isupper() and not question.isupper()
        if is_name or reader.has_word(typed) or not terms.isdisjoint(extract_terms(typed)):
            return typed
        return max(_one_slip_from(typed.lower(), counts), key=counts.__getitem__, default=typed)

    return _WORD.sub(meant, question)


def _one_slip_from(typed: str, words: Collection[str]) -> list[str]:
    return [
        word
        for word in words
        if word[0] == typed[0] and abs(len(word) - len(typed)) <= 1 and is_one_slip(typed, word)
    ]


def is_one_slip(typed: str, word: str) -> bool:
    """Return whether one change of a letter, or of the order of two, makes `word` of `typed`."""
    at = next(
        (i for i, (a, b) in enumerate(zip(typed, word, strict=False)) if a != b),
        min(len(typed), len(word)),
    )
    ours, theirs = typed[at:], word[at:]
    if len(ours) != len(theirs):
        return ours[1:] == theirs or ours == theirs[1:]
    return ours[1:] == theirs[1:] or (ours[1::-1] + ours[2:]) == theirs
