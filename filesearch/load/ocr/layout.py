"""OCR layout: the lines that an engine found on a picture -> its text and how sure it is.

Line[] -> Reading. Pure string work that the engines share. Lines stay lines; `mend` joins those
of a paragraph, as it does for PDF pages.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_MIN_CONFIDENCE = 30.0
"""Lines below are guesses at what is no text or in another script; those have 12 to 23."""
# Ideographs, kana, hangul, their punctuation and full-width forms.
_CJK = "\u2e80-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef"
_SPACE_AT_CJK = re.compile(rf"(?<=[{_CJK}]) +| +(?=[{_CJK}])")
_HALF_WIDTH = re.compile(rf"(?<=[\u4e00-\u9fff])[,;:?!](?=$|[{_CJK}])")
_TO_FULL_WIDTH = str.maketrans(",;:?!", "，；：？！")


class Line(NamedTuple):
    """A line as an engine found it.

    Attributes:
        text: Words with spaces between them, also between ideographs where the engine puts them.
        confidence: 0..100.
        paragraph: Anything that differs from the line before where a paragraph begins.
    """

    text: str
    confidence: float
    paragraph: object = 0


class Reading(NamedTuple):
    """What an engine read on a picture.

    Attributes:
        text: Lines as on the picture, a blank one between paragraphs; empty when there are none.
        confidence: Of all that was seen, also of what was left out, by characters; 0..100.
    """

    text: str = ""
    confidence: float = 0.0


def compose_reading(lines: Sequence[Line]) -> Reading:
    """Return the text of lines in reading order; those that are guesswork are left out."""
    pieces: list[str] = []
    before: Line | None = None
    weight = total = 0.0
    for line in lines:
        text = _tidy(line.text)
        if not text:
            continue
        weight += len(text)
        total += len(text) * line.confidence
        if line.confidence < _MIN_CONFIDENCE:
            continue
        if before is not None:
            pieces.append("\n" if line.paragraph == before.paragraph else "\n\n")
        pieces.append(text)
        before = line
    return Reading("".join(pieces), total / weight if weight else 0.0)


def _tidy(text: str) -> str:
    """Return a line without the spaces that engines put around ideographs.

    Engines tell the width of punctuation as badly as people do: between ideographs it is full.
    """
    joined = _SPACE_AT_CJK.sub("", " ".join(text.split()))
    return _HALF_WIDTH.sub(lambda found: found[0].translate(_TO_FULL_WIDTH), joined)
