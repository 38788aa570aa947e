"""Decode: bytes of unknown encoding -> str and what was doubtful about it.

In order: byte order marks; UTF-16 without one; strict UTF-8; GB18030 where the bytes look like
Chinese; charset-normalizer for everything else (cp1251, cp866, Shift_JIS, EBCDIC, ...), and the
alphabets of languages where that is Latin script; latin-1 last, with a warning.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filesearch.errors import UnsupportedFile
from filesearch.load.text.alphabets import settle

if TYPE_CHECKING:
    from charset_normalizer import CharsetMatches

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: it starts with the same two bytes
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE_BYTES = 64 * 1024
"""How much of a file decides its encoding; charset-normalizer needs seconds for megabytes."""
_MAX_CONTROL_SHARE = 0.02
"""Text holds hardly any control characters besides white space; compressed bytes hold 10%."""
_FEW_CONTROLS = 4
_COMMON_HANZI = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下"
)
"""The 40 most frequent characters of modern Chinese (Jun Da's list): about 30% of any text."""
_ENOUGH_HANZI = 12
"""From this many characters on, one of the frequent ones is expected among them."""
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\ufffd]")


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text, the encoding it was read with, and a warning (empty when the encoding is certain)."""

    text: str
    encoding: str
    warning: str = ""


def decode(data: bytes, filename: str, *, declared: str = "") -> Decoded:
    """Return the text of `data`, not yet cleaned.

    Args:
        declared: Encoding that the file claims for itself (an HTML meta tag). It is believed
            when the bytes are not UTF-8 and it decodes all of them.

    Raises:
        UnsupportedFile: The bytes are no text.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            text = data[len(mark) :].decode(encoding, "replace")
            lost = text.count("\ufffd")
            warning = f"{lost} damaged characters in its {encoding} text" if lost else ""
            return _checked(Decoded(text, encoding, warning), filename)
    if b"\x00" in data[:_SAMPLE_BYTES] and (encoding := _utf16_without_mark(data)):
        return Decoded(data.decode(encoding, "replace"), encoding)
    try:
        return _checked(Decoded(data.decode("utf-8"), "utf-8"), filename)
    except UnicodeDecodeError:
        pass
    if declared and (decoded := _as_declared(data, declared)):
        return _checked(decoded, filename)
    return _checked(_almost_utf8(data) or _chinese(data) or _guessed(data), filename)


def _checked(decoded: Decoded, filename: str) -> Decoded:
    """Return `decoded` unless it is full of control characters."""
    sample = decoded.text[:_SAMPLE_BYTES]
    if len(_CONTROL.findall(sample)) > max(_MAX_CONTROL_SHARE * len(sample), _FEW_CONTROLS):
        raise UnsupportedFile(
            f"{filename!r} holds binary data, not text; convert it to pdf, docx, html or plain text"
        )
    return decoded


def _utf16_without_mark(data: bytes) -> str:
    """Return the UTF-16 variant that makes sense of `data`, or an empty string.

    Wanted are 95% characters of scripts in wide use; the wrong byte order turns ASCII letters
    into rare ideographs and unassigned code points (U+6100 apart from U+0061).
    """
    best, best_share = "", 0.95
    sample = data[: _SAMPLE_BYTES & ~1]
    for encoding in ("utf-16-le", "utf-16-be"):
        text = sample[: len(sample) & ~1].decode(encoding, "replace")
        share = sum(map(_is_usual, text)) / max(len(text), 1)
        has_space = any(c in " \n\r\t,.\u3002\uff0c" for c in text)
        if share > best_share and has_space:
            best, best_share = encoding, share
    return best


def _is_usual(character: str) -> bool:
    code = ord(character)
    return (
        0x20 <= code < 0x7F
        or code in (9, 10, 13)
        or 0xA0 <= code < 0x0700  # Latin, Greek, Cyrillic, Hebrew, Arabic
        or 0x0900 <= code < 0x0E80  # Indic scripts, Thai
        or 0x2010 <= code < 0x2040
        or 0x3000 <= code < 0x3100  # CJK punctuation, kana
        or 0x4E00 <= code < 0xA000
        or 0xAC00 <= code < 0xD7A4
        or 0xFF00 <= code < 0xFFF0
    )


def _as_declared(data: bytes, declared: str) -> Decoded | None:
    """Return `data` read as it says itself, or None when that cannot be."""
    try:
        encoding = codecs.lookup(declared.strip().lower()).name
        if encoding == "iso8859-1":
            encoding = "cp1252"  # as every browser does (WHATWG Encoding Standard)
        if encoding in ("gb2312", "gbk"):
            encoding = "gb18030"
        if encoding.startswith(("utf", "ascii")):
            return None
        text = data.decode(encoding)
    except (LookupError, UnicodeDecodeError, ValueError):
        return None
    # codecs.lookup also knows transformations (hex, rot13), which give no str.
    return Decoded(text, encoding) if isinstance(text, str) else None


def _almost_utf8(data: bytes) -> Decoded | None:
    """Return `data` read as UTF-8 when only a few of its characters are damaged, else None."""
    text = data.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    intact = sum(character > "\x7f" for character in text) - damaged
    if damaged * 10 > intact:
        return None
    return Decoded(text, "utf-8", f"{damaged} damaged characters in its UTF-8 text")


def _chinese(data: bytes) -> Decoded | None:
    """Return `data` read as GB18030 when it looks like Chinese, else None.

    Nearly any bytes over 0x80 decode as GB18030. In Chinese text, most are pairs of the first
    plane's common half (0xB0-0xD7) or punctuation (0xA1-0xA3), and once there are enough
    of them the most frequent characters show, as they do not in Korean read as GB18030.
    """
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError as error:
        # A file cut off inside its last character is still Chinese.
        if error.start < len(data) - 3:
            return None
        text = data[: error.start].decode("gb18030")
    characters = [c for c in text[:_SAMPLE_BYTES] if c > "\x7f"]
    if not characters:
        return None
    firsts = [c.encode("gb18030") for c in characters]
    usual = sum(
        len(b) == 2 and b[1] >= 0xA1 and (b[0] <= 0xA3 or 0xB0 <= b[0] <= 0xD7) for b in firsts
    )
    frequent = sum(c in _COMMON_HANZI for c in characters)
    is_long = len(characters) >= _ENOUGH_HANZI
    if usual < 0.85 * len(characters) or (is_long and frequent < 0.03 * len(characters)):
        return None
    return Decoded(text, "gb18030")


def _guessed(data: bytes) -> Decoded:
    from charset_normalizer import from_bytes

    sample = data[:_SAMPLE_BYTES]
    encoding = settle(sample, _likeliest(from_bytes(sample)))
    if not encoding:
        warning = "its encoding is unknown; it was read as latin-1"
        return Decoded(data.decode("latin-1"), "latin-1", warning)
    text = data.decode(encoding, "replace")
    return Decoded(text, encoding, f"its encoding was guessed: {encoding}")


def _likeliest(matches: CharsetMatches) -> str:
    """Return the encoding of the best match, or an empty string.

    Of those that look alike it is the western one, and Windows before old Macs.
    """
    match = matches.best()
    if match is None:
        return ""
    western = next((other for other in matches if other.encoding == "cp1252"), None)
    if western is not None and western.coherence >= match.coherence:
        match = western
    elif match.encoding.startswith("mac_"):
        others = (m for m in matches if not m.encoding.startswith("mac_") and m.chaos <= 0.02)
        match = next(others, match)
    return match.encoding
