"""Word table: the word pieces of every word of plain text, cut once by the tokenizer.

text -> words and single signs, as BERT parts them -> their numbers in the table -> pieces

A text has few different words: looking them up takes a quarter of the time that the tokenizer
takes for the text. It is the tokenizer that cuts each of them, when it is first met.
"""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

import numpy as np

from filesearch.types import IntArray

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# ASCII without control characters: letters and digits make words, all else that is seen stands
# alone. The group makes `split` return the words and what is between them, in turn.
_WORD = re.compile(r"([A-Za-z0-9]+|[^A-Za-z0-9\s])")
_WORDS = 1 << 15  # remembered, some 5 MB
_PIECES = 1 << 17


class WordTable:
    """Cuts plain text into word pieces. Safe to use from several threads.

    Args:
        tokenizer: Of BERT's kind; cuts a word, or a sign, as it would within a text.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._known = _KnownWords(tokenizer)

    def cut(self, text: str) -> tuple[IntArray, IntArray]:
        """Return where the pieces of a text stand in it, and their ids.

        Args:
            text: ASCII without control characters but tabs and line ends, at most `_PIECES`
                characters; nothing in it is a special token.

        Returns:
            int64, shape (n, 2), start and end character of each, ascending; int64, shape (n,).
        """
        runs = _WORD.split(text)
        known = self._known
        try:
            numbers = list(map(known.__getitem__, runs[1::2]))
        except _Full:
            self._known = known = _KnownWords(self._tokenizer)
            numbers = list(map(known.__getitem__, runs[1::2]))
        words = np.array(numbers, np.int64)
        starts = np.cumsum(np.fromiter(map(len, runs), np.int64, len(runs)))[:-1:2]
        firsts = known.firsts[words]
        counts = known.firsts[words + 1] - firsts
        before = np.cumsum(counts) - counts
        pieces = np.repeat(firsts - before, counts)
        pieces += np.arange(len(pieces))
        offsets = known.offsets[pieces]
        offsets += np.repeat(starts, counts)[:, np.newaxis]
        return offsets, known.ids[pieces]


class _Full(Exception):
    """There is no room for another word."""


class _KnownWords(dict[str, int]):
    """Word -> its number, by the order in which they came; unknown ones are cut and added.

    Attributes:
        firsts: int64, shape (words + 1,): where the pieces of each word begin in the others.
        offsets: int64, shape (pieces, 2): where each piece stands in its word.
        ids: int64, shape (pieces,).
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        super().__init__()
        self._tokenizer = tokenizer
        self._adding = threading.Lock()
        self.firsts: IntArray = np.zeros(_WORDS + 1, np.int64)
        self.offsets: IntArray = np.zeros((_PIECES, 2), np.int64)
        self.ids: IntArray = np.zeros(_PIECES, np.int64)

    def __missing__(self, word: str) -> int:
        encoding = self._tokenizer.encode(word, add_special_tokens=False)
        with self._adding:
            number = len(self)
            if word in self:
                return self[word]
            first = int(self.firsts[number]) if number < _WORDS else _PIECES
            past = first + len(encoding.ids)
            if past > _PIECES:
                raise _Full
            self.ids[first:past] = encoding.ids
            self.offsets[first:past] = encoding.offsets
            self.firsts[number + 1] = past
            self[word] = number  # from now on other threads look it up
            return number
