"""Repeats: does a text say again what the texts before it said?

texts, one by one -> for each, which earlier text it repeats, or none. Pure.
Versions of one file and boilerplate that several files share differ in a few small words; a form
that was filled in for two years or two firms differs in numbers and names, and is no repeat.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import repeat
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from filesearch.terms import TermSequence, extract_terms, term_spans

MIN_SHARED = 0.9
"""Least share of a text's runs of three terms that earlier texts must hold. The last tenth of a
chunk of 800 tokens is two or three sentences: what brings more than that is worth its place."""
RUN_TERMS = 3

_MIN_SUSPECT = 0.5
"""Share of fingerprints from which on texts are compared term by term. Unrelated passages of one
collection share 0.01 to 0.06 with the 8 to 149 before them (wikitexts and pubmed of the data of
scripts/chunk_recall.py), so that only near repeats cost more than a fingerprint."""

# Passages that come up again, as the popular ones of a server do, are read once: some 10 KB each,
# 18 where they nearly repeat others.
_KEPT_TEXTS = 1024

# Fingerprints are taken of UTF-8 without white space, in ASCII's lower case.
_LOWER = bytes(range(256)).lower()
_BLANKS = bytes(range(ord(" ") + 1))
_SHINGLE_STEPS = (1, 2, 4, 8)  # doublings: hashes of 16 bytes in a row
_WINDOW_STEPS = (1, 2, 4, 8, 16, 32)  # doublings: the least of 64 hashes in a row
_MULTIPLIERS = tuple(map(np.uint32, (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F)))
"""Odd numbers with well mixed bits: the primes of xxHash."""
_RUN_MULTIPLIER = np.uint64(0x9E3779B185EBCA87)  # of xxHash too, its first with 64 bits

HashArray: TypeAlias = npt.NDArray[np.uint64]


class ToldTexts:
    """The texts that were told so far; another one is taken in only if it says more than they."""

    def __init__(self) -> None:
        self._texts: list[_Text] = []
        self._sources: list[int] = []
        self._prints: set[int] = set()  # of all of them

    def tell(self, text: str, *, source: int) -> int | None:
        """Take `text` in, unless it repeats what texts from other sources told.

        It repeats them when they hold at least `MIN_SHARED` of its terms, three in a row, and no
        number or name stands in the rest. A number is a word with a digit or a numeral (三十); a
        name is a capitalised word within a sentence, or any word with a capital inside. What
        counts are terms as in keyword search: not white space, case, punctuation or endings. A
        small word alone ("not") does not save a text.

        Args:
            text: Any text. A chunk of 800 tokens takes less than 0.1 ms; one that resembles
                earlier texts takes three times that when it is first seen.
            source: What the text comes from; texts of one source are never compared.

        Returns:
            The number of the text that holds most of it, counting from 0 those taken in; None
            when this one was taken in.
        """
        read = _read(text)
        repeated = self._find_repeated(read, source)
        if repeated is None:
            self._texts.append(read)
            self._sources.append(source)
            self._prints |= read.prints
        return repeated

    def _find_repeated(self, read: _Text, source: int) -> int | None:
        """Return which of the texts from other sources holds most of one, if they hold it.

        What is cheap comes first: fingerprints settle most texts, their runs most of the others.
        """
        least = _MIN_SUSPECT * len(read.prints)
        known = read.prints & self._prints
        if len(known) < least:
            return None
        tellers = [
            number
            for number, told in enumerate(self._texts)
            if self._sources[number] != source and not known.isdisjoint(told.prints)
        ]
        known &= frozenset().union(*[self._texts[number].prints for number in tellers])
        if not known or len(known) < least:
            return None
        for number in tellers:
            if read.text in self._texts[number].text:
                return number
        told_runs = [self._texts[number].runs for number in tellers]
        is_told = _are_among(np.sort(np.concatenate(told_runs)), read.runs)
        if np.count_nonzero(is_told) < MIN_SHARED * len(is_told):
            return None
        if _has_number_or_name(read, read.runs[~is_told]):
            return None
        held = [np.count_nonzero(_are_among(runs, read.runs)) for runs in told_runs]
        return tellers[int(np.argmax(held))]


@dataclass(frozen=True, eq=False)
class _Text:
    """A text and what is compared of it.

    Attributes:
        text: As it stands.
        prints: Its fingerprints.
    """

    text: str
    prints: frozenset[int]

    @cached_property
    def runs(self) -> HashArray:
        """Hashes of its runs of terms, ascending."""
        return np.sort(_runs(extract_terms(self.text)))

    @cached_property
    def terms(self) -> TermSequence:
        return term_spans(self.text)


@lru_cache(maxsize=_KEPT_TEXTS)
def _read(text: str) -> _Text:
    return _Text(text, _fingerprints(text))


def _fingerprints(text: str) -> frozenset[int]:
    """Return hashes, some of which any texts share that share a long run of characters.

    Winnowing (Schleimer, Wilkerson, Aiken 2003): the least of every 64 hashes in a row of 16
    bytes each, so that 79 shared bytes give a shared fingerprint. A shorter text gives what it
    can: at least one, unless it is blank.
    """
    squashed = text.encode("utf-8", "surrogatepass").translate(_LOWER, _BLANKS)
    hashes = np.frombuffer(squashed, np.uint8).astype(np.uint32)
    for step, multiplier in zip(_SHINGLE_STEPS, _MULTIPLIERS, strict=True):
        if len(hashes) > step:
            hashes = hashes[:-step] * multiplier + hashes[step:]
    for step in _WINDOW_STEPS:
        if len(hashes) > step:
            hashes = np.minimum(hashes[:-step], hashes[step:])
    changes = hashes[:-1][hashes[1:] != hashes[:-1]]
    return frozenset([*changes.tolist(), *hashes[-1:].tolist()])


def _runs(terms: Sequence[str]) -> HashArray:
    """Return a hash of every three terms in a row; one of them all when there are fewer."""
    count = len(terms)
    hashes = np.fromiter(map(hash, terms), np.int64, count).astype(np.uint64)
    runs = np.zeros(max(1, count - RUN_TERMS + 1), np.uint64)
    for i in range(min(RUN_TERMS, count)):
        runs = runs * _RUN_MULTIPLIER + hashes[i : i + len(runs)]
    return runs


def _are_among(known: HashArray, runs: HashArray) -> npt.NDArray[np.bool_]:
    """Return which of `runs` are among `known`, which is sorted and not empty."""
    at = np.minimum(np.searchsorted(known, runs), len(known) - 1)
    found: npt.NDArray[np.bool_] = known[at] == runs
    return found


def _has_number_or_name(read: _Text, fresh: HashArray) -> bool:
    """Return whether a number or name stands in the runs `fresh` of a text."""
    found = read.terms
    reach = np.arange(min(RUN_TERMS, len(found.terms)))
    at = np.flatnonzero(np.isin(_runs(found.terms), fresh))
    positions = np.unique(at[:, np.newaxis] + reach)
    starts, ends = found.starts[positions].tolist(), found.ends[positions].tolist()
    return any(map(_is_number_or_name, repeat(read.text), starts, ends))


def _is_number_or_name(text: str, start: int, end: int) -> bool:
    word, before = text[start:end], text[max(0, start - 2) : start]
    if any(character.isnumeric() for character in word) or any(map(str.isupper, word[1:])):
        return True
    is_within_sentence = before.endswith(" ") and (before[0].isalnum() or before[0] == ",")
    return word[0].isupper() and is_within_sentence
