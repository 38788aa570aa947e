"""Asked names: is a passage about whom and what a question names?

"In London the hotel limit is 190 pounds" has every word of a question about the hotel limit in
Paris but one, and reads like its answer. Only the name tells that it is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import regex

from filesearch.judge import what_it_is_about
from filesearch.names import PassageNames, names_in
from filesearch.patterns import lazy_pattern
from filesearch.sentences import sentence_spans
from filesearch.stop_words import language_of
from filesearch.terms import extract_terms
from filesearch.types import SearchResult
from filesearch.typos import is_one_slip
from filesearch.wording import ASKING, AUXILIARY, words_of

# Forms of one name begin alike: "Aristotle" and "Aristotelian", "Hamburg" and "Hamburger".
_MIN_SHARED = 5
_MAX_ENDING = 2
_ASKS = lazy_pattern(
    rf"\b{ASKING}\b|(?<=[,:;]\s){AUXILIARY}\b"
    r"|\b(?:wer|wen|wem|was|wann|wo|wohin|wie|warum|wieso|wessen|welche[rsmn]?)\b",
    regex.IGNORECASE,
)
# Whoever speaks or writes is seldom named in what they say.
_ASKS_WHAT_IS_SAID = lazy_pattern(
    r"\b(?:according to|laut|selon|según|said|wrote|written|(?:mention|claim|argu|describ|stat|"
    r"suggest|discuss|explain|propos|announc|report|detail)ed)\b"
    r"|\b(?:do|does|did)\b.{1,80}\b(?:say|mention|claim|argue|describe|suggest|propose|write)\b",
    regex.IGNORECASE,
)


def is_about_names(
    question: str, results: Sequence[SearchResult], best: int, sentence: str = ""
) -> bool:
    """Return whether what was found is about the names of a question.

    Each must stand in a passage that was found, its headings or its file's name; the only one in
    the best passage, unless half of all passages hold it: then it is that of the collection. Where
    there are more, two things may be compared, or one may lead to the next: held to its best
    passage alone, 45 of 100 questions of hotpotqa_100 would be declined, not one.

    One that stands nowhere may be the asker's own, of whom documents speak as "we": it counts where
    the best sentence names another in its place, or it is a code.

    Forms and slips of a name do; where the passages are in another language, anything but a code.
    Questions of what somebody says are left out, and titles, whose capitals tell nothing.

    Args:
        question: As searched for. What stands before its last question counts for nothing.
        results: What was read, best first.
        best: Position among them of the passage with the best sentence.
        sentence: That sentence, and the headings above it; empty for the whole passage.
    """
    asked = _asking_part(question)
    is_title = not any(word.text[0].islower() or word.kind == "han" for word in words_of(asked))
    if is_title or _ASKS_WHAT_IS_SAID.search(asked):
        return True
    spoken = language_of(results[best].text)
    language = language_of(asked, spoken) or "en"
    names = [name.text for name in names_in(asked, language)]
    if spoken not in (language, ""):
        names = [name for name in names if _is_code(name)]
    is_alone = len(names_in(question, language)) == 1
    passages = [_Passage(f"{what_it_is_about(result)}. {result.text}") for result in results]
    for name in names:
        held = [passage.holds(name) for passage in passages]
        is_common = 2 * sum(held) >= len(held)
        if is_common or (held[best] if is_alone else any(held)):
            continue
        about = sentence or results[best].text
        if _is_code(name) or any(held) or _names_another(about, question, spoken):
            return False
    return True


def _is_code(name: str) -> bool:
    return any(map(str.isdigit, name))


def _names_another(sentence: str, question: str, language: str) -> bool:
    """Return whether a sentence names somebody or something that the question does not."""
    asked = PassageNames(question)
    return any(not asked.hold(name.text) for name in names_in(sentence, language or "en"))


def _asking_part(question: str) -> str:
    """Return a question without what its asker says of themselves: "I live in Leeds: how long"."""
    sentences = [question[start:end] for start, end in sentence_spans(question)]
    asking = [sentence for sentence in sentences if sentence.endswith(("?", "？"))]
    part = (asking or sentences or [question])[-1]
    opening = _ASKS.search(part)
    return part[opening.start() :] if opening else part


class _Passage:
    """A passage that is asked for names; it is read once for all of them, when it is first asked.

    Args:
        text: What it says, and what it is about.
    """

    def __init__(self, text: str) -> None:
        self._text = text

    def holds(self, name: str) -> bool:
        """Return whether it holds a name in any form, or all but for a slip."""
        return self._names.hold(name) or all(
            any(_is_form(part, term) for term in self._terms) for part in extract_terms(name)
        )

    @cached_property
    def _names(self) -> PassageNames:
        return PassageNames(self._text)

    @cached_property
    def _terms(self) -> frozenset[str]:
        return frozenset(extract_terms(self._text))


def _is_form(asked: str, held: str) -> bool:
    """Return whether two terms may be one name: but for its end, or for a slip."""
    if asked == held:
        return True
    if asked[0] != held[0] or min(len(asked), len(held)) < _MIN_SHARED or not asked.isalpha():
        return False
    shared = max(_MIN_SHARED, len(asked) - _MAX_ENDING)
    return held.startswith(asked[:shared]) or is_one_slip(asked, held)
