"""Pieces: which word pieces an embedder's tokenizer cuts a text into, and where they stand.

text -> `filesearch.pieces.Pieces`. Pure. What both embedders share.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from filesearch.embed.word_table import WordTable
from filesearch.pieces import Pieces
from filesearch.types import IntArray

if TYPE_CHECKING:
    import numpy.typing as npt
    from tokenizers import Tokenizer

# Text is encoded slice by slice, in one batch: that keeps a slice's intermediate strings in cache
# and uses every core.
_SLICE_CHARS = 16_384
_BREAK = re.compile(r"\s(?=\S)")
# What ends a word for certain: BERT's normalizer drops some of what Python counts as white space.
_BLANK = " \t\n\r"
_BERT = ["WordPiece", "BertNormalizer", "BertPreTokenizer"]
# What is not ASCII that BERT's normalizer leaves as it is, but for case.
_ODD = re.compile(r"[^\t\n\r -~]")


def piece_offsets(tokenizer: Tokenizer, text: str) -> IntArray:
    """Return where each word piece of `text` stands, special tokens left out.

    Args:
        tokenizer: Without truncation and padding; not changed, safe to share between threads.
        text: Any length, surrogates excepted.

    Returns:
        int64, shape (n_pieces, 2): start and end character in `text`, starts ascending; shape
        (0, 2) for text without any piece. Pieces overlap only where several lie within one
        character (a Hangul syllable is taken apart before it is looked up).
    """
    return _read(tokenizer, text, list(_slices(text)))[0]


@dataclass(frozen=True, slots=True, eq=False)
class Bert:
    """What is known of a tokenizer of BERT's kind.

    Attributes:
        is_inner: bool, shape (vocabulary,): which ids go on with a word.
        words: Cuts ASCII as the tokenizer does.
        special: What it takes for one piece wherever it stands, such as "[SEP]".
    """

    is_inner: npt.NDArray[np.bool_]
    words: WordTable
    special: Sequence[str]


def read_pieces(tokenizer: Tokenizer, text: str, bert: Bert | None) -> Pieces:
    """Return the offsets of `piece_offsets` and, where `bert` is known, the ids beside them.

    Args:
        tokenizer, text: As for `piece_offsets`.
        bert: What `know_bert` says of the tokenizer.
    """
    bounds = list(_slices(text))
    if bert is None:
        return Pieces(_read(tokenizer, text, bounds)[0])
    if any(token in text for token in bert.special):
        offsets, ids = _read(tokenizer, text, bounds)
    else:
        found = []
        for start, end, is_odd in _stretches(text, bounds):
            if is_odd:
                found.append(_read(tokenizer, text, [(start, end)]))
            else:
                places, ids = bert.words.cut(text[start:end])
                places += start
                found.append((places, ids))
        offsets, ids = _join(found)
    if any(text[end - 1] not in _BLANK for _, end in bounds[:-1]):
        return Pieces(offsets)
    return Pieces(offsets, ids, bert.is_inner[ids])


def _stretches(text: str, bounds: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, bool]]:
    """Part slices at line ends; yields start, end and whether there is more in it than ASCII."""
    for start, end in bounds:
        while start < end:
            odd = _ODD.search(text, start, end)
            if odd is None:
                yield start, end, False
                break
            line = text.rfind("\n", start, odd.start()) + 1
            if line > start:
                yield start, line, False
                start = line
            past = text.find("\n", odd.end(), end) + 1 or end
            yield start, past, True
            start = past


def know_bert(tokenizer: Tokenizer) -> Bert | None:
    """Return what there is to know; None for a tokenizer other than BERT's WordPiece.

    That alone is known to read a word from its beginning and words one by one.
    """
    prefix = getattr(tokenizer.model, "continuing_subword_prefix", None)
    kinds = (type(tokenizer.model), type(tokenizer.normalizer), type(tokenizer.pre_tokenizer))
    if not prefix or [kind.__name__ for kind in kinds] != _BERT:
        return None
    is_inner = np.zeros(tokenizer.get_vocab_size(with_added_tokens=True), np.bool_)
    is_inner[[i for piece, i in tokenizer.get_vocab().items() if piece.startswith(prefix)]] = True
    special = [token.content for token in tokenizer.get_added_tokens_decoder().values()]
    return Bert(is_inner, WordTable(tokenizer), special)


def _read(
    tokenizer: Tokenizer, text: str, bounds: Sequence[tuple[int, int]]
) -> tuple[IntArray, IntArray]:
    """Return offsets in `text`, int64 (n, 2), and ids, int64 (n,), of what some stretches hold."""
    slices = [text[start:end] for start, end in bounds]
    encodings = tokenizer.encode_batch(slices, add_special_tokens=False)
    return _join(
        [
            (
                np.array(encoding.offsets, np.int64).reshape(-1, 2) + start,
                np.array(encoding.ids, np.int64),
            )
            for encoding, (start, _) in zip(encodings, bounds, strict=True)
        ]
    )


def _join(found: Sequence[tuple[IntArray, IntArray]]) -> tuple[IntArray, IntArray]:
    if len(found) == 1:
        return found[0]
    offsets = [np.empty((0, 2), np.int64), *(places for places, _ in found)]
    ids = [np.empty(0, np.int64), *(numbers for _, numbers in found)]
    return np.concatenate(offsets), np.concatenate(ids)


def _slices(text: str) -> Iterator[tuple[int, int]]:
    """Yield consecutive stretches that cover `text`, each ending after white space if it can."""
    start = 0
    while start < len(text):
        end = start + _SLICE_CHARS
        if end < len(text):
            # Nothing to break at for a whole slice: cut anywhere, at worst one more piece.
            found = _BREAK.search(text, end, end + _SLICE_CHARS)
            end = found.end() if found else end
        yield start, min(end, len(text))
        start = end
