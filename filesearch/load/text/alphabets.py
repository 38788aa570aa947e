"""Alphabets: bytes of a language in Latin script -> the code page in which they spell its words.

Code pages of one script look alike: Swedish "öppnas" is "öppnas" in cp1252, "÷ppnas" in cp852,
and every one of them is text. What tells them apart is that a language has few letters beside
a to z, and that hardly any other stands in its words. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice
from typing import NamedTuple

_LIKELY = ("cp1252", "cp1250", "iso8859_2", "cp1254", "cp1257")
_COMMON = (*_LIKELY, "iso8859_15", "iso8859_13", "cp850", "mac_roman", "cp852")
"""Code pages that files in Latin script are found in, the likelier before the others."""

_ALPHABETS = [
    frozenset(letters)
    for letters in (
        *("äöüß", "åäöé", "åæøé", "áðéíóúýþæö", "áèéêëïóöü"),  # German, Nordic, Dutch
        *("àâæçèéêëîïôœùûüÿ", "áéíñóúüªº", "àáâãçéêíóôõúªº", "àèéìíîòóùªº", "àçèéíïòóúü"),
        *("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "ćčđšž", "áéíóöőúüű"),
        *("âîășțşţ", "çğıöşüâîû", "ąčęėįšųūž", "āčēģīķļņšūž", "äõöüšž", "çë"),
        *("âêîôûŵŷáïöẃẁỳ", "ĉĝĥĵŝŭ", "àċèġħìòùż"),  # Welsh, Esperanto, Maltese
    )
]
_APART = frozenset("±×½¼¾§€£")
_BEHIND = frozenset("®™²³")
_MARKS = frozenset("«»„“”‚‘’‹›–—…•·°©µ¿¡\u00a0\u00ad") | _APART | _BEHIND
_WITHIN_WORDS = frozenset("’–—\u00ad")
_ASCII = bytes(range(0x80))
_ASCII_LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_ALONE = frozenset("àáâåæèéíòóôöúýªº")
"""Letters that are words, and what stands behind a number."""
_MAX_CHARACTERS = 4000
_FITTING = 0.9
_NEAR = 0.02


def settle(data: bytes, guess: str) -> str:
    """Return `guess`, or the common code page in which `data` spells words where that does not.

    Args:
        data: Begins a text; not UTF-8.
        guess: A name of Python's, or "" for none.

    Returns:
        `guess` unless at least two thirds of the letters are a to z, and of the other characters
        90% fit one language in a common code page, more than in `guess`.
    """
    high = len(data.translate(None, _ASCII))
    letters = len(data) - len(data.translate(None, _ASCII_LETTERS))
    if letters < 2 * high:
        return guess
    fits = {encoding: _fit(data, encoding) for encoding in _COMMON}
    best = max(_COMMON, key=lambda encoding: fits[encoding].share)
    known = fits.get(guess) or _fit(data, guess)
    is_near = known.share >= fits[best].share - _NEAR
    if fits[best].share < _FITTING or (is_near and guess in _LIKELY):
        return guess
    if is_near and (best not in _LIKELY or known.letters > fits[best].letters):
        return guess
    return best


class _Fit(NamedTuple):
    """Which share of the characters over ASCII fits one language, and how many letters do."""

    share: float
    letters: int


def _fit(data: bytes, encoding: str) -> _Fit:
    try:
        text = data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return _Fit(0.0, 0)
    found = list(islice(_NOT_ASCII.finditer(text), _MAX_CHARACTERS))
    fitting = Counter(_fitting(text, one.start()) for one in found)
    letters = max(sum(fitting[letter] for letter in alphabet) for alphabet in _ALPHABETS)
    return _Fit((fitting["mark"] + letters) / max(len(found), 1), letters)


def _fitting(text: str, place: int) -> str:
    """Return a letter in lower case, "mark", or "" for what stands where it cannot."""
    character, before, after = text[place], text[place - 1 : place], text[place + 1 : place + 2]
    if character in _MARKS:
        return "mark" if _may_stand(character, before, after) else ""
    letter = "ı" if character == "İ" else character.lower()
    if before.islower() and character.isupper():
        return ""
    if character.islower() and after.isupper() and not before.islower():
        return ""
    return letter if before.isalpha() or after.isalpha() or letter in _ALONE else ""


def _may_stand(mark: str, before: str, after: str) -> bool:
    """Whether a mark may stand between two characters, either of them possibly missing."""
    if mark in _APART:
        return not before.isalpha() and not after.isalpha()
    if mark in _BEHIND:
        return not after.isalpha()
    if mark == "·" and before in "lL":
        return True
    return mark in _WITHIN_WORDS or not (before.isalpha() and after.isalpha())
