"""Terms: cut text into the terms that keyword search counts.

document text -> TermSequence (at ingest, once per document; chunks take theirs by span);
question -> query terms. Pure: no files, no network, no clock. Documents and questions go through
the same rules, so that the same word always gives the same term:

    running, Running     run                          stemmed by script (`STEMMERS`)
    café, ﬁle, Ａ１       cafe, file, a1 + a + 1       NFKC, case folding, Latin accents dropped
    getUserName          getusernam + get, user, name identifier: whole, then its parts
    max_chunk_size       max_chunk_size + max, chunk, size
    1,234.56  $1.2bn     1234.56   1.2bn + 1.2, bn    one number is one term
    10-K  COVID-19       10k + 10  covid19 + covid, 19
    2025-03-14           2025-03-14 + 2025, 03, 14
    U.S.  don't  firm's  us  dont  firm
    注册资本             注册, 册资, 资本             scripts without spaces: overlapping bigrams

A whole that is nothing but letters (`getusername`) is stemmed as any word, because whoever types
it in lower case gives a plain word. Symbols and emoji give no term.
"""

from __future__ import annotations

import operator
import re
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TypeAlias

import numpy as np
import regex
import Stemmer

from filesearch.stop_words import stop_words_for, without_asking
from filesearch.types import IntArray

STEMMERS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"[a-z]+"), "english"),
    (re.compile(r"[\u0430-\u045f]+"), "russian"),
)
"""Which Snowball stemmer (https://snowballstem.org) a folded word gets: the first whose pattern it
matches whole; none: it stays. English stands for all Latin script: languages are not told apart."""

_MAX_TERM_CHARACTERS = 64
"""Longer terms are cut to this length; longer identifiers (base64, paths) give their parts only."""

_CACHE_WORDS = 1 << 15
"""Words whose terms are remembered, some 20 MB; four times as many save terms 4% of their time."""

_BLOCK_CHARACTERS = 1 << 18
"""Text is cut in blocks of about this size, so that scratch lists stay small beside the text."""

# These leave no trace: soft hyphen, zero-width spaces and joiners, variation selectors.
_ZERO_WIDTH = r"\u00ad\u200b-\u200d\u2060\ufeff\ufe00-\ufe0f\U000e0100-\U000e01ef"
# Written without spaces and the same under NFKC: kana, Han, Hangul syllables.
_STABLE = r"\u3005\u3007\u3041-\u3096\u30a1-\u30fa\u30fc\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3"
# The rest of those: half-width and combining kana, bopomofo, jamo, compatibility and supplementary
# Han; Thai and Lao, Myanmar, Khmer without their digits.
_UNSPACED = _STABLE + (
    r"\u1100-\u11ff\u3021-\u3029\u3031-\u3035\u303b\u3099\u309a\u309d-\u309f\u30fd-\u30ff"
    r"\u3105-\u312f\u3131-\u318e\u31a0-\u31bf\u31f0-\u31ff\uf900-\ufaff\uff66-\uffdc"
    r"\U0001b000-\U0001b16f\U00020000-\U000323af"
    r"\u0e01-\u0e4f\u0e81-\u0ecf\u0edc-\u0edf\u1000-\u103f\u1050-\u108f\u1780-\u17d3\u17d7\u17dc"
)
# Everything else that may be a letter, mark or digit. It is wide on purpose: `_PART` has the last
# word. Superscripts, fractions and signs are outside, so that NFKC cannot glue them to a number.
_WORD = (
    r"0-9A-Za-z_"
    + _ZERO_WIDTH
    + (
        r"\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u0dff\u0e50-\u0e59\u0ed0-\u0ed9"
        r"\u0f00-\u0fff\u1040-\u1049\u10a0-\u10ff\u1200-\u177f\u17e0-\u17e9\u1800-\u1fff\u2080-\u2089"
        r"\u2126\u212a\u212b\u2160-\u2188\u2c00-\u2dff\ua000-\uabff\ufb00-\ufdff\ufe20-\ufe2f"
        r"\ufe70-\ufefc\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\U00010000-\U0001afff"
        r"\U0001d400-\U0001d7ff\U0001e000-\U0001efff"
    )
)
_JOINER = r".'’‐‑\-"

