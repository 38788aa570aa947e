"""Clean: any string -> text that a `Document` may hold.

Used by every format of the load stage before positions are taken, so that spans count characters
of the final text.
"""

from __future__ import annotations

import re
import unicodedata

_LINE_ENDS = re.compile("\r\n|[\r\x85\u2028\u2029]")
_SPACED = {
    code: " " for code in (*range(0x01, 0x20), *range(0x7F, 0xA0)) if code not in (0x09, 0x0A)
}
_CONTROLS: dict[int, str | None] = {0: None, **_SPACED}
_SURROGATES = re.compile("[\ud800-\udfff]")
_NOT_CLEAN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SPACES = re.compile(r"\s+")


def clean_text(text: str) -> str:
    r"""Return `text` in NFC with "\n" line ends, without NUL, controls and surrogates.

    "\r\n", "\r", NEL, LINE SEPARATOR and PARAGRAPH SEPARATOR become "\n". NUL disappears; other
    control characters (C0 but tab and line feed, DEL, C1) become one space each; a lone surrogate
    becomes U+FFFD; a byte order mark at the start disappears. Applying it twice changes nothing.
    """
    text = text.lstrip("\ufeff")
    if _NOT_CLEAN.search(text):
        text = _LINE_ENDS.sub("\n", text)
        text = _SURROGATES.sub("\ufffd", text).translate(_CONTROLS).lstrip("\ufeff")
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


def clean_line(text: str) -> str:
    """Return `text` cleaned, on one line: every run of white space is one space, ends stripped."""
    return _SPACES.sub(" ", clean_text(text)).strip()
