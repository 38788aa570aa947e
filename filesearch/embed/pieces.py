"""Pieces: which word pieces an embedder's tokenizer cuts a text into, and where they stand.

text -> `filesearch.pieces.Pieces`. Pure. What both embedders share.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from filesearch.pieces import Pieces
from filesearch.types import IntArray

if TYPE_CHECKING:
    import numpy.typing as npt
    from tokenizers import Encoding, Tokenizer

# Text is encoded slice by slice, in one batch: that keeps a slice's intermediate strings in cache
# and uses every core.
_SLICE_CHARS = 16_384
_BREAK = re.compile(r"\s(?=\S)")
# What ends a word for certain: BERT's normalizer drops some of what Python counts as white space.
_BLANK = " \t\n\r"
_BERT = ["WordPiece", "BertNormalizer", "BertPreTokenizer"]
# ASCII that BERT's normalizer leaves as it is, but for case.
_PLAIN = bytes([*b"\t\n\r", *range(ord(" "), 0x7F)])


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
    bounds = list(_slices(text))
    return _offsets(_encode(tokenizer, text, bounds), bounds)


@dataclass(frozen=True, slots=True, eq=False)
class Bert:
    """What is known of a tokenizer of BERT's kind.

    Attributes:
        is_inner: bool, shape (vocabulary,): which ids go on with a word.
        plain: The same for text in lower case that needs no other change, in two thirds of the
            time; None where the tokenizer minds case.
        special: What it takes for one piece wherever it stands, such as "[SEP]".
    """

    is_inner: npt.NDArray[np.bool_]
    plain: Tokenizer | None
    special: Sequence[str]

    def is_plain(self, text: str) -> bool:
        """Return whether nothing but case parts a text from what the tokenizer makes of it."""
        return (
            text.isascii()
            and not text.encode().translate(None, _PLAIN)
            and not any(token in text for token in self.special)
        )


def read_pieces(tokenizer: Tokenizer, text: str, bert: Bert | None) -> Pieces:
    """Return the offsets of `piece_offsets` and, where `bert` is known, the ids beside them.

    Args:
        tokenizer, text: As for `piece_offsets`.
        bert: What `know_bert` says of the tokenizer.
    """
    bounds = list(_slices(text))
    if bert is not None and bert.plain is not None and bert.is_plain(text):
        encodings = _encode(bert.plain, text.lower(), bounds)
    else:
        encodings = _encode(tokenizer, text, bounds)
    offsets = _offsets(encodings, bounds)
    if bert is None or any(text[end - 1] not in _BLANK for _, end in bounds[:-1]):
        return Pieces(offsets)
    ids = np.array([i for encoding in encodings for i in encoding.ids], np.int64)
    return Pieces(offsets, ids, bert.is_inner[ids])


def know_bert(tokenizer: Tokenizer) -> Bert | None:
    """Return what there is to know; None for a tokenizer other than BERT's WordPiece.

    That alone is known to read a word from its beginning and words one by one.
    """
    from tokenizers import Tokenizer, normalizers

    prefix = getattr(tokenizer.model, "continuing_subword_prefix", None)
    kinds = (type(tokenizer.model), type(tokenizer.normalizer), type(tokenizer.pre_tokenizer))
    if not prefix or [kind.__name__ for kind in kinds] != _BERT:
        return None
    is_inner = np.zeros(tokenizer.get_vocab_size(with_added_tokens=True), np.bool_)
    is_inner[[i for piece, i in tokenizer.get_vocab().items() if piece.startswith(prefix)]] = True
    plain = None
    if tokenizer.normalizer.lowercase:
        plain = Tokenizer.from_str(tokenizer.to_str())
        plain.normalizer = normalizers.Sequence([])
    special = [token.content for token in tokenizer.get_added_tokens_decoder().values()]
    return Bert(is_inner, plain, special)


def _encode(tokenizer: Tokenizer, text: str, bounds: Sequence[tuple[int, int]]) -> list[Encoding]:
    slices = [text[start:end] for start, end in bounds]
    return tokenizer.encode_batch(slices, add_special_tokens=False)


def _offsets(encodings: Sequence[Encoding], bounds: Sequence[tuple[int, int]]) -> IntArray:
    found = [
        np.array(encoding.offsets, np.int64).reshape(-1, 2) + start
        for encoding, (start, _) in zip(encodings, bounds, strict=True)
    ]
    return np.concatenate([np.empty((0, 2), np.int64), *found])


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