_PIECE = re.compile(
    rf"([{_UNSPACED}][{_UNSPACED}{_ZERO_WIDTH}]*"
    rf"|[{_WORD}]+(?:(?:[{_JOINER}]|(?<=\d),(?=\d))[{_WORD}]+)*)"
)
_BLOCK_END = re.compile(r"[\s。，、；：！？「」]")
_PLAIN_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_STABLE_RUN = regex.compile(rf"[{_STABLE}]+")
_UNSPACED_START = regex.compile(rf"[{_UNSPACED}]")
_INVISIBLE = re.compile(rf"[{_ZERO_WIDTH}]+")
_CLUSTER = regex.compile(r"\p{hst=L}\p{hst=V}\p{hst=T}?|\P{M}[\p{M}\uff9e\uff9f]*|\p{M}+")
_PART = regex.compile(
    r"""
    (?P<number> \d{1,3}(?:,\d{3}){1,6}(?![\d,])(?:\.\d+)? | \d+(?:\.\d+)* )
    | \p{Lu}{2,}(?=s(?![\p{L}\p{M}]))                # GPU of GPUs
    | [\p{Lu}\p{Lt}]+(?=\p{Lu}\p{Ll})                # HTTP of HTTPServer
    | (?:[\p{Lu}\p{Lt}]\p{M}*)?[\p{Ll}\p{Lm}\p{Lo}\p{M}]+
    | [\p{Lu}\p{Lt}]+
    | \p{Nl}+
    """,
    regex.VERBOSE,
)
_ACCENTED = regex.compile(r"[\p{Latin}\p{Greek}\p{Arabic}\p{Hebrew}]")
_NONSPACING = regex.compile(r"\p{Mn}+")
# Latin letters that Unicode does not decompose; the Arabic tatweel is mere decoration.
_UNDECOMPOSED = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "\u0640": None}
)
_APOSTROPHES = frozenset("'’")
_HYPHENS = frozenset("-‐‑")
_JOINTS = _APOSTROPHES | _HYPHENS | {".", ""}
_ENCLITICS = frozenset(("s", "re", "ve", "ll", "d", "m"))
_WHOLE_DROPS = str.maketrans("", "", "'’-‐‑")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")

_Terms: TypeAlias = tuple[Sequence[str], Sequence[int], Sequence[int]]
"""Terms of one piece with their starts and ends, counted from the start of the piece."""


@dataclass(frozen=True, slots=True, eq=False)
class TermSequence:
    """The terms of a text and where each stands in it.

    Attributes:
        terms: In reading order, repetitions kept; an identifier stands before its parts.
        starts: int64, shape (n,), characters into the text, ascending.
        ends: int64, shape (n,), exclusive, each above its start; parts end before their whole.
    """

    terms: list[str]
    starts: IntArray
    ends: IntArray

    def positions_within(self, start: int, end: int) -> IntArray:
        """Return the positions in `terms` of those that lie fully inside text[start:end].

        Returns:
            int64, ascending; empty when no term does.
        """
        first, last = np.searchsorted(self.starts, (start, end)).tolist()
        return np.arange(first, last)[self.ends[first:last] <= end]


def term_spans(text: str) -> TermSequence:
    """Return the terms of `text` with their positions; empty arrays for text without a word.

    Safe to call from several threads.
    """
    blocks = [_block_terms(text[start:end], start) for start, end in _blocks(text)]
    if len(blocks) == 1:
        return blocks[0]
    return TermSequence(
        [term for block in blocks for term in block.terms],
        np.concatenate([block.starts for block in blocks]),
        np.concatenate([block.ends for block in blocks]),
    )


def extract_terms(text: str) -> list[str]:
    """Return the terms of `text` in reading order, repetitions kept: those of `term_spans`."""
    terms: list[str] = []
    for piece in _PIECE.findall(text):
        entry = _WORDS[piece]
        if type(entry) is tuple:
            terms += entry[0]
        else:
            terms.append(entry)  # type: ignore[arg-type]
    return terms


