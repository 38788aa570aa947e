"""Tokens: where the tokens of OpenAI's encodings stand in a text.

text -> character position of every token. Used by `chunk`, and for token counts in usage
reports. No network: the ranks lie in `data/tiktoken/`, and a SHA-256 is checked when an encoding is
first used (tiktoken itself would download them).

Text is encoded slice by slice, so that hostile text (a megabyte of spaces, or of letters without
any space) costs linear time and bounded memory; a run of that sort makes tiktoken's regex engine
give up. Slices end where the encodings' pattern splits whatever follows, hence the tokens are
those of encoding the text whole. Only text without such a place in `_SLICE // 2` characters is
cut at a fixed length instead, and may differ by a few tokens around that cut.
"""

from __future__ import annotations

import hashlib
import re
import threading
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Literal

import numpy as np

from filesearch.errors import InvalidSetting
from filesearch.types import IntArray

if TYPE_CHECKING:
    from tiktoken import Encoding

EncodingName = Literal["cl100k_base", "o200k_base"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What tiktoken needs besides the ranks; values from tiktoken_ext/openai_public.py.

    Attributes:
        sha256: Of the rank file that tiktoken downloads.
        packed_sha256: Of what is in the packaged one.
    """

    sha256: str
    packed_sha256: str
    tokens: int
    pattern: str
    special_tokens: tuple[tuple[str, int], ...]


RECIPES = {
    "cl100k_base": Recipe(
        sha256="223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
        packed_sha256="18288f996f452d44e0e65996176591a4b712a3eb1b42afd6f0511e735c099480",
        tokens=100_256,
        pattern=(
            r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+"
            r"| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
        ),
        special_tokens=(
            ("<|endoftext|>", 100257),
            ("<|fim_prefix|>", 100258),
            ("<|fim_middle|>", 100259),
            ("<|fim_suffix|>", 100260),
            ("<|endofprompt|>", 100276),
        ),
    ),
    "o200k_base": Recipe(
        sha256="446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
        packed_sha256="440741350e7cfa1c0f4869ce742d1b043550adbda5187adcac9e787edac6fba9",
        tokens=199_998,
        pattern=(
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
            r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
            r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
        ),
        special_tokens=(("<|endoftext|>", 199999), ("<|endofprompt|>", 200018)),
    ),
}

_SLICE = 16_384
"""Characters encoded at a time. From 8 to 64 Ki the speed is the same; longer runs of one
character class slow tiktoken down (measured with 0.14 on runs of 2 to 64 Ki)."""

# White space as the encodings' regex engine has it (Unicode White_Space, which lacks Python's
# U+001C..U+001F), without and with line ends.
_BLANK = r"\t\x0b\x0c \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_SPACE = rf"{_BLANK}\r\n"
_SAFE_CUT = re.compile(
    # 1. Visible character | white space other than a line end. Pieces that end in a visible
    #    character never look ahead, and none holds white space but first, or line ends last.
    rf"[^{_SPACE}](?=[{_BLANK}])"
    # 2. Last line end of a run of white space | indentation, then a visible character. White
    #    space is taken up to its last line end whether or not it ends the slice. o200k_base takes
    #    slashes too after "punctuation, line end", hence none of them.
    rf"|[\r\n](?=[{_BLANK}]*[^{_SPACE}/])"
    # 3. Letter or digit | punctuation that is neither mark nor apostrophe. For text without
    #    spaces, such as Chinese.
    r"|[^\W_](?=[,.;:!?()\[\]{}<>|=\"、。，．；：！？（）「」『』【】《》〈〉“”…—])"
)
_SURROGATE = re.compile("[\ud800-\udfff]")


class _Ready:
    """A loaded encoding and, by token id, how many bytes each token stands for."""

    def __init__(self, name: str) -> None:
        # The rank file takes 0.1 s to parse, and tiktoken is only needed to ingest.
        import tiktoken

        recipe = RECIPES[name]
        ranks = read_ranks(name, recipe)
        self.encoding: Encoding = tiktoken.Encoding(
            name,
            pat_str=recipe.pattern,
            mergeable_ranks=ranks,
            special_tokens=dict(recipe.special_tokens),
        )
        self.byte_lengths: IntArray = np.zeros(self.encoding.n_vocab, dtype=np.int64)
        ids = np.fromiter(ranks.values(), dtype=np.int64, count=len(ranks))
        self.byte_lengths[ids] = np.fromiter(map(len, ranks), dtype=np.int64, count=len(ranks))


_loaded: dict[str, _Ready] = {}
_loading = threading.Lock()


def count_tokens(text: str, encoding: EncodingName = "cl100k_base") -> int:
    """Return how many tokens `text` has; 0 for the empty text.

    Special tokens such as "<|endoftext|>" are counted as the plain text they are here.

    Raises:
        InvalidSetting: `encoding` is not one of the two that are known.
    """
    ready = _load(encoding)
    return sum(len(ready.encoding.encode_ordinary(part)) for part in _slices(text, _SLICE))


def decode_tokens(tokens: Sequence[int], encoding: EncodingName = "cl100k_base") -> str:
    """Return the text of token ids; bytes that are no UTF-8 by themselves become U+FFFD.

    Raises:
        InvalidSetting: `encoding` is not one of the two that are known.
        ValueError: A number is no token's.
    """
    known = _load(encoding).encoding
    for token in tokens:
        try:
            known.decode_single_token_bytes(token)
        except (KeyError, OverflowError):
            raise ValueError(f"{token} is no token of {encoding}") from None
    return known.decode(list(tokens), errors="replace")


def token_boundaries(text: str, encoding: EncodingName = "cl100k_base") -> IntArray:
    """Return where each token of `text` starts, as character positions, then the text's length.

    A token that begins inside a character of several bytes has the position at which that
    character starts; tokens that share one character so share its position. Lone surrogates are
    read as U+FFFD, one character each.

    Returns:
        int64, shape (n_tokens + 1,), non-decreasing, first 0, last `len(text)`; [0] for the
        empty text.

    Raises:
        InvalidSetting: `encoding` is not one of the two that are known.
    """
    return _boundaries(text, encoding, _SLICE)


def _boundaries(text: str, encoding: str, slice_size: int) -> IntArray:
    ready = _load(encoding)
    parts: list[IntArray] = []
    position = 0
    for part in _slices(text, slice_size):
        token_ids = np.array(ready.encoding.encode_ordinary(part), dtype=np.int64)
        lengths = ready.byte_lengths[token_ids]
        starts = np.cumsum(lengths) - lengths
        if not part.isascii():
            data = np.frombuffer(part.encode(), dtype=np.uint8)
            # A byte of the form 10xxxxxx continues a character (RFC 3629).
            starts = (np.cumsum((data & 0xC0) != 0x80, dtype=np.int64) - 1)[starts]
        parts.append(starts + position)
        position += len(part)
    parts.append(np.array([position], dtype=np.int64))
    return np.concatenate(parts)


def _slices(text: str, size: int) -> Iterator[str]:
    """Yield consecutive parts of `text`, at most `size` characters each, without surrogates."""
    start = 0
    while start < len(text):
        end = start + size
        if end < len(text):
            cut = _SAFE_CUT.search(text, start + size // 2, end)
            end = cut.end() if cut else end
        part = text[start:end]
        start = end
        yield part if part.isascii() else _SURROGATE.sub("\ufffd", part)


def _load(name: str) -> _Ready:
    ready = _loaded.get(name)
    if ready is None:
        if name not in RECIPES:
            raise InvalidSetting(f"encoding is {name!r}; choose one of {', '.join(RECIPES)}")
        with _loading:
            ready = _loaded.get(name) or _Ready(name)
            _loaded[name] = ready
    return ready


def read_ranks(name: str, recipe: Recipe) -> dict[bytes, int]:
    """Return token bytes -> rank from the packaged file.

    It holds, packed by zlib, the length of every token in order of rank, a byte each, and then the
    tokens: 40% smaller than tiktoken's lines "base64 rank" packed, and read in half the time.

    Raises:
        InvalidSetting: The file is absent or altered.
    """
    path = resources.files("filesearch") / "data" / "tiktoken" / f"{name}.ranks"
    try:
        data = zlib.decompress(path.read_bytes())
    except (OSError, zlib.error):  # not there, cut off, altered
        data = b""
    if hashlib.sha256(data).hexdigest() != recipe.packed_sha256:
        raise InvalidSetting(
            f"{path} is missing or altered (SHA-256 is not {recipe.packed_sha256[:12]}...); "
            "run: pip install --force-reinstall filesearch"
        )
    ranks, start = {}, recipe.tokens
    for rank, length in enumerate(data[: recipe.tokens]):
        ranks[data[start : start + length]] = rank
        start += length
    return ranks
