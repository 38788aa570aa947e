"""Pieces: where the word pieces of an embedder's tokenizer stand in a text.

text -> int64 (n_pieces, 2). Pure. What both embedders share.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from filesearch.types import IntArray

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# Text is encoded slice by slice, in one batch: that keeps a slice's intermediate strings in cache
# and uses every core.
_SLICE_CHARS = 16_384
_BREAK = re.compile(r"\s(?=\S)")


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
    if not bounds:
        return np.empty((0, 2), np.int64)
    slices = [text[start:end] for start, end in bounds]
    encodings = tokenizer.encode_batch(slices, add_special_tokens=False)
    return np.concatenate(
        [
            np.array(encoding.offsets, np.int64).reshape(-1, 2) + start
            for encoding, (start, _) in zip(encodings, bounds, strict=True)
        ]
    )


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
