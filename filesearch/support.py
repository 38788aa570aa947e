"""Support: does a passage say what a sentence says?

(sentence, passage) -> Support, after an answer is written: for every cited sentence how far its
passage carries it, the quote that does so best, and what the passage does not hold.

What speaks for it: the sentence's words stand in one sentence of the passage, or in two that
adjoin, and both mean about the same to the embedder where it knows the language. What speaks
against it, each alone enough: a number or name that the passage lacks (`figures`, `names`), one
that stands where the quote has another (`evidence`), a negation or a direction that differs
(`denial`).
A sentence that stands in the passage word for word is supported without further ado.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import regex

from filesearch.claims import LEADING_MARK, states_fact
from filesearch.denial import is_negated_otherwise, stands_negated
from filesearch.evidence import has_other_rank, replaced_words, strange_names
from filesearch.figure_match import has_rival, is_held, says_days
from filesearch.figures import Figure, figures_of
from filesearch.languages import known_share
from filesearch.names import PassageNames, has_other_person, names_in
from filesearch.opposites import is_opposite
from filesearch.patterns import lazy_pattern
from filesearch.protocols import Embedder
from filesearch.sentences import sentence_spans
from filesearch.stop_words import language_of
from filesearch.terms import extract_terms
from filesearch.wording import CHINESE_FUNCTION, HAN, has_han, is_function_word, words_of

__all__ = ["MIN_SUPPORT", "Support", "check_support", "check_supports", "states_fact"]

MIN_SUPPORT = 0.40
"""Least score of a supported sentence; scripts/check_support.py prints what it flags."""
# Of a sentence with something against it: what is left of its score lies below MIN_SUPPORT.
_AGAINST = 0.5 * MIN_SUPPORT

# The same of a sentence with a name that may have nothing to do with the quote.
_DOUBT = 0.7

WEIGHT_QUOTE = 0.7
"""Of the words that the quote holds; the rest is for those that the passage holds. With an embedder
half of the whole is the cosine similarity, as in `answer`."""
# Without an embedder the share of words is raised by this power, or a paraphrase would fall under
# the same threshold that holds with one.
_ALONE = 0.8
# Sentences of a passage that are embedded, the best by words.
_MAX_EMBEDDED = 4
# Two sentences are quoted where the second holds at least this share of the words besides, and so
# many of them.
_MIN_GAIN = 0.2
_MIN_GAINED_WORDS = 2
# A sentence this near to the best one by words is the quote if it holds more of the numbers.
_NEAR_BEST = 0.15

# Words that a clause shares with a sentence and the clause with its number does not.
_MIN_OTHER_WORDS = 2
_CLAUSE_END = lazy_pattern(r"[，；;]|,\s")
# "With 14 points in round one, the blue team ..." is one clause.
_LEADS_IN = lazy_pattern(
    r"(?:^|[;；]\s*)(?:with|after|for|at|in|of|from|by|on|despite|mit|nach|bei|avec|après|con)\s"
    r"[^,，；;]*\K,\s",
    regex.IGNORECASE,
)
_EMPHASIS = lazy_pattern(r"\*\*|__|`")
_EDGE = " \t\n\"'“”‘’「」.,;:!。，；：！"
_HAN_RUN = lazy_pattern(rf"[{HAN}]+")


@dataclass(frozen=True, slots=True)
class Support:
    """What a passage has to say of a sentence.

    Attributes:
        score: In [0, 1]: how far the passage supports the sentence.
        is_supported: Whether `score` is at least `MIN_SUPPORT`.
        start, end: Character positions in the passage's text of the quote that supports best: one
            sentence or two that adjoin, without list marks; not blank unless the passage is.
        missing: Numbers and names of the sentence that the passage does not hold, as written.
    """

    score: float
    is_supported: bool
    start: int
    end: int
    missing: tuple[str, ...] = ()


def check_support(sentence: str, passage: str, *, embedder: Embedder | None = None) -> Support:
    """Return how far `passage` supports `sentence`; see `check_supports`."""
    return check_supports([(sentence, passage)], embedder=embedder)[0]


def check_supports(
    pairs: Sequence[tuple[str, str]], *, embedder: Embedder | None = None
) -> list[Support]:
    """Return how far each passage supports its sentence, in the order given.

    Args:
        pairs: (sentence, passage); the sentence without citation markers. A blank sentence or
            passage gives a score of 0.
        embedder: Compares meanings, in one call for all pairs; None goes by words alone.
    """
    keys = [(passage, language_of(sentence, language_of(passage))) for sentence, passage in pairs]
    passages = {key: _Passage(*key) for key in dict.fromkeys(keys)}
    checks = [
        _Check(sentence, passages[key]) for (sentence, _), key in zip(pairs, keys, strict=True)
    ]
    if embedder is not None:
        _compare(checks, embedder)
    return [check.conclude() for check in checks]


def _compare(checks: Sequence[_Check], embedder: Embedder) -> None:
    """Set the cosine similarities of the checks that need any."""
    wanted = [check for check in checks if check.candidates]
    texts = dict.fromkeys(text for check in wanted for text in check.texts_to_compare())
    if not texts:
        return
    vectors = dict(zip(texts, embedder.embed_texts(list(texts)), strict=True))
    for check in wanted:
        ours, *theirs = (vectors[text] for text in check.texts_to_compare())
        check.known_share = known_share(check.sentence, embedder.languages)
        check.cosines = [float(np.clip(ours @ other, 0, 1)) for other in theirs]


@dataclass(frozen=True, slots=True)
class _Quote:
    """A stretch of a passage that may support, and what it holds."""

    start: int
    end: int
    text: str
    words: frozenset[str]
    figures: tuple[Figure, ...]


class _Passage:
    """A passage as every sentence in `language` that cites it is held against it."""

    def __init__(self, text: str, language: str) -> None:
        self.text = text
        self.language = language_of(text, language)
        # A table or form may have no word that tells its language, or only some of a name.
        languages = tuple(dict.fromkeys((self.language, language)))
        self.quotes = [
            _read_quote(text, start, end, languages) for start, end in sentence_spans(text)
        ]
        self.words = frozenset(word for quote in self.quotes for word in quote.words)
        self.figures = _figures_in(text, languages)
        self.names = PassageNames(text)
        # In lower case with single spaces, and where each of its characters stands in the text.
        self._places = [
            i for i, c in enumerate(text) if not c.isspace() or (i and not text[i - 1].isspace())
        ]
        self._plain = "".join(" " if text[i].isspace() else _lower(text[i]) for i in self._places)

    def adjoin(self, first: int) -> bool:
        """Whether the sentence `first` and the next stand together, without a blank line."""
        if not 0 <= first < len(self.quotes) - 1:
            return False
        gap = self.text[self.quotes[first].end : self.quotes[first + 1].start]
        return gap.count("\n") < 2

    def join(self, first: int) -> _Quote:
        """Return the quote of two sentences, `first` and the next."""
        a, b = self.quotes[first], self.quotes[first + 1]
        return _Quote(
            a.start, b.end, self.text[a.start : b.end], a.words | b.words, a.figures + b.figures
        )

    def find(self, sentence: str) -> tuple[int, int] | None:
        """Return where the words of `sentence` stand one after the other; None where nowhere."""
        wanted = " ".join(_lower(sentence.strip(_EDGE)).split())
        start = self._plain.find(wanted) if wanted else -1
        while start >= 0:
            end = start + len(wanted)
            if not (_goes_on(self._plain, start) or _goes_on(self._plain, end)):
                place = self._places[start], self._places[end - 1] + 1
                if not stands_negated(self.text, *place, self.language):
                    return place
            start = self._plain.find(wanted, start + 1)
        return None


def _lower(text: str) -> str:
    """Return `text` in lower case, each character in its place."""
    return "".join(lower if len(lower := c.lower()) == 1 else c for c in text)


def _goes_on(text: str, position: int) -> bool:
    """Whether a word runs across `position`; Chinese words are not told apart."""
    around = text[position - 1 : position + 1] if position else ""
    return len(around) == 2 and around.isalnum() and not has_han(around)


def _figures_in(text: str, languages: Sequence[str]) -> list[Figure]:
    """Return the numbers of `text` in reading order, each as the first language reads that can."""
    found: list[Figure] = []
    for language in languages:
        taken = {place for figure in found for place in range(figure.start, figure.end)}
        found += [
            figure
            for figure in figures_of(text, language=language)
            if taken.isdisjoint(range(figure.start, figure.end))
        ]
    return sorted(found, key=lambda figure: figure.start)


def _read_quote(text: str, start: int, end: int, languages: Sequence[str]) -> _Quote:
    mark = LEADING_MARK.match(text, start, end)
    if mark and mark.end() < end:
        start = mark.end()
    quote = text[start:end]
    figures = tuple(_figures_in(quote, languages))
    return _Quote(start, end, quote, frozenset(_words(quote, figures, languages[0])), figures)


def _words(text: str, figures: Sequence[Figure], language: str) -> set[str]:
    """Return the content words of `text`, stemmed, without numbers and their units."""
    for figure in figures:
        text = text[: figure.start] + " " * (figure.past - figure.start) + text[figure.past :]
    found = set()
    for word in words_of(text):
        if word.kind == "han" or (word.kind == "quoted" and has_han(word.text)):
            for run in _HAN_RUN.findall(CHINESE_FUNCTION.sub(" ", word.text)):
                found.update(extract_terms(run))
                found.update(run)
        elif word.kind == "quoted":
            inner = (part.strip(_EDGE).casefold() for part in word.text.split())
            found.update(
                t for w in inner if not is_function_word(w, language) for t in extract_terms(w)
            )
        elif word.kind == "word" and (
            not is_function_word(word.lower, language)
            or (word.text.isupper() and len(word.text) > 1)
        ):
            found.update(extract_terms(word.text))
    return found


class _Check:
    """One sentence held against one passage."""

    def __init__(self, sentence: str, passage: _Passage) -> None:
        mark = LEADING_MARK.match(sentence)
        self.sentence = _EMPHASIS.sub("", sentence[mark.end() if mark else 0 :]).strip()
        self.passage = passage
        self.verbatim = passage.find(self.sentence)
        self.known_share = 0.0
        self.cosines: list[float] = []
        self.candidates: list[_Quote] = []
        if self.verbatim is None and self.sentence and passage.quotes:
            self._read()

    def _read(self) -> None:
        self.language = language_of(self.sentence, self.passage.language)
        self.figures = figures_of(self.sentence, language=self.language)
        self.words = _words(self.sentence, self.figures, self.language)
        self.candidates = sorted(
            self.passage.quotes, key=lambda quote: (-self._merit(quote), quote.start)
        )[:_MAX_EMBEDDED]

    def texts_to_compare(self) -> list[str]:
        return [self.sentence, *(quote.text for quote in self.candidates)]

    def _coverage(self, words: frozenset[str], figures: Sequence[Figure]) -> float:
        """Return the share of words and numbers that are among these."""
        total = len(self.words) + len(self.figures)
        held = len(self.words & words) + sum(is_held(f, figures) for f in self.figures)
        return held / total if total else 0.0

    def _merit(self, quote: _Quote) -> float:
        """By words; by numbers where words do not decide."""
        if not self.words:
            return self._coverage(quote.words, quote.figures)
        figures = self._coverage(frozenset(), quote.figures)
        return len(self.words & quote.words) / len(self.words) + _NEAR_BEST * figures

    def conclude(self) -> Support:
        if self.verbatim is not None:
            return Support(1.0, True, *self.verbatim)
        if not self.candidates:
            start, end = (
                (q.start, q.end) if (q := next(iter(self.passage.quotes), None)) else (0, 0)
            )
            return Support(0.0, False, start, end)
        cosines = self.cosines or [0.0] * len(self.candidates)
        half = self.known_share / 2 if self.cosines else 0.0
        merits = [
            (1 - half) * self._merit(quote) + half * cosine
            for quote, cosine in zip(self.candidates, cosines, strict=True)
        ]
        best = int(np.argmax(merits))
        single = self.candidates[best]
        quote = self._widen(single)
        lexical = WEIGHT_QUOTE * self._coverage(quote.words, quote.figures)
        lexical += (1 - WEIGHT_QUOTE) * self._coverage(self.passage.words, self.passage.figures)
        lexical **= _ALONE + (1 - _ALONE) * 2 * half
        score = (1 - half) * lexical + half * cosines[best]
        missing = self._missing(quote)
        if missing or self._is_contradicted(single, quote):
            score *= _AGAINST
        elif strange_names(self.sentence, quote.text, self.passage.names, self.language):
            score *= _DOUBT
        score = float(np.clip(score, 0, 1))
        return Support(score, score >= MIN_SUPPORT, quote.start, quote.end, tuple(missing))

    def _widen(self, single: _Quote) -> _Quote:
        """Return the quote with the sentence before or after it, where that adds much."""
        i = self.passage.quotes.index(single)
        pairs = [self.passage.join(k) for k in (i - 1, i) if self.passage.adjoin(k)]
        best = max(pairs, key=lambda quote: len(self.words & quote.words), default=single)
        gain = len(self.words & best.words) - len(self.words & single.words)
        return best if gain >= max(_MIN_GAIN * len(self.words), _MIN_GAINED_WORDS) else single

    def _missing(self, quote: _Quote) -> list[str]:
        found = [
            (figure.start, figure.text)
            for figure in self.figures
            if self._is_wanted(figure, quote) and not is_held(figure, self.passage.figures)
        ]
        inside = [range(figure.start, figure.end) for figure in self.figures]
        found += [
            (name.start, name.text)
            for name in names_in(self.sentence, self.language)
            if not any(name.start in r and name.end <= r.stop for r in inside)
            and not self.passage.names.hold(name.text)
        ]
        return list(dict.fromkeys(text for _, text in sorted(found)))

    def _is_wanted(self, figure: Figure, quote: _Quote) -> bool:
        """Whether it speaks against a sentence that a quote lacks this number of it."""
        if figure.unit == "weekday" and (says_days(self.sentence) or says_days(quote.text)):
            return False
        return not figure.is_weak

    def _is_contradicted(self, single: _Quote, quote: _Quote) -> bool:
        return (
            any(
                has_rival(f, self.figures, quote.figures)
                for f in self.figures
                if self._is_wanted(f, quote)
            )
            or bool(self._replaced(single))
            or is_negated_otherwise(self.sentence, quote.text, self.language)
            or is_opposite(self.sentence, quote.text, self.language)
            or has_other_rank(self.sentence, quote.text, self.language)
            or has_other_person(self.sentence, quote.text, self.passage.text)
            or self._is_said_of_another(single)
        )

    def _replaced(self, single: _Quote) -> set[str]:
        """Return names and numbers where the quote has others in their place.

        Not ranges of days, which may be listed there.
        """
        found = replaced_words(self.sentence, single.text, self.passage.text, self.language)
        ranges = (f for f in self.figures if f.unit == "weekday" and int(f.value).bit_count() > 1)
        return set(found).difference(f.text for f in ranges if is_held(f, single.figures))

    def _is_said_of_another(self, single: _Quote) -> bool:
        """Whether a number of the sentence belongs to another clause than its words do.

        "Autumn tea costs 680" where the quote says "spring tea costs 680, autumn tea costs 260".
        """
        clauses = [
            (_words(text, figures, self.language), figures)
            for text in _CLAUSE_END.split(_LEADS_IN.sub(" ", single.text))
            for figures in [figures_of(text, language=self.language)]
        ]
        for figure in self.figures:
            holding = [words for words, figures in clauses if is_held(figure, figures)]
            # A year, or a number alone between commas, may belong to all that follows.
            is_loose = figure.unit == "calendar" or any(
                len(words) < _MIN_OTHER_WORDS for words in holding
            )
            if figure.is_weak or is_loose or len(holding) != 1:
                continue
            ours = self.words & holding[0]
            for words, figures in clauses:
                theirs = self.words & words
                is_about = len(theirs - ours) >= _MIN_OTHER_WORDS and not ours - theirs
                if is_about and has_rival(figure, self.figures, figures):
                    return True
        return False