def query_terms(text: str) -> list[str]:
    """Return the terms of a question that are worth looking up.

    As `extract_terms`, without the stop words of its language (an all-capital IT, US or WHO is
    none) and what Chinese and Japanese ask with; if nothing would be left, everything stays.
    """
    kept = without_asking(text)
    if kept == text or any(len(term) > 1 for term in extract_terms(kept)):
        text = kept
    found = term_spans(text)
    surfaces = list(map(text.__getitem__, map(slice, found.starts.tolist(), found.ends.tolist())))
    folded = list(map(_fold, surfaces))
    dropped, is_shouted = stop_words_for(folded), text.isupper()
    terms = [
        term
        for term, surface, word in zip(found.terms, surfaces, folded, strict=True)
        if word not in dropped or (len(surface) > 1 and surface.isupper() and not is_shouted)
    ]
    return terms or found.terms


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Cut at separators only, so that no piece is torn; at least one block."""
    start = 0
    while True:
        cut = _BLOCK_END.search(text, start + _BLOCK_CHARACTERS)
        end = cut.start() if cut else len(text)
        yield start, end
        if end == len(text):
            return
        start = end


def _block_terms(text: str, offset: int) -> TermSequence:
    # Splitting keeps the gaps, so lengths alone give every position without a match object a word.
    runs = _PIECE.split(text)
    edges = np.cumsum(np.fromiter(map(len, runs), np.int64, len(runs))) + offset
    starts, ends = edges[:-1:2], edges[1::2]
    entries = list(map(_WORDS.__getitem__, runs[1::2]))
    several = [i for i, entry in enumerate(entries) if type(entry) is tuple]
    if not several:
        return TermSequence(entries, starts, ends)  # type: ignore[arg-type]

    found: list[_Terms] = [entries[i] for i in several]  # type: ignore[misc]
    terms: list[str] = []
    following = 0
    for i, (of_piece, _, _) in zip(several, found, strict=True):
        terms += entries[following:i]  # type: ignore[arg-type]
        terms += of_piece
        following = i + 1
    terms += entries[following:]  # type: ignore[arg-type]

    counts = np.ones(len(entries), np.int64)
    counts[several] = [len(of_piece) for of_piece, _, _ in found]
    is_several = np.zeros(len(entries), np.bool_)
    is_several[several] = True
    inside = np.repeat(is_several, counts)
    piece_starts = np.repeat(starts, counts)
    term_ends = np.repeat(ends, counts)
    n_inside = int(counts[several].sum())
    relative_starts = np.fromiter(chain.from_iterable(s for _, s, _ in found), np.int64, n_inside)
    relative_ends = np.fromiter(chain.from_iterable(e for _, _, e in found), np.int64, n_inside)
    term_ends[inside] = piece_starts[inside] + relative_ends
    piece_starts[inside] += relative_starts
    return TermSequence(terms, piece_starts, term_ends)


class _WordTerms(dict[str, "str | _Terms"]):
    """Piece -> its one term, or its terms with positions; computed on first sight, bounded.

    Single dict operations are atomic, so threads may share it; at worst two of them compute the
    same word.
    """

    def __missing__(self, piece: str) -> str | _Terms:
        entry = _analyse(piece)
        # Runs of Han seldom come back; caching them would only push words out.
        if len(piece) <= (_MAX_TERM_CHARACTERS if piece[0] < "\u0e00" else 4):
            if len(self) >= _CACHE_WORDS:
                self.clear()
            self[piece] = entry
        return entry


_WORDS = _WordTerms()


def _analyse(piece: str) -> str | _Terms:
    if piece.isascii():
        if piece.isalpha() and (piece[1:].islower() or piece.isupper() or len(piece) == 1):
            return _stem(piece.lower())
        if _PLAIN_NUMBER.fullmatch(piece):
            return piece[:_MAX_TERM_CHARACTERS]
        return _word_terms(piece, range(len(piece)), range(1, len(piece) + 1))
    if _STABLE_RUN.fullmatch(piece):
        if len(piece) == 1:
            return piece
        n = len(piece) - 1
        return list(map(operator.add, piece, piece[1:])), range(n), range(2, n + 2)
    units = list(_normalised_clusters(piece))
    if _UNSPACED_START.match(piece):
        return _bigrams(units)
    characters = [(c, start, end) for unit, start, end in units for c in unit]
    return _word_terms(
        "".join(c for c, _, _ in characters),
        [start for _, start, _ in characters],
        [end for _, _, end in characters],
    )


def _normalised_clusters(piece: str) -> Iterator[tuple[str, int, int]]:
    """Yield each base character with its marks, or syllable of jamo, and where it is; NFKC."""
    for match in _CLUSTER.finditer(piece):
        unit = unicodedata.normalize("NFKC", _INVISIBLE.sub("", match.group()))
        if unit:
            yield unit, match.start(), match.end()


def _bigrams(units: list[tuple[str, int, int]]) -> _Terms:
    terms = [(left[0] + right[0], left[1], right[2]) for left, right in pairwise(units)] or units
    return [t for t, _, _ in terms], [start for _, start, _ in terms], [end for _, _, end in terms]


@dataclass(frozen=True, slots=True)
class _Part:
    text: str
    is_number: bool
    start: int
    end: int

    @property
    def term(self) -> str:
        return _number(self.text) if self.is_number else _stem(_fold(self.text))


def _word_terms(word: str, starts: Sequence[int], ends: Sequence[int]) -> _Terms:
    """Return the terms of a word, identifier or number.

    Args:
        word: Under NFKC, case kept.
        starts, ends: For each character of `word`, the original characters that it stands for.
    """
    terms: list[tuple[str, int, int]] = []
    for group in _groups(word):
        terms += _group_terms(word, group)
    return (
        tuple(term for term, _, _ in terms),
        tuple(starts[start] for _, start, _ in terms),
        tuple(ends[end - 1] for _, _, end in terms),
    )


def _groups(word: str) -> Iterator[list[_Part]]:
    """Yield the parts that stand together: only joiners and underscores between them."""
    group: list[_Part] = []
    for match in _PART.finditer(word):
        part = _Part(match.group(), match["number"] is not None, match.start(), match.end())
        gap = word[group[-1].end : part.start] if group else ""
        if gap.strip("_") not in _JOINTS:
            yield group
            group = []
        group.append(part)
    if group:
        yield group


def _group_terms(word: str, group: list[_Part]) -> list[tuple[str, int, int]]:
    gaps = [word[a.end : b.start] for a, b in pairwise(group)]
    if gaps and gaps[-1] in _APOSTROPHES and group[-1].text.lower() in _ENCLITICS:
        group, gaps = group[:-1], gaps[:-1]
    start, end = group[0].start, group[-1].end
    parts = [(part.term, part.start, part.end) for part in group]
    if not gaps:
        return parts
    is_negation = len(gaps) == 1 and gaps[0] in _APOSTROPHES and group[1].text in "tT"
    is_acronym = set(gaps) == {"."} and all(p.text.isalpha() and len(p.text) == 1 for p in group)
    if is_acronym or is_negation:
        return [(_fold("".join(part.text for part in group)), start, end)]
    if all(gap in _HYPHENS for gap in gaps):
        if _ISO_DATE.fullmatch(word[start:end]):
            return [(_number(word[start:end]), start, end), *parts]
        if all(part.is_number for part in group):
            return parts
        if all(not part.is_number and len(part.text) > 1 for part in group):
            return parts
    # A lone letter (the K of 10-K, the i of iPhone) says nothing without its whole.
    parts = [found for found in parts if found[2] - found[1] > 1 or word[found[1]].isdecimal()]
    if end - start > _MAX_TERM_CHARACTERS:
        return parts
    whole = _fold(word[start:end].translate(_WHOLE_DROPS))
    return [(_stem(whole), start, end), *parts]


def _number(text: str) -> str:
    text = text.replace(",", "")[:_MAX_TERM_CHARACTERS]
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)


def _fold(text: str) -> str:
    folded = text.casefold()
    if folded.isascii() or not _ACCENTED.search(folded):
        return folded
    bare = _NONSPACING.sub("", unicodedata.normalize("NFKD", folded))
    return unicodedata.normalize("NFKC", bare.translate(_UNDECOMPOSED))


_LOCAL = threading.local()


def _stem(word: str) -> str:
    """Stem a folded word; one that no pattern of `STEMMERS` matches stays as it is."""
    word = word[:_MAX_TERM_CHARACTERS]
    for pattern, language in STEMMERS:
        if pattern.fullmatch(word):
            # A PyStemmer object must not be shared between threads.
            stemmer = getattr(_LOCAL, language, None)
            if stemmer is None:
                stemmer = Stemmer.Stemmer(language, 0)
                setattr(_LOCAL, language, stemmer)
            return str(stemmer.stemWord(word))
    return word
