"""PDF words: a page as pdfium reads it -> its words and where they stand.

The words come in the order of the content stream, without white space.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections import Counter
from typing import NamedTuple

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

_HYPHENS = "\x02\ufffe"
"""What pdfium writes for a hyphen that divides a word over two lines; no white space follows it."""
_WORD = re.compile(f"[^\\s{_HYPHENS}]+[{_HYPHENS}]?|[{_HYPHENS}]")
_MENDED_HYPHEN = str.maketrans(dict.fromkeys(_HYPHENS, "-"))
_SAMPLE = 20
"""Words whose direction is asked when a page looks turned."""


class Word(NamedTuple):
    """A run of characters without white space.

    Attributes:
        left, right: Ends along the line, in points.
        baseline: Height of the line it stands on, in points; grows upwards.
        height: Of its line of text, ascenders and descenders included, in points; above 0.
        is_joined: Whether no white space parts it from the word before.
        is_upright: Whether it runs in the direction of the page's text.
        line: Number of its line in pdfium's own reading of the page.
    """

    text: str
    left: float
    right: float
    baseline: float
    height: float
    is_joined: bool = False
    is_upright: bool = True
    line: int = 0


def read_words(text_page: pdfium.PdfTextPage) -> list[Word]:
    """Return the words of a pdfium text page; empty when it has none.

    A page whose text is turned by a multiple of a right angle comes as if it were turned back.
    """
    count = pdfium_c.FPDFText_CountChars(text_page)
    if count <= 0:
        return []
    text: str = text_page.get_text_range()
    placed = _place(text_page, text, _positions(text_page, text, count))
    angle = _turned(text_page, placed)
    return [entry.word for entry in placed] if not angle else _turn_back(placed, angle)


def _positions(text_page: pdfium.PdfTextPage, text: str, count: int) -> list[int] | range:
    """Return for every position in the text its position among pdfium's characters.

    They differ where a glyph has no character.
    """
    if len(text) == count:
        return range(count)
    found = [pdfium_c.FPDFText_GetCharIndexFromTextIndex(text_page, i) for i in range(len(text))]
    return [max(at, 0) for at in found]


class _Placed(NamedTuple):
    word: Word
    first: int  # position among pdfium's characters
    box: tuple[float, float, float, float]  # left, bottom, right, top around first and last


def _place(text_page: pdfium.PdfTextPage, text: str, positions: list[int] | range) -> list[_Placed]:
    """Find the place of each word by its first and last character: a call each costs 1 us."""
    x, y = ctypes.c_double(), ctypes.c_double()
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    loose = pdfium_c.FS_RECTF()
    found: list[_Placed] = []
    breaks = tuple(_HYPHENS)
    line = end = 0
    height = baseline = -1.0
    for match in _WORD.finditer(text):
        start = match.start()
        between = text[end:start]
        is_new_line = "\n" in between or (not between and text[end - 1 : end] in breaks)
        line += is_new_line
        first, last = positions[start], positions[match.end() - 1]
        pdfium_c.FPDFText_GetCharOrigin(text_page, first, x, y)
        pdfium_c.FPDFText_GetCharBox(text_page, last, left, right, bottom, top)
        if y.value != baseline or is_new_line:
            baseline = y.value
            # Not the font size: pdfium gives it without the scale of the text matrix.
            pdfium_c.FPDFText_GetLooseCharBox(text_page, first, ctypes.byref(loose))
            height = max(loose.top - loose.bottom, top.value - bottom.value, 1.0)
        word = Word(
            match[0].translate(_MENDED_HYPHEN),
            x.value,
            right.value,
            baseline,
            height,
            not between and bool(found),
            # The last character of a word that is turned leaves its line.
            bottom.value - height <= baseline <= top.value + height,
            line,
        )
        found.append(_Placed(word, first, (left.value, bottom.value, right.value, top.value)))
        end = match.end()
    return found


def _turned(text_page: pdfium.PdfTextPage, placed: list[_Placed]) -> int:
    """Return how far most of the text is turned, in degrees: 0, 90, 180 or 270."""
    long = [entry for entry in placed if len(entry.word.text) > 2]
    backwards = sum(entry.word.right < entry.word.left for entry in long)
    astray = sum(not entry.word.is_upright for entry in long)
    if 2 * max(backwards, astray) <= len(long):
        return 0
    step = max(len(long) // _SAMPLE, 1)
    angles = Counter(
        round(math.degrees(pdfium_c.FPDFText_GetCharAngle(text_page, entry.first)) / 90) % 4 * 90
        for entry in long[::step]
    )
    return angles.most_common(1)[0][0]


def _turn_back(placed: list[_Placed], angle: int) -> list[Word]:
    cosine, sine = round(math.cos(math.radians(angle))), round(math.sin(math.radians(angle)))
    words = []
    for word, _, (left, bottom, right, top) in placed:
        ends = [x * cosine + y * sine for x in (left, right) for y in (bottom, top)]
        sides = [y * cosine - x * sine for x in (left, right) for y in (bottom, top)]
        baseline = word.baseline * cosine - word.left * sine
        height = max(max(sides) - min(sides), 1.0) * 1.3 if sine else word.height
        words.append(
            word._replace(
                left=word.left * cosine + word.baseline * sine,
                right=max(ends),
                baseline=baseline,
                height=height,
                is_upright=min(sides) - height <= baseline <= max(sides) + height,
            )
        )
    return words
