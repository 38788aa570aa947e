"""PDF italics: words in which pdfium lost an f, found and mended.

Two italic f overlap. pdfium takes the second for the first drawn twice, as some programs do for
bold type, and leaves it out; it then sees a gap and puts a space there: "dif er" for "differ". Such
an f is broad, and so is any other italic one; hence pypdf, which leaves nothing out, is asked what
the word is. 5 in 36 annual reports have such words.
"""

from __future__ import annotations

import ctypes
import re
import unicodedata
from dataclasses import replace

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from filesearch.load.pdf.pages import PageText

_BROAD = 0.48
"""Breadth of an f for the height of its line. In 36 reports and 40 other files upright ones, and
those of typewriters, are at 0.21 to 0.46, slanted ones at 0.5 to 0.8."""
_TORN = re.compile(r"(\w*f) (?=([a-z]\w*))")


def find_torn(text_page: pdfium.PdfTextPage) -> tuple[tuple[str, str], ...]:
    """Return the words of a page that may be torn, each once: what stands on either side."""
    text: str = text_page.get_text_range()
    if len(text) != pdfium_c.FPDFText_CountChars(text_page):
        return ()  # some glyph has no character: positions in the text are not those of glyphs
    return tuple(
        dict.fromkeys(
            (match[1], match[2])
            for match in _TORN.finditer(text)
            if _breadth(text_page, match.end(1) - 1) >= _BROAD
        )
    )


def mend_torn(page: PageText, other: PageText | None) -> PageText:
    """Return the page with its torn words put together where another reading has them whole.

    Args:
        page: As pdfium read it.
        other: The same page as pypdf read it; None where it could not.
    """
    if other is None:
        return page
    read = unicodedata.normalize("NFKC", "\n".join(line.text for line in other.lines))
    words = set(re.findall(r"\w+", read))
    whole = {
        f"{before} {behind}": f"{before}f{behind}"
        for before, behind in page.torn
        if f"{before}f{behind}" in words
    } | {
        before: f"{before}f"
        for before, _ in page.torn
        if f"{before}f" in words and before not in words
    }
    if not whole:
        return page
    torn = re.compile(rf"\b({'|'.join(map(re.escape, whole))})\b")
    lines = [
        line._replace(text=torn.sub(lambda match: whole[match[0]], line.text))
        for line in page.lines
    ]
    return replace(page, lines=tuple(lines))


def _breadth(text_page: pdfium.PdfTextPage, at: int) -> float:
    """Return how wide a glyph is for the height of its line; 0 where it has none."""
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    loose = pdfium_c.FS_RECTF()
    pdfium_c.FPDFText_GetCharBox(text_page, at, left, right, bottom, top)
    pdfium_c.FPDFText_GetLooseCharBox(text_page, at, ctypes.byref(loose))
    height = loose.top - loose.bottom
    return (right.value - left.value) / height if height > 0 else 0.0
